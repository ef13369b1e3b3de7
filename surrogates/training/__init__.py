"""Training: recipes, the loop that all models share, objectives, placement on devices, checkpoints."""

from fieldcast.surrogates.training.metrics_log import read_metrics as read_metrics
from fieldcast.surrogates.training.placement import Placement as Placement
from fieldcast.surrogates.training.recipe import ConstantRate as ConstantRate
from fieldcast.surrogates.training.recipe import StepDecay as StepDecay
from fieldcast.surrogates.training.recipe import TrainingRecipe as TrainingRecipe
from fieldcast.surrogates.training.recipe import WarmupCosine as WarmupCosine
from fieldcast.surrogates.training.trainer import DivergedError as DivergedError
from fieldcast.surrogates.training.trainer import fit as fit
