"""The plan on disk: `recipe.json` beside the data, from which a worker anywhere can do what is missing."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jax

from fieldcast.datasets.atomic import atomic_write
from fieldcast.datasets.engine.plain import from_plain, to_plain
from fieldcast.datasets.engine.plan import Plan, settings_hash
from fieldcast.datasets.manifest_file import RECIPE, parse_json, recipe_hash


def save_plan(root: Path, plan: Plan) -> None:
    """Write the plan beside the data, or check that the data there were made by the same settings.

    A plan of more samples takes the place of one of fewer.

    **Raises:** `ValueError` when `root` holds a dataset of other settings, or its `recipe.json` is damaged.
    """
    path, wanted = Path(root) / RECIPE, settings_hash(plan.settings())
    if path.exists():
        if (found := recipe_hash(root)) != wanted:
            raise ValueError(
                f"{root} holds a dataset of another recipe (hash {found}, asked for {wanted}). Choose another folder, "
                "or delete this one."
            )
        if parse_json(path).get("num_samples", -1) >= plan.num_samples:
            return
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(_described(plan, wanted), indent=2, default=str))


def load_plan(root: Path) -> Plan:
    """The plan that `root` holds; JAX is set to its precision.

    It makes objects of the classes that the file names: load no plans of strangers.

    **Raises:** `FileNotFoundError` when there is none, `ValueError` when it cannot be rebuilt, or its settings are not
    those that made the data.
    """
    path = Path(root) / RECIPE
    if not path.exists():
        raise FileNotFoundError(f"There is no plan at {path}; `fieldcast generate` writes one.")
    found = parse_json(path)
    if found.get("plan") is None:
        raise ValueError(f"{path} describes a plan that cannot be rebuilt from it; call what generated it again.")
    jax.config.update("jax_enable_x64", found["double_precision"])
    plan = from_plain(found["plan"])
    if settings_hash(plan.settings()) != recipe_hash(root):
        raise ValueError(f"{path} was altered, or written by another version: its settings do not have its hash.")
    return plan


def _described(plan: Plan, identity: str) -> dict[str, Any]:
    try:
        plain = to_plain(plan)
    except TypeError:  # a solver that holds arrays, such as a surrogate: only the program that has it can use it
        plain = None
    return plan.record() | {
        "hash": identity,
        "sample_name": plan.sample_name,
        "num_samples": plan.num_samples,
        "splits": dict(Counter(plan.split(index) for index in range(plan.num_samples))),
        "double_precision": bool(jax.config.jax_enable_x64),
        "plan": plain,
    }
