# SPDX-License-Identifier: LGPL-2.1-or-later
"""Destinations of mounts that are links without a target yet, as /etc/resolv.conf of most distributions, which leads into a
/run that is empty at the start."""

from pathlib import Path

import pytest

import support
from support import run, wait_for

BARE = ('--resolv-conf=off', '--timezone=off', '--link-journal=no')
USERS = ('--private-users=pick', '--private-users=no')
# link in the tree: target, where the target is in the machine
LINKS = {
    'relative': ('../run/systemd/resolve/stub-resolv.conf', '/run/systemd/resolve/stub-resolv.conf'),
    'absolute': ('/run/absolute/file', '/run/absolute/file'),
    'climbing': ('../../../../../../run/climbing/file', '/run/climbing/file'),
    'in-tree': ('../var/missing/file', '/var/missing/file'),
    'twice': ('relative', '/run/systemd/resolve/stub-resolv.conf'),
    'sibling': ('other', '/etc/other'),
}
PARENT_LINKS = {'lock': ('../run/lock', '/run/lock'), 'absent': ('/run/a/b', '/run/a/b')}


@pytest.fixture(scope='module')
def all_gone():
    before = support.HostState.take()
    yield
    wait_for(lambda: support.HostState.take().differences(before) == [])


@pytest.fixture(scope='module')
def tree(all_gone, module_machine):
    machine = module_machine('busybox', name='fp')
    for name, (target, _) in {**LINKS, **PARENT_LINKS}.items():
        (machine.path / 'etc' / name).symlink_to(target)
    (machine.path / 'etc/circle').symlink_to('circle')
    yield machine


@pytest.fixture
def source(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / 'source'
    path.write_text('of the host\n')
    return path


def box_run(tree, users, *switches, script, check=True):
    result = run('box-run', '--quiet', *BARE, '-M', tree.name, users, '--pipe', '--register=no', *switches, '/bin/sh', '-c',
                 script, check=check)
    return result.stdout.strip() if check else result


@pytest.fixture(autouse=True)
def no_host_files(tree):
    """What is made for a link is in the machine, never on the host."""
    before = {path: path.exists() for path in map(Path, ('/run/absolute', '/run/climbing', '/run/a', '/var/missing', '/etc/other'))}
    yield
    assert {path: path.exists() for path in before} == before


@pytest.mark.parametrize('users', USERS)
@pytest.mark.parametrize('kind', ['--bind', '--bind-ro'])
def test_bind_on_a_link_without_a_target(tree, source, kind, users):
    seen = box_run(tree, users, *(f'{kind}={source}:/etc/{name}' for name in LINKS if name not in ('twice',)),
                   script='cd /etc; cat ' + ' '.join(LINKS) + '; grep -c " /run/systemd/resolve/stub-resolv.conf " '
                          '/proc/self/mountinfo; test -L relative && echo still a link')
    assert seen.splitlines() == ['of the host'] * len(LINKS) + ['1', 'still a link']


@pytest.mark.parametrize('users', USERS)
def test_bind_on_a_link_to_a_link(tree, source, users):
    assert box_run(tree, users, f'--bind-ro={source}:/etc/twice', script='cat /etc/relative') == 'of the host'


@pytest.mark.parametrize('users', USERS)
def test_tmpfs_and_overlays_below_links(tree, source, users):
    """A parent of the destination is such a link."""
    lower, upper = source.parent / 'lower', source.parent / 'upper'
    lower.mkdir()
    upper.mkdir()
    (lower / 'source').write_text(source.read_text())
    seen = box_run(tree, users, '--tmpfs=/etc/lock', '--tmpfs=/etc/absent/tmp', f'--overlay-ro={lower}:{upper}:/etc/absent/over/x',
                   f'--bind={lower}:/etc/lock/below', f'--bind-ro={source}:/etc/lock/deep/er/file',
                   script='stat -f -c %T /run/lock /run/a/b/tmp; cat /run/a/b/over/x/source /run/lock/below/source '
                          '/run/lock/deep/er/file')
    assert seen.splitlines() == ['tmpfs', 'tmpfs'] + ['of the host'] * 3


@pytest.mark.parametrize('mode', ['--read-only', '--volatile=state', '--volatile=overlay'])
def test_link_of_a_read_only_tree(tree, source, mode):
    """The tree itself gets nothing: the link leads out of it."""
    assert box_run(tree, USERS[0], mode, f'--bind-ro={source}:/etc/relative', script='cat /etc/relative') == 'of the host'
    assert list((tree.path / 'run').iterdir()) == []


def test_missing_place_in_a_read_only_tree(tree, source):
    """Created in the tree, as by systemd-nspawn, which stays read-only for the machine."""
    seen = box_run(tree, USERS[0], '--read-only', f'--bind-ro={source}:/srv/new/file', script='cat /srv/new/file; touch /x 2>&1; true')
    assert seen.splitlines() == ['of the host', 'touch: /x: Read-only file system']


def test_circle_is_refused(tree, source):
    result = box_run(tree, USERS[0], f'--bind={source}:/etc/circle', script='true', check=False)
    assert result.returncode == 1
    assert '/etc/circle' in result.stderr and 'Too many levels of symbolic links' in result.stderr, result.stderr


@pytest.mark.parametrize('users', USERS)
def test_resolv_conf_where_no_init_runs(tree, users):
    """As systemd-resolved would: the host's file, at the end of the link."""
    link = tree.path / 'etc/resolv.conf'
    saved = link.read_bytes() if link.is_file() else None
    link.unlink(missing_ok=True)
    link.symlink_to('../run/systemd/resolve/stub-resolv.conf')
    try:
        result = run('box-run', '--quiet', '-M', tree.name, users, '--pipe', '--register=no', '--link-journal=no',
                     '--resolv-conf=copy-host', '/bin/sh', '-c', 'cat /etc/resolv.conf; readlink /etc/resolv.conf')
        assert result.stdout == Path('/etc/resolv.conf').read_text() + '../run/systemd/resolve/stub-resolv.conf\n'
        assert result.stderr == ''
    finally:
        link.unlink()
        if saved is not None:
            link.write_bytes(saved)
