"""The ultrasound recipe: what it made first it still makes, heads from images, splits by subject, identity."""

import dataclasses
import hashlib
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pydicom
import pytest
from scenes import SMALL_RECIPE, Blob

from fieldcast.datasets.engine import settings_hash
from fieldcast.datasets.engine.plain import from_plain, to_plain
from fieldcast.datasets.generation import ScenePlan
from fieldcast.datasets.heads import ImageHeads, PhantomHeads
from fieldcast.datasets.solvers import BornChoice, KSpaceChoice, KWaveChoice
from fieldcast.datasets.ultrasound import UltrasoundRecipe
from fieldcast.simulators.acoustics.checks import check_transducer
from fieldcast.simulators.acoustics.nifti import write_volume
from fieldcast.simulators.acoustics.phantom import SkullPhantom
from fieldcast.simulators.acoustics.placement import Bowl
from fieldcast.simulators.acoustics.random_bowl import RandomBowl
from fieldcast.simulators.acoustics.random_placement import AimedPlacement, RandomPlacement
from fieldcast.simulators.acoustics.solver import FieldSolver
from fieldcast.simulators.acoustics.tissue import AubryPorosity, KPlan
from fieldcast.simulators.grid import Grid

BOWL = Bowl(radius_of_curvature=32e-3, aperture_diameter=24e-3, frequency=250e3, surface_pressure=1e5)

POSE = (0.03668036, -0.06117143, 0.06025367, -0.33397391, 0.63979948, -0.69218355)
"""Position [m] and axis of the transducer in the first scene of the default recipe."""

TOTAL = -34948164.0
"""Sum of the CT numbers there."""


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> tuple[Path, ...]:
    """Three synthetic heads as NIfTI files."""
    folder = tmp_path_factory.mktemp("heads")
    for seed in range(3):
        head = SkullPhantom().draw(seed).on(Grid((70, 70, 70), 3e-3))
        write_volume(folder / f"sub-{seed}.nii", np.asarray(head.hounsfield), head.grid.affine)
    return tuple(sorted(folder.iterdir()))


def identity(recipe: UltrasoundRecipe, solver: FieldSolver) -> str:
    return settings_hash(ScenePlan(recipe, solver).settings())


def from_images(images, **changes) -> UltrasoundRecipe:
    settings = {"bowl": BOWL, "shape": (22, 22, 22), "spacing": 3e-3, "heads": ImageHeads(images), **changes}
    return dataclasses.replace(SMALL_RECIPE, **settings)


def test_the_default_recipe_makes_the_scenes_it_always_made():
    """Pose and CT of the first scene, as the first version made them."""
    scene = UltrasoundRecipe().scene(0)
    pose = np.concatenate([np.asarray(scene.transducer.position), np.asarray(scene.transducer.axis)])
    np.testing.assert_allclose(pose, POSE, atol=1e-6)
    assert float(jnp.sum(scene.head.hounsfield)) == pytest.approx(TOTAL, rel=1e-5)


def test_identity_of_the_first_datasets_is_kept():
    assert identity(UltrasoundRecipe(), KWaveChoice().solver(1)) == "44e216c961774883"


def test_scenes_from_images_are_usable_and_repeatable(images):
    recipe = from_images(images)
    for index in range(3):
        scene = recipe.scene(index)
        check_transducer(scene)
        again = recipe.scene(index)
        np.testing.assert_array_equal(scene.head.hounsfield, again.head.hounsfield)
        np.testing.assert_array_equal(scene.transducer.position, again.transducer.position)
        focus = scene.grid.to_index(scene.transducer.geometric_focus)
        assert scene.head.cavity[tuple(np.rint(np.asarray(focus)).astype(int))]


def test_splits_share_no_subject(images):
    recipe = from_images(images, num_scenes=12)
    subjects = {}
    for index in range(12):
        subjects.setdefault(recipe.split(index), set()).add(recipe.heads.subject(index))
    assert subjects == {"test": {0}, "valid": {1}, "train": {2}}
    for family in (PhantomHeads(), recipe.heads):
        # The split belongs to the subject, whatever the scene.
        split = dataclasses.replace(recipe, heads=family).split
        assert all(split(i) == split(j) for i in range(9) for j in range(9) if family.subject(i) == family.subject(j))


def test_one_image_twice_is_refused(images, tmp_path):
    copy = tmp_path / "another-name.nii"
    copy.write_bytes(images[0].read_bytes())
    with pytest.raises(ValueError, match="are the same image; give each subject once"):
        from_images((*images, copy)).settings()
    with pytest.raises(ValueError, match="at least one path"):
        ImageHeads(())


