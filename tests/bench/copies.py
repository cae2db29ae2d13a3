# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fifth part of the bench: boxctl cp to and from a running machine, beside cp -a.

Conditions. The machine has a user namespace and idmapped mounts, and its tree is on the file system of the other side: cp -a
copies there, too. One large file, and a tree of many small ones. What is copied is in memory. After each run its copy is removed,
and all is written to disk, so that none is held up by what an earlier one has left to be written.
"""

import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile

import starts

SWITCHES = ['--quiet', '--settings=no', '--pipe', '--private-network', '--private-users=pick', '--resolv-conf=off', '--timezone=off',
            '--link-journal=no', '--machine=bench-cp']


@contextlib.contextmanager
def machine(build):
    with starts.scratch_directory() as scratch:
        tree = scratch / 'tree'
        starts.make_tree(tree, build)
        shutil.copy(build / 'tests/bench/bench-sleep', tree / 'usr/bin/sleep')
        command = ['box-run', *SWITCHES, '--notify-ready=no', f'--directory={tree}', '/usr/bin/sleep']
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            try:
                while subprocess.run(['boxctl', 'show', 'bench-cp'], capture_output=True).returncode:
                    assert process.poll() is None, 'the machine ended'
                yield scratch, tree
            finally:
                process.terminate()


def make_files(folder, megabytes, files):
    with open(folder / 'large', 'wb') as file:
        block = os.urandom(1 << 20)
        for _ in range(megabytes):
            file.write(block)
    for number in range(files):
        if number % 100 == 0:
            part = folder / f'small/{number // 100}'
            part.mkdir(parents=True)
        (part / str(number)).write_bytes(b'x' * (number % 100 * 40))


def remove(path):
    """On disk, too: all copies begin with nothing to be written."""
    subprocess.run(['rm', '-rf', '--', path], check=True)
    os.sync()


def measure(build, runs, megabytes, files):
    times = {}
    with machine(build) as (scratch, tree), tempfile.TemporaryFile('w+') as log:
        inside, copy = tree / 'root', scratch / 'copy'
        (inside / 'source').mkdir()
        for folder in (scratch, inside / 'source'):
            make_files(folder, megabytes, files)
        os.sync()
        for number in range(-1, runs):          # the first round warms up, and does not count
            for what in ('large', 'small'):
                kinds = [('cp -a', ['cp', '-a', scratch / what, copy], copy),
                         ('boxctl cp, to', ['boxctl', 'cp', '-q', scratch / what, f'bench-cp:/root/{what}'], inside / what),
                         ('boxctl cp, from', ['boxctl', 'cp', '-q', f'bench-cp:/root/source/{what}', copy], copy)]
                for turn in range(len(kinds)):  # each round begins with the next one
                    name, command, made = kinds[(turn + number) % len(kinds)]
                    seconds = starts.run(name, command, log)
                    remove(made)
                    if number >= 0:
                        times.setdefault(f'{what}: {name}', []).append(seconds)
    return {'megabytes': megabytes, 'files': files, 'seconds': times}


def report(figures):
    print(f'\nA file of {figures["megabytes"]} MB, and {figures["files"]} small ones: milliseconds, and the part of cp -a\'s time\n')
    print(f'{"":34}{"median":>9}{"least":>9}{"most":>9}{"part":>8}')
    for name, seconds in sorted(figures['seconds'].items()):
        median = statistics.median(seconds)
        of = statistics.median(figures['seconds'][f'{name.partition(":")[0]}: cp -a'])
        print(f'{name:34}{median * 1e3:9.1f}{min(seconds) * 1e3:9.1f}{max(seconds) * 1e3:9.1f}{median / of:8.3f}')
