# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl shell and login without a terminal, on each init: bytes pass unchanged, with the end of input and the exit status."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import run, wait_for

INITS = ['deb12', 'openrc', 'sysvinit', 'busybox']


@pytest.fixture(scope='module', params=INITS)
def booted(request, module_machine):
    machine = module_machine(request.param, name=f'streams-{request.param}')
    machine.start()
    return machine


@pytest.fixture(scope='module')
def running(module_machine):
    """A machine that runs a command: quick to start."""
    machine = module_machine('busybox', name='streams-command')
    machine.write_file('[Exec]\nBoot=no\nPrivateUsers=no\nParameters=/bin/sleep 1000\n')
    machine.start()
    return machine


def shell(machine, *command, **options):
    return subprocess.run(['boxctl', 'shell', machine.name, *command], timeout=60, **{
        'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **options})


@pytest.fixture(scope='module')
def big(tmp_path_factory):
    path = tmp_path_factory.mktemp('streams') / 'big'
    path.write_bytes(os.urandom(10 * 1024 * 1024))
    return path


def test_large_binary_data_both_ways(booted, big):
    data = big.read_bytes()
    with open(big, 'rb') as stdin:
        result = shell(booted, '/bin/cat', stdin=stdin)
    assert (result.returncode, result.stderr) == (0, b'')
    assert result.stdout == data
    assert shell(booted, '/bin/cat', input=data).stdout == data


def test_shell_without_command_reads_its_input(booted):
    result = shell(booted, input=b'echo one; echo two >&2\nexit 7\n')
    assert (result.returncode, result.stdout, result.stderr) == (7, b'one\n', b'two\n')


def test_end_of_input_and_exit_status(booted):
    assert shell(booted, '/bin/sh', '-c', 'cat; exit 3', input=b'no line end').stdout == b'no line end'
    assert shell(booted, '/bin/sh', '-c', 'cat; exit 3', stdin=subprocess.DEVNULL).returncode == 3
    assert shell(booted, '/bin/sh', '-c', 'kill -9 $$', stdin=subprocess.DEVNULL).returncode == 128 + 9
    assert shell(booted, '/no/such/program').returncode == 3


def test_login_without_a_terminal(booted):
    """Each line is answered when it is asked for."""
    result = subprocess.run(['boxctl', 'login', booted.name], input='root\nbox-tests\necho "in $(hostname)" | tr a-z A-Z\nexit\n',
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert f'IN {booted.name.upper()}' in result.stdout
    assert '\r\n' not in result.stdout


# -------------------------------------------------------------------- descriptors of the host

KINDS = 'k="$(for i in 0 1 2; do readlink /proc/$$/fd/$i; done)"; echo "$k" >/kinds; cat'


def kinds(machine, **streams):
    run('rm', '-f', machine.path / 'kinds')
    subprocess.run(['boxctl', 'shell', machine.name, '/bin/sh', '-c', KINDS], timeout=60, check=True, **streams)
    return (machine.path / 'kinds').read_text().splitlines()


def is_relayed(links):
    return all(re.match('pipe:', link) for link in links)


def test_program_has_no_descriptor_of_the_host(running, tmp_path):
    place = tmp_path / 'file'
    place.write_text('text\n')
    with open(place) as stdin, open(tmp_path / 'out', 'w') as out, open(tmp_path / 'err', 'w') as err:
        links = kinds(running, stdin=stdin, stdout=out, stderr=err)
        # The same by a program that passes its own on
        run('nsenter', '-t', running.leader(), '-m', '-p', 'sh', '-c', KINDS, stdin=stdin)
    assert is_relayed(links) and len(set(links)) == 3
    assert str(tmp_path) in (running.path / 'kinds').read_text()
    assert (tmp_path / 'out').read_text() == 'text\n'


def test_other_kinds_of_streams(running, tmp_path):
    ours, theirs = socket.socketpair()
    theirs.send(b'by a socket')
    theirs.shutdown(socket.SHUT_WR)
    assert is_relayed(kinds(running, stdin=ours, stdout=ours, stderr=ours))
    assert theirs.recv(100) == b'by a socket'

    # What is read of the host's pipe is its data; it can not be opened again for more.
    read, write = os.pipe()
    os.write(write, b'by a pipe')
    os.close(write)
    own = os.readlink(f'/proc/self/fd/{read}')
    links = kinds(running, stdin=read, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(read)
    assert links[0].startswith('pipe:') and links[0] != own and links[1:] == ['/dev/null', '/dev/null']

    directory = os.open('/', os.O_RDONLY)
    result = shell(running, '/bin/ls', '/proc/self/fd/0/etc/machine-id', stdin=directory)
    assert result.returncode != 0
    os.close(directory)


def test_order_of_output_and_errors_is_kept(running):
    result = shell(running, '/bin/sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do echo $i; echo $i >&2; done', stderr=subprocess.STDOUT)
    assert result.stdout.decode().split() == [str(i) for i in range(1, 9) for _ in range(2)]


def test_closed_output_ends_the_program(running):
    """As in a pipeline: the program gets SIGPIPE."""
    result = subprocess.run(f'boxctl shell {running.name} /usr/bin/yes | head -n 1', shell=True, capture_output=True, text=True,
                            timeout=60)
    assert (result.stdout, result.stderr) == ('y\n', '')
    wait_for(lambda: 'yes' not in running.exec('ps').stdout)


def test_background_process_does_not_hold_it(running):
    began = time.monotonic()
    result = shell(running, '/bin/sh', '-c', 'sleep 30 & echo out', stdin=subprocess.DEVNULL)
    assert (result.returncode, result.stdout) == (0, b'out\n')
    assert time.monotonic() - began < 20


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_reaches_the_program(running, number):
    for command, status in (('echo up; sleep 1000; :', 128 + number), ('trap "exit 9" INT TERM; echo up; sleep 1000 & wait', 9)):
        process = subprocess.Popen(['boxctl', 'shell', running.name, '/bin/sh', '-c', command],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(timeout=60) == status


def test_disk_full_is_told(running):
    result = subprocess.run(f'boxctl shell {running.name} /bin/echo text >/dev/full', shell=True, capture_output=True, text=True,
                            timeout=60)
    assert result.returncode == 1 and "Failed to write the program's output" in result.stderr


# -------------------------------------------------------------------- by a terminal of machined's

@pytest.fixture
def allowed():
    """The user nobody may do what polkit decides about machines."""
    rule = Path('/etc/polkit-1/rules.d/10-test.rules')
    rule.write_text('polkit.addRule(function(a, s) { if (a.id.indexOf("org.freedesktop.machine1.") == 0 && s.user == "nobody") '
                    'return polkit.Result.YES; });\n')
    support.restart_polkit()
    yield ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--']
    rule.unlink()
    support.restart_polkit()


def test_user_by_machined(booted, allowed):
    """Without privilege the program runs on a terminal: bytes pass unchanged nevertheless, without an echo."""
    if 'deb12' not in booted.name:
        denied = subprocess.run([*allowed, 'boxctl', 'shell', booted.name], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert (denied.returncode, denied.stderr) == (4, f'boxctl: {booted.name}: Only root may enter a machine\n')
        return
    data = b'line\r\n\x03\x04\x16\x1a\x00\xff\x7f\n' + os.urandom(100000) + b'x' * 10000
    result = subprocess.run([*allowed, 'boxctl', 'shell', booted.name, '/bin/sh', '-c', 'echo go; cat'], input=data,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert (result.returncode, result.stderr) == (0, b'')
    assert result.stdout == b'go\n' + data
