"""k-Wave as a `FieldSolver`."""

import math
import os
import warnings
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scipy.fft
from tqdm import tqdm

from fieldcast.simulators.acoustics import checks, kwave_run
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.kwave_source import BandLimitedSource, SurfaceSource
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.simulators.acoustics.time_step_error import compensate
from fieldcast.simulators.grid import Grid

FEWEST_STEPS_PER_PERIOD = 12
STABILITY_MARGIN = 0.95
"""Largest share of the stability limit that a time step chosen here may have."""

LARGEST_HALF_STEP = 1.0
"""Largest `c_ref omega dt / (2 c)` that a time step chosen here may have; at pi / 2 the scheme holds no such wave."""

SMALLEST_PML = 8
LONG_RUN = 30.0
"""Estimated seconds from which a run announces itself."""

PATIENCE = 3
"""A field that is not steady is given up after so many times the periods it was expected to take."""

_BYTES_PER_VOXEL = {4: 220, 8: 380}
_SECONDS_PER_VOXEL_STEP = {4: 80e-9, 8: 130e-9}
"""By the bytes of a number; measured with absorption on one core of a 2020s server processor."""


@dataclass(frozen=True)
class RunEstimate:
    """What a run will cost at least: time steps, grid with its boundary layer, memory [bytes], time on one core [s]."""

    steps: int
    shape: tuple[int, ...]
    bytes: int
    seconds: float

    def __str__(self) -> str:
        grid = " x ".join(str(n) for n in self.shape)
        return f"{self.steps} steps on {grid} points, about {self.bytes / 2**20:.0f} MiB and {self.seconds:.0f} s"


@dataclass(frozen=True)
class _Plan:
    """A scene as k-Wave gets it."""

    maps: kwave_run.Maps
    drive: kwave_run.Drive
    grid: Grid
    pml: tuple[int, ...]
    interior: tuple[slice, ...]


