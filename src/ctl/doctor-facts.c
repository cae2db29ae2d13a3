/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The facts that boxctl doctor judges (see doctor.h): files of the kernel, some calls over the bus, and things that are tried and
 * leave nothing: system calls with arguments that are never valid, a user namespace, a detached mount. Any user; root tries more.
 */

#include <linux/landlock.h>
#include <linux/magic.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bus/bus.h"
#include "ctl/doctor.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/parse.h"
#include "util/print.h"

enum { FILE_MAX = 64 * 1024 };

#define MACHINES "/var/lib/machines"
#define BUS_USEC (1000 * 1000)

/* ---- the kernel ----------------------------------------------------------------------------------------------- */

/* No set of these arguments is valid for any of them, so nothing happens: only a kernel without the call says ENOSYS. */
static const char *missing_call(void)
{
        static const struct {
                const char *name;
                long number;
        } calls[] = {
                { "clone3", SYS_clone3 },
                { "close_range", SYS_close_range },
                { "fsconfig", SYS_fsconfig },
                { "fsopen", SYS_fsopen },
                { "mount_setattr", SYS_mount_setattr },
                { "move_mount", SYS_move_mount },
                { "open_tree", SYS_open_tree },
                { "openat2", SYS_openat2 },
                { "pidfd_getfd", SYS_pidfd_getfd },
                { "pidfd_open", SYS_pidfd_open },
        };

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                if (syscall(calls[i].number, -1L, 0L, -1L, 0L, -1L, 0L) < 0 && errno == ENOSYS)
                        return calls[i].name;
        return NULL;
}

static char *read_text(const char *path)
{
        char *text;

        if (fd_read_file_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0)
                return NULL;
        text[strcspn(text, "\n")] = 0;
        return text;
}

/* The first number of a file. */
static uint64_t read_number(const char *path)
{
        _cleanup_free_ char *text = path ? read_text(path) : NULL;
        uint64_t n;

        if (!text)
                return UINT64_MAX;
        text[strcspn(text, " \t")] = 0;
        return parse_u64(text, &n) < 0 ? UINT64_MAX : n;
}

static uint64_t read_sysctl(const char *name)
{
        char path[128];

        if (!name)
                return UINT64_MAX;
        (void) snprintf(path, sizeof(path), "/proc/sys/%s", name);
        return read_number(path);
}

static void read_cgroup(DoctorFacts *f)
{
        static const char slice[] = "/sys/fs/cgroup/machine.slice";
        _cleanup_closedir_ DIR *dir = opendir(slice);
        const struct dirent *entry;
        struct statfs fs;

        f->cgroup2 = statfs("/sys/fs/cgroup", &fs) >= 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
        f->controllers = read_text("/sys/fs/cgroup/cgroup.controllers");
        while (dir && !f->delegated && (entry = readdir(dir))) {
                _cleanup_free_ char *path = NULL;

                if (strncmp(entry->d_name, "box@", 4) == 0 &&
                    strf(&path, "%s/%s/cgroup.controllers", slice, entry->d_name) >= 0)
                        f->delegated = read_text(path);
        }
}

static int write_map(pid_t pid, const char *file)
{
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        return fd_write_file_at(AT_FDCWD, path, "0 1000000 65536\n");
}

