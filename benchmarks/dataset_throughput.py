"""Writing and reading of trajectory files beside plain h5py, taking turns."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import h5py
import jax
import numpy as np

from fieldcast.datasets.batches import shuffled_batches
from fieldcast.datasets.hdf5_layout import COMPRESSION
from fieldcast.datasets.trajectory_file import TrajectoryHeader, new_trajectory
from fieldcast.datasets.windows import TrajectoryWindows

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Case:
    """A made-up dataset: random waves in a periodic box, of a velocity and, in the plane, of smoke.

    - `length`, `batch_size`, `num_batches`: of the windows and batches that are read.
    """

    shape: tuple[int, ...]
    num_files: int
    num_snapshots: int
    length: int
    batch_size: int
    num_batches: int

    @property
    def header(self) -> TrajectoryHeader:
        names = "xyz"[: len(self.shape)]
        smoke = ("smoke",) if len(self.shape) == 2 else ()
        return TrajectoryHeader(
            name="random_waves",
            times=0.1 * np.arange(self.num_snapshots),
            axes={name: np.arange(size) / size for name, size in zip(names, self.shape, strict=True)},
            boundary_types=("PERIODIC",) * len(names),
            components=(*(f"velocity_{name}" for name in names), *smoke),
        )

    def fields(self) -> np.ndarray:
        """One trajectory, with the spectrum of turbulence, so that it can be compressed as little as that."""
        noise = np.random.default_rng(0).standard_normal((self.num_snapshots, *self.header.shape), np.float32)
        axes = tuple(range(2, noise.ndim))
        numbers = [np.fft.fftfreq(n, 1 / n) for n in self.shape[:-1]] + [np.arange(self.shape[-1] // 2 + 1)]
        squares = sum(k**2 for k in np.meshgrid(*numbers, indexing="ij"))
        slope = (1.0 + squares) ** (-5 / 12 - (len(axes) - 1) / 4)
        return np.fft.irfftn(np.fft.rfftn(noise, axes=axes) * slope, self.shape, axes=axes).astype(np.float32)


def throughput(case: Case, folder: Path) -> dict[str, object]:
    """Throughput of this library, and as a fraction of that of plain h5py: medians over turns."""
    folder.mkdir()
    fields = case.fields()
    paths = [folder / f"trajectory_{number:05d}.h5" for number in range(case.num_files)]
    writing = in_turns(
        [lambda n: write_ours(paths[n], case.header, fields), lambda n: write_plain(folder / "plain.h5", fields)],
        case.num_files,
    )
    windows = TrajectoryWindows(paths, case.length)
    reading = in_turns(readers(windows), case.num_snapshots // case.length)
    window_mebibytes = windows[0].nbytes / MEBIBYTE
    return {
        "shape": list(case.header.shape),
        "window_length": case.length,
        "compression_ratio": round(fields.nbytes / paths[0].stat().st_size, 2),
        "write_over_h5py": ratio(*writing),
        "read_over_h5py": ratio(*reading),
        "write_mib_per_second": round(fields.nbytes / MEBIBYTE / float(np.median(writing[0])), 1),
        "read_mib_per_second": round(case.num_files * window_mebibytes / float(np.median(reading[0])), 1),
        "samples_per_second": round(samples_per_second(windows, case, num_threads=2), 1),
        "samples_per_second_in_memory": round(samples_per_second(windows.in_memory(), case, num_threads=0), 1),
    }


def in_turns(contenders: Sequence[Callable[[int], None]], num_turns: int) -> np.ndarray:
    """Seconds of each contender (first axis) in each turn but the first; who begins alternates."""
    seconds = np.zeros((len(contenders), num_turns))
    for turn in range(num_turns):
        order = range(len(contenders)) if turn % 2 else reversed(range(len(contenders)))
        for contender in order:
            start = time.perf_counter()
            contenders[contender](turn)
            seconds[contender, turn] = time.perf_counter() - start
    return seconds[:, 1:]


def ratio(ours: np.ndarray, plain: np.ndarray) -> float:
    return round(float(np.median(plain / ours)), 3)


def write_ours(path: Path, header: TrajectoryHeader, fields: np.ndarray) -> None:
    with new_trajectory(path, header) as writer:
        for snapshot in fields:
            writer.append(snapshot)


def write_plain(path: Path, fields: np.ndarray) -> None:
    """The same fields, chunks and filters; no checks, no attributes, and no wait for the disk."""
    ndim = fields.ndim - 2
    tensors = {"velocity": np.moveaxis(fields[:, :ndim], 1, -1), "smoke": fields[:, ndim:]}
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, values in tensors.items():
            if not values.size:
                continue
            chunks = (1, 1, *values.shape[1:])
            dataset = file.create_dataset(name, (1, *values.shape), np.float32, chunks=chunks, **COMPRESSION)
            for number, snapshot in enumerate(values):
                dataset[0, number] = snapshot


def readers(windows: TrajectoryWindows) -> list[Callable[[int], None]]:
    """Both read a window of every file a turn, from files that are in the cache of the system.

    No snapshot is read twice, because HDF5 keeps what it read last, which of such small files would be all. It keeps
    that for all who have a file open: plain h5py has copies of the files.
    """
    files = [h5py.File(shutil.copy(path, path.with_suffix(".copy"))) for path in windows.paths]
    datasets = [[*file["t0_fields"].values(), *file["t1_fields"].values()] for file in files]
    per_file = len(windows) // len(files)
    starts = np.random.default_rng(1).permuted([np.arange(0, per_file, windows.length)] * len(files), axis=1)

    def ours(turn: int) -> None:
        for number, start in enumerate(starts[:, turn]):
            windows[int(number * per_file + start)]

    def plain(turn: int) -> None:
        for number, start in enumerate(starts[:, turn]):
            for dataset in datasets[number]:
                dataset[0, start : start + windows.length]

    return [ours, plain]


def samples_per_second(windows: TrajectoryWindows, case: Case, num_threads: int) -> float:
    """Windows a second, shuffled, in batches, in arrays of JAX."""
    batches = shuffled_batches(windows, case.batch_size, seed=0, num_threads=num_threads).from_step(0)
    jax.block_until_ready(jax.device_put(next(batches)))
    start = time.perf_counter()
    for batch in islice(batches, case.num_batches):
        jax.block_until_ready(jax.device_put(batch))
    return case.num_batches * case.batch_size / (time.perf_counter() - start)
