# SPDX-License-Identifier: LGPL-2.1-or-later
"""Variables of the environment: namespaces that are left out, and the rest of what systemd-nspawn reads there."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

NAMESPACES = ('cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts')
SHARED = {
    'SYSTEMD_NSPAWN_SHARE_NS_IPC=yes': {'ipc'},
    'SYSTEMD_NSPAWN_SHARE_NS_PID=yes': {'pid'},
    'SYSTEMD_NSPAWN_SHARE_NS_UTS=yes': {'uts'},
    'SYSTEMD_NSPAWN_SHARE_SYSTEM=yes': {'ipc', 'pid', 'uts'},
    'SYSTEMD_NSPAWN_USE_CGNS=no': {'cgroup'},
    'SYSTEMD_NSPAWN_SHARE_NS_IPC=no': set(),
}

# Path, type and mode of what is in /proc and /sys
MOUNTS = '''awk '{ n = 7; while ($n != "-") n++; print $5, $(n + 1), substr($6, 1, 2) }' /proc/self/mountinfo |
            grep -E '^/(proc|sys|tmp|dev/mqueue)' '''


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='environment')


def start(tree, *command, variable=None, args=(), program='box-run', **options):
    # systemd-nspawn 252 gives another payload than systemd a legacy hierarchy, unless it is told
    environment = {**os.environ, 'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY': 'yes', **dict([variable.split('=', 1)] if variable else [])}
    return run(program, '--quiet', f'--directory={tree.path}', '--pipe', *args, *command, env=environment, **options)


def inside(tree, script, **options):
    return start(tree, '/bin/sh', '-c', script, **options).stdout


def namespaces(text):
    return dict(line.split('=') for line in text.split())


LIST_NAMESPACES = ''.join(f'echo {name}=$(readlink /proc/self/ns/{name});' for name in NAMESPACES)


# -------------------------------------------------------------------- namespaces

@pytest.mark.parametrize('users', ['no', 'pick'])
@pytest.mark.parametrize('variable', SHARED)
def test_namespace_is_left_out_and_no_other(tree, variable, users):
    mine = namespaces(inside(tree, LIST_NAMESPACES, variable=variable, args=['--private-network', f'--private-users={users}']))
    hosts = {name: os.readlink(f'/proc/self/ns/{name}') for name in NAMESPACES}
    same = {name for name in NAMESPACES if mine[name] == hosts[name]}
    assert same == SHARED[variable] | ({'user'} if users == 'no' else set())


def test_network_of_the_host(tree):
    mine = namespaces(inside(tree, LIST_NAMESPACES))
    assert mine['net'] == os.readlink('/proc/self/ns/net') and mine['user'] == os.readlink('/proc/self/ns/user')


@pytest.mark.parametrize('variable, args, message', [
    ('SYSTEMD_NSPAWN_SHARE_NS_PID=1', ['--boot'], '--boot: An init needs its own PID'),
    ('SYSTEMD_NSPAWN_SHARE_NS_UTS=1', ['--boot'], '--boot: An init needs its own PID'),
    ('SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes', ['-U'], 'A user namespace cannot be combined'),
    ('SYSTEMD_NSPAWN_API_VFS_WRITABLE=network', ['-U'], "the host's network cannot be combined"),
    ('SYSTEMD_NSPAWN_API_VFS_WRITABLE=perhaps', [], '$SYSTEMD_NSPAWN_API_VFS_WRITABLE=perhaps: not a boolean'),
])
def test_conflicting_settings_are_refused_by_both(tree, variable, args, message):
    result = start(tree, '/bin/true', variable=variable, args=args, check=False)
    assert result.returncode == 1 and message in result.stderr
    assert start(tree, '/bin/true', variable=variable, args=args, program='systemd-nspawn', check=False).returncode == 1


def test_share_system_is_accepted_with_a_warning(tree):
    result = start(tree, '/bin/hostname', args=['--share-system'])
    assert result.stdout.strip() == os.uname().nodename
    assert '--share-system: deprecated switch' in result.stderr


def test_a_reboot_of_the_payload_is_not_the_host_s(tree):
    """CAP_SYS_BOOT is not there where the PID namespace is the host's."""
    bounding = inside(tree, 'grep CapBnd /proc/self/status', variable='SYSTEMD_NSPAWN_SHARE_NS_PID=yes').split()[1]
    assert not int(bounding, 16) >> 22 & 1


