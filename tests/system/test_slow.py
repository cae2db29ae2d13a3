# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines that take their time to boot and to shut down, under units whose time-outs are shorter: what the payload does is
not cut off half-way, and the limits that there are work."""

import time

import pytest

from support import run, wait_for

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
