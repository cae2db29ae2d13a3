# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl freeze and thaw: a machine stands still, and can be stopped and ended all the same."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

import support
from support import output, run, wait_for


@pytest.fixture(scope='module', params=['deb12', 'busybox', 'command'])
def payload(request, module_machine):
    """A systemd payload, an init that is not, and a command."""
    machine = module_machine('deb12' if request.param == 'deb12' else 'busybox', name=f'freeze-{request.param}')
    if request.param == 'command':
        machine.write_file('[Exec]\nBoot=no\nParameters=/bin/sh -c "while :; do :; done"\n')
    yield machine
    run('boxctl', 'terminate', machine.name, check=False)


@pytest.fixture
def machine(payload):
    if not payload.is_active():
        payload.start()
    return payload


def processes(machine):
    return [int(line) for path in Path(f'/sys/fs/cgroup{machine.property("ControlGroup")}/payload').rglob('cgroup.procs')
            for line in path.read_text().split()]


def cpu(machine):
    """Ticks that its processes have used."""
    return sum(sum(map(int, Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[11:13])) for pid in processes(machine))


def is_frozen(machine):
    return 'frozen 1' in Path(f'/sys/fs/cgroup{machine.property("ControlGroup")}/payload/cgroup.events').read_text()


def test_freeze_and_thaw(machine):
    for _ in range(2):                                      # also if it is frozen already
        run('boxctl', 'freeze', machine.name)
        assert is_frozen(machine)
    before = cpu(machine)
    rows = {row['machine']: row['state'] for row in json.loads(output('boxctl', 'list', '-o', 'json'))}
    assert rows[machine.name] == 'frozen'
    assert f'frozen; to thaw it: boxctl thaw {machine.name}' in output('boxctl', 'status', '--lines=0', machine.name)
    # Its supervisor goes on.
    assert 'frozen 0' in Path(f'/sys/fs/cgroup{machine.property("ControlGroup")}/supervisor/cgroup.events').read_text()
    assert cpu(machine) == before
    for _ in range(2):
        run('boxctl', 'thaw', machine.name)
        assert not is_frozen(machine)
    assert machine.is_active()


def test_pause_and_resume_are_names_of_it(machine):
    run('boxctl', 'pause', machine.name)
    assert is_frozen(machine)
    run('boxctl', 'resume', machine.name)
    assert not is_frozen(machine)


def test_thaw_of_what_systemctl_froze(machine):
    run('systemctl', 'freeze', machine.unit)
    run('boxctl', 'thaw', machine.name)
    assert machine.property('FreezerState') == 'running' and not is_frozen(machine)


# systemd itself refuses to stop a unit that systemctl has frozen.
@pytest.mark.parametrize('freeze, verb', [
    (['boxctl', 'freeze'], ['boxctl', 'stop']), (['boxctl', 'freeze'], ['boxctl', 'terminate']),
    (['boxctl', 'freeze'], ['systemctl', 'stop']),
    (['systemctl', 'freeze'], ['boxctl', 'stop']), (['systemctl', 'freeze'], ['boxctl', 'terminate'])])
def test_frozen_machine_goes_down(machine, freeze, verb):
    def one(words):
        run(*words, machine.name if words[0] == 'boxctl' else machine.unit, timeout=60)
    leader = machine.leader()
    one(freeze)
    one(verb)
    wait_for(lambda: not os.path.exists(f'/proc/{leader}') and machine.property('ActiveState') in ('inactive', 'failed'))
    if verb[1] == 'stop' and 'command' not in machine.name:        # which SIGTERM kills
        assert machine.property('Result') == 'success'
    run('systemctl', 'reset-failed', machine.unit, check=False)


def test_frozen_machine_is_killed(machine):
    leader = machine.leader()
    run('boxctl', 'freeze', machine.name)
    run('boxctl', 'kill', '--kill-whom=leader', '--signal=KILL', machine.name)
    wait_for(lambda: not os.path.exists(f'/proc/{leader}'))
    wait_for(lambda: machine.property('ActiveState') in ('inactive', 'failed'))
    run('systemctl', 'reset-failed', machine.unit, check=False)


def test_machine_started_by_hand():
    by_hand = subprocess.Popen(['box-run', '--quiet', '--machine=freeze-hand', f'--directory={support.TREES}/busybox', '--read-only',
                                '--pipe', '/bin/sleep', '1000'], stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: 'freeze-hand' in output('boxctl', 'list'))
        run('boxctl', 'freeze', 'freeze-hand')
        assert '(frozen)' in output('boxctl', 'list')
        run('boxctl', 'stop', 'freeze-hand', timeout=60)
        assert by_hand.wait(60) is not None
    finally:
        by_hand.send_signal(signal.SIGKILL)
        by_hand.wait()


def test_machine_of_another_manager():
    """Its unit is frozen."""
    sleeper = subprocess.Popen(['sleep', '1000'])
    run('busctl', 'call', 'org.freedesktop.machine1', '/org/freedesktop/machine1', 'org.freedesktop.machine1.Manager',
        'CreateMachine', 'sayssusa(sv)', 'freeze-other', '0', 'libvirt', 'vm', str(sleeper.pid), '', '0')
    try:
        run('boxctl', 'freeze', 'freeze-other')
        assert output('systemctl', 'show', '--value', '--property=FreezerState', 'machine-freeze\\x2dother.scope') == 'frozen'
        run('boxctl', 'thaw', 'freeze-other')
        run('boxctl', 'freeze', 'freeze-other')
        run('boxctl', 'terminate', 'freeze-other')
        assert sleeper.wait(60) == -signal.SIGTERM
    finally:
        sleeper.kill()
        sleeper.wait()


def test_freeze_of_a_machine_that_does_not_run():
    result = run('boxctl', 'freeze', 'freeze-nowhere', check=False)
    assert result.returncode != 0 and result.stderr.count('\n') == 1 and 'freeze-nowhere' in result.stderr
