"""The states of a run on disk: the latest and the best, each with proof that it is whole."""

import json
import shutil
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
from jax.experimental import multihost_utils
from jaxtyping import PyTree

from fieldcast.datasets.atomic import atomic_write
from fieldcast.surrogates.checkpoint import CheckpointError, digest_of
from fieldcast.surrogates.training.placement import Placement


class CheckpointStore:
    """A folder of states, each written by orbax into a folder `step_N` with a file `step_N.json` beside it.

    The file holds what was said of the state and the SHA-256 of that and of all the state's bytes, which orbax does not
    check. It is written last: a state without it was never finished and counts as absent.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder).resolve()

    def steps(self) -> list[int]:
        """Numbers of the finished states, in order."""
        return sorted(int(path.stem.removeprefix("step_")) for path in self.folder.glob("step_*.json"))

    def about(self, step: int) -> dict[str, Any]:
        """What was said of a state."""
        path = self._description(step)
        try:
            return json.loads(path.read_text())["about"]
        except (ValueError, KeyError) as error:
            raise CheckpointError(f"{path} is damaged: {error}. Delete it to go on from an earlier state.") from error

    def save(self, step: int, state: PyTree, about: dict[str, Any]) -> None:
        """Store the arrays of `state`, on several hosts each its own part."""
        import orbax.checkpoint as ocp  # takes seconds, which only training should cost

        path = self._path(step)
        if jax.process_index() == 0:
            shutil.rmtree(path, ignore_errors=True)  # of a process that was killed while writing
        _wait_for_all("empty")
        with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
            checkpointer.save(path, args=ocp.args.StandardSave(_leaves(state)))
        if jax.process_index() == 0:
            with atomic_write(self._description(step)) as temporary:
                temporary.write_text(json.dumps({"about": about, "sha256": _digest(about, path)}))
        _wait_for_all("described")

    def is_whole(self, step: int) -> bool:
        """Whether a state is there, with the bytes that were written."""
        try:
            found = json.loads(self._description(step).read_text())
            return found["sha256"] == _digest(found["about"], self._path(step))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return False

    def restore(self, step: int, like: PyTree, placement: Placement) -> PyTree:
        """`like` with the arrays of a stored state, placed on the devices at hand.

        **Raises:** `CheckpointError` when the state is damaged, or of another structure than `like`.
        """
        import orbax.checkpoint as ocp

        path = self._path(step)
        if not self.is_whole(step):
            raise CheckpointError(
                f"{path} is damaged: its checksum does not match. Delete {self._description(step).name} to go on from "
                "an earlier state."
            )
        arrays, rest = eqx.partition(like, eqx.is_array)
        wanted = {
            name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=placement.sharding(leaf))
            for name, leaf in _leaves(arrays).items()
        }
        try:
            with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as checkpointer:
                found = checkpointer.restore(path, args=ocp.args.StandardRestore(wanted))
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path} does not fit the model to be trained: {error}") from error
        return eqx.combine(jax.tree.unflatten(jax.tree.structure(arrays), [found[name] for name in wanted]), rest)

    def keep(self, *steps: int) -> None:
        """Delete all states but these."""
        _wait_for_all("read")
        if jax.process_index() > 0:
            return
        for step in set(self.steps()) - set(steps):
            self._description(step).unlink()
        for path in self.folder.glob("step_*"):
            if path.is_dir() and not path.with_name(f"{path.name}.json").exists():
                shutil.rmtree(path)

    def _path(self, step: int) -> Path:
        return self.folder / f"step_{step:08d}"

    def _description(self, step: int) -> Path:
        return self.folder / f"step_{step:08d}.json"


def _wait_for_all(what: str) -> None:
    """Until every host has come so far."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(what)


def _leaves(state: PyTree) -> dict[str, jax.Array]:
    """The arrays by their place in the tree, so that a state can be looked into without its classes."""
    flat, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(state, eqx.is_array))
    return {f"{number:05d}{jax.tree_util.keystr(path)}": leaf for number, (path, leaf) in enumerate(flat)}


def _digest(about: dict[str, Any], folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest_of(about, *(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() for path in files))
