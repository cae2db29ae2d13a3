# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl top: what machines use, as tables, JSON, and on a screen that is given back; reclaim.

No controller is to be had here, so that memory, tasks and disk are "-"; tests/vm has them.
"""

import json
import os
import re
import signal
import socket
import subprocess
import termios

import pexpect
import pytest

from support import output, run, wait_for

BUSY, IDLE = 'top-busy', 'top-idle'


@pytest.fixture(scope='module')
def machines(module_machine):
    """A command that needs a CPU, a systemd with a link, and a machine that shares the host's network."""
    busy = module_machine('busybox', name=BUSY)
    busy.write_file('[Network]\nVirtualEthernet=no\n[Exec]\nBoot=no\nParameters=/bin/sh -c "while :; do :; done"\n')
    idle = module_machine('deb12', name=IDLE)
    idle.write_file('[Network]\nVirtualEthernet=yes\n')
    for machine in (busy, idle):
        machine.start()
    idle.wait_running()
    yield busy, idle
    for machine in (busy, idle):
        run('boxctl', 'terminate', machine.name, check=False)


def samples(*words):
    return [{row['machine']: row for row in json.loads(line)['machines']}
            for line in output('boxctl', 'top', '-o', 'json', *words).splitlines()]


def test_json(machines):
    sample, = samples('--delay=500ms')
    assert sample[BUSY]['cpu_permyriad'] > 500 and sample[IDLE]['cpu_permyriad'] >= 0
    assert sample[BUSY]['memory'] is None and sample[BUSY]['tasks'] is None
    assert sample[BUSY]['received'] is None                         # the host's network
    assert [len(samples('-d', '100ms', '-n', n, BUSY)) for n in ('2', '3')] == [2, 3]
    assert list(samples('-d', '100ms', 'top-b*')[0]) == [BUSY]
    pretty = output('boxctl', 'top', '-o', 'json-pretty', '-d', '100ms', IDLE)
    assert json.loads(pretty)['machines'][0]['machine'] == IDLE and '\n' in pretty


