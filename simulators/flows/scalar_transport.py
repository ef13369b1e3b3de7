"""What a flow in a closed box carries along, within its bounds."""

import jax.numpy as jnp
from jax.lax import slice_in_dim
from jaxtyping import Array, Float

from fieldcast.simulators.flows.closed_box import ClosedBox
from fieldcast.simulators.flows.reconstruction import van_leer
from fieldcast.simulators.flows.staggered import FaceVelocity, with_walls


def transport(scalar: Float[Array, "x y"], velocity: FaceVelocity, box: ClosedBox) -> Float[Array, "x y"]:
    """`-div(u s)` by upwind face values of linear profiles, whose slopes are limited (van Leer).

    Nothing passes the walls, so the sum over all cells is zero. An Euler step no longer than `1 / (2 outflow_rate)`
    makes every new value a mean of old ones nearby, if the velocity has no divergence.
    """
    flux_x = _flux(scalar, velocity.x, 0)
    flux_y = _flux(scalar, velocity.y, 1)
    dx, dy = box.spacing
    return -jnp.diff(with_walls(flux_x, 0), axis=0) / dx - jnp.diff(with_walls(flux_y, 1), axis=1) / dy


def outflow_rate(velocity: FaceVelocity, box: ClosedBox) -> Float[Array, "x y"]:
    """The share of each cell's volume that leaves it per time."""
    rate = jnp.zeros(box.num_points, velocity.x.dtype)
    for axis, (faces, spacing) in enumerate(zip((velocity.x, velocity.y), box.spacing, strict=True)):
        faces = with_walls(faces, axis)
        ahead = jnp.maximum(slice_in_dim(faces, 1, None, axis=axis), 0.0)
        behind = jnp.maximum(-slice_in_dim(faces, 0, -1, axis=axis), 0.0)
        rate = rate + (ahead + behind) / spacing
    return rate


def _flux(scalar: Float[Array, "x y"], velocity: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """What passes the inner faces across an axis."""
    difference = with_walls(jnp.diff(scalar, axis=axis), axis)  # none across the walls
    backward = slice_in_dim(difference, 0, -1, axis=axis)
    forward = slice_in_dim(difference, 1, None, axis=axis)
    half_slope = 0.5 * van_leer(backward, forward)
    left = slice_in_dim(scalar + half_slope, 0, -1, axis=axis)
    right = slice_in_dim(scalar - half_slope, 1, None, axis=axis)
    return velocity * jnp.where(velocity > 0.0, left, right)
