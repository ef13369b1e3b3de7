"""What the experiment across resolutions trains, on which grids, and for how long."""

from dataclasses import dataclass, replace

from fieldcast.datasets.periodic import KolmogorovRecipe
from fieldcast.datasets.trajectory_recipe import Splits
from fieldcast.surrogates.operator_recipes import (
    DilResNetRecipe,
    FNORecipe,
    InterpolatedUNetRecipe,
    LocalFNORecipe,
    OperatorRecipe,
    UNetRecipe,
)
from fieldcast.surrogates.training.recipe import TrainingRecipe


@dataclass(frozen=True)
class Size:
    """Data, grids, models and budget.

    - `data`: as kept on the finest of the `train_grids`.
    - `train_points`: the grid of the training on one.
    - `train_grids`: those of the training on several.
    - `test_grids`: those finer than the data are reached by Fourier series.
    - `one`, `several`: operators by name, by what they are trained on. The interpolated U-Net has the weights of the
      U-Net where it is trained on one grid, so it is not trained there.
    - `num_windows`: pairs of snapshots in the test; the same ones on every grid.
    """

    name: str
    data: KolmogorovRecipe
    train_points: int
    train_grids: tuple[int, ...]
    test_grids: tuple[int, ...]
    one: dict[str, OperatorRecipe]
    several: dict[str, OperatorRecipe]
    training: TrainingRecipe
    seeds: tuple[int, ...]
    num_windows: int
    num_workers: int = 2


FLOW = KolmogorovRecipe(
    num_trajectories=36,
    num_snapshots=41,
    interval=0.25,
    first_time=12.0,
    num_points=64,
    kept_points=64,
    viscosity=1e-2,
    splits=Splits(4, 1, 1),
)
SMALL = {
    "LocalFNO, integrals": LocalFNORecipe(modes=20, width=15, radius=1 / 16, hidden_width=64),
    "LocalFNO, differences": LocalFNORecipe(modes=20, width=16, hidden_width=64),
    "FNO": FNORecipe(modes=20, width=16, hidden_width=64),
    "U-Net": UNetRecipe(14, (1, 2, 2), num_blocks=1),
    "DilResNet": DilResNetRecipe(20, num_blocks=2),
}
SMALL_ON_SEVERAL = {
    "U-Net, interpolated": InterpolatedUNetRecipe(14, (1, 2, 2), num_blocks=1),
    **{name: SMALL[name] for name in ("DilResNet", "U-Net", "FNO")},
}
CPU = Size(
    "cpu",
    FLOW,
    train_points=32,
    train_grids=(16, 32, 64),
    test_grids=(16, 32, 64, 128, 256),
    one=SMALL,
    several=SMALL_ON_SEVERAL,
    training=TrainingRecipe(num_steps=1500, batch_size=2, learning_rate=2e-3, validate_every=300),
    seeds=(0,),
    num_windows=8,
)
QUICK = replace(
    CPU,
    name="quick",
    data=replace(FLOW, num_trajectories=6, num_snapshots=21),
    train_grids=(32, 64),
    test_grids=(32, 64, 128),
    one={"LocalFNO, differences": SMALL["LocalFNO, differences"], "U-Net": UNetRecipe(8, (1, 2), num_blocks=1)},
    several={"U-Net": UNetRecipe(8, (1, 2), num_blocks=1)},
    training=replace(CPU.training, num_steps=200, validate_every=200),
    num_windows=4,
)
PUBLISHED = {
    "LocalFNO, integrals": LocalFNORecipe(modes=40, width=99, radius=1 / 64, hidden_width=256),
    "LocalFNO, differences": LocalFNORecipe(modes=40, width=99, hidden_width=256),
    "FNO": FNORecipe(modes=64, width=62, hidden_width=256),
    "U-Net": UNetRecipe(19, (1, 2, 2, 3), kernel_size=9),
    "DilResNet": DilResNetRecipe(128),
}
GPU = Size(
    "gpu",
    KolmogorovRecipe(num_trajectories=300, num_snapshots=41, num_points=512, kept_points=256, splits=Splits(4, 1, 1)),
    train_points=128,
    train_grids=(64, 128, 256),
    test_grids=(64, 128, 256, 512, 1024),
    one=PUBLISHED,
    several={
        "U-Net, interpolated": InterpolatedUNetRecipe(19, (1, 2, 2, 3), kernel_size=9),
        **{name: PUBLISHED[name] for name in ("DilResNet", "U-Net", "FNO")},
    },
    training=TrainingRecipe(num_steps=6000, batch_size=16, learning_rate=5e-4, validate_every=1000),
    seeds=(0,),
    num_windows=16,
    num_workers=1,
)
