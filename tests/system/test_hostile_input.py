# SPDX-License-Identifier: LGPL-2.1-or-later
"""Text, names, settings and images that come from a machine and mean something to programs of the host."""

import json
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

ESCAPE = '\033]0;owned\a\033[2J'


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='input')


def entries(machine, *matches):
    """The journal's entries since the machine's object was made, as dictionaries."""
    run('journalctl', '--sync')
    text = output('journalctl', '--output=json', '--all', f'--since=@{machine.since:.6f}', *matches)
    return [json.loads(line) for line in text.splitlines()]


def raw(message):
    """A message that is not printable is a list of bytes in JSON."""
    return bytes(message) if isinstance(message, list) else message.encode()


# -------------------------------------------------------------------- the console

CONSOLE = r"""
printf '<0>emergency\n<2>critical\r\n'
printf '\033]0;owned\007 title\n'
printf '\033[1;32mgreen\033[0m\n'
printf 'a\000b\n'
printf '10%%\r20%%\r\n'
printf '\302\23331m c1\n'
printf 'last'
"""


def print_from(tree, script, *switches):
    """The machine's lines, printed by a command in a unit."""
    (tree.path / 'print.sh').write_text(script)
    tree.since = time.time()
    run('systemd-run', '--quiet', '--collect', '--wait', '--unit=box-test-print', '--property=Delegate=yes',
        'box-run', '--quiet', '--keep-unit', '--register=no', '-M', tree.name, '-U', *switches, '/bin/sh', '/print.sh')
    return entries(tree, f'SYSLOG_IDENTIFIER={tree.name}')


def test_console_lines_are_text_to_the_journal(tree):
    lines = print_from(tree, CONSOLE)
    assert [raw(line['MESSAGE']).decode() for line in lines] == [
        '<0>emergency', '<2>critical', r'\x1b]0;owned\x07 title', 'green', r'a\x00b', r'10%\x0d20%', r'\xc2\x9b31m c1', 'last']
    assert {line['PRIORITY'] for line in lines} == {'6'}
    assert {line['_SYSTEMD_UNIT'] for line in lines} == {'box-test-print.service'}
    # box's own lines have their priorities still
    tree.since = time.time()
    run('systemd-run', '--quiet', '--wait', '--collect', '--unit=box-test-own', 'box-run', '--keep-unit', '-M', tree.name,
        '--user=nosuchuser', '/bin/true', check=False)
    own = [line for line in entries(tree, '_SYSTEMD_UNIT=box-test-own.service') if 'nosuchuser' in raw(line['MESSAGE']).decode()]
    assert own and {line['PRIORITY'] for line in own} == {'3'} and not own[0]['MESSAGE'].startswith('<')


def test_pipe_mode_gives_no_priorities_either(tree):
    lines = print_from(tree, "echo '<0>out'; echo '<1>err' >&2", '--pipe')
    assert sorted(line['MESSAGE'] for line in lines) == ['<0>out', '<1>err']
    assert {line['PRIORITY'] for line in lines} == {'6'}


def test_journal_namespace_of_the_unit_is_kept(tree):
    (tree.path / 'print.sh').write_text("echo '<0>apart'")
    tree.since = time.time()
    run('systemd-run', '--quiet', '--collect', '--wait', '--property=Delegate=yes', '--property=LogNamespace=boxtest',
        'box-run', '--quiet', '--keep-unit', '--register=no', '-M', tree.name, '-U', '/bin/sh', '/print.sh')
    run('journalctl', '--namespace=boxtest', '--sync')
    text = output('journalctl', '--namespace=boxtest', '--output=json', f'--since=@{tree.since:.6f}',
                  f'SYSLOG_IDENTIFIER={tree.name}')
    assert [(line['MESSAGE'], line['PRIORITY']) for line in map(json.loads, text.splitlines())] == [('<0>apart', '6')]
    assert not entries(tree, f'SYSLOG_IDENTIFIER={tree.name}')
    run('systemctl', 'stop', 'systemd-journald@boxtest.service', check=False)


