"""Fourier neural operators with local kernels beside the global ones."""

from collections.abc import Sequence

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.fourier_block import FourierBlock
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.layers.pointwise_perceptron import PointwisePerceptron
from fieldcast.surrogates.operators.fourier_network import FourierNetwork


class LocalFNO(eqx.Module):
    """A Fourier neural operator whose layers have, beside the global convolution, a local operator.

    `u_next = Q B_L ... B_1 P (u, x)`,   `B = GELU(MLP(v) + w x)`,   `v = GELU(K x + W x + D x)`

    `D` is a differential operator or an integral over a small ball: it sees what is finer than the modes of `K`, and
    it is still an operator between functions, so that answers converge as the grid is refined.

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `modes`: number of Fourier coefficients along each of 1 to 3 axes, both signs counted.
    - `local`: one `DifferentialConv` or `LocalIntegralConv` from `width` to `width` channels, or `None`, a layer.
    - `width`: channels of the blocks.
    - `hidden_width`: of the perceptrons `P` and `Q`.
    - `coordinates`: whether the model sees where it is.
    - `padding`: room beside the domain, for axes that are not periodic.
    - `key`.

    Good values: the integrals in every layer, over two points a radius at the training resolution; the differences in
    the last layer only.

    **Raises:** `ValueError` when channels or axes do not fit, or a grid is too coarse for the local integrals.

    Liu-Schiaffini et al. 2024, arXiv:2402.16845.
    """

    network: FourierNetwork

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modes: tuple[int, ...],
        local: Sequence[DifferentialConv | LocalIntegralConv | None],
        width: int,
        hidden_width: int = 256,
        coordinates: bool = True,
        padding: DomainPadding | None = None,
        *,
        key: PRNGKeyArray,
    ):
        lift_key, project_key, *keys = jax.random.split(key, len(local) + 2)
        dims = len(modes)
        seen = in_channels + dims if coordinates else in_channels
        blocks = [
            FourierBlock(width, modes, operator, outer_activation=layer < len(local) - 1, key=keys[layer])
            for layer, operator in enumerate(local)
        ]
        self.network = FourierNetwork(
            "LocalFNO",
            in_channels,
            dims,
            PointwisePerceptron(seen, hidden_width, width, key=lift_key),
            tuple(blocks),
            PointwisePerceptron(width, hidden_width, out_channels, key=project_key),
            coordinates,
            padding,
        )

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.network(u)
