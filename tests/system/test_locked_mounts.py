# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root of a machine tries to undo its mounts (undo-mounts.c): every kind, in every way to start one. With a user namespace all
is refused, and what the mounts protect stays as it is; without one, nothing can be locked (SECURITY.md). Nor are nodes in trees
and directories devices."""

from pathlib import Path

import pytest

import support
from support import run
from test_images import disk, loop_nodes, parts      # noqa: F401: fixtures
from test_oci import Bundle

HERE = Path(__file__).parent
BARE = ('--resolv-conf=off', '--timezone=off', '--link-journal=no')
USER = 'undo-user'
SOURCE = support.MACHINES / '.undo'
UPPER = support.MACHINES / '.undo-upper'


@pytest.fixture(scope='module')
def undo():
    """The program, for any tree."""
    program = Path('/run/undo-mounts')
    run('gcc', '-static', '-O1', '-o', program, HERE / 'undo-mounts.c')
    yield program
    program.unlink()


@pytest.fixture(scope='module')
def tree(module_machine, undo):
    machine = module_machine('busybox', name='undo')
    run('cp', undo, machine.path / 'undo')
    for name in ('ro', 'rw', 'file', 'tmp', 'over', 'over-ro', 'own'):
        (machine.path / 'mnt' / name).mkdir(parents=True) if name != 'file' else (machine.path / 'mnt/file').touch()
    (machine.path / 'secret').write_text('secret\n')
    (machine.path / 'secrets').mkdir()
    (machine.path / 'secrets/one').write_text('secret\n')
    return machine


@pytest.fixture(autouse=True, scope='module')
def source():
    """Files of the host that are given to machines read-only, writable for everyone but for that."""
    SOURCE.mkdir()
    UPPER.mkdir()
    SOURCE.chmod(0o777)
    (SOURCE / 'file').write_text('of the host\n')
    (SOURCE / 'file').chmod(0o666)
    run('useradd', '--create-home', USER)
    yield
    run('userdel', '--remove', USER, check=False)
    assert (SOURCE / 'file').read_text() == 'of the host\n' and [path.name for path in SOURCE.iterdir()] == ['file']
    support.remove_tree(SOURCE)
    support.remove_tree(UPPER)


def inside(tree, script, *switches):
    return run('box-run', '--quiet', *BARE, '--pipe', '--register=no', *tree, *switches, '/bin/sh', '-c', script).stdout


# Every kind: switches, and the mount points.
KINDS = {
    'settings': ([f'--bind-ro={SOURCE}:/mnt/ro', f'--bind-ro={SOURCE}/file:/mnt/file', f'--bind-ro={SOURCE}:/usr/share:idmap',
                  '--tmpfs=/mnt/tmp', f'--overlay=+/usr:{UPPER}:/mnt/over', '--overlay-ro=+/usr::/mnt/over-ro',
                  '--inaccessible=/secret', '--inaccessible=/secrets', '--inaccessible=/proc/uptime',
                  '--set-credential=a:b'],
                 ['/', '/mnt/ro', '/mnt/file', '/usr/share', '/mnt/tmp', '/mnt/over', '/mnt/over-ro', '/secret', '/secrets',
                  '/proc/uptime', '/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/tmp', '/run', '/run/host',
                  '/run/host/incoming', '/run/host/unix-export', '/run/host/credentials']),
    'read-only': (['--read-only'], ['/']),
    'volatile': (['--volatile=yes'], ['/', '/usr']),
    'volatile-state': (['--volatile=state'], ['/', '/var']),
    'volatile-overlay': (['--volatile=overlay'], ['/']),
    'ephemeral': (['--ephemeral', '--private-network', '--inaccessible=/sys/class'], ['/', '/sys', '/sys/class']),
    'root': ([f'--bind-ro={support.TREES}/busybox:/'], ['/']),
}


@pytest.mark.parametrize('kind', KINDS)
def test_locked(tree, kind):
    switches, places = KINDS[kind]
    places = ' '.join(places)
    users = '--private-users=1966080000' if kind == 'root' else '-U'
    assert inside(['-M', tree.name], f'/run/undo {places}; /run/undo -d {places}', users, *switches,
                  f'--bind-ro={tree.path}/undo:/run/undo') == ''


def test_what_is_protected(tree):
    """By commands, and after each of them."""
    switches, _ = KINDS['settings']
    script = '''
        for p in / /mnt/ro /mnt/file /mnt/over-ro /usr/share; do
            mount -o remount,rw,bind $p; mount -o remount,rw $p; umount $p; umount -l $p
        done 2>/dev/null
        for p in /secret /secrets /proc/uptime /run/host /run; do umount $p; umount -l $p; mount --move $p /tmp; done 2>/dev/null
        unshare -m umount /secret 2>/dev/null; unshare -Um umount -l /secret 2>/dev/null
        mount --bind / /mnt/own 2>/dev/null && ls /mnt/own/secrets && cat /mnt/own/secret
        mount --rbind / /mnt/own && umount -l /mnt/own/secret 2>/dev/null
        cat /secret /secrets/one /mnt/own/secret /mnt/own/secrets/one 2>/dev/null
        echo x >/mnt/ro/new; echo x >>/mnt/file; echo x >/mnt/own/mnt/ro/file; echo x >/mnt/over-ro/x
    '''
    out = run('box-run', '--quiet', *BARE, '--pipe', '--register=no', '-M', tree.name, '-U', *switches, '/bin/sh', '-c', script,
              check=False)
    assert out.stdout == ''
    assert out.stderr.count('Read-only file system') == 4, out.stderr


def attacks(text):
    """Attack to the places where it worked."""
    found = {}
    for line in text.splitlines():
        attack, place = line.split(' ', 1)
        found.setdefault(attack, set()).add(place)
    return found


def test_without_user_namespace(tree):
    """Nothing is locked against root of the host: the program sees what it looks for."""
    switches, places = KINDS['settings']
    found = attacks(inside(['-M', tree.name], f'/undo {" ".join(places)}', '--private-users=no', *switches))
    assert found['detach'] == set(places)
    assert {'/mnt/ro', '/mnt/file', '/usr/share', '/secret', '/run/host'} <= found['remount'] & found['set-attributes']
    assert {'/mnt/ro', '/mnt/over', '/secret'} <= found['unmount'] & found['move'] & found['move-new'] & found['clone-parent']
    assert {'/mnt/tmp', '/secret'} <= found['bind-parent'] & found['unmount-in-copy']


def test_own_mounts_are_the_machine_s(tree):
    script = '''mount -t tmpfs own /mnt/own; mkdir /mnt/own/a /mnt/own/b; mount --bind /mnt/own/a /mnt/own/b
                mount -o remount,bind,ro,nosuid,nodev,noexec /mnt/own/b; /undo /mnt/own/b
                umount /mnt/own/b && mount --bind /secrets /mnt/own/b && umount /mnt/own/b && umount /mnt/own && echo undone it'''
    out = inside(['-M', tree.name], script, '-U')
    assert out.endswith('undone it\n')
    assert set(attacks(out)) >= {'remount', 'set-attributes', 'move', 'move-new', 'clone-parent', 'unmount-in-copy', 'unmount',
                                 'detach'}


def test_own_protections_of_proc_and_sys_are_not_locked(tree):
    """Locked, they would forbid nested machines a proc and a sysfs of their own."""
    found = attacks(inside(['-M', tree.name], '/undo /proc/sys /proc/kallsyms /sys /sys/fs/cgroup', '-U'))
    assert found['detach'] == {'/proc/sys', '/proc/kallsyms', '/sys', '/sys/fs/cgroup'}
    # unless a setting names a path in them
    out = inside(['-M', tree.name], '/undo /proc/sys /sys /sys/kernel', '-U', '--inaccessible=/proc/sys/kernel',
                 '--inaccessible=/sys/kernel')
    assert out == ''


def test_bound_user(tree):
    assert inside(['-M', tree.name], f'/undo /run/host/home/{USER} /run/host', '-U', f'--bind-user={USER}') == ''


def test_image(disk, undo):        # noqa: F811: a fixture
    image = disk('gpt', ('4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709', 'root'), ('933AC7E1-2EB4-4F13-B844-0E14E2AEF915', 'home'),
                 ('3B8F8425-20E0-4F3B-907F-1A25A76F98E8', 'srv'))
    for switches, places in ([], '/ /home /srv'), (['--read-only'], '/ /home /srv'), (['--volatile=overlay'], '/ /home /srv'), \
                            (['--volatile'], '/ /usr'), (['--ephemeral'], '/ /home'):
        out = inside(['-i', image], f'/run/undo {places}; /run/undo -d {places}', '-U', *switches, f'--bind-ro={undo}:/run/undo')
        assert out == '', switches


ALL_CAPS = [f'CAP_{name}' for name in ('SYS_ADMIN', 'SYS_CHROOT', 'SYS_PTRACE', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'SETUID',
                                       'SETGID', 'CHOWN', 'FOWNER', 'MKNOD')]


@pytest.mark.parametrize('user_namespace', [True, False])
def test_bundle(undo, tmp_path, user_namespace):
    bundle = Bundle(tmp_path / 'bundle')
    run('cp', undo, bundle.path / 'rootfs/undo')
    bundle.set('process/capabilities', {name: ALL_CAPS for name in ('bounding', 'permitted', 'effective')})
    bundle.config['linux']['maskedPaths'] += ['/etc/passwd', '/usr/share']
    bundle.config['linux']['readonlyPaths'] += ['/var']
    bundle.set('mounts/+', {'destination': '/root', 'type': 'bind', 'source': str(SOURCE), 'options': ['rbind', 'ro']})
    if user_namespace:
        bundle.set('linux/namespaces/+', {'type': 'user'})
        for kind in 'uidMappings', 'gidMappings':
            bundle.set(f'linux/{kind}', [{'containerID': 0, 'hostID': 1966080000, 'size': 65536}])
    covered = [path for path in (*bundle.config['linux']['maskedPaths'], *bundle.config['linux']['readonlyPaths'])
               if Path(path).exists() or path in ('/etc/passwd', '/usr/share', '/var')]
    assert '/proc/sys' in covered and '/proc/keys' in covered
    found = attacks(bundle.box('/undo', '/', '/root', *covered, switches=['--register=no']).stdout)
    if user_namespace:
        assert found == {}
    else:
        assert set(covered) - {'/proc/sys'} <= found['detach'] and '/root' in found['set-attributes']


# -------------------------------------------------------------------- device nodes

@pytest.fixture(scope='module')
def nodes(tree):
    """Nodes that everyone may open: in the tree, in a directory beside it, and in the host's /dev."""
    places = [tree.path / 'nodes', support.MACHINES / '.undo-nodes', Path('/dev/undo')]
    loop = run('losetup', '--find', '--show', '--read-only', tree.path / 'bin/busybox').stdout.strip()
    for place in places:
        place.mkdir()
        run('mknod', '-m', '666', place / 'null', 'c', '1', '3')
        run('mknod', '-m', '666', place / 'loop', 'b', '7', loop.removeprefix('/dev/loop'))
    yield places[1]
    run('losetup', '--detach', loop)
    for place in places:
        run('rm', '-r', place)


