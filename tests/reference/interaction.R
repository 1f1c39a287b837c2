# Frozen reference numbers of interaction and influence, from survival, rms and glm; gradients are R's own (deriv).
# Run in this folder: Rscript interaction.R   (reads infer_{pbc,birthwt}.csv, writes interaction.json)
suppressPackageStartupMessages({library(survival); library(rms); library(jsonlite)})

pbc <- read.csv("infer_pbc.csv", stringsAsFactors = TRUE)
births <- read.csv("infer_birthwt.csv", stringsAsFactors = TRUE)
births$race <- relevel(births$race, "black")
z <- qnorm(0.975)
exact <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)

# theta: log ratios of the first alone, the second alone and both; v: their covariance.
measures <- function(theta, v) {
  se <- function(e) {
    d <- deriv(e, c("a", "b", "ab"))
    g <- attr(eval(d, as.list(setNames(theta, c("a", "b", "ab")))), "gradient")
    sqrt(drop(g %*% v %*% t(g)))
  }
  r <- exp(theta)
  reri <- r[3] - r[1] - r[2] + 1; ap <- reri / r[3]; s <- (r[3] - 1) / (r[1] + r[2] - 2)
  e <- c(se(~ exp(ab) - exp(a) - exp(b) + 1), se(~ (exp(ab) - exp(a) - exp(b) + 1) / exp(ab)),
         se(~ log((exp(ab) - 1) / (exp(a) + exp(b) - 2))))
  l <- exp(theta - z * sqrt(diag(v))); u <- exp(theta + z * sqrt(diag(v))); k <- cov2cor(v)
  low <- reri - sqrt((r[3] - l[3])^2 + (u[1] - r[1])^2 + (u[2] - r[2])^2
    - 2 * k[1, 3] * (r[3] - l[3]) * (u[1] - r[1]) - 2 * k[2, 3] * (r[3] - l[3]) * (u[2] - r[2])
    + 2 * k[1, 2] * (u[1] - r[1]) * (u[2] - r[2]))
  high <- reri + sqrt((u[3] - r[3])^2 + (r[1] - l[1])^2 + (r[2] - l[2])^2
    - 2 * k[1, 3] * (u[3] - r[3]) * (r[1] - l[1]) - 2 * k[2, 3] * (u[3] - r[3]) * (r[2] - l[2])
    + 2 * k[1, 2] * (r[1] - l[1]) * (r[2] - l[2]))
  list(estimate = c(reri, ap, s), se = e, low = c(reri - z * e[1], ap - z * e[2], s * exp(-z * e[3])),
       high = c(reri + z * e[1], ap + z * e[2], s * exp(z * e[3])), mover = c(low, high))
}
corners <- function(fit, x) {  # x: design rows of the first alone, the second alone, both, neither
  l <- x[1:3, ] - x[rep(4, 3), ]
  measures(drop(l %*% coef(fit)), l %*% vcov(fit) %*% t(l))
}
frame <- function(first, second, names) {
  f <- data.frame(c(first[1], first[2], first[1], first[2]), c(second[2], second[1], second[1], second[2]))
  setNames(f, names)
}

out <- list()

# Rothman and Keller (1972): alcohol, tobacco and cancer of the mouth.
table <- data.frame(alcohol = c(1, 1, 1, 1, 0, 0, 0, 0), tobacco = c(1, 1, 0, 0, 1, 1, 0, 0),
                    case = c(1, 0, 1, 0, 1, 0, 1, 0), people = c(225, 166, 6, 12, 8, 18, 3, 20))
fit <- glm(case ~ alcohol * tobacco, binomial, table, weights = people, epsilon = 1e-14)
out$mouth <- corners(fit, model.matrix(~ alcohol * tobacco, frame(1:0, 1:0, c("alcohol", "tobacco"))))

# Spline by group in Cox, and the tests of its interaction.
knots <- attr(rcs(pbc$age, 4), "parms")
fit <- coxph(Surv(time, died) ~ rcs(age, knots) * sex + edema, pbc, control = exact)
x <- function(d) model.matrix(~ rcspline.eval(age, knots, inclx = TRUE) * sex + edema, d)[, -1]
new <- cbind(frame(c(70, 45), c("m", "f"), c("age", "sex")), edema = 0)
new$sex <- factor(new$sex, levels(pbc$sex))
out$spline <- corners(fit, x(new))
smaller <- coxph(Surv(time, died) ~ rcs(age, knots) + sex + edema, pbc, control = exact)
i <- grep(":|%ia%| \\* ", names(coef(fit)))
out$tests <- list(lr = 2 * diff(c(smaller$loglik[2], fit$loglik[2])), df = length(i),
                  wald = drop(coef(fit)[i] %*% solve(vcov(fit)[i, i]) %*% coef(fit)[i]))

# A number by a category in logistic regression.
fit <- glm(low ~ lwt * race + smoke, binomial, births, epsilon = 1e-14)
new <- cbind(frame(c(100, 130), c("other", "white"), c("lwt", "race")), smoke = "no")
new$race <- factor(new$race, levels(births$race)); new$smoke <- factor(new$smoke, levels(births$smoke))
out$number <- corners(fit, model.matrix(~ lwt * race + smoke, new))

# Influence: what a contrast loses without a row, and without each group of rows.
fit <- coxph(Surv(time, died) ~ age + sex + albumin, pbc, control = exact)
out$dfbeta_cox <- 10 * residuals(fit, "dfbeta")[, 1]
fit <- glm(low ~ lwt + smoke, binomial, births, epsilon = 1e-14)
# dfbeta(glm) is of deviance residuals; one Newton step without the row, from the estimates, is what is meant.
out$dfbeta_logistic <- -20 * (coef(fit)["lwt"] - sapply(seq_len(nrow(births)), function(i) suppressWarnings(
  coef(glm(low ~ lwt + smoke, binomial, births[-i, ], start = coef(fit), control = list(maxit = 1)))["lwt"])))
pbc$site <- (seq_len(nrow(pbc)) - 1) %% 7
without <- sapply(0:6, function(g) {
  f <- coxph(Surv(time, died) ~ rcs(age, knots) + sex, pbc[pbc$site != g, ], control = exact)
  b <- rcspline.eval(c(70, 45), knots, inclx = TRUE)
  l <- c(b[1, ] - b[2, ], 0)
  c(sum(l * coef(f)), sqrt(drop(l %*% vcov(f) %*% l)), f$n, f$nevent)
})
out$without <- list(estimate = without[1, ], se = without[2, ], n = without[3, ], events = without[4, ])
write(toJSON(out, digits = NA, auto_unbox = TRUE), "interaction.json")
