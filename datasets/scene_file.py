"""One ultrasound scene and its pressure field in one HDF5 file, in the layout of The Well.

The three `tN_fields` groups, `dimensions`, `boundary_conditions` and `scalars` follow The Well's format specification,
so that its loader opens the file; the group `scene` holds what it ignores: the transducer's pose and points, how the
maps were made, seeds and versions. Fields (B = T = 1):

    t0_fields/hounsfield      (B, x, y, z)      [HU]     constant in time
    t0_fields/pressure_real   (B, T, x, y, z)   [Pa]
    t0_fields/pressure_imag   (B, T, x, y, z)   [Pa]
"""

import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import jax.numpy as jnp
import numpy as np

from fieldcast.datasets.atomic import atomic_write
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.tissue import mapping_from
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FORMAT_VERSION = 1
NUM_STORED_POINTS = 512
_AXES = ("x", "y", "z")
_COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


@dataclass(frozen=True)
class SceneRecord:
    """A scene, the field that a solver found for it, and where both come from.

    - `provenance`: anything JSON can hold: recipe, seed, index, solver settings, versions.
    """

    scene: Scene
    field: PressureField
    provenance: dict[str, Any] = field(default_factory=dict)


class DamagedFileError(ValueError):
    """A file that is truncated, corrupted, incomplete or of another kind."""


def write_scene(path: Path, record: SceneRecord) -> None:
    """Write `record` to `path`, completely or not at all.

    **Raises:** `ValueError` when the scene has no head, or the field is not finite.
    """
    scene = record.scene
    if scene.head is None or scene.mapping is None:
        raise ValueError("Only scenes made from a head (`scene_from_head`) can be stored: this one has maps alone.")
    pressure = np.asarray(record.field.pressure)
    if not np.all(np.isfinite(pressure)):
        raise ValueError("The pressure field has non-finite values and is not written.")
    with atomic_write(path) as temporary, h5py.File(temporary, "w", libver=("v110", "v110")) as file:
        _write_dimensions(file, scene.grid)
        _write_fields(file, np.asarray(scene.head.hounsfield), pressure)
        _write_scalars(file, scene.transducer)
        _write_scene_group(file, record)
        # Last of all: a file without it was never finished.
        file.attrs["complete"] = True


