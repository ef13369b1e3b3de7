"""One trajectory of a flow in one HDF5 file, in the layout of The Well.

Scalars are in `t0_fields`; components that are called `NAME_x`, `NAME_y` (and `NAME_z`), one for each axis of space,
are the vector `NAME` in `t1_fields`, with the component as last axis, in the order of the axes of space. On a sphere x
is along the longitude and y along the latitude. Each snapshot is a chunk of its own, written when
it is made, so that a trajectory need not fit into memory. The group `provenance` is ours.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float

from fieldcast.datasets.hdf5_layout import (
    DamagedFileError,
    create_field,
    finished_file,
    finite,
    new_file,
    write_axis,
    write_group,
    write_head,
    write_parameters,
    write_times,
)


@dataclass(frozen=True, kw_only=True)
class TrajectoryHeader:
    """All that a trajectory file holds but the fields.

    - `name`: of the dataset.
    - `times`: of the snapshots.
    - `axes`: names and coordinates of the axes of space, in the order of the fields.
    - `boundary_types`: `PERIODIC`, `WALL` or `OPEN`, an axis.
    - `components`: names of the channels.
    - `parameters`: numbers of the flow, such as its viscosity.
    - `scales`: what lengths, times and velocities are measured in.
    - `units`: of `time`, axes, components and parameters; what is not named has the unit 1.
    - `provenance`: anything JSON can hold: recipe, index, solver settings, versions.
    - `grid_type`: `cartesian` or `spherical`.
    """

    name: str
    times: Float[np.ndarray, " time"]
    axes: dict[str, np.ndarray]
    boundary_types: tuple[str, ...]
    components: tuple[str, ...]
    parameters: dict[str, float] = field(default_factory=dict)
    scales: str = ""
    units: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    grid_type: str = "cartesian"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one snapshot: channels and space."""
        return len(self.components), *(len(points) for points in self.axes.values())

    @property
    def interval(self) -> float:
        """From one snapshot to the next, to six digits; NaN where there is only one."""
        if len(self.times) < 2:
            return math.nan
        # Times are stored in single precision: the whole span tells the interval best.
        span = np.float64(self.times[-1]) - np.float64(self.times[0])
        return float(f"{span / (len(self.times) - 1):.6g}")

    def unit(self, name: str) -> str:
        return self.units.get(name, "1")


@dataclass(frozen=True, kw_only=True)
class Trajectory(TrajectoryHeader):
    """A trajectory with its `fields`."""

    fields: Float[np.ndarray, "time channel *space"]


class TrajectoryWriter:
    """Takes the snapshots of a trajectory one after the other."""

    def __init__(self, file: h5py.File, header: TrajectoryHeader):
        self.header = header
        self.num_written = 0
        self._datasets = _create_fields(file, header)

    def append(self, fields: Float[np.ndarray, "channel *space"]) -> None:
        """Write the next snapshot.

        **Raises:** `ValueError` for another shape than the header's, for values that are not finite (in single
        precision), and for more snapshots than times.
        """
        number, expected = self.num_written, len(self.header.times)
        if number == expected:
            raise ValueError(f"The trajectory has {expected} times, and all its snapshots are written.")
        if fields.shape != self.header.shape:
            raise ValueError(f"Snapshot {number} has shape {fields.shape}, expected {self.header.shape}.")
        with np.errstate(over="ignore"):  # what overflows is refused below
            fields = fields.astype(np.float32)
        if not np.all(np.isfinite(fields)):
            raise ValueError(f"Snapshot {number} has non-finite values and is not written: the flow blew up.")
        for dataset, channels in self._datasets:
            dataset[0, number] = fields[channels[0]] if len(channels) == 1 else np.moveaxis(fields[channels], 0, -1)
        self.num_written += 1


@contextmanager
def new_trajectory(path: Path, header: TrajectoryHeader) -> Iterator[TrajectoryWriter]:
    """A writer whose file appears under `path` once the block ends with all snapshots written, or not at all.

    **Raises:** `ValueError` when snapshots are missing at the end of the block.
    """
    with new_file(path, "trajectory") as file:
        _write_header(file, header)
        writer = TrajectoryWriter(file, header)
        yield writer
        if writer.num_written != len(header.times):
            raise ValueError(f"The trajectory has {len(header.times)} times and {writer.num_written} snapshots.")


