/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See machine-storage.h. The supervisor, as root of the host with few capabilities; only root calls these methods. Nothing here
 * comes from the payload.
 */

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/unit-run.h"
#include "run/machine-storage.h"
#include "util/fd.h"
#include "util/print.h"

#define ERROR(name) "io.systemd.MachineInstance." name
#define DEFAULT_PLACE "/run/storage"

enum { ADDED_MAX = 64 };

typedef struct Added {
        char *name;
        char *dest;             /* in the machine */
} Added;

struct MachineStorage {
        const Machine *machine;
        sd_event *event;
        Added items[ADDED_MAX];         /* with room for what is being added: it must be known once it is there */
        size_t n;
        unsigned number;        /* of the next unit */
        UnitRun *run;           /* what is being done; NULL: nothing */
        ControlCall *call;      /* who waits for it; NULL: the client has gone */
        Added pending;
        bool adds;
};

static void added_done(Added *a)
{
        free(a->name);
        free(a->dest);
        *a = (Added) { 0 };
}

int machine_storage_new(const Machine *m, sd_event *event, MachineStorage **ret)
{
        MachineStorage *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (MachineStorage) { .machine = m, .event = event };
        *ret = s;
        return 0;
}

MachineStorage *machine_storage_free(MachineStorage *s)
{
        if (!s)
                return NULL;
        if (s->call)
                control_call_set_data(s->call, NULL, NULL);
        s->run = unit_run_free(s->run);
        for (size_t i = 0; i < s->n; i++)
                added_done(&s->items[i]);
        added_done(&s->pending);
        free(s);
        return NULL;
}

static Added *find(MachineStorage *s, const char *name)
{
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->items[i].name, name) == 0)
                        return &s->items[i];
        return NULL;
}

/* ---- the unit --------------------------------------------------------------------------------------------------------- */

static void record(MachineStorage *s)
{
        Added *old;

        if (s->adds) {
                s->items[s->n++] = s->pending;
                s->pending = (Added) { 0 };
                return;
        }
        old = find(s, s->pending.name);
        added_done(old);
        *old = s->items[--s->n];
}

static void on_done(void *userdata, const Failure *failure)
{
        MachineStorage *s = userdata;
        ControlCall *call = TAKE_PTR(s->call);

        s->run = unit_run_free(s->run);
        if (call)
                control_call_set_data(call, NULL, NULL);
        if (!failure)
                record(s);
        added_done(&s->pending);
        if (call && failure)
                control_reply_failure(call, failure);
        else if (call)
                control_reply(call);
}

static void on_client_gone(void *data)
{
        ((MachineStorage *) data)->call = NULL;
}

/* boxctl stands beside box-run. */
static int find_program(char **ret)
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        if (n < 0)
                return -errno;
        self[n] = '\0';
        return strf(ret, "%.*sboxctl", (int) (strrchr(self, '/') - self) + 1, self);
}

/* Takes s->pending, and runs boxctl with argv, whose first word it sets. */
static int begin(MachineStorage *s, ControlCall *call, bool adds, const char **argv, Failure *failure)
{
        _cleanup_free_ char *unit = NULL, *program = NULL;
        int r = find_program(&program);

        argv[0] = program;
        if (r >= 0)
                r = strf(&unit, "box-storage-%d-%u.service", (int) getpid(), s->number++);
        if (r >= 0)
                r = unit_run_start(s->event, unit, argv, on_done, s, &s->run, failure);
        if (r < 0) {
                added_done(&s->pending);
                return failure_set(failure, r, "Failed to run boxctl: %m");
        }
        s->adds = adds;
        s->call = call;
        control_call_set_data(call, s, on_client_gone);
        return 0;
}

/* ---- the methods ----------------------------------------------------------------------------------------------------- */

static int refuse(ControlCall *call, const char *error, const char *parameter, const char *value)
{
        control_reply_error(call, error, parameter, value);
        return 0;
}

/* The host's path of what the descriptor refers to. */
static int path_of(int fd, char ret[static PATH_MAX], Failure *failure)
{
        struct stat here, there;
        char link[64];
        ssize_t n;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, ret, PATH_MAX - 1);
        ret[n > 0 ? n : 0] = '\0';
        if (ret[0] != '/' || fstat(fd, &here) < 0 || lstat(ret, &there) < 0 || here.st_dev != there.st_dev ||
            here.st_ino != there.st_ino || S_ISLNK(here.st_mode))
                return failure_set(failure, -EINVAL, "The descriptor refers to nothing that has a path on this host");
        return 0;
}

/* "PATH", "PATH:ro", or by default the name. */
static int read_config(const char *config, const char *name, char **ret_dest, bool *ret_read_only)
{
        const char *colon = config ? strrchr(config, ':') : NULL;
        bool ro = colon && strcmp(colon, ":ro") == 0;

        *ret_read_only = ro;
        if (!config || !*config)
                return strf(ret_dest, DEFAULT_PLACE "/%s", name);
        if (config[0] != '/')
                return -EINVAL;
        return strf(ret_dest, "%.*s", (int) (ro ? colon - config : (ssize_t) strlen(config)), config);
}

static bool is_name(const char *name)
{
        return *name && strlen(name) <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int machine_storage_add(MachineStorage *s, ControlCall *call, const JsonNode *parameters, Failure *failure)
{
        const char *name = json_member_string(parameters, "name"), *config = json_member_string(parameters, "config");
        _cleanup_close_ int fd = control_call_take_fd(call, json_member(parameters, "fileDescriptorIndex")->integer);
        char path[PATH_MAX];
        bool read_only;
        int r;

        if (fd < 0)
                return refuse(call, CONTROL_INVALID_PARAMETER, "parameter", "fileDescriptorIndex");
        if (!is_name(name))
                return refuse(call, CONTROL_INVALID_PARAMETER, "parameter", "name");
        if (find(s, name))
                return refuse(call, ERROR("StorageExists"), NULL, NULL);
        if (s->run || s->n >= ADDED_MAX)
                return failure_set(failure, -EBUSY, s->run ? "Another storage is being added or removed" : "Too many storages");
        r = path_of(fd, path, failure);
        if (r < 0)
                return r;
        r = read_config(config, name, &s->pending.dest, &read_only);
        if (r == -EINVAL)
                return refuse(call, ERROR("BadConfig"), NULL, NULL);
        s->pending.name = strdup(name);
        if (r < 0 || !s->pending.name) {
                added_done(&s->pending);
                return -ENOMEM;
        }
        return begin(s, call, /* adds= */ true, (const char *[]) {
                             NULL, "bind", read_only ? "--read-only" : "--quiet", s->machine->name, path,
                             s->pending.dest, NULL,
                     }, failure);
}

int machine_storage_remove(MachineStorage *s, ControlCall *call, const JsonNode *parameters, Failure *failure)
{
        const Added *a = find(s, json_member_string(parameters, "name"));

        if (!a)
                return refuse(call, ERROR("NoSuchStorage"), NULL, NULL);
        if (s->run)
                return failure_set(failure, -EBUSY, "Another storage is being added or removed");
        s->pending = (Added) { strdup(a->name), strdup(a->dest) };
        if (!s->pending.name || !s->pending.dest) {
                added_done(&s->pending);
                return -ENOMEM;
        }
        return begin(s, call, /* adds= */ false, (const char *[]) {
                             NULL, "unbind", s->machine->name, s->pending.dest, NULL,
                     }, failure);
}
