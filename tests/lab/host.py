# SPDX-License-Identifier: LGPL-2.1-or-later
"""A running lab: a systemd host in namespaces, booted by the distribution's systemd-nspawn.

    lab up (returns when the host is up)
      └ keeper: a process in a mount namespace of its own, that owns everything the lab has
          └ systemd-nspawn, in a cgroup of its own
              └ PID 1 of the lab

All that a lab writes goes to an ext4 image of its own. The lab's root is an overlay, of the cached tree below and a
directory of the image above, so that each lab starts clean; /var/lib/machines is a plain directory of the image, because
overlayfs takes no idmapped mounts. Both are mounted in the keeper's mount namespace only. When systemd-nspawn ends, for
whatever reason, or when the keeper is told to stop, the keeper takes all of it away. If the keeper itself is killed,
systemd-nspawn dies with it, and the next `up` or `down` removes what stayed on disk.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cache
import trees

CGROUP2_MAGIC = 0x63677270
PR_SET_PDEATHSIG = 1
BOOT_TIMEOUT = 120
DISK_SIZE = '16G'        # sparse
READY = 'ready\n'       # the last message of the keeper to `lab up`
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
SYSTEM_CALLS = '@mount @keyring bpf perf_event_open open_by_handle_at fanotify_init fanotify_mark quotactl'


def host_has_systemd():
    return os.path.isdir('/run/systemd/system')


class Lab:
    """The lab RELEASE or RELEASE.INSTANCE: `13`, `13.mine`."""

    def __init__(self, spec):
        release, _, instance = spec.partition('.')
        if release not in trees.CODENAMES or not (instance or '.' not in spec) or not (instance or 'x').isalnum():
            sys.exit(f"lab: '{spec}' is no lab: 12 or 13, or an instance of one such as 13.mine")
        self.spec = spec
        # Names on the outer machine. Locks, and so labs, are of one cache.
        cache_name = '' if cache.ROOT == cache.DEFAULT_ROOT else f'-{cache.key_of(cache.ROOT.resolve())[:6]}'
        self.name = f'box-lab-{spec}'.replace('.', '-') + cache_name
        self.release = release
        self.scratch = cache.SCRATCH / f'lab-{spec}'
        self.build = cache.BUILD / f'lab-{spec}'
        self.out = self.scratch / 'out'
        self.image = self.scratch / 'disk.img'
        self.disk = self.scratch / 'disk'       # where the image is mounted
        self.root = self.scratch / 'root'
        self.state_file = self.scratch / 'state'

    def state(self):
        """The running lab's {keeper, leader, source}, or None."""
        if self._lock_file(fcntl.LOCK_SH | fcntl.LOCK_NB):
            return None
        try:
            return json.loads(self.state_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None     # starting or stopping

    def _lock_file(self, how):
        """The lab's lock file, locked, or None where another holds it. The keeper holds it for the lab's life."""
        file = cache.open_lock(f'lab-{self.spec}')
        try:
            fcntl.flock(file, how)
        except BlockingIOError:
            file.close()
            return None
        return file

    # ---------------------------------------------------------------- up

    def up(self, owner=None, source=trees.SOURCE):
        """Boots the lab; with an owner (a PID) it goes down by itself when that process ends."""
        trees.host(self.release)            # made, and older ones pruned, where need be
        lock = self._lock_file(fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not lock:
            sys.exit(f'lab: {self.spec} is up already (`lab down {self.spec}`, or use an instance: {self.release}.NAME)')
        in_use = cache.use()
        tree = trees.host(self.release)     # from now on it is not pruned
        self.remove_leftovers()
        for path in (self.disk, self.root, self.out, self.build, cache.PAYLOADS):
            path.mkdir(parents=True, exist_ok=True)
        report, report_writer = os.pipe()
        keeper = subprocess.Popen(['unshare', '--mount', '--propagation', 'slave', '--',
                          sys.executable, '-B', Path(__file__).with_name('lab'), 'keep', self.spec, tree, source,
                          str(owner or 0)],
                         stdin=subprocess.DEVNULL, stdout=report_writer, stderr=report_writer, start_new_session=True,
                         pass_fds=[lock.fileno(), in_use.fileno()])
        for file in (lock, in_use):
            file.close()        # the keeper has it now
        os.close(report_writer)
        try:
            with os.fdopen(report) as file:
                said = file.read()
        except BaseException:
            keeper.terminate()      # its PID may not be known yet
            self.down()
            raise
        if not said.endswith(READY):
            sys.exit(f'{said}lab: {self.spec} did not come up')

    # ---------------------------------------------------------------- down

    def down(self):
        """Takes the lab down in any state. Returns false if there was none."""
        lock = self._lock_file(fcntl.LOCK_EX | fcntl.LOCK_NB)
        was_up = not lock
        told = None
        while not lock:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
                keeper = int((self.scratch / 'keeper').read_text())
                if keeper != told:
                    os.kill(keeper, signal.SIGTERM)
                    told = keeper
            time.sleep(0.05)
            lock = self._lock_file(fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.remove_leftovers()
        lock.close()
        return was_up

    def remove_leftovers(self):
        """Removes what a lab has outside its own namespaces. The caller holds the lab's lock."""
        if host_has_systemd():
            for action in (['kill', '--signal=KILL'], ['stop']):
                subprocess.run(['systemctl', *action, f'{self.name}.scope'], stderr=subprocess.DEVNULL)
        else:
            remove_cgroups([root / self.name for root in cgroup_roots()])
        if self.scratch.exists():
            detach_loops(self.image)
            cache.remove(self.scratch)

    # ---------------------------------------------------------------- inside

    def command(self, argv, env=None, cwd='/'):
        """Moves the calling process into the lab's cgroup tree and returns what it must execute to run argv inside.

        systemd-run --scope gives the command a unit of its own, as a login would: without it everything that asks
        which unit it runs in (logind, machined, box-run itself) gets no answer.
        """
        state = self.state()
        if not state:
            sys.exit(f'lab: {self.spec} is not up')
        enter_cgroup_of(state['leader'])
        variables = {'PATH': PATH, 'HOME': '/root', 'USER': 'root', 'LOGNAME': 'root', 'LANG': 'C.UTF-8',
                     'TERM': os.environ.get('TERM', 'dumb'), **(env or {})}
        return ['nsenter', '-t', str(state['leader']), '-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w', '--',
                'env', '-i', '-C', cwd, *(f'{name}={value}' for name, value in variables.items()),
                'setpriv', '--pdeathsig', 'KILL', '--',
                'systemd-run', '--scope', '--quiet', '--collect', '--', *argv]

    def run(self, argv, env=None, cwd='/', **options):
        """Runs argv inside and waits; returns its exit status. It dies with this process."""
        return subprocess.run([sys.executable, '-B', Path(__file__).with_name('lab'), 'exec', f'--chdir={cwd}',
                               *(f'--env={name}={value}' for name, value in (env or {}).items()),
                               self.spec, '--', *argv], **options).returncode


# -------------------------------------------------------------------- the keeper

def keep(spec, tree, source, owner):
    """The keeper's life. Runs in a mount namespace of its own; its standard output goes to `lab up` until READY."""
    lab = Lab(spec)
    cache.die_on_signals()
    (lab.scratch / 'keeper').write_text(str(os.getpid()))
    owner_fd = os.pidfd_open(owner) if owner else None
    nspawn = None
    try:
        mount_root(lab, tree)
        with open(lab.scratch / 'console.log', 'w+b') as console, notify_socket(lab) as notify:
            nspawn = start_nspawn(lab, source, console)
            leader = wait_ready(notify, nspawn, console)
        write_state(lab, leader, source)
        sys.stdout.write(READY)
        sys.stdout.flush()
        with open(lab.scratch / 'keeper.log', 'w') as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        wait_end(nspawn, owner_fd)
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        take_down(lab, nspawn)


def mount_root(lab, tree):
    """Makes the lab's disk and its root. Speed matters, and nothing on the disk outlives the lab."""
    subprocess.run(['mkfs.ext4', '-q', '-L', 'lab', lab.image, DISK_SIZE], check=True)
    subprocess.run(['mount', '-o', 'loop,noatime,nobarrier,noinit_itable', lab.image, lab.disk], check=True)
    for name, mode in ('upper', 0o755), ('work', 0o755), ('machines', 0o700):
        (lab.disk / name).mkdir(mode)
    options = f'lowerdir={tree},upperdir={lab.disk}/upper,workdir={lab.disk}/work,volatile'
    subprocess.run(['mount', '-t', 'overlay', '-o', options, 'overlay', lab.root], check=True)


def notify_socket(lab):
    """The socket for READY=1 of systemd-nspawn, sent when PID 1 in the lab has booted (--notify-ready=yes)."""
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    notify.bind(str(lab.scratch / 'notify'))
    return notify


def nspawn_command(lab, source):
    devices = ['/dev/fuse', '/dev/net/tun', '/dev/loop-control', *sorted(Path('/dev').glob('loop[0-9]*'))]
    binds = [f'--bind={device}' for device in devices if os.path.exists(device)]
    # If PID 1 is systemd, it creates a scope for the lab; otherwise the lab stays in the cgroup of the keeper.
    unit = [] if host_has_systemd() else ['--keep-unit']
    return ['systemd-nspawn', '--quiet', '--settings=no', f'--directory={lab.root}',
            f'--machine={lab.name}', '--hostname=lab', '--register=no', *unit, '--boot',
            '--console=read-only', '--notify-ready=yes', '--capability=all', '--private-network', '--private-users=no',
            '--resolv-conf=off', '--timezone=off', '--link-journal=no', f'--system-call-filter={SYSTEM_CALLS}', *binds,
            f'--bind={lab.disk}/machines:/var/lib/machines', f'--bind={lab.build}:/build', f'--bind={lab.out}:/out',
            f'--bind-ro={source}:/src', f'--bind-ro={cache.PAYLOADS}:/trees']


def start_nspawn(lab, source, console):
    env = {'PATH': PATH, 'LANG': 'C.UTF-8', 'NOTIFY_SOCKET': str(lab.scratch / 'notify'),
           'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY': '1', 'SYSTEMD_NSPAWN_API_VFS_WRITABLE': 'yes'}
    groups = [] if host_has_systemd() else [root / lab.name for root in cgroup_roots()]
    for group in groups:
        group.mkdir(exist_ok=True)
    libc = ctypes.CDLL(None)

    def prepare():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for group in groups:
            (group / 'cgroup.procs').write_text('0')
    return subprocess.Popen(nspawn_command(lab, source), env=env, stdin=subprocess.DEVNULL, stdout=console,
                            stderr=console, preexec_fn=prepare)


def wait_ready(notify, nspawn, console):
    """Waits for the lab's READY=1; returns the PID of its PID 1."""
    leader = 0
    pidfd = os.pidfd_open(nspawn.pid)
    deadline = time.monotonic() + BOOT_TIMEOUT
    while True:
        readable, _, _ = select.select([notify, pidfd], [], [], max(0, deadline - time.monotonic()))
        if notify not in readable:
            console.seek(0)
            sys.stdout.write(console.read().decode(errors='replace')[-8000:])
            sys.exit('lab: systemd-nspawn ended early' if readable else f'lab: not ready after {BOOT_TIMEOUT} s')
        for line in notify.recv(4096).decode(errors='replace').splitlines():
            name, _, value = line.partition('=')
            if name == 'X_NSPAWN_LEADER_PID':
                leader = int(value)
            if line == 'READY=1' and leader:
                os.close(pidfd)
                return leader


def write_state(lab, leader, source):
    new = lab.state_file.with_suffix('.new')
    new.write_text(json.dumps({'keeper': os.getpid(), 'leader': leader, 'source': source}))
    new.rename(lab.state_file)


def wait_end(nspawn, owner_fd):
    """Returns when systemd-nspawn or the owner has ended."""
    fds = [os.pidfd_open(nspawn.pid)] + ([owner_fd] if owner_fd is not None else [])
    select.select(fds, [], [])


def take_down(lab, nspawn):
    """The root is thrown away, so nothing in the lab needs to be asked: everything in it is killed."""
    if nspawn:
        nspawn.kill()
        nspawn.wait()
    for path in (lab.root, lab.disk):
        subprocess.run(['umount', '--lazy', path], stderr=subprocess.DEVNULL)
    lab.remove_leftovers()


# -------------------------------------------------------------------- cgroups and loop devices of the outer machine

def cgroup_roots():
    """The mount points of cgroup2 and of systemd's v1 hierarchy, if it exists, on the outer machine."""
    roots = []
    for line in Path('/proc/self/mountinfo').read_text().splitlines():
        mounted, _, source = line.partition(' - ')
        kind, _, options = source.partition(' ')
        if kind == 'cgroup2' or (kind == 'cgroup' and 'name=systemd' in options):
            roots.append(Path(mounted.split()[4]))
    return roots


def enter_cgroup_of(pid):
    """Moves the calling process into the cgroups of another one, in the hierarchies that the lab uses."""
    groups = {}
    for line in Path(f'/proc/{pid}/cgroup').read_text().splitlines():
        _, controllers, path = line.split(':', 2)
        groups[controllers] = path
    for root in cgroup_roots():
        v2 = (root / 'cgroup.controllers').exists()
        path = groups.get('' if v2 else 'name=systemd')
        if path is not None:
            (root / path.lstrip('/') / 'cgroup.procs').write_text('0')


def remove_cgroups(paths):
    """Kills what is in these cgroups of ours and removes them with all below them."""
    for path in paths:
        if (path / 'cgroup.kill').exists():     # the v1 hierarchy has none, and the same processes
            (path / 'cgroup.kill').write_text('1')
    for path in paths:
        deadline = time.monotonic() + 10
        while path.is_dir() and not remove_empty(path):
            if time.monotonic() > deadline:
                raise SystemExit(f'lab: {path} stays busy')
            time.sleep(0.01)        # its processes have not exited yet


def remove_empty(path):
    try:
        for directory, _, _ in os.walk(path, topdown=False):
            os.rmdir(directory)
    except OSError:
        return False
    return True


def detach_loops(image):
    """Detaches the loop devices of an image, those of images inside it first: they belong to the kernel, to no namespace,
    and one that a test left behind would keep the whole disk alive."""
    if not image.exists():
        return
    out = subprocess.run(['losetup', '--list', '--json', '--output', 'NAME,MAJ:MIN,BACK-INO,BACK-MAJ:MIN'],
                         capture_output=True, text=True).stdout
    loops = json.loads(out)['loopdevices'] if out.strip() else []
    status = image.stat()
    device = f'{os.major(status.st_dev)}:{os.minor(status.st_dev)}'
    mine = [loop for loop in loops
            if loop['back-maj:min'].strip() == device and int(loop['back-ino']) == status.st_ino]
    for loop in mine:       # grows while it is walked
        mine += [inner for inner in loops if inner['back-maj:min'].strip() == loop['maj:min'].strip()]
    for loop in reversed(mine):
        subprocess.run(['losetup', '--detach', loop['name']], stderr=subprocess.DEVNULL)   # it may be detached already
