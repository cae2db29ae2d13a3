# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A machine is enabled and started; the host reboots; the machine is up again by itself, and the limits in its file ([X-Resources];
# systemd-nspawn's are its unit's) hold inside it; it may use the device that is bound into it and no other; it can be frozen;
# after a stop nothing of it is left. Run by guest.sh.

NAME=deb
SERVICE=$UNIT$NAME.service
GROUP=/sys/fs/cgroup/machine.slice/$(systemd-escape --template="$UNIT.service" "$NAME")
MEMORY_MAX=$((400 * 1024 * 1024))
FILE=/etc/systemd/nspawn/$NAME.nspawn
LIMITS="MemoryMax=$MEMORY_MAX
CPUQuota=50%
TasksMax=300
AllowedCPUs=0"

in_machine() {
        systemd-run --machine="$NAME" --wait --pipe --quiet --collect -- "$@"
}

machine_is_running() {
        [[ $(systemctl --machine="$NAME" is-system-running 2>/dev/null) == running ]]
}

registered() {
        machinectl --no-legend list | grep -q "^$NAME "
}

# Allocates memory without limit in a unit in the machine: true if that ended before the timeout. oom_kills tells whether
# it was killed for it.
eat_memory() {
        local status=0
        in_machine timeout 600 tail /dev/zero >/dev/null || status=$?
        [[ $status != 0 && $status != 124 ]] || { echo "ended with $status"; return 1; }
}

oom_kills() {
        awk '$1 == "oom_kill" { print $2 }' "$GROUP/memory.events"
}

# The CPU time in ms that the machine's unit gets in 10 s while something in it loops.
busy_milliseconds() {
        local before after
        in_machine timeout 14 sh -c 'while :; do :; done' &
        sleep 2
        before=$(awk '$1 == "usage_usec" { print $2 }' "$GROUP/cpu.stat")
        sleep 10
        after=$(awk '$1 == "usage_usec" { print $2 }' "$GROUP/cpu.stat")
        wait
        echo $(((after - before) / 1000))
}

# True if nothing in the machine advances while it is frozen, and it goes on when thawed.
freeze_holds() {
        local before after
        in_machine systemd-run --quiet --unit=ticker sh -c 'while :; do echo x >>/run/ticks; sleep 0.1; done'
        sleep 1
        systemctl freeze "$SERVICE" || return
        before=$(awk '$1 == "usage_usec" { print $2 }' "$GROUP/payload/cpu.stat")
        sleep 3
        after=$(awk '$1 == "usage_usec" { print $2 }' "$GROUP/payload/cpu.stat")
        systemctl thaw "$SERVICE" || return
        equal "$before" "$after" && machine_is_running
}

leftovers() {
        ip -br link | grep -E '(ve|vb|mv)-' && return 1
        grep -F "/var/lib/machines/$NAME" /proc/self/mounts && return 1
        [[ ! -e $GROUP ]] || { echo "$GROUP is there"; return 1; }
        ! registered
}

# The files that must survive the reboot. /nodes has a node of a device that Bind= does not name; every user may open both, so that
# only the unit's device policy prevents it.
set_limits() {
        if [[ $UNIT == box@ ]]; then
                mkdir -p "${FILE%/*}"
                printf '[Exec]\nOOMScoreAdjust=-500\nLimitNICE=-5\nLimitRTPRIO=10\n' >"$FILE"
                printf '[Files]\nBind=/dev/loop-control\nBind=/dev:/nodes:norbind\n[X-Resources]\n%s\n' "$LIMITS" >>"$FILE"
        else
                mkdir -p "/etc/systemd/system/$SERVICE.d"
                printf '[Service]\n%s\n' "$LIMITS" >"/etc/systemd/system/$SERVICE.d/limits.conf"
                systemctl daemon-reload
        fi
}

opens() {
        in_machine sh -c ": <>$1"
}

bound_device_works() {
        chmod 666 /dev/loop-control /dev/ttyS0
        check 'a bound device may be used' opens /dev/loop-control
        check 'another one may not' refused 'Operation not permitted' opens /nodes/ttyS0
        check 'why names the device policy' refused 'the device policy of the machine' \
                boxctl why "$NAME" -- sh -c ': <>/nodes/ttyS0'
        check 'one is added while it runs' boxctl device -q "$NAME" add /dev/ttyS0
        check 'it may be used then' opens /dev/ttyS0
        check 'it is removed while it runs' boxctl device -q "$NAME" remove /dev/ttyS0
        check 'its node is gone' equal '' "$(in_machine find /dev/ttyS0 -type c)"
        check 'and another node of it may not be used' refused 'Operation not permitted' opens /nodes/ttyS0
        check 'while the other one still may' opens /dev/loop-control
        systemctl set-property --runtime "$SERVICE" 'DeviceAllow=/dev/ttyS0 rw'
        check 'until the unit allows it' opens /nodes/ttyS0
}

# Checks that need CAP_SYS_RESOURCE, which a lab does not have.
raised_limits_hold() {
        # shellcheck disable=SC2016     # awk expands it
        equal -500 "$(in_machine cat /proc/1/oom_score_adj)" &&
                equal '25 25 10 10' "$(in_machine awk '/^Max nice/ { n = $4 " " $5 } /^Max realtime pri/ { r = $4 " " $5 }
                        END { print n, r }' /proc/1/limits)"
}

# The state of the limits in the cgroup and on the payload's PID 1.
live_limits() {
        echo "$(cat "$GROUP/memory.max") $(cat "$GROUP/cpu.weight") $(in_machine cat /proc/1/oom_score_adj)"
}

