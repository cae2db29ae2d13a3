/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl status: details of machines, as machinectl prints them, with the unit's processes and last lines in the journal; or
 * JSON. If a machine does not run, but its unit has failed, prints the cause; the exit status then is 3, like systemctl's.
 * Any user; root sees more.
 */

#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bus/systemd1.h"
#include "ctl/cgroup-tree.h"
#include "ctl/exit-status.h"
#include "ctl/format.h"
#include "ctl/journal.h"
#include "ctl/live.h"
#include "ctl/machine-inside.h"
#include "ctl/terminal.h"
#include "ctl/units.h"
#include "image/machine-name.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

/* The state of one machine. */
typedef struct Page {
        const char *name;
        bool running;
        RunningMachine machine; /* if running */
        UnitInfo unit;          /* zero: the machine has none of its own */
        MachineInside inside;
        uint32_t uid_base;      /* 0: no user namespace, or unknown */
        char leader_name[32];
        bool frozen;            /* its processes do not run */
        char *note;             /* machine_state_note(); NULL */
        char live[LIVE_STATE_MAX];      /* live_state() */
        char *reason;           /* unit_reason() of one that does not run; NULL */
} Page;

static void page_done(Page *p)
{
        running_machine_done(&p->machine);
        unit_info_done(&p->unit);
        machine_inside_done(&p->inside);
        free(p->note);
        free(p->reason);
}

/* The first line of /proc/PID/FILE; "" if it cannot be read. */
static void read_proc_line(pid_t pid, const char *file, char *buf, size_t size)
{
        _cleanup_close_ int fd = -EBADF;
        char path[64];
        ssize_t n;

        buf[0] = '\0';
        (void) snprintf(path, sizeof(path), "/proc/%" PRIi64 "/%s", (int64_t) pid, file);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        n = read(fd, buf, size - 1);
        buf[n > 0 ? n : 0] = '\0';
        buf[strcspn(buf, "\n")] = '\0';
        text_make_printable(buf);
}

static uint32_t read_uid_base(pid_t pid)
{
        uint32_t inside, outside, count;
        char line[64];

        read_proc_line(pid, "uid_map", line, sizeof(line));
        return sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside, &outside, &count) == 3 && inside == 0 ? outside
                                                                                                               : 0;
}

/* With one link, addresses of IPv6 have its number, as machinectl's: link-local ones can be used then. */
static int add_link(char **addresses, const IntArray *links)
{
        for (char **a = addresses; links->n == 1 && a && *a; a++)
                if (strchr(*a, ':')) {
                        char *longer;

                        if (strf(&longer, "%s%%%d", *a, links->values[0]) < 0)
                                return -ENOMEM;
                        free(*a);
                        *a = longer;
                }
        return 0;
}

static void collect_running(Ctl *c, Page *p)
{
        const RunningMachine *m = &p->machine;
        sd_bus *bus = ctl_bus(c, NULL);

        if (m->ours)
                (void) machine_state_note(NULL, m->name, &p->note);
        if (m->ours && !c->lite)
                (void) live_state(c, m->name, p->live);
        (void) machines_look_inside(c, m, 1, &p->inside);
        (void) add_link(p->inside.addresses, &m->properties.ifindices);
        p->frozen = running_machine_is_frozen(m);
        if (running_machine_leader(m) > 0) {
                p->uid_base = read_uid_base(running_machine_leader(m));
                read_proc_line(running_machine_leader(m), "comm", p->leader_name, sizeof(p->leader_name));
        }
        if (bus && running_machine_owns_unit(m))
                (void) systemd1_unit_info(bus, running_machine_unit(m), &p->unit, NULL);
        else if (bus && m->registered && !m->ours && running_machine_unit(m)[0])
                (void) systemd1_unit_info(bus, running_machine_unit(m), &p->unit, NULL);
}

/* -ENXIO and a failure: the machine does not run, and its unit has not failed. */
static int collect(Ctl *c, const char *name, Page *p, Failure *failure)
{
        _cleanup_free_ char *unit = NULL;
        sd_bus *bus;
        int r;

        p->name = name;
        r = running_machine_find(c, name, &p->machine, failure);
        p->running = r >= 0;
        if (p->running) {
                collect_running(c, p);
                return 0;
        }

        bus = ctl_bus(c, NULL);
        unit = machine_unit_name(name);
        if (r != -ENXIO || c->lite || !bus || !unit || systemd1_unit_info(bus, unit, &p->unit, NULL) < 0)
                return r;
        p->reason = unit_reason(bus, &p->unit);
        return strcmp(p->unit.active_state, "inactive") == 0 && !p->reason ? r : 0;
}

