"""The closure that adapts to walls: WALE."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows.closure import (
    Closure,
    Resolution,
    contraction,
    deviator,
    squared,
    strain_rate,
)
from fieldcast.simulators.stepper import parameter


class WALE(Closure):
    """The wall-adapting local eddy viscosity, from strain and rotation together.

        nu_t = (C Delta)^2 (Sd:Sd)^(3/2) / [(S:S)^(5/2) + (Sd:Sd)^(5/4)]

    with `Sd` the symmetric, traceless part of the squared velocity gradient. It vanishes in pure shear, so in laminar
    wall layers too, and goes to zero at a wall with the cube of the distance, without knowing where the wall is. It
    does not vanish in solid-body rotation.

    **Arguments:**

    - `constant`: C, 0.5 for isotropic turbulence and down to 0.325 for channels.

    F. Nicoud and F. Ducros, Flow Turbul. Combust. 62 (1999) 183, doi:10.1023/A:1009995426001.
    """

    constant: Float[Array, ""] = parameter(default=0.5)

    def eddy_viscosity(
        self, velocity: Float[Array, "3 *space"], gradient: Float[Array, "3 3 *space"], resolution: Resolution
    ) -> Float[Array, "*space"]:
        length = self.constant.astype(gradient.dtype) * resolution.width(gradient.dtype)
        return length**2 * wale_rate(gradient)


def wale_rate(gradient: Float[Array, "3 3 *space"]) -> Float[Array, "*space"]:
    """`(Sd:Sd)^(3/2) / [(S:S)^(5/2) + (Sd:Sd)^(5/4)]`, the rate that takes the place of `|S|`; zero at rest."""
    square = contraction(gradient, gradient)
    moving = square > 0
    magnitude = jnp.sqrt(jnp.where(moving, square, 1.0))
    # The formula is the sixth power of the gradient over the fifth, which single precision does not hold. But it is
    # homogeneous: for a gradient of magnitude one both sums are of order one, and they never vanish together.
    direction = gradient / magnitude[None, None]
    strain = contraction(strain_rate(direction), strain_rate(direction))
    tensor = deviator(strain_rate(squared(direction)))
    adapted = contraction(tensor, tensor)
    denominator = jnp.where(moving, strain**2.5 + adapted**1.25, 1.0)
    return jnp.where(moving, magnitude * adapted**1.5 / denominator, 0.0)
