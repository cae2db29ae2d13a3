# SPDX-License-Identifier: LGPL-2.1-or-later
"""The control socket: what clients can ask for, on every init; who may; and what hostile clients can do (nothing)."""

import array
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from support import MACHINES, output, remove_tree, run, wait_for

INSTANCE, MACHINE = 'io.systemd.MachineInstance', 'io.box.Machine'
NOBODY = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
INITS = ['deb12', 'openrc', 'sysvinit', 'busybox']
# By hand, with an init that reboots when it is asked as sysvinit's and busybox's are: the payload's own work is not of interest.


@pytest.fixture(scope='module')
def box(module_machine):
    """A machine that runs: a small one, which does nothing."""
    machine = module_machine('busybox', name='control')
    machine.start()
    return machine


def path_of(machine):
    return f'/run/box/{machine.name}/control'


def call(machine, method, parameters=None, check=True, prefix=()):
    result = run(*prefix, 'boxctl', 'call', machine.name, method, *([json.dumps(parameters)] if parameters is not None else []), check=check)
    return json.loads(result.stdout) if check else result


def state(machine):
    return call(machine, f'{MACHINE}.Describe')['state']


def supervisor(machine):
    return call(machine, f'{MACHINE}.Describe')['supervisor']


class Client:
    """A connection, as bytes."""

    def __init__(self, machine, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path_of(machine))

    def send(self, value, **more):
        if isinstance(value, str):
            value = json.dumps({'method': value, **more}).encode() + b'\0'
        self.socket.sendall(value)

    def receive(self):
        data = b''
        while not data.endswith(b'\0'):
            piece = self.socket.recv(1)
            if not piece:
                return None
            data += piece
        return json.loads(data[:-1])

    def is_closed(self):
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            return self.socket.recv(65536) == b''
        return True


class Events:
    """The events of a machine, by boxctl."""

    def __init__(self, machine):
        self.process = subprocess.Popen(['boxctl', 'call', '--more', '-o', 'json', machine.name, f'{MACHINE}.Subscribe'],
                                        stdout=subprocess.PIPE, text=True)
        assert self.next() == 'subscribed'

    def next(self):
        return json.loads(self.process.stdout.readline())['event']

    def rest(self):
        text, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return [json.loads(line)['event'] for line in text.splitlines()]


# -------------------------------------------------------------------- looking

def test_what_a_machine_says_of_itself(box):
    described = call(box, f'{MACHINE}.Describe')
    written = dict(line.split('=', 1) for line in Path(f'/run/box/{box.name}/state').read_text().splitlines())
    assert described == {
        'name': box.name, 'state': 'running', 'leader': box.leader(), 'supervisor': int(written['SUPERVISOR']), 'init': 'busybox',
        'booted': True, 'unit': box.unit, 'root': str(box.path), 'startedUSec': int(written['STARTED_USEC'])}
    assert call(box, f'{INSTANCE}.Describe') == {'running': True, 'status': 'running'}


def test_varlinkctl_understands_it(box, release):
    if release < 13:
        # no varlinkctl
        info = call(box, 'org.varlink.service.GetInfo')
        assert info['interfaces'] == ['org.varlink.service', INSTANCE, MACHINE]
        return
    assert INSTANCE in output('varlinkctl', 'info', path_of(box))
    for interface, method in ((INSTANCE, 'AddStorage'), (MACHINE, 'Subscribe'), ('org.varlink.service', 'GetInfo')):
        assert f'method {method}(' in output('varlinkctl', 'introspect', path_of(box), interface)
    assert json.loads(output('varlinkctl', 'call', '-j', path_of(box), f'{INSTANCE}.Describe', '{}'))['status'] == 'running'
    refused = run('varlinkctl', 'call', path_of(box), f'{INSTANCE}.AddStorage', '{"name":"x"}', check=False)
    assert refused.returncode != 0 and 'fileDescriptorIndex' in refused.stderr + refused.stdout


