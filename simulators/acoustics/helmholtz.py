"""The steady-state pressure as the solution of a linear equation: the time-domain k-space scheme at one frequency."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.checks import check_settings
from fieldcast.simulators.acoustics.helmholtz_layer import layer_absorption, layer_depth
from fieldcast.simulators.acoustics.kspace_absorption import Absorption
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_scheme import staggered
from fieldcast.simulators.acoustics.medium import WATER, Medium
from fieldcast.simulators.acoustics.time_step_error import compensated
from fieldcast.simulators.spectral import scaled

Field = Complex[Array, "*space"]
Map = Float[Array, "*space"]


class FirstOrder(eqx.Module):
    """The first-order equations of `KSpaceScheme` for a field that oscillates as `exp(i omega t)`.

        s_i U_i = -(1/rho) D_i+ P,   s_i R_i = -rho D_i- U_i + S_i,   s_i = (2/dt) sinh((i omega + sigma_i) dt/2)
        P = c^2 sum_i (R_i + exp(-i omega dt/2) tau L1 rho D_i- U_i),   D_i+- = ik_i exp(+-ik_i dx/2) kappa

    The velocities U and the split densities R are eliminated. Without a time step (`s_i = i omega + sigma_i`,
    `kappa = 1`) this is what the scheme tends to as its time step goes to zero; with one it is the scheme's own steady
    state, its time-step error included. Losses are those of the medium at the working frequency; a power law's
    dispersion is not modelled.

    **Arguments:**

    - `steps_per_period`: the scheme's `1 / (f dt)`; default: no time step.
    - `compensate_time_step`: as in `KSpace`; without a time step there is still what strong losses do to the speed.

    Source: Treeby and Cox, J. Biomed. Opt. 15(2), 2010, doi:10.1117/1.3360308 (the scheme).
    """

    steps_per_period: int | None = eqx.field(static=True, default=None)
    compensate_time_step: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        check_settings(self, steps_per_period=3)

    def operator(
        self, medium: Medium, frequency: float, layer: PerfectlyMatchedLayer, absorption: Absorption
    ) -> "FirstOrderOperator":
        """The operator for `medium` (without its boundary layer) at `frequency` [Hz]."""
        clock = _Clock(2.0 * math.pi * frequency, self.steps_per_period)
        if self.compensate_time_step:
            medium = compensated(medium, frequency, clock.time_step)
        return _assembled(medium, clock, layer, absorption)


class FirstOrderOperator(eqx.Module):
    """A linear operator on complex pressure fields, on the grid with its boundary layer; made by `FirstOrder`.

        A p = k^2/rho p + sum_i e_i g_i + (loss/rho) L1(rho sum_i g_i),   g_i = D_i- (e_i'/rho_i' D_i+ p)

    with `e_i = i omega / s_i`, and a prime for staggered points. Lengths are in grid spacings and densities relative to
    water's, so that all numbers are near one. What a preconditioner has to know:

    - `wavenumber`: k at each point, without losses; `density`: rho.
    - `laplacian`: the symbol of `-laplacian`, as the operator sees it.
    - `depth`: how deep in the boundary layer a point lies, from 0 (not in it) to 1.
    """

    wavenumber: Map
    density: Map
    laplacian: Float[Array, "*spectrum"]
    depth: Map
    lightness: tuple[Map, ...]
    stretching: tuple[Complex[Array, "..."], ...]
    staggered_stretching: tuple[Complex[Array, "..."], ...]
    gradient: tuple[Complex[Array, "..."], ...]
    divergence: tuple[Complex[Array, "..."], ...]
    correction: Float[Array, "*spectrum"] | None
    loss: Field | None
    loss_symbol: Float[Array, "*spectrum"] | None
    source_gain: Field
    source_correction: Float[Array, "*spectrum"] | None

    def __call__(self, pressure: Field) -> Field:
        """A p."""
        parts = self._divergence_of_flow(pressure)
        total = scaled(pressure, self.wavenumber**2 / self.density)
        total = total + sum(e * part for e, part in zip(self.stretching, parts, strict=True))
        if self.loss is None:
            return total
        if self.loss_symbol is None:
            return total + self.loss * sum(parts)
        lost = _filtered(scaled(sum(parts), self.density), self.loss_symbol)
        return total + self.loss * scaled(lost, 1.0 / self.density)

    def spectrum(self, pressure: Field) -> Complex[Array, "*spectrum"]:
        """`F[sqrt(rho) A p]`."""
        return jnp.fft.fftn(scaled(self(pressure), jnp.sqrt(self.density)))

    def source_spectrum(self, emitted: Field) -> Complex[Array, "*spectrum"]:
        """`F[sqrt(rho) b]` for an additive pressure source of complex amplitude `emitted` [Pa] at each point."""
        mass = _filtered(scaled(emitted, self.wavenumber), self.source_correction)
        return jnp.fft.fftn(self.source_gain * scaled(mass, jnp.sqrt(1.0 / self.density)))

    def _divergence_of_flow(self, pressure: Field) -> list[Field]:
        spectrum = _corrected(jnp.fft.fftn(pressure), self.correction)
        parts = []
        for axis, stretching in enumerate(self.staggered_stretching):
            gradient = jnp.fft.ifftn(self.gradient[axis] * spectrum)
            flow = jnp.fft.fftn(stretching * scaled(gradient, self.lightness[axis]))
            parts.append(jnp.fft.ifftn(self.divergence[axis] * _corrected(flow, self.correction)))
        return parts


class _Clock(eqx.Module):
    """Angular frequency [rad/s] and the time step it is sampled with."""

    omega: float = eqx.field(static=True)
    steps_per_period: int | None = eqx.field(static=True)

    @property
    def time_step(self) -> float:
        """[s]; 0 for continuous time."""
        return 0.0 if self.steps_per_period is None else 2.0 * math.pi / (self.omega * self.steps_per_period)

    def stretching(self, damping: Float[Array, "..."]) -> Complex[Array, "..."]:
        """`i omega / s` where the layer damps with rate `damping` [1/s]."""
        rate = jax.lax.complex(damping / self.omega, jnp.ones_like(damping))
        half = 0.5 * self.omega * self.time_step
        return jnp.asarray(1j, rate.dtype) / (rate if half == 0.0 else jnp.sinh(rate * half) / half)


def _assembled(
    medium: Medium, clock: _Clock, layer: PerfectlyMatchedLayer, absorption: Absorption
) -> FirstOrderOperator:
    shape, spacing, power = medium.grid.shape, medium.grid.spacing, medium.attenuation_power
    medium = layer.surround(medium)
    dtype, ndim = medium.sound_speed.dtype, len(shape)
    complex_dtype = np.result_type(dtype, np.complex64)
    reference = jnp.max(medium.sound_speed)
    tau = loss_coefficient(absorption, medium)
    damping, staggered_damping = (
        tuple(reference / spacing * rate for rate in layer_absorption(layer, shape, dtype, staggered=s))
        for s in (False, True)
    )
    stretching = tuple(clock.stretching(rate) for rate in damping)
    density = medium.density / WATER.density
    wavenumbers = spectral.wavenumbers(medium.grid.shape, spacing, half=False)
    magnitude = spectral.magnitude(wavenumbers, dtype)
    angle = magnitude * (reference * (0.5 * clock.time_step))
    discrete = clock.time_step > 0
    laplacian = (magnitude * spacing) ** 2
    if discrete:
        outside = clock.stretching(jnp.zeros((), dtype))
        laplacian = laplacian * (jnp.real(outside) * spectral.sinc(angle)) ** 2
    undamped = (jnp.exp(rate * (0.5 * clock.time_step)) for rate in damping)  # the scheme damps before it injects
    gain = sum(scaled(e, factor) for e, factor in zip(stretching, undamped, strict=True))
    lost = -1j * clock.omega * np.exp(-0.5j * clock.omega * clock.time_step)
    return FirstOrderOperator(
        wavenumber=clock.omega * spacing / medium.sound_speed,
        density=density,
        laplacian=laplacian,
        depth=layer_depth(layer, shape, dtype),
        lightness=tuple(1.0 / staggered(density, axis) for axis in range(ndim)),
        stretching=stretching,
        staggered_stretching=tuple(clock.stretching(rate) for rate in staggered_damping),
        gradient=_derivatives(wavenumbers, spacing, 0.5, complex_dtype),
        divergence=_derivatives(wavenumbers, spacing, -0.5, complex_dtype),
        correction=spectral.sinc(angle) if discrete else None,
        loss=None if tau is None else scaled(jnp.asarray(lost, complex_dtype), tau),
        loss_symbol=None if power == 2.0 else spectral.fractional_laplacian(magnitude, power - 2.0),
        source_gain=jnp.asarray(-2j / ndim, complex_dtype) * gain,
        source_correction=jnp.cos(angle) if discrete else None,
    )


def loss_coefficient(absorption: Absorption, medium: Medium) -> Map | None:
    """The coefficient tau of a model of absorption without dispersion; `None` without losses."""
    tau, eta = absorption.coefficients(medium)
    if eta is not None:
        raise ValueError(
            "A steady-state solver takes the sound speed at its one frequency and has no dispersion; use "
            "PowerLaw(dispersion=False)."
        )
    return tau


def _derivatives(
    wavenumbers: tuple[np.ndarray, ...], spacing: float, shift: float, dtype: np.dtype
) -> tuple[Complex[Array, "..."], ...]:
    symbols = spectral.staggered_derivatives(wavenumbers, spacing, shift)
    return tuple(jnp.asarray(symbol * spacing, dtype) for symbol in symbols)


def _corrected(spectrum: Complex[Array, "*spectrum"], symbol: Float[Array, "*spectrum"] | None) -> Array:
    return spectrum if symbol is None else scaled(spectrum, symbol)


def _filtered(field: Field, symbol: Float[Array, "*spectrum"] | None) -> Field:
    return field if symbol is None else jnp.fft.ifftn(scaled(jnp.fft.fftn(field), symbol))
