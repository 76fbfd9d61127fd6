"""Rank the customers of a shop by simple lifetime value, from logs of JSON events.

    cd src && python Main_Calculation.py 10

Parses the command line, wires the other modules, and is the only one that prints. Python 3.6 can
parse this file, so that an old one is told what is needed.
"""

import sys

if sys.version_info < (3, 11):  # pragma: no cover - .ci/run tries it
    sys.exit(
        "Main_Calculation.py: Python 3.11 or later is needed, this is {}.{}; "
        "for example: python3.11 Main_Calculation.py 10".format(*sys.version_info)
    )

import os
import signal

if __name__ == "__main__":

    def say_uncaught(kind, error, trace):  # type: ignore[no-untyped-def] # so that 3.6 parses it
        """Say in one line what Python would print a traceback of.

        It is a limit, within which not even the modules below can be loaded.
        """
        if os.environ.get("LTV_DEBUG") == "1":
            sys.__excepthook__(kind, error, trace)
        why = "out of memory" if issubclass(kind, MemoryError) else f"cannot go on: {error!r}"
        sys.stderr.write(f"Main_Calculation.py: {why}\n")

    sys.excepthook = say_uncaught
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # quiet, until there is something to clean up

import contextlib
import io
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

import LTV_Explain
from LTV_Calculate import RankedCustomer, Totals, has_events, topXSimpleLTVCustomers, totals
from LTV_Classes import Customer, without_collecting
from LTV_Clock import jump_text
from LTV_Errors import LATER, FileError, LTVError, reason_of, shortage_of
from LTV_Figures import Figures, figures_of
from LTV_Ingest import Ingest, Rules
from LTV_Input import is_large, list_files
from LTV_Intake import Account, Intake
from LTV_Options import PROGRAM, Options, UsageError, help_text, parse_options
from LTV_Output import (
    STANDARD_OUTPUT,
    Target,
    check_distinct,
    files_of_store,
    is_standard_output,
)
from LTV_Progress import Progress
from LTV_Rejects import RejectsTarget
from LTV_Signals import (
    SIGNALLED,
    Interrupted,
    held_back,
    listen,
    stop_listening,
    undisturbed,
)
from LTV_Text import escaped
from LTV_Time import DAY, day_text
from LTV_Write import FORMATS_WITH_FIGURES, Summary, counted, render, render_text, span_text

if TYPE_CHECKING:
    from LTV_Session import Session

DONE, FAILED, MISUSED = 0, 1, 2

CUSTOMERS_BETWEEN = 1000  # two times that the line on the terminal is told of them

Found = list[RankedCustomer] | LTV_Explain.Explanation


class RunFailedError(LTVError):
    """The run came to its end, and there are no results to write."""


def main(argv: "list[str] | None" = None) -> int:
    """Run with the arguments `argv`, by default the command line's; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments:
        say(help_text())
        return MISUSED
    try:
        run(parse_options(arguments))
    except SystemExit:  # of argparse, after --help and --version
        return DONE
    except UsageError as error:
        say_failure(str(error))
        return MISUSED
    except Interrupted as interruption:
        say_failure(str(interruption))
        return interruption.status
    except BrokenPipeError:
        leave(sys.stdout)  # whoever read the results has seen enough
    except Exception as error:
        say_failure(cause_of(error))
        return FAILED
    return DONE


def flush_standard_output(status: int) -> int:
    """Have all of it out before Python ends; returns the exit status that this leaves."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        leave(sys.stdout)
        if status == DONE and not isinstance(error, BrokenPipeError):
            say_failure(f"standard output: {reason_of(error)}")
            return FAILED
    return status


