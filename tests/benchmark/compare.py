"""This program beside its peers, and beside itself on other logs, on seeded logs made on the spot.

python tests/benchmark/compare.py [--cases CASE ...] [--events N ...] [--runs N]

Needs Python 3.11 or later on Linux; DuckDB and Polars come from requirements.txt, into a virtual
environment of the benchmark's own. What is compared runs in turn on the same files, and must give
the same answer. The tables are Markdown: medians of wall time and of processor time (of all
processes), and what all processes together held at most of memory (PSS, a page that n share counts
an n-th for each) and of disk for temporary files (both sampled every 10 ms in a run that is not
timed), in MB of 1,000,000 bytes. With `--against`, an earlier build of this program, in another
checkout, runs right after each run of this one.
"""

import argparse
import compileall
import csv
import gzip
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from subprocess import DEVNULL
from typing import NamedTuple

from layouts import LAYOUTS, MESSY, SHAPES
from measure import MB, Contender, Cost, in_turn

sys.path.append(str(Path(__file__).resolve().parents[1]))

from environments import make_environment

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
PROGRAM = TOP / "src/Main_Calculation.py"
MAKE_LOG = TOP / "tests/make_log.py"
REQUIREMENTS = HERE / "requirements.txt"
VENV = TOP / ".venv-benchmark"
MAKERS = (MAKE_LOG, HERE / "layouts.py", HERE / "messy.py", HERE / "shapes.py")
PYTHON = VENV / "bin/python"

X = 10
EVENTS_OF_SMALL_FILE = 50
PEERS = ("duckdb", "polars", "plain")
TOO_MANY_FOR_PLAIN = 10_000_000
VARIANT = 1.3
FRAMED = 1.15
TARGETS = {  # of a layout: how many times what the base takes; not named: VARIANT
    "array": FRAMED,
    "compact": FRAMED,
    "array in one line": 2.0,
}
FRAMINGS = ("array", "array in one line", "compact")
OTHERS = tuple(name for name in LAYOUTS if name not in {"base", "gzip", *FRAMINGS, *MESSY, *SHAPES})
SHAPE_TARGETS = {  # of a shape: how many times the processor time of the base
    "half CRLF": 1.4,
    "half rejected": 4.0,
    "all rejected": 5.0,
    "pretty array": 3.0,
    "nested array in one line": 3.0,
    "texts beyond ASCII": 2.0,
    "numbers": 1.3,
}
EARLIER = ", earlier build"


def compile_builds(*programs: Path | None) -> None:
    """Have the bytecode of this program and others at hand, so that no run pays for compiling."""
    for one in filter(None, (PROGRAM, *programs)):
        compileall.compile_dir(one.parent, quiet=1)


def say(text: str) -> None:
    """What is no result goes to standard error, so that the tables can be redirected."""
    print(text, file=sys.stderr, flush=True)


def script(name: str) -> str:
    return str(HERE / f"{name}.py")


