# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bootstrap scripts' command line, their choice of mirror, and that a run which ends early leaves nothing.

No network: mmdebstrap is a script of this file, first in PATH. Creating trees needs root.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).resolve().parents[2] / 'bootstrap'
SCRIPTS = ['debian', 'busybox']

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='creating a tree needs root')

# Prints lines of mmdebstrap, creates files in its target and its temporary directory, then executes @THEN@. Its child is
# in a new session: killing the process group would not kill it.
FAKE_MMDEBSTRAP = r'''#!/bin/bash
for argument; do [[ $argument == */tree ]] && tree=$argument; done
echo "I: running apt-get update..."
mkdir -p "$tree"/{etc,usr,proc,mnt}
mount -t tmpfs none "$tree/mnt"
touch "$tree/etc/half-made" "$tree/mnt/file" "$TMPDIR/scratch"
setsid sleep 987654 &
echo "I: downloading packages with apt..."
echo "E: the archive is closed on Sundays" >&2
@THEN@
'''


@pytest.fixture
def fake(tmp_path):
    """Installs a tool that ends with the given shell command, and returns an environment with it in PATH."""
    def install(then, name='mmdebstrap'):
        folder = tmp_path / 'bin'
        folder.mkdir(exist_ok=True)
        tool = folder / name
        tool.write_text(FAKE_MMDEBSTRAP.replace('@THEN@', then))
        tool.chmod(0o755)
        return {**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}', 'LC_ALL': 'C.UTF-8'}
    return install


@pytest.fixture
def machines(tmp_path):
    folder = tmp_path / 'machines'
    folder.mkdir()
    return folder


def run(script, *arguments, **keywords):
    return subprocess.run([BOOTSTRAP / script, *arguments], capture_output=True, text=True, timeout=60, **keywords)


