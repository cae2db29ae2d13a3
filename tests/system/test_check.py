# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl check refuses what a start would refuse on this host, and changes nothing."""

import json
import subprocess
from pathlib import Path

import pytest

from support import MACHINES, output, run, wait_for

BASE = '[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n'


@pytest.fixture(scope='module')
def machine(module_machine):
    return module_machine('busybox', name='checked')


@pytest.fixture(scope='module')
def holder(module_machine):
    """Another machine, which holds a port."""
    other = module_machine('busybox', name='check-holder')
    other.write_file(BASE + '[Network]\nVirtualEthernet=yes\nPort=tcp:8123:80\n')
    other.start()
    return other


@pytest.fixture(scope='module')
def place():
    """A directory on a file system with id maps."""
    path = MACHINES / '.check-place'
    (path / 'upper').mkdir(parents=True)
    yield path
    run('rm', '-rf', path)


def check_and_start(machine, text):
    """What check says, and whether a start fails."""
    machine.reset()
    machine.write_file(text)
    checked = run('boxctl', 'check', machine.name, check=False)
    started = run('boxctl', 'start', machine.name, check=False)
    machine.reset()
    return checked, started


@pytest.mark.parametrize('text, message', [
    ('[Files]\nBind=/no/such/source\n', "'/no/such/source'"),
    ('[Files]\nBindReadOnly=/no/such/source:/mnt\n', "'/no/such/source'"),
    ('[Files]\nOverlay=/no/such/lower:/tmp:/mnt\n', "'/no/such/lower'"),
    ('[Exec]\nLimitNOFILE=999999999999\n', 'fs.nr_open'),
    ('[Network]\nBridge=lo\n', 'lo'),
    ('[Network]\nVirtualEthernet=yes\nPort=tcp:8123:80\n', 'check-holder'),
    ('[Files]\nBind=/proc/self:/mnt:rootidmap\n', '/proc/self'),
    ('[Files]\nOverlay=/etc/passwd:/mnt\n', "'/etc/passwd'"),
    ('[Files]\nOverlay=/proc:/mnt\n', "'/proc'"),
    ('[Files]\nBind=/etc/passwd:/etc\n', "on '/etc': Is a directory"),
    ('[Files]\nBind=/usr/share:/etc/passwd\n', "on '/etc/passwd': Not a directory"),
    ('[Files]\nTemporaryFileSystem=/etc/passwd\n', "on '/etc/passwd': Not a directory"),
    ('[Files]\nTemporaryFileSystem=/x:size=foo\n', 'size=foo'),
    ('[Files]\nInaccessible=/no/such\n', "a mask on '/no/such'"),
    ('[Files]\nBindReadOnly=/etc/hostname:/etc/passwd/x\n', "on '/etc/passwd/x': Not a directory"),
    ('[Files]\nBindUser=nosuch\n', 'BindUser=nosuch: the host has no such user'),
    ('[Files]\nBindUser=root\n', 'BindUser=root'),
    ('[Files]\nTemporaryFileSystem=/opt\nInaccessible=/opt\n[Exec]\nWorkingDirectory=/opt/x\n', 'WorkingDirectory=/opt/x: No such'),
    ('[Exec]\nCPUAffinity=4095\n', 'CPUAffinity=4095 has no CPU'),
    ('[Exec]\nWorkingDirectory=/no/such\n', 'WorkingDirectory=/no/such: No such file'),
    ('[Exec]\nWorkingDirectory=/etc/passwd\n', 'WorkingDirectory=/etc/passwd: Not a directory'),
    ('[Files]\nBindReadOnly=/usr/share:/new\n[Exec]\nWorkingDirectory=/new/nosuch\n', 'WorkingDirectory=/new/nosuch: No such file'),
    ('[X-Resources]\nBPFProgram=ingress:/no\n', 'BPFProgram='),
    ('[X-Resources]\nIPEgressFilterPath=/no\n', 'IPEgressFilterPath='),
    ('[X-Resources]\nMemoryPressureWatch=yes\n', 'MemoryPressureWatch='),
])
def test_what_a_start_refuses(machine, holder, text, message):
    """With file and line, but for the messages that name another object."""
    checked, started = check_and_start(machine, BASE.replace('[Exec]\n', '[Exec]\nPrivateUsers=pick\n') + text)
    assert started.returncode == 1
    assert checked.returncode == 1 and message in checked.stderr, (checked.stderr, started.stderr)
    assert f'{machine.file}:' in checked.stderr


