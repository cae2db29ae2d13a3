# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings by .nspawn file, each by its effect inside a machine of box@.service, and --dry-run."""

import re
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

COMMAND = 'Boot=no\nParameters=/bin/sh -c "touch /tmp/up; sleep 1000"\n'


@pytest.fixture(scope='module')
def shared(module_machine):
    return module_machine('busybox', name='set-shared')


@pytest.fixture
def started(shared):
    """started(file): the machine, running by this .nspawn file with a command as payload, and stopped after the test."""
    def start(exec_settings='', files='', network='VirtualEthernet=yes', command=COMMAND):
        shared.since = time.time()
        shared.write_file(f'[Exec]\n{command}{exec_settings}\n[Files]\n{files}\n[Network]\n{network}\n')
        shared.start()
        if command == COMMAND:
            wait_for(lambda: shared.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
        return shared
    yield start
    run('systemctl', 'stop', shared.unit, check=False)
    run('systemctl', 'reset-failed', shared.unit, check=False)


def mount_options(machine, path):
    """Options of the uppermost mount on a path in the machine; None where there is none."""
    options = None
    for line in machine.exec('cat', '/proc/1/mountinfo').stdout.splitlines():
        if line.split()[4] == path:
            options = line.split()[5].split(',')
    return options


# -------------------------------------------------------------------- [Exec]

def test_boot_no_runs_the_parameters(started):
    machine = started()
    assert machine.exec('cat', '/proc/1/cmdline').stdout.split('\0')[:2] == ['sleep', '1000']       # sh has executed it
    assert machine.is_active()


def test_parameters_are_init_s_arguments_when_booting(module_machine):
    machine = module_machine('deb12', name='set-params')
    machine.write_file('[Exec]\nParameters=systemd.unit=rescue.target "systemd.log_target=console"\nNotifyReady=no\n')
    machine.start()
    assert machine.exec('cat', '/proc/1/cmdline').stdout.split('\0')[1:3] == ['systemd.unit=rescue.target',
                                                                             'systemd.log_target=console']
    run('systemctl', 'kill', '--signal=KILL', machine.unit)


def test_environment(started):
    machine = started('Environment=ONE=1 "TWO=with space"\nEnvironment=HOME=/elsewhere')
    env = machine.exec('cat', '/proc/1/environ').stdout.split('\0')
    assert {'ONE=1', 'TWO=with space', 'HOME=/elsewhere', 'container=systemd-nspawn'} <= set(env)


def test_working_directory(started):
    assert started('WorkingDirectory=/etc').exec('readlink', '/proc/1/cwd').stdout == '/etc\n'


def test_hostname(started):
    assert started('Hostname=another.example').exec('hostname').stdout == 'another.example\n'


def test_private_users_no(started):
    machine = started('PrivateUsers=no')
    assert Path(f'/proc/{machine.leader()}/ns/user').readlink() == Path('/proc/1/ns/user').readlink()


def test_private_users_own_range(started):
    machine = started('PrivateUsers=1966080000:65536')
    assert Path(f'/proc/{machine.leader()}/uid_map').read_text().split() == ['0', '1966080000', '65536']


def test_private_users_identity(started):
    machine = started('PrivateUsers=identity')
    assert Path(f'/proc/{machine.leader()}/uid_map').read_text().split() == ['0', '0', '65536']


def bounding(machine):
    mask = re.search(r'CapBnd:\s*(\S+)', Path(f'/proc/{machine.leader()}/status').read_text()).group(1)
    return set(output('capsh', f'--decode={mask}').split('=')[1].split(','))


def test_capabilities(started):
    with_default = bounding(started())
    run('systemctl', 'stop', 'box@set-shared.service')
    changed = bounding(started('Capability=CAP_SYS_TIME CAP_SYSLOG CAP_MKNOD\nDropCapability=CAP_MKNOD CAP_NET_RAW'))
    assert changed - with_default == {'cap_sys_time', 'cap_syslog'}
    assert with_default - changed == {'cap_mknod', 'cap_net_raw'}


def test_no_new_privileges(started):
    machine = started('NoNewPrivileges=yes')
    assert re.search(r'NoNewPrivs:\s*1', Path(f'/proc/{machine.leader()}/status').read_text())


def test_kill_signal_overrides(started):
    machine = started('KillSignal=SIGUSR1', command='Boot=no\nParameters=/bin/sh -c "trap \'echo by-usr1; exit 0\' USR1; '
                                                    'touch /tmp/up; while :; do sleep 1000 & wait; done"\n')
    wait_for(lambda: machine.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
    machine.stop()
    assert machine.property('Result') == 'success'
    wait_for(lambda: 'by-usr1' in machine.journal())


def test_command_without_a_kill_signal_is_killed(started):
    machine = started()
    before = time.monotonic()
    machine.stop()
    assert time.monotonic() - before < 20


# -------------------------------------------------------------------- readiness


@pytest.fixture(scope='module')
def notifier(module_machine):
    """A tree that has systemd-notify."""
    return module_machine('deb12', name='set-notify')


def notify_command(notifier, script, ready='yes'):
    notifier.since = time.time()
    (notifier.path / 'script').write_text(f'#!/bin/bash\n{script}\n')
    (notifier.path / 'script').chmod(0o755)
    notifier.write_file(f'[Exec]\nBoot=no\nParameters=/script\nNotifyReady={ready}\n')


def test_ready_waits_for_the_payload(notifier):
    notify_command(notifier, 'sleep 1; touch /tmp/was-here; systemd-notify --pid=1 --ready --status=serving; exec sleep 1000')
    before = time.monotonic()
    notifier.start()
    assert time.monotonic() - before >= 1
    assert notifier.exec('test', '-e', '/tmp/was-here').returncode == 0
    wait_for(lambda: 'serving' in notifier.property('StatusText'))
    run('systemctl', 'stop', notifier.unit)


def test_ready_of_another_process_does_not_count(notifier):
    """Only PID 1 speaks for a machine."""
    notify_command(notifier, '''systemd-notify --pid=$BASHPID --ready --status=forged &
                                (systemd-notify --pid=$BASHPID --ready --status=forged) & sleep 1.5; exit 4''')
    result = notifier.start(check=False)
    assert result.returncode != 0
    assert 'exited with status 4 before the machine was ready' in notifier.property('StatusText')
    assert 'forged' not in notifier.property('StatusText')
    run('systemctl', 'reset-failed', notifier.unit)


def test_ready_at_exec_without(notifier):
    notify_command(notifier, 'sleep 1000', ready='no')
    before = time.monotonic()
    notifier.start()
    assert time.monotonic() - before < 30       # it never says that it is ready
    assert notifier.property('StatusText') == 'Container running.'
    run('systemctl', 'stop', notifier.unit)


# -------------------------------------------------------------------- [Files]

def test_read_only(started):
    machine = started(files='ReadOnly=yes')
    assert 'ro' in mount_options(machine, '/')
    assert machine.exec('touch', '/etc/x', check=False).returncode != 0
    machine.exec('touch', '/run/x', '/tmp/x', '/dev/shm/x')


def test_bind(started, tmp_path):
    (tmp_path / 'file').write_text('shown\n')
    tmp_path.chmod(0o755)
    machine = started(files=f'Bind={tmp_path}:/mnt/rw\nBindReadOnly={tmp_path}:/mnt/ro\nBind={tmp_path}:/mnt/mapped:idmap')
    for where in ('rw', 'ro', 'mapped'):
        assert machine.exec('cat', f'/mnt/{where}/file').stdout == 'shown\n'
    assert machine.exec('stat', '-c', '%u', '/mnt/rw/file').stdout == '65534\n'         # root of the host is nobody here …
    assert machine.exec('stat', '-c', '%u', '/mnt/mapped/file').stdout == '0\n'         # … unless mapped
    assert 'ro' in mount_options(machine, '/mnt/ro')
    assert 'ro' not in mount_options(machine, '/mnt/rw')
    machine.exec('touch', '/mnt/mapped/made')
    assert (tmp_path / 'made').stat().st_uid == 0
    assert machine.exec('touch', '/mnt/ro/made', check=False).returncode != 0


def test_bind_of_a_file_of_the_tree(started, shared):
    (shared.path / 'source').write_text('of the tree\n')
    machine = started(files='Bind=+/source:/etc/copy')
    assert machine.exec('cat', '/etc/copy').stdout == 'of the tree\n'


def test_missing_bind_source_is_an_error_with_its_line(started, shared):
    with pytest.raises(AssertionError):
        started(files='Bind=/no/such/thing')
    assert '/no/such/thing' in shared.property('StatusText') and 'set-shared.nspawn:6' in shared.property('StatusText')


def test_temporary_file_system(started):
    machine = started(files='TemporaryFileSystem=/var/scratch:mode=0700,size=1M\nTemporaryFileSystem=/srv')
    assert machine.exec('stat', '-c', '%a %u', '/var/scratch').stdout == '700 0\n'
    assert machine.exec('stat', '-c', '%a %u', '/srv').stdout == '755 0\n'
    assert machine.exec('dd', 'if=/dev/zero', 'of=/var/scratch/x', 'bs=1M', 'count=2', check=False).returncode != 0


def test_inaccessible(started, shared):
    (shared.path / 'etc/secret').write_text('secret\n')
    machine = started(files='Inaccessible=/etc/secret')
    assert machine.exec('cat', '/etc/secret', check=False).stdout == ''


# -------------------------------------------------------------------- files and how they are read

def test_bad_value_stops_the_start_and_names_the_line(shared):
    shared.since = time.time()
    shared.write_file('[Exec]\nPrivateUsers=perhaps\n')
    assert shared.start(check=False).returncode != 0
    assert 'set-shared.nspawn:2' in shared.property('StatusText')
    run('systemctl', 'reset-failed', shared.unit)


def test_unknown_key_is_a_warning_that_names_the_nearest(started):
    machine = started('Hostnam=typo')
    said = [line for line in machine.journal().splitlines() if 'Hostnam' in line]
    assert len(said) == 1 and 'Hostname' in said[0] and 'set-shared.nspawn:4' in said[0]


def test_untrusted_file_gets_no_privilege(shared, module_machine):
    """One that lies beside the tree."""
    beside = Path(f'{shared.path}.nspawn')
    shared.file.unlink(missing_ok=True)
    beside.write_text('[Exec]\nHostname=from-beside\nCapability=CAP_SYS_TIME\n')
    try:
        plan = run('box-run', '--dry-run', f'--machine={shared.name}', '/bin/true')
    finally:
        beside.unlink()
    assert 'hostname: from-beside' in plan.stdout
    assert 'CAP_SYS_TIME' not in plan.stdout.upper()
    assert 'Capability' in plan.stderr


def test_dry_run_prints_all_steps_and_changes_nothing(host_state, shared, tmp_path):
    shared.write_file(f'[Exec]\nDropCapability=CAP_NET_RAW\n[Files]\nBind={tmp_path}:/mnt\n[Network]\nVirtualEthernet=yes\n')
    before, listing = host_state(), output('find', shared.path, '-printf', '%p %T@ %C@\n')
    plan = output('box-run', '--dry-run', '-b', '-U', '--settings=override', f'--machine={shared.name}')
    assert host_state().differences(before) == []
    assert output('find', shared.path, '-printf', '%p %T@ %C@\n') == listing
    for part in ('machine: set-shared', f'tree: {shared.path}', 'init: busybox', 'namespaces: user mount pid uts ipc network cgroup',
                 'tree: idmapped', 'UNIT/payload', 've-set-shared', 'host0', f'{tmp_path} -> /mnt', '/proc/kallsyms',
                 'capabilities: ', 'system calls: ', 'NOFILE=1024', 'execute: /sbin/init', 'container=systemd-nspawn',
                 'ready: at exec', 'stop: SIGUSR1'):
        assert part in plan, part
    assert 'cap_net_raw' not in plan.lower()


def test_switches_are_as_the_file(shared):
    """The same plan, by switches and by file."""
    shared.write_file('[Exec]\nHostname=same\nEnvironment=A=b\nDropCapability=CAP_MKNOD\n[Files]\nReadOnly=yes\n'
                      'TemporaryFileSystem=/srv\n[Network]\nPrivate=yes\n')
    by_file = output('box-run', '--dry-run', f'--machine={shared.name}', '/bin/true')
    shared.file.unlink()
    by_switch = output('box-run', '--dry-run', '--hostname=same', '--setenv=A=b', '--drop-capability=CAP_MKNOD', '--read-only',
                       '--tmpfs=/srv', '--private-network', f'--machine={shared.name}', '/bin/true')
    assert 'same' in by_file and '/srv' in by_file
    strip = re.compile(r' \[.*\]$', re.M)        # the source of a step
    assert strip.sub('', by_file) == strip.sub('', by_switch)
