# SPDX-License-Identifier: LGPL-2.1-or-later
"""box@.service, as it is built here ($BOX_UNIT), says nothing that this systemd does not know. The labs say the same for
theirs (tests/system)."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(os.environ.get('BOX_UNIT', '/nonexistent'))
pytestmark = pytest.mark.skipif(not UNIT.exists(), reason='needs $BOX_UNIT')


def text():
    # The program is not installed yet, and the manuals are not: what is looked at is the unit.
    return re.sub('(?m)^ExecStart=[^ ]+', 'ExecStart=/bin/true', UNIT.read_text())


def verify(path):
    run = subprocess.run(['systemd-analyze', 'verify', '--man=no', str(path)], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='no systemd-analyze here')
@pytest.mark.parametrize('name', ['box@.service', 'box@deb-12.service', r'box@a\x2db.service'])
def test_verify_is_clean(tmp_path, name):
    unit = tmp_path / name
    unit.write_text(text())
    assert verify(unit) == (0, '')


@pytest.mark.skipif(not shutil.which('systemd-analyze'), reason='no systemd-analyze here')
def test_verify_would_tell(tmp_path):
    unit = tmp_path / 'box@.service'
    unit.write_text(text() + 'NoSuchKey=1\n')
    assert 'NoSuchKey' in verify(unit)[1]


def test_failures_are_limited_and_reboots_restart():
    assert 'StartLimitIntervalSec=1min\nStartLimitBurst=10\n' in text()
    assert 'RestartForceExitStatus=133\n' in text() and 'SuccessExitStatus=133\n' in text()


def test_every_placeholder_is_filled():
    assert '@' not in re.sub('(modprobe|box|systemd-nspawn)@', '', UNIT.read_text())
