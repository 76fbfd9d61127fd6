"""The first steps of a run, in one process: what they take is lost to all that follows.

python tests/benchmark/floor.py fields LOG  the fields of all events, checked, as Python objects
python tests/benchmark/floor.py lines LOG   and dealt to shards of customers on disk

`LOG` is of good events alone. What is printed is how many there are.
"""

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "src"))

from ltv.parallel.parts import Part, opened
from ltv.parallel.workers import Work, layouts_in, read_parts
from ltv.reading.layouts import Learner, Match
from ltv.reading.units import PartReader
from LTV_Classes import without_collecting
from LTV_Ingest import Rules, fact_of

SHARDS = 128  # of a log of one million events


def fields(part: Part, rules: Rules) -> int:
    """How many events there are; nearly all are matched by a layout."""
    learner = Learner(layouts_in([part], rules), rules.currency, None)
    events = 0
    with opened(part) as chunks:
        for found in PartReader(part.file, chunks, learner):
            if isinstance(found, Match):
                events += found.events
            else:
                fact_of(found.value, rules)
                learner.learn(found.text)
                events += 1
    return events


def lines(part: Part, rules: Rules) -> int:
    """The same; leaves them in a file, shard by shard."""
    layouts = layouts_in([part], rules)
    with tempfile.TemporaryDirectory() as directory:
        work = Work(directory, SHARDS, rules, keeps_rejects=False, tally=None)
        return sum(result.counts.read for result in read_parts([(0, part)], 0, work, layouts))


def main() -> None:
    step, log = sys.argv[1:]
    with without_collecting():
        print({"fields": fields, "lines": lines}[step](Part(log), Rules(with_details=False)))


if __name__ == "__main__":
    main()
