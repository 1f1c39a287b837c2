"""Is the truth found? Twenty simulated twins through the whole product: `python -m benchmarks.recovery [--seeds 20]`.

Each twin goes the way of real data: raw tables, cohort file, analysis file, corrected estimates, U tests. Counted are
the 95% intervals of the log hazard ratio per 5 nmol/L that hold the truth, uncorrected and corrected for regression
dilution, how often null sites are called associated, and in how many twins each endpoint gets the verdict of a U,
beside the number to be expected of the twin's curve and the standard errors of its slopes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track
from scipy import stats

from riskkit.cohort.build import load_cohort
from riskkit.cohort.fallback import simulate
from riskkit.infer.multiplicity import adjust
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis
from riskkit.spec.cohort import load_cohort_spec

ROOT = Path(__file__).parent.parent
CRITICAL = float(stats.norm.ppf(0.95))  # of each of the two one-sided tests of a U


def project(folder: Path) -> Path:
    """A project with the cohort, and every endpoint of its two analyses in the main model: spline and straight line."""
    shutil.copytree(ROOT / "cohorts", folder / "cohorts", ignore=shutil.ignore_patterns("*.lock.json"))
    (folder / "analyses").mkdir()
    paths = [ROOT / "analyses" / f"igf1-{name}.toml" for name in ("cancer", "cardiovascular")]
    outcomes = [outcome for path in paths for outcome in load_analysis(path)[0].outcomes]
    text = paths[0].read_text(encoding="utf-8")
    text = text[: text.index('[[models]]\nname = "further"')].replace("groups = 5", "groups = false")
    head, tail = text[: text.index("outcomes = [")], text[text.index("time_scales") :]
    path = folder / "analyses" / "everything.toml"
    path.write_text(f"{head}outcomes = {json.dumps(outcomes)}\n{tail}", encoding="utf-8")
    return path


def one(seed: int, people: int) -> pd.DataFrame:
    """What was found in one twin, and its truth, one row per endpoint.

    Returns
    -------
    DataFrame
        seed outcome events shape; estimate se p and estimate_corrected se_corrected beside truth (log hazard ratio per
        5 nmol/L, of straight truths only); u_p, slopes_p, and of the slopes at both ends lower_slope lower_se
        lower_truth upper_slope upper_se upper_truth (per nmol/L measured).
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        analysis = project(folder)
        spec = load_cohort_spec(folder / "cohorts" / "ukb.toml")
        simulate(spec, folder, people, seed, lambda done, total, what: None)
        results = run(analysis, load_cohort(spec.path))
        truth = json.loads(next(folder.rglob("truth.json")).read_text(encoding="utf-8"))
    linear, corrected, shapes = (
        frame[frame["model"] == "lifestyle"].set_index("outcome")
        for frame in (
            results.estimates.query("coding == 'linear'"),
            results.corrected.query("variant == '' and correction == 'regression dilution'"),
            results.shapes,
        )
    )
    frame = linear[["events", "estimate", "se", "p"]].join(corrected[["estimate", "se"]], rsuffix="_corrected")
    frame[["u_p", "slopes_p"]] = shapes[["u_p", "slopes_p"]]
    of = [truth["outcomes"][outcome] for outcome in frame.index]
    frame["shape"] = [each["shape"] for each in of]
    frame["truth"] = [each.get("log_hazard_ratio_per_5", np.nan) for each in of]
    for end in ("lower", "upper"):
        width = shapes[f"{end}_slope_high"] - shapes[f"{end}_slope_low"]
        frame[f"{end}_slope"], frame[f"{end}_se"] = shapes[f"{end}_slope"], width / (2 * stats.norm.ppf(0.975))
        at = shapes[f"{end}_x"].reindex(frame.index)
        frame[f"{end}_truth"] = [slope(each, truth["igf1"], x) for each, x in zip(of, at, strict=True)]
    return frame.reset_index().assign(seed=seed)


