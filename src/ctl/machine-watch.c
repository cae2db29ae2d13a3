/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Events of machines (see machine-watch.h). Part of boxctl; any user. A machine's directory appears before its socket listens: a
 * connection that is refused is tried again when something changes in the directory.
 */

#include <dirent.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "control/client.h"
#include "ctl/machine-watch.h"
#include "image/machine-name.h"
#include "payload/machine-state.h"
#include "util/clock.h"
#include "util/fd.h"

#define RUN_BOX "/run/box"
#define SEND_USEC (5 * USEC_PER_SEC)

typedef struct Watched Watched;
struct Watched {
        MachineWatch *all;
        Watched *next;
        char *name;
        int directory;          /* inotify's; -1: none */
        ControlClient *client;  /* NULL: not connected */
        sd_event_source *source;
        bool came;              /* since we watch: it was not there when we began */
        bool last;              /* its last event has come */
};

struct MachineWatch {
        sd_event *event;
        int inotify_fd, root, parent;
        sd_event_source *source, *begin;
        MachineWatchFunction f;
        void *userdata;
        Watched *first;
};

static void tell(const Watched *m, const char *event, const char *state, uint64_t usec)
{
        const MachineEvent e = { m->name, event, state, usec };

        m->all->f(&e, m->all->userdata);
}

static void disconnect(Watched *m)
{
        m->source = sd_event_source_disable_unref(m->source);
        m->client = control_client_free(m->client);
}

/* ---- one machine ------------------------------------------------------------------------------------------------ */

static void take_reply(Watched *m, const ControlReply *reply)
{
        const char *event = json_member_string(reply->parameters, "event");
        const char *state = json_member_string(reply->parameters, "state");
        const JsonNode *usec = json_member(reply->parameters, "usec");

        if (reply->error || !event)
                return;
        m->last = !reply->continues;
        /* It was ready before we had connected. */
        if (m->came && strcmp(event, "subscribed") == 0 && state && strcmp(state, "running") == 0)
                event = "ready";
        tell(m, event, state ?: "", usec && usec->integral ? (uint64_t) usec->integer : clock_usec(CLOCK_REALTIME));
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Watched *m = userdata;
        int r;

        for (;;) {
                _cleanup_reply_ ControlReply reply = {};

                r = control_client_receive(m->client, 0, &reply);
                if (r < 0)
                        break;
                take_reply(m, &reply);
        }
        if (r == -ETIMEDOUT)
                return 0;
        disconnect(m);
        if (!m->last)
                tell(m, "died", "", clock_usec(CLOCK_REALTIME));
        return 0;
}

static void connect_machine(Watched *m)
{
        _cleanup_free_ char *path = NULL;
        Json *call;

        if (m->client || machine_state_path(NULL, m->name, "control", &path) < 0 ||
            control_client_open(path, &m->client) < 0)
                return;
        m->last = false;
        if (control_call_begin("io.box.Machine.Subscribe", CONTROL_CALL_MORE, &call, NULL) < 0 ||
            control_client_send(m->client, call, NULL, 0, SEND_USEC) < 0 ||
            sd_event_add_io(m->all->event, &m->source, control_client_fd(m->client), EPOLLIN, on_answer, m) < 0)
                disconnect(m);
}

static void watch_machine(MachineWatch *w, const char *name, bool came)
{
        _cleanup_free_ char *path = NULL;
        Watched *m = w->first;

        if (machine_name_problem(name) || machine_state_path(NULL, name, "", &path) < 0)
                return;
        while (m && strcmp(m->name, name) != 0)
                m = m->next;
        if (!m) {
                m = calloc(1, sizeof(*m));
                if (!m)
                        return;
                *m = (Watched) { .all = w, .next = w->first, .name = strdup(name), .directory = -1 };
                if (!m->name) {
                        free(m);
                        return;
                }
                w->first = m;
        }
        m->came = came;
        m->directory = inotify_add_watch(w->inotify_fd, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
        connect_machine(m);
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

/* Before the machines are listed: none is missed. */
static void watch_all(MachineWatch *w)
{
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *entry;

        w->root = inotify_add_watch(w->inotify_fd, RUN_BOX, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
        d = opendir(RUN_BOX);
        while (d && (entry = readdir(d)))
                if (*entry->d_name != '.')
                        watch_machine(w, entry->d_name, /* came= */ false);
}

static void take_inotify(MachineWatch *w, const struct inotify_event *e)
{
        if (e->wd == w->parent && e->len > 0 && strcmp(e->name, "box") == 0)
                watch_all(w);
        if (e->wd == w->root && e->len > 0 && *e->name != '.')
                watch_machine(w, e->name, /* came= */ true);
        for (Watched *m = w->first; m; m = m->next) {
                if (m->directory != e->wd)
                        continue;
                if (e->mask & IN_IGNORED)
                        m->directory = -1;
                else
                        connect_machine(m);
        }
}

static int on_inotify(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        _Alignas(struct inotify_event) char buf[16 * 1024];
        MachineWatch *w = userdata;
        ssize_t n;

        while ((n = read(fd, buf, sizeof(buf))) > 0)
                for (char *p = buf; p < buf + n; p += sizeof(struct inotify_event) + ((struct inotify_event *) p)->len)
                        take_inotify(w, (struct inotify_event *) p);
        return 0;
}

static int on_begin(sd_event_source *s, void *userdata)
{
        watch_all(userdata);
        return 0;
}

int machine_watch_new(sd_event *event, MachineWatchFunction f, void *userdata, MachineWatch **ret, Failure *failure)
{
        _cleanup_(machine_watch_freep) MachineWatch *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return failure_set(failure, -ENOMEM, "Out of memory");
        *w = (MachineWatch) { .event = sd_event_ref(event), .root = -1, .f = f, .userdata = userdata };
        w->inotify_fd = RET_ERRNO(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (w->inotify_fd < 0)
                return failure_set(failure, w->inotify_fd, "Failed to watch " RUN_BOX ": %m (see fs.inotify in sysctl)");
        w->parent = inotify_add_watch(w->inotify_fd, "/run", IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
        r = w->parent < 0 ? -errno : sd_event_add_io(event, &w->source, w->inotify_fd, EPOLLIN, on_inotify, w);
        if (r >= 0)
                r = sd_event_add_defer(event, &w->begin, on_begin, w);
        if (r < 0)
                return failure_set(failure, r, "Failed to watch " RUN_BOX ": %m");
        *ret = TAKE_PTR(w);
        return 0;
}

MachineWatch *machine_watch_free(MachineWatch *w)
{
        if (!w)
                return NULL;
        while (w->first) {
                Watched *m = w->first;

                w->first = m->next;
                disconnect(m);
                free(m->name);
                free(m);
        }
        sd_event_source_disable_unref(w->source);
        sd_event_source_disable_unref(w->begin);
        fd_close(w->inotify_fd);
        sd_event_unref(w->event);
        free(w);
        return NULL;
}
