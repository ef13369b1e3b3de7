"""Windows: slices of what is in the files, bit for bit, each once, from any thread and any process."""

import dataclasses
import pickle
import threading
from itertools import islice

import h5py
import numpy as np
import pytest

from fieldcast.datasets import trajectory_frames
from fieldcast.datasets.batches import shuffled_batches
from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.trajectory_file import TrajectoryHeader, new_trajectory, read_trajectory
from fieldcast.datasets.windows import TrajectoryWindows, trajectory_paths

HEADER = TrajectoryHeader(
    name="made_up",
    times=1000.0 + 0.1 * np.arange(7),
    axes={"x": np.arange(6) / 6, "y": np.cos(np.arange(5))},
    boundary_types=("PERIODIC", "WALL"),
    components=("velocity_y", "smoke", "velocity_x"),
)
NUM_SNAPSHOTS = (7, 4, 5)


def write(path, seed=0, **changes):
    """A file of random fields; returns its path."""
    header = dataclasses.replace(HEADER, **changes)
    random = np.random.default_rng(seed)
    with new_trajectory(path, header) as writer:
        for _ in header.times:
            writer.append(random.normal(size=header.shape))
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A dataset of three trajectories of 7, 4 and 5 snapshots."""
    root = tmp_path_factory.mktemp("dataset")
    for k, number in enumerate(NUM_SNAPSHOTS):
        write(root / f"data/train/trajectory_{k:05d}.h5", k, times=HEADER.times[:number])
    return root


@pytest.fixture
def paths(root):
    return trajectory_paths(root, "train")


@pytest.mark.parametrize(("length", "stride"), [(1, 1), (3, 1), (2, 3), (4, 1)])
def test_windows_are_the_slices_of_the_trajectories(paths, length, stride):
    """All of them, in order, none across two files; and the same ones from memory."""
    windows = TrajectoryWindows(paths, length, stride)
    expected = []
    for path in paths:
        fields = read_trajectory(path).fields
        last = len(fields) - (length - 1) * stride
        expected += [fields[start:][::stride][:length] for start in range(last)]
    found, held = list(windows), list(windows.in_memory())
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(held, expected)
    assert len(windows) == len(expected)
    assert {window.dtype for window in found + held} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(windows[-1], expected[-1])


def test_what_windows_say_of_themselves(paths, tmp_path):
    """The interval to the precision in which times near 1000 are stored."""
    windows = TrajectoryWindows(paths, 2, stride=2)
    assert (windows.components, windows.num_frames) == (HEADER.components, NUM_SNAPSHOTS)
    assert windows.interval == pytest.approx(0.2, rel=1e-3)
    assert list(windows.axes) == ["x", "y"]
    np.testing.assert_allclose(windows.axes["y"], HEADER.axes["y"], rtol=1e-6)
    single = write(tmp_path / "trajectory.h5", times=HEADER.times[:1])
    assert np.isnan(TrajectoryWindows([single], 1).interval)


def test_windows_held_in_memory_cannot_be_spoilt(paths):
    held = TrajectoryWindows(paths, 2).in_memory()
    with pytest.raises(ValueError, match="read-only"):
        held[0][...] = 0.0


def test_only_the_chunks_of_the_window_are_read(root, tmp_path):
    """A damaged chunk of another snapshot does not matter to a window; where it matters, it is refused."""
    path = damaged_copy(root, tmp_path)
    windows = TrajectoryWindows([path], 2)
    np.testing.assert_array_equal(windows[0], read_trajectory(whole_file(root)).fields[:2])
    for index in (2, 3):
        with pytest.raises(DamagedFileError, match=rf"{path.name}.*snapshots {index} to {index + 1} cannot be read"):
            windows[index]
    np.testing.assert_array_equal(windows[4], read_trajectory(whole_file(root)).fields[4:6])


@pytest.mark.parametrize("num_threads", [0, 2])
def test_a_damaged_file_ends_the_iteration(root, tmp_path, num_threads):
    windows = TrajectoryWindows([damaged_copy(root, tmp_path)], 2)
    batches = shuffled_batches(windows, 1, seed=0, num_threads=num_threads).from_step(0)
    with pytest.raises(DamagedFileError, match="cannot be read"):
        list(islice(batches, len(windows)))


def test_non_finite_values_are_refused(tmp_path):
    path = write(tmp_path / "trajectory.h5")
    with h5py.File(path, "r+") as file:
        file["t0_fields/smoke"][0, 3, 2, 2] = np.inf
    windows = TrajectoryWindows([path], 2)
    assert np.isfinite(windows[1]).all()
    with pytest.raises(DamagedFileError, match="snapshots 2 to 3 have non-finite values"):
        windows[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"components": ("velocity_x", "smoke", "velocity_y")}, "components .*'velocity_y', 'smoke'.* and "),
        ({"axes": HEADER.axes | {"x": np.arange(7) / 7}}, "grids {'x': 6, 'y': 5} and {'x': 7, 'y': 5}"),
        ({"axes": HEADER.axes | {"x": np.arange(6) / 5}}, "grids of the same shape whose points lie elsewhere"),
        ({"times": 0.2 * np.arange(7)}, "snapshots 0.09999.* and 0.2 apart"),
    ],
)
def test_files_that_differ_do_not_go_together(paths, tmp_path, changes, message):
    """Both files are named."""
    other = write(tmp_path / "other.h5", **changes)
    with pytest.raises(ValueError, match=rf"trajectory_00000.h5 and .*other.h5 have {message}"):
        TrajectoryWindows([*paths, other], 2)


def test_unusable_sets_are_refused(root, paths, tmp_path):
    with pytest.raises(ValueError, match=r"trajectory_00001.h5 has 4 snapshots; a window covers 5"):
        TrajectoryWindows(paths, 3, stride=2)
    with pytest.raises(ValueError, match="got 0 files"):
        TrajectoryWindows([], 3)
    with pytest.raises(ValueError, match="stride 0"):
        TrajectoryWindows(paths, 3, stride=0)
    with pytest.raises(ValueError, match="no trajectories of the split 'test'"):
        trajectory_paths(root, "test")
    with pytest.raises(IndexError):
        TrajectoryWindows(paths, 3)[100]
    uneven = write(tmp_path / "uneven.h5", times=np.array([0.0, 1.0, 3.0]))
    with pytest.raises(ValueError, match="uneven times"):
        TrajectoryWindows([uneven], 2)
    unfinished = write(tmp_path / "unfinished.h5")
    with h5py.File(unfinished, "r+") as file:
        del file.attrs["complete"]
    with pytest.raises(DamagedFileError, match=r"unfinished\.h5 is refused"):
        TrajectoryWindows([unfinished], 2)


def test_every_process_opens_files_of_its_own(paths, monkeypatch):
    """Pickled windows carry no open file; in another process (told by its number) files are opened anew."""
    windows = TrajectoryWindows(paths, 2)
    first = windows[0]
    copy = pickle.loads(pickle.dumps(windows))
    assert not copy._frames._open
    np.testing.assert_array_equal(copy[0], first)
    opened = dict(windows._frames._open)
    monkeypatch.setattr(trajectory_frames.os, "getpid", lambda: -1)
    np.testing.assert_array_equal(windows[0], first)
    assert windows._frames._open[paths[0]] is not opened[paths[0]]


def test_threads_read_side_by_side_with_few_open_files(paths, monkeypatch):
    """Files are closed and opened again under the readers' hands."""
    monkeypatch.setattr(trajectory_frames, "MAX_OPEN_FILES", 1)
    windows = TrajectoryWindows(paths, 2)
    expected, wrong = list(windows), []

    def read(seed):
        for index in np.random.default_rng(seed).integers(len(windows), size=60):
            if not np.array_equal(windows[int(index)], expected[index]):
                wrong.append(index)

    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(windows._frames._open) == 1


def test_batches_of_windows_are_those_of_memory(paths):
    windows = TrajectoryWindows(paths, 3)
    lazy, held = (shuffled_batches(source, 4, seed=5).from_step(2) for source in (windows, windows.in_memory()))
    for _ in range(6):
        np.testing.assert_array_equal(next(lazy), next(held))


def whole_file(root):
    return root / "data/train/trajectory_00000.h5"


def damaged_copy(root, folder):
    """A copy of the first trajectory with one byte of a chunk of snapshot 3 turned over."""
    path = folder / "trajectory_00000.h5"
    content = bytearray(whole_file(root).read_bytes())
    with h5py.File(whole_file(root)) as file:
        chunk = next(chunk for chunk in chunks(file["t1_fields/velocity"]) if chunk.chunk_offset[1] == 3)
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def chunks(dataset):
    return [dataset.id.get_chunk_info(k) for k in range(dataset.id.get_num_chunks())]
