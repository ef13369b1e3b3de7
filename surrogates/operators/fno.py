"""The Fourier neural operator."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.layers.fourier_block import FourierBlock
from fieldcast.surrogates.layers.pointwise_perceptron import PointwisePerceptron
from fieldcast.surrogates.operators.fourier_network import FourierNetwork


class FNO(eqx.Module):
    """Lift, alternate between convolutions of the lowest frequencies and pointwise maps, project.

    `u_next = Q B_L ... B_1 P (u, x)`,   `B = GELU(MLP(v) + w x)`,   `v = GELU(K x + W x)`

    A function-space model: nothing in it depends on the grid, so the same weights give the same answer at any
    resolution that holds the field. It sees no detail finer than its modes, except through the pointwise maps.

    **Arguments:**

    - `in_channels`, `out_channels`: of the field; history is stacked in the channels.
    - `modes`: number of Fourier coefficients along each of 1 to 3 axes, both signs counted.
    - `width`: channels of the blocks.
    - `num_layers`: `L`; the last block has no activations.
    - `hidden_width`: of the perceptrons `P` and `Q`.
    - `coordinates`: whether the model sees where it is; without them it commutes with shifts of a periodic field.
    - `padding`: room beside the domain, for axes that are not periodic.
    - `key`.

    Good values: 16 to 64 modes an axis, width 32 to 128, four layers.

    **Raises:** `ValueError` when channels or axes do not fit.

    Li et al. 2021, arXiv:2010.08895; the block with the gated way is that of Kossaifi et al. 2024, arXiv:2412.10354.
    """

    network: FourierNetwork

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        modes: tuple[int, ...],
        width: int,
        num_layers: int = 4,
        hidden_width: int = 256,
        coordinates: bool = True,
        padding: DomainPadding | None = None,
        *,
        key: PRNGKeyArray,
    ):
        lift_key, project_key, *keys = jax.random.split(key, num_layers + 2)
        dims = len(modes)
        seen = in_channels + dims if coordinates else in_channels
        active = [layer < num_layers - 1 for layer in range(num_layers)]
        self.network = FourierNetwork(
            "FNO",
            in_channels,
            dims,
            PointwisePerceptron(seen, hidden_width, width, key=lift_key),
            tuple(FourierBlock(width, modes, None, on, on, key=k) for on, k in zip(active, keys, strict=True)),
            PointwisePerceptron(width, hidden_width, out_channels, key=project_key),
            coordinates,
            padding,
        )

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        return self.network(u)
