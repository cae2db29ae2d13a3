# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl and machinectl-lite on a host with the real systemd and machined: beside machinectl on the same machine, the way
into a systemd payload, causes of failures, and box@.service under systemd's own eye. (Inits that are not systemd:
test_inits.)"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from support import output, run, run_at_prompt, log_in, wait_for


@pytest.fixture(scope='module')
def deb(module_machine):
    machine = module_machine(name='ctl-deb')
    run('boxctl', 'start', machine.name)
    machine.wait_running()
    # Machined of 252 lists those, too.
    wait_for(lambda: output('nsenter', '-t', machine.leader(), '-n', 'ip', 'address', 'show', 'tentative') == '')
    return machine


# -------------------------------------------------------------------- beside machinectl

@pytest.mark.parametrize('words', [
    'list', 'list --no-legend', 'list --all', 'list --max-addresses=all', 'list --full', 'list -o json', 'show NAME',
    'show', 'show NAME -p Leader -p Class', 'show NAME -p Timestamp --value', 'show NAME --property=Nonsense',
])
def test_lite_prints_what_machinectl_prints(deb, words):
    command = [word.replace('NAME', deb.name) for word in words.split()]
    theirs = run('machinectl', *command)
    ours = run('machinectl-lite', *command)
    if 'json' in words:
        assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    else:
        assert ours.stdout == theirs.stdout


@pytest.mark.parametrize('words', ['status nosuch', 'show nosuch', 'poweroff nosuch', 'kill nosuch', 'start nosuch',
                                   'login nosuch', 'shell nosuch /bin/true', 'frobnicate', 'terminate', 'list --nonsense'])
def test_lite_fails_where_machinectl_fails(words):
    theirs = run('machinectl', *words.split(), check=False)
    ours = run('machinectl-lite', *words.split(), check=False)
    assert (ours.returncode, theirs.returncode) == (1, 1)
    assert len(ours.stderr.splitlines()) == 1


def test_lite_controls_a_machine_of_systemd_nspawn(machine):
    m = machine('deb12', unit='systemd-nspawn@')
    m.start()
    wait_for(lambda: m.system_state() in ('running', 'degraded'), 60)
    assert m.name in output('machinectl-lite', 'list', '--no-legend')
    assert output('boxctl', 'show', '-PService', m.name) == 'systemd-nspawn'
    assert f'Unit: {m.unit}' in output('boxctl', 'status', m.name)
    assert output('boxctl', 'shell', m.name, '/bin/hostname') == m.name
    run('boxctl', 'stop', m.name)
    # Its supervisor comes to its own end after the machine; killed before, it would leave mounts behind.
    wait_for(lambda: m.property('ActiveState') == 'inactive')


def test_bus_of_a_machine(deb):
    """boxctl -M: what has no machined there, or no bus, is told; systemd there answers; other verbs refuse it."""
    result = run('boxctl', '-M', deb.name, 'list', check=False)
    assert result.returncode == 8 and 'org.freedesktop.machine1' in result.stderr
    result = run('boxctl', '-M', deb.name, 'start', deb.name, check=False)
    assert result.returncode == 3 and f'box@{deb.name}.service not found' in result.stderr, 'its systemd has no such unit'
    for program, status in (('boxctl', 2), ('machinectl-lite', 1)):
        result = run(program, '-M', deb.name, 'status', deb.name, check=False)
        assert result.returncode == status and f'boxctl exec {deb.name} -- boxctl status' in result.stderr
    assert run('boxctl', '-M', 'nosuch', 'list', check=False).returncode == 3
    assert run('boxctl', '-M', '../x', 'list', check=False).returncode == 2
    result = run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'boxctl', '-M', deb.name, 'list', check=False)
    assert result.returncode == 4 and 'Only root' in result.stderr


# -------------------------------------------------------------------- output

def test_status_shows_the_machine(deb):
    page = output('boxctl', 'status', deb.name)
    for part in (f'Leader: {deb.leader()} (systemd)', 'Service: box; class container', f'Root: {deb.path}',
                 'Init: systemd', f'Unit: {deb.unit} (active', '├─payload', '└─supervisor', '├─init.scope'):
        assert part in page
    page = json.loads(output('boxctl', 'status', '-o', 'json', deb.name))[0]
    assert page['leader'] == deb.leader() and page['init'] == 'systemd' and page['active_state'] == 'active'
    assert page['uid_shift'] >= 524288


