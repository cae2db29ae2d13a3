# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mounts over a machine's tree: Volatile=, Overlay=, mounts on / and in /sys, Bind= with every kind of source and id map.
Each is looked at from inside, by a command that is the whole machine."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

BASE = 1966080000
# Files that every start of a machine creates in /etc, ignored here.
BARE = ('--resolv-conf=off', '--timezone=off', '--link-journal=no')
FIXED = f'--private-users={BASE}'


@pytest.fixture(scope='module')
def all_gone():
    """At the end the host is as it was; each test looks for what is likelier to be left."""
    before = support.HostState.take()
    yield
    wait_for(lambda: support.HostState.take().differences(before) == [])


@pytest.fixture(scope='module')
def tree(all_gone, module_machine):
    return module_machine('busybox', name='fm')


@pytest.fixture(scope='module')
def disk(tree):
    """A directory on a file system that has idmapped mounts and can be an overlay's upper layer."""
    path = support.MACHINES / '.fm-disk'
    path.mkdir(mode=0o755)
    yield path
    support.remove_tree(path)


@pytest.fixture(autouse=True, scope='module')
def var_tmp(disk):
    """/var/tmp on such a file system: a lab's own is an overlay."""
    (disk / 'var-tmp').mkdir()
    (disk / 'var-tmp').chmod(0o1777)
    run('mount', '--bind', disk / 'var-tmp', '/var/tmp')
    yield Path('/var/tmp')
    run('umount', '/var/tmp')


@pytest.fixture(autouse=True)
def nothing_temporary_left(var_tmp, disk):
    yield
    assert list(var_tmp.iterdir()) == []
    assert [path for path in (*disk.glob('**/*'), *support.MACHINES.iterdir()) if path.name.startswith('.#box-')] == []


@pytest.fixture
def inside(tree):
    """inside(script, *switches): what a shell that is the machine prints."""
    def call(script, *switches, users='--private-users=pick', check=True, **options):
        result = run('box-run', '--quiet', *BARE, '-M', tree.name, users, '--pipe', '--register=no', *switches, '/bin/sh', '-c',
                     f'{script}\nexit 0', check=False, **options)
        assert not check or (result.returncode, result.stderr) == (0, ''), result
        return result if not check else result.stdout.strip()
    return call


@pytest.fixture
def place(disk, request):
    path = disk / 'place'
    path.mkdir()
    path.chmod(0o755)
    yield path
    support.remove_tree(path)


def listing(path):
    """Everything in a tree with what can change of it."""
    return output('find', path, '-xdev', '-printf', '%P %y %U:%G %m %s %T@ %C@ %l\n')


# -------------------------------------------------------------------- Volatile=

@pytest.mark.parametrize('users', ['--private-users=pick', '--private-users=no'])
def test_volatile_yes(tree, inside, users):
    before = listing(tree.path)
    seen = inside('ls /; stat -c "%u %a %n" / /etc /var /usr /root; ls -A /etc /var; readlink /bin; touch /etc/x /var/x /x && '
                  'echo written; touch /usr/x 2>&1; grep -w / /proc/self/mountinfo', '--volatile', users=users)
    assert '0 755 /\n' in seen and '0 755 /etc\n' in seen and '0 700 /root\n' in seen
    assert '/etc:\n\n/var:\nusr/bin\nwritten\n' in seen
    assert 'Read-only file system' in seen
    assert ' / / rw' in seen and '- tmpfs' in seen
    assert 'home' not in seen and 'mnt' not in seen
    assert listing(tree.path) == before


def test_volatile_state(tree, inside):
    before = listing(tree.path)
    seen = inside('touch /etc/x 2>&1; ls -A /var; touch /var/x && stat -c "%u %a" /var; cat /etc/passwd', '--volatile=state')
    assert seen.startswith('touch: /etc/x: Read-only file system\n0 755\nroot:')
    assert listing(tree.path) == before


