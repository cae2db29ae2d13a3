# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every step of a start may fail; the steps before it are undone.

Faults are put in by strace, into the program as it is installed: the N-th call of one kind fails with EIO, once. In the
supervisor N runs over every call it makes (thinned out where there are many of a kind); the child is reached by holding
the supervisor for a moment after clone3().
"""

import contextlib
import os
import re
import subprocess
from pathlib import Path

import pytest

import support
from support import run, wait_for

# System calls, the first N, and the step between those that are tried. The first N is after the dynamic loader's calls. Calls
# that close or remove are left out: if they fail, their objects are left.
SUPERVISOR = {
    'clone3': (1, 1), 'socketpair': (1, 1), 'clone': (1, 1), 'fsopen': (1, 2), 'fsmount': (1, 3), 'fsconfig': (1, 8),
    'open_tree': (1, 1), 'mount_setattr': (1, 1), 'mknodat': (1, 4), 'mkdir': (1, 3), 'mkdirat': (1, 6), 'symlinkat': (1, 9),
    'fchownat': (1, 18), 'fchmodat': (1, 1), 'fchown': (1, 1), 'openat': (8, 4), 'openat2': (1, 2), 'write': (1, 2),
    'sendmsg': (2, 1), 'sendto': (1, 2), 'recvfrom': (1, 2), 'ioctl': (2, 1), 'prlimit64': (4, 9), 'bind': (1, 1),
    'socket': (1, 2), 'renameat': (1, 1), 'flock': (1, 1), 'epoll_create1': (1, 1),
}
# The same in a unit, where box-run does other steps.
UNIT = {
    'clone3': (1, 1), 'mkdirat': (1, 1), 'openat': (22, 2), 'fchown': (1, 1), 'capset': (1, 1), 'sendmsg': (2, 1),
}
# The child's calls, with the N that are tried; each must occur.
CHILD = {
    'setgroups': [1], 'setresuid': [1], 'setns': [1], 'move_mount': [1], 'mount_setattr': [1], 'fsopen': [1], 'setsid': [1],
    'dup2': [2], 'sethostname': [1], 'sendto': [1], 'sendmsg': [1, 2], 'recvmsg': [1, 2, 3], 'unshare': [1, 2], 'seccomp': [1],
    'capset': [1], 'execve': [1],
}
# Calls of the supervisor's helpers, and the child's: strace counts those of each process.
HELPER = {
    'mount': (1, 1), 'move_mount': (1, 5), 'open_tree': (1, 5), 'mount_setattr': (1, 5), 'pivot_root': (1, 1),
    'umount2': (1, 1), 'unshare': (1, 1), 'setns': (1, 1), 'setgroups': (1, 1), 'setresuid': (1, 1), 'fsopen': (1, 1),
    'openat2': (1, 8), 'fchdir': (1, 1),
}
# Those without which no machine may run: it would lack a mount, or the lock on its mounts.
NEEDED = {'move_mount', 'open_tree', 'mount_setattr', 'pivot_root', 'unshare'}
COMMAND = ('--private-users=pick', '--network-veth', '--console=read-only', '/bin/sh', '-c', 'echo it ran')


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='faulty')


@pytest.fixture(autouse=True)
def awake():
    """machined exits when it is idle; its start would add to the time of a test."""
    run('systemctl', 'start', 'systemd-machined')


def left_since(before, timeout=60):
    found = []

    def same():
        found[:] = support.HostState.take().differences(before)
        return not found
    with contextlib.suppress(AssertionError):
        wait_for(same, timeout)
    return found


def judge(tree, result, before, what, may_run=True):
    """A start with a fault either fails, with one message and without leftovers, or runs its command."""
    said = [line for line in result.stderr.splitlines() if line]
    if result.returncode == 0:
        # The fault was in an optional step, or at the end; objects that could not be removed are left, but do not hinder
        # the next start.
        problems = [] if 'it ran' in result.stdout + what else ['the machine did not run']
        if not may_run:
            problems.append('the machine ran')
        if left_since(before, timeout=3):
            run('box-run', '-M', tree.name, *COMMAND)
            problems += left_since(before)
    else:
        problems = left_since(before)
        if len(said) != 1:
            problems.append('not one message')
        elif not re.match(r'box-run: .*(Input/output error|has no /usr)', said[0]):
            problems.append('a message that does not tell the cause')
    return [f'{what}: {problem}; status {result.returncode}, {said}' for problem in problems]


def supervisor_fault(tree, call, n, log, prefix=(), switches=(), follow=()):
    log.unlink(missing_ok=True)
    result = run(*prefix, 'strace', '-qq', *follow, '-o', log, '-e', f'trace={call}', '-e', f'inject={call}:error=EIO:when={n}',
                 'box-run', *switches, '-M', tree.name, *COMMAND, check=False, timeout=60)
    hit = [line for line in log.read_text(errors='replace').splitlines() if '(INJECTED)' in line]
    return result, hit[0] if hit else None


def faults_in_supervisor(tree, before, call, first, step, may_run=True, **options):
    """Tries every step-th call until none fails; returns the problems found."""
    problems, n = [], first
    while True:
        result, hit = supervisor_fault(tree, call, n, **options)
        if not hit:
            break
        problems += judge(tree, result, before, f'{n}: {hit}', may_run)
        n += step
    assert n > first
    # the next start works
    assert result.returncode == 0 and result.stdout.strip() == 'it ran', result.stderr
    return problems


@pytest.mark.parametrize('call', SUPERVISOR)
def test_fault_in_supervisor(tree, host_state, tmp_path, call):
    assert faults_in_supervisor(tree, host_state(), call, *SUPERVISOR[call], log=tmp_path / 'log') == []


@pytest.mark.parametrize('call', HELPER)
def test_fault_in_helper(tree, host_state, tmp_path, call):
    assert faults_in_supervisor(tree, host_state(), call, *HELPER[call], log=tmp_path / 'log', follow=['-f'],
                                may_run=call not in NEEDED) == []


def test_mount_that_cannot_be_attached_fails_the_start(tree, tmp_path):
    """None of them is optional: a machine without a mount that hides or protects something must not run."""
    n, log = 1, tmp_path / 'log'
    while True:
        result, hit = supervisor_fault(tree, 'move_mount', n, log, follow=['-f'], switches=['--bind-ro=/etc:/srv'])
        if not hit:
            break
        assert result.returncode == 1 and 'it ran' not in result.stdout, hit
        n += 1
    assert n > 10 and 'it ran' in result.stdout


@pytest.mark.parametrize('call', UNIT)
def test_fault_in_supervisor_in_a_unit(tree, host_state, tmp_path, call):
    """Here the cgroup is divided, and unneeded privileges are dropped."""
    unit = ('systemd-run', '--quiet', '--collect', '--wait', '--pipe', '--slice=machine.slice', '--property=Delegate=yes',
            '--unit=faulty')
    assert faults_in_supervisor(tree, host_state(), call, *UNIT[call], log=tmp_path / 'log', prefix=unit,
                                switches=['--keep-unit']) == []


def child_of(pid):
    """The first child of a process, when it runs box-run."""
    try:
        child = int(Path(f'/proc/{pid}/task/{pid}/children').read_text().split()[0])
        return child if os.readlink(f'/proc/{child}/exe').endswith('/box-run') else None
    except (OSError, IndexError):
        return None


def child_fault(tree, call, n, log):
    """The child is delayed long enough to be traced, unless the host is very busy."""
    for _ in range(5):
        result = try_child_fault(tree, call, n, log)
        if '(INJECTED)' in log.read_text(errors='replace'):
            return result
    raise AssertionError(f'{call} {n} did not hit')


def try_child_fault(tree, call, n, log):
    held = subprocess.Popen(['strace', '-qq', '-o', '/dev/null', '-e', 'trace=clone3', '-e',
                             'inject=clone3:delay_exit=250000', 'box-run', '-M', tree.name, *COMMAND],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        supervisor = wait_for(lambda: child_of(held.pid), interval=0.005)
        child = wait_for(lambda: child_of(supervisor), interval=0.005)
        injector = subprocess.Popen(['strace', '-qq', '-o', log, '-p', str(child), '-e', f'trace={call}', '-e',
                                     f'inject={call}:error=EIO:when={n}'], stdin=subprocess.DEVNULL)
        try:
            stdout, stderr = held.communicate(timeout=60)
            injector.wait(timeout=60)
        finally:
            injector.kill()
    finally:
        held.kill()
    return subprocess.CompletedProcess(held.args, held.returncode, stdout, stderr)


@pytest.mark.parametrize('call', CHILD)
def test_fault_in_child(tree, host_state, tmp_path, call):
    before, problems = host_state(), []
    for n in CHILD[call]:
        result = child_fault(tree, call, n, tmp_path / 'log')
        assert result.returncode != 0
        problems += judge(tree, result, before, f'{call} {n}')
    assert problems == []


def test_fault_in_a_unit_is_in_its_status(tree, nothing_left, tmp_path):
    # -D: box-run is the main process, not strace
    tree.write_unit_settings('[Service]\nExecStart=\nExecStart=/usr/bin/strace -D -f -qq -o /dev/null -e trace=pivot_root '
                             '-e inject=pivot_root:error=EIO:when=1 /usr/bin/box-run --quiet --keep-unit --boot '
                             '--network-veth -U --settings=override --machine=%i\n')
    assert tree.start(check=False).returncode != 0
    assert tree.property('StatusText') == "Failed to make the machine's tree its root: Input/output error"
    assert tree.property('StatusErrno') == '5'
    run('journalctl', '--sync')
    assert tree.journal().count("Failed to make the machine's tree its root: Input/output error") == 1
    run('systemctl', 'reset-failed', tree.unit)
    (Path('/etc/systemd/system') / f'{tree.unit}.d/test.conf').unlink()
    run('systemctl', 'daemon-reload')
    tree.start()
    tree.stop()
