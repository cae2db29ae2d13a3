/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of settings (see settings-table.h), in the order of the manual: by section, then switches without a key.
 * Names, values, defaults and privileges of keys and switches are those of systemd-nspawn, for compatibility. Read-only
 * data of every process.
 *
 * To add a setting: an id and a field in settings.h, a row here, its entry in the manual, and a parser if none of
 * values.h fits.
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "config/settings-table.h"
#include "config/values.h"
#include "util/parse.h"

#define FIELD(name) .offset = offsetof(Settings, name)

static const char *const words_register[] = { "auto", "yes", "no", NULL };
static const char *const words_settings[] = { "yes", "override", "trusted", "no", NULL };
static const char *const words_console[] = { "auto", "interactive", "read-only", "passive", "pipe", "autopipe", NULL };
static const char *const words_boot_time[] = { "host", "zero", NULL };
static const char *const words_volatile[] = { "no", "yes", "state", "overlay", NULL };
static const char *const words_resolv_conf[] = {
        "auto", "off", "copy-host", "copy-static", "copy-uplink", "copy-stub", "replace-host", "replace-static",
        "replace-uplink", "replace-stub", "bind-host", "bind-static", "bind-uplink", "bind-stub", "delete", NULL
};
static const char *const words_timezone[] = { "auto", "off", "copy", "bind", "symlink", "delete", NULL };
static const char *const words_host_view[] = { "host", "lxcfs", NULL };
static const char *const words_live[] = { "no", "pending", "apply", NULL };
static const char *const words_link_journal[] = { "auto", "no", "host", "try-host", "guest", "try-guest", NULL };

/* Headings in --help. */
static const char group_what[] = "What to run";
static const char group_machine[] = "The machine's identity";
static const char group_users[] = "Users and rights";
static const char group_limits[] = "Limits";
static const char group_files[] = "Files";
static const char group_network[] = "Network";
static const char group_host[] = "On the host";
static const char group_program[] = "This program";

