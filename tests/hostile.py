"""A log whose ids and names would do harm where a format let them; and long, and strange ones."""

import json
import random
from collections.abc import Iterator

TEXTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></svg></style><script>alert(1)</script>",
    "</td></table><!--",
    "&lt;b&gt;&amp;",
    "url(javascript:alert(1))",
    "|`*_[a](b)~~x~~ @everyone #1 www.example.com\\",
    "\u202egnirts\u202c",
    "\x1b[2J\x00\x07",
    "a\nb\r\nc\u2028d",
    "e" + "\u0301" * 200,
    "x" * 256,
    "\U0001f600" * 256,
    "&" * 256,
    "\ufdfd" * 40,
    "\u0645\u0631\u062d\u0628\u0627",
    "\ufffe\uffff\U000e0041\u200d\u00ad",
    " ",
]
AMOUNTS = ["999999999999.99", "-999999999999", "0.000001", "0", "12.5", "-3", "100"]
YEARS = [1970, 1999, 2017, 2017, 2018, 2199]


def hostile_events(customers: int = 120, seed: int = 1) -> Iterator[dict[str, str]]:
    """Events of customers with such ids and names, some with refunds, over all years there are."""
    rng = random.Random(seed)
    for number in range(customers):
        text = TEXTS[number % len(TEXTS)]
        customer_id = text[:250] + str(number)
        year = rng.choice(YEARS)

        def event(kind: str, key: str, *, customer_id=customer_id, year=year, **more: str):
            time = f"{year}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T10:00:00Z"
            who = {} if kind == "CUSTOMER" else {"customer_id": customer_id}
            return {"type": kind, "verb": "NEW", "key": key, "event_time": time, **who, **more}

        yield event("CUSTOMER", customer_id, last_name=text)
        yield event("SITE_VISIT", "p")
        for order in range(rng.randint(0, 3)):
            yield event("ORDER", f"o{order}", total_amount=rng.choice(AMOUNTS))


def hostile_log(customers: int = 120, seed: int = 1) -> str:
    """The events as JSON Lines, with one that is rejected."""
    lines = [json.dumps(event) for event in hostile_events(customers, seed)]
    return "\n".join([*lines, '{"type": "<b>"}', ""])
