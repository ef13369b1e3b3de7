"""Large-eddy simulations of a channel on the grid of the filtered reference, beside its profiles.

32 x 33 x 16 points in 4 pi x 2 x 4 pi / 3, at the viscosity and bulk velocity of the reference (Re_tau = 174.6). A
closure is compared with filtered profiles, since that is what it models; so is the grid without any closure. Errors are
relative L2 over the heights of the reference, each flow in its own wall units.

    python benchmarks/les.py --reference FOLDER     ten to twenty minutes on two cores

FOLDER holds `fdns180_profiles.txt` (y+, U+ and three root mean squares of Y. Wang et al., arXiv:2403.03051), which may
not be passed on with this library. Without it the flows are run and their errors are null.
"""

import os
from pathlib import Path

import jax
import numpy as np
import tyro
from channel_figures import draw_closures
from channel_reference import read_filtered
from channel_run import Schedule, in_wall_units, run_channel
from report import RESULTS, provenance, publish

from fieldcast.simulators.flows.channel import ChannelFlow
from fieldcast.simulators.flows.channel_forcing import ConstantFlux
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.simulators.flows.dynamic_smagorinsky import DynamicSmagorinsky
from fieldcast.simulators.flows.smagorinsky import Smagorinsky, VanDriest
from fieldcast.simulators.flows.wale import WALE

RE_TAU, BULK_VELOCITY = 174.587, 15.954
GRID = ChannelGrid((32, 33, 16), (4 * np.pi, 4 * np.pi / 3))
ERRORS = ("mean_profile_error", "u_rms_error", "v_rms_error", "w_rms_error")


def main(reference: Path | None = None, transient: float = 8.0, averaging: float = 16.0) -> None:
    """Measure, print, draw and store.

    Args:
        reference: folder with `fdns180_profiles.txt`; also the environment variable FIELDCAST_CHANNEL_REFERENCE.
        transient: time that is left out of the averages, in half heights over friction velocity.
        averaging: time of the averages.
    """
    jax.config.update("jax_enable_x64", True)
    if reference is None and "FIELDCAST_CHANNEL_REFERENCE" in os.environ:
        reference = Path(os.environ["FIELDCAST_CHANNEL_REFERENCE"])
    published = None if reference is None else read_filtered(reference, "fdns180")
    closures = {
        "none": None,
        "Smagorinsky, van Driest": Smagorinsky(0.1, VanDriest(1 / RE_TAU)),
        "WALE": WALE(0.325),
        "dynamic Smagorinsky": DynamicSmagorinsky(),
    }
    result, profiles = {}, {}
    for name, closure in closures.items():
        flow = ChannelFlow(GRID, 1 / RE_TAU, ConstantFlux(BULK_VELOCITY), dt=0.004, closure=closure)
        schedule, empty = Schedule(transient, averaging, 0.04), ChannelStatistics.empty(GRID.num_points[1])
        run = run_channel(flow, RE_TAU, BULK_VELOCITY, schedule, name, empty)
        result[name] = {
            "friction_velocity": round(float(np.sqrt(run.wall_stress.mean())), 4),
            "ms_per_step": round(run.ms_per_step, 2),
            **dict.fromkeys(ERRORS),
        }
        if published is not None:
            profiles[name] = in_wall_units(flow, run.statistics.folded(), published)
            result[name] |= {key: round(value, 4) for key, value in profiles[name].errors.items()}
    settings = {"transient": transient, "averaging": averaging, "num_points": GRID.num_points}
    publish({"closures": result, **settings, "device": jax.devices()[0].device_kind, **provenance()}, "les", store=True)
    if published is not None:
        draw_closures(RESULTS / "les.png", profiles, published)


if __name__ == "__main__":
    tyro.cli(main)
