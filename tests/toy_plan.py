"""A plan whose samples cost nothing, written by the real writer; some of them misbehave."""

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fieldcast.datasets.provenance import read_provenance
from fieldcast.datasets.trajectory_file import TrajectoryHeader, new_trajectory

TIMES = np.array([0.0, 1.0])


@dataclass(frozen=True)
class ToyPlan:
    """Two snapshots of random numbers a sample.

    - `pause`: seconds between the two.
    - `moods`: by the index (as a string), what happens between the two: `fails`, `hangs`, `exits`, or `killed once`
      (the process that makes it, at its first attempt).
    """

    num_samples: int = 6
    seed: int = 0
    pause: float = 0.0
    moods: dict[str, str] = field(default_factory=dict)

    sample_name: ClassVar[str] = "toy"

    def settings(self) -> dict[str, Any]:
        return {"seed": self.seed}

    def record(self) -> dict[str, Any]:
        return {"recipe": "toy"}

    def split(self, index: int) -> str:
        return ("train", "train", "valid", "test")[index % 4]

    def make(self, index: int, path: Path, provenance: dict[str, Any], progress: bool) -> None:
        snapshots = np.random.default_rng([self.seed, index]).standard_normal((2, 1, 5))
        header = TrajectoryHeader(
            name="toy",
            times=TIMES,
            axes={"x": np.arange(5.0)},
            boundary_types=("PERIODIC",),
            components=("smoke",),
            provenance=provenance | {"device": os.environ.get("CUDA_VISIBLE_DEVICES")},
        )
        with new_trajectory(path, header) as writer:
            writer.append(snapshots[0])
            time.sleep(self.pause)
            self._misbehave(index, path.parent / f"{index}.tried")
            writer.append(snapshots[1])

    def _misbehave(self, index: int, tried: Path) -> None:
        match self.moods.get(str(index)):
            case "fails":
                raise RuntimeError("not in the mood")
            case "hangs":
                time.sleep(600.0)
            case "exits":
                os._exit(7)
            case "killed once" if not tried.exists():
                tried.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    def provenance(self, path: Path) -> dict[str, Any]:
        return read_provenance(path, "trajectory")
