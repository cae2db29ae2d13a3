/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Memory of long-running processes (see memory.h): a host has a supervisor for each machine, for months. It runs most
 * of its code in the first second only. No privilege.
 */

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/macro.h"
#include "util/memory.h"

/* Releases the pages of the read-only segments of a file; no two segments share one. One of them has the headers that describe
 * them. */
_steady_ static int release(struct dl_phdr_info *info, size_t size, void *userdata)
{
        const uintptr_t offset = (uintptr_t) sysconf(_SC_PAGESIZE) - 1;
        struct { uintptr_t begin, end; } found[8];
        size_t n = 0;

        for (unsigned i = 0; i < info->dlpi_phnum && n < ARRAY_SIZE(found); i++) {
                const ElfW(Phdr) *p = &info->dlpi_phdr[i];
                uintptr_t begin = info->dlpi_addr + p->p_vaddr;

                /* Never a writable segment (data, relro): MADV_DONTNEED would bring back the file's contents. */
                if (p->p_type == PT_LOAD && !(p->p_flags & PF_W)) {
                        found[n].begin = begin & ~offset;
                        found[n++].end = (begin + p->p_memsz + offset) & ~offset;
                }
        }
        for (size_t i = 0; i < n; i++)
                (void) madvise((void *) found[i].begin, found[i].end - found[i].begin, MADV_DONTNEED);
        return 0;
}

_steady_ void memory_release_code(void)
{
        (void) dl_iterate_phdr(release, NULL);
}
