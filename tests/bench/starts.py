# SPDX-License-Identifier: LGPL-2.1-or-later
"""The first part of the bench: run a static `true` in a container, and wait until it is gone completely.

Conditions. All run the same program in the same tree, as a process of the same delegated scope, without a terminal
and without a settings file; output goes to a pipe. In each round every program runs once, and each round begins with the
next one, so that none always comes after the same neighbour; between two runs there is a pause in which the kernel
can finish with the last one's namespaces. A run counts from its spawn to its end as its parent sees it.

The programs do not all do the same work: `does` says what each of them makes. Only floor, box-run and systemd-nspawn make
the same namespaces, id map, mounts and link, and they do so twice: with a veth, most of whose time is the kernel's for
taking it away again, and with a network of their own that has none.
"""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAUSE = 0.05
TREES = '/var/lib/machines'     # for the ids to be mapped, it must be a file system that can
MAPPED = (524288, 65536)
# Both without their default changes to files of the tree, which has none here.
SWITCHES = ['--quiet', '--settings=no', '--keep-unit', '--pipe', f'--private-users={MAPPED[0]}',
          '--private-users-ownership=map', '--resolv-conf=off', '--timezone=off', '--link-journal=no']
NO_LINK = 'all namespaces, id map'
ALL = f'{NO_LINK}, veth'
VETH, ALONE = '--network-veth', '--private-network'


def make_tree(path, build):
    """A tree with nothing but `true` in it, and the directories that all mount on."""
    for name in ('usr/bin', 'usr/lib', 'dev', 'proc', 'sys', 'run', 'tmp', 'root', 'etc', 'var'):
        (path / name).mkdir(parents=True)
    path.chmod(0o755)
    for name in ('bin', 'lib'):
        (path / name).symlink_to(f'usr/{name}')
    (path / 'etc/os-release').write_text('ID=bench\n')
    shutil.copy(build / 'tests/bench/bench-true', path / 'usr/bin/true')


def runc_bundle(path, tree):
    path.mkdir()
    subprocess.run(['runc', 'spec'], cwd=path, check=True)
    spec = json.loads((path / 'config.json').read_text())
    spec['root'] = {'path': str(tree)}
    spec['process'].update(terminal=False, args=['/usr/bin/true'])
    spec['linux']['namespaces'] = [{'type': kind} for kind in ('pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user')]
    for ids in ('uidMappings', 'gidMappings'):
        spec['linux'][ids] = [{'containerID': 0, 'hostID': MAPPED[0], 'size': MAPPED[1]}]
    (path / 'config.json').write_text(json.dumps(spec))
    return path


def lxc_config(path, tree):
    path.write_text(f'''
lxc.rootfs.path = dir:{tree}
lxc.rootfs.options = idmap=container
lxc.idmap = u 0 {MAPPED[0]} {MAPPED[1]}
lxc.idmap = g 0 {MAPPED[0]} {MAPPED[1]}
lxc.uts.name = bench
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.net.0.type = veth
lxc.apparmor.profile = unconfined
''')
    return path


def programs(build, scratch, tree):
    """Name, what it makes, its command line."""
    true = '/usr/bin/true'

    def box(*switches):
        return ['box-run', *SWITCHES, *switches, '--machine=bench-box', f'--directory={tree}', true]

    def nspawn(*switches):
        return ['systemd-nspawn', *SWITCHES, *switches, '--machine=bench-nspawn', f'--directory={tree}', true]

    return [
        ('floor', NO_LINK, [build / 'tests/bench/bench-floor', 'none', tree, true]),
        ('box-run', NO_LINK, box('--register=no', ALONE)),
        ('systemd-nspawn', NO_LINK, nspawn('--register=no', ALONE)),
        ('floor, veth', ALL, [build / 'tests/bench/bench-floor', 'veth', tree, true]),
        ('box-run, veth', ALL, box('--register=no', VETH)),
        ('systemd-nspawn, veth', ALL, nspawn('--register=no', VETH)),
        ('box-run, veth, registered', f'{ALL}, machined', box('--register=yes', VETH)),
        ('systemd-nspawn, veth, registered', f'{ALL}, machined', nspawn('--register=yes', VETH)),
        ('runc', 'all namespaces, no link, tree not mapped',
         ['runc', f'--root={scratch}/runc', 'run', f'--bundle={runc_bundle(scratch / "bundle", tree)}', 'bench-runc']),
        ('bwrap', 'all namespaces but one id, 5 mounts, no link',
         ['bwrap', '--unshare-all', '--uid', '0', '--gid', '0', '--bind', tree, '/', '--proc', '/proc', '--dev', '/dev',
          '--tmpfs', '/run', '--tmpfs', '/tmp', true]),
        ('lxc-execute', f'{ALL}, an init of its own',
         ['lxc-execute', f'--lxcpath={scratch}', '--name=bench-lxc', f'--rcfile={lxc_config(scratch / "lxc.conf", tree)}',
          '--', true]),
    ]


