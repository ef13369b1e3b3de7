"""Polynomials through Chebyshev points: derivatives, integrals and interpolation as matrices, in double precision."""

import numpy as np
from jaxtyping import Float


def chebyshev_points(num_points: int) -> Float[np.ndarray, " y"]:
    """`y_j = -cos(pi j / (n - 1))`, from -1 to 1, both included."""
    if num_points < 2:
        raise ValueError(f"Chebyshev points need both ends, at least two points, got {num_points}.")
    # the sine of an angle about zero is exactly odd, so the points are exactly symmetric
    return np.sin(np.pi * (2 * np.arange(num_points) - (num_points - 1)) / (2 * (num_points - 1)))


def barycentric_weights(num_points: int) -> Float[np.ndarray, " y"]:
    """Weights of Lagrange interpolation through the Chebyshev points, up to a common factor."""
    weights = (-1.0) ** np.arange(num_points)
    weights[[0, -1]] *= 0.5
    return weights


def derivative_matrix(num_points: int) -> Float[np.ndarray, "y y"]:
    """The matrix that takes values at the Chebyshev points to the derivative of the polynomial through them.

    Its diagonal is chosen so that the derivative of a constant is exactly zero.

    Source: L. N. Trefethen, Spectral Methods in MATLAB, SIAM 2000, chapter 6, doi:10.1137/1.9780898719598.
    """
    points, weights = chebyshev_points(num_points), barycentric_weights(num_points)
    distance = points[:, None] - points + np.eye(num_points)
    matrix = weights / (weights[:, None] * distance)
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


def quadrature_weights(num_points: int) -> Float[np.ndarray, " y"]:
    """Weights of Clenshaw and Curtis: the integral from -1 to 1 of the polynomial through the values.

    The integral of the Chebyshev polynomial `T_n` is `2 / (1 - n^2)` for even `n`, and zero for odd `n`.
    """
    angles = np.pi * np.arange(num_points) / (num_points - 1)
    orders = np.arange(0, num_points, 2)
    moments = np.zeros(num_points)
    moments[orders] = 2.0 / (1.0 - orders**2)
    coefficients = np.cos(np.outer(np.arange(num_points), angles))  # T_n at point j, up to the sign of odd n
    halves = np.ones(num_points)
    halves[[0, -1]] = 0.5
    return 2.0 / (num_points - 1) * halves * ((halves * moments) @ coefficients)


def interpolation_matrix(num_points: int, targets: Float[np.ndarray, " target"]) -> Float[np.ndarray, "target y"]:
    """The matrix that takes values at the Chebyshev points to the polynomial's values at `targets` within [-1, 1].

    Source: J.-P. Berrut, L. N. Trefethen, SIAM Rev. 46, 2004, doi:10.1137/S0036144502417715.
    """
    targets = np.asarray(targets, dtype=np.float64)
    if np.any(np.abs(targets) > 1 + 1e-12):
        raise ValueError(f"Targets must lie within [-1, 1], got {targets.min()} to {targets.max()}.")
    distance = targets[:, None] - chebyshev_points(num_points)
    hit = np.abs(distance) < 1e-14
    matrix = barycentric_weights(num_points) / np.where(hit, 1.0, distance)
    matrix = np.where(hit.any(axis=1, keepdims=True), hit.astype(float), matrix)
    return matrix / matrix.sum(axis=1, keepdims=True)
