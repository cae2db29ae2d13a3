# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl exec on payloads of each kind: what the command gets, what its caller gets back, and what ends with what. boxctl
chroot on trees and images of each kind of owner."""

import contextlib
import hashlib
import os
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

PAYLOADS = {
    'deb12': ('deb12', ''),
    'deb12-no-userns': ('deb12', '[Exec]\nPrivateUsers=no\n'),
    'openrc': ('openrc', ''),
    'sysvinit': ('sysvinit', ''),
    'busybox': ('busybox', ''),
    'command': ('busybox', '[Exec]\nBoot=no\nPrivateUsers=no\nParameters=/bin/tail -f /dev/null\n'),
    'command-userns': ('busybox', '[Exec]\nBoot=no\nProcessTwo=yes\nParameters=/bin/tail -f /dev/null\n'),
}


@pytest.fixture(scope='module', params=PAYLOADS)
def any_machine(request, module_machine):
    tree, text = PAYLOADS[request.param]
    machine = module_machine(tree, name=f'enter-{request.param}')
    with open(machine.path / 'etc/passwd', 'a') as passwd, open(machine.path / 'etc/group', 'a') as group:
        passwd.write('tester:x:1077:1077::/tmp:/bin/sh\n')
        group.write('testers:x:1078:\nothers:x:1079:tester\n')
    machine.write_file(text)
    machine.start()
    return machine


@pytest.fixture(scope='module')
def quick(module_machine):
    machine = module_machine('busybox', name='enter-quick')
    machine.write_file(PAYLOADS['command-userns'][1])
    machine.start()
    return machine


def boxctl_exec(machine, *words, options=(), **more):
    return subprocess.run(['boxctl', 'exec', *options, machine.name, *words], timeout=60, **{
        'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **more})


def says(machine, *words, options=()):
    result = boxctl_exec(machine, *words, options=options)
    assert (result.returncode, result.stderr) == (0, b'')
    return result.stdout.decode().strip()


# -------------------------------------------------------------------- on any payload

def test_streams_are_apart_and_binary(any_machine):
    data = os.urandom(1024 * 1024)
    result = boxctl_exec(any_machine, '--', 'sh', '-c', 'tee /dev/stderr', stdin=None, input=data)
    assert result.returncode == 0
    assert hashlib.sha256(result.stdout).digest() == hashlib.sha256(result.stderr).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize('command, status', [
    (['true'], 0), (['sh', '-c', 'exit 77'], 77), (['sh', '-c', 'kill -USR1 $$'], 128 + signal.SIGUSR1),
    (['no-such-command'], 127), (['/no/such/command'], 127), (['/etc/passwd'], 126), (['/etc'], 126)])
def test_status(any_machine, command, status):
    result = boxctl_exec(any_machine, '--', *command)
    assert result.returncode == status
    assert result.stderr.decode().count('\n') == (1 if status in (126, 127) else 0)
    assert command[0] in result.stderr.decode() or status not in (126, 127)


def test_user_directory_and_variables(any_machine):
    words = ['sh', '-c', 'echo $(id -u) $(id -g) $(id -G) $PWD $USER $HOME "$ONE" "$TWO"']
    assert says(any_machine, *words) == '0 0 0 / root /root'
    assert says(any_machine, *words, options=['-u', 'tester', '-C', '/etc', '-E', 'ONE=1 2']) == (
        '1077 1077 1077 1079 /etc tester /tmp 1 2')
    assert says(any_machine, *words, options=['-u', 'tester:testers']) == '1077 1078 1078 / tester /tmp'
    assert says(any_machine, *words, options=['--uid=4711:12']).startswith('4711 12 12 / 4711 /')
    # Options may also stand between the name and the command.
    result = subprocess.run(['boxctl', 'exec', any_machine.name, '-E', 'TWO=two', '--', *words], capture_output=True,
                            text=True, timeout=60)
    assert result.stdout.endswith('root /root  two\n')


def test_in_the_machines_cgroup_and_namespaces(any_machine):
    leader = any_machine.leader()
    process = subprocess.Popen(['boxctl', 'exec', any_machine.name, 'sh', '-c', 'echo up; read line'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    child = [int(pid) for pid in Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split()
             if os.readlink(f'/proc/{pid}/ns/pid') == os.readlink(f'/proc/{leader}/ns/pid')]
    assert len(child) == 1
    assert Path(f'/proc/{child[0]}/cgroup').read_text() == Path(f'/proc/{leader}/cgroup').read_text()
    for kind in ('user', 'mnt', 'net', 'uts', 'ipc', 'cgroup'):
        assert os.readlink(f'/proc/{child[0]}/ns/{kind}') == os.readlink(f'/proc/{leader}/ns/{kind}')
    process.communicate(b'\n', timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize('name', ['INT', 'TERM', 'HUP', 'QUIT', 'USR1', 'USR2'])
def test_signals_are_passed_on(quick, name):
    number = getattr(signal, f'SIG{name}')
    process = subprocess.Popen(['boxctl', 'exec', quick.name, 'sh', '-c',
                                f'trap "echo got; n=\\$((n+1)); [ \\$n != 2 ] || exit 9" {name}; echo up; '
                                'while :; do sleep 0.05; done'], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'up\n'
    process.send_signal(number)
    assert process.stdout.readline() == 'got\n'
    process.send_signal(number)
    assert process.wait(timeout=60) == 9


# -------------------------------------------------------------------- what ends with what

@pytest.mark.parametrize('command', ['exec', 'sleep 1001 & wait; exec'])
def test_killed_client_hangs_up(quick, command):
    before = machine_processes(quick)
    process = subprocess.Popen(['boxctl', 'exec', quick.name, 'sh', '-c', f'echo up; {command} sleep 1001'], stdout=subprocess.PIPE)
    process.stdout.readline()
    wait_for(lambda: '1001' in quick.exec('ps').stdout)
    process.kill()
    process.wait()
    wait_for(lambda: '1001' not in quick.exec('ps').stdout)
    # No guard is left, either.
    wait_for(lambda: machine_processes(quick) == before)


def machine_processes(machine):
    """PIDs of all processes in the cgroup of the machine's PID 1."""
    found, leader = set(), Path(f'/proc/{machine.leader()}/cgroup').read_text()
    for path in Path('/proc').glob('[0-9]*/cgroup'):
        with contextlib.suppress(OSError):
            if path.read_text() == leader:
                found.add(int(path.parent.name))
    return found


