"""A trained surrogate as a field solver: `load_predictor(path)(scene)`."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jrandom
import numpy as np
from jaxtyping import Array, Float, PyTree

from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.free_field import FreeFieldTable, free_field_table
from fieldcast.simulators.acoustics.head import Head
from fieldcast.simulators.acoustics.scene import Scene
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.simulators.acoustics.transducer import FocusedBowl
from fieldcast.simulators.grid import Grid
from fieldcast.surrogates.checkpoint import load_checkpoint, save_checkpoint
from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.pressure_model import PressureModel, encode
from fieldcast.surrogates.scene_samples import Samples, predict

_KIND = "fieldcast.FieldPredictor"
_FILE = "predictor.ckpt"
_NUM_BINS = 16


@dataclass(frozen=True)
class TrainingDomain:
    """What a predictor was trained on; it answers for nothing else.

    Lengths in [m], frequency in [Hz]. The network reads its scale off the grid, so another spacing or another bowl
    would be answered wrongly without a sign.
    """

    ndim: int
    spacing: float
    frequency: float
    radius_of_curvature: float
    aperture_diameter: float
    mapping: str

    @staticmethod
    def of(scene: Scene) -> "TrainingDomain":
        transducer = scene.transducer
        return TrainingDomain(
            ndim=scene.grid.ndim,
            spacing=scene.grid.spacing,
            frequency=transducer.frequency,
            radius_of_curvature=transducer.radius_of_curvature,
            aperture_diameter=transducer.aperture_diameter,
            mapping="none" if scene.mapping is None else json.dumps(scene.mapping.settings(), sort_keys=True),
        )

    def require(self, scene: Scene) -> None:
        """Refuse, by name, a scene outside the domain."""
        if scene.head is None:
            raise ValueError(
                "A learned predictor reads the CT: this scene has acoustic maps alone. Make it with `scene_from_head`."
            )
        asked = TrainingDomain.of(scene)
        for name, trained in asdict(self).items():
            given = getattr(asked, name)
            same = math.isclose(given, trained, rel_tol=1e-6) if isinstance(trained, float) else given == trained
            if not same:
                raise ValueError(
                    f"This predictor was trained for {name} = {trained}, but the scene has {name} = {given}. Change "
                    "the scene, use a physical solver, or train a predictor for it."
                )


class FieldPredictor(FieldSolver):
    """A trained model that answers like any solver, in Pa, with an estimate of its error.

    The error estimate at a point is the root-mean-square error that the model made, on validation skulls that it was
    not trained on, at points of the same predicted fraction of the field's peak.

    Differentiable in the CT and in the transducer's position, axis and surface pressure.

    **Arguments:**

    - `model`: the trained network with its input and output spaces.
    - `error_curve`: root-mean-square error relative to the predicted peak, by predicted fraction of the peak.
    - `domain`, `recipe`: what it was trained on, and how the model is built.
    """

    model: PressureModel
    error_curve: Float[Array, " bin"]
    domain: TrainingDomain = eqx.field(static=True)
    recipe: ModelRecipe = eqx.field(static=True)

    def __call__(self, scene: Scene) -> PressureField:
        self.domain.require(scene)
        # The grid's place in the world is static: counted from its own first point, all scenes share one compilation.
        grid = Grid(scene.grid.shape, scene.grid.spacing, (0.0,) * scene.grid.ndim)
        transducer = eqx.tree_at(
            lambda t: t.position, scene.transducer, scene.transducer.position - jnp.asarray(scene.grid.origin)
        )
        table = free_field_table(transducer, grid)
        amplitude, error = _predict(self, Head(scene.head.hounsfield, grid), transducer, table)
        return PressureField(amplitude, scene.grid, scene.frequency, scene.focus_region, error)


@eqx.filter_jit
def _predict(
    predictor: FieldPredictor, head: Head, transducer: FocusedBowl, table: FreeFieldTable
) -> tuple[Float[Array, "*space"], Float[Array, "*space"]]:
    inputs = encode(head, transducer, table, predictor.recipe.num_points)
    amplitude = inputs.reference * predictor.model(inputs)
    peak = jnp.max(amplitude)
    fraction = jnp.linspace(0.0, 1.0, predictor.error_curve.size)
    error = peak * jnp.interp(amplitude / peak, fraction, predictor.error_curve)
    return amplitude, jax.lax.stop_gradient(error)


def error_curve(model: PressureModel, samples: Samples) -> Float[Array, " bin"]:
    """Root-mean-square error relative to the predicted peak, in equal bins of the predicted fraction of the peak."""
    count, total = np.zeros(_NUM_BINS), np.zeros(_NUM_BINS)
    for index in range(len(samples)):
        inputs, truth = samples[index]
        predicted, true = np.asarray(predict(model, inputs)), np.abs(truth.pressure)
        peak = predicted.max()
        which = np.rint(predicted / peak * (_NUM_BINS - 1)).astype(int).ravel()
        count += np.bincount(which, minlength=_NUM_BINS)
        total += np.bincount(which, weights=(((predicted - true) / peak) ** 2).ravel(), minlength=_NUM_BINS)
    seen = count > 0
    centres = np.linspace(0.0, 1.0, _NUM_BINS)
    return jnp.asarray(np.interp(centres, centres[seen], np.sqrt(total[seen] / count[seen])), dtype=float)


def save_predictor(folder: Path, predictor: FieldPredictor) -> None:
    """Write the predictor to `folder`, atomically; `load_predictor` reads it in one line."""
    header = {"kind": _KIND, "domain": asdict(predictor.domain), "model": asdict(predictor.recipe)}
    save_checkpoint(Path(folder) / _FILE, header, (predictor.model, predictor.error_curve))


def load_predictor(folder: Path | str) -> FieldPredictor:
    """The predictor that training left in a run folder.

        predict = load_predictor("runs/demo")
        field = predict(scene)

    **Raises:** `CheckpointError` when there is none, or it is damaged, or of another kind.
    """

    def make_like(header: dict) -> PyTree:
        recipe, ndim = ModelRecipe.from_json(header["model"]), header["domain"]["ndim"]
        # Shapes are all that is needed, so nothing is drawn at random.
        return eqx.filter_eval_shape(lambda: (recipe.build(ndim, key=jrandom.key(0)), jnp.zeros(_NUM_BINS)))

    header, (model, curve) = load_checkpoint(Path(folder) / _FILE, _KIND, make_like)
    domain = TrainingDomain(**header["domain"])
    return FieldPredictor(model, curve, domain, ModelRecipe.from_json(header["model"]))
