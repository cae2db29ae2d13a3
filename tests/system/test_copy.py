# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl cp, copy-to and copy-from: what is kept, whose it is, and what a hostile machine can do meanwhile."""

import contextlib
import ctypes
import os
import pty
import re
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

BASE = 1966080000
CLONE_NEWNS = 0x20000
LIBC = ctypes.CDLL(None, use_errno=True)


def copy(*words, check=True, verb='cp', **options):
    result = run('boxctl', verb, '-q', *words, check=False, timeout=60, **options)
    assert not check or (result.returncode, len(result.stderr)) == (0, 0), result
    return result


def refused(*words, status=None, **options):
    """The one message of a copy that fails."""
    result = copy(*words, check=False, **options)
    assert result.returncode == status if status else 0 < result.returncode < 10, result
    assert result.stderr.startswith('boxctl: ') and result.stderr.count('\n') == 1, result.stderr
    return result.stderr


@pytest.fixture(scope='module')
def bound():
    """A directory of the host's root that machines have, without an id map."""
    path = support.MACHINES / '.cp-bound'
    path.mkdir(mode=0o755)
    yield path
    support.remove_tree(path)


@pytest.fixture(scope='module')
def machines(module_machine, bound):
    """One with the host's users, one with its own, one that is stopped, one whose tree belongs to a range of ids."""
    made = {}
    for kind, users in (('no', 'no'), ('pick', 'pick'), ('stopped', 'pick'), ('range', str(BASE))):
        m = made[kind] = module_machine('busybox', name=f'cp-{kind}')
        if kind == 'range':
            run('sh', '-c', f'chown -hR {BASE}:{BASE} {m.path}')
        ownership = 'chown' if kind == 'range' else 'auto'
        m.write_file(f'[Exec]\nBoot=no\nPrivateUsers={users}\nParameters=/bin/sleep 1000\n'
                     f'[Files]\nPrivateUsersOwnership={ownership}\nBind={bound}:/bound\nTemporaryFileSystem=/tmp\n')
        for place in ('srv', 'bound'):
            (m.path / place).mkdir(exist_ok=True)
            if kind == 'range':
                os.chown(m.path / place, BASE, BASE)
        if kind != 'stopped':
            m.start()
    return made


@pytest.fixture(params=['no', 'pick', 'stopped', 'range'])
def machine(request, machines):
    return machines[request.param]


@pytest.fixture
def place(tmp_path_factory):
    """A directory on a file system with attributes and holes."""
    path = support.MACHINES / '.cp-place'
    path.mkdir(mode=0o755)
    yield path
    support.remove_tree(path)


@pytest.fixture(autouse=True)
def clean(machines):
    yield
    for m in machines.values():
        run('find', m.path / 'srv', '-mindepth', '1', '-delete')


def make_tree(path):
    (path / 'dir/empty').mkdir(parents=True)
    (path / 'file').write_text('text')
    os.link(path / 'file', path / 'dir/other-name')
    (path / 'link').symlink_to('/etc/shadow')
    (path / 'loop').symlink_to('.')
    (path / 'name\nwith\x1b[2J').write_text('')
    (path / 'dir/secret').write_text('s')
    (path / 'dir/secret').chmod(0o4600)
    os.mkfifo(path / 'fifo', 0o622)
    os.setxattr(path / 'file', 'user.note', b'kept')
    with open(path / 'sparse', 'wb') as f:
        f.truncate(64 << 20)
        f.seek(32 << 20)
        f.write(b'x')
    (path / 'large').write_bytes(os.urandom(3 << 20))
    for each in path.rglob('*'):
        os.utime(each, ns=(1, 1_000_000_000_123_456_789), follow_symlinks=False)
    (path / 'dir').chmod(0o1750)
    os.utime(path / 'dir', ns=(1, 1_000_000_000_123_456_789))


def listing(path, owners=False):
    """All of a tree that a copy keeps."""
    found = output('find', path, '-mindepth', '1', '-printf', f'%P %y {"%U:%G" if owners else ""} %m %n %s %T@ %l\\0')
    return sorted(line for line in found.split('\0') if ' d ' not in line) + sorted(
        ' '.join(line.split()[:3]) for line in found.split('\0') if ' d ' in line)