/* ---- for people ----------------------------------------------------------------------------------------------- */

/* Is it one of the lines that machinectl prints? */
static bool is_of_machinectl(const char *label)
{
        static const char *const labels[] = { "", "Since", "Leader", "Service", "Class", "Root", "Iface", "Address", "OS",
                                              "UID Shift", "Unit" };

        for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
                if (strcmp(labels[i], label) == 0)
                        return true;
        return false;
}

enum { LABEL_COLUMNS = 16 };    /* machinectl's */

static void line(const Ctl *c, const char *label, const char *format, ...) _printf_(3, 4);
static void line(const Ctl *c, const char *label, const char *format, ...)
{
        char text[1024];
        va_list ap;

        if (c->lite && !is_of_machinectl(label))
                return;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        text_make_printable(text);
        /* machinectl's longest label stands further to the left. */
        printf("%*s%s %s\n", c->lite && strlen(label) > 8 ? 11 : LABEL_COLUMNS, label, *label ? ":" : " ", text);
}

/* Its end is often what matters: a reason that is too long for the terminal is not cut. */
static void print_reason(const Ctl *c, char *reason)
{
        size_t width = terminal_width(c);

        text_make_printable(reason);
        printf("%*s: ", LABEL_COLUMNS, "Reason");
        if (width > 0 && LABEL_COLUMNS + 2 + text_columns(reason, strlen(reason)) > width)
                print_filled(stdout, reason, LABEL_COLUMNS + 2, LABEL_COLUMNS + 2);
        else
                puts(reason);
}

static void print_links(const Ctl *c, const RunningMachine *m)
{
        const IntArray *links = &m->properties.ifindices;
        char name[IF_NAMESIZE];
        bool first = true;

        for (size_t i = 0; m->registered && i < links->n; i++)
                if (if_indextoname((unsigned) links->values[i], name)) {
                        line(c, first ? "Iface" : "", "%s", name);
                        first = false;
                }
        if (first && m->ours)
                STRV_FOREACH(l, m->state.links) {
                        line(c, l == m->state.links ? "Iface" : "", "%s", *l);
                }
}

static void print_machine(const Ctl *c, const Page *p)
{
        const RunningMachine *m = &p->machine;
        char when[FORMAT_MAX], ago[FORMAT_MAX];
        const char *os = strv_env_get(p->inside.os, "PRETTY_NAME");

        line(c, "Since", "%s; %s", format_timestamp(running_machine_since_usec(m), when),
             format_ago(running_machine_since_usec(m), clock_usec(CLOCK_REALTIME), ago));
        if (running_machine_leader(m) > 0)
                line(c, "Leader", "%" PRIi64 "%s%s%s", (int64_t) running_machine_leader(m), p->leader_name[0] ? " (" : "",
                     p->leader_name, p->leader_name[0] ? ")" : "");
        if (m->ours)
                line(c, "Supervisor", "%" PRIi64, (int64_t) m->state.supervisor);
        if (m->registered && m->properties.service && !*m->properties.service)
                line(c, "Class", "%s", m->properties.class ?: "");
        else if (m->registered)
                line(c, "Service", "%s; class %s", m->properties.service ?: "", m->properties.class ?: "");
        else
                line(c, "Service", "box; not registered with systemd-machined");
        if (running_machine_root(m)[0])
                line(c, "Root", "%s", running_machine_root(m));
        print_links(c, m);
        STRV_FOREACH(a, p->inside.addresses)
                line(c, a == p->inside.addresses ? "Address" : "", "%s", *a);
        if (p->frozen)
                line(c, "State", "frozen; to thaw it: boxctl thaw %s", m->name);
        if (p->inside.silent)
                line(c, "State", "its file system does not answer");
        if (os || (m->ours && m->state.os && m->state.os[0]))
                line(c, "OS", "%s", os ?: m->state.os);
        if (m->ours)
                line(c, "Init", "%s", m->state.booted ? init_flavour_name(m->state.init) : "none (a command runs)");
        if (p->note && *p->note)
                line(c, "Note", "%s", p->note);
        if (*p->live)
                line(c, "Pending", "%s; to see what: boxctl pending %s", p->live, m->name);
        if (p->uid_base > 0)
                line(c, "UID Shift", "%" PRIu32, p->uid_base);
}

