"""What a published ratio compares: a closed set of contrasts, in words, and on a scale of levels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from scipy import special

from riskkit.errors import SpecError
from riskkit.evidence.reference import Reference

KINDS = {
    "per unit": ("per", "unit"),
    "per sd": (),
    "groups": ("of", "against", "groups"),
    "percentiles": ("of", "against"),
    "levels": ("of", "against", "unit"),
    "named": ("of", "against"),
}
FIELDS = ("per", "unit", "of", "against", "groups")
NAMES = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 8: "eighth", 10: "tenth"}
SPAN = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?")
LEVEL = re.compile(r"(<|<=|>|>=)?(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Contrast:
    """One contrast of an exposure.

    Attributes
    ----------
    kind : {"per unit", "per sd", "groups", "percentiles", "levels", "named"}
        "groups" are of equal size and numbered from the lowest (`of` 1, `against` 2-4, `groups` 5); "levels" are
        numbers in a unit, or what is above or below one (`<70`); "named" is what has no place on a scale (low).
    per, groups : float, int or None
    unit, of, against : str
    """

    kind: str
    per: float | None = None
    unit: str = ""
    of: str = ""
    against: str = ""
    groups: int | None = None

    @property
    def words(self) -> str:
        """The contrast in words, by which a claim names it: "per 5 nmol/L", "fifth 1 against fifth 3"."""
        if self.kind == "per unit":
            return f"per {self.per:g} {self.unit}"
        if self.kind == "per sd":
            return "per SD"
        if self.kind == "groups":
            name = NAMES.get(self.groups or 0, f"of {self.groups} groups, group")
            return f"{name} {self.of} against {self.against}"
        if self.kind == "percentiles":
            return f"percentile {self.of} against {self.against}"
        return f"{self.of} against {self.against}{f' {self.unit}' if self.kind == 'levels' else ''}"

    def difference(self, reference: Reference, factors: Mapping[str, float] | None = None) -> float | None:
        """How far apart the two levels are in the reference's unit, or None where the contrast does not tell.

        Parameters
        ----------
        reference : Reference
            Distribution of the exposure in those people.
        factors : mapping of unit to float, optional
            How many of the reference's unit are in one of another.

        Raises
        ------
        SpecError
            If there is no factor for a unit.
        """
        if self.kind == "named":
            return None
        if self.kind == "per unit":
            assert self.per is not None
            return self.per * _factor(self.unit, reference.unit, factors)
        if self.kind == "per sd":
            return reference.sd
        if self.kind == "levels":
            factor = _factor(self.unit, reference.unit, factors)
            return _level(self.of, reference, factor) - _level(self.against, reference, factor)
        one, other = (place(*span(self, text), reference) for text in (self.of, self.against))
        return one - other


def faults(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The faults of a contrast as text in its columns: pairs of a column and what is wrong with it."""
    kind = values["contrast"]
    if kind not in KINDS:
        return [("contrast", f"'{kind}' is not one of {', '.join(KINDS)}")]
    found = [(name, f"is needed for a contrast '{kind}'") for name in KINDS[kind] if not values[name]]
    found += [
        (name, f"says nothing of a contrast '{kind}'; leave it empty")
        for name in FIELDS
        if values[name] and name not in KINDS[kind]
    ]
    if found:
        return found
    if kind == "per unit" and not _positive(values["per"]):
        found.append(("per", f"'{values['per']}' is not a positive number"))
    if kind == "groups" and not (values["groups"].isdigit() and int(values["groups"]) > 1):
        return [*found, ("groups", f"'{values['groups']}' is not a number of groups, 2 or more")]
    if kind in ("groups", "percentiles"):
        top = float(values["groups"]) if kind == "groups" else 100.0
        for name in ("of", "against"):
            match = SPAN.fullmatch(values[name])
            ends = [float(end) for end in match.groups() if end] if match else []
            least = 1 if kind == "groups" else 0
            if not ends or ends[0] < least or ends[-1] > top or sorted(ends) != ends:
                found.append((name, f"'{values[name]}' is no {kind[:-1]} of {top:g}, nor a span as in 2-4"))
    if kind == "levels":
        found += [
            (name, f"'{values[name]}' is no level, as in 170, <70 or >=140")
            for name in ("of", "against")
            if not LEVEL.fullmatch(values[name])
        ]
    return found


def read(values: Mapping[str, str]) -> Contrast:
    """A contrast from text that has no faults."""
    return Contrast(
        values["contrast"],
        float(values["per"]) if values["per"] else None,
        values["unit"],
        values["of"],
        values["against"],
        int(values["groups"]) if values["groups"] else None,
    )


def span(contrast: Contrast, text: str) -> tuple[float, float]:
    """The percentiles, 0 to 100, between which a group's people are (twice the same of one percentile).

    Parameters
    ----------
    contrast : Contrast
        Of kind "groups" or "percentiles".
    text : str
        Its `of` or `against`.
    """
    match = SPAN.fullmatch(text)
    assert match is not None
    first, last = float(match[1]), float(match[2] or match[1])
    if contrast.kind == "groups":
        assert contrast.groups is not None
        width = 100 / contrast.groups
        return (first - 1) * width, last * width
    return first, last


def _positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def _factor(unit: str, to: str, factors: Mapping[str, float] | None) -> float:
    if unit == to:
        return 1.0
    if not factors or unit not in factors:
        raise SpecError(f"no factor takes '{unit}' to '{to}'; declare it.")
    return factors[unit]


def place(low: float, high: float, reference: Reference) -> float:
    """The level of a percentile, or the mean level of the people between two, in a reference population."""
    return reference.percentile(low) if low == high else reference.group_mean(low, high)


def _level(text: str, reference: Reference, factor: float) -> float:
    match = LEVEL.fullmatch(text)
    assert match is not None
    level = float(match[2]) * factor
    if not match[1]:
        return level
    below = 100 * float(special.ndtr(reference.score(level)))
    return reference.group_mean(0, below) if match[1][0] == "<" else reference.group_mean(below, 100)
