# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cache of the rigs: trees and images that take minutes to make and are used for days.

    $BOX_TEST_CACHE (default /var/cache/box-tests)
        trees/NAME-KEY      what a recipe made; KEY is a hash of the recipe. Never changed again
        trees/NAME          link to the newest of them
        payloads/           the same for the trees that box boots in the tests
        build/              build directories of box, one per lab
        scratch/            what a running lab or VM writes; gone when it is down
        locks/

Nothing stands under its final name before it is whole: work is done in .new-NAME beside it and renamed at the end.
A lock per name keeps two makers of the same thing apart; a shared lock (`use()`) held by every running lab and VM
keeps old things from being pruned under them.
"""

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

DEFAULT_ROOT = Path('/var/cache/box-tests')
ROOT = Path(os.environ.get('BOX_TEST_CACHE') or DEFAULT_ROOT)
TREES = ROOT / 'trees'
PAYLOADS = ROOT / 'payloads'
BUILD = ROOT / 'build'
SCRATCH = ROOT / 'scratch'
LOCKS = ROOT / 'locks'


def die_on_signals():
    """Make SIGTERM and SIGHUP unwind the stack like SIGINT does, so that every `finally` runs."""
    def leave(number, _frame):
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def say(text):
    print(f'lab: {text}', file=sys.stderr, flush=True)


def key_of(*parts):
    """A short hash of everything that decides what a recipe makes."""
    return hashlib.sha256('\0'.join(str(part) for part in parts).encode()).hexdigest()[:12]


def key_of_files(*paths):
    return key_of(*(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths))


def open_lock(name):
    LOCKS.mkdir(parents=True, exist_ok=True)
    return open(LOCKS / name, 'a+')


@contextlib.contextmanager
def locked(name):
    """Holds the named lock, waiting for it; says so when it has to wait."""
    with open_lock(name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'waiting for another run that holds {file.name}')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def use():
    """Takes the shared lock that keeps trees from being pruned; held until the file returned is closed."""
    file = open_lock('use')
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def remove(path):
    """Removes a tree. Never crosses into another file system: a mount that was left there must not lose its data."""
    path = Path(path)
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        subprocess.run(['rm', '-rf', '--one-file-system', '--', path], check=True)


def make(base, name, key, build, force=False):
    """Returns base/NAME-KEY; calls build(path) for it when it is not there. base/NAME then points at it."""
    final = base / f'{name}-{key}'
    base.mkdir(parents=True, exist_ok=True)
    if force or not final.exists():
        with locked(f'make-{name}'):
            if force:
                remove(final)
            if not final.exists():
                _make_at(final, name, build)
    _point(base / name, final.name)
    return final


def _make_at(final, name, build):
    new = final.with_name(f'.new-{name}')
    remove(new)     # of a killed run: we hold the lock
    say(f'making {final.name} (once; kept in {final.parent})')
    try:
        build(new)
        new.rename(final)
    finally:
        remove(new)
    _prune(final, name)


def _point(link, target):
    if link.is_symlink() and os.readlink(link) == target:
        return
    new = link.with_name(f'.link-{link.name}-{os.getpid()}')
    new.symlink_to(target)
    new.rename(link)


def _prune(final, name):
    """Removes the outdated trees of this name, unless a lab or VM runs that might use them."""
    with open_lock('use') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for path in final.parent.glob(f'{name}-' + '?' * 12):
            if path != final:
                remove(path)


def clean():
    """Removes the whole cache; fails when something of it is in use."""
    if not ROOT.exists():
        return
    with open_lock('use') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit('lab: a lab or a VM is running; take it down first')
        # The locks stay: processes may wait for them.
        with locked('run'):
            for path in (TREES, PAYLOADS, BUILD, SCRATCH):
                remove(path)
