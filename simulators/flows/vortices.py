"""What a velocity gradient says of vortices."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def vorticity(gradient: Float[Array, "axis axis *space"]) -> Float[Array, "component *space"]:
    """The curl of velocity: three components in three dimensions, one (along z) in two.

        omega_i = e_ijk du_k/dx_j

    **Arguments:** `gradient[i, j] = du_i/dx_j`.
    """
    pairs = [(1, 0)] if len(gradient) == 2 else [(2, 1), (0, 2), (1, 0)]
    return jnp.stack([gradient[i, j] - gradient[j, i] for i, j in pairs])


def q_criterion(gradient: Float[Array, "axis axis *space"]) -> Float[Array, "*space"]:
    """How much rotation exceeds strain; positive in vortices.

        Q = 1/2 (|W|^2 - |S|^2) = -1/2 du_i/dx_j du_j/dx_i,   S, W: symmetric and antisymmetric part of the gradient

    **Arguments:** `gradient[i, j] = du_i/dx_j`.

    Source: Hunt, Wray and Moin, Center for Turbulence Research Report CTR-S88, 1988, 193-208.
    """
    return -0.5 * jnp.einsum("ij...,ji...->...", gradient, gradient, precision="highest")
