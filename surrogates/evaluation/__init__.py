"""Solvers and surrogates on data they have not seen, side by side."""

from fieldcast.surrogates.evaluation.fields import FieldErrors as FieldErrors
from fieldcast.surrogates.evaluation.fields import evaluate as evaluate
from fieldcast.surrogates.evaluation.fields import field_errors as field_errors
from fieldcast.surrogates.evaluation.fields import mean_errors as mean_errors
from fieldcast.surrogates.evaluation.fields import seconds_per_field as seconds_per_field
from fieldcast.surrogates.evaluation.fields import spread_of_errors as spread_of_errors
