/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See copy-path.h. Part of boxctl; silent; no privilege. */

#include <string.h>

#include "ctl/copy-path.h"
#include "image/machine-name.h"

void copy_path_done(CopyPath *p)
{
        free(p->machine);
        free(p->path);
        *p = (CopyPath) { 0 };
}

int copy_path_make(const char *machine, const char *path, CopyPath *ret, Failure *failure)
{
        const bool host = !machine || strcmp(machine, ".host") == 0;
        const char *problem = host ? NULL : machine_name_problem(machine);
        CopyPath p = { 0 };

        if (problem)
                return failure_set(failure, -EINVAL, "Invalid machine name '%s': %s; a file of the host with a colon in its name "
                                   "is written ./NAME", machine, problem);
        if (host && !*path)
                return failure_set(failure, -EINVAL, "The path is empty");
        p.machine = host ? NULL : strdup(machine);
        p.path = strdup(*path ? path : "/");
        if ((!host && !p.machine) || !p.path) {
                copy_path_done(&p);
                return failure_set(failure, -ENOMEM, "Out of memory");
        }
        *ret = p;
        return 0;
}

int copy_path_parse(const char *word, CopyPath *ret, Failure *failure)
{
        const size_t n = strcspn(word, ":/");
        _cleanup_free_ char *machine = NULL;
        int r;

        if (word[n] != ':' || n == 0) {
                r = copy_path_make(NULL, word, ret, failure);
                if (r >= 0)
                        ret->is_stream = strcmp(word, "-") == 0;
                return r;
        }
        machine = strndup(word, n);
        return machine ? copy_path_make(machine, word + n + 1, ret, failure) : failure_set(failure, -ENOMEM, "Out of memory");
}

int copy_path_split(const char *path, char **ret_directory, char **ret_name)
{
        size_t end = strlen(path), begin;
        bool whole;

        while (end > 1 && path[end - 1] == '/')
                end--;
        for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
                ;
        whole = begin == end || (end - begin <= 2 && strspn(path + begin, ".") >= end - begin);

        *ret_directory = whole ? strdup(path) : begin == 0 ? strdup(".") : strndup(path, begin);
        *ret_name = whole ? strdup("") : strndup(path + begin, end - begin);
        if (*ret_directory && *ret_name)
                return 0;
        free(TAKE_PTR(*ret_directory));
        free(TAKE_PTR(*ret_name));
        return -ENOMEM;
}
