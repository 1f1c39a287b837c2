# Frozen reference numbers of a federated fit: survival::coxph with strata(site) on pbc, cut in three sites.
# Run in this folder after screen.R: Rscript federated.R   (writes federated.json)
suppressPackageStartupMessages({library(survival); library(jsonlite)})
d <- read.csv("screen.csv"); d$site <- (seq_len(nrow(d)) - 1) %% 3
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
f <- coxph(Surv(age_in, age_out, died) ~ bili + albumin + sex + spiders + strata(site, firm), d, control = exact)
write_json(list(versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
                coef = unname(coef(f)), vcov = unname(vcov(f)), loglik = f$loglik, score = f$score, n = f$n,
                events = f$nevent), "federated.json", digits = NA, auto_unbox = TRUE)
