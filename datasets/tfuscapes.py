"""TFUScapes: its files as scenes, and scenes as its files.

A file holds three arrays on one grid: `ct` (pseudo-CT numbers, 0 to 2000 [HU], 0 outside of the head), `pmap`
(steady-state pressure amplitude [Pa]) and `tr_coords` (voxels of the transducer's bowl). Neither the frequency nor the
voxel size, the bowl's geometry or its drive is in the file.

Source: TFUScapes, arXiv:2505.12998; github.com/CAMMA-public/TFUScapes.
"""

from dataclasses import asdict
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.safe_npz import read_arrays
from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.simulators.acoustics.bowl_fit import fit_bowl
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.head import AIR, BONE_THRESHOLD, Head
from fieldcast.simulators.acoustics.scene import scene_from_head
from fieldcast.simulators.acoustics.tissue import MarsacMueller, TissueMapping
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FREQUENCY, SPACING = 500e3, 0.5e-3
"""Of all files of TFUScapes [Hz], [m]."""

HOUNSFIELD_MAX = 2000.0
"""TFUScapes clips its CT to [0, 2000] HU."""

_MOST_BYTES = 4 * 512**3
_CLOSING = 3e-3
"""Holes of the skull up to twice as wide do not let the air in [m]."""

_ARRAYS = ("ct", "pmap", "tr_coords")


def read_tfuscapes(
    path: str | Path,
    *,
    frequency: float = FREQUENCY,
    spacing: float = SPACING,
    surface_pressure: float | None = None,
    mapping: TissueMapping | None = None,
) -> SceneRecord:
    """Read one file of TFUScapes as a scene with its field.

    The bowl is fitted to its voxels (`fit_bowl`). Zeros of the CT that reach the bowl without crossing the skull become
    air, so that the head can be told from its surroundings. The field has no phase.

    **Arguments:**

    - `path`: an `.npz` file.
    - `frequency` [Hz], `spacing` [m]: what the file does not say.
    - `surface_pressure`: of the bowl [Pa]; default the median of the field on the bowl's voxels, which is rough.
    - `mapping`: how the CT becomes a medium; default `MarsacMueller()`, most likely the one of the data set.

    **Returns:** the scene, its field, and where they come from, with the fit's residual.

    **Raises:** `ValueError` for a file that is hostile, damaged, or not of this kind.
    """
    path = Path(path)
    arrays = read_arrays(path, _ARRAYS, _MOST_BYTES)
    ct, amplitude, voxels = (arrays[name] for name in _ARRAYS)
    _check(path, ct, amplitude, voxels)
    grid = Grid(ct.shape, spacing)
    points = np.asarray(grid.origin) + spacing * voxels
    try:
        fit = fit_bowl(points, spacing)
    except ValueError as error:
        raise ValueError(f"The transducer of {path} is not known: {error}") from error
    if surface_pressure is None:
        surface_pressure = float(np.median(amplitude[tuple(voxels.T)]))
    transducer = FocusedBowl(
        radius_of_curvature=fit.radius_of_curvature,
        aperture_diameter=fit.aperture_diameter,
        frequency=frequency,
        surface_pressure=surface_pressure,
        position=fit.apex,
        axis=fit.axis,
    )
    head = Head(jnp.asarray(_with_air(ct, voxels, spacing), dtype=float), grid)
    scene = scene_from_head(head, transducer, MarsacMueller() if mapping is None else mapping)
    field = PressureField(jnp.asarray(amplitude, dtype=float), grid, frequency, scene.focus_region)
    return SceneRecord(scene, field, {"source": "TFUScapes", "file": "/".join(path.parts[-2:]), "bowl": asdict(fit)})


def write_tfuscapes(path: str | Path, record: SceneRecord) -> None:
    """Write a scene and its field in the form of TFUScapes, completely or not at all.

    The CT is clipped to [0, 2000] HU, the phase of the field is lost, and so are frequency, spacing and drive.

    **Arguments:**

    - `path`: an `.npz` file.
    - `record`: a scene in three dimensions made from a head, with its bowl on the grid.

    **Raises:** `ValueError` for another scene.
    """
    scene = record.scene
    if scene.head is None or scene.grid.ndim != 3:
        raise ValueError("Only scenes in three dimensions that were made from a head fit TFUScapes.")
    arrays = {
        "ct": np.clip(np.asarray(scene.head.hounsfield), 0.0, HOUNSFIELD_MAX).astype(np.float32),
        "pmap": np.asarray(record.field.amplitude, dtype=np.float32),
        "tr_coords": bowl_voxels(scene.transducer, scene.grid),
    }
    with atomic_write(Path(path)) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def bowl_voxels(transducer: FocusedBowl, grid: Grid) -> np.ndarray:
    """Indices of the voxels that a bowl passes through, shape `(voxel, 3)`.

    **Raises:** `ValueError` when the bowl is not on the grid.
    """
    num_points = int(20 * transducer.surface_measure / grid.spacing**2)
    points = np.asarray(transducer.surface_points(num_points), dtype=float)
    if not grid.contains(points):
        raise ValueError("The transducer is not on the grid of its scene.")
    index = np.rint((points - np.asarray(grid.origin)) / grid.spacing).astype(np.int64)
    return np.unique(index, axis=0)


def _check(path: Path, ct: np.ndarray, amplitude: np.ndarray, voxels: np.ndarray) -> None:
    if ct.ndim != 3 or ct.shape != amplitude.shape or min(ct.shape) < 8:
        raise ValueError(f"{path} holds a CT of shape {ct.shape} and a field of shape {amplitude.shape}; expected one.")
    for name, values, highest in (("ct", ct, 1e4), ("pmap", amplitude, 1e9)):
        if values.dtype.kind != "f" or not np.all(np.isfinite(values)):
            raise ValueError(f"{path}: {name} must hold finite floating-point numbers, got {values.dtype}.")
        if values.min() < 0 or values.max() > highest:
            raise ValueError(f"{path}: {name} runs from {values.min()} to {values.max()}; expected 0 to {highest:g}.")
    if voxels.ndim != 2 or voxels.shape[1] != 3 or voxels.dtype.kind not in "iu":
        raise ValueError(f"{path}: tr_coords must be integers of shape (N, 3), got {voxels.dtype} {voxels.shape}.")
    if voxels.size and (voxels.min() < 0 or np.any(voxels.max(axis=0) >= ct.shape)):
        raise ValueError(f"{path}: tr_coords leave the grid of shape {ct.shape}.")


def _with_air(ct: np.ndarray, voxels: np.ndarray, spacing: float) -> np.ndarray:
    """The CT with air where it is zero on the bowl's side of the skull."""
    bone = ct >= BONE_THRESHOLD
    if not bone.any():
        return ct
    clearance = spacing * ndimage.distance_transform_edt(~bone)
    labels, _ = ndimage.label(clearance > _CLOSING)
    touched = np.unique(labels[tuple(voxels.T)])
    outside = np.isin(labels, touched[touched > 0])
    # What the closing took from the outside is given back.
    outside = spacing * ndimage.distance_transform_edt(~outside) <= 1.25 * _CLOSING
    return np.where(outside & (ct == 0), np.float32(AIR), ct)
