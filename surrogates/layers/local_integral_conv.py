"""Convolutions with kernels that are functions of physical distance, on any grid."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.initialisation import uniform_weight_and_bias
from fieldcast.surrogates.layers.padded_conv import padded_convolve, per_axis

SUBSAMPLES = 8
"""Places a side at which the basis is evaluated within each cell."""


class LocalIntegralConv(eqx.Module):
    """A learned integral over a small ball, the same on any grid that resolves it.

    `y_o(x) = bias_o + sum_{i, b} W[o, i, b] int psi_b(x' - x) u_i(x') dx'`

    The basis on the disc `|x| <= r` holds hat functions of the radius, times hat functions of the angle where there is
    one: the middle, and on each further ring one function an angle; each of them has the integral one. They are
    averaged over the cells of the grid that the layer is called on, so that a kernel keeps its size in the domain,
    whatever the number of points.

    **Arguments:**

    - `num_spatial_dims`: 1, 2 or 3.
    - `in_channels`, `out_channels`.
    - `radius`: `r`, as a fraction of the domain's length along the first axis. The distance of the points is taken from
      that axis alone, as its length over their number (those of padding included), and must be the same along the
      others.
    - `num_rings`: further radii beside the middle.
    - `num_angles`: functions a ring in two dimensions; in one dimension there are the two sides, in three none.
    - `periodic`: one bool for all axes, or one an axis; beyond the others the field is zero.
    - `key`: for the initial values, uniform in `+-1 / sqrt(in_channels basis)`.

    **Raises:** `ValueError` when the grid is so coarse that the radius does not reach the next point's cell.

    Liu-Schiaffini et al. 2024, arXiv:2402.16845; Ocampo et al. 2023, arXiv:2209.13603.
    """

    weight: Float[Array, "out_channel in_channel basis"]
    bias: Float[Array, " out_channel"]
    radius: float = eqx.field(static=True)
    num_rings: int = eqx.field(static=True)
    num_angles: int = eqx.field(static=True)
    periodic: tuple[bool, ...] = eqx.field(static=True)

    def __init__(
        self,
        num_spatial_dims: int,
        in_channels: int,
        out_channels: int,
        radius: float,
        num_rings: int = 1,
        num_angles: int = 4,
        periodic: bool | tuple[bool, ...] = True,
        *,
        key: PRNGKeyArray,
    ):
        if radius <= 0 or num_rings < 1 or num_angles < 1:
            raise ValueError(
                f"Needed: a positive radius, at least one ring and one angle; got {radius}, {num_rings}, {num_angles}."
            )
        num_angles = {1: 2, 2: num_angles, 3: 1}[num_spatial_dims]
        shape = (out_channels, in_channels, 1 + num_rings * num_angles)
        self.weight, self.bias = uniform_weight_and_bias(shape, math.prod(shape[1:]), key=key)
        self.radius = radius
        self.num_rings = num_rings
        self.num_angles = num_angles
        self.periodic = per_axis(periodic, num_spatial_dims)

    def __call__(self, x: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        basis = self.basis(x.shape[1])
        kernel = jnp.tensordot(self.weight, jnp.asarray(basis, self.weight.dtype), 1)
        y = padded_convolve(x, kernel, self.periodic)
        return y + jnp.expand_dims(self.bias, range(1, x.ndim))

    def basis(self, num_points: int) -> Float[np.ndarray, "basis *kernel"]:
        """Integrals of the basis functions over the cells around a point, on a grid of so many points a length."""
        dims, reach = len(self.periodic), self.radius * num_points  # in points
        half = math.floor(reach + 0.5)
        if half < 1:
            raise ValueError(
                f"A radius of {self.radius} lengths is {reach:.2f} points on a grid of {num_points}; it must be half a "
                "point at least. Take a finer grid or a larger radius."
            )
        fine = (np.arange((2 * half + 1) * SUBSAMPLES) + 0.5) / SUBSAMPLES - half - 0.5
        places = np.stack(np.meshgrid(*(fine,) * dims, indexing="ij")) / reach
        functions = _hats(places, self.num_rings, self.num_angles)
        cells = functions.reshape(len(functions), *(2 * half + 1, SUBSAMPLES) * dims)
        sums = cells.sum(axis=tuple(range(2, 2 * dims + 1, 2)))
        return sums / sums.sum(axis=tuple(range(1, dims + 1)), keepdims=True)


def _hats(
    places: Float[np.ndarray, "axis *space"], num_rings: int, num_angles: int
) -> Float[np.ndarray, "basis *space"]:
    """Hat functions of radius and angle on the unit ball; the outermost ring falls to zero at its border."""
    radius = (num_rings + 1) * np.linalg.norm(places, axis=0)
    functions = [np.maximum(1.0 - radius, 0.0)]
    for ring in range(1, num_rings + 1):
        along_radius = np.maximum(1.0 - abs(radius - ring), 0.0)
        functions.extend(along_radius * part for part in _around(places, num_angles))
    return np.stack(functions)


def _around(places: Float[np.ndarray, "axis *space"], num_angles: int) -> list[np.ndarray]:
    """Hat functions of the direction, which add up to one."""
    if len(places) == 1:
        return [(places[0] > 0).astype(float), (places[0] < 0).astype(float)]
    if len(places) == 3 or num_angles == 1:
        return [np.ones(places.shape[1:])]
    turns = np.arctan2(places[1], places[0]) / (2.0 * math.pi) * num_angles
    distances = [(turns - which + num_angles / 2) % num_angles - num_angles / 2 for which in range(num_angles)]
    return [np.maximum(1.0 - abs(distance), 0.0) for distance in distances]
