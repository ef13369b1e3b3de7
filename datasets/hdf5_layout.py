"""What all data files share: The Well's groups, compression, and the proof that a file was finished.

The layout is The Well's format specification (Ohana et al., 2024, arXiv:2412.00568), so that its loader opens the
files; it ignores groups and attributes of ours. A file holds one trajectory; its fields have the axes

    (trajectory, time, *space)               in t0_fields
    (trajectory, time, *space, component)    in t1_fields
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from fieldcast.datasets.atomic import atomic_write

FORMAT_VERSION = 1
COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


class DamagedFileError(ValueError):
    """A file that is truncated, corrupted, incomplete or of another kind."""


@contextmanager
def new_file(path: Path, kind: str) -> Iterator[h5py.File]:
    """A file to write into, which appears under `path` only if the block ends without an error."""
    with atomic_write(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs.update(fieldcast_format=FORMAT_VERSION, fieldcast_kind=kind)
        yield file
        # Last of all: a file without it was never finished.
        file.attrs["complete"] = True


@contextmanager
def finished_file(path: Path, kind: str | None = None) -> Iterator[h5py.File]:
    """A file to read, of this kind or of any; whatever in the block fails for the file's sake says so.

    **Raises:** `DamagedFileError` when the file is truncated, corrupted, incomplete, or of another kind.
    """
    path = Path(path)
    name = kind or "data"
    if not path.exists():
        raise FileNotFoundError(f"There is no {name} file at {path}.")
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            # The first scene files did not name their kind.
            found = file.attrs.get("fieldcast_kind", "scene"), file.attrs.get("fieldcast_format")
            if not file.attrs.get("complete", False) or found != (kind or found[0], FORMAT_VERSION):
                raise DamagedFileError(
                    f"{path} is not a finished {name} file of format {FORMAT_VERSION}; delete it and generate it again."
                )
            yield file
    except (OSError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise DamagedFileError(
            f"{path} cannot be read as a {name} file ({error}); it is truncated or corrupted. Delete it and generate "
            "it again."
        ) from error


def write_head(file: h5py.File, dataset_name: str, grid_type: str, axis_names: tuple[str, ...]) -> None:
    """Attributes and empty groups that every file has."""
    file.attrs.update(dataset_name=dataset_name, grid_type=grid_type, n_spatial_dims=len(axis_names), n_trajectories=1)
    file.create_group("dimensions").attrs["spatial_dims"] = list(axis_names)
    file.create_group("boundary_conditions")
    for order in range(3):
        file.create_group(f"t{order}_fields").attrs["field_names"] = np.array([], dtype=h5py.string_dtype())


def write_times(file: h5py.File, times: np.ndarray, unit: str) -> None:
    dataset = file["dimensions"].create_dataset("time", data=times.astype(np.float32), fletcher32=True)
    dataset.attrs.update(sample_varying=False, time_varying=True, unit=unit)


def write_axis(
    file: h5py.File, name: str, points: np.ndarray, unit: str, boundary_type: str, fields: tuple[str, ...]
) -> None:
    """The points of an axis, and what is at its two ends: `PERIODIC`, `WALL` or `OPEN` for these `fields`."""
    dataset = file["dimensions"].create_dataset(name, data=points.astype(np.float32), fletcher32=True)
    dataset.attrs.update(sample_varying=False, time_varying=False, unit=unit)
    boundary = file["boundary_conditions"].create_group(f"{name}_{boundary_type.lower()}")
    boundary.attrs.update(bc_type=boundary_type, sample_varying=False, time_varying=False)
    boundary.attrs["associated_dims"] = [name]
    boundary.attrs["associated_fields"] = list(fields)
    mask = np.zeros(len(points), bool)
    mask[[0, -1]] = True
    boundary.create_dataset("mask", data=mask)


def write_parameters(file: h5py.File, parameters: dict[str, tuple[float, str]]) -> None:
    """Numbers of the simulation, each with its unit: attributes of the file and datasets of `scalars`."""
    scalars = file.create_group("scalars")
    scalars.attrs["field_names"] = list(parameters)
    file.attrs["simulation_parameters"] = list(parameters)
    for name, (value, unit) in parameters.items():
        file.attrs[name] = value
        dataset = scalars.create_dataset(name, data=np.float64(value))
        dataset.attrs.update(sample_varying=False, time_varying=False, unit=unit)


def create_field(
    file: h5py.File,
    order: int,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    unit: str,
    time_varying: bool = True,
) -> h5py.Dataset:
    """An empty field of tensors of this order, float32; what is never written reads as NaN, and is refused.

    **Arguments:** `shape` and `chunks` with all axes, those of trajectory and (if it varies in) time included.
    """
    group = file[f"t{order}_fields"]
    dataset = group.create_dataset(name, shape, np.float32, chunks=chunks, fillvalue=np.nan, **COMPRESSION)
    dataset.attrs.update(sample_varying=True, time_varying=time_varying, unit=unit)
    dataset.attrs["dim_varying"] = [True] * int(file.attrs["n_spatial_dims"])
    group.attrs["field_names"] = [*group.attrs["field_names"], name]
    return dataset


def finite(dataset: h5py.Dataset) -> np.ndarray:
    """The values of a dataset, if they lie in the file and are finite."""
    if dataset.external or dataset.is_virtual:
        raise DamagedFileError(f"{dataset.file.filename}: {dataset.name} points to data outside the file; refused.")
    values = dataset[()]
    if not np.all(np.isfinite(values)):
        raise DamagedFileError(f"{dataset.file.filename}: {dataset.name} has non-finite values.")
    return values
