"""A head: computed-tomography numbers on a grid."""

from functools import cached_property

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import ndimage

from fieldcast.simulators.grid import Grid

SKIN_THRESHOLD = -200.0
"""Air lies below, fat and skin above [HU]."""

BONE_THRESHOLD = 300.0
"""Bone lies above [HU]; the threshold of the Marsac/Mueller mappings."""


class Head(eqx.Module):
    """CT numbers of a head on a regular grid.

    **Arguments:**

    - `hounsfield`: CT numbers [HU]; air -1000, water 0, dense bone about 2000.
    - `grid`: where they live; for an image read from a file the scanner's RAS+ world, in metres.
    """

    hounsfield: Float[Array, "*space"]
    grid: Grid

    def __check_init__(self):
        shape = jnp.shape(self.hounsfield)
        if shape != self.grid.shape:
            raise ValueError(f"The CT has shape {shape}, but its grid has shape {self.grid.shape}.")

    @cached_property
    def bone(self) -> Bool[np.ndarray, "*space"]:
        """Points denser than `BONE_THRESHOLD`."""
        return np.asarray(self.hounsfield) >= BONE_THRESHOLD

    @cached_property
    def interior(self) -> Bool[np.ndarray, "*space"]:
        """The body: the largest connected set above `SKIN_THRESHOLD`, its cavities filled."""
        solid = ndimage.binary_opening(np.asarray(self.hounsfield) > SKIN_THRESHOLD)
        labels, count = ndimage.label(solid)
        if count == 0:
            return np.zeros(self.grid.shape, bool)
        sizes = np.bincount(labels.ravel())[1:]
        return ndimage.binary_fill_holes(labels == 1 + int(np.argmax(sizes)))
