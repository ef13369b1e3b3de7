"""TFUScapes files: scenes go out and come back; strangers' files are refused by name."""

import dataclasses

import numpy as np
import pytest
from scenes import Blob, small_scene

from fieldcast.datasets.dataset_validation import validate_dataset
from fieldcast.datasets.engine import settings_hash
from fieldcast.datasets.scene_file import SceneRecord, read_scene, write_scene
from fieldcast.datasets.tfuscapes import bowl_voxels, read_tfuscapes, write_tfuscapes
from fieldcast.datasets.tfuscapes_import import TFUScapesPlan, import_tfuscapes
from fieldcast.simulators.acoustics.placement import Bowl
from fieldcast.simulators.grid import Grid

SPACING = 1.5e-3


@pytest.fixture(scope="module")
def record() -> SceneRecord:
    scene = small_scene(0, shape=(32, 32, 32))
    return SceneRecord(scene, Blob()(scene))


@pytest.fixture(scope="module")
def exported(record, tmp_path_factory):
    path = tmp_path_factory.mktemp("tfuscapes") / "A00012345" / "exp_7.npz"
    write_tfuscapes(path, record)
    return path


def test_the_form_is_that_of_tfuscapes(exported, record):
    with np.load(exported) as arrays:
        assert sorted(arrays) == ["ct", "pmap", "tr_coords"]
        assert arrays["ct"].dtype == arrays["pmap"].dtype == np.float32
        assert arrays["tr_coords"].dtype == np.int64
        hounsfield = np.asarray(record.scene.head.hounsfield)
        np.testing.assert_allclose(arrays["ct"], np.clip(hounsfield, 0, 2000))
        np.testing.assert_allclose(arrays["pmap"], np.abs(np.asarray(record.field.pressure)), rtol=1e-6)
        transducer, grid = record.scene.transducer, record.scene.grid
        points = np.asarray(grid.origin) + grid.spacing * arrays["tr_coords"]
    distance = np.linalg.norm(points - np.asarray(transducer.geometric_focus), axis=1)
    assert np.abs(distance - transducer.radius_of_curvature).max() < 0.87 * grid.spacing
    assert len(np.unique(points, axis=0)) == len(points) > 100


def test_a_scene_comes_back(exported, record):
    """With the bowl to a fraction of a voxel, the same medium, air outside, and the field's amplitude."""
    frequency = record.scene.frequency
    found = read_tfuscapes(exported, frequency=frequency, spacing=SPACING)
    scene, transducer, expected = found.scene, found.scene.transducer, record.scene.transducer
    assert not found.field.has_phase
    np.testing.assert_allclose(found.field.pressure, record.field.amplitude, rtol=1e-6)
    np.testing.assert_allclose(scene.medium.sound_speed, record.scene.medium.sound_speed, rtol=1e-6)
    hounsfield = np.asarray(record.scene.head.hounsfield)
    np.testing.assert_allclose(np.clip(scene.head.hounsfield, 0, 2000), np.clip(hounsfield, 0, 2000))
    # Its world has its middle at zero.
    shift = np.asarray(scene.grid.origin) - np.asarray(record.scene.grid.origin)
    assert np.linalg.norm(transducer.position - expected.position - shift) < 0.5 * SPACING
    assert np.degrees(np.arccos(float(transducer.axis @ expected.axis))) < 2.0
    assert transducer.radius_of_curvature == pytest.approx(expected.radius_of_curvature, abs=SPACING)
    assert transducer.aperture_diameter == pytest.approx(expected.aperture_diameter, abs=1.5 * SPACING)
    assert scene.frequency == frequency
    assert found.provenance["file"] == "A00012345/exp_7.npz"


def test_outside_is_air_and_inside_is_not(exported, record):
    found = read_tfuscapes(exported, spacing=SPACING).scene
    voxels = bowl_voxels(record.scene.transducer, record.scene.grid)
    assert not found.head.interior[tuple(voxels.T)].any()
    cavity = record.scene.head.cavity
    assert np.mean(found.head.cavity[cavity]) > 0.9
    assert not found.head.cavity[~record.scene.head.interior].any()


def test_the_scene_can_be_stored(exported, tmp_path):
    found = read_tfuscapes(exported, spacing=SPACING, surface_pressure=5e4)
    write_scene(tmp_path / "scene.h5", found)
    stored = read_scene(tmp_path / "scene.h5")
    np.testing.assert_array_equal(stored.field.pressure, found.field.pressure)
    assert not stored.field.has_phase
    assert float(stored.scene.transducer.surface_pressure) == 5e4
    assert stored.provenance["bowl"]["residual"] < SPACING


