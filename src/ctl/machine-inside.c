/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looks into machines (see machine-inside.h). Part of boxctl, with its caller's rights.
 *
 * One worker process looks into all machines of box's, one after another, and sends what it finds. A machine whose file system
 * does not answer would hold it up: if nothing comes for a while, that machine is left to it, and each machine after it gets a
 * worker of its own. Addresses come from the kernel, which answers for any machine.
 */

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/local-addresses.h"
#include "ctl/machine-inside.h"
#include "payload/enter.h"
#include "util/clock.h"
#include "util/env-file.h"
#include "util/fd.h"
#include "util/strv.h"
#include "util/tree.h"

#define STALLED_USEC (100 * 1000)

enum {
        OS_RELEASE_MAX = 64 * 1024,
        READ_SIZE = 64 * 1024,
};

void machine_inside_done(MachineInside *inside)
{
        strv_free(inside->os);
        strv_free(inside->addresses);
        *inside = (MachineInside) { 0 };
}

/* ---- a worker's process --------------------------------------------------------------------------------------- */

typedef enum AnswerKind {
        ANSWER_ADDRESSES,       /* one in a line */
        ANSWER_OS,              /* the text of os-release; the last answer of a machine */
} AnswerKind;

/* Before size bytes of text. */
typedef struct Answer {
        uint32_t index;
        uint16_t kind;
        uint16_t error;         /* a positive errno: there is no text */
        uint32_t size;
} Answer;

typedef struct Question {
        const RunningMachine *machines;
        size_t begin, end;
} Question;

static int send_answer(int fd, size_t index, AnswerKind kind, int error, const char *text)
{
        Answer a = { .index = (uint32_t) index, .kind = (uint16_t) kind, .error = (uint16_t) -error,
                     .size = error < 0 ? 0 : (uint32_t) strlen(text) };
        int r = fd_write_all(fd, &a, sizeof(a));

        return r < 0 || a.size == 0 ? r : fd_write_all(fd, text, a.size);
}

/* -ENONET: the host's network. */
static int read_addresses(const Leader *leader, const struct stat *host, char **ret)
{
        struct stat network;
        char path[40];

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/net", leader->pid);
        if (stat(path, &network) < 0)
                return -errno;
        if (network.st_dev == host->st_dev && network.st_ino == host->st_ino)
                return -ENONET;
        return setns(leader->pidfd, CLONE_NEWNET) < 0 ? -errno : local_addresses(ret);
}

static int read_os_release(const Leader *leader, char **ret)
{
        int r = tree_read(leader->root_fd, "/etc/os-release", OS_RELEASE_MAX, ret, NULL);

        return r == -ENOENT ? tree_read(leader->root_fd, "/usr/lib/os-release", OS_RELEASE_MAX, ret, NULL) : r;
}

static int answer_one(const RunningMachine *m, size_t index, const struct stat *host, int fd)
{
        _cleanup_free_ char *addresses = NULL, *os = NULL;
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        int r, error;

        error = leader_open(running_machine_leader(m), &leader, NULL);
        r = error;
        if (error >= 0)
                r = read_addresses(&leader, host, &addresses);
        r = send_answer(fd, index, ANSWER_ADDRESSES, r, addresses);
        if (r < 0)
                return r;
        if (error >= 0)
                error = read_os_release(&leader, &os);
        return send_answer(fd, index, ANSWER_OS, error, os);
}

static int answer_all(const void *question, int fd)
{
        const Question *q = question;
        struct stat host;
        int r = RET_ERRNO(stat("/proc/self/ns/net", &host));

        for (size_t i = q->begin; r >= 0 && i < q->end; i++)
                if (q->machines[i].ours)
                        r = answer_one(&q->machines[i], i, &host, fd);
        return r;
}

/* ---- its caller ----------------------------------------------------------------------------------------------- */

typedef struct Worker {
        Look look;
        Question question;
        char *data;             /* received, and no whole answer yet */
        size_t size;
} Worker;

