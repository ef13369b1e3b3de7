"""Data files written and read by the tables of `layout`: one finished file, or none.

Fields are compressed by gzip, one snapshot a chunk, with a checksum; so are the coordinates. All else has the hash
`digest` of the file, and the whole file has one in the manifest of its dataset.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.attribute_values import stored
from fieldcast.datasets.hdf5_structure import DamagedFileError as DamagedFileError
from fieldcast.datasets.hdf5_structure import check_structure, digest
from fieldcast.datasets.layout import FORMAT_VERSION, described

COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


@contextmanager
def new_file(path: Path, kind: str) -> Iterator[h5py.File]:
    """A file to write into, which appears under `path` only if the block ends without an error.

    **Raises:** `DamagedFileError` when what was written is not the layout of this kind of file.
    """
    with atomic_write(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        file.attrs["fieldcast_kind"] = kind  # by which the layout says what else there is
        write_group(file, "/", fieldcast_format=FORMAT_VERSION)
        yield file
        write_group(file, "/", complete=True)
        file.flush()  # until then no chunk counts as written
        write_group(file, "/", digest=digest(file, check_structure(file, kind)))


@contextmanager
def finished_file(path: Path, kind: str | None = None) -> Iterator[h5py.File]:
    """A file to read, of this kind or of any; whatever in the block fails for the file's sake says so.

    **Raises:** `DamagedFileError` when the file is truncated, corrupted, incomplete, of another kind, or not of the
    layout (`check_structure`).
    """
    path = Path(path)
    name = kind or "data"
    if not path.exists():
        raise FileNotFoundError(f"There is no {name} file at {path}.")
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            check_structure(file, kind)
            yield file
    except (OSError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise DamagedFileError(
            f"{path} cannot be read as a {name} file ({error}); it is truncated or corrupted. Delete it and generate "
            "it again."
        ) from error


def write_group(file: h5py.File, path: str, **attributes: Any) -> None:
    """A group (if it is not there yet) and attributes of it, of the types that the layout says."""
    file.require_group(path)
    write_attributes(file, path, **attributes)


def write_dataset(file: h5py.File, path: str, values: np.ndarray, **attributes: Any) -> None:
    """A small dataset and its attributes, of the types that the layout says."""
    values = np.asarray(values, described(path, _kind(file)).dtype)
    file.create_dataset(path, data=values, fletcher32=values.ndim > 0)
    write_attributes(file, path, **attributes)


def write_attributes(file: h5py.File, path: str, **attributes: Any) -> None:
    """Attributes of a group or dataset, of the types that the layout says."""
    types = {attribute.name: attribute.type for attribute in described(path, _kind(file)).attributes}
    for name, value in attributes.items():
        file[path].attrs[name] = stored(types[name], value)


def write_head(file: h5py.File, dataset_name: str, grid_type: str, axis_names: tuple[str, ...]) -> None:
    """Attributes and empty groups that every file has."""
    dimensions = len(axis_names)
    write_group(file, "/", dataset_name=dataset_name, grid_type=grid_type, n_spatial_dims=dimensions, n_trajectories=1)
    write_group(file, "/dimensions", spatial_dims=axis_names)
    write_group(file, "/boundary_conditions")
    for order in range(3):
        write_group(file, f"/t{order}_fields", field_names=[])


def write_times(file: h5py.File, times: np.ndarray, unit: str) -> None:
    write_dataset(file, "/dimensions/time", times, sample_varying=False, time_varying=True, unit=unit)


def write_axis(
    file: h5py.File, name: str, points: np.ndarray, unit: str, boundary_type: str, fields: tuple[str, ...]
) -> None:
    """The points of an axis, and what is at its two ends: `PERIODIC`, `WALL` or `OPEN` for these `fields`."""
    constant = {"sample_varying": False, "time_varying": False}
    write_dataset(file, f"/dimensions/{name}", points, unit=unit, **constant)
    boundary = f"/boundary_conditions/{name}_{boundary_type.lower()}"
    write_group(file, boundary, bc_type=boundary_type, associated_dims=[name], associated_fields=fields, **constant)
    mask = np.zeros(len(points), bool)
    mask[[0, -1]] = True
    write_dataset(file, f"{boundary}/mask", mask)


def write_parameters(file: h5py.File, parameters: dict[str, tuple[float, str]]) -> None:
    """Numbers of the simulation, each with its unit: attributes of the file and datasets of `scalars`."""
    write_group(file, "/scalars", field_names=list(parameters))
    write_group(file, "/", simulation_parameters=list(parameters))
    for name, (value, unit) in parameters.items():
        file.attrs[name] = np.float64(value)
        write_dataset(file, f"/scalars/{name}", np.asarray(value), sample_varying=False, time_varying=False, unit=unit)


def create_field(
    file: h5py.File,
    order: int,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    unit: str,
    time_varying: bool = True,
) -> h5py.Dataset:
    """An empty field of tensors of this order; what is never written reads as NaN, and is refused.

    **Arguments:** `shape` and `chunks` with all axes, those of trajectory and (if it varies in) time included.
    """
    path = f"/t{order}_fields/{name}"
    dataset = file.create_dataset(
        path, shape, described(path, _kind(file)).dtype, chunks=chunks, fillvalue=np.nan, **COMPRESSION
    )
    varying = {
        "sample_varying": True,
        "time_varying": time_varying,
        "dim_varying": [True] * file.attrs["n_spatial_dims"],
    }
    write_attributes(file, path, unit=unit, **varying)
    write_group(file, f"/t{order}_fields", field_names=[*dataset.parent.attrs["field_names"], name])
    return dataset


def fields_of(file: h5py.File) -> Iterator[tuple[str, int, h5py.Dataset]]:
    """Every field with its name and the order of its tensors: 0 for scalars, 1 for vectors."""
    for order in range(3):
        group = file[f"t{order}_fields"]
        for name in group.attrs["field_names"]:
            yield name, order, group[name]


def snapshots(dataset: h5py.Dataset) -> Iterator[np.ndarray]:
    """The values of a field, finite, one time after the other; all at once if it is constant in time."""
    if not dataset.attrs["time_varying"]:
        yield finite(dataset)[0]
        return
    for time in range(dataset.shape[1]):
        yield require_finite(dataset, dataset[0, time])


def finite(dataset: h5py.Dataset) -> np.ndarray:
    """The values of a dataset, if they are finite."""
    return require_finite(dataset, dataset[()])


def require_finite(dataset: h5py.Dataset, values: np.ndarray) -> np.ndarray:
    """Values that were read from a dataset, if they are finite."""
    if not np.all(np.isfinite(values)):
        raise DamagedFileError(f"{dataset.file.filename}: {dataset.name} has non-finite values.")
    return values


def _kind(file: h5py.File) -> str:
    return str(file.attrs["fieldcast_kind"])
