# Frozen reference numbers: meta-analyses of metafor on six of its data sets (metadat), and their moderators.
# Run in this folder: Rscript meta.R   (writes meta.json)
suppressPackageStartupMessages({library(metafor); library(jsonlite)})
tight <- list(threshold = 1e-11, maxiter = 10000, tol = 1e-12)

sets <- list(
  bcg = escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg),
  hackshaw1998 = dat.hackshaw1998,
  raudenbush1985 = dat.raudenbush1985,
  normand1999 = escalc(measure = "MD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i,
                       data = dat.normand1999),
  egger2001 = escalc(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.egger2001),
  li2007 = escalc(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.li2007)
)
moderator <- list(bcg = "ablat", hackshaw1998 = "year", raudenbush1985 = "weeks", normand1999 = "n1i", egger2001 = "year",
                  li2007 = "year")

main <- function(fit) {
  list(coef = c(unname(coef(fit))), se = fit$se, low = fit$ci.lb, high = fit$ci.ub, p = fit$pval, tau2 = fit$tau2, I2 = fit$I2, H2 = fit$H2,
       Q = fit$QE, Qp = fit$QEp, QM = fit$QM, QMp = fit$QMp, loglik = c(logLik(fit)))
}

limits <- function(fit) { p <- predict(fit); c(p$pi.lb, p$pi.ub) }

out <- lapply(names(sets), function(name) {
  d <- sets[[name]]
  d <- d[!is.na(d$yi), ]
  m <- d[[moderator[[name]]]]
  yi <- c(d$yi); vi <- c(d$vi)
  one <- function(method, test = "z", ...) rma(yi, vi, method = method, test = test, control = tight, ...)
  methods <- c(EE = "EE", DL = "DL", PM = "PM", REML = "REML", ML = "ML")
  fits <- lapply(methods, function(method) main(one(method)))
  reml <- one("REML"); knha <- one("REML", "knha")
  regression <- one("REML", mods = ~ m); regression_knha <- one("REML", "knha", mods = ~ m)
  profile <- confint(reml, control = list(tol = 1e-12, maxiter = 10000))$random
  profile_mod <- confint(regression, control = list(tol = 1e-12, maxiter = 10000))$random
  leave <- leave1out(reml)
  order <- rank(d[[if (is.null(d$year)) moderator[[name]] else "year"]], ties.method = "first")
  cumulated <- cumul(reml, order = order)
  inf <- influence(reml)$inf
  lm <- regtest(reml, model = "lm"); mixed <- regtest(reml, model = "rma")
  fill <- trimfill(reml); fill_r <- trimfill(reml, estimator = "R0"); fixed <- one("EE"); fill_fixed <- trimfill(fixed)
  filled <- function(f) {  # how many are filled in and where is trimfill's; it stops at tau2 to 1e-5, so the fits are again
    sign <- if (f$side == "right") -1 else 1
    sorted <- order(sign * yi); last <- rev(sorted)[seq_len(f$k0)]
    trimmed <- setdiff(seq_along(yi), last)
    centre <- c(coef(rma(yi[trimmed], vi[trimmed], method = f$method, control = tight)))
    stopifnot(max(abs(sort(c(f$yi)) - sort(c(yi, 2 * centre - yi[last])))) < 1e-3 * sd(yi))
    again <- rma(c(yi, 2 * centre - yi[last]), c(vi, vi[last]), method = f$method, control = tight)
    list(k0 = f$k0, side = f$side, coef = c(unname(coef(again))), se = again$se, tau2 = again$tau2)
  }
  list(name = name, yi = yi, vi = vi, moderator = m, order = order, fits = fits, se_tau2 = reml$se.tau2, knha = main(knha),
       prediction = limits(reml), prediction_knha = limits(knha),
       regression = main(regression), regression_knha = main(regression_knha),
       profile = unname(profile["tau^2", c("ci.lb", "ci.ub")]), profile_regression = unname(profile_mod["tau^2", c("ci.lb", "ci.ub")]),
       leave = list(coef = leave$estimate, se = leave$se, tau2 = leave$tau2, Q = leave$Q),
       cumulative = list(coef = cumulated$estimate, se = cumulated$se, tau2 = cumulated$tau2),
       influence = lapply(list(rstudent = inf$rstudent, dffits = inf$dffits, cook = inf$cook.d, cov_ratio = inf$cov.r,
                               tau2 = inf$tau2.del, Q = inf$QE.del, hat = inf$hat, weight = inf$weight), c),
       egger = list(z = lm$zval, p = lm$pval, df = lm$dfs, limit = lm$est, limit_low = lm$ci.lb, limit_high = lm$ci.ub),
       egger_mixed = list(z = mixed$zval, p = mixed$pval, limit = mixed$est),
       fill = filled(fill), fill_r0 = filled(fill_r), fill_fixed = filled(fill_fixed))
})
names(out) <- names(sets)
bcg <- sets$bcg
out$bcg$alloc <- bcg$alloc
out$bcg$subgroups <- main(rma(yi, vi, mods = ~ alloc, data = bcg, method = "REML", control = tight))
out$bcg$subsets <- lapply(split(bcg, bcg$alloc), function(d) main(rma(yi, vi, data = d, method = "REML", control = tight)))
out$versions <- list(R = R.version.string, metafor = as.character(packageVersion("metafor")), metadat = as.character(packageVersion("metadat")))
writeLines(toJSON(out, digits = 12, auto_unbox = TRUE, na = "null"), "meta.json")