def test_message_queues_of_the_host_are_seen(tree, tmp_path):
    run('mount', '-t', 'mqueue', 'mqueue', tmp_path)
    try:
        (tmp_path / 'box-test').touch()
        for users in 'no', 'pick':
            args = [f'--private-users={users}']
            assert 'box-test' in inside(tree, 'ls /dev/mqueue', variable='SYSTEMD_NSPAWN_SHARE_NS_IPC=yes', args=args)
            assert 'box-test' not in inside(tree, 'ls /dev/mqueue', args=args)
    finally:
        (tmp_path / 'box-test').unlink()
        run('umount', tmp_path)


# -------------------------------------------------------------------- from start to stop

@pytest.mark.parametrize('variable', ['SYSTEMD_NSPAWN_SHARE_NS_PID=yes', 'SYSTEMD_NSPAWN_SHARE_NS_UTS=yes'])
def test_machine_with_the_host_s_processes_is_not_registered_and_is_killed_completely(tree, variable, host_state):
    """All its processes are killed, although the end of its command ends no other process of that PID namespace."""
    before = host_state()
    tree.write_file('[Exec]\nBoot=no\nParameters=/bin/sh -c "sleep 987654 & touch /started; exec sleep 987655"\n')
    tree.write_unit_settings(f'[Service]\nExecStart=\nEnvironment={variable}\n'
                             'ExecStart=/usr/bin/box-run -q --keep-unit -U --settings=override --machine=%i\n')
    (tree.path / 'started').unlink(missing_ok=True)
    tree.start()
    wait_for((tree.path / 'started').exists)
    assert tree.name not in output('machinectl', 'list', '--no-legend')
    assert tree.name in output('boxctl', 'list')
    assert len(output('pgrep', '-f', 'sleep 98765[45]').split()) >= 2
    tree.stop()
    assert not output('pgrep', '-x', '-f', 'sleep 98765[45]', check=False)
    assert host_state().differences(before) == []


def test_killed_completely_without_systemd(tree):
    process = subprocess.Popen(['box-run', '-q', f'--directory={tree.path}', '--console=passive', '/bin/sh', '-c',
                                'sleep 987656 & exec sleep 987657'], stdin=subprocess.DEVNULL,
                               env={**os.environ, 'SYSTEMD_NSPAWN_SHARE_NS_PID': 'yes'})
    wait_for(lambda: len(output('pgrep', '-x', '-f', 'sleep 98765[67]', check=False).split()) == 2)
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGKILL
    wait_for(lambda: not output('pgrep', '-x', '-f', 'sleep 98765[67]', check=False))


def test_machine_boots_reboots_and_stops(machine):
    """With all that it has to say: READY=1 of systemd's, its reboot, its end."""
    deb = machine('deb12')
    deb.write_unit_settings('[Service]\nEnvironment=SYSTEMD_NSPAWN_SHARE_NS_IPC=yes SYSTEMD_NSPAWN_USE_CGNS=no\n')
    deb.start()
    assert deb.property('StatusText').startswith('Container running')
    leader = deb.leader()
    for name in 'ipc', 'cgroup':
        assert os.readlink(f'/proc/{leader}/ns/{name}') == os.readlink(f'/proc/1/ns/{name}')
    run('boxctl', 'reboot', deb.name)
    wait_for(lambda: deb.is_active() and output('machinectl', 'show', '--value', '--property=Leader', deb.name, check=False)
             not in ('', str(leader)), timeout=60)
    begin = time.monotonic()
    deb.stop()
    assert time.monotonic() - begin < 20
    assert deb.property('Result') == 'success'


# -------------------------------------------------------------------- mounts, against systemd-nspawn