@pytest.mark.parametrize('command, reason', [
    ('/no/such', 'No such file'), ('/etc/passwd', 'Permission denied'), ('/etc', 'Permission denied'), ('nosuch', 'No such file'),
    ('/usr/share/../bin/nosuch', 'No such file'),
])
def test_missing_program(machine, command, reason):
    checked, started = check_and_start(machine, f'[Exec]\nBoot=no\nParameters={command}\n')
    assert f"Failed to execute '{command}': {reason}" in started.stderr
    assert f"{machine.file}:3: Failed to execute '{command}': {reason}" in checked.stderr


def test_script_without_its_interpreter(machine):
    script = machine.path / 'usr/bin/check-script'
    for interpreter, status in (('/no/such', 1), ('/bin/sh', 0), (' /bin/sh -e', 0), ('/etc/passwd', 1)):
        script.write_text(f'#!{interpreter}\nexec sleep 1000\n')
        script.chmod(0o755)
        checked, started = check_and_start(machine, '[Exec]\nBoot=no\nParameters=check-script\n')
        assert (checked.returncode, started.returncode) == (status, status), (interpreter, checked.stderr, started.stderr)
        assert status == 0 or f"{machine.file}:3: Failed to execute 'check-script'" in checked.stderr
    script.unlink()


@pytest.mark.parametrize('text', ['Inaccessible=/sbin', 'BindReadOnly=/usr/share:/sbin'])
def test_init_that_is_covered(machine, text):
    checked, started = check_and_start(machine, f'[Exec]\nBoot=yes\n[Files]\n{text}\n')
    assert (checked.returncode, started.returncode) == (1, 1)
    assert f"{machine.file}:2: Failed to execute '/sbin/init'" in checked.stderr


def test_context_without_selinux(machine):
    result = run('box-run', '--check', '-M', machine.name, '--settings=no', '-Z', 'some:context', '/bin/true', check=False)
    assert result.returncode == 1 and "--selinux-context=: Failed to set the SELinux context 'some:context'" in result.stderr
    assert run('box-run', '--check', '-M', machine.name, '--settings=no', '/bin/true').stderr == ''


@pytest.mark.parametrize('key', ['After', 'Requires'])
def test_machines_that_are_not_there(machine, holder, key):
    """A start does not fail of it, and does not do what was meant."""
    checked, started = check_and_start(machine, BASE + f'[X-Box]\n{key}=nosuch {machine.name} {holder.name}\n')
    assert (checked.returncode, started.returncode) == (0, 0)
    assert checked.stderr == (f'boxctl: {machine.name}: {machine.file}:5: {key}=nosuch: '
                              "No machine 'nosuch': /var/lib/machines has no such tree\n"
                              f'boxctl: {machine.name}: {machine.file}:5: {key}={machine.name}: this is the machine itself\n')


@pytest.mark.parametrize('text', [
    '', '[Files]\nBindReadOnly=/srv:/mnt\nBindReadOnly=/etc/hostname\nBindReadOnly=+/etc:/opt\n', '[Files]\nOverlay={0}:{0}/upper:/mnt\n',
    '[Exec]\nLimitNOFILE=4096\n', '[Network]\nVirtualEthernet=yes\nPort=tcp:8124:80\n', '[Files]\nBind={0}:/mnt:rootidmap\n',
    '[Files]\nBind=-/no/such/source\nOverlay=/srv:-/no/such/upper:/mnt\n', '[Exec]\nEphemeral=yes\n', '[Files]\nVolatile=yes\n', '[Files]\nTemporaryFileSystem=/srv\nInaccessible=/opt\n',
])
@pytest.mark.parametrize('users', ['no', 'pick'])
def test_what_starts_passes(machine, holder, place, text, users):
    text = text.format(place)
    checked, started = check_and_start(machine, BASE.replace('[Exec]\n', f'[Exec]\nPrivateUsers={users}\n') + text)
    assert (started.returncode, started.stderr) == (0, '')
    assert (checked.returncode, checked.stderr) == (0, '')


@pytest.fixture
def unit(machine):
    """A function that gives the machine's unit a drop-in."""
    machine.reset()
    machine.write_file(BASE)
    yield machine.write_unit_settings
    machine.reset()
    run('rm', '-rf', f'/etc/systemd/system/{machine.unit}.d')
    run('systemctl', 'daemon-reload')


