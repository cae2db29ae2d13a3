# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl on a bus with a fake systemd and machined (fake-host.c): what it requests, prints and returns.

No root, no systemd. Run by meson, which says where the programs are ($BOXCTL, $FAKE_HOST).
"""

import json
import os
import re
import shutil
import subprocess

import pexpect
import pytest

BOXCTL = os.environ.get('BOXCTL')
FAKE_HOST = os.environ.get('FAKE_HOST')
pytestmark = pytest.mark.skipif(not BOXCTL or not FAKE_HOST or not shutil.which('dbus-daemon'),
                                reason='needs $BOXCTL, $FAKE_HOST and dbus-daemon')

CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={0}/bus</listen>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy>
</busconfig>'''


class Host:
    """A bus, the services on it, and boxctl as their client."""

    def __init__(self, folder, **env):
        self.env = {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={folder}/bus', 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC',
                    'TERM': 'xterm', **env}
        self.env.pop('NO_COLOR', None)
        config = folder / 'bus.conf'
        config.write_text(CONFIG.format(folder))
        self.daemon = subprocess.Popen(['dbus-daemon', f'--config-file={config}', '--nofork', '--print-address'],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.daemon.stdout.readline()       # printed when it listens
        self.services = subprocess.Popen([FAKE_HOST], env=self.env, stdout=subprocess.PIPE, text=True)
        self.leader = int(self.services.stdout.readline().split()[1])

    def close(self):
        self.services.terminate()
        self.services.wait(10)
        self.daemon.terminate()
        self.daemon.wait(10)
        try:
            os.kill(self.leader, 9)
        except ProcessLookupError:
            pass

    def run(self, *words, name='boxctl', stdin=subprocess.DEVNULL, **more):
        return subprocess.run([name, *words], executable=BOXCTL, env=self.env, stdin=stdin, capture_output=True,
                              text=True, timeout=30, **more)

    def ok(self, *words, **more):
        run = self.run(*words, **more)
        assert (run.returncode, run.stderr) == (0, '')
        return run.stdout

    def orders(self):
        """What the services were told since they were asked last."""
        os.set_blocking(self.services.stdout.fileno(), False)
        lines = self.services.stdout.read() or ''
        os.set_blocking(self.services.stdout.fileno(), True)
        return lines.splitlines()


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    host.close()


LIST = '''\
MACHINE CLASS     SERVICE OS                    VERSION ADDRESSES
evil    container fake    ?]0;owned??fake-row   ??31m   -
web     container fake    debian                12      10.0.0.5

2 machines listed.
'''


def test_list(host):
    got = host.ok('list')
    assert re.sub(' +', ' ', got) == re.sub(' +', ' ', LIST)
    # Every column begins where its heading does.
    header, evil, web = got.splitlines()[:3]
    for word, row, text in (('OS', web, 'debian'), ('VERSION', web, '12'), ('ADDRESSES', web, '10.'), ('VERSION', evil, '??31m')):
        assert row[header.index(word):].startswith(text)
    assert host.ok().startswith(got)            # an overview begins with it


def test_list_options(host):
    plain = host.ok('list', '--no-legend')
    assert plain.splitlines() == plain.splitlines()[:2] and 'listed' not in plain and 'MACHINE' not in plain
    assert '.host' not in host.ok('list') and '.host' not in host.ok('list', '--all'), 'the host is no machine of itself'
    assert 'fe80::1' in host.ok('list', '--max-addresses=2')
    assert 'fe80::1' not in host.ok('list', '--max-addresses=1')
    assert '10.0.0.5' not in host.ok('list', '--max-addresses=0')


def test_list_says_that_there_are_more_addresses_to_people_only(host):
    assert '…' not in host.ok('list') and '…' not in host.ok('list', '--max-addresses=0')
    assert '10.0.0.5…' in host.ok('list', name='machinectl-lite')
    child = pexpect.spawn(BOXCTL, ['list'], env={**host.env, 'PAGER': ''}, encoding='utf-8', timeout=20)
    child.expect_exact('10.0.0.5…')
    child.close(force=True)


@pytest.mark.parametrize('words', [['list'], ['list', '-o', 'json'], ['status'], ['show', 'web'], ['--help']])
def test_reader_that_has_read_enough_is_no_failure(host, words):
    """SIGPIPE is ignored, as in a unit or by some shells."""
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run([BOXCTL, *words], env=host.env, stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, text=True,
                         timeout=30, restore_signals=False)
    os.close(write)
    assert (run.returncode, run.stderr) == (0, '')
    # Another failure is one.
    with open('/dev/full', 'w') as full:
        run = subprocess.run([BOXCTL, *words], env=host.env, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True,
                             timeout=30)
    assert run.returncode == 1 and 'Failed to write the output' in run.stderr


@pytest.mark.parametrize('word, advice', [
    ('suspend', "did you mean 'freeze'?"), ('journal', "did you mean 'logs'?"), ('ps', "did you mean 'list'?"),
    ('enter', "did you mean 'shell'?"), ('rm', 'use: machinectl remove NAME'), ('launch', "did you mean 'start'?"),
    ('halt', "did you mean 'stop'?"), ('images', 'use: machinectl list-images'), ('stat', "did you mean 'start'?"),
    ('lgoin', "did you mean 'login'?"), ('xyz', 'see --help'), ('unfreeze', "did you mean 'thaw'?"),
    ('satrt', "did you mean 'start'?"), ('swarm', 'see --help'), ('snapshot', 'use: machinectl clone FROM NAME'),
    ('version', 'use: boxctl --version'), ('stats', "did you mean 'top'?"), ('sh', "did you mean 'shell'?"),
    ('show-image', 'use: machinectl show-image'), ('attach', "did you mean 'console'?"), ('jexec', "did you mean 'exec'?"),
    ('zlogin', "did you mean 'shell'?"), ('create', "did you mean 'new'?"), ('run', "did you mean 'exec'?"),
    ('inspect', "did you mean 'show'?"), ('jls', "did you mean 'list'?"), ('boot', "did you mean 'start'?"),
    ('destroy', 'use: machinectl remove NAME'), ('info', "did you mean 'status'?"), ('diff', "did you mean 'pending'?"),
    ('build', 'use: /usr/libexec/box/bootstrap/debian NAME')])
def test_unknown_verbs(host, word, advice):
    run = host.run(word, 'web')
    assert (run.returncode, run.stdout, run.stderr) == (2, '', f"boxctl: Unknown verb '{word}'; {advice}\n")


@pytest.mark.parametrize('words, message', [
    (['list', '--jsn'], 'Unknown option --jsn; did you mean --json?'), (['list', '--xyz'], 'Unknown option --xyz; see --help'), (['enable', '--nwo', 'x'], 'Unknown option --nwo; did you mean --now?'),
    (['list', '--no-legnd=x'], 'Unknown option --no-legnd=x; did you mean --no-legend?'),
    (['list', '-o', 'yaml'], "Invalid value for --output=: 'yaml' (short, short-iso, cat, json or json-pretty)"),
    (['list', '--max-addresses=x'], "Invalid value for --max-addresses=: 'x' (a number or all)"),
    (['list', 'extra'], 'list: too many arguments; usage: list'), (['start'], 'start: too few arguments; usage: start NAME…'),
])
def test_wrong_command_lines(host, words, message):
    run = host.run(*words)
    assert (run.returncode, run.stdout, run.stderr) == (2, '', f'boxctl: {message}\n')


@pytest.mark.parametrize('program, words', [
    ('docker', 'attach build commit cp create diff events exec export history images import info inspect kill load logs network pause '
               'port ps pull rename restart rm rmi run save start stats stop top unpause update version volume wait'),
    ('podman', 'container healthcheck init machine mount system umount unshare cleanup checkpoint restore'),
    ('lxc', 'autostart config console copy delete device execute file freeze image launch list monitor move operation profile publish '
            'query rebuild shell snapshot storage unfreeze lxc-attach lxc-ls lxc-info'),
    ('jail', 'jail jls jexec bootstrap clone cmd destroy edit htop limits rdr service sysrc template zlogin'),
    ('zoneadm', 'boot halt install ready reboot shutdown uninstall verify zonecfg zlogin'),
    ('virsh', 'define undefine dumpxml dominfo domstate autostart suspend resume setmem')])
def test_words_of_other_programs(host, program, words):
    """Answered with ours, or with another program's command line; no word of theirs is only unknown."""
    for word in words.split():
        run = host.run(word, '--help')
        assert run.returncode == 0 or 'see --help' not in run.stderr, f'{program} {word}'
        assert run.returncode == 0 or run.returncode == 2 and 'Unknown verb' in run.stderr, f'{program} {word}'


