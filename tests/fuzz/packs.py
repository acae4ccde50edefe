"""Packs of cases that are taken in: changed bytes, and changed files below a manifest that fits them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random

from simulator.authoring.case_pack import Pack, pack_case, packed
from simulator.authoring.pack_command import review_pack
from simulator.authoring.pack_reader import parse_pack
from simulator.case.load import load
from simulator.errors import InputError
from tests.fuzz.mutate import changed_text
from tests.fuzz.runner import Kind, Refusal, Trial

_WORDS = (b"\x00", b"\xff", b"PK\x05\x06", b"PK\x01\x02", b"../", b"\n" * 500, b"![a](b)", b"9" * 5000, b"[" * 500)


@cache
def _sound() -> Pack:
    return pack_case(load("retry-storm"), "CC-BY-4.0")


def trials(begin: int, count: int) -> Iterator[Trial]:
    """Packs with a change of their bytes, or of a file in them."""
    random = Random(begin)
    for number in range(count):
        content, how = packed(_sound()), ""
        if random.random() < 0.5:
            content, how = changed_text(content, random, _WORDS)
        else:
            content, how = _with_another_file(random)
        yield Trial(f"{number:05d}", {"case.pack": content}, changed=how)


def _with_another_file(random: Random) -> tuple[bytes, str]:
    pack = _sound()
    name = random.choice(sorted(pack.members))
    content, how = changed_text(pack.members[name], random, _WORDS)
    files = [
        file.model_copy(update={"sha256": sha256(content).hexdigest(), "bytes": len(content)}) if file.name == name else file
        for file in pack.manifest.files
    ]
    manifest = pack.manifest.model_copy(update={"files": files})
    return packed(replace(pack, manifest=manifest, members={**pack.members, name: content})), f"{name}: {how}"


def attempt(trial: Trial, folder: Path) -> Refusal | None:
    """Read the pack and check it whole, as before its installation."""
    try:
        review = review_pack(parse_pack("case.pack", (folder / "case.pack").read_bytes()))
    except InputError as error:
        return Refusal(str(error), "case.pack" in str(error) or "retry-storm" in str(error))
    assert review.pack.manifest.id == "retry-storm"
    assert all(isinstance(sentence, str) for sentence in [*review.failures, *review.replacing])
    return None


KIND = Kind("packs", 500, trials, attempt, prepare=_sound)
