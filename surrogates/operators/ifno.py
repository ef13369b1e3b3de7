"""The implicit Fourier neural operator: one layer, many times."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.gelu import gelu
from fieldcast.surrogates.layers.pointwise import Pointwise
from fieldcast.surrogates.layers.pointwise_perceptron import PointwisePerceptron
from fieldcast.surrogates.layers.repeated import repeated
from fieldcast.surrogates.layers.spectral_conv import SpectralConv
from fieldcast.surrogates.operators.fourier_network import FourierNetwork


class IFNO(eqx.Module):
    """Lift, let one layer act `L` times by a small step each, project.

    `x <- x + GELU(K x + W x + b) / L`, `L` times

    All iterations share their weights, so the number of parameters does not depend on the depth, and the step of size
    `1 / L` makes deep models the integration of an equation in a fictitious time. Memory in training is that of the
    states alone: what happens within an iteration is computed again.

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `modes`: number of Fourier coefficients along each of 1 to 3 axes, both signs counted.
    - `width`: channels.
    - `num_iterations`: `L`.
    - `hidden_width`: of the perceptron that projects.
    - `coordinates`: whether the model sees where it is.
    - `padding`: room beside the domain, for axes that are not periodic.
    - `key`.

    Good values: width 80, 40 iterations in a turbulent channel. (Who used them left out the activation of the last
    iteration; here all iterations are the same.)

    **Raises:** `ValueError` when channels or axes do not fit.

    You et al. 2022, arXiv:2203.08205.
    """

    network: FourierNetwork

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modes: tuple[int, ...],
        width: int,
        num_iterations: int = 40,
        hidden_width: int = 128,
        coordinates: bool = True,
        padding: DomainPadding | None = None,
        *,
        key: PRNGKeyArray,
    ):
        lift_key, layer_key, project_key = jax.random.split(key, 3)
        seen = in_channels + len(modes) if coordinates else in_channels
        self.network = FourierNetwork(
            "IFNO",
            in_channels,
            len(modes),
            Pointwise(seen, width, key=lift_key),
            (ImplicitLayer(width, modes, num_iterations, key=layer_key),),
            PointwisePerceptron(width, hidden_width, out_channels, key=project_key),
            coordinates,
            padding,
        )

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.network(u)


class ImplicitLayer(eqx.Module):
    """`x <- x + GELU(K x + W x) / L`, `L` times, with the bias in `K`."""

    spectral: SpectralConv
    matrix: Pointwise
    num_iterations: int = eqx.field(static=True)

    def __init__(self, channels: int, modes: tuple[int, ...], num_iterations: int, *, key: PRNGKeyArray):
        spectral_key, matrix_key = jax.random.split(key)
        self.spectral = SpectralConv(channels, channels, modes, key=spectral_key)
        self.matrix = Pointwise(channels, channels, use_bias=False, key=matrix_key)
        self.num_iterations = num_iterations

    def __call__(self, x: Float[Array, "channel *space"]) -> Float[Array, "channel *space"]:
        def step(x: Array) -> Array:
            return x + gelu(self.spectral(x) + self.matrix(x)) / self.num_iterations

        return repeated(step, x, self.num_iterations)