def run(name, command, log):
    """One run; returns its seconds."""
    command = [str(word) for word in command]
    log.seek(0)
    log.truncate()
    files = [(os.POSIX_SPAWN_DUP2, log.fileno(), fd) for fd in (1, 2)]
    begin = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, '/dev/null', os.O_RDONLY, 0), *files])
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    seconds = time.monotonic() - begin
    if status:
        log.seek(0)
        sys.exit(f'bench: {name} failed with status {status}: {" ".join(command)}\n{log.read()}')
    return seconds


@contextlib.contextmanager
def scratch_directory():
    """A directory on the machines' file system, by a path that the container's ids may walk too, as runc's do."""
    with tempfile.TemporaryDirectory(prefix='.bench-', dir=TREES) as there, \
         tempfile.TemporaryDirectory(prefix='bench-', dir='/run') as here:
        os.chmod(there, 0o755)
        subprocess.run(['mount', '--bind', there, here], check=True)
        try:
            yield Path(here)
        finally:
            subprocess.run(['umount', here], check=True)


def by_hand(build, tree):
    """The same command again and again under one name, in a scope of its own; systemd-run's is a command without namespaces."""
    def box(*switches):
        return ['box-run', *(switch for switch in SWITCHES if switch != '--keep-unit'), *switches, '--machine=bench-box',
                f'--directory={tree}', '/usr/bin/true']

    return [
        ('floor', [build / 'tests/bench/bench-floor', 'none', tree, '/usr/bin/true']),
        ('systemd-run --scope', ['systemd-run', '--scope', '--quiet', tree / 'usr/bin/true']),
        ('box-run, registered', box('--register=yes', ALONE)),
        ('box-run, not registered', box('--register=no', ALONE)),
    ]


def measure_by_hand(build, runs):
    """Back to back: each run waits, where it has to, until the last one's names are free."""
    with scratch_directory() as scratch, open(scratch / 'log', 'w+') as log:
        tree = scratch / 'tree'
        make_tree(tree, build)
        return {name: [run(name, command, log) for _ in range(runs + 2)][2:] for name, command in by_hand(build, tree)}


def report_by_hand(figures):
    allowed = statistics.median(figures['systemd-run --scope']) + statistics.median(figures['floor'])
    print(f'\nThe same command by hand, back to back, {len(figures["floor"])} runs each: milliseconds, and the median over '
          "systemd-run's and the floor's together\n")
    print(f'{"":34}{"median":>9}{"least":>9}{"most":>9}{"ratio":>8}')
    for name, seconds in figures.items():
        median = statistics.median(seconds)
        print(f'{name:34}{median * 1e3:9.1f}{min(seconds) * 1e3:9.1f}{max(seconds) * 1e3:9.1f}{median / allowed:8.2f}')


def measure(build, rounds):
    with scratch_directory() as scratch, open(scratch / 'log', 'w+') as log:
        tree = scratch / 'tree'
        make_tree(tree, build)
        contenders = programs(build, scratch, tree)
        times = {name: [] for name, _, _ in contenders}
        for number in range(-1, rounds):        # the first round warms up, and does not count
            turn = number % len(contenders)
            for name, _, command in contenders[turn:] + contenders[:turn]:
                seconds = run(name, command, log)
                if number >= 0:
                    times[name].append(seconds)
                time.sleep(PAUSE)
        return {name: {'does': does, 'seconds': times[name]} for name, does, _ in contenders}


def report(figures):
    runs = len(figures['floor']['seconds'])
    print(f'\nRun and exit of a static true, {runs} runs each: milliseconds, and the median over the floor\'s that makes the same '
          'link\n')
    print(f'{"":34}{"median":>9}{"least":>9}{"most":>9}{"ratio":>8}  makes')
    for name, figure in figures.items():
        floor = statistics.median(figures['floor, veth' if 'veth' in figure['does'] else 'floor']['seconds'])
        median = statistics.median(figure['seconds'])
        figure['ratio'] = median / floor
        print(f'{name:34}{median * 1e3:9.1f}{min(figure["seconds"]) * 1e3:9.1f}{max(figure["seconds"]) * 1e3:9.1f}'
              f'{figure["ratio"]:8.2f}  {figure["does"]}')
    print('\nsystemd-nspawn over box-run: ' + ', '.join(f'{kind[2:] or "no link"} {ratio(figures, kind):.1f}'
                                                        for kind in ('', ', veth', ', veth, registered')))


def ratio(figures, kind):
    return figures[f'systemd-nspawn{kind}']['ratio'] / figures[f'box-run{kind}']['ratio']
