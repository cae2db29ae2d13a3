# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process in a machine: its user, its limits, its stub init, its sockets; seen from inside."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for


@pytest.fixture(scope='module')
def tree(module_machine):
    """A busybox tree with a user and a group of its own."""
    machine = module_machine('busybox', name='exec')
    with open(machine.path / 'etc/passwd', 'a', encoding='utf-8') as passwd:
        passwd.write('web:x:1000:1000:,,,:/home/web:/bin/sh\n')
    with open(machine.path / 'etc/group', 'a', encoding='utf-8') as group:
        group.write('web:x:1000:\nextra:x:2000:root,web\nothers:x:2001:root\n')
    (machine.path / 'home/web').mkdir(parents=True)
    return machine


@pytest.fixture
def inside(tree):
    """inside(script, *switches): what the script prints in a machine of its own; .returncode is box-run's."""
    def call(script, *switches, check=True, **options):
        tree.file.unlink(missing_ok=True)
        return run('box-run', '--quiet', '--register=no', '--pipe', '-U', '-M', tree.name, *switches, '/bin/sh', '-c', script,
                   check=check, **options)
    return call


def status_field(text, field):
    return re.search(rf'^{field}:\s*(.*)$', text, re.M).group(1)


# -------------------------------------------------------------------- limits

def limits(text):
    """Soft and hard limit by name, of the text of /proc/PID/limits."""
    return {m[1].strip(): (m[2], m[3]) for m in re.finditer(r'^(Max .*?)  +(\S+) +(\S+)', text, re.M)}


def test_rlimits(tree, inside):
    got = limits(inside('cat /proc/1/limits', '--rlimit=NOFILE=100:200', '--rlimit=CORE=1M', '--rlimit=CPU=1min:2min',
                        '--rlimit=LimitSTACK=1M:2M', '--rlimit=RTTIME=1s', '--rlimit=FSIZE=infinity').stdout)
    assert got['Max open files'] == ('100', '200')
    assert got['Max core file size'] == ('1048576', '1048576')
    assert got['Max cpu time'] == ('60', '120')
    assert got['Max stack size'] == ('1048576', '2097152')
    assert got['Max realtime timeout'] == ('1000000', '1000000')
    assert got['Max file size'] == ('unlimited', 'unlimited')
    assert got['Max locked memory'] == ('8388608', '8388608')           # a default, whatever we have ourselves


def test_a_tight_limit_does_not_hinder_the_start(inside):
    """It is for the payload: what sets the machine up has far more files open, and more address space."""
    assert inside('echo up', '--rlimit=NOFILE=8', '--rlimit=AS=64M', '--rlimit=FSIZE=0').stdout == 'up\n'


def test_limit_that_cannot_be_had_is_an_error(tree, inside, host_state):
    before = host_state()
    too_many = int(Path('/proc/sys/fs/nr_open').read_text()) + 1
    result = inside('true', f'--rlimit=NOFILE={too_many}', check=False)
    assert result.returncode == 1
    assert '--rlimit=: LimitNOFILE=' in result.stderr
    wait_for(lambda: host_state().differences(before) == [])


def test_limits_of_a_file(tree):
    tree.write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\nLimitNOFILE=5:64\nOOMScoreAdjust=777\nCPUAffinity=0\n'
                    'Personality=x86\n')
    tree.start()
    leader = tree.leader()
    try:
        assert limits(Path(f'/proc/{leader}/limits').read_text())['Max open files'] == ('5', '64')
        assert Path(f'/proc/{leader}/oom_score_adj').read_text() == '777\n'
        assert status_field(Path(f'/proc/{leader}/status').read_text(), 'Cpus_allowed_list') == '0'
        assert tree.exec('cat', '/proc/1/personality').stdout == '00000008\n'
    finally:
        tree.stop()


def test_untrusted_file_sets_no_limit(tree):
    tree.file.unlink(missing_ok=True)
    beside = Path(f'{tree.path}.nspawn')
    beside.write_text('[Exec]\nLimitNOFILE=5\nOOMScoreAdjust=-1000\nCPUAffinity=0\nAmbientCapability=CAP_KILL\nUser=web\n')
    try:
        plan = run('box-run', '--dry-run', f'--machine={tree.name}', '/bin/true')
    finally:
        beside.unlink()
    for key in ('LimitNOFILE', 'OOMScoreAdjust', 'CPUAffinity', 'AmbientCapability'):
        assert f'{key}=' in plan.stderr
    assert 'NOFILE=5:' not in plan.stdout and 'cpus:' not in plan.stdout and 'ambient' not in plan.stdout
    assert 'user: web (1000:1000)' in plan.stdout