# follows WANTED: a file of the cgroup has that value within a second.
follows() {
        local i
        for i in 1 2 3 4 5 6 7 8 9 10; do
                [[ $(cat "$GROUP/memory.max") != "$1" ]] || return 0
                sleep 0.1
        done
        equal "$1" "$(cat "$GROUP/memory.max") after $i looks"
}

# Limits that are changed while the machine runs, for a time, and taken back.
limits_are_changed() {
        check 'limits are changed while it runs' boxctl set -q "$NAME" MemoryMax=500M CPUWeight=55 OOMScoreAdjust=-400
        check 'the cgroup follows within a second' follows $((500 * 1024 * 1024))
        check 'all of them hold' equal "$((500 * 1024 * 1024)) 55 -400" "$(live_limits)"
        check 'and are taken back' boxctl unset -q "$NAME" MemoryMax CPUWeight OOMScoreAdjust
        check 'the cgroup follows that, too' follows "$MEMORY_MAX"
        check 'the limits are those of the file' equal "$MEMORY_MAX 100 -500" "$(live_limits)"
        check 'a limit is set for a time' boxctl set -q "$NAME" MemoryMax=450M --for=20s
        check 'it holds' follows $((450 * 1024 * 1024))
        check 'it ends with its time' within 120 follows "$MEMORY_MAX"
}

# A payload that needs more memory than it may use before it is ready; who starts it reads that.
lack_of_memory_is_told() {
        local text
        printf '[Exec]\nBoot=no\nNotifyReady=yes\nParameters=/usr/bin/tail /dev/zero\n[X-Resources]\nMemoryMax=60M\n' >"$FILE"
        if text=$(timeout 300 boxctl start "$NAME" 2>&1); then
                echo 'it started'
                return 1
        fi
        systemctl show -p Result,StatusText "$SERVICE"
        systemctl reset-failed "$SERVICE"
        rm "$FILE"
        echo "$text"
        [[ $text == *memory*MemoryMax=* ]]
}

# What top shows of the cgroup, and memory that is taken back: files that were written once.
top_shows() {
        boxctl top --once -o json "$NAME" | grep -qE '"memory":[1-9][0-9]*,"memory_limit":'"$MEMORY_MAX"',.*"tasks":[1-9]'
}

reclaim_frees() {
        local said
        boxctl exec "$NAME" -- dd if=/dev/zero of=/var/tmp/cached bs=1M count=16 conv=fsync 2>/dev/null || return
        said=$(boxctl reclaim "$NAME" 8M) || return
        [[ $said =~ ^"$NAME: "([4-9]|[1-9][0-9]).[0-9]M\ reclaimed,\ .*left$ ]]
}

# Not all of it is to be had: the failure tells how much was.
too_much_is_told() {
        local said
        ! said=$(boxctl reclaim "$NAME" 100G 2>&1) && [[ $said == *'Only '*' could be reclaimed'* ]]
}

unit_is_as_before() {
        [[ ! -e /run/systemd/system.control/$SERVICE.d && ! -e /run/box/.changed-units/$SERVICE ]] || return
        equal '16384 infinity' "$(systemctl show --value -p TasksMax -p MemoryMax "$SERVICE" | sort | xargs)"
}

boot_1() {
        check 'the host runs without a failed unit' equal '' "$(systemctl --failed --no-legend)"
        check 'enable --now starts the machine' timeout 900 systemctl enable --now "$SERVICE"
        check 'the machine is registered' registered
        check 'the machine reaches running' within 600 machine_is_running
        if [[ $UNIT == box@ ]]; then
                check 'boxctl lists it' grep -q "^$NAME " <(boxctl list --no-legend)
        fi
        set_limits
}

boot_2() {
        check 'the machine is up again after a reboot of the host' within 900 machine_is_running
        check 'its unit is active' systemctl is-active "$SERVICE"
        check 'it is registered again' registered
        check 'MemoryMax= is in the cgroup' equal "$MEMORY_MAX" "$(cat "$GROUP/memory.max")"
        check 'CPUQuota= is in the cgroup' equal '50000 100000' "$(cat "$GROUP/cpu.max")"
        check 'TasksMax= is in the cgroup' equal 300 "$(cat "$GROUP/pids.max")"
        check 'AllowedCPUs= is in the cgroup' equal 0 "$(cat "$GROUP/cpuset.cpus")"
        check 'who eats more memory than the limit does not get it' eat_memory
        check 'the kernel killed it for that' between 1 100 "$(oom_kills)"
        check 'the machine outlives it' machine_is_running
        check 'a busy loop gets half a CPU' between 4500 5500 "$(busy_milliseconds)"
        if [[ $UNIT == box@ ]]; then
                bound_device_works
                check 'raised limits hold inside' raised_limits_hold
                limits_are_changed
                check 'top shows memory, its limit and tasks' top_shows
                check 'reclaim takes memory back' reclaim_frees
                check 'reclaim tells that there was less' too_much_is_told
        fi
        check 'a frozen machine stands still' freeze_holds
        check 'it stops' timeout 200 systemctl stop "$SERVICE"
        check 'it is not failed' equal inactive "$(systemctl is-active "$SERVICE")"
        check 'nothing of it is left' leftovers
        if [[ $UNIT == box@ ]]; then
                check 'its unit has its own limits again' unit_is_as_before
                check 'a payload that is killed for lack of memory is told as such' lack_of_memory_is_told
        fi
        check 'no unit of the host failed' equal '' "$(systemctl --failed --no-legend)"
}
