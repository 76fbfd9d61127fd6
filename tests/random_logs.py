"""Seeded random event logs, good and bad, to compare the program with the oracle.

Everything comes from the `random.Random` that is passed in: the same seed, the same bytes.
`rare_share` is the share of values in the spellings that exporters have (MongoDB's Extended JSON,
ids as 305.0, binary noise in amounts, a currency in a member of its own, `UTC` after a time, NaN).
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

# An event in the making: pairs of the JSON texts of a member's name and value. Names may occur
# twice, and values may be text that is not JSON.
Members = list[tuple[str, str]]

GOOD_SHARE = 0.7
RARE_SHARE = 0.03  # by default; an event has half a dozen values


def quoted(rng: random.Random, text: str) -> str:
    """A JSON string, in one of its spellings: as it is, in ASCII, or needlessly escaped."""
    way = rng.random()
    if way < 0.15 and text:
        return escaped_somewhere(rng, text)
    return json.dumps(text, ensure_ascii=way < 0.3)


def escaped_somewhere(rng: random.Random, text: str) -> str:
    """A JSON string in which some characters are escaped as in \\u0037."""
    parts = []
    for character in text:
        if ord(character) < 0x10000 and rng.random() < 0.5:
            digits = f"{ord(character):04x}"
            parts.append("\\u" + (digits.upper() if rng.random() < 0.5 else digits))
        else:
            parts.append(json.dumps(character, ensure_ascii=ord(character) > 0xFFFF)[1:-1])
    return '"' + "".join(parts) + '"'


# --- Good values (SPEC.md section 1) ----------------------------------------------------------

# Texts and integers for the same customers; U+FFFD and U+1F600 sort differently in UTF-16.
CUSTOMERS: list[list[str | int]] = [
    ["c1"],
    ["c2"],
    ["7", 7],
    ["0", 0],
    ["-5", -5],
    ["=1+1"],
    ["\ufffd"],
    ["\U0001f600"],
    ["12345678901234567890", 12345678901234567890],
]
KEYS: list[list[str | int]] = [["k1"], ["k2"], ["1", 1], ["é"]]
LAST_NAMES = [
    "Smith", "Müller", "=cmd", " +1", "\t-1", "\uff20x", "\u202egnirts", "\ud83d", "", "a,b",
]  # fmt: skip
TEXTS = ["x" * 256, "x" * 257, "\U0001f600" * 256, "\U0001f600" * 257, "a\nb", "\x00", "\x1b[31m"]
AMOUNTS = ["10", "20.01", "20.01", "6.67", "0", "0.005", "-0.005", "-3.5", "2468.135790"]
RARE_AMOUNTS = ["1234567", "999999999999.999999", "-999999999999.999999", "0.000001", "1000"]

MONDAY = datetime(2017, 1, 2)
INSTANTS = [
    datetime(2016, 12, 31, 23, 59, 59, 999999),
    datetime(2017, 1, 1),
    datetime(2017, 1, 1, 10, 0),
    datetime(2017, 1, 1, 23, 59, 59, 999000),
    datetime(2017, 1, 1, 23, 59, 59, 999999),
    MONDAY,
    datetime(2017, 1, 2, 0, 0, 0, 1),
    datetime(2017, 1, 8, 23, 59, 59, 500000),
    datetime(2017, 1, 9),
    datetime(2017, 2, 28, 12, 30),
    datetime(2017, 12, 31, 23, 59),
    datetime(2018, 1, 1),
    datetime(2016, 2, 29, 1, 2, 3, 40),
]
RARE_INSTANTS = [datetime(1970, 1, 1), datetime(2199, 12, 31, 23, 59, 59, 999999)]
OFFSETS = [0, 60, -60, 120, -330, 345, 1439, -1439]  # in minutes


def time_text(rng: random.Random, instant: datetime, rare_share: float = 0) -> str:
    """One of the spellings of an instant, in UTC or with an offset."""
    minutes = rng.choice(OFFSETS) if rng.random() < 0.5 else 0
    local = instant + timedelta(minutes=minutes)
    day = f"{local.year:04}-{local.month:02}-{local.day:02}"
    midnight = minutes == 0 and local == datetime(local.year, local.month, local.day)
    if midnight and rng.random() < 0.4:
        return day
    is_rare = happens(rng, rare_share)
    clock = f"{local.hour:02}:{local.minute:02}"
    if local.second or local.microsecond or rng.random() < 0.7:
        fraction = fraction_text(rng, local.microsecond)
        clock += f":{local.second:02}" + (fraction.replace(".", ",") if is_rare else fraction)
    zone = rare_zone_text(rng, minutes) if is_rare else offset_text(rng, minutes)
    return day + rng.choice("TTTt :") + clock + zone


def happens(rng: random.Random, share: float) -> bool:
    """Whether what happens so often happens now; what never does draws nothing."""
    return share > 0 and rng.random() < share


def rare_zone_text(rng: random.Random, minutes: int) -> str:
    """One of the spellings of an offset that databases have."""
    if minutes == 0:
        return rng.choice(["UTC", " UTC", "GMT", " GMT", " Z", " z", "+00", " +00", " -00:00"])
    if minutes % 60 == 0:
        return rng.choice(["", " "]) + f"{minutes // 60:+03}"
    return " " + offset_text(rng, minutes)


def time_value(rng: random.Random, instant: datetime, rare_share: float) -> str:
    """The JSON text of one of the spellings of an instant."""
    text = time_text(rng, instant, rare_share)
    if not happens(rng, rare_share):
        return quoted(rng, text)
    if instant.microsecond % 1000 or rng.random() < 0.4:
        return extended(rng, "$date", quoted(rng, text))
    milliseconds = str((instant - datetime(1970, 1, 1)) // timedelta(milliseconds=1))
    if rng.random() < 0.5:
        return extended(rng, "$date", milliseconds)
    return extended(rng, "$date", extended(rng, "$numberLong", f'"{milliseconds}"'))


def extended(rng: random.Random, name: str, value: str) -> str:
    """MongoDB's Extended JSON: an object of one member."""
    return rng.choice(['{"%s":%s}', '{"%s": %s}', '{ "%s" : %s }']) % (name, value)


def fraction_text(rng: random.Random, microsecond: int) -> str:
    """The digits behind the seconds: as few as will do, up to nine, the last three cut anyway."""
    digits = f"{microsecond:06}{rng.choice(['000', '001', '499', '500', '999'])}"
    fewest = len(f"{microsecond:06}".rstrip("0"))
    if fewest == 0 and rng.random() < 0.5:
        return ""
    return "." + digits[: rng.randint(max(fewest, 1), 9)]


