/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The plan for /etc/resolv.conf and /etc/localtime of a machine (see host-files-plan.h), with systemd-nspawn's modes
 * and defaults. Best effort: only explicit settings are reported, none fails the start. Pure.
 */

#include <string.h>

#include "mount/mount-plan-internal.h"
#include "plan/host-files-plan.h"
#include "util/print.h"

/* Mounts a file of the host read-only over the machine's, which is created if it is missing. */
static int add_bind(const char *source, const char *dest, unsigned flags, Source from, MountPlan *mounts)
{
        const MountRow row = {
                MOUNT_CLONE, flags | MOUNT_OPTIONAL | MOUNT_CREATE_DEST, .source = source, .dest = dest, .from = from,
                .attrs = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        };

        return mount_plan_add(mounts, &row, NULL);
}

/* ---- resolv.conf ------------------------------------------------------------------------------------------- */

#define RESOLV_CONF "/etc/resolv.conf"

typedef enum ResolvAction {
        RESOLV_ACTION_NONE,
        RESOLV_ACTION_COPY,
        RESOLV_ACTION_REPLACE,
        RESOLV_ACTION_BIND,
        RESOLV_ACTION_DELETE,
} ResolvAction;

static const struct { ResolvAction way; ResolvFile file; } resolv_modes[] = {
        [RESOLV_CONF_OFF] = { RESOLV_ACTION_NONE, 0 },
        [RESOLV_CONF_COPY_HOST] = { RESOLV_ACTION_COPY, RESOLV_FILE_HOST },
        [RESOLV_CONF_COPY_STATIC] = { RESOLV_ACTION_COPY, RESOLV_FILE_STATIC },
        [RESOLV_CONF_COPY_UPLINK] = { RESOLV_ACTION_COPY, RESOLV_FILE_UPLINK },
        [RESOLV_CONF_COPY_STUB] = { RESOLV_ACTION_COPY, RESOLV_FILE_STUB },
        [RESOLV_CONF_REPLACE_HOST] = { RESOLV_ACTION_REPLACE, RESOLV_FILE_HOST },
        [RESOLV_CONF_REPLACE_STATIC] = { RESOLV_ACTION_REPLACE, RESOLV_FILE_STATIC },
        [RESOLV_CONF_REPLACE_UPLINK] = { RESOLV_ACTION_REPLACE, RESOLV_FILE_UPLINK },
        [RESOLV_CONF_REPLACE_STUB] = { RESOLV_ACTION_REPLACE, RESOLV_FILE_STUB },
        [RESOLV_CONF_BIND_HOST] = { RESOLV_ACTION_BIND, RESOLV_FILE_HOST },
        [RESOLV_CONF_BIND_STATIC] = { RESOLV_ACTION_BIND, RESOLV_FILE_STATIC },
        [RESOLV_CONF_BIND_UPLINK] = { RESOLV_ACTION_BIND, RESOLV_FILE_UPLINK },
        [RESOLV_CONF_BIND_STUB] = { RESOLV_ACTION_BIND, RESOLV_FILE_STUB },
        [RESOLV_CONF_DELETE] = { RESOLV_ACTION_DELETE, 0 },
};

static ResolvConf resolve_resolv_conf(const Settings *s, const HostFiles *f, bool private_network)
{
        bool writable = settings_etc_writable(s);

        if (s->resolv_conf != RESOLV_CONF_AUTO)
                return s->resolv_conf;
        if (private_network)
                return RESOLV_CONF_OFF;
        if (f->resolv[RESOLV_FILE_STUB].data && f->stub_listens)
                return writable ? RESOLV_CONF_COPY_STUB : RESOLV_CONF_BIND_STUB;
        if (f->resolv[RESOLV_FILE_HOST].data)
                return writable ? RESOLV_CONF_COPY_HOST : RESOLV_CONF_BIND_HOST;
        return writable ? RESOLV_CONF_DELETE : RESOLV_CONF_OFF;
}

