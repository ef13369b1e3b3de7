"""The command line: `fieldcast demo | generate | work | inspect | train | evaluate | query`."""

import sys

import tyro


def main() -> None:
    """Parse the command line and run one command."""
    # Imported here, so that `fieldcast --help` needs nothing but tyro's own start.
    from fieldcast.scripts.demo import demo
    from fieldcast.scripts.evaluate import evaluate
    from fieldcast.scripts.generate import generate
    from fieldcast.scripts.inspect import inspect
    from fieldcast.scripts.query import query
    from fieldcast.scripts.train import train
    from fieldcast.scripts.work import work

    commands = {
        "demo": demo,
        "generate": generate,
        "work": work,
        "inspect": inspect,
        "train": train,
        "evaluate": evaluate,
        "query": query,
    }
    try:
        tyro.extras.subcommand_cli_from_dict(
            commands,
            prog="fieldcast",
            description="Physics simulators and their learned surrogates as the same kind of thing.",
        )
    except (ValueError, ArithmeticError, FileNotFoundError, ImportError) as error:
        # Bad input, a lost loss, a missing extra: the user's to mend, by the message alone.
        print(f"fieldcast: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        print("\nfieldcast: interrupted; run the same command again to go on.", file=sys.stderr)
        raise SystemExit(130) from None
