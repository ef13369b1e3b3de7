"""Gradients through the steady-state solver, by the implicit function theorem, against central differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from kspace_scenes import textured_scene
from scene_gradients import LEAVES, gradient_of, leaf_error

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer

pytestmark = pytest.mark.usefixtures("x64")

SOLVER = BornSeries(tolerance=1e-11, layer=PerfectlyMatchedLayer(6, 1.0), restart=40)


@pytest.fixture(scope="module")
def scene():
    with jax.enable_x64(True):
        return textured_scene((22, 24), phase=0.3)


@pytest.fixture(scope="module")
def gradient(scene):
    with jax.enable_x64(True):
        return gradient_of(scene, SOLVER)


@pytest.mark.parametrize("name", LEAVES)
def test_scene(scene, gradient, name):
    assert leaf_error(scene, SOLVER, gradient, name) < 2e-6


def test_needs_no_memory_for_its_iterations(scene):
    """Unrolled iterations would keep every Krylov vector: here ten times as many may not need more memory."""

    def temporary_bytes(most_iterations):
        solver = BornSeries(layer=PerfectlyMatchedLayer(6), most_iterations=most_iterations)

        def loss(speed):
            moved = eqx.tree_at(LEAVES["sound speed"], scene, speed)
            return jnp.sum(jnp.abs(solver(moved).pressure) ** 2)

        compiled = jax.jit(jax.grad(loss)).lower(scene.medium.sound_speed).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes(1000) < 1.1 * temporary_bytes(100)
