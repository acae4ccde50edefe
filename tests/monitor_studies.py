"""The studies behind docs/monitors.md: python -m tests.monitor_studies power | quiet | promise | coverage (minutes each)."""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import ks_2samp

from simulator.intervals import share_interval
from simulator.monitors import OnlineMonitor, OnlineSettings
from simulator.monitors.camera_weeks import CAMERAS, WeekFault, camera_weeks
from simulator.monitors.drift_report import ReportRequest, compare
from simulator.monitors.estimated_performance import PerformanceEstimator, PerformanceRequest
from tests.incident_tables import table

#: Shifts of the sharpness of one site, and of all cameras, in standard deviations of a camera, through the whole week.
SHIFTS, WEEKS = (0.0, 0.25, 0.5, 1.0), 10
PLACES = {"one site": (6, 7, 8), "all cameras": tuple(range(CAMERAS))}


def power(weeks: int = WEEKS) -> str:
    """Return the share of weeks that each way claims, by the shift."""
    rows = []
    for place, cameras in PLACES.items():
        for shift in SHIFTS:
            if shift == 0 and place != "one site":
                continue
            claims = np.array([_claims(seed, shift, cameras) for seed in range(weeks)])
            cells = [_share(int(count), weeks) for count in claims.sum(axis=0)]
            rows.append([place if shift else "nowhere", f"{shift:g}", *cells])
    heading = ["shifted", "SD of a camera", "`--by site`", "plain KS by site, Bonferroni", "`--follow`, within the week"]
    return table(rows, heading)


def _claims(seed: int, shift: float, cameras: tuple[int, ...]) -> list[bool]:
    reference, production = camera_weeks(seed, (WeekFault("sharpness", shift, 0, cameras),))
    asked = ReportRequest(time="timestamp", by="site", names=("camera",), columns=("sharpness",))
    found = bool(compare(reference, production, asked).differing)
    parts = [np.ones(len(reference.rows), bool), *(reference.rows["site"] == one for one in reference.rows["site"].unique())]
    first, second = (one.rows["sharpness"].to_numpy() for one in (reference, production))
    plain = min(ks_2samp(first[part], second[part]).pvalue for part in parts) <= 0.05 / len(parts)
    monitor = OnlineMonitor.learn(reference, OnlineSettings(columns=("sharpness",)))
    return [found, bool(plain), bool(monitor.add(production.rows) + monitor.finish())]


def quiet(weeks: int = 100) -> str:
    """Return the share of quiet weeks with a claim, beside the promise of 5%."""
    asked = ReportRequest(time="timestamp", names=("camera",), columns=("sharpness", "confidence", "brightness"))
    return _share(sum(bool(compare(*camera_weeks(seed, ()), asked).differing) for seed in range(weeks)), weeks)


def promise(weeks: int = 120) -> str:
    """Return the alarms of quiet weeks, beside the promise of one in 30 days."""
    columns = ("brightness", "sharpness", "boxes", "confidence", "weather")
    counts = []
    for seed in range(weeks):
        reference, quiet = camera_weeks(seed, ())
        monitor = OnlineMonitor.learn(reference, OnlineSettings(columns=columns))
        counts.append(len(monitor.add(quiet.rows) + monitor.finish()))
    loud = int(np.count_nonzero(counts))
    return (
        f"{sum(counts)} alarms in {weeks} quiet weeks (promised: {weeks * 7 / 30:.0f}); {_share(loud, weeks)} of weeks with any"
    )


def coverage(weeks: int = 60) -> str:
    """Return how often the interval of the estimated accuracy holds that of the labels, in drawn weeks with a fault."""
    held = windows = 0
    for seed in range(weeks):
        tables = camera_weeks(seed)
        course = PerformanceEstimator(
            tables, PerformanceRequest("label", "confidence"), ReportRequest(time="timestamp")
        ).course("accuracy")
        inside = (course.low <= course.realised) & (course.realised <= course.high)
        held, windows = held + int(inside.sum()), windows + len(inside)
    return f"{_share(held, windows)} of {windows:,} windows"


def _share(count: int, trials: int) -> str:
    found = share_interval(count, trials)
    return f"{100 * found.value:.0f}% ({100 * found.low:.0f} to {100 * found.high:.0f})"


STUDIES = {"power": power, "quiet": quiet, "promise": promise, "coverage": coverage}

if __name__ == "__main__":
    for name in sys.argv[1:] or STUDIES:
        print(f"{name}:\n{STUDIES[name]()}\n", flush=True)
