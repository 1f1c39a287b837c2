# Frozen reference numbers of rms: anova tables and contrasts of three data sets, Cox and logistic.
# Run in this folder: Rscript infer_rms.R   (writes infer_rms.json and infer_{pbc,lung,birthwt}.csv)
suppressPackageStartupMessages({library(rms); library(survival); library(jsonlite); library(MASS)})

pbc <- subset(survival::pbc, !is.na(trt), c(time, status, age, sex, albumin, edema, protime))
pbc <- transform(pbc[complete.cases(pbc), ], died = as.integer(status == 2), sex = as.character(sex), status = NULL)
lung <- transform(survival::lung[, c("time", "status", "age", "sex", "ph.karno", "wt.loss")], died = status - 1)
lung <- transform(lung[complete.cases(lung), ], sex = ifelse(sex == 1, "men", "women"), status = NULL)
names(lung)[names(lung) == "ph.karno"] <- "karno"
names(lung)[names(lung) == "wt.loss"] <- "loss"
births <- transform(MASS::birthwt[, c("low", "age", "lwt", "race", "smoke", "ht")],
                    race = c("white", "black", "other")[race], smoke = ifelse(smoke == 1, "yes", "no"))
births$race <- factor(births$race); pbc$sex <- factor(pbc$sex); lung$sex <- factor(lung$sex)
births$smoke <- factor(births$smoke)
write.csv(pbc, "infer_pbc.csv", row.names = FALSE, quote = FALSE)
write.csv(lung, "infer_lung.csv", row.names = FALSE, quote = FALSE)
write.csv(births, "infer_birthwt.csv", row.names = FALSE, quote = FALSE)

frozen <- function(fit, variable, grid, reference, ...) {
  slopes <- coef(fit); keep <- names(slopes) != "Intercept"
  at <- list(...)
  x <- c(setNames(list(grid), variable), at); x0 <- c(setNames(list(reference), variable), at)
  k <- contrast(fit, x, x0)
  table <- unclass(anova(fit))
  list(coef = unname(slopes), names = names(slopes), vcov = unname(vcov(fit)),
       anova = list(row = trimws(rownames(table)), chi2 = unname(table[, 1]), df = unname(table[, 2]),
                    p = unname(table[, 3])),
       curve = list(x = grid, reference = reference, estimate = k$Contrast, se = k$SE, low = k$Lower, high = k$Upper,
                    p = k$Pvalue))
}

fits <- list()
d <- datadist(pbc); options(datadist = "d")
fits$pbc <- frozen(cph(Surv(time, died) ~ rcs(albumin, 5) + rcs(age, 4) * sex + edema, pbc, eps = 1e-10), "age",
                   quantile(pbc$age, 1:10 / 11, names = FALSE), 50, sex = "m")
fits$pbc_surface <- frozen(cph(Surv(time, died) ~ rcs(albumin, 3) * rcs(protime, 4) + sex, pbc, eps = 1e-10), "albumin",
                           quantile(pbc$albumin, 1:10 / 11, names = FALSE), 3.5, protime = 11)
d <- datadist(lung)
fits$lung <- frozen(cph(Surv(time, died) ~ rcs(age, 4) + sex + rcs(karno, c(60, 75, 95)) + loss, lung, eps = 1e-10), "age",
                    quantile(lung$age, 1:10 / 11, names = FALSE), 60)
d <- datadist(births)
fits$birthwt <- frozen(lrm(low ~ rcs(lwt, 4) * smoke + rcs(age, 3) + race + ht, births, eps = 1e-12), "lwt",
                       quantile(births$lwt, 1:10 / 11, names = FALSE), 120, smoke = "yes")
write(toJSON(fits, digits = NA, auto_unbox = TRUE), "infer_rms.json")
