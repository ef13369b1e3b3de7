"""Grid symmetries keep physics: a transformed scene has the transformed field."""

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.datasets.symmetry import GridSymmetry, random_symmetry


@pytest.mark.parametrize("seed", range(8))
def test_fields_and_points_transform_alike(seed):
    """A field made from distances to points equals, transformed, the field made from the transformed points."""
    rng = np.random.default_rng(seed)
    shape = (6, 6, 6)
    symmetry = random_symmetry(rng, shape)
    points = rng.uniform(-1, 1, (4, 3))

    def field(points):
        axes = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"), axis=-1)
        distance = np.linalg.norm(axes[None] - points[:, None, None, None], axis=-1)
        return np.sum(np.arange(1, 5)[:, None, None, None] * np.exp(-distance), axis=0)

    np.testing.assert_allclose(symmetry.field(field(points)), field(symmetry.points(points)), atol=1e-12)


def test_all_symmetries_of_the_cube_are_drawn():
    rng = np.random.default_rng(0)
    assert len({random_symmetry(rng, (4, 4, 4)) for _ in range(1500)}) == 48
    assert len({random_symmetry(rng, (4, 4)) for _ in range(300)}) == 8


def test_unequal_axes_are_not_exchanged():
    rng = np.random.default_rng(0)
    drawn = {random_symmetry(rng, (4, 6, 4)) for _ in range(500)}
    assert len(drawn) == 16
    assert all(symmetry.permutation[1] == 1 for symmetry in drawn)


def test_leading_axes_are_left_alone():
    symmetry = GridSymmetry((1, 0), (True, False))
    values = np.asarray(jnp.arange(12.0).reshape(2, 2, 3))
    np.testing.assert_array_equal(symmetry.field(values)[1], values[1].T[::-1])
