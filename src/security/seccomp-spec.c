/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The filter program for a machine's settings: the built-in one if it is the same, else compiled. Runs in box-run while it plans,
 * without privilege.
 */

#include <string.h>

#include "security/capability.h"
#include "security/seccomp-groups.h"
#include "security/seccomp-table.h"
#include "security/seccomp.h"
#include "util/capability-names.h"

static bool has_words(const char *const *list)
{
        return list && *list;
}

/* Only capabilities that allow calls count: CAP_NET_ADMIN, which depends on the network, is not one. */
static bool spec_is_default(const SeccompSpec *spec)
{
        return !spec->suppress_sync && !spec->host_keyrings && spec->denied_families == 0 &&
               !has_words(spec->allow) && !has_words(spec->deny) &&
               (spec->caps & seccomp_capabilities()) == (capability_default() & seccomp_capabilities());
}

int seccomp_program_make(const SeccompSpec *spec, SeccompProgram *ret, Failure *failure)
{
        struct sock_filter *code = NULL;
        size_t n = 0;
        int r;

        if (spec_is_default(spec)) {
                seccomp_program_builtin(ret);
                return 0;
        }

        r = seccomp_compile(&syscall_table, spec, &code, &n);
        if (r < 0)
                return failure_set(failure, r, "Failed to compile the system call filter: %m");

        *ret = (SeccompProgram) { .code = code, .n = n, .owned = code };
        return 0;
}

static void match_name(const char *name, void *userdata)
{
        const char **wanted = userdata;

        if (*wanted && strcmp(*wanted, name) == 0)
                *wanted = NULL;
}

static const char *list_problem(const char *const *list)
{
        for (; list && *list; list++) {
                const char *wanted = *list;

                if (syscall_group_members(wanted))
                        continue;
                seccomp_each_name(match_name, &wanted);
                if (wanted)
                        return wanted;
        }

        return NULL;
}

const char *seccomp_spec_problem(const SeccompSpec *spec)
{
        const char *problem = list_problem(spec->allow);

        return problem ? problem : list_problem(spec->deny);
}

void seccomp_spec_print(const SeccompSpec *spec, FILE *f)
{
        uint64_t have = spec->caps & seccomp_capabilities(), usual = capability_default() & seccomp_capabilities();

        if (spec_is_default(spec)) {
                fputs("built-in default", f);
                return;
        }

        fputs("compiled: default", f);
        for (unsigned i = 0; i < 64; i++)
                if ((have ^ usual) >> i & 1)
                        fprintf(f, " %c %s's", have >> i & 1 ? '+' : '-', capability_names_get((int) i));
        for (const char *const *s = spec->allow; s && *s; s++)
                fprintf(f, " + %s", *s);
        for (const char *const *s = spec->deny; s && *s; s++)
                fprintf(f, " - %s", *s);
        if (spec->host_keyrings)
                fputs(" - @keyring", f);
        if (spec->suppress_sync)
                fputs(", @sync does nothing", f);
        if (spec->denied_families)
                fputs(", sockets of listed address families only", f);
}
