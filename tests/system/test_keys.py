# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys by the table, written in a file, and what they do to the machine or its unit, or how they are refused: whole families
that no other test goes through one by one."""

import re
import time
from pathlib import Path

import pytest

from support import output, run, wait_for

UP = 'Boot=no\nParameters=/bin/sh -c "touch /tmp/up; exec sleep 1000"\n'


@pytest.fixture(scope='module')
def machine(module_machine):
    machine = module_machine('busybox', name='keys')
    yield machine
    run('systemctl', 'stop', machine.unit, check=False)


@pytest.fixture
def stopped(machine):
    """The machine, stopped and without a file after the test."""
    yield machine
    machine.reset()


def start(machine, exec_settings='', rest=''):
    machine.write_file(f'[Exec]\n{UP}{exec_settings}\n{rest}\n')
    machine.start()
    wait_for(lambda: machine.exec('test', '-e', '/tmp/up', check=False).returncode == 0)


# -------------------------------------------------------------------- [Exec]: every limit

LIMITS = {      # key: value, name in /proc/PID/limits, soft, hard
    'LimitCPU': ('1h:2h', 'Max cpu time', '3600', '7200'),
    'LimitFSIZE': ('1G', 'Max file size', '1073741824', '1073741824'),
    'LimitDATA': ('512M:infinity', 'Max data size', '536870912', 'unlimited'),
    'LimitSTACK': ('1M:2M', 'Max stack size', '1048576', '2097152'),
    'LimitCORE': ('0:infinity', 'Max core file size', '0', 'unlimited'),
    'LimitRSS': ('1K:1M', 'Max resident set', '1024', '1048576'),
    'LimitNOFILE': ('100:200', 'Max open files', '100', '200'),
    'LimitAS': ('infinity', 'Max address space', 'unlimited', 'unlimited'),
    'LimitNPROC': ('300:400', 'Max processes', '300', '400'),
    'LimitMEMLOCK': ('1M', 'Max locked memory', '1048576', '1048576'),
    'LimitLOCKS': ('77', 'Max file locks', '77', '77'),
    'LimitSIGPENDING': ('66', 'Max pending signals', '66', '66'),
    'LimitMSGQUEUE': ('8K', 'Max msgqueue size', '8192', '8192'),
    'LimitRTTIME': ('250ms', 'Max realtime timeout', '250000', '250000'),
}


@pytest.fixture(scope='module')
def limits(machine):
    """/proc/1/limits of a machine whose file has them all."""
    start(machine, '\n'.join(f'{key}={value[0]}' for key, value in LIMITS.items()))
    text = machine.exec('cat', '/proc/1/limits').stdout
    machine.stop()
    machine.file.unlink()
    return {m[1].strip(): (m[2], m[3]) for m in re.finditer(r'^(Max .*?)  +(\S+) +(\S+)', text, re.M)}


@pytest.mark.parametrize('key', LIMITS)
def test_limit(limits, key):
    _, name, soft, hard = LIMITS[key]
    assert limits[name] == (soft, hard)


@pytest.mark.parametrize('key, value, name, limit', [
    ('LimitNICE', '+5', 'Max nice priority', '15'),
    ('LimitRTPRIO', '9', 'Max realtime priority', '9'),
])
def test_limit_that_takes_a_capability(stopped, key, value, name, limit):
    """More than the host's own default: had where box-run has CAP_SYS_RESOURCE, and an error where it has not."""
    stopped.write_file(f'[Exec]\n{UP}{key}={value}\n')
    if stopped.start(check=False).returncode == 0:
        assert re.search(rf'^{name} +{limit} +{limit} ', stopped.exec('cat', '/proc/1/limits').stdout, re.M)
    else:
        assert f'{stopped.file}:4: {key}= is more than box-run may set' in stopped.property('StatusText')
        assert not int(re.search(r'^CapEff:\s+(\w+)', Path('/proc/self/status').read_text(), re.M)[1], 16) & 1 << 24


