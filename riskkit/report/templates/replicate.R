# Every estimate of the main models of "@title@", made again in R and compared with the report's.
#
# With the data at hand, in the project's folder:   riskkit replicate @name@
# which writes this script and the table that it reads to build/replicate/, and runs
#   Rscript build/replicate/@name@.R build/replicate/@name@.csv
# It needs the packages survival and rms, and survey where a survey weighs people. Splines, groups and factors are R's
# own; who takes part is decided here anew. It ends with 1 if a number is not the report's.

suppressMessages({library(survival); library(rms)})
file <- commandArgs(TRUE)[1]
if (is.na(file)) stop("say which table to read: Rscript replicate.R TABLE.csv")
factors <- @factors@
d <- read.csv(file, na.strings = "", check.names = FALSE, encoding = "UTF-8",
              colClasses = sapply(factors, function(levels) "character"))
for (name in names(factors)) d[[name]] <- factor(d[[name]], factors[[name]])
design <- @design@
tolerance <- @tolerance@  # of a coefficient in its standard errors, of a standard error relative to itself

models <- list(
@models@
)

# Those at risk with everything known; not those in categories in which nobody has the event (of a state, nor everybody):
# the likelihood puts their risk at its limit, and the others' coefficients are exactly those of that limit.
people <- function(model, formula) {
  used <- d[[model$at_risk]] %in% 1 & complete.cases(d[, all.vars(formula), drop = FALSE])
  for (name in model$factors) used <- used & !is.na(d[[name]])
  out <- rep(FALSE, nrow(d))
  for (name in model$factors) {
    share <- tapply(d[[model$event]][used] == 1, d[[name]][used], mean)
    one_kind <- names(share)[!is.na(share) & (share == 0 | (share == 1 & model$family == "logistic"))]
    out <- out | d[[name]] %in% one_kind
  }
  used & !out
}

tight <- coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50)
exact <- glm.control(epsilon = 1e-14, maxit = 100)
apart <- function(made, told, scale) max(abs(made - told) / abs(scale))

worst <- 0; remade <- 0; skipped <- 0
for (model in models) {
  if (!is.null(model$skipped)) {
    cat(model$what, ": not remade, ", model$skipped, "\n", sep = "")
    skipped <- skipped + 1
    next
  }
  formula <- model$formula
  used <- people(model, formula)
  s <- droplevels(d[used, ])
  fit <- if (model$family == "cox") coxph(formula, s, ties = "efron", control = tight) else
    glm(formula, binomial(), s, control = exact)
  b <- coef(fit); se <- sqrt(diag(vcov(fit)))
  same <- sum(used) == model$n && length(b) == length(model$coefficients) && !anyNA(b)
  far <- if (!same) Inf else
    max(apart(b, model$coefficients, model$errors), apart(se, model$errors, model$errors))
  told <- ""
  if (!is.null(model$weighted) && !is.null(design)) {
    suppressMessages(library(survey))
    options(survey.lonely.psu = design$lonely)
    whole <- svydesign(design$ids, strata = design$strata, weights = design$weights, nest = design$nest, data = d)
    part <- subset(whole, used)
    part$variables <- droplevels(part$variables)
    fit <- if (model$family == "cox") svycoxph(formula, part, control = tight) else
      svyglm(formula, part, family = quasibinomial(), control = exact)
    first <- (if (model$family == "cox") 0 else 1) + seq_len(model$terms)
    b <- coef(fit)[first]; v <- vcov(fit)[first, first, drop = FALSE]
    weighted <- if (is.null(model$weighted_errors)) apart(c(b %*% solve(v, b)), model$weighted, model$weighted) else
      max(apart(b, model$weighted, model$weighted_errors), apart(sqrt(diag(v)), model$weighted_errors, model$weighted_errors))
    told <- sprintf(", weighted %.0e", weighted)
    far <- max(far, weighted)
  }
  cat(sprintf("%s: %d people, %d coefficients, apart by %.0e%s\n", model$what, sum(used), length(coef(fit)), far, told))
  worst <- max(worst, far); remade <- remade + 1
}
cat(sprintf("%d models remade with R %s, survival %s: the largest difference is %.1e. %d not remade.\n", remade,
            getRversion(), packageVersion("survival"), worst, skipped))
if (worst > tolerance) { cat("A number is not the report's.\n"); quit(status = 1) }
