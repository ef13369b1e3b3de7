"""Pictures of what data files hold."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fieldcast.datasets.file_validation import validate_file
from fieldcast.datasets.scene_file import read_scene
from fieldcast.datasets.trajectory_file import Trajectory, read_trajectory
from fieldcast.simulators.acoustics.figures import plot_field, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_SNAPSHOTS = 4


def draw_sample(path: Path, folder: Path) -> Path:
    """Draw a data file into a PNG of the same name in `folder`: slices of a scene, snapshots of a trajectory."""
    picture = Path(folder) / f"{path.parent.name}_{path.stem}.png"
    if validate_file(path).kind == "scene":
        record = read_scene(path)
        title = f"{path.name}: {record.scene.transducer.frequency / 1e3:g} kHz"
        return save_figure(plot_field(record.field, record.scene.head, record.scene.transducer, title), picture)
    figure = draw_trajectory(read_trajectory(path))
    figure.suptitle(path.name)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)
    return picture


def draw_trajectory(trajectory: Trajectory) -> "Figure":
    """Every component, a row each, at up to four times from the first to the last; of a body its middle plane.

    The planes lie across the last axis. A row has one scale of colours, symmetric about zero if its values have both
    signs.
    """
    from matplotlib.figure import Figure

    number = min(MAX_SNAPSHOTS, len(trajectory.times))
    snapshots = np.linspace(0, len(trajectory.times) - 1, number).round().astype(int)
    rows = len(trajectory.components)
    figure = Figure(figsize=(3.2 * number + 0.8, 2.6 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, number, squeeze=False, sharex=True, sharey="row")
    for channel, (component, row) in enumerate(zip(trajectory.components, panels, strict=True)):
        values = trajectory.fields[:, channel]
        low, high = float(values[snapshots].min()), float(values[snapshots].max())
        if min(-low, high) > 0.05 * max(-low, high):
            low, high = -max(-low, high), max(-low, high)
        for panel, snapshot in zip(row, snapshots, strict=True):
            image = _draw(panel, trajectory, values[snapshot], (low, high))
            panel.set_title(f"{component}, t = {trajectory.times[snapshot]:.4g}", fontsize="medium")
            panel.label_outer()
        if image is not None:
            unit = trajectory.unit(component)
            figure.colorbar(image, ax=row, label="" if unit == "1" else f"[{unit}]", shrink=0.9)
    return figure


def _draw(panel: "Axes", trajectory: Trajectory, values: np.ndarray, limits: tuple[float, float]):
    """Draw a snapshot of one component; the image, if it is one."""
    axes = list(trajectory.axes.items())
    if values.ndim == 1:
        panel.plot(axes[0][1], values)
        panel.set(xlabel=axes[0][0], ylim=limits)
        return None
    if values.ndim == 3:
        values = values[..., values.shape[-1] // 2]
    (right, x), (up, y) = axes[:2]
    if right == "latitude":  # as on a map
        (right, x), (up, y), values = (up, y), (right, x), values.T
    colours = "RdBu_r" if limits[0] == -limits[1] else "viridis"
    panel.set(xlabel=right, ylabel=up, aspect="equal")
    return panel.pcolormesh(x, y, values.T, cmap=colours, vmin=limits[0], vmax=limits[1], shading="nearest")
