# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links besides the default veth pair: zones, extra veth pairs, ipvlan, moved interfaces, existing network namespaces."""

import json
import os

import pytest

import support
from support import output, run, wait_for
from test_network import host_links, in_network, links


# A payload that starts and ends at once.
COMMAND = '[Exec]\nBoot=no\nParameters=/bin/sleep 10000\n'


@pytest.fixture
def busybox(machine):
    """busybox(network, name, unit='box@'): a running machine with this [Network] section."""
    def start(network, name=None, unit='box@'):
        made = machine('busybox', name=name, unit=unit)
        made.write_file(f'[Network]\n{network}\n{COMMAND}')
        made.start()
        return made
    return start


@pytest.fixture
def refusal(machine):
    """refusal(network): the status text of the unit after a failed start."""
    def start(network, name=None):
        made = machine('busybox', name=name)
        made.write_file(f'[Network]\n{network}\n{COMMAND}')
        assert made.start(check=False).returncode != 0
        return made.property('StatusText')
    return start


@pytest.fixture
def pair():
    """pair(name): a veth pair on the host, NAME and NAME-peer."""
    made = []

    def make(name):
        support.add_veth_pair(name, f'{name}-peer')
        made.append(name)
        return name
    yield make
    for name in made:
        run('ip', 'link', 'delete', f'{name}-peer', check=False)


def interfaces_at_machined(machine):
    words = output('busctl', 'get-property', 'org.freedesktop.machine1',
                   f'/org/freedesktop/machine1/machine/{support.bus_name(machine.name)}',
                   'org.freedesktop.machine1.Machine', 'NetworkInterfaces').split()
    return [int(word) for word in words[2:]]


def index(link):
    return int(support.Path(f'/sys/class/net/{link}/ifindex').read_text())


def give_address(machine, address, link='host0'):
    in_network(machine, 'ip', 'address', 'add', address, 'dev', link)
    in_network(machine, 'ip', 'link', 'set', link, 'up')


# -------------------------------------------------------------------- zones

def test_zone_bridge_exists_while_it_has_members(nothing_left, busybox):
    """Also with members of systemd-nspawn."""
    one = busybox('Zone=shop', name='zone-1')
    bridge = host_links()['vz-shop']
    assert bridge['linkinfo']['info_kind'] == 'bridge' and 'UP' in bridge['flags']
    assert host_links()['vb-zone-1']['master'] == 'vz-shop'
    assert interfaces_at_machined(one) == [index('vz-shop')]

    two, theirs = busybox('Zone=shop', name='zone-2'), busybox('Zone=shop', name='zone-3', unit='systemd-nspawn@')
    assert [link for link, each in host_links().items() if each.get('master') == 'vz-shop'] == [
        'vb-zone-1', 'vb-zone-2', 'vb-zone-3']
    for number, machine in enumerate((one, two, theirs), 1):
        give_address(machine, f'10.45.0.{number}/24')
    in_network(one, 'ping', '-c1', '-W5', '10.45.0.2')
    in_network(two, 'ping', '-c1', '-W5', '10.45.0.3')

    one.stop()
    theirs.stop()
    assert 'vz-shop' in host_links()
    two.stop()
    assert 'vz-shop' not in host_links()


def test_last_member_of_a_zone_may_be_of_systemd_nspawn(nothing_left, busybox):
    one, theirs = busybox('Zone=shop', name='zone-1'), busybox('Zone=shop', name='zone-3', unit='systemd-nspawn@')
    one.stop()
    assert 'vz-shop' in host_links()
    theirs.stop()
    assert 'vz-shop' not in host_links()


def test_bridge_of_a_killed_supervisor_is_removed_with_the_next_member(nothing_left, busybox):
    machine = busybox('Zone=shop', name='zone-1')
    run('systemctl', 'kill', '--signal=KILL', machine.unit)
    wait_for(lambda: machine.property('ActiveState') == 'failed')
    wait_for(lambda: 'vb-zone-1' not in host_links())
    assert 'vz-shop' in host_links()
    machine.start()
    machine.stop()
    assert 'vz-shop' not in host_links()


def test_bridge_survives_concurrent_starts_and_stops(nothing_left, machine):
    made = [machine('busybox', name=f'zone-{number}') for number in range(4)]
    for each in made:
        each.write_file(f'[Network]\nZone=shop\n{COMMAND}')
    units = [each.unit for each in made]
    for _ in range(4):
        run('systemctl', 'start', *units)
        assert {link for link, each in host_links().items() if each.get('master') == 'vz-shop'} == {
            f'vb-zone-{number}' for number in range(4)}
        run('systemctl', 'restart', *units[:2])
        run('systemctl', 'stop', *units)
        assert 'vz-shop' not in host_links()