def offset_text(rng: random.Random, minutes: int) -> str:
    """One of the spellings of an offset."""
    if minutes == 0:
        return rng.choice(["", "Z", "Z", "z", "+00:00", "-00:00", "+0000", "-0000"])
    sign = "-" if minutes < 0 else "+"
    hour, minute = divmod(abs(minutes), 60)
    return f"{sign}{hour:02}{rng.choice([':', ''])}{minute:02}"


def amount_value(rng: random.Random, amount: str, rare_share: float = 0) -> str:
    """The JSON text of one of the spellings of an amount in USD."""
    if happens(rng, rare_share):
        return rare_amount_value(rng, amount)
    if rng.random() < 0.25:
        return amount
    sign = "-" if amount.startswith("-") else rng.choice(["", "", "", "+"])
    number = respelt(rng, amount.removeprefix("-"))
    spellings = [
        sign + number,
        f"{sign}{number} USD",
        f"{sign}{number}USD",
        f"USD {sign}{number}",
        f"USD{sign}{number}",
        f"${sign}{number}",
        f"{sign}${number}",
    ]
    return quoted(rng, rng.choice(spellings))


def rare_amount_value(rng: random.Random, amount: str) -> str:
    """The JSON text of an amount in USD as exporters and other countries spell it."""
    sign = "-" if amount.startswith("-") else ""
    number = amount.removeprefix("-")
    if rng.random() < 0.5:
        number = noisy(rng, number)
    way = rng.random()
    if way < 0.3:
        return sign + number
    if way < 0.5:
        names = ["$numberDecimal", "$numberDouble", "$numberLong", "$numberInt"]
        return extended(rng, rng.choice(names), quoted(rng, sign + number))
    if number.startswith("0.") and rng.random() < 0.5:
        number = number[1:]
    currency, gap = rng.choice(["usd", "Usd", "USD", "US$", "$"]), rng.choice([*NO_BREAK, "", " "])
    spelt = rng.choice(
        [
            f"{sign}{number}{gap}{currency}",
            f"{currency}{gap}{sign}{number}",
            f"{sign}{currency}{gap}{number}",
            f"{sign}{number}",
        ]
    )
    return quoted(rng, rng.choice(["", "", " ", "  "]) + spelt + rng.choice(["", "", " "]))


NO_BREAK = ["\u00a0", "\u202f"]


def noisy(rng: random.Random, number: str) -> str:
    """The same amount with what binary floats leave behind it; it is rounded off again."""
    whole, _, fraction = number.partition(".")
    if rng.random() < 0.5:
        return f"{whole}.{fraction.ljust(6, '0')}" + rng.choice(["4", "49999", "0" * 8 + "2"])
    below = int(whole + fraction.ljust(6, "0")) - 1
    if below < 0:
        return f"{whole}.{fraction.ljust(6, '0')}" + "0" * 23 + "1"
    return f"{below // 10**6}.{below % 10**6:06}" + rng.choice(["5", "9" * 9, "5" + "0" * 23])


#: JSON texts of a member `currency`: for an amount in USD, the same or none; and any.
SAME_CURRENCIES = ['"USD"', '"usd"', '" USD "', '"$"', '"US$"', '""', "null", "5", "[]", "NaN"]
ODD_CURRENCIES = [
    '"EUR"', '"eur"', '"€"', '"£"', '"GBP"', '"JPY"', '" "', '"US"', '"USDX"', '"U D"', '"usd$"',
    '"\\u00a0USD"', '"\\ud800"', '"\\uff35SD"', '{"$oid":"EUR"}', "true", '"C$"', '"$$"',
    '"\\tUSD"',
]  # fmt: skip


def respelt(rng: random.Random, number: str) -> str:
    """The same N without its sign: with commas, zeros in front or zeros behind."""
    whole, point, fraction = number.partition(".")
    way = rng.random()
    if way < 0.2:
        whole = f"{int(whole):,}"
    elif way < 0.3:
        whole = whole.rjust(rng.randint(len(whole), 12), "0")
    if rng.random() < 0.3 and len(fraction) < 6:
        point = "."
        fraction = fraction.ljust(rng.randint(len(fraction) + 1, 6), "0")
    return whole + point + fraction


def id_value(rng: random.Random, spellings: list[list[str | int]], rare_share: float = 0) -> str:
    """The JSON text of one of the spellings of one of the ids."""
    identity = rng.choice(rng.choice(spellings))
    if happens(rng, rare_share):
        return rare_id_value(rng, identity)
    if isinstance(identity, int):
        return "-0" if identity == 0 and rng.random() < 0.5 else str(identity)
    return quoted(rng, identity)


def rare_id_value(rng: random.Random, identity: str | int) -> str:
    """The JSON text of an id as data frames and MongoDB write it."""
    if isinstance(identity, str):
        return extended(rng, "$oid", quoted(rng, identity))
    number = str(identity)
    if abs(identity) < 2**53 and rng.random() < 0.6:
        number += rng.choice([".0", ".0", ".00", "." + "0" * 20])
    if rng.random() < 0.5:
        return number
    return extended(rng, rng.choice(["$numberInt", "$numberLong", "$numberDouble"]), f'"{number}"')


def odd_value(rng: random.Random) -> str:
    """JSON of any type, valid: numbers of thousands of digits and deep nesting included."""
    makers: list[Callable[[], str]] = [
        lambda: rng.choice(["null", "true", "false", "0", "-0", "1.5", "1E400", "[]", "{}", '""']),
        lambda: quoted(rng, rng.choice(TEXTS)),
        lambda: rng.choice(['"\\ud800"', '"\\udc00\\ud800"', '"\\uD83D\\uDE00"', '"\\/\\b\\f"']),
        lambda: rng.choice(["", "-"]) + "9" * rng.choice([18, 19, 4301, 6000]),
        lambda: "0." + "7" * rng.choice([7, 5000]),
        lambda: '"' + "[{" * 200 + '"',
        lambda: '[{"name":"n","value":"v"},{"value":1,"name":[null]}]',
        lambda: nested(rng, 255),  # one bracket more is open around it
    ]
    return rng.choice(makers)()


