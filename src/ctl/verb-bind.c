/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl bind, unbind, port, device: settings of one kind in the words that one has for them (ctl/setting-edit.h). A bind into a
 * machine of another manager is made by machined. Root.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bus/machined.h"
#include "config/values.h"
#include "ctl/live.h"
#include "ctl/setting-edit.h"
#include "payload/enter.h"
#include "payload/machine-state.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/tree.h"

static int complain_of(const char *name, int r, const Failure *f)
{
        return r < 0 ? complain(name, f) : 0;
}

static int edit_one(Ctl *c, const char *name, SettingId id, const char *value, bool is_unset, Failure *failure)
{
        _cleanup_(setting_edits_done) SettingEdits edits = { 0 };
        const char *problem = set_value_problem(value);

        if (problem)
                return failure_set(failure, -EINVAL, "%s: %s", value, problem);
        if (setting_edits_add(&edits, settings_table_row(id), NULL, value, is_unset) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        return setting_edits_do(c, name, &edits, failure);
}

/* ---- bind ------------------------------------------------------------------------------------------------------------ */

/* As value_bind() reads it: colons and backslashes are escaped. */
static void put_path(FILE *f, const char *path)
{
        for (; *path; path++) {
                if (strchr(":\\", *path))
                        fputc('\\', f);
                fputc(*path, f);
        }
}

/* /dev has no id maps, and a device needs none. */
static bool is_device(const char *path)
{
        struct stat st;

        return stat(path, &st) >= 0 && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode));
}

static char *bind_value(const Ctl *c, const char *source, const char *dest)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return NULL;
        put_path(f, source);
        fputc(':', f);
        put_path(f, dest);
        /* machined's is not recursive. Without a user namespace, an id map has no effect. */
        fprintf(f, ":%s%s", c->lite ? "norbind" : "rbind", is_device(source) ? "" : ",idmap");
        return memory_stream_take(&m);
}

/* As in machinectl, only --mkdir creates a destination. */
static int check_dest(const Ctl *c, const MachineState *state, const char *dest, Failure *failure)
{
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!c->lite || c->options.mkdir)
                return 0;
        r = leader_open(state->leader, &leader, failure);
        if (r < 0)
                return r;
        fd = tree_open(leader.root_fd, dest, O_PATH);
        return fd >= 0 ? 0 : failure_set(failure, fd, "Failed to find '%s' in the machine: %m; --mkdir creates it", dest);
}

static int bind_ours(Ctl *c, const char *name, const MachineState *state, const char *source, const char *dest, Failure *failure)
{
        _cleanup_free_ char *value = bind_value(c, source, dest);
        int r = check_dest(c, state, dest, failure);

        if (r < 0)
                return r;
        if (!value)
                return failure_set(failure, -ENOMEM, "Out of memory");
        return edit_one(c, name, c->options.read_only ? SETTING_BIND_READ_ONLY : SETTING_BIND, value, false, failure);
}

/* Of another manager, or that does not run. */
static int bind_other(Ctl *c, const char *name, const char *source, const char *dest, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus *bus = ctl_bus(c, failure);
        int r;

        if (!bus)
                return failure->error;
        r = sd_bus_call_method(bus, BUS_MACHINE1, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER, "BindMountMachine", &error, NULL,
                               "sssbb", name, source, dest, c->options.read_only, c->options.mkdir);
        return r < 0 ? bus_failure(failure, r, &error, "bind") : 0;
}

static int bind_one(Ctl *c, char *const *args, Failure *failure)
{
        _cleanup_(machine_state_done) MachineState state = { 0 };
        const char *source = args[1], *dest = args[2] ?: args[1];

        if (source[0] != '/' || dest[0] != '/')
                return failure_set(failure, -EINVAL, "'%s' is not an absolute path", source[0] != '/' ? source : dest);
        if (machine_state_read(NULL, args[0], &state) >= 0 || (!c->lite && c->options.save))
                return bind_ours(c, args[0], &state, source, dest, failure);
        return bind_other(c, args[0], source, dest, failure);
}

static int run_bind(Ctl *c, char *const *args, size_t n)
{
        Failure f = { 0 };

        return complain_of(args[0], bind_one(c, args, &f), &f);
}

/* ---- unbind ---------------------------------------------------------------------------------------------------------- */

static bool has_dest(const SetLine *line, const char *dest)
{
        _cleanup_(settings_done) Settings s;
        char reason[SETTING_REASON_MAX];

        settings_init(&s);
        if (line->row->id != SETTING_BIND && line->row->id != SETTING_BIND_READ_ONLY)
                return false;
        return line->row->parse(line->row, line->value, (Source) { 0 }, &s, reason) >= 0 && s.n_binds == 1 &&
               strcmp(s.binds[0].dest, dest) == 0;
}

static int unbind_dest(Ctl *c, const char *name, const char *dest, Failure *failure)
{
        _cleanup_(setting_edits_done) SettingEdits edits = { 0 };
        _cleanup_(set_lines_done) SetLines lines = { 0 };
        int r;

        r = live_check_root(failure);
        if (r >= 0)
                r = setting_edits_lines(name, &lines, failure);
        for (size_t i = 0; r >= 0 && i < lines.n; i++)
                if (has_dest(&lines.items[i], dest))
                        r = setting_edits_add(&edits, lines.items[i].row, NULL, lines.items[i].value, /* unset= */ true);
        if (r >= 0 && edits.n == 0)
                return failure_set(failure, -ENOENT, "Nothing was bound on '%s' by '%s bind'; what files bind there: "
                                   "%s explain %s Bind", dest, c->program, c->program, name);
        return r < 0 ? r : setting_edits_do(c, name, &edits, failure);
}

