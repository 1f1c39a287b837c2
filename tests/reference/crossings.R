# What R says where two features meet. Run in this folder: Rscript crossings.R > crossings.json
# Debian: r-cran-survival, r-cran-survey, r-cran-clubsandwich, r-cran-rms, r-cran-sandwich, r-cran-jsonlite.
suppressMessages({
  library(survival); library(clubSandwich); library(sandwich); library(jsonlite)
})
d <- read.csv("crossings.csv")
lung <- na.omit(survival::lung[, c("time", "status", "age", "sex", "ph.karno")])
out <- list(version = list(
  R = R.version.string, survival = as.character(packageVersion("survival")),
  clubSandwich = as.character(packageVersion("clubSandwich")), rms = as.character(packageVersion("rms")),
  sandwich = as.character(packageVersion("sandwich"))))
coefs <- function(fit) unname(coef(fit)[!is.na(coef(fit))])

# 1. proportional hazards of penalised splines; eps as small as pspline goes, so that the degrees of freedom are those asked for
fit <- coxph(Surv(time, status) ~ pspline(age, df = 4, eps = 1e-9) + sex, lung)
out$ps <- list(data = lung, coef = unname(coef(fit)), df = fit$df)
for (transform in c("km", "rank", "identity", "log")) {
  z <- cox.zph(fit, transform = transform)
  out$ps[[transform]] <- list(chi2 = unname(z$table[, "chisq"]), df = unname(z$table[, "df"]))
}

# 6. a factor and the strata it interacts with
surv <- "Surv(entry, exit, e) ~ "
out$strata <- list(
  main = coefs(coxph(as.formula(paste0(surv, "smk * sex + strata(sex)")), d)),
  alone = coefs(coxph(as.formula(paste0(surv, "smk * strata(sex)")), d)),
  number = coefs(coxph(as.formula(paste0(surv, "x * sex + z + strata(sex)")), d)),
  nested = coef(coxph(as.formula(paste0(surv, "x:sex + strata(sex)")), d))[],
  matched = coefs(clogit(case ~ smk * msex + strata(set), d)))
out$strata$nested <- unname(out$strata$nested)
g <- cut(d$x, c(-Inf, quantile(d$x, 1:4 / 5), Inf), labels = 1:5)
lo <- lapply(c("F", "M"), function(s) coefs(coxph(Surv(entry, exit, e) ~ g, d, subset = sex == s)))
out$strata$fifths <- unlist(lo)  # groups in each sex: the two strata share nothing

# 7. the offset of new rows
new <- data.frame(x = c(4, 9, 20), z = c(0, 1, -1), off = c(0.5, -0.2, 0), py = c(1, 2, 3))
p <- function(fit, ...) { q <- predict(fit, new, se.fit = TRUE, ...); list(fit = unname(q$fit), se = unname(q$se.fit)) }
out$offset <- list(
  cox = p(coxph(Surv(entry, exit, e) ~ x + z + offset(off), d), type = "lp", reference = "zero"),
  logistic = p(glm(y ~ x + z + offset(off), binomial, d, control = glm.control(1e-14))),
  poisson = p(glm(count ~ x + z + offset(log(py)), poisson, d, control = glm.control(1e-14))))
base <- coxph(Surv(entry, exit, e) ~ x + z + offset(off), d)
s <- survfit(base, newdata = new)
out$offset$cumhaz <- unname(s$cumhaz[nrow(s$cumhaz), ])
out$offset$cumhaz_se <- unname(s$std.err[nrow(s$std.err), ])
m <- survfit(base)
out$offset$cumhaz_mean <- tail(m$cumhaz, 1)

# 8. without an intercept
tight <- glm.control(1e-14)
g0 <- function(fit) list(coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))), loglik = as.numeric(logLik(fit)))
out$intercept <- list(
  number = g0(glm(y ~ 0 + x, binomial, d, control = tight)),
  factor = g0(glm(y ~ smk - 1, binomial, d, control = tight)),
  two = g0(glm(count ~ 0 + x + smk + sex, poisson, d, control = tight)),
  crossed = g0(glm(y ~ 0 + smk:sex, binomial, d, control = tight)),
  linear = list(coef = unname(coef(lm(z ~ 0 + smk + x, d)))))

