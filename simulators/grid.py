"""Regular grids with a place in the world."""

import math
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

Coordinates = ArrayLike | Sequence[float | int]
"""World coordinates [m]: an array, or simply a list or tuple of numbers."""


class Grid(eqx.Module):
    """A regular, isotropic, axis-aligned grid of points in world coordinates.

    Point `i` of axis `d` lies at `origin[d] + i[d] * spacing`. For heads the world is the scanner's RAS+ frame of
    the NIfTI standard, in metres.

    **Arguments:**

    - `shape`: number of points along each axis (1 to 3 axes).
    - `spacing`: distance of neighbouring points [m].
    - `origin`: world coordinates of the first point [m]; the default puts the middle of the grid at zero.
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    spacing: float = eqx.field(static=True)
    origin: tuple[float, ...] = eqx.field(static=True)

    def __init__(self, shape: tuple[int, ...], spacing: float, origin: tuple[float, ...] | None = None):
        self.shape = tuple(int(n) for n in shape)
        self.spacing = float(spacing)
        if origin is None:
            origin = tuple(-0.5 * (n - 1) * self.spacing for n in self.shape)
        self.origin = tuple(float(x) for x in origin)

    def __check_init__(self):
        if len(self.shape) not in (1, 2, 3) or any(n < 1 for n in self.shape):
            raise ValueError(f"A grid needs 1 to 3 axes of at least one point, got shape {self.shape}.")
        if not (math.isfinite(self.spacing) and self.spacing > 0):
            raise ValueError(f"The grid spacing must be a positive number of metres, got {self.spacing}.")
        if self.spacing > 0.05:
            raise ValueError(
                f"A grid spacing of {self.spacing} m is larger than any acoustic grid; spacings are in metres "
                f"(was {self.spacing} mm meant? then write {self.spacing}e-3)."
            )
        if len(self.origin) != len(self.shape) or not all(math.isfinite(x) for x in self.origin):
            raise ValueError(f"The grid origin needs {len(self.shape)} finite coordinates, got {self.origin}.")

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def extent(self) -> tuple[float, ...]:
        """Distance from the first to the last point along each axis [m]."""
        return tuple((n - 1) * self.spacing for n in self.shape)

    @property
    def affine(self) -> np.ndarray:
        """The NIfTI affine of the grid in millimetres, shape `(4, 4)`; a 2-D grid lies in the plane z = 0."""
        affine = np.eye(4)
        affine[: self.ndim, : self.ndim] *= 1e3 * self.spacing
        affine[: self.ndim, 3] = 1e3 * np.asarray(self.origin)
        return affine

    def axes(self) -> tuple[np.ndarray, ...]:
        """World coordinates [m] of the points along each axis."""
        return tuple(x + self.spacing * np.arange(n) for x, n in zip(self.origin, self.shape, strict=True))

    def points(self) -> Float[Array, "axis *space"]:
        """World coordinates [m] of every point."""
        return jnp.asarray(np.stack(np.meshgrid(*self.axes(), indexing="ij")), dtype=float)

    def to_index(self, position: Coordinates) -> Float[Array, "..."]:
        """Fractional index of world `position` [m], whose last axis is the coordinate; differentiable."""
        position = jnp.asarray(position, dtype=float)
        return (position - jnp.broadcast_to(jnp.asarray(self.origin, dtype=float), position.shape)) / self.spacing

    def to_world(self, index: Coordinates) -> Float[Array, "..."]:
        """World coordinates [m] of a (fractional) `index`, whose last axis is the coordinate; differentiable."""
        index = jnp.asarray(index, dtype=float)
        return jnp.broadcast_to(jnp.asarray(self.origin, dtype=float), index.shape) + index * self.spacing

    def contains(self, position: Coordinates, margin: float = 0.0) -> bool:
        """Whether every one of the concrete `position`s [m] lies on the grid, at least `margin` [m] inside."""
        position = np.atleast_2d(np.asarray(position, dtype=float))
        lower = np.asarray(self.origin) + margin
        upper = np.asarray(self.origin) + np.asarray(self.extent) - margin
        slack = 1e-6 * self.spacing  # a point exactly on the last plane is on the grid
        return bool(np.all((position >= lower - slack) & (position <= upper + slack)))
