# A Cox model by survival::coxph whose first Newton step goes far past the maximum, for tests/fit/test_cox_diagnosis.py.
# The data are random: 44 people, 4 events, weights from 0.007 to 41, a level of two people and a strong offset.
# Run: Rscript tests/reference/cox_leap.R   (refits the data in cox_leap.json beside this file)
suppressMessages({library(survival); library(jsonlite)})
path <- file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))), "cox_leap.json")
data <- as.data.frame(fromJSON(path)$data)
fit <- coxph(Surv(time, ill) ~ a + b + c + rare + g + offset(off), data, weights = w, ties = "breslow", robust = FALSE,
             control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 100))
write_json(list(version = as.character(packageVersion("survival")), data = data, coef = unname(coef(fit)),
                loglik = fit$loglik[2]), path, digits = NA, dataframe = "columns", auto_unbox = TRUE)