# transforms
out$transform <- list(
  shifted = g0(glm(y ~ log(x + 1) + z, binomial, d, control = tight)),
  levels = g0(glm(y ~ factor(smk, levels = c("c", "a", "b")), binomial, d, control = tight)))

# 9. rms: lower-order tests with their higher-order terms
suppressMessages(library(rms))
dd <- datadist(d); options(datadist = "dd")
three <- lrm(y ~ x * z * sex, d, tol = 1e-13, eps = 1e-12)
a <- anova(three)
out$three <- list(rows = trimws(rownames(a)), chi2 = unname(a[, "Chi-Square"]), df = unname(a[, "d.f."]))
curved <- lrm(y ~ rcs(x, 3) * z * sex, d, tol = 1e-13, eps = 1e-12)
a <- anova(curved)
out$three_curved <- list(rows = trimws(rownames(a)), chi2 = unname(a[, "Chi-Square"]), df = unname(a[, "d.f."]),
  knots = curved$Design$parms$x)

# 3. weights
w <- d[d$f > 0, ]
long <- w[rep(seq_len(nrow(w)), w$f), ]
out$weights <- list(
  cox = g0(coxph(Surv(entry, exit, e) ~ x + smk, long, cluster = seq_len(nrow(long)))),
  sampling = g0(coxph(Surv(entry, exit, e) ~ x + smk, d, weights = sw, cluster = seq_len(nrow(d)))),
  logistic = list(se = unname(sqrt(diag(sandwich::sandwich(glm(y ~ x + smk, binomial, long, control = tight)))))))

# 5. clusters: CR2 with Satterthwaite's degrees of freedom
cr <- function(fit, cluster, q) {
  v <- vcovCR(fit, cluster = cluster, type = "CR2")
  t <- coef_test(fit, vcov = v, test = "Satterthwaite")
  w <- Wald_test(fit, constraints = constrain_zero(q), vcov = v, test = "HTZ")
  list(vcov = unname(as.matrix(v)[, ]), df = t$df_Satt, p = t$p_Satt, f = w$Fstat, df_den = w$df_denom)
}
out$cr2 <- list(
  linear = cr(lm(z ~ x + smk, d), d$site, 3:4),
  logistic = cr(glm(y ~ x + smk, binomial, d, control = tight), d$site, 3:4),
  poisson = cr(glm(count ~ x + smk + offset(log(py)), poisson, d, control = tight), d$site, 3:4),
  few = cr(glm(y ~ x + smk + sex + z, binomial, d, control = tight), ceiling(d$site / 2), 3:4))