def test_every_verb_of_machinectl_is_known(host):
    """Those that are not ours are machinectl's own, or have another name here."""
    for word in ('list-images image-status show-image clone rename read-only remove set-limit clean pull-tar pull-raw import-tar '
                 'import-raw import-fs export-tar export-raw list-transfers cancel-transfer copy-to copy-from bind').split():
        assert 'see --help' not in host.run(word).stderr, word


def test_help_is_a_verb(host):
    assert host.ok('help') == host.ok('--help')
    assert host.ok('help', 'list') == host.ok('list', '--help')
    assert 'nosuch' in host.run('help', 'nosuch').stderr


def test_list_json(host):
    rows = json.loads(host.ok('list', '-o', 'json'))
    assert rows == json.loads(host.ok('list', '--output=json-pretty'))
    assert rows[1] == {'machine': 'web', 'class': 'container', 'service': 'fake', 'state': 'running', 'os': 'debian', 'version': '12',
                       'addresses': ['10.0.0.5', 'fe80::1']}
    assert rows[0]['addresses'] == []


def test_list_fields(host):
    rows = json.loads(host.ok('list', '--json', 'os,machine'))
    assert rows[1] == {'os': 'debian', 'machine': 'web'} and list(rows[1]) == ['os', 'machine']
    assert json.loads(host.ok('status', '--json=machine,leader', 'web')) == [{'machine': 'web', 'leader': host.leader}]
    fields = [line.split()[1] for line in host.ok('list', '--json').splitlines() if line[:2] == '  ' and line[2] != ' ']
    assert fields == list(json.loads(host.ok('list', '--all', '--json=short'))[0])
    assert fields[:7] == list(json.loads(host.ok('list', '--json=short'))[0]), 'those of machines that run'
    for command in (['list'], ['explain', 'Boot'], ['logs', 'web']):
        run = host.run(*command, '--json=nosuch')
        assert run.returncode == 2 and run.stdout == '' and "no column 'nosuch'; there are: " in run.stderr
        assert run.stderr.count('\n') == 1
    for verb in ('logs', 'explain', 'blame', 'events'):
        assert len(host.ok(verb, '--json').splitlines()) >= 5, 'no machine is needed to list the fields'
    assert json.loads(host.ok('explain', 'boot', '--json=since,key,default')) == [{'since': '0.1', 'key': 'Boot', 'default': 'no'}]
    assert host.ok('explain', 'Boot', 'Bind', '-c', 'kd').splitlines()[1].split() == ['Boot', 'no']
    run = host.run('start', '--json')
    assert run.returncode == 2 and "--json does not apply to 'start'" in run.stderr


