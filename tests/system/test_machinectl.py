# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine of box's is one of systemd-machined's: machinectl, journalctl -M and systemctl -M work on it as on any."""

import os
import subprocess

import pytest

import support
from support import output, run, wait_for


@pytest.fixture(scope='module')
def deb(module_machine):
    machine = module_machine('deb12', name='ctl-deb')
    machine.start()
    return machine


@pytest.fixture(autouse=True)
def running(deb):
    """Some tests take it down."""
    if not deb.is_active():
        deb.start()


def shown(name, property):
    return output('machinectl', 'show', '--value', f'--property={property}', name)


def test_list_shows_it(deb):
    line = next(line.split() for line in output('machinectl', 'list', '--no-legend').splitlines() if deb.name in line)
    assert line[:5] == [deb.name, 'container', 'box', 'debian', '12']


def test_show_has_the_path(deb):
    assert shown(deb.name, 'Class') == 'container'
    assert shown(deb.name, 'Service') == 'box'
    assert shown(deb.name, 'Unit') == deb.unit
    assert shown(deb.name, 'State') == 'running'
    assert shown(deb.name, 'RootDirectory') == str(deb.path)
    assert shown(deb.name, 'Id') == deb.exec('cat', '/run/host/container-uuid').stdout.strip().replace('-', '')


def test_leader_is_the_machine_s_init(deb):
    leader = deb.leader()
    assert os.readlink(f'/proc/{leader}/ns/pid') != os.readlink('/proc/1/ns/pid')
    assert f'0::{deb.property("ControlGroup")}/payload' in open(f'/proc/{leader}/cgroup').read()


def test_machine_id_stays_the_same(deb):
    before = shown(deb.name, 'Id')
    run('systemctl', 'restart', deb.unit)
    assert shown(deb.name, 'Id') == before
    assert deb.exec('cat', '/etc/machine-id').stdout.strip() == before


def test_status_has_its_processes_addresses_and_log(deb):
    text = output('machinectl', 'status', '--no-pager', '--full', deb.name)
    for part in (f'Unit: {deb.unit}', 'Debian GNU/Linux 12', 'systemd-journald', f'{deb.leader()}', 've-ctl-deb',
                 'UID Shift: '):
        assert part in text


def test_login(deb, terminal):
    child = terminal('machinectl', 'login', deb.name)
    support.log_in(child)
    assert support.run_at_prompt(child, 'id -un; hostname; tty').splitlines()[:2] == ['root', deb.name]
    child.sendline('exit')
    child.expect('login: ')
    child.send('\x1d\x1d\x1d')
    child.expect('terminated')


def test_shell(deb, terminal):
    child = terminal('machinectl', 'shell', deb.name, '/bin/sh', '-c', 'echo "I am $(id -un) in $(hostname)"')
    child.expect(f'I am root in {deb.name}')
    child.expect('terminated')


def test_shell_as_a_user(deb, terminal):
    deb.exec('useradd', '-m', '-u', '1234', 'somebody')
    child = terminal('machinectl', 'shell', f'somebody@{deb.name}', '/usr/bin/id')
    child.expect(r'uid=1234\(somebody\)')


def test_journal_of_the_machine(deb):
    deb.exec('logger', '-p', 'user.notice', 'written inside')
    wait_for(lambda: 'written inside' in output('journalctl', '-M', deb.name, '--no-pager', '--output=cat'))


def test_units_of_the_machine(deb):
    assert output('systemctl', '-M', deb.name, 'is-active', 'multi-user.target') == 'active'
    run('systemctl', '-M', deb.name, 'stop', 'systemd-logind.service')
    run('systemctl', '-M', deb.name, 'start', 'systemd-logind.service')
    assert 'console-getty.service' in output('systemctl', '-M', deb.name, 'list-units', '--no-legend', '--plain')


def test_programs_are_run_in_it(deb):
    result = run('systemd-run', '-M', deb.name, '--quiet', '--wait', '--pipe', '--collect', '/bin/sh', '-c',
                 'hostname; exit 3', check=False)
    assert (result.returncode, result.stdout) == (3, f'{deb.name}\n')


def test_files_are_copied_out(deb, tmp_path):
    run('machinectl', 'copy-from', deb.name, '/usr/lib/os-release', tmp_path / 'os-release')
    assert 'VERSION_ID="12"' in (tmp_path / 'os-release').read_text()


def test_bind_arrives_in_a_machine_without_private_users(machine, tmp_path):
    """machined refuses it where ids are shifted; what it needs is there all the same."""
    plain = machine('deb12', name='ctl-plain')
    plain.write_file('[Exec]\nPrivateUsers=no\n')
    plain.start()
    (tmp_path / 'file').write_text('bound\n')
    tmp_path.chmod(0o755)
    run('machinectl', 'bind', '--mkdir', plain.name, tmp_path, '/mnt/bound')
    assert plain.exec('cat', '/mnt/bound/file').stdout == 'bound\n'
    plain.stop()


def test_image_is_listed(deb):
    assert deb.name in output('machinectl', 'list-images', '--no-legend')


def test_signal_to_the_leader(deb):
    run('machinectl', 'kill', '--signal=SIGHUP', '--kill-whom=leader', deb.name)        # systemd reloads
    assert deb.system_state() in ('running', 'reloading', 'starting')
    assert deb.is_active()


def test_poweroff(deb):
    run('machinectl', 'poweroff', deb.name)
    wait_for(lambda: deb.property('ActiveState') == 'inactive')
    assert deb.property('Result') == 'success'
    assert run('machinectl', 'show', deb.name, check=False).returncode != 0


