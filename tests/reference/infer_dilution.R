# Frozen reference numbers: dilution ratios, regression calibration and SIMEX by hand (lm, tapply, integrate, coxph), and
# p.adjust. The data are pbcseq of the survival package: albumin at entry and at the first visit half a year or more later.
# Run in this folder: Rscript infer_dilution.R   (writes infer_dilution.csv, infer_dilution.json)
suppressPackageStartupMessages({library(survival); library(Hmisc); library(jsonlite)})
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50)

entry <- pbcseq[!duplicated(pbcseq$id), ]
later <- pbcseq[pbcseq$day >= 180 & pbcseq$day <= 730 & !is.na(pbcseq$albumin), ]
later <- later[!duplicated(later$id), ]
d <- data.frame(time = entry$futime, died = as.integer(entry$status == 2), albumin = entry$albumin, age = entry$age,
                female = as.integer(entry$sex == "f"), logbili = log(entry$bili),
                repeated = later$albumin[match(entry$id, later$id)])
write.csv(d, "infer_dilution.csv", row.names = FALSE, na = "")
d <- read.csv("infer_dilution.csv")

slope <- function(formula) {
  fit <- lm(formula, d)
  c(unname(coef(summary(fit))["albumin", 1:2]), unname(confint(fit)["albumin", ]), length(residuals(fit)))
}
rosner <- list(alone = slope(repeated ~ albumin), by = slope(repeated ~ albumin + factor(female)),
               given = slope(repeated ~ albumin + age + logbili + factor(female)))
within <- function(ratio, formula) sqrt((1 - ratio) * summary(lm(formula, d))$sigma^2)
within_sd <- list(alone = within(rosner$alone[1], albumin ~ 1), by = within(rosner$by[1], albumin ~ factor(female)),
                  given = within(rosner$given[1], albumin ~ age + logbili + factor(female)))

# MacMahon and Peto: fifths cut in everybody, means in those measured twice; Fieller's variance of the ratio by hand.
d$fifth <- cut(d$albumin, quantile(d$albumin, 0:5 / 5), include.lowest = TRUE, labels = paste0("Q", 1:5))
twice <- !is.na(d$repeated)
at1 <- with(d[twice, ], tapply(albumin, fifth, mean)); at2 <- with(d[twice, ], tapply(repeated, fifth, mean))
range1 <- unname(at1[5] - at1[1]); range2 <- unname(at2[5] - at2[1]); lambda <- range2 / range1
ends <- lapply(c("Q1", "Q5"), function(q) with(d[twice & d$fifth == q, ], cov(cbind(albumin, repeated)) / length(albumin)))
v <- ends[[1]] + ends[[2]]
mp <- list(ratio = lambda, se = sqrt(v[2, 2] - 2 * lambda * v[1, 2] + lambda^2 * v[1, 1]) / range1,
           n = as.vector(table(d$fifth)), measured = as.vector(tapply(d$albumin, d$fifth, mean)),
           n_repeat = as.vector(table(d$fifth[twice])), usual = as.vector(at2),
           usual_se = as.vector(with(d[twice, ], tapply(repeated, fifth, function(x) sd(x) / sqrt(length(x))))))

# Regression calibration of a spline: each column's mean over the normal distribution of usual albumin given the rest.
ratio <- rosner$given[1]
rest <- lm(albumin ~ age + logbili + factor(female), d)
error <- within_sd$given^2; spread <- summary(rest)$sigma^2; share <- error / spread
knots <- rcspline.eval(d$albumin, nk = 4, knots.only = TRUE)
knots <- mean(d$albumin) + sqrt(1 - error / var(d$albumin)) * (knots - mean(d$albumin))
expected <- function(share) {
  centre <- d$albumin - share * residuals(rest); sd <- sqrt(share * (1 - share) * spread)
  column <- function(j) sapply(centre, function(m) integrate(function(u)
    rcspline.eval(u, knots, inclx = TRUE)[, j] * dnorm(u, m, sd), m - 9 * sd, m + 9 * sd, rel.tol = 1e-9,
    subdivisions = 500)$value)
  sapply(1:3, column)
}
calibration <- function(share) {
  x <- expected(share)
  fit <- coxph(Surv(time, died) ~ x + age + logbili + strata(female), d, control = tight)
  list(coef = unname(coef(fit)), vcov = unname(vcov(fit)))
}
best <- calibration(share)
h <- share * rosner$given[2] / (1 - ratio)
drift <- (calibration(share + h)$coef - calibration(share - h)$coef) / 2
calibrated <- list(knots = knots, coef = best$coef, vcov = best$vcov + outer(drift, drift))

# SIMEX by hand, 2000 replicates: mean coefficients at each added error and their Monte Carlo standard errors.
set.seed(20); added <- c(0.5, 1, 1.5, 2); B <- 2000; sd <- within_sd$given
naive <- coxph(Surv(time, died) ~ albumin + age + logbili + strata(female), d, control = tight)
steps <- lapply(added, function(zeta) {
  fits <- replicate(B, {
    d$noisy <- d$albumin + sqrt(zeta) * sd * rnorm(nrow(d))
    fit <- coxph(Surv(time, died) ~ noisy + age + logbili + strata(female), d)
    c(coef(fit)[1], vcov(fit)[1, 1])
  })
  c(mean(fits[1, ]), sd(fits[1, ]), mean(fits[2, ]) - var(fits[1, ]))
})
zeta <- c(0, added); b <- c(coef(naive)[1], sapply(steps, `[`, 1)); variance <- c(vcov(naive)[1, 1], sapply(steps, `[`, 3))
back <- function(y) unname(predict(lm(y ~ zeta + I(zeta^2)), data.frame(zeta = -1)))
terms <- coef(lm(b ~ zeta + I(zeta^2)))
simex <- list(mean = unname(b), sd = c(0, sapply(steps, `[`, 2)), estimate = back(b),
              variance = back(variance) + (unname(terms[2] - 2 * terms[3]) * rosner$given[2] / (1 - ratio))^2)

# What the parabola makes of an attenuated line, by dilution ratio.
ratios <- c(0.5, 0.6, 0.75, 0.9)
reach <- sapply(ratios, function(l) back(1 / (1 + (1 + zeta) * (1 - l) / l)))

p <- c(0.01, 0.02, 0.03, 0.04, 0.05, 0.0004, 0.5, 0.03, 1, 0.2)
adjusted <- lapply(c(holm = "holm", fdr_bh = "BH", fdr_by = "BY", bonferroni = "bonferroni"), function(m) p.adjust(p, m))
write(toJSON(list(rosner = rosner, within_sd = within_sd, macmahon_peto = mp, calibrated = calibrated, simex = simex,
                  reach = list(ratio = ratios, estimate = reach), adjusted = c(list(p = p), adjusted)),
             digits = NA, auto_unbox = TRUE), "infer_dilution.json")
