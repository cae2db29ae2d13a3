# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Network features that need a kernel with its modules and a host with hardware: ipvlan; an interface that the kernel returns
# to the host, from a namespace of the payload or after the supervisor was killed; and ports, whose modules are loaded on
# demand. Run by guest.sh.

NAME=deb
SERVICE=$UNIT$NAME.service
FILE=/etc/systemd/nspawn/$NAME.nspawn

# The only hardware interface.
hardware() {
        local link
        for link in /sys/class/net/*; do
                [[ ! -e $link/device ]] || basename "$link"
        done
}

# start_with COMMAND LINE…: starts the machine with a command and lines of [Network].
start_with() {
        local command=$1
        shift
        {
                printf '[Exec]\nBoot=no\nParameters=%s\n[Network]\n' "$command"
                printf '%s\n' "$@"
        } >"$FILE"
        timeout 200 systemctl start "$SERVICE"
}

stop() {
        timeout 200 systemctl stop "$SERVICE"
}

leader() {
        machinectl show --value --property=Leader "$NAME"
}

inside() {
        nsenter --target "$(leader)" --net -- "$@"
}

ipvlan_is_there() {
        local address
        address=$(cat "/sys/class/net/$NIC/address")
        inside ip -details link show "iv-$NIC" | grep -q 'ipvlan *mode l2' || return
        inside ip link show "iv-$NIC" | grep -qF "$address"
}

# Moves the machine's interface to the namespace of its second process.
hide() {
        local hidden
        hidden=$(pgrep --parent "$(leader)" | head -n 1)
        [[ -n $hidden && ! /proc/$hidden/ns/net -ef /proc/$(leader)/ns/net ]] || return
        inside ip link set lan down
        inside ip link set lan name hidden
        inside ip link set hidden netns "$hidden"
}

is_back() {
        [[ $(hardware) == "$NIC" ]] || { echo "the hardware is called '$(hardware)'"; return 1; }
        equal '' "$(cat "/sys/class/net/$NIC/ifalias")"
}

kill_all() {
        systemctl kill --signal=KILL "$SERVICE"
        within 60 hardware_is lan
}

hardware_is() {
        [[ $(hardware) == "$1" ]]
}

port_leads_to_machine() {
        nft list table inet "box-$NAME" | grep -q 'dnat ip to 10.78.0.2:80'
}

configure_port() {
        ip address add 10.78.0.1/24 dev portwire && ip link set portwire up || return
        inside ip address add 10.78.0.2/24 dev host0 && inside ip link set host0 up
}

boot_1() {
        local sleep='/bin/sleep 10000'
        mkdir -p /etc/systemd/nspawn
        # shellcheck disable=SC2016     # eval expands it
        check 'udev has named the hardware' within 60 eval '[[ -e /run/udev/data/n$(cat /sys/class/net/$(hardware)/ifindex) ]]'
        NIC=$(hardware)

        check 'a machine with an ipvlan starts' start_with "$sleep" "IPVLAN=$NIC"
        check 'it is an ipvlan with the address of its parent' ipvlan_is_there
        check 'it stops' stop

        check 'a machine with the hardware starts' start_with "$sleep" "Interface=$NIC:lan"
        check 'the hardware is not on the host' hardware_is ''
        check 'it stops, too' stop
        check 'the hardware is back' is_back

        check 'a machine that hides the hardware starts' \
                start_with '/bin/sh -c "unshare --net sleep 10000 & sleep 10000"' "Interface=$NIC:lan"
        check 'it hides it' within 20 hide
        check 'it stops as well' stop
        check 'the hardware is back from where it was hidden' is_back

        check 'a machine starts whose supervisor will be killed' start_with "$sleep" "Interface=$NIC:lan"
        check 'the kernel brings the hardware back under its last name' kill_all
        systemctl reset-failed "$SERVICE"
        check 'the machine finds it under that' start_with "$sleep" "Interface=$NIC:lan"
        check 'it stops once more' stop
        check 'the hardware has its name again' is_back

        check 'a machine with a port starts' start_with "$sleep" 'VirtualEthernetExtra=portwire:host0' 'Port=8080:80'
        check 'it gets an address' configure_port
        check 'the port leads there' within 20 port_leads_to_machine
        check 'it is killed' systemctl kill --signal=KILL "$SERVICE"
        check 'no rule is left' within 20 eval '! nft list tables | grep -q box-'
}
