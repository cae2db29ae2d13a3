/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading of libsystemd (see libsystemd.h). Any process, no privilege. */

#include <unistd.h>

#include "util/libsystemd.h"
#include "util/log.h"

DL_NOTE(libsystemd_note, "libsystemd.so.0", "required", "systemd", "The bus, the journal and event loops");

const LibSystemd *libsystemd_loaded;

const LibSystemd *libsystemd_load(void)
{
        static LibSystemd library;
        static const char names[] = LIBSYSTEMD_FUNCTIONS(DL_NAME_);
        Failure f = { 0 };

        if (dl_open((void **) &library, "libsystemd.so.0", names, program_invocation_short_name, &f) < 0) {
                log_error(f.error, "%s", f.text);
                _exit(EXIT_FAILURE);
        }
        libsystemd_loaded = &library;
        return &library;
}
