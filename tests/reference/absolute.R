# Frozen reference numbers: absolute risks of competing causes, standardised risks, restricted mean times, predictions.
# Run in this folder: Rscript absolute.R   (writes absolute_melanoma.csv and absolute.json; reads incidence.csv)
suppressPackageStartupMessages({library(survival); library(riskRegression); library(prodlim); library(jsonlite)})
data(Melanoma)
write.csv(Melanoma[c("time", "status", "sex", "age", "logthick", "invasion")], "absolute_melanoma.csv", row.names = FALSE)
fit <- CSC(Hist(time, status) ~ sex + age + logthick + invasion, data = Melanoma)
times <- c(1000, 2500)
standardised <- function(cause) {
  a <- ate(fit, data = Melanoma, treatment = "sex", times = times, cause = cause, se = TRUE, verbose = FALSE)
  list(risk = as.data.frame(a$meanRisk)[c("time", "treatment", "estimate", "se")],
       difference = as.data.frame(a$diffRisk)[c("time", "estimate", "se")],
       ratio = as.data.frame(a$ratioRisk)[c("time", "estimate", "se")])
}
predicted <- function(cause, limit) {
  p <- predict(fit, newdata = Melanoma[c(1, 50, 100), ], times = times, cause = cause, se = TRUE, confint = TRUE,
               product.limit = limit)
  list(estimate = p$absRisk, se = p$absRisk.se, low = p$absRisk.lower, high = p$absRisk.upper)
}
own <- CSC(list(Hist(time, status) ~ age + strata(sex), Hist(time, status) ~ logthick), data = Melanoma)
q <- predict(own, newdata = Melanoma[c(1, 50, 100), ], times = times, cause = 1, se = TRUE)

late <- read.csv("incidence.csv")
state <- factor(with(late, event + 2 * competing), 0:2)
aalen <- survfit(Surv(entry, exit, state) ~ 1, late, id = seq_len(nrow(late)), start.time = 50)
whole <- survfit(Surv(entry, exit, event + competing) ~ 1, late, start.time = 50)
lost <- summary(aalen, rmean = 75)$table
alone <- summary(whole, rmean = 75)$table
curve <- function(ties) {
  cox <- coxph(Surv(entry, exit, event) ~ x, late, ties = ties)
  s <- summary(survfit(cox, newdata = data.frame(x = c(-1, 0.5)), conf.type = "log-log"), times = c(60, 70, 80))
  list(surv = s$surv, cumhaz = s$cumhaz, se_cumhaz = s$std.err / s$surv, low = s$lower, high = s$upper)
}
write(toJSON(list(
  ate = list("1" = standardised(1), "2" = standardised(2)),
  limit = list("1" = predicted(1, TRUE), "2" = predicted(2, TRUE)),
  exponential = predicted(1, FALSE), own = list(estimate = q$absRisk, se = q$absRisk.se),
  lost = unname(lost[, "rmean"]),
  alone = list(rmean = unname(alone["rmean"]), se = unname(alone["se(rmean)"])),
  survfit = list(efron = curve("efron"), breslow = curve("breslow")),
  versions = list(R = R.version.string, riskRegression = as.character(packageVersion("riskRegression")),
                  survival = as.character(packageVersion("survival")))
), digits = NA, auto_unbox = TRUE), "absolute.json")
