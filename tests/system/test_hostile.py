# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees and payloads that try to escape from the machine, or to block or mislead programs on the host."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

BOX_RUN = 'box-run'


@pytest.fixture(scope='module')
def tree(module_machine):
    return module_machine('busybox', name='hostile')


@pytest.fixture
def other(machine):
    return machine('busybox', name='hostile-other')


# -------------------------------------------------------------------- descriptors of the host

@pytest.mark.parametrize('switches', [['--private-users=no'], ['-U']], ids=['root', 'user-namespace'])
def test_working_directory_does_not_lead_to_the_host(tree, switches):
    """A link to /proc/self/fd in the tree, while the child has descriptors of the supervisor's directories."""
    place = tree.path / 'work'
    for number in range(3, 40):
        place.unlink(missing_ok=True)
        place.symlink_to(f'/proc/self/fd/{number}')
        result = run('systemd-run', '--quiet', '--collect', '--wait', '--pipe', '--property=Delegate=yes', BOX_RUN, '--quiet',
                     '--keep-unit', '--register=no', '--pipe', '-M', tree.name, *switches, '--chdir=/work', '/bin/sh', '-c',
                     'readlink /proc/self/cwd', check=False)
        assert result.returncode != 0, f'{number}: {result.stdout}'
        assert 'Failed to change to' in result.stderr, result.stderr
    place.unlink()


