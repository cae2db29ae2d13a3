# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers of the system tests. Runs in a lab, as root; conftest.py makes fixtures of it."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pexpect

MACHINES = Path('/var/lib/machines')
NEAR_TREES = MACHINES / '.trees'        # copies of TREES
TREES = Path('/trees')
NSPAWN_FILES = Path('/etc/systemd/nspawn')
ROOT_PASSWORD = 'box-tests'
TIMEOUT = 300


# -------------------------------------------------------------------- commands

def run(*command, check=True, timeout=TIMEOUT, **options):
    """Runs a command with its output captured as text. With check, a failure shows what it printed."""
    result = subprocess.run([str(word) for word in command], stdin=options.pop('stdin', subprocess.DEVNULL),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors='replace',
                            timeout=timeout, **options)
    if check and result.returncode:
        raise AssertionError(f'{result.args} ended with {result.returncode}\n{result.stdout}{result.stderr}')
    return result


def output(*command, **options):
    return run(*command, **options).stdout.strip()


def restart_polkit():
    """So that it has read its rules anew; more often than its start limit allows."""
    run('systemctl', 'reset-failed', 'polkit', check=False)
    run('systemctl', 'restart', 'polkit')


def wait_for(condition, timeout=60, interval=0.05, message=None):
    """Waits until condition() is true and returns what it returned. The limit is a safety net, for hosts with much to do: a test
    sets none of its own, but where what is awaited need not come, or takes long."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {timeout} s: {message or condition}')
        time.sleep(interval)
        interval = min(interval * 1.2, max(interval, 0.25))     # to ask takes CPU time, which what is awaited needs


def in_use(path, holder, program='box-run', unit=r'\S+'):
    """A pattern of the message about a tree that is in use: holder is "machine 'NAME'" or "another program"."""
    return re.compile(rf'The tree {re.escape(str(path))} is in use by {holder} \({program}, process \d+, unit {unit}\)\n')


# -------------------------------------------------------------------- machines

class Machine:
    """A machine in /var/lib/machines, run by box@.service (or another template unit)."""

    def __init__(self, name, unit='box@'):
        self.name = name
        self.path = MACHINES / name
        self.unit = f'{unit}{name}.service'
        self.file = NSPAWN_FILES / f'{name}.nspawn'
        self.since = time.time()

    def write_file(self, text):
        """Writes the machine's trusted .nspawn file."""
        NSPAWN_FILES.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text)

    def write_unit_settings(self, text):
        """A drop-in for the machine's unit."""
        directory = Path(f'/etc/systemd/system/{self.unit}.d')
        directory.mkdir(parents=True, exist_ok=True)
        (directory / 'test.conf').write_text(text)
        run('systemctl', 'daemon-reload')

    def start(self, **options):
        return run('systemctl', 'start', self.unit, **options)

    def stop(self, **options):
        return run('systemctl', 'stop', self.unit, **options)

    def reset(self):
        """Stopped, not failed, and without a file."""
        run('systemctl', 'stop', self.unit, check=False)
        run('systemctl', 'reset-failed', self.unit, check=False)
        self.file.unlink(missing_ok=True)

    def property(self, name):
        """A property of the unit, as text."""
        return output('systemctl', 'show', '--value', '--property', name, self.unit)

    def is_active(self):
        return self.property('ActiveState') == 'active'

    def leader(self):
        """The PID of the machine's PID 1, as machined knows it."""
        return int(output('machinectl', 'show', '--value', '--property=Leader', self.name))

    def exec(self, *command, **options):
        """Runs a command in the machine's namespaces, whatever its init is, as its root."""
        leader = self.leader()
        return run('nsenter', '-t', leader, '-a', '--', 'env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin'
                   ':/sbin:/bin', 'HOME=/root', 'TERM=dumb', *command, **options)

    def system_state(self):
        """The state of systemd in the machine: running, degraded, starting…"""
        return output('systemctl', '--machine', self.name, 'is-system-running', check=False)

    def wait_running(self, timeout=TIMEOUT):
        """Waits until systemd in the machine has booted; fails when a unit in it failed."""
        wait_for(lambda: self.system_state() not in ('', 'starting', 'initializing', 'offline'), timeout)
        failed = self.exec('systemctl', '--failed', '--no-legend', '--plain').stdout
        assert self.system_state() == 'running', failed

    def journal(self):
        """The journal of the unit, with the machine's console, since this object was created."""
        run('journalctl', '--sync')
        return output('journalctl', '--no-pager', '--output=cat', f'--since=@{self.since:.6f}', '--unit', self.unit)

    def remove(self):
        """Removes the machine with all that belongs to it, in any state."""
        state = output('systemctl', 'show', '--property=ActiveState', '--property=Job', self.unit)
        if set(state.split()) != {'ActiveState=inactive', 'Job='}:
            for verb in (['kill', '--signal=KILL'], ['stop'], ['reset-failed']):
                run('systemctl', *verb, self.unit, check=False)
        # In any case it would have systemd read all units anew.
        if [*Path('/etc/systemd/system').glob(f'*.*/{self.unit}'), *Path('/run/systemd/system').glob(f'*.*/{self.unit}')]:
            run('systemctl', 'disable', '--quiet', self.unit, check=False)
        # the kernel removes the links of a network that was killed in its own time
        wait_for(lambda: not any(Path(f'/sys/class/net/{kind}-{self.name}').exists() for kind in ('ve', 'vb')))
        self.file.unlink(missing_ok=True)
        shutil.rmtree(NSPAWN_FILES / f'{self.name}.nspawn.d', ignore_errors=True)
        settings = Path(f'/etc/systemd/system/{self.unit}.d')
        if settings.exists():
            shutil.rmtree(settings)
            run('systemctl', 'daemon-reload')
        remove_tree(self.path)
        # a supervisor that is killed leaves things, which the next one of the name would remove
        remove_traces({trace for trace in traces() if Path(trace).name in (self.name, f'.#{self.name}.lck')})


