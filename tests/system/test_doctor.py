# SPDX-License-Identifier: LGPL-2.1-or-later
"""boxctl doctor: what it says of a host, and of the same host with something amiss."""

import json
import os
import signal
import time
from pathlib import Path

from support import run

# One that the bus knows.
USER = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')


def doctor(*before):
    result = run(*before, 'boxctl', 'doctor', '-o', 'json', check=False)
    found = {f['check']: f for f in json.loads(result.stdout)}
    assert result.returncode == any(f['result'] == 'problem' for f in found.values())
    return found


def test_this_host_is_fit():
    """On it all other tests run: what they need is ok."""
    found = doctor()
    for check in ('kernel', 'cgroup', 'systemd', 'machined', 'user-namespaces', 'overlayfs', 'nftables', 'seccomp',
                  'installation', 'machines-directory', 'unit'):
        assert found[check]['result'] == 'ok', found[check]
    assert not any(f['result'] == 'needs-root' for f in found.values())
    text = run('boxctl', 'doctor', check=False).stdout
    assert all(f['what'] in text for f in found.values())
    assert text.splitlines()[-1].startswith(f'{len(found)} checks: ')


def test_user_is_told_what_needs_root():
    found = doctor(*USER)
    assert found['nftables']['result'] == found['id-mapped-mounts']['result'] == 'needs-root'
    assert found['kernel']['result'] == found['cgroup']['result'] == found['systemd']['result'] == 'ok'
    assert 'sudo boxctl doctor' in run(*USER, 'boxctl', 'doctor', check=False).stdout


def test_mode_of_the_directory_of_machines():
    machines = Path('/var/lib/machines')
    mode = machines.stat().st_mode & 0o7777
    machines.chmod(0o755)
    try:
        found = doctor()['machines-directory']
        assert found['result'] == 'problem' and found['fix'] == 'chmod 0700 /var/lib/machines'
        quiet = run('boxctl', 'doctor', '-q', check=False)
        assert quiet.returncode == 1 and 'chmod 0700 /var/lib/machines' in quiet.stdout
        assert 'ok ' not in quiet.stdout
        run('sh', '-c', found['fix'])
        assert doctor()['machines-directory']['result'] == 'ok'
    finally:
        machines.chmod(mode)


def test_unit_that_hides_ours():
    shadow = Path('/run/systemd/system/box@.service')
    shadow.parent.mkdir(exist_ok=True)
    shadow.write_text('[Service]\nExecStart=true\n')
    try:
        found = doctor()['unit']
        assert found['result'] == 'warning' and str(shadow) in found['fix']
    finally:
        shadow.unlink()


def test_forwarding_that_is_off():
    """What is to be typed makes it ok."""
    forward = Path('/proc/sys/net/ipv4/ip_forward')
    before = forward.read_text()
    forward.write_text('0')
    try:
        found = doctor()['forwarding']
        assert found['result'] == 'warning' and found['fix'] == 'sysctl -w net.ipv4.ip_forward=1'
        run('sh', '-c', found['fix'])
        assert doctor()['forwarding']['result'] == 'ok'
    finally:
        forward.write_text(before)


def test_machined_that_is_silent():
    run('busctl', 'call', 'org.freedesktop.machine1', '/org/freedesktop/machine1', 'org.freedesktop.DBus.Peer', 'Ping')
    pid = int(run('systemctl', 'show', '-p', 'MainPID', '--value', 'systemd-machined').stdout)
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        found = doctor()['machined']
        assert found['result'] == 'problem' and 'within a second' in found['what']
        assert time.monotonic() - begin < 20
    finally:
        os.kill(pid, signal.SIGCONT)
    assert doctor()['machined']['result'] == 'ok'
