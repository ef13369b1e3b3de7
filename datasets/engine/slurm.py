"""What is asked of SLURM, and the script of an array job."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SlurmRequest:
    """What is asked of SLURM."""

    jobs: int = 0
    """How many jobs, each one worker; 0 asks for nothing."""

    time: str = "04:00:00"
    """Limit of each; what is not done by then is done when the same is submitted again."""

    memory: str = "4GB"
    """Of each."""

    cpus: int = 1
    """Of each."""

    gpus: int = 0
    """Of each."""

    partition: str | None = None
    """Where the jobs run."""

    account: str | None = None
    """At whose cost."""

    options: tuple[str, ...] = ()
    """Any others of sbatch, such as --constraint=a100."""

    def directives(self) -> list[str]:
        """Options of `sbatch` for the devices, and any others."""
        return [*([f"--gres=gpu:{self.gpus}"] if self.gpus else []), *self.options]


def array_script(root: Path, request: SlurmRequest, arguments: tuple[str, ...] = ()) -> str:
    """A script for `sbatch`: an array of jobs, each of which does its share of the plan in `root`.

    **Arguments:** `root`: holds a plan; `request`: what each gets; `arguments`: further ones of `fieldcast work`.

    **Raises:** `ValueError` when the request is for no job.
    """
    if request.jobs < 1:
        raise ValueError(f"An array needs at least one job, got {request.jobs}: set it by --slurm.jobs.")
    root = Path(root).resolve()
    options = [
        "--job-name=fieldcast",
        f"--array=1-{request.jobs}",
        "--ntasks=1",
        f"--cpus-per-task={request.cpus}",
        f"--mem={request.memory.removesuffix('B')}",
        f"--time={request.time}",
        *([f"--partition={request.partition}"] if request.partition else []),
        *([f"--account={request.account}"] if request.account else []),
        *request.directives(),
        shlex.quote(f"--output={root}/logs/%A_%a.log"),
    ]
    command = shlex.join([sys.executable, "-m", "fieldcast.scripts", "work", "--root", str(root), *arguments])
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {option}" for option in options),
            "",
            "# Submit it again to do what is missing, for example after the time limit.",
            f'exec {command} --share "$SLURM_ARRAY_TASK_ID/{request.jobs}"',
            "",
        ]
    )
