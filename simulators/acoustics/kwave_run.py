"""One k-Wave simulation of a continuous wave, stepped and reduced to a complex amplitude as it runs.

k-Wave's Python solver spends most of its time on things a single-frequency run does not need: complex transforms of
real fields, the filtering of the source at every step, the record of the whole time series. Here its public
`Simulation` is set up and stepped as it is, with three of its parts exchanged: the FFT (real, several threads), the
source (one fixed pattern times a scalar, filtered once), the record (a running Fourier sum). What k-Wave computes stays
the same to round-off; the tests hold the result against its unchanged entry point.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.fft

from fieldcast.simulators.acoustics.kwave_import import import_kwave

PML_ALPHA = 2.0
"""Absorption of the boundary layer [Np per grid point], k-Wave's default."""


@dataclass(frozen=True)
class Maps:
    """Acoustic maps on the grid with its boundary layer, as k-Wave wants them."""

    sound_speed: np.ndarray
    density: np.ndarray
    attenuation: np.ndarray
    attenuation_power: float
    dispersion: bool
    spacing: float

    @property
    def shape(self) -> tuple[int, ...]:
        return self.sound_speed.shape

    def kwave_medium(self) -> SimpleNamespace:
        return SimpleNamespace(
            sound_speed=self.sound_speed,
            sound_speed_ref=None,
            density=self.density,
            alpha_coeff=self.attenuation,
            alpha_power=self.attenuation_power,
            alpha_mode=None if self.dispersion else "no_dispersion",
        )


@dataclass(frozen=True)
class Drive:
    """A continuous wave, `ramp(t) sin(2 pi f t + phase)`, in whole steps per period.

    - `frequency`: f [Hz].
    - `ramp_periods`: length of the cosine ramp at the start.
    - `settle_periods`: periods before recording starts; at least two are recorded.
    - `most_periods`: when to stop at the latest.
    """

    frequency: float
    steps_per_period: int
    ramp_periods: int
    settle_periods: int
    most_periods: int

    @property
    def time_step(self) -> float:
        """[s]"""
        return 1.0 / (self.frequency * self.steps_per_period)

    @property
    def fewest_steps(self) -> int:
        return self.steps_per_period * (self.settle_periods + 2)

    @property
    def most_steps(self) -> int:
        return self.steps_per_period * self.most_periods

    def signals(self, phases: np.ndarray) -> np.ndarray:
        """The wave at every step, one row for each of the `phases` [rad]."""
        step = np.arange(self.most_steps)
        ramp_steps = max(1, self.ramp_periods * self.steps_per_period)
        ramp = 0.5 - 0.5 * np.cos(np.pi * np.minimum(step / ramp_steps, 1.0))
        return ramp * np.sin(2 * np.pi * step / self.steps_per_period + phases[:, None])


def stability_limit(maps: Maps) -> float:
    """The largest stable time step [s]: k-Wave's own `check_stability`, and at most that of `kspace_stability`."""
    import_kwave()
    from kwave.utils.checks import check_stability

    largest_wavenumber = np.sqrt(len(maps.shape)) * np.pi / maps.spacing
    limit = check_stability(SimpleNamespace(k=np.asarray([largest_wavenumber])), maps.kwave_medium())
    return min(float(limit), math.pi / (float(np.max(maps.sound_speed)) * largest_wavenumber))


def run(
    maps: Maps,
    weights: np.ndarray,
    phases: np.ndarray,
    drive: Drive,
    *,
    tolerance: float,
    pml: tuple[int, ...],
    precision: type,
    workers: int,
    on_step: Callable[[], Any],
) -> tuple[np.ndarray, float]:
    """Step k-Wave, driven by `weights[r] sin(2 pi f t + phases[r])`, until two successive periods agree.

    They agree when they differ by at most `tolerance` (relative L2).

    The Fourier sum over a period of N steps, whose column n is the field at `(n + 1/2) dt` when the source is
    `sin(2 pi f n dt)`, gives

        P = 2 i / N sum_n p_n exp(-2 pi i (n + 1/2) / N),   p(x, t) = Im(P exp(2 pi i f t))

    **Returns:** the complex pressure of the last period on the whole grid [Pa], and its change from the one before.
    """
    simulation = _simulation(maps, drive, pml, precision, workers)
    _inject(simulation, weights, drive.signals(phases))
    with np.errstate(over="ignore", invalid="ignore"):  # a run that blows up is reported as such, once
        for _ in range(drive.steps_per_period * drive.settle_periods):
            simulation.step()
            on_step()
        pressure = _record_period(simulation, drive.steps_per_period, on_step)
        for _ in range(drive.settle_periods + 1, drive.most_periods):
            before, pressure = pressure, _record_period(simulation, drive.steps_per_period, on_step)
            change = _relative_change(simulation.xp, pressure, before)
            if not change > tolerance:  # also when it is no number: then the run has blown up
                break
    return _to_numpy(pressure), change


