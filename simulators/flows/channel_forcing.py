"""What drives a channel: a constant flux, or a constant pressure gradient."""

import abc

import equinox as eqx
from jaxtyping import Array, Float

from fieldcast.simulators.flows.chebyshev import quadrature_weights
from fieldcast.simulators.stepper import parameter


class ChannelForcing(eqx.Module):
    """How the mean pressure gradient along x is chosen in a time step."""

    @abc.abstractmethod
    def drive(self, profile: Float[Array, " y"], response: Float[Array, " y"]) -> Float[Array, " y"]:
        """The mean streamwise velocity after a time step.

        **Arguments:** `profile`: what it would be without a pressure gradient; `response`: what a gradient of -1 adds.
        """


class ConstantFlux(ChannelForcing):
    """A mean pressure gradient that keeps the bulk velocity, exactly, at every time step.

    **Arguments:** `bulk_velocity`: the mean of the streamwise velocity over the channel.
    """

    bulk_velocity: Float[Array, ""] = parameter()

    def drive(self, profile: Float[Array, " y"], response: Float[Array, " y"]) -> Float[Array, " y"]:
        gradient = (self.bulk_velocity - _bulk(profile)) / _bulk(response)
        return profile + gradient * response


class ConstantPressureGradient(ChannelForcing):
    """A mean pressure gradient that stays as it is.

    `gradient = -dP/dx = u_tau^2`, with lengths in half heights; a laminar channel then has `U = gradient (1 - y^2) /
    (2 viscosity)`.
    """

    gradient: Float[Array, ""] = parameter()

    def drive(self, profile: Float[Array, " y"], response: Float[Array, " y"]) -> Float[Array, " y"]:
        return profile + self.gradient * response


def _bulk(profile: Float[Array, " y"]) -> Float[Array, ""]:
    return profile @ (0.5 * quadrature_weights(profile.shape[0]))
