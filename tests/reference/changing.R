# Frozen reference numbers: effects that change over time, by survival's tt().
# Run in this folder: Rscript changing.R   (reads infer_lung.csv, writes changing.json)
suppressPackageStartupMessages({library(survival)})
d <- read.csv("infer_lung.csv"); d <- d[complete.cases(d[, c("time", "age", "sex", "karno", "died")]), ]
d$women <- as.integer(d$sex == "women"); d$entry <- ifelse(seq_len(nrow(d)) %% 3 == 0, 5, 0)
d$w <- 1 + seq_len(nrow(d)) %% 4 / 2
take <- function(f) { force(f); list(coef = unname(coef(f)), var = unname(f$var), loglik = f$loglik) }
at <- c(50, 200, 600)
plus <- function(v) pmax(v, 0)^3
bend <- function(t) (plus(t - at[1]) - plus(t - at[2]) * (at[3] - at[1]) / (at[3] - at[2]) +          # Harrell's basis
                     plus(t - at[3]) * (at[2] - at[1]) / (at[3] - at[2])) / (at[3] - at[1])^2
fits <- list(
  log = take(coxph(Surv(time, died) ~ karno + age + tt(karno), d, tt = function(x, t, ...) x * log(t))),
  linear = take(coxph(Surv(time, died) ~ karno + age + tt(karno), d, tt = function(x, t, ...) x * t, ties = "breslow")),
  spline = take(coxph(Surv(time, died) ~ karno + age + tt(karno) + tt(again), transform(d, again = karno),
                      tt = list(function(x, t, ...) x * t, function(x, t, ...) x * bend(t)))),
  entry = take(coxph(Surv(entry, time, died) ~ karno + women + tt(karno) + tt(women), d,
                     tt = list(function(x, t, ...) x * log(t), function(x, t, ...) x * t), weights = w, robust = FALSE))
)
jsonlite::write_json(list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))), fits = fits),
           "changing.json", digits = 15, auto_unbox = TRUE)
