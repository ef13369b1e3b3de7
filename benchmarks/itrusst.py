"""The ITRUSST intercomparison, benchmarks 1 to 6 with both sources: solve, compare, draw.

`solve` stores a case's central plane under runs/itrusst, `compare` measures the stored fields of a case against each
other, writes docs/results/itrusst.json and prints the tables of docs/itrusst.md, and `draw` the figures beside it.

    python benchmarks/itrusst.py solve --case BM3-SC1 --solver born
    python benchmarks/itrusst.py solve --case all --solver exact
    python benchmarks/itrusst.py solve --case BM1-SC1 BM3-SC1 --solver kspace --spacing 1e-3
    python benchmarks/itrusst.py compare
    python benchmarks/itrusst.py draw

`--quick` solves at 1 mm. At 0.5 mm and on two cores a case of `born` takes some minutes, of `kspace` up to twenty
behind bone, of `kwave` an hour or more.
"""

import itertools
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import numpy as np
import tyro
from itrusst_figures import draw_benchmark, save_small

from fieldcast.simulators.acoustics.born_series import BornSeries
from fieldcast.simulators.acoustics.itrusst import BENCHMARKS, CASES, COMPARISON_PLANE, Case, comparison_plane, scene
from fieldcast.simulators.acoustics.itrusst_metrics import behind_exit_plane, differences, protocol, read
from fieldcast.simulators.acoustics.kspace import KSpace
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.layered_beam import layered_beam

SOLVERS: dict[str, Callable[[], Any]] = {"born": BornSeries, "kspace": KSpace, "kwave": KWave}
TRUST = ("exact", "kwave", "kspace", "born")
"""Who is whose reference when the grids are equal; otherwise the finer grid is."""

PUBLISHED_SPACING, QUICK_SPACING = 0.5e-3, 1e-3
ROOT = Path(__file__).parents[1]
STORE, RESULTS = ROOT / "runs" / "itrusst", ROOT / "docs" / "results"


@dataclass(frozen=True)
class Stored:
    """A field of a case on the comparison plane, and where it came from."""

    solver: str
    spacing: float | None
    amplitude: np.ndarray
    record: dict[str, Any]

    @property
    def label(self) -> str:
        return label(self.solver, self.spacing)


def label(solver: str, spacing: float | None) -> str:
    return solver if spacing is None else f"{solver}, {1e3 * spacing:.3g} mm"


def solve(
    case: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME")],
    solver: tuple[Literal["exact", "born", "kspace", "kwave"], ...],
    spacing: float = PUBLISHED_SPACING,
    quick: bool = False,
) -> None:
    """Solve cases and store their central planes.

    Args:
        case: names such as BM3-SC1, or "all".
        solver: one or more; `exact` knows flat layers only.
        spacing: of the grid [m].
        quick: on a grid of 1 mm.
    """
    spacing = QUICK_SPACING if quick else spacing
    for name in CASES if "all" in case else case:
        for kind in solver:
            if kind == "exact" and CASES[name].benchmark.centre is not None:
                print(f"{name}: no exact field behind curved layers")
                continue
            start, processor_start = time.perf_counter(), time.process_time()
            if kind == "exact":
                stem, amplitude = kind, exact_plane(CASES[name])
            else:
                stem = f"{kind}_{1e6 * spacing:.0f}um"
                amplitude = comparison_plane(SOLVERS[kind]()(scene(CASES[name], spacing)))
            record = {
                "case": name,
                "solver": kind,
                "spacing": None if kind == "exact" else spacing,
                "seconds": round(time.perf_counter() - start, 1),
                "processor_seconds": round(time.process_time() - processor_start, 1),
                "machine": machine(),
                "date": date.today().isoformat(),
                "version": version("fieldcast"),
            }
            STORE.mkdir(parents=True, exist_ok=True)
            path = STORE / f"{name}_{stem}.npz"
            np.savez_compressed(path, amplitude=amplitude.astype(np.float32), record=json.dumps(record))
            print(f"{path.name}: {record['seconds']} s", flush=True)


def exact_plane(case: Case) -> np.ndarray:
    """The exact amplitude behind flat layers; NaN around the source."""
    x, y = COMPARISON_PLANE.axes()
    offset, place = np.unique(np.round(np.abs(y), 9), return_inverse=True)
    benchmark = case.benchmark
    field = layered_beam(
        case.source.transducer(),
        x,
        offset,
        layers=benchmark.layers,
        front=benchmark.front,
        before=benchmark.before,
        behind=benchmark.behind,
    )
    return np.abs(field[:, place])


def machine() -> str:
    accelerator = jax.devices()[0]
    kind = platform.machine() if accelerator.platform == "cpu" else accelerator.device_kind
    return f"{kind}, {os.cpu_count()} cores"


def stored(case: str) -> list[Stored]:
    """The stored fields of a case, the most trusted first: the exact one, then by grid and solver."""
    found = []
    for path in STORE.glob(f"{case}_*.npz"):
        with np.load(path) as file:
            record = json.loads(str(file["record"]))
            found.append(Stored(record["solver"], record["spacing"], file["amplitude"].astype(float), record))
    return sorted(found, key=lambda field: (field.spacing or 0.0, TRUST.index(field.solver)))


