"""Viscous stress and its work on the faces of cells."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows.ideal_gas import Fields, Scalar


def viscous_flux(
    velocity: Float[Array, "axis *space"],
    axis: int,
    spacing: tuple[float, ...],
    shear_viscosity: Scalar,
    bulk_viscosity: Scalar,
) -> Fields:
    """Flux of mass (none), momentum and energy by viscosity, through the face between each cell and the next.

        flux = -(0, tau_a, tau_a . v),   tau_ab = eta (d_a v_b + d_b v_a) + delta_ab (zeta - 2/3 eta) div v

    Derivatives across the face are differences of the two cells beside it, those along the face central differences of
    their mean: second order, periodic.

    **Arguments:**

    - `velocity`: means over the cells.
    - `axis`: of space, across which the faces lie.
    - `spacing`: of the cells along each axis.
    - `shear_viscosity`, `bulk_viscosity`: eta and zeta, dynamic.

    **Returns:** fluxes in the order of the conserved variables.
    """
    following = jnp.roll(velocity, -1, axis + 1)
    on_face = 0.5 * (velocity + following)
    gradient = [
        (following - velocity) / h
        if along == axis
        else (jnp.roll(on_face, -1, along + 1) - jnp.roll(on_face, 1, along + 1)) / (2.0 * h)
        for along, h in enumerate(spacing)
    ]
    divergence = sum(gradient[along][along] for along in range(len(spacing)))
    stress = [shear_viscosity * (gradient[axis][along] + gradient[along][axis]) for along in range(len(spacing))]
    stress[axis] = stress[axis] + (bulk_viscosity - 2.0 / 3.0 * shear_viscosity) * divergence
    work = sum(stress_along * velocity_along for stress_along, velocity_along in zip(stress, on_face, strict=True))
    return -jnp.stack([jnp.zeros_like(work), *stress, work])
