# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A machine runs under the AppArmor profile that its file names, or under box's own where that is loaded: a distribution works
# under it, and root of a machine without user namespace does not change the kernel. Run by guest.sh.

NAME=deb
PROFILES=/sys/kernel/security/apparmor/policy/namespaces

run_under() {   # PROFILE COMMAND…: in the machine's tree
        printf '[Exec]\nBoot=no\n[X-Box]\nAppArmorProfile=%s\n' "$1" >"/etc/systemd/nspawn/$NAME.nspawn"
        shift
        box-run -q --machine="$NAME" -U --pipe "$@" 2>&1
}

# Where it fails, says why on standard output: what is compared with the wanted label.
start_machine() {
        systemctl start "$UNIT$NAME" 2>&1 && return
        journalctl -q --no-pager --boot --output=short-precise --lines=20 --unit="$UNIT$NAME" --unit=systemd-machined --unit=dbus
        return 1
}

label_of_machine() {
        printf '[X-Box]\nAppArmorProfile=:box:unconfined\n' >"/etc/systemd/nspawn/$NAME.nspawn"
        start_machine || return
        tr -d '\0' <"/proc/$(machinectl show --value --property=Leader "$NAME")/attr/apparmor/current"
        systemctl stop "$UNIT$NAME"
}

# A program that box runs in the machine is confined, too.
label_of_shell() {
        local pid
        run_under :box:unconfined /bin/sleep 777 >/dev/null &
        within 60 pgrep -xf '/bin/sleep 777' >/dev/null || return
        within 60 boxctl show "$NAME" >/dev/null || return
        boxctl shell -q "$NAME" /bin/sleep 778 </dev/null >/dev/null 2>&1 &
        within 60 pgrep -xf '/bin/sleep 778' >/dev/null || return
        pid=$(pgrep -xf '/bin/sleep 778' | tail -n 1)
        tr -d '\0' <"/proc/$pid/attr/apparmor/current"
        boxctl terminate "$NAME"
        wait
}

# ---- box's own profile -----------------------------------------------------------------------------------------

OWN=/etc/apparmor.d/box-machine
# shellcheck disable=SC2016
# What root of the host can do to the kernel: NAME COMMAND. Each writes what is there already, in mounts of its own.
ATTACKS='
core-pattern    mount -o remount,bind,rw /proc/sys && keep /proc/sys/kernel/core_pattern
modprobe        umount -R /proc/sys && keep /proc/sys/kernel/modprobe
swappiness      umount -R /proc/sys && keep /proc/sys/vm/swappiness
service-proc    mkdir -p $unit/proc && mount -t proc proc $unit/proc && keep $unit/proc/sys/vm/swappiness
service-sys     mkdir -p $unit/sys && mount -t sysfs sysfs $unit/sys && keep $unit/sys/module/printk/parameters/time
sysrq           umount /proc/sysrq-trigger && echo h >/proc/sysrq-trigger
proc-elsewhere  mount -t proc proc /mnt && echo h >/mnt/sysrq-trigger
bound-setting   mount --bind /proc/sys/kernel/core_pattern /mnt/file && mount -o remount,bind,rw /mnt/file && keep /mnt/file
bound-all       mount --rbind / /mnt && mount -o remount,bind,rw /mnt/proc/sys && keep /mnt/proc/sys/vm/swappiness
sysfs           mount -t sysfs sysfs /mnt && keep /mnt/module/printk/parameters/time
sys             mount -o remount,bind,rw /sys && keep /sys/module/printk/parameters/time
securityfs      mount -t securityfs securityfs /mnt
debugfs         mount -t debugfs debugfs /mnt
tracefs         mount -t tracefs tracefs /mnt
devtmpfs        mount -t devtmpfs devtmpfs /mnt
bpf             mount -t bpf bpf /mnt
'

# shellcheck disable=SC2016
KEEP='keep() { value=$(cat "$1") && echo "$value" >"$1"; }'

# The names of those that succeed in a machine without user namespace.
attacks() {
        local name command script='touch /mnt/file; export unit=/run/systemd/unit-root'
        while read -r name command; do
                [[ -z $name ]] || script+="
                        unshare -m sh -c '$KEEP; $command' >/dev/null 2>&1 && echo $name"
        done <<<"$ATTACKS"
        box-run -q --machine="$NAME" --private-users=no --pipe --register=no /bin/sh -c "$script; true" 2>&1
}

names_of_attacks() {
        awk 'NF { print $1 }' <<<"$ATTACKS"
}

settings() {    # LINE…: the machine's file
        printf '%s\n' "$@" >"/etc/systemd/nspawn/$NAME.nspawn"
}

# The label of a command of the machine, as it sees it.
label_of_command() {    # SWITCH…
        box-run -q --machine="$NAME" --pipe --register=no "$@" /bin/cat /proc/self/attr/current 2>&1 | tr -d '\0'
}

