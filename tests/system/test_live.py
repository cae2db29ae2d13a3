# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes of machines that run: settings are compared, set, applied and undone, all or nothing."""

import json
import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from support import MACHINES, add_veth_pair, output, remove_tree, run, wait_for

DROP_INS = Path('/run/systemd/nspawn')
SAVED = Path('/etc/systemd/nspawn')


def boxctl(*words, **options):
    return run('boxctl', *words, **options)


def pending(machine):
    return json.loads(output('boxctl', 'pending', '-o', 'json', machine.name))[0]['changes']


def refused(*words):
    result = boxctl(*words, check=False)
    # By class: 1 failed, 2 wrong words or values, 3 no such thing.
    assert result.returncode in (1, 2, 3), result.stdout + result.stderr
    return result.stderr


def processes(machine):
    cgroup = Path('/sys/fs/cgroup') / output('systemctl', 'show', '-P', 'ControlGroup', machine.unit).lstrip('/')
    return [int(pid) for procs in (cgroup / 'payload').rglob('cgroup.procs') for pid in procs.read_text().split()]


def inside(machine, *command, **options):
    """A command in the machine's namespaces, as its root."""
    return run('nsenter', f'--target={machine.leader()}', '--all', '--', *command, **options)


FILE = '[Exec]\nBoot=yes\nPrivateUsers={users}\n[Network]\nVirtualEthernet=yes\n'


@pytest.fixture(scope='module', params=['busybox-pick', 'deb12-no'])
def live(request, module_machine):
    tree, users = request.param.split('-')
    m = module_machine(tree=tree, name=f'live-{request.param}')
    m.write_file(FILE.format(users=users))
    m.users = users
    m.start()
    return m


@pytest.fixture(autouse=True)
def as_it_was(request):
    yield
    if 'live' not in request.fixturenames:
        return
    m = request.getfixturevalue('live')
    for place in DROP_INS, SAVED:
        for file in (place / f'{m.name}.nspawn.d').glob('*'):
            file.unlink()
    m.write_file(FILE.format(users=m.users))
    boxctl('apply', m.name)
    assert pending(m) == []


# ---------------------------------------------------------------- comparing

def test_nothing_is_pending_after_a_start(live):
    assert pending(live) == []
    assert 'runs with the settings of its files' in boxctl('pending', live.name).stderr
    path = Path(f'/run/box/{live.name}/settings')
    assert path.stat().st_mode & 0o777 == 0o600


def test_edits_are_shown_with_their_place_and_what_they_need(live):
    live.write_file(FILE.format(users=live.users) + '[X-Resources]\nTasksMax=500\n[Exec]\nHostname=other\n')
    lines = output('boxctl', 'pending', live.name).splitlines()
    assert f'{live.file}:7: TasksMax=500; can be applied now' in lines
    assert f'{live.file}:9: Hostname=other; needs a restart: it is set when a machine starts' in lines
    assert len(lines) == 2
    assert 'needs a restart: 1 setting' in output('boxctl', 'status', live.name)
    assert 'needs a restart: 1 setting' in output('boxctl', 'list')
    assert json.loads(output('boxctl', 'status', '-o', 'json', live.name))[0]['pending'] == 'needs a restart: 1 setting'

    applied = boxctl('apply', live.name)
    assert 'TasksMax=500; applied' in applied.stdout
    assert 'needs a restart: 1 setting' in applied.stderr
    assert [c['key'] for c in pending(live)] == ['Hostname']
    live.write_file(FILE.format(users=live.users))
    assert 'restart' not in output('boxctl', 'status', live.name)
    assert 'restart' not in output('boxctl', 'list')


def test_a_file_with_an_error_changes_nothing(live):
    live.write_file(FILE.format(users=live.users) + '[X-Resources]\nTasksMax=500\nCPUWeight=much\n')
    assert 'CPUWeight=much' in refused('apply', live.name)
    assert 'would not start' in output('boxctl', 'status', live.name)
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) != '500'


def test_get_shows_what_is_in_force(live):
    live.write_file(FILE.format(users=live.users) + '[Exec]\nHostname=other\n')
    assert output('boxctl', 'get', live.name, 'Boot') == 'Boot=yes'
    assert output('boxctl', 'get', '--value', live.name, 'PrivateUsers') == live.users
    assert output('boxctl', 'get', live.name, 'Hostname') == ''
    values = json.loads(output('boxctl', 'get', '-o', 'json', live.name))
    assert {'section': 'Network', 'key': 'VirtualEthernet', 'value': 'yes'} in values
    assert 'did you mean Bind?' in refused('get', live.name, 'Bnd')


# ---------------------------------------------------------------- setting