def nested(rng: random.Random, depth: int) -> str:
    """JSON in which this many brackets are open at once."""
    opening, closing = "", ""
    for _ in range(depth):
        if rng.random() < 0.5:
            opening, closing = opening + "[", "]" + closing
        else:
            opening, closing = opening + '{"a":', "}" + closing
    return opening + ("1" if opening.endswith(":") else "") + closing


# --- Good events ------------------------------------------------------------------------------

KINDS = ["CUSTOMER", "SITE_VISIT", "IMAGE", "ORDER", "ORDER", "ORDER"]
VERBS = {
    "CUSTOMER": ["NEW", "UPDATE"],
    "SITE_VISIT": ["NEW"],
    "IMAGE": ["UPLOAD"],
    "ORDER": ["NEW", "UPDATE"],
}
OPTIONAL = {
    "CUSTOMER": ["last_name", "adr_city", "adr_state"],
    "SITE_VISIT": ["tags"],
    "IMAGE": ["camera_make", "camera_model"],
    "ORDER": ["total"],
}


def good_members(
    rng: random.Random, instants: list[datetime], rare_share: float = RARE_SHARE
) -> Members:
    """The members of a good event, in any order."""
    kind = rng.choice(KINDS)
    values = {
        "type": quoted(rng, kind),
        "verb": quoted(rng, rng.choice(VERBS[kind])),
        "key": id_value(rng, CUSTOMERS if kind == "CUSTOMER" else KEYS, rare_share),
        "event_time": time_value(rng, rng.choice(instants), rare_share),
    }
    if kind != "CUSTOMER":
        values["customer_id"] = id_value(rng, CUSTOMERS, rare_share)
    if kind == "ORDER":
        amounts = RARE_AMOUNTS if rng.random() < 0.1 else AMOUNTS
        values["total_amount"] = amount_value(rng, rng.choice(amounts), rare_share)
        if happens(rng, rare_share):
            values["currency"] = rng.choice(SAME_CURRENCIES)
    for name in OPTIONAL[kind]:
        if rng.random() < 0.6:
            values[name] = optional_value(rng, rare_share)
    members = [(quoted(rng, name), value) for name, value in values.items()]
    if rng.random() < 0.2:
        extra = rng.choice(CONSTANTS) if happens(rng, rare_share) else odd_value(rng)
        members.append((quoted(rng, rng.choice(["extra", "", "Type", "é"])), extra))
    if rng.random() < 0.5:
        rng.shuffle(members)
    return members


def optional_value(rng: random.Random, rare_share: float = 0) -> str:
    """What may stand in an optional member: mostly a name."""
    if happens(rng, rare_share):
        return rng.choice(CONSTANTS)
    return odd_value(rng) if rng.random() < 0.25 else quoted(rng, rng.choice(LAST_NAMES))


def rendered(rng: random.Random, members: Members) -> bytes:
    """The text of an event, compact or with white space (never a line break) between."""
    comma, colon, edge = rng.choice(
        [(",", ":", ""), (", ", ": ", ""), (" ,\t", " : ", " "), (",", ":", "\t")]
    )
    inside = comma.join(name + colon + value for name, value in members)
    text = "{" + edge + inside + edge + "}"
    return text.encode("utf-8", errors="surrogatepass")


def without_surrogates(members: Members) -> Members:
    """The same members, with what UTF-8 cannot hold in the ASCII spelling."""
    return [(ascii_surrogates(name), ascii_surrogates(value)) for name, value in members]


def ascii_surrogates(text: str) -> str:
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match.group()):04x}", text)


# --- Bad values -------------------------------------------------------------------------------