def inside(machine, *words):
    return machine.exec(*words).stdout.strip()


# -------------------------------------------------------------------- what is kept

def test_a_tree_there_and_back(machine, place):
    (place / 'tree').mkdir()
    make_tree(place / 'tree')
    copy(place / 'tree', f'{machine.name}:/srv')
    copy(f'{machine.name}:srv/tree', place / 'back')
    # Who makes a machine's programs is not trusted: a bit of set-user-ID is not on the way back.
    (place / 'tree/dir/secret').chmod(0o600)
    assert listing(place / 'back') == listing(place / 'tree')
    assert (place / 'back/large').read_bytes() == (place / 'tree/large').read_bytes()
    assert os.getxattr(place / 'back/file', 'user.note') == b'kept'
    assert (place / 'back/sparse').stat().st_blocks * 512 < 1 << 20
    assert (place / 'back/file').stat().st_ino == (place / 'back/dir/other-name').stat().st_ino


def test_where_copies_go(machines, place):
    name = machines['pick'].name
    (place / 'a').mkdir()
    (place / 'a/file').write_text('a')
    (place / 'b').write_text('b')
    copy(place / 'a', place / 'b', f'{name}:/srv/')
    copy(f'{place}/a/.', f'{name}:/srv')
    copy(place / 'b', f'{name}:/srv/c')
    copy(place / 'a', f'{name}:/srv/d')
    assert sorted(inside(machines['pick'], 'find', '/srv', '-type', 'f').split()) == [
        '/srv/a/file', '/srv/b', '/srv/c', '/srv/d/file', '/srv/file']
    assert "Failed to open the directory cp-pick:/srv/x" in refused(place / 'a', place / 'b', f'{name}:/srv/x')
    assert 'Failed to open the directory cp-pick:/srv/x/' in refused(place / 'b', f'{name}:/srv/x/y')
    assert f'Failed to open {place}/none: No such file' in refused(place / 'none', f'{name}:/srv')
    copy(f'{name}:/srv/a', f'{name}:/srv/e')
    assert inside(machines['pick'], 'cat', '/srv/e/file') == 'a'
    copy('cp-pick:/srv/b', 'cp-no:/srv/from-pick')
    assert inside(machines['no'], 'cat', '/srv/from-pick') == 'b'


def test_files_that_exist(machine, place):
    (place / 'f').write_text('new')
    copy(place / 'f', f'{machine.name}:/srv/f')
    (place / 'f').write_text('newer')
    message = refused(place / 'f', f'{machine.name}:/srv')
    assert message == f'boxctl: {machine.name}:/srv/f exists already; to replace it: --force\n'
    copy(f'{machine.name}:/srv/f', place / 'back')
    assert (place / 'back').read_text() == 'new'
    copy('--force', place / 'f', f'{machine.name}:/srv')
    copy('--force', f'{machine.name}:/srv/f', place / 'back')
    assert (place / 'back').read_text() == 'newer'


def test_the_kernels_files_are_left_out(machines, place):
    copy('cp-no:/', place / 'whole')
    assert (place / 'whole/bin').exists() and not (place / 'whole/proc').exists()
    assert [p for p in (place / 'whole/sys').rglob('*') if p.is_file()] == []
    copy('cp-no:/proc/uptime', place)
    assert float((place / 'uptime').read_text().split()[0]) > 0


def test_copy_into_itself_ends(machines):
    copy('cp-no:/srv', 'cp-no:/srv/self')
    assert sorted(inside(machines['no'], 'find', '/srv').split()) == ['/srv', '/srv/self']


def piped(*words, data=b''):
    return subprocess.run(['boxctl', 'cp', '-q', *map(str, words)], input=data, capture_output=True, timeout=60)


