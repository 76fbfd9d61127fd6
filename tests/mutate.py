"""Prove that every rule of the contract (SPEC, sections 1 to 8) has a test that fails without it.

    .venv-3.11/bin/python tests/mutate.py               all mutations
    .venv-3.11/bin/python tests/mutate.py NAME [...]    these alone

A mutation breaks one rule in a copy of the project, where the quick tests must then fail; a hang
counts as a failure. What survives is named, and the exit status 1: either it breaks nothing, and
has no place here, or a test is missing.
"""

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent
COPIED = ("src", "tests", "input", "README.md", "pyproject.toml")
AT_ONCE = 2
TIMEOUT_SECONDS = 240

#: What would change which Python code is run.
NOT_PASSED_ON_PREFIXES = ("PYTHON", "COVERAGE_", "PYTEST_", "LTV_")


class Mutation(NamedTuple):
    """A rule, and how to break it: `old` occurs exactly once in `file`, and becomes `new`."""

    name: str
    rule: str  # the section of the contract, and what it says there
    file: str
    old: str
    new: str


M = Mutation

ACCOUNT = "LTV_Account.py"
CALCULATE = "LTV_Calculate.py"
CHANGES = "LTV_Changes.py"
CLASSES = "LTV_Classes.py"
CLOCK = "LTV_Clock.py"
CREW = "LTV_Crew.py"
ERRORS = "LTV_Errors.py"
EXPLAIN = "LTV_Explain.py"
FILE_STATE = "LTV_FileState.py"
GRAMMAR = "LTV_Grammar.py"
INGEST = "LTV_Ingest.py"
INPUT = "LTV_Input.py"
INTAKE = "LTV_Intake.py"
JSON = "LTV_Json.py"
LAYOUTS = "LTV_Layouts.py"
MAIN = "Main_Calculation.py"
OPTIONS = "LTV_Options.py"
OUTPUT = "LTV_Output.py"
REJECTS = "LTV_Rejects.py"
PARALLEL = "LTV_Parallel.py"
PIECES = "LTV_Pieces.py"
PARTS = "LTV_Parts.py"
PROGRESS = "LTV_Progress.py"
READ = "LTV_Read.py"
SHARDS = "LTV_Shards.py"
SIGNALS = "LTV_Signals.py"
TABLE = "LTV_Table.py"
TALLIES = "LTV_Tallies.py"
TEXT = "LTV_Text.py"
TIME = "LTV_Time.py"
SESSION = "LTV_Session.py"
STORE = "LTV_Store.py"
STORE_FILE = "LTV_StoreFile.py"
WORKER = "LTV_Worker.py"
WRITE = "LTV_Write.py"

#: The tests most likely to notice, by the source file that was changed.
FIRST_TESTS = {
    CALCULATE: ("test_calculate",),
    CLASSES: ("test_classes", "test_ingest"),
    CLOCK: ("test_store",),
    ERRORS: ("test_main",),
    EXPLAIN: ("test_explain",),
    FILE_STATE: ("test_changed_files",),
    GRAMMAR: ("test_grammar", "test_ingest"),
    INGEST: ("test_ingest", "test_calculate"),
    INPUT: ("test_input", "test_changed_files", "test_main"),
    INTAKE: ("test_main",),
    JSON: ("test_ingest", "test_read"),
    LAYOUTS: ("test_layouts", "test_parallel", "test_read"),
    MAIN: ("test_main", "test_progress"),
    OPTIONS: ("test_main",),
    OUTPUT: ("test_output", "test_main", "test_rejects"),
    REJECTS: ("test_rejects",),
    READ: ("test_read", "test_changed_files"),
    TABLE: ("test_write",),
    TEXT: ("test_write",),
    TIME: ("test_time", "test_tallies", "test_layouts", "test_grammar"),
    WRITE: ("test_write", "test_main"),
    CREW: ("test_crew",),
    PARALLEL: ("test_progress", "test_parallel"),
    PARTS: ("test_parts", "test_changed_files", "test_parallel"),
    PROGRESS: ("test_progress",),
    CHANGES: ("test_store",),
    ACCOUNT: ("test_store",),
    PIECES: ("test_store",),
    SESSION: ("test_store",),
    STORE: ("test_store",),
    STORE_FILE: ("test_store_damage", "test_store"),
    SHARDS: ("test_shards", "test_tallies"),
    SIGNALS: ("test_signals", "test_main"),
    TALLIES: ("test_tallies",),
    WORKER: ("test_progress", "test_parallel"),
}

#: The slowest, whose failures say the least.
LAST_TESTS = ("test_properties", "test_oracle")

EVENTS = (
    M(
        "customer-update",
        "1: a CUSTOMER has NEW and UPDATE",
        INGEST,
        '"CUSTOMER": ("NEW", "UPDATE")',
        '"CUSTOMER": ("NEW",)',
    ),
    M(
        "visit-update",
        "1: a SITE_VISIT has NEW alone",
        INGEST,
        '"SITE_VISIT": ("NEW",)',
        '"SITE_VISIT": ("NEW", "UPDATE")',
    ),
    M(
        "image-new",
        "1: an IMAGE has UPLOAD alone",
        INGEST,
        '"IMAGE": ("UPLOAD",)',
        '"IMAGE": ("UPLOAD", "NEW")',
    ),
    M(
        "order-update",
        "1: an ORDER has NEW and UPDATE",
        INGEST,
        '"ORDER": ("NEW", "UPDATE")',
        '"ORDER": ("NEW",)',
    ),
    M(
        "type-case",
        "1: a type is case-sensitive",
        INGEST,
        'kind = event.get("type")\n',
        'kind = event.get("type")\n    kind = kind.upper() if isinstance(kind, str) else kind\n',
    ),
    M(
        "verb-case",
        "1: a verb is case-sensitive",
        INGEST,
        'if event["verb"] not in verbs:',
        'if str(event["verb"]).upper() not in verbs:',
    ),
    M(
        "stray-amount",
        "1: members not named are ignored",
        INGEST,
        '    if kind == "ORDER":\n        value = ',
        '    if event.get("total_amount") is not None:\n        value = ',
    ),
    M(
        "stray-customer-id",
        "1: a CUSTOMER is its key, whatever its customer_id",
        INGEST,
        'customer_id = key if kind == "CUSTOMER" else',
        'customer_id = key if kind == "CUSTOMER" and not event.get("customer_id") else',
    ),
    M(
        "optional-number",
        "1: an optional text of another JSON type is absent",
        GRAMMAR,
        "return value if isinstance(value, str) and _is_short_text(value) else None",
        "return str(number_text(value) or value) if _is_short_text(value) or number_text(value)"
        " else None",
    ),
    M(
        "optional-long",
        "1: an optional text over 256 characters is absent",
        GRAMMAR,
        "isinstance(value, str) and _is_short_text(value) else None",
        "isinstance(value, str) and is_encodable(value) else None",
    ),
    M(
        "optional-surrogate",
        "1: an optional text that cannot be encoded is absent",
        GRAMMAR,
        "isinstance(value, str) and _is_short_text(value) else None",
        "isinstance(value, str) and len(value) <= MAX_TEXT_LENGTH else None",
    ),
    M(
        "tags-object",
        "1: tags that are no array are absent",
        INGEST,
        'isinstance(event.get("tags"), list)',
        'event.get("tags") is not None',
    ),
    M(
        "text-255",
        "1: a text may have 256 characters",
        GRAMMAR,
        "MAX_TEXT_LENGTH = 256",
        "MAX_TEXT_LENGTH = 255",
    ),
    M(
        "text-257",
        "1: a text may not have 257 characters",
        GRAMMAR,
        "MAX_TEXT_LENGTH = 256",
        "MAX_TEXT_LENGTH = 257",
    ),
)

IDS = (
    M(
        "id-empty",
        "1: an id is not empty",
        GRAMMAR,
        "if value and _is_short_text(value):",
        "if _is_short_text(value):",
    ),
    M(
        "id-surrogate",
        "1: an id can be encoded in UTF-8",
        GRAMMAR,
        "        and (value.isascii() or is_encodable(value))\n",
        "",
    ),
    M(
        "id-19-digits",
        "1: an integer id has at most 18 digits",
        GRAMMAR,
        "[0-9]{1,18}",
        "[0-9]{1,19}",
    ),
    M(
        "id-negative",
        "1: an integer id may be negative",
        GRAMMAR,
        'r"-?[0-9]{1,18}"',
        'r"[0-9]{1,18}"',
    ),
    M(
        "id-minus-zero",
        "1: an integer id stands for its decimal spelling",
        GRAMMAR,
        "return str(int(digits))",
        "return digits",
    ),
    M(
        "id-number-is-text",
        "1: 7 and '7' are one customer",
        GRAMMAR,
        "return str(int(digits))",
        'return "#" + digits',
    ),
    M(
        "id-fraction",
        "1: an id that is a number is an integer",
        GRAMMAR,
        "            return str(int(digits))\n",
        "            return str(int(digits))\n        if digits:\n            return digits\n",
    ),
    M(
        "id-boolean",
        "1: true is no id",
        JSON,
        "    if isinstance(value, bool):\n        return None\n",
        "",
    ),
)

