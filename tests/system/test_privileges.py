# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a payload, and what the processes of box that stay beside it, may do."""

import re
from pathlib import Path

import pytest

from support import run

SETS = ('Inh', 'Prm', 'Eff', 'Bnd', 'Amb')


def status(pid):
    """The fields of /proc/PID/status."""
    return dict(re.findall(r'^(\w+):\s*(.*)$', Path(f'/proc/{pid}/status').read_text(), re.M))


def sets(text):
    """The capability sets in such a text: {'Inh': 0, …}."""
    return {name: int(re.search(rf'^Cap{name}:\s*(\w+)$', text, re.M)[1], 16) for name in SETS}


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='privileges')


def by_hand(tree, *command, switches=(), **options):
    return run('box-run', '-q', '--pipe', '--register=no', '-M', tree.name, *switches, *command, **options)


# -------------------------------------------------------------------- inheritable capabilities (CVE-2022-24769)

@pytest.mark.parametrize('switches', [(), ('-U',), ('--as-pid2',), ('-U', '--user=nobody')], ids=lambda v: ' '.join(v) or 'root')
def test_nothing_is_inheritable_in_a_command(tree, switches):
    seen = sets(by_hand(tree, '/bin/cat', '/proc/self/status', switches=switches).stdout)
    assert (seen['Inh'], seen['Amb']) == (0, 0)
    assert seen['Bnd'] and bool(seen['Eff']) == ('--user=nobody' not in switches)


def test_ambient_capabilities_are_the_inheritable_ones(tree):
    """They have to be; no others are."""
    seen = sets(by_hand(tree, '/bin/cat', '/proc/self/status',
                        switches=('-U', '--user=nobody', '--ambient-capability=CAP_KILL')).stdout)
    assert {seen[name] for name in ('Inh', 'Amb', 'Prm', 'Eff')} == {1 << 5}


def test_nothing_is_inheritable_in_a_system(machine):
    """Its PID 1, a service, a shell of root, a shell of a user."""
    machine = machine('busybox')
    machine.start()
    seen = [sets(machine.exec('cat', '/proc/1/status').stdout)]
    for user in ('root', 'nobody'):
        seen.append(sets(run('boxctl', '-q', 'shell', f'--uid={user}', machine.name, '/bin/cat', '/proc/self/status').stdout.replace('\r', '')))
    assert [(each['Inh'], each['Amb']) for each in seen] == [(0, 0)] * 3
    assert [bool(each['Eff']) for each in seen] == [True, True, False]