def remove_tree(path):
    """Removes a machine's tree; fails rather than delete something that is still mounted below it."""
    mounted = [line.split()[4] for line in Path('/proc/self/mountinfo').read_text().splitlines()
               if line.split()[4].startswith(f'{path}/')]
    assert not mounted, f'still mounted: {mounted}'
    if path.exists():
        run('rm', '-rf', '--one-file-system', '--', path)


def copy_tree(tree, path):
    """A copy of a payload tree, with owners, times, links and attributes: of one on the same file system, made when it is wanted
    first. From there it takes a quarter of the time."""
    source = (TREES / tree).resolve()
    near = NEAR_TREES / source.name
    if not near.exists():
        part = NEAR_TREES / f'{source.name}.part'
        NEAR_TREES.mkdir(exist_ok=True)
        run('rm', '-rf', part)
        run('cp', '-a', '--', f'{source}/.', part, timeout=300)
        part.rename(near)
    run('cp', '-a', '--reflink=auto', '--', f'{near}/.', path)


# -------------------------------------------------------------------- the host's state

@dataclasses.dataclass
class HostState:
    """Everything that a machine can leave behind on its host. Compare one from before with one from after."""

    mounts: set
    links: set
    cgroups: set
    files: set
    machines: set
    namespaces: set
    rules: set
    processes: set

    # Lock files, propagation directories, registrations, incomplete trees
    PLACES = ('/run/box', '/run/systemd/nspawn', '/run/systemd/nspawn-uid', '/run/systemd/machines',
              '/run/systemd/system', '/run/netns', '/var/lib/machines')
    PROGRAMS = ('box-run', 'systemd-nspawn')
    # Made once for all machines and kept: the slice, empty directories, networkd's tables for masquerading, what
    # `ip netns` mounts
    SHARED = {'/run/systemd/nspawn/locks', '/run/systemd/nspawn/propagate', '/run/systemd/nspawn/unix-export',
              '/run/box/.lock', '/run/box/.locks', '/run/box/.failed', '/run/box/.changed-units', '/run/box/.journal', '/run/box/.ports',
              '/run/box/.zones',
              '/var/lib/machines/.trees', 'table ip io.systemd.nat', 'table ip6 io.systemd.nat', '/run/netns (tmpfs)', '/sys/fs/cgroup/machine.slice'}

    @classmethod
    def take(cls):
        return cls(mounts=cls._mounts(), links=cls._links(), cgroups=cls._cgroups(), files=cls._files(),
                   machines=cls._machines(),
                   namespaces=cls._lines('ip', 'netns', 'list'), rules=cls._lines('nft', 'list', 'tables'),
                   processes=cls._processes())

    @classmethod
    def _lines(cls, *command):
        return {line.strip() for line in output(*command, check=False).splitlines() if line.strip()} - cls.SHARED

    @classmethod
    def _machines(cls):
        """But not the host, whose addresses come when the kernel has checked them."""
        return {line for line in cls._lines('machinectl', 'list', '--no-legend', '--all') if not line.startswith('.host ')}

    @classmethod
    def _mounts(cls):
        lines = Path('/proc/self/mountinfo').read_text().splitlines()
        return {f'{line.split()[4]} ({line.split(" - ")[1].split()[0]})' for line in lines} - cls.SHARED

    @staticmethod
    def _links():
        return {f'{link["ifname"]} {link.get("altnames", "")}' for link in json.loads(output('ip', '-json', 'link'))}

    @classmethod
    def _cgroups(cls):
        return {str(path) for path in Path('/sys/fs/cgroup/machine.slice').glob('**/')} - cls.SHARED

    @classmethod
    def _files(cls):
        found = set()
        for place in cls.PLACES:
            depth = 1 if place == '/var/lib/machines' else 3
            found |= cls._lines('find', place, '-mindepth', '1', '-maxdepth', str(depth))
        # What is known of a start that failed, until the next.
        return {path for path in found if not path.startswith('/run/box/.failed/')}

    @classmethod
    def _processes(cls):
        found = set()
        for path in Path('/proc').glob('[0-9]*/comm'):
            with contextlib.suppress(OSError):
                if path.read_text().strip() in cls.PROGRAMS:
                    found.add(f'{path.parent.name} {path.read_text().strip()}')
        return found

    def differences(self, before):
        """Returns additions since before, and losses of objects that no machine may remove, as lines of text. (Locks and
        processes of others may have ended meanwhile.)"""
        lines = []
        for field in dataclasses.fields(self):
            mine, theirs = getattr(self, field.name), getattr(before, field.name)
            lines += [f'{field.name}: left behind: {item}' for item in sorted(mine - theirs)]
            if field.name in ('links', 'namespaces', 'rules'):
                lines += [f'{field.name}: gone: {item}' for item in sorted(theirs - mine)]
        return lines