TIMES = (
    M("time-big-t", "1: T separates", GRAMMAR, r"[Tt\ :]", r"[t\ :]"),
    M("time-small-t", "1: t separates", GRAMMAR, r"[Tt\ :]", r"[T\ :]"),
    M("time-space", "1: a space separates", GRAMMAR, r"[Tt\ :]", r"[Tt:]"),
    M("time-colon", "1: : separates", GRAMMAR, r"[Tt\ :]", r"[Tt\ ]"),
    M("time-underscore", "1: nothing else separates", GRAMMAR, r"[Tt\ :]", r"[Tt\ :_]"),
    M(
        "time-hh-mm",
        "1: a clock time may be HH:MM",
        GRAMMAR,
        "[0-9]{{1,9}} ) )?\n        )?",
        "[0-9]{{1,9}} ) )?\n        )",
    ),
    M(
        "time-fraction-6",
        "1: .f has up to 9 digits",
        GRAMMAR,
        "[0-9]{{1,9}}",
        "[0-9]{{1,8}}",
    ),
    M(
        "time-fraction-0",
        "1: .f has at least a digit",
        GRAMMAR,
        "[0-9]{{1,9}}",
        "[0-9]{{0,9}}",
    ),
    M(
        "time-rounded",
        "1: .f is cut to microseconds",
        GRAMMAR,
        'int(fraction[:6].ljust(6, "0"))',
        '(int(fraction.ljust(9, "0")) + 500) // 1000',
    ),
    M(
        "time-fraction-short",
        "1: .5 is half a second",
        GRAMMAR,
        'int(fraction[:6].ljust(6, "0"))',
        "int(fraction[:6])",
    ),
    M("time-big-z", "1: Z may follow", GRAMMAR, "[Zz]", "z"),
    M("time-small-z", "1: z may follow", GRAMMAR, "[Zz]", "Z"),
    M(
        "time-offset-colon",
        "1: ±HH:MM may follow",
        GRAMMAR,
        " :? (?P<offset_min",
        " (?P<offset_min",
    ),
    M(
        "time-offset-plain",
        "1: ±HHMM may follow",
        GRAMMAR,
        " :? (?P<offset_min",
        " : (?P<offset_min",
    ),
    M(
        "time-offset-east",
        "1: + is ahead of UTC",
        GRAMMAR,
        "instant -= offset",
        "instant += offset",
    ),
    M("time-offset-west", "1: - is behind UTC", GRAMMAR, "else -offset", "else offset"),
    M(
        "time-hour-24",
        "1: hours 0-23",
        GRAMMAR,
        "<hour> {HOUR_PATTERN}",
        "<hour> [0-2][0-9]",
    ),
    M(
        "time-minute-60",
        "1: minutes 0-59",
        GRAMMAR,
        "<minute> {SIXTY_PATTERN}",
        "<minute> [0-6][0-9]",
    ),
    M(
        "time-second-60",
        "1: seconds 0-59",
        GRAMMAR,
        "<second> {SIXTY_PATTERN}",
        "<second> [0-6][0-9]",
    ),
    M(
        "time-offset-hour-24",
        "1: offset hours 0-23",
        GRAMMAR,
        "<offset_hour> {HOUR_PATTERN}",
        "<offset_hour> [0-2][0-9]",
    ),
    M(
        "time-offset-minute-60",
        "1: offset minutes 0-59",
        GRAMMAR,
        "<offset_minute> {SIXTY_PATTERN}",
        "<offset_minute> [0-6][0-9]",
    ),
    M(
        "time-date-z",
        "1: Z follows a clock time only",
        GRAMMAR,
        "(?P<date> [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} )",
        "(?P<date> [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} ) Z?",
    ),
    M(
        "time-digits",
        "1: ASCII digits",
        GRAMMAR,
        "TIME.fullmatch(text)",
        'TIME.fullmatch(__import__("unicodedata").normalize("NFKC", text))',
    ),
    M(
        "time-white-space",
        "1: no white space around a time",
        GRAMMAR,
        "TIME.fullmatch(text)",
        "TIME.fullmatch(text.strip())",
    ),
    M(
        "time-tail",
        "1: nothing behind a time",
        GRAMMAR,
        "TIME.fullmatch(text)",
        "TIME.match(text)",
    ),
    M(
        "time-february-30",
        "1: a real date",
        TIME,
        "int(text[8:10])).toordinal()",
        "1).toordinal() - 1 + int(text[8:10])",
    ),
    M(
        "time-noon",
        "1: no clock time means 00:00",
        GRAMMAR,
        "days_since_1970(day) * DAY",
        "days_since_1970(day) * DAY + (0 if hour else 12 * HOUR)",
    ),
    M(
        "time-no-offset",
        "1: no offset means UTC",
        GRAMMAR,
        'instant -= offset if sign == "+" else -offset\n',
        'instant -= offset if sign == "+" else -offset\n'
        '    elif hour and text[-1] not in "Zz":\n        instant += HOUR\n',
    ),
    M("time-1969", "1: from 1970", GRAMMAR, "_FIRST_INSTANT = 0", "_FIRST_INSTANT = -1"),
    M(
        "time-1970",
        "1: 1970 counts",
        GRAMMAR,
        "_FIRST_INSTANT <= instant",
        "_FIRST_INSTANT < instant",
    ),
    M(
        "time-2200",
        "1: to 2199",
        GRAMMAR,
        "instant < BEHIND_LAST_INSTANT",
        "instant <= BEHIND_LAST_INSTANT",
    ),
    M("time-2199", "1: 2199 counts", GRAMMAR, '"2200-01-01"', '"2199-12-31"'),
    M(
        "time-years-in-utc",
        "1: it is the instant in UTC that falls in those years",
        GRAMMAR,
        "if not _FIRST_INSTANT <= instant < ",
        "if not _FIRST_INSTANT <= days_since_1970(day) * DAY < ",
    ),
)

AMOUNTS = (
    M(
        "amount-before-space",
        "1: CUR N has at most one space",
        GRAMMAR,
        r"<before> [A-Z]{{3}} ) \ ?",
        r"<before> [A-Z]{{3}} ) \ *",
    ),
    M(
        "amount-before-no-space",
        "1: CURN needs no space",
        GRAMMAR,
        r"<before> [A-Z]{{3}} ) \ ?",
        r"<before> [A-Z]{{3}} ) \ ",
    ),
    M(
        "amount-before-four",
        "1: CUR is three capitals",
        GRAMMAR,
        "<before> [A-Z]{{3}}",
        "<before> [A-Z]{{2,4}}",
    ),
    M(
        "amount-before-small",
        "1: CUR is capitals",
        GRAMMAR,
        "<before> [A-Z]{{3}}",
        "<before> [A-Za-z]{{3}}",
    ),
    M(
        "amount-before-sign",
        "1: N in CUR N has an optional sign",
        GRAMMAR,
        "<after_currency> [+-]?",
        "<after_currency>",
    ),
    M(
        "amount-behind-space",
        "1: N CUR has at most one space",
        GRAMMAR,
        r"(?: \ ? (?P<behind>",
        r"(?: \ * (?P<behind>",
    ),
    M(
        "amount-behind-no-space",
        "1: NCUR needs no space",
        GRAMMAR,
        r"(?: \ ? (?P<behind>",
        r"(?: \ (?P<behind>",
    ),
    M(
        "amount-behind-small",
        "1: CUR is capitals",
        GRAMMAR,
        "<behind> [A-Z]{{3}}",
        "<behind> [A-Za-z]{{3}}",
    ),
    M("amount-plus", "1: the sign may be +", GRAMMAR, "<number> [+-]?", "<number> -?"),
    M("amount-minus", "1: the sign may be -", GRAMMAR, "<number> [+-]?", r"<number> \+?"),
    M(
        "amount-dollar",
        "1: $N is an amount",
        GRAMMAR,
        r"[+-]? \$ {NUMBER_PATTERN} | \$ [+-] {NUMBER_PATTERN}",
        r"[+-] \$ {NUMBER_PATTERN} | \$ [+-] {NUMBER_PATTERN}",
    ),
    M(
        "amount-sign-dollar",
        "1: a sign may stand before the $",
        GRAMMAR,
        r"[+-]? \$ {NUMBER_PATTERN} |",
        r"\$ {NUMBER_PATTERN} |",
    ),
    M(
        "amount-dollar-sign",
        "1: the sign of N may stand behind the $",
        GRAMMAR,
        r" | \$ [+-] {NUMBER_PATTERN}",
        "",
    ),
    M(
        "amount-dollar-space",
        "1: no space behind the $",
        GRAMMAR,
        r"[+-]? \$ {NUMBER_PATTERN} |",
        r"[+-]? \$ \ ? {NUMBER_PATTERN} |",
    ),
    M("amount-13-digits", "1: N has at most 12 digits", GRAMMAR, "[0-9]{1,12}", "[0-9]{1,13}"),
    M("amount-no-digits", "1: N has a digit before the .", GRAMMAR, "[0-9]{1,12}", "[0-9]{0,12}"),
    M(
        "amount-15-grouped",
        "1: also in groups 12",
        GRAMMAR,
        "[0-9]{3}){1,3}",
        "[0-9]{3}){1,4}",
    ),
    M(
        "amount-groups-of-4",
        "1: groups of three",
        GRAMMAR,
        ",[0-9]{3})",
        ",[0-9]{3,4})",
    ),
    M(
        "amount-groups-first",
        "1: groups of three",
        GRAMMAR,
        "[0-9]{1,3}(?:,",
        "[0-9]{1,4}(?:,",
    ),
    M(
        "amount-groups-mixed",
        "1: all in groups or none",
        GRAMMAR,
        "(?:,[0-9]{3})",
        "(?:,?[0-9]{3})",
    ),
    M(
        "amount-5-decimals",
        "1: up to 6 decimals",
        GRAMMAR,
        r"{1,3})(?:\.[0-9]{1,6})?",
        r"{1,3})(?:\.[0-9]{1,5})?",
    ),
    M(
        "amount-0-decimals",
        "1: a . has decimals",
        GRAMMAR,
        r"{1,3})(?:\.[0-9]{1,6})?",
        r"{1,3})(?:\.[0-9]{0,6})?",
    ),
    M(
        "amount-digits",
        "1: ASCII digits",
        GRAMMAR,
        "AMOUNT.fullmatch(text) if",
        'AMOUNT.fullmatch(__import__("unicodedata").normalize("NFKC", text)) if',
    ),
    M(
        "amount-white-space",
        "1: no white space around an amount",
        GRAMMAR,
        "AMOUNT.fullmatch(text) if",
        "AMOUNT.fullmatch(text.strip()) if",
    ),
    M(
        "amount-number",
        "1: a JSON number is an amount",
        GRAMMAR,
        "text = value if isinstance(value, str) else number_text(value)",
        "text = value if isinstance(value, str) else None",
    ),
    M(
        "amount-exponent",
        "1: no exponent in a JSON number",
        GRAMMAR,
        "else number_text(value)\n    match = AMOUNT",
        'else number_text(value) and format(__import__("decimal").Decimal(number_text(value)), "f")'
        "\n    match = AMOUNT",
    ),
    M(
        "amount-binary",
        "1: never binary floats",
        GRAMMAR,
        'return int(whole + fraction.ljust(6, "0"))',
        'return round(float(whole + "." + (fraction or "0")) * 1_000_000)',
    ),
    M(
        "amount-dollar-is-any",
        "1: $ means USD",
        GRAMMAR,
        '"USD" if dollars else',
        "currency if dollars else",
    ),
    M(
        "amount-plain-is-usd",
        "1: no currency means the one being summed",
        GRAMMAR,
        "before or behind or currency",
        'before or behind or "USD"',
    ),
    M(
        "amount-other-currency",
        "1: another currency is other-currency",
        GRAMMAR,
        "if stated != currency:",
        "if False:",
    ),
    M(
        "amount-refund",
        "1: negative amounts count as they stand",
        GRAMMAR,
        'return int(whole + fraction.ljust(6, "0"))',
        'return abs(int(whole + fraction.ljust(6, "0")))',
    ),
)

