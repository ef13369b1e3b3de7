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

from fieldcast.datasets.hdf5_layout import (
    DamagedFileError,
    create_field,
    finished_file,
    finite,
    new_file,
    write_attributes,
    write_axis,
    write_dataset,
    write_group,
    write_head,
    write_parameters,
    write_times,
)
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.tissue import mapping_from
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

NUM_STORED_POINTS = 512
_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class SceneRecord:
    """A scene, the field that a solver found for it, and where both come from.

    - `provenance`: anything JSON can hold: recipe, seed, index, solver settings, versions.
    """

    scene: Scene
    field: PressureField
    provenance: dict[str, Any] = field(default_factory=dict)


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
    with new_file(path, "scene") as file:
        _write_dimensions(file, scene.grid)
        _write_fields(file, np.asarray(scene.head.hounsfield), pressure)
        _write_transducer(file, scene.transducer)
        _write_scene_group(file, record)


def read_scene(path: Path) -> SceneRecord:
    """Read one scene file, checking that it is whole.

    **Raises:** `DamagedFileError` when the file is truncated, corrupted, incomplete, or not a scene file.
    """
    with finished_file(path, "scene") as file:
        return _read(file)


def _write_dimensions(file: h5py.File, grid: Grid) -> None:
    names = _AXES[: grid.ndim]
    write_head(file, "fieldcast_transcranial_ultrasound", "cartesian", names)
    write_times(file, np.zeros(1), "s")
    for name, points in zip(names, grid.axes(), strict=True):
        write_axis(file, name, points, "m", "OPEN", ("pressure_real", "pressure_imag"))


def _write_fields(file: h5py.File, hounsfield: np.ndarray, pressure: np.ndarray) -> None:
    # A field that knows no phase is stored as a real one: its imaginary part is zero.
    fields = {
        "hounsfield": (hounsfield[None], False, "HU"),
        "pressure_real": (pressure.real[None, None], True, "Pa"),
        "pressure_imag": (pressure.imag[None, None], True, "Pa"),
    }
    for name, (values, time_varying, unit) in fields.items():
        create_field(file, 0, name, values.shape, values.shape, unit, time_varying)[...] = values
    write_attributes(file, "/t0_fields/pressure_real", has_phase=np.iscomplexobj(pressure))


def _write_transducer(file: h5py.File, transducer: FocusedBowl) -> None:
    write_parameters(
        file,
        {
            "frequency": (transducer.frequency, "Hz"),
            "radius_of_curvature": (transducer.radius_of_curvature, "m"),
            "aperture_diameter": (transducer.aperture_diameter, "m"),
            "surface_pressure": (float(transducer.surface_pressure), "Pa"),
            "phase": (float(transducer.phase), "rad"),
        },
    )


def _write_scene_group(file: h5py.File, record: SceneRecord) -> None:
    scene, transducer = record.scene, record.scene.transducer
    write_group(
        file,
        "/scene",
        spacing=scene.grid.spacing,
        origin=scene.grid.origin,
        mapping=scene.mapping.settings(),
        provenance=record.provenance,
        fieldcast_version=version("fieldcast"),
    )
    write_dataset(file, "/scene/position", np.asarray(transducer.position), unit="m")
    write_dataset(file, "/scene/axis", np.asarray(transducer.axis), unit="1")
    points = transducer.surface_points(NUM_STORED_POINTS)
    write_dataset(file, "/scene/transducer_points", np.asarray(points), unit="m")


def _read(file: h5py.File) -> SceneRecord:
    group, scalars = file["scene"], file["scalars"]
    hounsfield = finite(file["t0_fields/hounsfield"])[0]
    grid = Grid(hounsfield.shape, float(group.attrs["spacing"]), tuple(group.attrs["origin"]))
    real = finite(file["t0_fields/pressure_real"])[0, 0]
    imaginary = finite(file["t0_fields/pressure_imag"])[0, 0]
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
