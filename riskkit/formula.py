"""The formula language: closed, so that a formula is data and never code.

    Surv(age_in, age_out, mi) ~ rcs(igf1, 5) + bmi + C(smoking, ref="Never") * sex + strata(region)

formulaic expands the algebra (`+ - * : **` and brackets); every factor must then be a column name or one of the
functions in `FUNCTIONS`, with literal arguments. Nothing is looked up in, or evaluated by, Python. A name that is not
letters, digits and '_' is quoted with backticks, as in `` `IGF-1 (nmol/L)` ``.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from riskkit.errors import SpecError, did_you_mean

# name -> (what each positional argument after the variable means, which names may be given by keyword)
FUNCTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "C": (("ref",), ("ref", "levels")),
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
    "tv": (("time",), ("time",)),
}
CHANGING = "tv"  # an effect that changes over time; its argument may be rcs(3), a spline of time
TRANSFORMS = ("log", "log2", "sqrt")  # these take a column, or a column plus a number
SMOOTH = ("rcs", "ns", "bs", "ps", "per")  # these take a column, or a transform of one
COLUMN = "by"  # the one argument that names a column
ROLES = ("strata", "offset", "cluster")  # functions that name columns rather than make terms
LONGEST = 100_000  # characters of a formula
MOST_TERMS = 20_000  # that crossing may make, or a power
LONGEST_MESSAGE = 2_000  # characters, beyond which its middle is left out


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a function of one column (or the column itself, when `function` is empty).

    Attributes
    ----------
    function, variable : str
    options : tuple of (argument, value)
    text : str
        As written.
    of : str
        The transform that the function is of: "log" in `rcs(log(x), 4)`.
    shift : float
        What is added to the column before its transform: 1 in `log(x + 1)`.
    """

    function: str
    variable: str
    options: tuple[tuple[str, Any], ...] = ()
    text: str = ""
    of: str = ""
    shift: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it uses: the variable, and the one its cut points depend on."""
        return (self.variable, *(value for option, value in self.options if option == COLUMN))


@dataclass(frozen=True)
class Formula:
    """A parsed formula.

    `response` holds the column names inside Surv(...), or the single outcome column; `terms` are in R's order: main
    effects as written, then interactions by degree. `offset_function` is "log" in `offset(log(x))`; `intercept` is
    False in `y ~ 0 + x`.
    """

    text: str
    response: tuple[str, ...]
    survival: bool
    terms: tuple[tuple[Factor, ...], ...]
    strata: tuple[str, ...] = ()
    offset: str | None = None
    cluster: str | None = None
    offset_function: str = ""
    intercept: bool = True

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
    return _with_names(text, _parse)


@lru_cache(maxsize=1024)
def terms(text: str) -> tuple[tuple[Factor, ...], ...]:
    """Parse what is written as one covariate: the terms it stands for, so that `age * sex` is three.

    Raises
    ------
    SpecError
        If it is not in the language, or names a role (strata, offset, cluster) and no term.
    """
    right = _with_names(text, _right_hand_side)
    if right.roles:
        raise SpecError(f"formula {text!r}: {next(iter(right.roles))}(...) is no covariate.")
    if not right.intercept:
        raise SpecError(f"formula {text!r}: a covariate says nothing of the intercept; leave out '0 +' and '- 1'.")
    return right.terms


def of_covariates(text: str) -> Formula:
    """A formula that has covariates, as written, and no outcome."""
    return replace(parse(f"__outcome__ ~ {text}"), response=())


def columns(text: str) -> tuple[str, ...]:
    """Every column that a covariate as written uses, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for term in terms(text) for factor in term for name in factor.columns))


def quoted(name: str) -> str:
    """The name of a column as a formula has it: within backticks where it could not stand by itself."""
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"


def unquoted(name: str) -> str:
    """The column that is named, with backticks or without."""
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] == "`" else name


def rewritten(formula: Formula, variable: str, expression: str | None) -> Formula:
    """Rewrite the main effect of a variable as another expression, or leave it out (None).

    Raises
    ------
    SpecError
        If the expression is not in the language.
    """
    terms = [] if formula.intercept else ["0"]
    for term in formula.terms:
        ours = len(term) == 1 and term[0].variable == variable
        written = expression if ours else ":".join(factor.text for factor in term)
        terms += [written] if written else []
    if formula.strata:
        terms.append(f"strata({', '.join(map(quoted, formula.strata))})")
    if formula.offset:
        column = quoted(formula.offset)
        terms.append(f"offset({formula.offset_function}({column}))" if formula.offset_function else f"offset({column})")
    if formula.cluster:
        terms.append(f"cluster({quoted(formula.cluster)})")
    names = ", ".join(map(quoted, formula.response))
    return parse(f"{f'Surv({names})' if formula.survival else names} ~ {' + '.join(terms) or '1'}")


