"""The symmetries of a cubic grid: the exact augmentation of any isotropic physics."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GridSymmetry:
    """A permutation of the spatial axes followed by reversals: one of 48 in three dimensions, 8 in two.

    Sound does not know which way the axes point, so a scene and its field, transformed alike, are another valid pair.

    **Arguments:**

    - `permutation`: axis `d` of the result is axis `permutation[d]` of the original.
    - `reversed_axes`: for each axis of the result, whether it is reversed.
    """

    permutation: tuple[int, ...]
    reversed_axes: tuple[bool, ...]

    def field(self, values: np.ndarray) -> np.ndarray:
        """Transform values on a grid; the spatial axes are the last ones."""
        ndim = len(self.permutation)
        lead = values.ndim - ndim
        values = np.transpose(values, (*range(lead), *(lead + axis for axis in self.permutation)))
        return np.flip(values, [lead + axis for axis in range(ndim) if self.reversed_axes[axis]])

    def points(self, coordinates: np.ndarray) -> np.ndarray:
        """Transform points whose coordinates (last axis) run from -1 to 1 over the grid."""
        return coordinates[..., self.permutation] * np.where(self.reversed_axes, -1, 1).astype(coordinates.dtype)


def random_symmetry(rng: np.random.Generator, shape: tuple[int, ...]) -> GridSymmetry:
    """A random symmetry that keeps a grid of `shape`: only axes of equal length are exchanged."""
    ndim = len(shape)
    permutation = np.arange(ndim)
    for length in set(shape):
        alike = [axis for axis in range(ndim) if shape[axis] == length]
        permutation[alike] = rng.permutation(alike)
    return GridSymmetry(
        tuple(int(axis) for axis in permutation), tuple(bool(flip) for flip in rng.integers(0, 2, ndim))
    )
