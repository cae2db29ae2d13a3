# SPDX-License-Identifier: LGPL-2.1-or-later
"""box@.service says nothing that this systemd does not know. The labs say the same for the others' (tests/system)."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[2] / 'units' / 'box@.service.in'


def verify(path):
    # The program and the man pages are not installed here: what is looked at is the unit.
    run = subprocess.run(['systemd-analyze', 'verify', '--man=no', str(path)], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='no systemd-analyze here')
@pytest.mark.parametrize('name', ['box@.service', 'box@deb-12.service', r'box@a\x2db.service'])
def test_verify_is_clean(tmp_path, name):
    unit = tmp_path / name
    unit.write_text(UNIT.read_text().replace('@bindir@/box-run', '/bin/true'))
    assert verify(unit) == (0, '')


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='no systemd-analyze here')
def test_verify_would_tell(tmp_path):
    unit = tmp_path / 'box@.service'
    unit.write_text(UNIT.read_text().replace('@bindir@/box-run', '/bin/true') + 'NoSuchKey=1\n')
    assert 'NoSuchKey' in verify(unit)[1]


def test_restarts_are_not_limited():
    text = UNIT.read_text()
    assert 'StartLimitIntervalSec=0\n' in text
    assert 'RestartForceExitStatus=133\n' in text and 'SuccessExitStatus=133\n' in text
