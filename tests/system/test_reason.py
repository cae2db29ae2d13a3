# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why a machine did not start is the first thing that boxctl start, status and list say, in one line and the same words."""

import json
import re
import shutil
from pathlib import Path

import pytest

from support import output, run, wait_for

NAME = 'reason'
WAITS = 'echo here it waits; exec sleep 1000'


@pytest.fixture(scope='module')
def shared(module_machine):
    return module_machine('busybox', NAME)


@pytest.fixture
def box(shared):
    """A machine that has not failed, and has no settings."""
    yield shared
    shared.reset()
    drop_in = Path(f'/etc/systemd/system/{shared.unit}.d')
    if drop_in.exists():
        shutil.rmtree(drop_in)
        run('systemctl', 'daemon-reload')


@pytest.fixture(scope='module')
def broken():
    """A unit that fails."""
    path = Path('/run/systemd/system/reason-broken.service')
    path.write_text('[Service]\nType=oneshot\nExecStart=/bin/false\n')
    yield
    path.unlink()
    run('systemctl', 'reset-failed', path.name, check=False)
    run('systemctl', 'daemon-reload')


def runs(box, script, settings='', notify='NotifyReady=yes\n'):
    """The machine's PID 1 is a shell, and it is not ready before it says so."""
    (box.path / 'script').write_text(f'{script}\n')
    box.write_file(f'[Exec]\nBoot=no\nParameters=/bin/sh /script\n{notify}{settings}')


def page(m):
    result = run('boxctl', 'status', m.name, check=False)
    assert result.returncode == 3, result
    return result.stdout.splitlines()


def shown(m, reason):
    """Status has it before all else, and once; programs have it, too."""
    lines = page(m)
    assert lines[0] == f'× {m.name}'
    assert re.fullmatch(f' *Reason: {reason}', lines[1]), lines
    assert sum('Reason: ' in line or 'Status: ' in line for line in lines) == 1, lines
    listed = output('boxctl', 'list').splitlines()
    failed = m.property('ActiveState') == 'failed'
    assert re.fullmatch(f'× {m.name}: {reason}', listed[0]) if failed else not any('×' in line for line in listed), listed
    status = json.loads(run('boxctl', 'status', '-o', 'json', m.name, check=False).stdout)[0]
    assert re.fullmatch(reason, status['reason']), status


def told(m, reason, later=None):
    """By a start, and then by the other verbs; later: in other words, where systemd has forgotten the unit."""
    result = run('boxctl', 'start', m.name, check=False)
    assert result.returncode == 1, result
    assert re.fullmatch(f'boxctl: {m.name}: {reason}\n', result.stderr), result.stderr
    run('journalctl', '--sync')
    shown(m, later or reason)


def test_none_of_a_machine_that_runs_or_was_stopped(box):
    run('boxctl', 'start', box.name)
    result = run('boxctl', 'status', box.name)
    assert 'Reason' not in result.stdout and result.stdout.startswith(f'● {box.name}')
    assert json.loads(output('boxctl', 'status', '-o', 'json', box.name))[0]['reason'] is None
    run('boxctl', 'stop', box.name)
    result = run('boxctl', 'status', box.name, check=False)
    assert 'Reason' not in result.stdout


def test_none_of_a_command_that_was_stopped(box):
    """It is killed, as nothing can ask it to end, and that is what was wanted."""
    runs(box, 'exec sleep 1000', notify='')
    run('boxctl', 'start', box.name)
    run('boxctl', 'stop', box.name)
    assert (box.property('ActiveState'), box.property('Result')) == ('inactive', 'success')
    assert 'Reason' not in run('boxctl', 'status', box.name, check=False).stdout


@pytest.mark.parametrize('text,cause', [
    ('[Exec]\nBoot=perhaps\n', '2: Boot=perhaps: .*'),
    ('[Network]\n\nBridge=lo\n', '3: Bridge=lo: not a bridge'),
    ('[Files]\nBind=/no/such/place:/mnt\n', "2: .*'?/no/such/place'?.*"),
])
def test_a_setting(box, text, cause):
    box.write_file(text)
    told(box, f'{box.file}:{cause}')


def test_a_port_that_is_taken(box, module_machine):
    other = module_machine('busybox', 'reason-port')
    other.write_file('[Network]\nPort=18080:80\n')
    other.start()
    box.write_file(other.file.read_text())
    told(box, f"{box.file}:2: Port=tcp:18080: the host's port belongs to machine reason-port.*")
    other.stop()
    run('boxctl', 'start', box.name)


