# SPDX-License-Identifier: LGPL-2.1-or-later
"""Container managers in a machine: podman of Debian with Nesting=yes, systemd-nspawn, box in box."""

import json
import re
import shutil
from pathlib import Path

import pytest

import support
from support import run

SAMPLE = Path('/usr/share/box/nspawn-configs/container-host.nspawn')
STUB = '/usr/libexec/box/enter-stub'
# The controllers that a lab lacks, and a network without a bridge of the kernel's that a lab may lack.
PODMAN = 'podman run --rm --pids-limit=0'
APPLETS = ('sh', 'cat', 'echo', 'id', 'mount', 'ping', 'stat', 'wc')
SEEN = 'id -u; cat /proc/self/uid_map; echo x >/tmp/x && cat /tmp/x'


def install_box(tree):
    """The lab's box-run in another tree, with the libraries that it lacks, and the program that executes payloads for it."""
    shutil.copy(shutil.which('box-run'), tree / 'usr/local/bin')
    (tree / STUB[1:]).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(STUB, tree / STUB[1:])
    for library in set(re.findall(r'=> (/\S+)', run('ldd', shutil.which('box-run')).stdout)):
        if not (tree / library[1:]).exists():
            shutil.copy(library, tree / library[1:])


@pytest.fixture(scope='module')
def nest(module_machine):
    """A machine with the sample's settings, in which an image with a shell is known to podman."""
    machine = module_machine('nesting', name='nest')
    image = machine.path / 'srv/image'
    (image / 'bin').mkdir(parents=True)
    shutil.copy('/usr/bin/busybox', image / 'bin')
    for name in APPLETS:
        (image / 'bin' / name).symlink_to('busybox')
    for name in ('proc', 'sys', 'dev', 'tmp', 'etc', 'run'):
        (image / name).mkdir()
    install_box(machine.path)
    (machine.path / 'srv/trees').mkdir(mode=0o700)
    support.copy_tree('busybox', machine.path / 'srv/trees/inner')
    for name in ('subuid', 'subgid'):
        with (machine.path / 'etc' / name).open('a') as file:
            file.write('root:1000:50000\n')
    machine.write_file(f'{SAMPLE.read_text()}\n[Files]\nBindReadOnly={support.TREES}/deb12:/srv/trees/systemd\n')
    machine.start()
    inside(machine, 'tar -C /srv/image -c . | podman import -q - local/image')
    yield machine


def try_inside(machine, script):
    """A session in the machine, whose status is not passed on. Returns the script's status and output."""
    result = run('boxctl', '--quiet', 'shell', machine.name, '/bin/sh', '-c', f'({script}) 2>&1; echo "status $?"', stdin=-3)
    text, _, status = result.stdout.rpartition('status ')
    return int(status), text.strip()


def inside(machine, script):
    status, text = try_inside(machine, script)
    assert status == 0, text
    return text


@pytest.mark.parametrize('switches', ['', '--network=none', '--network=host', '--privileged --network=none',
                                      '--read-only --network=none', '--cgroups=disabled --network=none'])
def test_podman_runs_a_container(nest, switches):
    base = int(Path(f'/proc/{nest.leader()}/uid_map').read_text().split()[1])
    assert inside(nest, f'{PODMAN} {switches} local/image sh -c "{SEEN}"').split() == ['0', '0', str(base), '262144', 'x']


def test_podman_gives_a_container_its_own_ids(nest):
    seen = inside(nest, f'{PODMAN} --userns=auto:size=1000 --network=none local/image sh -c "{SEEN}"').split()
    assert seen[0] == '0' and seen[3] == '1000' and seen[4] == 'x'


def test_podman_of_an_ordinary_user(nest):
    """With the ids that useradd gives to the first user: 65536 from 100000 on."""
    inside(nest, 'useradd --create-home bob && loginctl enable-linger bob && systemctl start user@$(id -u bob)')
    script = ('cd; export XDG_RUNTIME_DIR=/run/user/\\$(id -u); '
              'tar -C /srv/image -c . | podman import -q - local/image >/dev/null 2>&1 && '
              f"{PODMAN} --network=none local/image sh -c '{SEEN}' 2>/dev/null")
    seen = inside(nest, f"su bob -c \"{script}\"").split()
    assert seen == ['0', '0', '1000', '1', '1', '100000', '65536', 'x']


def test_podman_builds_an_image(nest):
    inside(nest, 'mkdir -p /srv/build && printf "FROM local/image\\nRUN echo built >/etc/built\\n" >/srv/build/Containerfile && '
                 'podman build --network=none -q -t localhost/local/built /srv/build')
    assert inside(nest, f'{PODMAN} --network=none localhost/local/built cat /etc/built') == 'built'


