/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The inverse of values.h (see values-print.h): a printer for each parser. Dry runs and boxctl; pure.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/values-print.h"
#include "config/values.h"
#include "util/address-family.h"
#include "util/capability-names.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/quantity.h"
#include "util/rlimit.h"
#include "util/strv.h"

/* Appends the value of a row to *ret. from is used for values that do not record their own source. */
typedef int (*ValuePrint)(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret);

void value_texts_done(ValueTexts *t)
{
        for (size_t i = 0; i < t->n; i++)
                free(t->items[i].text);
        free(t->items);
        *t = (ValueTexts) { 0 };
}

/* Takes ownership of text. -ENOMEM if text is NULL. */
static int add(ValueTexts *ret, char *text, Source from)
{
        _cleanup_free_ char *owned = text;
        ValueText *item = text ? array_append(&ret->items, &ret->n, sizeof(ValueText)) : NULL;

        if (!item)
                return -ENOMEM;
        *item = (ValueText) { .text = TAKE_PTR(owned), .from = from };
        return 0;
}

static int _printf_(3, 4) add_format(ValueTexts *ret, Source from, const char *format, ...)
{
        char *text;
        va_list ap;
        int r;

        va_start(ap, format);
        r = strfv(&text, format, ap);
        va_end(ap);
        return r < 0 ? r : add(ret, text, from);
}

static const void *field(const SettingRow *row, const Settings *s)
{
        return (const char *) s + row->offset;
}

/* ---- plain values --------------------------------------------------------------------------------------------- */

static int print_bool(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const bool *b = field(row, s);

        return *b || from.where ? add_format(ret, from, "%s", *b ? "yes" : "no") : 0;
}

static int print_tristate(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const Tristate *t = field(row, s);

        return *t == UNSET ? 0 : add_format(ret, from, "%s", *t == YES ? "yes" : "no");
}

static int print_choice(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const int *i = field(row, s);

        return *i != 0 || from.where ? add_format(ret, from, "%s", row->words[*i]) : 0;
}

static int print_string(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        char *const *text = field(row, s);

        return *text ? add_format(ret, from, "%s", *text) : 0;
}

static int print_image_policy(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        return from.where ? add(ret, image_policy_format(&s->image_policy), from) : 0;
}

/* For settings that are refused, ignored, or set other settings. */
static int print_nothing(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        return 0;
}

static int print_signal(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const int *sig = field(row, s);

        return *sig ? add_format(ret, from, "%s", signal_name(*sig)) : 0;
}

static int print_capabilities(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const uint64_t *mask = field(row, s);
        int r = 0;

        if (*mask == UINT64_MAX)
                return add_format(ret, from, "all");
        for (unsigned cap = 0; r >= 0 && cap < 64; cap++) {
                const char *name = capability_names_get((int) cap);

                if (!(*mask & UINT64_C(1) << cap))
                        continue;
                r = name ? add_format(ret, from, "%s", name) : add_format(ret, from, "%u", cap);
        }
        return r;
}

/* ---- limits --------------------------------------------------------------------------------------------------- */

static int print_limit(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const RlimitSetting *limit = field(row, s);
        char text[RLIMIT_TEXT_MAX];

        return limit->set ? add_format(ret, from, "%s", rlimit_to_text(&limit->value, text)) : 0;
}

static int print_oom_score(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        return s->oom_score_adjust == OOM_SCORE_UNSET ? 0 : add_format(ret, from, "%d", s->oom_score_adjust);
}

static int print_cpu_affinity(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        return cpu_set_is_empty(&s->cpu_affinity) ? 0 : add(ret, cpu_set_to_text(&s->cpu_affinity), from);
}

/* ---- words ---------------------------------------------------------------------------------------------------- */

/* A word as Parameters= and Environment= read it. */
static char *quoted(const char *word)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f;

        if (*word && !strpbrk(word, " \t\r\n\"'"))
                return strdup(word);
        f = memory_stream_open(&m);
        if (!f)
                return NULL;
        value_quote_word(f, word);
        return memory_stream_take(&m);
}

/* All words as one text. */
static int print_parameters(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        const char *separator = "";
        FILE *f;

        if (!s->parameters)
                return 0;
        f = memory_stream_open(&m);
        if (!f)
                return -ENOMEM;
        STRV_FOREACH(word, s->parameters) {
                _cleanup_free_ char *q = quoted(*word);

                fprintf(f, "%s%s", separator, q ? q : "");
                separator = " ";
        }
        return add(ret, memory_stream_take(&m), from);
}

static int print_environment(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (char **e = s->environment; r >= 0 && e && *e; e++)
                r = add(ret, quoted(*e), from);
        return r;
}

static int add_strings(const StringList *l, const char *prefix, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < l->n; i++)
                r = add_format(ret, l->items[i].from, "%s%s", prefix, l->items[i].value);
        return r;
}

static int print_strings(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        return add_strings(field(row, s), "", ret);
}

static int print_system_call_filter(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = add_strings(&s->syscall_allow, "", ret);

        return r < 0 ? r : add_strings(&s->syscall_deny, "~", ret);
}