# Refusals in the kernel's log since the last look.
refusals() {
        journalctl --sync
        journalctl -q --no-pager --output=cat --cursor-file=/run/refusals --grep='apparmor="DENIED"' _TRANSPORT=kernel |
                sed 's/^.*audit([^)]*): //'
}
no_refusals() { equal '' "$(refusals)"; }

label_of() { tr -d '\0' <"/proc/$1/attr/apparmor/current"; }

# What a program says that boxctl runs in the machine.
in_machine() {  # SCRIPT
        boxctl shell -q "$NAME" /bin/sh -c "$1" </dev/null 2>&1
}

no_failed_units() {
        equal 'running' "$(in_machine 'systemctl is-system-running --wait')" || in_machine 'systemctl --failed --no-legend --plain; exit 1'
}

# A service with all that systemd can mount for it.
hardened_service() {
        in_machine 'systemd-run -q --wait --pipe -p ProtectKernelTunables=yes -p ProtectKernelLogs=yes -p ProtectKernelModules=yes \
                -p ProtectControlGroups=yes -p ProtectProc=invisible -p ProcSubset=pid -p ProtectSystem=strict -p ProtectHome=yes \
                -p ProtectHostname=yes -p PrivateTmp=yes -p PrivateDevices=yes -p PrivateNetwork=yes -p DynamicUser=yes \
                -p TemporaryFileSystem=/srv -p BindReadOnlyPaths=/etc:/srv -p NoNewPrivileges=yes \
                sh -c "head -n 1 /srv/passwd; cat /proc/self/attr/current; ls /proc | grep -c sysrq; true"'
}

# A package with a unit, a user, and a file of another owner is installed, upgraded and removed.
package_comes_and_goes() {
        # shellcheck disable=SC2016
        in_machine '
                set -e
                for version in 1 2; do
                        mkdir -p /tmp/p/DEBIAN /tmp/p/usr/bin /tmp/p/usr/include/sys /tmp/p/usr/share/kernel
                        printf "Package: fine\nVersion: $version\nArchitecture: all\nMaintainer: x\nDescription: x\n" >/tmp/p/DEBIAN/control
                        printf "#!/bin/sh\nid fine || useradd --system fine\nchown fine /usr/bin/fine\nldconfig\n" >/tmp/p/DEBIAN/postinst
                        chmod 755 /tmp/p/DEBIAN/postinst
                        echo "$version" >/tmp/p/usr/bin/fine
                        cp /tmp/p/usr/bin/fine /tmp/p/usr/include/sys/fine.h
                        cp /tmp/p/usr/bin/fine /tmp/p/usr/share/kernel/modprobe
                        dpkg-deb --build /tmp/p /tmp/fine.deb
                        dpkg --install /tmp/fine.deb
                done
                dpkg --purge fine' >/dev/null && in_machine 'test ! -e /usr/bin/fine'
}

boots_well() {  # LINE…: with these settings, under the profile
        local leader
        refusals >/dev/null
        settings "$@"
        check "the machine starts ($*)" start_machine
        leader=$(machinectl show --value --property=Leader "$NAME")
        check 'it is under the profile' equal 'box-machine (enforce)' "$(label_of "$leader")"
        check 'a distribution boots, no unit has failed' no_failed_units
        check 'a shell is under the profile' equal 'box-machine (enforce)' "$(in_machine 'cat /proc/self/attr/current')"
        check 'a service that has its own mounts' equal "$(printf 'root:x:0:0:root:/root:/bin/bash\nbox-machine (enforce)\n0')" "$(hardened_service)"
        check 'a package is installed, upgraded and removed' package_comes_and_goes
        check 'signals and ptrace among its processes' in_machine 'sleep 99 & kill -0 $! && ls -l /proc/$!/exe && cat /proc/1/environ >/dev/null && kill $!'
        check 'the machine stops' systemctl stop "$UNIT$NAME"
        check 'it has stopped well' equal success "$(systemctl show --value --property=Result "$UNIT$NAME")"
        check 'nothing was refused' no_refusals
}

# A profile of the site on top of the machine's.
stack() {       # WORDS: what is written to attr/current
        box-run -q --machine="$NAME" --private-users=no --pipe --register=no /bin/sh -c \
                "{ echo $1 >/proc/self/attr/current; } 2>/dev/null || echo refused; cat /proc/self/attr/current" 2>&1 | tr -d '\0'
}

# A small tree for a machine in the machine, and box-run with the libraries that it loads.
make_inner() {
        local tree=/var/lib/machines/$NAME file
        mkdir -p "$tree/srv/inner/"{bin,usr,etc,proc,sys,dev,run,tmp}
        chmod 0700 "$tree/srv"
        cp /usr/bin/box-run "$tree/usr/local/bin/"
        cp --parents /usr/libexec/box/enter-stub "$tree"
        for file in $(ldd /usr/bin/box-run | grep -o '/[^ ]*') /usr/lib/x86_64-linux-gnu/lib{jansson,blkid,mount}.so.?; do
                [[ -e $tree$file ]] || cp --parents "$file" "$tree"
        done
        cp /bin/{cat,dash,mount} "$tree/srv/inner/bin/"
        ln -sf dash "$tree/srv/inner/bin/sh"
        for file in $(ldd /bin/cat /bin/dash /bin/mount | grep -o '/[^ ]*' | sort -u); do [[ $file == *: ]] || cp --parents "$file" "$tree/srv/inner"; done
}

