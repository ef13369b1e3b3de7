"""A folder of TFUScapes as a dataset of scenes."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from fieldcast.datasets.engine import Executor, GenerationReport, InProcess
from fieldcast.datasets.provenance import read_provenance
from fieldcast.datasets.scene_file import write_scene
from fieldcast.datasets.simulate import simulate
from fieldcast.datasets.tfuscapes import FREQUENCY, SPACING, read_tfuscapes

_SPLITS = {"train": "train", "val": "valid", "test": "test"}
"""Their names of the splits, and ours."""


def import_tfuscapes(folder: str | Path, root: str | Path, executor: Executor = InProcess()) -> GenerationReport:
    """Turn a folder of TFUScapes into scene files; what is there already is left alone.

    **Arguments:**

    - `folder`: holds `data/<subject>/exp_<k>.npz` and `splits/{train,val,test}.txt`.
    - `root`, `executor`: as `carry_out` has them.

    **Raises:** `ValueError` when the splits name what is not there or share a subject, or `root` holds another dataset.
    """
    plan = TFUScapesPlan(Path(folder))
    if not plan.files:
        raise ValueError(f"{folder} names no files in splits/train.txt, val.txt or test.txt.")
    return simulate(plan, Path(root), executor)


@dataclass(frozen=True)
class TFUScapesPlan:
    """The files that the splits of TFUScapes name, each to become a scene.

    - `folder`: where they lie.
    - `frequency` [Hz], `spacing` [m]: what the files do not say.
    """

    folder: Path
    frequency: float = FREQUENCY
    spacing: float = SPACING

    sample_name: ClassVar[str] = "scene"

    @cached_property
    def files(self) -> dict[str, str]:
        """The split of every file, by its name below `data`.

        **Raises:** `ValueError` when a file is not there, lies elsewhere, or a subject is in two splits.
        """
        found: dict[str, str] = {}
        subjects: dict[str, str] = {}
        for theirs, ours in _SPLITS.items():
            listed = self.folder / "splits" / f"{theirs}.txt"
            for name in listed.read_text().split() if listed.exists() else ():
                parts = Path(name).parts
                here = len(parts) == 2 and parts[0] != "/" and ".." not in parts
                if not here or not (self.folder / "data" / name).is_file():
                    raise ValueError(f"{listed} names {name!r}, which is not a file <subject>/exp_<k>.npz below data.")
                if subjects.setdefault(parts[0], ours) != ours:
                    raise ValueError(f"{listed}: the subject {parts[0]} is also in the split {subjects[parts[0]]}.")
                found[name] = ours
        return found

    @property
    def num_samples(self) -> int:
        return len(self.files)

    def settings(self) -> dict[str, Any]:
        # As a list, because the number of a scene is its place in it.
        files = [list(item) for item in self.files.items()]
        return {"source": "TFUScapes", "files": files, "frequency": self.frequency, "spacing": self.spacing}

    def record(self) -> dict[str, Any]:
        return {"recipe": "TFUScapes", "settings": self.settings()}

    def split(self, index: int) -> str:
        return list(self.files.values())[index]

    def make(self, index: int, path: Path, provenance: dict[str, Any], progress: bool) -> None:
        source = self.folder / "data" / list(self.files)[index]
        record = read_tfuscapes(source, frequency=self.frequency, spacing=self.spacing)
        write_scene(path, replace(record, provenance=record.provenance | provenance))

    def provenance(self, path: Path) -> dict[str, Any]:
        return read_provenance(path, "scene")