# JSON texts for a member; a few of them are good after all, just on the right side of a limit.
ODD_TYPES = ["true", "[]", "{}", "5", "1.5", '""', '"\\ud800"', '["ORDER"]']
ODD_TYPE_NAMES = ['"customer"', '"Order"', '"ORDER "', '"ORDERS"', '"SITE-VISIT"', '"\\u004fRDER"']
ODD_VERBS = ['"new"', '"UPLOAD"', '"UPDATE"', '"NEW"', '"NEW "', '"DELETE"', '"N\\u0045W"']
ODD_IDS = [
    '""', '" "', '"\\ud800"', '"a\\udc00"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"',
    '"\\u202e"', "1.0", "1e2", "-1.5", "7.0", "0e0", "true", "false", "[]", "{}", '["c1"]',
    "-0", "0", "-7", '"-0"', '"07"', '"7 "', "9" * 18, "9" * 19, "-" + "9" * 18, "-" + "9" * 19,
    "1" + "0" * 18, "1" * 5000, '"' + "9" * 19 + '"', '"' + "x" * 256 + '"', '"' + "x" * 257 + '"',
    '"' + "\U0001f600" * 256 + '"', '"' + "\U0001f600" * 257 + '"', '"' + "\\u00e9" * 256 + '"',
    '"' + "\\ud83d\\ude00" * 256 + '"', '"' + "\\ud83d\\ude00" * 257 + '"', '"' + "é" * 257 + '"',
    "9" * 256, "9" * 257, "-" + "9" * 255, "-" + "9" * 256, '"7.0"', "7.00", "-0.0", "7.01",
    "7.0e0", "9007199254740991.0", "9007199254740992.0", "-9007199254740991.0",
    "-9007199254740992.0", "1" + "0" * 400 + ".0", "NaN", "-Infinity", '{"$oid":"c1"}',
    '{"$oid":""}',
    '{"$oid":7}', '{"$oid":null}', '{"$oid":"c1","a":1}', '{"$oid":{"$oid":"c1"}}', '{"$Oid":"c1"}',
    '{"oid":"c1"}', '{"$oid":"\\ud800"}', '{"$numberInt":"7"}', '{"$numberLong":"7.0"}',
    '{"$numberLong":7}',
    '{"$numberDouble":"7.5"}', '{"$numberDouble":"7.0"}', '{"$numberDouble":"NaN"}',
    '{"$numberLong":"07"}', '{"$numberLong":"+7"}', '{"$numberLong":" 7"}', '{"$numberInt":"-0"}',
    '{"$numberDecimal":"7"}', '{"$oid":"c1","$oid":"c2"}', '{"$numberLong":"' + "9" * 257 + '"}',
]  # fmt: skip
ODD_TIMES = [
    "", " ", "2017", "2017-01", "2017-1-01", "2017-01-1", "20170101", "17-01-01", "2017/01/01",
    "+2017-01-01", "02017-01-01", "2017-W01-1", "2017-001", "2017-00-10", "2017-13-01",
    "2017-01-00", "2017-01-32", "2017-02-29", "2016-02-29", "2100-02-29", "2000-02-29",
    " 2017-01-01", "2017-01-01 ", "2017-01-01\n", "2017-01-01T10:00\n", "2017-01-01T",
    "2017-01-01Z", "2017-01-01+01:00", "2017-01-01 Z", "2017-01-01T10", "2017-01-01T10Z",
    "2017-01-01T1:00", "2017-01-01T10:0", "2017-01-01T1000", "2017-01-01T10:00:",
    "2017-01-01T10:00:0", "2017-01-01T10:00:00.", "2017-01-01T10:00:00.Z",
    "2017-01-01T10:00.5", "2017-01-01T10:00:00,5", "2017-01-01T10:00:00.1234567890",
    "2017-01-01T10:00:00.123456789", "2017-01-01T10:00:00.1", "2017-01-01T24:00",
    "2017-01-01T24:00:00", "2017-01-01T23:60", "2017-01-01T23:59:60", "2016-12-31T23:59:60Z",
    "2017-01-01T10:00 Z", "2017-01-01T10:00ZZ", "2017-01-01T10:00UTC", "2017-01-01T10:00+1:00",
    "2017-01-01T10:00+01", "2017-01-01T10:00+0100", "2017-01-01T10:00+01:0",
    "2017-01-01T10:00+01:00:00", "2017-01-01T10:00+24:00", "2017-01-01T10:00+2400",
    "2017-01-01T10:00+00:60", "2017-01-01T10:00+23:59", "2017-01-01T10:00-2359",
    "2017-01-01T10:00\u221201:00", "2017-01-01  10:00", "2017-01-01_10:00", "2017-01-01-10:00",
    "2017-01-01::10:00", "2017-01-01\t10:00", "2017-01-01\u00a010:00", "2017-01-01T10.00",
    "2017-01-01T-1:00", "2017-01-01T+1:00", "2017-01-01T1 :00", "2017-01-01T10:00:00.-1",
    "\u0662\u0660\u0661\u0667-01-01", "2017-01-0\uff11", "2017-01-01T10:0\u0660",
    "2017-01-01T10:00:00.\u0661", "2017-01-01T10:00+0\u0661:00", "2017\u201001\u201001",
    "2017-01-01T10:00 UTC", "2017-01-01T10:00  UTC", "2017-01-01T10:00utc", "2017-01-01T10:00 GMT",
    "2017-01-01T10:00GMT+1", "2017-01-01T10:00 +01", "2017-01-01T10:00 -0130", "2017-01-01T10:00+1",
    "2017-01-01T10:00+24", "2017-01-01T10:00 CET", "2017-01-01 UTC", "2017-01-01T10:00UTC+00:00",
    "2017-01-01T10:00:00,123", "2017-01-01T10:00:00,", "2017-01-01T10:00,5", "2017-01-01T10:00 ",
    "2017-01-01T10:00:00,123456789 +00", "2017-01-01T10:00\u00a0UTC", "2017-01-01T10:00 +01: 00",
    "now", "1483228800", "Sun, 01 Jan 2017", "2017-01-01T10:00:00.000Z[UTC]", "\ud800",
]  # fmt: skip
EDGE_TIME_VALUES = [
    '{"$date":0}', '{"$date":-0}', '{"$date":7258118399999}', '{"$date":7258118400000}',
    '{"$date":{"$numberLong":"7258118399999"}}', '{"$date":{"$numberLong":"-0"}}',
]  # fmt: skip
# Around the first and the last instant that count: rare, or every week count would be of them.
EDGE_TIMES = [
    "0000-01-01", "0001-01-01T00:00+23:59", "0001-01-01", "9999-12-31T23:59-23:59", "9999-12-31",
    "1969-12-31", "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.9999999Z",
    "1969-12-31T23:59-00:01", "1969-12-31T23:59-0000", "1970-01-01T00:00+00:01", "1970-01-01",
    "2199-12-31T23:59:59.999999999Z", "2199-12-31T23:59-00:01", "2200-01-01T00:00+00:01",
    "2199-12-31T23:59-01", "1970-01-01T00:00 +01", "2200-01-01T00:59 +01",
    "2200-01-01", "2200-01-01T00:00", "1970-01-01T23:58+23:59", "2199-12-31T00:01-23:59",
]  # fmt: skip
ODD_TIME_VALUES = [
    "20170101", "1483228800", "1483228800.5", "true", "[]", "{}", '["2017-01-01"]', "NaN",
    '{"$date":"2017-01-01"}', '{"$date":"x"}', '{"$date":1483228800000}', '{"$date":1483228800001}',
    '{"$date":1483228800000.0}', '{"$date":"1483228800000"}', '{"$date":-1}', '{"$date":null}',
    '{"$date":{"$numberLong":"1483228800000"}}', '{"$date":{"$numberLong":1483228800000}}',
    '{"$date":{"$numberLong":"01483228800000"}}', '{"$date":{"$numberInt":"1483228800"}}',
    '{"$date":{"$date":"2017-01-01"}}', '{"$date":1e12}', '{"$date":' + "9" * 400 + "}",
    '{"$date":"2017-01-01","a":1}', '{"$numberLong":"1483228800000"}', '{"$date":NaN}',
]  # fmt: skip
ODD_AMOUNTS = [
    "", " ", "5 ", " 5", "5.", ".5", "-.5", "5.5.5", "5,00", "1,23", "1,2345", "12,34,567",
    "1234,567", "1,234567", ",123", "1,,234", "1,234,", "0,123", "1,234", "1,234.5", "1,234.567,8",
    "123,456,789,012", "1,123,456,789,012", "1234567890123", "123456789012", "000000000005",
    "0000000000005", "1.1234567", "1.123456", "1.1234560", "007", "00.5", "1e3", "1E3", "1e0",
    "NaN", "nan", "Infinity", "-Infinity", "inf", "0x10", "1_000", "--5", "+-5", "-+5", "- 5",
    "+ 5", "5-", "(5)", "-", "+", "5 USD\n", "5\n", "5\tUSD", "5\u00a0USD", "5  USD", "USD  5",
    "USD5", "USD 5", "5USD", "5 USD", "USD 5 USD", "5 usd", "usd 5", "5 Usd", "5 US", "5 USDX",
    "5 US$", "USD", "USD ", " USD", "USD -5", "USD-5", "USD+5", "-USD 5", "-USD5", "+USD 5",
    "5 -USD", "$", "-$", "$5", "$ 5", "$-5", "$+5", "-$5", "+$5", "-$-5", "+$-5", "+$+5", "--$5",
    "-$ 5", "- $5", "5$", "5 $", "$5 USD", "USD $5", "USD$5", "$$5", "$1,234.50", "-$1,234.50",
    "$.5", "$5.", "US$5", "\u20ac5", "\u00a35", "\uff15", "\u0665", "5\uff0e5", "\u22125",
    "5 \u0405SD", "5 U\u00dfD", "5 \uff35SD", "five", "1 000", "1'000", "1.234,50", "-0",
    "-0.00", "+0 USD", "\ud800", "0" * 5000, "1" * 5000, "5 US$", "us$5", "US$ -5", "-US$5",
    "-US$-5", "5 \u20ac", "\u20ac-5", "5\u00a0\u20ac", "5\u202fUSD", "5\u2009USD", "5\u00a0 USD",
    "\u00a05", "5\u00a0", "  5 USD  ", "\t5", "0.1234564", "0.1234565", "-0.1234565",
    "0.12345649999",
    "1." + "0" * 30, "1." + "0" * 31, "1." + "5" * 30, "." + "9" * 30, "." + "9" * 31,
    "999999999999.9999999", "+.5", "1,234.12345678", "182.45000000000002", "19.990000000000002 USD",
    "\u00a5 5", "5 \u00a3", "\u00a3.5", ".", "$.", "\u20ac", "5 usd$", "USD$5", "US $5",
    "5 \u20acUR",
]  # fmt: skip
OTHER_CURRENCIES = [
    "5 EUR",
    "EUR 5",
    "5EUR",
    "EUR5",
    "-5 EUR",
    "USX 1",
    "1 USX",
    "1,234.50 AAA",
    "5 eur",
    "\u20ac5",
    "-\u00a35",
    "5\u00a0\u20ac",
    "USS5",
    ".5 Gbp",
]
ODD_AMOUNT_VALUES = [
    "1e3", "1E3", "1e0", "1.5e1", "0e0", "1E+2", "10E-1", "-0", "-0.0", "0.0", "-5", "5.5",
    "123456789012", "1234567890123", "-123456789012.123456", "1.1234567", "1.123456", "1.0000000",
    "true", "false", "[]", "{}", '["5"]', '{"amount":5}', "9" * 5000, "0." + "3" * 5000, "NaN",
    "Infinity", "0.1234565", "-0.1234565", "0." + "3" * 30, "0." + "3" * 31, "999999999999.9999999",
    '{"$numberDecimal":"5.5"}', '{"$numberDecimal":"5 USD"}', '{"$numberDecimal":" 5"}',
    '{"$numberDecimal":"1E3"}', '{"$numberDecimal":"NaN"}', '{"$numberDecimal":5}',
    '{"$numberDouble":".5"}', '{"$numberDouble":"+5"}', '{"$numberInt":"1,234"}',
    '{"$numberLong":"0.1234567"}', '{"$numberLong":"5","a":1}', '{"$numberdecimal":"5"}',
    '{"$oid":"5"}', '{"$date":"5"}', '{"$numberLong":null}',
]  # fmt: skip
NO_JSON_VALUES = [
    "-NaN", "nan", "inf", "+5", "05", "-05", "5.", ".5", "-", "1e", "1e+", "0x10", "1_0", "True",
    "None", "nul", "undefined", "'x'", "", "x", '"', '"\\x"', '"\\u12g4"', '"\\u12"', '"\t"',
    '"\x01"', "[1,]", "[,1]", "[1 2]", '{"a":1,}', '{"a"}', '{"a" 1}', "{a:1}", "{1:1}", "[}",
    "/* */1", "1//", "[1", '{"a":1', "]", "\u00a01", "\ufeff1", "\u0661", "--1", "- 1", "0b1",
]  # fmt: skip
CONSTANTS = ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a":Infinity}', "[[],[-Infinity,1]]"]
BAD_BYTES = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\x80",
             b"\xf0\x9f\x98", b"\xc3", b"\xc3\xc3\xa9", b"\xe2\x82\xff\xe2"]  # fmt: skip
