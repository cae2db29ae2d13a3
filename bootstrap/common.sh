# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The shared part of the bootstrap scripts: the command line, the progress display, the hidden work directory with its
# lock, the isolation of the build, and the final changes to every tree. Sourced, never executed; runs as root on the
# host. README.md beside this file describes how to add a distribution.
#
# No incomplete tree is ever visible: the tree is built in .#NAME.XXXXXX beside the final path, which is renamed at the
# end and removed on any failure or signal. The build tools run in separate mount and PID namespaces, so that killing
# one process kills all of them and removes their mounts; the work directory is removed after that.
#
# A distribution's script sets these, sources this file, defines the functions and calls bootstrap_main "$@":
#   SUMMARY                     one line for --help
#   distribution_options        declares its options with option() (optional)
#   distribution_configure      checks OPT[] and sets defaults; changes nothing
#   distribution_plan           prints what would be done, for --dry-run
#   distribution_build TREE     builds the tree; step() and run_tool() show progress
#   STEPS                       number of step() calls of a run, set by distribution_configure at the latest

set -euo pipefail
shopt -s extglob
umask 022

readonly PROGRAM=${0##*/}
declare -A OPT=() OPTION_ARG=() OPTION_HELP=()
declare -a OPTION_ORDER=()
STEPS=1
STEP=0
STEP_TITLE=
WORK=               # the hidden work directory, if created
LOCK=               # the lock file, if locked
CHILD=              # PID of the running build, if any
LIVE=0              # whether the terminal's last line is unfinished

# --- messages ----------------------------------------------------------------------------------------------------

say() {
        clear_live
        printf '%s\n' "$*" >&2
}

note() {
        [[ -n ${OPT[quiet]-} ]] || say "$@"
}

fail() {
        say "$PROGRAM: $*"
        exit 1
}

usage_error() {
        say "$PROGRAM: $*"
        say "Try '$PROGRAM --help'."
        exit 2
}

clear_live() {
        if (( LIVE )); then
                printf '\r\033[K' >&2
                LIVE=0
        fi
}

# Prints the line of the next step.
step() {
        STEP=$((STEP + 1))
        STEP_TITLE=$*
        [[ -z ${OPT[quiet]-} ]] || return 0
        say "[$STEP/$STEPS] $STEP_TITLE"
}

# progress DONE TOTAL: shows the progress of the current step, on a terminal only.
progress() {
        [[ -z ${OPT[quiet]-} && -t 2 ]] || return 0
        if (( $2 > 0 )); then
                local done=$(( $1 < $2 ? $1 : $2 ))
                printf '\r\033[K      %3d%%  %d of %d' $((done * 100 / $2)) "$done" "$2" >&2
        else
                printf '\r\033[K      %d' "$1" >&2
        fi
        LIVE=1
}

# --- command line --------------------------------------------------------------------------------------------------

# option NAME METAVAR HELP: one row per option; METAVAR is empty for a switch. The parser and --help use the rows.
option() {
        OPTION_ORDER+=("$1")
        OPTION_ARG[$1]=$2
        OPTION_HELP[$1]=$3
}

common_options() {
        option directory PATH "create the tree at PATH instead of /var/lib/machines/NAME"
        option hostname HOST "write HOST to /etc/hostname (default: no file, the machine's name is used)"
        option root-password PASSWORD "set root's password (visible in the process list; see --password-file)"
        option hashed-root-password HASH "set root's password from a crypt(3) hash"
        option password-file FILE "set root's password from FILE's first line ('-': standard input)"
        option dry-run "" "print what would be done, and do nothing"
        option quiet "" "print errors only"
        option help "" "show this help"
}

show_help() {
        local name left

        printf 'Usage: %s [OPTION]… NAME\n\n%s\n\nOptions:\n' "$PROGRAM" "$SUMMARY"
        for name in "${OPTION_ORDER[@]}"; do
                left="--$name${OPTION_ARG[$name]:+=${OPTION_ARG[$name]}}"
                printf '  %-31s %s\n' "$left" "${OPTION_HELP[$name]}"
        done
        printf '\nWithout a password option root has no valid password, and logs in only through boxctl shell.\n'
}

parse_arguments() {
        local argument name
        local -a names=()

        while (( $# )); do
                argument=$1
                shift
                case $argument in
                -h) argument=--help ;;
                -q) argument=--quiet ;;
                --) names+=("$@"); break ;;
                --*) ;;
                -?*) usage_error "Unknown option '$argument'" ;;
                *) names+=("$argument"); continue ;;
                esac

                name=${argument#--}
                name=${name%%=*}
                [[ -v OPTION_ARG[$name] ]] || usage_error "Unknown option '--$name'"
                if [[ -z ${OPTION_ARG[$name]} ]]; then
                        [[ $argument != *=* ]] || usage_error "Option '--$name' takes no argument"
                        OPT[$name]=yes
                elif [[ $argument == *=* ]]; then
                        OPT[$name]=${argument#*=}
                else
                        (( $# )) || usage_error "Option '--$name' needs an argument"
                        OPT[$name]=$1
                        shift
                fi
        done

        if [[ -n ${OPT[help]-} ]]; then
                show_help
                exit 0
        fi
        (( ${#names[@]} <= 1 )) || usage_error "Only one NAME is allowed, got '${names[1]}' too"
        NAME=${names[0]-}
}

# A machine name is a host name of letters, digits, '-', '_' and '.', at most 64 characters.
name_is_valid() {
        local LC_ALL=C

        (( ${#1} >= 1 && ${#1} <= 64 )) || return 1
        [[ $1 =~ ^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*$ ]] || return 1
        [[ $1 != -* && $1 != *- && $1 != *.-* && $1 != *-.* ]]
}

# Sets NAME, DESTINATION and PARENT.
resolve_destination() {
        local directory=${OPT[directory]-}

        if [[ -v OPT[directory] ]]; then
                [[ -n $directory ]] || usage_error "Option '--directory' needs a path"
                directory=$(realpath -ms -- "$directory")
                [[ -n $NAME ]] || NAME=${directory##*/}
                DESTINATION=$directory
        else
                [[ -n $NAME ]] || usage_error "NAME is missing"
                DESTINATION=/var/lib/machines/$NAME
        fi
        name_is_valid "$NAME" || usage_error "'$NAME' is not a valid machine name"
        PARENT=${DESTINATION%/*}
        PARENT=${PARENT:-/}
}

check_common_options() {
        local given=0 name

        for name in root-password hashed-root-password password-file; do
                [[ ! -v OPT[$name] ]] || given=$((given + 1))
        done
        (( given <= 1 )) || usage_error "Only one of --root-password, --hashed-root-password and --password-file can be used"
        if [[ -v OPT[root-password] ]]; then
                check_password "${OPT[root-password]}" --root-password
        fi
        if [[ -v OPT[hashed-root-password] && ! ${OPT[hashed-root-password]} =~ ^[!-9\;-~]+$ ]]; then
                usage_error "--hashed-root-password= is not a crypt(3) hash"
        fi
        if [[ -v OPT[hostname] ]]; then
                name_is_valid "${OPT[hostname]}" || usage_error "'${OPT[hostname]}' is not a valid host name"
        fi
}

check_password() {
        [[ -n $1 && $1 != *$'\n'* ]] || usage_error "The password of $2 is empty or has more than one line"
}

# The password file is read before the build, so that a wrong path is reported before the download.
read_password_file() {
        local file=${OPT[password-file]} password=

        if [[ $file == - ]]; then
                IFS= read -r password || true
        else
                [[ -r $file && ! -d $file ]] || fail "Cannot read password file '$file'"
                IFS= read -r password <"$file" || true
        fi
        check_password "$password" --password-file
        OPT[root-password]=$password
}

# need PROGRAM PACKAGE: fails and names the package to install if the program is missing.
need() {
        command -v "$1" >/dev/null || fail "'$1' is not installed; install the package '$2'"
}

# --- the work directory --------------------------------------------------------------------------------------------

check_host() {
        (( EUID == 0 )) || fail "Must run as root to create a tree"
        [[ ! -e $DESTINATION && ! -L $DESTINATION ]] || fail "'$DESTINATION' already exists; it is not changed"
        need unshare util-linux
        need setpriv util-linux
        need flock util-linux
}

open_work() {
        local left

        if [[ ! -v OPT[directory] && ! -d $PARENT ]]; then
                install -d -m 0700 "$PARENT"
        fi
        [[ -d $PARENT ]] || fail "'$PARENT' is not a directory"
        check_parent
        take_lock

        # Checked again under the lock: another run may have finished since the first check.
        [[ ! -e $DESTINATION && ! -L $DESTINATION ]] || fail "'$DESTINATION' already exists; it is not changed"
        for left in "$PARENT/.#$NAME".??????; do
                [[ ! -d $left ]] || note "$PROGRAM: '$left' was left by a killed run; it can be removed"
        done

        WORK=$(mktemp -d -- "$PARENT/.#$NAME.XXXXXX") || fail "Cannot create a work directory in '$PARENT'"
        # Unprivileged download users such as apt's must be able to enter it.
        chmod 0755 "$WORK"
        mkdir -m 0755 "$WORK/tree"
        mkdir -m 1777 "$WORK/tmp"
        : >"$WORK/log"
}

# The owner of a directory can exchange what is in it while we write there: it and all above it must be root's.
check_parent() {
        local directory

        directory=$(realpath -e -- "$PARENT")
        while :; do
                [[ $(stat -c %u -- "$directory") == 0 ]] ||
                        fail "'$directory' belongs to another user, who could exchange files in it; choose a directory of root's"
                # Of a sticky directory (/tmp), names of root's are root's.
                (( ($(stat -c 0x%f -- "$directory") & 0022) == 0 || ($(stat -c 0x%f -- "$directory") & 01000) != 0 )) ||
                        fail "Other users may write to '$directory', and could exchange files in it; choose another one"
                [[ $directory != / ]] || break
                directory=$(dirname -- "$directory")
        done
        (( ($(stat -L -c 0x%f -- "$PARENT") & 0011) == 0 )) ||
                note "$PROGRAM: '$PARENT' is open to all users, who could execute set-user-ID programs of the machine;" \
                        "close it: chmod 0700 '$PARENT'"
}

# Not beside the tree, where other users may have put a link in its place. The lock file is removed on release, perhaps
# after we opened it: the locked file must still be the one with this name.
take_lock() {
        local file

        install -d -m 0700 /run/box-bootstrap
        file="/run/box-bootstrap/$(stat -L -c %d-%i -- "$PARENT")-$NAME.lck"
        while :; do
                exec {LOCK_FD}>>"$file" || fail "Cannot create lock file '$file'"
                flock -n "$LOCK_FD" || fail "Another run is creating '$DESTINATION'"
                [[ ! $file -ef /proc/self/fd/$LOCK_FD ]] || break
                exec {LOCK_FD}>&-
        done
        LOCK=$file
}

# Makes the tree visible, atomically. mv -n is RENAME_NOREPLACE, but only some versions of mv report by their exit
# status that nothing was moved, so check for the source.
publish() {
        # After a power failure the name must not refer to a tree of empty files.
        sync --file-system -- "$WORK/tree"
        mv -nT -- "$WORK/tree" "$DESTINATION" 2>/dev/null || true
        [[ ! -e $WORK/tree ]] || fail "Failed to rename the finished tree to '$DESTINATION'"
}

# Idempotent. Normally ends within milliseconds.
clean_up() {
        local tries

        if [[ -n $CHILD ]]; then
                kill -KILL "$CHILD" 2>/dev/null
                wait "$CHILD" 2>/dev/null
                CHILD=
        fi
        if [[ -n $WORK ]]; then
                # unshare is dead, but processes of the namespace may still be dying, and write until then.
                for (( tries = 0; tries < 50; tries++ )); do
                        rm -rf --one-file-system -- "$WORK" 2>/dev/null && break
                        sleep 0.1
                done
                [[ ! -e $WORK ]] || say "$PROGRAM: Failed to remove '$WORK'"
                WORK=
        fi
        [[ -z $LOCK ]] || rm -f -- "$LOCK"
        LOCK=
}

# Signals are ignored during the cleanup, so that a second Ctrl-C does not interrupt it.
on_exit() {
        local status=$?

        trap '' INT TERM HUP
        set +e
        clean_up
        clear_live
        exit "$status"
}

# The script is terminated by the same signal, so that the caller's shell sees it.
on_signal() {
        trap '' INT TERM HUP
        trap - EXIT
        set +e
        say "$PROGRAM: interrupted, removing the incomplete tree"
        clean_up
        trap - "$1"
        kill -s "$1" $$
        exit 1
}

# --- running the tools ---------------------------------------------------------------------------------------------

# Replaces the calling subshell by CMD in new namespaces and with a clean environment. CMD is killed when this script
# ends, even by SIGKILL.
isolated() {
        local -a keep=()
        local name

        for name in http_proxy https_proxy ftp_proxy no_proxy SOURCE_DATE_EPOCH; do
                [[ ! -v $name ]] || keep+=("$name=${!name}")
        done
        exec env -i PATH="$PATH" HOME=/root TERM=dumb LANG=C.UTF-8 LC_ALL=C.UTF-8 TMPDIR="$WORK/tmp" \
                DEBIAN_FRONTEND=noninteractive "${keep[@]}" \
                setpriv --pdeathsig KILL \
                unshare --mount --pid --uts --ipc --fork --kill-child=KILL --mount-proc -- "$@"
}

# run_tool FILTER CMD…: runs CMD, logs its output, and passes each line to FILTER, which calls progress().
run_tool() {
        local filter=$1 line out status=0

        shift
        exec {out}< <(isolated "$@" </dev/null 2>&1)
        CHILD=$!
        while IFS= read -r line <&"$out"; do
                printf '%s\n' "$line" >>"$WORK/log"
                "$filter" "$line"
        done
        exec {out}<&-
        wait "$CHILD" || status=$?
        CHILD=
        clear_live
        (( status == 0 )) || fail_with_log "$1" "$status"
}

fail_with_log() {
        say "$PROGRAM: '$1' failed with exit status $2 while: $STEP_TITLE. Its last output:"
        tail -n 15 -- "$WORK/log" | sed 's/^/        /' >&2
        exit 1
}

# in_tree CMD…: runs a program of the tree in the tree, with /proc mounted.
in_tree() {
        # shellcheck disable=SC2016
        (isolated "${IN_TREE[@]}" "$@")
}

# shellcheck disable=SC2016
readonly ENTER='mount -t proc proc "$0/proc" && PATH=/usr/sbin:/usr/bin:/sbin:/bin TMPDIR=/tmp exec chroot "$0" "$@"'

# tree_write PATH [MODE]: writes standard input to a file of the tree. A symlink at PATH is replaced, not followed;
# symlinks among its parent directories must not lead out of the tree.
tree_write() {
        local file=$TREE/$1 folder

        mkdir -p -- "${file%/*}"
        folder=$(realpath -e -- "${file%/*}")
        [[ $folder/ == "$TREE"/* ]] || fail "'$1' leads out of the tree"
        rm -f -- "$file"
        cat >"$file"
        chmod "${2:-0644}" -- "$file"
}

# --- changes to every tree -----------------------------------------------------------------------------------------

# Passwords are passed on standard input: arguments are visible to every user.
set_root_password() {
        if [[ -v OPT[root-password] ]]; then
                printf 'root:%s\n' "${OPT[root-password]}" | in_tree chpasswd
        elif [[ -v OPT[hashed-root-password] ]]; then
                printf 'root:%s\n' "${OPT[hashed-root-password]}" | in_tree chpasswd --encrypted
        else
                in_tree passwd --quiet --lock root
        fi
}

# Removes identities that must be unique to each machine, and traces of the build.
#
# /etc/machine-id is empty, not missing: each machine gets an ID from its manager at its first boot, but systemd does not
# treat this as the "first boot" in which it asks for a locale and applies presets over the configuration.
finish_tree() {
        local file systemd=

        rm -f -- "$TREE"/etc/ssh/ssh_host_*_key?(.pub) "$TREE"/var/lib/dbus/machine-id \
                "$TREE"/var/lib/systemd/{random-seed,credential.secret} "$TREE"/var/lib/urandom/random-seed \
                "$TREE"/etc/{hostname,machine-id,mtab.tmp,.pwd.lock} "$TREE"/etc/{passwd,group,shadow,gshadow,subuid,subgid}-
        if [[ -e $TREE/usr/lib/systemd/systemd || -e $TREE/lib/systemd/systemd ]]; then
                systemd=yes
                tree_write etc/machine-id 0444 </dev/null
        fi
        if [[ -v OPT[hostname] ]]; then
                tree_write etc/hostname <<<"${OPT[hostname]}"
        fi
        tree_write etc/hosts <<-'END'
		127.0.0.1 localhost
		::1 localhost ip6-localhost ip6-loopback
		ff02::1 ip6-allnodes
		ff02::2 ip6-allrouters
	END

        # The container manager mounts over these directories, which would hide files in them.
        for file in dev run tmp var/tmp; do
                mkdir -p -- "$TREE/$file"
                find "$TREE/$file" -xdev -mindepth 1 -delete
        done
        chmod 1777 "$TREE/tmp" "$TREE/var/tmp"

        if [[ -n ${SOURCE_DATE_EPOCH-} ]]; then
                find "$TREE" -xdev -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
        fi
        # Marks /etc and /var as up to date with /usr: otherwise systemd would rebuild its caches at the first boot.
        [[ -z $systemd ]] || touch -r "$TREE/usr" -- "$TREE/etc/.updated" "$TREE/var/.updated"
}

bootstrap_main() {
        if declare -F distribution_options >/dev/null; then
                distribution_options
        fi
        common_options
        parse_arguments "$@"
        resolve_destination
        check_common_options
        distribution_configure
        if [[ -n ${OPT[dry-run]-} ]]; then
                printf 'tree: %s\n' "$DESTINATION"
                distribution_plan
                exit 0
        fi

        check_host
        [[ ! -v OPT[password-file] ]] || read_password_file
        trap on_exit EXIT
        trap 'on_signal INT' INT
        trap 'on_signal TERM' TERM
        trap 'on_signal HUP' HUP
        open_work
        TREE=$(realpath -e -- "$WORK/tree")
        readonly TREE
        IN_TREE=(sh -c "$ENTER" "$TREE")
        distribution_build
        finish_tree
        publish
        note "Created '$DESTINATION' ($(du -sxh -- "$DESTINATION" | cut -f1))"
        exit 0
}