def opened(tree, users, *switches):
    """The nodes that a machine can open."""
    script = '''for p in /nodes/* /mnt/rw/* /mnt/over/* /mnt/file /dev/undo/null; do
                    [ -c $p -o -b $p ] && (: <$p) 2>/dev/null && echo $p
                done; true'''
    return inside(['-M', tree.name], script, users, *switches).split()


@pytest.mark.parametrize('ways', [[], ['--read-only'], ['--ephemeral'], ['--volatile=overlay']], ids=lambda ways: ''.join(ways) or 'tree')
def test_nodes_in_the_tree(tree, nodes, ways):
    assert opened(tree, '-U', *ways) == []
    assert '/nodes/null' in opened(tree, '--private-users=no', *ways)


def test_nodes_in_directories(tree, nodes):
    ways = [f'--bind={nodes}:/mnt/rw', f'--overlay-ro={nodes}:{SOURCE}:/mnt/over']
    assert opened(tree, '-U', *ways) == []
    assert {'/mnt/rw/null', '/mnt/over/null'} <= set(opened(tree, '--private-users=no', *ways))
    # shown on purpose: a node, and a directory of /dev
    assert opened(tree, '-U', f'--bind={nodes}/null:/mnt/file', '--bind=/dev/undo:/mnt/rw', '--bind=/dev/undo') == [
        '/mnt/rw/null', '/mnt/file', '/dev/undo/null']


