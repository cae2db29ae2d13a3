# SPDX-License-Identifier: LGPL-2.1-or-later
"""The confinement of a machine, and its environment: namespaces, ids, cgroup, capabilities, mounts, devices,
environment. systemd-nspawn@ on the same tree is what most of it is compared with, from inside."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import support
from probe import PROBE, lines_of
from support import output, run, wait_for

pytestmark = pytest.mark.quick

NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']
RANGE = 65536

@pytest.fixture(scope='module')
def deb(module_machine):
    """A machine of box's, with what was to be seen in it, and what in systemd-nspawn's before on the same tree."""
    machine = module_machine('deb12', name='ns-deb')
    machine.owners = support.owners(machine.path)
    nspawn = support.Machine('ns-deb', unit='systemd-nspawn@')
    machine.write_file('[Exec]\nNotifyReady=yes\n')
    nspawn.start()
    machine.nspawn_probe = probe(nspawn)
    machine.nspawn_mac = nspawn.exec('cat', '/sys/class/net/host0/address').stdout
    nspawn.stop()
    machine.file.unlink()
    machine.start()
    machine.box_probe = probe(machine)
    return machine


@pytest.fixture(scope='module')
def other(module_machine):
    machine = module_machine('busybox', name='ns-other')
    machine.start()
    return machine


def probe(machine):
    return machine.exec('sh', '-c', PROBE).stdout.splitlines()


def namespaces(pid):
    return {name: os.readlink(f'/proc/{pid}/ns/{name}') for name in NAMESPACES}


def status(pid, field):
    return re.search(rf'^{field}:\s*(.*)$', Path(f'/proc/{pid}/status').read_text(), re.M).group(1).split()


def id_range(machine):
    """The first host ids of the machine's users and groups."""
    leader = machine.leader()
    lines = [Path(f'/proc/{leader}/{ids}_map').read_text().split() for ids in ('uid', 'gid')]
    assert lines[0] == lines[1] and len(lines[0]) == 3
    return [int(number) for number in lines[0]]


# -------------------------------------------------------------------- namespaces and ids

def test_all_seven_namespaces_are_not_the_host_s(deb):
    mine, hosts = namespaces(deb.leader()), namespaces(1)
    assert [name for name in NAMESPACES if mine[name] == hosts[name]] == []


def test_no_namespace_is_shared_by_two_machines(deb, other):
    one, two = namespaces(deb.leader()), namespaces(other.leader())
    assert [name for name in NAMESPACES if one[name] == two[name]] == []


def test_supervisor_stays_in_the_host_s_namespaces(deb):
    assert namespaces(deb.property('MainPID')) == namespaces(1)


def test_leader_is_root_in_the_machine_and_unprivileged_on_the_host(deb):
    uids = {int(uid) for uid in status(deb.leader(), 'Uid')}
    assert len(uids) == 1 and min(uids) >= 524288
    assert deb.exec('id', '-u').stdout == '0\n'


def test_range_is_64k_aligned_and_unused(deb, other):
    ranges = []
    for machine in (deb, other):
        inside, base, count = id_range(machine)
        assert (inside, count, base % RANGE) == (0, RANGE, 0)
        assert 524288 <= base <= 1878982656
        ranges.append(base)
    assert ranges[0] != ranges[1]


def test_range_stays_the_machine_s(other):
    before = id_range(other)
    other.stop()
    other.start()
    assert id_range(other) == before


def sees_its_own_only(machine):
    """As many as the host counts in its namespace; some may come and go between the two."""
    count = machine.exec('sh', '-c', 'ls -d /proc/[0-9]* | wc -l').stdout
    own = sum(1 for path in Path('/proc').glob('[0-9]*/ns/pid') if link(path) == link(f'/proc/{machine.leader()}/ns/pid'))
    return int(count) <= own + 4        # of this command itself


def test_processes_of_others_are_unseen(deb, other):
    for machine, stranger in ((deb, other), (other, deb)):
        names = machine.exec('sh', '-c', 'cat /proc/[0-9]*/comm', check=False).stdout.split()
        assert 'box-run' not in names and 'pytest' not in names and 'systemd-udevd' not in names
        wait_for(lambda: sees_its_own_only(machine))
        assert machine.exec('kill', '-0', stranger.leader(), check=False).returncode != 0


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return None


def test_proc_s_own_links_are_of_the_machine(deb):
    """With the wrong /proc, a process does not find itself."""
    assert deb.exec('sh', '-c', '[ $(readlink /proc/self) -lt 5000 ] && readlink /proc/1/exe').stdout.endswith('systemd\n')


def test_owners_on_disk_stay(deb):
    """No file of the tree is given to the machine's range: neither what was there nor what it makes itself."""
    deb.exec('touch', '/root/made-inside')
    assert (deb.path / 'root/made-inside').stat().st_uid == 0
    numbers = {int(word) for line in support.owners(deb.path).splitlines() for word in line.rsplit(' ', 3)[1:3]}
    assert max(numbers) < RANGE


