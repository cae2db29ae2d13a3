# SPDX-License-Identifier: LGPL-2.1-or-later
"""SIGTERM, SIGINT and SIGHUP are heard at every moment of a machine's life: a start is cancelled at once and undone, a payload
is shut down, and a second signal kills. Nothing of it waits by sleeping."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

STAGES = re.findall(r'{ "([a-z-]+)", stage_', Path('/src/src/run/launch.c').read_text())
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
# Of a signal's way to the end of box-run. On a busy machine a single try may take longer.
AT_ONCE_SEC = 0.1
TRIES = 5

# An init that box asks by a program inside, which hangs.
HANGING = '#!/bin/sh\n[ "$1" != -x ] || exit\nwhile :; do sleep 1000 & wait; done\n'


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='signals').path


def start(tree, *switches, stage=None, command=('/bin/sleep', '60'), **options):
    env = {**os.environ, **({'BOX_TEST_PAUSE': stage} if stage else {})}
    return subprocess.Popen(['box-run', '-D', str(tree), '-U', *switches, *command], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, **options)


def wait_paused(process, stage):
    for line in process.stderr:
        if f"Paused in stage '{stage}'" in line:
            return
    raise AssertionError(f'not paused in {stage}')


def end(process, number):
    """Sends the signal; how long box-run then takes to end."""
    began = time.monotonic()
    process.send_signal(number)
    stderr = process.communicate(timeout=60)[1]
    return time.monotonic() - began, stderr


def test_stages_are_known():
    assert len(STAGES) > 15


@pytest.mark.parametrize('number', SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize('stage', STAGES)
def test_signal_cancels_each_stage_of_a_start(nothing_left, tree, stage, number):
    seconds = []
    while not seconds or (min(seconds) > AT_ONCE_SEC and len(seconds) < TRIES):
        process = start(tree, '-M', 'signals', '--network-veth', '--port=tcp:18080:80', stage=stage)
        wait_paused(process, stage)
        took, stderr = end(process, number)
        seconds.append(took)
        assert stderr.splitlines() == ["box-run: The start of machine 'signals' was cancelled"]
        assert process.returncode == -number
    assert min(seconds) <= AT_ONCE_SEC


@pytest.mark.parametrize('stage', ['lock', 'clone', 'register-wait', 'execute'])
def test_stop_of_a_unit_cancels_its_start(nothing_left, machine, stage):
    machine = machine('busybox')
    machine.write_unit_settings(f'[Service]\nEnvironment=BOX_TEST_PAUSE={stage}\n')
    run('systemctl', 'start', '--no-block', machine.unit)
    wait_for(lambda: f"Paused in stage '{stage}'" in machine.journal())
    began = time.monotonic()
    machine.stop()
    assert time.monotonic() - began < 20
    assert (machine.property('ActiveState'), machine.property('Result')) == ('inactive', 'success')


def test_interrupt_key_cancels_a_start(nothing_left, tree, terminal):
    child = terminal('env', 'BOX_TEST_PAUSE=mounts', 'box-run', '-D', tree, '-M', 'signals', '-U', '/bin/sleep', '60')
    child.expect("Paused in stage 'mounts'")
    child.sendintr()
    child.expect('was cancelled')
    child.wait()
    assert child.signalstatus == signal.SIGINT


def test_signal_before_anything_was_changed(nothing_left, tree):
    process = start(tree, '-M', 'signals')
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM


# -------------------------------------------------------------------- what is waited for

@pytest.fixture
def machined_stopped():
    """machined does not answer until the test is over."""
    run('systemctl', 'start', 'systemd-machined')
    run('systemctl', 'kill', '--signal=STOP', 'systemd-machined')
    yield
    run('systemctl', 'kill', '--signal=CONT', 'systemd-machined')


@pytest.mark.parametrize('number', SIGNALS, ids=lambda number: number.name)
def test_start_that_waits_for_machined(nothing_left, tree, machined_stopped, number):
    process = start(tree, '-M', 'signals', '--network-veth')
    wait_for(Path('/sys/class/net/ve-signals').exists)
    time.sleep(0.3)         # it has asked, and waits
    took, stderr = end(process, number)
    assert 'was cancelled' in stderr and process.returncode == -number
    assert took < 20
    run('systemctl', 'kill', '--signal=CONT', 'systemd-machined')
    # machined takes the registration of a machine that is gone, and the end of it
    wait_for(lambda: 'signals' not in output('machinectl', 'list', '--no-legend'))
    assert run('box-run', '-q', '-D', tree, '-M', 'signals', '-U', '/bin/true').returncode == 0


@pytest.fixture
def systemd_busy():
    """systemd does not answer: it waits for a generator, until the file is removed."""
    busy = Path('/run/box-tests-busy')
    busy.touch()
    generator = Path('/run/systemd/system-generators/slow')
    generator.parent.mkdir(exist_ok=True)
    generator.write_text(f'#!/bin/sh\nwhile [ -e {busy} ]; do sleep 0.1; done\n')
    generator.chmod(0o755)
    reload = subprocess.Popen(['systemctl', 'daemon-reload'])
    time.sleep(0.5)
    yield reload, busy
    busy.unlink(missing_ok=True)
    generator.unlink()
    reload.wait(60)


def test_start_that_waits_for_systemd(nothing_left, tree, systemd_busy):
    """Its scope, which systemd creates later, does not stay."""
    process = start(tree, '-M', 'signals', '--register=no')
    time.sleep(0.7)
    reload, busy = systemd_busy
    assert process.poll() is None
    _, stderr = end(process, signal.SIGTERM)
    assert 'was cancelled' in stderr and reload.poll() is None
    busy.unlink()
    reload.wait(60)
    wait_for(lambda: output('systemctl', 'show', '--value', '--property=ActiveState', 'box-signals.scope') == 'inactive')
    assert run('box-run', '-q', '-D', tree, '-M', 'signals', '-U', '--register=no', '/bin/true').returncode == 0


@pytest.fixture
def new_interface():
    """An interface that udev has not handled: its daemon is stopped, its control socket is there."""
    run('systemctl', 'start', 'systemd-udevd')
    run('systemctl', 'kill', '--signal=STOP', 'systemd-udevd')
    run('ip', 'link', 'add', 'sig0', 'type', 'veth', 'peer', 'name', 'sig1')
    yield 'sig0'
    run('systemctl', 'kill', '--signal=CONT', 'systemd-udevd')
    run('ip', 'link', 'delete', 'sig0', check=False)


@pytest.mark.parametrize('number', SIGNALS, ids=lambda number: number.name)
def test_start_that_waits_for_udev_is_cancelled(nothing_left, tree, new_interface, number):
    process = start(tree, '-M', 'signals', f'--network-macvlan={new_interface}')
    time.sleep(1)
    assert process.poll() is None
    took, stderr = end(process, number)
    assert 'was cancelled' in stderr
    assert took < 20


def test_start_goes_on_when_udev_is_done(nothing_left, tree, new_interface):
    process = start(tree, '-M', 'signals', f'--network-macvlan={new_interface}', command=('/bin/true',))
    time.sleep(0.5)
    assert process.poll() is None
    run('systemctl', 'kill', '--signal=CONT', 'systemd-udevd')
    assert process.communicate(timeout=60)[1] == ''
    assert process.returncode == 0


# -------------------------------------------------------------------- stopping

@pytest.fixture
def hanging(machine):
    """A machine whose init is asked by a program inside that never ends."""
    hanging = machine('busybox')
    for path in ('sbin/init', 'sbin/poweroff'):
        (hanging.path / path).unlink(missing_ok=True)
        (hanging.path / path).write_text(HANGING)
        (hanging.path / path).chmod(0o755)
    hanging.write_file('[X-Box]\nInit=other\n')
    return hanging


def test_second_signal_kills_while_the_first_is_being_answered(nothing_left, hanging):
    hanging.start()
    supervisor = int(hanging.property('MainPID'))
    os.kill(supervisor, signal.SIGTERM)
    wait_for(lambda: 'Asking the payload' in hanging.property('StatusText'))
    time.sleep(0.5)
    assert hanging.property('MainPID') == str(supervisor)
    began = time.monotonic()
    os.kill(supervisor, signal.SIGTERM)
    wait_for(lambda: not Path(f'/proc/{supervisor}').exists(), interval=0.005)
    assert time.monotonic() - began < 20
    assert 'was ended by SIGKILL' in hanging.journal()


def test_program_that_hangs_is_given_up(nothing_left, hanging):
    """After the time that the program inside has, half a minute; systemd's watchdog is fed meanwhile."""
    hanging.write_unit_settings('[Service]\nWatchdogSec=1\n')
    hanging.start()
    hanging.stop()
    journal = hanging.journal()
    assert "'/sbin/poweroff' in the machine" in journal and 'killing machine' in journal
    assert hanging.property('Result') != 'watchdog' and 'Watchdog timeout' not in journal


