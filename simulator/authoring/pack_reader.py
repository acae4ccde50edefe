"""Read a pack without trust in it: one zip as `packed` writes it, within bounds, with the files that its manifest lists.

The layout is the one that CaseSim writes and no other: file after file without gaps, then the directory, then its end record.
So no content hides between the files, and none is read twice.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import ValidationError

from simulator.authoring.case_pack import PICTURES, TEXTS, Pack, PackError
from simulator.case.installed_packs import FORMAT, INSTALLED_MANIFEST, PACK_MANIFEST, PackManifest, results_file
from simulator.case.load import CASES, case_file
from simulator.errors import shortened
from simulator.files import read_within
from simulator.limits import EVIDENCE_FILE, EVIDENCE_TEXT, PACK_BYTES, PACK_FILE, PACK_FILES, PACK_NAME, PACK_RATIO, Limit
from simulator.phrases import phrase

#: The end record of a zip. The head of a file: flags, method, CRC, packed and unpacked size, lengths of name and extra field.
_END, _HEAD = struct.Struct("<4s4H2LH"), struct.Struct("<4s2x2H4x3L2H")
_END_MARK, _HEAD_MARK = b"PK\x05\x06", b"PK\x03\x04"

#: Bytes of a file's entry in the directory of a zip, without its name.
_ENTRY = 46

#: Flags of a file in a zip: encrypted, and a name in UTF-8.
_ENCRYPTED, _UTF8 = 0x1 | 0x40 | 0x2000, 0x800

_PART = r"[A-Za-z0-9_-](?:[A-Za-z0-9_.@-]*[A-Za-z0-9_-])?"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")

#: Names that Windows keeps for devices, also with an ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.I)

ENDINGS = (".yaml", ".json", ".csv", ".parquet", *PICTURES, *TEXTS)

#: The first bytes of the kinds of files that are not text.
_FIRST_BYTES = {
    ".parquet": re.compile(rb"PAR1.*PAR1\Z", re.S),
    ".webp": re.compile(rb"RIFF....WEBP", re.S),
    ".png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    ".jpg": re.compile(rb"\xff\xd8\xff"),
}


def read_pack(path: Path) -> Pack:
    """Read a pack from a file; raises UnreadableError or PackError."""
    return parse_pack(str(path), read_within(path, PACK_FILE))


def parse_pack(name: str, content: bytes) -> Pack:
    """Read the bytes of a pack; raises PackError with its name and the first fault."""
    try:
        if len(content) > PACK_FILE.most:
            raise PackError(f"is longer than {PACK_FILE}, the most that is read")
        members = dict(_contents(content))
        manifest = _manifest(members.pop(PACK_MANIFEST, None))
        for fault in _differences(manifest, members):
            raise PackError(fault)
        for member, data in members.items():
            if reason := _content_fault(member, data):
                raise PackError(f"{member}: {reason}")
    except PackError as error:
        raise PackError(f"{name}: {error}") from None
    return Pack(name, manifest, members)


def _contents(content: bytes) -> Iterator[tuple[str, bytes]]:
    directory = _directory(content)
    try:
        with ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries)
            for entry, begin in zip(entries, _places(content, entries, directory), strict=True):
                yield entry.filename, _unpacked(entry, content[begin : begin + entry.compress_size])
    except (BadZipFile, zlib.error) as error:
        raise PackError(f"is damaged: {shortened(str(error))}; get it again") from error
    except (NotImplementedError, ValueError, OverflowError, struct.error, OSError) as error:
        if isinstance(error, PackError):
            raise
        raise PackError(f"is no zip that `casesim pack` writes: {shortened(str(error))}") from error


def _directory(content: bytes) -> int:
    """Return the place where the directory begins; its bounds are checked before a library reads it."""
    if len(content) < _END.size or not content.startswith(_HEAD_MARK):
        raise PackError("is no pack; expected a zip that `casesim pack` has written")
    mark, disk, first_disk, here, count, length, begins, comment = _END.unpack(content[-_END.size :])
    if mark != _END_MARK or comment or disk or first_disk or here != count:
        raise PackError("does not end as a pack ends; it is cut off, or something was added to it")
    if count > PACK_FILES.most + 1:
        raise PackError(f"has more than {PACK_FILES}, the most of a pack")
    if length > count * (_ENTRY + PACK_NAME.most) or begins + length + _END.size != len(content):
        raise PackError("has a directory that does not fit its files; `casesim pack` writes it again")
    return int(begins)


def _check_entries(entries: list[ZipInfo]) -> None:
    for entry in entries:
        if fault := _name_fault(entry) or _entry_fault(entry):
            raise PackError(f"{shortened(entry.orig_filename)!r}: {fault}")
    names = Counter(entry.filename.casefold() for entry in entries)
    if double := next((name for name, count in names.items() if count > 1), None):
        raise PackError(f"{double!r}: is there twice; names that differ by capital letters alone count as one")
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    if both := sorted(folders & names.keys()):
        raise PackError(f"{both[0]!r}: is a file and a folder at once")
    if sum(entry.file_size for entry in entries) > PACK_BYTES.most:
        raise PackError(f"holds more than {PACK_BYTES} unpacked, the most of a pack")


def _name_fault(entry: ZipInfo) -> str | None:
    name = entry.orig_filename
    if len(name) > PACK_NAME.most:
        return phrase("packs.long_name", most=str(PACK_NAME))
    if name != entry.filename or not name.isascii() or not name.isprintable():
        return phrase("packs.character")
    if name.startswith(("/", "\\", "~")) or ":" in name or "\\" in name or ".." in name.split("/"):
        return phrase("packs.outside")
    if name.endswith("/"):
        return phrase("packs.folder")
    if not _PATH.fullmatch(name):
        return phrase("packs.no_path")
    if any(_DEVICE.fullmatch(part) for part in name.split("/")):
        return phrase("packs.device")
    if PurePosixPath(name).suffix not in ENDINGS:
        return phrase("packs.ending", endings=ENDINGS)
    return None


def _entry_fault(entry: ZipInfo) -> str | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or entry.external_attr & 0x10:
        return phrase("packs.no_file")
    if entry.flag_bits & _ENCRYPTED:
        return phrase("packs.encrypted")
    if entry.flag_bits & ~_UTF8 or entry.extra or entry.comment or entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return phrase("packs.other_way")
    most: Limit = EVIDENCE_TEXT if entry.filename == PACK_MANIFEST else EVIDENCE_FILE
    if entry.file_size > most.most:
        return phrase("packs.long_file", most=str(most))
    if entry.file_size > PACK_RATIO.most * max(entry.compress_size, 1):
        return phrase("packs.bomb", most=str(PACK_RATIO))
    return None


def _places(content: bytes, entries: list[ZipInfo], directory: int) -> list[int]:
    """Return the place of each file's packed content.

    Raises PackError unless the files follow each other from the first byte to the directory, with heads that agree with it.
    """
    place, places = 0, []
    for entry in entries:
        if entry.header_offset != place or place + _HEAD.size > directory:
            raise PackError("has files that overlap, or content between them; `casesim pack` writes it again")
        name = entry.filename.encode()
        method, sizes = entry.compress_type, (entry.CRC, entry.compress_size, entry.file_size)
        head = _HEAD.pack(_HEAD_MARK, entry.flag_bits, method, *sizes, len(name), 0)
        if _HEAD.unpack_from(content, place) != _HEAD.unpack(head) or not content.startswith(name, place + _HEAD.size):
            raise PackError(f"is damaged: {entry.filename!r} has another head than the directory says; get it again")
        places.append(place + len(head) + len(name))
        place = places[-1] + entry.compress_size
    if place != directory:
        raise PackError("has files that overlap, or content between them; `casesim pack` writes it again")
    return places


def _unpacked(entry: ZipInfo, content: bytes) -> bytes:
    """Return the content of a file: no more than it declares, and with nothing left over. Raises PackError."""
    if entry.compress_type == ZIP_DEFLATED:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        content = stream.decompress(content, entry.file_size + 1)
        if not stream.eof or stream.unused_data:
            raise PackError(f"is damaged: {entry.filename!r} is longer or shorter than it declares; get it again")
    if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
        raise PackError(f"is damaged: {entry.filename!r} has another length or CRC than it declares; get it again")
    return content


def _manifest(content: bytes | None) -> PackManifest:
    if content is None:
        raise PackError(f"has no {PACK_MANIFEST}, so it is no pack")
    try:
        return PackManifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "(file)"
        if where == "format":
            raise PackError(f"its format is not {FORMAT}, the one that this CaseSim reads; install a newer CaseSim") from error
        raise PackError(f"{PACK_MANIFEST}: {shortened(where)}: {shortened(first['msg'])}") from error


def _differences(manifest: PackManifest, members: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the differences between the manifest and the files."""
    if len(manifest.names) < len(manifest.files):
        yield phrase("packs.twice", manifest=PACK_MANIFEST)
    if missing := sorted(manifest.names - members.keys()):
        yield phrase("packs.missing", name=repr(shortened(missing[0])), manifest=PACK_MANIFEST)
    if unlisted := sorted(members.keys() - manifest.names):
        yield phrase("packs.unlisted", name=repr(unlisted[0]), manifest=PACK_MANIFEST)
    if case_file(manifest.id) not in members:
        yield phrase("packs.no_case", file=case_file(manifest.id))
    for file in manifest.files:
        content = members[file.name]
        if len(content) != file.bytes or hashlib.sha256(content).hexdigest() != file.sha256:
            yield phrase("packs.other_content", name=repr(file.name), manifest=PACK_MANIFEST)
        if not _has_place(file.name, manifest.id):
            yield phrase("packs.no_place", name=repr(file.name), case=manifest.id)


def _has_place(name: str, case: str) -> bool:
    if name in (case_file(case), results_file(case)):
        return True
    if name.startswith(f"{CASES}/{case}/"):
        return name.endswith((".csv", ".parquet", *PICTURES, *TEXTS)) and not name.endswith(INSTALLED_MANIFEST)
    return re.fullmatch(r"scores/[^/]+\.(?:csv|yaml)|profiles/[^/]+/[^/]+\.json", name) is not None


def _content_fault(name: str, content: bytes) -> str | None:
    """Return a sentence where the content is not of the kind that the name says."""
    ending = PurePosixPath(name).suffix
    if ending in _FIRST_BYTES:
        return None if _FIRST_BYTES[ending].match(content) else phrase("packs.other_kind", ending=ending)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return phrase("packs.no_text")
    return phrase("packs.nul") if "\0" in text else None
