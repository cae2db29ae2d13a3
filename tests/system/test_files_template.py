# SPDX-License-Identifier: LGPL-2.1-or-later
"""--template=: a tree that is made as a copy of another, whole or not at all."""

import os
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest

import support
from support import in_use, output, run, wait_for


@pytest.fixture(scope='module')
def all_gone():
    before = support.HostState.take()
    yield
    wait_for(lambda: support.HostState.take().differences(before) == [])


@pytest.fixture(scope='module')
def template(all_gone, module_machine):
    """A tree with one of everything that a file can be or have."""
    machine = module_machine('busybox', name='ft')
    odd = machine.path / 'odd'
    (odd / 'dir').mkdir(parents=True)
    (odd / 'file').write_text('text')
    os.link(odd / 'file', odd / 'dir/hard')
    os.link(odd / 'file', machine.path / 'etc/hard')
    with (odd / 'sparse').open('wb') as f:
        f.seek(50 << 20)
        f.write(b'end')
    os.symlink('/no/where', odd / 'dangling')
    os.mkfifo(odd / 'fifo', 0o640)
    os.mknod(odd / 'null', stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(odd / 'block', stat.S_IFBLK | 0o600, os.makedev(7, 99))
    os.mknod(odd / 'socket', stat.S_IFSOCK | 0o755)
    (odd / 'suid').write_text('')
    for i, path in enumerate(odd.iterdir()):
        os.lchown(path, 1000 + i, 2000 + i)
    (odd / 'suid').chmod(0o6755)
    (odd / 'dir').chmod(0o1733)
    run('setcap', 'cap_net_raw+ep', odd / 'file')
    for name, value in (('user.small', b'v'), ('user.large', b'v' * 3000), ('trusted.mine', b'\0\1'), ('security.other', b'x')):
        os.setxattr(odd / 'file', name, value)
    os.setxattr(odd / 'dir', 'trusted.dir', b'd')
    os.setxattr(odd / 'dangling', 'trusted.link', b'l', follow_symlinks=False)
    # user 7 may read and write: version 2; USER_OBJ, USER 7, GROUP_OBJ, MASK, OTHER
    acl = b''.join([b'\2\0\0\0', *(tag.to_bytes(2, 'little') + mode.to_bytes(2, 'little') + who.to_bytes(4, 'little') for tag, mode, who
                                   in ((1, 7, 2**32 - 1), (2, 6, 7), (4, 5, 2**32 - 1), (16, 7, 2**32 - 1), (32, 0, 2**32 - 1)))])
    os.setxattr(odd / 'dir', 'system.posix_acl_access', acl)
    os.setxattr(odd / 'dir', 'system.posix_acl_default', acl)
    for path in (odd / 'file', odd / 'dir', odd / 'dangling', odd):
        os.utime(path, ns=(10**18 + 1, 10**18 + 2), follow_symlinks=False)
    return machine


@pytest.fixture
def target(all_gone):
    machine = support.Machine('ft-new')
    yield machine
    wait_for(lambda: hidden() == [])
    machine.remove()


def hidden():
    return [path.name for path in support.MACHINES.iterdir() if path.name.startswith('.#box-')]


def everything(path):
    """The attributes of a tree that a copy must have."""
    lines = []
    for each in sorted([path, *path.rglob('*')]):
        st = each.lstat()
        xattrs = {name: os.getxattr(each, name, follow_symlinks=False) for name in os.listxattr(each, follow_symlinks=False)}
        lines.append((str(each.relative_to(path)), st.st_mode, st.st_uid, st.st_gid, st.st_nlink, st.st_rdev, st.st_mtime_ns,
                      0 if each.is_dir() else st.st_size, os.readlink(each) if each.is_symlink() else '', xattrs,
                      each.read_bytes() if stat.S_ISREG(st.st_mode) else b''))
    return lines


def start(*switches, command=('/bin/true',), **options):
    """A machine that does not change its tree: it is the copy that is looked at."""
    return run('box-run', *switches, '--volatile=overlay', '--pipe', '--register=no', *command, **options)


def test_copy_is_the_tree(template, target):
    result = start('-M', target.name, f'--template={template.path}', '-U', command=['/bin/sh', '-c', 'cat /odd/file'])
    assert (result.stdout, result.stderr) == ('text', f"box-run: Created the tree '{target.path}' as a copy of '{template.path}'\n")
    copy, original = everything(target.path), everything(template.path)
    assert copy == original
    assert (target.path / 'odd/file').stat().st_ino == (target.path / 'etc/hard').stat().st_ino
    assert (target.path / 'odd/file').stat().st_ino != (template.path / 'odd/file').stat().st_ino
    assert (target.path / 'odd/sparse').stat().st_blocks * 512 < 1 << 20
    assert (target.path / 'odd/file').stat().st_atime_ns == 10**18 + 1


def test_attributes_that_the_file_system_cannot_store(template, tmp_path):
    """ramfs stores none: user.* are left out with one warning, others are an error that names the first."""
    plain = support.Machine('ft-plain')
    new = tmp_path / 'new'
    run('mount', '-t', 'ramfs', 'none', tmp_path)
    try:
        support.copy_tree('busybox', plain.path)
        for name in ('user.one', 'user.two'):
            os.setxattr(plain.path / 'etc', name, b'x')
        result = start('-q', '-D', new, f'--template={plain.path}')
        assert re.fullmatch("box-run: Failed to copy the attribute 'user.(one|two)' of /etc, ignoring it and others like it: "
                            'Operation not supported\n', result.stderr)
        support.remove_tree(new)
        result = start('-q', '-D', new, f'--template={template.path}', check=False)
        assert result.returncode == 1 and not new.exists()
        assert re.search("Failed to copy the attribute '(trusted|security|system)[.].*' of /(odd/.*|etc/hard): Operation not supported\n$",
                         result.stderr)
    finally:
        run('umount', tmp_path)
        plain.remove()


def test_tree_that_is_there_is_left_alone(template, target):
    support.copy_tree('busybox', target.path)
    (target.path / 'mine').write_text('')
    result = start('-D', target.path, f'--template={template.path}', command=['/bin/ls', '/mine'])
    assert (result.stdout, result.stderr) == ('/mine\n', '')
    # a template that is gone since is nobody's business then
    assert start('-D', target.path, '--template=/no/such', '-q').returncode == 0


def test_dry_run_copies_nothing(template, target):
    plan = start('-M', target.name, f'--template={template.path}', '--dry-run').stdout
    assert f'tree: {target.path}\ntree copied from: {template.path}\n' in plan
    assert not target.path.exists()


def test_mounts_below_are_not_copied(template, target):
    point = template.path / 'point'
    point.mkdir()
    (point / 'below').write_text('')
    run('mount', '-t', 'tmpfs', 'tmpfs', point)
    (point / 'above').write_text('')
    try:
        start('-q', '-M', target.name, f'--template={template.path}')
    finally:
        run('umount', point)
    assert os.listdir(target.path / 'point') == ['below']
    support.remove_tree(point)


def test_template_conflicts(template, target):
    result = start('-M', target.name, f'--template={template.path}', '-x', check=False)
    assert result.stderr == ('box-run: --ephemeral: --template= creates a permanent tree, Ephemeral= a temporary one: use one of them\n')
    result = start(f'--template={template.path}', check=False)
    assert result.stderr == 'box-run: --template= needs --directory= or --machine=\n'
    result = start('-M', target.name, '--template=/no/such', check=False)
    assert result.stderr == 'box-run: Failed to open the tree /no/such: No such file or directory\n'
    result = start('-D', '/no/such/tree', f'--template={template.path}', check=False)
    assert result.stderr == "box-run: Failed to open '/no/such', the directory for the new tree: No such file or directory\n"
    assert not target.path.exists()


@pytest.mark.parametrize('switches, command', [
    (['--bind=/no/such'], ['/bin/true']),
    ([], ['/no/such/command']),
])
def test_start_that_fails_takes_the_tree_back(template, target, switches, command):
    result = start('-q', '-M', target.name, f'--template={template.path}', *switches, command=command, check=False)
    assert result.returncode == 1 and '/no/such' in result.stderr
    assert not target.path.exists()


def test_command_that_fails_does_not(template, target):
    assert start('-q', '-M', target.name, f'--template={template.path}', command=['/bin/false'], check=False).returncode == 1
    assert (target.path / 'odd/file').exists()


def test_reboot_keeps_the_tree(template, target):
    """The keeper, which undoes the first start, was created while the tree was one that a failure takes back."""
    script = '[ -e /rebooted ] && exit; touch /rebooted; exec busybox reboot -f'
    result = run('box-run', '-M', target.name, f'--template={template.path}', '--pipe', '--register=no', '/bin/sh', '-c', script)
    assert result.stderr.count('Created the tree') == 1 and result.stderr.count('is being rebooted') == 1
    assert (target.path / 'rebooted').exists()


def test_template_in_use(template, target):
    with subprocess.Popen(['box-run', '-q', '-M', template.name, '--pipe', '--register=no', '/bin/sh', '-c', 'echo up; read line'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == 'up\n'
        result = start('-q', '-M', target.name, f'--template={template.path}', check=False)
        writer.communicate('')
    assert in_use(template.path, f"machine '{template.name}'").search(result.stderr), result.stderr
    assert not target.path.exists()


def test_template_of_a_running_machine(template, target):
    """As the manual says of -x beside a machine: what either writes from then on, the other one does not see."""
    with subprocess.Popen(['box-run', '-q', '-M', template.name, '--pipe', '--register=no', '/bin/sh', '-c',
                           'echo before >/tmp-of-writer; echo up; read line; echo after >/tmp-of-writer; read line; cat /tmp-of-copy'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as writer:
        try:
            assert writer.stdout.readline() == 'up\n'
            with subprocess.Popen(['box-run', '-q', '-M', target.name, f'--template={template.path}', '--pipe', '--register=no',
                                   '/bin/sh', '-c', 'touch /tmp-of-copy; echo up; read line; cat /tmp-of-writer'],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env={**os.environ, 'SYSTEMD_NSPAWN_LOCK': 'no'}) as copy:
                assert copy.stdout.readline() == 'up\n'
                writer.stdin.write('\n')
                writer.stdin.flush()
                wait_for(lambda: (template.path / 'tmp-of-writer').read_text() == 'after\n')
                assert copy.communicate('\n')[0] == 'before\n'
            assert 'No such file' in writer.communicate('\n')[0]
        finally:
            (template.path / 'tmp-of-writer').unlink(missing_ok=True)


class Slow:
    """A copy that takes long enough to be interfered with: each file is delayed."""

    def __init__(self, template, target):
        self.process = subprocess.Popen(
            ['strace', '-D', '-qq', '-o', '/dev/null', '-e', 'trace=fchownat', '-e', 'inject=fchownat:delay_enter=8000', 'box-run',
             '-q', '-M', target.name, f'--template={template.path}', '--volatile=overlay', '--pipe', '--register=no', '/bin/true'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: hidden() and any(Path(support.MACHINES / hidden()[0]).iterdir()), interval=0.01)


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGINT])
def test_interrupted(template, target, sig):
    slow = Slow(template, target)
    slow.process.send_signal(sig)
    _, said = slow.process.communicate(timeout=60)
    assert (slow.process.returncode, said) == (-sig, f"box-run: The start of machine '{target.name}' was cancelled\n")
    assert not target.path.exists()


def test_killed(template, target):
    """The leftover is hidden, not a machine, and removed by the next attempt."""
    slow = Slow(template, target)
    slow.process.kill()
    slow.process.wait()
    (left,) = hidden()
    assert not target.path.exists()
    assert left not in output('machinectl', 'list-images', '--no-legend', '--all')
    start('-q', '-M', target.name, f'--template={template.path}')
    assert everything(target.path) == everything(template.path)


def test_two_at_once(template, target):
    """One of them makes the tree, the other says so; never is it the one's and then gone by the other's hand."""
    slow = Slow(template, target)
    start('-q', '-M', 'ft-other', f'--directory={target.path}', f'--template={template.path}')
    _, said = slow.process.communicate(timeout=60)
    assert slow.process.returncode == 1
    assert said == f"box-run: Failed to rename the new tree to '{target.path}': File exists\n"
    assert everything(target.path) == everything(template.path)


def test_copy_in_progress_is_not_removed(template, target):
    slow = Slow(template, target)
    first = hidden()
    result = start('-q', '-M', 'ft-other', f'--directory={target.path}', f'--template={template.path}', '--bind=/no/such',
                   check=False)
    assert result.returncode == 1 and hidden() == first
    slow.process.communicate(timeout=60)
    assert slow.process.returncode == 0
