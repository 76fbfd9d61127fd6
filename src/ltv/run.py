"""One run around its sentence (Main_Calculation.py): what it reads, and what came out in place."""

import codecs
import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NoReturn, Union, cast

import ltv.output.explain
from ltv.account import Account, EventLogs
from ltv.address import Address
from ltv.arguments import PROGRAM
from ltv.asked import nobody_ranked, ranked_by
from ltv.clock import Edge
from ltv.customers import customers, has_figures
from ltv.doubts import Doubt, doubts_of, has_lost_all_orders, hints_of, why_left_out, why_rejected
from ltv.errors import (
    EARLIER,
    LATER,
    EventError,
    FileError,
    LTVError,
    NotAnEventLogError,
    reason_of,
)
from ltv.options import VERSION, Options
from ltv.output.explain import Explanation, explain
from ltv.output.formats import reject_line, reject_lines, render, render_text
from ltv.output.rejects import RejectsTarget
from ltv.output.target import (
    STANDARD_OUTPUT,
    OutputTarget,
    Target,
    check_distinct,
    files_of_store,
    is_standard_output,
)
from ltv.process import (
    NobodyRankedError,
    RunFailedError,
    TooManyRejectedError,
    cause_of,
    leave,
    tell,
)
from ltv.progress import Progress
from ltv.reading.files import is_compressed, list_files
from ltv.reading.framing import TAR
from ltv.report.figures import Figures, figures_of
from ltv.report.summary import Origin, Summary, span_text
from ltv.signals import Interrupted, held_back, undisturbed
from ltv.terminal import escaped, terminal_width
from ltv.times import DAY, day_text
from ltv.values import counted
from LTV_Calculate import RankedCustomer, Ranking, Totals, count_ranked, totals
from LTV_Ingest import Rules

if TYPE_CHECKING:
    from ltv.customers import Customers
    from ltv.parallel.driver import ShardedCustomers
    from ltv.ranking.backtest import BacktestRun
    from ltv.ranking.model import ShownBgNbd, ShownEstimate, ShownGammaGamma
    from ltv.store.session import Session

Results = Union[list[RankedCustomer], Explanation, "BacktestRun"]

#: Of a table that is shown whole where there is no terminal, and of one that has more.
_MOST_ROWS, _FIRST_ROWS = 50, 20


@contextlib.contextmanager
def prepared(options: Options) -> "Iterator[Run]":
    """Give the run that is asked for, with its files open; earlier results stay unless it writes.

    Raises LTVError, OSError or Interrupted.
    """
    is_file = options.store and not isinstance(options.store, Address)
    store = files_of_store(options.store) if options.store and is_file else []
    written = options.output, options.rejects
    own = [*store, *(path for path in written if path and path != STANDARD_OUTPUT)]
    files = list_files(options.paths, passed_over=real_paths(own))
    check_distinct(options.output, options.rejects, files, store)
    none = contextlib.nullcontext()
    with (  # by the interpreter itself: an ExitStack needs memory before it cleans up
        OutputTarget(options.output) as output,
        RejectsTarget(options.rejects) if options.rejects else none as rejects,
        session_of(options) if options.store else none as session,
    ):
        yield Run(options, files, output, rejects, session)