static void print_unit(const Ctl *c, const Page *p)
{
        const UnitInfo *u = &p->unit;
        char a[FORMAT_MAX], words[128];

        if (!p->running)
                line(c, "Result", "%s", unit_result_words(u, words, sizeof(words)));
        if (u->status_text[0] && !(p->reason && strstr(p->reason, u->status_text)))
                line(c, "Status", "%s", u->status_text);
        if (u->tasks_current != UINT64_MAX)
                line(c, "Tasks", "%" PRIu64, u->tasks_current);
        if (u->memory_current != UINT64_MAX)
                line(c, "Memory", "%s", format_bytes(u->memory_current, a));
        if (u->cpu_usage_nsec != UINT64_MAX)
                line(c, "CPU", "%s", format_cpu(u->cpu_usage_nsec, a));
        if (c->lite)
                line(c, "Unit", "%s", u->id);
        else
                line(c, "Unit", "%s (%s%s%s)", u->id, u->active_state, u->unit_file_state[0] ? "; " : "", u->unit_file_state);
        if (u->control_group[0])
                cgroup_tree_print(stdout, NULL, u->control_group, "                  ", terminal_width(c));
}

static void print_bullet(const Page *p)
{
        bool colour = terminal_has_colour();

        if (colour)
                terminal_style(stdout, p->running ? "\x1b[32m" : "\x1b[31m");
        fputs(p->running ? "●" : "×", stdout);
        if (colour)
                terminal_style(stdout, "\x1b[0m");
        putchar(' ');
}

static void print_page(const Ctl *c, const Page *p)
{
        const uint8_t *id = p->machine.properties.id;
        static const uint8_t none[16];

        if (!c->lite)
                print_bullet(p);
        fputs(p->name, stdout);
        if (p->machine.registered && memcmp(id, none, sizeof(none)) != 0) {
                putchar('(');
                for (size_t i = 0; i < 16; i++)
                        printf("%02x", id[i]);
                putchar(')');
        }
        putchar('\n');
        if (p->reason && !c->lite)
                print_reason(c, p->reason);
        if (p->running)
                print_machine(c, p);
        if (p->unit.id) {
                print_unit(c, p);
                if (options_lines(&c->options, 10) > 0) {
                        putchar('\n');
                        journal_tail(stdout, p->unit.id, options_lines(&c->options, 10), c->options.output);
                }
        }
}

/* Members of the JSON objects; those that are not known are missing. */
static const Column fields[] = {
        { 0, "machine", 0, 0, "Name" },
        { 0, "running", 0, 0, "Does it run?" },
        { 0, "registered", 0, 0, "Does systemd-machined know it?" },
        { 0, "state", 0, 0, "running, frozen, or no answer" },
        { 0, "class", 0, 0, "container, vm or host" },
        { 0, "service", 0, 0, "The manager that runs it" },
        { 0, "root", 0, 0, "Root directory or image" },
        { 0, "since", 0, 0, "Start, in microseconds since 1970" },
        { 0, "leader", 0, 0, "PID 1 of it, on the host" },
        { 0, "os", 0, 0, "Operating system" },
        { 0, "addresses", 0, 0, "Network addresses" },
        { 0, "uid_shift", 0, 0, "First id on the host; 0: no user namespace" },
        { 0, "init", 0, 0, "Its init" },
        { 0, "supervisor", 0, 0, "PID of box-run" },
        { 0, "links", 0, 0, "Network links on the host" },
        { 0, "note", 0, 0, "What is noteworthy" },
        { 0, "pending", 0, 0, "Does it need a restart?" },
        { 0, "unit", 0, 0, "Unit on the host" },
        { 0, "active_state", 0, 0, "State of the unit" },
        { 0, "enabled", 0, 0, "Is it started at boot?" },
        { 0, "result", 0, 0, "How the unit ended" },
        { 0, "reason", 0, 0, "Why it has failed, or was not started" },
        { 0, "status", 0, 0, "What the machine says" },
        { 0, "memory", 0, 0, "Memory, in bytes" },
        { 0, "cpu_nsec", 0, 0, "CPU time, in nanoseconds" },
        { 0, "tasks", 0, 0, "Processes and threads" },
};

