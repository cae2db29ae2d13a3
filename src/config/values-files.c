/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [Files]: mounts and masked paths of a machine (see values.h). Only the syntax is checked; planners check whether
 * sources exist. boxctl and the supervisor; no privilege.
 */

#include <string.h>

#include "config/values.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/text.h"

/* Bind= and BindReadOnly= share one list, since the order of both matters; only those of one kind are removed. */
static void binds_clear(Settings *s, bool read_only)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->n_binds; i++)
                if (s->binds[i].read_only == read_only)
                        bind_setting_done(&s->binds[i]);
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

/* The path of "[-][+]PATH": the prefixes of systemd's units, in their order. systemd-nspawn knows the second only. */
static const char *source_prefixes(const char *text, bool *ret_optional, bool *ret_in_tree)
{
        *ret_optional = *text == '-';
        text += *ret_optional;
        *ret_in_tree = *text == '+';
        return text + *ret_in_tree;
}

/* Without what is mounted on "/" there is no machine. */
static int check_optional(bool optional, const char *dest, char *reterr_reason)
{
        return optional && strcmp(dest, "/") == 0 ? value_refuse(reterr_reason, "what is mounted on / cannot be optional") : 0;
}

static int bind_parse(const char *text, BindSetting *b, char *reterr_reason)
{
        _cleanup_free_ char *source = NULL, *dest = NULL;
        const char *path;
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
        path = source_prefixes(source, &b->optional, &b->in_tree);
        r = *source ? value_path(path, &b->source, reterr_reason) : 0;  /* without: a temporary directory */
        if (r >= 0)
                r = value_path(dest ? dest : path, &b->dest, reterr_reason);
        if (r >= 0)
                r = check_optional(b->optional, b->dest, reterr_reason);
        if (r < 0)
                return r;

        return text && *text ? bind_options(b, text, reterr_reason) : 0;
}

int value_bind(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_(bind_setting_done) BindSetting b = {
                .read_only = row->id == SETTING_BIND_READ_ONLY,
                .recursive = true,
                .from = from,
        };
        int r;

        if (!*text) {
                binds_clear(s, b.read_only);
                return 0;
        }

        r = bind_parse(text, &b, reterr_reason);
        return r < 0 ? r : array_move(&s->binds, &s->n_binds, &b, sizeof(b));
}

int value_tmpfs(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_(tmpfs_setting_done) TmpfsSetting t = { .from = from };
        _cleanup_free_ char *field = NULL;
        int r;

        if (!*text) {
                while (s->n_tmpfs > 0)
                        tmpfs_setting_done(&s->tmpfs[--s->n_tmpfs]);
                return 0;
        }

        r = value_next_field(&text, &field);
        if (r == -EINVAL)
                return value_refuse(reterr_reason, "trailing backslash");
        if (r >= 0)
                r = value_path(field, &t.dest, reterr_reason);
        if (r >= 0 && text && *text)
                r = free_and_strdup(&t.options, text);
        return r < 0 ? r : array_move(&s->tmpfs, &s->n_tmpfs, &t, sizeof(t));
}

int value_inaccessible(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (!*text) {
                string_list_done(&s->inaccessible);
                return 0;
        }

        r = value_path(text, &path, reterr_reason);
        if (r < 0)
                return r;
        if (strcmp(path, "/") == 0)
                return value_refuse(reterr_reason, "the root directory cannot be masked");
        return value_add_string(&s->inaccessible, path, from);
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
        if (!*text)
                return 0;
        return value_path(source_prefixes(text, &layer->optional, &layer->in_tree), &layer->path, reterr_reason);
}

/* LOWER[:LOWER…]:UPPER:DEST, or LOWER:UPPER with UPPER as destination. */
static int overlay_from_fields(char *const *fields, size_t n, OverlaySetting *o, char *reterr_reason)
{
        size_t n_layers = n > 2 ? n - 1 : n;
        bool optional = false, ignored;
        int r;

        if (n < 2)
                return value_refuse(reterr_reason, "not LOWER[:LOWER…]:UPPER:DEST, or LOWER:UPPER");

        for (size_t i = 0; i < n_layers; i++) {
                if (!*fields[i] && i + 1 < n_layers)
                        return value_refuse(reterr_reason, "only UPPER can be empty");
                r = overlay_add_layer(o, fields[i], reterr_reason);
                if (r < 0)
                        return r;
                optional = optional || o->layers[i].optional;
        }

        r = value_path(n == 2 ? source_prefixes(fields[1], &ignored, &ignored) : fields[n - 1], &o->dest, reterr_reason);
        return r < 0 ? r : check_optional(optional, o->dest, reterr_reason);
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
        int r;

        if (!*text) {
                overlays_clear(s, o.read_only);
                return 0;
        }

        r = overlay_parse(text, &o, reterr_reason);
        return r < 0 ? r : array_move(&s->overlays, &s->n_overlays, &o, sizeof(o));
}

/* ---- users -------------------------------------------------------------------------------------------------- */

/* systemd's strict syntax; such a name is also a valid file name. */
static bool is_strict_user_name(const char *s)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-";

        return *s && strchr(letters, *s) && strspn(s, others) == strlen(s) && strlen(s) <= 31;
}

static bool has_user(const StringList *users, const char *name)
{
        for (size_t i = 0; i < users->n; i++)
                if (strcmp(users->items[i].value, name) == 0)
                        return true;
        return false;
}

int value_bind_user(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        if (!*text) {
                string_list_done(&s->bind_users);
                return 0;
        }

        r = value_split(text, is_strict_user_name, "invalid user name", &names, reterr_reason);
        for (char **name = names; r >= 0 && name && *name; name++)
                if (!has_user(&s->bind_users, *name))
                        r = value_add_string(&s->bind_users, *name, from);
        return r;
}

/* Also fit to stand in JSON. */
static bool is_shell(const char *path)
{
        return path[0] == '/' && path[1] && !strpbrk(path, "\"\\") && !text_has_control(path, strlen(path));
}

int value_bind_user_shell(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool of_host = false;

        if (*text && parse_bool(text, &of_host) < 0 && !is_shell(text))
                return value_refuse(reterr_reason, "neither a boolean nor an absolute path");
        return free_and_strdup(&s->bind_user_shell, of_host ? "yes" : *text == '/' ? text : NULL);
}

int value_bind_user_group(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        if (!*text) {
                string_list_done(&s->bind_user_groups);
                return 0;
        }

        r = value_split(text, is_strict_user_name, "invalid group name", &names, reterr_reason);
        for (char **name = names; r >= 0 && name && *name; name++)
                if (!has_user(&s->bind_user_groups, *name))
                        r = value_add_string(&s->bind_user_groups, *name, from);
        return r;
}
