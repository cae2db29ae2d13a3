# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a payload, and what the processes of box that stay beside it, may do."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import termios
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

SETS = ('Inh', 'Prm', 'Eff', 'Bnd', 'Amb')


def status(pid):
    """The fields of /proc/PID/status."""
    return dict(re.findall(r'^(\w+):\s*(.*)$', Path(f'/proc/{pid}/status').read_text(), re.M))


def sets(text):
    """The capability sets in such a text: {'Inh': 0, …}."""
    return {name: int(re.search(rf'^Cap{name}:\s*(\w+)$', text, re.M)[1], 16) for name in SETS}


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='privileges')


def by_hand(tree, *command, switches=(), **options):
    return run('box-run', '-q', '--pipe', '--register=no', '-M', tree.name, *switches, *command, **options)


# -------------------------------------------------------------------- inheritable capabilities (CVE-2022-24769)

@pytest.mark.parametrize('switches', [(), ('-U',), ('--as-pid2',), ('-U', '--user=nobody')], ids=lambda v: ' '.join(v) or 'root')
def test_nothing_is_inheritable_in_a_command(tree, switches):
    seen = sets(by_hand(tree, '/bin/cat', '/proc/self/status', switches=switches).stdout)
    assert (seen['Inh'], seen['Amb']) == (0, 0)
    assert seen['Bnd'] and bool(seen['Eff']) == ('--user=nobody' not in switches)


def test_ambient_capabilities_are_the_inheritable_ones(tree):
    """They have to be; no others are."""
    seen = sets(by_hand(tree, '/bin/cat', '/proc/self/status',
                        switches=('-U', '--user=nobody', '--ambient-capability=CAP_KILL')).stdout)
    assert {seen[name] for name in ('Inh', 'Amb', 'Prm', 'Eff')} == {1 << 5}


def test_nothing_is_inheritable_in_a_system(machine):
    """Its PID 1, a service, a shell of root, a shell of a user."""
    machine = machine('busybox')
    machine.start()
    seen = [sets(machine.exec('cat', '/proc/1/status').stdout)]
    for user in ('root', 'nobody'):
        seen.append(sets(run('boxctl', '-q', 'shell', f'--uid={user}', machine.name, '/bin/cat', '/proc/self/status').stdout.replace('\r', '')))
    assert [(each['Inh'], each['Amb']) for each in seen] == [(0, 0)] * 3
    assert [bool(each['Eff']) for each in seen] == [True, True, False]


# -------------------------------------------------------------------- the supervisor and the keeper

KILL, DAC_OVERRIDE, NET_ADMIN, SYS_ADMIN, SYS_PTRACE = (1 << bit for bit in (5, 1, 12, 21, 19))
WAITS = '''#!/bin/sh
trap 'exit 0' RTMIN+3 RTMIN+4 TERM
touch /tmp/up
while :; do sleep 0.1; done
'''


def processes(unit):
    """The processes of box-run in a unit: {PID: status}."""
    group = output('systemctl', 'show', '--value', '--property=ControlGroup', unit)
    pids = Path(f'/sys/fs/cgroup{group}/supervisor/cgroup.procs').read_text().split()
    return {int(pid): status(pid) for pid in pids}


def init(machine, text=WAITS):
    """An init that is known by its program's name, or by none."""
    path = machine.path / 'sbin/init'
    path.unlink()
    path.write_text(text)
    path.chmod(0o755)


def caps(fields):
    return int(fields['CapEff'], 16) | int(fields['CapPrm'], 16) | int(fields['CapBnd'], 16)


def limits_of(pid):
    """Figures of a process as `systemd-analyze security` has them: capabilities, no_new_privs, filter, descriptors, namespaces."""
    fields = status(pid)
    return {'capabilities': bin(int(fields['CapEff'], 16)).count('1'), 'no_new_privs': fields['NoNewPrivs'] == '1',
            'own filters': int(fields['Seccomp_filters']) - int(status(1)['Seccomp_filters']), 'descriptors': len(list(Path(f'/proc/{pid}/fd').iterdir())),
            'own namespaces': sum(os.readlink(f'/proc/{pid}/ns/{kind}') != os.readlink(f'/proc/1/ns/{kind}')
                                  for kind in ('cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'))}


