"""Trained weights in one file that refuses to load when it is damaged or belongs to another model."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from fieldcast.datasets.atomic import atomic_write

_MAGIC = "fieldcast-weights-2"


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or of another kind of model."""


def save_checkpoint(path: Path, header: dict[str, Any], tree: PyTree) -> None:
    """Write a JSON line (`header`, with the checksum of all) and then the leaves of `tree`, atomically."""
    buffer = io.BytesIO()
    eqx.tree_serialise_leaves(buffer, tree)
    leaves = buffer.getvalue()
    line = {"magic": _MAGIC, "sha256": digest_of(header, leaves), **header}
    with atomic_write(path) as temporary:
        temporary.write_bytes(json.dumps(line).encode() + b"\n" + leaves)


def digest_of(description: dict[str, Any], *contents: bytes) -> str:
    """SHA-256 of a JSON object, in whatever order it was written, and what belongs to it."""
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for content in contents:
        digest.update(b"\0" + content)
    return digest.hexdigest()


def load_checkpoint(
    path: Path, kind: str, make_like: Callable[[dict[str, Any]], PyTree]
) -> tuple[dict[str, Any], PyTree]:
    """Read the header, let `make_like` build a tree of the right structure from it, and fill in the leaves.

    **Arguments:**

    - `path`: the file.
    - `kind`: what the caller can use; the header's `kind` must equal it.
    - `make_like`: from the header to a tree whose leaves will be replaced.

    **Raises:** `CheckpointError` when the file is missing, truncated, corrupted, or of another kind.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(f"There is no checkpoint at {path}; train first (`fieldcast train`).")
    line, _, leaves = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(line)
        magic, digest = header.pop("magic"), header.pop("sha256")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path} is not a fieldcast checkpoint.") from error
    if magic != _MAGIC:
        raise CheckpointError(f"{path} has format {magic!r}; this version reads {_MAGIC!r}.")
    if digest_of(header, leaves) != digest:
        raise CheckpointError(f"{path} is truncated or corrupted: its checksum does not match. Train or copy it again.")
    if header.get("kind") != kind:
        raise CheckpointError(f"{path} holds a checkpoint of kind {header.get('kind')!r}, expected {kind!r}.")
    try:
        like = make_like(header)
        return header, eqx.tree_deserialise_leaves(io.BytesIO(leaves), like)
    except (RuntimeError, TypeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} does not fit the model that its header describes: {error}") from error
