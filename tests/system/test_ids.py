# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host users that a machine's users are mapped to: every mode of PrivateUsers=, odd ranges, maps of one's own, a map of one id."""

import os
import re
import time

import pytest

from support import output, run, wait_for

# Ends and reboots at once, where busybox's init would wait for processes that are not there
INIT = """#!/bin/sh
trap 'poweroff -f' TERM
trap 'reboot -f' USR2
while :; do sleep 0.1; done
"""
BOOT = '[Exec]\nBoot=yes\nKillSignal=SIGTERM\n[X-Box]\nInit=/fast-init\n'

MAPS = 'cat /proc/self/uid_map /proc/self/gid_map; id -u'


@pytest.fixture(scope='module')
def tree(module_machine):
    """A busybox tree with a file of user 42's and one of user 1000's."""
    machine = module_machine('busybox', name='ids')
    (machine.path / 'fast-init').write_text(INIT)
    (machine.path / 'fast-init').chmod(0o755)
    for name, uid in (('of-42', 42), ('of-1000', 1000)):
        directory = machine.path / name
        directory.mkdir()
        os.chown(directory, uid, uid)
    return machine


def inside(tree, script, *args, **options):
    return run('box-run', '-q', f'--machine={tree.name}', '--pipe', *args, '/bin/sh', '-c', script, **options)