def test_nodes_in_an_image(undo, tmp_path):
    files, image = tmp_path / 'files', tmp_path / 'nodes.raw'
    support.copy_tree('busybox', files)
    (files / 'nodes').mkdir()
    run('mknod', '-m', '666', files / 'nodes/null', 'c', '1', '3')
    run('mkfs.ext4', '-q', '-d', files, image, '24M')
    script = '[ -c /nodes/null ] && echo there; (: </nodes/null) 2>/dev/null && echo opened; (: </dev/null) && echo own'
    for users in '-U', '--private-users=no':
        assert inside(['-i', image], script, users) == 'there\nown\n'


# -------------------------------------------------------------------- booted

@pytest.fixture(scope='module')
def booted(module_machine, undo):
    machine = module_machine('deb12', name='undo-boot')
    run('cp', undo, machine.path / 'undo')
    (machine.path / 'secret').write_text('secret\n')
    machine.write_file(f'[Exec]\nPrivateUsers=pick\n[Files]\nBindReadOnly={SOURCE}:/mnt\nInaccessible=/secret\n'
                       'Volatile=state\nTemporaryFileSystem=/opt\nOverlayReadOnly=+/usr/share::/srv\n')
    machine.start()
    machine.wait_running()
    return machine


def test_booted(booted):
    places = ['/', '/mnt', '/secret', '/var', '/opt', '/srv', '/run/host', '/dev/console']
    assert booted.exec('/undo', *places).stdout == ''


