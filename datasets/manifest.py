"""Finishing a dataset: its statistics and its manifest; and checking later that nothing of it has changed."""

import hashlib
from pathlib import Path

from tqdm import tqdm

from fieldcast.datasets.field_statistics import write_statistics
from fieldcast.datasets.file_validation import validate_files
from fieldcast.datasets.hdf5_layout import DamagedFileError
from fieldcast.datasets.manifest_file import (
    MANIFEST,
    RECIPE,
    STATISTICS,
    FileEntry,
    Manifest,
    data_files,
    read_manifest,
    recipe_hash,
    save_manifest,
)


def finish_dataset(root: Path) -> Manifest:
    """Write `stats.yaml` (if there is training data) and `manifest.json` of the dataset in `root`.

    To be called when a generation ends, and again whenever it has added samples.

    **Raises:** as `validate_files`.
    """
    if any(split == "train" for _, split in data_files(root)):
        write_statistics(root)
    return write_manifest(root)


def write_manifest(root: Path) -> Manifest:
    """Check every data file below `root`, and write down which they are, with their sizes and hashes.

    **Raises:** as `validate_files`.
    """
    root = Path(root)
    summaries = validate_files(root)
    files = {name: _entry(root / name, summaries[name].kind, split) for name, split in data_files(root)}
    for name, kind in ((RECIPE, "recipe"), (STATISTICS, "statistics")):
        if (root / name).exists():
            files[name] = _entry(root / name, kind)
    manifest = Manifest(recipe_hash(root), files)
    save_manifest(root, manifest)
    return manifest


def is_current(root: Path) -> bool:
    """Whether the manifest of `root` lists every data file with its size; a look at the folder, not into the files."""
    root = Path(root)
    try:
        listed = read_manifest(root).files
    except (FileNotFoundError, DamagedFileError):
        return False
    return all(name in listed and listed[name].size == (root / name).stat().st_size for name, _ in data_files(root))


def check_manifest(root: Path) -> Manifest:
    """Compare the dataset in `root`, byte for byte, with its manifest.

    **Raises:** `FileNotFoundError` when there is no manifest; `DamagedFileError` when it was altered, when a file that
    it lists is missing or different, or when there are data files that it does not list.
    """
    root = Path(root)
    manifest = read_manifest(root)
    unlisted = [name for name, _ in data_files(root) if name not in manifest.files]
    if unlisted:
        raise DamagedFileError(
            f"{root / MANIFEST} does not list {unlisted[0]} (and {len(unlisted) - 1} more): the generation went on and "
            "did not end. Run it again, or call finish_dataset."
        )
    for name, entry in tqdm(manifest.files.items(), desc="check hashes", unit="file", leave=False, delay=1.0):
        path = root / name
        if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
            raise DamagedFileError(f"{path} is listed in {MANIFEST} and missing, or a link to another place.")
        if path.stat().st_size != entry.size or _hash(path) != entry.sha256:
            raise DamagedFileError(f"{path} is not the file that {MANIFEST} lists: its size or hash differs.")
    return manifest


def _entry(path: Path, kind: str, split: str | None = None) -> FileEntry:
    return FileEntry(path.stat().st_size, _hash(path), kind, split)


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
