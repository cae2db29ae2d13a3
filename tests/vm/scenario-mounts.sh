# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What box does with mounts on the oldest kernel that it is for: id maps below overlays, layers that are thrown away. A lab has its outer machine's kernel, which may be far newer. Run by guest.sh.

TREE=/var/lib/machines/deb
PLACE=/var/lib/machines/.place

# The output of a shell as payload.
inside() {      # SCRIPT SWITCH…
        local script=$1
        shift
        box-run --quiet -M deb -U --resolv-conf=off --timezone=off --pipe --register=no "$@" /bin/sh -c "$script" 2>&1
}

sees() {        # WANTED SCRIPT SWITCH…
        local wanted=$1 found
        shift
        found=$(inside "$@")
        equal "$wanted" "${found//$'\n'/ }"
}

unchanged() {
        find "$TREE" -xdev -printf '%P %U:%G %m %s %T@\n' | sha256sum
}

nothing_is_left() {
        local left
        left=$(find /var/tmp /var/lib/machines -mindepth 1 -maxdepth 1 -name '*box-*'; find "$PLACE" -name '.#*')
        equal '' "$left"
}

make_place() {
        mkdir -p "$PLACE"/{low,up}
        echo low >"$PLACE/low/low"
        echo up >"$PLACE/up/up"
        for i in {1..20}; do mkdir "$PLACE/l$i"; done
}

mapped_back() {
        equal '0:0 7:8' "$(stat -c %u:%g "$PLACE/up/new" "$PLACE/up/low" | xargs)" && [[ -c $PLACE/up/up-gone || ! -e $PLACE/up/up ]]
}

many_layers() {
        local lower said
        lower=$(printf "$PLACE/l%s:" {1..20})
        # Linux 6.8 and later take them one by one
        said=$(inside 'echo taken' "--overlay-ro=$lower/mnt")
        [[ $said == taken || $said == "box-run: --overlay-ro=: Failed to create the overlay on '/mnt': "* ]] || { echo "$said"; return 1; }
}

# Containers in the machine that have user namespaces, which mount /proc and /sys anew.
nested() {
        # shellcheck disable=SC2016
        inside 'unshare -Urmpfn sh -c "mount -t proc proc /proc && echo /proc/[1-9] && mount -t sysfs sysfs /mnt && echo nested"' \
                --private-network --settings=trusted
}

nesting_is_needed() {
        local without with
        without=$(nested)
        mkdir -p /etc/systemd/nspawn
        printf '[X-Box]\nNesting=yes\n' >/etc/systemd/nspawn/deb.nspawn
        with=$(nested)
        rm /etc/systemd/nspawn/deb.nspawn
        say note "nested without Nesting=: ${without//$'\n'/ }"
        equal '/proc/1 nested' "${with//$'\n'/ }"
}

boot_1() {
        local before
        make_place
        say note "Linux $(uname -r)"
        before=$(unchanged)
        check 'an ephemeral machine writes where it likes' \
                sees '0:0 5:6 mine' 'stat -c %u:%g /etc/passwd; mkdir /d; chown 5:6 /d; stat -c %u:%g /d; rm -r /var; echo mine' -x
        check 'a volatile one too' sees '0:0 gone' 'stat -c %u:%g /etc/passwd; rm /etc/passwd; echo gone' --volatile=overlay
        check 'Nesting=yes lets containers mount proc and sysfs' nesting_is_needed
        check 'one that starts empty' sees '0 usr/bin' 'stat -c %u /usr; readlink /bin' --volatile
        check 'one with a state of its own' sees '0 755' 'touch /var/x; stat -c "%u %a" /var' --volatile=state
        check 'a temporary layer over a directory of the tree' \
                sees 'changed' 'echo changed >/etc/issue; cat /etc/issue' --overlay=+/etc::/etc
        check 'the tree is as it was' equal "$before" "$(unchanged)"
        check 'directories of the host in an overlay are the machine'\''s' \
                sees '0:0 0:0 low up' 'cd /mnt; stat -c %u:%g low up; cat low up; rm up; chown 7:8 low; touch new' \
                "--overlay=$PLACE/low:$PLACE/up:/mnt"
        check 'what it wrote is root'\''s on the host' mapped_back
        check 'a mark of something that is gone is kept' sees 'low new' 'ls /mnt' "--overlay=$PLACE/low:$PLACE/up:/mnt"
        check 'many layers are taken, or refused with a word' many_layers
        check 'a temporary directory' sees '0 755' 'stat -c "%u %a" /scratch; touch /scratch/x' --bind=:/scratch
        check 'the owner of a bound directory is root' sees '0' 'stat -c %u /mnt; touch /mnt/x' "--bind=$PLACE/up:/mnt:rootidmap"
        check 'a place in /sys' sees 'low' 'cat /sys/firmware/x/low' "--bind=$PLACE/low:/sys/firmware/x" --private-network
        mkdir -p /etc/systemd/nspawn
        printf "[Exec]\nEphemeral=yes\n" >/etc/systemd/nspawn/deb.nspawn
        check 'an ephemeral system boots' timeout 250 systemctl start "${UNIT}deb"
        check 'it is on an overlay' equal overlay "$(systemd-run -qM deb --wait --pipe findmnt -no FSTYPE /)"
        check 'it stops' timeout 200 systemctl stop "${UNIT}deb"
        check 'nothing is left' nothing_is_left
}