def test_output_that_is_no_journal_is_the_payload_s(tree):
    """To a file or a pipe, all bytes pass."""
    result = subprocess.run(['box-run', '--quiet', '--register=no', '-M', tree.name, '-U', '/bin/printf', r'<0>a\033[2Jb'],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60, check=True)
    assert result.stdout == b'<0>a\033[2Jb'


TALK = 'i=0; while [ $i -lt 3000 ]; do echo "$i 01234567890123456789012345678901234567890123456789"; i=$((i+1)); done; '


@pytest.fixture
def pipe():
    ends = list(os.pipe())
    yield ends
    for end in ends:
        os.close(end)


def read_all(fd):
    text = b''
    while piece := os.read(fd, 65536):
        text += piece
    return text


def start_by_hand(pipe, *words):
    process = subprocess.Popen(['box-run', '--quiet', '--register=no', *words], stdin=subprocess.DEVNULL, stdout=pipe[1])
    os.close(pipe[1])
    pipe[1] = os.open('/dev/null', os.O_RDONLY)
    return process


def test_console_of_a_command_waits_for_its_reader(tree, pipe):
    """As any part of a pipeline: nothing is lost."""
    written = tree.path / 'written'
    command = start_by_hand(pipe, '-M', tree.name, '-U', '/bin/sh', '-c', TALK + 'touch /written')
    time.sleep(2)
    assert not written.exists()
    text = read_all(pipe[0])
    assert command.wait(60) == 0 and written.exists()
    assert len(text.splitlines()) == 3000 and b'dropped' not in text


def test_console_that_is_not_read_does_not_stop_a_system(tree, pipe, nspawn_file):
    init, talked = tree.path / 'sbin/talker', tree.path / 'talked'
    init.write_text(f'#!/bin/sh\n{TALK}touch /talked; trap "echo bye; exit 0" TERM; while :; do sleep 0.1; done\n')
    init.chmod(0o755)
    nspawn_file(tree.name, '[Exec]\nKillSignal=SIGTERM\n[X-Box]\nInit=/sbin/talker\n')
    system = start_by_hand(pipe, '-M', tree.name, '-U', '--boot')
    wait_for(talked.exists)
    os.set_blocking(pipe[0], False)
    text = b''

    def told():
        nonlocal text
        try:
            text += os.read(pipe[0], 65536)
        except BlockingIOError:
            pass
        return b' bytes of console output were dropped, because they were not read\r\n' in text
    wait_for(told)
    os.set_blocking(pipe[0], True)
    system.terminate()
    text += read_all(pipe[0])
    system.wait(60)
    assert b'\nbox-run: ' in text and text.endswith(b'bye\r\n')


# -------------------------------------------------------------------- names and texts

@pytest.fixture(scope='module')
def hostile(module_machine):
    """A machine that says what it can of itself in escape sequences, running."""
    deb = module_machine('busybox', name='input-names')
    (deb.path / 'talk').write_text(f'#!/bin/sh\nprintf "x\\033[31m" >/proc/self/comm\nwhile :; do sleep 1; done\n')
    (deb.path / 'etc/os-release').write_text(f'ID="x{ESCAPE}"\nPRETTY_NAME="x{ESCAPE}\u009b31m"\nVERSION_ID="{ESCAPE}"\n')
    deb.write_file('[Exec]\nBoot=no\nParameters=/bin/sh /talk\n')
    deb.start()
    deb.file.unlink()
    beside = deb.path.parent / f'{deb.name}.nspawn'
    beside.write_text(f'[Exec]\nEnvironment=X={ESCAPE}\nNoSuch{ESCAPE}=1\n[Section{ESCAPE}]\n')
    drop_ins = deb.path.parent / f'{deb.name}.nspawn.d'
    drop_ins.mkdir()
    (drop_ins / f'x{ESCAPE}\n# forged\n.conf').write_text(f'[Exec]\r\n# text {ESCAPE}\r\nHostname=fine\r\n')
    yield deb
    deb.stop(check=False)
    beside.unlink()
    support.shutil.rmtree(drop_ins)


