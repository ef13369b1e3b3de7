"""Chebyshev matrices and the solves between walls, against analytic functions and dense solutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.chebyshev import (
    chebyshev_points,
    derivative_matrix,
    interpolation_matrix,
    quadrature_weights,
)
from fieldcast.simulators.flows.no_slip_projection import clamped_basis
from fieldcast.simulators.flows.wall_normal import wall_normal

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("num_points", [24, 25])
def test_polynomials_through_chebyshev_points(num_points):
    y = chebyshev_points(num_points)
    np.testing.assert_array_equal(y, -y[::-1])
    np.testing.assert_allclose(derivative_matrix(num_points) @ np.sin(2 * y), 2 * np.cos(2 * y), atol=1e-11)
    assert np.abs(derivative_matrix(num_points) @ np.ones(num_points)).max() < 1e-12
    powers = np.arange(num_points)
    exact = np.where(powers % 2, 0.0, 2.0 / (powers + 1))
    np.testing.assert_allclose(quadrature_weights(num_points) @ y[:, None] ** powers, exact, atol=1e-14)
    targets = np.array([-1.0, -0.3, y[7], 0.5, 1.0])
    np.testing.assert_allclose(interpolation_matrix(num_points, targets) @ np.exp(y), np.exp(targets), atol=1e-13)


def test_points_outside_are_refused():
    with pytest.raises(ValueError, match="within"):
        interpolation_matrix(9, np.array([1.1]))


@pytest.mark.parametrize("implicit", [1e-6, 1.0])
def test_solves_satisfy_their_equations(implicit):
    num_points, k2 = 33, np.array([0.0, 1.0, 900.0]).reshape(1, 3, 1)
    walls, random = wall_normal(num_points), np.random.default_rng(0)
    source = random.normal(size=(num_points, 3, 1)) + 1j * random.normal(size=(num_points, 3, 1))
    second, first = walls.second_derivative, walls.derivative

    def laplacian(f):
        return np.einsum("ij,jkl->ikl", second, f) - k2 * f

    f = np.array(walls.dirichlet(jnp.asarray(source), jnp.asarray(implicit), k2))
    np.testing.assert_allclose((f - implicit * laplacian(f))[1:-1], source[1:-1], atol=1e-10)
    assert not f[[0, -1]].any()

    phi, v = map(np.array, walls.clamped(jnp.asarray(source), jnp.asarray(implicit), k2))
    np.testing.assert_allclose((phi - implicit * laplacian(phi))[1:-1], source[1:-1], atol=1e-10)
    np.testing.assert_allclose(laplacian(v)[1:-1], phi[1:-1], atol=1e-10)
    slope = np.einsum("ij,jkl->ikl", first, v)
    assert not v[[0, -1]].any()
    assert np.abs(slope[[0, -1]]).max() < 1e-13 * np.abs(slope).max()


def test_a_clamped_solution_converges_spectrally():
    """`v = (1 - y^2)^2 exp(y)`, with `phi` and `source` from its derivatives in closed form."""
    k2, implicit, errors = 4.0, 0.1, []
    for num_points in (12, 24):
        y = chebyshev_points(num_points)
        v = np.polynomial.Polynomial([1, 0, -2, 0, 1])

        def times_exponential(p, order):  # the derivative of p exp(y) is (p + p') exp(y)
            for _ in range(order):
                p = p + p.deriv()
            return p

        phi = times_exponential(v, 2) - k2 * v
        source = phi - implicit * (times_exponential(phi, 2) - k2 * phi)
        given = jnp.asarray(source(y) * np.exp(y), complex)[:, None, None]
        _, solved = wall_normal(num_points).clamped(given, jnp.asarray(implicit), np.full((1, 1, 1), k2))
        errors.append(np.abs(np.array(solved)[:, 0, 0] - v(y) * np.exp(y)).max())
    assert errors[0] < 1e-6
    assert errors[1] < 1e-12


def test_the_projection_is_orthogonal():
    """What the projection takes away is orthogonal to every velocity without divergence or slip."""
    num_points, k2 = 17, np.full((1, 1, 1), 3.0)
    basis, weights = clamped_basis(num_points), quadrature_weights(num_points)
    given, divergence = jax.random.normal(jax.random.key(0), (2, num_points, 1, 1)).astype(complex)
    v = np.array(basis.nearest(given, divergence, k2))
    derivative = derivative_matrix(num_points)
    removed = weights * np.real(given - v)[:, 0, 0]
    removed_slope = weights * (-np.real(divergence)[:, 0, 0] - derivative @ np.real(v)[:, 0, 0])
    products = basis.values.T @ removed + (derivative @ basis.values).T @ removed_slope / 3.0
    assert np.abs(products).max() < 1e-12
    again = basis.nearest(jnp.asarray(v), -jnp.asarray(derivative @ v[:, 0, 0])[:, None, None], k2)
    np.testing.assert_allclose(again, v, atol=1e-12)
