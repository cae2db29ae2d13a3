# SPDX-License-Identifier: LGPL-2.1-or-later
"""Port=: ports of the host that are forwarded to a machine, from another network and from the host itself."""

import subprocess

import pytest

import support
from support import output, run, wait_for
from test_links import COMMAND
from test_network import host_links, in_network, links

# Answers each connection, or datagram, with its argument.
SERVER = '''
import socket, sys
kind, port, word = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('::', port))
if kind == 'tcp':
    s.listen(8)
print('ready', flush=True)
while True:
    if kind == 'tcp':
        c, _ = s.accept()
        c.sendall(word)
        c.close()
    else:
        s.sendto(word, s.recvfrom(64)[1])
'''
CLIENT = '''
import socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ':' in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
s.settimeout(2)
try:
    s.connect((host, port))
    if kind == 'udp':
        s.send(b'?')
    print(s.recv(64).decode(), end='')
except OSError:
    pass
'''


def ask(host, port, kind='tcp', where=()):
    """The answer at this port; '' without one."""
    return output(*where, 'python3', '-c', CLIENT, kind, host, port)


def answered(host, where, port=8080, word='web'):
    """Waits for an answer: hosts that have not met have to find each other first."""
    wait_for(lambda: ask(host, port, where=where) == word)


@pytest.fixture(scope='module')
def outside():
    """A network beyond the host: the words that run a command there. The host is 10.77.0.1 and fd77::1 to it."""
    forwarding = ['net.ipv4.conf.all.forwarding', 'net.ipv6.conf.all.forwarding']
    before = [output('sysctl', '-n', name) for name in forwarding]
    run('ip', 'netns', 'add', 'outside')
    run('ip', 'link', 'add', 'out0', 'type', 'veth', 'peer', 'name', 'out1', 'netns', 'outside')
    inside = ('ip', 'netns', 'exec', 'outside')
    for where, link, number in (((), 'out0', 1), (inside, 'out1', 2)):
        run(*where, 'ip', 'address', 'add', f'10.77.0.{number}/24', 'dev', link)
        run(*where, 'ip', 'address', 'add', f'fd77::{number}/64', 'dev', link, 'nodad')
        run(*where, 'ip', 'link', 'set', link, 'up')
    for name in forwarding:
        run('sysctl', '-q', f'{name}=1')
    yield inside
    run('ip', 'link', 'delete', 'out0')
    run('ip', 'netns', 'delete', 'outside')
    for name, value in zip(forwarding, before):
        run('sysctl', '-q', f'{name}={value}')


class Served:
    """A machine on a veth pair that only the test configures, with servers that run in its network."""

    def __init__(self, machine):
        self.machine = machine
        self.servers = []

    def configure(self, number=2):
        run('ip', 'address', 'add', '10.78.0.1/24', 'dev', 'portwire')
        run('ip', 'address', 'add', 'fd78::1/64', 'dev', 'portwire', 'nodad')
        run('ip', 'link', 'set', 'portwire', 'up')
        self.inside('ip', 'link', 'set', 'host0', 'up')
        self.give(number)

    def inside(self, *command):
        return in_network(self.machine, *command)

    def give(self, number):
        self.inside('ip', 'address', 'add', f'10.78.0.{number}/24', 'dev', 'host0')
        self.inside('ip', 'address', 'add', f'fd78::{number}/64', 'dev', 'host0', 'nodad')
        self.inside('ip', 'route', 'replace', 'default', 'via', '10.78.0.1')
        self.inside('ip', '-6', 'route', 'replace', 'default', 'via', 'fd78::1')

    def take(self, number):
        self.inside('ip', 'address', 'delete', f'10.78.0.{number}/24', 'dev', 'host0')
        self.inside('ip', 'address', 'delete', f'fd78::{number}/64', 'dev', 'host0')

    def serve(self, kind, port, word):
        server = subprocess.Popen(['nsenter', '-t', str(self.machine.leader()), '-n', 'python3', '-c', SERVER, kind, str(port),
                                   word], stdout=subprocess.PIPE)
        self.servers.append(server)
        assert server.stdout.readline() == b'ready\n'

    def close(self):
        for server in self.servers:
            server.kill()
            server.wait()
            server.stdout.close()


