"""Procedural heads: random skulls with scalp, two tables, diploe and brain, on any grid."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from fieldcast.simulators.acoustics.head import AIR, Head
from fieldcast.simulators.grid import Coordinates, Grid

Range = tuple[float, float]


@dataclass(frozen=True)
class SkullPhantom:
    """A family of random heads.

    The scalp is the closed surface

        |x|_A = 1 + shape_variation * g(x / |x|),    |x|_A^2 = (x/a)^2 + (y/b)^2 + (z/c)^2,

    with a smooth random function `g` in (-1, 1). Below it lie, in layers whose thickness varies smoothly over the head,
    scalp, outer table, diploe, inner table and brain. Two calls with the same integer seed give the same head,
    whatever their grids. The head is centred at the origin, x to the right, y to the front, z up; on a two-dimensional
    grid one gets its plane z = 0.

    **Arguments:** each head draws its values evenly from the ranges.

    - `semi_axes`: ranges of the ellipsoid's semi-axes a, b, c [m].
    - `scalp_thickness`, `skull_thickness`: means over a head [m]; `diploe_share`: mean share of diploe in the skull.
    - `shape_variation`, `thickness_variation`, `texture_variation`: largest relative deviations from the head's mean
      of the surface, the thicknesses and shares, and the CT numbers of bone.
    - `soft_tissue_hounsfield` (drawn for scalp and brain), `table_hounsfield`, `diploe_hounsfield`: means [HU].
    """

    semi_axes: tuple[Range, Range, Range] = ((74e-3, 82e-3), (88e-3, 98e-3), (78e-3, 90e-3))
    scalp_thickness: Range = (4e-3, 7e-3)
    skull_thickness: Range = (5e-3, 7.5e-3)
    diploe_share: Range = (0.3, 0.5)
    shape_variation: float = 0.03
    thickness_variation: float = 0.2
    texture_variation: float = 0.12
    soft_tissue_hounsfield: Range = (20.0, 60.0)
    table_hounsfield: Range = (1380.0, 1690.0)
    diploe_hounsfield: Range = (460.0, 890.0)

    def __call__(self, seed: int | np.random.Generator, grid: Grid) -> Head:
        """The head number `seed` on `grid`."""
        return self.draw(seed).on(grid)

    def draw(self, seed: int | np.random.Generator) -> "SyntheticHead":
        """The head number `seed` (or the next of a generator) as a function of space."""
        generator = np.random.default_rng(seed)
        thickness = self.thickness_variation
        return SyntheticHead(
            semi_axes=np.array([generator.uniform(*span) for span in self.semi_axes]),
            shape=_varying((1.0, 1.0), self.shape_variation, 0.7, generator),
            scalp_thickness=_varying(self.scalp_thickness, thickness, 0.3, generator),
            skull_thickness=_varying(self.skull_thickness, thickness, 0.3, generator),
            diploe_share=_varying(self.diploe_share, thickness, 0.3, generator),
            outer_share=_varying((0.5, 0.55), 0.5 * thickness, 0.3, generator),
            scalp_hounsfield=generator.uniform(*self.soft_tissue_hounsfield),
            brain_hounsfield=generator.uniform(*self.soft_tissue_hounsfield),
            table_hounsfield=_varying(self.table_hounsfield, self.texture_variation, 8e-3, generator),
            diploe_hounsfield=_varying(self.diploe_hounsfield, self.texture_variation, 5e-3, generator),
        )


@dataclass(frozen=True, eq=False)
class _SmoothFunction:
    """A smooth random function of space, `mean * (1 + variation * tanh(g))`.

    `g` is close to a Gaussian process of unit variance with a Gaussian kernel, made of random Fourier features (Rahimi
    and Recht, "Random Features for Large-Scale Kernel Machines", NeurIPS 2007).
    """

    mean: float
    variation: float
    wave_vectors: np.ndarray
    phases: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        # Single precision is ample for a texture and several times faster.
        angles = points.astype(np.float32) @ self.wave_vectors.T + self.phases
        process = np.cos(angles).sum(axis=-1) * np.sqrt(2.0 / self.phases.size)
        return np.asarray(self.mean * (1.0 + self.variation * np.tanh(process.astype(float))))


def _varying(span: Range, variation: float, length: float, generator: np.random.Generator) -> _SmoothFunction:
    """A random smooth function with its mean from `span` and correlation length `length`."""
    num_features = 16
    return _SmoothFunction(
        mean=generator.uniform(*span),
        variation=variation,
        wave_vectors=(generator.standard_normal((num_features, 3)) / length).astype(np.float32),
        phases=generator.uniform(0.0, 2.0 * np.pi, num_features).astype(np.float32),
    )


@dataclass(frozen=True, eq=False)
class SyntheticHead:
    """One head of a `SkullPhantom`, as a function of space. Made by `SkullPhantom.draw`.

    Thicknesses and shares are functions of the direction from the centre, CT numbers of bone functions of the place.
    """

    semi_axes: np.ndarray
    shape: _SmoothFunction
    scalp_thickness: _SmoothFunction
    skull_thickness: _SmoothFunction
    diploe_share: _SmoothFunction
    outer_share: _SmoothFunction
    scalp_hounsfield: float
    brain_hounsfield: float
    table_hounsfield: _SmoothFunction
    diploe_hounsfield: _SmoothFunction

    def on(self, grid: Grid) -> Head:
        """The CT on `grid`; a voxel cut by a surface holds the mean of what it covers, so thin tables keep their mass.

        **Arguments:**

        - `grid`: any grid, with two or three axes; a patch of the head is as good as the whole.

        **Returns:** the head on that grid.
        """
        points = _in_space(np.stack(np.meshgrid(*grid.axes(), indexing="ij"), axis=-1).reshape(-1, grid.ndim))
        depth = self._depth(points)
        hounsfield = np.where(depth > 0, self.brain_hounsfield, AIR)
        thickest = _largest(self.scalp_thickness) + _largest(self.skull_thickness)
        layered = (depth > -grid.spacing) & (depth < thickest + grid.spacing)
        hounsfield[layered] = self._layers(points[layered], depth[layered], grid.spacing)
        return Head(jnp.asarray(hounsfield.reshape(grid.shape), dtype=float), grid)

    def depth(self, points: Coordinates) -> Float[np.ndarray, "..."]:
        """How far `points` [m] (last axis: coordinate) lie below the scalp, to first order [m]; negative outside."""
        return self._depth(_in_space(np.asarray(points, dtype=float)))

    def scalp_point(self, direction: Coordinates) -> Float[np.ndarray, " axis"]:
        """The point of the scalp [m] in a `direction` from the centre of the head."""
        direction = np.asarray(direction, dtype=float)
        direction = direction / np.linalg.norm(direction)
        in_space = _in_space(direction)
        return direction * (self.shape(in_space) / np.linalg.norm(in_space / self.semi_axes))

    def scalp_normal(self, point: Coordinates) -> Float[np.ndarray, " axis"]:
        """The outward unit normal of the scalp at a `point` [m] on it."""
        point = np.asarray(point, dtype=float)
        step = 1e-3 * np.eye(point.size)
        gradient = self.depth(point[None] - step) - self.depth(point[None] + step)
        return gradient / np.linalg.norm(gradient)

    def _depth(self, points: np.ndarray) -> np.ndarray:
        scaled = np.linalg.norm(points / self.semi_axes, axis=-1)
        slope = np.linalg.norm(points / self.semi_axes**2, axis=-1) / np.maximum(scaled, 1e-9)
        # At the very centre direction and slope are undefined; any deep value will do there.
        return np.asarray((self.shape(_directions(points)) - scaled) / np.maximum(slope, 1.0 / self.semi_axes.max()))

    def _layers(self, points: np.ndarray, depth: np.ndarray, spacing: float) -> np.ndarray:
        """CT numbers [HU] of points in or near scalp and skull."""
        directions = _directions(points)
        skull = self.skull_thickness(directions)
        diploe = skull * self.diploe_share(directions)
        outer = (skull - diploe) * self.outer_share(directions)
        scalp = self.scalp_thickness(directions)
        table_hounsfield, diploe_hounsfield = self.table_hounsfield(points), self.diploe_hounsfield(points)

        def below(surface: np.ndarray | float) -> np.ndarray:
            """The share of a voxel that lies deeper than `surface`."""
            return np.clip((depth - surface) / spacing + 0.5, 0.0, 1.0)

        hounsfield = AIR + (self.scalp_hounsfield - AIR) * below(0.0)
        hounsfield += (table_hounsfield - self.scalp_hounsfield) * below(scalp)
        hounsfield += (diploe_hounsfield - table_hounsfield) * below(scalp + outer)
        hounsfield += (table_hounsfield - diploe_hounsfield) * below(scalp + outer + diploe)
        return hounsfield + (self.brain_hounsfield - table_hounsfield) * below(scalp + skull)


def _largest(function: _SmoothFunction) -> float:
    return function.mean * (1.0 + function.variation)


def _directions(points: np.ndarray) -> np.ndarray:
    return points / np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1e-9)


def _in_space(points: np.ndarray) -> np.ndarray:
    """Points of a plane as points of the plane z = 0; points of space as they are."""
    if points.shape[-1] == 3:
        return points
    return np.concatenate([points, np.zeros((*points.shape[:-1], 1))], axis=-1)
