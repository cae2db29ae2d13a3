# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that cannot be started is refused with one message that names the cause, and leaves nothing behind.

The same sentence is to be read where box-run was started, in the journal, in `systemctl status` and from boxctl.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import in_use, output, run, wait_for

pytestmark = pytest.mark.quick

BOX_RUN = '/usr/bin/box-run'


@pytest.fixture(scope='module')
def tree(module_machine):
    """A busybox tree as machine "sound"."""
    return module_machine('busybox', name='sound')


@pytest.fixture
def refused(nothing_left):
    """refused(message, switch, …, before=(…), error=…): box-run fails with exactly this message, and nothing is left."""
    def check(message, *words, prefix=(), **options):
        result = run(*prefix, BOX_RUN, *words, check=False, timeout=60, **options)
        assert (result.stderr, result.returncode) == (f'box-run: {message}\n', 1)
        assert result.stdout == ''
    return check


def refused_by_unit(machine, message):
    """The machine's unit fails to start, with the same message in all places that show it."""
    began = output('date', '+%F %T.%N')
    assert machine.start(check=False).returncode != 0
    run('journalctl', '--sync')
    lines = output('journalctl', '--no-pager', '--quiet', '--output=cat', '--unit', machine.unit, '--since', began,
                   '--identifier=box-run').splitlines()
    assert lines == [message]
    assert machine.property('ActiveState') == 'failed'
    assert machine.property('StatusText') == message
    assert machine.property('StatusErrno') != '0'
    assert message in run('systemctl', 'status', '--full', machine.unit, check=False).stdout
    run('systemctl', 'reset-failed', machine.unit)
    told = run('boxctl', 'start', machine.name, check=False)
    assert told.returncode != 0
    assert told.stderr.count(message) == 1 and told.stderr.count('\n') == 1, told.stderr
    run('systemctl', 'reset-failed', machine.unit, check=False)     # boxctl may have seen it without trying


def snapshot(path):
    """Everything of a tree that a failed start could change."""
    return output('find', path, '-xdev', '-printf', '%P %y %U %G %m %s %T@ %C@ %l\n')


def give_mount_points(tree):
    """A mount point that is missing in the tree is created, and stays."""
    (tree.path / 'etc/localtime').touch()


# -------------------------------------------------------------------- the tree

def test_no_such_machine(refused):
    refused("No machine 'nowhere': /var/lib/machines has no such tree", '-M', 'nowhere', '--boot')
    refused('Failed to open the tree /var/lib/machines/nowhere: No such file or directory',
            '-D', '/var/lib/machines/nowhere', '--boot')


def test_a_name_nearly_right_is_suggested(tree, refused):
    refused("No machine 'sond': /var/lib/machines has no such tree; did you mean 'sound'?", '-M', 'sond', '--boot')


def test_no_such_machine_as_unit(nothing_left, machine):
    refused_by_unit(machine(None, name='nowhere'), "No machine 'nowhere': /var/lib/machines has no such tree")


@pytest.mark.parametrize('name, problem', [
    ('bad_name', 'only letters A-Z a-z, digits, dashes and dots may be in it'),
    ('a/b', 'only letters A-Z a-z, digits, dashes and dots may be in it'),
    ('-x', 'a part of it begins or ends with a dash'),
])
def test_invalid_name(refused, name, problem):
    refused(f"Invalid machine name '{name}': {problem}", f'--machine={name}', '--boot')


