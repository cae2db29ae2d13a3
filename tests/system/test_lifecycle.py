# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting, stopping, rebooting and dying, many times and in a hurry; and that nothing of a machine stays on the host."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import NSPAWN_FILES, output, run, wait_for

# An init that is up and down at once, so that a race has the least time to be won by luck. It reboots as often as a file
# of the tree says.
QUICK_INIT = '''#!/bin/sh
trap 'exit 0' TERM
n=$(cat /reboots)
if [ "$n" -gt 0 ]; then
    echo $((n - 1)) >/reboots
    reboot -f
fi
while :; do sleep 1000 & wait; done
'''


def make_quick(machine, reboots=0, settings=''):
    """A busybox tree with QUICK_INIT, with the network of the unit."""
    quick = machine('busybox')
    init = quick.path / 'sbin/init'
    init.unlink()
    init.write_text(QUICK_INIT)
    init.chmod(0o755)
    (quick.path / 'reboots').write_text(f'{reboots}\n')
    quick.write_file(f'[Exec]\nKillSignal=SIGTERM\n{settings}')
    return quick


def states_until(machine, condition, timeout):
    """All states of the unit that were seen until the condition held."""
    seen = set()

    def step():
        seen.add((machine.property('ActiveState'), machine.property('Result')))
        return condition()
    wait_for(step, timeout)
    return seen


def restarts(machine):
    """NRestarts= counts from the last reboot on, which is no failure."""
    return machine.journal().count('Scheduled restart job')


# -------------------------------------------------------------------- reboots

def test_20_reboots_from_inside_in_a_row(nothing_left, machine):
    quick = make_quick(machine, reboots=20)
    quick.start()
    seen = states_until(quick, lambda: restarts(quick) == 20 and quick.is_active(), timeout=180)
    assert {result for _, result in seen} == {'success'}
    assert 'failed' not in {state for state, _ in seen}
    assert quick.path.joinpath('reboots').read_text() == '0\n'
    assert output('machinectl', 'show', '--value', '--property=State', quick.name) == 'running'
    quick.stop()
    assert 'exists' not in quick.journal()
    assert 'Failed' not in quick.journal()


def make_rebooter(deb, unit_type, reboots):
    """A unit in the machine that reboots it as soon as it is started, so many times."""
    units = deb.path / 'etc/systemd/system'
    (units / 'again.service').write_text(f'''[Unit]
ConditionPathExists=!/done
After=multi-user.target
[Service]
Type={unit_type}
ExecStart=/bin/sh -c 'n=$(cat /reboots); [ $$n -gt 0 ] || exec touch /done; echo $$((n - 1)) >/reboots; systemctl reboot'
''')
    (units / 'multi-user.target.wants').mkdir(exist_ok=True)
    (units / 'multi-user.target.wants/again.service').symlink_to('../again.service')
    (deb.path / 'reboots').write_text(f'{reboots}\n')


def test_20_reboots_of_a_distribution(nothing_left, machine):
    """systemd in the machine reboots as soon as it is up, its unit on the host never fails."""
    deb = machine('deb12')
    make_rebooter(deb, 'idle', 20)
    deb.start()
    seen = states_until(deb, (deb.path / 'done').exists, timeout=180)
    assert {result for _, result in seen} == {'success'}
    assert 'failed' not in {state for state, _ in seen}
    assert restarts(deb) == 20
    deb.wait_running()
    deb.stop()
    assert deb.property('Result') == 'success'


def test_reboot_before_ready_is_part_of_the_start(nothing_left, machine):
    """As trees do at their first boot: the start goes on, and is over when the machine is ready at last."""
    deb = machine('deb12')
    make_rebooter(deb, 'oneshot', 2)
    deb.start()
    assert (deb.path / 'done').exists()
    assert (deb.property('NRestarts'), deb.property('Result')) == ('0', 'success')
    assert deb.system_state() == 'running'
    deb.exec('systemctl', 'reboot')
    wait_for(lambda: deb.property('NRestarts') == '1' and deb.is_active())
    deb.stop()
    assert 'Failed unmounting' not in deb.journal()


