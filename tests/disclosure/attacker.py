"""Who has a report, all files of it, and patience: what numbers of people follow from what it shows.

The attacker knows the rule (the page says it), riskkit's code, and how the analysis was asked; and tries every way that
was ever found to work. A claim is a number of people or events with all values that it can have; a cell is found where
so few are left that the rule's promise, `round_to` - 1 open values for each withheld number, is broken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd

from riskkit.disclosure.policy import Policy
from riskkit.disclosure.precision import estimates as shown_estimate
from riskkit.disclosure.precision import standard_errors, step

Z = 1.959963984540054
ONE = ["exposure", "outcome", "time_scale", "coding", "model"]


@dataclass(frozen=True)
class Claim:
    """A number that is not printed, the values that it can have, and how the attacker came by them."""

    what: str
    values: frozenset[int]
    how: str

    def finds(self, policy: Policy) -> bool:
        """Whether a number too small to be shown is known more closely than the rule allows."""
        open_yet = {value for value in self.values if value > 0}
        return 0 < len(open_yet) < policy.round_to - 1 and max(open_yet) < policy.min_count


@dataclass(frozen=True)
class Report:
    """The files of a report as the attacker reads them; `rule` is None where numbers are exact."""

    folder: Path
    rule: Policy | None

    def frame(self, name: str) -> pd.DataFrame:
        """A file of data/: the CSV, which has the same numbers as the Parquet, if there is no Parquet."""
        path = self.folder / "data" / f"{name}.parquet"
        return pd.read_parquet(path) if path.is_file() else pd.read_csv(path.with_suffix(".csv"))

    def window(self, shown: float) -> range:
        """The values that a count can have which is shown so, or is withheld."""
        if self.rule is None:
            return range(int(shown), int(shown) + 1)
        if np.isnan(shown):
            return range(1, self.rule.min_count)
        if shown == 0:
            return range(1)
        half = self.rule.round_to / 2
        return range(max(self.rule.min_count, int(np.ceil(shown - half))), int(np.ceil(shown + half)))


def attack(report: Report, parts: Mapping[str, Sequence[str]]) -> Iterator[Claim]:
    """Every claim that follows from one report; `parts` are outcomes that a reader knows to make up another."""
    yield from tables_of_two(report)
    yield from cox_information(report)
    yield from of_causes(report, parts)
    yield from of_levels(report)
    yield from of_subgroups(report)
    yield from of_flow(report)
    yield from of_means(report)
    yield from of_incidence(report)
    yield from of_traces(report)
    yield from of_reasons(report)
    yield from of_groups(report)
    yield from of_risks(report, parts)
    yield from of_words(report)


def tables_of_two(report: Report) -> Iterator[Claim]:
    """Crude odds ratios of an exposure with two values: every 2x2 table with these totals, ratio and limits, or G2."""
    rows = report.frame("estimates").merge(report.frame("fits")[[*ONE, "formula", "lr_chi2"]], on=ONE)
    crude = rows[(rows["coding"] == "linear") & (rows["time_scale"] == "none") & rows["formula"].map(_is_crude)]
    for row in crude.to_dict("records"):
        if np.isnan(row["estimate"]):
            continue
        n, cases = report.window(row["n"]), report.window(row["events"])
        for told, keeps in _readings(row, report.rule):
            found = [table for total in n for case in cases for table in _tables(total, case, keeps)]
            for place, name in enumerate(("exposed cases", "exposed others", "other cases", "other others")):
                values = frozenset(table[place] for table in found)
                yield Claim(f"{row['exposure']} {row['outcome']}: {name}", values, told)


def _is_crude(formula: str) -> bool:
    return "+" not in str(formula).split("~")[1]


Table = tuple[int, int, int, int]


def _readings(row: Mapping[str, float], rule: Policy | None) -> Iterator[tuple[str, object]]:
    """What an estimate tells of a table: as printed, with all its digits, and the statistic of its likelihood."""
    printed = tuple(round(row[name], 2) for name in ("ratio", "low", "high"))

    def as_printed(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
        estimate, se = _of_table(a, b, c, d, rule)
        both = np.exp([estimate, estimate - Z * se, estimate + Z * se])
        return np.all(np.abs(both - np.array(printed)[:, None]) <= 0.0051, axis=0)

    def to_the_last_digit(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
        estimate, se = _of_table(a, b, c, d, rule)
        return (np.abs(estimate - row["estimate"]) < 1e-6) & (np.abs(se - row["se"]) < 1e-6)

    def by_likelihood(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
        n = a + b + c + d
        cells = ((a, a + b, a + c), (b, a + b, b + d), (c, c + d, a + c), (d, c + d, b + d))
        g2 = 2 * sum(o * np.log(np.maximum(o, 1e-300) * n / (r * s)) for o, r, s in cells)
        return np.abs(g2 - row["lr_chi2"]) < 1e-6

    yield "odds ratio and limits as printed", as_printed
    yield "odds ratio and standard error", to_the_last_digit
    if not np.isnan(row["lr_chi2"]):
        yield "likelihood-ratio statistic", by_likelihood


def _of_table(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, rule: Policy | None
) -> tuple[np.ndarray, np.ndarray]:
    """The log odds ratio of tables and its standard error, as they would be shown: the rule is no secret."""
    if rule is not None:
        a, b, c, d = (np.where(x >= rule.min_count, rule.counts(x), np.nan) for x in (a, b, c, d))
        fewest = np.minimum.reduce([a, b, c, d])
    estimate = np.log(a * d / (b * c))
    se = np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    if rule is not None:
        se = standard_errors(se, fewest, rule)
        estimate = shown_estimate(estimate, se, fewest)
    return estimate, se


def _tables(total: int, cases: int, keeps: object) -> list[Table]:
    """The 2x2 tables of so many people and cases that agree with what is told."""
    exposed = np.arange(2, total - 1)
    a, e = (each.ravel() for each in np.meshgrid(np.arange(1, cases), exposed))
    b, c = e - a, cases - a
    d = total - e - c
    right = (b > 0) & (c > 0) & (d > 0)
    a, b, c, d = (each[right].astype(float) for each in (a, b, c, d))
    with np.errstate(all="ignore"):
        agrees = keeps(a, b, c, d)  # type: ignore[operator]
    return [tuple(int(x) for x in table) for table in zip(a[agrees], b[agrees], c[agrees], d[agrees], strict=True)]  # type: ignore[misc]


def groups_against_reference(report: Report) -> Iterator[Claim]:
    """Crude odds ratios of groups: the tables of a group and the reference that round to what is shown."""
    rows = report.frame("estimates").merge(report.frame("fits")[[*ONE, "formula"]], on=ONE)
    crude = rows[(rows["coding"] == "groups") & (rows["time_scale"] == "none") & rows["formula"].map(_is_crude)]
    for _, own in crude.groupby(ONE):
        reference = own[own["reference"]].iloc[0]
        for row in own[~own["reference"] & own["estimate"].notna()].to_dict("records"):
            windows = [
                np.array(report.window(count), dtype=float)
                for each in (row, reference)
                for count in (each["events"], each["n"])
            ]
            a, n, c, m = (each.ravel() for each in np.meshgrid(*windows))
            with np.errstate(all="ignore"):
                estimate, se = _of_table(a, n - a, c, m - c, report.rule)
            agrees = (np.abs(estimate - row["estimate"]) < 1e-6) & (np.abs(se - row["se"]) < 1e-6)
            for name, values in (("events", a), ("people", n), ("reference events", c), ("reference people", m)):
                values = frozenset(int(x) for x in values[agrees])
                yield Claim(
                    f"{row['exposure']} {row['outcome']} {row['level']}: {name}", values, "odds ratio of groups"
                )


def cox_information(report: Report) -> Iterator[Claim]:
    """Hazard ratios of an exposure or covariate with two values: the information is nearly 1 / (1/d1 + 1/d0)."""
    lines = report.frame("estimates").query("coding == 'linear' and time_scale != 'none'")
    coefficients = report.frame("coefficients").query("coding == 'linear' and time_scale != 'none'")
    fits = report.frame("fits")
    two = coefficients[coefficients["term"].str.contains("=")].merge(fits[[*ONE, "events"]], on=ONE)
    two = two.assign(exposure=two["term"])
    for row in pd.concat([lines, two]).to_dict("records"):
        if np.isnan(row["se"]):
            continue
        shown = float(row["se"])
        slack = 0.02 * shown + (step(shown * report.rule.round_to / 40) if report.rule else 0.0)
        found = set()
        for events in report.window(row["events"]):
            few = np.arange(1, events // 2 + 1, dtype=float)
            agrees = np.abs(np.sqrt(1 / few + 1 / (events - few)) - shown) <= slack
            found |= {int(d) for d in few[agrees]}
        yield Claim(f"{row['exposure']} {row['outcome']}: fewer events", frozenset(found), "Cox information")


def of_causes(report: Report, parts: Mapping[str, Sequence[str]]) -> Iterator[Claim]:
    """All events less those of the causes that are reported: what is left, of all models and every subset."""
    fits = report.frame("fits")
    for key, models in fits.groupby(["exposure", "time_scale", "coding", "model"]):
        events = models.set_index("outcome")["events"]
        for whole, causes in parts.items():
            known = [cause for cause in causes if cause in events and not np.isnan(events[cause])]
            others = [cause for cause in causes if cause not in known]
            if whole in events and known and len(others) <= 1 and not np.isnan(events[whole]):
                what = f"{others[0] if others else 'remainder'} of {whole}: events"
                values = _difference(report, events[whole], events[known])
                yield Claim(what, values, f"all less the others, {key}")


def _difference(report: Report, whole: float, parts: Iterable[float]) -> frozenset[int]:
    """The values of what a sum has beside these parts; of withheld ones, those too small to be shown."""
    least, most = (
        report.window(whole)[i] - sum(report.window(part)[j] for part in parts) for i, j in ((0, -1), (-1, 0))
    )
    limit = most + 1 if report.rule is None else min(most + 1, report.rule.min_count)
    return frozenset(range(max(0, least), limit))


def of_levels(report: Report) -> Iterator[Claim]:
    """Counts of characteristics: levels by group, from the other levels, the other groups, and the per cent."""
    described = report.frame("characteristics")
    n = described[described["statistic"] == "n"].set_index(["variable", "group"])["value"]
    for (variable, group), own in described[described["statistic"] == "count"].groupby(["variable", "group"]):
        counts = own.set_index("level")["value"]
        percent = described.query("variable == @variable and group == @group and statistic == 'percent'")
        by_level = percent.set_index("level")["value"]
        for level in counts.index:
            what = f"{variable} {level}, {group}"
            total = float(n[variable, group])
            if not np.isnan(by_level[level]):
                values = {round(by_level[level] * people / 100) for people in report.window(total)}
                if report.rule is not None:
                    values |= set(report.window(counts[level]))
                yield Claim(what, frozenset(values), "per cent of people")
            others = counts.drop(level)
            if (np.isnan(counts[level]) or report.rule is None) and others.notna().all():
                yield Claim(what, _difference(report, total, others), "people less the other levels")


def of_subgroups(report: Report) -> Iterator[Claim]:
    """Everybody less the subgroups that are reported: people and events of the one that is not."""
    variants = report.frame("variants").query("coding == 'linear'")
    fits = report.frame("fits").set_index(ONE)
    for key, own in variants.groupby(ONE):
        if key not in fits.index:
            continue
        whole = fits.loc[key]
        for size in range(1, len(own) + 1):
            for some in combinations(range(len(own)), size):
                rows = own.iloc[list(some)]
                if rows["events"].notna().all() and rows["n"].sum() <= whole["n"] + 20:
                    names = " and ".join(rows["variant"])
                    values = _difference(report, whole["events"], rows["events"])
                    yield Claim(f"{key[0]} {key[1]}, all but {names}: events", values, "subgroups")


def of_flow(report: Report) -> Iterator[Claim]:
    """Steps of the exclusion flow: from the people before and after."""
    for path in (report.folder / "tables").glob("*flow*.csv"):
        table = pd.read_csv(path, dtype=str)
        left = [float(text.replace(",", "")) if text[0].isdigit() else np.nan for text in table["Remaining"]]
        for before, after, label in zip(left, left[1:], table["Step"][1:], strict=False):
            if not np.isnan([before, after]).any():
                yield Claim(f"flow: {label}", _difference(report, before, [after]), "remaining before less after")


def of_means(report: Report) -> Iterator[Claim]:
    """Means of numbers: times people, that of a number that is 0 or 1 is how many have it."""
    described = report.frame("characteristics")
    for (variable, group), own in described[described["kind"] == "number"].groupby(["variable", "group"]):
        value = own.set_index("statistic")["value"]
        if not {"n", "mean", "sd"} <= set(value.index) or np.isnan([value["n"], value["mean"], value["sd"]]).any():
            continue
        if not 0 < value["mean"] < 1:
            continue
        found = set()
        for people in report.window(value["n"]):
            count = np.arange(1, people, dtype=float)
            mean = count / people
            spread = np.sqrt(mean * (1 - mean))
            if report.rule is None:
                spread = spread * np.sqrt(people / (people - 1))
            near = np.abs(mean - value["mean"]) <= _digits(value["mean"], report.rule, value["sd"] / people)
            found |= {int(x) for x in count[near & (np.abs(spread - value["sd"]) <= 0.05 * spread)]}
        yield Claim(f"{variable}, {group}: people with 1", frozenset(found), "mean x people")


def _digits(value: float, rule: Policy | None, of_one: float) -> float:
    """How far a number may lie from the one that is shown: half its last digit."""
    if rule is None:
        return 1e-9
    three = 10.0 ** (np.floor(np.log10(abs(value))) - 2)
    return float(max(three, step(rule.round_to * of_one))) / 2 + rule.round_to * of_one


def of_incidence(report: Report) -> Iterator[Claim]:
    """Where a curve first rises: a fraction of the people of the group."""
    for (outcome, level), own in report.frame("incidence").groupby(["outcome", "level"]):
        risen = own[own["estimate"] > 0].sort_values("time")
        if risen.empty:
            continue
        first = risen.iloc[0]
        slack = 1e-9 if report.rule is None else float(step(report.rule.round_to / first["n"])) / 2
        found = {
            events
            for people, events in product(range(5, int(own["n"].max()) + 5), range(1, 60))
            if abs(events / people - first["estimate"]) <= slack
        }
        yield Claim(f"{outcome} {level}: first events", frozenset(found), "incidence as a fraction")


def of_traces(report: Report) -> Iterator[Claim]:
    """Means of imputed indicators: fractions of the people they were imputed for."""
    for (exposure, variable), own in report.frame("imputation_trace").groupby(["exposure", "variable"]):
        means = own["mean"].dropna().to_numpy()
        if len(means) == 0 or means.min() < 0 or means.max() > 1:
            continue
        people = np.arange(1, 60)
        slack = np.array([1e-6 if report.rule is None else float(step(report.rule.round_to / n)) / 2 for n in people])
        apart = np.abs(means[:, None] - np.round(means[:, None] * people) / people)
        found = people[(apart <= slack).all(axis=0)]
        if report.rule is None:
            found = found[:1]  # the others are its multiples
        yield Claim(f"{exposure} {variable}: imputed", frozenset(map(int, found)), "means as fractions")


def of_reasons(report: Report) -> Iterator[Claim]:
    """Why models are not shown: numbers in the reason, and the side of the analysis's minimum that they tell."""
    failures = report.frame("failures")
    own = report.rule.min_count if report.rule else 0
    for row in failures.to_dict("records"):
        reason = str(row["reason"])
        what = f"{row['exposure']} {row['outcome']} {row['variant']}: events"
        if number := re.match(r"(\d+) events", reason):
            yield Claim(what, frozenset({int(number[1])}), "reason")
        elif fewer := re.search(r"events.*fewer than the (\d+)", reason):
            yield Claim(what, frozenset(range(int(fewer[1]))), "reason")
        elif "Not shown: fewer than" in reason:
            kinds = failures[failures["outcome"] == row["outcome"]]["reason"].str.extract(r"fewer than the (\d+)")[0]
            least = int(pd.to_numeric(kinds).max()) if kinds.notna().any() else 0
            yield Claim(what, frozenset(range(least if least < own else 0, own)), "reason")


