"""Small waves in a laminar channel: the Orr-Sommerfeld equation, the sharpest test of a channel solver."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex
from scipy.linalg import eig

from fieldcast.simulators.flows.chebyshev import (
    chebyshev_points,
    derivative_matrix,
    interpolation_matrix,
    quadrature_weights,
)
from fieldcast.simulators.flows.no_slip_projection import clamped_basis


class LinearWave(NamedTuple):
    """A wave `v(x, y, t) = Re(v(y) exp(i k (x - c t)))` of the linearised equations.

    `wave_speed` is the complex `c`, so the wave grows as `exp(k Im(c) t)`; `normal_velocity` its shape at the points.
    """

    wave_speed: complex
    normal_velocity: Complex[np.ndarray, " y"]


def least_stable_wave(reynolds_number: float, wavenumber: float, num_points: int) -> LinearWave:
    """The two-dimensional wave of plane Poiseuille flow, `U = 1 - y^2`, that grows fastest or decays slowest.

        (U - c) (v'' - k^2 v) - U'' v = (d^2/dy^2 - k^2)^2 v / (i k Re)

    in weak form with polynomials that vanish with their slope at the walls. At Re = 10000 and k = 1, c = 0.23752649 +
    0.00373967i.

    **Arguments:** the Reynolds number of centre velocity and half height, `wavenumber` k in 1 / half height, and the
    number of Chebyshev points.

    Source: S. A. Orszag, J. Fluid Mech. 50, 1971, doi:10.1017/S0022112071002842.
    """
    fine = 2 * num_points  # products of polynomials are integrated exactly
    points, weights, derivative = chebyshev_points(fine), quadrature_weights(fine), derivative_matrix(fine)
    values = interpolation_matrix(num_points, points) @ clamped_basis(num_points).values
    slopes, curvatures = derivative @ values, derivative @ derivative @ values
    vorticity = curvatures - wavenumber**2 * values
    velocity, curvature = (1 - points**2)[:, None], -2.0

    def product(test: np.ndarray, trial: np.ndarray) -> np.ndarray:
        return test.T @ (weights[:, None] * trial)

    mass = -product(slopes, slopes) - wavenumber**2 * product(values, values)
    operator = product(values, velocity * vorticity - curvature * values)
    operator = operator - product(vorticity, vorticity) / (1j * wavenumber * reynolds_number)
    speeds, shapes = eig(operator, mass)
    chosen = np.argmax(speeds.imag)
    return LinearWave(complex(speeds[chosen]), clamped_basis(num_points).values @ shapes[:, chosen])
