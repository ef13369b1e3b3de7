"""Failures of samples, kept on disk: one small file each, so that workers on many machines never share one."""

import json
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fieldcast.datasets.atomic import atomic_write

MOST_ATTEMPTS = 3
"""After so many failed attempts a sample is left alone until it is asked for again."""


@dataclass(frozen=True)
class Failure:
    """A sample that could not be made.

    - `index`: of the sample.
    - `reasons`: of every attempt, the latest last.
    - `host`, `time`: of the latest attempt.
    """

    index: int
    reasons: tuple[str, ...]
    host: str = ""
    time: str = ""

    @property
    def quarantined(self) -> bool:
        return len(self.reasons) >= MOST_ATTEMPTS


def read_failures(root: Path) -> dict[int, Failure]:
    """The failures recorded below `root`, by index."""
    failures = {}
    for path in sorted((Path(root) / "failures").glob("[!.]*.json")):
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:  # another worker has just made the sample
            continue
        failures[found["index"]] = Failure(**found | {"reasons": tuple(found["reasons"])})
    return failures


def record_failure(root: Path, sample_name: str, index: int, earlier: Failure | None, reason: str) -> None:
    """Add an attempt's failure to those of `earlier` ones."""
    reasons = (*(earlier.reasons if earlier else ()), reason)
    failure = Failure(index, reasons, socket.gethostname(), datetime.now(UTC).isoformat(timespec="seconds"))
    with atomic_write(_path(root, sample_name, index)) as temporary:
        temporary.write_text(json.dumps(asdict(failure), indent=2))


def forget_failure(root: Path, sample_name: str, index: int) -> None:
    """The sample is there after all."""
    _path(root, sample_name, index).unlink(missing_ok=True)


def _path(root: Path, sample_name: str, index: int) -> Path:
    return Path(root) / "failures" / f"{sample_name}_{index:05d}.json"
