"""The shallow-water equations on a rotating sphere, by spherical harmonics."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from fieldcast.simulators.flows.integrating_factor import integrating_factor_rk4
from fieldcast.simulators.flows.sphere_grid import SphereGrid
from fieldcast.simulators.flows.spherical_harmonics import SphericalTransform
from fieldcast.simulators.stepper import FlowSolver, parameter

DIFFUSION_POWER = 4
STABILITY_LIMIT = 2.8  # of the fourth-order Runge-Kutta scheme on the imaginary axis: 2 sqrt(2), rounded down


class ShallowWater(FlowSolver):
    """A thin layer of fluid on a rotating sphere.

        dzeta/dt  = -div((zeta + f) u) - D zeta
        ddelta/dt =  curl((zeta + f) u) - laplacian(|u|^2 / 2 + g h) - D delta
        dh/dt     = -div((h - h_s) u)

    with vorticity `zeta` [1/s], divergence `delta` [1/s], height of the free surface `h` [m] above the height zero of
    the orography `h_s` [m], Coriolis parameter `f = 2 Omega . n` [rad/s] and hyperdiffusion
    `D = hyperdiffusion (l (l + 1) / (L (L + 1)))^4` of the harmonics of degree `l`, `L` being the truncation.

    **Units** are SI, time steps [s]. **States** are the harmonics of `zeta`, `delta` and `h`, real, of shape
    `(3, 2, order, degree)`. **Fields** are `height` [m], `velocity_x` (eastward) and `velocity_y` (northward) [m/s].

    **Scheme.** Products are taken on a Gaussian grid, free of aliasing; the mass and the mean of the vorticity are kept
    to the bit. Time steps are the classical Runge-Kutta scheme of fourth order, in which the hyperdiffusion is exact
    (an integrating factor). Gravity waves bound the step (`largest_step`; about 800 s at truncation 62 with 10 km of
    fluid). A wave of frequency `w` loses the share `(w dt)^6 / 144` of its amplitude in a step and `(w dt)^5 / 120` of
    its phase [rad]: at the limit the smallest waves die in hours; at a fourth of it they all live for days.

    **Good values:** truncation 62 on 96 x 192 points, hyperdiffusion of `1 / 8640` (the smallest scale decays in
    2.4 h).

    **Arguments:**

    - `transform`: truncation and grid.
    - `dt`: time step of a call [s].
    - `radius` of the sphere [m].
    - `rotation`: angular velocity of the sphere, a vector [rad/s]; the third axis goes through the poles of the grid.
    - `gravity` [m/s^2].
    - `hyperdiffusion`: rate at which the harmonics of the largest degree decay [1/s].
    - `orography`: height of the ground [m] on the grid, or one number. The surface at rest is `h = constant`.

    **Raises:** `ValueError` for an orography of another shape than the grid.

    Source: Williamson et al., J. Comput. Phys. 102, 1992, doi:10.1016/S0021-9991(05)80016-6; Lawson, SIAM J. Numer.
    Anal. 4, 1967, doi:10.1137/0704033 (integrating factor).
    """

    transform: SphericalTransform
    dt: float = eqx.field(static=True)
    radius: Float[Array, ""] = parameter(default=6.371e6)
    rotation: Float[Array, "3"] = parameter(default=(0.0, 0.0, 7.292e-5))
    gravity: Float[Array, ""] = parameter(default=9.81)
    hyperdiffusion: Float[Array, ""] = parameter(default=0.0)
    orography: Float[Array, ""] | Float[Array, "latitude longitude"] = parameter(default=0.0)

    def __check_init__(self):
        if self.orography.shape not in ((), self.grid.shape):
            raise ValueError(
                f"The orography must be a number or have the grid's shape {self.grid.shape}, got "
                f"{self.orography.shape}."
            )

    @property
    def grid(self) -> SphereGrid:
        return self.transform.grid

    @property
    def components(self) -> tuple[str, ...]:
        return ("height", "velocity_x", "velocity_y")

    def encode(self, fields: Float[Array, "channel latitude longitude"]) -> Float[Array, "3 2 order degree"]:
        self.check_fields(fields)
        rotational = self.transform.vorticity_divergence(fields[1:]) / self.radius.astype(fields.dtype)
        return jnp.concatenate([rotational, self.transform.analysis(fields[:1])])

    def decode(self, state: Float[Array, "3 2 order degree"]) -> Float[Array, "channel latitude longitude"]:
        return jnp.concatenate([self.transform.synthesis(state[2:]), self.velocity(state)])

    def velocity(self, state: Float[Array, "3 2 order degree"]) -> Float[Array, "2 latitude longitude"]:
        """Eastward and northward velocity [m/s]."""
        return self.radius.astype(state.dtype) * self.transform.velocity(state[0], state[1])

    def coriolis(self) -> Float[Array, "latitude longitude"]:
        """`f = 2 Omega . n` [rad/s]."""
        normals = jnp.asarray(self.grid.normals(), self.rotation.dtype)
        return 2.0 * jnp.tensordot(self.rotation, normals, 1, precision=jax.lax.Precision.HIGHEST)

    def tendency(self, state: Float[Array, "3 2 order degree"]) -> Float[Array, "3 2 order degree"]:
        """Time derivative of a state without hyperdiffusion, in the units of the state a second."""
        transform, dtype = self.transform, state.dtype
        radius, gravity = self.radius.astype(dtype), self.gravity.astype(dtype)
        velocity = self.velocity(state)
        vorticity, height = transform.synthesis(state[::2])
        carried = jnp.stack([vorticity + self.coriolis().astype(dtype), height - self.orography.astype(dtype)])
        fluxes = carried[:, None] * velocity[None]
        (curl, divergence), (_, outflow) = transform.vorticity_divergence(fluxes) / radius
        bernoulli = transform.analysis(0.5 * jnp.sum(velocity**2, axis=0)) + gravity * state[2]
        return jnp.stack([-divergence, curl - transform.laplacian(bernoulli) / radius**2, -outflow])

    def advance(
        self, state: Float[Array, "3 2 order degree"], dt: Float[Array, ""]
    ) -> Float[Array, "3 2 order degree"]:
        return integrating_factor_rk4(self.tendency, self.decay, state, dt)

    def decay(
        self, state: Float[Array, "3 2 order degree"], time: Float[Array, ""]
    ) -> Float[Array, "3 2 order degree"]:
        """What hyperdiffusion leaves of a state after some time [s]; it does not act on the height."""
        eigenvalues = self.transform.eigenvalues()
        powers = jnp.asarray((eigenvalues / eigenvalues[-1]) ** DIFFUSION_POWER, time.dtype)
        wind = jnp.exp(-time * self.hyperdiffusion.astype(time.dtype) * powers)
        return jnp.stack([wind, wind, jnp.ones_like(wind)])[:, None, None, :] * state

    def largest_step(self, state: Float[Array, "3 2 order degree"]) -> Float[Array, ""]:
        """The stability limit of the fastest wave that the truncation holds [s].

            2.8 / (k (max(|u| + |v|) + sqrt(g max depth)) + 2 |Omega|),   k = sqrt(L (L + 1)) / radius

        Sums of components stand for lengths of vectors, whose derivatives do not exist at rest.
        """
        height, east, north = self.decode(state)
        dtype = state.dtype
        depth = jnp.max(height - self.orography.astype(dtype))
        speed = jnp.max(jnp.abs(east) + jnp.abs(north)) + jnp.sqrt(self.gravity.astype(dtype) * depth)
        wavenumber = np.sqrt(self.transform.eigenvalues()[-1]).item() / self.radius.astype(dtype)
        rotation = jnp.sum(jnp.abs(self.rotation)).astype(dtype)
        return STABILITY_LIMIT / (wavenumber * speed + 2.0 * rotation)
