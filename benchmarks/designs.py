"""Do rates, samples of a cohort, reference ranges and weights keep their promises? `python -m benchmarks.designs PART`.

Prints a part's table and writes it into docs/calibration.md, between the part's markers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

import riskkit as rk

PAGE = Path(__file__).resolve().parent.parent / "docs" / "calibration.md"
SEED = 20_240_501
AGES = range(40, 85, 5)
HAZARD = pd.DataFrame(  # per person-year, by age band and sex
    [
        {"age_from": age, "sex": sex, "rate": level * np.exp(0.09 * (age - 40))}
        for age in AGES
        for sex, level in (("Men", 0.002), ("Women", 0.0012))
    ]
)


def people_at_reference_rates(random: np.random.Generator, n: int) -> pd.DataFrame:
    """Simulate people whose hazard in each band is that of the reference table."""
    age = random.uniform(40, 70, n)
    sex = random.choice(["Men", "Women"], n)
    data = pd.DataFrame({"age_in": age, "age_out": age + random.uniform(3, 15, n), "ill": 0, "sex": sex})
    bands = rk.split(data, AGES, follow_up="Surv(age_in, age_out, ill)", scale="age")
    rate = bands.merge(HAZARD, how="left", on=["age_from", "sex"])["rate"].to_numpy()
    waited = random.exponential(1 / rate)
    bands["ill"] = (waited < bands["age_out"] - bands["age_in"]).astype(int)
    bands["age_out"] = np.minimum(bands["age_out"], bands["age_in"] + waited)
    return bands[bands.groupby(level=0)["ill"].transform(lambda ill: ill.cumsum().shift(fill_value=0)) == 0]


def judge_rates(n: int, replicate: int) -> list[dict[str, Any]]:
    """Whether intervals of a ratio that is 1, and of a standardised rate that is known, hold the truth."""
    people = people_at_reference_rates(np.random.default_rng([SEED, n, replicate]), n)
    people["years"] = people["age_out"] - people["age_in"]
    expected = rk.expected(people, HAZARD, by=["age_from", "sex"], time="years")
    rows = []
    for method in ("exact", "mid-p"):
        found = rk.smr(people["ill"], expected, by=people["sex"], method=method)
        whole = found.table.iloc[-1]
        rows.append({"what": f"ratio, {method} limits", "hit": whole["low"] <= 1 <= whole["high"]})
    rows.append({"what": "same ratio in both sexes, p < 0.05", "hit": found.heterogeneity.p < 0.05})
    standard = pd.DataFrame({"age_from": [*AGES][:6], "weight": [7, 7, 7, 6, 5, 5]})
    known = people[people["age_from"].isin(standard["age_from"]) & (people["sex"] == "Men")]
    truth = standard.merge(HAZARD[HAZARD["sex"] == "Men"], on="age_from")
    rate = rk.standardised_rates(known, standard, events="ill", time="years", by="age_from").iloc[0]
    true_rate = np.average(truth["rate"], weights=truth["weight"])
    rows.append({"what": "standardised rate of men, Fay and Feuer", "hit": rate["low"] <= true_rate <= rate["high"]})
    return rows


def rates(replicates: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Per cent of simulations, by the number of people."""
    columns = {}
    for n in (100, 400, 2000):
        found = gather(partial(judge_rates, n), replicates)
        columns[f"{n:,} people"] = found.groupby("what", sort=False)["hit"].mean().map(lambda v: f"{100 * v:.1f}")
    yield "", pd.DataFrame(columns).rename_axis("").reset_index()


TRUTH = {"x": 0.4, "z": -0.3}  # log hazard ratios


def cohort(random: np.random.Generator, n: int = 4000) -> pd.DataFrame:
    """A cohort with delayed entry and some 200 events; `high` is a rough measurement of x known for everybody."""
    x, z = random.normal(size=n), random.normal(size=n)
    entry = random.uniform(0, 2, n)
    waited = random.exponential(1 / (0.009 * np.exp(TRUTH["x"] * x + TRUTH["z"] * z)))
    left = random.uniform(2, 8, n)
    return pd.DataFrame(
        {"entry": entry, "exit": entry + np.minimum(waited, left), "ill": (waited < left).astype(int), "x": x, "z": z,
         "high": (x + 0.7 * random.normal(size=n) > 1).astype(int), "person": np.arange(n)}
    )  # fmt: skip


