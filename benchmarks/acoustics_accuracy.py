"""How accurate the acoustic solvers are: against k-Wave, a closed formula, each other, and finite differences.

- Parity: the k-space scheme and k-Wave's Python backend on the named problems of the tests; largest relative L2
  difference over all points and times.
- Bowl: `KSpace` and `BornSeries`, as they are, in water in three dimensions, against O'Neil's formula on the axis.
- Born series and time stepping: relative L2 difference of the whole field, in water and through a slab of bone; tight
  tolerances, so that the time step and the boundary layers are what is left. Once more with half the time step; and
  with the scheme's own time step and layer in `BornSeries`, where both solve the same equations.
- Gradients of a scalar of the field with respect to all seven leaves of a scene, against central differences.

Prints tables and one JSON line, the full run also writes it to docs/results.

    python benchmarks/acoustics_accuracy.py --quick     fewer cases, one resolution, prints without storing
    python benchmarks/acoustics_accuracy.py
"""

import dataclasses
import itertools
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from beam_scenes import beam_scene, on_axis, oneil_on_axis
from report import provenance, publish

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.helmholtz import FirstOrder
from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver

# The parity cases and the differences are what the tests hold the solvers to.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kspace_parity_cases import CASES, parity_error
from kspace_scenes import textured_scene
from scene_gradients import LEAVES, gradient_of, leaf_error
from scenes import relative_l2

HEADLINE = 6
"""Points per wavelength at which the single numbers are given."""

SMALL_LAYER = PerfectlyMatchedLayer(6, 1.0)
DIFFERENTIATED: dict[str, FieldSolver] = {
    "kspace": KSpace(tolerance=0.0, settle_periods=6, most_periods=8, steps_per_period=24, layer=SMALL_LAYER),
    "born": BornSeries(tolerance=1e-11, layer=SMALL_LAYER, restart=40),
}

Numbers = dict[str, float]


def parity(names: list[str]) -> dict[str, Numbers]:
    """Relative L2 difference from k-Wave by case and precision."""
    table = {}
    for name in names:
        table[name] = {np.dtype(t).name: parity_error(CASES[name], t) for t in (np.float64, np.float32)}
        print(f"{name:>48}  " + shown(table[name]))
    return table


def bowl(points_per_wavelength: int) -> dict[str, Numbers]:
    """Errors on the axis in water by solver, in single precision."""
    scene = beam_scene(points_per_wavelength, 3, bone=False, dtype=np.float32)
    exact = oneil_on_axis(scene)
    errors = {}
    for name, solver in (("kspace", KSpace(tolerance=1e-3)), ("born", BornSeries())):
        axial = on_axis(scene, solver(scene).pressure)
        peak = np.abs(axial).max() / np.abs(exact).max() - 1.0
        errors[name] = {"axial_rel_l2": relative_l2(axial, exact), "peak_error": abs(float(peak))}
        print(f"{points_per_wavelength:>4} points  {name:>6}  " + shown(errors[name]))
    return errors


def born_and_stepping(points_per_wavelength: int, ndim: int, *, bone: bool, time_steps: bool = False) -> Numbers:
    """Differences of the two solvers' fields; with `time_steps` also for other time steps than the default."""
    dtype, tolerance = (np.float64, 1e-5) if ndim == 2 else (np.float32, 1e-4)
    scene = beam_scene(points_per_wavelength, ndim, bone=bone, dtype=dtype)
    stepping = KSpace(tolerance=tolerance, most_periods=400)
    born = BornSeries(tolerance=tolerance, most_iterations=3000)
    steps = stepping.planned(scene).steps_per_period
    pressure, continuous = stepping(scene).pressure, born(scene).pressure
    differences = {"steps_per_period": steps, "difference": relative_l2(continuous, pressure)}
    if time_steps:
        finer = dataclasses.replace(stepping, steps_per_period=2 * steps)
        differences["half_time_step"] = relative_l2(continuous, finer(scene).pressure)
        differences["own_time_step"] = own_time_step(scene, stepping, born, steps)
    print(f"{ndim}-D {points_per_wavelength:>4} points  {'bone' if bone else 'water':>6}  " + shown(differences))
    return differences


