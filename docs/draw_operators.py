"""The drawings on the operators' pages: `python docs/draw_operators.py` writes docs/operators/*.svg.

What they show stands in docs/operator_drawings.toml: tables of nodes, and ways from node to node. In a table, `.` is
nothing, `^name` the bend of a way, `*name` a fork, `+name` a sum, and any other name a box, whose text stands under its
colour. An empty line begins a new table, below the one before. A way that begins with `~` is one of tokens. A frame has
a title, and lies around the nodes that it names.
"""

import itertools
import tomllib
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.textpath import TextPath

FOLDER = Path(__file__).parent

COLOURS = {
    "data": "none",
    "point": "#4f648f",  # acts at each point alone
    "local": "#2b7a57",  # sees neighbouring points
    "global": "#84499c",  # sees the whole domain
    "grid": "#a3601c",  # changes the grid
    "token": "#a33c58",
}

LINE = "#7b8493"
"""Legible on white and on black."""

FONT_SIZE = 10.0  # [pt]
MARGIN, COLUMN_GAP, ROW_GAP, TABLE_GAP = 0.08, 0.26, 0.17, 0.45  # [inch]


def main() -> None:
    """Write all drawings; the same files whenever and wherever, but for the version of matplotlib."""
    drawings = tomllib.loads((FOLDER / "operator_drawings.toml").read_text(encoding="utf-8"))
    with matplotlib.rc_context({"svg.hashsalt": "fieldcast", "svg.fonttype": "path"}):
        for name, drawing in drawings.items():
            file = FOLDER / "operators" / f"{name}.svg"
            Drawing(drawing).figure().savefig(file, transparent=True, metadata={"Date": None, "Creator": None})


class Drawing:
    """A drawing from the file, with the places of its nodes [inch], y downwards."""

    def __init__(self, drawing: dict):
        self.boxes = {name: (kind, text) for kind in COLOURS for name, text in drawing.get(kind, {}).items()}
        self.ways = drawing.get("ways", [])
        self.frames = drawing.get("frames", {})
        self.sizes = {name: _box_size(text) for name, (_, text) in self.boxes.items()}
        self.places: dict[str, tuple[float, float]] = {}
        self.bottom = -TABLE_GAP
        for table in drawing["tables"].strip().split("\n\n"):
            self._place([line.split() for line in table.splitlines()])

    def figure(self) -> Figure:
        """A figure as large as the drawing."""
        edges = [x + sign * self._size(name)[0] / 2 for name, (x, _) in self.places.items() for sign in (-1, 1)]
        left, right, top, bottom = min(edges) - 0.15, max(edges) + 0.15, -0.3, self.bottom + 0.12
        figure = Figure(figsize=(right - left, bottom - top))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(bottom, top))
        axes.set_axis_off()
        for title, names in self.frames.items():
            self._frame(axes, title, names.split())
        for way in self.ways:
            for start, end in itertools.pairwise(way.lstrip("~").split()):
                self._line(axes, start, end, COLOURS["token"] if way.startswith("~") else LINE)
        for name in self.places:
            self._node(axes, name)
        return figure

    def _place(self, rows: list[list[str]]) -> None:
        """One table below the last."""
        widths = [max(self._size(name)[0] for name in column) for column in zip(*rows, strict=True)]
        top = self.bottom + TABLE_GAP
        for row in rows:
            height, left = max(self._size(name)[1] for name in row), 0.0
            for name, width in zip(row, widths, strict=True):
                if name != ".":
                    self.places[name] = (left + width / 2, top + height / 2)
                left += width + COLUMN_GAP
            self.bottom = top + height
            top += height + ROW_GAP

    def _size(self, name: str) -> tuple[float, float]:
        """Width and height of a node [inch]."""
        if name[0] in ".^*":
            return 0.0, 0.04
        if name[0] == "+":
            return 0.2, 0.2
        return self.sizes[name]

    def _node(self, axes, name: str) -> None:
        x, y = self.places[name]
        if name[0] == "*":
            axes.add_patch(Circle((x, y), 0.03, color=LINE))
        elif name[0] == "+":
            axes.add_patch(Circle((x, y), 0.1, facecolor="none", edgecolor=LINE, linewidth=1.2))
            axes.plot([x - 0.06, x + 0.06], [y, y], color=LINE, linewidth=1.2)
            axes.plot([x, x], [y - 0.06, y + 0.06], color=LINE, linewidth=1.2)
        elif name[0] != "^":
            kind, text = self.boxes[name]
            self._rectangle(axes, [name], 0.0, facecolor=COLOURS[kind], edgecolor="none")
            axes.text(x, y, text, color=LINE if kind == "data" else "white", size=FONT_SIZE, ha="center", va="center")

    def _frame(self, axes, title: str, names: list[str]) -> None:
        style = {"facecolor": "none", "edgecolor": LINE, "linestyle": (0, (4, 3)), "linewidth": 0.9}
        left, top = self._rectangle(axes, names, 0.1, **style)
        axes.text(left, top - 0.05, title, color=LINE, size=FONT_SIZE - 1.0, ha="left", va="bottom")

    def _rectangle(self, axes, names: list[str], margin: float, **style) -> tuple[float, float]:
        """Around nodes; returns its left and its top."""
        spans = []
        for axis in (0, 1):
            halves = [(self.places[name][axis], self._size(name)[axis] / 2 + margin) for name in names]
            spans.append((min(middle - half for middle, half in halves), max(middle + half for middle, half in halves)))
        (left, right), (top, bottom) = spans
        shape = "round,pad=0,rounding_size=0.06"
        axes.add_patch(FancyBboxPatch((left, top), right - left, bottom - top, boxstyle=shape, **style))
        return left, top

    def _line(self, axes, start: str, end: str, colour: str) -> None:
        """From edge to edge along a row or a column, with a head where it enters something."""
        ends = [list(self.places[name]) for name in (start, end)]
        across = [axis for axis in (0, 1) if abs(ends[0][axis] - ends[1][axis]) > 1e-9]
        if len(across) != 1:
            raise ValueError(f"A way goes along rows and columns; {start} and {end} must share one of them.")
        axis = across[0]
        sign = 1 if ends[1][axis] > ends[0][axis] else -1
        for point, name, direction in zip(ends, (start, end), (sign, -sign), strict=True):
            if name[0] not in "^*":
                point[axis] += direction * self._size(name)[axis] / 2
        head = "-" if end[0] in "^*" else "-|>,head_length=0.35,head_width=0.16"
        arrow = {"arrowstyle": head, "color": colour, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", ends[1], ends[0], arrowprops=arrow)


def _box_size(text: str) -> tuple[float, float]:
    lines = text.split("\n")
    width = max(TextPath((0, 0), line, prop=FontProperties(size=FONT_SIZE)).get_extents().x1 for line in lines)
    return width / 72.0 + 2 * MARGIN, 0.18 * len(lines) + MARGIN


if __name__ == "__main__":
    main()