def _record_period(simulation: Any, steps: int, on_step: Callable[[], Any]) -> Any:
    """Step through one period and return its complex pressure."""
    real, imaginary = simulation.xp.zeros_like(simulation.p), simulation.xp.zeros_like(simulation.p)
    for step in range(steps):
        simulation.step()
        on_step()
        angle = 2 * np.pi * (step + 0.5) / steps
        real += simulation.p * (2 / steps * np.sin(angle))
        imaginary += simulation.p * (2 / steps * np.cos(angle))
    return real + 1j * imaginary


def _relative_change(xp: Any, after: Any, before: Any) -> float:
    return float(xp.linalg.norm((after - before).ravel()) / xp.linalg.norm(after.ravel()))


def gpu_available() -> bool:
    """Whether cupy is installed and sees a device."""
    try:
        import cupy
    except ImportError:
        return False
    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


class _RealFFT:
    """`fftn` and `ifftn` for real fields, by their non-redundant half spectrum."""

    def __init__(self, shape: tuple[int, ...], module: Any, **options: Any):
        self._shape, self._module, self._options = shape, module, options

    def fftn(self, field: Any) -> Any:
        return self._module.rfftn(field, **self._options)

    def ifftn(self, spectrum: Any) -> Any:
        return self._module.irfftn(spectrum, s=self._shape, **self._options)


class _ArrayModule:
    """numpy (or cupy), with another `fft`."""

    def __init__(self, module: Any, fft: Any):
        self._module, self.fft = module, fft

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _simulation(maps: Maps, drive: Drive, pml: tuple[int, ...], precision: type, workers: int) -> Any:
    """A k-Wave simulation, set up, with real transforms and no source yet."""
    import_kwave()
    from kwave.solvers import Simulation

    on_gpu = gpu_available()
    simulation = Simulation(
        SimpleNamespace(
            N=maps.shape, spacing=(maps.spacing,) * len(maps.shape), Nt=drive.most_steps, dt=drive.time_step
        ),
        maps.kwave_medium(),
        SimpleNamespace(),
        SimpleNamespace(record=("p_final",)),  # keeps nothing per step
        device="gpu" if on_gpu else "cpu",
        pml_size=pml,
        pml_alpha=(PML_ALPHA,) * len(maps.shape),
        quiet=True,
        dtype=precision,
        smooth_p0=False,
    )
    simulation.setup()
    half = (..., slice(0, maps.shape[-1] // 2 + 1))
    for name in ("op_grad_list", "op_div_list"):
        setattr(simulation, name, [operator[half].copy() for operator in getattr(simulation, name)])
    for name in ("nabla1", "nabla2", "source_kappa"):
        if getattr(simulation, name) is not None:
            setattr(simulation, name, getattr(simulation, name)[half].copy())
    for name in ("tau", "eta"):
        if getattr(simulation, name) is not None:  # k-Wave leaves them in double, and everything after with them
            setattr(simulation, name, getattr(simulation, name).astype(precision))
    fft = (simulation.xp.fft, {}) if on_gpu else (scipy.fft, {"workers": workers})
    simulation.xp = _ArrayModule(simulation.xp, _RealFFT(maps.shape, fft[0], **fft[1]))
    return simulation


def _inject(simulation: Any, weights: np.ndarray, signals: np.ndarray) -> None:
    """Make `sum_r weights[r] signals[r, n]` the simulation's additive pressure source, its k-space filter applied once.

    Each split density gains `2 dt / (ndim c dx)` times that, as k-Wave scales an additive source.
    """
    xp, ndim, dtype = simulation.xp, simulation.ndim, simulation._dtype
    scale = 2.0 * simulation.dt / (ndim * simulation.spacing[0])
    patterns = [
        xp.fft.ifftn(simulation.source_kappa * xp.fft.fftn(xp.asarray(row, dtype=dtype) * scale / simulation.c0))
        for row in weights
    ]
    signals = signals.astype(dtype)

    def add(step: int, density: Any) -> Any:
        for pattern, signal in zip(patterns, signals, strict=True):
            density = density + signal[step] * pattern
        return density

    simulation._source_p_ops = [add] * ndim


def _to_numpy(array: Any) -> np.ndarray:
    return array.get() if hasattr(array, "get") else array
