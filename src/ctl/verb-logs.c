/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl logs: messages of the host about machines, their consoles, and their own journals, merged by time. Any user; each sees
 * what journald and the files' owners let them. Processes read the journals (ctl/log-reader.h); here their records are
 * put in order and printed.
 */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/exit-status.h"
#include "ctl/journal.h"
#include "ctl/log-print.h"
#include "ctl/log-reader.h"
#include "ctl/log-time.h"
#include "ctl/running-machine.h"
#include "ctl/terminal.h"
#include "image/image.h"
#include "image/machine-name.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

enum {
        SILENCE_USEC = 5000 * 1000,     /* after which a reader that others wait for is given up */
        AGAIN_USEC = 100 * 1000,        /* before new files are opened: there may be more */
        FOLLOWED_LINES = 10,
};

typedef struct Machine {
        const char *name;
        LogHost host;
        LogMachine own;
        char *unit, *other_unit;
        bool look_again;                /* it may have been started */
} Machine;

typedef struct Source {
        LogReader reader;
        Machine *machine;
        bool own;                       /* the machine's journal; else the host's */
        uint64_t start_usec;            /* when it is to be started (CLOCK_MONOTONIC); 0: it was */
} Source;

typedef struct Logs {
        Ctl *ctl;
        LogPrint print;
        LogTail tail;
        bool has_tail;                  /* the last lines are still collected */
        uint64_t begun_usec;            /* CLOCK_REALTIME */
        Machine *machines;
        size_t n_machines;
        Source *sources;
        const LogStream **streams;      /* of the sources */
        size_t n_sources;
        int error;                      /* the worst failure */
} Logs;

static void logs_done(Logs *l)
{
        for (size_t i = 0; i < l->n_sources; i++)
                log_reader_done(&l->sources[i].reader);
        for (size_t i = 0; i < l->n_machines; i++) {
                free(l->machines[i].unit);
                free(l->machines[i].other_unit);
                fd_close(l->machines[i].own.tree_fd);
        }
        log_tail_done(&l->tail);
        free(l->machines);
        free(l->sources);
        free(l->streams);
}

/* ---- which machines ------------------------------------------------------------------------------------------- */

static int keep_unit(Machine *m, const RunningMachine *running)
{
        const char *unit = running_machine_unit(running);

        /* A shell's scope is not the machine's. */
        if (!*unit || strcmp(unit, m->unit) == 0 || (running->ours && !running_machine_owns_unit(running)))
                return 0;
        return free_and_strdup(&m->other_unit, unit);
}

/* The tree of one that does not run. The failure of a machine that the host knows nothing of stays in *failure. */
static int find_tree(const Ctl *c, Machine *m, Failure *failure)
{
        Image image = { .fd = -EBADF };
        int r = image_find(NULL, m->name, &image, failure);

        if (r >= 0) {
                if (image.kind == IMAGE_DIRECTORY)
                        m->own.tree_fd = TAKE_FD(image.fd);
                else if (!c->options.quiet)
                        log_info(0, "%s: Its own journal is in a disk image, and can be read while it runs", m->name);
                image_done(&image);
                return 0;
        }
        if (r == -EACCES && !c->options.quiet)
                log_info(0, "%s: No permission to look for its own journal in /var/lib/machines; root may", m->name);
        if (r != -EACCES && !journal_has_unit(m->unit))
                return r;
        failure->error = 0;
        return 0;
}

/* Only of one start. */
static int limit_to_start(const Ctl *c, Machine *m, LogQuery *q, uint64_t running_since, Failure *failure)
{
        int r, n = c->options.start;

        r = journal_start_window(m->unit, n, &q->since_usec, &q->until_usec);
        /* By hand, or without the host's journal. */
        if (r < 0 && n == 0 && running_since > 0) {
                q->since_usec = running_since;
                r = 0;
        }
        return r < 0 ? failure_set(failure, r, "The host's journal has no such start of %s", m->unit) : 0;
}

