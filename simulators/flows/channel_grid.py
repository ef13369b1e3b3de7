"""The grid of a plane channel, and the Fourier modes that its fields keep."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float
from scipy.fft import next_fast_len

from fieldcast.simulators.flows.chebyshev import chebyshev_points, quadrature_weights
from fieldcast.simulators.stepper import FlowGrid


class ChannelGrid(FlowGrid):
    """A channel between walls at y = -1 and y = 1, periodic along x and z.

    Points are equally spaced along x and z and Chebyshev points along y. Lengths are in half heights of the channel.

    Spectra keep the modes below the Nyquist frequency, `|m| < n / 2`, in the order of `fft` along x and of `rfft` along
    z, as amplitudes (the first mode is the mean). Inside, y comes first: operators along it are one matrix product.

    **Arguments:** `num_points` along x, y and z, and `lengths` of the box along x and z.
    """

    num_points: tuple[int, int, int] = eqx.field(static=True)
    lengths: tuple[float, float] = eqx.field(static=True)

    def __check_init__(self):
        if min(self.num_points) < 1 or self.num_points[1] < 5:
            raise ValueError(
                f"A channel needs at least one point along x and z and five along y, got {self.num_points}."
            )
        if any(not (0 < length < math.inf) for length in self.lengths):
            raise ValueError(f"The lengths of a channel must be positive, got {self.lengths}.")

    @property
    def axis_names(self) -> tuple[str, ...]:
        return ("x", "y", "z")

    @property
    def periodic(self) -> tuple[bool, ...]:
        return (True, False, True)

    def axes(self) -> tuple[np.ndarray, ...]:
        (nx, ny, nz), (length_x, length_z) = self.num_points, self.lengths
        return np.arange(nx) * (length_x / nx), chebyshev_points(ny), np.arange(nz) * (length_z / nz)

    def weights(self) -> tuple[np.ndarray, ...]:
        (nx, ny, nz), (length_x, length_z) = self.num_points, self.lengths
        return np.full(nx, length_x / nx), quadrature_weights(ny), np.full(nz, length_z / nz)

    @property
    def largest_modes(self) -> tuple[int, int]:
        """The largest mode numbers kept along x and z."""
        return (self.num_points[0] - 1) // 2, (self.num_points[2] - 1) // 2

    def wavenumbers(self) -> tuple[Float[np.ndarray, "1 kx 1"], Float[np.ndarray, "1 1 kz"]]:
        """Angular wavenumbers along x and z, shaped to broadcast against a spectrum."""
        last_x, last_z = self.largest_modes
        modes_x = np.concatenate([np.arange(last_x + 1), np.arange(-last_x, 0)])
        kx, kz = (2 * np.pi / length for length in self.lengths)
        return (kx * modes_x)[None, :, None], (kz * np.arange(last_z + 1))[None, None, :]

    @property
    def dealiased_points(self) -> tuple[int, int]:
        """Points along x and z on which the modes kept of a product of two fields are exact: half as many again."""
        last_x, last_z = self.largest_modes
        return next_fast_len(3 * last_x + 1, real=True), next_fast_len(3 * last_z + 1, real=True)

    def to_physical(
        self, spectrum: Complex[Array, "*field y kx kz"], points: tuple[int, int] | None = None
    ) -> Float[Array, "*field y x z"]:
        """Values of a field at `points` along x and z, by default those of the grid; no fewer than modes."""
        nx, nz = points or (self.num_points[0], self.num_points[2])
        last_x, last_z = self.largest_modes
        zeros = jnp.zeros((*spectrum.shape[:-2], nx - 2 * last_x - 1, last_z + 1), spectrum.dtype)
        padded = jnp.concatenate([spectrum[..., : last_x + 1, :], zeros, spectrum[..., last_x + 1 :, :]], axis=-2)
        return jnp.fft.irfftn(padded, s=(nx, nz), axes=(-2, -1), norm="forward")

    def to_spectrum(self, field: Float[Array, "*field y x z"]) -> Complex[Array, "*field y kx kz"]:
        """The modes kept of a field that is given at any number of points along x and z."""
        last_x, last_z = self.largest_modes
        spectrum = jnp.fft.rfftn(field, axes=(-2, -1), norm="forward")[..., : last_z + 1]
        negative = spectrum[..., spectrum.shape[-2] - last_x :, :]
        return jnp.concatenate([spectrum[..., : last_x + 1, :], negative], axis=-2)
