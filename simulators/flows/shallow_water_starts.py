"""States from which shallow-water flows on the sphere start."""

import math

import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.simulators.flows.shallow_water import ShallowWater

State = Float[Array, "3 2 order degree"]


def at_rest(solver: ShallowWater, height: float = 1e4) -> State:
    """No flow under a level surface of the given `height` [m]."""
    return jnp.zeros((3, *solver.transform.spectral_shape)).at[2, 0, 0, 0].set(height)


def balanced(solver: ShallowWater, vorticity: Float[Array, "2 order degree"], height: float = 1e4) -> State:
    """A flow without divergence, under the surface that keeps its divergence from growing at once.

        laplacian(g h) = curl((zeta + f) u) - laplacian(|u|^2 / 2)

    Exact for steady zonal flows; in general it removes most of the gravity waves.

    **Arguments:** `vorticity`, a spectrum [1/s], and the mean `height` [m].
    """
    flow = at_rest(solver, 0.0).at[0].set(vorticity)
    pull = solver.transform.inverse_laplacian(solver.tendency(flow)[1]) * (solver.radius**2 / solver.gravity)
    return flow.at[2].set(pull).at[2, 0, 0, 0].set(height)


def steady_zonal_flow(solver: ShallowWater, speed: float = 38.61, height: float = 2998.0) -> State:
    """A solid-body rotation about the axis of the sphere's own rotation, in geostrophic balance: a steady solution.

        u = speed (e x n),   g h = g height - (radius |Omega| speed + speed^2 / 2) (e . n)^2,   e = Omega / |Omega|

    Test case 2 of Williamson et al.; the tilt against the grid is that of `solver.rotation`. The default values are
    theirs (12 days around the Earth, and 29400 m^2/s^2 at the equator).

    **Arguments:** `speed` at the equator [m/s], `height` there [m].

    Source: Williamson et al., J. Comput. Phys. 102, 1992, doi:10.1016/S0021-9991(05)80016-6.
    """
    rotation_rate = jnp.linalg.norm(solver.rotation)
    sine = jnp.tensordot(
        solver.rotation / rotation_rate, jnp.asarray(solver.grid.normals(), float), 1, precision="highest"
    )
    vorticity = solver.transform.analysis(2.0 * speed / solver.radius * sine)
    drop = (solver.radius * rotation_rate * speed + 0.5 * speed**2) / solver.gravity
    surface = solver.transform.analysis(height - drop * sine**2)
    return jnp.stack([vorticity, jnp.zeros_like(vorticity), surface])


def barotropic_jet(solver: ShallowWater, perturbation: float = 120.0, height: float = 1e4) -> State:
    """A balanced jet of 80 m/s in the northern middle latitudes, unstable to a small hill of fluid on it.

        u = 80 exp(4 / (p1 - p0)^2) exp(1 / ((p - p0) (p - p1))),   p0 < p < p1,   p0 = pi/7, p1 = pi/2 - pi/7

    After four to six days it rolls up into vortices: the test of Galewsky et al. needs a truncation of at least 42.

    **Arguments:** height of the `perturbation` [m], mean `height` of the balanced surface [m].

    Source: Galewsky, Scott and Polvani, Tellus A 56, 2004, doi:10.3402/tellusa.v56i5.14436.
    """
    latitude, longitude = solver.grid.points()
    south, north = math.pi / 7.0, math.pi / 2.0 - math.pi / 7.0
    inside = (latitude > south) & (latitude < north)
    distance = np.where(inside, (latitude - south) * (latitude - north), -1.0)
    jet = np.where(inside, 80.0 * np.exp(4.0 / (north - south) ** 2 + 1.0 / distance), 0.0)
    velocity = jnp.asarray(np.stack([jet, np.zeros_like(jet)]), float)
    state = balanced(solver, solver.transform.vorticity_divergence(velocity)[0] / solver.radius, height)
    longitude = (longitude + math.pi) % (2.0 * math.pi) - math.pi
    hill = np.cos(latitude) * np.exp(-((3.0 * longitude) ** 2) - (15.0 * (math.pi / 4.0 - latitude)) ** 2)
    return state.at[2].add(solver.transform.analysis(jnp.asarray(perturbation * hill, float)))


def random_vortices(solver: ShallowWater, height: float = 1e4, *, key: PRNGKeyArray) -> State:
    """Random vorticity under a level surface, without divergence: the start of PDEArena's `ShallowWater-2D` data.

        zeta = -cos(latitude) dU/dlatitude / radius + zeta_wave + zeta_14
        U = c1 r |sin(longitude)| - c2 sin^2(longitude) + c3 sin(longitude) cos(longitude)
        zeta_wave = 5e-5 cos(6 longitude) cos(latitude) exp(-((latitude - 45 deg) / 10 deg)^2)

    `r` is uniform in [0, 1) and independent at every point, `c1`, `c2`, `c3` are random integers of -20 ... 30,
    -20 ... 40 and -20 ... 40 [m/s], and `zeta_14` are random harmonics of degree 14 and orders 0 ... 13. Nothing is in
    balance: gravity waves are radiated in the first hours.

    `U` was written as a profile of latitude, but its array was filled along the other axis, so that it varies with
    longitude, and the data are made of this. Its constant part has no vorticity and is left out. White noise at every
    point depends on the grid: the published data have truncation 62 on 96 x 192 points.

    **Arguments:** `height` of the level surface [m]; `key`.

    Source: the generation scripts of Gupta and Brandstetter, arXiv:2209.15616; SpeedyWeather.jl 0.2.1.
    """
    transform = solver.transform
    noise_key, *integer_keys, harmonic_key = jrandom.split(key, 5)
    c1, c2, c3 = (
        jrandom.randint(integer_key, (), -20, most + 1).astype(float)
        for integer_key, most in zip(integer_keys, (30, 40, 40), strict=True)
    )
    latitude, longitude = (jnp.asarray(points, float) for points in solver.grid.points())
    sine, cosine = jnp.sin(longitude), jnp.cos(longitude)
    profile = c1 * jrandom.uniform(noise_key, sine.shape) * jnp.abs(sine) - c2 * sine**2 + c3 * sine * cosine
    slope = transform.gradient(transform.analysis(profile))[1]
    envelope = jnp.exp(-(((latitude - math.pi / 4.0) / math.radians(10.0)) ** 2))
    vorticity = jnp.cos(latitude) * (5e-5 * jnp.cos(6.0 * longitude) * envelope - slope / solver.radius)
    spectrum = transform.analysis(vorticity) + _random_harmonics(solver, key=harmonic_key)
    return at_rest(solver, height).at[0].set(spectrum.at[0, 0, 0].set(0.0))


def _random_harmonics(solver: ShallowWater, *, key: PRNGKeyArray) -> Float[Array, "2 order degree"]:
    """Vorticity [1/s] of degree 14 and orders 0 ... 13.

    Complex normal coefficients of 5e-6 of harmonics orthonormal over the solid angle, as cosines and sines of
    harmonics orthonormal in the mean.
    """
    transform = solver.transform
    if transform.truncation < 14:
        raise ValueError(f"The random start has harmonics of degree 14; the truncation is {transform.truncation}.")
    deviation = np.full((2, 14), 5e-6 / math.sqrt(4.0 * math.pi))
    deviation[:, 0] = (deviation[0, 0] / math.sqrt(2.0), 0.0)
    coefficients = jnp.asarray(deviation, float) * jrandom.normal(key, (2, 14))
    return jnp.zeros(transform.spectral_shape).at[:, :14, 14].set(coefficients)
