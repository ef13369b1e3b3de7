"""How fast the flow solvers are beside public JAX peers: milliseconds per step, taking turns in one run.

Kolmogorov flow in the plane and the Taylor-Green vortex in a box beside exponax and JAX-CFD, a channel beside dnsjax.
All of a race start from the same fields, on the same grid, in the same precision; how far their fields are apart after
one turn is printed, too.

    python benchmarks/flow_speed.py --peers FOLDER ...     the folders that hold peers' packages; five minutes
    python benchmarks/flow_speed.py --quick --peers ...    small grids; prints without storing

Peers: `pip install --no-deps --target FOLDER exponax jax-cfd tree-math`; https://github.com/gokhanyalniz/dnsjax (its
folder `src`, and `pydantic-settings`).
"""

import os

import jax
import numpy as np
import tyro
from flow_contenders_channel import dnsjax_channel, ours_channel
from flow_contenders_periodic import (
    exponax_box,
    exponax_plane,
    jax_cfd_box,
    jax_cfd_box_rk4,
    jax_cfd_plane,
    ours_box,
    ours_plane,
)
from flow_race import Case, Outcome, race
from report import provenance, publish

PLANE = (ours_plane, {"exponax": exponax_plane, "jax-cfd": jax_cfd_plane})
BOX = (ours_box, {"exponax": exponax_box, "jax-cfd": jax_cfd_box, "jax-cfd, Runge-Kutta": jax_cfd_box_rk4})
CHANNEL = (ours_channel, {"dnsjax": dnsjax_channel})
RACES = {
    "plane 256": (Case((256, 256), "float32", 1e-3, 2e-3, 80), *PLANE),
    "plane 512": (Case((512, 512), "float32", 1e-3, 1e-3, 20), *PLANE),
    "box 64": (Case((64, 64, 64), "float32", 1 / 1600, 5e-3, 6), *BOX),
    "channel 64": (Case((64, 65, 64), "float64", 1 / 3000, 5e-3, 3), *CHANNEL),
}
QUICK_RACES = {
    "plane 64": (Case((64, 64), "float32", 1e-2, 5e-3, 40), *PLANE),
    "box 32": (Case((32, 32, 32), "float32", 1 / 100, 1e-2, 10), *BOX),
    "channel 16": (Case((16, 33, 16), "float64", 1 / 1000, 1e-2, 5), *CHANNEL),
}
TABLE = {
    "peer_scheme": "its scheme",
    "evaluations_per_step": "our evaluations a step",
    "peer_evaluations_per_step": "its",
    "ms_per_step": "our ms a step",
    "peer_ms_per_step": "its",
    "peer_over_ours": "ratio",
    "peer_over_ours_per_evaluation": "ratio an evaluation",
    "relative_difference": "difference",
}


def row(case: Case, ours: Outcome, peer: Outcome | None) -> dict[str, object]:
    """What a race says of us and one peer; null where it is missing. The ratio is the median of those of the turns."""
    ratio = peer and float(np.median(peer.seconds / ours.seconds))
    return {
        "grid": case.num_points,
        "dtype": case.dtype,
        "dt": case.dt,
        "scheme": ours.scheme,
        "peer_scheme": peer and peer.scheme,
        "evaluations_per_step": ours.evaluations,
        "peer_evaluations_per_step": peer and peer.evaluations,
        "ms_per_step": _milliseconds(case, ours),
        "peer_ms_per_step": peer and _milliseconds(case, peer),
        "peer_over_ours": peer and round(ratio, 2),
        "peer_over_ours_per_evaluation": peer and round(ratio * ours.evaluations / peer.evaluations, 2),
        "peer_over_ours_of_turns": peer and np.round(peer.seconds / ours.seconds, 2).tolist(),
        "relative_difference": peer and float(f"{_distance(peer.fields, ours.fields):.2e}"),
    }


def _milliseconds(case: Case, outcome: Outcome) -> float:
    return round(1e3 * float(np.median(outcome.seconds)) / case.num_steps, 3)


def _distance(fields: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(fields - reference) / np.linalg.norm(reference))


def main(peers: tuple[str, ...] = (), quick: bool = False, only: str = "", turns: int = 7) -> None:
    """Measure, print and store.

    Args:
        peers: folders that hold peers' packages; what is not found there or installed gets null.
        quick: small grids; prints without storing.
        only: part of a race's name; prints without storing.
        turns: of every contender; medians count.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # contenders share a device
    print("| flow | peer | " + " | ".join(TABLE.values()) + " |\n|" + "---|" * (2 + len(TABLE)), flush=True)
    rows = {}
    for name, (case, ours, others) in (QUICK_RACES if quick else RACES).items():
        if only in name:
            own, *outcomes = race(case, [ours, *others.values()], peers, turns)
            rows[name] = {peer: row(case, own, outcome) for peer, outcome in zip(others, outcomes, strict=True)}
            for peer, values in rows[name].items():
                cells = (name, peer, *(values[column] for column in TABLE))
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    result = {
        "races": rows,
        "turns": turns,
        "device": jax.devices()[0].device_kind,
        "threads": len(os.sched_getaffinity(0)),
        **provenance("equinox"),
    }
    publish(result, "flow_speed", store=not quick and not only)


if __name__ == "__main__":
    tyro.cli(main)