/* LimitNOFILE= and so on; their switch is --rlimit=. */
#define LIMIT(name, what)                                                                                       \
        { SETTING_LIMIT_##name, "Exec", "Limit" #name, NULL, 0, "SOFT[:HARD]", NULL, SETTING_PRIVILEGED,        \
          value_limit, FIELD(rlimits[RLIMIT_##name]), .group = group_limits, .help = what,                               \
          .fallback = "the limits that the kernel gives PID 1" }

/* Of systemd-nspawn, known here so that a file that has them is not misread. "no" and an empty value mean the same as without
 * them. */
#define REFUSED(section, key, option, reason)                                                                          \
        { SETTING_KNOWN_ONLY, section, key, option, 0, "VALUE", NULL, SETTING_PRIVILEGED | SETTING_HIDDEN,             \
          value_refused, .group = group_host, .help = reason }

const SettingRow settings_table[] = {
        /* ---- [Exec] ---- */
        { SETTING_BOOT, "Exec", "Boot", "boot", 'b', "BOOL", "yes", SETTING_NO_ARG,
          value_start_mode, FIELD(boot), .group = group_what,
          .help = "Boot the tree: run its init as PID 1",
          .fallback = "no" },
        { SETTING_PROCESS_TWO, "Exec", "ProcessTwo", "as-pid2", 'a', "BOOL", "yes", SETTING_NO_ARG,
          value_start_mode, FIELD(process_two), .group = group_what,
          .help = "Run the command as PID 2, below a stub init",
          .fallback = "no" },
        { SETTING_EPHEMERAL, "Exec", "Ephemeral", "ephemeral", 'x', "BOOL", "yes",
          SETTING_PRIVILEGED | SETTING_NO_ARG,
          value_tristate, FIELD(ephemeral), .group = group_files,
          .help = "Run on a temporary copy of the tree, which is removed at the end",
          .fallback = "no" },
        { SETTING_PARAMETERS, "Exec", "Parameters", NULL, 0, "WORD…", NULL, SETTING_LIST,
          value_parameters, FIELD(parameters), .group = group_what,
          .help = "The command with its arguments; with Boot= arguments of init",
          .fallback = "a login shell" },
        { SETTING_ENVIRONMENT, "Exec", "Environment", "setenv", 'E', "NAME[=VALUE]", NULL, SETTING_LIST,
          value_environment, FIELD(environment), .group = group_what,
          .help = "Set an environment variable; NAME alone takes the value from box-run's environment",
          .fallback = "see box-run(1)" },
        { SETTING_USER, "Exec", "User", "user", 'u', "USER", NULL, SETTING_EMPTY,
          value_user, FIELD(user), .group = group_what,
          .help = "Run as this user of the machine: a name, an id, or UID:GID",
          .fallback = "root" },
        { SETTING_USER, NULL, NULL, "uid", 0, "USER", NULL, SETTING_EMPTY,
          value_user, FIELD(user), .group = group_what,
          .help = "The same as --user=" },
        { SETTING_WORKING_DIRECTORY, "Exec", "WorkingDirectory", "chdir", 0, "PATH", NULL, 0,
          value_absolute_path, FIELD(working_directory), .group = group_what,
          .help = "Working directory of the command, in the machine",
          .fallback = "/" },
        { SETTING_PIVOT_ROOT, "Exec", "PivotRoot", "pivot-root", 0, "NEW[:OLD]", NULL, 0,
          value_pivot_root, .group = group_files,
          .help = "Use directory NEW of the tree as root directory; OLD: where to mount the old one",
          .fallback = "none" },
        { SETTING_HOSTNAME, "Exec", "Hostname", "hostname", 0, "NAME", NULL, SETTING_EMPTY,
          value_hostname, FIELD(hostname), .group = group_machine,
          .help = "Host name (default: the machine's name)",
          .fallback = "the machine's name" },
        { SETTING_MACHINE_ID, "Exec", "MachineID", "uuid", 0, "ID", NULL, SETTING_PRIVILEGED,
          value_machine_id, FIELD(machine_id), .group = group_machine,
          .help = "Machine id, if the tree has none",
          .fallback = "derived from the host's machine id and the machine's name" },
        { SETTING_PRIVATE_USERS, "Exec", "PrivateUsers", "private-users", 0, "MODE", "yes",
          SETTING_PRIVILEGED | SETTING_OPTIONAL_ARG,
          value_private_users, .group = group_users,
          .help = "User namespace: no, yes (ids of the tree's owner), pick, identity, SHIFT[:RANGE]",
          .fallback = "no" },
        { SETTING_PRIVATE_USERS, NULL, NULL, NULL, 'U', NULL, "pick", SETTING_NO_ARG,
          value_private_users, .group = group_users,
          .help = "The same as --private-users=pick: allocate a free range of ids" },
        { SETTING_NOTIFY_READY, "Exec", "NotifyReady", "notify-ready", 0, "BOOL", NULL, 0,
          value_tristate, FIELD(notify_ready), .group = group_what,
          .help = "Wait for READY=1 from the machine's init",
          .fallback = "yes if the tree's init is systemd" },
        { SETTING_KILL_SIGNAL, "Exec", "KillSignal", "kill-signal", 0, "SIGNAL", NULL, 0,
          value_signal, FIELD(kill_signal), .group = group_what,
          .help = "Signal that asks the machine's PID 1 to shut down",
          .fallback = "depends on the init" },
        { SETTING_CAPABILITY, "Exec", "Capability", "capability", 0, "CAP,…", NULL,
          SETTING_LIST | SETTING_PRIVILEGED | SETTING_EMPTY,
          value_capabilities, FIELD(capability), .group = group_users,
          .help = "Capabilities to keep in addition to the default ones; \"all\"",
          .fallback = "none" },
        { SETTING_DROP_CAPABILITY, "Exec", "DropCapability", "drop-capability", 0, "CAP,…", NULL,
          SETTING_LIST | SETTING_RESTRICTS,
          value_capabilities, FIELD(drop_capability), .group = group_users,
          .help = "Capabilities to drop; takes precedence over --capability=",
          .fallback = "none" },
        { SETTING_AMBIENT_CAPABILITY, "Exec", "AmbientCapability", "ambient-capability", 0, "CAP,…", NULL,
          SETTING_LIST | SETTING_PRIVILEGED | SETTING_EMPTY,
          value_capabilities, FIELD(ambient_capability), .group = group_users,
          .help = "Ambient capabilities of the command",
          .fallback = "none" },
        { SETTING_NO_NEW_PRIVILEGES, "Exec", "NoNewPrivileges", "no-new-privileges", 0, "BOOL", NULL, SETTING_RESTRICTS,
          value_tristate, FIELD(no_new_privileges), .group = group_users,
          .help = "Programs cannot gain privileges by set-user-id bits or file capabilities",
          .fallback = "no" },
        { SETTING_SYSTEM_CALL_FILTER, "Exec", "SystemCallFilter", "system-call-filter", 0, "[~]NAME,…", NULL,
          SETTING_LIST | SETTING_PRIVILEGED | SETTING_RESTRICTS,
          value_system_call_filter, .group = group_users,
          .help = "System calls and @groups to allow in addition, or (~) to block",
          .fallback = "the list of systemd-nspawn" },
        { SETTING_RESTRICT_ADDRESS_FAMILIES, "Exec", "RestrictAddressFamilies", "restrict-address-families", 0, "[~]AF_X…", NULL,
          SETTING_LIST | SETTING_PRIVILEGED | SETTING_RESTRICTS,
          value_address_families, .group = group_users,
          .help = "Address families that socket(2) has, or (~) has not; \"none\"",
          .fallback = "all families" },
        { SETTING_RESOLV_CONF, "Exec", "ResolvConf", "resolv-conf", 0, "MODE", NULL, 0,
          value_choice, FIELD(resolv_conf), words_resolv_conf, group_host,
          .help = "/etc/resolv.conf of the machine: auto, off, delete, copy-, replace- or bind- with host, static, "
                  "uplink or stub",
          .fallback = "auto" },
        { SETTING_TIMEZONE, "Exec", "Timezone", "timezone", 0, "MODE", NULL, 0,
          value_choice, FIELD(timezone), words_timezone, group_host,
          .help = "/etc/localtime of the machine: auto, off, copy, bind, symlink, delete",
          .fallback = "auto" },
        { SETTING_SUPPRESS_SYNC, "Exec", "SuppressSync", "suppress-sync", 0, "BOOL", NULL, 0,
          value_tristate, FIELD(suppress_sync), .group = group_users,
          .help = "Turn sync(), fsync() and similar calls into no-ops: fast, but unsafe",
          .fallback = "the value of $SYSTEMD_SUPPRESS_SYNC" },
        { SETTING_PERSONALITY, "Exec", "Personality", "personality", 0, "ARCH", NULL, 0,
          value_personality, FIELD(personality), .group = group_what,
          .help = "Architecture reported by uname(2): x86 on x86-64",
          .fallback = "the host's" },
        LIMIT(CPU, "CPU time of a process, in seconds"),
        LIMIT(FSIZE, "Size of a file that a process writes"),
        LIMIT(DATA, "Size of a process's data"),
        LIMIT(STACK, "Size of a process's stack"),
        LIMIT(CORE, "Size of a core dump"),
        LIMIT(RSS, "Resident memory of a process (no effect on Linux)"),
        LIMIT(NOFILE, "Open files of a process"),
        LIMIT(AS, "Address space of a process"),
        LIMIT(NPROC, "Processes of a user"),
        LIMIT(MEMLOCK, "Locked memory of a process"),
        LIMIT(LOCKS, "File locks of a process (no effect on Linux)"),
        LIMIT(SIGPENDING, "Queued signals of a user"),
        LIMIT(MSGQUEUE, "Bytes in a user's message queues"),
        LIMIT(NICE, "Nice level that a process may raise itself to"),
        LIMIT(RTPRIO, "Realtime priority that a process may give itself"),
        LIMIT(RTTIME, "Realtime CPU time without a blocking call, in microseconds"),
        { SETTING_OOM_SCORE_ADJUST, "Exec", "OOMScoreAdjust", "oom-score-adjust", 0, "SCORE", NULL, SETTING_PRIVILEGED,
          value_oom_score, FIELD(oom_score_adjust), .group = group_limits,
          .help = "OOM score adjustment, -1000 (killed last) to 1000 (killed first)",
          .fallback = "that of box-run" },
        { SETTING_CPU_AFFINITY, "Exec", "CPUAffinity", "cpu-affinity", 0, "CPU,…", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_cpu_affinity, FIELD(cpu_affinity), .group = group_limits,
          .help = "CPUs to run on: numbers and ranges",
          .fallback = "those of box-run" },
        { SETTING_LINK_JOURNAL, "Exec", "LinkJournal", "link-journal", 0, "MODE", NULL, SETTING_PRIVILEGED,
          value_choice, FIELD(link_journal), words_link_journal, group_host,
          .help = "Make the journal visible on the host: auto, no, host, try-host, guest, try-guest",
          .fallback = "auto" },
        { SETTING_LINK_JOURNAL, NULL, NULL, NULL, 'j', NULL, "try-guest", SETTING_NO_ARG,
          value_choice, FIELD(link_journal), words_link_journal, group_host,
          .help = "The same as --link-journal=try-guest" },

        /* ---- [Files] ---- */
        { SETTING_READ_ONLY, "Files", "ReadOnly", "read-only", 0, "BOOL", "yes", SETTING_RESTRICTS | SETTING_NO_ARG,
          value_tristate, FIELD(read_only), .group = group_files,
          .help = "Mount the tree read-only",
          .fallback = "no" },
        { SETTING_VOLATILE, "Files", "Volatile", "volatile", 0, "MODE", "yes", SETTING_RESTRICTS | SETTING_OPTIONAL_ARG,
          value_choice, FIELD(volatile_mode), words_volatile, group_files,
          .help = "Keep changes in memory only: yes (all but /usr starts empty), "
                  "state (/var starts empty), overlay, no",
          .fallback = "no" },
        { SETTING_BIND, "Files", "Bind", "bind", 0, "SRC[:DEST[:OPTS]]", NULL, SETTING_LIST | SETTING_PRIVILEGED,
          value_bind, .group = group_files,
          .help = "Mount a file or directory of the host at DEST (default: SRC). "
                  "+SRC is a path in the tree; an empty SRC is a temporary directory. "
                  "OPTS: rbind, norbind, noidmap, idmap, rootidmap, owneridmap",
          .fallback = "none" },
        { SETTING_BIND_READ_ONLY, "Files", "BindReadOnly", "bind-ro", 0, "SRC[:DEST[:OPTS]]", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_bind, .group = group_files,
          .help = "The same, read-only",
          .fallback = "none" },
        { SETTING_TEMPORARY_FILE_SYSTEM, "Files", "TemporaryFileSystem", "tmpfs", 0, "PATH[:OPTS]", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_tmpfs, .group = group_files,
          .help = "Mount an empty tmpfs in the machine (default: mode=0755)",
          .fallback = "none" },
        { SETTING_INACCESSIBLE, "Files", "Inaccessible", "inaccessible", 0, "PATH", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_inaccessible, FIELD(inaccessible), .group = group_files,
          .help = "Hide a file or directory of the tree",
          .fallback = "none" },
        { SETTING_OVERLAY, "Files", "Overlay", "overlay", 0, "LOWER[:LOWER…]:UPPER:DEST", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_overlay, .group = group_files,
          .help = "Mount an overlay of directories of the host at DEST (default: UPPER); changes go to "
                  "UPPER. +DIR is a path in the tree; an empty UPPER is a temporary directory",
          .fallback = "none" },
        { SETTING_OVERLAY_READ_ONLY, "Files", "OverlayReadOnly", "overlay-ro", 0, "LOWER[:LOWER…]:UPPER:DEST", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_overlay, .group = group_files,
          .help = "The same, read-only",
          .fallback = "none" },
        { SETTING_BIND_USER, "Files", "BindUser", "bind-user", 0, "USER", NULL, SETTING_LIST | SETTING_PRIVILEGED,
          value_bind_user, FIELD(bind_users), .group = group_users,
          .help = "Make a user of the host, with home directory and password, available in the machine",
          .fallback = "none" },
        { SETTING_BIND_USER_SHELL, "Files", "BindUserShell", "bind-user-shell", 0, "BOOL|PATH", NULL, SETTING_PRIVILEGED,
          value_bind_user_shell, FIELD(bind_user_shell), .group = group_users,
          .help = "Shell of these users: the machine's default (no), that on the host (yes), or a path",
          .fallback = "no" },
        { SETTING_BIND_USER_GROUP, "Files", "BindUserGroup", "bind-user-group", 0, "GROUP", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_bind_user_group, FIELD(bind_user_groups), .group = group_users,
          .help = "A group of the machine that these users are in",
          .fallback = "none" },
        { SETTING_PRIVATE_USERS_OWNERSHIP, "Files", "PrivateUsersOwnership", "private-users-ownership", 0, "MODE", NULL,
          SETTING_PRIVILEGED,
          value_ownership, .group = group_users,
          .help = "Owners of the tree's files: auto, map (by an idmapped mount), foreign, off",
          .fallback = "auto" },
        { SETTING_PRIVATE_USERS_OWNERSHIP, "Files", "PrivateUsersChown", "private-users-chown", 0, "BOOL", "yes",
          SETTING_PRIVILEGED | SETTING_NO_ARG | SETTING_HIDDEN,
          value_ownership_chown, .group = group_users,
          .help = "Accepted for compatibility: the tree is mapped, never chowned" },

        REFUSED("Exec", "PrivateUsersDelegate", "private-users-delegate",
                "ranges of ids are not delegated into machines; for container managers in a machine use Nesting="),
        REFUSED("Files", "RootMStack", "mstack", "mount stacks are not supported; use Overlay= or --template="),
        REFUSED(NULL, NULL, "forward-journal", "the journal is not forwarded; use --link-journal=host"),
        REFUSED(NULL, NULL, "forward-journal-max-use", "the journal is not forwarded; use --link-journal=host"),
        REFUSED(NULL, NULL, "forward-journal-keep-free", "the journal is not forwarded; use --link-journal=host"),
        REFUSED(NULL, NULL, "forward-journal-max-file-size", "the journal is not forwarded; use --link-journal=host"),
        REFUSED(NULL, NULL, "forward-journal-max-files", "the journal is not forwarded; use --link-journal=host"),

        /* ---- [Network] ---- */
        { SETTING_PRIVATE, "Network", "Private", "private-network", 0, "BOOL", "yes",
          SETTING_PRIVILEGED | SETTING_NO_ARG,
          value_tristate, FIELD(private_network), .group = group_network,
          .help = "Private network namespace, with only the links that are configured",
          .fallback = "no" },
        { SETTING_VIRTUAL_ETHERNET, "Network", "VirtualEthernet", "network-veth", 'n', "BOOL", "yes",
          SETTING_PRIVILEGED | SETTING_NO_ARG,
          value_virtual_ethernet, FIELD(virtual_ethernet), .group = group_network,
          .help = "A veth pair: host0 in the machine, ve-NAME on the host",
          .fallback = "no" },
        { SETTING_VIRTUAL_ETHERNET_EXTRA, "Network", "VirtualEthernetExtra", "network-veth-extra", 0, "HOST[:NAME]", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_interfaces, FIELD(veth_extra), .group = group_network,
          .help = "An additional veth pair: HOST on the host, NAME (default: HOST) in the machine",
          .fallback = "none" },
        { SETTING_BRIDGE, "Network", "Bridge", "network-bridge", 0, "BRIDGE", NULL, SETTING_PRIVILEGED,
          value_bridge, FIELD(bridge), .group = group_network,
          .help = "A veth pair whose host end (vb-NAME) is attached to this bridge",
          .fallback = "none" },
        { SETTING_ZONE, "Network", "Zone", "network-zone", 0, "ZONE", NULL, SETTING_PRIVILEGED,
          value_zone, FIELD(zone), .group = group_network,
          .help = "The same, with a bridge (vz-ZONE) that exists while machines use it",
          .fallback = "none" },
        { SETTING_MACVLAN, "Network", "MACVLAN", "network-macvlan", 0, "PARENT[:NAME]", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_interfaces, FIELD(macvlan), .group = group_network,
          .help = "A macvlan link on an interface of the host",
          .fallback = "none" },
        { SETTING_IPVLAN, "Network", "IPVLAN", "network-ipvlan", 0, "PARENT[:NAME]", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_interfaces, FIELD(ipvlan), .group = group_network,
          .help = "An ipvlan link on an interface of the host",
          .fallback = "none" },
        { SETTING_INTERFACE, "Network", "Interface", "network-interface", 0, "HOST[:NAME]", NULL,
          SETTING_LIST | SETTING_PRIVILEGED,
          value_interfaces, FIELD(interfaces), .group = group_network,
          .help = "Move an interface of the host into the machine until it stops",
          .fallback = "none" },
        { SETTING_PORT, "Network", "Port", "port", 'p', "[PROTO:]PORT[:INNER]", NULL,
          SETTING_LIST | SETTING_PRIVILEGED | SETTING_ADDS,
          value_ports, .group = group_network,
          .help = "Forward a port of the host to a port of the machine; PROTO: tcp, udp",
          .fallback = "none" },
        { SETTING_NAMESPACE_PATH, "Network", "NamespacePath", "network-namespace-path", 0, "PATH", NULL, SETTING_PRIVILEGED,
          value_namespace_path, FIELD(namespace_path), .group = group_network,
          .help = "Join the network namespace that this file refers to",
          .fallback = "none" },

        /* ---- [X-Box] ---- */
        { SETTING_PROFILE, "X-Box", "Profile", "profile", 0, "NAME,…", NULL, SETTING_LIST | SETTING_PRIVILEGED,
          value_names, FIELD(profiles), .group = group_machine,
          .help = "Apply the settings of /etc/box/profiles/NAME.nspawn first",
          .fallback = "none" },
        { SETTING_IMAGE_POLICY, "X-Box", "ImagePolicy", "image-policy", 0, "POLICY", NULL, SETTING_PRIVILEGED,
          value_image_policy, .group = group_machine,
          .help = "Image policy: which partitions and file systems are used (systemd.image-policy(7))",
          .fallback = "none" },
        { SETTING_INIT, "X-Box", "Init", NULL, 0, "NAME|PATH", NULL, SETTING_PRIVILEGED,
          value_init, FIELD(init), .group = group_what,
          .help = "Type or path of the init, where detection fails",
          .fallback = "detected from the tree" },
        { SETTING_START_TIMEOUT, "X-Box", "StartTimeoutSec", NULL, 0, "TIME", NULL, SETTING_PRIVILEGED,
          value_timeout, FIELD(start_timeout_usec), .group = group_what,
          .help = "Time to boot before the start has failed",
          .fallback = "infinity" },
        { SETTING_STOP_TIMEOUT, "X-Box", "StopTimeoutSec", NULL, 0, "TIME", NULL, SETTING_PRIVILEGED,
          value_timeout, FIELD(stop_timeout_usec), .group = group_what,
          .help = "Time to shut down before the payload is killed",
          .fallback = "none" },
        { SETTING_BOOT_TIME, "X-Box", "BootTime", NULL, 0, "host|zero", NULL, 0,
          value_choice, FIELD(boot_time), words_boot_time, group_machine,
          .help = "Monotonic and boot-time clocks: the host's, or starting at zero",
          .fallback = "host" },
        { SETTING_ID_MAP, "X-Box", "IdMap", NULL, 0, "ID:HOST:COUNT", NULL, SETTING_LIST | SETTING_PRIVILEGED,
          value_id_map, .group = group_users,
          .help = "Id map line: ids of the machine from ID on are ids of the host from HOST on",
          .fallback = "none" },
        { SETTING_APPARMOR_PROFILE, "X-Box", "AppArmorProfile", NULL, 0, "[-]PROFILE|unconfined", NULL, SETTING_PRIVILEGED,
          value_apparmor_profile, FIELD(apparmor_profile), .group = group_users,
          .help = "AppArmor profile of the payload; with \"-\" ignored if unavailable",
          .fallback = "box-machine" },
        { SETTING_HOST_VIEW, "X-Box", "HostView", NULL, 0, "host|lxcfs", NULL, SETTING_PRIVILEGED,
          value_choice, FIELD(host_view), words_host_view, group_files,
          .help = "Resources shown in /proc: the host's, or (lxcfs) what the machine may use",
          .fallback = "host" },
        { SETTING_NESTING, "X-Box", "Nesting", NULL, 0, "BOOL", NULL, SETTING_PRIVILEGED,
          value_tristate, FIELD(nesting), .group = group_users,
          .help = "Allow what container managers in the machine need",
          .fallback = "no" },
        { SETTING_SPECIFIERS, "X-Box", "Specifiers", NULL, 0, "BOOL", NULL, SETTING_PRIVILEGED,
          value_tristate, FIELD(specifiers), .group = group_machine,
          .help = "Expand specifiers (%i: the machine's name) in the values of this file",
          .fallback = "no" },
        { SETTING_AFTER, "X-Box", "After", NULL, 0, "MACHINE…", NULL, SETTING_LIST | SETTING_PRIVILEGED,
          value_names, FIELD(after), .group = group_host,
          .help = "Start after these machines are ready, if they are started too",
          .fallback = "none" },
        { SETTING_REQUIRES, "X-Box", "Requires", NULL, 0, "MACHINE…", NULL, SETTING_LIST | SETTING_PRIVILEGED,
          value_names, FIELD(requires), .group = group_host,
          .help = "Start these machines too, and stop when they stop",
          .fallback = "none" },

        /* ---- [X-Resources] ---- */
#define RESOURCE_ROW(id, key, metavar, flags, text)                                                                    \
        { SETTING_##id, "X-Resources", #key, NULL, 0, metavar, NULL, SETTING_PRIVILEGED | (flags), value_resource,     \
          .group = group_host, .help = text,                                                                             \
          .fallback = "that of the unit" },
        RESOURCE_SETTINGS(RESOURCE_ROW)
#undef RESOURCE_ROW
        { SETTING_OTHER_RESOURCE, "X-Resources", NULL, NULL, 0, "NAME=VALUE", NULL,
          SETTING_LIST | SETTING_PRIVILEGED | SETTING_HIDDEN,
          value_other_resource, .group = group_host, .help = "Any other property that the host's systemd has" },
#define UNIT_ONLY_KEY(key)                                                                                             \
        { SETTING_UNIT_ONLY_KEY, "X-Resources", key, NULL, 0, "VALUE", NULL, SETTING_PRIVILEGED | SETTING_HIDDEN,      \
          value_unit_only_key, .group = group_host, .help = "Refused: belongs to the unit or its slice" }
        UNIT_ONLY_KEY("Slice"),
        UNIT_ONLY_KEY("Delegate"),
        UNIT_ONLY_KEY("DelegateSubgroup"),
        UNIT_ONLY_KEY("DisableControllers"),
        UNIT_ONLY_KEY("DefaultMemoryMin"),
        UNIT_ONLY_KEY("DefaultMemoryLow"),
#undef UNIT_ONLY_KEY

        /* ---- switches without a key ---- */
        { SETTING_DIRECTORY, NULL, NULL, "directory", 'D', "PATH", NULL, SETTING_EMPTY,
          value_string, FIELD(directory), .group = group_machine,
          .help = "Directory of the machine's tree (default: found by its name)" },
        { SETTING_TEMPLATE, NULL, NULL, "template", 0, "PATH", NULL, SETTING_EMPTY,
          value_string, FIELD(template), .group = group_files,
          .help = "If the machine's tree does not exist, create it as a copy of this one" },
        { SETTING_IMAGE, NULL, NULL, "image", 'i', "PATH", NULL, SETTING_EMPTY,
          value_string, FIELD(image), .group = group_machine,
          .help = "Disk image (file or block device) that holds the machine's tree" },
        { SETTING_OCI_BUNDLE, NULL, NULL, "oci-bundle", 0, "PATH", NULL, SETTING_EMPTY,
          value_string, FIELD(oci_bundle), .group = group_machine,
          .help = "Run an OCI runtime bundle: a directory with config.json" },
        { SETTING_ROOT_HASH, NULL, NULL, "root-hash", 0, "HASH", NULL, SETTING_HIDDEN,
          value_verity, .group = group_machine,
          .help = "Refused: dm-verity is not supported" },
        { SETTING_ROOT_HASH_SIG, NULL, NULL, "root-hash-sig", 0, "SIGNATURE", NULL, SETTING_HIDDEN,
          value_verity, .group = group_machine,
          .help = "Refused: dm-verity is not supported" },
        { SETTING_VERITY_DATA, NULL, NULL, "verity-data", 0, "PATH", NULL, SETTING_HIDDEN,
          value_verity, .group = group_machine,
          .help = "Refused: dm-verity is not supported" },
        { SETTING_MACHINE, NULL, NULL, "machine", 'M', "NAME", NULL, SETTING_EMPTY,
          value_hostname, FIELD(machine), .group = group_machine,
          .help = "Name of the machine" },
        { SETTING_SET_CREDENTIAL, NULL, NULL, "set-credential", 0, "ID:VALUE", NULL, SETTING_LIST | SETTING_SECRET,
          value_set_credential, .group = group_what,
          .help = "Pass a credential to the payload" },
        { SETTING_LOAD_CREDENTIAL, NULL, NULL, "load-credential", 0, "ID:PATH", NULL, SETTING_LIST,
          value_load_credential, .group = group_what,
          .help = "Pass a credential from a file, a socket, or (by name) from box-run's own credentials" },
        { SETTING_SETTINGS, NULL, NULL, "settings", 0, "MODE", NULL, 0,
          value_choice, FIELD(settings_mode), words_settings, group_machine,
          .help = "How to use NAME.nspawn: yes (switches take precedence), override (the file takes "
                  "precedence), trusted (wherever the file is), no (not read)" },
        { SETTING_REGISTER, NULL, NULL, "register", 0, "MODE", NULL, 0,
          value_choice, FIELD(register_mode), words_register, group_host,
          .help = "Register with systemd-machined: auto (if it is available), yes, no" },
        { SETTING_KEEP_UNIT, NULL, NULL, "keep-unit", 0, NULL, "yes", SETTING_NO_ARG,
          value_bool, FIELD(keep_unit), .group = group_host,
          .help = "Run in the caller's unit instead of a new scope" },
        { SETTING_SLICE, NULL, NULL, "slice", 'S', "SLICE", NULL, 0,
          value_slice, FIELD(slice), .group = group_host,
          .help = "Slice for the scope (default: machine.slice)" },
        { SETTING_SHARE_SYSTEM, NULL, NULL, "share-system", 0, NULL, "yes", SETTING_NO_ARG | SETTING_HIDDEN,
          value_share_system, FIELD(share_system), .group = group_host,
          .help = "Share the host's PID, UTS and IPC namespaces" },
        { SETTING_PROPERTY, NULL, NULL, "property", 0, "NAME=VALUE", NULL, SETTING_LIST,
          value_property, .group = group_host,
          .help = "Set a property of the scope, as in a unit file" },
        { SETTING_RLIMIT, NULL, NULL, "rlimit", 0, "NAME=SOFT[:HARD]", NULL, SETTING_LIST,
          value_rlimit, .group = group_limits,
          .help = "Set a resource limit: NOFILE=1024:4096, CORE=infinity, …" },
        { SETTING_SELINUX_CONTEXT, NULL, NULL, "selinux-context", 'Z', "LABEL", NULL, SETTING_EMPTY,
          value_string, FIELD(selinux_context), .group = group_users,
          .help = "SELinux context of the machine's processes" },
        { SETTING_SELINUX_APIFS_CONTEXT, NULL, NULL, "selinux-apifs-context", 'L', "LABEL", NULL, SETTING_EMPTY,
          value_string, FIELD(selinux_apifs_context), .group = group_users,
          .help = "SELinux context of files in the machine's API file systems and tmpfs" },
        { SETTING_CONSOLE, NULL, NULL, "console", 0, "MODE", NULL, 0,
          value_choice, FIELD(console), words_console, group_program,
          .help = "Console mode: interactive, read-only, passive, pipe, autopipe" },
        { SETTING_CONSOLE, NULL, NULL, "pipe", 'P', NULL, "pipe", SETTING_NO_ARG,
          value_choice, FIELD(console), words_console, group_program,
          .help = "The same as --console=pipe: use box-run's standard input and output" },
        { SETTING_BACKGROUND, NULL, NULL, "background", 0, "COLOR", NULL, SETTING_EMPTY,
          value_ignored, .group = group_program,
          .help = "Accepted for compatibility, ignored" },
        { SETTING_NO_PAGER, NULL, NULL, "no-pager", 0, NULL, "yes", SETTING_NO_ARG,
          value_ignored, .group = group_program,
          .help = "Accepted for compatibility, ignored" },
        { SETTING_NO_PAGER, NULL, NULL, "no-ask-password", 0, NULL, "yes", SETTING_NO_ARG,
          value_ignored, .group = group_program,
          .help = "Accepted for compatibility, ignored" },
        { SETTING_NO_PAGER, NULL, NULL, "system", 0, NULL, "yes", SETTING_NO_ARG,
          value_ignored, .group = group_program,
          .help = "Accepted for compatibility, ignored: machines are always the system's" },
        { SETTING_QUIET, NULL, NULL, "quiet", 'q', NULL, "yes", SETTING_NO_ARG,
          value_bool, FIELD(quiet), .group = group_program,
          .help = "Print warnings and errors only" },
        { SETTING_CLEANUP, NULL, NULL, "cleanup", 0, NULL, "yes", SETTING_NO_ARG,
          value_bool, FIELD(cleanup), .group = group_program,
          .help = "Remove what a killed supervisor of the machine has left, and exit" },
        { SETTING_DRY_RUN, NULL, NULL, "dry-run", 0, NULL, "yes", SETTING_NO_ARG,
          value_bool, FIELD(dry_run), .group = group_program,
          .help = "Print what a start would do, and exit" },
        { SETTING_CHECK, NULL, NULL, "check", 0, NULL, "yes", SETTING_NO_ARG,
          value_bool, FIELD(check), .group = group_program,
          .help = "Print all errors in the settings, and exit" },
        { SETTING_JSON, NULL, NULL, "json", 0, NULL, "yes", SETTING_NO_ARG,
          value_bool, FIELD(json), .group = group_program,
          .help = "Print settings, their sources and the plan as JSON, and exit" },
        { SETTING_READ_INSTEAD, NULL, NULL, "read-instead", 0, "FILE:OTHER", NULL, SETTING_HIDDEN,
          value_string, FIELD(read_instead), .group = group_program,
          .help = "With --check or --json: read OTHER in place of FILE" },
        { SETTING_LIVE, NULL, NULL, "live", 0, "MODE", NULL, SETTING_HIDDEN,
          value_choice, FIELD(live), words_live, group_program,
          .help = "For boxctl: compare a running machine with its files, or change it" },
        { SETTING_HELP, NULL, NULL, "help", 'h', NULL, "yes", SETTING_NO_ARG,
          NULL, .group = group_program,
          .help = "Print this help" },
        { SETTING_VERSION, NULL, NULL, "version", 0, NULL, "yes", SETTING_NO_ARG,
          NULL, .group = group_program,
          .help = "Print the version" },
        { SETTING_SET, NULL, NULL, "set", 0, "KEY=VALUE", NULL, SETTING_LIST,
          NULL, .group = group_machine,
          .help = "Set any key of the settings file, as its own switch would" },
        { SETTING_INTROSPECT, NULL, NULL, "introspect-cli", 0, NULL, "yes", SETTING_NO_ARG,
          NULL, .group = group_program,
          .help = "Print all switches as JSON" },
};

const size_t settings_table_size = ARRAY_SIZE(settings_table);

const char *setting_trust_words(const SettingRow *row)
{
        if (row->flags & SETTING_RESTRICTS && row->flags & SETTING_PRIVILEGED)
                return "trusted files; others only to restrict more (\"~…\")";
        if (row->flags & SETTING_RESTRICTS)
                return "any file; one that is not trusted only to restrict more";
        return row->flags & SETTING_PRIVILEGED ? "trusted files only" : "any file";
}

const SettingRow *settings_table_find_key(const char *section, const char *key)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++) {
                const SettingRow *row = &settings_table[i];

                if (row->key && strcmp(row->section, section) == 0 && strcmp(row->key, key) == 0)
                        return row;
        }
        return NULL;
}

