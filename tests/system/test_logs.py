# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl logs: the host's unit, the console and the machine's own journal, merged by time; damaged and hostile files."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support import output, run, wait_for

JOURNAL = 'var/log/journal'


@pytest.fixture(scope='module')
def systemd(module_machine):
    """A machine with a persistent journal, which has run twice and runs."""
    m = module_machine('deb12', 'logs-systemd')
    (m.path / JOURNAL).mkdir(parents=True, exist_ok=True)
    for line in ('of the first start', 'of the second start'):
        m.start()
        m.wait_running()
        m.exec('logger', '-t', 'ours', line)
        m.exec('journalctl', '--sync')
        if 'first' in line:
            m.stop()
    return m


@pytest.fixture(scope='module')
def busybox(module_machine):
    m = module_machine('busybox', 'logs-busybox')
    m.start()
    return m


def logs(*words, **options):
    run('journalctl', '--sync')
    return run('boxctl', 'logs', *words, **options)


def entries(*words):
    return [json.loads(line) for line in logs('-o', 'json', *words).stdout.splitlines()]


def test_three_origins_in_order_of_time(systemd):
    all_of_it = entries(systemd.name)
    assert {e['BOX_ORIGIN'] for e in all_of_it} == {'unit', 'console', 'journal'}
    assert {e['BOX_MACHINE'] for e in all_of_it} == {systemd.name}
    times = [int(e['__REALTIME_TIMESTAMP']) for e in all_of_it]
    assert times == sorted(times)
    of = {e['MESSAGE']: e['BOX_ORIGIN'] for e in all_of_it if isinstance(e['MESSAGE'], str)}
    assert of['of the second start'] == of['of the first start'] == 'journal'
    assert any('Started' in m and systemd.unit in m and o == 'unit' for m, o in of.items())
    assert any(e['BOX_ORIGIN'] == 'console' and 'Welcome to' in e['MESSAGE'] for e in all_of_it)

    lines = logs(systemd.name).stdout.splitlines()
    assert any(re.match(r'\w{3} \d\d \d\d:\d\d:\d\d journal ours(\[\d+\])?: of the second start$', line) for line in lines)
    assert any(re.match(r'\w{3} \d\d \d\d:\d\d:\d\d unit    systemd\[1\]: Started ', line) for line in lines)
    assert any(re.match(r'\w{3} \d\d \d\d:\d\d:\d\d console .*Welcome to', line) for line in lines)


def test_selections(systemd):
    name = systemd.name
    assert logs('-g', 'OF THE .* start', name).stdout == ''             # a capital: as it stands
    assert [e['MESSAGE'] for e in entries('-g', 'of the .* start', name)] == ['of the first start', 'of the second start']
    assert [e['MESSAGE'] for e in entries('-g', 'of the .* start', '-n1', name)] == ['of the second start']
    assert [e['MESSAGE'] for e in entries('-g', 'of the .* start', '-b', name)] == ['of the second start']
    assert [e['MESSAGE'] for e in entries('-g', 'of the .* start', '-b', '-1', name)] == ['of the first start']
    # Of an earlier machine of this name, where the lab has run these tests before.
    first = [int(e['__REALTIME_TIMESTAMP']) for e in entries('--boot=1', name)]
    assert first and max(first) < int(entries('-b', name)[0]['__REALTIME_TIMESTAMP'])
    assert logs('-b', '-999', name, check=False).returncode == 3
    some = [json.loads(line) for line in logs('--json', 'MESSAGE,SYSLOG_IDENTIFIER,BOX_ORIGIN,NO_SUCH', '-g', 'of the .* start', name).stdout.splitlines()]
    assert [list(e.values()) for e in some] == [[f'of the {nth} start', 'ours', 'journal', None] for nth in ('first', 'second')]
    assert list(some[0]) == ['MESSAGE', 'SYSLOG_IDENTIFIER', 'BOX_ORIGIN', 'NO_SUCH']
    of_journald = entries('-u', 'systemd-journald', name)
    assert {e['BOX_ORIGIN'] for e in of_journald} == {'journal'}
    assert {e.get('_SYSTEMD_UNIT') or e.get('UNIT') for e in of_journald} == {'systemd-journald.service'}
    assert all(int(e['PRIORITY']) <= 3 for e in entries('-p', 'err', name))
    assert len(entries('-n', '7', name)) == 7 and logs('-n', '0', name).stdout == ''
    # Once the machine has nothing more to say after its boot.
    wait_for(lambda: entries('-n', '7', name) == entries(name)[-7:], interval=0.5)
    assert logs('--since=+1h', name).stdout == logs('--until=-1d', name).stdout == ''
    assert entries('--since=-1d', '-b', '-1', name) == entries('-b', '-1', name) != []
    refused = logs('--since=soon', name, check=False)
    assert refused.returncode == 2 and 'not a point in time' in refused.stderr


