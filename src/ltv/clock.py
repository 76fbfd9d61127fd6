"""Whether one clock that went wrong stretches everybody's weeks.

The weeks of all customers end with the latest event. When that stands alone, more than 53 weeks
behind every other one, it rather has a wrong time.
"""

from collections.abc import Iterable

from ltv.times import WEEK, time_text, unpack

_MOST_WEEKS = 53


class LatestTimes:
    """The latest packed time and the latest before it, empty where there is none.

    `earlier` may be an older one than that where it is not far behind `latest`.
    """

    def __init__(self, latest: str = "", earlier: str = "") -> None:
        self.latest = latest
        self.earlier = earlier

    def see(self, time: str) -> None:
        """Take one time."""
        if time > self.latest:
            self.latest, self.earlier = time, self.latest
        elif self.earlier < time < self.latest:
            self.earlier = time

    def see_all(self, last: str, times: Iterable[str]) -> None:
        """Take `times`, the latest of which is `last`: they are gone through if it matters."""
        self.see(last)
        if last == self.latest and is_far_behind(last, self.earlier):
            for time in times:
                self.see(time)

    def join(self, other: "LatestTimes") -> None:
        """Take what another one saw."""
        self.see(other.latest)
        self.see(other.earlier)


def is_far_behind(latest: str, earlier: str) -> bool:
    """Whether `latest` is more than 53 weeks behind `earlier`, or there is no earlier time."""
    return not earlier or unpack(latest) - unpack(earlier) > _MOST_WEEKS * WEEK


def jump_text(times: LatestTimes) -> str | None:
    """What is odd about the latest time, with its remedy; None for nothing."""
    if not times.earlier or not is_far_behind(times.latest, times.earlier):
        return None
    latest, earlier = (time_text(unpack(time)) for time in (times.latest, times.earlier))
    return (
        f"the latest event ({latest}) is more than {_MOST_WEEKS} weeks after the one before it "
        f"({earlier}), which stretches the weeks of all customers; --until DATE leaves out events "
        "after that day"
    )