def test_list_columns(host):
    assert host.ok('list', '-c', 'no', '--no-legend').splitlines()[1] == 'web  debian'
    assert host.ok('list', '--columns=state,machine').splitlines()[0] == 'STATE   MACHINE'
    assert host.ok('list', '-c', 'ns', '-o', 'json').count('"class"') == 0
    # A setting that cannot be read, as these machines have no unit of box.
    assert host.ok('list', '-c', 'n,MemoryMax', '--no-legend').splitlines()[1] == 'web  -'
    assert 'every key of a setting' in host.run('list', '-c', 'MemoryMx').stderr


def test_narrow_terminal(host):
    """The columns that are missed least are left out, and the reader is told."""
    child = pexpect.spawn(BOXCTL, ['list'], env={**host.env, 'PAGER': ''}, encoding='utf-8', timeout=20, dimensions=(24, 40))
    child.expect_exact('Columns left out: 2')
    lines = [re.sub('\x1b[^m]*m', '', line).rstrip() for line in child.before.splitlines()]
    assert 'web     debian                12      …' in lines or 'MACHINE OS' in lines[0].replace('  ', ' '), lines
    assert all(len(line) <= 40 for line in lines), lines
    child.close(force=True)


def test_colours(host):
    styled = '\x1b[4mMACHINE'
    host.env['SYSTEMD_COLORS'] = '1'
    assert styled in host.ok('list')
    host.env['SYSTEMD_COLORS'] = '0'
    assert styled not in host.ok('list')
    del host.env['SYSTEMD_COLORS']
    assert styled not in host.ok('list')


