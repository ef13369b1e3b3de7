"""Pictures of pressure fields over the CT."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AXIS_NAMES = ("x", "y", "z")


def plot_field(
    field: PressureField, head: Head | None = None, transducer: FocusedBowl | None = None, title: str = ""
) -> "Figure":
    """Three orthogonal slices through the focus: pressure in colour over the CT in grey.

    The cross marks the focus, the line the transducer's axis up to its geometric focus, the contour half the peak.
    """
    plt = _pyplot()
    figure, panels = plt.subplots(1, 3, figsize=(13, 4.3), layout="constrained")
    for panel, normal in zip(panels, (2, 1, 0), strict=True):
        image = draw_slice(panel, field, head, transducer, normal, field.focus.index)
    _colour_bar(figure, image, panels)
    figure.suptitle(title)
    return figure


def compare_fields(
    fields: dict[str, PressureField], head: Head, transducer: FocusedBowl, title: str = "", normal: int | None = None
) -> "Figure":
    """The same slice, through the first field's focus, of several fields on one colour scale.

    `normal` is the axis at right angles to the slice; by default the one most across the beam.
    """
    plt = _pyplot()
    first = next(iter(fields.values()))
    if normal is None:
        normal = int(np.argmin(np.abs(np.asarray(transducer.axis))))
    limit = float(np.max(np.asarray(first.amplitude)))
    figure, panels = plt.subplots(1, len(fields), figsize=(4.4 * len(fields), 4.4), layout="constrained", squeeze=False)
    for panel, (name, field) in zip(panels[0], fields.items(), strict=True):
        image = draw_slice(panel, field, head, transducer, normal, first.focus.index, limit)
        panel.set_title(name)
    _colour_bar(figure, image, panels[0])
    figure.suptitle(title)
    return figure


def draw_slice(
    panel: "Axes",
    field: PressureField,
    head: Head | None,
    transducer: FocusedBowl | None,
    normal: int,
    index: tuple[int, ...],
    limit: float | None = None,
):
    """Draw the slice at `index` across axis `normal`; returns the image, whose label names the unit of its colours."""
    grid = field.grid
    across, up = (axis for axis in range(3) if axis != normal)
    extent = _extent(grid, across, up)
    limit = float(np.max(np.asarray(field.amplitude))) if limit is None else limit
    scale, unit = (1e-6, "MPa") if limit >= 1e6 else (1e-3, "kPa")
    amplitude = scale * np.asarray(field.amplitude).take(index[normal], axis=normal)
    if head is not None:
        ct = np.asarray(head.hounsfield).take(index[normal], axis=normal)
        panel.imshow(ct.T, origin="lower", extent=extent, cmap="gray", vmin=-1000, vmax=2000)
    # Weak pressure is transparent, so that the bone shows through.
    opacity = np.clip(amplitude / (0.25 * scale * limit), 0.15, 0.85)
    image = panel.imshow(
        amplitude.T, origin="lower", extent=extent, cmap="inferno", vmin=0, vmax=scale * limit, alpha=opacity.T
    )
    image.set_label(f"pressure amplitude [{unit}]")
    axes = [1e3 * points for points in grid.axes()]
    half = 0.5 * scale * field.focus.pressure
    panel.contour(axes[across], axes[up], amplitude.T, levels=[half], colors="cyan", linewidths=0.8)
    focus = [1e3 * x for x in field.focus.position]
    panel.plot(focus[across], focus[up], "+", color="white", markersize=9)
    if transducer is not None:
        apex, centre = 1e3 * np.asarray(transducer.position), 1e3 * np.asarray(transducer.geometric_focus)
        panel.plot([apex[across], centre[across]], [apex[up], centre[up]], ":", color="lime", linewidth=1)
    _scale_bar(panel, extent)
    panel.set(xlabel=f"{_AXIS_NAMES[across]} [mm]", ylabel=f"{_AXIS_NAMES[up]} [mm]")
    panel.set_xlim(extent[:2])
    panel.set_ylim(extent[2:])
    return image


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG and forget it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    _pyplot().close(figure)
    return path


def _pyplot():
    """Matplotlib on a backend that needs no display, imported only when a picture is asked for."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _extent(grid: Grid, across: int, up: int) -> tuple[float, float, float, float]:
    """Edges of the slice [mm]."""
    half = 0.5 * grid.spacing
    edges = []
    for axis in (across, up):
        edges += [1e3 * (grid.origin[axis] - half), 1e3 * (grid.origin[axis] + grid.extent[axis] + half)]
    return tuple(edges)


def _scale_bar(panel: "Axes", extent: tuple[float, float, float, float]) -> None:
    """A white bar of 10 mm in the lower left corner."""
    left, bottom = extent[0] + 3, extent[2] + 3
    panel.plot([left, left + 10], [bottom, bottom], color="white", linewidth=3)
    panel.text(left + 5, bottom + 1, "10 mm", color="white", ha="center", va="bottom", fontsize=8)


def _colour_bar(figure: "Figure", image, panels) -> None:
    bar = figure.colorbar(image, ax=panels, shrink=0.85)
    bar.set_label(image.get_label())
    bar.solids.set_alpha(1.0)