def test_zone_conflicts_with_bridge(nothing_left, refusal):
    status = refusal('Bridge=br9\nZone=shop', name='zone-x')
    assert 'zone-x.nspawn:3: Zone=shop: conflicts with Bridge=br9' in status and 'zone-x.nspawn:2' in status


# -------------------------------------------------------------------- extra veth pairs

def test_extra_veth_pairs_are_as_by_systemd_nspawn(nothing_left, busybox):
    """Names, addresses and states, with and without the default veth pair."""
    text = 'VirtualEthernet=yes\nVirtualEthernetExtra=extra0:lan\nVirtualEthernetExtra=extra1'

    def look(unit):
        machine = busybox(text, name='extra', unit=unit)
        outer, inner = host_links(), links(machine)
        found = {name: (outer[name]['address'], outer[name].get('master'), 'UP' in outer[name]['flags'])
                 for name in ('extra0', 'extra1')}
        found.update({f'inner {name}': (link['address'], 'UP' in link['flags']) for name, link in inner.items()})
        assert interfaces_at_machined(machine) == [index('ve-extra')]
        machine.stop()
        machine.remove()
        return found
    ours = look('box@')
    assert set(ours) == {'extra0', 'extra1', 'inner host0', 'inner lan', 'inner extra1'}
    assert not ours['extra0'][2] and ours['extra0'][1] is None
    assert ours == look('systemd-nspawn@')


def test_veth_name_of_another_machine_is_refused(nothing_left, busybox, refusal):
    first = busybox('VirtualEthernetExtra=wire0:wan', name='extra-1')
    assert set(links(first)) == {'wan'}
    status = refusal('VirtualEthernetExtra=wire0', name='extra-2')
    assert "extra-2.nspawn:2: Network interface wire0 belongs to machine extra-1" in status
    assert set(links(first)) == {'wan'}
    first.stop()


def test_mac_from_the_environment(nothing_left, machine):
    made = machine('busybox', name='mac')
    made.write_file(COMMAND)
    made.write_unit_settings('[Service]\nEnvironment=SYSTEMD_NSPAWN_NETWORK_MAC=02:12:34:56:78:9a\n')
    made.start()
    assert links(made)['host0']['address'] == '02:12:34:56:78:9a'
    made.stop()
    made.write_unit_settings('[Service]\nEnvironment=SYSTEMD_NSPAWN_NETWORK_MAC=nonsense\n')
    assert made.start(check=False).returncode != 0
    assert 'SYSTEMD_NSPAWN_NETWORK_MAC' in made.property('StatusText')


# -------------------------------------------------------------------- ipvlan and moved interfaces

def test_ipvlan_or_its_refusal(nothing_left, machine, pair):
    pair('stand0')
    made = machine('busybox', name='ipvlan')
    made.write_file(f'[Network]\nIPVLAN=stand0\n{COMMAND}')
    result = made.start(check=False)
    if run('ip', 'link', 'add', 'link', 'stand0', 'probe0', 'type', 'ipvlan', check=False).returncode == 0:
        run('ip', 'link', 'delete', 'probe0')
        assert result.returncode == 0
        assert links(made)['iv-stand0']['address'] == host_links()['stand0']['address']
        made.stop()
    else:
        assert result.returncode != 0
        assert 'ipvlan.nspawn:2: Failed to create an ipvlan on stand0' in made.property('StatusText')


def test_moved_interface_returns_under_its_name(nothing_left, busybox, pair):
    pair('give0')
    mac = host_links()['give0']['address']
    machine = busybox('Interface=give0:lent', name='lender')
    in_network(machine, 'ip', 'link', 'set', 'lent', 'name', 'mine')
    in_network(machine, 'ip', 'link', 'set', 'mine', 'up')
    assert 'give0' not in host_links()
    machine.stop()
    assert host_links()['give0']['address'] == mac


def test_moved_interface_returns_from_a_killed_machine(nothing_left, busybox, pair):
    pair('give0')
    machine = busybox('Interface=give0', name='lender')
    run('kill', '-KILL', machine.leader())
    wait_for(lambda: machine.property('ActiveState') in ('failed', 'inactive'))
    assert 'give0' in host_links()


def test_lost_interface_is_reported(nothing_left, machine, pair):
    """A virtual interface is removed with the namespace that the payload moved it to, and cannot be returned."""
    pair('give0')
    made = machine('busybox', name='lender')
    made.write_file('[Exec]\nBoot=no\nParameters=/bin/sh -c "unshare -n sleep 10000 & sleep 10000"\n[Network]\nInterface=give0\n')
    made.start()
    own = os.stat(f'/proc/{made.leader()}/ns/net').st_ino
    hidden = wait_for(lambda: [pid for pid in output('pgrep', '-P', made.leader(), check=False).split()
                               if os.stat(f'/proc/{pid}/ns/net').st_ino != own])[0]
    in_network(made, 'ip', 'link', 'set', 'give0', 'netns', hidden)
    assert links(made) == {}
    made.stop()
    assert 'Failed to return interface give0 to the host' in made.journal()


