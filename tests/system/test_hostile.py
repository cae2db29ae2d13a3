# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees and payloads that try to escape from the machine, or to block or mislead programs on the host."""

import os
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
    try:
        for number in range(3, 20):
            running.exec('sh', '-c', f'rm -rf /walk; ln -s /proc/self/fd/{number} /walk')
            seen = run('boxctl', 'shell', '--uid=walker', '-q', running.name, '/bin/readlink', '/proc/self/cwd', check=False)
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
        assert (result.returncode, result.stderr) == (
            1, f"box-run: A machine '{running.name}' runs already; use another name (--machine=)\n")
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
    assert time.monotonic() - began < 5
    assert os.path.exists(deb.path)
