"""The Helmholtz equation of a medium with constant density: three Fourier transforms instead of ten."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.helmholtz import Field, Map, loss_coefficient
from fieldcast.simulators.acoustics.helmholtz_layer import layer_absorption, layer_depth
from fieldcast.simulators.acoustics.kspace_absorption import Absorption
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.medium import WATER, Medium
from fieldcast.simulators.acoustics.time_step_error import compensated
from fieldcast.simulators.spectral import scaled


class SecondOrder(eqx.Module):
    """The Helmholtz equation of a medium whose density is the same everywhere.

        (k^2 - 2 i k a) P + (1 + loss L1) laplacian P = source

    `FirstOrder` without a time step amounts to this when there is no density contrast. Where that stretches the
    coordinates in the boundary layer, here the medium itself absorbs, by a [Np per grid point]; a layer of 16 points
    sends back a little more. It has no derivative with respect to the density.

    **Raises:** an error when it runs if the density is not the same everywhere.

    Source: Osnabrugge, Leedumrongwatthanakun and Vellekoop, J. Comput. Phys. 322, 2016, doi:10.1016/j.jcp.2016.06.034.
    """

    def operator(
        self, medium: Medium, frequency: float, layer: PerfectlyMatchedLayer, absorption: Absorption
    ) -> "SecondOrderOperator":
        """The operator for `medium` (without its boundary layer) at `frequency` [Hz]."""
        density = eqx.error_if(
            medium.density,
            jnp.ptp(medium.density) > 0,
            "SecondOrder is for media with one density, and this one has a contrast; use FirstOrder.",
        )
        omega, shape, spacing = 2.0 * math.pi * frequency, medium.grid.shape, medium.grid.spacing
        medium = eqx.tree_at(lambda medium: medium.density, medium, density)
        medium = layer.surround(compensated(medium, frequency, time_step=0.0))
        dtype, power = medium.sound_speed.dtype, medium.attenuation_power
        wavenumber = omega * spacing / medium.sound_speed
        damping = sum(layer_absorption(layer, shape, dtype, staggered=False))
        tau = loss_coefficient(absorption, medium)
        magnitude = spectral.magnitude(spectral.wavenumbers(medium.grid.shape, spacing, half=False), dtype)
        laplacian = (magnitude * spacing) ** 2
        return SecondOrderOperator(
            wavenumber=wavenumber,
            density=medium.density / WATER.density,
            laplacian=laplacian,
            depth=layer_depth(layer, shape, dtype),
            square=jax.lax.complex(wavenumber**2, -2.0 * wavenumber * damping),
            loss=None if tau is None else omega * tau,
            lost_laplacian=laplacian * spectral.fractional_laplacian(magnitude, power - 2.0),
        )


class SecondOrderOperator(eqx.Module):
    """The linear operator of `SecondOrder`; lengths, and what a preconditioner asks, are as in `FirstOrderOperator`."""

    wavenumber: Map
    density: Map
    laplacian: Float[Array, "*spectrum"]
    depth: Map
    square: Field
    loss: Map | None
    lost_laplacian: Float[Array, "*spectrum"]

    def spectrum(self, pressure: Field) -> Complex[Array, "*spectrum"]:
        """`F[A p]`, for which the Laplacian itself need not come back from the spectrum."""
        spectrum = jnp.fft.fftn(pressure)
        local = self.square * pressure
        if self.loss is not None:
            local = local + 1j * scaled(jnp.fft.ifftn(scaled(spectrum, self.lost_laplacian)), self.loss)
        return jnp.fft.fftn(local) - scaled(spectrum, self.laplacian)

    def source_spectrum(self, emitted: Field) -> Complex[Array, "*spectrum"]:
        """`F[b]` for an additive pressure source of complex amplitude `emitted` [Pa] at each point."""
        return jnp.fft.fftn(-2j * scaled(emitted, self.wavenumber))
