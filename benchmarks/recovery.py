"""Is the truth found? Twenty simulated twins through the whole product: `python -m benchmarks.recovery [--seeds 20]`.

Each twin goes the way of real data: raw tables, cohort file, analysis file, corrected estimates. Counted are the 95%
intervals of the log hazard ratio per 5 nmol/L that hold the truth, uncorrected and corrected for regression dilution,
and how often null sites are called associated.
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

from riskkit.cohort.build import load_cohort
from riskkit.cohort.fallback import simulate
from riskkit.infer.multiplicity import adjust
from riskkit.runner import run
from riskkit.spec.cohort import load_cohort_spec

ROOT = Path(__file__).parent.parent


def project(folder: Path) -> Path:
    """A project with the cohort and a cancer analysis of the main model's linear estimates only."""
    shutil.copytree(ROOT / "cohorts", folder / "cohorts", ignore=shutil.ignore_patterns("*.lock.json"))
    (folder / "analyses").mkdir()
    text = (ROOT / "analyses" / "igf1-cancer.toml").read_text(encoding="utf-8")
    text = (
        text[: text.index("[[subgroups]]")]
        .replace("spline = 5", "spline = false")
        .replace("groups = 5", "groups = false")
    )
    path = folder / "analyses" / "cancer.toml"
    path.write_text(text, encoding="utf-8")
    return path


def one(seed: int, people: int) -> pd.DataFrame:
    """Estimates and truths of one twin: outcome, truth, estimate, se, corrected_estimate, corrected_se, p."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        analysis = project(folder)
        spec = load_cohort_spec(folder / "cohorts" / "ukb.toml")
        simulate(spec, folder, people, seed, lambda done, total, what: None)
        results = run(analysis, load_cohort(spec.path))
        truth = json.loads(next(folder.rglob("truth.json")).read_text(encoding="utf-8"))
    linear = results.estimates.query("coding == 'linear' and model == 'lifestyle'").set_index("outcome")
    corrected = results.corrected.query("variant == '' and model == 'lifestyle'").set_index("outcome")
    frame = linear[["events", "estimate", "se", "p"]].join(corrected[["estimate", "se"]], rsuffix="_corrected")
    frame["truth"] = [true_effect(truth, outcome) for outcome in frame.index]
    return frame.reset_index().assign(seed=seed)


def true_effect(truth: dict, outcome: str) -> float:
    """True log hazard ratio per 5 nmol/L of usual IGF-1."""
    return float(truth["outcomes"][outcome]["log_hazard_ratio_per_5"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--people", type=int, default=50_000)
    asked = parser.parse_args()
    found = pd.concat([one(seed, asked.people) for seed in track(range(1, asked.seeds + 1))], ignore_index=True)
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
    slope = np.polyfit(found["truth"], found["estimate"], 1, w=1 / found["se"])[0]
    fixed = np.polyfit(found["truth"], found["estimate_corrected"], 1, w=1 / found["se_corrected"])[0]
    print(f"slope of estimates on truths: uncorrected {slope:.3f}, corrected {fixed:.3f}")


if __name__ == "__main__":
    main()
