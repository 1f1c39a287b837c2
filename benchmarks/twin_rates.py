"""Does a standardised ratio that is 1 come out as 1? Simulated UK Biobanks against their own rates.

`python -m benchmarks.twin_rates [--seeds 500]`: the rates of large twins by age and sex are the reference of small
ones, whose ratios are then 1 by construction. Prints the table, and writes it into docs/calibration.md.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

import riskkit as rk
from benchmarks.designs import markdown, write
from riskkit.simulate.diseases import DISEASES
from riskkit.simulate.follow_up import CANCER_END, DEATH_END
from riskkit.simulate.onset import NEVER
from riskkit.simulate.people import DAYS_A_YEAR
from riskkit.simulate.twin import Twin, draw_twin

AGES = range(35, 90, 5)
NAMES = [disease.name for disease in DISEASES]
CANCERS = [row for row, disease in enumerate(DISEASES) if disease.kind == "cancer"]
OUTCOMES = {
    "any cancer": CANCERS,
    "colorectal cancer": [NAMES.index("colorectal")],
    "breast cancer, women": [NAMES.index("breast")],
    "myocardial infarction": [NAMES.index("myocardial_infarction")],
    "liver cancer": [NAMES.index("liver")],
    "death": [],
}
LARGE = 500_000  # people of each twin that the reference is made of


def followed(twin: Twin, outcome: str) -> pd.DataFrame:
    """Follow-up of those free of the outcome at baseline, from age at baseline to the outcome, death or the end."""
    people, rows = twin.people, OUTCOMES[outcome]
    until = twin.follow_up.until(CANCER_END if rows else DEATH_END, people)
    onset = twin.onset[rows].min(axis=0) if rows else twin.follow_up.death
    event = (onset != NEVER) & (onset <= until)
    end = np.where(event, onset, until)
    frame = pd.DataFrame(
        {
            "entry": people.age,
            "exit": people.age + (end - people.baseline) / DAYS_A_YEAR,
            "event": event.astype(int),
            "sex": np.where(people.male, "Men", "Women"),
        }
    )
    kept = (onset > people.baseline) & (end > people.baseline)
    return frame[kept & ((frame["sex"] == "Women") if "women" in outcome else True)]


def cells(twin: Twin, outcome: str) -> pd.DataFrame:
    """Events and person-years by five years of age and sex."""
    pieces = rk.split(followed(twin, outcome), AGES, scale="age")
    pieces["years"] = pieces["exit"] - pieces["entry"]
    return pieces.groupby(["age_from", "sex"], as_index=False)[["event", "years"]].sum()


def reference(twins: int) -> dict[str, pd.DataFrame]:
    """The rates of large twins together, by outcome."""
    found: dict[str, list[pd.DataFrame]] = {outcome: [] for outcome in OUTCOMES}
    for seed in range(twins):
        twin = draw_twin(LARGE, 10**6 + seed)
        for outcome, own in found.items():
            own.append(cells(twin, outcome))
    rates = {}
    for outcome, own in found.items():
        total = pd.concat(own).groupby(["age_from", "sex"], as_index=False).sum()
        rates[outcome] = total.assign(rate=total["event"] / total["years"])
    return rates


def judge(rates: dict[str, pd.DataFrame], people: int, seed: int) -> list[dict[str, object]]:
    """Whether the limits of one twin's ratios hold 1, and whether its sexes seem to differ."""
    twin = draw_twin(people, seed)
    rows = []
    for outcome in OUTCOMES:
        own = cells(twin, outcome)
        own["expected"] = rk.expected(own, rates[outcome], by=["age_from", "sex"], time="years")
        exact, mid = (rk.smr(own["event"], own["expected"], by=own["sex"], method=m) for m in ("exact", "mid-p"))
        whole, other = exact.table.iloc[-1], mid.table.iloc[-1]
        rows.append(
            {
                "outcome": outcome,
                "observed": whole["observed"],
                "expected": whole["expected"],
                "exact": whole["low"] <= 1 <= whole["high"],
                "mid": other["low"] <= 1 <= other["high"],
                "differ": exact.heterogeneity.p < 0.05 if exact.heterogeneity else np.nan,
            }
        )
    return rows


def judged(found: pd.DataFrame) -> pd.DataFrame:
    """Over the twins: events, the ratio of the sums, and how often limits hold 1 and tests find what is not there."""
    grouped = found.groupby("outcome", sort=False)
    table = pd.DataFrame(
        {
            "events a twin": grouped["observed"].mean().map("{:.1f}".format),
            "observed / expected, all twins": (grouped["observed"].sum() / grouped["expected"].sum()).map(
                "{:.3f}".format
            ),
            "exact limits hold 1 (%)": (100 * grouped["exact"].mean()).map("{:.1f}".format),
            "mid-P limits hold 1 (%)": (100 * grouped["mid"].mean()).map("{:.1f}".format),
            "sexes differ, p < 0.05 (%)": (100 * grouped["differ"].mean()).map(
                lambda v: "–" if np.isnan(v) else f"{v:.1f}"
            ),
        }
    )
    return table.rename_axis("").reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--reference", type=int, default=4)
    asked = parser.parse_args()
    rates = reference(asked.reference)
    found = pd.DataFrame([row for seed in range(1, asked.seeds + 1) for row in judge(rates, asked.people, seed)])
    found["differ"] = found["differ"].astype(float)
    text = markdown(judged(found))
    print(text)
    if asked.seeds >= 500:
        write("twin rates", text)


if __name__ == "__main__":
    main()
