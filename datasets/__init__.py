"""Datasets: recipes, generation, files."""

from fieldcast.datasets.generation import generate as generate
from fieldcast.datasets.scene_file import SceneRecord as SceneRecord
from fieldcast.datasets.scene_file import read_scene as read_scene
from fieldcast.datasets.scene_file import write_scene as write_scene
from fieldcast.datasets.ultrasound import UltrasoundRecipe as UltrasoundRecipe