def read_scene(path: Path) -> SceneRecord:
    """Read one scene file, checking that it is whole.

    **Raises:** `DamagedFileError` when the file is truncated, corrupted, incomplete, or not a scene file.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no scene file at {path}.")
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            if not file.attrs.get("complete", False) or file.attrs.get("fieldcast_format") != FORMAT_VERSION:
                raise DamagedFileError(
                    f"{path} is not a finished scene file of format {FORMAT_VERSION}; delete it and generate it again."
                )
            return _read(file)
    except (OSError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise DamagedFileError(
            f"{path} cannot be read as a scene file ({error}); it is truncated or corrupted. Delete it and generate "
            "it again."
        ) from error


def _write_dimensions(file: h5py.File, grid: Grid) -> None:
    names = _AXES[: grid.ndim]
    file.attrs["dataset_name"] = "fieldcast_transcranial_ultrasound"
    file.attrs["fieldcast_format"] = FORMAT_VERSION
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = grid.ndim
    file.attrs["n_trajectories"] = 1
    dimensions = file.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = list(names)
    time = dimensions.create_dataset("time", data=np.zeros(1, np.float32))
    time.attrs.update(sample_varying=False, time_varying=True, unit="s")
    boundaries = file.create_group("boundary_conditions")
    for name, points in zip(names, grid.axes(), strict=True):
        axis = dimensions.create_dataset(name, data=points.astype(np.float32))
        axis.attrs.update(sample_varying=False, time_varying=False, unit="m")
        boundary = boundaries.create_group(f"{name}_open")
        boundary.attrs.update(bc_type="OPEN", sample_varying=False, time_varying=False)
        boundary.attrs["associated_dims"] = [name]
        boundary.attrs["associated_fields"] = ["pressure_real", "pressure_imag"]
        mask = np.zeros(len(points), bool)
        mask[[0, -1]] = True
        boundary.create_dataset("mask", data=mask)


def _write_fields(file: h5py.File, hounsfield: np.ndarray, pressure: np.ndarray) -> None:
    scalars = file.create_group("t0_fields")
    scalars.attrs["field_names"] = ["hounsfield", "pressure_real", "pressure_imag"]
    # A field that knows no phase is stored as a real one: its imaginary part is zero.
    fields = {
        "hounsfield": (hounsfield[None], False, "HU"),
        "pressure_real": (pressure.real[None, None], True, "Pa"),
        "pressure_imag": (pressure.imag[None, None], True, "Pa"),
    }
    for name, (values, time_varying, unit) in fields.items():
        dataset = scalars.create_dataset(name, data=values.astype(np.float32), chunks=values.shape, **_COMPRESSION)
        dataset.attrs.update(sample_varying=True, time_varying=time_varying, unit=unit)
        dataset.attrs["dim_varying"] = [True] * hounsfield.ndim
    scalars["pressure_real"].attrs["has_phase"] = bool(np.iscomplexobj(pressure))
    for order in (1, 2):
        file.create_group(f"t{order}_fields").attrs["field_names"] = np.array([], dtype=h5py.string_dtype())


def _write_scalars(file: h5py.File, transducer: FocusedBowl) -> None:
    values = {
        "frequency": (transducer.frequency, "Hz"),
        "radius_of_curvature": (transducer.radius_of_curvature, "m"),
        "aperture_diameter": (transducer.aperture_diameter, "m"),
        "surface_pressure": (float(transducer.surface_pressure), "Pa"),
        "phase": (float(transducer.phase), "rad"),
    }
    scalars = file.create_group("scalars")
    scalars.attrs["field_names"] = list(values)
    file.attrs["simulation_parameters"] = list(values)
    for name, (value, unit) in values.items():
        file.attrs[name] = value
        dataset = scalars.create_dataset(name, data=np.float64(value))
        dataset.attrs.update(sample_varying=False, time_varying=False, unit=unit)


def _write_scene_group(file: h5py.File, record: SceneRecord) -> None:
    scene, transducer = record.scene, record.scene.transducer
    group = file.create_group("scene")
    group.attrs["spacing"] = scene.grid.spacing
    group.attrs["origin"] = np.asarray(scene.grid.origin)
    group.attrs["mapping"] = json.dumps(scene.mapping.settings())
    group.attrs["provenance"] = json.dumps(record.provenance)
    group.attrs["fieldcast_version"] = version("fieldcast")
    for name, values in {
        "position": transducer.position,
        "axis": transducer.axis,
        "transducer_points": transducer.surface_points(NUM_STORED_POINTS),
    }.items():
        dataset = group.create_dataset(name, data=np.asarray(values, np.float64), fletcher32=True)
        dataset.attrs["unit"] = "1" if name == "axis" else "m"


def _read(file: h5py.File) -> SceneRecord:
    group, scalars = file["scene"], file["scalars"]
    hounsfield = _finite(file["t0_fields/hounsfield"])[0]
    grid = Grid(hounsfield.shape, float(group.attrs["spacing"]), tuple(group.attrs["origin"]))
    real = _finite(file["t0_fields/pressure_real"])[0, 0]
    imaginary = _finite(file["t0_fields/pressure_imag"])[0, 0]
    if real.shape != grid.shape or imaginary.shape != grid.shape:
        raise DamagedFileError(f"{file.filename} holds fields of different shapes: {real.shape}, {grid.shape}.")
    transducer = FocusedBowl(
        radius_of_curvature=float(scalars["radius_of_curvature"][()]),
        aperture_diameter=float(scalars["aperture_diameter"][()]),
        frequency=float(scalars["frequency"][()]),
        surface_pressure=float(scalars["surface_pressure"][()]),
        phase=float(scalars["phase"][()]),
        position=group["position"][()],
        axis=group["axis"][()],
    )
    scene = scene_from_head(
        Head(jnp.asarray(hounsfield), grid), transducer, mapping_from(json.loads(group.attrs["mapping"]))
    )
    with_phase = bool(file["t0_fields/pressure_real"].attrs["has_phase"])
    pressure = jnp.asarray(real + 1j * imaginary if with_phase else real)
    field = PressureField(pressure, grid, transducer.frequency, scene.focus_region)
    return SceneRecord(scene, field, json.loads(group.attrs["provenance"]))


def _finite(dataset: h5py.Dataset) -> np.ndarray:
    if dataset.external or dataset.is_virtual:
        raise DamagedFileError(f"{dataset.file.filename}: {dataset.name} points to data outside the file; refused.")
    values = dataset[()]
    if not np.all(np.isfinite(values)):
        raise DamagedFileError(f"{dataset.file.filename}: {dataset.name} has non-finite values.")
    return values
