/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [Files]: mounts and masked paths of a machine (see values.h). Only the syntax is checked; planners check whether
 * sources exist. boxctl and the supervisor; no privilege.
 */

#include <string.h>

#include "config/values.h"
#include "util/strv.h"

static void bind_done(BindSetting *b)
{
        free(b->source);
        free(b->dest);
}

/* Bind= and BindReadOnly= share one list, since the order of both matters; only those of one kind are removed. */
static void binds_clear(Settings *s, bool read_only)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->n_binds; i++)
                if (s->binds[i].read_only == read_only)
                        bind_done(&s->binds[i]);
                else
                        s->binds[kept++] = s->binds[i];
        s->n_binds = kept;
}

static int bind_option(BindSetting *b, const char *name, bool *recursion_set, bool *idmap_set, char *reterr_reason)
{
        static const struct {
                const char *name;
                BindIdMap idmap;
        } idmaps[] = {
                { "noidmap", BIND_NOIDMAP },
                { "idmap", BIND_IDMAP },
                { "rootidmap", BIND_ROOTIDMAP },
                { "owneridmap", BIND_OWNERIDMAP },
        };

        if (strcmp(name, "rbind") == 0 || strcmp(name, "norbind") == 0) {
                if (*recursion_set)
                        return value_refuse(reterr_reason, "more than one of rbind and norbind");
                *recursion_set = true;
                b->recursive = name[0] == 'r';
                return 0;
        }

        for (size_t i = 0; i < ARRAY_SIZE(idmaps); i++)
                if (strcmp(name, idmaps[i].name) == 0) {
                        if (*idmap_set)
                                return value_refuse(reterr_reason, "more than one id map option");
                        *idmap_set = true;
                        b->idmap = idmaps[i].idmap;
                        return 0;
                }

        return value_refuse(reterr_reason,
                            "unknown option '%s' (rbind, norbind, noidmap, idmap, rootidmap, owneridmap)", name);
}

static int bind_options(BindSetting *b, const char *options, char *reterr_reason)
{
        bool recursion_set = false, idmap_set = false;
        int r;

        for (const char *p = options;; p++) {
                size_t n = strcspn(p, ",");
                _cleanup_free_ char *name = strndup(p, n);

                if (!name)
                        return -ENOMEM;
                r = bind_option(b, name, &recursion_set, &idmap_set, reterr_reason);
                if (r < 0)
                        return r;
                p += n;
                if (!*p)
                        return 0;
        }
}

/* Sets source and in_tree from the text of SOURCE. */
static int bind_source(BindSetting *b, const char *text, char *reterr_reason)
{
        b->in_tree = *text == '+';
        text += b->in_tree;

        if (!*text && !b->in_tree)
                return 0;               /* a temporary directory */
        return value_path(text, &b->source, reterr_reason);
}

static int bind_parse(const char *text, BindSetting *b, char *reterr_reason)
{
        _cleanup_free_ char *source = NULL, *dest = NULL;
        int r;

        r = value_next_field(&text, &source);
        if (r >= 0 && text)
                r = value_next_field(&text, &dest);
        if (r == -EINVAL)
                return value_refuse(reterr_reason, "trailing backslash");
        if (r < 0)
                return r;

        if (!dest && !*source)
                return value_refuse(reterr_reason, "neither a source nor a destination");
        r = bind_source(b, source, reterr_reason);
        if (r < 0)
                return r;

        r = value_path(dest ? dest : source + b->in_tree, &b->dest, reterr_reason);
        if (r < 0)
                return r;

        return text && *text ? bind_options(b, text, reterr_reason) : 0;
}

int value_bind(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_(bind_done) BindSetting b = {
                .read_only = row->id == SETTING_BIND_READ_ONLY,
                .recursive = true,
                .from = from,
        };
        BindSetting *item;
        int r;

        if (!*text) {
                binds_clear(s, b.read_only);
                return 0;
        }

        r = bind_parse(text, &b, reterr_reason);
        if (r < 0)
                return r;
        item = array_append(&s->binds, &s->n_binds, sizeof(BindSetting));
        if (!item)
                return -ENOMEM;

        *item = b;
        b = (BindSetting) { 0 };
        return 0;
}

static void tmpfs_clear(Settings *s)
{
        for (size_t i = 0; i < s->n_tmpfs; i++) {
                free(s->tmpfs[i].dest);
                free(s->tmpfs[i].options);
        }
        s->n_tmpfs = 0;
}

int value_tmpfs(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_free_ char *field = NULL, *dest = NULL, *options = NULL;
        TmpfsSetting *item;
        int r;

        if (!*text) {
                tmpfs_clear(s);
                return 0;
        }

        r = value_next_field(&text, &field);
        if (r == -EINVAL)
                return value_refuse(reterr_reason, "trailing backslash");
        if (r >= 0)
                r = value_path(field, &dest, reterr_reason);
        if (r < 0)
                return r;
        if (text && *text) {
                options = strdup(text);
                if (!options)
                        return -ENOMEM;
        }

        item = array_append(&s->tmpfs, &s->n_tmpfs, sizeof(TmpfsSetting));
        if (!item)
                return -ENOMEM;
        *item = (TmpfsSetting) { .dest = TAKE_PTR(dest), .options = TAKE_PTR(options), .from = from };
        return 0;
}