def test_overview(host):
    """Without a verb; with options it is the list, as ever."""
    text = host.ok()
    assert text.startswith(host.ok('list')) and 'boxctl start NAME' in text and text == host.ok('overview')
    assert host.ok('--no-legend') == host.ok('list', '--no-legend')
    assert host.ok(name='machinectl-lite').startswith('MACHINE') and 'boxctl' not in host.ok(name='machinectl-lite')


def test_introspection(host):
    """As systemd's programs: its own test asks this."""
    told = json.loads(host.ok('--introspect-cli'))
    assert told['mediaType'] == 'application/vnd.io.systemd.cli-introspection-0'
    boxctl, lite = told['commands']
    assert (boxctl['names'], lite['names']) == (['boxctl'], ['machinectl-lite'])
    assert {'--help', '--version', '--introspect-cli'} <= {option['names'][-1] for option in boxctl['options']}
    stop = next(verb for verb in boxctl['verbs'] if 'stop' in verb['names'])
    assert stop['names'] == ['stop', 'poweroff'] and stop['minArguments'] == 2 and 'maxArguments' not in stop
    assert ['--no-block'] in [option['names'] for option in stop['options']]
    assert not any('explain' in verb['names'] for verb in lite['verbs'])


def test_explain_without_a_machine(host):
    about = json.loads(host.ok('explain', '-o', 'json', 'MemoryMax', 'console'))
    assert about[0]['key'] == 'MemoryMax' and about[0]['section'] == 'X-Resources' and about[0]['trust'] == 'trusted files only'
    assert 'interactive' in about[1]['words'] and about[1]['key'] is None
    assert 'default: host\n' in host.ok('explain', 'HostView')


def test_show(host):
    lines = host.ok('show', 'web').splitlines()
    assert lines[:3] == ['Name=web', 'Id=0123456789abcdef0102030405060708', 'Timestamp=Sat 2024-02-10 11:22:33 UTC']
    assert 'RootDirectory=' not in lines            # empty
    assert 'RootDirectory=' in host.ok('show', '--all', 'web').splitlines()
    assert host.ok('show', '-PLeader', 'web') == f'{host.leader}\n'
    assert host.ok('show', 'web', 'evil', '-p', 'Name') == 'Name=web\n\nName=evil\n'
    assert json.loads(host.ok('show', '-o', 'json', 'web'))[0]['Class'] == 'container'


def test_status(host):
    text = host.ok('status', 'web')
    assert text.startswith('● web(0123456789abcdef0102030405060708)\n')
    for line in ('Service: fake; class container', 'Address: 10.0.0.5', 'OS: Debian GNU/Linux 12 (bookworm)',
                 f'Leader: {host.leader} (fake-host)'):
        assert f' {line}\n' in text
    page = json.loads(host.ok('status', '-o', 'json', 'web'))[0]
    assert page['machine'] == 'web' and page['running'] and page['leader'] == host.leader
    assert page['addresses'] == ['10.0.0.5', 'fe80::1']


def test_nothing_of_a_machine_reaches_the_terminal_raw(host):
    for words in (['list'], ['status', 'evil'], ['show', 'evil'], ['list', '-o', 'json'], ['status', '-o', 'json', 'evil']):
        text = host.ok(*words)
        assert not re.search('[\x00-\x09\x0b-\x1f\x7f-\x9f]', text), words
    assert 'Evil??' in host.ok('status', 'evil')


def test_kill(host):
    assert host.ok('kill', 'web', '.host') == 'web: signal sent\n.host: signal sent\n'
    assert sorted(host.orders()) == ['KillMachine .host all 15', 'KillMachine web all 15']
    assert host.ok('kill', '--kill-whom=leader', '-s', 'USR1', 'web') == ''
    assert host.orders() == ['KillMachine web leader 10']


def test_several_names_one_message_each(host):
    """In the order given; each once; to the caller's terminal only what is asked for."""
    run = host.run('kill', 'nope', 'evil', 'web', '../x', 'web')
    assert run.returncode == 4
    assert [line.split(':')[:2] for line in run.stderr.splitlines()] == [['boxctl', ' nope'], ['boxctl', ' evil'], ['boxctl', ' ../x']]
    assert run.stdout == 'web: signal sent\n'
    assert 'Not that one' in run.stderr
    assert host.orders() == ['KillMachine web all 15']      # the one that could be