@pytest.fixture
def system(machine):
    made = machine('busybox')
    init(made)
    yield made
    run('systemctl', 'kill', '--signal=KILL', made.unit, check=False)
    made.reset()


def wait_up(machine):
    """Between two rounds it is not registered."""
    def is_up():
        leader = run('machinectl', 'show', '--value', '--property=Leader', machine.name, check=False).stdout.strip()
        return leader and Path(f'/proc/{leader}/root/tmp/up').exists()
    wait_for(is_up)


@pytest.mark.parametrize('ready', [False, True])
def test_supervisor_is_reduced_before_the_payload_runs(system, ready):
    """Also while a boot goes on: what another start would need is another process's, and goes once it is ready."""
    system.write_file(f'[Exec]\nNotifyReady={"no" if ready else "yes"}\n')
    system.start() if ready else run('systemctl', 'start', '--no-block', system.unit)
    wait_up(system)
    main = int(system.property('MainPID'))
    seen = processes(system.unit)
    assert caps(seen[main]) == KILL | DAC_OVERRIDE | NET_ADMIN and seen[main]['NoNewPrivs'] == '1'
    assert int(seen[main]['Seccomp_filters']) == int(status(1)['Seccomp_filters']) + 1
    keepers = [fields for pid, fields in seen.items() if pid != main]
    # the init is of no known kind, and is asked by a program that joins the machine
    assert len(keepers) == 1 and keepers[0]['NoNewPrivs'] == ('1' if ready else '0')
    assert caps(keepers[0]) & SYS_PTRACE


def test_keeper_is_reduced_when_the_machine_is_ready(machine):
    """A restart of the unit is its reboot from then on. What is kept is for the end: the bridge of its zone."""
    deb = machine('deb12')
    deb.write_file('[Exec]\nNotifyReady=yes\n[Network]\nZone=keeper\n')
    deb.start()
    main = int(deb.property('MainPID'))
    (keeper,) = [pid for pid in processes(deb.unit) if pid != main]
    wait_for(lambda: caps(status(keeper)) == NET_ADMIN)
    assert status(keeper)['NoNewPrivs'] == '1'


def test_no_keeper_where_nothing_is_kept(machine):
    """An init that is asked by a signal, in a unit that has started."""
    deb = machine('busybox')
    deb.start()
    assert list(processes(deb.unit)) == [int(deb.property('MainPID'))]


def test_supervisor_by_hand_is_reduced(tree):
    """The process that was called, and its keeper; and the supervisor of another round, after a reboot."""
    script = 'touch /tmp/up; [ -e /rebooted ] && exec sleep 1000; touch /rebooted; read line; reboot -f'
    process = subprocess.Popen(['box-run', '-q', '--pipe', '--register=no', '-U', '-M', tree.name, '/bin/sh', '-c', script],
                               stdin=subprocess.PIPE)
    try:
        wait_for(lambda: (tree.path / 'rebooted').exists())
        first = caps(status(process.pid))
        assert first == KILL | DAC_OVERRIDE and status(process.pid)['NoNewPrivs'] == '1'
        (keeper, leader) = sorted(children(process.pid), key=lambda pid: status(pid)['Uid'].split()[0] != '0')
        assert caps(status(keeper)) & SYS_ADMIN and status(leader)['Uid'].split()[0] != '0'
        process.stdin.write(b'\n')
        process.stdin.flush()
        wait_for(lambda: any(children(pid) for pid in children(keeper)))
        (supervisor,) = children(keeper)
        wait_for(lambda: caps(status(supervisor)) == first)
        assert status(supervisor)['NoNewPrivs'] == '1' and caps(status(process.pid)) == first
    finally:
        process.terminate()
        process.wait(60)
        (tree.path / 'rebooted').unlink(missing_ok=True)


def children(pid):
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def test_init_is_asked_by_the_keeper(system):
    """By its own program: the supervisor could not join the machine any more. It ends at once, it is not killed."""
    (system.path / 'sbin/poweroff').unlink(missing_ok=True)
    (system.path / 'sbin/poweroff').write_text('#!/bin/sh\necho asked-by-$(id -u)\nkill -TERM 1\n')
    (system.path / 'sbin/poweroff').chmod(0o755)
    init(system, WAITS.replace("'exit 0'", "'echo went-down; /bin/busybox poweroff -f'"))
    system.start()
    wait_up(system)
    system.stop()
    assert 'went-down' in system.journal() and 'killing' not in system.journal()


