/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl new: a machine's settings file from a sample. It is written beside its place and linked there, so that it is whole and
 * takes the place of none; it is checked as `check` does it. Needs write access to /etc/systemd/nspawn.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings-source.h"
#include "ctl/dry-run.h"
#include "ctl/file-check.h"
#include "ctl/host-machines.h"
#include "ctl/listing.h"
#include "ctl/samples.h"
#include "ctl/units.h"
#include "util/fd.h"
#include "util/print.h"

#define BOOTSTRAP "/usr/libexec/box/bootstrap/debian"

/* ---- the samples ------------------------------------------------------------------------------------------------ */

static const Column columns[] = {
        { 's', "sample", 0, 0, "Name" },
        { 'a', "about",  0, 0, "What it is for" },
};

static int list_samples(Ctl *c)
{
        _cleanup_(listing_done) Listing l = { 0 };
        Sample *list = NULL;
        Failure f = { 0 };
        size_t n = 0;
        int r;

        r = samples_list(NULL, &list, &n, &f);
        if (r < 0)
                return log_error(r, "%s", f.text);
        r = listing_open(c, &l);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (table_add(l.table, (const char *const[]) { list[i].name, list[i].about }) < 0)
                        r = log_oom();
        samples_free(list, n);
        if (r >= 0)
                r = listing_print(c, &l, 0, NULL);
        return r < 0 ? r : 0;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

typedef struct New {
        const char *name;
        char *target;
        char *temporary;
        const char *tree;               /* NULL: the machine has no tree yet */
        HostSources sources;
        size_t n_fatal;
        bool checked;                   /* with all of the machine, not the file alone */
} New;

static void new_done(New *n)
{
        if (n->temporary)
                (void) unlink(n->temporary);
        free(n->temporary);
        free(n->target);
        host_sources_done(&n->sources);
}

/* Neither takes the place of a file nor hides one. */
static int look_for_others(New *n, Failure *failure)
{
        HostMachine *list = NULL;
        size_t n_list = 0;
        int r = host_sources_read("", NULL, &n->sources);

        if (r >= 0)
                r = host_machines_merge(&n->sources, &list, &n_list);
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        for (size_t i = 0; r >= 0 && i < n_list; i++) {
                if (strcmp(list[i].name, n->name) != 0)
                        continue;
                n->tree = list[i].tree;
                if (list[i].file)
                        r = failure_set(failure, -EEXIST, "It has a settings file, %s; to change it: boxctl edit %s",
                                        list[i].file, n->name);
        }
        host_machines_free(list, n_list);
        return r;
}

static int write_temporary(New *n, const char *text, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (mkdir(SETTINGS_ETC_DIR, 0755) < 0 && errno != EEXIST)
                return failure_set(failure, -errno, "Failed to create %s: %m", SETTINGS_ETC_DIR);
        if (strf(&n->target, "%s/%s.nspawn", SETTINGS_ETC_DIR, n->name) < 0 ||
            strf(&n->temporary, "%s/.#%s.XXXXXX", SETTINGS_ETC_DIR, n->name) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        fd = mkostemp(n->temporary, O_CLOEXEC);
        if (fd < 0) {
                r = failure_set(failure, -errno, "Failed to create a file in %s: %m", SETTINGS_ETC_DIR);
                free(TAKE_PTR(n->temporary));
                return r;
        }
        r = fd_write_all(fd, text, strlen(text));
        if (r >= 0)
                r = RET_ERRNO(fchmod(fd, 0644));
        if (r >= 0)
                r = RET_ERRNO(fsync(fd));
        return r < 0 ? failure_set(failure, r, "Failed to write %s: %m", n->temporary) : 0;
}

/* Things that a sample names and this host has not are to be edited, and no failure. */
static int check(Ctl *c, New *n, Failure *failure)
{
        _cleanup_free_ char *instead = NULL;
        _cleanup_json_ Json *dry = NULL;

        if (strf(&instead, "--read-instead=%s:%s", n->target, n->temporary) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        n->checked = n->tree && dry_run(c, n->name, instead, &dry, NULL) >= 0;
        if (!n->checked)
                return file_check_alone(n->temporary, n->target, n->name, &n->n_fatal, failure);
        n->n_fatal = dry_run_report(n->name, json_root(dry));
        return 0;
}

static int put_in_place(New *n, Failure *failure)
{
        _cleanup_close_ int directory = open(SETTINGS_ETC_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (link(n->temporary, n->target) < 0)
                return failure_set(failure, -errno, "Failed to create %s: %m", n->target);
        if (directory < 0 || fsync(directory) < 0)
                return failure_set(failure, -errno, "Failed to save %s: %m", n->target);
        return 0;
}

static void print_steps(const New *n)
{
        printf("%s was written. Next:\n", n->target);
        printf("  boxctl edit %-16s adapt it%s\n", n->name,
               n->n_fatal > 0 ? ": what this host does not have is named above" : "");
        if (!n->tree)
                printf("  %s %s\n%30sa tree for it, or another one in /var/lib/machines/%s\n", BOOTSTRAP, n->name, "", n->name);
        printf("  boxctl check %-15s is it all right?\n", n->name);
        printf("  boxctl start %-15s and with each boot: boxctl enable %s\n", n->name, n->name);
        printf("  boxctl login %s\n", n->name);
}

static int make(Ctl *c, const char *name, const char *sample, Failure *failure)
{
        _cleanup_(new_done) New n = { .name = name };
        _cleanup_free_ char *text = NULL;
        int r;

        r = name_check(name, /* image= */ false, failure);
        if (r >= 0)
                r = sample_read(NULL, sample, &text, failure);
        if (r >= 0)
                r = look_for_others(&n, failure);
        if (r >= 0)
                r = write_temporary(&n, text, failure);
        if (r >= 0)
                r = check(c, &n, failure);
        if (r >= 0)
                r = put_in_place(&n, failure);
        if (r >= 0 && !c->options.quiet)
                print_steps(&n);
        return r;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        Failure f = { 0 };
        int r;

        if (n == 0)
                return list_samples(c);
        r = n == 1 ? failure_set(&f, -EINVAL, "Which sample? See: boxctl new") : make(c, args[0], args[1], &f);
        return r < 0 ? complain(args[0], &f) : 0;
}

const Verb verb_new = {
        .name = "new",
        .max = 2,
        .flags = VERB_OURS | VERB_TAKES_SAMPLES,
        .synopsis = "[NAME SAMPLE]",
        .help = "Write a machine's settings file from a sample; list the samples",
        .details = "/etc/systemd/nspawn/NAME.nspawn, which must not exist, as a copy of the sample in " BOX_SAMPLES ". It is "
                   "checked; what it names and this host does not have is told, and to be edited. Then the next steps are "
                   "printed.",
        .example = "boxctl new web zone-ports",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .run = run,
};
