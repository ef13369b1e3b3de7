"""The layout: files have all of it and nothing else, older ones are still read, and the documentation tells it."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scenes import Blob, small_scene
from small_trajectories import HEADER, fields_of, write_trajectory

from fieldcast.datasets.file_validation import validate_file
from fieldcast.datasets.hdf5_layout import DamagedFileError, finished_file
from fieldcast.datasets.hdf5_structure import check_structure
from fieldcast.datasets.layout import LAYOUT, described
from fieldcast.datasets.layout_tables import layout_tables
from fieldcast.datasets.scene_file import SceneRecord, read_scene, write_scene
from fieldcast.datasets.trajectory_file import TrajectoryHeader, read_trajectory

DATA = Path(__file__).parents[1] / "data"
PAGE = Path(__file__).parents[2] / "docs" / "datasets" / "layout.md"


@pytest.fixture(scope="module")
def scene_path(tmp_path_factory) -> Path:
    scene = small_scene(shape=(8, 8, 8), spacing=4.5e-3)
    path = tmp_path_factory.mktemp("scene") / "scene.h5"
    write_scene(path, SceneRecord(scene, Blob()(scene), {"index": 0, "recipe_hash": "0123"}))
    return path


def test_documentation_tells_the_layout():
    page = PAGE.read_text()
    for title, table in layout_tables().items():
        assert table in page, f"{title}: replace the table in {PAGE} by\n{table}"


@pytest.mark.parametrize("kind", ["scene", "trajectory"])
def test_files_have_everything_that_is_described(kind, scene_path, tmp_path):
    path = scene_path if kind == "scene" else write_trajectory(tmp_path / "trajectory.h5")
    with h5py.File(path) as file:
        names: list[str] = ["/"]
        file.visit(lambda name: names.append(f"/{name}"))
        used = {described(name, kind) for name in names}
        missing = {item.path for item in LAYOUT if kind in item.kinds} - {item.path for item in used}
        assert missing <= {"/t0_fields/<field>", "/t1_fields/<field>", "/t2_fields/<field>", "/scalars/<parameter>"}
        for name in names:
            item = described(name, kind)
            wanted = {a.name for a in item.attributes if kind in a.kinds and not a.name.startswith("<")}
            found = set(file[name].attrs)
            assert wanted <= found
            assert found - wanted <= set(file.attrs["simulation_parameters"])


def test_one_flipped_bit_in_a_scene_is_refused_or_harmless(scene_path, tmp_path):
    """Everywhere in the file, a hundred times; and a hundred truncations."""
    whole, rng = scene_path.read_bytes(), np.random.default_rng(0)
    truth, path, refused = content(scene_path), tmp_path / "damaged.h5", 0
    for trial in range(200):
        place = int(rng.integers(len(whole)))
        damaged = bytearray(whole)
        if trial < 100:
            damaged[place] ^= 1 << int(rng.integers(8))
        else:
            del damaged[place:]
        path.write_bytes(damaged)
        try:
            found = content(path)
        except DamagedFileError:
            refused += 1
        else:
            assert found == truth
    assert refused > 150


def content(path: Path) -> dict[str, bytes]:
    """Every number and every attribute that a reader gets to see."""
    found = {}
    with finished_file(path) as file:
        file.visititems(
            lambda name, thing: found.update({name: thing[()].tobytes() if isinstance(thing, h5py.Dataset) else b""})
        )
        found["attributes"] = repr(check_structure(file)).encode()
    return found


def test_scenes_of_the_first_writer_are_read():
    """A file without `fieldcast_kind` and `digest`."""
    found = read_scene(DATA / "scene_format_1.h5")
    scene = small_scene(shape=(8, 8, 8), spacing=4.5e-3)
    np.testing.assert_allclose(found.scene.head.hounsfield, scene.head.hounsfield, rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(found.field.pressure, Blob()(scene).pressure, rtol=1e-4, atol=1.0)
    assert found.provenance == {"index": 0, "recipe_hash": "0123"}
    assert validate_file(DATA / "scene_format_1.h5").kind == "scene"


def test_trajectories_of_the_first_writer_are_read():
    found = read_trajectory(DATA / "trajectory_format_1.h5")
    np.testing.assert_array_equal(found.fields, fields_of(0))
    for name in ("components", "parameters", "units", "provenance", "scales", "boundary_types"):
        assert getattr(found, name) == getattr(HEADER, name)
    assert validate_file(DATA / "trajectory_format_1.h5").kind == "trajectory"


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@st.composite
def trajectories(draw) -> tuple[dict[str, Any], np.ndarray]:
    axes = draw(st.permutations(["x", "y", "z"]))[: draw(st.integers(1, 3))]
    names = st.sampled_from(["u_x", "u_y", "u_z", "w_x", "p", "über"])
    components = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    times = draw(arrays(np.float64, st.integers(1, 3), elements=st.floats(0.5, 2.0)))
    coordinates = arrays(np.float32, st.integers(1, 3), elements=st.floats(-9, 9, width=32))
    header = {
        "name": draw(TEXTS),
        "times": np.cumsum(times),
        "axes": {axis: draw(coordinates) for axis in axes},
        "boundary_types": tuple(draw(st.sampled_from(["PERIODIC", "WALL", "OPEN"])) for _ in axes),
        "components": tuple(components),
        "parameters": draw(st.dictionaries(st.sampled_from(["viscosity", "λ", "drag"]), NUMBERS, max_size=3)),
        "scales": draw(TEXTS),
        "units": draw(st.dictionaries(st.sampled_from([*components, "time"]), TEXTS, max_size=3)),
        "provenance": draw(st.dictionaries(TEXTS, JSON, max_size=3)),
        "grid_type": draw(st.sampled_from(["cartesian", "spherical"])),
    }
    shape = (len(times), len(components), *(len(points) for points in header["axes"].values()))
    return header, draw(arrays(np.float32, shape, elements=st.floats(allow_nan=False, allow_infinity=False, width=32)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trajectories())
def test_what_is_written_is_read(tmp_path, trajectory):
    settings, fields = trajectory
    header = TrajectoryHeader(**settings)
    path = write_trajectory(tmp_path / "trajectory.h5", fields, header)
    found = read_trajectory(path)
    np.testing.assert_array_equal(found.fields, fields)
    np.testing.assert_array_equal(found.times, header.times.astype(np.float32))
    for name in ("name", "boundary_types", "components", "parameters", "scales", "units", "provenance", "grid_type"):
        assert getattr(found, name) == getattr(header, name)
    assert list(found.axes) == list(header.axes)
    assert validate_file(path).times[0] == len(fields)