def test_program_that_fails_ends_the_machine(system):
    """The keeper reports why."""
    (system.path / 'sbin/poweroff').unlink(missing_ok=True)
    (system.path / 'sbin/poweroff').write_text('#!/bin/sh\nexit 7\n')
    (system.path / 'sbin/poweroff').chmod(0o755)
    system.start()
    wait_up(system)
    system.stop()
    assert "'/sbin/poweroff' in the machine failed with status 7; killing machine" in system.journal()


REBOOTS_ONCE = '''#!/bin/sh
export PATH=/bin:/sbin
if [ ! -e /done ]; then touch /done; /bin/busybox reboot -f; fi
trap "/bin/busybox poweroff -f" TERM
touch /tmp/up
while :; do sleep 0.1; done
'''


def test_boot_that_reboots_is_watched(machine):
    """Another round before READY=1: the unit's main process stays, and passes on what the new supervisor says."""
    again = machine('busybox')
    init(again, REBOOTS_ONCE)
    again.write_file('[Exec]\nNotifyReady=yes\nKillSignal=SIGTERM\n')
    run('systemctl', 'start', '--no-block', again.unit)
    try:
        wait_for((again.path / 'done').exists)
        wait_up(again)
        main = int(again.property('MainPID'))
        assert again.property('NRestarts') == '0'
        seen = processes(again.unit)
        # This one, which starts the rounds; the supervisor; and which asks the init, with what it takes to join the machine.
        assert len(seen) == 4 and caps(seen[main]) == KILL | DAC_OVERRIDE | NET_ADMIN
        assert sorted(caps(fields) & SYS_ADMIN != 0 for fields in seen.values()) == [False, False, True, True]
        assert [fields['CapEff'] for fields in seen.values()].count(status(1)['CapEff']) == 1
        again.stop()
        assert again.property('Result') == 'success'
    finally:
        again.reset()


def relay_of(pid):
    """The name of the abstract socket that a process listens on for notify messages."""
    inodes = [os.readlink(fd).removeprefix('socket:[').removesuffix(']') for fd in Path(f'/proc/{pid}/fd').iterdir()]
    (name,) = [words[7] for words in map(str.split, Path('/proc/net/unix').read_text().splitlines())
               if len(words) > 7 and words[6] in inodes and words[7].startswith('@')]
    return '\0' + name[1:]


def test_relay_takes_no_message_of_others(machine):
    """What the unit's main process passes on to systemd while it has supervisors of later rounds is of these only: the socket
    is abstract, and every process of the host may send to it."""
    again = machine('busybox')
    init(again, REBOOTS_ONCE)
    again.write_file('[Exec]\nNotifyReady=yes\nKillSignal=SIGTERM\n')
    run('systemctl', 'start', '--no-block', again.unit)
    try:
        wait_up(again)
        wait_for(lambda: again.property('StatusText') == 'Container running: booting.')       # passed on, of the second round
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as forger:
            forger.sendto(b'READY=1\nSTATUS=forged', relay_of(again.property('MainPID')))
            wait_for(lambda: fcntl.ioctl(forger, termios.TIOCOUTQ, b'\0' * 4) == b'\0' * 4)      # it was received
        again.stop()
        assert 'Started' not in again.journal() and again.property('StatusText') != 'forged'
    finally:
        again.reset()


