"""GMRES against dense linear algebra."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.krylov import gmres, norm

pytestmark = pytest.mark.usefixtures("x64")

SHAPE = (4, 5)


def problem(spread, seed=0):
    """A dense complex matrix near a multiple of the identity, as an operator on arrays, and a right-hand side."""
    random = np.random.default_rng(seed)
    size = int(np.prod(SHAPE))

    def normal(*shape):
        return random.standard_normal(shape) + 1j * random.standard_normal(shape)

    matrix = (2.0 - 1.0j) * np.eye(size) + spread * normal(size, size) / np.sqrt(size)
    dense = jnp.asarray(matrix)
    return matrix, lambda x: (dense @ x.reshape(-1)).reshape(SHAPE), jnp.asarray(normal(*SHAPE))


def solve(operator, right, start=None, **settings):
    defaults = {"tolerance": 1e-12, "restart": 20, "most_iterations": 200}
    start = jnp.zeros_like(right) if start is None else start
    return gmres(operator, right, start, scale=norm(right), **{**defaults, **settings})


def test_solves_in_as_many_iterations_as_unknowns():
    matrix, operator, right = problem(spread=1.5)
    found = solve(operator, right)
    truth = np.linalg.solve(matrix, np.asarray(right).reshape(-1)).reshape(SHAPE)
    np.testing.assert_allclose(found.value, truth, rtol=1e-10)
    assert 15 < int(found.iterations) <= 20
    assert float(found.residual) < 1e-12


@pytest.mark.parametrize("iterations", [1, 4, 9])
def test_iterates_are_the_best_of_their_krylov_space(iterations):
    matrix, operator, right = problem(spread=1.0)
    found = solve(operator, right, most_iterations=iterations)
    vector = np.asarray(right).reshape(-1)
    space = np.stack([np.linalg.matrix_power(matrix, n) @ vector for n in range(iterations)], axis=1)
    weights = np.linalg.lstsq(matrix @ space, vector, rcond=None)[0]
    smallest = np.linalg.norm(vector - matrix @ space @ weights) / np.linalg.norm(vector)
    assert float(found.residual) == pytest.approx(smallest, rel=1e-8)
    assert int(found.iterations) == iterations


def test_restarts_and_records():
    _, operator, right = problem(spread=0.5)
    found = solve(operator, right, restart=4, tolerance=1e-10)
    count = int(found.iterations)
    assert count > 8
    assert float(norm(right - operator(found.value)) / norm(right)) == pytest.approx(float(found.residual), rel=1e-6)
    history = np.asarray(found.history)
    assert history[0] == 1.0
    assert np.all(np.diff(history[: count + 1]) <= 1e-14)
    assert history[count] == pytest.approx(float(found.residual), rel=1e-4)
    assert np.isnan(history[count + 1 :]).all()


def test_starts_from_the_solution_without_iterating():
    matrix, operator, right = problem(spread=1.0)
    truth = jnp.asarray(np.linalg.solve(matrix, np.asarray(right).reshape(-1)).reshape(SHAPE))
    found = solve(operator, right, truth)
    assert int(found.iterations) == 0
    assert bool(jnp.all(found.value == truth))


def test_reports_stagnation():
    # A cyclic shift: GMRES makes no progress at all before the last unknown.
    def shift(x):
        return jnp.roll(x.reshape(-1), 1).reshape(SHAPE)

    right = jnp.zeros(SHAPE, complex).at[0, 0].set(1.0)
    found = solve(shift, right, restart=5)
    assert bool(found.stagnated)
    assert int(found.iterations) == 5
    assert not bool(solve(shift, right, restart=20).stagnated)


def test_not_finite_counts_as_stagnation():
    found = solve(lambda x: x * jnp.nan, jnp.ones(SHAPE, complex))
    assert bool(found.stagnated)
