"""Coordinates as sines and cosines."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def fourier_features(coordinates: Float[Array, "point axis"], num_frequencies: int) -> Float[Array, "point feature"]:
    """Encode coordinates at doubling frequencies, and keep them as they are beside.

    `features(x) = (x, sin(2^k pi x), cos(2^k pi x))`, with `k = 0 ... num_frequencies - 1`

    **Arguments:**

    - `coordinates`: within [-1, 1] along each axis [-].
    - `num_frequencies`: how many octaves. The last has a wavelength of `2^(2 - num_frequencies)`; one much shorter
      than the grid spacing (in these coordinates) carries nothing but noise.

    **Returns:** `num_axes (1 + 2 num_frequencies)` features a point: 51 for three axes and eight frequencies.

    Mildenhall et al. 2020, arXiv:2003.08934.
    """
    frequencies = jnp.asarray(np.pi * 2.0 ** np.arange(num_frequencies), dtype=coordinates.dtype)
    phases = (coordinates[:, :, None] * frequencies[None, None, :]).reshape(coordinates.shape[0], -1)
    return jnp.concatenate([coordinates, jnp.sin(phases), jnp.cos(phases)], axis=1)


def num_fourier_features(num_axes: int, num_frequencies: int) -> int:
    """How many features `fourier_features` gives for each point."""
    return num_axes * (1 + 2 * num_frequencies)
