"""What Fourier neural operators have in common: lift, blocks over a padded domain, project."""

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array, Float

from fieldcast.surrogates.layers.coordinates import append_coordinates
from fieldcast.surrogates.layers.domain_padding import DomainPadding
from fieldcast.surrogates.operators.field_check import check_field


class FourierNetwork(eqx.Module):
    """`u_next = Q crop(B_L ... B_1 pad(P (u, x)))`

    **Arguments:**

    - `name`: of the model, for messages.
    - `in_channels`, `num_spatial_dims`: what `u` must have.
    - `lift`: `P`, of the field with its coordinates, where `coordinates` is true.
    - `blocks`: `B_l`.
    - `project`: `Q`.
    - `coordinates`: whether the model sees where it is.
    - `padding`: room beside the domain for the blocks, or `None`.
    """

    name: str = eqx.field(static=True)
    in_channels: int = eqx.field(static=True)
    num_spatial_dims: int = eqx.field(static=True)
    lift: eqx.Module
    blocks: tuple[Callable[[Array], Array], ...]
    project: eqx.Module
    coordinates: bool = eqx.field(static=True)
    padding: DomainPadding | None = None

    def __call__(self, u: Float[Array, "in_channel *space"]) -> Float[Array, "out_channel *space"]:
        check_field(self.name, u.shape, self.in_channels, self.num_spatial_dims)
        x = self.lift(append_coordinates(u) if self.coordinates else u)
        if self.padding is not None:
            x = self.padding.pad(x)
        for block in self.blocks:
            x = block(x)
        if self.padding is not None:
            x = self.padding.crop(x, u.shape[1:])
        return self.project(x)
