"""Room beside the domain, so that what is not periodic may be treated as if it were."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class DomainPadding(eqx.Module):
    """Zeros after the end of each axis, as wide as a fraction of the domain.

    A spectral convolution takes a field for periodic; with room between its end and its beginning the two meet less.
    The fraction is one of the domain, not a number of points, so that the padded domain is the same at any resolution.

    **Arguments:** `fractions`: of the length of each axis; zero along periodic axes, 0.1 to 0.25 along others.
    """

    fractions: tuple[float, ...] = eqx.field(static=True)

    def __check_init__(self):
        if any(fraction < 0 for fraction in self.fractions):
            raise ValueError(f"Fractions of the domain are not negative, got {self.fractions}.")

    def pad(self, x: Float[Array, "channel *space"]) -> Float[Array, "channel *padded"]:
        """Append the zeros."""
        added = [round(fraction * n) for fraction, n in zip(self.fractions, x.shape[1:], strict=True)]
        return jnp.pad(x, [(0, 0), *((0, n) for n in added)])

    def crop(self, x: Float[Array, "channel *padded"], shape: tuple[int, ...]) -> Float[Array, "channel *space"]:
        """Take them away again: back to a grid of `shape`."""
        return x[(slice(None), *(slice(n) for n in shape))]
