/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names and numbers of capabilities (see capability-names.h). A table, because boxctl must not link libcap, and because
 * a name is known whether or not the running kernel has the capability. Any process, no privilege.
 */

#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <strings.h>

#include "util/capability-names.h"
#include "util/parse.h"

#define CAPABILITY(c) [c] = #c

static const char *const names[] = {
        CAPABILITY(CAP_CHOWN),
        CAPABILITY(CAP_DAC_OVERRIDE),
        CAPABILITY(CAP_DAC_READ_SEARCH),
        CAPABILITY(CAP_FOWNER),
        CAPABILITY(CAP_FSETID),
        CAPABILITY(CAP_KILL),
        CAPABILITY(CAP_SETGID),
        CAPABILITY(CAP_SETUID),
        CAPABILITY(CAP_SETPCAP),
        CAPABILITY(CAP_LINUX_IMMUTABLE),
        CAPABILITY(CAP_NET_BIND_SERVICE),
        CAPABILITY(CAP_NET_BROADCAST),
        CAPABILITY(CAP_NET_ADMIN),
        CAPABILITY(CAP_NET_RAW),
        CAPABILITY(CAP_IPC_LOCK),
        CAPABILITY(CAP_IPC_OWNER),
        CAPABILITY(CAP_SYS_MODULE),
        CAPABILITY(CAP_SYS_RAWIO),
        CAPABILITY(CAP_SYS_CHROOT),
        CAPABILITY(CAP_SYS_PTRACE),
        CAPABILITY(CAP_SYS_PACCT),
        CAPABILITY(CAP_SYS_ADMIN),
        CAPABILITY(CAP_SYS_BOOT),
        CAPABILITY(CAP_SYS_NICE),
        CAPABILITY(CAP_SYS_RESOURCE),
        CAPABILITY(CAP_SYS_TIME),
        CAPABILITY(CAP_SYS_TTY_CONFIG),
        CAPABILITY(CAP_MKNOD),
        CAPABILITY(CAP_LEASE),
        CAPABILITY(CAP_AUDIT_WRITE),
        CAPABILITY(CAP_AUDIT_CONTROL),
        CAPABILITY(CAP_SETFCAP),
        CAPABILITY(CAP_MAC_OVERRIDE),
        CAPABILITY(CAP_MAC_ADMIN),
        CAPABILITY(CAP_SYSLOG),
        CAPABILITY(CAP_WAKE_ALARM),
        CAPABILITY(CAP_BLOCK_SUSPEND),
        CAPABILITY(CAP_AUDIT_READ),
        CAPABILITY(CAP_PERFMON),
        CAPABILITY(CAP_BPF),
        CAPABILITY(CAP_CHECKPOINT_RESTORE),
};

_Static_assert(ARRAY_SIZE(names) == CAP_LAST_CAP + 1, "a capability of the kernel headers has no name here");

size_t capability_names_count(void)
{
        return ARRAY_SIZE(names);
}

const char *capability_names_get(int cap)
{
        return cap >= 0 && (size_t) cap < ARRAY_SIZE(names) ? names[cap] : NULL;
}

/* The part after "CAP_", which is optional. */
static const char *stem(const char *name)
{
        return strncasecmp(name, "CAP_", 4) == 0 ? name + 4 : name;
}

int capability_names_find(const char *name, int *ret)
{
        uint32_t number;

        if (parse_u32(name, &number) == 0) {
                if (number >= ARRAY_SIZE(names))
                        return -EINVAL;
                *ret = (int) number;
                return 0;
        }

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcasecmp(stem(names[i]), stem(name)) == 0) {
                        *ret = (int) i;
                        return 0;
                }

        return -EINVAL;
}

const char *capability_names_nearest(const char *name)
{
        unsigned distance = UINT_MAX;
        const char *nearest = NULL, *found = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                text_nearer(stem(name), stem(names[i]), &found, &distance);
                if (found == stem(names[i]))
                        nearest = names[i];
        }
        return nearest;
}
