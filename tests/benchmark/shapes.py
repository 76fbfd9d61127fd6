"""Shapes that events have by their writer, their system or their faults, none of them messy.

Each function makes an event of tests/make_log.py into another, or into its text.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from messy import Event, digest, spaced

ONE_GOOD_IN = 1000  # where all are rejected: without any, the run would have no results
_EAST = timezone(timedelta(hours=2))


def half_crlf(event: Event) -> str:
    """Spell one event of two with a CR at the end of its line."""
    text: str = spaced(event)
    return text + ("\r" if digest(event) & 1 else "")


def half_rejected(event: Event) -> str:
    """Spell one event of two so that it is rejected."""
    return _bad(event) if digest(event) & 1 else spaced(event)


def all_rejected(event: Event) -> str:
    """Spell nearly all events so that they are rejected."""
    return _bad(event) if digest(event) % ONE_GOOD_IN else spaced(event)


def _with(member: str, value: str) -> Callable[[Event], str]:
    return lambda event: spaced(event | {member: value})


_FAULTS: tuple[Callable[[Event], str], ...] = (
    lambda event: spaced(event)[:-20],
    lambda event: spaced({name: event[name] for name in event if name != "key"}),
    _with("type", "WISHLIST"),
    _with("verb", "REMOVE"),
    _with("event_time", "2017-02-30T10:00:00.000Z"),
    _with("key", ""),
    lambda event: spaced(event | {"total_amount" if "total_amount" in event else "key": "x" * 300}),
)


def _bad(event: Event) -> str:
    number: int = (digest(event) >> 1) % len(_FAULTS)
    return _FAULTS[number](event)


def pretty(event: Event) -> str:
    """Spell an event with each member on its line."""
    return json.dumps(event, ensure_ascii=False, indent=2)


def accented(event: Event) -> Event:
    """Add a letter beyond ASCII to all texts that are not of a few words, and a long text."""
    kept = ("type", "verb", "event_time", "total_amount")
    changed = {
        name: value + "é"
        for name, value in event.items()
        if isinstance(value, str) and name not in kept
    }
    return event | changed | {"page": 'Geschenke für "Großmütter"'}


def half_in_ascii(event: Event) -> str:
    """Spell letters beyond ASCII as escapes in one event of two."""
    return json.dumps(event, ensure_ascii=bool(digest(event) & 1))


def numeric(event: Event) -> Event:
    """Spell ids as numbers.

    One writer has amounts as numbers, times with an offset, and the currency beside; another has
    whole numbers with a fraction, times that end in ` UTC`, and `NaN` for what is missing.
    """
    is_frame = digest(event) & 1
    ids = {name: int(event[name], 16) for name in ("key", "customer_id") if name in event}
    time = datetime.fromisoformat(event["event_time"])
    if is_frame:
        clock = time.isoformat(" ", "milliseconds").partition("+")[0]
        floats = {name: float(number) for name, number in ids.items()}
        return event | floats | {"event_time": f"{clock} UTC", "discount": float("nan")}
    changed = event | ids | {"event_time": time.astimezone(_EAST).isoformat("T", "milliseconds")}
    amount = event.get("total_amount")
    if amount is not None:
        digits = str(amount).replace("USD", "").replace("$", "").replace(",", "")
        changed |= {"total_amount": float(digits), "currency": "USD"}
    return changed