BEHIND = ["x", "}", "{}", " {}", "1", " 1", "//c", ";", "null", '"', "\\", "\x00", "\u00a0", "[]"]
RARELY_BEHIND = ["]", "],", ",", ",,", ", ,", "},", "{", "["]
NO_OBJECTS = [
    "null", "true", "0", "-1.5e3", '"text"', "[]", "[1,2]", '[{"type":"ORDER"}]', '"a,b"',
]  # fmt: skip
GARBAGE = [
    "garbage", "-", "NaN", "Infinity", "-Infinity", "nul", "'x'", "}", ":", "0 1", "1x", "\\",
    '"', '"open', "\x00", "\ufeff", "\u2028", "<xml/>", "2017-01-01", "NaNa",
]  # fmt: skip


# --- Bad events: each of these breaks a good one -----------------------------------------------

Breaker = Callable[[random.Random, Members], bytes]


def name_of(member: tuple[str, str]) -> str:
    return str(json.loads(member[0]))


def with_value(members: Members, name: str, value: str) -> Members:
    """The same members, the named one with another value, if it is there."""
    return [(m[0], value) if name_of(m) == name else m for m in members]


def value_breaker(name: str, values: list[str]) -> Breaker:
    """Puts one of the JSON texts into a member."""

    def breaker(rng: random.Random, members: Members) -> bytes:
        return rendered(rng, with_value(members, name, rng.choice(values)))

    return breaker


def text_breaker(name: str, texts: list[str]) -> Breaker:
    """Puts one of the texts into a member, as a JSON string."""

    def breaker(rng: random.Random, members: Members) -> bytes:
        value = ascii_surrogates(quoted(rng, rng.choice(texts)))
        return rendered(rng, with_value(members, name, value))

    return breaker


REQUIRED = ["type", "verb", "key", "event_time", "customer_id", "total_amount"]


def some_required(rng: random.Random) -> list[str]:
    return rng.sample(REQUIRED, rng.choice([1, 1, 1, 2, 2, 3, 6]))


def drop_members(rng: random.Random, members: Members) -> bytes:
    dropped = some_required(rng)
    return rendered(rng, [member for member in members if name_of(member) not in dropped])


def null_members(rng: random.Random, members: Members) -> bytes:
    for name in some_required(rng):
        members = with_value(members, name, "null")
    return rendered(rng, members)