def test_fresh_proc_and_sysfs_in_a_nested_namespace(nest):
    """New mounts, with the processes and links of the new namespaces."""
    seen = inside(nest, 'unshare -Urmpfn sh -c "mount -t proc proc /proc && echo /proc/[0-9]* && mount -t sysfs sysfs /mnt && '
                        'ls /mnt/class/net"')
    assert seen.splitlines()[0].split()[0] == '/proc/1' and len(seen.splitlines()[0].split()) < 4
    assert seen.splitlines()[1:] == ['lo']


def test_complete_proc_gives_no_right_on_the_host(nest):
    for path in ('kmsg', 'irq/default_smp_affinity', 'sys/kernel/core_pattern', 'sys/vm/drop_caches'):
        status, text = try_inside(nest, f'echo h >/run/host/proc/{path}')
        assert status != 0 and 'Permission denied' in text, (path, text)
    inside(nest, 'echo 1 >/run/host/proc/self/oom_score_adj')       # what belongs to the machine can be written


# Where nothing may be created with mknod(2): nodes are the outer system's, bound.
BOX = 'ASAN_OPTIONS=detect_leaks=0 box-run --quiet --register=no --pipe -D /srv/trees/inner'
NODES = ('id -u; echo x >/dev/null && head -c 4 /dev/urandom | wc -c; for i in null zero full random urandom tty net/tun fuse; do '
         'stat -c %t:%T /dev/$i; done; cat <>/dev/net/tun >/dev/null 2>&1; echo end')
NODES_SEEN = '0 4 1:3 1:5 1:7 1:8 1:9 5:0 a:c8 a:e5 end'


@pytest.mark.parametrize('switches', ['', '--private-users=identity', '--private-users=identity --network-veth',
                                      '--private-users=identity --volatile=overlay'])
def test_box_in_a_machine(nest, switches):
    assert inside(nest, f"{BOX} -M inner {switches} /bin/sh -c '{NODES}'").split() == NODES_SEEN.split()


@pytest.mark.parametrize('users', ['pick', '65536:65536'])
def test_ids_that_cannot_be_had_in_a_machine(nest, users):
    """There are none for pick, and the tree's file system belongs to the host's user namespace."""
    status, text = try_inside(nest, f'{BOX} -M inner --private-users={users} /bin/true')
    assert status == 1 and 'Operation not permitted' in text and 'use --private-users=no or --private-users=identity' in text


def test_box_without_the_right_to_make_nodes(nest):
    """As in a container of a build service: the host's root without CAP_MKNOD."""
    command = f"{BOX.replace('/srv/trees/inner', str(support.TREES / 'busybox') + '/')} -M inner --volatile=overlay /bin/sh -c '{NODES}'"
    result = run('capsh', '--drop=cap_mknod', '--', '-c', command, stdin=-3)
    assert result.stdout.split() == NODES_SEEN.split(), result


def test_used_up_limit_is_named(nest):
    """The inotify instances of all machines, here of those in the machine: their systemd says "Too many open files", at most."""
    boot = f'{BOX.replace("inner", "systemd")} -M inner --private-users=identity --volatile=overlay --boot systemd.unit=poweroff.target'

    def set_limit(number):
        run('nsenter', '-t', nest.leader(), '-U', 'sh', '-c', f'echo {number} >/proc/sys/user/max_inotify_instances')
    assert inside(nest, boot) == '', 'a positive control'
    set_limit(3)
    try:
        status, text = try_inside(nest, boot)
    finally:
        set_limit(1 << 20)
    assert status and "before the machine was ready; the host's fs.inotify.max_user_instances is used up (see " in text, text


def test_machines_of_a_machine_by_its_bus(nest):
    """boxctl -M: machined and systemd in the machine, not the host's."""
    start = BOX.replace('--register=no --pipe', '--register=yes').replace('ASAN_OPTIONS', '--setenv=ASAN_OPTIONS')
    inside(nest, f'systemd-run -q --unit=inner -p Delegate=yes {start.split()[0]} /usr/local/bin/{start.split(" ", 1)[1]} -M inner '
                 '--private-users=identity /bin/sleep 1000')

    def machines():
        return [row['machine'] for row in json.loads(run('boxctl', '-M', nest.name, 'list', '-o', 'json').stdout)]
    support.wait_for(lambda: machines() == ['inner'])
    assert 'inner' not in run('boxctl', 'list').stdout, 'it is none of the host'
    assert run('boxctl', '-M', nest.name, 'show', '-PName', 'inner').stdout == 'inner\n'
    assert run('boxctl', '-M', nest.name, 'show', 'nest', check=False).returncode == 3
    here = run('boxctl', 'kill', 'inner', check=False)
    assert here.returncode == 3 and machines() == ['inner']
    run('boxctl', '-M', nest.name, 'kill', '--kill-whom=leader', '--signal=KILL', 'inner')
    support.wait_for(lambda: machines() == [])
    refused = run('boxctl', '-M', nest.name, 'status', 'inner', check=False)
    assert refused.returncode == 2 and 'boxctl exec nest -- boxctl status' in refused.stderr


