"""Whom a report cites, numbered in the order of its text; how it is cited itself, and how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskkit.numbers import HARD
from riskkit.results import Results

MARK = re.compile(r"( ?)\[@([\w-]+(?:; @[\w-]+)*)\]")  # [@cox] or [@cox; @efron], as authors of Markdown write
COHORT = "cohort"  # the key of the work that describes the cohort, which is the cohort file's


@dataclass(frozen=True)
class Reference:
    """A work that a report cites; `doi` is empty where it has none."""

    text: str
    doi: str = ""


WORKS = {
    "aalen": Reference(
        "Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on censored "
        "observations. Scand J Stat 1978;5:141-50."
    ),
    "barnard": Reference(
        "Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. Biometrika 1999;86:948-55.",
        "10.1093/biomet/86.4.948",
    ),
    "benjamini": Reference(
        "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful approach to multiple "
        "testing. J R Stat Soc Series B 1995;57:289-300.",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
    "binder": Reference(
        "Binder DA. On the variances of asymptotically normal estimators from complex surveys. Int Stat Rev "
        "1983;51:279-92.",
        "10.2307/1402588",
    ),
    "cochran": Reference(
        "Cochran WG. The combination of estimates from different experiments. Biometrics 1954;10:101-29.",
        "10.2307/3001666",
    ),
    "cook": Reference(
        "Cook JR, Stefanski LA. Simulation-extrapolation estimation in parametric measurement error models. J Am Stat "
        "Assoc 1994;89:1314-28.",
        "10.1080/01621459.1994.10476871",
    ),
    "cox": Reference(
        "Cox DR. Regression models and life-tables. J R Stat Soc Series B 1972;34:187-220.",
        "10.1111/j.2517-6161.1972.tb00899.x",
    ),
    "durrleman": Reference(
        "Durrleman S, Simon R. Flexible regression models with cubic splines. Stat Med 1989;8:551-61.",
        "10.1002/sim.4780080504",
    ),
    "easton": Reference(
        "Easton DF, Peto J, Babiker AGAG. Floating absolute risk: an alternative to relative risk in survival and "
        "case-control analysis avoiding an arbitrary reference group. Stat Med 1991;10:1025-35.",
        "10.1002/sim.4780100703",
    ),
    "efron": Reference(
        "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-65.",
        "10.1080/01621459.1977.10480613",
    ),
    "grambsch": Reference(
        "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika "
        "1994;81:515-26.",
        "10.1093/biomet/81.3.515",
    ),
    "holm": Reference("Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70."),
    "hosmer": Reference(
        "Hosmer DW, Lemeshow S. Confidence interval estimation of interaction. Epidemiology 1992;3:452-6.",
        "10.1097/00001648-199209000-00012",
    ),
    "knol": Reference(
        "Knol MJ, VanderWeele TJ, Groenwold RHH, Klungel OH, Rovers MM, Grobbee DE. Estimating measures of interaction "
        "on an additive scale for preventive exposures. Eur J Epidemiol 2011;26:433-8.",
        "10.1007/s10654-011-9554-9",
    ),
    "lifelines": Reference(
        "Davidson-Pilon C. lifelines: survival analysis in Python. J Open Source Softw 2019;4:1317.",
        "10.21105/joss.01317",
    ),
    "li": Reference(
        "Li KH, Raghunathan TE, Rubin DB. Large-sample significance levels from multiply imputed data using "
        "moment-based statistics and an F reference distribution. J Am Stat Assoc 1991;86:1065-73.",
        "10.1080/01621459.1991.10475152",
    ),
    "lin": Reference(
        "Lin DY, Psaty BM, Kronmal RA. Assessing the sensitivity of regression results to unmeasured confounders in "
        "observational studies. Biometrics 1998;54:948-63.",
        "10.2307/2533848",
    ),
    "lind": Reference(
        "Lind JT, Mehlum H. With or without U? The appropriate test for a U-shaped relationship. Oxf Bull Econ Stat "
        "2010;72:109-18.",
        "10.1111/j.1468-0084.2009.00569.x",
    ),
    "lipsitch": Reference(
        "Lipsitch M, Tchetgen Tchetgen E, Cohen T. Negative controls: a tool for detecting confounding and bias in "
        "observational studies. Epidemiology 2010;21:383-8.",
        "10.1097/EDE.0b013e3181d61eeb",
    ),
    "macmahon": Reference(
        "MacMahon S, Peto R, Cutler J, and others. Blood pressure, stroke, and coronary heart disease. Part 1, "
        "prolonged differences in blood pressure: prospective observational studies corrected for the regression "
        "dilution bias. Lancet 1990;335:765-74.",
        "10.1016/0140-6736(90)90878-9",
    ),
    "matplotlib": Reference(
        "Hunter JD. Matplotlib: a 2D graphics environment. Comput Sci Eng 2007;9:90-5.", "10.1109/MCSE.2007.55"
    ),
    "numpy": Reference(
        "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. Nature 2020;585:357-62.",
        "10.1038/s41586-020-2649-2",
    ),
    "pandas": Reference(
        "McKinney W. Data structures for statistical computing in Python. Proceedings of the 9th Python in Science "
        "Conference 2010:56-61.",
        "10.25080/Majora-92bf1922-00a",
    ),
    "plummer": Reference(
        "Plummer M. Improved estimates of floating absolute risk. Stat Med 2004;23:93-104.", "10.1002/sim.1485"
    ),
    "reiter": Reference(
        "Reiter JP. Small-sample degrees of freedom for multi-component significance tests with multiple imputation "
        "for missing data. Biometrika 2007;94:502-8.",
        "10.1093/biomet/asm028",
    ),
    "rosner": Reference(
        "Rosner B, Willett WC, Spiegelman D. Correction of logistic regression relative risk estimates and confidence "
        "intervals for systematic within-person measurement error. Stat Med 1989;8:1051-69.",
        "10.1002/sim.4780080905",
    ),
    "rubin": Reference(
        "Rubin DB. Multiple imputation for nonresponse in surveys. New York: Wiley, 1987.", "10.1002/9780470316696"
    ),
    "sasabuchi": Reference(
        "Sasabuchi S. A test of a multivariate normal mean with composite hypotheses determined by linear "
        "inequalities. Biometrika 1980;67:429-39.",
        "10.1093/biomet/67.2.429",
    ),
    "scipy": Reference(
        "Virtanen P, Gommers R, Oliphant TE, et al. SciPy 1.0: fundamental algorithms for scientific computing in "
        "Python. Nat Methods 2020;17:261-72.",
        "10.1038/s41592-019-0686-2",
    ),
    "simonsohn": Reference(
        "Simonsohn U. Two lines: a valid alternative to the invalid testing of U-shaped relationships with quadratic "
        "regressions. Adv Methods Pract Psychol Sci 2018;1:538-55.",
        "10.1177/2515245918805755",
    ),
    "statsmodels": Reference(
        "Seabold S, Perktold J. statsmodels: econometric and statistical modeling with Python. Proceedings of the 9th "
        "Python in Science Conference 2010:92-6.",
        "10.25080/Majora-92bf1922-011",
    ),
    "thiebaut": Reference(
        "Thiébaut ACM, Bénichou J. Choice of time-scale in Cox's model analysis of epidemiologic cohort data: a "
        "simulation study. Stat Med 2004;23:3803-20.",
        "10.1002/sim.2098",
    ),
    "vanderweele": Reference(
        "VanderWeele TJ, Ding P. Sensitivity analysis in observational research: introducing the E-value. Ann Intern "
        "Med 2017;167:268-74.",
        "10.7326/M16-2607",
    ),
    "vonelm": Reference(
        "von Elm E, Altman DG, Egger M, et al. The Strengthening the Reporting of Observational Studies in "
        "Epidemiology (STROBE) statement: guidelines for reporting observational studies. Lancet 2007;370:1453-7.",
        "10.1016/S0140-6736(07)61602-X",
    ),
    "white": Reference(
        "White IR, Royston P. Imputing missing covariate values for the Cox model. Stat Med 2009;28:1982-98.",
        "10.1002/sim.3618",
    ),
    "yang": Reference(
        "Yang D, Dalton JE. A unified approach to measuring the effect size between two groups using SAS. SAS Global "
        "Forum 2012; paper 335-2012."
    ),
    "zou": Reference(
        "Zou GY. On the estimation of additive interaction by use of the four-by-two table and beyond. Am J Epidemiol "
        "2008;168:212-24.",
        "10.1093/aje/kwn104",
    ),
}


@dataclass(frozen=True)
class Bibliography:
    """The works cited, each under its key, in the order of their numbers, which start at 1."""

    works: Mapping[str, Reference]

    def pieces(self, text: str) -> tuple[str | tuple[int, ...], ...]:
        """A text cut at its marks: words, and between them the numbers of the works that are cited there.

        A mark of a work that is not in the bibliography stays a part of the words.
        """
        number = {key: i for i, key in enumerate(self.works, start=1)}
        found: list[str | tuple[int, ...]] = []
        at = 0
        for mark in MARK.finditer(text):
            keys = _keys(mark)
            if all(key in number for key in keys):
                found += [text[at : mark.start()] + HARD * len(mark[1]), tuple(sorted(number[key] for key in keys))]
                at = mark.end()
        return (*found, text[at:])


def bibliography(texts: Iterable[str], manifest: Mapping[str, Any]) -> Bibliography:
    """The works that texts cite with marks such as [@cox], in the order in which they first do."""
    citation = manifest["cohort"]["citation"]
    known = WORKS | ({COHORT: Reference(citation)} if citation else {})
    keys = dict.fromkeys(key for text in texts for mark in MARK.finditer(text) for key in _keys(mark))
    return Bibliography({key: known[key] for key in keys if key in known})


def citations(results: Results) -> tuple[str, ...]:
    """How to cite the report, and the data behind it where the cohort file says."""
    manifest = results.manifest
    made = manifest["provenance"]
    created = datetime.fromisoformat(made["created"])
    commit = f", commit {made['commit'][:12]}" if made["commit"] else ""
    changed = " with uncommitted changes" if made["dirty"] else ""
    report = (
        f"{manifest['analysis']['title'].rstrip('.')}. Report of {created:%Y-%m-%d}, made by riskkit {made['riskkit']}"
        f"{commit}{changed}, from an analysis file with SHA-256 {made['spec']['sha256'][:12]}."
    )
    return tuple(text for text in (report, manifest["cohort"]["citation"]) if text)


def made_told(manifest: Mapping[str, Any]) -> str:
    """When a report was made, with which version of what."""
    made = manifest["provenance"]
    created = datetime.fromisoformat(made["created"])
    commit = made["commit"] or "unknown (not in a git repository)"
    changed = " with uncommitted changes" if made["dirty"] else ""
    seconds = f" The models took {made['seconds']} s." if "seconds" in made else ""
    return (
        f"Made on {created.day} {created:%B %Y} by riskkit {made['riskkit']}, commit {commit}{changed}, from "
        f"{made['spec']['path']} (SHA-256 {made['spec']['sha256']}).{seconds}"
    )


def _keys(mark: re.Match[str]) -> list[str]:
    return mark[2].split("; @")
