# SPDX-License-Identifier: LGPL-2.1-or-later
"""Data of the host and its users in a machine: resolv.conf, time zone, journal, users, credentials, sockets.
Commands in machines that box-run starts by hand; one boot, for the journal."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

RESOLV = Path('/etc/resolv.conf')
STUB = Path('/run/systemd/resolve/stub-resolv.conf')
EXPORT = Path('/run/systemd/nspawn/unix-export')
JOURNAL = Path('/var/log/journal')
USER = 'boxguest'


@pytest.fixture(scope='module')
def shared(module_machine):
    machine = module_machine('busybox', name='identity')
    (machine.path / 'usr/share/zoneinfo/Etc').mkdir(parents=True)
    (machine.path / 'usr/share/zoneinfo/Etc/UTC').write_text('TZif of the machine')
    return machine


@pytest.fixture
def in_machine(shared):
    """in_machine(script, switch, …): what a shell in the machine prints, the machine started with these switches."""
    def start(script, *switches, program='box-run', check=True, **options):
        return run(program, '--quiet', f'--machine={shared.name}', '--register=no', '--keep-unit', '--pipe', *switches,
                   '/bin/sh', '-c', script, check=check, **options)
    return start


@pytest.fixture
def tree_file(shared):
    """tree_file(path, text): makes a file of the tree; it is gone after the test. text None: only removes."""
    made = []

    def make(path, text=None):
        made.append(shared.path / path)
        with contextlib.suppress(FileNotFoundError):
            made[-1].unlink()
        if text is not None:
            made[-1].write_text(text)
        return made[-1]
    yield make
    for path in made:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def mount_of(text, path):
    """The line of a mountinfo for a mount point, None without."""
    lines = [line for line in text.splitlines() if line.split()[4] == path]
    return lines[-1] if lines else None


# -------------------------------------------------------------------- resolv.conf

def test_resolv_conf_is_left_alone_with_a_network_of_its_own(in_machine, tree_file):
    path = tree_file('etc/resolv.conf', 'nameserver 192.0.2.9\n')
    assert in_machine('cat /etc/resolv.conf', '-U', '--private-network').stdout == 'nameserver 192.0.2.9\n'
    assert path.read_text() == 'nameserver 192.0.2.9\n'


def test_resolv_conf_with_the_host_s_network_is_resolved_s_stub(in_machine, tree_file):
    """If a program listens there. Owned by root in the tree, with any ids of the machine."""
    path = tree_file('etc/resolv.conf', 'nameserver 192.0.2.9\n')
    assert in_machine('cat /etc/resolv.conf; stat -c %u /etc/resolv.conf', '-U').stdout == STUB.read_text() + '0\n'
    assert path.read_text() == STUB.read_text() and path.stat().st_uid == 0


def test_resolv_conf_without_the_stub_is_the_host_s(in_machine, tree_file):
    path = tree_file('etc/resolv.conf')
    before = os.readlink(RESOLV)
    run('systemctl', 'stop', 'systemd-resolved')
    try:
        RESOLV.unlink()
        RESOLV.write_text('nameserver 192.0.2.53\n')
        in_machine('true', '-U')
        assert path.read_text() == 'nameserver 192.0.2.53\n'
        RESOLV.unlink()
        in_machine('true', '-U')
        assert not path.exists()
    finally:
        RESOLV.unlink(missing_ok=True)
        RESOLV.symlink_to(before)
        run('systemctl', 'start', 'systemd-resolved')


def test_resolv_conf_of_a_read_only_tree_is_mounted(in_machine, tree_file):
    path = tree_file('etc/resolv.conf', 'mine\n')
    out = in_machine('cat /proc/self/mountinfo; cat /etc/resolv.conf', '-U', '--read-only').stdout
    assert ' ro,nosuid,nodev' in mount_of(out[:out.index(STUB.read_text())], '/etc/resolv.conf')
    assert path.read_text() == 'mine\n'


def test_resolv_conf_links_are_kept_by_copy_and_replaced_by_replace(in_machine, tree_file):
    path = tree_file('etc/resolv.conf')
    other = tree_file('etc/other', 'mine\n')
    path.symlink_to('other')
    assert in_machine('true', '-U', '--resolv-conf=copy-host').stderr == ''
    assert os.readlink(path) == 'other' and other.read_text() == 'mine\n'
    in_machine('true', '-U', '--resolv-conf=replace-static')
    static = Path('/usr/lib/systemd/resolv.conf')
    assert not path.is_symlink() and path.read_text() == static.read_text()
    assert path.stat().st_mtime == static.stat().st_mtime
    assert other.read_text() == 'mine\n'
    in_machine('true', '-U', '--resolv-conf=delete')
    assert not path.exists()


def test_resolv_conf_bind_makes_its_place(in_machine, tree_file):
    path = tree_file('etc/resolv.conf')
    text = in_machine('cat /etc/resolv.conf', '-U', '--private-network', '--resolv-conf=bind-uplink').stdout
    assert text == Path('/run/systemd/resolve/resolv.conf').read_text()
    assert path.read_text() == ''
    # A link is covered, wherever it leads.
    for target in ('../run/nowhere/resolv.conf', 'passwd'):
        path.unlink()
        path.symlink_to(target)
        assert in_machine('cat /etc/resolv.conf', '-U', '--resolv-conf=bind-host').stdout == RESOLV.read_text()
        assert 'root' in in_machine('cat /etc/passwd', '-U', '--resolv-conf=bind-host').stdout
        assert os.readlink(path) == target


def test_unwritable_file_is_reported_and_ignored(in_machine, tree_file, shared):
    path = shared.path / 'etc/resolv.conf'
    tree_file('etc/resolv.conf')
    path.mkdir()
    try:
        result = in_machine('echo up', '-U', '--resolv-conf=replace-host')
        assert result.stdout == 'up\n' and '/etc/resolv.conf' in result.stderr and 'ignoring' in result.stderr
    finally:
        path.rmdir()


# -------------------------------------------------------------------- time zone

def test_timezone_is_a_relative_link(in_machine, tree_file):
    path = tree_file('etc/localtime', 'old')
    assert os.readlink('/etc/localtime').endswith('zoneinfo/Etc/UTC')
    assert in_machine('readlink /etc/localtime', '-U').stdout == '../usr/share/zoneinfo/Etc/UTC\n'
    assert os.readlink(path) == '../usr/share/zoneinfo/Etc/UTC' and path.lstat().st_uid == 0


def test_timezone_that_the_machine_lacks_is_mounted(in_machine, tree_file, shared):
    path = tree_file('etc/localtime')
    zone = shared.path / 'usr/share/zoneinfo/Etc/UTC'
    zone.rename(zone.with_name('away'))
    try:
        out = in_machine('cat /proc/self/mountinfo; od -An -c -N4 /etc/localtime', '-U').stdout
    finally:
        zone.with_name('away').rename(zone)
    assert out.split()[-4:] == ['T', 'Z', 'i', 'f']
    assert path.exists() and path.stat().st_size == 0


@pytest.mark.parametrize('mode, check', [
    ('copy', lambda path: not path.is_symlink() and path.read_bytes()[:4] == b'TZif'),
    ('delete', lambda path: not path.is_symlink() and not path.exists()),
    ('off', lambda path: path.read_text() == 'old'),
])
def test_timezone_modes(in_machine, tree_file, mode, check):
    path = tree_file('etc/localtime', 'old')
    assert in_machine('echo ran', '-U', f'--timezone={mode}').stdout == 'ran\n'
    assert check(path)


# -------------------------------------------------------------------- journal

@pytest.fixture
def journal_made():
    yield
    run('rm', '-rf', JOURNAL / ID)


ID = '0123456789abcdef0123456789abcdef'


def test_journal_host_is_written_to_by_the_machine(in_machine, shared, journal_made):
    in_machine(f'echo x > /var/log/journal/{ID}/file', '-U', f'--uuid={ID}', '--link-journal=host')
    made = JOURNAL / ID / 'file'
    assert made.read_text() == 'x\n' and made.stat().st_uid == made.parent.stat().st_uid >= 524288
    # By default, what is there is used.
    assert in_machine(f'cat /var/log/journal/{ID}/file', '-U', f'--uuid={ID}').stdout == 'x\n'
    result = in_machine('true', '-U', f'--uuid={ID}', '--link-journal=guest', check=False)
    assert result.returncode == 1 and f'/var/log/journal/{ID}' in result.stderr and '--link-journal=' in result.stderr
    assert in_machine(f'ls /var/log/journal/{ID}', '-U', f'--uuid={ID}', '--link-journal=no').stdout == ''
    support.remove_tree(shared.path / 'var/log/journal')


def test_journal_of_root_is_not_the_machine_s_to_write(in_machine, shared, journal_made):
    """A program that it made set-user-ID there would be the host's root's."""
    (JOURNAL / ID).mkdir()
    for switches in ([], ['--link-journal=host']):
        result = in_machine(f'ls -d /var/log/journal/{ID}; touch /var/log/journal/{ID}/x', '-U', f'--uuid={ID}', *switches,
                            check=False)
        assert result.stdout and result.returncode != 0
    assert list((JOURNAL / ID).iterdir()) == []
    support.remove_tree(shared.path / 'var/log/journal')


def test_journal_guest_leaves_nothing_when_the_start_fails(in_machine, shared):
    link = JOURNAL / ID
    try:
        result = in_machine('true', '-U', f'--uuid={ID}', '--link-journal=guest', '--bind=/no/such/thing', check=False)
        assert result.returncode == 1 and not link.is_symlink()
        in_machine('true', '-U', f'--uuid={ID}', '--link-journal=guest')
        assert os.readlink(link) == f'{shared.path}/var/log/journal/{ID}'
        assert (shared.path / 'var/log/journal' / ID).stat().st_uid == 0
        # A start that fails later does not take away what was there.
        in_machine('true', '-U', f'--uuid={ID}', '--link-journal=guest', '--bind=/no/such/thing', check=False)
        assert link.is_symlink()
    finally:
        link.unlink(missing_ok=True)
        support.remove_tree(shared.path / 'var/log/journal')


@pytest.mark.parametrize('mode', ['guest', 'try-guest', 'host', 'try-host'])
def test_journal_of_two_copies_that_run_belongs_to_the_first(machine, mode, journal_made):
    """Two trees with one machine id, started at once: both start, one has the journal, the other one's warning names it."""
    trees = [machine('busybox', name=f'journal-{which}') for which in 'ab']
    copies = []
    script = f'test -d /var/log/journal/{ID} && echo journal || echo none; read line'
    for tree in trees:
        copies.append(subprocess.Popen(
            ['box-run', '--quiet', f'--machine={tree.name}', '--register=no', '--pipe', '-U', f'--uuid={ID}',
             f'--link-journal={mode}', '/bin/sh', '-c', script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    try:
        # A line of each before one of them ends
        first = [copy.stdout.readline() for copy in copies]
        target = os.readlink(JOURNAL / ID) if 'guest' in mode else None
    finally:
        said = [copy.communicate('\n', timeout=support.TIMEOUT) for copy in copies]
    assert sorted(first) == ['journal\n', 'none\n'], said
    winner = first.index('journal\n')
    assert said[winner][1] == ''
    warning = said[1 - winner][1]
    assert warning.count('\n') == 1 and f"'{trees[1 - winner].name}'" in warning and f"'{trees[winner].name}'" in warning
    assert f'systemd-machine-id-setup --root={trees[1 - winner].path}' in warning
    if target:
        assert target == f'{trees[winner].path}/var/log/journal/{ID}'
    else:
        assert (JOURNAL / ID).is_dir()
    # The other one alone has it; but a directory on the host stays the first one's.
    alone = run('box-run', '--quiet', f'--machine={trees[1 - winner].name}', '--register=no', '--keep-unit', '--pipe', '-U',
                f'--uuid={ID}', f'--link-journal={mode}', '/bin/sh', '-c', f'test -d /var/log/journal/{ID}')
    if mode == 'host':
        assert alone.stderr.count('\n') == 1 and f"for machine '{trees[winner].name}'" in alone.stderr
    else:
        assert alone.stderr == ''
    if target:
        assert os.readlink(JOURNAL / ID) == f'{trees[1 - winner].path}/var/log/journal/{ID}'


def test_journal_of_a_machine_whose_ids_change_goes_on(machine):
    """Each time journald inside writes, and the host reads all that was written so far."""
    made = machine('deb12', name='identity-ids')
    directory = None
    said = []
    try:
        for users, owner in (('524288', 524288), ('1048576', 1048576), ('no', 0), ('524288', 524288)):
            made.write_file(f'[Exec]\nPrivateUsers={users}\nLinkJournal=host\n')
            made.start()
            directory = directory or JOURNAL / made.exec('cat', '/etc/machine-id').stdout.strip()
            said.append(f'start-{len(said)}-with-{users}')
            made.exec('sh', '-c', f'echo {said[-1]} | systemd-cat --identifier=ids-test; journalctl --flush --sync')
            inside = made.exec('journalctl', '--output=cat', '--identifier=ids-test').stdout.split()
            assert inside == said, made.exec('ls', '-lan', f'/var/log/journal/{directory.name}').stdout
            for where in (f'--directory={directory}', f'--machine={made.name}'):
                assert output('journalctl', where, '--output=cat', '--identifier=ids-test').split() == said
            made.stop()
            assert {path.stat().st_uid for path in (directory, *directory.iterdir())} == {owner}
        assert output('journalctl', f'--directory={directory}', '--output=cat', '--identifier=ids-test').split() == said
    finally:
        made.stop(check=False)
        run('rm', '-rf', '--', directory or JOURNAL / 'no-such')


def test_only_what_was_the_machine_s_is_moved(in_machine, shared, journal_made):
    """What the payload left there, and what is others'."""
    directory, command = JOURNAL / ID, (f'--uuid={ID}', '--link-journal=host')
    in_machine(f'cd /var/log/journal/{ID}; touch own set twice; ln twice twice-2; chown 7:8 own; chmod 6755 set; ln -s /etc/passwd link; '
               'mkdir dir; touch dir/file; chmod 2755 .', '--private-users=524288', *command)
    for name, owner in (('host', 0), ('before', 524287), ('after', 589824)):
        (directory / name).touch()
        os.chown(directory / name, owner, owner)
    passwd = os.stat('/etc/passwd')
    plan = in_machine('true', '--dry-run', '--private-users=1048576', *command).stdout
    assert f'journal: give {directory} from 524288 on to 1048576 on' in plan
    in_machine('true', '--private-users=1048576', *command)
    owners = {path.name: (path.lstat().st_uid, path.lstat().st_gid) for path in directory.iterdir()}
    root, old = (1048576, 1048576), (524288, 524288)
    assert owners == {
        'own': (1048583, 1048584), 'set': root, 'twice': old, 'twice-2': old, 'link': old, 'dir': old,
        'host': (0, 0), 'before': (524287, 524287), 'after': (589824, 589824),
    }
    assert (directory.stat().st_uid, directory.stat().st_mode & 0o7777) == (1048576, 0o2755)
    assert (directory / 'set').stat().st_mode & 0o6000 == 0
    assert os.stat('/etc/passwd') == passwd


def test_journal_of_another_machine_is_not_moved(in_machine, machine, journal_made):
    """One that has taken its id: it has neither the directory nor the files, and is told so."""
    in_machine(f'cd /var/log/journal/{ID}; echo secret >secret; chmod 600 secret', '--private-users=524288', f'--uuid={ID}',
               '--link-journal=host')
    thief = machine('busybox', name='identity-thief')
    result = run('box-run', '--quiet', '--pipe', f'--machine={thief.name}', '--private-users=1048576', '--register=no', f'--uuid={ID}',
                 '--link-journal=host', '/bin/sh', '-c', f'cd /var/log/journal/{ID} && pwd; cat secret; touch x', check=False)
    assert result.returncode != 0 and result.stdout == f'/var/log/journal/{ID}\n'
    assert 'belongs to user 524288 of the host, for machine' in result.stderr
    assert [(path.name, path.stat().st_uid) for path in (JOURNAL / ID).iterdir()] == [('secret', 524288)]


def test_journal_of_the_host_s_own_id_is_refused(in_machine):
    own = Path('/etc/machine-id').read_text().strip()
    result = in_machine('true', '-U', f'--uuid={own}', '--link-journal=guest', check=False)
    assert result.returncode == 1 and 'machine id' in result.stderr
    assert in_machine('true', '-U', f'--uuid={own}', '--link-journal=try-guest').stderr == ''


def test_journal_of_a_booted_machine_is_read_on_the_host(machine):
    """By the unit's --link-journal=try-guest."""
    booted = machine('deb12', name='identity-boot')
    booted.start()
    booted.exec('sh', '-c', 'echo said-by-the-machine | systemd-cat --identifier=identity-test; journalctl --flush --sync')
    identity = booted.exec('cat', '/etc/machine-id').stdout.strip()
    link = JOURNAL / identity
    try:
        assert os.readlink(link) == f'{booted.path}/var/log/journal/{identity}'
        for where in (f'--directory={link}', '--merge', f'--machine={booted.name}'):
            said = output('journalctl', where, '--output=cat', '--identifier=identity-test')
            assert 'said-by-the-machine' in said, where
        booted.stop()
        assert 'said-by-the-machine' in output('journalctl', f'--directory={link}', '--output=cat', '--identifier=identity-test')
    finally:
        link.unlink(missing_ok=True)


# -------------------------------------------------------------------- users

@pytest.fixture(scope='module')
def user():
    run('useradd', '--create-home', '--uid=4711', '--user-group', '--shell=/bin/sh', USER)
    run('sh', '-c', f"echo {USER}:secret | chpasswd")
    yield USER
    run('userdel', '--remove', USER, check=False)


def test_bound_user_is_the_same_on_both_sides(in_machine, user):
    out = in_machine(f'cat /proc/self/uid_map; stat -c %u:%g /run/host/home/{user}; umask 077; cd /run/host/home/{user}; '
                     'touch by-root; chown 60514:60514 by-root', '-U', f'--bind-user={user}').stdout
    assert ['60514', '4711', '1'] in [line.split() for line in out.splitlines()]
    assert '60514:60514' in out.split()
    made = Path(f'/home/{user}/by-root')
    assert made.stat().st_uid == 4711 and made.stat().st_gid == 4711


def test_bound_user_s_records_are_systemd_nspawn_s(in_machine, user):
    script = 'cd /run/host/userdb; for f in *; do echo "$(stat -c "%n %a %u %F" $f): $(cat $f)"; done'
    ours = in_machine(script, '-U', f'--bind-user={user}', '--timezone=off').stdout
    theirs = in_machine(script, '-U', f'--bind-user={user}', '--timezone=off', program='systemd-nspawn').stdout

    def parse(text):
        records = dict(line.split(': ', 1) for line in text.splitlines())
        return {name: json.loads(record) for name, record in records.items()}
    assert parse(ours) == parse(theirs)
    assert f'{user}.user-privileged 600 0 regular file' in ours


@pytest.mark.parametrize('value, shell', [('yes', '/bin/sh'), ('no', ''), ('/bin/dash', '/bin/dash')])
def test_bound_user_s_shell_and_groups(in_machine, shared, user, value, shell):
    """By keys and by switches, in the form that nss-systemd reads."""
    look = f'cd /run/host/userdb; cat {user}.user; ls; cat *.membership'
    by_switches = in_machine(look, '-U', f'--bind-user={user}', f'--bind-user-shell={value}', '--bind-user-group=video,audio').stdout
    shared.write_file(f'[Files]\nBindUser={user}\nBindUserShell={value}\nBindUserGroup=video\nBindUserGroup=audio\n')
    try:
        assert in_machine(look, '-U').stdout == by_switches
    finally:
        shared.file.unlink()
    record = json.loads(by_switches.splitlines()[0])
    assert record.get('shell', '') == shell and record['memberOf'] == ['video', 'audio']
    assert {f'{user}:video.membership', f'{user}:audio.membership', '{}'} < set(by_switches.splitlines()[1:])


@pytest.mark.parametrize('switches, words', [
    (['--private-users=no'], ['PrivateUsers=', '--bind-user=']),
    (['-U', '--bind-user-shell=zsh'], ['neither a boolean nor an absolute path']),
    (['-U', '--bind-user-shell=/x"y'], ['neither a boolean nor an absolute path']),
    (['-U', '--bind-user-group=a/b'], ['invalid group name']),
    (['--private-users=4096:65536'], ['4711']),
    (['-U', '--bind-user=root'], ['root']),
    (['-U', '--bind-user=no-such-user'], ['no-such-user']),
])
def test_user_that_cannot_be_bound_is_an_error(in_machine, user, switches, words):
    result = in_machine('true', f'--bind-user={user}', *switches, check=False)
    assert result.returncode == 1 and all(word in result.stderr for word in words), result.stderr


def test_bound_user_with_the_name_of_a_machine_s_user_is_an_error(in_machine, user, shared):
    passwd = shared.path / 'etc/passwd'
    before = passwd.read_text()
    passwd.write_text(f'{before}{user}:x:1000:1000::/:/bin/sh\nother:x:60514:60514::/:/bin/sh\n')
    try:
        result = in_machine('true', '-U', f'--bind-user={user}', check=False)
        assert result.returncode == 1 and '/etc/passwd' in result.stderr
        passwd.write_text(f'{before}other:x:60514:60514::/:/bin/sh\n')
        assert '60515 ' in in_machine('cat /proc/self/uid_map', '-U', f'--bind-user={user}').stdout.replace('      ', '')
    finally:
        passwd.write_text(before)


# -------------------------------------------------------------------- credentials

def test_credentials_from_everywhere(in_machine, tmp_path):
    """The unit's own are passed on where they are regular files; of others only those that a setting names."""
    os.mkfifo(tmp_path / 'fifo')
    (tmp_path / 'directory').mkdir()
    (tmp_path / 'file').write_bytes(b'from\0file')
    (tmp_path / 'own').write_text('our own')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / 'socket'))
        server.listen(1)

        def serve():
            connection, peer = server.accept()
            with connection:
                connection.sendall(peer[17:])
        threading.Thread(target=serve, daemon=True).start()
        out = in_machine('cd $CREDENTIALS_DIRECTORY && pwd && stat -c "%n %a %u %s" . * && grep " /run/host/credentials " '
                         '/proc/self/mountinfo && cat a c d; od -An -c b; mount -o remount,rw,bind .; touch new',
                         '-U', r'--set-credential=a:x\x00\ny', f'--load-credential=b:{tmp_path}/file',
                         '--load-credential=c:own', f'--load-credential=d:{tmp_path}/socket', check=False,
                         env={**os.environ, 'CREDENTIALS_DIRECTORY': str(tmp_path)})
    lines = out.stdout.splitlines()
    assert lines[0] == '/run/host/credentials'
    assert lines[1:8] == ['. 500 0 0', 'a 400 0 4', 'b 400 0 9', 'c 400 0 7', 'd 400 0 9', 'file 400 0 9', 'own 400 0 7']
    assert ' ramfs ' in lines[8] and lines[8].split()[5].startswith('ro,nosuid,nodev,noexec')
    assert out.stdout.partition(lines[8] + '\n')[2].startswith('x\0\nyour own/nspawn/d')
    assert out.stdout.split()[-9:] == ['f', 'r', 'o', 'm', r'\0', 'f', 'i', 'l', 'e']
    assert out.returncode != 0 and 'permission denied' in out.stderr and 'Read-only' in out.stderr


def test_credentials_are_not_told(in_machine):
    switches = [r'--set-credential=one:hunter2\n', '--set-credential=two:']
    plan = in_machine('true', '--dry-run', *switches).stdout
    assert 'one, 8 bytes' in plan and 'two, 0 bytes' in plan and 'hunter2' not in plan
    told = in_machine('true', *switches, '--json').stdout
    assert 'hunter2' not in told and '"value": "one"' in told
    result = in_machine('true', r'--set-credential=one:hunter2\q', check=False)
    assert result.returncode == 1 and 'hunter2' not in result.stderr and '--set-credential=' in result.stderr
    assert 'CREDENTIALS' not in in_machine('env').stdout


def test_credential_that_is_not_there_is_an_error(in_machine):
    result = in_machine('true', '--load-credential=x:/no/such/file', '--load-credential=y:/no/other', check=False)
    assert result.returncode == 1 and '/no/such/file' in result.stderr and '/no/other' in result.stderr


def test_credentials_are_wiped_once_the_machine_runs(module_machine, tmp_path):
    """By a unit's supervisor, which does not start the machine again."""
    machine = module_machine('busybox', name='identity-wiped')
    secret = os.urandom(24).hex()
    (tmp_path / 'secret').write_text(secret)
    machine.write_unit_settings(f'[Service]\nExecStart=\nExecStart=/usr/bin/box-run --quiet --keep-unit -U '
                                f'--load-credential=x:{tmp_path}/secret --machine=%i /bin/sleep 1000\nTimeoutStopSec=2\n')
    machine.start()
    assert machine.exec('cat', '/run/host/credentials/x').stdout == secret
    pid = machine.property('MainPID')
    with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb') as memory:
        for line in maps:
            where, mode = line.split()[:2]
            first, last = (int(text, 16) for text in where.split('-'))
            if not mode.startswith('r') or line.rstrip().endswith(('[vvar]', '[vsyscall]', '[vvar_vclock]')):
                continue
            memory.seek(first)
            with contextlib.suppress(OSError):
                assert secret.encode() not in memory.read(last - first), line
    machine.stop()


# -------------------------------------------------------------------- sockets for the host

SERVER = ('use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Local => "/run/host/unix-export/hello", Listen => 1) or die $!; '
          'chmod 0666, "/run/host/unix-export/hello"; my $c = $s->accept(); print $c "hello of the machine\\n"; close $c; sleep 1000')


@pytest.mark.parametrize('users', ['pick', 'no'])
def test_socket_of_the_machine_is_reached_from_the_host(nothing_left, machine, users):
    exporter = machine('deb12', name='identity-export')
    exporter.write_file(f'[Exec]\nBoot=no\nPrivateUsers={users}\nParameters=/usr/bin/perl -e \'{SERVER}\'\n')
    exporter.start()
    place = EXPORT / exporter.name
    wait_for(lambda: (place / 'hello').exists())
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place / 'hello'))
        assert client.recv(100) == b'hello of the machine\n'
    line = mount_of(Path('/proc/self/mountinfo').read_text(), str(place))
    assert line.split()[5].startswith('ro,nosuid,nodev,noexec') and 'nosymfollow' in line.split()[5]
    assert run('touch', place / 'x', check=False).returncode != 0
    inside = mount_of(exporter.exec('cat', '/proc/self/mountinfo').stdout, '/run/host/unix-export')
    assert inside.split()[5].startswith('rw,nosuid,nodev,noexec') and 'nr_inodes=64' in inside
    exporter.stop()
    assert not place.exists()


