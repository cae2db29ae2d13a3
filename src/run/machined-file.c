/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads machined's file of a machine (see machined-file.h). The supervisor and --cleanup, as root of the host. Silent.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "run/machined-file.h"
#include "util/env-file.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"

enum { FILE_MAX = 64 * 1024 };

static int take_field(MachinedFile *f, const char *entry)
{
        uint32_t leader;

        if (strncmp(entry, "SERVICE=", 8) == 0)
                return free_and_strdup(&f->service, entry + 8);
        if (strncmp(entry, "ROOT=", 5) == 0)
                return free_and_strdup(&f->root, entry + 5);
        if (strncmp(entry, "LEADER=", 7) == 0 && parse_u32(entry + 7, &leader) >= 0)
                f->leader = (pid_t) leader;
        return 0;
}

int machined_file_read(const char *name, MachinedFile *ret)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        char *rest, *entry;
        int r;

        *ret = (MachinedFile) {};
        r = strf(&path, MACHINED_DIR "/%s", name);
        if (r >= 0)
                r = fd_read_file_at(AT_FDCWD, path, FILE_MAX, &text, NULL);
        if (r < 0)
                return r;
        rest = text;
        while (r >= 0 && (entry = env_file_next(&rest)))
                r = take_field(ret, entry);
        if (r < 0)
                machined_file_done(ret);
        return r < 0 ? r : 0;
}

void machined_file_done(MachinedFile *f)
{
        free(f->service);
        free(f->root);
        *f = (MachinedFile) {};
}