def archive(*words):
    command = ['tar', '-cf', '-', '--xattrs', '--sparse', *map(str, words)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize('kind', ['pick', 'stopped'])
def test_archives(machines, place, kind):
    (place / 'tree').mkdir()
    make_tree(place / 'tree')
    (place / 'tree/dir/secret').chmod(0o600)
    os.chown(place / 'tree/file', 12, 34)
    result = piped('--archive', '-', f'cp-{kind}:/srv', data=archive('-C', place / 'tree', '.'))
    assert (result.returncode, result.stderr) == (0, b'')
    assert owner(machines[kind], '/srv/file') == '12:34'
    result = piped('--archive', f'cp-{kind}:/srv', '-')
    assert (result.returncode, result.stderr) == (0, b'')
    subprocess.run(['tar', '-C', place, '-xpf', '-', '--xattrs'], input=result.stdout, check=True)
    assert listing(place / 'srv', owners=True) == listing(place / 'tree', owners=True)
    assert [p for p in Path('/var/tmp').iterdir() if p.name.startswith('.#box-cp-')] == []


def test_an_archive_has_what_is_copied_and_nothing_else(machines, place):
    """No entry for the directory that holds them: where it is unpacked, that would change the mode."""
    (place / '--help').write_text('')
    copy(place / '--help', 'cp-pick:/srv/--help')
    copy(place, 'cp-pick:/srv/tree')
    for words, names in ((['cp-pick:/srv/--help'], ['--help']), (['cp-pick:/srv/tree/.'], ['--help']),
                         (['cp-pick:/srv/tree', 'cp-pick:/srv/--help'], ['--help', 'tree/', 'tree/--help'])):
        listed = subprocess.run(['tar', '-t'], input=piped(*words, '-').stdout, stdout=subprocess.PIPE, check=True).stdout
        assert sorted(listed.decode().split()) == names


def test_an_archive_does_not_open_the_place_where_it_is_unpacked(place):
    """The mode of its entry "." is not that of the directory that keeps users of the host out."""
    def scratches():
        return list(Path('/var/tmp').glob('.#box-cp-*'))
    (place / 'tree').mkdir()
    (place / 'tree').chmod(0o777)
    (place / 'tree/file').write_text('')
    with subprocess.Popen(['boxctl', 'cp', '-q', '-', 'cp-pick:/srv'], stdin=subprocess.PIPE) as process:
        wait_for(scratches)
        wait_for(lambda: run('pgrep', '-P', str(process.pid), '-x', 'tar', check=False).returncode == 0)
        process.kill()          # tar goes on, and what it makes stays
        process.wait()
        process.stdin.write(archive('-C', place / 'tree', '.'))
    wait_for(lambda: run('pgrep', '-x', 'tar', check=False).returncode)
    (scratch,) = scratches()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (scratch, scratch / 'tree')]
    assert modes == [0o700, 0o777]
    piped('-', 'cp-pick:/srv', data=archive('-C', place / 'tree', '.'))
    assert scratches() == []


def test_archives_that_lead_out(machines, place):
    """By a link that is in the machine."""
    outside = place / 'outside'
    outside.mkdir()
    (place / 'f').write_text('f')
    (machines['pick'].path / 'srv/trap').symlink_to(outside)
    (machines['pick'].path / 'srv/sub').mkdir()
    one = archive('-C', place, '--transform=s,^f,trap/f,', 'f')
    assert b'exists already' in piped('-', 'cp-pick:/srv', data=one).stderr and list(outside.iterdir()) == []
    assert piped('-', 'cp-pick:/srv/sub', data=one).returncode == 0
    assert inside(machines['pick'], 'cat', '/srv/sub/trap/f') == 'f'


def test_bad_archives(machines):
    result = piped('-', 'cp-pick:/srv', data=b'no archive' * 1000)
    assert result.returncode == 1 and b'tar failed' in result.stderr
    assert piped('-', '-', 'cp-pick:/srv').returncode == 2
    assert piped('cp-pick:/none', '-').returncode == 3
    assert [p for p in Path('/var/tmp').iterdir() if p.name.startswith('.#box-cp-')] == []


# -------------------------------------------------------------------- whose it is

def owner(machine, path):
    return inside(machine, 'stat', '-c', '%u:%g', path) if machine.is_active() else output('stat', '-c', '%u:%g',
                                                                                           f'{machine.path}{path}').strip()


