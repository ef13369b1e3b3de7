"""The layout of a data file, said once: writer, reader, validator and documentation follow these tables.

It is The Well's format (Ohana et al., 2024, arXiv:2412.00568), which its loader opens, and what we add to it:
attributes and groups that the loader ignores. A file holds one sample, a scene or a trajectory. In a path, `<name>`
stands for any name; where the group above lists the names, those and no others must be there.

The axes of a dataset are, in this order and each only where it applies:

- `sample`: `n_trajectories`, if `sample_varying`;
- `time`: the length of `/dimensions/time`, if `time_varying`;
- `space`: one axis for each of `spatial_dims`;
- `component`: `n_spatial_dims`, once for a vector, twice for a tensor;
- `boundary`: the length of the axis that the boundary condition belongs to;
- `any`: of a length of its own.
"""

import enum
from dataclasses import dataclass
from functools import lru_cache

FORMAT_VERSION = 1
KINDS = ("scene", "trajectory")


class ValueType(enum.Enum):
    """What an attribute holds."""

    TEXT = "text"
    TEXTS = "list of texts"
    JSON = "JSON text"
    INTEGER = "integer"
    NUMBER = "number"
    NUMBERS = "list of numbers"
    FLAG = "true or false"
    FLAGS = "list of true or false"


@dataclass(frozen=True)
class Attribute:
    """An attribute of a group or dataset.

    - `choices`: the only values it may have, if they are few.
    - `kinds`: the kinds of files that have it.
    - `ours`: whether it is an addition to The Well's format.
    - `required`: whether a file without it is refused.
    """

    name: str
    type: ValueType
    meaning: str
    choices: tuple = ()
    kinds: tuple[str, ...] = KINDS
    ours: bool = False
    required: bool = True


@dataclass(frozen=True)
class Item:
    """A group, or (if it has a `dtype`) a dataset.

    - `axes`: of a dataset, in order.
    - `listed_in`: the attribute of the group above which lists it by name.
    - `kinds`, `ours`: as those of an attribute.
    """

    path: str
    meaning: str
    attributes: tuple[Attribute, ...] = ()
    dtype: str | None = None
    axes: tuple[str, ...] = ()
    listed_in: str | None = None
    kinds: tuple[str, ...] = KINDS
    ours: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part for part in self.path.split("/") if part)


def _ours(name: str, type: ValueType, meaning: str, choices: tuple = (), **others) -> Attribute:
    return Attribute(name, type, meaning, choices, ours=True, **others)


def _flags(sample: tuple[bool, ...], time: tuple[bool, ...]) -> tuple[Attribute, ...]:
    return (
        Attribute("sample_varying", ValueType.FLAG, "differs from sample to sample: has the axis `sample`", sample),
        Attribute("time_varying", ValueType.FLAG, "differs from time to time: has the axis `time`", time),
    )


def _unit(*choices: str) -> Attribute:
    return _ours("unit", ValueType.TEXT, "SI, or `1` for numbers without dimension", choices)


_NAMES = Attribute("field_names", ValueType.TEXTS, "names of the datasets in this group")
_DIM_VARYING = Attribute("dim_varying", ValueType.FLAGS, "true for each axis of space")
_HAS_PHASE = _ours("has_phase", ValueType.FLAG, "whether the phase is known; if not, this is the amplitude")
_SCENE = ("scene",)
_TRAJECTORY = ("trajectory",)


def _field(
    name: str,
    meaning: str,
    order: int = 0,
    unit: tuple[str, ...] = (),
    time: tuple[bool, ...] = (),
    kinds: tuple[str, ...] = KINDS,
    others: tuple[Attribute, ...] = (),
) -> Item:
    return Item(
        f"/t{order}_fields/{name}",
        meaning,
        (*_flags((True,), time), _DIM_VARYING, _unit(*unit), *others),
        "float32",
        ("sample", "time", "space", *["component"] * order),
        "field_names",
        kinds,
    )


def _parameter(name: str, meaning: str, unit: tuple[str, ...] = (), kinds: tuple[str, ...] = KINDS) -> Item:
    attributes = (*_flags((False,), (False,)), _unit(*unit))
    return Item(f"/scalars/{name}", meaning, attributes, "float64", (), "field_names", kinds)


def _place(name: str, meaning: str, unit: str, axes: tuple[str, ...] = ("component",)) -> Item:
    return Item(f"/scene/{name}", meaning, (_unit(unit),), "float64", axes, kinds=_SCENE, ours=True)


