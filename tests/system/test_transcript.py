# SPDX-License-Identifier: LGPL-2.1-or-later
"""machinectl-lite says what machinectl says: the same calls of both, on machines in the same state.

Standard output and the exit status are compared. What differs is in DIFFERENT, with the words by which boxctl(1),
MACHINECTL-LITE, names it. Standard error has other words, but has them when machinectl has some.
"""

import contextlib
import re
import subprocess
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

GUEST, OTHER, ANOTHER = 'script-deb', 'script-vm', 'script-vm2'


def register(name):
    """A machine of another manager, as libvirt would register it; its process."""
    sleeper = subprocess.Popen(['sleep', '1000'])
    run('busctl', 'call', 'org.freedesktop.machine1', '/org/freedesktop/machine1', 'org.freedesktop.machine1.Manager',
        'CreateMachine', 'sayssusa(sv)', name, '16', *map(str, range(16)), 'libvirt', 'vm', str(sleeper.pid), '', '0')
    return sleeper


@pytest.fixture(scope='module')
def machines(module_machine):
    """One of box's, and two of another manager."""
    guest = module_machine('deb12', name=GUEST)
    guest.start()
    guest.wait_running()
    quick = module_machine('busybox', name='script-busybox')
    quick.write_file('[Network]\nVirtualEthernet=no\nPrivate=yes\n')
    quick.start()
    # machinectl of systemd 252 shows an address that the kernel still looks for twins of; box and later ones do not.
    for program in ('machinectl', 'machinectl-lite'):
        wait_for(lambda program=program: ':' in output(program, 'list', '--max-addresses=all', '--no-legend'))
    sleepers = [register(OTHER), register(ANOTHER)]
    yield guest
    for sleeper in sleepers:
        sleeper.kill()
        sleeper.wait()


def call(program, words):
    result = subprocess.run([program, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
                            env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'})
    return result.returncode, result.stdout, result.stderr


def both(words, normal=lambda text: text):
    """What machinectl and machinectl-lite say."""
    said = []
    for program in ('machinectl', 'machinectl-lite'):
        status, text, errors = call(program, words)
        said.append((status, normal(text), bool(errors)))
    return said


CALLS = '''
list
list --no-legend
list --all
list -a --no-legend
list -l
list --full --all
list --max-addresses=0
list --max-addresses=2
list --max-addresses=all
list --max-addresses=x
list -o json
list -a -o json
list -o cat
list -q
list --no-pager --no-legend
list extra
show
show --all
show script-deb
show script-deb script-vm
show script-busybox
show -p Name -p Class script-deb
show --property=Leader --value script-deb
show --value -p Name script-vm script-vm2
show -p Nothing script-deb
show -p Nothing -p Name script-deb
show nowhere
show script-vm nowhere
show nowhere script-vm
show -o json script-vm
show .host
status
status nowhere
start
start nowhere
enable
enable nowhere
disable nowhere
poweroff
poweroff nowhere
stop nowhere
reboot
reboot nowhere
terminate
terminate nowhere
kill
kill nowhere
kill script-vm -s FROB
kill script-vm --kill-whom=frob
kill -s CONT script-vm
kill --signal=SIGCONT --kill-whom=leader script-vm
kill --signal=18 --kill-whom=all script-vm script-vm2
login nowhere
login a b
shell nowhere
shell @script-deb
shell script-deb not/absolute
shell -E =A script-deb
frobnicate
--frobnicate
-n x list
-o frob list
-o help
-s help
-s list
--max-addresses
--verify=no list
--format=gzip list
--read-only --mkdir list
--no-ask-password list
--uid=root --setenv=A=b list
'''.strip().splitlines()


@pytest.mark.parametrize('line', CALLS)
def test_same(machines, line):
    # Addresses of links that are new may come between the two.
    said = []
    with contextlib.suppress(AssertionError):
        wait_for(lambda: said.append(both(line.split())) or said[-1][0] == said[-1][1], timeout=60 if line.startswith('list') else 0)
    machinectl, lite = said[-1]
    assert lite == machinectl


def settled(text):
    """Without what two calls in a row need not have in common, and how systemd quotes command lines."""
    text = re.sub(r'; .* ago$', '; AGO ago', text.expandtabs(), flags=re.M)
    return re.sub(r'["\\]', '', text)


@pytest.mark.parametrize('line', ['status script-deb -n0', 'status script-vm --lines=0', 'status -n 0 script-deb script-vm',
                                  'status script-busybox -n0', 'status script-deb -n 2 -o cat', 'status -l -n0 script-vm nowhere'])
def test_same_status(machines, line):
    machinectl, lite = both(['--no-pager', *line.split()], settled)
    assert lite == machinectl


@pytest.mark.parametrize('words', [
    ['poweroff'], ['stop'], ['reboot'], ['terminate'], ['kill'], ['kill', '-s', 'KILL'], ['kill', '--kill-whom=leader', '-s', 'INT']])
def test_same_end(words):
    """The same happens to a machine of another manager: its process ends by the same signal."""
    ends = []
    for program in ('machinectl', 'machinectl-lite'):
        sleeper = register('script-ends')
        try:
            ends.append((*call(program, [*words, 'script-ends']), sleeper.wait(60)))
        finally:
            sleeper.kill()
            run('machinectl', 'terminate', 'script-ends', check=False)
            wait_for(lambda: 'script-ends' not in output('machinectl', 'list'))
    assert ends[0] == ends[1] and ends[0][3] < 0


# How machinectl-lite differs: the call, what it says instead, and the words of boxctl(1) about that.
DIFFERENT = [
    (['list', '-o', 'json-pretty'], 'white space', lambda m, lite: re.sub(r'\s', '', m[1]) == re.sub(r'\s', '', lite[1])),
    (['list', '-o', 'json-sse'], 'json-sse', lambda m, lite: m[1].removeprefix('data: ').strip() == lite[1].strip()),
    (['show', '-a', GUEST], '[unprintable]', lambda m, lite: re.sub('NetworkInterfaces=.*', '', m[1]) ==
                                                             re.sub('NetworkInterfaces=.*', '', lite[1])),
    (['shell', GUEST, '/bin/echo', 'said'], 'carriage returns', lambda m, lite: m[1].replace('\r', '').strip() == lite[1].strip()),
    (['shell', GUEST, '/bin/false'], 'exit status', lambda m, lite: (m[0], lite[0]) == (0, 1)),
    (['--version'], 'version', lambda m, lite: (m[0], lite[0]) == (0, 0) and lite[1].startswith('box ')),
    (['--help'], 'help', lambda m, lite: (m[0], lite[0]) == (0, 0)),
    (['enable', GUEST], 'box@', lambda m, lite: (m[0], lite[0]) == (0, 0)),
    (['list-images'], 'images', lambda m, lite: (m[0], lite[0]) == (0, 1) and 'use: machinectl list-images' in lite[2]),
]


@pytest.mark.parametrize('words, named, holds', DIFFERENT, ids=[' '.join(row[0]) for row in DIFFERENT])
def test_different(machines, words, named, holds):
    machinectl, lite = call('machinectl', words), call('machinectl-lite', words)
    run('systemctl', 'disable', f'systemd-nspawn@{GUEST}.service', f'box@{GUEST}.service', check=False)
    assert machinectl != lite and holds(machinectl, lite), (machinectl, lite)
    manual = (Path(__file__).parents[2] / 'man' / 'boxctl.1.scd').read_text()
    section = re.sub(r'\s+', ' ', manual.partition('# MACHINECTL-LITE\n')[2].partition('\n# ')[0])
    assert named in section
