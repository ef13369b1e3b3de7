"""Random smoke, from which the flows of PDEArena start."""

import math

import jax.numpy as jnp
import jax.random as jrandom
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.closed_box import ClosedBox

LOWEST_FREQUENCY = 0.1
"""Squared frequency, in waves per `scale`, up to which nothing is kept."""


def random_smoke(
    box: ClosedBox, *, key: PRNGKeyArray, scale: float = 11.0, smoothness: float = 6.0, dtype: DTypeLike = float
) -> Float[Array, "3 x y"]:
    """The magnitude of smooth noise, and air at rest.

        s = |g| / std(g),   g^(f) = |f|^(-2 smoothness) w^(f) for |f|^2 > 0.1, else 0

    `w` is white noise and `f` counts waves per `scale`. With the default settings in a box of 32 by 32, that of
    PDEArena, this is little more than the longest waves of the box. The noise is periodic across the box, as it is
    there.

    **Arguments:**

    - `box`: where the smoke is.
    - `key`: of the noise.
    - `scale`: size of the fluctuations, in the unit of the box.
    - `smoothness`: how fast short waves fall off.

    **Returns:** fields for `BuoyantSmoke.encode`.

    Source: the random fields of PhiFlow (`Noise`), with PDEArena's settings, arXiv:2209.15616.
    """
    noise = jnp.fft.rfftn(jrandom.normal(key, box.num_points, dtype))
    wavenumber_x, wavenumber_y = spectral.wavenumbers(box.num_points, box.spacing)
    squared = jnp.asarray((wavenumber_x**2 + wavenumber_y**2) * (scale / (2.0 * math.pi)) ** 2, dtype)
    kept = squared > LOWEST_FREQUENCY
    weight = jnp.where(kept, jnp.where(kept, squared, 1.0) ** -smoothness, 0.0)
    field = jnp.fft.irfftn(spectral.scaled(noise, weight), s=box.num_points)
    smoke = jnp.abs(field / jnp.std(field))
    return jnp.stack([smoke, jnp.zeros_like(smoke), jnp.zeros_like(smoke)])
