"""Gradients of a scalar of the field with respect to everything differentiable in a scene, against differences."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver

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


def scalar_of(scene: Scene, solver: FieldSolver) -> Array:
    """A scalar that depends on amplitude and phase of the field everywhere."""
    random = np.random.default_rng(7)
    weights = random.standard_normal(scene.grid.shape) + 1j * random.standard_normal(scene.grid.shape)
    return 1e-6 * jnp.sum(jnp.real(jnp.asarray(weights) * solver(scene).pressure))


def gradient_of(scene: Scene, solver: FieldSolver) -> Scene:
    """The gradient of `scalar_of`, as a scene."""
    return eqx.filter_grad(scalar_of)(scene, solver)


def directional_error(scalar: Callable[[Array], Array], gradient: Array, value: Array, name: str) -> float:
    """Relative difference between the gradient along a random direction and the central difference of `scalar`."""
    random = jnp.asarray(np.random.default_rng(0).standard_normal(value.shape))
    step = STEP[name] * random if name in STEP else 3e-5 * value * random
    difference = 0.5 * float(scalar(value + step) - scalar(value - step))
    return abs(float(jnp.sum(gradient * step)) / difference - 1.0)


def leaf_error(scene: Scene, solver: FieldSolver, gradient: Scene, name: str) -> float:
    """`directional_error` of one of the `LEAVES` of a scene."""
    leaf = LEAVES[name]
    return directional_error(
        lambda value: scalar_of(eqx.tree_at(leaf, scene, value), solver), leaf(gradient), leaf(scene), name
    )