@pytest.fixture
def served(machine):
    """served(ports, name='ports'): a running machine with these lines in [Network] and a configured veth pair."""
    made = []

    def start(ports, name='ports'):
        box = machine('busybox', name=name)
        box.write_file(f'[Network]\nVirtualEthernetExtra=portwire:host0\n{ports}\n{COMMAND}')
        box.start()
        one = Served(box)
        made.append(one)
        one.configure()
        return one
    yield start
    for one in made:
        one.close()


def rules(name):
    return run('nft', 'list', 'table', 'inet', f'box-{name}', check=False).stdout


def test_ports_are_forwarded_to_the_machine(nothing_left, outside, served):
    web = served('Port=8080:80 udp:5300:53\nPort=443')
    for kind, port, word in (('tcp', 80, 'web'), ('tcp', 443, 'safe'), ('udp', 53, 'dns')):
        web.serve(kind, port, word)
    answered('fd77::1', outside)
    for host in ('10.77.0.1', 'fd77::1', '10.78.0.1'):
        assert ask(host, 8080, where=outside if '77' in host else ()) == 'web'
        assert ask(host, 443, where=outside if '77' in host else ()) == 'safe'
        assert ask(host, 5300, 'udp', where=outside if '77' in host else ()) == 'dns'

    # not forwarded: other ports, the other protocol, the host's loopback
    assert ask('10.77.0.1', 80, where=outside) == ''
    assert ask('10.77.0.1', 5300, where=outside) == ''
    assert ask('127.0.0.1', 8080) == '' and ask('::1', 8080) == ''
    # nor packets that the host only routes
    assert ask('10.78.0.2', 8080, where=outside) == ''
    web.machine.stop()
    assert ask('10.77.0.1', 8080, where=outside) == ''


def test_ports_follow_the_machine_s_address(nothing_left, outside, served):
    web = served('Port=8080:80')
    web.serve('tcp', 80, 'web')
    answered('10.77.0.1', outside)
    web.take(2)
    web.give(7)
    wait_for(lambda: '10.78.0.7' in rules('ports') and 'fd78::7' in rules('ports'))
    for host in ('10.77.0.1', 'fd77::1'):
        answered(host, outside)
    web.take(7)
    wait_for(lambda: 'dnat' not in rules('ports'))
    web.machine.stop()


def test_a_flood_of_address_changes_does_not_keep_the_supervisor_busy(nothing_left, served):
    web = served('Port=8080:80')
    pid = web.machine.property('MainPID')

    def cpu():
        fields = support.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100
    before = cpu()
    web.inside('sh', '-c', 'for i in $(seq 1000); do echo "address replace 10.99.$((i % 200)).1/24 dev host0"; '
                           'echo "address delete 10.99.$((i % 200)).1/24 dev host0"; done | ip -batch -')
    wait_for(lambda: '10.78.0.2' in rules('ports'))
    assert cpu() - before < 1
    web.machine.stop()


def test_rules_are_removed_with_the_supervisor(nothing_left, served):
    web = served('Port=8080:80')
    wait_for(lambda: '10.78.0.2' in rules('ports'))
    assert run('nft', 'delete', 'table', 'inet', 'box-ports', check=False).returncode != 0
    run('systemctl', 'kill', '--signal=KILL', '--kill-whom=main', web.machine.unit)
    wait_for(lambda: not rules('ports'))
    wait_for(lambda: web.machine.property('ActiveState') == 'failed')
    wait_for(lambda: 'portwire' not in host_links())
    web.machine.start()
    web.configure()
    wait_for(lambda: '10.78.0.2' in rules('ports'))
    web.machine.stop()
    assert not support.Path('/run/box/.ports/tcp-8080').exists()