static int print_address_families(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        bool deny = s->allowed_families >> 63;          /* no family has this number */
        uint64_t mask = deny ? ~s->allowed_families : s->allowed_families;
        int r = s->restrict_families && !deny && mask == 0 ? add_format(ret, from, "none") : 0;

        for (unsigned family = 0; r >= 0 && s->restrict_families && family < 63; family++)
                if (mask >> family & 1)
                        r = add_format(ret, from, "%s%s", deny ? "~" : "", address_family_name(family));
        return r;
}

/* ---- [X-Box] -------------------------------------------------------------------------------------------------- */

static int print_timeout(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const uint64_t *usec = field(row, s);
        char span[TIME_SPAN_TEXT_MAX];

        return *usec == 0 ? 0 : add_format(ret, from, "%s", format_time_span(*usec, span));
}

static int print_id_map(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        for (size_t i = 0; i < s->n_id_map; i++) {
                const IdMapSetting *line = &s->id_map[i];

                if (add_format(ret, line->from, "%u:%u:%u", line->inside, line->outside, line->count) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int print_apparmor_profile(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        return s->apparmor_profile ? add_format(ret, from, "%s%s", s->apparmor_optional ? "-" : "", s->apparmor_profile) : 0;
}

/* ---- users ---------------------------------------------------------------------------------------------------- */

static int print_private_users(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        static const char *const words[] = {
                [PRIVATE_USERS_NO] = "no", [PRIVATE_USERS_TREE] = "yes", [PRIVATE_USERS_PICK] = "pick",
                [PRIVATE_USERS_IDENTITY] = "identity",
        };

        if (s->private_users == PRIVATE_USERS_FIXED)
                return add_format(ret, from, "%u:%u", s->private_users_base, s->private_users_count);
        if (s->private_users == PRIVATE_USERS_NO && !from.where)
                return 0;
        return add_format(ret, from, "%s", words[s->private_users]);
}

static int print_ownership(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        static const char *const words[] = {
                [OWNERSHIP_AUTO] = "auto", [OWNERSHIP_MAP] = "map", [OWNERSHIP_OFF] = "off",
                [OWNERSHIP_FOREIGN] = "foreign",
        };

        return s->ownership != OWNERSHIP_AUTO || from.where ? add_format(ret, from, "%s", words[s->ownership]) : 0;
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

/* A field of a colon-separated text. */
static void print_field(FILE *f, const char *text)
{
        for (const char *p = text; *p; p++) {
                if (*p == ':' || *p == '\\')
                        fputc('\\', f);
                fputc(*p, f);
        }
}

static int print_bind(const BindSetting *b, ValueTexts *ret)
{
        static const char *const idmaps[] = {
                [BIND_NOIDMAP] = "noidmap", [BIND_IDMAP] = "idmap", [BIND_ROOTIDMAP] = "rootidmap",
                [BIND_OWNERIDMAP] = "owneridmap",
        };
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return -ENOMEM;
        fprintf(f, "%s%s", b->optional ? "-" : "", b->in_tree ? "+" : "");
        print_field(f, b->source ? b->source : "");
        fputc(':', f);
        print_field(f, b->dest);
        if (!b->recursive || b->idmap != BIND_NOIDMAP)
                fprintf(f, ":%s,%s", b->recursive ? "rbind" : "norbind", idmaps[b->idmap]);
        return add(ret, memory_stream_take(&m), b->from);
}

static int print_pivot_root(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f;

        if (!s->pivot_root_new)
                return 0;
        f = memory_stream_open(&m);
        if (!f)
                return -ENOMEM;
        print_field(f, s->pivot_root_new);
        if (s->pivot_root_old) {
                fputc(':', f);
                print_field(f, s->pivot_root_old);
        }
        return add(ret, memory_stream_take(&m), from);
}

static int print_binds(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_binds; i++)
                if (s->binds[i].read_only == (row->id == SETTING_BIND_READ_ONLY))
                        r = print_bind(&s->binds[i], ret);
        return r;
}

static int print_tmpfs(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        for (size_t i = 0; i < s->n_tmpfs; i++) {
                const TmpfsSetting *t = &s->tmpfs[i];
                _cleanup_memory_stream_ MemoryStream m = { 0 };
                FILE *f = memory_stream_open(&m);
                int r;

                if (!f)
                        return -ENOMEM;
                print_field(f, t->dest);
                if (t->options)
                        fprintf(f, ":%s", t->options);
                r = add(ret, memory_stream_take(&m), t->from);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int print_overlay(const OverlaySetting *o, ValueTexts *ret)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < o->n_layers; i++) {
                fprintf(f, "%s%s", o->layers[i].optional ? "-" : "", o->layers[i].in_tree ? "+" : "");
                print_field(f, o->layers[i].path ? o->layers[i].path : "");
                fputc(':', f);
        }
        print_field(f, o->dest);
        return add(ret, memory_stream_take(&m), o->from);
}

static int print_overlays(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_overlays; i++)
                if (s->overlays[i].read_only == (row->id == SETTING_OVERLAY_READ_ONLY))
                        r = print_overlay(&s->overlays[i], ret);
        return r;
}

/* Secrets are printed by name only. */
static int print_credentials(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_credentials; i++) {
                const CredentialSetting *c = &s->credentials[i];

                if (row->id == SETTING_LOAD_CREDENTIAL && c->path)
                        r = add_format(ret, c->from, "%s:%s", c->id, c->path);
                else if (row->id == SETTING_SET_CREDENTIAL && c->data)
                        r = add_format(ret, c->from, "%s", c->id);
        }
        return r;
}

/* ---- network -------------------------------------------------------------------------------------------------- */

static int print_interfaces(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        const InterfaceList *l = field(row, s);
        int r = 0;

        for (size_t i = 0; r >= 0 && i < l->n; i++) {
                const InterfaceSetting *item = &l->items[i];

                r = add_format(ret, item->from, "%s%s%s", item->host_name, item->container_name ? ":" : "",
                               item->container_name ?: "");
        }
        return r;
}

static int print_ports(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_ports; i++) {
                const PortSetting *p = &s->ports[i];

                r = add_format(ret, p->from, "%s:%u:%u", p->udp ? "udp" : "tcp", p->host_port, p->container_port);
        }
        return r;
}

