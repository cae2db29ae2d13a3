# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registration with systemd-machined by Varlink: what it is told, by a machined that is older or newer than the lab's, and that
the bus is asked where it does not go that way."""

import contextlib
import json
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support import output, run, wait_for

SOCKET = Path('/run/systemd/machine/io.systemd.Machine')
UNKNOWN = {'error': 'org.varlink.service.InvalidParameter', 'parameters': {'parameter': 'controlAddress'}}
EXISTS = {'error': 'io.systemd.Machine.MachineExists', 'parameters': {}}
DONE = {'parameters': {}}


class Machined:
    """A machined that answers each connection with these objects; None: never."""

    def __init__(self):
        self.calls, self.answers = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(SOCKET))
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        held = []
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                data = b''
                while data.count(b'\0') < 2:
                    data += connection.recv(65536)
                self.calls.append([json.loads(text) for text in data.split(b'\0')[:-1]])
                if self.answers is None:
                    held.append(connection)
                    continue
                with contextlib.suppress(OSError):
                    connection.sendall(b''.join(json.dumps(answer).encode() + b'\0' for answer in self.answers))
                connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        SOCKET.unlink()


@pytest.fixture
def machined():
    real = SOCKET.with_name('real')
    SOCKET.parent.mkdir(exist_ok=True)
    if SOCKET.exists():
        SOCKET.rename(real)
    fake = Machined()
    yield fake
    fake.close()
    if real.exists():
        real.rename(SOCKET)


@pytest.fixture(scope='module')
def box(module_machine):
    return module_machine('busybox', name='register')


@pytest.fixture
def started(box):
    def start():
        box.start()
        return box
    yield start
    box.reset()


def is_registered(machine):
    return machine.name in output('machinectl', 'list', '--no-legend').split()


def test_new_machined_is_told_the_control_socket(machined, started):
    machined.answers = [DONE, EXISTS]
    machine = started()
    (first, second), = machined.calls
    state = dict(line.split('=', 1) for line in Path(f'/run/box/{machine.name}/state').read_text().splitlines())
    told = first['parameters']
    assert first['method'] == second['method'] == 'io.systemd.Machine.Register'
    assert (told['name'], told['service'], told['class'], told['rootDirectory']) == (machine.name, 'box', 'container', str(machine.path))
    assert told['controlAddress'] == f'/run/box/{machine.name}/control'
    assert told['sshAddress'] == f'unix/run/systemd/nspawn/unix-export/{machine.name}/ssh'
    leader = told['leaderProcessId']['pid'] if 'leaderProcessId' in told else told['leader']
    assert leader == second['parameters']['leader'] == int(state['LEADER'])
    assert set(told) - set(second['parameters']) <= {'controlAddress', 'leaderProcessId'}
    # an address that a client can call
    assert json.loads(output('boxctl', 'call', machine.name, 'io.systemd.MachineInstance.Describe'))['running']
    assert not is_registered(machine)           # the bus was not asked


@pytest.mark.parametrize('answers', [[UNKNOWN, UNKNOWN], [], [UNKNOWN, EXISTS], [{'error': 'x.y'}] * 2])
def test_bus_is_asked_where_varlink_fails(machined, started, answers):
    machined.answers = answers
    machine = started()
    assert len(machined.calls) == 1 and is_registered(machine)
    assert machine.property('StatusText') == 'Container running.'


def test_older_machined_takes_the_second_call(machined, started):
    machined.answers = [UNKNOWN, DONE]
    machine = started()
    assert len(machined.calls) == 1 and not is_registered(machine)


def test_start_that_waits_for_machined_can_be_cancelled(machined, started, box):
    machined.answers = None
    starting = subprocess.Popen(['systemctl', 'start', box.unit], stderr=subprocess.DEVNULL)
    wait_for(lambda: machined.calls)
    began = time.monotonic()
    run('systemctl', 'stop', box.unit)
    starting.wait(60)
    assert time.monotonic() - began < 20
    assert not Path(f'/run/box/{box.name}').exists()


def test_machined_of_the_lab(started, release):
    machine = started()
    assert is_registered(machine)
    if release >= 13:
        # by Varlink: the bus cannot be told that
        assert output('machinectl', 'show', '--value', '-p', 'SSHAddress', machine.name) == \
            f'unix/run/systemd/nspawn/unix-export/{machine.name}/ssh'
    machine.stop()
    assert not is_registered(machine)
