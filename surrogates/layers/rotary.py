"""Rotary embedding of physical coordinates."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def rotate(
    x: Float[Array, "... point feature"], coordinates: Float[np.ndarray, " point"], smallest_length: float = 1 / 64
) -> Float[Array, "... point feature"]:
    """Turn pairs of features by angles in proportion to the coordinate, so that products see distances only.

    `(x_j, x_{j + D/2})` is turned by `theta_j = r / smallest_length 10000^(-2 j / D)`, `j = 0 ... D / 2 - 1`; then
    `rotate(q, r) . rotate(k, s)` depends on `r - s`.

    **Arguments:**

    - `x`: an even number `D` of features at each point.
    - `coordinates`: `r`.
    - `smallest_length`: over which the fastest pair turns by one radian.

    Su et al. 2021, arXiv:2104.09864.
    """
    half = x.shape[-1] // 2
    angles = np.multiply.outer(coordinates / smallest_length, 10_000.0 ** (-np.arange(half) / half))
    cosine, sine = (jnp.expand_dims(jnp.asarray(f(angles), x.dtype), range(x.ndim - 2)) for f in (np.cos, np.sin))
    first, second = x[..., :half], x[..., half:]
    return jnp.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)
