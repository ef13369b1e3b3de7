"""Range, mean and spread of numbers that come piece by piece."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Moments:
    """Count, mean, sum of squared deviations, least and greatest of some vectors, component by component.

    Two sets of numbers have together (Chan, Golub and LeVeque, 1983, doi:10.1080/00031305.1983.10483115)

        mean = mean_1 + n_2 / n (mean_2 - mean_1),   S = S_1 + S_2 + n_1 n_2 / n (mean_2 - mean_1)^2

    which loses no digits to cancellation, as the difference of two large moments does.
    """

    count: int
    mean: Float[np.ndarray, " *component"]
    squares: Float[np.ndarray, " *component"]
    minimum: Float[np.ndarray, " *component"]
    maximum: Float[np.ndarray, " *component"]

    @classmethod
    def of(cls, values: Float[np.ndarray, "..."], order: int) -> "Moments":
        """Of a field of scalars (`order` 0), vectors (1) or tensors (2), whose last axes are the components."""
        values = values.astype(np.float64)
        points = tuple(range(values.ndim - order))
        mean = values.mean(axis=points)
        squares = ((values - mean) ** 2).sum(axis=points)
        count = int(np.prod(values.shape[: len(points)]))
        arrays = (mean, squares, values.min(axis=points), values.max(axis=points))
        return cls(count, *(np.asarray(array) for array in arrays))

    def __add__(self, other: "Moments") -> "Moments":
        count, step = self.count + other.count, other.mean - self.mean
        arrays = (
            self.mean + other.count / count * step,
            self.squares + other.squares + self.count * other.count / count * step**2,
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
        )
        return Moments(count, *(np.asarray(array) for array in arrays))

    @property
    def std(self) -> Float[np.ndarray, " *component"]:
        return np.asarray(np.sqrt(self.squares / self.count))

    @property
    def rms(self) -> Float[np.ndarray, " *component"]:
        return np.asarray(np.sqrt(self.mean**2 + self.std**2))