/* ---- resources, other machines ---------------------------------------------------------------------------------- */

static int print_resource(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_resources; i++)
                if (strcmp(s->resources[i].property.key, row->key) == 0)
                        r = add_format(ret, s->resources[i].from, "%s", s->resources[i].text);
        return r;
}

static int print_other_resources(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_resources; i++)
                if (s->resources[i].property.own)
                        r = add_format(ret, s->resources[i].from, "%s=%s", s->resources[i].property.key, s->resources[i].text);
        return r;
}

static int print_property(const SettingRow *row, const Settings *s, Source from, ValueTexts *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_scope_properties; i++) {
                const UnitPropertySetting *p = &s->scope_properties[i];

                r = add_format(ret, p->from, "%s=%s", p->property.key, p->text);
        }
        return r;
}

/* ---- table of printers
 * -------------------------------------------------------------------------------------------- */

static const struct {
        SettingParse *parse;
        ValuePrint print;
} printers[] = {
        { value_bool, print_bool },
        { value_tristate, print_tristate },
        { value_choice, print_choice },
        { value_string, print_string },
        { value_hostname, print_string },
        { value_absolute_path, print_string },
        { value_slice, print_string },
        { value_start_mode, print_tristate },
        { value_parameters, print_parameters },
        { value_environment, print_environment },
        { value_machine_id, print_string },
        { value_signal, print_signal },
        { value_capabilities, print_capabilities },
        { value_system_call_filter, print_system_call_filter },
        { value_address_families, print_address_families },
        { value_refused, print_nothing },
        { value_private_users, print_private_users },
        { value_ownership, print_ownership },
        { value_ownership_chown, print_ownership },
        { value_bind, print_binds },
        { value_tmpfs, print_tmpfs },
        { value_inaccessible, print_strings },
        { value_overlay, print_overlays },
        { value_bind_user, print_strings },
        { value_bind_user_shell, print_string },
        { value_bind_user_group, print_strings },
        { value_set_credential, print_credentials },
        { value_load_credential, print_credentials },
        { value_virtual_ethernet, print_tristate },
        { value_bridge, print_string },
        { value_zone, print_string },
        { value_interfaces, print_interfaces },
        { value_ports, print_ports },
        { value_namespace_path, print_string },
        { value_names, print_strings },
        { value_init, print_string },
        { value_resource, print_resource },
        { value_other_resource, print_other_resources },
        { value_unit_only_key, print_nothing },
        { value_property, print_property },
        { value_timeout, print_timeout },
        { value_id_map, print_id_map },
        { value_apparmor_profile, print_apparmor_profile },
        { value_share_system, print_bool },
        { value_image_policy, print_image_policy },
        { value_verity, print_nothing },
        { value_user, print_string },
        { value_pivot_root, print_pivot_root },
        { value_personality, print_string },
        { value_limit, print_limit },
        { value_rlimit, print_nothing },
        { value_oom_score, print_oom_score },
        { value_cpu_affinity, print_cpu_affinity },
        { value_ignored, print_nothing },
};

static ValuePrint printer(const SettingRow *row)
{
        for (size_t i = 0; i < ARRAY_SIZE(printers); i++)
                if (printers[i].parse == row->parse)
                        return printers[i].print;
        return NULL;
}

bool value_has_printer(const SettingRow *row)
{
        return printer(row);
}

int value_print(const SettingRow *row, const Settings *s, ValueTexts *ret)
{
        _cleanup_(value_texts_done) ValueTexts texts = { 0 };
        ValuePrint print = printer(row);
        int r;

        r = print ? print(row, s, s->from[row->id], &texts) : 0;
        if (r < 0)
                return r;

        *ret = texts;
        texts = (ValueTexts) { 0 };
        return 0;
}
