/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading of libraries (see dl.h). Any process, no privilege. */

#include <dlfcn.h>
#include <string.h>

#include "util/dl.h"

int dl_open(void **ret, const char *soname, const char *names, const char *purpose, Failure *failure)
{
        void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

        if (!handle)
                return failure_set(failure, -ENOSYS, "%s needs %s, which is not installed", purpose, soname);
        for (size_t i = 1; *names; i++, names += strlen(names) + 1) {
                ret[i] = dlsym(handle, names);
                if (!ret[i]) {
                        (void) dlclose(handle);
                        return failure_set(failure, -ENOSYS, "%s needs a newer %s: it has no %s()", purpose, soname, names);
                }
        }
        ret[0] = handle;
        return 0;
}

void dl_close(void *handle)
{
        if (handle)
                (void) dlclose(handle);
}