def abandon_standard_output() -> None:
    """Have what is still held back for it go nowhere: perhaps nobody ever reads it."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError):
            leave(sys.stdout)


def cause_of(error: Exception) -> str:
    """Why the run failed, for a person."""
    if isinstance(error, LTVError):
        return str(error)
    shortage = shortage_of(error)
    if shortage:
        return shortage
    if isinstance(error, OSError):
        if error.filename:
            return f"{error.filename}: {reason_of(error)}"
        return f"the system stopped this run: {reason_of(error)}; with LTV_DEBUG=1 it says where"
    return f"a fault of this program: {error!r}; with LTV_DEBUG=1 it says where"


def say_failure(message: str) -> None:
    """Say in one line why the run failed, or with LTV_DEBUG=1 also where."""
    if os.environ.get("LTV_DEBUG") == "1":
        for line in traceback.format_exc().splitlines():
            say(escaped(line))
    say(f"{PROGRAM}: {escaped(message)}")


def say(text: str) -> None:
    """Print to standard error, if there is one that takes it."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        leave(sys.stderr)


def leave(stream: TextIO) -> None:
    """Have what `stream` could not get rid of go nowhere, and quietly, when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(options: Options) -> None:
    """From the files to the results in place. Raises LTVError, OSError or Interrupted."""
    store = files_of_store(options.store) if options.store else []
    own = [*store, *(path for path in (options.output, options.rejects) if path)]
    files = list_files(options.paths, passed_over={os.path.realpath(path) for path in own})
    check_distinct(options.output, options.rejects, files, store)
    with contextlib.ExitStack() as targets:
        output = targets.enter_context(Target(options.output))
        rejects = targets.enter_context(RejectsTarget(options.rejects)) if options.rejects else None
        session = targets.enter_context(session_of(options)) if options.store else None
        calculate(files, options, (output, rejects), session)


def warn_of_jump(account: Account, options: Options) -> None:
    """Say so when one event alone makes the weeks of all customers many more."""
    jump = jump_text(account.times)
    if jump:
        tell([f"Warning: {jump}."], options)


def session_of(options: Options) -> "Session":
    """The session with the store; a run without files reads it alone."""
    from LTV_Session import Session  # noqa: PLC0415 - only some runs have a store

    assert options.store is not None, "a session has a store"
    return Session(options.store, rules_of(options), is_written=bool(options.paths))


def calculate(
    files: "list[str]",
    options: Options,
    targets: "tuple[Target, RejectsTarget | None]",
    session: "Session | None",
) -> None:
    """Ingest the files, rank the customers, and put what came out in place."""
    output, rejects = targets
    account = Account(rejects)
    with Progress(None if options.quiet else sys.stderr) as progress, without_collecting():
        progress.start(files)
        found, known, figures = ranked(files, options, account, progress, session)
    failure = too_many_rejected(account, options)
    if not failure and known is None:
        failure = f"nothing to rank in {options.store or counted(len(files), 'file')}"
    if failure or found is None or known is None:
        if account.rejected:
            put_rejects_in_place(rejects, account)
        tell(event_lines(files, account, options), options)
        see = f"; see {rejects.path}" if rejects and account.rejected else ""
        raise RunFailedError(failure + see)

    if session:
        session.check(account.times)
    elif options.before is None:
        warn_of_jump(account, options)
    events = events_of(account, options)
    summary = Summary(options.currency, options.lifespan, known, events, account.reasons, figures)
    output.write(rendered(found, options, summary))
    output.seal()
    with moved_on(session):
        if session:
            with held_back():
                session.keep()
        if not options.quiet and not is_standard_output(options.output):
            show(found, summary)
        put_in_place(output, rejects, account)
    tell(event_lines(files, account, options), options)
    kept = [f"Store: {session.path}"] if session and session.is_kept else []
    tell([data_line(summary), *kept, *places(output, rejects, account)], options)


def ranked(
    files: "list[str]",
    options: Options,
    account: Account,
    progress: Progress,
    session: "Session | None",
) -> "tuple[Found | None, Totals | None, Figures | None]":
    """The rows or the explanation, what all customers add up to, and figures, if wanted."""
    if not is_large(files):
        return found_in(ingested(files, options, account, progress, session), options, progress)

    from LTV_Parallel import Job, explain_files, join_files, rank_files  # noqa: PLC0415 - if large

    workers = options.workers or processor_count()
    rules, with_figures = rules_of(options), has_figures(options)
    job = Job(rules, options.x, options.lifespan, workers, options.temp, with_figures)
    if session:
        D = join_files(files, job, account, progress, session.open)
        return found_in(D, options, progress)
    if options.explain is None:
        return rank_files(files, job, account, progress)
    found, known = explain_files(files, options.explain, job, account, progress)
    return found, known, None


def ingested(
    files: "list[str]",
    options: Options,
    account: Account,
    progress: Progress,
    session: "Session | None",
) -> "Mapping[str, Customer]":
    """The D that the events in `files` are joined into."""
    store = session.open() if session else None
    D: dict[str, Customer] = {}
    intake = Intake(files, account, progress.add)
    Ingest(intake, D, **rules_of(options)._asdict(), errors=intake)
    if store is None:
        return D
    store.join(D.values())
    return store


def found_in(
    D: "Mapping[str, Customer]", options: Options, progress: Progress
) -> "tuple[Found | None, Totals | None, Figures | None]":
    """What is asked for of the customers in `D`, what all add up to, and figures, if wanted."""
    if not has_events(D):
        return None, None, None
    known = totals(D)
    if options.explain is not None:
        return explained(options.explain, D, options), known, None
    rows = topXSimpleLTVCustomers(options.x, D, lifespan=options.lifespan, end=known.end)
    if not has_figures(options):
        return rows, known, None
    customers = told_of(D.values(), known.customers, progress)
    return rows, known, figures_of(customers, known.end, options.lifespan)


def told_of(
    customers: "Iterable[Customer]", total: int, progress: Progress
) -> "Iterator[Customer]":
    """The same customers; a store takes its time to give them."""
    for done, customer in enumerate(customers):
        if done % CUSTOMERS_BETWEEN == 0:
            progress.rank(done, total)
        yield customer


def explained(
    customer_id: str, D: "Mapping[str, Customer]", options: Options
) -> LTV_Explain.Explanation:
    """The explanation of a customer. Raises UnknownCustomerError, which says where it is not."""
    try:
        return LTV_Explain.explain(customer_id, D, options.lifespan)
    except LTV_Explain.UnknownCustomerError as error:
        if options.store:
            error.where = f"not in the store {options.store}"
        raise


def has_figures(options: Options) -> bool:
    """Whether what is written has the figures of all customers."""
    return options.explain is None and options.format in FORMATS_WITH_FIGURES


def rules_of(options: Options) -> Rules:
    """What is asked of events; what no ranking needs is not kept."""
    return Rules(options.currency, options.before, with_details=False)


def processor_count() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover - elsewhere than on Linux


def too_many_rejected(account: Account, options: Options) -> str:
    """What is wrong when more events were rejected than the options allow, else empty."""
    allowed = 0 if options.strict else options.max_rejects
    if allowed is None or account.rejected <= allowed:
        return ""
    option = "--strict" if options.strict else "--max-rejects"
    return f"{counted(account.rejected, 'event')} rejected, {option} allows {allowed:,}"


def put_in_place(output: Target, rejects: "RejectsTarget | None", account: Account) -> None:
    """The rejects first, the results last; no signal comes between these files.

    Behind the results it is not heard any more: the run is done.
    """
    are_files = output.is_file and (rejects is None or rejects.is_file)  # a pipe takes its time
    with undisturbed() if are_files else contextlib.nullcontext():
        put_rejects_in_place(rejects, account)
        output.commit()


@contextlib.contextmanager
def moved_on(session: "Session | None") -> "Iterator[None]":
    """Have a failure say how to come by the results when the store has all of the run already."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, LTVError, Interrupted) as error:
        if session is None or not session.is_kept:
            raise
        moved = f"the store {session.path} has all of this run, though"
        remedy = f"{moved}: the same command without files writes the results"
        if isinstance(error, Interrupted):
            error.args = (f"{error}; {remedy}",)
            raise
        raise RunFailedError(f"{cause_of(error)}; {remedy}") from None


