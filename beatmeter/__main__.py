"""``python -m beatmeter``: the command line, where no ``beatmeter`` is on the path."""

from beatmeter.cli import main

if __name__ == "__main__":
    main()
