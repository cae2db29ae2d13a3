# SPDX-License-Identifier: LGPL-2.1-or-later
"""[X-Box] of a machine's file: which init it is, how long it may take to go down."""

import os
import time
from pathlib import Path

import pytest

from support import output, run, wait_for

# Goes down by SIGUSR1, as busybox's init is asked to halt, and says so; PID 1 that is no init that box knows.
INIT = '''#!/bin/sh
trap 'echo asked >/seen; exit 0' USR1
trap 'echo other >/seen; exit 0' TERM
echo started >/started
while :; do sleep 0.1; done
'''

# Is asked by SIGTERM and takes its time.
SLOW = r'''[Exec]
Boot=no
KillSignal=SIGTERM
Parameters=/bin/sh -c 'trap "sleep {seconds}; echo down >/seen; exit 0" TERM; echo started >/started; \
                       while :; do sleep 0.1; done'
'''


@pytest.fixture(scope='module')
def box(module_machine):
    """A busybox tree with a program at /opt/init."""
    machine = module_machine('busybox', name='x-box')
    (machine.path / 'opt').mkdir(exist_ok=True)
    (machine.path / 'opt/init').write_text(INIT)
    (machine.path / 'opt/init').chmod(0o755)
    return machine


@pytest.fixture
def seen(box):
    """The text that the payload wrote at its end; restores the machine after the test."""
    for name in ('seen', 'started'):
        (box.path / name).unlink(missing_ok=True)
    yield lambda: (box.path / 'seen').read_text().strip() if (box.path / 'seen').exists() else ''
    run('systemctl', 'kill', '--signal=KILL', box.unit, check=False)
    run('systemctl', 'stop', box.unit, check=False)
    run('systemctl', 'reset-failed', box.unit, check=False)


@pytest.fixture
def impatient(box):
    """The unit waits a second for its end."""
    box.write_unit_settings('[Service]\nTimeoutStopSec=1s\n')
    yield
    box.write_unit_settings('[Service]\n')


def started(box):
    wait_for((box.path / 'started').exists)


def test_init_at_another_path_is_run_and_asked_by_its_kind(box, seen):
    """A script is of no known kind: it is asked by SIGTERM, as /sbin/poweroff of this tree has no effect."""
    box.write_file('[X-Box]\nInit=/opt/init\n')
    plan = output('box-run', '--dry-run', '--boot', f'--machine={box.name}')
    assert 'init: other\n' in plan and 'execute: /opt/init\n' in plan
    box.start()
    started(box)
    assert box.exec('cat', '/proc/1/cmdline').stdout.startswith('/bin/sh\0/opt/init')


def test_kind_of_init_from_the_file(box, seen):
    """The same program, taken for busybox's init: SIGUSR1 asks it."""
    (box.path / 'sbin/init').rename(box.path / 'sbin/init.other')
    (box.path / 'sbin/init').write_text(INIT)
    (box.path / 'sbin/init').chmod(0o755)
    try:
        box.write_file('[X-Box]\nInit=busybox\n')
        box.start()
        started(box)
        box.stop()
        assert seen() == 'asked'
    finally:
        (box.path / 'sbin/init.other').rename(box.path / 'sbin/init')


def test_init_none_is_killed(box, seen):
    box.write_file('[X-Box]\nInit=none\n')
    assert 'stop: SIGKILL' in output('box-run', '--dry-run', '--boot', f'--machine={box.name}')
    box.start()
    wait_for(box.is_active)
    begin = time.monotonic()
    box.stop()
    assert time.monotonic() - begin < 20


def test_init_that_is_not_there(box, seen):
    box.write_file('[X-Box]\nInit=/opt/nothing\n')
    assert box.start(check=False).returncode != 0
    assert f'{box.name}.nspawn:2: Init=/opt/nothing: the tree' in box.journal()


def test_payload_that_does_not_go_down_is_killed(box, seen):
    box.write_file(SLOW.format(seconds=60) + '[X-Box]\nStopTimeoutSec=700ms\n')
    box.start()
    started(box)
    begin = time.monotonic()
    box.stop()
    assert 0.7 <= time.monotonic() - begin < 20
    assert seen() == ''
    assert "has not shut down within 700ms" in box.journal()


def test_unit_waits_as_long_as_the_file_says(box, impatient, seen):
    """The unit's own time is shorter."""
    box.write_file(SLOW.format(seconds=3) + '[X-Box]\nStopTimeoutSec=20s\n')
    box.start()
    started(box)
    box.stop()
    assert seen() == 'down'
    assert box.property('Result') == 'success'