def test_other_users_look_and_do_not_touch(box):
    leader = box.leader()
    assert json.loads(output(*NOBODY, 'boxctl', 'call', box.name, f'{MACHINE}.Describe'))['state'] == 'running'
    for method in ('PowerOff', 'Reboot', 'Terminate', 'Pause', 'Resume', 'AddStorage', 'RemoveStorage'):
        refused = call(box, f'{INSTANCE}.{method}', check=False, prefix=NOBODY)
        assert (refused.returncode, 'PermissionDenied' in refused.stderr) == (4, True), method
    assert (box.leader(), state(box)) == (leader, 'running')


@pytest.mark.parametrize('arguments, status, message', [
    (['nowhere', 'a.b.C'], 3, 'nowhere'),
    (['{box}', 'io.box.Machine.No'], 8, 'MethodNotFound'),
    (['{box}', 'nonsense'], 8, 'MethodNotFound'),
    (['{box}', f'{INSTANCE}.RemoveStorage'], 2, 'InvalidParameter name'),
    (['{box}', f'{INSTANCE}.RemoveStorage', '{"name":1}'], 2, 'InvalidParameter name'),
    (['{box}', f'{INSTANCE}.RemoveStorage', '[]'], 2, 'no JSON object, but an array'),
    (['{box}', f'{INSTANCE}.RemoveStorage', '{"name":'], 1, 'no JSON object: line 1'),
    (['{box}', f'{MACHINE}.Subscribe'], 1, 'ExpectedMore'),
    (['../{box}', 'a.b.C'], 2, '../control'),
])
def test_calls_that_are_refused(box, arguments, status, message):
    result = run('boxctl', 'call', *(word.replace('{box}', box.name) for word in arguments), check=False)
    assert (result.returncode, result.stdout) == (status, '')
    assert message in result.stderr and len(result.stderr.splitlines()) == 1


# -------------------------------------------------------------------- acting

def cgroup_events(machine):
    return Path(f'/sys/fs/cgroup/machine.slice/{machine.unit}/payload/cgroup.events').read_text()


def test_paused_machine_stands_still_and_goes_on(box):
    events = Events(box)
    child = output('boxctl', 'shell', box.name, '/bin/sh', '-c',
                   '(while :; do echo x; sleep 0.02; done) </dev/null >/tick 2>&1 & echo $!')
    tick = box.path / 'tick'
    wait_for(lambda: tick.exists() and tick.stat().st_size > 10)
    call(box, f'{INSTANCE}.Pause')
    wait_for(lambda: 'frozen 1' in cgroup_events(box))
    size = tick.stat().st_size
    assert (state(box), call(box, f'{INSTANCE}.Describe')['running']) == ('paused', False)
    call(box, f'{INSTANCE}.Pause')              # is no error, and no event
    time.sleep(0.3)
    assert tick.stat().st_size == size
    call(box, f'{INSTANCE}.Resume')
    wait_for(lambda: tick.stat().st_size > size)
    assert state(box) == 'running'
    events.process.terminate()
    text, _ = events.process.communicate(timeout=60)
    assert [json.loads(line)['event'] for line in text.splitlines()] == ['paused', 'resumed']
    box.exec('kill', child)


def test_paused_machine_is_stopped(machine):
    for way in (['systemctl', 'stop', 'box@{name}'], ['boxctl', 'call', '{name}', f'{INSTANCE}.PowerOff'],
                ['boxctl', 'call', '{name}', f'{INSTANCE}.Terminate']):
        small = machine('busybox')
        small.start()
        call(small, f'{INSTANCE}.Pause')
        began = time.monotonic()
        run(*(word.format(name=small.name) for word in way))
        wait_for(lambda: small.property('ActiveState') == 'inactive')
        assert time.monotonic() - began < 20
        assert small.property('Result') == 'success'
        assert not Path(f'/run/box/{small.name}').exists()


