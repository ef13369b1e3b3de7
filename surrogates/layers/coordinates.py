"""Where a point lies, as further channels."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def append_coordinates(x: Float[Array, "channel *space"]) -> Float[Array, "channels_and_axes *space"]:
    """Append one channel an axis, `n / N` at point `n` of `N`: the place in the domain, whatever the resolution.

    A model that sees where it is can learn what depends on the place; it no longer commutes with shifts.
    """
    places = np.meshgrid(*(np.arange(n) / n for n in x.shape[1:]), indexing="ij")
    return jnp.concatenate([x, jnp.asarray(np.stack(places), x.dtype)])
