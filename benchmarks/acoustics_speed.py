"""Milliseconds per time step of the k-space scheme and of k-Wave's Python backend, interleaved in one run.

A bone shell in water with some texture; "absorbing" has power-law losses (y = 1.5, with dispersion) and a plane of
source points with one signal, "lossless" an initial pressure. Every solver runs one block of steps in turn, several
times over; its best block counts. Prints a table and one JSON line and writes it to docs/results. The keys for j-Wave
and `BornSeries` are null: these comparisons are not measured here yet.

    python benchmarks/acoustics_speed.py --quick     64^3 only
    python benchmarks/acoustics_speed.py             256^2, 64^3 and 128^3
"""

import time
import warnings
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from report import provenance, publish

from fieldcast.simulators.acoustics.kspace_absorption import Lossless, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_scheme import KSpaceScheme
from fieldcast.simulators.acoustics.kspace_sources import GridPoints, PressureSource
from fieldcast.simulators.acoustics.kwave_import import import_kwave
from fieldcast.simulators.acoustics.medium import Medium
from fieldcast.simulators.grid import Grid

SPACING, TIME_STEP, POWER, LAYER = 1e-3, 4e-8, 1.5, 10
STEPS = {(256, 256): 60, (64, 64, 64): 12, (128, 128, 128): 3}
ROUNDS = 4

Maps = dict[str, np.ndarray]


def maps(shape: tuple[int, ...]) -> Maps:
    random = np.random.default_rng(0)
    index = np.ogrid[tuple(slice(n) for n in shape)]
    offset = [x - n / 2 for x, n in zip(index, shape, strict=True)]
    shell = np.abs(np.sqrt(sum(x**2 for x in offset)) - shape[0] / 4) < shape[0] / 20
    texture = 1.0 + 0.01 * random.standard_normal(shape)
    source = np.zeros(shape, bool)
    source[shape[0] // 6, shape[1] // 4 : 3 * shape[1] // 4] = True
    return {
        "sound_speed": np.where(shell, 2800.0, 1500.0) * texture,
        "density": np.where(shell, 1850.0, 1000.0) * texture,
        "attenuation": np.where(shell, 8.0, 0.5),
        "source": source,
        "initial_pressure": np.exp(-sum(x**2 for x in offset) / 20.0),
    }


def signal(num_steps: int) -> np.ndarray:
    return 1e5 * np.sin(0.3 * np.arange(num_steps))


def our_block(values: Maps, dtype: type, absorbing: bool, num_steps: int) -> Callable[[], object]:
    """A function that runs a block of steps of the k-space scheme, compiled."""
    grid = Grid(values["density"].shape, SPACING)
    medium = Medium(*(jnp.asarray(values[n], dtype) for n in ("sound_speed", "density", "attenuation")), POWER, grid)
    sources = [PressureSource(GridPoints.where(values["source"]), signal(ROUNDS * num_steps))] if absorbing else []
    scheme = KSpaceScheme(
        medium,
        TIME_STEP,
        sources,
        absorption=PowerLaw(dispersion=True) if absorbing else Lossless(),
        layer=PerfectlyMatchedLayer(LAYER, outside=False),
    )
    start = scheme.rest() if absorbing else scheme.released(jnp.asarray(values["initial_pressure"], dtype))
    run = jax.jit(
        lambda scheme, state: jax.lax.scan(lambda s, _: (scheme(s), None), state, None, length=num_steps)[0].pressure
    )
    jax.block_until_ready(run(scheme, start))
    return lambda: jax.block_until_ready(run(scheme, start))


def kwave_block(values: Maps, dtype: type, absorbing: bool, num_steps: int) -> Callable[[], object]:
    """The same of k-Wave, unchanged."""
    import_kwave()
    from kwave.kgrid import kWaveGrid
    from kwave.kmedium import kWaveMedium
    from kwave.ksensor import kSensor
    from kwave.ksource import kSource
    from kwave.solvers import Simulation

    shape = values["density"].shape
    grid = kWaveGrid(list(shape), [SPACING] * len(shape))
    total = (ROUNDS + 1) * num_steps
    grid.setTime(total, TIME_STEP)
    losses = {"alpha_coeff": values["attenuation"], "alpha_power": POWER} if absorbing else {}
    medium = kWaveMedium(sound_speed=values["sound_speed"], density=values["density"], **losses)
    source, sensor = kSource(), kSensor(mask=np.ones(shape))
    if absorbing:
        source.p_mask, source.p = values["source"], signal(total)[None]
    else:
        source.p0 = values["initial_pressure"]
    sensor.record = ["p_final"]
    layer = {"pml_size": (LAYER,) * len(shape), "pml_alpha": (2.0,) * len(shape)}
    simulation = Simulation(grid, medium, source, sensor, **layer, dtype=dtype, quiet=True, smooth_p0=False)
    simulation.setup()
    simulation.step()

    def run() -> None:
        for _ in range(num_steps):
            simulation.step()

    return run


def measured(shape: tuple[int, ...], absorbing: bool) -> dict[str, float]:
    """Milliseconds per step by solver."""
    values, num_steps = maps(shape), STEPS[shape]
    blocks = {
        f"{name}_{np.dtype(dtype).name}": make(values, dtype, absorbing, num_steps)
        for name, make in (("kspace", our_block), ("kwave", kwave_block))
        for dtype in (np.float32, np.float64)
    }
    best = dict.fromkeys(blocks, np.inf)
    for _ in range(ROUNDS):
        for name, block in blocks.items():
            start = time.perf_counter()
            block()
            best[name] = min(best[name], 1e3 * (time.perf_counter() - start) / num_steps)
    return {name: round(value, 3) for name, value in best.items()}


def main(quick: bool = False) -> None:
    """Measure, print and store.

    Args:
        quick: 64^3 only; prints without storing.
    """
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")  # k-Wave's CFL warning also fires in stable runs
    shapes = [(64, 64, 64)] if quick else list(STEPS)
    table = {}
    for shape in shapes:
        size = "x".join(map(str, shape))
        table[size] = {kind: measured(shape, kind == "absorbing") for kind in ("absorbing", "lossless")}
        for kind, row in table[size].items():
            print(f"{size:>12} {kind:>9}  " + "  ".join(f"{name} {value:.2f} ms" for name, value in row.items()))
    largest = list(table.values())[-1]["absorbing"]
    result = {
        "size": list(shapes[-1]),
        "ms_per_step": largest,
        "ms_per_step_by_size": table,
        "kwave_f64_over_kspace_f32": round(largest["kwave_float64"] / largest["kspace_float32"], 2),
        "jwave_over_kspace": None,
        "born_speedup": None,
        "warm_start_iterations_saved": None,
        **provenance("k-wave-python"),
    }
    publish(result, "acoustics_speed", store=not quick)


if __name__ == "__main__":
    tyro.cli(main)
