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
])
def test_what_a_start_refuses(machine, holder, text, message):
    checked, started = check_and_start(machine, BASE.replace('[Exec]\n', '[Exec]\nPrivateUsers=pick\n') + text)
    assert started.returncode == 1
    assert checked.returncode == 1 and message in checked.stderr, (checked.stderr, started.stderr)


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


def test_check_changes_nothing(machine, host_state):
    machine.reset()
    machine.write_file(BASE + '[Files]\nBind=/srv:/mnt\nOverlay=/srv::/opt\n[Network]\nVirtualEthernet=yes\nPort=tcp:8125:80\n')
    before = host_state()
    run('boxctl', 'check', machine.name)
    assert host_state().differences(before) == []


def test_user_who_may_not_look(machine):
    """Without privilege: what cannot be looked at is not refused."""
    machine.write_file(BASE + '[Files]\nBind=/root:/mnt\nBind=/no/such/source\n')
    result = subprocess.run(['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', 'box-run', '--check', '-D', '/usr',
                             '--bind=/root/.cache/x:/mnt', '--bind=/no/such/source', '--settings=no', '/bin/true'],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
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
    assert checked.returncode == 1 and "'/no/such/file' (EnvironmentFile= of " in checked.stderr
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
