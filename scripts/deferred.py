"""Choices of commands: what tyro is to call is only remembered while it still parses the command line."""

import functools
from collections.abc import Callable
from typing import Annotated, Any, Union

import tyro


def choice_of(commands: dict[str, Callable[..., None]]) -> Any:
    """The type of a choice of commands by their names; its value is what is to be done, once parsing has ended.

    What fails then is no error of parsing.
    """
    return Union[  # noqa: UP007
        tuple(Annotated[Any, tyro.conf.subcommand(name, constructor=_deferred(run))] for name, run in commands.items())
    ]


def _deferred(run: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """A constructor with the arguments of `run`, which remembers them."""

    @functools.wraps(run)
    def remember(**arguments: Any) -> Callable[[], None]:
        return functools.partial(run, **arguments)

    return remember
