"""The Taylor-Green vortex at Re = 1600: energy and dissipation beside a reference curve, and milliseconds per step.

    python benchmarks/tgv.py --quick [--reference PATH]     64^3 points to t = 4, for a CPU (half a minute)
    python benchmarks/tgv.py --full [--reference PATH]      256^3 points to t = 10, for a GPU

Both write docs/results/tgv.{json,png}. The reference is a text file whose columns 1, 2 and 4 are time, energy
`<u.u>/2` and dissipation `nu <|grad u|^2>`: TGV_Re1600.dat of Incompact3d on 512^3 points (Dairay, Lamballais, Laizet
and Vassilicos, J. Comput. Phys. 337, 2017, doi:10.1016/j.jcp.2017.02.035; Zenodo record 2577239).
"""

import time
from pathlib import Path
from typing import NamedTuple

import jax
import matplotlib
import numpy as np
import tyro
from report import RESULTS, provenance, publish
from tqdm import tqdm

from fieldcast.simulators.flows.navier_stokes_3d import NavierStokes3D
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.periodic_operators import curl, inner_product
from fieldcast.simulators.flows.periodic_starts import taylor_green_velocity
from fieldcast.simulators.rollout import rollout

matplotlib.use("Agg")
import matplotlib.pyplot as plt

VISCOSITY = 1 / 1600
INTERVAL = 0.02
"""Of the recorded curve, and of the reference's."""
RECORDS = 10
"""In one compiled piece of the run."""
ENERGY_T01, ENSTROPHY_T01 = 0.124953117517, 0.375249930801
"""At t = 0.1, by spectralDNS on 16^3 points with steps of 0.01; Incompact3d agrees to 1e-9."""


class Curve(NamedTuple):
    """What a run or a reference says at each time."""

    time: np.ndarray
    energy: np.ndarray
    dissipation: np.ndarray

    def until(self, end: float) -> "Curve":
        return Curve(*(values[self.time < end + INTERVAL / 2] for values in self))


def simulate(num_points: int, end: float, steps_per_record: int, dtype: type) -> tuple[Curve, float]:
    """The curve of a run, and milliseconds per step (the fastest piece)."""
    box = PeriodicBox((num_points,) * 3, (2 * np.pi,) * 3)
    solver = NavierStokes3D(box, VISCOSITY, INTERVAL / steps_per_record)

    def record(state):
        vorticity = curl(state, box)
        return inner_product(state, state, box) / 2, VISCOSITY * inner_product(vorticity, vorticity, box)

    piece = jax.jit(rollout(solver, RECORDS, steps_per_record, record), donate_argnums=0)
    state = solver.encode(taylor_green_velocity(box).astype(dtype))
    records, seconds = [jax.tree.map(lambda value: np.asarray(value)[None], jax.jit(record)(state))], []
    for _ in tqdm(range(round(end / (RECORDS * INTERVAL))), desc=f"{num_points}^3", unit="piece"):
        start = time.perf_counter()
        state, values = piece(state)
        records.append(jax.tree.map(np.asarray, values))
        seconds.append(time.perf_counter() - start)
    energy, dissipation = (np.concatenate(values).astype(float) for values in zip(*records, strict=True))
    times = INTERVAL * np.arange(len(energy))
    return Curve(times, energy, dissipation), 1e3 * min(seconds) / (RECORDS * steps_per_record)


def errors_at_t01() -> dict[str, float]:
    """Errors of energy and enstrophy at t = 0.1 on 16^3 points in double precision."""
    curve, _ = simulate(16, 0.2, 2, np.float64)
    index = round(0.1 / INTERVAL)
    return {
        "energy_error_t01": abs(curve.energy[index] - ENERGY_T01),
        "enstrophy_error_t01": abs(curve.dissipation[index] / (2 * VISCOSITY) - ENSTROPHY_T01),
    }


def load(reference: Path) -> Curve:
    return Curve(*np.loadtxt(reference, usecols=(0, 1, 3), encoding="utf-8", unpack=True))


def compare(curve: Curve, reference: Curve | None) -> dict[str, float | None]:
    """The peak, if the curve passes one, and the largest errors: of the energy relative to its first value, of the
    dissipation to its largest."""
    keys = ("peak_dissipation", "peak_time", "peak_dissipation_error", "energy_error", "dissipation_error")
    result = dict.fromkeys(keys)
    peak = int(np.argmax(curve.dissipation))
    passed = peak < len(curve.time) - 1
    if passed:
        result |= {"peak_dissipation": float(curve.dissipation[peak]), "peak_time": float(curve.time[peak])}
    if reference is not None:
        truth = reference.until(curve.time[-1])
        largest = truth.dissipation.max()
        result["energy_error"] = float(np.abs(curve.energy - truth.energy).max() / truth.energy[0])
        result["dissipation_error"] = float(np.abs(curve.dissipation - truth.dissipation).max() / largest)
        if passed:
            result["peak_dissipation_error"] = float(abs(curve.dissipation[peak] / largest - 1))
    return result


def draw(curve: Curve, reference: Curve | None, num_points: int) -> None:
    """Dissipation and energy over time."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for panel, name in zip(panels, ("dissipation", "energy"), strict=True):
        if reference is not None:
            seen = reference.until(1.25 * curve.time[-1])
            panel.plot(seen.time, getattr(seen, name), "0.6", lw=4, label="reference")
        panel.plot(curve.time, getattr(curve, name), "C0", lw=1.5, label=f"fieldcast, ${num_points}^3$")
        panel.set(xlabel="time", title=f"{name.capitalize()} of the Taylor-Green vortex, Re = 1600")
        panel.grid(alpha=0.3)
        panel.legend()
    figure.savefig(RESULTS / "tgv.png", dpi=110)


def main(
    quick: bool = False,
    full: bool = False,
    double: bool = False,
    points: int | None = None,
    reference: Path | None = None,
) -> None:
    """Run, compare, print and store.

    Args:
        quick: 64^3 points to t = 4; also what runs without a choice.
        full: 256^3 points to t = 10.
        double: Double precision, which costs about twice the time.
        points: Along each axis, in place of 64 or 256; prints without storing.
        reference: Text file of the reference curve; without it the curve stands alone.
    """
    if quick and full:
        raise SystemExit("Choose one of --quick and --full.")
    jax.config.update("jax_enable_x64", True)
    size, end = (256, 10.0) if full else (64, 4.0)
    num_points = points or size
    steps_per_record = max(1, num_points // 128)  # half of what is stable
    dtype = np.float64 if double else np.float32
    truth = None if reference is None else load(reference)
    curve, ms_per_step = simulate(num_points, end, steps_per_record, dtype)
    result = {
        "num_points": num_points,
        "time": end,
        "dtype": np.dtype(dtype).name,
        "dt": INTERVAL / steps_per_record,
        **errors_at_t01(),
        **compare(curve, truth),
        "ms_per_step": round(ms_per_step, 3),
        "device": jax.devices()[0].device_kind,
        **provenance(),
    }
    publish(result, "tgv", store=points is None)
    if points is None:
        draw(curve, truth, num_points)


if __name__ == "__main__":
    tyro.cli(main)
