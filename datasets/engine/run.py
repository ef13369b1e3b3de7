"""Carrying out a plan: what is missing is made, what fails is written down."""

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import jax
from tqdm import tqdm

from fieldcast.datasets.atomic import remove_orphans
from fieldcast.datasets.engine.executor import Executor, InProcess
from fieldcast.datasets.engine.failures import Failure, forget_failure, read_failures, record_failure
from fieldcast.datasets.engine.job import Job
from fieldcast.datasets.engine.plan import Plan, Share, settings_hash
from fieldcast.datasets.engine.plan_file import save_plan


@dataclass(frozen=True)
class GenerationReport:
    """What a call did.

    - `written`, `found`: how many files were made, and how many were there.
    - `failures`: indices of the samples that failed in this call, with the reason.
    - `seconds`: it took.
    - `quarantined`: samples that were left alone because they had failed too often.
    - `complete`: whether every sample of the plan, other shares' included, is there.
    """

    written: int
    found: int
    failures: dict[int, str]
    seconds: float
    quarantined: dict[int, Failure] = field(default_factory=dict)
    complete: bool = False


def carry_out(
    plan: Plan, root: Path, executor: Executor = InProcess(), share: Share = Share(), retry_failed: bool = False
) -> GenerationReport:
    """Make every sample of `plan` that `root` does not hold yet.

    A job is idempotent and publishes its file atomically, so the files on disk are the whole truth about what is
    done: interrupt at any moment and call again, here or elsewhere. A failing sample is written down in
    `failures/`, with its reason, and does not stop the others; the next call tries it again, until it has failed three
    times.

    **Arguments:**

    - `plan`: what the samples are.
    - `root`: folder of the dataset; receives `recipe.json`, `data/{train,valid,test}/` and `failures/`.
    - `executor`: who makes them.
    - `share`: the part of the plan to carry out.
    - `retry_failed`: also what has failed three times.

    **Raises:** `ValueError` when `root` holds a dataset of other settings.
    """
    root, start = Path(root), time.perf_counter()
    save_plan(root, plan)
    remove_orphans(root)
    job = Job(plan, root, settings_hash(plan.settings()), bool(jax.config.jax_enable_x64))
    wanted = share.indices(plan.num_samples)
    missing = _missing(job, wanted)
    earlier = read_failures(root)
    quarantined = {} if retry_failed else {i: earlier[i] for i in missing if i in earlier and earlier[i].quarantined}
    to_do = [index for index in missing if index not in quarantined]
    found = len(wanted) - len(missing)
    failures: dict[int, str] = {}
    with (
        tqdm(total=found + len(to_do), initial=found, desc="generate", unit=plan.sample_name) as bar,
        closing(executor.run(job, to_do)) as ended,
    ):
        for index, reason in ended:
            if reason is None:
                forget_failure(root, plan.sample_name, index)
            else:
                failures[index] = reason
                record_failure(root, plan.sample_name, index, earlier.get(index), reason)
                bar.write(f"{plan.sample_name} {index} failed: {reason}")
            bar.update()
    complete = not (failures or quarantined or (share.of > 1 and _missing(job, range(plan.num_samples))))
    seconds = time.perf_counter() - start
    return GenerationReport(len(to_do) - len(failures), found, failures, seconds, quarantined, complete)


def _missing(job: Job, indices: Iterable[int]) -> list[int]:
    wanted = tqdm(indices, desc="check what is there", leave=False, delay=1.0)
    return [index for index in wanted if not job.is_done(index)]
