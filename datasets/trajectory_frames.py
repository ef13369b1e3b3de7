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

from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.trajectory_file import TrajectoryHeader, field_channels

# A process may usually hold 1024 files open.
MAX_OPEN_FILES = 256
# HDF5 keeps the chunks that were read last, up to so many bytes for each open field; and for all fields together.
MAX_CACHE_A_FIELD = 2**23
MAX_CACHE = 2**30


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

    **Arguments:** `paths`, and the `header` that all files have but for their times.
    """

    def __init__(self, paths: Sequence[Path], header: TrajectoryHeader):
        self.paths, self._header = tuple(paths), header
        self._fields = field_channels(header)
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
        if not np.all(np.isfinite(fields)):
            raise DamagedFileError(f"{path}: snapshots {frames.start} to {frames.stop - 1} have non-finite values.")
        return fields

    def _opened(self, path: Path) -> "_OpenFile":
        if self._process != os.getpid():
            self._forget()
        with self._lock:
            if path not in self._open:
                self._open[path] = _OpenFile(path, self._header, self._fields, self._cache_a_field)
            self._open.move_to_end(path)
            if len(self._open) > MAX_OPEN_FILES:
                # It is closed when the last thread that reads from it lets go of it.
                self._open.popitem(last=False)
            return self._open[path]

    @property
    def _cache_a_field(self) -> int:
        num_fields = min(len(self.paths), MAX_OPEN_FILES) * len(self._fields)
        return min(MAX_CACHE_A_FIELD, MAX_CACHE // num_fields)

    def _forget(self) -> None:
        self._open: OrderedDict[Path, _OpenFile] = OrderedDict()
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {"paths": self.paths, "header": self._header}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)


class _OpenFile:
    """A trajectory file, whose fields stay open with it: HDF5 keeps the chunks that were read last with each field."""

    def __init__(self, path: Path, header: TrajectoryHeader, fields: dict[str, list[int]], cache_a_field: int):
        self._shape = header.shape
        self._file = h5py.File(path, "r", locking="best-effort", rdcc_nbytes=cache_a_field)
        self._fields = [(self._file[location], channels) for location, channels in fields.items()]

    def read(self, frames: slice) -> Float[np.ndarray, "time channel *space"]:
        fields = np.empty((len(range(frames.start, frames.stop, frames.step)), *self._shape), np.float32)
        for dataset, channels in self._fields:
            values = dataset[0, frames]
            values = values[..., None] if len(channels) == 1 else values
            for component, channel in enumerate(channels):
                fields[:, channel] = values[..., component]
        return fields