def test_network_is_the_machines(machines):
    """What the host's end sends is what the machine receives."""
    link = f've-{IDLE}'
    run('ip', 'address', 'add', '192.0.2.1/24', 'dev', link)
    run('ip', 'neighbour', 'replace', '192.0.2.2', 'lladdr', '02:00:00:00:00:02', 'dev', link)
    top = subprocess.Popen(['boxctl', 'top', '-o', 'json', '-d', '2', IDLE], stdout=subprocess.PIPE, text=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        while top.poll() is None:
            s.sendto(bytes(1000), ('192.0.2.2', 9))
    row = json.loads(top.stdout.read())['machines'][0]
    assert row['received'] > 10000 and row['received'] > 10 * row['sent']


def test_once(machines):
    text = output('boxctl', 'top', '--once', '--delay=300ms')
    header, busy = [line for line in text.splitlines() if re.match(rf'MACHINE|{BUSY} ', line)]
    assert header.split()[:4] == ['MACHINE', 'CPU%', 'MEM', 'SWAP']
    assert re.match(rf'{BUSY} +\d+\.\d [█▏▎▍▌▋▊▉·]+ +- +- +-', busy)
    # The busy one comes first, but by name.
    assert text.index(BUSY) < text.index(IDLE)
    names = output('boxctl', 'top', '-n1', '-d100ms', '--sort=name')
    assert names.index(BUSY) < names.index(IDLE)
    twice = output('boxctl', 'top', '-n2', '-d100ms', BUSY)
    assert twice.count('MACHINE') == 2 and IDLE not in twice


@pytest.mark.parametrize('words, status, said', [
    (['--sort=frob'], 2, 'memory'), (['--delay=0'], 2, 'a time'), (['-n', 'x'], 2, 'a number'), (['top-none'], 3, 'top-none'),
    (['top-x*'], 3, 'top-x')])
def test_bad_words(machines, words, status, said):
    result = run('boxctl', 'top', *words, check=False)
    assert result.returncode == status and said in result.stderr and not result.stdout


class Screen:
    """boxctl top in a terminal, below a shell that stays."""

    def __init__(self, words='', columns=80, lines=24):
        self.child = pexpect.spawn('/bin/sh', ['-c', f'boxctl top --delay=300ms {words}; echo status $?; exec sleep 1000'],
                                   encoding='utf-8', dimensions=(lines, columns), env={**os.environ, 'TERM': 'xterm'}, timeout=60)
        self.before = termios.tcgetattr(self.child.child_fd)

    def __enter__(self):
        self.child.expect_exact('\x1b[?1049h')
        return self

    def __exit__(self, *_):
        self.child.close(force=True)

    def frame(self):
        """The rows of the next whole screen, without colours."""
        self.child.expect_exact('\x1b[H')
        self.child.expect_exact('\x1b[J')
        return [re.sub(r'\x1b\[[0-9;]*[A-Za-z]', '', line) for line in self.child.before.split('\r\n')]

    def until(self, holds):
        for _ in range(30):
            rows = self.frame()
            if holds(rows):
                return rows
        raise AssertionError(rows)

    def is_restored(self):
        self.child.expect_exact('\x1b[?25h\x1b[?1049l')
        self.meanwhile = self.child.before
        wait_for(lambda: termios.tcgetattr(self.child.child_fd) == self.before)


def places(rows):
    return [next((i for i, row in enumerate(rows) if row.startswith(name)), -1) for name in (BUSY, IDLE)]


def test_keys(machines):
    with Screen() as screen:
        rows = screen.until(lambda rows: re.search(rf'^{BUSY} +\d+\.\d', '\n'.join(rows), re.M))
        assert rows[0].startswith('[q]uit') and places(rows)[0] < places(rows)[1]
        assert termios.tcgetattr(screen.child.child_fd) != screen.before
        for key, first in (('n', IDLE), ('c', BUSY), ('n', IDLE), ('a', BUSY)):
            screen.child.send(key)
            screen.until(lambda rows: any(row.startswith('MACHINE') for row in rows) and
                         (places(rows)[0] < places(rows)[1]) == (first == BUSY))
        screen.child.send('q')
        screen.is_restored()
        screen.child.expect_exact('status 0')


def test_size_is_followed(machines):
    with Screen() as screen:
        assert max(map(len, screen.frame())) <= 80
        screen.child.setwinsize(24, 200)
        wide = screen.until(lambda rows: max(map(len, rows)) > 100)
        assert max(map(len, wide)) <= 200
        screen.child.setwinsize(5, 40)
        small = screen.until(lambda rows: max(map(len, rows)) <= 40)
        assert len(small) <= 5
        screen.child.send('\x03')
        screen.is_restored()
        screen.child.expect_exact('status 0')


def top_pid(screen):
    return int(output('pgrep', '-P', str(screen.child.pid), '-x', 'boxctl'))


@pytest.mark.parametrize('sig, status', [('SIGKILL', 137), ('SIGTERM', 0), ('SIGSEGV', 139)])
def test_terminal_after_its_death(machines, sig, status):
    with Screen() as screen:
        screen.frame()
        os.kill(top_pid(screen), getattr(signal, sig))
        screen.is_restored()
        # Of a program that is killed, the shell knows before who restores the terminal does.
        assert f'status {status}' in screen.meanwhile or screen.child.expect_exact(f'status {status}') == 0


def test_machine_of_another_manager(machines):
    """The unit that machined names."""
    run('systemd-run', '--unit=top-other', '--slice=machine.slice', 'sh', '-c', 'while :; do :; done')
    pid = int(output('systemctl', 'show', '--value', '-p', 'MainPID', 'top-other.service'))
    try:
        run('busctl', 'call', 'org.freedesktop.machine1', '/org/freedesktop/machine1', 'org.freedesktop.machine1.Manager',
            'RegisterMachine', 'sayssus', 'top-other', '16', *map(str, range(16)), 'libvirt', 'vm', str(pid), '')
        sample, = samples('-d', '500ms', 'top-other')
    finally:
        run('systemctl', 'kill', '--signal=KILL', 'top-other.service', check=False)
    assert sample['top-other']['cpu_permyriad'] > 0


def test_reclaim_without_the_controller(machines):
    result = run('boxctl', 'reclaim', BUSY, '1M', check=False)
    assert result.returncode == 8 and 'no memory controller' in result.stderr
    result = run('boxctl', 'reclaim', BUSY, 'much', check=False)
    assert result.returncode == 2 and "'much' is no size" in result.stderr
    result = run('boxctl', 'reclaim', 'top-none', '1M', check=False)
    assert result.returncode == 3 and 'top-none' in result.stderr
