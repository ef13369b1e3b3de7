"""Snapshots of many trajectories by random access, from files or from memory."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float

from fieldcast.datasets.hdf5_layout import DamagedFileError, finished_file
from fieldcast.datasets.trajectory_file import TrajectoryHeader, _location, _read_header, _tensors

# A process may usually hold 1024 files open.
MAX_OPEN_FILES = 256


class FramesInMemory:
    """All snapshots of the trajectories; what is read are views, which cannot be written to."""

    def __init__(self, fields: Sequence[Float[np.ndarray, "time channel *space"]]):
        self._fields = tuple(fields)
        for array in self._fields:
            array.flags.writeable = False

    def read(self, trajectory: int, frames: slice) -> Float[np.ndarray, "time channel *space"]:
        return self._fields[trajectory][frames]


class FramesInFiles:
    """Snapshots in trajectory files, each of which is opened when it is first needed.

    Several threads may read at once. Open files belong to their process: a pickled or forked copy opens its own.
    """

    def __init__(self, paths: Sequence[Path]):
        self.paths = tuple(paths)
        self._forget()

    def read(self, trajectory: int, frames: slice) -> Float[np.ndarray, "time channel *space"]:
        """Read the chunks of these snapshots and no others.

        **Raises:** `DamagedFileError` when they cannot be read, or are not finite.
        """
        path = self.paths[trajectory]
        try:
            fields = self._opened(path).read(frames)
        except (OSError, KeyError, RuntimeError) as error:
            raise DamagedFileError(
                f"{path}: snapshots {frames.start} to {frames.stop - 1} cannot be read ({error}); the file is gone, "
                "truncated or corrupted. Generate it again."
            ) from error
        # The sum is finite only if all values are; the slower look is for the rare sum that overflows.
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(fields.sum()) or np.isfinite(fields).all()
        if not finite:
            raise DamagedFileError(f"{path}: snapshots {frames.start} to {frames.stop - 1} have non-finite values.")
        return fields

    def _opened(self, path: Path) -> "_OpenTrajectory":
        if self._process != os.getpid():
            self._forget()
        with self._lock:
            if path not in self._open:
                self._open[path] = _OpenTrajectory(path)
            self._open.move_to_end(path)
            if len(self._open) > MAX_OPEN_FILES:
                # It is closed when the last thread that reads from it lets go of it.
                self._open.popitem(last=False)
            return self._open[path]

    def _forget(self) -> None:
        self._open: OrderedDict[Path, _OpenTrajectory] = OrderedDict()
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {"paths": self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["paths"])


class _OpenTrajectory:
    """The open file of a trajectory whose header was checked before."""

    def __init__(self, path: Path):
        # A chunk is read as a whole and seldom twice: HDF5 need not keep it.
        file = h5py.File(path, "r", locking="best-effort", rdcc_nbytes=0)
        self._header = _read_header(file)
        self._datasets = [(file[_location(name, ch)], ch) for name, ch in _tensors(self._header).items()]

    def read(self, frames: slice) -> Float[np.ndarray, "time channel *space"]:
        times = range(frames.start, frames.stop, frames.step)
        fields = np.empty((len(times), *self._header.shape), np.float32)
        for dataset, channels in self._datasets:
            values = dataset[0, frames]
            values = values[..., None] if len(channels) == 1 else values
            for component, channel in enumerate(channels):
                fields[:, channel] = values[..., component]
        return fields


def trajectory_header(path: Path) -> TrajectoryHeader:
    """All that a trajectory file holds but the fields, after a check of the whole file but these.

    **Raises:** `DamagedFileError` when the file is truncated, corrupted, incomplete, or not a trajectory file.
    """
    with finished_file(path, "trajectory") as file:
        return _read_header(file)