# -------------------------------------------------------------------- stop, start

def test_20_times_stop_and_start_at_once(nothing_left, machine):
    quick = make_quick(machine)
    quick.start()
    leaders = {quick.leader()}
    for _ in range(20):
        quick.stop()
        quick.start()
        leaders.add(quick.leader())
    assert len(leaders) == 21
    quick.stop()
    assert quick.property('Result') == 'success'
    assert 'exists' not in quick.journal()


def test_restarts_pile_up(nothing_left, machine):
    """A restart that is asked for while another is under way."""
    quick = make_quick(machine)
    quick.start()
    for _ in range(20):
        run('systemctl', 'restart', '--no-block', quick.unit)
        time.sleep(0.02)
    run('systemctl', 'restart', quick.unit)
    assert quick.is_active()
    quick.stop()
    assert quick.property('Result') == 'success'


def test_stop_leaves_nothing(host_state, machine):
    """Compared at the moment when `stop` returns, for a machine with everything: links, users, a registration."""
    deb = machine('deb12')
    before = host_state()
    deb.start()
    assert [line for line in host_state().differences(before) if 've-' in line]
    deb.stop()
    # the trees' own contents are not looked at: two levels would be /var/lib/machines/NAME/etc
    assert host_state().differences(before) == []


def test_stop_while_it_starts(nothing_left, machine):
    deb = machine('deb12')
    for pause in (0, 0.05, 0.2):
        run('systemctl', 'start', '--no-block', deb.unit)
        time.sleep(pause)
        deb.stop()
        assert deb.property('ActiveState') in ('inactive', 'failed')
    run('systemctl', 'reset-failed', deb.unit, check=False)
    deb.start()
    assert deb.system_state() == 'running'
    deb.stop()


def test_second_signal_is_the_hard_way(nothing_left, machine):
    deaf = machine('busybox')
    init = deaf.path / 'sbin/init'
    init.unlink()
    init.write_text("#!/bin/sh\ntrap '' TERM USR1\nwhile :; do sleep 1000 & wait; done\n")
    init.chmod(0o755)
    deaf.write_file('[Exec]\nKillSignal=SIGTERM\n')
    deaf.start()
    supervisor = int(deaf.property('MainPID'))
    os.kill(supervisor, signal.SIGTERM)
    wait_for(lambda: 'Asking the payload' in deaf.property('StatusText'))
    time.sleep(0.2)
    assert deaf.property('MainPID') == str(supervisor)
    os.kill(supervisor, signal.SIGTERM)
    wait_for(lambda: deaf.property('MainPID') == '0')
    assert 'was ended by SIGKILL' in deaf.journal()


def test_killed_supervisor_takes_the_machine_with_it_and_the_next_start_works(nothing_left, machine):
    quick = make_quick(machine)
    quick.start()
    leader = quick.leader()
    os.kill(int(quick.property('MainPID')), signal.SIGKILL)
    wait_for(lambda: quick.property('ActiveState') == 'failed')
    assert not Path(f'/proc/{leader}').exists()
    run('systemctl', 'reset-failed', quick.unit)
    quick.start()
    quick.stop()
    assert quick.property('Result') == 'success'


def test_killed_payload_is_a_failure_of_the_unit(nothing_left, machine):
    quick = make_quick(machine)
    quick.start()
    os.kill(quick.leader(), signal.SIGKILL)
    wait_for(lambda: quick.property('ActiveState') == 'failed')
    assert quick.property('ExecMainStatus') == str(128 + signal.SIGKILL)
    assert f"Machine '{quick.name}' was ended by SIGKILL" in quick.journal()


# -------------------------------------------------------------------- starts that fail

