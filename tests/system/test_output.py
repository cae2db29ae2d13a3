# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl's output, and what is done to many machines at once."""

import json
import os
import pty
import re
import subprocess

import pytest

from support import output, run, wait_for

# Ends at once when it is stopped, with success: it is not to be killed.
COMMAND = '[Exec]\nBoot=no\nKillSignal=SIGTERM\nParameters=/bin/sh -c "trap \'exit 0\' TERM; sleep 1000 & wait"\n'


@pytest.fixture(scope='module')
def webs(module_machine):
    """Three stopped machines that run a command, so that they start and stop at once."""
    made = [module_machine('busybox', name=f'out-web{i}') for i in (2, 10, 1)]
    for m in made:
        m.write_file(COMMAND)
    yield made
    run('boxctl', 'stop', 'out-web*', check=False)


def test_globs(webs):
    lines = run('boxctl', 'start', 'out-web*').stdout.splitlines()
    assert lines == ['out-web1: started', 'out-web2: started', 'out-web10: started']
    assert all(m.is_active() for m in webs)
    # Of those that run.
    result = run('boxctl', 'kill', 'out-web?', 'out-nosuch*', check=False)
    assert (result.returncode, result.stderr) == (3, "boxctl: No running machine matches 'out-nosuch*'; see boxctl list\n")
    assert all(m.is_active() for m in webs), 'and nothing is done'
    assert run('boxctl', 'stop', 'out-web1*').stdout.splitlines() == ['out-web1: stopped', 'out-web10: stopped']
    assert [m.is_active() for m in webs] == [True, False, False]
    assert run('boxctl', 'terminate', 'out-web[0-9]').stdout == 'out-web2: terminated\n', 'a glob that matches one has its line'
    wait_for(lambda: webs[0].property('ActiveState') in ('inactive', 'failed'))
    run('systemctl', 'reset-failed', webs[0].unit, check=False)


def test_one_failure_of_many(webs):
    webs[0].write_file('[Exec]\nKillSignal=SIGFOO\n')
    try:
        result = run('boxctl', 'start', 'out-web1', 'out-web2', 'out-nosuch', 'out-web10', check=False)
        assert result.stdout.splitlines() == ['out-web1: started', 'out-web10: started']
        first, second = result.stderr.splitlines()
        assert first.startswith('boxctl: out-web2: ') and 'KillSignal=SIGFOO' in first
        assert second.startswith("boxctl: out-nosuch: No machine 'out-nosuch'")
        assert result.returncode == 3
        assert run('boxctl', 'stop', '-q', 'out-web1', 'out-web10').stdout == ''
    finally:
        run('systemctl', 'reset-failed', webs[0].unit, check=False)
        webs[0].write_file(COMMAND)


def test_enable_and_start_many(webs):
    lines = run('boxctl', 'enable', '--now', 'out-web1', 'out-web2').stdout.splitlines()
    assert lines == ['out-web1: enabled', 'out-web2: enabled']
    assert output('systemctl', 'is-enabled', webs[0].unit, webs[2].unit).split() == ['enabled', 'enabled']
    assert [m.is_active() for m in webs] == [True, False, True]
    run('boxctl', 'disable', '--now', 'out-web*')
    assert not any(m.is_active() for m in webs)


def test_all(webs):
    """Of machines that run; to none of them nothing is done, and that is no failure."""
    run('boxctl', 'start', 'out-web1', 'out-web2')
    lines = run('boxctl', 'stop', '--all').stdout.splitlines()
    assert [line for line in lines if 'out-' in line] == ['out-web1: stopped', 'out-web2: stopped']
    assert not any(m.is_active() for m in webs)
    if not output('boxctl', 'list', '--no-legend'):
        result = run('boxctl', 'stop', '--all')
        assert (result.stdout, result.stderr) == ('', 'boxctl: There are no machines to stop\n')


def test_refused_and_in_use(webs):
    """Exit statuses by class, where a real host answers."""
    run('boxctl', 'start', 'out-web1')
    assert run('boxctl', 'chroot', 'out-web1', '--', '/bin/true', check=False).returncode == 6, 'it runs'
    refused = run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'boxctl', '--no-ask-password', 'stop', 'out-web1',
                  check=False)
    assert refused.returncode == 4, refused.stderr
    assert run('boxctl', 'reboot', 'out-web1', check=False).returncode == 8, 'it runs no init'
    assert webs[2].is_active()
    run('boxctl', 'stop', 'out-web1')
    assert run('boxctl', 'stop', 'out-web1', check=False).returncode == 3


