/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The variables of the environment (see environment.h). The supervisor, before anything is changed. Only root sets the
 * environment of a root process, but values are checked like any other input.
 *
 * To add one: a field in environment.h, a row here, its entry under ENVIRONMENT in box-run(1).
 */

#include <stdio.h>
#include <string.h>

#include "config/environment.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/text.h"

static void *field(const EnvironmentRow *row, EnvironmentOptions *e)
{
        return (char *) e + row->offset;
}

static int refuse(char *reterr_reason, const char *why)
{
        (void) snprintf(reterr_reason, ENVIRONMENT_REASON_MAX, "%s", why);
        return -EINVAL;
}

static int parse_yes(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        bool value;

        if (parse_bool(text, &value) < 0)
                return refuse(reterr_reason, "not a boolean (yes or no)");
        *(bool *) field(row, e) |= value;       /* two variables may set the same field */
        return 0;
}

/* For fields with the opposite meaning. */
static int parse_no(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        bool value;

        if (parse_bool(text, &value) < 0)
                return refuse(reterr_reason, "not a boolean (yes or no)");
        *(bool *) field(row, e) = !value;
        return 0;
}

static int parse_share_system(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        bool value;

        if (parse_bool(text, &value) < 0)
                return refuse(reterr_reason, "not a boolean (yes or no)");
        if (value)
                e->share_ipc = e->share_pid = e->share_uts = true;
        return 0;
}

static int parse_api_vfs(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        bool value;

        if (strcmp(text, "network") == 0) {
                e->api_vfs = API_VFS_NETWORK;
                return 0;
        }
        if (parse_bool(text, &value) < 0)
                return refuse(reterr_reason, "not a boolean (yes or no), nor \"network\"");
        e->api_vfs = value ? API_VFS_WRITABLE : API_VFS_DEFAULT;
        return 0;
}

/* Not a multicast address, and not all zero (the kernel's is_valid_ether_addr()). */
static int parse_network_mac(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        static const uint8_t none[6];
        uint8_t mac[6];

        if (parse_mac(text, mac) < 0 || mac[0] & 1 || memcmp(mac, none, sizeof(mac)) == 0)
                return refuse(reterr_reason, "not a valid MAC address of an interface");
        memcpy(e->network_mac, mac, sizeof(mac));
        e->has_network_mac = true;
        return 0;
}

/* A boolean that cannot be chosen. */
static int parse_always(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        bool value;

        if (parse_bool(text, &value) < 0)
                return refuse(reterr_reason, "not a boolean (yes or no)");
        if (value == row->always)
                return 0;
        (void) refuse(reterr_reason, row->why);
        return 1;
}

static int parse_unsupported(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        (void) refuse(reterr_reason, row->why);
        return 1;
}

static int parse_refused(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        return refuse(reterr_reason, row->why);
}

/* For the looks of messages, or read by a library that we use. */
static int parse_nothing(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        return 0;
}

/* Honoured by main(), before there are messages. */
static int parse_log_level(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        if (log_level_parse(text) >= 0)
                return 0;
        (void) refuse(reterr_reason, row->why);
        return 1;
}

static int parse_firewall(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        if (strcmp(text, "nftables") == 0)
                return 0;
        if (strcmp(text, "iptables") != 0)
                return refuse(reterr_reason, "not a backend (nftables or iptables)");
        (void) refuse(reterr_reason, "ignored: ports are always forwarded by nftables");
        return 1;
}

static int parse_service(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason)
{
        if (!text_is_utf8(text, strlen(text)) || text_has_control(text, strlen(text)))
                return refuse(reterr_reason, "not a line of text");
        *(const char **) field(row, e) = text;
        return 0;
}

#define FIELD(name) offsetof(EnvironmentOptions, name)

#define ALWAYS(name, value, why) { name, parse_always, 0, value, why }
#define UNSUPPORTED(name, why) { name, parse_unsupported, 0, false, why }
#define VERITY(name) UNSUPPORTED(name, "ignored: dm-verity is not supported")
#define FILE_SYSTEM(partition)                                                                                                \
        UNSUPPORTED("SYSTEMD_DISSECT_FSTYPE_" partition, "ignored: file systems are found by their superblocks")
#define NOTHING(name) { name, parse_nothing, 0, false, NULL }

