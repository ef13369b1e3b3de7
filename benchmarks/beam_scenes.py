"""A focused bowl in water and through a slab of bone, the same at any number of points per wavelength."""

import jax.numpy as jnp
import numpy as np

from fieldcast.simulators.acoustics.medium import WATER, Medium, Tissue, homogeneous
from fieldcast.simulators.acoustics.oneil import bowl_on_axis
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FREQUENCY = 500e3
WAVELENGTH = WATER.sound_speed / FREQUENCY
SURFACE_PRESSURE = 1e5
BONE = Tissue(sound_speed=2800.0, density=1850.0, attenuation=4.0, attenuation_power=1.1)

# In wavelengths in water.
CURVATURE, APERTURE = 6, 6
WIDTH, LENGTH, BEHIND = 8, 9, 1
SLAB = (2.0, 4.0)


def beam_scene(points_per_wavelength: int, ndim: int, *, bone: bool, dtype: type = np.float64) -> Scene:
    """The bowl radiates along the last axis from the origin, on which no grid point lies, so that the faces of the slab
    are halfway between points at every resolution; its axis is a line of points."""
    spacing = WAVELENGTH / points_per_wavelength
    across = WIDTH * points_per_wavelength
    origin = (-spacing * (across // 2),) * (ndim - 1) + (-BEHIND * WAVELENGTH + 0.5 * spacing,)
    grid = Grid((across,) * (ndim - 1) + (LENGTH * points_per_wavelength,), spacing, origin)
    bowl = FocusedBowl(
        radius_of_curvature=CURVATURE * WAVELENGTH,
        aperture_diameter=APERTURE * WAVELENGTH,
        frequency=FREQUENCY,
        surface_pressure=jnp.asarray(SURFACE_PRESSURE),
        position=(0.0,) * ndim,
        axis=(0.0,) * (ndim - 1) + (1.0,),
    )
    medium = _slab(grid) if bone else homogeneous(grid)
    maps = (jnp.asarray(values, dtype) for values in (medium.sound_speed, medium.density, medium.attenuation))
    return Scene(Medium(*maps, medium.attenuation_power, grid), bowl)


def _slab(grid: Grid) -> Medium:
    depth = grid.axes()[-1] / WAVELENGTH
    inside = np.broadcast_to((depth > SLAB[0]) & (depth < SLAB[1]), grid.shape)
    maps = ((BONE.sound_speed, WATER.sound_speed), (BONE.density, WATER.density), (BONE.attenuation, 0.0))
    return Medium(*(jnp.asarray(np.where(inside, *pair)) for pair in maps), BONE.attenuation_power, grid)


def beyond_the_rim(scene: Scene) -> np.ndarray:
    """Which points of the last axis lie behind the plane of the bowl's rim, seen from its apex."""
    return scene.grid.axes()[-1] > scene.transducer.depth


def on_axis(scene: Scene, pressure: np.ndarray) -> np.ndarray:
    """The field on the bowl's axis beyond its rim."""
    middle = tuple(n // 2 for n in scene.grid.shape[:-1])
    return np.asarray(pressure)[middle][beyond_the_rim(scene)]


def oneil_on_axis(scene: Scene) -> np.ndarray:
    """What it should be in water."""
    distance = scene.grid.axes()[-1][beyond_the_rim(scene)]
    return SURFACE_PRESSURE * bowl_on_axis(
        distance,
        radius_of_curvature=CURVATURE * WAVELENGTH,
        aperture_diameter=APERTURE * WAVELENGTH,
        wavenumber=2.0 * np.pi / WAVELENGTH,
    )
