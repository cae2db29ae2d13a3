# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian trees, fresh from bootstrap/debian, boot as box@NAME: ready when the payload is, nothing failed, nothing changed
on disk that the payload did not change itself."""

from pathlib import Path

import pytest

import support
from support import output, run

pytestmark = pytest.mark.quick

MS = 1000


@pytest.fixture(scope='module')
def debs(module_machine):
    """Machines that have been started as people start one, running side by side. Their .state_at_ready is what their
    systemd said of itself when `enable --now` returned, .owners what the trees' files had for owners and modes before."""
    machines = {}
    for tree in ('deb12', 'deb13'):
        machine = machines[tree] = module_machine(tree, name=f'boot-{tree}')
        machine.owners = owners_by_path(machine.path)
        run('systemctl', 'enable', '--now', machine.unit)
        machine.state_at_ready = machine.system_state()
    return machines


@pytest.fixture(params=['deb12', 'deb13'])
def deb(request, debs):
    return debs[request.param]


def owners_by_path(path):
    return dict(line.split('\0') for line in output('find', path, '-xdev', '-printf', '%P\\0%U %G %m\n').splitlines())


def monotonic(machine, unit, property):
    """A time stamp of a unit in the machine, in µs; the host's clock is the machine's."""
    return int(output('systemctl', '--machine', machine.name, 'show', '--value', f'--property={property}', unit))


def test_enable_now_returns_when_the_payload_is_ready(deb):
    assert deb.state_at_ready == 'running'
    assert deb.property('SubState') == 'running'


def test_unit_is_ready_when_the_payload_says_so_and_at_once(deb):
    host_active = int(deb.property('ActiveEnterTimestampMonotonic'))
    reached = monotonic(deb, 'multi-user.target', 'ActiveEnterTimestampMonotonic')
    finished = int(output('systemctl', '--machine', deb.name, 'show', '--value', '--property=FinishTimestampMonotonic'))
    assert host_active >= reached
    assert abs(host_active - finished) < 500 * MS


def test_no_unit_in_it_failed(deb):
    deb.wait_running()
    assert output('systemctl', '--machine', deb.name, '--failed', '--no-legend', '--plain') == ''


def test_unit_is_enabled_with_machines_target(deb):
    assert output('systemctl', 'is-enabled', deb.unit) == 'enabled'
    assert Path(f'/etc/systemd/system/machines.target.wants/{deb.unit}').is_symlink()
    run('systemctl', 'disable', deb.unit)
    assert output('systemctl', 'is-enabled', deb.unit, check=False) == 'disabled'


def test_payload_is_the_distribution_s_systemd(deb):
    release = deb.name.removeprefix('boot-deb')
    assert deb.exec('cat', '/proc/1/comm').stdout == 'systemd\n'
    assert f'VERSION_ID="{release}"' in deb.exec('cat', '/etc/os-release').stdout
    assert deb.exec('hostname').stdout == f'{deb.name}\n'


def test_payload_knows_that_it_is_a_container(deb):
    assert deb.exec('systemd-detect-virt', '--container').stdout == 'systemd-nspawn\n'
    assert deb.exec('systemctl', 'show', '--value', '--property=Virtualization').stdout == 'systemd-nspawn\n'


def test_unit_s_status_says_that_it_runs(deb):
    assert deb.property('StatusText').startswith('Container running')
    assert deb.property('Slice') == 'machine.slice'


def test_supervisor_logs_nothing_but_the_payload_s_console(deb):
    assert 'box-run' not in deb.journal()


def test_getty_s_greeting_is_on_the_console(deb):
    release = deb.name.removeprefix('boot-deb')
    support.wait_for(lambda: f'Debian GNU/Linux {release} {deb.name} ' in deb.journal())


def test_owners_on_disk_stay(deb):
    """Everything that was there before is whose it was. What the payload makes anew is the tree's ids' too: no file of
    the range that it runs with ends up on disk."""
    deb.wait_running()
    after = owners_by_path(deb.path)
    # its own work at the first boot: systemd-tmpfiles gives these to groups
    own_work = {path for path in after if path.startswith(('var/log/journal', 'etc/machine-id'))}
    changed = {path: (deb.owners[path], after.get(path)) for path in deb.owners
               if path in after and after[path] != deb.owners[path] and path not in own_work}
    assert changed == {}
    assert max(int(ids.split()[i]) for ids in after.values() for i in (0, 1)) < 65536


def test_program_in_a_tree_changes_nothing_on_disk(machine):
    tree = machine('busybox')
    before = full_listing(tree.path)
    result = run('box-run', '--quiet', '--pipe', '--register=no', '-U', '--timezone=off', '--resolv-conf=off',
                 f'--directory={tree.path}', '/bin/sh', '-c', 'echo ran')
    assert (result.stdout, result.stderr) == ('ran\n', '')
    assert full_listing(tree.path) == before


def full_listing(path):
    """Every file with all that a run could change about it, times of change included."""
    return output('find', path, '-xdev', '-printf', '%P %y %U %G %m %n %s %T@ %C@ %l\n')


def test_two_machines_run_side_by_side(debs):
    assert [machine.system_state() for machine in debs.values()] == ['running', 'running']
    assert debs['deb12'].leader() != debs['deb13'].leader()
