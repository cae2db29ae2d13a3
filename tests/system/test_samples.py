# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every sample in nspawn-configs/ passes boxctl check and boots a Debian, with what is the user's to put in put in. A new sample
has to be in one of the two tables."""

import re
from pathlib import Path

import pytest

import support
from support import output, run

SAMPLES = Path('/usr/share/box/nspawn-configs')

# Those that another file tests, for what they need.
ELSEWHERE = {
    'confined-command': 'test_exec',
    'container-host': 'test_nesting',
    'one-user': 'test_box_section',
    'own-user': 'test_identity',
    'stateless': 'test_files_ephemeral',
    'try-out': 'test_files_ephemeral',
    'whole-host': 'test_box_section',
}

# name: (tree, what a user changes in the file, what is then seen in the machine by a command, properties of its unit)
HERE = {
    'appliance': ('appliance', {'/srv/appliance': '{place}'}, {
        'touch /new 2>/dev/null || echo read-only': 'read-only',
        'findmnt -no FSTYPE /var': 'tmpfs',
        'touch /data/made && stat -c %u /data/made': '0',
        'cat /sys/class/net/host0/operstate': 'up',
        'stat -c %a /boot': '0',
    }, {}),
    'database': ('deb', {'/srv/database': '{place}'}, {
        'hostname': 'database.example',
        'cat /run/host/container-uuid': '5c4e1e4f-7d7a-4d7f-9f3c-0f7c2b1a8e60',
        'touch /var/lib/database/made && stat -c %u /var/lib/database/made': '0',
    }, {'MemoryMin': str(64 << 20), 'ManagedOOMPreference': 'avoid', 'DevicePolicy': 'closed'}),
    'filtered': ('deb', {}, {
        'grep NoNewPrivs /proc/1/status': 'NoNewPrivs:\t1',
    }, {'IPAccounting': 'yes', 'IPAddressDeny': '0.0.0.0/0 ::/0'}),
    'host-network': ('deb', {'/srv/www': '{place}:/srv/www', '/etc/ssl/private/www': '{place}'}, {
        'ls /sys/class/net | grep -c sample-parent': '1',
        'touch /srv/www/made && stat -c %u /srv/www/made': '0',
        'touch /etc/ssl/private/new 2>/dev/null || echo read-only': 'read-only',
        'cat /proc/self/uid_map': '         0          0 4294967295',
    }, {}),
    'limits': ('deb', {}, {
        'stat -c %F /dev/fuse': 'character special file',
    }, {
        'CPUQuotaPerSecUSec': '1.500000s', 'CPUWeight': '50', 'MemoryHigh': str(900 << 20), 'MemoryMax': str(1 << 30),
        'MemorySwapMax': str(512 << 20), 'TasksMax': '2000', 'IOWeight': '50', 'IPAddressDeny': '0.0.0.0/0 ::/0',
    }),
    'macvlan-lan': ('deb', {'eth0': 'sample-parent'}, {
        'ls /sys/class/net': 'lan\nlo',
    }, {}),
    'many-alike': ('deb', {'/srv/many/%i': '{place}'}, {
        'hostname': 'sample-deb.example',
        'touch /srv/made && stat -c %u /srv/made': '0',
    }, {'CPUQuotaPerSecUSec': '2s'}),
    'night-worker': ('deb', {}, {
        'awk "/^Max address space/ { print \\$4 }" /proc/1/limits': str(16 << 30),
    }, {'CPUQuotaPerSecUSec': '250ms', 'CPUQuotaPeriodUSec': '10ms', 'ManagedOOMSwap': 'kill'}),
    'ostree': ('ostree', {'CHECKSUM': '0123'}, {
        'cat /var/of-all-deployments': 'var',
        'cat /sysroot/ostree/boot.1/os/0123/0/etc/hostname': 'deployed',
        'cat /proc/1/personality': '00000008',      # PER_LINUX32
    }, {}),
    'veth-dhcp': ('deb', {}, {
        'ls /sys/class/net': 'host0\nlo',
    }, {}),
    'zone-ports': ('deb', {}, {
        'ls /sys/class/net': 'host0\nlan\nlo',
    }, {}),
}


@pytest.fixture(scope='module')
def place():
    """A directory of the host's, with links beside it that samples name."""
    path = support.MACHINES / '.sample-place'
    path.mkdir()
    support.add_veth_pair('sample-parent', 'sample-peer')
    run('ip', 'link', 'set', 'sample-peer', 'up')
    run('ip', 'link', 'set', 'sample-parent', 'up')
    run('ip', 'link', 'add', 'br0', 'type', 'bridge')
    run('ip', 'link', 'set', 'br0', 'up')
    yield path
    run('ip', 'link', 'delete', 'sample-parent')
    run('ip', 'link', 'delete', 'br0')
    support.remove_tree(path)


@pytest.fixture(scope='module')
def trees(module_machine):
    """By the first word of a row above, the machine that boots it; made when it is first asked for."""
    made = {}

    def get(kind):
        if kind in made:
            return made[kind]
        if kind == 'ostree':
            machine = module_machine(None, name='sample-ostree')
            deployment = machine.path / 'ostree/boot.1/os/0123/0'
            deployment.parent.mkdir(parents=True)
            support.copy_tree('deb12', deployment)
            (deployment / 'sysroot').mkdir()
            (deployment / 'etc/hostname').write_text('deployed\n')
            var = machine.path / 'ostree/deploy/os/var'
            var.mkdir(parents=True)
            (var / 'of-all-deployments').write_text('var')
        else:
            machine = module_machine('deb12', name=f'sample-{kind}')
        if kind == 'appliance':
            (machine.path / 'data').mkdir()
        # an id of its own is the file's to give
        run('truncate', '-s0', next(machine.path.glob('**/etc/machine-id')))
        return made.setdefault(kind, machine)
    return get


def what_may_be_raised(text):
    """Limits above the host's own take CAP_SYS_RESOURCE, which a lab may not have: left out there."""
    capabilities = int(re.search(r'^CapEff:\s+(\w+)', Path('/proc/self/status').read_text(), re.M)[1], 16)
    return text if capabilities & 1 << 24 else re.sub(r'^Limit(NOFILE|MEMLOCK|MSGQUEUE|SIGPENDING)=', r'#\g<0>', text, flags=re.M)


def test_each_sample_is_in_a_table():
    assert sorted(path.stem for path in SAMPLES.glob('*.nspawn')) == sorted([*HERE, *ELSEWHERE])
    for name, where in ELSEWHERE.items():
        assert re.search(rf'\b{name}\b', (Path(__file__).parent / f'{where}.py').read_text()), name


@pytest.mark.parametrize('sample', HERE)
def test_sample_boots(place, trees, sample):
    tree, changes, seen, properties = HERE[sample]
    machine = trees(tree)
    text = (SAMPLES / f'{sample}.nspawn').read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new.format(place=place))
    machine.write_file(what_may_be_raised(text))
    assert run('boxctl', 'check', machine.name).stderr == ''
    machine.start()
    try:
        machine.wait_running()
        for command, wanted in seen.items():
            assert machine.exec('sh', '-c', command).stdout.rstrip('\n') == wanted, command
        for name, wanted in properties.items():
            assert ' '.join(sorted(machine.property(name).split())) == wanted, name
    finally:
        machine.stop()
    assert machine.property('Result') == 'success'