# 2. Firth's penalty: the penalised likelihood of the full design maximised by optim, with and without a coefficient
firth <- function(x, y, family, offset = 0, fixed = integer()) {
  value <- function(free) {
    b <- numeric(ncol(x)); b[setdiff(seq_len(ncol(x)), fixed)] <- free
    eta <- drop(x %*% b) + offset
    mu <- if (family == "binomial") plogis(eta) else exp(eta)
    ll <- if (family == "binomial") sum(dbinom(y, 1, mu, log = TRUE)) else sum(dpois(y, mu, log = TRUE))
    v <- if (family == "binomial") mu * (1 - mu) else mu
    -(ll + as.numeric(determinant(crossprod(x * sqrt(v)))$modulus) / 2)
  }
  best <- optim(numeric(ncol(x) - length(fixed)), value, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
  best <- optim(best$par, value, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
  list(coef = best$par, loglik = -best$value)
}
z1 <- d[d$site <= 3, ]
x <- model.matrix(~ z + sex + I(x / 10), z1)
xc <- model.matrix(~ z + sex + I(x / 10), d)
off <- log(d$py)
profile <- function(x, y, family, j, offset = 0) {  # penalised profile likelihood limits of coefficient j
  top <- firth(x, y, family, offset)
  drop2 <- function(v) {
    value <- function(free) {
      b <- numeric(ncol(x)); b[j] <- v; b[-j] <- free
      eta <- drop(x %*% b) + offset
      mu <- if (family == "binomial") plogis(eta) else exp(eta)
      ll <- if (family == "binomial") sum(dbinom(y, 1, mu, log = TRUE)) else sum(dpois(y, mu, log = TRUE))
      w <- if (family == "binomial") mu * (1 - mu) else mu
      -(ll + as.numeric(determinant(crossprod(x * sqrt(w)))$modulus) / 2)
    }
    2 * (top$loglik + optim(top$coef[-j], value, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))$value) - qchisq(0.95, 1)
  }
  b <- top$coef[j]
  c(uniroot(drop2, c(b - 3, b), tol = 1e-10)$root, uniroot(drop2, c(b, b + 3), tol = 1e-10)$root)
}
out$firth <- list(
  logistic = firth(x, z1$y, "binomial"), logistic_without_z = firth(x, z1$y, "binomial", fixed = 2),
  logistic_limits = profile(x, z1$y, "binomial", 2),
  poisson = firth(xc, d$count, "poisson", off), poisson_without_z = firth(xc, d$count, "poisson", off, fixed = 2),
  poisson_limits = profile(xc, d$count, "poisson", 2, off))
set.seed(4)  # the likelihood's own profile, for an unpenalised model
plain <- glm(y ~ x + z, binomial, d, control = tight)
exact <- function(side) uniroot(function(v) {
  deviance(glm(y ~ x + offset(v * z), binomial, d, control = tight)) - deviance(plain) - qchisq(0.95, 1)
}, coef(plain)[["z"]] + side * c(0.01, 3), tol = 1e-10)$root
out$profile <- list(logistic = c(exact(-1), exact(1)))
b <- coxph(Surv(entry, exit, e) ~ x + z, d)
exact <- function(side) uniroot(function(v) {
  2 * (b$loglik[2] - coxph(Surv(entry, exit, e) ~ x + offset(v * z), d)$loglik[2]) - qchisq(0.95, 1)
}, coef(b)[["z"]] + side * c(0.01, 3), tol = 1e-10)$root
out$profile$cox <- c(exact(-1), exact(1))

# a category of a covariate without events: R goes on, and the other coefficients are near their limit
none <- d; none$e[none$smk == "b"] <- 0; none$y[none$smk == "b"] <- 0; none$count[none$smk == "b"] <- 0
none$case[none$smk == "b"] <- 0
quiet <- function(expr) suppressWarnings(expr)
near <- function(fit) { k <- !grepl("smkb", names(coef(fit))); list(coef = unname(coef(fit)[k]),
  se = unname(sqrt(diag(vcov(fit)))[k]), loglik = as.numeric(logLik(fit))) }
rest <- none[none$smk != "b", ]
cox <- quiet(coxph(Surv(entry, exit, e) ~ x + smk + sex, none, control = coxph.control(eps = 1e-15, iter.max = 60)))
out$limit <- list(
  cox = near(cox), cox_robust = unname(sqrt(diag(quiet(coxph(Surv(entry, exit, e) ~ x + smk + sex, none,
    cluster = site, control = coxph.control(eps = 1e-15, iter.max = 60)))$var))[c(1, 3, 4)]),
  cox_null = cox$loglik[1], cox_score = cox$score, concordance = unname(concordance(cox)$concordance),
  martingale = unname(residuals(cox)[1:12]),
  cumhaz = tail(survfit(cox, newdata = data.frame(x = 10, smk = "c", sex = "F"))$cumhaz, 1),
  without = as.numeric(logLik(coxph(Surv(entry, exit, e) ~ x + sex, none))),
  logistic = near(quiet(glm(y ~ x + smk + sex, binomial, none, control = glm.control(1e-16, 60)))),
  poisson = near(quiet(glm(count ~ x + smk + sex + offset(log(py)), poisson, none, control = glm.control(1e-16, 60)))),
  clogit = near(quiet(clogit(case ~ x + smk + strata(set), none, control = coxph.control(eps = 1e-15, iter.max = 60)))))
cat(toJSON(out, digits = NA, auto_unbox = TRUE))
