"""The data of the turbulent channel: generated where they are missing, and without the runs that became laminar."""

import os

import jax
import numpy as np
from channel_contenders import Size

from fieldcast.datasets.engine import InProcess, LocalProcesses
from fieldcast.datasets.trajectories import generate_trajectories, trajectory_path
from fieldcast.datasets.trajectory_file import read_trajectory

LEAST_FLUCTUATION = 0.01
"""Of the wall-normal velocity, in bulk velocities, over the second half of a run; turbulence has three times as much.

In a minimal box turbulence is intermittent and may die out for good. Such a run is a decaying laminar flow, which is
none of the flow that is to be learned.
"""


def generate(size: Size) -> list[int]:
    """Simulate what the folder of data lacks, link the turbulent runs into `size.root`, and name the others.

    **Raises:** `ValueError` when a split has no turbulent run.
    """
    executor = InProcess() if size.workers == 1 else LocalProcesses(size.workers)
    with jax.enable_x64(True):
        generate_trajectories(size.recipe, size.data, executor)
    laminar, splits = [], set()
    for index in range(size.recipe.num_trajectories):
        path = trajectory_path(size.data, size.recipe, index)
        v = read_trajectory(path).fields[size.recipe.num_snapshots // 2 :, 1]
        if np.sqrt(np.mean(v**2)) < LEAST_FLUCTUATION * size.recipe.bulk_velocity:
            laminar.append(index)
            continue
        splits.add(size.recipe.splits(index))
        link = trajectory_path(size.root, size.recipe, index)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            os.link(path, link)
    if missing := {"train", "valid", "test"} - splits:
        raise ValueError(f"No run stayed turbulent in {sorted(missing)}; choose another seed of the recipe.")
    return laminar
