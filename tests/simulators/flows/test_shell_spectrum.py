"""Shell spectra and vortex criteria: Parseval, single waves, slow sums, rotation and strain."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.shell_spectrum import shell_spectrum, shell_wavenumbers
from fieldcast.simulators.flows.vortices import q_criterion, vorticity


@pytest.mark.parametrize(
    ("num_points", "lengths"),
    [
        ((8,), (1.0,)),
        ((7, 6), (3.0, 1.1)),
        ((5, 4, 3), (1.0, 2.5, 2.0)),
    ],
)
def test_shells_against_a_sum_over_all_modes(num_points, lengths, x64):
    velocity = np.random.default_rng(0).standard_normal((len(num_points), *num_points))
    box = PeriodicBox(num_points, lengths)
    modes = np.fft.fftn(velocity, axes=range(1, velocity.ndim), norm="forward")
    expected = np.zeros(len(shell_wavenumbers(box)))
    for index in itertools.product(*(range(n) for n in num_points)):
        signed = [i if i <= n // 2 else i - n for i, n in zip(index, num_points, strict=True)]
        radius = np.sqrt(sum((i / length) ** 2 for i, length in zip(signed, lengths, strict=True))) * max(lengths)
        expected[round(radius)] += 0.5 * np.sum(np.abs(modes[(slice(None), *index)]) ** 2)
    spectrum = shell_spectrum(jnp.asarray(velocity), box)
    np.testing.assert_allclose(spectrum, expected, atol=1e-14)
    np.testing.assert_allclose(jnp.sum(spectrum), 0.5 * np.mean(np.sum(velocity**2, axis=0)), rtol=1e-13)


def test_a_wave_lies_in_its_shell():
    box = PeriodicBox((16, 16), (2 * np.pi, 2 * np.pi))
    x, y = box.points()
    velocity = jnp.asarray(np.stack([np.sin(3 * x + 4 * y), 0 * x]), jnp.float32)
    spectrum = shell_spectrum(velocity, box)
    np.testing.assert_allclose(spectrum, 0.25 * (shell_wavenumbers(box) == 5), atol=1e-6)


def test_vorticity_and_q_of_rotation_and_strain():
    rotation = jnp.asarray([[0.0, -2.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(vorticity(rotation), [0, 0, 4])
    np.testing.assert_allclose(q_criterion(rotation), 4.0)  # 1/2 |W|^2
    strain = jnp.asarray([[1.0, 0.5], [0.5, -1.0]])
    np.testing.assert_allclose(q_criterion(strain), -1.25)
    np.testing.assert_allclose(vorticity(strain), [0.0])
    shear = jnp.zeros((3, 3, 4)).at[0, 1].set(3.0)
    np.testing.assert_allclose(q_criterion(shear), np.zeros(4))
    np.testing.assert_allclose(vorticity(shear), np.stack([np.zeros(4), np.zeros(4), np.full(4, -3.0)]))


def test_q_is_half_of_rotation_minus_strain_squared(x64):
    gradient = np.random.default_rng(5).standard_normal((3, 3, 2))
    transposed = np.swapaxes(gradient, 0, 1)
    strain, rotation = 0.5 * (gradient + transposed), 0.5 * (gradient - transposed)
    expected = 0.5 * ((rotation**2).sum(axis=(0, 1)) - (strain**2).sum(axis=(0, 1)))
    np.testing.assert_allclose(q_criterion(jnp.asarray(gradient)), expected, rtol=1e-13)
    curl = [gradient[2, 1] - gradient[1, 2], gradient[0, 2] - gradient[2, 0], gradient[1, 0] - gradient[0, 1]]
    np.testing.assert_allclose(vorticity(jnp.asarray(gradient)), curl)
