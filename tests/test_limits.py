"""Limits: the page about them lists each, and each is used."""

import re
from pathlib import Path

import pytest

from simulator import limits
from simulator.paths import ROOT
from tests.limits_table import MARK, PAGE, table

NAMES = [name for name, found in vars(limits).items() if isinstance(found, limits.Limit)]
#: All of the package but the file of the limits itself.
SOURCE = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("simulator", "pages")
    for path in sorted(Path(ROOT / folder).rglob("*.py"))
    if path != Path(limits.__file__)
)


def test_the_page_lists_every_limit():
    told = PAGE.read_text(encoding="utf-8").split(MARK)[1].split("\n\n")[0]
    assert told == table(), "python -m tests.limits_table writes it again"


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_is_used(name):
    assert re.search(rf"\b{name}\b", SOURCE)


@pytest.mark.parametrize("limit", limits.every(), ids=NAMES)
def test_a_limit_reads_as_a_sentence(limit):
    assert limit.most > 0
    assert str(limit) == f"{limit.most:,} {limit.unit}"
    assert not limit.why.endswith(".")
