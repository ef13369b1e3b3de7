"""The field of a bowl or piston in front of flat layers, exactly, as a sum of plane waves."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float
from scipy import special

from fieldcast.simulators.acoustics.layers import Layer, plane_wave, wavenumber
from fieldcast.simulators.acoustics.medium import WATER, Tissue
from fieldcast.simulators.acoustics.piston import Piston
from fieldcast.simulators.acoustics.transducer import FocusedBowl

_PROPAGATING, _EVANESCENT, _RINGS = 24, 24, 10
"""Panels of the sum over plane waves and over rings of the source: enough for some hundred wavelengths."""

_NODES = 32
"""Gauss-Legendre nodes of a panel."""

_STEEPEST = 12.0
"""Radial wavenumber of the fastest decaying wave, relative to k."""

_NEAREST = 0.15
"""Wavelengths from the rim to where the sum has converged: `exp(-2 pi _STEEPEST _NEAREST)` is about 1e-5."""

_NOTHING = 1e-20
"""A plane wave that has decayed to this on its way to the layers does not meet them."""


def layered_beam(
    transducer: FocusedBowl | Piston,
    distance: Float[np.ndarray, " x"],
    offset: Float[np.ndarray, " r"],
    *,
    layers: Sequence[Layer] = (),
    front: float = 0.0,
    before: Tissue = WATER,
    behind: Tissue = WATER,
) -> Complex[np.ndarray, "x r"]:
    """The pressure of a transducer that faces a stack of flat layers at right angles.

    The Rayleigh integral over the surface S, with the layers' response to each plane wave of Sommerfeld's identity:

        P(x, r) = (k p0 / 2 pi) int (k_r / k_x) s(k_r) W(x; k_r) J0(k_r r) dk_r,   k_x = sqrt(k^2 - k_r^2)
        s(k_r)  = int_S J0(k_r r') exp(i k_x x') dS'

    W is the field of `plane_wave` whose incident part is `exp(-i k_x x)`. Echoes pass through the transducer, as they
    do through a source on a grid.

    **Arguments:**

    - `transducer`: in three dimensions; its pose and phase are not used, its middle is the origin and its axis x.
    - `distance`: x, from the transducer's middle [m]; `offset`: r, from its axis [m].
    - `layers`: from depth x = `front` [m] on, which must lie beyond the rim; `before` and `behind`: the half-spaces.

    **Returns:** complex pressure [Pa]; NaN up to 0.15 wavelengths beyond the rim, where the sum does not converge.

    **Raises:** `ValueError` when the transducer reaches into the layers.

    Source: Brekhovskikh and Godin, Acoustics of Layered Media II, 1999, section 1.1, doi:10.1007/978-3-662-03889-5;
    Rayleigh integral of a bowl: O'Neil, JASA 21(5), 1949, doi:10.1121/1.1906542.
    """
    frequency = transducer.frequency
    along, across, areas = _rings(transducer)
    rim = transducer.depth if isinstance(transducer, FocusedBowl) else 0.0
    if layers and front <= rim:
        raise ValueError(f"The layers begin at {front} m, but the transducer reaches to {rim} m; move them behind it.")
    k = wavenumber(before, frequency)
    radial, normal, measure = _directions(k)
    # Phases count from the rim, or the fastest decaying waves would overflow.
    spectrum = (special.j0(radial[:, None] * across) * np.exp(1j * normal[:, None] * (along - rim))) @ areas
    spectrum *= measure * k / (2.0 * math.pi) * float(transducer.surface_pressure)
    converged = distance > rim + _NEAREST * before.sound_speed / frequency
    x = distance[converged]
    ahead, beyond = x < front, x >= front
    waves = np.zeros((len(radial), len(x)), complex)
    for row, (k_r, k_x) in enumerate(zip(radial, normal, strict=True)):
        waves[row, ahead] = np.exp(-1j * k_x * (x[ahead] - rim))
        at_front = np.exp(-1j * k_x * (front - rim))
        if abs(at_front) > _NOTHING:
            wave = plane_wave(layers, frequency=frequency, before=before, behind=behind, along=complex(k_r))
            waves[row, ahead] += at_front * wave.reflection * np.exp(-1j * k_x * (front - x[ahead]))
            waves[row, beyond] = at_front * wave.pressure(x[beyond] - front)
    field = np.full((len(distance), len(offset)), np.nan, complex)
    field[converged] = (waves * spectrum[:, None]).T @ special.j0(radial[:, None] * offset)
    return field


def _rings(transducer: FocusedBowl | Piston) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The surface as rings: their x, radii and areas [m, m, m^2]."""
    nodes, weights = _quadrature(_RINGS)
    if isinstance(transducer, Piston):
        radius = 0.5 * transducer.diameter
        return 0.0 * nodes, radius * nodes, 2.0 * math.pi * radius**2 * nodes * weights
    radius, half_angle = transducer.radius_of_curvature, transducer.half_angle
    angle = half_angle * nodes
    areas = 2.0 * math.pi * radius**2 * half_angle * np.sin(angle) * weights
    return radius * (1.0 - np.cos(angle)), radius * np.sin(angle), areas


def _directions(k: complex) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`k_r`, `k_x` and the weights of `(k_r / k_x) dk_r` for propagating and evanescent waves.

    `k_r = k sin(t)` and `k_r = k cosh(t)`, with the real part of k, take away the singularity between the two. Real
    k_r keep the Bessel functions from growing where the fluid is lossy.
    """
    nodes, weights = _quadrature(_PROPAGATING)
    sine, cosine, steps = np.sin(0.5 * math.pi * nodes), np.cos(0.5 * math.pi * nodes), 0.5 * math.pi * weights
    nodes, weights = _quadrature(_EVANESCENT)
    growth, growth_steps = math.acosh(_STEEPEST) * nodes, math.acosh(_STEEPEST) * weights
    radial = k.real * np.concatenate([sine, np.cosh(growth)])
    slope = k.real * np.concatenate([cosine * steps, np.sinh(growth) * growth_steps])
    square = k.real**2 * np.concatenate([cosine**2, -(np.sinh(growth) ** 2)]) + (k**2 - k.real**2)
    normal = np.sqrt(square)
    normal = np.where(normal.imag > 0, -normal, normal)  # the root that decays
    return radial, normal, radial / normal * slope


def _quadrature(num_panels: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on the unit interval, by Gauss-Legendre panels."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    nodes = np.arange(num_panels)[:, None] + 0.5 * (nodes + 1.0)
    return nodes.ravel() / num_panels, np.tile(0.5 * weights / num_panels, num_panels)
