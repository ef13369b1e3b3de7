"""What a surrogate of a flow has to be better than: no change at all, and the equations on its own grid."""

import dataclasses
from typing import Any

import equinox as eqx
import jax

from fieldcast.datasets.trajectory_file import TrajectoryHeader
from fieldcast.datasets.trajectory_recipe import Splits, TrajectoryRecipe
from fieldcast.datasets.turbulence import RECIPES
from fieldcast.simulators.stepper import State, Stepper


class Persistence(Stepper):
    """The forecast that everything stays as it is: `u_{n+1} = u_n`.

    **Arguments:** `dt`, from one snapshot to the next.
    """

    dt: float = eqx.field(static=True)

    def __call__(self, state: State) -> State:
        return state


def recipe_of(header: TrajectoryHeader) -> TrajectoryRecipe:
    """The recipe that a trajectory was made by, from what its file says.

    **Raises:** `ValueError` when this version has no such recipe.
    """
    default = RECIPES.get(header.name) or next((r for r in RECIPES.values() if r.name == header.name), None)
    settings = header.provenance.get("settings")
    if default is None or settings is None:
        raise ValueError(f"The dataset {header.name!r} is of no recipe that this version knows: {tuple(RECIPES)}.")
    settings = {name: _as_tuple(value) for name, value in settings.items()}
    return type(default)(**settings | {"splits": Splits(**settings["splits"])})


def solver_on_kept_grid(header: TrajectoryHeader) -> Stepper:
    """The solver of a trajectory with as many points as are kept: what the equations alone make of the same snapshots.

    It has no model of what the grid does not resolve. Where the recipe keeps all points it is the solver of the data.
    It is in double precision where the recipe needs that.

    **Raises:** `ValueError` when this version has no such recipe.
    """
    recipe = recipe_of(header)
    kept = getattr(recipe, "kept_points", None)
    coarse = recipe if kept is None else dataclasses.replace(recipe, num_points=kept)
    with jax.enable_x64(recipe.needs_double_precision or jax.config.jax_enable_x64):
        return coarse.stepper(coarse.flow(int(header.provenance["index"])), coarse.interval)


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
