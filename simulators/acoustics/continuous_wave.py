"""A field that is switched on, settles and is reduced to its complex amplitude while the time-domain scheme runs."""

import math

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import while_loop
from jaxtyping import Array, Complex, Float, Int, PyTree

from fieldcast.simulators.acoustics.kspace_scheme import AcousticState, KSpaceScheme
from fieldcast.simulators.nested_scan import nested_scan


class Timing(eqx.Module):
    """When a continuous wave is switched on, observed and stopped.

    **Arguments:**

    - `frequency` [Hz], `steps_per_period`: the time step is `1 / (frequency steps_per_period)`.
    - `ramp_periods`: length of the cosine ramp at the start.
    - `settle_periods`: periods that run before the first is observed.
    - `most_periods`: when to stop at the latest, at least two after having settled.
    - `tolerance`: stop when two successive periods differ by at most this (relative L2); 0 runs all periods.
    """

    frequency: float = eqx.field(static=True)
    steps_per_period: int = eqx.field(static=True)
    ramp_periods: int = eqx.field(static=True)
    settle_periods: int = eqx.field(static=True)
    most_periods: int = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)

    @property
    def time_step(self) -> float:
        """[s]"""
        return 1.0 / (self.frequency * self.steps_per_period)

    def signals(self, phases: Float[Array, " row"]) -> Float[Array, "row time"]:
        """`ramp(t) sin(2 pi f t + phase)` at every time step, for each of the `phases` [rad]."""
        step = np.arange(self.most_periods * self.steps_per_period)
        ramp_steps = max(1, self.ramp_periods * self.steps_per_period)
        ramp = 0.5 - 0.5 * np.cos(math.pi * np.minimum(step / ramp_steps, 1.0))
        angle = 2.0 * math.pi * (step % self.steps_per_period) / self.steps_per_period
        in_phase, quadrature = (jnp.asarray(ramp * part(angle), phases.dtype)[None] for part in (np.sin, np.cos))
        return in_phase * jnp.cos(phases)[:, None] + quadrature * jnp.sin(phases)[:, None]


class _Observed(eqx.Module):
    """The state after a period, what that period gave, and how much it differs from the one before."""

    state: AcousticState
    pressure: Complex[Array, "*space"]
    change: Float[Array, ""]
    periods: Int[Array, ""]
    meter: PyTree


def steady_state(
    scheme: KSpaceScheme, timing: Timing, *, checkpoint_levels: int = 1, progress: diffrax.AbstractProgressMeter
) -> tuple[Complex[Array, "*space"], Float[Array, ""]]:
    """Run a scheme whose sources emit a continuous wave until the field repeats itself.

    The Fourier sum over a period of N steps, whose column n is the field at `(n + 1/2) dt` when the source is
    `sin(2 pi f n dt)`, gives

        P = 2 i / N sum_n p_n exp(-2 pi i (n + 1/2) / N),   p(x, t) = Im(P exp(2 pi i f t))

    Reverse-mode differentiation goes through the periods that were run, with checkpoints; forward-mode needs
    `timing.tolerance = 0`.

    **Arguments:**

    - `scheme`: with its sources.
    - `timing`.
    - `checkpoint_levels`: of the loops over time steps, see `nested_scan`.
    - `progress`: advanced once a period.

    **Returns:** the complex pressure of the last period on the grid with its boundary layer [Pa], and its change from
    the period before.
    """
    steps = timing.steps_per_period

    def settle(carry):
        state, meter = carry
        state, _ = nested_scan(lambda state: (scheme(state), None), state, steps, checkpoint_levels - 1)
        return (state, progress.step(meter, state.step / (steps * timing.most_periods))), None

    start = (scheme.rest(), progress.init())
    (state, meter), _ = nested_scan(settle, start, timing.settle_periods, checkpoint_levels)
    dtype = scheme.density.dtype
    nothing = jnp.zeros(scheme.shape, np.result_type(dtype, np.complex64))
    first = _Observed(state, nothing, jnp.asarray(jnp.inf, dtype), jnp.asarray(timing.settle_periods), meter)

    def observe(last: _Observed) -> _Observed:
        state, pressure = _period(scheme, last.state, steps, checkpoint_levels - 1)
        change = _norm(pressure - last.pressure) / _norm(pressure)
        meter = progress.step(last.meter, state.step / (steps * timing.most_periods))
        return _Observed(state, pressure, change, last.periods + 1, meter)

    most = timing.most_periods - timing.settle_periods
    if timing.tolerance == 0:
        last, _ = nested_scan(lambda last: (observe(last), None), first, most, checkpoint_levels)
    else:
        # The first period differs from nothing by all of itself, so that at least two are observed.
        last = while_loop(
            lambda last: ~(last.change <= timing.tolerance) & jnp.isfinite(last.state.pressure).all(),
            observe,
            first,
            max_steps=most,
            kind="checkpointed",
        )
    progress.close(last.meter)
    return last.pressure, last.change


def _period(
    scheme: KSpaceScheme, state: AcousticState, steps: int, levels: int
) -> tuple[AcousticState, Complex[Array, "*space"]]:
    """Step through one period, and its complex pressure."""
    angle = 2.0 * math.pi * (np.arange(steps) + 0.5) / steps
    dtype = state.pressure.dtype
    sines, cosines = (jnp.asarray(2.0 / steps * part(angle), dtype) for part in (np.sin, np.cos))

    def step(carry):
        state, real, imaginary = carry
        index = jnp.mod(state.step, steps)
        state = scheme(state)
        return (state, real + sines[index] * state.pressure, imaginary + cosines[index] * state.pressure), None

    zero = jnp.zeros(scheme.shape, dtype)
    (state, real, imaginary), _ = nested_scan(step, (state, zero, zero), steps, levels)
    return state, jax.lax.complex(real, imaginary)


def _norm(field: Complex[Array, "*space"]) -> Float[Array, ""]:
    square = jnp.sum(jnp.real(field) ** 2 + jnp.imag(field) ** 2)
    positive = square > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1.0)), 0.0)