T = TypeVar("T")
_NAMES = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')|`(?P<quoted>[^`]+)`|(?P<word>(?:[^\W\d]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*)"""
)
_STAND_IN = "__column{}__"
_LONG = re.compile(r"""(['"])([^'"]{300,})\1""")  # quoted in a message, of which the beginning and the end will do


def _with_names(text: str, read: Callable[[str, str, dict[str, str]], T]) -> T:
    """Read a formula in which names that Python would change or not read are stood in for by names it would.

    Python folds the characters of a name together (a micro sign becomes a Greek letter, a letter and its accent one
    letter), so that the column would not be found.
    """
    names: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        name = found["quoted"] or found["word"]
        if found["text"] or (not found["quoted"] and (name.isascii() or not name.isidentifier())):
            return found[0]
        known = {column: key for key, column in names.items()}
        key = known.get(name, _STAND_IN.format(len(names)))
        names[key] = name
        return key

    if len(text) > LONGEST:
        raise SpecError(f"formula '{text[:60]}...': it has {len(text):,} characters; the most is {LONGEST:,}.")
    masked = _NAMES.sub(stand_in, text)
    if "`" in masked:
        raise SpecError(f"formula {text!r}: a backtick is not closed; write the name between two, as in `bmi.base`.")
    try:
        return read(masked, text, names)
    except SpecError as error:
        message = _LONG.sub(lambda found: f"{found[1]}{found[2][:150]} ... {found[2][-50:]}{found[1]}", str(error))
        message = _restored(message, names)
        half = LONGEST_MESSAGE // 2
        short = message if len(message) <= LONGEST_MESSAGE else f"{message[:half]} ... {message[-half:]}"
        raise SpecError(short) from None
    except (RecursionError, MemoryError):
        raise SpecError(f"formula '{text[:60]}...': brackets or signs stand inside each other too deeply.") from None


def _restored(text: str, names: dict[str, str]) -> str:
    for key, name in names.items():
        text = text.replace(key, quoted(name))
    return text


def _parse(masked: str, text: str, names: dict[str, str]) -> Formula:
    if masked.count("~") != 1:
        raise SpecError(f"formula {text!r}: write one '~' between the outcome and the terms, as in 'Surv(t, d) ~ x'.")
    left, right = (side.strip() for side in masked.split("~"))
    response, survival = _response(left, text)
    read = _right_hand_side(right, text, names)
    _refuse_outcome_as_covariate(response, read, text, names)
    return Formula(
        text=" ".join(text.split()),
        response=tuple(names.get(name, name) for name in response),
        survival=survival,
        terms=read.terms,
        strata=read.roles.get("strata", ()),
        offset=next(iter(read.roles.get("offset", ())), None),
        cluster=next(iter(read.roles.get("cluster", ())), None),
        offset_function=read.offset_function,
        intercept=read.intercept,
    )


@dataclass(frozen=True)
class _RightHandSide:
    """Terms, the columns of each role, the function of the offset, and whether there is an intercept."""

    terms: tuple[tuple[Factor, ...], ...]
    roles: dict[str, tuple[str, ...]]
    offset_function: str
    intercept: bool


def _right_hand_side(right: str, text: str, names: dict[str, str]) -> _RightHandSide:
    terms: list[tuple[Factor, ...]] = []
    roles: dict[str, tuple[str, ...]] = {}
    modified: dict[str, None] = {}  # strata that stand in an interaction, and are strata besides
    offset_function = ""
    expanded, intercept = _expand(right.strip(), text)
    for parts in expanded:
        role = next((name for part in parts for name in ROLES if part.startswith(f"{name}(")), None)
        if role is None:
            terms.append(tuple(_factor(part, text, names) for part in parts))
            continue
        if len(parts) > 1:
            terms.append(tuple(_in_interaction(part, text, names, modified) for part in parts))
            continue
        if role in roles:
            raise SpecError(f"formula {text!r}: {role}(...) is given twice; name all columns in one {role}(a, b).")
        named = parts[0]
        if role == "offset" and (logged := re.fullmatch(r"offset\(\s*log\((.*)\)\s*\)", named)):
            named, offset_function = f"offset({logged[1]})", "log"
        roles[role] = tuple(names.get(name, name) for name in _columns_of(named, text))
    for role in ("offset", "cluster"):
        if len(roles.get(role, ())) > 1:
            raise SpecError(f"formula {text!r}: {role}(...) takes one column.")
    if modified:
        roles["strata"] = tuple(dict.fromkeys([*roles.get("strata", ()), *modified]))
    return _RightHandSide(tuple(terms), roles, offset_function, intercept)


