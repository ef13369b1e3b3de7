"""Which filter makes a direct simulation of a channel into the filtered data of the literature.

The kernel behind the public filtered profiles at Re_tau = 180 is not published, but its effect is: root mean squares at
16 heights, as parts of those without filter. Here a channel is simulated, the spectra of its fluctuations along x and z
are averaged, and the widths of each kernel along x and z are fitted to those parts, in spacings of the 32 x 16 points.

    python benchmarks/channel_filter.py --reference FOLDER      some fifteen minutes on two cores

FOLDER holds `fdns180_profiles.txt`, see `benchmarks/les.py`.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from channel_reference import ChannelReference, read_direct, read_filtered
from channel_run import Schedule, in_wall_units, run_channel
from report import provenance, publish
from scipy.optimize import brute

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


def published_parts(direct: ChannelReference, filtered: ChannelReference) -> tuple[np.ndarray, np.ndarray]:
    """Heights off the wall, in wall units, and the filtered root mean squares there over those without filter."""
    heights = filtered.height[1:]
    unfiltered = [np.interp(heights, direct.height, component) for component in direct.root_mean_square]
    return heights, filtered.root_mean_square[:, 1:] / np.array(unfiltered)


def fluctuation_energy(fields: jax.Array) -> jax.Array:
    """Energy of every mode of the three components but the mean; modes along z stand for their conjugates, too."""
    energy = jnp.abs(GRID.to_spectrum(jnp.swapaxes(fields, 1, 2))) ** 2
    return energy.at[..., 1:].multiply(2.0).at[:, :, 0, 0].set(0.0)


def parts_left(energy: np.ndarray, kernel: PeriodicFilter, spacings: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Filtered over unfiltered root mean squares of the three components at some heights, walls averaged."""
    gain_x, gain_z = (
        kernel.transfer(np.abs(k), width)
        for k, width in zip(GRID.wavenumbers(), spacings * COARSE_SPACING, strict=True)
    )
    variance, left = energy.sum((2, 3)), (energy * (gain_x * gain_z) ** 2).sum((2, 3))
    there = interpolation_matrix(GRID.num_points[1], heights / RE_TAU - 1)
    lower, upper = there, there[:, ::-1]
    return np.sqrt((left @ (lower + upper).T) / (variance @ (lower + upper).T))


def fit(energy: np.ndarray, kernel: type[PeriodicFilter], heights: np.ndarray, parts: np.ndarray) -> dict[str, object]:
    """The widths along x and z that leave the parts nearest to `parts`, and how near these and one spacing come."""
    made = kernel((None,), (None,))  # widths are given to `transfer`

    def errors(spacings: np.ndarray) -> np.ndarray:
        return parts_left(energy, made, np.abs(spacings), heights) - parts

    def distance(spacings: np.ndarray) -> float:
        return float(np.sqrt(np.mean(errors(spacings) ** 2)))

    # A scan, because a sharp filter changes only where its cut passes a mode; then downhill from the best.
    best = np.abs(brute(distance, [(0.25, 3.0)] * 2, Ns=45))
    left = parts_left(energy, made, best, heights)
    return {
        "width_x_in_spacings": round(float(best[0]), 3),
        "width_z_in_spacings": round(float(best[1]), 3),
        "distance": round(distance(best), 4),
        "largest_error": round(float(np.abs(errors(best)).max()), 4),
        "distance_at_one_spacing": round(distance(np.ones(2)), 4),
        "parts": {name: [round(float(part), 3) for part in row] for name, row in zip("uvw", left, strict=True)},
    }


def main(reference: Path, transient: float = 3.0, averaging: float = 5.0) -> None:
    """Simulate, fit, print and store.

    Args:
        reference: folder with `fdns180_profiles.txt`.
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
    heights, parts = published_parts(published, read_filtered(reference, "fdns180"))
    kernels = {"box": BoxFilter, "Gaussian": GaussianFilter, "sharp": SharpFilter}
    result = {
        "kernels": {name: fit(energy, kernel, heights, parts) for name, kernel in kernels.items()},
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