def of_groups(report: Report) -> Iterator[Claim]:
    """Events of groups: all events less those of the other groups, each as closely as its ratio leaves it."""
    groups = report.frame("estimates").query("coding == 'groups'")
    fits = report.frame("fits").set_index(ONE)
    for key, own in groups.groupby(ONE):
        if key not in fits.index:
            continue
        events = dict(zip(own["level"], own["events"], strict=True))
        hidden = [level for level, count in events.items() if np.isnan(count)]
        for level in hidden or list(events):
            others = [count for name, count in events.items() if name != level]
            if not np.isnan(others).any() and not np.isnan(fits.loc[key, "events"]):
                values = _difference(report, fits.loc[key, "events"], others)
                yield Claim(f"{key[0]} {key[1]} {level}: events", values, "all less the other groups")


def of_words(report: Report) -> Iterator[Claim]:
    """Every small number of events or people in a sentence, cell or label of page, tables, figures and Word."""
    texts = [
        path.read_text(encoding="utf-8") for path in report.folder.rglob("*.*") if path.suffix in (".html", ".svg")
    ]
    for path in report.folder.rglob("*.docx"):
        with ZipFile(path) as parts:
            texts += [parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml")]
    for text in texts:
        data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
        for curve in json.loads(data[1])["curves"] if data else ():
            for name in ("n", "events", "n_missing"):
                if curve[name] and 0 < curve[name] < 10:
                    yield Claim(f"explorer {curve['outcome']} {name}", frozenset({int(curve[name])}), "as shown")
        words = re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)
        for number in re.findall(r"(?<!fewer than )(?<![\d,.])\b([1-9]) (?:events|deaths|cases|people)\b", words):
            yield Claim("words", frozenset({int(number)}), "as shown")


