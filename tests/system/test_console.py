# SPDX-License-Identifier: LGPL-2.1-or-later
"""The console of a machine: its keys, its memory, its viewers."""

import os
import signal
import subprocess
import termios
import time

import pytest

import support
from support import run, wait_for

ESCAPE = '\x1d\x1d'


def is_raw(child):
    return not termios.tcgetattr(child.child_fd)[3] & termios.ICANON


@pytest.fixture(scope='module')
def busybox(module_machine):
    """A tree with busybox's init, for machines by hand."""
    return module_machine('busybox').path


@pytest.fixture(scope='module')
def systemd(module_machine):
    return module_machine('deb12').path


# -------------------------------------------------------------------- box-run's own terminal

@pytest.mark.parametrize('payload', ['busybox', 'systemd'])
def test_keys_reboot_and_power_off(payload, request, terminal):
    tree = request.getfixturevalue(payload)
    child = terminal('box-run', '-b', '-U', '--machine=console-keys', f'--directory={tree}', timeout=60)
    child.expect('r: reboot')
    child.expect('login: ')
    child.send(f'{ESCAPE}r')
    child.expect("Machine 'console-keys' is being rebooted")
    child.expect('login: ')
    child.send(f'{ESCAPE}p')
    child.expect('Asking|[Pp]ower|[Hh]alt|going down')
    child.expect(support.pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_keys_of_a_command(busybox, nothing_left, terminal):
    child = terminal('box-run', '--machine=console-command', f'--directory={busybox}', '/bin/cat')
    child.expect('r: reboot')
    child.send(f'{ESCAPE}r')
    child.expect('no init that could reboot it')
    # keys that are none reach the machine
    child.send(f'{ESCAPE}xyz\r')
    child.expect('xyz')
    child.send(f'{ESCAPE}p')
    child.expect(support.pexpect.EOF)


@pytest.mark.parametrize('sig', [signal.SIGKILL, signal.SIGSEGV])
def test_terminal_is_restored_after_any_death(busybox, terminal, sig):
    child = terminal('sh', '-c', f'box-run --register=no --machine=console-death --directory={busybox} /bin/cat; '
                                 'echo "status $?"; read line')
    before = termios.tcgetattr(child.child_fd)
    wait_for(lambda: is_raw(child))
    pid = int(run('pgrep', '--parent', child.pid, 'box-run').stdout)
    os.kill(pid, sig)
    child.expect(f'status {128 + sig}')
    wait_for(lambda: not is_raw(child))
    assert termios.tcgetattr(child.child_fd) == before


# -------------------------------------------------------------------- boxctl console

@pytest.fixture(scope='module')
def unit(module_machine):
    """A machine with systemd in its unit."""
    machine = module_machine('deb12', name='console-unit')
    machine.start()
    machine.wait_running()
    return machine


@pytest.fixture(scope='module')
def small(module_machine):
    """A machine with busybox's init in its unit."""
    machine = module_machine('busybox', name='console-small')
    machine.start()
    return machine


def leave(child):
    child.send('\x1d\x1d\x1d')
    child.expect(support.pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_shows_the_boot_and_types(unit, terminal):
    child = terminal('boxctl', 'console', unit.name, timeout=60)
    child.expect('Press|press')
    child.expect('Welcome to')
    child.expect('login: ')
    time.sleep(0.5)     # what is typed while the boot is shown again is not heard
    child.send('\r')
    support.log_in(child)
    child.setwinsize(33, 77)
    child.sendline('until stty size | grep -q "33 77"; do sleep 0.1; done; echo "<$(stty size)>"')
    child.expect('<33 77>')
    child.sendline('logout')
    leave(child)
    assert unit.is_active()


def test_three_viewers_one_types(small, terminal):
    first = terminal('boxctl', 'console', small.name)
    first.expect('login: ')
    time.sleep(0.5)
    second = terminal('boxctl', 'console', small.name)
    second.expect('Read-only: another terminal types')
    third = terminal('boxctl', 'console', '--read-only', small.name)
    second.expect('login: ')
    second.send(f'{ESCAPE}r')
    second.expect('Nothing done: another terminal types')
    third.expect('login: ')
    time.sleep(0.5)
    second.send('unheard\r')
    first.send('heard-by-all\r')
    for child in (first, second, third):
        child.expect('heard-by-all')
        assert 'unheard' not in child.before
        child.expect('assword: ')
    first.send('\r')
    # taken over, given back
    fourth = terminal('boxctl', 'console', '--take', small.name)
    first.expect('Read-only from here on')
    fourth.expect('login: ')
    leave(fourth)
    first.expect('From here on what you type reaches the machine')
    leave(first)
    second.expect('From here on')
    third.sendintr()
    third.expect(support.pexpect.EOF)
    leave(second)


def test_output_without_a_terminal(small):
    result = run('sh', '-c', f'timeout 10 boxctl console {small.name} | grep -m1 login:')
    assert 'login:' in result.stdout and '\r' not in result.stdout


def test_viewer_that_does_not_read(small):
    """It blocks neither the machine nor the others, and is told what it has missed."""
    stopped = subprocess.Popen(['boxctl', 'console', '--read-only', small.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: b'login' in os.read(stopped.stdout.fileno(), 65536))
        start = time.monotonic()
        small.exec('sh', '-c', 'yes 0123456789abcdef | head -c 3000000 > /dev/console; echo THE-END > /dev/console')
        assert time.monotonic() - start < 30
        reader = run('sh', '-c', f'timeout 10 boxctl console {small.name} 2>&1 | grep -m2 -e older -e THE-END')
        assert 'older bytes are gone' in reader.stdout and 'THE-END' in reader.stdout
        text = b''
        while b'THE-END' not in text:
            text += os.read(stopped.stdout.fileno(), 65536)
        assert len(text) < 2500000
    finally:
        stopped.kill()
        told = stopped.stderr.read().decode()
    assert 'bytes are not shown' in told


@pytest.mark.parametrize('victim', ['viewer', 'supervisor'])
def test_terminal_of_a_viewer_is_restored(machine, terminal, victim):
    short = machine('busybox', name=f'console-{victim}')
    short.start()
    child = terminal('sh', '-c', f'boxctl console {short.name}; echo "status $?"; read line')
    before = termios.tcgetattr(child.child_fd)
    child.expect('login: ')
    assert is_raw(child)
    if victim == 'viewer':
        os.kill(int(run('pgrep', '--parent', child.pid, 'boxctl').stdout), signal.SIGKILL)
        child.expect(f'status {128 + signal.SIGKILL}')
    else:
        os.kill(int(short.property('MainPID')), signal.SIGKILL)
        child.expect('has died')
        child.expect(r'status [1-9]\r')
    wait_for(lambda: not is_raw(child))
    assert termios.tcgetattr(child.child_fd) == before


def test_keys_of_a_viewer(machine, terminal):
    short = machine('busybox', name='console-viewer-keys')
    short.start()
    child = terminal('boxctl', 'console', short.name)
    child.expect('login: ')
    pid = short.property('MainPID')
    child.send(f'{ESCAPE}r')
    child.expect('is being rebooted')
    child.expect(support.pexpect.EOF)
    wait_for(lambda: short.is_active() and short.property('MainPID') != pid)
    child = terminal('boxctl', 'console', short.name)
    child.expect('login: ')
    child.send(f'{ESCAPE}p')
    child.expect('has ended')
    child.expect(support.pexpect.EOF)
    wait_for(lambda: short.property('ActiveState') == 'inactive')


def test_by_hand_the_terminal_types(busybox, terminal):
    child = terminal('box-run', '-b', '-U', '--machine=console-hand', f'--directory={busybox}')
    child.expect('login: ')
    viewer = terminal('boxctl', 'console', 'console-hand')
    viewer.expect('Read-only: another terminal types')
    viewer.expect('login: ')
    leave(viewer)
    viewer = terminal('boxctl', 'console', '--take', 'console-hand')
    viewer.expect('login: ')
    time.sleep(0.5)
    child.send('unheard')
    viewer.send('by-viewer\r')
    child.expect('by-viewer')
    assert 'unheard' not in child.before
    child.send(f'{ESCAPE}p')
    viewer.expect('has ended')
    child.expect(support.pexpect.EOF)


def test_no_console(busybox, terminal):
    child = terminal('box-run', '--machine=console-none', '--console=pipe', f'--directory={busybox}', '/bin/sleep', '60')
    wait_for(lambda: run('boxctl', 'list', '--no-legend').stdout.count('console-none'))
    result = run('boxctl', 'console', 'console-none', check=False)
    assert result.returncode and 'no console' in result.stderr
    result = run('boxctl', 'console', 'no-such-machine', check=False)
    assert result.returncode == 3 and 'no-such-machine' in result.stderr
    child.sendintr()
    child.expect(support.pexpect.EOF)
