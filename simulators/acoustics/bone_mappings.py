"""Other published mappings of bone, each under its authors' names."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.acoustics.head import BONE_THRESHOLD
from fieldcast.simulators.acoustics.marsac_mueller import safe_sqrt
from fieldcast.simulators.acoustics.medium import WATER, Tissue
from fieldcast.simulators.acoustics.tissue_mapping import TissueMapping


class AubryPorosity(TissueMapping):
    """Aubry's mapping: bone is water and cortical bone in proportion to its porosity.

    With `h` the CT number [HU] clipped to `[bone_threshold, hounsfield_max]`:

        phi   = 1 - h / h_max
        rho   = rho_water phi + rho_bone (1 - phi)
        c     = c_water phi + c_bone (1 - phi)
        alpha = a_min + (a_max - a_min) sqrt(phi)

    The original takes `h_max` from each image; one number for all keeps the maps of two heads comparable.

    **Arguments:**

    - `sound_speed_water`, `sound_speed_bone` [m/s]; `density_water`, `density_bone` [kg/m^3].
    - `attenuation_min`, `attenuation_max` [dB/(MHz^y cm)], `attenuation_power` (y).
    - `bone_threshold`, `hounsfield_max` [HU]: the valid range.
    - `soft_tissue`: of everything else inside the head.

    Source: Aubry et al., JASA 113(1), 2003, doi:10.1121/1.1529663; constants and the linear frequency law as
    BabelBrain has them.
    """

    sound_speed_water: float = eqx.field(static=True, default=1500.0)
    sound_speed_bone: float = eqx.field(static=True, default=3100.0)
    density_water: float = eqx.field(static=True, default=1000.0)
    density_bone: float = eqx.field(static=True, default=2200.0)
    attenuation_min: float = eqx.field(static=True, default=0.2)
    attenuation_max: float = eqx.field(static=True, default=8.0)
    attenuation_power: float = eqx.field(static=True, default=1.0)
    bone_threshold: float = eqx.field(static=True, default=BONE_THRESHOLD)
    hounsfield_max: float = eqx.field(static=True, default=2000.0)
    soft_tissue: Tissue = eqx.field(static=True, default=WATER)

    @property
    def valid_range(self) -> tuple[float, float]:
        return self.bone_threshold, self.hounsfield_max

    def bone(
        self, hounsfield: Float[Array, "*space"], frequency: float
    ) -> tuple[Float[Array, "*space"], Float[Array, "*space"], Float[Array, "*space"]]:
        """Sound speed [m/s], density [kg/m^3] and attenuation [dB/(MHz^y cm)]."""
        porosity = 1.0 - hounsfield / self.hounsfield_max
        return (
            self.sound_speed_water * porosity + self.sound_speed_bone * (1.0 - porosity),
            self.density_water * porosity + self.density_bone * (1.0 - porosity),
            self.attenuation_min + (self.attenuation_max - self.attenuation_min) * safe_sqrt(porosity),
        )


class KPlan(TissueMapping):
    """The mapping of k-Plan, also offered by PRESTUS: density by a calibration curve, sound speed from density.

        rho   = piecewise linear through (-990, 1.2), (60, 1060), (1000, 1530), (1950, 2150)    [HU, kg/m^3]
        c     = max(1.33 rho + 167, 1500)
        alpha = 13.3 dB/(MHz cm)

    The calibration curve is that of one scanner; another needs its own points.

    **Arguments:**

    - `calibration_hounsfield` [HU], `calibration_density` [kg/m^3]: points of the curve, increasing.
    - `sound_speed_slope` [m^4/(kg s)], `sound_speed_offset` [m/s].
    - `attenuation` [dB/(MHz^y cm)], `attenuation_power` (y).
    - `bone_threshold` [HU]: lower end of the valid range; its upper end is the last point of the curve.
    - `soft_tissue`: of everything else inside the head.

    Source: k-Plan, "simulation pipeline" of its documentation; PRESTUS, documentation of its pseudo-CT mappings.
    """

    calibration_hounsfield: tuple[float, ...] = eqx.field(static=True, default=(-990.0, 60.0, 1000.0, 1950.0))
    calibration_density: tuple[float, ...] = eqx.field(static=True, default=(1.2, 1060.0, 1530.0, 2150.0))
    sound_speed_slope: float = eqx.field(static=True, default=1.33)
    sound_speed_offset: float = eqx.field(static=True, default=167.0)
    attenuation: float = eqx.field(static=True, default=13.3)
    attenuation_power: float = eqx.field(static=True, default=1.0)
    bone_threshold: float = eqx.field(static=True, default=BONE_THRESHOLD)
    soft_tissue: Tissue = eqx.field(static=True, default=WATER)

    def __check_init__(self):
        hounsfield, density = self.calibration_hounsfield, self.calibration_density
        if len(hounsfield) != len(density) or len(hounsfield) < 2 or min(*np.diff(hounsfield), *np.diff(density)) <= 0:
            raise ValueError(f"A calibration curve needs increasing points, got {hounsfield} HU, {density} kg/m^3.")

    @property
    def valid_range(self) -> tuple[float, float]:
        return self.bone_threshold, self.calibration_hounsfield[-1]

    def bone(
        self, hounsfield: Float[Array, "*space"], frequency: float
    ) -> tuple[Float[Array, "*space"], Float[Array, "*space"], Float[Array, "*space"]]:
        """Sound speed [m/s], density [kg/m^3] and attenuation [dB/(MHz^y cm)]."""
        points = [
            jnp.asarray(values, hounsfield.dtype) for values in (self.calibration_hounsfield, self.calibration_density)
        ]
        density = jnp.interp(hounsfield, *points)
        sound_speed = jnp.maximum(self.sound_speed_slope * density + self.sound_speed_offset, WATER.sound_speed)
        return sound_speed, density, jnp.full_like(density, self.attenuation)


class McDannold(TissueMapping):
    """McDannold's mapping, fitted so that simulated heating agrees with that measured in 32 patients at 660 kHz.

    With the density `rho = 1013.66593 + 1.01237293 h` [kg/m^3] of the CT number `h` [HU] (air to tissue):

        1 / c = 1.24e-3 - 7.63e-7 rho + 1.69e-10 rho^2 + 5.31e-16 rho^3 - 2.79e-18 rho^4        [s/m]
        alpha = 5.71e3 - 9.02 rho + 5.40e-3 rho^2 - 1.41e-6 rho^3 + 1.36e-10 rho^4              [Np/m at 660 kHz]

    Constants and the linear frequency law as BabelBrain has them. They are given to three digits only: at 2000 kg/m^3,
    where the attenuation is 166 Np/m, their rounding may be worth up to half of it.

    **Arguments:**

    - `density_offset` [kg/m^3], `density_slope` [kg/(m^3 HU)].
    - `slowness`, `attenuation_660`: coefficients of the polynomials, lowest power first.
    - `bone_threshold`, `hounsfield_max` [HU]: the valid range.
    - `soft_tissue`: of everything else inside the head.

    Source: McDannold, White and Cosgrove, Phys. Rev. Research 1, 033205, 2019,
    doi:10.1103/PhysRevResearch.1.033205.
    """

    density_offset: float = eqx.field(static=True, default=1013.66593)
    density_slope: float = eqx.field(static=True, default=1.01237293)
    slowness: tuple[float, ...] = eqx.field(static=True, default=(1.24e-3, -7.63e-7, 1.69e-10, 5.31e-16, -2.79e-18))
    attenuation_660: tuple[float, ...] = eqx.field(static=True, default=(5.71e3, -9.02, 5.40e-3, -1.41e-6, 1.36e-10))
    bone_threshold: float = eqx.field(static=True, default=BONE_THRESHOLD)
    hounsfield_max: float = eqx.field(static=True, default=2000.0)
    soft_tissue: Tissue = eqx.field(static=True, default=WATER)

    @property
    def attenuation_power(self) -> float:
        return 1.0

    @property
    def valid_range(self) -> tuple[float, float]:
        return self.bone_threshold, self.hounsfield_max

    def bone(
        self, hounsfield: Float[Array, "*space"], frequency: float
    ) -> tuple[Float[Array, "*space"], Float[Array, "*space"], Float[Array, "*space"]]:
        """Sound speed [m/s], density [kg/m^3] and attenuation [dB/(MHz cm)]."""
        density = self.density_offset + self.density_slope * hounsfield
        nepers_per_metre = _polynomial(self.attenuation_660, density)
        decibels_per_neper = 20.0 / math.log(10.0)
        return (
            1.0 / _polynomial(self.slowness, density),
            density,
            nepers_per_metre * (1e-2 * decibels_per_neper / 0.66),
        )


class UniformBone(TissueMapping):
    """One kind of bone for the whole skull, whatever its CT number.

    **Arguments:**

    - `tissue`: the bone; default the skull of PRESTUS' and k-Plan's layered heads.
    - `bone_threshold` [HU]: bone lies above.
    - `soft_tissue`: of everything else inside the head.
    """

    tissue: Tissue = eqx.field(static=True, default=Tissue(2800.0, 1850.0, attenuation=13.3, attenuation_power=1.0))
    bone_threshold: float = eqx.field(static=True, default=BONE_THRESHOLD)
    soft_tissue: Tissue = eqx.field(static=True, default=WATER)

    @property
    def attenuation_power(self) -> float:
        return self.tissue.attenuation_power

    @property
    def valid_range(self) -> tuple[float, float]:
        return self.bone_threshold, math.inf

    def bone(
        self, hounsfield: Float[Array, "*space"], frequency: float
    ) -> tuple[Float[Array, "*space"], Float[Array, "*space"], Float[Array, "*space"]]:
        """Sound speed [m/s], density [kg/m^3] and attenuation [dB/(MHz^y cm)]."""
        tissue = self.tissue
        return tuple(jnp.full_like(hounsfield, x) for x in (tissue.sound_speed, tissue.density, tissue.attenuation))


def _polynomial(coefficients: tuple[float, ...], x: Float[Array, "*space"]) -> Float[Array, "*space"]:
    """Horner's scheme, lowest power first."""
    total = jnp.zeros_like(x)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total