const EnvironmentRow environment_table[] = {
        { "SYSTEMD_FIREWALL_BACKEND", parse_firewall, 0 },
        { "SYSTEMD_NSPAWN_API_VFS_WRITABLE", parse_api_vfs, 0 },
        { "SYSTEMD_NSPAWN_CHECK_OS_RELEASE", parse_no, FIELD(no_os_release_check) },
        { "SYSTEMD_NSPAWN_CONTAINER_SERVICE", parse_service, FIELD(container_service) },
        { "SYSTEMD_NSPAWN_LOCK", parse_no, FIELD(no_lock) },
        { "SYSTEMD_NSPAWN_NETWORK_MAC", parse_network_mac, 0 },
        { "SYSTEMD_NSPAWN_SHARE_NS_IPC", parse_yes, FIELD(share_ipc) },
        { "SYSTEMD_NSPAWN_SHARE_NS_PID", parse_yes, FIELD(share_pid) },
        { "SYSTEMD_NSPAWN_SHARE_NS_UTS", parse_yes, FIELD(share_uts) },
        { "SYSTEMD_NSPAWN_SHARE_SYSTEM", parse_share_system, 0 },
        { "SYSTEMD_NSPAWN_TMPFS_TMP", parse_no, FIELD(no_tmpfs_tmp) },
        { "SYSTEMD_NSPAWN_USE_CGNS", parse_no, FIELD(share_cgroup) },
        { "SYSTEMD_SUPPRESS_SYNC", parse_yes, FIELD(suppress_sync) },
        { "SYSTEMD_LOG_LEVEL", parse_log_level, 0, false, "ignored: not a level (debug, info, notice, warning, err, …; 7 to 0)" },

        ALWAYS("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", true, "ignored: machines always have cgroup v2"),
        ALWAYS("UNIFIED_CGROUP_HIERARCHY", true, "ignored: machines always have cgroup v2"),
        ALWAYS("SYSTEMD_SECCOMP", true, "ignored: machines always have a system call filter; SystemCallFilter= adds to it"),
        ALWAYS("SYSTEMD_LOG_SECCOMP", false, "ignored: refused system calls are not logged"),
        ALWAYS("SYSTEMD_LOOP_DIRECT_IO", true, "ignored: disk images are read past the host's cache where that is possible"),

        { "SYSTEMD_DISSECT_FILE_SYSTEMS", parse_refused, 0, false,
          "not supported; ImagePolicy= says which file systems of a disk image are used" },
        FILE_SYSTEM("ROOT"), FILE_SYSTEM("USR"), FILE_SYSTEM("HOME"), FILE_SYSTEM("SRV"), FILE_SYSTEM("ESP"),
        FILE_SYSTEM("XBOOTLDR"), FILE_SYSTEM("TMP"), FILE_SYSTEM("VAR"),
        VERITY("SYSTEMD_ALLOW_USERSPACE_VERITY"), VERITY("SYSTEMD_DISSECT_VERITY_EMBEDDED"),
        VERITY("SYSTEMD_DISSECT_VERITY_GUESS"), VERITY("SYSTEMD_DISSECT_VERITY_SIDECAR"),
        VERITY("SYSTEMD_DISSECT_VERITY_SIGNATURE"), VERITY("SYSTEMD_DISSECT_VERITY_TIMEOUT_SEC"),
        VERITY("SYSTEMD_VERITY_SHARING"),
        UNSUPPORTED("NET_NAMING_SCHEME", "ignored: links are always named as by version 245 and later"),
        UNSUPPORTED("SYSTEMD_NETLINK_DEFAULT_TIMEOUT", "ignored: box has its own time-outs"),
        UNSUPPORTED("SYSTEMD_OS_RELEASE", "ignored: os-release is read in /etc and /usr/lib"),

        NOTHING("SYSTEMD_BUS_TIMEOUT"),                 /* of libsystemd */
        NOTHING("SYSTEMD_ADJUST_TERMINAL_TITLE"), NOTHING("SYSTEMD_COLORS"), NOTHING("SYSTEMD_EMOJI"),
        NOTHING("SYSTEMD_ENABLE_LOG_CONTEXT"), NOTHING("SYSTEMD_LESS"), NOTHING("SYSTEMD_LESSCHARSET"),
        NOTHING("SYSTEMD_LOG_COLOR"), NOTHING("SYSTEMD_LOG_LOCATION"), NOTHING("SYSTEMD_LOG_RATELIMIT_KMSG"),
        NOTHING("SYSTEMD_LOG_TARGET"), NOTHING("SYSTEMD_LOG_TID"), NOTHING("SYSTEMD_LOG_TIME"), NOTHING("SYSTEMD_PAGER"),
        NOTHING("SYSTEMD_PAGERSECURE"), NOTHING("SYSTEMD_TINT_BACKGROUND"), NOTHING("SYSTEMD_URLIFY"), NOTHING("SYSTEMD_UTF8"),
};

const size_t environment_table_size = ARRAY_SIZE(environment_table);

int environment_read(EnvironmentOptions *ret, Problems *problems)
{
        EnvironmentOptions e = {};

        for (size_t i = 0; i < ARRAY_SIZE(environment_table); i++) {
                const EnvironmentRow *row = &environment_table[i];
                const char *text = secure_getenv(row->name);
                char reason[ENVIRONMENT_REASON_MAX];
                int r;

                if (!text || !*text)
                        continue;
                r = row->parse(row, text, &e, reason);
                if (r < 0)
                        r = problem_error(problems, (Source) {}, "$%s=%.100s: %s", row->name, text, reason);
                else if (r > 0)
                        r = problem_warning(problems, (Source) {}, "$%s=%.100s: %s", row->name, text, reason);
                if (r < 0)
                        return r;
        }

        *ret = e;
        return 0;
}
