"""First fields of flows in periodic boxes."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import jax.random as jrandom
from jaxtyping import Array, Float, PRNGKeyArray

from fieldcast.simulators import spectral
from fieldcast.simulators.flows import periodic_operators as operators
from fieldcast.simulators.flows.periodic_box import PeriodicBox
from fieldcast.simulators.flows.shell_spectrum import shell_spectrum, shell_wavenumbers

EnergySpectrum = Callable[[Float[Array, " shell"]], Float[Array, " shell"]]


def taylor_green_vorticity(box: PeriodicBox) -> Float[Array, "1 x y"]:
    """The vorticity of the Taylor-Green vortex in the plane, which decays as `exp(-2 nu k^2 t)`.

        u = sin(k x) cos(k y),   v = -cos(k x) sin(k y),   omega = 2 k sin(k x) sin(k y),   k = 2 pi / L

    Source: Taylor and Green, Proc. R. Soc. A 158, 1937, doi:10.1098/rspa.1937.0036.
    """
    k = _wavenumber_of_cube(box)
    x, y = k * jnp.asarray(box.points(), float)
    return (2.0 * k * jnp.sin(x) * jnp.sin(y))[None]


def taylor_green_velocity(box: PeriodicBox) -> Float[Array, "3 x y z"]:
    """The Taylor-Green vortex, smooth at first, which becomes turbulent.

        u = sin(k x) cos(k y) cos(k z),   v = -cos(k x) sin(k y) cos(k z),   w = 0,   k = 2 pi / L

    Its energy `<u_i u_i>/2` is 1/8 and its enstrophy `<omega_i omega_i>/2` is 3 k^2 / 8. Good values in a box of side
    2 pi: viscosity 1/1600, until time 20; the dissipation peaks near 9.

    Source: Brachet et al., J. Fluid Mech. 130, 1983, doi:10.1017/S0022112083001159.
    """
    x, y, z = _wavenumber_of_cube(box) * jnp.asarray(box.points(), float)
    u = jnp.sin(x) * jnp.cos(y) * jnp.cos(z)
    v = -jnp.cos(x) * jnp.sin(y) * jnp.cos(z)
    return jnp.stack([u, v, jnp.zeros_like(u)])


def random_velocity(
    box: PeriodicBox, energy_spectrum: EnergySpectrum, *, key: PRNGKeyArray
) -> Float[Array, "axis *space"]:
    """A random divergence-free velocity without mean, isotropic but for the box, of a given energy spectrum.

        1/2 <u_i u_i> = sum_n E(n k_0) k_0,   k_0 = 2 pi / max(L)

    White noise, projected, and scaled in each shell of wavenumbers (as in `shell_spectrum`) to the energy of the
    shell: phases and directions are random, the energy of a shell is not. Modes that products alias are left out.

    **Arguments:**

    - `box`: of two or three axes.
    - `energy_spectrum`: `E`, a function of the wavenumber, such as `peaked_spectrum(4.0)`.

    Source: after Rogallo, NASA TM 81315, 1981.
    """
    dimensions = len(box.num_points)
    noise = operators.to_spectrum(jrandom.normal(key, (dimensions, *box.num_points)), box)
    noise = operators.leray_projection(noise, box)
    present = shell_spectrum(operators.to_fields(noise, box), box)
    radii = jnp.asarray(shell_wavenumbers(box), present.dtype)
    # No energy for the mean, nor for shells of removed modes, where there is but round-off.
    filled = (radii > 0) & (present > 1e-6 * jnp.max(present))
    gain = jnp.where(filled, energy_spectrum(jnp.where(radii > 0, radii, 1.0)) * radii[1] / present, 0.0)
    shell = jnp.round(spectral.magnitude(box.wavenumbers(), present.dtype) / radii[1]).astype(int)
    return operators.to_fields(spectral.scaled(noise, jnp.sqrt(gain)[shell][None]), box)


def random_vorticity(box: PeriodicBox, energy_spectrum: EnergySpectrum, *, key: PRNGKeyArray) -> Float[Array, "1 x y"]:
    """The vorticity of a `random_velocity` in the plane.

    With `energy_spectrum=mcwilliams_spectrum(...)` it is the usual start of decaying turbulence in two dimensions.
    """
    velocity = operators.to_spectrum(random_velocity(box, energy_spectrum, key=key), box)
    return operators.to_fields(operators.curl(velocity, box), box)


def peaked_spectrum(peak: float, energy: float = 0.5) -> EnergySpectrum:
    """An energy spectrum of large eddies and a steep end.

        E(k) = 32/3 sqrt(2/pi) (K / k_p) (k / k_p)^4 exp(-2 (k / k_p)^2),   integral of E = K

    **Arguments:** `peak`: `k_p`, where it is largest; `energy`: `K`.

    Source: Orszag and Patterson, Phys. Rev. Lett. 28, 1972, doi:10.1103/PhysRevLett.28.76.
    """

    def spectrum(k: Float[Array, " shell"]) -> Float[Array, " shell"]:
        scale = 32.0 / 3.0 * math.sqrt(2.0 / math.pi) * energy / peak
        return scale * (k / peak) ** 4 * jnp.exp(-2.0 * (k / peak) ** 2)

    return spectrum


def mcwilliams_spectrum(knee: float = 6.0, energy: float = 0.5) -> EnergySpectrum:
    """The energy spectrum from which coherent vortices emerge in the plane.

        E(k) = 4/pi (K / k_0) (k / k_0) / (1 + (k / k_0)^4),   integral of E = K

    **Arguments:** `knee`: `k_0`; `energy`: `K`.

    Source: McWilliams, J. Fluid Mech. 146, 1984, doi:10.1017/S0022112084001750.
    """

    def spectrum(k: Float[Array, " shell"]) -> Float[Array, " shell"]:
        return 4.0 / math.pi * energy / knee * (k / knee) / (1.0 + (k / knee) ** 4)

    return spectrum


def _wavenumber_of_cube(box: PeriodicBox) -> float:
    if len(set(box.lengths)) != 1:
        raise ValueError(f"The Taylor-Green vortex needs a box with sides of one length, got {box.lengths}.")
    return 2.0 * math.pi / box.lengths[0]