int value_inaccessible(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_free_ char *path = NULL;
        StringSetting *item;
        int r;

        if (!*text) {
                for (size_t i = 0; i < s->n_inaccessible; i++)
                        free(s->inaccessible[i].value);
                s->n_inaccessible = 0;
                return 0;
        }

        r = value_path(text, &path, reterr_reason);
        if (r < 0)
                return r;
        if (strcmp(path, "/") == 0)
                return value_refuse(reterr_reason, "the root directory cannot be masked");

        item = array_append(&s->inaccessible, &s->n_inaccessible, sizeof(StringSetting));
        if (!item)
                return -ENOMEM;
        *item = (StringSetting) { .value = TAKE_PTR(path), .from = from };
        return 0;
}

/* ---- overlays --------------------------------------------------------------------------------------------- */

/* Overlay= and OverlayReadOnly= share one list too. */
static void overlays_clear(Settings *s, bool read_only)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->n_overlays; i++)
                if (s->overlays[i].read_only == read_only)
                        overlay_setting_done(&s->overlays[i]);
                else
                        s->overlays[kept++] = s->overlays[i];
        s->n_overlays = kept;
}

/* Adds a layer on top. An empty text is a temporary directory. */
static int overlay_add_layer(OverlaySetting *o, const char *text, char *reterr_reason)
{
        LayerSetting *layer = array_append(&o->layers, &o->n_layers, sizeof(LayerSetting));

        if (!layer)
                return -ENOMEM;
        layer->in_tree = *text == '+';
        if (!*text)
                return 0;
        return value_path(text + layer->in_tree, &layer->path, reterr_reason);
}

/* LOWER[:LOWER…]:UPPER:DEST, or LOWER:UPPER with UPPER as destination. */
static int overlay_from_fields(char *const *fields, size_t n, OverlaySetting *o, char *reterr_reason)
{
        size_t n_layers = n > 2 ? n - 1 : n;
        const char *dest;
        int r;

        if (n < 2)
                return value_refuse(reterr_reason, "not LOWER[:LOWER…]:UPPER:DEST, or LOWER:UPPER");

        for (size_t i = 0; i < n_layers; i++) {
                if (!*fields[i] && i + 1 < n_layers)
                        return value_refuse(reterr_reason, "only UPPER can be empty");
                r = overlay_add_layer(o, fields[i], reterr_reason);
                if (r < 0)
                        return r;
        }

        dest = fields[n - 1];
        r = value_path(n == 2 && *dest == '+' ? dest + 1 : dest, &o->dest, reterr_reason);
        if (r < 0)
                return r;
        return strcmp(o->dest, "/") == 0 ? value_refuse(reterr_reason, "the destination cannot be the root directory") : 0;
}

static int overlay_parse(const char *text, OverlaySetting *o, char *reterr_reason)
{
        enum { LAYERS_MAX = 500 };              /* limit of overlayfs */
        _cleanup_strv_ char **fields = NULL;
        size_t n = 0;
        int r;

        do {
                char *field = NULL;

                r = value_next_field(&text, &field);
                if (r > 0 && strv_consume(&fields, field) < 0)
                        return -ENOMEM;
                if (++n > LAYERS_MAX + 2)
                        return value_refuse(reterr_reason, "more than %d directories", LAYERS_MAX);
        } while (r > 0);
        if (r == -EINVAL)
                return value_refuse(reterr_reason, "trailing backslash");
        if (r < 0)
                return r;

        return overlay_from_fields(fields, strv_length(fields), o, reterr_reason);
}

int value_overlay(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_(overlay_setting_done) OverlaySetting o = {
                .read_only = row->id == SETTING_OVERLAY_READ_ONLY,
                .from = from,
        };
        OverlaySetting *item;
        int r;

        if (!*text) {
                overlays_clear(s, o.read_only);
                return 0;
        }

        r = overlay_parse(text, &o, reterr_reason);
        if (r < 0)
                return r;
        item = array_append(&s->overlays, &s->n_overlays, sizeof(OverlaySetting));
        if (!item)
                return -ENOMEM;

        *item = o;
        o = (OverlaySetting) { 0 };
        return 0;
}

/* ---- users -------------------------------------------------------------------------------------------------- */

/* systemd's strict syntax; such a name is also a valid file name. */
static bool is_strict_user_name(const char *s)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-";

        return *s && strchr(letters, *s) && strspn(s, others) == strlen(s) && strlen(s) <= 31;
}

static bool has_user(const Settings *s, const char *name)
{
        for (size_t i = 0; i < s->n_bind_users; i++)
                if (strcmp(s->bind_users[i].value, name) == 0)
                        return true;
        return false;
}

int value_bind_user(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_strv_ char **names = NULL;

        if (!*text) {
                for (size_t i = 0; i < s->n_bind_users; i++)
                        free(s->bind_users[i].value);
                s->n_bind_users = 0;
                return 0;
        }

        for (;;) {
                char *name = NULL;
                int r = value_next_item(&text, &name);

                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                r = strv_consume(&names, name);
                if (r < 0)
                        return r;
                if (!is_strict_user_name(name))
                        return value_refuse(reterr_reason, "invalid user name: '%s'", name);
        }

        STRV_FOREACH(name, names) {
                StringSetting *item;

                if (has_user(s, *name))
                        continue;
                item = array_append(&s->bind_users, &s->n_bind_users, sizeof(StringSetting));
                if (!item)
                        return -ENOMEM;
                *item = (StringSetting) { .value = strdup(*name), .from = from };
                if (!item->value)
                        return -ENOMEM;
        }
        return 0;
}
