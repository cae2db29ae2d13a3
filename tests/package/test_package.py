# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's packages, as debian/ makes them (in /out/packages): installed, at work, removed. The tests are in this order."""

import gzip
import os
import subprocess
from pathlib import Path

import support
from support import output, run

PACKAGES = Path('/out/packages')
NAME = 'packaged'
# The tools that create trees are not in a lab.
IGNORED = '--ignore-depends=mmdebstrap,debootstrap'


def files_of(package):
    """The package's own files, as dpkg lists them."""
    return {path for path in output('dpkg-query', '--listfiles', package).splitlines() if Path(path).is_file()}


def test_box_is_not_there_before():
    assert run('sh', '-c', 'command -v box-run boxctl', check=False).stdout == ''
    assert run('systemctl', 'cat', f'box@{NAME}.service', check=False).returncode != 0


def test_packages_are_installed():
    """With their files as dpkg remembers them: the lab leaves out manuals and documents (path-exclude)."""
    result = run('dpkg', '--install', IGNORED, '--path-include=/usr/share/man/*', '--path-include=/usr/share/doc/box*',
                 *sorted(PACKAGES.glob('box_*.deb')), *sorted(PACKAGES.glob('box-bootstrap_*.deb')))
    assert 'warning' not in result.stderr, result.stderr
    for package in ('box', 'box-bootstrap'):
        assert output('dpkg-query', '--show', '--showformat=${db:Status-Status}', package) == 'installed'
        assert run('dpkg', '--verify', package).stdout == ''


def test_files_are_in_debian_s_places():
    found = files_of('box') | files_of('box-bootstrap')
    for path in ('/usr/bin/box-run', '/usr/bin/boxctl', '/usr/bin/machinectl-lite', '/usr/libexec/box/stub-init',
                 '/usr/lib/systemd/system/box@.service', '/usr/lib/systemd/system-generators/box-generator',
                 '/usr/share/bash-completion/completions/boxctl', '/usr/share/zsh/vendor-completions/_boxctl',
                 '/usr/share/fish/vendor_completions.d/boxctl.fish', '/usr/share/box/nspawn-configs/appliance.nspawn',
                 '/usr/share/doc/box/README.md.gz', '/usr/share/doc/box/copyright', '/usr/share/man/man1/boxctl.1.gz',
                 '/usr/libexec/box/bootstrap/debian', '/etc/apparmor.d/box-machine', '/etc/apparmor.d/abstractions/box-machine'):
        assert path in found
    assert 'News' in gzip.open('/usr/share/doc/box/changelog.gz', 'rt').read()


def test_unit_boots_a_machine():
    machine = support.Machine(NAME)
    support.copy_tree('busybox', machine.path)
    machine.start()
    try:
        assert machine.exec('cat', '/proc/1/comm').stdout == 'init\n'
        assert NAME in output('boxctl', 'list')
        assert f'Name={NAME}' in output('machinectl', 'show', NAME)
    finally:
        machine.stop()
    assert machine.property('Result') == 'success'


def test_bootstrap_script_is_there():
    assert 'Create a bootable Debian tree' in output('/usr/libexec/box/bootstrap/debian', '--help')


def test_upgrade_keeps_machines_running():
    machine = support.Machine(NAME)
    machine.start()
    leader = machine.leader()
    run('dpkg', '--install', *sorted(PACKAGES.glob('box_*.deb')))
    assert machine.leader() == leader
    assert machine.property('NeedDaemonReload') == 'no'
    machine.stop()


def test_profiles_are_loaded_where_apparmor_is(tmp_path):
    """A lab has no AppArmor: programs in its place say what they were told."""
    for name, text in (('aa-enabled', ''), ('apparmor_parser', f'echo "$*" >>{tmp_path}/told')):
        (tmp_path / name).write_text(f'#!/bin/sh\n{text}\n')
        (tmp_path / name).chmod(0o755)
    run('env', f'PATH={tmp_path}:{os.environ["PATH"]}', 'dpkg', '--install', *sorted(PACKAGES.glob('box_*.deb')))
    assert (tmp_path / 'told').read_text() == '--replace --write-cache /etc/apparmor.d/box-machine\n'


def test_purge_leaves_nothing():
    found = files_of('box') | files_of('box-bootstrap')
    run('dpkg', '--purge', 'box', 'box-bootstrap')
    left = {path for path in found if Path(path).exists()}
    assert left == set()
    assert subprocess.run(['systemctl', 'cat', f'box@{NAME}.service'], capture_output=True).returncode != 0
    support.Machine(NAME).remove()
