"""Time steps that integrate the stiff, linear part of an equation exactly."""

from collections.abc import Callable

from jaxtyping import Array, Float, Inexact

from fieldcast.simulators import spectral

Spectrum = Inexact[Array, "*modes"]


def integrating_factor_rk4(
    tendency: Callable[[Spectrum], Spectrum],
    decay: Callable[[Spectrum, Float[Array, ""]], Spectrum],
    state: Spectrum,
    dt: Float[Array, ""],
) -> Spectrum:
    """One step of the classical fourth-order Runge-Kutta scheme with an integrating factor.

        du/dt = L u + N(u):   v = exp(-L t) u,   dv/dt = exp(-L t) N(exp(L t) v)

    `L` limits no step, and a state that only `L` acts on is exact. Where `L` and a steady `N` balance, the scheme's
    own balance is off by `O((L dt)^4)`. Any `dt`, also a traced one: nothing is computed ahead for one length of step.

    **Arguments:**

    - `tendency`: `N(u)`.
    - `decay`: `exp(L t) u`, a function of `u` and `t`; the time it is given is half a step.
    - `state`: `u`.
    - `dt`: length of the step.

    **Returns:** the state `dt` later.

    Source: Canuto, Hussaini, Quarteroni and Zang, Spectral Methods in Fluid Dynamics, 1988, section 4.4,
    doi:10.1007/978-3-642-84108-8.
    """
    dt = dt.astype(state.real.dtype)
    half = 0.5 * dt

    def plus(base: Spectrum, slope: Spectrum, time: Float[Array, ""]) -> Spectrum:
        return base + spectral.scaled(slope, time)

    # Everything is carried to the middle of the step, where the second and third slopes are taken.
    first = decay(tendency(state), half)
    middle = decay(state, half)
    second = tendency(plus(middle, first, half))
    third = tendency(plus(middle, second, half))
    fourth = tendency(decay(plus(middle, third, dt), half))
    before_end = plus(plus(middle, first, dt / 6), second + third, dt / 3)
    return plus(decay(before_end, half), fourth, dt / 6)