@pytest.mark.parametrize('text, message', [
    ('[Service]\nExecStartPre=/no/such\n', 'ExecStartPre=/no/such: No such file or directory'),
    ('[Service]\nExecStartPre=/etc/passwd\n', 'ExecStartPre=/etc/passwd: Permission denied'),
    ('[Service]\nLoadCredential=x:/no/such\n', 'LoadCredential=x:/no/such: No such file or directory'),
    ('[Service]\nWorkingDirectory=/no/such\n', 'WorkingDirectory=/no/such: No such file or directory'),
    ('[Service]\nUser=nosuch\n', 'User=nosuch: the host has no such user'),
    ('[Unit]\nConditionPathExists=/no/such\n', 'ConditionPathExists=/no/such: No such file or directory'),
    ('[Unit]\nConditionPathExists=!/etc\n', 'ConditionPathExists=/etc: it is there, and must not be'),
    ('[Unit]\nAssertPathIsDirectory=/etc/passwd\n', 'AssertPathIsDirectory=/etc/passwd: it is not so'),
    ('[Unit]\nRequires=nosuch.service\n', 'Requires=nosuch.service: there is no such unit'),
])
def test_unit_that_cannot_be_started(machine, unit, text, message):
    unit(text)
    checked = run('boxctl', 'check', machine.name, check=False)
    assert run('boxctl', 'start', machine.name, check=False).returncode == (3 if 'no such unit' in message else 1)
    assert (checked.returncode, checked.stderr) == (1, f'boxctl: {machine.name}: {machine.unit}: {message}\n'
                                                       f'boxctl: {machine.name}: 1 error; the machine would not start\n')


@pytest.mark.parametrize('text', [
    '[Service]\nExecStartPre=-/no/such\n', '[Service]\nExecStartPre=/bin/true\n', '[Service]\nEnvironmentFile=-/no/such\n',
    '[Service]\nWorkingDirectory=-/no/such\n', '[Service]\nUser=root\n', '[Unit]\nConditionPathExists=!/no/such\n',
    '[Unit]\nConditionPathExists=|/no/such\nConditionPathExists=|/etc\n', '[Unit]\nWants=nosuch.service\n',
    '[Service]\nLoadCredential=x:/etc/hostname\n',
])
def test_unit_that_can_be_started(machine, unit, text):
    unit(text)
    checked = run('boxctl', 'check', machine.name, check=False)
    started = run('boxctl', 'start', machine.name, check=False)
    assert (started.returncode, started.stderr) == (0, '')
    assert (checked.returncode, checked.stderr) == (0, '')


def test_masked_unit(machine):
    run('systemctl', 'mask', machine.unit)
    try:
        result = run('boxctl', 'check', machine.name, check=False)
        assert (result.returncode, result.stderr) == (6, f'boxctl: {machine.name}: The unit {machine.unit} is masked; to undo that: '
                                                         f'systemctl unmask {machine.unit}\n')
    finally:
        run('systemctl', 'unmask', machine.unit)


def test_unit_without_box(machine, unit):
    unit('[Service]\nExecStart=\nExecStart=/bin/false\n')
    result = run('boxctl', 'check', machine.name, check=False)
    assert result.returncode == 1 and 'the unit does not run box-run' in result.stderr


def test_own_port_of_a_running_machine(holder):
    assert output('boxctl', 'check', holder.name) == ''


def test_tree_on_overlayfs(machine, tmp_path):
    """It has no idmapped mounts."""
    machine.reset()
    for name in ('lower', 'upper', 'work'):
        (tmp_path / name).mkdir()
    run('mount', '-t', 'tmpfs', 'tmpfs', tmp_path)
    for name in ('upper', 'work'):
        (tmp_path / name).mkdir()
    run('mount', '-t', 'overlay', 'overlay', '-o', f'lowerdir={machine.path},upperdir={tmp_path}/upper,workdir={tmp_path}/work',
        machine.path)
    try:
        for users, status in (('pick', 1), ('no', 0)):
            checked, started = check_and_start(machine, BASE.replace('[Exec]\n', f'[Exec]\nPrivateUsers={users}\n'))
            assert (checked.returncode, started.returncode) == (status, status), (checked.stderr, started.stderr)
            assert status == 0 or 'idmapped' in checked.stderr
    finally:
        run('umount', machine.path)
        run('umount', tmp_path)


def test_check_changes_nothing(machine, host_state, place):
    machine.reset()
    machine.write_file(BASE + f'[Files]\nBind=/srv:/mnt\nOverlay={place}::/opt\n[Network]\nVirtualEthernet=yes\nPort=tcp:8125:80\n')
    before = host_state()
    run('boxctl', 'check', machine.name)
    assert host_state().differences(before) == []


