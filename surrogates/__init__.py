"""Learned surrogates: networks, losses, training, predictors."""

from fieldcast.surrogates.deeptfus import Conditioning as Conditioning
from fieldcast.surrogates.deeptfus import DeepTFUS as DeepTFUS
from fieldcast.surrogates.flow_training import FlowData as FlowData
from fieldcast.surrogates.flow_training import train_stepper as train_stepper
from fieldcast.surrogates.learned_stepper import LearnedStepper as LearnedStepper
from fieldcast.surrogates.learned_stepper import StepperRecipe as StepperRecipe
from fieldcast.surrogates.learned_stepper import load_stepper as load_stepper
from fieldcast.surrogates.model_recipe import ModelRecipe as ModelRecipe
from fieldcast.surrogates.predictor import FieldPredictor as FieldPredictor
from fieldcast.surrogates.predictor import load_predictor as load_predictor
from fieldcast.surrogates.training import TrainingRecipe as TrainingRecipe
from fieldcast.surrogates.ultrasound import load_records as load_records
from fieldcast.surrogates.ultrasound import train_predictor as train_predictor
