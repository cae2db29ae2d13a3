# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl and machines whose file system does not answer, or whose processes are frozen: other machines are not held up."""

import ctypes
import json
import os
import subprocess
import time

import pytest

from support import output, run, wait_for

CLONE_NEWNS = 0x20000
LIBC = ctypes.CDLL(None, use_errno=True)


def command(module_machine, name, users):
    machine = module_machine('busybox', name=name)
    machine.write_file(f'[Exec]\nBoot=no\nPrivateUsers={users}\nParameters=/bin/sleep 1000\n')
    machine.start()
    return machine


@pytest.fixture(scope='module', params=['no', 'pick'])
def machines(request, module_machine):
    return [command(module_machine, f'silent-{request.param}-{i}', request.param) for i in range(3)]


def mount_fuse(leader, target, fd):
    """In a child: a file system of FUSE whose requests nothing reads."""
    namespace = os.open(f'/proc/{leader}/ns/mnt', os.O_RDONLY)
    options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'.encode()
    if LIBC.setns(namespace, CLONE_NEWNS) or LIBC.mount(b'silent', target.encode(), b'fuse', 0, options):
        print(os.strerror(ctypes.get_errno()), flush=True)
        os._exit(1)
    os._exit(0)


@pytest.fixture
def silent(machines):
    """Two of three machines do not answer."""
    fds = []
    for machine, target in zip(machines, ('/etc', '/usr')):
        fd = os.open('/dev/fuse', os.O_RDWR)
        fds.append(fd)
        pid = os.fork()
        if pid == 0:
            mount_fuse(machine.leader(), target, fd)
        assert os.waitpid(pid, 0)[1] == 0
    yield machines
    # Its requests fail from now on.
    for fd in fds:
        os.close(fd)


def timed(*words, **options):
    began = time.monotonic()
    result = run('boxctl', *words, check=False, timeout=60, **options)
    return result, time.monotonic() - began


def test_list_does_not_wait(silent):
    result, took = timed('list')
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.startswith('silent-')}
    assert result.returncode == 0 and took < 20, (took, result.stderr)
    assert '(no answer)' in rows[silent[0].name]
    assert '(no answer)' not in rows[silent[2].name] and 'busybox' in rows[silent[2].name]
    rows = {row['machine']: row for row in json.loads(output('boxctl', 'list', '-o', 'json'))}
    assert [rows[m.name]['state'] for m in silent] == ['no answer', rows[silent[1].name]['state'], 'running']
    # machined was not made to wait, so that its other callers are not.
    began = time.monotonic()
    run('machinectl', 'show', silent[2].name)
    assert time.monotonic() - began < 20


def test_nothing_waits_for_a_process_that_is_left_behind(silent):
    """By the descriptors that it might have."""
    began = time.monotonic()
    text = subprocess.run('boxctl list | cat', shell=True, stdout=subprocess.PIPE, timeout=60, check=True, text=True).stdout
    assert time.monotonic() - began < 20 and all(m.name in text for m in silent)


def test_status_and_show_do_not_wait(silent):
    result, took = timed('status', silent[0].name)
    assert (result.returncode, took < 20) == (0, True) and 'State: its file system does not answer' in result.stdout
    result, took = timed('show', silent[0].name)
    assert (result.returncode, took < 20) == (0, True) and f'Leader={silent[0].leader()}' in result.stdout
    result, took = timed('status', silent[2].name)
    assert took < 20 and 'does not answer' not in result.stdout


@pytest.mark.parametrize('verb', ['shell', 'login'])
def test_entering_says_so(silent, verb):
    result, took = timed(verb, silent[0].name)
    assert (result.returncode, took < 20) == (5, True)
    assert result.stderr == f'boxctl: {silent[0].name}: A file system in the machine does not answer\n'
    result, took = timed('shell', silent[2].name, '/bin/true')
    assert (result.returncode, took < 20) == (0, True)


def test_kill_does_not_wait(silent):
    leader = silent[0].leader()
    for number, stopped in (('STOP', True), ('CONT', False)):
        result, took = timed('kill', f'--signal={number}', silent[0].name)
        assert (result.returncode, took < 20) == (0, True)
        wait_for(lambda: (output('ps', '--format=state=', '--pid', leader) == 'T') == stopped)


# -------------------------------------------------------------------- frozen

def test_frozen_machine_is_shown(machines):
    machine = machines[2]
    assert 'frozen' not in output('boxctl', 'list') + output('boxctl', 'status', '--lines=0', machine.name)
    run('systemctl', 'freeze', machine.unit)
    try:
        rows = {line.split()[0]: line for line in output('boxctl', 'list').splitlines() if line}
        assert 'busybox (frozen)' in rows[machine.name]
        assert 'frozen' not in rows[machines[1].name]
        assert f'State: frozen; to thaw it: boxctl thaw {machine.name}' in output('boxctl', 'status', '--lines=0', machine.name)
        page = json.loads(output('boxctl', 'status', '-o', 'json', machine.name))[0]
        assert page['state'] == 'frozen'
    finally:
        run('systemctl', 'thaw', machine.unit)
    wait_for(lambda: 'frozen' not in output('boxctl', 'list'))