# -------------------------------------------------------------------- keys that are told elsewhere by their switches

def test_overlay_read_only(stopped, tmp_path):
    for layer in ('lower', 'upper'):
        (tmp_path / layer).mkdir()
        (tmp_path / layer / layer).write_text('')
    start(stopped, rest=f'[Files]\nOverlayReadOnly={tmp_path}/lower:{tmp_path}/upper:/mnt\n')
    assert stopped.exec('ls', '/mnt').stdout.split() == ['lower', 'upper']
    assert stopped.exec('touch', '/mnt/new', check=False).returncode != 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ['lower', 'upper']


def test_pivot_root(stopped):
    run('mkdir', '-p', stopped.path / 'inner')
    for name in ('bin', 'sbin', 'usr', 'lib', 'lib64', 'etc', 'proc', 'dev', 'sys', 'run', 'tmp', 'sysroot'):
        if name in ('bin', 'sbin', 'usr', 'lib', 'lib64', 'etc') and (stopped.path / name).exists():
            run('cp', '-a', stopped.path / name, stopped.path / 'inner')
        else:
            (stopped.path / 'inner' / name).mkdir(exist_ok=True)
    (stopped.path / 'outer-only').write_text('')
    try:
        start(stopped, 'PivotRoot=/inner:/sysroot')
        assert stopped.exec('test', '-e', '/outer-only', check=False).returncode != 0
        assert stopped.exec('test', '-e', '/sysroot/outer-only', check=False).returncode == 0
    finally:
        stopped.stop(check=False)
        run('rm', '-rf', '--one-file-system', stopped.path / 'inner', stopped.path / 'outer-only')


@pytest.mark.parametrize('mode', ['no', 'guest', 'host'])
def test_link_journal(stopped, mode):
    identity = '0123456789abcdef0123456789abcdef'
    place = Path('/var/log/journal') / identity
    try:
        start(stopped, f'LinkJournal={mode}\nMachineID={identity}\nPrivateUsers=no')
        there = 'guest' if place.is_symlink() else 'host' if place.is_dir() else 'no'
        assert there == mode
    finally:
        stopped.stop(check=False)
        if place.is_symlink():
            place.unlink()
        elif place.is_dir():
            run('rm', '-r', place)


def test_ipvlan(stopped):
    run('ip', 'link', 'add', 'ivp0', 'type', 'veth', 'peer', 'name', 'ivp1')
    try:
        has_kind = run('ip', 'link', 'add', 'link', 'ivp0', 'name', 'ivtest', 'type', 'ipvlan', check=False).returncode == 0
        run('ip', 'link', 'delete', 'ivtest', check=False)
        stopped.write_file(f'[Exec]\n{UP}[Network]\nIPVLAN=ivp0:inner\n')
        started = stopped.start(check=False).returncode == 0
        assert started == has_kind
        if started:
            assert 'inner' in stopped.exec('ls', '/sys/class/net').stdout
        else:
            assert 'ivp0' in stopped.property('StatusText')
    finally:
        run('systemctl', 'stop', stopped.unit, check=False)
        run('ip', 'link', 'delete', 'ivp0')


