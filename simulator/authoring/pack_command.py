"""`casesim pack` and `casesim install`: a case with its evidence as one file, and back: checked, reviewed, then written."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from simulator.authoring.case_pack import (
    EvidenceScope,
    Pack,
    PackError,
    licences_of,
    pack_case,
    packed,
    result_counts,
    results_in,
    used_evidence,
)
from simulator.authoring.pack_reader import parse_pack, read_pack
from simulator.case.document import ScenarioError
from simulator.case.installed_packs import (
    OWN_TEXT,
    PROFILES,
    SCORES,
    PackManifest,
    manifest_file,
    manifest_of_installed,
    names_of_case,
)
from simulator.case.load import CASES, case_file, case_origins, find, installed_cases, load
from simulator.case.schema import Scenario
from simulator.cli.exits import Status, UsageError, err, say
from simulator.cli.options import Case
from simulator.engine.compiled_plan import case_hash
from simulator.engine.run import ENGINE_VERSION
from simulator.errors import InputError, shortened
from simulator.evidence import profiles, score_tables
from simulator.evidence.evidence_files import changing, in_one_step, root_above, staging
from simulator.files import make_folders
from simulator.limits import FAULTS_SHOWN, INSTALLED_CASES
from simulator.paths import INSTALLED
from simulator.phrases import phrase
from simulator.units import counted

#: The name of the evidence beside a case begins so in a plan.
_OF_PACK = (f"{SCORES}/", f"{PROFILES}/")


@dataclass(frozen=True)
class PackReview:
    """Effects of installing a pack, before anything is written.

    differing: sentences on evidence of this CaseSim that differs from the author's
    replaced: files with the name but not the content of one of the pack, each with a sentence on it and the cases that use it
    refusal: a sentence on why the pack cannot be installed at all
    before: the manifest of the installed case of this id
    """

    pack: Pack
    differing: list[str]
    replaced: dict[Path, str]
    refusal: str | None
    before: PackManifest | None
    is_installed: bool

    @property
    def is_there(self) -> bool:
        """Return whether exactly this pack is installed."""
        return self.is_installed and self.before == self.pack.manifest and not self.replaced

    @property
    def failures(self) -> list[str]:
        """Sentences on the tests that failed, by the results in the pack."""
        results = results_in(self.pack.manifest.id, self.pack.members)
        return [f"{result.outcome}: {result.check}: {result.subject}: {result.says}" for result in results if result.failed][
            : FAULTS_SHOWN.most
        ]

    @property
    def replacing(self) -> list[str]:
        """Sentences on what installing the pack replaces."""
        other = self.is_installed and self.before != self.pack.manifest
        version = f"version {self.before.version}" if self.before else "an unknown version"
        own = [f"the installed case '{self.pack.manifest.id}', {version}"] if other else []
        return [*own, *self.replaced.values()]


def review_pack(pack: Pack) -> PackReview:
    """Check a pack whole, as the checker checks a case, and return the effects of installing it. Raises PackError."""
    used = checked_evidence(pack)
    manifest = pack.manifest
    here = {name: found for name, found in used.items() if name.startswith(_OF_PACK) and name not in pack.members}
    here |= {name: found for name, found in used.items() if not name.startswith((*_OF_PACK, "scenario/"))}
    differing: list[str] = [
        phrase("packs.other_file", name=name)
        for name in sorted(here.keys() | manifest.shipped.keys())
        if here.get(name) != manifest.shipped.get(name)
    ]
    if manifest.engine != ENGINE_VERSION:
        differing.append(phrase("packs.other_engine", here=ENGINE_VERSION, there=manifest.engine))
    there = installed_cases()
    return PackReview(
        pack,
        differing,
        dict(_replacements(pack)),
        _refusal(pack, there),
        manifest_of_installed(manifest.id),
        manifest.id in there,
    )


def checked_evidence(pack: Pack) -> dict[str, str]:
    """Return the evidence that the case of a pack uses, by name; raises PackError for the first fault of its files."""
    with _unpacked(pack) as folder:
        scenario = load(folder / case_file(pack.manifest.id))
        used = used_evidence(scenario)
        for fault in _faults(pack, scenario, used, folder):
            raise PackError(fault)
    return used


@contextmanager
def _unpacked(pack: Pack) -> Iterator[Path]:
    """Yield a temporary folder with the files of a pack, where evidence is looked for first.

    Errors of the body name the pack instead of the folder.
    """
    with TemporaryDirectory(prefix="casesim-") as name:
        folder = Path(name).resolve()
        for member, content in pack.members.items():
            make_folders((folder / member).parent)
            (folder / member).write_bytes(content)
        try:
            with staging(folder):
                yield folder
        except (ScenarioError, InputError) as error:
            faults = error.faults if isinstance(error, ScenarioError) else [error]
            more = f" (the first of {len(faults)} faults)" if len(faults) > 1 else ""
            first = str(faults[0]).replace(f"{folder}/", "").replace(str(folder), pack.name)
            raise PackError(f"{pack.name}: {shortened(first, 600)}{more}") from error


def _faults(pack: Pack, scenario: Scenario, used: dict[str, str], folder: Path) -> Iterator[str]:
    """Yield what the manifest says otherwise than the files, and files that the case does not use."""
    manifest, scope = pack.manifest, EvidenceScope(used)
    for field in ("id", "version", "title"):
        if (ours := getattr(scenario, field)) != (stated := getattr(manifest, field)):
            yield phrase("packs.field", field=field, stated=repr(shortened(str(stated))), ours=repr(shortened(str(ours))))
    if case_hash(scenario) != manifest.case_hash:
        yield phrase("packs.hash", ours=case_hash(scenario), stated=manifest.case_hash)
    for name in pack.members:
        if name.startswith(_OF_PACK) and not scope.holds(name):
            yield phrase("packs.unused", name=name)
        beside = name.removeprefix(f"{CASES}/{manifest.id}/")
        if name.endswith((".csv", ".parquet")) and name.startswith(CASES) and f"scenario/{beside}" not in used:
            yield phrase("packs.unused", name=name)
        if fault := _evidence_fault(name, folder):
            yield fault
    licences = {name: words for name, words in manifest.licences.items() if name != OWN_TEXT}
    if licences != licences_of(scenario, pack.members):
        yield phrase("packs.licences")
    if manifest.tests != result_counts(manifest.id, pack.members):
        yield phrase("packs.results")


def _evidence_fault(name: str, folder: Path) -> str | None:
    """Return a fault of a score table or profile, also of those that only some combination of picks uses."""
    path = folder / name
    if name.startswith(f"{SCORES}/"):
        if path.suffix == ".csv" and not path.with_suffix(".yaml").is_file():
            return phrase("packs.sidecar", name=name, sidecar=path.with_suffix(".yaml").name)
        score_tables.load_scores(path.stem, folder / SCORES)
    if name.startswith(f"{PROFILES}/"):
        key = profiles.read_profile(path).key
        if name != f"{PROFILES}/{key}.json":
            return phrase("packs.profile", name=name, profile=key, folder=PROFILES)
    return None


def _refusal(pack: Pack, there: dict[str, Path]) -> str | None:
    """Return why a pack cannot be installed even with consent to replace files."""
    manifest = pack.manifest
    origin, file = case_origins().get(manifest.id, (None, None))
    if origin == "shipped":
        return phrase("packs.shipped_case", case=manifest.id)
    if origin == "own":
        return phrase("packs.own_case", case=manifest.id, file=str(file))
    if manifest.id not in there and len(there) >= INSTALLED_CASES.most:
        return phrase("packs.most", most=str(INSTALLED_CASES))
    for _, name, (shipped, *_), content in _evidence_in(pack):
        if (shipped / name).is_file() and (shipped / name).read_bytes() != content:
            return phrase("packs.shipped_name", name=name)
    return None


def _evidence_in(pack: Pack) -> Iterator[tuple[str, str, Sequence[Path], bytes]]:
    """Yield each score table and profile: its place in the pack, its name, the folders of its kind, and its content."""
    for member, content in pack.members.items():
        kind, _, name = member.partition("/")
        if kind in (SCORES, PROFILES):
            yield member, name, score_tables.FOLDERS if kind == SCORES else profiles.FOLDERS, content


def _replacements(pack: Pack) -> Iterator[tuple[Path, str]]:
    """Yield the user's own evidence, and that of other installed cases, with the name but not the content of a member."""
    for member, name, (_, *own), content in _evidence_in(pack):
        for path in (folder / name for folder in own):
            if path.is_file() and path.read_bytes() != content and not _is_of_case_alone(path, member, pack):
                users = _users(member, pack) if path.is_relative_to(INSTALLED) else []
                yield path, phrase("packs.replaced", path=str(path), users=users)


