# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fifth part of the bench: boxctl cp to and from a running machine, beside cp -a.

Conditions. The machine has a user namespace and idmapped mounts, and its tree is on the file system of the other side: cp -a
copies there, too. One large file, and a tree of many small ones. What is copied is in memory. The copies are removed between
two runs, and all is written to disk before each.
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


def make_files(scratch, megabytes, files):
    with open(scratch / 'large', 'wb') as file:
        block = os.urandom(1 << 20)
        for _ in range(megabytes):
            file.write(block)
    for number in range(files):
        if number % 100 == 0:
            folder = scratch / f'small/{number // 100}'
            folder.mkdir(parents=True)
        (folder / str(number)).write_bytes(b'x' * (number % 100 * 40))


def remove(path):
    subprocess.run(['rm', '-rf', '--', path], check=True)
    os.sync()


def measure(build, runs, megabytes, files):
    times = {}
    with machine(build) as (scratch, tree), tempfile.TemporaryFile('w+') as log:
        make_files(scratch, megabytes, files)
        for number in range(-1, runs):          # the first round warms up, and does not count
            for what in ('large', 'small'):
                for name, command, made in (
                        ('cp -a', ['cp', '-a', scratch / what, scratch / 'copy'], [scratch / 'copy']),
                        ('boxctl cp, to', ['boxctl', 'cp', '-q', scratch / what, f'bench-cp:/root/{what}'], []),
                        ('boxctl cp, from', ['boxctl', 'cp', '-q', f'bench-cp:/root/{what}', scratch / 'copy'],
                         [scratch / 'copy', tree / 'root' / what])):
                    os.sync()
                    seconds = starts.run(name, command, log)
                    for path in made:
                        remove(path)
                    if number >= 0:
                        times.setdefault(f'{what}: {name}', []).append(seconds)
    return {'megabytes': megabytes, 'files': files, 'seconds': times}


def report(figures):
    print(f'\nA file of {figures["megabytes"]} MB, and {figures["files"]} small ones: milliseconds, and the part of cp -a\'s time\n')
    print(f'{"":34}{"median":>9}{"least":>9}{"most":>9}{"part":>8}')
    for name, seconds in figures['seconds'].items():
        median = statistics.median(seconds)
        of = statistics.median(figures['seconds'][f'{name.partition(":")[0]}: cp -a'])
        print(f'{name:34}{median * 1e3:9.1f}{min(seconds) * 1e3:9.1f}{max(seconds) * 1e3:9.1f}{median / of:8.3f}')
