"""The pictures on the page of heads: `python docs/draw_heads.py` writes docs/datasets/{mappings,placements}.png."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.phantom import SkullPhantom
from fieldcast.simulators.acoustics.placement import Bowl
from fieldcast.simulators.acoustics.random_placement import AimedPlacement, RandomPlacement
from fieldcast.simulators.acoustics.scanned_head import ScannedHead, scan
from fieldcast.simulators.acoustics.tissue import MAPPINGS
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FOLDER = Path(__file__).parent / "datasets"
FREQUENCY = 500e3
BOWL = Bowl(radius_of_curvature=50e-3, aperture_diameter=45e-3, frequency=FREQUENCY, surface_pressure=100e3)


def draw_mappings() -> None:
    """Sound speed, density and attenuation of bone against the CT number, by mapping."""
    hounsfield = np.linspace(250.0, 2200.0, 400)
    head = Head(jnp.asarray(hounsfield, dtype=float), Grid((hounsfield.size,), 1e-3))
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    for number, mapping in enumerate(MAPPINGS):
        medium = mapping()(head, FREQUENCY)
        decibels = medium.nepers_per_metre(FREQUENCY) * (20.0 / np.log(10.0) / 100.0)
        for panel, values in zip(panels, (medium.sound_speed, medium.density, decibels), strict=True):
            panel.plot(hounsfield, values, color=f"C{number}", lw=3.2 - 0.5 * number, label=mapping.__name__)
    for panel, title in zip(
        panels, ("sound speed [m/s]", "density [kg/m³]", "attenuation at 500 kHz [dB/cm]"), strict=True
    ):
        panel.set(title=title, xlabel="CT number [HU]")
        panel.grid(alpha=0.3)
    panels[1].legend(fontsize=8, frameon=False)
    figure.savefig(FOLDER / "mappings.png", dpi=90)


def draw_placements() -> None:
    """Twelve bowls at random, and twelve aimed at one target, over the middle planes of a synthetic head."""
    head = scan(SkullPhantom().draw(0))
    target = (0.0, 25e-3, 38e-3)
    places = {
        "RandomPlacement": RandomPlacement(),
        "AimedPlacement": AimedPlacement(targets=(target,), standoff=(2e-3, 15e-3), tilt_max=0.35),
    }
    figure, panels = plt.subplots(2, 2, figsize=(9, 9), layout="constrained")
    for row, (name, placement) in zip(panels, places.items(), strict=True):
        bowls = [placement(head, np.random.default_rng(seed), BOWL).transducer(BOWL) for seed in range(12)]
        for panel, (first, second) in zip(row, ((0, 2), (1, 2)), strict=True):
            draw_plane(panel, head, bowls, first, second)
            panel.set_title(f"{name}, from the {'front' if first == 0 else 'side'}")
    figure.savefig(FOLDER / "placements.png", dpi=80)


def draw_plane(panel: plt.Axes, head: ScannedHead, bowls: list[FocusedBowl], first: int, second: int) -> None:
    """The projection of the bowls on the head's middle plane."""
    grid, across = head.head.grid, 3 - first - second
    plane = np.take(np.asarray(head.head.hounsfield), grid.shape[across] // 2, axis=across)
    x, y = (1e3 * grid.axes()[axis] for axis in (first, second))
    panel.pcolormesh(x, y, plane.T, cmap="gray", vmin=-1000, vmax=2000, shading="nearest")
    for number, bowl in enumerate(bowls):
        points = 1e3 * np.asarray(bowl.surface_points(400))
        focus = 1e3 * np.asarray(bowl.geometric_focus)
        apex = 1e3 * np.asarray(bowl.position)
        panel.plot(points[:, first], points[:, second], ".", ms=1.0, color=f"C{number % 10}")
        panel.plot(*np.stack([apex, focus])[:, [first, second]].T, lw=0.7, color=f"C{number % 10}")
        panel.plot(focus[first], focus[second], "o", ms=4, color=f"C{number % 10}")
    panel.set(xlabel=f"{'xyz'[first]} [mm]", ylabel=f"{'xyz'[second]} [mm]", aspect="equal")


if __name__ == "__main__":
    draw_mappings()
    draw_placements()
