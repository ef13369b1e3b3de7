"""Smoke that rises in a closed box."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from fieldcast.simulators.flows import staggered
from fieldcast.simulators.flows.closed_box import ClosedBox
from fieldcast.simulators.flows.scalar_transport import outflow_rate, transport
from fieldcast.simulators.flows.staggered import FaceVelocity
from fieldcast.simulators.stepper import FlowSolver, parameter


class SmokeState(eqx.Module):
    """Velocity on the faces and smoke in the middles of the cells."""

    velocity: FaceVelocity
    smoke: Float[Array, "x y"]


class BuoyantSmoke(FlowSolver):
    """Incompressible flow between walls, driven by the buoyancy of the smoke that it carries.

        du/dt + div(u u) = -grad p + nu laplacian u + b s e_y,   div u = 0,   u = 0 on the walls
        ds/dt + div(u s) = 0

    Finite volumes of second order on a staggered grid. Velocity is advected by means of neighbours, which conserve
    kinetic energy; smoke by upwind values with van Leer's limiter, which conserve its mass and, up to the step of
    `largest_step`, keep it within its bounds. Time advances by the three-stage Runge-Kutta scheme of Shu and Osher,
    with an exact projection onto velocities without divergence in each stage.

    Lengths and times are in scales of the user's choice; `nu` is in their length squared over time, `b` in the
    acceleration by one unit of smoke. The setting of PDEArena and SineNet is a box of 32 by 32 in 128 by 128 cells,
    with `nu = 0.01` and `b = 0.5`.

    The fields are the smoke and the velocity in the middles of the cells. A state's fields determine it: `encode` finds
    the faces of which the velocities are the means, takes their part without divergence, and so is the inverse of
    `decode` to round-off (times up to the number of cells along an axis, for the shortest waves).

    **Arguments:**

    - `grid`: a `ClosedBox`.
    - `viscosity`: `nu`.
    - `buoyancy`: `b`.
    - `dt`: time of one step.

    Source: Gupta and Brandstetter, Towards Multi-spatiotemporal-scale Generalized PDE Modeling, arXiv:2209.15616 (the
    setting; they advect by semi-Lagrangian steps of first order, whose smoothing is not part of the equations); Shu and
    Osher, J. Comput. Phys. 77, 1988, 439-471, doi:10.1016/0021-9991(88)90177-5.
    """

    grid: ClosedBox
    viscosity: Float[Array, ""] = parameter()
    buoyancy: Float[Array, ""] = parameter()
    dt: float = eqx.field(static=True)

    @property
    def components(self) -> tuple[str, ...]:
        return ("smoke", "velocity_x", "velocity_y")

    def encode(self, fields: Float[Array, "3 x y"]) -> SmokeState:
        self.check_fields(fields)
        velocity = staggered.projection(staggered.from_centres(fields[1:]), self.grid)
        return SmokeState(velocity, fields[0])

    def decode(self, state: SmokeState) -> Float[Array, "3 x y"]:
        return jnp.concatenate([state.smoke[None], staggered.to_centres(state.velocity)])

    def advance(self, state: SmokeState, dt: Float[Array, ""]) -> SmokeState:
        dt = dt.astype(state.smoke.dtype)

        def stage(last: SmokeState, weight: Float[Array, ""]) -> tuple[SmokeState, None]:
            ahead = self._euler_step(last, dt)
            return jax.tree.map(lambda a, b: (1.0 - weight) * a + weight * b, state, ahead), None

        weights = jnp.asarray([1.0, 1.0 / 4.0, 2.0 / 3.0], dt.dtype)
        return jax.lax.scan(stage, state, weights)[0]  # a loop: the stage is compiled once

    def largest_step(self, state: SmokeState) -> Float[Array, ""]:
        """The step in which no cell loses more than two fifths of its volume, and friction is stable.

            1 / dt = (r + sqrt(r^2 + 1.6 a)) / 0.8 + 1.6 nu (1/dx^2 + 1/dy^2),   r = max(outflow of a cell / its volume)

        Smoke stays within its bounds up to one half; `a = |b| (max(s) - min(s)) / dy` is how fast buoyancy can make `r`
        grow, which counts in a start from rest.
        """
        dx, dy = self.grid.spacing
        outflow = jnp.max(outflow_rate(state.velocity, self.grid))
        growth = jnp.abs(self.buoyancy.astype(outflow.dtype)) * jnp.ptp(state.smoke) / dy
        courant = (outflow + jnp.sqrt(outflow**2 + 1.6 * growth)) / 0.8
        return 1.0 / (courant + self.viscosity.astype(outflow.dtype) * (1.6 * (dx**-2 + dy**-2)))

    def acceleration(self, state: SmokeState) -> FaceVelocity:
        """`du/dt` by all but the pressure."""
        viscosity, buoyancy = (number.astype(state.smoke.dtype) for number in (self.viscosity, self.buoyancy))
        advection = staggered.advection(state.velocity, self.grid)
        friction = staggered.laplacian(state.velocity, self.grid)
        lift = staggered.between(state.smoke, 1)
        return FaceVelocity(
            advection.x + viscosity * friction.x,
            advection.y + viscosity * friction.y + buoyancy * lift,
        )

    def _euler_step(self, state: SmokeState, dt: Float[Array, ""]) -> SmokeState:
        velocity = jax.tree.map(lambda u, a: u + dt * a, state.velocity, self.acceleration(state))
        smoke = state.smoke + dt * transport(state.smoke, state.velocity, self.grid)
        return SmokeState(staggered.projection(velocity, self.grid), smoke)
