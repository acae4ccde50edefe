"""The table of docs/limits.md, from the limits themselves: python -m tests.limits_table writes it again."""

from __future__ import annotations

from simulator.limits import every
from simulator.paths import ROOT

PAGE = ROOT / "docs" / "limits.md"
MARK = "<!-- limits -->\n"


def table() -> str:
    """A row a limit, as Markdown."""
    rows = [f"| {limit.of} | {limit} | {limit.why} |" for limit in every()]
    return "\n".join(["| of | at most | why |", "| --- | --- | --- |", *rows])


if __name__ == "__main__":
    before, after = PAGE.read_text(encoding="utf-8").split(MARK)
    below = after.partition("\n\n")[2]
    PAGE.write_text(f"{before}{MARK}{table()}\n\n{below}", encoding="utf-8")
