"""A turbulent channel from its start to its statistics, as the channel and the LES benchmark run it."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from channel_reference import ChannelReference
from jaxtyping import PyTree
from tqdm import tqdm

from fieldcast.simulators.flows.channel import ChannelFlow, ChannelState
from fieldcast.simulators.flows.channel_starts import turbulent_channel
from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.simulators.flows.chebyshev import derivative_matrix, interpolation_matrix
from fieldcast.simulators.rollout import accumulate, rollout
from fieldcast.simulators.statistic import Statistic
from fieldcast.simulators.stride import Stride

SAMPLES_A_CHUNK = 10


class ChannelRun(NamedTuple):
    """The last state, the statistics, what the walls felt while they were taken, and milliseconds a step."""

    state: ChannelState
    statistics: PyTree[Statistic]
    wall_stress: np.ndarray
    ms_per_step: float


class Schedule(NamedTuple):
    """How long a flow runs before its averages and for them, and from sample to sample, in the flow's time."""

    transient: float
    averaging: float
    interval: float


def run_channel(
    flow: ChannelFlow,
    reynolds_number: float,
    bulk_velocity: float,
    schedule: Schedule,
    label: str,
    empty: PyTree[Statistic],
    record: Callable[[ChannelState], Any] | None = None,
) -> ChannelRun:
    """Starts from random eddies and gathers statistics of `record(state)`, by default of the velocity."""
    stride = Stride(flow, schedule.interval)
    advance = eqx.filter_jit(accumulate(stride, SAMPLES_A_CHUNK, record=record))
    start = turbulent_channel(flow.grid, reynolds_number, bulk_velocity, key=jax.random.key(0))
    state, statistics = eqx.filter_jit(flow.encode)(start), empty
    chunk = SAMPLES_A_CHUNK * schedule.interval
    last_transient = round(schedule.transient / chunk)
    wall_stress = []
    chunks = range(last_transient + round(schedule.averaging / chunk))
    for index in tqdm(chunks, desc=label, unit_scale=round(chunk, 6), unit=" h/u_tau"):
        if index == last_transient:
            statistics = empty
        state, statistics = advance(state, statistics)
        wall_stress.append(float(wall_shear(flow, state)))
    return ChannelRun(state, statistics, np.array(wall_stress[last_transient:]), ms_per_step(flow, state))


def ms_per_step(flow: ChannelFlow, state: ChannelState, num_steps: int = 50) -> float:
    """The median over three runs of some steps, compiled before."""
    advance = eqx.filter_jit(rollout(flow, 1, num_steps, record=lambda state: None))
    jax.block_until_ready(advance(state))
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        jax.block_until_ready(advance(state))
        seconds.append(time.perf_counter() - begun)
    return 1e3 * float(np.median(seconds)) / num_steps


def wall_shear(flow: ChannelFlow, state: ChannelState) -> jax.Array:
    """The mean of both walls' shear stress over density, `nu dU/dy`."""
    slope = derivative_matrix(flow.grid.num_points[1])[[0, -1]] @ jnp.real(state.vorticity[:, 0, 0])
    return 0.5 * flow.viscosity * (slope[0] - slope[1])


class WallUnits(NamedTuple):
    """Profiles in wall units at the reference's heights, and how far they are from it."""

    friction_velocity: float
    re_tau: float
    height: np.ndarray
    mean: np.ndarray
    root_mean_square: np.ndarray
    shear_stress: np.ndarray
    errors: dict[str, float]


def in_wall_units(flow: ChannelFlow, statistics: ChannelStatistics, reference: ChannelReference) -> WallUnits:
    """Compares at equal `y+`, each flow with its own friction velocity; relative L2 over the heights of both."""
    viscosity, num_points = float(flow.viscosity), flow.grid.num_points[1]
    mean = np.array(statistics.mean[0])
    friction_velocity = float(np.sqrt(viscosity * (derivative_matrix(num_points)[0] @ mean)))
    re_tau = friction_velocity / viscosity
    height = reference.height[reference.height <= re_tau]
    there = interpolation_matrix(num_points, height / re_tau - 1.0)
    variances = np.array(statistics.root_mean_square) ** 2
    profiles = {
        "mean": there @ mean / friction_velocity,
        "root_mean_square": np.sqrt(np.maximum(variances @ there.T, 0.0)) / friction_velocity,
        "shear_stress": there @ np.array(statistics.reynolds_stress[0, 1]) / friction_velocity**2,
    }
    shown = slice(0, len(height))

    def error(ours: np.ndarray, theirs: np.ndarray) -> float:
        return float(np.linalg.norm(ours - theirs[shown]) / np.linalg.norm(theirs[shown]))

    errors = {"mean_profile_error": error(profiles["mean"], reference.mean)}
    for name, ours, theirs in zip("uvw", profiles["root_mean_square"], reference.root_mean_square, strict=True):
        errors[f"{name}_rms_error"] = error(ours, theirs)
    if reference.shear_stress is not None:
        errors["uv_error"] = error(profiles["shear_stress"], reference.shear_stress)
    return WallUnits(friction_velocity, re_tau, height, errors=errors, **profiles)
