"""R as a cross-check, where it is installed with its package survival: coxph and glm on the same design."""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np

from riskkit.design.design import Design
from riskkit.design.surv import Surv
from riskkit.folders import scratch

SCRIPT = """
suppressMessages(library(survival))
a <- commandArgs(TRUE); n <- as.integer(a[2])
m <- matrix(readBin(a[1], "double", file.info(a[1])$size / 8), nrow = n)
x <- m[, -(1:4), drop = FALSE]
fit <- if (a[3] == "cox") {
  follow_up <- if (all(is.nan(m[, 2]))) Surv(m[, 3], m[, 4]) else Surv(m[, 2], m[, 3], m[, 4])
  coxph(follow_up ~ x + strata(m[, 1]), control = coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50))
} else glm(m[, 4] ~ x - 1, family = binomial(), control = glm.control(epsilon = 1e-14, maxit = 50))
cat(as.character(packageVersion("survival")), as.character(getRversion()), "\\n")
cat(formatC(c(coef(fit), sqrt(diag(vcov(fit)))), digits = 17, format = "g"), "\\n")
"""


def ask_r(design: Design) -> tuple[str, str, np.ndarray, np.ndarray] | None:
    """Have R fit a design: coxph (Efron's ties) to a survival outcome, glm to a 0/1 state.

    Returns
    -------
    software, version, coefficients, standard errors, or None
        The latter two of shape (p,), in the design's units; None where there is no R, or it could not fit the model.
    """
    if shutil.which("Rscript") is None:
        return None
    n, followed = len(design.x), design.response
    none = np.full(n, np.nan)
    if isinstance(followed, Surv):
        entry = none if followed.entry is None else followed.entry
        strata = np.zeros(n) if design.strata is None else design.strata
        columns = [strata, entry, followed.exit, followed.event]
    else:
        columns = [none, none, none, np.asarray(followed, dtype=float)]
    with scratch() as folder:
        script, file = folder / "ask.R", folder / "design.bin"
        script.write_text(SCRIPT, encoding="utf-8")
        np.column_stack([*columns, design.x]).T.tofile(file)
        kind = "cox" if isinstance(followed, Surv) else "logistic"
        # R's own temporary files too are in a folder that goes with us, or with the next of us if we are killed.
        done = subprocess.run(
            ["Rscript", "--vanilla", str(script), str(file), str(n), kind],
            env={**os.environ, "TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return None
    versions, numbers = done.stdout.splitlines()[-2:]
    survival, base = versions.split()
    answers = np.array([np.nan if each == "NA" else float(each) for each in numbers.split()])
    half = answers.size // 2
    software, version = ("R's survival", survival) if kind == "cox" else ("R's glm", base)
    return software, version, answers[:half], answers[half:]
