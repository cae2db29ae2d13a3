/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mounts, devices and covered paths of an OCI bundle (config/oci-settings.h), each a step with its place in
 * config.json. Pure. */

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "mount/mount-plan-internal.h"
#include "users/user-namespace.h"

/* ---- mounts ---------------------------------------------------------------------------------------------------- */

static int plan_bind(const OciMount *m, const MountFacts *f, MountPlan *p)
{
        const MountRow row = {
                MOUNT_CLONE, m->recursive ? MOUNT_RECURSIVE : 0,
                .id_map = m->idmap && f->userns ? MOUNT_IDMAP_MACHINE : MOUNT_IDMAP_NONE, .attrs = m->attrs,
                .source = m->source, .dest = m->dest, .from = m->from,
        };

        return mount_plan_add(p, &row, NULL);
}

/* An overlay of the tree's directory, if there is one, and a tmpfs, on the tmpfs that has just been added. */
static int plan_copy_up(const OciMount *m, const MountFacts *f, MountPlan *p)
{
        const MountOp *tmpfs = &p->ops[p->n - 1];
        _cleanup_free_ char *options = strdup(tmpfs->options);
        const MountRow row = {
                MOUNT_OVERLAY, MOUNT_TOP_WRITABLE | MOUNT_OPTIONAL, .attrs = tmpfs->attrs, .dest = m->dest, .options = options,
                .from = m->from,
        };
        MountOp *op;

        if (!options || mount_plan_add(p, &row, &op) < 0 ||
            mount_plan_add_layer(op, MOUNT_SOURCE_IN_TREE, mount_plan_tree_map(f), m->dest) < 0)
                return -ENOMEM;
        op->layers[0].optional = true;
        return mount_plan_add_layer(op, MOUNT_SOURCE_MEMORY, MOUNT_IDMAP_NONE, NULL);
}

static int plan_tmpfs(const OciMount *m, const MountFacts *f, MountPlan *p, Problems *problems)
{
        const TmpfsSetting t = { .dest = m->dest, .options = m->options, .from = m->from };

        size_t before = p->n;
        int r;

        r = mount_plan_add_custom_tmpfs(&t, f, p, problems);
        return r < 0 || !m->copy_up || p->n == before ? r : plan_copy_up(m, f, p);
}

/* ---- devices --------------------------------------------------------------------------------------------------- */

static bool has_node(const MountOp *dev, const char *path)
{
        for (size_t i = 0; i < dev->n_nodes; i++)
                if (strcmp(dev->nodes[i].path, path) == 0)
                        return true;
        return false;
}

/* Adds the missing directories above path. */
static int add_parents(MountOp *dev, const char *path)
{
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                _cleanup_free_ char *head = strndup(path, (size_t) (slash - path));

                if (!head || (!has_node(dev, head) && mount_plan_add_node(dev, NODE_DIR, head, 0755, NULL) < 0))
                        return -ENOMEM;
        }
        return 0;
}

static int set_owner(const OciDevice *d, const MountFacts *f, NodeOp *n, Problems *problems)
{
        n->has_owner = true;
        n->uid = d->uid;
        n->gid = d->gid;
        if (f->uid_map && (!id_map_to_host(f->uid_map, d->uid, &n->uid) || !id_map_to_host(f->gid_map, d->gid, &n->gid)))
                return problem_error(problems, d->from, "The machine's user namespace does not have the ids %u and %u", d->uid,
                                     d->gid);
        return 0;
}

static int plan_device(const OciDevice *d, const MountFacts *f, MountOp *dev, Problems *problems)
{
        NodeOp *n;

        if (has_node(dev, d->path))
                return 0;               /* every machine has it */
        if (add_parents(dev, d->path) < 0 ||
            mount_plan_add_node(dev, S_ISFIFO(d->mode) ? NODE_FIFO : NODE_DEVICE, d->path, d->mode, NULL) < 0)
                return -ENOMEM;
        n = &dev->nodes[dev->n_nodes - 1];
        n->rdev = makedev(d->major, d->minor);
        return set_owner(d, f, n, problems);
}

static MountOp *find_dev(MountPlan *p)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->ops[i].kind == MOUNT_NEW && strcmp(p->ops[i].dest, "/dev") == 0)
                        return &p->ops[i];
        return NULL;
}

int mount_plan_oci_mounts(const Settings *s, const MountFacts *f, MountPlan *p, Problems *problems)
{
        MountOp *dev = find_dev(p);

        if (!s->oci)
                return 0;
        for (size_t i = 0; dev && i < s->oci->n_devices; i++)
                if (plan_device(&s->oci->devices[i], f, dev, problems) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < s->oci->n_mounts; i++) {
                const OciMount *m = &s->oci->mounts[i];

                if ((m->source ? plan_bind(m, f, p) : plan_tmpfs(m, f, p, problems)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* ---- covers ---------------------------------------------------------------------------------------------------- */

/* The cgroup file system is mounted late, and what covers it later still: not locked, as root of a user namespace may mount
 * another one anyway. */
static int plan_cover(const OciPath *path, bool mask, MountPlan *p)
{
        const unsigned late = mount_plan_is_in_cgroups(path->path) ? MOUNT_LATE : 0;
        const MountRow row = {
                MOUNT_BIND, MOUNT_OPTIONAL | (mask ? 0 : MOUNT_RECURSIVE) | late,
                mask ? MOUNT_SOURCE_MASK : MOUNT_SOURCE_PATH, .attrs = mask ? ATTR_API_RO : MOUNT_ATTR_RDONLY,
                .source = mask ? NULL : path->path, .dest = path->path, .from = path->from,
        };

        return mount_plan_add(p, &row, NULL);
}

/* Every machine has some masks already, which are locked where a bundle asks for them. */
static bool lock_mask(const MountPlan *p, const char *dest)
{
        MountOp *op = mount_plan_find(p, dest);

        if (!op || op->source_kind != MOUNT_SOURCE_MASK)
                return false;
        op->flags &= ~(unsigned) MOUNT_UNLOCKED;
        return true;
}

int mount_plan_oci_covers(const Settings *s, MountPlan *p)
{
        if (!s->oci)
                return 0;
        for (size_t i = 0; i < s->oci->n_read_only; i++)
                if (plan_cover(&s->oci->read_only[i], /* mask= */ false, p) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < s->oci->n_masked; i++)
                if (!lock_mask(p, s->oci->masked[i].path) && plan_cover(&s->oci->masked[i], /* mask= */ true, p) < 0)
                        return -ENOMEM;
        return 0;
}
