"""The flux between two states of an ideal gas: the HLLC Riemann solver."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows.ideal_gas import Fields, Scalar, sound_speed


def wave_speeds(
    left: Fields, right: Fields, axis: int, heat_capacity_ratio: Scalar
) -> tuple[Float[Array, "*space"], Float[Array, "*space"]]:
    """Bounds of the speeds of the waves that leave a discontinuity to both sides.

        S_L = min(u_L - c_L, u - c),   S_R = max(u_R + c_R, u + c)
        u   = (w_L u_L + w_R u_R) / (w_L + w_R),                                    w = sqrt(rho)
        c^2 = (w_L c_L^2 + w_R c_R^2) / (w_L + w_R) + w_L w_R (u_R - u_L)^2 / (2 (w_L + w_R)^2)

    **Arguments:**

    - `left`, `right`: primitive variables on both sides of every face.
    - `axis`: of space, across which the faces lie; `u` is the velocity along it.
    - `heat_capacity_ratio`: gamma.

    **Returns:** `S_L` and `S_R`.

    Source: Einfeldt, SIAM J. Numer. Anal. 25, 1988, doi:10.1137/0725021; with these bounds density and pressure stay
    positive behind the waves (Batten et al., SIAM J. Sci. Comput. 18, 1997, doi:10.1137/S1064827593260140).
    """
    u_left, u_right = left[1 + axis], right[1 + axis]
    c_left, c_right = sound_speed(left, heat_capacity_ratio), sound_speed(right, heat_capacity_ratio)
    weight = jnp.sqrt(left[0])
    weight = weight / (weight + jnp.sqrt(right[0]))
    rest = 1.0 - weight
    u = weight * u_left + rest * u_right
    c = jnp.sqrt(weight * c_left**2 + rest * c_right**2 + 0.5 * weight * rest * (u_right - u_left) ** 2)
    return jnp.minimum(u_left - c_left, u - c), jnp.maximum(u_right + c_right, u + c)


def hllc_flux(left: Fields, right: Fields, axis: int, heat_capacity_ratio: Scalar) -> Fields:
    """Flux of the conserved variables through faces, by the HLLC approximate Riemann solver.

    Two waves `S_L`, `S_R` and a contact `S` between them:

        S = (p_R - p_L + m_L u_L - m_R u_R) / (m_L - m_R),   m = rho (S_K - u)

    The face lies on the left of the contact (`S < 0`: on its right, with R for L) and, unless `S_L > 0`, inside the
    fan, where

        rho* = m_L / (S_L - S),   u* = S,   p* = p_L + m_L (S - u_L)
        E*   = (E_L (S_L - u_L) - p_L u_L + p* S) / (S_L - S)

    and the velocities along the face are those of the left side. The flux is the physical one of this state,
    `(rho u, rho u v + p e, (E + p) u)`. A contact or shear layer at rest is kept exactly.

    **Arguments:**

    - `left`, `right`: primitive variables on both sides of every face.
    - `axis`: of space, across which the faces lie.
    - `heat_capacity_ratio`: gamma.

    Source: Toro, Spruce and Speares, Shock Waves 4, 1994, doi:10.1007/BF01414629.
    """
    speed_left, speed_right = wave_speeds(left, right, axis, heat_capacity_ratio)
    u_left, u_right = left[1 + axis], right[1 + axis]
    mass_left, mass_right = left[0] * (speed_left - u_left), right[0] * (speed_right - u_right)
    contact = (right[-1] - left[-1] + mass_left * u_left - mass_right * u_right) / (mass_left - mass_right)

    on_left = contact >= 0.0
    side = jnp.where(on_left[None], left, right)
    speed = jnp.where(on_left, speed_left, speed_right)
    inside = jnp.where(on_left, speed_left < 0.0, speed_right > 0.0)
    return _flux_beside_contact(side, speed, contact, inside, axis, heat_capacity_ratio)


def _flux_beside_contact(
    side: Fields,
    speed: Float[Array, "*space"],
    contact: Float[Array, "*space"],
    inside: Array,
    axis: int,
    heat_capacity_ratio: Scalar,
) -> Fields:
    """The flux of a side's own state, or of its state between wave and contact where the face is `inside` the fan."""
    density, velocity, pressure = side[0], side[1:-1], side[-1]
    normal = velocity[axis]
    energy = pressure / (heat_capacity_ratio - 1.0) + 0.5 * density * jnp.sum(velocity**2, axis=0)

    mass = density * (speed - normal)
    pressure_inside = pressure + mass * (contact - normal)
    energy_inside = energy * (speed - normal) - pressure * normal + pressure_inside * contact
    density = jnp.where(inside, mass / (speed - contact), density)
    energy = jnp.where(inside, energy_inside / (speed - contact), energy)
    pressure = jnp.where(inside, pressure_inside, pressure)
    normal = jnp.where(inside, contact, normal)

    momentum = [density * normal * along for along in velocity]
    momentum[axis] = density * normal**2 + pressure
    return jnp.stack([density * normal, *momentum, (energy + pressure) * normal])
