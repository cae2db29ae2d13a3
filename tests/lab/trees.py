# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contents of the cached trees.

Two kinds: host trees (`lab-12`, `lab-13`: a systemd host with the packages to build and test box) are created here with
mmdebstrap. Payload trees (`deb12`, `deb13`, `openrc`, `sysvinit`, `busybox`: booted by box in the tests) are created by
the project's bootstrap scripts, on the outer machine, because labs have no Internet connection.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import cache

SOURCE = Path(__file__).resolve().parents[2]
CODENAMES = {'12': 'bookworm', '13': 'trixie'}
ROOT_PASSWORD = 'box-tests'     # of every payload tree; used by tests/system to log in

# A systemd host with machined, and the dependencies of box.
HOST_PACKAGES = '''
    systemd systemd-sysv systemd-container systemd-resolved libpam-systemd dbus polkitd udev libnss-mymachines
    iproute2 iputils-ping nftables procps kmod login passwd util-linux e2fsprogs less
'''
# To build box.
BUILD_PACKAGES = '''
    gcc clang libc6-dev meson ninja-build pkg-config scdoc
    libsystemd-dev libcap-dev libseccomp-dev libmount-dev libmnl-dev libarchive-dev libjansson-dev libssl-dev
    libcmocka-dev
'''
# To test it, and other container managers to compare it with.
TEST_PACKAGES = '''
    python3-pytest python3-pexpect strace libcap2-bin dnsmasq-base busybox-static runc bubblewrap lxc
    tzdata fdisk squashfs-tools dosfstools lxcfs tmux
'''
# Never useful in a lab: timers that need the network, a service that would wait for a lease forever, and sysctls that
# would change the outer machine's kernel.
MASKED_UNITS = '''
    systemd-networkd-wait-online.service systemd-sysctl.service
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    man-db.timer lxc.service lxc-net.service lxc-monitord.service lxcfs.service
'''

# Runs on the outer machine; $1 is the tree's path.
HOST_SETUP = f'''
set -e
: >"$1/etc/machine-id"
rm -f "$1/var/lib/dbus/machine-id"
echo lab >"$1/etc/hostname"
printf '127.0.0.1 localhost\\n127.0.1.1 lab\\n' >"$1/etc/hosts"
ln -sfn ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
systemctl --root="$1" --quiet mask {' '.join(MASKED_UNITS.split())}
systemctl --root="$1" --quiet enable systemd-networkd systemd-resolved
mkdir -p "$1/src" "$1/build" "$1/out" "$1/trees"
touch "$1/etc/.updated" "$1/var/.updated"   # otherwise each boot would rebuild the caches of ldconfig and the catalog
'''


def mirrors():
    """Returns the Debian mirror of the machine's apt sources, as mmdebstrap's last arguments.

    Empty if there is no such mirror: mmdebstrap then uses its default.
    """
    release = ''
    for line in Path('/etc/os-release').read_text().splitlines():
        name, _, value = line.partition('=')
        if name == 'VERSION_CODENAME':
            release = shlex.split(value)[0]
    out = subprocess.run(['apt-get', 'indextargets', '--format', '$(RELEASE) $(REPO_URI)'],
                         capture_output=True, text=True)
    for line in out.stdout.splitlines():
        suite, _, uri = line.partition(' ')
        if suite == release:
            return [uri]
    return []


def run_alone(command):
    """Runs a tree builder in new mount and PID namespaces: no mount or process of it outlives this call."""
    status = subprocess.run(['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', *command],
                            stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
    if status:
        sys.exit(f'lab: {Path(command[0]).name} failed with status {status}')


def mmdebstrap(release, packages, setup, before=''):
    """Returns the cache key and the build function of a Debian tree."""
    include = ','.join(packages.split())
    options = ['--variant=minbase', f'--include={include}', '--dpkgopt=force-unsafe-io',
               '--dpkgopt=path-exclude=/usr/share/doc/*', '--dpkgopt=path-exclude=/usr/share/locale/*',
               '--dpkgopt=path-exclude=/usr/share/man/*',
               '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Retries "3"']
    if before:
        options.append(f'--essential-hook={before}')
    options += [f'--customize-hook={setup}', CODENAMES[release]]

    def build(path):
        run_alone(['mmdebstrap', '--mode=root', '--format=directory', *options, path, *mirrors()])
    return cache.key_of(*options), build


def host(release, force=False):
    """Returns the tree of a lab host, and creates it if needed."""
    key, build = mmdebstrap(release, HOST_PACKAGES + BUILD_PACKAGES + TEST_PACKAGES, HOST_SETUP)
    return cache.make(cache.TREES, f'lab-{release}', key, build, force=force)


# Bootstrap script and arguments of each payload.
PAYLOADS = {
    'deb12': ['debian', '--release=bookworm'],
    'deb13': ['debian', '--release=trixie'],
    'openrc': ['debian', '--release=bookworm', '--init=openrc'],
    'sysvinit': ['debian', '--release=bookworm', '--init=sysvinit'],
    'busybox': ['busybox'],
    # Other container managers, to run inside a machine.
    'nesting': ['debian', '--release=trixie', '--include=podman,crun,netavark,nftables,passt,uidmap,systemd-container'],
}


def payload(name, force=False):
    """Returns the tree of a payload, and creates it by bootstrap/SCRIPT if needed; in a lab it is /trees/NAME."""
    script, *arguments = PAYLOADS[name]
    maker = SOURCE / 'bootstrap' / script
    sources = [maker, *sorted(maker.parent.glob('*.sh'))]       # the script and the files it sources
    arguments = [*arguments, f'--root-password={ROOT_PASSWORD}']

    def build(path):
        run_alone([maker, *arguments, f'--directory={path}', name])
    key = cache.key_of(cache.key_of_files(*sources), script, *arguments)
    return cache.make(cache.PAYLOADS, name, key, build, force=force)
