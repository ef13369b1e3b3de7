"""The factorised Fourier neural operator."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.surrogates.layers.coordinates import append_coordinates
from fieldcast.surrogates.layers.spectral_conv import FactorisedSpectralConv
from fieldcast.surrogates.layers.weight_norm import WeightNormPointwise
from fieldcast.surrogates.operators.field_check import check_field


class FFNO(eqx.Module):
    """Many layers, each a sum of one-dimensional spectral convolutions and a pointwise perceptron.

    `y_l = V_2 ReLU(V_1 sum_a K_a x_l)`,   `x_{l+1} = x_l + y_l`,   `u_next = Q_2 Q_1 y_L`

    The convolutions along single axes have so few weights that 24 layers fit where a plain FNO has four; they may even
    share them. All pointwise maps have normalised weights.

    **Arguments:**

    - `in_channels`, `out_channels`.
    - `num_spatial_dims`: 1, 2 or 3.
    - `modes`: number of Fourier coefficients along each axis, `k = 0` included.
    - `width`: channels of the layers.
    - `num_layers`: `L`.
    - `shared`: whether all layers use the same spectral weights.
    - `factor`: the hidden layer of the perceptrons is `factor` times as wide.
    - `head_width`: between `Q_1` and `Q_2`.
    - `coordinates`: whether the model sees where it is.
    - `key`.

    Good values: 24 layers, 32 modes, width 96. Published models see coordinates that are standardised and include the
    last point; here they go from zero to one without it, as in `FNO`, so that they do not depend on the grid.

    **Raises:** `ValueError` when channels or axes do not fit.

    Tran et al. 2023, arXiv:2111.13802.
    """

    lift: WeightNormPointwise
    spectral: tuple[FactorisedSpectralConv, ...]
    perceptrons: tuple[tuple[WeightNormPointwise, WeightNormPointwise], ...]
    project: tuple[WeightNormPointwise, WeightNormPointwise]
    in_channels: int = eqx.field(static=True)
    num_spatial_dims: int = eqx.field(static=True)
    coordinates: bool = eqx.field(static=True)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_spatial_dims: int = 2,
        modes: int = 32,
        width: int = 96,
        num_layers: int = 24,
        shared: bool = False,
        factor: int = 4,
        head_width: int = 128,
        coordinates: bool = True,
        *,
        key: PRNGKeyArray,
    ):
        lift_key, spectral_key, *keys, first_key, second_key = jax.random.split(key, num_layers + 4)
        seen = in_channels + num_spatial_dims if coordinates else in_channels
        self.lift = WeightNormPointwise(seen, width, key=lift_key)
        self.spectral = tuple(
            FactorisedSpectralConv(width, width, num_spatial_dims, modes, 0.1, key=k)
            for k in jax.random.split(spectral_key, 1 if shared else num_layers)
        )
        self.perceptrons = tuple(_perceptron(width, factor * width, key=k) for k in keys)
        self.project = (
            WeightNormPointwise(width, head_width, key=first_key),
            WeightNormPointwise(head_width, out_channels, key=second_key),
        )
        self.in_channels = in_channels
        self.num_spatial_dims = num_spatial_dims
        self.coordinates = coordinates

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        check_field("FFNO", u.shape, self.in_channels, self.num_spatial_dims)
        x = y = self.lift(append_coordinates(u) if self.coordinates else u)
        for layer, (first, second) in enumerate(self.perceptrons):
            y = second(jax.nn.relu(first(self.spectral[layer % len(self.spectral)](x))))
            x = x + y
        return self.project[1](self.project[0](y))


def _perceptron(width: int, hidden: int, *, key: PRNGKeyArray) -> tuple[WeightNormPointwise, WeightNormPointwise]:
    first_key, second_key = jax.random.split(key)
    return WeightNormPointwise(width, hidden, key=first_key), WeightNormPointwise(hidden, width, key=second_key)
