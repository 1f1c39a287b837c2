"""The combination of sites: Newton's method over their sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from riskkit.design.bases import Array
from riskkit.errors import FitError, SpecError
from riskkit.fit.diagnosis import check_information
from riskkit.fit.federated.codings import agreed
from riskkit.fit.federated.site import Message
from riskkit.fit.fit import UNITS_PER_YEAR, Fit, check_choice
from riskkit.fit.newton import maximise

SPREAD = 3.0  # standard deviations that covariates are taken to reach, where nobody's are seen

PARTS = ("names", "n", "events", "n_missing", "person_time", "loglik", "gradient", "information", "squares")

Site = Callable[[Message], Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Answers:
    """Sums over the sites at one value of the p coefficients; `by_site` has what each said."""

    loglik: float
    gradient: Array
    information: Array
    by_site: Mapping[str, Mapping[str, Any]] = field(repr=False)


@dataclass(frozen=True, eq=False)
class FederatedLikelihood:
    """The sum of the sites' likelihoods, for `riskkit.fit.newton`."""

    formula: str
    ties: str
    names: tuple[str, ...]
    sites: Mapping[str, Site]
    x: Array  # stands for the covariates where separation is looked for: p axes as long as the covariates spread

    def evaluate(self, coef: Array) -> Answers:
        """Ask every site, all at the same time."""
        request: Message = {"formula": self.formula, "ties": self.ties, "coef": coef.tolist()}
        with ThreadPoolExecutor(len(self.sites)) as pool:
            said = dict(zip(self.sites, pool.map(lambda ask: ask(dict(request)), self.sites.values()), strict=True))
        for name, answer in said.items():
            self._check(name, answer)
        total = sum(float(answer["loglik"]) for answer in said.values())
        gradient, information = (
            np.sum([np.array(answer[part], dtype=float) for answer in said.values()], axis=0)
            for part in ("gradient", "information")
        )
        return Answers(total, gradient, information, said)

    def information(self, at: Answers, *, far: bool = False) -> Array:
        """Observed information, shape (p, p)."""
        return at.information

    def first_information(self, at: Answers, names: tuple[str, ...]) -> Array:
        """The same, refusing columns that tell nothing at any site (FitError)."""
        squares = np.sum([answer["squares"] for answer in at.by_site.values()], axis=0)
        check_information(at.information, np.diag(squares), names, "everyone at risk at their site")
        return at.information

    def _check(self, name: str, answer: object) -> None:
        if not isinstance(answer, Mapping):
            raise SpecError(f"site '{name}' answered with a {type(answer).__name__}, not what rk.cox_site gives.")
        if "refused" in answer:
            raise FitError(f"site '{name}' refuses: {answer['refused']}. Leave it out, or ask for its leave.")
        lacking = [part for part in PARTS if part not in answer]
        if lacking:
            raise SpecError(f"site '{name}': the answer lacks {', '.join(lacking)}; is it that of rk.cox_site?")
        if tuple(answer["names"]) != self.names:
            raise SpecError(f"site '{name}' has other columns ({', '.join(answer['names'])}); is its riskkit another?")


def cox_federated(
    formula: str,
    sites: Mapping[str, Site],
    *,
    ties: str = "efron",
    time_unit: str = "years",
    max_iterations: int = 30,
) -> Fit:
    """Fit one Cox model to several sites' rows, which stay where they are; every site has its own baseline hazard.

    The fit is that of all rows together with `strata(site)`. An iteration asks each site for its log-likelihood, its
    gradient and the diagonal of a Gram matrix (p numbers each) and its information (p x p), by `riskkit.cox_site`.

    Parameters
    ----------
    formula : str
        As `cox` takes it, with codings that need no look at data: levels, knots, cut points and units written out.
    sites : mapping of str to function
        Takes a request (a dict of text and numbers, which JSON can carry) to its site and brings back the answer.
    ties, time_unit, max_iterations
        As `cox` takes them.

    Returns
    -------
    Fit
        With model-based covariance; it answers what needs coefficients and covariance alone. `notes` say how many
        people and events each site has.

    Raises
    ------
    SpecError
        If a coding would be learnt from data, or a site's answer is not one.
    FitError
        If a site refuses, or the model cannot be estimated.

    References
    ----------
    R: survival::coxph(... + strata(site)).
    """
    check_choice("ties", ties, ("efron", "breslow"))
    check_choice("time_unit", time_unit, tuple(UNITS_PER_YEAR))
    if not isinstance(sites, Mapping) or not sites or not all(callable(ask) for ask in sites.values()):
        raise SpecError('sites: a mapping of names to functions of a request, as in {"Oslo": ask_oslo}.')
    recipe = agreed(formula)
    names = recipe.names
    looking = FederatedLikelihood(recipe.formula.text, ties, names, sites, np.zeros((2, len(names))))
    start = looking.evaluate(np.zeros(len(names)))
    events = sum(int(answer["events"]) for answer in start.by_site.values())
    spread = SPREAD * np.sqrt(np.maximum(np.diag(start.information), 0.0) / events)
    likelihood = FederatedLikelihood(
        recipe.formula.text, ties, names, sites, np.vstack([np.diag(spread), -np.diag(spread)])
    )
    best = maximise(likelihood, names, max_iterations)
    covariance = np.asarray(np.linalg.inv(best.information))
    said = best.at.by_site

    def total(part: str) -> float:
        return sum(float(answer[part]) for answer in said.values())

    return Fit(
        model="cox",
        recipe=recipe,
        coef=best.coef,
        vcov=covariance,
        vcov_model=covariance,
        loglik=best.loglik,
        loglik_null=best.loglik_null,
        n=int(total("n")),
        events=events,
        person_years=total("person_time") / UNITS_PER_YEAR[time_unit],
        n_missing=int(total("n_missing")),
        iterations=best.iterations,
        method=f"{ties.capitalize()} ties, sums of {len(sites)} sites",
        score_chi2=best.score_chi2,
        ties=ties,
        notes=tuple(
            f"site {name}: {answer['n']:,} rows, {answer['events']:,} events." for name, answer in said.items()
        ),
    )
