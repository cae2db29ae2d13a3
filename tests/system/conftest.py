# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures for tests that run inside a lab (tests/lab/lab test 13)."""

import contextlib
import fcntl
import json
import os
import re
import signal
from pathlib import Path

import pytest

import support


# What a whole run has in one of the labs only: of box and the kernel, which both labs share, not of the release's systemd,
# machined or networkd. Each part takes about as long. A run of files, or of marks, has all of them.
ONE_RELEASE = {
    12: ('test_bad_input.py', 'test_check.py', 'test_exec.py', 'test_files_ephemeral.py', 'test_files_faults.py',
         'test_files_mounts.py', 'test_files_template.py', 'test_hostile.py', 'test_hostile_input.py', 'test_ids.py',
         'test_locked_mounts.py', 'test_namespaces.py', 'test_network_faults.py'),
    13: ('test_faults.py', 'test_freeze.py::test_frozen_machine_goes_down', 'test_keys.py',
         'test_lifecycle.py::test_20_reboots_of_a_distribution', 'test_nesting.py', 'test_oci.py',
         'test_signals.py::test_program_that_hangs_is_given_up', 'test_signals.py::test_signal_cancels_each_stage_of_a_start',
         'test_streams.py'),
}


def pytest_configure():
    # nohup(1) has it ignored, a shell without job control has SIGINT ignored in the background: box-run would respect both.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # These tests remove machines, links and units: only a throw-away host may run them.
    if 'BOX_LAB' not in os.environ or not Path('/run/systemd/system').is_dir():
        pytest.exit('tests/system runs inside a lab only: tests/lab/lab test 13', returncode=2)


@pytest.fixture(scope='session')
def release():
    """The Debian release of the lab: 12 or 13."""
    return int(os.environ['BOX_LAB'])


def pytest_collection_modifyitems(config, items):
    if config.option.markexpr or config.option.keyword or any('.py' in word for word in config.args):
        return
    others = [prefix for number, prefixes in ONE_RELEASE.items() if number != int(os.environ['BOX_LAB']) for prefix in prefixes]
    left_out = [item for item in items if item.nodeid.rpartition('/')[2].startswith(tuple(others))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


ALIVE = set()     # names of machines that fixtures own, and remove


def pytest_sessionstart(session):
    """A run that was interrupted has left things in this lab: they are no reason for this one to fail."""
    if session.config.option.collectonly:
        return
    session.config.only_run = note = open('/run/box-tests', 'a+')       # noqa: SIM115: held for the whole run
    try:
        fcntl.flock(session.config.only_run, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pytest.exit('another run of the tests is in this lab', returncode=2)
    note.seek(0)
    earlier, left = note.read(), support.traces()
    if earlier or left:
        print('removed, of an earlier run:', *sorted(left), sep='\n    ')
        support.remove_run(earlier and Path(earlier))
    note.truncate(0)
    note.write(str(support.own_cgroup()))
    note.flush()
    for namespace in support.output('ip', 'netns', 'list').splitlines():
        support.run('ip', 'netns', 'delete', namespace.split()[0], check=False)
    for link in json.loads(support.output('ip', '-json', 'link')):
        if link['ifname'] != 'lo':      # a lab has no others
            support.run('ip', 'link', 'delete', link['ifname'], check=False)
    support.run('systemctl', 'reset-failed')
    support.quieten_host()


def pytest_sessionfinish(session):
    if getattr(session.config, 'only_run', None):
        session.config.only_run.truncate(0)


@pytest.fixture(autouse=True)
def leaves_nothing_in_the_way():
    """What a test leaves of a machine is its own fault, and is removed: else all later ones of that name would fail."""
    def left():
        return {trace for trace in support.traces() - before if not any(name in trace for name in ALIVE)}
    before = support.traces()
    yield
    if left():
        with contextlib.suppress(AssertionError):
            support.wait_for(lambda: not left(), timeout=3)
    found = left()
    if found:
        support.remove_traces(found)
        pytest.fail('left behind, and removed now: ' + ', '.join(sorted(found)))


def _make_factory(node_name):
    """Returns make(tree, name, unit) and the list of what it made."""
    made = []
    base = re.sub('[^a-z0-9]+', '-', node_name.lower()).strip('-').removeprefix('test-')[:24].strip('-')

    def make(tree='deb12', name=None, unit='box@'):
        if name is None:
            name = base if not made else f'{base}-{len(made) + 1}'
        machine = support.Machine(name, unit)
        assert not machine.path.exists(), f'{machine.path} is there already'
        made.append(machine)
        ALIVE.add(name)
        if tree:
            support.copy_tree(tree, machine.path)
        return machine
    return make, made


def remove_all(made):
    for each in reversed(made):
        ALIVE.discard(each.name)
        each.remove()


@pytest.fixture
def machine(request):
    """machine(tree='deb12', name=None, unit='box@'): a copy of a payload tree as a machine, removed after the test.

    tree=None makes no tree. The name is the test's, unless one is given.
    """
    make, made = _make_factory(request.node.name)
    yield make
    remove_all(made)


@pytest.fixture(scope='module')
def module_machine(request):
    """The same, for machines that all tests of a module share."""
    make, made = _make_factory(Path(request.node.name).stem)
    yield make
    remove_all(made)


@pytest.fixture
def nspawn_file():
    """nspawn_file(name, text): writes /etc/systemd/nspawn/NAME.nspawn for a machine that no fixture owns."""
    written = []

    def write(name, text):
        machine = support.Machine(name)
        written.append(machine.file)
        machine.write_file(text)
        return machine.file
    yield write
    for path in written:
        path.unlink(missing_ok=True)


@pytest.fixture
def host_state():
    """host_state(): a snapshot of all that a machine could leave behind; see support.HostState."""
    return support.HostState.take


@pytest.fixture
def nothing_left():
    """The test must leave the host as it was. Ask for it before `machine`, so that it looks after the removal."""
    before = support.HostState.take()
    yield before
    settled = []

    def same():
        settled[:] = support.HostState.take().differences(before)
        return not settled
    try:
        support.wait_for(same)
    except AssertionError:
        raise AssertionError('\n'.join(settled)) from None


@pytest.fixture
def dhcp_network(tmp_path):
    """A DHCP server behind a veth pair; .parent is the interface for macvlans. See support.DhcpNetwork."""
    with support.DhcpNetwork('dhcp', tmp_path) as network:
        yield network


@pytest.fixture
def terminal():
    """terminal(command, …): a program on a pty (pexpect), ended after the test."""
    children = []

    def spawn(*command, **options):
        child = support.spawn(*command, **options)
        children.append(child)
        return child
    yield spawn
    for child in children:
        child.close(force=True)
