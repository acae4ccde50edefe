"""Description of this machine, with which a reader can place a measurement."""

import os
import platform
import re
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from simulator.evidence.profiles import Provenance

#: Generations of server processors by vendor, family and model, for hosts that hide the processor's name.
_GENERATIONS = {
    ("AuthenticAMD", 23, 49): "Zen 2",
    ("AuthenticAMD", 25, 1): "Zen 3",
    ("AuthenticAMD", 25, 17): "Zen 4",
    ("AuthenticAMD", 26, 2): "Zen 5",
    ("GenuineIntel", 6, 85): "Skylake or Cascade Lake",
    ("GenuineIntel", 6, 106): "Ice Lake",
    ("GenuineIntel", 6, 143): "Sapphire Rapids",
    ("GenuineIntel", 6, 207): "Emerald Rapids",
}
#: Instruction sets that decide how fast convolutions and 8-bit products run.
_INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_int8", "asimddp", "i8mm")
_CPUINFO = Path("/proc/cpuinfo")


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpuinfo() -> dict[str, str]:
    if not _CPUINFO.is_file():
        return {}
    first = _CPUINFO.read_text().split("\n\n")[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _generation(info: dict[str, str]) -> str | None:
    if not {"vendor_id", "cpu family", "model"} <= info.keys():
        return None
    return _GENERATIONS.get((info["vendor_id"], int(info["cpu family"]), int(info["model"])))


def _short_name(info: dict[str, str]) -> str:
    name = info.get("model name") or platform.processor() or platform.machine()
    return " ".join(filter(None, [name, _generation(info)]))


def processor() -> str:
    """Return name, generation and the relevant instruction sets."""
    info = _cpuinfo()
    sets = set((info.get("flags") or info.get("Features") or "").split())
    details = [f"family {info['cpu family']} model {info['model']}"] if "cpu family" in info else []
    details += [name for name in _INSTRUCTION_SETS if name in sets]
    return f"{_short_name(info)} ({', '.join(details)})" if details else _short_name(info)


def default_device(provider: str = "cpu") -> str:
    """Return an identifier from the processor's name and the number of cores, such as `amd-epyc-zen-4-2c`.

    Another provider than the processor is named at its end.
    """
    name = re.sub(r"[^a-z0-9]+", "-", _short_name(_cpuinfo()).lower()).strip("-")
    return f"{name}-{cores()}c" if provider == "cpu" else f"{name}-{cores()}c-{provider}"


def library_version(name: str) -> str:
    """Return the version of an installed library; ONNX Runtime's builds are packages with other names for one module."""
    try:
        return version(name)
    except PackageNotFoundError:
        return str(import_module(name).__version__)


def provenance(libraries: list[str], weights: str, protocol: str, **facts: str | None) -> Provenance:
    """Return machine and date, with the versions of `libraries` and further facts of the profile."""
    return Provenance(
        processor=processor(),
        cores=cores(),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}, Python {platform.python_version()}",
        libraries={name: library_version(name) for name in libraries},
        date=datetime.now(UTC).date().isoformat(),
        weights=weights,
        protocol=protocol,
        **facts,
    )
