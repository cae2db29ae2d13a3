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
    assert inside(['-M', tree.name], f'/run/undo {places} && /run/undo -d {places} && echo tried', users, *switches,
                  f'--bind-ro={tree.path}/undo:/run/undo') == 'tried\n'


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
    assert inside(['-M', tree.name], f'/undo /run/host/home/{USER} /run/host && echo tried', '-U', f'--bind-user={USER}') == 'tried\n'


def test_image(disk, undo):        # noqa: F811: a fixture
    image = disk('gpt', ('4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709', 'root'), ('933AC7E1-2EB4-4F13-B844-0E14E2AEF915', 'home'),
                 ('3B8F8425-20E0-4F3B-907F-1A25A76F98E8', 'srv'))
    for switches, places in ([], '/ /home /srv'), (['--read-only'], '/ /home /srv'), (['--volatile=overlay'], '/ /home /srv'), \
                            (['--volatile'], '/ /usr'), (['--ephemeral'], '/ /home'):
        out = inside(['-i', image], f'/run/undo {places} && /run/undo -d {places} && echo tried', '-U', *switches, f'--bind-ro={undo}:/run/undo')
        assert out == 'tried\n', switches


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
    text = bundle.box('/bin/sh', '-c', f'/undo / /root {" ".join(covered)} && echo tried', switches=['--register=no']).stdout
    assert text.endswith('tried\n')
    found = attacks(text.removesuffix('tried\n'))
    if user_namespace:
        assert found == {}
    else:
        assert set(covered) - {'/proc/sys'} <= found['detach'] and '/root' in found['set-attributes']


# Three places each, a file among them, that every machine has
COVERED = {'/proc': ['/proc/uptime', '/proc/meminfo', '/proc/tty'],
           '/sys': ['/sys/kernel', '/sys/class', '/sys/devices'],
           '/sys/fs/cgroup': ['/sys/fs/cgroup/cgroup.stat', '/sys/fs/cgroup/cgroup.controllers', '/sys/fs/cgroup/cgroup.procs']}


def covering_bundle(path, capabilities):
    """Two places each are masked, the last one read-only."""
    bundle = Bundle(path)
    bundle.set('process/capabilities', {name: capabilities for name in ('bounding', 'permitted', 'effective')})
    bundle.set('linux/namespaces/+', {'type': 'user'})
    for kind in 'uidMappings', 'gidMappings':
        bundle.set(f'linux/{kind}', [{'containerID': 0, 'hostID': 1966080000, 'size': 65536}])
    # the mount of all of it, which `runc spec` makes read-only
    (cgroups,) = (mount for mount in bundle.config['mounts'] if mount['destination'] == '/sys/fs/cgroup')
    cgroups['options'].remove('ro')
    for first, second, last in COVERED.values():
        bundle.config['linux']['maskedPaths'] += [first, second]
        bundle.config['linux']['readonlyPaths'].append(last)
    return bundle


def test_covers_of_api_file_systems(undo, tmp_path):
    """Those of proc and sysfs are locked. Those of the control groups are there, and without CAP_SYS_ADMIN stay; with it, the
    kernel lets root of a user namespace mount the file system anew, so that a lock would be none."""
    bundle = covering_bundle(tmp_path / 'bundle', ['CAP_DAC_OVERRIDE', 'CAP_SYS_CHROOT'])
    (bundle.path / 'rootfs/undo').write_bytes(undo.read_bytes())
    (bundle.path / 'rootfs/undo').chmod(0o755)
    places = [path for paths in COVERED.values() for path in paths]
    script = f"""
        for p in {" ".join(places)}; do
            if [ -d $p ]; then ls $p | wc -l; else cat $p 2>/dev/null | wc -c; fi
            grep -q " $p ro," /proc/self/mountinfo || echo "$p is writable"
        done | xargs
        umount -l /sys/fs/cgroup/cgroup.stat 2>/dev/null && echo unmounted
        mount -o remount,bind,rw /sys/fs/cgroup/cgroup.procs 2>/dev/null && echo remounted
        (echo 0 >/sys/fs/cgroup/cgroup.procs) 2>/dev/null && echo written
        (echo 0 >/sys/fs/cgroup/cgroup.threads) 2>/dev/null && echo control; true"""
    seen = bundle.box('/bin/sh', '-c', script, switches=['--register=no']).stdout.splitlines()
    counts = seen[0].split()
    assert [int(count) > 0 for count in counts] == [False, False, True] * 3 and seen[1:] == ['control'], seen

    bundle = covering_bundle(tmp_path / 'with', ALL_CAPS)
    (bundle.path / 'rootfs/undo').write_bytes(undo.read_bytes())
    (bundle.path / 'rootfs/undo').chmod(0o755)
    found = attacks(bundle.box('/undo', *places, switches=['--register=no']).stdout)
    assert set().union(*found.values()) == set(COVERED['/sys/fs/cgroup']), found
    again = 'mkdir /tmp/own && mount -t cgroup2 own /tmp/own && cat /tmp/own/cgroup.controllers >/dev/null && cat /tmp/own/cgroup.stat'
    assert 'nr_descendants' in bundle.box('/bin/sh', '-c', again, switches=['--register=no']).stdout


