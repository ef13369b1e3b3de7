"""Closed formulas of simple sources in a homogeneous fluid: focused bowl and flat piston.

Every function gives the pressure for a surface pressure `rho c u` of 1 Pa, in the convention
`p(x, t) = Im(P exp(2 pi i f t))`. A lossy fluid has the complex wavenumber `k - i alpha` with alpha in [Np/m].
"""

import math

import numpy as np
from scipy import special


def bowl_on_axis(
    distance: np.ndarray | float, *, radius_of_curvature: float, aperture_diameter: float, wavenumber: complex
) -> np.ndarray:
    """Complex pressure on the axis of a focused bowl, exact for its Rayleigh integral.

        P = (exp(-i k |z|) - exp(-i k B)) / (1 - z / R),   B = sqrt((z - h)^2 + (D / 2)^2)
          = 2 / (1 - z / R) sin(k (B - z) / 2) i exp(-i k (B + z) / 2)   for z > 0
        h = R - sqrt(R^2 - (D / 2)^2)

    **Arguments:**

    - `distance`: z, from the apex towards the geometric focus [m].
    - `radius_of_curvature`: R [m]; `aperture_diameter`: D [m]; `wavenumber`: k [1/m].

    Source: O'Neil, JASA 21(5), 1949, doi:10.1121/1.1906542.
    """
    z = np.asarray(distance, dtype=float)
    depth = _depth(radius_of_curvature, aperture_diameter)
    rim = np.sqrt((z - depth) ** 2 + (0.5 * aperture_diameter) ** 2)
    difference = 1.0 - z / radius_of_curvature
    # Both waves agree at the focus; there the quotient is i k h exp(-i k R).
    at_focus = np.abs(difference) < 1e-7
    quotient = (np.exp(-1j * wavenumber * np.abs(z)) - np.exp(-1j * wavenumber * rim)) / np.where(
        at_focus, 1.0, difference
    )
    limit = 1j * wavenumber * depth * np.exp(-1j * wavenumber * radius_of_curvature)
    return np.where(at_focus, limit, quotient)


def bowl_in_focal_plane(
    offset: np.ndarray | float, *, radius_of_curvature: float, aperture_diameter: float, wavenumber: float
) -> np.ndarray:
    """Amplitude in the geometric focal plane of a focused bowl.

        |P| = 2 k h |J1(Z) / Z|,   Z = k y D / (2 R)

    An approximation for bowls that are shallow and large compared with the wavelength.

    **Arguments:**

    - `offset`: y, distance from the axis [m]; the others as in `bowl_on_axis`.

    Source: O'Neil, JASA 21(5), 1949, doi:10.1121/1.1906542.
    """
    argument = np.abs(np.asarray(offset, dtype=float)) * wavenumber * aperture_diameter / (2.0 * radius_of_curvature)
    on_axis = argument < 1e-9
    airy = np.where(on_axis, 0.5, special.j1(argument) / np.where(on_axis, 1.0, argument))
    return np.asarray(2.0 * wavenumber * _depth(radius_of_curvature, aperture_diameter) * np.abs(airy))


def piston_on_axis(distance: np.ndarray | float, *, radius: float, wavenumber: complex) -> np.ndarray:
    """Complex pressure on the axis of a flat circular piston in a rigid baffle.

        P = exp(-i k z) - exp(-i k sqrt(z^2 + a^2)),   |P| = 2 |sin(k (sqrt(z^2 + a^2) - z) / 2)|   without losses

    **Arguments:**

    - `distance`: z, from the piston [m]; `radius`: a [m]; `wavenumber`: k [1/m].

    Source: Kinsler et al., Fundamentals of Acoustics, 4th edition, section 7.4.
    """
    z = np.asarray(distance, dtype=float)
    return np.asarray(np.exp(-1j * wavenumber * z) - np.exp(-1j * wavenumber * np.sqrt(z**2 + radius**2)))


def piston_last_maximum(*, radius: float, wavelength: float) -> float:
    """Distance of the last maximum on the axis of a piston, `a^2 / lambda - lambda / 4` [m]."""
    return radius**2 / wavelength - 0.25 * wavelength


def _depth(radius_of_curvature: float, aperture_diameter: float) -> float:
    """Distance from the apex of a bowl to the plane of its rim, `h` [m]."""
    return radius_of_curvature - math.sqrt(radius_of_curvature**2 - (0.5 * aperture_diameter) ** 2)
