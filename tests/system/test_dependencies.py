# SPDX-License-Identifier: LGPL-2.1-or-later
"""After= and Requires= of [X-Box]: the generator makes unit dependencies of them."""

from pathlib import Path

import pytest

from support import output, run

COMMAND = '[Exec]\nBoot=no\nParameters=/bin/sleep 1000\n'
GENERATOR = Path('/usr/lib/systemd/system-generators/box-generator')


@pytest.fixture
def reload_after():
    yield
    run('systemctl', 'daemon-reload')


def stamp(machine, name):
    return int(machine.property(name))


def test_order_readiness_and_ending(reload_after, machine):
    database = machine('deb12', name='dep-database')
    web = machine('busybox', name='dep-web')
    web.write_file(COMMAND + '[X-Box]\nAfter=dep-database\nRequires=dep-database\n')
    run('systemctl', 'daemon-reload')
    assert database.unit in web.property('After').split()
    assert database.unit in web.property('Requires').split()

    web.start()
    assert database.is_active() and database.system_state() in ('running', 'degraded')
    assert stamp(database, 'ActiveEnterTimestampMonotonic') <= stamp(web, 'InactiveExitTimestampMonotonic')
    database.stop()
    assert not web.is_active()


def test_a_line_that_is_gone(reload_after, machine):
    web = machine('busybox', name='dep-gone')
    web.write_file(COMMAND + '[X-Box]\nAfter=dep-missing\nRequires=dep-missing\n')
    run('systemctl', 'daemon-reload')
    assert web.start(check=False).returncode != 0
    run('systemctl', 'reset-failed', 'box@dep-missing.service')
    web.write_file(COMMAND)
    run('systemctl', 'daemon-reload')
    assert 'dep-missing' not in web.property('Requires')
    web.start()


def test_mounts_for_what_a_file_names(reload_after, machine):
    """A file system that is mounted late, or not at all, below the source of a bind and below a linked tree."""
    made = machine('busybox', name='dep-paths')
    real, disk = Path('/srv/dep disk/tree'), Path('/srv/dep disk')
    unit = Path('/run/systemd/system') / output('systemd-escape', '--path', '--suffix=mount', disk)
    disk.mkdir(parents=True)
    unit.write_text(f'[Mount]\nWhat=dep\nWhere={disk}\nType=tmpfs\nOptions=mode=0755\n')
    made.write_file(f'{COMMAND}[Files]\nBind={disk}:/mnt\n')
    try:
        run('systemctl', 'daemon-reload')
        assert 'x20disk.mount' in made.property('Requires') and 'x20disk.mount' in made.property('After')
        made.start()
        assert Path(f'/proc/{made.leader()}/root/mnt').is_dir() and disk.is_mount()
        made.stop()

        made.file.unlink()
        run('cp', '-a', '--', f'{made.path}/.', real)
        run('rm', '-rf', '--', made.path)
        made.path.symlink_to(real)
        made.write_unit_settings('[Service]\nExecStart=\nExecStart=/usr/bin/box-run -q --keep-unit -M dep-paths sleep 1000\n')
        run('systemctl', 'stop', unit.name)
        run('systemctl', 'daemon-reload')
        assert 'x20disk.mount' in made.property('Requires')
        # empty, but mounted before the tree is looked for
        assert made.start(check=False).returncode != 0
        assert disk.is_mount()
    finally:
        run('systemctl', 'stop', unit.name, check=False)
        unit.unlink()
        if made.path.is_symlink():
            made.path.unlink()
        run('rm', '-rf', '--', disk)


def test_a_mount_of_an_optional_source(reload_after, machine):
    """Its mount is tried and waited for; where it fails, the machine runs without."""
    made = machine('busybox', name='dep-optional')
    disk = Path('/srv/dep-optional.d/a b')
    unit = Path('/run/systemd/system') / output('systemd-escape', '--path', '--suffix=mount', disk)
    made.write_file(f'{COMMAND}[Files]\nBind=-{disk}/inner:/mnt\n')
    try:
        disk.mkdir(parents=True)
        unit.write_text(f'[Mount]\nWhat=dep\nWhere={disk}\nType=tmpfs\nOptions=mode=0755\n')
        run('systemctl', 'daemon-reload')
        # systemctl may escape the backslashes once more
        assert 'a\\x20b.mount' in made.property('Wants').replace('\\\\', '\\')
        assert 'x20b.mount' in made.property('After') and 'x20b.mount' not in made.property('Requires')
        made.start()
        assert disk.is_mount()
        assert "dep-optional.nspawn:5: Nothing is mounted on '/mnt'" in made.journal()
        made.stop()

        (disk / 'inner').mkdir()
        (disk / 'inner/file').write_text('')
        made.start()
        assert Path(f'/proc/{made.leader()}/root/mnt/file').exists()
        made.stop()

        run('systemctl', 'stop', unit.name)
        unit.write_text(f'[Mount]\nWhat=dep\nWhere={disk}\nType=no-such-type\n')
        run('systemctl', 'daemon-reload')
        made.start()
        assert not disk.is_mount() and made.is_active()
    finally:
        made.stop(check=False)
        run('systemctl', 'stop', unit.name, check=False)
        run('systemctl', 'reset-failed', unit.name, check=False)
        unit.unlink()
        run('rm', '-rf', '--', disk.parent)


def test_a_bad_file_is_said_and_the_others_count(tmp_path, nspawn_file):
    nspawn_file('dep-bad', '[X-Box]\nAfter=not_a_name\n')
    nspawn_file('dep-good', '[X-Box]\nAfter=dep-other\n')
    result = run(GENERATOR, tmp_path, tmp_path, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['box@dep-good.service.d']
    assert (tmp_path / 'box@dep-good.service.d/50-box.conf').read_text().endswith('[Unit]\nAfter=box@dep-other.service\n')
    assert len(result.stderr.splitlines()) == 1
    assert "dep-bad.nspawn:2: After=not_a_name: " in result.stderr


def test_the_host_s_units_are_whole(reload_after, nspawn_file):
    """systemd reads the generated units without a warning."""
    nspawn_file('dep-good', '[X-Box]\nAfter=dep-other\n')
    run('systemctl', 'daemon-reload')
    assert 'box@dep-other.service' in output('systemctl', 'show', '--value', '--property=After', 'box@dep-good.service')
    assert 'generator' in output('systemctl', 'show', '--value', '--property=DropInPaths', 'box@dep-good.service')