def read_trajectory(path: Path) -> Trajectory:
    """Read one trajectory file, checking that it is whole.

    **Raises:** `DamagedFileError` when the file is truncated, corrupted, incomplete, or not a trajectory file.
    """
    with finished_file(path, "trajectory") as file:
        header = _read_header(file)
        fields = np.empty((len(header.times), *header.shape), np.float32)
        for location, channels in field_channels(header).items():
            values = finite(file[location])[0]
            values = values[:, None] if len(channels) == 1 else np.moveaxis(values, -1, 1)
            expected = (len(header.times), len(channels), *header.shape[1:])
            if values.shape != expected:
                raise DamagedFileError(f"{path}: {location} has shape {values.shape}, expected {expected}.")
            fields[:, channels] = values
    return Trajectory(**vars(header), fields=fields)


def trajectory_header(path: Path) -> TrajectoryHeader:
    """All that a trajectory file holds but the fields, after a check of the whole file but these.

    **Raises:** `DamagedFileError` when the file is truncated, corrupted, incomplete, or not a trajectory file.
    """
    with finished_file(path, "trajectory") as file:
        return _read_header(file)


def field_channels(header: TrajectoryHeader) -> dict[str, list[int]]:
    """The channels that each field of the file holds, by its path in there."""
    return {f"t{_order(channels)}_fields/{name}": channels for name, channels in _tensors(header).items()}


def _tensors(header: TrajectoryHeader) -> dict[str, list[int]]:
    """Channels of every scalar and vector, by its name."""
    directions = [{"longitude": "x", "latitude": "y"}.get(axis, axis) for axis in header.axes]
    tensors: dict[str, list[int]] = {}
    for channel, component in enumerate(header.components):
        stem = component[:-2]
        parts = [f"{stem}_{direction}" for direction in directions]
        if len(parts) > 1 and component in parts and set(parts) <= set(header.components):
            tensors.setdefault(stem, [header.components.index(part) for part in parts])
        else:
            tensors[component] = [channel]
    return tensors


def _order(channels: list[int]) -> int:
    return 0 if len(channels) == 1 else 1


def _create_fields(file: h5py.File, header: TrajectoryHeader) -> list[tuple[h5py.Dataset, list[int]]]:
    datasets = []
    for name, channels in _tensors(header).items():
        order = _order(channels)
        snapshot = (*header.shape[1:], *([len(channels)] * order))
        unit = header.unit(header.components[channels[0]])
        shape, chunks = (1, len(header.times), *snapshot), (1, 1, *snapshot)
        datasets.append((create_field(file, order, name, shape, chunks, unit), channels))
    return datasets


def _write_header(file: h5py.File, header: TrajectoryHeader) -> None:
    write_head(file, header.name, header.grid_type, tuple(header.axes))
    write_times(file, header.times, header.unit("time"))
    names = tuple(_tensors(header))
    for (axis, points), boundary_type in zip(header.axes.items(), header.boundary_types, strict=True):
        write_axis(file, axis, points, header.unit(axis), boundary_type, names)
    write_parameters(file, {name: (value, header.unit(name)) for name, value in header.parameters.items()})
    write_group(file, "/", scales=header.scales, fieldcast_version=version("fieldcast"), components=header.components)
    write_group(
        file,
        "/provenance",
        boundary_types=header.boundary_types,
        units=header.units,
        provenance=header.provenance,
    )


def _read_header(file: h5py.File) -> TrajectoryHeader:
    group, dimensions = file["provenance"], file["dimensions"]
    return TrajectoryHeader(
        name=str(file.attrs["dataset_name"]),
        times=finite(dimensions["time"]),
        axes={str(name): finite(dimensions[name]) for name in dimensions.attrs["spatial_dims"]},
        boundary_types=tuple(str(kind) for kind in group.attrs["boundary_types"]),
        components=tuple(str(name) for name in file.attrs["components"]),
        parameters={str(name): float(file.attrs[name]) for name in file.attrs["simulation_parameters"]},
        scales=str(file.attrs["scales"]),
        units=json.loads(group.attrs["units"]),
        provenance=json.loads(group.attrs["provenance"]),
        grid_type=str(file.attrs["grid_type"]),
    )