REASONS = (
    M(
        "count-later",
        "2: the counts add up to the number read",
        INTAKE,
        "self.read - self.rejected - self.later",
        "self.read - self.rejected",
    ),
    M(
        "rejected-leaves-trace",
        "2: a rejected event is not known of",
        INGEST,
        "            if errors is None:\n                raise\n",
        '            if error.reason == "bad-amount":\n'
        '                customer_id = parse_id(event["customer_id"], "customer_id")\n'
        "                D.setdefault(customer_id, Customer(customer_id)).see(\n"
        '                    pack(parse_time(event["event_time"]))\n'
        "                )\n"
        "            if errors is None:\n"
        "                raise\n",
    ),
    M(
        "too-long-in-lines",
        "2: too-long before not-utf8",
        JSON,
        "    _check_length(text)\n    _check_encoding(text)\n    try:",
        "    _check_encoding(text)\n    _check_length(text)\n    try:",
    ),
    M(
        "utf8-before-json",
        "2: not-utf8 before not-json",
        JSON,
        "    _check_encoding(text)\n    try:\n        value, end = _STRICT.raw_decode(text)\n",
        "    try:\n        value, end = _STRICT.raw_decode(text)\n        _check_encoding(text)\n",
    ),
    M(
        "16-mib-less",
        "2: an event may have 16 MiB",
        JSON,
        "= 16 * 1024 * 1024",
        "= 16 * 1024 * 1024 - 1",
    ),
    M(
        "16-mib-more",
        "2: an event may not have more than 16 MiB",
        JSON,
        "= 16 * 1024 * 1024",
        "= 16 * 1024 * 1024 + 1",
    ),
    M(
        "16-mib-characters",
        "2: 16 MiB are bytes",
        JSON,
        "byte_length(text) > MAX_EVENT_BYTES:",
        "len(text) > MAX_EVENT_BYTES:",
    ),
    M(
        "16-mib-white-space",
        "2: white space around an event aside",
        READ,
        "return held.rstrip(WHITE_SPACE) if is_blank_behind else held",
        "return held",
    ),
    M(
        "after-object",
        "2: something after the object is not-json",
        JSON,
        "if end != len(text):",
        "if False:",
    ),
    M("255-brackets", "2: 256 brackets are fine", JSON, "BRACKETS = 256", "BRACKETS = 255"),
    M("257-brackets", "2: 257 brackets are not", JSON, "BRACKETS = 256", "BRACKETS = 257"),
    M(
        "brackets-in-strings",
        "2: brackets in texts are not open",
        JSON,
        '_STRING.sub(b"", raw_bytes(text))',
        "raw_bytes(text)",
    ),
    M(
        "brackets-behind-quotes",
        "2: brackets in texts are not open, behind escaped quotes either",
        JSON,
        r"""rb'"(?:[^"\\]++|\\.)*+"?'""",
        r"""rb'"[^"]*+"?'""",
    ),
    M(
        "depth-in-lines",
        "2: more than 256 brackets are not-json",
        JSON,
        "    check_depth(text)\n    return value\n",
        "    return value\n",
    ),
    M(
        "depth-in-array",
        "2: more than 256 brackets are not-json",
        JSON,
        "    _check_encoding(text)\n    check_depth(text)\n",
        "    _check_encoding(text)\n",
    ),
    M(
        "constants-in-lines",
        "2: NaN and Infinity are not-json",
        JSON,
        ", parse_constant=_refuse_constant)",
        ")",
    ),
    M(
        "constants-in-array",
        "2: NaN and Infinity are not-json",
        READ,
        "if may_hold_constants(text):",
        "if False:",
    ),
    M(
        "infinity-in-array",
        "2: Infinity is not-json",
        JSON,
        '"NaN" in text or "Infinity" in text',
        '"NaN" in text',
    ),
    M(
        "long-number-in-lines",
        "2: a number of any length is JSON",
        JSON,
        "_STRICT = JSONDecoder(parse_int=_number",
        "_STRICT = JSONDecoder(parse_int=int",
    ),
    M(
        "long-number-in-array",
        "2: a number of any length is JSON",
        JSON,
        "_WITH_CONSTANTS = JSONDecoder(parse_int=_number",
        "_WITH_CONSTANTS = JSONDecoder(parse_int=int",
    ),
    M(
        "not-an-object",
        "2: not-an-object",
        INGEST,
        'EventError("not-an-object"',
        'EventError("not-json"',
    ),
    M(
        "missing-null",
        "2: null counts as missing",
        INGEST,
        "if event.get(member) is None:",
        "if member not in event:",
    ),
    M(
        "missing-type-null",
        "2: null counts as missing",
        INGEST,
        "if kind is None:",
        'if "type" not in event:',
    ),
    M(
        "missing-order-customer",
        "2: missing in the order verb, key, event_time",
        INGEST,
        '"CUSTOMER": ("verb", "key", "event_time")',
        '"CUSTOMER": ("verb", "event_time", "key")',
    ),
    M(
        "missing-order-amount",
        "2: missing in the order customer_id, total_amount",
        INGEST,
        '"event_time", "customer_id", "total_amount")',
        '"event_time", "total_amount", "customer_id")',
    ),
    M(
        "missing-order-verb",
        "2: missing in the order verb, key",
        INGEST,
        '"ORDER": ("verb", "key", ',
        '"ORDER": ("key", "verb", ',
    ),
    M(
        "type-before-missing",
        "2: unknown-type is tested as soon as there is a type",
        INGEST,
        "    if not isinstance(kind, str) or kind not in _VERBS:",
        '    if event.get("verb") is None:\n        raise _missing("verb")\n'
        "    if not isinstance(kind, str) or kind not in _VERBS:",
    ),
    M(
        "missing-before-verb",
        "2: missing before unknown-verb",
        INGEST,
        "    for member in _REQUIRED[kind]:",
        '    if event.get("verb") not in (None, *_VERBS[kind]):\n'
        '        raise _unknown("verb", _VERBS[kind], event["verb"])\n'
        "    for member in _REQUIRED[kind]:",
    ),
    M(
        "verb-before-id",
        "2: unknown-verb before bad-id",
        INGEST,
        '    if event["verb"] not in verbs:',
        '    parse_id(event["key"], "key")\n    if event["verb"] not in verbs:',
    ),
    M(
        "key-before-customer-id",
        "2: bad-id of key, then of customer_id",
        INGEST,
        '    key = parse_id(event["key"], "key")',
        '    if kind != "CUSTOMER":\n        parse_id(event["customer_id"], "customer_id")\n'
        '    key = parse_id(event["key"], "key")',
    ),
    M(
        "id-before-time",
        "2: bad-id before bad-time",
        INGEST,
        '    key = parse_id(event["key"], "key")',
        '    parse_time(event["event_time"])\n    key = parse_id(event["key"], "key")',
    ),
    M(
        "time-before-amount",
        "2: bad-time before bad-amount",
        INGEST,
        "    instant = parse_time(",
        '    if kind == "ORDER":\n'
        '        parse_amount(event["total_amount"], rules.currency)\n'
        "    instant = parse_time(",
    ),
    M(
        "amount-before-currency",
        "2: bad-amount before other-currency",
        GRAMMAR,
        "    if not match:\n        expected = f",
        "    if text is not None and text[:1].isalpha() and text[:3] != currency:\n"
        '        raise EventError("other-currency", member, "expected another")\n'
        "    if not match:\n        expected = f",
    ),
    M(
        "later-is-last",
        "2: later is for what is good otherwise",
        INGEST,
        '    value: Any = ""\n',
        '    value: Any = ""\n'
        "    if rules.before is not None and instant >= rules.before:\n"
        '        raise EventError(LATER, "event_time", "later")\n',
    ),
    M(
        "member-of-id",
        "2: a rejection names the member",
        GRAMMAR,
        'EventError("bad-id", member,',
        'EventError("bad-id", None,',
    ),
    M(
        "member-of-time",
        "2: a rejection names the member",
        GRAMMAR,
        'EventError("bad-time", member,',
        'EventError("bad-time", None,',
    ),
    M(
        "member-of-amount",
        "2: a rejection names the member",
        GRAMMAR,
        'EventError("bad-amount", member,',
        'EventError("bad-amount", None,',
    ),
    M(
        "member-of-missing",
        "2: a rejection names the member",
        INGEST,
        'EventError("missing", member,',
        'EventError("missing", None,',
    ),
    M(
        "member-of-unknown",
        "2: a rejection names the member",
        INGEST,
        'f"unknown-{member}", member,',
        'f"unknown-{member}", None,',
    ),
    M(
        "message-of-time",
        "2: a rejection says what was expected",
        GRAMMAR,
        'f"{member}: {expected}, got {shown(value)}")\n\n\ndef parse_date',
        'f"{member}: got {shown(value)}")\n\n\ndef parse_date',
    ),
    M(
        "twice-in-lines",
        "2: of a member that occurs twice the last one counts",
        JSON,
        "_STRICT = JSONDecoder(",
        "_STRICT = JSONDecoder(object_pairs_hook=lambda pairs: dict(pairs[::-1]), ",
    ),
    M(
        "twice-in-array",
        "2: of a member that occurs twice the last one counts",
        JSON,
        "_WITH_CONSTANTS = JSONDecoder(",
        "_WITH_CONSTANTS = JSONDecoder(object_pairs_hook=lambda pairs: dict(pairs[::-1]), ",
    ),
)

CUSTOMERS = (
    M(
        "latest-arrival",
        "3: latest is not the last to arrive",
        CLASSES,
        "or candidate > known[key]:",
        "or True:",
    ),
    M(
        "latest-first",
        "3: latest is the greatest event_time",
        CLASSES,
        "or candidate > known[key]:",
        "or candidate < known[key]:",
    ),
    M(
        "latest-value",
        "3: on a further tie the greater value wins",
        CLASSES,
        "or candidate > known[key]:",
        "or candidate[:2] > known[key][:2]:",
    ),
    M(
        "latest-packed",
        "3: latest is the greatest event_time, to the microsecond",
        TIME,
        '.{micros:06}"',
        '.{micros}"',
    ),
    M(
        "time-unpacked",
        "3: an event_time is known to the microsecond",
        TIME,
        "+ since.microseconds",
        "+ since.microseconds // 1000 * 1000",
    ),
    M(
        "latest-order-update",
        "3: on a tie an order's UPDATE beats its NEW",
        CLASSES,
        "(time, is_update, amount))",
        "(time, False, amount))",
    ),
    M(
        "latest-name-update",
        "3: on a tie a CUSTOMER's UPDATE beats its NEW",
        CLASSES,
        "(time, is_update, text))",
        "(time, False, text))",
    ),
    M(
        "latest-that-carries",
        "3: from the latest event that carries it",
        INGEST,
        "return {member: text for member, text in texts.items() if text is not None}",
        'return {member: text or "" for member, text in texts.items()}',
    ),
    M(
        "customer-of-any-event",
        "3: a customer exists from any event that names it",
        INGEST,
        "    D[customer_id] = customer\n",
        '    if kind in ("CUSTOMER", "SITE_VISIT", "ORDER"):\n        D[customer_id] = customer\n',
    ),
    M(
        "customer-needs-profile",
        "1: other events may arrive without a CUSTOMER event",
        INGEST,
        "    D[customer_id] = customer\n",
        '    if kind == "CUSTOMER" or customer_id in D:\n        D[customer_id] = customer\n',
    ),
    M(
        "visit-page",
        "3: a visit is one per key",
        CLASSES,
        "visit = time + page_id",
        'visit = time + "p1"',
    ),
    M(
        "visit-time",
        "3: a visit is one per event_time, to the microsecond",
        CLASSES,
        "visit = time + page_id",
        'visit = time[:-3] + "000" + page_id',
    ),
    M(
        "visit-tags",
        "3: of a visit's tags the greater text wins",
        CLASSES,
        'if tags >= self._visits.get(visit, ""):',
        "if True:",
    ),
    M(
        "visit-tags-stay",
        "3: of a visit's tags the greater text wins, whichever came first",
        CLASSES,
        'self._visits.setdefault(visit, "")',
        'self._visits[visit] = ""',
    ),
    M(
        "visit-untagged",
        "3: a visit without tags counts",
        CLASSES,
        'self._visits = dict.fromkeys(visits, "")',
        "self._visits = {}",
    ),
    M(
        "visit-customer",
        "3: a visit that was seen under one customer counts for another too",
        INGEST,
        "        customer.add_visit(key, time, value)",
        "        others = (other for other in D.values() if other.customer_id != customer_id)\n"
        "        if not any(time + key in other._visits for other in others):\n"
        "            customer.add_visit(key, time, value)",
    ),
    M(
        "image-key",
        "3: an image is one per key",
        CLASSES,
        "keep_latest(self._images, image_id,",
        "keep_latest(self._images, image_id + time,",
    ),
    M(
        "image-camera",
        "3: on a tie the greater camera wins",
        CLASSES,
        "(time, False, camera))",
        '(time, False, "" if image_id in self._images else camera))',
    ),
    M(
        "details-sorted",
        "3: compact JSON text has sorted members",
        JSON,
        "members = sorted([(str(name), member) for name, member in value.items()], "
        "key=itemgetter(0))",
        "members = [(str(name), member) for name, member in value.items()]",
    ),
    M(
        "order-update-replaces",
        "3: an UPDATE replaces the amount",
        CLASSES,
        "keep_latest(self._orders, order_id,",
        'keep_latest(self._orders, order_id + "u" * is_update,',
    ),
    M(
        "order-update-alone",
        "3: an UPDATE stands on its own",
        INGEST,
        'elif kind == "ORDER":',
        'elif kind == "ORDER" and (not is_update or key in customer._orders):',
    ),
    M(
        "order-customer",
        "3: one order key under two customers is two orders",
        INGEST,
        "        customer.add_order(key, time, is_update, value)",
        "        for other in D.values():\n            other._orders.pop(key, None)\n"
        "        customer.add_order(key, time, is_update, value)",
    ),
    M(
        "begin-earliest",
        "3: begin is the earliest event_time",
        CLASSES,
        "if time < self.first_time or",
        "if time > self.first_time or",
    ),
    M(
        "begin-of-any-event",
        "3: begin is of any accepted event",
        INGEST,
        "    customer.see(time)\n",
        '    if kind == "CUSTOMER" or customer.begin is None:\n        customer.see(time)\n',
    ),
    M(
        "begin-of-pieces",
        "3: begin of joined pieces is the smallest",
        CLASSES,
        "in (other.first_time, other.last_time):",
        "in (other.last_time,):",
    ),
    M(
        "latest-of-pieces",
        "3: latest of joined pieces is the greatest",
        CLASSES,
        "in (other.first_time, other.last_time):",
        "in (other.first_time,):",
    ),
)

