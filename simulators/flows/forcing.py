"""Forces that keep a periodic flow going, exchangeable between the flows in two and in three dimensions."""

import abc
import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.periodic_operators import inner_product, largest_modes, mode_numbers, squared_wavenumber
from fieldcast.simulators.stepper import parameter


class Forcing(eqx.Module):
    """A force on the velocity, as a spectrum.

    Its parameters are leaves, so gradients and sweeps reach them. Solvers keep the divergence-free part of the force.
    """

    @abc.abstractmethod
    def __call__(
        self, velocity: Complex[Array, "axis *modes"], acceleration: Complex[Array, "axis *modes"], box: PeriodicBox
    ) -> Complex[Array, "axis *modes"]:
        """The force.

        **Arguments:**

        - `velocity`: its spectrum.
        - `acceleration`: what everything but this force makes of it, `du/dt`.
        - `box`: where the flow lives.
        """


class KolmogorovForcing(Forcing):
    """A steady, sinusoidal force along x that varies along y.

        f = A sin(2 pi m y / L_y) e_x

    Good values in a box of side 2 pi: `A = 1`, `m = 4`, viscosity 1e-3 and linear drag 0.1 (two dimensions).

    **Arguments:**

    - `amplitude`: `A`.
    - `waves`: `m`, the number of waves in the box.
    """

    amplitude: Float[Array, ""] = parameter(default=1.0)
    waves: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        if self.waves < 1:
            raise ValueError(f"A Kolmogorov force needs at least one wave in the box, got {self.waves}.")

    def __call__(
        self, velocity: Complex[Array, "axis *modes"], acceleration: Complex[Array, "axis *modes"], box: PeriodicBox
    ) -> Complex[Array, "axis *modes"]:
        if self.waves > largest_modes(box)[1]:
            raise ValueError(
                f"A force of {self.waves} waves along y needs a box with more than {3 * self.waves} points along y, "
                f"got {box.num_points}."
            )
        along_x, along_y, *others = mode_numbers(box)
        sine = -0.5j * (along_y == self.waves) + 0.5j * (along_y == -self.waves)
        lines = (sine, along_x == 0, *(along == 0 for along in others))
        wave = math.prod(jnp.asarray(line, velocity.dtype) for line in lines)
        amplitude = self.amplitude.astype(velocity.real.dtype) * math.prod(box.num_points)
        return jnp.zeros_like(velocity).at[0].set(spectral.scaled(wave, amplitude))


class LinearForcing(Forcing):
    """A force along the velocity fluctuation, in proportion to it.

        f = A (u - <u>),   power 2 A times the energy of the fluctuation

    Isotropic turbulence becomes stationary with a dissipation of `2 A E` and eddies of about a fifth of the box.

    **Arguments:** `rate`, `A`.

    Source: Lundgren, CTR Annual Research Briefs 2003, 461-473; Rosales and Meneveau, Phys. Fluids 17, 095106, 2005,
    doi:10.1063/1.2047568.
    """

    rate: Float[Array, ""] = parameter()

    def __call__(
        self, velocity: Complex[Array, "axis *modes"], acceleration: Complex[Array, "axis *modes"], box: PeriodicBox
    ) -> Complex[Array, "axis *modes"]:
        # A mean flow, even one of round-off, would grow for ever.
        fluctuation = jnp.where(squared_wavenumber(box)[None] > 0, velocity, 0.0)
        return spectral.scaled(fluctuation, self.rate.astype(velocity.real.dtype))


class LowWavenumberForcing(Forcing):
    """Keeps the energy of the large scales at what it is, by a force along their velocity.

        f = c u_<,   c = -<u_< . du/dt> / <u_< . u_<>,   u_<: the modes of 0 < |k| <= K

    `du/dt` is without the force, so that `<u_<^2>/2` has no rate of change, to the order of the time step.

    **Arguments:** `largest_wavenumber`, `K`. A good value is 2.5 in a box of side 2 pi.

    Source: after Lamorgese, Caughey and Pope, Phys. Fluids 17, 015106, 2005, doi:10.1063/1.1833415.
    """

    largest_wavenumber: float = eqx.field(static=True)

    def __check_init__(self):
        if not self.largest_wavenumber > 0:
            raise ValueError(f"The largest forced wavenumber is to be positive, got {self.largest_wavenumber}.")

    def __call__(
        self, velocity: Complex[Array, "axis *modes"], acceleration: Complex[Array, "axis *modes"], box: PeriodicBox
    ) -> Complex[Array, "axis *modes"]:
        smallest = 2.0 * math.pi / max(box.lengths)
        if self.largest_wavenumber < smallest:
            raise ValueError(
                f"No wave of the box is forced: its smallest wavenumber is {smallest}, the largest forced one "
                f"{self.largest_wavenumber}."
            )
        square = squared_wavenumber(box)[None]
        # The margin keeps shells whose |k| is K but for round-off.
        large = jnp.where((square > 0) & (square <= self.largest_wavenumber**2 * (1 + 1e-5)), velocity, 0.0)
        energy = inner_product(large, large, box)
        moving = energy > 0
        rate = jnp.where(moving, -inner_product(large, acceleration, box) / jnp.where(moving, energy, 1.0), 0.0)
        return spectral.scaled(large, rate)
