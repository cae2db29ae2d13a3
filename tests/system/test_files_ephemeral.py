# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ephemeral=: a copy of the tree that costs nothing and leaves nothing, whatever ends it; and Volatile=yes of a whole system."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import in_use, output, run, wait_for

# Files that every start of a machine creates in /etc, ignored here.
BARE = ('--resolv-conf=off', '--timezone=off', '--link-journal=no')
HIDDEN = re.compile(r'\.#box-(.*)\.[0-9a-f]{16}')


@pytest.fixture(scope='module')
def all_gone():
    before = support.HostState.take()
    yield
    wait_for(lambda: support.HostState.take().differences(before) == [])


@pytest.fixture(scope='module')
def tree(all_gone, module_machine):
    return module_machine('busybox', name='fe')


@pytest.fixture(scope='module')
def other(all_gone, module_machine):
    """A tree that tests change themselves."""
    return module_machine('busybox', name='fe-other')


@pytest.fixture(autouse=True)
def original(tree):
    """No test changes the tree, nor leaves a layer."""
    before = listing(tree.path)
    yield
    assert listing(tree.path) == before
    wait_for(lambda: layers() == [])        # what a dead supervisor has left is removed beside the next start


def listing(path):
    return output('find', path, '-xdev', '-printf', '%P %y %U:%G %m %s %T@ %C@ %l\n')


def layers():
    return sorted(path for path in support.MACHINES.iterdir() if HIDDEN.fullmatch(path.name))


def command(*switches, script='true', register='no'):
    return ['box-run', '-q', *BARE, *switches, '--pipe', f'--register={register}', '/bin/sh', '-c', f'{script}\nexit 0']


def inside(tree, script, *switches, **options):
    return run(*command('-M', tree.name, '-x', *switches, script=script), **options).stdout.strip()