def test_port_of_another_machine_is_refused(nothing_left, served, machine):
    web = served('Port=8080:80')
    second = machine('busybox', name='ports-2')
    second.write_file(f'[Network]\nPort=8080:81\n{COMMAND}')
    assert second.start(check=False).returncode != 0
    assert "ports-2.nspawn:2: Port=tcp:8080: the host's port belongs to machine ports" in second.property('StatusText')
    wait_for(lambda: '10.78.0.2' in rules('ports'))

    # the machine still has the unit's veth pair: Port= is not a link setting
    second.write_file(f'[Network]\nPort=udp:8080:81\n{COMMAND}')
    second.start()
    assert 'host0' in links(second) and 've-ports-2' in host_links()
    web.machine.stop()
    second.stop()


def test_ports_are_not_forwarded_to_the_host(nothing_left, served):
    """The payload adds an address of the host."""
    web = served('Port=8080:80')
    web.take(2)
    for address in ('10.78.0.1/32', '127.0.0.9/32'):
        web.inside('ip', 'address', 'add', address, 'dev', 'lo', 'scope', 'global')
    wait_for(lambda: 'dnat' not in rules('ports'))
    web.inside('ip', 'address', 'add', '10.78.0.9/24', 'dev', 'host0')
    wait_for(lambda: '10.78.0.9' in rules('ports'))
    assert '10.78.0.1:' not in rules('ports') and '127.0.0.9' not in rules('ports')
    web.machine.stop()


def test_ports_lead_to_no_other_machine_and_no_other_network(nothing_left, outside, served, machine):
    """The payload adds their addresses: of a machine on another link, of a host beyond the host, of one that the host has no
    route to. They are used once the host routes them to the machine."""
    web = served('Port=8080:80')
    web.serve('tcp', 80, 'web')
    other = machine('busybox', name='ports-2')
    other.write_file(f'[Network]\nVirtualEthernetExtra=otherwire:host0\n{COMMAND}')
    other.start()
    run('ip', 'address', 'add', '10.79.0.1/24', 'dev', 'otherwire')
    run('ip', 'link', 'set', 'otherwire', 'up')
    for command in ('ip address add 10.79.0.2/24 dev host0', 'ip link set host0 up'):
        in_network(other, *command.split())
    second = Served(other)
    second.serve('tcp', 80, 'other')
    try:
        wait_for(lambda: ask('10.79.0.2', 80) == 'other')
        answered('10.77.0.1', outside)
        web.take(2)
        foreign = ['10.79.0.2', '10.77.0.2', '203.0.113.9', 'fd77::2', 'fd99::2']
        for each in foreign:
            web.inside('ip', 'address', 'add', each, 'dev', 'host0')
        wait_for(lambda: 'dnat' not in rules('ports'))
        # both seen by the rules: a later change is
        web.inside('ip', 'address', 'add', '10.78.0.9/24', 'dev', 'host0')
        web.inside('ip', 'address', 'add', 'fd78::9/64', 'dev', 'host0', 'nodad')
        wait_for(lambda: '10.78.0.9' in rules('ports') and 'fd78::9' in rules('ports'))
        assert not [each for each in foreign if f'{each}:' in rules('ports').replace('[', '').replace(']', '')]
        assert ask('10.77.0.1', 8080, where=outside) != 'other'

        run('ip', 'route', 'add', '203.0.113.9', 'via', '10.78.0.9', 'dev', 'portwire')
        wait_for(lambda: '203.0.113.9:80' in rules('ports'))
        run('ip', 'route', 'delete', '203.0.113.9')
        wait_for(lambda: '10.78.0.9:80' in rules('ports'))
    finally:
        second.close()
    other.stop()
    web.machine.stop()


def test_ports_in_a_bridge(nothing_left, machine):
    """The machine's link is the bridge's port, its route the bridge's."""
    run('ip', 'link', 'add', 'br-ports', 'type', 'bridge')
    try:
        run('ip', 'address', 'add', '10.80.0.1/24', 'dev', 'br-ports')
        run('ip', 'link', 'set', 'br-ports', 'up')
        web = machine('busybox', name='ports')
        web.write_file(f'[Network]\nBridge=br-ports\nPort=8080:80\n{COMMAND}')
        web.start()
        in_network(web, 'ip', 'address', 'add', '10.80.0.2/24', 'dev', 'host0')
        in_network(web, 'ip', 'link', 'set', 'host0', 'up')
        wait_for(lambda: '10.80.0.2:80' in rules('ports'))
        # the host's address, and so its route, comes later than the machine's
        run('ip', 'address', 'delete', '10.80.0.1/24', 'dev', 'br-ports')
        wait_for(lambda: 'dnat' not in rules('ports'))
        run('ip', 'address', 'add', '10.80.0.1/24', 'dev', 'br-ports')
        wait_for(lambda: '10.80.0.2:80' in rules('ports'))
        web.stop()
    finally:
        run('ip', 'link', 'delete', 'br-ports')


