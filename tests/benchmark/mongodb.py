"""How long a store on a server takes, in turn with a store in a file: joining, and ranking.

    python tests/benchmark/mongodb.py [--facts 100000] [--customers 50000] [--runs 3]

The server is that of the tests that are marked mongodb, in an environment of its own.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "src"), str(TOP / "tests")]

import make_log  # noqa: E402 - it is found from here on
import mongodb_environment  # noqa: E402
from ltv.store.session import store_at  # noqa: E402
from LTV_Calculate import topXSimpleLTVCustomers  # noqa: E402
from LTV_Classes import Customer  # noqa: E402
from LTV_Ingest import Ingest  # noqa: E402
from mongodb_server import Server  # noqa: E402

#: What is not to be taken longer than by a store in a file (issue 19).
MOST_JOINING, MOST_RANKING = 10, 75


def seconds(task: Callable[[], object]) -> float:
    """Return how long a task takes."""
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def join(place: str, D: dict[str, Customer]) -> None:
    """Make a store of the customers."""
    with store_at(place) as store:
        store.join(D.values())


def rank(place: str) -> None:
    """Rank what is in a store."""
    with store_at(place, is_written=False) as store:
        assert len(topXSimpleLTVCustomers(10, store)) == 10


def customers_of(facts: int, customers: int) -> dict[str, Customer]:
    """Return the customers of a log of so many events."""
    import json  # noqa: PLC0415

    D: dict[str, Customer] = {}
    return dict(Ingest(map(json.loads, make_log.events(facts, customers, 1)), D))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    mongodb_environment.make()
    sys.path.append(str(mongodb_environment.PACKAGES))
    D = customers_of(options.facts, options.customers)
    print(
        f"{options.facts:,} events of {len(D):,} customers; medians of {options.runs} runs in turn"
    )
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory))
        try:
            measure(server, Path(directory), D, options.runs)
        finally:
            server.kill()


def measure(server: Server, directory: Path, D: dict[str, Customer], runs: int) -> None:
    """Print how long both stores take."""
    times: dict[str, list[float]] = {}
    for number in range(runs):
        for kind, place in (
            ("file", str(directory / f"{number}.store")),
            ("server", server.new_place()),
        ):
            times.setdefault(f"join {kind}", []).append(seconds(lambda: join(place, D)))  # noqa: B023
            times.setdefault(f"rank {kind}", []).append(seconds(lambda: rank(place)))  # noqa: B023
            print(kind, {name: round(some[-1], 3) for name, some in times.items()}, flush=True)
    for task, most in (("join", MOST_JOINING), ("rank", MOST_RANKING)):
        file, on_server = (
            statistics.median(times[f"{task} {kind}"]) for kind in ("file", "server")
        )
        ratio = on_server / file
        verdict = "" if ratio <= most else ": MISSED"
        print(
            f"{task}: {file:.3f} s in a file, {on_server:.2f} s on a server, "
            f"{ratio:.1f} x (at most {most} x){verdict}"
        )


if __name__ == "__main__":
    main()
