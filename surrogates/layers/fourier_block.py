"""One layer of a Fourier neural operator."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.pointwise_perceptron import PointwisePerceptron
from fieldcast.surrogates.layers.spectral_conv import SpectralConv


class FourierBlock(eqx.Module):
    """A global, a pointwise and, where there is one, a local linear map; then a perceptron with a gated way past it.

    `v = GELU(K x + W x + D x)`,   `y = GELU(MLP(v) + w x)`

    with a spectral convolution `K`, a matrix `W`, a local operator `D`, and one number `w_c` a channel, one at first.

    **Arguments:**

    - `channels`, `modes`: as in `SpectralConv`.
    - `local`: `D`, or `None`.
    - `inner_activation`, `outer_activation`: whether the GELUs are applied; the last layer of a model has none outside.
    - `key`.
    """

    spectral: SpectralConv
    matrix: Pointwise
    local: DifferentialConv | LocalIntegralConv | None
    perceptron: PointwisePerceptron
    gate: Float[Array, " channel"]
    inner_activation: bool = eqx.field(static=True)
    outer_activation: bool = eqx.field(static=True)

    def __init__(
        self,
        channels: int,
        modes: tuple[int, ...],
        local: DifferentialConv | LocalIntegralConv | None = None,
        inner_activation: bool = True,
        outer_activation: bool = True,
        *,
        key: PRNGKeyArray,
    ):
        spectral_key, matrix_key, perceptron_key = jax.random.split(key, 3)
        self.spectral = SpectralConv(channels, channels, modes, key=spectral_key)
        self.matrix = Pointwise(channels, channels, use_bias=False, key=matrix_key)
        self.local = local
        self.perceptron = PointwisePerceptron(channels, (channels + 1) // 2, channels, key=perceptron_key)
        self.gate = jnp.ones(channels)
        self.inner_activation = inner_activation
        self.outer_activation = outer_activation

    def __call__(self, x: Float[Array, "channel *space"]) -> Float[Array, "channel *space"]:
        y = self.spectral(x) + self.matrix(x)
        if self.local is not None:
            y = y + self.local(x)
        if self.inner_activation:
            y = gelu(y)
        y = self.perceptron(y) + x * jnp.expand_dims(self.gate, range(1, x.ndim))
        return gelu(y) if self.outer_activation else y