def test_failed_start_is_undone_and_says_why_once(nothing_left, machine):
    """Of an interface that the kernel refuses, with the mounts and the links before it done."""
    quick = make_quick(machine, settings='\n[Network]\nVirtualEthernet=yes\nMACVLAN=eth77\n')
    support.add_veth_pair('eth77', 'eth78')
    run('ip', 'link', 'add', 'br77', 'type', 'bridge')
    try:
        run('ip', 'link', 'set', 'eth77', 'master', 'br77')     # a port has no MACVLANs
        result = run('systemctl', 'start', quick.unit, check=False)
        assert result.returncode != 0
        said = [line for line in quick.journal().splitlines() if 'eth77' in line]
        assert len(said) == 1 and f'{quick.name}.nspawn:6' in said[0], quick.journal()
        assert 'eth77' in quick.property('StatusText')
        assert quick.property('StatusErrno') not in ('', '0')
        result = run('boxctl', 'start', quick.name, check=False)
        assert result.returncode != 0 and 'eth77' in result.stderr
    finally:
        run('ip', 'link', 'delete', 'br77')
        run('ip', 'link', 'delete', 'eth77')


def test_init_that_exits_at_once_fails_the_start(nothing_left, machine):
    """An init that must send READY=1 and does not."""
    quick = make_quick(machine, settings='NotifyReady=yes\n')
    (quick.path / 'sbin/init').write_text('#!/bin/sh\nexit 3\n')
    result = run('systemctl', 'start', quick.unit, check=False)
    assert result.returncode != 0
    assert 'exited with status 3 before the machine was ready' in quick.property('StatusText')


def test_init_that_cannot_be_executed_fails_the_start(nothing_left, machine):
    quick = make_quick(machine)
    (quick.path / 'sbin/init').write_text('#!/no/such/interpreter\n')
    result = run('systemctl', 'start', quick.unit, check=False)
    assert result.returncode != 0
    assert "Failed to execute '/sbin/init'" in quick.property('StatusText')


def test_tree_in_use_is_refused(nothing_left, machine):
    quick = make_quick(machine)
    quick.start()
    result = run('box-run', '--machine=another', '--register=no', f'--directory={quick.path}', '/bin/true', check=False)
    assert result.returncode == 1 and str(quick.path) in result.stderr
    assert quick.is_active()
    quick.stop()


# -------------------------------------------------------------------- how it ends

@pytest.fixture(scope='module')
def tree(module_machine):
    """A busybox tree for runs by hand."""
    return module_machine('busybox', name='life-tree').path


def by_hand(tree, *command, switches=('--register=no', '-U')):
    return run('box-run', '--quiet', '--pipe', *switches, f'--directory={tree}', *command, check=False)


@pytest.mark.parametrize('status', [0, 1, 7, 132, 134, 255])
def test_exit_status_is_the_payload_s(nothing_left, tree, status):
    result = by_hand(tree, '/bin/sh', '-c', f'echo ran; exit {status}')
    assert (result.stdout, result.returncode) == ('ran\n', status)


def test_exit_status_133_is_not_a_reboot(tree):
    result = by_hand(tree, '/bin/sh', '-c', 'echo ran; exit 133')
    assert (result.stdout, result.returncode) == ('ran\n', 1)


def test_power_off_is_success(tree):
    for command in 'poweroff', 'halt':
        result = by_hand(tree, '/bin/sh', '-c', f'echo ran; {command} -f; sleep 10')
        assert (result.stdout, result.returncode) == ('ran\n', 0)


def test_reboot_is_133_within_a_unit(nothing_left, tree):
    result = run('systemd-run', '--quiet', '--wait', '--pipe', '--collect', '-p', 'Delegate=yes', 'box-run', '--keep-unit', '--quiet',
                 '--pipe', '--register=no', f'--directory={tree}', '/bin/sh', '-c', 'reboot -f; sleep 10', check=False)
    assert result.returncode == 133


