"""The transducer in water: its exact field, differentiable, and cheap enough for every query."""

import math
from functools import lru_cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.focused_waves import FocusedWaves
from fieldcast.simulators.acoustics.medium import WATER
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

POINTS_PER_WAVELENGTH = 12
"""Of the table: its cubic interpolation then errs by about `(2 pi / 12)^4 / 384`, two parts in ten thousand."""


class FreeFieldTable(eqx.Module):
    """A bowl's field for a surface pressure of 1 Pa, in distance r from the geometric focus and angle theta.

    **Arguments:**

    - `nodes`: real and imaginary part, each of the field, of its derivatives by r, by theta and by both, times the
      table's steps: what bicubic Hermite interpolation asks for. The radius of curvature occurs twice among the radii,
      for the inside and the outside, because the field has a kink there.
    - `radius_of_curvature` [m].
    - `num_inside`: radial intervals up to it.
    """

    nodes: Float[Array, "radius angle 8"]
    radius_of_curvature: float = eqx.field(static=True)
    num_inside: int = eqx.field(static=True)

    @property
    def radial_step(self) -> float:
        """[m]"""
        return self.radius_of_curvature / self.num_inside

    @property
    def reach(self) -> float:
        """Largest distance from the geometric focus [m]."""
        return (self.nodes.shape[0] - 2) * self.radial_step


class FreeField(FieldSolver):
    """The transducer in water without the head: the field one gets by ignoring the skull.

    The Rayleigh integral of the bowl (`FocusedWaves`), exact on both sides of it. Compiles, batches and is
    differentiable in the transducer's position, axis, surface pressure and phase.

    **Arguments:**

    - `sound_speed` of the water [m/s].

    **Raises:** a run-time error when the transducer is so far off the grid that the table does not reach.
    """

    sound_speed: float = eqx.field(static=True, default=WATER.sound_speed)

    def __call__(self, scene: Scene) -> PressureField:
        table = free_field_table(scene.transducer, scene.grid, self.sound_speed)
        pressure = evaluate(table, scene.transducer, scene.grid)
        return PressureField(pressure, scene.grid, scene.frequency, scene.focus_region)


def free_field_table(transducer: FocusedBowl, grid: Grid, sound_speed: float = WATER.sound_speed) -> FreeFieldTable:
    """The table that serves every pose of `transducer` with its apex on `grid`.

    Only what is static is used (the bowl's shape, its frequency, the grid's size), so it may be called while tracing.
    It takes well under a second, and the last few are kept.
    """
    nodes, num_inside = _nodes(
        transducer.ndim,
        transducer.radius_of_curvature,
        transducer.half_angle,
        2.0 * math.pi * transducer.frequency / sound_speed,
        transducer.radius_of_curvature + math.hypot(*grid.extent) + grid.spacing,
    )
    return FreeFieldTable(jnp.asarray(nodes, dtype=float), transducer.radius_of_curvature, num_inside)


def evaluate(table: FreeFieldTable, transducer: FocusedBowl, grid: Grid) -> Complex[Array, "*space"]:
    """Complex pressure of `transducer` at every point of `grid` [Pa], looked up in its `table`; traceable."""
    along, across = transducer.local_coordinates(grid.points())
    unit = _look_up(table, transducer.radius_of_curvature - along.ravel(), across.ravel())
    drive = transducer.surface_pressure * jnp.stack([jnp.cos(transducer.phase), jnp.sin(transducer.phase)])
    return (jax.lax.complex(drive[0], drive[1]) * unit).reshape(grid.shape)


@lru_cache(maxsize=8)
def _nodes(
    ndim: int, radius_of_curvature: float, half_angle: float, wavenumber: float, reach: float
) -> tuple[np.ndarray, int]:
    """The nodes of a table, in numpy, and its radial intervals up to the radius of curvature."""
    waves = FocusedWaves(ndim, radius_of_curvature, half_angle, wavenumber)
    num_inside = math.ceil(radius_of_curvature * wavenumber * POINTS_PER_WAVELENGTH / (2 * math.pi))
    step = radius_of_curvature / num_inside
    inside = step * np.arange(num_inside + 1)
    outside = step * np.arange(num_inside, math.ceil(reach / step) + 1)
    # No order above k a travels, so the field varies with the angle no faster than on the bowl's own sphere.
    angle = np.linspace(0.0, np.pi, math.ceil(np.pi * num_inside) + 1)
    field = np.concatenate(
        [waves.tabulate(inside, angle, outside=False), waves.tabulate(outside, angle, outside=True)], axis=1
    )
    field *= np.asarray([1.0, step, angle[1], step * angle[1]])[:, None, None]
    return np.moveaxis(np.concatenate([field.real, field.imag]), 0, -1), num_inside


def _look_up(
    table: FreeFieldTable, towards_apex: Float[Array, " point"], across: Float[Array, " point"]
) -> Complex[Array, " point"]:
    """Bicubic Hermite interpolation at points given by their place along and across the axis from the focus [m]."""
    # At the focus itself the angle has no derivative; a nanometre beside it, it has the right one.
    at_focus = towards_apex**2 + across**2 < 1e-18
    towards_apex = jnp.where(at_focus, towards_apex + 1e-9, towards_apex)
    radius = jnp.sqrt(towards_apex**2 + across**2)
    radius = eqx.error_if(
        radius,
        radius > table.reach,
        "The transducer is too far off the grid for its table; make one with the grid on which it is looked up.",
    )
    num_radii, num_angles, _ = table.nodes.shape
    radial, outside = radius / table.radial_step, radius >= table.radius_of_curvature
    angular = jnp.arctan2(across, towards_apex) * ((num_angles - 1) / math.pi)
    low = jnp.where(outside, float(table.num_inside), 0.0)
    high = jnp.where(outside, num_radii - 3.0, table.num_inside - 1.0)
    i = jnp.clip(jnp.floor(radial), low, high)
    j = jnp.clip(jnp.floor(angular), 0.0, num_angles - 2.0)
    by_radius, by_angle = _hermite(radial - i), _hermite(angular - j)
    first = (i.astype(int) + outside.astype(int)) * num_angles + j.astype(int)
    flat = table.nodes.reshape(-1, 8)
    real = imaginary = jnp.zeros_like(radius)
    for a, (value_r, slope_r) in enumerate(by_radius):
        for b, (value_t, slope_t) in enumerate(by_angle):
            node = flat.at[first + a * num_angles + b].get(mode="promise_in_bounds")
            for part, weight in enumerate((value_r * value_t, slope_r * value_t, value_r * slope_t, slope_r * slope_t)):
                real += node[:, part] * weight
                imaginary += node[:, 4 + part] * weight
    return jax.lax.complex(real, imaginary)


def _hermite(fraction: Float[Array, " point"]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Weights of (value, slope) at both ends of the unit interval."""
    t, s = fraction, 1.0 - fraction
    return ((1 + 2 * t) * s * s, t * s * s), ((1 + 2 * s) * t * t, -s * t * t)
