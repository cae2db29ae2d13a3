# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine's network: links by .nspawn file, addresses by DHCP of the host's networkd or of another server, and
the same names and MAC addresses as by systemd-nspawn, so that a machine keeps them when it is migrated."""

import json
import re
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

pytestmark = pytest.mark.quick


def in_network(machine, *command):
    """Runs a command of the host in the machine's network namespace."""
    return output('nsenter', '-t', machine.leader(), '-n', *command)


def links(machine):
    """The machine's links except lo, by name."""
    found = json.loads(in_network(machine, 'ip', '-json', 'address'))
    return {link['ifname']: link for link in found if link['ifname'] != 'lo'}


def host_links():
    return {link['ifname']: link for link in json.loads(output('ip', '-json', '-details', 'link'))}


def address(machine, link, family='inet'):
    """The first global address of a link; None without one."""
    for each in links(machine).get(link, {}).get('addr_info', []):
        if each['family'] == family and each['scope'] == 'global':
            return each['local']
    return None


@pytest.fixture(scope='module')
def deb(module_machine):
    machine = module_machine('deb12', name='net-deb')
    machine.start()
    return machine


@pytest.fixture
def busybox(machine):
    """busybox(network): a running machine with this [Network] section."""
    def start(network, name=None):
        made = machine('busybox', name=name)
        made.write_file(f'[Network]\n{network}\n')
        made.start()
        return made
    return start


# -------------------------------------------------------------------- the default veth pair of the unit

def test_host0_gets_a_lease_from_the_host(deb):
    lease = wait_for(lambda: address(deb, 'host0'))
    assert re.match(r'192\.168\.|172\.|10\.|169\.254\.', lease)
    assert deb.exec('systemctl', 'is-active', 'systemd-networkd').stdout == 'active\n'


def test_host_and_machine_ping_each_other(deb):
    inside = wait_for(lambda: address(deb, 'host0'))
    run('ping', '-c1', '-W5', inside)
    gateway = wait_for(lambda: json.loads(in_network(deb, 'ip', '-json', 'route', 'show', 'default')))[0]['gateway']
    own = json.loads(output('ip', '-json', 'address', 'show', 've-net-deb'))[0]['addr_info']
    assert gateway in [each['local'] for each in own]
    in_network(deb, 'ping', '-c1', '-W5', gateway)


def test_machine_address_in_machined_and_nss(deb):
    inside = wait_for(lambda: address(deb, 'host0'))
    assert inside in output('machinectl', 'status', '--no-pager', deb.name)
    assert inside in output('getent', 'ahosts', deb.name)


def test_links_are_named_for_the_machine(deb):
    assert set(links(deb)) == {'host0'}
    assert 've-net-deb' in host_links()
    index = int(output('cat', '/sys/class/net/ve-net-deb/ifindex'))
    assert output('busctl', 'get-property', 'org.freedesktop.machine1', '/org/freedesktop/machine1/machine/net_2ddeb',
                  'org.freedesktop.machine1.Machine', 'NetworkInterfaces') == f'ai 1 {index}'


def test_a_long_name_is_shortened_as_systemd_nspawn_does(busybox):
    """With the full name as an alternative name."""
    name = 'net-with-a-long-name'
    first = busybox('VirtualEthernet=yes', name=name)
    ours = {link: each for link, each in host_links().items() if f've-{name}' in each.get('altnames', [])}
    mac = links(first)['host0']['address']
    first.stop()
    nspawn = support.Machine(name, unit='systemd-nspawn@')
    nspawn.start()
    theirs = {link: each for link, each in host_links().items() if f've-{name}' in each.get('altnames', [])}
    their_mac = links(nspawn)['host0']['address']
    run('systemctl', 'kill', '--signal=KILL', nspawn.unit)
    wait_for(lambda: nspawn.property('ActiveState') in ('failed', 'inactive'))
    run('systemctl', 'reset-failed', nspawn.unit, check=False)
    assert len(ours) == 1 and list(ours) == list(theirs)
    assert [each['address'] for each in ours.values()] == [each['address'] for each in theirs.values()]
    assert mac == their_mac


