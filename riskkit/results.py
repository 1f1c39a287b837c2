"""What a run leaves behind: tidy frames and a manifest, in one folder.

Every frame shares one vocabulary of columns: exposure outcome time_scale coding model term level x n events
person_years estimate se ratio low high p. `estimate` and `se` are on the log scale; `ratio`, `low` and `high` are
exponentiated. States at baseline have the time scale "none" and no person_years.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from riskkit.errors import DataError
from riskkit.folders import check_sums, whole_folder

MANIFEST = "results.json"
READABLE = 12  # outcomes that can be shown and told one by one; an analysis of more is outcome-wide


@dataclass(frozen=True, eq=False)
class Results:
    """The results of one analysis.

    Attributes
    ----------
    manifest : dict
        What was asked, of which cohort (with its exclusion flow, variables and sources), with which software; what the
        ratios are ("hazard ratio" or "odds ratio") is in ``analysis.measure``.
    estimates : DataFrame
        One row per exposure level or increment of every model: level, x, n, events, person_years, estimate ... p, and
        p_holm and p_fdr, adjusted over the outcomes. Groups also have a floating interval: float_se float_low
        float_high.
    corrected : DataFrame
        The linear estimates corrected for regression dilution, where the exposure was measured twice: `correction`
        ("rosner", and in the main model "macmahon-peto" and, where asked for, "simex") with its dilution_ratio,
        dilution_se, dilution_low, dilution_high and dilution_n (people measured twice).
    variants : DataFrame
        Estimates of subgroups and sensitivity analyses (`variant`), in the main model.
    curves : DataFrame
        One row per point of every spline: x, estimate, se, ratio, low, high.
    usual : DataFrame
        The main model's curves on the first time scale moved to the usual level, where the exposure was measured twice:
        as `curves`, with x_measured (the measured level that stands for x), correction and the columns of its ratio.
    splines : DataFrame
        One row per spline: percentiles of the exposure among the people used (p1 ... p99), and where the curve is
        lowest: nadir, nadir_low, nadir_high, interior (the probability that this is between p1 and p99); df_resid, the
        residual degrees of freedom of its intervals (infinite where they are normal).
    covariances : DataFrame
        Covariances of each spline's coefficients: term, other, covariance; the lower triangle row by row. With
        `coefficients`, and the knots in the manifest, a curve can be drawn relative to any reference.
    shapes : DataFrame
        One row per spline of the main model on the first time scale: nadir with its interval, slopes at both ends, the
        U test and its verdict.
    variant_shapes : DataFrame
        The same of the subgroups and sensitivity analyses (`variant`) that ask for a spline.
    tests : DataFrame
        One row per test: term, part ("overall", "nonlinear", ...), chi2, df, p.
    fits : DataFrame
        One row per model: formula, n, events, person_years, n_missing, loglik, ...
    coefficients : DataFrame
        Every coefficient of every model.
    weighted, weighted_curves, weighted_tests : DataFrame
        Estimates (of groups without the reference), curves and tests of the main model on the first time scale by the
        design of the cohort's survey, where the analysis asks for them: df_resid, and in `weighted` population (the sum
        of the weights), psus and strata.
    missing : DataFrame
        How many people lack each variable of the main model: exposure, variable (empty: any of them; or an outcome that
        is not known of some), n, n_missing.
    imputed, imputed_curves, imputed_shapes, imputed_tests : DataFrame
        Estimates, curves, shapes and tests of the main model with missing covariates imputed; empty where none were.
    imputations : DataFrame
        How each variable was imputed: exposure, variable, kind, method, n, n_missing, rhat_mean, rhat_sd, m, problems.
    imputation_values : DataFrame
        Observed beside imputed values: share in each level, or between left and right.
    imputation_trace : DataFrame
        What was drawn: set, variable, iteration, mean, sd.
    failures : DataFrame
        One row per model that was not fitted, with the reason.
    histograms : DataFrame
        Distribution of each exposure: left, right, n.
    characteristics : DataFrame
        The table of characteristics, tidy.
    by_age_and_sex : DataFrame
        Percentiles of each exposure by age and sex, where the cohort has both.
    opinion : DataFrame
        A sample of the models fitted again by other software.
    interactions : DataFrame
        Tests of interaction of each exposure with each declared modifier: test, chi2, df, p, and whom they are of.
    interaction_curves : DataFrame
        The curve at each level of a modifier, from the model with the interaction: level, n, events, x, ratio ...
    additive : DataFrame
        Interaction on the additive scale for a declared contrast: measure, interval, value (on the measure's own
        scale), low, high, with the levels that are compared.
    robustness : DataFrame
        Checks of the linear estimates, one row each (`check` and `item`): E-values, tipping points, negative controls,
        groups left out, jackknife, bootstrap, influential people.
    incidence : DataFrame
        Cumulative incidence of the leading outcomes by group of each exposure, not adjusted: level, n, events, and at
        each time (years) estimate, low, high, n_at_risk, n_event.
    schoenfeld : DataFrame
        The linear coefficient of the main model over time (years), for the leading outcomes: the smooth of its scaled
        Schoenfeld residuals, with the coding it has: estimate ... high.
    two_lines : DataFrame
        The two-lines test of each spline of the main model, for the leading outcomes: breakpoint, p, and of the lines
        below and above it slope (log ratio per unit), low, high, p.
    """

    manifest: dict[str, Any]
    estimates: pd.DataFrame
    corrected: pd.DataFrame
    variants: pd.DataFrame
    curves: pd.DataFrame
    usual: pd.DataFrame
    splines: pd.DataFrame
    covariances: pd.DataFrame
    shapes: pd.DataFrame
    variant_shapes: pd.DataFrame
    tests: pd.DataFrame
    fits: pd.DataFrame
    coefficients: pd.DataFrame
    weighted: pd.DataFrame
    weighted_curves: pd.DataFrame
    weighted_tests: pd.DataFrame
    missing: pd.DataFrame
    imputed: pd.DataFrame
    imputed_curves: pd.DataFrame
    imputed_shapes: pd.DataFrame
    imputed_tests: pd.DataFrame
    imputations: pd.DataFrame
    imputation_values: pd.DataFrame
    imputation_trace: pd.DataFrame
    failures: pd.DataFrame
    histograms: pd.DataFrame
    characteristics: pd.DataFrame
    by_age_and_sex: pd.DataFrame
    opinion: pd.DataFrame
    interactions: pd.DataFrame
    interaction_curves: pd.DataFrame
    additive: pd.DataFrame
    robustness: pd.DataFrame
    incidence: pd.DataFrame
    schoenfeld: pd.DataFrame
    two_lines: pd.DataFrame

    @classmethod
    def frame_names(cls) -> tuple[str, ...]:
        """Names of the frames, in the order above."""
        return tuple(f.name for f in fields(cls) if f.name != "manifest")

    def frames(self) -> dict[str, pd.DataFrame]:
        """The frames by name."""
        return {name: getattr(self, name) for name in self.frame_names()}

    def write(self, folder: str | Path) -> Path:
        """Write every frame as Parquet and the manifest as JSON; the folder appears whole or not at all.

        Returns the path of the manifest.
        """
        folder = Path(folder)
        text = json.dumps(self.manifest, indent=1, ensure_ascii=False) + "\n"
        write_frames(folder, self.frames(), {MANIFEST: text})
        return folder / MANIFEST

    @classmethod
    def read(cls, folder: str | Path) -> Results:
        """Read what `write` wrote.

        Raises
        ------
        DataError
            If a part is missing, or is not as it was written.
        """
        folder = Path(folder)
        parts = [folder / MANIFEST, *(folder / f"{name}.parquet" for name in cls.frame_names())]
        absent = [part.name for part in parts if not part.is_file()]
        if absent:
            raise DataError(f"{folder}: {', '.join(absent)} missing; run the analysis again (riskkit run ...).")
        try:
            check_sums(folder)
        except DataError as error:
            raise DataError(f"{error} Run the analysis again (riskkit run ...).") from error
        manifest = json.loads(parts[0].read_text(encoding="utf-8"))
        return cls(manifest, **{part.stem: pd.read_parquet(part) for part in parts[1:]})


def write_frames(folder: Path, frames: Mapping[str, pd.DataFrame], texts: Mapping[str, str] | None = None) -> None:
    """Write frames as NAME.parquet, and texts under their names, to a folder that appears whole or not at all."""
    with whole_folder(folder, sums=True) as new:
        for name, frame in frames.items():
            frame.to_parquet(new / f"{name}.parquet", index=False)
        for name, text in (texts or {}).items():
            (new / name).write_text(text, encoding="utf-8")


def read_frames(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the frames that `write_frames` wrote."""
    return {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
