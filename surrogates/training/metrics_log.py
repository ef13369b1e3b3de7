"""What a training says of itself: one JSON object a validation, and a bar."""

import json
from pathlib import Path
from typing import Any

import jax

from fieldcast.datasets.atomic import atomic_write


class MetricsLog:
    """`metrics.jsonl` in a run folder, and event files for TensorBoard where they are asked for.

    **Arguments:**

    - `folder`: of the run.
    - `step`: from which training goes on. Later lines are of steps that will be taken again, and are dropped.
    - `tensorboard`: whether to write event files too; needs `pip install 'fieldcast[tensorboard]'`.
    """

    def __init__(self, folder: Path, step: int, tensorboard: bool):
        self.path = Path(folder) / "metrics.jsonl"
        self._silent = jax.process_index() > 0  # the first host speaks for all
        if self._silent:
            return
        lines = [line for line in read_metrics(folder) if line["step"] <= step]
        with atomic_write(self.path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self._events = _event_writer(folder, step) if tensorboard else None

    def write(self, step: int, values: dict[str, Any]) -> None:
        if self._silent:
            return
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)

    def close(self) -> None:
        """Make sure that everything said has reached the disk."""
        if not self._silent and self._events is not None:
            self._events.close()


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run so far; one that a killed process left unfinished is passed over."""
    path, lines = Path(folder) / "metrics.jsonl", []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def _event_writer(folder: Path, step: int) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "Event files need tensorboardX; install it with: pip install 'fieldcast[tensorboard]'."
        ) from error
    return SummaryWriter(str(folder), purge_step=step + 1)
