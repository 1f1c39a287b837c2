"""What a checked expression gives for each row: arithmetic with missing values, three-valued truth, text."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from riskkit.errors import DataError, SpecError, did_you_mean

ARITHMETIC: dict[type[ast.operator], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {  # name: fewest and most arguments, function
    "log": (1, 1, np.log),
    "exp": (1, 1, np.exp),
    "sqrt": (1, 1, np.sqrt),
    "abs": (1, 1, np.abs),
    "floor": (1, 1, np.floor),
    "round": (1, 2, lambda x, digits=0: np.round(x * 10.0**digits) / 10.0**digits),
    "min": (2, 20, lambda *xs: np.minimum.reduce(np.broadcast_arrays(*xs))),
    "max": (2, 20, lambda *xs: np.maximum.reduce(np.broadcast_arrays(*xs))),
}


def is_condition(node: ast.expr) -> bool:
    """Whether this part of an expression is true or false by itself, as a comparison is."""
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Call(func=ast.Name(id="missing")):
            return True
    return False


@dataclass(frozen=True)
class Evaluation:
    """One expression on one frame of n rows.

    Numbers and truths (1 holds, 0 does not, missing is unknown) are float64 arrays of n or scalars; text is a Series of
    n strings or categories, or a str.
    """

    text: str
    frame: pd.DataFrame

    def value(self, node: ast.expr) -> Any:
        """Number, truth or text of one part of the expression."""
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.Constant(value=int() | float() as number):
                return np.float64(number)
            case ast.Name(id=name):
                return self._column(name)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return 1 - self.truth(operand)
            case ast.UnaryOp(op=op, operand=operand):
                return -self._number(operand) if isinstance(op, ast.USub) else self._number(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return self._calculate(ARITHMETIC[type(op)], [left, right])
            case ast.BoolOp(op=op, values=values):
                return reduce(_both if isinstance(op, ast.And) else _either, map(self.truth, values))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                pairs = zip([left, *comparators], ops, comparators, strict=False)
                return reduce(_both, (self._compare(a, op, b) for a, op, b in pairs))
            case ast.Call(func=ast.Name(id="missing"), args=[argument]):
                return np.asarray(pd.isna(self.value(argument)), dtype=np.float64)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._calculate(FUNCTIONS[name][2], args)
        raise AssertionError(f"parse let through {ast.dump(node)}")

    def _column(self, name: str) -> Any:
        if name not in self.frame.columns:
            known = [str(column) for column in self.frame.columns]
            raise SpecError(f"expression '{self.text}': there is no variable '{name}'.{did_you_mean(name, known)}")
        column = self.frame[name]
        if pd.api.types.is_numeric_dtype(column):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        if isinstance(column.dtype, (pd.CategoricalDtype, pd.StringDtype)) or column.dtype == object:
            return column
        raise SpecError(f"expression '{self.text}': '{name}' is neither a number nor text ({column.dtype}).")

    def _number(self, node: ast.expr) -> Any:
        value = self.value(node)
        if isinstance(value, (str, pd.Series)):
            raise SpecError(f"expression '{self.text}': {ast.unparse(node)} is text where a number is needed.")
        return value

    def truth(self, node: ast.expr) -> Any:
        """Truth of one part of the expression; a number serves when it is 0 or 1."""
        value = self._number(node)
        if not is_condition(node) and not np.isin(value[~np.isnan(value)], (0, 1)).all():
            raise DataError(
                f"expression '{self.text}': {ast.unparse(node)} is a number, not a condition. Compare it with one."
            )
        return value

    def _calculate(self, function: Callable[..., Any], nodes: list[ast.expr]) -> Any:
        operands = [self._number(node) for node in nodes]
        with np.errstate(all="ignore"):
            result = function(*operands)
        lost = ~np.isfinite(result) & np.logical_and.reduce(np.broadcast_arrays(*map(np.isfinite, operands)))
        if np.any(lost):
            raise DataError(
                f"expression '{self.text}': no finite result for {np.count_nonzero(lost)} row(s) (a division by 0, a "
                "logarithm or root out of its range, or an overflow). Say which rows it is for: "
                "cases = [{ when = 'x > 0', then = 'log(x)' }]; the others are then missing."
            )
        return result

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Any:
        if isinstance(right, (ast.List, ast.Tuple, ast.Set)):
            found = reduce(_either, (self._compare(left, ast.Eq(), item) for item in right.elts))
            return found if isinstance(op, ast.In) else 1 - found
        a, b = self.value(left), self.value(right)
        texts = [isinstance(value, (str, pd.Series)) for value in (a, b)]
        if all(texts):
            return self._compare_text(a, op, b)
        if any(texts):
            number, text = (left, right) if texts[1] else (right, left)
            raise SpecError(
                f"expression '{self.text}': compares {ast.unparse(text)}, which is text, with {ast.unparse(number)}, "
                "which is a number. The levels of a category stand in quotes."
            )
        return np.where(np.isnan(a) | np.isnan(b), np.nan, COMPARISONS[type(op)](a, b))

    def _compare_text(self, a: Any, op: ast.cmpop, b: Any) -> Any:
        if not isinstance(op, (ast.Eq, ast.NotEq)):
            raise SpecError(f"expression '{self.text}': text has no order. Use ==, != or in ['a', 'b'].")
        for column, level in ((a, b), (b, a)):
            if isinstance(column, pd.Series) and isinstance(level, str) and hasattr(column, "cat"):
                levels = list(column.cat.categories)
                if level not in levels:
                    guess = did_you_mean(level, levels)
                    raise SpecError(f"expression '{self.text}': '{column.name}' has no level '{level}'.{guess}")
        values = [x.astype(object).to_numpy() if isinstance(x, pd.Series) else x for x in (a, b)]
        unknown = pd.isna(values[0]) | pd.isna(values[1])
        same = np.equal(*values).astype(np.float64)
        return np.where(unknown, np.nan, same if isinstance(op, ast.Eq) else 1 - same)


def _both(a: Any, b: Any) -> Any:
    return np.where((a == 0) | (b == 0), 0.0, np.minimum(a, b))


def _either(a: Any, b: Any) -> Any:
    return np.where((a == 1) | (b == 1), 1.0, np.maximum(a, b))
