# Frozen reference numbers: survival::cch and clogit on the National Wilms Tumor Study and on smcfcs's examples.
# Run in this folder: Rscript case_cohort.R   (writes case_cohort.json; the data are in case_cohort_nwtco.csv)
suppressPackageStartupMessages({library(survival); library(smcfcs); library(jsonlite)})
data(nwtco)
d <- nwtco[nwtco$in.subcohort | nwtco$rel == 1, ]
d$subcohort <- as.integer(d$in.subcohort); d$stage <- factor(d$stage); d$age <- d$age / 12
d$histol <- factor(d$histol, labels = c("FH", "UH"))
n <- nrow(nwtco)
by <- table(nwtco$instit)
f <- Surv(edrel, rel) ~ stage + histol + age
take <- function(m) list(coef = unname(coef(m)), var = unname(m$var))
one <- lapply(c(prentice = "Prentice", `self-prentice` = "SelfPrentice", `lin-ying` = "LinYing"), function(m)
  take(cch(f, data = d, subcoh = ~subcohort, id = ~seqno, cohort.size = n, method = m)))
# plain matrices again, since I.Borgan and II.Borgan need an intercept-free model matrix of several columns
two <- lapply(c(`borgan-1` = "I.Borgan", `borgan-2` = "II.Borgan"), function(m)
  take(cch(f, data = d, subcoh = ~subcohort, id = ~seqno, stratum = ~instit, cohort.size = c(by), method = m)))
robust <- take(cch(f, data = d, subcoh = ~subcohort, id = ~seqno, cohort.size = n, method = "LinYing", robust = TRUE))
# delayed entry: half of them come in a year late
e <- subset(d, edrel > 400); e$entry <- ifelse(e$seqno %% 2 == 0, 365, 0)
g <- Surv(entry, edrel, rel) ~ stage + histol + age
late <- c(lapply(c(prentice = "Prentice", `self-prentice` = "SelfPrentice", `lin-ying` = "LinYing"), function(m)
  take(cch(g, data = e, subcoh = ~subcohort, id = ~seqno, cohort.size = 3600, method = m))),
  lapply(c(`borgan-1` = "I.Borgan", `borgan-2` = "II.Borgan"), function(m)
  take(cch(g, data = e, subcoh = ~subcohort, id = ~seqno, stratum = ~instit, cohort.size = c(`1` = 3200, `2` = 400), method = m))))
write.csv(d[, c("seqno", "subcohort", "rel", "edrel", "stage", "histol", "instit", "age")], "case_cohort_nwtco.csv", row.names = FALSE)

cc <- ex_cc; cc$sub <- cc$in.subco

cc$row <- seq_len(nrow(cc)); cc$z2 <- cc$z^2
r_cc <- lapply(c(prentice = "Prentice", `lin-ying` = "LinYing"), function(m)
  take(cch(Surv(t, d) ~ z + z2, data = cc, subcoh = ~sub, id = ~row, cohort.size = 10000, method = m)))

m <- clogit(case ~ z + strata(setno), data = ex_ncc)
write_json(list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                                smcfcs = as.character(packageVersion("smcfcs"))),
  n = n, by = as.list(by), unstratified = one, stratified = two, robust = robust, late = late,
  ex_cc = list(data = cc[, c("t", "d", "z", "sub")], fits = r_cc),
  ex_ncc = list(data = ex_ncc[, c("t", "d", "z", "id", "setno", "case")], coef = unname(coef(m)), var = unname(vcov(m)), loglik = m$loglik)),
  "case_cohort.json", digits = 15, auto_unbox = TRUE, dataframe = "columns")
