# Frozen reference numbers: Fine and Gray's model, with and without delayed entry. survival::finegray with strata() is for
# models with the same strata; elsewhere it leaves people out of the other strata's risk sets.
# Run in this folder: Rscript finegray.R   (writes finegray_mgus2.csv, finegray_pbc.csv and finegray.json)
suppressPackageStartupMessages({library(survival); library(cmprsk); library(jsonlite)})
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60)
mgus <- subset(mgus2, !is.na(mspike) & !is.na(hgb))
mgus <- with(mgus, data.frame(id, age, male = as.numeric(sex == "M"), hgb, mspike, time = ifelse(pstat == 0, futime, ptime),
                              status = ifelse(pstat == 1, 1, 2 * death)))
mgus$entry <- mgus$age; mgus$exit <- mgus$age + (mgus$time + 0.5) / 12
write.csv(mgus, "finegray_mgus2.csv", row.names = FALSE)
pbc1 <- with(subset(pbc, !is.na(trt)), data.frame(id, age, male = as.numeric(sex == "m"), edema, bili, time,
                                                  status = c(0, 2, 1)[status + 1]))   # death, transplant competing
pbc1$entry <- pbc1$age; pbc1$exit <- pbc1$age + pbc1$time / 365.25
write.csv(pbc1, "finegray_pbc.csv", row.names = FALSE)
melanoma <- read.csv("absolute_melanoma.csv"); melanoma$id <- seq_len(nrow(melanoma))
melanoma$male <- as.numeric(melanoma$sex == "Male"); melanoma$entry <- melanoma$age
melanoma$exit <- melanoma$age + melanoma$time / 365.25
late <- read.csv("incidence.csv"); late$id <- seq_len(nrow(late)); late$status <- late$event + 2 * late$competing
late$group <- rep(0:1, length.out = nrow(late)); late$time <- late$exit - late$entry

fitted <- function(data, response, terms, ties = "efron", censoring = NULL, strata = NULL) {
  data$state <- factor(data$status, 0:2, c("censored", "event", "competing"))
  keep <- c(terms, "id", censoring, strata)
  f <- as.formula(paste(response, "~", paste(c(keep, if (!is.null(censoring)) sprintf("strata(%s)", censoring)), collapse = " + ")))
  long <- finegray(f, data, etype = "event", id = id)
  g <- as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", paste(c(terms, if (!is.null(strata)) sprintf("strata(%s)", strata)), collapse = " + ")))
  fit <- coxph(g, long, weights = fgwt, cluster = id, ties = ties, control = tight)
  list(coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))), naive = unname(sqrt(diag(fit$naive.var))),
       loglik = fit$loglik, rows = nrow(long))
}
age <- "Surv(entry, exit, state)"; since <- "Surv(time, state)"
# crr breaks ties between events and censoring its own way, so it is asked of times without ties.
crr1 <- function(data, terms) { data$time <- data$time + seq_len(nrow(data)) * 1e-4; f <- crr(data$time, data$status, data[terms], gtol = 1e-12, maxiter = 60)
  list(coef = unname(f$coef), se = unname(sqrt(diag(f$var)))) }
out <- list(
  mgus = fitted(mgus, since, c("age", "male", "mspike")),
  mgus_breslow = fitted(mgus, since, c("age", "male", "mspike"), "breslow"),
  mgus_age = fitted(mgus, age, c("male", "mspike", "hgb")),
  mgus_age_groups = fitted(mgus, age, c("mspike", "hgb"), censoring = "male", strata = "male"),
  mgus_age_strata = fitted(mgus, age, c("mspike", "hgb"), strata = "male"),
  pbc = fitted(pbc1, since, c("age", "male", "edema", "bili")),
  pbc_age = fitted(subset(pbc1, entry > 35), age, c("male", "edema", "bili")),
  melanoma = fitted(melanoma, since, c("age", "male", "logthick")),
  melanoma_age = fitted(subset(melanoma, entry >= 30 & entry <= 80), age, c("male", "logthick")),
  late = fitted(late, age, "x"), late_breslow = fitted(late, age, "x", "breslow"),
  late_groups = fitted(late, age, "x", censoring = "group", strata = "group"), late_since = fitted(late, since, "x"))
crrs <- list(mgus = crr1(mgus, c("age", "male", "mspike")), pbc = crr1(pbc1, c("age", "male", "edema", "bili")),
             melanoma = crr1(melanoma, c("age", "male", "logthick")), late = crr1(late, "x"))
write(toJSON(list(finegray = out, crr = crrs, versions = list(R = R.version.string,
  survival = as.character(packageVersion("survival")), cmprsk = as.character(packageVersion("cmprsk")))),
  digits = NA, auto_unbox = TRUE), "finegray.json")