def _refuse_outcome_as_covariate(
    response: tuple[str, ...], right: _RightHandSide, text: str, names: dict[str, str]
) -> None:
    """Refuse to explain an outcome by itself; the start of follow-up may be a covariate, as age then is."""
    outcome = [names.get(name, name) for name in (response[1:] if len(response) == 3 else response)]
    used = [name for term in right.terms for factor in term for name in factor.columns]
    used += [*right.roles.get("strata", ()), *right.roles.get("offset", ())]
    again = next((name for name in outcome if name in used), None)
    if again is not None:
        raise SpecError(
            f"formula {text!r}: '{again}' is of the outcome and cannot explain it; leave it out on the right."
        )


def _in_interaction(part: str, text: str, names: dict[str, str], modified: dict[str, None]) -> Factor:
    """A part of an interaction, in which `strata(sex)` is the factor `sex`."""
    role = next((name for name in ROLES if part.startswith(f"{name}(")), None)
    if role is None:
        return _factor(part, text, names)
    if role != "strata":
        raise SpecError(f"formula {text!r}: {role}(...) cannot stand in an interaction; add it with '+'.")
    found = _columns_of(part, text)
    if len(found) > 1:
        raise SpecError(
            f"formula {text!r}: in an interaction strata(...) takes one column; write the interactions out, "
            f"as in x * {found[0]} * {found[1]} + {part}."
        )
    column = names.get(found[0], found[0])
    modified[column] = None
    return Factor("C", column, text=f"C({quoted(column)})")


def _expand(right: str, text: str) -> tuple[list[list[str]], bool]:
    """Expand the right-hand side to terms, each a list of columns and calls, and find whether it has an intercept."""
    if right.isidentifier() or re.fullmatch(r"\w+\([^()]*\)", right):
        return [[right]], True  # no algebra to expand
    # Imported here because it takes a third of a second that who writes no algebra need not spend.
    from formulaic.errors import FormulaParsingError, FormulaSyntaxError
    from formulaic.parser import DefaultFormulaParser

    if right in ("", "1"):
        return [], True
    if _most_terms(right, text) > MOST_TERMS:
        raise SpecError(
            f"formula {text!r}: it stands for more than {MOST_TERMS:,} terms; cross fewer columns, or lower the power."
        )
    try:
        terms = DefaultFormulaParser(include_intercept=True).get_terms(right)
        expanded = [[factor.expr.strip() for factor in term.factors] for term in terms]
    except (FormulaSyntaxError, FormulaParsingError, SyntaxError) as error:
        if "`.` operator" in str(error):
            raise SpecError(
                f"formula {text!r}: '|' and '.' are not in the language; name the columns, joined by '+'."
            ) from None
        reason = str(error).splitlines()[0].rstrip(".")  # the lines below show the place in a terminal's colours
        raise SpecError(f"formula {text!r}: the right-hand side cannot be read ({reason}).") from None
    except TypeError:  # formulaic nests a term in nothing, as in (a - a)/b
        raise SpecError(f"formula {text!r}: a part of the right-hand side has no terms left; leave it out.") from None
    except (AttributeError, KeyError):  # parts of a formula, and all columns: formulaic knows them, the language not
        raise SpecError(
            f"formula {text!r}: '|' and '.' are not in the language; name the columns, joined by '+'."
        ) from None
    return sorted((parts for parts in expanded if parts != ["1"]), key=len), ["1"] in expanded


_STRING = re.compile(r"""\"[^"]*\"|'[^']*'""")
_LETTERS = re.compile(r"(?:[^\W\d]|[^\x00-\x7f])(?:\w|[^\x00-\x7f])*")


def _most_terms(right: str, text: str) -> int:
    """How many terms the algebra of a right-hand side may make, at most, without making them."""
    plain = _LETTERS.sub("x", _STRING.sub("1", right))  # no word can then be one of Python's
    if not re.search(r"[*/^:%]", plain):
        return plain.count("+") + plain.count("-") + 1
    crossed = plain.replace("^", "**").replace("%x%", "@").replace(":", "@").replace("***", "* *")
    most, depth, start = 0, 0, 0
    for place, letter in enumerate(f"{crossed}+"):  # summand by summand: Python reads no sum of thousands
        depth += (letter in "([{") - (letter in ")]}")
        if letter in "+-" and depth == 0:
            part = crossed[start:place].strip()
            start = place + 1
            if part:
                try:
                    most += _count(ast.parse(part, mode="eval").body)
                except SyntaxError:
                    raise SpecError(
                        f"formula {text!r}: the right-hand side cannot be read (at {part[:40]!r})."
                    ) from None
            if most > MOST_TERMS:
                break
    return most