def rewrite(source, target, **changes):
    with np.load(source) as arrays:
        np.savez_compressed(target, **{name: changes.get(name, arrays[name]) for name in arrays})


def spoiled(source) -> dict[str, dict[str, np.ndarray]]:
    with np.load(source) as arrays:
        ct, pmap, voxels = (arrays[name] for name in ("ct", "pmap", "tr_coords"))
    with_nan = pmap.copy()
    with_nan[3, 4, 5] = np.nan
    return {
        "expected one": {"pmap": pmap[:-1]},
        "pmap must hold finite": {"pmap": with_nan},
        "pmap runs from -": {"pmap": pmap - pmap.max()},
        "ct runs from -1000": {"ct": ct - 1000},
        "ct must hold finite floating": {"ct": ct.astype(int)},
        "tr_coords must be integers": {"tr_coords": voxels + 0.5},
        r"tr_coords must be integers of shape \(N, 3\)": {"tr_coords": voxels[:, :2]},
        "leave the grid": {"tr_coords": voxels + 30},
        "at least 100 finite points": {"tr_coords": voxels[:20]},
        "not those of a bowl|in a plane": {"tr_coords": np.indices((32, 32, 1)).reshape(3, -1).T},
    }


def test_refuses_files_that_are_not_of_this_kind(exported, tmp_path):
    for match, changes in spoiled(exported).items():
        rewrite(exported, tmp_path / "bad.npz", **changes)
        with pytest.raises(ValueError, match=match):
            read_tfuscapes(tmp_path / "bad.npz", spacing=SPACING)


def test_refuses_objects_without_unpickling(exported, tmp_path):
    objects = np.empty(3, dtype=object)
    rewrite(exported, tmp_path / "bad.npz", ct=objects)
    with pytest.raises(ValueError, match="Python objects"):
        read_tfuscapes(tmp_path / "bad.npz")


@pytest.fixture
def folder(exported, tmp_path):
    """Two files of two subjects, in the folders of TFUScapes."""
    (tmp_path / "source" / "splits").mkdir(parents=True)
    for subject, split in (("A00000001", "train"), ("A00000002", "val")):
        (tmp_path / "source" / "data" / subject).mkdir(parents=True)
        (tmp_path / "source" / "data" / subject / "exp_0.npz").write_bytes(exported.read_bytes())
        (tmp_path / "source" / "splits" / f"{split}.txt").write_text(f"{subject}/exp_0.npz\n")
    return tmp_path / "source"


def test_a_folder_is_imported_with_its_splits(folder, tmp_path):
    report = import_tfuscapes(folder, tmp_path / "root")
    assert (report.written, report.failures, report.complete) == (2, {}, True)
    train = read_scene(tmp_path / "root" / "data" / "train" / "scene_00000.h5")
    valid = read_scene(tmp_path / "root" / "data" / "valid" / "scene_00001.h5")
    assert train.provenance["file"] == "A00000001/exp_0.npz"
    assert valid.provenance["file"] == "A00000002/exp_0.npz"
    assert import_tfuscapes(folder, tmp_path / "root").found == 2
    assert validate_dataset(tmp_path / "root").recipe["recipe"] == "TFUScapes"


def test_which_file_is_which_scene_is_part_of_the_identity(folder):
    for subject in ("A00000003", "A00000004"):
        (folder / "data" / subject).mkdir()
        (folder / "data" / subject / "exp_0.npz").touch()
    identities = set()
    for order in ("A00000003/exp_0.npz A00000004/exp_0.npz", "A00000004/exp_0.npz A00000003/exp_0.npz"):
        (folder / "splits" / "test.txt").write_text(order)
        identities.add(settings_hash(TFUScapesPlan(folder).settings()))
    assert len(identities) == 2


@pytest.mark.parametrize("listed", ["A00000001/exp_0.npz", "../../../etc/passwd", "A00000001/exp_9.npz", "/etc/passwd"])
def test_splits_that_lie_are_refused(folder, tmp_path, listed):
    (folder / "splits" / "test.txt").write_text(listed)
    with pytest.raises(ValueError, match=r"is also in the split train|which is not a file"):
        import_tfuscapes(folder, tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_export_refuses_what_does_not_fit(record, tmp_path):
    with pytest.raises(ValueError, match="made from a head"):
        write_tfuscapes(tmp_path / "a.npz", dataclasses.replace(record, scene=record.scene.in_water()))
    bowl = Bowl(radius_of_curvature=30e-3, aperture_diameter=20e-3, frequency=5e5, surface_pressure=1e5)
    with pytest.raises(ValueError, match="not on the grid"):
        bowl_voxels(bowl.at((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)), Grid((16, 16, 16), 1e-3))
    assert list(tmp_path.iterdir()) == []