def test_columns_of_settings(webs):
    """By their keys, of each machine; names as people count."""
    webs[1].write_file(COMMAND + '[X-Resources]\nTasksMax=77\n[Files]\nBind=/srv\nBind=/opt\n')
    try:
        run('boxctl', 'start', 'out-web*')
        rows = [row for row in json.loads(output('boxctl', 'list', '--json', 'machine,TasksMax,Bind')) if 'out-' in row['machine']]
        assert rows == [{'machine': 'out-web1', 'TasksMax': None, 'Bind': []}, {'machine': 'out-web2', 'TasksMax': None, 'Bind': []},
                        {'machine': 'out-web10', 'TasksMax': '77', 'Bind': ['/srv:/srv', '/opt:/opt']}], 'as in force'
    finally:
        run('boxctl', 'stop', 'out-web*')
        webs[1].write_file(COMMAND)


def rows_of(*words):
    return {row['machine']: row for row in json.loads(output('boxctl', 'list', *words, '--json=short')) if 'out-' in row['machine']}


def test_list_all(webs):
    """Every machine of the host: what runs, what failed and why, what has only a file or a mask, on which tree and file."""
    only = '/etc/systemd/nspawn/out-only.nspawn'
    webs[0].write_file('[Exec]\nKillSignal=SIGFOO\n')
    try:
        run('boxctl', 'start', 'out-web1', 'out-web2', check=False)
        run('boxctl', 'enable', 'out-web1')
        run('systemctl', 'mask', '--runtime', 'box@out-masked')
        run('touch', only, '/etc/systemd/nspawn/out-\x1b[31m.nspawn')
        rows = rows_of('--all')
        assert {name: (row['state'], row['enabled']) for name, row in rows.items()} == {
            'out-masked': ('stopped', 'masked-runtime'), 'out-only': ('stopped', 'disabled'), 'out-web1': ('running', 'enabled'),
            'out-web2': ('failed', 'disabled'), 'out-web10': ('stopped', 'disabled')}
        for name, row in rows.items():
            assert row['enabled'] == run('systemctl', 'is-enabled', f'box@{name}', check=False).stdout.strip()
        assert rows['out-only']['file'] == only and rows['out-only']['tree'] is None
        assert rows['out-web10']['tree'] == '/var/lib/machines/out-web10' and rows['out-web1']['service'] == 'box'
        assert 'KillSignal=SIGFOO' in rows['out-web2']['reason'] and rows['out-web1']['reason'] is None
        assert list(rows_of()) == ['out-web1'], 'without --all, what runs'

        text = output('boxctl', 'list', '--all')
        assert text.startswith('× out-web2: '), 'the reason comes first'
        assert ['out-web1', 'running', 'enabled'] in [line.split()[:3] for line in text.splitlines()]
        assert '.host' not in text and '\x1b' not in text and '31m' not in text
        lines = [line.split() for line in output('boxctl', 'list', '--all', '-c', 'ne,Boot').splitlines()]
        assert ['MACHINE', 'ENABLED', 'BOOT'] in lines and ['out-web10', 'disabled', 'no'] in lines
        # Who may not look into /var/lib/machines.
        somebody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
        assert 'out-only' in output(*somebody, 'boxctl', 'list', '--all')
    finally:
        run('systemctl', 'unmask', '--runtime', 'box@out-masked', check=False)
        run('rm', '-f', only, '/etc/systemd/nspawn/out-\x1b[31m.nspawn')
        run('boxctl', 'disable', '--now', 'out-web1', check=False)
        run('systemctl', 'reset-failed', webs[0].unit, check=False)
        webs[0].write_file(COMMAND)


LISTINGS = [('list', 'machine', 'state'), ('list --all', 'machine', 'file'), ('status NAME', 'machine', 'active_state'),
            ('get NAME', 'key', 'value'), ('port NAME', 'key', 'value'), ('pending NAME', 'key', 'after'), ('apply NAME', 'key', 'applied'),
            ('blame NAME', 'name', 'usec'), ('top --once', 'machine', 'cpu_permyriad'), ('doctor', 'check', 'result'),
            ('new', 'sample', 'about'), ('explain NAME Parameters', 'key', 'values'), ('explain NAME', 'key', 'from'),
            ('explain MemoryMax Bind', 'key', 'meaning')]


