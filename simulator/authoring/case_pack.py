"""A pack: one zip with a case, the evidence of its author's own that it uses, its test results, and a manifest of all.

Evidence that comes with CaseSim is not copied: the manifest names it with its hash. Equal contents give equal bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import ValidationError

from simulator.authoring.case_test import run_checks
from simulator.authoring.check_results import RESULTS, CheckResult, KeptResults, placed
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.designs import one_by_one
from simulator.case.installed_packs import (
    OWN_TEXT,
    PACK_MANIFEST,
    PROFILES,
    SCORES,
    PackedFile,
    PackManifest,
    results_file,
)
from simulator.case.load import CASES, case_file
from simulator.case.phases import readable_references
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.engine.plan import compile_plan
from simulator.engine.run import ENGINE_VERSION
from simulator.errors import InputError
from simulator.evidence import profiles, score_tables
from simulator.evidence.evidence_files import content_hash, read_evidence
from simulator.evidence.score_tables import Measured
from simulator.files import read_within
from simulator.limits import CASE_FILE, EVIDENCE_FILE

#: Endings of pictures and texts that a pack may carry beside the files that the case uses.
PICTURES, TEXTS = (".webp", ".png", ".jpg"), (".md", ".txt")

#: The time and the rights of every file in a pack, so that equal contents give equal bytes.
_LONG_AGO, _PLAIN_FILE = (1980, 1, 1, 0, 0, 0), 0o100644 << 16

#: The prefix of names in a plan's evidence for files beside the case.
_BESIDE = "scenario"

_NOT_GIVEN = "not given"


class PackError(InputError):
    """A pack cannot be written, read or installed; the message names it, the fault, and often what would be right."""


@dataclass(frozen=True)
class Pack:
    """A pack as it was read or made. name: of its file, for messages; members: the content of each file by its name."""

    name: str
    manifest: PackManifest
    members: Mapping[str, bytes]


def used_evidence(scenario: Scenario) -> dict[str, str]:
    """Return the evidence of a case by name, with the hashes that runs note: of each option, reference and claim."""
    found: dict[str, str] = {}
    for picks in [*one_by_one(scenario), *readable_references(scenario)]:
        found |= compile_plan(scenario, picks).evidence
    for claim in scenario.claims:
        for reading in filter(None, (claim.scores, claim.against_scores)):
            found |= _hashes(score_tables.score_files(reading.table))
        for timed in filter(None, (claim.profile, claim.against_profile)):
            found |= _hashes(profiles.profile_files(timed.device, [timed.model], timed.precision))
    return dict(sorted(found.items()))


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: content_hash(path) for name, path in files.items()}


class EvidenceScope:
    """The score tables and profiles that a case may use: picks combine the models, devices and precisions of its options."""

    def __init__(self, used: Iterable[str]) -> None:
        self._models = {_table(name) for name in used if name.startswith(f"{SCORES}/")}
        of_profiles = [_profile(name) for name in used if name.startswith(f"{PROFILES}/")]
        self._profiles = [{parts[place] for parts in of_profiles} for place in range(3)]

    def holds(self, name: str) -> bool:
        """Return whether the case may use the score table or profile of this name."""
        if name.startswith(f"{SCORES}/"):
            return _table(name) in self._models
        return all(part in known for part, known in zip(_profile(name), self._profiles, strict=True))


def _table(name: str) -> str:
    """Return the data and the model of a score table, without its precision."""
    return PurePosixPath(name).stem.rpartition(".")[0]


def _profile(name: str) -> tuple[str, str, str]:
    """Return device, model and precision of a profile."""
    path = PurePosixPath(name)
    model, _, precision = path.stem.rpartition(".")
    return path.parent.name, model, precision


def pack_case(scenario: Scenario, licence: str = "", also: Iterable[Path] = ()) -> Pack:
    """Return the pack of a case.

    licence: of the case's own text; also: pictures and texts that travel along
    Raises PackError, and ScenarioError for a case that cannot run.
    """
    file, used = Path(scenario.document.file), used_evidence(scenario)
    members = {case_file(scenario.id): read_within(file, EVIDENCE_FILE)}
    for name in used:
        if name.startswith(f"{_BESIDE}/"):
            beside = name.removeprefix(f"{_BESIDE}/")
            members[f"{CASES}/{scenario.id}/{beside}"] = read_within(file.parent / beside, EVIDENCE_FILE)
    own = _own_evidence(EvidenceScope(used))
    members |= {name: read_evidence(path) for name, path in own.items()}
    members |= _along(scenario.id, also)
    if results := _results_now(scenario, file.with_name(f"{file.stem}.tests.json")):
        members[results_file(scenario.id)] = RESULTS.dump_json(results, indent=1) + b"\n"
    shipped = {name: found for name, found in used.items() if name not in own and not name.startswith(f"{_BESIDE}/")}
    manifest = PackManifest(
        id=scenario.id,
        version=scenario.version,
        title=scenario.title,
        case_hash=case_hash(scenario),
        casesim=version("casesim"),
        engine=ENGINE_VERSION,
        files=[_entry(name, content) for name, content in sorted(members.items())],
        shipped=shipped,
        licences={OWN_TEXT: licence or _NOT_GIVEN} | licences_of(scenario, members),
        tests=result_counts(scenario.id, members),
    )
    return Pack(f"the pack of {scenario.id}", manifest, dict(sorted(members.items())))


def _entry(name: str, content: bytes) -> PackedFile:
    return PackedFile(name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def _own_evidence(scope: EvidenceScope) -> dict[str, Path]:
    """Return the author's own score tables and profiles in the scope by their names in a pack."""
    found: dict[str, Path] = {}
    for kind, (shipped, *own), pattern in (
        (SCORES, score_tables.FOLDERS, "*"),
        (PROFILES, profiles.FOLDERS, "*/*.json"),
    ):
        for folder in own:
            for path in sorted(folder.glob(pattern)):
                inside = path.relative_to(folder)
                name = f"{kind}/{inside.as_posix()}"
                if path.suffix in (".csv", ".yaml", ".json") and scope.holds(name) and not (shipped / inside).exists():
                    found.setdefault(name, path)
    return found