def test_set_is_at_once_and_until_it_stops(live):
    boxctl('set', live.name, 'TasksMax=400')
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '400'
    assert output('boxctl', 'get', live.name, 'TasksMax') == 'TasksMax=400'
    drop_in = DROP_INS / f'{live.name}.nspawn.d' / '90-boxctl.conf'
    assert 'TasksMax=400' in drop_in.read_text()
    assert pending(live) == []
    boxctl('set', live.name, 'TasksMax=401')
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '401'
    boxctl('unset', live.name, 'TasksMax')
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '16384'
    assert not drop_in.parent.exists()


@pytest.mark.parametrize('words, message', [
    (['TasksMax=many'], 'TasksMax=many'),
    (['NoSuchKey=1'], "Unknown setting 'NoSuchKey'"),
    (['Bindd=/x'], 'did you mean Bind?'),
    (['TasksMax'], 'not KEY=VALUE'),
    (['Bind=relative'], 'Bind=relative'),
    (['Hostname=a\nb'], 'control characters'),
    (['Hostname=a\x1b[2J'], 'control characters'),
    (['TasksMax=300', 'CPUWeight=0'], 'CPUWeight=0'),
])
def test_bad_values_are_refused_before_anything_is_written(live, words, message):
    error = refused('set', live.name, *words)
    assert message in error
    assert '\x1b' not in error
    assert not (DROP_INS / f'{live.name}.nspawn.d').exists()
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '16384'


def test_names_of_machines_are_checked(live):
    for name in '../x', 'a/b', 'no-\nsuch', '':
        assert 'nvalid' in refused('set', name, 'TasksMax=1')
    assert 'does not run' in refused('pending', 'no-such-machine')


def test_only_root(live):
    for words in ['pending', live.name], ['apply', live.name], ['set', live.name, 'TasksMax=3'], ['bind', live.name, '/etc'], \
                 ['unset', live.name, 'TasksMax']:
        assert 'Only root' in run('runuser', '-u', 'nobody', '--', 'boxctl', *words, check=False).stderr
    assert 'restart' not in run('runuser', '-u', 'nobody', '--', 'boxctl', 'list').stdout


def test_unset_of_what_was_not_set(live):
    assert 'was not set by' in refused('unset', live.name, 'Boot')


def test_cpus_of_all_processes(live):
    before = {pid: os.sched_getaffinity(pid) for pid in processes(live)}
    boxctl('set', live.name, 'CPUAffinity=0')
    assert processes(live)
    assert all(os.sched_getaffinity(pid) == {0} for pid in processes(live))
    boxctl('unset', live.name, 'CPUAffinity')
    assert all(os.sched_getaffinity(pid) == cpus for pid, cpus in before.items() if Path(f'/proc/{pid}').exists())


def test_oom_score(live):
    score = Path(f'/proc/{live.leader()}/oom_score_adj')
    before = score.read_text()
    boxctl('set', live.name, 'OOMScoreAdjust=321')
    assert score.read_text() == '321\n'
    boxctl('set', live.name, 'OOMScoreAdjust=400')
    assert score.read_text() == '400\n'
    boxctl('unset', live.name, 'OOMScoreAdjust')
    assert score.read_text() == before


def test_saved_is_in_etc(live):
    boxctl('set', '--save', live.name, 'TasksMax=450')
    drop_in = SAVED / f'{live.name}.nspawn.d' / '80-boxctl.conf'
    assert 'TasksMax=450' in drop_in.read_text()
    # What is for now counts more.
    boxctl('set', live.name, 'TasksMax=460')
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '460'
    boxctl('unset', live.name, 'TasksMax')
    assert not drop_in.exists()


