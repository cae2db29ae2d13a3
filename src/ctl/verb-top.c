/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl top: what running machines use, looked at again and again. Any user. On a terminal it has the whole screen, which is
 * given back after any death.
 */

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/listing.h"
#include "ctl/many.h"
#include "ctl/terminal.h"
#include "ctl/top-table.h"
#include "payload/terminal-mode.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"

#define SCREEN_BEGIN "\x1b[?1049h\x1b[?25l"
#define SCREEN_END "\x1b[?25h\x1b[?1049l"

typedef struct Samples {
        TopSample *list;
        size_t n;
} Samples;

typedef struct Top {
        Ctl *c;
        char *const *names;             /* none: all machines */
        sd_event *event;
        sd_event_source *timer;
        Samples before, now;
        TopLook look;
        bool screen;
        unsigned left;                  /* tables to print; UINT_MAX: no end */
        bool wrote;
        TerminalMode terminal;
        Failure failure;
} Top;

/* ---- samples -------------------------------------------------------------------------------------------------- */

static void samples_done(Samples *s)
{
        top_samples_free(s->list, s->n);
        *s = (Samples) { 0 };
}

/* Those with other names go to the end, and are forgotten. */
static size_t keep_named(char *const *names, RunningMachine *list, size_t n)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++)
                if (!names || !*names || strv_contains(names, list[i].name)) {
                        RunningMachine m = list[kept];

                        list[kept++] = list[i];
                        list[i] = m;
                }
        return kept;
}

static int take_sample(Top *t)
{
        RunningMachine *list = NULL;
        Samples s = { 0 };
        size_t n = 0;
        int r = running_machines_list(t->c, &list, &n, &t->failure);

        if (r < 0)
                return r;
        s.n = keep_named(t->names, list, n);
        r = top_sample(list, s.n, &s.list);
        running_machines_free(list, n);
        if (r < 0)
                return failure_set(&t->failure, r, "Out of memory");
        samples_done(&t->before);
        t->before = t->now;
        t->now = s;
        return 0;
}

/* ---- output --------------------------------------------------------------------------------------------------- */

static int write_screen(const char *text)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *frame = NULL;
        FILE *f = memory_stream_open(&m);

        if (!f)
                return -ENOMEM;
        fputs("\x1b[H", f);
        /* No line end after the last line, which would scroll. A line is cleared before it is written: after it, the cursor may
         * still be on its last character. */
        for (const char *line = text; *line;) {
                size_t k = strcspn(line, "\n");

                fprintf(f, "%s\x1b[K%.*s", line == text ? "" : "\r\n", (int) k, line);
                line += k + (line[k] == '\n');
        }
        fputs("\x1b[K\x1b[J", f);
        frame = memory_stream_take(&m);
        return frame ? fd_write_all(STDOUT_FILENO, frame, strlen(frame)) : -ENOMEM;
}

static int show_screen(Top *t, const TopRow *rows)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        struct winsize size = { 0 };
        FILE *f = memory_stream_open(&m);
        int r;

        if (!f)
                return failure_set(&t->failure, -ENOMEM, "Out of memory");
        (void) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        t->look.width = size.ws_col > 0 ? size.ws_col : 80;
        t->look.height = size.ws_row > 0 ? size.ws_row : 24;
        top_print(f, rows, t->now.n, &t->look);
        text = memory_stream_take(&m);
        r = text ? write_screen(text) : -ENOMEM;
        return r < 0 ? failure_set(&t->failure, r, "Failed to write to the terminal: %m") : 0;
}

static int show_columns(Top *t, const TopRow *rows)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *f = memory_stream_open(&m);
        int r = f ? top_print_json(f, rows, t->now.n, clock_usec(CLOCK_REALTIME), OUTPUT_JSON, &t->failure) : -ENOMEM;

        text = r >= 0 ? memory_stream_take(&m) : NULL;
        if (!text)
                return failure_set(&t->failure, -ENOMEM, "Out of memory");
        r = objects_print_text(t->c, text, strlen(text));
        return r < 0 ? r : fflush(stdout) == 0 ? 0 : -EPIPE;
}

