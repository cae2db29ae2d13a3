/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of boxctl doctor's checks (see doctor.h). Pure: facts become findings, nothing is read here. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/doctor.h"
#include "util/text.h"

static void say(DoctorFinding *ret, DoctorResult result, const char *fix, const char *format, ...) _printf_(4, 5);

static void say(DoctorFinding *ret, DoctorResult result, const char *fix, const char *format, ...)
{
        va_list ap;

        ret->result = result;
        va_start(ap, format);
        (void) vsnprintf(ret->what, sizeof(ret->what), format, ap);
        va_end(ap);
        (void) snprintf(ret->fix, sizeof(ret->fix), "%s", fix);
        text_make_printable(ret->what);
        text_make_printable(ret->fix);
}

/* Of a thing that was tried: true if it failed or could not be tried, and it is said. */
static bool failed(int tried, const char *what, DoctorResult result, const char *fix, DoctorFinding *ret)
{
        if (tried == DOCTOR_NEEDS_ROOT)
                say(ret, DOCTOR_UNKNOWN, "sudo boxctl doctor", "Not known: only root can try it");
        else if (tried < 0)
                say(ret, result, fix, "%s: %s", what, strerror(-tried));
        return tried != 0;
}

/* ---- the kernel ----------------------------------------------------------------------------------------------- */

static void judge_kernel(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (f->missing_call)
                say(ret, DOCTOR_PROBLEM, "apt install linux-image-amd64", "The kernel has no %s(2); Linux 6.1 or later has all "
                    "that box needs", f->missing_call);
        else
                say(ret, DOCTOR_OK, "", "It has all system calls that box needs");
}

static void judge_cgroup(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (f->cgroup2)
                say(ret, DOCTOR_OK, "", "Version 2 is mounted at /sys/fs/cgroup");
        else
                say(ret, DOCTOR_PROBLEM, "grep -o systemd.unified[^ ]* /proc/cmdline /etc/default/grub",
                    "/sys/fs/cgroup is not cgroup version 2 alone; boot without systemd.unified_cgroup_hierarchy=0");
}

/* The controllers for the settings of limits, which list does not have. */
static bool missing_controllers(const char *list, char *ret, size_t size)
{
        static const char *const wanted[] = { "cpu", "memory", "io", "pids", "cpuset" };
        size_t n = 0;

        *ret = 0;
        for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
                if (!text_has_word(list, wanted[i]) && n < size)
                        n += (size_t) snprintf(ret + n, size - n, "%s%s", n ? " " : "", wanted[i]);
        return *ret;
}

static void judge_controllers(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        char missing[64];

        if (!f->controllers)
                say(ret, DOCTOR_WARNING, "", "The list of controllers cannot be read");
        else if (missing_controllers(f->controllers, missing, sizeof(missing)))
                say(ret, DOCTOR_WARNING, "cat /proc/cgroups", "The host does not have: %s; limits of machines that need them "
                    "have no effect", missing);
        else
                say(ret, DOCTOR_OK, "", "The host has those of all limits");
}

static void judge_delegation(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        char missing[64] = "";

        if (!f->delegated)
                say(ret, DOCTOR_OK, "", "No box@ unit runs, nothing to compare");
        /* One that the host does not have at all is not delegated either: that is said above. */
        else if (f->controllers && missing_controllers(f->delegated, missing, sizeof(missing)) &&
                 text_has_word(f->controllers, "memory") && !text_has_word(f->delegated, "memory"))
                say(ret, DOCTOR_PROBLEM, "systemctl show -p Delegate -p DelegateControllers 'box@*'",
                    "A box@ unit did not get: %s; has it Delegate=yes?", missing);
        else
                say(ret, DOCTOR_OK, "", "Running box@ units have those of the host");
}

static void judge_user_namespace(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (!failed(f->user_namespace, "A user namespace cannot be created", DOCTOR_PROBLEM,
                    "sysctl -w user.max_user_namespaces=65536", ret))
                say(ret, DOCTOR_OK, "", "User namespaces can be created; box needs no /etc/subuid");
}

static void judge_id_map(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (!failed(f->id_map, "The file system of /var/lib/machines has no mounts with mapped ids", DOCTOR_WARNING,
                    "findmnt -T /var/lib/machines", ret))
                say(ret, DOCTOR_OK, "", "The file system of /var/lib/machines has mounts with mapped ids");
        else if (ret->result == DOCTOR_WARNING)
                say(ret, DOCTOR_WARNING, "findmnt -T /var/lib/machines", "The file system of /var/lib/machines has no mounts "
                    "with mapped ids (%s): -U needs trees with ids of their own, or ext4, XFS or btrfs", strerror(-f->id_map));
}

