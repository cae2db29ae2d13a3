# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every step of what goes over a tree may fail, and what was done by then is undone: the layers, temporary directories and
overlays of a start, and the copy of a template. Faults are put in as test_faults.py has it."""

import re
from pathlib import Path

import pytest

import support
from support import run, wait_for

# Kinds of calls, and which of them fail; each has to hit. First the supervisor's own, …
MOUNTS = {
    'open_tree': [1, 2, 5], 'mount_setattr': [1, 4], 'fsopen': [1], 'fsmount': [1, 2], 'mkdirat': [1, 2, 5],
    'fchownat': [1, 4], 'fchmodat': [1], 'flock': [1, 2], 'clone': [1, 2], 'openat2': [4],      # the first ones look at what the tree is
}
# … then those of every process of a start, the helper that makes an overlay among them, …
HELPER = {
    'setns': [1], 'move_mount': [1, 3], 'fsconfig': [1, 2, 4], 'fsopen': [1], 'prctl': [1], 'mount': [1],
}
# … and those that copy.
COPY = {
    'mkdirat': [1, 2], 'symlinkat': [1, 200], 'fchownat': [150], 'utimensat': [200], 'getdents64': [9], 'linkat': [1],
    'copy_file_range': [1], 'ftruncate': [1], 'listxattr': [1], 'renameat2': [1], 'chmod': [1], 'openat': [40, 300],
    'mknodat': [1], 'setxattr': [1], 'flock': [1], 'open_tree': [1],
}


@pytest.fixture(scope='module')
def tree(module_machine):
    machine = module_machine('busybox', name='faulty-files')
    (machine.path / 'srv').mkdir()
    run('cp', '-l', machine.path / 'etc/passwd', machine.path / 'srv/hard')
    run('mknod', machine.path / 'srv/null', 'c', '1', '3')
    with (machine.path / 'srv/sparse').open('wb') as sparse:
        sparse.truncate(1 << 20)
    run('setcap', 'cap_net_raw+ep', machine.path / 'srv/hard')
    return machine


@pytest.fixture(scope='module', autouse=True)
def var_tmp():
    path = support.MACHINES / '.faulty-var-tmp'
    path.mkdir()
    run('mount', '--bind', path, '/var/tmp')
    yield path
    run('umount', '/var/tmp')
    path.rmdir()


@pytest.fixture
def switches(tree):
    up = support.MACHINES / '.faulty-layers/up'
    low = up.parent / 'low'
    for path in (low, up):
        path.mkdir(parents=True)
    yield ['-M', tree.name, '-x', '-U', '--bind=:/scratch', f'--overlay={low}:{up}:/mnt', '--overlay=+/etc::/etc',
           '--tmpfs=/sys/firmware', '--private-network']
    support.remove_tree(up.parent)


def start(switches, prefix=()):
    return run(*prefix, 'box-run', *switches, '--register=no', '--console=read-only', '/bin/sh', '-c', 'echo it ran', check=False,
               timeout=60)


def fault(call, n, log, switches, follow=False):
    """A start with that fault in it, and the call that it hit."""
    log.unlink(missing_ok=True)
    result = start(switches, ['strace', '-qq', *(['-f'] if follow else []), '-o', log, '-e', f'trace={call}', '-e',
                              f'inject={call}:error=EIO:when={n}'])
    hit = [line for line in log.read_text(errors='replace').splitlines() if '(INJECTED)' in line]
    assert hit, f'{call} {n} did not hit'
    return result, f'{n}: {hit[0]}'


def left():
    """Objects that such a start creates outside its namespaces."""
    places = [support.MACHINES, Path('/var/tmp'), support.MACHINES / '.faulty-layers', Path('/run/systemd/nspawn-uid'),
              Path('/run/systemd/nspawn/locks'), Path('/run/systemd/nspawn/propagate'), Path('/run/box'), Path('/run/box/.locks')]
    files = {path for place in places if place.exists() for path in place.iterdir()} - {Path('/run/box/.lock'), Path('/run/box/.locks'), Path('/run/box/.failed'), Path('/run/box/.journal')}
    return files | {line.split()[4] for line in Path('/proc/self/mountinfo').read_text().splitlines()}


def problems_of(result, what, before):
    """One message that tells the cause, and nothing left."""
    said = [line for line in result.stderr.splitlines() if line]
    found = [f'left: {item}' for item in left() - before]
    if len(said) != 1 or not re.match('box-run: .*Input/output error', said[0]):
        found.append('not one message with the cause')
    return [f'{what}: {problem}; status {result.returncode}, {said}' for problem in found]


@pytest.fixture(scope='module', autouse=True)
def all_gone(tree):
    """Objects that take longer to compare."""
    before = support.HostState.take()
    yield
    wait_for(lambda: support.HostState.take().differences(before) == [])


def faults(call, numbers, log, switches, follow=False):
    problems, before = [], left()
    for n in numbers:
        result, what = fault(call, n, log, switches, follow)
        if result.returncode == 0:
            # it could not remove something, or do without; the next such start does
            assert 'it ran' in result.stdout
            start(switches)
            problems += [f'{what}: left: {item}' for item in left() - before]
        else:
            problems += problems_of(result, what, before)
    assert 'it ran' in start(switches).stdout
    return problems + [f'left: {item}' for item in left() - before]


@pytest.mark.parametrize('call', MOUNTS)
def test_fault_in_mounts(switches, tmp_path, call):
    assert faults(call, MOUNTS[call], tmp_path / 'log', switches) == []


@pytest.mark.parametrize('call', HELPER)
def test_fault_in_the_helper(switches, tmp_path, call):
    assert faults(call, HELPER[call], tmp_path / 'log', switches, follow=True) == []


@pytest.fixture
def target():
    path = support.MACHINES / 'faulty-new'
    yield path
    support.remove_tree(path)


@pytest.mark.parametrize('call', COPY)
def test_fault_in_a_copy(tree, target, tmp_path, call):
    problems, before = [], left()
    for n in COPY[call]:
        result, what = fault(call, n, tmp_path / 'log', ['-q', '-D', target, '-M', tree.name, f'--template={tree.path}'])
        support.remove_tree(target) if result.returncode == 0 else None
        problems += problems_of(result, what, before) if result.returncode else []
    assert problems == [] and left() - before == set()
