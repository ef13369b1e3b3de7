"""Random compressible starts: their statistics, and that the solver carries them."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.compressible import CompressibleFlow
from fieldcast.simulators.flows.compressible_starts import random_compressible_fields, random_waves
from fieldcast.simulators.flows.periodic_box import PeriodicBox

GAMMA = 5.0 / 3.0


@pytest.fixture(scope="module")
def starts():
    """A solver, and many starts of it."""
    box = PeriodicBox((32, 32), (1.0, 1.0))
    flow = CompressibleFlow(box, 0.05, shear_viscosity=1e-8, bulk_viscosity=1e-8)
    keys = jax.random.split(jax.random.key(1), 300)
    return flow, jax.jit(jax.vmap(lambda key: random_compressible_fields(box, key=key)))(keys)


@pytest.mark.parametrize("num_points", [(10,), (10, 12), (9, 9, 10)])
def test_waves_are_the_sum_they_claim_to_be(num_points, x64):
    box = PeriodicBox(num_points, (3.0, 1.0, 2.0)[: len(num_points)])
    modes = list(itertools.product((-4, -3, -2, -1, 1, 2, 3, 4), repeat=len(num_points)))
    key = jax.random.key(3)
    phases = np.array(jax.random.uniform(key, (len(modes),), minval=0.0, maxval=2 * np.pi))
    points = box.points().T / np.array(box.lengths)
    expected = sum(
        np.linalg.norm(mode) ** (-(len(num_points) - 1) / 2) * np.sin(2 * np.pi * points @ np.array(mode) + phase)
        for mode, phase in zip(modes, phases, strict=True)
    )
    np.testing.assert_allclose(random_waves(box, key=key), expected.T, atol=1e-12)


def test_statistics_of_many_starts(starts):
    _, fields = starts
    fields = np.array(fields)
    density, velocity, pressure = fields[:, 0], fields[:, 1:3], fields[:, 3]
    assert np.all(density > 0)
    assert np.all(pressure > 0)
    # the corner lies outside every window: there a windowed start is exactly its mean, at rest
    windowed = np.abs(velocity[:, :, 0, 0]).max(axis=1) < 1e-6
    assert 0.4 < np.mean(windowed) < 0.6
    means, temperatures = density[windowed, 0, 0], pressure[windowed, 0, 0] / density[windowed, 0, 0]
    for values in (means, temperatures):
        assert 0.1 < values.min() < 1.0
        assert 9.0 < values.max() < 10.0
        assert abs(values.mean() - 5.05) < 0.7
    everywhere = ~windowed
    mean_density, mean_pressure = density[everywhere].mean(axis=(1, 2)), pressure[everywhere].mean(axis=(1, 2))
    mach = np.linalg.norm(velocity[everywhere], axis=1).mean(axis=(1, 2)) / np.sqrt(
        GAMMA * mean_pressure / mean_density
    )
    np.testing.assert_allclose(mach, 0.1, rtol=1e-4)
    for field, mean in ((density, mean_density), (pressure, mean_pressure)):
        size = np.abs(field[everywhere] / mean[:, None, None] - 1.0).mean(axis=(1, 2))
        assert 0.009 < size.min() < 0.03
        assert 0.17 < size.max() < 0.201
        assert abs(size.mean() - 0.105) < 0.015


def test_a_fine_grid_has_the_same_start(starts):
    # shapes are normalised by means over the points, which differ a little
    _, fields = starts
    key = jax.random.split(jax.random.key(1), 300)[5]
    box = PeriodicBox((64, 64), (2.0, 2.0))
    fine = jax.jit(lambda key: random_compressible_fields(box, key=key))(key)
    np.testing.assert_allclose(fine[:, ::2, ::2], fields[5], rtol=2e-3, atol=2e-3)


def test_random_starts_run_to_their_end(starts):
    flow, fields = starts

    @jax.jit
    def run(fields):
        def step(carry):
            state, left = carry
            dt = jnp.minimum(flow.largest_step(state), left)
            return flow.advance(state, dt), left - dt

        return jax.lax.while_loop(lambda carry: carry[1] > 0.0, step, (flow.encode(fields), jnp.asarray(1.0)))[0]

    for start in fields[:3]:
        first, last = flow.encode(start), run(start)
        end = np.array(flow.decode(last))
        assert np.all(end[0] > 0)
        assert np.all(end[-1] > 0)
        np.testing.assert_allclose(np.mean(last[0]), np.mean(first[0]), rtol=1e-5)
        np.testing.assert_allclose(np.mean(last[-1]), np.mean(first[-1]), rtol=1e-5)


def test_coarse_boxes_are_refused():
    with pytest.raises(ValueError, match="9 points"):
        random_waves(PeriodicBox((16, 8), (1.0, 1.0)), key=jax.random.key(0))
