# The main and the least adjusted models of analyses/igf1-metabolic.toml in R's glm, with Hmisc's knots and bases; the
# outcomes are made here again from the measurements, without looking at the cohort's own.
#
# The table is made as for igf1_mortality.R; then: Rscript tests/reference/igf1_metabolic.R nhanes3.csv
# It writes igf1_metabolic.json beside this file.
suppressMessages({library(Hmisc); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(commandArgs(TRUE)[1], na.strings = "", stringsAsFactors = FALSE)
stopifnot(all(d$fasting_hours >= 6))
d$sex <- factor(d$sex, c("Male", "Female"))
d$race_ethnicity <- factor(d$race_ethnicity, c("Non-Hispanic white", "Non-Hispanic black", "Mexican American", "Other"))
d$smoking <- factor(d$smoking, c("Never", "Former", "Current"))

men <- d$sex == "Male"
limit <- matrix(c(102, 94, 90, 102, 88, 80, 80, 88), 4)[cbind(as.integer(d$race_ethnicity), 2 - men)]
homa <- d$insulin * d$glucose / 405
parts <- data.frame(waist = d$waist > ifelse(men, 102, 88), triglycerides = d$triglycerides >= 150,
                    hdl = d$hdl < ifelse(men, 40, 50), pressure = d$sbp >= 130 | d$dbp >= 85)
y <- data.frame(atp3 = rowSums(cbind(parts, d$glucose >= 110)) >= 3,
                harmonised = rowSums(cbind(parts[-1], d$waist >= limit, d$glucose >= 100)) >= 3,
                insulin_resistance = homa > 2.5, homa_top_quarter = homa > quantile(homa, 0.75, na.rm = TRUE),
                wide_waist = parts$waist, raised_triglycerides = parts$triglycerides, reduced_hdl = parts$hdl,
                raised_blood_pressure = parts$pressure, raised_glucose = d$glucose >= 100)
sets <- list(`age-sex` = ~ sex, lifestyle = ~ sex + race_ethnicity + smoking)

spline <- function(x, knots) rcspline.eval(x, knots, inclx = TRUE)
fits <- list()
for (exposure in c("igf1", "igf1_igfbp3_ratio")) {
  value <- d[[exposure]]
  knots <- as.numeric(rcspline.eval(value, nk = 5, knots.only = TRUE))
  cuts <- as.numeric(quantile(value, 1:4 / 5, na.rm = TRUE))
  for (outcome in c("atp3", "insulin_resistance")) for (model in names(sets)) {
    used <- complete.cases(value, y[[outcome]], d$age, d[all.vars(sets[[model]])])
    k <- d[used, ]; x <- value[used]
    z <- model.matrix(sets[[model]], k)[, -1, drop = FALSE]
    age <- spline(k$age, as.numeric(rcspline.eval(k$age, nk = 4, knots.only = TRUE)))
    for (coding in c("spline", "groups", "linear")) {
      e <- switch(coding, spline = spline(x, knots), groups = model.matrix(~ relevel(cut(x, c(-Inf, cuts, Inf)), 3))[, -1],
                  linear = cbind(x / sd(value, na.rm = TRUE)))
      f <- glm(y[[outcome]][used] ~ cbind(e, age, z), binomial, control = glm.control(1e-14, 50))
      own <- 1 + seq_len(ncol(e)); b <- coef(f)[own]; v <- vcov(f)[own, own, drop = FALSE]
      fits[[length(fits) + 1]] <- list(exposure = exposure, outcome = outcome, coding = coding, model = model,
        n = nobs(f), events = sum(f$y), loglik = as.numeric(logLik(f)), estimate = unname(coef(f)),
        se = unname(sqrt(diag(vcov(f)))), overall = sum(b * solve(v, b)))
    }
  }
}
write_json(list(fits = fits, cases = lapply(y, sum, na.rm = TRUE), known = lapply(y, function(s) sum(!is.na(s))),
                versions = list(R = R.version.string, Hmisc = as.character(packageVersion("Hmisc")))),
           file.path(here, "igf1_metabolic.json"), digits = NA, auto_unbox = TRUE)
