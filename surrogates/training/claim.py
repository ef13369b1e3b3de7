"""A run folder belongs to what decided the run that is in it."""

import json
from pathlib import Path
from typing import Any

from fieldcast.datasets.atomic import atomic_write


def claim_run(run: Path, asked: dict[str, Any]) -> None:
    """Write all that decides a run into its `recipe.json`, or check that the run there was decided by the same.

    **Arguments:** `run`: the folder; `asked`: settings by name, of which JSON takes what it does not know as text.

    **Raises:** `ValueError` when the folder holds a run of other settings.
    """
    asked, path = json.loads(json.dumps(asked, default=str)), Path(run) / "recipe.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(asked, indent=2))
        return
    found = json.loads(path.read_text())
    if found != asked:
        different = [name for name in asked if found.get(name) != asked[name]]
        raise ValueError(
            f"{run} holds a run of another recipe (different: {different}); choose another folder, or delete this one."
        )
