# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines in disk images: what of an image is mounted where, that nothing of it stays, and what is no image to start.

The images are made of the busybox tree. Loop devices are the kernel's, and labs share them: a test looks at those of its
own images only.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import zlib
from pathlib import Path

import pytest

import support
from support import in_use, output, run, wait_for

BOX_RUN = '/usr/bin/box-run'
MIB = 1024 * 1024

ROOT = '4f68bce3-e8cd-4db1-96e7-fbcaf984b709'
HOME = '933ac7e1-2eb4-4f13-b844-0e14e2aef915'
SRV = '3b8f8425-20e0-4f3b-907f-1a25a76f98e8'
VAR = '4d21b016-b534-45c2-a9fb-5c16e091fd2d'
ESP = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b'
XBOOTLDR = 'bc13c2ff-59e6-4262-a352-b275fd6f7172'
ROOT_S390X = '5eead9a9-fe09-4a1e-a1d7-520d00531306'
ROOT_VERITY = '2c7357ed-ebd2-46d9-aec1-23d437ec2bf5'
ROOT_VERITY_SIG = '41092b05-9fc8-4523-994f-2def0408b176'
USR = '8484680c-9521-48c6-9c11-b0720656f69e'
GENERIC = '0fc63daf-8483-4772-8e79-3d69d8477de4'

pytestmark = pytest.mark.skipif(os.uname().machine != 'x86_64', reason='the partition types are of one architecture')


@pytest.fixture(scope='module', autouse=True)
def loop_nodes():
    """A lab has the nodes of loop devices that were there when it was booted; the kernel makes more when they run out."""
    for number in range(64):
        if not Path(f'/dev/loop{number}').exists():
            run('mknod', '-m', '660', f'/dev/loop{number}', 'b', '7', number)


@pytest.fixture(scope='module')
def parts(tmp_path_factory):
    """File systems to put images together from: name to path."""
    directory = tmp_path_factory.mktemp('parts')
    made = {'root': directory / 'root.raw', 'squashfs': directory / 'squashfs.raw'}
    tree = (support.TREES / 'busybox').resolve()
    run('mkfs.ext4', '-q', '-d', tree, made['root'], '24M')
    run('mksquashfs', tree, made['squashfs'], '-quiet', '-no-progress')
    made['usr'] = directory / 'usr.raw'
    shutil.copytree(tree / 'usr', directory / 'usr', symlinks=True)
    (directory / 'usr/lib').mkdir(exist_ok=True)
    if not (directory / 'usr/lib/os-release').exists():
        shutil.copyfile(tree / 'etc/os-release', directory / 'usr/lib/os-release')
    run('mkfs.ext4', '-q', '-d', directory / 'usr', made['usr'], '16M')
    for name in ('home', 'srv', 'boot'):
        (directory / name).mkdir()
        (directory / name / f'of-{name}').write_text(f'{name}\n')
        made[name] = directory / f'{name}.raw'
        run('mkfs.ext4', '-q', '-d', directory / name, made[name], '2M')
    return made