static int try_id_map(pid_t pid)
{
        _cleanup_close_ int ns = -EBADF, tree = -EBADF;
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
        char path[64];
        int r;

        r = write_map(pid, "uid_map");
        if (r >= 0)
                r = write_map(pid, "gid_map");
        if (r < 0)
                return r;
        (void) snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
        ns = open(path, O_RDONLY | O_CLOEXEC);
        if (ns < 0)
                return -errno;
        tree = open_tree(AT_FDCWD, MACHINES, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0)
                return -errno;
        attr.userns_fd = (uint64_t) ns;
        return RET_ERRNO(mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
}

static int in_user_namespace(pid_t pid, void *argument)
{
        DoctorFacts *f = argument;

        f->user_namespace = 0;
        if (f->root)
                f->id_map = try_id_map(pid);
        return 0;
}

static void try_user_namespace(DoctorFacts *f)
{
        int r;

        f->id_map = DOCTOR_NEEDS_ROOT;
        r = namespace_hold(CLONE_NEWUSER, in_user_namespace, f);
        if (r < 0)
                f->user_namespace = f->root || (r != -EPERM && r != -EACCES) ? r : DOCTOR_NEEDS_ROOT;
        if (r < 0 && f->root)
                f->id_map = r;
}

/* As root the kernel loads the module. */
static int try_overlay(const DoctorFacts *f)
{
        _cleanup_free_ char *known = NULL;
        _cleanup_close_ int fd = -EBADF;

        if (fd_read_file_at(AT_FDCWD, "/proc/filesystems", FILE_MAX, &known, NULL) >= 0 && strstr(known, "\toverlay\n"))
                return 0;
        if (!f->root)
                return DOCTOR_NEEDS_ROOT;
        fd = fsopen("overlay", FSOPEN_CLOEXEC);
        return fd < 0 ? -errno : 0;
}

/* Asks nf_tables for the number of its rules' generation. */
static int try_nftables(const DoctorFacts *f)
{
        struct {
                struct nlmsghdr header;
                struct nfgenmsg family;
        } ask = {
                .header = { sizeof(ask), NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, NLM_F_REQUEST },
                .family = { .version = NFNETLINK_V0 },
        };
        union {
                struct nlmsghdr header;
                char bytes[1024];
        } answer;
        _cleanup_close_ int fd = -EBADF;
        const struct nlmsgerr *error;

        if (!f->root)
                return DOCTOR_NEEDS_ROOT;
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
        if (fd < 0 || send(fd, &ask, sizeof(ask), 0) < 0 ||
            recv(fd, &answer, sizeof(answer), 0) < (ssize_t) sizeof(answer.header))
                return -errno;
        if (answer.header.nlmsg_type != NLMSG_ERROR)
                return 0;
        error = NLMSG_DATA(&answer.header);
        return error->error;
}

static void read_kernel(DoctorFacts *f)
{
        const uint32_t action = SECCOMP_RET_ERRNO;
        _cleanup_free_ char *apparmor = read_text("/sys/module/apparmor/parameters/enabled");
        uint64_t forward = read_sysctl("net/ipv4/ip_forward");

        f->missing_call = missing_call();
        read_cgroup(f);
        try_user_namespace(f);
        f->overlay = try_overlay(f);
        f->nftables = try_nftables(f);
        f->seccomp = RET_ERRNO((int) syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
        f->landlock = RET_ERRNO((int) syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));
        f->apparmor_enabled = apparmor && *apparmor == 'Y';
        f->apparmor = apparmor_state(NULL);
        f->ip_forward = forward == UINT64_MAX ? -ENOENT : forward > 0;
        for (size_t i = 0; i < _DOCTOR_LIMIT_MAX; i++) {
                f->limits[i] = read_sysctl(doctor_limit_file(i));
                f->used[i] = read_sysctl(doctor_limit_used_file(i));
        }
}

/* ---- the bus -------------------------------------------------------------------------------------------------- */

enum { VERSION, LOADED, NETWORKD, TARGET, MACHINED, _CALL_MAX };

/* All are on their way at once. */
static int send_calls(sd_bus *bus, BusCall calls[static _CALL_MAX])
{
        static const struct {
                const char *service, *path, *interface, *method, *a, *b;
        } rows[_CALL_MAX] = {
                [VERSION]  = { BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, "org.freedesktop.DBus.Properties", "Get", BUS_SYSTEMD1_MANAGER,
                               "Version" },
                [LOADED]   = { BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, "org.freedesktop.DBus.Properties", "Get", BUS_SYSTEMD1_MANAGER,
                               "UnitsLoadTimestamp" },
                [NETWORKD] = { BUS_SYSTEMD1, BUS_SYSTEMD1_PATH "/unit/systemd_2dnetworkd_2eservice",
                               "org.freedesktop.DBus.Properties", "Get", BUS_SYSTEMD1 ".Unit", "ActiveState" },
                [TARGET]   = { BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "GetUnitFileState", "machines.target",
                               NULL },
                [MACHINED] = { BUS_MACHINE1, BUS_MACHINE1_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL },
        };

        for (size_t i = 0; i < _CALL_MAX; i++) {
                _cleanup_message_ sd_bus_message *m = NULL;
                int r;

                r = sd_bus_message_new_method_call(bus, &m, rows[i].service, rows[i].path, rows[i].interface, rows[i].method);
                if (r >= 0 && rows[i].a)
                        r = sd_bus_message_append(m, "s", rows[i].a);
                if (r >= 0 && rows[i].b)
                        r = sd_bus_message_append(m, "s", rows[i].b);
                if (r >= 0)
                        r = bus_call_send(bus, m, BUS_USEC, &calls[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* 0, or why there is no answer. */
static int outcome(const BusCall *call)
{
        const sd_bus_error *error = call->done ? bus_call_error(call) : NULL;

        return !call->done ? -ETIMEDOUT : error ? -sd_bus_error_get_errno(error) : 0;
}

static char *answer_text(const BusCall *call, const char *type)
{
        const char *text = NULL;
        int r = outcome(call);

        if (r >= 0)
                r = *type == 'v' ? sd_bus_message_read(call->reply, "v", "s", &text)
                               : sd_bus_message_read(call->reply, "s", &text);
        return r >= 0 && text ? strdup(text) : NULL;
}

static void read_answers(const BusCall calls[static _CALL_MAX], DoctorFacts *f)
{
        f->bus = outcome(&calls[VERSION]);
        f->systemd_version = answer_text(&calls[VERSION], "v");
        f->networkd_state = answer_text(&calls[NETWORKD], "v");
        f->target_state = answer_text(&calls[TARGET], "s");
        f->machined = outcome(&calls[MACHINED]);
        if (outcome(&calls[LOADED]) >= 0)
                (void) sd_bus_message_read(calls[LOADED].reply, "v", "t", &f->units_loaded_usec);
}

static void read_bus(DoctorFacts *f)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        BusCall calls[_CALL_MAX] = { 0 };
        int r;

        r = bus_open_system(&bus, NULL);
        if (r >= 0)
                r = bus_connect(bus, BUS_USEC);
        if (r >= 0)
                r = send_calls(bus, calls);
        for (size_t i = 0; r >= 0 && i < _CALL_MAX; i++)
                r = bus_wait(bus, NULL, &calls[i].done, BUS_USEC);
        if (r >= 0 || r == -ETIMEDOUT)
                read_answers(calls, f);
        else
                f->bus = f->machined = r;
        for (size_t i = 0; i < _CALL_MAX; i++)
                bus_call_done(&calls[i]);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static void read_machines(DoctorFacts *f)
{
        _cleanup_closedir_ DIR *dir = opendir("/run/box");
        const struct dirent *entry;
        struct statvfs fs;
        struct stat st;

        while (dir && (entry = readdir(dir)))
                f->machines += entry->d_name[0] != '.';
        f->machines_dir = RET_ERRNO(stat(MACHINES, &st));
        f->free_bytes = f->free_files = UINT64_MAX;
        if (f->machines_dir < 0)
                return;
        f->machines_mode = st.st_mode;
        f->machines_uid = st.st_uid;
        if (statvfs(MACHINES, &fs) < 0)
                return;
        f->free_bytes = (uint64_t) fs.f_bavail * fs.f_frsize;
        if (fs.f_files > 0)     /* btrfs has no number of them */
                f->free_files = fs.f_favail;
}

static void read_installation(DoctorFacts *f)
{
        static const char *const files[] = { BOX_RUN, BOX_GENERATOR, BOX_STUB_INIT, BOX_ENTER_STUB, BOX_UNIT, BOX_SYSCTL };
        static const char *const shadows[] = { "/etc/systemd/system/box@.service", "/run/systemd/system/box@.service" };
        struct stat st;

        for (size_t i = 0; !f->not_installed && i < ARRAY_SIZE(files); i++)
                if (access(files[i], F_OK) < 0)
                        f->not_installed = files[i];
        for (size_t i = 0; !f->unit_shadow && i < ARRAY_SIZE(shadows); i++)
                if (strcmp(shadows[i], BOX_UNIT) != 0 && access(shadows[i], F_OK) >= 0)
                        f->unit_shadow = strdup(shadows[i]);
        if (stat(BOX_UNIT, &st) >= 0)
                f->unit_changed_usec = (uint64_t) st.st_ctim.tv_sec * USEC_PER_SEC;
}

void doctor_facts_read(DoctorFacts *ret)
{
        DoctorFacts f = { .root = geteuid() == 0 };

        read_kernel(&f);
        read_bus(&f);
        read_machines(&f);
        read_installation(&f);
        *ret = f;
}

void doctor_facts_done(DoctorFacts *f)
{
        free(f->controllers);
        free(f->delegated);
        free(f->systemd_version);
        free(f->networkd_state);
        free(f->target_state);
        free(f->unit_shadow);
        *f = (DoctorFacts) { 0 };
}