# -------------------------------------------------------------------- sizes of packets, long names

def mtu(where, link):
    return json.loads(output(*where, 'ip', '-json', 'link', 'show', link))[0]['mtu']


@pytest.mark.parametrize('network, port', [('Bridge=br-jumbo', 'vb-jumbo'), ('Zone=jumbo', 'vb-jumbo')])
def test_a_bridge_keeps_its_mtu(nothing_left, busybox, pair, network, port):
    """A bridge follows the smallest of its ports."""
    bridge = 'br-jumbo' if 'br-' in network else 'vz-jumbo'
    run('ip', 'link', 'add', bridge, 'type', 'bridge')
    try:
        uplink = pair('uplink')
        run('ip', 'link', 'set', uplink, 'mtu', '9000', 'master', bridge)
        assert mtu((), bridge) == 9000
        machine = busybox(network, name='jumbo')
        inside = ('nsenter', '-t', machine.leader(), '-n')
        assert [mtu((), bridge), mtu((), port), mtu(inside, 'host0')] == [9000] * 3
        machine.stop()
        assert mtu((), bridge) == 9000
    finally:
        run('ip', 'link', 'delete', bridge)


def all_names(links_by_name):
    return {name: set(link.get('altnames', [])) for name, link in links_by_name.items()}


def test_long_names_are_alternative_names(nothing_left, busybox, pair):
    """Of every kind of link: what is created gets them, what exists is found by them and keeps them."""
    for name, altname in (('parent', 'the-parent-of-the-macvlan'), ('nic', 'a-nic-with-an-altname')):
        pair(name)
        run('ip', 'link', 'property', 'add', 'dev', name, 'altname', altname)
    machine = busybox('Zone=laboratory-number-one\nVirtualEthernetExtra=wire-to-the-outside:wire-to-the-inside\n'
                      'MACVLAN=the-parent-of-the-macvlan parent:the-second-macvlan\n'
                      'Interface=a-nic-with-an-altname', name='long-names')
    outside, inside = all_names(host_links()), all_names(links(machine))
    assert {'vz-laboratory-number-one'} in outside.values() and {'wire-to-the-outside'} in outside.values()
    assert inside.pop('nic') == {'a-nic-with-an-altname'} and inside.pop('host0') == set()
    assert {'wire-to-the-inside'} in inside.values() and {'the-second-macvlan'} in inside.values()
    assert {'mv-the-parent-of-the-macvlan'} in inside.values() and len(inside) == 3
    in_network(machine, 'ip', 'link', 'set', 'the-second-macvlan', 'up')
    machine.stop()
    assert all_names(host_links())['nic'] == {'a-nic-with-an-altname'}
    assert not [link for link in host_links() if link.startswith('vz-')]


def test_long_name_for_a_moved_interface(nothing_left, busybox, pair):
    pair('nic')
    machine = busybox('Interface=nic:wide-area-network', name='long-names')
    assert [*all_names(links(machine)).values()] == [{'wide-area-network'}]
    in_network(machine, 'ip', 'link', 'set', 'wide-area-network', 'up')
    machine.stop()
    assert all_names(host_links())['nic'] == set()


# -------------------------------------------------------------------- ping by users

PING = """import os, socket
os.setgid(GID)
os.setuid(999)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
s.settimeout(5)
s.sendto(bytes([8, 0, 0, 0, 0, 0, 0, 1]) + b"box", ("127.0.0.1", 0))
assert s.recv(64).endswith(b"box")
print("pong")
"""


def ping_range(machine):
    return machine.exec('cat', '/proc/sys/net/ipv4/ping_group_range').stdout.split()


def ping_as_user(machine, gid):
    """Without capabilities, in the machine's user and network namespaces; with the host's python."""
    leader = machine.leader()
    own = [] if os.path.samefile('/proc/self/ns/user', f'/proc/{leader}/ns/user') else ['-U', '-S', '0', '-G', '0']
    return run('nsenter', '-t', leader, '-n', *own, 'python3', '-c', PING.replace('GID', str(gid)), check=False)


@pytest.mark.parametrize('users, last', [('pick', '65535'), ('no', '2147483647'), ('655360:1000', '999')])
def test_users_may_ping(nothing_left, machine, users, last):
    """The kernel lets nobody, and refuses the distributions' range in a user namespace."""
    made = machine('busybox', name='pinger')
    before = output('sysctl', '-n', 'net.ipv4.ping_group_range')
    made.write_file(f'{COMMAND}PrivateUsers={users}\n[Network]\nPrivate=yes\n')
    made.start()
    assert ping_range(made) == ['0', last]
    for gid in (0, 1000 if users != '655360:1000' else 999):
        found = ping_as_user(made, gid)
        assert found.stdout == 'pong\n', found.stderr
    # the range is what permits it
    made.exec('sh', '-c', 'echo 5 5 >/proc/sys/net/ipv4/ping_group_range')
    assert 'Permission denied' in ping_as_user(made, 0).stderr
    made.stop()
    assert output('sysctl', '-n', 'net.ipv4.ping_group_range') == before


