# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drop-ins and profiles in running machines, and what boxctl and box-run say of all who say something: cat, explain, check,
edit, --check, --json."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

import support
from support import output, run, wait_for

PROFILES = Path('/etc/box/profiles')
COMMAND = '[Exec]\nBoot=no\nParameters=/bin/sh -c "touch /tmp/up; sleep 1000"\n'


@pytest.fixture(scope='module')
def machine(module_machine):
    return module_machine('busybox', name='layers')


@pytest.fixture
def write(machine):
    """write(path, text): a file of settings, removed after the test; a relative one is a drop-in in /etc."""
    written = []

    def make(path, text):
        path = Path(f'{machine.file}.d') / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.append(path)
        return path
    yield make
    for path in written:
        path.unlink(missing_ok=True)
    machine.file.unlink(missing_ok=True)
    for place in (machine.file.parent, Path('/run/systemd/nspawn'), support.MACHINES):
        shutil.rmtree(place / f'{machine.name}.nspawn.d', ignore_errors=True)
    (support.MACHINES / f'{machine.name}.nspawn').unlink(missing_ok=True)


@pytest.fixture
def started(machine):
    """started(): the machine, running its command."""
    def start():
        machine.start()
        wait_for(lambda: machine.exec('test', '-e', '/tmp/up', check=False).returncode == 0)
        return machine
    yield start
    run('systemctl', 'stop', machine.unit, check=False)
    run('systemctl', 'reset-failed', machine.unit, check=False)


def environment(machine):
    return dict(word.partition('=')[::2] for word in machine.exec('cat', '/proc/1/environ').stdout.split('\0'))


def explain(machine, *keys):
    return json.loads(output('boxctl', 'explain', '-o', 'json', machine.name, *keys))


# -------------------------------------------------------------------- in running machines

def test_profiles_file_and_drop_ins_make_one_machine(machine, write, started):
    write(PROFILES / 'base.nspawn', '[Exec]\nEnvironment=WHO=base BASE=1\nHostname=base\n[Files]\nBindReadOnly=/usr/share\n')
    write(PROFILES / 'layer.nspawn', '[X-Box]\nProfile=base\n[Exec]\nEnvironment=WHO=layer LAYER=1\n'
                                     '[Files]\nTemporaryFileSystem=/mnt\n')
    write(machine.file, COMMAND + 'Environment=WHO=file FILE=1\n[X-Box]\nProfile=layer\n')
    write('50-late.conf', '[Exec]\nEnvironment=WHO=late\n[Files]\nBindReadOnly=\n')
    write('/run/systemd/nspawn/layers.nspawn.d/10-early.conf', '[Exec]\nEnvironment=WHO=early EARLY=1\nHostname=early\n')
    env = environment(started())
    assert {'WHO': 'late', 'BASE': '1', 'LAYER': '1', 'FILE': '1', 'EARLY': '1'}.items() <= env.items()
    assert machine.exec('hostname').stdout == 'early\n'
    mounts = {line.split()[4] for line in machine.exec('cat', '/proc/1/mountinfo').stdout.splitlines()}
    assert '/mnt' in mounts
    assert '/usr/share' not in mounts, 'the drop-in has cleared the list'


def test_specifiers_in_a_profile_for_many_machines(machine, write, started, tmp_path):
    """Only in the file that asks for them; the generator and explain see them expanded."""
    place = Path('/srv/specifiers')
    (place / machine.name).mkdir(parents=True)
    (place / machine.name / 'own').touch()
    write(PROFILES / 'many.nspawn', '[Exec]\nHostname=%i.example\nEnvironment=HALF=50% OS=%o-%w HOST=%H ID=%m BOTH=%%i\n'
                                    f'[Files]\nBind={place}/%i:/mnt\n[X-Resources]\nCPUQuota=150%\n[X-Box]\nSpecifiers=yes\n')
    write(machine.file, COMMAND + 'Environment=PLAIN=%i FULL=100%\n[X-Box]\nProfile=many\n')
    try:
        run('systemctl', 'daemon-reload')
        assert machine.name in output('boxctl', 'explain', machine.name, 'Bind')
        env = environment(started())
        facts = dict(line.split('=', 1) for line in Path('/etc/os-release').read_text().replace('"', '').splitlines() if '=' in line)
        assert {'HALF': '50%', 'OS': f'{facts["ID"]}-{facts["VERSION_ID"]}', 'HOST': os.uname().nodename, 'BOTH': '%i',
                'ID': Path('/etc/machine-id').read_text().strip(), 'PLAIN': '%i', 'FULL': '100%'}.items() <= env.items()
        assert machine.exec('hostname').stdout == f'{machine.name}.example\n'
        assert machine.exec('ls', '/mnt').stdout == 'own\n'
        assert machine.property('CPUQuotaPerSecUSec') == '1.500000s'
        required = Path(f'/run/systemd/generator/{machine.unit}.d/50-box.conf').read_text()
        assert f'RequiresMountsFor="{place}/{machine.name}"' in required
    finally:
        shutil.rmtree(place)