static int show(Top *t)
{
        _cleanup_free_ TopRow *rows = NULL;
        int r = top_rows(t->before.list, t->before.n, t->now.list, t->now.n, t->look.sort, &rows);

        if (r < 0)
                return failure_set(&t->failure, r, "Out of memory");
        if (t->screen)
                return show_screen(t, rows);
        if (t->c->options.columns)
                return show_columns(t, rows);
        if (output_is_json(t->c->options.output))
                return top_print_json(stdout, rows, t->now.n, clock_usec(CLOCK_REALTIME), t->c->options.output, &t->failure);
        if (t->wrote)
                putchar('\n');
        t->wrote = true;
        t->look.width = terminal_width(t->c);
        top_print(stdout, rows, t->now.n, &t->look);
        return fflush(stdout) == 0 ? 0 : -EPIPE;        /* main tells of it, if it is to be told */
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

static int end(Top *t, int r)
{
        return sd_event_exit(t->event, r);
}

static int wait_again(Top *t)
{
        int r = sd_event_source_set_time_relative(t->timer, t->c->options.delay_usec);

        return r < 0 ? r : sd_event_source_set_enabled(t->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Top *t = userdata;
        int r = take_sample(t);

        if (r >= 0)
                r = show(t);
        if (r >= 0 && t->left != UINT_MAX && --t->left == 0)
                return end(t, 0);
        if (r >= 0)
                r = wait_again(t);
        return r < 0 ? end(t, r) : 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Top *t = userdata;
        int r;

        if (info->ssi_signo != SIGWINCH)
                return end(t, 0);
        r = t->screen ? show(t) : 0;
        return r < 0 ? end(t, r) : 0;
}

/* q, ^C, ^D; what begins with escape is a key of several bytes. */
static int on_keys(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Top *t = userdata;
        char keys[64];
        ssize_t n = read(fd, keys, sizeof(keys));
        int r = 0;

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return 0;
        if (n <= 0)
                return end(t, 0);
        for (ssize_t i = 0; i < n && keys[i] != '\x1b'; i++) {
                if (keys[i] == 'q' || keys[i] == 3 || keys[i] == 4)
                        return end(t, 0);
                if (top_sort_by_key(keys[i]) >= 0)
                        t->look.sort = (TopSort) top_sort_by_key(keys[i]);
        }
        r = show(t);
        return r < 0 ? end(t, r) : 0;
}

static int add_sources(Top *t)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
        sigset_t set;
        int r;

        sigemptyset(&set);
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                (void) sigaddset(&set, signals[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        r = sd_event_new(&t->event);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signals); i++)
                r = sd_event_add_signal(t->event, NULL, signals[i], on_signal, t);
        if (r >= 0)
                r = sd_event_add_time_relative(t->event, &t->timer, CLOCK_MONOTONIC, t->c->options.delay_usec, 0, on_timer, t);
        if (r >= 0 && t->screen)
                r = sd_event_add_io(t->event, NULL, STDIN_FILENO, EPOLLIN, on_keys, t);
        return r;
}

static int begin_screen(Top *t)
{
        int r;

        t->terminal.farewell = SCREEN_END;
        r = terminal_mode_set_raw(&t->terminal, /* with_output= */ false);
        if (r >= 0)
                r = fd_write_all(STDOUT_FILENO, SCREEN_BEGIN, strlen(SCREEN_BEGIN));
        return r < 0 ? failure_set(&t->failure, r, "Failed to set up the terminal: %m") : show(t);
}

static int loop(Top *t)
{
        int r = add_sources(t);

        if (r < 0)
                return failure_set(&t->failure, r, "Failed to set up the event loop: %m");
        if (t->screen)
                r = begin_screen(t);
        if (r >= 0)
                r = sd_event_loop(t->event);
        terminal_mode_restore(&t->terminal);
        sd_event_source_unref(t->timer);
        sd_event_unref(t->event);
        return r;
}

/* ---- the verb ------------------------------------------------------------------------------------------------- */

static uint64_t host_memory(void)
{
        return (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE);
}

/* A name of which no machine runs is told as by other verbs. */
static int check_names(Top *t)
{
        int r = 0;

        STRV_FOREACH(name, t->names) {
                _cleanup_(running_machine_done) RunningMachine m = { 0 };
                Failure f = { 0 };

                if (running_machine_find_quickly(t->c, *name, &m, &f) < 0)
                        r = complain(*name, &f);
        }
        return r;
}

static bool has_screen(const Ctl *c)
{
        const char *term = getenv("TERM");

        return !c->options.once && c->options.lines == LINES_DEFAULT && !objects_wanted(c) &&
               isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        const int sort = top_sort_by_name(c->options.sort ?: "cpu");
        Top t = { .c = c, .names = args, .screen = has_screen(c), .terminal = TERMINAL_MODE_NULL };
        _cleanup_(listing_done) Listing chosen = { 0 };
        int r = c->options.columns ? listing_open(c, &chosen) : 0;

        /* Before anything is measured. */
        if (r < 0)
                return r;
        if (sort < 0)
                return log_error(-EINVAL, "Invalid value for --sort=: '%s' (cpu, memory, swap, io, tasks, pressure, "
                                 "network or name)", c->options.sort);
        if (options_lines(&c->options, 1) == 0)
                return 0;
        t.left = t.screen ? UINT_MAX : c->options.once ? 1 : options_lines(&c->options, 1);
        t.look = (TopLook) { .colour = terminal_has_colour(), .keys = t.screen, .sort = (TopSort) sort,
                             .n_cpus = (unsigned) sysconf(_SC_NPROCESSORS_ONLN), .memory = host_memory() };
        r = check_names(&t);
        if (r < 0)
                return r;
        r = take_sample(&t);
        if (r >= 0)
                r = loop(&t);
        samples_done(&t.before);
        samples_done(&t.now);
        return r < 0 && t.failure.error < 0 ? log_error(t.failure.error, "%s", t.failure.text) : 0;
}

static const Column columns[] = {
        { 'a', "machine",                   0,            0, "Name" },
        { 'c', "cpu_permyriad",             0,            0, "CPU time, in hundredths of a percent of one CPU" },
        { 'm', "memory",                    COLUMN_BYTES, 0, "Memory, in bytes" },
        { 'l', "memory_limit",              COLUMN_BYTES, 0, "Memory that it may use" },
        { 's', "swap",                      COLUMN_BYTES, 0, "Swap, in bytes" },
        { 't', "tasks",                     0,            0, "Processes and threads" },
        { 'r', "read",                      COLUMN_BYTES, 0, "Read from disks, in bytes a second" },
        { 'w', "written",                   COLUMN_BYTES, 0, "Written to disks" },
        { 'i', "received",                  COLUMN_BYTES, 0, "Received from the network" },
        { 'o', "sent",                      COLUMN_BYTES, 0, "Sent by the network" },
        { 'p', "pressure_cpu_permyriad",    0,            0, "Waiting for a CPU, in hundredths of a percent" },
        { 'q', "pressure_memory_permyriad", 0,            0, "Waiting for memory" },
        { 'x', "pressure_io_permyriad",     0,            0, "Waiting for a disk" },
        { 'z', "time_usec",                 0,            0, "When it was measured, in microseconds since 1970" },
};

const Verb verb_top = {
        .name = "top",
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING | VERB_MANY,
        .synopsis = "[NAME…]",
        .help = "Show what running machines use, live",
        .details = "CPU time in percent of one CPU, memory, swap, tasks, bytes a second of disk and network, and pressure: the "
                   "percentage of the last ten seconds in which something in the machine had to wait for CPU, memory or "
                   "disk. Bars are parts of the host's CPUs, and of the memory that the machine may use. What this host does "
                   "not count is -.\n\n"
                   "Keys: c, m, s, i, t, p, n, a sort; q quits. If input or output is no terminal, one table is printed.",
        .example = "boxctl top --sort=memory",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .rows = "machines",
        .run = run,
};
