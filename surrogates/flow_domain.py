"""What flow a learned stepper was trained on: components, time step, grid."""

from dataclasses import asdict, dataclass
from typing import Any

from fieldcast.datasets.trajectory_file import TrajectoryHeader


@dataclass(frozen=True)
class DomainAxis:
    """One axis of space: its name, whether it is periodic, and the points of the training data along it."""

    name: str
    periodic: bool
    points: tuple[float, ...]

    @property
    def length(self) -> float:
        """Of the axis; a periodic one ends where its first point comes again."""
        return (self.points[-1] - self.points[0]) + (self.points[1] - self.points[0] if self.periodic else 0.0)


@dataclass(frozen=True)
class FlowDomain:
    """The flow of a dataset, in the scales that the dataset names.

    - `name`: of the dataset.
    - `components`: names of the channels.
    - `dt`: from one snapshot to the next.
    - `axes`: of space, in the order of the fields.
    - `parameters`: numbers of the flow, such as its viscosity, of the first trajectory.
    - `scales`: what lengths, times and velocities are measured in.
    """

    name: str
    components: tuple[str, ...]
    dt: float
    axes: tuple[DomainAxis, ...]
    parameters: tuple[tuple[str, float], ...] = ()
    scales: str = ""

    @classmethod
    def of(cls, header: TrajectoryHeader, stride: int = 1) -> "FlowDomain":
        """The domain of a trajectory of which every `stride`-th snapshot is used.

        **Raises:** `ValueError` when it has only one snapshot.
        """
        if len(header.times) < 2:
            raise ValueError(f"A trajectory of {header.name} with one snapshot has no time step to learn.")
        kinds = zip(header.axes.items(), header.boundary_types, strict=True)
        axes = tuple(DomainAxis(name, kind == "PERIODIC", tuple(map(float, points))) for (name, points), kind in kinds)
        return cls(
            header.name,
            header.components,
            stride * header.interval,
            axes,
            tuple(header.parameters.items()),
            header.scales,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis.points) for axis in self.axes)

    @property
    def periodic(self) -> tuple[bool, ...]:
        return tuple(axis.periodic for axis in self.axes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "FlowDomain":
        axes = tuple(DomainAxis(a["name"], a["periodic"], tuple(a["points"])) for a in stored["axes"])
        parameters = tuple((name, value) for name, value in stored["parameters"])
        return cls(**{**stored, "axes": axes, "parameters": parameters, "components": tuple(stored["components"])})
