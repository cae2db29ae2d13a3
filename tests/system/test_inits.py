# SPDX-License-Identifier: LGPL-2.1-or-later
"""Payloads whose init is not systemd: they boot, have a login on their console, are logged in to by `boxctl login`, reboot
and go down in their own way. One machine for each init, shared by all tests; the last test of it takes it down."""

import re
import time

import pytest

import support
from support import output, run, wait_for

# The last output of the init at a clean shutdown, and the name of its reboot(8)
INITS = {
    'openrc': 'Will now halt',
    'sysvinit': 'Will now halt',
    'busybox': 'Requesting system halt',
}


@pytest.fixture(scope='module')
def machines(module_machine):
    made = {tree: module_machine(tree, name=f'init-{tree}') for tree in INITS}
    for machine in made.values():
        machine.start()
        machine.state_at_ready = machine.property('ActiveState')
    for machine in made.values():
        wait_for(lambda: console_getty(machine), timeout=60)
    return made


@pytest.fixture(params=INITS)
def machine_of(request, machines):
    """A running machine, by its init."""
    machine = machines[request.param]
    machine.init = request.param
    return machine


# Prints the first getty (or the login that it has become) whose standard input is the console
FIND_GETTY = '''
for p in /proc/[0-9]*; do
    case $(cat $p/comm 2>/dev/null) in
    *getty|login) [ "$(stat -L -c %t:%T $p/fd/0)" = "$(stat -c %t:%T /dev/console)" ] && echo ${p#/proc/} && exit ;;
    esac
done
'''


def console_getty(machine):
    """The PID, inside, of the getty that holds the console; none: ''."""
    return machine.exec('sh', '-c', FIND_GETTY, check=False).stdout.strip()


def test_unit_is_ready_at_exec(machine_of):
    """Such an init cannot say that it is ready."""
    assert machine_of.state_at_ready == 'active'
    assert machine_of.property('StatusText') == 'Container running.'


def test_detected_init_is_run(machine_of):
    plan = output('box-run', '--dry-run', '-b', f'--machine={machine_of.name}')
    name = {'openrc': 'sysvinit+openrc'}.get(machine_of.init, machine_of.init)
    assert f'init: {name}\n' in plan
    assert f'Init: {name}\n' in output('boxctl', 'status', machine_of.name)


def test_login_is_on_the_console(machine_of):
    getty = console_getty(machine_of)
    time.sleep(0.5)
    assert getty and console_getty(machine_of) == getty         # it stays: is not started again and again


def test_getty_has_the_console_as_its_controlling_terminal(machines):
    """busybox's getty does not start without; it gets the terminal only where PID 1 does not hold it."""
    machine = machines['busybox']
    getty = console_getty(machine)
    assert machine.exec('cat', f'/proc/{getty}/stat').stdout.rpartition(')')[2].split()[4] == str(136 << 8)
    assert machine.exec('cat', '/proc/1/stat').stdout.rpartition(')')[2].split()[4] == '0'


def test_root_logs_in_with_the_password(machine_of, terminal):
    child = terminal('boxctl', 'login', machine_of.name)
    support.log_in(child)
    assert support.run_at_prompt(child, 'id -un; hostname') == f'root\n{machine_of.name}'


def test_login_is_on_a_pty_of_the_machine_and_in_its_cgroup(machine_of, terminal):
    child = terminal('boxctl', 'login', machine_of.name)
    support.log_in(child)
    assert re.fullmatch(r'/dev/pts/[0-9]+', support.run_at_prompt(child, 'tty'))
    # seen from inside, all of it is below the root of the machine's cgroup namespace
    cgroup = support.run_at_prompt(child, 'cat /proc/self/cgroup')
    assert '0::/' in cgroup and '..' not in cgroup


def test_three_escapes_leave_a_login(machine_of, terminal):
    child = terminal('boxctl', 'login', machine_of.name)
    child.expect('login: ')
    child.send('\x1d\x1d\x1d')
    child.expect('terminated')
    child.wait()
    assert machine_of.is_active()


def test_wrong_password_is_refused(machines, terminal):
    child = terminal('boxctl', 'login', machines['busybox'].name)
    child.expect('login: ')
    child.sendline('root')
    child.expect('[Pp]assword: ')
    child.sendline('wrong')
    child.expect('ncorrect')


def test_shell_runs_a_command_and_returns_its_status(machine_of):
    result = run('boxctl', 'shell', machine_of.name, '/bin/sh', '-c', 'echo out; echo err >&2; exit 3', check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, 'out\n', 'err\n')


def test_reboot_from_inside_restarts_the_unit(machines):
    """The others' way down takes ten seconds; test_lifecycle.py reboots more, and faster."""
    machine = machines['busybox']
    leader = machine.leader()
    machine.exec('reboot')
    wait_for(lambda: machine.property('NRestarts') == '1')
    wait_for(lambda: machine.is_active() and machine.leader() != leader)
    wait_for(lambda: console_getty(machine))


def test_stop_is_a_clean_shutdown(machines):
    """All of them, at once. A machine that had to be killed would have ended its unit with a failure."""
    run('boxctl', 'stop', *(machine.name for machine in machines.values()))
    for tree, machine in machines.items():
        assert machine.property('ActiveState') == 'inactive', tree
        assert machine.property('Result') == 'success', tree
        assert machine.property('ExecMainStatus') == '0', tree
        wait_for(lambda: INITS[tree] in machine.journal(), message=tree)
        assert 'login: ' in machine.journal()
        assert 'with signal SIGKILL' not in machine.journal()
        assert 'killing machine' not in machine.journal()
