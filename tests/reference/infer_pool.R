# Frozen reference numbers of pooling: five imputed sets of two data sets, Cox and logistic.
# Run in this folder: Rscript infer_pool.R   (needs mice, mitml, survival; writes infer_pool.json and the sets as CSV)
suppressPackageStartupMessages({library(mice); library(mitml); library(survival); library(rms); library(jsonlite)})

M <- 5
blank <- function(x, chance, seed) { set.seed(seed); x[runif(length(x)) < chance] <- NA; x }
impute <- function(data, name, blanked, order) {
  held <- data; for (v in names(blanked)) held[[v]] <- blank(held[[v]], blanked[[v]], match(v, names(blanked)))
  sets <- complete(mice(held, m = M, maxit = 5, seed = 11, printFlag = FALSE), "all")
  write.csv(do.call(rbind, lapply(1:M, function(i) cbind(set = i, sets[[i]]))), sprintf("infer_pool_%s.csv", name),
            row.names = FALSE, quote = FALSE)
  lapply(1:M, function(i) subset(read.csv(sprintf("infer_pool_%s.csv", name), stringsAsFactors = TRUE), set == i))
}

table <- function(fits, dfcom = NULL) {
  found <- pool(as.mira(fits), dfcom = dfcom)
  shown <- summary(found, conf.int = TRUE)
  list(term = as.character(shown$term), estimate = shown$estimate, se = shown$std.error, df = shown$df,
       p = shown$p.value, low = shown$`2.5 %`, high = shown$`97.5 %`, fmi = found$pooled$fmi, riv = found$pooled$riv,
       dfcom = found$pooled$dfcom[1])
}
tests <- function(fits, smaller, dfcom, more) {
  one <- function(...) { r <- testModels(fits, smaller, ...)$test; list(f = r[1], df = r[2], df_resid = r[3], p = r[4], riv = r[5]) }
  c(list(D1 = one(method = "D1", df.com = dfcom), D1_large = one(method = "D1"), D2 = one(method = "D2")), more(one))
}
contrasted <- function(fits, rows, dfcom) {  # a linear combination is a coefficient of another parametrisation
  q <- sapply(fits, function(f) rows %*% coef(f)); u <- sapply(fits, function(f) diag(rows %*% vcov(f) %*% t(rows)))
  out <- mapply(function(i) { p <- pool.scalar(q[i, ], u[i, ], n = dfcom + 1); c(p$qbar, sqrt(p$t), p$df) }, seq_len(nrow(rows)))
  list(estimate = out[1, ], se = out[2, ], df = out[3, ])
}

lung <- read.csv("infer_lung.csv", stringsAsFactors = TRUE)
lungs <- impute(lung, "lung", c(age = 0.2, karno = 0.25, loss = 0.3))
place <- c(48, 60, 66, 74)
wide <- Surv(time, died) ~ rcs(age, c(48, 60, 66, 74)) + sex + rcs(karno, c(60, 75, 95)) + loss
cox <- lapply(lungs, function(d) coxph(wide, d, eps = 1e-11))
no_age <- lapply(lungs, function(d) coxph(update(wide, . ~ . - rcs(age, c(48, 60, 66, 74))), d, eps = 1e-11))
line <- lapply(lungs, function(d) coxph(update(wide, . ~ . - rcs(age, c(48, 60, 66, 74)) + age), d, eps = 1e-11))
dfcom <- cox[[1]]$nevent - length(coef(cox[[1]]))
basis <- function(x) unclass(rcspline.eval(x, place, inclx = TRUE))
x <- c(45, 55, 65, 75, 80)
rows <- matrix(0, length(x), length(coef(cox[[1]]))); rows[, 1:3] <- basis(x) - basis(rep(60, length(x)))
stacked <- do.call(rbind, lungs)
likelihood <- function(formula) logLik(coxph(update(formula, . ~ . + strata(set)), stacked, eps = 1e-11))[1] / M
d4 <- function(larger, smaller, fits1, fits0, k) {  # Chan and Meng's test of partial likelihoods, one stratum a set
  dbar <- mean(2 * (sapply(fits1, logLik) - sapply(fits0, logLik))); dhat <- 2 * (likelihood(larger) - likelihood(smaller))
  r <- max(0, (M + 1) / (k * (M - 1)) * (dbar - dhat)); f <- dhat / (k * (1 + r)); v <- k * (M - 1) * (1 + 1 / r)^2
  list(f = f, df = k, df_resid = v, p = pf(f, k, v, lower.tail = FALSE), riv = r)
}
no_age_formula <- update(wide, . ~ . - rcs(age, c(48, 60, 66, 74)))
line_formula <- update(no_age_formula, . ~ . + age)
frozen <- list(lung = list(
  pooled = table(cox), curve = c(list(x = x), contrasted(cox, rows, dfcom)),
  age = tests(cox, no_age, dfcom, function(one) list(D4 = d4(wide, no_age_formula, cox, no_age, 3))),
  nonlinear = list(D4 = d4(wide, line_formula, cox, line, 2))))

births <- impute(read.csv("infer_birthwt.csv", stringsAsFactors = TRUE), "birthwt", c(age = 0.15, lwt = 0.25, race = 0.2))
tight <- glm.control(epsilon = 1e-14, maxit = 50)
full <- low ~ age + lwt + race + smoke + ht
glms <- lapply(births, function(d) glm(full, binomial, d, control = tight))
no_race <- lapply(births, function(d) glm(low ~ age + lwt + smoke + ht, binomial, d, control = tight))
frozen$birthwt <- list(pooled = table(glms), race = tests(glms, no_race, df.residual(glms[[1]]), function(one)
  list(D4 = one(method = "D4", ariv = "positive"))))
frozen$birthwt$D3 <- as.list(D3(as.mira(glms), as.mira(no_race))$result)
write(toJSON(frozen, digits = NA, auto_unbox = TRUE), "infer_pool.json")