@pytest.mark.parametrize('tree', INITS)
def test_reboot_and_power_off_on_every_init(machine, tree):
    small = machine(tree)
    small.start()
    leader = small.leader()
    events = Events(small)
    call(small, f'{INSTANCE}.Reboot')
    assert events.rest() == ['rebooting', 'rebooted']
    wait_for(lambda: small.is_active() and state(small) == 'running' and small.leader() != leader, timeout=60)
    events = Events(small)
    call(small, f'{INSTANCE}.PowerOff')
    assert events.rest() == ['stopping', 'stopped']
    wait_for(lambda: small.property('ActiveState') == 'inactive')
    assert small.property('Result') == 'success'


def test_machine_by_hand_reboots_and_has_a_new_socket(machine):
    small = machine('busybox')
    process = subprocess.Popen(['box-run', '-q', '-b', '-U', '--console=read-only', '-M', small.name], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: call(small, f'{MACHINE}.Describe', check=False).returncode == 0)
        first = call(small, f'{MACHINE}.Describe')
        wait_for(lambda: small.exec('true', check=False).returncode == 0)
        call(small, f'{INSTANCE}.Reboot')

        def rebooted():
            result = call(small, f'{MACHINE}.Describe', check=False)
            return result.returncode == 0 and json.loads(result.stdout)['leader'] != first['leader']
        wait_for(rebooted)
        call(small, f'{INSTANCE}.PowerOff')
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_terminate_a_command_by_hand(machine):
    """A command is no init: it cannot be asked to reboot."""
    small = machine('busybox')
    process = subprocess.Popen(['box-run', '-q', '-U', '-M', small.name, '/bin/sleep', '100'], stdin=subprocess.DEVNULL)
    wait_for(lambda: call(small, f'{MACHINE}.Describe', check=False).returncode == 0)
    refused = call(small, f'{INSTANCE}.Reboot', check=False)
    assert refused.returncode == 8 and 'NotSupported' in refused.stderr
    assert call(small, f'{MACHINE}.Describe')['booted'] is False
    call(small, f'{INSTANCE}.Terminate')
    assert process.wait(60) == 128 + signal.SIGKILL


# -------------------------------------------------------------------- storage

@pytest.fixture
def volume():
    """On the file system of the lab that has idmapped mounts."""
    path = MACHINES / 'volume of:control'
    path.mkdir()
    (path / 'file').write_text('of the host\n')
    yield path
    remove_tree(path)


def storage(machine, method, fd=None, **parameters):
    """The error, or None."""
    client = Client(machine)
    message = json.dumps({'method': f'{INSTANCE}.{method}', 'parameters': parameters}).encode() + b'\0'
    socket.send_fds(client.socket, [message], [] if fd is None else [fd])
    return client.receive().get('error')


def add(machine, path, name, config=None):
    fd = os.open(path, os.O_PATH)
    try:
        return storage(machine, 'AddStorage', fd, fileDescriptorIndex=0, name=name, config=config)
    finally:
        os.close(fd)


def inside(machine, *command, **options):
    return run('nsenter', f'--target={machine.leader()}', '--all', '--', *command, **options)