/* The result of our own look into a machine. */
typedef enum Outcome {
        OUTCOME_NONE,
        OUTCOME_READ,           /* it may have no os-release */
        OUTCOME_FAILED,         /* its process cannot be opened; machined may know more */
} Outcome;

typedef struct Looking {
        const RunningMachine *machines;
        size_t n;
        MachineInside *inside;
        Outcome *outcomes;
        Worker *workers;
        size_t n_workers;
        uint64_t heard_usec;    /* when the last answer came */
        bool split;             /* each machine has a worker */
} Looking;

static void looking_done(Looking *l)
{
        for (size_t i = 0; i < l->n_workers; i++) {
                look_done(&l->workers[i].look);
                free(l->workers[i].data);
        }
        free(l->workers);
        free(l->outcomes);
}

static int parse_os_release(char *text, char ***ret)
{
        char *rest = text, *entry;

        while ((entry = env_file_next(&rest)))
                if (strv_extend(ret, entry) < 0)
                        return -ENOMEM;
        return 0;
}

static int parse_lines(char *text, char ***ret)
{
        char *line;

        while ((line = strsep(&text, "\n")))
                if (*line && strv_extend(ret, line) < 0)
                        return -ENOMEM;
        return 0;
}

/* Not so is a file of the machine that cannot be read: it could block machined (a FIFO). */
static bool is_out_of_reach(int error)
{
        return error == ESRCH || error == EACCES || error == EPERM;
}

static int take_answer(Looking *l, const Answer *a, const char *data)
{
        _cleanup_free_ char *text = NULL;
        MachineInside *inside;

        /* Two workers may answer for a machine. */
        if (a->index >= l->n || l->outcomes[a->index] != OUTCOME_NONE)
                return 0;
        inside = &l->inside[a->index];
        if (a->kind == ANSWER_OS)
                l->outcomes[a->index] = a->error == 0 || !is_out_of_reach(a->error) ? OUTCOME_READ : OUTCOME_FAILED;
        if (a->error != 0 || (a->kind == ANSWER_ADDRESSES && inside->addresses))
                return 0;
        text = strndup(data, a->size);
        if (!text)
                return -ENOMEM;
        return a->kind == ANSWER_OS ? parse_os_release(text, &inside->os) : parse_lines(text, &inside->addresses);
}

static int start_worker(Looking *l, size_t begin, size_t end)
{
        Worker *w = array_append(&l->workers, &l->n_workers, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->question = (Question) { l->machines, begin, end };
        w->look = (Look) LOOK_NULL;
        /* Without a worker, machined is asked. */
        (void) look_start(answer_all, &w->question, -EBADF, &w->look);
        return 0;
}

/* Takes the whole answers out of what a worker has sent. */
static int take_answers(Looking *l, Worker *w)
{
        size_t used = 0;
        Answer a;
        int r = 0;

        while (r >= 0 && w->size - used >= sizeof(a)) {
                memcpy(&a, w->data + used, sizeof(a));
                if (w->size - used - sizeof(a) < a.size)
                        break;
                r = take_answer(l, &a, w->data + used + sizeof(a));
                used += sizeof(a) + a.size;
        }
        memmove(w->data, w->data + used, w->size - used);
        w->size -= used;
        return r;
}

static int hear(Looking *l, Worker *w)
{
        char *data = realloc(w->data, w->size + READ_SIZE);
        ssize_t n;

        if (!data)
                return -ENOMEM;
        w->data = data;
        n = read(w->look.fd, data + w->size, READ_SIZE);
        if (n < 0 && errno == EINTR)
                return 0;
        l->heard_usec = clock_usec(CLOCK_MONOTONIC);
        if (n <= 0) {
                look_done(&w->look);
                return 0;
        }
        w->size += (size_t) n;
        return take_answers(l, w);
}

/* The first worker is held up by the first machine without an answer. */
static int split(Looking *l)
{
        size_t held_up = 0;
        int r = 0;

        l->split = true;
        while (held_up < l->n && (!l->machines[held_up].ours || l->outcomes[held_up] != OUTCOME_NONE))
                held_up++;
        l->workers[0].question.end = held_up + 1;
        for (size_t i = held_up + 1; r >= 0 && i < l->n; i++)
                if (l->machines[i].ours)
                        r = start_worker(l, i, i + 1);
        return r;
}

/* Waits for an answer. 0: there are no workers any more, or it is late; 1: there may be more. */
static int hear_any(Looking *l, uint64_t deadline)
{
        _cleanup_free_ struct pollfd *p = calloc(l->n_workers, sizeof(*p));
        const size_t n = l->n_workers;
        uint64_t now = clock_usec(CLOCK_MONOTONIC), until = deadline;
        bool open = false;
        int r;

        if (!p)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                p[i] = (struct pollfd) { .fd = l->workers[i].look.fd, .events = POLLIN };
                open |= p[i].fd >= 0;
        }
        if (!open || now >= deadline)
                return 0;
        if (!l->split && l->heard_usec + STALLED_USEC < until)
                until = l->heard_usec + STALLED_USEC;
        r = RET_ERRNO(poll(p, n, now < until ? (int) ((until - now) / 1000 + 1) : 0));
        if (r < 0)
                return r == -EINTR ? 1 : r;
        if (r == 0)
                return l->split || clock_usec(CLOCK_MONOTONIC) < until ? 1 : (r = split(l)) < 0 ? r : 1;
        for (size_t i = 0; i < n; i++)
                if (p[i].revents != 0) {
                        r = hear(l, &l->workers[i]);
                        if (r < 0)
                                return r;
                }
        return 1;
}

