/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command of a machine's unit (see unit-command.h). Part of boxctl; reads files with its caller's rights. */

#include <fcntl.h>
#include <glob.h>
#include <string.h>

#include "ctl/unit-command.h"
#include "util/env-file.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/strv.h"
#include "util/unit-variables.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

/* A backslash at a line's end joins the next one. */
static void join_lines(char *text)
{
        char *to = text;

        for (const char *p = text; *p; p++)
                if (p[0] == '\\' && p[1] == '\n')
                        p++;
                else
                        *to++ = *p;
        *to = 0;
}

static bool is_name(const char *s)
{
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

        return s[0] && !strchr("0123456789", s[0]) && s[strspn(s, letters)] == 0;
}

static int read_file(const char *path, char ***env)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *entry;
        int r = fd_read_file_at(AT_FDCWD, path, FILE_MAX_BYTES, &text, NULL);

        if (r < 0)
                return r;
        join_lines(text);
        for (rest = text; r >= 0 && (entry = env_file_next(&rest));) {
                char *value = strchr(entry, '=');

                *value++ = 0;
                if (is_name(entry))
                        r = strv_env_set(env, entry, value);
        }
        return r < 0 ? r : 0;
}

static int read_files(const char *pattern, const char *unit, char ***env, Failure *failure)
{
        bool optional = *pattern == '-';
        glob_t found;
        int r = 0;

        /* A pattern that nothing matches is returned as it is. */
        if (glob(pattern + optional, GLOB_NOCHECK, NULL, &found) != 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++) {
                r = read_file(found.gl_pathv[i], env);
                if (r == -EACCES) {
                        log_warning(r, "Failed to read '%s' (EnvironmentFile= of %s), going on without its variables: %m",
                                    found.gl_pathv[i], unit);
                        r = 0;
                } else if (r < 0 && optional)
                        r = 0;
                else if (r < 0)
                        r = failure_set(failure, r, "Failed to read '%s' (EnvironmentFile= of %s), which prevents a start: %m",
                                        found.gl_pathv[i], unit);
        }
        globfree(&found);
        return r;
}

/* An entry of UnsetEnvironment= is a name, or an assignment that is to be taken out as it is. */
static void unset(char **env, const char *entry)
{
        size_t n = strlen(entry);
        char **to = env;

        for (char **e = env; e && *e; e++)
                if (strcmp(*e, entry) == 0 || (!strchr(entry, '=') && strncmp(*e, entry, n) == 0 && (*e)[n] == '='))
                        free(*e);
                else
                        *to++ = *e;
        if (to)
                *to = NULL;
}

int unit_command_complete(UnitCommand *c, const char *unit, Failure *failure)
{
        _cleanup_strv_ char **argv = NULL, **missing = NULL;
        int r = 0;

        STRV_FOREACH(pattern, c->environment_files)
                if (r >= 0)
                        r = read_files(*pattern, unit, &c->environment, failure);
        if (r < 0)
                return r;
        STRV_FOREACH(entry, c->unset)
                unset(c->environment, *entry);
        if (!c->has_variables)
                return 0;

        r = unit_variables_expand(c->argv, c->environment, &argv, &missing);
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        STRV_FOREACH(name, missing)
                log_warning(0, "ExecStart= of %s uses the variable '%s', which is not set: nothing takes its place", unit, *name);
        strv_free(c->argv);
        c->argv = TAKE_PTR(argv);
        return 0;
}