def test_settings_cannot_hide_control_groups(tree):
    """They could be mounted again: it is said, instead of a mask that hides nothing."""
    for path in '/sys/fs/cgroup', '/sys/fs/cgroup/cgroup.procs':
        for users in '-U', '--private-users=no':
            result = run('box-run', '-q', '-M', tree.name, users, f'--inaccessible={path}', '/bin/true', check=False)
            assert result.returncode == 1 and f'{path} cannot be made inaccessible: ' in result.stderr
    result = run('box-run', '-q', *BARE, '--pipe', '--register=no', '-M', tree.name, '-U', '--tmpfs=/sys/fs/cgroup', '/bin/ls', '/sys/fs/cgroup')
    assert 'has no effect' in result.stderr and 'cgroup.procs' in result.stdout


# What root of a user namespace can write to once it has undone box's own mounts on /proc and /sys: what is its own.
OWN_TUNABLES = ('/proc/sys/net/', '/proc/sys/user/', '/proc/sys/fs/mqueue/', '/proc/sys/kernel/shm', '/proc/sys/kernel/msg',
                '/proc/sys/kernel/sem', '/proc/sys/kernel/ns_last_pid', '/proc/sys/kernel/pid_max', '/proc/sys/kernel/auto_msgmni', '/proc/sys/fs/binfmt_misc/', '/sys/fs/cgroup/')
WRITABLE = r"""
    tac() { sed '1!G;h;$!d'; }
    grep -E ' (/proc|/sys)(/[^ ]*)? ' /proc/self/mountinfo | cut -d' ' -f5 | grep -E '^/(proc|sys)/' | tac | while read place; do
        umount -l $place 2>/dev/null
    done
    grep -cE ' /proc/[^ ]* ' /proc/self/mountinfo
    find /proc/sys /proc/fs /proc/irq /proc/bus /proc/scsi /proc/sysrq-trigger /proc/kcore /proc/timer_list /proc/kallsyms /sys -type f         2>/dev/null | while read file; do [ -w "$file" ] && (: >>"$file") 2>/dev/null && echo "$file"; done
    head -c 1 /proc/kcore /proc/timer_list /proc/kmsg 2>/dev/null | wc -c
    grep -cv '^00*  *[a-zA-Z] ' /proc/kallsyms
    exit 0
"""


@pytest.mark.parametrize('switches', [['--private-network'], []], ids=['own-network', 'host-s-network'])
def test_what_the_own_protections_protect(tree, switches):
    """Not locked: what lies below belongs to root of the host, which root of a user namespace is not."""
    seen = inside(['-M', tree.name], WRITABLE, '-U', *switches).splitlines()
    assert seen[0] == '0', 'a positive control: nothing is mounted on /proc any more'
    assert seen[-2:] == ['0', '0']
    foreign = [path for path in seen[1:-2] if not path.startswith(OWN_TUNABLES)]
    assert foreign == []
    assert not switches or '/proc/sys/net/ipv4/ip_forward' in seen, 'a positive control'
    # of the PID namespace, since Linux 6.14
    before = Path('/proc/sys/kernel/pid_max').read_text()
    inside(['-M', tree.name], 'umount -l /proc/sys; echo 4000 >/proc/sys/kernel/pid_max; true', '-U')
    assert Path('/proc/sys/kernel/pid_max').read_text() == before


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
