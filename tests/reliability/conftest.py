"""The figures of this folder, printed at the end of a run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "request"))  # its strategies

FIGURES: list[str] = []


@pytest.fixture
def figure():
    """``figure(text)``: one line of the summary at the end."""
    return FIGURES.append


def pytest_terminal_summary(terminalreporter):
    reports = [report for kind in ("passed", "failed", "error") for report in terminalreporter.stats.get(kind, [])]
    cells = {}
    for report in reports:
        if "test_fault_matrix" in getattr(report, "nodeid", ""):
            cells[report.nodeid] = cells.get(report.nodeid, True) and report.passed
    if cells:
        terminalreporter.write_line(f"fault matrix: {sum(cells.values())} of {len(cells)} cells held")
    for line in FIGURES:
        terminalreporter.write_line(line)
