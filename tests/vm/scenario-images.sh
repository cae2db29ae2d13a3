# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Disk images on the oldest kernel that box is for, where the unit's device policy holds, udev is at work, and loop devices
# come with a module that is not loaded. Run by guest.sh.

TREE=/var/lib/machines/deb
DISK=/var/lib/machines/disk.raw
BARE=/var/lib/machines/bare.raw

# An MBR table whose first partition holds a copy of the payload, its second a few files that no machine sees.
make_disk() {
        mkfs.ext4 -q -E offset=1048576 -d "$TREE" "$DISK" 1G || return
        truncate -s $((1048576 + (1 << 30) + 1048576)) "$DISK"
        # active, type 83, sectors 2048 and 2097152; then type 82, which is swap
        printf '\x80\0\0\0\x83\0\0\0\0\x08\0\0\0\0\x20\0\0\0\0\0\x82\0\0\0\0\x08\x20\0\0\x08\0\0' |
                dd of="$DISK" bs=1 seek=446 conv=notrunc status=none || return
        printf '\x55\xaa' | dd of="$DISK" bs=1 seek=510 conv=notrunc status=none
}

make_bare() {
        local files
        files=$(mktemp -d) || return
        mkdir -p "$files"/{usr,bin,sbin,lib,lib64,proc,sys,dev,run,tmp,etc,var}
        for path in /bin/sh /bin/stat /bin/touch /bin/cat; do
                cp -L "$path" "$files/bin/" || return
                ldd "$path" | grep -o '/[^ ]*' | while read -r library; do
                        mkdir -p "$files${library%/*}"
                        cp -L "$library" "$files$library"
                done
        done
        : >"$files/etc/os-release"
        mkfs.ext4 -q -d "$files" "$BARE" 64M
}

# As a host is that has not used one yet: udev or a program of the boot may have.
unload_loop() {
        modprobe -r loop && systemctl restart kmod-static-nodes systemd-tmpfiles-setup-dev &&
                ! grep -q '^loop ' /proc/modules && [[ -c /dev/loop-control ]]
}

loops() {
        losetup --noheadings --output BACK-FILE
}

no_loop_is_left() {
        [[ -z $(loops) ]] || { losetup --list; return 1; }
}

bare() {        # SCRIPT SWITCH…
        local script=$1
        shift
        box-run --quiet -M bare --resolv-conf=off --timezone=off --pipe --register=no "$@" /bin/sh -c "$script" 2>&1
}

sees() {        # WANTED SCRIPT SWITCH…
        local wanted=$1 found
        shift
        found=$(bare "$@")
        equal "$wanted" "${found//$'\n'/ }"
}

killed() {
        local main
        systemctl start "${UNIT}disk" || return
        main=$(systemctl show --value -p MainPID "${UNIT}disk")
        kill -KILL "$main"
        within 60 systemctl is-failed --quiet "${UNIT}disk"
}

boot_1() {
        say note "Linux $(uname -r)"
        check 'a disk is made' make_disk
        check 'an image without a table is made' make_bare
        check 'the loop module is not loaded, only its node is there' unload_loop
        check 'an image boots by its name' timeout 300 systemctl start "${UNIT}disk"
        check 'its root is the partition' equal 'ext4' "$(systemd-run -qM disk --wait --pipe findmnt -no FSTYPE /)"
        check 'one loop device' equal "$DISK" "$(loops)"
        check 'machined knows where it lives' equal "$DISK" "$(machinectl show --value -p RootDirectory disk)"
        check 'no second machine of it' refused 'disk.raw' box-run --quiet --register=no -M other -i "$DISK" /bin/true
        check 'it stops' timeout 200 systemctl stop "${UNIT}disk"
        check 'no loop device is left' within 10 no_loop_is_left
        check 'a supervisor is killed' killed
        check 'no loop device is left of it' within 10 no_loop_is_left
        check 'systemd-nspawn takes the disk for the same' equal ext4 \
                "$(systemd-nspawn -q --register=no -i "$DISK" --read-only --pipe findmnt -no FSTYPE / 2>/dev/null)"
        check 'no loop device is left of that' within 10 no_loop_is_left
        check 'an image with a user namespace' sees '0 0' 'stat -c %u /etc/os-release; touch /x; stat -c %u /x' -U
        check 'what it wrote stays' sees '0' 'stat -c %u /x'
        check 'an ephemeral one' sees 'yes' 'touch /y && echo yes' -x -U
        check 'left nothing in the image' sees 'gone' '[ -e /y ] || echo gone'
        check 'a read-only one' sees 'no' 'touch /y 2>/dev/null || echo no' --read-only
        check 'no loop device is left of these' within 10 no_loop_is_left
}
