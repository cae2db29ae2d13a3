# SPDX-License-Identifier: LGPL-2.1-or-later
"""box@.service and what befalls it: failures in a row, signals to all its processes, terminate, a killed supervisor, machined
and the bus that go away; and that boxctl says what happened."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

OBEYS = "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 1000 & wait; done\n"
DEAF = "#!/bin/sh\ntrap '' TERM USR1 USR2 INT\nwhile :; do sleep 1000 & wait; done\n"
REBOOTS = '''#!/bin/sh
trap 'reboot -f; sleep 10' TERM
while :; do sleep 1000 & wait; done
'''


def with_init(machine, text, settings=''):
    """A busybox tree whose init is this script."""
    m = machine('busybox')
    init = m.path / 'sbin/init'
    init.unlink()
    init.write_text(text)
    init.chmod(0o755)
    m.write_file(f'[Exec]\nKillSignal=SIGTERM\n{settings}')
    return m


@pytest.fixture(scope='module')
def shared(module_machine):
    """A machine whose init ends at SIGTERM, stopped, with units that fail. Leaves nothing."""
    before = support.HostState.take()
    Path('/run/units-core').mkdir(exist_ok=True)
    Path('/run/systemd/system/units-bad.service').write_text('[Service]\nType=oneshot\nExecStart=/bin/false\n')
    Path('/run/systemd/system/mnt-bad.mount').write_text('[Mount]\nWhat=none\nWhere=/mnt/bad\nType=nosuchfs\n')
    m = with_init(module_machine, OBEYS)
    yield m
    m.remove()
    for name in ('units-bad.service', 'mnt-bad.mount'):
        run('systemctl', 'reset-failed', name, check=False)
        Path('/run/systemd/system', name).unlink()
    run('rm', '-rf', '/run/units-core')
    run('systemctl', 'daemon-reload')
    wait_for(lambda: not support.HostState.take().differences(before), timeout=60,
             message=support.HostState.take().differences(before))


@pytest.fixture
def plain(shared):
    """The same, with a journal of this test's."""
    shared.since = time.time()
    yield shared
    run('systemctl', 'stop', shared.unit, check=False)
    run('systemctl', 'reset-failed', shared.unit, check=False)


# -------------------------------------------------------------------- failures and restarts

def test_failures_in_a_row_come_to_an_end(nothing_left, machine):
    m = with_init(machine, '#!/bin/sh\nexit 3\n', '[X-Box]\nInit=other\n')
    m.write_unit_settings('[Service]\nRestart=on-failure\n')
    run('systemctl', 'start', m.unit, check=False)
    wait_for(lambda: 'Start request repeated too quickly' in m.journal())
    assert m.journal().count('Scheduled restart job') == 10
    assert m.property('ActiveState') == 'failed'
    assert run('boxctl', 'start', m.name, check=False).returncode == 1
    run('systemctl', 'reset-failed', m.unit)


def test_clean_stops_and_cancelled_starts_do_not_count(nothing_left, machine):
    """Twenty-five within the interval, after five failures."""
    m = with_init(machine, '#!/bin/sh\nexit 3\n', 'NotifyReady=yes\n')
    for _ in range(5):
        assert m.start(check=False).returncode != 0
    (m.path / 'sbin/init').write_text(OBEYS)
    m.write_file('[Exec]\nKillSignal=SIGTERM\n')
    for _ in range(12):
        m.start()
        m.stop()
    for _ in range(12):
        run('systemctl', 'start', '--no-block', m.unit)
        m.stop()
    m.start()
    assert m.is_active()
    m.stop()


# -------------------------------------------------------------------- ways down

def test_terminate_is_at_once_and_no_failure(nothing_left, machine):
    """Whatever the processes do, and again while it is under way."""
    m = with_init(machine, DEAF)
    for times in (1, 2):
        run('boxctl', 'start', m.name)
        began = time.monotonic()
        for _ in range(times):
            run('boxctl', 'terminate', m.name, check=times == 1)
        wait_for(lambda: m.property('ActiveState') not in ('active', 'deactivating'))
        assert time.monotonic() - began < 20
        assert (m.property('ActiveState'), m.property('Result')) == ('inactive', 'success')
    assert 'was ended by SIGKILL, as requested' in m.journal()
    # A stop of the same machine waits for its processes.
    m.start()
    run('systemctl', 'stop', '--no-block', m.unit)
    time.sleep(1)
    assert m.property('ActiveState') == 'deactivating'
    run('boxctl', 'terminate', m.name)
    wait_for(lambda: m.property('ActiveState') == 'inactive')


