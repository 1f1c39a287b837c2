# Frozen reference numbers: Aalen-Johansen with delayed entry, and smooths of scaled Schoenfeld residuals.
# Run in this folder: Rscript incidence.R   (writes incidence.csv and incidence.json)
suppressPackageStartupMessages({library(survival); library(splines); library(jsonlite)})
set.seed(1)
n <- 300
entry <- round(runif(n, 40, 65), 1); x <- round(rnorm(n), 3)
one <- rexp(n, 0.03 * exp(0.4 * x)); two <- rexp(n, 0.02); left <- runif(n, 2, 30)
exit <- round(entry + pmax(0.1, pmin(one, two, left)), 1)           # rounded, so that there are ties
state <- ifelse(one < pmin(two, left), 1, ifelse(two < left, 2, 0))
data <- data.frame(entry, exit, event = as.numeric(state == 1), competing = as.numeric(state == 2), x)
write.csv(data, "incidence.csv", row.names = FALSE)
state <- factor(state, 0:2, c("censored", "event", "competing"))

at <- c(50.05, 55, 60.1, 65, 70, 75, 80)
read <- function(y, start) {
  f <- summary(survfit(y ~ 1, id = seq_len(n), start.time = start, conf.type = "log-log"), times = at)
  j <- which(f$states == "event")
  list(at = at, estimate = f$pstate[, j], se = f$std.err[, j], low = f$lower[, j], high = f$upper[, j])
}
censored <- factor(ifelse(state == "event", 1, 0), 0:1, c("censored", "event"))
curves <- list(competing = read(Surv(entry, exit, state), 50), alone = read(Surv(entry, exit, censored), 50))

smooth <- function(fit) {   # what plot.cox.zph draws, before it draws it
  z <- cox.zph(fit, "identity", terms = FALSE)
  at <- seq(min(z$x), max(z$x), length = 40)
  basis <- ns(c(at, z$x), df = 4, intercept = TRUE)
  q <- qr(basis[-(1:40), ])
  inverse <- chol2inv(q$qr[1:4, 1:4])
  list(time = at, estimate = drop(basis[1:40, ] %*% qr.coef(q, z$y[, 1])),
       se = sqrt(z$var[1, 1] * rowSums((basis[1:40, ] %*% inverse) * basis[1:40, ])))
}
tight <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50)
data$group <- rep(1:2, n / 2)
smooths <- list(plain = smooth(coxph(Surv(exit, event) ~ x + entry, data, control = tight)),
                strata = smooth(coxph(Surv(entry, exit, event) ~ x + strata(group), data, control = tight)))
write(toJSON(list(curves = curves, smooths = smooths), digits = NA, auto_unbox = TRUE), "incidence.json")