def judge_sampling(replicate: int) -> list[dict[str, Any]]:
    """Estimates of the effect of x from the whole cohort and from samples of it."""
    people = cohort(np.random.default_rng([SEED, 1, replicate]))
    formula, follow = "Surv(entry, exit, ill) ~ x + z", "Surv(entry, exit, ill)"
    fits = {"whole cohort": rk.cox(formula, people)}
    plain = rk.sample_case_cohort(people, event="ill", size=400, seed=replicate)
    for method in ("prentice", "self-prentice", "lin-ying"):
        sampling = rk.CaseCohort("subcohort", method, size=len(people))
        fits[f"case-cohort, {method}"] = rk.cox(formula, plain, sampling=sampling)
    sizes = people["high"].value_counts().to_dict()
    by = rk.sample_case_cohort(people, event="ill", size={0: 200, 1: 200}, strata="high", seed=replicate)
    for method in ("borgan-1", "borgan-2"):
        sampling = rk.CaseCohort("subcohort", method, size=sizes, strata="high")
        fits[f"case-cohort in strata, {method}"] = rk.cox(formula, by, sampling=sampling)
    sets = rk.sample_controls(people, follow_up=follow, controls=2, seed=replicate)
    fits["nested, 2 controls, risk sets"] = rk.cox(formula, sets, sampling=rk.NestedCaseControl())
    people["in"] = people["person"].isin(sets["person"])
    people["w"] = rk.ncc_weights(people, "in", follow_up=follow, controls=2)
    fits["nested, 2 controls, weighted"] = rk.cox(formula, people[people["in"]], weights="w", robust=True)
    counter = rk.sample_controls(people.drop(columns="w"), follow_up=follow, controls=2, counter="high", seed=replicate)
    fits["counter-matched, 2 of each stratum"] = rk.cox(
        formula, counter, sampling=rk.NestedCaseControl(weights="weight")
    )
    return [estimated(what, fit, TRUTH["x"]) for what, fit in fits.items()]


def estimated(what: str, fit: Any, truth: float, coefficient: int = 0) -> dict[str, Any]:
    """A coefficient beside its truth, and whether the 95% interval holds it."""
    low, high = fit.confint()[["low", "high"]].iloc[coefficient]
    error, se = fit.coef[coefficient] - truth, fit.se[coefficient]
    return {"what": what, "error": error, "se": se, "hit": low <= truth <= high}


def summarised(found: pd.DataFrame) -> pd.DataFrame:
    """Bias, spread, mean standard error and coverage of each way."""
    grouped = found.groupby("what", sort=False)
    table = pd.DataFrame(
        {
            "bias": grouped["error"].mean().map("{:+.3f}".format),
            "spread": grouped["error"].std().map("{:.3f}".format),
            "mean standard error": grouped["se"].mean().map("{:.3f}".format),
            "95% intervals that hold the truth (%)": (100 * grouped["hit"].mean()).map("{:.1f}".format),
        }
    )
    return table.rename_axis("").reset_index()