# -------------------------------------------------------------------- by .nspawn file

def test_private_no_uses_the_host_s_network(nothing_left, busybox):
    machine = busybox('Private=no')
    assert support.Path(f'/proc/{machine.leader()}/ns/net').readlink() == support.Path('/proc/1/ns/net').readlink()
    machine.stop()


def test_private_alone_has_no_link(nothing_left, busybox):
    machine = busybox('Private=yes')
    assert links(machine) == {}
    assert 'LOOPBACK,UP' in in_network(machine, 'ip', 'link', 'show', 'lo')
    machine.stop()


def test_bridge(nothing_left, busybox):
    run('ip', 'link', 'add', 'br-test', 'type', 'bridge')
    try:
        run('ip', 'link', 'set', 'br-test', 'up')
        one, two = busybox('Bridge=br-test', name='net-br-1'), busybox('Bridge=br-test', name='net-br-2')
        for machine in (one, two):
            outer = host_links()[f'vb-{machine.name}']
            assert outer['master'] == 'br-test' and 'UP' in outer['flags']
        for number, machine in enumerate((one, two), 1):
            machine.exec('ip', 'address', 'add', f'10.44.0.{number}/24', 'dev', 'host0')
            machine.exec('ip', 'link', 'set', 'host0', 'up')
        one.exec('ping', '-c1', '-W5', '10.44.0.2')
        run('systemctl', 'stop', one.unit, two.unit)
        assert not [link for link in host_links() if link.startswith('vb-')]
    finally:
        run('ip', 'link', 'delete', 'br-test')


def test_bridge_of_a_zone_goes_with_its_last_machine(nothing_left, busybox):
    one, two = busybox('Zone=test', name='net-zn-1'), busybox('Zone=test', name='net-zn-2')
    for machine in (one, two):
        assert host_links()[f'vb-{machine.name}']['master'] == 'vz-test'
    one.stop()
    assert 'vz-test' in host_links()
    result = run('box-run', '-q', '-D', one.path, '-M', one.name, '-U', '--network-zone=test', '/bin/true')
    assert result.stderr == '' and 'vz-test' in host_links()
    two.stop()
    assert 'vz-test' not in host_links()
    assert run('box-run', '-q', '-D', one.path, '-M', one.name, '--network-zone=test', '/bin/true').stderr == ''
    assert 'vz-test' not in host_links()


def test_macvlan_gets_a_lease_from_a_server_behind_its_parent(nothing_left, dhcp_network, machine):
    """By the machine's own networkd."""
    deb = machine('deb12', name='net-mv')
    deb.write_file(f'[Network]\nMACVLAN={dhcp_network.parent}\n')
    deb.start()
    name = f'mv-{dhcp_network.parent}'
    assert set(links(deb)) == {name}
    lease = wait_for(lambda: address(deb, name))
    assert dhcp_network.leases()[links(deb)[name]['address']] == lease
    dhcp_network.inside('ping', '-c1', '-W5', lease)
    before = links(deb)[name]['address']
    run('systemctl', 'restart', deb.unit)
    assert links(deb)[name]['address'] == before
    deb.stop()
    assert dhcp_network.parent in host_links()


def test_interface_is_moved_and_returned(nothing_left, busybox):
    support.add_veth_pair('give0', 'give1')
    try:
        mac = host_links()['give0']['address']
        machine = busybox('Interface=give0:lent')
        assert 'give0' not in host_links()
        assert links(machine)['lent']['address'] == mac
        machine.stop()
        assert host_links()['give0']['address'] == mac
    finally:
        run('ip', 'link', 'delete', 'give1')


def test_unknown_parent_is_refused_by_name(nothing_left, machine):
    made = machine('busybox')
    made.write_file('[Network]\nMACVLAN=nowhere9\n')
    result = run('box-run', '-M', made.name, '--settings=yes', '--boot', check=False)
    assert result.returncode != 0 and f'{made.name}.nspawn:2: MACVLAN=nowhere9: no such interface' in result.stderr


