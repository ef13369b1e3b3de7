"""Trajectories whose next snapshot is known: waves that move by one point along x from snapshot to snapshot."""

from pathlib import Path

import numpy as np

from fieldcast.datasets.trajectory_file import TrajectoryHeader, new_trajectory

COMPONENTS = ("density", "velocity_x")


def snapshots(seed: int, num_points: int = 8, number: int = 6, base: int = 8) -> np.ndarray:
    """Waves of one and two periods, on any grid the same; they move by a `base`-th of the box."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(*2 * (2.0 * np.pi * np.arange(num_points) / num_points,), indexing="ij")
    waves = [(i, j, *rng.normal(size=2), *rng.uniform(0.0, 6.0, 2)) for i in (1, 2) for j in (0, 1)]

    def fields(shift: float) -> np.ndarray:
        density = sum(a * np.cos(i * (x - shift) + j * y + phase) for i, j, a, _, phase, _ in waves)
        velocity = sum(b * np.cos(i * (x - shift) + j * y + phase) for i, j, _, b, _, phase in waves)
        return np.stack([3.0 + density, 0.1 * velocity])

    return np.stack([fields(2.0 * np.pi * n / base) for n in range(number)]).astype(np.float32)


def write_waves(root: Path, num_points: int = 8, number: int = 6, interval: float = 0.5) -> Path:
    """A dataset of four trajectories to learn from, one to validate with and one to test with."""
    points = np.arange(num_points) / num_points
    header = TrajectoryHeader(
        name="waves",
        times=3.0 + interval * np.arange(number),
        axes={"x": points, "y": points},
        boundary_types=("PERIODIC", "PERIODIC"),
        components=COMPONENTS,
        parameters={"speed": 0.25},
    )
    for seed, split in enumerate(["train"] * 4 + ["valid", "test"]):
        with new_trajectory(root / "data" / split / f"trajectory_{seed:05d}.h5", header) as writer:
            for fields in snapshots(seed, num_points, number):
                writer.append(fields)
    return root
