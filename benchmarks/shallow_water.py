"""The shallow-water solver at the truncations that are used: a steady flow, an unstable jet, random vortices, speed.

- Steady flow: Williamson's case 2, tilted by half a right angle, truncation 62, five days, both precisions; largest
  error of the height over the range of the height.
- Jet: that of Galewsky et al. at truncation 85 after six days, with a figure of its vorticity; drift of mass and
  energy.
- Random vortices: the starts of PDEArena's shallow-water data, truncation 62, without mountains. Standard deviation of
  both components of velocity over all points, starts and eleven frames, beside that of the published data, which have
  the Earth's mountains.

Prints one JSON line, the full run also writes it to docs/results.

    python benchmarks/shallow_water.py --quick     two random starts, jet at truncation 42, prints without storing
    python benchmarks/shallow_water.py
"""

import time

import jax
import jax.numpy as jnp
import jax.random as jrandom
import matplotlib.pyplot as plt
import numpy as np
import tyro
from report import RESULTS, provenance, publish

from fieldcast.simulators.flows.shallow_water import ShallowWater
from fieldcast.simulators.flows.shallow_water_starts import barotropic_jet, random_vortices, steady_zonal_flow
from fieldcast.simulators.flows.sphere_grid import SphereGrid
from fieldcast.simulators.flows.spherical_harmonics import SphericalTransform
from fieldcast.simulators.rollout import rollout

HOUR = 3600.0
HYPERDIFFUSION = 1.0 / (2.4 * HOUR)
GRIDS = {42: SphereGrid(64, 128), 62: SphereGrid(96, 192), 85: SphereGrid(128, 256)}
PUBLISHED_DEVIATION = (3.44893, 3.40507)
"""Of the eastward and northward velocity [m/s], by which SineNet normalises PDEArena's data."""


def sphere(truncation: int, dt: float, **parameters) -> ShallowWater:
    return ShallowWater(SphericalTransform(truncation, GRIDS[truncation]), dt=dt, **parameters)


def steady_flow_error() -> float:
    """Largest error of the height over its range after five days."""
    tilted = 7.292e-5 * np.asarray([-np.sqrt(0.5), 0.0, np.sqrt(0.5)])
    solver = sphere(62, 0.25 * HOUR, rotation=tilted)
    start = steady_zonal_flow(solver)
    end, _ = jax.jit(rollout(solver, 1, inner_steps=480))(start)
    before, after = solver.decode(start)[0], solver.decode(end)[0]
    return float(jnp.max(jnp.abs(after - before)) / jnp.ptp(before))


def jet(truncation: int, store: bool) -> dict[str, float]:
    """Six days of the unstable jet."""
    solver = sphere(truncation, HOUR / 8.0, hyperdiffusion=HYPERDIFFUSION)
    start = barotropic_jet(solver)
    end, _ = jax.jit(rollout(solver, 1, inner_steps=6 * 24 * 8))(start)
    if store:
        draw(solver, end)
    mass, energy = (
        np.asarray([measure(solver, state) for state in (start, end)]) for measure in (mean_height, energy_of)
    )
    return {"mass_change": float(mass[1] / mass[0] - 1.0), "energy_change": float(energy[1] / energy[0] - 1.0)}


def mean_height(solver: ShallowWater, state: jax.Array) -> jax.Array:
    return state[2, 0, 0, 0]


def energy_of(solver: ShallowWater, state: jax.Array) -> jax.Array:
    """Kinetic energy and the potential energy above that of the level surface, a unit of area and density."""
    height, east, north = solver.decode(state)
    available = solver.gravity * (height - mean_height(solver, state)) ** 2
    return 0.5 * solver.grid.mean(height * (east**2 + north**2) + available)


def draw(solver: ShallowWater, state: jax.Array) -> None:
    latitude, longitude = (np.degrees(axis) for axis in solver.grid.axes())
    figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
    vorticity = 1e5 * np.asarray(solver.transform.synthesis(state[0]))
    image = axes.contourf(
        longitude, latitude, vorticity, levels=np.arange(-12.0, 17.0, 2.0), cmap="RdBu_r", extend="both"
    )
    axes.set(ylim=(10, 80), xlabel="longitude [degrees]", ylabel="latitude [degrees]")
    figure.colorbar(image, label="vorticity [1e-5 / s]")
    figure.savefig(RESULTS / "shallow_water.png", dpi=120)


def random_frames(num_starts: int) -> dict[str, object]:
    """Statistics of runs of 20 days with the frames of the published data, and the time of a step."""
    frame, steps = 48 * 3290.0, 208  # they kept each sixth step of 3290 s, and the learners each eighth of these
    solver = sphere(62, frame / steps, hyperdiffusion=HYPERDIFFUSION)
    halfway = jax.jit(rollout(solver, 1, inner_steps=steps // 2))
    rest = jax.jit(rollout(solver, 10, inner_steps=steps))
    frames, seconds = [], []
    for seed in range(num_starts):
        state, first = halfway(random_vortices(solver, key=jrandom.key(seed)))
        begin = time.perf_counter()
        state, others = jax.block_until_ready(rest(state))
        seconds.append(time.perf_counter() - begin)
        frames.append(np.concatenate([first, others]))
    deviation = np.std(np.stack(frames)[:, :, 1:], axis=(0, 1, 3, 4))
    return {
        "velocity_deviation": deviation.tolist(),
        "published_deviation": PUBLISHED_DEVIATION,
        "ms_per_step": 1e3 * min(seconds) / (10 * steps),
    }


def main(quick: bool = False) -> None:
    """Run everything; `quick` makes it smaller and stores nothing."""
    with jax.enable_x64(True):
        double = steady_flow_error()
    result = {
        "steady_flow_error": {"float64": double, "float32": steady_flow_error()},
        "jet": jet(42 if quick else 85, store=not quick),
        "random_vortices": random_frames(2 if quick else 4),
        "device": jax.devices()[0].device_kind,
    }
    publish(result | provenance(), "shallow_water", store=not quick)


if __name__ == "__main__":
    tyro.cli(main)
