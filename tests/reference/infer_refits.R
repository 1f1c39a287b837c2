# Frozen reference numbers: splines of 3 to 7 knots by AIC and likelihood ratio, and interrupted regressions (two lines).
# Run in this folder after infer_rms.R: Rscript infer_refits.R   (writes infer_refits.json)
suppressPackageStartupMessages({library(survival); library(rms); library(jsonlite)})
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50)
pbc <- read.csv("infer_pbc.csv"); births <- read.csv("infer_birthwt.csv", stringsAsFactors = TRUE)

without <- coxph(Surv(time, died) ~ sex + edema, pbc, control = tight)$loglik[2]
line <- coxph(Surv(time, died) ~ age + sex + edema, pbc, control = tight)
fits <- c(list(line), lapply(3:7, function(k) coxph(Surv(time, died) ~ rcs(age, k) + sex + edema, pbc, control = tight)))
ll <- sapply(fits, function(f) f$loglik[2]); df <- c(1, 2:6)
knots <- list(knots = c(0, 3:7), loglik = ll, aic = sapply(fits, AIC), p = pchisq(2 * (ll - without), df, lower = FALSE),
              p_nonlinear = c(NA, pchisq(2 * (ll[-1] - ll[1]), df[-1] - 1, lower = FALSE)))

# Simonsohn's interrupted regressions: people at the break belong to the line whose slope is taken.
slopes <- function(x, at, fit) {
  one <- function(below, name) {
    z <- data.frame(line1 = ifelse(below, x - at, 0), line2 = ifelse(below, 0, x - at), jump = as.numeric(!below))
    s <- coef(summary(fit(z)))
    c(s[name, 1], s[name, if ("se(coef)" %in% colnames(s)) "se(coef)" else "Std. Error"], s[name, ncol(s)])
  }
  list(lower = one(x <= at, "line1"), upper = one(x < at, "line2"))
}
lines <- list(
  cox = slopes(pbc$age, 50.03, function(z) coxph(Surv(time, died) ~ line1 + line2 + jump + sex + edema, cbind(pbc, z),
                                                 control = tight)),
  logistic = slopes(births$age, 25, function(z) glm(low ~ line1 + line2 + jump + smoke, binomial, cbind(births, z),
                                                    epsilon = 1e-14, maxit = 50)))
write(toJSON(list(knots = knots, lines = lines), digits = NA, auto_unbox = TRUE), "infer_refits.json")
