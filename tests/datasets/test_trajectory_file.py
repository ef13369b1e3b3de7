"""Trajectory files: what is written is read, and nothing damaged is."""

import dataclasses

import h5py
import numpy as np
import pytest

from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.scene_file import read_scene
from fieldcast.datasets.trajectory_file import TrajectoryHeader, new_trajectory, read_trajectory

HEADER = TrajectoryHeader(
    name="made_up",
    times=np.array([0.5, 1.0, 1.5]),
    axes={"x": np.arange(6) / 6, "y": np.cos(np.arange(5)), "z": np.arange(4.0)},
    boundary_types=("PERIODIC", "WALL", "OPEN"),
    components=("velocity_x", "smoke", "velocity_y", "velocity_z", "heat_x"),
    parameters={"viscosity": 0.1, "speed": 3.0},
    scales="half height",
    units={"time": "s", "speed": "m/s", "velocity_x": "m/s"},
    provenance={"index": 3, "seed": [1, 2]},
)
FIELDS = np.random.default_rng(0).normal(size=(3, *HEADER.shape)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "trajectory.h5")
    return tmp_path / "trajectory.h5"


def write(path, fields=FIELDS, header=HEADER):
    with new_trajectory(path, header) as writer:
        for snapshot in fields:
            writer.append(snapshot)


def test_round_trip_is_exact(path):
    found = read_trajectory(path)
    np.testing.assert_array_equal(found.fields, FIELDS)
    for name in ("name", "boundary_types", "components", "parameters", "scales", "units", "provenance", "grid_type"):
        assert getattr(found, name) == getattr(HEADER, name)
    np.testing.assert_array_equal(found.times, HEADER.times)
    assert list(found.axes) == ["x", "y", "z"]
    np.testing.assert_allclose(found.axes["y"], HEADER.axes["y"], rtol=1e-7)


def test_layout_of_the_well(path):
    """Every item whose absence The Well's checker or loader refuses, and where each component lies."""
    with h5py.File(path) as file:
        assert (file.attrs["dataset_name"], file.attrs["grid_type"]) == ("made_up", "cartesian")
        assert (file.attrs["n_spatial_dims"], file.attrs["n_trajectories"]) == (3, 1)
        assert list(file["dimensions"].attrs["spatial_dims"]) == ["x", "y", "z"]
        time = file["dimensions/time"]
        assert (time.shape, time.dtype, time.attrs["unit"]) == ((3,), np.float32, "s")
        assert (time.attrs["sample_varying"], time.attrs["time_varying"]) == (False, True)
        for axis, kind, size in (("x", "periodic", 6), ("y", "wall", 5), ("z", "open", 4)):
            points = file["dimensions"][axis]
            assert (points.attrs["sample_varying"], points.attrs["time_varying"]) == (False, False)
            boundary = file[f"boundary_conditions/{axis}_{kind}"]
            assert boundary.attrs["bc_type"] == kind.upper()
            assert list(boundary.attrs["associated_dims"]) == [axis]
            assert {"sample_varying", "time_varying", "associated_fields"} <= set(boundary.attrs)
            assert np.flatnonzero(boundary["mask"][()]).tolist() == [0, size - 1]
        assert list(file.attrs["simulation_parameters"]) == list(file["scalars"].attrs["field_names"])
        for name, value in HEADER.parameters.items():
            assert (file["scalars"][name].shape, file["scalars"][name][()]) == ((), file.attrs[name])
            assert file.attrs[name] == value
        names = {order: list(file[f"t{order}_fields"].attrs["field_names"]) for order in range(3)}
        assert names == {0: ["smoke", "heat_x"], 1: ["velocity"], 2: []}
        velocity = file["t1_fields/velocity"]
        np.testing.assert_array_equal(velocity[0, ..., 1], FIELDS[:, 2])
        np.testing.assert_array_equal(file["t0_fields/smoke"][0], FIELDS[:, 1])
        assert (velocity.chunks, velocity.attrs["unit"]) == ((1, 1, 6, 5, 4, 3), "m/s")
        for dataset in (velocity, file["t0_fields/smoke"]):
            assert (dataset.dtype, list(dataset.attrs["dim_varying"])) == (np.float32, [True] * 3)
            assert (dataset.attrs["sample_varying"], dataset.attrs["time_varying"]) == (True, True)
            assert dataset.fletcher32
            assert (dataset.compression, dataset.shuffle) == ("gzip", True)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.999])