@pytest.mark.parametrize('network, inside', [('MACVLAN=late0', 'mv-late0'), ('Interface=late0:lan', 'lan'),
                                             ('Bridge=late0', 'host0')])
def test_a_unit_waits_for_an_interface(nothing_left, machine, network, inside):
    """As early in the host's boot."""
    made = machine('busybox', name='patient')
    made.write_file(f'[Exec]\nBoot=no\nParameters=/bin/sleep 10000\n[Network]\n{network}\n')
    run('systemctl', 'start', '--no-block', made.unit)
    wait_for(lambda: 'Waiting for interface late0' in made.property('StatusText'))
    kind = ['bridge'] if network.startswith('Bridge') else ['veth', 'peer', 'name', 'late1']
    # that of another one is no reason to go on
    run('ip', 'link', 'add', 'early0', 'type', 'veth', 'peer', 'name', 'early1')
    run('ip', 'link', 'delete', 'early0')
    assert made.property('ActiveState') == 'activating'
    run('ip', 'link', 'add', 'late0', 'type', *kind)
    try:
        wait_for(made.is_active)
        assert [*links(made)] == [inside]
        made.stop()
    finally:
        run('ip', 'link', 'delete', 'late0')


def test_waiting_for_an_interface_may_outlast_the_bus_s_patience(nothing_left, machine):
    """With a connection that it opens before, and gives up after 2 s (else 30)."""
    made = machine('busybox', name='patient')
    made.write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 10000\n[Network]\nMACVLAN=late0\n')
    limit = Path('/etc/dbus-1/system.d/box-test.conf')
    limit.write_text('<busconfig><limit name="auth_timeout">2000</limit></busconfig>\n')
    try:
        run('systemctl', 'reload', 'dbus.service')
        run('systemctl', 'start', '--no-block', made.unit)
        wait_for(lambda: 'Waiting for interface late0' in made.property('StatusText'))
        time.sleep(3)
        run('ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1')
        wait_for(made.is_active)
        assert output('machinectl', 'show', '--value', '--property=State', made.name) == 'running'
        made.stop()
    finally:
        run('ip', 'link', 'delete', 'late0', check=False)
        limit.unlink()
        run('systemctl', 'reload', 'dbus.service')


def test_waiting_for_an_interface_ends_with_a_stop(nothing_left, machine):
    made = machine('busybox', name='patient')
    made.write_file('[Network]\nMACVLAN=nowhere9\n')
    run('systemctl', 'start', '--no-block', made.unit)
    wait_for(lambda: 'Waiting for interface nowhere9' in made.property('StatusText'))
    made.stop(timeout=60)
    assert made.property('ActiveState') in ('inactive', 'failed')


def test_what_is_no_bridge_is_refused_by_name(nothing_left, machine):
    made = machine('busybox', name='no-bridge')
    support.add_veth_pair('vz-plain', 'plain0')
    try:
        for network, said in (('Bridge=vz-plain', 'Bridge=vz-plain: not a bridge'),
                              ('Zone=plain', 'Zone=: interface vz-plain exists and is not a bridge'),
                              ('Bridge=lo', 'Bridge=lo: not a bridge')):
            made.write_file(f'[Network]\n{network}\n')
            assert made.start(check=False).returncode != 0
            assert f'{made.name}.nspawn:2: {said}' in made.property('StatusText')
            checked = run('boxctl', 'check', made.name, check=False)
            assert checked.returncode != 0 and said in checked.stdout + checked.stderr
    finally:
        run('ip', 'link', 'delete', 'vz-plain')


def test_link_of_the_same_name_is_an_error_that_names_it(nothing_left, machine):
    made = machine('busybox', name='net-taken')
    run('ip', 'link', 'add', 've-net-taken', 'type', 'veth', 'peer', 'name', 'taken1')
    try:
        assert made.start(check=False).returncode != 0
        assert 've-net-taken' in made.property('StatusText')
        assert 've-net-taken' in host_links()       # of another owner: not removed
    finally:
        run('ip', 'link', 'delete', 've-net-taken')
