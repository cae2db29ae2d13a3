# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every step of the network's set-up may fail (see test_faults), here for a zone, more cables, an interface that is moved, and
ports."""

import pytest

import test_faults
from support import run

SWITCHES = ['--network-zone=faulty', '--network-veth-extra=fault0:lan', '--network-interface=fault1:wan', '--port=18080:80',
            '--port=udp:18080']
# Kinds of calls, the first N, and every how many one is tried.
CALLS = {'sendto': (1, 1), 'recvfrom': (1, 3), 'socket': (1, 1), 'setns': (1, 1), 'ftruncate': (1, 1), 'bind': (1, 1),
         'write': (1, 2)}


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='faulty-net')


@pytest.fixture
def lent():
    """An interface to move, which has to be there again each time."""
    run('ip', 'link', 'add', 'fault1', 'type', 'veth', 'peer', 'name', 'fault1-peer')
    run('udevadm', 'settle')
    yield
    run('ip', 'link', 'delete', 'fault1')


@pytest.mark.parametrize('call', CALLS)
def test_fault_in_the_network(tree, lent, host_state, tmp_path, monkeypatch, call):
    # what a fault at the end has left goes with the next run in that network
    monkeypatch.setattr(test_faults, 'COMMAND', (*SWITCHES, *test_faults.COMMAND))
    run('systemctl', 'start', 'systemd-machined')
    assert test_faults.faults_in_supervisor(tree, host_state(), call, *CALLS[call], log=tmp_path / 'log') == []
