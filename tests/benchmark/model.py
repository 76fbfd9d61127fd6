"""The model of `--by expected` beside lifetimes, on CDNOW or another log of events.

python tests/benchmark/model.py LOG.jsonl.gz [--until DATE] [--horizon WEEKS] [--runs N]

Both get the purchase days of the same customers, and must expect the same purchases of all
together. lifetimes comes from requirements-model.txt, into a virtual environment of its own. The
table is Markdown: medians of processor time, in seconds, of runs in turn. "cells" is what this
program does once before both fits, which is in its whole. Below it stand the whole processes, from
the log to the ranking.
"""

import argparse
import gc
import gzip
import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import timed

sys.path.append(str(Path(__file__).resolve().parents[1]))

from environments import make_environment

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
REQUIREMENTS = HERE / "requirements-model.txt"
VENV = TOP / ".venv-benchmark-model"
PYTHON = VENV / "bin/python"

STEPS = ("cells", "bg_nbd", "gamma_gamma", "prediction")
TARGETS = {"bg_nbd": 1 / 5, "gamma_gamma": 1 / 3, "prediction": 3.0}  # times what lifetimes takes
SAME = 1e-5  # of the expected purchases, as far as lifetimes climbs

Found = dict[str, float]


def write_customers(log: str, until: str, path: Path) -> None:
    """Write the day of the end, and the purchase days of each customer."""
    sys.path.insert(0, str(TOP / "src"))
    from ltv.ranking.purchases import purchases_of  # noqa: PLC0415 - the peer has no such module
    from ltv.times import DAY  # noqa: PLC0415 - likewise
    from ltv.values import parse_date  # noqa: PLC0415 - likewise
    from LTV_Calculate import end_of_data  # noqa: PLC0415 - likewise
    from LTV_Classes import Customer  # noqa: PLC0415 - likewise
    from LTV_Ingest import Ingest  # noqa: PLC0415 - likewise

    D: dict[str, Customer] = {}
    with gzip.open(log, "rt", encoding="utf-8") as lines:
        Ingest(map(json.loads, lines), D, before=parse_date(until) + DAY, errors=[])
    all_of = {name: purchases_of(customer.order_stamps) for name, customer in D.items()}
    known = {name: purchases for name, purchases in all_of.items() if purchases}
    path.write_text(json.dumps({"end_day": end_of_data(D) // DAY, "customers": known}))


def ours(known: dict[str, Any], horizon: float) -> Found:
    """Fit and predict by this program, which looks for no cycles meanwhile."""
    gc.disable()
    sys.path.insert(0, str(TOP / "src"))
    from ltv.ranking import bg_nbd, gamma_gamma  # noqa: PLC0415 - the peer has no such module
    from ltv.ranking.purchases import Purchases, Sample  # noqa: PLC0415 - likewise

    end_day = known["end_day"]
    customers = {name: Purchases(*values) for name, values in known["customers"].items()}
    times = [time.process_time()]
    sample = Sample()
    for name, purchases in customers.items():
        sample.add(name, purchases, end_day)
    sample.pack()
    times.append(time.process_time())
    buying = bg_nbd.Likelihood(sample.cells(bg_nbd.CELLS_AT_ONCE)).fit()
    times.append(time.process_time())
    gamma_gamma.fit_spends(sample.spends, 1_000_000)
    times.append(time.process_time())
    predictor = bg_nbd.Predictor(bg_nbd.BuyingParameters(*buying.parameters), horizon)
    expected = [
        predictor.expected(one.repeats, one.last_day - one.first_day, end_day - one.first_day)
        for one in customers.values()
    ]
    times.append(time.process_time())
    return found(times, math.fsum(expected))


def lifetimes(known: dict[str, Any], horizon: float) -> Found:
    """Fit and predict by lifetimes, with its defaults."""
    import numpy as np  # noqa: PLC0415 - it is in the peer's environment alone
    from lifetimes import BetaGeoFitter, GammaGammaFitter  # noqa: PLC0415 - likewise

    rows = [
        (x, (last - first) / 7, (known["end_day"] - first) / 7, repeats / 1_000_000 / max(x, 1))
        for first, last, x, _, repeats in known["customers"].values()
    ]
    x, recency, age, mean = np.array(rows).T
    times = [time.process_time()] * 2
    buying = BetaGeoFitter().fit(x, recency, age)
    times.append(time.process_time())
    GammaGammaFitter().fit(x[mean > 0], mean[mean > 0])
    times.append(time.process_time())
    predict = buying.conditional_expected_number_of_purchases_up_to_time
    expected = predict(horizon, x, recency, age)
    times.append(time.process_time())
    return found(times, math.fsum(expected))


def found(times: list[float], expected: float) -> Found:
    between = (after - before for before, after in itertools.pairwise(times))
    return dict(zip(STEPS, between, strict=True)) | {"expected": expected}


CONTENDERS = {"this program": (ours, sys.executable), "lifetimes": (lifetimes, str(PYTHON))}


def run(name: str, customers: Path, horizon: float) -> Found:
    command = [CONTENDERS[name][1], __file__, str(customers), "--as", name]
    done = subprocess.run(
        [*command, "--horizon", str(horizon)], check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    measured: Found = json.loads(done.stdout)
    return measured


def compare(customers: Path, horizon: float, runs: int) -> None:
    rounds: dict[str, list[Found]] = {name: [] for name in CONTENDERS}
    for _ in range(runs):
        for name, some in rounds.items():
            some.append(run(name, customers, horizon))
    medians = {
        name: {step: statistics.median(one[step] for one in some) for step in some[0]}
        for name, some in rounds.items()
    }
    mine, theirs = medians.values()
    print("| | this program | lifetimes | times | target |\n|---|--:|--:|--:|--:|")
    for step in STEPS:
        times = f"{mine[step] / theirs[step]:.2f}" if theirs[step] else ""
        target = f"{TARGETS[step]:.2f}" if step in TARGETS else ""
        print(f"| {step} | {mine[step]:.3f} | {theirs[step]:.3f} | {times} | {target} |")
    print(f"\nExpected of all: {mine['expected']:.2f}, lifetimes {theirs['expected']:.2f}")
    if not math.isclose(mine["expected"], theirs["expected"], rel_tol=SAME):
        raise SystemExit("they expect something else")


def compare_whole(log: str, until: str, horizon: float, runs: int) -> None:
    """Print the processor time of both from the log to the ranking; their first 3 are the same."""
    program = [sys.executable, str(TOP / "src" / "Main_Calculation.py")]
    asked = f"--by expected --horizon {horizon} --until {until} -f csv -o - -q".split()
    commands = {
        "this program": [*program, "100", log, *asked],
        "lifetimes": [str(PYTHON), str(HERE / "lifetimes_ranking.py"), log, until, str(horizon)],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        printed = []
        for name, command in commands.items():
            _, processor, text = timed(command)
            times[name].append(processor)
            printed.append(text.splitlines())
        (_, *rows), others = printed
        if [row.split(",")[1] for row in rows[:3]] != [one.split()[0] for one in others[:3]]:
            raise SystemExit("their first three are not the same")
    mine, theirs = map(statistics.median, times.values())
    print(f"\nFrom the log to the ranking: {mine:.2f} s, lifetimes {theirs:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("log", metavar="LOG")
    add("--until", default="1997-09-30", metavar="DATE")
    add("--horizon", type=float, default=39.0, metavar="WEEKS")
    add("--runs", type=int, default=5, metavar="N")
    add("--as", dest="contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        known = json.loads(Path(options.log).read_text("utf-8"))
        print(json.dumps(CONTENDERS[options.contender][0](known, options.horizon)))
        return
    make_environment(VENV, REQUIREMENTS)
    with tempfile.TemporaryDirectory() as directory:
        customers = Path(directory) / "customers.json"
        write_customers(options.log, options.until, customers)
        compare(customers, options.horizon, options.runs)
    compare_whole(options.log, options.until, options.horizon, options.runs)


if __name__ == "__main__":
    main()
