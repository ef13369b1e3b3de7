"""The absorbing boundary layer of the steady-state equations: the time-domain scheme's, as rates."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer


def layer_absorption(
    layer: PerfectlyMatchedLayer, shape: tuple[int, ...], dtype: jnp.dtype, *, staggered: bool
) -> tuple[Float[Array, "..."], ...]:
    """Absorption along each axis [Np per grid point at c_ref], shaped to broadcast against the field.

    **Arguments:**

    - `shape`: points of the grid without its layer.
    - `staggered`: at points half a spacing further along the axis.
    """
    # The factor of half a step in which a wave at c_ref advances by one point is exp(-absorption / 2).
    factors = layer.damping(shape, jnp.ones((), dtype), staggered=staggered)
    return tuple(-2.0 * jnp.log(factor) for factor in factors)


def layer_depth(layer: PerfectlyMatchedLayer, shape: tuple[int, ...], dtype: jnp.dtype) -> Float[Array, "*space"]:
    """How deep in the layer a point lies, from 0 (not in it) to 1: `1 - prod_i (1 - s_i^2)`."""
    outside = jnp.ones((), dtype)
    for absorption in layer_absorption(layer, shape, dtype, staggered=False):
        square = jnp.sqrt(absorption / layer.strength) if layer.strength > 0 else jnp.zeros_like(absorption)
        outside = outside * (1.0 - jnp.minimum(square, 1.0))
    return 1.0 - outside


def outgoing(
    pressure: Complex[Array, "*inner"],
    layer: PerfectlyMatchedLayer,
    wavenumber: Float[Array, ""],
    reference: Float[Array, ""],
) -> Complex[Array, "*outer"]:
    """A field continued into the layer around its grid as waves that run straight outwards.

    **Arguments:**

    - `wavenumber`: of those waves; `reference`: of waves at c_ref [rad per grid point].
    """
    shape, padding = pressure.shape, layer.padding(pressure.shape)
    pressure = jnp.pad(pressure, padding, mode="edge")
    if not layer.outside:
        return pressure
    for absorption, (low, high) in zip(
        layer_absorption(layer, shape, wavenumber.dtype, staggered=False), padding, strict=True
    ):
        along = absorption.reshape(-1) * (wavenumber / reference)
        before, after = along[:low], along[along.size - high :]
        damping = jnp.concatenate(
            [jnp.cumsum(before[::-1])[::-1], jnp.zeros(along.size - low - high, along.dtype), jnp.cumsum(after)]
        )
        steps = jnp.concatenate(
            [jnp.arange(low, 0, -1), jnp.zeros(along.size - low - high, int), jnp.arange(1, high + 1)]
        )
        factor = jnp.exp(jax.lax.complex(-damping, -wavenumber * steps.astype(along.dtype)))
        pressure = pressure * factor.reshape(absorption.shape)
    return pressure
