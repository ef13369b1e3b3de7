"""Windows of trajectories: the samples that autoregressive models learn from."""

import copy
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from fieldcast.datasets.trajectory_file import TrajectoryHeader, trajectory_header
from fieldcast.datasets.trajectory_frames import FramesInFiles, FramesInMemory


class TrajectoryWindows:
    """All runs of `length` snapshots in a set of trajectories, in the order of the files and then of time.

    A window never crosses from one trajectory to the next. Files are checked here, and read when a window is asked for.

    **Arguments:**

    - `paths`: trajectory files.
    - `length`: snapshots a window.
    - `stride`: from one snapshot of a window to its next: 2 leaves out every other one, for steps twice as long.

    **Attributes:** `components` in the order of the channels; `axes`, the names and points of the axes of space;
    `interval`, the time between two snapshots of a window (NaN where files hold only one); `num_frames`, the snapshots
    of each file.

    **Raises:** `ValueError` when there are no files, when two files differ in their components, grid or interval, or
    when one is too short for a window; `DamagedFileError` when a file is not a finished trajectory.
    """

    def __init__(self, paths: Sequence[Path], length: int, stride: int = 1):
        if not paths or length < 1 or stride < 1:
            raise ValueError(
                f"Windows take files, a positive length and a positive stride, got {len(paths)} files, length {length} "
                f"and stride {stride}."
            )
        self.paths = tuple(Path(path) for path in paths)
        headers = [trajectory_header(path) for path in tqdm(self.paths, desc="check files", leave=False, delay=1.0)]
        for path, header in zip(self.paths, headers, strict=True):
            _require_alike(self.paths[0], headers[0], path, header)
        self.length, self.stride = length, stride
        self.components, self.axes = headers[0].components, headers[0].axes
        self.interval = stride * _interval(self.paths[0], headers[0])
        self.num_frames = tuple(len(header.times) for header in headers)
        self._span = (length - 1) * stride + 1
        for path, number in zip(self.paths, self.num_frames, strict=True):
            if number < self._span:
                raise ValueError(f"{path} has {number} snapshots; a window covers {self._span} (with its stride).")
        self._ends = list(accumulate(number - self._span + 1 for number in self.num_frames))
        self._frames: FramesInFiles | FramesInMemory = FramesInFiles(self.paths, headers[0])

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> Float[np.ndarray, "time channel *space"]:
        """Read window `index`, in single precision; several threads may do so at once.

        **Raises:** `DamagedFileError` when its snapshots cannot be read, or are not finite.
        """
        index = range(len(self))[index]
        trajectory = bisect_right(self._ends, index)
        start = index - (self._ends[trajectory - 1] if trajectory else 0)
        return self._frames.read(trajectory, slice(start, start + self._span, self.stride))

    def in_memory(self) -> "TrajectoryWindows":
        """The same windows of the same values, with all snapshots read now and kept; they cannot be written to."""
        trajectories = enumerate(tqdm(self.num_frames, desc="read trajectories", leave=False, delay=1.0))
        held = copy.copy(self)
        held._frames = FramesInMemory([self._frames.read(k, slice(0, number, 1)) for k, number in trajectories])
        return held


def trajectory_paths(root: Path, split: str) -> tuple[Path, ...]:
    """The trajectory files of one split (`train`, `valid` or `test`) of a generated dataset, in the order of indices.

    **Raises:** `ValueError` when there are none.
    """
    paths = sorted((Path(root) / "data" / split).glob("trajectory_*.h5"))
    if not paths:
        raise ValueError(
            f"{root} holds no trajectories of the split {split!r}; generate them first (`fieldcast generate`)."
        )
    return tuple(paths)


def _require_alike(first_path: Path, first: TrajectoryHeader, path: Path, header: TrajectoryHeader) -> None:
    """Refuse two files whose windows do not go into one batch."""
    difference = None
    if header.components != first.components:
        difference = f"components {first.components} and {header.components}"
    elif list(header.axes) != list(first.axes) or header.shape != first.shape:
        difference = f"grids {_grid(first)} and {_grid(header)}"
    elif not all(np.array_equal(points, header.axes[name]) for name, points in first.axes.items()):
        difference = "grids of the same shape whose points lie elsewhere"
    else:
        intervals = _interval(first_path, first), _interval(path, header)
        if not np.isclose(*intervals, rtol=1e-3, atol=0.0, equal_nan=True):
            difference = f"snapshots {intervals[0]:g} and {intervals[1]:g} apart"
    if difference is not None:
        raise ValueError(f"{first_path} and {path} have {difference}: they do not belong into one set of windows.")


def _grid(header: TrajectoryHeader) -> dict[str, int]:
    return {name: len(points) for name, points in header.axes.items()}


def _interval(path: Path, header: TrajectoryHeader) -> float:
    """The time between two snapshots, which must be the same throughout."""
    times, interval = header.times.astype(np.float64), header.interval
    even = np.linspace(times[0], times[-1], len(times))
    if len(times) > 1 and not (interval > 0 and np.allclose(times, even, rtol=1e-6, atol=1e-3 * interval)):
        raise ValueError(f"{path} has snapshots at uneven times: a step from one to the next would have no length.")
    return interval