static int take_time(const char *option, const char *text, uint64_t *usec, Failure *failure)
{
        if (text && log_time_parse(text, clock_usec(CLOCK_REALTIME), usec) < 0)
                return failure_set(failure, -EINVAL, "--%s=%s: not a point in time, such as \"2026-11-27 14:00\", 14:00, -10min, "
                                   "today", option, text);
        return 0;
}

static int limit(const Ctl *c, Machine *m, LogQuery *q, uint64_t running_since, Failure *failure)
{
        uint64_t since = 0, until = UINT64_MAX;
        int r = 0;

        if (c->options.by_start)
                r = limit_to_start(c, m, q, running_since, failure);
        if (r >= 0)
                r = take_time("since", c->options.since, &since, failure);
        if (r >= 0)
                r = take_time("until", c->options.until, &until, failure);
        if (since > q->since_usec)
                q->since_usec = since;
        if (until < q->until_usec)
                q->until_usec = until;
        return r;
}

static LogQuery query_of(const Options *o)
{
        unsigned lines = options_lines(o, o->follow ? FOLLOWED_LINES : UINT_MAX);

        return (LogQuery) {
                .unit = o->unit, .priority = o->priority, .pattern = o->grep, .until_usec = UINT64_MAX,
                .lines = lines == UINT_MAX ? SIZE_MAX : lines, .follow = o->follow, .all_fields = output_is_json(o->output),
        };
}

