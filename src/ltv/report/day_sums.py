"""What some customers did by day, on its way to the figures.

    sums = DaySums(end)
    sums.add_orders(buying_of(...))
    figures.add_day_sums(sums)

Apart from the figures, since it grows with the days times the months that customers began in: it is
made for a part of the customers, and then added up by month.
"""

from collections import Counter, defaultdict
from functools import partial

from ltv.report.habits import NO_PERIOD, Buying, Move, Periods, no_habits, usual_time
from ltv.times import month_number


class DaySums:
    """Sums of customers; days since 1970. `end` is that of all the data, in microseconds."""

    def __init__(self, end: int) -> None:
        self.habits = no_habits()
        self.moves: Counter[Move] = Counter()
        # In micros, by the month that customers began in, `YYYY-MM`, and day.
        self.revenue: defaultdict[str, defaultdict[int, int]]
        self.revenue = defaultdict(partial(defaultdict, int))
        self.first_revenue: defaultdict[int, int] = defaultdict(int)  # of their first days
        self.orders: Counter[int] = Counter()
        self.visits: Counter[bytes] = Counter()  # by the day as text, `YYYY-MM-DD`
        self.images: Counter[bytes] = Counter()
        self._end = end
        self._periods = Periods(end)

    def add_orders(self, buying: Buying) -> None:
        """Add the orders of customers."""
        period_of, first_revenue = self._periods, self.first_revenue
        moves: list[Move] = []
        all_times: list[int] = []
        usual: list[int] = []
        seconds: list[int] = []
        for begin, orders in zip(buying.begins, buying.orders, strict=True):
            began = month_number(begin)
            revenue = self.revenue[begin[:7]]
            first = before = orders[0][1]
            period = period_of[first]
            moves.append((began, NO_PERIOD, period))
            times = []
            for _, day, amount in orders:
                revenue[day] += amount
                if day == first:
                    first_revenue[day] += amount
                elif day != before:
                    times.append(day - before)
                    before = day
                    now = period_of[day]
                    if now != period:
                        moves.append((began, period, now))
                        period = now
            all_times += times
            usual.append(usual_time(times))
            seconds.append(times[0] if times else 0)
        self.orders.update([day for orders in buying.orders for _, day, _ in orders])
        self.moves.update(moves)
        self.habits.add(buying, usual, seconds, all_times, self._end)
