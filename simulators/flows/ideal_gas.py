"""The ideal gas: primitive and conserved variables.

Primitive variables are density, velocity and pressure; conserved ones density, momentum and total energy, each in one
array of two channels more than there are axes.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Fields = Float[Array, "channel *space"]
Scalar = Float[Array, ""]


def to_conserved(primitive: Fields, heat_capacity_ratio: Scalar) -> Fields:
    """Conserved variables of the primitive ones.

        (rho, v, p) -> (rho, rho v, p / (gamma - 1) + rho |v|^2 / 2)

    with the heat-capacity ratio gamma.
    """
    density, velocity, pressure = primitive[:1], primitive[1:-1], primitive[-1:]
    kinetic = 0.5 * density * jnp.sum(velocity**2, axis=0, keepdims=True)
    energy = pressure / (heat_capacity_ratio - 1.0) + kinetic
    return jnp.concatenate([density, density * velocity, energy])


def to_primitive(conserved: Fields, heat_capacity_ratio: Scalar) -> Fields:
    """Primitive variables of the conserved ones.

        (rho, m, E) -> (rho, m / rho, (gamma - 1) (E - |m|^2 / (2 rho)))

    with the heat-capacity ratio gamma.
    """
    density, momentum, energy = conserved[:1], conserved[1:-1], conserved[-1:]
    velocity = momentum / density
    kinetic = 0.5 * jnp.sum(momentum * velocity, axis=0, keepdims=True)
    return jnp.concatenate([density, velocity, (heat_capacity_ratio - 1.0) * (energy - kinetic)])


def sound_speed(primitive: Fields, heat_capacity_ratio: Scalar) -> Float[Array, "*space"]:
    """`c = sqrt(gamma p / rho)`."""
    return jnp.sqrt(heat_capacity_ratio * primitive[-1] / primitive[0])