class Run:
    """What a run reads, and where its results go; to be had from `prepared`."""

    def __init__(
        self,
        options: Options,
        files: list[str],
        output: Target,
        rejects: RejectsTarget | None,
        session: "Session | None",
    ) -> None:
        self.options = options
        self.rules = rules_of(options)
        self.account = (
            Account(self._write_reject, self._write_reject_rows) if rejects else Account()
        )
        self.events = EventLogs(files, self.account)
        self._output = output
        self._rejects = rejects
        self._session = session

    @contextlib.contextmanager
    def customers(self) -> "Iterator[Customers]":
        """Give the D of this run; how far it is is shown meanwhile."""
        files = self.events.files
        with Progress(None if self.options.quiet else sys.stderr) as progress:
            self.events.add = progress.add
            progress.start(files)
            with customers(self.options, files, progress, self._session) as D:
                try:
                    yield D
                except NotAnEventLogError as error:  # the rejects say why
                    if is_inside_another(error):
                        error.command = ""
                    see = self._with_rejects()
                    if self.account.rejected:
                        self._tell(event_lines(files, self.account, self.options))
                    raise RunFailedError(f"{error}{see}") from None

    def check(self, D: "Customers") -> None:
        """Raise RunFailedError if too many events are rejected, or there is nothing to rank by."""
        failure = too_many_rejected(self.account, self.options) or self._lack_of(D)
        if failure:
            self._fail(failure)

    def _fail(self, failure: RunFailedError) -> NoReturn:
        """Raise the failure, with the rejects in place."""
        see = self._with_rejects()
        warn(hints_of(self.account))
        self._tell(event_lines(self.events.files, self.account, self.options))
        raise seen_in(failure, see)

    def _with_rejects(self) -> str:
        """Put the rejects in place of a run that fails because of them; return where they are."""
        if not self.account.rejected:
            return ""
        put_rejects_in_place(self._rejects, self.account)
        return f"; see {self._rejects.path}" if self._rejects else ""

    def _lack_of(self, D: "Customers") -> RunFailedError | None:
        """Return what is wrong when there are no events or no orders left."""
        known = totals(D) if self._session else None
        has_orders = known is not None and known.orders > 0
        is_empty = not self.account.accepted and not (known and known.customers)
        what = self.options.store or counted(len(self.events.files), "file")
        return lack_of(self.account, what, is_empty=is_empty, has_orders=has_orders)

    def backtest(self, D: "Customers", ranking: Ranking) -> "BacktestRun":
        """Return how well each method would have ranked. Raises BacktestError, RunFailedError."""
        from ltv.ranking.outcomes import tested  # noqa: PLC0415 - only a backtest needs it

        options, shards = self.options, cast("ShardedCustomers", D)  # whatever the size
        assert options.backtest is not None, "it is asked for"
        results = tested(shards, options.x, options.backtest, options.half_life, ranking)
        if isinstance(results, int):
            self._fail(nobody_ranked(options, results))
        return results

    def sum_up(self, D: "Customers", ranking: Ranking, results: Results) -> Summary:
        """Return what is said beside the rows. Raises RunFailedError if there are none."""
        account, options = self.account, self.options
        known = totals(D)
        if not results:
            self._fail(nobody_ranked(options, known.customers))
        by = ranked_by(options, ranking, self._count_ranked(D, ranking, known, results))
        if not isinstance(results, list | Explanation) and results.model:
            by = by._replace(model=results.model.shown())
        events = events_of(account, options)
        figures = self._figures_of(D, known) if has_figures(options) else None
        return Summary(
            options.currency,
            options.lifespan,
            known,
            events,
            account.reasons,
            figures,
            tuple(doubt.text for doubt in self._doubts),
            by,
            Origin(tuple(self.events.files), f"{PROGRAM} {VERSION}", options.command),
        )

    def _count_ranked(
        self, D: "Customers", ranking: Ranking, known: Totals, results: Results
    ) -> int:
        if not isinstance(results, list | Explanation):
            return results.backtest.customers
        return known.customers if ranking.is_of_all else count_ranked(D, ranking, end=known.end)

    @cached_property
    def _edges(self) -> Sequence[Edge]:
        """The edges of the times of this run's events, as far as a store did not know them."""
        edges = self.account.edges
        return self._session.joined(edges) if self._session else edges

    @cached_property
    def _doubts(self) -> list[Doubt]:
        return doubts_of(self.account, self.options.currency, self._edges)

    def _figures_of(self, D: "Customers", known: Totals) -> Figures:
        if not isinstance(D, Mapping):
            return D.figures()
        return figures_of(D.values(), known.end, self.options.lifespan)

    def write(self, results: Results, summary: Summary) -> None:
        """Put in place what came out, and say so; first, the store keeps the run."""
        options, session = self.options, self._session
        if session:
            session.check(self._edges[-1])
        warn(self._doubts)
        self._output.write(rendered(results, options, summary))
        self._output.seal()
        with moved_on(session):
            if session:
                with held_back():
                    session.keep()
            if not options.quiet and not is_standard_output(options.output):
                show(results, summary, options.output)
            put_in_place(self._output, self._rejects, self.account)
        kept = [f"Store: {session.path}"] if session and session.is_kept else []
        places = places_of(self._output, self._rejects, self.account)
        self._tell(event_lines(self.events.files, self.account, options))
        self._tell([data_line(summary), *ranking_lines(summary), *kept, *places])

    def write_events(self, D: "Customers") -> None:
        """Put the events in place, instead of a ranking, and say so."""
        shards = cast("ShardedCustomers", D)  # as whatever is read from CSV
        warn(self._doubts)
        self._output.write(shards.events())
        self._output.seal()
        put_in_place(self._output, self._rejects, self.account)
        self._tell(event_lines(self.events.files, self.account, self.options))
        self._tell(places_of(self._output, self._rejects, self.account))

    def _tell(self, lines: Iterable[str]) -> None:
        tell(lines, quiet=self.options.quiet)

    def _write_reject(
        self, file: str, line: int, offset: int, text: str, error: EventError
    ) -> None:
        assert self._rejects is not None, "there is somewhere to write it"
        line_of_file = reject_line(_in_any_locale(file), line, offset, text, error)
        self._rejects.write([line_of_file.encode("utf-8")])

    def _write_reject_rows(self, file: str, rows: Iterable[bytes], line_shift: int) -> None:
        assert self._rejects is not None, "there is somewhere to write them"
        self._rejects.write(reject_lines(_in_any_locale(file), rows, line_shift))