def by_medium(ndim: int, resolutions: tuple[int, ...], *, time_steps: bool) -> dict[str, dict[int, Numbers]]:
    """`born_and_stepping` by medium and points per wavelength; other time steps at `HEADLINE`."""
    return {
        name: {
            points: born_and_stepping(points, ndim, bone=bone, time_steps=time_steps and points == HEADLINE)
            for points in resolutions
        }
        for name, bone in (("water", False), ("bone", True))
    }


def own_time_step(scene: Scene, stepping: KSpace, born: BornSeries, steps: int) -> float:
    """The difference when both solve the same equations: the scheme's time step, one boundary layer."""
    stepping = dataclasses.replace(stepping, steps_per_period=steps, layer=born.layer)
    born = dataclasses.replace(born, equation=FirstOrder(steps))
    return relative_l2(born(scene).pressure, stepping(scene).pressure)


def gradients(solvers: list[str]) -> dict[str, Numbers]:
    """Relative errors of directional derivatives by solver and leaf."""
    scene = textured_scene((22, 24), phase=0.3)
    table = {}
    for name in solvers:
        solver = DIFFERENTIATED[name]
        gradient = gradient_of(scene, solver)
        table[name] = {leaf: leaf_error(scene, solver, gradient, leaf) for leaf in LEAVES}
        print(f"{name:>6}  " + shown(table[name]))
    return table


def shown(row: Numbers) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in row.items())


def slope(rows: dict[int, Any], error: Callable[[Any], float]) -> float | None:
    """Exponent with which an error changes with the points per wavelength, the keys of `rows`."""
    if len(rows) < 2:
        return None
    errors = [error(row) for row in rows.values()]
    return round(float(np.polyfit(np.log(list(rows)), np.log(errors), 1)[0]), 2)


def main(quick: bool = False) -> None:
    """Measure, print and store.

    Args:
        quick: Fewer cases, one resolution, gradients of one solver; prints without storing.
    """
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")  # of four points per wavelength, and k-Wave's CFL warning
    cases = parity(list(itertools.islice(CASES, 20)) if quick else list(CASES))
    bowls = {points: bowl(points) for points in ((HEADLINE,) if quick else (4, HEADLINE, 9))}
    plane = by_medium(2, (HEADLINE,) if quick else (4, HEADLINE, 8, 12), time_steps=not quick)
    space = {} if quick else by_medium(3, (HEADLINE,), time_steps=False)
    errors = gradients(["born"] if quick else list(DIFFERENTIATED))
    single = {
        "num_parity_cases": len(cases),
        "parity_f64_max": max(row["float64"] for row in cases.values()),
        "parity_f32_max": max(row["float32"] for row in cases.values()),
        "bowl_axial_rel_l2": bowls[HEADLINE]["kspace"]["axial_rel_l2"],
        "bowl_peak_error": bowls[HEADLINE]["kspace"]["peak_error"],
        "born_vs_kspace_water": plane["water"][HEADLINE]["difference"],
        "born_vs_kspace_bone": plane["bone"][HEADLINE]["difference"],
        "gradient_error_max": max(max(row.values()) for row in errors.values()),
        "points_per_wavelength": HEADLINE,
    }
    slopes = {
        "bowl_slope": {name: slope(bowls, lambda row, n=name: row[n]["axial_rel_l2"]) for name in ("kspace", "born")},
        "born_vs_kspace_slope": {name: slope(rows, lambda row: row["difference"]) for name, rows in plane.items()},
    }
    tables = {"bowl": bowls, "born_vs_kspace": {"2-D": plane, "3-D": space}, "gradients": errors, "parity": cases}
    publish({**single, **slopes, **tables, **provenance("k-wave-python")}, "acoustics_accuracy", store=not quick)


if __name__ == "__main__":
    tyro.cli(main)
