"""Rollouts of the channel, short ones beside the truth and long ones beyond it, and their statistics."""

import json
import time
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from channel_contenders import Contender, LargeEddies, Size, Unchanged
from jaxtyping import Array, Float

from fieldcast.datasets.atomic import atomic_write
from fieldcast.simulators.flows.plane_statistics import moments
from fieldcast.simulators.long_rollout import long_rollout
from fieldcast.simulators.rollout import updated
from fieldcast.simulators.stepper import Stepper
from fieldcast.surrogates import metrics
from fieldcast.surrogates.evaluation import FlowTests, evaluate_stepper, flow_statistics, load_flow_tests

PROFILES = ("mean", "u_rms", "v_rms", "w_rms")
"""What the published neighbour's errors are of."""

Measured = dict[str, Any]
"""What is known of one contender: numbers and lists, as JSON holds them."""

MOST_HALVES = 10


def measured(task: tuple[Contender, Size]) -> Measured:
    """Train, roll out, and keep what came of it; or read what was kept."""
    contender, size = task
    path = contender.folder(size) / "measured.json"
    if path.exists():
        return json.loads(path.read_text())
    tests = load_flow_tests(size.root, "test")
    long_steps = size.les_intervals if isinstance(contender, LargeEddies) else size.long_steps
    with jax.enable_x64(contender.double):
        step = contender.stepper(size)
        short = evaluate_stepper(step, tests, start=0)
        result = {
            "label": contender.label,
            **contender.about(size, step),
            "one_step": short.one_step,
            "one_step_vrmse": short.one_step_vrmse,
            "times": short.times.tolist(),
            "relative_l2": short.relative_l2.mean(axis=0).tolist(),
            "correlation_time": float(np.mean(short.correlation_times)),
            **_long(step, tests, 1 if isinstance(contender, Unchanged) else long_steps),
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(result))
    return result


def truth(size: Size) -> Measured:
    """Statistics of all data, and how far those of one half are from those of the other: the sampling error.

    Halves of the runs are compared, at most ten pairs of halves, of which the mean error is taken.
    """
    splits = [load_flow_tests(size.root, split) for split in ("train", "valid", "test")]
    runs = [fields for tests in splits for fields in tests.fields]
    parts = [_gathered(splits[0], fields) for fields in runs]
    whole = _summary(_merged(parts))
    halves = [half for half in combinations(range(len(parts)), len(parts) // 2)]
    errors = []
    for half in halves[:: max(1, len(halves) // MOST_HALVES)]:
        rest = [index for index in range(len(parts)) if index not in half]
        one, other = (_summary(_merged([parts[i] for i in chosen])) for chosen in (half, rest))
        errors.append(statistics_errors(one, other))
    energies = jax.jit(jax.vmap(fluctuation_energy))
    energy = np.concatenate([energies(jnp.asarray(fields)) for fields in runs]).tolist()
    noise = {name: float(np.mean([error[name] for error in errors])) for name in errors[0]}
    return {**whole, "energy": energy, "noise": noise, "num_snapshots": len(energy)}


def statistics_errors(found: Measured, true: Measured) -> dict[str, float]:
    """Relative L2 errors of profiles along the wall-normal points, and log spectral distances along x and z.

    The shortest wave of an even number of points is left out: a solver does not keep it.
    """
    pairs = {
        "mean": (found["mean"], true["mean"]),
        **{f"{name}_rms": pair for name, *pair in zip("uvw", found["rms"], true["rms"], strict=True)},
        "shear_stress": (found["shear_stress"], true["shear_stress"]),
    }
    errors = {name: metrics.relative_l2(*map(np.asarray, pair)) for name, pair in pairs.items()}
    for name in ("x", "z"):
        spectra = (np.asarray(each["spectra"][name])[:, :-1] for each in (found, true))
        errors[f"spectrum_{name}"] = metrics.log_spectral_distance(*spectra)
    return errors


def seconds_per_interval(contender: Contender, size: Size, num_steps: int = 20) -> float:
    """Median wall time of a step over one interval of the data, once compiled."""
    fields = load_flow_tests(size.root, "test").fields[0][0]
    with jax.enable_x64(contender.double):
        step = contender.ready(size)
        state = step.encode(jnp.asarray(fields, float))
        advance, seconds = eqx.filter_jit(step), []
        for _ in range(1 + num_steps):
            begin = time.perf_counter()
            state = jax.block_until_ready(advance(state))
            seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds[1:]))


def fluctuation_energy(fields: Float[Array, "3 x y z"]) -> Float[Array, ""]:
    """`1/2 <u'.u'>`, fluctuations about the means over planes, the mean over all points."""
    return 0.5 * jnp.mean(jnp.trace(moments(fields, (0, 2))[1]))


def _long(step: Stepper, tests: FlowTests, num_steps: int) -> Measured:
    start = step.encode(jnp.asarray(tests.fields[0][0], float))
    run = long_rollout(
        step,
        start,
        num_steps,
        flow_statistics(tests.grid, len(tests.components)),
        watch=tests.watch(0),
        history=fluctuation_energy,
    )
    summary = _summary(run.statistics)
    return {"num_steps": run.num_steps, "blow_up_step": run.blow_up_step, **summary, "energy": run.history.tolist()}


@jax.jit
def _followed(statistics: Any, fields: Float[Array, "time 3 x y z"]) -> Any:
    return jax.lax.scan(lambda known, one: (updated(known, one), None), statistics, fields)[0]


def _gathered(tests: FlowTests, fields: np.ndarray) -> Any:
    return _followed(flow_statistics(tests.grid, len(tests.components)), jnp.asarray(fields, float))


def _merged(parts: Sequence[Any]) -> Any:
    whole = parts[0]
    for part in parts[1:]:
        whole = {name: statistic.merge(part[name]) for name, statistic in whole.items()}
    return whole


def _summary(statistics: Any) -> Measured:
    found = statistics["moments"]
    return {
        "mean": found.mean[0].tolist(),
        "rms": found.root_mean_square.tolist(),
        "shear_stress": found.covariance[0, 1].tolist(),
        "spectra": {name: spectrum.tolist() for name, spectrum in statistics["spectra"].mean.items()},
    }