static int find_machine(Ctl *c, const char *name, Machine *m, Failure *failure)
{
        RunningMachine running = { 0 };
        LogQuery q = query_of(&c->options);
        uint64_t since = 0;
        int r;

        *m = (Machine) { .name = name, .own = { .machine = name, .tree_fd = -EBADF } };
        m->unit = machine_unit_name(name);
        if (!m->unit)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = running_machine_find(c, name, &running, failure);
        if (r >= 0) {
                m->own.leader = running_machine_leader(&running);
                since = running_machine_since_usec(&running);
                r = keep_unit(m, &running);
                running_machine_done(&running);
        } else if (r != -EINVAL) {
                failure->error = 0;
                r = find_tree(c, m, failure);
        }
        if (r >= 0)
                r = limit(c, m, &q, since, failure);
        if (r < 0)
                return r;
        m->host = (LogHost) { .query = q, .machine = name, .unit = m->unit, .other_unit = m->other_unit };
        m->own.query = q;
        return 0;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void note_error(Logs *l, int error)
{
        l->error = exit_worse(l->error, error);
}

static void start_source(Logs *l, Source *s)
{
        Machine *m = s->machine;
        int r;

        s->start_usec = 0;
        if (s->own) {
                m->own.query.cursor = s->reader.cursor;
                r = log_reader_start(&s->reader, log_read_machine, &m->own, m->own.tree_fd);
        } else
                r = log_reader_start(&s->reader, log_read_host, &m->host, -EBADF);
        m->own.query.cursor = NULL;
        if (r >= 0)
                return;
        s->reader.stream.ended = true;
        note_error(l, log_error(r, "%s: Failed to read its log: %m", m->name));
}

/* From then on, all that its journal gets is new. */
static void start_again(const Logs *l, Source *s, uint64_t delay_usec)
{
        LogQuery *q = &s->machine->own.query;

        log_record_done(&s->reader.stream.head);
        look_done(&s->reader.process);
        free(TAKE_PTR(s->reader.buf));
        s->reader.size = 0;
        s->reader.stream = (LogStream) { .live = true };
        if (!s->reader.cursor) {
                q->since_usec = q->since_usec > l->begun_usec ? q->since_usec : l->begun_usec;
                q->lines = SIZE_MAX;
        }
        s->start_usec = clock_usec(CLOCK_MONOTONIC) + delay_usec;
}

static void give_up(Logs *l, Source *s, int error)
{
        const char *what = s->own ? "its own journal" : "the host's journal";

        log_reader_done(&s->reader);
        s->reader.stream.ended = true;
        if (error == -ETIMEDOUT)
                log_warning(error, "%s: %s does not answer, going on without it", s->machine->name, what);
        else if (error == -EBADMSG)
                log_warning(error, "%s: %s is damaged, going on without the rest of it", s->machine->name, what);
        else
                log_warning(error, "%s: Failed to read %s, going on without the rest of it: %m", s->machine->name, what);
        note_error(l, error);
}

/* Takes what the readers have said, until each has a record or nothing more. */
static void advance(Logs *l, Source *s)
{
        _cleanup_free_ char *note = NULL;
        int r;

        while (!s->reader.stream.ended && s->start_usec == 0 &&
               (r = log_reader_advance(&s->reader, &note)) != LOG_READER_QUIET) {
                if (r < 0)
                        give_up(l, s, r);
                else if (r == LOG_READER_AGAIN)
                        start_again(l, s, AGAIN_USEC);
                else if (!l->ctl->options.quiet) {
                        if (!s->reader.cursor)
                                log_info(0, "%s: %s", s->machine->name, note);
                        free(TAKE_PTR(note));
                }
        }
}

static int print(Logs *l, const Machine *m, const LogRecord *r)
{
        int k = log_print(&l->print, m->name, r);

        if (k >= 0 && (ferror(l->print.file) || terminal_stream_is_unread()))
                return -EPIPE;
        return k;
}

static bool is_of_systemd(const LogRecord *r)
{
        size_t size;
        const char *pid = log_record_field(r, "_PID", &size);

        return pid && size == 1 && *pid == '1';
}

/* Has the machine been started meanwhile? Its state is quickly read; machined is asked only when systemd says something. */
static void look_for_start(Logs *l, Machine *m, bool systemd)
{
        Source *own = &l->sources[2 * (size_t) (m - l->machines) + 1];
        RunningMachine running = { 0 };
        MachineState state;
        pid_t leader = 0;

        if (machine_state_read(NULL, m->name, &state) >= 0) {
                leader = state.leader;
                machine_state_done(&state);
        } else if (systemd && running_machine_find(l->ctl, m->name, &running, NULL) >= 0) {
                leader = running_machine_leader(&running);
                running_machine_done(&running);
        }
        if (leader <= 0 || (leader == m->own.leader && !(systemd && !own->reader.cursor)) || own->start_usec > 0)
                return;
        m->own.leader = leader;
        start_again(l, own, 0);
}

static int take_record(Logs *l, size_t i)
{
        Source *s = &l->sources[i];
        LogRecord r = log_reader_take(&s->reader);
        int k;

        if (l->has_tail)
                return log_tail_add(&l->tail, &r, i);
        k = print(l, s->machine, &r);
        if (k >= 0 && !s->own && s->reader.stream.live)
                look_for_start(l, s->machine, is_of_systemd(&r));
        log_record_done(&r);
        return k;
}

static int print_tail(Logs *l)
{
        LogRecord r;
        size_t i;
        int k = 0;

        l->has_tail = false;
        while (k >= 0 && log_tail_take(&l->tail, &r, &i)) {
                k = print(l, l->sources[i].machine, &r);
                log_record_done(&r);
        }
        return k;
}

/* 1: all have ended. */
static int print_all(Logs *l)
{
        bool ended = true;
        int i, k = 0;

        for (size_t s = 0; s < l->n_sources; s++)
                advance(l, &l->sources[s]);
        while ((i = log_streams_next(l->streams, l->n_sources)) >= 0) {
                k = take_record(l, (size_t) i);
                if (k < 0)
                        return k;
                advance(l, &l->sources[i]);
        }
        if (i == -ENOENT && l->has_tail)
                k = print_tail(l);
        for (size_t s = 0; s < l->n_sources; s++)
                ended = ended && l->sources[s].reader.stream.ended;
        return k < 0 ? k : ended;
}

/* ---- waiting -------------------------------------------------------------------------------------------------- */

/* When something is to be done without an event; UINT64_MAX: never. */
static uint64_t next_usec(const Logs *l)
{
        uint64_t next = UINT64_MAX;

        for (size_t i = 0; i < l->n_sources; i++) {
                const Source *s = &l->sources[i];
                uint64_t usec = UINT64_MAX;

                if (s->start_usec > 0)
                        usec = s->start_usec;
                else if (!s->reader.stream.ended && !s->reader.stream.live && !s->reader.stream.has_head)
                        usec = s->reader.heard_usec + SILENCE_USEC;
                if (usec < next)
                        next = usec;
        }
        return next;
}

static void do_due(Logs *l, uint64_t now)
{
        for (size_t i = 0; i < l->n_sources; i++) {
                Source *s = &l->sources[i];

                if (s->start_usec > 0 && now >= s->start_usec)
                        start_source(l, s);
                else if (s->start_usec == 0 && !s->reader.stream.ended && !s->reader.stream.live && !s->reader.stream.has_head &&
                         now >= s->reader.heard_usec + SILENCE_USEC)
                        give_up(l, s, -ETIMEDOUT);
        }
}

/* fds: one for each source, and one for standard output, whose reader may go. */
static int wait_for_more(Logs *l, struct pollfd *fds)
{
        uint64_t next = next_usec(l), now = clock_usec(CLOCK_MONOTONIC);
        int r;

        for (size_t i = 0; i < l->n_sources; i++) {
                const LogReader *reader = &l->sources[i].reader;

                fds[i] = (struct pollfd) { .fd = reader->stream.has_head ? -1 : reader->process.fd, .events = POLLIN };
        }
        fds[l->n_sources] = (struct pollfd) { .fd = STDOUT_FILENO };
        (void) fflush(stdout);
        r = RET_ERRNO(poll(fds, l->n_sources + 1, next == UINT64_MAX ? -1 : next > now ? (int) ((next - now) / 1000 + 1) : 0));
        if (r < 0)
                return r == -EINTR ? 0 : r;
        if (fds[l->n_sources].revents)
                return -EPIPE;
        for (size_t i = 0; i < l->n_sources; i++) {
                r = fds[i].revents ? log_reader_fill(&l->sources[i].reader) : 0;
                if (r < 0)
                        give_up(l, &l->sources[i], r);
        }
        do_due(l, clock_usec(CLOCK_MONOTONIC));
        return 0;
}

static int read_all(Logs *l)
{
        _cleanup_free_ struct pollfd *fds = calloc(l->n_sources + 1, sizeof(*fds));
        int r;

        if (!fds)
                return -ENOMEM;
        while ((r = print_all(l)) == 0) {
                r = wait_for_more(l, fds);
                if (r < 0)
                        return r;
        }
        return r;
}

/* ---- the verb ------------------------------------------------------------------------------------------------- */

static int add_sources(Logs *l)
{
        l->sources = calloc(l->n_machines * 2, sizeof(*l->sources));
        l->streams = calloc(l->n_machines * 2, sizeof(*l->streams));
        if (!l->sources || !l->streams)
                return log_oom();
        for (size_t i = 0; i < l->n_machines * 2; i++) {
                Source *s = &l->sources[l->n_sources++];

                *s = (Source) { .reader = LOG_READER_NULL, .machine = &l->machines[i / 2], .own = i % 2 == 1 };
                l->streams[i] = &s->reader.stream;
                /* A unit in the machine is known to its own journal only. */
                if (!s->own && l->ctl->options.unit)
                        s->reader.stream.ended = true;
                else
                        start_source(l, s);
        }
        return 0;
}

static int add_machines(Logs *l, char *const *names, size_t n)
{
        l->machines = calloc(n, sizeof(*l->machines));
        if (!l->machines)
                return log_oom();
        for (size_t i = 0; i < n; i++) {
                Machine *m = &l->machines[l->n_machines];
                Failure f = { 0 };
                int r = find_machine(l->ctl, names[i], m, &f);

                if (r < 0) {
                        free(m->unit);
                        free(m->other_unit);
                        fd_close(m->own.tree_fd);
                        note_error(l, complain(names[i], &f));
                        continue;
                }
                if (n > 1 && text_columns(names[i], strlen(names[i])) > l->print.name_width)
                        l->print.name_width = text_columns(names[i], strlen(names[i]));
                l->n_machines++;
        }
        return l->n_machines > 0 ? 0 : l->error;
}

/* "ssh" is ssh.service. */
static int complete_unit(Ctl *c, char **ret)
{
        if (!c->options.unit || strchr(c->options.unit, '.'))
                return 0;
        if (strf(ret, "%s.service", c->options.unit) < 0)
                return log_oom();
        c->options.unit = *ret;
        return 0;
}

/* Fields that are often asked for; others are not listed. */
static const Column columns[] = {
        { 0, LOG_FIELD_MACHINE,        0, 0, "Name of the machine" },
        { 0, LOG_FIELD_ORIGIN,         0, 0, "unit, console or journal" },
        { 0, "__REALTIME_TIMESTAMP",   0, 0, "When, in microseconds since 1970" },
        { 0, "__CURSOR",               0, 0, "Place in its journal" },
        { 0, "MESSAGE",                0, 0, "What was said" },
        { 0, "PRIORITY",               0, 0, "0 (emerg) to 7 (debug)" },
        { 0, "SYSLOG_IDENTIFIER",      0, 0, "Who says it" },
        { 0, "_PID",                   0, 0, "Process, as its journal counts them" },
        { 0, "_UID",                   0, 0, "Its user" },
        { 0, "_COMM",                  0, 0, "Its program" },
        { 0, "_SYSTEMD_UNIT",          0, 0, "Its unit" },
};

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(columns_done) Columns wanted = { 0 };
        _cleanup_(logs_done) Logs l = {
                .ctl = c, .print = { .file = stdout, .mode = c->options.output, .colour = terminal_has_colour() },
                .begun_usec = clock_usec(CLOCK_REALTIME),
        };
        unsigned lines = options_lines(&c->options, c->options.follow ? FOLLOWED_LINES : UINT_MAX);
        _cleanup_free_ char *unit = NULL;
        Failure f = { 0 };
        int r;

        if (c->options.columns) {
                r = columns_choose(columns, ARRAY_SIZE(columns), c->options.columns, COLUMNS_FIELDS, &wanted, &f);
                if (r < 0)
                        return log_error(r, "%s", f.text);
                l.print.wanted = &wanted;
        }
        r = complete_unit(c, &unit);
        if (r >= 0)
                r = add_machines(&l, args, n);
        if (r < 0)
                return r;
        l.has_tail = lines != UINT_MAX;
        l.tail.max = lines;
        /* Before the readers are started, which would keep the terminal. */
        if (!c->options.follow)
                pager_open(c);
        r = add_sources(&l);
        if (r >= 0)
                r = read_all(&l);
        if (r < 0 && r != -EPIPE)
                return log_error(r, "Failed to print the logs: %m");
        return l.error;
}

const Verb verb_logs = {
        .name = "logs",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_MANY | VERB_TAKES_RUNNING | VERB_TAKES_IMAGES,
        .synopsis = "NAME…",
        .help = "Show what machines, and the host of them, have logged",
        .details = "Merges by time what the host's journal has of each machine's unit (\"unit\"), what the machine printed on "
                   "its console (\"console\"), and its own journal (\"journal\"), if its init is systemd. The machine may run or "
                   "not. For example, from the last start on, and then what comes: boxctl logs -b -f web. Errors of a unit in "
                   "the machine today: boxctl logs -u ssh -p err --since=today web.",
        .example = "boxctl logs -f -u ssh web",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .run = run,
};