VALUE = (
    M("week-sunday", "4: a week begins on Monday", TIME, "_THURSDAY = 3", "_THURSDAY = 4"),
    M(
        "weeks-both",
        "4: the first and the last week are counted",
        TIME,
        "week_number(begin) + 1)",
        "week_number(begin))",
    ),
    M(
        "weeks-calendar",
        "4: calendar weeks, not sevens of days",
        TIME,
        "week_number(end) - week_number(begin) + 1",
        "(end - begin) // (7 * DAY) + 1",
    ),
    M("weeks-least", "4: weeks is never below 1", TIME, "max(1, week", "max(0, week"),
    M(
        "weeks-from-begin",
        "4: weeks from the begin of the customer",
        CALCULATE,
        "(customer_id, customer.first_time[:10], customer.revenue_micros)",
        "(customer_id, customer.last_time[:10], customer.revenue_micros)",
    ),
    M(
        "end-of-any-customer",
        "4: the end is of any customer",
        CALCULATE,
        "weeks_between(days_since_1970(day) * DAY, end)",
        "weeks_between(days_since_1970(day) * DAY, days_since_1970(day) * DAY)",
    ),
    M(
        "end-of-any-type",
        "4: the end is of any type",
        INGEST,
        "    customer.see(time)\n",
        "    last_time = customer.last_time\n"
        "    customer.see(time)\n"
        '    if kind == "IMAGE" and last_time:\n'
        "        customer.last_time = last_time\n",
    ),
    M(
        "end-not-clock",
        "4: never the clock of the machine",
        CALCULATE,
        "        end = end_of_data(D)\n",
        '        end = int(__import__("time").time() * 1_000_000)\n',
    ),
    M(
        "end-latest",
        "4: the end is the latest event_time",
        CLASSES,
        "max(self.last_time, time)",
        "min(self.last_time or time, time)",
    ),
    M(
        "end-of-any-part",
        "4: the end is of any customer, of any part",
        CALCULATE,
        "Totals(min(begins), max(ends),",
        "Totals(min(begins), min(ends),",
    ),
    M(
        "begin-of-any-part",
        "3: begin is the smallest, of any part",
        CALCULATE,
        "Totals(min(begins), max(ends),",
        "Totals(max(begins), max(ends),",
    ),
    M(
        "revenue-sum",
        "4: revenue is the sum of the order amounts",
        CLASSES,
        "return sum([amount for _, _, amount in self._orders.values()])",
        "return sum([amount for _, _, amount in self._orders.values() if amount > 0])",
    ),
    M(
        "per-visit-absent",
        "4: revenue_per_visit is absent without visits",
        CALCULATE,
        "places=2) if visits else None",
        "places=2) if visits else Decimal(0)",
    ),
    M(
        "per-visit-visits",
        "4: revenue_per_visit is revenue / visits",
        CALCULATE,
        "rounded(revenue, visits * MICROS_PER_UNIT",
        "rounded(revenue, weeks * MICROS_PER_UNIT",
    ),
    M(
        "per-week-weeks",
        "4: visits_per_week is visits / weeks",
        CALCULATE,
        "rounded(visits, weeks, places=4)",
        "rounded(visits, 52, places=4)",
    ),
    M(
        "per-week-places",
        "4: visits_per_week has four decimals",
        CALCULATE,
        "rounded(visits, weeks, places=4)",
        "rounded(visits, weeks, places=3)",
    ),
    M(
        "value-without-visits",
        "4: orders without visits have a value",
        CALCULATE,
        "*ltv_fraction(revenue, weeks, years)",
        "*ltv_fraction(revenue if visits else 0, weeks, years)",
    ),
    M("ltv-52", "4: ltv is 52 x a x t", CALCULATE, "WEEKS_PER_YEAR = 52", "WEEKS_PER_YEAR = 53"),
    M(
        "ltv-10-years",
        "4: 10 years unless said otherwise",
        CALCULATE,
        "def topXSimpleLTVCustomers(\n"
        "    x: int,\n"
        "    D: Mapping[str, Customer],\n"
        "    *,\n"
        "    lifespan: int | float | str | Decimal = 10,",
        "def topXSimpleLTVCustomers(\n"
        "    x: int,\n"
        "    D: Mapping[str, Customer],\n"
        "    *,\n"
        "    lifespan: int | float | str | Decimal = 20,",
    ),
    M(
        "ltv-10-years-of-parts",
        "4: 10 years unless said otherwise",
        CALCULATE,
        "[Candidate], lifespan: int | float | str | Decimal = 10\n",
        "[Candidate], lifespan: int | float | str | Decimal = 20\n",
    ),
    M(
        "ltv-not-of-rounded",
        "4: no intermediate rounding",
        CALCULATE,
        "numerator * revenue, denominator * weeks * MICROS_PER_UNIT",
        "numerator * round(revenue / weeks), denominator * MICROS_PER_UNIT",
    ),
    M(
        "rank-highest",
        "4: the highest ltv first",
        CALCULATE,
        "yield -(revenue_micros",
        "yield (revenue_micros",
    ),
    M(
        "rank-exact",
        "4: by exact ltv",
        CALCULATE,
        "_ORDER_PRESERVING_SCALE = 2**28",
        "_ORDER_PRESERVING_SCALE = 1",
    ),
    M(
        "rank-by-ltv",
        "4: by ltv, not by revenue",
        CALCULATE,
        "_ORDER_PRESERVING_SCALE // weeks)",
        "_ORDER_PRESERVING_SCALE)",
    ),
    M(
        "rank-ties",
        "4: ties by customer_id",
        CALCULATE,
        "heapq.nsmallest(x, chain(best, some))",
        "heapq.nsmallest(x, chain(best, some), key=lambda found: found[0])",
    ),
    M(
        "rank-code-points",
        "4: customer_id in code-point order",
        CALCULATE,
        "heapq.nsmallest(x, chain(best, some))",
        "heapq.nsmallest(\n"
        '        x, chain(best, some), key=lambda it: (it[0], it[1].encode("utf-16-be"))\n'
        "    )",
    ),
    M(
        "rank-ties-of-parts",
        "4: ties by customer_id, also of several parts",
        CALCULATE,
        "key=itemgetter(0, 1)",
        "key=itemgetter(0)",
    ),
    M(
        "rank-highest-of-parts",
        "4: the highest ltv first, of any part",
        CALCULATE,
        "heapq.nsmallest(x, candidates, ",
        "heapq.nlargest(x, candidates, ",
    ),
    M(
        "rank-from-1",
        "4: ranks run 1, 2, 3",
        CALCULATE,
        "enumerate(candidates, 1)",
        "enumerate(candidates)",
    ),
    M("x-above-0", "4: X is above 0", CALCULATE, "or x < 1:", "or x < 0:"),
    M(
        "round-half",
        "4: rounded half away from zero",
        CALCULATE,
        "10**places + denominator) //",
        "10**places + denominator - 1) //",
    ),
    M(
        "round-even",
        "4: rounded half away from zero, not to even",
        CALCULATE,
        "digits = (2 * abs(numerator) * 10**places + denominator) // (2 * denominator)",
        "digits = round(Decimal(abs(numerator) * 10**places) / denominator)",
    ),
    M(
        "round-negative",
        "4: rounded half away from zero below zero too",
        CALCULATE,
        "digits = (2 * abs(numerator) * 10**places + denominator) // (2 * denominator)",
        "digits = abs((2 * numerator * 10**places + denominator) // (2 * denominator))",
    ),
    M(
        "minus-zero",
        "4: -0.00 is shown as 0.00",
        CALCULATE,
        "if numerator < 0 and digits else 0",
        "if numerator < 0 else 0",
    ),
)

FILES = (
    M(
        "array-behind-blank",
        "6: an array, when the first character is [",
        READ,
        '    window.skip(_BLANK)\n    if window.peek() == "[":',
        '    if window.peek() == "[":',
    ),
    M("lines-first-two", "6: of the first two lines", READ, "lines_ahead(2)", "lines_ahead(1)"),
    M("lines-not-third", "6: of the first two lines", READ, "lines_ahead(2)", "lines_ahead(3)"),
    M(
        "lines-object",
        "6: one whole JSON object",
        READ,
        "return isinstance(decode(line), dict)",
        "return decode(line) is not None",
    ),
    M(
        "lines-not-all",
        "6: one of them is enough",
        READ,
        "return LINES if any(map(_is_whole_object, lines))",
        "return LINES if lines and all(map(_is_whole_object, lines))",
    ),
    M(
        "lines-blank",
        "6: blank lines are fine",
        READ,
        "_LINE_END.match(window.skip(_BLANK))",
        "_LINE_END.match(window.advance(1))",
    ),
    M(
        "lines-crlf",
        "6: CRLF is fine",
        READ,
        "self.advance(len(self._text[self._position : end].rstrip(WHITE_SPACE)))",
        'self.advance(len(self._text[self._position : end].rstrip(" ")))',
    ),
    M(
        "commas-between",
        "6: a comma may stand between",
        READ,
        r'_SEPARATORS = re.compile(r"[ \t\n\r,]*+")',
        r'_SEPARATORS = re.compile(r"[ \t\n\r]*+")',
    ),
    M(
        "commas-doubled",
        "6: doubled commas lose nothing",
        READ,
        r'_SEPARATORS = re.compile(r"[ \t\n\r,]*+")',
        r'_SEPARATORS = re.compile(r"[ \t\n\r]*+,?+[ \t\n\r]*+")',
    ),
    M(
        "bom-passed",
        "6: with a byte-order mark",
        READ,
        "if self.peek() == _BYTE_ORDER_MARK:",
        "if False:",
    ),
    M("gzip-found", "6: gzip is recognised", INPUT, r'(b"\x1f\x8b",', r'(b"\x1f\x00",'),
    M("bzip2-found", "6: bzip2 is recognised", INPUT, '(b"BZh",', '(b"BZ0",'),
    M("xz-found", "6: xz is recognised", INPUT, r'(b"\xfd7zXZ\x00",', r'(b"\xfd7zXZ\x01",'),
    M(
        "members",
        "6: several members",
        INPUT,
        "data, decompressor = decompressor.unused_data, None",
        'data, decompressor = b"", None',
    ),
    M("zero-padding", "6: zero padding", INPUT, r'data.lstrip(b"\0")', "data"),
    M(
        "stream-cut-off",
        "6: a compressed stream cut off is damage",
        INPUT,
        "    if decompressor is not None:\n",
        "    if False:\n",
    ),
    M(
        "stream-behind",
        "6: a compressed stream with something behind it is damage",
        INPUT,
        "                if not data:\n",
        r'                if not data or (streams and data[:1] not in b"\x1fB\xfd"):' + "\n",
    ),
    M(
        "read-error",
        "6: a read error is damage",
        INPUT,
        "            raise BrokenStreamError(reason_of(error)) from None",
        "            return",
    ),
    M("utf16-bom-little", "6: UTF-16 is damage", READ, r"\xff\xfe | \xfe\xff", r"\xfe\xff"),
    M(
        "utf16-little",
        "6: UTF-16 is damage without a mark too",
        READ,
        r"[^\x00]\x00[^\x00]\x00 ",
        r"\x01\x00\x01\x00 ",
    ),
    M(
        "nan-alone",
        "6: NaN costs its event alone",
        READ,
        "    return Unit(line, offset, text[:_KEPT_LENGTH], None, error.bare())\n    return ",
        "    return _rest_of_line_as_unit(window, error, in_array=in_array)\n    return ",
    ),
    M(
        "next-line-object",
        "6: provided that a line that begins with { comes next",
        READ,
        '_BEGINS_IN_ARRAY = ("{", "]")',
        '_BEGINS_IN_ARRAY = ("]",)',
    ),
    M(
        "next-line-end",
        "6: or a line that begins with ]",
        READ,
        '_BEGINS_IN_ARRAY = ("{", "]")',
        '_BEGINS_IN_ARRAY = ("{",)',
    ),
    M(
        "next-line-other",
        "6: other text that is not JSON is damage",
        READ,
        '_BEGINS_IN_ARRAY = ("{", "]")',
        """_BEGINS_IN_ARRAY = ("{", "]", '"', "}", "[")""",
    ),
    M(
        "next-line-run-end",
        "6: or the end of a run",
        READ,
        '_BEGINS = ("", *_BEGINS_IN_ARRAY)',
        "_BEGINS = _BEGINS_IN_ARRAY",
    ),
    M(
        "next-line-comma",
        "6: white space before it and blank lines aside, no comma",
        READ,
        "text = window.take_line()\n    window.skip(_BLANK)",
        "text = window.take_line()\n    window.skip(_SEPARATORS)",
    ),
    M(
        "next-line-blank",
        "6: white space before it and blank lines aside",
        READ,
        "text = window.take_line()\n    window.skip(_BLANK)",
        "text = window.take_line()\n    window.advance(1)",
    ),
    M(
        "follower-object",
        "6: an event may be followed by the next {",
        READ,
        '_FOLLOWERS = ("", ",", "{", *WHITE_SPACE)',
        '_FOLLOWERS = ("", ",", *WHITE_SPACE)',
    ),
    M(
        "follower-comma",
        "6: an event may be followed by a comma",
        READ,
        '_FOLLOWERS = ("", ",", "{", *WHITE_SPACE)',
        '_FOLLOWERS = ("", "{", *WHITE_SPACE)',
    ),
    M(
        "follower-end",
        "6: an event may be followed by its array's end",
        READ,
        '(*_FOLLOWERS, "]")',
        "_FOLLOWERS",
    ),
    M(
        "follower-other",
        "6: whatever else follows makes it bad",
        READ,
        "if follower not in followers:",
        "if False:",
    ),
    M(
        "follower-end-in-run",
        "6: a ] behind an event of a run makes it bad",
        READ,
        "_FOLLOWERS_IN_ARRAY if in_array else _FOLLOWERS",
        "_FOLLOWERS_IN_ARRAY",
    ),
    M(
        "array-not-closed",
        "6: an array that is not closed is damage",
        READ,
        "    if in_array and not window.is_cut_short:\n",
        "    if False:\n",
    ),
    M(
        "array-behind",
        "6: anything but white space behind the ] is damage",
        READ,
        '    if window.peek():\n        raise window.damage("expected nothing',
        '    if False:\n        raise window.damage("expected nothing',
    ),
    M("units-99", "6: among the first 100 units", READ, "A_LOG = 100", "A_LOG = 99"),
    M("units-101", "6: among the first 100 units", READ, "A_LOG = 100", "A_LOG = 101"),
    M(
        "units-type",
        "6: a JSON object with a type",
        READ,
        'isinstance(unit.value, dict) and "type" in unit.value',
        "isinstance(unit.value, dict)",
    ),
    M("no-events", "6: an empty file is fine", READ, "    if count and not", "    if not"),
    M(
        "damage-line",
        "6: the run says where",
        READ,
        'line = self.line + behind.count("\\n")',
        "line = self.line",
    ),
    M(
        "damage-offset",
        "6: the run says where",
        READ,
        "self.offset + byte_length(behind)",
        "self.offset",
    ),
    M("damage-file", "6: the run says which file", ERRORS, "{self.file}: line", "line"),
    M(
        "nothing-known",
        "6: when nothing is known that could be ranked, the run fails",
        MAIN,
        "if not failure and known is None:",
        "if not failure and known is None and account.rejected:",
    ),
    M(
        "not-found",
        "6: a file that cannot be found fails the run",
        INPUT,
        "            files.append(path)",
        "            files += [path] if path == STANDARD_INPUT or os.path.exists(path) else []",
    ),
)