@pytest.mark.parametrize('users', ['--private-users=pick', '--private-users=no'])
def test_volatile_overlay(tree, inside, users):
    before = listing(tree.path)
    seen = inside('stat -c %u:%g /etc/passwd; rm /etc/group; mkdir /new; chown 5:6 /new; stat -c %u:%g /new; '
                  'echo changed >/etc/passwd; cat /etc/passwd; ls /etc/group 2>&1; grep -c "^none / overlay\\|^overlay / overlay" '
                  '/proc/mounts', '--volatile=overlay', users=users)
    assert seen.splitlines() == ['0:0', '5:6', 'changed', 'ls: /etc/group: No such file or directory', '1']
    assert listing(tree.path) == before


def test_two_volatile_machines_share_a_tree(tree, inside):
    """By a shared lock; one that writes to the tree is kept out."""
    with subprocess.Popen(['box-run', '-q', '-M', 'fm-one', '-D', tree.path, '-U', '--volatile=overlay', '--pipe',
                           '--register=no', '/bin/sh', '-c', 'echo up; read line'], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout.readline() == 'up\n'
        assert inside('echo too', '--volatile=state') == 'too'
        assert 'is in use' in inside('true', check=False).stderr
        one.communicate('')


@pytest.fixture(scope='module')
def split(module_machine):
    return module_machine('busybox', name='fm-split')


def test_volatile_yes_takes_merged_usr(split):
    machine = split
    (machine.path / 'bin').unlink()
    (machine.path / 'bin').mkdir()
    result = run('box-run', '-M', machine.name, '--volatile', '/bin/sh', check=False)
    assert result.returncode == 1
    assert result.stderr == (f"box-run: --volatile=: The tree '{machine.path}' has /bin, /sbin or /lib beside /usr, not as links "
                             'into it: it cannot start with an empty root; use Volatile=overlay\n')


def test_host_tree(inside):
    """The host's own "/", which is not changed (and whose lab has no idmapped mounts)."""
    seen = run('box-run', '-q', *BARE, '-D', '/', '-M', 'fm-host', '--volatile=overlay', '--pipe', '--register=no', '/bin/sh', '-c',
               'cat /etc/hostname; echo changed >/etc/hostname; cat /etc/hostname; ls /var/lib/machines | wc -l').stdout
    assert seen.splitlines() == [Path('/etc/hostname').read_text().strip(), 'changed', '0']
    seen = run('box-run', '-q', *BARE, '-D', '/', '--volatile', '--pipe', '--register=no', '/bin/sh', '-c',
               'hostname; ls /etc | wc -l').stdout
    assert seen.split() == [output('hostname'), '0']


# -------------------------------------------------------------------- Overlay=

@pytest.fixture
def layers(place):
    """Three directories with one file of their own and one in common each."""
    for name in ('low', 'mid', 'up'):
        (place / name).mkdir()
        (place / name / name).write_text(name)
        (place / name / 'common').write_text(name)
    return place


@pytest.mark.parametrize('users', [FIXED, '--private-users=no', '--private-users=identity'])
def test_overlay(layers, inside, users):
    (layers / 'low/gone').write_text('')
    seen = inside('cd /mnt/o; ls | xargs; cat common; echo; stat -c %u:%g common low; echo new >new; echo more >>low; rm gone; '
                  'chown 7:8 mid; ls | xargs', f'--overlay={layers}/low:{layers}/mid:{layers}/up:/mnt/o', users=users)
    assert seen.splitlines() == ['common gone low mid up', 'up', '0:0', '0:0', 'common low mid new up']
    assert (layers / 'low/low').read_text() == 'low'
    assert (layers / 'up/low').read_text() == 'lowmore\n'
    assert (layers / 'up/new').stat().st_uid == 0               # mapped back, as in the tree
    assert ((layers / 'up/mid').stat().st_uid, (layers / 'up/mid').stat().st_gid) == (7, 8)
    assert stat.S_ISCHR((layers / 'up/gone').stat().st_mode)    # overlayfs' mark, and nobody's but root's
    assert (layers / 'up/gone').stat().st_uid == 0
    assert sorted(os.listdir(layers)) == ['low', 'mid', 'up']   # the work directory is gone


def test_overlay_is_there_again(layers, inside):
    overlay = f'--overlay={layers}/low:{layers}/up:/mnt/o'
    inside('echo kept >/mnt/o/kept; rm /mnt/o/low', overlay)
    assert inside('cat /mnt/o/kept; ls /mnt/o | xargs', overlay) == 'kept\ncommon kept up'


def test_overlay_read_only(layers, inside):
    seen = inside('cat /mnt/o/low /mnt/o/common; touch /mnt/o/x 2>&1', f'--overlay-ro={layers}/low:{layers}/up:/mnt/o')
    assert seen == 'lowuptouch: /mnt/o/x: Read-only file system'
    assert sorted(os.listdir(layers)) == ['low', 'up', 'mid'] or sorted(os.listdir(layers)) == ['low', 'mid', 'up']


def test_overlay_of_two_fields(layers, inside):
    seen = inside(f'cat {layers}/up/low; touch {layers}/up/new', f'--overlay={layers}/low:{layers}/up')
    assert seen == 'low'
    assert (layers / 'up/new').exists()


def test_overlay_of_the_tree_with_a_temporary_top(tree, inside, var_tmp):
    before = listing(tree.path)
    seen = inside('stat -c "%u %a" /etc /etc/passwd; echo changed >/etc/passwd; cat /etc/passwd; touch /etc/new',
                  '--overlay=+/etc::/etc')
    assert seen == '0 755\n0 644\nchanged'
    assert listing(tree.path) == before


def test_overlay_has_the_attributes_of_the_directory_below(tree, inside):
    """Mode and owner of the directory itself."""
    (tree.path / 'srv').mkdir(exist_ok=True)
    (tree.path / 'srv').chmod(0o2750)
    os.chown(tree.path / 'srv', 12, 34)
    assert inside('stat -c "%a %u:%g" /srv', '--overlay=+/srv::/srv') == '2750 12:34'


def test_overlay_top_in_the_tree(tree, inside):
    (tree.path / 'top').mkdir(exist_ok=True)
    inside('touch /mnt/o/x; chown 3:4 /mnt/o/x', f'--overlay=+/etc:+/top:/mnt/o')
    assert os.listdir(tree.path / 'top') == ['x']
    assert (tree.path / 'top/x').stat().st_uid == 3
    assert not [name for name in os.listdir(tree.path) if name.startswith('.#')]


def test_overlay_of_directories_that_are_the_machine_s_already(layers, inside):
    for path in [layers / 'low', layers / 'up', layers / 'low/low', layers / 'up/up']:
        os.chown(path, BASE, BASE)
    seen = inside('stat -c %u /mnt/o/low /mnt/o/up; touch /mnt/o/new', f'--overlay={layers}/low:{layers}/up:/mnt/o', users=FIXED)
    assert seen == '0\n0'
    assert (layers / 'up/new').stat().st_uid == BASE


def test_overlay_of_many_layers(place, inside):
    """More than one string of the kernel's holds the names of."""
    for i in range(40):
        (place / f'l{i}').mkdir()
        (place / f'l{i}/f{i}').write_text('')
    lower = ':'.join(str(place / f'l{i}') for i in range(40))
    assert inside('ls /mnt/o | wc -l', f'--overlay-ro={lower}:/mnt/o') == '40'


def test_overlay_with_odd_names(place, inside):
    for name in ('a:b', 'c,d', 'e\\f'):
        (place / name).mkdir()
        (place / name / name).write_text('')
    text = ':'.join(str(place / name).replace('\\', '\\\\').replace(':', '\\:') for name in ('a:b', 'c,d', 'e\\f'))
    assert inside('ls /mnt/o', f'--overlay={text}:/mnt/o').split() == ['a:b', 'c,d', 'e\\f']
    (place / 'link').symlink_to('c,d')
    assert inside('touch /mnt/o/new; ls /mnt/o', f'--overlay={place}/e\\\\f:{place}/link:/mnt/o').split() == ['c,d', 'e\\f', 'new']
    assert (place / 'c,d/new').exists()


@pytest.mark.parametrize('switch, message', [
    ('--overlay={0}/none:{0}/up:/mnt/o', "--overlay=: Failed to open '{0}/none' for mounting: No such file or directory"),
    ('--overlay={0}/low:{0}/none:/mnt/o', "--overlay=: Failed to open the overlay's uppermost directory '{0}/none': No such file "
                                          'or directory'),
    ('--overlay={0}/low:{0}/up/up:/mnt/o', "--overlay=: Failed to open the overlay's uppermost directory '{0}/up/up': Not a "
                                           'directory'),
    ('--overlay={0}/low:/tmp/fm-point:/mnt/o', "--overlay=: Failed to create a work directory beside the mount point that is the uppermost "
                                               "directory of the overlay on '/mnt/o': Invalid cross-device link"),
    ('--overlay={0}/low:/etc:/mnt/o', "--overlay=: The file system of '/etc' has no idmapped mounts; put it on ext4, xfs or btrfs"),
])
def test_overlay_that_cannot_be(layers, inside, switch, message):
    Path('/tmp/fm-point').mkdir()
    run('mount', '-t', 'tmpfs', 'tmpfs', '/tmp/fm-point')
    try:
        result = inside('true', switch.format(layers), check=False)
    finally:
        run('umount', '/tmp/fm-point')
        Path('/tmp/fm-point').rmdir()
    assert (result.stderr, result.returncode) == (f'box-run: {message.format(layers)}\n', 1)


# -------------------------------------------------------------------- left in the tree

@pytest.fixture
def left(tree):
    """left(place, mount's words): mounts something in the tree, which must still be there after the test."""
    places = []

    def mount(place, *words):
        path = tree.path / place.lstrip('/')
        made = not path.exists()
        if made:
            path.mkdir()
        run('mount', *words, path)
        places.append((path, made))
    yield mount
    for path, made in reversed(places):
        assert path.is_mount(), path
        run('umount', '--recursive', path)
        if made:
            path.rmdir()


NO_MAP = ('-t', 'proc', 'proc')


def test_mounts_left_where_the_machine_has_its_own(left, inside):
    script = 'ls -d /proc/self/ns /sys/class; ls -A /tmp; awk "{ print \\$5 }" /proc/self/mountinfo'
    before = inside(script)
    left('/proc', *NO_MAP)
    left('/sys', '-t', 'sysfs', 'sysfs')
    left('/dev', *NO_MAP)
    left('/run', *NO_MAP)
    left('/tmp', '--bind', '/proc/self/ns')
    assert inside(script) == before
    assert inside('ls -d /mnt/x', '--tmpfs=/mnt/x') == '/mnt/x'


def test_mount_left_elsewhere_is_named(left, tree, inside, place):
    left('/proc', *NO_MAP)
    left('/mnt/a b', *NO_MAP)
    result = inside('true', check=False)
    assert (result.returncode, result.stderr) == (
        1, f"box-run: The file system on '{tree.path}/mnt/a b' (proc), mounted in '{tree.path}', has no idmapped mounts; unmount it, "
           'or set --private-users=no\n')
    assert inside('ls "/mnt/a b/self" -d', users='--private-users=no') == '/mnt/a b/self'
    # a setting may cover it, too
    assert inside('ls -A "/mnt/a b"', '--tmpfs=/mnt/a b') == ''
    # below a directory that is bound
    (place / 'in').mkdir()
    run('mount', *NO_MAP, place / 'in')
    try:
        result = inside('true', f'--bind={place}:/srv:idmap', '--tmpfs=/mnt/a b', check=False)
        assert (result.returncode, result.stderr) == (
            1, f"box-run: --bind=: The file system on '{place}/in' (proc), mounted in '{place}', has no idmapped mounts; unmount it, "
               'or bind it without an id map\n')
        assert inside('ls -A /srv/in', f'--bind={place}:/srv:idmap', '--tmpfs=/mnt/a b', '--tmpfs=/srv/in') == ''
        assert inside('ls -A /srv/in', f'--bind={place}:/srv:idmap,norbind', '--tmpfs=/mnt/a b') == ''
    finally:
        run('umount', place / 'in')


# -------------------------------------------------------------------- Bind=

def test_bind_of_a_temporary_directory(inside, var_tmp):
    seen = inside('stat -c "%u:%g %a" /scratch; ls -A /scratch; echo x >/scratch/x; chown 9 /scratch/x; stat -c %u /scratch/x; '
                  'touch /ro/x 2>&1', '--bind=:/scratch', '--bind-ro=:/ro')
    assert seen.splitlines() == ['0:0 755', '9', 'touch: /ro/x: Read-only file system']


def test_temporary_directories_are_there_while_the_machine_is(tree, var_tmp):
    with subprocess.Popen(['box-run', '-q', '-M', tree.name, '-U', '--bind=:/scratch', '--pipe', '--register=no', '/bin/sh', '-c',
                           'echo x >/scratch/x; echo up; read line'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as machine:
        assert machine.stdout.readline() == 'up\n'
        found = list(var_tmp.iterdir())
        assert len(found) == 1 and found[0].name.startswith('box-fm.')
        assert stat.S_IMODE(found[0].stat().st_mode) == 0o700 and (found[0] / 'src/x').read_text() == 'x\n'
        machine.communicate('')


@pytest.mark.parametrize('option, mine, root_s, others, made', [
    ('noidmap', 65534, 65534, 65534, None),
    ('idmap', 1234, 0, 77, 0),
    ('rootidmap', 0, 65534, 65534, 1234),
    ('owneridmap', 55, 65534, 65534, None),
])
def test_bind_id_maps(tree, place, inside, option, mine, root_s, others, made):
    """A directory of user 1234, with files of 1234, root and 77; the destination belongs to 55."""
    (tree.path / 'dest').mkdir(exist_ok=True)
    os.chown(tree.path / 'dest', 55, 55)
    for name, uid in (('mine', 1234), ('root', 0), ('other', 77)):
        (place / name).write_text('')
        os.chown(place / name, uid, uid)
    os.chown(place, 1234, 1234)
    seen = inside('cd /dest; stat -c %u . mine root other | xargs; touch made 2>&1', f'--bind={place}:/dest:{option}').splitlines()
    assert seen[0] == f'{mine} {mine} {root_s} {others}'
    assert (place / 'made').exists() == (made is not None)
    if made is not None:
        assert ((place / 'made').stat().st_uid, (place / 'made').stat().st_gid) == (made, made)


def test_bind_root_id_map_of_user_and_group(place, inside):
    """The directory's group is the machine's root's as its user is, whatever number it has."""
    os.chown(place, 1234, 4321)
    assert inside('stat -c %u:%g /dest; touch /dest/made; stat -c %u:%g /dest/made', f'--bind={place}:/dest:rootidmap') == '0:0\n0:0'
    assert ((place / 'made').stat().st_uid, (place / 'made').stat().st_gid) == (1234, 4321)


def test_bind_owner_id_map_where_the_destination_is_made(place, inside):
    os.chown(place, 1234, 1234)
    assert inside('stat -c %u /fresh', f'--bind={place}:/fresh:owneridmap') == '0'


def test_bind_of_a_parent_of_the_tree(tree, inside):
    """The machine's own tree is below, in use through an id map. Root of the machine may open the parent to users of the host
    where it owns it, which is told."""
    for option, owner in (('idmap', '0'), ('rootidmap', '0'), ('noidmap', '65534')):
        result = inside(f'stat -c %u /mnt; ls /mnt/{tree.name}/usr/bin/busybox 2>&1', f'--bind={support.MACHINES}:/mnt:{option}',
                        check=False)
        assert result.stdout.splitlines() == [owner, f'/mnt/{tree.name}/usr/bin/busybox' if owner == '0' else
                                              f'ls: /mnt/{tree.name}/usr/bin/busybox: Permission denied']
        told = f'{support.MACHINES} is in a directory that is open to all ({support.MACHINES.parent})'
        assert (result.returncode, told in result.stderr, result.stderr.count('\n')) == (0, owner == '0', int(owner == '0'))


@pytest.mark.parametrize('option', ['rbind', 'norbind'])
def test_recursive_bind(place, inside, option):
    (place / 'below').mkdir()
    run('mount', '-t', 'tmpfs', 'tmpfs', place / 'below')
    try:
        (place / 'below/file').write_text('')
        seen = inside('ls /dest /dest/below', f'--bind={place}:/dest:{option}')
    finally:
        run('umount', place / 'below')
    assert seen.split() == ['/dest:', 'below', '/dest/below:'] + (['file'] if option == 'rbind' else [])


def test_bind_file_on_file_and_through_links(tree, place, inside):
    (place / 'file').write_text('of the host')
    (place / 'link').symlink_to('file')
    (tree.path / 'etc/dest-link').symlink_to('/etc/dest-file')
    (tree.path / 'etc/dest-file').write_text('')
    seen = inside('cat /etc/dest-file; echo; cat /var/run/new', f'--bind={place}/link:/etc/dest-link',
                  f'--bind-ro={place}/file:/var/run/new')
    assert seen == 'of the host\nof the host'


@pytest.mark.parametrize('switches', [
    ['--bind=-{0}/gone:/var/none'], ['--bind-ro=-{0}/dangling:/var/none'], ['--bind=-{0}/gone:/var/none:idmap'],
    ['--bind=-+/no/such:/var/none'], ['--ephemeral', '--bind=-+/no/such:/var/none'], ['--overlay=-{0}/gone:{0}/up:/var/none'],
    ['--overlay={0}/low:-{0}/gone:/var/none'], ['--overlay-ro={0}/low:-+/no/such:{0}/up:/var/none'],
    ['--overlay={0}/low:-{0}/dangling::/var/none'],
])
def test_optional_source_is_missing(layers, inside, switches):
    """Without "-" the same is refused; the rest of the machine's mounts is there."""
    (layers / 'dangling').symlink_to(layers / 'gone')
    switches = [switch.format(layers) for switch in switches]
    script = 'test -e /var/none || echo none; ls /opt/two; grep -c " /var/none " /proc/self/mountinfo'
    result = inside(script, *switches, f'--bind={layers}/low:/opt/two', check=False)
    assert (result.returncode, result.stdout) == (0, 'none\ncommon\nlow\n0\n')
    assert result.stderr.count("Nothing is mounted on '/var/none': its optional source does not exist") == 1
    checked = inside(script, '--check', *switches, check=False)
    assert (checked.returncode, checked.stderr) == (0, '')
    refused = inside(script, *(switch.replace('-/', '/').replace('-+/', '+/') for switch in switches), check=False)
    assert refused.returncode == 1 and 'No such file or directory' in refused.stderr


def test_optional_source_is_there(layers, inside):
    (layers / 'link').symlink_to('low')
    seen = inside('ls /mnt /opt/b /srv | xargs; cat /mnt/low; touch /opt/b/x 2>&1', f'--bind=-{layers}/link:/mnt', '--bind-ro=-+/etc:/opt/b',
                  f'--overlay=-{layers}/low:-{layers}/up:/srv')
    assert '/mnt: common low' in seen and 'passwd' in seen and '/srv: common low up' in seen
    assert seen.endswith('\nlowtouch: /opt/b/x: Read-only file system')


def test_optional_source_in_the_plan(layers, tree):
    plan = output('box-run', '-M', tree.name, '--dry-run', f'--bind=-{layers}/gone:/mnt', f'--overlay={layers}/low:-{layers}/x:/srv/o')
    assert f'tree {layers}/gone -> /mnt if-there' in plan.replace(' nodev', '')
    assert f'overlay {layers}/low:-{layers}/x -> /srv/o top-writable if-there' in plan.replace(' nodev', '').replace('(idmapped)', '')


@pytest.mark.parametrize('source, dest, why', [
    ('file', '/etc', 'Is a directory (a file can only be mounted on a file)'),
    ('.', '/etc/passwd', 'Not a directory (a directory can only be mounted on a directory)'),
])
def test_bind_that_does_not_fit(place, inside, source, dest, why):
    (place / 'file').write_text('')
    source = place if source == '.' else place / source
    result = inside('true', f'--bind={source}:{dest}', check=False)
    assert (result.stderr, result.returncode) == (f"box-run: --bind=: Failed to mount {source} on '{dest}': {why}\n", 1)


def test_bind_of_a_device(inside):
    assert inside('dd if=/dev/my-zero bs=1 count=3 2>/dev/null | wc -c', '--bind=/dev/zero:/dev/my-zero') == '3'


def test_bind_in_proc_and_sys(place, inside):
    (place / 'meminfo').write_text('all of it\n')
    (place / 'dir').mkdir()
    (place / 'dir/file').write_text('in sys\n')
    binds = [f'--bind={place}/meminfo:/proc/meminfo', f'--bind={place}/dir:/sys/class/net']
    assert inside('cat /proc/meminfo /sys/class/net/file', *binds) == 'all of it\nin sys'
    own = [*binds, '--private-network', f'--bind={place}/dir:/sys/firmware/deep/er', f'--bind-ro={place}/meminfo:/sys/file']
    seen = inside('cat /proc/meminfo /sys/class/net/file /sys/firmware/deep/er/file /sys/file; grep -c " /sys tmpfs ro" /proc/mounts; '
                  'mkdir /sys/x 2>&1', *own)
    assert seen.splitlines() == ['all of it', 'in sys', 'in sys', 'all of it', '1',
                                 "mkdir: can't create directory '/sys/x': Read-only file system"]


@pytest.mark.parametrize('dest', ['/sys/class/nothing', '/proc/nothing'])
def test_bind_to_a_file_that_the_kernel_lacks(place, inside, dest):
    result = inside('true', f'--bind={place}:{dest}', '--private-network', check=False)
    assert result.returncode == 1
    assert result.stderr.startswith('box-run: --bind=: ') and result.stderr.count('\n') == 1
    assert f"'{dest}'" in result.stderr


@pytest.mark.parametrize('switches', [['--read-only'], ['--read-only', '-x']])
def test_mounts_in_a_read_only_tree(tree, place, inside, switches):
    (place / 'file').write_text('')
    (tree.path / 'opt').mkdir(exist_ok=True)
    seen = inside('cd /new; ls dir file tmpfs overlay own; touch /x 2>&1', *switches, f'--bind={place}:/new/dir',
                  f'--bind={place}/file:/new/file', '--tmpfs=/new/tmpfs', '--overlay=+/opt::/new/overlay', '--bind=+/opt:/new/own')
    assert 'Read-only file system' in seen and 'file\n' in seen
    if '-x' in switches:
        assert not (tree.path / 'new').exists()
    support.remove_tree(tree.path / 'new')


def test_order(place, inside):
    """A directory before what is in it, whatever the order they are written in; on one place, masks over overlays over tmpfs
    over bind mounts."""
    (place / 'a').mkdir()
    (place / 'a/file').write_text('')
    assert inside('ls /srv/x/y', f'--bind={place}/a:/srv/x/y', '--tmpfs=/srv/x', f'--bind={place}:/srv') == 'file'
    for switches, seen in [
            ([f'--bind={place}/a:/mnt'], 'file'),
            (['--tmpfs=/mnt', f'--bind={place}/a:/mnt'], ''),
            ([f'--overlay={place}/a::/mnt', '--tmpfs=/mnt'], 'file'),
    ]:
        assert inside('ls /mnt', *switches) == seen
    result = inside('ls -l /mnt; stat -c %a /mnt', f'--overlay={place}/a::/mnt', '--inaccessible=/mnt')
    assert result.splitlines()[-1] == '0'


@pytest.mark.parametrize('kind, type', [('directory', 'd'), ('file', '-'), ('fifo', '-')])
def test_inaccessible(tree, inside, kind, type):
    path = tree.path / 'etc/hidden'
    path.mkdir() if kind == 'directory' else path.write_text('secret') if kind == 'file' else os.mkfifo(path)
    try:
        seen = inside('ls -ld /etc/hidden; cat /etc/hidden/x /etc/hidden 2>&1 | grep -c secret', '--inaccessible=/etc/hidden',
                      '--drop-capability=CAP_DAC_OVERRIDE,CAP_DAC_READ_SEARCH', check=False).stdout
        assert seen.startswith(f'{type}---------') and seen.endswith('\n0\n')
    finally:
        path.rmdir() if kind == 'directory' else path.unlink()


def test_inaccessible_that_is_not_there(inside):
    result = inside('true', '--inaccessible=/nothing', check=False)
    assert (result.stderr, result.returncode) == ("box-run: --inaccessible=: Failed to mount a mask on '/nothing': No such file or "
                                                  'directory\n', 1)


# -------------------------------------------------------------------- mounts on /

def test_tmpfs_on_root(tree, inside):
    before = listing(tree.path)
    seen = inside('ls -A / | xargs; touch /x; readlink /bin; stat -c %u / /usr; touch /usr/x 2>&1', '--tmpfs=/',
                  '--bind-ro=+/usr:/usr', users=FIXED)
    assert seen.splitlines() == ['bin dev etc lib proc root run sbin sys tmp usr var', 'usr/bin', '0', '0',
                                 'touch: /usr/x: Read-only file system']
    assert listing(tree.path) == before


@pytest.mark.parametrize('switch, writable', [('bind', True), ('bind-ro', False)])
def test_bind_on_root(tree, place, inside, switch, writable):
    (place / 'file').write_text('mine')
    (place / 'etc').mkdir()
    (place / 'lib').write_text('is there already')
    seen = inside('cat /file; echo; touch /x 2>&1; cat /lib', f'--{switch}={place}:/:idmap', '--bind-ro=+/usr:/usr', users=FIXED)
    assert seen.splitlines() == ['mine'] + ([] if writable else ['touch: /x: Read-only file system']) + ['is there already']
    assert os.readlink(place / 'bin') == 'usr/bin' and os.lstat(place / 'bin').st_uid == 0
    assert (place / 'x').exists() == writable


@pytest.mark.parametrize('users', [FIXED, '--private-users=no'])
@pytest.mark.parametrize('upper', [True, False])
def test_overlay_on_root(tree, place, inside, users, upper):
    """The tree below a directory for changes, of the user's or a temporary one."""
    before = listing(tree.path)
    (place / 'up').mkdir()
    seen = inside('touch /x && rm /etc/passwd && stat -c %u / /x; ls /etc/passwd 2>&1; grep -c " / overlay" /proc/mounts',
                  f'--overlay=+/:{place / "up" if upper else ""}:/', users=users)
    assert seen.splitlines() == ['0', '0', 'ls: /etc/passwd: No such file or directory', '1']
    assert listing(tree.path) == before
    assert (place / 'up/x').exists() == upper


def test_read_only_overlay_on_root(tree, place, inside):
    (place / 'etc').mkdir()
    (place / 'etc/added').write_text('over the tree\n')
    seen = inside('cat /etc/added; ls /bin/sh; touch /x 2>&1', f'--overlay-ro=+/:{place}:/', users=FIXED)
    assert seen.splitlines() == ['over the tree', '/bin/sh', 'touch: /x: Read-only file system']


def test_temporary_directory_on_root(inside):
    assert inside('touch /x; stat -c %u / /x; readlink /bin', '--bind=:/', '--bind-ro=+/usr:/usr',
                  users='--private-users=no') == '0\n0\nusr/bin'


def test_root_mount_with_ids_of_the_tree_is_refused(inside):
    result = inside('true', '--tmpfs=/', check=False)
    assert result.returncode == 1
    assert result.stderr == ('box-run: --tmpfs=: A mount on / needs PrivateUsers= with a number, "identity" or "no"; '
                             '--private-users= chooses the ids by the tree\n')


# -------------------------------------------------------------------- by file

def test_by_file(tree, layers, var_tmp):
    tree.write_file(f'[Exec]\nBoot=no\nParameters=/bin/sh -c "touch /tmp/up; sleep 1000"\n[Files]\nVolatile=overlay\n'
                    f'Overlay={layers}/low:{layers}/up:/mnt/o\nOverlayReadOnly={layers}/mid:{layers}/low:/mnt/ro\n'
                    'Bind=:/scratch\n')
    try:
        tree.start()
        wait_for(lambda: tree.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
        tree.exec('sh', '-c', 'cat /mnt/o/up /mnt/ro/mid; touch /mnt/o/new /scratch/new /new')
        # removing what is root's own and sticky takes more rights than most machines' supervisors keep
        tree.exec('sh', '-c', 'mkdir -m 1777 /scratch/t; touch /scratch/t/x; chown 1:1 /scratch/t /scratch/t/x')
        tree.stop()
        assert 'Failed to remove' not in tree.journal()
    finally:
        run('systemctl', 'stop', tree.unit, check=False)
        run('systemctl', 'reset-failed', tree.unit, check=False)
        tree.file.unlink()
    assert (layers / 'up/new').exists() and not (tree.path / 'new').exists()


def test_bad_layer_by_file_names_the_line(tree, layers):
    tree.since = time.time()
    tree.write_file(f'[Files]\nOverlay={layers}/low:{layers}/none:/mnt\n')
    assert tree.start(check=False).returncode != 0
    assert tree.property('StatusText') == (f"{tree.file}:2: Failed to open the overlay's uppermost directory '{layers}/none': No "
                                           'such file or directory')
    run('systemctl', 'reset-failed', tree.unit)
    tree.file.unlink()
