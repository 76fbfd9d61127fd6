"""Runs of `--engine spark` in one Spark context, so that not each of them starts one.

python spark_session.py    a line of standard input is a run: its arguments as JSON

For each a line of standard output has, as JSON, its exit status and what it said.
"""

import io
import json
import sys
import tempfile
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "src"))

from ltv.cluster.job import run_on_cluster, ship_modules
from ltv.options import parse_options
from ltv.process import exit_status


def run(arguments: list[str], context: Any) -> None:
    run_on_cluster(parse_options([*arguments, "--engine", "spark"]), context)


def main() -> None:
    from pyspark import SparkContext  # noqa: PLC0415 - only in the environment of Spark

    context = SparkContext.getOrCreate()
    with tempfile.TemporaryDirectory() as directory:
        ship_modules(context, directory)
        for line in sys.stdin:
            with redirect_stderr(io.StringIO()) as said:
                status = exit_status(partial(run, json.loads(line), context))
            print(json.dumps([status, said.getvalue()]), flush=True)
        context.stop()


if __name__ == "__main__":
    main()