def test_users_may_ping_in_a_distribution(nothing_left, machine):
    """Its sysctl line fails and does no harm."""
    deb = machine('deb12', name='pinger')
    deb.start()
    deb.wait_running()
    assert ping_range(deb) == ['0', '65535']
    assert ping_as_user(deb, 1000).stdout == 'pong\n'
    deb.stop()


def test_ping_of_the_host_s_users_is_the_host_s(nothing_left, machine):
    before = output('sysctl', '-n', 'net.ipv4.ping_group_range')
    made = machine('busybox', name='pinger')
    made.write_file(f'{COMMAND}[Network]\nPrivate=no\n')
    made.start()
    assert output('sysctl', '-n', 'net.ipv4.ping_group_range') == before
    made.stop()


# -------------------------------------------------------------------- existing namespaces

@pytest.fixture
def namespace():
    run('ip', 'netns', 'add', 'box-ns')
    run('ip', '-netns', 'box-ns', 'link', 'add', 'inside0', 'type', 'veth', 'peer', 'name', 'inside1')
    run('ip', '-netns', 'box-ns', 'link', 'set', 'lo', 'up')
    yield 'box-ns'
    run('ip', 'netns', 'delete', 'box-ns')


def net_admin(machine):
    """Has its PID 1 CAP_NET_ADMIN?"""
    status = support.Path(f'/proc/{machine.leader()}/status').read_text()
    return bool(int(next(line for line in status.splitlines() if line.startswith('CapEff')).split()[1], 16) & 1 << 12)


def same_namespace(machine, name):
    return os.stat(f'/proc/{machine.leader()}/ns/net').st_ino == os.stat(f'/run/netns/{name}').st_ino


def test_namespace_is_joined(nothing_left, namespace, busybox):
    """Also with the unit's user namespace, with which systemd-nspawn cannot join it."""
    machine = busybox(f'NamespacePath=/run/netns/{namespace}', name='joiner')
    assert same_namespace(machine, namespace)
    assert not net_admin(machine)
    # /sys shows that namespace, too
    root = support.Path(f'/proc/{machine.leader()}/root')
    assert 'inside0' in os.listdir(root / 'sys/class/net')
    assert interfaces_at_machined(machine) == []
    machine.stop()
    assert 'inside0' in output('ip', '-netns', namespace, 'link')


def test_existing_namespace_with_private_yes(nothing_left, namespace, machine):
    """With Private=yes and without a user namespace, as systemd-nspawn does it."""
    made = machine('busybox', name='joiner')
    made.write_file(f'{COMMAND}PrivateUsers=no\n[Network]\nPrivate=yes\nNamespacePath=/run/netns/{namespace}\n')
    run('ip', '-netns', namespace, 'link', 'set', 'lo', 'down')
    made.start()
    assert same_namespace(made, namespace) and net_admin(made)
    assert 'UP' in in_network(made, 'ip', 'link', 'show', 'lo')
    made.exec('ip', 'link', 'set', 'inside0', 'up')
    made.stop()


def test_namespace_by_a_switch(nothing_left, namespace, machine):
    """Relative to the working directory, and for a command."""
    made = machine('busybox', name='joiner', unit='none@')
    found = run('box-run', '-q', '--pipe', '-M', 'joiner', '-U', f'--network-namespace-path=netns/{namespace}', '--', 'ls',
                '/sys/class/net', cwd='/run')
    assert 'inside0' in found.stdout.split()
    assert made.path.exists()


@pytest.mark.parametrize('path, why', [('/etc/passwd', 'not a network namespace'), ('/proc/1/ns/mnt', 'not a network namespace'),
                                       ('/run/netns/none', 'No such file or directory'), ('/dev/zero', 'not a network namespace')])
def test_invalid_namespace_path_is_refused(nothing_left, refusal, path, why):
    assert f'joiner.nspawn:2: NamespacePath={path}: {why}' in refusal(f'NamespacePath={path}', name='joiner')


def test_namespace_conflicts_with_links(nothing_left, namespace, refusal):
    status = refusal(f'NamespacePath=/run/netns/{namespace}\nVirtualEthernet=yes', name='joiner')
    assert 'joiner.nspawn:2: NamespacePath=' in status and 'VirtualEthernet=' in status and 'joiner.nspawn:3' in status
