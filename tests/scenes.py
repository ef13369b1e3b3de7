"""Small scenes that several tests share."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.placement import Bowl
from fieldcast.simulators.acoustics.random_placement import RandomPlacement
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver

SMALL_BOWL = Bowl(radius_of_curvature=20e-3, aperture_diameter=16e-3, frequency=250e3, surface_pressure=100e3)

SMALL_RECIPE = UltrasoundRecipe(
    num_scenes=6,
    bowl=SMALL_BOWL,
    shape=(24, 24, 24),
    spacing=1.5e-3,
    placement=RandomPlacement(standoff=(3e-3, 4e-3), target_depth=(20e-3, 25e-3)),
    num_valid=1,
    num_test=1,
    split_period=3,
)


class Blob(FieldSolver):
    """A stand-in solver that costs nothing: a Gaussian of known width at the geometric focus, with the phase of its
    depth."""

    width: float = 6e-3

    def __call__(self, scene: Scene) -> PressureField:
        offset = scene.grid.points() - scene.transducer.geometric_focus[:, None, None, None]
        amplitude = scene.transducer.surface_pressure * jnp.exp(-jnp.sum(offset**2, axis=0) / (2 * self.width**2))
        phase = 500.0 * offset[0]
        pressure = jax.lax.complex(amplitude * jnp.cos(phase), amplitude * jnp.sin(phase))
        return PressureField(pressure, scene.grid, scene.frequency, scene.focus_region)


def small_scene(index: int = 0, **changes) -> Scene:
    """A scene of `SMALL_RECIPE`, with settings of the recipe changed."""
    return dataclasses.replace(SMALL_RECIPE, **changes).scene(index)


def tree_of(folder) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def relative_l2(value, reference) -> float:
    value, reference = np.asarray(value), np.asarray(reference)
    return float(np.linalg.norm(value - reference) / np.linalg.norm(reference))
