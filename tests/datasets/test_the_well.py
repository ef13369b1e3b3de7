"""The Well's own loader opens, normalises and iterates our datasets (where it is installed)."""

import warnings

import h5py
import numpy as np
import pytest
import yaml
from scenes import Blob, small_scene
from small_trajectories import HEADER, fields_of, write_trajectory

from fieldcast.datasets.field_statistics import read_statistics
from fieldcast.datasets.manifest import finish_dataset
from fieldcast.datasets.scene_file import SceneRecord, write_scene

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    data = pytest.importorskip("the_well.data")
    normalization = pytest.importorskip("the_well.data.normalization")


def test_scenes(tmp_path):
    scene = small_scene(shape=(8, 8, 8), spacing=4.5e-3)
    for index in range(3):
        field = Blob(width=(5 + index) * 1e-3)(scene)
        record = SceneRecord(scene, field, {"index": index, "recipe_hash": "0123"})
        write_scene(tmp_path / f"data/train/scene_{index:05d}.h5", record)
    finish_dataset(tmp_path)
    dataset = data.WellDataset(
        path=str(tmp_path),
        well_split_name="train",
        n_steps_input=1,
        n_steps_output=0,
        use_normalization=True,
        normalization_type=normalization.ZScoreNormalization,
    )
    assert dataset.metadata.field_names[0] == ["pressure_real", "pressure_imag"]
    assert dataset.metadata.constant_field_names[0] == ["hounsfield"]
    samples = [dataset[index] for index in range(len(dataset))]
    assert len(samples) == 3
    pressure = np.stack([sample["input_fields"].numpy() for sample in samples])  # (sample, time, x, y, z, field)
    assert pressure.shape == (3, 1, 8, 8, 8, 2)
    np.testing.assert_allclose(pressure.mean((0, 1, 2, 3, 4)), 0.0, atol=1e-5)
    np.testing.assert_allclose(pressure.std((0, 1, 2, 3, 4)), 1.0, rtol=1e-5)
    with h5py.File(tmp_path / "data/train/scene_00001.h5") as file:
        found = read_statistics(tmp_path)["hounsfield"]
        expected = (file["t0_fields/hounsfield"][0] - found.mean) / found.std
        np.testing.assert_allclose(samples[1]["constant_fields"][..., 0], expected, rtol=1e-4, atol=1e-4)
        assert samples[1]["constant_scalars"].tolist() == [
            pytest.approx(file.attrs[name]) for name in file.attrs["simulation_parameters"]
        ]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of xarray, when The Well joins files
def test_trajectories(tmp_path):
    for index in range(2):
        header = type(HEADER)(**vars(HEADER) | {"provenance": {"index": index}})
        write_trajectory(tmp_path / f"data/train/trajectory_{index:05d}.h5", fields_of(index), header)
    finish_dataset(tmp_path)
    dataset = data.WellDataset(
        path=str(tmp_path),
        well_split_name="train",
        use_normalization=True,
        normalization_type=normalization.ZScoreNormalization,
    )
    assert dataset.metadata.field_names[1] == ["velocity_x", "velocity_y"]
    assert len(dataset) == 4  # two steps of two trajectories
    found = read_statistics(tmp_path)
    mean = np.array([found["smoke"].mean, *found["velocity"].mean])
    std = np.array([found["smoke"].std, *found["velocity"].std])
    for index, sample in enumerate(dataset):
        trajectory, step = divmod(index, 2)
        fields = np.moveaxis(fields_of(trajectory)[step : step + 2, [1, 0, 2]], 1, -1)
        expected = (fields - mean) / std
        np.testing.assert_allclose(sample["input_fields"], expected[:1], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(sample["output_fields"], expected[1:], rtol=1e-4, atol=1e-5)
        assert index < 4
    assert set(dataset.to_xarray("numpy").data_vars) >= {"smoke", "velocity", "viscosity"}


def test_changes_have_a_scale(tmp_path):
    """The normaliser takes our statistics of changes as well."""
    write_trajectory(tmp_path / "data/train/a.h5")
    finish_dataset(tmp_path)
    content = yaml.safe_load((tmp_path / "stats.yaml").read_text())
    scaler = normalization.RMSNormalization(content, ["smoke", "velocity"], [])
    assert scaler.rmss_delta["velocity"].shape == (2,)