WRITTEN = (
    M(
        "columns-order",
        "7: rows carry these, in this order",
        CALCULATE,
        "    ltv: Decimal\n    revenue: Decimal\n",
        "    revenue: Decimal\n    ltv: Decimal\n",
    ),
    M(
        "digits-json",
        "7: numbers with exactly those digits",
        WRITE,
        'return format(value, "f")',
        "return str(value.normalize())",
    ),
    M(
        "absent-csv",
        "7: an absent value is empty in CSV",
        WRITE,
        "isinstance(cell, str) else cell for cell in row",
        'isinstance(cell, str) else "-" if cell is None else cell for cell in row',
    ),
    M(
        "csv-crlf",
        "7: RFC 4180",
        WRITE,
        "csv.writer(line)",
        'csv.writer(line, lineterminator="\\n")',
    ),
    M(
        "csv-quotes",
        "7: RFC 4180",
        WRITE,
        "csv.writer(line)",
        'csv.writer(line, doublequote=False, escapechar="\\\\")',
    ),
    M(
        "csv-header",
        "7: one header line",
        WRITE,
        "    writer.writerow(RankedCustomer._fields)\n",
        "",
    ),
    M("formula-equals", "7: a text that =", WRITE, "*[=+", "*[+"),
    M("formula-plus", "7: a text that +", WRITE, "*[=+", "*[="),
    M("formula-minus", "7: a text that -", WRITE, r"+\\-@", "+@"),
    M("formula-at", "7: a text that @", WRITE, r"\\-@\t", r"\\-\t"),
    M("formula-tab", "7: a text that a tab begins", WRITE, r"@\t\r", r"@\r"),
    M("formula-cr", "7: a text that a CR begins", WRITE, r"@\t\r", r"@\t"),
    M("formula-wide-plus", "7: full-width forms", WRITE, "＋－", "－"),
    M("formula-wide-at", "7: full-width forms", WRITE, "－＠", "－"),
    M("formula-behind-spaces", "7: also behind spaces", WRITE, r'"\\s*[=', '"[='),
    M(
        "formula-numbers",
        "7: a text cell, no number",
        WRITE,
        "[_inert(cell) if isinstance(cell, str) else cell for cell in row]",
        '[_inert("" if cell is None else str(cell)) for cell in row]',
    ),
    M(
        "json-currency",
        "7: json has these members",
        WRITE,
        '        "currency": summary.currency,\n',
        "",
    ),
    M(
        "json-lifespan",
        "7: lifespan_years as it was given",
        WRITE,
        "Decimal(summary.lifespan_years),",
        "Decimal(summary.lifespan_years).normalize(),",
    ),
    M(
        "json-begin",
        "7: begin and end of the data",
        WRITE,
        '"begin": time_text(totals.begin)',
        '"begin": time_text(totals.end)',
    ),
    M(
        "json-array-of-rows",
        "7: top holds the rows, in their order",
        WRITE,
        '    for row in rows:\n        yield "\\n    " if row.rank == 1',
        '    for row in rows[:1]:\n        yield "\\n    " if row.rank == 1',
    ),
    M(
        "jsonl-lines",
        "7: one row a line",
        WRITE,
        'yield json_object(row._asdict().items()) + "\\n"',
        "yield json_object(row._asdict().items())",
    ),
    M(
        "text-aligned",
        "7: columns aligned",
        TABLE,
        '" " * (width - display_width(text))',
        '" " * (width - len(text))',
    ),
    M("escape-c0", "7: control characters are escaped", TEXT, r"[\x00-\x1f", r"[\x00-\x1a"),
    M("escape-c1", "7: control characters are escaped", TEXT, r"\x7f-\x9f", r"\x7f"),
    M("escape-override", "7: overrides are escaped", TEXT, r"\u2028-\u202e", r"\u2028\u2029"),
    M("escape-lines", "7: line separators are escaped", TEXT, r"\u2028-\u202e", r"\u202a-\u202e"),
    M("escape-isolates", "7: isolates are escaped", TEXT, r"\u2066-\u2069", ""),
    M("escape-marks", "7: marks of direction are escaped", TEXT, r"\u200e\u200f", ""),
    M(
        "escape-table",
        "7: escaped in text",
        TABLE,
        "[escaped(cell) for cell in column.cells]",
        "list(column.cells)",
    ),
    M("escape-message", "7: escaped in messages", MAIN, "{escaped(message)}", "{message}"),
    M(
        "rejects-order-of-members",
        "7: rejects are file, line, offset, reason, ...",
        WRITE,
        '        "line": line,\n        "offset": offset,\n',
        '        "offset": offset,\n        "line": line,\n',
    ),
    M(
        "rejects-member",
        "7: rejects name the member",
        WRITE,
        '        "member": error.member,\n',
        "",
    ),
    M(
        "rejects-file",
        "7: file as given",
        INTAKE,
        "os.fsencode(file)",
        "os.fsencode(os.path.basename(file))",
    ),
    M(
        "rejects-offset",
        "7: offset from 0",
        READ,
        "self.offset = begin\n",
        "self.offset = begin + 1\n",
    ),
    M(
        "rejects-offset-bytes",
        "6: the place is in bytes",
        READ,
        "self.offset += byte_length(taken)",
        "self.offset += len(taken)",
    ),
    M("rejects-text", "7: text is 1,000 characters", READ, "LENGTH = 1000", "LENGTH = 999"),
    M(
        "rejects-text-bytes",
        "7: 1,000 characters whatever their bytes",
        READ,
        "_KEPT_LENGTH = 4 * PREVIEW_LENGTH",
        "_KEPT_LENGTH = PREVIEW_LENGTH",
    ),
    M("rejects-fffd", "7: undecodable bytes as U+FFFD", READ, '"replace")', '"ignore")'),
    M(
        "rejects-order-of-files",
        "7: in the order of the files as given",
        INTAKE,
        "for file in self._files:",
        "for file in sorted(self._files):",
    ),
    M(
        "rejects-order-in-directory",
        "7: of a directory by name",
        INPUT,
        'if not name.startswith("."))',
        'if not name.startswith("."))[::-1]',
    ),
    M(
        "rejects-removed",
        "7: a run without rejects removes an older file",
        MAIN,
        "        rejects.remove_earlier()",
        "        pass",
    ),
    M(
        "rejects-removed-if-regular",
        "7: if it is a regular file",
        REJECTS,
        "        if not self.is_file:\n            return\n",
        "",
    ),
    M(
        "rejects-not-ours",
        "7: nothing that is not ours is replaced or removed as rejects",
        REJECTS,
        "if not begins_rejects(head):",
        "if False:",
    ),
    M(
        "rejects-members",
        "7: with at least these members",
        REJECTS,
        "value.keys() >= _NEEDED",
        "True",
    ),
    M(
        "rejects-cut-off",
        "7: or the begin of one, cut off",
        REJECTS,
        "or (is_cut_off and _begins_reject(text))",
        "or (is_cut_off and text == '')",
    ),
    M(
        "rejects-cut-off-whole-line",
        "7: a line that ends is not cut off",
        REJECTS,
        "or (is_cut_off and _begins_reject(text))",
        "or _begins_reject(text)",
    ),
    M(
        "rejects-looked-at-again",
        "7: looked at again before it is replaced",
        OUTPUT,
        "                self.check_place()\n                if fcntl",
        "                if fcntl",
    ),
    M(
        "rejects-looked-at-again-to-remove",
        "7: looked at again before it is removed",
        REJECTS,
        "        self.check_place()\n        try:\n            with contextlib",
        "        try:\n            with contextlib",
    ),
    M(
        "open-as-it-is",
        "7: what is open is written to, whatever it leads to",
        OUTPUT,
        "not is_stream and (mode",
        "(mode",
    ),
    M(
        "open-by-us",
        "7: and was open when the run began",
        OUTPUT,
        "if os.get_inheritable(number):",
        "if True:",
    ),
    M(
        "sweep-where-locks-hold",
        "8: a run sweeps nothing where locks keep nobody out",
        OUTPUT,
        "if not _keeps_others_out(own):",
        "if False:",
    ),
    M(
        "sweep-never-its-own",
        "8: a run never removes a file it made",
        OUTPUT,
        'if match["run"] != _RUN:',
        "if True:",
    ),
    M(
        "rejects-kept-when-empty",
        "8: a run that failed left every earlier file",
        MAIN,
        "        if account.rejected:\n            put",
        "        if True:\n            put",
    ),
    M(
        "rejects-of-failed-run",
        "7: a run that fails because of its rejects puts them in place",
        MAIN,
        "            put_rejects_in_place(rejects, account)\n        tell(event",
        "            pass\n        tell(event",
    ),
    M(
        "results-last",
        "7: the rejects first, the results last",
        MAIN,
        "        put_rejects_in_place(rejects, account)\n        output.commit()\n",
        "        output.commit()\n        put_rejects_in_place(rejects, account)\n",
    ),
    M(
        "replaced-whole",
        "7: each file is replaced whole, or not at all",
        OUTPUT,
        'self._file = open(self._temporary, "xb")',
        'open(self._real, "wb").close()\n            self._file = open(self._temporary, "xb")',
    ),
    M(
        "time-digits-needed",
        "7: as many digits as needed",
        TIME,
        'pack(instant).rstrip("0").rstrip(".")',
        "pack(instant)",
    ),
    M(
        "time-utc-z",
        "7: times in UTC with Z",
        TIME,
        'rstrip(".") + "Z"',
        'rstrip(".") + "+00:00"',
    ),
    M(
        "utf8-in-any-locale",
        "7: the same bytes in any locale",
        INTAKE,
        'text, error).encode("utf-8")',
        'text, error).encode(__import__("locale").getpreferredencoding(False), "replace")',
    ),
)

