# Models of analyses/bmi-mortality.toml in R's survival, with Hmisc's knots and bases, from a table stacked in R.
#
# The official files are read here, not by riskkit; name the folder that holds them, and then:
#   Rscript tests/reference/bmi_mortality.R FOLDER
# It writes bmi_mortality.json beside this file.
suppressMessages({library(survival); library(Hmisc); library(foreign); library(jsonlite); library(survey)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
folder <- commandArgs(TRUE)[1]
xpt <- function(name, columns) do.call(rbind, lapply(c("C", "D"), function(round)
  read.xport(file.path(folder, paste0(name, "_", round, ".XPT")))[c("SEQN", columns)]))
deaths <- do.call(rbind, lapply(c("2003_2004", "2005_2006"), function(years) {
  line <- readLines(file.path(folder, paste0("NHANES_", years, "_MORT_2015_PUBLIC.dat")))
  cut <- function(first, last) suppressWarnings(as.integer(substr(line, first, last)))
  data.frame(SEQN = cut(1, 5), eligible = cut(15, 15), dead = cut(16, 16), cause = cut(17, 19), months = cut(46, 48))
}))
d <- Reduce(function(a, b) merge(a, b, all.x = TRUE), list(
  xpt("DEMO", c("RIDAGEYR", "RIAGENDR", "RIDRETH1", "DMDEDUC2", "RIDEXPRG", "SDMVPSU", "SDMVSTRA", "WTMEC2YR")),
  xpt("BMX", "BMXBMI"), xpt("SMQ", c("SMQ020", "SMQ040")), deaths))
d <- merge(d, data.frame(SEQN = xpt("BMX", "BMXBMI")$SEQN, examined = TRUE))
everyone <- d
d <- subset(d, RIDAGEYR >= 20 & !(RIDEXPRG %in% 1) & eligible == 1 & months > 0 & !is.na(BMXBMI))
d$sex <- factor(d$RIAGENDR)
d$race <- factor(d$RIDRETH1, c(3, 4, 1, 2, 5))
d$education <- factor(d$DMDEDUC2, 1:5)
d$smoking <- factor(ifelse(d$SMQ020 == 2, "never", ifelse(d$SMQ020 != 1, NA, ifelse(d$SMQ040 == 3, "former",
             ifelse(d$SMQ040 %in% 1:2, "current", NA)))), c("never", "former", "current"))
d$entry <- 12 * d$RIDAGEYR
events <- list(all_causes = d$dead == 1, cancer = d$dead == 1 & d$cause %in% 2)
spline <- rcspline.eval(d$BMXBMI, nk = 5, inclx = TRUE)
group <- model.matrix(~ relevel(cut(d$BMXBMI, c(-Inf, 20, 22.5, 25, 27.5, 30, 35, Inf)), 3))[, -1]
codings <- list(spline = spline, groups = group, linear = cbind(d$BMXBMI / 5))
sets <- list(`age-sex` = ~ sex, lifestyle = ~ sex + race + education + smoking)

fit <- function(outcome, coding, model, keep, lag, terms) {
  used <- complete.cases(d[all.vars(terms)]) & keep & d$months > lag
  k <- d[used, ]
  z <- model.matrix(terms, k)[, -1, drop = FALSE]
  f <- coxph(Surv(k$entry + lag, k$entry + k$months, events[[outcome]][used]) ~ codings[[coding]][used, , drop = FALSE] + z,
             control = coxph.control(eps = 1e-12, iter.max = 50, toler.chol = 1e-14))
  own <- seq_len(ncol(codings[[coding]]))
  list(outcome = outcome, coding = coding, model = model, n = f$n, events = f$nevent, loglik = f$loglik[2],
       estimate = unname(coef(f)[own]), se = unname(sqrt(diag(vcov(f)))[own]))
}
fits <- list(); variants <- list()
for (outcome in names(events)) {
  for (coding in names(codings)) for (model in names(sets))
    fits[[length(fits) + 1]] <- fit(outcome, coding, model, TRUE, 0, sets[[model]])
  never <- d$smoking %in% "never"
  bare <- ~ sex + race + education
  variants[[length(variants) + 1]] <- c(variant = "never", fit(outcome, "linear", "lifestyle", never, 0, bare))
  variants[[length(variants) + 1]] <- c(variant = "late", fit(outcome, "linear", "lifestyle", TRUE, 24, sets$lifestyle))
  variants[[length(variants) + 1]] <- c(variant = "never-late", fit(outcome, "linear", "lifestyle", never, 24, bare))
}
# The main model's straight line, weighted to the population: everyone examined is in the design.
used <- d[complete.cases(d[c("sex", "race", "education", "smoking")]), ]
everyone$used <- everyone$SEQN %in% used$SEQN
own <- c("sex", "race", "education", "smoking", "entry")
everyone <- merge(everyone, used[c("SEQN", own)], all.x = TRUE)
design <- svydesign(~SDMVPSU, strata = ~SDMVSTRA, weights = ~I(WTMEC2YR / 2), nest = TRUE, data = everyone)
s <- svycoxph(Surv(entry, entry + months, dead) ~ I(BMXBMI / 5) + sex + race + education + smoking, subset(design, used),
              control = coxph.control(eps = 1e-12, iter.max = 50, toler.chol = 1e-14))
weighted <- list(estimate = unname(coef(s)[1]), se = unname(SE(s)[1]))

write_json(list(fits = fits, variants = variants, weighted = weighted, people = nrow(d), deaths = sum(d$dead),
                versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                                survey = as.character(packageVersion("survey")),
                                Hmisc = as.character(packageVersion("Hmisc")))),
           file.path(here, "bmi_mortality.json"), digits = NA, auto_unbox = TRUE)
