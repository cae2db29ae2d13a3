# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A machine runs under the AppArmor profile that its file names: here, since there is nothing to load profiles with, the one
# that every AppArmor namespace begins with. Run by guest.sh.

NAME=deb
PROFILES=/sys/kernel/security/apparmor/policy/namespaces

run_under() {   # PROFILE COMMAND…: in the machine's tree
        printf '[Exec]\nBoot=no\n[X-Box]\nAppArmorProfile=%s\n' "$1" >"/etc/systemd/nspawn/$NAME.nspawn"
        shift
        box-run -q --machine="$NAME" -U --pipe "$@" 2>&1
}

label_of_machine() {
        printf '[X-Box]\nAppArmorProfile=:box:unconfined\n' >"/etc/systemd/nspawn/$NAME.nspawn"
        systemctl start "$UNIT$NAME" || return
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

boot_1() {
        mkdir -p /etc/systemd/nspawn
        check 'the kernel has AppArmor on' equal Y "$(cat /sys/module/apparmor/parameters/enabled)"
        check 'a namespace of profiles is made' mkdir "$PROFILES/box"
        check 'a profile that is not loaded is a failure' equal 1 \
                "$(run_under no-such-profile true | grep -c 'AppArmorProfile=no-such-profile: no such profile is loaded')"
        check 'an optional profile that is missing is ignored' equal runs "$(run_under -no-such-profile echo runs)"
        check 'a machine that boots is under its profile' equal ':box:unconfined' "$(label_of_machine)"
        check 'a shell in a machine is under its profile too' equal ':box:unconfined' "$(label_of_shell)"
}
