# R's survival on pairs of a screen: Rscript screen_peers.R coxph|coxph.fit|coxph.fit.close FOLDER NAMES, where FOLDER/0.bin, 1.bin, ...
# hold the columns NAMES as doubles; prints processor seconds a pair and the estimates of z as JSON.
suppressMessages(library(survival))
a <- commandArgs(TRUE); names <- strsplit(a[3], ",")[[1]]
files <- file.path(a[2], paste0(seq_along(list.files(a[2], "bin$")) - 1, ".bin"))
covariates <- setdiff(names, c("time", "event"))
f <- reformulate(covariates, quote(Surv(time, event)))
seconds <- 0; estimates <- numeric()
for (file in files) {
  d <- as.data.frame(matrix(readBin(file, "double", file.info(file)$size / 8), ncol = length(names), dimnames = list(NULL, names)))
  x <- as.matrix(d[, covariates]); y <- Surv(d$time, d$event); control <- if (a[1] == "coxph.fit.close") coxph.control(eps = 1e-15, iter.max = 50) else coxph.control()
  used <- system.time(fit <- if (a[1] == "coxph") coxph(f, d) else
    coxph.fit(x, y, NULL, NULL, NULL, control, NULL, "efron", rownames(x)))
  seconds <- seconds + sum(used[c("user.self", "sys.self")])
  estimates <- c(estimates, fit$coefficients[["z"]])
}
cat(sprintf('{"seconds": %.5f, "estimates": [%s]}\n', seconds / length(files), paste(sprintf("%.15g", estimates), collapse = ", ")))
