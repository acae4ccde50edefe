"""`casesim pack` and `casesim install`: a case with its evidence as one file, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from simulator.authoring.case_pack import PackError, pack_case, packed
from simulator.authoring.pack_install import PackReview, checked_evidence, install_pack, review_pack
from simulator.authoring.pack_reader import parse_pack, read_pack
from simulator.case.load import case_origins, find, load
from simulator.case.pack_manifest import PackManifest
from simulator.cli.exits import Status, UsageError, err, say
from simulator.cli.options import Case
from simulator.evidence.evidence_files import in_one_step
from simulator.units import counted


def pack(
    case: Case,
    out: Annotated[
        Path | None, typer.Option(help="the file to write; default: ID-VERSION.casesim.zip", show_default=False)
    ] = None,
    licence: Annotated[str, typer.Option(help="the licence of the case's own text, such as CC-BY-4.0")] = "",
    also: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="FILE", help="a picture or a text that travels along; may be repeated"),
    ] = None,
) -> None:
    """Write a case, your own evidence that it uses and its test results into one file for `casesim install`."""
    scenario = load(case)
    shipped = case_origins().get(scenario.id)
    if shipped and shipped[0] == "shipped" and find(case).resolve() == shipped[1].resolve():
        raise UsageError(f"'{scenario.id}' comes with CaseSim, so every user has it; pack a case of your own")
    made = pack_case(scenario, licence, also or [])
    file, content = out or Path(f"{scenario.id}-{scenario.version}.casesim.zip"), packed(made)
    checked_evidence(parse_pack(made.name, content))  # as the receiver reads it
    with in_one_step(file) as written:
        written.write_bytes(content)
    if not made.manifest.tests:
        err.print(
            f"no test results travel along: some checks have none of the case as it is now. Run `casesim test {case}` first",
            markup=False,
        )
    say(f"{file}: {counted(len(made.members), 'file')}, {len(content):,} bytes; `casesim install {file}` installs it")


def install(
    pack: Annotated[Path, typer.Argument(help="a file that `casesim pack` has written", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="install without a question")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="let files of the pack take the place of files with other contents")
    ] = False,
) -> None:
    """Show the contents, licences and test results of a pack, ask, then install all of it or nothing."""
    try:
        review = review_pack(read_pack(pack))
    except PackError as error:
        raise PackError(f"{error}; nothing was installed") from error
    _print(review)
    case = review.pack.manifest.id
    if review.refusal:
        raise PackError(f"{pack}: {review.refusal}; nothing was installed")
    if review.is_there:
        say(f"{case}: this pack is installed already")
        return
    if review.replacing and not replace:
        raise UsageError(f"{pack}: would replace {'; '.join(review.replacing)}; --replace does so, nothing was installed")
    if not yes:
        _ask(pack)
    install_pack(review)
    say(f"{case}: installed; `casesim run {case}` runs it, `casesim cases --remove {case}` removes it")


def _ask(pack: Path) -> None:
    """Ask the user, where there is one; raises UsageError where no terminal can answer."""
    if not sys.stdin.isatty():
        raise UsageError(f"{pack}: nothing was installed; --yes installs it")
    if input("Install it? [y/N] ").strip().lower() not in ("y", "yes"):
        say("nothing was installed")
        raise typer.Exit(Status.NO)


def _print(review: PackReview) -> None:
    manifest = review.pack.manifest
    say(f"{manifest.id}, version {manifest.version}: {manifest.title}")
    say(f"case hash {manifest.case_hash}, packed by CaseSim {manifest.casesim}")
    _list("files", [f"{file.name}, {file.bytes:,} bytes" for file in manifest.files])
    _list("licences and sources", [f"{name}: {words}" for name, words in manifest.licences.items()])
    _list("evidence that comes with CaseSim", _shipped(manifest, review.differing))
    counts = ", ".join(f"{count} {outcome}" for outcome, count in manifest.tests.items())
    _list("test results, as the author had them", [counts or "none", *review.failures])
    _list("replaces", review.replacing or ["nothing"])


def _shipped(manifest: PackManifest, differing: list[str]) -> list[str]:
    return differing or [f"{counted(len(manifest.shipped), 'file')}, as the author had them"]


def _list(title: str, lines: list[str]) -> None:
    say(title)
    for line in lines:
        say(f"  {line}")
