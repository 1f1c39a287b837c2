# Frozen reference numbers: Lexis splitting, standardised ratios and directly standardised rates.
# Run in this folder: Rscript rates.R   (writes rates.json; reads infer_lung.csv's sibling glm_lungdk.csv)
suppressPackageStartupMessages({library(Epi); library(popEpi); library(epitools); library(jsonlite)})
data(nickel)                             # welsh nickel workers, with their reference rates: Breslow & Day 1987
workers <- subset(nickel, agein < ageout)
workers$year_in <- workers$dob + workers$agein
workers$lung <- as.integer(workers$icd %in% c(162, 163))
lex <- Lexis(entry = list(age = agein, per = year_in), exit = list(age = ageout), exit.status = lung, data = workers)
both <- as.data.frame(splitMulti(lex, age = seq(10, 100, 5), per = seq(1931, 1981, 5), drop = FALSE))
both$age_from <- pmin(floor((both$age + 1e-9) / 5) * 5, 80)          # 80 and over are one band of the rates
both$per_from <- pmin(floor((both$per + 1e-9 - 1931) / 5) * 5 + 1931, 1976)
cells <- aggregate(cbind(lex.dur, lex.Xst) ~ age_from + per_from, data = both, FUN = sum)

data(ewrates)                             # England and Wales, per million person-years
rates <- subset(ewrates, TRUE)            # year age lung nasal other
joined <- merge(cells, rates, by.x = c("age_from", "per_from"), by.y = c("age", "year"))
joined$expected <- joined$lex.dur * joined$lung / 1e6
joined$period <- ifelse(joined$per_from < 1946, 0, ifelse(joined$per_from < 1961, 1, 2))
by <- aggregate(cbind(lex.Xst, expected) ~ period, data = joined, FUN = sum)
# by age at entry, a group each: (per, age) cells of each worker summed within it
both$group <- ifelse(both$agein < 40, 0, ifelse(both$agein < 50, 1, 2))
grouped <- aggregate(cbind(lex.dur, lex.Xst) ~ age_from + per_from + group, data = both, FUN = sum)
grouped <- merge(grouped, rates, by.x = c("age_from", "per_from"), by.y = c("age", "year"))
grouped$expected <- grouped$lex.dur * grouped$lung / 1e6
by_age <- aggregate(cbind(lex.Xst, lex.dur, expected) ~ group, data = grouped, FUN = sum)
g0 <- glm(lex.Xst ~ offset(log(expected)), poisson, by_age, control = list(epsilon = 1e-14))
rao_g <- function(f) anova(g0, f, test = "Rao")$Rao[2]
f0 <- glm(lex.Xst ~ offset(log(expected)), poisson, by, control = list(epsilon = 1e-14))
rao <- function(f) { a <- anova(f0, f, test = "Rao"); a$Rao[2] }
exact <- lapply(c(0, 1, 3, 10, 77), function(k) as.numeric(poisson.test(k)$conf.int))
# mid-P limits by their definition (epitools' own pois.midp stops at 4 digits)
midp <- lapply(c(0, 1, 3, 10, 77), function(k) {
  below <- function(m) ppois(k - 1, m) + dpois(k, m) / 2
  c(if (k == 0) 0 else uniroot(function(m) 1 - below(m) - 0.025, c(1e-9, k), tol = 1e-13)$root,
    uniroot(function(m) below(m) - 0.025, c(k + 1e-9, 4 * k + 10), tol = 1e-13)$root)
})
# Fay & Feuer: Down's syndrome by birth order, the example of epitools::ageadjust.direct
events <- c(107, 25, 3); pop <- c(230061, 329449, 114920); std <- c(319933, 931318, 786511)
adjusted <- ageadjust.direct(count = events, pop = pop, stdpop = std)
few <- ageadjust.direct(count = c(0, 2, 1), pop = c(120, 900.5, 80), stdpop = c(30, 50, 20))
write_json(list(
  versions = list(R = R.version.string, Epi = as.character(packageVersion("Epi")),
                  popEpi = as.character(packageVersion("popEpi")), epitools = as.character(packageVersion("epitools"))),
  workers = workers[, c("id", "agein", "ageout", "year_in", "lung")],
  cells = cells, rates = rates[, c("year", "age", "lung")],
  observed = sum(joined$lex.Xst), expected = sum(joined$expected), by = by,
  heterogeneity = rao(glm(lex.Xst ~ factor(period) + offset(log(expected)), poisson, by, control = list(epsilon = 1e-14))),
  trend = rao(glm(lex.Xst ~ period + offset(log(expected)), poisson, by, control = list(epsilon = 1e-14))),
  by_age = by_age, by_age_exact = lapply(seq_len(nrow(by_age)), function(i)
    as.numeric(poisson.test(by_age$lex.Xst[i], by_age$expected[i])$conf.int)),
  by_age_heterogeneity = rao_g(glm(lex.Xst ~ factor(group) + offset(log(expected)), poisson, by_age, control = list(epsilon = 1e-14))),
  by_age_trend = rao_g(glm(lex.Xst ~ group + offset(log(expected)), poisson, by_age, control = list(epsilon = 1e-14))),
  exact = exact, midp = midp,
  adjusted = unname(adjusted), few = unname(few)
), "rates.json", digits = 15, auto_unbox = TRUE, dataframe = "columns")