static void judge_overlay(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (!failed(f->overlay, "There is no overlayfs: no Overlay=, Volatile=overlay and Ephemeral= on most file systems",
                    DOCTOR_WARNING, "modprobe overlay", ret))
                say(ret, DOCTOR_OK, "", "overlayfs is there");
}

static void judge_nftables(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (!failed(f->nftables, "There is no nf_tables: Port= has no effect", DOCTOR_WARNING, "modprobe nf_tables", ret))
                say(ret, DOCTOR_OK, "", "nf_tables is there");
}

static void judge_seccomp(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (!failed(f->seccomp, "The kernel has no system call filters", DOCTOR_PROBLEM,
                    "grep SECCOMP_FILTER /boot/config-$(uname -r)", ret))
                say(ret, DOCTOR_OK, "", "The kernel has system call filters");
}

static void judge_landlock(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (f->landlock < 0)
                say(ret, DOCTOR_WARNING, "cat /sys/kernel/security/lsm", "There is no Landlock (%s): box-run is confined "
                    "without it; add landlock to lsm= of the kernel's command line", strerror(-f->landlock));
        else
                say(ret, DOCTOR_OK, "", "Landlock is there, version %d", f->landlock);
}

static void judge_apparmor(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (!f->apparmor_enabled)
                say(ret, DOCTOR_OK, "", "AppArmor is not enabled in this kernel, and box does not need it");
        else if (!f->root)
                say(ret, DOCTOR_UNKNOWN, "sudo boxctl doctor", "Only root can read which profiles are loaded");
        else if (f->apparmor == APPARMOR_MISSING)
                say(ret, DOCTOR_WARNING, "apparmor_parser -r /etc/apparmor.d/box-machine",
                    "Profiles are loaded, but not " APPARMOR_MACHINE ": machines run unconfined by AppArmor");
        else if (f->apparmor == APPARMOR_LOADED)
                say(ret, DOCTOR_OK, "", "The profile " APPARMOR_MACHINE " is loaded");
        else
                say(ret, DOCTOR_OK, "", "No profiles are loaded, and box does not need them");
}

/* ---- systemd -------------------------------------------------------------------------------------------------- */

static void judge_systemd(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (!failed(f->bus, "systemd does not answer on the system bus", DOCTOR_PROBLEM, "systemctl start dbus.socket", ret))
                say(ret, DOCTOR_OK, "", "systemd %s answers on the bus", f->systemd_version ?: "(of unknown version)");
}

static void judge_machined(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (f->machined == -ETIMEDOUT)
                say(ret, DOCTOR_PROBLEM, "systemctl restart systemd-machined",
                    "systemd-machined does not answer within a second");
        else if (!failed(f->machined, "There is no systemd-machined: machines are not registered, machinectl and others do not "
                         "see them", DOCTOR_WARNING, "apt install systemd-container", ret))
                say(ret, DOCTOR_OK, "", "systemd-machined answers on the bus");
}

static void judge_networkd(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        const char *state = f->networkd_state;

        if (!state)
                say(ret, DOCTOR_WARNING, "systemctl status systemd-networkd", "Whether systemd-networkd runs is not known");
        else if (strcmp(state, "active") != 0)
                say(ret, DOCTOR_WARNING, "systemctl enable --now systemd-networkd", "systemd-networkd is %s: the host's side of "
                    "VirtualEthernet= gets its address, and machines theirs, only if another program does it", state);
        else
                say(ret, DOCTOR_OK, "", "systemd-networkd sets up the host's side of VirtualEthernet=");
}

static void judge_forwarding(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (f->ip_forward < 0)
                say(ret, DOCTOR_WARNING, "sysctl net.ipv4.ip_forward", "net.ipv4.ip_forward cannot be read: %s",
                    strerror(-f->ip_forward));
        else if (f->ip_forward == 0)
                say(ret, DOCTOR_WARNING, "sysctl -w net.ipv4.ip_forward=1", "net.ipv4.ip_forward is 0: machines reach the host, "
                    "but no other network (networkd turns it on with its first machine)");
        else
                say(ret, DOCTOR_OK, "", "The host forwards between machines and other networks");
}

