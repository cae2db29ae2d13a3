# SPDX-License-Identifier: LGPL-2.1-or-later
"""The third part of the bench: boxctl list beside machinectl list, of many running machines; boxctl --help beside true(1).

Conditions. The machines are cheap: each runs one process that sleeps, has a network of its own, and is registered with
systemd-machined. Both clients list the same machines, one after the other, as root, to a pipe.
"""

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import starts

CLIENTS = {'machinectl list': ['machinectl', 'list', '--no-pager'], 'boxctl list': ['boxctl', 'list', '--no-pager'],
           'machinectl-lite list': ['machinectl-lite', 'list', '--no-pager']}

# Each in a scope of its own; all have one tree.
SWITCHES = ['--quiet', '--settings=no', '--pipe', '--private-network', '--private-users=no', '--read-only', '--resolv-conf=off',
            '--timezone=off', '--link-journal=no']


@contextlib.contextmanager
def machines(build, count):
    """Starts them all at once, and ends them."""
    with starts.scratch_directory() as scratch:
        tree = scratch / 'tree'
        starts.make_tree(tree, build)
        shutil.copy(build / 'tests/bench/bench-sleep', tree / 'usr/bin/sleep')
        running = []
        try:
            for number in range(count):
                command = ['box-run', *SWITCHES, f'--machine=bench-list-{number}', f'--directory={tree}', '/usr/bin/sleep']
                running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                stderr=subprocess.PIPE, text=True))
            deadline = time.monotonic() + 120
            while count_listed() < count:
                for process in running:
                    if process.poll() is not None:
                        sys.exit(f'bench: a machine ended with status {process.returncode}:\n{process.stderr.read()}')
                if time.monotonic() > deadline:
                    sys.exit('bench: the machines do not start')
                time.sleep(0.2)
            yield
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()


def count_listed():
    listed = subprocess.run(['machinectl', 'list', '--no-legend', '--no-pager'], check=True, capture_output=True, text=True)
    return listed.stdout.count('bench-list-')


def measure(build, count, runs):
    times = {name: [] for name in CLIENTS}
    with machines(build, count), tempfile.TemporaryFile('w+') as log:
        for number in range(-1, runs):          # the first round warms up, and does not count
            for name, command in CLIENTS.items():
                seconds = starts.run(name, command, log)
                if number >= 0:
                    times[name].append(seconds)
    return {'machines': count, 'seconds': times}


def measure_help(runs):
    """The time until a client does anything: its program and libraries are loaded. `true` is as any program of the C library."""
    commands = {'true': ['/bin/true'], 'boxctl --help': ['boxctl', '--help'], 'machinectl --help': ['machinectl', '--help', '--no-pager']}
    times = {name: [] for name in commands}
    with tempfile.TemporaryFile('w+') as log:
        for number in range(-1, runs * 10):
            for name, command in commands.items():
                seconds = starts.run(name, command, log)
                if number >= 0:
                    times[name].append(seconds)
    return {'seconds': times}


def report_help(figures):
    quick = statistics.median(figures['seconds']['true'])
    print(f'\nHelp: milliseconds, and the ratio to true\n\n{"":34}{"median":>9}{"least":>9}{"most":>9}{"ratio":>8}')
    for name, seconds in figures['seconds'].items():
        median = statistics.median(seconds)
        print(f'{name:34}{median * 1e3:9.1f}{min(seconds) * 1e3:9.1f}{max(seconds) * 1e3:9.1f}{median / quick:8.2f}')


def report(figures):
    slow = statistics.median(figures['seconds']['machinectl list'])
    print(f'\nA list of {figures["machines"]} running machines: milliseconds, and the part of machinectl\'s time\n')
    print(f'{"":34}{"median":>9}{"least":>9}{"most":>9}{"part":>8}')
    for name, seconds in figures['seconds'].items():
        median = statistics.median(seconds)
        print(f'{name:34}{median * 1e3:9.1f}{min(seconds) * 1e3:9.1f}{max(seconds) * 1e3:9.1f}{median / slow:8.3f}')
