/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl cp, copy-to, copy-from: files between the host and machines, whatever init they have, running or stopped. As root;
 * for other users, copy-to and copy-from ask machined, where polkit decides.
 */

#include <string.h>
#include <unistd.h>

#include "bus/machined.h"
#include "ctl/copy-stream.h"
#include "util/print.h"

static int check_request(const CopyRequest *q, bool *ret_stream, Failure *failure)
{
        bool machine = q->dest->machine;

        *ret_stream = q->dest->is_stream;
        for (size_t i = 0; i < q->n_sources; i++) {
                machine = machine || q->sources[i].machine;
                *ret_stream = *ret_stream || q->sources[i].is_stream;
        }
        if (!machine)
                return failure_set(failure, -EINVAL, "None of these is in a machine; write NAME:PATH, or use cp(1)");
        if (geteuid() != 0)
                return failure_set(failure, -EPERM, "cp needs root; polkit may allow other users: boxctl copy-to, copy-from");
        return 0;
}

static int cp(Ctl *c, char *const *args, size_t n, CopyPath *paths)
{
        const CopyRequest request = { .sources = paths, .n_sources = n - 1, .dest = paths + n - 1 };
        Failure f = { 0 };
        bool stream;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = copy_path_parse(args[i], paths + i, &f);
        if (r >= 0)
                r = check_request(&request, &stream, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        return stream ? copy_stream_run(c, &request) : copy_run(c, &request);
}

static int run_cp(Ctl *c, char *const *args, size_t n)
{
        _cleanup_free_ CopyPath *paths = calloc(n, sizeof(CopyPath));
        int r;

        if (!paths)
                return log_oom();
        r = cp(c, args, n, paths);
        for (size_t i = 0; i < n; i++)
                copy_path_done(paths + i);
        return r;
}

/* ---- machinectl's verbs ----------------------------------------------------------------------------------- */

static int copy_by_machined(Ctl *c, const char *name, const char *from, const char *to, bool to_machine)
{
        _cleanup_free_ char *host = NULL;
        Failure f = { 0 };
        sd_bus *bus = ctl_bus(c, &f);
        const char *path = to_machine ? from : to;
        int r;

        if (*path != '/') {
                _cleanup_free_ char *cwd = getcwd(NULL, 0);

                if (!cwd || strf(&host, "%s/%s", cwd, path) < 0)
                        return log_oom();
                path = host;
        }
        r = bus ? machined_copy(bus, name, to_machine ? path : from, to_machine ? to : path, to_machine, c->options.force, &f) :
                  f.error;
        return r < 0 ? complain(name, &f) : 0;
}

static int copy_exactly(Ctl *c, char *const *args, size_t n, bool to_machine)
{
        const char *name = args[0], *from = args[1], *to = n > 2 ? args[2] : args[1];
        _cleanup_(copy_path_done) CopyPath source = { 0 }, dest = { 0 };
        const CopyRequest request = { .sources = &source, .n_sources = 1, .dest = &dest, .exact = true };
        Failure f = { 0 };

        if (geteuid() != 0)
                return copy_by_machined(c, name, from, to, to_machine);
        if (copy_path_make(to_machine ? NULL : name, from, &source, &f) < 0 ||
            copy_path_make(to_machine ? name : NULL, to, &dest, &f) < 0)
                return complain(name, &f);
        return copy_run(c, &request);
}

static int run_to(Ctl *c, char *const *args, size_t n)
{
        return copy_exactly(c, args, n, /* to_machine= */ true);
}

static int run_from(Ctl *c, char *const *args, size_t n)
{
        return copy_exactly(c, args, n, /* to_machine= */ false);
}

const Verb verb_cp = {
        .name = "cp",
        .min = 2,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "SOURCE… DESTINATION",
        .help = "Copy files and trees to, from and between machines",
        .details = "A path in a machine is NAME:PATH, any other one is on the host: boxctl cp -q site.conf web:/etc/. Trees are "
                   "copied whole, symbolic links as links; DIR/. is what is in DIR, and - an archive of tar on standard input "
                   "or output. The machine may be stopped. A file that exists is only replaced with --force. The copy belongs "
                   "to root unless both sides have the same users; --archive keeps the owner's number, and set-user-ID bits "
                   "and device nodes that a machine has made. Needs root.",
        .example = "boxctl cp site.conf web:/etc/",
        .run = run_cp,
};

const Verb verb_copy_to = {
        .name = "copy-to",
        .min = 2,
        .max = 3,
        .flags = VERB_AUTHORIZED | VERB_TAKES_RUNNING,
        .synopsis = "NAME PATH [PATH]",
        .help = "Copy a file or tree from the host to a machine",
        .details = "The second path is the copy's own name, and by default the first one: boxctl copy-to web /etc/hosts. A "
                   "directory that exists gets what is missing; --force also replaces files. As root for any machine, running or "
                   "stopped; for other users machined copies, if polkit allows it.",
        .example = "boxctl copy-to web site.conf /etc/",
        .run = run_to,
};

const Verb verb_copy_from = {
        .name = "copy-from",
        .min = 2,
        .max = 3,
        .flags = VERB_AUTHORIZED | VERB_TAKES_RUNNING,
        .synopsis = "NAME PATH [PATH]",
        .help = "Copy a file or tree from a machine to the host",
        .details = "As copy-to in the other direction: boxctl copy-from web /var/log/syslog web.log.",
        .example = "boxctl copy-from web /etc/hostname",
        .run = run_from,
};
