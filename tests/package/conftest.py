# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in a lab of its own, since packages are installed and removed (tests/stages.py): the system tests' helpers, not their
fixtures."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'system'))


def pytest_configure():
    if 'BOX_LAB' not in os.environ:
        pytest.exit('tests/package runs inside a lab only: tests/run package', returncode=2)