def test_show_has_what_box_keeps(deb):
    lines = output('boxctl', 'show', deb.name).splitlines()
    assert 'Init=systemd' in lines and f'Unit={deb.unit}' in lines
    assert not any(line.startswith('Init=') for line in output('machinectl-lite', 'show', deb.name).splitlines())


# -------------------------------------------------------------------- into a systemd payload

def test_login(deb, terminal):
    child = terminal('boxctl', 'login', deb.name)
    child.expect_exact(f'Connected to machine {deb.name}.')
    log_in(child)
    assert run_at_prompt(child, 'tty').startswith('/dev/pts/')
    assert run_at_prompt(child, 'hostname') == deb.name
    child.sendline('exit')
    child.expect('login: ')                 # systemd restarts the getty, and the session stays
    child.send('\x1d\x1d\x1d')
    child.expect_exact(f'Connection to machine {deb.name} terminated.')


def test_shell_on_a_terminal(deb, terminal):
    child = terminal('boxctl', 'shell', f'nobody@{deb.name}', '/bin/sh')
    child.expect(r'\$ ')
    child.sendline('id -u; tty; exit')
    child.expect('65534\r\n/dev/pts/')
    child.expect_exact('terminated.')


def test_shell_in_a_pipe(deb):
    assert output('boxctl', 'shell', deb.name, '/bin/hostname') == deb.name
    assert output('boxctl', 'shell', deb.name, '/bin/true') == ''
    assert output('boxctl', '--setenv=FOO=bar', 'shell', deb.name, '/bin/sh', '-c', 'echo $FOO') == 'bar'


def test_shell_without_dbus_in_the_machine(deb):
    deb.exec('systemctl', 'stop', 'dbus.socket', 'dbus.service')
    try:
        result = run('boxctl', 'shell', deb.name, '/bin/sh', '-c', 'hostname; exit 5', check=False)
        assert (result.returncode, result.stdout) == (5, f'{deb.name}\n')
    finally:
        deb.exec('systemctl', 'start', 'dbus.socket')


# -------------------------------------------------------------------- orders

def test_enable_now_and_disable_now(machine):
    m = machine('busybox')
    result = run('boxctl', 'enable', '--now', m.name)
    assert f'machines.target.wants/{m.unit}' in result.stderr
    assert output('systemctl', 'is-enabled', m.unit, 'machines.target') == 'enabled\nenabled'
    assert m.is_active()
    run('boxctl', 'disable', '--now', m.name)
    assert output('systemctl', 'is-enabled', m.unit, check=False) == 'disabled'
    assert not m.is_active()


def test_many_at_once(machine):
    names = [machine('busybox').name for _ in range(3)]
    run('boxctl', 'start', *names)
    assert all(name in output('boxctl', 'list') for name in names)
    run('boxctl', 'stop', *names)
    assert not any(name in output('boxctl', 'list') for name in names)


