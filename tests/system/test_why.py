# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl why: which setting refused a command what, on a machine whose settings refuse much."""

import json
import subprocess

import pytest

FILE = '''[Exec]
SystemCallFilter=~sethostname
DropCapability=CAP_NET_RAW
LimitNOFILE=64
Boot=no
ProcessTwo=yes
Parameters=/bin/tail -f /dev/null

[Files]
BindReadOnly=/usr/share:/srv
'''


@pytest.fixture(scope='module')
def machine(module_machine):
    m = module_machine('busybox', name='why')
    (m.path / 'srv').mkdir(exist_ok=True)
    with open(m.path / 'etc/passwd', 'a') as passwd:
        passwd.write('tester:x:1077:1077::/tmp:/bin/sh\n')
    m.write_file(FILE)
    m.start()
    return m


def why(machine, *words, options=()):
    result = subprocess.run(['boxctl', 'why', '-o', 'json', *options, machine.name, '--', *words], timeout=60,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return result, json.loads(result.stderr.splitlines()[-1])


def one(machine, kind, *words, **options):
    """The only finding of this kind."""
    result = why(machine, *words, **options)[1]
    found = [f for f in result if f['kind'] == kind]
    assert len(found) == 1, result
    return found[0]


def line_of(machine, text):
    return f'{machine.file}:{FILE.splitlines().index(text) + 1}'


def test_nothing_refused(machine):
    result = subprocess.run(['boxctl', 'why', machine.name, '--', 'echo', 'hello'], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, 'hello\n')
    assert result.stderr == f'{machine.name}: Nothing was refused\n'


def test_exit_status_and_streams_are_those_of_exec(machine):
    for command, status in ((('sh', '-c', 'cat; exit 7'), 7), (('sh', '-c', 'kill -TERM $$'), 143), (('no-such',), 127)):
        for verb in ('exec', 'why'):
            result = subprocess.run(['boxctl', verb, '-q', machine.name, '--', *command], input='text', capture_output=True,
                                    text=True, timeout=60)
            assert result.returncode == status, verb
            assert result.stdout == ('text' if status == 7 else '')


def test_system_call_filter(machine):
    found = one(machine, 'system-call-filter', 'hostname', 'other')
    assert (found['call'], found['key']) == ('sethostname', 'SystemCallFilter')
    assert found['place'] == line_of(machine, 'SystemCallFilter=~sethostname')
    assert found['line'] == 'SystemCallFilter=sethostname'


def test_capability(machine):
    found = one(machine, 'capability', 'ping', '-c', '1', '-W', '1', '127.0.0.1')
    assert (found['call'], found['key']) == ('socket', 'DropCapability')
    assert found['place'] == line_of(machine, 'DropCapability=CAP_NET_RAW')


def test_read_only_mount(machine):
    found = one(machine, 'read-only-mount', 'mkdir', '/srv/new')
    assert (found['error'], found['path'], found['key']) == ('EROFS', '/srv/new', 'BindReadOnly')
    assert found['place'] == line_of(machine, 'BindReadOnly=/usr/share:/srv')
    assert found['line'] == 'Bind=/usr/share:/srv'
    # A relative path, of a child.
    found = one(machine, 'read-only-mount', 'sh', '-c', 'cd /srv; touch ./x; true')
    assert found['path'].endswith('x') and found['key'] == 'BindReadOnly'


def test_id_map(machine):
    machine.exec('touch', '/file')
    found = one(machine, 'id-map', 'chown', '4000000000', '/file')
    assert (found['error'], found['key']) == ('EINVAL', 'PrivateUsers')
    assert 'CAP_MKNOD' in one(machine, 'id-map', 'mknod', '/node', 'b', '8', '0')['what']
    assert why(machine, 'chown', '1077', '/file')[1] == []


def test_limit(machine):
    found = one(machine, 'limit', 'sh', '-c', 'i=3; while [ $i -lt 70 ]; do eval "exec $i</dev/null" || exit; i=$((i+1)); done')
    assert (found['error'], found['key'], found['place']) == ('EMFILE', 'LimitNOFILE', line_of(machine, 'LimitNOFILE=64'))


def test_permissions_are_the_machines_own(machine):
    machine.exec('sh', '-c', 'echo x >/secret; chmod 600 /secret')
    found = one(machine, 'other', 'cat', '/secret', options=['-u', 'tester'])
    assert (found['error'], found['path'], found['key']) == ('EACCES', '/secret', None)
    assert 'permissions' in found['what']
    assert [f for f in why(machine, 'cat', '/secret')[1] if f['path'] == '/secret'] == []


def test_hostile_names_are_printable(machine):
    result = subprocess.run(['boxctl', 'why', machine.name, '--', 'mkdir', '/srv/\x1b[2J\n'], capture_output=True, timeout=60)
    assert b'/srv/?[2J?' in result.stderr
    assert b'\x1b' not in result.stderr.replace(b"mkdir: can't create directory '/srv/\x1b[2J", b'')


def test_daemon_goes_on_untraced(machine):
    result = subprocess.run(['boxctl', 'why', '-q', machine.name, '--', 'sh', '-c', 'sleep 100 >/dev/null 2>&1 </dev/null & echo $!'],
                            capture_output=True, text=True, timeout=60)
    pid = result.stdout.strip()
    status = machine.exec('cat', f'/proc/{pid}/status').stdout
    assert 'TracerPid:\t0' in status and 'sleeping' in status
    machine.exec('kill', pid)


def test_user_is_refused(machine):
    user = subprocess.run(['setpriv', '--reuid=1234', '--regid=1234', '--clear-groups', 'boxctl', 'why', machine.name, '--',
                           'true'], capture_output=True, text=True, timeout=60)
    assert user.returncode == 4 and 'Only root' in user.stderr
