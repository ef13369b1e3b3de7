"""What a dataset is made of, and who makes which part of it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Plan(Protocol):
    """What a dataset is made of: samples, of which each is made from its index alone.

    - `sample_name`: what a sample is called, in messages and in the names of files.
    - `num_samples`: how many are wanted.
    """

    sample_name: str
    num_samples: int

    def settings(self) -> dict[str, Any]:
        """All that decides what sample `index` is; it identifies the dataset."""

    def record(self) -> dict[str, Any]:
        """What `recipe.json` shall say beside the hash of the settings: the name of the `recipe`, and more."""

    def split(self, index: int) -> str:
        """`train`, `valid` or `test`."""

    def make(self, index: int, path: Path, provenance: dict[str, Any], progress: bool) -> None:
        """Make sample `index` and write it to `path`, completely or not at all; `progress`: with a bar of its own."""

    def provenance(self, path: Path) -> dict[str, Any]:
        """What was recorded with the sample at `path`, a finished file; its fields need not be read for it.

        **Raises:** `DamagedFileError` when the file is truncated or was never finished.
        """


@dataclass(frozen=True)
class Share:
    """The part `number` (from 1) of a plan that is divided among `of` who know nothing of each other."""

    number: int = 1
    of: int = 1

    def __post_init__(self):
        if not 1 <= self.number <= self.of:
            raise ValueError(f"A share is one of 1/n, 2/n, ... n/n, got {self}.")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Share":
        """The share that is written like `3/20`."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal()):
            raise ValueError(f"A share is written like 3/20, the third of twenty, got {text!r}.")
        return cls(int(number), int(of))

    def indices(self, num_samples: int) -> range:
        """Every `of`-th sample; whose a sample is does not depend on which are missing."""
        return range(self.number - 1, num_samples, self.of)


def settings_hash(settings: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits that identify settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def sample_path(root: Path, split: str, sample_name: str, index: int) -> Path:
    """Where a sample lives: `root/data/<split>/<sample_name>_<index>.h5`."""
    return Path(root) / "data" / split / f"{sample_name}_{index:05d}.h5"
