"""Which filter makes a direct simulation of a channel into the filtered data of the literature.

The kernel behind the public filtered profiles at Re_tau = 180 is not published, but its effect is: root mean squares at
16 heights, as parts of those without filter. Here a channel is simulated, the spectra of its fluctuations along x and z
are averaged, and the widths of each kernel along x and z are fitted to those parts, in spacings of the 32 x 16 points.

    python benchmarks/channel_filter.py       some fifteen minutes on two cores
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from channel_reference import read_direct
from channel_run import Schedule, in_wall_units, run_channel
from report import provenance, publish
from scipy.optimize import minimize

from fieldcast.simulators.flows.channel import ChannelFlow
from fieldcast.simulators.flows.channel_forcing import ConstantFlux
from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.channel_statistics import ChannelStatistics
from fieldcast.simulators.flows.chebyshev import interpolation_matrix
from fieldcast.simulators.flows.filters import BoxFilter, GaussianFilter, PeriodicFilter, SharpFilter
from fieldcast.simulators.statistic import RunningMean

RE_TAU, BULK_VELOCITY = 178.12, 15.679
GRID = ChannelGrid((48, 65, 48), (2 * np.pi, 2 * np.pi / 3))
COARSE_SPACING = np.array([4 * np.pi / 32, 4 * np.pi / 3 / 16])

# Distances from the wall in wall units, and there the root mean squares of the filtered u, v and w over those of Moser,
# Kim and Mansour (1999). From the profiles of Y. Wang et al., arXiv:2403.03051.
HEIGHTS = np.array(
    [3.89, 7.85, 11.94, 16.25, 20.87, 25.92, 31.55, 37.96, 45.43, 54.35, 65.23, 78.83, 96.07, 117.89, 144.55, 174.59]
)
PARTS = np.array(
    [
        [
            0.764,
            0.764,
            0.756,
            0.755,
            0.760,
            0.769,
            0.780,
            0.794,
            0.805,
            0.811,
            0.820,
            0.834,
            0.839,
            0.847,
            0.827,
            0.834,
        ],
        [
            0.388,
            0.450,
            0.490,
            0.520,
            0.548,
            0.575,
            0.600,
            0.624,
            0.648,
            0.671,
            0.689,
            0.707,
            0.721,
            0.735,
            0.747,
            0.748,
        ],
        [
            0.709,
            0.754,
            0.776,
            0.784,
            0.784,
            0.787,
            0.790,
            0.791,
            0.792,
            0.796,
            0.796,
            0.790,
            0.791,
            0.788,
            0.815,
            0.817,
        ],
    ]
)


def fluctuation_energy(fields: jax.Array) -> jax.Array:
    """Energy of every mode of the three components but the mean; modes along z stand for their conjugates, too."""
    energy = jnp.abs(GRID.to_spectrum(jnp.swapaxes(fields, 1, 2))) ** 2
    return energy.at[..., 1:].multiply(2.0).at[:, :, 0, 0].set(0.0)


def parts_left(energy: np.ndarray, kernel: PeriodicFilter, spacings: np.ndarray) -> np.ndarray:
    """Filtered over unfiltered root mean squares of the three components at `HEIGHTS`, walls averaged."""
    gain_x, gain_z = (
        kernel.transfer(np.abs(k), width)
        for k, width in zip(GRID.wavenumbers(), spacings * COARSE_SPACING, strict=True)
    )
    variance, left = energy.sum((2, 3)), (energy * (gain_x * gain_z) ** 2).sum((2, 3))
    there = interpolation_matrix(GRID.num_points[1], HEIGHTS / RE_TAU - 1)
    lower, upper = there, there[:, ::-1]
    return np.sqrt((left @ (lower + upper).T) / (variance @ (lower + upper).T))


def fit(energy: np.ndarray, kernel: type[PeriodicFilter]) -> dict[str, object]:
    """The widths along x and z whose parts are nearest to the published ones, and the root-mean-square distance."""
    made = kernel((None,), (None,))  # widths are given to `transfer`

    def distance(spacings: np.ndarray) -> float:
        return float(np.sqrt(np.mean((parts_left(energy, made, np.abs(spacings)) - PARTS) ** 2)))

    starts = [np.array([x, z]) for x in (0.7, 1.2, 2.0, 3.0) for z in (0.7, 1.2, 2.0, 3.0)]
    best = min((minimize(distance, start, method="Nelder-Mead") for start in starts), key=lambda found: found.fun)
    parts = parts_left(energy, made, np.abs(best.x))
    return {
        "width_x_in_spacings": round(float(abs(best.x[0])), 3),
        "width_z_in_spacings": round(float(abs(best.x[1])), 3),
        "distance": round(float(best.fun), 4),
        "parts": {name: [round(float(part), 3) for part in row] for name, row in zip("uvw", parts, strict=True)},
    }


def main(transient: float = 3.0, averaging: float = 5.0) -> None:
    """Simulate, fit, print and store.

    Args:
        transient: time that is left out of the averages, in half heights over friction velocity.
        averaging: time of the averages.
    """
    jax.config.update("jax_enable_x64", True)
    flow = ChannelFlow(GRID, 1 / RE_TAU, ConstantFlux(BULK_VELOCITY), dt=0.0015)
    spectra = RunningMean.empty(fluctuation_energy, jax.ShapeDtypeStruct((3, *GRID.num_points), float))
    empty = (spectra, ChannelStatistics.empty(GRID.num_points[1]))
    run = run_channel(flow, RE_TAU, BULK_VELOCITY, Schedule(transient, averaging, 0.02), "channel", empty)
    spectra, profiles = run.statistics
    energy = np.array(spectra.mean)
    published = read_direct(Path(__file__).parent / "reference", "mkm180")
    kernels = {"box": BoxFilter, "Gaussian": GaussianFilter, "sharp": SharpFilter}
    result = {
        "kernels": {name: fit(energy, kernel) for name, kernel in kernels.items()},
        "re_tau": round(float(np.sqrt(run.wall_stress.mean())) * RE_TAU, 1),
        "unfiltered": in_wall_units(flow, profiles.folded(), published).errors,
        "ms_per_step": round(run.ms_per_step, 1),
        "num_points": GRID.num_points,
        "transient": transient,
        "averaging": averaging,
        **provenance(),
    }
    publish(result, "channel_filter", store=True)


if __name__ == "__main__":
    tyro.cli(main)
