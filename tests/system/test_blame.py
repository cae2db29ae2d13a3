# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl blame: the time line of a start, of systemd and of busybox."""

import json
import os
import signal
import subprocess
import time
import xml.etree.ElementTree
from pathlib import Path

import pytest

from support import run, wait_for


@pytest.fixture(scope='module')
def systemd(module_machine):
    m = module_machine('deb12', 'blame-systemd')
    m.start()
    m.wait_running()
    return m


@pytest.fixture(scope='module')
def busybox(module_machine):
    m = module_machine('busybox', 'blame-busybox')
    m.start()
    return m


def blame(name, *words):
    return json.loads(run('boxctl', 'blame', '-o', 'json', *words, name).stdout)


def test_stages_and_units_are_on_one_time_line(systemd):
    b = blame(systemd.name, '--order=begin')
    begins = [step['begin_usec'] for step in b['steps']]
    assert begins == sorted(begins) and begins[0] == 0
    of = {step['name']: step for step in b['steps']}
    assert of['lock']['of'] == of['execute']['of'] == 'box'
    journald = of['systemd-journald.service']
    assert journald['of'] == 'machine' and 0 < journald['usec'] < b['ready_usec']
    assert b['up_usec'] <= journald['begin_usec'] and journald['end_usec'] <= b['ready_usec']
    # What systemd in the machine says itself, of its own clock.
    own = {key: int(value) for key, value in (line.split('=') for line in systemd.exec(
        'systemctl', 'show', '-p', 'InactiveExitTimestampMonotonic', '-p', 'ActiveEnterTimestampMonotonic',
        'systemd-journald.service').stdout.split())}
    assert journald['usec'] == own['ActiveEnterTimestampMonotonic'] - own['InactiveExitTimestampMonotonic']
    taken = [step['usec'] for step in blame(systemd.name)['steps']]
    assert taken == sorted(taken, reverse=True)


def test_systemd_that_is_slow_to_answer_tells_of_all_units(systemd):
    """Calls that wait for it are counted by dbus-daemon, which refuses those of a client that has too many."""
    names = {step['name'] for step in blame(systemd.name)['steps']}
    leader = systemd.leader()
    process = subprocess.Popen(['boxctl', 'blame', '-o', 'json', systemd.name], stdout=subprocess.PIPE)
    try:
        while process.poll() is None:
            os.kill(leader, signal.SIGSTOP)
            time.sleep(0.03)
            os.kill(leader, signal.SIGCONT)
            time.sleep(0.005)
    finally:
        os.kill(leader, signal.SIGCONT)
    assert {step['name'] for step in json.loads(process.stdout.read())['steps']} == names


def test_other_inits_have_the_stages(busybox):
    b = blame(busybox.name)
    assert {step['of'] for step in b['steps']} == {'box'}
    assert {'lock', 'clone', 'mounts', 'network', 'execute'} <= {step['name'] for step in b['steps']}
    assert b['ready_usec'] >= b['up_usec'] > 0
    text = run('boxctl', 'blame', busybox.name).stdout
    assert text.startswith(f'{busybox.name} was ready after ') and ' box: clone\n' in text
    assert all(len(line) <= 80 for line in text.splitlines())
    # Any user.
    user = run('setpriv', '--reuid=1234', '--regid=1234', '--clear-groups', 'boxctl', 'blame', busybox.name)
    assert user.stdout == text


def test_picture_is_xml(systemd):
    root = xml.etree.ElementTree.fromstring(run('boxctl', 'blame', '--plot', systemd.name).stdout)
    texts = [text.text for text in root.iter('{http://www.w3.org/2000/svg}text')]
    assert any(text.startswith('systemd-journald.service (') for text in texts)
    assert any(text.startswith('box: mounts (') for text in texts)


def test_user_is_told_what_is_missing_and_bus_that_hangs(systemd):
    user = run('setpriv', '--reuid=1234', '--regid=1234', '--clear-groups', 'boxctl', 'blame', systemd.name)
    assert 'which root may ask for' in user.stderr and ' box: clone\n' in user.stdout
    os.kill(systemd.leader(), signal.SIGSTOP)
    try:
        hung = run('boxctl', 'blame', systemd.name, timeout=60)
        assert 'does not tell the times' in hung.stderr and ' box: clone\n' in hung.stdout
    finally:
        os.kill(systemd.leader(), signal.SIGCONT)
    wait_for(lambda: 'journald.service' in run('boxctl', 'blame', systemd.name).stdout)      # it has calls to answer, first


def test_failed_start(module_machine):
    """The stages until the failure, and last why: of a unit, also before its first stage, and by hand; until a start succeeds."""
    m = module_machine('busybox', 'blame-failed')
    m.write_file('[Files]\nBind=/no/such/place:/mnt\n')
    assert run('boxctl', 'start', m.name, check=False).returncode == 1
    b = blame(m.name, '--order=begin')
    assert b['steps'][0]['name'] == 'lock' and '/no/such/place' in b['failure'] and b['ready_usec'] is None
    assert 'execute' not in {step['name'] for step in b['steps']}
    as_user = ('setpriv', '--reuid=1234', '--regid=1234', '--clear-groups')
    lines = run(*as_user, 'boxctl', 'blame', m.name).stdout.splitlines()
    assert lines[0].startswith(f'{m.name} could not be started: it failed after ')
    assert lines[-1].startswith('× ') and '/no/such/place' in lines[-1]
    assert '/no/such/place' in run('boxctl', 'blame', '--plot', m.name).stdout
    assert json.loads(run('boxctl', 'blame', '--json=name,usec', m.name).stdout)[0].keys() == {'name', 'usec'}

    m.write_file('[Exec]\nKillSignal=SIGFOO\n')
    assert run('boxctl', 'start', m.name, check=False).returncode == 1
    b = blame(m.name)
    assert b['steps'] == [] and 'SIGFOO' in b['failure']
    assert 'before the first step' in run('boxctl', 'blame', m.name).stdout
    Path(f'/run/box/.failed/{m.name}').unlink()
    assert 'SIGFOO' in blame(m.name)['failure'], 'systemd tells it'
    run('systemctl', 'reset-failed', m.unit)
    assert run('boxctl', 'blame', m.name, check=False).returncode == 3
    run('boxctl', 'check', m.name, check=False)
    assert run('boxctl', 'blame', m.name, check=False).returncode == 3, 'a check is no start'

    m.write_file('[Exec]\nBoot=no\nParameters=/bin/false\nNotifyReady=yes\n')
    assert run('boxctl', 'start', m.name, check=False).returncode == 1
    b = blame(m.name, '--order=begin')
    assert b['steps'][-1]['name'] == 'execute' and '/bin/false' in b['failure']

    m.write_file('')
    m.start()
    assert blame(m.name)['failure'] is None
    m.stop()
    assert run('boxctl', 'blame', m.name, check=False).returncode == 3, 'the last start did not fail'


def test_refusals(busybox):
    assert run('boxctl', 'blame', 'no-such', check=False).returncode == 3
    refused = run('boxctl', 'blame', '--order=size', busybox.name, check=False)
    assert refused.returncode == 2 and 'time or begin' in refused.stderr
    assert Path(f'/run/box/{busybox.name}/steps').stat().st_mode & 0o777 == 0o644