@pytest.mark.parametrize('words, status', [
    (['kill', 'web'], 0), (['kill', '../x'], 2), (['kill', 'nope'], 3), (['show', 'nope'], 3), (['status', 'nope'], 3),
    (['kill', 'evil'], 4), (['kill', 'web', '../x'], 2), (['kill', 'evil', 'nope', '../x'], 4),
])
def test_exit_statuses(host, words, status):
    """By class, of several machines the highest; as machinectl-lite, machinectl's."""
    assert host.run(*words).returncode == status
    assert host.run(*words, name='machinectl-lite').returncode == min(status, 1)


def test_machines_are_worked_on_at_once(host):
    """The fake answers these four at a time."""
    names = [f'slow{i}' for i in range(20)]
    run = host.run('kill', *names, 'web')
    assert [line.split(': ')[1] for line in run.stderr.splitlines()] == names and run.stdout == 'web: signal sent\n'
    assert run.stderr.count('running') == 20 or run.stderr.count("No machine 'slow") == 20, run.stderr


def test_all_and_names_exclude_each_other(host):
    run = host.run('kill', '--all', 'web')
    assert (run.returncode, run.stderr) == (2, 'boxctl: kill: give names or --all, not both\n')
    # machinectl has no globs, and its --all means another thing.
    assert host.run('kill', '--all', 'web', name='machinectl-lite').returncode == 0
    assert 'Invalid machine name' in host.run('kill', 'we*', name='machinectl-lite').stderr
    run = host.run('kill', 'nosuch-machine-*')
    assert (run.returncode, run.stderr) == (3, "boxctl: No running machine matches 'nosuch-machine-*'; see boxctl list\n")


def test_stop_waits_for_the_end(host):
    assert host.ok('stop', 'web') == ''
    assert host.orders() == ['KillMachine web leader 1004']
    with pytest.raises(ProcessLookupError):
        os.kill(host.leader, 0)


def test_lite_poweroff_does_not_wait(host):
    assert host.ok('poweroff', 'web', name='machinectl-lite') == ''
    assert host.orders() == ['KillMachine web leader 1004']


def test_reboot_and_terminate(host):
    host.ok('reboot', 'web')
    host.ok('terminate', 'web')
    assert host.orders() == ['KillMachine web leader 2', 'TerminateMachine web']


def test_stop_of_a_start_under_way(host):
    host.ok('stop', 'busy')
    run = host.run('stop', 'stuck', 'busy', 'idle')
    assert (run.returncode, run.stdout) == (3, 'busy: stopped\n')
    assert run.stderr.splitlines()[0] == 'boxctl: stuck: Failed to stop box@stuck.service: timeout'
    assert run.stderr.splitlines()[1].startswith('boxctl: idle: ')
    assert host.orders() == ['StopUnit box@busy.service replace', 'StopUnit box@stuck.service replace',
                             'StopUnit box@busy.service replace']


def test_disable(host):
    run = host.run('disable', 'web')
    assert (run.returncode, run.stderr) == (0, 'Removed "/etc/systemd/system/x".\n')
    assert host.run('disable', '-q', 'web').stderr == ''
    assert host.orders() == ['DisableUnitFiles box@web.service', 'Reload'] * 2


def test_shell_forwards(host):
    assert 'user=joe path=/bin/x\n' in host.ok('shell', 'joe@web', '/bin/x', 'arg')
    assert 'user=ann path=\n' in host.ok('shell', '--uid=ann', 'joe@web').replace('\r', '')


def test_shell_without_a_word_ends(host):
    assert host.ok('shell', 'web', '/bin/silent') == ''


def test_shell_input_is_not_lost(host, tmp_path):
    (tmp_path / 'input').write_text('typed early\n')
    with open(tmp_path / 'input') as stdin:
        assert 'line=typed early\n' in host.ok('shell', 'web', stdin=stdin).replace('\r', '')


def closed(host, redirection, *words, name='boxctl'):
    """Runs boxctl with a standard stream closed by the shell, such as 2>&-."""
    return subprocess.run(['bash', '-c', f'exec -a {name} "$0" "$@" {redirection}', BOXCTL, *words], env=host.env,
                          input='typed\n', capture_output=True, text=True, timeout=30)


def test_closed_input_does_not_become_the_pager_s_pipe(host):
    env = {**host.env, 'SYSTEMD_PAGER': 'cat -u'}
    p = pexpect.spawn('bash', ['-c', '"$0" list <&- 2>&-', BOXCTL], env=env, timeout=20, encoding='utf-8')
    p.expect_exact('2 machines listed.')
    p.expect(pexpect.EOF)