@pytest.fixture
def running(tree):
    """The machine, running a command."""
    tree.write_file('[Exec]\nBoot=no\nParameters=/bin/sh -c "touch /tmp/up; exec sleep 1000"\n')
    tree.start()
    wait_for(lambda: tree.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
    yield tree
    tree.stop(check=False)
    tree.file.unlink()


def test_home_directory_does_not_lead_to_the_host(running):
    """A payload that exchanges a home directory with such a link while a program enters."""
    passwd = running.path / 'etc/passwd'
    text = passwd.read_text()
    passwd.write_text(text + 'walker:x:0:0::/walk:/bin/sh\n')
    enter = ['boxctl', 'shell', '--uid=walker', '-q', running.name, '/bin/readlink', '/proc/self/cwd']
    try:
        running.exec('mkdir', '/walk')
        assert output(*enter) == '/walk', 'a positive control: a directory is entered'
        for number in range(3, 20):
            running.exec('sh', '-c', f'rm -rf /walk; ln -s /proc/self/fd/{number} /walk')
            seen = run(*enter, check=False)
            assert seen.stdout.strip() in ('', '/'), seen.stdout
    finally:
        passwd.write_text(text)
        run('rm', '-f', running.path / 'walk')


# -------------------------------------------------------------------- masks and mounts

def test_masks_are_always_mounted(tree):
    """A tree whose /proc leads to the source of the masks."""
    proc = tree.path / 'proc'
    proc.rmdir()
    proc.symlink_to('run/host/inaccessible')
    try:
        result = run(BOX_RUN, '--quiet', '--register=no', '--pipe', '-M', tree.name, '--private-users=no', '/bin/sh', '-c',
                     'cat /proc/kallsyms | head -n 1', check=False)
        assert (result.returncode, result.stdout) == (1, '')
        assert "Failed to mask '/proc/" in result.stderr
    finally:
        proc.unlink()
        proc.mkdir()


def test_other_mount_over_run(tree):
    for switches in (['--tmpfs=/run'], [f'--bind={tree.path}/usr:/run']):
        result = run(BOX_RUN, '--quiet', '--register=no', '--pipe', '-M', tree.name, '-U', *switches, '/bin/sh', '-c',
                     'ls /run/host; head -c 1 /proc/kallsyms | wc -c')
        assert result.stdout == '0\n'


# -------------------------------------------------------------------- names

def test_name_of_a_running_machine_is_refused(running, other):
    """A second run with the same name and another tree does not remove anything of the first as a leftover."""
    running.stop()
    running.write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n[Network]\nVirtualEthernet=yes\n')
    running.start()
    index = Path(f'/sys/class/net/ve-{running.name}/ifindex').read_text()
    for register in ('yes', 'no'):
        result = run(BOX_RUN, '--quiet', f'--register={register}', '-M', running.name, '-D', other.path, '-U', '--network-veth',
                     '/bin/true', check=False)
        assert result.returncode == 1 and re.fullmatch(
            rf"box-run: A machine '{running.name}' runs already \(box-run, process \d+, unit box@{running.name}\.service\); use "
            r'another name \(--machine=\)\n', result.stderr), result.stderr
    assert Path(f'/sys/class/net/ve-{running.name}/ifindex').read_text() == index
    assert Path(f'/run/systemd/nspawn/propagate/{running.name}').is_dir()
    assert output('boxctl', 'show', '--property=RootDirectory', '--value', running.name) == str(running.path)
    run(BOX_RUN, '--quiet', '-M', 'hostile-third', '-D', other.path, '-U', '--network-veth', '/bin/true')


# -------------------------------------------------------------------- the notify socket

FLOOD = ('use Socket; use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => "/run/host/notify") or die; '
         'for (my $i = 0; ; $i++) { $s->send("STATUS=flood $i") }')


def test_flood_of_status_messages_is_rate_limited(machine, tmp_path):
    deb = machine('deb12', name='hostile-flood')
    deb.write_file('[Exec]\nBoot=no\nPrivateUsers=pick\nParameters=/bin/sleep 1000\nNotifyReady=no\n')
    (deb.path / 'flood').write_text('exec 2>/dev/null; exec perl -e \'' + FLOOD + '\'\n')
    deb.write_file('[Exec]\nBoot=no\nPrivateUsers=pick\nParameters=/bin/sh /flood\n')
    deb.start()
    wait_for(lambda: 'flood' in deb.property('StatusText'))
    with open(tmp_path / 'signals', 'w') as log:
        monitor = subprocess.Popen(['busctl', 'monitor', '--match', "type='signal',interface='org.freedesktop.DBus.Properties',"
                                    f"path='/org/freedesktop/systemd1/unit/{support.bus_name(deb.unit)}'"], stdout=log)
        time.sleep(3)
        monitor.terminate()
        monitor.wait()
    assert (tmp_path / 'signals').read_text().count('PropertiesChanged') < 40
    before = deb.property('StatusText')
    wait_for(lambda: deb.property('StatusText') != before)
    began = time.monotonic()
    deb.stop()
    assert time.monotonic() - began < 20
    assert os.path.exists(deb.path)


# -------------------------------------------------------------------- programs of the host (CVE-2019-5736)

@pytest.fixture(scope='module')
def attack(module_machine, tmp_path_factory):
    """attack(users): a machine whose root overwrites each program of the host that it sees executed."""
    program = tmp_path_factory.mktemp('attack') / 'overwrite-exe'
    run('cc', '-O2', '-static', '-o', program, Path(__file__).with_name('overwrite-exe.c'))
    deb = module_machine('deb12', name='hostile-exe')
    shutil.copy(program, deb.path)
    # A script of this kind is the program that runs it.
    evil = deb.path / 'evil'
    evil.write_text('#!/proc/self/exe\n')
    evil.chmod(0o755)

    def start(users):
        deb.reset()
        (deb.path / 'report').unlink(missing_ok=True)
        deb.write_file(f'[Exec]\nBoot=no\nPrivateUsers={users}\nParameters=/overwrite-exe /report boxctl box-run enter-stub '
                       'victim\n')
        deb.start()
        wait_for(lambda: (deb.path / 'report').exists())
        return deb
    return start


def programs_of_box():
    """What each program of box's has in it."""
    return {path: path.read_bytes() for path in map(Path, [shutil.which(BOX_RUN), shutil.which('boxctl'),
                                                           '/usr/libexec/box/enter-stub'])}


@pytest.fixture
def victim():
    """A program of the host that can be overwritten."""
    path = Path('/usr/local/bin/victim')
    shutil.copy('/usr/bin/nsenter', path)
    yield path
    path.unlink()


def test_program_of_the_host_is_overwritten(attack, victim):
    """The attack works: on a program that is executed in the machine's PID namespace, and by a script of it."""
    deb = attack('no')
    before = victim.read_bytes()
    run(victim, '-t', deb.leader(), '-p', '/bin/true', check=False)
    def again():
        run('nsenter', '-t', deb.leader(), '-p', victim, '--version', check=False)
        return victim.read_bytes() != before
    # It has to be seen while it runs.
    wait_for(again, timeout=60)
    assert 'overwritten victim' in (deb.path / 'report').read_text()


@pytest.mark.parametrize('program', ['/bin/true', '/evil'])
def test_boxctl_is_not_overwritten(attack, program):
    deb = attack('no')
    before = programs_of_box()
    for tries in range(300):
        run('boxctl', 'shell', deb.name, program, check=False)
        if tries > 25 and '/memfd:enter-stub' in (deb.path / 'report').read_text():
            break
    # The last of them has ended, and the machine would write now.
    time.sleep(0.3)
    assert programs_of_box() == before
    report = (deb.path / 'report').read_text()
    assert '/memfd:enter-stub' in report, 'the machine was not quick enough to see a process enter'
    assert 'boxctl' not in report and 'overwritten' not in report


@pytest.mark.parametrize('asks', ['#!/bin/sh\ntouch /asked\nsleep 0.2\nkill -TERM 1\n', '#!/proc/self/exe\n'],
                         ids=['program', 'exe'])
def test_supervisor_is_not_overwritten(attack, asks):
    """Its way to ask an init of another kind: a program in the machine."""
    deb = attack('no')
    deb.stop()
    init, runit = deb.path / 'usr/sbin/attacker', deb.path / 'usr/bin/runit-init'
    init.write_text('#!/bin/bash\n/overwrite-exe /report boxctl box-run enter-stub &\ntrap "exit 0" TERM\n'
                    'sleep 1000 & wait $!\n')
    runit.write_text(asks)
    (deb.path / 'usr/sbin/init').unlink(missing_ok=True)
    (deb.path / 'usr/sbin/init').symlink_to('attacker')
    for file in (init, runit):
        file.chmod(0o755)
    deb.write_file('[Exec]\nPrivateUsers=no\n[X-Box]\nInit=runit\nStopTimeoutSec=2\n')
    (deb.path / 'report').unlink()
    (deb.path / 'asked').unlink(missing_ok=True)
    before = programs_of_box()
    deb.start()
    wait_for(lambda: (deb.path / 'report').exists() and 'sleep' in (deb.path / 'report').read_text())
    deb.stop(check=False)
    assert programs_of_box() == before
    report = (deb.path / 'report').read_text()
    assert 'box-run' not in report and 'overwritten' not in report
    if 'asked' in asks:
        assert (deb.path / 'asked').exists()


# What is in the tree, and the arguments to run it
PROGRAM_OF_THE_CALLER = {
    'script': (lambda path: path.write_text('#!/proc/self/exe --version\n'), ['/evil']),
    'link': (lambda path: path.symlink_to('/proc/self/exe'), ['/evil', '--version']),
    'link-of-a-thread': (lambda path: path.symlink_to('/proc/thread-self/exe'), ['/evil', '--version']),
    'second': (lambda path: path.write_text('#!/proc/self/exe --version\n'), ['--as-pid2', '/evil']),
    'init': (lambda path: path.write_text('#!/proc/self/exe --version\n'), ['--boot']),
}


@pytest.mark.parametrize('kind', PROGRAM_OF_THE_CALLER)
def test_payload_is_no_program_of_the_host(module_machine, attack, kind):
    """A payload that is the program of the process that executes it: box-run, if root of the machine can not write to that."""
    deb = attack('no')
    deb.stop()
    make, arguments = PROGRAM_OF_THE_CALLER[kind]
    place = deb.path / ('usr/sbin/init' if kind == 'init' else 'evil')
    place.unlink(missing_ok=True)
    make(place)
    if not place.is_symlink():
        place.chmod(0o755)

    def said(users):
        # with the host's libraries, box-run would run in the machine
        bind = ['--bind-ro=/usr', f'--bind-ro={place}:/usr/sbin/init'] if kind == 'init' else ['--bind-ro=/usr']
        result = run(BOX_RUN, '-q', '--register=no', '--pipe', '-M', deb.name, f'--private-users={users}', '--settings=no', *bind,
                     *arguments, check=False)
        return result.stdout + result.stderr
    version = output(BOX_RUN, '--version')
    assert version in said('pick'), 'a positive control'
    for users in 'no', 'identity', '0:65536':
        assert version not in said(users)


def test_programs_are_found_and_refused_in_the_same_way(tree):
    """Whichever process executes the payload."""
    place = tree.path / 'find'
    for path, mode, text in (('a/both', 0o644, ''), ('a/plain', 0o755, 'echo "$0 $*"'), ('b/both', 0o755, '#!/bin/sh\necho second $1'),
                             ('b/lost', 0o755, '#!/nowhere'), ('b/closed', 0o644, ''), ('b/here', 0o755, '#!/bin/sh\necho in $PWD'),
                             ('b/binary', 0o755, '\177ELF')):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
        (place / path).chmod(mode)

    def results(users):
        for command in 'both x', 'plain x y', 'lost', 'closed', 'here', 'binary', 'none', '/find/a/plain z', '/find/b/lost', 'here/x', '':
            for path in '/find/a:/find/b:/bin', '/none::/bin', '/find/a/both:/find/b':
                result = run(BOX_RUN, '-q', '--register=no', '--pipe', '-M', tree.name, users, f'--setenv=PATH={path}', '--chdir=/find/b',
                             *command.split(), check=False)
                yield command, path, result.returncode, result.stdout, result.stderr
    ways = [list(results(users)) for users in ('-U', '--private-users=no', '--private-users=identity')]
    assert ways[0] == ways[1] == ways[2]
    said = ''.join(out for _, _, _, out, _ in ways[0])
    assert 'second x' in said and '/find/a/plain x y' in said and 'in /find/b' in said
    assert ('lost', '/find/a:/find/b:/bin', 1, '', "box-run: Failed to execute 'lost': No such file or directory\n") in ways[1]
    run('rm', '-r', place)


def test_entering_process_can_not_be_traced(attack):
    """Where the machine has a user namespace, its root may not even look at a process that has not become a program of it."""
    deb = attack('pick')
    for _ in range(40):
        run('boxctl', 'shell', deb.name, '/bin/sleep', '0.01')
    # held before each step of becoming one: the first change of ids makes the kernel forbid it, too
    steps = 'setgroups,setresgid,setresuid,setsid,execve,execveat'
    run('strace', '-f', '-qq', '-o', '/dev/null', '-e', f'trace={steps}', '-e', f'inject={steps}:delay_enter=200000',
        'boxctl', 'shell', deb.name, '/bin/sleep', '0.01')
    report = (deb.path / 'report').read_text()
    assert '/usr/bin/sleep' in report, 'the machine was not quick enough to see a process enter'
    assert 'memfd' not in report and 'boxctl' not in report
