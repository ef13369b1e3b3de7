"""`python -m fieldcast.scripts`: the command line, for where no `fieldcast` command is on the path."""

from fieldcast.scripts.cli import main

if __name__ == "__main__":
    main()
