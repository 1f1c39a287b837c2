"""Tables of a screen."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from riskkit.manifest import Manifest
from riskkit.numbers import NOTHING, count, measure, p_value, ratio_interval
from riskkit.tables.table import Column, Row, Table

MOST = 250  # pairs that a table lists
CORRECTED = {
    "all": "over all pairs of the screen",
    "outcome": "over the exposures screened with the same outcome",
    "exposure": "over the outcomes screened with the same exposure",
}


def family_of(manifest: Manifest) -> str:
    """Over which pairs p values were corrected, in words."""
    return CORRECTED[manifest.analysis.asked("screen").family]


def label_of(manifest: Manifest, exposure: str) -> str:
    """What an exposure is called."""
    return manifest.cohort.variables[exposure].label


def pairs_table(pairs: pd.DataFrame, manifest: Manifest, caption: str, outcomes_only: bool = False) -> Table:
    """Pairs in the order given, each with its line and tests.

    Parameters
    ----------
    pairs : DataFrame
        Rows of `screen`.
    manifest : Manifest
    caption : str
    outcomes_only : bool
        Whether all are of one exposure, whose name is left out.
    """
    measured = manifest.measure
    names = [Column("Outcome", numeric=False)]
    if not outcomes_only:
        names.insert(0, Column("Exposure", numeric=False))
    columns = (
        *names, Column("Rank"), Column("Events / people"), Column("Per"), Column(f"{measured.short} (CI)"), Column("p"),
        Column("Holm", group="p, corrected"), Column("FDR", group="p, corrected"),
        Column("Bend", group="p of other tests"), Column("Hazards", group="p of other tests"),
    )  # fmt: skip
    rows = tuple(_row(pair, manifest, outcomes_only) for pair in pairs.to_dict("records"))
    return Table(caption, columns, rows, (_note(manifest),))


def reasons_table(pairs: pd.DataFrame, manifest: Manifest) -> Table | None:
    """Why pairs have no estimate, and how many; None where all have one."""
    without = pairs[pairs["p"].isna() & (pairs["reason"] != "")]
    if without.empty:
        return None
    columns = tuple(Column(label, numeric=label == "Pairs") for label in ("Reason", "Pairs", "Of them"))
    rows = []
    for reason, own in without.groupby("reason", sort=False):
        first = own.iloc[0]
        example = f"{label_of(manifest, first['exposure'])} with {manifest.outcomes[first['outcome']].label}"
        more = f" and {count(len(own) - 1)} more" if len(own) > 1 else ""
        rows.append((len(own), Row((str(reason), count(len(own)), f"{example}{more}"))))
    listed = tuple(row for _, row in sorted(rows, key=lambda each: -each[0])[:MOST])
    return Table("Pairs of the screen without an estimate, by reason", columns, listed)


def matrix_table(ratios: pd.DataFrame, caption: str, text: Mapping[tuple[str, str], str]) -> Table:
    """The ratios of exposures (rows) with outcomes (columns), `text` of each cell by the names of both."""
    columns = (Column("Exposure", numeric=False), *(Column(str(name)) for name in ratios.columns))
    rows = tuple(
        Row((str(exposure), *(text.get((str(exposure), str(outcome)), NOTHING) for outcome in ratios.columns)))
        for exposure in ratios.index
    )
    return Table(caption, columns, rows)


def _row(r: Mapping[Hashable, Any], manifest: Manifest, outcomes_only: bool) -> Row:
    exposure, outcome = label_of(manifest, r["exposure"]), manifest.outcomes[r["outcome"]].label
    cells = (
        *((outcome,) if outcomes_only else (exposure, outcome)),
        count(r["rank"]),
        f"{count(r['events'])} / {count(r['n'])}",
        measure(r["unit"], manifest.cohort.variables[r["exposure"]].unit),
        ratio_interval(r["ratio"], r["low"], r["high"]),
        *(p_value(r[name]) for name in ("p", "p_holm", "p_fdr", "p_nonlinear", "p_ph")),
    )
    return Row(cells, strong=bool(r["p_holm"] < 1 - manifest.analysis.level))


def _note(manifest: Manifest) -> str:
    return (
        "p: likelihood-ratio test of the straight line. Holm and FDR (false discovery rate, Benjamini and Hochberg): "
        f"corrected {family_of(manifest)}. Bend: score test of a restricted cubic spline beside the line. Hazards: "
        "score test of proportional hazards of the exposure. Rank: among all pairs, by p. "
        f"{level_told(manifest)}"
    )


def level_told(manifest: Manifest) -> str:
    """Which confidence level intervals have."""
    return f"CI: {100 * manifest.analysis.level:g}% confidence interval."
