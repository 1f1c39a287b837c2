"""Exposures that are scores, learnt from the people of the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from riskkit.cohort.cohort import Cohort
from riskkit.cohort.variables import NOT_DERIVABLE, Variable
from riskkit.errors import DataError, FitError
from riskkit.infer.centiles import Centiles, centiles
from riskkit.spec.exposure import ExposureSpec
from riskkit.spec.scores import UNIT


def with_scores(cohort: Cohort, exposures: Mapping[str, ExposureSpec]) -> Cohort:
    """The cohort with a variable for each exposure that is a standard deviation score.

    Ranges are learnt by the LMS method from everyone in the cohort who has the level, the age and the group, weighted
    by the survey's weights where the cohort is the sample of a survey. A score is missing where one of these is.

    Parameters
    ----------
    cohort : Cohort
        The people of the analysis.
    exposures : mapping of name to ExposureSpec
        Those without `sds_of` are left as they are.

    Raises
    ------
    DataError
        If levels are not positive, or people too few.
    FitError
        If the curves cannot be fitted.
    """
    for name, exposure in exposures.items():
        if exposure.sds_of is None:
            continue
        try:
            scores = learn_ranges(cohort, exposure).sds(cohort.data)
        except (DataError, FitError) as error:
            raise type(error)(f"exposures.{name}: {error}") from error
        lacking = int(scores.isna().sum())
        variable = Variable(
            name=name, label=f"{cohort.variables[exposure.sds_of].label} SDS", kind="number", unit=UNIT, levels=(),
            missing={NOT_DERIVABLE: lacking} if lacking else {}, top_coded=0, bottom_coded=0, note=None,
        )  # fmt: skip
        cohort = replace(
            cohort,
            data=cohort.data.assign(**{name: scores.to_numpy()}),
            variables={**cohort.variables, name: variable},
        )
    return cohort


def learn_ranges(cohort: Cohort, exposure: ExposureSpec) -> Centiles:
    """The reference ranges that the scores of an exposure are places in."""
    assert exposure.sds_of is not None
    variable, by = exposure.sds_for[0], (*exposure.sds_for, None)[1]
    used = [exposure.sds_of, *exposure.sds_for]
    weights = cohort.design.weights if cohort.design else None
    data = cohort.data[list(dict.fromkeys([*used, *([weights] if weights else [])]))]
    if by is not None:
        data = data.assign(**{by: data[by].astype(object)})
    return centiles(f"{exposure.sds_of} ~ {variable}", data, by=by, weights=weights)
