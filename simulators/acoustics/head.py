"""A head: computed-tomography numbers on a grid."""

from functools import cached_property

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import ndimage

from fieldcast.simulators.acoustics.resampling import resample_image
from fieldcast.simulators.grid import Grid

SKIN_THRESHOLD = -200.0
"""Air lies below, fat and skin above [HU]."""

BONE_THRESHOLD = 300.0
"""Bone lies above [HU]; the threshold of the Marsac/Mueller mappings."""

FOCUS_CLEARANCE = 2e-3
"""Distance from bone that a focus keeps [m]."""

AIR = -1000.0
"""The CT number of air [HU]."""

_CAVITY_RADII = (0.0, 1e-3, 2e-3, 3e-3, 4e-3, 6e-3, 8e-3, 10e-3)
"""How far bone is thickened, at most, to close the holes of a skull [m]."""


class Head(eqx.Module):
    """CT numbers of a head on a regular grid.

    The masks are found from concrete CT numbers, so ask for them outside of `jit` and `grad`.

    **Arguments:**

    - `hounsfield`: CT numbers [HU]; air -1000, water 0, dense bone about 2000.
    - `grid`: where they live; for an image read from a file the scanner's RAS+ world, in metres.

    **Raises:** `ValueError` when the CT is not of the grid's shape, not finite, or plainly not in Hounsfield units.
    """

    hounsfield: Float[Array, "*space"]
    grid: Grid

    def __check_init__(self):
        shape = jnp.shape(self.hounsfield)
        if shape != self.grid.shape:
            raise ValueError(f"The CT has shape {shape}, but its grid has shape {self.grid.shape}.")
        if not isinstance(self.hounsfield, jax.core.Tracer):
            _check_hounsfield(np.asarray(self.hounsfield))

    @cached_property
    def bone(self) -> Bool[np.ndarray, "*space"]:
        """Points denser than `BONE_THRESHOLD`."""
        return self._concrete() >= BONE_THRESHOLD

    @cached_property
    def interior(self) -> Bool[np.ndarray, "*space"]:
        """The body: the largest connected set above `SKIN_THRESHOLD`, its cavities filled."""
        # Repeating the outermost planes keeps the opening from eating the edges of a crop that is full of tissue.
        padded = np.pad(self._concrete() > SKIN_THRESHOLD, 2, mode="edge")
        opened = ndimage.binary_opening(padded)[(slice(2, -2),) * self.grid.ndim]
        return ndimage.binary_fill_holes(_largest_component(opened))

    @cached_property
    def cavity(self) -> Bool[np.ndarray, "*space"]:
        """The brain's side of the skull: soft tissue that bone parts from the air; the place to look for a focus.

        Found by its core: the soft tissue left when bone and air are thickened by up to 10 mm falls into pieces, and
        the core is the piece that is largest and has most bone around it. Around the core the walls are then thickened
        only as far as is needed to part it from the air (orbits and foramina are holes), and what the thickening took
        away is given back. Works on whole heads and on crops that hold a patch of scalp, skull and brain; a head
        without bone is all cavity.
        """
        if not self.bone.any():
            return self.interior
        soft = self.interior & ~self.bone & (self._concrete() > SKIN_THRESHOLD)
        if not soft.any():
            return soft
        clearance, nearest_wall = ndimage.distance_transform_edt(soft, return_indices=True)
        clearance *= self.grid.spacing
        core = _core(clearance, near_bone=self.bone[tuple(nearest_wall)])
        near_air = ~self.interior[tuple(nearest_wall)]
        for radius in (radius for radius in _CAVITY_RADII if radius < clearance[core]):
            labels, _ = ndimage.label(clearance > radius)
            cavity = labels == labels[core]
            if not (cavity & near_air & (clearance <= radius + 1.5 * self.grid.spacing)).any():
                break
        if radius == 0.0:
            return cavity
        # A quarter more than was taken away also fills most of the corners of the cavity.
        near = self.grid.spacing * ndimage.distance_transform_edt(~cavity) <= 1.25 * radius
        labels, _ = ndimage.label(near & soft)
        return labels == labels[core]

    @cached_property
    def focus_region(self) -> Bool[np.ndarray, "*space"]:
        """Where a focus is looked for: the cavity, at least 2 mm clear of bone.

        Voxels cut by the bone's surface hold part of the bone's own pressure, which is often the higher one.
        """
        if not self.bone.any():
            return self.cavity
        clear = self.cavity & (self.grid.spacing * ndimage.distance_transform_edt(~self.bone) > FOCUS_CLEARANCE)
        return clear if clear.any() else self.cavity

    def resample(self, grid: Grid) -> "Head":
        """The same head on another `grid`, by linear interpolation; air where `grid` leaves the image.

        For a coarser grid the CT is smoothed first, so that thin bone keeps its mass (`resample_image`).
        """
        if grid.ndim != self.grid.ndim:
            raise ValueError(f"A {self.grid.ndim}-D head cannot be resampled on a {grid.ndim}-D grid.")
        index_map = np.eye(grid.ndim + 1)
        index_map[:-1, :-1] *= grid.spacing / self.grid.spacing
        index_map[:-1, -1] = (np.asarray(grid.origin) - np.asarray(self.grid.origin)) / self.grid.spacing
        hounsfield = resample_image(self._concrete(), index_map, grid.shape, outside=AIR, smooth=True)
        return Head(jnp.asarray(hounsfield, dtype=float), grid)

    def _concrete(self) -> np.ndarray:
        """The CT as a NumPy array."""
        if isinstance(self.hounsfield, jax.core.Tracer):
            raise ValueError(
                "The masks of a head (bone, interior, cavity) and its resampling need a concrete CT, but this one is "
                "being traced by jit, grad or vmap. Ask for them before the transformation."
            )
        return np.asarray(self.hounsfield)