def test_default_is_the_unit_s_stop_timeout(box, impatient, seen):
    box.write_file(SLOW.format(seconds=60))
    box.start()
    started(box)
    box.stop()
    assert seen() == ''
    assert box.property('Result') == 'timeout'


def test_scope_of_a_machine_by_hand_waits_too(box, seen):
    """And for what is to be undone then."""
    box.write_file(SLOW.format(seconds=60) + '[X-Box]\nStopTimeoutSec=37s\n')
    run('systemd-run', '--collect', '--unit=x-box-hand', 'box-run', '-q', f'--machine={box.name}')
    started(box)
    scope = r'machine-x\x2dbox.scope'
    assert output('systemctl', 'show', '--value', '--property=TimeoutStopUSec', scope) == '47s'
    run('systemctl', 'kill', '--signal=KILL', 'x-box-hand.service')
    wait_for(lambda: box.name not in output('machinectl', 'list', '--no-legend'))


# -------------------------------------------------------------------- clocks

CLOCKS = '''cut -d. -f1 /proc/uptime; sed -n 's/^btime //p' /proc/stat; cut -d' ' -f22 /proc/1/stat; readlink /proc/1/ns/time
date +%s'''


def clocks(text):
    uptime, boot, leader_start, namespace, now = text.split()
    return int(uptime), int(boot), int(leader_start), namespace, int(now)


@pytest.mark.parametrize('users', ['no', 'pick'])
def test_clocks_begin_with_the_machine(box, users):
    box.write_file(f'[Exec]\nBoot=no\nPrivateUsers={users}\n[X-Box]\nBootTime=zero\n')
    command = ['box-run', '-q', '--pipe', f'--machine={box.name}', '/bin/sh', '-c', CLOCKS]
    uptime, boot, leader_start, namespace, now = clocks(output(*command))
    assert uptime <= 5 and now - 5 <= boot <= now and leader_start <= 500
    assert namespace != os.readlink('/proc/self/ns/time')

    box.write_file('[Exec]\nBoot=no\n[X-Box]\nBootTime=host\n')
    assert clocks(output(*command))[3] == os.readlink('/proc/self/ns/time')


def test_clocks_begin_anew_with_each_boot(box, seen):
    """A reboot is a boot. A process that enters the machine has its clocks."""
    box.write_file("[Exec]\nBoot=no\nKillSignal=SIGTERM\nParameters=/bin/sh -c 'trap \"poweroff -f\" TERM; "
                   "trap \"reboot -f\" USR2; while :; do sleep 0.1; done'\n[X-Box]\nBootTime=zero\n")
    box.start()
    leader = str(box.leader())
    uptime = f'boxctl shell -q {box.name} /bin/cut -d. -f1 /proc/uptime'.split()
    time.sleep(3)
    assert 3 <= int(output(*uptime)) < 30
    began = time.monotonic()
    run('machinectl', 'kill', '--signal=SIGUSR2', '--kill-whom=leader', box.name)
    wait_for(lambda: output('machinectl', 'show', '--value', '--property=Leader', box.name, check=False) not in ('', leader))
    wait_for(box.is_active)
    assert int(output(*uptime)) <= time.monotonic() - began
    box.stop()
    assert box.property('Result') == 'success'


# -------------------------------------------------------------------- requirements on the host

LXCFS = '/var/lib/lxcfs'


@pytest.fixture
def lxcfs():
    """lxcfs at work; its own unit refuses to run in a container, which labs are."""
    run('umount', '--lazy', LXCFS, check=False)         # of one that has died
    os.makedirs(LXCFS, exist_ok=True)
    run('systemd-run', '--unit=test-lxcfs', '--collect', '--property=Delegate=yes', 'lxcfs', LXCFS)
    wait_for(lambda: os.path.exists(f'{LXCFS}/proc/uptime'))
    yield
    run('systemctl', 'stop', 'test-lxcfs')
    run('umount', '--lazy', LXCFS, check=False)


