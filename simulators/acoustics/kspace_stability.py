"""The largest time step with which the k-space scheme is stable."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from fieldcast.simulators import spectral
from fieldcast.simulators.acoustics.kspace_absorption import Absorption
from fieldcast.simulators.acoustics.medium import Medium

_BISECTIONS = 60


def stability_limit(
    medium: Medium, absorption: Absorption, reference_sound_speed: ArrayLike | None = None
) -> Float[Array, ""]:
    """The largest time step [s] with which the k-space scheme is stable.

    From the largest wavenumber k of the grid and the extreme coefficients of the medium (exact for a homogeneous
    medium, a useful estimate otherwise), the first `theta = c_ref k dt / 2` with

        (r sin theta)^2 (1 - eta k^(y-1)) - r sin(theta)^2 / theta c tau k^(y-1) = 1,   r = c / c_ref

    but at most a right angle. Beyond it a lossless homogeneous medium would still be stable, in theory; a contrast or a
    boundary layer makes waves grow there.

    **Arguments:**

    - `medium`, `absorption`: as given to `KSpaceScheme`.
    - `reference_sound_speed`: c_ref [m/s]; default the largest in the medium.

    Source: Treeby, Jaros, Rohrbach and Cox, Proc. IEEE IUS 2014 (the criterion of k-Wave's `checkStability`), here
    squared, so that it can be solved by bisection.
    """
    speed = jnp.max(medium.sound_speed)
    ratio = 1.0 if reference_sound_speed is None else speed / reference_sound_speed
    reference = speed / ratio
    largest = spectral.largest_wavenumber(medium.grid.shape, medium.grid.spacing)
    power = largest ** (medium.attenuation_power - 1.0)
    tau, eta = absorption.coefficients(medium)
    damping = jnp.zeros_like(speed) if tau is None else -speed * jnp.min(tau) * power
    stiffening = jnp.zeros_like(speed) if eta is None else -jnp.min(eta) * power

    def unstable(theta: Float[Array, ""]) -> Array:
        sine = jnp.sin(theta)
        return (ratio * sine) ** 2 * (1.0 + stiffening) + ratio * sine**2 / theta * damping >= 1.0

    def halve(_, bounds):
        low, high = bounds
        middle = 0.5 * (low + high)
        outside = unstable(middle)
        return jnp.where(outside, low, middle), jnp.where(outside, middle, high)

    right_angle = jnp.full_like(speed, 0.5 * math.pi)
    theta, _ = jax.lax.fori_loop(0, _BISECTIONS, halve, (jnp.zeros_like(speed), right_angle))
    return 2.0 * theta / (reference * largest)


def refuse_unstable(
    medium: Medium, absorption: Absorption, time_step: float, reference_sound_speed: Float[Array, ""]
) -> Medium:
    """The medium itself, if the scheme can run in it.

    **Raises:** `ValueError` when the medium is not finite or the time step [s] not below the stability limit; for a
    traced medium an error when it runs.
    """
    maps = {name: getattr(medium, name) for name in ("sound_speed", "density", "attenuation", "nonlinearity")}
    for name, values in maps.items():
        if values is not None:
            bad = ~jnp.all(jnp.isfinite(values))
            medium = _refuse(medium, bad, f"medium.{name} has non-finite values; expected finite numbers everywhere.")
    bad = ~jnp.all((medium.sound_speed > 0) & (medium.density > 0))
    medium = _refuse(medium, bad, "medium.sound_speed and medium.density must be positive everywhere.")
    limit = jax.lax.stop_gradient(stability_limit(medium, absorption, reference_sound_speed))
    known = "" if isinstance(limit, jax.core.Tracer) else f" of {float(limit):.4g} s"
    return _refuse(
        medium,
        ~(time_step < limit),
        f"The time step of {time_step:.4g} s is not below the stability limit{known} for this medium; the run would "
        "blow up. Use a smaller time step (more steps per period).",
    )


def _refuse(medium: Medium, bad: Array, message: str) -> Medium:
    bad = jax.lax.stop_gradient(bad)
    if isinstance(bad, jax.core.Tracer):
        return eqx.error_if(medium, bad, message)
    if bool(bad):
        raise ValueError(message)
    return medium
