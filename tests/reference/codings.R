# Bases of splines and survival, and models on them, for tests/design/test_ns_bs.py, test_fp.py and test_ps.py.
# Run: Rscript tests/reference/codings.R   (writes codings.json beside this file)
suppressMessages({library(splines); library(survival); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
set.seed(4)
x <- round(rgamma(150, 9, .06), 1)
new <- c(min(x) - 20, min(x), 80.5, 120, 151.3, 200, max(x), max(x) + 30)
inside <- new[new >= min(x) & new <= max(x)]
basis <- function(b) unname(as.matrix(unclass(b)[seq_len(nrow(b)), , drop = FALSE]))
describe <- function(b, at) list(knots = I(as.numeric(attr(b, "knots"))), boundary = attr(b, "Boundary.knots"),
                                 fitted = basis(b)[1:12, , drop = FALSE], new = basis(predict(b, at)))
ns_cases <- list(df1 = ns(x, 1), df2 = ns(x, 2), df4 = ns(x, 4), given = ns(x, knots = c(120, 150, 200)),
                 bounded = ns(x, df = 4, Boundary.knots = c(90, 230)))
bs_cases <- list(df3 = bs(x, 3), df6 = bs(x, 6), given = bs(x, knots = c(120, 150, 200)),
                 quadratic = bs(x, df = 5, degree = 2), lines = bs(x, knots = 150, degree = 1))
ps <- pspline(x, df = 4, penalty = FALSE)

# a penalised spline in a Cox model: lung, effective df 4 and 2.5
lung1 <- subset(lung, !is.na(age) & !is.na(ph.ecog))
penalised <- lapply(list(four = 4, two = 2.5), function(df) {
  fit <- coxph(Surv(time, status) ~ ph.ecog + pspline(age, df = df, eps = 1e-9, nterm = round(2.5 * df)), lung1,
               control = coxph.control(eps = 1e-12, toler.chol = 1e-14, outer.max = 60, iter.max = 60))
  at <- c(45, 50, 60, 70, 80)
  X <- cbind(0, predict(pspline(lung1$age, nterm = round(2.5 * df), penalty = FALSE), c(at, 62)))
  rows <- sweep(X[1:5, ], 2, X[6, ])
  list(df = df, theta = fit$history[[1]]$theta, loglik = fit$loglik, dfs = fit$df, coef = unname(coef(fit)),
       var = unname(fit$var), var2 = unname(fit$var2),
       at = at, estimate = as.numeric(rows %*% coef(fit)), se = sqrt(diag(rows %*% fit$var %*% t(rows))))
})

# fractional polynomials by hand, on the shift and scale that mfp would use
fp_scale <- function(x) {
  shift <- if (min(x) <= 0) { z <- diff(sort(x)); ceiling((min(z[z > 0]) - min(x)) * 10) / 10 } else 0
  list(shift = shift, scale = 10^(sign(log10(mean(x + shift))) * round(abs(log10(mean(x + shift))))))
}
pow <- function(x, p) if (p == 0) log(x) else x^p
fp_terms <- function(x, p) if (length(p) == 1) cbind(pow(x, p)) else
  cbind(pow(x, p[1]), if (p[1] == p[2]) pow(x, p[1]) * log(x) else pow(x, p[2]))
S <- c(-2, -1, -.5, 0, .5, 1, 2, 3)
pairs <- do.call(rbind, lapply(seq_along(S), function(i) cbind(S[i], S[i:8])))
all_powers <- c(list(numeric()), as.list(S), lapply(seq_len(nrow(pairs)), function(i) pairs[i, ]))
deviances <- function(fit_deviance, x) {
  s <- fp_scale(x); z <- (x + s$shift) / s$scale
  list(shift = s$shift, scale = s$scale, powers = lapply(all_powers, I),
       deviance = sapply(all_powers, function(p) fit_deviance(if (length(p)) fp_terms(z, p) else NULL)))
}
pbc1 <- subset(pbc, !is.na(bili) & !is.na(age))
cox_deviance <- function(X) -2 * tail(if (is.null(X)) coxph(Surv(time, status == 2) ~ age, pbc1)$loglik else
  coxph(Surv(time, status == 2) ~ X + age, pbc1, control = coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 50))$loglik, 1)
set.seed(12)
logit <- data.frame(u = round(runif(400, -1, 6), 2), w = rbinom(400, 1, .4))
logit$y <- rbinom(400, 1, plogis(-2 + 1.4 * log(logit$u + 1.01) + .5 * logit$w))
glm_deviance <- function(X) deviance(if (is.null(X)) glm(y ~ w, binomial, logit) else glm(y ~ X + w, binomial, logit))

write_json(list(
  x = x, new = new, inside = inside,
  ns = lapply(ns_cases, describe, at = new), bs = lapply(bs_cases, describe, at = inside),
  ps = list(nterm = 10, fitted = unname(unclass(ps)[1:12, ]), new = unname(unclass(predict(ps, new))[seq_along(new), ])),
  penalised = penalised, lung = lung1[c("time", "status", "age", "ph.ecog")],
  fp = list(cox = deviances(cox_deviance, pbc1$bili), logistic = deviances(glm_deviance, logit$u), frame = logit,
            pbc = data.frame(time = pbc1$time, death = as.integer(pbc1$status == 2), bili = pbc1$bili, age = pbc1$age)),
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")))
), file.path(here, "codings.json"), digits = NA, auto_unbox = TRUE, dataframe = "columns", matrix = "rowmajor")
