"""One sample as a job: idempotent, and it never raises."""

from dataclasses import dataclass
from pathlib import Path

import jax

from fieldcast.datasets.engine.plan import Plan, sample_path
from fieldcast.datasets.hdf5_layout import DamagedFileError


@dataclass(frozen=True)
class Job:
    """Makes any sample of a plan; it can be sent to another process, and to another machine that sees `root`.

    - `recipe_hash`: of the plan's settings.
    - `double_precision`: in which JAX is to compute, wherever the job is done.
    """

    plan: Plan
    root: Path
    recipe_hash: str
    double_precision: bool

    def __call__(self, index: int, progress: bool = False) -> str | None:
        """Make and store one sample unless it is there; the reason if that fails."""
        if jax.config.jax_enable_x64 != self.double_precision:
            jax.config.update("jax_enable_x64", self.double_precision)
        try:
            if not self.is_done(index):
                provenance = {"recipe_hash": self.recipe_hash, "index": index}
                self.plan.make(index, self.path(index), provenance, progress)
        except Exception as error:  # one bad sample must not end a night's work; its reason is reported
            return f"{type(error).__name__}: {error}"
        return None

    def path(self, index: int) -> Path:
        """Where sample `index` lives."""
        return sample_path(self.root, self.plan.split(index), self.plan.sample_name, index)

    def is_done(self, index: int) -> bool:
        """Whether sample `index` is there, finished and of its full length; its fields are not read."""
        path = self.path(index)
        if not path.exists():
            return False
        try:
            found = self.plan.provenance(path)
        except DamagedFileError:
            return False
        return (found.get("recipe_hash"), found.get("index")) == (self.recipe_hash, index)