@pytest.mark.parametrize('command', [
    ['boxctl', 'cat'], ['boxctl', 'check'], ['boxctl', 'explain'], ['boxctl', 'explain', '--output=json'], ['boxctl', 'status'],
    ['boxctl', 'status', '--output=json'], ['boxctl', 'show'], ['boxctl', 'show', '--output=json'], ['boxctl', 'show', '--all'],
    ['box-run', '--dry-run', '-M'], ['box-run', '--json', '-M'], ['box-run', '--check', '-M'],
    ['boxctl', 'list', '--output=json'], ['boxctl', 'list'], ['machinectl-lite', 'list'], ['machinectl-lite', 'status']],
    ids=lambda words: ' '.join(words))
def test_nothing_printed_controls_the_terminal(hostile, command):
    result = subprocess.run([*command, *([hostile.name] if command[1] != 'list' else [])], stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=60, check=False)
    text = (result.stdout + result.stderr).decode()
    assert hostile.name in text
    assert not [character for character in text if (ord(character) < 32 and character not in '\n\t') or 127 <= ord(character) < 160]
    if command[1] == 'cat':
        assert not [line for line in text.splitlines() if line.startswith('# forged')]
        assert 'Hostname=fine\n' in text and '# text ?]0;owned??[2J\n' in text


# -------------------------------------------------------------------- settings beside the tree

SECRET = 'root:$6$s3cret$hash:19000:0:99999:7:::\n[s3cret]\nHostname=s3cret\nKillSignal=s3cret\n'


@pytest.fixture
def beside(tree, tmp_path):
    """A root-only file, and the path of the settings file beside the tree."""
    secret = tmp_path / 'shadow'
    secret.write_text(SECRET)
    secret.chmod(0o600)
    path = Path(f'{tree.path}.nspawn')
    yield secret, path
    for each in (path, Path(f'{path}.d')):
        if each.is_dir() and not each.is_symlink():
            support.shutil.rmtree(each)
        else:
            each.unlink(missing_ok=True)
    run('systemctl', 'reset-failed', tree.unit, check=False)


@pytest.mark.parametrize('kind', ['link', 'drop-in', 'directory', 'copy'])
def test_settings_beside_the_tree_leak_nothing(tree, beside, kind):
    """Neither into the journal, nor to a terminal. The copy is what a link to another file was."""
    secret, path = beside
    if kind == 'link':
        path.symlink_to(secret)
    elif kind == 'copy':
        path.write_text(SECRET)
    elif kind == 'drop-in':
        Path(f'{path}.d').mkdir()
        (Path(f'{path}.d') / 'x.conf').symlink_to(secret)
    else:
        secret.rename(secret.parent / 'x.conf')
        Path(f'{path}.d').symlink_to(secret.parent)
    tree.since = time.time()
    assert tree.start(check=False).returncode != 0
    texts = [tree.journal(), tree.property('StatusText')]
    assert texts[1] and texts[1] in run('boxctl', 'status', tree.name, check=False).stdout, 'a positive control'
    for command in (['box-run', '--check', '-M'], ['boxctl', 'check'], ['boxctl', 'explain'], ['boxctl', 'status'],
                    ['box-run', '--json', '-M'], *([['boxctl', 'cat']] if kind != 'copy' else [])):
        result = run(*command, tree.name, check=False)
        texts.append(result.stdout + result.stderr)
    assert [text for text in texts if 's3cret' in text or '19000' in text] == []
    assert str(path) in texts[0]