def of_risks(report: Report, parts: Mapping[str, Sequence[str]]) -> Iterator[Claim]:
    """Absolute risks from entry: events in their stretch of time, and of all causes less those that are reported.

    Where nobody has left before the horizon but by the event, the risk of all is events over people; the attacker knows
    in which steps risks are shown, and takes the true one to lie within half of one.
    """
    risks = report.frame("absolute_risks")
    for (exposure, x, horizon), own in risks[risks["age"].isna()].groupby(["exposure", "x", "horizon"]):
        told = own.set_index("outcome")
        for whole, causes in parts.items():
            known = [cause for cause in causes if cause in told.index]
            others = [cause for cause in causes if cause not in known]
            if whole not in told.index or len(others) != 1:
                continue
            rows = told.loc[[whole, *known]]
            half = _half_steps(rows, report.rule)
            left = rows["estimate"].iloc[0] - rows["estimate"].iloc[1:].sum()
            people = report.window(rows["n"].iloc[0])
            least, most = max(0.0, left - half) * people[0], (left + half) * people[-1]
            values = frozenset(range(round(least), round(most) + 1))
            yield Claim(f"{exposure} at {x:g}, {others[0]} of {whole}: events within {horizon:g}", values, "risks")


def _half_steps(rows: pd.DataFrame, rule: Policy | None) -> float:
    """By how much a sum of risks may differ from the true one."""
    if rule is None:
        return 0.0
    steps = step(rows["se"].to_numpy() * rule.round_to / np.sqrt(rows["events"].to_numpy()))
    return float(steps.sum() / 2)


