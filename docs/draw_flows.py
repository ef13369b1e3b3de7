"""The picture on the page of flow datasets: `python docs/draw_flows.py runs/flows` writes docs/flows/datasets.png.

Shows the last snapshot of the first trajectory of every dataset that the page's small commands leave below the folder.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from fieldcast.datasets.trajectory_file import Trajectory, read_trajectory

PANELS = {
    "kolmogorov": ("vorticity", "RdBu_r"),
    "ins": ("smoke", "magma"),
    "cns": ("density", "viridis"),
    "tgv": ("velocity_x", "RdBu_r"),
    "channel180-minimal": ("velocity_x", "viridis"),
    "swe": ("height", "cividis"),
}


def main(root: Path) -> None:
    figure, panels = plt.subplots(2, 3, figsize=(10.5, 6.2), layout="constrained")
    for panel, (name, (component, colours)) in zip(panels.flat, PANELS.items(), strict=True):
        draw(panel, name, read_trajectory(root / name / "data" / "train" / "trajectory_00000.h5"), component, colours)
    figure.savefig(Path(__file__).parent / "flows" / "datasets.png", dpi=90)


def draw(panel: plt.Axes, name: str, trajectory: Trajectory, component: str, colours: str) -> None:
    """One plane: in space, that across x at a quarter of its length; longitude and latitude as on a map."""
    values = trajectory.fields[-1, trajectory.components.index(component)]
    if values.ndim == 3:
        values = values[values.shape[0] // 4]
    (first, x), (second, y) = list(trajectory.axes.items())[-2:]
    if second != "y":  # upwards is along y, or north
        (first, x), (second, y), values = (second, y), (first, x), values.T
    limit = np.abs(values).max() if colours == "RdBu_r" else None
    low = -limit if limit else None
    image = panel.pcolormesh(x, y, values.T, cmap=colours, vmin=low, vmax=limit, shading="nearest")
    time = trajectory.times[-1]
    time = f"{time / 86400:g} d" if trajectory.unit("time") == "s" else f"{time:g}"
    labels = [axis if trajectory.unit(axis) == "1" else f"{axis} [{trajectory.unit(axis)}]" for axis in (first, second)]
    panel.set(xlabel=labels[0], ylabel=labels[1], title=f"{name}: {component}, t = {time}", aspect="equal")
    panel.figure.colorbar(image, ax=panel, shrink=0.75)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
