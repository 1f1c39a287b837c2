# Frozen reference numbers of a screen: survival::coxph and cox.zph, once for every exposure and outcome of pbc.
# Run in this folder: Rscript screen.R   (writes screen.csv and screen.json)
suppressPackageStartupMessages({library(survival); library(jsonlite)})

d <- transform(survival::pbc, died = as.integer(status == 2), worse = as.integer(status > 0), sex = as.character(sex))
d$age_in <- floor(d$age * 365.25); d$age_out <- d$age_in + d$time; d$firm <- as.integer(d$edema > 0)
exposures <- c("bili", "chol", "albumin", "copper", "ast", "trig", "platelet", "protime", "spiders")
d <- d[, c("time", "died", "worse", "age_in", "age_out", "age", "sex", "firm", exposures)]
d$time2 <- ifelse(seq_len(nrow(d)) %% 7 == 0, NA, d$time)
write.csv(d, "screen.csv", row.names = FALSE, quote = FALSE, na = "")

outcomes <- list(died = "Surv(time, died)", age = "Surv(age_in, age_out, died)", worse = "Surv(time2, worse)")
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
bent <- function(x, t) {  # Harrell's restricted cubic spline without its linear column
  k <- length(t); plus <- function(u) pmax(u, 0)^3
  sapply(seq_len(k - 2), function(j) plus(x - t[j]) - plus(x - t[k - 1]) * (t[k] - t[j]) / (t[k] - t[k - 1]) +
           plus(x - t[k]) * (t[k - 1] - t[j]) / (t[k] - t[k - 1])) / (t[k] - t[1])^2
}
one <- function(x, outcome, ties, strata) {
  own <- d[!is.na(d[[x]]), ]
  t <- quantile(own[[x]], c(.05, .35, .65, .95), type = 7)
  unit <- sd(own[[x]])
  own$z <- own[[x]] / unit
  own <- own[complete.cases(own[, all.vars(parse(text = outcomes[[outcome]]))]), ]
  formula <- function(...) as.formula(paste(outcomes[[outcome]], "~", paste(c("age + sex", ..., strata), collapse = " + ")))
  null <- coxph(formula(), own, ties = ties, control = exact)
  fit <- coxph(formula("z"), own, ties = ties, control = exact)
  first <- coxph(formula("z"), own, ties = ties, init = c(coef(null), 0), control = coxph.control(iter.max = 0))
  row <- list(exposure = x, outcome = outcome, ties = ties, strata = strata, unit = unit, n = fit$n, events = fit$nevent,
              estimate = coef(fit)[["z"]], se = sqrt(vcov(fit)["z", "z"]), chi2 = 2 * (fit$loglik[2] - null$loglik[2]),
              chi2_score = first$score, chi2_ph = cox.zph(fit)$table["z", "chisq"])
  if (length(unique(own[[x]])) > 6) {
    b <- bent(own[[x]], t); own$b1 <- b[, 1] / sd(b[, 1]); own$b2 <- b[, 2] / sd(b[, 2])
    more <- coxph(formula("z", "b1", "b2"), own, ties = ties, init = c(coef(fit), 0, 0),
                  control = coxph.control(iter.max = 0))
    row$chi2_nonlinear <- more$score
  }
  row
}
rows <- list()
for (ties in c("efron", "breslow")) for (strata in c("", "strata(firm)")) for (o in names(outcomes)) for (x in exposures)
  rows <- c(rows, list(one(x, o, ties, if (strata == "") NULL else strata)))
write_json(list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))), rows = rows),
           "screen.json", digits = NA, auto_unbox = TRUE, null = "null")
