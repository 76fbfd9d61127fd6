"""How the options ask for customers to be ranked (SPEC, 8 and 9), and what is said of that."""

from ltv.options import Options
from ltv.process import NobodyRankedError
from ltv.ranking.segments import Segment, all_buyers, bounds_of
from ltv.report.summary import RankedBy
from ltv.times import day_text
from ltv.values import counted
from LTV_Calculate import (
    Rankable,
    RankedCustomer,
    Ranking,
    Searchable,
    best_customers,
    end_of_data,
    ranked,
)


def ranking_of(options: Options, D: Rankable | Searchable) -> Ranking:
    """Return how the customers of `D` are to be ranked; a model is fitted to all of them.

    Raises TooFewRepeatersError.
    """
    segment = options.segment and Segment(options.segment, bounds_of(all_buyers(D)))
    limits = options.min_weeks or 0, options.min_orders or 0, segment or None
    if options.by == "ltv":
        return Ranking(None, *limits)
    from ltv.ranking import by, model  # noqa: PLC0415 - only some runs need it

    if options.by == "revenue":
        return Ranking(by.Revenue(), *limits)
    end = end_of_data(D)
    if options.by == "recent":
        return Ranking(by.RecentRevenue(end, options.half_life), *limits)
    fitted = model.fit_model(by.sample_of(D, end))
    return Ranking(by.ExpectedRevenue(fitted, end, options.horizon), *limits)


def top_by(options: Options, D: Rankable, ranking: Ranking) -> list[RankedCustomer]:
    """Return the rows of the best customers by another method than simple lifetime value."""
    return ranked(best_customers(options.x, D, ranking), options.lifespan, ranking.method)


def ranked_by(options: Options, ranking: Ranking, ranked: int) -> RankedBy:
    """Return what is said of the ranking beside its rows, of which there are `ranked` in all."""
    weeks = {"recent": options.half_life, "expected": options.horizon}.get(options.by)
    model = None
    if options.by == "expected":
        from ltv.ranking.by import ExpectedRevenue  # noqa: PLC0415 - it is there already

        assert isinstance(ranking.method, ExpectedRevenue), "ranking_of makes it"
        model = ranking.method.model.shown()
    by = RankedBy(options.by, weeks, least_text(options), options.segment, model=model)
    return by._replace(ranked=ranked) if by.least or by.segment else by


def least_text(options: Options) -> str:
    """Return what a customer needs to be ranked; empty where that is nothing."""
    least = (options.min_weeks, "week"), (options.min_orders, "order")
    return " and ".join(counted(number, noun) for number, noun in least if number is not None)


def nobody_ranked(options: Options, customers: int) -> NobodyRankedError:
    """Return what is wrong when none of so many customers is ranked."""
    of_all = f"none of {counted(customers, 'customer')}"
    if options.backtest is not None:
        of_all += f" known on {day_text(options.backtest)}"
    lacks = [f"is in the segment {options.segment}"] if options.segment else []
    lacks += [f"has {least} or more" for least in [least_text(options)] if least]
    return NobodyRankedError(f"nobody to rank: {of_all} {' and '.join(lacks)}")