def test_unknown_specifier_and_file_that_is_not_trusted(machine, write, started):
    write(machine.file, COMMAND + '[X-Box]\nSpecifiers=yes\n[Files]\nBind=/srv/%z:/mnt\n')
    result = run('boxctl', 'check', machine.name, check=False)
    assert result.returncode == 1
    assert f"{machine.file}:7: Bind=/srv/%z:/mnt: unknown specifier '%z'; %% is a percent sign" in result.stderr
    machine.file.unlink()
    write(support.MACHINES / 'layers.nspawn', COMMAND + 'Environment=A=%m\n[X-Box]\nSpecifiers=yes\n')
    assert environment(started())['A'] == '%m'
    assert 'layers.nspawn:6: Specifiers=: ignored' in machine.journal()


def test_drop_ins_need_no_file(machine, write, started):
    write('only.conf', COMMAND + 'Environment=ONLY=1\n')
    machine = started()
    assert environment(machine)['ONLY'] == '1'
    # the unit's veth pair stays, as no file has a network setting
    assert 'host0' in machine.exec('ls', '/sys/class/net').stdout


def test_settings_in_the_image_are_not_trusted(machine, write, started):
    write(support.MACHINES / 'layers.nspawn', COMMAND + 'Environment=A=1\n[Network]\nPrivate=no\n')
    write(support.MACHINES / 'layers.nspawn.d/99.conf', '[Exec]\nEnvironment=B=1\nHostname=image\n[Files]\nBind=/etc:/mnt\n'
                                                        '[X-Box]\nProfile=none-such\n')
    write('10.conf', '[Exec]\nHostname=admin\n')
    machine = started()
    assert {'A': '1', 'B': '1'}.items() <= environment(machine).items()
    assert machine.exec('hostname').stdout == 'admin\n'
    assert machine.exec('ls', '/mnt').stdout == ''
    assert 'host0' in machine.exec('ls', '/sys/class/net').stdout
    for line in ('layers.nspawn:6: Private=: ignored', '99.conf:5: Bind=: ignored',
                 '99.conf:7: Profile=: ignored'):
        assert line in machine.journal()


def test_a_drop_in_with_a_link_changes_the_network(machine, write, started):
    write(machine.file, COMMAND)
    write('net.conf', '[Network]\nPrivate=yes\n')
    links = started().exec('ls', '/sys/class/net').stdout.split()
    assert links == ['lo']


# -------------------------------------------------------------------- mistakes

@pytest.mark.parametrize('files, message', [
    ({'/etc/box/profiles/a.nspawn': '[X-Box]\nProfile=b\n', '/etc/box/profiles/b.nspawn': '[X-Box]\nProfile=a\n',
      'x.conf': '[X-Box]\nProfile=a\n'},
     '/etc/box/profiles/b.nspawn:2: Profile=a: profiles name each other in a circle: a -> b -> a'),
    ({'x.conf': '\n[X-Box]\nProfile=gone\n'},
     '/etc/systemd/nspawn/layers.nspawn.d/x.conf:3: Profile=gone: no such profile in /etc/box/profiles or '
     '/usr/lib/box/profiles'),
    ({'x.conf': '[Exec]\nHostname=a_b\n'},
     "/etc/systemd/nspawn/layers.nspawn.d/x.conf:2: Hostname=a_b: not a valid name: only letters A-Z a-z, digits, dashes and "
     "dots may be in it"),
])
def test_mistakes_stop_the_start(machine, write, nothing_left, files, message):
    write(machine.file, COMMAND)
    for path, text in files.items():
        write(path, text)
    assert machine.start(check=False).returncode != 0
    assert machine.property('StatusText') == message
    run('systemctl', 'reset-failed', machine.unit)
    checked = run('boxctl', 'check', machine.name, check=False)
    assert checked.returncode == 1
    assert f'boxctl: layers: {message}\n' in checked.stderr


