/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs while box is built, with no privilege, and is not installed: writes seccomp-default.c, which holds the numbers of all
 * system calls that libseccomp knows for the machine's architectures, and the default filter's program. So a start does not
 * compile it, and nothing that is installed needs libseccomp.
 *
 *     seccomp-build CPU-FAMILY [MORE] > seccomp-default.c
 *
 * MORE: calls that the supervisor's filter allows, too; of the sanitizers' runtime.
 */

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "security/capability.h"
#include "security/seccomp-table.h"

/* meson's names; the architectures whose programs a kernel of that kind runs, its own first. */
static const struct {
        const char *family;
        uint32_t arches[SYSCALL_ARCHES_MAX];    /* libseccomp's tokens */
        const char *names[SYSCALL_ARCHES_MAX];  /* the OCI specification's, in small letters */
} families[] = {
        { "x86_64", { SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32 }, { "x86_64", "x86", "x32" } },
        { "x86", { SCMP_ARCH_X86 }, { "x86" } },
        { "aarch64", { SCMP_ARCH_AARCH64, SCMP_ARCH_ARM }, { "aarch64", "arm" } },
        { "arm", { SCMP_ARCH_ARM }, { "arm" } },
        { "ppc64", { SCMP_ARCH_PPC64LE }, { "ppc64le" } },
        { "riscv64", { SCMP_ARCH_RISCV64 }, { "riscv64" } },
        { "s390x", { SCMP_ARCH_S390X, SCMP_ARCH_S390 }, { "s390x", "s390" } },
};

typedef struct Names {
        SyscallName rows[1024];
        size_t n;
        const uint32_t *arches;
        unsigned n_arches;
} Names;

/* A call that an architecture also has behind a multiplexer (socketcall on x86) is resolved to a number of libseccomp's
 * own; the real one is then found by looking it up backwards. */
static uint32_t number_of(uint32_t arch, const char *name)
{
        int number = seccomp_syscall_resolve_name_arch(arch, name);

        if (number >= 0)
                return (uint32_t) number;
        if (number == __NR_SCMP_ERROR)
                return SYSCALL_NO_NUMBER;

        for (int i = 0; i < 1024; i++) {
                char *found = seccomp_syscall_resolve_num_arch(arch, i);
                bool same = found && strcmp(found, name) == 0;

                free(found);
                if (same)
                        return (uint32_t) i;
        }

        return SYSCALL_NO_NUMBER;
}

static bool is_multiplexed(const Names *names, unsigned arch, const char *name)
{
        int number = arch < names->n_arches ? seccomp_syscall_resolve_name_arch(names->arches[arch], name) : __NR_SCMP_ERROR;

        return number < -1 && number > -1000;   /* libseccomp's own numbers for these */
}

/* One that is only behind a multiplexer, such as semop() on x86, has a row without numbers. */
static void add_name(const char *name, void *userdata)
{
        Names *names = userdata;
        SyscallName *row = &names->rows[names->n];
        bool any = false;

        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->rows[i].name, name) == 0)
                        return;
        if (names->n == ARRAY_SIZE(names->rows) || strlen(name) >= sizeof(row->name)) {
                fprintf(stderr, "seccomp-build: the table has no room for '%s'\n", name);
                exit(EXIT_FAILURE);
        }

        *row = (SyscallName) {};
        for (unsigned a = 0; a < SYSCALL_ARCHES_MAX; a++) {
                row->number[a] = a < names->n_arches ? number_of(names->arches[a], name) : SYSCALL_NO_NUMBER;
                any = any || row->number[a] != SYSCALL_NO_NUMBER || is_multiplexed(names, a, name);
        }
        if (!any)
                return;

        memcpy(row->name, name, strlen(name));
        names->n++;
}

/* All that libseccomp knows, also what no group names: filters of OCI bundles may. */
static void add_numbers(Names *names)
{
        for (unsigned a = 0; a < names->n_arches; a++)
                for (uint32_t i = 0; i < 1024; i++) {
                        uint32_t number = i | (names->arches[a] == SCMP_ARCH_X32 ? SYSCALL_X32_BIT : 0);
                        char *name = seccomp_syscall_resolve_num_arch(names->arches[a], (int) number);

                        if (name)
                                add_name(name, names);
                        free(name);
                }
}

