"""A small trajectory that several tests write, read and damage."""

from pathlib import Path

import numpy as np

from fieldcast.datasets.trajectory_file import TrajectoryHeader, new_trajectory

HEADER = TrajectoryHeader(
    name="made_up",
    times=np.array([0.5, 1.0, 1.5]),
    axes={"x": np.arange(4) / 4, "y": np.array([1.0, 0.5, -1.0])},
    boundary_types=("PERIODIC", "WALL"),
    components=("velocity_x", "smoke", "velocity_y"),
    parameters={"viscosity": 0.1},
    scales="half height",
    units={"time": "s", "velocity_x": "m/s", "viscosity": "m^2/s"},
    provenance={"index": 0, "recipe_hash": "0123"},
)


def fields_of(index: int) -> np.ndarray:
    return np.random.default_rng(index).normal(size=(len(HEADER.times), *HEADER.shape)).astype(np.float32)


def write_trajectory(path: Path, fields: np.ndarray | None = None, header: TrajectoryHeader = HEADER) -> Path:
    with new_trajectory(path, header) as writer:
        for snapshot in fields_of(0) if fields is None else fields:
            writer.append(snapshot)
    return path
