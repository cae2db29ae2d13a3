/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bind= and BindReadOnly= of a running machine. The mount is made on the host as at a start (mount/mount-source.h), with its
 * id map, and attached by a helper process in the machine's mount namespace: the destination is walked inside the machine's
 * tree, as the machine's root. With a user namespace, the helper first takes a copy of the mount that the machine's user
 * namespace owns, in which the kernel locks ro, nosuid, nodev and noexec. What the kernel does not lock: the machine's root
 * can unmount it.
 *
 * Runs in box-run --live, as root. Works with any payload, which has no part in it.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live/live-device.h"
#include "live/live-machine.h"
#include "mount/mount-dest.h"
#include "mount/mount-plan-internal.h"
#include "mount/mount-source.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/print.h"
#include "util/tree.h"

/* Every host has the directory, and in the helper's own mount namespace it is not needed. */
#define STAGE_DIR "/run"
#define STAGE STAGE_DIR "/mount"

enum { ID_MAP_MAX = 64 * 1024 };

/* ---- the setting ---------------------------------------------------------------------------------------------------- */

static int parse(const LiveValue *v, Settings *ret)
{
        char reason[SETTING_REASON_MAX] = "";
        int r = v->row->parse(v->row, v->text, v->from, ret, reason);

        return r < 0 ? r : ret->n_binds == 1 ? 0 : -EINVAL;
}

static const char *why_not_added(const LiveValue *v)
{
        _cleanup_(settings_done) Settings s;

        settings_init(&s);
        if (parse(v, &s) < 0)
                return "it is not understood";
        if (!s.binds[0].source)
                return "a temporary directory lasts from a machine's start to its end";
        return strcmp(s.binds[0].dest, "/") == 0 ? "it is the machine's root directory" : NULL;
}

static const char *why_not(LiveMachine *m, const LiveChange *c)
{
        _cleanup_close_ int userns = live_machine_open_namespace(m, "user");

        if (c->before && userns >= 0 && !c->before->live)
                return "the kernel has locked it since the machine's start";
        return c->after ? why_not_added(c->after) : NULL;
}

/* ---- the machine ---------------------------------------------------------------------------------------------------- */

static int read_id_map(const LiveMachine *m, const char *file, IdMap *ret)
{
        _cleanup_free_ char *text = NULL;
        char path[64], *rest, *line;
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", m->leader.pid, file);
        r = fd_read_file_at(AT_FDCWD, path, ID_MAP_MAX, &text, NULL);
        if (r < 0)
                return r;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                IdMapLine l;

                if (ret->n < ARRAY_SIZE(ret->lines) && sscanf(line, "%u %u %u", &l.inside, &l.outside, &l.count) == 3)
                        ret->lines[ret->n++] = l;
        }
        return 0;
}

/* What the mount is made and attached with. */
typedef struct Binding {
        const LiveMachine *machine;
        const BindSetting *bind;
        const MountOp *op;
        MountMakeContext make;          /* its userns_fd, tree_namespace_fd are ours */
        IdMap uids, gids;
        int fd;                         /* the mount */
        Failure *failure;
} Binding;

static void binding_done(Binding *b)
{
        fd_close(b->make.userns_fd);
        fd_close(b->make.tree_namespace_fd);
        fd_close(b->fd);
}

static int open_machine(Binding *b, Failure *failure)
{
        const LiveMachine *m = b->machine;
        MountMakeContext *c = &b->make;
        int r;

        c->tree_fd = c->image_fd = m->leader.root_fd;
        c->userns_fd = live_machine_open_namespace(m, "user");
        c->tree_namespace_fd = live_machine_open_namespace(m, "mnt");
        r = c->userns_fd < 0 && c->userns_fd != -EBADF ? c->userns_fd : c->tree_namespace_fd;
        if (r >= 0 && c->userns_fd >= 0)
                r = read_id_map(m, "uid_map", &b->uids);
        if (r >= 0 && c->userns_fd >= 0)
                r = read_id_map(m, "gid_map", &b->gids);
        if (r < 0)
                return failure_set(failure, r, "Failed to open the namespaces of machine '%s': %m", m->name);
        c->map = c->userns_fd >= 0 ? &b->uids : NULL;
        c->gid_map = c->userns_fd >= 0 ? &b->gids : NULL;
        c->owner = m->state.uid_base;
        for (unsigned i = 0; i < b->uids.n; i++)
                if (b->uids.lines[i].outside == c->owner)
                        c->first_id = b->uids.lines[i].inside;
        return 0;
}

/* ---- in the helper ------------------------------------------------------------------------------------------------------ */

/* In a copy of the host's mount namespace: a clone of the mount in which the machine's user namespace cannot change what is
 * set. */
