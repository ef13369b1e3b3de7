"""From computed tomography to acoustic maps: published mappings, each under its authors' names."""

import abc
import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.head import BONE_THRESHOLD, Head
from fieldcast.simulators.acoustics.medium import WATER, Medium, Tissue


class TissueMapping(eqx.Module):
    """How CT numbers become acoustic properties: `medium = mapping(head, frequency)`."""

    @abc.abstractmethod
    def __call__(self, head: Head, frequency: float) -> Medium:
        """The medium of `head` at the working `frequency` [Hz]."""

    def settings(self) -> dict[str, Any]:
        """The mapping's name and constants, in a form that JSON can hold; `mapping_from` makes the mapping again."""
        return {"name": type(self).__name__, **dataclasses.asdict(self)}


class MarsacMueller(TissueMapping):
    """Marsac's density and sound speed with Mueller's attenuation, linear in the CT number.

    With `h` the CT number [HU] clipped to `[bone_threshold, hounsfield_max]`:

        rho   = rho_min + (rho_max - rho_min) h / h_max
        c     = c_min + (c_max - c_min) (rho - rho_min) / (rho_max - rho_min)
        alpha = a_min + (a_max - a_min) sqrt(1 - (h - h_min) / (h_max - h_min))

    A published summary of the TFUScapes pipeline sets the root inside the bracket instead,
    `1 - sqrt((h - h_min) / (h_max - h_min))`; at 1000 HU that is 5.68 instead of 7.61 dB/(MHz^y cm). The code the
    pipeline most likely descends from has the form above; `root_inside=True` gives the other.

    Everything below the threshold is `soft_tissue` inside the head and `WATER` outside.

    **Arguments:**

    - `sound_speed_min`, `sound_speed_max` [m/s]; `density_min`, `density_max` [kg/m^3].
    - `attenuation_min`, `attenuation_max` [dB/(MHz^y cm)], `attenuation_power` (y).
    - `bone_threshold`, `hounsfield_max` [HU]: the valid range; denser voxels count as `hounsfield_max`.

    Sources: Marsac et al., Int. J. Hyperthermia 33(6), 2017, doi:10.1080/02656736.2017.1295322; Mueller et al.,
    J. Neural Eng. 14, 2017, doi:10.1088/1741-2552/aa843e; constants as in Yaakub et al., Brain Stimulation 16, 2023,
    doi:10.1016/j.brs.2023.07.052.
    """

    sound_speed_min: float = eqx.field(static=True, default=1500.0)
    sound_speed_max: float = eqx.field(static=True, default=3100.0)
    density_min: float = eqx.field(static=True, default=1000.0)
    density_max: float = eqx.field(static=True, default=1900.0)
    attenuation_min: float = eqx.field(static=True, default=4.0)
    attenuation_max: float = eqx.field(static=True, default=8.7)
    attenuation_power: float = eqx.field(static=True, default=1.43)
    bone_threshold: float = eqx.field(static=True, default=BONE_THRESHOLD)
    hounsfield_max: float = eqx.field(static=True, default=2000.0)
    root_inside: bool = eqx.field(static=True, default=False)
    soft_tissue: Tissue = eqx.field(static=True, default=WATER)

    def __call__(self, head: Head, frequency: float) -> Medium:
        hounsfield = jnp.clip(head.hounsfield, self.bone_threshold, self.hounsfield_max)
        density = self.density_min + (self.density_max - self.density_min) * hounsfield / self.hounsfield_max
        fraction = (density - self.density_min) / (self.density_max - self.density_min)
        sound_speed = self.sound_speed_min + (self.sound_speed_max - self.sound_speed_min) * fraction
        bone = head.hounsfield >= self.bone_threshold
        tissue = self.soft_tissue
        # The interior needs a concrete CT; water needs no interior, and stays differentiable in a traced one.
        inside = jnp.asarray(head.interior) if tissue != WATER else jnp.zeros(head.grid.shape, dtype=bool)

        def compose(in_bone: Float[Array, "*space"], in_tissue: float, in_water: float) -> Float[Array, "*space"]:
            return jnp.where(bone, in_bone, jnp.where(inside, in_tissue, in_water))

        return Medium(
            sound_speed=compose(sound_speed, tissue.sound_speed, WATER.sound_speed),
            density=compose(density, tissue.density, WATER.density),
            attenuation=compose(
                self._bone_attenuation(hounsfield), tissue.attenuation_for(self.attenuation_power, frequency), 0.0
            ),
            attenuation_power=self.attenuation_power,
            grid=head.grid,
        )

    def _bone_attenuation(self, hounsfield: Float[Array, "*space"]) -> Float[Array, "*space"]:
        """Attenuation of bone [dB/(MHz^y cm)], densest bone least."""
        fraction = (hounsfield - self.bone_threshold) / (self.hounsfield_max - self.bone_threshold)
        # The root's slope is infinite at zero; the inner `where` keeps gradients finite there.
        radicand = fraction if self.root_inside else 1.0 - fraction
        root = jnp.where(radicand > 0, jnp.sqrt(jnp.where(radicand > 0, radicand, 1.0)), 0.0)
        porosity = 1.0 - root if self.root_inside else root
        return self.attenuation_min + (self.attenuation_max - self.attenuation_min) * porosity


def mapping_from(settings: dict[str, Any]) -> TissueMapping:
    """The mapping whose `settings` are given.

    **Raises:** `ValueError` when this version does not know it.
    """
    known = {mapping.__name__: mapping for mapping in (MarsacMueller,)}
    settings = dict(settings)
    name = settings.pop("name")
    if name not in known:
        raise ValueError(f"There is no mapping named {name!r}; this version knows {sorted(known)}.")
    return known[name](**settings | {"soft_tissue": Tissue(**settings["soft_tissue"])})