def start(arguments, environment):
    return subprocess.Popen([BOOTSTRAP / 'debian', *arguments], env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f'{what} did not happen'
        time.sleep(0.02)


def leftovers(folder):
    """Returns the leftovers of a run: names in the folder, mounts below it, processes with it in their environment."""
    mounts = [line for line in Path('/proc/self/mountinfo').read_text().splitlines() if str(folder) in line]
    processes = []
    for entry in Path('/proc').glob('[0-9]*'):
        try:
            if str(folder).encode() in (entry / 'environ').read_bytes():
                processes.append((entry / 'cmdline').read_bytes().replace(b'\0', b' '))
        except OSError:
            continue
    return sorted(os.listdir(folder)), mounts, processes


NOTHING = ([], [], [])


# --- command line


@pytest.mark.parametrize('script', SCRIPTS)
@pytest.mark.parametrize('arguments, message', [
    ([], 'NAME is missing'),
    (['one', 'two'], "got 'two' too"),
    (['--no-such-option', 'x'], "Unknown option '--no-such-option'"),
    (['-x', 'x'], "Unknown option '-x'"),
    (['x', '--directory'], "Option '--directory' needs an argument"),
    (['x', '--directory='], "Option '--directory' needs a path"),
    (['--quiet=yes', 'x'], "Option '--quiet' takes no argument"),
    (['../x'], "'../x' is not a valid machine name"),
    (['a..b'], "'a..b' is not a valid machine name"),
    (['x.'], "'x.' is not a valid machine name"),
    (['--', '-x'], "'-x' is not a valid machine name"),
    (['a b'], "'a b' is not a valid machine name"),
    (['ä'], "'ä' is not a valid machine name"),
    (['x' * 65], 'is not a valid machine name'),
    (['--hostname=a/b', 'x'], "'a/b' is not a valid host name"),
    (['--root-password=a', '--password-file=/dev/null', 'x'], 'Only one of --root-password'),
    (['--root-password=', 'x'], 'password of --root-password is empty'),
    (['--root-password=a\nb', 'x'], 'more than one line'),
    (['--hashed-root-password=a:b', 'x'], 'is not a crypt(3) hash'),
])
def test_wrong_command_line(script, arguments, message):
    result = run(script, *arguments)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert result.stdout == ''


@pytest.mark.parametrize('arguments, message', [
    (['--release=', 'x'], "Option '--release' needs a value"),
    (['--release=../etc', 'x'], "'../etc' is not a Debian release"),
    (['--init=runit', 'x'], "'runit' is not systemd, sysvinit or openrc"),
    (['--arch=A B', 'x'], "'A B' is not a Debian architecture"),
    (['--mirror=example.net/debian', 'x'], "is not a mirror's URL"),
    (['--mirror=none', 'x'], "cannot be 'none'"),
    (['--include=a;b', 'x'], 'is not a list of packages'),
    (['--variant=$x', 'x'], 'is not a variant'),
    (['--tool=tar', 'x'], 'is not mmdebstrap or debootstrap'),
])
def test_wrong_value_for_debian(arguments, message):
    result = run('debian', *arguments)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr


@pytest.mark.parametrize('script', SCRIPTS)
def test_help_names_every_option(script):
    result = run(script, '--help')
    assert result.returncode == 0
    assert result.stdout.startswith(f'Usage: {script} ')
    for name in ['directory=PATH', 'password-file=FILE', 'dry-run', 'quiet']:
        assert f'--{name} ' in result.stdout


def test_neither_tool_is_installed(tmp_path):
    for name in ['bash', 'dirname', 'realpath', 'sed', 'head', 'awk']:
        (tmp_path / name).symlink_to(f'/usr/bin/{name}')
    result = run('debian', '--dry-run', 'x', env={'PATH': str(tmp_path)})
    assert result.returncode == 1
    assert "install the package 'mmdebstrap'" in result.stderr


def test_busybox_that_is_not_static_is_refused():
    result = run('busybox', '--dry-run', '--busybox=/bin/ls', 'x')
    assert result.returncode == 1
    assert "'/bin/ls' is not a static program" in result.stderr


# --- plans


def on_host(environment, tmp_path, apt=None, host='debian', codename='bookworm'):
    """Returns the environment of a host of that distribution, with the apt sources in that folder or none."""
    release = tmp_path / 'os-release'
    release.write_text(f'ID={host}\nVERSION_CODENAME="{codename}"\n')
    return {**environment, 'BOX_BOOTSTRAP_APT_DIR': str(apt or tmp_path / 'no-apt'),
            'BOX_BOOTSTRAP_OS_RELEASE': str(release)}


def plan(*arguments, tmp_path, environment, **host):
    result = run('debian', '--dry-run', *arguments, 'x', env=on_host(environment, tmp_path, **host))
    assert result.returncode == 0, result.stderr
    return [line.split(': ', 1) for line in result.stdout.splitlines()]


def value(lines, key):
    return next(text for name, text in lines if name == key)


def sources(lines):
    return [text for name, text in lines if name == 'source']


ONE_LINE = '''\
# deb http://comment.invalid/debian bookworm main
deb-src http://source.invalid/debian bookworm main
deb [arch=amd64] https://vendor.invalid/debian stable stable
deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://key.invalid/debian bookworm main
deb http://pgdg.invalid/debian bookworm-pgdg main
deb   [ arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg ]  http://one.invalid/debian/ bookworm main contrib # end
deb http://second.invalid/debian bookworm main
deb http://security.invalid/debian-security bookworm-security main
'''

DEB822 = '''\
# Types: deb
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://source.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://inline.invalid/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 Enabled: no

types: deb deb-src
URIs:
 http://folded.invalid/debian
 http://other.invalid/debian
Suites: bookworm-updates
 bookworm
Components: contrib
 main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://safe.invalid/debian-security
Suites: bookworm-security
Components: main
'''


@pytest.mark.parametrize('file, text, main, security', [
    ('sources.list', ONE_LINE, 'http://one.invalid/debian', 'http://security.invalid/debian-security'),
    ('sources.list.d/a.list', ONE_LINE, 'http://one.invalid/debian', 'http://security.invalid/debian-security'),
    ('sources.list.d/a.sources', DEB822, 'http://folded.invalid/debian', 'http://safe.invalid/debian-security'),
])
def test_mirror_of_a_debian_host(tmp_path, fake, file, text, main, security):
    path = tmp_path / 'apt' / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    lines = plan('--release=13', apt=tmp_path / 'apt', tmp_path=tmp_path, environment=fake('exit 1'))
    assert value(lines, 'mirror') == main
    assert value(lines, 'security mirror') == security
    assert sources(lines) == [
        f'deb {main} trixie main', f'deb {main} trixie-updates main', f'deb {security} trixie-security main']


def test_host_without_security_mirror(tmp_path, fake):
    (tmp_path / 'apt').mkdir()
    (tmp_path / 'apt/sources.list').write_text('deb http://mirror.example.org/debian bookworm main\n')
    lines = plan(apt=tmp_path / 'apt', tmp_path=tmp_path, environment=fake('exit 1'))
    assert value(lines, 'mirror') == 'http://mirror.example.org/debian'
    assert value(lines, 'security mirror') == 'none'
    assert len(sources(lines)) == 2


@pytest.mark.parametrize('tool, release, security', [
    ('mmdebstrap', '13', 'the default of mmdebstrap'),
    ('mmdebstrap', 'sid', 'none'),
    ('debootstrap', '13', 'none'),
])
def test_mirror_of_another_host_is_not_taken(tmp_path, fake, tool, release, security):
    (tmp_path / 'apt').mkdir()
    (tmp_path / 'apt/sources.list').write_text('deb http://other.example.org/ubuntu stable main\n')
    lines = plan(f'--tool={tool}', f'--release={release}', apt=tmp_path / 'apt', host='ubuntu', tmp_path=tmp_path,
                 environment=fake('exit 1', name=tool))
    assert value(lines, 'mirror') == f'the default mirror of {tool}'
    assert value(lines, 'security mirror') == security
    assert sources(lines) == []


@needs_root
@pytest.mark.parametrize('tool', ['mmdebstrap', 'debootstrap'])
@pytest.mark.parametrize('mirror', ['http://mirror.example.org/debian', None])
def test_mirror_is_passed_on_or_left_to_the_tool(tmp_path, machines, fake, tool, mirror):
    seen = tmp_path / 'arguments'
    environment = fake(f'printf "%s\\n" "$@" >{seen}; exit 7', name=tool)
    arguments = [f'--mirror={mirror}'] if mirror else []
    result = run('debian', f'--tool={tool}', f'--directory={machines}/x', *arguments,
                 env=on_host(environment, tmp_path))
    assert f"'{tool}' failed with exit status 7" in result.stderr
    words = seen.read_text().splitlines()
    tree = next(index for index, word in enumerate(words) if word.endswith('/tree'))
    assert words[tree - 1] == 'trixie'
    if not mirror:
        assert words[tree + 1:] == []
    elif tool == 'debootstrap':
        assert words[tree + 1:] == [mirror]
    else:
        assert words[tree + 1:] == [f'deb {mirror} trixie main', f'deb {mirror} trixie-updates main']
    assert ('without security updates' in result.stderr) == bool(mirror)
    assert ('without updates and security updates' in result.stderr) == (not mirror and tool == 'debootstrap')


HOST_SECURITY = 'http://security.invalid/debian-security'


@pytest.mark.parametrize('arguments, release, security', [
    ([], 'trixie', HOST_SECURITY),
    (['--release', '12'], 'bookworm', HOST_SECURITY),
    (['--release=12.11'], 'bookworm', HOST_SECURITY),
    (['--release=unstable'], 'sid', 'none'),
    (['--release=brandnew'], 'brandnew', HOST_SECURITY),
    (['--security-mirror=none'], 'trixie', 'none'),
    (['--mirror=http://mine.invalid/debian'], 'trixie', 'none'),
    (['--mirror=http://mine.invalid/d', '--security-mirror=http://mine.invalid/s'], 'trixie', 'http://mine.invalid/s'),
])
def test_release_and_security_mirror(tmp_path, fake, arguments, release, security):
    (tmp_path / 'apt').mkdir()
    (tmp_path / 'apt/sources.list').write_text(ONE_LINE)
    lines = plan(*arguments, apt=tmp_path / 'apt', tmp_path=tmp_path, environment=fake('exit 1'))
    assert value(lines, 'release') == release
    assert value(lines, 'security mirror') == security


@pytest.mark.parametrize('arguments, message', [
    (['--release=10'], "'buster' is archived and on no regular mirror; set --mirror="),
    (['--security-mirror=none'], '--security-mirror= needs --mirror='),
    (['--security-mirror=http://security.example.org/debian'], '--security-mirror= needs --mirror='),
])
def test_mirror_is_needed(tmp_path, fake, arguments, message):
    result = run('debian', '--dry-run', *arguments, 'x', env=on_host(fake('exit 1'), tmp_path))
    assert result.returncode == 2
    assert message in result.stderr


def test_archived_release_has_no_updates(tmp_path, fake):
    lines = plan('--release=10', '--mirror=http://archive.example.org/debian', tmp_path=tmp_path,
                 environment=fake('exit 1'))
    assert sources(lines) == ['deb http://archive.example.org/debian buster main']


@pytest.mark.parametrize('init, package, other', [
    ('systemd', 'systemd-sysv', 'sysvinit-core'),
    ('sysvinit', 'sysvinit-core', 'openrc'),
    ('openrc', 'openrc', 'systemd-sysv'),
])
def test_packages_of_an_init(tmp_path, fake, init, package, other):
    lines = plan(f'--init={init}', '--include=vim,less', tmp_path=tmp_path, environment=fake('exit 1'))
    packages = value(lines, 'packages').split()
    assert package in packages and other not in packages
    assert packages[-2:] == ['vim', 'less']


# --- runs that end early


@needs_root
@pytest.mark.parametrize('kind', ['directory', 'file', 'dangling link'])
def test_existing_target_is_untouched(machines, fake, kind):
    target = machines / 'x'
    if kind == 'directory':
        target.mkdir()
        (target / 'precious').write_text('data')
    elif kind == 'file':
        target.write_text('data')
    else:
        target.symlink_to('/nonexistent')
    before = target.lstat()
    result = run('debian', f'--directory={target}', env=fake('exit 0'))
    assert result.returncode == 1
    assert f"'{target}' already exists" in result.stderr
    assert os.listdir(machines) == ['x']
    after = target.lstat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@needs_root
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize('group', [False, True], ids=['alone', 'group'])
def test_interruption_leaves_nothing(machines, fake, number, group):
    process = start([f'--directory={machines}/x'], fake('sleep 987654'))
    wait_for(lambda: list(machines.glob('.#x.??????/tree/etc/half-made')), 'the build')
    assert not (machines / 'x').exists()
    assert leftovers(machines)[2], 'the fake is not found among the processes'
    (os.killpg if group else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == -number
    assert 'interrupted' in errors
    wait_for(lambda: leftovers(machines) == NOTHING, f'cleaning up ({leftovers(machines)})')


@needs_root
def test_kill_ends_the_build_and_the_next_run_names_what_is_left(machines, fake):
    process = start([f'--directory={machines}/x'], fake('sleep 987654'))
    wait_for(lambda: list(machines.glob('.#x.??????/tree/etc/half-made')), 'the build')
    process.kill()
    process.communicate(timeout=20)
    wait_for(lambda: leftovers(machines)[1:] == ([], []), 'the end of the build')
    names = os.listdir(machines)
    assert 'x' not in names
    left, = names
    result = run('debian', f'--directory={machines}/x', env=fake('exit 7'))
    assert f"'{machines}/{left}' was left by a killed run" in result.stderr
    assert os.listdir(machines) == [left]


@needs_root
def test_failing_tool_is_quoted_and_leaves_nothing(machines, fake):
    result = run('debian', f'--directory={machines}/x', env=fake('exit 7'))
    assert result.returncode == 1
    assert "'mmdebstrap' failed with exit status 7" in result.stderr
    assert 'the archive is closed on Sundays' in result.stderr
    assert '[1/5] Reading the package lists of trixie' in result.stderr
    assert '\r' not in result.stderr
    assert leftovers(machines) == NOTHING


@needs_root
def test_second_run_for_the_same_name_is_refused(machines, fake):
    environment = fake('sleep 987654')
    first = start([f'--directory={machines}/x'], environment)
    wait_for(lambda: list(machines.glob('.#x.??????/tree/etc/half-made')), 'the build')
    second = run('debian', f'--directory={machines}/x', env=environment)
    assert second.returncode == 1
    assert f"Another run is creating '{machines}/x'" in second.stderr
    assert list(machines.glob('.#x.??????/tree/etc/half-made')), 'the first run was disturbed'
    first.terminate()
    first.communicate(timeout=20)
    wait_for(lambda: leftovers(machines) == NOTHING, 'cleaning up')


@needs_root
def test_unreadable_password_file_fails_before_any_work(machines, fake):
    result = run('debian', f'--directory={machines}/x', f'--password-file={machines}/none', env=fake('exit 0'))
    assert result.returncode == 1
    assert f"Cannot read password file '{machines}/none'" in result.stderr
    assert leftovers(machines) == NOTHING


@needs_root
def test_missing_parent_is_an_error(machines, fake):
    result = run('debian', f'--directory={machines}/no/x', env=fake('exit 0'))
    assert result.returncode == 1
    assert f"'{machines}/no' is not a directory" in result.stderr
    assert leftovers(machines) == NOTHING


# -------------------------------------------------------------------- directories of other users

@needs_root
def test_lock_is_no_link_of_another_user(machines, fake, tmp_path):
    """The lock is not beside the tree: what lies there is neither followed nor changed."""
    (machines / '.#x.lck').symlink_to(tmp_path / 'nologin')
    result = run('debian', f'--directory={machines}/x', env=fake('exit 7'))
    assert "'mmdebstrap' failed with exit status 7" in result.stderr
    assert not (tmp_path / 'nologin').exists() and os.listdir(machines) == ['.#x.lck']


@needs_root
@pytest.mark.parametrize('mode, owner, message', [
    (0o755, 1000, "belongs to another user, who could exchange files in it"),
    (0o777, 0, 'Other users may write to'),
    (0o775, 0, 'Other users may write to'),
    (0o1777, 0, "'mmdebstrap' failed with exit status 7"),
    (0o700, 0, "'mmdebstrap' failed with exit status 7"),
])
@pytest.mark.parametrize('place', ['parent', 'above'])
def test_directory_of_another_user(machines, fake, place, mode, owner, message):
    parent = machines if place == 'parent' else machines / 'below'
    parent.mkdir(exist_ok=True)
    machines.chmod(mode)
    os.chown(machines, owner, owner)
    result = run('debian', f'--directory={parent}/x', env=fake('exit 7'))
    assert result.returncode == 1 and message in result.stderr
    assert not list(parent.glob('.#*'))


@needs_root
@pytest.mark.parametrize('mode, told', [(0o755, True), (0o711, True), (0o700, False)])
def test_open_directory_is_told(machines, fake, mode, told):
    machines.chmod(mode)
    result = run('debian', f'--directory={machines}/x', env=fake('exit 7'))
    assert (f"close it: chmod 0700 '{machines}'" in result.stderr) == told
    assert "'mmdebstrap' failed with exit status 7" in result.stderr