def double_member(rng: random.Random, members: Members) -> bytes:
    """A member twice, good or bad, before or behind."""
    name, value = rng.choice(members)
    other = rng.choice([value, "null", '""', "1", '"c1"', '"2017-01-02"', '"NEW"', '"10.00 USD"'])
    twin = (ascii_surrogates(quoted(rng, json.loads(name))), other)
    return rendered(rng, [twin, *members] if rng.random() < 0.5 else [*members, twin])


def several_faults(rng: random.Random, members: Members) -> bytes:
    """More than one thing wrong: the first that applies is to be given."""
    faults = {
        "type": [*ODD_TYPES, "null"],
        "verb": [*ODD_VERBS, "null", "5"],
        "key": [*ODD_IDS, "null"],
        "customer_id": [*ODD_IDS, "null"],
        "event_time": [*ODD_TIME_VALUES, "null", '"x"'],
        "total_amount": [*ODD_AMOUNT_VALUES, "null", '"5 EUR"', '"x"'],
    }
    for name in rng.sample(REQUIRED[1:] if rng.random() < 0.8 else REQUIRED, 3):
        members = with_value(members, name, rng.choice(faults[name]))
    return rendered(rng, members)


def odd_member(rng: random.Random, members: Members) -> bytes:
    """An optional or unknown member that must cost nothing."""
    names = ["last_name", "adr_city", "tags", "camera_make", "customer_id", "x", "\ud800"]
    name = ascii_surrogates(quoted(rng, rng.choice(names)))
    place = rng.randint(0, len(members))
    return rendered(rng, [*members[:place], (name, odd_value(rng)), *members[place:]])


def odd_currency(rng: random.Random, members: Members) -> bytes:
    """A currency in a member of its own: another one, or not the one that the amount names."""
    currency = ascii_surrogates(rng.choice([*ODD_CURRENCIES, *SAME_CURRENCIES]))
    members = [*members, (quoted(rng, "currency"), currency)]
    if rng.random() < 0.6:
        amounts = ["5", "5 EUR", "\u20ac5", "$5", "5 $", "US$5", "5 USD", "GBP 5", "x"]
        members = with_value(members, "total_amount", quoted(rng, rng.choice(amounts)))
    return rendered(rng, members)


def add_value(rng: random.Random, members: Members, value: str) -> bytes:
    """The value in a member of its own, or instead of a value."""
    if rng.random() < 0.5:
        place = rng.randint(0, len(members))
        return rendered(rng, [*members[:place], ('"extra"', value), *members[place:]])
    return rendered(rng, with_value(members, name_of(rng.choice(members)), value))


def add_constant(rng: random.Random, members: Members) -> bytes:
    return add_value(rng, members, rng.choice(CONSTANTS))


def add_no_json(rng: random.Random, members: Members) -> bytes:
    return add_value(rng, members, rng.choice(NO_JSON_VALUES))


def add_depth(rng: random.Random, members: Members) -> bytes:
    return add_value(rng, members, nested(rng, rng.choice([254, 255, 256, 257, 1000, 3000])))


def hidden_constant(rng: random.Random, members: Members) -> bytes:
    """NaN in a member that the next one of the same name replaces."""
    twin = (rng.choice(members)[0], "NaN")
    return rendered(rng, [twin, *members])


def add_bad_bytes(rng: random.Random, members: Members) -> bytes:
    """Bytes that are not UTF-8, mostly within a string."""
    event = rendered(rng, members)
    bad = rng.choice(BAD_BYTES)
    if rng.random() < 0.6:
        places = [match.start() + 1 for match in re.finditer(rb'(?<=[:,{ ])"', event)]
        at = rng.choice(places or [1])
    else:
        at = rng.randint(1, len(event))
    return event[:at] + bad + event[at:]


def cut_off(rng: random.Random, members: Members) -> bytes:
    """The beginning of an event, or (as a rotated log has it) the end of one."""
    event = rendered(rng, members)
    at = rng.randint(1, len(event) - 1)
    return event[at:].strip() if rng.random() < 0.05 else event[:at].strip()


def add_behind(rng: random.Random, members: Members) -> bytes:
    rarely = rng.random() < 0.05
    return rendered(rng, members) + rng.choice(RARELY_BEHIND if rarely else BEHIND).encode()


def twice_on_a_line(rng: random.Random, members: Members) -> bytes:
    event = rendered(rng, members)
    return event + rng.choice([b"", b" ", b","]) + event


def bad_punctuation(rng: random.Random, members: Members) -> bytes:
    """A colon, a comma, a quotation mark or a bracket missing, doubled or replaced."""
    event = rendered(rng, members)
    places = [match.start() for match in re.finditer(rb'[:,"{}\[\]]', event)]
    at = rng.choice(places[1:])
    put = rng.choice([b"", event[at : at + 1] * 2, b";", b"'", b"\x00", b"\x0b"])
    return event[:at] + put + event[at + 1 :]


def no_object(rng: random.Random, members: Members) -> bytes:
    """What does not begin with `{`: rare, as an array or a run cannot recover before it."""
    if rng.random() < 0.6:
        return rng.choice(NO_OBJECTS).encode()
    if rng.random() < 0.5:
        return b"{}"
    return rng.choice(GARBAGE).encode()


BREAKERS: list[tuple[int, Breaker]] = [
    (2, value_breaker("type", ODD_TYPES)),
    (2, value_breaker("type", ODD_TYPE_NAMES)),
    (3, value_breaker("verb", ODD_VERBS)),
    (1, value_breaker("verb", ODD_TYPES)),
    (4, value_breaker("key", ODD_IDS)),
    (4, value_breaker("customer_id", ODD_IDS)),
    (8, text_breaker("event_time", ODD_TIMES)),
    (1, text_breaker("event_time", EDGE_TIMES)),
    (1, value_breaker("event_time", EDGE_TIME_VALUES)),
    (3, value_breaker("event_time", ODD_TIME_VALUES)),
    (14, text_breaker("total_amount", ODD_AMOUNTS)),
    (4, text_breaker("total_amount", OTHER_CURRENCIES)),
    (6, value_breaker("total_amount", ODD_AMOUNT_VALUES)),
    (5, odd_currency),
    (4, drop_members),
    (4, null_members),
    (4, double_member),
    (4, several_faults),
    (5, odd_member),
    (4, add_constant),
    (1, hidden_constant),
    (6, add_no_json),
    (4, add_depth),
    (5, add_bad_bytes),
    (4, cut_off),
    (3, add_behind),
    (2, twice_on_a_line),
    (4, bad_punctuation),
    (1, no_object),
]


