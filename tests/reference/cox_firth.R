# Firth's penalised Cox likelihood, l(b) + log det I(b) / 2, from coxph evaluated at given coefficients (no iterations) and
# maximised by optim: a way to it that shares nothing with the one tested. For tests/fit/test_firth.py.
# Run: Rscript tests/reference/cox_firth.R   (writes cox_firth.json beside this file)
suppressMessages({library(survival); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- as.data.frame(fromJSON(file.path(here, "cox_grid.json"))$data$aged)[1:200, ]
d$event[d$g == "former"] <- 0  # separated: nobody of this level falls ill
one <- function(ties, entry) {
  f <- as.formula(paste(if (entry) "Surv(entry, exit, event)" else "Surv(exit, event)", "~ x1 + g + x2 + strata(s)"))
  penalised <- function(b) {
    fit <- suppressWarnings(coxph(f, d, weights = w, ties = ties, init = b, robust = FALSE,
                                  control = coxph.control(iter.max = 0)))
    fit$loglik[1] - as.numeric(determinant(fit$var)$modulus) / 2
  }
  b <- c(0, -2, 0, 0)
  for (round in 1:4) b <- optim(b, penalised, method = "BFGS", control = list(fnscale = -1, reltol = 1e-15, maxit = 500,
    parscale = c(.02, 1, .3, .2), ndeps = rep(1e-4, 4)))$par
  final <- suppressWarnings(coxph(f, d, weights = w, ties = ties, init = b, robust = FALSE,
                                  control = coxph.control(iter.max = 0)))
  list(ties = ties, entry = entry, coef = b, loglik = c(penalised(rep(0, 4)), penalised(b)), se = sqrt(diag(final$var)))
}
cases <- list(one("efron", TRUE), one("breslow", TRUE), one("efron", FALSE), one("breslow", FALSE))
write_json(list(rows = 200, cases = cases), file.path(here, "cox_firth.json"), digits = NA, auto_unbox = TRUE)
