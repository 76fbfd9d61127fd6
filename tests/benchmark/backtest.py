"""`--backtest` beside the plain ranking of the same log: whole processes, in turn.

python tests/benchmark/backtest.py LOG.jsonl.gz [--date DATE] [--x X] [--runs N]

The table is Markdown: medians of wall time and processor time, and peak memory of all processes.
"""

import argparse
import sys
from pathlib import Path

from measure import MB, Contender, in_turn

PROGRAM = Path(__file__).resolve().parents[2] / "src/Main_Calculation.py"
TARGET = 3.0  # times the wall time of the ranking


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("log", metavar="LOG")
    add("--date", default="1997-09-30", metavar="DATE")
    add("--x", default="100", metavar="X")
    add("--runs", type=int, default=5, metavar="N")
    options = parser.parse_args()
    plain = [sys.executable, str(PROGRAM), options.x, options.log, "-q", "-o", "-"]
    costs = in_turn(
        [
            Contender("ranking", plain, lambda mine, first: True),
            Contender(
                "backtest", [*plain, "--backtest", options.date], lambda mine, first: mine != first
            ),
        ],
        options.runs,
    )
    base = costs["ranking"]
    print("| | wall time | processor time | peak memory |\n|---|--:|--:|--:|")
    for name, cost in costs.items():
        wall, processor = cost.wall / base.wall, cost.processor / base.processor
        cells = f"{cost.wall:.2f} s ({wall:.1f} x) | {cost.processor:.2f} s ({processor:.1f} x)"
        print(f"| {name} | {cells} | {cost.memory / MB:,.0f} MB |")
    print(f"\nTarget: {TARGET} x the wall time of the ranking")


if __name__ == "__main__":
    main()
