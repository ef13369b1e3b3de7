"""Solvers and surrogates on data they have not seen, side by side."""

from fieldcast.surrogates.evaluation.baselines import Persistence as Persistence
from fieldcast.surrogates.evaluation.baselines import recipe_of as recipe_of
from fieldcast.surrogates.evaluation.baselines import solver_on_kept_grid as solver_on_kept_grid
from fieldcast.surrogates.evaluation.fields import FieldErrors as FieldErrors
from fieldcast.surrogates.evaluation.fields import evaluate as evaluate
from fieldcast.surrogates.evaluation.fields import field_errors as field_errors
from fieldcast.surrogates.evaluation.fields import mean_errors as mean_errors
from fieldcast.surrogates.evaluation.fields import seconds_per_field as seconds_per_field
from fieldcast.surrogates.evaluation.fields import spread_of_errors as spread_of_errors
from fieldcast.surrogates.evaluation.flow_statistics import EnergySpectra as EnergySpectra
from fieldcast.surrogates.evaluation.flow_statistics import StatisticsErrors as StatisticsErrors
from fieldcast.surrogates.evaluation.flow_statistics import flow_statistics as flow_statistics
from fieldcast.surrogates.evaluation.flow_statistics import statistics_errors as statistics_errors
from fieldcast.surrogates.evaluation.flow_tests import FlowTests as FlowTests
from fieldcast.surrogates.evaluation.flow_tests import load_flow_tests as load_flow_tests
from fieldcast.surrogates.evaluation.trajectories import LongRun as LongRun
from fieldcast.surrogates.evaluation.trajectories import StepperErrors as StepperErrors
from fieldcast.surrogates.evaluation.trajectories import evaluate_stepper as evaluate_stepper
