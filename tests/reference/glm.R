# Logistic, Poisson and conditional logistic regression, their robust covariances, concordance and Firth's penalty.
# Run: Rscript tests/reference/glm.R   (writes glm.json and the data, glm_*.csv, beside this file)
suppressMessages({library(survival); library(sandwich); library(splines); library(Epi); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
tight <- glm.control(epsilon = 1e-14, maxit = 100)

d <- data.frame(infert[c("case", "age", "parity", "spontaneous", "induced", "stratum")],
                education = as.character(infert$education), w = 1 + (seq_len(nrow(infert)) %% 3) / 2,
                o = round(sin(seq_len(nrow(infert))), 3))
write.csv(d, file.path(here, "glm_infert.csv"), row.names = FALSE, quote = FALSE)
data(lungDK)
rates <- transform(lungDK, age = A5 + 2.5, period = factor(P5))[c("age", "period", "D", "Y")]
rates <- rates[rates$age > 40, ]
write.csv(rates, file.path(here, "glm_lungdk.csv"), row.names = FALSE, quote = FALSE)

ll <- function(fit) if (fit$family$family == "binomial") -deviance(fit) / 2 else as.numeric(logLik(fit)) # weights
describe <- function(fit, cluster = NULL) {
  # glm's covariance has the weights of its last iteration but one; one more from where it ended makes them its own
  fit <- glm(fit$y ~ model.matrix(fit) - 1, family = fit$family, weights = fit$prior.weights, offset = fit$offset,
             control = tight, start = coef(fit), x = TRUE)
  null <- glm(fit$y ~ 1, family = fit$family, weights = fit$prior.weights, offset = fit$offset, control = tight)
  score <- anova(null, glm(fit$y ~ fit$x[, -1], family = fit$family, weights = fit$prior.weights,
                           offset = fit$offset, control = tight), test = "Rao")$Rao[2]
  list(names = sub("model.matrix.fit.", "", names(coef(fit))), coef = unname(coef(fit)), cov = unname(vcov(fit)), robust = unname(sandwich(fit)),
       cluster = if (is.null(cluster)) NULL else unname(vcovCL(fit, cluster, type = "HC0", cadjust = FALSE)),
       loglik = ll(fit), loglik_null = ll(null), score = score)
}
warn <- options(warn = -1) # non-integer successes under case weights
logistic <- list(
  plain = describe(glm(case ~ age + parity + education + spontaneous + induced, binomial, d, control = tight), d$stratum),
  weighted = describe(glm(case ~ age + education * spontaneous, binomial, d, weights = w, control = tight), d$stratum),
  offset = describe(glm(case ~ ns(age, 3) + spontaneous + offset(o), binomial, d, control = tight), d$stratum))
options(warn)
poisson <- list(
  rates = describe(glm(D ~ age + period + offset(log(Y)), poisson, rates, control = tight), rates$period),
  quadratic = describe(glm(D ~ ns(age, 4) + period + offset(log(Y)), poisson, rates, control = tight)),
  risks = describe(glm(case ~ age + spontaneous + induced, poisson, d, control = tight), d$stratum))

cox_exact <- function(f, data) {
  fit <- clogit(f, data, method = "exact", control = coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50))
  list(names = names(coef(fit)), coef = unname(coef(fit)), cov = unname(vcov(fit)), loglik = fit$loglik[2],
       loglik_null = fit$loglik[1], score = fit$score, n = fit$n, events = fit$nevent)
}
retinopathy1 <- transform(retinopathy, left = as.integer(eye == "left"), treated = trt)
write.csv(retinopathy1[c("id", "status", "left", "treated", "risk", "futime")],
          file.path(here, "glm_retinopathy.csv"), row.names = FALSE, quote = FALSE)
matched <- list(
  infert = cox_exact(case ~ spontaneous + induced + strata(stratum), d),
  factor = cox_exact(case ~ factor(spontaneous) + induced + strata(stratum), d),
  # sets of tens of people, with many cases each
  education = cox_exact(case ~ spontaneous + induced + age + strata(education), d),
  pairs = cox_exact(status ~ treated + risk + strata(id), retinopathy1))

plain <- glm(case ~ age + parity + education + spontaneous + induced, binomial, d, control = tight)
auc <- concordance(plain)
firth <- function(X, y, family) { # the definition, by a general optimiser
  variance <- function(eta) if (family == "binomial") plogis(eta) * plogis(-eta) else exp(eta)
  density <- function(eta) if (family == "binomial") sum(dbinom(y, 1, plogis(eta), log = TRUE)) else
    sum(dpois(y, exp(eta), log = TRUE))
  value <- function(b) { eta <- c(X %*% b); density(eta) + determinant(t(X) %*% (X * variance(eta)))$modulus / 2 }
  full <- optim(rep(0, ncol(X)), function(b) -value(b), method = "BFGS", control = list(reltol = 1e-16, maxit = 1e4,
                ndeps = rep(1e-5, ncol(X))))
  null <- optimize(function(a) value(c(a, rep(0, ncol(X) - 1))), c(-10, 10), maximum = TRUE, tol = 1e-10)
  list(coef = full$par, loglik = -full$value, loglik_null = null$objective,
       cov = unname(solve(t(X) %*% (X * variance(c(X %*% full$par))))))
}
separated <- data.frame(y = c(0, 0, 0, 0, 1, 0, 1, 1, 1, 1), x = c(1, 2, 3, 4, 5, 4.5, 6, 7, 8, 9) / 3,
                        g = c(0, 0, 0, 1, 1, 0, 1, 1, 1, 1))
write_json(list(
  logistic = logistic, poisson = poisson, clogit = matched,
  auc = list(estimate = unname(auc$concordance), se = sqrt(auc$var)),
  deciles = {p <- fitted(plain); g <- cut(p, quantile(p, 0:5 / 5), include.lowest = TRUE)
    list(n = as.numeric(table(g)), observed = as.numeric(tapply(d$case, g, sum)),
         expected = as.numeric(tapply(p, g, sum)))},
  firth = list(data = separated, logistic = firth(cbind(1, separated$x, separated$g), separated$y, "binomial"),
               poisson = firth(cbind(1, separated$g, separated$x), separated$y, "poisson")),
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                  sandwich = as.character(packageVersion("sandwich")))
), file.path(here, "glm.json"), digits = NA, auto_unbox = TRUE, dataframe = "columns", matrix = "rowmajor")
