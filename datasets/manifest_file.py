"""The manifest of a dataset: what files belong to it, and the hash that each of them must have."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.hdf5_layout import DamagedFileError

MANIFEST = "manifest.json"
RECIPE = "recipe.json"
STATISTICS = "stats.yaml"
SPLITS = ("train", "valid", "test")
MANIFEST_FORMAT = 1

_DATA_FILE = re.compile(rf"data/({'|'.join(SPLITS)})/\w[\w.-]*\.h5", re.ASCII)


@dataclass(frozen=True)
class FileEntry:
    """What the manifest knows of a file.

    - `size` [bytes].
    - `sha256`: of the whole file, hexadecimal.
    - `kind`: `scene`, `trajectory`, `recipe` or `statistics`.
    - `split`: `train`, `valid` or `test`; nothing for a file that is not data.
    """

    size: int
    sha256: str
    kind: str
    split: str | None = None


@dataclass(frozen=True)
class Manifest:
    """The files of a dataset by their path below its folder, and the hash of the recipe that made them."""

    recipe_hash: str | None
    files: dict[str, FileEntry]

    def paths(self, split: str) -> list[str]:
        """The data files of a split, sorted."""
        return sorted(name for name, entry in self.files.items() if entry.split == split)


def save_manifest(root: Path, manifest: Manifest) -> None:
    """Write `root/manifest.json`, completely or not at all.

    **Raises:** `DamagedFileError` for names that `read_manifest` would refuse.
    """
    for name, entry in manifest.files.items():
        _require_lawful(Path(root) / MANIFEST, name, entry)
    content = {"format": MANIFEST_FORMAT, **asdict(manifest)}
    with atomic_write(Path(root) / MANIFEST) as temporary:
        temporary.write_text(json.dumps(content | {"sha256": _digest(content)}, indent=1) + "\n")


def read_manifest(root: Path) -> Manifest:
    """Read `root/manifest.json`; the files that it names are not touched (`check_manifest` does that).

    **Raises:** `FileNotFoundError` when there is none; `DamagedFileError` when it was altered, or names anything
    but data files below `root/data`, `recipe.json` and `stats.yaml`.
    """
    path = Path(root) / MANIFEST
    if not path.exists():
        raise FileNotFoundError(
            f"{root} has no {MANIFEST}: its generation did not end, or was made before there were manifests. Run the "
            "generation again to resume, or call finish_dataset."
        )
    content = parse_json(path)
    if content.pop("sha256", None) != _digest(content):
        raise DamagedFileError(f"{path} was altered: it does not have the hash that it names. Call finish_dataset.")
    if content["format"] != MANIFEST_FORMAT:
        raise DamagedFileError(f"{path} has format {content['format']}, expected {MANIFEST_FORMAT}.")
    files = {name: FileEntry(**entry) for name, entry in content["files"].items()}
    for name, entry in files.items():
        _require_lawful(path, name, entry)
    return Manifest(content["recipe_hash"], files)


def read_listed(root: Path, name: str) -> bytes:
    """The content of a small file of the dataset, if it is what the manifest says.

    **Raises:** `DamagedFileError` when the manifest does not list it, or it is missing or altered.
    """
    entry = read_manifest(root).files.get(name)
    path = Path(root) / name
    if entry is None or not path.is_file():
        raise DamagedFileError(f"{path} is missing, or {MANIFEST} does not list it; call finish_dataset.")
    content = path.read_bytes()
    if len(content) != entry.size or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise DamagedFileError(f"{path} is not the file that {MANIFEST} lists: its hash differs. Call finish_dataset.")
    return content


def data_files(root: Path) -> Iterator[tuple[str, str]]:
    """The data files that are on disk: path below `root`, and split."""
    for split in SPLITS:
        for path in sorted((Path(root) / "data" / split).glob("*.h5")):
            if not path.name.startswith("."):
                yield f"data/{split}/{path.name}", split


def recipe_hash(root: Path) -> str | None:
    """The hash of the recipe in `root/recipe.json`; nothing where there is no such file.

    **Raises:** `DamagedFileError` when the file does not say it.
    """
    path = Path(root) / RECIPE
    if not path.exists():
        return None
    found = parse_json(path).get("hash")
    if not isinstance(found, str):
        raise DamagedFileError(f"{path} does not say the hash of the recipe: truncated or altered.")
    return found


def parse_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a dataset.

    **Raises:** `DamagedFileError` when it is none.
    """
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is not JSON ({error}): truncated or altered.") from error
    if not isinstance(content, dict):
        raise DamagedFileError(f"{path} holds {type(content).__name__}, expected an object: truncated or altered.")
    return content


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _require_lawful(path: Path, name: str, entry: FileEntry) -> None:
    match = _DATA_FILE.fullmatch(name)
    if match is None and name not in (RECIPE, STATISTICS):
        raise DamagedFileError(
            f"{path} names the file {name!r}; only data/<split>/<name>.h5, {RECIPE} and {STATISTICS} "
            "belong to a dataset."
        )
    if entry.split != (match and match[1]):
        raise DamagedFileError(f"{path} counts {name} to the split {entry.split!r}, against its folder.")