static int lock_flags(Binding *b)
{
        struct stat st;
        int fd;

        if (fstat(b->fd, &st) < 0 ||
            mount("tmpfs", STAGE_DIR, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=0755") < 0 ||
            (S_ISDIR(st.st_mode) ? mkdir(STAGE, 0755) : mknod(STAGE, S_IFREG | 0644, 0)) < 0 ||
            move_mount(b->fd, "", AT_FDCWD, STAGE, MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
            setns(b->make.userns_fd, CLONE_NEWUSER) < 0)
                return -errno;
        if (mount_dest_become(b->make.first_id) < 0 || unshare(CLONE_NEWNS) < 0)
                return -errno;
        fd = open_tree(AT_FDCWD, STAGE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (b->bind->recursive ? AT_RECURSIVE : 0));
        if (fd < 0)
                return -errno;
        fd_close(b->fd);
        b->fd = fd;
        return 0;
}

static int attach(void *userdata)
{
        const struct mount_attr shared = { .propagation = MS_SHARED };
        const MountDest dest = { ((Binding *) userdata)->machine->leader.root_fd, -EBADF, 0, false };
        Binding *b = userdata;
        int r = 0;

        (void) umask(0022);
        if (b->make.userns_fd >= 0)
                r = lock_flags(b);
        if (r >= 0)
                r = RET_ERRNO(setns(b->make.tree_namespace_fd, CLONE_NEWNS));
        if (r < 0)
                return mount_dest_failure(b->op, r, b->failure);
        r = mount_dest_attach(b->op, &dest, b->fd, b->failure);
        /* As all mounts of a machine (mount-attach.c). */
        if (r >= 0)
                (void) mount_setattr(b->fd, "", AT_EMPTY_PATH | AT_RECURSIVE, (struct mount_attr *) (uintptr_t) &shared,
                                     sizeof(shared));
        return r;
}

/* A file of a mount on a directory, and a destination that the machine has changed, fail here. */
static int add(LiveMachine *m, const BindSetting *bind, Failure *failure)
{
        const BoundDevice device = { .path = bind->source };
        _cleanup_(binding_done) Binding b = { .machine = m, .bind = bind, .make = MOUNT_MAKE_CONTEXT_NULL, .fd = -EBADF,
                                              .failure = failure };
        _cleanup_(mount_plan_done) MountPlan plan = {};
        _cleanup_(problems_done) Problems problems = {};
        const Settings *s = m->before;
        MountFacts facts = {};
        int r;

        r = open_machine(&b, failure);
        if (r < 0)
                return r;
        facts.userns = b.make.userns_fd >= 0;
        facts.bound_devices = &device;
        facts.n_bound_devices = live_is_device(bind);
        r = mount_plan_add_bind(s, bind, &facts, &plan, &problems);
        if (r >= 0 && problems.n_fatal > 0)
                return failure_set(failure, -EINVAL, "%s", problems.items[0].text);
        if (r < 0 || plan.n != 1)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (facts.userns && !live_is_device(bind) && strcmp(bind->source, "/dev") != 0 && strncmp(bind->source, "/dev/", 5) != 0)
                plan.ops[0].attrs |= MOUNT_ATTR_NODEV;
        /* In the running machine the tree is as it is mapped there. */
        if (plan.ops[0].kind != MOUNT_CLONE)
                return failure_set_at(failure, bind->from, -EOPNOTSUPP, "A part of an ephemeral tree can only be bound at a "
                                      "start");
        b.op = &plan.ops[0];
        b.fd = mount_open_source(b.op, &b.make, NULL, failure);
        if (b.fd == -ENOENT && failure->error >= 0) {
                mount_source_say_missing(b.op);
                return 0;
        }
        r = b.fd < 0 ? b.fd : mount_set_attributes(b.op, b.fd, m->leader.root_fd, &b.make, failure);
        if (r >= 0)
                r = namespace_call(-EBADF, b.make.userns_fd >= 0 ? CLONE_NEWNS : 0, attach, &b);
        return r < 0 ? failure_set(failure, r, "Failed to mount '%s' in machine '%s': %m", bind->dest, m->name) : 0;
}

/* ---- removal --------------------------------------------------------------------------------------------------------------- */

typedef struct Removal {
        const LiveMachine *machine;
        const char *dest;
        int namespace_fd;
} Removal;

/* By its name in its directory, which is not part of the mount. The machine may have unmounted it, or mounted over it. */
static int detach(void *userdata)
{
        const Removal *r = userdata;
        const char *slash = strrchr(r->dest, '/');
        _cleanup_free_ char *parent = strndup(r->dest, (size_t) (slash - r->dest) + 1);
        _cleanup_close_ int fd = -EBADF;

        if (!parent)
                return -ENOMEM;
        if (setns(r->namespace_fd, CLONE_NEWNS) < 0)
                return -errno;
        fd = tree_open(r->machine->leader.root_fd, parent, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (fchdir(fd) < 0)
                return -errno;
        if (umount2(slash + 1, UMOUNT_NOFOLLOW | MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
                return -errno;
        return 0;
}

static int remove_bind(LiveMachine *m, const BindSetting *bind, Failure *failure)
{
        _cleanup_close_ int namespace_fd = live_machine_open_namespace(m, "mnt");
        Removal removal = { m, bind->dest, namespace_fd };
        int r = namespace_fd < 0 ? namespace_fd : namespace_call(-EBADF, 0, detach, &removal);

        return r < 0 ? failure_set(failure, r, "Failed to unmount '%s' in machine '%s': %m", bind->dest, m->name) : 0;
}

/* ---- the applier ------------------------------------------------------------------------------------------------------ */

static int apply(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure)
{
        const LiveValue *v = c->after ?: c->before;
        _cleanup_(settings_done) Settings s;
        bool device;
        int r;

        settings_init(&s);
        r = parse(v, &s);
        if (r < 0)
                return failure_set_at(failure, v->from, r, "%s=%s: %m", v->row->key, v->text);
        device = live_is_device(&s.binds[0]);
        r = device ? live_device_change(m, to, failure) : 0;
        if (r < 0)
                return r;
        r = c->after ? add(m, &s.binds[0], failure) : remove_bind(m, &s.binds[0], failure);
        if (r < 0 && device)
                (void) live_device_change(m, to == m->after ? m->before : m->after, NULL);
        return r;
}

const LiveApplier live_mounts = { why_not, apply, LIVE_ONE };