def test_truncated_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DamagedFileError, match="truncated or corrupted"):
        read_trajectory(path)


def test_flipped_bits_are_refused_or_harmless(path):
    """Anywhere in the file: data, coordinates, names, the file's own tables."""
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[int(rng.integers(len(whole)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            found = read_trajectory(path)
        except DamagedFileError:
            refused += 1
            continue
        np.testing.assert_array_equal(found.fields, FIELDS)
        np.testing.assert_array_equal(found.times, HEADER.times)
        assert (found.parameters, found.components) == (HEADER.parameters, HEADER.components)
        assert (found.provenance, found.units) == (HEADER.provenance, HEADER.units)
    assert refused > 20


def test_unfinished_files_are_refused(path):
    with h5py.File(path, "a") as file:
        del file.attrs["complete"]
    with pytest.raises(DamagedFileError, match="not a finished trajectory file"):
        read_trajectory(path)


def test_unwritten_snapshots_are_refused(path):
    with h5py.File(path, "a") as file:
        attributes = dict(file["t0_fields/smoke"].attrs)
        del file["t0_fields/smoke"]
        file["t0_fields"].create_dataset("smoke", (1, 3, 6, 5, 4), np.float32, fillvalue=np.nan).attrs.update(
            attributes
        )
    with pytest.raises(DamagedFileError, match="smoke claims"):
        read_trajectory(path)


def test_each_reader_refuses_the_other_kind(path):
    with pytest.raises(DamagedFileError, match="not a finished scene file"):
        read_scene(path)
    with pytest.raises(FileNotFoundError, match="no trajectory file"):
        read_trajectory(path.with_name("missing.h5"))


def test_wrong_snapshots_leave_no_file(tmp_path):
    wrong = FIELDS.copy()
    wrong[1, 2, 3, 4, 1] = np.inf
    with pytest.raises(ValueError, match="Snapshot 1 has non-finite values"):
        write(tmp_path / "a.h5", wrong)
    with pytest.raises(ValueError, match="non-finite"):  # finite in double precision only
        write(tmp_path / "a.h5", FIELDS.astype(np.float64) * 1e39)
    with pytest.raises(ValueError, match=r"shape \(5, 6, 5, 3\), expected \(5, 6, 5, 4\)"):
        write(tmp_path / "a.h5", FIELDS[..., :3])
    with pytest.raises(ValueError, match="3 times and 2 snapshots"):
        write(tmp_path / "a.h5", FIELDS[:2])
    with pytest.raises(ValueError, match="all its snapshots are written"):
        write(tmp_path / "a.h5", np.concatenate([FIELDS, FIELDS]))
    assert list(tmp_path.iterdir()) == []


def test_vectors_on_a_sphere_follow_its_axes(tmp_path):
    """The Well's loader names the components of a vector after the axes: what is along the latitude comes first."""
    axes = {"latitude": np.arange(3.0), "longitude": np.arange(4.0)}
    header = dataclasses.replace(
        HEADER, axes=axes, boundary_types=("OPEN", "PERIODIC"), components=("velocity_x", "velocity_y")
    )
    fields = FIELDS[:, :2, :3, :4, 0]
    write(tmp_path / "a.h5", fields, header)
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["t1_fields/velocity"][0, ..., 0], fields[:, 1])
    np.testing.assert_array_equal(read_trajectory(tmp_path / "a.h5").fields, fields)


def test_a_component_of_no_whole_vector_is_a_scalar(tmp_path):
    header = dataclasses.replace(HEADER, components=("velocity_x", "velocity_z", "a", "b", "velocity_w"))
    write(tmp_path / "a.h5", header=header)
    with h5py.File(tmp_path / "a.h5") as file:
        assert list(file["t0_fields"].attrs["field_names"]) == list(header.components)
    np.testing.assert_array_equal(read_trajectory(tmp_path / "a.h5").fields, FIELDS)
