"""Events dealt to shards on disk and back: the customers that all the events at once make."""

import random
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ltv.blocks
import ltv.parallel.shards
import ltv.reading.decoding
import random_logs
from ltv.blocks import Block
from ltv.errors import EventError, FileError
from ltv.parallel.shards import ShardWriter
from ltv.parallel.workers import customers_of_shards
from LTV_Classes import Customer
from LTV_Ingest import Fact, Ingest, Rules, block_of, fact_of, join_fact

RULES = Rules(with_details=False)


def good_facts(seed: int, count: int) -> list[Fact]:
    """What some random events by the rules say."""
    facts = []
    for text in random_logs.random_events(random.Random(seed), count):
        with suppress(ValueError, EventError, RecursionError):
            facts.append(fact_of(ltv.reading.decoding.decode(text.decode()), RULES))
    return facts


def known(D: dict[str, Customer]) -> dict[str, Any]:
    """All that a ranking asks of the customers."""
    return {
        customer_id: (
            customer.customer_id,
            customer.last_name,
            customer.begin,
            customer.latest,
            customer.revenue_micros,
            customer.orders,
            customer.visits,
            customer.images,
        )
        for customer_id, customer in D.items()
    }


def all_at_once(facts: list[Fact]) -> dict[str, Customer]:
    D: dict[str, Customer] = {}
    for fact in facts:
        join_fact(fact, D)
    return D


def dealt(directory: Path, facts: list[Fact], shards: int, rng: random.Random) -> list[str]:
    """The files of three parts, which take some events in blocks and others as facts."""
    writers = [ShardWriter(shards, partial(str, directory / f"{part}.rows")) for part in range(3)]
    for number, writer in enumerate(writers):
        for fact in facts[number::3]:
            if rng.random() < 0.5 and not is_escaped(fact):
                writer.add_block(block_of(fact))
            else:
                writer.add(fact)
        writer.write()
    return [path for writer in writers for path in writer.paths]


def is_escaped(fact: Fact) -> bool:
    """Whether an id has what no pattern lets into a block."""
    return any(character < " " or character in '"\\' for character in fact.key + fact.customer_id)


def written(path: Path, *blocks: Block, shards: int = 1) -> str:
    """The path of the file that these blocks leave."""
    Ingest(blocks, writer := ShardWriter(shards, lambda: str(path)))
    writer.write()
    return str(path)


@pytest.mark.parametrize("rows_to_join", [0, ltv.parallel.shards._ROWS_TO_JOIN])
@pytest.mark.parametrize("shards", [1, 2, 7, 40])
@pytest.mark.parametrize("seed", range(3))
def test_shards_have_what_all_events_at_once_make(
    seed: int, shards: int, rows_to_join: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ltv.parallel.shards, "_ROWS_TO_JOIN", rows_to_join)
    facts = good_facts(seed, 300)
    assert len(facts) > 150
    paths = dealt(tmp_path, facts, shards, random.Random(seed))
    found = list(customers_of_shards(paths, range(shards), RULES))
    assert len(found) == shards
    ids = [customer_id for D in found for customer_id in D]
    assert len(ids) == len(set(ids)), "a customer is in one shard"
    together = {customer_id: D[customer_id] for D in found for customer_id in D}
    assert known(together) == known(all_at_once(facts))
    some = range(shards)[shards // 2 :]
    again = list(customers_of_shards(paths, some, RULES))
    assert [*map(known, again)] == [*map(known, found[shards // 2 :])]


def test_the_id_alone_decides_on_the_shard(tmp_path: Path):
    """Rows and facts of all types, in one file or another, meet in one shard."""
    ids = [f"customer {number} é" for number in range(30)]
    facts = [
        Fact("ORDER", customer_id, "o", "2017-01-01T00:00:00.000000", False, 1_000_000)
        for customer_id in ids
    ]
    profiles = [
        Fact("CUSTOMER", customer_id, customer_id, "2017-01-02T00:00:00.000000", True, {})
        for customer_id in ids
    ]
    changed = [fact._replace(key="p", is_update=True) for fact in facts]
    first = ShardWriter(5, lambda: str(tmp_path / "1"))
    for fact in facts:
        first.add(fact)
    first.write()
    second = written(tmp_path / "2", *map(block_of, [*profiles, *changed]), shards=5)
    shards = list(customers_of_shards([*first.paths, second], range(5), RULES))
    assert sorted(customer_id for D in shards for customer_id in D) == sorted(ids)
    assert sum(map(bool, shards)) == 5
    for D in shards:
        for customer in D.values():
            assert customer.revenue_micros == 2_000_000
            assert len(customer.orders) == 2


def test_nothing_dealt_is_nothing_known(tmp_path: Path):
    path = written(tmp_path / "rows", shards=3)
    assert list(customers_of_shards([path, path], range(3), RULES)) == [{}, {}, {}]
    assert list(customers_of_shards([], range(3), RULES)) == [{}, {}, {}]


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path):
    (tmp_path / "rows").write_bytes(b"")
    with pytest.raises(FileError, match="File exists"):
        written(tmp_path / "rows")


def test_what_is_too_much_to_hold_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.parallel.shards, "_MOST_EVENTS_HELD", 10)
    facts = good_facts(1, 100)
    paths = (str(tmp_path / f"{number}.rows") for number in range(100))
    writer = ShardWriter(2, lambda: next(paths))
    for fact in facts:
        writer.add(fact)
    writer.write()
    assert len(writer.paths) == len(facts) // 11 + 1
    found = customers_of_shards(writer.paths, range(2), RULES)
    together = {customer_id: customer for D in found for customer_id, customer in D.items()}
    assert known(together) == known(all_at_once(facts))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (b'"Smith"', "Smith"),
        ('"Müller"'.encode(), "Müller"),
        (b'"M\\u00fcller \\"x\\""', 'Müller "x"'),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\ud83d"', None),
        (b'"' + b"\\u0041" * 256 + b'"', "A" * 256),
        (b'""', ""),
        (b"", None),
    ],
)
def test_names_are_kept_as_the_full_path_would(name: bytes, kept: str | None, tmp_path: Path):
    block = Block("CUSTOMER", ((b"2017-01-01T00:00:00.000",), (b"",), (b"c1",), (name,)))
    (D,) = customers_of_shards([written(tmp_path / "rows", block)], range(1), RULES)
    assert D["c1"].last_name == kept


def test_amounts_are_looked_up_by_their_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.blocks, "_MOST_AMOUNTS", 2)
    ltv.blocks._amounts.cache_clear()
    texts = [b'"1"', b"1", b'"$1.50"', b"-0.000001", b'"1,000.00 USD"', b'"1"', b"12"]
    micros = [1_000_000, 1_000_000, 1_500_000, -1, 1_000_000_000, 1_000_000, 12_000_000]
    times = [b"2017-01-01T10:00:00.000"] * len(texts)
    order_ids = [b"o%d" % number for number in range(len(texts))]
    same = [[field] * len(texts) for field in (b"", b"c")]
    block = Block("ORDER", (times, same[0], order_ids, same[1], texts))
    (D,) = customers_of_shards([written(tmp_path / "rows", block)], range(1), RULES)
    assert D["c"].revenue_micros == sum(micros)
    assert len(ltv.blocks._amounts("USD")) <= 2
    assert ltv.blocks._amounts("EUR")[b'"2 EUR"'] == 2_000_000
    ltv.blocks._amounts.cache_clear()
