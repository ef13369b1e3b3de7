"""The exact solution of the Riemann problem of an ideal gas, after Toro, chapter 4 (doi:10.1007/b79761)."""

import numpy as np
from scipy.optimize import brentq


def exact_riemann(left, right, gamma, speeds):
    """Density, velocity and pressure at `x / t = speeds` of two states `(rho, u, p)` that met at `x = 0`."""
    speeds = np.asarray(speeds, dtype=float)
    pressure = brentq(lambda p: _gain(p, left, gamma) + _gain(p, right, gamma) + right[1] - left[1], 1e-12, 1e6)
    velocity = 0.5 * (left[1] + right[1] + _gain(pressure, right, gamma) - _gain(pressure, left, gamma))
    from_left = _half(left, pressure, velocity, gamma, speeds)
    mirrored = _half((right[0], -right[1], right[2]), pressure, -velocity, gamma, -speeds)
    mirrored[1] *= -1.0
    return np.where(speeds <= velocity, from_left, mirrored)


def _gain(pressure, side, gamma):
    """Velocity that a side gains on its way through the outer wave to `pressure`."""
    density, _, outer = side
    if pressure > outer:
        a, b = 2.0 / ((gamma + 1.0) * density), (gamma - 1.0) / (gamma + 1.0) * outer
        return (pressure - outer) * np.sqrt(a / (pressure + b))
    sound = np.sqrt(gamma * outer / density)
    return 2.0 * sound / (gamma - 1.0) * ((pressure / outer) ** ((gamma - 1.0) / (2.0 * gamma)) - 1.0)


def _half(side, pressure, velocity, gamma, speeds):
    """The solution on the left of the contact."""
    density, u, outer = side
    sound = np.sqrt(gamma * outer / density)
    ratio = pressure / outer
    outside = np.stack([np.full_like(speeds, value) for value in side])
    if ratio > 1.0:
        mu = (gamma - 1.0) / (gamma + 1.0)
        shock = u - sound * np.sqrt((gamma + 1.0) / (2.0 * gamma) * ratio + (gamma - 1.0) / (2.0 * gamma))
        behind = np.array([density * (ratio + mu) / (mu * ratio + 1.0), velocity, pressure])
        return np.where(speeds < shock, outside, behind[:, None])
    inner_sound = sound * ratio ** ((gamma - 1.0) / (2.0 * gamma))
    behind = np.array([density * ratio ** (1.0 / gamma), velocity, pressure])
    factor = (2.0 + (gamma - 1.0) / sound * (u - speeds)) / (gamma + 1.0)
    factor = np.maximum(factor, 0.0)
    fan = np.stack(
        [
            density * factor ** (2.0 / (gamma - 1.0)),
            2.0 / (gamma + 1.0) * (sound + (gamma - 1.0) / 2.0 * u + speeds),
            outer * factor ** (2.0 * gamma / (gamma - 1.0)),
        ]
    )
    inside = np.where(speeds < velocity - inner_sound, fan, behind[:, None])
    return np.where(speeds < u - sound, outside, inside)
