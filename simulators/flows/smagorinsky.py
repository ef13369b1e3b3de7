"""The closure of Smagorinsky, and its damping at walls."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows.closure import Closure, Resolution, strain_magnitude, strain_rate
from fieldcast.simulators.stepper import parameter


class VanDriest(eqx.Module):
    """Damping of the mixing length at a wall, `D = 1 - exp(-y+ / A+)` with `y+ = y / viscous_length`.

    **Arguments:**

    - `viscous_length`: `nu / u_tau`, in the lengths of the grid.
    - `decay`: `A+`.

    E. R. van Driest, J. Aeronaut. Sci. 23 (1956) 1007, doi:10.2514/8.3713.
    """

    viscous_length: Float[Array, ""] = parameter()
    decay: Float[Array, ""] = parameter(default=26.0)

    def __call__(self, wall_distance: Float[Array, "x y z"]) -> Float[Array, "x y z"]:
        """The factor of the mixing length, zero at the wall."""
        length = (self.viscous_length * self.decay).astype(wall_distance.dtype)
        return -jnp.expm1(-wall_distance / length)


class Smagorinsky(Closure):
    """An eddy viscosity in proportion to the strain rate.

        nu_t = (C D Delta)^2 |S|

    It vanishes in rest and in solid-body rotation, but neither in laminar shear nor, undamped (`D = 1`), at a wall.

    **Arguments:**

    - `constant`: C. Isotropic turbulence with its cut-off in the inertial range asks for 0.17 (Lilly); shear flows
      for less, a channel for 0.1 together with damping.
    - `damping`: D, at walls.

    J. Smagorinsky, Mon. Weather Rev. 91 (1963) 99, doi:10.1175/1520-0493(1963)091<0099:GCEWTP>2.3.CO;2.
    """

    constant: Float[Array, ""] = parameter(default=0.17)
    damping: VanDriest | None = None

    def eddy_viscosity(
        self, velocity: Float[Array, "3 *space"], gradient: Float[Array, "3 3 *space"], resolution: Resolution
    ) -> Float[Array, "*space"]:
        length = self.constant.astype(gradient.dtype) * resolution.width(gradient.dtype)
        if self.damping is not None:
            length = length * self.damping(resolution.wall_distance(gradient.dtype))
        return length**2 * strain_magnitude(strain_rate(gradient))