static int plan_resolv_conf(const Settings *s, const HostFiles *f, bool private_network, MountPlan *mounts,
                            TreeEdits *edits, Problems *problems)
{
        ResolvConf mode = resolve_resolv_conf(s, f, private_network);
        ResolvAction way = resolv_modes[mode].way;
        const char *path = resolv_file_path(resolv_modes[mode].file);
        const HostFile *file = &f->resolv[resolv_modes[mode].file];
        Source from = s->from[SETTING_RESOLV_CONF];
        TreeEdit edit = {
                .path = (char *) RESOLV_CONF, .content = file->data, .size = file->size, .mtime = file->mtime,
                .origin = path, .from = from,
        };

        switch (way) {
        case RESOLV_ACTION_NONE:
                return 0;
        case RESOLV_ACTION_DELETE:
                return tree_edits_add(edits, &(TreeEdit) { .kind = TREE_EDIT_REMOVE, .need = TREE_EDIT_IF_WRITABLE,
                                                           .path = (char *) RESOLV_CONF, .from = from });
        case RESOLV_ACTION_BIND:
                if (file->data)
                        return add_bind(path, RESOLV_CONF, MOUNT_ON_LINK, from, mounts);
                break;
        case RESOLV_ACTION_COPY:
                edit.kind = TREE_EDIT_WRITE;
                edit.need = TREE_EDIT_IF_WRITABLE;
                break;
        case RESOLV_ACTION_REPLACE:
                edit.kind = TREE_EDIT_REPLACE;
                edit.need = TREE_EDIT_BEST_EFFORT;
                break;
        }

        if (!file->data)
                return problem_warning(problems, from, "ResolvConf= needs the host's %s, which cannot be read; the machine "
                                       "keeps its own file", path);
        if (tree_edits_add(edits, &edit) < 0)
                return -ENOMEM;
        /* In most distributions a link into /run, which systemd-resolved or another program of the boot fills. */
        if (way == RESOLV_ACTION_REPLACE || settings_start_mode(s) == START_BOOT)
                return 0;
        edit.kind = TREE_EDIT_FILL;
        return tree_edits_add(edits, &edit);
}

/* ---- localtime --------------------------------------------------------------------------------------------- */

#define LOCALTIME "/etc/localtime"

static Timezone resolve_timezone(const Settings *s, const HostFiles *f)
{
        bool writable = settings_etc_writable(s);

        if (s->timezone != TIMEZONE_AUTO)
                return s->timezone;
        if (f->localtime_is_link)
                return writable ? TIMEZONE_SYMLINK : TIMEZONE_BIND;
        if (f->localtime.data)
                return writable ? TIMEZONE_COPY : TIMEZONE_BIND;
        return writable ? TIMEZONE_DELETE : TIMEZONE_OFF;
}

static int add_zone_link(const char *zone, Source from, TreeEdits *edits)
{
        TreeEdit edit = { .kind = TREE_EDIT_LINK, .need = TREE_EDIT_IF_WRITABLE, .path = (char *) LOCALTIME, .from = from };
        _cleanup_free_ char *target = NULL;

        /* Relative, to be valid from outside of the tree too. */
        if (strf(&target, "../usr/share/zoneinfo/%s", zone) < 0)
                return -ENOMEM;
        edit.content = target;
        edit.size = strlen(target);
        return tree_edits_add(edits, &edit);
}

static int plan_timezone(const Settings *s, const HostFiles *f, MountPlan *mounts, TreeEdits *edits, Problems *problems)
{
        Timezone mode = resolve_timezone(s, f);
        Source from = s->from[SETTING_TIMEZONE];
        bool asked = s->timezone != TIMEZONE_AUTO;

        switch (mode) {
        case TIMEZONE_DELETE:
                return tree_edits_add(edits, &(TreeEdit) { .kind = TREE_EDIT_REMOVE, .need = TREE_EDIT_BEST_EFFORT,
                                                           .path = (char *) LOCALTIME, .from = from });
        case TIMEZONE_SYMLINK:
                if (!f->zone)
                        return !asked ? 0 : problem_warning(problems, from, "Timezone=symlink: the host's " LOCALTIME
                                                            " is not a link into /usr/share/zoneinfo; the machine keeps its own");
                /* Without the zone in the machine: a copy of the host's file. */
                return f->tree_has_zone ? add_zone_link(f->zone, from, edits) :
                                          add_bind(LOCALTIME, LOCALTIME, 0, from, mounts);
        case TIMEZONE_BIND:
        case TIMEZONE_COPY:
                if (!f->localtime.data)
                        return !asked ? 0 : problem_warning(problems, from, "Timezone= needs the host's " LOCALTIME ", which "
                                                            "cannot be read; the machine keeps its own");
                if (mode == TIMEZONE_BIND)
                        return add_bind(LOCALTIME, LOCALTIME, 0, from, mounts);
                return tree_edits_add(edits, &(TreeEdit) {
                        .kind = TREE_EDIT_REPLACE, .need = TREE_EDIT_IF_WRITABLE, .path = (char *) LOCALTIME,
                        .content = f->localtime.data, .size = f->localtime.size, .mtime = f->localtime.mtime,
                        .origin = LOCALTIME, .from = from });
        default:
                return 0;
        }
}

int host_files_plan_make(const Settings *s, const HostFiles *f, bool private_network, MountPlan *mounts, TreeEdits *edits,
                       Problems *problems)
{
        if (plan_timezone(s, f, mounts, edits, problems) < 0 ||
            plan_resolv_conf(s, f, private_network, mounts, edits, problems) < 0)
                return -ENOMEM;
        return 0;
}