static int compare_rows(const void *a, const void *b)
{
        return strcmp(((const SyscallName *) a)->name, ((const SyscallName *) b)->name);
}

static void print_table(const SyscallTable *table)
{
        printf("static const SyscallName names[] = {\n");
        for (size_t i = 0; i < table->n_names; i++) {
                printf("        { \"%s\", {", table->names[i].name);
                for (unsigned a = 0; a < SYSCALL_ARCHES_MAX; a++)
                        printf(" 0x%x%s", table->names[i].number[a], a + 1 < SYSCALL_ARCHES_MAX ? "," : " } },\n");
        }
        printf("};\n\nconst SyscallTable syscall_table = {\n        .arch = {");
        for (unsigned a = 0; a < table->n_arches; a++)
                printf(" 0x%x,", table->arch[a]);
        printf(" },\n        .arch_name = {");
        for (unsigned a = 0; a < table->n_arches; a++)
                printf(" \"%s\",", table->arch_name[a]);
        printf(" },\n        .n_arches = %u,\n        .names = names,\n        .n_names = ARRAY_SIZE(names),\n};\n\n",
               table->n_arches);
}

static void print_program(const char *name, const struct sock_filter *code, size_t n)
{
        printf("const struct sock_filter seccomp_%s_code[] = {\n", name);
        for (size_t i = 0; i < n; i++)
                printf("        { 0x%x, %u, %u, 0x%x },\n", code[i].code, code[i].jt, code[i].jf, code[i].k);
        printf("};\n\nconst size_t seccomp_%s_n = ARRAY_SIZE(seccomp_%s_code);\n\n", name, name);
}

static int write_source(const uint32_t *arches, const char *const *arch_names, unsigned n_arches, const char *more)
{
        static Names names;
        const SeccompSpec spec = { .caps = capability_default() };
        SyscallTable table = { .n_arches = n_arches };
        struct sock_filter *code, *own = NULL;
        size_t n, n_own;
        int r;

        names.arches = arches;
        names.n_arches = n_arches;
        seccomp_each_name(add_name, &names);
        add_numbers(&names);
        qsort(names.rows, names.n, sizeof(names.rows[0]), compare_rows);

        table.names = names.rows;
        table.n_names = names.n;
        /* libseccomp's tokens are the kernel's, but for x32, which has x86-64's and marked numbers. */
        for (unsigned a = 0; a < n_arches; a++) {
                table.arch[a] = arches[a] == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : arches[a];
                table.arch_name[a] = arch_names[a];
        }

        r = seccomp_compile(&table, &spec, &code, &n);
        if (r >= 0)
                r = seccomp_compile_supervisor(&table, more, &own, &n_own);
        if (r < 0) {
                fprintf(stderr, "seccomp-build: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }

        printf("/* Written by seccomp-build from what libseccomp %u.%u.%u knows. */\n\n"
               "#include \"security/seccomp-table.h\"\n\n",
               seccomp_version()->major, seccomp_version()->minor, seccomp_version()->micro);
        print_table(&table);
        print_program("default", code, n);
        print_program("supervisor", own, n_own);
        free(code);
        free(own);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
        uint32_t native = seccomp_arch_native();
        const char *native_name = "native", *more = argc >= 3 ? argv[2] : "";

        for (size_t i = 0; argc >= 2 && i < ARRAY_SIZE(families); i++) {
                unsigned n = 0;

                if (strcmp(families[i].family, argv[1]) != 0)
                        continue;
                while (n < SYSCALL_ARCHES_MAX && families[i].arches[n] != 0)
                        n++;
                return write_source(families[i].arches, families[i].names, n, more);
        }

        /* Another kind of machine: its own calls only. */
        return write_source(&native, &native_name, 1, more);
}
