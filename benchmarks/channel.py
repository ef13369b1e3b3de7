"""The channel solver: growth of a linear wave, invariants, and a turbulent channel beside Moser, Kim and Mansour.

Velocities are in friction velocities and lengths in half heights, at the bulk velocity and viscosity of the reference,
so that the friction velocity comes out as 1 if all is well.

    python benchmarks/channel.py --quick      a minimal channel, some minutes on two cores
    python benchmarks/channel.py --full       4 pi x 2 x 4 pi / 3 on 128 x 129 x 128 points, for a GPU
"""

import time
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from channel_figures import draw_channel
from channel_reference import ChannelReference, read_direct
from channel_run import ChannelRun, Schedule, WallUnits, in_wall_units, run_channel
from report import RESULTS, provenance, publish

from fieldcast.simulators.flows.channel import ALPHA, ChannelFlow, ChannelState
from fieldcast.simulators.flows.channel_forcing import ConstantFlux, ConstantPressureGradient
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.channel_starts import channel_with_wave
from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.simulators.flows.chebyshev import derivative_matrix
from fieldcast.simulators.flows.orr_sommerfeld import least_stable_wave
from fieldcast.simulators.rollout import rollout

RE_TAU, BULK_VELOCITY = 178.12, 15.679
"""Of the reference."""

BANDWIDTH = {"NVIDIA H100 80GB HBM3": 3.35e12, "NVIDIA H200": 4.8e12}
"""Bytes a second of a device's memory, from its data sheet."""


@dataclass(frozen=True)
class Case:
    grid: ChannelGrid
    dt: float
    schedule: Schedule


MINIMAL = Case(ChannelGrid((24, 65, 24), (2.0, 0.75)), 0.001, Schedule(transient=4.0, averaging=10.0, interval=0.0125))
WHOLE = Case(
    ChannelGrid((128, 129, 128), (4 * np.pi, 4 * np.pi / 3)),
    0.001,
    Schedule(transient=12.0, averaging=25.0, interval=0.01),
)


def orr_sommerfeld_error() -> float:
    """How far the growth rate of the unstable wave at Re = 10000 is from the linear theory, over 5 time units."""
    grid, wave = ChannelGrid((4, 65, 1), (2 * np.pi, 1.0)), least_stable_wave(1e4, 1.0, 65)
    flow = ChannelFlow(grid, 1e-4, ConstantPressureGradient(2e-4), dt=0.01)
    first = flow.encode(channel_with_wave(grid, wave, 1.0, 1e-5))
    last, _ = eqx.filter_jit(rollout(flow, 1, 500, record=lambda state: None))(first)
    ratio = (flow.velocity(last) / flow.velocity(first))[1, 32, 1, 0]
    return abs(float(jnp.log(jnp.abs(ratio))) / 5.0 - wave.wave_speed.imag)


def bytes_per_step(flow: ChannelFlow, state: ChannelState) -> float:
    """What the compiled step reads and writes, by the compiler's account, which counts its loop over stages once."""
    step = jax.jit(lambda state: flow.advance(state, jnp.asarray(flow.dt))).lower(state).compile()
    return len(ALPHA) * step.cost_analysis()["bytes accessed"]


def roofline_share(num_bytes: float, ms_per_step: float) -> float | None:
    """The least time in which the memory could move so much, over the time that a step takes."""
    bandwidth = BANDWIDTH.get(jax.devices()[0].device_kind)
    return None if bandwidth is None else num_bytes / bandwidth / (1e-3 * ms_per_step)


def stress_deviation(flow: ChannelFlow, run: ChannelRun, units: WallUnits) -> float:
    """The largest distance of the total shear stress from a straight line, in wall units: the averages' own error."""
    y = flow.grid.axes()[1]
    total = run.statistics.total_shear_stress(derivative_matrix(len(y)), flow.viscosity)
    return float(np.abs(np.array(total) / units.friction_velocity**2 + y).max())


def print_profiles(units: WallUnits, reference: ChannelReference) -> None:
    print(
        "| y+ | U+ | MKM | u' | MKM | v' | MKM | w' | MKM | -uv | MKM |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for wanted in (1, 5, 10, 15, 20, 30, 50, 100, 150):
        i = int(np.abs(units.height - wanted).argmin())
        pairs = [(units.mean[i], reference.mean[i])]
        pairs += list(zip(units.root_mean_square[:, i], reference.root_mean_square[:, i], strict=True))
        pairs += [(-units.shear_stress[i], -reference.shear_stress[i])]
        print(f"| {units.height[i]:.1f} | " + " | ".join(f"{a:.3f} | {b:.3f}" for a, b in pairs) + " |")


def main(quick: bool = False, full: bool = False, reference: Path = Path(__file__).parent / "reference") -> None:
    """Measure, print, draw and store.

    Args:
        quick: the minimal channel; also what runs without a choice.
        full: the whole box.
        reference: folder with `mkm180_means.txt` and `mkm180_reystress.txt`.
    """
    if quick and full:
        raise SystemExit("Choose one of --quick and --full.")
    jax.config.update("jax_enable_x64", True)
    case, name = (WHOLE, "channel_full") if full else (MINIMAL, "channel")
    flow = ChannelFlow(case.grid, 1 / RE_TAU, ConstantFlux(BULK_VELOCITY), dt=case.dt)
    begun = time.perf_counter()
    empty = ChannelStatistics.empty(case.grid.num_points[1])
    run = run_channel(flow, RE_TAU, BULK_VELOCITY, case.schedule, "channel", empty)
    run = run._replace(statistics=run.statistics.folded())
    published = read_direct(reference, "mkm180")
    units = in_wall_units(flow, run.statistics, published)
    print_profiles(units, published)
    num_bytes = bytes_per_step(flow, run.state)
    velocity, gradient = flow.decode(run.state), flow.gradient(run.state)
    result = {
        "orr_sommerfeld_error": orr_sommerfeld_error(),
        "flux_error": abs(float(flow.grid.mean(velocity[0])) - BULK_VELOCITY),
        "divergence_max": float(jnp.abs(jnp.trace(gradient)).max()),
        "slip_max": float(jnp.abs(velocity[:, :, jnp.array([0, -1])]).max()),
        "re_tau": units.re_tau,
        "wall_stress": float(run.wall_stress.mean()),
        "wall_stress_deviation": float(run.wall_stress.std()),
        **units.errors,
        "total_stress_deviation": stress_deviation(flow, run, units),
        "num_points": case.grid.num_points,
        "lengths": case.grid.lengths,
        "dt_of_timing": case.dt,
        **case.schedule._asdict(),
        "ms_per_step": round(run.ms_per_step, 2),
        "bytes_per_step": num_bytes,
        "roofline_share": roofline_share(num_bytes, run.ms_per_step),
        "minutes": round((time.perf_counter() - begun) / 60, 1),
        "device": jax.devices()[0].device_kind,
        **provenance(),
    }
    publish(result, name, store=True)
    draw_channel(RESULTS / f"{name}.png", flow, run, units, published)


if __name__ == "__main__":
    tyro.cli(main)
