/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl blame: where the time of a machine's start went: the stages of box-run, which any user may read, and with systemd in the
 * machine its units, which its bus tells root. A payload's bus may hang: a process asks it.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "ctl/blame.h"
#include "ctl/failed.h"
#include "ctl/listing.h"
#include "ctl/look.h"
#include "ctl/running-machine.h"
#include "ctl/terminal.h"
#include "image/machine-name.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

enum {
        STEPS_MAX = 64 * 1024,
        UNITS_MAX = 4096,
        ANSWER_MAX = 2 * 1024 * 1024,
        CALLS_MAX = 96,         /* in flight together: dbus-daemon refuses one's calls beyond 128 (max_replies_per_connection) */
};

/* For the bus of a machine that is busy. */
#define BUS_USEC (5 * USEC_PER_SEC)

/* ---- the machine's units, in a process ------------------------------------------------------------------------- */

enum { EXIT_INACTIVE, ENTER_ACTIVE, ENTER_INACTIVE, _N_TIMES };

typedef struct Unit {
        char *name;
        uint64_t usec[_N_TIMES];
} Unit;

typedef struct Units {
        Unit *list;
        size_t n;
        size_t pending;
        int error;              /* of the last call that failed; a unit may have gone since it was listed */
} Units;

typedef struct Call {
        Units *units;
        uint64_t *ret;
} Call;

static int on_time(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        Call *call = userdata;

        if (sd_bus_message_is_method_error(m, NULL))
                call->units->error = -sd_bus_message_get_errno(m);
        else
                (void) sd_bus_message_read(m, "v", "t", call->ret);
        call->units->pending--;
        free(call);
        return 0;
}

static int wait_until_pending(sd_bus *bus, const Units *units, size_t most)
{
        int r = 0;

        while (r >= 0 && units->pending > most) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, BUS_USEC);
        }
        return r;
}

static int ask_for_times(sd_bus *bus, Units *units, Unit *u, const char *path)
{
        static const char *const names[_N_TIMES] = {
                [EXIT_INACTIVE] = "InactiveExitTimestampMonotonic",
                [ENTER_ACTIVE] = "ActiveEnterTimestampMonotonic",
                [ENTER_INACTIVE] = "InactiveEnterTimestampMonotonic",
        };

        for (size_t i = 0; i < _N_TIMES; i++) {
                Call *call = malloc(sizeof(*call));
                int r;

                if (!call)
                        return -ENOMEM;
                *call = (Call) { units, &u->usec[i] };
                r = sd_bus_call_method_async(bus, NULL, BUS_SYSTEMD1, path, "org.freedesktop.DBus.Properties", "Get", on_time,
                                             call, "ss", "org.freedesktop.systemd1.Unit", names[i]);
                if (r < 0) {
                        free(call);
                        return r;
                }
                units->pending++;
        }
        return 0;
}

static int ask_for_all(sd_bus *bus, sd_bus_message *list, Units *units)
{
        const char *name, *path;
        int r;

        r = sd_bus_message_enter_container(list, 'a', "(ssssssouso)");
        while (r >= 0 && units->n < UNITS_MAX &&
               (r = sd_bus_message_read(list, "(ssssssouso)", &name, NULL, NULL, NULL, NULL, NULL, &path, NULL, NULL,
                                        NULL)) > 0) {
                Unit *u = &units->list[units->n];

                u->name = strdup(name);
                if (!u->name)
                        return -ENOMEM;
                units->n++;
                r = ask_for_times(bus, units, u, path);
                if (r >= 0)
                        r = wait_until_pending(bus, units, CALLS_MAX - _N_TIMES);
        }
        return r < 0 ? r : wait_until_pending(bus, units, 0);
}

/* By systemd-analyze's rule: until it was active, or of one that only runs once, until it had run. 1: it has times. */
static int answer_unit(const Unit *u, FILE *f)
{
        uint64_t begin = u->usec[EXIT_INACTIVE], end = u->usec[ENTER_ACTIVE];

        if (end < begin)
                end = u->usec[ENTER_INACTIVE];
        if (begin == 0 || end <= begin)
                return 0;
        fprintf(f, "%" PRIu64 " %" PRIu64 " %s\n", begin, end, u->name);
        return ferror(f) ? -EIO : 1;
}

/* In a process of its own, whose memory ends with it. */
static int answer_units(const void *question, int fd)
{
        _cleanup_message_ sd_bus_message *list = NULL;
        Units units = { .list = calloc(UNITS_MAX, sizeof(Unit)) };
        sd_bus *bus = NULL;
        FILE *f = fdopen(fd, "w");
        size_t n = 0;
        int r;

        if (!units.list || !f)
                return -ENOMEM;
        r = sd_bus_open_system_machine(&bus, question);
        if (r >= 0)
                r = sd_bus_call_method(bus, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "ListUnits", NULL, &list,
                                       NULL);
        if (r >= 0)
                r = ask_for_all(bus, list, &units);
        for (size_t i = 0; r >= 0 && i < units.n; i++) {
                r = answer_unit(&units.list[i], f);
                n += r > 0;
        }
        if (r >= 0 && n == 0)
                return units.error ?: -ENODATA;
        return r >= 0 && fflush(f) != 0 ? -EIO : r;
}

/* ---- here ----------------------------------------------------------------------------------------------------- */

