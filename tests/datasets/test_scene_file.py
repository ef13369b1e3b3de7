"""Scene files: what is written is read, and nothing damaged is."""

import h5py
import numpy as np
import pytest
from scenes import Blob, small_scene

from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.scene_file import SceneRecord, read_scene, write_scene
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.medium import BRAIN
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.simulators.acoustics.tissue import MarsacMueller


@pytest.fixture(scope="module")
def record() -> SceneRecord:
    scene = small_scene()
    mapping = MarsacMueller(root_inside=True, soft_tissue=BRAIN)
    scene = scene_from_head(scene.head, scene.transducer, mapping)
    return SceneRecord(scene, Blob()(scene), {"index": 3, "seed": [1, 2]})


def test_round_trip_is_exact(record, tmp_path):
    write_scene(tmp_path / "scene.h5", record)
    found = read_scene(tmp_path / "scene.h5")
    np.testing.assert_array_equal(found.field.pressure, record.field.pressure)
    np.testing.assert_array_equal(found.scene.head.hounsfield, record.scene.head.hounsfield)
    np.testing.assert_array_equal(found.scene.medium.sound_speed, record.scene.medium.sound_speed)
    np.testing.assert_array_equal(found.scene.transducer.axis, record.scene.transducer.axis)
    np.testing.assert_array_equal(found.field.region, record.field.region)
    assert found.scene.mapping == record.scene.mapping
    assert found.scene.grid == record.scene.grid
    assert found.provenance == record.provenance
    assert found.field.frequency == record.field.frequency


def test_amplitude_alone_stays_amplitude_alone(record, tmp_path):
    field = PressureField(record.field.amplitude, record.field.grid, record.field.frequency)
    write_scene(tmp_path / "scene.h5", SceneRecord(record.scene, field))
    assert not read_scene(tmp_path / "scene.h5").field.has_phase


def test_layout_of_the_well(record, tmp_path):
    """Every item whose absence The Well's checker or loader refuses, with its shape and units."""
    write_scene(tmp_path / "scene.h5", record)
    with h5py.File(tmp_path / "scene.h5") as file:
        shape = record.scene.grid.shape
        assert file.attrs["grid_type"] == "cartesian"
        assert (file.attrs["n_spatial_dims"], file.attrs["n_trajectories"]) == (3, 1)
        assert list(file["dimensions"].attrs["spatial_dims"]) == ["x", "y", "z"]
        for name, points in zip("xyz", record.scene.grid.axes(), strict=True):
            np.testing.assert_allclose(file[f"dimensions/{name}"], points, atol=1e-8)
            assert file[f"dimensions/{name}"].attrs["unit"] == "m"
            boundary = file[f"boundary_conditions/{name}_open"]
            assert boundary.attrs["bc_type"] == "OPEN"
            assert np.flatnonzero(boundary["mask"][()]).tolist() == [0, shape["xyz".index(name)] - 1]
        for name in file.attrs["simulation_parameters"]:
            assert file["scalars"][name].shape == ()
            assert file["scalars"][name][()] == file.attrs[name]
        for order in range(3):
            assert "field_names" in file[f"t{order}_fields"].attrs
        for name in file["t0_fields"].attrs["field_names"]:
            dataset = file["t0_fields"][name]
            assert dataset.dtype == np.float32
            assert dataset.attrs["unit"] in ("Pa", "HU")
            steps = (1,) if dataset.attrs["time_varying"] else ()
            assert dataset.shape == (1, *steps, *shape)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.999])
def test_truncated_file_is_refused(record, tmp_path, share):
    path = tmp_path / "scene.h5"
    write_scene(path, record)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DamagedFileError, match="truncated or corrupted"):
        read_scene(path)


def test_flipped_bits_in_the_data_are_refused(record, tmp_path):
    path = tmp_path / "scene.h5"
    write_scene(path, record)
    with h5py.File(path) as file:
        chunk = file["t0_fields/pressure_real"].id.get_chunk_info(0)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(20):
        damaged = bytearray(whole)
        damaged[chunk.byte_offset + int(rng.integers(chunk.size))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(DamagedFileError):
            read_scene(path)


def test_file_without_its_last_mark_is_refused(record, tmp_path):
    path = tmp_path / "scene.h5"
    write_scene(path, record)
    with h5py.File(path, "a") as file:
        del file.attrs["complete"]
    with pytest.raises(DamagedFileError, match="not a finished scene file"):
        read_scene(path)


def test_other_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(DamagedFileError, match="not a finished scene file"):
        read_scene(tmp_path / "other.h5")
    with pytest.raises(FileNotFoundError, match="no scene file"):
        read_scene(tmp_path / "missing.h5")


def test_non_finite_field_is_not_written(record, tmp_path):
    pressure = record.field.pressure.at[3, 4, 5].set(np.nan)
    field = PressureField(pressure, record.field.grid, record.field.frequency)
    with pytest.raises(ValueError, match="non-finite"):
        write_scene(tmp_path / "scene.h5", SceneRecord(record.scene, field))
    assert list(tmp_path.iterdir()) == []


def test_scene_without_head_is_not_written(record, tmp_path):
    scene = Scene(record.scene.medium, record.scene.transducer)
    with pytest.raises(ValueError, match="made from a head"):
        write_scene(tmp_path / "scene.h5", SceneRecord(scene, record.field))