@pytest.mark.parametrize('tree', ['openrc', 'busybox'])
def test_sigterm_to_all_processes_is_a_shutdown(nothing_left, machine, tree):
    """busybox's init reboots at SIGTERM. It may be left asleep by that, and sysvinit by the end of OpenRC's program: then it is
    killed."""
    m = machine(tree)
    m.start()
    time.sleep(0.1)
    run('systemctl', 'kill', m.unit)
    wait_for(lambda: m.property('ActiveState') not in ('active', 'deactivating'))
    assert (m.property('ActiveState'), m.property('Result')) == ('inactive', 'success')
    # The same signals, later.
    m.write_unit_settings('[Service]\nKillMode=control-group\n')
    m.start()
    time.sleep(0.4)
    m.stop()
    assert m.property('Result') == 'success'


@pytest.mark.parametrize('tree', ['deb12', 'deb13'])
def test_sigterm_to_all_processes_of_a_systemd(nothing_left, machine, tree):
    """It executes itself anew, and then waits for its bus daemon, which has ended, for 90 seconds."""
    m = machine(tree)
    m.start()
    m.wait_running()
    leader = m.leader()
    # Its last words, by which PID 1 would know of its end before it executes itself, come late.
    os.kill(leader, signal.SIGSTOP)
    os.kill(int(output('pgrep', '--parent', leader, 'dbus-daemon')), signal.SIGKILL)
    run('systemctl', 'kill', m.unit)
    began = time.monotonic()
    os.kill(leader, signal.SIGCONT)
    wait_for(lambda: m.property('ActiveState') not in ('active', 'deactivating'), timeout=60)
    assert time.monotonic() - began < 30
    assert (m.property('ActiveState'), m.property('Result')) == ('inactive', 'success')
    assert 'All processes of machine' in m.journal()