@pytest.mark.parametrize('words', [['list'], ['show', 'web'], ['status', 'web'], ['--help'], ['--version']])
def test_closed_output(host, words):
    run = closed(host, '>&-', *words)
    assert (run.returncode, run.stderr) == (1, 'boxctl: Failed to write the output\n')
    assert closed(host, '<&- 2>&-', *words).returncode == 0


def test_shell_on_a_terminal(host):
    p = pexpect.spawn(BOXCTL, ['shell', 'web'], env=host.env, timeout=20, encoding='utf-8')
    p.expect_exact('Connected to machine web.')
    p.expect_exact('user= path=')
    p.sendline('hello')
    p.expect_exact('line=hello')
    p.expect_exact('Connection to machine web terminated.')
    p.expect(pexpect.EOF)
    p.close()
    assert p.exitstatus == 0


def test_shell_is_left_by_the_escape(host):
    p = pexpect.spawn(BOXCTL, ['shell', 'web'], env=host.env, timeout=20, encoding='utf-8')
    p.expect_exact('user= path=')
    p.send('\x1d\x1d\x1d')
    p.expect_exact('Connection to machine web terminated.')
    p.expect(pexpect.EOF)


def test_shell_refuses_a_relative_program(host):
    run = host.run('shell', 'web', 'ls')
    assert (run.returncode, run.stderr) == (2, "boxctl: web: The program's path must be absolute: 'ls'\n")


def test_no_machined(tmp_path):
    host = Host(tmp_path, NO_MACHINED='1')
    try:
        assert host.ok('list') == 'No machines.\n'
        assert host.run('kill', 'web').returncode == 3
    finally:
        host.close()


def test_no_bus(tmp_path):
    env = {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={tmp_path}/none'}
    run = subprocess.run([BOXCTL, 'list'], env=env, capture_output=True, text=True, timeout=30)
    assert run.returncode == 7 and run.stdout == ''
    assert run.stderr == 'boxctl: There is no system bus here: systemd and dbus have to run on this host\n'


# -------------------------------------------------------------------- other hosts

@pytest.fixture
def ssh(host, tmp_path):
    """An ssh that tells its words but the last, and has a shell read that, as sshd does."""
    path = tmp_path / 'fake-ssh'
    (tmp_path / 'boxctl').symlink_to(BOXCTL)
    (tmp_path / 'machinectl-lite').symlink_to(BOXCTL)
    path.write_text(f'#!/bin/sh\nfor last; do :; done\necho "$*" >>{tmp_path}/told\n'
                    f'PATH={tmp_path}:$PATH exec sh -c "$last"\n')
    path.chmod(0o755)
    host.env['SYSTEMD_SSH'] = str(path)
    return tmp_path / 'told'


def test_another_host_does_the_same(host, ssh):
    for words in (['list', '-o', 'json'], ['show', 'web', '-P', 'Name'], ['list', '--no-legend', '-l'], []):
        assert host.ok('-H', 'me@there', *words) == host.ok(*words)
    assert len(ssh.read_text().splitlines()) == 4
    host.run('kill', '--host=there', 'web', '-s', 'INT')
    there = host.orders()
    host.run('kill', 'web', '-s', 'INT')
    assert there == host.orders() and there


def test_next_steps_name_the_other_host(host, ssh):
    child = pexpect.spawn(BOXCTL, ['-H', 'me@there', 'kill', 'web', '-s', 'INT'], env=host.env, encoding='utf-8', timeout=60)
    child.expect_exact('Next: boxctl -H me@there status web')
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0 and ' -t ' in ssh.read_text()


def test_failures_of_another_host(host, ssh):
    for words in (['status', "no'such"], ['show', 'nosuch'], ['kill', '-s', 'TERM', '--', '-q']):
        here, there = host.run(*words), host.run('-Hthere', *words)
        assert (there.returncode, there.stderr) == (here.returncode, here.stderr) and here.returncode != 0
    assert host.run('-H', '-oProxyCommand=x', 'list').returncode == 2
    host.env['SYSTEMD_SSH'] = '/nonexistent/ssh'
    assert "'/nonexistent/ssh', which --host= needs" in host.run('-H', 'there', 'list').stderr