def map_of(tree, *args):
    """The lines of both maps (which are the same), and the user that the command is."""
    lines = [tuple(map(int, line.split())) for line in inside(tree, MAPS, *args).stdout.splitlines()]
    maps, uid = lines[:-1], lines[-1][0]
    assert maps[:len(maps) // 2] == maps[len(maps) // 2:]
    return maps[:len(maps) // 2], uid


# -------------------------------------------------------------------- PrivateUsers=

@pytest.mark.parametrize('switch, want', [
    ('no', [(0, 0, 4294967295)]),
    ('identity', [(0, 0, 65536)]),
    ('yes', [(0, 0, 65536)]),                   # of a tree that belongs to 0
    ('0', [(0, 0, 65536)]),
    ('700000', [(0, 700000, 65536)]),
    ('524288:131072', [(0, 524288, 131072)]),
    ('524289:1000', [(0, 524289, 1000)]),
    ('1000:1', [(0, 1000, 1)]),
])
def test_mode(tree, switch, want):
    assert map_of(tree, f'--private-users={switch}') == (want, 0)


def test_mode_pick(tree):
    (line,), uid = map_of(tree, '--private-users=pick')
    assert line[0] == 0 and line[1] % 65536 == 0 and 524288 <= line[1] <= 1878982656 and line[2] == 65536 and uid == 0


def test_tree_of_a_range_is_that_range_s(tree, tmp_path):
    """yes: what its root directory belongs to. Nothing is mapped twice."""
    run('cp', '-a', f'{tree.path}/.', tmp_path)
    run('chown', '-R', '655360:655360', tmp_path)
    for mode in 'yes', 'pick':
        text = output('box-run', '-q', f'--directory={tmp_path}', '--machine=ids-2', f'--private-users={mode}', '--pipe',
                      '/bin/sh', '-c', 'cat /proc/self/uid_map; stat -c %u / /bin')
        assert text.split() == ['0', '655360', '65536', '0', '0']
    refused = run('box-run', '-q', f'--directory={tmp_path}', '--machine=ids-2', '--private-users=700000', '--pipe',
                  '/bin/true', check=False)
    assert refused.returncode == 1 and 'belongs to the ids from 655360 on' in refused.stderr


FOREIGN = 0x7FFE0000


@pytest.fixture(scope='module')
def foreign(tree, tmp_path_factory):
    """The tree, with owners of systemd's foreign range, and without some directories to mount on."""
    copy = tmp_path_factory.mktemp('foreign')
    run('cp', '-a', f'{tree.path}/.', copy)
    run('rm', '-rf', copy / 'sys', copy / 'run')
    for path in copy, *copy.rglob('*'):
        info = path.lstat()
        os.lchown(path, FOREIGN + info.st_uid, FOREIGN + info.st_gid)
    return copy


@pytest.mark.parametrize('switches', [['-U'], ['--private-users=700000'], ['-U', '--private-users-ownership=foreign'],
                                      ['--private-users=identity'], ['-U', '--private-users-ownership=map']])
def test_tree_of_the_foreign_range(foreign, switches):
    """Its owners are the machine's users, and remain of that range on disk."""
    (foreign / 'new').unlink(missing_ok=True)
    text = output('box-run', '-q', f'--directory={foreign}', '--machine=ids-3', *switches, '--pipe', '--bind=+/of-42:/mnt',
                  '/bin/sh', '-c', 'stat -c %u / /bin /of-42 /of-1000 /mnt; touch /new && chown 7:8 /new')
    assert text.split() == ['0', '0', '42', '1000', '42']
    assert ((foreign / 'new').stat().st_uid, (foreign / 'new').stat().st_gid) == (FOREIGN + 7, FOREIGN + 8)
    assert {path.lstat().st_uid - FOREIGN for path in foreign.rglob('*')} == {0, 7, 42, 1000}


@pytest.mark.parametrize('switches', [['--ephemeral'], ['--volatile=overlay'], ['--volatile=state'], ['--read-only']])
def test_tree_of_the_foreign_range_that_is_not_changed(foreign, switches):
    before = {path: path.lstat().st_mtime for path in foreign.rglob('*')}
    text = output('box-run', '-q', f'--directory={foreign}', '--machine=ids-3', '-U', *switches, '--pipe', '/bin/sh', '-c',
                  'touch /new-one 2>/dev/null; chown 42 /of-1000 2>/dev/null; stat -c %u / /of-42 /of-1000')
    writes = switches[0] in ('--ephemeral', '--volatile=overlay')
    assert text.split() == ['0', '42', '42' if writes else '1000']
    assert {path: path.lstat().st_mtime for path in foreign.rglob('*')} == before


def test_foreign_range_is_refused(tree, foreign):
    refused = run('box-run', '-q', f'--directory={foreign}', '--machine=ids-3', '--private-users=yes', '--pipe', '/bin/true', check=False)
    assert refused.returncode == 1 and 'which no machine may run with; use --private-users=pick' in refused.stderr
    refused = inside(tree, 'true', '-U', '--private-users-ownership=foreign', check=False)
    assert refused.returncode == 1 and 'not to those of the foreign range' in refused.stderr


def test_small_range_boots_reboots_and_stops(tree):
    """A machine with no user but root, and no group tty."""
    boots(tree, '[Exec]\nPrivateUsers=1000:1\n')


def boots(tree, text):
    tree.write_file(text + BOOT)
    tree.start()
    assert tree.is_active()
    assert 'root' in tree.exec('ls', '-l', '/dev/console').stdout
    leader = str(tree.leader())
    run('machinectl', 'kill', '--signal=SIGUSR2', '--kill-whom=leader', tree.name)
    wait_for(lambda: output('machinectl', 'show', '--value', '--property=Leader', tree.name, check=False) not in ('', leader))
    wait_for(tree.is_active)
    begin = time.monotonic()
    tree.stop()
    assert time.monotonic() - begin < 20 and tree.property('Result') == 'success'
    tree.file.unlink()


# -------------------------------------------------------------------- IdMap=

def test_map_with_one_host_user_passed_through(tree, tmp_path):
    """As for LXC: the host's user 1000 is the same in the machine, all others are from a range."""
    shared = tmp_path / 'shared'
    shared.mkdir()
    tmp_path.chmod(0o755)
    os.chown(shared, 1000, 1000)
    text = f'[Files]\nBind={shared}:/shared\n[X-Box]\nIdMap=0:700000:1000 1000:1000:1\nIdMap=1001:701001:64535\n'
    tree.write_file(text)
    maps, uid = map_of(tree)
    assert maps == [(0, 700000, 1000), (1000, 1000, 1), (1001, 701001, 64535)] and uid == 0

    script = 'stat -c %u /shared /of-1000 /of-42 /; touch /shared/new; chown 1000:1000 /shared/new; ' \
             'touch /of-42/new; chown 42 /of-42/new'
    assert inside(tree, script).stdout.split() == ['1000', '1000', '42', '0']
    assert (shared / 'new').stat().st_uid == 1000
    assert (tree.path / 'of-42/new').stat().st_uid == 42
    boots(tree, text)


def test_map_replaces_the_unit_s_choice(tree):
    """box@.service says -U."""
    tree.write_file(BOOT + 'IdMap=0:720896:65536\n')
    tree.start()
    assert re.split(r'\s+', tree.exec('cat', '/proc/self/uid_map').stdout.strip()) == ['0', '720896', '65536']
    assert '720896' in output('ls', '/run/systemd/nspawn-uid')
    other = run('box-run', '-q', '--machine=ids-3', f'--directory={tree.path}', '--read-only',
                '--private-users=720900:10', '--pipe', '/bin/true', env={**os.environ, 'SYSTEMD_NSPAWN_LOCK': 'no'}, check=False)
    assert other.returncode == 1 and 'Another machine uses some of the user ids 720900:10' in other.stderr
    tree.stop()
    assert '720896' not in output('ls', '/run/systemd/nspawn-uid')
    tree.file.unlink()


@pytest.mark.parametrize('text, message', [
    ('[Exec]\nPrivateUsers=pick\n[X-Box]\nIdMap=0:1000:1\n', 'ids.nspawn:4: IdMap=0:1000:1: only PrivateUsers=yes'),
    ('[X-Box]\nIdMap=0:1000:1\n[Exec]\nPrivateUsers=pick\n', 'ids.nspawn:4: PrivateUsers=pick: cannot be combined with IdMap='),
    ('[X-Box]\nIdMap=0:1000:2 1:3000:1\n', 'ids.nspawn:2: IdMap=0:1000:2 1:3000:1: 1:3000:1 overlaps with 0:1000:2'),
    ('[X-Box]\nIdMap=42:1000:1\n[Exec]\nBoot=yes\n', 'ids.nspawn:2: IdMap= has no id 0, which Boot= needs'),
])
def test_map_that_cannot_be(tree, text, message):
    tree.write_file(text)
    result = inside(tree, 'true', check=False)
    assert result.returncode == 1 and message in result.stderr
    tree.file.unlink()


# -------------------------------------------------------------------- one id

ONE = '[Exec]\nBoot=no\n[X-Box]\nIdMap=42:1000:1\n'


def test_one_id(tree):
    """User 42 is the host's 1000, and there is no other: no root, no capability; the tree's user 42 is it."""
    tree.write_file(ONE)
    assert map_of(tree) == ([(42, 1000, 1)], 42)
    script = 'grep Cap[PE] /proc/self/status; stat -c "%u %g" / /of-42 /dev /dev/null /run /tmp; id -g; id -G'
    lines = inside(tree, script).stdout.splitlines()
    assert [line.split()[1] for line in lines[:2]] == ['0' * 16] * 2
    assert lines[2:] == ['65534 65534', '42 42', '42 42', '42 42', '42 42', '42 42', '42', '42']

    result = inside(tree, 'touch /of-42/mine && touch /tmp/x && touch /run/x && ! touch /of-1000/not-mine && ! touch /not-mine')
    assert 'denied' in result.stderr
    assert (tree.path / 'of-42/mine').stat().st_uid == 42


def test_one_id_and_the_host(tree):
    """A process of it is the host's user 1000."""
    tree.write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 600\n[Network]\nVirtualEthernet=yes\n[X-Box]\nIdMap=42:1000:1\n')
    unit = ['systemd-run', '--collect', '--unit=ids-one', 'box-run', '-q', f'--machine={tree.name}']
    run(*unit)
    wait_for(lambda: output('machinectl', 'show', '--value', '--property=Leader', tree.name, check=False))
    wait_for(lambda: output('pgrep', '-u', '1000', 'sleep', check=False) == str(tree.leader()))
    assert output('nsenter', '-t', tree.leader(), '-a', '-S', '42', '-G', '42', '/bin/hostname') == tree.name
    run('systemctl', 'stop', 'ids-one')
    wait_for(lambda: not output('pgrep', '-u', '1000', 'sleep', check=False))


def test_one_id_on_the_terminal(tree, terminal):
    """The console belongs to it."""
    tree.write_file(ONE)
    child = terminal('box-run', '-q', f'--machine={tree.name}', '/bin/sh', '-c',
                     'stat -c "owner %u" /dev/console; read x; echo got $x')
    child.expect('owner 42')
    child.sendline('words')
    child.expect('got words')
    child.expect_exact('\r\n')


def test_one_id_with_a_tree_of_its_own(tree, tmp_path):
    """A tree that the host's user 1000 has unpacked is all user 42's, as it is on disk."""
    tree.file.unlink(missing_ok=True)
    run('cp', '-a', f'{tree.path}/.', tmp_path)
    run('chown', '-R', '1000:1000', tmp_path)
    tree.write_file(ONE)
    text = output('box-run', '-q', f'--directory={tmp_path}', f'--machine={tree.name}', '--pipe', '/bin/sh', '-c',
                  'stat -c %u / /bin /of-42; touch /new && stat -c %u /new')
    assert text.split() == ['42'] * 4
    assert (tmp_path / 'new').stat().st_uid == 1000


def test_one_id_in_a_tree_that_lacks_places_to_mount_on(tree, tmp_path):
    """Directories of root, in which no user of the machine could create them."""
    (tmp_path / 'data').write_text('of the host\n')
    for owner in 0, 1000:
        copy = tmp_path / f'tree-{owner}'
        copy.mkdir()
        run('cp', '-a', f'{tree.path}/.', copy)
        run('chown', '-R', f'{owner}:{owner}', copy)
        for name in 'run', 'tmp', 'dev', 'mnt':
            run('rm', '-rf', copy / name)
        tree.write_file(ONE + f'[Files]\nBind={tmp_path}/data:/mnt/new/data\nTemporaryFileSystem=/srv/new:uid=1000\n')
        text = output('box-run', '-q', f'--directory={copy}', f'--machine={tree.name}', '--pipe', '/bin/sh', '-c',
                      'cat /mnt/new/data; touch /srv/new/x && echo written')
        assert text == 'of the host\nwritten'
    tree.file.unlink()


def test_owneridmap_where_ids_are_not_in_one_row(tree, tmp_path):
    """The destination's owner has another host id than its number beyond root's."""
    source = tmp_path / 'source'
    source.mkdir()
    tmp_path.chmod(0o755)
    os.chown(source, 4711, 4711)
    tree.write_file(f'[Files]\nBind={source}:/of-42:owneridmap\nBind={source}:/of-1000:owneridmap\n'
                    '[X-Box]\nIdMap=0:700000:42 42:900000:1 43:700043:65000\n')
    assert inside(tree, 'stat -c %u /of-42 /of-1000').stdout.split() == ['42', '1000']
    tree.file.unlink()


@pytest.mark.parametrize('passwd, home, name', [('', '/', '42'), ('tool:x:42:42::/of-42:/bin/sh\n', '/of-42', 'tool')])
def test_one_id_has_the_environment_of_its_user(tree, passwd, home, name):
    """The user is looked up in the tree's passwd; a command, and a command below the stub init."""
    file = tree.path / 'etc/passwd'
    before = file.read_text()
    tree.write_file(ONE)
    file.write_text(before + passwd)
    try:
        for args in [], ['--as-pid2']:
            assert inside(tree, 'echo $HOME $USER $LOGNAME $(id -u):$(id -G) $(pwd)', *args).stdout.split()[:4] == [
                home, name, name, '42:42']
        assert inside(tree, 'exit 7', '--as-pid2', check=False).returncode == 7
    finally:
        file.write_text(before)
        tree.file.unlink()


def test_user_of_a_machine_without_root(tree):
    """One that is mapped, and one that is not."""
    tree.write_file('[Exec]\nBoot=no\nUser=7:7\n[X-Box]\nIdMap=42:1000:1 7:2000:1\n')
    assert inside(tree, 'id -u; cat /proc/self/uid_map').stdout.split() == ['7', '42', '1000', '1', '7', '2000', '1']
    tree.write_file('[Exec]\nBoot=no\nUser=root\n[X-Box]\nIdMap=42:1000:1\n')
    result = inside(tree, 'true', check=False)
    assert result.returncode == 1 and "User=root: the machine's user namespace has no id 0" in result.stderr
    tree.file.unlink()
