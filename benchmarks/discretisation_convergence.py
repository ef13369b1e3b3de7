"""What the grid changes in a model's answer: the same weights and the same function on finer and finer grids.

python benchmarks/discretisation_convergence.py --quick     smaller grids, prints one JSON line
python benchmarks/discretisation_convergence.py             writes docs/results/discretisation_convergence.{json,png}
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import tyro
from report import RESULTS, provenance, publish

from fieldcast.surrogates.layers.axes import PeriodicAxis
from fieldcast.surrogates.layers.differential_conv import DifferentialConv
from fieldcast.surrogates.layers.local_integral_conv import LocalIntegralConv
from fieldcast.surrogates.operators import (
    FFNO,
    FNO,
    IFNO,
    ClassicUNet,
    DilResNet,
    IFactFormer,
    InterpolatedUNet,
    LocalFNO,
    OFormer,
    SineNet,
    UNet,
    ViT,
)

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LARGEST_WAVENUMBER = 6
"""Of the field along each axis; all its waves are equally strong."""


class Case(NamedTuple):
    """A model for two channels on a torus of two axes, made for the coarsest grid."""

    make: Callable[[int, jax.Array], Callable]
    cells: bool = False
    """Whether its values belong to cells, so that answers are compared as means over the cells of the coarsest grid."""


def _local(layer: Callable[[int, jax.Array], DifferentialConv | LocalIntegralConv]) -> Case:
    def make(n: int, key: jax.Array) -> LocalFNO:
        keys = jax.random.split(key, 3)
        local = [layer(n, k) for k in keys[:2]]
        return LocalFNO(2, 1, (12, 12), local, 16, 64, coordinates=False, key=keys[2])

    return Case(make)


def _unet(key: jax.Array) -> UNet:
    return UNet(2, 1, 2, 4, (1, 2, 2), 1, kernel_size=9, periodic=True, key=key)


def _stronger(model: IFactFormer) -> IFactFormer:
    """With weights three times as large: at its initial values its integrals add next to nothing to the answer."""
    return jax.tree.map(lambda leaf: 3.0 * leaf if eqx.is_array(leaf) else leaf, model)


TORUS = (PeriodicAxis(1.0), PeriodicAxis(1.0))

FUNCTION_SPACE = {
    "FNO": Case(lambda _, key: FNO(2, 1, (12, 12), 16, 4, 64, coordinates=False, key=key)),
    "FNO, with coordinates": Case(lambda _, key: FNO(2, 1, (12, 12), 16, 4, 64, key=key)),
    "F-FNO": Case(lambda _, key: FFNO(2, 1, 2, 6, 16, 4, coordinates=False, key=key)),
    "IFNO": Case(lambda _, key: IFNO(2, 1, (12, 12), 16, 8, 64, coordinates=False, key=key)),
    "LocalFNO, differences": _local(lambda n, key: DifferentialConv(2, 16, 16, n, key=key)),
    "LocalFNO, integrals": _local(lambda n, key: LocalIntegralConv(2, 16, 16, 2 / n, key=key)),
    "IFactFormer-m": Case(lambda _, key: _stronger(IFactFormer(2, 1, TORUS, 16, 2, 4, key=key))),
    "IFactFormer-o": Case(lambda _, key: _stronger(IFactFormer(2, 1, TORUS, 16, 2, 4, chained=True, key=key))),
    "OFormer": Case(lambda _, key: OFormer(2, 1, TORUS, (12, 12), 16, 2, 2, key=key)),
    "ViT": Case(lambda n, key: ViT(2, 1, (4, 4), n // 4, 32, 2, 4, 64, key=key), cells=True),
    "U-Net, interpolated": Case(lambda n, key: InterpolatedUNet(_unet(key), n), cells=True),
}
PLAIN = {
    "U-Net": Case(lambda _, key: _unet(key), cells=True),
    "U-Net, classic": Case(lambda _, key: ClassicUNet(2, 1, 2, 8, 2, True, key=key), cells=True),
    "SineNet": Case(lambda _, key: SineNet(2, 1, 2, 2, 8, 1.5, 2, periodic=True, key=key), cells=True),
    "DilResNet": Case(lambda _, key: DilResNet(2, 1, 2, 8, 2, True, key=key), cells=True),
}


def smooth_field(num_points: int, cells: bool) -> np.ndarray:
    """Random waves of both channels, seen at the points of a grid or at the centres of its cells."""
    random = np.random.default_rng(0)
    waves = np.arange(-LARGEST_WAVENUMBER, LARGEST_WAVENUMBER + 1)
    coefficients = random.normal(size=(2, 2, len(waves), len(waves))) / len(waves)
    x = (np.arange(num_points) + (0.5 if cells else 0.0)) / num_points
    line = np.exp(2j * np.pi * np.multiply.outer(waves, x))
    return np.einsum("ckl,kx,ly->cxy", coefficients[0] + 1j * coefficients[1], line, line).real


def differences(case: Case, grids: tuple[int, ...]) -> list[float]:
    """Relative L2 difference of the answers on all grids but the last to that on the last, less its mean."""
    model = eqx.filter_jit(case.make(grids[0], jax.random.key(0)))
    answers = [model(jnp.asarray(smooth_field(n, case.cells)))[0] for n in grids]
    *answers, truth = (_on_coarsest(np.asarray(answer), grids[0], case.cells) for answer in answers)
    return [float(f"{np.sqrt(np.mean((answer - truth) ** 2)) / np.std(truth):.3g}") for answer in answers]


def _on_coarsest(answer: np.ndarray, num_points: int, cells: bool) -> np.ndarray:
    factor = len(answer) // num_points
    if not cells:
        return answer[::factor, ::factor]
    return answer.reshape(num_points, factor, num_points, factor).mean((1, 3))


def draw(result: dict[str, dict[str, list[float]]], grids: tuple[int, ...]) -> None:
    """One panel for the function-space forms, one for the plain ones."""
    figure, panels = plt.subplots(1, 2, figsize=(11, 6.0), sharey=True, layout="constrained")
    colours = plt.get_cmap("tab20").colors
    titles = {"function_space": "Operators between functions", "plain": "Plain networks"}
    for panel, (kind, title) in zip(panels, titles.items(), strict=True):
        for index, (name, values) in enumerate(result[kind].items()):
            style = {"color": colours[2 * index % 20 + index // 10], "marker": "osD^v<>pPX*"[index]}
            panel.loglog(grids[:-1], values, label=name, **style)
        panel.set_xticks(grids[:-1], [str(n) for n in grids[:-1]], minor=False)
        panel.set_xticks([], minor=True)
        panel.set(title=title, xlabel="points along each axis, N")
        panel.grid(alpha=0.3)
        panel.legend(fontsize=9, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    panels[0].set_ylim(1e-7, 4.0)
    panels[0].set_ylabel(f"relative L2 difference to the answer at N = {grids[-1]}")
    figure.savefig(RESULTS / "discretisation_convergence.png", dpi=110)


def main(quick: bool = False) -> None:
    """Measure every model; without `quick`, store the numbers and draw them.

    Args:
        quick: Smaller grids, and nothing is stored.
    """
    jax.config.update("jax_enable_x64", True)
    grids = (16, 32, 64) if quick else (32, 64, 128, 256)
    kinds = {"function_space": FUNCTION_SPACE, "plain": PLAIN}
    result = {kind: {name: differences(case, grids) for name, case in cases.items()} for kind, cases in kinds.items()}
    publish({"grids": grids, **result, **provenance()}, "discretisation_convergence", store=not quick)
    if not quick:
        draw(result, grids)


if __name__ == "__main__":
    tyro.cli(main)
