# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines that take their time to boot and to shut down, under units whose time-outs are shorter: what the payload does is
not cut off half-way, and the limits that there are work."""

import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

BOOT = 5
STOP = 8
SLOW = '''[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
Before=sysinit.target shutdown.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'test -e /quick || sleep {boot}'
ExecStop=/bin/sh -c 'test -e /quick-stop || sleep {stop}; date >/stopped'
'''


@pytest.fixture(scope='module')
def deb(module_machine):
    """systemd with a service that everything waits for, under a unit that is in a hurry."""
    deb = module_machine('deb12')
    units = deb.path / 'etc/systemd/system'
    (units / 'slow.service').write_text(SLOW.format(boot=BOOT, stop=STOP))
    (units / 'sysinit.target.wants').mkdir(exist_ok=True)
    (units / 'sysinit.target.wants/slow.service').symlink_to('../slow.service')
    deb.write_unit_settings('[Service]\nTimeoutStartSec=3\nTimeoutStopSec=6\n')
    return deb


def test_boot_longer_than_the_unit_s_timeout_and_its_status(deb, terminal):
    """The job that systemd in the machine waits for is shown meanwhile."""
    (deb.path / 'quick').unlink(missing_ok=True)
    began = time.monotonic()
    child = terminal('boxctl', 'start', deb.name)
    child.expect_exact(f'{deb.name}: Container running: booting.')
    child.expect(f'{deb.name}: Container running: .*slow.service/start')
    child.expect(r'\x1b\[A\x1b\[K$')
    child.wait()
    assert child.exitstatus == 0 and time.monotonic() - began > BOOT
    assert deb.is_active() and deb.property('Result') == 'success'
    assert deb.system_state() == 'running'


def test_reboot_longer_than_the_unit_s_timeout(deb):
    (deb.path / 'quick-stop').touch()
    deb.exec('systemctl', 'reboot')
    wait_for(lambda: deb.property('NRestarts') == '1' and deb.is_active())
    assert deb.property('Result') == 'success'
    (deb.path / 'quick-stop').unlink()


def test_shutdown_longer_than_the_unit_s_timeout(deb):
    """systemd in the machine reports the job that it waits for."""
    (deb.path / 'stopped').unlink(missing_ok=True)
    if not deb.is_active():
        (deb.path / 'quick').touch()
        deb.start()
    began = time.monotonic()
    deb.stop()
    assert time.monotonic() - began > STOP - 1
    assert (deb.path / 'stopped').exists()
    assert deb.property('Result') == 'success'


def test_boot_has_the_limit_of_its_file(deb):
    (deb.path / 'quick').unlink(missing_ok=True)
    deb.write_file('[X-Box]\nStartTimeoutSec=1500ms\n')
    result = run('boxctl', 'start', deb.name, check=False)
    assert result.returncode == 1
    assert result.stderr.endswith(f"{deb.name}.nspawn:2: StartTimeoutSec=: machine '{deb.name}' was not ready within 1s 500ms\n")
    assert result.stderr.count('\n') == 1
    deb.reset()
    # The positive control: a limit that is kept.
    (deb.path / 'quick').touch()
    deb.write_file('[X-Box]\nStartTimeoutSec=1min\n')
    deb.start()
    run('boxctl', 'terminate', deb.name)
    wait_for(lambda: not deb.is_active())
    deb.reset()


MANY = 40


@pytest.fixture
def many():
    """Machines that are made and removed together: by a fixture of each, that took longer than the test."""
    made = [support.Machine(f'many{number}') for number in range(MANY)]
    for each in made:
        support.copy_tree('busybox', each.path)
        for script in ('rcS', 'rcK'):       # a DHCP server is waited for, and disks are synced
            (each.path / 'etc/init.d' / script).write_text('#!/bin/sh\n')
    yield made
    run('systemctl', 'kill', '--signal=KILL', *units_of(made), check=False)
    run('systemctl', 'stop', *units_of(made), check=False)
    run('systemctl', 'reset-failed', *units_of(made), check=False)
    for each in made:
        support.remove_tree(each.path)


def units_of(machines):
    return [each.unit for each in machines]


def test_many_machines_in_one_transaction(nothing_left, many, capsys):
    """As at the boot of a host: each gets ids, a link and a registration of its own, in whatever order they ask."""
    began = time.monotonic()
    run('systemctl', 'start', *units_of(many))
    started = time.monotonic()
    assert set(output('systemctl', 'is-active', *units_of(many)).split()) == {'active'}
    assert len({Path(f'/proc/{each.leader()}/uid_map').read_text() for each in many}) == MANY
    assert all(Path(f'/sys/class/net/ve-{each.name}').exists() for each in many)
    stopping = time.monotonic()
    run('systemctl', 'stop', *units_of(many))
    with capsys.disabled():
        print(f'\n{MANY} machines: started in {started - began:.1f} s, stopped in {time.monotonic() - stopping:.1f} s', end='')
    assert set(output('systemctl', 'show', '--value', '--property=Result', *units_of(many)).split()) == {'success'}