def bad_event(rng: random.Random, members: Members) -> bytes:
    """An event with something wrong with it (or, now and then, only just right)."""
    (_, breaker) = rng.choices(BREAKERS, weights=[weight for weight, _ in BREAKERS])[0]
    event = breaker(rng, members)
    return event.replace(b"\n", b" ").replace(b"\r", b" ").strip(b" \t") or b"{"


def random_events(rng: random.Random, count: int, rare_share: float = RARE_SHARE) -> list[bytes]:
    """Events, each a text without line breaks: about 70 % good, the rest broken; many repeats."""
    instants = rng.sample(INSTANTS, 7)
    if rng.random() < 0.15:
        instants.append(rng.choice(RARE_INSTANTS))
    events: list[bytes] = []
    while len(events) < count:
        members = without_surrogates(good_members(rng, instants, rare_share))
        way = rng.random()
        if events and way < 0.1:
            events.append(rng.choice(events))
        elif way < GOOD_SHARE:
            events.append(rendered(rng, members))
        else:
            events.append(bad_event(rng, members))
    return events


# --- What survives where ----------------------------------------------------------------------


def survives_on_one_line(event: bytes) -> bool:
    """Whether an event costs at most itself on a line with others: it is JSON but for NaN."""
    try:
        text = event.decode("utf-8")
        json.loads(text, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return deepest(text) <= 256


STRING = r'"(?:[^"\\]++|\\.)*+"'
TOKEN = re.compile(STRING + r'|[\[\]{},:]|[^\s\[\]{},:"]+')


def deepest(text: str) -> int:
    """How many brackets are open at once in a JSON text."""
    most = now = 0
    for token in TOKEN.findall(text):
        now += (token in "{[") - (token in "}]")
        most = max(most, now)
    return most


def pretty(event: bytes, line_end: str, indent: str) -> bytes:
    """An event over many lines: every token as it is spelt, duplicates and all."""
    lines = [""]
    depth = 0
    for token in TOKEN.findall(event.decode("utf-8")):
        if token in "}]":
            depth -= 1
            lines.append(indent * depth + token)
        elif token in "{[":
            depth += 1
            lines[-1] += token
            lines.append(indent * depth)
        elif token == ",":
            lines[-1] += token
            lines.append(indent * depth)
        else:
            lines[-1] += ": " if token == ":" else token
    return line_end.join(line for line in lines if line.strip()).encode()


# --- Framings (section 6) ---------------------------------------------------------------------


MARK = b"\xef\xbb\xbf"


def mark(rng: random.Random) -> bytes:
    """Now and then a byte-order mark, and white space at the beginning."""
    return rng.choice([b"", b"", b"", MARK]) + rng.choice([b"", b"", b"", b" \r\n\t"])


def line_ends(rng: random.Random) -> list[bytes]:
    """The line ends of one file: of one kind, of both, with or without blank lines."""
    return rng.choice(
        [[b"\n"], [b"\n"], [b"\r\n"], [b"\n", b"\r\n"], [b"\n", b"\n\n", b"\r\n \r\n", b" \n\t\n"]]
    )


def json_lines(rng: random.Random, events: list[bytes]) -> bytes:
    """JSON Lines: blank lines, CRLF, white space around, the last line closed or not.

    When none of the first ten lines is whole, this is a run by line.
    """
    ends = line_ends(rng)
    parts = [mark(rng)]
    for event in events:
        parts += [rng.choice([b"", b"", b"", b" ", b"\t"]), event, rng.choice(ends)]
    if events and rng.random() < 0.3:
        parts[-1] = rng.choice([b"", b" "])
    return b"".join(parts)


def array_by_line(rng: random.Random, events: list[bytes]) -> bytes:
    """A JSON array with an event on each line; commas may be missing, doubled or trailing.

    Rarely a file in which a bad event is not followed by what lets a reader recover.
    """
    ends = line_ends(rng)
    commas = rng.choice([[b","], [b","], [b""], [b",", b"", b",,", b" ,", b", ,"]])
    leading = rng.random() < 0.03
    parts = [mark(rng), b"[", rng.choice([b"", b" ", *ends, *ends])]
    for number, event in enumerate(events, 1):
        comma = b"" if number == len(events) and rng.random() < 0.7 else rng.choice(commas)
        indent = rng.choice([b"", b"", b"  ", b"\t"])
        line = indent + comma + event if leading else indent + event + comma
        parts += [line, rng.choice(ends)]
    if events and rng.random() < 0.05:
        parts[-1] = b""
    parts += [rng.choice([b"", b"", b"  "]), b"]", rng.choice([b"", b"\n", b" \r\n\t\n"])]
    return b"".join(parts)


def separator(rng: random.Random, following: bytes) -> bytes:
    """What may stand between two events on one line; nothing only before a `{`."""
    nothing = [b""] if following.startswith(b"{") else []
    return rng.choice([b",", b", ", b" ", b",,", b" , ,", b"\t", *nothing, *nothing])


def one_line_array(rng: random.Random, events: list[bytes]) -> bytes:
    """A JSON array on one line; pass only events that survive there."""
    parts = [mark(rng), b"[", rng.choice([b"", b" ", b","])]
    for number, event in enumerate(events):
        parts += [separator(rng, event) if number else b"", event]
    parts += [rng.choice([b"", b" ", b",", b" , "]), b"]", rng.choice([b"", b"\n"])]
    return b"".join(parts)


def pretty_or_line(
    rng: random.Random, events: list[bytes], line_end: str, indent: str
) -> list[bytes]:
    """Each event over many lines if it survives that, else on its one line."""
    return [
        pretty(event, line_end, indent)
        if survives_on_one_line(event) and (number < 2 or rng.random() < 0.95)
        else event
        for number, event in enumerate(events)
    ]


def pretty_style(rng: random.Random) -> tuple[str, str]:
    """A line end and an indent."""
    return rng.choice(["\n", "\n", "\r\n"]), rng.choice(["  ", "    ", "\t", "", " "])


def pretty_array(rng: random.Random, events: list[bytes]) -> bytes:
    """A JSON array of events over many lines each, those that are not JSON on one."""
    line_end, indent = pretty_style(rng)
    gap = line_end.encode()
    texts = pretty_or_line(rng, events, line_end, indent)
    inside = (b"," + gap).join(texts)
    return mark(rng) + b"[" + gap + inside + gap + b"]" + rng.choice([b"", gap])


def pretty_run(rng: random.Random, events: list[bytes]) -> bytes:
    """Events over many lines each, one after another, those that are not JSON on one line.

    When the first event is on one line all the same, this may be JSON Lines.
    """
    line_end, indent = pretty_style(rng)
    gap = rng.choice(["", ","]) + line_end * rng.choice([1, 1, 2])
    texts = pretty_or_line(rng, events, line_end, indent)
    return mark(rng) + gap.encode().join(texts) + rng.choice([b"", gap.encode()])


def run_by_line(rng: random.Random, events: list[bytes]) -> bytes:
    """Events one a line, but two on the first, with commas after them or not: JSON Lines."""
    ends = line_ends(rng)
    commas = rng.choice([[b","], [b""], [b",", b"", b",,"]])
    parts = [mark(rng)]
    for number, event in enumerate(events):
        end = separator(rng, b"") if number == 0 else rng.choice(ends)
        comma = b"," if number == 1 else rng.choice(commas)
        if number == 2:  # a second line that is not whole either
            comma, end = b"," if survives_on_one_line(event) else b"", rng.choice(ends)
        parts += [event, comma, end]
    return b"".join(parts)


def run_glued(rng: random.Random, events: list[bytes]) -> bytes:
    """Events with nothing, a space or a comma between; one that is not JSON ends its line.

    JSON Lines with everything on a line, unless the first lines are none.
    """
    parts = [mark(rng)]
    for number, event in enumerate(events):
        between = separator(rng, event) if number else b""
        if number and not survives_on_one_line(events[number - 1]):
            between = b"\n"
        parts += [between, event]
    return b"".join(parts) + rng.choice([b"", b"\n", b","])


def objects_on_lines(rng: random.Random, events: list[bytes]) -> bytes:
    """JSON Lines as careless writers leave them: several objects on a line, commas, marks."""
    parts = [mark(rng)]
    ends = line_ends(rng)
    gaps = [b"", b"", b" ", b",", b", ", b",,", MARK, b" " + MARK]
    for event in events:
        parts += [rng.choice([b"", b"", b"", b",", b" ,", MARK]), event]
        is_object = event.startswith(b"{") and survives_on_one_line(event)
        is_glued = is_object and rng.random() < 0.4
        parts.append(rng.choice(gaps if is_glued else ends))
        if is_object and not is_glued and rng.random() < 0.2:
            parts.insert(-1, rng.choice([b",", b" ,", MARK, b",,"]))
    return b"".join(parts)


def several_arrays(rng: random.Random, events: list[bytes]) -> bytes:
    """JSON arrays one after another, of one kind each; some of them empty."""
    parts: list[bytes] = []
    while events or not parts:
        count = rng.choice([0, 1, 2, 3, len(events)])
        some, events = events[:count], events[count:]
        way = rng.choice([one_line_array, array_by_line, pretty_array])
        if way is one_line_array:
            some = [event for event in some if survives_on_one_line(event)]
        parts += [way(rng, some), rng.choice([b"", b"", b" ", b"\n", b"\r\n\r\n", MARK])]
    return b"".join(parts)


def joined_files(rng: random.Random, events: list[bytes]) -> bytes:
    """Files of JSON Lines joined, each with its mark or without, with line breaks or without."""
    parts = []
    for start in range(0, len(events), 5):
        data = json_lines(rng, [e for e in events[start : start + 5] if b"\n" not in e])
        last = events[start : start + 5][-1]
        parts.append(data)
        if not data.endswith(b"\n") and not (last.startswith(b"{") and survives_on_one_line(last)):
            parts.append(b"\n")
    return b"".join(parts)


# --- Compression ------------------------------------------------------------------------------


#: Every way to put events into a file, and those for events that survive on one line alone.
FRAMINGS = (
    json_lines,
    array_by_line,
    one_line_array,
    pretty_array,
    pretty_run,
    run_by_line,
    run_glued,
)
ONE_LINE_FRAMINGS = (one_line_array, run_glued)
#: What is left where files were joined, or written without line breaks.
JOINED_FRAMINGS = (objects_on_lines, several_arrays, joined_files)


def compressed(rng: random.Random, data: bytes) -> bytes:
    """The data as it is, or compressed once, seldom two or three times."""
    for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2, 3])):
        data = compressed_once(rng, data)
    return data