def _in_any_locale(file: str) -> str:
    return os.fsencode(file).decode("utf-8", "surrogateescape")


def explained(customer_id: str, D: "Customers", ranking: Ranking, options: Options) -> Explanation:
    """Return the explanation of a customer. Raises UnknownCustomerError."""
    where = f"not in the store {options.store}" if options.store else "in none of the events"
    explanation = explain(customer_id, D, options.lifespan, ranking=ranking, where=where)
    if options.csv and options.paths:
        rows = cast("ShardedCustomers", D).rows_of(explanation.row.customer_id)
        return explanation._replace(rows=rows)
    return explanation


def is_inside_another(error: NotAnEventLogError) -> bool:
    """Return whether what the file is was found in what it was compressed from.

    Of the commands that are told then, only tar reads that.
    """
    try:
        is_looked_at = error.command not in ("", TAR) and error.file != "-"
        return is_looked_at and is_compressed(error.file)
    except (OSError, FileError):
        return False


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


def too_many_rejected(account: Account, options: Options) -> RunFailedError | None:
    """Return what is wrong when more events were rejected than the options allow."""
    allowed = 0 if options.strict else options.max_rejects
    if allowed is None or account.rejected <= allowed:
        return None
    option = "--strict" if options.strict else "--max-rejects"
    count = f"{counted(account.rejected, 'event')} rejected, {option} allows {allowed:,}"
    return TooManyRejectedError(f"{count}; the first: {account.first_reject}")


def lack_of(
    account: Account, what: str, *, is_empty: bool, has_orders: bool
) -> RunFailedError | None:
    """Return what is wrong with a run that has no events or no orders left.

    `what` was looked through; it `is_empty` where nothing is known, and `has_orders` also where a
    store has them from before.
    """
    if is_empty:
        failure, why = f"nothing to rank in {what}", why_left_out(account)
    elif has_lost_all_orders(account) and not has_orders:
        failure, why = f"no order is left in {what}", why_rejected(account)
    else:
        return None
    return RunFailedError(f"{failure}: {why}" if why else failure)


def seen_in(failure: RunFailedError, see: str) -> RunFailedError:
    """Return the failure with where the rejects are, if they may tell why."""
    if isinstance(failure, NobodyRankedError):
        return failure
    return type(failure)(f"{failure}{see}")


def warn(doubts: Iterable[Doubt]) -> None:
    """Say what is doubtful, a line each."""
    tell((f"Warning: {doubt}." for doubt in doubts), quiet=False)


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
    for what, bound in ((EARLIER, options.since), (LATER, options.before)):
        if bound is not None:
            counts[what] = account.outside[what]
    return counts


def rendered(results: Results, options: Options, summary: Summary) -> "Iterator[bytes]":
    """Yield what is written to the output, piece by piece."""
    if options.format == "text":
        width = terminal_width(sys.stdout) if is_standard_output(options.output) else None
        return map(str.encode, text_of(results, summary, width))
    begin = [codecs.BOM_UTF8] if options.excel else []
    return chain(begin, formatted(results, options.format, summary))


def formatted(results: Results, format_name: str, summary: Summary) -> "Iterator[bytes]":
    """Yield the results in a format, piece by piece."""
    if isinstance(results, list):
        return render(format_name, results, summary)
    if isinstance(results, Explanation):
        return ltv.output.explain.render(format_name, results, summary)
    from ltv.output import backtest  # noqa: PLC0415 - only some runs have one

    return backtest.render(format_name, results, summary)