/* ---- for programs --------------------------------------------------------------------------------------------- */

static void put_text(Json *j, const char *key, const char *value)
{
        _cleanup_free_ char *copy = value && *value ? strdup(value) : NULL;

        if (copy)
                text_make_printable(copy);
        json_put_string(j, key, copy);
}

static void put_number(Json *j, const char *key, uint64_t value)
{
        if (value <= INT64_MAX)
                json_put_number(j, key, (int64_t) value);
        else
                json_put_string(j, key, NULL);
}

static void put_page(Json *j, const Page *p)
{
        const RunningMachine *m = &p->machine;

        json_begin_object(j, NULL);
        put_text(j, "machine", p->name);
        json_put_bool(j, "running", p->running);
        json_put_bool(j, "registered", m->registered);
        if (p->running) {
                put_text(j, "state", running_state_name(p->frozen, p->inside.silent));
                put_text(j, "class", m->registered ? m->properties.class : "container");
                put_text(j, "service", m->registered ? m->properties.service : "box");
                put_text(j, "root", running_machine_root(m));
                put_number(j, "since", running_machine_since_usec(m));
                put_number(j, "leader", (uint64_t) running_machine_leader(m));
                put_text(j, "os", strv_env_get(p->inside.os, "PRETTY_NAME") ?: (m->ours ? m->state.os : NULL));
                json_put_strings(j, "addresses", p->inside.addresses);
                put_number(j, "uid_shift", p->uid_base);
        }
        if (m->ours) {
                put_text(j, "init", m->state.booted ? init_flavour_name(m->state.init) : "none");
                put_number(j, "supervisor", (uint64_t) m->state.supervisor);
                json_put_strings(j, "links", m->state.links);
                put_text(j, "note", p->note);
                put_text(j, "pending", p->live);
        }
        put_text(j, "unit", p->unit.id ?: (p->running ? running_machine_unit(m) : NULL));
        if (p->unit.id) {
                put_text(j, "active_state", p->unit.active_state);
                put_text(j, "enabled", p->unit.unit_file_state);
                put_text(j, "result", p->unit.result);
                put_text(j, "reason", p->reason);
                put_text(j, "status", p->unit.status_text);
                put_number(j, "memory", p->unit.memory_current);
                put_number(j, "cpu_nsec", p->unit.cpu_usage_nsec);
                put_number(j, "tasks", p->unit.tasks_current);
        }
        json_end(j);
}

/* ---- the verb ------------------------------------------------------------------------------------------------- */

/* 0, 3 (not running), or a negative errno after its message. */
static int status_one(Ctl *c, const char *name, Json *j, bool first)
{
        _cleanup_(page_done) Page p = { 0 };
        Failure f = { 0 };
        int r;

        r = collect(c, name, &p, &f);
        if (r < 0)
                return complain(name, &f);
        if (j)
                put_page(j, &p);
        else {
                if (!first)
                        putchar('\n');
                print_page(c, &p);
        }
        return p.running ? 0 : EXIT_NOT_THERE;
}

/* All running machines. */
static int all_names(Ctl *c, char ***ret)
{
        RunningMachine *list = NULL;
        Failure f = { 0 };
        size_t n = 0;
        int r;

        r = running_machines_list(c, &list, &n, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = strv_extend(ret, list[i].name);
        running_machines_free(list, n);
        return r < 0 ? log_oom() : 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_strv_ char **running = NULL;
        int r = 0, result;

        if (n == 0)
                r = all_names(c, &running);
        result = n > 0 ? print_each(c, args, n, status_one) : print_each(c, running, strv_length(running), status_one);
        return r < 0 ? r : result;
}

const Verb verb_status = {
        .name = "status",
        .lite_min = 1,
        .max = VERB_ANY,
        .flags = VERB_TAKES_RUNNING | VERB_TAKES_IMAGES | VERB_MANY,
        .synopsis = "[NAME…]",
        .help = "Show machines' state, processes and last messages",
        .details = "Without a name, all running machines. The exit status is 3 if a machine is not up.",
        .columns = fields,
        .n_columns = ARRAY_SIZE(fields),
        .example = "boxctl status -n 30 web",
        .run = run,
};
