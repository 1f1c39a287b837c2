# Weighted characteristics of infert (R's datasets) with the survey package: means, standard deviations, quartiles, shares.
suppressMessages(library(survey)); library(jsonlite)
d <- infert; d$age <- d$age + (seq_len(nrow(d)) %% 11) / 13; d$w <- 0.5 + (seq_len(nrow(d)) %% 7) / 3
s <- svydesign(~1, weights = ~w, data = d)
q <- svyquantile(~age, s, c(.25, .5, .75), qrule = "hf7", ci = FALSE)$age
write_json(list(
  r = R.version.string, survey = as.character(packageVersion("survey")),
  age = d$age, education = as.character(d$education), weight = d$w,
  mean = coef(svymean(~age, s))[[1]], sd = sqrt(coef(svyvar(~age, s))[[1]]), quartiles = as.numeric(q),
  percent = as.numeric(100 * coef(svymean(~education, s))), levels = levels(d$education)
), "table_one.json", digits = 12, auto_unbox = TRUE)
