"""Packs for tests: an author's case with evidence of its own, folders of an author and of a receiver, and hostile packs."""

from __future__ import annotations

import json
import stat
import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import pytest

from simulator.authoring.case_pack import Pack, _entry, packed
from simulator.evidence.profiles import Calls, Profile, Provenance, ThreadRun, write_profile
from tests.case.texts import SMALL

#: Rows of a log beside the case.
TIMES = "\n".join(["at_s", *(str(10 * row + 1) for row in range(80))])

CASE = (
    SMALL.replace("id: small", "id: parcels")
    .replace("model: tiny", "model: net")
    .replace("scores: tiny", "scores: mine.net")
    .replace(
        "  kind: poisson\n  rate_per_s: {value: 0.1, assumed: a test}",
        "  kind: replay\n  file: log/times.csv\n  column: at_s\n  source: the author's log",
    )
)
FILE = "cases/parcels/parcels.yaml"

SIDECAR = """\
kind: measured
model: net
precision: fp32
dataset: mine
head: none
items: 60
positives: 30
patients: 60
source: the author's photos
attribution: The author, CC-BY-4.0
date: "2026-01-01"
"""


def table(seed: int = 0) -> str:
    """Return the rows of a score table of 60 items."""
    rng = np.random.default_rng(seed)
    scores = [rng.beta(3, 2) if item % 2 else rng.beta(2, 3) for item in range(60)]
    rows = [f"i{item},p{item},{item % 2},{score:.4f}" for item, score in enumerate(scores)]
    return "\n".join(["item,patient,label,score", *rows])


def net(precision: str = "fp32") -> Profile:
    """Return a profile of the author's network."""
    about = Provenance(processor="none", cores=2, system="none", libraries={}, date="2026-01-01", weights="own")
    calls = [Calls(batch=size, latency_ms=[10.0 * size] * 9, idle_ms=[0.0] * 9) for size in (1, 2, 4)]
    run = ThreadRun(threads=1, session_s=[0.1], resident_mb=1, calls=calls)
    key = {"model": "net", "precision": precision, "device": "epyc-zen4-2c"}
    return Profile(**key, input_shape=[3, 8, 8], provenance=about, runs=[run])


def move_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use the folders of another user: his own evidence and his installed cases lie below `home`."""
    shipped, installed = home.parent / "shipped", home / "installed"
    for module, kind in (("profiles", "profiles"), ("score_tables", "scores")):
        folders = (shipped / kind, home / kind, installed / kind)
        monkeypatch.setattr(f"simulator.evidence.{module}.FOLDERS", folders)
    for module in ("case.load", "case.installed_packs", "authoring.pack_command", "evidence.score_import"):
        monkeypatch.setattr(f"simulator.{module}.INSTALLED", installed)
    monkeypatch.setattr("simulator.authoring.check_results.OWN_TESTED", home / "tested")
    return installed


def write_case(folder: Path, home: Path) -> Path:
    """Write the author's case, the log beside it, and the score table and profiles of its own; return the case's file."""
    (folder / "log").mkdir(parents=True)
    (folder / "log" / "times.csv").write_text(TIMES, encoding="utf-8")
    (folder / "parcels.yaml").write_text(CASE, encoding="utf-8")
    write_table(home / "scores")
    write_profile(net(), home / "profiles")
    return folder / "parcels.yaml"


def write_table(folder: Path, seed: int = 0, name: str = "mine.net.fp32") -> None:
    """Write a score table with its sidecar."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(SIDECAR, encoding="utf-8")
    (folder / f"{name}.csv").write_text(table(seed), encoding="utf-8")


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder, without locks."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


# ---- hostile packs: each is made from a sound one

Hostile = Callable[[Pack], bytes]
Entries = list[tuple[str, bytes]]


def entries_of(pack: Pack) -> Entries:
    with ZipFile(BytesIO(packed(pack))) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