/* Machines whose workers still wait. */
static void mark_silent(Looking *l)
{
        for (size_t w = 0; w < l->n_workers; w++)
                for (size_t i = l->workers[w].question.begin; i < l->workers[w].question.end; i++)
                        if (l->workers[w].look.fd >= 0 && l->machines[i].ours && l->outcomes[i] == OUTCOME_NONE)
                                l->inside[i].silent = true;
}

static void ask_machined(Ctl *c, sd_bus *bus, const RunningMachine *m, MachineInside *inside)
{
        int r;

        (void) sd_bus_set_method_call_timeout(bus, LOOK_USEC);
        r = machined_os_release(bus, m->name, &inside->os, NULL);
        if (r != -ETIMEDOUT && !inside->addresses)
                r = machined_addresses(bus, m->name, /* ifindex= */ 0, &inside->addresses, NULL);
        (void) sd_bus_set_method_call_timeout(bus, 0);
        if (r == -ETIMEDOUT) {
                inside->silent = true;
                running_machine_machined_is_silent(c);
        }
}

static int look_ourselves(Looking *l)
{
        const uint64_t start = clock_usec(CLOCK_MONOTONIC);
        int r;

        l->heard_usec = start;
        r = start_worker(l, 0, l->n);
        while (r >= 0 && (r = hear_any(l, start + LOOK_USEC)) > 0)
                ;
        mark_silent(l);
        return r;
}

int machines_look_inside(Ctl *c, const RunningMachine *machines, size_t n, MachineInside *ret)
{
        _cleanup_(looking_done) Looking l = { .machines = machines, .n = n, .inside = ret,
                                              .outcomes = calloc(n + 1, sizeof(Outcome)) };
        bool any_ours = false;
        int r = 0;

        for (size_t i = 0; i < n; i++) {
                ret[i] = (MachineInside) { 0 };
                any_ours |= machines[i].ours;
        }
        if (!l.outcomes)
                return -ENOMEM;
        /* Others may not look. */
        if (any_ours && geteuid() == 0)
                r = look_ourselves(&l);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                /* machined would wait for a machine that does not answer, and let all its callers wait. */
                bool ask = machines[i].registered && l.outcomes[i] != OUTCOME_READ && !ret[i].silent && !c->machined_is_silent;
                sd_bus *bus = ask ? ctl_bus(c, NULL) : NULL;

                if (bus)
                        ask_machined(c, bus, &machines[i], &ret[i]);
        }
        return r < 0 ? r : 0;
}
