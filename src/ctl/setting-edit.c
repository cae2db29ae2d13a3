/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings that are set by a command (see setting-edit.h). Part of boxctl; only root may. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/systemd1-timer.h"
#include "config/nspawn-file.h"
#include "config/settings-source.h"
#include "ctl/dry-run.h"
#include "ctl/live.h"
#include "ctl/setting-edit.h"
#include "ctl/units.h"
#include "payload/machine-state.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/quantity.h"
#include "util/strv.h"

void setting_edits_done(SettingEdits *e)
{
        for (size_t i = 0; i < e->n; i++)
                free(e->items[i].value);
        free(e->items);
        *e = (SettingEdits) { 0 };
}

int setting_edits_add(SettingEdits *e, const SettingRow *row, const char *key, const char *value, bool unset)
{
        SettingEdit *item = array_append(&e->items, &e->n, sizeof(SettingEdit));

        if (!item)
                return -ENOMEM;
        *item = (SettingEdit) { .row = row, .key = key, .value = value ? strdup(value) : NULL, .unset = unset };
        return value && !item->value ? -ENOMEM : 0;
}

int setting_edits_parse(SettingEdits *e, const char *text, bool unset, Failure *failure)
{
        const char *equals = strchr(text, '='), *own, *problem;
        _cleanup_free_ char *key = strndup(text, equals ? (size_t) (equals - text) : strlen(text)), *whole = NULL;
        const SettingRow *row;
        int r;

        if (!key)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (!equals && !unset)
                return failure_set(failure, -EINVAL, "'%s' is not KEY=VALUE", text);
        r = live_find_key(key, &row, &own, failure);
        if (r < 0)
                return r;
        problem = equals ? set_value_problem(equals + 1) : NULL;
        if (problem)
                return failure_set(failure, -EINVAL, "%s: %s", key, problem);
        /* KEY of X-Resources.KEY, in the caller's text. */
        own = own ? strchr(text, '.') + 1 : NULL;
        if (own && strf(&whole, "%s", own) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = setting_edits_add(e, row, own, own && equals ? whole : equals ? equals + 1 : NULL, unset);
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

/* ---- drop-ins ------------------------------------------------------------------------------------------------------ */

/* A drop-in, and what it was. */
typedef struct DropIn {
        char *directory, *path;
        char *before;           /* NULL: it did not exist */
        SetLines lines;
        bool written;
} DropIn;

static void drop_in_done(DropIn *d)
{
        free(d->directory);
        free(d->path);
        free(d->before);
        set_lines_done(&d->lines);
}

static int drop_in_read(const char *place, const char *machine, const char *file, DropIn *d, Failure *failure)
{
        _cleanup_(assignments_done) Assignments a = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        size_t size;
        int r;

        if (strf(&d->directory, "%s/%s.nspawn.d", place, machine) < 0 || strf(&d->path, "%s/%s", d->directory, file) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = fd_read_file_at(AT_FDCWD, d->path, NSPAWN_FILE_MAX, &d->before, &size);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = nspawn_file_parse(d->path, d->before, size, &a, &problems);
        if (r >= 0 && problems.n_fatal > 0)
                return failure_set(failure, -EINVAL, "%s; to change it: boxctl edit --drop-in=%s %s",
                                   problems.items[0].text, file, machine);
        if (r >= 0)
                r = set_lines_take(&a, &d->lines);
        return r < 0 ? failure_set(failure, r, "Failed to read %s: %m", d->path) : 0;
}

/* Writes it beside the drop-in, to a hidden file, whose name the caller frees. */
static int write_temporary(const DropIn *d, const char *text, char **ret, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = fd_mkdir(d->directory, 0755);
        if (r >= 0)
                r = strf(&path, "%s/.#%sXXXXXX", d->directory, strrchr(d->path, '/') + 1);
        if (r >= 0)
                fd = r = RET_ERRNO(mkostemp(path, O_CLOEXEC));
        if (r < 0) {
                (void) rmdir(d->directory);
                return failure_set(failure, r, "Failed to create a file in %s: %m", d->directory);
        }
        r = fd_write_all(fd, text, strlen(text));
        if (r < 0 || fchmod(fd, 0644) < 0 || (strncmp(path, SETTINGS_ETC_DIR, strlen(SETTINGS_ETC_DIR)) == 0 && fsync(fd) < 0)) {
                r = r < 0 ? r : -errno;
                (void) unlink(path);
                (void) rmdir(d->directory);
                return failure_set(failure, r, "Failed to write %s: %m", path);
        }
        *ret = TAKE_PTR(path);
        return 0;
}

/* "" or NULL: it is removed. */
static int replace(const DropIn *d, const char *text, Failure *failure)
{
        _cleanup_free_ char *temporary = NULL;
        int r;

        if (!text || !*text) {
                if (unlink(d->path) < 0 && errno != ENOENT)
                        return failure_set(failure, -errno, "Failed to remove %s: %m", d->path);
                (void) rmdir(d->directory);     /* fails if there are other files */
                return 0;
        }
        r = write_temporary(d, text, &temporary, failure);
        if (r < 0)
                return r;
        if (rename(temporary, d->path) >= 0)
                return 0;
        r = failure_set(failure, -errno, "Failed to write %s: %m", d->path);
        (void) unlink(temporary);
        (void) rmdir(d->directory);     /* fails if there are other files */
        return r;
}

/* ---- the check ------------------------------------------------------------------------------------------------------ */

static bool has_problem(const Json *dry, const char *text)
{
        JSON_FOREACH(problem, dry ? json_member(json_root(dry), "problems") : NULL) {
                const char *other = json_member_string(problem, "text");

                if (other && strcmp(other, text) == 0)
                        return true;
        }
        return false;
}

/* The first fatal problem that the machine has with the text, and does not have without it. */
static int check_with(Ctl *c, const char *machine, const DropIn *d, const char *temporary, Failure *failure)
{
        _cleanup_json_ Json *with = NULL, *without = NULL;
        _cleanup_free_ char *instead = NULL;
        int r;

        if (strf(&instead, "--read-instead=%s:%s", d->path, temporary) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = dry_run(c, machine, instead, &with, failure);
        if (r < 0)
                return r;
        JSON_FOREACH(problem, json_member(json_root(with), "problems")) {
                const char *text = json_member_string(problem, "text");

                if (!text || !json_member_bool(problem, "fatal"))
                        continue;
                if (!without && dry_run(c, machine, NULL, &without, NULL) < 0)
                        without = NULL;
                if (!has_problem(without, text))
                        return failure_set(failure, -EINVAL, "%s; nothing was changed", text);
        }
        return 0;
}

static int check(Ctl *c, const char *machine, const DropIn *d, const char *text, Failure *failure)
{
        _cleanup_free_ char *temporary = NULL;
        int r = write_temporary(d, text, &temporary, failure);

        if (r < 0)
                return r;
        r = check_with(c, machine, d, temporary, failure);
        (void) unlink(temporary);
        (void) rmdir(d->directory);     /* fails if there are other files */
        return r;
}

/* ---- the work ------------------------------------------------------------------------------------------------------- */

static int apply(Ctl *c, const char *machine, Failure *failure)
{
        _cleanup_json_ Json *live = NULL;
        size_t n_restart;
        int r = live_run(c, machine, "apply", &live, failure);

        if (r < 0)
                return r;
        if (!c->options.quiet)
                live_print(json_root(live));
        n_restart = live_count_restart(json_root(live));
        if (n_restart > 0)
                log_notice(0, "%s: needs a restart: %zu setting%s; to restart it: %s reboot %s", machine, n_restart,
                           n_restart == 1 ? "" : "s", c->program, machine);
        return 0;
}

static bool is_running(const char *machine)
{
        MachineState state = { 0 };
        bool runs = machine_state_read(NULL, machine, &state) >= 0;

        machine_state_done(&state);
        return runs;
}

/* Writes all, and applies them; if that fails, all is as before. */
static int commit(Ctl *c, const char *machine, DropIn *d, size_t n, Failure *failure)
{
        Failure why = { 0 };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++) {
                _cleanup_free_ char *text = set_lines_text(&d[i].lines);

                r = text ? replace(&d[i], text, &why) : failure_set(&why, -ENOMEM, "Out of memory");
                d[i].written = r >= 0;
        }
        if (r >= 0 && is_running(machine))
                r = apply(c, machine, &why);
        else if (r >= 0)
                log_info(0, "%s: does not run; the change is in force when it starts", machine);
        if (r >= 0)
                return 0;
        for (size_t i = 0; i < n; i++)
                if (d[i].written)
                        (void) replace(&d[i], d[i].before, NULL);
        return failure_set(failure, r, "%s", why.text);
}

static int set_all(Ctl *c, const char *machine, const SettingEdits *e, DropIn *d, Failure *failure)
{
        _cleanup_free_ char *text = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < e->n; i++)
                r = set_lines_set(&d->lines, e->items[i].row, e->items[i].value);
        text = r >= 0 ? set_lines_text(&d->lines) : NULL;
        if (!text)
                return failure_set(failure, -ENOMEM, "Out of memory");
        return check(c, machine, d, text, failure);
}

static int start_timer(Ctl *c, const char *machine, const char *file, uint64_t usec, Failure *failure)
{
        _cleanup_free_ char *name = NULL, *option = NULL;
        sd_bus *bus = ctl_bus(c, failure);
        const char *number = file + strlen(SET_DROP_IN_FOR);
        char program[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

        if (!bus)
                return failure->error;
        if (n < 0)
                return failure_set(failure, -errno, "Failed to find the path of boxctl: %m");
        program[n] = 0;
        if (strf(&name, "box-unset-%.*s", (int) strcspn(number, "."), number) < 0 ||
            strf(&option, "--drop-in=%s", file) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        return systemd1_start_timer(bus, name, usec, (const char *const[]) { program, "unset", option, machine, NULL }, failure);
}

static int set_for(Ctl *c, const char *machine, const SettingEdits *e, Failure *failure)
{
        _cleanup_(drop_in_done) DropIn d = { 0 };
        char file[64];
        uint64_t usec;
        uint32_t number;
        int r;

        if (parse_time_span(c->options.for_time, UINT64_C(1000000), &usec) < 0 || usec == 0)
                return failure_set(failure, -EINVAL, "Invalid time for --for=: '%s'", c->options.for_time);
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return failure_set(failure, -EIO, "Failed to get a random number: %m");
        (void) snprintf(file, sizeof(file), SET_DROP_IN_FOR "%08" PRIx32 ".conf", number);
        r = drop_in_read(SETTINGS_RUN_DIR, machine, file, &d, failure);
        if (r >= 0)
                r = set_all(c, machine, e, &d, failure);
        if (r >= 0)
                r = start_timer(c, machine, file, usec, failure);
        /* If that fails, the timer finds nothing to end. */
        return r < 0 ? r : commit(c, machine, &d, 1, failure);
}

static int set(Ctl *c, const char *machine, const SettingEdits *e, Failure *failure)
{
        _cleanup_(drop_in_done) DropIn d = { 0 };
        int r;

        r = c->options.save ? drop_in_read(SETTINGS_ETC_DIR, machine, SET_DROP_IN_ETC, &d, failure) :
                              drop_in_read(SETTINGS_RUN_DIR, machine, SET_DROP_IN_RUN, &d, failure);
        if (r >= 0)
                r = set_all(c, machine, e, &d, failure);
        return r < 0 ? r : commit(c, machine, &d, 1, failure);
}

/* Both, as there is no --save to unset. */
static int read_both(const char *machine, DropIn d[static 2], Failure *failure)
{
        int r = drop_in_read(SETTINGS_ETC_DIR, machine, SET_DROP_IN_ETC, &d[0], failure);

        return r < 0 ? r : drop_in_read(SETTINGS_RUN_DIR, machine, SET_DROP_IN_RUN, &d[1], failure);
}

static int unset_all(Ctl *c, const char *machine, const SettingEdits *e, DropIn d[static 2], Failure *failure)
{
        for (size_t i = 0; i < e->n; i++) {
                const SettingEdit *edit = &e->items[i];

                if (set_lines_unset(&d[0].lines, edit->row, edit->key, edit->value) +
                    set_lines_unset(&d[1].lines, edit->row, edit->key, edit->value) == 0)
                        return failure_set(failure, -ENOENT, "%s%s%s was not set by '%s set'; where it is set: %s explain %s %s",
                                           edit->row->key ?: edit->key, edit->value ? "=" : "", edit->value ?: "", c->program,
                                           c->program, machine, edit->row->key ?: edit->key);
        }
        return commit(c, machine, d, 2, failure);
}

static int unset(Ctl *c, const char *machine, const SettingEdits *e, Failure *failure)
{
        DropIn d[2] = { 0 };
        int r = read_both(machine, d, failure);

        if (r >= 0)
                r = unset_all(c, machine, e, d, failure);
        drop_in_done(&d[0]);
        drop_in_done(&d[1]);
        return r;
}

static int prepare(const char *machine, Failure *failure)
{
        int r = live_check_root(failure);

        return r < 0 ? r : name_check(machine, /* image= */ false, failure);
}

int setting_edits_do(Ctl *c, const char *machine, const SettingEdits *e, Failure *failure)
{
        int r = prepare(machine, failure);

        if (r < 0)
                return r;
        if (e->items[0].unset)
                return unset(c, machine, e, failure);
        if (c->options.for_time && c->options.save)
                return failure_set(failure, -EINVAL, "--for= and --save exclude each other");
        return c->options.for_time ? set_for(c, machine, e, failure) : set(c, machine, e, failure);
}

int setting_edits_end(Ctl *c, const char *machine, const char *drop_in, Failure *failure)
{
        _cleanup_(drop_in_done) DropIn d = { 0 };
        int r = prepare(machine, failure);

        if (r < 0)
                return r;
        if (strncmp(drop_in, SET_DROP_IN_FOR, strlen(SET_DROP_IN_FOR)) != 0 || strchr(drop_in, '/'))
                return failure_set(failure, -EINVAL, "--drop-in=%s: not one of --for=", drop_in);
        r = drop_in_read(SETTINGS_RUN_DIR, machine, drop_in, &d, failure);
        set_lines_done(&d.lines);
        return r < 0 || !d.before ? r : commit(c, machine, &d, 1, failure);
}

int setting_edits_lines(const char *machine, SetLines *ret, Failure *failure)
{
        DropIn d[2] = { 0 };
        int r = read_both(machine, d, failure);

        for (size_t i = 0; i < ARRAY_SIZE(d); i++) {
                for (size_t j = 0; r >= 0 && j < d[i].lines.n; j++)
                        if (array_move(&ret->items, &ret->n, &d[i].lines.items[j], sizeof(SetLine)) < 0)
                                r = failure_set(failure, -ENOMEM, "Out of memory");
                drop_in_done(&d[i]);
        }
        return r;
}