def test_owners(machine, place):
    shares = machine.name == 'cp-no'
    (place / 'f').write_text('')
    os.chown(place / 'f', 1234, 56)
    copy(place / 'f', f'{machine.name}:/srv/plain')
    copy('--archive', place / 'f', f'{machine.name}:/srv/same')
    copy('--chown=7:8', place / 'f', f'{machine.name}:/srv/given')
    copy('--chown=root', place / 'f', f'{machine.name}:/srv/named')
    owners = [owner(machine, f'/srv/{name}') for name in ('plain', 'same', 'given', 'named')]
    assert owners == ['1234:56' if shares else '0:0', '1234:56', '7:8', '0:0']
    assert 'There is no user' in refused('--chown=nobody-here', place / 'f', f'{machine.name}:/srv/x')

    copy(f'{machine.name}:/srv/same', place / 'plain')
    copy('--archive', f'{machine.name}:/srv/same', place / 'same')
    copy('--chown=daemon', f'{machine.name}:/srv/same', place / 'given')
    owners = [((place / n).stat().st_uid, (place / n).stat().st_gid) for n in ('plain', 'same', 'given')]
    assert owners == [(1234, 56) if shares else (0, 0), (1234, 56), (1, 1)]


def test_nothing_on_disk_has_a_foreign_owner(machines, place):
    """In an idmapped mount root's files are root's; in a tree of a range they are of the range."""
    (place / 'd').mkdir()
    (place / 'd/f').write_text('')
    for kind, wanted in (('no', 0), ('pick', 0), ('stopped', 0), ('range', BASE)):
        copy(place / 'd', f'cp-{kind}:/srv')
        assert {(p.lstat().st_uid, p.lstat().st_gid) for p in (machines[kind].path / 'srv').rglob('*')} == {(wanted, wanted)}


@pytest.mark.parametrize('kind', ['no', 'pick', 'range'])
def test_file_systems_of_the_machine(machines, place, kind):
    (place / 'f').write_text('x')
    copy('--chown=3:4', place / 'f', f'cp-{kind}:/tmp/f')
    assert owner(machines[kind], '/tmp/f') == '3:4'
    copy('--archive', f'cp-{kind}:/tmp/f', place / 'back')
    assert ((place / 'back').stat().st_uid, (place / 'back').read_text()) == (3, 'x')
    inside(machines[kind], 'rm', '/tmp/f')


def test_owner_without_a_counterpart(machines, place):
    (place / 'f').write_text('')
    os.chown(place / 'f', 70000, 0)
    assert '70000:0 has no counterpart there' in refused('--archive', place / 'f', 'cp-pick:/srv')
    assert not (machines['pick'].path / 'srv/f').exists()
    copy('--archive', place / 'f', 'cp-no:/srv')


# -------------------------------------------------------------------- what gives rights

@pytest.mark.parametrize('kind', ['no', 'pick', 'range'])
def test_rights_do_not_come_out(machines, place, kind):
    m = machines[kind]
    where = m.path / 'srv'
    inside(m, 'sh', '-c', 'cp /bin/busybox /srv/su; chmod 6755 /srv/su; mkdir /srv/d; chmod 2755 /srv/d; '
                          'cp /bin/busybox /srv/caps')
    os.mknod(where / 'null', stat.S_IFCHR | 0o666, os.makedev(1, 3))
    run('setcap', 'cap_net_raw=ep', where / 'caps')
    result = run('boxctl', 'cp', f'{m.name}:/srv', place / 'plain')
    assert 'set-user-ID or set-group-ID bits of files (1)' in result.stderr and 'device nodes (1)' in result.stderr
    assert 'capabilities of files (1)' in result.stderr and '--archive copies them' in result.stderr
    assert oct((place / 'plain/su').stat().st_mode & 0o7777) == '0o755'
    assert oct((place / 'plain/d').stat().st_mode & 0o7777) == '0o2755'
    assert not (place / 'plain/null').exists() and output('getcap', place / 'plain/caps') == ''
    copy('--archive', f'{m.name}:/srv', place / 'all')
    assert oct((place / 'all/su').stat().st_mode & 0o7777) == '0o6755'
    assert (place / 'all/null').is_char_device() and 'cap_net_raw=ep' in output('getcap', place / 'all/caps')


