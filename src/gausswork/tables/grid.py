"""A table of texts, and the forms it can take."""

from __future__ import annotations

import csv
import html
import io
import sys
from dataclasses import dataclass, field

from gausswork import formatting as fmt
from gausswork.findings import Finding
from gausswork.tables import escapes

WIDTH = 100

_RIGHT = ' style="text-align:right"'


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts: ``print(grid)``, or one of the methods for other forms.

    Attributes
    ----------
    title : one line.
    heads : heads of the columns; the first column holds names, the others numbers.
    rows : one tuple a row, as long as ``heads``; an empty tuple is a rule.
    notes : (label, text) lines under the table.
    findings : what there is to say about it.
    plain : heads and rows for CSV where those above would be misread: (0.5) is −0.5 there.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    plain: tuple[tuple[str, ...], ...] = ()

    def text(self, *, width: int = WIDTH) -> str:
        """Return plain text; numbers line up at their decimal points."""
        columns = [_aligned(self.heads[j], [row[j] for row in self.rows if row], j)
                   for j in range(len(self.heads))]  # fmt: skip
        whole = sum(fmt.cell_width(column[0]) for column in columns) + 2 * (len(columns) - 1)
        lines = [*fmt.wrap(self.title, width), ""] if self.title else []
        lines += ["  ".join(column[0] for column in columns).rstrip(), "─" * whole]
        at = 1
        for row in self.rows:
            if not row:
                lines.append("─" * whole)
                continue
            lines.append("  ".join(column[at] for column in columns).rstrip())
            at += 1
        lines.append("─" * whole)
        label = max((fmt.cell_width(name) for name, _ in self.notes), default=0) + 2
        for name, note in self.notes:
            lines += fmt.wrap(note, width, first=fmt.pad(name, label), further=" " * label)
        if self.findings:
            lines.append("")
        for finding in self.findings:
            head = f"{finding.severity} ({finding.code}): "
            said = head + fmt.visible(str(finding))
            lines += fmt.wrap(said, width, further="    ")
        return "\n".join(lines)

    def html(self) -> str:
        """Return an HTML table; every text is escaped."""
        heads = "".join(
            f'<th scope="col"{_RIGHT if j else ""}>{html.escape(head)}</th>'
            for j, head in enumerate(self.heads)
        )
        bodies, lines = [], []
        for row in (*self.rows, ()):
            if row:
                cells = "".join(f"<td{_RIGHT}>{html.escape(cell)}</td>" for cell in row[1:])
                name = f'<th scope="row" style="text-align:left">{html.escape(row[0])}</th>'
                lines.append(f"<tr>{name}{cells}</tr>")
            elif lines:
                bodies.append(f"<tbody>{''.join(lines)}</tbody>")
                lines = []
        notes = "".join(
            f"<li><strong>{html.escape(name)}</strong> {html.escape(note)}</li>"
            for name, note in (
                *self.notes,
                *((str(f.severity), fmt.visible(str(f))) for f in self.findings),
            )
        )
        return (
            f'<div class="gausswork-table"><table><caption>{html.escape(self.title)}</caption>'
            f"<thead><tr>{heads}</tr></thead>{''.join(bodies)}</table>"
            + (f"<ul>{notes}</ul>" if notes else "")
            + "</div>"
        )

    def markdown(self) -> str:
        """Return a Markdown (GitHub) table; signs that Markdown reads are escaped."""
        mark = escapes.markdown
        lines = [f"**{mark(self.title)}**", ""] if self.title else []
        lines.append(f"| {' | '.join(map(mark, self.heads))} |")
        lines.append(f"|:--|{'--:|' * (len(self.heads) - 1)}")
        lines += [f"| {' | '.join(map(mark, row))} |" for row in self.rows if row]
        if self.notes or self.findings:
            lines.append("")
        lines += [f"- {mark(name)}: {mark(note)}" for name, note in self.notes]
        lines += [f"- {f.severity}: {mark(fmt.visible(str(f)))}" for f in self.findings]
        return "\n".join(lines)

    def latex(self) -> str:
        """Return a LaTeX table (package booktabs); signs that TeX reads are escaped."""
        tex = escapes.latex
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{tex(self.title)}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(self.heads) - 1)}}}",
            r"\toprule",
            " & ".join(map(tex, self.heads)) + r" \\",
            r"\midrule",
        ]
        lines += [" & ".join(map(tex, row)) + r" \\" if row else r"\midrule" for row in self.rows]
        lines += [r"\bottomrule", r"\end{tabular}"]
        notes = [*self.notes, *((str(f.severity), fmt.visible(str(f))) for f in self.findings)]
        if notes:
            said = [rf"\emph{{{tex(name)}}} {tex(note)}" for name, note in notes]
            lines += [r"\par\smallskip", r"\parbox{\linewidth}{\footnotesize"]
            lines += [r" \\".join(said) + "}"]
        return "\n".join([*lines, r"\end{table}"])

    def csv(self) -> str:
        """Return CSV; no cell begins with a sign that a spreadsheet would run as a formula."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for row in self.plain or (self.heads, *self.rows):
            if row:
                writer.writerow(map(escapes.spreadsheet, row))
        return out.getvalue()

    def _repr_html_(self) -> str:
        return self.html()

    def __str__(self) -> str:
        return printable(self)


def printable(grid: Grid) -> str:
    """Return the text of a table with signs that standard output can write."""
    return fmt.for_encoding(grid.text(), getattr(sys.stdout, "encoding", None))


def _aligned(head: str, cells: list[str], number: int) -> list[str]:
    """Return a column of one width, its head first; numbers line up at their points."""
    if number:
        parts = []
        for cell in cells:
            whole, point, rest = cell.partition(".")
            if not point and "e" in cell:
                whole, mark, power = cell.partition("e")
                rest = mark + power
            if not point and cell.startswith("(") and cell.endswith(")"):
                whole, rest = cell[:-1], ")"
            parts.append((whole, point + rest))
        tail = max((fmt.cell_width(rest) for _, rest in parts), default=0)
        cells = [
            whole + fmt.pad(rest, tail) if any(map(str.isdigit, cell)) else cell
            for cell, (whole, rest) in zip(cells, parts, strict=True)
        ]
    width = max(map(fmt.cell_width, [head, *cells]))
    return [fmt.pad(text, width, left=number > 0) for text in (head, *cells)]
