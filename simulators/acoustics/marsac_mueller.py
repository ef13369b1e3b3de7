"""Marsac's and Mueller's mapping."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.head import BONE_THRESHOLD
from fieldcast.simulators.acoustics.medium import WATER, Tissue
from fieldcast.simulators.acoustics.tissue_mapping import TissueMapping


class MarsacMueller(TissueMapping):
    """Marsac's density and sound speed with Mueller's attenuation, linear in the CT number.

    With `h` the CT number [HU] clipped to `[bone_threshold, hounsfield_max]`:

        rho   = rho_min + (rho_max - rho_min) h / h_max
        c     = c_min + (c_max - c_min) (rho - rho_min) / (rho_max - rho_min)
        alpha = a_min + (a_max - a_min) sqrt(1 - (h - h_min) / (h_max - h_min))

    A published summary of the TFUScapes pipeline sets the root inside the bracket instead,
    `1 - sqrt((h - h_min) / (h_max - h_min))`; at 1000 HU that is 5.68 instead of 7.61 dB/(MHz^y cm). The code the
    pipeline most likely descends from has the form above; `root_inside=True` gives the other.

    **Arguments:**

    - `sound_speed_min`, `sound_speed_max` [m/s]; `density_min`, `density_max` [kg/m^3].
    - `attenuation_min`, `attenuation_max` [dB/(MHz^y cm)], `attenuation_power` (y).
    - `bone_threshold`, `hounsfield_max` [HU]: the valid range.
    - `root_inside`: the other form of the attenuation.
    - `soft_tissue`: of everything else inside the head.

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

    @property
    def valid_range(self) -> tuple[float, float]:
        return self.bone_threshold, self.hounsfield_max

    def bone(
        self, hounsfield: Float[Array, "*space"], frequency: float
    ) -> tuple[Float[Array, "*space"], Float[Array, "*space"], Float[Array, "*space"]]:
        """Sound speed [m/s], density [kg/m^3] and attenuation [dB/(MHz^y cm)]; densest bone attenuates least."""
        density = self.density_min + (self.density_max - self.density_min) * hounsfield / self.hounsfield_max
        fraction = (density - self.density_min) / (self.density_max - self.density_min)
        sound_speed = self.sound_speed_min + (self.sound_speed_max - self.sound_speed_min) * fraction
        fraction = (hounsfield - self.bone_threshold) / (self.hounsfield_max - self.bone_threshold)
        root = safe_sqrt(fraction if self.root_inside else 1.0 - fraction)
        porosity = 1.0 - root if self.root_inside else root
        return sound_speed, density, self.attenuation_min + (self.attenuation_max - self.attenuation_min) * porosity


def safe_sqrt(x: Float[Array, "*space"]) -> Float[Array, "*space"]:
    """The root, whose slope at zero is taken as zero: the true one is infinite, and would spoil gradients."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)
