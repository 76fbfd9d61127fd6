"""The command line: its grammar, its defaults, and what is said of a mistake (SPEC, section 8)."""

import argparse
import contextlib
import os
import re
import shlex
from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import NamedTuple

import ltv.output.explain
from ltv.address import Address, is_address
from ltv.arguments import PROGRAM, CommandLineParser, HelpFormatter, one_of, refusal
from ltv.csv_options import add_csv_options, take_csv
from ltv.errors import EventError
from ltv.output.formats import ENDINGS, FORMATS
from ltv.output.target import STANDARD_OUTPUT, is_replaced
from ltv.ranking.segments import SEGMENTS
from ltv.reading.csv_columns import CsvRules
from ltv.times import DAY, day_text
from ltv.values import CURRENCY, parse_date, parse_id
from LTV_Calculate import parse_span

VERSION = "0.1.0"
PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

#: Of a number on the command line; a greater one counts as the least that has more.
MAX_DIGITS = 18

#: At most 80 columns, as all of the help.
FORMULA = """\
Ranks the customers of a shop by what they are worth, from logs of its events:

  LTV = 52 x revenue / weeks x years

weeks: calendar weeks from a customer's first event to the last event of all the
data, both counted; years: 10, or what --lifespan says.

"""

EXAMPLES = """\
examples:
  python Main_Calculation.py 10                       the best 10 of input/
  python Main_Calculation.py 10 day.json.gz logs/     of files, directories
  python Main_Calculation.py 50 logs/ -o top.csv --excel  for a spreadsheet
  python Main_Calculation.py 20 logs/ -o report.html  as a page to send on
  python Main_Calculation.py logs/ --explain c1       why c1 is worth what it is
  python Main_Calculation.py 9 logs/ --backtest 2017-06-30  which to believe
  python Main_Calculation.py 9 today.json --store shop.store  and all before
  python Main_Calculation.py 9 logs/ --since 2017-01-01 --until 2017-06-30
  zcat *.gz | python Main_Calculation.py 5 - -o -     from one pipe into another
  spark-submit src/Main_Calculation.py 9 hdfs:/logs -o hdfs:/top --engine spark
"""

EXIT_STATUS = """\
exit status:
  0  the results are written
  1  the run failed: one line says why, and earlier results stay as they are
  2  the command line is wrong
  3  more events were rejected than --strict or --max-rejects allows
  130, 143, 129  interrupted by SIGINT, SIGTERM, SIGHUP
"""

HELP_WIDTH = 80  # columns, whatever the terminal has

#: In an address: who asks, with a password, and what else is said to the server.
_SECRET = re.compile(r"(?<=://).*(?=@)|(?<=\?).*", re.DOTALL)

#: What customers can be ranked by (SPEC, section 9), and the weeks that two take by default.
METHODS = ("ltv", "revenue", "recent", "expected")
HALF_LIFE = "13"
HORIZON = "52"

#: What only one of the engines can be asked for, by the name in Options.
LOCAL_OPTIONS = (
    "format",
    "excel",
    "rejects",
    "backtest",
    "explain",
    "store",
    "workers",
    "temp",
    "csv",
)
SPARK_OPTIONS = ("partitions",)


def whole_number(text: str, least: int) -> int:
    """Return the whole number of at least `least` that `text` spells."""
    if re.fullmatch("[0-9]+", text):
        digits = text.lstrip("0") or "0"
        number = int(digits) if len(digits) <= MAX_DIGITS else 10**MAX_DIGITS
        if number >= least:
            return number
    raise refusal(text, f"a whole number of at least {least}, such as 10")


def positive(text: str) -> int:
    """Return a whole number above 0."""
    return whole_number(text, 1)


def not_negative(text: str) -> int:
    """Return a whole number, 0 or above."""
    return whole_number(text, 0)


def span(unit: str, text: str) -> str:
    """Return years or weeks above 0 and up to 1,000, as they were given."""
    try:
        parse_span("", unit, text)
    except ValueError:
        raise refusal(text, f"{unit} above 0 and up to 1000, such as 10 or 2.5") from None
    return text


def currency(text: str) -> str:
    """Return the three letters of a currency, as capitals."""
    if not CURRENCY.fullmatch(text):
        raise refusal(text, "a currency as three letters, such as USD")
    return text.upper()


def day_begin(text: str) -> int:
    """Return the begin of the day `YYYY-MM-DD` in UTC, in microseconds since 1970."""
    try:
        return parse_date(text)
    except ValueError:
        raise refusal(text, "a date from 1970 to 2199, such as 2017-12-31") from None