COMMAND_LINE = (
    M(
        "input-default",
        "8: none: the project's input/",
        OPTIONS,
        'PROJECT, "input"',
        'PROJECT, "output"',
    ),
    M(
        "input-hidden",
        "8: not hidden",
        INPUT,
        'sorted(name for name in os.listdir(directory) if not name.startswith("."))',
        "sorted(os.listdir(directory))",
    ),
    M(
        "input-deeper",
        "8: every file in it, not deeper",
        INPUT,
        "return os.path.isfile(path) or not os.path.exists(path)",
        "return True",
    ),
    M(
        "input-standard",
        "8: - for standard input",
        INPUT,
        'STANDARD_INPUT = "-"',
        'STANDARD_INPUT = "--"',
    ),
    M(
        "output-default",
        "8: default output/output.txt",
        OPTIONS,
        '"output" + ENDINGS',
        '"results" + ENDINGS',
    ),
    M(
        "output-ending",
        "8: with -f, that format's ending",
        OPTIONS,
        "ENDINGS[format_name]))",
        '".txt"))',
    ),
    M(
        "format-by-ending",
        "8: format from the ending of the output's name",
        OPTIONS,
        "if known == ending)",
        'if known == ending and name != "jsonl")',
    ),
    M("format-else-text", "8: else text", OPTIONS, 'ending), "text")', 'ending), "csv")'),
    M(
        "rejects-default",
        "8: the output's name with .rejects.jsonl added",
        OPTIONS,
        'os.path.join(directory, name + ".rejects.jsonl")',
        'os.path.join(directory, os.path.splitext(name)[0] + ".rejects.jsonl")',
    ),
    M(
        "rejects-default-own",
        "8: of the project's output/output.* it is output.rejects.jsonl",
        OPTIONS,
        '                name = "output"\n',
        "                pass\n",
    ),
    M(
        "rejects-default-elsewhere",
        "8: of the project's own alone",
        OPTIONS,
        'if os.path.realpath(directory) == os.path.realpath(os.path.join(PROJECT, "output")):',
        "if True:",
    ),
    M(
        "rejects-none",
        "8: none with -o -",
        OPTIONS,
        "if options.rejects is None and is_replaced(options.output):",
        "if options.rejects is None:",
    ),
    M("strict", "8: --strict fails on any rejection", MAIN, "allowed = 0 if", "allowed = 1 if"),
    M(
        "max-rejects",
        "8: --max-rejects fails on more than N",
        MAIN,
        "account.rejected <= allowed:",
        "account.rejected < allowed:",
    ),
    M(
        "max-rejects-0",
        "8: N may be 0",
        OPTIONS,
        "return whole_number(text, 0)",
        "return whole_number(text, 1)",
    ),
    M(
        "lifespan-default",
        "8: default 10",
        OPTIONS,
        'default="10",',
        'default="20",',
    ),
    M("lifespan-above-0", "8: above 0", CALCULATE, "if 0 < years <=", "if 0 <= years <="),
    M("lifespan-1000", "8: up to 1,000", CALCULATE, "<= MAX_LIFESPAN", "< MAX_LIFESPAN"),
    M("lifespan-decimal", "8: a decimal", CALCULATE, r"{0,3})(?:\.[0-9]+)?", "{0,3})"),
    M(
        "lifespan-exponent",
        "8: a decimal, without an exponent",
        CALCULATE,
        r"(?:\.[0-9]+)?",
        r"(?:\.[0-9]+)?(?:[eE][0-9])?",
    ),
    M(
        "lifespan-used",
        "8: --lifespan is t",
        MAIN,
        "topXSimpleLTVCustomers(options.x, D, lifespan=options.lifespan, end=known.end)",
        "topXSimpleLTVCustomers(options.x, D, end=known.end)",
    ),
    M("currency-three", "8: CUR is three capitals", GRAMMAR, 'r"[A-Z]{3}"', 'r"[A-Za-z]{3}"'),
    M(
        "currency-used",
        "8: --currency is what is summed",
        MAIN,
        "Rules(options.currency, options.before, with_details=False)",
        "Rules(before=options.before, with_details=False)",
    ),
    M(
        "until-end-of-day",
        "8: up to the end of that day",
        OPTIONS,
        "return parse_date(text) + DAY",
        "return parse_date(text)",
    ),
    M(
        "until-next-midnight",
        "8: the end of that day is before midnight",
        INGEST,
        "before is not None and instant >= rules.before:",
        "before is not None and instant > rules.before:",
    ),
    M(
        "until-json",
        "8: later in JSON too",
        MAIN,
        "return counts if options.before is None else",
        "return counts if not account.later else",
    ),
    M(
        "until-ignored",
        "8: the others are otherwise ignored",
        INGEST,
        "            if errors is None:\n                raise\n",
        '            if error.reason == LATER and event.get("customer_id") in D:\n'
        '                D[event["customer_id"]].see(pack(parse_time(event["event_time"])))\n'
        "            if errors is None:\n"
        "                raise\n",
    ),
    M(
        "until-date",
        "8: a date alone",
        GRAMMAR,
        "if not DATE.fullmatch(text):",
        "if False:",
    ),
    M(
        "workers-positive",
        "8: N processes, at least one",
        OPTIONS,
        'metavar="N", type=positive',
        'metavar="N", type=not_negative',
    ),
    M(
        "quiet-table",
        "8: quiet: no table",
        MAIN,
        "if not options.quiet and not is_standard_output(options.output):",
        "if not is_standard_output(options.output):",
    ),
    M(
        "quiet-account",
        "8: quiet: results and errors alone",
        MAIN,
        "    if not options.quiet:\n        for line",
        "    if True:\n        for line",
    ),
    M(
        "table-once",
        "8: no table where the results go",
        MAIN,
        "if not options.quiet and not is_standard_output(options.output):",
        "if not options.quiet:",
    ),
    M(
        "differ-rejects",
        "8: output and rejects are different files",
        OUTPUT,
        "if identity in written:",
        "if False:",
    ),
    M(
        "differ-inputs",
        "8: input files are different files",
        OUTPUT,
        "        if role:",
        "        if False:",
    ),
    M(
        "differ-links",
        "8: links followed",
        OUTPUT,
        "            status = os.stat(path)\n",
        "            status = os.lstat(path)\n",
    ),
    M(
        "passed-over",
        "8: files that the run itself writes are passed over in a directory",
        INPUT,
        " and os.path.realpath(file) not in passed_over",
        "",
    ),
    M(
        "said-on-standard-error",
        "8: what is said goes to standard error",
        MAIN,
        "print(text, file=sys.stderr, flush=True)",
        "print(text, flush=True)",
    ),
    M(
        "said-reasons",
        "8: why they were rejected",
        MAIN,
        '        lines.append(f"Rejected for',
        '        lines.append("Rejected") or (f"Rejected for',
    ),
    M(
        "said-weeks",
        "8: the span of the data in weeks",
        WRITE,
        " UTC, {counted(weeks, 'week')}",
        " UTC",
    ),
    M(
        "said-results",
        "8: what was written where",
        MAIN,
        '[f"Results: {output.path}"]',
        "[]",
    ),
    M(
        "status-failed",
        "8: 1 the run failed",
        MAIN,
        "FAILED, MISUSED = 0, 1, 2",
        "FAILED, MISUSED = 0, 3, 2",
    ),
    M(
        "status-misused",
        "8: 2 the command line is wrong",
        MAIN,
        "FAILED, MISUSED = 0, 1, 2",
        "FAILED, MISUSED = 0, 1, 1",
    ),
    M("status-interrupted", "8: 130, 143, 129", SIGNALS, "SIGNALLED + number", "number"),
    M(
        "signal-int",
        "8: SIGINT",
        SIGNALS,
        '("SIGINT", "SIGTERM", "SIGHUP")',
        '("SIGTERM", "SIGHUP")',
    ),
    M(
        "signal-term",
        "8: SIGTERM",
        SIGNALS,
        '("SIGINT", "SIGTERM", "SIGHUP")',
        '("SIGINT", "SIGHUP")',
    ),
    M(
        "signal-hup",
        "8: SIGHUP",
        SIGNALS,
        '("SIGINT", "SIGTERM", "SIGHUP")',
        '("SIGINT", "SIGTERM")',
    ),
    M(
        "cleaned-up",
        "8: with everything cleaned up",
        OUTPUT,
        "                os.remove(self._temporary)",
        "                pass",
    ),
    M(
        "any-directory",
        "8: it works from anywhere",
        OPTIONS,
        "os.path.dirname(os.path.dirname(os.path.abspath(__file__)))",
        'os.path.abspath("..")',
    ),
)

