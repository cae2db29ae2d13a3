# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the environment of a payload, one item a line, to compare box with systemd-nspawn."""

import re

# Prints what a payload sees, one item a line, without what differs from start to start
PROBE = r'''
PATH=/usr/sbin:/usr/bin:/sbin:/bin
tr '\0' '\n' </proc/1/environ | sort | sed 's/^/env /'
tr '\0' ' ' </proc/1/cmdline | sed 's/^/argv /'; echo
grep -E '^(Cap(Bnd|Eff|Prm|Inh|Amb)|NoNewPrivs|Seccomp|Groups):' /proc/1/status | tr -s '\t ' ' ' | sed 's/^/status /'
awk '{ print "limit", $0 }' /proc/1/limits
find /dev -xdev -printf 'dev %P %y %m %U:%G %l\n' | sort
for d in /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/net/tun /dev/fuse /dev/console /dev/ptmx; do
    [ -e $d ] && stat -L -c "node %n %t:%T %a %u:%g" $d || echo "node $d none"
done
find /run/host -xdev -printf 'host %P %y %m %U:%G\n' | sort
for f in container-manager os-release; do sed "s/^/host $f: /" /run/host/$f; done
ls /sys | sed 's/^/sys /'; ls /sys/fs /sys/class/net | sed 's/^/sys /'
echo "kmsg $(stat -c %F /proc/kmsg)"
awk '{ n = 7; while ($n != "-") n++; split($6, o, ",")        # the uppermost on each place
       m[$5] = $(n + 1) " " ($4 == "/" ? "" : "part") " " o[1] }
     END { for (place in m) print "mount", place, m[place] }' /proc/self/mountinfo | sort
awk '$5 ~ "^/(run|tmp|dev|dev/shm|proc|sys|sys/fs/cgroup|dev/mqueue|dev/pts)$" { print "options", $5, $6 }' \
    /proc/self/mountinfo | sort
echo "hostname $(cat /proc/sys/kernel/hostname)"
systemd-detect-virt --container | sed 's/^/virt /'
'''

# The same for the program that prints it itself, which need not be PID 1
PROBE_SELF = r'''
me=$$
grep -E '^(Uid|Gid|Groups|Cap(Bnd|Eff|Prm|Inh|Amb)|NoNewPrivs|Seccomp|Cpus_allowed_list|NSpid):' /proc/$me/status | tr -s '\t ' ' ' |
    sed 's/^/self /'
tr '\0' '\n' </proc/$me/environ | sort | sed 's/^/self env /'
awk '{ print "self limit", $0 }' /proc/$me/limits
echo "self oom $(cat /proc/$me/oom_score_adj)"
echo "self cwd $(readlink /proc/$me/cwd)"
echo "self machine $(uname -m)"
echo "self parent $(cat /proc/$PPID/comm 2>/dev/null || echo none)"
awk '{ print "ids", $1, $3 }' /proc/self/uid_map; awk '{ print "ids", $1, $3 }' /proc/self/gid_map
ip -o link | awk '{ sub(/@.*/, "", $2); print "link", $2 }' | sort
ip -o link | grep -o 'link/ether [0-9a-f:]*' | sort
for f in /etc/resolv.conf /etc/localtime /etc/machine-id /etc/hostname; do
    echo "file $f $(stat -c '%F %a %u:%g' $f 2>/dev/null || echo none) $(readlink $f)"
    [ -f $f ] && sed "s|^|file $f: |" $f | head -40 | tr -cd '[:print:]\n'
done
find / -xdev -newer /usr/probe -printf 'changed %p %y\n' 2>/dev/null | sort
for d in / /usr /var /srv /mnt /opt /etc; do
    touch $d/.probe 2>/dev/null && { echo "writable $d"; rm $d/.probe; } || echo "read-only $d"
done
find /srv /mnt /opt -printf 'tree %p %y %m %U:%G\n' 2>/dev/null | sort
'''

# Known differences between box and systemd-nspawn, or between versions of systemd-nspawn: pattern and reason.
DIFFERENT = {
    r'host \.(boot-id|kmsg)': 'the sources of two masks; in systemd-nspawn they have no name',
    r'host inaccessible d|host inaccessible/(chr|blk)': 'no device nodes but those that are needed; owner and mode vary by version',
    r'host unix-export|mount /run/host/unix-export': 'of systemd 256',
    r'(status|self) CapInh': "systemd-nspawn's has all capabilities of the machine",
    r'host notify': 'mode 0755 in systemd 252, 0200 later',
    r'host (container-manager|container-uuid|os-release) f': 'owner and mode vary by version; test_run_host_… looks at them',
    r'mount /run/host(/os-release)? ': 'a tmpfs of its own that has a copy, not parts of /run and the host',
    r'mount /proc/sys/kernel/random/boot_id ': 'read-only; in systemd-nspawn its owner could write to it',
    r'dev char/\S+ l': "the same links, but the machine's own, not nobody's",
    r'dev (block|core) ': 'made whether there is something to point to or not',
    r'dev console|node /dev/console|mount /dev/console': 'bound, not a link; 0600 in systemd 257',
    r'(dev|node) \S*fuse': 'of systemd 257',
    r'mount /run/host/incoming ': 'read-only since systemd 257',
    r'mount /proc/(kallsyms|keys|timer_list)': 'of systemd 257; test_proc_file_is_masked looks at them',
    r'sys selinux|mount /sys/fs/selinux': 'not there, where systemd-nspawn masks it',
    r'options /sys ': "access times, on a file system that can't be written to",
}


def lines_of(lines, *kinds):
    """The probe's lines of some kinds, as a set, without the known differences."""
    return {line for line in lines if line.split(' ', 1)[0] in kinds and
            not any(re.match(pattern, line) for pattern in DIFFERENT)}