def test_a_tree_that_is_missing(box):
    away = box.path.with_name('reason-away')
    box.path.rename(away)
    try:
        result = run('boxctl', 'start', box.name, check=False)
        assert result.returncode != 0 and result.stderr.count('\n') == 1 and box.name in result.stderr
        box.start(check=False)          # as at boot
        shown(box, f'.*{box.name}.*')
        assert 'No such' in page(box)[1] or 'no ' in page(box)[1].lower(), page(box)[1]
    finally:
        away.rename(box.path)


@pytest.mark.parametrize('script,end', [
    ('echo loading; echo the disk is on fire; exit 3', 'exited with status 3'),
    (r"printf 'loading\n\n  the disk is on fire\r\n \n\n'; exit 4", 'exited with status 4'),
    ('echo the disk is on fire >&2; exit 0', 'exited with status 0'),
])
def test_a_payload_that_ends_at_once(box, script, end):
    """With the last line of its console that has something."""
    runs(box, script)
    told(box, rf"The init of machine '{box.name}' \(/bin/sh\) {end} before the machine was ready; "
              r"its console ended with '\s*the disk is on fire'")


def test_a_payload_that_says_nothing(box):
    runs(box, 'exit 3')
    told(box, rf"The init of machine '{box.name}' \(/bin/sh\) exited with status 3 before the machine was ready")


def test_a_line_of_the_payload_is_printable(box):
    runs(box, r"printf '\033[2J\rall is well\033[1A\n'; exit 3")
    result = run('boxctl', 'start', box.name, check=False)
    assert 'all is well' in result.stderr and '\033' not in result.stderr and '\r' not in result.stderr
    assert all('\033' not in line for line in page(box))


def test_a_crash_after_the_start(box):
    runs(box, 'echo here it dies; exec sleep 1000', notify='')
    run('boxctl', 'start', box.name)
    wait_for(lambda: 'here it dies' in box.journal())
    run('boxctl', 'kill', '--kill-whom=leader', '--signal=KILL', box.name)
    wait_for(lambda: box.property('ActiveState') == 'failed')
    run('journalctl', '--sync')
    shown(box, f"Machine '{box.name}' was ended by SIGKILL; its console ended with 'here it dies'")


@pytest.mark.parametrize('script,end', [('echo no such database; exit 3', 3), ('echo no such database >&2; exec false', 1)])
def test_a_command_that_fails_after_the_start(box, script, end):
    runs(box, f'while [ ! -e /go ]; do :; done; {script}', notify='')
    run('boxctl', 'start', box.name)
    (box.path / 'go').touch()
    wait_for(lambda: box.property('ActiveState') == 'failed')
    (box.path / 'go').unlink()
    run('journalctl', '--sync')
    shown(box, rf"The payload of machine '{box.name}' \(/bin/sh\) exited with status {end}; its console ended with "
               "'no such database'")


def test_a_start_that_takes_too_long(box):
    runs(box, WAITS, '[X-Box]\nStartTimeoutSec=500ms\n')
    told(box, f"{box.file}:6: StartTimeoutSec=: machine '{box.name}' was not ready within 500ms")


@pytest.mark.parametrize('unit,said,later', [
    ('ConditionPathExists=/no/such/file', '.*ConditionPathExists=/no/such/file is not met', '.*ConditionPathExists=/no/such/file.*'),
    ('AssertPathExists=/no/such/file', '.*AssertPathExists=/no/such/file is not met', '.*[Aa]ssert.*'),
    ('Requires=reason-broken.service\nAfter=reason-broken.service', '.*reason-broken.service, which it requires, has failed: .*',
     'reason-broken.service, which it requires, has failed: exit-code'),
])
def test_a_unit_that_systemd_does_not_start(box, broken, unit, said, later):
    box.write_unit_settings(f'[Unit]\n{unit}\n')
    told(box, said, later)
    # The next start that is done takes it back.
    box.write_unit_settings('')
    run('boxctl', 'start', box.name)
    run('boxctl', 'stop', box.name)
    assert 'Reason' not in run('boxctl', 'status', box.name, check=False).stdout


def test_too_many_starts(box):
    """Of a start that systemd does not try any more, the cause is that of the last one that was."""
    box.write_unit_settings('[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=1\n')
    box.write_file('[Network]\nBridge=lo\n')
    cause = f'{box.file}:2: Bridge=lo: not a bridge'
    told(box, cause)
    run('systemctl', 'start', box.unit, check=False)
    assert 'repeated too quickly' in box.journal()
    # systemd keeps the result of a start that has failed, in place of start-limit-hit
    told(box, f'(Failed to start {box.unit}: it was started too often .*; at the last time: )?{cause}')
