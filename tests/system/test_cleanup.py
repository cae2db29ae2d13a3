# SPDX-License-Identifier: LGPL-2.1-or-later
"""Leftovers of a killed supervisor do not hinder the next start, and its machine ends with it."""

import contextlib
import random
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

COMMAND = ('--private-users=pick', '--network-veth', '--console=read-only')
@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='orphan')


def gone(before):
    """The kernel kills the machine of a killed supervisor and frees its resources. The rest goes by
    --cleanup, which the unit does by itself; only a scope may be left, which systemd takes for active."""
    def same():
        return not [line for line in support.HostState.take().differences(before)
                    if line.startswith(('mounts', 'links', 'processes', 'namespaces', 'rules'))]
    wait_for(same, message='a killed supervisor left something')


def left_since(before):
    """New objects since then that are still there after some time for systemd and the kernel."""
    found = []

    def same():
        found[:] = support.HostState.take().differences(before)
        return not found
    with contextlib.suppress(AssertionError):
        wait_for(same)
    return found


def cgroup_is_empty(path):
    try:
        return 'populated 0' in (Path('/sys/fs/cgroup') / path / 'cgroup.events').read_text()
    except FileNotFoundError:
        return True


def start_by_hand(tree, *command):
    return subprocess.Popen(['box-run', '-M', tree.name, *COMMAND, *command], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_sigkill_while_starting(tree, host_state):
    """At many points of a start, and some after it."""
    before = host_state()
    points = random.Random(20240607)
    started = time.monotonic()
    run('box-run', '-M', tree.name, *COMMAND, '/bin/true')
    whole = time.monotonic() - started
    assert left_since(before) == []
    for _ in range(40):
        supervisor = start_by_hand(tree, '/bin/sleep', '1000')
        time.sleep(points.uniform(0, 1.2 * whole))
        supervisor.kill()
        supervisor.wait()
        wait_for(lambda: output('pgrep', '-x', 'sleep', '-P', '1', check=False) == '', timeout=60,
                 message='the machine outlived its supervisor')
    run('box-run', '--cleanup', '-M', tree.name)
    gone(before)
    result = run('box-run', '-M', tree.name, *COMMAND, '/bin/echo', 'it ran', check=False)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, 'it ran', '')
    assert left_since(before) == []


def test_sigkill_of_a_unit_s_supervisor(tree, host_state):
    before = host_state()
    for delay in (0.02, 0.05, 0.1, 0.3):
        run('systemctl', 'start', '--no-block', tree.unit)
        time.sleep(delay)
        run('systemctl', 'kill', '--signal=KILL', '--kill-whom=main', tree.unit, check=False)
        wait_for(lambda: tree.property('ActiveState') in ('failed', 'inactive'))
        assert cgroup_is_empty(f'machine.slice/{tree.unit}')
        run('systemctl', 'reset-failed', tree.unit, check=False)
    gone(before)
    tree.start()
    assert tree.is_active()
    assert run('machinectl', 'show', tree.name).returncode == 0
    tree.stop()
    assert left_since(before) == []


def test_stale_names_are_reused(tree, nothing_left):
    """Of a killed supervisor: a reused PID, a stale link, stale files."""
    locks = Path('/run/systemd/nspawn/locks')
    locks.mkdir(parents=True, exist_ok=True)
    status = tree.path.stat()
    (locks / f'inode-{status.st_dev}:{status.st_ino}').touch()
    (support.MACHINES / f'.#{tree.name}.lck').touch()
    Path('/run/systemd/nspawn/propagate', tree.name).mkdir(parents=True, exist_ok=True)
    Path('/run/box', tree.name).mkdir(parents=True, exist_ok=True)
    Path('/run/box', tree.name, 'state').write_text('LEADER=1\nSUPERVISOR=1\n')
    run('ip', 'link', 'add', f've-{tree.name}', 'alias', f'box:{tree.name}', 'type', 'veth', 'peer', 'name', 'stale0')
    run('ip', 'link', 'set', f've-{tree.name}', 'alias', f'box:{tree.name}')
    result = run('box-run', '-M', tree.name, *COMMAND, '/bin/echo', 'it ran', check=False)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, 'it ran', '')


@pytest.mark.parametrize('name', ['machines', 'journal', 'ports', 'locks'])
def test_names_that_are_not_special(tree, nothing_left, name):
    """Of what lies in /run/box for all machines, or did once."""
    directory = Path('/run/box', name)
    process = subprocess.Popen(['box-run', '-D', tree.path, '-M', name, '-U', '--port=tcp:18080:80', '--network-veth',
                                '--system-call-filter=bpf', '/bin/sleep', '60'], stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: name in output('boxctl', 'list', '--no-legend'))
        files = {'control', 'filter', 'settings', 'sources', 'state', 'steps'}      # some come after the payload runs
        wait_for(lambda: {path.name for path in directory.iterdir()} - {'note'} == files)
        assert (directory.stat().st_mode, (directory / 'state').stat().st_mode) == (0o40755, 0o100644)
        assert output('boxctl', 'shell', name, '/bin/echo', 'inside').strip() == 'inside'
    finally:
        process.terminate()
        process.wait(60)
    assert not directory.exists()


def test_stale_directory_is_removed(tree, nothing_left):
    """Of a killed supervisor, with all that is in it, by whoever sees it next."""
    directory = Path('/run/box', tree.name)
    process = start_by_hand(tree, '/bin/sleep', '60')
    wait_for((directory / 'state').exists)
    (directory / 'other').touch()
    assert tree.name in output('boxctl', 'list', '--no-legend')
    process.kill()
    process.wait()
    assert tree.name not in output('boxctl', 'list', '--no-legend', '-q', check=False)
    assert not directory.exists()
    run('box-run', '--cleanup', f'--machine={tree.name}')


def test_link_of_another_owner_is_refused(tree, nothing_left):
    run('ip', 'link', 'add', f've-{tree.name}', 'type', 'veth', 'peer', 'name', 'other0')
    try:
        result = run('box-run', '-M', tree.name, *COMMAND, '/bin/true', check=False)
        assert result.returncode != 0
        assert result.stderr.count('\n') == 1 and f've-{tree.name} already exists' in result.stderr
        assert run('ip', 'link', 'show', f've-{tree.name}').returncode == 0
    finally:
        run('ip', 'link', 'delete', f've-{tree.name}')


def test_sigkill_while_running(tree, nothing_left):
    tree.start()
    leader = tree.leader()
    cgroup = Path(f'/proc/{leader}/cgroup').read_text().split('::')[1].strip().lstrip('/')
    run('systemctl', 'kill', '--signal=KILL', '--kill-whom=main', tree.unit)
    wait_for(lambda: not Path(f'/proc/{leader}').exists())
    wait_for(lambda: cgroup_is_empty(cgroup))
    wait_for(lambda: tree.property('ActiveState') == 'failed')
    run('systemctl', 'reset-failed', tree.unit)
    tree.start()
    assert tree.leader() != leader
    tree.stop()
