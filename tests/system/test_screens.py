# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person sees: screens of boxctl's tables in tmux, on narrow and wide terminals, as files in screens/.

What differs from run to run is masked: '#' for numbers, '=' for bars, whose places in the columns stay. To renew the files after a
change that is meant: the screens of the last run are in /out/screens of the lab, `tests/lab/lab exec 13.me -- ls /out/screens`.
"""

import itertools
import re
from pathlib import Path

import pytest

from support import output, run, wait_for

GOLDEN = Path(__file__).parent / 'screens'
NEW = Path('/out/screens')
WIDTHS = [80, 200]
LINES = 40
SERVERS = itertools.count()


@pytest.fixture(scope='module')
def machines(module_machine):
    """One with an address, one without a network, one whose name sorts after them only as people count, and one that failed."""
    link = 'ip link set host0 up; ip address add 192.0.2.1/24 dev host0; '
    for name, script, network in (('screen2', 'exec sleep 10000', 'Private=yes'),
                                  ('screen10', link + 'exec sleep 10000', 'VirtualEthernet=yes'),
                                  ('screen3', 'echo the disk is on fire; exit 3', 'Private=yes')):
        machine = module_machine('busybox', name)
        (machine.path / 'script').write_text(f'{script}\n')
        machine.write_file(f'[Exec]\nBoot=no\nParameters=/bin/sh /script\n[Network]\n{network}\n')
        run('boxctl', 'start', name, check=False)
    wait_for(lambda: re.search(r'192.0.2.1\s.*fe80', output('boxctl', 'list', '--max-addresses=all'), re.S) and machine.property('ActiveState') == 'failed')
    run('journalctl', '--sync')
    yield
    run('boxctl', 'terminate', 'screen2', 'screen10', check=False)


def right(match):
    """A number at the right of its column."""
    return '#'.rjust(len(match[0]))


# Masks for each command: a pattern, and what stands in its place.
NUMBERS = (r' +\d+(\.\d+)?[KMG]?(?= |$)', right)
BARS = (r'[█▏▎▍▌▋▊▉·]+', lambda match: '=' * len(match[0]))
COMMANDS = {
    'list': ('list', []),
    'all': ('list --all', []),
    'overview': ('', []),
    'status': ('status --lines=0 screen10', [
        (r'\([0-9a-f]{32}\)', '(#)'), (r'Since: .*', 'Since: #'), (r'(Leader: |Supervisor: )\d+', r'\1#'), (r'fe80::\S+', 'fe80::#'),
        (r'(UID Shift: |CPU: |Memory: |Tasks: ).*', r'\1#'), (r'─\d+ ', '─# '), (r' -\S*…$', ' …')]),
    'failed': ('status --lines=0 screen3', [(r'(CPU: ).*', r'\1#')]),
    'top': ('top --sort=name --delay=300ms screen2 screen10', [BARS, NUMBERS]),
    'blame': ('blame --order=begin --no-pager screen2', [
        (r'\S+ms|\d\S*s(?=[ ,.])', lambda match: '#'), (r'^ +# +# ', '        #         # '), BARS]),
}


def screen(command, width, shows):
    """What a terminal of that width shows of a command, once that matches."""
    tmux = ['tmux', '-L', f'screens-{next(SERVERS)}', '-f', '/dev/null']     # the one before may still be ending
    found = ''

    def complete():
        nonlocal found
        found = output(*tmux, 'capture-pane', '-p')
        return re.search(shows, found)

    run(*tmux, 'new-session', '-d', '-x', width, '-y', LINES, f'boxctl {command}; exec sleep 1000')
    try:
        wait_for(complete)
        return found
    finally:
        run(*tmux, 'kill-server')


def mask(text, masks):
    lines = text.rstrip().splitlines()
    for pattern, place in masks:
        lines = [re.sub(pattern, place, line) for line in lines]
    return ''.join(f'{line.rstrip()}\n' for line in lines)


# The last line of each.
ENDS = {'list': 'listed', 'all': 'listed', 'overview': '--help', 'status': 'supervisor\n.*box-run', 'failed': 'Next:', 'top': r'screen10 +\d', 'blame': 'execute'}


@pytest.mark.parametrize('width', WIDTHS)
@pytest.mark.parametrize('name', COMMANDS)
def test_screen(machines, name, width):
    command, masks = COMMANDS[name]
    text = screen(command, width, ENDS[name])
    assert all(len(line) <= width for line in text.splitlines())
    text = mask(text, masks)
    NEW.mkdir(exist_ok=True)
    (NEW / f'{name}-{width}.txt').write_text(text)
    assert text == (GOLDEN / f'{name}-{width}.txt').read_text()