def test_killed_keeper_takes_a_later_round_with_it(tree):
    """By hand, where no unit ends what is left."""
    script = 'touch /tmp/up; [ -e /rebooted ] && exec sleep 1000; touch /rebooted; reboot -f'
    process = subprocess.Popen(['box-run', '-q', '--pipe', '--register=no', '-U', '-M', tree.name, '/bin/sh', '-c', script],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_for((tree.path / 'rebooted').exists)
        (keeper,) = wait_for(lambda: [pid for pid in children(process.pid) if children(pid)])
        (supervisor,) = children(keeper)
        (payload,) = wait_for(lambda: [pid for pid in children(supervisor)
                                     if output('ps', '--format=comm=', '--pid', pid, check=False) == 'sleep'])
        os.kill(keeper, signal.SIGKILL)
        assert 'The process that starts machine' in process.communicate(timeout=60)[1]
        assert process.returncode == 1
        wait_for(lambda: not any(Path(f'/proc/{pid}').exists() for pid in (supervisor, payload)))
    finally:
        (tree.path / 'rebooted').unlink(missing_ok=True)


@pytest.mark.parametrize('tree_name', ['deb12', 'openrc', 'sysvinit', 'busybox'])
def test_figures_of_the_supervisor(machine, tree_name, capsys):
    """Of each kind of init, with systemd-nspawn's beside it."""
    ours = machine(tree_name)
    ours.start()
    seen = {'box': limits_of(ours.property('MainPID'))}
    ours.stop()
    nspawn = support.Machine(ours.name, unit='systemd-nspawn@')
    nspawn.write_file('[Exec]\nNotifyReady=no\n')
    nspawn.start()
    seen['systemd-nspawn'] = limits_of(nspawn.property('MainPID'))
    run('systemctl', 'kill', '--signal=KILL', nspawn.unit, check=False)
    nspawn.reset()
    with capsys.disabled():
        for name, figures in seen.items():
            print(f'\n{tree_name:10} {name:16}', *(f'{what} {value},' for what, value in figures.items()), end='')
    box, other = seen['box'], seen['systemd-nspawn']
    assert box['capabilities'] <= 3 < other['capabilities'] and box['no_new_privs']
    assert (box['own filters'], other['own filters']) == (1, 0)
    assert box['descriptors'] <= 40


def test_supervisor_reaches_few_files(tree):
    """Landlock and the filter are installed after the payload's execve(), and nothing that an end needs is refused."""
    log = Path('/tmp/supervisor.strace')
    result = run('strace', '-o', log, '-e', 'trace=landlock_restrict_self,seccomp,openat,unlink,unlinkat,socket', 'box-run', '-q', '--pipe', '-U',
                 '-M', tree.name, '/bin/sh', '-c', 'echo up; exit 3', check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, 'up\n', '')
    before, _, after = log.read_text().partition('landlock_restrict_self')
    assert after and 'seccomp(SECCOMP_SET_MODE_FILTER' in after and 'seccomp(' not in before
    assert 'EACCES' not in after and 'EPERM' not in after
    log.unlink()


# -------------------------------------------------------------------- devices

NODES = '''
try() { "$@" >/dev/null 2>&1 && echo "yes $*" || echo "no $*"; }
cd /; rm -f null
try mknod null c 1 3
try dd if=/dev/null of=/dev/null
try dd if=null of=/dev/null
for node in "loop b 7 0" "disk b 8 0" "control c 10 237" "mem c 1 1" "sg c 21 0"; do
    set -- $node
    try mknod $1 $2 $3 $4
    [ -e $1 ] && try dd if=$1 of=/dev/null count=1 || echo "no dd if=$1"
    rm -f $1
done
rm -f null
'''


def device_use(tree, unit, *switches):
    """What a payload may do with nodes, in a unit that allows it all devices, or in a scope by hand."""
    command = ['box-run', '-q', '--pipe', '-M', tree.name, *switches, '/bin/sh', '-c', NODES]
    if unit:
        command = ['systemd-run', '-q', '--wait', '--pipe', '--collect', '--property=Delegate=yes', *command[:1], '--keep-unit',
                   '--register=no', *command[1:]]
    return run(*command).stdout.splitlines()


@pytest.mark.parametrize('unit', [True, False], ids=['unit', 'scope'])
def test_root_of_the_host_s_ids_has_no_block_device(tree, unit):
    """With CAP_MKNOD, in a unit without a policy of its own. A node that is harmless can be made and used."""
    seen = device_use(tree, unit, '--private-users=no', '--capability=CAP_SYS_RAWIO')
    assert seen[:3] == ['yes mknod null c 1 3', 'yes dd if=/dev/null of=/dev/null', 'yes dd if=null of=/dev/null']
    assert len(seen) == 13 and not [line for line in seen[3:] if line.startswith('yes')], seen


# What of the host's devices can be opened: their nodes made by the payload, in the order of the numbers.
OPENED = """
for number; do
    rm -f /node; mknod /node c ${number%:*} ${number#*:} 2>/dev/null || continue
    (: <>/node) 2>/dev/null || (: </node) 2>/dev/null && echo $number
done; rm -f /node; true"""


def misc_devices():
    """Numbers of character devices that there are, by name."""
    found = {name: f'10:{number}' for number, name in (line.split() for line in Path('/proc/misc').read_text().splitlines())}
    found.update(null='1:3', mem='1:1', kmsg='1:11', console='5:1')
    return found


def opened(tree, command, *switches):
    """Names of the devices that root of the host's ids can make and open, in a unit, or in a scope where command is none."""
    names = {number: name for name, number in misc_devices().items()}
    out = run(*command, 'box-run', '-q', '--pipe', '-M', tree.name, *switches, '--private-users=no', '/bin/sh', '-c', OPENED, 'sh', *names).stdout
    return {names[number] for number in out.split()}


def unit_with(*properties):
    return ['systemd-run', '-q', '--wait', '--pipe', '--collect', '--property=Delegate=yes', *(f'--property={p}' for p in properties)]


IN_UNIT = ('--keep-unit', '--register=no')
USUAL = {'null', 'tun', 'fuse'}


def test_unit_without_a_policy_allows_the_devices_of_machines_only(tree):
    """And those that settings name; DevicePolicy=auto of settings is all that are not refused."""
    refused = {'loop-control', 'device-mapper', 'mem'}
    names = set(misc_devices())
    assert opened(tree, unit_with(), *IN_UNIT) == USUAL
    assert opened(tree, [], '--register=no') == USUAL
    tree.write_file('[X-Resources]\nDevicePolicy=auto\n')
    everything = opened(tree, unit_with(), *IN_UNIT)
    tree.file.unlink()
    assert everything > USUAL and not everything & refused, everything
    other = sorted(everything - USUAL)[0]
    number = misc_devices()[other].replace(':', ' ')
    try:
        tree.write_file(f'[X-Resources]\nDeviceAllow=/dev/char/{number.replace(" ", ":")} rwm\n')
        # a DeviceAllow= of systemd's, which replaces "all devices"
        assert opened(tree, unit_with(), *IN_UNIT) == {'null', other}
        assert opened(tree, [], '--register=no') == {*USUAL, other}
        # a node that is bound: used, but no other can be made
        run('mknod', '-m', '666', '/dev/of-a-test', 'c', *number.split())
        tree.write_file('[Files]\nBind=/dev/of-a-test\n')
        for command, switches in (unit_with(), IN_UNIT), ([], ['--register=no']):
            used = run(*command, 'box-run', '-q', '--pipe', '-M', tree.name, *switches, '--private-users=no', '/bin/sh', '-c',
                       ': </dev/of-a-test && echo used').stdout
            assert used == 'used\n'
            assert opened(tree, command, *switches) == USUAL
    finally:
        tree.file.unlink(missing_ok=True)
        Path('/dev/of-a-test').unlink(missing_ok=True)
    assert names >= refused - {'device-mapper'}


def test_policy_of_a_unit_counts(tree):
    """As its administrator has widened it, by DeviceAllow=, but for what is refused whatever it allows."""
    assert opened(tree, unit_with('DevicePolicy=closed', 'DeviceAllow=/dev/net/tun rwm'), *IN_UNIT) == {'null', 'tun'}
    wide = opened(tree, unit_with('DeviceAllow=char-* rwm'), *IN_UNIT)
    assert wide > USUAL and not wide & {'loop-control', 'mem'}, wide


def test_user_namespace_has_no_block_device(tree):
    seen = device_use(tree, True, '-U')
    assert seen[0].startswith('no') and seen[1] == 'yes dd if=/dev/null of=/dev/null'
    assert not [line for line in seen[2:] if line.startswith('yes')], seen


@pytest.fixture
def loop():
    """A loop device of the host, with 512 bytes of its file."""
    backing = Path('/tmp/backing')
    backing.write_bytes(b'of-another' + bytes(8192 - 10))
    device = output('losetup', '--find', '--show', backing)
    yield device
    run('losetup', '--detach', device, check=False)
    backing.unlink()


@pytest.mark.parametrize('users', ['no', 'pick'])
def test_devices_of_settings_work(tree, loop, users):
    """Refused, until a setting names the device."""
    script = f'head -c 10 {loop} 2>&1; echo; (echo changed >{loop}) 2>/dev/null && echo written'
    switches = ['--keep-unit', '--register=no', '-q', '--pipe', f'--private-users={users}', '-M', tree.name, '/bin/sh', '-c']
    unit = ['systemd-run', '-q', '--wait', '--pipe', '--collect', '--property=Delegate=yes', 'box-run']
    tree.write_file(f'[Files]\nBind={loop}\n')
    os.chmod(loop, 0o666)
    result = run(*unit, *switches, script, check=False)
    assert 'of-another' in result.stdout and 'written' in result.stdout
    tree.file.unlink()
    if users == 'no':
        number = os.stat(loop).st_rdev
        make = f'mknod /l b {os.major(number)} {os.minor(number)} && head -c 10 /l; rm -f /l'
        assert 'changed' not in run(*unit, *switches, make, check=False).stdout
        tree.write_file(f'[X-Resources]\nDeviceAllow={loop} rwm\n')
        assert 'changed' in run(*unit, *switches, make, check=False).stdout
        tree.file.unlink()


def test_loop_devices_of_others_stay(machine, loop):
    """In its unit a machine's supervisor may use loop devices; its root may not take one away."""
    made = machine('busybox')
    made.write_file('[Exec]\nPrivateUsers=no\n')
    made.start()
    number = os.stat(loop).st_rdev
    result = run('boxctl', '-q', 'shell', made.name, '/bin/sh', '-c', f'mknod /l b {os.major(number)} {os.minor(number)}; losetup -d /l; '
                 'mknod /zero c 1 5 && head -c 1 /zero >/dev/null && echo zero-works', check=False)
    assert loop in output('losetup', '--noheadings', '--output=NAME')
    assert 'zero-works' in result.stdout
    made.stop()


@pytest.fixture(scope='module')
def undo_policy(tmp_path_factory):
    program = tmp_path_factory.mktemp('undo') / 'undo-policy'
    run('gcc', '-static', '-O1', '-o', program, Path(__file__).with_name('undo-policy.c'))
    return program


# Tries to undo the policy of the own cgroup, from this one and one below, then to use a device that there is.
UNDO = """
mkdir /sys/fs/cgroup/below; /undo /sys/fs/cgroup /sys/fs/cgroup/below /sys/fs/cgroup/..
{ echo 0 >/sys/fs/cgroup/below/cgroup.procs; } 2>/dev/null && echo moved
mknod /node c 10 237 2>/dev/null; (: </node) 2>/dev/null && echo opened; rm -f /node
head -c 1 /dev/zero | wc -c
"""
ALL_OF_BPF = ('--system-call-filter=bpf', '--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON,CAP_SYS_ADMIN,CAP_SYS_RESOURCE')


@pytest.mark.parametrize('switches,undone', [(['--private-users=no'], False), (['--private-users=no', *ALL_OF_BPF[1:]], False),
                                             (['-U', *ALL_OF_BPF], False), (['--private-users=no', *ALL_OF_BPF], True)],
                         ids=['root', 'capabilities', 'user-namespace', 'all'])
def test_root_of_the_machine_keeps_its_device_policy(tree, undo_policy, switches, undone):
    """bpf(2) is not in the filter; where settings allow it, undoing the policy takes the host's privilege: such settings without
    a user namespace give away the host (SECURITY.md), and show that the attack is one."""
    result = run(*unit_with(), 'box-run', *IN_UNIT, '-q', '--pipe', *switches, f'--bind-ro={undo_policy}:/undo', '-M', tree.name,
                 '/bin/sh', '-c', UNDO).stdout.splitlines()
    attacks = {line for line in result if ' ' in line}
    assert result[-1] == '1' and 'moved' in result
    assert ('opened' in result) == undone, result
    assert (attacks >= {'load -', 'detach-program /sys/fs/cgroup'}) == undone, result
    assert undone or not attacks, result
    assert not [line for line in attacks if line.endswith('..')]


# -------------------------------------------------------------------- what is not passed on

def test_descriptors_of_the_caller_are_closed(tree, tmp_path):
    """In the supervisor, its keeper and the payload, which has them if they are its standard streams."""
    secret = tmp_path / 'secret'
    secret.write_text('')
    with secret.open() as file, secret.open() as standard:
        process = subprocess.Popen(['box-run', '-q', '--pipe', '--register=no', '-U', '-M', tree.name, '/bin/sh', '-c',
                                    'touch /tmp/up; exec sleep 1000'], stdin=standard, pass_fds=[file.fileno()])
        try:
            wait_for(lambda: any('/bin/sleep' in os.readlink(f'/proc/{pid}/exe') or 'busybox' in os.readlink(f'/proc/{pid}/exe')
                                 for pid in children(process.pid)))
            seen = {pid: descriptors_of(pid, secret) for pid in (process.pid, *children(process.pid))}
        finally:
            process.kill()
            process.wait()
    assert len(seen) == 3 and set(seen.values()) == {(0,)}, seen


def descriptors_of(pid, path):
    return tuple(sorted(int(fd.name) for fd in Path(f'/proc/{pid}/fd').iterdir() if os.readlink(fd) == str(path)))


# What a program has of its caller: a key in the session keyring, a mask, signals that are ignored, a variable
CALLER = '''
import ctypes, os, signal, sys
keyctl, add_key = {'x86_64': (250, 248), 'aarch64': (219, 217)}[os.uname().machine]
libc = ctypes.CDLL(None)
assert libc.syscall(keyctl, 1, b"of-the-caller") > 0                            # KEYCTL_JOIN_SESSION_KEYRING
assert libc.syscall(add_key, b"user", b"callers-key", b"x", 1, -3) > 0          # KEY_SPEC_SESSION_KEYRING
os.umask(0o077)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
os.environ['CALLER'] = 'me'
os.execvp(sys.argv[1], sys.argv[1:])
'''
KEYCTL = {'x86_64': 250, 'aarch64': 219}[os.uname().machine]
LOOK = ['/bin/sh', '-c', f'''umask; awk '/^SigIgn/ {{ print $2 }}' /proc/self/status; echo "${{CALLER-no variable}}"
exec perl -e '@key = ("user", "callers-key"); print syscall({KEYCTL}, 10, -3, @key, 0) < 0 ? "$!" : "found"' ''']   # KEYCTL_SEARCH


@pytest.fixture(scope='module', params=['pick', 'no'])
def entered(request, module_machine):
    """A machine whose programs may use keys."""
    deb = module_machine('deb12', name=f'privileges-{request.param}')
    deb.write_file(f'[Exec]\nBoot=no\nPrivateUsers={request.param}\nSystemCallFilter=@keyring\nParameters=/bin/sleep 1000\n')
    deb.start()
    return deb


def test_nothing_of_who_enters_is_passed_on(entered):
    umask, ignored, variable, key = output('python3', '-c', CALLER, *LOOK).splitlines()
    assert (umask, variable, key) == ('0077', 'me', 'found') and int(ignored, 16), 'a positive control'
    seen = output('python3', '-c', CALLER, 'boxctl', 'shell', '-q', entered.name, *LOOK)
    assert seen.splitlines() == ['0022', '0' * 16, 'no variable', 'Required key not available']


def test_null_device_of_the_machine_is_checked(entered):
    """Where a program gets it as a standard stream: a file or another device would be read, or written to, as root."""
    shell = ['boxctl', 'shell', '-q', entered.name, '/bin/sh', '-c', 'cat; echo ran']
    assert run(*shell).stdout == 'ran\n', 'a positive control'
    entered.exec('sh', '-c', 'umount /dev/null; mv /dev/null /dev/null.kept; echo text >/dev/null')
    try:
        for make in ('true', 'rm /dev/null && ln -s /dev/zero /dev/null', 'rm /dev/null && mkdir /dev/null'):
            entered.exec('sh', '-c', make)
            result = run(*shell, check=False)
            assert result.returncode in (1, 3) and result.stdout == '' and "'/dev/null' in the machine" in result.stderr, result
    finally:
        entered.exec('sh', '-c', 'rm -rf /dev/null; mv /dev/null.kept /dev/null')
