"""First fields: their spectra, their divergence, their known energies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import compiled

from fieldcast.simulators.flows import periodic_operators as operators
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.periodic_starts import (
    mcwilliams_spectrum,
    peaked_spectrum,
    random_velocity,
    random_vorticity,
    taylor_green_velocity,
    taylor_green_vorticity,
)
from fieldcast.simulators.flows.shell_spectrum import shell_spectrum, shell_wavenumbers

pytestmark = pytest.mark.usefixtures("x64")


def check_spectrum(velocity, box, spectrum):
    """Each whole shell of the retained modes has the energy of the spectrum; the mean has none."""
    energies = shell_spectrum(velocity, box)
    radii = shell_wavenumbers(box)
    whole = slice(1, min(operators.largest_modes(box)) + 1)
    np.testing.assert_allclose(energies[whole], spectrum(jnp.asarray(radii[whole])) * radii[1], rtol=1e-10)
    assert energies[0] < 1e-30


def test_random_flow_in_the_plane():
    box, spectrum = PeriodicBox((16, 15), (2.0, 2.0)), mcwilliams_spectrum(6.0, 0.7)
    make = compiled(lambda key: [random(box, spectrum, key=key) for random in (random_velocity, random_vorticity)])
    velocity, vorticity = make(jax.random.key(0))
    check_spectrum(velocity, box, spectrum)
    # Equality also says that the velocity has no divergence.
    of_vorticity = operators.plane_velocity(operators.to_spectrum(vorticity[0], box), box)
    np.testing.assert_allclose(operators.to_fields(of_vorticity, box), velocity, atol=1e-14)


def test_random_flow_in_a_box():
    box, spectrum = PeriodicBox((12, 13, 14), (2.0, 3.0, 2.0)), peaked_spectrum(6.0, 0.7)
    make = compiled(jax.vmap(lambda key: random_velocity(box, spectrum, key=key)))
    first, second = make(jax.random.split(jax.random.key(0)))
    check_spectrum(first, box, spectrum)
    divergence = operators.divergence(operators.to_spectrum(first, box), box)
    np.testing.assert_allclose(operators.to_fields(divergence, box), 0.0, atol=1e-12)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.3
    variances = np.mean(np.asarray(first) ** 2, axis=(1, 2, 3))
    assert variances.max() < 3 * variances.min()  # it points every way


@pytest.mark.parametrize("spectrum", [peaked_spectrum(3.0, 0.7), mcwilliams_spectrum(3.0, 0.7)])
def test_spectra_hold_their_energy(spectrum):
    k = np.linspace(0.0, 600.0, 200001)  # beyond, 2e-5 of the slower one
    np.testing.assert_allclose(np.trapezoid(spectrum(jnp.asarray(k)), k), 0.7, rtol=3e-5)


def test_taylor_green_energies():
    cube = PeriodicBox((8, 8, 8), (np.pi, np.pi, np.pi))
    velocity = operators.to_spectrum(taylor_green_velocity(cube), cube)
    vorticity = operators.curl(velocity, cube)
    np.testing.assert_allclose(operators.inner_product(velocity, velocity, cube) / 2, 1 / 8, rtol=1e-13)
    np.testing.assert_allclose(operators.inner_product(vorticity, vorticity, cube) / 2, 3 * 2**2 / 8, rtol=1e-13)
    square = PeriodicBox((8, 8), (np.pi, np.pi))
    plane = operators.plane_velocity(operators.to_spectrum(taylor_green_vorticity(square)[0], square), square)
    x, y = 2 * square.points()
    np.testing.assert_allclose(operators.to_fields(plane, square)[0], np.sin(x) * np.cos(y), atol=1e-15)
    with pytest.raises(ValueError, match="one length"):
        taylor_green_vorticity(PeriodicBox((8, 8), (1.0, 2.0)))
