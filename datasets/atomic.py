"""Files that are complete or absent, never half-written."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; publish it under `path` only if the block ends without an error.

    The data reach the disk (`fsync`) before the rename, and the rename before the return, so that a crash at any
    moment leaves either the old file or the whole new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{_writer(os.getpid())}.tmp")
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        os.replace(temporary, path)
        _sync(path.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path, process_id: int) -> None:
    """Remove what a process of this machine that was stopped had begun to write below `folder`."""
    for path in Path(folder).rglob(f".*.{_writer(process_id)}.tmp"):
        path.unlink(missing_ok=True)


def remove_orphans(folder: Path) -> None:
    """Remove what processes of this machine that live no more had begun to write below `folder`."""
    pattern = re.compile(rf"\..*\.{re.escape(_writer(0)[:-1])}(\d+)\.tmp")
    for path in Path(folder).rglob(".*.tmp"):
        found = pattern.fullmatch(path.name)
        if found and not _lives(int(found[1])):
            path.unlink(missing_ok=True)


def _writer(process_id: int) -> str:
    """Names a process among those of all machines that share a file system."""
    return f"{socket.gethostname()}-{process_id}"


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
