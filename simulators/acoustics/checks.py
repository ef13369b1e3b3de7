"""What a wave solver refuses to run, and why: each message says what came, what was expected and what to do."""

import warnings

import equinox as eqx
import jax
import numpy as np

from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import Transducer

FEWEST_POINTS_PER_WAVELENGTH = 2.0
GOOD_POINTS_PER_WAVELENGTH = 4.0

BONE_SOUND_SPEED = 2000.0
"""No soft tissue carries sound faster [m/s]."""

SURFACE_SAMPLES = 400


def check_scene(scene: Scene) -> None:
    """All checks of a scene that do not depend on the solver's settings."""
    check_concrete(scene)
    check_medium(scene.medium)
    check_resolution(scene.medium, scene.frequency)
    check_transducer(scene)


def check_settings(solver: object, **smallest: float) -> None:
    """**Raises:** `ValueError` for settings below the smallest allowed; `None` is a setting left open."""
    for name, least in smallest.items():
        value = getattr(solver, name)
        if value is not None and not value >= least:  # NaN is not
            raise ValueError(f"{name} must be at least {least}, got {value}.")


def check_concrete(scene: Scene) -> None:
    """**Raises:** `TypeError` inside `jit`, `grad` or `vmap`, for solvers that leave JAX."""
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(eqx.filter(scene, eqx.is_array))):
        raise TypeError(
            "This solver leaves JAX and cannot be traced, but the scene holds traced arrays. Call it outside of jit, "
            "grad and vmap, or use a solver written in JAX."
        )


def known_values(scene: Scene) -> Scene | None:
    """The scene's values, also inside of `grad`; `None` inside of `jit` and `vmap`."""
    values = jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_array(leaf) else leaf, scene)
    return None if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(values)) else values


def check_medium(medium: Medium) -> None:
    """**Raises:** `ValueError` for maps that are not finite, or not positive (attenuation: negative)."""
    for name, unit in (("sound_speed", "m/s"), ("density", "kg/m^3"), ("attenuation", "dB/(MHz^y cm)")):
        values = np.asarray(getattr(medium, name))
        bad = ~np.isfinite(values)
        if bad.any():
            raise ValueError(
                f"medium.{name} has {int(bad.sum())} non-finite values, the first at index {_first(bad)}; expected "
                f"finite numbers [{unit}]. Look for NaN in the image the medium was made from."
            )
        bad = values < 0 if name == "attenuation" else values <= 0
        if bad.any():
            bound = "at least zero" if name == "attenuation" else "positive"
            raise ValueError(
                f"medium.{name} has {int(bad.sum())} values that are not {bound}, the first {values[bad][0]} at index "
                f"{_first(bad)}; expected {bound} everywhere [{unit}]. Correct the map or its mapping."
            )


def points_per_wavelength(medium: Medium, frequency: float) -> float:
    """Grid points per wavelength where the sound is slowest."""
    return float(np.min(np.asarray(medium.sound_speed))) / (frequency * medium.grid.spacing)


def check_resolution(medium: Medium, frequency: float) -> None:
    """Refuse fewer than 2 points per wavelength, where a grid holds no wave, and warn below 4."""
    points = points_per_wavelength(medium, frequency)
    slowest = float(np.min(np.asarray(medium.sound_speed)))
    came = (
        f"{points:.2f} grid points per wavelength (slowest sound {slowest:.4g} m/s, {frequency:.4g} Hz, spacing "
        f"{medium.grid.spacing:.4g} m)"
    )
    advice = f"use a spacing of at most {slowest / (frequency * GOOD_POINTS_PER_WAVELENGTH):.3g} m, or lower frequency"
    if points < FEWEST_POINTS_PER_WAVELENGTH:
        raise ValueError(f"The grid is too coarse: {came}, but a grid holds no wave below 2; {advice}.")
    if points < GOOD_POINTS_PER_WAVELENGTH * (1 - 1e-6):
        warnings.warn(
            f"The grid is coarse: {came}, below 4 errors of several per cent are usual; {advice}.", stacklevel=2
        )


def check_transducer(scene: Scene) -> None:
    """Refuse an empty source, and a transducer off the grid, in bone or inside the head."""
    transducer, grid = scene.transducer, scene.grid
    _check_drive(transducer)
    points = np.asarray(transducer.surface_points(SURFACE_SAMPLES), dtype=float)
    if not np.all(np.isfinite(points)):
        raise ValueError(
            f"The transducer's pose is not finite (position {np.asarray(transducer.position)}, axis "
            f"{np.asarray(transducer.axis)}); give finite metres and an axis that is not zero."
        )
    if not grid.contains(points):
        raise ValueError(_off_grid_message(scene, points))
    index = np.rint((points - np.asarray(grid.origin)) / grid.spacing).astype(int)
    index = tuple(np.clip(index, 0, np.asarray(grid.shape) - 1).T)
    fastest = float(np.max(np.asarray(scene.medium.sound_speed)[index]))
    if fastest > BONE_SOUND_SPEED:
        raise ValueError(
            f"The transducer's surface touches bone: sound speed up to {fastest:.0f} m/s at its surface, expected at "
            f"most {BONE_SOUND_SPEED:.0f} m/s. Move the transducer away from the skull."
        )
    if scene.head is not None and scene.head.interior[index].any():
        share = float(np.mean(scene.head.interior[index]))
        raise ValueError(
            f"The transducer overlaps the head: {share:.0%} of its surface lies inside the skin. Increase the standoff "
            "or check that position and CT share one world frame, in metres."
        )


def check_time_step(time_step: float, limit: float) -> None:
    """**Raises:** `ValueError` when the time step [s] is not below the stability `limit` [s]."""
    if not time_step < limit:
        raise ValueError(
            f"The time step of {time_step:.4g} s is not below the stability limit of {limit:.4g} s for this medium; "
            "the run would blow up. Use more steps per period."
        )


def check_result(pressure: np.ndarray) -> None:
    """**Raises:** `FloatingPointError` when the computed field is not finite."""
    bad = ~np.isfinite(pressure)
    if bad.any():
        raise FloatingPointError(
            f"The simulation blew up: {int(bad.sum())} of {bad.size} values of the field are not finite. Use more "
            "steps per period or double precision, and look for extreme values in the acoustic maps."
        )


def _check_drive(transducer: Transducer) -> None:
    surface = transducer.samples(1.0)  # a metre apart: the few points that every element has
    pressure, phase = np.asarray(surface.pressure), np.asarray(surface.phase)
    if not np.all(np.isfinite(pressure)) or not np.all(np.isfinite(phase)):
        raise ValueError(f"The transducer's drive is not finite: surface pressure {pressure} Pa, phase {phase} rad.")
    if not np.any(pressure):
        raise ValueError("The source is empty: transducer.surface_pressure is 0 Pa. Give the pressure at its surface.")


def _off_grid_message(scene: Scene, points: np.ndarray) -> str:
    grid = scene.grid
    lower = np.asarray(grid.origin)
    upper = lower + np.asarray(grid.extent)
    hint = ""
    if np.max(np.abs(points)) > 10 * max(np.max(np.abs(lower)), np.max(np.abs(upper))):
        hint = " Were millimetres given? Positions are in metres."
    return (
        f"The transducer is not on the grid: its surface reaches from {_vector(points.min(axis=0))} to "
        f"{_vector(points.max(axis=0))} m, the grid from {_vector(lower)} to {_vector(upper)} m. Move the transducer "
        f"or enlarge the grid.{hint}"
    )


def _vector(values: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])