@pytest.mark.parametrize('words', [['terminate'], ['kill', '--signal=KILL']], ids=['terminate', 'kill'])
def test_kill_and_terminate_one_that_was_started_by_hand(machine, words):
    """Without machined, in a scope of box's: all of it goes, its supervisor too."""
    m = machine('busybox', name='ctl-hand')
    process = subprocess.Popen(['box-run', '-q', '--register=no', '-M', m.name, '-U', '/bin/sleep', '1000'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: m.name in output('boxctl', 'list', '--no-legend'))
    run('boxctl', *words, m.name)
    assert process.wait(60) != 0
    wait_for(lambda: run('systemctl', 'is-active', '--quiet', f'box-{m.name}.scope', check=False).returncode != 0)
    assert m.name not in output('boxctl', 'list', '--no-legend')


@pytest.mark.parametrize('register', ['yes', 'no'])
def test_verbs_of_one_that_was_started_by_hand(machine, register):
    """It runs: no verb takes it for a machine that would not start, and start says how it runs."""
    m = machine('busybox', name='by-hand')
    m.write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n[Network]\nVirtualEthernet=yes\nPort=tcp:8131:80\n')
    process = subprocess.Popen(['box-run', '-q', '-M', m.name, '-U', f'--register={register}'], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    wait_for(lambda: run('boxctl', 'status', m.name, check=False).returncode == 0)
    for words in ('check', 'explain', 'status', 'show', 'cat', 'enable', 'disable'):
        result = run('boxctl', words, m.name)
        assert result.stderr == '' or words in ('enable', 'disable'), result.stderr
    assert m.name in output('boxctl', 'list', '--no-legend').split()
    result = run('boxctl', 'start', m.name, check=False)
    scope = 'machine-by\\x2dhand.scope' if register == 'yes' else f'box-{m.name}.scope'
    assert (result.returncode, result.stderr) == (6, f'boxctl: {m.name}: It runs already, started by hand (process {process.pid}, '
                                                     f'unit {scope}); to stop it: boxctl stop {m.name}\n')
    assert m.property('ActiveState') == 'inactive'
    run('boxctl', 'stop', m.name)
    process.wait(timeout=60)
    run('boxctl', 'start', m.name)
    assert m.is_active()


def test_kill_and_terminate(machine):
    m = machine('busybox')
    run('boxctl', 'start', m.name)
    run('boxctl', 'terminate', m.name)
    wait_for(lambda: m.property('ActiveState') == 'inactive')
    run('boxctl', 'start', m.name)
    run('boxctl', 'kill', '--kill-whom=leader', '--signal=KILL', m.name)
    wait_for(lambda: m.property('ActiveState') == 'failed')


# -------------------------------------------------------------------- causes

@pytest.mark.parametrize('text,cause', [
    ('[Network]\nBridge=lo\n', r'{file}:2: Bridge=lo: not a bridge'),
    ('[Exec]\n\nKillSignal=SIGFOO\n', r'{file}:3: KillSignal=SIGFOO: .*'),
])
def test_start_tells_the_cause(machine, text, cause):
    m = machine('busybox')
    m.write_file(text)
    result = run('boxctl', 'start', m.name, check=False)
    assert result.returncode == 1
    assert re.fullmatch(f'boxctl: {m.name}: {cause.format(file=m.file)}\n', result.stderr)
    page = run('boxctl', 'status', m.name, check=False)
    assert page.returncode == 3
    assert re.search(f'Reason: {cause.format(file=m.file)}\n', page.stdout)


@pytest.mark.parametrize('settings,cause', [
    ('ExecStart=/nonexistent', '.*/nonexistent: No such file or directory'),
    ('ExecStart=/bin/sh -c "kill -9 $$$$"', 'Failed to start {unit}: its supervisor was killed by SIGKILL'),
    ('ExecStart=/bin/sleep 99\nTimeoutStartSec=1', 'Failed to start {unit}: it was not ready in time'),
])
def test_start_tells_the_cause_without_a_supervisor(machine, settings, cause):
    m = machine('busybox')
    m.write_unit_settings(f'[Service]\nExecStart=\n{settings}\n')
    result = run('boxctl', 'start', m.name, check=False)
    assert result.returncode == 1
    assert re.fullmatch(f'boxctl: {m.name}: {cause.format(unit=m.unit)}\n', result.stderr)


def test_command_that_ends_at_once(machine):
    m = machine('busybox')
    m.write_file('[Exec]\nBoot=no\nParameters=/bin/true\n')
    m.write_unit_settings('[Service]\nExecStartPost=/bin/sleep 0.3\n')       # the start ends after the command
    result = run('boxctl', 'start', m.name, check=False)
    assert (result.returncode, result.stderr) == (1, f'boxctl: {m.name}: It started, but its init or command ended at once, without '
                                                     'an error\n')


def test_explain_of_what_is_not_there(machine):
    """An empty list of the plan is no result."""
    m = machine('busybox')
    m.write_file('[Network]\nVirtualEthernet=yes\n')
    assert output('boxctl', 'explain', m.name, 'Port') == '#Port=\n#   default'
    m.write_file('[Network]\nVirtualEthernet=yes\nPort=8139\n')
    assert '#   results in ports: ' in output('boxctl', 'explain', m.name, 'Port')


def test_explain_of_a_wrong_name():
    """One line, and not the defaults of a machine that is not there."""
    result = run('boxctl', 'explain', 'nosuch', check=False)
    assert (result.returncode, result.stdout) == (3, '')
    assert result.stderr == 'boxctl: nosuch: It is neither a machine nor a setting\n'
    assert run('boxctl', 'explain', 'Prot', check=False).stderr.endswith('; did you mean Port?\n')
    path = Path('/run/systemd/nspawn/nosuch.nspawn')
    path.parent.mkdir(exist_ok=True)
    path.write_text('[Network]\nPort=8139\n')
    try:
        result = run('boxctl', 'explain', 'nosuch', 'Port', check=False)
        assert result.stdout.startswith('Port=') and 'would not start' in result.stderr
    finally:
        path.unlink()


def test_start_of_a_missing_machine():
    result = run('boxctl', 'start', 'nosuch', '-bad', check=False)
    assert result.returncode == 2           # an option, by its looks
    result = run('boxctl', 'start', '--', 'nosuch', '-bad', check=False)
    assert result.returncode == 3
    assert result.stderr.startswith("boxctl: nosuch: No machine 'nosuch'")
    assert "\nboxctl: -bad: Invalid machine name" in result.stderr


def test_start_names_the_nearest(machine):
    m = machine('busybox')
    result = run('boxctl', 'start', f'{m.name}x', check=False)
    assert f"did you mean '{m.name}'?" in result.stderr


def test_not_running(machine):
    m = machine('busybox')
    for verb in ('stop', 'reboot', 'kill', 'shell', 'login', 'status', 'show'):
        result = run('boxctl', verb, m.name, check=False)
        assert (result.returncode, result.stdout) == (3, '')
        assert result.stderr == f'boxctl: {m.name}: This machine is not running; to start it: boxctl start {m.name}\n'


# -------------------------------------------------------------------- the unit

def test_unit_is_clean(deb):
    result = run('systemd-analyze', 'verify', '--man=no', deb.unit, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, '')


def test_program_is_small(machine):
    """What starts with each command is the C library; libsystemd is loaded by what asks the bus."""
    direct = output('readelf', '--dynamic', '/usr/bin/boxctl')
    assert 'NEEDED' in direct and '[libc.so' in direct
    for name in ('systemd', 'seccomp', 'mount', 'mnl', 'cap'):
        assert f'[lib{name}.' not in direct
    m = machine('busybox')
    m.start()
    for words, loads in ((['--help'], False), (['exec', m.name, '--', 'true'], False), (['status', m.name], True)):
        assert ('libsystemd.so.0' in run('env', 'LD_DEBUG=files', 'boxctl', *words).stderr) == loads, words


# -------------------------------------------------------------------- machines in a unit that is not theirs

@pytest.fixture
def guest(machine):
    """A machine that is not registered, in a unit with another program, whose stop would end that too."""
    m = machine('busybox')
    run('systemd-run', '--quiet', '--collect', '--unit=boxctl-host', '--property=Delegate=yes', '--property=KillMode=mixed',
        '/bin/sh', '-c', f'sleep 1000 & exec box-run --quiet --keep-unit --register=no -U -M {m.name} /bin/sleep 1000')
    wait_for(lambda: m.name in output('boxctl', 'list'))
    wait_for(lambda: run('boxctl', 'shell', m.name, '/bin/true', check=False).returncode == 0)
    yield m
    run('systemctl', 'kill', '--signal=KILL', 'boxctl-host', check=False)
    run('systemctl', 'stop', 'boxctl-host', check=False)


def test_show_of_a_machine_that_is_not_registered(guest):
    lines = output('boxctl', 'show', guest.name).splitlines()
    for line in (f'Name={guest.name}', 'Service=box', 'Class=container', 'Unit=boxctl-host.service', f'RootDirectory={guest.path}'):
        assert line in lines
    leader = int(output('boxctl', 'show', '--value', '--property=Leader', guest.name))
    assert f'/{guest.name}' in os.readlink(f'/proc/{leader}/root') or os.path.exists(f'/proc/{leader}/root/bin/busybox')
    supervisor = int(output('boxctl', 'show', '--value', '--property=Supervisor', guest.name))
    assert open(f'/proc/{supervisor}/comm').read() == 'box-run\n'


def test_stop_asks_its_supervisor(guest):
    supervisor = int(output('boxctl', 'show', '--value', '--property=Supervisor', guest.name))
    run('boxctl', 'stop', guest.name)
    wait_for(lambda: not os.path.exists(f'/proc/{supervisor}'))
    assert guest.name not in output('boxctl', 'list')


def test_terminate_kills_its_leader(guest):
    leader = int(output('boxctl', 'show', '--value', '--property=Leader', guest.name))
    run('boxctl', 'terminate', guest.name)
    wait_for(lambda: not os.path.exists(f'/proc/{leader}'))
    wait_for(lambda: guest.name not in output('boxctl', 'list'))


def test_shell_of_a_named_user_is_by_su(guest, terminal):
    """A login shell, in the home directory."""
    result = subprocess.run(['boxctl', 'shell', f'root@{guest.name}'], input='echo "$0 $PWD $(id -u)"; exit 6\n', capture_output=True,
                            text=True, timeout=60)
    assert (result.returncode, result.stdout) == (6, '-sh /root 0\n')


