"""Run an analysis file."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.infer.multiplicity import adjust
from riskkit.results import Results
from riskkit.runner import weighted
from riskkit.runner.closer import closer_look
from riskkit.runner.describe import age_and_sex, described, histograms, manifest
from riskkit.runner.grid import Bench, Progress, fingerprint, fit_grid
from riskkit.runner.imputed import how_much_missing, imputed_frames, main_tasks
from riskkit.runner.interactions import fit_interactions
from riskkit.runner.opinion import second_opinion
from riskkit.runner.robustness import check_robustness
from riskkit.runner.scale import learn_scale
from riskkit.spec.analysis import AnalysisSpec, load_analysis, with_imputations
from riskkit.spec.plan import EVERYONE, leading, plan


def run(
    analysis: str | Path,
    cohort: Cohort | None = None,
    on_progress: Progress | None = None,
    *,
    keep: str | Path | None = None,
    scheduler: str | None = None,
    imputations: int | None = None,
) -> Results:
    """Run an analysis file.

    Parameters
    ----------
    analysis : path
        A TOML file in analyses/; the cohort it names is the file of that name in cohorts/ beside that folder.
    cohort : Cohort, optional
        The cohort already built; otherwise it is built from its raw files.
    on_progress : callable, optional
        Called after each batch of models with the number done, the number in all, and what they were.
    keep : path, optional
        A folder in which finished models are kept while the run goes on, so that the same call takes up an interrupted
        run where it was; it is removed at the end.
    scheduler : str, optional
        Address of a dask scheduler whose workers do the fitting.
    imputations : int, optional
        How many times what the main model's covariates lack is imputed, in the place of what the file says.

    Returns
    -------
    Results
        Models that could not be fitted are in `failures`, each with its reason.

    Raises
    ------
    SpecError
        With every fault of the file at once.
    DataError
        If the cohort's data are not what its file says.
    """
    analysis = Path(analysis)
    started = time.perf_counter()
    spec, cohort_spec = load_analysis(analysis)
    if imputations is not None:
        spec = with_imputations(spec, imputations)
    if cohort is None:
        cohort = load_cohort(cohort_spec.path)
    cohort = cohort.without(spec.exclusions)
    age = cohort_spec.follow_up.age if cohort_spec.follow_up else None
    scales = {name: learn_scale(name, coding, cohort) for name, coding in spec.exposures.items()}
    bench = None
    if keep is not None:
        bench = Bench(Path(keep), fingerprint(analysis.read_bytes(), repr(cohort.describe()).encode()))
    tasks = plan(spec, age)
    rows = fit_grid(tasks, scales, spec, cohort, on_progress, bench, scheduler)
    main = main_tasks(tasks, spec)
    imputed = imputed_frames(main, scales, spec, cohort, on_progress)
    fits, tests = _main(rows["fits"]), _adjusted(_main(rows["tests"]), "part")
    closer = closer_look(fits, tests, scales, spec, cohort)
    modified = fit_interactions(leading(tasks, spec, "spline"), scales, spec, cohort)
    checked = check_robustness(leading(tasks, spec, "linear"), scales, spec, cohort)
    failures = [
        frame
        for frame in (rows["failures"], *(part.pop("failures") for part in (closer, imputed, modified, checked)))
        if len(frame)
    ]
    about = manifest(analysis, spec, scales, cohort)
    about["provenance"]["seconds"] = round(time.perf_counter() - started, 1)
    results = Results(
        manifest=about,
        fits=fits,
        opinion=_opinion(fits, spec, cohort),
        by_age_and_sex=age_and_sex(scales, age, cohort),
        histograms=histograms(scales, cohort),
        characteristics=described(spec, scales, cohort),
        variants=_variants(rows["estimates"]),
        variant_shapes=_variants(rows["shapes"]),
        corrected=rows["corrected"],
        missing=how_much_missing(main, cohort),
        failures=pd.concat(failures, ignore_index=True) if failures else rows["failures"],
        interactions=modified["interactions"],
        interaction_curves=modified["interaction_curves"],
        additive=modified["additive"],
        robustness=checked["robustness"],
        estimates=_adjusted(_main(rows["estimates"])),
        tests=tests,
        **closer,
        **imputed,
        **{name: _main(rows[name]) for name in ("curves", "usual", "splines", "covariances", "shapes", "coefficients")},
        **{name: _main(rows[name]) for name in weighted.FRAMES},
    )
    if bench is not None:
        bench.clear()
    return results


def _opinion(fits: pd.DataFrame, spec: AnalysisSpec, cohort: Cohort) -> pd.DataFrame:
    """Ask other software about the models the report leads with, those that were fitted to the cohort as it is."""
    if fits.empty:
        return pd.DataFrame()
    leading = (fits["model"] == spec.main.name) & (fits["time_scale"] == spec.time_scales[0])
    return second_opinion(fits[leading & (fits["n_silent"] == 0)], cohort.data)


def _main(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the main analysis, which needs no column to say so."""
    return rows[rows["variant"] == EVERYONE].drop(columns="variant").reset_index(drop=True)


def _variants(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of subgroups and sensitivity analyses."""
    return rows[rows["variant"] != EVERYONE].reset_index(drop=True)


def _adjusted(rows: pd.DataFrame, *more: str) -> pd.DataFrame:
    """Adjust p values over the outcomes: each exposure, coding, level, model and time scale is a family."""
    family = ["exposure", "time_scale", "coding", "model", "term", *more]
    return adjust(rows, [name for name in family if name in rows], p="p") if "p" in rows else rows
