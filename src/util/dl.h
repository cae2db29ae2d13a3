/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Libraries that are loaded only when they are needed, so that other starts do not pay for them. Each is named in a note of the
 * program's ELF file (https://systemd.io/ELF_DLOPEN_METADATA/), which packagers' tools read. Any process, no privilege.
 */

#include "util/failure.h"

/* The ELF note. priority: "required", "recommended" or "suggested". */
#define DL_NOTE(variable, soname, priority, feature, description) \
        DL_NOTE_(variable, "[{\"feature\":\"" feature "\",\"description\":\"" description "\",\"priority\":\"" priority \
                           "\",\"soname\":[\"" soname "\"]}]")
#define DL_NOTE_(variable, json)                                                                        \
        __attribute__((used, section(".note.dlopen"), aligned(4)))                                      \
        static const struct {                                                                           \
                uint32_t name_size, text_size, type;                                                    \
                char name[sizeof("FDO")];                                                               \
                char text[(sizeof(json) + 3) & ~3UL];                                                   \
        } variable = { sizeof("FDO"), sizeof(json), 0x407c0c0a, "FDO", json }

#define DL_POINTER_(function) typeof(function) *function;
#define DL_NAME_(function) #function "\0"

/*
 * Defines TYPE with a member for each function of the library, named and typed as the header declares it, and
 *
 *     int NAME_open(TYPE *ret, const char *purpose, Failure *failure);
 *     void NAME_close(TYPE *library);
 *
 * FUNCTIONS is a macro that applies its argument to each function. NAME_open() returns -ENOSYS where the library, or one of the
 * functions, is missing: "PURPOSE needs SONAME, which is not installed". NAME_close() also takes a zeroed TYPE.
 */
#define DL_LIBRARY(TYPE, NAME, FUNCTIONS, soname, priority, feature, description)                       \
        DL_NOTE(NAME##_note, soname, priority, feature, description);                                   \
        typedef struct TYPE {                                                                           \
                void *handle;                                                                           \
                FUNCTIONS(DL_POINTER_)                                                                  \
        } TYPE;                                                                                         \
        static int NAME##_open(TYPE *ret, const char *purpose, Failure *failure)                        \
        {                                                                                               \
                return dl_open((void **) ret, soname, FUNCTIONS(DL_NAME_), purpose, failure);           \
        }                                                                                               \
        static void NAME##_close(TYPE *library)                                                         \
        {                                                                                               \
                dl_close(library->handle);                                                              \
        }

/* Fills ret[0] with the library's handle, and the rest with its functions; names are separated by NULs. For DL_LIBRARY. */
int dl_open(void **ret, const char *soname, const char *names, const char *purpose, Failure *failure);
void dl_close(void *handle);