def test_payload_that_reboots_when_asked_to_go_down_goes_down(nothing_left, machine):
    m = with_init(machine, REBOOTS)
    m.start()
    m.stop()
    assert (m.property('ActiveState'), m.property('Result')) == ('inactive', 'success')
    process = subprocess.Popen(['box-run', '-q', '-b', '-U', '--kill-signal=SIGTERM', '--register=no', '--console=read-only',
                                '-M', m.name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for(Path('/run/box', m.name, 'state').exists)
    time.sleep(0.3)
    process.terminate()
    assert process.wait(60) == 0
    # By itself it is another round.
    process = subprocess.Popen(['box-run', '-q', '-b', '-U', '--register=no', '--console=read-only', '-M', m.name],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = Path('/run/box', m.name, 'state')
    first = wait_for(lambda: leader_of(state))
    wait_for(lambda: support.handles(first, signal.SIGTERM))
    os.kill(first, signal.SIGTERM)
    wait_for(lambda: leader_of(state) not in (None, first))
    os.kill(leader_of(state), signal.SIGKILL)
    process.wait(60)


def test_sigterm_to_all_supervisors_of_a_rebooted_payload_is_one_request(nothing_left, machine):
    """The first process passes its own on to the supervisor of the second round, which gets it, too."""
    m = with_init(machine, '''#!/bin/sh
[ -e /again ] || { touch /again; reboot -f; sleep 10; }
touch /second
trap 'sleep 1; touch /down; exit 0' TERM
while :; do sleep 1000 & wait; done
''')
    process = subprocess.Popen(['box-run', '-q', '-b', '-U', '--kill-signal=SIGTERM', '--register=no', '--console=read-only', '-M',
                                m.name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for((m.path / 'second').exists)
    time.sleep(0.3)
    supervisor = int(re.search(r'^SUPERVISOR=(\d+)$', Path('/run/box', m.name, 'state').read_text(), re.M)[1])
    assert supervisor != process.pid
    os.kill(supervisor, signal.SIGTERM)
    time.sleep(0.3)
    process.terminate()
    assert process.wait(60) == 0
    assert (m.path / 'down').exists()


def leader_of(state):
    with contextlib.suppress(OSError):
        found = re.search(r'^LEADER=(\d+)$', state.read_text(), re.M)
        return int(found[1]) if found else None


@pytest.mark.parametrize('status,pause', [(0, 0), (3, 0), (0, 6)])
def test_program_in_the_machine_asks_its_init(nothing_left, machine, status, pause):
    """One that fails asks in vain: the payload is killed at once. One that is slow is waited for."""
    m = machine('busybox')
    (m.path / 'sbin/init').unlink()
    (m.path / 'sbin/init').write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do [ -e /asked ] && poweroff -f; sleep 0.1; done\n"
                                      if status == 0 else DEAF)
    (m.path / 'sbin/init').chmod(0o755)
    (m.path / 'sbin/poweroff').unlink(missing_ok=True)
    (m.path / 'sbin/poweroff').write_text(f'#!/bin/sh\n[ "$1" = -f ] && exec /bin/busybox poweroff -f\n'
                                          f'sleep {pause}; touch /asked\nexit {status}\n')
    (m.path / 'sbin/poweroff').chmod(0o755)
    m.write_file('[X-Box]\nInit=other\n')
    m.start()
    began = time.monotonic()
    m.stop()
    assert time.monotonic() - began < 20 + pause
    assert (m.path / 'asked').exists()
    said = "'/sbin/poweroff' in the machine failed with status 3; killing machine" in m.journal()
    assert said == (status == 3)


def test_cgroups_of_a_part_of_a_unit_are_removed(nothing_left, machine):
    """Where the unit goes on after the machine."""
    m = machine('busybox')
    script = (f'box-run -q --keep-unit --register=no --pipe -U -M {m.name} /bin/echo ran; '
              'find /sys/fs/cgroup$(sed -n "s,/supervisor$,,; s,^0::,,p" /proc/self/cgroup) -mindepth 1 -type d')
    result = output('systemd-run', '--quiet', '--wait', '--pipe', '--collect', '-p', 'Delegate=yes', '/bin/sh', '-c', script)
    assert 'ran' in result and 'payload' not in result


# -------------------------------------------------------------------- machined and the bus

def test_host_passes_core_dumps_to_the_machine(plain):
    """The host's systemd-coredump, which reads this attribute of the unit's cgroup, from systemd 255 on. That it does so is not shown
    here: kernel.core_pattern is the same for all machines of the kernel."""
    plain.start()
    knows = int(output('systemctl', '--version').split()[1]) >= 255
    group = '/sys/fs/cgroup' + plain.property('ControlGroup')
    assert plain.property('CoredumpReceive') == ('yes' if knows else '')
    assert ('user.coredump_receive' in os.listxattr(group)) == knows
    assert not [line for line in output('journalctl', '--boot', '--output=cat', '_PID=1').splitlines()
                if 'box@.service' in line and 'Unknown' in line]
    plain.stop()


def machined_is_active():
    return output('systemctl', 'is-active', 'systemd-machined', check=False) == 'active'


def test_machined_that_is_down_is_not_started_by_a_stop(plain):
    m = plain
    m.start()
    run('systemctl', 'stop', 'systemd-machined')
    began = time.monotonic()
    m.stop()
    assert time.monotonic() - began < 20
    assert not machined_is_active()
    assert m.property('Result') == 'success' and 'Failed' not in m.journal()


def test_machined_that_hangs_does_not_hold_a_stop_up(plain):
    m = plain
    m.start()
    run('systemctl', 'kill', '--signal=STOP', 'systemd-machined')
    try:
        began = time.monotonic()
        m.stop()
        assert 4 < time.monotonic() - began < 20
    finally:
        run('systemctl', 'kill', '--signal=CONT', 'systemd-machined')
    assert m.property('Result') == 'success'


def test_all_restarted_in_one_transaction(plain):
    m = plain
    m.start()
    began = time.monotonic()
    run('systemctl', 'restart', 'systemd-machined', m.unit)
    assert time.monotonic() - began < 20
    assert m.is_active() and m.leader() > 0
    leader = m.leader()
    run('systemctl', 'restart', 'systemd-machined')
    assert m.leader() == leader
    m.stop()
    assert m.name not in output('machinectl', 'list', '--no-legend')


@pytest.fixture
def bus_may_be_killed():
    """More often than its limit of starts, and it is there again after a call of this."""
    def reset():
        run('systemctl', 'reset-failed', 'dbus.service', 'dbus.socket', 'systemd-logind', 'systemd-machined', check=False)
        run('systemctl', 'start', 'dbus.socket', 'dbus.service')
        # systemd may have lost the bus for good, and with it all programs that the bus starts.
        while run('busctl', '--timeout=5', 'status', 'org.freedesktop.systemd1', check=False).returncode:
            run('systemctl', 'restart', 'dbus')
    reset()
    yield reset
    reset()
    run('systemctl', 'restart', 'systemd-logind')       # it may run without the bus


def test_bus_that_is_restarted_while_machines_run(plain, machine, bus_may_be_killed):
    m = plain
    m.start()
    other = with_init(machine, OBEYS)
    process = subprocess.Popen(['box-run', '-q', '-b', '-U', '--kill-signal=SIGTERM', '--console=read-only', '-M', other.name],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: other.name in output('machinectl', 'list', '--no-legend'))
    time.sleep(0.3)
    run('systemctl', 'kill', '--signal=KILL', 'dbus')
    wait_for(lambda: run('busctl', '--timeout=2', 'list', check=False).returncode == 0)
    listed = output('boxctl', 'list', '--no-legend')
    assert m.name in listed and other.name in listed
    assert m.is_active() and process.poll() is None
    run('boxctl', 'stop', other.name)
    assert process.wait(60) == 0 and process.stderr.read() == ''
    m.stop()
    assert m.property('Result') == 'success' and 'Failed' not in m.journal()
    listed = output('machinectl', 'list', '--no-legend')
    assert m.name not in listed and other.name not in listed
    m.start()
    assert m.leader() > 0


def test_bus_that_is_restarted_during_starts(plain, bus_may_be_killed):
    """Each start succeeds, and the machine is registered or says that it is not."""
    m = plain
    for i in range(6):
        run('systemctl', 'start', '--no-block', m.unit)
        time.sleep(0.01 * i)
        run('systemctl', 'kill', '--signal=KILL', 'dbus')
        wait_for(lambda: m.property('ActiveState') not in ('activating', 'inactive'))
        assert m.is_active(), m.journal()
        bus_may_be_killed()
        m.stop()
    m.start()
    assert m.leader() > 0


def test_machined_that_does_not_come_up(plain):
    """The bus waits for it, here for a second, and gives up: it is as if it were not installed."""
    m = plain
    drop_in = Path('/run/systemd/system/systemd-machined.service.d/late.conf')
    limit = Path('/etc/dbus-1/system.d/late.conf')

    def read_files():
        run('systemctl', 'stop', 'systemd-machined')
        run('systemctl', 'daemon-reload')
        run('systemctl', 'reload', 'dbus')
    drop_in.parent.mkdir()
    drop_in.write_text('[Service]\nType=simple\nExecStart=\nExecStart=sleep 1000\n')
    limit.write_text('<busconfig><limit name="service_start_timeout">1000</limit></busconfig>\n')
    try:
        read_files()
        m.start()
        assert 'timed out' in m.journal() and "machine 'units' runs without being registered" in m.journal()
        m.stop()
    finally:
        drop_in.unlink()
        drop_in.parent.rmdir()
        limit.unlink()
        read_files()
    m.start()
    assert m.name in output('machinectl', 'list', '--no-legend')


def test_living_machine_of_another_manager_keeps_its_name(machine):
    m = machine('busybox')
    run('systemd-run', '--quiet', '--collect', '--unit=units-other', '--slice=machine.slice', 'sleep', '1000')
    try:
        pid = output('systemctl', 'show', '--value', '--property=MainPID', 'units-other')
        run('busctl', 'call', 'org.freedesktop.machine1', '/org/freedesktop/machine1', 'org.freedesktop.machine1.Manager',
            'RegisterMachine', 'sayssus', m.name, '0', 'other', 'container', pid, '')
        result = run('box-run', '-q', '--pipe', '--register=yes', '-U', '-M', m.name, '/bin/true', check=False)
        assert result.returncode == 1 and 'exists' in result.stderr
        assert str(m.leader()) == pid
        # Once it is dead, the name is free.
        run('systemctl', 'stop', 'units-other')
        assert run('box-run', '-q', '--pipe', '--register=yes', '-U', '-M', m.name, '/bin/true').returncode == 0
    finally:
        run('systemctl', 'stop', 'units-other', check=False)


@pytest.mark.parametrize('register,scope', [('no', 'box'), ('yes', 'machine')])
def test_name_that_becomes_free_late(nothing_left, machine, register, scope):
    """As on a busy host, where systemd is behind: a start by hand waits for the last one's scope to be removed."""
    m = machine('busybox')
    holder = f'{scope}-{m.name if scope == "box" else output("systemd-escape", m.name)}.scope'
    process = subprocess.Popen(['systemd-run', '--quiet', '--scope', '--collect', f'--unit={holder}', '--property=TimeoutStopSec=4',
                                '--property=KillSignal=SIGCONT', 'sleep', '1000'])
    wait_for(lambda: output('systemctl', 'is-active', holder, check=False) == 'active')
    run('systemctl', 'stop', '--no-block', holder)
    began = time.monotonic()
    run('box-run', '-q', '--pipe', '-U', f'--register={register}', '-M', m.name, '/bin/true')
    assert time.monotonic() - began > 2
    process.wait(60)


# -------------------------------------------------------------------- reasons

@pytest.mark.parametrize('settings,cause', [
    ('[Service]\nExecStartPre=/bin/sh -c "exit 7"', 'ExecStartPre=/bin/sh -c exit 7 ended with exit status 7'),
    ('[Service]\nExecStartPre=-/bin/false\nExecStartPre=/bin/sh -c "kill -9 $$$$"', 'ExecStartPre=/bin/sh -c .* was ended by SIGKILL'),
    ('[Service]\nExecStartPost=/bin/false', 'ExecStartPost=/bin/false ended with exit status 1'),
    ('[Service]\nExecCondition=/bin/false', 'ExecCondition=/bin/false ended with exit status 1'),
    ('[Unit]\nConditionPathExists=/no/such', 'ConditionPathExists=/no/such is not met'),
    ('[Unit]\nConditionPathExists=!/etc', 'ConditionPathExists=!/etc is not met'),
    ('[Unit]\nAssertPathExists=/no/such', 'AssertPathExists=/no/such is not met'),
    ('[Unit]\nRequires=units-bad.service\nAfter=units-bad.service',
     'units-bad.service, which it requires, has failed: exit-code'),
    ('[Unit]\nRequiresMountsFor=/mnt/bad', 'mnt-bad.mount, which it requires, has failed: exit-code'),
    ('[Service]\nTimeoutStartSec=1\nExecStartPre=/bin/sleep 99', 'ExecStartPre=/bin/sleep 99 was ended by SIGTERM'),
    ('[Service]\nExecStart=\nExecStart=/bin/sh -c "kill -SEGV $$$$"', 'its supervisor was killed by SIGSEGV'),
    ('[Service]\nLimitCORE=infinity\nWorkingDirectory=/run/units-core\nExecStart=\nExecStart=/bin/sh -c "kill -SEGV $$$$"',
     'its supervisor was killed by SIGSEGV'),
    # It hangs while a command of the unit runs, which systemd ends, too.
    ('[Service]\nType=exec\nWatchdogSec=1\nExecStart=\nExecStart=/bin/sleep 99\nExecStartPost=/bin/sleep 50',
     'its supervisor hung'),
], ids=lambda value: re.sub(r'\W+', '-', value)[:40].strip('-'))
def test_start_says_what_was_in_the_way(plain, settings, cause):
    m = plain
    m.write_unit_settings(f'{settings}\n')
    result = run('boxctl', 'start', m.name, check=False)
    assert result.returncode == 1
    assert re.fullmatch(f'boxctl: {m.name}: (Failed to start {m.unit}: )?{cause}\n', result.stderr), result.stderr
    # The positive control: without what was in the way.
    run('systemctl', 'reset-failed', m.unit, check=False)
    m.write_unit_settings('')
    run('boxctl', 'start', m.name)
    m.stop()


def test_start_of_a_masked_machine_says_so(machine):
    m = machine('busybox')
    run('systemctl', 'mask', '--runtime', m.unit)
    try:
        result = run('boxctl', 'start', m.name, check=False)
        assert result.returncode == 6 and f'{m.unit} is masked' in result.stderr
    finally:
        run('systemctl', 'unmask', '--runtime', m.unit)


# -------------------------------------------------------------------- what a killed supervisor leaves

def test_killed_supervisor_leaves_nothing(nothing_left, machine):
    """Not even until the next start; and systemd-nspawn takes the machine."""
    m = machine('busybox')
    m.write_file('[Exec]\nEphemeral=yes\n[Network]\nPort=tcp:18080:80\n[X-Resources]\nTasksMax=500\n')
    before = support.HostState.take()
    m.start()
    assert len(support.HostState.take().differences(before)) > 4
    run('systemctl', 'kill', '--signal=KILL', '--kill-whom=main', m.unit)
    wait_for(lambda: m.property('ActiveState') == 'failed')
    run('systemctl', 'reset-failed', m.unit)
    wait_for(lambda: not support.HostState.take().differences(before), timeout=60,
             message=support.HostState.take().differences(before))


def test_cleanup_by_hand(nothing_left, machine):
    m = machine('busybox')
    before = support.HostState.take()
    process = subprocess.Popen(['box-run', '-q', '-U', '-M', m.name, '-x', '--register=no', '--keep-unit', '--console=read-only',
                                '/bin/sleep', '1000'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    export = Path('/run/systemd/nspawn/unix-export', m.name)
    wait_for(Path('/run/box', m.name, 'state').exists)
    # A machine that runs is left alone.
    result = run('box-run', '--cleanup', f'--machine={m.name}', check=False)
    assert result.returncode == 1 and 'runs already' in result.stderr
    assert export.is_mount() and process.poll() is None
    process.kill()
    process.wait()
    assert export.exists()
    # Its processes end with it, a moment later.
    wait_for(lambda: run('box-run', '--cleanup', f'--machine={m.name}', check=False).returncode == 0)
    wait_for(lambda: not support.HostState.take().differences(before), timeout=60,
             message=support.HostState.take().differences(before))
    # And again, where nothing is left.
    assert run('box-run', '--cleanup', f'--machine={m.name}').stderr == ''


def test_cleanup_goes_by_the_manager_that_registered_the_name(nothing_left, machine):
    """The leader of a killed machine may be seen for a moment after its lock is free."""
    m = machine('busybox')
    registered, state = Path('/run/systemd/machines', m.name), Path('/run/box', m.name, 'state')
    try:
        for service, status in (('systemd-nspawn', 1), ('libvirt-lxc', 1), ('box', 0)):
            registered.write_text(f'NAME={m.name}\nSERVICE={service}\nLEADER={os.getpid()}\n')
            state.parent.mkdir(parents=True, exist_ok=True)
            state.write_text('LEADER=1\nSUPERVISOR=1\n')
            result = run('box-run', '--cleanup', f'--machine={m.name}', check=False)
            assert (result.returncode, 'another manager runs' in result.stderr) == (status, status == 1)
            assert state.exists() == (status == 1)
    finally:
        registered.unlink()
        shutil.rmtree(state.parent, ignore_errors=True)


# -------------------------------------------------------------------- other units

def test_systemd_nspawn_s_unit_of_the_same_name_gives_way(machine):
    m = with_init(machine, OBEYS)
    theirs = support.Machine(m.name, 'systemd-nspawn@')
    m.start()
    theirs.start()
    assert theirs.is_active()
    wait_for(lambda: m.property('ActiveState') == 'inactive')
    # Its supervisor may have to be killed: this init takes no notice of its request.
    theirs.write_unit_settings('[Service]\nTimeoutStopSec=1\n')
    m.start()
    assert m.is_active() and not theirs.is_active()
    m.stop()
    theirs.remove()


def test_enabled_machine_is_started_at_boot_without_machines_target(machine):
    """As where the distribution does not enable it."""
    m = machine('busybox')
    run('systemctl', 'disable', 'machines.target')
    try:
        run('systemctl', 'enable', m.unit)
        wanted = output('systemctl', 'list-dependencies', '--plain', 'multi-user.target').split()
        assert m.unit in wanted
    finally:
        run('systemctl', 'disable', m.unit)
        run('systemctl', 'enable', 'machines.target')
    assert m.unit not in output('systemctl', 'list-dependencies', '--plain', 'multi-user.target')
