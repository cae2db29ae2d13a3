/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How much of a program stays mapped. For supervisors, of which a host has one a machine for months: they run all of
 * their code within the first second, and a few pages of it from then on. No privilege.
 */

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/memory.h"

/* The pages that lie wholly within a segment that is mapped from its file as it is. */
static int release(struct dl_phdr_info *info, size_t size, void *userdata)
{
        const uintptr_t mask = ~((uintptr_t) sysconf(_SC_PAGESIZE) - 1);

        for (unsigned i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *p = &info->dlpi_phdr[i];
                uintptr_t begin = info->dlpi_addr + p->p_vaddr, end = (begin + p->p_memsz) & mask;

                /* MADV_DONTNEED on a page that was written would bring back the file's: never on a writable segment,
                 * as those of data are, relro's among them. */
                begin = (begin + ~mask) & mask;
                if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && begin < end)
                        (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
        }

        return 0;
}

void memory_release_code(void)
{
        (void) dl_iterate_phdr(release, NULL);
}