@pytest.fixture(scope='module')
def stopped(nest):
    nest.stop()
    return nest


@pytest.mark.parametrize('users', ['no', 'identity'])
def test_box_in_a_container_of_another_manager(stopped, users):
    """Without systemd, and without /run/systemd."""
    result = run('systemd-run', '--quiet', '--pipe', '--wait', '--property=Delegate=yes', 'systemd-nspawn', '--quiet', '--keep-unit',
                 '--register=no', '-U', '--pipe', '--volatile=overlay', '--private-network', '-D', stopped.path, '-M', 'foreign',
                 '/bin/sh', '-c', f"{BOX} -M inner --private-users={users} /bin/sh -c '{NODES}'", stdin=-3)
    # systemd-nspawn of Debian 12 has no /dev/fuse itself
    assert [word for word in result.stdout.split() if word != 'a:e5'] == [word for word in NODES_SEEN.split() if word != 'a:e5'], result


# As Debian's template for unprivileged containers has it: with its seccomp policy, and devices bound.
LXC = """
lxc.include = /usr/share/lxc/config/common.conf
lxc.include = /usr/share/lxc/config/userns.conf
lxc.rootfs.path = dir:{tree}
lxc.rootfs.options = idmap=container
lxc.idmap = u 0 524288 65536
lxc.idmap = g 0 524288 65536
lxc.uts.name = foreign
lxc.apparmor.profile = unconfined
"""


@pytest.fixture
def lxc_place():
    """A directory for lxc, which the container's root must reach."""
    path = Path('/run/test-lxc')
    path.mkdir()
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize('users', ['no', 'identity'])
@pytest.mark.parametrize('more', ['', 'lxc.include = /usr/share/lxc/config/nesting.conf\n'], ids=['plain', 'nesting'])
def test_box_in_an_unprivileged_lxc_container(stopped, lxc_place, users, more):
    (lxc_place / 'config').write_text(LXC.format(tree=stopped.path) + more)
    result = run('systemd-run', '--quiet', '--pipe', '--wait', '--property=Delegate=yes', 'lxc-execute', f'--lxcpath={lxc_place}',
                 '--name=foreign', f'--rcfile={lxc_place}/config', '--', '/bin/sh', '-c',
                 f"cat /proc/self/uid_map; {BOX} -M inner --private-users={users} /bin/sh -c 'cat /proc/self/uid_map; {NODES}'", stdin=-3)
    outer, inner, seen = result.stdout.split()[:3], result.stdout.split()[3:6], result.stdout.split()[6:]
    assert outer == ['0', '524288', '65536'] and inner == (outer if users == 'no' else ['0', '0', '65536']), result
    # it has neither /dev/net/tun nor /dev/fuse
    assert seen == [word for word in NODES_SEEN.split() if word not in ('a:c8', 'a:e5')], result


@pytest.fixture(scope='module')
def host_rooted(nest):
    """box_run(nesting): restarts the machine without a user namespace of its own."""
    def restart(nesting):
        nest.stop()
        nest.write_file(SAMPLE.read_text().replace('PrivateUsers=pick', 'PrivateUsers=no')
                        .replace('Nesting=yes', f'Nesting={nesting}'))
        nest.start()
        return nest
    yield restart
    nest.stop()


def test_podman_without_a_user_namespace(host_rooted):
    machine = host_rooted('yes')
    assert inside(machine, f'{PODMAN} --network=none local/image sh -c "{SEEN}"').split() == ['0', '0', '0', '4294967295', 'x']
    assert inside(machine, 'ls /run/host').split().count('proc') == 0       # the host's root could write to it


def test_podman_needs_the_setting(host_rooted):
    """Keys would be shared with the host: without the setting the system calls are refused."""
    status, text = try_inside(host_rooted('no'), f'{PODMAN} --network=none local/image true')
    assert status != 0 and 'create keyring' in text, text
