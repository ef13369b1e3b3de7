"""`fieldcast query`: the pressure field of a transducer on a head, as NIfTI, picture and table."""

from pathlib import Path

import numpy as np

from fieldcast.scripts.report import markdown_table
from fieldcast.simulators.acoustics.field import PressureField
from fieldcast.simulators.acoustics.figures import plot_field, save_figure
from fieldcast.simulators.acoustics.head_image import HeadImage, read_head, write_field
from fieldcast.simulators.acoustics.kwave import KWave
from fieldcast.simulators.acoustics.placement import Bowl, grid_around, place_bowl
from fieldcast.simulators.acoustics.scene import Scene, scene_from_head
from fieldcast.surrogates.predictor import FieldPredictor, load_predictor

Point = tuple[float, float, float]


def query(
    run: Path,
    head: Path,
    target: Point,
    entry: Point,
    output: Path = Path("query"),
    standoff: float = 5e-3,
    surface_pressure: float = 100e3,
    size: int = 48,
    kwave: bool = False,
) -> None:
    """Answer where, how strongly and how surely a transducer focuses in a head.

    Writes `field.nii.gz` (amplitude in Pa, in the head's own affine), `field_full.nii.gz` (the same world, at the
    resolution of the computation), `field.png` and `field.md` to a folder. Coordinates are those of the head's world
    (RAS+), in metres.

    Args:
        run: Run folder of a trained predictor; it also says which transducer is meant.
        head: CT of the head, a NIfTI file in Hounsfield units.
        target: Point inside the head through which the transducer's axis passes [m].
        entry: Point on the scalp where the axis enters, approximately [m].
        output: Folder for the answer.
        standoff: Distance from the plane of the transducer's rim to the scalp [m].
        surface_pressure: Of the transducer [Pa].
        size: Points along each axis of the grid around transducer and focus; a multiple of 8.
        kwave: Ask k-Wave as well, and write its field and errors beside.
    """
    predictor = load_predictor(run)
    image = read_head(head, spacing=predictor.domain.spacing)
    scene = scene_at(image, predictor, entry, target, standoff, surface_pressure, size)
    answers = {"surrogate": predictor(scene)}
    if kwave:
        answers["k-Wave"] = KWave()(scene)
    for name, field in answers.items():
        folder = output if name == "surrogate" else output / "kwave"
        folder.mkdir(parents=True, exist_ok=True)
        write_field(folder / "field.nii.gz", field, image)
        write_field(folder / "field_full.nii.gz", field)
        save_figure(plot_field(field, scene.head, scene.transducer, f"{head.name}: {name}"), folder / "field.png")
        table = describe(field, scene)
        (folder / "field.md").write_text(table + "\n")
        print(f"{name}: {folder}/field.nii.gz, field_full.nii.gz, field.png\n{table}")


def scene_at(
    image: HeadImage,
    predictor: FieldPredictor,
    entry: Point,
    target: Point,
    standoff: float,
    surface_pressure: float,
    size: int,
) -> Scene:
    """The predictor's own transducer on a head, in the middle of a cube of `size` points along each axis."""
    domain = predictor.domain
    bowl = Bowl(domain.radius_of_curvature, domain.aperture_diameter, domain.frequency, surface_pressure)
    transducer = place_bowl(image.head, bowl, entry=entry, target=target, standoff=standoff)
    grid = grid_around(transducer, (size,) * 3, domain.spacing)
    return scene_from_head(image.head.resample(grid), transducer)


def describe(field: PressureField, scene: Scene) -> str:
    """What one reads off a field, as a short table."""
    focus = field.focus
    shift = np.subtract(focus.position, np.asarray(scene.transducer.geometric_focus))
    rows = [
        ["focus (x, y, z)", ", ".join(f"{1e3 * x:.1f}" for x in focus.position) + " mm"],
        ["distance from the geometric focus", f"{1e3 * np.linalg.norm(shift):.1f} mm"],
        ["peak pressure in the head", f"{1e-3 * focus.pressure:.0f} kPa"],
        ["-6 dB volume", f"{1e9 * focus.volume:.0f} mm^3"],
        ["-6 dB widths", " x ".join(f"{1e3 * width:.1f}" for width in focus.widths) + " mm"],
        ["mechanical index (not derated)", f"{field.mechanical_index():.2f}"],
    ]
    if field.error_estimate is not None:
        error = float(np.asarray(field.error_estimate)[focus.index])
        rows.append(["expected error at the focus", f"± {1e-3 * error:.0f} kPa"])
    return markdown_table(["", "value"], rows)
