"""From cell means to both sides of the faces: piecewise linear profiles with limited slopes (MUSCL)."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows.ideal_gas import Fields

Differences = Float[Array, "..."]
Limiter = Callable[[Differences, Differences], Differences]
"""What makes a cell's slope of its differences `a`, `b` to the cells behind and ahead."""


def minmod(backward: Differences, forward: Differences) -> Differences:
    """The smaller of `a` and `b` if they have the same sign, else zero; the most diffusive limiter.

    Source: Roe, Annu. Rev. Fluid Mech. 18, 1986, doi:10.1146/annurev.fl.18.010186.002005.
    """
    return _common_sign(backward, forward) * jnp.minimum(jnp.abs(backward), jnp.abs(forward))


def van_leer(backward: Differences, forward: Differences) -> Differences:
    """The harmonic mean `2 a b / (a + b)` if `a` and `b` have the same sign, else zero; the smoothest limiter.

    Source: van Leer, J. Comput. Phys. 14, 1974, doi:10.1016/0021-9991(74)90019-9.
    """
    same = backward * forward > 0.0
    total = jnp.where(same, backward + forward, 1.0)
    return jnp.where(same, 2.0 * backward * forward / total, 0.0)


def monotonized_central(backward: Differences, forward: Differences) -> Differences:
    """The least in magnitude of `2 a`, `2 b` and `(a + b) / 2` if `a` and `b` have the same sign, else zero.

    Sharp at contacts, and the central difference where a profile is smooth.

    Source: van Leer, J. Comput. Phys. 23, 1977, doi:10.1016/0021-9991(77)90095-X.
    """
    steepest = 2.0 * jnp.minimum(jnp.abs(backward), jnp.abs(forward))
    return _common_sign(backward, forward) * jnp.minimum(steepest, 0.5 * jnp.abs(backward + forward))


def _common_sign(a: Differences, b: Differences) -> Differences:
    return 0.5 * (jnp.sign(a) + jnp.sign(b))


def face_states(fields: Fields, axis: int, limiter: Limiter) -> tuple[Fields, Fields]:
    """Fields on both sides of the face between each cell and the next one along an axis of space, periodic.

        q_L = q_i + s_i / 2,   q_R = q_(i+1) - s_(i+1) / 2,   s_i = limiter(q_i - q_(i-1), q_(i+1) - q_i)

    A face value lies between the means of the two cells beside it, so a positive field stays positive.
    """
    backward = fields - jnp.roll(fields, 1, axis + 1)
    half_slope = 0.5 * limiter(backward, jnp.roll(backward, -1, axis + 1))
    return fields + half_slope, jnp.roll(fields - half_slope, -1, axis + 1)