@pytest.mark.parametrize('args', [[], ['--private-users=pick', '--network-veth']], ids=['host', 'private'])
def test_lxcfs_tells_of_the_machine(box, lxcfs, args):
    """Its uptime is the machine's; its files lie over the kernel's."""
    box.write_file('[Exec]\nBoot=no\n[X-Box]\nHostView=lxcfs\n')
    script = 'awk \'$9 == "fuse.lxcfs" || $10 == "fuse.lxcfs" { print $5 }\' /proc/self/mountinfo; cut -d. -f1 /proc/uptime; ' \
             'head -1 /proc/meminfo; cat /sys/devices/system/cpu/online; echo x 2>/dev/null >/proc/uptime || echo read-only'
    text = output('box-run', '-q', '--pipe', f'--machine={box.name}', *args, '/bin/sh', '-c', script)
    for path in 'cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'stat', 'swaps', 'uptime':
        assert f'/proc/{path}\n' in text
    assert '/sys/devices/system/cpu\n' in text
    uptime, memory, cpus, writing = text.splitlines()[-4:]
    assert int(uptime) < 10 and memory.startswith('MemTotal:') and cpus and writing == 'read-only'


def test_machine_with_lxcfs_s_view_boots_and_stops(box, lxcfs, seen):
    box.write_file('[X-Box]\nHostView=lxcfs\n')
    box.start()
    assert int(output('boxctl', 'shell', '-q', box.name, '/bin/cut', '-d.', '-f1', '/proc/uptime')) < 30
    box.stop()
    assert box.property('Result') == 'success'


def test_sample_of_a_whole_host_boots(module_machine, lxcfs, tmp_path):
    """All of [X-Box] together, on a distribution."""
    text = Path('/usr/share/box/nspawn-configs/whole-host.nspawn').read_text().replace('/home/alice', f'{tmp_path}:/home/alice')
    os.chown(tmp_path, 1000, 1000)
    deb = module_machine('deb12', name='x-whole')
    deb.write_file(text)
    deb.start()
    deb.wait_running()
    lines = deb.exec('sh', '-c', 'cut -d. -f1 /proc/uptime; stat -c %u /home/alice; cat /proc/self/uid_map').stdout.split()
    assert int(lines[0]) < 60 and lines[1:] == ['1000', '0', '700000', '1000', '1000', '1000', '1', '1001', '701001', '64535']
    assert deb.exec('awk', '{ print $1 }', '/proc/uptime').stdout
    deb.stop()
    assert deb.property('Result') == 'success'


def test_sample_of_one_user_runs(box, tmp_path):
    text = Path('/usr/share/box/nspawn-configs/one-user.nspawn').read_text().replace('/home/alice/project', str(tmp_path))
    os.chown(tmp_path, 1000, 1000)
    box.write_file(text)
    text = output('box-run', '-q', '--pipe', f'--machine={box.name}', '/bin/sh', '-c', 'id -u; pwd; touch made')
    assert text.split() == ['42', '/work']
    assert (tmp_path / 'made').stat().st_uid == 1000


def test_lxcfs_that_does_not_run(box, seen):
    box.write_file('[X-Box]\nHostView=lxcfs\n')
    assert box.start(check=False).returncode != 0
    assert f'{box.name}.nspawn:2: HostView=lxcfs: lxcfs is not mounted on ' in box.journal()


def test_missing_apparmor_profile(box, seen):
    """No AppArmor, or no such profile: a start that fails, unless the file says that it need not be."""
    there = os.path.exists('/proc/self/attr/apparmor/exec')
    command = ['box-run', '-q', '--pipe', f'--machine={box.name}', '/bin/echo', 'runs']
    box.write_file('[Exec]\nBoot=no\n[X-Box]\nAppArmorProfile=no-such-profile\n')
    result = run(*command, check=False)
    assert result.returncode == 1 and 'AppArmorProfile=no-such-profile: ' in result.stderr
    assert ('no such profile is loaded' if there else f'{box.name}.nspawn:4: ') in result.stderr

    box.write_file('[Exec]\nBoot=no\n[X-Box]\nAppArmorProfile=-no-such-profile\n')
    result = run(*command)
    assert result.stdout == 'runs\n'
    assert there or 'AppArmor is not enabled in this kernel, ignoring' in result.stderr


def test_unconfined_is_no_apparmor_profile(box):
    """Also where there is no AppArmor: a start as without the setting, without a word."""
    for text in ('unconfined', '-unconfined'):
        box.write_file(f'[Exec]\nBoot=no\n[X-Box]\nAppArmorProfile={text}\n')
        result = run('box-run', '-q', '--pipe', f'--machine={box.name}', '/bin/echo', 'runs')
        assert (result.stdout, result.stderr) == ('runs\n', '')
        assert 'AppArmor' not in output('box-run', '--dry-run', f'--machine={box.name}')
