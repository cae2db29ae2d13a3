/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks a settings file without its machine (see file-check.h). Part of boxctl, with its caller's rights. */

#include "config/nspawn-file.h"
#include "config/settings-source.h"
#include "config/specifiers.h"
#include "ctl/file-check.h"
#include "util/log.h"

void file_check_log(bool fatal, const char *text)
{
        if (fatal)
                (void) log_error(0, "%s", text);
        else
                log_warning(0, "%s", text);
}

int file_check_alone(const char *path, const char *shown, const char *machine, size_t *ret_fatal, Failure *failure)
{
        _cleanup_(assignments_done) Assignments assignments = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;
        int r;

        settings_init(&s);
        r = nspawn_file_read(path, shown, /* trusted= */ true, &assignments, &problems);
        if (r >= 0)
                r = specifiers_apply(&(SpecifierFacts) { .machine = machine }, &assignments, &problems);
        if (r >= 0)
                r = assignments_apply(&assignments, NULL, &s, &problems);
        if (r < 0)
                return failure_set(failure, r, "Failed to check %s: %m", shown);

        for (size_t i = 0; i < problems.n; i++)
                file_check_log(problems.items[i].fatal, problems.items[i].text);
        *ret_fatal = problems.n_fatal;
        return 0;
}