def sampling(replicates: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Samples of a cohort beside the cohort."""
    yield "", summarised(gather(judge_sampling, replicates))


def treated(random: np.random.Generator, n: int, *, trial: bool = False) -> pd.DataFrame:
    """Three visits: treatment lowers a level, and is given by it; the level shows a frailty that the outcomes follow.

    It adds 1 to y for every visit with it, and 0.4 to the log hazard while it is had. In a trial it is tossed for.
    """
    frailty, last, before = random.normal(size=n), np.zeros(n, dtype=int), np.zeros(n, dtype=int)
    rows = []
    for visit in range(3):
        level = frailty + random.normal(size=n) - last
        chance = np.full(n, 0.5) if trial else 1 / (1 + np.exp(-0.5 * level - 0.5 * last + 0.5))
        given = random.binomial(1, chance)
        before = before + given
        waited = random.exponential(1 / (0.03 * np.exp(0.4 * given + 0.6 * frailty)))
        rows.append(
            pd.DataFrame({"id": np.arange(n), "visit": visit, "level": level, "last": last, "treated": given,
                          "total": before, "entry": float(visit), "exit": visit + np.minimum(waited, 1.0),
                          "ill": (waited < 1).astype(int)})
        )  # fmt: skip
        last = given
    data = pd.concat(rows, ignore_index=True)
    data["y"] = (rows[-1]["total"] + 2 * frailty + random.normal(size=n)).to_numpy()[data["id"]]
    return data


def judge_treatment(log_ratio: float, replicate: int) -> list[dict[str, Any]]:
    """A treatment's effect on an outcome at the end and on a hazard: weighted, adjusted for the level, and neither."""
    random = np.random.default_rng([SEED, 3, replicate])
    data = treated(random, 2000)
    asked: dict[str, Any] = {
        "denominator": "treated ~ level + last + C(visit)", "numerator": "treated ~ last + C(visit)",
        "id": "id", "order": "visit",
    }  # fmt: skip
    data["w"] = rk.treatment_weights(data=data, **asked).weights
    data["cut"] = rk.treatment_weights(data=data, **asked, truncate=(1, 99)).weights
    end = data[data["visit"] == 2]
    risk, formula = still_well(data), "Surv(entry, exit, ill) ~ treated"
    found = [
        ("y, weighted", _end(end, "w"), 1.0, 1),
        ("y, weights truncated at 1 and 99%", _end(end, "cut"), 1.0, 1),
        ("y, adjusted for the level", rk.linear("y ~ total + level", end), 1.0, 1),
        ("y, neither", rk.linear("y ~ total", end), 1.0, 1),
        ("log hazard, weighted", rk.cox(formula, risk, weights="w", cluster="id"), log_ratio, 0),
        ("log hazard, weights truncated at 1 and 99%", rk.cox(formula, risk, weights="cut", cluster="id"), log_ratio,
         0),
        ("log hazard, adjusted for the level", rk.cox(f"{formula} + level", risk), log_ratio, 0),
        ("log hazard, neither", rk.cox(formula, risk), log_ratio, 0),
    ]  # fmt: skip
    return [estimated(what, fit, truth, row) for what, fit, truth, row in found]


def still_well(data: pd.DataFrame) -> pd.DataFrame:
    """The visits of people who have not fallen ill before."""
    before = data.groupby("id")["ill"].cumsum() - data["ill"]
    return data[before == 0]


def treatment(replicates: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Marginal structural models beside other models; the log hazard ratio's truth is that of a trial of a million."""
    trial = still_well(treated(np.random.default_rng([SEED, 4]), 1_000_000, trial=True))
    log_ratio = float(rk.cox("Surv(entry, exit, ill) ~ treated", trial).coef[0])
    print(f"log hazard ratio in the trial: {log_ratio:.3f}")
    yield "", summarised(gather(partial(judge_treatment, log_ratio), replicates))


def _end(data: pd.DataFrame, weights: str) -> Any:
    return rk.linear("y ~ total", data, survey=rk.SurveyDesign(weights=weights, psu="id"))


WHERE = np.array([8.0, 14.0, 20.0, 40.0, 60.0])
SHOWN = (2.5, 10.0, 50.0, 90.0, 97.5)


def reference_range(age: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L, M and S of a hormone that peaks at 15."""
    median = np.exp(5.0 + 0.9 * np.exp(-(((age - 15) / 5) ** 2) / 2) - 0.008 * (age - 20))
    return 0.1 + 0.01 * age, median, 0.32 - 0.001 * age


def judge_centiles(n: int, replicate: int) -> list[dict[str, Any]]:
    """Whether the limits of centiles hold the true ones, at five ages."""
    random = np.random.default_rng([SEED, 2, n, replicate])
    age = np.concatenate([random.uniform(5, 22, n // 2), random.uniform(5, 70, n - n // 2)])
    power, m, s = reference_range(age)
    people = pd.DataFrame({"age": age, "y": m * (1 + power * s * random.normal(size=n)) ** (1 / power)})
    power, m, s = reference_range(WHERE)
    rows = []
    for method in ("lms", "quantile"):
        asked = {"centiles": SHOWN} if method == "quantile" else {}
        found = rk.centiles("y ~ age", people, method=method, **asked).curves(WHERE, SHOWN)
        z = special.ndtri(found["centile"].to_numpy() / 100)
        true = np.tile(m, len(SHOWN)) * (1 + np.tile(power * s, len(SHOWN)) * z) ** (1 / np.tile(power, len(SHOWN)))
        hit = (found["low"] <= true) & (true <= found["high"])
        none = ~np.isfinite(found[["low", "high"]]).all(axis=1)
        about = found[["centile"]].assign(what=f"{method}, {n:,} people", error=found["value"] / true - 1, hit=hit)
        rows += about.assign(none=none).to_dict("records")
    return rows


def centiles(replicates: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Bias and root mean squared error in per cent of the centile, coverage, and infinite limits, at five ages."""
    found = pd.concat([gather(partial(judge_centiles, n), replicates) for n in (500, 2000)])
    grouped = found.groupby(["what", "centile"], sort=False)
    bias, error = 100 * grouped["error"].mean(), 100 * grouped["error"].agg(lambda e: np.sqrt((e**2).mean()))
    cells = pd.Series(
        [
            f"{b:+.1f} / {e:.1f} / {100 * h:.1f} / {100 * none:.0f}"
            for b, e, h, none in zip(bias, error, grouped["hit"].mean(), grouped["none"].mean(), strict=True)
        ],
        index=bias.index,
    )
    table = cells.unstack("centile")[list(SHOWN)].rename(columns=lambda c: f"{c:g}th")
    yield "", table.rename_axis("").rename_axis("", axis=1).reset_index()


def gather(judge: Callable[[int], list[dict[str, Any]]], replicates: int) -> pd.DataFrame:
    """Run all replicates of a judge; a row for each thing judged."""
    with ProcessPoolExecutor(1) as pool:
        return pd.DataFrame([row for rows in pool.map(judge, range(replicates), chunksize=10) for row in rows])


PARTS = {
    "rates": (rates, 2000),
    "sampling": (sampling, 1000),
    "treatment": (treatment, 1000),
    "centiles": (centiles, 100),
}


def write(part: str, text: str) -> None:
    """Put a part's tables between its markers."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(f"{page.split(begin)[0]}{begin}\n\n{text}\n\n{end}{page.split(end)[1]}", encoding="utf-8")


def markdown(frame: pd.DataFrame) -> str:
    """A table of text cells in Markdown."""
    lines = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--replicates", type=int)
    asked = parser.parse_args()
    tables, usual = PARTS[asked.part]
    parts = tables(asked.replicates or usual)
    text = "\n\n".join((f"**{title}**\n\n" if title else "") + markdown(frame) for title, frame in parts)
    print(text)
    if not asked.replicates:
        write(asked.part, text)


if __name__ == "__main__":
    main()
