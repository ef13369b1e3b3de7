"""Gradients through the steady-state solver, by the implicit function theorem, against central differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kspace_scenes import textured_scene

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer

pytestmark = pytest.mark.usefixtures("x64")

SOLVER = BornSeries(tolerance=1e-11, layer=PerfectlyMatchedLayer(6, 1.0), restart=40)
LEAVES = {
    "sound speed": lambda scene: scene.medium.sound_speed,
    "density": lambda scene: scene.medium.density,
    "attenuation": lambda scene: scene.medium.attenuation,
    "source amplitude": lambda scene: scene.transducer.surface_pressure,
    "phase": lambda scene: scene.transducer.phase,
    "position": lambda scene: scene.transducer.position,
    "axis": lambda scene: scene.transducer.axis,
}
STEP = {"phase": 3e-4, "position": 3e-7, "axis": 3e-4}
"""Of the difference; relative for all others."""


@eqx.filter_jit
def scalar(scene):
    """A scalar that depends on amplitude and phase of the field everywhere."""
    random = np.random.default_rng(7)
    weights = random.standard_normal(scene.grid.shape) + 1j * random.standard_normal(scene.grid.shape)
    return 1e-6 * jnp.sum(jnp.real(jnp.asarray(weights) * SOLVER(scene).pressure))


@pytest.fixture(scope="module")
def scene():
    with jax.enable_x64(True):
        return textured_scene((22, 24), phase=0.3)


@pytest.fixture(scope="module")
def gradient(scene):
    with jax.enable_x64(True):
        return eqx.filter_jit(eqx.filter_grad(scalar))(scene)


@pytest.mark.parametrize("name", LEAVES)
def test_scene(scene, gradient, name):
    leaf = LEAVES[name]
    random = jnp.asarray(np.random.default_rng(0).standard_normal(leaf(scene).shape))
    step = STEP[name] * random if name in STEP else 3e-5 * leaf(scene) * random
    forward, backward = (scalar(eqx.tree_at(leaf, scene, leaf(scene) + sign * step)) for sign in (1.0, -1.0))
    difference = 0.5 * float(forward - backward)
    assert difference != 0.0
    assert float(jnp.sum(leaf(gradient) * step)) == pytest.approx(difference, rel=2e-6)


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
