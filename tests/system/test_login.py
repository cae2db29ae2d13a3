# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl login and shell on a machine with systemd, and the console of box-run, on real terminals.
(test_inits.py logs in to machines with other inits.)"""

import re
import signal
import subprocess
import termios
import time

import pexpect
import pytest

import support
from support import output, run, wait_for

pytestmark = pytest.mark.quick

ESCAPE = '\x1d\x1d\x1d'


@pytest.fixture(scope='module')
def deb(module_machine):
    machine = module_machine('deb12', name='login-deb')
    machine.start()
    return machine


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='login-tree').path


# -------------------------------------------------------------------- boxctl

def test_login_with_a_password(deb, terminal):
    child = terminal('boxctl', 'login', deb.name)
    support.log_in(child)
    assert support.run_at_prompt(child, 'id -un; hostname').splitlines() == ['root', deb.name]


def test_login_is_a_session_of_logind(deb, terminal):
    child = terminal('boxctl', 'login', deb.name)
    support.log_in(child)
    assert '/user.slice/user-0.slice/session-' in support.run_at_prompt(child, 'cat /proc/self/cgroup')


def test_wrong_password_is_refused(deb, terminal):
    child = terminal('boxctl', 'login', deb.name)
    child.expect('login: ')
    child.sendline('root')
    child.expect('[Pp]assword: ')
    child.sendline('wrong')
    child.expect('ncorrect')


def test_escape_leaves(deb, terminal):
    child = terminal('boxctl', 'login', deb.name)
    child.expect('login: ')
    child.send(ESCAPE)
    child.expect(pexpect.EOF)
    assert deb.is_active()


def test_login_ends_with_the_machine(machine, terminal):
    short = machine('deb12', name='login-short')
    short.start()
    child = terminal('boxctl', 'login', short.name)
    child.expect('login: ')
    short.stop()
    child.expect(pexpect.EOF, timeout=60)


def test_window_size_is_forwarded(deb, terminal):
    child = terminal('boxctl', 'shell', deb.name)
    child.expect('[#$] ')
    child.setwinsize(33, 77)
    child.sendline('until stty size | grep -q "33 77"; do sleep 0.1; done; echo "<$(stty size)>"')
    child.expect('<33 77>')


def test_shell_is_interactive(deb, terminal):
    child = terminal('boxctl', 'shell', deb.name)
    child.expect('[#$] ')
    child.sendline('echo "in $(hostname)"')
    child.expect(f'in {deb.name}')
    child.sendline('exit')
    child.expect(pexpect.EOF)


def test_shell_of_a_user(deb, terminal):
    deb.exec('useradd', '-m', '-u', '1235', 'anybody')
    child = terminal('boxctl', 'shell', f'anybody@{deb.name}', '/usr/bin/id')
    child.expect(r'uid=1235\(anybody\)')


@pytest.mark.parametrize('script, status', [
    ('exit 7', 7), ('kill -KILL $$', 128 + signal.SIGKILL), ('systemctl --user is-system-running --wait && exit 3', 3),
    ('test $TERM = vt220 && test "$(stty size)" = "40 132" && test "$A" = "b c" && exit 4', 4)])
def test_shell_on_a_terminal_returns_the_exit_status(deb, terminal, script, status):
    child = terminal('boxctl', 'shell', '-E', 'A=b c', deb.name, '/bin/sh', '-c', script)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == status


@pytest.mark.parametrize('program, status', [('boxctl', 5), ('machinectl-lite', 0)])
def test_keys_reach_the_program_of_a_shell(deb, terminal, program, status):
    child = terminal(program, 'shell', deb.name, '/bin/sh', '-c', 'trap "exit 5" INT; cat; while :; do sleep 0.1; done')
    child.sendline('typed')         # before anything is printed
    child.expect('typed\r\ntyped\r\n')
    child.sendintr()
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == status


def test_shell_has_job_control(deb, terminal):
    child = terminal('boxctl', 'shell', deb.name, '/bin/bash', '--norc')
    child.expect('[#$] ')
    child.sendline('sleep 1000')
    wait_for(lambda: deb.exec('pgrep', '-x', 'sleep', check=False).stdout)
    child.send('\x1a')
    child.expect('Stopped')
    child.sendline('kill -KILL %1; disown -a; exit 6')
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 6


def test_no_such_machine():
    for verb in ('login', 'shell'):
        result = run('boxctl', verb, 'no-such-machine', check=False)
        assert result.returncode == 3 and 'no-such-machine' in result.stderr


# -------------------------------------------------------------------- the console of box-run

def test_boot_shows_a_login_and_escape_kills_it(nothing_left, tree, terminal):
    child = terminal('box-run', '-b', '-U', '--machine=login-hand', f'--directory={tree}')
    support.log_in(child)
    assert support.run_at_prompt(child, 'hostname') == 'login-hand'
    assert output('machinectl', 'show', '--value', '--property=Unit', 'login-hand').endswith('.scope')
    child.send(ESCAPE)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 128 + signal.SIGKILL


def test_boot_powers_off(nothing_left, tree, terminal):
    child = terminal('box-run', '-b', '-U', '--machine=login-off', f'--directory={tree}')
    support.log_in(child)
    child.sendline('poweroff')
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_scope_has_cgroups_for_supervisor_and_payload(nothing_left, tree, terminal):
    child = terminal('box-run', '-U', '--machine=login-scope', f'--directory={tree}', '/bin/sh')
    child.expect('# ')
    unit = output('machinectl', 'show', '--value', '--property=Unit', 'login-scope')
    group = output('systemctl', 'show', '--value', '--property=ControlGroup', unit)
    leader = output('machinectl', 'show', '--value', '--property=Leader', 'login-scope')
    assert f'0::{group}/payload\n' in open(f'/proc/{leader}/cgroup').read()
    assert group.startswith('/machine.slice/')
    run('systemctl', 'stop', unit)      # RequestStop: a command cannot be asked, it is killed
    child.expect(pexpect.EOF)


def test_stopping_the_scope_is_a_clean_shutdown(nothing_left, tree, terminal):
    child = terminal('box-run', '-b', '-U', '--machine=login-stop', f'--directory={tree}')
    child.expect('login: ')
    unit = output('machinectl', 'show', '--value', '--property=Unit', 'login-stop')
    run('systemctl', 'stop', '--no-block', unit)
    child.expect('Requesting system halt')
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 0


def test_terminal_is_restored(tree, terminal):
    child = terminal('sh', '-c', f'box-run --quiet --register=no --directory={tree} /bin/cat; echo "status $?"; read line')
    before = termios.tcgetattr(child.child_fd)
    wait_for(lambda: not termios.tcgetattr(child.child_fd)[3] & termios.ICANON, message='raw while it runs')
    child.send('\x04')
    child.expect('status 0')
    assert termios.tcgetattr(child.child_fd) == before


def test_interactive_console_has_job_control(tree, terminal):
    child = terminal('box-run', '--quiet', '--register=no', f'--directory={tree}', '/bin/sh')
    child.expect('# ')
    child.sendline('sleep 1000; echo "interrupted $?"')
    time.sleep(0.3)
    child.sendintr()
    child.expect('# ')
    child.sendline('tty; exit 5')
    child.expect('/dev/(console|pts/0)')
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 5


def by_hand(tree, mode, *command, **options):
    return run('box-run', '--quiet', '--register=no', f'--console={mode}', f'--directory={tree}', *command, **options)


def test_pipe_passes_standard_streams_unchanged(tree):
    for mode in ('pipe', 'autopipe'):
        result = subprocess.run(['box-run', '--quiet', '--register=no', f'--console={mode}', f'--directory={tree}', '/bin/sh',
                                 '-c', 'cat; echo err >&2; [ -e /dev/console ] || echo no console'], input='in\n', text=True,
                                capture_output=True, timeout=60)
        assert (result.stdout, result.stderr) == ('in\nno console\n', 'err\n')


def test_read_only_shows_and_does_not_read(tree):
    result = subprocess.run(['box-run', '--quiet', '--register=no', '--console=read-only', f'--directory={tree}', '/bin/sh', '-c',
                             'tty; read -t 1 line; echo "read <$line>"'], input='typed\n', text=True, capture_output=True,
                            timeout=60)
    assert re.search('/dev/(console|pts/0)', result.stdout)
    assert 'read <>' in result.stdout


def test_passive_shows_nothing(tree):
    result = by_hand(tree, 'passive', '/bin/sh', '-c', 'echo shown; tty >/tty')
    assert result.stdout == ''
    assert re.fullmatch('/dev/(console|pts/0)\n', (tree / 'tty').read_text())


def test_default_is_read_only_without_a_terminal(tree):
    plan = output('box-run', '--dry-run', f'--directory={tree}', '/bin/true')
    assert 'console: read-only' in plan


def test_large_output_is_complete(tree):
    result = by_hand(tree, 'read-only', '/bin/sh', '-c', 'seq 1 20000')
    assert result.stdout.split() == [str(number) for number in range(1, 20001)]


def test_machine_is_listed_while_it_runs(tree, terminal):
    child = terminal('box-run', '--quiet', '--machine=login-list', f'--directory={tree}', '/bin/sh')
    child.expect('# ')
    wait_for(lambda: 'login-list' in output('boxctl', 'list', '--no-legend'))
    child.sendline('exit')
    child.expect(pexpect.EOF)
    assert 'login-list' not in output('boxctl', 'list', '--no-legend')