def test_check_reports_all_problems(machine, write, nothing_left):
    write(machine.file, '[Exec]\nBoot=perhaps\nHostnme=x\nCapability=CAP_SYS_ADMN\n[Network]\nMACVLAN=none0\nMACVLAN=none1\n')
    write('a.conf', '[Files]\nBind=relative\nTemporaryFileSystem=/mnt:nosuchoption\n[X-Box]\nProfile=gone\n')
    write('b.conf', 'rubbish\n')
    (machine.file.parent / f'{machine.name}.nspawn.d/c.conf').symlink_to('/nowhere')
    checked = run('boxctl', 'check', machine.name, check=False)
    assert checked.returncode == 1
    assert checked.stdout == ''
    for word in ('layers.nspawn:2: Boot=perhaps: ', 'layers.nspawn:3: unknown key Hostnme= in [Exec], ignored; did you mean '
                 'Hostname=?', "layers.nspawn:4: Capability=CAP_SYS_ADMN: no such capability: 'CAP_SYS_ADMN'; did you mean "
                 'CAP_SYS_ADMIN?', 'a.conf:2: Bind=relative: ', 'a.conf:5: Profile=gone: ', 'b.conf:1: ', 'c.conf: it is a '
                 'dangling symbolic link', 'layers.nspawn:6: MACVLAN=none0: no such interface',
                 'layers.nspawn:7: MACVLAN=none1: no such interface'):
        assert word in checked.stderr
    assert all(line.startswith('boxctl: layers: ') for line in checked.stderr.splitlines())

    own = run('box-run', '--check', '--machine=layers', '--frobnicate', '--bind=x', check=False)
    assert own.returncode == 1
    assert 'unknown switch --frobnicate' in own.stderr and "--bind=x: not an absolute path: 'x'" in own.stderr
    assert 'layers.nspawn:2: Boot=perhaps: ' in own.stderr


def test_check_of_a_correct_file_prints_nothing(machine, write, host_state):
    write(machine.file, '[Exec]\nHostname=good\n')
    before = host_state()
    for command in (('boxctl', 'check', machine.name), ('box-run', '--check', '-b', '-M', machine.name)):
        result = run(*command)
        assert result.stdout + result.stderr == ''
    assert host_state().differences(before) == []
    checked = run('boxctl', 'check', machine.name, 'nowhere', check=False)
    assert checked.returncode == 1, 'as of any machine that would not start'
    assert "boxctl: nowhere: No machine 'nowhere'" in checked.stderr
    assert 'layers:' not in checked.stderr


# -------------------------------------------------------------------- output of boxctl

def test_cat(machine, write):
    missing = run('boxctl', 'cat', machine.name, check=False)
    assert (missing.returncode, missing.stderr) == (3, 'boxctl: layers: No settings file found\n')
    write(PROFILES / 'base.nspawn', '[Exec]\nHostname=base\n')
    write(machine.file, '[X-Box]\nProfile=base')
    write('b.conf', '# escape \033[31m\ttab\n')
    write(support.MACHINES / 'layers.nspawn.d/a.conf', 'not read\n')
    for program in ('boxctl', 'machinectl-lite'):
        assert run(program, 'cat', machine.name).stdout == (
            '# /etc/box/profiles/base.nspawn (profile)\n[Exec]\nHostname=base\n\n'
            '# /etc/systemd/nspawn/layers.nspawn\n[X-Box]\nProfile=base\n\n'
            '# /etc/systemd/nspawn/layers.nspawn.d/b.conf\n# escape ?[31m\ttab\n')
    machine.file.unlink()
    assert '# /var/lib/machines/layers.nspawn.d/a.conf (not trusted)\nnot read\n' in output('boxctl', 'cat', machine.name)


