"""Events of whatever layout, many at once, by one pattern for all of them.

An object of JSON matches, whatever its members, their order and what is nested in them (to a
depth), with a group for each member that counts; as in JSON, of a member that occurs twice a group
holds the last. What can be an event by the rules of `LTV_Ingest` is taken by column, and says the
same there; the rest is handed on as text, to take the full path. Nothing is refused here.

| `{"ts": [1], "verb": "NEW", "customer_id": "c1", "key": "p1", "type": "SITE_VISIT", ...}` | |
|---|---|
| groups | type, verb, key, event_time, customer_id, total_amount, last_name, currency |
| and the same in spellings that are looked at one by one | numbers as ids, times with an offset |

Measured on events of 245 bytes with 7 to 17 members (CPython 3.11): 2.3 microseconds an event to
find the groups, beside 3.0 of `json.loads`, which keeps no spelling of numbers. Layouts that were
learnt (ltv.reading.layouts) take half of that, so they come first.
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from operator import and_, not_, or_

from ltv.blocks import COLUMNS, Block
from ltv.errors import EventError
from ltv.reading.layouts import (
    ASCII,
    NUMBER,
    PLAIN,
    SPACE,
    Match,
    Other,
    Row,
    as_short,
    in_utc,
    is_utf8,
    short_times,
    text_pattern,
)
from ltv.times import pack, shortened
from ltv.values import (
    CLOCK_PATTERN,
    FLOAT_ID_PATTERN,
    JSON_NUMBER_PATTERN,
    MAX_TEXT_LENGTH,
    OFFSET_PATTERN,
    REAL_DATE_PATTERN,
    amount_text_pattern,
    currency_pattern,
    parse_time,
)
from LTV_Ingest import VERBS

#: How deep brackets may be in a value that is passed over; what is deeper takes the full path. Each
#: step doubles the pattern: the second one, of a tenth of a second, is compiled where it is wanted.
_DEPTHS = 4, 7

_UTC = "(?: ?(?:[Zz]|UTC|GMT|[+-]00(?::?00)?+))"
_TIME = f"({REAL_DATE_PATTERN}[Tt :]{CLOCK_PATTERN})[0-9]{{0,3}}+"
_TIME_WITH_OFFSET = re.compile(f'"{_TIME} ?({OFFSET_PATTERN})"'.encode())
_DATE_LENGTH = len("1970-01-01")

_NOTHING = "null|NaN"
_NO_ID = {b"", b"null", b"NaN"}

#: An id as it stands in JSON, and so in the files of shards.
_PLAIN_ID = re.compile(rf'[^"\\\x00-\x1f\ud800-\udfff]{{1,{MAX_TEXT_LENGTH}}}')
_BLANK = b" \t\r\n,"  # what may stand between events

#: The groups of a match, in this order. A member has two where its value can be of another kind;
#: the last one is a line that is not such an object, or all that comes after the last object.
TYPE, VERB, KEY, KEY_OTHER, TIME, TIME_TEXT, OWNER, OWNER_OTHER = range(8)
AMOUNT, AMOUNT_OTHER, NAME, NAME_OTHER, CURRENCY, CURRENCY_OTHER, REST = range(8, 15)

_VERBS = {event_type: {verb.encode() for verb in verbs} for event_type, verbs in VERBS.items()}
_KEPT_VERBS = {b"NEW": b"", b"UPDATE": b"U"}

#: Of the name of a member: any but those that may stand for a letter of the names that count.
_ESCAPE_IN_NAME = r'\\(?:["\\/bfnrt]|u(?!00[0-7])[0-9a-fA-F]{4})'

Column = Sequence[bytes]


def _object_pattern(character: str, space: str, currency: str, utc: str, depth: int) -> str:
    """Return the pattern of an object, with the groups.

    Brackets in its values are `depth` deep at most, texts are of this class of characters, white
    space is what `space` matches, and times in UTC have what `utc` matches at their end.
    """
    text = text_pattern(character)
    scalar = f"{text}|{NUMBER}|true|false|{_NOTHING}|-?Infinity"
    value = f"(?:{scalar})"
    for _ in range(depth):
        array = rf"\[{space}(?:{value}{space}(?:,{space}(?!\])|(?=\])))*+\]"
        member = f"{text}{space}:{space}{value}{space}"
        inner = rf'\{{{space}(?:{member}(?:,{space}(?=")|(?=\}})))*+\}}'
        value = f"(?:{scalar}|{array}|{inner})"
    number = rf"{_NOTHING}|{FLOAT_ID_PATTERN}(?:\.0++)?+"
    identifier = f'(?:"({character}{{1,{MAX_TEXT_LENGTH}}}+)"|({number}|{text}))'
    amount = f'"{amount_text_pattern(currency)}"|{JSON_NUMBER_PATTERN}(?![0-9.eE])'
    members = {
        "type": f'"({"|".join(VERBS)})"',
        "verb": '"(NEW|UPDATE|UPLOAD)"',
        "key": identifier,
        "event_time": f'(?:"{_TIME}{utc}"|({text}|null))',
        "customer_id": identifier,
        "total_amount": f"(?:({amount})|({scalar}))",
        "last_name": f"(?:({text})|({scalar}))",
        "currency": f'(?:("(?: *{currency_pattern(currency)} *)?")|({scalar}))',
    }
    colon = f'"{space}:{space}'
    known = "|".join([f"{name}{colon}{pattern}" for name, pattern in members.items()])
    any_name = rf"{character}*+(?:{_ESCAPE_IN_NAME}{character}*+)*+"
    other = f'(?!(?:{"|".join(members)})"){any_name}{colon}{value}'
    # Groups in a possessive loop lose what they held in CPython (3.11 to 3.13,
    # findings/re_possessive_loop_groups.sh), so it is each member that is tried once.
    one = rf'(?>"(?:{known}|{other}){space}(?:,{space}(?=")|(?=\}})))'
    return rf"\{{{space}{one}*\}}"


class GeneralMatcher:
    """Takes good events out of text, whatever their layout; amounts are in `currency`.

    Times without a zone are in `timezone`, None for UTC.

    To be had from `general_matcher`, since compiling takes some hundredths of a second.
    """

    def __init__(self, currency: str, timezone: str | None) -> None:
        self._currency, self._timezone = currency, timezone
        self._utc = _UTC if timezone else f"{_UTC}?+"
        self._depth, self._deepest = _DEPTHS
        self._patterns: dict[tuple[str, bool], re.Pattern[bytes]] = {}

    def match(self, text: bytes, *, is_of_lines: bool) -> Match:
        """Return the events at the begin of `text`.

        Of whole lines (`is_of_lines`) all are taken, those that are not an event alone as they
        stand; else all objects up to what is not one, or not yet whole.
        """
        pattern = self._pattern(PLAIN, is_of_lines=is_of_lines)
        rows = pattern.findall(text)
        length = _length(rows, text, is_of_lines=is_of_lines)
        if not is_utf8(text[:length]):
            pattern = self._pattern(ASCII, is_of_lines=is_of_lines)
            rows = pattern.findall(text)
            length = _length(rows, text, is_of_lines=is_of_lines)
        blocks: list[Block] = []
        bad: list[int] = []
        events = 0
        for event_type in COLUMNS:
            name = event_type.encode()
            mine = [row for row in rows if row[TYPE] == name]
            events += len(mine)
            block, refused = _block(event_type, mine, self._timezone)
            if block.events:
                blocks.append(block)
            if refused:
                places = [place for place, row in enumerate(rows) if row[TYPE] == name]
                bad += map(places.__getitem__, refused)
        if events < len(rows):
            bad += [place for place, row in enumerate(rows) if not row[TYPE]]
        others = []
        if bad:
            taken = text[:length]
            ends = _line_ends(taken) if is_of_lines else [m.end() for m in pattern.finditer(taken)]
            others = _others(taken, ends, sorted(bad), is_of_lines=is_of_lines)
            if self._depth < self._deepest and 16 * sum(map(self._is_deep, others)) > len(rows):
                self._depth = self._deepest
                self._patterns.clear()
        newlines = text.count(b"\n", 0, length)
        return Match(blocks, len(rows) - len(bad), length, newlines, others)

    def _is_deep(self, other: Other) -> bool:
        """Return whether brackets may be so deep that this was passed over for that."""
        return other.text.count(b"{") + other.text.count(b"[") > self._depth + 1

    def _pattern(self, character: str, *, is_of_lines: bool) -> re.Pattern[bytes]:
        pattern = self._patterns.get((character, is_of_lines))
        if pattern is None:
            space = r"[ \t\r]*+" if is_of_lines else SPACE
            after = r"[ \t\r,]*+\n|([^\n]*+)\n" if is_of_lines else r"(?:[ \t\r\n,]++|(?=\{))|(.++)"
            whole = _object_pattern(character, space, self._currency, self._utc, self._depth)
            pattern = re.compile((whole + after).encode(), re.DOTALL)
            self._patterns[character, is_of_lines] = pattern
        return pattern

    def samples(self, match: Match, text: bytes, many: int, *, is_of_lines: bool) -> list[str]:
        """Return so `many` texts of the first events of `text`, of which this is the match."""
        if not many:
            return []
        others = {other.offset for other in match.others}
        found = self._pattern(PLAIN, is_of_lines=is_of_lines).finditer(text, 0, match.length)
        objects = (one for one in found if one[TYPE + 1] and one.start() not in others)
        return [one[0].rstrip(_BLANK).decode() for one in islice(objects, many)]


@lru_cache(maxsize=2)
def general_matcher(currency: str, timezone: str | None = None) -> GeneralMatcher:
    """Return the same matcher for all parts that a process reads."""
    return GeneralMatcher(currency, timezone)


def _length(rows: list[Row], text: bytes, *, is_of_lines: bool) -> int:
    """Return how much of `text` was matched; take what is left of it out of the rows."""
    is_stopped = not is_of_lines and rows and rows[-1][REST]
    return len(text) - (len(rows.pop()[REST]) if is_stopped else 0)


def _line_ends(text: bytes) -> list[int]:
    return list(accumulate(len(line) + 1 for line in text.split(b"\n")[:-1]))


def _others(text: bytes, ends: list[int], bad: list[int], *, is_of_lines: bool) -> list[Other]:
    """Return those that are not events by what is looked at here, blank lines aside.

    `ends` says for each of all where it ends in the text, `bad` which they are; of lines, each is
    one.
    """
    others = []
    line = place = 0
    for number in bad:
        begin, end = ends[number - 1] if number else 0, ends[number]
        line = number if is_of_lines else line + text.count(b"\n", place, begin)
        place = begin
        one = text[begin:end]
        if one.strip(_BLANK):
            others.append(Other(begin, line, one))
    return others


def _block(event_type: str, rows: list[Row], timezone: str | None) -> tuple[Block, set[int]]:
    """Return the events of the rows, and the numbers of the rows that are none.

    None, that is, as far as is looked at here.
    """
    if not rows:
        return Block(event_type, [[]]), set()
    columns = list(zip(*rows, strict=True))
    bad: set[int] = set()
    if not set(columns[VERB]) <= _VERBS[event_type]:
        bad.update(_numbers(verb not in _VERBS[event_type] for verb in columns[VERB]))
    found: dict[str, Column] = {
        "event_time": _times(columns[TIME], columns[TIME_TEXT], bad, timezone),
        "key": _ids(columns[KEY], columns[KEY_OTHER], bad),
    }
    if event_type == "CUSTOMER":
        found["last_name"] = _names(columns[NAME], columns[NAME_OTHER], bad)
    else:
        found["customer_id"] = _ids(columns[OWNER], columns[OWNER_OTHER], bad)
    if event_type == "ORDER":
        found["total_amount"] = _amounts(columns, bad)
    if "verb" in COLUMNS[event_type]:
        found["verb"] = [_KEPT_VERBS.get(verb, b"") for verb in columns[VERB]]
    block = Block(event_type, [found[member] for member in COLUMNS[event_type]])
    if bad:
        block = block.only([number not in bad for number in range(len(rows))])
    return block, bad


# Each of these returns a column, and adds the numbers of the rows that have nothing for it to
# `bad`. A row that has a member in both kinds is one of those: nobody knows which came last.


def _numbers(are_bad: Iterable[object]) -> list[int]:
    return [number for number, is_bad in enumerate(are_bad) if is_bad]


def _ids(texts: Column, others: Column, bad: set[int]) -> Column:
    if not any(others) and all(texts):
        return texts
    decoded = _decoded_ids({other for other in others if other[:1] == b'"'})
    ids = [
        text or (decoded[other] if other in decoded else other.partition(b".")[0])
        for text, other in zip(texts, others, strict=True)
    ]
    empty = list(texts).count(b"") + list(others).count(b"")  # one in each row, or some are bad
    if empty != len(ids) or not _NO_ID.isdisjoint(ids):
        rows = zip(texts, others, ids, strict=True)
        bad.update(
            _numbers(
                (text and other) or not (text or one not in _NO_ID or decoded.get(other))
                for text, other, one in rows
            )
        )
    return ids


def _decoded_ids(texts: set[bytes]) -> dict[bytes, bytes]:
    """Return the ids that JSON texts are, empty where shards cannot keep one as it is, or none."""
    values = json.loads(b"[%b]" % b",".join(texts))
    return {
        text: value.encode() if _PLAIN_ID.fullmatch(value) else b""
        for text, value in zip(texts, values, strict=True)
    }


def _times(times: Column, texts: Column, bad: set[int], timezone: str | None) -> Column:
    """Return the short times."""
    if not any(texts) and all(times):
        length = len(times[0])
        separators = b"".join(times)[_DATE_LENGTH::length]
        if set(map(len, times)) == {length} and len(set(separators)) == 1:  # of one spelling
            return short_times(times, b"")
        return list(map(as_short, times))
    bad.update(_numbers(map(and_, map(bool, times), map(bool, texts))))
    found = [
        as_short(time) if time else _parsed_time(text, timezone)
        for time, text in zip(times, texts, strict=True)
    ]
    if b"" in found:
        bad.update(_numbers(time == b"" for time in found))
    return found


def _parsed_time(text: bytes, timezone: str | None) -> bytes:
    """Return the short time that JSON stands for, empty for none."""
    match = _TIME_WITH_OFFSET.fullmatch(text)
    try:
        if match:
            return in_utc(match[2], match[1])
        return shortened(pack(parse_time(json.loads(text or "null"), timezone)).encode())
    except EventError:
        return b""


def _names(texts: Column, others: Column, bad: set[int]) -> Column:
    """Return the last names as in JSON, empty for none; they may be too long to be kept."""
    most = MAX_TEXT_LENGTH + len('""')
    if max(map(len, texts)) > most:
        bad.update(_numbers(len(text) > most for text in texts))
    if any(others):
        bad.update(_numbers(map(and_, map(bool, texts), map(bool, others))))
    return texts


def _amounts(rows: Sequence[Column], bad: set[int]) -> Column:
    """Return the amounts as in JSON; what may be in another currency is none here."""
    amounts, others = rows[AMOUNT], rows[AMOUNT_OTHER]
    if any(others) or not all(amounts):
        bad.update(_numbers(map(or_, map(bool, others), map(not_, amounts))))
    named, unknown = rows[CURRENCY], rows[CURRENCY_OTHER]
    if any(unknown):
        bad.update(
            _numbers(
                other and (name or other.startswith(b'"'))
                for name, other in zip(named, unknown, strict=True)
            )
        )
    return amounts
