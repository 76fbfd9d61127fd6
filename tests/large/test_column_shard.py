"""Shards ranked by column: the same as by a Customer for each."""

import random
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest
from test_shards import all_at_once, dealt, good_facts, is_escaped

from figures_in_order import in_order
from ltv.parallel.column_shard import ColumnShard
from ltv.parallel.shards import ShardWriter, blocks_of_shards
from ltv.report.day_sums import DaySums
from ltv.report.figures import figures_of, no_figures
from ltv.times import day_text
from LTV_Calculate import Threshold, best_customers, best_of, count_before, end_of_data, totals
from LTV_Classes import Customer
from LTV_Ingest import Fact, Ingest, block_of

FIRST, SECOND, THIRD = (f"2017-01-0{day}T00:00:00.{day}00000" for day in (1, 2, 3))
MICROS = "2017-01-02T00:00:00.200001"


def check_same(shard: ColumnShard, D: Mapping[str, Customer], end: int) -> None:
    """All that is asked of the shard of a shard is as of its customers."""
    assert len(shard) == len(D)
    assert shard.totals() == totals(D)._replace(end=end)
    everyone = best_customers(len(D) + 1, D, end=end)
    assert best_customers(len(D) + 1, shard, end=end) == everyone
    assert best_customers(1, shard, end=end) == everyone[:1]
    for candidate in everyone:
        assert count_before(candidate, shard, end=end) == count_before(candidate, D, end=end)
        assert shard[candidate.customer_id].customer_id == candidate.customer_id
    sums = DaySums(end)
    shard.add_to(sums)
    figures = no_figures()
    figures.add_new_customers(shard.new_customers(), end, "10")
    figures.add_day_sums(sums)
    plain = figures_of(D.values(), end, "10")
    assert in_order(figures) == in_order(plain)


WAYS = ["facts to shard", "blocks to shard", "facts", "blocks"]


def column_shard_of(directory: Path, facts: list[Fact], way: str) -> ColumnShard:
    """Of a single shard with these facts, by way of a file or not."""
    shard = ColumnShard("USD", end_of_data(all_at_once(facts)))
    if not way.endswith("to shard"):
        for fact in facts:
            if way == "facts":
                shard.add(fact)
            else:
                shard.add_block(block_of(fact))
        return shard
    path = directory / f"{way}.rows"
    path.unlink(missing_ok=True)
    writer = ShardWriter(1, lambda: str(path))
    for fact in facts:
        if way.startswith("facts") or is_escaped(fact):
            writer.add(fact)
        else:
            writer.add_block(block_of(fact))
    writer.write()
    (blocks,) = blocks_of_shards(writer.paths, range(1))
    return Ingest(blocks, shard)


@pytest.mark.parametrize("shards", [1, 2, 7])
@pytest.mark.parametrize("seed", range(8))
def test_random_events(seed: int, shards: int, tmp_path: Path):
    rng = random.Random(seed)
    facts = good_facts(seed, 300)
    facts += rng.sample(facts, 60)  # which come twice
    rng.shuffle(facts)
    end = end_of_data(all_at_once(facts))
    paths = dealt(tmp_path, facts, shards, rng)
    threshold = Threshold(end)
    best = []
    for blocks in blocks_of_shards(paths, range(shards)):
        D = Ingest(blocks, {})
        if D:
            shard = Ingest(blocks, ColumnShard("USD", end))
            check_same(shard, D, end)
            best += best_customers(2, shard, end=end, threshold=threshold)
    assert best_of(2, best) == best_customers(2, all_at_once(facts), end=end)
    threshold.raise_to(-(10**30))
    assert {day for _, day, _ in shard.figures(threshold)} <= {day_text(end)}


def test_few_customers_with_few_keys_at_few_times(tmp_path: Path):
    """So that everything is there twice, of one customer and of others."""
    rng = random.Random(1)
    ids, keys, times = ["c1", "c2"], ["k1", "k2", "1"], [FIRST, SECOND, MICROS, THIRD]
    for _ in range(60):
        facts = []
        for customer_id, key, time in product(ids, keys, times):
            amount, update = rng.choice([-1, 5, 10_000_000]), rng.random() < 0.5
            facts += [
                Fact("SITE_VISIT", customer_id, key, time, False, ""),
                Fact("ORDER", customer_id, key, time, update, amount),
                Fact("IMAGE", customer_id, key, time, False, ""),
                Fact("CUSTOMER", customer_id, customer_id, time, update, {"last_name": key}),
            ]
        facts = rng.choices(facts, k=rng.randrange(1, 40))
        D = all_at_once(facts)
        for way in WAYS:
            check_same(column_shard_of(tmp_path, facts, way), D, end_of_data(D))


ODD_IDS = [
    "\t",
    "a\tb",
    "\n",
    "\\",
    '"',
    '\\"',
    "\\t",
    "\x00",
    "\x1f",
    "\x7f",
    "é\\",
    "\u2028",
    "王",
]


@pytest.mark.parametrize("odd", ODD_IDS, ids=ascii)
def test_ids_that_a_line_cannot_hold_as_they_are(odd: str, tmp_path: Path):
    facts = [
        Fact(event_type, customer_id, key, time, False, value)
        for event_type, value in (("SITE_VISIT", ""), ("ORDER", 7), ("IMAGE", ""))
        for customer_id in (odd, "c")
        for key in (odd, "k")
        for time in (FIRST, MICROS)
    ]
    facts.append(Fact("CUSTOMER", odd, odd, FIRST, False, {"last_name": odd}))
    D = all_at_once(facts)
    for way in WAYS:
        shard = column_shard_of(tmp_path, facts, way)
        check_same(shard, D, end_of_data(D))
        assert shard[odd].last_name == odd
        assert shard.totals()[2:] == (2, 8, 4, 4)


def test_no_events():
    shard = ColumnShard("USD", 5)
    assert len(shard) == 0
    assert shard.totals() == (0, 5, 0, 0, 0, 0)
    assert list(shard.figures(Threshold(0))) == []
