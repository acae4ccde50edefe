"""Coverage: counted by hand on a small case."""

import pytest

from simulator.authoring.studio.studio_panels import coverage
from simulator.case.load import loads
from tests.case.texts import changed

pytestmark = pytest.mark.usefixtures("evidence")

WAIT = "objectives:\n  - {metric: latency_p95_s, at_most: 3600, label: Wait}"

TEXT = f"""{changed("objectives:", WAIT).rstrip()}
  batch:
    kind: options
    label: Batch
    default: four
    options:
      one: {{label: One, set: {{stages.classify.max_batch: 1}}}}
      two: {{label: Two, set: {{stages.classify.max_batch: 2}}}}
      four: {{label: Four, set: {{stages.classify.max_batch: 4}}}}
questions:
  - {{ask: "How fast?", answer: The reader takes 3 seconds for a photo.}}
  - {{ask: "How dear?", answer: Nobody knows.}}
curveballs:
  news: {{kind: traffic, label: News, times: 2, lasts_s: 60}}
  late: {{kind: traffic, label: Late, times: 3, lasts_s: 60}}
claims:
  - {{says: The reader takes 3 seconds, figure: stages.reader.minutes.median, at_most: 1}}
tests:
  meets: [{{design: {{batch: one}}, objectives: [latency_p95_s]}}]
  turns: [{{curveball: news, at_s: 10, objective: latency_p95_s, to: not met}}]
"""


def test_each_part_counts_the_tests_and_claims_of_it():
    found = {(one.kind, one.name): one.times for one in coverage(loads(TEXT))}
    assert found == {
        ("option", "reading: usual"): 2,
        ("option", "reading: expert"): 0,
        ("number", "point"): 0,
        ("number", "urgent"): 0,
        ("option", "batch: one"): 1,
        ("option", "batch: two"): 0,
        ("option", "batch: four"): 1,  # the default, by the test of the curveball
        ("question", "How fast?"): 1,
        ("question", "How dear?"): 0,
        ("curveball", "news"): 1,
        ("curveball", "late"): 0,
    }
