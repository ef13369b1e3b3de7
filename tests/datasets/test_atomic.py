"""Files that are complete or absent."""

import os

import pytest

from fieldcast.datasets.atomic import atomic_write, remove_unfinished


def write(path, text, error=None):
    with atomic_write(path) as temporary:
        temporary.write_text(text)
        if error is not None:
            raise error


def write_and_remove(path, folder):
    with atomic_write(path) as temporary:
        temporary.write_text("begun")
        remove_unfinished(folder, os.getpid())
        assert not temporary.exists()


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a" / "data.txt"
    write(path, "old")
    with pytest.raises(RuntimeError):
        write(path, "new", RuntimeError())
    assert [(found.name, found.read_text()) for found in path.parent.iterdir()] == [("data.txt", "old")]


def test_what_a_stopped_process_had_begun_is_removed(tmp_path):
    (tmp_path / "b.txt").write_text("finished")
    (tmp_path / ".c.txt.0.tmp").write_text("of another process")
    with pytest.raises(FileNotFoundError):
        write_and_remove(tmp_path / "a" / "data.txt", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b.txt", ".c.txt.0.tmp"}