def test_console_is_served_while_the_init_is_asked(nothing_left, hanging):
    (hanging.path / 'sbin/init').write_text('#!/bin/sh\nn=0\nwhile :; do echo line $n; n=$((n + 1)); sleep 0.1; done\n')
    process = start(hanging.path, '-M', hanging.name, '-b', '--console=read-only', command=())
    assert 'line 0' in process.stdout.readline()
    process.terminate()
    time.sleep(2)
    process.terminate()
    stdout = process.communicate(timeout=60)[0]
    assert stdout.count('line') >= 10


def hang_up(child):
    """Closes the terminal, as sshd does when its connection is gone. How box-run then ends."""
    child.ptyproc.fileobj.close()
    child.ptyproc.closed = child.closed = child.ptyproc.terminated = child.terminated = True
    return os.waitpid(child.pid, 0)[1]


def booted(machine, terminal):
    deb = machine('deb12')
    wants = deb.path / 'etc/systemd/system/multi-user.target.wants'
    wants.mkdir(exist_ok=True)
    (wants / 'mark.service').symlink_to('../mark.service')
    (wants / '../mark.service').write_text(
        '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=/bin/touch /was-shut-down\n')
    child = terminal('box-run', '-D', deb.path, '-M', deb.name, '-U', '-b')
    child.expect('login:', timeout=90)
    return deb, child


