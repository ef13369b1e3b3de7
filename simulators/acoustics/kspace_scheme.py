"""One time step of the first-order k-space pseudospectral scheme."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.kspace_absorption import Absorption, LossTerms, PowerLaw
from fieldcast.simulators.acoustics.kspace_layer import PerfectlyMatchedLayer
from fieldcast.simulators.acoustics.kspace_sources import Injection, PressureSource, Surroundings, VelocitySource
from fieldcast.simulators.acoustics.kspace_stability import refuse_unstable
from fieldcast.simulators.acoustics.medium import Medium


class AcousticState(eqx.Module):
    """The acoustic field after `step` time steps, on the grid with its boundary layer.

    - `pressure` [Pa]: at the grid points.
    - `velocity` [m/s]: its components; each at points half a spacing further along its axis, half a time step earlier.
    - `density` [kg/m^3]: the acoustic density, split into the parts due to each axis; their sum is the density.
    - `step`: number of steps done.
    """

    pressure: Float[Array, "*space"]
    velocity: tuple[Float[Array, "*space"], ...]
    density: tuple[Float[Array, "*space"], ...]
    step: Int[Array, ""]


class KSpaceScheme(eqx.Module):
    """The first-order k-space pseudospectral scheme: `state = scheme(state)` advances one time step.

        du_i/dt = -(1/rho0) dp/dx_i,   drho_i/dt = -rho0 du_i/dx_i,
        p = c^2 (rho + losses + (B/A) rho^2 / (2 rho0)),   rho = sum_i rho_i

    Space derivatives are spectral on staggered grids, `ik exp(+-ik dx/2) kappa` with `kappa = sinc(c_ref |k| dt/2)`,
    which makes the leapfrog in time exact where the sound speed is c_ref. The split densities and the velocities are
    damped in the boundary layer along their own axes. The scheme of k-Wave, to round-off.

    **Arguments:**

    - `medium`: acoustic maps; differentiable.
    - `time_step` [s].
    - `sources`: `PressureSource`s and `VelocitySource`s.
    - `absorption`: how the medium's attenuation acts.
    - `layer`: the absorbing boundary layer.
    - `reference_sound_speed`: c_ref [m/s]; default the largest in the medium. The method, not the physics, depends on
      it; gradients with respect to the sound speed include that dependence unless it is given as a number, which
      halves their memory, and their time nearly.

    **Raises:** `ValueError` for a time step above the stability limit or a medium that is not finite; under `jit`, when
    it runs, an error with the same message.

    Source: Treeby and Cox, J. Biomed. Opt. 15(2), 2010, doi:10.1117/1.3360308; Tabei, Mast and Waag, JASA 111, 2002,
    doi:10.1121/1.1421344; nonlinearity: Treeby et al., JASA 131, 2012, doi:10.1121/1.4712021.
    """

    time_step: float = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)
    interior: tuple[slice, ...] = eqx.field(static=True)
    density: Float[Array, "*space"]
    sound_speed_squared: Float[Array, "*space"]
    step_over_density: tuple[Float[Array, "*space"], ...]
    nonlinearity: Float[Array, "*space"] | None
    losses: LossTerms | None
    correction: Float[Array, "*spectrum"]
    gradient: tuple[Complex[Array, "..."], ...]
    divergence: tuple[Complex[Array, "..."], ...]
    damping: tuple[Float[Array, "..."], ...]
    staggered_damping: tuple[Float[Array, "..."], ...]
    pressure_injections: tuple[Injection, ...]
    velocity_injections: tuple[tuple[int, Injection], ...]

    def __init__(
        self,
        medium: Medium,
        time_step: float,
        sources: Sequence[PressureSource | VelocitySource] = (),
        *,
        absorption: Absorption | None = None,
        layer: PerfectlyMatchedLayer | None = None,
        reference_sound_speed: float | None = None,
    ):
        absorption = PowerLaw() if absorption is None else absorption
        layer = PerfectlyMatchedLayer() if layer is None else layer
        user_shape, spacing = medium.grid.shape, medium.grid.spacing
        medium = layer.surround(medium)
        dtype, shape = medium.sound_speed.dtype, medium.grid.shape
        reference = (
            jnp.max(medium.sound_speed) if reference_sound_speed is None else jnp.asarray(reference_sound_speed, dtype)
        )
        medium = refuse_unstable(medium, absorption, time_step, reference)
        wavenumbers = spectral.wavenumbers(shape, spacing)
        angle = spectral.magnitude(wavenumbers, dtype) * (reference * (0.5 * time_step))
        complex_dtype = np.result_type(dtype, np.complex64)

        self.time_step = float(time_step)
        self.shape = shape
        self.interior = layer.interior(user_shape)
        self.density = medium.density
        self.sound_speed_squared = medium.sound_speed**2
        self.step_over_density = tuple(time_step / staggered(medium.density, axis) for axis in range(len(shape)))
        self.nonlinearity = medium.nonlinearity
        self.losses = absorption.terms(medium)
        self.correction = spectral.sinc(angle)
        self.gradient, self.divergence = (
            tuple(
                jnp.asarray(symbol, complex_dtype)
                for symbol in spectral.staggered_derivatives(wavenumbers, spacing, shift)
            )
            for shift in (0.5, -0.5)
        )
        courant = reference * (time_step / spacing)
        self.damping = layer.damping(user_shape, courant, staggered=False)
        self.staggered_damping = layer.damping(user_shape, courant, staggered=True)
        offset = tuple(part.start for part in self.interior)
        around = Surroundings(medium, offset, user_shape, self.time_step, jnp.cos(angle))
        self.pressure_injections = tuple(s.prepare(around) for s in sources if isinstance(s, PressureSource))
        self.velocity_injections = tuple((s.axis, s.prepare(around)) for s in sources if isinstance(s, VelocitySource))

    def rest(self) -> AcousticState:
        """The state in which nothing moves, before the first step."""
        zero = jnp.zeros(self.shape, self.density.dtype)
        return AcousticState(zero, (zero,) * len(self.shape), (zero,) * len(self.shape), jnp.asarray(0))

    def released(self, initial_pressure: Float[Array, "*space"]) -> AcousticState:
        """The state of a medium at rest in which an `initial_pressure` [Pa] appears at time zero.

        It counts as the state after the first step, as in k-Wave; the sources have missed that step.

        **Arguments:**

        - `initial_pressure`: on the user's grid.
        """
        padding = tuple((part.start, total - part.stop) for part, total in zip(self.interior, self.shape, strict=True))
        pressure = jnp.pad(initial_pressure, padding)
        ndim = len(self.shape)
        # At rest at time zero the velocity is odd in time: half a step earlier it is minus half a step of acceleration.
        velocity = tuple(
            0.5 * step * gradient
            for step, gradient in zip(self.step_over_density, self._gradient(pressure), strict=True)
        )
        return AcousticState(pressure, velocity, (pressure / (ndim * self.sound_speed_squared),) * ndim, jnp.asarray(1))

    def __call__(self, state: AcousticState) -> AcousticState:
        velocity = self._velocity(state)
        density, compression = self._density(state, velocity)
        pressure = self._pressure(sum(density), compression)
        return AcousticState(pressure, velocity, density, state.step + 1)

    def _velocity(self, state: AcousticState) -> tuple[Float[Array, "*space"], ...]:
        velocity = [
            damping * (damping * u - step * gradient)
            for u, gradient, step, damping in zip(
                state.velocity,
                self._gradient(state.pressure),
                self.step_over_density,
                self.staggered_damping,
                strict=True,
            )
        ]
        for axis, injection in self.velocity_injections:
            (velocity[axis],) = injection((velocity[axis],), state.step)
        return tuple(velocity)

    def _density(
        self, state: AcousticState, velocity: tuple[Float[Array, "*space"], ...]
    ) -> tuple[tuple[Float[Array, "*space"], ...], Float[Array, "*space"]]:
        """The new split densities, and `rho0 div u`."""
        stretching = tuple(
            spectral.inverse_real_fft(symbol * spectral.scaled(spectral.real_fft(u), self.correction), self.shape)
            for symbol, u in zip(self.divergence, velocity, strict=True)
        )
        compressed = self.density
        if self.nonlinearity is not None:
            compressed = 2.0 * sum(state.density) + self.density
        density = tuple(
            damping * (damping * rho - self.time_step * compressed * part)
            for rho, part, damping in zip(state.density, stretching, self.damping, strict=True)
        )
        for injection in self.pressure_injections:
            density = injection(density, state.step)
        return density, self.density * sum(stretching)

    def _pressure(self, density: Float[Array, "*space"], compression: Float[Array, "*space"]) -> Float[Array, "*space"]:
        total = density
        if self.losses is not None:
            total = total + self.losses(compression, density)
        if self.nonlinearity is not None:
            total = total + self.nonlinearity * density**2 / (2.0 * self.density)
        return self.sound_speed_squared * total

    def _gradient(self, pressure: Float[Array, "*space"]) -> tuple[Float[Array, "*space"], ...]:
        spectrum = spectral.scaled(spectral.real_fft(pressure), self.correction)
        return tuple(spectral.inverse_real_fft(symbol * spectrum, self.shape) for symbol in self.gradient)


def staggered(field: Float[Array, "*space"], axis: int) -> Float[Array, "*space"]:
    """The field half a point further along `axis`: mean of neighbours; the last plane keeps its own value."""
    following = jnp.concatenate(
        [jax.lax.slice_in_dim(field, 1, None, axis=axis), jax.lax.slice_in_dim(field, -1, None, axis=axis)], axis=axis
    )
    return 0.5 * (field + following)