#: The fast path says what the full path says.
FAST = (
    M(
        "layout-twice",
        "1: of a member that occurs twice the last one counts",
        LAYOUTS,
        "if len(values) < len(members) or len",
        "if len",
    ),
    M(
        "layout-rest",
        "2: not-json: cut off",
        LAYOUTS,
        "if not _LAST.fullmatch(text, position):",
        "if not text:",
    ),
    M("layout-zone", "1: an offset counts", LAYOUTS, "[+-]00:?00", "[+-][0-9]{2}:?[0-9]{2}"),
    M(
        "layout-cut",
        "1: a time is cut to microseconds",
        LAYOUTS,
        "_DIGITS_KEPT = 6",
        "_DIGITS_KEPT = 7",
    ),
    M(
        "layout-packed",
        "1: T, t, a space or : separates",
        LAYOUTS,
        'if match["separator"] in (None, "T"):',
        "if True:",
    ),
    M(
        "layout-escape",
        "2: not-json",
        LAYOUTS,
        "bfnrt]|u[0-9a-fA-F]{4})'",
        "bfnrtx]|u[0-9a-fA-F]{4})'",
    ),
    M(
        "layout-control",
        "2: not-json: control characters",
        LAYOUTS,
        "if taken != self._controls * len(rows):",
        "if False:",
    ),
    M(
        "layout-utf8",
        "2: not-utf8",
        LAYOUTS,
        "            elif _is_utf8(text[:length]):",
        "            else:",
    ),
    M(
        "layout-utf8-escaped",
        "2: not-utf8",
        LAYOUTS,
        "        if not _is_utf8(text[:length]):\n            rows",
        "        if False:\n            rows",
    ),
    M(
        "layout-number",
        "2: not-json: a number",
        LAYOUTS,
        '_NUMBER = r"-?(?:0|[1-9][0-9]*+)',
        '_NUMBER = r"-?(?:[0-9]++)',
    ),
    M("layout-update", "1: an UPDATE", LAYOUTS, '"(?:NEW|(U)PDATE)"', '"(?:(N)EW|UPDATE)"'),
    M(
        "layout-lesson",
        "a layout is learnt when it came twice",
        LAYOUTS,
        "if count > 1]",
        "if count > 0]",
    ),
    M(
        "layout-units",
        "what is looked at is bounded",
        LAYOUTS,
        "self._units > _MOST_UNITS",
        "False",
    ),
    M("layout-most", "what is known is bounded", LAYOUTS, "[:_MOST_LAYOUTS]", ""),
    M("date-leap", "1: a real date", GRAMMAR, "21(?:0[48]|", "21(?:0[048]|"),
    M("date-april", "1: a real date", GRAMMAR, "(?:0[13578]|1[02])-31", "(?:0[134578]|1[02])-31"),
    M(
        "matched-offset",
        "7: rejects have their offset",
        READ,
        "        self.offset += match.length\n",
        "",
    ),
    M(
        "matched-line",
        "7: rejects have their line",
        READ,
        "        self.line += match.newlines\n",
        "",
    ),
    M(
        "matched-end",
        "6: a part ends where the next begins",
        READ,
        "reach = self._reach if self._end is None else min(self._reach, self._end - self.offset)",
        "reach = self._reach",
    ),
    M(
        "matched-begun",
        "6: characters that two chunks share",
        READ,
        "unread = raw_bytes(self._text[self._position :]) + begun",
        "unread = raw_bytes(self._text[self._position :])",
    ),
    M(
        "matched-forget",
        "another separator is learnt",
        READ,
        "            self._learner.separator = None",
        "            pass",
    ),
)

#: A large input is read in parts and ranked by shards, which changes nothing (section 7).
IN_PARTS = (
    M(
        "wrong-cut",
        "6: an event is one wherever the file was cut",
        PARALLEL,
        "before.last.offset == result.first.offset",
        "True",
    ),
    M(
        "line-shift",
        "7: a reject has its line, in whatever part it stands",
        PARALLEL,
        "line + line_shift",
        "line",
    ),
    M(
        "first-part-without-events",
        "6: no event log without an event among the first 100 units",
        PARALLEL,
        "not before.is_event_log or ",
        "",
    ),
    M(
        "end-of-all-parts",
        "4: the end of the data is that of all events",
        PARALLEL,
        "account.times.join(result.times)",
        "account.times = result.times",
    ),
    M(
        "interrupted-unread",
        "8: 130, 143, 129 interrupted, with everything cleaned up",
        MAIN,
        "if status > SIGNALLED:",
        "if status > 2 * SIGNALLED:",
    ),
    M(
        "later-in-rows",
        "8: --until leaves out what is later",
        WORKER,
        "row[0] < self._before",
        "row[0] <= self._before",
    ),
    M(
        "later-counted",
        "2: the counts add up",
        WORKER,
        "self.later += len(rows) - len(kept)",
        "self.later += 0",
    ),
    M(
        "shard-by-owner",
        "3: all that is known of a customer counts together",
        SHARDS,
        'columns.index("key" if event_type == "CUSTOMER" else "customer_id")',
        'columns.index("key")',
    ),
    M(
        "name-escapes",
        "3: a name is what its JSON stands for",
        SHARDS,
        'if b"\\\\" in field:',
        "if not field:",
    ),
    M(
        "row-escapes",
        "2: a JSON string stands for its characters",
        SHARDS,
        "return json.dumps(text, ensure_ascii=False)[1:-1]",
        "return text",
    ),
    M(
        "short-micros",
        "1: 1 to 9 digits, cut to microseconds",
        TIME,
        'packed[:_SHORT_LENGTH] if packed.endswith(b"000") else packed',
        "packed[:_SHORT_LENGTH]",
    ),
    M(
        "short-zeros",
        "3: one visit per (customer_id, key, event_time)",
        TIME,
        'packed[:_SHORT_LENGTH] if packed.endswith(b"000") else packed',
        "packed",
    ),
    M(
        "tally-visit-once",
        "3: one visit per (customer_id, key, event_time)",
        TALLIES,
        "self.counts = Counter(_without(repeated, customer_ids))",
        "self.counts = Counter(customer_ids)",
    ),
    M(
        "tally-begin",
        "3: begin is the earliest event_time",
        TALLIES,
        "if time < begins[customer_id]:",
        "if time > begins[customer_id] or begins[customer_id] == _BEHIND_ALL_TIMES:",
    ),
    M(
        "tally-two-customers",
        "3: the same order key under two customers is two orders",
        TALLIES,
        "(customer_ids[number], keys[number])",
        '(b"", keys[number])',
    ),
    M(
        "tally-update",
        "3: on a tie UPDATE beats NEW",
        TALLIES,
        "(times[number], updates[number], micros[number])",
        "(times[number], micros[number])",
    ),
    M(
        "tally-latest",
        "3: latest means the greatest event_time",
        TALLIES,
        "(stamp_of(number), number))",
        "number)",
    ),
    M(
        "tally-name",
        "3: last_name from the latest event that carries it",
        TALLIES,
        "if name is not None:",
        "if name is None:\n            latest.pop(customer_id, None)\n        else:",
    ),
    M(
        "cut-behind-lines",
        "6: a line is the unit of JSON Lines",
        PARTS,
        're.compile(rb"\\n") if framing else None',
        're.compile(rb",") if framing else None',
    ),
    M(
        "stream-cut-off-in-parts",
        "6: a compressed stream that is cut off is damage",
        PARTS,
        "            raise self.error\n",
        "            return\n",
    ),
    M(
        "results-in-order",
        "7: rejects stand in the order of the files and offsets",
        CREW,
        "> 2 * self._workers:\n                yield waiting.popleft()()",
        "> 2 * self._workers:\n                yield waiting.pop()()",
    ),
    M(
        "worker-lost",
        "8: a run that fails says why in one line",
        CREW,
        "            return WorkerLostError()\n",
        "            return OSError(_LOST, 'lost')\n",
    ),
    M(
        "signals-in-workers",
        "8: interrupted, with everything cleaned up",
        CREW,
        "signal.SIG_IGN if is_terminal else signal.SIG_DFL",
        "signal.SIG_DFL",
    ),
    M(
        "signal-while-freeing",
        "8: interrupted at any moment",
        SIGNALS,
        "        signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_AGAIN)\n",
        "",
    ),
    M(
        "signal-held-back",
        "8: interrupted at any moment",
        SIGNALS,
        "        if came:\n",
        "        if False:\n",
    ),
    M(
        "workers-that-do-not-end",
        "8: a run ends, also when a worker was killed",
        CREW,
        "            process.kill()\n",
        "            process.terminate()\n",
    ),
    M(
        "workers-without-a-parent",
        "8: a run that is killed leaves no process",
        CREW,
        "F_SETFL, flags | os.O_ASYNC",
        "F_SETFL, flags",
    ),
    M(
        "fewer-workers",
        "8: a run goes on with as many processes as the system lets it have",
        CREW,
        "contextlib.suppress(OSError, MemoryError):\n            tasks_from",
        "contextlib.suppress(MemoryError):\n            tasks_from",
    ),
    M(
        "descriptors-left-for-this-process",
        "8: a run goes on with as many processes as the system lets it have",
        CREW,
        "_SPARE_DESCRIPTORS = 16",
        "_SPARE_DESCRIPTORS = 0",
    ),
    M(
        "temporary-directory-left",
        "8: with everything cleaned up",
        OUTPUT,
        "        shutil.rmtree(self.path, ignore_errors=True)\n",
        "",
    ),
)


EXPLAINED = (
    M(
        "explain-ties",
        "4: ties by customer_id, for the rank of one customer, too",
        CALCULATE,
        "key[:2] < place",
        "key[:1] < place[:1]",
    ),
    M(
        "explain-rank",
        "4: ranks begin with 1",
        EXPLAIN,
        "rank=before + 1",
        "rank=before",
    ),
    M(
        "explain-order-time",
        "--explain: orders stand by time",
        EXPLAIN,
        "(order.event_time, order.order_id)",
        "(order.order_id,)",
    ),
    M(
        "explain-verb",
        "3: an UPDATE may set the amount",
        EXPLAIN,
        '"UPDATE" if order.is_update else "NEW"',
        '"NEW" if order.is_update else "UPDATE"',
    ),
    M(
        "explain-exact",
        "--explain: amounts with as many decimals as they need",
        EXPLAIN,
        'f"{fraction:06}".rstrip("0").ljust(2, "0")',
        'f"{fraction:06}"[:2]',
    ),
    M(
        "explain-pages",
        "--explain: the pages with the most visits first",
        EXPLAIN,
        "(-page[1], page[0])",
        "page[0]",
    ),
    M(
        "explain-week",
        "4: a week begins on Monday",
        TIME,
        "(7 * week_number(instant) - _THURSDAY) * DAY",
        "(7 * week_number(instant) - _THURSDAY - 1) * DAY",
    ),
    M(
        "explain-shard",
        "--explain: what is known of the customer is in its own shard",
        SHARDS,
        "return crc32(customer_id.encode()) % shards",
        "return 0",
    ),
    M(
        "explain-output",
        "--explain: earlier results stay as they are",
        OPTIONS,
        "default_output(options.format) if is_default else STANDARD_OUTPUT",
        "default_output(options.format)",
    ),
    M(
        "explain-escaped",
        "7: what a terminal would act on is shown escaped",
        EXPLAIN,
        "{escaped(_title(explanation.row, summary))}",
        "{_title(explanation.row, summary)}",
    ),
)

