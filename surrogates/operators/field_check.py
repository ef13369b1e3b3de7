"""What an operator refuses before it computes."""


def check_field(
    model: str, shape: tuple[int, ...], in_channels: int, num_spatial_dims: int, num_halvings: int = 0
) -> None:
    """Refuse a field that does not fit a model.

    **Arguments:**

    - `model`: name for the message.
    - `shape`: of the field, channels first.
    - `in_channels`, `num_spatial_dims`: what the model was made for.
    - `num_halvings`: how often the model halves the grid.

    **Raises:** `ValueError` when channels, axes or the grid do not fit.
    """
    if len(shape) != num_spatial_dims + 1 or shape[0] != in_channels:
        raise ValueError(
            f"This {model} takes {in_channels} channel(s) on {num_spatial_dims} axes, without a batch axis (vmap over "
            f"batches); got shape {shape}."
        )
    factor = 2**num_halvings
    if any(n % factor for n in shape[1:]):
        raise ValueError(
            f"This {model} halves the grid {num_halvings} times, so every axis must be divisible by {factor}; got "
            f"{shape[1:]}. Pad or crop the field, or use fewer levels."
        )
