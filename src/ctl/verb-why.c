/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl why: executes a command in a machine as boxctl exec does, traced, and says which setting refused what. As root. The
 * settings and their places come from a dry run of box-run.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/dry-run.h"
#include "ctl/execute.h"
#include "ctl/why.h"
#include "security/seccomp.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

/* ---- the settings --------------------------------------------------------------------------------------------- */

/* A setting's place, "FILE:LINE", and its value. */
typedef struct Origin {
        char *value, *place;
} Origin;

static void origin_done(Origin *o)
{
        free(o->value);
        free(o->place);
}

static char *source_text(const JsonNode *from)
{
        const char *path = json_member_string(from, "path"), *option = json_member_string(from, "switch");
        const JsonNode *line = json_member(from, "line");
        char *text = NULL;
        int r;

        if (path)
                r = strf(&text, "%s:%d", path, line ? (int) line->integer : 0);
        else if (option)
                r = strf(&text, "the unit's %s", option);
        else
                r = strf(&text, "default");
        if (r >= 0)
                text_make_printable(text);
        return r < 0 ? NULL : text;
}

static void origin_set(Origin *o, const char *value, const JsonNode *from)
{
        if (o->place)
                return;
        o->value = strdup(value ?: "");
        if (o->value)
                text_make_printable(o->value);
        o->place = source_text(from);
}

/* The setting that mounted something at a finding's place; of the root directory, what makes it read-only. */
static void find_mount(const JsonNode *dry, WhyFinding *f, Origin *o)
{
        static const char *const mounts[] = { "BindReadOnly", "OverlayReadOnly", "Bind", "Overlay" },
                          *const roots[] = { "ReadOnly", "Volatile" };
        const bool is_root = strcmp(f->place, "/") == 0;

        JSON_FOREACH(setting, json_member(dry, "settings")) {
                const char *key = json_member_string(setting, "key");

                JSON_FOREACH(value, json_member(setting, "values")) {
                        const char *text = json_member_string(value, "value");
                        bool fits = false;

                        for (size_t i = 0; key && text && !is_root && i < ARRAY_SIZE(mounts); i++)
                                fits = fits || (strcmp(key, mounts[i]) == 0 && why_mounts_at(key, text, f->place));
                        for (size_t i = 0; key && text && is_root && i < ARRAY_SIZE(roots); i++)
                                fits = fits || (strcmp(key, roots[i]) == 0 && strcmp(text, "no") != 0);
                        if (!fits || o->place)
                                continue;
                        (void) snprintf(f->key, sizeof(f->key), "%s", key);
                        origin_set(o, text, json_member(value, "from"));
                        if (is_root)
                                (void) snprintf(f->line, sizeof(f->line), "%s=no", key);
                        else
                                (void) snprintf(f->line, sizeof(f->line), "%s=%s",
                                                strncmp(key, "Bind", 4) == 0 ? "Bind" : "Overlay", o->value ?: "");
                }
        }
        if (!o->place)
                (void) snprintf(f->line, sizeof(f->line), "%s", is_root ? "" : "none: box protects it in every machine, or the "
                                "machine has mounted it itself");
}

/* A capability that the file takes away, not one that machines do not have anyway. */
static void find_drop(const JsonNode *dry, WhyFinding *f)
{
        JSON_FOREACH(setting, json_member(dry, "settings")) {
                const char *key = json_member_string(setting, "key");

                JSON_FOREACH(value, json_member(setting, "values")) {
                        const char *text = json_member_string(value, "value"), *name = strchr(f->line, '=');

                        if (key && text && name && strcmp(key, "DropCapability") == 0 && strstr(text, name + 1)) {
                                (void) snprintf(f->key, sizeof(f->key), "%s", key);
                                (void) snprintf(f->line, sizeof(f->line), "DropCapability= without it");
                                return;
                        }
                }
        }
}

static void find_origin(const JsonNode *dry, WhyFinding *f, Origin *o)
{
        if (*f->place)
                find_mount(dry, f, o);
        if (f->kind == WHY_CAPABILITY)
                find_drop(dry, f);
        JSON_FOREACH(setting, json_member(dry, "settings")) {
                const char *key = json_member_string(setting, "key");
                const JsonNode *values = json_member(setting, "values");

                if (!key || strcmp(key, f->key) != 0)
                        continue;
                JSON_FOREACH(value, values)
                        origin_set(o, json_member_string(value, "value"), json_member(value, "from"));
                origin_set(o, NULL, json_member(setting, "from"));
        }
}

/* ---- output --------------------------------------------------------------------------------------------------- */