def test_user_who_may_not_look(machine):
    """Without privilege: what cannot be looked at is not refused."""
    machine.write_file(BASE + '[Files]\nBind=/root:/mnt\nBind=/no/such/source\n')
    result = subprocess.run(['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', 'box-run', '--check', '-D', '/usr',
                             '--bind=/root/.cache/x:/mnt', '--bind=/no/such/source', '--settings=no', '/bin/true'],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert '/no/such/source' in result.stderr and '/root' not in result.stderr, result.stderr


# -------------------------------------------------------------------- variables of the unit

RECORDER = '''#!/usr/bin/python3
import json, os, sys
json_run = sys.argv[1] == '--json'
with open(f'/run/check-words.{"checked" if json_run else "started"}', 'w') as f:
    json.dump([sys.argv[3:] if json_run else sys.argv[1:], {name: os.environ.get(name) for name in ('A', 'B', 'N')}], f)
print('{"problems": []}' if json_run else '')
'''
ENVIRONMENT = """# a comment
FILE=of a file
  QUOTED = "a b"
JOINED=one \\
 two
A=file
export NO=1
"""
UNIT = r"""[Service]
Type=exec
EnvironmentFile=-/no/such/file
EnvironmentFile=/run/check-words.*.env
Environment=A=unit "B=x  y" C= "Q='a b' c\"d" "E=a\\nb\\ c 'un closed" N=1 M=2
UnsetEnvironment=N M=3
ExecStart=
ExecStart=/run/check-words $A ${B} $B $C ${C} x$A x${A}y $UNSET ${UNSET} $$A $${A} $ a$ a$$b $Q ${Q} $E $A-b ${A:-d} ${A ${} \
    ${FILE} $FILE $QUOTED ${JOINED} ${NO} $N ${M} %i $PATH
"""


@pytest.fixture
def recorder():
    """A program in box-run's place that writes down its words."""
    program = Path('/run/check-words')
    program.write_text(RECORDER)
    program.chmod(0o755)
    Path('/run/check-words.1.env').write_text(ENVIRONMENT)
    yield program
    for path in Path('/run').glob('check-words*'):
        path.unlink()


@pytest.mark.parametrize('colon', ['', ':'])
def test_variables_are_those_of_a_start(machine, recorder, colon):
    """With a colon, systemd replaces none."""
    machine.reset()
    machine.write_unit_settings(UNIT.replace('ExecStart=/', f'ExecStart={colon}/'))
    checked = run('boxctl', 'check', machine.name)
    assert ("'UNSET', which is not set" in checked.stderr) == (not colon)
    run('systemctl', 'start', machine.unit)
    wait_for(lambda: machine.property('ActiveState') == 'inactive')
    words = {name: json.loads(Path(f'/run/check-words.{name}').read_text()) for name in ('checked', 'started')}
    assert words['checked'] == words['started']
    assert words['checked'][0][:2] == (['$A', '${B}'] if colon else ['file', 'x  y'])
    machine.write_unit_settings('')


def test_missing_environment_file(machine, recorder):
    """As a start: refused, unless it may be missing."""
    machine.reset()
    machine.write_unit_settings('[Service]\nEnvironmentFile=/no/such/file\n')
    checked = run('boxctl', 'check', machine.name, check=False)
    assert checked.returncode == 3 and "'/no/such/file' (EnvironmentFile= of " in checked.stderr
    assert run('systemctl', 'start', machine.unit, check=False).returncode == 1
    machine.write_unit_settings('[Service]\nEnvironmentFile=-/no/such/file\n')
    assert run('boxctl', 'check', machine.name).stderr == ''
    machine.write_unit_settings('')


def test_switches_in_a_variable(machine, recorder):
    """What a drop-in adds by a variable is seen by check and explain."""
    machine.reset()
    switches = '-q --keep-unit --boot -U --machine=%i'
    Path('/run/check-words.2.env').write_text('SWITCHES="--hostname=of-a-file --bind=/no/such/source"\n')
    machine.write_unit_settings('[Service]\nEnvironmentFile=/run/check-words.2.env\nExecStart=\n'
                                f'ExecStart=/usr/bin/box-run {switches} $SWITCHES\n')
    checked = run('boxctl', 'check', machine.name, check=False)
    assert checked.returncode == 1 and "'/no/such/source'" in checked.stderr
    assert 'of-a-file' in output('boxctl', 'explain', machine.name, 'Hostname')
    Path('/run/check-words.2.env').write_text('SWITCHES=\n')
    assert run('boxctl', 'check', machine.name).stderr == ''
    machine.write_unit_settings('')