@pytest.fixture
def disk(parts, tmp_path):
    """disk('gpt', (TYPE, PART, MORE…), …): an image with these partitions; MORE are sfdisk's fields."""
    def make(label, *partitions, name='disk.raw', size=64):
        path = tmp_path / name
        with path.open('wb') as file:
            file.truncate(size * MIB)
        script, start = f'label: {label}\n', 1
        places = []
        for kind, part, *more in partitions:
            length = parts[part].stat().st_size if part else MIB
            length = -(-length // MIB)
            script += ', '.join([f'start={start * 2048}', f'size={length * 2048}', f'type={kind}', *more]) + '\n'
            places.append((start, part))
            start += length
        subprocess.run(['sfdisk', '--quiet', path], input=script, text=True, check=True)
        for start, part in places:
            if part:
                run('dd', f'if={parts[part]}', f'of={path}', 'bs=1M', f'seek={start}', 'conv=notrunc,sparse', 'status=none')
        return path
    return make


@pytest.fixture
def bare(parts, tmp_path):
    """bare('root'): a copy of one of the file systems, as an image."""
    def make(part, name='disk.raw'):
        shutil.copyfile(parts[part], tmp_path / name)
        return tmp_path / name
    return make


@pytest.fixture
def raw_machine(machine, parts):
    """raw_machine(image): the machine NAME whose image is /var/lib/machines/NAME.raw."""
    made = []

    def make(image, name):
        each = machine(None, name=name)
        path = support.MACHINES / f'{name}.raw'
        made.append((each, path))
        shutil.move(image, path)
        return each, path
    yield make
    for each, path in made:
        each.remove()
        path.unlink(missing_ok=True)


def loops(path):
    """The loop devices of the file itself: those of a file with the same name in another lab are there, too."""
    status = Path(path).stat()
    wanted = (f'{os.major(status.st_dev)}:{os.minor(status.st_dev)}', status.st_ino)
    found = json.loads(output('losetup', '--list', '--json', '--output', 'NAME,BACK-MAJ:MIN,BACK-INO') or '{"loopdevices": []}')
    return '\n'.join(loop['name'] for loop in found['loopdevices']
                     if (loop['back-maj:min'].strip(), int(loop['back-ino'] or 0)) == wanted)


def no_loops(path):
    """Nothing of the image stays. Programs that probe new block devices may have one open for a moment."""
    wait_for(lambda: loops(path) == '')


def box(image, *words, switches=(), **options):
    """Runs a command in the image's machine; its output."""
    result = run(BOX_RUN, '-q', '--pipe', '-i', image, *switches, '--', *words, **options)
    no_loops(image)
    return result.stdout


def mounts(text):
    """Mount point to (type, options) of what is on disks, from /proc/self/mountinfo."""
    found = {}
    for line in text.splitlines():
        fields, (kind, source, _) = line.split(' - ')[0].split(), line.split(' - ')[1].split(' ', 2)
        if source.startswith('/dev/loop'):
            found[fields[4]] = (kind, set(fields[5].split(',')))
    return found


def mounts_of(image, *switches):
    return mounts(box(image, 'cat', '/proc/self/mountinfo', switches=switches))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -------------------------------------------------------------------- mounts

def test_bare_ext4(nothing_left, bare):
    image = bare('root')
    assert 'ID=' in box(image, 'cat', '/etc/os-release', switches=['-U'])
    found = mounts_of(image, '-U')
    assert set(found) == {'/'} and found['/'][0] == 'ext4'
    assert {'rw', 'nodev', 'idmapped'} <= found['/'][1]
    box(image, '/bin/sh', '-c', 'echo kept >/etc/kept', switches=['-U'])
    assert box(image, 'cat', '/etc/kept') == 'kept\n'


def test_owners_are_the_tree_s_own(nothing_left, bare, tmp_path):
    """Files of a machine with its own range of ids have ids from 0 in the image, not those of the host."""
    image = bare('root')
    box(image, '/bin/sh', '-c', 'echo x >/etc/by-root; echo x >/etc/by-42; chown 42:43 /etc/by-42', switches=['-U'])
    stat = run('debugfs', '-R', 'stat /etc/by-42', image).stdout
    assert 'User:    42   Group:    43' in stat
    assert 'User:     0   Group:     0' in run('debugfs', '-R', 'stat /etc/by-root', image).stdout


def test_squashfs_is_read_only(nothing_left, bare):
    image = bare('squashfs')
    assert mounts_of(image)['/'] == ('squashfs', {'ro', 'nodev', 'relatime'})
    assert 'Read-only file system' in run(BOX_RUN, '-q', '--pipe', '-i', image, 'touch', '/etc/x', check=False).stderr


def test_gpt_by_type(nothing_left, disk):
    image = disk('gpt', (XBOOTLDR, 'boot'), (HOME, 'home'), (ROOT, 'root'), (SRV, 'srv', 'attrs="GUID:60"'),
                 (VAR, 'boot', 'attrs="GUID:63"'))
    found = mounts_of(image, '-U')
    assert {place: kind for place, (kind, _) in found.items()} == dict.fromkeys(['/', '/home', '/srv', '/boot'], 'ext4')
    assert 'rw' in found['/home'][1] and 'ro' in found['/srv'][1]
    assert {'nosuid', 'nodev', 'noexec', 'nosymfollow'} <= found['/boot'][1]
    assert all('idmapped' in options for _, options in found.values())
    assert box(image, 'cat', '/home/of-home', '/srv/of-srv', '/boot/of-boot') == 'home\nsrv\nboot\n'


def test_esp_has_a_place_of_two(nothing_left, disk):
    """/boot where the tree has that, empty, and no /efi."""
    image = disk('gpt', (ESP, 'boot'), (ROOT, 'root'))
    assert set(mounts_of(image)) == {'/', '/efi'}
    box(image, '/bin/sh', '-c', 'mkdir /boot; umount /efi; rmdir /efi', switches=['--capability=all'])
    assert set(mounts_of(image)) == {'/', '/boot'}


@pytest.mark.parametrize('partitions', [(('82', None), ('83', 'root', 'bootable')), (('82', None), ('83', 'root')),
                                        (('83', 'home'), ('83', 'root', 'bootable'))], ids=['active', 'inactive', 'one-active'])
def test_mbr(nothing_left, disk, partitions):
    image = disk('dos', *partitions)
    assert set(mounts_of(image, '-U')) == {'/'}
    assert 'ID=' in box(image, 'cat', '/etc/os-release', switches=['-U'])


def assert_only_unmounted(checked, image):
    """What --check says of a good image: that it looked at no file in it."""
    assert checked.returncode == 0 and checked.stderr.count('\n') == 1, checked.stderr
    assert checked.stderr.startswith(f'box-run: The disk image {image} is not mounted for this: ')


def test_usr_only(nothing_left, disk, parts):
    """The root is a tmpfs, new at each start, and writable; /usr is the image's, and read-only."""
    image = disk('gpt', (USR, 'usr'), (HOME, 'home'))
    script = 'cat /usr/lib/os-release /home/of-home; echo x >/etc-new; echo x >>/home/kept; touch /usr/x || ls / | tr "\\n" " "; stat -f -c %T /'
    text = box(image, '/bin/sh', '-c', script, switches=['-U'])
    assert 'ID=' in text and 'home\n' in text and 'etc-new' in text and 'bin' in text and 'tmpfs' in text
    again = box(image, '/bin/sh', '-c', 'ls / | tr "\\n" " "; cat /home/kept', switches=['-U'])
    assert 'etc-new' not in again and again.endswith('x\n')
    assert_only_unmounted(run(BOX_RUN, '--check', '-i', image), image)


def test_single_partition_of_no_kind(nothing_left, disk):
    assert set(mounts_of(disk('gpt', (GENERIC, 'root')))) == {'/'}


def test_newest_root(nothing_left, disk):
    image = disk('gpt', (ROOT, 'root', 'name=os_9'), (ROOT, 'root', 'name=os_10'), (HOME, 'home'))
    assert '  partition 2 (ext4) -> /\n  partition 3 (ext4) -> /home\n' in run(BOX_RUN, '--dry-run', '-i', image).stdout
    no_loops(image)


def test_image_policy(nothing_left, disk):
    image = disk('gpt', (ROOT, 'root'), (HOME, 'home'), (SRV, 'srv'))
    assert set(mounts_of(image, '--image-policy=root=unprotected:home=unprotected')) == {'/', '/home'}


def test_bind_of_a_place_in_the_image(nothing_left, disk):
    image = disk('gpt', (ROOT, 'root'), (HOME, 'home'))
    switches = ['-U', '--bind-ro=+/home:/mnt']
    assert box(image, 'cat', '/mnt/of-home', switches=switches) == 'home\n'
    assert_only_unmounted(run(BOX_RUN, '--check', '-i', image, *switches), image)
    missing = run(BOX_RUN, '--check', '-i', image, *switches, '--bind=/nothing:/srv', check=False)
    assert missing.returncode == 1 and "--bind=: Failed to open '/nothing' for mounting: No such file" in missing.stderr


def test_read_only_leaves_every_byte(nothing_left, disk):
    """Also of an image whose journal has something to say, and under two machines at once."""
    image = disk('gpt', (ROOT, 'root'), (HOME, 'home'))
    box(image, '/bin/true')         # makes the mount points that are missing
    before = digest(image)
    one = subprocess.Popen([BOX_RUN, '-q', '--pipe', '--register=no', '--read-only', '-M', 'one', '-i', image, 'cat'],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: len(loops(image).split()) == 2)
        two = run(BOX_RUN, '-q', '--pipe', '--register=no', '--read-only', '-M', 'two', '-i', image, '/bin/sh', '-c',
                  'cat /home/of-home; touch /x /home/x', check=False)
        assert two.stdout == 'home\n' and two.stderr.count('Read-only file system') == 2
    finally:
        assert one.communicate('through\n', timeout=60)[0] == 'through\n'
    assert digest(image) == before
    run('chmod', 'a-w', image)
    found = mounts_of(image)
    assert all('ro' in options for _, options in found.values())
    assert digest(image) == before


def test_ephemeral_leaves_every_byte(nothing_left, raw_machine, disk):
    """Of every partition. What is written goes beside the image."""
    _, image = raw_machine(disk('gpt', (ROOT, 'root'), (HOME, 'home')), 'rawshort')
    box(image, '/bin/true')
    before = digest(image)
    for switches in ['--ephemeral'], ['--ephemeral', '-U']:
        assert box(image, '/bin/sh', '-c', 'echo new >/home/of-home; echo new >/etc/x; cat /home/of-home /etc/x',
                   switches=switches) == 'new\nnew\n'
    assert digest(image) == before
    assert box(image, 'cat', '/home/of-home') == 'home\n'


@pytest.mark.parametrize('mode, kept', [('yes', 'home'), ('overlay', 'home'), ('state', 'none')])
def test_volatile(nothing_left, disk, mode, kept):
    """Its root is new each time. Other partitions are what they are, as under systemd-nspawn; with "state" all is read-only."""
    image = disk('gpt', (ROOT, 'root'), (HOME, 'home'))
    box(image, '/bin/true')
    text = 'echo x >/etc/of-etc; echo x >/home/new; cat /home/of-home'
    result = run(BOX_RUN, '-q', '--pipe', '-U', f'--volatile={mode}', '-i', image, '/bin/sh', '-c', text, check=False)
    assert result.stdout == 'home\n'
    assert result.stderr.count('Read-only file system') == (2 if mode == 'state' else 0)
    seen = box(image, '/bin/sh', '-c', 'ls /etc/of-etc /home/new 2>/dev/null || :').split()
    assert seen == (['/home/new'] if kept == 'home' else [])


def test_dry_run_writes_nothing(nothing_left, disk):
    image = disk('gpt', (ROOT, 'root'), (HOME, 'home', 'attrs="GUID:60"'))
    before = digest(image)
    plan = run(BOX_RUN, '--dry-run', '-i', image, '--boot', '-U').stdout
    assert f'tree: {image}\n' in plan
    assert 'image:\n  partition 1 (ext4) -> /\n  partition 2 (ext4) -> /home ro\n' in plan
    told = json.loads(run(BOX_RUN, '--json', '--dry-run', '-i', image, '--boot', '-U').stdout)
    assert told['plan']['image'][1] == {'partition': 2, 'type': 'ext4', 'destination': '/home', 'read_only': True}
    assert run(BOX_RUN, '--check', '-i', image, '--boot', '-U').returncode == 0
    assert digest(image) == before
    no_loops(image)


def test_dry_run_mounts_nothing(disk, raw_machine, tmp_path):
    """The kernel does not read it: neither a mount nor a loop device, by whatever command, as any user."""
    each, image = raw_machine(disk('gpt', (ROOT, 'root'), (HOME, 'home')), 'rawdry')
    trace = tmp_path / 'trace'
    for command in (['box-run', '--dry-run', '-b', '-M'], ['box-run', '--check', '-M'], ['boxctl', 'check'], ['boxctl', 'explain']):
        result = run('strace', '-f', '-qq', '-o', trace, '-e', 'trace=mount,fsopen,fsmount,fsconfig,ioctl,unshare,clone', *command,
                     each.name)
        calls = trace.read_text()
        assert not [word for word in ('mount(', 'fsopen', 'LOOP_', '/dev/loop') if word in calls], calls
        assert f'The disk image {image} is not mounted for this: its init is assumed to be systemd' in result.stderr
    # the same programs, when they start: the trace sees what it should
    run('strace', '-f', '-qq', '-o', trace, '-e', 'trace=fsopen,ioctl', 'box-run', '-q', '-M', each.name, '--register=no', '/bin/true')
    assert 'fsopen' in trace.read_text() and 'LOOP_CONFIGURE' in trace.read_text()
    readable = Path(f'/var/tmp/{each.name}.raw')
    try:
        shutil.copyfile(image, readable)
        readable.chmod(0o644)
        plan = run('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'box-run', '--dry-run', '-i', readable,
                   '--user=daemon')
        assert 'partition 1 (ext4) -> /\n' in plan.stdout
    finally:
        readable.unlink()


def test_block_devices(nothing_left, bare, disk):
    """A device with a file system, and one with a table whose partitions have no nodes."""
    for image, places in (bare('root', name='bare.raw'), {'/'}), (disk('gpt', (ROOT, 'root'), (HOME, 'home')), {'/', '/home'}):
        device = output('losetup', '--find', '--show', image)
        try:
            text = run(BOX_RUN, '-q', '--pipe', '-M', 'device', '-i', device, '-U', 'cat', '/proc/self/mountinfo').stdout
            assert set(mounts(text)) == places
            no_loops(device)
        finally:
            run('losetup', '--detach', device)


# -------------------------------------------------------------------- a machine of it

def test_unit_boots_an_image(nothing_left, raw_machine, disk):
    """By its name, with no switch but the unit's; told of by machined and boxctl; gone without a trace."""
    each, path = raw_machine(disk('gpt', (ROOT, 'root'), (HOME, 'home')), 'rawboot')
    each.start()
    assert each.exec('cat', '/home/of-home').stdout == 'home\n'
    assert set(mounts(each.exec('cat', '/proc/1/mountinfo').stdout)) == {'/', '/home'}
    assert output('machinectl', 'show', '--value', '--property=RootDirectory', 'rawboot') == str(path)
    assert output('boxctl', 'show', '--value', '--property=RootDirectory', 'rawboot') == str(path)
    assert f'Root: {path}\n' in run('boxctl', 'status', 'rawboot').stdout
    assert len(loops(path).split()) == 2

    taken = run(BOX_RUN, '-i', path, '-M', 'other', '/bin/true', check=False)
    assert in_use(path, "machine 'rawboot'", unit='box@rawboot.service').search(taken.stderr), taken.stderr
    leader = each.leader()
    run('boxctl', 'start', 'rawboot')
    assert each.leader() == leader
    each.stop()
    no_loops(path)
    assert not list(support.MACHINES.glob('.#rawboot*'))


def test_settings_beside_the_image(nothing_left, raw_machine, bare):
    each, path = raw_machine(bare('root'), 'rawfile')
    (support.MACHINES / 'rawfile.nspawn').write_text('[Exec]\nHostname=from-the-file\n')
    try:
        assert run(BOX_RUN, '-q', '--pipe', '-M', 'rawfile', 'hostname').stdout == 'from-the-file\n'
    finally:
        (support.MACHINES / 'rawfile.nspawn').unlink()


def test_killed_supervisor(raw_machine, bare):
    """The kernel takes loop devices and mounts away; the journal that was left open is no hindrance."""
    each, path = raw_machine(bare('root'), 'rawkill')
    each.start()
    each.exec('/bin/sh', '-c', 'echo x >/etc/written; sync')
    supervisor = int(each.property('MainPID'))
    os.kill(supervisor, signal.SIGKILL)
    no_loops(path)
    wait_for(lambda: each.property('ActiveState') == 'failed')
    run('systemctl', 'reset-failed', each.unit)
    assert run(BOX_RUN, '-q', '--pipe', '-M', 'rawkill', 'cat', '/etc/written').stdout == 'x\n'
    no_loops(path)


def test_failed_start_after_the_mounts(nothing_left, bare):
    image = bare('root')
    for missing, words in (('/no/such/program', ['/no/such/program']), ('/no/such/directory', ['--bind=/no/such/directory', '/bin/true']),
                           ('nolink', ['--network-macvlan=nolink', '/bin/true'])):
        result = run(BOX_RUN, '-q', '-i', image, *words, check=False)
        assert result.returncode == 1 and missing in result.stderr
        no_loops(image)
    run(BOX_RUN, '-q', '-i', image, '/bin/true')


def test_reboot_leaves_no_older_devices(nothing_left, bare, nspawn_file):
    """Each round of a machine that is run by hand mounts the image anew, in the same process."""
    image = bare('root', name='again.raw')
    box(image, '/bin/sh', '-c', 'printf "#!/bin/sh\\n[ -e /rebooted ] && while :; do sleep 0.1; done\\ntouch /rebooted; sync\\n'
        'exec reboot -f\\n" >/sbin/again; chmod 755 /sbin/again')
    nspawn_file('again', '[X-Box]\nInit=/sbin/again\n')
    machine = subprocess.Popen([BOX_RUN, '-M', 'again', '-i', image, '--boot', '--register=no'], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert 'is being rebooted' in machine.stderr.readline()
        wait_for(lambda: Path('/run/box/again/state').exists())
        wait_for(lambda: len(loops(image).split()) == 1)
    finally:
        machine.kill()
        machine.wait()
        machine.stderr.close()
    no_loops(image)
    run(BOX_RUN, '-q', '-M', 'again', '-i', image, '--settings=no', '/bin/true')          # and removes what the kill left


# -------------------------------------------------------------------- hostile images

def mount_options(image, *switches):
    """Options of the file system itself, from the end of the line in mountinfo."""
    for line in box(image, 'cat', '/proc/self/mountinfo', switches=switches).splitlines():
        if line.split(' - ')[1].split()[1].startswith('/dev/loop'):
            return line.split(' - ')[1].split()[2].split(',')


@pytest.mark.parametrize('switches', [[], ['--read-only']], ids=['writable', 'read-only'])
def test_error_in_ext4_is_no_panic(nothing_left, bare, switches):
    image = bare('root')
    box(image, '/bin/true')
    run('tune2fs', '-e', 'panic', image)
    options = mount_options(image, *switches)
    assert 'errors=panic' not in options
    # remount-ro is the default of the driver, and only shown where the superblock says otherwise
    assert 'errors=remount-ro' in options


def test_superblock_asks_for_nothing(nothing_left, bare, disk):
    image = bare('root')
    run('tune2fs', '-E', 'mount_opts=debug', image)
    asks = 'asks for mount options of its own (tune2fs -E mount_opts=), which an image may not'
    refused(image, f'The disk image {image}: the superblock of its file system {asks}')
    run('tune2fs', '-E', 'clear_mmp', '-E', 'mount_opts=', image)
    box(image, '/bin/true')
    for field, value in ('journal_inum', 0), ('journal_dev', 0x801):
        run('debugfs', '-w', '-R', f'set_super_value {field} {value}', image)
    refused(image, f'The disk image {image}: the superblock of its file system asks for a journal on another block device, which '
                   'an image may not')


def test_partitions_that_overlap(nothing_left, disk):
    image = disk('gpt', (ROOT, 'root'), (HOME, 'home'))
    subprocess.run(['sfdisk', '--quiet', '--force', '--no-tell-kernel', image], input='label: gpt\n'
                   f'start=2048, size=49152, type={ROOT}\nstart=51200, size=4096, type={HOME}\n', text=True, check=True)
    assert set(mounts_of(image)) == {'/', '/home'}
    shift_entry(image, 1, 40000)
    refused(image, f'The disk image {image}: its partitions 1 and 2 overlap')
    image = disk('dos', ('83', 'root', 'bootable'), ('82', None))
    assert set(mounts_of(image)) == {'/'}
    with image.open('r+b') as file:                             # the second one begins in the first
        file.seek(446 + 16 + 8)
        file.write((4096).to_bytes(4, 'little'))
    refused(image, f'The disk image {image}: its partitions 1 and 2 overlap')
    with image.open('r+b') as file:                             # and where the table is
        file.seek(446 + 16 + 8)
        file.write((0).to_bytes(4, 'little') + (1).to_bytes(4, 'little'))
    refused(image, f'The disk image {image}: its partition 2 overlaps the partition table')


def shift_entry(image, index, start):
    """Moves the start of an entry of a GPT, and corrects its checksums."""
    with image.open('r+b') as file:
        data = bytearray(file.read(34 * 512))
        at = 1024 + 128 * index + 32
        data[at:at + 8] = start.to_bytes(8, 'little')
        data[512 + 88:512 + 92] = zlib.crc32(data[1024:1024 + 128 * 128]).to_bytes(4, 'little')
        data[512 + 16:512 + 20] = bytes(4)
        data[512 + 16:512 + 20] = zlib.crc32(data[512:512 + 92]).to_bytes(4, 'little')
        file.seek(0)
        file.write(data)


def test_file_systems_of_trusted_images(nothing_left, tmp_path, nspawn_file):
    """vfat for the root needs the policy's word, in the settings or as a switch."""
    image = tmp_path / 'fat.raw'
    with image.open('wb') as file:
        file.truncate(40 * MIB)
    run('mkfs.vfat', image)
    refused(image, f'The disk image {image}: its file system is of type vfat, which is mounted from a trusted image only: '
                   '--image-policy=root=vfat')
    no_tree = (" has no /usr: it is not the root of an operating system\n", "(does this kernel have that file system?)\n")
    for switches, text in (['--image-policy=root=vfat'], ''), ([], '[X-Box]\nImagePolicy=root=vfat\n'):
        nspawn_file('none', text)
        result = run(BOX_RUN, '-M', 'none', '-i', image, *switches, '/bin/true', check=False)
        assert result.returncode == 1 and result.stderr.endswith(no_tree)
    nspawn_file('none', '[X-Box]\nImagePolicy=root=ext4\n')
    refused(image, f'/etc/systemd/nspawn/none.nspawn:2: The disk image {image}: its file system is of type vfat, against '
                   '--image-policy=')


# -------------------------------------------------------------------- invalid images

def refused(image, message, *switches):
    result = run(BOX_RUN, '-M', 'none', '-i', image, *switches, '/bin/true', check=False)
    assert (result.stderr, result.returncode) == (f'box-run: {message}\n', 1)
    if image.is_file():
        no_loops(image)


def test_bytes_that_are_no_image(nothing_left, tmp_path):
    image = tmp_path / 'x.raw'
    refused(image, f'Failed to open the tree {image}: No such file or directory')
    refused(tmp_path, f'{tmp_path} is a directory, not a disk image; a directory is given by --directory=')
    refused(Path('/dev/null'), '/dev/null is neither a directory nor a disk image')
    image.write_bytes(b'')
    refused(image, f'The disk image {image} is empty')
    image.write_bytes(bytes(4 * MIB))
    refused(image, f'The disk image {image} has no file system and no partition table')
    image.write_bytes(b'LUKS\xba\xbe\0\1' + bytes(4 * MIB))
    refused(image, f'The disk image {image}: its file system is encrypted, which is not supported')
    run('mkswap', image)
    refused(image, f'The disk image {image}: its file system is of type swap, and not one of btrfs, erofs, ext2, ext3, '
                   'ext4, f2fs, squashfs, vfat and xfs')


def test_damaged_file_system(nothing_left, bare):
    image = bare('root')
    with image.open('r+b') as file:
        file.truncate(10 * MIB)
    failed = f'Failed to mount the ext4 file system of the disk image {image}: '
    damaged = '(is it damaged or truncated? See the kernel\'s log)'
    refused(image, f'{failed}Invalid argument {damaged}')
    with image.open('r+b') as file:
        file.truncate(24 * MIB)
        file.seek(2048)             # the group descriptors
        file.write(b'\xff' * 1024)
    result = run(BOX_RUN, '-M', 'none', '-i', image, '/bin/true', check=False)
    assert result.stderr.startswith(f'box-run: {failed}') and result.stderr.endswith(f'{damaged}\n')
    no_loops(image)


@pytest.mark.parametrize('allowed', [['/dev/loop-control rw'], ['/dev/loop-control rw', 'block-loop r']], ids=['none', 'to-read'])
def test_unit_that_may_not_use_loop_devices(nothing_left, bare, allowed):
    """Its own box@.service may: the message says what another one lacks."""
    def start(*names):
        return run('systemd-run', '-q', '--wait', '--pipe', '--collect', '--property=Delegate=yes', '--property=DevicePolicy=closed',
                   *(f'--property=DeviceAllow={name}' for name in names), BOX_RUN, '-q', '--keep-unit', '--register=no', '--pipe', '-i',
                   image, '/bin/true', check=False)
    image = bare('root')
    assert start('/dev/loop-control rw', 'block-loop rw').returncode == 0, 'a positive control'
    failed = start(*allowed)
    assert failed.returncode == 1
    assert re.fullmatch(rf'box-run: Failed to set up the loop device /dev/loop\d+ for {image}: Operation not permitted '
                        r"\(does the unit's DeviceAllow= name loop devices\?\)\n", failed.stderr), failed.stderr


def test_tables_that_do_not_tell(nothing_left, disk):
    image = disk('gpt', (HOME, 'home'))
    refused(image, f'The disk image {image} has no root partition')
    image = disk('gpt', (ROOT_S390X, 'root'))
    refused(image, f'The disk image {image} has a root partition for s390x, and none for this host\'s architecture')
    image = disk('gpt', (ROOT, 'root'), (ROOT, 'root'))
    refused(image, f'The disk image {image} has two root partitions, 1 and 2, and their labels do not tell which is the newer one')
    image = disk('gpt', (GENERIC, 'root'), (GENERIC, 'home'))
    refused(image, f'The disk image {image} has 2 partitions that could be the root, and none that is marked as such')
    image = disk('dos', ('82', 'root', 'bootable'))
    refused(image, f'The disk image {image} has no root partition: none of its partitions is of type 0x83')
    image = disk('dos', ('83', 'root'), ('83', 'home'))
    refused(image, f'The disk image {image} has 2 partitions that could be the root, and none that is marked as such')
    image = disk('gpt', (ROOT, None))
    refused(image, f'The disk image {image}: partition 1 (root) has no file system')


def test_cut_off(nothing_left, disk):
    image = disk('gpt', (ROOT, 'root'))
    with image.open('r+b') as file:
        file.truncate(20 * MIB)
    refused(image, f'The disk image {image} is cut off: its partition table is for {64 * MIB} bytes, the image has {20 * MIB}')
    image = disk('dos', ('83', 'root', 'bootable'))
    with image.open('r+b') as file:
        file.truncate(20 * MIB)
    refused(image, f'The disk image {image} is cut off: its partition 1 would end at byte {25 * MIB}, the image has '
                   f'{20 * MIB}')


def test_verity_is_refused(nothing_left, disk, bare):
    image = disk('gpt', (ROOT, 'squashfs'), (ROOT_VERITY, None), (ROOT_VERITY_SIG, None))
    refused(image, f'The root partition of {image} is signed for dm-verity, which is not supported; '
                   '--image-policy=root=unprotected mounts it unverified')
    assert set(mounts_of(image, '--image-policy=root=unprotected')) == {'/'}
    image = bare('squashfs')
    image.with_suffix('.roothash').write_text('0' * 64)
    refused(image, f'The disk image {image} has a root hash beside it, and dm-verity is not supported; '
                   '--image-policy=root=unprotected:usr=unprotected+absent:=open mounts it unverified')
    refused(image, '--root-hash=00: dm-verity is not supported', '--root-hash=00')


def test_policies_that_cannot_be(nothing_left, disk):
    image = disk('gpt', (ROOT, 'root'), (HOME, 'home'))
    refused(image, f'--image-policy=: The disk image {image} has no srv partition, which --image-policy= requires',
            '--image-policy=root=unprotected:srv=unprotected:=ignore')
    refused(image, f'--image-policy=: The disk image {image}: --image-policy= requires partition 1 (root) protected by dm-verity, '
                   'which is not supported', '--image-policy=root=verity')
    refused(image, f"--image-policy=root=good: unknown flag: 'good'", '--image-policy=root=good')
    refused(image, '--directory= and --image= exclude each other', '--directory=/trees/busybox')
    everything = run(BOX_RUN, '--check', '-i', image, '--image-policy=root=verity:srv=unprotected', '--boot', check=False)
    assert everything.returncode == 1 and everything.stderr.count('\n') == 2
    no_loops(image)


def test_no_tree_in_it(nothing_left, bare):
    image = bare('home')
    refused(image, f"The tree '{image}' has no /usr: it is not the root of an operating system")