def of_two_reports(before: Report, after: Report) -> Iterator[Claim]:
    """What two reports of one folder, of which one has a few people less, tell of these."""
    for key, own in _both(before, after, "fits"):
        for name in ("n", "events"):
            first, second = own[f"{name}_before"], own[f"{name}_after"]
            if np.isnan([first, second]).any():
                continue
            spans = before.window(first), after.window(second)
            values = frozenset(a - b for a, b in product(*spans) if a - b >= 0)
            yield Claim(f"{key} less: {name}", values, "the same model in two reports")
        years = own["person_years_before"] - own["person_years_after"]
        if not np.isnan(years):
            yield _amount(f"{key} less: person-years", years, before, own["person_years_before"], own["n_before"])
    described = [each.frame("characteristics").query("kind == 'number' and group == 'All'") for each in (before, after)]
    for variable in set(described[0]["variable"]):
        one, two = (each[each["variable"] == variable].set_index("statistic")["value"] for each in described)
        if not np.isnan([one["n"], two["n"], one["mean"], two["mean"]]).any():
            total = one["n"] * one["mean"] - two["n"] * two["mean"]
            yield _amount(f"{variable} less: sum", total, before, one["sd"] * one["n"], one["n"])


def _amount(what: str, value: float, report: Report, of: float, n: float) -> Claim:
    """A difference of two sums, in whole units: exact, or within what either may have been rounded by."""
    slack = 0.5 if report.rule is None else float(step(of * report.rule.round_to / n))
    least, most = int(np.floor(value - slack + 0.5)), int(np.ceil(value + slack - 0.5))
    return Claim(what, frozenset(range(max(1, least), max(1, most) + 1)), "sums in two reports")


def _both(before: Report, after: Report, name: str) -> Iterator[tuple[str, Mapping[str, float]]]:
    rows = before.frame(name).merge(after.frame(name), on=ONE, suffixes=("_before", "_after"))
    for row in rows.to_dict("records"):
        yield " ".join(str(row[each]) for each in ONE), row