@pytest.mark.parametrize('register', ['yes', 'no'])
def test_reboot_is_another_round_by_hand(nothing_left, tree, register):
    """Each with a scope of its own, whose name is free again in time."""
    (tree / 'rounds').write_text('')
    result = by_hand(tree, '/bin/sh', '-c', 'echo >>/rounds; [ $(wc -l </rounds) = 5 ] && exit 9; reboot -f; sleep 10',
                     switches=(f'--register={register}', '-U', '--network-veth'))
    assert (result.returncode, result.stderr) == (9, '')
    assert (tree / 'rounds').read_text() == '\n' * 5


@pytest.mark.parametrize('answer, status', [('reboot -f', 0), ('poweroff -f', 0)])
def test_payload_that_is_asked_to_end_and_reboots_ends(nothing_left, tree, answer, status):
    process = subprocess.Popen(['box-run', '--quiet', '--pipe', '--register=no', f'--directory={tree}', '--kill-signal=SIGTERM', '/bin/sh',
                                '-c', f'trap "{answer}" TERM; echo up; while :; do sleep 0.05; done'], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'up\n'
    process.terminate()
    try:
        assert process.wait(60) == status
        assert process.stdout.read() == '', 'another round'
    finally:
        process.kill()
        process.stdout.close()


def test_cgroup_of_the_payload_goes_before_its_unit(nothing_left, tree):
    """In a unit with other processes, as of a script that runs several machines."""
    run_it = f'box-run --quiet --pipe --keep-unit --register=no -U --directory={tree}'
    below = 'find /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) -mindepth 1 -type d'
    result = run('systemd-run', '--quiet', '--wait', '--pipe', '--collect', '-p', 'Delegate=yes', 'sh', '-c',
                 f'{run_it} /bin/sleep 1 & sleep 0.7; {below}; wait; echo ended; {below}')
    during, after = result.stdout.split('ended\n')
    assert 'payload' in during and after == ''


def test_living_machine_of_another_manager_keeps_its_name(nothing_left, tree):
    """machined has one of this name, whose leader lives: it is not taken for a dead one's."""
    name = 'life-living'
    run('systemd-run', '--quiet', f'--unit={name}', '--slice=machine.slice', 'sleep', '1000')
    try:
        leader = output('systemctl', 'show', '--value', '--property=MainPID', name)
        run('busctl', 'call', 'org.freedesktop.machine1', '/org/freedesktop/machine1', 'org.freedesktop.machine1.Manager',
            'RegisterMachine', 'sayssus', name, '0', 'test', 'container', leader, '')
        result = by_hand(tree, '/bin/true', switches=('--register=yes', '-U', f'--machine={name}'))
        assert result.returncode == 1 and name in result.stderr
        assert output('machinectl', 'show', '--value', '--property=Leader', name) == leader
    finally:
        run('systemctl', 'stop', name)


def test_payload_that_exits_with_133_does_not_restart_the_unit(machine):
    quick = make_quick(machine)
    (quick.path / 'sbin/init').write_text('#!/bin/sh\nsleep 0.3\nexit 133\n')
    quick.start()
    wait_for(lambda: quick.property('ActiveState') == 'failed')
    assert (quick.property('ExecMainStatus'), quick.property('NRestarts')) == ('1', '0')


def test_sigterm_by_hand_kills_a_command(nothing_left, tree):
    """It has no way down of its own, unless KillSignal= names one."""
    process = subprocess.Popen(['box-run', '--quiet', '--pipe', '--register=no', f'--directory={tree}', '/bin/sh', '-c',
                                'echo up; sleep 1000'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'up\n'
    process.terminate()
    assert process.wait(60) == 128 + signal.SIGKILL
    assert 'SIGKILL' in process.stderr.read()


TRAP = 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'


@pytest.mark.parametrize('sent', [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize('switches, script, status', [
    (['--as-pid2'], TRAP, 7), (['--as-pid2'], 'echo up; exec sleep 1000', 128 + signal.SIGTERM),
    (['--as-pid2', '--kill-signal=TERM'], TRAP, 7), (['--as-pid2', '--kill-signal=USR1'], TRAP.replace('TERM', 'USR1'), 7),
    (['--kill-signal=TERM'], TRAP, 7), (['--as-pid2'], 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done', 0)])
def test_command_that_is_asked_to_end_has_its_own_status(tree, sent, switches, script, status):
    process = subprocess.Popen(['box-run', '--quiet', '--pipe', '--register=no', f'--directory={tree}', *switches, '/bin/sh', '-c',
                                script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'up\n'
    process.send_signal(sent)
    assert (process.wait(60), process.stderr.read()) == (status, '')


def test_interrupted_by_its_terminal(tree):
    for switches, status in (['-a'], 128 + signal.SIGINT), ([], 4):
        child = support.spawn('box-run', '-q', '--register=no', *switches, '-D', str(tree), '/bin/sh', '-c',
                              'echo ready; exec sleep 1000' if switches else 'trap "exit 4" INT; echo ready; sleep 1000')
        child.expect_exact('ready')
        child.sendintr()
        assert child.wait() == status


@pytest.mark.parametrize('status', [0, 5])
@pytest.mark.parametrize('notify', ['yes', 'no'])
def test_init_that_exits_by_hand(tree, status, notify):
    """Its status is that of box-run; only a unit judges it. (With a unit: test_bad_input.py.)"""
    (tree / 'sbin/quitter').write_text(f'#!/bin/sh\necho quitting\nexit {status}\n')
    (tree / 'sbin/quitter').chmod(0o755)
    (tree / 'sbin/init').rename(tree / 'sbin/init.away')
    try:
        (tree / 'sbin/init').symlink_to('quitter')
        result = by_hand(tree, switches=('--register=no', '--boot', f'--notify-ready={notify}'))
        assert result.returncode == status and 'quitting' in result.stdout
        assert (result.stderr == '') == (status == 0)
    finally:
        (tree / 'sbin/init').unlink()
        (tree / 'sbin/init.away').rename(tree / 'sbin/init')


@pytest.mark.parametrize('status', [0, 1])
def test_systemd_that_exits_before_it_is_ready(tmp_path, status):
    """systemd.run= of its command line: its manual names the actions."""
    tmp_path.chmod(0o777)
    result = run('box-run', '--quiet', '--pipe', '--register=no', '-U', '--boot', '--read-only', '--volatile=overlay', '--machine=runner',
                 '--directory=/trees/deb12', f'--bind={tmp_path}:/mnt', 'systemd.run_success_action=exit',
                 'systemd.run_failure_action=exit', f'systemd.run="/bin/sh -c \'touch /mnt/ran; exit {status}\'"', check=False)
    assert result.returncode == status and (tmp_path / 'ran').exists(), result.stderr


@pytest.mark.parametrize('directory, name', [('my_tree.v2', 'mytree.v2'), ('Debian (stable)', 'Debianstable'), ('.x..y-', 'x.y'),
                                             ('a' * 70, 'a' * 64)])
def test_directory_s_name_need_not_be_a_machine_s(tree, tmp_path, directory, name):
    (tmp_path / directory).symlink_to(tree)
    nspawn = NSPAWN_FILES / f'{name}.nspawn'
    NSPAWN_FILES.mkdir(parents=True, exist_ok=True)
    nspawn.write_text('[Exec]\nEnvironment=READ=by-name\n')
    try:
        result = by_hand(tmp_path / directory, '/bin/sh', '-c', 'hostname; echo $READ')
        assert result.stdout.split() == [name, 'by-name'], result.stderr
        result = by_hand(tmp_path / directory, '/bin/sh', '-c', 'hostname', switches=('--register=no', '--ephemeral'))
        assert result.stdout.startswith(f'{name[:47]}-'), result.stderr
    finally:
        nspawn.unlink()
    (tmp_path / '___').symlink_to(tree)
    result = by_hand(tmp_path / '___', '/bin/true')
    assert result.returncode == 1 and "No machine name can be made of the directory name '___'" in result.stderr
