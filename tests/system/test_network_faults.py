# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every step of setting up the network may fail (see test_faults), here for a zone, extra veth pairs, a moved interface and
ports."""

import pytest

import test_faults
from support import run

SWITCHES = ['--network-zone=faulty', '--network-veth-extra=fault0:lan', '--network-interface=fault1:wan', '--port=18080:80',
            '--port=udp:18080']
# System calls, the first N, and the step between those that are tried.
CALLS = {'sendto': (1, 1), 'recvfrom': (1, 3), 'socket': (1, 1), 'setns': (1, 1), 'ftruncate': (1, 1), 'bind': (1, 1),
         'write': (1, 2)}


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='faulty-net')


@pytest.fixture
def lent():
    """An interface to move, which must be back each time."""
    run('ip', 'link', 'add', 'fault1', 'type', 'veth', 'peer', 'name', 'fault1-peer')
    run('udevadm', 'settle')
    yield
    run('ip', 'link', 'delete', 'fault1')


@pytest.mark.parametrize('call', CALLS)
def test_fault_in_the_network(tree, lent, host_state, tmp_path, monkeypatch, call):
    # leftovers of a fault at the end are removed by the next run with this network
    monkeypatch.setattr(test_faults, 'COMMAND', (*SWITCHES, *test_faults.COMMAND))
    run('systemctl', 'start', 'systemd-machined')
    assert test_faults.faults_in_supervisor(tree, host_state(), call, *CALLS[call], log=tmp_path / 'log') == []