def test_closed_terminal_shuts_a_payload_down(nothing_left, machine, terminal):
    deb, child = booted(machine, terminal)
    assert hang_up(child) == 0
    assert (deb.path / 'was-shut-down').exists()


def test_hang_up_that_is_ignored_stays_ignored(nothing_left, tree):
    """nohup(1)."""
    process = start(tree, '-M', 'signals', '--console=pipe', command=('/bin/sh', '-c', 'echo up; sleep 2; exit 7'),
                    preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert process.stdout.readline() == 'up\n'
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 7


def test_moved_interface_comes_back_from_a_closed_terminal(nothing_left, tree, terminal):
    run('ip', 'link', 'add', 'sig0', 'type', 'veth', 'peer', 'name', 'sig1')
    try:
        child = terminal('box-run', '-D', tree, '-M', 'signals', '-U', '-n', '--network-interface=sig0', '/bin/sh', '-c',
                         'echo up; exec sleep 1000')
        child.expect('up')
        assert not Path('/sys/class/net/sig0').exists()
        hang_up(child)
        wait_for(Path('/sys/class/net/sig0').exists)
    finally:
        run('ip', 'link', 'delete', 'sig0', check=False)


# -------------------------------------------------------------------- what our caller has left us

def test_mask_of_the_caller_is_not_the_state_s(nothing_left, machine):
    """With umask 077, what the host's users are to read could not be read."""
    deb = machine('busybox')
    run('rm', '-rf', '/run/box', '/run/systemd/nspawn/propagate')
    process = start(deb.path, '-M', deb.name, preexec_fn=lambda: os.umask(0o077))
    try:
        state = Path(f'/run/box/{deb.name}/state')
        wait_for(state.exists)
        wait_for(Path(f'/run/systemd/nspawn/propagate/{deb.name}').exists)
        assert [path.stat().st_mode & 0o777 for path in
                (Path('/run/box'), state.parent, state, Path('/run/systemd/nspawn/propagate'))] == [0o755, 0o755, 0o644, 0o755]
        assert deb.name in run('setpriv', '--reuid=65534', '--clear-groups', 'boxctl', 'list').stdout
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize('closed', [[0], [1], [2], [0, 1, 2]], ids=str)
def test_closed_standard_streams(nothing_left, tree, closed):
    process = subprocess.Popen(['box-run', '-q', '-D', str(tree), '-M', 'signals', '-U', '/bin/sh', '-c', 'exit 7'],
                               preexec_fn=lambda: [os.close(fd) for fd in closed])
    assert process.wait(60) == 7


# -------------------------------------------------------------------- no sleeping polls

SLEEPING = 'nanosleep,clock_nanosleep,poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,epoll_pwait2'


def sleeps(log):
    """Waits with nothing to wake them, or with a short time-out again and again."""
    calls = [line.split(None, 1)[1] for line in log.read_text().splitlines() if '(' in line]
    bad = [call for call in calls if 'nanosleep(' in call or re.match(r'p?poll\((NULL|0x\w+), 0', call)]
    timed_out = [call for call in calls if re.match(r'(epoll_p?wait|poll|ppoll)', call) and re.search(r'= 0( |$)', call)
                 and not re.search(r', 0(, NULL, \d+)?\) += 0', call) and 'tv_sec=0, tv_nsec=0' not in call]
    return bad, timed_out


@pytest.mark.parametrize('register', ['yes', 'no'])
def test_start_and_stop_do_not_sleep(nothing_left, tree, tmp_path, register):
    """Twice under one name: the second waits for the end of the first."""
    for number in range(2):
        log = tmp_path / f'trace.{number}'
        result = run('strace', '-qq', '-f', '-o', log, '-e', f'trace={SLEEPING}', 'box-run', '-q', '-D', tree, '-M', 'signals', '-U',
                     '--network-veth', f'--register={register}', '--console=pipe', '/bin/echo', 'ran')
        assert (result.stdout, result.stderr) == ('ran\n', '')
        bad, timed_out = sleeps(log)
        assert bad == []
        assert len(timed_out) <= 1, timed_out


def test_supervising_and_stopping_a_unit_do_not_sleep(nothing_left, machine, tmp_path):
    deb = machine('deb12')
    deb.start()
    log = tmp_path / 'trace'
    tracer = subprocess.Popen(['strace', '-qq', '-f', '-o', str(log), '-e', f'trace={SLEEPING}', '-p', deb.property('MainPID')])
    time.sleep(1)
    deb.stop()
    tracer.wait(60)
    bad, _ = sleeps(log)
    assert bad == []
