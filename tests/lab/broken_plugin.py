# SPDX-License-Identifier: LGPL-2.1-or-later
"""For pytest, by tests/broken: lists the tests that ran the broken program and passed all the same. Waits are cut short, since
nearly every test is to fail.

$BOX_BROKEN_CALLS has a line for each call of the program; the names go to $BOX_BROKEN_PASSED.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

CALLS, PASSED = (Path(os.environ[name]) for name in ('BOX_BROKEN_CALLS', 'BOX_BROKEN_PASSED'))
PATIENCE = 2        # seconds of a wait
LIMIT = 20          # of a test: some wait for what the program was to do, and never see it

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'system'))
import support

wait_for, spawn = support.wait_for, support.spawn


def wait_briefly(condition, timeout=30, interval=0.05, message=None):
    return wait_for(condition, min(timeout, PATIENCE), interval, message)


def spawn_briefly(*command, timeout=30, **options):
    return spawn(*command, timeout=min(timeout, PATIENCE), **options)


support.wait_for, support.spawn = wait_briefly, spawn_briefly


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    CALLS.write_text('')
    signal.alarm(LIMIT)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    signal.alarm(0)


def give_up(_number, _frame):
    raise AssertionError('no end')


signal.signal(signal.SIGALRM, give_up)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == 'call' and outcome.get_result().passed and CALLS.read_text():
        with open(PASSED, 'a') as file:
            file.write(f'{item.nodeid}\n')