def test_machines_are_merged_and_without_a_journal_of_their_own(systemd, busybox):
    both = entries(systemd.name, busybox.name)
    times = [int(e['__REALTIME_TIMESTAMP']) for e in both]
    assert times == sorted(times)
    assert {(e['BOX_MACHINE'], e['BOX_ORIGIN']) for e in both} >= {(busybox.name, 'unit'), (systemd.name, 'journal')}
    assert (busybox.name, 'journal') not in {(e['BOX_MACHINE'], e['BOX_ORIGIN']) for e in both}
    assert any(re.match(rf'\S+ \d+ \S+ {busybox.name}  ?unit    systemd', line)
               for line in logs(busybox.name, systemd.name).stdout.splitlines())
    # One that is not there is told, and the others are shown.
    some = logs('no-such', busybox.name, check=False)
    assert some.returncode == 3 and 'no-such' in some.stderr and 'Started' in some.stdout
    for bad in ('../x', 'a/b', 'a\nb', '', 'x' * 65):
        refused = logs(bad, check=False)
        assert (refused.returncode, refused.stdout) == (2, '') and 'Invalid machine name' in refused.stderr


def follow(*words):
    process = subprocess.Popen(['boxctl', 'logs', '-f', '-o', 'cat', *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.set_blocking(process.stdout.fileno(), False)
    seen = bytearray()

    def has(text):
        with contextlib.suppress(BlockingIOError):
            seen.extend(os.read(process.stdout.fileno(), 1 << 20))
        return text.encode() in seen
    process.has = has
    return process


def without_rights(pid):
    """Is one of the two children, that which reads the machine's files, nobody's, and without a way back?"""
    children = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    status = [Path(f'/proc/{child}/status').read_text() for child in children]
    return sorted(bool(re.search(r'Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534\n(.*\n)*Groups:\t *\n(.*\n)*'
                                 r'CapPrm:\t0+\nCapEff:\t0+\n(.*\n)*NoNewPrivs:\t1\n', text)) for text in status) == [False, True]


def test_follow_the_journal_over_its_rotation_and_a_restart(systemd):
    f = follow('-n0', systemd.name)
    wait_for(lambda: without_rights(f.pid))
    for text in ('before the rotation', 'after the rotation', 'in another file'):
        systemd.exec('logger', text)
        wait_for(lambda text=text: f.has(text))
        systemd.exec('journalctl', '--rotate')
    systemd.stop()
    wait_for(lambda: f.has('Stopped'))
    systemd.start()
    systemd.wait_running()
    systemd.exec('logger', 'of the third start')
    wait_for(lambda: f.has('of the third start'))
    f.send_signal(signal.SIGINT)
    assert f.wait(timeout=60) == -signal.SIGINT
    f.stdout.close()


def test_follow_ends_with_its_reader(busybox):
    f = subprocess.Popen(['boxctl', 'logs', '-f', '-n1', busybox.name], stdout=subprocess.PIPE)
    assert f.stdout.readline()
    children = Path(f'/proc/{f.pid}/task/{f.pid}/children').read_text().split()
    f.stdout.close()
    assert f.wait(timeout=60) == 0
    assert children
    wait_for(lambda: not any(Path(f'/proc/{c}').exists() for c in children))
    # And its processes with it, whatever ends it.
    f = subprocess.Popen(['boxctl', 'logs', '-f', busybox.name], stdout=subprocess.DEVNULL)
    wait_for(lambda: Path(f'/proc/{f.pid}/task/{f.pid}/children').read_text().split())
    children = Path(f'/proc/{f.pid}/task/{f.pid}/children').read_text().split()
    f.kill()
    f.wait()
    wait_for(lambda: not any(Path(f'/proc/{c}').exists() and 'State:\tZ' not in Path(f'/proc/{c}/status').read_text()
                             for c in children), timeout=60)


def test_stopped_machine_and_hostile_files(systemd):
    systemd.stop()
    directory = next((systemd.path / JOURNAL).glob('*'))
    secret = Path('/root/secret.journal')
    host = next(Path('/run/log/journal').glob('*/system.journal'), None) or next(Path('/var/log/journal').glob('*/system.journal'))
    shutil.copy(host, secret)
    whole = max(directory.glob('*.journal'), key=lambda f: f.stat().st_size)
    os.utime(whole)
    (directory / 'garbage.journal').write_bytes(b'LPKSHHRH' + os.urandom(100_000))
    (directory / 'short.journal').write_bytes(whole.read_bytes()[:300])
    (directory / 'link.journal').symlink_to(secret)
    (directory / 'dir.journal').mkdir()
    os.mkfifo(directory / 'fifo.journal')
    damaged = bytearray(whole.read_bytes())
    for at in range(5000, len(damaged), 4096):
        damaged[at:at + 64] = b'\xff' * 64
    (directory / 'damaged.journal').write_bytes(damaged)
    hostile = ['garbage', 'short', 'link', 'dir', 'fifo', 'damaged']
    before = time.time() - 100
    for name in ('garbage', 'short', 'damaged'):
        os.utime(directory / f'{name}.journal', (before, before))
    try:
        started = time.monotonic()
        result = logs(systemd.name, check=False)
        assert time.monotonic() - started < 20
        assert 'of the second start' in result.stdout and 'of the first start' in result.stdout
        assert "The file 'garbage.journal' of the machine's journal is damaged" in result.stderr
        assert "The file 'short.journal' of the machine's journal is damaged" in result.stderr
        # The link leads to the host's journal, which is not the machine's.
        host_id = Path('/etc/machine-id').read_text().strip()
        assert not any(e['BOX_ORIGIN'] == 'journal' and e.get('_MACHINE_ID') == host_id for e in entries(systemd.name))
    finally:
        for name in hostile:
            path = directory / f'{name}.journal'
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        secret.unlink()
    assert logs(systemd.name).stderr == ''


def test_escape_sequences_do_not_reach_a_terminal(systemd, terminal):
    if not systemd.is_active():
        systemd.start()
        systemd.wait_running()
    systemd.exec('sh', '-c', "printf 'a\\033]0;title\\007b\\n' | logger -t esc; journalctl --sync")
    shown = terminal('boxctl', '--no-pager', 'logs', '-n', '40', systemd.name)
    shown.expect(r'esc(\[\d+\])?: a\?\]0;title\?b', timeout=60)
    assert '\x1b]0;' not in shown.before


def test_removed_machine_leaves_the_host_s_part(machine):
    m = machine('busybox')
    m.start()
    m.stop()
    m.remove()
    assert {e['BOX_ORIGIN'] for e in entries(m.name)} >= {'unit'}
    assert not m.path.exists()


def test_ephemeral_machine(machine):
    m = machine('deb12')
    m.write_file('[Exec]\nEphemeral=yes\n')
    m.start()
    m.wait_running()
    m.exec('logger', '-t', 'ours', 'of an ephemeral machine')
    m.exec('journalctl', '--sync')
    assert any(e['MESSAGE'] == 'of an ephemeral machine' and e['BOX_ORIGIN'] == 'journal' for e in entries(m.name))
    m.stop()
    assert {e['BOX_ORIGIN'] for e in entries(m.name)} == {'unit', 'console'}


def test_user_is_told_what_is_missing(busybox, systemd):
    if not systemd.is_active():
        systemd.start()
    result = run('setpriv', '--reuid=1234', '--regid=1234', '--clear-groups', 'boxctl', 'logs', systemd.name, check=False)
    assert "No permission to read the host's journal" in result.stderr
    assert "No permission to read the machine's own journal" in result.stderr
    assert result.returncode == 0 and result.stdout == ''
    group = output('getent', 'group', 'systemd-journal').split(':')[2]
    result = run('setpriv', '--reuid=1234', '--regid=1234', f'--groups={group}', 'boxctl', 'logs', busybox.name)
    assert 'Started' in result.stdout and "host's journal" not in result.stderr
