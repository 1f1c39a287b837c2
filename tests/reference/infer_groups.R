# Frozen reference numbers: floating variances (Epi::float), quasi-variances (qvcalc) and likelihood-ratio tests.
# Run in this folder after infer_rms.R: Rscript infer_groups.R   (writes infer_groups.json)
suppressPackageStartupMessages({library(survival); library(Epi); library(qvcalc); library(rms); library(jsonlite)})
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50)

# Epi stops when no variance moves by more than a thousandth; its own iteration, carried to convergence, is the truth here.
converged <- eval(parse(text = sub("tol = 0.001", "tol = 1e-13", deparse(Epi::float), fixed = TRUE)))

groups_of <- function(fit, factor, k) {
  at <- grep(paste0("^", factor), names(coef(fit)))
  f <- converged(fit, factor, iter.max = 5000)
  q <- qvcalc(fit, factor)
  list(coef = unname(coef(fit)), vcov = unname(vcov(fit)), at = at, level = names(f$coef), float_var = unname(f$var),
       quasi_var = unname(q$qvframe$quasiVar))
}

pbc <- read.csv("infer_pbc.csv")
pbc$fifth <- cut(pbc$albumin, quantile(pbc$albumin, 0:5 / 5), include.lowest = TRUE, labels = paste0("Q", 1:5))
cox <- coxph(Surv(time, died) ~ fifth + age + sex + edema, pbc, control = tight)
births <- read.csv("infer_birthwt.csv", stringsAsFactors = TRUE)
logistic <- glm(low ~ race + lwt + smoke, binomial, births, epsilon = 1e-14, maxit = 50)

out <- list(pbc = groups_of(cox, "fifth"), birthwt = groups_of(logistic, "race"))
out$pbc$n <- as.vector(table(pbc$fifth)); out$pbc$events <- as.vector(tapply(pbc$died, pbc$fifth, sum))
out$pbc$person_time <- as.vector(tapply(pbc$time, pbc$fifth, sum))

lung <- read.csv("infer_lung.csv")
full <- coxph(Surv(time, died) ~ rcs(age, 4) * sex + rcs(karno, c(60, 75, 95)) + loss, lung, control = tight)
ll <- function(formula) coxph(formula, lung, control = tight)$loglik[2]
top <- full$loglik[2]
out$lung <- list(
  age_overall = 2 * (top - ll(Surv(time, died) ~ sex + rcs(karno, c(60, 75, 95)) + loss)),
  age_interaction = 2 * (top - ll(Surv(time, died) ~ rcs(age, 4) + sex + rcs(karno, c(60, 75, 95)) + loss)),
  age_nonlinear = 2 * (top - ll(Surv(time, died) ~ age * sex + rcs(karno, c(60, 75, 95)) + loss)),
  karno_nonlinear = 2 * (top - ll(Surv(time, died) ~ rcs(age, 4) * sex + karno + loss)),
  loss_overall = 2 * (top - ll(Surv(time, died) ~ rcs(age, 4) * sex + rcs(karno, c(60, 75, 95)))),
  TOTAL_overall = 2 * diff(full$loglik))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "infer_groups.json")
