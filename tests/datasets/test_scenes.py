"""Scenes by random access."""

import dataclasses
from itertools import islice

import numpy as np
import pytest
from scenes import Blob, small_scene

from fieldcast.datasets.batches import shuffled_batches
from fieldcast.datasets.engine import sample_path
from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.scene_file import SceneRecord, write_scene
from fieldcast.datasets.scenes import SceneFiles, scene_paths


@pytest.fixture(scope="module")
def scene():
    return small_scene(shape=(8, 8, 8), spacing=4.5e-3)


@pytest.fixture(scope="module")
def fields(scene):
    """A field by the index of its scene."""
    field = Blob()(scene)
    return {index: dataclasses.replace(field, pressure=field.pressure * index) for index in (2, 5)}


@pytest.fixture(scope="module")
def root(tmp_path_factory, scene, fields):
    """Two scenes for training."""
    root = tmp_path_factory.mktemp("dataset")
    for index, field in fields.items():
        write_scene(sample_path(root, "train", "scene", index), SceneRecord(scene, field, {"index": index}))
    return root


def amplitude(record, rng):
    return {"index": np.asarray(record.provenance["index"]), "amplitude": np.asarray(record.field.amplitude)}


def test_batches_of_scenes(root, fields):
    """Each scene once an epoch, with its own field."""
    records = SceneFiles(scene_paths(root, "train"))
    assert [record.provenance["index"] for record in (records[0], records[1])] == [2, 5]
    for batch in islice(shuffled_batches(records, 2, seed=0, transform=amplitude).from_step(0), 2):
        assert sorted(batch["index"]) == [2, 5]
        for index, values in zip(batch["index"], batch["amplitude"], strict=True):
            np.testing.assert_array_equal(values, fields[int(index)].amplitude)


def test_what_is_not_there_is_refused(root, tmp_path):
    with pytest.raises(ValueError, match="no scenes of the split 'test'"):
        scene_paths(root, "test")
    damaged = tmp_path / "scene_00000.h5"
    damaged.write_bytes(scene_paths(root, "train")[0].read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match="truncated"):
        SceneFiles([damaged])[0]
