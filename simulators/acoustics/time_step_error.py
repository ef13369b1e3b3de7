"""Cancel a k-space scheme's time-step error at one frequency by adjusting the maps it is given."""

import numpy as np


def compensate(
    sound_speed: np.ndarray,
    density: np.ndarray,
    attenuation: np.ndarray,
    attenuation_power: float,
    angular_step: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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

    **Returns:** the three adjusted maps.
    """
    half = 0.5 * angular_step
    fastest = np.max(sound_speed)
    x = half * fastest / sound_speed
    adjusted_speed = fastest * np.sin(half) / np.sin(x)
    gain = (adjusted_speed / sound_speed) ** (attenuation_power - 1.0) * (np.sin(half) / half) * np.tan(x) / x
    return adjusted_speed, density * sound_speed / adjusted_speed, attenuation / gain