def test_rights_of_the_host_go_in(machines, place):
    (place / 'su').write_text('')
    (place / 'su').chmod(0o4755)
    run('setcap', 'cap_net_raw=ep', place / 'su')
    copy(place / 'su', 'cp-pick:/srv')
    assert inside(machines['pick'], 'stat', '-c', '%u %a', '/srv/su') == '0 4755'
    assert 'cap_net_raw=ep' in output('getcap', machines['pick'].path / 'srv/su')
    # Of another user, they would become root's.
    os.chown(place / 'su', 5, 5)
    (place / 'su').chmod(0o4755)
    copy('--force', place / 'su', 'cp-pick:/srv')
    assert inside(machines['pick'], 'stat', '-c', '%u %a', '/srv/su') == '0 755'


# -------------------------------------------------------------------- hostile machines

def test_links_stay_in_the_tree(machine, place):
    """Each leads to the same path in the machine's tree; on the host there is such a directory, too."""
    outside = place / 'outside'
    outside.mkdir()
    (outside / 'host').write_text('host')
    own = Path(f'{machine.path}{outside}')
    (machine.path / 'srv/abs').symlink_to(outside)
    (machine.path / 'srv/up').symlink_to(f'../../../../../../..{outside}')
    (place / 'f').write_text('f')
    for word in ('srv/abs', 'srv/up', f'../../../..{outside}', 'srv/abs/', f'srv/../..{outside}/.'):
        assert 'No such file or directory' in refused(f'{machine.name}:{word}/host', place / 'stolen')
        refused(place / 'f', f'{machine.name}:{word}/f')
    try:
        own.mkdir(parents=True)
        for parent in (own, *own.parents):
            if parent == machine.path:
                break
            if machine.name == 'cp-range':
                os.chown(parent, BASE, BASE)
        copy(place / 'f', f'{machine.name}:srv/abs/f')
        copy('--force', place / 'f', f'{machine.name}:srv/up/')
        assert (own / 'f').read_text() == 'f'
    finally:
        run('rm', '-rf', f'{machine.path}/{outside.relative_to("/").parts[0]}/{outside.relative_to("/").parts[1]}')
    assert sorted(p.name for p in outside.iterdir()) == ['host']


SWAP = '''
cd /srv; mkdir real; ln -s {target} trap; mkdir -p into/real; ln -s {target} into/trap; ln -s /etc/hostname /srv/f
while :; do
    mv -T real x; mv -T trap real; mv -T real trap; mv -T x real
    mv into/real into/x; mv into/trap into/real; mv into/real into/trap; mv into/x into/real
done 2>/dev/null
'''


@pytest.mark.parametrize('kind', ['no', 'pick'])
def test_race(machines, place, kind):
    """A directory becomes a link to one of the host, and back, all the time."""
    outside = place / 'outside'
    outside.mkdir()
    (outside / 'secret').write_text('secret')
    (place / 'tree/real').mkdir(parents=True)
    (place / 'tree/real/planted').write_text('x')
    (place / 'out').mkdir()
    m = machines[kind]
    command = ['nsenter', '-t', str(m.leader()), '-a', '--', '/bin/sh', '-c', SWAP.format(target=outside)]
    with subprocess.Popen(command) as swapper:
        wait_for(lambda: (m.path / 'srv/into').is_dir())
        results, end = set(), time.monotonic() + 4
        while time.monotonic() < end:
            results.add(copy('--force', place / 'tree', f'{m.name}:/srv/real', check=False).returncode)
            results.add(copy('--force', f'{place}/tree/.', f'{m.name}:/srv/into', check=False).returncode)
            results.add(copy('--force', f'{m.name}:/srv/real', place / 'out', check=False).returncode)
            results.add(copy('--force', f'{m.name}:/srv/into', place / 'out', check=False).returncode)
        swapper.kill()
    run('sh', '-c', f'for p in /proc/[0-9]*; do case "$(tr "\\0" " " <$p/cmdline 2>/dev/null)" in *"mv -T real x"*) '
                    'kill -KILL ${p#/proc/};; esac; done', check=False)
    assert 0 in results and max(results) < 10
    assert [p.name for p in outside.iterdir()] == ['secret']
    assert [p for p in place.glob('out/**/*') if p.name == 'secret' and not p.is_symlink()] == []
    # What a program would do that only puts paths together.
    (m.path / 'srv/control').symlink_to(outside)
    run('cp', place / 'tree/real/planted', m.path / 'srv/control/')
    assert (outside / 'planted').exists()


