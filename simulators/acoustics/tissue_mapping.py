"""The contract of all mappings from CT numbers to acoustic maps."""

import abc
import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.medium import WATER, Medium, Tissue


class TissueMapping(eqx.Module):
    """How CT numbers become acoustic properties: `medium = mapping(head, frequency)`.

    Voxels from the lower end of `valid_range` upwards are bone, and get the properties that `bone` finds from their CT
    number; denser ones than its upper end count as that end. Everything else is `soft_tissue` inside the head and
    `WATER` outside, whatever its CT number.
    """

    attenuation_power: eqx.AbstractVar[float]
    soft_tissue: eqx.AbstractVar[Tissue]
    valid_range: eqx.AbstractVar[tuple[float, float]]

    @abc.abstractmethod
    def bone(
        self, hounsfield: Float[Array, "*space"], frequency: float
    ) -> tuple[Float[Array, "*space"], Float[Array, "*space"], Float[Array, "*space"]]:
        """Sound speed [m/s], density [kg/m^3] and attenuation [dB/(MHz^y cm)] of bone.

        **Arguments:**

        - `hounsfield`: CT numbers within `valid_range` [HU].
        - `frequency`: the working frequency [Hz].
        """

    def __call__(self, head: Head, frequency: float) -> Medium:
        """The medium of `head` at the working `frequency` [Hz]."""
        lowest, highest = self.valid_range
        sound_speed, density, attenuation = self.bone(jnp.clip(head.hounsfield, lowest, highest), frequency)
        is_bone = head.hounsfield >= lowest
        tissue = self.soft_tissue
        # The interior needs a concrete CT; water needs no interior, and stays differentiable in a traced one.
        inside = jnp.asarray(head.interior) if tissue != WATER else jnp.zeros(head.grid.shape, dtype=bool)

        def compose(in_bone: Float[Array, "*space"], in_tissue: float, in_water: float) -> Float[Array, "*space"]:
            return jnp.where(is_bone, in_bone, jnp.where(inside, in_tissue, in_water))

        return Medium(
            sound_speed=compose(sound_speed, tissue.sound_speed, WATER.sound_speed),
            density=compose(density, tissue.density, WATER.density),
            attenuation=compose(attenuation, tissue.attenuation_for(self.attenuation_power, frequency), 0.0),
            attenuation_power=self.attenuation_power,
            grid=head.grid,
        )

    def settings(self) -> dict[str, Any]:
        """The mapping's name and constants, in a form that JSON can hold; `mapping_from` makes the mapping again."""
        return {"name": type(self).__name__, **dataclasses.asdict(self)}