def _is_of_case_alone(path: Path, member: str, pack: Pack) -> bool:
    """Return whether a file came with an earlier version of the case, and no other installed case uses it."""
    return path.is_relative_to(INSTALLED) and member in names_of_case(pack.manifest.id)


def _users(member: str, pack: Pack) -> list[str]:
    others = [(case, manifest_of_installed(case)) for case in installed_cases() if case != pack.manifest.id]
    return [case for case, manifest in others if manifest and member in manifest.names]


def install_pack(review: PackReview) -> None:
    """Write the files of a pack that was reviewed, all of them or none. Raises PackError."""
    pack, case = review.pack, review.pack.manifest.id
    with ExitStack() as stack:
        for root, paths in _own_files(review).items():
            own = stack.enter_context(changing(root))
            for path in paths:
                own.remove(path)
        change = stack.enter_context(changing(INSTALLED))
        for name in names_of_case(case) - pack.members.keys() if review.is_installed else ():
            if (INSTALLED / name).is_file():
                change.remove(INSTALLED / name)
        for name, content in pack.members.items():
            change.write(INSTALLED / name, content)
        change.write(INSTALLED / manifest_file(case), f"{pack.manifest.model_dump_json(indent=1)}\n".encode())


def _own_files(review: PackReview) -> dict[Path, set[Path]]:
    """Return the user's own files that go, by the folder of their manifest: of a score table both files."""
    found: dict[Path, set[Path]] = {}
    for path in review.replaced:
        if not path.is_relative_to(INSTALLED):
            parts = {path, *(path.with_suffix(ending) for ending in (".csv", ".yaml") if path.suffix != ".json")}
            found.setdefault(root_above(path) or path.parent, set()).update(part for part in parts if part.is_file())
    return found


