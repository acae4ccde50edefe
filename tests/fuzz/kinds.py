"""The kinds of input that are tried, in the order of the table."""

from __future__ import annotations

from tests.fuzz import command_lines, heads, links, onnx_files, packs, profiles, rooms, scenarios, tables
from tests.fuzz.runner import Kind

KINDS: tuple[Kind, ...] = (
    scenarios.KIND,
    tables.SCORE_KIND,
    tables.SIDECAR_KIND,
    tables.MONITOR_KIND,
    profiles.PROFILE_KIND,
    profiles.REPORT_KIND,
    onnx_files.ONNX_KIND,
    onnx_files.DATASET_KIND,
    links.KIND,
    heads.KIND,
    command_lines.KIND,
    rooms.MESSAGE_KIND,
    rooms.BOARD_KIND,
    rooms.LOG_KIND,
    packs.KIND,
)
