# The weighted models of analyses/igf1-mortality.toml in R's survey, and models of subpopulations on the same people.
#
# The table holds public data but is not committed; make it as igf1_mortality.R says, then run
#   Rscript tests/reference/survey_nhanes3.R nhanes3.csv
# It writes survey_nhanes3.json beside this file.
suppressMessages({library(survey); library(survival); library(Hmisc); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
d <- read.csv(commandArgs(TRUE)[1], na.strings = "", stringsAsFactors = FALSE)
d$sex <- factor(d$sex, c("Male", "Female"))
d$race_ethnicity <- factor(d$race_ethnicity, c("Non-Hispanic white", "Non-Hispanic black", "Mexican American", "Other"))
d$smoking <- factor(d$smoking, c("Never", "Former", "Current"))
tight <- coxph.control(eps = 1e-12, iter.max = 50, toler.chol = 1e-14)
exact <- glm.control(epsilon = 1e-14, maxit = 100)
designed <- function(data) svydesign(~survey_psu, strata = ~survey_stratum, weights = ~survey_weight, data = data, nest = TRUE)

f_test <- function(fit, own, df) {
  b <- coef(fit)[own]
  c(b %*% solve(vcov(fit)[own, own], b)) / length(own)
}
fits <- list(); curves <- list()
for (exposure in c("igf1", "igfbp3", "igf1_igfbp3_ratio")) {
  value <- d[[exposure]]
  knots <- as.numeric(rcspline.eval(value, nk = 5, knots.only = TRUE))
  cuts <- as.numeric(quantile(value, 1:4 / 5, na.rm = TRUE))
  middle <- median(value, na.rm = TRUE)
  bases <- list(spline = rcspline.eval(value, knots, inclx = TRUE),
                groups = model.matrix(~ g, data.frame(g = relevel(cut(ifelse(is.na(value), middle, value), c(-Inf, cuts, Inf)), 3)))[, -1],
                linear = cbind(value / sd(value, na.rm = TRUE)))
  bases$groups[is.na(value), ] <- NA
  for (outcome in c("all_causes", "cardiovascular", "heart", "cerebrovascular", "cancer")) for (coding in names(bases)) {
    d$e <- I(unclass(bases[[coding]])); d$event <- d[[outcome]]
    fit <- svycoxph(Surv(age_entry, age_exit, event) ~ e + sex + race_ethnicity + smoking + bmi, designed(d), control = tight)
    own <- seq_len(ncol(bases[[coding]]))
    used <- if (length(fit$na.action)) fit$survey.design[-fit$na.action, ] else fit$survey.design
    df <- degf(used)
    se <- sqrt(diag(vcov(fit)))
    statistic <- f_test(fit, own, df)
    fits[[length(fits) + 1]] <- list(exposure = exposure, outcome = outcome, coding = coding, n = fit$n, df = df,
      estimate = unname(coef(fit)[own]), se = unname(se[own]), f = statistic,
      p = pf(statistic, length(own), df, lower.tail = FALSE), population = sum(weights(used)))
    if (coding == "spline") {
      at <- as.numeric(quantile(value, c(.02, .1, .25, .75, .9, .98), na.rm = TRUE))
      l <- sweep(rcspline.eval(at, knots, inclx = TRUE), 2, rcspline.eval(c(middle, at), knots, inclx = TRUE)[1, ])
      curves[[length(curves) + 1]] <- list(exposure = exposure, outcome = outcome, x = at,
        estimate = as.numeric(l %*% coef(fit)[own]), se = sqrt(diag(l %*% vcov(fit)[own, own] %*% t(l))))
    }
  }
}

# Subpopulations of the whole sample.
whole <- designed(d)
who <- list(`sex == 'Female' and age < 50` = d$sex == "Female" & d$age < 50,
            `race_ethnicity == 'Mexican American'` = d$race_ethnicity == "Mexican American")
subpopulations <- list()
for (condition in names(who)) {
  part <- subset(whole, who[[condition]])
  models <- list(
    cox = svycoxph(Surv(age_entry, age_exit, all_causes) ~ igf1 + bmi + strata(smoking), part, control = tight),
    logistic = svyglm(raised_hba1c ~ igf1 + bmi + smoking, part, family = quasibinomial(), control = exact),
    poisson = svyglm(all_causes ~ igf1 + age + smoking + offset(log(follow_up)), part, family = quasipoisson(), control = exact),
    linear = svyglm(sbp ~ igf1 + age + smoking, part))
  for (name in names(models)) {
    f <- models[[name]]
    if (inherits(f, "svyglm")) f <- update(f, start = coef(f))  # its covariance is of the step before the last
    used <- if (length(f$na.action)) part[-f$na.action, ] else part
    subpopulations[[length(subpopulations) + 1]] <- list(model = name, condition = condition, df = degf(used),
      estimate = unname(coef(f)), se = unname(sqrt(diag(vcov(f)))))
  }
}
write_json(list(fits = fits, curves = curves, subpopulations = subpopulations,
  versions = list(R = R.version.string, survey = as.character(packageVersion("survey")),
                  survival = as.character(packageVersion("survival")))),
  file.path(here, "survey_nhanes3.json"), digits = NA, auto_unbox = TRUE)
