"""The terms of a model as an analysis file writes them: in the formula's language, checked where they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from riskkit import formula
from riskkit.errors import SpecError, did_you_mean
from riskkit.formula import Factor
from riskkit.spec.faults import Fault, Place
from riskkit.spec.tables import DescribedSpec

Term = tuple[Factor, ...]
KNOTS = range(3, 11)  # how many a restricted cubic spline may have
OF_NUMBERS = ("rcs", "ns", "bs", "ps", "fp", "log", "log2", "sqrt", "per", "groups", "fifths")


def single_terms(written: Iterable[str]) -> tuple[str, ...]:
    """What covariates stand for, one term each and none twice: `age * sex` is age, sex and age:sex."""
    return tuple(dict.fromkeys(text(term) for each in written for term in formula.terms(each)))


def text(term: Term) -> str:
    """A term as a formula writes it."""
    return ":".join(factor.text for factor in term)


def columns(term: str) -> tuple[str, ...]:
    """The cohort's columns that a term uses."""
    return formula.columns(term)


def columns_of(terms: Iterable[str]) -> tuple[str, ...]:
    """The cohort's columns that terms use, each once."""
    return tuple(dict.fromkeys(name for term in terms for name in formula.columns(term)))


def is_product(term: str) -> bool:
    """Whether a term is an interaction."""
    return any(len(each) > 1 for each in formula.terms(term))


def coded(term: str) -> str | None:
    """The variable that a term codes; None of a product."""
    (factors,) = formula.terms(term)
    return factors[0].variable if len(factors) == 1 else None


def without(terms: Iterable[str], names: Collection[str]) -> tuple[str, ...]:
    """Terms that use none of these columns."""
    return tuple(term for term in terms if not set(formula.columns(term)) & set(names))


def term_faults(place: Place, written: str, known: Mapping[str, DescribedSpec], cohort: str) -> Iterator[Fault]:
    """What is wrong with one covariate: it cannot be read, names what the cohort has not, or codes it impossibly."""
    if "~" in written:
        yield Fault(place, f"'{written}' is a whole formula; write its terms, one a string.")
        return
    try:
        found = formula.terms(written)
    except SpecError as error:
        reason = str(error).removeprefix(f"formula {written!r}: ")
        yield Fault(place, f"'{written}' is not a column or a formula term: {reason}")
        return
    if not found:
        yield Fault(place, f"'{written}' is not a column or a formula term such as rcs(bmi, 4).")
    for factor in dict.fromkeys(factor for term in found for factor in term):
        for name in factor.columns:
            if name not in known:
                yield Fault(place, f"cohort '{cohort}' has no variable '{name}'.{did_you_mean(name, known)}")
        if factor.variable in known:
            yield from _coding_faults(place, factor, known[factor.variable])


def _coding_faults(place: Place, factor: Factor, variable: DescribedSpec) -> Iterator[Fault]:
    name = factor.variable
    if factor.function in OF_NUMBERS and variable.kind != "number":
        yield Fault(place, f"'{factor.text}' takes a number, and '{name}' is a {variable.kind}. Write '{name}'.")
        return
    if variable.kind == "date":
        yield Fault(place, f"'{name}' is a date; make a number or a category of it in the cohort's [derived].")
    options = dict(factor.options)
    if factor.function == "rcs":
        knots = options.get("knots")
        if isinstance(knots, tuple):
            if len(knots) < KNOTS.start or list(knots) != sorted(set(knots)):
                yield Fault(place, f"'{factor.text}': knots must be at least three numbers in increasing order.")
        elif not isinstance(knots, int) or knots not in KNOTS:
            yield Fault(
                place, f"'{factor.text}': a spline takes {KNOTS.start} to {KNOTS.stop - 1} knots, as in rcs({name}, 4)."
            )
    levels = getattr(variable, "levels", ())
    if factor.function == "C" and "ref" in options and levels and options["ref"] not in levels:
        guess = did_you_mean(str(options["ref"]), levels)
        yield Fault(place, f"'{factor.text}': '{name}' has no level '{options['ref']}'.{guess}")
