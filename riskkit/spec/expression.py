"""The closed language of derived variables, exclusions and outcomes: read as data, never run as Python.

Numbers, ``'text'``, names of columns, ``+ - * / **``, comparisons (chained too: ``20 <= age < 70``),
``in ['a', 'b']``, ``and``, ``or``, ``not`` and the functions ``missing(x) log exp sqrt abs min max floor round``
(``log`` is natural, ``min`` and ``max`` take two or more, ``round`` also a number of decimals).

Missing values. Arithmetic with a missing value is missing. A comparison with a missing value (also ``!=``) does not
hold, and neither does its ``not``: it is unknown (Kleene's three-valued logic), so a condition never picks a person
because something is not known about them. To pick those, write ``missing(x)``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.errors import SpecError, did_you_mean
from riskkit.spec.evaluation import ARITHMETIC, COMPARISONS, FUNCTIONS, Evaluation, is_condition

LONGEST = 2000
DEEPEST = 100

RESERVED = frozenset({*FUNCTIONS, "missing"})
ASSIGNMENT = re.compile(r"(?<![=!<>])=(?!=)")
LANGUAGE = (
    "An expression may hold numbers, 'text', names of variables, + - * / **, == != < <= > >=, in ['a', 'b'], and, or, "
    "not, missing(x) and the functions " + ", ".join(FUNCTIONS) + "."
)
HINTS: dict[type[ast.AST], str] = {
    ast.BitAnd: "Write 'and' for &.",
    ast.BitOr: "Write 'or' for |.",
    ast.Invert: "Write 'not' for ~.",
    ast.BitXor: "Write ** for a power.",
    ast.Is: "Write == to compare, missing(x) to ask for missing values.",
    ast.IsNot: "Write != to compare, not missing(x) to ask for values that are there.",
}


@dataclass(frozen=True)
class Expression:
    """A checked expression; make one with `parse`.

    Attributes
    ----------
    text : str
        As the user wrote it.
    names : tuple of str
        The columns it needs, in order of appearance.
    is_condition : bool
        Whether its outermost part is a comparison, ``in``, ``and``, ``or``, ``not`` or ``missing``.
    """

    text: str
    tree: ast.expr
    names: tuple[str, ...]
    is_condition: bool

    def evaluate(self, frame: pd.DataFrame) -> pd.Series:
        """Value for each row.

        Parameters
        ----------
        frame : DataFrame, n rows
            Holds the columns `names`: numbers, or text (strings or categories).

        Returns
        -------
        Series, n rows
            float64 with missing values for arithmetic; text for a single column of text; bool for a condition, where
            unknown counts as False.

        Raises
        ------
        SpecError
            If a name is no column, text is used as a number or compared with one, or a category has no such level.
        DataError
            If values leave the numbers (logarithm of 0 or less, division by 0, overflow), or a condition is asked of a
            number other than 0 and 1.
        """
        if self.is_condition:
            return self.truth(frame) == 1
        value = Evaluation(self.text, frame).value(self.tree)
        if isinstance(value, pd.Series):
            return value
        if isinstance(value, str):
            return pd.Series([value] * len(frame), index=frame.index, dtype=object)
        return pd.Series(np.broadcast_to(value, len(frame)).copy(), index=frame.index)

    def truth(self, frame: pd.DataFrame) -> pd.Series:
        """Return 1 where the condition holds, 0 where it does not, missing where it is unknown (float64, n rows)."""
        truth = np.broadcast_to(Evaluation(self.text, frame).truth(self.tree), len(frame)).copy()
        return pd.Series(truth, index=frame.index)


def parse(text: str) -> Expression:
    """Check an expression against the closed language.

    Raises
    ------
    SpecError
        If it is empty, too long or too deep, or holds anything the language does not know, with the position.
    """
    line = re.sub(r"[\n\r\t]", " ", text)
    indent = len(line) - len(line.lstrip())
    line = line.strip()
    if not line:
        raise SpecError("the expression is empty.")
    if len(line) > LONGEST:
        raise SpecError(
            f"an expression of {len(line)} characters; the most is {LONGEST}. Split it in derived variables."
        )
    try:
        tree = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError) as error:
        position = indent + (getattr(error, "offset", None) or len(line) + 1)
        hint = " Write == to compare." if ASSIGNMENT.search(line) else ""
        raise SpecError(f"expression '{text}': cannot be read at position {position}.{hint}") from error
    except (RecursionError, MemoryError) as error:
        raise SpecError(f"expression '{text[:40]}...': nested too deeply. Split it in derived variables.") from error
    names: dict[str, int] = {}
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop(0)
        problem = _problem(node) if depth <= DEEPEST else "nested too deeply. Split it in derived variables."
        if problem:
            position = indent + len(line.encode()[: node.col_offset].decode()) + 1
            raise SpecError(f"expression '{text}', position {position}: {problem}")
        if isinstance(node, ast.Name):
            names[node.id] = min(node.col_offset, names.get(node.id, node.col_offset))
        waiting += [(part, depth + 1) for part in _parts(node)]
    return Expression(text, tree, tuple(sorted(names, key=names.__getitem__)), is_condition(tree))


def _problem(node: ast.expr) -> str | None:
    """Say what the language does not know about this node itself, its parts aside."""
    match node:
        case ast.Constant(value=bool()):
            return "write 1 for true and 0 for false."
        case ast.Constant(value=int() | float() as number):
            return None if abs(number) < 1e300 else "the number is too large."
        case ast.Constant(value=str()) | ast.Name() | ast.BoolOp():
            return None
        case ast.UnaryOp(op=op) if isinstance(op, (ast.USub, ast.UAdd, ast.Not)):
            return None
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            return None
        case ast.Compare(ops=ops, comparators=comparators):
            if len(ops) > 1 and any(isinstance(op, (ast.In, ast.NotIn)) for op in ops):
                return "'in' cannot be chained with another comparison. Join the two with 'and'."
            return next(filter(None, map(_comparison_problem, ops, comparators)), None)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _call_problem(name, len(args))
    operator: object = getattr(node, "op", None)
    return next(
        (hint for kind, hint in HINTS.items() if isinstance(operator, kind)), f"this is not understood. {LANGUAGE}"
    )


def _comparison_problem(op: ast.cmpop, comparator: ast.expr) -> str | None:
    if not isinstance(op, (ast.In, ast.NotIn)):
        return None if type(op) in COMPARISONS else HINTS[type(op)]
    values = [part.value for part in getattr(comparator, "elts", []) if isinstance(part, ast.Constant)]
    one_kind = all(isinstance(value, str) for value in values) or all(type(value) in (int, float) for value in values)
    if values and one_kind and len(values) == len(getattr(comparator, "elts", [])):
        return None
    return "after 'in' write a list of values, all text or all numbers: in ['a', 'b']."


def _call_problem(name: str, given: int) -> str | None:
    if name not in RESERVED:
        return f"unknown function '{name}'.{did_you_mean(name, sorted(RESERVED))}"
    fewest, most = FUNCTIONS[name][:2] if name in FUNCTIONS else (1, 1)
    if fewest <= given <= most:
        return None
    return f"{name} takes {fewest if fewest == most else f'{fewest} to {most}'} argument(s); got {given}."


def _parts(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.Call(args=args):
            return args
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return [left, *(c for op, c in zip(ops, comparators, strict=True) if type(op) in COMPARISONS)]
    return [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
