"""The HLLC flux and the slopes before it, against exact Riemann solutions and the properties that define them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from exact_riemann import exact_riemann

from fieldcast.simulators.flows import ideal_gas, riemann
from fieldcast.simulators.flows.reconstruction import face_states, minmod, monotonized_central, van_leer

GAMMA = 1.4

hllc_flux = jax.jit(riemann.hllc_flux, static_argnums=2)
wave_speeds = jax.jit(riemann.wave_speeds, static_argnums=2)
to_conserved, to_primitive = jax.jit(ideal_gas.to_conserved), jax.jit(ideal_gas.to_primitive)


def _states(key):
    """Random primitive states, subsonic and supersonic."""
    density, velocity, pressure = (
        jax.random.uniform(k, (n, 40), minval=0.1, maxval=3.0)
        for k, n in zip(jax.random.split(key, 3), (1, 3, 1), strict=True)
    )
    return jnp.concatenate([density, 3.0 * (velocity - 1.5), pressure])


def _physical_flux(primitive, axis):
    conserved = to_conserved(primitive, jnp.asarray(GAMMA))
    flux = np.array(conserved * primitive[1 + axis][None])
    flux[1 + axis] += primitive[-1]
    flux[-1] += primitive[-1] * primitive[1 + axis]
    return flux


def test_exact_solution_of_sod():
    # Toro, table 4.2, test 1: pressure, velocity and densities on both sides of the contact
    solution = exact_riemann((1.0, 0.0, 1.0), (0.125, 0.0, 0.1), GAMMA, [0.9, 0.95])
    np.testing.assert_allclose(solution, [[0.42632, 0.26557], [0.92745, 0.92745], [0.30313, 0.30313]], atol=1e-5)


def test_flux_of_equal_states_is_the_physical_one(getkey, x64):
    states = _states(getkey())
    for axis in range(3):
        flux = hllc_flux(states, states, axis, jnp.asarray(GAMMA))
        np.testing.assert_allclose(flux, _physical_flux(states, axis), rtol=1e-12, atol=1e-12)


def _toro_flux(left, right, speed_left, speed_right, axis):
    """HLLC at one face as Toro writes it (10.37-10.39, 10.71-10.73): `F_K + S_K (U_K* - U_K)`."""
    (rho_l, *_, p_l), (rho_r, *_, p_r) = left, right
    u_l, u_r = left[1 + axis], right[1 + axis]
    contact = (p_r - p_l + rho_l * u_l * (speed_left - u_l) - rho_r * u_r * (speed_right - u_r)) / (
        rho_l * (speed_left - u_l) - rho_r * (speed_right - u_r)
    )
    side, speed = (left, speed_left) if contact >= 0 else (right, speed_right)
    flux = _physical_flux(jnp.asarray(side)[:, None], axis)[:, 0]
    if speed_left >= 0 or speed_right <= 0:
        return flux
    conserved = np.array(to_conserved(jnp.asarray(side)[:, None], jnp.asarray(GAMMA)))[:, 0]
    density, normal, pressure = side[0], side[1 + axis], side[-1]
    star = np.concatenate([[1.0], side[1:-1], [0.0]])
    star[1 + axis] = contact
    star[-1] = conserved[-1] / density + (contact - normal) * (contact + pressure / (density * (speed - normal)))
    return flux + speed * (density * (speed - normal) / (speed - contact) * star - conserved)


def test_flux_equals_the_textbook_form(getkey, x64):
    left, right = _states(getkey()), _states(getkey())
    for axis in range(3):
        flux = hllc_flux(left, right, axis, jnp.asarray(GAMMA))
        speeds = np.array(wave_speeds(left, right, axis, jnp.asarray(GAMMA)))
        assert np.any(speeds[0] > 0)
        assert np.any(speeds[1] < 0)
        expected = [_toro_flux(*face, axis) for face in zip(np.array(left).T, np.array(right).T, *speeds, strict=True)]
        np.testing.assert_allclose(flux, np.array(expected).T, rtol=1e-11, atol=1e-11)


def test_contact_and_shear_at_rest_are_not_touched(x64):
    left, right = jnp.asarray([2.0, 0.0, 0.3, 0.7]), jnp.asarray([0.1, 0.0, -5.0, 0.7])
    flux = hllc_flux(left[:, None], right[:, None], 0, jnp.asarray(GAMMA))
    np.testing.assert_array_equal(flux[:, 0], [0.0, 0.7, 0.0, 0.0])


def test_exact_waves_stay_between_the_bounds(x64):
    # a strong shock into thin gas runs faster than sound on either side
    left, right = (1.0, 0.0, 1000.0), (1.0, 0.0, 0.01)
    columns = (jnp.asarray(side)[:, None] for side in (left, right))
    lower, upper = (float(speed[0]) for speed in wave_speeds(*columns, 0, jnp.asarray(GAMMA)))
    solution = exact_riemann(left, right, GAMMA, [lower, upper])
    np.testing.assert_allclose(solution, np.array([left, right]).T, rtol=1e-12)


def test_bound_of_a_single_shock_is_its_speed(x64):
    # for gamma = 2 the bounds are those of Roe's averages, which know single shocks
    gamma, ahead, pressure = 2.0, (0.5, -0.3, 0.2), 3.0
    ratio = pressure / ahead[2]
    shock = ahead[1] + np.sqrt(gamma * ahead[2] / ahead[0] * (3.0 * ratio + 1.0) / 4.0)
    density = ahead[0] * (3.0 * ratio + 1.0) / (ratio + 3.0)
    behind = (density, shock - ahead[0] / density * (shock - ahead[1]), pressure)
    columns = (jnp.asarray(side)[:, None] for side in (behind, ahead))
    np.testing.assert_allclose(wave_speeds(*columns, 0, jnp.asarray(gamma))[1], shock, rtol=1e-13)


def test_variables_there_and_back(getkey, x64):
    states = _states(getkey())
    conserved = to_conserved(states, jnp.asarray(GAMMA))
    np.testing.assert_allclose(to_primitive(conserved, jnp.asarray(GAMMA)), states, rtol=1e-12, atol=1e-12)
    energy = states[-1] / (GAMMA - 1.0) + 0.5 * states[0] * (states[1] ** 2 + states[2] ** 2 + states[3] ** 2)
    np.testing.assert_allclose(conserved[-1], energy, rtol=1e-12)


@pytest.mark.parametrize("limiter", [minmod, van_leer, monotonized_central])
def test_limiters(limiter, x64):
    a = jnp.asarray([1.0, 1.0, -2.0, 0.0, 1.0, 1.0])
    b = jnp.asarray([1.0, -1.0, -2.0, 3.0, 1.2, 10.0])
    slope = np.array(limiter(a, b))
    # linear profiles are kept, extrema cut off, signs respected
    np.testing.assert_allclose(slope[:4], [1.0, 0.0, -2.0, 0.0], atol=0.0)
    expected = {minmod: (1.0, 1.0), van_leer: (2.4 / 2.2, 20.0 / 11.0), monotonized_central: (1.1, 2.0)}[limiter]
    np.testing.assert_allclose(slope[4:], expected, rtol=1e-14)
    np.testing.assert_allclose(limiter(-b, -a), -slope, atol=0.0)
    gradient = jax.vmap(jax.grad(limiter))(a, b)
    assert np.all(np.isfinite(gradient))


def test_face_values_lie_between_their_cells(getkey, x64):
    fields = jax.random.uniform(getkey(), (2, 6, 5), minval=1e-6, maxval=1.0)
    for axis in range(2):
        left, right = face_states(fields, axis, monotonized_central)
        following = jnp.roll(fields, -1, axis + 1)
        low, high = np.minimum(fields, following), np.maximum(fields, following)
        for side in (left, right):
            assert np.all(side >= low - 1e-15)
            assert np.all(side <= high + 1e-15)