/* How far the machine's CLOCK_MONOTONIC is ahead (time_namespaces(7)). */
static int64_t clock_offset(pid_t leader)
{
        _cleanup_free_ char *text = NULL;
        const char *line;
        char path[64];
        int64_t sec, nsec;

        (void) snprintf(path, sizeof(path), "/proc/%d/timens_offsets", leader);
        if (fd_read_file_at(AT_FDCWD, path, 4096, &text, NULL) < 0)
                return 0;
        line = strstr(text, "monotonic");
        if (!line || sscanf(line, "monotonic %" SCNd64 " %" SCNd64, &sec, &nsec) != 2)
                return 0;
        return sec * (int64_t) USEC_PER_SEC + nsec / 1000;
}

static int add_units(Ctl *c, const RunningMachine *m, Blame *b)
{
        _cleanup_free_ char *text = NULL;
        Look l = LOOK_NULL;
        size_t size;
        int r;

        if (!m->state.booted || m->state.init != INIT_SYSTEMD)
                return 0;
        r = look_start(answer_units, m->name, -EBADF, &l);
        if (r >= 0)
                r = look_finish(&l, clock_usec(CLOCK_MONOTONIC) + BUS_USEC, ANSWER_MAX, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                if (!c->options.quiet)
                        log_warning(r, "%s: Its systemd does not tell the times of its units, which root may ask for: %m",
                                    m->name);
                return 0;
        }
        return blame_add_units(b, text, clock_offset(m->state.leader));
}

static int add_file(Blame *b, const char *path, Failure *failure)
{
        _cleanup_free_ char *text = NULL;
        int r = fd_read_file_at(AT_FDCWD, path, STEPS_MAX, &text, NULL);

        if (r >= 0)
                r = blame_add_stages(b, text);
        return r < 0 && failure ? failure_set(failure, r, "Failed to read '%s': %m", path) : r;
}

static int collect(Ctl *c, const RunningMachine *m, Blame *b, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (!m->ours)
                return failure_set(failure, -EOPNOTSUPP, "Only the start of a machine of box is measured; for the units of this "
                                   "one: systemd-analyze blame --machine=%s", m->name);
        b->machine = m->name;
        r = machine_state_path(NULL, m->name, "steps", &path);
        if (r >= 0)
                r = add_file(b, path, failure);
        if (r >= 0)
                r = add_units(c, m, b);
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

/* A machine that does not run, as its last start failed: by hand or, before its first stage too, in its unit. Else the failure
 * stays as it is. */
static int collect_failed(Ctl *c, const char *name, Blame *b, Failure *failure)
{
        _cleanup_free_ char *path = NULL, *unit = NULL;

        b->machine = name;
        if (machine_state_failed_path(NULL, name, &path) < 0)
                return failure->error;
        if (add_file(b, path, NULL) < 0) {
                blame_done(b);
                b->machine = name;
                unit = machine_unit_name(name);
                b->failure = unit ? failed_machine_reason(c, unit) : NULL;
                if (!b->failure)
                        return failure->error;
                text_make_printable(b->failure);
        }
        *failure = (Failure) { 0 };
        return 0;
}

static const Column columns[] = {
        { 'n', "name",       0, 0, "Stage of box-run, or unit in the machine" },
        { 'o', "of",         0, 0, "box or machine" },
        { 'b', "begin_usec", 0, 0, "When it began, in microseconds after the start" },
        { 'e', "end_usec",   0, 0, "When it ended" },
        { 'u', "usec",       0, 0, "How long it took" },
        { 'm', "machine",    0, 0, "Name of the machine" },
};

static int print_columns(Ctl *c, const Blame *b, Failure *failure)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *f = memory_stream_open(&m);
        int r = f ? blame_print_json(b, f, OUTPUT_JSON, failure) : -ENOMEM;

        text = r >= 0 ? memory_stream_take(&m) : NULL;
        if (!text)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = objects_print_text(c, text, strlen(text));
        return r < 0 ? failure_set(failure, r, "Its columns cannot be shown") : r;
}

static int print(Ctl *c, Blame *b, Failure *failure)
{
        if (c->options.plot) {
                blame_sort(b, /* by_begin= */ true);
                blame_plot(b, stdout);
                return 0;
        }
        blame_sort(b, c->options.order && strcmp(c->options.order, "begin") == 0);
        if (c->options.columns)
                return print_columns(c, b, failure);
        if (output_is_json(c->options.output))
                return blame_print_json(b, stdout, c->options.output, failure);
        pager_open(c);
        blame_print(b, stdout, !c->options.no_legend, terminal_width(c));
        return 0;
}

static int blame_one(Ctl *c, const char *name, Failure *failure)
{
        RunningMachine m = { 0 };
        Blame b = { 0 };
        int r;

        if (c->options.order && strcmp(c->options.order, "begin") != 0 && strcmp(c->options.order, "time") != 0)
                return failure_set(failure, -EINVAL, "Invalid value for --order=: '%s' (time or begin)", c->options.order);
        r = running_machine_find(c, name, &m, failure);
        if (r >= 0)
                r = collect(c, &m, &b, failure);
        else if (r != -EINVAL)
                r = collect_failed(c, name, &b, failure);
        if (r >= 0)
                r = print(c, &b, failure);
        blame_done(&b);
        running_machine_done(&m);
        return r;
}

const Verb verb_blame = {
        .name = "blame",
        .min = 1,
        .max = 1,
        .flags = VERB_OURS | VERB_TAKES_RUNNING | VERB_TAKES_IMAGES,
        .synopsis = "NAME",
        .help = "Show where the time of a machine's start went",
        .details = "The stages of box-run and, if its init is systemd, the units in the machine (for root), on one time line: "
                   "how long each took, after which time it began, and where that is in the whole. The longest come first, or "
                   "with --order=begin the earliest. Of a machine whose last start failed, the stages until then, and last "
                   "why. As a picture: boxctl blame --plot web >web.svg",
        .example = "boxctl blame web",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .rows = "steps",
        .run_one = blame_one,
};
