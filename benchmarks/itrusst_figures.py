"""Figures of the ITRUSST intercomparison, in the manner of the paper."""

from typing import TYPE_CHECKING

import matplotlib
import numpy as np

from fieldcast.simulators.acoustics.itrusst import COMPARISON_PLANE
from fieldcast.simulators.acoustics.itrusst_metrics import Protocol, read

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Fields = dict[str, np.ndarray]
"""Amplitudes [Pa] behind the exit plane by the name of their solver, the reference first."""


def draw_case_pair(cases: dict[str, Fields], protocols: dict[str, Protocol]) -> "Figure":
    """One row a case: the reference, the field nearest to it in rank, their difference, axial and lateral profiles."""
    figure, rows = plt.subplots(len(cases), 5, figsize=(15, 3.1 * len(cases)), layout="constrained", squeeze=False)
    for row, (name, fields) in zip(rows, cases.items(), strict=True):
        _draw_planes(figure, row[:3], name, fields)
        reference = next(iter(fields.values()))
        peak = read(reference, protocols[name], COMPARISON_PLANE.spacing).peak_index
        x, y = (1e3 * axis for axis in COMPARISON_PLANE.axes())
        for label, amplitude in fields.items():
            row[3].plot(x, 1e-3 * amplitude[:, peak[1]], label=label, linewidth=1)
            row[4].plot(y, 1e-3 * amplitude[peak[0]], label=label, linewidth=1)
        row[3].set(xlabel="x [mm]", ylabel="amplitude [kPa]", title=f"on the axis, y = {y[peak[1]]:.1f} mm")
        row[4].set(xlabel="y [mm]", ylabel="amplitude [kPa]", title=f"across, x = {x[peak[0]]:.1f} mm")
        row[4].legend(fontsize=7)
    return figure


def _draw_planes(figure: "Figure", panels: "list[Axes] | np.ndarray", case: str, fields: Fields) -> None:
    (name, reference), *others = fields.items()
    limit = 1e-3 * float(np.nanmax(reference))
    planes = [(f"{case}: {name} [kPa]", 1e-3 * reference, limit, "inferno")]
    if others:
        other_name, other = others[0]
        gap = 100 * np.abs(other - reference) / np.nanmax(reference)
        planes += [
            (f"{other_name} [kPa]", 1e-3 * other, limit, "inferno"),
            ("difference [% of the maximum]", gap, float(np.nanmax(gap)), "viridis"),
        ]
    (x0, y0), (length, width) = COMPARISON_PLANE.origin, COMPARISON_PLANE.extent
    extent = [1e3 * edge for edge in (x0, x0 + length, y0, y0 + width)]
    for panel, (title, values, largest, colours) in zip(panels, planes, strict=False):
        image = panel.imshow(values.T, origin="lower", extent=extent, cmap=colours, vmin=0, vmax=largest)
        figure.colorbar(image, ax=panel, shrink=0.6)
        panel.set_title(title, fontsize=9)
    for panel in panels[len(planes) :]:
        panel.set_axis_off()
