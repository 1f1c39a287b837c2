# One measurement of R's survival: Rscript benchmarks/peers.R NAME STEM REPEATS prints seconds and peak memory as JSON.
# STEM.names and STEM.bin hold the cohort's columns, STEM.knots the knots of the spline: R's natural spline on them
# spans the same functions as the restricted cubic spline.
suppressMessages(library(survival))
a <- commandArgs(TRUE); task <- a[1]; stem <- a[2]; repeats <- as.integer(a[3])
names <- readLines(paste0(stem, ".names"))
d <- as.data.frame(matrix(readBin(paste0(stem, ".bin"), "double", file.info(paste0(stem, ".bin"))$size / 8),
                          ncol = length(names), dimnames = list(NULL, names)))
k <- scan(paste0(stem, ".knots"), quiet = TRUE)
last <- length(k)
covariates <- setdiff(names, c("igf1", "id", "stratum", "entry", grep("^(exit|event)", names, value = TRUE)))
terms <- c("splines::ns(igf1, knots = k[-c(1, last)], Boundary.knots = k[c(1, last)])", covariates, "strata(stratum)")
model <- function(outcome) reformulate(terms, parse(text = sprintf("Surv(entry, exit%d, event%d)", outcome, outcome))[[1]])
f <- model(0)
outcomes <- sum(grepl("^event", names))
if (task %in% c("ph_test", "concordance")) fitted <- coxph(f, d)
small <- rbind(head(d[d$event0 == 1, ], 60), head(d[d$event0 == 0, ], 140))
memory <- function(what) as.numeric(gsub("[^0-9]", "", grep(what, readLines("/proc/self/status"), value = TRUE))) / 1024
invisible(gc()); cat("5", file = "/proc/self/clear_refs")
seconds <- replicate(repeats, system.time(switch(task,
  cox = coxph(f, d), robust = coxph(f, d, cluster = id),
  ph_test = cox.zph(fitted), concordance = concordance(fitted),
  many = for (outcome in round(seq(0, outcomes - 1, length.out = 3))) coxph(model(outcome), d),
  small = for (i in 1:100) coxph(Surv(entry, exit0, event0) ~ igf1 + bmi + smoking1, small)))[["elapsed"]])
if (task == "many") seconds <- seconds * outcomes / 3  # the first, the middle and the last stand for all
cat(sprintf('{"seconds": %.4f, "first": %.4f, "megabytes": %.1f}\n', min(seconds), seconds[1], memory("VmHWM")))