def test_nested_namespaces(booted):
    """Machines in the machine, and services with namespaces of their own."""
    for command in (['unshare', '-Urmpf', '--mount-proc', 'true'],
                    ['unshare', '-mpf', '--mount-proc', 'true'],
                    ['unshare', '-Urmnpf', 'mount', '-t', 'sysfs', 'own', '/tmp'],
                    ['unshare', '-mnpf', 'mount', '-t', 'sysfs', 'own', '/tmp'],
                    ['unshare', '-mi', 'mount', '-t', 'mqueue', 'own', '/tmp'],
                    ['systemd-run', '-q', '--wait', '--pipe', '-p', 'ProtectSystem=strict', '-p', 'PrivateTmp=yes', '-p',
                     'ProtectProc=invisible', '-p', 'PrivateDevices=yes', '-p', 'ProtectHome=tmpfs', '-p',
                     'ProtectKernelTunables=yes', '-p', 'InaccessiblePaths=/etc/passwd', 'true']):
        booted.exec(*command)


def test_boot_and_stop_without_a_complaint(booted):
    """But for the mounts of its settings, which systemd tries to unmount in the end."""
    booted.stop()
    said = [line for line in booted.journal().splitlines() if 'FAILED' in line]
    assert [line for line in said if 'Failed unmounting ' not in line] == []