def test_what_ignores_the_hang_up_goes_on(quick):
    process = subprocess.Popen(['boxctl', 'exec', quick.name, 'sh', '-c', 'trap "" HUP; echo up; exec sleep 1002'],
                               stdout=subprocess.PIPE)
    process.stdout.readline()
    process.kill()
    process.wait()
    time.sleep(0.5)
    assert '1002' in quick.exec('ps').stdout
    quick.exec('killall', 'sleep', check=False)


def test_process_left_behind_stays(quick):
    assert boxctl_exec(quick, 'sh', '-c', 'sleep 1003 >/dev/null 2>&1 &').returncode == 0
    time.sleep(0.3)
    assert '1003' in quick.exec('ps').stdout


def test_killed_command(quick):
    process = subprocess.Popen(['boxctl', 'exec', quick.name, 'sh', '-c', 'echo up; exec sleep 1004'], stdout=subprocess.PIPE)
    process.stdout.readline()
    quick.exec('killall', '-9', 'sleep')
    assert process.wait(timeout=60) == 128 + signal.SIGKILL


def test_machine_stops_while_attached(machine):
    short = machine('busybox', name='enter-short')
    short.write_file(PAYLOADS['command-userns'][1])
    short.start()
    process = subprocess.Popen(['boxctl', 'exec', short.name, 'sh', '-c', 'echo up; exec sleep 1005'], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.readline()
    short.stop()
    assert process.wait(timeout=60) == 128 + signal.SIGKILL


def test_broken_pipe(quick):
    result = subprocess.run(f'boxctl exec {quick.name} yes | head -n 1', shell=True, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ('y\n', '')
    wait_for(lambda: 'yes' not in quick.exec('ps').stdout)


# -------------------------------------------------------------------- on a terminal

def test_terminal_and_its_size(quick, terminal):
    child = terminal('boxctl', 'exec', quick.name, '--', 'sh')
    child.expect('# ')
    child.sendline('tty; stty size')
    child.expect('/dev/pts/[0-9]+\r\n40 132')
    child.setwinsize(33, 77)
    child.sendline('until stty size | grep -q "33 77"; do sleep 0.1; done; echo "<$(stty size)>"; exit 5')
    child.expect('<33 77>')
    child.wait()
    assert child.exitstatus == 5


def test_terminal_on_request_only(quick):
    assert says(quick, 'sh', '-c', 'tty || :') == 'not a tty'
    assert says(quick, 'sh', '-c', 'tty', options=['-t']).startswith('/dev/pts/')


@pytest.mark.parametrize('victim', ['client', 'all', 'command'])
def test_terminal_is_restored_after_sigkill(quick, terminal, victim):
    """Of boxctl, of the command, of all processes called boxctl. The caller is no interactive shell, which would repair it."""
    child = terminal('sh', '-c', f'boxctl exec {quick.name} -- sh -c "echo up; exec sleep 1006"; echo "status $?"; read line')
    before = termios.tcgetattr(child.child_fd)
    child.expect('up')
    wait_for(lambda: not termios.tcgetattr(child.child_fd)[3] & termios.ICANON, message='raw while it runs')
    if victim == 'command':
        quick.exec('killall', '-9', 'sleep')
    elif victim == 'all':
        for path in Path('/proc').glob('[0-9]*/comm'):
            if path.read_text() == 'boxctl\n':
                os.kill(int(path.parent.name), signal.SIGKILL)
    else:
        os.kill(int(Path(f'/proc/{child.pid}/task/{child.pid}/children').read_text().split()[0]), signal.SIGKILL)
    child.expect('status 137')
    wait_for(lambda: termios.tcgetattr(child.child_fd) == before)
    wait_for(lambda: '1006' not in quick.exec('ps').stdout)


# -------------------------------------------------------------------- bad input

def test_argument_list_too_long(quick):
    script = ('ulimit -s unlimited; exec boxctl exec "$0" true $(yes "$(printf %0100000d 0)" | head -n 30)')
    result = run('sh', '-c', script, quick.name, check=False)
    assert result.returncode == 126
    assert result.stderr.count('\n') == 1 and 'Argument list too long' in result.stderr and len(result.stderr) < 300
    # Some that the kernel takes
    script = 'exec boxctl exec "$0" sh -c \'echo $#\' $(yes "$(printf %01000d 0)" | head -n 1000)'
    assert run('sh', '-c', script, quick.name).stdout == '999\n'


@pytest.mark.parametrize('name', ['../enter-quick', 'enter\nquick', '\x1b[31mred', 'no-such-machine', '', '.host', '.'])
def test_bad_names(quick, name):
    result = run('boxctl', 'exec', name, 'true', check=False)
    assert result.returncode in (2, 3) and result.stdout == ''
    assert result.stderr.count('\n') == 1 and '\x1b' not in result.stderr


@pytest.mark.parametrize('options, text', [
    (['-u', 'no-such-user'], 'no-such-user'), (['-u', 'root:no-such-group'], 'no-such-group'), (['-u', ':'], ':'),
    (['-C', '/no/such/directory'], '/no/such/directory'), (['-C', 'relative'], 'relative'), (['-C', '/etc/passwd'], '/etc/passwd')])
def test_bad_options(quick, options, text):
    result = boxctl_exec(quick, 'true', options=options)
    assert result.returncode not in (0, 126, 127)
    assert text in result.stderr.decode() and result.stderr.count(b'\n') == 1


def test_only_root_may(quick):
    result = run('setpriv', '--reuid=nobody', '--clear-groups', '--', 'boxctl', 'exec', quick.name, 'true', check=False)
    assert result.returncode == 4 and 'root' in result.stderr
    assert boxctl_exec(quick, 'true').returncode == 0


# -------------------------------------------------------------------- chroot

CHROOT_SETTINGS = {
    'own-ids': '[Exec]\nPrivateUsers=no\n[Network]\nVirtualEthernet=yes\nPort=tcp:4711\n',
    'userns': '[Network]\nVirtualEthernet=yes\nPort=tcp:4711\n[Files]\nVolatile=yes\nTemporaryFileSystem=/mnt\n',
}


@pytest.fixture(params=CHROOT_SETTINGS)
def stopped(request, machine):
    tree = machine('busybox', name=f'chroot-{request.param}')
    tree.write_file(CHROOT_SETTINGS[request.param])
    return tree


def boxctl_chroot(machine, *words, options=(), **more):
    return subprocess.run(['boxctl', 'chroot', *options, machine.name, '--', *words], timeout=60, **{
        'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **more})


def test_chroot(stopped, nothing_left):
    result = boxctl_chroot(stopped, 'sh', '-c', 'test -r /proc/self/status && test -d /sys/class && test -c /dev/null && '
                           'cat && echo err >&2 && touch /made && ls /sys/class/net >/links; cat /etc/resolv.conf >/resolver; exit 7',
                           stdin=None, input=b'\0\xff\r\n')
    assert (result.returncode, result.stdout, result.stderr) == (7, b'\0\xff\r\n', b'err\n')
    made = (stopped.path / 'made').stat()
    assert (made.st_uid, made.st_gid) == (0, 0)         # as before: the owners of the tree
    assert (stopped.path / 'resolver').read_text().strip() in Path('/etc/resolv.conf').read_text()
    assert not [line for line in Path('/proc/self/mountinfo').read_text().splitlines() if str(stopped.path) in line]
    result = boxctl_chroot(stopped, 'sh', '-c', 'echo $(id -u) $PWD $ONE', options=['-u', '7:8', '-C', '/etc', '-E', 'ONE=1'])
    assert (result.returncode, result.stdout) == (0, b'7 /etc 1\n'), result.stderr
    assert boxctl_chroot(stopped, '/no/such/program').returncode != 0


def test_chroot_and_shell_of_sysvinit(machine):
    """A tree whose programs are not busybox's, and without a systemd that could run the shell."""
    tree = machine('sysvinit', name='enter-sysvinit-tree')
    result = boxctl_chroot(tree, 'sh', '-c', 'test -r /proc/self/status && test -d /sys/class && cat; id -u; exit 7', stdin=None,
                           input=b'\0\xff')
    assert (result.returncode, result.stdout, result.stderr) == (7, b'\0\xff0\n', b'')
    tree.start()
    for who in (tree.name, f'root@{tree.name}'):
        result = run('boxctl', 'shell', who, '/bin/sh', '-c', 'echo $USER; cat /proc/1/comm; exit 23', check=False)
        assert (result.returncode, result.stdout) == (23, 'root\ninit\n'), result.stderr


def test_chroot_leaves_nothing_after_sigkill(stopped, nothing_left):
    process = subprocess.Popen(['boxctl', 'chroot', stopped.name, '--', 'sh', '-c', 'echo up; exec sleep 1007'],
                               stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'up\n'
    assert run('boxctl', 'start', stopped.name, check=False).returncode != 0
    process.kill()
    process.wait()
    wait_for(lambda: not run('pgrep', '-f', 'sleep 1007', check=False).stdout)
    assert not [line for line in Path('/proc/self/mountinfo').read_text().splitlines() if str(stopped.path) in line]
    assert boxctl_chroot(stopped, 'true').returncode == 0       # which removes what the dead one has left in /run/box


def test_chroot_of_an_image(nothing_left):
    image = support.MACHINES / 'chroot-image.raw'
    m = support.Machine('chroot-image')
    run('truncate', '-s', '64M', image)
    try:
        run('mkfs.ext4', '-q', '-d', support.TREES / 'busybox', image)
        result = boxctl_chroot(m, 'sh', '-c', 'echo made >/made; cat; exit 7', stdin=None, input=b'in')
        assert (result.returncode, result.stdout, result.stderr) == (7, b'in', b'')
        process = subprocess.Popen(['boxctl', 'chroot', m.name, '--', 'sh', '-c', 'cat /made; exec sleep 1008'],
                                   stdout=subprocess.PIPE)
        assert process.stdout.readline() == b'made\n'
        assert str(image) in output('losetup', '--list', '--noheadings')
        process.kill()
        process.communicate(timeout=60)
        wait_for(lambda: str(image) not in output('losetup', '--list', '--noheadings'))
        assert boxctl_chroot(m, 'true').returncode == 0
    finally:
        image.unlink()
        (image.parent / f'.#{image.name}.lck').unlink(missing_ok=True)


def test_chroot_of_a_running_machine_is_refused(quick):
    result = boxctl_chroot(quick, 'true')
    assert result.returncode == 6 and f'boxctl exec {quick.name} -- true' in result.stderr.decode()


def test_chroot_without_a_tree():
    result = run('boxctl', 'chroot', 'no-such-machine', 'true', check=False)
    assert result.returncode != 0 and result.stderr.count('\n') == 1 and 'no-such-machine' in result.stderr


# -------------------------------------------------------------------- shell, without a terminal

@pytest.mark.parametrize('text', ['', '[Exec]\nPrivateUsers=no\n'])
def test_shell_is_a_session_with_pam(machine, text):
    deb = machine('deb12', name='enter-pam')
    deb.write_file(text)
    deb.start()
    deb.wait_running()
    deb.exec('useradd', '-m', '-s', '/bin/bash', '-u', '1235', 'anybody')

    def shell(*words, typed=None):
        return subprocess.run(['boxctl', 'shell', *words], capture_output=True, text=True, timeout=60,
                              **({'input': typed} if typed else {'stdin': subprocess.DEVNULL}))
    result = shell(f'anybody@{deb.name}', '/bin/sh', '-c', 'echo $XDG_RUNTIME_DIR; systemctl --user is-system-running --wait; '
                   'loginctl --no-legend list-sessions; echo err >/dev/stderr; exit 23')
    assert (result.returncode, result.stderr) == (23, 'err\n')
    lines = result.stdout.splitlines()
    assert lines[:2] == ['/run/user/1235', 'running'] and any('anybody' in line for line in lines[2:])
    assert shell(deb.name, '/bin/sh', '-c', 'kill -KILL $$').returncode == 128 + signal.SIGKILL
    assert shell('-E', 'A=b $HOME', deb.name, '/bin/sh', '-c', 'echo "$A" "$0"', '$A').stdout == 'b $HOME $A\n'
    result = shell(deb.name, '/no/such/program')
    assert result.returncode not in (0, 203) and '/no/such/program' in result.stderr
    # A login shell that reads a pipe.
    assert shell(deb.name, typed='shopt -q login_shell && echo login; exit 7\n').returncode == 7
    assert shell(deb.name, typed='shopt -q login_shell && echo login\n').stdout == 'login\n'
    assert len(shell(deb.name, '/bin/cat', typed='x' * 300000).stdout) == 300000
    program = subprocess.Popen(['boxctl', 'shell', deb.name, '/bin/sh', '-c', 'trap "exit 9" TERM; echo; while :; do sleep 0.1; done'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    program.stdout.readline()
    program.terminate()
    assert program.wait(60) == 9
    program.stdout.close()
    wait_for(lambda: deb.exec('systemctl', 'list-units', '--no-legend', '--all', 'box-shell*').stdout == '')
