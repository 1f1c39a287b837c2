# Cox models by survival::coxph, for tests/fit/test_cox_against_r.py: six data sets, each right-censored and with delayed
# entry, with and without strata, Efron and Breslow ties, unweighted and weighted; covariances, residuals, baseline
# survival, tests of proportional hazards, concordance. Residuals and curves are frozen as projections, sum r_i sin(i)
# and sum r_i cos(i): two numbers a column that a wrong entry does not leave as they are (Schoenfeld's: sum r sin(time), sum r^2).
# Run: Rscript tests/reference/cox_grid.R   (writes cox_grid.json beside this file)
suppressMessages({library(survival); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
set.seed(20)
later <- function(exit, by = 1) pmin(floor(exit / by * runif(length(exit), 0, .9)) * by, exit - by)

lung1 <- na.omit(lung[c("time", "status", "age", "sex", "ph.ecog", "inst")])
lung1 <- with(lung1, data.frame(exit = time, event = status - 1, x1 = age, g = c("a", "b", "c", "c")[ph.ecog + 1],
                                x2 = (inst %% 5) / 2, s = c("m", "f")[sex], id = inst))
veteran1 <- with(veteran, data.frame(exit = time, event = status, x1 = karno, g = as.character(celltype), x2 = age,
                                     s = paste0("p", prior, trt), id = diagtime))
pbc1 <- with(pbc[1:312, ], data.frame(exit = ceiling(time / 91), event = 1 * (status == 2), x1 = log(bili),
                                      g = paste0("e", edema), x2 = albumin, s = paste0(sex, trt), id = ceiling(age)))
cgd1 <- with(cgd, data.frame(entry = tstart, exit = tstop, event = status, x1 = age,
                             g = as.character(treat), x2 = steroids, s = tolower(as.character(inherit)), id = id))
heart1 <- with(heart, data.frame(entry = start, exit = stop, event = event, x1 = age,
                                 g = paste0("t", transplant), x2 = year, s = paste0("s", surgery), id = id))
n <- 500  # whole years of age: entries tie with events, and many events with each other
aged <- data.frame(entry = sample(40:60, n, TRUE))
aged$x1 <- round(rnorm(n, 21, 6), 1)
aged$g <- sample(c("never", "former", "current"), n, TRUE)
aged$x2 <- round(rnorm(n), 2)
aged$s <- sample(c("north", "south", "west"), n, TRUE)
life <- 45 + rweibull(n, 1.6, 22 * exp(-.3 * aged$x2))
aged$exit <- pmax(aged$entry + 1, pmin(ceiling(life), aged$entry + sample(8:15, n, TRUE)))
aged$event <- as.numeric(ceiling(life) <= aged$exit)
aged$id <- sample(120, n, TRUE)

sets <- list(lung = lung1, veteran = veteran1, pbc = pbc1, cgd = cgd1, heart = heart1, aged = aged)
units <- c(lung = 5, veteran = 1, pbc = 1)
for (name in names(sets)) {
  d <- sets[[name]]
  if (is.null(d$entry)) d$entry <- later(d$exit, units[[name]])
  d$w <- sample(c(.5, 1, 1.5, 2), nrow(d), TRUE)
  sets[[name]] <- d[c("entry", "exit", "event", "x1", "g", "x2", "s", "id", "w")]
}
project <- function(r) { r <- as.matrix(r); i <- seq_len(nrow(r)); unname(rbind(colSums(r * sin(i)), colSums(r * cos(i)))) }
control <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 50)

one <- function(name, entry, strata, ties, weighted) {
  d <- sets[[name]]
  d$row <- seq_len(nrow(d))
  d$weight <- if (weighted) d$w else rep(1, nrow(d))
  f <- as.formula(paste(if (entry) "Surv(entry, exit, event)" else "Surv(exit, event)", "~ x1 + g + x2",
                        if (strata) "+ strata(s)"))
  fit <- coxph(f, d, weights = weight, ties = ties, control = control, robust = FALSE)
  robust <- coxph(f, d, weights = weight, ties = ties, control = control, cluster = row)
  cluster <- coxph(f, d, weights = weight, ties = ties, control = control, cluster = id)
  at <- data.frame(x1 = mean(d$x1), g = sort(d$g)[1], x2 = mean(d$x2), s = sort(d$s)[1])
  curve <- summary(survfit(fit, newdata = at)); curve <- with(curve, cbind(time, n.risk, n.event, surv, std.chaz, lower, upper))
  events <- resid(fit, "schoenfeld"); scaled <- resid(fit, "scaledsch"); when <- sin(as.numeric(rownames(events)))
  zph <- sapply(c("km", "rank", "identity", "log"), function(g) unname(cox.zph(fit, g)$table), simplify = FALSE)
  conc <- concordance(fit); conc_cluster <- concordance(cluster)
  list(data = name, entry = entry, strata = strata, ties = ties, weighted = weighted,
       coef = unname(coef(fit)), loglik = fit$loglik, score = fit$score, model = unname(fit$var),
       robust = unname(robust$var), cluster = unname(cluster$var),
       martingale = project(resid(fit, "martingale")), deviance = project(resid(fit, "deviance")),
       score_residual = project(resid(fit, "score")), dfbeta = project(resid(fit, "dfbeta")),
       schoenfeld = unname(rbind(colSums(events * when), colSums(events^2))),
       scaled_schoenfeld = unname(rbind(colSums(scaled * when), colSums(scaled^2))),
       curve = project(curve), curve_points = nrow(curve),
       zph = zph, zph_coefficient = unname(cox.zph(fit, terms = FALSE)$table),
       concordance = c(conc$concordance, sqrt(conc$var), sqrt(conc_cluster$var)),
       pairs = if (is.matrix(conc$count)) colSums(conc$count) else conc$count)
}
cases <- list()
for (name in names(sets)) for (entry in c(FALSE, TRUE)) for (strata in c(FALSE, TRUE)) for (ties in c("efron", "breslow"))
  for (weighted in c(FALSE, TRUE)) cases[[length(cases) + 1]] <- one(name, entry, strata, ties, weighted)
write_json(list(version = as.character(packageVersion("survival")), data = sets, cases = cases),
           file.path(here, "cox_grid.json"), digits = NA, dataframe = "columns", auto_unbox = TRUE)
