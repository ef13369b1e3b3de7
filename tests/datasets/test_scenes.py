"""Scenes by random access."""

from itertools import islice

import jax.numpy as jnp
import numpy as np
import pytest

from fieldcast.datasets.batches import shuffled_batches
from fieldcast.datasets.engine import sample_path
from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.scene_file import SceneRecord, write_scene
from fieldcast.datasets.scenes import SceneFiles, scene_paths
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.scene import scene_from_head
from fieldcast.simulators.acoustics.tissue import MarsacMueller
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid

BOWL = FocusedBowl(
    radius_of_curvature=20e-3,
    aperture_diameter=16e-3,
    frequency=250e3,
    surface_pressure=1e5,
    position=np.array([0.0, 0.0, -1e-2]),
    axis=np.array([0.0, 0.0, 1.0]),
)
GRID = Grid((8, 7, 6), 1.5e-3)
FIELDS = {index: np.random.default_rng(index).standard_normal((2, *GRID.shape), np.float32) for index in (2, 5)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two scenes of water for training, and fields of noise."""
    root = tmp_path_factory.mktemp("dataset")
    scene = scene_from_head(Head(jnp.zeros(GRID.shape), GRID), BOWL, MarsacMueller())
    for index, (real, imaginary) in FIELDS.items():
        field = PressureField(jnp.asarray(real + 1j * imaginary), GRID, BOWL.frequency)
        write_scene(sample_path(root, "train", "scene", index), SceneRecord(scene, field, {"index": index}))
    return root


def pressure(record, rng):
    return {"index": np.asarray(record.provenance["index"]), "pressure": np.asarray(record.field.pressure)}


def test_batches_of_scenes(root):
    """Each scene once an epoch, with its own field."""
    records = SceneFiles(scene_paths(root, "train"))
    assert [record.provenance["index"] for record in (records[0], records[1])] == [2, 5]
    for batch in islice(shuffled_batches(records, 2, seed=0, transform=pressure).from_step(0), 2):
        assert sorted(batch["index"]) == [2, 5]
        for index, values in zip(batch["index"], batch["pressure"], strict=True):
            np.testing.assert_array_equal([values.real, values.imag], FIELDS[int(index)])


def test_what_is_not_there_is_refused(root, tmp_path):
    with pytest.raises(ValueError, match="no scenes of the split 'test'"):
        scene_paths(root, "test")
    damaged = tmp_path / "scene_00000.h5"
    damaged.write_bytes(scene_paths(root, "train")[0].read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match="truncated"):
        SceneFiles([damaged])[0]
