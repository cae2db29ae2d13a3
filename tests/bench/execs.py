# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fourth part of the bench: true in a running machine by boxctl exec, beside nsenter and systemd-run.

Conditions. The machine is a Debian under box@.service that has booted. All run the same program in it, one after the other in
each round, with /dev/null as input and a file as output, and end when it has ended. nsenter joins the same namespaces, but stays
in its own cgroup, with all rights; systemd-run has the machine's systemd start a unit.
"""

import statistics
import subprocess
import sys
import tempfile
import time

import boots
import starts

NAME = boots.NAME


def clients():
    leader = boots.output('machinectl', 'show', '--value', '--property=Leader', NAME).strip()
    return {'nsenter': ['nsenter', '-a', '-t', leader, '/usr/bin/true'],
            'boxctl exec': ['boxctl', 'exec', NAME, '--', '/usr/bin/true'],
            'systemd-run': ['systemd-run', '-q', '-M', NAME, '--wait', '--pipe', '/usr/bin/true']}


def wait_until_booted():
    deadline = time.monotonic() + 60
    while subprocess.run(['systemctl', '-M', NAME, 'is-system-running', '-q']).returncode:
        if time.monotonic() > deadline:
            sys.exit('bench: the machine does not boot')
        time.sleep(0.2)


def measure(tree, runs):
    with boots.machine(tree), tempfile.TemporaryFile('w+') as log:
        boots.timed('systemctl', 'start', boots.UNITS['box'])
        wait_until_booted()
        commands = clients()
        times = {name: [] for name in commands}
        for number in range(-1, runs):          # the first round warms up, and does not count
            for name, command in commands.items():
                seconds = starts.run(name, command, log)
                if number >= 0:
                    times[name].append(seconds)
    return {'seconds': times}


def report(figures):
    medians = {name: statistics.median(seconds) for name, seconds in figures['seconds'].items()}
    print('\ntrue in a running machine: milliseconds, and how often nsenter\'s and systemd-run\'s time\n')
    print(f'{"":34}{"median":>9}{"least":>9}{"most":>9}{"nsenter":>9}{"s.-run":>9}')
    for name, seconds in figures['seconds'].items():
        print(f'{name:34}{medians[name] * 1e3:9.1f}{min(seconds) * 1e3:9.1f}{max(seconds) * 1e3:9.1f}'
              f'{medians[name] / medians["nsenter"]:9.2f}{medians[name] / medians["systemd-run"]:9.3f}')