def _core(clearance: np.ndarray, near_bone: np.ndarray) -> tuple[int, ...]:
    """The index of the point farthest from all walls in the piece of soft tissue that is most enclosed by bone."""
    radius = max(radius for radius in _CAVITY_RADII if (clearance > radius).any())
    labels, count = ndimage.label(clearance > radius)
    pieces = range(1, count + 1)
    # Muscle outside the skull has bone on one side only; squaring the share lets a thin slab of brain win against it.
    score = ndimage.sum(np.ones_like(clearance), labels, pieces) * ndimage.mean(near_bone, labels, pieces) ** 2
    piece = 1 + int(np.argmax(score))
    deepest = int(np.argmax(np.where(labels == piece, clearance, -1.0)))
    return tuple(int(i) for i in np.unravel_index(deepest, clearance.shape))


def _largest_component(mask: np.ndarray) -> np.ndarray:
    """The largest connected component of `mask`; nowhere when the mask is empty."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return np.zeros_like(mask)
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))


def _check_hounsfield(hounsfield: np.ndarray) -> None:
    """Refuse numbers that cannot be Hounsfield units."""
    bad = int(np.sum(~np.isfinite(hounsfield)))
    if bad:
        raise ValueError(f"The CT has {bad} voxels that are NaN or infinite; replace them first (air is {AIR:.0f} HU).")
    low, high = float(hounsfield.min()), float(hounsfield.max())
    if 0.0 <= low < high <= 1.0:
        raise ValueError(
            f"The CT runs from {low:g} to {high:g}: that is a normalised image. Give Hounsfield units (air -1000, "
            f"water 0, bone 300 to 2500)."
        )
    if low < -1e4 or high > 1e5:
        raise ValueError(
            f"The CT runs from {low:g} to {high:g}, which are not Hounsfield units (air -1000, water 0, bone 300 to "
            f"2500); apply the scanner's rescale slope and intercept, and clip metal."
        )
