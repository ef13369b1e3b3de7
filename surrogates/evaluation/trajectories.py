"""How far a stepper's trajectories are from the truth, and for how long; the same for solvers and surrogates."""

import contextlib
import math
import time
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from tqdm import tqdm

from fieldcast.simulators.long_rollout import long_rollout
from fieldcast.simulators.rollout import updated
from fieldcast.simulators.stability import Watch
from fieldcast.simulators.stepper import State, Stepper
from fieldcast.surrogates import metrics
from fieldcast.surrogates.evaluation.flow_statistics import (
    Statistics,
    StatisticsErrors,
    flow_statistics,
    statistics_errors,
)
from fieldcast.surrogates.evaluation.flow_tests import FlowTests

MAX_WINDOWS = 50
"""Of a trajectory, at equal distances, are used for the error of one step."""

_METRICS = metrics.relative_l2, metrics.variance_scaled_error, metrics.pearson_correlation
_BLOWN_UP = math.inf, math.inf, math.nan


@dataclass(frozen=True, kw_only=True)
class LongRun:
    """A rollout that goes on beyond the data.

    - `num_steps`: how many were healthy, `blow_up_step`: the first that was not.
    - `statistics`, `errors`: of these, against all of the truth.
    """

    num_steps: int
    blow_up_step: int | None
    statistics: Statistics
    errors: StatisticsErrors


@dataclass(frozen=True, kw_only=True)
class StepperErrors:
    """Errors of one stepper on several trajectories. A rollout that has blown up has infinite errors.

    - `one_step`: relative L2 error of one step from true snapshots; `one_step_vrmse`: the same, scaled by the variance.
    - `times`: of the predictions, from the start.
    - `relative_l2`, `vrmse`, `correlation`: of each trajectory's rollout at these times.
    - `correlation_times`: when the correlation falls below 0.8; infinite where it does not.
    - `blow_up_steps`: first step of each rollout that is not finite, has ten times the variance of the truth, or
      raises an error.
    - `statistics`: of all rollouts together; `truth`: of the true snapshots at the same times.
    - `statistics_errors`: of the one against the other.
    - `seconds`: median wall time to predict one interval of the data, once compiled [s].
    - `long_run`: if one was asked for.
    """

    one_step: float
    one_step_vrmse: float
    times: Float[np.ndarray, " time"]
    relative_l2: Float[np.ndarray, "trajectory time"]
    vrmse: Float[np.ndarray, "trajectory time"]
    correlation: Float[np.ndarray, "trajectory time"]
    correlation_times: tuple[float, ...]
    blow_up_steps: tuple[int | None, ...]
    statistics: Statistics
    truth: Statistics
    statistics_errors: StatisticsErrors
    seconds: float
    long_run: LongRun | None


def evaluate_stepper(
    step: Stepper | tuple[Stepper, ...],
    tests: FlowTests,
    start: int | None = None,
    long_steps: int = 0,
    progress: bool = False,
) -> StepperErrors:
    """Errors of a stepper on trajectories of one flow.

    A stepper with parameters in double precision runs in double precision. One that takes several intervals at once is
    compared with every so many-th snapshot.

    **Arguments:**

    - `step`: a solver or a surrogate, or one for each trajectory where the parameters of the flow differ.
    - `tests`: the truth.
    - `start`: number of the snapshot that rollouts start from; by default the earliest that the stepper allows
      (`FlowTests.earliest_start`). Give the same to all that are compared.
    - `long_steps`: of a longer rollout from the first trajectory; 0 is none.
    - `progress`: show bars.

    **Raises:** `ValueError` when the time steps do not fit, or there is no snapshot after the start.
    """
    steps = step if isinstance(step, tuple) else (step,) * len(tests.fields)
    step = steps[0]
    start, stride = tests.earliest_start(step) if start is None else start, tests.stride(step)
    # Counted backwards from the start, so that it is among them.
    frames = [fields[start % stride :: stride] for fields in tests.fields]
    at = start // stride
    if len(frames[0]) < at + 2 or start < tests.earliest_start(step):
        raise ValueError(
            f"A rollout cannot start from snapshot {start} of {len(tests.fields[0])}: the stepper sees "
            f"{tests.earliest_start(step)} before it and answers {stride} after it."
        )
    with _precision_of(step):
        statistics = truth = flow_statistics(tests.grid, len(tests.components))
        watches = [tests.watch(number) for number in range(len(frames))]
        errors, seconds, blow_ups = [], [], []
        for number, true in enumerate(tqdm(frames, desc="roll out", disable=not progress, leave=False)):
            run = _Run(steps[number], watches[number], statistics, truth)
            run.follow(true, at)
            statistics, truth = run.statistics, run.truth
            errors.append(run.errors)
            seconds += run.seconds
            blow_ups.append(run.blow_up_step)
        one_step = np.mean([_one_step_errors(*each) for each in zip(steps, frames, watches, strict=True)], axis=0)
        long_run = _long_run(step, frames[0][: at + 1], tests, truth, long_steps, progress) if long_steps else None
    relative_l2, vrmse, correlation = np.moveaxis(np.asarray(errors), -1, 0)
    times = stride * tests.interval * np.arange(1, relative_l2.shape[1] + 1)
    return StepperErrors(
        one_step=float(one_step[0]),
        one_step_vrmse=float(one_step[1]),
        times=times,
        relative_l2=relative_l2,
        vrmse=vrmse,
        correlation=correlation,
        correlation_times=tuple(metrics.correlation_time(times, each) for each in correlation),
        blow_up_steps=tuple(blow_ups),
        statistics=statistics,
        truth=truth,
        statistics_errors=statistics_errors(statistics, truth, tests.components),
        seconds=float(np.median(seconds)) / stride,
        long_run=long_run,
    )