def text_of(results: Results, summary: Summary, width: int | None) -> "Iterator[str]":
    """Yield the results as text, on a terminal of `width` columns or elsewhere."""
    if isinstance(results, list):
        return render_text(results, summary, width)
    if isinstance(results, Explanation):
        return ltv.output.explain.render_text(results, summary, width)
    from ltv.output import backtest  # noqa: PLC0415 - only some runs have one

    return backtest.render_text(results, summary, width)


def text_shown(results: Results, summary: Summary, output: str) -> "Iterator[str]":
    """Yield what is shown beside `output`: a long table is whole only on a terminal."""
    width = terminal_width(sys.stdout)
    if width is None and isinstance(results, list) and len(results) > _MOST_ROWS:
        yield from render_text(results, summary, most=_FIRST_ROWS)
        yield f"The other {len(results) - _FIRST_ROWS:,} rows are in {escaped(output)}\n"
    else:
        yield from text_of(results, summary, width)


def show(results: Results, summary: Summary, output: str) -> None:
    """Print the results as text on standard output; whoever closes it early has seen enough."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.writelines(text_shown(results, summary, output))
        sys.stdout.flush()
    except BrokenPipeError:
        leave(sys.stdout)
    except OSError as error:
        raise FileError("standard output", reason_of(error)) from None


def event_lines(files: "list[str]", account: Account, options: Options) -> "list[str]":
    """What became of the events, in a few lines."""
    became = [f"{account.accepted:,} accepted", f"{account.rejected:,} rejected"]
    if options.since is not None:
        became.append(f"{account.outside[EARLIER]:,} earlier than {day_text(options.since)}")
    if options.before is not None:
        became.append(f"{account.outside[LATER]:,} later than {day_text(options.before - DAY)}")
    if options.store and not options.paths:
        return [f"Read no events: ranked what is in {options.store}."]
    read = f"Read {counted(account.read, 'event')} from {counted(len(files), 'file')}"
    lines = [f"{read}: {', '.join(became)}."]
    if account.rejected:
        causes = ", ".join(f"{cause} {count:,}" for cause, count in account.causes.items())
        lines.append(f"Rejected for: {causes}.")
    if account.passed:
        passed = ", ".join(f"{what} {count:,}" for what, count in sorted(account.passed.items()))
        guests = f"; guests spent {Decimal(account.spent).scaleb(-6):,.2f} {options.currency}"
        lines.append(f"Passed over: {passed}{guests * bool(account.spent)}.")
    if account.repeated:
        again = f"{counted(account.repeated, 'row')} with the key and amount of another"
        lines.append(f"Counted once: {again}; if they are items, --csv-same-key sum adds them.")
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


def ranking_lines(summary: Summary) -> Iterator[str]:
    """Yield who is ranked, where not all are, and the model with its notes."""
    by = summary.by
    if by.ranked is not None:
        yield f"Ranked: {summary.ranked_text.rstrip(',')}."
    if by.model:
        parts = [("BG/NBD", by.model.bg_nbd), ("Gamma-Gamma", by.model.gamma_gamma)]
        fits = "; ".join(f"{name} {parameters_text(fit)}" for name, fit in parts if fit)
        customers = counted(by.model.customers, "customer")
        yield f"Model of {customers}, {by.model.repeaters:,} of whom came back: {fits}."
    for note in by.notes:
        yield f"Note on the model: {note}."


def parameters_text(fit: "ShownBgNbd | ShownGammaGamma") -> str:
    """Return the parameters that were found."""
    estimates: list[tuple[str, ShownEstimate | None]] = list(fit._asdict().items())[:-1]
    return ", ".join(f"{name} {one.value if one else 'not known'}" for name, one in estimates)


def rules_of(options: Options) -> Rules:
    """What is asked of events; what no ranking needs is not kept."""
    span = options.since, options.before
    return Rules(options.currency, *span, with_details=False, timezone=options.timezone)


def places_of(output: Target, rejects: "RejectsTarget | None", account: Account) -> "list[str]":
    """Where the results are, and the rejects, if there are any."""
    lines = [] if output.path == STANDARD_OUTPUT else [f"Results: {output.path}"]
    if rejects and account.rejected:
        lines.append(f"Rejected events, with place and reason: {rejects.path}")
    return lines