box_in_box() {
        box-run -q --machine="$NAME" --private-users=no --pipe --register=no /bin/sh -c \
                'box-run -q -D /srv/inner --private-users=no --pipe --register=no --resolv-conf=off --timezone=off /bin/sh -c "cat /proc/self/attr/current"' 2>&1 |
                tr -d '\0'
}

proc_in_containers() {
        box-run -q --machine="$NAME" -U --private-network --pipe --register=no /bin/sh -c \
                'unshare -Urmpfn sh -c "mount -t proc proc /mnt && cat /mnt/self/attr/current && mount -t sysfs sysfs /srv && echo nested"' 2>&1 | tr -d '\0'
}

own_profile() {
        local line notice
        notice="AppArmor profile 'box-machine' is not loaded, ignoring"
        settings '[Exec]' 'Boot=no'
        check 'box'\''s profile is not loaded: a machine starts' equal unconfined "$(label_of_command --private-users=no)"
        check 'and says so, if it is not quiet' grep -qF "box-run: Machine '$NAME': $notice" \
                <(box-run --machine="$NAME" --private-users=no --pipe --register=no /bin/true 2>&1)
        check 'without a profile, root of the host changes the kernel' equal "$(names_of_attacks)" "$(attacks)"

        check 'the profile is loaded' apparmor_parser --replace "$OWN"
        check 'a machine is under it' equal 'box-machine (enforce)' "$(label_of_command --private-users=no)"
        check 'with a user namespace, too' equal 'box-machine (enforce)' "$(label_of_command -U)"
        check 'with no_new_privs' equal 'box-machine (enforce)' "$(label_of_command --no-new-privileges=yes)"
        check 'with a stub as PID 1' equal 'box-machine (enforce)' "$(label_of_command --as-pid2)"
        check 'as another user' equal 'box-machine (enforce)' "$(label_of_command --user=nobody)"
        refusals >/dev/null
        check 'the profile refuses what changes the kernel' equal '' "$(attacks)"
        refusals | sed 's/pid=[0-9]* //' | sort -u | while read -r line; do say note "$line"; done

        settings '[Exec]' 'Boot=no' '[X-Box]' 'AppArmorProfile=unconfined'
        check 'AppArmorProfile=unconfined' equal unconfined "$(label_of_command --private-users=no)"
        check 'there, root of the host changes the kernel again' equal "$(names_of_attacks)" "$(attacks)"

        check 'a profile of the site is loaded' apparmor_parser --replace <<<'profile site-app flags=(attach_disconnected) { file, signal, }'
        settings '[Exec]' 'Boot=no'
        check 'it goes on top of the machine'\''s' equal 'box-machine//&site-app (enforce)' "$(stack 'stack site-app')"
        check 'and not in its place' equal $'refused\nbox-machine (enforce)' "$(stack 'changeprofile site-app')"

        make_inner
        settings '[Exec]' 'Boot=no' '[X-Box]' 'Nesting=yes'
        refusals >/dev/null
        check 'with Nesting=, a profile for nesting' equal 'box-machine-nesting (enforce)' "$(label_of_command --private-users=no)"
        check 'a machine in the machine' equal 'box-machine-nesting (enforce)' "$(box_in_box)"
        check 'a container in the machine mounts /proc and /sys' equal 'box-machine-nesting (enforce)|nested' "$(proc_in_containers | paste -sd '|')"
        check 'no container was refused anything' no_refusals
        check 'what changes the kernel is refused with Nesting=, too' equal '' \
                "$(attacks | grep -vx sysfs)"

        boots_well '[Exec]' 'PrivateUsers=no'
        boots_well '[Exec]' 'PrivateUsers=pick' '[Network]' 'VirtualEthernet=yes'
}

boot_1() {
        mkdir -p /etc/systemd/nspawn
        check 'the kernel has AppArmor on' equal Y "$(cat /sys/module/apparmor/parameters/enabled)"
        check 'a namespace of profiles is made' mkdir "$PROFILES/box"
        check 'a profile that is not loaded is a failure' equal 1 \
                "$(run_under no-such-profile true | grep -c 'AppArmorProfile=no-such-profile: no such profile is loaded')"
        check 'an optional profile that is missing is ignored' equal runs "$(run_under -no-such-profile echo runs)"
        check 'a machine that boots is under its profile' equal ':box:unconfined' "$(label_of_machine)"
        check 'a shell in a machine is under its profile too' equal ':box:unconfined' "$(label_of_shell)"
        own_profile
}
