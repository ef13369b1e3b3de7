"""First velocities of a channel: laminar, with a growing wave, or on the way to turbulence."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.simulators.flows.channel_grid import ChannelGrid
from fieldcast.simulators.flows.chebyshev import derivative_matrix
from fieldcast.simulators.flows.orr_sommerfeld import LinearWave


def laminar_channel(grid: ChannelGrid, bulk_velocity: float) -> Float[Array, "3 x y z"]:
    """Plane Poiseuille flow, `U = 3/2 bulk_velocity (1 - y^2)`."""
    return _streamwise(grid, 1.5 * bulk_velocity * (1 - grid.axes()[1] ** 2))


def channel_with_wave(
    grid: ChannelGrid, wave: LinearWave, wavenumber: float, amplitude: float
) -> Float[Array, "3 x y z"]:
    """Plane Poiseuille flow with centre velocity 1 and a small wave, whose wall-normal velocity has this amplitude.

    **Arguments:** `wave`: of the grid's number of points along y; `wavenumber`: that `wave` belongs to.
    """
    shape = amplitude * wave.normal_velocity / np.abs(wave.normal_velocity).max()
    phase = np.exp(1j * wavenumber * grid.axes()[0])[:, None]
    normal = np.real(shape * phase)
    streamwise = np.real(1j / wavenumber * (derivative_matrix(len(shape)) @ shape) * phase)
    wave_velocity = jnp.asarray(np.stack([streamwise, normal, 0 * normal]))[..., None]
    return laminar_channel(grid, 2 / 3) + jnp.broadcast_to(wave_velocity, (3, *grid.num_points))


def reichardt_profile(wall_units: Float[np.ndarray, " y"]) -> Float[np.ndarray, " y"]:
    """The mean velocity of wall turbulence in wall units, from the wall to the logarithmic layer.

        U+ = ln(1 + 0.4 y+) / 0.4 + 7.8 (1 - exp(-y+ / 11) - y+ / 11 exp(-y+ / 3))

    Source: H. Reichardt, Z. Angew. Math. Mech. 31, 1951, doi:10.1002/zamm.19510310704.
    """
    near_wall = 1 - np.exp(-wall_units / 11) - wall_units / 11 * np.exp(-wall_units / 3)
    return np.log(1 + 0.4 * wall_units) / 0.4 + 7.8 * near_wall


def turbulent_channel(
    grid: ChannelGrid, reynolds_number: float, bulk_velocity: float, *, amplitude: float = 0.1, key: PRNGKeyArray
) -> Float[Array, "3 x y z"]:
    """A turbulent mean profile with large random eddies, which become turbulence within a few times `h / u_tau`.

    The eddies fill the longest waves of the box and have no symmetry, since a flow would keep it. They are nearly, not
    exactly, free of divergence: `ChannelFlow.encode` sees to that.

    **Arguments:**

    - `grid`.
    - `reynolds_number`: of friction velocity and half height (Re_tau), which shapes the profile.
    - `bulk_velocity`: mean of the profile over the channel.
    - `amplitude`: root-mean-square of each component of the eddies, as a part of `bulk_velocity`.
    - `key`: of the eddies.
    """
    x, y, z = grid.axes()
    profile = reichardt_profile(reynolds_number * (1 - np.abs(y)))
    mean = _streamwise(grid, bulk_velocity * profile / (0.5 * profile @ grid.weights()[1]))
    last_x, last_z = (min(4, last) for last in grid.largest_modes)
    waves_x = _waves(x / grid.lengths[0], last_x)
    waves_z = _waves(z / grid.lengths[1], last_z)
    across = np.stack([(1 - y**2) ** 2 * np.cos(n * np.arccos(y)) for n in range(4)])
    mixture = jax.random.normal(key, (3, len(waves_x), len(across), len(waves_z)))
    eddies = jnp.einsum("cmnp,mx,ny,pz->cxyz", mixture, waves_x, across, waves_z)
    eddies = eddies / jnp.sqrt(grid.mean(eddies**2))[:, None, None, None]
    return mean + amplitude * bulk_velocity * eddies


def _streamwise(grid: ChannelGrid, profile: Float[np.ndarray, " y"]) -> Float[Array, "3 x y z"]:
    velocity = np.zeros((3, *grid.num_points))
    velocity[0] = profile[:, None]
    return jnp.asarray(velocity)


def _waves(position: Float[np.ndarray, " point"], last: int) -> Float[np.ndarray, "wave point"]:
    """The constant, and sines and cosines of up to `last` periods."""
    angles = 2 * np.pi * np.arange(1, last + 1)[:, None] * position
    return np.concatenate([np.ones((1, len(position))), np.sin(angles), np.cos(angles)])
