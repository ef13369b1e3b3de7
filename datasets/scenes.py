"""Scenes of a dataset by random access."""

from collections.abc import Sequence
from pathlib import Path

from fieldcast.datasets.scene_file import SceneRecord, read_scene


class SceneFiles:
    """Scenes by their index, each read and checked when it is asked for; several threads may do so at once.

    **Arguments:** `paths` of scene files.
    """

    def __init__(self, paths: Sequence[Path]):
        self.paths = tuple(Path(path) for path in paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> SceneRecord:
        """Read scene `index`.

        **Raises:** `DamagedFileError` when its file is not whole.
        """
        return read_scene(self.paths[index])


def scene_paths(root: Path, split: str) -> tuple[Path, ...]:
    """The scene files of one split (`train`, `valid` or `test`) of a generated dataset, in the order of indices.

    **Raises:** `ValueError` when there are none.
    """
    paths = sorted((Path(root) / "data" / split).glob("scene_*.h5"))
    if not paths:
        raise ValueError(f"{root} holds no scenes of the split {split!r}; generate them first (`fieldcast generate`).")
    return tuple(paths)