@pytest.mark.parametrize('switch, said', [
    ('--cpu-affinity=8191', 'CPUAffinity=8191'), ('--cpu-affinity=1-0', 'range'), ('--oom-score-adjust=1001', '1000'),
    ('--personality=tilegx', 'this kernel supports'), ('--rlimit=NICE=infinity', 'NICE'), ('--rlimit=FILES=1', 'FILES')])
def test_bad_limits(inside, switch, said):
    result = inside('true', switch, check=False)
    assert result.returncode == 1 and said in result.stderr


def test_scheduling_switches(inside):
    text = inside('grep Cpus_allowed_list /proc/1/status; cat /proc/1/oom_score_adj; uname -m', '--cpu-affinity=0',
                  '--oom-score-adjust=900', '--personality=x86').stdout
    assert text.split() == ['Cpus_allowed_list:', '0', '900', 'i686']


# -------------------------------------------------------------------- users

def test_user_by_name(inside):
    text = inside('id; pwd; echo $HOME $USER $LOGNAME; touch /tmp/x && stat -c %U /tmp/x; touch /etc/x', '--user=web',
                  check=False)
    assert text.stdout.splitlines() == ['uid=1000(web) gid=1000(web) groups=1000(web),2000(extra)', '/', '/home/web web web',
                                        'web']
    assert 'Permission denied' in text.stderr


@pytest.mark.parametrize('user, ids', [('1000', 'uid=1000(web) gid=1000(web) groups=1000(web),2000(extra)'),
                                       ('1000:2001', 'uid=1000(web) gid=2001(others) groups=2001(others)'),
                                       ('4242:4343', 'uid=4242 gid=4343 groups=4343'),
                                       ('root', 'uid=0(root) gid=0(root) groups=0(root),2000(extra),2001(others)')])
def test_user_by_number(inside, user, ids):
    assert inside('id', f'--user={user}').stdout.strip() == ids


@pytest.mark.parametrize('user, said', [('nobody-here', 'no such user'), ('12345', 'no such user'),
                                        ('70000:0', 'no id 70000'), ('a:b', 'not a user')])
def test_no_such_user(inside, user, said):
    result = inside('true', f'--user={user}', check=False)
    assert result.returncode == 1 and said in result.stderr


def test_user_has_no_capabilities_but_ambient_ones(inside):
    plain = inside('cat /proc/self/status', '--user=web').stdout
    assert {status_field(plain, f'Cap{s}') for s in ('Inh', 'Prm', 'Eff', 'Amb')} == {'0' * 16}
    ambient = inside('cat /proc/self/status', '--user=web', '--ambient-capability=CAP_NET_RAW').stdout
    assert {status_field(ambient, f'Cap{s}') for s in ('Inh', 'Prm', 'Eff', 'Amb')} == {f'{1 << 13:016x}'}
    assert status_field(ambient, 'CapBnd') == status_field(plain, 'CapBnd') != '0' * 16
    assert inside('true', '--ambient-capability=CAP_SYS_TIME', check=False).returncode == 1


def test_user_s_filter_and_no_new_privileges(inside):
    """A filter that forbids to change users does not hinder the change before it is there."""
    text = inside('cat /proc/self/status; id -u', '--user=web', '--system-call-filter=~@setuid', '--no-new-privileges=yes').stdout
    assert status_field(text, 'Seccomp') == '2' and status_field(text, 'NoNewPrivs') == '1'
    assert text.splitlines()[-1] == '1000'


def test_login_shell_in_the_user_s_home(tree):
    command = ['box-run', '-q', '--register=no', '--pipe', '-U', '-M', tree.name]
    text = subprocess.run([*command, '--user=web'], input='pwd; id -u; cat /proc/$$/cmdline', text=True, capture_output=True,
                          check=True).stdout
    assert text.split('\0')[0].split() == ['/home/web', '1000', '-sh']
    text = subprocess.run([*command, '--user=4242:4242'], input='pwd', text=True, capture_output=True, check=True).stdout
    assert text == '/\n'


