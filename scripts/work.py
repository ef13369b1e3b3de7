"""`fieldcast work`: help with a dataset whose plan is on disk, from any machine that sees its folder."""

from pathlib import Path
from typing import Annotated

import tyro

from fieldcast.datasets.engine import Share, load_plan
from fieldcast.scripts.running import Running


def work(root: Path, share: str = "1/1", running: Annotated[Running, tyro.conf.arg(name="")] = Running()) -> None:
    """Make what a dataset lacks, by the plan that `fieldcast generate` left in its folder.

    Args:
        root: Folder of the dataset.
        share: Only this part of the plan: 3/20 is the third of twenty, which another never does.
        running: How it is simulated.
    """
    part = Share.parse(share)
    running.prepare()
    running.run(load_plan(root), root, part)