def test_reboot(deb):
    leader = deb.leader()
    run('machinectl', 'reboot', deb.name)
    wait_for(lambda: deb.property('NRestarts') == '1' and deb.is_active())
    assert deb.leader() != leader
    assert deb.property('Result') == 'success'


def test_terminate(deb):
    run('machinectl', 'terminate', deb.name)
    wait_for(lambda: deb.property('ActiveState') == 'inactive')


# -------------------------------------------------------------------- every verb, also without systemd and with mapped ids

@pytest.fixture(scope='module', params=['deb12', 'busybox-no', 'busybox-pick'])
def each(request, module_machine, deb):
    if request.param == 'deb12':
        return deb
    machine = module_machine('busybox', name=f'ctl-{request.param}')
    machine.write_file(f'[Exec]\nPrivateUsers={request.param.removeprefix("busybox-")}\n')
    machine.start()
    return machine


def machinectl(*words):
    """Exit status, and all that it says."""
    result = run('machinectl', '--no-pager', *words, check=False, stdin=subprocess.DEVNULL)
    return result.returncode, result.stdout + result.stderr


def is_shifted(machine):
    return int(open(f'/proc/{machine.leader()}/uid_map').read().split()[1]) != 0


def test_what_each_payload_shows(each):
    assert f'Root: {each.path}' in machinectl('status', '-n0', each.name)[1]
    assert machinectl('show', '--property=State', each.name) == (0, 'State=running\n')
    assert each.name in machinectl('list')[1]
    assert machinectl('kill', '--signal=CONT', '--kill-whom=leader', each.name)[0] == 0
    assert each.name in machinectl('image-status', each.name)[1]
    assert machinectl('show-image', '--property=Type', each.name) == (0, 'Type=directory\n')


def test_files_go_in_and_out_of_each(each, tmp_path):
    """machined copies as the host's root, whom an id-mapped tree does not know: it can write to the machine's tmpfs only."""
    (tmp_path / 'tree').mkdir()
    (tmp_path / 'tree' / 'file').write_text('copied\n')
    status, said = machinectl('copy-to', each.name, str(tmp_path / 'tree'), '/root/tree')
    assert status == (1 if is_shifted(each) else 0), said
    run('machinectl', 'copy-to', each.name, tmp_path / 'tree', '/tmp/tree')
    assert output('boxctl', 'shell', each.name, '/bin/stat', '-c', '%u %g', '/tmp/tree/file') == '0 0'
    assert output('boxctl', 'shell', each.name, '/bin/cat', '/tmp/tree/file') == 'copied'
    run('machinectl', 'copy-from', each.name, '/tmp/tree', tmp_path / 'back')
    assert (tmp_path / 'back' / 'file').read_text() == 'copied\n'
    assert (tmp_path / 'back').stat().st_uid == 0
    run('boxctl', 'cp', '-q', tmp_path / 'tree', f'{each.name}:/root/by-box')
    assert output('boxctl', 'shell', each.name, '/bin/stat', '-c', '%u %g', '/root/by-box/file') == '0 0'
    run('boxctl', 'cp', '-q', f'{each.name}:/root/by-box/file', tmp_path / 'again')
    assert (tmp_path / 'again').read_text() == 'copied\n' and (tmp_path / 'again').stat().st_uid == 0


def test_bind_into_each(each, tmp_path):
    """machined refuses it with a user namespace, which boxctl(1) says."""
    (tmp_path / 'file').write_text('bound\n')
    tmp_path.chmod(0o755)
    status, said = machinectl('bind', '--mkdir', '--read-only', each.name, str(tmp_path), '/mnt/bound')
    if is_shifted(each):
        assert status == 1 and 'user namespacing' in said
    else:
        assert status == 0 and output('boxctl', 'shell', each.name, '/bin/cat', '/mnt/bound/file') == 'bound'


def test_shell_in_each(each):
    """It is systemd in the machine that machined asks for it; boxctl does without."""
    status, said = machinectl('shell', each.name, '/bin/echo', 'said inside')
    assert (status, 'said inside' in said) == ((0, True) if each.name == 'ctl-deb' else (1, False))
    assert output('boxctl', 'shell', each.name, '/bin/echo', 'said inside') == 'said inside'


def test_reboot_and_end_of_each(each):
    if each.name == 'ctl-deb':
        each.wait_running()
    leader, restarts = each.leader(), each.property('NRestarts')
    assert machinectl('reboot', each.name)[0] == 0
    wait_for(lambda: each.property('NRestarts') != restarts and each.is_active())
    assert each.leader() != leader
    assert machinectl('terminate', each.name)[0] == 0
    wait_for(lambda: each.property('ActiveState') == 'inactive')
    assert machinectl('terminate', each.name)[0] == 1


def test_machine_without_machined_says_so_once(machine):
    """Registering is not what a machine is for."""
    plain = machine('busybox', name='ctl-none')
    run('systemctl', 'mask', '--now', 'systemd-machined.service')
    try:
        plain.start()
        said = [line for line in plain.journal().splitlines() if 'without being registered' in line]
        assert len(said) == 1 and plain.name in said[0]
        result = run('box-run', '--register=yes', '--quiet', '--machine=ctl-none-2', f'--directory={support.TREES}/busybox',
                     '/bin/true', check=False)
        assert result.returncode == 1 and 'machined' in result.stderr
    finally:
        run('systemctl', 'unmask', 'systemd-machined.service')
        run('systemctl', 'start', 'systemd-machined.service')
    plain.stop()
    assert plain.property('Result') == 'success'
