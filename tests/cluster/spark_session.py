"""Runs of ltv.cluster.job in one Spark context, so that not each of them starts one.

python spark_session.py    a line of standard input is a run: its arguments as JSON

For each a line of standard output has, as JSON, its exit status and what it said.
"""

import io
import json
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "src"))

import ltv.cluster.job


def main() -> None:
    from pyspark import SparkContext  # noqa: PLC0415 - only in the environment of Spark

    context = SparkContext.getOrCreate()
    with tempfile.TemporaryDirectory() as directory:
        ltv.cluster.job.ship_modules(context, directory)
        for line in sys.stdin:
            with redirect_stderr(io.StringIO()) as said:
                status = ltv.cluster.job.main(json.loads(line), context)
            print(json.dumps([status, said.getvalue()]), flush=True)
        context.stop()


if __name__ == "__main__":
    main()
