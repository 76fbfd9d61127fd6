"""One run: the files into customers, the ranking, and what came out put in place."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import ltv.output.explain
from ltv.account import Account, Intake
from ltv.clock import jump_text
from ltv.errors import LATER, FileError, LTVError, reason_of
from ltv.options import Options
from ltv.output.formats import FORMATS_WITH_FIGURES, render, render_text
from ltv.output.rejects import RejectsTarget
from ltv.output.target import (
    STANDARD_OUTPUT,
    Target,
    check_distinct,
    files_of_store,
    is_standard_output,
)
from ltv.process import RunFailedError, cause_of, leave, tell
from ltv.progress import Progress
from ltv.reading.files import is_large, list_files
from ltv.report.figures import Figures, figures_of
from ltv.report.summary import Summary, counted, span_text
from ltv.signals import Interrupted, held_back, undisturbed
from ltv.times import DAY, day_text
from LTV_Calculate import RankedCustomer, Totals, has_events, topXSimpleLTVCustomers, totals
from LTV_Classes import Customer, without_collecting
from LTV_Ingest import Ingest, Rules

if TYPE_CHECKING:
    from ltv.store.session import Session

__all__ = [
    "data_line",
    "event_lines",
    "events_of",
    "run",
    "too_many_rejected",
    "warn_of_jump",
]

CUSTOMERS_BETWEEN = 1000  # two times that the line on the terminal is told of them

Found = list[RankedCustomer] | ltv.output.explain.Explanation


def run(options: Options) -> None:
    """From the files to the results in place. Raises LTVError, OSError or Interrupted."""
    store = files_of_store(options.store) if options.store else []
    own = [*store, *(path for path in (options.output, options.rejects) if path)]
    files = list_files(options.paths, passed_over=real_paths(own))
    check_distinct(options.output, options.rejects, files, store)
    with contextlib.ExitStack() as targets:
        output = targets.enter_context(Target(options.output))
        rejects = targets.enter_context(RejectsTarget(options.rejects)) if options.rejects else None
        session = targets.enter_context(session_of(options)) if options.store else None
        calculate(files, options, (output, rejects), session)


def real_paths(paths: Iterable[str]) -> set[str]:
    """Return the paths with all links followed. Raises FileError."""
    try:
        return {os.path.realpath(path) for path in paths}
    except OSError as error:
        raise FileError("the working directory", reason_of(error)) from None


def session_of(options: Options) -> "Session":
    """The session with the store; a run without files reads it alone."""
    from ltv.store.session import Session  # noqa: PLC0415 - only some runs have a store

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
        tell(event_lines(files, account, options), quiet=options.quiet)
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
    tell(event_lines(files, account, options), quiet=options.quiet)
    kept = [f"Store: {session.path}"] if session and session.is_kept else []
    tell([data_line(summary), *kept, *places(output, rejects, account)], quiet=options.quiet)


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

    from ltv.parallel.driver import Job, explain_files, join_files, rank_files  # noqa: PLC0415 - if large

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
) -> ltv.output.explain.Explanation:
    """The explanation of a customer. Raises UnknownCustomerError, which says where it is not."""
    try:
        return ltv.output.explain.explain(customer_id, D, options.lifespan)
    except ltv.output.explain.UnknownCustomerError as error:
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


def warn_of_jump(account: Account, options: Options) -> None:
    """Say so when one event alone makes the weeks of all customers many more."""
    jump = jump_text(account.times)
    if jump:
        tell([f"Warning: {jump}."], quiet=options.quiet)


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


def put_in_place(output: Target, rejects: "RejectsTarget | None", account: Account) -> None:
    """The rejects first, the results last; no signal comes between these files.

    Behind the results it is not heard any more: the run is done.
    """
    are_files = output.is_file and (rejects is None or rejects.is_file)  # a pipe takes its time
    with undisturbed() if are_files else contextlib.nullcontext():
        put_rejects_in_place(rejects, account)
        output.commit()


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
    if isinstance(found, ltv.output.explain.Explanation):
        return ltv.output.explain.render(options.format, found, summary)
    return render(options.format, found, summary)


def show(found: Found, summary: Summary) -> None:
    """What was found as text on standard output; whoever closes it early has seen enough."""
    if sys.stdout is None:
        return
    try:
        if isinstance(found, ltv.output.explain.Explanation):
            sys.stdout.writelines(ltv.output.explain.render_text(found, summary))
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


def places(output: Target, rejects: "RejectsTarget | None", account: Account) -> "list[str]":
    """Where the results are, and the rejects, if there are any."""
    lines = [] if output.path == STANDARD_OUTPUT else [f"Results: {output.path}"]
    if rejects and account.rejected:
        lines.append(f"Rejected events, with place and reason: {rejects.path}")
    return lines
