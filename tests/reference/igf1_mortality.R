# Every model of analyses/igf1-mortality.toml in R's survival, with knots, cut points and bases of Hmisc.
#
# The analysis table holds public data but is not committed; make it, then run this:
#   make nhanes3
#   .venv/bin/python -c "import pandas as pd; pd.read_parquet('build/cohorts/nhanes3.parquet').to_csv('nhanes3.csv', index=False)"
#   Rscript tests/reference/igf1_mortality.R nhanes3.csv
# It writes igf1_mortality.json beside this file.
suppressMessages({library(survival); library(Hmisc); library(rms); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(commandArgs(TRUE)[1], na.strings = "", stringsAsFactors = FALSE)
d$sex <- factor(d$sex, c("Male", "Female"))
d$race_ethnicity <- factor(d$race_ethnicity, c("Non-Hispanic white", "Non-Hispanic black", "Mexican American", "Other"))
d$smoking <- factor(d$smoking, c("Never", "Former", "Current"))
stopifnot(!anyNA(d$sex), !anyNA(d$race_ethnicity))

exposures <- c("igf1", "igfbp3", "igf1_igfbp3_ratio")
outcomes <- c("all_causes", "cardiovascular", "heart", "cerebrovascular", "cancer")
sets <- list(`age-sex` = "sex", lifestyle = c("sex", "race_ethnicity", "smoking", "bmi"))
sets$metabolic <- c(sets$lifestyle, "sbp", "total_cholesterol", "hdl", "hba1c", "crp")

spline <- function(x, knots, name) {
  b <- rcspline.eval(x, knots, inclx = TRUE)
  colnames(b) <- paste0(name, strrep("'", seq_len(ncol(b)) - 1)); b
}
fits <- list(); curves <- list()
for (exposure in exposures) {
  value <- d[[exposure]]
  knots <- as.numeric(rcspline.eval(value, nk = 5, knots.only = TRUE))
  cuts <- as.numeric(quantile(value, 1:4 / 5, na.rm = TRUE))
  spread <- sd(value, na.rm = TRUE)
  middle <- median(value, na.rm = TRUE)
  for (outcome in outcomes) for (time_scale in c("age", "follow_up")) for (model in names(sets)) {
    used <- complete.cases(d[c(exposure, outcome, sets[[model]], "age", "follow_up")])
    k <- d[used, ]
    x <- k[[exposure]]
    event <- k[[outcome]]
    surv <- if (time_scale == "age") Surv(k$age_entry, k$age_exit, event) else Surv(k$follow_up, event)
    z <- model.matrix(reformulate(sets[[model]]), k)[, -1, drop = FALSE]
    if (time_scale == "follow_up") {
      age_knots <- as.numeric(rcspline.eval(k$age, nk = 4, knots.only = TRUE))
      z <- cbind(spline(k$age, age_knots, "age"), z)
    }
    for (coding in c("spline", "groups", "linear")) {
      e <- switch(coding, spline = spline(x, knots, exposure),
                  groups = model.matrix(~ relevel(cut(x, c(-Inf, cuts, Inf)), 3))[, -1], linear = cbind(x / spread))
      m <- cbind(e, z)
      f <- coxph(surv ~ m, control = coxph.control(eps = 1e-12, iter.max = 50, toler.chol = 1e-14))
      own <- seq_len(ncol(e)); b <- coef(f)[own]; v <- vcov(f)[own, own, drop = FALSE]
      wald <- function(i) sum(b[i] * solve(v[i, i], b[i]))
      fits[[length(fits) + 1]] <- list(exposure = exposure, outcome = outcome, time_scale = time_scale, coding = coding,
        model = model, n = f$n, events = f$nevent, loglik = f$loglik[2], loglik_null = f$loglik[1], score = f$score,
        estimate = unname(coef(f)), se = unname(sqrt(diag(vcov(f)))), overall = wald(own),
        nonlinear = if (coding == "spline") wald(own[-1]) else NULL)
      if (coding == "spline" && time_scale == "age" && model == "lifestyle") {
        at <- as.numeric(quantile(value, c(.02, .1, .25, .75, .9, .98), na.rm = TRUE))
        l <- sweep(spline(at, knots, exposure), 2, spline(middle, knots, exposure))
        curves[[length(curves) + 1]] <- list(exposure = exposure, outcome = outcome, x = at,
          estimate = as.numeric(l %*% b), se = sqrt(diag(l %*% v %*% t(l))))
        zph <- cox.zph(f, terms = FALSE)
        fits[[length(fits)]]$zph_global <- unname(zph$table["GLOBAL", "chisq"])
      }
    }
  }
}

# One model through rms itself, formula and all, as a check of the bases above.
k <- d[complete.cases(d[c("igf1", "all_causes", sets$lifestyle, "age", "follow_up")]), ]
knots <- as.numeric(rcspline.eval(d$igf1, nk = 5, knots.only = TRUE))
dd <- datadist(k); options(datadist = "dd")
c1 <- cph(Surv(age_entry, age_exit, all_causes) ~ rcs(igf1, knots) + sex + race_ethnicity + smoking + bmi, k,
          method = "efron", x = TRUE, y = TRUE, eps = 1e-12)
a1 <- anova(c1)
write_json(list(fits = fits, curves = curves,
  rms = list(estimate = unname(coef(c1)), loglik = c1$loglik, anova_chi2 = unname(a1["igf1", "Chi-Square"]),
             nonlinear_chi2 = unname(a1[" Nonlinear", "Chi-Square"])),
  flow = list(n = nrow(d), deaths = sum(d$all_causes)),
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                  rms = as.character(packageVersion("rms")), Hmisc = as.character(packageVersion("Hmisc")))),
  file.path(here, "igf1_mortality.json"), digits = NA, auto_unbox = TRUE)
