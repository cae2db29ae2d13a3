# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all of box's pytest tests share."""


def pytest_configure(config):
    config.addinivalue_line('markers', 'quick: part of `tests/run --quick`')