# -------------------------------------------------------------------- what one test leaves to the next

# Directories whose entries are of one machine each, and in the way of the next one of that name.
MACHINE_PLACES = [MACHINES, NSPAWN_FILES, Path('/run/systemd/nspawn/propagate'), Path('/run/systemd/nspawn/unix-export'),
                  Path('/run/box'), Path('/run/box/.locks')]


def traces():
    """What machines have now: paths, and 'process PID COMMAND-LINE' of each supervisor. Cheap: it is asked after every test."""
    found = {str(path) for place in MACHINE_PLACES if place.is_dir() for path in place.iterdir() if str(path) not in HostState.SHARED}
    for path in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            if (path / 'comm').read_text().strip() in HostState.PROGRAMS:
                words = (path / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace').strip()
                if words:       # else it has ended, and nobody has waited for it
                    found.add(f'process {path.name} {words}')
    return found


def remove_traces(found):
    """Ends and removes what is left of machines, in any state."""
    for trace in sorted(found):
        if trace.startswith('process '):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(trace.split()[1]), signal.SIGKILL)
    for trace in sorted(found):
        path = Path(trace)
        if not path.is_absolute():
            continue
        name = path.name.removesuffix('.nspawn').removesuffix('.nspawn.d').removesuffix('.raw')
        if re.fullmatch(r'[\w.-]+', name) and not name.startswith('.'):
            units = [f'box@{name}.service', f'systemd-nspawn@{name}.service']
            run('systemctl', 'kill', '--signal=KILL', *units, check=False)
            run('systemctl', 'stop', *units, check=False)
        lines = [line.split()[4] for line in Path('/proc/self/mountinfo').read_text().splitlines()]
        for place in reversed([line for line in lines if line == trace or line.startswith(f'{trace}/')]):
            run('umount', '--lazy', place, check=False)
        run('chattr', '-R', '-i', path, check=False)
        run('rm', '-rf', '--one-file-system', '--', path, check=False)


def quieten_host():
    """Of the generators, which systemd runs whenever it reads its units anew, a lab needs box's only."""
    masks = Path('/run/systemd/system-generators')
    masks.mkdir(exist_ok=True)
    for generator in Path('/usr/lib/systemd/system-generators').iterdir():
        if generator.name != 'box-generator' and not (masks / generator.name).is_symlink():
            (masks / generator.name).symlink_to('/dev/null')


def own_cgroup():
    return Path(f'/sys/fs/cgroup{Path("/proc/self/cgroup").read_text().rpartition("0::")[2].strip()}')


# What tests change of the host itself, and fixtures take back
CHANGED_SERVICES = ('systemd-machined', 'systemd-udevd', 'systemd-networkd')
CHANGED_UNITS = ('/etc/systemd/system/*.d', '/run/systemd/system/*.d', '/run/systemd/system.control/*.d')


def remove_run(cgroup):
    """Ends the processes of a run that was killed, which would go on with what they do, and takes back what it changed."""
    if cgroup and cgroup != own_cgroup() and cgroup.is_dir():
        (cgroup / 'cgroup.kill').write_text('1')
        wait_for(lambda: not cgroup.exists() or 'populated 0' in (cgroup / 'cgroup.events').read_text())
    remove_traces(traces())
    for user in pwd.getpwall():
        if 1000 <= user.pw_uid < 60000:         # a lab has none of its own
            run('userdel', '--force', '--remove', user.pw_name, check=False)
    for pattern in CHANGED_UNITS:
        for path in Path('/').glob(pattern[1:]):
            if path.name.startswith(('box@', 'systemd-nspawn@')):
                shutil.rmtree(path)
    run('systemctl', 'unmask', '--quiet', *CHANGED_SERVICES, check=False)
    run('systemctl', 'kill', '--signal=CONT', *CHANGED_SERVICES, check=False)
    run('systemctl', 'daemon-reload')