def compare() -> None:
    """Measure the stored fields and replace their rows in docs/results/itrusst.json."""
    path = RESULTS / "itrusst.json"
    table = json.loads(path.read_text()) if path.exists() else {"fields": [], "differences": []}
    for name, case in CASES.items():
        known = stored(name)
        for field in known:
            replace(table["fields"], reading(field, case), ("case", "solver", "spacing"))
        for reference, other in itertools.combinations(known, 2):
            row = comparison(name, reference, other)
            replace(table["differences"], row, ("case", "reference", "solver", "spacing"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, indent=1) + "\n")
    print_table([row for row in table["differences"] if telling(row)], DIFFERENCE_COLUMNS)
    print_table(table["fields"], FIELD_COLUMNS)


def reading(field: Stored, case: Case) -> dict[str, Any]:
    """What is read off one field, in kPa and mm."""
    rules = protocol(case)
    found = read(behind_exit_plane(field.amplitude, rules), rules, COMPARISON_PLANE.spacing)
    x, y = (axis[i] for axis, i in zip(COMPARISON_PLANE.axes(), found.peak_index, strict=True))
    widths = {f"{name}_mm": 1e3 * value for name, value in asdict(found).items() if "width" in name}
    values = {"peak_kpa": 1e-3 * found.peak_pressure, "peak_x_mm": 1e3 * x, "peak_y_mm": 1e3 * y, **widths}
    return {**field.record, **rounded(values)}


def comparison(case: str, reference: Stored, other: Stored) -> dict[str, Any]:
    """The published metrics of two fields, and where they differ most."""
    rules = protocol(CASES[case])
    found = differences(reference.amplitude, other.amplitude, rules, COMPARISON_PLANE.spacing)
    gap = np.nan_to_num(behind_exit_plane(np.abs(reference.amplitude - other.amplitude), rules))
    x, y = (axis[i] for axis, i in zip(COMPARISON_PLANE.axes(), np.unravel_index(gap.argmax(), gap.shape), strict=True))
    place = {"largest_difference_x_mm": 1e3 * x, "largest_difference_y_mm": 1e3 * y}
    return {"reference": reference.label, **other.record, **rounded({**asdict(found), **place})}


def rounded(values: dict[str, float]) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {name: None if np.isnan(value) else round(float(value), 4) for name, value in values.items()}


def telling(row: dict[str, Any]) -> bool:
    """Whether a comparison is with the exact field, on one grid, or of a solver with itself on another grid."""
    solver, _, spacing = row["reference"].partition(", ")
    return spacing in ("", label(row["solver"], row["spacing"]).partition(", ")[2]) or solver == row["solver"]


def replace(rows: list[dict[str, Any]], row: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Put `row` in the place of the one with the same values of `keys`."""
    rows[:] = [other for other in rows if any(other[key] != row[key] for key in keys)] + [row]
    rows.sort(key=lambda row: (row["case"], TRUST.index(row["solver"]), row["spacing"] or 0.0))


DIFFERENCE_COLUMNS = {
    "linf_percent": "L∞ [%]",
    "l2_percent": "L2 [%]",
    "peak_pressure_percent": "peak [%]",
    "peak_position_mm": "its place [mm]",
    "axial_width_6db_mm": "length [mm]",
    "lateral_width_6db_mm": "width [mm]",
}
FIELD_COLUMNS = {
    "peak_kpa": "peak [kPa]",
    "peak_x_mm": "at x [mm]",
    "axial_width_6db_mm": "length [mm]",
    "lateral_width_6db_mm": "width [mm]",
    "processor_seconds": "processor [s]",
}


def print_table(rows: list[dict[str, Any]], columns: dict[str, str]) -> None:
    """Rows of the results as a table in Markdown, `columns` from a row's keys to headings."""
    first = ("case", "reference", "solver") if "reference" in rows[0] else ("case", "solver")
    print(f"| {' | '.join((*first, *columns.values()))} |")
    print("|---" * (len(first) + len(columns)) + "|")
    for row in rows:
        names = {**row, "solver": label(row["solver"], row["spacing"])}
        numbers = ["" if row[name] is None else f"{row[name]:.4g}" for name in columns]
        print(f"| {' | '.join([names[name] for name in first] + numbers)} |")


def draw() -> None:
    """One figure a benchmark: the reference, the most trusted other field, their difference, and profiles."""
    for benchmark in BENCHMARKS:
        rules = {name: protocol(case) for name, case in CASES.items() if case.benchmark is benchmark and stored(name)}
        fields = {
            name: {field.label: behind_exit_plane(field.amplitude, rules[name]) for field in stored(name)}
            for name in rules
        }
        if fields:
            print(save_small(draw_benchmark(fields, rules), RESULTS / f"itrusst_{benchmark.name}.png"))


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"solve": solve, "compare": compare, "draw": draw})
