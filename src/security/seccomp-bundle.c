/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See seccomp-bundle.h. The supervisor, while planning; it has no effect on the process. */

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "security/seccomp-bundle.h"
#include "util/dl.h"
#include "util/fd.h"
#include "util/strv.h"

/* A condition a number of an argument: the kernel's system calls have six. */
enum { ARGS = 6 };

#define SECCOMP_FUNCTIONS(F)                                                                            \
        F(seccomp_init) F(seccomp_release) F(seccomp_arch_add) F(seccomp_arch_resolve_name)             \
        F(seccomp_syscall_resolve_name) F(seccomp_rule_add_array) F(seccomp_export_bpf)

#define DECLARE(name) typeof(&name) name;

typedef struct Libseccomp {
        void *handle;
        SECCOMP_FUNCTIONS(DECLARE)
        scmp_filter_ctx context;
} Libseccomp;

DL_NOTE(libseccomp_note, "libseccomp.so.2", "recommended", "bundles", "System call filters of OCI bundles");

static void libseccomp_close(Libseccomp *l)
{
        if (l->context)
                l->seccomp_release(l->context);
        dl_close(l->handle);
}

static uint32_t action_code(OciAction action, unsigned value)
{
        switch (action) {
        case OCI_ALLOW:
                return SCMP_ACT_ALLOW;
        case OCI_ERRNO:
                return SCMP_ACT_ERRNO(value);
        case OCI_LOG:
                return SCMP_ACT_LOG;
        case OCI_KILL_THREAD:
                return SCMP_ACT_KILL_THREAD;
        case OCI_TRAP:
                return SCMP_ACT_TRAP;
        case OCI_TRACE:
                return SCMP_ACT_TRACE(value);
        default:
                return SCMP_ACT_KILL_PROCESS;
        }
}

static struct scmp_arg_cmp comparison(const OciSeccompArg *a)
{
        static const enum scmp_compare ops[] = {
                [OCI_NE] = SCMP_CMP_NE, [OCI_LT] = SCMP_CMP_LT, [OCI_LE] = SCMP_CMP_LE, [OCI_EQ] = SCMP_CMP_EQ,
                [OCI_GE] = SCMP_CMP_GE, [OCI_GT] = SCMP_CMP_GT, [OCI_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
        };

        return (struct scmp_arg_cmp) { a->index, ops[a->op], a->value, a->value_two };
}

/* Two conditions on one argument are alternatives, each a rule of its own: libseccomp has no "and" for them, and runc reads
 * them like this. */
static bool has_alternatives(const OciSeccompRule *rule)
{
        unsigned seen = 0;

        for (size_t i = 0; i < rule->n_args; i++) {
                if (seen & 1U << rule->args[i].index)
                        return true;
                seen |= 1U << rule->args[i].index;
        }
        return false;
}

static int add_call(const Libseccomp *l, const OciSeccompRule *rule, int number, uint32_t action)
{
        struct scmp_arg_cmp args[ARGS];
        int r = 0;

        if (has_alternatives(rule)) {
                for (size_t i = 0; r >= 0 && i < rule->n_args; i++) {
                        args[0] = comparison(&rule->args[i]);
                        r = l->seccomp_rule_add_array(l->context, action, number, 1, args);
                }
                return r;
        }

        for (size_t i = 0; i < rule->n_args; i++)
                args[i] = comparison(&rule->args[i]);
        return l->seccomp_rule_add_array(l->context, action, number, (unsigned) rule->n_args, args);
}

static int add_rule(const Libseccomp *l, const OciSeccomp *s, const OciSeccompRule *rule, Failure *failure)
{
        uint32_t action = action_code(rule->action, rule->value);
        char source[SOURCE_TEXT_MAX];

        if (action == action_code(s->default_action, s->default_value))
                return 0;               /* it would be so without it, and libseccomp takes it for a mistake */
        STRV_FOREACH(name, rule->names) {
                int number = l->seccomp_syscall_resolve_name(*name), r;

                if (number == __NR_SCMP_ERROR)
                        continue;
                r = add_call(l, rule, number, action);
                if (r < 0)
                        return failure_set(failure, r, "%s: Failed to add system call '%s' to the filter: %m",
                                           source_text(rule->from, source), *name);
        }
        return 0;
}

static int add_architecture(const Libseccomp *l, const OciSeccomp *s, const char *name, Failure *failure)
{
        uint32_t token = l->seccomp_arch_resolve_name(name);
        char source[SOURCE_TEXT_MAX];
        int r = token == 0 ? -EINVAL : l->seccomp_arch_add(l->context, token);

        if (r < 0 && r != -EEXIST)
                return failure_set(failure, r, "%s: Failed to add architecture '%s' to the filter: %m",
                                   source_text(s->from, source), name);
        return 0;
}

/* By a file in memory: the way that all versions of the library have. */
static int export_program(const Libseccomp *l, SeccompProgram *ret)
{
        _cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
        char *bytes = NULL;
        size_t size = 0;
        int r;

        if (fd < 0)
                return -errno;
        r = l->seccomp_export_bpf(l->context, fd);
        if (r >= 0)
                r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
        if (r >= 0)
                r = fd_read_all(fd, BPF_MAXINSNS * sizeof(struct sock_filter), &bytes, &size);
        if (r < 0)
                return r;
        *ret = (SeccompProgram) {
                .code = (const struct sock_filter *) (void *) bytes,
                .n = size / sizeof(struct sock_filter),
                .owned = bytes,
        };
        return 0;
}

int seccomp_bundle_make(const OciSeccomp *s, SeccompProgram *ret, Failure *failure)
{
        _cleanup_(libseccomp_close) Libseccomp l = {};
        int r;

        r = dl_open(&l.handle, "libseccomp.so.2", SECCOMP_FUNCTIONS(DL_NAME_), "The bundle's system call filter", failure);
        if (r < 0)
                return r;
        l.context = l.seccomp_init(action_code(s->default_action, s->default_value));
        if (!l.context)
                return failure_set(failure, -ENOMEM, "Failed to begin the bundle's system call filter: %m");

        STRV_FOREACH(name, s->architectures) {
                r = add_architecture(&l, s, *name, failure);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < s->n_rules; i++) {
                r = add_rule(&l, s, &s->rules[i], failure);
                if (r < 0)
                        return r;
        }
        r = export_program(&l, ret);
        return r < 0 ? failure_set(failure, r, "Failed to make the bundle's system call filter: %m") : 0;
}