def test_leftovers_of_a_killed_supervisor_are_reused(in_machine, shared):
    """Mounted on the host for good, until the next start of that name."""
    process = subprocess.Popen(['box-run', '-q', f'--machine={shared.name}', '-U', '--register=no', '--keep-unit', '--pipe', '/bin/sh',
                                '-c', 'echo up; sleep 1000'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'up\n'
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    place = EXPORT / shared.name
    assert mount_of(Path('/proc/self/mountinfo').read_text(), str(place))
    wait_for(lambda: in_machine('true', '-U', check=False).returncode == 0)
    assert not mount_of(Path('/proc/self/mountinfo').read_text(), str(place)) and not place.exists()


# -------------------------------------------------------------------- the rest

def test_run_host_is_systemd_nspawn_s(in_machine, user, release):
    """Each file there also exists here, with the same type and mode."""
    script = 'find /run/host -path "/run/host/incoming/*" -prune -o -exec stat -c "%n %F %a" {} \\; 2>/dev/null; env'
    switches = ['-U', f'--bind-user={user}', '--set-credential=a:b', '--timezone=off', f'--uuid={ID}']
    ours = set(in_machine(script, *switches).stdout.splitlines())
    theirs = set(in_machine(script, *switches, program='systemd-nspawn').stdout.splitlines())
    # systemd 252 has wider modes here
    later = {f'/run/host/{name}' for name in ('container-uuid', 'container-manager', 'inaccessible', 'notify')} if release < 13 else set()
    missing = {line for line in theirs - ours if line.split()[0] not in later and not line.startswith('PWD=')}
    assert missing == set()


def test_login_uid_stays_on_the_host(shared):
    """Of a supervisor that was started by hand."""
    script = (f'echo 4711 > /proc/self/loginuid; box-run -q --machine={shared.name} -U --register=no --keep-unit --pipe /bin/cat '
              f'/proc/self/loginuid; cat /proc/self/loginuid')
    assert output('sh', '-c', script).startswith('42949672954711')
    process = subprocess.Popen(['sh', '-c', f'echo 4711 > /proc/self/loginuid; exec box-run -q --machine={shared.name} -U --register=no '
                                '--keep-unit --pipe /bin/sh -c "echo up; read end"'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'up\n'
    assert Path(f'/proc/{process.pid}/loginuid').read_text() == '4711'
    process.communicate(b'end\n')
    assert process.returncode == 0


def test_machine_id_is_used_only_if_the_tree_has_none(in_machine, tree_file):
    script = 'echo $container_uuid; cat /run/host/container-uuid /etc/machine-id 2>/dev/null'
    dashed = '01234567-89ab-cdef-0123-456789abcdef'
    tree_file('etc/machine-id', 'uninitialized\n')
    assert in_machine(script, '-U', f'--uuid={ID}').stdout == f'{dashed}\n{dashed}\nuninitialized\n'
    tree_file('etc/machine-id', f'{ID[::-1]}\n')
    assert ID[::-1][:8] in in_machine(script, '-U', f'--uuid={ID}').stdout.splitlines()[0]


def test_hostname_is_not_written_to_the_tree(in_machine, shared, tree_file):
    path = tree_file('etc/hostname', 'of-the-tree\n')
    assert in_machine('hostname; cat /etc/hostname', '-U', '--hostname=given').stdout == 'given\nof-the-tree\n'
    assert path.read_text() == 'of-the-tree\n'


def test_shares_by_file(machine):
    """The same settings by keys, trusted and not."""
    other = machine('busybox', name='identity-file')
    run('useradd', '--create-home', '--uid=4712', '--user-group', 'boxguest2')
    text = '[Exec]\nBoot=no\nParameters=/bin/sleep 1000\nResolvConf=replace-uplink\nTimezone=delete\nLinkJournal=no\n' \
           '[Files]\nBindUser=boxguest2\n'
    try:
        other.write_file(text)
        other.start()
        assert other.exec('ls', '/run/host/home').stdout == 'boxguest2\n'
        assert (other.path / 'etc/resolv.conf').read_text() == Path('/run/systemd/resolve/resolv.conf').read_text()
        other.stop()

        other.file.unlink()
        beside = Path(f'{other.path}.nspawn')
        beside.write_text(text)
        try:
            result = run('box-run', '--dry-run', '-U', f'--machine={other.name}')
        finally:
            beside.unlink()
        assert 'BindUser' in result.stderr and 'boxguest2' not in result.stdout
        assert 'replace /etc/resolv.conf' in result.stdout
    finally:
        run('userdel', '--remove', 'boxguest2', check=False)


def test_sample_of_an_own_user(machine, user):
    own = machine('busybox', name='identity-own')
    (own.path / 'usr/share/udhcpc/default.script').write_text('')       # with a lease it would write resolv.conf, too
    own.write_file(Path('/usr/share/box/nspawn-configs/own-user.nspawn').read_text().replace('alice', user))
    assert run('box-run', '--check', f'--machine={own.name}').stderr == ''
    own.start()
    assert own.exec('stat', '-c', '%u', f'/run/host/home/{user}').stdout == '60514\n'
    assert (own.path / 'etc/resolv.conf').read_text() == Path('/run/systemd/resolve/resolv.conf').read_text()
