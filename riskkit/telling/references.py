"""Whom a report cites, numbered in the order of its text; how it is cited itself, and how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from riskkit.manifest import Manifest
from riskkit.numbers import HARD
from riskkit.results import Results

MARK = re.compile(r"( ?)\[@([\w-]+(?:; @[\w-]+)*)\]")  # [@cox] or [@cox; @efron], as authors of Markdown write
COHORT = "cohort"  # the key of the work that describes the cohort, which is the cohort file's


@dataclass(frozen=True)
class Work:
    """A work that a report cites; `doi` is empty where it has none."""

    text: str
    doi: str = ""


WORKS = {
    "benjamini": Work(
        "Benjamini Y, Hochberg Y. Controlling the false discovery rate: a practical and powerful approach to multiple "
        "testing. J R Stat Soc Series B 1995;57:289-300.",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
    "berger": Work(
        "Berger RL. Multiparameter hypothesis testing and acceptance sampling. Technometrics 1982;24:295-300.",
        "10.1080/00401706.1982.10487790",
    ),
    "cox": Work(
        "Cox DR. Regression models and life-tables. J R Stat Soc Series B 1972;34:187-220.",
        "10.1111/j.2517-6161.1972.tb00899.x",
    ),
    "cole": Work(
        "Cole TJ, Green PJ. Smoothing reference centile curves: the LMS method and penalized likelihood. Stat Med "
        "1992;11:1305-19.",
        "10.1002/sim.4780111005",
    ),
    "durrleman": Work(
        "Durrleman S, Simon R. Flexible regression models with cubic splines. Stat Med 1989;8:551-61.",
        "10.1002/sim.4780080504",
    ),
    "easton": Work(
        "Easton DF, Peto J, Babiker AGAG. Floating absolute risk: an alternative to relative risk in survival and "
        "case-control analysis avoiding an arbitrary reference group. Stat Med 1991;10:1025-35.",
        "10.1002/sim.4780100703",
    ),
    "efron": Work(
        "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-65.",
        "10.1080/01621459.1977.10480613",
    ),
    "fieller": Work(
        "Fieller EC. Some problems in interval estimation. J R Stat Soc Series B 1954;16:175-85.",
        "10.1111/j.2517-6161.1954.tb00159.x",
    ),
    "grambsch": Work(
        "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika "
        "1994;81:515-26.",
        "10.1093/biomet/81.3.515",
    ),
    "holm": Work("Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70."),
    "lifelines": Work(
        "Davidson-Pilon C. lifelines: survival analysis in Python. J Open Source Softw 2019;4:1317.",
        "10.21105/joss.01317",
    ),
    "lind": Work(
        "Lind JT, Mehlum H. With or without U? The appropriate test for a U-shaped relationship. Oxf Bull Econ Stat "
        "2010;72:109-18.",
        "10.1111/j.1468-0084.2009.00569.x",
    ),
    "matplotlib": Work(
        "Hunter JD. Matplotlib: a 2D graphics environment. Comput Sci Eng 2007;9:90-5.", "10.1109/MCSE.2007.55"
    ),
    "numpy": Work(
        "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. Nature 2020;585:357-62.",
        "10.1038/s41586-020-2649-2",
    ),
    "pandas": Work(
        "McKinney W. Data structures for statistical computing in Python. Proceedings of the 9th Python in Science "
        "Conference 2010:56-61.",
        "10.25080/Majora-92bf1922-00a",
    ),
    "plummer": Work(
        "Plummer M. Improved estimates of floating absolute risk. Stat Med 2004;23:93-104.", "10.1002/sim.1485"
    ),
    "sasabuchi": Work(
        "Sasabuchi S. A test of a multivariate normal mean with composite hypotheses determined by linear "
        "inequalities. Biometrika 1980;67:429-39.",
        "10.1093/biomet/67.2.429",
    ),
    "scipy": Work(
        "Virtanen P, Gommers R, Oliphant TE, et al. SciPy 1.0: fundamental algorithms for scientific computing in "
        "Python. Nat Methods 2020;17:261-72.",
        "10.1038/s41592-019-0686-2",
    ),
    "statsmodels": Work(
        "Seabold S, Perktold J. statsmodels: econometric and statistical modeling with Python. Proceedings of the 9th "
        "Python in Science Conference 2010:92-6.",
        "10.25080/Majora-92bf1922-011",
    ),
    "thiebaut": Work(
        "Thiébaut ACM, Bénichou J. Choice of time-scale in Cox's model analysis of epidemiologic cohort data: a "
        "simulation study. Stat Med 2004;23:3803-20.",
        "10.1002/sim.2098",
    ),
    "vonelm": Work(
        "von Elm E, Altman DG, Egger M, et al. The Strengthening the Reporting of Observational Studies in "
        "Epidemiology (STROBE) statement: guidelines for reporting observational studies. Lancet 2007;370:1453-7.",
        "10.1016/S0140-6736(07)61602-X",
    ),
    "yang": Work(
        "Yang D, Dalton JE. A unified approach to measuring the effect size between two groups using SAS. SAS Global "
        "Forum 2012; paper 335-2012."
    ),
}


@dataclass(frozen=True)
class Bibliography:
    """The works cited, each under its key, in the order of their numbers, which start at 1."""

    works: Mapping[str, Work]

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


def bibliography(texts: Iterable[str], manifest: Manifest, works: Mapping[str, Work]) -> Bibliography:
    """The works that texts cite with marks such as [@cox], in the order in which they first do.

    `works` are those of the questions, beside the ones that every report may cite.
    """
    citation = manifest.cohort.citation
    known = WORKS | dict(works) | ({COHORT: Work(citation)} if citation else {})
    keys = dict.fromkeys(key for text in texts for mark in MARK.finditer(text) for key in _keys(mark))
    return Bibliography({key: known[key] for key in keys if key in known})


def citations(results: Results) -> tuple[str, ...]:
    """How to cite the report, and the data behind it where the cohort file says."""
    manifest = results.manifest
    made = manifest.provenance
    created = datetime.fromisoformat(made.created)
    commit = f", commit {made.commit[:12]}" if made.commit else ""
    changed = " with uncommitted changes" if made.dirty else ""
    report = (
        f"{manifest.analysis.title.rstrip('.')}. Report of {created:%Y-%m-%d}, made by riskkit {made.riskkit}"
        f"{commit}{changed}, from an analysis file with SHA-256 {made.spec_sha256[:12]}."
    )
    return tuple(text for text in (report, manifest.cohort.citation) if text)


def made_told(manifest: Manifest) -> str:
    """When a report was made, with which version of what."""
    made = manifest.provenance
    created = datetime.fromisoformat(made.created)
    commit = made.commit or "unknown (not in a git repository)"
    changed = " with uncommitted changes" if made.dirty else ""
    seconds = f" The models took {made.seconds} s." if made.seconds is not None else ""
    return (
        f"Made on {created.day} {created:%B %Y} by riskkit {made.riskkit}, commit {commit}{changed}, from "
        f"{made.spec_path} (SHA-256 {made.spec_sha256}).{seconds}"
    )


def _keys(mark: re.Match[str]) -> list[str]:
    return mark[2].split("; @")