# -------------------------------------------------------------------- cgroup

def test_supervisor_and_payload_have_cgroups_of_their_own(deb):
    unit = deb.property('ControlGroup')
    assert f'0::{unit}/supervisor\n' in Path(f'/proc/{deb.property("MainPID")}/cgroup').read_text()
    assert f'0::{unit}/payload/' in Path(f'/proc/{deb.leader()}/cgroup').read_text()
    base = id_range(deb)[1]
    directory = Path(f'/sys/fs/cgroup{unit}')
    assert directory.stat().st_uid == 0
    assert (directory / 'payload').stat().st_uid == base
    assert (directory / 'payload/cgroup.procs').stat().st_uid == base
    assert (directory / 'supervisor').stat().st_uid == 0


def test_machine_sees_its_part_of_the_cgroup_tree_as_the_root(deb):
    assert '0::/init.scope\n' in deb.exec('cat', '/proc/1/cgroup').stdout
    assert 'system.slice' in deb.exec('ls', '/sys/fs/cgroup').stdout
    assert not deb.exec('ls', '-d', '/sys/fs/cgroup/machine.slice', check=False).stdout


# -------------------------------------------------------------------- against systemd-nspawn

@pytest.mark.parametrize('kind', ['env', 'argv', 'status', 'dev', 'node', 'host', 'limit', 'kmsg', 'sys', 'mount',
                                  'options', 'hostname', 'virt'])
def test_payload_environment_is_as_under_systemd_nspawn(deb, kind):
    ours, theirs = lines_of(deb.box_probe, kind), lines_of(deb.nspawn_probe, kind)
    assert theirs
    different = [f'only under box: {line}' for line in sorted(ours - theirs)]
    different += [f'only under systemd-nspawn: {line}' for line in sorted(theirs - ours)]
    assert not different, '\n' + '\n'.join(different)


def test_addresses_of_the_link_are_systemd_nspawn_s(deb):
    assert deb.exec('cat', '/sys/class/net/host0/address').stdout == deb.nspawn_mac


# -------------------------------------------------------------------- by the contract itself

def test_environment_of_pid_1(deb):
    env = dict(line.removeprefix('env ').split('=', 1) for line in deb.box_probe if line.startswith('env '))
    assert env['container'] == 'systemd-nspawn'
    assert env['NOTIFY_SOCKET'] == '/run/host/notify'
    assert (env['HOME'], env['USER'], env['LOGNAME']) == ('/root', 'root', 'root')
    assert re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', env['container_uuid'])
    assert env['container_host_id'] == 'debian'
    assert env['container_host_version_id'] == os.environ['BOX_LAB']


def test_run_host_tells_of_the_host_and_is_read_only(deb):
    assert deb.exec('cat', '/run/host/os-release').stdout == Path('/etc/os-release').read_text()
    assert deb.exec('cat', '/run/host/container-manager').stdout == 'systemd-nspawn\n'
    assert deb.exec('cat', '/run/host/container-uuid').stdout.strip() in '\n'.join(deb.box_probe)
    assert 'Read-only' in deb.exec('touch', '/run/host/x', check=False).stderr


@pytest.mark.parametrize('path', ['kallsyms', 'kcore', 'keys', 'sysrq-trigger', 'timer_list'])
def test_proc_file_is_masked(deb, path):
    """By an empty file that nobody may open; where a new proc has the file at all."""
    look = f'[ -e /proc/{path} ] && stat -c "%a %s %F" /proc/{path} && grep -c " /proc/{path} " /proc/self/mountinfo || echo none'
    bare = run('box-run', '-q', '--register=no', '--pipe', '-D', '/trees/busybox', '--volatile=overlay', '-M', 'ns-bare', '/bin/sh', '-c',
               look, env={**os.environ, 'SYSTEMD_NSPAWN_API_VFS_WRITABLE': 'yes'}).stdout
    assert bare == 'none\n' or bare.endswith('\n0\nnone\n'), 'a positive control: there it is not masked'
    masked = deb.exec('sh', '-c', look).stdout
    assert masked == ('none\n' if bare == 'none\n' else '0 0 regular empty file\n1\n')


@pytest.mark.parametrize('path', ['/proc/sys/kernel/hostname', '/proc/sys/vm/swappiness', '/sys/kernel/uevent_helper'])
def test_host_s_settings_are_read_only(deb, path):
    """test_private_network_settings_are_writable is the positive control: where it is allowed, the same works."""
    result = deb.exec('sh', '-c', f'echo x >{path}', check=False)
    assert result.returncode != 0 and 'Read-only file system' in result.stderr


def test_private_network_settings_are_writable(deb):
    deb.exec('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward')
    assert deb.exec('cat', '/proc/sys/net/ipv4/ip_forward').stdout == '1\n'


def test_boot_id_is_of_this_start(deb):
    boot_id = '/proc/sys/kernel/random/boot_id'
    assert deb.exec('cat', boot_id).stdout != Path(boot_id).read_text()


