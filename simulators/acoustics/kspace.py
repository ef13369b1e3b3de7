"""The steady-state field by the time-domain k-space scheme in JAX."""

import math
import warnings

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from fieldcast.simulators.acoustics import checks
from fieldcast.simulators.acoustics.band_limited import POINTS_PER_CELL, source_patterns
from fieldcast.simulators.acoustics.continuous_wave import Timing, steady_state
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.kspace_absorption import Absorption, Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import GridWeights, PressureSource
from fieldcast.simulators.acoustics.kspace_stability import stability_limit
from fieldcast.simulators.acoustics.kwave import (
    FEWEST_STEPS_PER_PERIOD,
    LARGEST_HALF_STEP,
    PATIENCE,
    STABILITY_MARGIN,
)
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.simulators.acoustics.time_step_error import compensated
from fieldcast.simulators.acoustics.transducer import Transducer


class KSpace(FieldSolver):
    """The steady-state field by the k-space pseudospectral scheme: what `KWave` computes, in JAX.

    The source is the transducer's surface, spread over the grid; it is switched on smoothly, the field is given time
    to settle, and its complex amplitude is summed over whole periods as they run, until it no longer changes.
    Differentiable in the medium's maps and in the transducer's pose, pressures and phases; runs in the precision of
    the medium, on CPU and GPU. Under `jit` or `vmap` the numbers that depend on the scene must be given; `planned`
    finds them from an example.

    **Arguments:**

    - `steps_per_period`: default the smallest number with a time step safely (5 %) below the stability limit, at
      least 12, and enough for the contrast of sound speeds.
    - `settle_periods`: periods before the field is observed. Default: the ramp, and the way from the transducer to the
      farthest corner of the grid at the slowest sound speed. Echoes in the skull take longer; `tolerance` sees to that.
    - `tolerance`: the run ends when two successive periods differ by at most this (relative L2 norm); 0 runs all.
    - `most_periods`: when to end at the latest, with a warning; default three times `settle_periods`.
    - `ramp_periods`: periods over which the source is switched on.
    - `layer`: the absorbing boundary layer, outside of the scene's grid unless it says otherwise.
    - `absorption`: how the medium's attenuation acts; default a power law without dispersion.
    - `compensate_time_step`: adjust the maps so that the finite time step changes neither speed nor impedance nor
      attenuation at the working frequency (`time_step_error.compensate`).
    - `reference_sound_speed`: c_ref [m/s], see `KSpaceScheme`; default the largest in the medium.
    - `points_per_cell`: integration points on each grid cell's worth of the transducer's surface.
    - `checkpoint_levels`: nesting of the loops to save memory in reverse-mode differentiation, see `nested_scan`.
    - `progress`: a progress meter, for example `diffrax.TqdmProgressMeter()`.

    **Raises:** `ValueError` for scenes that would be answered wrongly (`checks`), `FloatingPointError` when the result
    is not finite; under `jit` and `vmap` errors when it runs.

    Source: Treeby and Cox, J. Biomed. Opt. 15(2), 2010, doi:10.1117/1.3360308.
    """

    steps_per_period: int | None = eqx.field(static=True, default=None)
    settle_periods: int | None = eqx.field(static=True, default=None)
    tolerance: float = eqx.field(static=True, default=0.005)
    most_periods: int | None = eqx.field(static=True, default=None)
    ramp_periods: int = eqx.field(static=True, default=3)
    layer: PerfectlyMatchedLayer = PerfectlyMatchedLayer()
    absorption: Absorption = PowerLaw()
    compensate_time_step: bool = eqx.field(static=True, default=True)
    reference_sound_speed: float | None = eqx.field(static=True, default=None)
    points_per_cell: int = eqx.field(static=True, default=POINTS_PER_CELL)
    checkpoint_levels: int = eqx.field(static=True, default=1)
    progress: diffrax.AbstractProgressMeter = diffrax.NoProgressMeter()

    def __check_init__(self):
        checks.check_settings(
            self, steps_per_period=3, settle_periods=1, checkpoint_levels=1, ramp_periods=0, tolerance=0
        )

    def __call__(self, scene: Scene) -> PressureField:
        known = checks.known_values(scene)
        if known is not None:
            checks.check_scene(known)
        solver = self._filled(scene, known)
        timing = solver.timing(scene.frequency)
        pressure, change = _solve(solver, timing, scene.medium, scene.transducer)
        if known is not None:
            _judge(jax.lax.stop_gradient(pressure), jax.lax.stop_gradient(change), timing)
        else:
            pressure = eqx.error_if(pressure, ~jnp.all(jnp.isfinite(pressure)), "The simulation blew up.")
        return PressureField(pressure, scene.grid, scene.frequency, scene.focus_region)

    def planned(self, scene: Scene) -> "KSpace":
        """This solver with every number that depends on the scene filled in from `scene`: it can be traced."""
        checks.check_scene(scene)
        return self._filled(scene, scene)

    def timing(self, frequency: float) -> Timing:
        """When the wave is switched on, observed and stopped; of a `planned` solver."""
        most = PATIENCE * self.settle_periods if self.most_periods is None else self.most_periods
        return Timing(
            frequency=frequency,
            steps_per_period=self.steps_per_period,
            ramp_periods=self.ramp_periods,
            settle_periods=self.settle_periods,
            most_periods=max(most, self.settle_periods + 2),
            tolerance=self.tolerance,
        )

    def scheme(self, medium: Medium, transducer: Transducer, timing: Timing) -> KSpaceScheme:
        """The time-domain scheme with the transducer as its source."""
        if self.compensate_time_step:
            medium = compensated(medium, timing.frequency, timing.time_step, self.reference_sound_speed)
        patterns = source_patterns(transducer, self.layer.surround_grid(medium.grid), self.points_per_cell)
        weights = patterns.weights.astype(medium.sound_speed.dtype)
        source = PressureSource(GridWeights(weights), timing.signals(patterns.phases))
        return KSpaceScheme(
            medium,
            timing.time_step,
            [source],
            absorption=self.absorption,
            layer=self.layer,
            reference_sound_speed=self.reference_sound_speed,
        )

    def _filled(self, scene: Scene, known: Scene | None) -> "KSpace":
        solver = self
        if known is None:
            missing = [name for name in ("steps_per_period", "settle_periods") if getattr(self, name) is None]
            if missing:
                raise ValueError(
                    f"Inside jit or vmap KSpace cannot choose {' and '.join(missing)} from the scene; give the "
                    "numbers, or use `solver.planned(example_scene)`."
                )
            return solver
        if not isinstance(scene.medium.attenuation, jax.core.Tracer) and not np.any(known.medium.attenuation):
            solver = eqx.tree_at(lambda s: s.absorption, solver, Lossless())
        steps = self._steps_per_period(known, solver.absorption)
        settle = _settle_periods(known, self.ramp_periods) if self.settle_periods is None else self.settle_periods
        return _replaced(solver, steps_per_period=steps, settle_periods=settle)

    def _steps_per_period(self, scene: Scene, absorption: Absorption) -> int:
        medium = self.layer.surround(scene.medium)
        limit = float(stability_limit(medium, absorption, self.reference_sound_speed))
        reference = self.reference_sound_speed or float(jnp.max(medium.sound_speed))
        contrast = reference / float(jnp.min(medium.sound_speed))
        fewest = max(FEWEST_STEPS_PER_PERIOD, math.ceil(math.pi * contrast / LARGEST_HALF_STEP))
        if self.steps_per_period is None:
            return max(fewest, math.ceil(1.0 / (scene.frequency * STABILITY_MARGIN * limit)))
        checks.check_time_step(1.0 / (scene.frequency * self.steps_per_period), limit)
        return self.steps_per_period


