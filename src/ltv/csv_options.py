"""The options that say how CSV files are read: their grammar, and what does not go together."""

import argparse
import codecs
from functools import partial

from ltv.arguments import CommandLineParser, one_of, refusal
from ltv.reading.csv_columns import LAYOUTS, ROW_NUMBER, SAME_KEY, CsvRules, Mapped, mapping_of

#: Encodings that put a mark before each text, and what they are after it (which is found anyway).
_WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def add_csv_options(parser: CommandLineParser) -> None:
    """Add what is said of CSV files."""
    add = parser.add_argument
    add(
        "--csv",
        metavar="MEMBER=COLUMN,...",
        type=mapping,
        help="the files are CSV, a row an order: the columns of customer_id, key (or @row), "
        "event_time, total_amount; also of currency, last_name, minus (taken off the amount); "
        "or shopify or stripe for their exports",
    )
    add(
        "--csv-where",
        metavar="COLUMN=VALUE,...",
        type=condition,
        action="append",
        help="only rows with one of these values; may be given again for another column",
    )
    add(
        "--csv-same-key",
        metavar="HOW",
        type=partial(one_of, SAME_KEY),
        help="rows of one order with different amounts: sum, last or max; else the run fails",
    )
    add(
        "--csv-time",
        metavar="FORMAT",
        type=time_format,
        help="how times are written, as for strptime, such as '%%m/%%d/%%Y %%H:%%M'",
    )
    add("--decimal-comma", action="store_true", help="amounts in CSV are written as 1.250,00")
    add(
        "--csv-quote",
        metavar="QUOTE",
        type=partial(one_of, ("double", "none")),
        help="none: a quote in CSV is a character like others; default: double",
    )
    add("--csv-encoding", metavar="NAME", type=encoding, help="of CSV; default: utf-8")
    add(
        "--to-events",
        action="store_true",
        help="instead of the ranking, write the events that CSV is read as, as JSON Lines",
    )


def mapping(text: str) -> Mapped:
    """Return the columns of an event's members."""
    try:
        return mapping_of(text)
    except ValueError as error:
        raise refusal(text, str(error)) from None


def condition(text: str) -> tuple[str, frozenset[str]]:
    """Return a column, and the values that are wanted in it."""
    column, equals, values = text.partition("=")
    if not column or not equals:
        raise refusal(text, "a column and its values, such as 'Financial Status=paid,refunded'")
    return column, frozenset(map(str.strip, values.split(",")))


def time_format(text: str) -> str:
    """Return a form of times that is not empty."""
    if not text or "\0" in text:
        raise refusal(text, "how times are written, such as '%m/%d/%Y %H:%M'")
    if "%Z" in text:  # which Python knows by where the machine stands
        raise refusal(text, "no %Z: map the columns without the zone's name, and say --timezone")
    return text


def encoding(text: str) -> str:
    """Return the name of an encoding of text that is known."""
    try:
        info = codecs.lookup(text)
        if not info._is_text_encoding:
            raise LookupError(text)
    except (LookupError, ValueError):
        raise refusal(text, "the name of an encoding, such as cp1252") from None
    return _WITHOUT_MARK.get(info.name, info.name)


#: What is said of CSV files alone, by the name that argparse has for it.
CSV_OPTIONS = (
    "csv_where",
    "csv_same_key",
    "csv_time",
    "decimal_comma",
    "csv_quote",
    "csv_encoding",
)


#: What only a ranking can be asked for, likewise.
OF_RANKINGS = (
    "backtest",
    "by",
    "explain",
    "half_life",
    "horizon",
    "min_orders",
    "min_weeks",
    "store",
)


def take_csv(parser: CommandLineParser, options: argparse.Namespace) -> None:
    """Put all that is said of CSV into `options.csv`. Raises UsageError."""
    given = {name: vars(options).pop(name) for name in CSV_OPTIONS}
    if options.csv is None:
        for name in filter((given | vars(options)).get, (*CSV_OPTIONS, "to_events")):
            parser.error(f"argument --{name.replace('_', '-')}: can only be used with --csv")
        return
    columns, layout = options.csv
    where = dict(given["csv_where"] or ())
    if len(where) < len(given["csv_where"] or ()):
        parser.error("argument --csv-where: a column is given twice: give its values at once")
    if columns["key"] == (ROW_NUMBER,) and (options.store or len(options.paths) != 1):
        parser.error("argument --csv: key=@row is for one file without --store: numbers repeat")
    if options.to_events:
        for name in filter(vars(options).get, OF_RANKINGS):
            option = f"--{name.replace('_', '-')}"
            parser.error(f"argument {option}: cannot be used with --to-events, which ranks nobody")
    options.csv = CsvRules(
        columns,
        (LAYOUTS[layout][1] if layout else {}) | where,
        given["csv_time"],
        given["decimal_comma"],
        given["csv_quote"] != "none",
        given["csv_encoding"] or "utf-8",
        given["csv_same_key"],
        layout,
    )