def test_filter_is_there_and_refuses(deb):
    assert status(deb.leader(), 'Seccomp') == ['2']
    quotactl, of_no_device = {'x86_64': 179, 'aarch64': 60}[os.uname().machine], 0x80000400     # Q_GETFMT
    ask = ['/usr/bin/perl', '-e', f'print syscall({quotactl}, {of_no_device}, 0, 0, 0) < 0 ? "$!\\n" : "done\\n"']
    assert deb.exec(*ask).stdout == 'No such device\n', 'a positive control: nsenter has no filter'
    assert run('boxctl', 'shell', '-q', deb.name, *ask).stdout == 'Operation not permitted\n'


def test_capabilities_are_bounded(deb):
    bounding = output('capsh', f'--decode={status(deb.leader(), "CapBnd")[0]}')
    assert 'cap_net_admin' in bounding and 'cap_sys_admin' in bounding
    for missing in ('cap_sys_module', 'cap_sys_rawio', 'cap_sys_time', 'cap_syslog', 'cap_bpf', 'cap_ipc_lock'):
        assert missing not in bounding


def test_supervisor_keeps_little(deb):
    pid = deb.property('MainPID')
    effective = output('capsh', f'--decode={status(pid, "CapEff")[0]}')
    assert 'cap_sys_admin' not in effective and 'cap_sys_ptrace' not in effective
    assert status(pid, 'NoNewPrivs') == ['1']


def test_mounts_of_the_machine_do_not_show_on_the_host(deb):
    deb.exec('mount', '-t', 'tmpfs', 'tmpfs', '/mnt')
    assert 'ns-deb/mnt' not in Path('/proc/self/mountinfo').read_text()
    assert not [line for line in Path('/proc/self/mountinfo').read_text().splitlines() if str(deb.path) in line]


# -------------------------------------------------------------------- what is the machine's own

def test_console_is_its_owner_s(deb):
    """Others in the machine may not write to it, as with mesg(1) on a terminal of their own."""
    assert deb.exec('stat', '-L', '-c', '%a %U:%G', '/dev/console').stdout == '620 root:tty\n'


def test_readers_of_the_kernel_log_wait(deb):
    """A FIFO without a writer would be at its end at once, and klogd would spin."""
    read = ['dd', 'iflag=nonblock', 'count=1', 'status=none']
    result = deb.exec(*read, 'if=/proc/kmsg', check=False)
    assert result.returncode == 1 and 'temporarily unavailable' in result.stderr
    deb.exec('mkfifo', '/run/without-writer')
    assert deb.exec(*read, 'if=/run/without-writer').stdout == '', 'a positive control: the end at once'


KEY = '''
import ctypes, os, sys
keyctl, add_key = {'x86_64': (250, 248), 'aarch64': (219, 217)}[os.uname().machine]
libc = ctypes.CDLL(None)
libc.syscall(keyctl, 1, b"box-test")
assert libc.syscall(add_key, b"user", b"box-test-key", b"secret", 6, -3) > 0
os.execvp(sys.argv[1], sys.argv[1:])
'''


@pytest.mark.parametrize('users', ['-U', '--private-users=no'])
def test_session_keyring_is_the_machine_s(users):
    """The supervisor's holds a key, which its payload does not find."""
    keyctl = {'x86_64': 250, 'aarch64': 219}[os.uname().machine]
    look = ['perl', '-e', f'my @key = ("user", "box-test-key"); print syscall({keyctl}, 10, -3, @key, 0) < 0 ? "$!" : "found"']
    assert output('python3', '-c', KEY, *look) == 'found', 'a positive control'
    seen = output('python3', '-c', KEY, 'box-run', '-q', '--register=no', '--pipe', '-M', 'ns-keys', '-D', '/trees/deb12',
                  '--volatile=overlay', users, '--system-call-filter=@keyring', '/usr/bin/' + look[0], *look[1:])
    assert seen == 'Required key not available'


def test_descriptors_of_the_caller_are_closed(tmp_path):
    """Neither the payload nor the supervisor has them."""
    secret = tmp_path / 'secret'
    secret.write_text('')
    with open(secret) as file:
        held = subprocess.Popen(['box-run', '-q', '--register=no', '--pipe', '-M', 'ns-descriptors', '-D', '/trees/busybox',
                                 '--volatile=overlay', '-U', '/bin/sh', '-c', 'echo up; read line'], pass_fds=[file.fileno()],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert held.stdout.readline() == b'up\n'
            for pid in [held.pid, *map(int, output('pgrep', '-P', held.pid).split())]:
                found = {os.path.realpath(path) for path in Path(f'/proc/{pid}/fd').iterdir()}
                assert str(secret) not in found
            assert str(secret) in {os.path.realpath(path) for path in Path('/proc/self/fd').iterdir()}, 'a positive control'
        finally:
            held.communicate(b'\n')
    assert held.returncode == 0
