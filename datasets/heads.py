"""Where the heads of a dataset come from, and which scenes show the same subject."""

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fieldcast.simulators.acoustics.dicom import is_series, series_files
from fieldcast.simulators.acoustics.head_image import read_head
from fieldcast.simulators.acoustics.phantom import SkullPhantom, SyntheticHead
from fieldcast.simulators.acoustics.scanned_head import ScannedHead

_HEADS_IN_MEMORY = 4


@dataclass(frozen=True)
class PhantomHeads:
    """Synthetic heads, a new one for each scene.

    - `phantom`: the family they are drawn from.
    """

    phantom: SkullPhantom = SkullPhantom()

    def subject(self, index: int) -> int:
        """Whom scene `index` shows."""
        return index

    def head(self, index: int, spacing: float, generator: np.random.Generator) -> SyntheticHead:
        """The head of scene `index`."""
        return self.phantom.draw(generator)

    def identity(self) -> dict[str, Any]:
        """What decides which heads these are."""
        return {"phantom": asdict(self.phantom)}


@dataclass(frozen=True)
class ImageHeads:
    """Heads from CT images, one for each subject; scene `i` shows subject `i mod n`.

    - `paths`: NIfTI files, folders of one DICOM series, or one slice of each series (`read_head`).
    """

    paths: tuple[Path, ...]

    def __post_init__(self):
        if not self.paths:
            raise ValueError("Heads from images need at least one path.")

    def subject(self, index: int) -> int:
        """Whom scene `index` shows."""
        return index % len(self.paths)

    def head(self, index: int, spacing: float, generator: np.random.Generator) -> ScannedHead:
        """The head of scene `index` on a grid of `spacing` [m]."""
        return _scanned(self.paths[self.subject(index)], spacing)

    def identity(self) -> dict[str, Any]:
        """What decides which heads these are: the contents of the images, wherever they lie.

        **Raises:** `ValueError` when two paths lead to the same image, which would then be two subjects.
        """
        digests = [_digest(path) for path in self.paths]
        for i, digest in enumerate(digests):
            if digest in digests[:i]:
                first = self.paths[digests.index(digest)]
                raise ValueError(f"{first} and {self.paths[i]} are the same image; give each subject once.")
        return {"images": digests}


@lru_cache(_HEADS_IN_MEMORY)
def _scanned(path: Path, spacing: float) -> ScannedHead:
    return ScannedHead(read_head(path, spacing=spacing).head)


def _digest(path: Path) -> str:
    """SHA-256 of what an image's files hold, whatever they are called: of one, or of the slices of a series."""
    files = series_files(path) if is_series(path) else (path,)
    return hashlib.sha256(b"".join(sorted(_file_digest(file) for file in files))).hexdigest()


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
