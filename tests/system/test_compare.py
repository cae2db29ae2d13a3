# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same .nspawn file and the same tree under systemd-nspawn and under box-run, compared from inside: mounts,
capabilities, environment, limits, devices, ids, names, arguments. What differs on purpose stands in probe.DIFFERENT, and
in box.nspawn(5)."""

import difflib
import os
import re
import shutil
from pathlib import Path

import pytest

import probe
import support
from support import run

NAME = 'compare'
TREE = support.MACHINES / NAME
HOST = support.MACHINES / '.compare-host'       # source of bind mounts; on a file system with idmapped mounts

# The tree links it into /run; where no init runs that would fill it, box does.
FILLED = r'file /etc/resolv.conf: '

# By name: what stands in the sections; "prepare", a word for put_back(); "differs", the lines that may.
# Runs the probe, unless [Exec] has another command.
FILES = {
    'nothing': {},
    'environment': {'Exec': 'Environment=ONE=1 "TWO=with space"\nEnvironment=HOME=/elsewhere TERM=linux'},
    'hostname': {'Exec': 'Hostname=another.example'},
    'working-directory': {'Exec': 'WorkingDirectory=/usr/share'},
    'parameters': {'Exec': 'Parameters=/bin/sh /usr/probe "two words" \'quo"ted\' back\\slash'},
    # the user's own group is one of its groups, as after a login
    'user': {'Exec': 'User=daemon', 'differs': r'(status|self) Groups: '},
    'private-users-no': {'Exec': 'PrivateUsers=no'},
    'private-users-identity': {'Exec': 'PrivateUsers=identity',
                               # systemd 252 leaves it NET_BIND_SERVICE, of no effect in the host's network namespace
                               'differs': r'(status|self) Cap(Inh|Prm|Eff|Bnd)'},
    'private-users-fixed': {'Exec': 'PrivateUsers=1966080000:65536', 'Files': 'PrivateUsersOwnership=map'},
    'private-users-pick': {'Exec': 'PrivateUsers=pick', 'Files': 'PrivateUsersOwnership=map'},
    'capability': {'Exec': 'Capability=CAP_SYS_TIME CAP_SYSLOG'},
    'capability-all': {'Exec': 'Capability=all'},
    'drop-capability': {'Exec': 'DropCapability=CAP_MKNOD CAP_NET_RAW CAP_SYS_ADMIN'},
    'ambient-capability': {'Exec': 'AmbientCapability=CAP_NET_RAW CAP_KILL\nUser=daemon', 'differs': r'(status|self) Groups: '},
    'no-new-privileges': {'Exec': 'NoNewPrivileges=yes'},
    'system-call-filter': {'Exec': 'SystemCallFilter=@keyring bpf'},
    'system-call-filter-deny': {'Exec': 'SystemCallFilter=~chroot @timer'},
    'limits': {'Exec': 'LimitCPU=100:200\nLimitFSIZE=1G\nLimitNOFILE=64:128\nLimitCORE=0\nLimitSTACK=4M:infinity\n'
                       'LimitMEMLOCK=64K\nLimitMSGQUEUE=1000\nLimitRTTIME=1s\nLimitAS=infinity\nLimitNPROC=500:1000'},
    'limits-more': {'Exec': 'LimitSIGPENDING=100\nLimitLOCKS=50\nLimitRSS=1G\nLimitDATA=2G'},
    'oom-score-adjust': {'Exec': 'OOMScoreAdjust=300'},
    'cpu-affinity': {'Exec': 'CPUAffinity=0'},
    'personality': {'Exec': 'Personality=x86'},
    # PID 1 is each one's own stub
    'process-two': {'Exec': 'ProcessTwo=yes\nParameters=/bin/sh /usr/probe', 'differs': r'env |argv |self parent '},
    'suppress-sync': {'Exec': 'SuppressSync=yes'},
    'machine-id': {'Exec': 'MachineID=0123456789abcdef0123456789abcdef', 'prepare': 'no-machine-id'},
    # where /etc/resolv.conf cannot be written to, systemd 252 binds nothing over a dangling link
    'read-only': {'Files': 'ReadOnly=yes', 'differs': r'(mount|file) /etc/resolv.conf'},
    # no id in a root that is empty; systemd 257 has a journal directory made in it
    'volatile': {'Files': 'Volatile=yes', 'differs': r'(self )?env container_uuid|changed /var/log'},
    'volatile-state': {'Files': 'Volatile=state', 'differs': r'(mount|file) /etc/resolv.conf'},
    'volatile-overlay': {'Files': 'Volatile=overlay'},
    'bind': {'Files': f'Bind={HOST}/data:/srv/data\nBindReadOnly={HOST}/data:/mnt/read-only\nBind={HOST}/file:/srv/file'},
    'bind-options': {'Exec': 'PrivateUsers=1966080000:65536',
                     'Files': f'PrivateUsersOwnership=map\nBind={HOST}/data:/srv/mapped:idmap\n'
                              f'Bind={HOST}/data:/srv/plain:norbind,noidmap\nBind={HOST}/data:/srv/root:rootidmap'},
    'bind-of-the-tree': {'Files': 'Bind=+/usr/share:/srv/share\nBindReadOnly=+/etc:/mnt/etc'},
    'bind-temporary': {'Files': 'Bind=:/srv/temporary'},
    'tmpfs': {'Files': 'TemporaryFileSystem=/srv/plain\nTemporaryFileSystem=/mnt:size=1m,mode=1777,nosuid'},
    'inaccessible': {'Files': 'Inaccessible=/usr/share\nInaccessible=/etc/passwd', 'differs': r'changed /(usr/share|etc/passwd) '},
    'overlay': {'Files': f'Overlay={HOST}/lower:{HOST}/upper:/srv/both\nOverlayReadOnly={HOST}/lower:{HOST}/data:/mnt/both'},
    'mount-order': {'Files': f'TemporaryFileSystem=/srv\nBind={HOST}/data:/srv/in/it\nInaccessible=/usr/share\n'
                             f'BindReadOnly={HOST}/file:/srv/in/file', 'differs': r'changed /usr/share '},
    'resolv-conf-copy': {'Exec': 'ResolvConf=copy-host', 'differs': FILLED},
    'resolv-conf-replace': {'Exec': 'ResolvConf=replace-static'},
    'resolv-conf-bind': {'Exec': 'ResolvConf=bind-host', 'differs': r'(mount|file) /etc/resolv.conf'},
    'resolv-conf-delete': {'Exec': 'ResolvConf=delete'},
    'timezone-copy': {'Exec': 'Timezone=copy'},
    'timezone-symlink': {'Exec': 'Timezone=symlink'},
    'timezone-bind': {'Exec': 'Timezone=bind'},
    'timezone-delete': {'Exec': 'Timezone=delete'},
    'timezone-off': {'Exec': 'Timezone=off\nResolvConf=off'},
    'private': {'Network': 'Private=yes'},
    'virtual-ethernet': {'Network': 'VirtualEthernet=yes'},
    'virtual-ethernet-extra': {'Network': 'VirtualEthernetExtra=cmp-a:inner\nVirtualEthernetExtra=cmp-b'},
    'bridge': {'Network': 'Bridge=cmp-br'},
    'macvlan': {'Network': 'MACVLAN=cmp-p'},
    'interface': {'Network': 'Interface=cmp-p'},
    'zone': {'Network': 'Zone=cmp'},
    'network-and-users': {'Exec': 'PrivateUsers=1966080000:65536', 'Files': 'PrivateUsersOwnership=map',
                          'Network': 'VirtualEthernet=yes'},
}


@pytest.fixture(scope='module')
def tree():
    """A Debian tree and what files bind; links for networks."""
    support.copy_tree('deb12', TREE)
    (TREE / 'usr/probe').write_text(probe.PROBE + probe.PROBE_SELF)
    shutil.rmtree(HOST, ignore_errors=True)
    for directory in ('data', 'lower', 'upper'):
        (HOST / directory).mkdir(parents=True)
        (HOST / directory / f'in-{directory}').write_text(f'{directory}\n')
    os.chown(HOST / 'data/in-data', 1000, 1000)
    (HOST / 'file').write_text('a file\n')
    run('ip', 'link', 'add', 'cmp-br', 'type', 'bridge')
    run('ip', 'link', 'add', 'cmp-p', 'type', 'veth', 'peer', 'name', 'cmp-q')
    yield TREE
    for link in ('cmp-br', 'cmp-p'):
        run('ip', 'link', 'delete', link, check=False)
    shutil.rmtree(HOST)
    support.remove_tree(TREE)


@pytest.fixture
def settings_file(tree, nspawn_file):
    def write(sections):
        text = ''
        for section in ('Exec', 'Files', 'Network'):
            said = sections.get(section, '')
            if section == 'Exec' and 'Parameters=' not in said:
                said += '\nParameters=/bin/sh /usr/probe'
            if section == 'Exec' and 'ProcessTwo=' not in said:
                # systemd-nspawn needs it to use Parameters=
                said += '\nBoot=no'
            text += f'[{section}]\n{said}\n'
        return nspawn_file(NAME, text)
    return write


def probe_under(program):
    """Output and exit status of the probe in a machine of the program. In a unit, with its own cgroup."""
    result = run('systemd-run', '--quiet', '--wait', '--pipe', '--collect', '--property=Delegate=yes', '--service-type=exec',
                 program, '--quiet', '--keep-unit', '--register=no', '--pipe', f'--directory={TREE}', f'--machine={NAME}',
                 check=False)
    return result.returncode, result.stdout, result.stderr


def known(line, of_this_file):
    return any(re.match(pattern, line) for pattern in [*probe.DIFFERENT, *of_this_file])


def put_back(prepared):
    """Removes leftovers of systemd-nspawn in the tree before box's run."""
    for path in ('etc/resolv.conf', 'etc/localtime', 'etc/machine-id'):
        source, target = (support.TREES / 'deb12').resolve() / path, TREE / path
        target.unlink(missing_ok=True)
        if source.is_symlink() or source.exists():
            run('cp', '-a', source, target)
    # an id of its own: systemd-nspawn would make another one up each time
    if prepared != 'no-machine-id':
        (TREE / 'etc/machine-id').write_text('00112233445566778899aabbccddeeff\n')
    for path in ('srv', 'mnt'):
        shutil.rmtree(TREE / path, ignore_errors=True)
        (TREE / path).mkdir()
    os.utime(TREE / 'usr/probe')            # newer files were changed by the run


@pytest.mark.parametrize('name', FILES)
def test_machine_is_the_same(settings_file, name):
    settings_file(FILES[name])
    put_back(FILES[name].get('prepare'))
    theirs = probe_under('systemd-nspawn')
    put_back(FILES[name].get('prepare'))
    ours = probe_under('box-run')

    patterns = [FILES[name]['differs']] if 'differs' in FILES[name] else []
    if 'ResolvConf=' not in FILES[name].get('Exec', ''):
        patterns.append(FILLED)
    lines = [[line for line in text.splitlines() if not known(line, patterns)] for text in (theirs[1], ours[1])]
    different = list(difflib.unified_diff(*lines, 'systemd-nspawn', 'box', n=0, lineterm=''))
    assert ours[0] == theirs[0], f'{ours[2]}\n{theirs[2]}'
    assert not different, '\n'.join(different)
    assert len(lines[0]) > 100, theirs[2]
