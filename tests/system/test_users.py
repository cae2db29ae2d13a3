# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl of users without privilege: polkit decides, what they may not look at is no answer, a password is asked for."""

import subprocess
from pathlib import Path

import pexpect
import pytest

import support
from support import MACHINES, run, wait_for

USER = 'box-user'
PASSWORD = 'of-box-user'
RULE = Path('/etc/polkit-1/rules.d/10-box-test.rules')


@pytest.fixture(scope='module')
def user():
    """A user, in the group whose members polkit asks for their password. Nobody but root may look at the machines."""
    mode = MACHINES.stat().st_mode
    MACHINES.chmod(0o700)
    run('groupadd', '--force', 'sudo')
    run('useradd', '--groups', 'sudo', '--shell', '/bin/sh', USER)
    subprocess.run(['chpasswd'], input=f'{USER}:{PASSWORD}\n', text=True, check=True)
    yield ['runuser', '-u', USER, '--']
    run('loginctl', 'terminate-user', USER, check=False)
    wait_for(lambda: run('userdel', USER, check=False).returncode == 0, interval=0.5)
    MACHINES.chmod(mode & 0o7777)


@pytest.fixture
def allowed(user):
    RULE.write_text(f'polkit.addRule(function(a, s) {{ if (s.user == "{USER}") return polkit.Result.YES; }});\n')
    support.restart_polkit()
    yield user
    RULE.unlink()
    support.restart_polkit()


@pytest.fixture(scope='module')
def quick(module_machine):
    machine = module_machine('busybox', name='users-quick')
    machine.write_file('[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n')
    return machine


def boxctl(user, *words):
    return run(*user, 'boxctl', *words, check=False)


def test_user_who_is_allowed(allowed, quick):
    assert run(*allowed, 'ls', MACHINES, check=False).returncode != 0
    for verb in ('start', 'stop', 'start', 'terminate', 'enable', 'disable'):
        result = boxctl(allowed, verb, quick.name)
        assert result.returncode == 0, (verb, result.stderr)
        if verb in ('start', 'stop', 'terminate'):
            wait_for(lambda: quick.is_active() == (verb == 'start'))
    boxctl(allowed, 'start', quick.name)
    assert quick.name in boxctl(allowed, 'list').stdout
    assert f'Leader={quick.leader()}' in boxctl(allowed, 'show', quick.name).stdout
    assert boxctl(allowed, 'status', quick.name).returncode == 0
    assert boxctl(allowed, 'kill', '--signal=TERM', quick.name).returncode == 0
    quick.stop(check=False)


def test_machine_that_is_not_there(allowed):
    """systemd says so, by the unit's failure."""
    result = boxctl(allowed, 'start', 'users-nosuch')
    assert result.returncode == 1 and 'users-nosuch' in result.stderr and 'Permission denied' not in result.stderr
    assert boxctl(allowed, 'status', 'users-nosuch').stderr.count('\n') <= 1
    run('systemctl', 'reset-failed', 'box@users-nosuch', check=False)


@pytest.mark.parametrize('verb', ['start', 'enable'])
def test_user_who_is_not_allowed(user, quick, verb):
    for options in ([], ['--no-ask-password']):
        result = boxctl(user, *options, verb, quick.name)
        assert result.returncode == 4 and result.stderr.count('\n') == 1, result.stderr
        assert 'uthenti' in result.stderr or 'denied' in result.stderr, result.stderr
        action = 'manage-units' if verb == 'start' else 'manage-unit-files'
        assert f'(polkit action org.freedesktop.systemd1.{action}): run this as root, or allow' in result.stderr
    assert not quick.is_active()


def test_user_who_is_refused_is_told_the_action(user, quick):
    """Of each verb that machined or systemd does for it; a rule that allows that action alone is enough."""
    wanted = {'stop': 'systemd1.manage-units', 'terminate': 'systemd1.manage-units',
              'kill': 'machine1.manage-machines', 'disable': 'systemd1.manage-unit-files'}
    quick.start()
    for verb, action in wanted.items():
        result = boxctl(user, '--no-ask-password', verb, quick.name)
        assert result.returncode != 0 and f'(polkit action org.freedesktop.{action})' in result.stderr, (verb, result.stderr)
    result = boxctl(user, 'freeze', quick.name)
    assert result.returncode != 0 and 'Only root may freeze a machine' in result.stderr
    assert quick.is_active()
    RULE.write_text(f'polkit.addRule(function(a, s) {{ if (s.user == "{USER}" && a.id == "org.freedesktop.machine1.manage-machines")'
                    ' return polkit.Result.YES; });\n')
    support.restart_polkit()
    try:
        assert boxctl(user, 'kill', '--signal=CONT', quick.name).returncode == 0
        assert boxctl(user, 'stop', quick.name).returncode != 0
    finally:
        RULE.unlink()
        support.restart_polkit()
    quick.stop(check=False)


