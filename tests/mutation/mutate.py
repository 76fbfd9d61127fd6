"""Run mutmut with what it is given here (README.md beside this file).

Each call of a function that mutmut changes goes through three of its own, so values as deep as
the rules allow need more frames than Python has by default.
"""

import sys

from mutmut.__main__ import cli

FRAMES = 10_000

if __name__ == "__main__":
    sys.setrecursionlimit(FRAMES)
    cli()
