"""Figures of the ITRUSST intercomparison, in the manner of the paper."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from PIL import Image

from fieldcast.simulators.acoustics.itrusst import COMPARISON_PLANE
from fieldcast.simulators.acoustics.itrusst_metrics import Protocol, read

matplotlib.use("Agg")
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Fields = dict[str, np.ndarray]
"""Amplitudes [Pa] behind the exit plane by the name of their solver, the reference first."""


def draw_benchmark(cases: dict[str, Fields], protocols: dict[str, Protocol]) -> "Figure":
    """Two rows a case: the reference, another field and their difference; profiles through the peak."""
    figure, panels = plt.subplots(2 * len(cases), 3, figsize=(13, 4.8 * len(cases)), layout="constrained")
    for i, (name, fields) in enumerate(cases.items()):
        _draw_planes(figure, panels[2 * i], name, fields)
        _draw_profiles(panels[2 * i + 1], fields, protocols[name])
    return figure


def save_small(figure: "Figure", path: Path) -> Path:
    """Write a PNG of few colours."""
    buffer = BytesIO()
    figure.savefig(buffer, dpi=80)
    plt.close(figure)
    Image.open(buffer).convert("RGB").quantize(256, Image.Quantize.FASTOCTREE).save(path, optimize=True)
    return path


def _draw_planes(figure: "Figure", panels: "np.ndarray", case: str, fields: Fields) -> None:
    """The reference and the second field, by default the most trusted of the others."""
    (name, reference), *others = fields.items()
    limit = 1e-3 * float(np.nanmax(reference))
    planes = [(f"{case}: {name} [kPa]", 1e-3 * reference, limit, "inferno")]
    for other_name, other in others[:1]:
        gap = 100 * np.abs(other - reference) / np.nanmax(reference)
        planes += [
            (f"{other_name} [kPa]", 1e-3 * other, limit, "inferno"),
            ("difference [% of the maximum]", gap, float(np.nanmax(gap)), "viridis"),
        ]
    (x0, y0), (length, width) = COMPARISON_PLANE.origin, COMPARISON_PLANE.extent
    extent = [1e3 * edge for edge in (x0, x0 + length, y0, y0 + width)]
    for panel, (title, values, largest, colours) in zip(panels, planes, strict=False):
        image = panel.imshow(values.T, origin="lower", extent=extent, cmap=colours, vmin=0, vmax=largest)
        figure.colorbar(image, ax=panel, shrink=0.8)
        panel.set(title=title, xlabel="x [mm]", ylabel="y [mm]")
    for panel in panels[len(planes) :]:
        panel.set_axis_off()


def _draw_profiles(panels: "np.ndarray", fields: Fields, protocol: Protocol) -> None:
    """Along and across the axis through the reference's peak, and the differences along it."""
    (reference_name, reference), *others = fields.items()
    along, across, gap = panels
    at_x, at_y = read(reference, protocol, COMPARISON_PLANE.spacing).peak_index
    x, y = (1e3 * axis for axis in COMPARISON_PLANE.axes())
    for label, amplitude in fields.items():
        along.plot(x, 1e-3 * amplitude[:, at_y], label=label, linewidth=1)
        across.plot(y, 1e-3 * amplitude[at_x], label=label, linewidth=1)
    for colour, (label, amplitude) in enumerate(others, start=1):
        difference = 100 * (amplitude - reference)[:, at_y] / np.nanmax(reference)
        gap.plot(x, difference, f"C{colour}", label=f"{label} - {reference_name}", linewidth=1)
    along.set(xlabel="x [mm]", ylabel="amplitude [kPa]", title=f"along y = {y[at_y]:.1f} mm")
    across.set(xlabel="y [mm]", title=f"across x = {x[at_x]:.1f} mm")
    gap.set(xlabel="x [mm]", ylabel="[% of the maximum]", title=f"difference along y = {y[at_y]:.1f} mm")
    across.legend(fontsize=8)
    if others:
        gap.legend(fontsize=8)
    else:
        gap.remove()
