"""Files that are complete or absent."""

import os

import pytest

from fieldcast.datasets.atomic import atomic_write, remove_unfinished


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a" / "data.txt"
    with atomic_write(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("new")
        raise RuntimeError
    assert [(found.name, found.read_text()) for found in path.parent.iterdir()] == [("data.txt", "old")]


def test_what_a_stopped_process_had_begun_is_removed(tmp_path):
    finished, other = tmp_path / "b.txt", tmp_path / ".c.txt.0.tmp"
    finished.write_text("finished")
    other.write_text("of another process")
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a" / "data.txt") as temporary:
        temporary.write_text("begun")
        remove_unfinished(tmp_path, os.getpid())
        assert not temporary.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b.txt", ".c.txt.0.tmp"}
