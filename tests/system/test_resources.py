# SPDX-License-Identifier: LGPL-2.1-or-later
"""[X-Resources], --property= and bound devices: what systemd is told of the machine's unit, and what of it remains. That the
limits hold is shown in tests/vm, where there are controllers."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support import output, run, wait_for

UP = 'touch /tmp/up; exec sleep 1000'
CONTROL = Path('/run/systemd/system.control')
NOTES = Path('/run/box/.changed-units')
OWN = {'CPUWeight': '[not set]', 'TasksMax': '16384', 'MemoryMax': 'infinity', 'IPAddressDeny': ''}
DEVICE = '/dev/loop-control'


@pytest.fixture(scope='module')
def shared(module_machine):
    return module_machine('busybox', name='resources')


@pytest.fixture
def machine(shared):
    """The machine, stopped after the test."""
    yield shared
    shared.reset()


def write(machine, resources, files='', settings='', command=UP):
    machine.write_file(f'[Exec]\nBoot=no\nParameters=/bin/sh -c "{command}"\n{settings}\n[Files]\n{files}\n'
                       f'[X-Resources]\n{resources}\n')


def start(machine, *args, **kwargs):
    write(machine, *args, **kwargs)
    machine.start()
    wait_for(lambda: machine.exec('test', '-e', '/tmp/up', check=False).returncode == 0)


def properties(unit, *names):
    lines = output('systemctl', 'show', '--property', ','.join(names), unit).splitlines()
    found = {name: [] for name in names}
    for name, _, value in (line.partition('=') for line in lines):
        found[name].append(value)
    return {name: ' '.join(sorted(' '.join(values).split())) for name, values in found.items()}


def allowed_devices(unit):
    return dict(line.split('=')[1].split() for line in output('systemctl', 'show', '--property=DeviceAllow', unit).splitlines()
                if '=/' in line)


def leftovers(machine):
    return [str(path) for path in (CONTROL / f'{machine.unit}.d', NOTES / machine.unit) if path.exists()]


def test_the_unit_has_them_and_gets_its_own_back(machine):
    start(machine, 'CPUWeight=33\nTasksMax=500\nMemoryMax=300M\nIPAddressDeny=10.0.0.0/8\nIPAddressDeny=11.0.0.0/8\n'
                   'AllowedCPUs=0\nCPUQuota=50%\nIOReadBandwidthMax=/dev/loop0 5M\nSocketBindDeny=tcp:80\n'
                   'RestrictNetworkInterfaces=~nosuch0\nManagedOOMSwap=kill\nManagedOOMMemoryPressureLimit=60%')
    assert properties(machine.unit, *OWN) == {'CPUWeight': '33', 'TasksMax': '500', 'MemoryMax': str(300 << 20),
                                              'IPAddressDeny': '10.0.0.0/8 11.0.0.0/8'}
    assert properties(machine.unit, 'AllowedCPUs', 'CPUQuotaPerSecUSec', 'IOReadBandwidthMax', 'ManagedOOMSwap') == {
        'AllowedCPUs': '0', 'CPUQuotaPerSecUSec': '500ms', 'IOReadBandwidthMax': '/dev/loop0 5000000',
        'ManagedOOMSwap': 'kill'}
    assert machine.property('NeedDaemonReload') == 'no'
    machine.stop()
    assert properties(machine.unit, *OWN) == OWN
    assert leftovers(machine) == []


def test_removed_line_has_no_effect(machine):
    # enabled, systemd does not forget the unit between the two starts
    run('systemctl', 'enable', '--quiet', machine.unit)
    try:
        start(machine, 'CPUWeight=33\nTasksMax=500\nIPAddressDeny=any')
        write(machine, 'TasksMax=10%')
        run('systemctl', 'restart', machine.unit)
        found = properties(machine.unit, *OWN)
        assert found.pop('TasksMax') not in ('500', '16384')
        assert found == {name: value for name, value in OWN.items() if name != 'TasksMax'}
        machine.stop()
        assert properties(machine.unit, *OWN) == OWN
        assert leftovers(machine) == []
    finally:
        run('systemctl', 'disable', '--quiet', machine.unit)


def test_earlier_properties_are_restored(machine):
    run('systemctl', 'enable', '--quiet', machine.unit)
    try:
        run('systemctl', 'set-property', '--runtime', machine.unit, 'CPUWeight=77')
        start(machine, 'CPUWeight=33\nTasksMax=500')
        assert properties(machine.unit, 'CPUWeight') == {'CPUWeight': '33'}
        machine.stop()
        assert properties(machine.unit, 'CPUWeight', 'TasksMax') == {'CPUWeight': '77', 'TasksMax': '16384'}
        assert [path.name for path in (CONTROL / f'{machine.unit}.d').iterdir()] == ['50-CPUWeight.conf']
        run('systemctl', 'daemon-reload')
        assert properties(machine.unit, 'CPUWeight', 'TasksMax') == {'CPUWeight': '77', 'TasksMax': '16384'}
    finally:
        run('systemctl', 'revert', machine.unit)
        run('systemctl', 'disable', '--quiet', machine.unit)


@pytest.mark.parametrize('settings', ['', '[Service]\nExecStopPost=\n'], ids=['cleanup', 'next-start'])
def test_a_supervisor_that_was_killed_leaves_nothing_in_force(machine, settings):
    """The unit cleans up, else the next start does."""
    machine.write_unit_settings(settings)
    start(machine, 'CPUWeight=33\nTasksMax=500')
    assert leftovers(machine) != []
    os.kill(int(machine.property('MainPID')), signal.SIGKILL)
    wait_for(lambda: machine.property('ActiveState') == 'failed')
    assert (leftovers(machine) == []) == (settings == '')
    start(machine, 'MemoryMax=300M')
    assert properties(machine.unit, *OWN) == {**OWN, 'MemoryMax': str(300 << 20)}
    machine.stop()
    machine.write_unit_settings('')
    assert properties(machine.unit, *OWN) == OWN
    assert leftovers(machine) == []


def test_properties_that_systemd_refuses_are_named(machine, nothing_left):
    machine.since = time.time()
    write(machine, 'CPUWeight=33\nIPIngressFilterPath=/sys/fs/bpf/nothing\nTasksMax=500\nMemoryPressureWatch=on')
    assert machine.start(check=False).returncode != 0
    text = machine.property('StatusText')
    assert f'{machine.file}:9: IPIngressFilterPath=: systemd refuses it for {machine.unit}: ' in text
    wait_for(lambda: f'{machine.file}:11: MemoryPressureWatch=: systemd refuses it for ' in machine.journal())
    assert properties(machine.unit, *OWN) == OWN
    assert leftovers(machine) == []


# -------------------------------------------------------------------- properties that are not in box's table

OTHER = 'CPUShares=77\nBlockIOAccounting=yes\nBlockIOWeight=500\nMemoryLimit=300M'
OTHER_OWN = {'CPUShares': '[not set]', 'BlockIOAccounting': 'no', 'BlockIOWeight': '[not set]', 'MemoryLimit': 'infinity'}


def test_properties_that_only_systemd_knows(machine):
    """The host's systemd is asked for their types. (These are old ones, but a newer systemd's are as unknown to box.)"""
    write(machine, OTHER)
    plan = output('box-run', '--dry-run', '--keep-unit', '-M', machine.name)
    assert f'  CPUShares t 77 [{machine.file}:8]\n  BlockIOAccounting b 1 [{machine.file}:9]\n' in plan
    assert run('boxctl', 'check', machine.name).stderr == ''
    assert f'\nMemoryLimit=300M\n#   {machine.file}:11\n' in output('boxctl', 'explain', machine.name)
    start(machine, OTHER)
    assert properties(machine.unit, *OTHER_OWN) == {'CPUShares': '77', 'BlockIOAccounting': 'yes', 'BlockIOWeight': '500',
                                                    'MemoryLimit': str(300 << 20)}
    machine.stop()
    assert properties(machine.unit, *OTHER_OWN) == OTHER_OWN
    assert leftovers(machine) == []


@pytest.mark.parametrize('line, said', [
    ('MemoryMaxi=1G', "the host's systemd has no such unit property; did you mean MemoryMax=?"),
    ('FrobnicationAllow=yes', "the host's systemd has no such unit property"),
    ('Description=text', "the host's systemd has no such unit property"),
    ('CPUShares=many', 'neither a number (K, M, G, T), nor a percentage, nor "infinity"'),
    ('BlockIODeviceWeight=/dev/loop0 5', 'values of this property (of type a(st)) cannot be written here'),
])
def test_other_properties_that_cannot_be_set(machine, nothing_left, line, said):
    write(machine, line)
    text = f'{machine.file}:8: {line}: {said}'
    assert text in run('boxctl', 'check', machine.name, check=False).stderr
    assert text in run('box-run', '-q', '-M', machine.name, check=False).stderr
    assert machine.start(check=False).returncode != 0
    assert text in machine.property('StatusText')


def test_other_property_that_systemd_refuses(machine, nothing_left):
    write(machine, 'MemoryCurrent=1G')
    assert machine.start(check=False).returncode != 0
    assert f'{machine.file}:8: MemoryCurrent=: systemd refuses it for {machine.unit}: ' in machine.property('StatusText')


def test_other_property_of_an_untrusted_file(machine, nothing_left):
    beside = machine.path.with_name(f'{machine.name}.nspawn')
    beside.write_text('[X-Resources]\nCPUShares=77\nFrobnicate=1\n')
    try:
        result = run('box-run', '--dry-run', '-M', machine.name)
        assert 'CPUShares' not in result.stdout + result.stderr
        assert result.stderr.count(': a key of [X-Resources]: ignored: only files in /etc/systemd/nspawn') == 2
    finally:
        beside.unlink()


@pytest.mark.parametrize('line', ['MemoryMax=lots', 'CPUQuota=0%', 'Slice=other.slice', 'DeviceAllow=/etc/passwd r',
                                  'IPAddressDeny=300.1.1.1'])
def test_bad_values_are_named(machine, line):
    write(machine, line)
    result = run('box-run', '--dry-run', '-M', machine.name, check=False)
    assert result.returncode == 1
    assert f'{machine.file}:8: {line}: ' in result.stderr


def test_dry_run_shows_them(machine):
    write(machine, 'CPUQuota=50%', files=f'BindReadOnly={DEVICE}')
    plan = output('box-run', '--dry-run', '--keep-unit', '-M', machine.name)
    assert f'  CPUQuotaPerSecUSec t 500000 [{machine.file}:8]\n' in plan
    assert f'  DeviceAllow a(ss) "{DEVICE}" "r", unless the unit may use every device [{machine.file}:6]\n' in plan


def test_systemd_nspawn_ignores_them(machine):
    write(machine, 'CPUQuota=50%\nMemoryMax=1G\n[X-Box]\nAfter=other', command='true')
    result = run('systemd-nspawn', '--quiet', '--register=no', '--keep-unit', '--pipe', '-M', machine.name, '-D', machine.path,
                 check=False)
    assert 'X-' not in result.stderr and 'Unknown' not in result.stderr, result.stderr
    assert result.returncode == 0, result.stderr


# -------------------------------------------------------------------- by hand: a scope

class ByHand:
    """A machine in a scope of its own."""

    def __init__(self, machine, *switches):
        self.machine = machine
        self.process = subprocess.Popen(['box-run', '-q', '-M', machine.name, *switches], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        wait_for(lambda: Path(f'/run/box/{self.machine.name}/state').exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=60)


@pytest.mark.parametrize('switch,scope', [('--register=yes', 'machine-resources.scope'),
                                          ('--register=no', 'box-resources.scope')])
def test_a_scope_is_made_with_them(machine, nothing_left, switch, scope):
    write(machine, 'CPUWeight=33\nTasksMax=500\nIPAddressDeny=10.0.0.0/8', files=f'Bind={DEVICE}')
    with ByHand(machine, switch, '--property=TasksMax=600', '--property=Description=Made by hand',
                '--property=TimeoutStopSec=7s', '--property=After=basic.target'):
        assert properties(scope, 'CPUWeight', 'TasksMax', 'IPAddressDeny', 'Description', 'TimeoutStopUSec') == {
            'CPUWeight': '33', 'TasksMax': '600', 'IPAddressDeny': '10.0.0.0/8', 'Description': 'Made by hand',
            'TimeoutStopUSec': '7s'}
        assert 'basic.target' in properties(scope, 'After')['After'].split()
        assert allowed_devices(scope)[DEVICE] == 'rw'


def test_a_property_that_a_scope_can_t_have_is_named(machine, nothing_left):
    write(machine, 'CPUWeight=33')
    result = run('box-run', '-q', '-M', machine.name, '--property=TasksMax=0', check=False)
    assert result.returncode == 1
    assert '--property=: TasksMax=: ' in result.stderr
    result = run('box-run', '-q', '-M', machine.name, '--property=Frobnicate=1', check=False)
    assert "--property=: Frobnicate=1: the host's systemd has no such unit property" in result.stderr


@pytest.mark.parametrize('register', ['yes', 'no'])
def test_a_scope_has_properties_that_only_systemd_knows(machine, nothing_left, register):
    write(machine, 'CPUShares=77')
    others = {'StartLimitIntervalSec': '1h', 'StartLimitBurst': '7', 'IgnoreOnIsolate': 'yes', 'OnFailureJobMode': 'fail',
              'PropagatesReloadTo': 'basic.target', 'RestartKillSignal': 'SIGUSR1'}
    with ByHand(machine, f'--register={register}', *(f'--property={name}={value}' for name, value in others.items())):
        scope = 'machine-resources.scope' if register == 'yes' else 'box-resources.scope'
        assert properties(scope, 'CPUShares', 'StartLimitIntervalUSec', *list(others)[1:]) == {
            'CPUShares': '77', 'StartLimitIntervalUSec': '1h', 'StartLimitBurst': '7', 'IgnoreOnIsolate': 'yes', 'OnFailureJobMode': 'fail',
            'PropagatesReloadTo': 'basic.target', 'RestartKillSignal': '10'}


def test_property_with_keep_unit_is_without_effect(machine):
    write(machine, '')
    result = run('systemd-run', '--quiet', '--pipe', '--wait', '-p', 'Delegate=yes', 'box-run', '--keep-unit', '--pipe',
                 '-M', machine.name, '--property=CPUWeight=33', '/bin/true')
    assert '--property= has no effect' in result.stderr


# -------------------------------------------------------------------- devices

OPEN = f"""(: <>{DEVICE}) 2>/dev/null && echo read-write; (: <{DEVICE}) 2>/dev/null && echo read; touch /tmp/up; exec sleep 1000"""


def opened(machine):
    wait_for(lambda: machine.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
    return [line for line in machine.journal().splitlines() if line in ('read', 'read-write')]


def test_a_bound_device_may_be_used(machine):
    machine.since = time.time()
    write(machine, '', files=f'Bind={DEVICE}', settings='PrivateUsers=no', command=OPEN)
    before = allowed_devices(machine.unit)
    machine.start()
    assert allowed_devices(machine.unit)[DEVICE] == 'rw'
    wait_for(lambda: opened(machine) == ['read-write', 'read'])
    machine.stop()
    assert allowed_devices(machine.unit) == before
    assert leftovers(machine) == []


def test_a_device_bound_read_only_may_be_read(machine):
    start(machine, '', files=f'BindReadOnly={DEVICE}')
    assert allowed_devices(machine.unit)[DEVICE] == 'r'


def test_a_unit_that_may_use_all_devices_keeps_that(machine):
    write(machine, '', files=f'Bind={DEVICE}', settings='PrivateUsers=no', command='exec sleep 1000')
    run('systemd-run', '--collect', '--unit=box-test-open', '-p', 'Delegate=yes', 'box-run', '-q', '--keep-unit', '-M', machine.name)
    try:
        wait_for(lambda: Path(f'/run/box/{machine.name}/state').exists())
        assert properties('box-test-open.service', 'DevicePolicy', 'DeviceAllow') == {'DevicePolicy': 'auto',
                                                                                     'DeviceAllow': ''}
    finally:
        run('systemctl', 'stop', 'box-test-open.service')
