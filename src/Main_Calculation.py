"""Rank the customers of a shop by simple lifetime value, from logs of JSON events.

    cd src && python Main_Calculation.py 10

Python 3.6 can parse this file, so that an old one is told what is needed.
"""

import sys

if sys.version_info < (3, 11):  # pragma: no cover - .ci/run tries it
    sys.exit(
        "Main_Calculation.py: Python 3.11 or later is needed, this is {}.{}; "
        "for example: python3.11 Main_Calculation.py 10".format(*sys.version_info)
    )

import os

if __name__ == "__main__":

    def say_uncaught(kind, error, trace):  # type: ignore[no-untyped-def] # so that 3.6 parses it
        """Say in one line what Python would print a traceback of.

        It is a limit, within which not even the modules below can be loaded, or a signal so early.
        """
        if issubclass(kind, KeyboardInterrupt):
            return
        if os.environ.get("LTV_DEBUG") == "1":
            sys.__excepthook__(kind, error, trace)
        why = "out of memory" if issubclass(kind, MemoryError) else f"cannot go on: {error!r}"
        sys.stderr.write(f"Main_Calculation.py: {why}\n")

    sys.excepthook = say_uncaught

import signal  # after the hook: it takes a while to load

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # quiet, until there is something to clean up

from ltv.asked import ranking_of, top_by
from ltv.options import Options, help_text, parse_options
from ltv.process import (
    MISUSED,
    abandon_standard_output,
    exit_status,
    flush_standard_output,
    prepare_process,
    say,
    say_failure,
)
from ltv.run import Results, explained, prepared
from ltv.signals import SIGNALLED, Interrupted, stop_listening
from LTV_Calculate import topXSimpleLTVCustomers
from LTV_Ingest import Ingest


def main(argv: "list[str] | None" = None) -> int:
    """Run with the arguments `argv`, by default the command line's; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments:
        say(help_text())
        return MISUSED
    return exit_status(lambda: run(parse_options(arguments)))


def run(options: Options) -> None:
    """Read the events, rank the customers, and put what came out in place."""
    if options.engine == "spark":
        from ltv.cluster.job import run_on_cluster  # noqa: PLC0415 - nothing else needs it

        run_on_cluster(options)
        return
    with prepared(options) as this_run:
        rules = this_run.rules._asdict()
        with this_run.customers() as customers:
            D = Ingest(this_run.events, customers, **rules, errors=this_run.account)
            this_run.check(D)
            if options.to_events:
                this_run.write_events(D)
                return
            ranking = ranking_of(options, D)
            results: Results
            if options.explain is not None:
                results = explained(options.explain, D, ranking, options)
            elif options.backtest is not None:
                results = this_run.backtest(D, ranking)
            elif options.by == "ltv":
                limits = ranking.limits
                results = topXSimpleLTVCustomers(options.x, D, lifespan=options.lifespan, **limits)
            else:
                results = top_by(options, D, ranking)
            summary = this_run.sum_up(D, ranking, results)
        this_run.write(results, summary)


def run_process() -> int:
    """All that the process does, also when a signal comes before or after the run itself."""
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
