"""The formula language: closed, so that a formula is data and never code.

    Surv(age_in, age_out, mi) ~ rcs(igf1, 5) + bmi + C(smoking, ref="Never") * sex + strata(region)

formulaic expands the algebra (`+ - * : **` and brackets); every factor must then be a column name or one of the
functions in `FUNCTIONS`, with literal arguments. Nothing is looked up in, or evaluated by, Python.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from riskkit.errors import SpecError, did_you_mean

# name -> (what each positional argument after the variable means, which names may be given by keyword)
FUNCTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "C": (("ref",), ("ref",)),
    "rcs": (("knots",), ("knots",)),
    "per": (("unit",), ("unit",)),
    "log": ((), ()),
    "log2": ((), ()),
    "sqrt": ((), ()),
    "groups": (("how",), ("how", "ref", "cuts", "by")),
    "fifths": ((), ("ref", "cuts", "by")),
    "ns": (("df",), ("df", "knots", "boundary")),
    "bs": (("df",), ("df", "knots", "boundary", "degree")),
    "ps": (("df",), ("df", "boundary")),
    "fp": (("powers",), ("powers", "shift", "scale")),
}
COLUMN = "by"  # the one argument that names a column
ROLES = ("strata", "offset", "cluster")  # functions that name columns rather than make terms


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a function of one column (or the column itself, when `function` is empty)."""

    function: str
    variable: str
    options: tuple[tuple[str, Any], ...] = ()
    text: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it uses: the variable, and the one its cut points depend on."""
        return (self.variable, *(value for option, value in self.options if option == COLUMN))


@dataclass(frozen=True)
class Formula:
    """A parsed formula.

    `response` holds the column names inside Surv(...), or the single outcome column; `terms` are in R's order: main
    effects as written, then interactions by degree.
    """

    text: str
    response: tuple[str, ...]
    survival: bool
    terms: tuple[tuple[Factor, ...], ...]
    strata: tuple[str, ...] = ()
    offset: str | None = None
    cluster: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the formula uses, each once, in order of appearance."""
        used = [*self.response, *(name for term in self.terms for f in term for name in f.columns), *self.strata]
        used += [name for name in (self.offset, self.cluster) if name]
        return tuple(dict.fromkeys(used))


@lru_cache(maxsize=256)  # a bootstrap parses the same formula a thousand times
def parse(text: str) -> Formula:
    """Parse a model formula.

    Raises
    ------
    SpecError
        If the formula is not in the closed language; the message quotes the part that is not.
    """
    if text.count("~") != 1:
        raise SpecError(f"formula {text!r}: write one '~' between the outcome and the terms, as in 'Surv(t, d) ~ x'.")
    left, right = (side.strip() for side in text.split("~"))
    response, survival = _response(left, text)
    terms, roles = _right_hand_side(right, text)
    return Formula(
        text=" ".join(text.split()),
        response=response,
        survival=survival,
        terms=terms,
        strata=roles.get("strata", ()),
        offset=next(iter(roles.get("offset", ())), None),
        cluster=next(iter(roles.get("cluster", ())), None),
    )


@lru_cache(maxsize=1024)
def terms(text: str) -> tuple[tuple[Factor, ...], ...]:
    """Parse what is written as one covariate: the terms it stands for, so that `age * sex` is three.

    Raises
    ------
    SpecError
        If it is not in the language, or names a role (strata, offset, cluster) and no term.
    """
    found, roles = _right_hand_side(text.strip(), text)
    if roles:
        raise SpecError(f"formula {text!r}: {next(iter(roles))}(...) is no covariate.")
    return found


