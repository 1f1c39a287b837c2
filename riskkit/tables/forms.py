"""The forms a table takes outside a report: text for a terminal, HTML for a notebook, LaTeX for a manuscript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskkit.markup import clean, escaped

if TYPE_CHECKING:
    from riskkit.tables.table import Table

INDENT = "  "
LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "\u00a0": "~", "–": "--", "−": "$-$", "≤": r"$\leq$", "≥": r"$\geq$", "±": r"$\pm$", "²": r"\textsuperscript{2}",
}  # fmt: skip
TO_ESCAPE = re.compile("|".join(map(re.escape, LATEX)))


def text(table: Table) -> str:
    """The table in letters of one width: caption, heads, rows, notes."""
    lines = [([column.label for column in table.columns], False)]
    for row in table.rows:
        first = INDENT * (row.kind == "indented") + row.cells[0]
        lines.append(([first, *row.cells[1:]], row.kind == "heading"))
    n = len(table.columns)
    broken = [([cell.split("\n") for cell in cells], heading) for cells, heading in lines]
    widths = [max(len(part) for cells, heading in broken if not heading for part in cells[i]) for i in range(n)]
    out = [table.caption, ""] if table.caption else []
    if table.groups:
        out.append(_groups(table, widths))
    for at, (cells, heading) in enumerate(broken):
        if heading:
            out.extend(cells[0])
            continue
        for k in range(max(map(len, cells))):
            parts = [cell[k] if k < len(cell) else "" for cell in cells]
            sides = zip(parts, widths, table.columns, strict=True)
            laid = [part.rjust(width) if column.numeric else part.ljust(width) for part, width, column in sides]
            out.append("  ".join(laid).rstrip())
        if at == 0:
            out.append("-" * (sum(widths) + 2 * (n - 1)))
    return "\n".join([*out, *([""] if table.notes else []), *table.notes])


def _groups(table: Table, widths: list[int]) -> str:
    """The common heads, each in the middle of its columns."""
    parts, start = [], 0
    for label, size in table.groups:
        room = sum(widths[start : start + size]) + 2 * (size - 1)
        parts.append(f" {label} ".center(room, "-") if label else " " * room)
        start += size
    return "  ".join(parts).rstrip()


def html(table: Table) -> str:
    """The table as HTML, every text escaped."""
    out = ['<table class="riskkit">']
    if table.caption:
        out.append(f'<caption style="text-align:left">{escaped(table.caption)}</caption>')
    out.append("<thead>")
    if table.groups:
        spans = (f'<th colspan="{n}" style="text-align:center">{escaped(label)}</th>' for label, n in table.groups)
        out.append(f"<tr>{''.join(spans)}</tr>")
    sides = [f' style="text-align:{"right" if column.numeric else "left"}"' for column in table.columns]
    heads = (f"<th{side}>{escaped(c.label)}</th>" for side, c in zip(sides, table.columns, strict=True))
    out += [f"<tr>{''.join(heads)}</tr>", "</thead>", "<tbody>"]
    for row in table.rows:
        if row.kind == "heading":
            cell = escaped(row.cells[0])
            out.append(f'<tr><th colspan="{len(table.columns)}" style="text-align:left">{cell}</th></tr>')
            continue
        indent = ";padding-left:2em" if row.kind == "indented" else ""
        weight = "bold" if row.strong else "normal"
        cells = [f'<th style="text-align:left;font-weight:{weight}{indent}">{escaped(row.cells[0])}</th>']
        bold = ("<b>", "</b>") if row.strong else ("", "")
        for side, cell in zip(sides[1:], row.cells[1:], strict=True):
            cells.append(f"<td{side}>{bold[0]}{escaped(cell)}{bold[1]}</td>")
        out.append(f"<tr>{''.join(cells)}</tr>")
    out += ["</tbody>", "</table>"]
    return "\n".join([*out, *(f"<p><small>{escaped(note)}</small></p>" for note in table.notes)])


def latex(table: Table) -> str:
    """The table as LaTeX with the rules of booktabs (``\\usepackage{booktabs}``), every text escaped."""
    n = len(table.columns)
    out = [r"\begin{table}", rf"\caption{{{_latex(table.caption)}}}"]
    out += [rf"\begin{{tabular}}{{{''.join('r' if c.numeric else 'l' for c in table.columns)}}}", r"\toprule"]
    if table.groups:
        spans, rules, start = [], [], 1
        for label, size in table.groups:
            spans.append(rf"\multicolumn{{{size}}}{{c}}{{{_latex(label)}}}")
            rules += [rf"\cmidrule(lr){{{start}-{start + size - 1}}}"] if label else []
            start += size
        out += [" & ".join(spans) + r" \\", " ".join(rules)]
    out += [*_lines([c.label for c in table.columns]), r"\midrule"]
    for row in table.rows:
        if row.kind == "heading":
            out.append(rf"\multicolumn{{{n}}}{{l}}{{\textbf{{{_latex(row.cells[0])}}}}} \\")
        else:
            out += _lines(row.cells, r"\quad " if row.kind == "indented" else "")
    out += [r"\bottomrule", r"\end{tabular}"]
    out += [rf"\par\footnotesize {_latex(note)}" for note in table.notes]
    return "\n".join([*out, r"\end{table}", ""])


def _lines(cells: list[str] | tuple[str, ...], lead: str = "") -> list[str]:
    """A row; what has further lines takes further rows."""
    parts = [cell.split("\n") for cell in cells]
    rows = [[part[k] if k < len(part) else "" for part in parts] for k in range(max(map(len, parts)))]
    return [(lead if k == 0 else "") + " & ".join(map(_latex, row)) + r" \\" for k, row in enumerate(rows)]


def _latex(words: str) -> str:
    plain = TO_ESCAPE.sub(lambda found: LATEX[found.group()], clean(words).replace("\n", " "))
    return f"{{}}{plain}" if plain.startswith("[") else plain  # which would be an argument of the \\ before it
