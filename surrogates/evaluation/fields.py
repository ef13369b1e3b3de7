"""How far a solver's fields are from the truth, and how long they take; the same for physics and surrogates."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields

import jax
import numpy as np

from fieldcast.datasets.scene_file import SceneRecord
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.surrogates import metrics


@dataclass(frozen=True)
class FieldErrors:
    """Errors of one field, or their means over several.

    - `relative_l2`: of the amplitude over the whole grid.
    - `relative_l2_log`: the same of log(1 + p / p_max), with the true p_max.
    - `relative_l2_inside`: of the amplitude in the brain (`Head.focus_region`).
    - `focal_error`: distance of the peaks in the brain [m].
    - `peak_error`: relative error of the peak in the brain; `peak_error_grid`: of the peak over the whole grid, bone
      included, which is how it is published for DeepTFUS.
    - `dice`: overlap of the -6 dB focal volumes in the brain, 1 for equal ones.
    """

    relative_l2: float
    relative_l2_log: float
    relative_l2_inside: float
    focal_error: float
    peak_error: float
    peak_error_grid: float
    dice: float


def field_errors(field: PressureField, truth: PressureField) -> FieldErrors:
    """Errors of `field` against `truth`, both on one grid and with one region."""
    predicted, true = np.asarray(field.amplitude, dtype=float), np.asarray(truth.amplitude, dtype=float)
    inside = np.ones(true.shape, bool) if truth.region is None else np.asarray(truth.region)
    peak = true.max()
    focus, true_focus = field.focus, truth.focus
    return FieldErrors(
        relative_l2=metrics.relative_l2(predicted, true),
        relative_l2_log=metrics.relative_l2(np.log1p(predicted / peak), np.log1p(true / peak)),
        relative_l2_inside=metrics.relative_l2(predicted[inside], true[inside]),
        focal_error=metrics.focal_position_error(focus, true_focus),
        peak_error=abs(focus.pressure - true_focus.pressure) / true_focus.pressure,
        peak_error_grid=metrics.peak_pressure_error(predicted, true),
        dice=metrics.dice(focus.mask, true_focus.mask),
    )


def evaluate(solver: FieldSolver, records: Sequence[SceneRecord]) -> list[FieldErrors]:
    """Errors of `solver` on every record, against the recorded field."""
    errors = []
    for record in records:
        field = solver(record.scene)
        # A solver that was not told about the head (the free field) is judged in the same region.
        field = PressureField(field.pressure, field.grid, field.frequency, record.field.region)
        errors.append(field_errors(field, record.field))
    return errors


def mean_errors(errors: Sequence[FieldErrors]) -> FieldErrors:
    """Mean of each error."""
    return FieldErrors(*(float(np.mean([getattr(e, f.name) for e in errors])) for f in fields(FieldErrors)))


def spread_of_errors(errors: Sequence[FieldErrors]) -> FieldErrors:
    """Standard deviation of each error."""
    return FieldErrors(*(float(np.std([getattr(e, f.name) for e in errors])) for f in fields(FieldErrors)))


def seconds_per_field(solver: FieldSolver, scene: Scene, repeats: int = 1) -> float:
    """Median wall time of `solver(scene)` [s], after one call that may compile if there are several repeats."""
    if repeats > 1:
        jax.block_until_ready(solver(scene).pressure)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(solver(scene).pressure)
        times.append(time.perf_counter() - start)
    return float(np.median(times))
