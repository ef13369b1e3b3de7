"""How accurate the k-Wave driver's defaults are, and what each setting costs.

First a focused bowl in water at four points a wavelength against O'Neil's formula, then a procedural skull: every
setting against a run with twice the steps, a thick boundary layer and a tight tolerance. Errors are relative L2 norms,
of the amplitude and of the complex pressure; times are those of one core. Prints one JSON line and writes it to
docs/results. Takes some minutes.

    python benchmarks/kwave_accuracy.py
"""

import json
import time
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.simulators.acoustics.free_field import FreeField
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.medium import homogeneous
from fieldcast.simulators.acoustics.oneil import bowl_on_axis
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

FREQUENCY, RADIUS, APERTURE, SPACING = 500e3, 30e-3, 28e-3, 0.75e-3
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "steps_per_period_24": {"steps_per_period": 24},
    "without_compensation": {"compensate_time_step": False},
    "without_compensation_48": {"compensate_time_step": False, "steps_per_period": 48},
    "pml_size_6": {"pml_size": 6},
    "pml_size_12": {"pml_size": 12},
    "tolerance_0.02": {"tolerance": 0.02},
    "tolerance_0.001": {"tolerance": 0.001},
    "float64": {"precision": np.float64},
}
RESULT = Path(__file__).parents[1] / "docs" / "results" / "kwave_accuracy.json"


def solve(scene: Scene, **settings: Any) -> tuple[np.ndarray, float]:
    """The complex field, and the processor's seconds."""
    solver = KWave(progress=False, workers=1, **settings)
    solver.source(scene.transducer, solver._plan(scene).grid)  # spread once, not part of what is compared
    start = time.process_time()
    return np.asarray(solver(scene).pressure), time.process_time() - start


def errors(found: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    norm = np.linalg.norm(expected)
    amplitude = np.linalg.norm(np.abs(found) - np.abs(expected)) / norm
    peak = np.abs(found).max() / np.abs(expected).max() - 1
    return {
        "amplitude": round(float(amplitude), 5),
        "complex": round(float(np.linalg.norm(found - expected) / norm), 5),
        "peak": round(float(peak), 5),
    }


def bowl_in_water() -> dict[str, float]:
    """The bowl on its axis, behind the plane of its rim."""
    grid = Grid((45, 45, 60), SPACING)
    apex = grid.origin[2] + 6 * SPACING
    bowl = FocusedBowl(
        radius_of_curvature=RADIUS,
        aperture_diameter=APERTURE,
        frequency=FREQUENCY,
        surface_pressure=1e6,
        position=(0.0, 0.0, apex),
        axis=(0.0, 0.0, 1.0),
    )
    field, seconds = solve(Scene(homogeneous(grid), bowl))
    z = grid.axes()[2] - apex
    beyond = z > bowl.depth + SPACING
    exact = 1e6 * bowl_on_axis(
        z, radius_of_curvature=RADIUS, aperture_diameter=APERTURE, wavenumber=2 * np.pi * FREQUENCY / 1500
    )
    return {**errors(field[22, 22, beyond], exact[beyond]), "seconds": round(seconds, 2)}


def behind_a_skull() -> dict[str, dict[str, float]]:
    """Every setting, and the free field, against a fine run."""
    scene = UltrasoundRecipe().scene(0)
    steps = KWave()._plan(scene).drive.steps_per_period
    fine, _ = solve(scene, steps_per_period=2 * steps, pml_size=16, tolerance=3e-4, most_periods=100)
    table = {"free_field": errors(np.asarray(FreeField()(scene).pressure), fine)}
    for name, settings in SETTINGS.items():
        field, seconds = solve(scene, **settings)
        table[name] = {**errors(field, fine), "seconds": round(seconds, 2)}
    return table


def main() -> None:
    warnings.simplefilter("error")
    result = {
        "bowl_in_water": bowl_in_water(),
        "behind_a_skull": behind_a_skull(),
        "date": date.today().isoformat(),
        "versions": {name: version(name) for name in ("fieldcast", "k-wave-python", "numpy", "scipy")},
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
