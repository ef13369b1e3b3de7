"""From a plan to a finished dataset."""

from pathlib import Path

from fieldcast.datasets.engine import Executor, GenerationReport, InProcess, Plan, Share, carry_out
from fieldcast.datasets.manifest import finish_dataset, is_current


def simulate(
    plan: Plan, root: Path, executor: Executor = InProcess(), share: Share = Share(), retry_failed: bool = False
) -> GenerationReport:
    """Make what `root` lacks of `plan`, and write manifest and statistics once nothing is missing.

    **Arguments:** as `carry_out` has them.

    **Raises:** `ValueError` when `root` holds a dataset of other settings.
    """
    report = carry_out(plan, root, executor, share, retry_failed)
    # A process may have been killed after its last sample and before the manifest.
    if report.complete and (report.written or not is_current(root)):
        finish_dataset(root)
    return report