def mounts(tree, **options):
    """Without what is known to differ: masks (systemd 252 has fewer), and what is made read-only by a second mount."""
    lines = {line for line in inside(tree, MOUNTS, **options).splitlines()
             if not line.startswith(('/proc/kallsyms', '/proc/keys', '/proc/timer_list', '/sys/fs/selinux',
                                     '/proc/sys/kernel/random/boot_id', '/proc/kmsg'))}
    return lines


@pytest.mark.parametrize('args', [[], ['--private-network']], ids=['host', 'private'])
@pytest.mark.parametrize('variable', ['SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes', 'SYSTEMD_NSPAWN_API_VFS_WRITABLE=no',
                                  'SYSTEMD_NSPAWN_API_VFS_WRITABLE=network', 'SYSTEMD_NSPAWN_TMPFS_TMP=no'])
def test_mounts_are_systemd_nspawn_s(tree, variable, args):
    ours = mounts(tree, variable=variable, args=args)
    theirs = mounts(tree, variable=variable, args=[*args, '--register=no'], program='systemd-nspawn')
    assert ours == theirs


def host_cgroup_options():
    return [line for line in Path('/proc/self/mountinfo').read_text().splitlines() if line.split()[4] == '/sys/fs/cgroup']


def test_own_part_of_the_host_s_cgroups(tree):
    script = '''c=$(sed -n s/^0:://p /proc/self/cgroup); echo $c; mkdir /sys/fs/cgroup$c/x && echo made
                mkdir /sys/fs/cgroup/x 2>/dev/null || echo refused; mkdir /sys/fs/cgroup$c/../x 2>/dev/null || echo refused'''
    before = host_cgroup_options()
    for users in 'no', 'pick':
        cgroup, *results = inside(tree, script, variable='SYSTEMD_NSPAWN_USE_CGNS=no', args=[f'--private-users={users}']).split()
        assert cgroup.startswith('/machine.slice/') and cgroup.endswith('/payload')
        assert results == ['made', 'refused', 'refused']
    assert host_cgroup_options() == before


# -------------------------------------------------------------------- the rest

def test_tree_without_os_release_boots(tree):
    places = [path for path in (tree.path / 'etc/os-release', tree.path / 'usr/lib/os-release') if path.exists()]
    for path in places:
        path.rename(f'{path}.away')
    try:
        refused = start(tree, args=['--boot'], check=False)
        assert refused.returncode == 1 and 'os-release' in refused.stderr
        variable = 'SYSTEMD_NSPAWN_CHECK_OS_RELEASE=0'
        plan = start(tree, args=['--boot', '--dry-run'], variable=variable).stdout
        assert 'execute: /sbin/init' in plan
    finally:
        for path in places:
            Path(f'{path}.away').rename(path)


def test_tree_is_not_locked(tree):
    nested = ['box-run', '-q', f'--directory={tree.path}', '--machine=environment-2', '--pipe', '/bin/echo', 'second']
    first = subprocess.Popen(['box-run', '-q', f'--directory={tree.path}', '--pipe', '/bin/sleep', '60'])
    try:
        wait_for(lambda: tree.name in output('boxctl', 'list'))
        assert run(*nested, check=False).returncode == 1
        assert run(*nested, env={**os.environ, 'SYSTEMD_NSPAWN_LOCK': '0'}).stdout == 'second\n'
    finally:
        first.kill()
        first.wait()


def test_bad_value_is_an_error(tree):
    """Bytes that are not UTF-8 too."""
    result = start(tree, '/bin/true', variable='SYSTEMD_NSPAWN_LOCK=\udcff\n', check=False)
    assert result.returncode == 1 and '$SYSTEMD_NSPAWN_LOCK=??: not a boolean' in result.stderr


def test_level_of_messages(tree):
    args = ['--bind=-/no/such/source:/mnt']
    said = {level: start(tree, '/bin/true', variable=f'SYSTEMD_LOG_LEVEL={level}', args=args).stderr for level in ('debug', 'notice', 'err', '3')}
    assert 'Nothing is mounted' in said['notice'] and said['err'] == said['3'] == ''
    assert len(said['debug'].splitlines()) > len(said['notice'].splitlines())
    assert 'not a level' in start(tree, '/bin/true', variable='SYSTEMD_LOG_LEVEL=loud').stderr