def test_for_a_time(live):
    boxctl('set', live.name, 'TasksMax=470')
    boxctl('set', '--for=2s', live.name, 'TasksMax=480')
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '480'
    wait_for(lambda: output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '470')
    assert [file.name for file in (DROP_INS / f'{live.name}.nspawn.d').iterdir()] == ['90-boxctl.conf']
    wait_for(lambda: not output('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'box-unset-*'))


# ---------------------------------------------------------------- mounts

@pytest.fixture
def source():
    # Of the lab's file systems, this one has idmapped mounts.
    path = MACHINES / 'live:of\\it'
    path.mkdir()
    (path / 'file').write_text('of the host\n')
    yield path
    remove_tree(path)


def quoted(path):
    """A path in Bind=."""
    return str(path).replace('\\', '\\\\').replace(':', '\\:')


def test_bind_and_unbind(live, source):
    boxctl('bind', live.name, source, '/mnt/new/place')
    assert inside(live, 'cat', '/mnt/new/place/file').stdout == 'of the host\n'
    inside(live, 'sh', '-c', 'echo written >/mnt/new/place/by-machine')
    # Root of the machine is root here.
    assert (source / 'by-machine').stat().st_uid == 0
    assert pending(live) == []
    boxctl('unbind', live.name, '/mnt/new/place')
    assert inside(live, 'ls', '-A', '/mnt/new/place').stdout == ''
    assert (source / 'file').exists()
    assert 'Nothing was bound' in refused('unbind', live.name, '/mnt/new/place')


def test_bind_read_only_cannot_be_made_writable(live, source):
    boxctl('bind', '--read-only', live.name, source, '/mnt')
    assert inside(live, 'sh', '-c', 'echo no >/mnt/by-machine', check=False).returncode != 0
    remounted = inside(live, 'mount', '-o', 'remount,bind,rw', '/mnt', check=False)
    if live.users != 'no':
        assert remounted.returncode != 0
        assert inside(live, 'sh', '-c', 'echo no >/mnt/by-machine', check=False).returncode != 0
    boxctl('unbind', live.name, '/mnt')


def test_bind_of_a_file(live, source):
    boxctl('bind', live.name, source / 'file', '/mnt/a-file')
    assert inside(live, 'cat', '/mnt/a-file').stdout == 'of the host\n'
    boxctl('unbind', live.name, '/mnt/a-file')


def test_destinations_stay_inside(live, source):
    outside = Path('/tmp/live-outside')
    for link, target in [('/mnt/absolute', '/tmp/live-outside'), ('/mnt/up', '../../../../tmp/live-outside')]:
        inside(live, 'ln', '-sfn', target, link)
        boxctl('bind', live.name, source, link)
        assert inside(live, 'cat', f'{link}/file').stdout == 'of the host\n'
        assert not outside.exists()
        boxctl('unbind', live.name, link)
        inside(live, 'rm', link)
    inside(live, 'ln', '-s', 'loop', '/mnt/loop')
    refused('bind', live.name, source, '/mnt/loop')
    inside(live, 'rm', '/mnt/loop')


@pytest.mark.parametrize('paths', [['/no/such/source', '/mnt'], ['relative', '/mnt'], ['/etc', 'mnt'], ['/etc', '/etc/passwd/x']])
def test_binds_that_fail_leave_nothing(live, paths):
    refused('bind', live.name, *paths)
    assert not (DROP_INS / f'{live.name}.nspawn.d').exists()
    assert pending(live) == []


def test_a_failure_half_way_undoes_all(live, source):
    mounts = Path(f'/proc/{live.leader()}/mountinfo').read_text()
    # The second fails: a file on a directory.
    error = refused('set', live.name, 'OOMScoreAdjust=55', 'Bind=/etc/hostname:/mnt', 'TasksMax=77')
    assert 'nothing was changed' in error
    assert Path(f'/proc/{live.leader()}/oom_score_adj').read_text() != '55\n'
    assert Path(f'/proc/{live.leader()}/mountinfo').read_text() == mounts
    assert output('systemctl', 'show', '-P', 'TasksMax', live.unit) == '16384'
    assert not (DROP_INS / f'{live.name}.nspawn.d').exists()
    assert pending(live) == []


def test_machinectl_lite_wants_mkdir(live, source):
    result = run('machinectl-lite', 'bind', live.name, source, '/mnt/not/there', check=False)
    assert result.returncode == 1
    assert '--mkdir' in result.stderr
    run('machinectl-lite', 'bind', '--mkdir', live.name, source, '/mnt/not/there')
    assert inside(live, 'cat', '/mnt/not/there/file').stdout == 'of the host\n'
    boxctl('unbind', live.name, '/mnt/not/there')


@pytest.fixture
def node():
    """A device of the host that only some test's machine has."""
    path = Path('/dev/box-live')
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    yield path
    path.unlink()


def allowed(machine):
    return dict(line.rsplit(' ', 1) for line in output('systemctl', 'show', '-P', 'DeviceAllow', machine.unit).splitlines())


def test_a_unit_allows_what_settings_name(live, node):
    before, drop_in = allowed(live), Path(f'/run/systemd/system.control/{live.unit}.d/50-DeviceAllow.conf')
    assert 'char-pts' in before
    boxctl('device', live.name, 'add', node)
    assert allowed(live) == before | {str(node): 'rw'}
    # Another setting names it, too, or another access to it.
    boxctl('set', live.name, f'Bind={node}:/dev/second')
    boxctl('device', live.name, 'remove', node)
    assert allowed(live) == before | {str(node): 'rw'}
    boxctl('unset', live.name, 'Bind')
    assert allowed(live) == before and not drop_in.exists()
    boxctl('set', live.name, f'BindReadOnly={node}', 'DeviceAllow=char-mem rw')
    assert allowed(live) == before | {str(node): 'r', 'char-mem': 'rw'}
    boxctl('unset', live.name, 'DeviceAllow')
    assert allowed(live) == before | {str(node): 'r'}
    # A failure puts back what was taken away.
    live.write_file(FILE.format(users=live.users) + '[Files]\nBind=/etc/hostname:/mnt\n')
    assert 'nothing was changed' in refused('unset', live.name, 'BindReadOnly')
    assert allowed(live) == before | {str(node): 'r'}
    live.write_file(FILE.format(users=live.users))
    # A device that is gone from the host.
    node.rename('/dev/box-live-gone')
    boxctl('unset', live.name, 'BindReadOnly')
    Path('/dev/box-live-gone').rename(node)
    assert allowed(live) == before and not drop_in.exists()


def test_what_the_files_of_a_unit_allow_stays(live, node):
    own = Path(f'/run/systemd/system/{live.unit}.d/devices.conf')
    own.parent.mkdir(exist_ok=True)
    own.write_text(f'[Service]\nDeviceAllow={node} r\n')
    run('systemctl', 'daemon-reload')
    try:
        before = allowed(live)
        assert before[str(node)] == 'r'
        boxctl('device', live.name, 'add', node)
        assert allowed(live) == before | {str(node): 'rw'}
        boxctl('device', live.name, 'remove', node)
        assert allowed(live) == before
    finally:
        own.unlink()
        own.parent.rmdir()
        run('systemctl', 'daemon-reload')


def test_device(live, node):
    assert 'not a path in /dev' in refused('device', live.name, 'add', '/etc/passwd')
    boxctl('device', live.name, 'add', node)
    assert inside(live, 'head', '-c', '1', node).stdout == '\0'
    assert output('boxctl', 'get', live.name, 'Bind') == f'Bind={node}:{node}'
    boxctl('device', live.name, 'remove', node)
    # What remains is what the node was mounted on.
    assert inside(live, 'head', '-c', '1', node, check=False).stdout == ''
    assert output('boxctl', 'get', live.name, 'Bind') == ''
    assert 'Nothing was bound' in refused('device', live.name, 'remove', node)
    # By bind as well, to another place, without an id map, which /dev has not.
    boxctl('bind', live.name, node, '/dev/of-host')
    assert inside(live, 'head', '-c', '1', '/dev/of-host').stdout == '\0'
    boxctl('unbind', live.name, '/dev/of-host')


# ---------------------------------------------------------------- the network

SERVER = '''
import socket, sys
s = socket.create_server(('', 80))
print('ready', flush=True)
while True:
    c, _ = s.accept()
    c.sendall(b'here')
    c.close()
'''
HOST = '10.79.0.1'


def host_side(machine):
    """The machine's veth pair on the host."""
    return next(path.parent.name for path in Path('/sys/class/net').glob('*/ifalias') if path.read_text().strip() == f'box:{machine.name}')


def connects(port):
    with socket.socket() as s:
        s.settimeout(3)
        try:
            s.connect((HOST, port))
            return s.recv(16) == b'here'
        except OSError:
            return False


@pytest.fixture(scope='module')
def network(live):
    """Addresses on its veth pair, and a server in its network."""
    link, namespace = host_side(live), f'--net=/proc/{live.leader()}/ns/net'
    if 'busybox' in live.name:
        # Its client of DHCP, which flushes addresses.
        wait_for(lambda: inside(live, 'killall', 'udhcpc', check=False).returncode == 0)
        wait_for(lambda: inside(live, 'pidof', 'udhcpc', check=False).returncode != 0)
    run('ip', 'address', 'add', f'{HOST}/24', 'dev', link)
    run('ip', 'link', 'set', link, 'up')
    run('nsenter', namespace, 'ip', 'address', 'add', '10.79.0.2/24', 'dev', 'host0')
    run('nsenter', namespace, 'ip', 'link', 'set', 'host0', 'up')
    server = subprocess.Popen(['nsenter', namespace, 'python3', '-c', SERVER], stdout=subprocess.PIPE)
    assert server.stdout.readline() == b'ready\n'
    yield namespace
    server.kill()
    server.wait()
    run('ip', 'address', 'delete', f'{HOST}/24', 'dev', link)


def table(machine):
    return f'box-{machine.name}' in output('nft', 'list', 'tables')


def test_ports(live, network):
    assert not connects(8080)
    assert 'tcp:8080:80; applied' in boxctl('port', live.name, 'add', '8080:80').stdout
    assert connects(8080)
    boxctl('set', live.name, 'Port=tcp:8081:80', 'Port=udp:8080')
    assert output('boxctl', 'port', live.name).splitlines() == ['Port=tcp:8080:80', 'Port=tcp:8081:80', 'Port=udp:8080:8080']
    assert connects(8080) and connects(8081)
    boxctl('port', live.name, 'remove', '8080')
    assert connects(8081) and not connects(8080)
    assert sorted(path.name for path in Path('/run/box/.ports').iterdir()) == ['tcp-8081', 'udp-8080']
    # The rules follow the machine's address.
    run('nsenter', network, 'ip', 'address', 'delete', '10.79.0.2/24', 'dev', 'host0')
    run('nsenter', network, 'ip', 'address', 'add', '10.79.0.3/24', 'dev', 'host0')
    wait_for(lambda: connects(8081))
    # An edited file counts as well.
    live.write_file(FILE.format(users=live.users) + 'Port=8082:80\n')
    assert 'Port=tcp:8082:80; can be applied now' in output('boxctl', 'pending', live.name)
    boxctl('apply', live.name)
    assert connects(8081) and connects(8082)
    live.write_file(FILE.format(users=live.users))
    boxctl('unset', live.name, 'Port')
    assert not connects(8081) and not connects(8082)
    assert not list(Path('/run/box/.ports').iterdir()) and not table(live)


@pytest.mark.parametrize('protocol, kind', [('tcp', socket.SOCK_STREAM), ('udp', socket.SOCK_DGRAM)])
def test_a_port_of_a_program_is_refused_with_its_name(live, network, protocol, kind):
    boxctl('port', live.name, 'add', '8080:80')
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(('0.0.0.0', 8090))
        if kind == socket.SOCK_STREAM:
            s.listen()
        program = Path('/proc/self/comm').read_text().strip()
        error = refused('set', live.name, 'OOMScoreAdjust=66', f'Port={protocol}:8090')
        assert f'90-boxctl.conf:5: Port={protocol}:8090: {program} (PID {os.getpid()}) listens on this port of the host' in error
        assert 'nothing was changed' in error
    assert Path(f'/proc/{live.leader()}/oom_score_adj').read_text() != '66\n'
    assert connects(8080) and output('boxctl', 'port', live.name) == 'Port=tcp:8080:80'
    boxctl('port', live.name, 'add', f'{protocol}:8090')
    boxctl('unset', live.name, 'Port')


def test_ports_are_undone_with_the_rest(live, network, source):
    boxctl('port', live.name, 'add', '8080:80')
    # Ports come before binds: a file on a directory.
    assert 'nothing was changed' in refused('set', live.name, 'Port=8081:80', 'MemoryMax=1G', 'Bind=/etc/hostname:/mnt')
    assert connects(8080) and not connects(8081)
    assert [path.name for path in Path('/run/box/.ports').iterdir()] == ['tcp-8080']
    boxctl('unset', live.name, 'Port')


@pytest.fixture
def interfaces():
    """Interfaces of the host: a parent, one to be moved, two bridges."""
    for name in 'liveparent', 'livemoved':
        add_veth_pair(name, f'{name}1')
    for name in 'livebridge1', 'livebridge2':
        run('ip', 'link', 'add', name, 'type', 'bridge')
    yield
    for name in 'liveparent1', 'livemoved1', 'livebridge1', 'livebridge2':
        run('ip', 'link', 'delete', name)


def links(*where):
    """Name and MAC address of each."""
    return {link['ifname']: link['address'] for link in json.loads(output(*where, 'ip', '-j', 'link'))}


def links_of(machine):
    return links('nsenter', f'--net=/proc/{machine.leader()}/ns/net')


def test_links(live, interfaces):
    before, on_host = links_of(live), set(links())
    boxctl('set', live.name, 'VirtualEthernetExtra=livewire:inner', 'MACVLAN=liveparent', 'MACVLAN=liveparent:second', 'Interface=livemoved:moved')
    now = links_of(live)
    assert set(now) - set(before) == {'inner', 'mv-liveparent', 'second', 'moved'}
    assert set(links()) == on_host - {'livemoved'} | {'livewire'}
    assert pending(live) == []
    # The addresses are those that a start would give; of one more, another.
    boxctl('unset', live.name, 'MACVLAN=liveparent')
    assert set(links_of(live)) - set(before) == {'inner', 'second', 'moved'}
    boxctl('set', live.name, 'MACVLAN=liveparent:third')
    assert links_of(live)['third'] == now['mv-liveparent'] != links_of(live)['second']
    boxctl('unset', live.name, 'MACVLAN', 'Interface', 'VirtualEthernetExtra')
    assert links_of(live) == before
    assert set(links()) == on_host


@pytest.mark.parametrize('last, message', [
    ('IPVLAN=liveparent', 'IPVLAN=liveparent: '),                       # the kernel: not beside a macvlan
    ('MACVLAN=no-such', 'MACVLAN=no-such: no such interface'),
    ('VirtualEthernetExtra=livebridge1', 'livebridge1 already exists'),
    ('Interface=livemoved:inner', 'the machine has another interface named inner'),
    ('Bind=/etc/hostname:/mnt', 'nothing was changed'),
])
def test_links_that_fail_leave_the_old_ones(live, interfaces, last, message):
    boxctl('set', live.name, 'MACVLAN=liveparent:first')
    before, on_host = links_of(live), links()
    words = ['VirtualEthernetExtra=livewire:inner', 'MACVLAN=liveparent', 'Interface=livemoved:moved', last]
    error = refused('set', live.name, *(words if 'livemoved:inner' not in last else [words[0], last]))
    assert message in error and 'nothing was changed' in error
    assert links_of(live) == before and links() == on_host
    boxctl('unset', live.name, 'MACVLAN')
    assert pending(live) == []


def linked(machine):
    """The links that the machine's state names, and the bridge of its veth pair; "": none."""
    state = Path(f'/run/box/{machine.name}/state').read_text().splitlines()
    names = [line.removeprefix('LINK=') for line in state if line.startswith('LINK=')]
    master = Path('/sys/class/net') / next(name.split()[0] for name in names if name.endswith(' host0')) / 'master'
    return names, master.readlink().name if master.exists() else ''


@pytest.mark.parametrize('tree', ['busybox', 'deb12'])
def test_the_veth_pair_and_its_zone(machine, interfaces, tree):
    on_host = set(links())
    m = machine(tree=tree, name='live-veth')
    m.write_file('[Exec]\nBoot=yes\n[Network]\nPrivate=yes\nVirtualEthernet=yes\n')
    m.start()
    mac, started = links_of(m)['host0'], set(links())
    assert linked(m) == (['ve-live-veth host0'], '')
    assert 'applied' in boxctl('set', m.name, 'VirtualEthernet=no').stdout
    assert 'host0' not in links_of(m) and set(links()) == on_host
    assert 'LINK' not in Path(f'/run/box/{m.name}/state').read_text()
    # Off and on, the second half fails.
    assert 'nothing was changed' in refused('set', m.name, 'Zone=live1', 'Bind=/etc/hostname:/mnt')
    assert 'host0' not in links_of(m) and set(links()) == on_host
    boxctl('set', m.name, 'Zone=live1')
    assert links_of(m)['host0'] == mac
    assert linked(m) == (['vb-live-veth host0'], 'vz-live1')
    # Another zone: the pair stays, with its addresses.
    namespace = f'--net=/proc/{m.leader()}/ns/net'
    run('nsenter', namespace, 'ip', 'address', 'add', '10.78.0.2/24', 'dev', 'host0')
    boxctl('set', m.name, 'Zone=live2')
    assert linked(m) == (['vb-live-veth host0'], 'vz-live2') and 'vz-live1' not in links()
    assert '10.78.0.2/24' in output('nsenter', namespace, 'ip', 'address', 'show', 'host0')
    assert 'nothing was changed' in refused('set', m.name, 'Zone=live1', 'Bind=/etc/hostname:/mnt')
    assert linked(m) == (['vb-live-veth host0'], 'vz-live2') and 'vz-live1' not in links()
    boxctl('unset', m.name, 'Zone')
    assert set(links()) == on_host
    boxctl('unset', m.name, 'VirtualEthernet')
    assert links_of(m)['host0'] == mac and set(links()) == started
    # Taken by another: neither has changed.
    run('ip', 'link', 'add', 'vb-live-veth', 'type', 'bridge')
    try:
        assert 'vb-live-veth already exists' in refused('set', m.name, 'Zone=live1')
        assert set(links()) == started | {'vb-live-veth'} and linked(m) == (['ve-live-veth host0'], '')
    finally:
        run('ip', 'link', 'delete', 'vb-live-veth')
    boxctl('set', m.name, 'Bridge=livebridge1')
    assert linked(m) == (['vb-live-veth host0'], 'livebridge1')
    boxctl('set', m.name, 'Bridge=', 'Zone=live3')
    assert linked(m) == (['vb-live-veth host0'], 'vz-live3')
    assert pending(m) == []
    m.stop()
    assert set(links()) == on_host
    assert not Path(f'/run/box/.zones/{m.name}').exists()


def test_a_network_of_its_own_is_not_given_up(live):
    assert 'VirtualEthernet=no (was yes); needs a restart: without it, the machine would be in the host\'s network' in \
        boxctl('set', live.name, 'VirtualEthernet=no').stdout
    assert 'host0' in links_of(live)
    boxctl('unset', live.name, 'VirtualEthernet')


def test_a_reboot_has_what_is_in_force(module_machine, interfaces, source):
    """By hand, where the same supervisor starts the machine again, twice."""
    m = module_machine(tree='busybox', name='live-hand')
    on_host = set(links())
    m.write_file('[Exec]\nBoot=yes\n[Network]\nPrivate=yes\nVirtualEthernet=yes\nPort=8071:80\n')
    box = subprocess.Popen(['box-run', '--quiet', '--console=pipe', '-U', f'--machine={m.name}', f'--directory={m.path}'], stdin=subprocess.DEVNULL)

    def leader():
        state = Path(f'/run/box/{m.name}/state')
        return dict(line.split('=', 1) for line in state.read_text().splitlines()).get('LEADER') if state.exists() else None
    try:
        before = wait_for(leader, timeout=60)
        wait_for(lambda: 'running' in boxctl('call', m.name, 'io.box.Machine.Describe', check=False).stdout, timeout=60)
        for round in range(2):
            words = [['Zone=live4', 'VirtualEthernetExtra=livewire', 'Port=8072:80', 'OOMScoreAdjust=99', f'Bind={quoted(source)}:/mnt'],
                     ['Zone=live5', 'MACVLAN=liveparent', 'OOMScoreAdjust=98']][round]
            boxctl('set', m.name, *words)
            boxctl('reboot', m.name)
            wait_for(lambda: leader() not in (None, before), timeout=60)
            before = leader()
            wait_for(lambda: pending(m) == [], timeout=60)
            names = links('nsenter', f'--net=/proc/{before}/ns/net')
            assert {'host0', 'livewire'} <= set(names) and ('mv-liveparent' in names) == (round == 1)
            assert linked(m)[1] == f'vz-live{4 + round}' and f'vz-live{5 - round}' not in links()
            assert sorted(path.name for path in Path('/run/box/.ports').iterdir()) == ['tcp-8071', 'tcp-8072']
            assert Path(f'/proc/{before}/oom_score_adj').read_text() == f'{99 - round}\n'
            assert (Path(f'/proc/{before}/root/mnt/file')).exists()
        boxctl('set', m.name, 'Zone=live6')
        boxctl('poweroff', m.name)
        assert box.wait(60) == 0
        assert set(links()) == on_host
        assert not (DROP_INS / f'{m.name}.nspawn.d').exists() and not Path(f'/run/box/.zones/{m.name}').exists()
    finally:
        box.kill()
        box.wait()


def in_force(machine):
    """All that is changed below, but for the numbers of mounts."""
    mounts = [line.split()[3:6] for line in Path(f'/proc/{machine.leader()}/mountinfo').read_text().splitlines()]
    return [mounts, Path(f'/proc/{machine.leader()}/oom_score_adj').read_text(), set(links_of(machine)), set(links()),
            sorted(path.name for path in Path('/run/box/.ports').glob('*')), table(machine),
            output('systemctl', 'show', '-P', 'TasksMax', machine.unit)]


@pytest.fixture(scope='module')
def faulty(module_machine):
    m = module_machine(tree='busybox', name='live-faulty')
    m.write_file(FILE.format(users='pick'))
    m.start()
    return m


# Of boxctl, of box-run --live and of its helpers: the N-th call fails, once in each process.
CALLS = [('connect', 2), ('connect', 3), ('connect', 4), ('connect', 5), ('connect', 6), ('rename', 1), ('setns', 1), ('setns', 2), ('unshare', 1),
         ('open_tree', 1), ('mount', 1), ('mount', 2), ('move_mount', 1), ('move_mount', 2), ('mount_setattr', 1), ('clone', 1), ('clone', 3),
         ('clone', 5), ('sendmsg', 2), ('sendmsg', 5), ('sendmsg', 8), ('sendto', 1), ('sendto', 3), ('sendto', 5), ('sendto', 7), ('sendto', 9),
         ('sendto', 12)]


def change_all(machine, source, *trace):
    words = ['OOMScoreAdjust=77', 'Zone=live8', 'MACVLAN=liveparent', 'Interface=livemoved', 'Port=8080:80', 'TasksMax=444', f'Bind={quoted(source)}:/mnt']
    result = run(*trace, 'boxctl', 'set', machine.name, *words, check=False)
    if result.returncode == 0:
        boxctl('unset', machine.name, *[word.split('=')[0] for word in words])
    return result


def test_all_can_be_changed_and_undone(faulty, interfaces, source):
    """The positive control of the next tests."""
    before = in_force(faulty)
    assert change_all(faulty, source).stdout.count('; applied\n') == 7
    assert in_force(faulty) == before


@pytest.mark.parametrize('call, n', CALLS)
def test_calls_that_fail_leave_the_old_state(faulty, interfaces, source, tmp_path, call, n):
    before, log = in_force(faulty), tmp_path / 'strace'
    result = change_all(faulty, source, 'strace', '-f', '-qq', '-o', log, '-e', f'trace={call}', '-e', f'inject={call}:error=EIO:when={n}')
    assert 'INJECTED' in log.read_text()
    # Two of a zone's bridge are only warned of.
    assert 'Input/output error' in result.stderr and (result.returncode != 0 or result.stderr.endswith(', ignoring: Input/output error\n')), result.stderr
    assert not (DROP_INS / f'{faulty.name}.nspawn.d').exists()
    assert in_force(faulty) == before, result.stderr
    assert pending(faulty) == []


@pytest.mark.parametrize('n', [2, 3, 4, 6, 8, 10])
def test_calls_of_the_supervisor_that_fail_leave_the_old_state(faulty, interfaces, source, tmp_path, n):
    """Its requests to the kernel's netlink, for links, then for the rules of ports; and its answers, which may be lost."""
    before, log = in_force(faulty), tmp_path / 'strace'
    box = output('systemctl', 'show', '-P', 'MainPID', faulty.unit)
    with subprocess.Popen(['strace', '-o', log, '-p', box, '-e', 'trace=sendto', '-e', f'inject=sendto:error=ENOBUFS:when={n}'],
                          stderr=subprocess.PIPE, text=True) as strace:
        assert 'attached' in strace.stderr.readline()
        result = change_all(faulty, source)
        strace.terminate()
    assert 'INJECTED' in log.read_text()
    assert 'nothing was changed' in result.stderr and ('No buffer space' in result.stderr or 'does not answer' in result.stderr), result.stderr
    assert in_force(faulty) == before
    assert pending(faulty) == []


def test_bridge(machine, interfaces):
    """And at the end, all that was added goes."""
    m = machine(tree='busybox')
    m.write_file('[Exec]\nBoot=yes\n[Network]\nBridge=livebridge1\n')
    on_host = set(links())
    m.start()
    port = Path('/sys/class/net') / host_side(m)
    assert (port / 'master').readlink().name == 'livebridge1'
    boxctl('set', m.name, 'Bridge=livebridge2', 'Interface=livemoved', 'VirtualEthernetExtra=livewire', 'MACVLAN=liveparent')
    assert (port / 'master').readlink().name == 'livebridge2'
    assert 'no such interface' in refused('set', m.name, 'Bridge=no-such')
    assert 'not a bridge' in refused('set', m.name, 'Bridge=liveparent')
    assert (port / 'master').readlink().name == 'livebridge2'
    m.write_file('[Exec]\nBoot=yes\n')
    assert 'VirtualEthernetExtra=livewire' in output('boxctl', 'get', m.name, 'VirtualEthernetExtra')
    m.stop()
    assert set(links()) == on_host


# ---------------------------------------------------------------- the end

def test_a_stop_ends_what_was_set(machine):
    m = machine(tree='busybox')
    m.write_file(FILE.format(users='no'))
    boxctl('set', m.name, 'TasksMax=333')
    m.start()
    boxctl('port', m.name, 'add', '8099:80')
    assert table(m)
    assert output('systemctl', 'show', '-P', 'TasksMax', m.unit) == '333'
    boxctl('set', m.name, 'CPUWeight=77')
    boxctl('set', '--save', m.name, 'OOMScoreAdjust=5')
    m.stop()
    assert not (DROP_INS / f'{m.name}.nspawn.d').exists()
    assert (SAVED / f'{m.name}.nspawn.d' / '80-boxctl.conf').exists()
    assert not table(m) and not list(Path('/run/box/.ports').iterdir())
    assert not list(Path('/run/systemd/system.control').glob(f'{m.unit}.d/*'))
    assert output('boxctl', 'get', m.name, 'TasksMax') == ''
    m.start()
    assert output('systemctl', 'show', '-P', 'TasksMax', m.unit) == '16384'
    assert output('systemctl', 'show', '-P', 'CPUWeight', m.unit) == '[not set]'
    m.stop()
    (SAVED / f'{m.name}.nspawn.d' / '80-boxctl.conf').unlink()


def test_what_the_supervisor_has_given_up_waits_for_a_restart(machine):
    m, other = machine(tree='busybox'), machine(tree='busybox')
    m.write_file('[Exec]\nBoot=yes\n[Network]\nPrivate=yes\n')
    other.write_file(FILE.format(users='no') + 'Port=8098:80\n')
    m.start()
    other.start()
    assert 'needs a restart: a machine that was started without links' in boxctl('port', m.name, 'add', '8097:80').stdout
    assert 'needs a restart: a machine that was started without links' in boxctl('set', m.name, 'VirtualEthernet=yes').stdout
    boxctl('unset', m.name, 'Port', 'VirtualEthernet')
    # Of another machine: refused, with its name.
    assert f"Port=tcp:8098: the host's port belongs to machine {other.name}" in refused('port', m.name, 'add', '8098')


def test_start_without_the_library_of_json(module_machine):
    module_machine(tree='busybox', name='live-plain')
    library = next(Path('/usr/lib').glob('*/libjansson.so.4')).resolve()
    script = 'mount --bind /dev/null "$0" && exec box-run --quiet --register=no --machine=live-plain /bin/echo runs'
    result = run('unshare', '--mount', 'sh', '-c', script, library)
    assert result.stdout == 'runs\n'
    assert 'libjansson' in result.stderr and result.stderr.endswith(', ignoring\n')
