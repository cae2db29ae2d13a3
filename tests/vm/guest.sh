# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs a scenario in the VM, as root, by box-vm.service on every boot of it. A scenario is a file with functions boot_1,
# boot_2, …: each is one boot of the host, and between them the host reboots in an orderly way. It calls `check`, and may
# use $UNIT (box@ or systemd-nspawn@).
#
# Results go to the second serial port: VERDICT<TAB>NAME<TAB>DETAIL, where the verdict is ok, failed, note or end.

exec 3>/dev/ttyS1
stty -F /dev/ttyS1 raw -echo

# shellcheck source=/dev/null
source /scenario/settings

say() {         # VERDICT NAME [DETAIL]
        local detail=${3-}
        detail=${detail//$'\n'/ | }
        printf '%s\t%s\t%s\n' "$1" "$2" "${detail//$'\t'/ }" >&3
}

# check NAME COMMAND…: the command succeeds. What it prints is shown where it does not.
check() {
        local name=$1 output
        shift
        if output=$("$@" 2>&1); then
                say ok "$name"
        else
                say failed "$name" "status $?: $output"
        fi
}

# within SECONDS COMMAND…: the command succeeds before the time is over.
within() {
        local deadline=$((SECONDS + $1))
        shift
        until "$@"; do
                ((SECONDS < deadline)) || return 1
                sleep 0.5
        done
}

# equal WANTED FOUND / between LOW HIGH FOUND: say both when they do not hold.
equal() {
        [[ $1 == "$2" ]] || { echo "wanted '$1', found '$2'"; return 1; }
}
between() {
        (($1 <= $3 && $3 <= $2)) || { echo "wanted $1 to $2, found '$3'"; return 1; }
}

# refused WHY COMMAND…: the command fails, and says why.
refused() {
        local why=$1 output
        shift
        if output=$("$@" 2>&1); then
                echo 'it succeeded'
                return 1
        fi
        [[ $output == *"$why"* ]] || { echo "$output"; return 1; }
}

stage=$(($(cat /var/lib/box-vm-stage 2>/dev/null || echo 0) + 1))
echo "$stage" >/var/lib/box-vm-stage

if ((stage == 1)) && [[ -d /scenario/box ]]; then
        # /lib is a link on the host and may be a directory in what was installed
        tar -C /scenario/box -c . | tar -C / -x --keep-directory-symlink
        ldconfig
        # an emulated CPU that has to share a busy one takes its time to boot a machine
        mkdir -p /etc/systemd/system.conf.d
        printf '[Manager]\nDefaultTimeoutStartSec=15min\n' >/etc/systemd/system.conf.d/slow.conf
        systemctl daemon-reload
fi

# shellcheck source=/dev/null
source /scenario/scenario.sh || say failed 'the scenario can be read'
declare -F "boot_$stage" >/dev/null || say failed "boot $stage" 'the scenario has no such function'

say note "boot $stage: up after $(cut -d' ' -f1 /proc/uptime) s"
"boot_$stage"
if declare -F "boot_$((stage + 1))" >/dev/null; then
        say note "rebooting the host"
        systemctl reboot
else
        say end "scenario"
        systemctl poweroff
fi