def test_directories_of_the_host_are_not_written_to(machines, bound, place):
    (place / 'f').write_text('f')
    assert 'Permission denied' in refused(place / 'f', 'cp-pick:/bound')
    assert 'Permission denied' in refused(place / 'f', 'cp-range:/bound/f')
    (bound / 'sub').mkdir()
    (place / 'tree/sub').mkdir(parents=True)
    (place / 'tree/sub/f').write_text('f')
    inside(machines['pick'], 'ln', '-s', '/bound', '/srv/link')
    assert 'Permission denied' in refused(f'{place}/tree/.', 'cp-pick:/srv/link')
    assert list(bound.rglob('*')) == [bound / 'sub']
    copy(place / 'f', 'cp-no:/bound')
    assert (bound / 'f').read_text() == 'f'


def test_progress(machines, place):
    """On a terminal, in one line that goes when the copy ends; not with --quiet, nor where standard error is none."""
    (place / 'big').write_bytes(bytes(100000))
    slow = ('strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=utimensat', '-e', 'inject=utimensat:delay_enter=5000000:when=1')

    def begin(*options, **streams):
        return subprocess.Popen([*slow, 'boxctl', 'cp', *options, place / 'big', f'cp-no:/srv/big{len(options)}'],
                                stdin=subprocess.DEVNULL, env={**os.environ, 'TERM': 'xterm'}, **streams)

    def on_terminal(*options):
        master, slave = pty.openpty()
        process, text = begin(*options, stderr=slave), b''
        os.close(slave)
        with contextlib.suppress(OSError):
            while more := os.read(master, 4096):
                text += more
        os.close(master)
        assert process.wait(60) == 0
        return text
    piped = begin(*['--force'] * 3, stderr=subprocess.PIPE)
    text = on_terminal('--force')
    assert re.match(rb'\r\x1b\[K\d+ files, 97.6K, [\d.]+[KM]?/s', text), text
    assert text.endswith(b'\r\x1b[K') and b'\n' not in text
    assert piped.wait(60) == 0 and piped.stderr.read() == b''
    assert on_terminal('-q', '--force', '--force', '--force') == b''
    assert inside(machines['no'], 'stat', '-c', '%s', '/srv/big1').strip() == '100000'


def test_a_file_system_that_does_not_answer(machines, place):
    fd = os.open('/dev/fuse', os.O_RDWR)
    m = machines['no']
    pid = os.fork()
    if pid == 0:
        namespace = os.open(f'/proc/{m.leader()}/ns/mnt', os.O_RDONLY)
        bad = LIBC.setns(namespace, CLONE_NEWNS) or LIBC.mount(
            b'silent', b'/mnt', b'fuse', 0, f'fd={fd},rootmode=40000,user_id=0,group_id=0'.encode())
        os._exit(1 if bad else 0)
    assert os.waitpid(pid, 0)[1] == 0
    try:
        for words in ((f'{m.name}:/mnt/x', str(place)), ('/etc/hostname', f'{m.name}:/mnt/x')):
            with subprocess.Popen(['boxctl', 'cp', *words], stderr=subprocess.PIPE, text=True) as process:
                time.sleep(0.5)
                assert process.poll() is None
                process.send_signal(signal.SIGINT)
                began = time.monotonic()
                message = process.communicate(timeout=60)[1]
                assert process.returncode == 130 and time.monotonic() - began < 20
                assert message
    finally:
        os.close(fd)
        run('nsenter', '-t', m.leader(), '-m', '--', '/bin/umount', '-l', '/mnt', check=False)


