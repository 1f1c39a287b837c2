# Frozen reference numbers: LMS curves and quantile regression on a made sample.
# Run in this folder: Rscript centiles.R   (writes centiles.csv and centiles.json)
suppressPackageStartupMessages({library(quantreg); library(splines); library(jsonlite)})
set.seed(11)
n <- 600
x <- round(runif(n, 2, 60), 2); w <- round(runif(n, 0.5, 2), 3)
L <- 0.2 + 0.005 * x; M <- exp(5 + 0.9 * dnorm(x, 15, 6) * 10 - 0.012 * x); S <- 0.3 - 0.002 * x
y <- round(M * (1 + L * S * rnorm(n))^(1 / L), 1)
data <- data.frame(x, y, w); write.csv(data, "centiles.csv", row.names = FALSE)
knots <- c(12, 25); boundary <- range(x)
b <- bs(x, knots = knots, Boundary.knots = boundary, intercept = TRUE)
colnames(b) <- paste0("b", 1:6); d <- cbind(data, unclass(b)[, 1:6])
f <- y ~ 0 + b1 + b2 + b3 + b4 + b5 + b6
# Cole and Green's likelihood written out and maximised (VGAM's scoring, lms.bcn, stops short of its maximum here)
exact <- function(ww, from) {
  B <- unclass(b)[, 1:6]
  minus <- function(theta) {
    L <- drop(B %*% theta[1:6]); M <- exp(drop(B %*% theta[7:12])); S <- exp(drop(B %*% theta[13:18]))
    z <- ((y / M)^L - 1) / (L * S)
    v <- -sum(ww * (L * log(y / M) - log(S) - z^2 / 2 - log(y)))
    if (is.finite(v)) v else 1e10
  }
  theta <- c(rep(0.2, 6), coef(lm(log(y) ~ 0 + B)), rep(-1.4, 6))
  for (i in 1:6) theta <- optim(theta, minus, method = "BFGS", control = list(maxit = 5000, reltol = 1e-16))$par
  fit <- nlm(minus, theta, gradtol = 1e-12, steptol = 1e-14, iterlim = 1000)
  list(loglik = -fit$minimum, fitted = cbind(B %*% fit$estimate[1:6], B %*% fit$estimate[7:12], B %*% fit$estimate[13:18])[c(1, 50, 100, 200, 400), ])
}
taus <- c(0.1, 0.5, 0.9)
rows <- lapply(taus, function(tau) {
  one <- rq(f, tau, d, method = "br"); s <- summary(one, se = "nid", covariance = TRUE)
  list(coef = unname(coef(one)), cov = unname(s$cov), rho = one$rho,
       weighted = unname(coef(rq(f, tau, d, weights = w, method = "br"))))
})
z <- sort(scale((log(y) - log(M)) / S)[1:150]); q <- qqnorm(z, plot.it = FALSE)$x
worm <- unname(coef(lm(I(z - q) ~ q + I(q^2) + I(q^3))))
write_json(list(worm = list(z = z, coef = worm), versions = list(R = R.version.string, quantreg = as.character(packageVersion("quantreg"))),
  knots = knots, rows = c(1, 50, 100, 200, 400), exact = list(plain = exact(rep(1, n)), weighted = exact(w / mean(w))), taus = taus, quantiles = rows,
  bandwidth = sapply(taus, bandwidth.rq, n = n)), "centiles.json", digits = 15, auto_unbox = TRUE)