def test_directory_with_an_invalid_name(nothing_left, tmp_path):
    (tmp_path / '___').mkdir()
    result = run(BOX_RUN, '-D', tmp_path / '___', check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("box-run: No machine name can be made of the directory name '___'")
    assert result.stderr.count('\n') == 1


def test_file_in_place_of_a_tree(nothing_left, machine):
    file = machine(None, name='just-a-file')
    file.path.write_text('not a directory')
    try:
        refused_by_unit(file, '/var/lib/machines/just-a-file is a file, not a directory; a disk image is called NAME.raw')
        assert file.path.read_text() == 'not a directory'
    finally:
        file.path.unlink()


def test_link_to_nothing(nothing_left, machine):
    link = machine(None, name='dangling')
    link.path.symlink_to('/nowhere')
    try:
        refused_by_unit(link, '/var/lib/machines/dangling is a symbolic link to nothing')
    finally:
        link.path.unlink()


def test_tree_without_os_release(nothing_left, machine):
    empty = machine(None, name='empty')
    empty.path.mkdir()
    before = snapshot(empty.path)
    refused_by_unit(empty, "--boot: The tree '/var/lib/machines/empty' has no /etc/os-release or /usr/lib/os-release: it is "
                           "not the root of an operating system")
    assert snapshot(empty.path) == before


def test_tree_without_init(nothing_left, machine):
    headless = machine('busybox', name='headless')
    (headless.path / 'sbin/init').unlink()
    before = snapshot(headless.path)
    refused_by_unit(headless, "--boot: The tree '/var/lib/machines/headless' has no init to boot (looked for "
                              "/usr/lib/systemd/systemd, /lib/systemd/systemd and /sbin/init); to run a command, omit --boot")
    assert snapshot(headless.path) == before


def test_tree_with_an_init_that_is_none(nothing_left, machine):
    headless = machine('busybox', name='headless')
    init = headless.path / 'sbin/init'
    for problem, make in (('is a link whose target is missing', lambda: init.symlink_to('no-such-init')),
                          ('is not executable', lambda: init.write_text('text'))):
        init.unlink()
        make()
        refused_by_unit(headless, f"--boot: The tree '/var/lib/machines/headless' has no init to boot: its /sbin/init {problem}")


def test_tree_that_cannot_run_a_command(refused, machine):
    empty = machine(None, name='hollow')
    empty.path.mkdir()
    refused("The tree '/var/lib/machines/hollow' has no /usr: it is not the root of an operating system",
            '-M', 'hollow', '/bin/true')


def test_host_root_is_refused(refused):
    refused("The host's own / can only be a machine's tree with --ephemeral or --volatile", '-D', '/', '-M', 'host')


@pytest.mark.parametrize('command, why', [
    ('/nowhere', 'No such file or directory'),
    ('nowhere', 'No such file or directory'),
    ('/etc', 'Permission denied'),
    ('/etc/hosts', 'Permission denied'),
    ('/etc/hosts/x', 'Not a directory'),
])
def test_no_such_command(tree, refused, command, why):
    give_mount_points(tree)
    before = snapshot(tree.path)
    refused(f"Failed to execute '{command}': {why}", '-M', tree.name, '-U', command)
    assert snapshot(tree.path) == before


# -------------------------------------------------------------------- settings

def test_unknown_interface(tree, refused):
    tree.write_file('[Network]\nMACVLAN=no-such-if\n')
    before = snapshot(tree.path)
    refused('/etc/systemd/nspawn/sound.nspawn:2: MACVLAN=no-such-if: no such interface', '-M', 'sound', '--settings=yes', '-U',
            'true')
    assert snapshot(tree.path) == before
    tree.file.unlink()


def test_bad_value_in_the_file(tree, nothing_left):
    tree.write_file('[Exec]\n# a remark\nNotifyReady=perhaps\n')
    refused_by_unit(tree, '/etc/systemd/nspawn/sound.nspawn:3: NotifyReady=perhaps: not a boolean (yes or no)')
    tree.file.unlink()


def test_all_bad_values_at_once(tree, nothing_left):
    tree.write_file('[Exec]\nNotifyReady=perhaps\nCapability=CAP_FLY\n[Files]\nBind=relative\n')
    result = run(BOX_RUN, '-M', tree.name, '--boot', check=False)
    assert result.returncode == 1
    for place in ('sound.nspawn:2: NotifyReady=', 'sound.nspawn:3: Capability=', 'sound.nspawn:5: Bind='):
        assert result.stderr.count(place) == 1
    assert result.stderr.count('\n') == 3
    tree.file.unlink()


def test_unknown_key_is_ignored(tree, nothing_left):
    tree.write_file('[Exec]\nHostnam=x\n')
    result = run(BOX_RUN, '-M', tree.name, '-U', '/bin/echo', 'it ran')
    assert result.stdout == 'it ran\n'
    assert result.stderr == ('box-run: /etc/systemd/nspawn/sound.nspawn:2: unknown key Hostnam= in [Exec], ignored; did you '
                             'mean Hostname=?\n')
    tree.file.unlink()


def test_bad_switches(tree, refused):
    refused('--bind=: Failed to open \'/nowhere\' for mounting: No such file or directory',
            '-M', tree.name, '-U', '--bind=/nowhere', '/bin/true')
    refused("--tmpfs=: Failed to create a new tmpfs for '/mnt' of the machine, option size=lots: Invalid argument",
            '-M', tree.name, '-U', '--tmpfs=/mnt:size=lots', '/bin/true')


# -------------------------------------------------------------------- in use

def test_tree_in_use_by_box(tree, nothing_left):
    """Who has it is named: a machine under its unit, another one by hand."""
    tree.start()
    leader = tree.leader()
    for name in (tree.name, 'another'):
        for action in ([], ['--check']):
            if action and name == tree.name:
                continue
            result = run(BOX_RUN, *action, '-D', tree.path, '-M', name, '-U', '/bin/true', check=False)
            assert in_use(tree.path, f"machine '{tree.name}'", unit=f'box@{tree.name}.service').fullmatch(
                result.stderr.removeprefix('box-run: ')), result.stderr
            assert result.returncode == 1
    assert output('boxctl', 'check', tree.name) == ''           # it is its own
    assert tree.leader() == leader and tree.is_active()
    tree.stop()
    with subprocess.Popen([BOX_RUN, '-q', '-D', tree.path, '-M', 'byhand', '--pipe', '/bin/sh', '-c', 'echo up; read line'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == 'up\n'
        for verb in ('start', 'check'):
            result = run('boxctl', verb, tree.name, check=False)
            assert in_use(tree.path, "machine 'byhand'").search(result.stderr), result.stderr
            assert result.returncode == 1
        other.communicate('')
    run('systemctl', 'reset-failed', f'box@{tree.name}')


@pytest.mark.parametrize('register', ['no', 'yes'])
def test_tree_in_use_by_nspawn(tree, nothing_left, register):
    nspawn = subprocess.Popen(['systemd-nspawn', '--quiet', '--keep-unit', f'--register={register}', '-D', str(tree.path), '/bin/sh',
                               '-c', 'echo up; exec sleep 1000'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert nspawn.stdout.readline().strip() == b'up'
        holder = f"machine '{tree.name}'" if register == 'yes' else 'another program'
        for verb in ('start', 'check'):
            result = run('boxctl', verb, tree.name, check=False)
            assert in_use(tree.path, holder, 'systemd-nspawn').search(result.stderr), result.stderr
            assert result.returncode == 1
        assert nspawn.poll() is None
    finally:
        nspawn.send_signal(signal.SIGTERM)
        nspawn.wait(timeout=60)
        run('systemctl', 'reset-failed', f'box@{tree.name}', check=False)


def test_tree_in_use_by_nspawn_s_unit(tree, nothing_left, drop_in_of_nspawn):
    """The unit of the same name gives way: Conflicts=."""
    drop_in_of_nspawn(f'[Service]\nType=simple\nExecStart=\nExecStart=systemd-nspawn --quiet --keep-unit --settings=no '
                      f'-D {tree.path} -M {tree.name} /bin/sleep 1000\n')
    run('systemctl', 'start', f'systemd-nspawn@{tree.name}')
    wait_for(lambda: run('machinectl', 'show', tree.name, check=False).returncode == 0)
    assert output('boxctl', 'check', tree.name) == ''
    result = run(BOX_RUN, '-D', tree.path, '-M', 'another', '/bin/true', check=False)
    assert in_use(tree.path, f"machine '{tree.name}'", 'systemd-nspawn', f'systemd-nspawn@{tree.name}.service').search(result.stderr)
    tree.start()
    tree.stop()


@pytest.fixture
def drop_in_of_nspawn(tree):
    unit = f'systemd-nspawn@{tree.name}.service'
    place = Path(f'/run/systemd/system/{unit}.d')

    def write(text):
        place.mkdir(parents=True)
        (place / 'test.conf').write_text(text)
        run('systemctl', 'daemon-reload')
    yield write
    run('systemctl', 'stop', unit)
    run('systemctl', 'reset-failed', unit, check=False)
    run('rm', '-rf', place)
    run('systemctl', 'daemon-reload')


def test_tree_in_use_by_another_program(tree, nothing_left):
    """As machined takes the locks while it copies a tree."""
    lock = tree.path.parent / f'.#{tree.name}.lck'
    code = ("import fcntl, os, struct, sys; fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600);"
            "fcntl.fcntl(fd, 37, struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0)); print('up', flush=True); input()")
    with subprocess.Popen(['python3', '-c', code, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == 'up\n'
            for verb in ('start', 'check'):
                result = run('boxctl', verb, tree.name, check=False)
                message = in_use(tree.path, 'another program', r'python3\S*').search(result.stderr)
                assert message and f'process {other.pid},' in message.group(), result.stderr
        finally:
            other.communicate('\n')
            lock.unlink()
            run('systemctl', 'reset-failed', f'box@{tree.name}', check=False)


# -------------------------------------------------------------------- the host

def test_no_cgroup_v2(tree, refused):
    refused('This host does not use cgroup v2: /sys/fs/cgroup is a v1 or hybrid hierarchy; boot it with '
            'systemd.unified_cgroup_hierarchy=yes', '-M', tree.name, '-U', '/bin/true',
            prefix=('unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /sys/fs/cgroup && exec "$@"', 'sh'))


def test_no_user_namespaces(tree, refused):
    """The limit is set in a user namespace of the test's own: not every host lets it be written in the first."""
    refused("Failed to create the namespaces of machine 'sound': No space left on device (is "
            '/proc/sys/user/max_user_namespaces 0?)', '-M', tree.name, '-U', '--register=no', '/bin/true',
            prefix=('unshare', '--user', '--map-root-user', 'sh', '-c',
                    'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', 'sh'))


def test_not_root(tree, refused):
    refused("Machine 'sound' can only be started by root", '-M', tree.name, '--boot',
            prefix=('setpriv', '--reuid=65534', '--clear-groups'))


# -------------------------------------------------------------------- machined

@pytest.fixture
def machined_back():
    yield
    run('systemctl', 'unmask', '--quiet', 'systemd-machined', check=False)
    run('systemctl', 'kill', '--signal=KILL', 'systemd-machined', check=False)
    run('systemctl', 'start', 'systemd-machined')


def test_machined_hangs(tree, nothing_left, machined_back):
    run('systemctl', 'start', 'systemd-machined')
    run('systemctl', 'kill', '--signal=STOP', 'systemd-machined')
    result = run(BOX_RUN, '-M', tree.name, '-U', '--network-veth', '/bin/true', check=False, timeout=60,
                 env={**os.environ, 'SYSTEMD_BUS_TIMEOUT': '1s'})
    assert (result.stderr, result.returncode) == (
        "box-run: Failed to register machine 'sound' with systemd-machined: Method call timed out\n", 1)


def test_machined_dies_meanwhile(tree, nothing_left, machined_back):
    run('systemctl', 'start', 'systemd-machined')
    run('systemctl', 'kill', '--signal=STOP', 'systemd-machined')
    start = subprocess.Popen([BOX_RUN, '-M', tree.name, '-U', '--network-veth', '/bin/true'], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: os.path.exists(f'/sys/class/net/ve-{tree.name}'))
    time.sleep(0.5)         # the request follows the link at once
    run('systemctl', 'kill', '--signal=KILL', 'systemd-machined')
    stderr = start.communicate(timeout=60)[1]
    assert (stderr, start.returncode) == ("box-run: Failed to register machine 'sound' with systemd-machined: Message "
                                          "recipient disconnected from message bus without replying\n", 1)


def test_missing_machined_is_reported_once_unless_required(tree, nothing_left, machined_back):
    run('systemctl', 'mask', '--quiet', 'systemd-machined')
    run('systemctl', 'stop', 'systemd-machined')
    result = run(BOX_RUN, '-M', tree.name, '-U', '/bin/echo', 'it ran')
    assert result.stdout == 'it ran\n'
    assert result.stderr.count('\n') == 1 and result.stderr.endswith("; machine 'sound' runs without being registered\n")
    result = run(BOX_RUN, '-M', tree.name, '-U', '--register=yes', '/bin/true', check=False)
    assert result.returncode == 1
    assert result.stderr.count('\n') == 1 and "machine 'sound' with systemd-machined" in result.stderr


def test_missing_bus_is_reported_once(tree, nothing_left):
    result = run(BOX_RUN, '-M', tree.name, '-U', '/bin/echo', 'it ran',
                 env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nowhere'})
    assert result.stdout == 'it ran\n'
    assert result.stderr == ("box-run: There is no system bus here: systemd and dbus have to run on this host; machine 'sound' "
                             'runs without being registered\n')


def test_bus_that_goes_away(tree, nothing_left, tmp_path):
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(tmp_path / 'bus'))
        bus.listen()
        start = subprocess.Popen([BOX_RUN, '-M', tree.name, '-U', '--network-veth', '/bin/true'], stdin=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={tmp_path}/bus'})
        connection = bus.accept()[0]
        connection.recv(1)
        time.sleep(0.2)
        connection.close()
        stderr = start.communicate(timeout=60)[1]
    assert start.returncode == 1
    assert stderr.startswith("box-run: Failed to register machine 'sound' with systemd-machined: ")
    assert stderr.count('\n') == 1


# -------------------------------------------------------------------- the payload

@pytest.fixture
def quitter(machine):
    """quitter(script): a machine whose init is this script."""
    quitting = machine('busybox', name='quitter')

    def make(script):
        init = quitting.path / 'sbin/init'
        init.unlink(missing_ok=True)
        init.write_text(script)
        init.chmod(0o755)
        return quitting
    return make


@pytest.mark.parametrize('status', [0, 3])
def test_init_that_exits_before_it_is_ready(nothing_left, quitter, status):
    quitting = quitter(f'#!/bin/sh\nexit {status}\n')
    # These two are written before the payload is executed, as here, and remain.
    quitting.write_file('[Exec]\nNotifyReady=yes\nTimezone=off\nResolvConf=off\n')
    before = snapshot(quitting.path)
    refused_by_unit(quitting, f"The init of machine 'quitter' (/sbin/init) exited with status {status} before the machine was "
                              'ready')
    assert snapshot(quitting.path) == before


@pytest.mark.parametrize('status', [0, 3])
def test_init_that_exits_at_once(nothing_left, quitter, status):
    """One that is ready at exec has been ready: the start succeeds or not, but the unit fails and says why."""
    quitting = quitter(f'#!/bin/sh\nexit {status}\n')
    message = f"The init of machine 'quitter' exited with status {status}, without a shutdown"
    quitting.start(check=False)
    wait_for(lambda: quitting.property('ActiveState') == 'failed')
    assert quitting.property('StatusText') == message
    assert quitting.property('ExecMainStatus') == str(status or 1)
    run('journalctl', '--sync')
    assert quitting.journal().count(message) == 1


def test_init_that_cannot_be_executed(nothing_left, quitter):
    refused_by_unit(quitter('#!/nowhere/interpreter\n'), "Failed to execute '/sbin/init': No such file or directory")


# -------------------------------------------------------------------- no space

@pytest.fixture
def small_run():
    """A full file system over /run/box, for the state, and one over machined's directory for propagated mounts."""
    mounted = []

    def fill(path):
        Path(path).mkdir(parents=True, exist_ok=True)
        # two inodes: one is the root directory, the other is taken
        run('mount', '-t', 'tmpfs', '-o', 'size=4k,nr_inodes=2', 'tmpfs', path)
        mounted.append(path)
        Path(path, 'taken').touch()
    yield fill
    for path in mounted:
        # lazily: a machine that was started all the same keeps it busy, and the next tests need their own
        run('umount', '--lazy', path)


@pytest.mark.parametrize('place, message', [
    ('/run/box', "Failed to create '/run/box/.locks': No space left on device"),
    ('/run/systemd/nspawn', 'Failed to create /run/systemd/nspawn/locks: No space left on device'),
    ('/run/systemd/nspawn/propagate', "Failed to create '/run/systemd/nspawn/propagate/sound': No space left on device"),
    ('/run/systemd/nspawn-uid', 'Failed to lock the user ids from {range} on: No space left on device'),
])
def test_run_is_full(tree, nothing_left, small_run, place, message):
    plan = output(BOX_RUN, '-M', tree.name, '-U', '--dry-run', '/bin/true')
    ids = next(line for line in plan.splitlines() if ' are ' in line).split(' are ')[1].split('-')[0]
    small_run(place)
    before = snapshot(tree.path)
    refused_by_unit(tree, message.format(range=ids))
    assert snapshot(tree.path) == before


def test_disk_of_the_tree_is_full(nothing_left, tmp_path):
    disk = tmp_path / 'full'
    disk.mkdir()
    run('mount', '-t', 'tmpfs', '-o', 'size=16m,nr_inodes=1000', 'tmpfs', disk)
    try:
        root = disk / 'root'
        support.copy_tree('busybox', root)
        with open(disk / 'filler', 'wb') as filler, pytest.raises(OSError):
            while True:
                filler.write(b'x' * 65536)
                filler.flush()
        with pytest.raises(OSError):
            for i in range(1000):
                (disk / f'inode-{i}').touch()
        before = snapshot(root)
        result = run(BOX_RUN, '-D', root, '-M', 'full', '--private-users=no', '/bin/true', check=False)
        assert (result.stderr, result.returncode) == (f'box-run: Failed to lock {disk}/.#root.lck: No space left on device\n', 1)
        assert snapshot(root) == before
    finally:
        run('umount', disk)
        shutil.rmtree(disk)