class Held:
    """An ephemeral machine that is there as long as the block."""

    def __init__(self, *switches, script='', register='no'):
        self.process = subprocess.Popen(command(*switches, script=f'{script}\necho up; read line', register=register),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        assert self.process.stdout.readline() == 'up\n', self.process.stderr.read()
        return self

    def __exit__(self, *_):
        self.out, self.err = self.process.communicate('')


# -------------------------------------------------------------------- the copy

@pytest.mark.parametrize('users', ['-U', '--private-users=no', '--private-users=identity'])
def test_all_can_be_changed_and_nothing_is(tree, users):
    seen = inside(tree, '''stat -c '%u:%g %a' / /etc/passwd /tmp
                           mkdir /made; chown 5:6 /made; chmod 700 /etc; mv /etc/passwd /etc/moved; rm -r /var; ln /etc/group /hard
                           stat -c '%u:%g %a' /made /etc /etc/moved; ls /var 2>&1; stat -c %h /hard''', users)
    assert seen.splitlines() == ['0:0 755', '0:0 644', '0:0 1777', '5:6 755', '0:0 700', '0:0 644',
                                 'ls: /var: No such file or directory', '2']


def test_layer_of_a_running_machine(tree):
    with Held('-M', tree.name, '-x', '-U', script='touch /mine'):
        (layer,) = layers()
        assert layer.stat().st_mode & 0o7777 == 0o700
        assert (layer / 'upper/mine').exists()
        names = output('machinectl', 'list-images', '--no-legend')
        assert tree.name in names and '.#' not in names


def test_start_costs_no_copy(other):
    """A quarter of a gigabyte more in the tree is not felt."""
    def once(*switches):
        before = time.monotonic()
        assert output(*command('-M', other.name, *switches, script='ls /big')) == '/big'
        return time.monotonic() - before
    with (other.path / 'big').open('wb') as f:
        for _ in range(256):
            f.write(os.urandom(65536) * 16)
    try:
        plain, ephemeral = min(once() for _ in range(5)), min(once('-x') for _ in range(5))
    finally:
        (other.path / 'big').unlink()
    assert ephemeral < plain + 0.05


def test_two_at_once_and_beside_readers_not_beside_a_writer(tree):
    with Held('-D', tree.path, '-x', '-U', script='echo one >/etc/who') as one:
        with Held('-D', tree.path, '-x', '-U', script='echo two >/etc/who; cat /etc/who >&2') as two:
            assert len(layers()) == 2
            run(*command('-D', tree.path, '-M', 'fe-reader', '--read-only'))
            result = run(*command('-D', tree.path, '-M', 'fe-writer'), check=False)
            assert in_use(tree.path, 'machine \'\\S+\'').search(result.stderr), result.stderr
    assert (one.err, two.err) == ('', 'two\n')
    with subprocess.Popen(command('-M', tree.name, script='echo up; read line'), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as writer:
        assert writer.stdout.readline() == 'up\n'
        result = run(*command('-D', tree.path, '-x'), check=False)
        assert 'is in use' in result.stderr
        writer.communicate('')


def test_paths_of_the_tree_are_of_the_copy(tree):
    seen = inside(tree, 'touch /mnt/made; ls -d /etc/made; touch /ro/made 2>&1', '--bind=+/etc:/mnt', '--bind-ro=+/etc:/ro', '-U')
    assert seen.splitlines() == ['/etc/made', 'touch: /ro/made: Read-only file system']


@pytest.mark.parametrize('switch', ['--overlay=+/etc:+/mnt:/mnt', '--volatile=yes --bind=+/etc:/mnt'])
def test_writable_path_of_an_ephemeral_tree_is_refused(tree, switch):
    result = run(*command('-M', tree.name, '-x', *switch.split()), check=False)
    assert result.returncode == 1 and result.stderr.count('\n') == 1
    assert 'would modify the tree, which --ephemeral forbids' in result.stderr


def test_volatile_and_ephemeral(tree):
    assert inside(tree, 'touch /x 2>&1; touch /var/x', '--volatile=state', '-U') == 'touch: /x: Read-only file system'
    assert inside(tree, 'touch /x /mnt/y; ls /etc/y', '--volatile=overlay', '--bind=+/etc:/mnt', '-U') == '/etc/y'


def test_tree_on_a_read_only_file_system(tree):
    """The layer goes to /var/tmp."""
    place, var_tmp = Path('/tmp/fe-ro'), support.MACHINES / 'fe-var-tmp'
    place.mkdir()
    var_tmp.mkdir()
    run('mount', '--bind', support.MACHINES, place)
    run('mount', '-o', 'remount,bind,ro', place)
    run('mount', '--bind', var_tmp, '/var/tmp')
    try:
        with Held('-D', place / tree.name, '-x', '-U', script='touch /etc/x'):
            (layer,) = var_tmp.iterdir()
            assert layer.name.startswith('box-fe.')
        assert list(var_tmp.iterdir()) == []
    finally:
        run('umount', '/var/tmp')
        run('umount', place)
        place.rmdir()
        var_tmp.rmdir()


def test_file_system_that_holds_no_layer(tree):
    """The lab's own root is an overlay: it can neither be an upper layer nor be mapped."""
    place = Path('/srv/fe-tree')
    support.copy_tree('busybox', place)
    try:
        result = run(*command('-D', place, '-x'), check=False)
        assert result.stderr == ("box-run: --ephemeral: Failed to create the overlay on '/': Invalid argument (not every file system "
                                 'can hold what an overlay writes: ext4, xfs, btrfs and tmpfs can)\n')
        result = run(*command('-D', place, '-x', '-U'), check=False)
        assert 'has no idmapped mounts; put the tree on ext4, xfs or btrfs, or set --private-users=no' in result.stderr
        support.NSPAWN_FILES.mkdir(parents=True, exist_ok=True)
        (support.NSPAWN_FILES / 'fe-tree.nspawn').write_text('[Exec]\nPrivateUsers=pick\n')
        result = run(*command('-D', place, '-x'), check=False)
        assert 'has no idmapped mounts; put the tree on ext4, xfs or btrfs, or set PrivateUsers=no' in result.stderr
        assert [path for path in place.parent.iterdir() if HIDDEN.fullmatch(path.name)] == []
    finally:
        (support.NSPAWN_FILES / 'fe-tree.nspawn').unlink(missing_ok=True)
        support.remove_tree(place)


def test_overlays_in_an_ephemeral_machine(machine):
    """As Docker makes them: not on the machine's own overlay, but on a directory of another file system."""
    tree = machine('busybox', name='fe-docker')
    script = ('cd /var/lib/docker && mkdir l u w m && echo lower >l/file && '
              'mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m && cat m/file && echo upper >m/file && cat u/file')
    (tree.path / 'var/lib/docker').mkdir(parents=True)
    for switches in ['-U'], []:
        shared = ['box-run', '-q', '--register=no', '--pipe', '-x', '-D', tree.path, *switches]
        assert run(*shared, '/bin/sh', '-c', script, check=False).returncode != 0
        assert run(*shared, '--tmpfs=/var/lib/docker', '/bin/sh', '-c', script).stdout == 'lower\nupper\n'
    assert list((tree.path / 'var/lib/docker').iterdir()) == []


def test_copy_beside_a_running_machine(machine):
    tree = machine('busybox', name='fe-beside')
    process = subprocess.Popen(['box-run', '-q', '--register=no', '--pipe', '-U', '-M', tree.name, '/bin/sh', '-c', 'echo up; read x'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == 'up\n'
        copy = ['box-run', '-q', '--register=no', '--pipe', '-U', '-x', '-D', tree.path, '/bin/sh', '-c', 'touch /of-copy; ls /of-copy']
        result = run(*copy, check=False)
        assert result.returncode == 1 and str(tree.path) in result.stderr
        assert run(*copy, env={**os.environ, 'SYSTEMD_NSPAWN_LOCK': 'no'}).stdout == '/of-copy\n'
        assert not (tree.path / 'of-copy').exists() and process.poll() is None
    finally:
        process.communicate('')


# -------------------------------------------------------------------- names

def test_name_gets_a_suffix_and_the_file_is_found_without(tree, nspawn_file):
    nspawn_file('fe', '[Exec]\nEnvironment=FROM=file\n')
    seen = run(*command('-D', tree.path, '-x', script='hostname; echo $FROM')).stdout.split()
    assert re.fullmatch('fe-[0-9a-f]{16}', seen[0]) and seen[1] == 'file'
    assert inside(tree, 'hostname') == 'fe'
    # not by the file's word alone, as with systemd-nspawn
    nspawn_file('fe', '[Exec]\nEphemeral=yes\n')
    assert run(*command('-D', tree.path, script='hostname; touch /etc/x')).stdout == 'fe\n'


def test_many_registered_at_once(tree):
    with Held('-D', tree.path, '-x', register='yes'), Held('-D', tree.path, '-x', register='yes'):
        names = [line.split()[0] for line in output('machinectl', 'list', '--no-legend').splitlines()]
        assert len(names) == 2 and all(re.fullmatch('fe-[0-9a-f]{16}', name) for name in names)
    wait_for(lambda: not output('machinectl', 'list', '--no-legend'))


def test_long_name(other):
    long = support.MACHINES / ('n' * 50 + '.' + 'x' * 13)
    other.path.rename(long)
    try:
        seen = run(*command('-D', long, '-x', script='hostname')).stdout.strip()
    finally:
        long.rename(other.path)
    assert re.fullmatch('n{47}-[0-9a-f]{16}', seen)


def test_host_tree():
    """The host boots a copy of itself, by its own name with a suffix. (Its layer cannot be on the lab's own root, an overlay.)"""
    var_tmp = support.MACHINES / 'fe-var-tmp'
    var_tmp.mkdir()
    run('mount', '--bind', var_tmp, '/var/tmp')
    try:
        seen = run(*command('-D', '/', '-x', script='hostname; rm -r /etc; ls -d /etc 2>&1; ls -A /var/tmp /var/lib/machines'))
        assert list(var_tmp.iterdir()) == []
    finally:
        run('umount', '/var/tmp')
        var_tmp.rmdir()
    assert re.match(f'{re.escape(output("hostname"))}-[0-9a-f]{{16}}\nls: cannot access', seen.stdout)
    assert Path('/etc/hostname').exists()


# -------------------------------------------------------------------- ends

def test_reboot_by_hand_keeps_the_copy(tree):
    """As systemd-nspawn has it: the copy is box-run's, not one boot's."""
    script = 'cat /count 2>/dev/null; echo boot >>/count; [ $(wc -l </count) -ge 3 ] || busybox reboot -f'
    seen = run('box-run', '-M', tree.name, '-x', '-U', '--pipe', '--register=no', '--bind=:/scratch', '/bin/sh', '-c',
               f'echo . >>/scratch/x; cat /scratch/x; {script}')
    assert seen.stdout.split() == ['.', '.', '.', 'boot', '.', '.', '.', 'boot', 'boot']
    assert seen.stderr.count('is being rebooted') == 2


def test_supervisor_that_was_killed(tree):
    """Its layer is a hidden name that nothing boots, and gone with the next ephemeral start."""
    held = Held('-M', tree.name, '-x', '-U')
    with held:
        held.process.send_signal(signal.SIGKILL)
        held.process.wait()
        (left,) = layers()
    assert run('box-run', '-M', left.name, check=False).returncode == 1
    assert tree.name in output('machinectl', 'list-images', '--no-legend')
    with Held('-M', tree.name, '-x', '-U'):
        wait_for(lambda: len(layers()) == 1 and layers() != [left])


def test_leftover_is_removed_beside_the_start(tree):
    """Each of its files takes 0.2 s to remove: the machine does not wait for them."""
    left = support.MACHINES / f'.#box-{tree.name}.0123456789abcdef'
    left.mkdir(0o700)
    for number in range(40):
        (left / str(number)).write_text('')
    # not by run(), which would wait for the tracer of the process that removes them
    process = subprocess.Popen(['strace', '-D', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=unlinkat', '-e',
                                'inject=unlinkat:delay_enter=200000', *command('-M', tree.name, '-x')],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert process.wait(15) == 0
    assert left.exists()
    wait_for(lambda: not left.exists(), timeout=60)


def test_hostile_contents_are_removed(tree):
    """Immutable and append-only files, no permissions, deep directories, sticky ones of others."""
    with Held('-M', tree.name, '-x', script='mkdir -p /t/a /t/d; touch /t/a/x; chmod 0 /t/a; mkdir -m 1777 /t/s; touch /t/s/y\n'
              'chown 7 /t/s /t/s/y; cd /t/d; i=0; while [ $i -lt 1200 ]; do mkdir d; cd d; i=$((i + 1)); done') as held:
        (layer,) = layers()
        run('chattr', '+i', layer / 'upper/t/a', layer / 'upper/t/s/y')
        run('chattr', '+a', layer / 'upper/t/s')
    assert held.err == ''


def test_by_unit(tree):
    """A supervisor with few rights left removes what it made; a reboot begins anew."""
    tree.write_file('[Exec]\nEphemeral=yes\nBoot=no\nParameters=/bin/sh -c "[ -e /made ] && echo kept; touch /made; mkdir -m 1777 '
                    '/s; touch /s/x; chown 9:9 /s /s/x; touch /tmp/up; sleep 1000"\n')
    try:
        tree.start()
        wait_for(lambda: tree.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
        caps = re.search(r'CapEff:\s*(\S+)', Path(f'/proc/{tree.property("MainPID")}/status').read_text()).group(1)
        assert 'cap_sys_admin' not in output('capsh', f'--decode={caps}')
        (layer,) = layers()
        assert (layer / 'upper/made').exists()
        tree.stop()
        assert layers() == []
        run('systemctl', 'reset-failed', tree.unit, check=False)
        tree.start()
        wait_for(lambda: tree.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
        tree.stop()
    finally:
        run('systemctl', 'stop', tree.unit, check=False)
        run('systemctl', 'reset-failed', tree.unit, check=False)
        tree.file.unlink()
    assert 'kept' not in tree.journal() and 'Failed to remove' not in tree.journal()


# -------------------------------------------------------------------- whole systems

@pytest.fixture(scope='module')
def deb(all_gone, module_machine):
    machine = module_machine('deb12', name='fe-deb')
    for name in ('capped', 'suid'):
        run('cp', machine.path / 'usr/bin/cat', machine.path / 'usr/local/bin' / name)
    run('setcap', 'cap_net_raw+ep', machine.path / 'usr/local/bin/capped')
    (machine.path / 'usr/local/bin/suid').chmod(0o4755)
    machine.before = listing(machine.path)
    yield machine
    run('systemctl', 'stop', machine.unit, check=False)
    assert listing(machine.path) == machine.before


@pytest.fixture
def sample():
    """sample(name, directories…): a sample of ours, with its directories of /srv/NAME made elsewhere."""
    place = support.MACHINES / '.fe-place'

    def read(name, *directories):
        for each in directories:
            (place / each).mkdir(parents=True)
            (place / each / each).write_text('')
        return Path(f'/usr/share/box/nspawn-configs/{name}.nspawn').read_text().replace(f'/srv/{name}', str(place))
    yield read
    support.remove_tree(place)


def test_ephemeral_system_boots(deb, sample):
    deb.write_file(sample('try-out', 'shared', 'mine'))
    deb.start()
    assert deb.exec('sh', '-c', 'touch /work/new /scratch/new; ls /work').stdout.split() == ['mine', 'new', 'shared']
    deb.wait_running()
    assert deb.exec('findmnt', '-no', 'FSTYPE', '/').stdout == 'overlay\n'
    # set-user-id and file capabilities are in force below the layer and in it
    deb.exec('sh', '-c', 'cp /usr/bin/cat /usr/local/bin/new; setcap cap_net_raw+ep /usr/local/bin/new')
    user = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups']
    for program in ('capped', 'new'):
        assert '\nCapEff:\t0000000000002000\n' in deb.exec(*user, f'/usr/local/bin/{program}', '/proc/self/status').stdout
    assert '\nUid:\t1000\t0\t0\t0\n' in deb.exec(*user, '/usr/local/bin/suid', '/proc/self/status').stdout
    deb.stop()
    assert layers() == []


def test_volatile_system_boots(deb):
    """systemd fills an empty /etc and /var by itself."""
    # an empty /etc means a first boot, at which systemd asks questions on the console
    deb.write_file('[Exec]\nParameters=systemd.firstboot=no\n[Files]\nVolatile=yes\n[Network]\nPrivate=yes\n')
    deb.start()
    assert deb.exec('findmnt', '-no', 'FSTYPE', '/').stdout == 'tmpfs\n'
    assert deb.exec('cat', '/etc/machine-id').stdout.strip() == deb.exec('sh', '-c', 'tr -d - </run/host/container-uuid').stdout.strip()
    deb.stop()


def test_stateless_system_boots(deb, sample):
    deb.write_file(sample('stateless', 'common', 'site'))
    deb.start()
    assert deb.exec('findmnt', '-no', 'FSTYPE', '/').stdout == 'overlay\n'
    assert deb.exec('sh', '-c', 'touch /made; ls /etc/site; touch /etc/site/x', check=False).stdout.split() == ['common', 'site']
    deb.stop()