def test_fifo_and_huge_file_beside_the_tree(tree, beside):
    _, path = beside
    os.mkfifo(path)
    for command in ('cat', 'check', 'explain'):
        run('boxctl', command, tree.name, check=False, timeout=60)
    path.unlink()
    with path.open('w') as file:
        file.truncate(1 << 40)
    result = run('boxctl', 'check', tree.name, check=False, timeout=60)
    assert f'Failed to read {path}: it is larger than 1024 KiB' in result.stderr
    run('boxctl', 'cat', tree.name, check=False, timeout=60)
    assert tree.start(check=False, timeout=60).returncode != 0


def test_settings_beside_the_tree_get_no_privilege(tree, beside):
    """What they may set is set."""
    _, path = beside
    path.write_text('[Exec]\nEphemeral=yes\nNoNewPrivileges=no\nHostname=allowed\n[Files]\nReadOnly=no\nBindUser=root\n'
                    '[X-Box]\nInit=s6\n')
    command = ('box-run', '--dry-run', '-M', tree.name, '-U', '--boot', '--settings=override', '--read-only',
               '--no-new-privileges=yes')
    plan = run(*command)
    assert 'hostname: allowed\n' in plan.stdout and 'no new privileges: yes' in plan.stdout and 'init: busybox' in plan.stdout
    for line, key in ((2, 'Ephemeral'), (3, 'NoNewPrivileges'), (6, 'ReadOnly'), (7, 'BindUser'), (9, 'Init')):
        assert f'{path}:{line}: {key}=: ignored: ' in plan.stderr
    trusted = run(*(word.replace('override', 'trusted') for word in command), check=False)
    assert 'ignored' not in trusted.stderr


# -------------------------------------------------------------------- the tree's place

ESCALATE = 'chmod 4755 /id; ls -l /id'


@pytest.fixture
def open_tree(tree, tmp_path):
    """The tree in a directory of the host that all users may enter."""
    place = support.MACHINES / 'input-open'
    place.mkdir(mode=0o755)
    support.MACHINES.chmod(0o711)
    copy = place / 'x'
    run('cp', '-a', '--reflink=auto', tree.path, copy)
    support.shutil.copyfile('/usr/bin/id', copy / 'id')
    yield copy
    support.shutil.rmtree(place)
    support.MACHINES.chmod(0o700)


def box_in(path, *words, switches=('-U',)):
    return run('box-run', '--quiet', '--register=no', '--settings=no', '-D', path, *switches, '/bin/sh', '-c', *words)


def as_user(program):
    """By a shell: setpriv itself looks the program up while it still has capabilities."""
    return run('setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', '/bin/sh', '-c', program, check=False)


@pytest.mark.parametrize('switches', [['-U'], ['--private-users=no']], ids=['user-namespace', 'root'])
def test_set_user_id_files_within_reach_are_told(open_tree, switches):
    """They are real: a user of the host executes one. In a directory of mode 0700, none can, and nothing is said."""
    warning = f'The tree {open_tree} is in a directory that is open to all'
    result = box_in(open_tree, ESCALATE, switches=switches)
    assert warning in result.stderr and result.stderr.rstrip().endswith(f'close it: chmod 0700 {open_tree.parent}')
    assert 'euid=0' in as_user(open_tree / 'id').stdout
    assert warning in run('box-run', '--check', '-D', open_tree, *switches, check=False).stderr
    open_tree.parent.chmod(0o700)
    result = box_in(open_tree, ESCALATE, switches=switches)
    assert result.stderr == '' and 'rwsr-xr-x' in result.stdout
    assert as_user(open_tree / 'id').returncode != 0


@pytest.mark.parametrize('switches', [['--read-only'], ['--ephemeral'], ['--volatile=yes'], ['--private-users=1000000']],
                         ids=lambda words: words[0])
def test_tree_that_gets_no_files_of_root_is_not_told(open_tree, switches):
    if switches == ['--private-users=1000000']:
        run('chown', '-R', '1000000:1000000', open_tree)
    else:
        switches = ['-U', *switches]
    result = box_in(open_tree, 'echo started', switches=switches)
    assert 'open to all' not in result.stderr and result.stdout == 'started\n'