def test_explain(machine, write):
    write(PROFILES / 'base.nspawn', '[Exec]\nHostname=base\nEnvironment=BASE=1\n')
    write(machine.file, '[Exec]\nHostname=file\n[Files]\nBind=/usr/share:/mnt:idmap\n[X-Box]\nProfile=base\n')
    write('b.conf', '[Exec]\nEnvironment=B=2\n')
    text = output('boxctl', 'explain', machine.name, 'hostname', 'Environment', 'bind', 'boot', 'slice')
    assert text.splitlines()[:11] == [
        'Hostname=file',
        '#   /etc/systemd/nspawn/layers.nspawn:2',
        '#   not in force: base, /etc/box/profiles/base.nspawn:2 (profile)',
        '#   results in hostname: file',
        'Environment=BASE=1',
        '#   /etc/box/profiles/base.nspawn:3 (profile)',
        'Environment=B=2',
        '#   /etc/systemd/nspawn/layers.nspawn.d/b.conf:2',
        text.splitlines()[8],
        'Bind=/usr/share:/mnt:rbind,idmap',
        '#   /etc/systemd/nspawn/layers.nspawn:4']
    assert text.splitlines()[8].startswith('#   results in environment: PATH=')
    assert '#   results in mounts: kind tree, source /usr/share, destination /mnt, attributes ' in text
    assert ' idmapped\n' in text
    assert "Boot=yes\n#   the unit's --boot\n#   results in execute: mode boot, path /sbin/init, argv /sbin/init\n" in text
    assert text.endswith('#Slice=\n#   default')

    nearest = run('boxctl', 'explain', machine.name, 'Hostnam', check=False)
    assert nearest.stderr == 'boxctl: layers: Unknown setting Hostnam; did you mean Hostname?\n'
    assert nearest.returncode == 2


def test_explain_lists_every_key_and_is_a_file(machine, write, tmp_path):
    write(machine.file, '[Exec]\nCapability=CAP_NET_RAW\nSystemCallFilter=~@keyring\n[Network]\nPrivate=yes\n')
    text = output('boxctl', 'explain', machine.name)
    rows = [setting for setting in explain(machine)['settings'] if setting['key']]
    for row in rows:
        assert f'\n{row["key"]}=' in text or f'\n#{row["key"]}=\n' in text
    # Its output is a file with the same settings.
    (tmp_path / 'tree').symlink_to(machine.path)
    (support.NSPAWN_FILES / 'again.nspawn').write_text(text)
    try:
        again = json.loads(output('box-run', '--json', '--machine=again', f'--directory={machine.path}'))
    finally:
        (support.NSPAWN_FILES / 'again.nspawn').unlink()
    values = {row['key']: [value['value'] for value in row['values']] for row in rows}
    assert {row['key']: [value['value'] for value in row['values']] for row in again['settings'] if row['key']} == values


def test_explain_knows_the_unit(machine):
    machine.write_unit_settings('[Service]\nExecStart=\nExecStart=/usr/bin/box-run --keep-unit --settings=yes --machine=%i '
                                '--hostname=unit /bin/true\nEnvironment=SYSTEMD_NSPAWN_TMPFS_TMP=no\n')
    try:
        dry = explain(machine)
        hostname = next(setting for setting in dry['settings'] if setting['key'] == 'Hostname')
        assert hostname['values'] == [{'value': 'unit', 'from': {'switch': '--hostname='}}]
        assert dry['plan']['execute']['argv'] == ['/bin/true']
        assert not any(mount['destination'] == '/tmp' for mount in dry['plan']['mounts'])
    finally:
        shutil.rmtree(f'/etc/systemd/system/{machine.unit}.d')
        run('systemctl', 'daemon-reload')


def test_json_of_problems(machine, write):
    write(machine.file, '[Exec]\nHostname=a_b\nHostnam=b\n')
    result = run('box-run', '--dry-run', '--json', '-b', '--machine=layers', check=False)
    assert (result.returncode, result.stderr) == (1, '')
    dry = json.loads(result.stdout)
    assert [problem['fatal'] for problem in dry['problems']] == [False, True]
    assert dry['plan'] is None
    assert dry['sources'] == [{'kind': 'file', 'path': str(machine.file), 'trusted': True},
                              {'kind': 'switches', 'trusted': True}]


# -------------------------------------------------------------------- boxctl edit

