"""Trajectories that a stepper has not seen, as evaluation needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from fieldcast.datasets.trajectory_file import Trajectory, read_trajectory
from fieldcast.datasets.windows import trajectory_paths
from fieldcast.simulators.flows.sampled_grid import SampledGrid
from fieldcast.simulators.stability import BoundedVariance, Watch, all_finite
from fieldcast.simulators.stepper import Stepper


@dataclass(frozen=True)
class FlowTests:
    """Trajectories of one flow on one grid.

    - `fields`: the snapshots of each, of which all have equally many.
    - `interval`: from one to the next, in the scales of the flow.
    - `grid`, `components`: where they live, and the names of their channels.
    """

    fields: tuple[Float[np.ndarray, "time channel *space"], ...]
    interval: float
    grid: SampledGrid
    components: tuple[str, ...]

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory]) -> "FlowTests":
        """The tests that these trajectories are, cut to the shortest.

        **Raises:** `ValueError` when they are of different flows, or hold less than two snapshots.
        """
        first, length = trajectories[0], min(len(trajectory.times) for trajectory in trajectories)
        for other in trajectories:
            if (other.components, other.shape) != (first.components, first.shape):
                raise ValueError(
                    f"All trajectories must have the components {first.components} in the shape {first.shape}, got "
                    f"{other.components} in the shape {other.shape}."
                )
        if length < 2:
            raise ValueError("A trajectory of one snapshot has no step to compare with.")
        interval = first.interval
        for other in trajectories:
            if not np.isclose(other.interval, interval, rtol=1e-3, atol=0.0):
                raise ValueError(
                    f"All trajectories must have the interval {interval:g} between snapshots, got {other.interval:g}."
                )
        grid = SampledGrid.of(first.axes, tuple(kind == "PERIODIC" for kind in first.boundary_types))
        return cls(tuple(t.fields[:length] for t in trajectories), interval, grid, first.components)

    def stride(self, step: Stepper) -> int:
        """How many intervals a stepper takes at once.

        **Raises:** `ValueError` when that is no whole number.
        """
        stride = round(step.dt / self.interval)
        if stride < 1 or abs(step.dt / self.interval - stride) > 1e-4 * stride:
            raise ValueError(
                f"The stepper's time step, {step.dt:g}, is no multiple of the interval of the snapshots, "
                f"{self.interval:g}."
            )
        return stride

    def earliest_start(self, step: Stepper) -> int:
        """The first snapshot from which a rollout can start, given how many before it the stepper sees."""
        return (getattr(step, "history", 1) - 1) * self.stride(step)

    def watch(self, trajectory: int) -> Watch:
        """What is healthy in a rollout beside this trajectory: no more than ten times its variance."""
        fields = self.fields[trajectory]
        varying = np.all(np.var(fields, axis=(0, *range(2, fields.ndim))) > 0)
        return BoundedVariance.around(fields) if varying else all_finite


def load_flow_tests(root: Path, split: str, most: int | None = None) -> FlowTests:
    """The trajectories of one split of a generated dataset, or only the first so many of them."""
    paths = trajectory_paths(root, split)[:most]
    return FlowTests.of([read_trajectory(path) for path in tqdm(paths, desc=f"read {split}", leave=False, delay=1.0)])