def day_after(text: str) -> int:
    """Return the end of the day `YYYY-MM-DD` in UTC, in microseconds since 1970."""
    return day_begin(text) + DAY


def zone(text: str) -> str:
    """Return the name of a time zone that is known."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only some runs have one

    try:
        return ZoneInfo(text).key
    except (ValueError, OSError, LookupError):
        raise refusal(text, "the name of a time zone, such as Europe/Berlin") from None


def path(text: str) -> str:
    """Return a path that is not empty."""
    if not text or "\0" in text:
        raise refusal(text, "the path of a file, such as top.csv")
    return text


def file_path(text: str) -> str:
    """Return the path of a file, not `-`, nor one that only a directory can have."""
    if text == STANDARD_OUTPUT or (text and not os.path.basename(text)):
        raise refusal(text, "the path of a file, such as rejects.jsonl")
    return path(text)


def store_path(text: str) -> str:
    """Return the path of a store, or its address, which is shown without what is secret."""
    if not is_address(text):
        return file_path(text)
    try:
        return Address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def customer_id(text: str) -> str:
    """Return an id that a customer can have."""
    try:
        return parse_id(text, "CUSTOMER_ID")
    except EventError:
        raise refusal(text, "the id of a customer, a text of 1 to 256 characters") from None


def command_line_parser() -> CommandLineParser:
    """Return the grammar of the command line (SPEC, section 8)."""
    parser = CommandLineParser(
        prog=PROGRAM,
        usage="python Main_Calculation.py X [FILE ...] [options]",
        description=FORMULA + EXAMPLES,
        epilog=EXIT_STATUS,
        formatter_class=partial(HelpFormatter, width=HELP_WIDTH),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "x",
        metavar="X",
        nargs="?",
        help="how many customers to show; not needed with --explain or --to-events",
    )
    add(
        "paths",
        metavar="FILE",
        nargs="*",
        type=path,
        help="event files, directories of them, or - for standard input; default: input/",
    )
    add(
        "-o",
        "--output",
        metavar="PATH",
        type=path,
        help="where the results go; - for standard output; default: output/output.txt",
    )
    add(
        "-f",
        "--format",
        metavar="FORMAT",
        type=partial(one_of, tuple(FORMATS)),
        help=f"{', '.join(FORMATS)}; default: by the output's ending, else text",
    )
    add(
        "--excel",
        action="store_true",
        default=None,
        help="begin the CSV with a byte-order mark, by which Excel knows accents",
    )
    add(
        "--rejects",
        metavar="PATH",
        type=file_path,
        help="where rejected events go; default: the output's name with .rejects.jsonl added; "
        "nowhere with -o -",
    )
    add("--strict", action="store_true", help="fail when any event is rejected")
    add(
        "--max-rejects",
        metavar="N",
        type=not_negative,
        help="fail when more than N events are rejected",
    )
    add(
        "--lifespan",
        metavar="YEARS",
        type=partial(span, "years"),
        default="10",
        help="how long a customer stays; default: 10",
    )
    add(
        "--currency",
        metavar="CUR",
        type=currency,
        default="USD",
        help="the currency that is summed; amounts in others are rejected; default: USD",
    )
    add(
        "--since",
        metavar="DATE",
        type=day_begin,
        help="only events from the begin of that day, UTC, such as 2017-01-31",
    )
    add(
        "--until",
        dest="before",
        metavar="DATE",
        type=day_after,
        help="only events up to the end of that day, UTC",
    )
    add(
        "--timezone",
        metavar="NAME",
        type=zone,
        help="the zone of times without one, such as Europe/Berlin; default: UTC",
    )
    add(
        "--by",
        metavar="METHOD",
        type=partial(one_of, METHODS),
        help=f"what to rank by: {', '.join(METHODS)}; default: ltv",
    )
    add(
        "--half-life",
        metavar="WEEKS",
        type=partial(span, "weeks"),
        help="with --by recent or --backtest, the age at which revenue counts half; "
        f"default: {HALF_LIFE}",
    )
    add(
        "--horizon",
        metavar="WEEKS",
        type=partial(span, "weeks"),
        help=f"with --by expected, how far ahead to look; default: {HORIZON}",
    )
    add(
        "--min-weeks",
        metavar="N",
        type=not_negative,
        help="rank only customers of at least N weeks",
    )
    add(
        "--min-orders",
        metavar="N",
        type=not_negative,
        help="rank only customers with at least N orders",
    )
    add(
        "--segment",
        metavar="NAME",
        type=partial(one_of, SEGMENTS),
        help=f"rank only the customers of one segment: {', '.join(SEGMENTS)}",
    )
    add(
        "--backtest",
        metavar="DATE",
        type=day_begin,
        help="instead of the ranking, show how well each method would have ranked by what was "
        "known at the end of that day, UTC",
    )
    add(
        "--explain",
        metavar="CUSTOMER_ID",
        type=customer_id,
        help="instead of the ranking, show what went into the value of one customer, given by "
        "its id or the begin of it",
    )
    add(
        "--store",
        metavar="PATH",
        type=store_path,
        help="join the events into this file (or mongodb://HOST/DB) and rank all that it knows; "
        "without FILE, only rank",
    )
    add(
        "--workers",
        metavar="N",
        type=positive,
        help="how many processes read a large input; default: one for each processor",
    )
    add(
        "--temp",
        metavar="DIR",
        type=path,
        help="directory for what does not fit in memory; default: the system's",
    )
    add_csv_options(parser)
    add(
        "--engine",
        metavar="ENGINE",
        type=partial(one_of, ("local", "spark")),
        default="local",
        help="local (on this machine) or spark (on a cluster); default: local",
    )
    add(
        "--partitions",
        metavar="N",
        type=positive,
        help="with --engine spark, how many parts the customers are dealt into; default: one for "
        "each 64 MiB of JSON, at least one for each processor",
    )
    add(
        "-q",
        "--quiet",
        action="store_true",
        help="print only errors and warnings; the results go where -o says",
    )
    add("--version", action="version", version=f"{PROGRAM} {VERSION}")
    return parser


class Options(NamedTuple):
    """What a run is asked to do, with every default filled in."""

    x: int
    paths: list[str]
    output: str
    format: str
    excel: bool | None
    rejects: str | None
    strict: bool
    max_rejects: int | None
    lifespan: str  # years
    currency: str
    since: int | None  # microseconds since 1970
    before: int | None  # likewise
    timezone: str | None  # of times without a zone; None for UTC
    by: str  # one of METHODS
    half_life: str  # weeks
    horizon: str  # weeks
    min_weeks: int | None
    min_orders: int | None
    segment: str | None  # one of SEGMENTS
    backtest: int | None  # the begin of the day, in microseconds since 1970
    explain: str | None  # the id of a customer
    store: str | None
    workers: int | None
    temp: str | None
    engine: str  # local or spark
    partitions: int | None  # of the customers, on Spark
    quiet: bool
    csv: CsvRules | None
    command: str  # as `command_text` has it
    to_events: bool


def parse_options(arguments: list[str]) -> Options:
    """Return the options that `arguments` stand for.

    Raises UsageError when they are wrong, and SystemExit after `--help` and `--version`.
    """
    parser = command_line_parser()
    options, unknown = parser.parse_known_intermixed_args(arguments)
    options.command = command_text(arguments)
    if unknown:
        parser.refuse(unknown)
    take_x(parser, options)
    check_engine(parser, options)
    take_csv(parser, options)
    check_span(parser, options)
    check_method(parser, options)
    if options.engine == "spark":
        return Options(**vars(options) | {"format": "jsonl"})
    if not options.paths and options.store is None:
        options.paths = [shown_path(os.path.join(PROJECT, "input"))]
    if options.format is None:
        is_named = options.output and os.path.splitext(options.output)[1]
        is_lines = options.to_events and not is_named
        options.format = "jsonl" if is_lines else format_of(parser, options.output)
    if options.to_events and options.format != "jsonl":
        parser.error(f"argument --to-events: given the format {options.format}, expected jsonl")
    if options.explain is not None and options.format not in ltv.output.explain.FORMATS:
        expected = " or ".join(ltv.output.explain.FORMATS)
        parser.error(f"argument --explain: given the format {options.format}, expected {expected}")
    if options.excel and options.format != "csv":
        parser.error(f"argument --excel: given the format {options.format}, expected csv")
    if options.output is None:
        is_default = options.explain is None and not options.to_events
        options.output = default_output(options.format) if is_default else STANDARD_OUTPUT
    if options.rejects is None and is_replaced(options.output):
        options.rejects = default_rejects(options.output)
    return Options(**vars(options))


def command_text(arguments: Iterable[str]) -> str:
    """Return the command for whoever gets the results.

    Addresses are without passwords; what changes nothing in the results is left out.

    >>> command_text(["9", "--workers", "2", "--store", "mongodb://me:secret@db/shop?tls=true"])
    "python Main_Calculation.py 9 --store 'mongodb://...@db/shop?...'"
    """
    shown, rest = ["python", PROGRAM], iter(arguments)
    for one in rest:
        if one in ("--workers", "--temp"):
            next(rest, None)
        elif not one.startswith(("--workers=", "--temp=")) and one not in ("-q", "--quiet"):
            shown.append(_SECRET.sub("...", one) if "://" in one else one)
    return shlex.join(shown)


def check_engine(parser: CommandLineParser, options: argparse.Namespace) -> None:
    """Refuse what the engine cannot be asked for, or needs and was not given. Raises UsageError."""
    is_spark = options.engine == "spark"
    for name in LOCAL_OPTIONS if is_spark else SPARK_OPTIONS:
        if getattr(options, name) is not None:
            problem = "cannot be used with" if is_spark else "can only be used with"
            parser.error(f"argument --{name}: {problem} --engine spark")
    if not is_spark:
        return
    if not options.paths:
        parser.error("FILE is missing, expected the files that Spark is to read")
    if options.output is None or options.output == STANDARD_OUTPUT:
        parser.error(
            "argument -o/--output: expected the path of a new directory, with --engine spark"
        )


def check_span(parser: CommandLineParser, options: argparse.Namespace) -> None:
    """Refuse a span that ends before it begins. Raises UsageError."""
    since, before = options.since, options.before
    if since is not None and before is not None and since >= before:
        last_day = day_text(before - DAY)
        parser.error(f"argument --since: {day_text(since)} is after --until {last_day}")


def check_method(parser: CommandLineParser, options: argparse.Namespace) -> None:
    """Refuse an option of another method than is ranked by; fill in the rest. Raises UsageError."""
    if options.backtest is not None:
        for name in ("by", "explain", "store", "segment"):
            if getattr(options, name) is not None:
                parser.error(f"argument --{name}: cannot be used with --backtest")
    elif options.half_life is not None and options.by != "recent":
        parser.error("argument --half-life: can only be used with --by recent or --backtest")
    if options.horizon is not None and options.by != "expected":
        parser.error("argument --horizon: can only be used with --by expected")
    options.by = options.by or METHODS[0]
    options.half_life = options.half_life or HALF_LIFE
    options.horizon = options.horizon or HORIZON


def take_x(parser: CommandLineParser, options: argparse.Namespace) -> None:
    """Put X into `options` as a number; where it is not needed, any other text is the first FILE.

    Raises UsageError.
    """
    first, options.x = options.x, 1
    is_optional = options.explain is not None or options.to_events
    is_path = is_optional and not re.fullmatch("[0-9]*", first or "")
    try:
        if is_path:
            options.paths.insert(0, path(first))
        elif first is not None:
            options.x = positive(first)
        elif not is_optional:
            parser.error("X is missing, expected how many customers to show")
    except argparse.ArgumentTypeError as error:
        parser.error(f"argument {'FILE' if is_path else 'X'}: {error}")


def default_output(format_name: str) -> str:
    """Return the file in the project's `output/`, which is made if it is not there."""
    directory = os.path.join(PROJECT, "output")
    with contextlib.suppress(OSError):  # said when the file itself cannot be written
        os.makedirs(directory, exist_ok=True)
    return shown_path(os.path.join(directory, "output" + ENDINGS[format_name][0]))


