"""The Gaussian error linear unit."""

import math

import jax
from jaxtyping import Array, Float


@jax.checkpoint  # a gradient keeps the argument alone, which is less work than to write and read what follows from it
def gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """`x Phi(x)`, with the distribution function `Phi(x) = (1 + erf(x / sqrt(2))) / 2` of a normal variable.

    `jax.nn.gelu(x, approximate=False)` uses `erfc` instead, which is accurate also relative to an answer near zero, and
    on a CPU costs several times more, most of all in a gradient. Here errors are round-off relative to `x`.

    Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """
    return 0.5 * x * (1.0 + jax.lax.erf(x * math.sqrt(0.5)))