def test_listings(webs):
    """Every listing: all as JSON, chosen fields in their order, the fields themselves, and chosen columns as a table."""
    webs[2].write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n[Network]\nPort=tcp:8080:80\n')
    try:
        run('boxctl', 'start', 'out-web1')
        webs[2].write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 2000\n[Network]\nPort=tcp:8080:80\n')
        for words, first, second in LISTINGS:
            command = ('boxctl', *words.replace('NAME', 'out-web1').split())
            plain, pretty = (run(*command, '-o', mode, check=False).stdout for mode in ('json', 'json-pretty'))
            assert type(json.loads(plain)) is type(json.loads(pretty)) and len(pretty.splitlines()) > len(plain.splitlines()), words
            fields = [line.split()[0 if line[2] == ' ' else 1] for line in run(*command, '--json').stdout.splitlines() if line[4:5] != ' ']
            assert first in fields and second in fields, words
            rows = json.loads(run(*command, '--json', f'{second},{first}', check=False).stdout)
            assert rows and all(list(row) == [second, first] for row in rows), words
            assert any(row[first] and row[second] is not None for row in rows), words
            lines = run(*command, '-c', f'{first},{second}', check=False).stdout.splitlines()
            assert lines[0 if lines[0][0] != '×' else 2].split()[0] == first.replace('_', ' ').upper().split()[0], words
            assert len(lines) >= 2, words
            wrong = run(*command, '--json', 'no-such', check=False)
            assert wrong.returncode == 2 and wrong.stdout == '' and first in wrong.stderr, words
        text = output('boxctl')
        assert re.search(r'\(needs a restart: \d settings?\)', text), 'the overview says it, too'
    finally:
        run('boxctl', 'stop', 'out-web1', check=False)
        webs[2].write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n')


def test_new(webs):
    """From every sample; never over a file; and what to do next."""
    path = '/etc/systemd/nspawn/out-new.nspawn'
    samples = [row['sample'] for row in json.loads(output('boxctl', 'new', '--json', 'sample'))]
    assert len(samples) > 10 and 'database' in samples
    try:
        for sample in samples:
            run('rm', '-f', path)
            run('boxctl', 'new', '-q', 'out-new', sample)
            assert output('cat', path) == output('cat', f'/usr/share/box/nspawn-configs/{sample}.nspawn'), sample
        again = run('boxctl', 'new', 'out-new', 'database', check=False)
        assert again.returncode == 6 and path in again.stderr and 'boxctl edit out-new' in again.stderr
        assert output('cat', path) == output('cat', f'/usr/share/box/nspawn-configs/{samples[-1]}.nspawn'), 'it is as it was'
        run('mv', path, '/run/systemd/nspawn/out-new.nspawn')
        assert run('boxctl', 'new', 'out-new', 'database', check=False).returncode == 6, 'nor is one hidden'
        run('rm', '/run/systemd/nspawn/out-new.nspawn')
        wrong = run('boxctl', 'new', 'out-new', 'databas', check=False)
        assert wrong.returncode == 2 and 'did you mean database?' in wrong.stderr and 'zone-ports' in wrong.stderr
        assert run('test', '-e', path, check=False).returncode == 1, 'nothing is left'
        steps = output('boxctl', 'new', 'out-new', 'database')
        for step in ('boxctl edit out-new', 'bootstrap/debian out-new', 'boxctl start out-new', 'boxctl login out-new'):
            assert step in steps
        assert run('boxctl', 'new', 'out-new', check=False).returncode == 2
        assert run('boxctl', 'new', '../x', 'database', check=False).returncode == 2
        assert output('ls', '-A', '/etc/systemd/nspawn').count('out-new') == 1, 'no temporary file'
        refused = run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'boxctl', 'new', 'out-newer', 'database',
                      check=False)
        assert refused.returncode == 4
    finally:
        run('rm', '-f', path, '/run/systemd/nspawn/out-new.nspawn')


def on_terminal(*command):
    """What it prints on standard error, which is a terminal, but for the status lines of a start."""
    master, slave = pty.openpty()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave, timeout=60)
    os.close(slave)
    text = b''
    while True:
        try:
            text += os.read(master, 65536)
        except OSError:
            break
    os.close(master)
    return re.sub(r'\x1b\[[A-Z]', '', text.decode()).splitlines()