@pytest.fixture
def edit(machine, tmp_path):
    """edit(new text, *options, …): boxctl edit with an editor that writes this, once for each time it is called."""
    def run_editor(*texts, options=(), program='boxctl', **more):
        for old in tmp_path.glob('text-*'):
            old.unlink()
        for i, text in enumerate(texts):
            (tmp_path / f'text-{i}').write_text(text)
        (tmp_path / 'editor').write_text(f'#!/bin/sh\nn=$(cat {tmp_path}/count 2>/dev/null || echo 0)\n'
                                         f'cat "$2" > {tmp_path}/shown-$n; echo "$2" > {tmp_path}/path\n'
                                         f'cat {tmp_path}/text-$n > "$2" || exit 1\necho $((n + 1)) > {tmp_path}/count\n')
        (tmp_path / 'editor').chmod(0o755)
        (tmp_path / 'count').write_text('0\n')
        command = [program, 'edit', *options, machine.name]
        env = {**os.environ, 'EDITOR': f'{tmp_path}/editor "an argument"', 'SYSTEMD_EDITOR': ''}
        return support.spawn(*command, **more) if more.get('terminal') else run(*command, check=False, env=env)
    return run_editor


def leftovers(machine):
    return [str(path) for path in [*machine.file.parent.glob('.*'), *machine.file.parent.glob('*.d/.*')]]


def test_edit_makes_the_file(machine, write, edit, tmp_path):
    write(machine.file, '').unlink()
    result = edit('[Exec]\nHostname=edited\n')
    assert (result.returncode, result.stdout + result.stderr) == (0, '')
    assert machine.file.read_text() == '[Exec]\nHostname=edited\n'
    assert stat.S_IMODE(machine.file.stat().st_mode) == 0o644
    assert (tmp_path / 'shown-0').read_text() == ''
    assert Path((tmp_path / 'path').read_text().strip()).parent == machine.file.parent
    machine.file.chmod(0o600)
    assert edit('[Exec]\nHostname=again\n', program='machinectl-lite').returncode == 0
    assert (tmp_path / 'shown-0').read_text() == '[Exec]\nHostname=edited\n'
    assert stat.S_IMODE(machine.file.stat().st_mode) == 0o600
    assert leftovers(machine) == []


def test_edit_begins_with_the_file_in_force(machine, write, edit, tmp_path):
    beside = write(support.MACHINES / 'layers.nspawn', '[Exec]\nHostname=beside\n')
    assert edit('[Exec]\nHostname=mine\n').returncode == 0
    assert (tmp_path / 'shown-0').read_text() == '[Exec]\nHostname=beside\n'
    assert machine.file.read_text() == '[Exec]\nHostname=mine\n'
    assert beside.read_text() == '[Exec]\nHostname=beside\n'


def test_edit_keeps_the_file_mode(machine, write, edit, tmp_path):
    """And says so where a file that is not trusted becomes one that is."""
    beside = write(support.MACHINES / 'layers.nspawn', '[Exec]\nEnvironment=SECRET=1\n[Files]\nBind=/:/host\n')
    beside.chmod(0o600)
    result = edit('[Exec]\nEnvironment=SECRET=2\n')
    assert result.returncode == 0
    assert f'{beside} is not trusted; its copy in /etc/systemd/nspawn will be' in result.stderr
    assert stat.S_IMODE(machine.file.stat().st_mode) == 0o600


def test_edit_begins_empty_where_a_mask_is_in_force(machine, write, edit, tmp_path):
    mask = Path('/run/systemd/nspawn/layers.nspawn')
    mask.symlink_to('/dev/null')
    try:
        result = edit('[Exec]\nHostname=mine\n')
        assert (result.returncode, result.stderr) == (0, '')
        assert (tmp_path / 'shown-0').read_text() == ''
    finally:
        mask.unlink()


def test_settings_lie_beside_the_name_that_a_tree_is_found_by(machine, write, tmp_path):
    """Not beside what that leads to."""
    name = 'layers-link'
    link = support.MACHINES / name
    link.symlink_to(machine.path)
    try:
        write(support.MACHINES / f'{name}.nspawn', '[Exec]\nHostname=beside-the-link\n')
        for where in ([f'--machine={name}'], [f'--directory={link}', f'--machine={name}']):
            assert 'hostname: beside-the-link\n' in output('box-run', '--dry-run', *where)
        assert 'Hostname=beside-the-link' in output('boxctl', 'cat', name)
    finally:
        link.unlink()


def test_edit_does_not_save_mistakes(machine, write, edit):
    write(machine.file, '[Exec]\nHostname=good\n')
    for bad, message in (('[Exec]\nHostname=a_b\n', 'layers.nspawn:2: Hostname=a_b: not a valid name'),
                         ('[Network]\nMACVLAN=none0\n', 'layers.nspawn:2: MACVLAN=none0: no such interface'),
                         ('rubbish', 'layers.nspawn:1: '), ('[X-Box]\nProfile=none\n', 'no such profile'),
                         ('\0', 'NUL byte')):
        result = edit(bad)
        assert result.returncode == 1
        assert message in result.stderr
        assert '1 error; the file was not saved' in result.stderr
        assert machine.file.read_text() == '[Exec]\nHostname=good\n'
    assert leftovers(machine) == []