def test_bind_within_reach_is_told(open_tree):
    source = open_tree.parent / 'data'
    source.mkdir()
    open_tree.chmod(0o755)
    inner = open_tree.parent / 'closed'
    inner.mkdir(mode=0o700)
    open_tree.rename(inner / 'x')
    tree = inner / 'x'
    warning = f'{source} is in a directory that is open to all ({source.parent})'
    for options, told in (':/mnt:rootidmap', True), (':/mnt:idmap', True), (':/mnt', False):
        result = box_in(tree, 'true', switches=['-U', f'--bind={source}{options}'])
        assert (warning in result.stderr) == told, options
    assert warning not in box_in(tree, 'true', switches=['-U', f'--bind-ro={source}:/mnt:rootidmap']).stderr
    os.chown(source, 12345, 12345)
    assert warning not in box_in(tree, 'true', switches=['-U', f'--bind={source}:/mnt:rootidmap']).stderr
    assert warning in box_in(tree, 'true', switches=['--private-users=no', f'--bind={source}:/mnt']).stderr


# -------------------------------------------------------------------- files that the host offers

@pytest.mark.parametrize('kind', ['directory', 'full', 'loop', 'fifo', 'dangling'])
@pytest.mark.parametrize('name', ['localtime', 'resolv.conf'])
def test_odd_files_in_place_of_the_host_s(tree, name, kind):
    """What the host would share by default is not worth a start."""
    path = tree.path / 'etc' / name
    kept = path.read_bytes() if path.is_file() else None
    path.unlink(missing_ok=True)
    if kind in ('directory', 'full'):
        path.mkdir()
        if kind == 'full':
            (path / 'x').write_text('x')
    elif kind == 'fifo':
        os.mkfifo(path)
    else:
        path.symlink_to(name if kind == 'loop' else 'nothing')
    try:
        for switches in ['-U'], ['--private-users=no'], ['-U', '--read-only']:
            assert box_in(tree.path, 'echo started', switches=switches).stdout == 'started\n'
    finally:
        support.shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        if kept is not None:
            path.write_bytes(kept)


@pytest.mark.parametrize('kind', ['fifo', 'huge', 'directory', 'loop', 'device'])
@pytest.mark.parametrize('name', ['os-release', 'passwd', 'machine-id'])
def test_odd_files_of_the_tree_hold_nothing_up(tree, name, kind):
    """Neither a start nor boxctl waits for them, reads them whole, or follows them."""
    path = tree.path / 'etc' / name
    kept = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    if kind == 'fifo':
        os.mkfifo(path)
    elif kind == 'directory':
        path.mkdir()
    elif kind == 'loop':
        path.symlink_to(name)
    elif kind == 'device':
        run('mknod', path, 'c', 1, 5)           # /dev/zero: endless
    else:
        with path.open('w') as file:
            file.truncate(1 << 40)
    try:
        for command, status, said in ((['box-run', '--dry-run', '-U', '-M', tree.name], 0, str(tree.path)),
                                      (['boxctl', 'check', tree.name], *((1, 'has no /etc/os-release') if name == 'os-release' else (0, ''))),
                                      (['box-run', '-q', '--register=no', '--pipe', '-U', '-M', tree.name, '/bin/echo', 'started'], 0, 'started')):
            result = run(*command, check=False, timeout=60)
            assert result.returncode == status and said in result.stdout + result.stderr, result
            assert len(result.stdout + result.stderr) < 100000
        named = run('box-run', '-q', '--register=no', '-U', '-M', tree.name, '--user=nobody', '/bin/true', check=False, timeout=60)
        assert name != 'passwd' or (named.returncode == 1 and 'User=nobody' in named.stderr)
    finally:
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        if kept is not None:
            path.write_bytes(kept)