def test_storage_is_bound_by_its_descriptor(box, volume):
    assert add(box, volume, 'data') is None
    assert add(box, volume, 'data') == f'{INSTANCE}.StorageExists'
    assert add(box, volume, 'fixed', '/mnt/fixed:ro') is None
    assert add(box, volume / 'file', 'one', '/mnt/$HOME %n') is None
    assert add(box, '/dev/zero', 'device', '/dev/of-storage') is None
    inside(box, 'sh', '-c', 'echo written >/run/storage/data/by-machine')
    assert (volume / 'by-machine').stat().st_uid == 0
    assert inside(box, 'cat', '/mnt/fixed/by-machine').stdout == 'written\n'
    assert inside(box, 'sh', '-c', 'echo no >/mnt/fixed/file', check=False).returncode != 0
    assert inside(box, 'cat', '/mnt/$HOME %n').stdout == 'of the host\n'
    inside(box, 'test', '-c', '/dev/of-storage')
    for name in 'data', 'fixed', 'one', 'device':
        assert storage(box, 'RemoveStorage', name=name) is None
        assert storage(box, 'RemoveStorage', name=name) == f'{INSTANCE}.NoSuchStorage'
    assert inside(box, 'ls', '-A', '/run/storage/data', '/mnt/fixed').stdout.split() == ['/mnt/fixed:', '/run/storage/data:']
    assert inside(box, 'test', '-c', '/dev/of-storage', check=False).returncode != 0
    assert not output('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'box-storage-*')


def test_storage_that_cannot_be_bound_leaves_nothing(box, volume):
    mounts = Path(f'/proc/{box.leader()}/mountinfo').read_text()
    for name in '', '.', '..', 'a/b', 'x' * 300:
        assert add(box, volume, name) == 'org.varlink.service.InvalidParameter', name
    assert add(box, volume, 'data', 'virtio-blk') == f'{INSTANCE}.BadConfig'
    assert add(box, volume, 'data', '/etc/passwd/x') == 'io.systemd.System'
    assert storage(box, 'AddStorage', fileDescriptorIndex=0, name='data') == 'org.varlink.service.InvalidParameter'
    # Without a path, or with one that another file has now.
    memory = os.memfd_create('memory')
    gone = os.open(volume / 'file', os.O_RDONLY)
    (volume / 'file').unlink()
    (volume / 'file').write_text('another\n')
    for fd in memory, gone:
        assert storage(box, 'AddStorage', fd, fileDescriptorIndex=0, name='data') == 'io.systemd.System'
        os.close(fd)
    assert storage(box, 'ReplaceStorage', fileDescriptorIndex=0, name='data') == f'{INSTANCE}.NotSupported'
    assert Path(f'/proc/{box.leader()}/mountinfo').read_text() == mounts
    # A client that does not wait for the answer.
    client = Client(box)
    fd = os.open(volume, os.O_PATH)
    message = {'method': f'{INSTANCE}.AddStorage', 'parameters': {'fileDescriptorIndex': 0, 'name': 'late', 'config': '/mnt'}}
    socket.send_fds(client.socket, [json.dumps(message).encode() + b'\0'], [fd])
    os.close(fd)
    client.socket.close()
    wait_for(lambda: ' /mnt ' in Path(f'/proc/{box.leader()}/mountinfo').read_text())
    wait_for(lambda: storage(box, 'RemoveStorage', name='late') is None)


# -------------------------------------------------------------------- hostile clients

def size_of(pid, what='Pss'):
    """In kB."""
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    return int(next(line for line in text.splitlines() if line.startswith(f'{what}:')).split()[1])


def test_supervisor_is_small_again_after_a_call(machine):
    small = machine('busybox')
    small.start()
    pid = int(dict(line.split('=', 1) for line in Path(f'/run/box/{small.name}/state').read_text().splitlines())['SUPERVISOR'])
    time.sleep(2)           # until it has released what only a start needs
    before = size_of(pid)
    for _ in range(20):
        assert call(small, f'{MACHINE}.Describe')['supervisor'] == pid
    assert size_of(pid) > before + 100          # the libraries, for a moment

    def is_small():
        """What happens after a release brings code back, until the next one: a lease of the payload's, say."""
        call(small, f'{MACHINE}.Describe')
        time.sleep(1)
        return size_of(pid) < before + 100
    wait_for(is_small)


@pytest.fixture
def unharmed(box):
    """The machine goes on, with the same supervisor, which answers at once and has not grown."""
    pid, leader = supervisor(box), box.leader()
    before = size_of(pid, 'Pss_Anon')
    yield
    began = time.monotonic()
    assert (supervisor(box), box.leader(), box.is_active()) == (pid, leader, True)
    assert time.monotonic() - began < 20
    after = size_of(pid, 'Pss_Anon')
    assert after < before + 100, f'{after} kB, {before} before'


HOSTILE = {
    'nothing': b'\0', 'no json': b'hello\0', 'no object': b'[1,2]\0', 'no method': b'{}\0', 'open': b'{"method":\0',
    'binary': bytes(range(256)), 'not utf-8': b'{"method":"\xff\xfe"}\0', 'deep': b'[' * 60000 + b'\0', 'large': b' ' * 70000,
    'large and whole': b'{"method":"' + b'a' * 70000 + b'"}\0', 'twice': b'{"method":"a.b","method":"a.b"}\0',
    'parameters': b'{"method":"io.box.Machine.Describe","parameters":[]}\0', 'many': b'{"method":"a","x":[' + b'1,' * 20000 + b'1]}\0',
    'numbers': b'{"method":1e999}\0',
}


@pytest.mark.parametrize('name', HOSTILE)
def test_bytes_that_are_no_call(box, unharmed, name):
    client = Client(box)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.send(HOSTILE[name])
    assert client.is_closed()


def test_a_thousand_connections(box, unharmed):
    """Of another user: root still is served; and of root."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        script = ('import socket, sys, time\nfound = []\nfor i in range(1000):\n    s = socket.socket(socket.AF_UNIX)\n'
                  '    s.connect(sys.argv[1])\n    found.append(s)\nprint("connected", flush=True)\ntime.sleep(100)\n')
        other = subprocess.Popen([*NOBODY, 'sh', '-c', 'ulimit -n 2000; exec python3 -c "$1" "$2"', 'sh', script, path_of(box)],
                                 stdout=subprocess.PIPE, text=True)
        assert other.stdout.readline() == 'connected\n'
        began = time.monotonic()
        assert state(box) == 'running'
        assert time.monotonic() - began < 20
        mine = [Client(box) for _ in range(1000)]
        other.kill()
        other.wait()
        closed = 0
        for client in mine:
            client.socket.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                closed += client.is_closed()
        assert closed >= 900
        for client in mine:
            client.socket.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_for(lambda: call(box, f'{MACHINE}.Describe', check=False).returncode == 0)


def test_client_that_does_not_read(box, unharmed):
    """It is not sent more than it takes, and the others do not wait for it."""
    client = Client(box)
    client.socket.settimeout(1)
    request = json.dumps({'method': 'org.varlink.service.GetInterfaceDescription', 'parameters': {'interface': INSTANCE}})
    with pytest.raises(TimeoutError):
        for _ in range(5000):
            client.send(request.encode() + b'\0')
    assert state(box) == 'running'
    client.socket.close()


def test_half_a_message_holds_nothing_up(box, unharmed):
    clients = [Client(box) for _ in range(20)]
    for client in clients:
        client.send(b'{"method":"io.box.Machine.De')
    assert state(box) == 'running'
    clients[0].send(b'scribe"}\0')
    assert clients[0].receive()['parameters']['state'] == 'running'
    for client in clients:
        client.socket.close()


def test_descriptors_that_are_not_asked_for(box, unharmed):
    """They are closed again."""
    pid = supervisor(box)
    client = Client(box)
    client.send(f'{MACHINE}.Describe')
    assert client.receive()['parameters']['name'] == box.name           # so it was accepted
    before = len(os.listdir(f'/proc/{pid}/fd'))
    for _ in range(20):
        message = json.dumps({'method': f'{MACHINE}.Describe'}).encode() + b'\0'
        client.socket.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0, 1, 2]))])
        assert client.receive()['parameters']['name'] == box.name
    wait_for(lambda: len(os.listdir(f'/proc/{pid}/fd')) <= before)      # those of the last, after the answer
    client.socket.close()


def test_calls_without_an_answer_and_in_a_row(box, unharmed):
    client = Client(box)
    client.send(f'{MACHINE}.Describe', oneway=True)
    client.send(f'{INSTANCE}.No', oneway=True)
    client.send(f'{INSTANCE}.Describe')
    client.send(f'{INSTANCE}.Describe', parameters={})
    assert [client.receive(), client.receive()] == [{'parameters': {'running': True, 'status': 'running'}}] * 2
    client.socket.close()