def zipped(entries: Entries, spoil: Callable[[ZipFile, list[ZipInfo]], None] | None = None, **info: Any) -> bytes:
    """Return a zip of these entries; spoil: changes it before its directory is written; info: of the last entry."""
    stream = BytesIO()
    with pytest.warns(UserWarning) if _doubled(entries) else _quiet(), ZipFile(stream, "w") as archive:
        for place, (name, content) in enumerate(entries):
            entry = ZipInfo("x", (1980, 1, 1, 0, 0, 0))
            entry.filename, entry.compress_type = name, ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            for key, value in info.items() if place == len(entries) - 1 else ():
                setattr(entry, key, value)
            archive.writestr(entry, content)
        if spoil:
            spoil(archive, archive.filelist)
    return stream.getvalue()


class _quiet:  # noqa: N801
    """Expects nothing."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def _doubled(entries: Entries) -> bool:
    return len({name for name, _ in entries}) < len(entries)


def added(name: str, content: bytes = b"a,b\n1,2\n", **info: Any) -> Hostile:
    """Return a maker of packs with one more file, which the manifest lists."""

    def make(pack: Pack) -> bytes:
        described = listing(pack, {**pack.members, name: content}, only=False)
        return zipped([*entries_of(described), (name, content)], **info)

    return make


def listing(pack: Pack, members: Mapping[str, bytes], only: bool = True, **changes: Any) -> Pack:
    """Return a pack whose manifest lists these files; only: it holds them, too."""
    files = [_entry("x", content).model_copy(update={"name": name}) for name, content in members.items()]
    manifest = pack.manifest.model_copy(update={"files": files, **changes})
    return Pack(pack.name, manifest, members if only else pack.members)


def changed(members: Mapping[str, Any] | None = None, **manifest: Any) -> Hostile:
    """Return a maker of packs with other contents, which the manifest lists, and with another manifest."""

    def make(pack: Pack) -> bytes:
        every = {**pack.members, **(members or {})}
        contents = {name: found if isinstance(found, bytes) else found(pack.members[name]) for name, found in every.items()}
        return packed(listing(pack, contents, **manifest))

    return make


def replaced(old: bytes, new: bytes, name: str = FILE) -> Hostile:
    """Return a maker of packs whose case, or another file, says something else."""

    def other(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new)

    return changed({name: other})


def spoilt(spoil: Callable[[ZipFile, list[ZipInfo]], None]) -> Hostile:
    return lambda pack: zipped(entries_of(pack), spoil)


def described(change: Callable[[dict[str, Any]], object]) -> Hostile:
    """Return a maker of packs whose manifest is changed as JSON."""

    def make(pack: Pack) -> bytes:
        (name, content), *others = entries_of(pack)
        data = json.loads(content)
        change(data)
        return zipped([(name, json.dumps(data).encode()), *others])

    return make


def manifested(content: bytes) -> Hostile:
    return lambda pack: zipped([("manifest.json", content), *entries_of(pack)[1:]])


def _info(**values: Any) -> Callable[[ZipFile, list[ZipInfo]], None]:
    def spoil(_: ZipFile, infos: list[ZipInfo]) -> None:
        for name, value in values.items():
            setattr(infos[-1], name, value)

    return spoil


def _comment(archive: ZipFile, _: list[ZipInfo]) -> None:
    archive.comment = b"#!/bin/sh"


def _gap(archive: ZipFile, _: list[ZipInfo]) -> None:
    assert archive.fp is not None
    archive.fp.seek(archive.start_dir)
    archive.fp.write(b"hidden")
    archive.start_dir = archive.fp.tell()


def _overlap(_: ZipFile, infos: list[ZipInfo]) -> None:
    infos[-1].header_offset = infos[-2].header_offset


def _huge(_: ZipFile, infos: list[ZipInfo]) -> None:
    for info in infos[-3:]:
        info.file_size, info.compress_size = 60 * 1024**2, 1024**2


def _end(place: int, value: int) -> Hostile:
    """Return a maker of packs with another number in the end record."""

    def make(pack: Pack) -> bytes:
        content = packed(pack)
        fields = list(struct.unpack("<4s4H2LH", content[-22:]))
        fields[place] = value
        return content[:-22] + struct.pack("<4s4H2LH", *fields)

    return make


def _many(pack: Pack) -> bytes:
    return zipped([*entries_of(pack), *((f"cases/parcels/{number}.txt", b"") for number in range(201))])


def _mode(kind: int) -> dict[str, Any]:
    return {"external_attr": (kind | 0o777) << 16}


def _declared(declared: bytes, hidden: bytes = b"") -> Hostile:
    """Return a maker of packs whose last file unpacks to more than it declares, or has bytes behind its packed content."""

    def make(pack: Pack) -> bytes:
        name, content = f"{BESIDE}/notes.txt", b"0123456789" * 20
        shown = declared or content
        deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
        stored = deflate.compress(content) + deflate.flush() + hidden

        def spoil(_: ZipFile, infos: list[ZipInfo]) -> None:
            infos[-1].compress_type, infos[-1].file_size, infos[-1].CRC = ZIP_DEFLATED, len(shown), zlib.crc32(shown)

        described = listing(pack, {**pack.members, name: shown}, only=False)
        whole = zipped([*entries_of(described), (name, stored)], spoil, compress_type=ZIP_STORED)
        head = whole.rindex(b"PK\x03\x04", 0, whole.rindex(stored))
        sizes = struct.pack("<3L", zlib.crc32(shown), len(stored), len(shown))
        return whole[: head + 8] + struct.pack("<H", ZIP_DEFLATED) + whole[head + 10 : head + 14] + sizes + whole[head + 26 :]

    return make


BESIDE = "cases/parcels"

HOSTILE: dict[str, Hostile] = {
    # names
    "absolute": added("/etc/cron.csv"),
    "parent": added("../evil.csv"),
    "deep parent": added("cases/parcels/../../../evil.csv"),
    "backslashes": added("..\\..\\evil.csv"),
    "drive": added("C:/evil.csv"),
    "home": added("~/evil.csv"),
    "share": added("//server/evil.csv"),
    "NUL in a name": added(f"{BESIDE}/a.csv\0.py"),
    "long name": added(f"{BESIDE}/{'a' * 200}.csv"),
    "many folders": added("/".join("abcdefghij" * 10) + "/a.csv"),
    "no ASCII": added(f"{BESIDE}/gr\u00f6sse.csv"),
    "one name in two normal forms": lambda pack: zipped(
        [*entries_of(pack), (f"{BESIDE}/\u00e9.csv", b"a"), (f"{BESIDE}/e\u0301.csv", b"b")]
    ),
    "names that differ by case": lambda pack: zipped([*entries_of(pack), (FILE.replace("parcels.y", "Parcels.y"), b"a: 1")]),
    "twice": lambda pack: zipped([*entries_of(pack), (FILE, b"a: 1")]),
    "two manifests": lambda pack: zipped([*entries_of(pack), ("manifest.json", b"{}")]),
    "device of Windows": added(f"{BESIDE}/nul.csv"),
    "dot at the end": added(f"{BESIDE}/a.csv."),
    "space": added(f"{BESIDE}/a b.csv"),
    "escape": added(f"{BESIDE}/\x1b[2J.csv"),
    "right to left": added(f"{BESIDE}/\u202evsc.csv"),
    "hidden": added(f"{BESIDE}/.profile.txt"),
    "folder": added(f"{BESIDE}/log2/"),
    "no name": added(""),
    "two slashes": added("cases//parcels/a.csv"),
    "dot": added("./cases/parcels/a.csv"),
    "file and folder": added(f"{FILE}/a.csv"),
    # kinds
    "link": added(f"{BESIDE}/a.csv", b"/etc/passwd", **_mode(stat.S_IFLNK)),
    "character device": added(f"{BESIDE}/a.csv", **_mode(stat.S_IFCHR)),
    "block device": added(f"{BESIDE}/a.csv", **_mode(stat.S_IFBLK)),
    "pipe": added(f"{BESIDE}/a.csv", **_mode(stat.S_IFIFO)),
    "socket": added(f"{BESIDE}/a.csv", **_mode(stat.S_IFSOCK)),
    "folder by its rights": added(f"{BESIDE}/a.csv", **_mode(stat.S_IFDIR)),
    "folder of DOS": added(f"{BESIDE}/a.csv", external_attr=0x10),
    "Python": added(f"{BESIDE}/conftest.py", b"import os"),
    "path file": added(f"{BESIDE}/evil.pth", b"import os"),
    "library": added(f"{BESIDE}/evil.so", b"\x7fELF"),
    "script": added(f"{BESIDE}/run.sh", b"#!/bin/sh"),
    "page": added(f"{BESIDE}/page.html", b"<script>"),
    "drawing with a script": added(f"{BESIDE}/page.svg", b"<svg>"),
    "pickle": added(f"{BESIDE}/run.pkl", b"\x80\x05."),
    "network": added(f"{BESIDE}/net.onnx", b"\x08"),
    "archive": lambda pack: added(f"{BESIDE}/inner.zip", packed(pack))(pack),
    "archive as a table": lambda pack: added(f"{BESIDE}/inner.csv", packed(pack))(pack),
    "gzip as a text": added(f"{BESIDE}/notes.txt", b"\x1f\x8b\x08\x00"),
    "pickle as Parquet": added(f"{BESIDE}/a.parquet", b"\x80\x05."),
    "program as a picture": added(f"{BESIDE}/a.png", b"\x7fELF"),
    "page as a picture": added(f"{BESIDE}/a.webp", b"<script>"),
    "second case": added(f"{BESIDE}/other.yaml", b"id: other"),
    "manifest of an installed case": added(f"{BESIDE}/pack.json", b"{}"),
    "folder of another case": added("cases/other/a.csv"),
    "the catalogue": added("catalogue/hardware.csv"),
    "manifest of evidence": added("evidence-manifest.json", b"{}"),
    "file at the root": added("a.csv"),
    "folder of scores too deep": added("scores/deep/mine.net.fp32.csv"),
    # the zip
    "encrypted": spoilt(_info(flag_bits=1)),
    "strongly encrypted": spoilt(_info(flag_bits=0x41)),
    "sizes after the content": spoilt(_info(flag_bits=8)),
    "bzip2": lambda pack: zipped(entries_of(pack), compress_type=ZIP_BZIP2),
    "LZMA": lambda pack: zipped(entries_of(pack), compress_type=ZIP_LZMA),
    "unknown method": spoilt(_info(compress_type=99)),
    "extra field": lambda pack: zipped(entries_of(pack), extra=struct.pack("<HH4s", 0x7075, 4, b"evil")),
    "comment of a file": lambda pack: zipped(entries_of(pack), comment=b"evil"),
    "comment": spoilt(_comment),
    "something before": lambda pack: b"#!/bin/sh\n" + packed(pack),
    "something behind": lambda pack: packed(pack) + b"\0",
    "something between": spoilt(_gap),
    "cut off": lambda pack: packed(pack)[:-40],
    "half": lambda pack: packed(pack)[: len(packed(pack)) // 2],
    "empty": lambda _: b"",
    "text": lambda _: b"id: parcels\n" * 10,
    "empty zip": lambda _: zipped([]),
    "tar": lambda _: b"parcels.yaml".ljust(512, b"\0") * 3,
    "many files": _many,
    "zip bomb": added(f"{BESIDE}/notes.txt", b"0" * 4_000_000),
    "short size": spoilt(_info(file_size=3)),
    "long size": spoilt(_info(file_size=2**31)),
    "long file": spoilt(_info(file_size=65 * 1024**2, compress_size=2**20)),
    "sizes that add up": spoilt(_huge),
    "more than declared": _declared(b"0123"),
    "bytes behind packed content": _declared(b"", b"hidden"),
    "wrong checksum": spoilt(_info(CRC=1)),
    "overlapping": spoilt(_overlap),
    "other name in the directory": spoilt(_info(filename=f"{BESIDE}/other.csv")),
    "other number of files": _end(4, 2),
    "65,535 files": lambda pack: _end(3, 0xFFFF)(pack)[:-22] + _end(4, 0xFFFF)(pack)[-22:],
    "second disk": _end(1, 1),
    "directory elsewhere": _end(6, 0),
    "long directory": _end(5, 2**31),
    # the manifest
    "no manifest": lambda pack: zipped(entries_of(pack)[1:]),
    "manifest that is no JSON": manifested(b"id: parcels"),
    "manifest of nothing": manifested(b"[]"),
    "deep manifest": manifested(b"[" * 50_000),
    "long manifest": manifested(b" " * 200_000 + b"{}"),
    "newer format": described(lambda data: data.update(format=2)),
    "unknown key": described(lambda data: data.update(run="rm")),
    "id that is a path": described(lambda data: data.update(id="../parcels")),
    "version of words": described(lambda data: data.update(version="one")),
    "missing file": described(lambda data: data["files"].append(data["files"][0] | {"name": f"{BESIDE}/a.csv"})),
    "unlisted file": described(lambda data: data["files"].pop()),
    "listed twice": described(lambda data: data["files"].append(data["files"][0])),
    "other hash": described(lambda data: data["files"][0].update(sha256="0" * 64)),
    "other size": described(lambda data: data["files"][0].update(bytes=1)),
    "other id": changed(id="letters"),
    "other version": changed(version=2),
    "other title": changed(title="Not this case"),
    "other hash of the case": changed(case_hash="0" * 12),
    "other licence": changed(licences={"the case": "CC0", "scores/mine.net.fp32.yaml": "CC0"}),
    "test results that are not there": changed(tests={"pass": 12}),
    "test results in another form": changed({f"{BESIDE}/parcels.tests.json": b"[]"}, tests={"pass": 1}),
    "test results of an unknown outcome": changed(
        {f"{BESIDE}/parcels.tests.json": b'{"a": [{"check": "a", "subject": "b", "outcome": "superb", "says": "c"}]}'},
        tests={"superb": 1},
    ),
    # the case and its evidence
    "no case": lambda pack: packed(listing(pack, {name: one for name, one in pack.members.items() if name != FILE})),
    "fault in the case": replaced(b"kind: pool", b"kind: spool"),
    "missing stage": replaced(b"start: classify", b"start: nowhere"),
    "anchors": replaced(b"title: Small", b"title: &a Small\nsummary: *a"),
    "tag that runs code": replaced(b"title: Small", b"title: !!python/object/apply:os.system [true]"),
    "case that is too long": replaced(b"title: Small", b"title: Small # " + bytes(range(33, 126)) * 6000),
    "file of the case elsewhere": replaced(b"log/times.csv", b"../times.csv"),
    "file of the case that is missing": replaced(b"log/times.csv", b"log/other.csv"),
    "model without a profile": replaced(b"model: net", b"model: evil"),
    "file that the case does not use": added(f"{BESIDE}/a.csv"),
    "table that the case does not use": changed({"scores/mine.other.fp32.yaml": SIDECAR.encode()}),
    "table without a sidecar": changed({"scores/mine.net.int8.csv": table().encode()}),
    "table of the wrong length": replaced(b"i59,p59", b"i59,p58", "scores/mine.net.fp32.csv"),
    "profile of another model": replaced(b'"model":"net"', b'"model":"web"', "profiles/epyc-zen4-2c/net.fp32.json"),
    "profile that is broken": changed({"profiles/epyc-zen4-2c/net.fp32.json": b"{}"}),
    "profile in the folder of another device": lambda pack: packed(
        listing(pack, {name.replace("epyc-zen4-2c/", "other/"): one for name, one in pack.members.items()})
    ),
}