def test_edit_reports_only_the_edited_file(machine, write, edit):
    write('other.conf', '[Files]\nBind=relative\n')
    result = edit('[Exec]\nHostname=fine\n')
    assert (result.returncode, result.stderr) == (0, '')
    assert machine.file.read_text() == '[Exec]\nHostname=fine\n'
    result = edit('[Network]\nMACVLAN=none0\n')
    assert result.returncode == 1
    assert 'MACVLAN=none0' in result.stderr and 'relative' not in result.stderr


def test_edit_that_changes_nothing(machine, write, edit):
    write(machine.file, '[Exec]\n')
    inode = machine.file.stat().st_ino
    result = edit('[Exec]\n')
    assert (result.returncode, 'Nothing was changed' in result.stderr) == (0, True)
    result = edit(' \n')
    assert (result.returncode, 'nothing was saved' in result.stderr) == (0, True)
    result = edit()
    assert (result.returncode, 'failed; nothing was saved' in result.stderr) == (1, True)
    assert machine.file.stat().st_ino == inode
    assert leftovers(machine) == []


def test_edit_a_drop_in(machine, write, edit):
    folder = Path(f'{machine.file}.d')
    result = edit('[Exec]\nHostname=a_b\n', options=['--drop-in=10-name'])
    assert 'layers.nspawn.d/10-name.conf:2: Hostname=a_b' in result.stderr
    assert not folder.exists(), 'made for nothing'
    assert edit('[Exec]\nHostname=dropped\n', options=['--drop-in=10-name']).returncode == 0
    assert (folder / '10-name.conf').read_text() == '[Exec]\nHostname=dropped\n'
    assert edit('[Exec]\nHostname=other\n', options=['--drop-in=10-name.conf']).returncode == 0
    assert [path.name for path in folder.iterdir()] == ['10-name.conf']
    (folder / '10-name.conf').unlink()
    for bad in ('../x', '.x', 'a/b', ''):
        assert edit('[Exec]\n', options=[f'--drop-in={bad}']).returncode != 0


def test_edit_again_on_a_terminal(machine, write, terminal, tmp_path):
    (tmp_path / 'editor').write_text('#!/bin/sh\nif grep -q bad "$1"; then echo "[Exec]\nHostname=good" > "$1"; '
                                     'else echo "[Exec]\nHostname=bad_" > "$1"; fi\n')
    (tmp_path / 'editor').chmod(0o755)
    write(machine.file, '').unlink()
    for answer, saved in (('e', 'Hostname=good'), ('s', 'Hostname=bad_'), ('d', None)):
        child = terminal('env', f'SYSTEMD_EDITOR={tmp_path}/editor', 'boxctl', 'edit', machine.name)
        child.expect('not a valid name')
        child.expect_exact('(e)dit it again, (s)ave it as it is, (d)iscard it?')
        child.sendline('what')
        child.expect_exact('iscard it?')
        child.sendline(answer)
        child.expect(support.pexpect.EOF)
        child.wait()
        if saved:
            assert saved in machine.file.read_text()
            machine.file.unlink()
        assert not machine.file.exists()


def test_edit_that_is_interrupted_leaves_nothing(machine, write, terminal, tmp_path):
    (tmp_path / 'editor').write_text('#!/bin/sh\ntrap : INT\necho "[Exec]\nHostname=bad_" > "$1"\necho ready\n'
                                      'until read line; do :; done\n')
    (tmp_path / 'editor').chmod(0o755)
    write(machine.file, '[Exec]\n')
    child = terminal('env', f'EDITOR={tmp_path}/editor', 'boxctl', 'edit', machine.name)
    child.expect_exact('ready')
    assert len(leftovers(machine)) == 1
    child.sendintr()                    # for the editor, not for boxctl
    child.sendline('')
    child.expect_exact('iscard it?')
    child.sendintr()
    child.expect(support.pexpect.EOF)
    assert leftovers(machine) == []
    assert machine.file.read_text() == '[Exec]\n'