def test_next_steps(webs):
    """For people, on a terminal; with the machine's name."""
    start = 'Next: boxctl shell out-web1 | boxctl console out-web1 | boxctl logs -f out-web1'
    assert on_terminal('boxctl', 'start', 'out-web1')[-1] == start
    try:
        assert on_terminal('boxctl', 'freeze', 'out-web1')[-1] == 'Next: boxctl thaw out-web1'
        run('boxctl', 'thaw', 'out-web1')
        assert 'Next: ' not in run('boxctl', 'start', 'out-web1', check=False).stderr, 'no terminal'
        assert on_terminal('boxctl', 'enable', 'out-web1')[-1].startswith('Created symlink'), 'it runs already'
        run('boxctl', 'disable', 'out-web1')
        assert on_terminal('boxctl', 'stop', 'out-web1')[-1] == 'Next: boxctl start out-web1'
        assert on_terminal('boxctl', 'enable', 'out-web1')[-1] == 'Next: boxctl start out-web1'
        for command in (('boxctl', '-q', 'start', 'out-web1'), ('machinectl-lite', 'terminate', 'out-web1')):
            assert not any('Next' in line for line in on_terminal(*command)), command
        wait_for(lambda: webs[2].property('ActiveState') in ('inactive', 'failed'))
        webs[2].write_file('[Exec]\nKillSignal=SIGFOO\n')
        lines = on_terminal('boxctl', 'start', 'out-web1')
        assert 'KillSignal=SIGFOO' in lines[-2] and lines[-1] == 'Next: boxctl logs out-web1 | boxctl check out-web1 | boxctl doctor'
        assert on_terminal('boxctl', 'check', 'out-web1')[-1] == 'Next: boxctl edit out-web1'
        assert on_terminal('boxctl', 'start', 'out-nosuch')[-1] == 'Next: boxctl list --all | boxctl new'
    finally:
        run('boxctl', 'disable', '--now', 'out-web1', check=False)
        run('systemctl', 'reset-failed', webs[2].unit, check=False)
        webs[2].write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n')


def test_overview_tells_what_failed(webs):
    webs[0].write_file('[Exec]\nKillSignal=SIGFOO\n')
    try:
        assert run('boxctl', 'start', 'out-web2', check=False).returncode == 1
        text = output('boxctl')
        assert '× out-web2: ' in text and 'KillSignal=SIGFOO' in text and 'boxctl status out-web2' in text
    finally:
        run('systemctl', 'reset-failed', webs[0].unit, check=False)
        webs[0].write_file(COMMAND)
    assert 'out-web2' not in output('boxctl')


def test_explain_changed(webs):
    webs[0].write_file(COMMAND + '[X-Resources]\nTasksMax=77\n')
    try:
        text = output('boxctl', 'explain', '--changed', 'out-web2')
        assert 'Boot=no\n' in text and '#Ephemeral=' not in text and '#Ephemeral=' in output('boxctl', 'explain', 'out-web2')
        changed = json.loads(output('boxctl', 'explain', '--changed', '-o', 'json', 'out-web2'))
        assert {'Boot', 'Parameters'} <= {setting['key'] for setting in changed}
        assert 'TasksMax=77\n' in output('boxctl', 'explain', 'out-web2', 'TasksMax')
        assert run('boxctl', 'explain', 'out-web2', 'TasksMaz', check=False).returncode == 2
    finally:
        webs[0].write_file(COMMAND)


def test_set_any_key(webs):
    """With a switch's precedence over the file, and named as it is in messages."""
    webs[2].write_file('[Exec]\nHostname=file\n')
    try:
        words = ('box-run', '--quiet', '--register=no', '-M', 'out-web1', '--set=Hostname=switch', '--set=BootTime=zero', '--pipe')
        assert output(*words, '/bin/cat', '/proc/sys/kernel/hostname') == 'switch'
        wrong = run(*words, '--set=HostView=nowhere', '/bin/true', check=False)
        assert wrong.returncode == 1 and '--set=HostView=' in wrong.stderr
        assert 'did you mean Hostname?' in run(*words, '--set=Hostnam=x', '/bin/true', check=False).stderr
    finally:
        webs[2].write_file(COMMAND)