const SettingRow *settings_table_find_any_key(const char *key)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++)
                if (settings_table[i].key && strcmp(settings_table[i].key, key) == 0)
                        return &settings_table[i];
        return NULL;
}

const SettingRow *settings_table_find_option(const char *option)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++)
                if (settings_table[i].option && strcmp(settings_table[i].option, option) == 0)
                        return &settings_table[i];
        return NULL;
}

const SettingRow *settings_table_find_letter(char letter)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++)
                if (letter && settings_table[i].letter == letter)
                        return &settings_table[i];
        return NULL;
}

const SettingRow *settings_table_row(SettingId id)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++)
                if (settings_table[i].id == id)
                        return &settings_table[i];
        return NULL;
}

const char *setting_form(SettingId id, Source from, const char *value, char buf[static SETTING_FORM_MAX])
{
        const SettingRow *row = settings_table_row(id);
        bool option = row->option && (source_is_switch(from) || !row->key);

        if (option && row->flags & SETTING_NO_ARG)
                (void) snprintf(buf, SETTING_FORM_MAX, "--%s", row->option);
        else
                (void) snprintf(buf, SETTING_FORM_MAX, "%s%s=%s", option ? "--" : "", option ? row->option : row->key, value);
        return buf;
}

bool settings_table_has_section(const char *section)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++)
                if (settings_table[i].section && strcmp(settings_table[i].section, section) == 0)
                        return true;
        return false;
}

const char *settings_table_nearest_section(const char *section)
{
        unsigned distance = UINT_MAX;
        const char *nearest = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++)
                text_nearer(section, settings_table[i].section, &nearest, &distance);
        return nearest;
}

const char *settings_table_nearest_key(const char *section, const char *key)
{
        unsigned distance = UINT_MAX;
        const char *nearest = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++) {
                const SettingRow *row = &settings_table[i];

                if (row->key && (!section || strcmp(row->section, section) == 0))
                        text_nearer(key, row->key, &nearest, &distance);
        }
        return nearest;
}

const char *settings_table_nearest_option(const char *option)
{
        unsigned distance = UINT_MAX;
        const char *nearest = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(settings_table); i++)
                if (!(settings_table[i].flags & SETTING_HIDDEN))
                        text_nearer(option, settings_table[i].option, &nearest, &distance);
        return nearest;
}