def put_rejects_in_place(rejects: "RejectsTarget | None", account: Account) -> None:
    """Have the rejects file say what was rejected in this run, or not be there."""
    if rejects is None:
        return
    if account.rejected:
        rejects.seal()
        try:
            rejects.commit()
        except BrokenPipeError:
            leave(sys.stdout)  # whoever reads them there has seen enough; the results are to come
    else:
        rejects.remove_earlier()


def events_of(account: Account, options: Options) -> "dict[str, int]":
    """The counts of events for the summary."""
    counts = {"read": account.read, "accepted": account.accepted, "rejected": account.rejected}
    return counts if options.before is None else {**counts, LATER: account.later}


def rendered(found: Found, options: Options, summary: Summary) -> "Iterator[bytes]":
    """What is written to the output."""
    if isinstance(found, LTV_Explain.Explanation):
        return LTV_Explain.render(options.format, found, summary)
    return render(options.format, found, summary)


def show(found: Found, summary: Summary) -> None:
    """What was found as text on standard output; whoever closes it early has seen enough."""
    if sys.stdout is None:
        return
    try:
        if isinstance(found, LTV_Explain.Explanation):
            sys.stdout.writelines(LTV_Explain.render_text(found, summary))
        else:
            sys.stdout.writelines(render_text(found, summary))
        sys.stdout.flush()
    except BrokenPipeError:
        leave(sys.stdout)
    except OSError as error:
        raise FileError("standard output", reason_of(error)) from None


