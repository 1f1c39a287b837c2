# coxph on one design: Rscript one_model.R FILE ROWS, where FILE holds strata, entry, exit, event and the covariates as
# columns of doubles; prints seconds and the log-likelihood as JSON.
suppressMessages(library(survival))
a <- commandArgs(TRUE); n <- as.integer(a[2])
m <- matrix(readBin(a[1], "double", file.info(a[1])$size / 8), nrow = n)
d <- as.data.frame(m[, -(1:4), drop = FALSE])
names(d) <- paste0("x", seq_along(d))
f <- reformulate(c(names(d), "strata(stratum)"), quote(Surv(entry, exit, event)))
d <- cbind(d, stratum = m[, 1], entry = m[, 2], exit = m[, 3], event = m[, 4])
seconds <- system.time(fit <- coxph(f, d))[["elapsed"]]
cat(sprintf('{"seconds": %.3f, "loglik": %.10f}\n', seconds, fit$loglik[2]))