static void print_finding(const WhyFinding *f, const Origin *o)
{
        fprintf(stderr, "%s(%s) failed: %s", f->call, f->path, strerror(f->error));
        if (f->times > 1)
                fprintf(stderr, " (%u times)", f->times);
        fprintf(stderr, "\n  by: %s\n", f->what);
        if (*f->key && o->place)
                fprintf(stderr, "  set: %s=%s (%s)\n", f->key, o->value ?: "", o->place);
        else if (*f->key)
                fprintf(stderr, "  set: %s=\n", f->key);
        if (*f->line)
                fprintf(stderr, "  to allow it: %s\n", f->line);
}

static void put_finding(Json *j, const WhyFinding *f, const Origin *o)
{
        json_begin_object(j, NULL);
        json_put_string(j, "call", f->call);
        json_put_string(j, "path", *f->path ? f->path : NULL);
        json_put_string(j, "error", strerrorname_np(f->error));
        json_put_number(j, "times", f->times);
        json_put_string(j, "kind", why_kind_name(f->kind));
        json_put_string(j, "what", f->what);
        json_put_string(j, "key", *f->key ? f->key : NULL);
        json_put_string(j, "value", o->value);
        json_put_string(j, "place", o->place);
        json_put_string(j, "line", *f->line ? f->line : NULL);
        json_end(j);
}

/* On standard error: standard output is the command's. */
static int report(Ctl *c, const char *name, WhyFinding *list, size_t n)
{
        const bool as_json = output_is_json(c->options.output);
        _cleanup_json_ Json *dry = NULL, *j = NULL;
        Failure f = { 0 };
        int r = 0;

        if (n > 0 && dry_run(c, name, NULL, &dry, &f) < 0)
                log_warning(0, "%s: Its settings and their places are not known: %s", name, f.text);
        if (as_json) {
                r = json_new(&j, &f);
                if (r < 0)
                        return log_error(r, "%s", f.text);
                json_begin_array(j, NULL);
        }
        for (size_t i = 0; i < n; i++) {
                _cleanup_(origin_done) Origin o = { 0 };

                if (dry)
                        find_origin(json_root(dry), &list[i], &o);
                if (j)
                        put_finding(j, &list[i], &o);
                else
                        print_finding(&list[i], &o);
        }
        if (j) {
                json_end(j);
                r = json_print(j, stderr, output_json_indent(c->options.output));
        } else if (n == 0 && !c->options.quiet)
                fprintf(stderr, "%s: Nothing was refused\n", name);
        return r < 0 ? log_error(r, "Failed to write the output: %m") : 0;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static int load_filter(const Leader *leader, SeccompProgram *ret, Failure *failure)
{
        if (leader->filter)
                return seccomp_program_load(leader->filter, ret, failure);
        seccomp_program_builtin(ret);
        return 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(seccomp_program_done) SeccompProgram filter = SECCOMP_PROGRAM_NULL;
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_(why_trace_done) WhyTrace trace = WHY_TRACE_NULL;
        _cleanup_free_ WhyFinding *list = NULL;
        size_t n_list = 0;
        Failure f = { 0 };
        int r, status;

        if (geteuid() != 0)
                return log_error(-EPERM, "%s: Only root can trace a program in a machine", args[0]);
        if (running_machine_find_quickly(c, args[0], &m, &f) < 0 || session_open(&m, &leader, &f) < 0 ||
            load_filter(&leader, &filter, &f) < 0)
                return complain(args[0], &f);
        trace.filter = filter.code;
        trace.n_filter = filter.n;
        status = execute(c, &m, &leader, args + 1, why_trace_start, &trace);
        if (status < 0 || trace.tracer == 0)
                return status;
        r = why_trace_finish(&trace, &list, &n_list);
        if (r < 0)
                return log_error(r, "%s: Failed to read what the tracer has found: %m", m.name);
        r = report(c, m.name, list, n_list);
        return r < 0 ? r : status;
}

const Verb verb_why = {
        .name = "why",
        .min = 2,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_COMMAND_LATE | VERB_TAKES_RUNNING,
        .synopsis = "NAME [--] COMMAND [ARG…]",
        .help = "Execute a command, and say which setting refused it what",
        .details = "Works as exec, with the command traced: for each system call of it, and of all that it starts, that was "
                   "refused (EPERM, EACCES, ENOSYS, EROFS, a limit), standard error says at the end by what: the system call "
                   "filter, a capability, the device policy, a read-only mount, the id map, a limit; where that is set; and "
                   "the line to write, if you want it. Returns the command's exit status.",
        .example = "boxctl why web -- date -s 12:00",
        .run = run,
};