PROGRESS_LINE = (
    M(
        "progress-erased",
        "progress: gone without a trace",
        PROGRESS,
        "os.write(self._terminal, _ERASED)",
        "os.write(self._terminal, b'')",
    ),
    M(
        "progress-dumb",
        "progress: TERM=dumb is respected",
        PROGRESS,
        'in ("", "dumb")',
        'in ("",)',
    ),
    M(
        "progress-quiet",
        "8: --quiet: results and errors alone",
        MAIN,
        "Progress(None if options.quiet else sys.stderr)",
        "Progress(sys.stderr)",
    ),
    M(
        "progress-width",
        "progress: never wider than the window",
        PROGRESS,
        'return text if len(text) <= columns else ""',
        "return text",
    ),
    M(
        "progress-again",
        "progress: what is read again counts once",
        PARALLEL,
        "self._progress.add(-(raw_size(self._files[file]) or 0), -sum(reads))",
        "self._progress.add(0, -sum(reads))",
    ),
    M(
        "progress-part",
        "progress: bytes behind a part are of another",
        WORKER,
        "self._bytes += min(byte_count, self._room)",
        "self._bytes += byte_count",
    ),
    M(
        "progress-background",
        "progress: nothing is drawn from the background",
        PROGRESS,
        "os.tcgetpgrp(terminal) == os.getpgrp()",
        "True",
    ),
    M(
        "progress-alone",
        "progress: processes are forked from a single thread",
        PARALLEL,
        "Crew(job.workers, directory.path, progress.paused)",
        "Crew(job.workers, directory.path)",
    ),
)
STORED = (
    M(
        "store-replaced-revenue",
        "3: an UPDATE in a later run replaces the amount",
        CHANGES,
        " - _sum_of(replaced)",
        "",
    ),
    M(
        "store-repeats",
        "3: an event that is accepted again changes nothing",
        CHANGES,
        "            found = news(found, before)",
        "            found = dict(found)",
    ),
    M(
        "store-known-visits",
        "3: one visit per customer, key and time, in any slicing",
        CHANGES,
        "0 if are_later else known.visit_count",
        "0",
    ),
    M(
        "store-small-pieces",
        "3: all of it, however many runs there were",
        CHANGES,
        "            decoded(text, kind) | later if text else later\n",
        "            later\n",
    ),
    M(
        "store-begin",
        "3: the earliest event_time, in any slicing",
        CHANGES,
        "        begin = known.begin\n",
        "        pass\n",
    ),
    M(
        "store-name",
        "3: last_name from the latest event, in any slicing",
        CHANGES,
        "encoded(profile | profile_news)",
        "encoded(profile_news | profile)",
    ),
    M(
        "store-keys-at-hand",
        "3: an event that is accepted again changes nothing",
        PIECES,
        "if any(name in text for name in names)",
        "if all(name in text for name in names)",
    ),
    M(
        "store-pieces-before",
        "3: all of it, however many runs there were",
        PIECES,
        '        for row in pieces_of(self.connection, piece, has_visits=kind == "visits"):\n',
        "        for row in ():\n",
    ),
    M(
        "store-threshold",
        "4: the best of all customers, also out of a store",
        CALCULATE,
        "micros_per_week / WEEK *",
        "micros_per_week / DAY *",
    ),
    M(
        "store-currency",
        "1: one currency is summed",
        STORE_FILE,
        "        if self.account.currency != self._currency:\n",
        "        if False:\n",
    ),
    M(
        "store-rows",
        "8: a run that fails says why: all rows are as they were written",
        ACCOUNT,
        "        if row_sum % _PRIME != self.row_sum:\n",
        "        if False:\n",
    ),
    M(
        "store-ids",
        "8: a run that fails says why: all customers are there, in their order",
        ACCOUNT,
        "        if self.with_ids(connection).id_checksum != self.id_checksum:\n",
        "        if self.with_ids(connection) is None:\n",
    ),
    M(
        "store-row",
        "8: a run that fails says why: a row is as it was written",
        PIECES,
        "        if checksum(_ROW % row[:-1]) != row[-1]:\n",
        "        if False:\n",
    ),
    M(
        "store-log-of-another",
        "8: a failed run left every earlier file as it was",
        STORE_FILE,
        "both.token == alone.token and ",
        "",
    ),
    M(
        "store-older-log",
        "8: a failed run left every earlier file as it was",
        STORE_FILE,
        " and both.run >= alone.run",
        "",
    ),
    M(
        "store-of-others",
        "8: a failed run left every earlier file as it was",
        STORE_FILE,
        'header[_BYTES_OF_APPLICATION_ID] != APPLICATION_ID.to_bytes(4, "big")',
        "False",
    ),
    M(
        "store-kept-when-failed",
        "8: a failed run left every earlier file as it was",
        STORE,
        "            if exception_type is None and self._is_written:\n",
        "            if self._is_written:\n",
    ),
    M(
        "store-later",
        "8: --until is the end of what is ranked",
        SESSION,
        "latest >= self._before",
        "latest > self._before + 10**18",
    ),
    M(
        "store-clock",
        "4: the end is no clock gone wrong",
        SESSION,
        "        if jump:\n",
        "        if False:\n",
    ),
    M(
        "clock-weeks",
        "4: the end is no clock gone wrong",
        CLOCK,
        "_MOST_WEEKS = 53",
        "_MOST_WEEKS = 54",
    ),
)


CHANGED = (
    M(
        "changed-identity",
        "6: another device or inode",
        FILE_STATE,
        "state.device_and_inode not in (None, _identity(status))",
        "False",
    ),
    M(
        "changed-shorter",
        "6: a smaller size",
        FILE_STATE,
        "if now[0] < size:",
        "if False:",
    ),
    M(
        "changed-time",
        "6: another time with the same size",
        FILE_STATE,
        "mtime not in (None, now[1])",
        "False",
    ),
    M(
        "changed-head",
        "6: grown, and its first 4 KiB are not the same",
        FILE_STATE,
        "(head, tail) != (state.head, state.tail)",
        "tail != state.tail",
    ),
    M(
        "changed-tail",
        "6: grown, and its last 4 KiB are not the same",
        FILE_STATE,
        "(head, tail) != (state.head, state.tail)",
        "head != state.head",
    ),
    M(
        "changed-tail-place",
        "6: the last 4 KiB before its old end",
        FILE_STATE,
        "tail = _read_at(stream, size - _EDGE_BYTES, _EDGE_BYTES)",
        "tail = head",
    ),
    M(
        "changed-opening",
        "6: looked at again at each opening",
        INPUT,
        "            has_grown(file, stream, state, status)\n",
        "",
    ),
    M(
        "changed-end",
        "6: looked at again at the end",
        INPUT,
        "                self.check()  # which explains the damage",
        "                pass",
    ),
    M(
        "changed-gone",
        "6: a file that is gone changed",
        INPUT,
        "if self._is_nameless else os.stat(self._file)",
        "if True else os.stat(self._file)",
    ),
    M(
        "changed-last-line",
        "6: what stands after the last line break is left alone",
        INPUT,
        'end = text.rfind(b"\\n") + 1',
        "end = len(text)",
    ),
    M(
        "changed-no-line",
        "6: without a line break nobody knows where to stop",
        INPUT,
        "elif text and (is_given or not follows_line_break):",
        "elif False:",
    ),
    M(
        "changed-bound",
        "6: no more is read than was there",
        INPUT,
        "for chunk in read_raw(self.stream, count, left):",
        "for chunk in read_raw(self.stream, count):",
    ),
    M(
        "changed-run",
        "6: an event of a run that is not written to its end is left alone",
        READ,
        "if not in_array and window.is_still_to_come(error):",
        "if False:",
    ),
    M(
        "changed-state-of-parts",
        "6: taken when its reading begins, not at each part",
        PARTS,
        "with reading(part.file, part.state) as source:",
        "with reading(part.file) as source:",
    ),
)

MUTATIONS = (
    *EVENTS,
    *IDS,
    *TIMES,
    *AMOUNTS,
    *REASONS,
    *CUSTOMERS,
    *VALUE,
    *FILES,
    *CHANGED,
    *WRITTEN,
    *COMMAND_LINE,
    *FAST,
    *IN_PARTS,
    *EXPLAINED,
    *PROGRESS_LINE,
    *STORED,
)


class Outcome(NamedTuple):
    """What became of a mutation: the test that failed, or none."""

    mutation: Mutation | None
    caught_by: str | None
    trouble: str = ""  # why it proves nothing


def mutated(mutation: Mutation) -> str:
    """The whole source file with its mutation. Raises ValueError when it cannot be made."""
    text = (TOP / "src" / mutation.file).read_text(encoding="utf-8")
    occurrences = text.count(mutation.old)
    if occurrences != 1:
        raise ValueError(f"the old text occurs {occurrences} times in {mutation.file}")
    changed = text.replace(mutation.old, mutation.new)
    try:
        same = ast.dump(ast.parse(changed)) == ast.dump(ast.parse(text))
    except SyntaxError as error:
        raise ValueError(f"what it makes of {mutation.file} is no Python: {error}") from None
    if same:
        raise ValueError(f"it changes nothing in {mutation.file}")
    return changed


def stages(mutation: Mutation | None) -> list[list[str]]:
    """The tests to run, those that are likely to notice first."""
    names = sorted(path.stem for path in (TOP / "tests").glob("test_*.py"))
    names.remove("test_mutate")  # it would find the old text gone
    first = [name for name in FIRST_TESTS[mutation.file] if name in names] if mutation else []
    rest = [name for name in names if name not in first]
    rest.sort(key=lambda name: LAST_TESTS.index(name) if name in LAST_TESTS else -1)
    runs = [[f"tests/{name}.py" for name in run] for run in (first[:1], first[1:], rest)]
    runs[-1].append("src")  # for the doctests
    return [run for run in runs if run]


def try_out(mutation: Mutation | None) -> Outcome:
    """Run the tests on a copy with the mutation, or without any."""
    try:
        changed = mutated(mutation) if mutation else ""
    except ValueError as error:
        return Outcome(mutation, None, str(error))
    with tempfile.TemporaryDirectory(prefix="mutate-") as directory:
        top = Path(directory) / "project"
        for name in COPIED:
            copy_to(top, name)
        if mutation:
            (top / "src" / mutation.file).write_text(changed, encoding="utf-8")
        for tests in stages(mutation):
            outcome = run_tests(mutation, top, tests)
            if outcome.caught_by or outcome.trouble:
                return outcome
    return Outcome(mutation, None)


def copy_to(top: Path, name: str) -> None:
    """Copy a file or directory of the project."""
    top.mkdir(exist_ok=True)
    if (TOP / name).is_dir():
        shutil.copytree(TOP / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(TOP / name, top / name)


def run_tests(mutation: Mutation | None, top: Path, tests: Sequence[str]) -> Outcome:
    """Run these tests to the first failure."""
    temporary = top.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(NOT_PASSED_ON_PREFIXES)
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=top,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome(mutation, "a hang")
    finally:
        end_group(process)
    if process.returncode == 0:
        return Outcome(mutation, None)
    if process.returncode < 0:
        return Outcome(mutation, f"the end of the tests by signal {-process.returncode}")
    failed = [line.split(" - ")[0] for line in said.splitlines() if line.startswith("FAILED ")]
    errors = [line for line in said.splitlines() if line.startswith(("ERROR tests", "ERROR src"))]
    if process.returncode == 1 and (failed or any("::" in error for error in errors)):
        return Outcome(mutation, [*failed, *errors][0].split(" ", 1)[1])
    return Outcome(mutation, None, f"the tests cannot be run: {said[-400:]}")


def end_group(process: subprocess.Popen[str]) -> None:
    """End what the tests may have left running."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (OSError, AttributeError):  # all gone; a system without process groups
        process.kill()
    process.wait()


def chosen(names: Sequence[str]) -> list[Mutation]:
    """The mutations of these names, all of them for none. Raises ValueError for unknown ones."""
    twice = [name for name, n in Counter(m.name for m in MUTATIONS).items() if n > 1]
    unknown = set(names) - {mutation.name for mutation in MUTATIONS}
    if twice or unknown:
        raise ValueError(f"unknown or not unique: {', '.join([*twice, *sorted(unknown)])}")
    return [mutation for mutation in MUTATIONS if not names or mutation.name in names]


def summary(outcomes: Iterable[Outcome], seconds: float) -> int:
    """Say how many were caught and which not; returns the exit status."""
    outcomes = list(outcomes)
    troubled = [outcome for outcome in outcomes if outcome.trouble]
    survivors = [o for o in outcomes if not o.caught_by and not o.trouble]
    caught = len(outcomes) - len(troubled) - len(survivors)
    for outcome in troubled:
        print(f"Not tried: {name_of(outcome)}: {outcome.trouble}")
    for outcome in survivors:
        print(f"Survived: {name_of(outcome)}")
    print(f"Caught {caught} of {len(outcomes)} mutations in {seconds:.0f} seconds.")
    return 1 if troubled or survivors else 0


def name_of(outcome: Outcome) -> str:
    """The mutation's name and rule."""
    mutation = outcome.mutation
    return f"{mutation.name} ({mutation.rule})" if mutation else "without any mutation"


def main(names: Sequence[str]) -> int:
    """Try the mutations of these names, or all; returns the exit status."""
    if importlib.util.find_spec("pytest") is None:
        print("tests/mutate.py: run it with the Python of .venv-3.11, this one is without pytest")
        return 1
    try:
        mutations = chosen(names)
    except ValueError as error:
        print(f"tests/mutate.py: {error}")
        return 1
    started = time.monotonic()
    outcomes = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        unchanged = pool.submit(try_out, None) if not names else None
        for outcome in pool.map(try_out, mutations):
            outcomes.append(outcome)
            became = outcome.caught_by or ("NOT TRIED" if outcome.trouble else "SURVIVED")
            print(f"{name_of(outcome)}: {became}", flush=True)
    status = summary(outcomes, time.monotonic() - started)
    if unchanged is not None:
        control = unchanged.result()
        if control.caught_by or control.trouble:
            print(f"Void: a test fails unchanged: {control.caught_by or control.trouble}")
            return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