def columns(text: str) -> tuple[str, ...]:
    """Every column that a covariate as written uses, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for term in terms(text) for factor in term for name in factor.columns))


def rewritten(formula: Formula, variable: str, expression: str | None) -> Formula:
    """Rewrite the main effect of a variable as another expression, or leave it out (None).

    Raises
    ------
    SpecError
        If the expression is not in the language.
    """
    terms = []
    for term in formula.terms:
        ours = len(term) == 1 and term[0].variable == variable
        written = expression if ours else ":".join(factor.text for factor in term)
        terms += [written] if written else []
    if formula.strata:
        terms.append(f"strata({', '.join(formula.strata)})")
    terms += [f"{role}({name})" for role, name in (("offset", formula.offset), ("cluster", formula.cluster)) if name]
    return parse(f"{formula.text.split('~')[0].strip()} ~ {' + '.join(terms) or '1'}")


def _right_hand_side(right: str, text: str) -> tuple[tuple[tuple[Factor, ...], ...], dict[str, tuple[str, ...]]]:
    """Terms, and the columns of each role."""
    terms: list[tuple[Factor, ...]] = []
    roles: dict[str, tuple[str, ...]] = {}
    for parts in _expand(right, text):
        role = next((name for part in parts for name in ROLES if part.startswith(f"{name}(")), None)
        if role is None:
            terms.append(tuple(_factor(part, text) for part in parts))
            continue
        if len(parts) > 1:
            raise SpecError(f"formula {text!r}: {role}(...) cannot stand in an interaction; add it with '+'.")
        if role in roles:
            raise SpecError(f"formula {text!r}: {role}(...) is given twice; name all columns in one {role}(a, b).")
        roles[role] = _columns_of(parts[0], text)
    for role in ("offset", "cluster"):
        if len(roles.get(role, ())) > 1:
            raise SpecError(f"formula {text!r}: {role}(...) takes one column.")
    return tuple(terms), roles


def _expand(right: str, text: str) -> list[list[str]]:
    """Expand the right-hand side to terms, each a list of columns and calls."""
    # Imported here because it takes a third of a second that a user of the array functions need not spend.
    from formulaic.errors import FormulaParsingError, FormulaSyntaxError
    from formulaic.parser import DefaultFormulaParser

    if right in ("", "1", "0"):
        return []
    try:
        terms = DefaultFormulaParser(include_intercept=False).get_terms(right)
        expanded = [[factor.expr.strip() for factor in term.factors] for term in terms]
    except (FormulaSyntaxError, FormulaParsingError, SyntaxError) as error:
        reason = str(error).splitlines()[0].rstrip(".")  # the lines below show the place in a terminal's colours
        raise SpecError(f"formula {text!r}: the right-hand side cannot be read ({reason}).") from None
    except (AttributeError, KeyError):  # parts of a formula, and all columns: formulaic knows them, the language not
        raise SpecError(
            f"formula {text!r}: '|' and '.' are not in the language; name the columns, joined by '+'."
        ) from None
    return sorted(expanded, key=len)


def _response(left: str, text: str) -> tuple[tuple[str, ...], bool]:
    if left.isidentifier():
        return (left,), False
    if left.startswith("Surv(") and left.endswith(")"):
        columns = _columns_of(left, text)
        if len(columns) in (2, 3):
            return columns, True
    raise SpecError(
        f"formula {text!r}: the outcome must be a column, Surv(time, event) or Surv(entry, exit, event); got {left!r}."
    )


def _tree(expression: str, text: str) -> ast.expr:
    try:
        return ast.parse(expression, mode="eval").body
    except SyntaxError:
        raise SpecError(
            f"formula {text!r}: cannot read {expression!r}. Column names are letters, digits and '_'; rename others."
        ) from None


def _columns_of(expression: str, text: str) -> tuple[str, ...]:
    tree = _tree(expression, text)
    if isinstance(tree, ast.Call) and not tree.keywords and tree.args:
        names = tuple(arg.id for arg in tree.args if isinstance(arg, ast.Name))
        if len(names) == len(tree.args):
            return names
    raise SpecError(
        f"formula {text!r}: {expression!r} takes column names only, as in {expression.split('(')[0]}(a, b)."
    )


def _factor(expression: str, text: str) -> Factor:
    tree = _tree(expression, text)
    if isinstance(tree, ast.Name):
        return Factor("", tree.id, text=expression)
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)):
        raise SpecError(f"formula {text!r}: {expression!r} is not a column or a function of one. {_offered()}")
    function = tree.func.id
    if function not in FUNCTIONS:
        hint = did_you_mean(function, [*FUNCTIONS, *ROLES])
        raise SpecError(f"formula {text!r}: unknown function '{function}'.{hint} {_offered()}")
    if not tree.args or not isinstance(tree.args[0], ast.Name):
        raise SpecError(f"formula {text!r}: {expression!r} must start with a column name, as in {function}(x).")
    positional, keywords = FUNCTIONS[function]
    if len(tree.args) - 1 > len(positional):
        raise SpecError(f"formula {text!r}: {expression!r} has too many arguments.")
    options = {name: _literal(arg, expression, text) for name, arg in zip(positional, tree.args[1:], strict=False)}
    for keyword in tree.keywords:
        if keyword.arg not in keywords or keyword.arg in options:
            raise SpecError(
                f"formula {text!r}: {expression!r}: argument '{keyword.arg}' is unknown or given twice."
                + did_you_mean(str(keyword.arg), keywords)
            )
        read = _column if keyword.arg == COLUMN else _literal
        options[keyword.arg] = read(keyword.value, expression, text)
    return Factor(function, tree.args[0].id, tuple(options.items()), expression)


def _column(node: ast.expr, expression: str, text: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    raise SpecError(f"formula {text!r}: in {expression!r}, {ast.unparse(node)!r} must be the name of a column.")


def _literal(node: ast.expr, expression: str, text: str) -> Any:
    """Read a number, a string or a list of numbers; `ast.literal_eval` builds nothing else."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if isinstance(value, list | tuple) and all(isinstance(v, int | float) for v in value):
        return tuple(value)
    if isinstance(value, int | float | str):
        return value
    raise SpecError(f"formula {text!r}: in {expression!r}, {ast.unparse(node)!r} must be a number, text or [numbers].")


def _offered() -> str:
    return f"The functions are {', '.join([*FUNCTIONS, *ROLES])}."
