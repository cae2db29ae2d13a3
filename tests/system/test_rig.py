# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rig itself: a lab is the host that the other tests take it for, and their tools see what they claim to see.

No test here needs box: machines are run by systemd-nspawn.
"""

import ctypes
import os
import struct
import subprocess
from pathlib import Path

import pexpect
import pytest

import support
from support import output, run, wait_for

NSPAWN = 'systemd-nspawn@'
pytestmark = pytest.mark.quick


def test_lab_runs_without_failed_units():
    assert output('systemctl', '--failed', '--no-legend', '--plain') == ''
    assert output('systemctl', 'is-system-running') == 'running'


def test_lab_is_of_its_release(release):
    assert f'VERSION_ID="{release}"' in Path('/etc/os-release').read_text()


def test_pid_1_and_cgroups_are_a_systemd_host_s():
    assert Path('/proc/1/comm').read_text() == 'systemd\n'
    assert output('stat', '-f', '-c', '%T', '/sys/fs/cgroup') == 'cgroup2fs'
    assert '/system.slice/run-' in Path('/proc/self/cgroup').read_text()


@pytest.mark.parametrize('service', ['dbus', 'systemd-networkd', 'systemd-resolved', 'systemd-logind', 'systemd-udevd'])
def test_service_is_active(service):
    assert output('systemctl', 'is-active', service) == 'active'


def test_machined_answers():
    assert '"host"' in output('busctl', 'call', 'org.freedesktop.machine1', '/org/freedesktop/machine1',
                              'org.freedesktop.machine1.Manager', 'ListMachines')


def test_networkd_and_resolved_answer():
    assert 'loopback' in output('networkctl', 'list', '--no-legend')
    assert 'Protocols' in output('resolvectl', 'status')


def owner_through_idmap(path, userns):
    """The owner of a path, seen through an idmapped mount."""
    libc = ctypes.CDLL(None, use_errno=True)
    at_fdcwd, at_empty_path, open_tree_clone, mount_attr_idmap = -100, 0x1000, 1, 0x100000
    open_tree, mount_setattr = 428, 442
    fd = libc.syscall(open_tree, at_fdcwd, os.fsencode(path), open_tree_clone | os.O_CLOEXEC)
    assert fd >= 0, os.strerror(ctypes.get_errno())
    try:
        attributes = struct.pack('=QQQQ', mount_attr_idmap, 0, 0, userns)
        r = libc.syscall(mount_setattr, fd, b'', at_empty_path, attributes, len(attributes))
        assert r == 0, os.strerror(ctypes.get_errno())
        return os.fstat(fd).st_uid
    finally:
        os.close(fd)


def test_machines_lie_on_a_file_system_that_can_be_idmapped():
    sleeper = subprocess.Popen(['unshare', '--user', 'sleep', 'infinity'])
    try:
        wait_for(lambda: os.readlink(f'/proc/{sleeper.pid}/ns/user') != os.readlink('/proc/self/ns/user'))
        for ids in ('uid_map', 'gid_map'):
            Path(f'/proc/{sleeper.pid}/{ids}').write_text('0 700000 65536')
        with open(f'/proc/{sleeper.pid}/ns/user', 'rb') as userns:
            assert owner_through_idmap(support.MACHINES, userns.fileno()) == 700000
    finally:
        sleeper.kill()
        sleeper.wait()


def test_source_and_trees_are_read_only():
    for path in ('/src', '/trees'):
        with pytest.raises(OSError, match='Read-only file system'):
            Path(path, 'probe').touch()


def test_payload_boots_and_is_removed(nothing_left, machine):
    deb = machine('deb12', name='rig-deb', unit=NSPAWN)
    deb.write_file('[Exec]\nNotifyReady=yes\n')
    deb.start()
    deb.wait_running()
    assert deb.is_active()
    assert deb.exec('hostname').stdout == 'rig-deb\n'
    assert deb.exec('cat', '/proc/1/comm').stdout == 'systemd\n'
    deb.stop()
    assert deb.property('ActiveState') == 'inactive'


def test_host_state_sees_what_is_left(host_state, tmp_path):
    before = host_state()
    assert host_state().differences(before) == []
    lock = Path('/run/systemd/nspawn/rig-lock')
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    run('mount', '-t', 'tmpfs', 'tmpfs', tmp_path)
    run('ip', 'link', 'add', 've-rig', 'type', 'veth', 'peer', 'name', 'rig')
    run('nft', 'add', 'table', 'ip', 'rig')
    group = Path('/sys/fs/cgroup/machine.slice/rig')
    try:
        group.mkdir(parents=True)
        found = '\n'.join(host_state().differences(before))
    finally:
        group.rmdir()
        run('nft', 'delete', 'table', 'ip', 'rig')
        run('ip', 'link', 'delete', 've-rig')
        run('umount', tmp_path)
        lock.unlink()
    for trace in ('/run/systemd/nspawn/rig-lock', f'{tmp_path} (tmpfs)', 've-rig', 'table ip rig', str(group)):
        assert trace in found
    assert [line for line in host_state().differences(before) if 'rig' in line] == []


def test_run_that_was_killed_is_in_nobody_s_way():
    """Neither its processes, which would go on, nor what its fixtures did not take back."""
    process = subprocess.Popen(['systemd-run', '--scope', '--quiet', '--unit=rig-earlier', 'sleep', '1000'])
    group = Path('/sys/fs/cgroup/system.slice/rig-earlier.scope')
    settings = Path('/etc/systemd/system/box@rig-earlier.service.d')
    tree = support.MACHINES / 'rig-earlier'
    wait_for(group.is_dir)
    run('useradd', '--create-home', 'rig-earlier')
    run('systemctl', 'mask', '--quiet', 'systemd-machined')
    settings.mkdir()
    (settings / 'x.conf').write_text('[Unit]\n')
    (tree / 'fixed').mkdir(parents=True)
    run('chattr', '+i', tree / 'fixed')
    run('mount', '-t', 'tmpfs', 'tmpfs', tree)
    support.remove_run(group)
    assert process.wait(60) != 0
    assert not any(path.exists() for path in (settings, tree, Path('/home/rig-earlier')))
    assert 'rig-earlier' not in Path('/etc/passwd').read_text()
    assert output('systemctl', 'is-enabled', 'systemd-machined', check=False) != 'masked'


def test_owners_sees_a_chown(machine):
    tree = machine(None, name='rig-owners')
    tree.path.mkdir()
    (tree.path / 'file').touch()
    before = support.owners(tree.path)
    os.chown(tree.path / 'file', 700000, 700000)
    assert support.owners(tree.path) != before


def test_dhcp_network_gives_leases_to_macvlans(nothing_left, dhcp_network):
    run('ip', 'netns', 'add', 'client')
    try:
        run('ip', 'link', 'add', 'link', dhcp_network.parent, 'name', 'mv', 'netns', 'client', 'type', 'macvlan',
            'mode', 'bridge')
        inside = ('ip', 'netns', 'exec', 'client')
        run(*inside, 'ip', 'link', 'set', 'mv', 'up')
        run(*inside, 'busybox', 'udhcpc', '-f', '-q', '-n', '-i', 'mv', '-s', '/bin/true')
        mac = output(*inside, 'cat', '/sys/class/net/mv/address', check=False) or \
            output(*inside, 'ip', '-brief', 'link', 'show', 'mv').split()[2]
        assert wait_for(lambda: dhcp_network.leases().get(mac)).startswith('10.213.7.')
    finally:
        run('ip', 'netns', 'delete', 'client')


def test_terminal_logs_in_on_a_console(machine, terminal):
    deb = machine('deb12', name='rig-login', unit=NSPAWN)
    deb.start()
    deb.wait_running()
    child = terminal('machinectl', 'login', deb.name)
    support.log_in(child)
    assert support.run_at_prompt(child, 'id -un; hostname') == 'root\nrig-login'


def test_terminal_shows_unexpected_output(terminal):
    child = terminal('sh', '-c', 'echo something else; sleep 5')
    with pytest.raises(pexpect.TIMEOUT, match='something else'):
        child.expect('login: ', timeout=0.5)


def test_run_shows_what_a_failed_command_printed():
    with pytest.raises(AssertionError, match='ended with 3\nthe reason'):
        run('sh', '-c', 'echo the reason; exit 3')
