"""What a gradient through the steady-state solver costs."""

import equinox as eqx
import jax
import jax.numpy as jnp
from kspace_scenes import textured_scene

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer


def test_needs_no_memory_for_its_iterations():
    """Unrolled iterations would keep every Krylov vector: here ten times as many may not need more memory."""
    scene = textured_scene((22, 24))

    def temporary_bytes(most_iterations):
        solver = BornSeries(layer=PerfectlyMatchedLayer(6), most_iterations=most_iterations)

        def loss(speed):
            moved = eqx.tree_at(lambda scene: scene.medium.sound_speed, scene, speed)
            return jnp.sum(jnp.abs(solver(moved).pressure) ** 2)

        compiled = jax.jit(jax.grad(loss)).lower(scene.medium.sound_speed).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes(1000) < 1.1 * temporary_bytes(100)