def _along(case: str, files: Iterable[Path]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file in files:
        if file.suffix not in (*PICTURES, *TEXTS):
            raise PackError(f"{file}: only pictures and texts travel along: {', '.join((*PICTURES, *TEXTS))}")
        found[f"{CASES}/{case}/{file.name}"] = read_within(file, EVIDENCE_FILE)
    return found


def licences_of(scenario: Scenario, members: Mapping[str, bytes]) -> dict[str, str]:
    """Return what the files of a pack say about their origin and licence, by the name of the file."""
    found = {f"{CASES}/{scenario.id}/{file}": source for file, source in _sources_of_files(scenario)}
    for name, content in members.items():
        path = Path(name)
        if name.startswith(f"{SCORES}/") and path.suffix == ".yaml":
            about = score_tables.parse_sidecar(path, content)
            found[name] = f"{about.attribution}; {about.source}" if isinstance(about, Measured) else about.source
        if name.startswith(f"{PROFILES}/"):
            made = profiles.Profile.model_validate_json(content).provenance
            found[name] = f"measured on {made.processor}, {made.date}; weights: {made.weights}"
    return {name: words[:2000] for name, words in sorted(found.items()) if name in members}


def _sources_of_files(model: Any) -> Iterator[tuple[str, str]]:
    """Yield each file that a field below a model names, with the source beside it."""
    if isinstance(model, dict):
        model = list(model.values())
    if isinstance(model, list):
        for entry in model:
            yield from _sources_of_files(entry)
    elif hasattr(type(model), "model_fields"):
        file, source = getattr(model, "file", None), getattr(model, "source", None)
        if isinstance(file, str) and isinstance(source, str):
            yield file, source
        for name in type(model).model_fields:
            yield from _sources_of_files(getattr(model, name))


def _results_now(scenario: Scenario, beside: Path) -> dict[str, list[CheckResult]]:
    """Return the kept test results of the case as it is now: those of `casesim test`, and those of a file beside the case.

    None where a check has no result: a part of them would look like a tested case.
    """
    known = KeptResults(scenario).known
    if beside.is_file():
        known |= _parsed_results(str(beside), read_within(beside, CASE_FILE))
    keys = [check.key for check in run_checks(scenario, DesignRunner(scenario, _no_run))]
    if not known.keys() >= set(keys):
        return {}
    return {key: placed(scenario, known[key]) for key in sorted(keys)}


def _no_run(*_: Any) -> Any:
    raise AssertionError("keys of checks are known without a run")


def _parsed_results(name: str, content: bytes) -> dict[str, list[CheckResult]]:
    try:
        return RESULTS.validate_json(content)
    except ValidationError as error:
        raise PackError(f"{name}: holds no test results; `casesim test --keep FILE` writes them") from error


def results_in(case: str, members: Mapping[str, bytes]) -> list[CheckResult]:
    """Return the test results in a pack; raises PackError where its file holds none."""
    content, name = members.get(results_file(case)), results_file(case)
    return list(chain.from_iterable(_parsed_results(name, content).values())) if content is not None else []


def result_counts(case: str, members: Mapping[str, bytes]) -> dict[str, int]:
    """Return the numbers of test results by outcome."""
    return dict(sorted(Counter(result.outcome for result in results_in(case, members)).items()))


def packed(pack: Pack) -> bytes:
    """Return a pack as the bytes of its file."""
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        manifest = f"{pack.manifest.model_dump_json(indent=1)}\n".encode()
        for name, content in [(PACK_MANIFEST, manifest), *pack.members.items()]:
            info = ZipInfo(name, _LONG_AGO)
            info.create_system, info.external_attr, info.compress_type = 3, _PLAIN_FILE, ZIP_DEFLATED
            archive.writestr(info, content)
    return stream.getvalue()