def event_lines(files: "list[str]", account: Account, options: Options) -> "list[str]":
    """What became of the events, in a few lines."""
    became = [f"{account.accepted:,} accepted", f"{account.rejected:,} rejected"]
    if options.before is not None:
        became.append(f"{account.later:,} later than {day_text(options.before - DAY)}")
    if options.store and not options.paths:
        return [f"Read no events: ranked what is in {options.store}."]
    read = f"Read {counted(account.read, 'event')} from {counted(len(files), 'file')}"
    lines = [f"{read}: {', '.join(became)}."]
    if account.rejected:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in account.reasons.items())
        lines.append(f"Rejected for: {reasons}.")
    return lines


def data_line(summary: Summary) -> str:
    """The span of the data and what is in it."""
    data = summary.totals
    known = ", ".join(
        counted(count, noun)
        for count, noun in (
            (data.customers, "customer"),
            (data.visits, "visit"),
            (data.orders, "order"),
            (data.images, "image"),
        )
    )
    return f"Data from {span_text(data)}: {known}."


def places(output: Target, rejects: "Target | None", account: Account) -> "list[str]":
    """Where the results are, and the rejects, if there are any."""
    lines = [] if output.path == STANDARD_OUTPUT else [f"Results: {output.path}"]
    if rejects and account.rejected:
        lines.append(f"Rejected events, with place and reason: {rejects.path}")
    return lines


def tell(lines: "list[str]", options: Options) -> None:
    """Say what happened, unless quiet."""
    if not options.quiet:
        for line in lines:
            say(escaped(line))


def prepare_process() -> None:
    """What only a process of its own may do: listen to signals, set up its streams."""
    listen()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run_process() -> int:
    """All that the process does, also when a signal comes before or behind the run itself."""
    try:
        prepare_process()
        status = main()
        if status > SIGNALLED:
            abandon_standard_output()
        status = flush_standard_output(status)
        stop_listening()
    except Interrupted as interruption:  # pragma: no cover - tried where coverage cannot measure
        abandon_standard_output()
        say_failure(str(interruption))
        stop_listening()
        return interruption.status
    return status


if __name__ == "__main__":
    raise SystemExit(run_process())
