"""How far a prediction is from the truth, in numbers that mean something to whom it serves."""

from fieldcast.surrogates.metrics.divergence import relative_divergence as relative_divergence
from fieldcast.surrogates.metrics.focal import dice as dice
from fieldcast.surrogates.metrics.focal import focal_position_error as focal_position_error
from fieldcast.surrogates.metrics.focal import peak_pressure_error as peak_pressure_error
from fieldcast.surrogates.metrics.pointwise import channel_relative_l2 as channel_relative_l2
from fieldcast.surrogates.metrics.pointwise import pearson_correlation as pearson_correlation
from fieldcast.surrogates.metrics.pointwise import relative_l2 as relative_l2
from fieldcast.surrogates.metrics.pointwise import root_mean_square_error as root_mean_square_error
from fieldcast.surrogates.metrics.pointwise import variance_scaled_error as variance_scaled_error
from fieldcast.surrogates.metrics.rollouts import correlation_time as correlation_time
from fieldcast.surrogates.metrics.rollouts import energy_drift as energy_drift
from fieldcast.surrogates.metrics.rollouts import error_against_time as error_against_time
from fieldcast.surrogates.metrics.rollouts import kinetic_energy as kinetic_energy
from fieldcast.surrogates.metrics.statistics import ProfileErrors as ProfileErrors
from fieldcast.surrogates.metrics.statistics import log_spectral_distance as log_spectral_distance
from fieldcast.surrogates.metrics.statistics import profile_errors as profile_errors
