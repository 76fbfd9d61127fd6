"""Events as many writers write them: members that come and go, in any order, and what is nested.

Each function changes an event of tests/make_log.py; what counts of it stays, and what is added
depends on the event alone, so that one that occurs again is the same again.
"""

import json
import random
from typing import Any
from zlib import crc32

Event = dict[str, Any]

WRITERS = 10
DEEPEST = 4
ESCAPES = 0.05  # of the texts that are added
_FLAT = ("ua", "ip", "session", "ref", "utm", "ab", "lang")
_NESTED = ("props", "ctx", "geo")
_ADDED = (*_FLAT, *_NESTED)


def spaced(event: Event) -> str:
    """Return the event as it stands in the base layout."""
    return json.dumps(event, ensure_ascii=False)


def digest(event: Event) -> int:
    """Return a number that is the same for an event that occurs again."""
    return crc32(spaced(event).encode())


def optional(event: Event) -> Event:
    """Add up to ten texts, each to one event of two."""
    return _extended(event, deepest=0, escapes=0.0)


def shuffled(event: Event) -> Event:
    """Do the same, and put all members in any order."""
    return _in_any_order(optional(event))


def nested(event: Event) -> Event:
    """Do the same; what is added is up to four brackets deep."""
    return _in_any_order(_extended(event, deepest=DEEPEST, escapes=0.0))


def of_writers(event: Event) -> Event:
    """Add the same; ten writers have an order of their own each."""
    members = optional(event)
    names = sorted({*_ADDED, *event, "last_name", "total_amount", "customer_id"})
    random.Random(digest(event) % WRITERS).shuffle(names)
    return {name: members[name] for name in [*names, *event] if name in members}


def escaped(event: Event) -> Event:
    """Do as `nested` does; some of the texts that are added have escapes."""
    return _in_any_order(_extended(event, deepest=DEEPEST, escapes=ESCAPES))


def commented(event: Event) -> Event:
    """Add a text of about 1,100 characters, half of them escapes in JSON."""
    pieces = random.Random(digest(event)).choices(['"no"', "\n", "\\", "word ", "\t"], k=480)
    return event | {"comment": "".join(pieces)}


def _in_any_order(event: Event) -> Event:
    members = list(event.items())
    random.Random(digest(event)).shuffle(members)
    return dict(members)


def _extended(event: Event, *, deepest: int, escapes: float) -> Event:
    dice = random.Random(digest(event))

    def text() -> str:
        return 'said "no" \\ twice\n' if dice.random() < escapes else f"v{dice.getrandbits(32):08x}"

    def value(depth: int) -> object:
        if depth == 0:
            return dice.choice([dice.randrange(1000), 2.5, text(), None, True])
        many = range(dice.randint(0, 2))
        if dice.random() < 0.5:
            return [value(depth - 1) for _ in many]
        return {dice.choice(["a", "b", "id", "val"]): value(depth - 1) for _ in many}

    added: Event = {name: text() for name in _ADDED if dice.random() < 0.5}
    if deepest:
        added |= {name: value(dice.randint(0, deepest)) for name in _NESTED if name in added}
    return event | added
