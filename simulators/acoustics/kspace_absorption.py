"""Absorption models of the time-domain k-space scheme."""

import abc
import math

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.medium import Medium

NARROWEST_DISPERSION = 0.01
"""How close to 1 the attenuation power may come when the medium disperses: there `tan(pi y / 2)` is infinite."""


class LossTerms(eqx.Module):
    """What absorption adds to the equation of state: `p = c^2 (rho + terms(rho0 div u, rho))`.

        tau L1(rho0 div u) - eta L2(rho),   L1 = |k|^(y - 2),   L2 = |k|^(y - 1)

    For y = 2 (Stokes absorption) L1 is the identity and eta is zero.
    """

    tau: Float[Array, "*space"]
    eta: Float[Array, "*space"] | None
    absorption_symbol: Float[Array, "*spectrum"] | None
    dispersion_symbol: Float[Array, "*spectrum"] | None

    def __call__(self, compression: Float[Array, "*space"], density: Float[Array, "*space"]) -> Float[Array, "*space"]:
        shape = density.shape
        if self.absorption_symbol is None:
            return self.tau * compression
        spectrum = spectral.real_fft(compression)
        terms = self.tau * spectral.inverse_real_fft(spectral.scaled(spectrum, self.absorption_symbol), shape)
        if self.eta is None:
            return terms
        spectrum = spectral.real_fft(density)
        return terms - self.eta * spectral.inverse_real_fft(spectral.scaled(spectrum, self.dispersion_symbol), shape)


class Absorption(eqx.Module):
    """How a time-domain scheme absorbs: an absorption model turns a medium into the coefficients of `LossTerms`."""

    @abc.abstractmethod
    def coefficients(self, medium: Medium) -> tuple[Float[Array, "*space"] | None, Float[Array, "*space"] | None]:
        """The coefficients tau and eta; `None` for one that is zero everywhere."""

    def terms(self, medium: Medium) -> LossTerms | None:
        """What this model adds to the equation of state of `medium`; `None` when that is nothing."""
        tau, eta = self.coefficients(medium)
        if tau is None:
            return None
        power, grid = medium.attenuation_power, medium.grid
        if power == 2.0:
            return LossTerms(tau, None, None, None)
        magnitude = spectral.magnitude(spectral.wavenumbers(grid.shape, grid.spacing), tau.dtype)
        absorption = spectral.fractional_laplacian(magnitude, power - 2.0)
        dispersion = None
        if eta is not None:
            dispersion = spectral.fractional_laplacian(magnitude, power - 1.0)
        return LossTerms(tau, eta, absorption, dispersion)


class Lossless(Absorption):
    """No absorption, whatever the medium's attenuation."""

    def coefficients(self, medium: Medium) -> tuple[None, None]:
        return None, None


class PowerLaw(Absorption):
    """Power-law absorption `alpha0 omega^y` by fractional Laplacians; for y = 2 Stokes absorption.

        tau = -2 alpha0 c^(y - 1),   eta = 2 alpha0 c^y tan(pi y / 2)

    **Arguments:**

    - `dispersion`: include the dispersion that the Kramers-Kronig relations demand. The medium's sound speed is then
      the one at zero frequency (y > 1). Off by default: at one frequency the maps mean the sound speed at that
      frequency, and bone with a power near 1 would be hundreds of m/s off.

    Source: Treeby and Cox, JASA 127, 2010, doi:10.1121/1.3377056.
    """

    dispersion: bool = eqx.field(static=True, default=False)

    def coefficients(self, medium: Medium) -> tuple[Float[Array, "*space"], Float[Array, "*space"] | None]:
        power = medium.attenuation_power
        nepers = nepers_per_radian(power) * medium.attenuation
        if power == 2.0:
            return -2.0 * nepers * medium.sound_speed, None
        tau = -2.0 * nepers * medium.sound_speed ** (power - 1.0)
        if not self.dispersion:
            return tau, None
        if abs(power - 1.0) < NARROWEST_DISPERSION:
            raise ValueError(
                f"Dispersion has no power law at y = 1 (attenuation_power is {power}); use PowerLaw(dispersion=False), "
                "or convert the medium to another power at the working frequency."
            )
        return tau, 2.0 * nepers * medium.sound_speed**power * math.tan(0.5 * math.pi * power)


def nepers_per_radian(power: float) -> float:
    """What turns an attenuation in [dB/(MHz^y cm)] into one in [Np/m (rad/s)^-y]."""
    return 100.0 * (1e-6 / (2.0 * math.pi)) ** power / (20.0 * float(np.log10(math.e)))