class Logs(NamedTuple):
    """Logs by what they hold, made when first asked for, kept as long as the directory is."""

    directory: Path

    def get(self, events: int, *, heavy: bool = False, layout: str = "base") -> str:
        makers = b"".join(maker.read_bytes() for maker in MAKERS)
        name = f"{events}{'-heavy' * heavy}-{layout.replace(' ', '-')}"
        digest = hashlib.sha256(makers).hexdigest()[:8]  # no log of an earlier maker is reused
        log = self.directory / f"{name}-{digest}{LAYOUTS[layout].ending}"
        if not log.exists():
            say(f"== making {log.name}")
            part = log.with_name(f"part-{log.name}")
            command = [str(MAKE_LOG), "--format", "jsonl", "-o", str(part)]
            command += ["--events", str(events), "--customers", str(max(events // 20, 1))]
            command += ["--heavy-tail"] * heavy
            if layout != "base":
                command = [script("layouts"), layout, self.get(events, heavy=heavy), str(part)]
            subprocess.run([sys.executable, *command], check=True)
            part.replace(log)
        return str(log)

    def split(self, events: int, layout: str) -> str:
        """A directory with the same events in many small files, for the layouts base and gzip."""
        log = Path(self.get(events))
        directory = log.with_name(f"{log.stem}-small-{layout}")
        if not directory.exists():
            say(f"== making {directory.name}")
            part = Path(tempfile.mkdtemp(dir=self.directory))
            with log.open("rb") as lines:
                for number in range(-(-events // EVENTS_OF_SMALL_FILE)):
                    text = b"".join(islice(lines, EVENTS_OF_SMALL_FILE))
                    small = part / f"{number:06}{LAYOUTS[layout].ending}"
                    small.write_bytes(gzip.compress(text) if layout == "gzip" else text)
            part.replace(directory)
        return str(directory)


class Run(NamedTuple):
    """What was asked for."""

    logs: Logs
    events: list[int]
    runs: int
    peers: list[str] | None
    against: Path | None  # the main job of an earlier build

    @property
    def base(self) -> str:
        """The log that most cases are about."""
        return self.logs.get(self.smallest)

    @property
    def smallest(self) -> int:
        return min(self.events)


# Whether two answers are the same


def rows(printed: str) -> list[list[str]]:
    """The columns that everyone has."""
    header, *table = csv.reader(printed.splitlines())
    begin, end = header.index("customer_id"), header.index("visits_per_week") + 1
    return [row[begin:end] for row in table]


def same_rows(mine: str, first: str) -> bool:
    return rows(mine) == rows(first)


def same_numbers(mine: str, first: str) -> bool:
    """All columns but ids and names."""
    return [row[2:] for row in rows(mine)] == [row[2:] for row in rows(first)]


def same_ids(mine: str, first: str) -> bool:
    """Mine are ids alone: the plain script knows no cents."""
    return mine.split() == [row[0] for row in rows(first)]


def same_as_json_lines(mine: str, first: str) -> bool:
    """The same where the first one's are JSON Lines."""
    mine_rows = rows(mine)
    end = 1 + len(mine_rows[0])  # after the rank
    found = [
        list(json.loads(line, parse_float=str, parse_int=str).values())[1:end]
        for line in first.splitlines()
    ]
    return mine_rows == [["" if cell is None else cell for cell in row] for row in found]


def no_matter(*_: str) -> bool:
    return True


# Contenders


def program(log: str, name: str = "this program", *options: str) -> Contender:
    command = [sys.executable, str(PROGRAM), str(X), log, "-q", "-f", "csv", "-o", "-", *options]
    return Contender(name, command, same_rows)


def peer(name: str, log: str) -> Contender:
    if name == "plain":
        command = [sys.executable, script("plain"), str(X), log]
        return Contender("plain script", command, same_ids)
    return Contender(name, [str(PYTHON), script(f"{name}_ranking"), str(X), log], same_rows)


def variant(run: Run, layout: str) -> Contender:
    log = run.logs.get(run.smallest, layout=layout)
    one = program(log, layout)
    if not LAYOUTS[layout].keeps_events:
        return one._replace(agrees=no_matter)
    return one if LAYOUTS[layout].keeps_ids else one._replace(agrees=same_numbers)


def in_turn_with_earlier(contenders: list[Contender], run: Run) -> dict[str, Cost]:
    """What all cost, and an earlier build, if one was named, right after each of this program."""
    all_of_them = []
    for one in contenders:
        all_of_them.append(one)
        if run.against and str(PROGRAM) in one.command:
            earlier = [str(run.against) if word == str(PROGRAM) else word for word in one.command]
            all_of_them.append(one._replace(name=one.name + EARLIER, command=earlier))
    costs: dict[str, Cost] = in_turn(all_of_them, run.runs)
    return costs


# Tables


def title(text: str) -> None:
    print(f"\n### {text}\n")


def size(log: str) -> str:
    return f"{os.path.getsize(log) / MB:,.0f} MB"


def table(costs: dict[str, Cost], targets: dict[str, float] | None = None) -> None:
    """Everyone's costs, and as multiples of the first one's; a target is one of wall time."""
    targets = targets or {}
    wanted = " target |" if targets else ""
    print(f"| | wall time | | CPU time | | peak memory | | disk |{wanted}")
    print(f"|---|--:|--:|--:|--:|--:|--:|--:|{'--:|' if targets else ''}")
    first = next(iter(costs.values()))
    for name, cost in costs.items():
        wall, processor, memory = (
            mine / its for mine, its in zip(cost[:3], first[:3], strict=True)
        )
        cells = [name, f"{cost.wall:.2f} s", f"{wall:.2f} ×", f"{cost.processor:.2f} s"]
        cells += [f"{processor:.2f} ×", f"{cost.memory / MB:,.0f} MB", f"{memory:.2f} ×"]
        cells.append(f"{cost.disk / MB:,.0f} MB" if cost.disk else "")
        if targets:
            cells.append(f"{targets[name]:.2f} ×" if name in targets else "")
        print(f"| {' | '.join(cells)} |")
    against_earlier(costs)
    sys.stdout.flush()


def against_earlier(costs: dict[str, Cost]) -> None:
    """The ratios of this program's medians to those of the earlier build."""
    pairs = {
        name: (costs[name], costs[name + EARLIER]) for name in costs if name + EARLIER in costs
    }
    if pairs:
        print()
    for name, (now, then) in pairs.items():
        processor, wall = now.processor / then.processor, now.wall / then.wall
        print(f"- {name} against the earlier build: {processor:.3f} × the CPU time", end="")
        print(f", {wall:.3f} × the wall time")


def against_targets(costs: dict[str, Cost], events: int) -> None:
    """What issue 4 asks for, as far as these were run."""
    mine, *_ = costs.values()
    fast = [costs[name].wall for name in ("duckdb", "polars") if name in costs]
    print()
    if fast:
        print(f"- wall time against the faster of the peers: {mine.wall / min(fast):.2f} ×", end="")
        print(" (target 1.0 ×; above 1.3 × is not done)")
    if "plain script" in costs:
        times = costs["plain script"].wall / mine.wall
        print(f"- {times:.1f} times as fast as the plain script (target 10)")
    if "duckdb" in costs:
        share = mine.memory / costs["duckdb"].memory
        print(f"- peak memory against DuckDB: {share:.2f} × (target 0.5 ×)")
    if events >= TOO_MANY_FOR_PLAIN:
        print(f"- peak memory: {mine.memory / MB:,.0f} MB (target 400 MB)")


# Cases


def beside_peers(run: Run, *, heavy: bool) -> None:
    for events in run.events:
        names = list(run.peers or PEERS)
        log = run.logs.get(events, heavy=heavy)
        what = "a few customers do most" if heavy else "20 a customer"
        title(f"{events:,} events ({size(log)}), {what}; medians of {run.runs} runs in turn")
        if run.peers is None and events >= TOO_MANY_FOR_PLAIN:
            names.remove("plain")
            print(
                "The plain script is left out: it takes minutes and over 10 GB (--peers plain).\n"
            )
        costs = in_turn_with_earlier([program(log), *(peer(name, log) for name in names)], run)
        table(costs)
        against_targets(costs, events)


def peers(run: Run) -> None:
    """beside DuckDB, Polars and the plain script, 20 events a customer"""
    beside_peers(run, heavy=False)


def heavy(run: Run) -> None:
    """the same on a log where a few customers do most of everything"""
    beside_peers(run, heavy=True)


def growth(run: Run) -> None:
    """a tenth of the (smallest) number of events, that number, and ten times as many"""
    title(f"Growth; medians of {run.runs} runs in turn")
    counts = [run.smallest // 10, run.smallest, run.smallest * 10]
    contenders = [program(run.logs.get(count), f"{count:,} events") for count in counts]
    costs = in_turn_with_earlier([one._replace(agrees=no_matter) for one in contenders], run)
    table(costs)
    middle, most = (costs[one.name].wall for one in contenders[1:])
    print(f"\n- ten times as many events: {most / middle:.1f} × the wall time (target 11 ×)")


def workers(run: Run) -> None:
    """one worker process and two"""
    title(f"Workers, {run.smallest:,} events; medians of {run.runs} runs in turn")
    both = [program(run.base, f"--workers {n}", "--workers", str(n)) for n in (1, 2)]
    table(in_turn_with_earlier(both, run))


def framings(run: Run) -> None:
    """JSON Lines beside arrays, compact separators and gzip"""
    title(f"Framings, {run.smallest:,} events; medians of {run.runs} runs in turn")
    unpack = f"gzip -dc {shlex.quote(run.logs.get(run.smallest, layout='gzip'))} >/dev/null"
    contenders = [program(run.base, "JSON Lines")]
    contenders += [variant(run, name) for name in (*FRAMINGS, "gzip")]
    contenders += [Contender("gzip -dc alone", ["sh", "-c", unpack], no_matter)]
    costs = in_turn_with_earlier(contenders, run)
    alone = costs["gzip -dc alone"].wall / costs["JSON Lines"].wall
    table(costs, TARGETS | {"gzip": max(1.5, 1.2 * alone)})


def small(run: Run) -> None:
    """files of 50 events each beside one file of all, plain and compressed"""
    for layout in ("base", "gzip"):
        title(f"Small files, {layout}, {run.smallest:,} events; medians of {run.runs} runs in turn")
        one = program(run.logs.get(run.smallest, layout=layout), "one file")
        many = program(run.logs.split(run.smallest, layout), "files of 50 events")
        costs = in_turn_with_earlier([one, many], run)
        table(costs)
        share = costs[many.name].processor / costs[one.name].processor
        print(f"\n- processor time: {share:.2f} × (target 2.5 ×)")


def layouts(run: Run) -> None:
    """other layouts of the same events beside the base layout"""
    title(f"Layouts, {run.smallest:,} events; medians of {run.runs} runs in turn")
    base = program(run.base, "base")
    costs = in_turn_with_earlier([base, *(variant(run, name) for name in OTHERS)], run)
    table(costs, dict.fromkeys(OTHERS, VARIANT))


def messy(run: Run) -> None:
    """logs of optional, shuffled and nested members, beside DuckDB and the plain script"""
    for layout in MESSY:
        log = run.logs.get(run.smallest, layout=layout)
        title(f"Messy: {layout}, {run.smallest:,} events ({size(log)}); medians of {run.runs} runs")
        names = ("duckdb", "plain") if run.peers is None else run.peers
        costs = in_turn_with_earlier([program(log), *(peer(name, log) for name in names)], run)
        table(costs)
        targets = {"duckdb": 3.0, "plain script": 0.33}
        for name in costs.keys() & targets:
            share = costs["this program"].wall / costs[name].wall
            print(f"\n- wall time against {name}: {share:.2f} × (target {targets[name]} ×)")


def shapes(run: Run) -> None:
    """line breaks, rejects, pretty-printed arrays, escapes and numbers beside the base layout"""
    title(f"Shapes, {run.smallest:,} events; medians of {run.runs} runs in turn")
    contenders = [program(run.base, "base"), *(variant(run, name) for name in SHAPES)]
    rejects = run.logs.directory / "rejects.jsonl"
    written = [
        one._replace(command=[*one.command, "--rejects", str(rejects)]) for one in contenders
    ]
    costs = in_turn_with_earlier(written, run)
    table(costs)
    print("\n| CPU time beside the base | found | target |\n|---|--:|--:|")
    for name, target in SHAPE_TARGETS.items():
        share = costs[name].processor / costs["base"].processor
        print(f"| {name} | {share:.2f} × | {target:.1f} × |")


def scale(run: Run) -> None:
    """every number of events beside DuckDB, by hand (--events up to 100 million: 15 GB of log)"""
    before: Cost | None = None
    for events in run.events:
        log = run.logs.get(events)
        title(f"Scale, {events:,} events ({size(log)}); medians of {run.runs} runs in turn")
        names = ("duckdb",) if run.peers is None else run.peers
        costs = in_turn_with_earlier([program(log), *(peer(name, log) for name in names)], run)
        table(costs)
        mine = costs["this program"]
        if before:
            print(f"\n- {mine.wall / before.wall:.2f} × the wall time of the number before")
        before = mine


def store(run: Run) -> None:
    """a store: making it, adding 1 %, ranking what is in it"""
    for events in run.events:
        log = run.logs.get(events)
        title(f"A store, {events:,} events ({size(log)}); medians of {run.runs} runs in turn")
        with tempfile.TemporaryDirectory(dir=run.logs.directory) as directory:
            stores = Stores(Path(directory), log)
            costs = in_turn(stores.contenders(), run.runs)
            table(costs, {"making a store": 4.0, "adding 1 %": 0.2})
            share = stores.made.stat().st_size / os.path.getsize(log)
        print(f"\n- size of the store: {share:.2f} × the log (target 1.2 ×)")


class Stores:
    """A store of a log, and one of it but for the last 1 %, to which that is added."""

    def __init__(self, directory: Path, log: str) -> None:
        self.made = directory / "made"
        self._log = log
        self._most, self._rest = directory / "most.jsonl", directory / "rest.jsonl"
        self._kept, self._grown = directory / "kept", directory / "grown"
        self._split()
        first = program(str(self._most), "", "--store", str(self._kept))
        subprocess.run(first.command, check=True, stdout=DEVNULL)

    def _split(self) -> None:
        with open(self._log, "rb") as log:
            lines = sum(1 for _ in log)
            log.seek(0)
            with self._most.open("wb") as most:
                most.writelines(islice(log, lines - lines // 100))
            self._rest.write_bytes(log.read())

    def contenders(self) -> list[Contender]:
        making = program(self._log, "making a store", "--store", str(self.made))
        adding = program(str(self._rest), "adding 1 %", "--store", str(self._grown))
        ranking = program(self._log, "ranking without files", "--store", str(self.made))
        ranking.command.remove(self._log)
        return [
            program(self._log, "a plain run over all"),
            making._replace(prepare=lambda: self.made.unlink(missing_ok=True)),
            adding._replace(prepare=lambda: shutil.copyfile(self._kept, self._grown)),
            ranking,
        ]


def startup(run: Run) -> None:
    """the main job on the sample log beside the start of Python"""
    title(f"Start-up; medians of {run.runs} runs in turn")
    bare = [sys.executable, "-c", "import json, argparse"]
    with tempfile.TemporaryDirectory() as directory:
        output = str(Path(directory) / "output.txt")
        command = [sys.executable, str(PROGRAM), str(X), str(TOP / "input"), "-q", "-o", output]
        both = {"import json, argparse": bare, "the sample log": command}
        costs = in_turn([Contender(*each, no_matter) for each in both.items()], run.runs)
    table(costs)
    allowed = 2 * costs["import json, argparse"].wall + 0.1
    found = costs["the sample log"].wall
    print(f"\n- {1000 * found:.0f} ms (target: under {1000 * allowed:.0f} ms)")


def floor(run: Run) -> None:
    """the first steps alone, in one process each, beside DuckDB"""
    title(f"Floor, {run.smallest:,} events; medians of {run.runs} runs in turn")
    steps = {"fields": "the fields, checked", "lines": "and dealt to shards on disk"}
    contenders = [peer("duckdb", run.base)]
    for step, name in steps.items():
        command = [sys.executable, script("floor"), step, run.base]
        contenders.append(Contender(name, command, no_matter))
    costs = in_turn([*contenders, program(run.base)], run.runs)
    table(costs)
    print("\nWhat counts is processor time: these steps share the cores with all that follows.")


def spark(run: Run) -> None:
    """on local[2] of Spark, beside the same ranking in Spark SQL"""
    sys.path.append(str(TOP / "tests/cluster"))
    import spark_environment  # noqa: PLC0415 - this case alone needs Spark

    if shutil.which("java") is None:
        print("\nThe case `spark` is left out: it needs Java 17.")
        return
    spark_environment.make()
    title(f"Spark, {run.smallest:,} events; medians of {run.runs} runs in turn")
    submit = ["env", f"PYSPARK_PYTHON={spark_environment.PYTHON}"]
    submit += [f"SPARK_HOME={spark_environment.spark_home()}"]
    submit += [str(spark_environment.SPARK_SUBMIT), "--master", "local[2]"]
    submit += ["--conf", "spark.ui.enabled=false", "--conf", "spark.log.level=ERROR"]
    command = [*submit, str(TOP / "src/Main_Calculation.py"), "--engine", "spark"]
    mine = shlex.join([*command, str(X), run.base, "-q", "-o"])
    ours = f'set -e; d=$(mktemp -d); {mine} "$d/out" >&2; cat "$d"/out/top/*; rm -rf "$d"'
    theirs = [*submit, script("spark_ranking"), str(X), run.base]
    both = [
        Contender("this program", ["sh", "-c", ours], no_matter),
        Contender("Spark SQL", theirs, same_as_json_lines),
    ]
    table(in_turn(both, run.runs))


_CASES = (
    *(peers, floor, heavy, growth, workers, framings, small, layouts, messy, shapes, startup),
    *(store, spark, scale),
)
CASES: dict[str, Callable[[Run], None]] = {case.__name__: case for case in _CASES}
BY_HAND = ("scale",)


# The command line


def versions() -> str:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    for line in REQUIREMENTS.read_text("utf-8").splitlines():
        name, pinned, version = line.partition("==")
        if pinned and name in PEERS:
            found += f", {name} {version}"
    return f"{found}; {platform.system()} with {len(os.sched_getaffinity(0))} cores"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="cases:\n"
        + "\n".join(f"  {name:9} {case.__doc__}" for name, case in CASES.items())
        + "\n\nAll but peers, heavy, startup, store and scale take the smallest of the --events.",
    )
    add = parser.add_argument
    usual = [name for name in CASES if name not in BY_HAND]
    add("--cases", nargs="+", choices=CASES, default=usual, help="(all but scale)", metavar="CASE")
    add("--events", nargs="+", type=int, default=[1_000_000, 10_000_000], metavar="N")
    add("--runs", type=int, default=5, metavar="N", help="medians of how many (5)")
    add("--peers", nargs="*", choices=PEERS, help="(all; plain only below 10 million events)")
    add("--against", type=Path, metavar="PATH", help="a checkout with an earlier build")
    add("--directory", type=Path, metavar="DIR", help="keep the logs there, for other times")
    options = parser.parse_args()
    if min(options.events) < 1000 or options.runs < 1:
        parser.error("--events must be 1000 or more, --runs 1 or more")
    if options.against:
        options.against = (options.against / PROGRAM.relative_to(TOP)).resolve()
        if not options.against.is_file():
            parser.error(f"--against: {options.against} is missing")
    return options


def main() -> int:
    options = arguments()
    make_environment(VENV, REQUIREMENTS)
    compile_builds(options.against)
    print(versions())
    with tempfile.TemporaryDirectory() as temporary:
        directory: Path = options.directory or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        run = Run(Logs(directory), options.events, options.runs, options.peers, options.against)
        for name in options.cases:
            CASES[name](run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