def test_images_are_known_by_their_content(images, tmp_path):
    here = from_images(images).settings()
    moved = []
    for image in images:
        moved.append(tmp_path / image.name)
        moved[-1].write_bytes(image.read_bytes())
    assert from_images(tuple(moved)).settings() == here
    assert here["images"][0] == hashlib.sha256(hashlib.sha256(images[0].read_bytes()).digest()).hexdigest()
    moved[1].write_bytes(images[0].read_bytes()[:-9])
    assert from_images(tuple(moved)).settings() != here


def test_a_series_is_known_by_all_its_slices(tmp_path):
    """Whichever slice, or the folder, stands for it, and whatever the files are called."""
    for name, series in (("a", "1.2"), ("b", "1.2"), ("c", "1.3")):
        header = pydicom.Dataset()
        header.file_meta = pydicom.dataset.FileMetaDataset()
        header.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = pydicom.uid.CTImageStorage
        header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = pydicom.uid.generate_uid()
        header.SeriesInstanceUID, header.Rows = series, 2
        header.save_as(tmp_path / name, enforce_file_format=True)
    with pytest.raises(ValueError, match="are the same image"):
        ImageHeads((tmp_path / "a", tmp_path / "b")).identity()
    both = ImageHeads((tmp_path / "a", tmp_path / "c")).identity()
    (tmp_path / "c").rename(tmp_path / "0")
    assert ImageHeads((tmp_path / "b", tmp_path / "0")).identity() == both
    (tmp_path / "0").unlink()
    assert ImageHeads((tmp_path,)).identity()["images"] == both["images"][:1]
    (tmp_path / "b").write_bytes((tmp_path / "b").read_bytes() + bytes(2))
    assert ImageHeads((tmp_path / "a",)).identity()["images"] != both["images"][:1]


def test_everything_that_changes_a_scene_changes_the_identity(images):
    base = SMALL_RECIPE
    changed = [
        dataclasses.replace(base, seed=1),
        dataclasses.replace(base, spacing=1.4e-3),
        dataclasses.replace(base, mapping=KPlan()),
        dataclasses.replace(base, mapping=AubryPorosity()),
        dataclasses.replace(base, bowl=RandomBowl()),
        dataclasses.replace(base, heads=PhantomHeads(SkullPhantom(shape_variation=0.02))),
        dataclasses.replace(base, heads=ImageHeads(images)),
        dataclasses.replace(base, heads=ImageHeads(images[:2])),
        dataclasses.replace(base, placement=RandomPlacement(tilt_max=0.1)),
        dataclasses.replace(base, placement=AimedPlacement(targets=((0.0, 0.0, 0.05),))),
    ]
    solvers = [KWaveChoice(), KWaveChoice(tolerance=0.01), KWaveChoice(double_precision=True), KSpaceChoice()]
    solvers += [BornChoice(), BornChoice(tolerance=1e-4)]
    names = [identity(recipe, Blob()) for recipe in (base, *changed)]
    names += [identity(base, choice.solver()) for choice in solvers]
    assert len(set(names)) == len(names)
    # How it is run does not change it.
    assert identity(base, KWaveChoice().solver(3)) == identity(base, KWaveChoice().solver())
    assert identity(dataclasses.replace(base, num_scenes=99), Blob()) == names[0]


def test_recipes_survive_their_record(images):
    for recipe in (
        UltrasoundRecipe(),
        from_images(images, mapping=KPlan(), placement=AimedPlacement(targets=((0.0, 0.0, 0.05),))),
        UltrasoundRecipe(bowl=RandomBowl(), solver=BornChoice(tolerance=1e-2)),
    ):
        again = from_plain(to_plain(recipe))
        assert type(again.mapping) is type(recipe.mapping)
        assert again.settings() == recipe.settings()
        assert again.solver == recipe.solver


def test_aimed_recipes_put_the_focus_on_a_target(images):
    scan_of = from_images(images).heads.head(0, 3e-3, np.random.default_rng(0))
    scalp = scan_of.scalp_point((0.2, -0.5, 0.8))
    reach = np.sqrt(BOWL.radius_of_curvature**2 - BOWL.aperture_diameter**2 / 4)
    target = tuple(float(x) for x in scalp - (reach - 5e-3) * scan_of.scalp_normal(scalp))
    recipe = from_images(images[:1], placement=AimedPlacement(targets=(target,), standoff=(3e-3, 7e-3)))
    for index in range(3):
        np.testing.assert_allclose(recipe.scene(index).transducer.geometric_focus, target, atol=1e-5)


def test_bowls_of_a_family_differ_from_scene_to_scene():
    family = RandomBowl((19e-3, 21e-3), (14e-3, 16e-3), (1e5, 2e5), frequency=250e3)
    recipe = dataclasses.replace(SMALL_RECIPE, bowl=family)
    radii = {recipe.scene(index).transducer.radius_of_curvature for index in (0, 1, 0)}
    assert len(radii) == 2