class _Run:
    """One rollout beside one true trajectory."""

    def __init__(self, step: Stepper, watch: Watch, statistics: Statistics, truth: Statistics):
        self.step, self.watch, self.statistics, self.truth = step, watch, statistics, truth
        self.errors: list[tuple[float, ...]] = []
        self.seconds: list[float] = []
        self.blow_up_step: int | None = None
        self.state: State = None

    def follow(self, true: Float[np.ndarray, "time channel *space"], at: int) -> None:
        """Roll out from snapshot `at` as far as the truth goes, or until the rollout blows up."""
        self.state = _started(self.step, jnp.asarray(true[: at + 1]))
        _attempted(self.step, self.state, self.watch)  # compiled before it is timed
        for number, snapshot in enumerate(true[at + 1 :], start=1):
            self.truth = _updated(self.truth, jnp.asarray(snapshot))
            fields = self._next() if self.blow_up_step is None else None
            if fields is not None:
                self.statistics = _updated(self.statistics, fields)
                self.errors.append(tuple(metric(fields, snapshot) for metric in _METRICS))
            else:
                self.blow_up_step = self.blow_up_step or number
                self.errors.append(_BLOWN_UP)

    def _next(self) -> Array | None:
        """The fields one step on, if they are healthy."""
        begin = time.perf_counter()
        self.state, fields, healthy = _attempted(self.step, self.state, self.watch)
        self.seconds.append(time.perf_counter() - begin)
        return fields if healthy else None


def _one_step_errors(
    step: Stepper, true: Float[np.ndarray, "time channel *space"], watch: Watch
) -> tuple[float, float]:
    """Mean errors of single steps from true snapshots."""
    history = getattr(step, "history", 1)
    last = np.arange(history - 1, len(true) - 1)
    errors = []
    for number in last[:: math.ceil(len(last) / MAX_WINDOWS)]:
        state = _started(step, jnp.asarray(true[number + 1 - history : number + 1]))
        _, fields, _ = _attempted(step, state, watch)
        errors.append(_BLOWN_UP[:2] if fields is None else [m(fields, true[number + 1]) for m in _METRICS[:2]])
    return tuple(np.mean(errors, axis=0))


def _long_run(
    step: Stepper,
    past: Float[np.ndarray, "time channel *space"],
    tests: FlowTests,
    truth: Statistics,
    num_steps: int,
    progress: bool,
) -> LongRun:
    empty = jax.tree.map(jnp.zeros_like, truth)
    run = long_rollout(
        step, _started(step, jnp.asarray(past)), num_steps, empty, watch=tests.watch(0), progress=progress
    )
    return LongRun(
        num_steps=run.num_steps,
        blow_up_step=run.blow_up_step,
        statistics=run.statistics,
        errors=statistics_errors(run.statistics, truth, tests.components),
    )


def _precision_of(step: Stepper) -> contextlib.AbstractContextManager:
    """Double precision for a stepper that has it."""
    leaves = jax.tree.leaves(eqx.filter(step, eqx.is_inexact_array))
    double = any(leaf.dtype in (jnp.float64, jnp.complex128) for leaf in leaves)
    return jax.enable_x64(True) if double else contextlib.nullcontext()


@eqx.filter_jit
def _started(step: Stepper, frames: Float[Array, "time channel *space"]) -> State:
    """The state after these snapshots: of all that the stepper's history reaches, or of the last one."""
    return step.start(frames) if hasattr(step, "start") else step.encode(frames[-1].astype(float))


def _attempted(step: Stepper, state: State, watch: Watch) -> tuple[State, Array | None, Bool[Array, ""] | bool]:
    """The next state, its fields, and whether they are healthy: no fields if the step raises an error."""
    try:
        return jax.block_until_ready(_stepped(step, state, watch))
    except eqx.EquinoxRuntimeError:
        return state, None, False


@eqx.filter_jit
def _stepped(step: Stepper, state: State, watch: Watch) -> tuple[State, Array, Bool[Array, ""]]:
    state = step(state)
    fields = step.decode(state)
    return state, fields, watch(fields)


@eqx.filter_jit
def _updated(statistics: Statistics, fields: Float[Array, "channel *space"]) -> Statistics:
    return updated(statistics, fields.astype(float))