def test_ports_follow_a_lease(nothing_left, machine):
    """The common case: the unit's veth pair, an address from networkd on the host."""
    deb = machine('deb12', name='ports-deb')
    deb.write_file('[Network]\nPort=8022:22\n')
    deb.start()
    wait_for(lambda: 'dnat ip to' in rules('ports-deb'))
    deb.stop()


def test_what_keeps_ports_from_working_is_said(nothing_left, outside, served, machine):
    """In the journal once, in the status as long as it is so."""
    def note():
        return run('boxctl', 'status', 'ports', '--lines=0').stdout
    listener = subprocess.Popen(['python3', '-c', SERVER, 'tcp', '8080', 'host'], stdout=subprocess.PIPE)
    try:
        assert listener.stdout.readline() == b'ready\n'
        web = served('Port=8080:80')
        said = 'ports.nspawn:3: Port=tcp:8080 takes connections from a program of the host'
        assert said in note() and said in web.machine.journal()
        wait_for(lambda: 'leads nowhere' not in note())
        run('sysctl', '-q', 'net.ipv4.conf.all.forwarding=0')
        wait_for(lambda: 'net.ipv4.ip_forward is 0' in note())
        run('sysctl', '-q', 'net.ipv4.conf.all.forwarding=1')
        wait_for(lambda: 'net.ipv4.ip_forward is 0' not in note())
        assert web.machine.journal().count('net.ipv4.ip_forward is 0') == 1
        web.take(2)
        wait_for(lambda: 'Port= leads nowhere: the machine has no address' in note())

        second = machine('busybox', name='ports-2')
        second.write_file(f'[Network]\nPort=8080:81 8081\n{COMMAND}')
        checked = run('boxctl', 'check', 'ports-2', check=False)
        assert checked.returncode != 0
        assert "ports-2.nspawn:2: Port=tcp:8080: the host's port belongs to machine ports" in checked.stdout + checked.stderr
        assert '8081:' not in checked.stdout + checked.stderr
        assert run('boxctl', 'check', 'ports').returncode == 0
        web.machine.stop()
        assert run('boxctl', 'check', 'ports-2').returncode == 0
    finally:
        listener.kill()
        listener.wait()
        listener.stdout.close()
        run('sysctl', '-q', 'net.ipv4.conf.all.forwarding=1')


@pytest.mark.parametrize('switch', ['--port=', '--network-interface=', '--network-macvlan=', '--network-ipvlan=',
                                    '--network-veth-extra=', '--network-bridge=', '--network-zone='])
def test_empty_switches_are_refused(machine, switch):
    """As by systemd-nspawn: a variable of a script may be unset. In a file, KEY= takes back."""
    made = machine('busybox', name='ports')
    result = run('box-run', '-M', 'ports', '--settings=no', '--network-veth', switch, '--', 'true', check=False)
    assert result.returncode == 1 and f'{switch} needs a value' in result.stderr
    assert run('box-run', '-q', '-M', 'ports', '--settings=no', '--network-veth', '--', 'true').returncode == 0
    assert made.path.exists()


def test_ports_need_a_network(nothing_left, machine):
    made = machine('busybox', name='ports')
    made.write_file('[Network]\nPrivate=no\nPort=8080\n')
    assert made.start(check=False).returncode != 0
    status = made.property('StatusText')
    assert 'ports.nspawn:3: Port=8080' in status and 'ports.nspawn:2' in status
    result = run('box-run', '-M', 'ports', '-p', '80', '--settings=no', '--', 'true', check=False)
    assert result.returncode == 1 and '--port=' in result.stderr and 'for example --network-veth' in result.stderr
