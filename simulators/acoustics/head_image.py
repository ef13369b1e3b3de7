"""Heads from NIfTI files and DICOM series, and pressure fields back into NIfTI files."""

from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from fieldcast.simulators.acoustics.dicom import is_series, read_series
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.head import AIR, BONE_THRESHOLD, SKIN_THRESHOLD, Head
from fieldcast.simulators.acoustics.nifti import read_volume, write_volume
from fieldcast.simulators.acoustics.resampling import resample_image
from fieldcast.simulators.grid import Grid

_LARGEST_GRID = 500_000_000
"""Points; beyond this no machine we know has the memory to look for the skull."""


@dataclass(frozen=True, eq=False)
class HeadImage:
    """A head and the image it came from.

    - `head`: the CT on an isotropic grid along the axes of the scanner's RAS+ world [m].
    - `shape`, `affine`: the image's own voxels, and their affine to the same world, in millimetres.
    """

    head: Head
    shape: tuple[int, int, int]
    affine: np.ndarray


def read_head(path: str | Path, spacing: float | None = None) -> HeadImage:
    """Read a head CT from a NIfTI file or a DICOM series.

    The affine is honoured: the head's grid lies along the world's axes, whatever the order, direction or obliqueness
    of the voxels, and covers all of them. Voxels are interpolated linearly, after smoothing where `spacing` is coarser
    than they are. Where the grid leaves an oblique image it holds air.

    **Arguments:**

    - `path`: a `.nii` or `.nii.gz` file in Hounsfield units; or a folder that holds one DICOM series, or any one slice
      of a series (`read_series`).
    - `spacing`: of the head's grid [m]; the image's smallest voxel size when `None`.

    **Returns:** the head, with the image's shape and affine.

    **Raises:** `ValueError` for a damaged file, a file without units or affine, a series with missing slices, voxels
    that are NaN, and values that are not Hounsfield units. `ImportError` when nibabel or pydicom is not installed.
    """
    volume, affine = read_series(path) if is_series(path) else read_volume(path)
    _check_is_ct(path, volume)
    grid = _world_grid(volume.shape, affine, spacing)
    index_map = np.linalg.inv(affine) @ grid.affine
    hounsfield = resample_image(volume, index_map, grid.shape, outside=AIR, smooth=True)
    return HeadImage(Head(jnp.asarray(hounsfield, dtype=float), grid), volume.shape, affine)


def write_field(path: str | Path, field: PressureField, image: HeadImage | None = None) -> None:
    """Write the amplitude of a pressure field as a NIfTI file [Pa].

    **Arguments:**

    - `path`: a `.nii` or `.nii.gz` file; it appears whole or not at all.
    - `field`: on its own grid.
    - `image`: write on this image's voxels, with its shape and affine: the amplitude at each voxel's centre, 0 where
      there is no field. A focus between coarse voxels loses some of its peak. Without it the field's own grid is
      written, which loses nothing.
    """
    amplitude, affine = np.asarray(field.amplitude), field.grid.affine
    if image is not None:
        if field.grid.ndim != 3:
            raise ValueError("A two-dimensional field has no place in a three-dimensional image; write it without one.")
        index_map = np.linalg.inv(affine) @ image.affine
        amplitude = resample_image(amplitude, index_map, image.shape, outside=0.0, smooth=False)
        affine = image.affine
    write_volume(path, amplitude, affine, description=f"pressure amplitude [Pa] at {field.frequency:g} Hz")


def _check_is_ct(path: str | Path, volume: np.ndarray) -> None:
    """Refuse an image whose values cannot be those of a head CT in Hounsfield units."""
    bad = int(np.sum(~np.isfinite(volume)))
    if bad:
        raise ValueError(f"{path} has {bad} voxels that are NaN or infinite; replace them (air is {AIR:.0f} HU).")
    low, high = float(volume.min()), float(volume.max())
    came = (
        f"{path} runs from {low:g} to {high:g}, which is not a head CT in Hounsfield units (air -1000, water 0, bone "
    )
    if low > SKIN_THRESHOLD:
        raise ValueError(
            f"{came}300 to 2500): it has no air. Apply the scanner's rescale intercept (often -1024), or set the "
            f"background of a pseudo-CT to {AIR:.0f}."
        )
    if high < BONE_THRESHOLD or low < -1e4 or high > 1e5:
        raise ValueError(f"{came}300 to 2500). Apply the scanner's rescale slope and intercept, and clip metal.")


def _world_grid(shape: tuple[int, ...], affine: np.ndarray, spacing: float | None) -> Grid:
    """The isotropic grid along the world's axes over all voxel centres of an image."""
    if spacing is None:
        spacing = 1e-3 * float(np.linalg.norm(affine[:3, :3], axis=0).min())
    if not 1e-4 <= spacing <= 1e-2:
        raise ValueError(
            f"The spacing must lie between 1e-4 and 1e-2 m (0.1 to 10 mm), got {spacing} m (were millimetres meant?)."
        )
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in shape], [1], indexing="ij")).reshape(4, -1)
    world = 1e-3 * (affine @ corners)[:3]
    lower, upper = world.min(axis=1), world.max(axis=1)
    intervals = np.floor((upper - lower) / spacing + 1e-4)
    if np.prod(intervals + 1) > _LARGEST_GRID:
        raise ValueError(
            f"At a spacing of {1e3 * spacing:g} mm the image has {np.prod(intervals + 1):.3g} points, more than "
            f"{_LARGEST_GRID:.0e}; take a coarser spacing, or crop the image."
        )
    origin = 0.5 * (lower + upper) - 0.5 * intervals * spacing
    return Grid(tuple(int(n) + 1 for n in intervals), spacing, tuple(float(x) for x in origin))