def compressed_once(rng: random.Random, data: bytes) -> bytes:
    """The data as gzip, bzip2 or xz: of several members, with zero padding."""
    way: Callable[[bytes], bytes] = rng.choice([gzip_member, bz2.compress, xz_member])
    cuts = sorted(rng.randint(0, len(data)) for _ in range(rng.choice([0, 0, 1, 2, 3])))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    padded = rng.random() < 0.3
    parts = []
    for piece in pieces:
        padding = b"\0" * 4 * rng.choice([0, 1, 2, 128]) if padded else b""
        parts += [way(piece), padding]
    return b"".join(parts)


def gzip_member(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def xz_member(data: bytes) -> bytes:
    return lzma.compress(data, format=lzma.FORMAT_XZ)


def random_file(rng: random.Random, events: list[bytes], *, may_be_hurt: bool) -> bytes:
    framing = rng.choice(FRAMINGS + JOINED_FRAMINGS)
    if framing in ONE_LINE_FRAMINGS:
        events = [event for event in events if survives_on_one_line(event)]
    data = framing(rng, events)
    if may_be_hurt and data and rng.random() < 0.2:
        place = rng.randrange(len(data))
        if rng.random() < 0.5:
            data = data[:place]
        else:
            data = data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
    return compressed(rng, data)


def random_files(rng: random.Random, *, may_be_hurt: bool) -> list[tuple[str, bytes]]:
    share = rng.choice([0, RARE_SHARE, 0.3])
    events = random_events(rng, rng.choice([2, 5, 20, 60, 150]), share)
    count = rng.choice([1, 1, 2, 3])
    return [
        (f"file-{i}", random_file(rng, events[i::count], may_be_hurt=may_be_hurt))
        for i in range(count)
    ]


def random_options(rng: random.Random) -> dict[str, Any]:
    return {
        "lifespan": rng.choice(["10", "2.5", "0.001", "1000"]),
        "currency": rng.choice(["USD", "USD", "EUR"]),
        "since": rng.choice([None, None, None, "2016-06-30", "2017-01-02"]),
        "until": rng.choice([None, None, None, "2017-01-02", "2017-06-30"]),
    }
