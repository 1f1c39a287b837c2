"""Who was drawn: the rows of several fits as people, clusters or sampling units, and variances between those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.design.design import Design
from riskkit.design.survey import Sample
from riskkit.errors import DataError, FitError
from riskkit.fit.fit import Fit
from riskkit.fit.hazards import by_group
from riskkit.fit.kernel import Ints
from riskkit.fit.linearise import linearised


@dataclass(frozen=True, eq=False)
class Units:
    """Independent units that the rows of the fits belong to.

    Attributes
    ----------
    of_rows : mapping of fit to int array, shape (n,)
        Unit of each row.
    size : int
        Number of units.
    sample : Sample or None
        Of a survey, whose PSUs the units are.
    people : array, shape (size,), or None
        How many people a unit stands for, where weights are frequencies; None means one.
    """

    of_rows: Mapping[str, Ints]
    size: int
    sample: Sample | None = None
    people: Array | None = None

    def covariance(self, influence: Array) -> Array:
        """Covariance of M quantities from the units' influences, shape (size, M)."""
        if self.sample is not None:
            return linearised(self.sample, influence)
        each = self._of_people(influence)
        return np.asarray(each.T @ each)

    def variances(self, influence: Array) -> Array:
        """Variances of M quantities from the units' influences, shape (M,)."""
        if self.sample is not None:
            return np.diag(linearised(self.sample, influence))
        each = self._of_people(influence)
        return np.asarray(np.einsum("um,um->m", each, each))

    def _of_people(self, influence: Array) -> Array:
        """Influences whose squares add up over people: w of equal influence i / w each have i^2 / w together."""
        return influence if self.people is None else influence / np.sqrt(self.people)[:, None]

    def total(self, name: str, influence: Array) -> Array:
        """Sum the influences of a fit's rows, shape (n, M), by unit; shape (size, M)."""
        unit = self.of_rows[name]
        plain = unit.size == self.size and self.sample is None and bool((unit == np.arange(unit.size)).all())
        return influence if plain else by_group(influence, unit, self.size)


def units(fits: Mapping[str, Fit]) -> Units:
    """Find the units that fits to the same people share.

    Raises
    ------
    FitError
        If some fits are clustered, or of a survey, and others not.
    DataError
        If the rows of the fits cannot be matched.
    """
    designs = {name: cast(Design, fit.design) for name, fit in fits.items()}
    first_name, first = next(iter(designs.items()))
    for name, design in designs.items():
        for what, attribute in (("of a survey", "sample"), ("clustered", "cluster")):
            if (getattr(design, attribute) is None) != (getattr(first, attribute) is None):
                raise FitError(
                    f"the fits '{first_name}' and '{name}': one is {what} and the other not; fit both the same way."
                )
    if first.sample is not None:
        for name, design in designs.items():
            if not np.array_equal(cast(Sample, design.sample).stratum, first.sample.stratum):
                raise FitError(f"the fits '{first_name}' and '{name}' are of different survey designs.")
        psus = {name: cast(Sample, design.sample).psu for name, design in designs.items()}
        return Units(psus, first.sample.stratum.size, first.sample)
    rows, size = aligned(designs)
    if first.cluster is None:
        people = np.ones(size)
        for name, design in designs.items():
            people[rows[name]] = design.people
        return Units(rows, size, people=people if (people != 1).any() else None)
    cluster = np.full(size, -1)
    for name, design in designs.items():
        codes = cast(Ints, design.cluster)
        known = cluster[rows[name]]
        same = pd.Series(known, index=codes)[known >= 0]
        same = same[~same.index.duplicated()]
        new = np.setdiff1d(codes, same.index)
        number = {**same.to_dict(), **dict(zip(new, cluster.max() + 1 + np.arange(new.size), strict=True))}
        cluster[rows[name]] = pd.Series(codes).map(number)
    return Units({name: cluster[at] for name, at in rows.items()}, int(cluster.max()) + 1)


def aligned(designs: Mapping[str, Design]) -> tuple[dict[str, Ints], int]:
    """Number the rows of all designs, the same row the same in each; and how many there are.

    Raises
    ------
    DataError
        If the labels of the rows are not unique and the fits used different rows.
    """
    first = next(iter(designs.values())).index
    if all(design.index is first or design.index.equals(first) for design in designs.values()):
        return {name: np.arange(len(first)) for name in designs}, len(first)
    labels = first
    for name, design in designs.items():
        if not design.index.is_unique:
            raise DataError(
                f"the fits used different rows, and the data's index repeats labels (in '{name}'), so that they cannot "
                "be matched; use data.reset_index(drop=True) before fitting."
            )
        labels = labels.append(design.index.difference(labels, sort=False))
    return {name: labels.get_indexer(design.index) for name, design in designs.items()}, len(labels)
