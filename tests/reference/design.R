# Knots and bases of Hmisc/rms, and R's coding of factors and interactions.
# Run: Rscript tests/reference/design.R   (writes design.json beside this file)
suppressMessages({library(Hmisc); library(jsonlite); library(survival)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
set.seed(20)
samples <- list(
  smooth   = round(rgamma(500, 9, .06), 1),
  small    = round(rnorm(60, 20, 5), 2),
  floored  = pmax(round(rnorm(400, 1, 1), 2), 0.21),          # a detection limit: heavy ties at the low end
  both     = pmin(pmax(round(rnorm(400, 1, 1), 2), 0.21), 1.8) # ties at both ends
)
knots <- list()
for (s in names(samples)) for (k in 3:7)
  knots[[length(knots) + 1]] <- list(sample = s, k = k,
    knots = as.numeric(suppressWarnings(rcspline.eval(samples[[s]], nk = k, knots.only = TRUE))))
x <- c(-3, 4, 9.99, 10, 12.5, 20, 21, 28.1, 33, 41, 80)
kn <- c(10, 17, 25, 40)
basis <- rcspline.eval(x, kn, inclx = TRUE)
d <- data.frame(a = c(1.5, 2, 3.5, 4, 5, 6), s = factor(c("Men", "Women", "Men", "Women", "Men", "Women")),
                g = factor(c("x", "y", "z", "x", "y", "z")))
coding <- function(f) { m <- model.matrix(f, d); list(names = colnames(m), values = unname(m)) }
write_json(list(
  samples = samples, knots = knots, x = x, kn = kn, basis = unname(basis),
  frame = list(a = d$a, s = as.character(d$s), g = as.character(d$g)),
  codings = list(main = coding(~ a + s + g), interaction = coding(~ a * s + g), factors = coding(~ s * g),
                 slopes = coding(~ a:s), nested = coding(~ s + s:g)),
  versions = list(R = R.version.string, Hmisc = as.character(packageVersion("Hmisc")))
), file.path(here, "design.json"), digits = NA, auto_unbox = TRUE)