def test_stop_timeout(stopped):
    stopped.write_file('[Exec]\nBoot=no\nKillSignal=SIGUSR1\nParameters=/bin/sh -c "trap : USR1; touch /tmp/up; '
                       'while :; do sleep 1; done"\n[X-Box]\nStopTimeoutSec=1s\n')
    stopped.start()
    wait_for(lambda: stopped.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
    run('systemctl', 'stop', stopped.unit, timeout=60)
    assert not stopped.is_active()


def test_boot_time(stopped):
    start(stopped, rest='[X-Box]\nBootTime=zero\n')
    assert float(stopped.exec('cat', '/proc/uptime').stdout.split()[0]) < 60


# -------------------------------------------------------------------- [X-Resources]: every key

RESOURCES = {   # key: value, property of the unit, how systemctl shows it
    'CPUAccounting': ('yes', 'CPUAccounting', 'yes'),
    'CPUWeight': ('33', 'CPUWeight', '33'),
    'StartupCPUWeight': ('44', 'StartupCPUWeight', '44'),
    'CPUQuota': ('50%', 'CPUQuotaPerSecUSec', '500ms'),
    'CPUQuotaPeriodSec': ('20ms', 'CPUQuotaPeriodUSec', '20ms'),
    'AllowedCPUs': ('0', 'AllowedCPUs', '0'),
    'StartupAllowedCPUs': ('0', 'StartupAllowedCPUs', '0'),
    'AllowedMemoryNodes': ('0', 'AllowedMemoryNodes', '0'),
    'StartupAllowedMemoryNodes': ('0', 'StartupAllowedMemoryNodes', '0'),
    'MemoryAccounting': ('yes', 'MemoryAccounting', 'yes'),
    'MemoryMin': ('1M', 'MemoryMin', '1048576'),
    'MemoryLow': ('2M', 'MemoryLow', '2097152'),
    'StartupMemoryLow': ('3M', 'StartupMemoryLow', '3145728'),
    'MemoryHigh': ('400M', 'MemoryHigh', '419430400'),
    'StartupMemoryHigh': ('500M', 'StartupMemoryHigh', '524288000'),
    'MemoryMax': ('600M', 'MemoryMax', '629145600'),
    'StartupMemoryMax': ('700M', 'StartupMemoryMax', '734003200'),
    'MemorySwapMax': ('8M', 'MemorySwapMax', '8388608'),
    'StartupMemorySwapMax': ('9M', 'StartupMemorySwapMax', '9437184'),
    'MemoryZSwapMax': ('10M', 'MemoryZSwapMax', '10485760'),
    'StartupMemoryZSwapMax': ('11M', 'StartupMemoryZSwapMax', '11534336'),
    'MemoryZSwapWriteback': ('no', 'MemoryZSwapWriteback', 'no'),
    'TasksAccounting': ('yes', 'TasksAccounting', 'yes'),
    'TasksMax': ('500', 'TasksMax', '500'),
    'IOAccounting': ('yes', 'IOAccounting', 'yes'),
    'IOWeight': ('55', 'IOWeight', '55'),
    'StartupIOWeight': ('66', 'StartupIOWeight', '66'),
    'IODeviceWeight': ('/dev/loop0 77', 'IODeviceWeight', '/dev/loop0 77'),
    'IOReadBandwidthMax': ('/dev/loop0 5M', 'IOReadBandwidthMax', '/dev/loop0 5000000'),
    'IOWriteBandwidthMax': ('/dev/loop0 6M', 'IOWriteBandwidthMax', '/dev/loop0 6000000'),
    'IOReadIOPSMax': ('/dev/loop0 70', 'IOReadIOPSMax', '/dev/loop0 70'),
    'IOWriteIOPSMax': ('/dev/loop0 80', 'IOWriteIOPSMax', '/dev/loop0 80'),
    'IODeviceLatencyTargetSec': ('/dev/loop0 25ms', 'IODeviceLatencyTargetUSec', '/dev/loop0 25ms'),
    'IPAccounting': ('yes', 'IPAccounting', 'yes'),
    'IPAddressAllow': ('10.0.0.0/8', 'IPAddressAllow', '10.0.0.0/8'),
    'IPAddressDeny': ('11.0.0.0/8', 'IPAddressDeny', '11.0.0.0/8'),
    'IPIngressFilterPath': ('/sys/fs/bpf/none-in', 'IPIngressFilterPath', '/sys/fs/bpf/none-in'),
    'IPEgressFilterPath': ('/sys/fs/bpf/none-out', 'IPEgressFilterPath', '/sys/fs/bpf/none-out'),
    'BPFProgram': ('egress:/sys/fs/bpf/none', 'BPFProgram', 'egress:/sys/fs/bpf/none'),
    'SocketBindAllow': ('tcp:8080', 'SocketBindAllow', '8080'),
    'SocketBindDeny': ('ipv4:udp', 'SocketBindDeny', 'udp'),
    'RestrictNetworkInterfaces': ('~nosuch0', 'RestrictNetworkInterfaces', 'nosuch0'),
    'NFTSet': ('cgroup:inet:none:none', 'DropInPaths', '50-NFTSet.conf'),
    'DeviceAllow': ('/dev/loop-control r', 'DeviceAllow', '/dev/loop-control r'),
    'DevicePolicy': ('closed', 'DevicePolicy', 'closed'),
    'ManagedOOMSwap': ('kill', 'ManagedOOMSwap', 'kill'),
    'ManagedOOMMemoryPressure': ('kill', 'ManagedOOMMemoryPressure', 'kill'),
    'ManagedOOMMemoryPressureLimit': ('60%', 'ManagedOOMMemoryPressureLimit', '2576980377'),
    'ManagedOOMMemoryPressureDurationSec': ('30s', 'ManagedOOMMemoryPressureDurationUSec', '30s'),
    'ManagedOOMPreference': ('avoid', 'ManagedOOMPreference', 'avoid'),
    'MemoryPressureWatch': ('on', 'MemoryPressureWatch', 'on'),
    'MemoryPressureThresholdSec': ('200ms', 'MemoryPressureThresholdUSec', '200ms'),
    'CoredumpReceive': ('no', 'CoredumpReceive', 'no'),
}

# Keys that systemd has learnt since the oldest one that box runs with, and when.
LATER = {
    'MemoryZSwapMax': 253, 'StartupMemoryLow': 254, 'StartupMemoryHigh': 254, 'StartupMemoryMax': 254,
    'StartupMemorySwapMax': 254, 'StartupMemoryZSwapMax': 254, 'NFTSet': 255, 'MemoryZSwapWriteback': 256,
    'ManagedOOMMemoryPressureDurationSec': 257,
}

# Keys that systemd takes for a unit's file only, not for a unit that runs: that is for box-run to say, with file and line.
NOT_LIVE = ['IPIngressFilterPath', 'IPEgressFilterPath', 'BPFProgram', 'MemoryPressureWatch', 'MemoryPressureThresholdSec',
            'CoredumpReceive']


@pytest.fixture(scope='module')
def resources(machine):
    """Properties of the unit of a machine whose file has them all, and the messages about those that were refused."""
    def write(keys):
        machine.write_file(f'[Exec]\n{UP}[X-Resources]\n' + ''.join(f'{key}={RESOURCES[key][0]}\n' for key in keys))

    machine.since = time.time()
    write(RESOURCES)
    assert machine.start(check=False).returncode != 0
    first = machine.property('StatusText')
    run('systemctl', 'reset-failed', machine.unit)
    wait_for(lambda: first in machine.journal())
    keys, refused = list(RESOURCES), {}
    for text, line, key in re.findall(rf'(?m)^({machine.file}:(\d+): (\w+)=: .*)$', machine.journal()):
        assert keys[int(line) - 5] == key, text
        refused[key] = text
    write(key for key in RESOURCES if key not in refused)
    machine.start()
    shown = {}
    for line in output('systemctl', 'show', machine.unit).splitlines():
        name, _, value = line.partition('=')
        shown.setdefault(name, []).append(value)
    machine.stop()
    machine.file.unlink()
    return shown, refused


@pytest.fixture(scope='module')
def systemd():
    return int(output('systemctl', '--version').split()[1])


@pytest.mark.parametrize('key', RESOURCES)
def test_resource(resources, systemd, key):
    shown, refused = resources
    _, name, value = RESOURCES[key]
    if key in NOT_LIVE:
        assert f': {key}=: systemd refuses it for' in refused[key]
    elif key in refused:
        assert systemd < LATER.get(key, 0), refused[key]
    else:
        assert any(value in word for word in shown[name]), shown[name]