def slope(outcome: dict, igf1: dict, x: float) -> float:
    """Slope of the true log hazard ratio at a measured level, per nmol/L of it.

    Who is measured at x has a usual level of mean + ratio (x - mean) on average; the slope there, times the ratio, is
    exact for lines and parabolas of normal levels, and an approximation for the mixture that all deaths are.
    """
    ratio = igf1["dilution_ratio"]["marginal"]
    usual = igf1["usual_mean"] + ratio * (x - igf1["usual_mean"])
    if outcome["shape"] == "linear":
        return ratio * outcome["log_hazard_ratio_per_5"] / 5
    if outcome["shape"] == "u":
        return ratio * outcome["curvature_per_5_squared"] * 2 * (usual - outcome["nadir"]) / 25
    curve = outcome["curve"]
    return ratio * float(np.interp(usual, curve["igf1"], np.gradient(curve["log_hazard_ratio"], curve["igf1"])))


def lines(found: pd.DataFrame) -> None:
    """Print whether straight truths are found, and how often what is not there is."""
    found = found[found["shape"] == "linear"]
    for name, suffix in (("uncorrected", ""), ("corrected", "_corrected")):
        z = (found[f"estimate{suffix}"] - found["truth"]) / found[f"se{suffix}"]
        held = np.abs(z) <= 1.959964
        strong = found["truth"].abs() >= 0.05
        print(
            f"{name:12s} {len(found)} estimates: {100 * held.mean():.1f}% of the 95% intervals hold the truth "
            f"(of true effects beyond 0.05: {100 * held[strong].mean():.1f}% of {strong.sum()}); "
            f"mean z {z.mean():.2f}, SD {z.std():.2f}"
        )
    null = adjust(found[found["truth"] == 0], ["seed"])
    print(
        f"null sites: p < 0.05 in {100 * (null['p'] < 0.05).mean():.1f}% of {len(null)}; "
        f"Holm < 0.05 in {100 * null.groupby('seed')['p_holm'].min().lt(0.05).mean():.1f}% of the seeds"
    )
    measured = np.polyfit(found["truth"], found["estimate"], 1, w=1 / found["se"])[0]
    fixed = np.polyfit(found["truth"], found["estimate_corrected"], 1, w=1 / found["se_corrected"])[0]
    print(f"slope of estimates on truths: uncorrected {measured:.3f}, corrected {fixed:.3f}")


def us(found: pd.DataFrame) -> None:
    """Print in how many twins each true U was answered, and found by the slopes beside how many were to be expected.

    Expected is the sum over the twins of the power that both slopes are clear of zero on their sides: normal, with the
    true slopes as means, the estimated standard errors, and the correlation of their errors over all endpoints.
    """
    found = found[found["u_p"].notna()]
    errors = [(found[f"{end}_slope"] - found[f"{end}_truth"]) / found[f"{end}_se"] for end in ("lower", "upper")]
    correlation = float(np.corrcoef(*errors)[0, 1])
    print(f"slopes at both ends: mean z {errors[0].mean():.2f} and {errors[1].mean():.2f}, SD {errors[0].std():.2f} "
          f"and {errors[1].std():.2f}, correlation {correlation:.3f}")  # fmt: skip
    means = np.column_stack([-found["lower_truth"] / found["lower_se"], found["upper_truth"] / found["upper_se"]])
    together = stats.multivariate_normal(cov=[[1, -correlation], [-correlation, 1]])
    counted = found.assign(expected=together.cdf(means - CRITICAL), answered=found["u_p"] < 0.05)
    counted = counted.assign(slopes=found["slopes_p"] < 0.05)
    curved = counted[counted["shape"] != "linear"].groupby("outcome", sort=False)
    table = curved.agg(events=("events", "mean"), twins=("seed", "size"), answered=("answered", "sum"),
                       slopes=("slopes", "sum"), expected=("expected", "sum"))  # fmt: skip
    print(table.round(1).to_string())
    print(f"all of them: {table['answered'].sum()} answered U-shaped, {table['slopes'].sum()} found by the slopes, "
          f"{table['expected'].sum():.1f} expected of these")  # fmt: skip
    straight = counted[counted["shape"] == "linear"]
    print(f"endpoints without a U: answered in {straight['answered'].sum()} of {len(straight)}, found by the slopes in "
          f"{straight['slopes'].sum()} ({straight['expected'].sum():.1f} expected)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--people", type=int, default=50_000)
    asked = parser.parse_args()
    found = pd.concat([one(seed, asked.people) for seed in track(range(1, asked.seeds + 1))], ignore_index=True)
    lines(found)
    us(found)


if __name__ == "__main__":
    main()
