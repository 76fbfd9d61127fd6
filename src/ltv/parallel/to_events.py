"""Events of shards as JSON Lines, as all logs have them (SPEC, section 1): `--to-events`."""

from collections.abc import Iterator
from itertools import chain

from ltv.output.json_text import json_text
from ltv.parallel.shards import blocks_of_shards
from ltv.times import time_text, unpack
from ltv.values import amount_text
from LTV_Ingest import Fact, Rules, facts_of


def events_of_shards(paths: list[str], shards: range, rules: Rules) -> list[bytes]:
    """Return the lines of the events of each of `shards`, each event once, those of a customer
    together. Raises OSError.
    """
    return [
        "".join(dict.fromkeys(_lines(facts, rules.currency))).encode()
        for facts in (
            chain.from_iterable(facts_of(block, rules.currency) for block in blocks)
            for blocks in blocks_of_shards(paths, shards)
        )
    ]


def _lines(facts: Iterator[Fact], currency: str) -> Iterator[str]:
    in_order = sorted(facts, key=lambda fact: (fact.customer_id, fact.time, fact.type, fact.key))
    for kind, customer_id, key, time, is_update, value in in_order:
        texts = {
            "type": kind,
            "verb": "UPDATE" if is_update else "NEW",
            "key": key,
            "event_time": time_text(unpack(time)),
        }
        if kind == "ORDER":
            amount = f"{amount_text(value)} {currency}"
            texts |= {"customer_id": customer_id, "total_amount": amount}
        else:
            texts |= value
        yield f"{json_text(texts)}\n"
