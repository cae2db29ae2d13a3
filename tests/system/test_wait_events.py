# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl wait and events: what happens to machines, without polling."""

import json
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import run, wait_for


@pytest.fixture
def background():
    """A command in the background, ended after the test; its output is text."""
    started = []

    def start(*command, **options):
        started.append(subprocess.Popen([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        **options))
        return started[-1]
    yield start
    for each in started:
        each.kill()
        each.communicate()


def result(process, timeout=60):
    stdout, stderr = process.communicate(timeout=timeout)
    return process.returncode, stdout + stderr


def cpu_ticks(process):
    return sum(int(field) for field in Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()[11:13])


def test_wait_from_before_the_start_to_the_end(machine, background):
    deb = machine('deb12', name='wait-deb')
    small = machine('busybox', name='wait-small')
    small.write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n[Network]\nVirtualEthernet=yes\n')      # it asks for no address
    both = background('boxctl', 'wait', deb.name, small.name, 'ready')
    any_of = background('boxctl', 'wait', '--any', deb.name, small.name, 'ready')
    unit = background('boxctl', 'wait', deb.name, 'unit=multi-user.target')
    time.sleep(1)
    assert both.poll() is None and any_of.poll() is None and unit.poll() is None
    assert cpu_ticks(both) < 30
    small.start()
    assert result(any_of) == (0, '')
    assert both.poll() is None
    deb.start()
    assert result(both) == (0, '')
    assert result(unit) == (0, '')
    # What has come already
    assert run('boxctl', 'wait', deb.name, 'ready').stderr == ''
    port = background('boxctl', 'wait', deb.name, 'port=4711')
    address = background('boxctl', 'wait', small.name, 'ip')
    time.sleep(0.7)
    assert port.poll() is None and address.poll() is None
    run('nsenter', '-t', small.leader(), '-n', 'ip', 'address', 'add', '10.99.1.2/24', 'dev', 'host0')
    assert result(address) == (0, '')
    listener = subprocess.Popen(['nsenter', '-t', str(deb.leader()), '-n', 'python3', '-c',
                                 'import socket; s = socket.create_server(("", 4711)); input()'], stdin=subprocess.PIPE)
    assert result(port) == (0, '')
    listener.communicate()
    stopped = background('boxctl', 'wait', deb.name, small.name, 'stopped')
    never = background('boxctl', 'wait', deb.name, 'port=1')
    time.sleep(0.5)
    deb.stop()
    assert stopped.poll() is None
    code, text = result(never)
    assert code == 1 and 'wait-deb: The machine has ended before' in text
    small.stop()
    assert result(stopped) == (0, '')
    assert run('boxctl', 'wait', deb.name, 'stopped').returncode == 0


def test_wait_gives_up():
    for goal in ('ready', 'ip', 'unit=ssh', 'port=22'):
        start = time.monotonic()
        late = run('boxctl', 'wait', '--timeout=500ms', 'no-such-machine', goal, check=False)
        assert late.returncode == 5
        assert 'no-such-machine: Not ' in late.stderr and goal in late.stderr
        assert 0.4 < time.monotonic() - start < 20


@pytest.mark.parametrize('words, message', [
    (('a', 'b'), "'b' is none of ready"),
    (('../x', 'ready'), "Invalid machine name '../x'"),
    (('a', 'port=0'), "'0' is not a port"),
    (('a', 'port=65536'), "'65536' is not a port"),
    (('a', 'unit='), 'is none of'),
    (('--timeout=soon', 'a', 'ready'), 'is not a time span'),
])
def test_wait_refuses(words, message):
    refused = run('boxctl', 'wait', *words, check=False, timeout=60)
    assert refused.returncode != 0 and message in refused.stderr


def test_events(machine, background):
    small = machine('busybox', name='events-small')
    other = machine('busybox', name='events-other')
    text = background('boxctl', 'events')
    lines = background('boxctl', 'events', '-o', 'json', small.name)
    fields = background('boxctl', 'events', '--json', 'event,reason', 'events-sm*')
    both = background('boxctl', 'wait', 'events-*', 'ready')
    time.sleep(0.5)
    small.start()
    assert both.poll() is None, 'a glob is also of machines that do not run yet'
    other.start()
    assert result(both) == (0, '')
    pid = small.property('MainPID')
    run('boxctl', 'reboot', small.name)
    wait_for(lambda: small.is_active() and small.property('MainPID') != pid)
    small.stop()
    other.stop()
    small.write_file('[Exec]\nKillSignal=SIGFOO\n')
    assert run('boxctl', 'start', small.name, check=False).returncode == 1
    reasons = []
    wait_for(lambda: reasons.append(json.loads(fields.stdout.readline())) or reasons[-1]['event'] == 'failed')
    assert list(reasons[-1]) == ['event', 'reason'] and 'KillSignal=SIGFOO' in reasons[-1]['reason']
    assert all(each['reason'] is None for each in reasons[:-1])
    for each in (text, lines):
        each.terminate()
    events = [json.loads(line) for line in lines.communicate()[0].splitlines()]
    assert {event['machine'] for event in events} == {small.name}
    names = [event['event'] for event in events]
    for name in ('ready', 'rebooted', 'stopping', 'stopped', 'registered', 'unregistered'):
        assert name in names, names
    assert names.index('rebooted') < names.index('stopped') and names.count('ready') == 2
    assert all(abs(event['usec'] / 1e6 - time.time()) < 300 for event in events)
    shown = text.communicate()[0]
    assert 'events-other ready\n' in shown and 'events-small stopped\n' in shown
    assert shown.count('events-small failed: ') == 1 and 'KillSignal=SIGFOO' in shown
    assert [event['event'] for event in events].count('failed') == 1
    refused = run('boxctl', 'wait', 'events-no*', 'ready', check=False)
    assert refused.returncode == 3 and "No machine matches 'events-no*'" in refused.stderr


def test_events_of_a_killed_supervisor(machine, background):
    small = machine('busybox', name='events-killed')
    small.start()
    lines = background('boxctl', 'events', '-o', 'json', small.name)
    assert json.loads(lines.stdout.readline())['state'] == 'running'
    run('systemctl', 'kill', '--signal=KILL', small.unit)
    support.wait_for(lambda: json.loads(lines.stdout.readline())['event'] in ('died', 'stopped'))


def test_events_for_other_users_and_readers(machine, background):
    small = machine('busybox', name='events-user')
    small.start()
    lines = background('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'boxctl', 'events', '-o', 'json')
    assert json.loads(lines.stdout.readline())['machine'] == small.name
    # A reader that has gone
    assert run('sh', '-c', 'timeout 10 boxctl events | head -n1').stdout.count('events-user') == 1