def test_reading_asks_polkit_for_nothing(user, quick):
    """machined's answers are open to all, and no call may ask for a password."""
    quick.start()
    run('systemctl', 'stop', 'polkit')
    run('systemctl', 'mask', '--runtime', 'polkit')
    try:
        for words in (['list'], ['status', quick.name], ['show', quick.name], ['list', '-o', 'json']):
            result = boxctl(user, *words)
            assert (result.returncode, result.stderr) == (0, '') and quick.name in result.stdout, (words, result)
    finally:
        run('systemctl', 'unmask', '--runtime', 'polkit')
    quick.stop(check=False)


AGENT = """#!/bin/sh
# In place of pkttyagent: it is ready when it closes the descriptor, and runs until it is ended.
echo "agent $*" >>{0}/agents
trap 'echo ended >>{0}/agents; exit 0' TERM
eval "exec $2>&-"
while :; do sleep 0.1; done
"""


def test_password_agent(user, quick, terminal, tmp_path):
    """Before the request, and until the end: where there is a terminal, a user without privilege, and no --no-ask-password."""
    log = tmp_path / 'agents'
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents:
        if str(parent).startswith('/tmp/'):
            parent.chmod(0o755)
    (tmp_path / 'pkttyagent').write_text(AGENT.format(tmp_path))
    (tmp_path / 'pkttyagent').chmod(0o755)
    path = f'PATH={tmp_path}:/usr/sbin:/usr/bin'

    def agents(*words):
        log.unlink(missing_ok=True)
        child = terminal(*words)
        child.expect(pexpect.EOF)
        child.close()
        return log.read_text().splitlines() if log.exists() else []

    for verb in ('start', 'stop', 'enable'):
        seen = agents(*user, 'env', path, 'boxctl', verb, quick.name)
        assert len(seen) == 2 and seen[0].startswith('agent --notify-fd ') and seen[1] == 'ended', seen
    assert agents(*user, 'env', path, 'boxctl', '--no-ask-password', 'start', quick.name) == []
    assert agents(*user, 'env', path, 'boxctl', 'list') == []
    assert agents('env', path, 'boxctl', 'start', quick.name) == [] and quick.is_active()
    boxctl([*user, 'env', path], 'stop', quick.name)
    assert not log.exists() and quick.is_active()
    quick.stop(check=False)


def test_dialogue_with_polkit_s_agent(user, quick, terminal):
    """With pkttyagent itself, which wants a session of the user: the right password, a wrong one, none."""
    def asked(verb, answer):
        child = terminal('runuser', '--pty', '-l', USER, '-c', f'boxctl {verb} {quick.name}')
        child.expect('AUTHENTICATING FOR org.freedesktop.systemd1.manage-units')
        child.expect(f"Authentication is required to {verb} '{quick.unit}'")
        child.expect('assword: ')
        # What is typed before the terminal's echo is off is discarded.
        for _ in range(5):
            child.send(answer)
            if child.expect(['AUTHENTICATION (COMPLETE|FAILED)', pexpect.TIMEOUT], timeout=3) == 0:
                break
        verdict = child.match[1]
        child.expect(pexpect.EOF)
        child.close()
        return verdict, child.exitstatus, child.before

    assert asked('start', f'{PASSWORD}\n')[:2] == ('COMPLETE', 0)
    assert quick.is_active()
    for answer in ('wrong\n', '\n'):
        verdict, status, rest = asked('stop', answer)
        assert (verdict, status) == ('FAILED', 4) and rest.count('boxctl: ') == 1, rest
        assert quick.is_active()
    assert asked('stop', f'{PASSWORD}\n')[:2] == ('COMPLETE', 0)
    assert not quick.is_active()
