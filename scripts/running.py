"""How the samples of a dataset are made: here, side by side, on a cluster."""

from dataclasses import dataclass
from pathlib import Path

import jax

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.engine import (
    DaskCluster,
    Executor,
    GenerationReport,
    InProcess,
    LocalProcesses,
    Plan,
    Share,
    SlurmCluster,
    SlurmRequest,
    array_script,
)
from fieldcast.datasets.engine.failures import MOST_ATTEMPTS
from fieldcast.datasets.engine.plan_file import save_plan
from fieldcast.datasets.simulate import simulate


@dataclass(frozen=True)
class Running:
    """How the samples are made."""

    workers: int = 1
    """Processes side by side, each on a GPU of its own where there are GPUs; one alone uses all cores."""

    timeout: float | None = None
    """Seconds after which a simulation is killed and counts as failed."""

    retry_failed: bool = False
    """Try again also what has failed three times."""

    scheduler: str | None = None
    """Address of a running Dask scheduler, such as tcp://node01:8786, whose workers are used instead."""

    slurm: SlurmRequest = SlurmRequest()
    """Dask workers that SLURM starts, used instead (--slurm.jobs 20); or what --sbatch asks for."""

    sbatch: Path | None = None
    """Simulate nothing: write a script for sbatch to this file."""

    @property
    def executor(self) -> Executor:
        if self.scheduler is not None:
            return DaskCluster(self.scheduler, self.timeout)
        if self.slurm.jobs:
            return SlurmCluster(self.slurm, self.timeout)
        if self.workers == 1 and self.timeout is None:
            return InProcess()
        return LocalProcesses(self.workers, self.timeout)

    @property
    def alone(self) -> bool:
        """Whether a sample has this machine for itself."""
        return self.workers == 1 and self.scheduler is None and not self.slurm.jobs

    def prepare(self) -> None:
        """To be called before JAX computes anything: it leaves the accelerators to the workers."""
        if not isinstance(self.executor, InProcess):
            jax.config.update("jax_platforms", "cpu")

    def run(self, plan: Plan, root: Path, share: Share = Share()) -> None:
        """Make what is missing, or write the script that does; say what was done.

        **Raises:** `ValueError` when samples failed, and as `carry_out` does.
        """
        if self.sbatch is not None:
            self._write_script(plan, root)
            return
        try:
            report = simulate(plan, root, self.executor, share, self.retry_failed)
        except KeyboardInterrupt:
            print(f"\n{root}: stopped. What is finished stays; what was begun is begun again.")
            raise
        _say(report, root, _PLURALS.get(plan.sample_name, f"{plan.sample_name}s"))

    def _write_script(self, plan: Plan, root: Path) -> None:
        arguments = [f"--timeout={self.timeout:g}"] if self.timeout is not None else []
        script = array_script(root, self.slurm, (*arguments, *(["--retry-failed"] if self.retry_failed else [])))
        save_plan(root, plan)
        (root / "logs").mkdir(exist_ok=True)  # SLURM makes no folders
        with atomic_write(self.sbatch) as temporary:
            temporary.write_text(script)
        print(f"{root}: the plan of {plan.num_samples} samples. Submit it with: sbatch {self.sbatch}")


_PLURALS = {"trajectory": "trajectories"}


def _say(report: GenerationReport, root: Path, samples: str) -> None:
    print(f"{root}: {report.written} {samples} simulated in {report.seconds:.0f} s, {report.found} were there already.")
    if report.complete:
        print(f"{root}: complete; manifest.json lists its files, stats.yaml holds their statistics.")
    if report.quarantined:
        index, failure = next(iter(report.quarantined.items()))
        print(
            f"{root}: left alone, after {MOST_ATTEMPTS} failed attempts: {', '.join(map(str, report.quarantined))} "
            f"(the last reason of {index}: {failure.reasons[-1].rstrip('.')}). --retry-failed tries again."
        )
    if report.failures:
        tried, reason = report.written + len(report.failures), next(iter(report.failures.values()))
        raise ValueError(
            f"{len(report.failures)} of {tried} {samples} failed; the first says: {reason.rstrip('.')}. All reasons "
            f"are in {root / 'failures'}; run again to try again."
        )
