# SPDX-License-Identifier: LGPL-2.1-or-later
"""The generated completions in real shells, on a host with one tree in each place that machines are found in.

Namespaces hide the host's own directories; no root where users may create them. Run by meson: $COMPLETIONS is where the
generated files are, $BOXCTL the program.
"""

import os
import pathlib
import shutil
import subprocess

import pexpect
import pytest

BOXCTL, COMPLETIONS = os.environ.get('BOXCTL'), os.environ.get('COMPLETIONS')
NAMESPACES = ['unshare', '--user', '--map-root-user', '--mount']
pytestmark = pytest.mark.skipif(not BOXCTL or not COMPLETIONS or subprocess.run([*NAMESPACES, 'true']).returncode != 0,
                                reason='needs $BOXCTL, $COMPLETIONS and user namespaces')

IMAGES = ['a-etc', 'b-run', 'disk1', 'old', 'tree', 'v-local', 'w-vendor']
RUNNING = ['ours', 'web']


@pytest.fixture(scope='module')
def host(tmp_path_factory):
    """A command prefix: what follows it runs on that host."""
    top = tmp_path_factory.mktemp('host')
    for folder in ('etc/machines/a-etc', 'run/machines', 'var/lib/machines/tree', 'var/lib/machines/.hidden',
                   'var/lib/container/old', 'usr/local/lib/machines/v-local', 'usr/lib/machines/w-vendor',
                   'run/systemd/machines', 'run/box/ours', 'bin'):
        (top / folder).mkdir(parents=True)
    (top / 'run/machines/b-run').symlink_to('/usr')
    (top / 'var/lib/machines/disk1.raw').touch()
    (top / 'var/lib/machines/notes.txt').touch()
    (top / 'run/systemd/machines/web').touch()
    (top / 'run/systemd/machines/unit:web.scope').symlink_to('web')
    start = pathlib.Path('/proc/self/stat').read_text().rsplit(')', 1)[1].split()[19]
    (top / 'run/box/ours/state').write_text(
        f'NAME=ours\nLEADER={os.getpid()}\nSUPERVISOR={os.getpid()}\nSUPERVISOR_START={start}\nINIT=systemd\n')
    for name in ('boxctl', 'machinectl-lite'):
        (top / 'bin' / name).symlink_to(BOXCTL)
    script = f'''set -e
        mount -t overlay overlay -o lowerdir={top}/usr/lib:/usr/lib /usr/lib
        for dir in etc run var/lib usr/local/lib; do mount --bind {top}/$dir /$dir; done
        export PATH={top}/bin:$PATH HOME={top} TERM=dumb
        exec "$@"'''
    return [*NAMESPACES, 'bash', '-c', script, 'host']


def interactive(command, setup, line, insert_all):
    """The words that a key inserts behind the line's first two."""
    p = pexpect.spawn(command[0], command[1:], timeout=20, encoding='utf-8', echo=False)
    p.setwinsize(24, 500)
    p.sendline(setup)
    p.expect_exact('ready> ')
    p.send(f'{line}{insert_all}\x01echo [ \x05 ]\n')      # from the line's start to its end: it is printed, not run
    p.expect(r'(?:^|\n)\[ (.*) \]\r\n')
    p.close()
    return p.match[1].split()[2:]


def bash(host, line):
    return interactive([*host, 'bash', '--norc', '--noprofile', '-i'],
                       f"PS1='rea''dy> '; source {COMPLETIONS}/boxctl", line, '\x1b*')


def zsh(host, line):
    return interactive([*host, 'zsh', '-f', '-i'],
                       f"PROMPT='rea''dy> '; fpath=({COMPLETIONS} $fpath); autoload -U compinit; compinit -u -D; "
                       "zle -C all complete-word _generic; bindkey '^Xa' all; zstyle ':completion:all:*' insert true; "
                       "zstyle ':completion:all::::' completer _all_matches _complete", line, '\x18a')


def fish(host, line):
    script = f'source {COMPLETIONS}/boxctl.fish; complete -C "{line}"'
    run = subprocess.run([*host, 'fish', '--no-config', '-c', script], capture_output=True, text=True, timeout=20)
    assert (run.returncode, run.stderr) == (0, '')
    return [row.split('\t')[0] for row in run.stdout.splitlines()]


@pytest.mark.parametrize('shell', [bash, zsh, fish])
@pytest.mark.parametrize(('line', 'names'), [
    ('boxctl start ', IMAGES),
    ('boxctl edit d', ['disk1']),
    ('boxctl stop ', RUNNING),
    ('boxctl poweroff w', ['web']),
    ('boxctl status ', IMAGES + RUNNING),
    ('machinectl-lite start v-', ['v-local']),
    ('machinectl-lite terminate ', RUNNING),
])
def test_names(host, shell, line, names):
    assert shutil.which(shell.__name__)
    assert sorted(shell(host, line)) == sorted(names)


@pytest.mark.parametrize('shell', [bash, zsh, fish])
@pytest.mark.parametrize(('line', 'words'), [
    ('boxctl list -c mach', ['machine']), ('boxctl list --json machine,st', ['machine,state']),
    ('boxctl doctor --json check,res', ['check,result']), ('boxctl events --json rea', ['reason']),
])
def test_columns(host, shell, line, words):
    """Of the verb's listing, also behind others."""
    got = shell(host, line)
    assert (got if shell is fish else got[1:]) == words


def test_unreadable_directories_are_silent(host):
    script = '''rm -r /run/systemd/machines
                chmod 0 /var/lib/container
                setpriv --bounding-set=-all bash -c 'boxctl _names status; boxctl _names nonsense'
                status=$?
                chmod 755 /var/lib/container
                exit $status'''
    run = subprocess.run([*host, 'bash', '-c', script], capture_output=True, text=True, timeout=20)
    expected = sorted(['ours', *(name for name in IMAGES if name != 'old')])
    assert (run.returncode, run.stdout.split(), run.stderr) == (0, expected, '')