static void judge_target(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        const char *state = f->target_state;

        if (!state)
                say(ret, DOCTOR_WARNING, "systemctl is-enabled machines.target",
                    "Whether machines.target is enabled is not known");
        else if (strcmp(state, "enabled") != 0 && strcmp(state, "static") != 0)
                say(ret, DOCTOR_WARNING, "systemctl enable machines.target", "machines.target is %s: enabled machines start with "
                    "multi-user.target alone", state);
        else
                say(ret, DOCTOR_OK, "", "machines.target is %s", state);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static void judge_machines_dir(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (failed(f->machines_dir, "/var/lib/machines", DOCTOR_PROBLEM, "install -d -m 0700 /var/lib/machines", ret))
                return;
        if (f->machines_uid != 0)
                say(ret, DOCTOR_PROBLEM, "chown root: /var/lib/machines", "/var/lib/machines belongs to user %" PRIu64
                    ", who could exchange the machines", f->machines_uid);
        else if ((f->machines_mode & 077) != 0)
                say(ret, DOCTOR_PROBLEM, "chmod 0700 /var/lib/machines", "/var/lib/machines has the mode %04o: users of the host "
                    "could execute set-user-ID programs of machines", f->machines_mode & 07777);
        else
                say(ret, DOCTOR_OK, "", "/var/lib/machines is root's, with the mode %04o", f->machines_mode & 07777);
}

#define GIB (UINT64_C(1024) * 1024 * 1024)

static void judge_space(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        double gib = (double) f->free_bytes / (double) GIB;

        if (f->free_bytes == UINT64_MAX)
                say(ret, DOCTOR_WARNING, "df -h /var/lib/machines", "The free space of /var/lib/machines is not known");
        else if (f->free_bytes < GIB / 16 || f->free_files < 100)
                say(ret, DOCTOR_PROBLEM, "df -h -i /var/lib/machines", "The file system of /var/lib/machines is full: %.1f GiB "
                    "and %" PRIu64 " inodes are free", gib, f->free_files);
        else if (f->free_bytes < 2 * GIB || f->free_files < 50000)
                say(ret, DOCTOR_WARNING, "df -h -i /var/lib/machines", "Little room is left on the file system of "
                    "/var/lib/machines: %.1f GiB and %" PRIu64 " inodes", gib, f->free_files);
        else
                say(ret, DOCTOR_OK, "", "%.1f GiB are free for machines", gib);
}

static void judge_installed(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        if (f->not_installed)
                say(ret, DOCTOR_PROBLEM, "apt install --reinstall box", "A file of box is missing: %s", f->not_installed);
        else
                say(ret, DOCTOR_OK, "", "The programs, the unit, the generator and the kernel's limits are in place");
}

static void judge_unit(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        char fix[240];

        if (f->unit_shadow) {
                (void) snprintf(fix, sizeof(fix), "systemd-delta -t overridden; rm %s", f->unit_shadow);
                say(ret, DOCTOR_WARNING, fix, "%s is in force in place of box's own unit; use drop-ins (systemctl edit box@)",
                    f->unit_shadow);
        } else if (f->unit_changed_usec > 0 && f->units_loaded_usec > 0 && f->unit_changed_usec > f->units_loaded_usec)
                say(ret, DOCTOR_WARNING, "systemctl daemon-reload", "box@.service has changed since systemd read its units");
        else
                say(ret, DOCTOR_OK, "", "box@.service is box's own, as systemd has it");
}

/* ---- limits --------------------------------------------------------------------------------------------------- */

/* The need of machines, and what sysctl.d/50-box.conf or the kernel gives; less than least is a problem by itself. */
static const struct {
        const char *file, *used_file;
        uint64_t each, wanted, least;
} limits[_DOCTOR_LIMIT_MAX] = {
        [DOCTOR_INOTIFY_INSTANCES] = { "fs/inotify/max_user_instances",  NULL,                    5,   8192,   16 },
        [DOCTOR_INOTIFY_WATCHES]   = { "fs/inotify/max_user_watches",    NULL,                    30,  65536,  1024 },
        [DOCTOR_KEYS]              = { "kernel/keys/maxkeys",            NULL,                    4,   2000,   50 },
        [DOCTOR_PTYS]              = { "kernel/pty/max",                 "kernel/pty/nr",         2,   4096,   16 },
        [DOCTOR_FILES]             = { "fs/file-max",                    "fs/file-nr",            500, 65536,  8192 },
        [DOCTOR_PROCESS_FILES]     = { "fs/nr_open",                     NULL,                    0,   524288, 65536 },
        [DOCTOR_AIO]               = { "fs/aio-max-nr",                  "fs/aio-nr",             0,   65536,  1024 },
        [DOCTOR_USER_NAMESPACES]   = { "user/max_user_namespaces",       NULL,                    4,   1000,   16 },
};

const char *doctor_limit_file(size_t limit)
{
        return limits[limit].file;
}

const char *doctor_limit_used_file(size_t limit)
{
        return limits[limit].used_file;
}

static void judge_limit(const DoctorFacts *f, size_t limit, DoctorFinding *ret)
{
        const uint64_t value = f->limits[limit], used = f->used[limit], need = limits[limit].each * f->machines;
        char name[64], fix[160];

        (void) snprintf(name, sizeof(name), "%s", limits[limit].file);
        for (char *p = name; *p; p++)
                if (*p == '/')
                        *p = '.';
        (void) snprintf(fix, sizeof(fix), "sysctl -w %s=%" PRIu64, name, need * 2 > limits[limit].wanted ? need * 2 :
                        limits[limit].wanted);
        if (value == UINT64_MAX)
                say(ret, f->root ? DOCTOR_WARNING : DOCTOR_UNKNOWN, "", "%s cannot be read", name);
        else if (value < limits[limit].least)
                say(ret, DOCTOR_PROBLEM, fix, "%s is %" PRIu64 ": not enough for one machine", name, value);
        else if (used != UINT64_MAX && used >= value - value / 10)
                say(ret, DOCTOR_PROBLEM, fix, "%s is %" PRIu64 ", of which %" PRIu64 " are in use", name, value, used);
        else if (value < need)
                say(ret, DOCTOR_PROBLEM, fix, "%s is %" PRIu64 ", and %" PRIu64 " machines need about %" PRIu64, name, value,
                    f->machines, need);
        else if (value < limits[limit].wanted)
                say(ret, DOCTOR_WARNING, fix, "%s is %" PRIu64 ", which many machines use up", name, value);
        else
                say(ret, DOCTOR_OK, "", "%s is %" PRIu64, name, value);
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

const DoctorCheck doctor_checks[] = {
        { "kernel",            "system calls that box needs", judge_kernel },
        { "cgroup",            "control groups of machines", judge_cgroup },
        { "controllers",       "CPU, memory, I/O and task limits of machines", judge_controllers },
        { "delegation",        "limits that a machine sets inside", judge_delegation },
        { "systemd",           "the manager that runs machines", judge_systemd },
        { "machined",          "the registry of machines", judge_machined },
        { "user-namespaces",   "ids of a machine's users", judge_user_namespace },
        { "id-mapped-mounts",  "trees whose owners are mapped without a change of files", judge_id_map },
        { "overlayfs",         "Overlay=, Volatile=overlay, Ephemeral=", judge_overlay },
        { "nftables",          "Port=", judge_nftables },
        { "seccomp",           "SystemCallFilter= and the built-in filter", judge_seccomp },
        { "landlock",          "confinement of box-run itself", judge_landlock },
        { "apparmor",          "confinement of machines by AppArmor", judge_apparmor },
        { "inotify-instances", "5 for each machine with systemd", judge_limit, DOCTOR_INOTIFY_INSTANCES },
        { "inotify-watches",   "files that programs watch", judge_limit, DOCTOR_INOTIFY_WATCHES },
        { "keys",              "a session keyring for each service and login", judge_limit, DOCTOR_KEYS },
        { "terminals",         "one for each console and login", judge_limit, DOCTOR_PTYS },
        { "open-files",        "open files of all processes", judge_limit, DOCTOR_FILES },
        { "process-files",     "the highest LimitNOFILE=", judge_limit, DOCTOR_PROCESS_FILES },
        { "aio",               "asynchronous I/O, of databases above all", judge_limit, DOCTOR_AIO },
        { "user-namespaces-limit", "user namespaces, also those in machines", judge_limit, DOCTOR_USER_NAMESPACES },
        { "networkd",          "addresses of VirtualEthernet=", judge_networkd },
        { "forwarding",        "the way from machines to other networks", judge_forwarding },
        { "machines-directory", "trees and images of machines", judge_machines_dir },
        { "space",             "room for machines", judge_space },
        { "installation",      "files of box", judge_installed },
        { "unit",              "box@.service", judge_unit },
        { "machines-target",   "machines that start with the host", judge_target },
};
const size_t n_doctor_checks = ARRAY_SIZE(doctor_checks);

DoctorFinding doctor_judge(size_t i, const DoctorFacts *f)
{
        DoctorFinding ret = { 0 };

        doctor_checks[i].judge(f, doctor_checks[i].limit, &ret);
        return ret;
}

const char *doctor_result_name(DoctorResult r)
{
        static const char *const names[] = {
                [DOCTOR_OK] = "ok",
                [DOCTOR_UNKNOWN] = "needs-root",
                [DOCTOR_WARNING] = "warning",
                [DOCTOR_PROBLEM] = "problem",
        };

        return names[r];
}