def test_working_directory(inside):
    assert inside('pwd').stdout == '/\n'
    assert inside('pwd', '--chdir=/etc').stdout == '/etc\n'
    missing = inside('pwd', '--chdir=/no/such', check=False)
    assert missing.returncode == 1 and '--chdir=' in missing.stderr and '/no/such' in missing.stderr


def test_console_belongs_to_the_user(tree):
    child = support.spawn('box-run', '-q', '--register=no', '-U', '-M', tree.name, '--user=web', '/bin/sh', '-c',
                          'stat -c %U /dev/console; echo again > /dev/stdout; echo tty > /dev/tty')
    for text in ('web', 'again', 'tty'):
        child.expect_exact(text)
    child.wait()


# -------------------------------------------------------------------- the init of ProcessTwo=

def test_stub_holds_nothing_of_the_host(inside):
    text = inside('echo $$; readlink /proc/1/exe; cat /proc/1/comm; ls /proc/1/fd | wc -l; '
                  'tr "\\0" "\\n" < /proc/1/environ | cut -d= -f1; echo --; cat /proc/1/maps; cat /proc/1/status', '-a').stdout
    head, rest = text.split('--\n')
    assert head.split('\n')[:-1] == ['2', '/memfd:stub-init (deleted)', 'box-init', '0', 'container', 'container_uuid']
    files = {line.split(maxsplit=5)[5] for line in rest.splitlines() if re.match('[0-9a-f]+-', line) and len(line.split()) > 5}
    assert {f for f in files if not f.startswith('[')} == {'/memfd:stub-init (deleted)'}
    assert int(status_field(rest, 'RssAnon').split()[0]) < 200          # kB
    assert status_field(rest, 'Seccomp') == '2'


def test_stub_cannot_be_written_to(inside):
    """The usual way out of containers whose PID 1 is a program of the host."""
    assert 'busy' in inside('echo x > /proc/1/exe', '-a', '--private-users=no', check=False).stderr.lower()


def test_stub_is_confined_as_the_payload(inside):
    text = inside('grep -E "^(Cap|Uid|Groups)" /proc/1/status > /tmp/1; grep -E "^(Cap|Uid|Groups)" /proc/self/status | '
                  'cmp /tmp/1 && cat /tmp/1', '-a', '--user=web', '--ambient-capability=CAP_KILL').stdout
    assert status_field(text, 'Uid').split() == ['1000'] * 4
    assert status_field(text, 'CapAmb') == f'{1 << 5:016x}'


@pytest.mark.parametrize('script, status', [('exit 0', 0), ('exit 7', 7), ('kill -9 $$', 137), ('kill -INT $$', 130), ('exit 133', 1),
                                            ('kill -TERM 1; kill -HUP 1; exit 5', 5)])
def test_exit_status_below_the_stub(inside, script, status):
    result = inside(f'echo ran; {script}', '-a', check=False)
    assert (result.stdout, result.returncode) == ('ran\n', status)


def test_command_that_is_not_there(inside, tree):
    for switches in ([], ['-a']):
        result = run('box-run', '-q', '--register=no', '--pipe', '-U', '-M', tree.name, *switches, '--', 'no-such-command',
                     check=False)
        assert result.returncode == 1
        assert "Failed to execute 'no-such-command': No such file" in result.stderr


def test_stub_reaps(inside):
    states = inside('(sleep 0.1 & sleep 0.1 &); sleep 0.4; cat /proc/[0-9]*/stat | cut -d" " -f3', '-a').stdout
    assert 'S' in states and 'Z' not in states


@pytest.mark.parametrize('signal, status', [(37, 0), (38, 0), (2, 133), (39, 133)])
def test_signals_of_the_stub(tree, signal, status):
    """SIGRTMIN+3 and +4, SIGINT and SIGRTMIN+5. In a unit a reboot is its exit status 133."""
    result = run('systemd-run', '--quiet', '--pipe', '--wait', '--collect', '--property=Delegate=yes',
                 'box-run', '-q', '--register=no', '--keep-unit', '--pipe', '-U', '-a', '-M', tree.name, '/bin/sh', '-c',
                 f'trap "" HUP; trap "echo asked; exit 9" TERM; kill -{signal} 1; while :; do sleep 0.05; done', check=False)
    assert (result.stdout, result.returncode) == ('asked\n', status)


