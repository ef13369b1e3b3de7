"""Convolution whose kernels depend on a token."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.depthwise import depthwise_convolve
from fieldcast.surrogates.layers.initialisation import zero_initialised


class DynamicConv(eqx.Module):
    """A depthwise convolution whose kernels a small network predicts from a token.

    `y[c] = (delta + k[c](token)) * x[c]`, where the `k` of all channels are the output of a two-layer perceptron

    The perceptron's last layer is zero at initialisation, so the layer starts as the identity.

    **Arguments:**

    - `num_spatial_dims`: 1, 2 or 3.
    - `token_width`: size of the token, and of the hidden layer.
    - `channels`.
    - `kernel_size`: odd number of grid points along every axis.
    - `key`.

    Chen et al. 2020, arXiv:1912.03458 (dynamic convolution).
    """

    perceptron: eqx.nn.MLP
    kernel_shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(
        self, num_spatial_dims: int, token_width: int, channels: int, kernel_size: int = 3, *, key: PRNGKeyArray
    ):
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"The kernel size must be odd, so that the kernel has a middle; got {kernel_size}.")
        self.kernel_shape = (channels, *(kernel_size,) * num_spatial_dims)
        num_taps = channels * kernel_size**num_spatial_dims
        perceptron = eqx.nn.MLP(token_width, num_taps, token_width, depth=1, activation=jax.nn.gelu, key=key)
        self.perceptron = eqx.tree_at(lambda m: m.layers[-1], perceptron, replace_fn=zero_initialised)

    def kernel(self, token: Float[Array, " token"]) -> Float[Array, "channel *kernel"]:
        """The kernels that belong to a token."""
        middle = (slice(None), *(size // 2 for size in self.kernel_shape[1:]))
        return self.perceptron(token).reshape(self.kernel_shape).at[middle].add(1.0)

    def __call__(
        self, x: Float[Array, "channel *space"], token: Float[Array, " token"]
    ) -> Float[Array, "channel *space"]:
        return depthwise_convolve(x, self.kernel(token))
