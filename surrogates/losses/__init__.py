"""What networks are trained to make small: each loss once, for one sample; `jax.vmap` outside."""

from fieldcast.surrogates.losses.amplitude import AmplitudeLoss as AmplitudeLoss
from fieldcast.surrogates.losses.deeptfus import PeakWeightedError as PeakWeightedError
from fieldcast.surrogates.losses.deeptfus import deeptfus_loss as deeptfus_loss
from fieldcast.surrogates.losses.deeptfus import gradient_error as gradient_error
from fieldcast.surrogates.losses.deeptfus import log_denormalise as log_denormalise
from fieldcast.surrogates.losses.deeptfus import log_normalise as log_normalise
from fieldcast.surrogates.losses.deeptfus import peak_weighted_error as peak_weighted_error
from fieldcast.surrogates.losses.deeptfus import peak_weights as peak_weights
from fieldcast.surrogates.losses.focal import SoftArgmaxError as SoftArgmaxError
from fieldcast.surrogates.losses.loss import Loss as Loss
from fieldcast.surrogates.losses.loss import SumOfLosses as SumOfLosses
from fieldcast.surrogates.losses.relative import ChannelRelativeL2 as ChannelRelativeL2
from fieldcast.surrogates.losses.relative import FieldRelativeL2 as FieldRelativeL2
from fieldcast.surrogates.losses.relative import MeanSquaredError as MeanSquaredError
from fieldcast.surrogates.losses.relative import RelativeL2 as RelativeL2
from fieldcast.surrogates.losses.relative import fields_of as fields_of
from fieldcast.surrogates.losses.sobolev import RelativeH1 as RelativeH1
from fieldcast.surrogates.losses.spectral import LogSpectralDistance as LogSpectralDistance
