"""Harmonics against their closed forms, derivatives against calculus, quadrature against polynomials."""

import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
import pytest
from compiled import compiled

from fieldcast.simulators.flows.sphere_grid import SphereGrid, gauss_legendre
from fieldcast.simulators.flows.spherical_harmonics import SphericalTransform, legendre_tables


@pytest.fixture
def transform(x64):
    return SphericalTransform(10, SphereGrid(16, 32))


def exists(transform):
    """Which entries of a spectrum are coefficients: degrees from the order on, no sine of order zero."""
    mask = np.triu(np.ones(transform.spectral_shape, bool))
    mask[1, 0] = False
    return mask


def random_spectrum(transform, key):
    return jrandom.normal(key, transform.spectral_shape) * jnp.asarray(exists(transform), float)


def test_closed_forms(transform):
    x, y, z = transform.grid.normals()
    cases = {
        (0, 0, 0): np.ones_like(x),
        (0, 0, 1): np.sqrt(3.0) * z,
        (1, 1, 1): np.sqrt(3.0) * y,
        (1, 2, 2): np.sqrt(15.0) * x * y,
        (0, 0, 2): np.sqrt(5.0) / 2.0 * (3.0 * z**2 - 1.0),
        (0, 1, 3): np.sqrt(21.0 / 8.0) * x * (5.0 * z**2 - 1.0),
    }
    for (part, order, degree), field in cases.items():
        expected = np.zeros(transform.spectral_shape)
        expected[part, order, degree] = 1.0
        np.testing.assert_allclose(transform.analysis(jnp.asarray(field)), expected, atol=1e-14)
        np.testing.assert_allclose(transform.synthesis(jnp.asarray(expected)), field, atol=1e-14)


def test_harmonics_are_orthonormal(transform):
    basis = np.eye(exists(transform).size)[exists(transform).ravel()].reshape(-1, *transform.spectral_shape)
    fields = transform.synthesis(jnp.asarray(basis))
    products = transform.grid.mean(fields[:, None] * fields[None])
    np.testing.assert_allclose(products, np.eye(len(basis)), atol=1e-13)


def test_legendre_functions_of_high_degree_keep_their_norm():
    tables = legendre_tables(170, 256, np.dtype(float))
    norms = np.einsum("mjl,j->ml", tables.values**2, 0.5 * gauss_legendre(256)[1])
    expected = np.triu(np.ones((171, 171))) * np.where(np.arange(171) == 0, 1.0, 2.0)[:, None]
    np.testing.assert_allclose(norms, expected, atol=1e-11)


def test_derivatives_of_a_polynomial(transform):
    latitude, longitude = transform.grid.points()
    sine, cosine = np.sin(latitude), np.cos(latitude)
    spectrum = transform.analysis(jnp.asarray(sine**3 * cosine * np.cos(longitude)))
    east, north = transform.gradient(spectrum)
    np.testing.assert_allclose(east, -(sine**3) * np.sin(longitude), atol=1e-13)
    np.testing.assert_allclose(north, (3.0 * sine**2 * cosine**2 - sine**4) * np.cos(longitude), atol=1e-13)


def test_divergence_of_the_gradient_is_the_laplacian(transform, getkey):
    spectrum = random_spectrum(transform, getkey())
    curl, divergence = compiled(lambda f: transform.vorticity_divergence(transform.gradient(f)))(spectrum)
    np.testing.assert_allclose(divergence, transform.laplacian(spectrum), atol=1e-11)
    np.testing.assert_allclose(curl, 0.0, atol=1e-11)
    np.testing.assert_allclose(transform.laplacian(spectrum)[0, 2, 5], -30.0 * spectrum[0, 2, 5])
    inverted = compiled(lambda f: transform.inverse_laplacian(transform.laplacian(f)))(spectrum)
    np.testing.assert_allclose(inverted, spectrum.at[0, 0, 0].set(0.0), atol=1e-14)


def test_velocity_of_a_vorticity_and_a_divergence_has_them(transform, getkey):
    pair = jnp.stack([random_spectrum(transform, getkey()) for _ in range(2)]).at[:, 0, 0, 0].set(0.0)
    again = compiled(lambda *pair: transform.vorticity_divergence(transform.velocity(*pair)))(*pair)
    np.testing.assert_allclose(again, pair, atol=1e-12)


def test_solid_body_rotation(transform):
    latitude, _ = transform.grid.points()
    vorticity = transform.analysis(jnp.asarray(2.0 * np.sin(latitude)))
    east, north = transform.velocity(vorticity, jnp.zeros_like(vorticity))
    np.testing.assert_allclose(east, np.cos(latitude), atol=1e-14)
    np.testing.assert_allclose(north, 0.0, atol=1e-14)


def test_single_precision(getkey):
    transform = SphericalTransform(21, SphereGrid(32, 64))
    spectrum = random_spectrum(transform, getkey())
    again = compiled(lambda f: transform.analysis(transform.synthesis(f)))(spectrum)
    assert again.dtype == jnp.float32
    np.testing.assert_allclose(again, spectrum, atol=1e-5)


def test_grid(x64):
    grid = SphereGrid(16, 32)
    assert grid.shape == (16, 32)
    np.testing.assert_allclose(np.outer(*grid.weights()).sum(), 4.0 * np.pi)
    x, y, z = grid.normals()
    np.testing.assert_allclose(
        grid.mean(jnp.asarray(x**2 * y**4 * z**8)), 3.0 * 105.0 / np.prod([3, 5, 7, 9, 11, 13, 15])
    )


def test_refusals():
    with pytest.raises(ValueError, match="at least 2 latitudes"):
        SphereGrid(1, 32)
    for grid in (SphereGrid(15, 32), SphereGrid(16, 30)):
        with pytest.raises(ValueError, match="needs more than 30 longitudes"):
            SphericalTransform(10, grid)


def test_gradient_through_a_round_trip_is_the_projection(transform, getkey):
    field = jrandom.normal(getkey(), transform.grid.shape)
    weights = jnp.asarray(np.outer(*transform.grid.weights()) / (4.0 * np.pi))
    resolved = compiled(lambda f: transform.synthesis(transform.analysis(f)))(field)
    gradient = compiled(jax.grad(lambda f: 0.5 * jnp.sum(transform.analysis(f) ** 2)))(field)
    np.testing.assert_allclose(gradient / weights, resolved, atol=1e-12)