def handles(pid, number):
    """Whether a process has a handler for a signal. What is sent to an init before is lost."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        caught = re.search(r'^SigCgt:\s*(\w+)$', Path(f'/proc/{pid}/status').read_text(), re.M)
        return int(caught[1], 16) >> number - 1 & 1 == 1
    return False


def owners(path):
    """Owner, group and mode of everything in a tree: to see that nothing was chowned."""
    return output('find', path, '-xdev', '-printf', '%P %U %G %m\n')


# -------------------------------------------------------------------- networks

def bus_name(name):
    """A unit's or a machine's name as a part of an object path of the bus."""
    return ''.join(c if c.isascii() and c.isalnum() else f'_{ord(c):02x}' for c in name)


def add_veth_pair(name, peer):
    """A veth pair of the host's, with addresses of its own: those that the kernel has drawn, udev changes at its leisure
    (MACAddressPolicy= of systemd.link(5))."""
    run('ip', 'link', 'add', name, 'address', _address(name), 'type', 'veth', 'peer', 'name', peer, 'address', _address(peer))


def _address(name):
    return ':'.join(f'{byte:02x}' for byte in b'\x02' + hashlib.sha256(name.encode()).digest()[:5])


class DhcpNetwork:
    """A network segment with a DHCP server: one end of a veth pair is the parent for macvlans, the other has the server,
    in a network namespace of its own."""

    def __init__(self, name, directory):
        self.namespace = name
        self.parent = f'{name}-p'[:15]
        self.server_link = f'{name}-s'[:15]
        self.server_address = '10.213.7.1'
        self.lease_file = Path(directory) / f'{name}.leases'
        self.server = None

    def __enter__(self):
        run('ip', 'netns', 'add', self.namespace)
        run('ip', 'link', 'add', self.parent, 'type', 'veth', 'peer', 'name', self.server_link, 'netns', self.namespace)
        run('ip', 'link', 'set', self.parent, 'up')
        self.inside('ip', 'link', 'set', 'lo', 'up')
        self.inside('ip', 'address', 'add', f'{self.server_address}/24', 'dev', self.server_link)
        self.inside('ip', 'link', 'set', self.server_link, 'up')
        self.server = subprocess.Popen(
            ['ip', 'netns', 'exec', self.namespace, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0',
             '--user=root', '--no-ping', '--leasefile-ro', f'--interface={self.server_link}', '--bind-interfaces',
             '--dhcp-authoritative', '--dhcp-range=10.213.7.100,10.213.7.199,1h', '--log-dhcp', '--log-facility=-'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.lease_file, 'wb'))
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        run('ip', 'link', 'delete', self.parent, check=False)
        run('ip', 'netns', 'delete', self.namespace, check=False)

    def inside(self, *command, **options):
        """Runs a command where the server is."""
        return run('ip', 'netns', 'exec', self.namespace, *command, **options)

    def leases(self):
        """The addresses that the server has given out, by MAC address."""
        found = re.findall(r'DHCPACK\(\S+\) (\S+) (\S+)', self.lease_file.read_text(errors='replace'))
        return {mac: address for address, mac in found}


# -------------------------------------------------------------------- terminals

def spawn(*command, timeout=60, **options):
    """A program on a terminal of its own; what it prints is kept in .log for when an expectation fails."""
    child = pexpect.spawn(str(command[0]), [str(word) for word in command[1:]], timeout=timeout, encoding='utf-8',
                          codec_errors='replace', dimensions=(40, 132),
                          env={**os.environ, 'TERM': 'vt220'}, **options)
    child.delaybeforesend = None
    return child


def log_in(child, user='root', password=ROOT_PASSWORD):
    """Answers a login prompt, and leaves the child at a shell prompt that run_at_prompt() understands."""
    child.expect('login: ')
    child.sendline(user)
    child.expect('[Pp]assword: ')
    child.sendline(password)
    child.expect(r'[#$] ')
    # the echo of the command must not look like the prompt
    child.sendline("PS1='box''-prompt> '; stty -echo; unset PROMPT_COMMAND")
    child.expect_exact('box-prompt> ')


def run_at_prompt(child, command):
    """Runs a command at the prompt that log_in() made; returns what it printed."""
    child.sendline(command)
    child.expect_exact('box-prompt> ')
    return child.before.replace('\r', '').replace('\x1b[?2004l', '').replace('\x1b[?2004h', '').strip()