class KWave(FieldSolver):
    """The steady-state field by k-Wave's time-domain k-space pseudospectral solver, through its Python backend.

        rho0 du/dt = -grad p,   d rho/dt = -rho0 div u + source,   p = c^2 (rho - losses)

    The source is the transducer's surface, spread over grid points; it is switched on smoothly, the field is given
    time to settle, and its complex amplitude is summed over whole periods as they run, until it no longer changes.
    Runs on a GPU when cupy finds one. It leaves JAX, so it cannot be traced or differentiated.

    **Arguments:**

    - `steps_per_period`: default the smallest number with a time step safely (5 %) below the stability limit, at
      least 12.
    - `settle_periods`: periods before recording. Default: the ramp, and the way from the transducer to the farthest
      corner of the grid at the slowest sound speed. Echoes in the skull take longer, which `tolerance` sees to.
    - `tolerance`: the run ends when two successive periods differ by at most this (relative L2 norm). Behind a skull
      the distance from the final field was about twice the last change.
    - `most_periods`: when to end at the latest, with a warning; default three times `settle_periods`.
    - `ramp_periods`: periods over which the source is switched on.
    - `pml_size`: points of the absorbing boundary layer, added outside of the scene's grid; default at least 8, and so
      many more behind it that the grid suits the FFT.
    - `precision`: `np.float32` or `np.float64`.
    - `dispersion`: whether power-law absorption also disperses. Off, because at one frequency the maps mean that
      frequency's sound speed; k-Wave's dispersion takes them as the speed at zero frequency, and for bone with a power
      near 1 that is hundreds of m/s off.
    - `compensate_time_step`: adjust the maps so that the finite time step changes neither speed nor impedance nor
      attenuation at the working frequency (`time_step_error.compensate`); off, k-Wave gets the maps as they are.
    - `source`: how the transducer's surface is spread over grid points.
    - `workers`: threads of the FFT; default all cores.
    - `progress`: show a progress bar.

    **Raises:** `ValueError` for scenes that k-Wave would answer wrongly (`checks`), `TypeError` for traced scenes,
    `FloatingPointError` when the result is not finite, `ImportError` without k-wave-python.

    Source: Treeby and Cox, J. Biomed. Opt. 15(2), 2010, doi:10.1117/1.3360308; Treeby et al., JASA 131, 2012,
    doi:10.1121/1.4712021.
    """

    steps_per_period: int | None = eqx.field(static=True, default=None)
    settle_periods: int | None = eqx.field(static=True, default=None)
    tolerance: float = eqx.field(static=True, default=0.005)
    most_periods: int | None = eqx.field(static=True, default=None)
    ramp_periods: int = eqx.field(static=True, default=3)
    pml_size: int | None = eqx.field(static=True, default=None)
    precision: type = eqx.field(static=True, default=np.float32)
    dispersion: bool = eqx.field(static=True, default=False)
    compensate_time_step: bool = eqx.field(static=True, default=True)
    source: SurfaceSource = BandLimitedSource()
    workers: int | None = eqx.field(static=True, default=None)
    progress: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if self.precision not in (np.float32, np.float64):
            raise ValueError(f"precision must be np.float32 or np.float64, got {self.precision}.")
        checks.check_settings(self, steps_per_period=3, settle_periods=0, pml_size=1, ramp_periods=0, tolerance=0)

    def __call__(self, scene: Scene) -> PressureField:
        checks.check_scene(scene)
        plan = self._plan(scene)
        estimate = self._estimate(plan)
        if self.progress and estimate.seconds > LONG_RUN:
            tqdm.write(f"k-Wave: {estimate}.")
        weights, phases = self.source(scene.transducer, plan.grid)
        with tqdm(total=estimate.steps, desc="k-Wave", unit="step", disable=not self.progress, leave=False) as bar:
            pressure, change = kwave_run.run(
                plan.maps,
                weights,
                phases,
                plan.drive,
                tolerance=self.tolerance,
                pml=plan.pml,
                precision=self.precision,
                workers=os.cpu_count() or 1 if self.workers is None else self.workers,
                on_step=bar.update,
            )
        pressure = pressure[plan.interior]
        checks.check_result(pressure)
        if change > self.tolerance:
            warnings.warn(
                f"The field is not steady: the last two of {plan.drive.most_periods} periods differ by {change:.2%} of "
                f"its norm, more than the tolerance of {self.tolerance:.2%}. Allow more by most_periods.",
                stacklevel=2,
            )
        pressure = jnp.asarray(pressure, dtype=jnp.result_type(complex))
        return PressureField(pressure, scene.grid, scene.frequency, scene.focus_region)

    def estimate(self, scene: Scene) -> RunEstimate:
        """What running `scene` will cost, without running it."""
        checks.check_scene(scene)
        return self._estimate(self._plan(scene))

    def _estimate(self, plan: _Plan) -> RunEstimate:
        voxels, itemsize = math.prod(plan.maps.shape), np.dtype(self.precision).itemsize
        return RunEstimate(
            steps=plan.drive.fewest_steps,
            shape=plan.maps.shape,
            bytes=voxels * _BYTES_PER_VOXEL[itemsize],
            seconds=voxels * plan.drive.fewest_steps * _SECONDS_PER_VOXEL_STEP[itemsize],
        )

    def _plan(self, scene: Scene) -> _Plan:
        low, high = self._padding(scene.grid)
        maps = self._maps(scene, low, high)
        steps_per_period = self._steps_per_period(maps, scene.frequency)
        if self.compensate_time_step:
            maps = _compensated(maps, scene.frequency, 1.0 / (scene.frequency * steps_per_period))
        settle = self._settle_periods(scene) if self.settle_periods is None else self.settle_periods
        most = PATIENCE * settle if self.most_periods is None else self.most_periods
        drive = kwave_run.Drive(
            frequency=scene.frequency,
            steps_per_period=steps_per_period,
            ramp_periods=self.ramp_periods,
            settle_periods=settle,
            most_periods=max(most, settle + 2),
        )
        origin = tuple(x - n * scene.grid.spacing for x, n in zip(scene.grid.origin, low, strict=True))
        interior = tuple(slice(before, before + n) for before, n in zip(low, scene.grid.shape, strict=True))
        return _Plan(maps, drive, Grid(maps.shape, scene.grid.spacing, origin), low, interior)

    def _steps_per_period(self, maps: kwave_run.Maps, frequency: float) -> int:
        limit = kwave_run.stability_limit(maps)
        contrast = float(maps.sound_speed.max() / maps.sound_speed.min())
        fewest = max(FEWEST_STEPS_PER_PERIOD, math.ceil(math.pi * contrast / LARGEST_HALF_STEP))
        if self.steps_per_period is None:
            return max(fewest, math.ceil(1.0 / (frequency * STABILITY_MARGIN * limit)))
        checks.check_time_step(1.0 / (frequency * self.steps_per_period), limit)
        return self.steps_per_period

    def _padding(self, grid: Grid) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Points added before and after each axis; the layer has as many as are added before."""
        if self.pml_size is not None:
            return (self.pml_size,) * grid.ndim, (self.pml_size,) * grid.ndim
        totals = [scipy.fft.next_fast_len(n + 2 * SMALLEST_PML, real=True) for n in grid.shape]
        low = tuple((total - n) // 2 for total, n in zip(totals, grid.shape, strict=True))
        return low, tuple(total - n - before for total, n, before in zip(totals, grid.shape, low, strict=True))

    def _maps(self, scene: Scene, low: tuple[int, ...], high: tuple[int, ...]) -> kwave_run.Maps:
        medium, width = scene.medium, list(zip(low, high, strict=True))
        speed, density, attenuation = (
            np.pad(np.asarray(values, dtype=float), width, mode="edge")
            for values in (medium.sound_speed, medium.density, medium.attenuation)
        )
        power = medium.attenuation_power
        if self.dispersion and abs(power - 1.0) < 0.01 and attenuation.any():
            raise ValueError(
                f"Dispersion has no power law at y = 1 (attenuation_power is {power}); use dispersion=False, or "
                "convert the medium to another power at the working frequency."
            )
        return kwave_run.Maps(speed, density, attenuation, power, self.dispersion, scene.grid.spacing)

    def _settle_periods(self, scene: Scene) -> int:
        grid = scene.grid
        lower = np.asarray(grid.origin)
        upper = lower + np.asarray(grid.extent)
        apex = np.asarray(scene.transducer.position, dtype=float)
        way = np.linalg.norm(np.maximum(apex - lower, upper - apex))
        slowest = float(np.min(np.asarray(scene.medium.sound_speed)))
        return self.ramp_periods + math.ceil(way / slowest * scene.frequency)


def _compensated(maps: kwave_run.Maps, frequency: float, time_step: float) -> kwave_run.Maps:
    speed, density, attenuation = compensate(
        maps.sound_speed,
        maps.density,
        maps.attenuation,
        maps.attenuation_power,
        frequency=frequency,
        time_step=time_step,
    )
    return kwave_run.Maps(speed, density, attenuation, maps.attenuation_power, maps.dispersion, maps.spacing)
