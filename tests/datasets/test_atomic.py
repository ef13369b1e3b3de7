"""Files that are complete or absent."""

import os
import socket
import subprocess

import pytest

from fieldcast.datasets.atomic import atomic_write, remove_orphans, remove_unfinished


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


def test_orphans_of_this_machine_are_removed_and_no_others(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = socket.gethostname()
    names = {
        f".a.h5.{host}-{dead.pid}.tmp": False,
        f".b.h5.{host}-{os.getpid()}.tmp": True,
        f".c.h5.{host}-1.tmp": True,  # it lives, whoever's it is
        f".d.h5.{host}x-{dead.pid}.tmp": True,  # of another machine, where that number may live
        f"e.h5.{host}-{dead.pid}.tmp": True,
    }
    (tmp_path / "data").mkdir()
    for name in names:
        (tmp_path / "data" / name).touch()
    remove_orphans(tmp_path)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {name for name, stays in names.items() if stays}
