/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Facts of the host that a plan depends on (HostFacts in plan.h), read once, before anything is changed. The
 * supervisor. A fact that cannot be read keeps a neutral value: none is worth a failed start.
 */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/plan.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"

/* The devices of every machine, as in systemd-nspawn(1). tun and fuse are optional: the host may lack them, or the
 * unit's device policy may forbid to create them. */
static const struct { const char *name; bool optional; } machine_devices[] = {
        { "null" }, { "zero" }, { "full" }, { "random" }, { "urandom" }, { "tty" },
        { "net/tun", true }, { "fuse", true },
};

void host_facts_done(HostFacts *f)
{
        free(f->os_release);
        free(f->devices);
        free(f->bound_devices);
        free(f->term);
        free(f->colorterm);
        free(f->no_color);
        free(f->listen_names);
        *f = (HostFacts) {};
}

static int read_devices(HostFacts *f)
{
        for (size_t i = 0; i < ARRAY_SIZE(machine_devices); i++) {
                _cleanup_free_ char *path = NULL;
                DeviceFact d = { machine_devices[i].name, .optional = machine_devices[i].optional };
                struct stat st;

                if (strf(&path, "/dev/%s", d.name) < 0)
                        return -ENOMEM;
                if (stat(path, &st) < 0 || !S_ISCHR(st.st_mode))
                        continue;
                d.rdev = st.st_rdev;
                if (array_move(&f->devices, &f->n_devices, &d, sizeof(d)) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int read_bound_devices(const Settings *s, HostFacts *f)
{
        for (size_t i = 0; i < s->n_binds; i++) {
                const BindSetting *b = &s->binds[i];
                BoundDevice d = { .path = b->source };
                struct stat st;

                if (!b->source || b->in_tree || stat(b->source, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
                        continue;
                d.block = S_ISBLK(st.st_mode);
                d.device = st.st_rdev;
                if (array_move(&f->bound_devices, &f->n_bound_devices, &d, sizeof(d)) < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int read_os_release(HostFacts *f)
{
        static const char *const places[] = { "/etc/os-release", "/usr/lib/os-release" };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (fd_read_file_at(AT_FDCWD, places[i], 64 * 1024, &f->os_release, NULL) >= 0)
                        return 0;

        return free_and_strdup(&f->os_release, "");
}

/* Limits of processes are those of the host's PID 1. */
static void read_limits(HostFacts *f)
{
        _cleanup_free_ char *text = NULL;
        uint64_t n;

        if (prlimit(1, RLIMIT_NPROC, NULL, &f->pid1_nproc) < 0)
                f->pid1_nproc = (struct rlimit) { RLIM_INFINITY, RLIM_INFINITY };
        if (prlimit(1, RLIMIT_SIGPENDING, NULL, &f->pid1_sigpending) < 0)
                f->pid1_sigpending = (struct rlimit) { RLIM_INFINITY, RLIM_INFINITY };

        f->nr_open = 1024 * 1024;       /* the kernel's default (fs/file.c) */
        if (fd_read_file_at(AT_FDCWD, "/proc/sys/fs/nr_open", 64, &text, NULL) >= 0) {
                text[strcspn(text, "\n")] = 0;
                if (parse_u64(text, &n) >= 0)
                        f->nr_open = n;
        }
}

/* Sockets for the payload, by socket activation. Removes the variables. */
static int read_listen_fds(HostFacts *f)
{
        _cleanup_strv_ char **names = NULL;
        int n = sd_listen_fds_with_names(/* unset_environment= */ 1, &names);

        if (n == -ENOMEM)
                return n;
        f->n_listen_fds = n > 0 ? (unsigned) n : 0;
        STRV_FOREACH(name, names) {
                char *joined;

                if (strf(&joined, "%s%s%s", f->listen_names ?: "", f->listen_names ? ":" : "", *name) < 0)
                        return -ENOMEM;
                free(f->listen_names);
                f->listen_names = joined;
        }
        return 0;
}

static int read_variable(const char *name, char **ret)
{
        const char *value = getenv(name);

        return value && *value ? free_and_strdup(ret, value) : 0;
}

int host_facts_read(const Settings *s, HostFacts *ret)
{
        _cleanup_(host_facts_done) HostFacts f = {};
        sd_id128_t id;

        if (sd_id128_get_machine(&id) >= 0)
                memcpy(f.machine_id, id.bytes, sizeof(f.machine_id));
        if (sd_id128_randomize(&id) >= 0)
                (void) snprintf(f.boot_id, sizeof(f.boot_id), SD_ID128_UUID_FORMAT_STR, SD_ID128_FORMAT_VAL(id));
        if (read_devices(&f) < 0 || read_bound_devices(s, &f) < 0 || read_os_release(&f) < 0 ||
            read_variable("TERM", &f.term) < 0 || read_variable("COLORTERM", &f.colorterm) < 0 ||
            read_variable("NO_COLOR", &f.no_color) < 0 || read_listen_fds(&f) < 0)
                return -ENOMEM;
        read_limits(&f);
        f.apparmor = apparmor_state(NULL);
        f.stdio_is_tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

        *ret = f;
        f = (HostFacts) {};
        return 0;
}
