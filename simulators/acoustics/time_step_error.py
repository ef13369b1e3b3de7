"""Cancel a k-space scheme's time-step error at one frequency by adjusting the maps it is given."""

import math

import numpy as np
from jaxtyping import Array, ArrayLike, Float

Map = Float[Array, "*space"] | Float[np.ndarray, "*space"]


def compensate(
    sound_speed: Map,
    density: Map,
    attenuation: Map,
    attenuation_power: float,
    angular_step: float,
    reference_sound_speed: ArrayLike | None = None,
) -> tuple[Map, Map, Map]:
    """Maps with which a wave of one frequency travels, reflects and decays in the scheme as in the given maps.

    The k-space scheme is exact only where the sound speed equals the reference, its largest value. Elsewhere, with
    `x = c_ref omega dt / (2 c)`, a wave of frequency omega has, instead of the speed c, impedance rho c and
    attenuation alpha0 omega^y, those of the first three equations; all are right again for the maps of the last:

        sin(omega dt / 2) = (c' / c_ref) sin(x),   Z = rho' c',
        alpha = alpha0' omega^y (c' / c)^(y - 1) sin(omega dt / 2) / (omega dt / 2) / (x cot(x))

        c' = c_ref sin(omega dt / 2) / sin(x),   rho' = rho c / c',   alpha0' = alpha0 omega^y / alpha

    With 16 steps a period and bone of 3100 m/s the error in water is 2 % of the wavelength without this.

    **Arguments:**

    - `sound_speed` [m/s], `density` [kg/m^3], `attenuation` [dB/(MHz^y cm)] with `attenuation_power` y.
    - `angular_step`: omega dt [rad].
    - `reference_sound_speed`: c_ref [m/s], if it is not the largest.

    **Returns:** the three adjusted maps.
    """
    xp = sound_speed.__array_namespace__()
    half = 0.5 * angular_step
    reference = xp.max(sound_speed) if reference_sound_speed is None else reference_sound_speed
    x = half * reference / sound_speed
    adjusted_speed = reference * math.sin(half) / xp.sin(x)
    gain = (adjusted_speed / sound_speed) ** (attenuation_power - 1.0) * (math.sin(half) / half) * xp.tan(x) / x
    return adjusted_speed, density * sound_speed / adjusted_speed, attenuation / gain
