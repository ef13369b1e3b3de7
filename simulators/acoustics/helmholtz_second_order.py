"""The Helmholtz equation of a medium with constant density: two Fourier transforms instead of eight."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.helmholtz import Field, Map, loss_coefficient
from fieldcast.simulators.acoustics.helmholtz_layer import layer_absorption, layer_depth
from fieldcast.simulators.acoustics.kspace_absorption import Absorption
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.medium import WATER, Medium
from fieldcast.simulators.spectral import scaled


class SecondOrder(eqx.Module):
    """The Helmholtz equation of a medium whose density is the same everywhere.

        laplacian P + q P = source,   q = (k - i alpha)^2 - 2 i k a

    What `FirstOrder` without a time step amounts to when there is no density contrast; where y is not 2, its losses are
    a fractional Laplacian, here those of the local wavenumber. Where `FirstOrder` stretches the coordinates in the
    boundary layer, here the medium itself absorbs, by a [Np per grid point]; a layer of 16 points sends back a little
    more. It has no derivative with respect to the density.

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
        medium = layer.surround(eqx.tree_at(lambda medium: medium.density, medium, density))
        dtype = medium.sound_speed.dtype
        wavenumber = omega * spacing / medium.sound_speed
        damping = sum(layer_absorption(layer, shape, dtype, staggered=False))
        tau = loss_coefficient(absorption, medium)
        if tau is None:
            tau = jnp.zeros_like(wavenumber)
        per_radian = -0.5 * omega * tau * (omega / medium.sound_speed) ** (medium.attenuation_power - 2.0)
        lossy = jax.lax.complex(jnp.ones_like(per_radian), -per_radian) ** 2
        magnitude = spectral.magnitude(spectral.wavenumbers(medium.grid.shape, spacing, half=False))
        return SecondOrderOperator(
            wavenumber=wavenumber,
            density=medium.density / WATER.density,
            laplacian=jnp.asarray((magnitude * spacing) ** 2, dtype),
            depth=layer_depth(layer, shape, dtype),
            square=scaled(lossy, wavenumber**2) - jax.lax.complex(jnp.zeros_like(damping), 2.0 * wavenumber * damping),
            gain=-2j * scaled(lossy, wavenumber),
        )


class SecondOrderOperator(eqx.Module):
    """The linear operator of `SecondOrder`; lengths, and what a preconditioner asks, are as in `FirstOrderOperator`."""

    wavenumber: Map
    density: Map
    laplacian: Float[Array, "*spectrum"]
    depth: Map
    square: Field
    gain: Field

    def __call__(self, pressure: Field) -> Field:
        """A p."""
        return self.square * pressure - jnp.fft.ifftn(scaled(jnp.fft.fftn(pressure), self.laplacian))

    def source_term(self, emitted: Field) -> Field:
        """The right-hand side for an additive pressure source of complex amplitude `emitted` [Pa] at each point."""
        return self.gain * emitted