def default_rejects(output: str) -> str:
    """Return the file beside `output`, the same one for the project's outputs in any format."""
    directory, name = os.path.split(output)
    if name.startswith("output."):
        with contextlib.suppress(OSError):  # the working directory is gone
            if os.path.realpath(directory) == os.path.realpath(os.path.join(PROJECT, "output")):
                name = "output"
    return os.path.join(directory, name + ".rejects.jsonl")


def shown_path(path: str) -> str:
    """Return an absolute path as seen from the working directory, where there is a way."""
    try:
        return os.path.relpath(path)
    except (OSError, ValueError):  # the working directory is gone; another drive
        return path


def format_of(parser: CommandLineParser, output: str | None) -> str:
    """Return the format that the ending of `output` names; text without one. Raises UsageError."""
    ending = os.path.splitext(output or "")[1].lower()
    for format_name, endings in ENDINGS.items():
        if ending in endings:
            return format_name
    if output and ending.strip(".") and is_replaced(output):
        *others, last = chain.from_iterable(ENDINGS.values())
        expected = f"a name that ends in {', '.join(others)} or {last}, or a format given with -f"
        parser.error(f"argument -o/--output: {refusal(output, expected)}")
    return "text"


def help_text() -> str:
    """Return the usage with examples, and every option."""
    return command_line_parser().format_help().rstrip()
