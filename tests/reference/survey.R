# Design-based covariance of Cox, logistic, Poisson and linear models in R's survey, on a sample made here.
#   Rscript tests/reference/survey.R
# It writes survey.csv (the sample) and survey.json (the numbers) beside this file.
suppressMessages({library(survey); library(survival); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))

set.seed(7)
psus <- data.frame(stratum = rep(1:8, c(2, 2, 2, 3, 3, 2, 2, 1)))
psus$psu <- ave(psus$stratum, psus$stratum, FUN = seq_along)
d <- psus[rep(seq_len(nrow(psus)), sample(20:45, nrow(psus), TRUE)), ]
n <- nrow(d)
d$weight <- round(exp(rnorm(n, 8 + d$stratum / 8, .6)), 2)
d$female <- rbinom(n, 1, .5)
d$age <- sample(30:79, n, TRUE)
d$x <- round(rnorm(n, .2 * d$psu + .1 * d$stratum), 3)
d$group <- sample(c("a", "b", "c"), n, TRUE)
d$x[sample(n, 25)] <- NA
z <- ifelse(is.na(d$x), 0, d$x)
d$entry <- round(runif(n, 0, 2), 1)
d$exit <- d$entry + ceiling(4 * rexp(n, .3 * exp(.4 * z + .02 * (d$age - 55)))) / 4   # many ties
d$event <- as.integer(d$exit < 6)
d$exit <- pmin(d$exit, 6)
d <- d[d$exit > d$entry, ]
n <- nrow(d)
z <- ifelse(is.na(d$x), 0, d$x)
d$case <- rbinom(n, 1, plogis(-1 + .5 * z + .3 * d$female))
d$count <- rpois(n, exp(.2 + .3 * z))
d$years <- round(runif(n, .5, 5), 2)
d$y <- round(5 + z + .03 * d$age + rnorm(n), 3)
d$rare <- as.integer(d$stratum %in% 1:3 & d$psu == 1 | d$stratum %in% 4:6 & d$x > -.5)  # misses whole PSUs and strata
write.csv(d, file.path(here, "survey.csv"), row.names = FALSE, quote = FALSE, na = "")

tight <- coxph.control(eps = 1e-12, iter.max = 50, toler.chol = 1e-14)
exact <- glm.control(epsilon = 1e-14, maxit = 100)
models <- list(
  cox = function(g) svycoxph(Surv(entry, exit, event) ~ x + age + group, g, control = tight),
  `cox in strata` = function(g) svycoxph(Surv(entry, exit, event) ~ x + age + strata(female), g, control = tight),
  `cox without entry` = function(g) svycoxph(Surv(exit, event) ~ x * age, g, control = tight),
  `cox breslow` = function(g) svycoxph(Surv(exit, event) ~ x + age, g, method = "breslow", control = tight),
  logistic = function(g) svyglm(case ~ x + age + group, g, family = quasibinomial(), control = exact),
  poisson = function(g) svyglm(count ~ x + age + offset(log(years)), g, family = quasipoisson(), control = exact),
  linear = function(g) svyglm(y ~ x + age + group, g))
subpopulations <- list(everyone = rep(TRUE, n), `young women` = d$female == 1 & d$age < 50, rare = d$rare %in% 1)
lonely <- c("remove", "adjust", "average")
whole <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
rows <- list()
for (policy in lonely) for (who in names(subpopulations)) for (name in names(models)) {
  options(survey.lonely.psu = policy)
  part <- subset(whole, subpopulations[[who]])
  f <- models[[name]](part)
  if (inherits(f, "svyglm")) f <- update(f, start = coef(f), design = part)  # its covariance is of the step before
  used <- f$survey.design
  if (length(f$na.action)) used <- used[-f$na.action, ]
  df <- degf(used)
  tested <- intersect(c("x", "age", "x:age"), names(coef(f)))
  b <- coef(f)[tested]; v <- vcov(f); dimnames(v) <- list(names(coef(f)), names(coef(f)))
  statistic <- c(b %*% solve(v[tested, tested], b)) / length(b)
  if (inherits(f, "svyglm"))  # regTermTest fails on svycoxph, and does the same
    stopifnot(all.equal(c(regTermTest(f, ~ x + age, df = df)$Ftest), statistic))
  rows[[length(rows) + 1]] <- list(model = name, subpopulation = who, lonely_psu = policy, n = length(residuals(f)),
    df = df, estimate = unname(coef(f)), vcov = unname(v), f = statistic,
    p = pf(statistic, length(b), df, lower.tail = FALSE),
    p_first = 2 * pt(-abs(coef(f)[["x"]] / sqrt(v["x", "x"])), df))
}
# Without strata, and without PSUs.
options(survey.lonely.psu = "fail")
simple <- list(psu = svydesign(~ interaction(stratum, psu), weights = ~weight, data = d),
               strata = svydesign(~1, strata = ~stratum, weights = ~weight, data = d),
               weights = svydesign(~1, weights = ~weight, data = d))
for (name in names(simple)) {
  f <- models$cox(simple[[name]])
  used <- simple[[name]][-f$na.action, ]
  rows[[length(rows) + 1]] <- list(model = "cox", design = name, df = degf(used), vcov = unname(vcov(f)))
}
write_json(list(fits = rows, versions = list(R = R.version.string, survey = as.character(packageVersion("survey")),
  survival = as.character(packageVersion("survival")))), file.path(here, "survey.json"), digits = NA, auto_unbox = TRUE)