static int run_unbind(Ctl *c, char *const *args, size_t n)
{
        Failure f = { 0 };

        return complain_of(args[0], unbind_dest(c, args[0], args[1], &f), &f);
}

/* ---- port, device ---------------------------------------------------------------------------------------------------- */

/* Removes the line that means the same port, as in "80" and "tcp:80:80". */
static bool is_port(const SetLine *line, const PortSetting *port)
{
        _cleanup_(settings_done) Settings s;
        char reason[SETTING_REASON_MAX];

        settings_init(&s);
        return line->row->id == SETTING_PORT && line->row->parse(line->row, line->value, (Source) { 0 }, &s, reason) >= 0 &&
               s.n_ports == 1 && s.ports[0].udp == port->udp && s.ports[0].host_port == port->host_port;
}

static int parse_port(const char *text, Settings *s, Failure *failure)
{
        const SettingRow *row = settings_table_row(SETTING_PORT);
        char reason[SETTING_REASON_MAX] = "";
        int r = row->parse(row, text, (Source) { 0 }, s, reason);

        if (r >= 0 && s->n_ports == 1)
                return 0;
        return failure_set(failure, r < 0 ? r : -EINVAL, "%s: %s", text, *reason ? reason : "not [PROTOCOL:]PORT[:PORT]");
}

static int remove_port(Ctl *c, const char *name, const char *text, Failure *failure)
{
        _cleanup_(setting_edits_done) SettingEdits edits = { 0 };
        _cleanup_(set_lines_done) SetLines lines = { 0 };
        _cleanup_(settings_done) Settings s;
        int r;

        settings_init(&s);
        r = live_check_root(failure);
        if (r >= 0)
                r = parse_port(text, &s, failure);
        if (r >= 0)
                r = setting_edits_lines(name, &lines, failure);
        for (size_t i = 0; r >= 0 && i < lines.n; i++)
                if (is_port(&lines.items[i], &s.ports[0]))
                        r = setting_edits_add(&edits, lines.items[i].row, NULL, lines.items[i].value, /* unset= */ true);
        if (r >= 0 && edits.n == 0)
                return failure_set(failure, -ENOENT, "%s was not added by '%s port'; where it is set: %s explain %s Port", text,
                                   c->program, c->program, name);
        return r < 0 ? r : setting_edits_do(c, name, &edits, failure);
}

static int port(Ctl *c, char *const *args, size_t n)
{
        const char *name = args[0], *what = args[1] ?: "list";
        Failure f = { 0 };

        if (strcmp(what, "list") == 0 && n <= 2)
                return verb_get.run(c, (char *const[]) { (char *) (uintptr_t) name, (char *) (uintptr_t) "Port", NULL }, 2);
        if (strcmp(what, "add") == 0 && n == 3)
                return complain_of(name, edit_one(c, name, SETTING_PORT, args[2], false, &f), &f);
        if (strcmp(what, "remove") == 0 && n == 3)
                return complain_of(name, remove_port(c, name, args[2], &f), &f);
        return log_error(-EINVAL, "port: usage: port NAME add|remove [PROTOCOL:]PORT[:PORT], port NAME list");
}

static int add_device(Ctl *c, const char *name, const char *path, Failure *failure)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *value = NULL;
        FILE *f = memory_stream_open(&m);

        if (strncmp(path, "/dev/", 5) != 0)
                return failure_set(failure, -EINVAL, "'%s' is not a path in /dev", path);
        if (f) {
                put_path(f, path);
                value = memory_stream_take(&m);
        }
        if (!value)
                return failure_set(failure, -ENOMEM, "Out of memory");
        return edit_one(c, name, c->options.read_only ? SETTING_BIND_READ_ONLY : SETTING_BIND, value, false, failure);
}

static int device(Ctl *c, char *const *args, size_t n)
{
        Failure f = { 0 };

        if (strcmp(args[1], "add") == 0)
                return complain_of(args[0], add_device(c, args[0], args[2], &f), &f);
        if (strcmp(args[1], "remove") == 0)
                return complain_of(args[0], unbind_dest(c, args[0], args[2], &f), &f);
        return log_error(-EINVAL, "device: usage: device NAME add|remove PATH");
}

const Verb verb_bind = {
        .name = "bind",
        .min = 2,
        .max = 3,
        .flags = VERB_TAKES_RUNNING,
        .synopsis = "NAME PATH [DEST]",
        .help = "Bind a file or directory of the host into a running machine",
        .details = "With any init, also with a user namespace: files then have the owners in the machine that they have on the "
                   "host. Until the machine stops; with --save for good, with --for=TIME for that time.",
        .example = "boxctl bind web /srv/data /data",
        .run = run_bind,
};

const Verb verb_unbind = {
        .name = "unbind",
        .min = 2,
        .max = 2,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME DEST",
        .help = "Undo 'bind'",
        .details = "Programs that have files of it open keep them.",
        .example = "boxctl unbind web /data",
        .run = run_unbind,
};

const Verb verb_port = {
        .name = "port",
        .min = 1,
        .max = 3,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME [list | add PORT | remove PORT]",
        .help = "Show or change the forwarded ports of a machine",
        .details = "PORT is as in Port= of box.nspawn(5): [PROTOCOL:]PORT[:PORT]. At once, and until the machine stops; "
                   "with --save for good, with --for=TIME for that time.",
        .example = "boxctl port web add 8080:80",
        .columns = get_columns,
        .n_columns = GET_COLUMNS,
        .run = port,
};

const Verb verb_device = {
        .name = "device",
        .min = 3,
        .max = 3,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME add|remove PATH",
        .help = "Give a running machine a device of the host",
        .details = "The node, and the right to use it.",
        .example = "boxctl device web add /dev/fuse",
        .run = device,
};