@dataclass(frozen=True)
class PackCommand:
    """Write a case, your own evidence that it uses and its test results into one file for `casesim install`."""

    case: Case
    out: Annotated[Path | None, typer.Option(help="the file to write; default: ID-VERSION.casesim.zip", show_default=False)] = (
        None
    )
    licence: Annotated[str, "the licence of the case's own text, such as CC-BY-4.0"] = ""
    also: Annotated[
        list[Path] | None,
        "--with FILE",
        "a picture or a text that travels along; may be repeated",
    ] = None

    def run(self) -> None:
        scenario = load(self.case)
        shipped = case_origins().get(scenario.id)
        if shipped and shipped[0] == "shipped" and find(self.case).resolve() == shipped[1].resolve():
            raise UsageError(f"'{scenario.id}' comes with CaseSim, so every user has it; pack a case of your own")
        made = pack_case(scenario, self.licence, self.also or [])
        file, content = self.out or Path(f"{scenario.id}-{scenario.version}.casesim.zip"), packed(made)
        checked_evidence(parse_pack(made.name, content))  # as the receiver reads it
        with in_one_step(file) as written:
            written.write_bytes(content)
        if not made.manifest.tests:
            lacking = "no test results travel along: some checks have none of the case as it is now"
            err.print(f"{lacking}. Run `casesim test {self.case}` first", markup=False)
        say(f"{file}: {counted(len(made.members), 'file')}, {len(content):,} bytes; `casesim install {file}` installs it")


@dataclass(frozen=True)
class InstallCommand:
    """Show the contents, licences and test results of a pack, ask, then install all of it or nothing."""

    pack: Annotated[Path, "a file that `casesim pack` has written"]
    yes: Annotated[bool, "install without a question"] = False
    replace: Annotated[bool, "let files of the pack take the place of files with other contents"] = False

    def run(self) -> None:
        try:
            review = review_pack(read_pack(self.pack))
        except PackError as error:
            raise PackError(f"{error}; nothing was installed") from error
        _print(review)
        case = review.pack.manifest.id
        if review.refusal:
            raise PackError(f"{self.pack}: {review.refusal}; nothing was installed")
        if review.is_there:
            say(f"{case}: this pack is installed already")
            return
        if review.replacing and not self.replace:
            what = "; ".join(review.replacing)
            raise UsageError(f"{self.pack}: would replace {what}; --replace does so, nothing was installed")
        if not self.yes:
            _ask(self.pack)
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
    alike = phrase("packs.alike", files=len(manifest.shipped))
    _list("evidence that comes with CaseSim", review.differing or [alike])
    counts = ", ".join(f"{count} {outcome}" for outcome, count in manifest.tests.items())
    _list("test results, as the author had them", [counts or "none", *review.failures])
    _list("replaces", review.replacing or ["nothing"])


def _list(title: str, lines: list[str]) -> None:
    say(title)
    for line in lines:
        say(f"  {line}")
