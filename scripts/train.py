"""`fieldcast train`: train a surrogate on a dataset."""

from pathlib import Path

from fieldcast.surrogates.model_recipe import ModelRecipe
from fieldcast.surrogates.training import TrainingRecipe
from fieldcast.surrogates.ultrasound import load_records, train_predictor


def train(
    data: Path, run: Path, model: ModelRecipe = ModelRecipe(), training: TrainingRecipe = TrainingRecipe()
) -> None:
    """Train DeepTFUS on the scenes of a dataset; run again to resume.

    Args:
        data: Folder of a generated dataset.
        run: Folder that receives the metrics, the state and the best predictor.
        model: Form and size of the network.
        training: How it is trained.
    """
    train_predictor(load_records(data, "train"), load_records(data, "valid"), run, model, training)
    print(f"The best predictor is in {run}; load it with load_predictor({str(run)!r}).")
