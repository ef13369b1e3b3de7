"""Datasets: recipes, generation, files."""

from fieldcast.datasets.dataset_validation import validate_dataset as validate_dataset
from fieldcast.datasets.engine import GenerationReport as GenerationReport
from fieldcast.datasets.field_statistics import read_statistics as read_statistics
from fieldcast.datasets.file_validation import validate_file as validate_file
from fieldcast.datasets.generation import generate as generate
from fieldcast.datasets.hdf5_layout import DamagedFileError as DamagedFileError
from fieldcast.datasets.manifest import finish_dataset as finish_dataset
from fieldcast.datasets.scene_file import SceneRecord as SceneRecord
from fieldcast.datasets.scene_file import read_scene as read_scene
from fieldcast.datasets.scene_file import write_scene as write_scene
from fieldcast.datasets.trajectories import generate_trajectories as generate_trajectories
from fieldcast.datasets.trajectory_file import Trajectory as Trajectory
from fieldcast.datasets.trajectory_file import new_trajectory as new_trajectory
from fieldcast.datasets.trajectory_file import read_trajectory as read_trajectory
from fieldcast.datasets.trajectory_recipe import TrajectoryRecipe as TrajectoryRecipe
from fieldcast.datasets.turbulence import RECIPES as RECIPES
from fieldcast.datasets.ultrasound import UltrasoundRecipe as UltrasoundRecipe
