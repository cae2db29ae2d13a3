/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Architectures by systemd's names (see architecture.h). Data and lookups; no privilege. */

#include <string.h>
#include <sys/personality.h>

#include "util/architecture.h"

#if defined(__x86_64__)
#define NATIVE "x86-64"
#define SECONDARY "x86"
#elif defined(__i386__)
#define NATIVE "x86"
#elif defined(__aarch64__) && defined(__AARCH64EB__)
#define NATIVE "arm64-be"
#define SECONDARY "arm-be"
#elif defined(__aarch64__)
#define NATIVE "arm64"
#define SECONDARY "arm"
#elif defined(__arm__) && defined(__ARMEB__)
#define NATIVE "arm-be"
#elif defined(__arm__)
#define NATIVE "arm"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define NATIVE "ppc64-le"
#define SECONDARY "ppc-le"
#elif defined(__powerpc64__)
#define NATIVE "ppc64"
#define SECONDARY "ppc"
#elif defined(__s390x__)
#define NATIVE "s390x"
#define SECONDARY "s390"
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE "riscv64"
#define SECONDARY "riscv32"
#elif defined(__loongarch64)
#define NATIVE "loongarch64"
#elif defined(__mips64)
#define NATIVE "mips64-le"
#define SECONDARY "mips-le"
#else
#define NATIVE ""
#endif

#ifndef SECONDARY
#define SECONDARY ""
#endif

const char architecture_native[] = NATIVE;
const char architecture_secondary[] = SECONDARY;

int architecture_personality(const char *name, unsigned long *ret)
{
        static const char *const names[] = {
                "alpha", "arc", "arc-be", "arm", "arm-be", "arm64", "arm64-be", "cris", "ia64", "loongarch64", "m68k", "mips",
                "mips-le", "mips64", "mips64-le", "nios2", "parisc", "parisc64", "ppc", "ppc-le", "ppc64", "ppc64-le",
                "riscv32", "riscv64", "s390", "s390x", "sh", "sh64", "sparc", "sparc64", "tilegx", "x86", "x86-64",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (strcmp(names[i], name) != 0)
                        continue;
                if (strcmp(name, architecture_native) == 0)
                        *ret = PER_LINUX;
                else if (strcmp(name, architecture_secondary) == 0)
                        *ret = PER_LINUX32;
                else
                        return -EOPNOTSUPP;
                return 0;
        }

        return -EINVAL;
}
