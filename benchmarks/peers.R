# One measurement of R's survival: Rscript benchmarks/peers.R NAME STEM REPEATS prints seconds and peak memory as JSON.
# STEM.names and STEM.bin hold the cohort's columns, STEM.knots the spline's knots.
suppressMessages(library(survival))
a <- commandArgs(TRUE); task <- a[1]; stem <- a[2]; repeats <- as.integer(a[3])
names <- readLines(paste0(stem, ".names"))
d <- as.data.frame(matrix(readBin(paste0(stem, ".bin"), "double", file.info(paste0(stem, ".bin"))$size / 8),
                          ncol = length(names), dimnames = list(NULL, names)))
k <- scan(paste0(stem, ".knots"), quiet = TRUE)
cube <- function(u) pmax(u, 0)^3
last <- length(k)
for (j in seq_len(last - 2)) d[[paste0("spline", j)]] <- (cube(d$igf1 - k[j]) -
  (cube(d$igf1 - k[last - 1]) * (k[last] - k[j]) - cube(d$igf1 - k[last]) * (k[last - 1] - k[j])) / (k[last] - k[last - 1])) /
  (k[last] - k[1])^2
covariates <- c("igf1", paste0("spline", 1:3), setdiff(names, c("igf1", "id", "stratum", "entry", grep("^(exit|event)", names, value = TRUE))))
f <- as.formula(paste("Surv(entry, exit0, event0) ~ strata(stratum) +", paste(covariates, collapse = " + ")))
if (task %in% c("ph_test", "concordance")) fitted <- coxph(f, d)
small <- rbind(head(d[d$event0 == 1, ], 60), head(d[d$event0 == 0, ], 140))
memory <- function(what) as.numeric(gsub("[^0-9]", "", grep(what, readLines("/proc/self/status"), value = TRUE))) / 1024
invisible(gc()); cat("5", file = "/proc/self/clear_refs")
seconds <- replicate(repeats, system.time(switch(task,
  cox = coxph(f, d), robust = coxph(f, d, cluster = id),
  ph_test = cox.zph(fitted), concordance = concordance(fitted),
  small = for (i in 1:100) coxph(Surv(entry, exit0, event0) ~ igf1 + bmi + smoking1, small)))[["elapsed"]])
cat(sprintf('{"seconds": %.4f, "first": %.4f, "megabytes": %.1f}\n', min(seconds), seconds[1], memory("VmHWM")))