@pytest.mark.parametrize('variable', ['SYSTEMD_SECCOMP=0', 'SYSTEMD_LOG_SECCOMP=1', 'SYSTEMD_LOOP_DIRECT_IO=0', 'NET_NAMING_SCHEME=v240',
                                      'SYSTEMD_DISSECT_FSTYPE_ROOT=ext4'])
def test_variable_that_is_not_honoured_is_one_warning(tree, variable):
    result = start(tree, '/bin/grep', '^Seccomp:', '/proc/self/status', variable=variable)
    assert result.stdout == 'Seccomp:\t2\n'
    assert result.stderr.startswith(f'box-run: ${variable}: ignored: ') and result.stderr.count('\n') == 1


def test_variable_that_restricts_is_an_error(tree):
    result = start(tree, '/bin/true', variable='SYSTEMD_DISSECT_FILE_SYSTEMS=ext4', check=False)
    assert result.returncode == 1 and 'ImagePolicy=' in result.stderr


def test_variables_for_the_looks_have_no_effect(tree):
    for variable in ('SYSTEMD_COLORS=no', 'SYSTEMD_LOG_TARGET=console', 'SYSTEMD_PAGER=cat', 'SYSTEMD_SECCOMP=yes'):
        assert start(tree, '/bin/true', variable=variable).stderr == ''


def test_container_service_and_unified_hierarchy(tree):
    assert inside(tree, 'echo $container', variable='SYSTEMD_NSPAWN_CONTAINER_SERVICE=lxc') == 'lxc\n'
    result = start(tree, '/bin/true', variable='SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=no')
    assert '$SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=no: ignored' in result.stderr
    assert start(tree, '/bin/true', variable='SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=yes').stderr == ''


# -------------------------------------------------------------------- in a unit that is not box's

def test_machine_is_the_process_tree_of_a_transient_unit(tree):
    tree.file.unlink(missing_ok=True)
    unit = 'environment-transient.service'
    run('systemd-run', '--slice=machine', '-p', 'MemoryMax=1G', '--collect', '--unit', unit,
        'box-run', '--keep-unit', '-q', '-U', '--console=passive', f'--directory={tree.path}', '/bin/sh', '-c', 'sleep 987658 & exec sleep 987659')
    wait_for(lambda: len(output('pgrep', '-x', '-f', 'sleep 98765[89]', check=False).split()) == 2)
    pids = output('pgrep', '-x', '-f', 'sleep 98765[89]').split()
    for pid in pids:
        assert f'/machine.slice/{unit}/payload' in Path(f'/proc/{pid}/cgroup').read_text()
    assert output('machinectl', 'show', '--value', '--property=Unit', tree.name) == unit
    run('systemctl', 'stop', unit)
    assert not output('pgrep', '-x', '-f', 'sleep 98765[89]', check=False)
    assert tree.name not in output('machinectl', 'list', '--no-legend')


def test_transient_unit_ends_with_the_machine(tree):
    result = run('systemd-run', '--slice=machine', '-p', 'MemoryMax=1G', '--wait', '--collect', '--unit=environment-end.service',
                 'box-run', '--keep-unit', '-q', '-U', '--console=passive', f'--directory={tree.path}',
                 '/bin/sh', '-c', 'sleep 987660 & exit 7', check=False)
    assert result.returncode == 7
    assert not output('pgrep', '-x', '-f', 'sleep 987660', check=False)


def test_session_does_not_become_a_machine(tree):
    """--keep-unit in a login session: a registration would make the session the machine's."""
    command = ['systemd-run', '--wait', '--collect', '--pipe', '-q', '--slice=user-0', '-p', 'Delegate=yes', 'box-run', '-q',
               '--keep-unit', '-U', '--pipe', f'--directory={tree.path}']
    refused = run(*command, '/bin/echo', 'runs', check=False)
    assert refused.returncode == 1 and "is a user's session" in refused.stderr
    assert run(*command, '--register=no', '/bin/echo', 'runs').stdout == 'runs\n'