def test_full_disk(machines, place):
    m = machines['pick']
    run('nsenter', '-t', m.leader(), '-a', '--', '/bin/mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/mnt')
    (place / 'tree').mkdir()
    (place / 'tree/a').write_bytes(b'x' * 1000)
    (place / 'tree/b').write_bytes(b'x' * (2 << 20))
    assert refused(place / 'tree/b', f'{m.name}:/mnt', status=9) == (
        'boxctl: Failed to copy cp-pick:/mnt/b: No space left on device; the incomplete file was removed\n')
    assert inside(m, 'ls', '/mnt') == ''
    refused(place / 'tree', f'{m.name}:/mnt')
    assert 'b' not in inside(m, 'ls', '/mnt/tree').split()
    run('nsenter', '-t', m.leader(), '-a', '--', '/bin/umount', '/mnt')


# -------------------------------------------------------------------- command lines

def test_what_cannot_be_copied(machines, place, module_machine):
    (place / 'f').write_text('')
    assert 'no-such-machine' in refused(place / 'f', 'no-such-machine:/')
    assert 'Invalid machine name' in refused(place / 'f', 'a\x1b[2Jb:/')
    assert 'Invalid machine name' in refused(place / 'f', '..:/')
    assert 'None of these is in a machine' in refused(place / 'f', place / 'g')
    assert refused(f'{place}/x\x1b[2J\ny', 'cp-no:/srv').count('\x1b') == 0
    disk = support.MACHINES / 'cp-disk.raw'
    disk.write_bytes(b'\0' * 4096)
    try:
        assert 'is a disk image and does not run; start it first' in refused(place / 'f', 'cp-disk:/')
    finally:
        disk.unlink()


def test_a_stopped_machine_is_not_started_meanwhile(machines):
    """It is locked as if it ran: here the other runs, under another name."""
    with subprocess.Popen(['box-run', '-q', '-M', 'cp-other', '-D', machines['stopped'].path, '--pipe', '--register=no',
                           '/bin/sh', '-c', 'echo up; read x'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b'up\n'
        assert 'in use' in refused('/etc/hostname', 'cp-stopped:/srv')
        other.stdin.close()
    copy('/etc/hostname', 'cp-stopped:/srv')


@pytest.mark.parametrize('program', ['boxctl', 'machinectl-lite', 'machinectl'])
def test_copy_to_and_copy_from(machines, place, program):
    """As machinectl: the second path is the copy's name; a tree is merged, and what is in it stays without --force. machined
    itself cannot write to idmapped mounts."""
    m = machines['range' if program == 'machinectl' else 'pick']
    (place / 'd').mkdir()
    (place / 'd/f').write_text('one')
    os.chown(place / 'd/f', 1234, 56)
    run(program, 'copy-to', m.name, place / 'd', '/srv/d')
    (place / 'd/f').write_text('new')
    (place / 'd/g').write_text('two')
    run(program, 'copy-to', m.name, place / 'd', '/srv/d')
    assert inside(m, 'sh', '-c', 'cat /srv/d/*') == 'onetwo'
    assert run(program, 'copy-to', m.name, place / 'd/f', '/srv/d/f', check=False).returncode != 0
    run(program, 'copy-to', m.name, place / 'd', '/srv/d', '--force')
    assert inside(m, 'sh', '-c', 'cat /srv/d/*; stat -c %u:%g /srv/d/f') == 'newtwo0:0'
    run(program, 'copy-from', m.name, '/srv/d', place / 'back')
    assert sorted(p.name for p in (place / 'back').iterdir()) == ['f', 'g'] and (place / 'back/f').stat().st_uid == 0
    run(program, 'copy-to', 'cp-no', place / 'd/f', '/srv/f')
    assert inside(machines['no'], 'stat', '-c', '%u:%g', '/srv/f') == '1234:56'
    (place / 'plain').write_text('x')
    assert run(program, 'copy-to', m.name, place / 'plain', '/srv', check=False).returncode != 0
    assert run(program, 'copy-to', m.name, place / 'plain', '/none/plain', check=False).returncode != 0


def test_other_users_are_refused(machines, place):
    for words, message in (
            (['cp', '/etc/hostname', 'cp-pick:/srv'], 'cp needs root'),
            (['--no-ask-password', 'copy-to', 'cp-pick', '/etc/hostname', '/srv/x'], 'cp-pick: ')):
        result = run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'boxctl', *words, check=False)
        assert result.returncode == 4 and message in result.stderr
    assert inside(machines['pick'], 'ls', '/srv') == ''
