# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a payload, and what the processes of box that stay beside it, may do."""

import re
import subprocess
from pathlib import Path

import pytest

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
    keepers = [fields for pid, fields in seen.items() if pid != main]
    # the init is of no known kind, and is asked by a program that joins the machine
    assert len(keepers) == 1 and keepers[0]['NoNewPrivs'] == ('1' if ready else '0')
    assert caps(keepers[0]) & SYS_PTRACE


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
        process.wait(20)
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


def test_boot_that_reboots_is_watched(machine):
    """Another round before READY=1: the unit's main process stays, and passes on what the new supervisor says."""
    again = machine('busybox')
    init(again, '#!/bin/sh\nexport PATH=/bin:/sbin\nif [ ! -e /done ]; then touch /done; /bin/busybox reboot -f; fi\n'
                'trap "/bin/busybox poweroff -f" TERM\ntouch /tmp/up\nwhile :; do sleep 0.1; done\n')
    again.write_file('[Exec]\nNotifyReady=yes\nKillSignal=SIGTERM\n')
    run('systemctl', 'start', '--no-block', again.unit)
    try:
        wait_for((again.path / 'done').exists)
        wait_up(again)
        main = int(again.property('MainPID'))
        assert again.property('NRestarts') == '0'
        seen = processes(again.unit)
        assert len(seen) == 3 and caps(seen[main]) == KILL | DAC_OVERRIDE | NET_ADMIN
        assert sorted(caps(fields) & SYS_ADMIN != 0 for fields in seen.values()) == [False, False, True]
        again.stop()
        assert again.property('Result') == 'success'
    finally:
        again.reset()
