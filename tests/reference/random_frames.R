# 500 random data frames against R: reads frames as JSON lines, writes what survival, stats and survey say of each.
# Rscript random_frames.R frames.jsonl answers.jsonl; a sample of both is frozen in random_frames.json.
suppressMessages({ library(survival); library(survey); library(jsonlite) })
options(warn = -1, survey.lonely.psu = "adjust")
args <- commandArgs(TRUE)
tight <- glm.control(epsilon = 1e-14, maxit = 100)
answer <- function(case) {
  d <- as.data.frame(case$data, stringsAsFactors = FALSE)
  f <- as.formula(case$formula)
  rows <- seq_len(nrow(d))
  fit <- switch(case$kind,
    cox = coxph(f, d, ties = case$ties, control = coxph.control(eps = 1e-13, iter.max = 60)),
    cox_weighted = coxph(f, d, weights = w, ties = case$ties, cluster = rows, control = coxph.control(eps = 1e-13, iter.max = 60)),
    cox_frequency = { d <- d[rep(rows, d$f), ]; coxph(f, d, ties = case$ties, control = coxph.control(eps = 1e-13, iter.max = 60)) },
    cox_cluster = coxph(f, d, ties = case$ties, cluster = g, control = coxph.control(eps = 1e-13, iter.max = 60)),
    logistic = glm(f, binomial, d, control = tight),
    poisson = glm(f, poisson, d, control = tight),
    clogit = clogit(f, d, method = "exact"),
    linear = lm(f, d),
    svy_logistic = svyglm(f, svydesign(~g, weights = ~w, data = d), family = quasibinomial(), control = tight),
    svy_cox = svycoxph(f, svydesign(~g, weights = ~w, data = d)))
  b <- coef(fit); v <- vcov(fit); keep <- !is.na(b)
  out <- list(coef = unname(b[keep]), se = unname(sqrt(diag(as.matrix(v)))[keep[seq_len(nrow(as.matrix(v)))]]))
  if (length(out$se) != length(out$coef)) out$se <- unname(sqrt(diag(as.matrix(v))))
  if (case$kind %in% c("cox", "cox_frequency", "logistic", "poisson", "clogit")) out$loglik <- as.numeric(tail(logLik(fit), 1))
  if (case$kind == "cox") {
    z <- cox.zph(fit)$table
    out$zph <- unname(z[nrow(z), "chisq"])
    out$concordance <- unname(concordance(fit)$concordance)
    out$lp <- unname(predict(fit, d[1:3, ], type = "lp", reference = "zero"))
  }
  out
}
lines <- readLines(args[1])
res <- vapply(lines, function(line) {
  case <- fromJSON(line)
  out <- tryCatch(answer(case), error = function(e) list(error = conditionMessage(e)))
  as.character(toJSON(out, digits = NA, auto_unbox = FALSE))
}, "")
writeLines(unname(res), args[2])
