"""Write docs/command.md from the command itself: python -m tests.command_page, or `make docs`."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.cli import get_docs_for_click
from typer.core import TyperGroup

from simulator.cli import commands as APP  # noqa: N812

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "command.md"

INTRODUCTION = """\
# The command

`make docs` writes this page from the command's own help; `casesim COMMAND --help` prints the help in a terminal.

CASE is the id of a case that comes with CaseSim, or the path of a YAML file. `--json` prints JSON and nothing else on standard
output; messages go to standard error. Repeat an option that takes several values: `--set replicas=2 --set precision=int8`.

`casesim run --json` lists under `claims` each statement about the run, as a record: its subject, relation, value, interval
(`low`, `high`), unit, population and evidence, the evidence that would decide it where it is open, and the words that every
page prints. With `--against`, the list holds the differences too. `levers`, `best`, `capacity` and `breakeven` have such a
list.

On a terminal, `run` prints a page of at most 24 lines; `--all` prints every figure, reason and note. A program or a file
that takes the output gets columns as wide as their content, sentences in lines of at most 100 columns with `--all`, and no
colours.

| exit status | meaning |
| --- | --- |
| 0 | done |
| 1 | the answer is no: `--strict` and an objective not met, a fault found by `check`, a difference by `monitor` or `evidence` |
| 2 | wrong use or wrong input |
| 70 | a bug in CaseSim; `CASESIM_DEBUG=1` in the environment prints the place |
| 74 | standard output or a file takes no more, as on a full disk |
| 130 | interrupted |
| 141 | the program that read standard output has gone |
| 143 | asked to end |

A command that a signal stops prints one line on standard error: what it keeps, and how to go on.

Some commands need an extra, which `pip install 'casesim[EXTRA]'` adds:

| extra | for |
| --- | --- |
| `author` | `lsp` |
| `measure` | your own ONNX files: `profile --onnx`, `detect-eval --onnx` |
| `zoo` | the networks of CaseSim: `profile`, `scores train` |
| `tracking` | following objects from frame to frame: `profile --model step_track` |
| `fidelity` | `fidelity` |
| `lab` | `lab`, the data lab; `make` installs it |
| `monitors` | the tests ADWIN and Page-Hinkley of `monitor` |
| `tradeoffs` | `best`, `sensitivity`; `make` installs it |
| `cluster` | `--scheduler` |
| `fast` | compiled loops of runs, by numba; `make` installs it, and without it the figures are the same |
| `pictures` | `--chart` as SVG or PNG |
| `postgres` | `serve` with a PostgreSQL database in `CASESIM_DATABASE` |
"""


def page() -> str:
    """Return the page as Markdown, whatever the terminal's width and colours."""
    group = whole()
    with group.make_context("casesim", [], resilient_parsing=True) as context:
        commands = get_docs_for_click(obj=group, ctx=context, name="casesim", indent=1)
    # A default folder is shown from the repository's root, wherever that lies.
    return f"{INTRODUCTION}\n{commands.strip()}\n".replace(f"{ROOT}/", "")


def whole() -> TyperGroup:
    """Return the command with every command loaded."""
    app = typer.Typer(add_completion=False)
    app.callback(invoke_without_command=True)(APP.casesim)
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name in APP.COMMANDS:
        command = APP.loaded(name)
        command.name = name
        group.add_command(command)
    _list_whole_sentences(group)
    return group


def _list_whole_sentences(group: TyperGroup) -> None:
    """Let the list of a group's commands show each first sentence whole; typer would cut it at 45 characters."""
    for command in group.commands.values():
        command.short_help = (command.help or "").partition("\n\n")[0].replace("\n", " ")
        if isinstance(command, TyperGroup):
            _list_whole_sentences(command)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
