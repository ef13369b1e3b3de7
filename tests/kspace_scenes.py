"""Small scenes for the time-domain solver."""

import jax.numpy as jnp
import numpy as np

from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FREQUENCY = 330e3


def small_bowl(grid: Grid, **changes: object) -> FocusedBowl:
    """A bowl (2-D: arc) near the low end of the last axis, aimed almost along it."""
    axis = np.zeros(grid.ndim)
    axis[-1], axis[0] = 1.0, 0.05
    position = np.full(grid.ndim, 0.2e-3)
    position[-1] = grid.origin[-1] + 2.2 * grid.spacing
    settings = {
        "radius_of_curvature": 14 * grid.spacing,
        "aperture_diameter": 12 * grid.spacing,
        "frequency": FREQUENCY,
        "surface_pressure": 1e5,
        "position": position,
        "axis": axis,
    }
    return FocusedBowl(**{**settings, **changes})


def textured_medium(grid: Grid, power: float = 1.1, seed: int = 0) -> Medium:
    """Water with a shell of bone, and a random texture everywhere."""
    random = np.random.default_rng(seed)
    points = np.asarray(grid.points()) / grid.spacing
    shell = (np.abs(np.linalg.norm(points, axis=0) - 6.0) < 1.5) & (points[-1] > -2)
    texture = 1.0 + 0.02 * random.standard_normal(grid.shape)
    return Medium(
        sound_speed=jnp.asarray(np.where(shell, 2800.0, 1500.0) * texture, dtype=float),
        density=jnp.asarray(np.where(shell, 1850.0, 1000.0) * texture, dtype=float),
        attenuation=jnp.asarray(np.where(shell, 8.0, 0.1), dtype=float),
        attenuation_power=power,
        grid=grid,
    )


def textured_scene(shape: tuple[int, ...], **bowl: object) -> Scene:
    grid = Grid(shape, 1e-3)
    return Scene(textured_medium(grid), small_bowl(grid, **bowl))