def test_unit_with_process_two_is_stopped_cleanly(tree):
    tree.since = time.time()
    tree.write_file('[Exec]\nBoot=no\nProcessTwo=yes\n'
                    'Parameters=/bin/sh -c "trap \'\' HUP; trap \'echo by-term; exit 3\' TERM; touch /tmp/up; while :; do sleep 0.05; done"\n')
    tree.start()
    try:
        wait_for(lambda: tree.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
        before = time.monotonic()
    finally:
        tree.stop()
    assert time.monotonic() - before < 20
    assert tree.property('Result') == 'success'
    assert 'by-term' in tree.journal()

    tree.start()
    wait_for(lambda: tree.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
    run('machinectl', 'poweroff', tree.name)
    wait_for(lambda: tree.property('ActiveState') == 'inactive')


def test_terminal_below_the_stub(tree):
    """The console is the command's terminal: ^C reaches it, and not the init."""
    child = support.spawn('box-run', '-q', '--register=no', '-U', '-a', '-M', tree.name, '/bin/sh', '-c',
                          'trap "echo interrupted; exit 3" INT; echo ready > /dev/tty; while :; do sleep 0.05; done')
    child.expect_exact('ready')
    child.sendintr()
    child.expect_exact('interrupted')
    assert child.wait() == 3


# -------------------------------------------------------------------- another root

@pytest.fixture(scope='module')
def pivoted(module_machine):
    """A tree that holds another: /os/1, with a user of its own."""
    machine = module_machine(None, name='exec-pivot')
    machine.path.mkdir(parents=True)
    for name in ('usr', 'shared/var', 'os'):
        (machine.path / name).mkdir(parents=True)
    support.copy_tree('busybox', machine.path / 'os/1')
    with open(machine.path / 'os/1/etc/passwd', 'a', encoding='utf-8') as passwd:
        passwd.write('inner:x:1234:1234::/:/bin/sh\n')
    (machine.path / 'which').write_text('outer\n')
    (machine.path / 'os/1/which').write_text('inner\n')
    (machine.path / 'shared/var/kept').write_text('kept\n')
    return machine


def pivot(machine, script, *switches, **options):
    return run('box-run', '-q', '--register=no', '--pipe', '-U', '-M', machine.name, *switches, '/bin/sh', '-c', script, **options)


def test_pivot_root(pivoted):
    """The tree's owners are seen through the map in both."""
    text = pivot(pivoted, 'cat /which /sysroot/which /var/kept; stat -c %u /which /sysroot/which; touch /made /sysroot/made2',
                 '--pivot-root=/os/1:/sysroot', '--bind=+/sysroot/shared/var:/var', '--user=root').stdout
    assert text.split() == ['inner', 'outer', 'kept', '0', '0']
    assert (pivoted.path / 'os/1/made').stat().st_uid == (pivoted.path / 'made2').stat().st_uid == 0
    assert pivot(pivoted, 'id -u', '--pivot-root=/os/1', '--user=inner').stdout == '1234\n'


def test_pivot_root_leaves_the_old_root_out(pivoted):
    text = pivot(pivoted, 'cat /which; ls -d /shared /os /sysroot/*', '--pivot-root=/os/1', check=False)
    assert text.stdout == 'inner\n'


def test_pivot_root_of_a_copy(pivoted):
    assert pivot(pivoted, 'touch /lost && ! touch /old/lost && echo ran', '--pivot-root=/os/1:/old', '--ephemeral').stdout == 'ran\n'
    assert not (pivoted.path / 'os/1/lost').exists() and not (pivoted.path / 'lost').exists()


@pytest.mark.parametrize('switch, said', [('/os/2', 'No such file'), ('/which', 'Not a directory'), ('os/1', 'absolute'),
                                          ('/os', 'no /usr'), ('/os/1:/', 'OLD must not be the new root directory')])
def test_invalid_pivot_root(pivoted, switch, said):
    result = pivot(pivoted, 'true', f'--pivot-root={switch}', check=False)
    assert result.returncode == 1 and said in result.stderr


# -------------------------------------------------------------------- other settings

def test_suppress_sync(inside):
    """busybox' own sync, and the host's dd, which knows O_SYNC."""
    script = ('sync && echo synced; dd() { /host/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path '
              '/host/usr/lib/x86_64-linux-gnu /host/usr/bin/dd if=/dev/zero count=1 status=none of=/tmp/x $1; }; '
              'dd conv=fsync && echo fsynced; dd && echo written; dd oflag=sync; dd oflag=dsync; true')
    result = inside(script, '--suppress-sync=yes', '--bind-ro=/usr:/host/usr')
    assert result.stdout.split() == ['synced', 'fsynced', 'written']
    assert result.stderr.count('Invalid argument') == 2
    assert inside(script, '--bind-ro=/usr:/host/usr').stderr == ''


def test_selinux_context_without_selinux(inside):
    if Path('/sys/fs/selinux/enforce').exists():
        pytest.skip('the host has SELinux')
    for switch in ('-Z', '-L'):
        result = inside('true', switch, 'system_u:object_r:tmpfs_t:s0:c1,c2', check=False)
        assert result.returncode == 1 and 'system_u:object_r:tmpfs_t:s0:c1,c2' in result.stderr


def test_switches_of_no_effect(inside):
    assert inside('echo up', '--background=44', '--no-pager').stdout == 'up\n'
    assert inside('true', '--background=blue', check=False).returncode == 1


@pytest.mark.parametrize('switches, pid', [([], '1'), (['-a'], '2')])
def test_sockets_are_passed_on_and_nothing_else(tree, tmp_path, switches, pid):
    for name in ('one', 'two', 'stray'):
        (tmp_path / name).write_text(name)
    box = ' '.join(['box-run', '-q', '--register=no', '--pipe', '-U', '-M', tree.name, *switches])
    tree.file.unlink(missing_ok=True)
    script = 'echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; cat <&3; cat <&4; echo; ls /proc/$$/fd; :'
    text = output('bash', '-c', f"exec 3<{tmp_path}/one 4<{tmp_path}/two 7<{tmp_path}/stray; "
                                f"LISTEN_FDS=2 LISTEN_FDNAMES=a:b LISTEN_PID=$$ exec {box} /bin/sh -c '{script}'").split('\n')
    assert text == [f'2 {pid} a:b', 'onetwo', *'01234']


def test_sockets_of_another_process_are_not_ours(tree, tmp_path):
    (tmp_path / 'stray').write_text('stray')
    text = output('bash', '-c', f'exec 3<{tmp_path}/stray; LISTEN_FDS=1 LISTEN_PID=1 exec box-run -q --register=no --pipe -U -M '
                                f"{tree.name} /bin/sh -c 'echo $LISTEN_FDS.; ls /proc/$$/fd; :'").split('\n')
    assert text == ['.', *'012']


def test_socket_unit_starts_the_machine(tree):
    """The way it is meant: a unit's socket, and a machine that is started for it and answers on it."""
    run('systemd-run', '--quiet', '--unit=x-exec-socket', '--socket-property=ListenStream=/run/x-exec.sock',
        '--property=Delegate=yes', 'box-run', '-q', '--register=no', '--keep-unit', '-U', '-M', tree.name, '/bin/sh', '-c',
        'test $LISTEN_PID = 1 && test -S /proc/1/fd/3 && echo pas"sed"; sleep 1000')      # systemd prints the command
    try:
        socket.socket(socket.AF_UNIX).connect('/run/x-exec.sock')
        wait_for(lambda: 'passed' in output('journalctl', '-u', 'x-exec-socket.service', '-o', 'cat'))
    finally:
        run('systemctl', 'stop', 'x-exec-socket.socket', 'x-exec-socket.service', check=False)
        run('systemctl', 'reset-failed', 'x-exec-socket.service', check=False)


def test_boot_and_ambient_capability_exclude_each_other(tree):
    tree.write_file('[Exec]\nBoot=yes\nAmbientCapability=CAP_KILL\n')
    result = run('box-run', '--dry-run', f'--machine={tree.name}', check=False)
    tree.file.unlink()
    assert result.returncode == 1
    assert f'{tree.file}:3: AmbientCapability=' in result.stderr and f'{tree.file}:2' in result.stderr


def test_sample_runs(tree):
    """nspawn-configs/confined-command.nspawn, as it is."""
    tree.write_file(Path('/usr/share/box/nspawn-configs/confined-command.nspawn').read_text())
    (tree.path / 'var/lib/work').mkdir(parents=True, exist_ok=True)
    tree.start()
    try:
        assert tree.exec('cat', '/proc/1/comm').stdout == 'box-init\n'
        status = tree.exec('cat', '/proc/2/status').stdout
        assert status_field(status, 'Uid').split()[0] == '65534'
        assert status_field(status, 'CapEff') == f'{1 << 10:016x}'
        assert limits(tree.exec('cat', '/proc/2/limits').stdout)['Max open files'] == ('256', '1024')
    finally:
        tree.stop()
    assert tree.property('Result') == 'success'


# -------------------------------------------------------------------- keys and switches of systemd-nspawn 258 to 261

def perl(program, *switches, check=True):
    """A program in a Debian tree, which is not written to."""
    return run('box-run', '-q', '--register=no', '--pipe', '-U', '-M', 'perl', '-D', '/trees/deb12', '--read-only', *switches,
               '/usr/bin/perl', '-e', program, check=check)


SOCKETS = 'for my $f (1, 2, 10, 16, 17) { print socket(my $s, $f, $f == 16 ? 3 : $f == 17 ? 3 : 1, 0) ? "$f " : $!{EAFNOSUPPORT} ? "" : "$f " } print "end"'


@pytest.mark.parametrize('lists, allowed', [
    ([], '1 2 10 16 17'), (['AF_UNIX'], '1'), (['AF_INET AF_UNIX'], '1 2'), (['~AF_INET6 AF_PACKET'], '1 2 16'), (['none'], ''),
    (['AF_UNIX', 'AF_INET', '~AF_UNIX'], '2')])
def test_address_families(lists, allowed):
    switches = [f'--restrict-address-families={words}' for words in lists]
    for mode in [], ['-a', '--user=nobody']:
        assert perl('use Errno; ' + SOCKETS, *switches, *mode).stdout.split() == [*allowed.split(), 'end']


def test_restrictions_of_a_file_are_never_left_out(tree):
    for text, said in ((('RestrictAddressFamilies=AF_UNIX', None)), ('RestrictAddressFamily=AF_UNIX', 'did you mean RestrictAddressFamilies=?'),
                       ('NoNewPrivilege=yes', 'did you mean NoNewPrivileges=?'), ('RestrictRealtime=yes', 'unknown key RestrictRealtime='),
                       ('PrivateUsersDelegate=1', 'use Nesting='), ('PrivateUsers=managed', 'use pick'), ('PrivateUsersDelegate=no', None)):
        tree.write_file(f'[Exec]\n{text}\n')
        result = run('box-run', '-q', '--register=no', '--pipe', '-M', tree.name, '/bin/true', check=False)
        if said:
            assert result.returncode == 1 and said in result.stderr and f'{tree.name}.nspawn:2: ' in result.stderr, result.stderr
        else:
            assert (result.returncode, result.stderr) == (0, ''), text
    tree.write_file('[Exec]\nFrobnicate=yes\n')
    result = run('box-run', '-q', '--register=no', '--pipe', '-M', tree.name, '/bin/true')
    assert 'unknown key Frobnicate= in [Exec], ignored' in result.stderr
    tree.file.unlink()


# invented, in the manner of systemd's
UNKNOWN = {
    'Exec': ['RestrictRealtime', 'PrivateTmp', 'ProtectProc', 'NoExecPaths', 'DropAmbient', 'DenyExec', 'SyscallFilterLog', 'LimitBPF',
             'KeyringMode', 'DynamicUser'],
    'Files': ['ReadOnlyPaths', 'InaccessiblePaths', 'NoSetUID', 'HidePaths', 'MountPolicy', 'RootVerity', 'OverlayExclude',
              'PrivateDevices', 'DeviceFilter', 'ProcSubset'],
    'Network': ['RestrictInterfaces', 'Isolate', 'BridgeVLAN', 'Tun', 'Firewall', 'NoForward', 'PeerAllow', 'Speed', 'Routes', 'Guard'],
    'X-Box': ['Restrict', 'Trust', 'Sandbox', 'NoNesting', 'Landlock', 'Frobnicate', 'Guard', 'DenyShell', 'LimitStarts', 'Hide'],
    'X-Resources': ['RestrictAll', 'IPLimit', 'MemoryHiMax', 'NoSwap', 'DenyDevices', 'CPUFrob', 'OOMRules', 'Throttle', 'IOFoo',
                    'Frobnicate'],
}


@pytest.mark.parametrize('place', ['file', 'drop-in', 'untrusted'])
@pytest.mark.parametrize('section', UNKNOWN)
def test_invented_keys_that_restrict(tree, section, place):
    """Each is an error of a start and of a check, also where the file is not trusted, which has no say in [X-Resources] at all."""
    tree.write_file('')
    where = {'file': tree.file, 'drop-in': tree.file.with_name(f'{tree.file.name}.d') / 'a.conf',
             'untrusted': tree.path.with_name(f'{tree.name}.nspawn')}[place]
    where.parent.mkdir(exist_ok=True)
    if place == 'untrusted':
        tree.file.unlink()
    try:
        where.write_text(f'[{section}]\n' + ''.join(f'{key}=yes\n' for key in UNKNOWN[section]))
        for switch in [], ['--check']:
            result = run('box-run', '-q', '--register=no', '--pipe', '-M', tree.name, *switch, '/bin/echo', 'runs', check=False)
            lines = result.stderr.splitlines()
            for number, key in enumerate(UNKNOWN[section], 2):
                line = next(line for line in lines if f'{where}:{number}: ' in line)
                assert (key in line) == (place != 'untrusted')
                assert ('ignored' in line) == ((section, place) == ('X-Resources', 'untrusted')), line
            if (section, place) == ('X-Resources', 'untrusted'):
                assert result.returncode == 0
            else:
                assert result.returncode == 1 and 'runs' not in result.stdout
    finally:
        where.unlink()
        tree.file.unlink(missing_ok=True)
        if place == 'drop-in':
            where.parent.rmdir()


def test_keys_in_the_wrong_section(tree):
    for text, said in (('[Files]\nUser=web\n', 'User= belongs in [Exec], not in [Files]'),
                       ('[Exec]\nVirtualEthernet=yes\n', 'VirtualEthernet= belongs in [Network], not in [Exec]'),
                       ('[Exec]\nMemoryHigh=1G\n', 'MemoryHigh= belongs in [X-Resources], not in [Exec]'),
                       ('[exec]\nUser=web\n', 'User= belongs in [Exec], not in [exec]')):
        tree.write_file(text)
        result = run('box-run', '-q', '--register=no', '--pipe', '-M', tree.name, '/bin/true', check=False)
        assert result.returncode == 1 and f'{tree.file}:2: {said}' in result.stderr, result.stderr
    tree.write_file('[X-Resource]\nMemoryMax=1G\n')
    result = run('box-run', '-q', '--register=no', '--pipe', '-M', tree.name, '/bin/true', check=False)
    assert result.returncode == 1 and 'unknown section [X-Resource]; did you mean [X-Resources]?' in result.stderr
    tree.file.unlink()


def test_switches_of_newer_versions(inside):
    assert inside('id -u', '--uid=nobody', '--system', '--no-ask-password').stdout == '65534\n'
    for switch, said in (('--mstack=/x', 'use Overlay='), ('--forward-journal=/x', 'use --link-journal=host'),
                         ('--private-users=managed', 'use pick')):
        result = inside('true', switch, check=False)
        assert result.returncode == 1 and said in result.stderr and switch in result.stderr, result.stderr


def test_user_without_a_name_selects_no_manager(inside):
    result = inside('true', '--user', '--quiet', check=False)
    assert result.returncode == 1 and "machines are the system's, not those of a user's manager" in result.stderr, result.stderr


def test_terminal_variables(tree):
    environment = os.environ | {'TERM': 'xterm', 'COLORTERM': 'truecolor', 'NO_COLOR': '1'}
    result = run('box-run', '-q', '--register=no', '--pipe', '-M', tree.name, '/bin/sh', '-c', 'echo $TERM $COLORTERM $NO_COLOR',
                 env=environment)
    assert result.stdout == 'xterm truecolor 1\n'
    del environment['COLORTERM'], environment['NO_COLOR']
    assert run('box-run', '-q', '--register=no', '--pipe', '-M', tree.name, '/bin/sh', '-c', 'echo ${COLORTERM-none} ${NO_COLOR-none}',
               env=environment).stdout == 'none none\n'


def test_words_for_an_init(tree):
    """NAME=VALUE without a dot is a variable of its environment."""
    init = tree.path / 'sbin/init'
    init.rename(init.with_name('init.away'))
    try:
        init.write_text('#!/bin/sh\necho "$# $1 $2 $FOO"\nexit 0\n')
        init.chmod(0o755)
        result = run('box-run', '-q', '--register=no', '--pipe', '-b', '-M', tree.name, 'FOO=a b', 'systemd.unit=x.target', 'quiet')
        assert result.stdout == '2 systemd.unit=x.target quiet a b\n', result.stderr
    finally:
        init.unlink(missing_ok=True)
        init.with_name('init.away').rename(init)


def test_keyrings_need_a_user_namespace():
    """Without one, keys would be the host's. (keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING))"""
    keyctl = 'print syscall(250, 0, -3, 0) > 0 ? "a key" : $! + 0'
    assert perl(keyctl).stdout == 'a key'
    assert perl(keyctl, '--private-users=no').stdout == '1'
    assert perl(keyctl, '--private-users=no', '--system-call-filter=@keyring').stdout == 'a key'
    assert perl(keyctl, '--system-call-filter=~@keyring').stdout == '1'


# -------------------------------------------------------------------- switches without a value, credentials, variables

@pytest.mark.parametrize('switch', ['--bind=', '--bind-ro=', '--tmpfs=', '--setenv=', '--drop-capability=', '--system-call-filter=',
                                    '--kill-signal=', '--rlimit=', '--register=', '--console=', '--property=', '--port=', '--chdir='])
def test_switch_without_a_value_is_refused(inside, switch):
    """An unset variable of a script; systemd-nspawn refuses it too."""
    result = inside('true', switch, check=False)
    assert result.returncode == 1 and f'{switch} needs a value: ' in result.stderr, result.stderr


def test_empty_values_that_systemd_nspawn_takes(inside):
    assert inside('id -u', '--capability=', '--user=', '--hostname=', '--ambient-capability=').stdout == '0\n'


def test_credentials_of_a_user(inside):
    """They belong to the user that the command runs as, not to root."""
    script = 'stat -c "%U %a" $CREDENTIALS_DIRECTORY $CREDENTIALS_DIRECTORY/token; cat $CREDENTIALS_DIRECTORY/token; id -un'
    for switches, user in ([], 'root'), (['--user=web'], 'web'), (['--user=web', '-a'], 'web'), (['--user=web', '--private-users=no'], 'web'):
        assert inside(script, '--set-credential=token:secret', *switches).stdout == f'{user} 500\n{user} 400\nsecret{user}\n'
    assert inside('echo ${CREDENTIALS_DIRECTORY-none}', '--user=web').stdout == 'none\n'


def test_credentials_of_the_unit(tree):
    """Those that the service manager gives to box-run; settings take precedence."""
    tree.file.unlink(missing_ok=True)
    result = run('systemd-run', '--quiet', '--pipe', '--wait', '--collect', '-p', 'Delegate=yes', '-p', 'SetCredential=one:first',
                 '-p', 'SetCredential=two:second', 'box-run', '-q', '--keep-unit', '--register=no', '--pipe', '-U', '-M', tree.name,
                 '--user=web', '--set-credential=two:own', '/bin/sh', '-c',
                 'cd $CREDENTIALS_DIRECTORY; for f in *; do echo "$f $(cat $f)"; done')
    assert result.stdout == 'one first\ntwo own\n'


def test_variables_that_are_not_honoured_are_named(tree):
    for variable, said in ({'SYSTEMD_SECCOMP': '0'}, 'always have a system call filter'), ({'SYSTEMD_SECCOMP': '1'}, None), \
            ({'SYSTEMD_FIREWALL_BACKEND': 'iptables'}, 'forwarded by nftables'), ({'SYSTEMD_FIREWALL_BACKEND': 'nftables'}, None):
        result = run('box-run', '-q', '--register=no', '--pipe', '-U', '-M', tree.name, '/bin/sh', '-c',
                     'grep Seccomp: /proc/self/status', env=os.environ | variable)
        assert result.stdout.split() == ['Seccomp:', '2']
        assert (said in result.stderr) if said else result.stderr == '', result.stderr
