"""The same fields on another grid: fewer points, other wall-normal points."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.flows.chebyshev import interpolation_matrix


class Subsampling(eqx.Module):
    """Every n-th point of each axis, the first one included.

    **Arguments:** `strides`, one a space axis; the space axes are the last ones of the fields.

    With a stride that divides the number of intervals, the last point of a wall-bounded axis stays too.
    """

    strides: tuple[int, ...] = eqx.field(static=True)

    def __check_init__(self):
        if any(stride < 1 for stride in self.strides):
            raise ValueError(f"Strides must be at least 1, got {self.strides}.")

    def __call__(self, fields: Float[Array, "..."]) -> Float[Array, "..."]:
        return fields[(..., *(slice(None, None, stride) for stride in self.strides))]


class FourierResampling(eqx.Module):
    """Other numbers of points along periodic axes, by truncated or extended Fourier series.

    Fewer points keep the modes that the new grid holds: a sharp filter, then sampling. More points interpolate. Of an
    even number of points, the highest mode counts as a cosine, so that what both grids resolve is sampled exactly.

    **Arguments:** `num_points`, one a space axis, `None` for an axis that stays as it is; the space axes are the last
    ones of the fields.
    """

    num_points: tuple[int | None, ...] = eqx.field(static=True)

    def __check_init__(self):
        if any(n is not None and n < 1 for n in self.num_points):
            raise ValueError(f"Numbers of points must be at least 1, got {self.num_points}.")

    def __call__(self, fields: Float[Array, "..."]) -> Float[Array, "..."]:
        for axis, num_points in enumerate(self.num_points, -len(self.num_points)):
            if num_points is not None and num_points != fields.shape[axis]:
                fields = jnp.moveaxis(_resampled(jnp.moveaxis(fields, axis, -1), num_points), -1, axis)
        return fields


def _resampled(fields: Float[Array, "*rest n"], num_points: int) -> Float[Array, "*rest m"]:
    """`fields` at `num_points` points of their last axis."""
    smaller = min(fields.shape[-1], num_points)
    spectrum = jnp.fft.rfft(fields, axis=-1, norm="forward")[..., : smaller // 2 + 1]
    if smaller % 2 == 0:  # its highest mode is one coefficient on the smaller grid and two halves on the larger one
        spectrum = spectrum.at[..., -1].multiply(2.0 if num_points == smaller else 0.5)
    return jnp.fft.irfft(spectrum, n=num_points, axis=-1, norm="forward")


class ChebyshevInterpolation(eqx.Module):
    """Values between the Chebyshev points of an axis, by the polynomial through all of them.

    **Arguments:**

    - `targets`: where the values are wanted, from -1 to 1 (`interpolation_matrix` says how they are found).
    - `axis`: of the fields, counted from the end: -2 is a channel's wall-normal one.
    """

    targets: tuple[float, ...] = eqx.field(static=True)
    axis: int = eqx.field(static=True)

    def __init__(self, targets: np.ndarray | tuple[float, ...], axis: int = -2):
        self.targets = tuple(float(y) for y in targets)
        self.axis = axis

    def __call__(self, fields: Float[Array, "..."]) -> Float[Array, "..."]:
        matrix = interpolation_matrix(fields.shape[self.axis], np.asarray(self.targets))
        matrix = jnp.asarray(matrix, fields.dtype)
        values = jnp.tensordot(fields, matrix, axes=((self.axis,), (1,)), precision="highest")
        return jnp.moveaxis(values, -1, self.axis)