def _count(node: ast.expr) -> int:
    if not isinstance(node, ast.BinOp):
        return _count(node.operand) if isinstance(node, ast.UnaryOp) else 1
    left = _count(node.left)
    if isinstance(node.op, ast.Pow):
        power = node.right.value if isinstance(node.right, ast.Constant) else 1
        power = min(power, MOST_TERMS + 1) if isinstance(power, int) else 1
        if left > 1 and power > 20:  # more than a million, and a number that takes long itself
            return MOST_TERMS + 1
        return min(max(left**power, power), MOST_TERMS + 1)  # formulaic multiplies it out, a single column too
    right = _count(node.right)
    if isinstance(node.op, ast.Mult | ast.Div | ast.MatMult | ast.Mod):
        return min(left + right + left * right, MOST_TERMS + 1)
    return min(left + right, MOST_TERMS + 1)


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
            f"formula {text!r}: {expression!r} cannot be read. Column names are letters, digits and '_'; put others "
            "between backticks, as in `bmi.base`."
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


def _factor(expression: str, text: str, names: dict[str, str]) -> Factor:
    tree, written = _tree(expression, text), _restored(expression, names)
    if isinstance(tree, ast.Name):
        return Factor("", names.get(tree.id, tree.id), text=written)
    if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)):
        raise SpecError(f"formula {text!r}: {expression!r} is not a column or a function of one. {_offered()}")
    function = tree.func.id
    if function not in FUNCTIONS:
        hint = did_you_mean(function, [*FUNCTIONS, *ROLES])
        raise SpecError(f"formula {text!r}: unknown function '{function}'.{hint} {_offered()}")
    variable, of, shift = _argument(tree, expression, text)
    positional, keywords = FUNCTIONS[function]
    if len(tree.args) - 1 > len(positional):
        raise SpecError(f"formula {text!r}: {expression!r} has too many arguments.")
    given = [_of_time(arg) if function == CHANGING else arg for arg in tree.args[1:]]
    options = {name: _literal(arg, expression, text) for name, arg in zip(positional, given, strict=False)}
    for argument in tree.keywords:
        name = str(argument.arg)
        if name not in keywords or name in options:
            raise SpecError(
                f"formula {text!r}: {expression!r}: argument '{name}' is unknown or given twice."
                + did_you_mean(name, keywords)
            )
        if name == COLUMN:
            column = _column(argument.value, expression, text)
            options[name] = names.get(column, column)
        else:
            options[name] = _literal(argument.value, expression, text, words=name == "levels")
    return Factor(function, names.get(variable, variable), tuple(options.items()), written, of, shift)


def _argument(call: ast.Call, expression: str, text: str) -> tuple[str, str, float]:
    """What a function is of: a column, the transform of it, and what is added to it before."""
    assert isinstance(call.func, ast.Name)
    function, of = call.func.id, ""
    node: ast.expr | None = call.args[0] if call.args else None
    if (
        function in SMOOTH
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in TRANSFORMS
        and len(node.args) == 1
        and not node.keywords
    ):
        of, node = node.func.id, node.args[0]
    if isinstance(node, ast.Name):
        return node.id, of, 0.0
    if (of or function in TRANSFORMS) and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        added = node.right if isinstance(node.left, ast.Name) else node.left
        column = node.left if added is node.right else node.right
        sums = isinstance(node.op, ast.Add) or added is node.right
        if isinstance(column, ast.Name) and isinstance(added, ast.Constant) and sums:
            value = added.value
            if isinstance(value, int | float) and not isinstance(value, bool):
                return column.id, of, float(value) if isinstance(node.op, ast.Add) else -float(value)
    example = f"{function}(x + 1)" if function in TRANSFORMS else f"{function}(x)"
    raise SpecError(f"formula {text!r}: {expression!r} must start with a column name, as in {example}.")


def _of_time(node: ast.expr) -> ast.expr:
    """The knots of rcs(knots), or what else is written."""
    spline = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "rcs"
    return node.args[0] if isinstance(node, ast.Call) and spline and len(node.args) == 1 else node


def _column(node: ast.expr, expression: str, text: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    raise SpecError(f"formula {text!r}: in {expression!r}, {ast.unparse(node)!r} must be the name of a column.")


def _literal(node: ast.expr, expression: str, text: str, *, words: bool = False) -> Any:
    """Read a number, a string or a list of numbers (of words too, where they are levels)."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if isinstance(value, list | tuple) and all(
        isinstance(v, int | float | str if words else int | float) for v in value
    ):
        return tuple(value)
    if isinstance(value, int | float | str):
        return value
    raise SpecError(f"formula {text!r}: in {expression!r}, {ast.unparse(node)!r} must be a number, text or [numbers].")


def _offered() -> str:
    return f"The functions are {', '.join([*FUNCTIONS, *ROLES])}."
