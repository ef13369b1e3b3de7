"""How fast the acoustic solvers are beside k-Wave and j-Wave, interleaved in one run.

Time stepping: milliseconds per step of `KSpaceScheme`, of k-Wave's Python backend and, where installed, of j-Wave. A
bone shell in water; "absorbing" has power-law losses (y = 1.5, with dispersion) and a plane of source points with one
signal, "lossless" an initial pressure. Every solver runs one block of steps in turn, several times over; its best block
counts. Steady state: seconds of `KSpace` and `BornSeries` for the same field behind a slab of bone at equal error, and
the iterations that a first guess saves. On a GPU also a scene of 256^3 points, and the memory that all this took.

    python benchmarks/acoustics_speed.py --quick     64^3 only; a smaller slab
    python benchmarks/acoustics_speed.py             256^2, 64^3 and 128^3; on a GPU 128^3 and 256^3

j-Wave: `pip install --no-deps jwave jaxdf plum-dispatch`.
"""

import time
import warnings

import jax
import numpy as np
import tyro
from report import provenance, publish
from steady_race import race, warm_start, whole_head
from stepping import jwave_block, kspace_block, kwave_block, shell_maps

CPU_STEPS = {(256, 256): 60, (64, 64, 64): 12, (128, 128, 128): 3}
GPU_STEPS = {(128, 128, 128): 100, (256, 256, 256): 20}
QUICK_STEPS = {(64, 64, 64): 12}
ROUNDS = 4


def stepping(shape: tuple[int, ...], num_steps: int, *, absorbing: bool) -> dict[str, float]:
    """Milliseconds per step by solver."""
    values = shell_maps(shape)
    blocks = {
        f"{name}_{np.dtype(dtype).name}": make(values, dtype, absorbing, num_steps, ROUNDS)
        for name, make in (("kspace", kspace_block), ("kwave", kwave_block))
        for dtype in (np.float32, np.float64)
    }
    jwave = None if absorbing else jwave_block(values, num_steps)
    if jwave is not None:
        blocks["jwave_float32"] = jwave
    best = dict.fromkeys(blocks, np.inf)
    for _ in range(ROUNDS):
        for name, block in blocks.items():
            start = time.perf_counter()
            block()
            best[name] = min(best[name], 1e3 * (time.perf_counter() - start) / num_steps)
    return {name: round(value, 3) for name, value in best.items()}


def by_size(steps: dict[tuple[int, ...], int]) -> dict[str, dict[str, dict[str, float]]]:
    """`stepping` by size and kind."""
    table = {}
    for shape, num_steps in steps.items():
        size = "x".join(map(str, shape))
        table[size] = {
            kind: stepping(shape, num_steps, absorbing=kind == "absorbing") for kind in ("absorbing", "lossless")
        }
        for kind, row in table[size].items():
            print(f"{size:>12} {kind:>9}  " + "  ".join(f"{name} {value:.2f} ms" for name, value in row.items()))
    return table


def steady(points_per_wavelength: int) -> dict[str, object]:
    """`race` with and without density contrast, and `warm_start`."""
    races = {name: race(points_per_wavelength, contrast=name == "contrast") for name in ("contrast", "one_density")}
    for name, row in races.items():
        print(f"{name:>12}  " + "  ".join(f"{solver} {numbers}" for solver, numbers in row.items()))
    iterations = warm_start(points_per_wavelength)
    print(f"  iterations  {iterations}")
    return {"races": races, "iterations": iterations, "points_per_wavelength": points_per_wavelength}


def on_device(points: int) -> dict[str, object]:
    """`whole_head`, and the largest amount of device memory in use so far, for each point of that grid [bytes]."""
    seconds = whole_head(points)
    memory = jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    return {"points": points, "seconds": seconds, "peak_bytes_per_point": round(memory / points**3)}


def speedup(row: dict[str, dict[str, float]]) -> float:
    return round(row["kspace"]["seconds"] / row["born"]["seconds"], 2)


def main(quick: bool = False) -> None:
    """Measure, print and store.

    Args:
        quick: 64^3 and a smaller slab; prints without storing.
    """
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")  # k-Wave's CFL warning also fires in stable runs
    on_gpu = jax.default_backend() == "gpu"
    steps = QUICK_STEPS if quick else GPU_STEPS if on_gpu else CPU_STEPS
    table = by_size(steps)
    largest = list(table.values())[-1]
    lossless = largest["lossless"]
    field = steady(6 if quick else 9)
    result = {
        "size": list(list(steps)[-1]),
        "ms_per_step": largest["absorbing"],
        "ms_per_step_by_size": table,
        "kwave_f64_over_kspace_f32": round(
            largest["absorbing"]["kwave_float64"] / largest["absorbing"]["kspace_float32"], 2
        ),
        "jwave_over_kspace": round(lossless["jwave_float32"] / lossless["kspace_float32"], 2)
        if "jwave_float32" in lossless
        else None,
        "born_speedup": speedup(field["races"]["contrast"]),
        "born_speedup_one_density": speedup(field["races"]["one_density"]),
        "warm_start_iterations_saved": field["iterations"]["cold"] - field["iterations"]["warm"],
        "steady": field,
        "whole_head": on_device(256) if on_gpu else None,
        **provenance("k-wave-python"),
    }
    publish(result, "acoustics_speed_gpu" if on_gpu else "acoustics_speed", store=not quick)


if __name__ == "__main__":
    tyro.cli(main)