LAYOUT: tuple[Item, ...] = (
    Item(
        "/",
        "the file",
        (
            Attribute("dataset_name", ValueType.TEXT, "the same in all files of a dataset"),
            Attribute("grid_type", ValueType.TEXT, "kind of the axes", ("cartesian", "spherical")),
            Attribute("n_spatial_dims", ValueType.INTEGER, "number of axes of space", (1, 2, 3)),
            Attribute("n_trajectories", ValueType.INTEGER, "number of samples in the file", (1,)),
            Attribute("simulation_parameters", ValueType.TEXTS, "names of the parameters"),
            Attribute("<parameter>", ValueType.NUMBER, "each parameter, as in `/scalars`"),
            _ours("fieldcast_format", ValueType.INTEGER, "version of this layout", (FORMAT_VERSION,)),
            # The first scene files did not name their kind.
            _ours("fieldcast_kind", ValueType.TEXT, "what the sample is; a scene, if missing", KINDS, required=False),
            _ours("fieldcast_version", ValueType.TEXT, "the version that wrote the file", kinds=_TRAJECTORY),
            _ours("components", ValueType.TEXTS, "the channels of the trajectory, in order", kinds=_TRAJECTORY),
            _ours("scales", ValueType.TEXT, "what lengths, times, ... are measured in", kinds=_TRAJECTORY),
            _ours(
                "digest",
                ValueType.TEXT,
                "sha256 of all attributes and of all numbers without a checksum of their own",
                required=False,
            ),
            _ours("complete", ValueType.FLAG, "a file without it was never finished", (True,)),
        ),
    ),
    Item(
        "/dimensions",
        "times and places",
        (Attribute("spatial_dims", ValueType.TEXTS, "names of the axes of space, in the order of the fields"),),
    ),
    Item("/dimensions/time", "increasing times", (*_flags((False,), (True,)), _unit()), "float32", ("time",)),
    Item(
        "/dimensions/<axis>",
        "coordinates of the points along an axis",
        (*_flags((False,), (False,)), _unit()),
        "float32",
        ("any",),
        listed_in="spatial_dims",
    ),
    Item("/boundary_conditions", "what is at the ends of the axes"),
    Item(
        "/boundary_conditions/<axis>_<type>",
        "the two ends of an axis",
        (
            Attribute("bc_type", ValueType.TEXT, "the condition", ("PERIODIC", "WALL", "OPEN")),
            Attribute("associated_dims", ValueType.TEXTS, "the axis"),
            Attribute("associated_fields", ValueType.TEXTS, "the fields"),
            *_flags((False,), (False,)),
        ),
    ),
    Item("/boundary_conditions/<axis>_<type>/mask", "true at the first and last point", (), "bool", ("boundary",)),
    Item("/scalars", "parameters of the simulation", (_NAMES,)),
    _parameter("frequency", "of the transducer", ("Hz",), kinds=_SCENE),
    _parameter("radius_of_curvature", "of the bowl", ("m",), kinds=_SCENE),
    _parameter("aperture_diameter", "of the bowl", ("m",), kinds=_SCENE),
    _parameter("surface_pressure", "at the bowl", ("Pa",), kinds=_SCENE),
    _parameter("phase", "of the sine at the bowl", ("rad",), kinds=_SCENE),
    _parameter("<parameter>", "a parameter"),
    Item("/t0_fields", "scalar fields", (_NAMES,)),
    _field("hounsfield", "the CT", unit=("HU",), time=(False,), kinds=_SCENE),
    _field(
        "pressure_real", "real part of the pressure", unit=("Pa",), time=(True,), kinds=_SCENE, others=(_HAS_PHASE,)
    ),
    _field("pressure_imag", "imaginary part, zero without phase", unit=("Pa",), time=(True,), kinds=_SCENE),
    _field("<field>", "a scalar"),
    Item("/t1_fields", "vector fields", (_NAMES,)),
    _field("<field>", "a vector; components in the order of the axes of space", order=1),
    Item("/t2_fields", "tensor fields; none so far", (_NAMES,)),
    _field("<field>", "a tensor", order=2),
    Item(
        "/scene",
        "the scene of a pressure field",
        (
            Attribute("spacing", ValueType.NUMBER, "distance of neighbouring points [m]"),
            Attribute("origin", ValueType.NUMBERS, "world coordinates of the first point [m]"),
            Attribute("mapping", ValueType.JSON, "how the acoustic maps follow from the CT"),
            Attribute("provenance", ValueType.JSON, "hash of the recipe, index, solver with its settings, seconds"),
            Attribute("fieldcast_version", ValueType.TEXT, "the version that wrote the file"),
        ),
        kinds=_SCENE,
        ours=True,
    ),
    _place("position", "apex of the transducer, world coordinates", "m"),
    _place("axis", "direction of its beam", "1"),
    _place("transducer_points", "points spread evenly over its surface", "m", ("any", "component")),
    Item(
        "/provenance",
        "where a trajectory comes from",
        (
            Attribute("provenance", ValueType.JSON, "recipe with its settings and hash, index, flow, device, versions"),
            Attribute("boundary_types", ValueType.TEXTS, "the condition at the ends of each axis"),
            Attribute("units", ValueType.JSON, "units of axes, components and parameters by name, where not 1"),
        ),
        kinds=_TRAJECTORY,
        ours=True,
    ),
)


@lru_cache(maxsize=4096)
def described(path: str, kind: str) -> Item | None:
    """What the layout says of a path in a file of this kind; nothing if it does not allow it."""
    parts = [part for part in path.split("/") if part]
    for item in LAYOUT:
        if (
            kind in item.kinds
            and len(item.parts) == len(parts)
            and all(mine == theirs or mine.startswith("<") for mine, theirs in zip(item.parts, parts, strict=True))
        ):
            return item
    return None