@eqx.filter_jit
def _solve(
    solver: KSpace, timing: Timing, medium: Medium, transducer: Transducer
) -> tuple[Complex[Array, "*space"], Float[Array, ""]]:
    scheme = solver.scheme(medium, transducer, timing)
    pressure, change = steady_state(
        scheme, timing, checkpoint_levels=solver.checkpoint_levels, progress=solver.progress
    )
    return pressure[scheme.interior], change


def _settle_periods(scene: Scene, ramp_periods: int) -> int:
    grid = scene.grid
    lower = np.asarray(grid.origin)
    upper = lower + np.asarray(grid.extent)
    middle = np.asarray(scene.transducer.position, dtype=float)
    way = np.linalg.norm(np.maximum(middle - lower, upper - middle))
    slowest = float(np.min(np.asarray(scene.medium.sound_speed)))
    return ramp_periods + math.ceil(way / slowest * scene.frequency)


def _replaced(solver: KSpace, **settings: int) -> KSpace:
    fields = {name: getattr(solver, name) for name in solver.__dataclass_fields__}
    return KSpace(**{**fields, **settings})


def _judge(pressure: Complex[Array, "*space"], change: Float[Array, ""], timing: Timing) -> None:
    checks.check_result(np.asarray(pressure))
    if timing.tolerance > 0 and float(change) > timing.tolerance:
        warnings.warn(
            f"The field is not steady: the last two of {timing.most_periods} periods differ by {float(change):.2%} of "
            f"its norm, more than the tolerance of {timing.tolerance:.2%}. Allow more by most_periods.",
            stacklevel=3,
        )
