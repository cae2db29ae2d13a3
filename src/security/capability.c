/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Capability sets as masks: the default one, names, the bounding set. Runs in all processes of both programs; only
 * capability_drop_bounding() needs a privilege. Uses no library, for boxctl's sake; capability-apply.c uses libcap.
 */

#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "security/capability.h"
#include "util/capability-names.h"

#define BIT(cap) (UINT64_C(1) << (cap))

/* Without those for resources that no namespace separates (SYS_MODULE, SYS_RAWIO, SYS_TIME, SYSLOG, MAC_*, …). */
static const uint64_t default_set =
        BIT(CAP_AUDIT_CONTROL) | BIT(CAP_AUDIT_WRITE) | BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) |
        BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_IPC_OWNER) | BIT(CAP_KILL) |
        BIT(CAP_LEASE) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_NET_BIND_SERVICE) |
        BIT(CAP_NET_BROADCAST) | BIT(CAP_NET_RAW) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) |
        BIT(CAP_SETUID) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_BOOT) | BIT(CAP_SYS_CHROOT) | BIT(CAP_SYS_NICE) |
        BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_SYS_TTY_CONFIG);

uint64_t capability_default(void)
{
        return default_set;
}

uint64_t capability_all(void)
{
        uint64_t mask = 0;

        /* An error for the first unknown number. */
        for (unsigned cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
                mask |= BIT(cap);

        return mask;
}

CapabilitySets capability_payload(uint64_t caps, uint64_t inheritable, uint64_t ambient, bool root)
{
        uint64_t own = root ? caps : ambient;

        return (CapabilitySets) {
                .bounding = caps,
                .permitted = own,
                .effective = root ? own : 0,    /* of other users: execve() sets it from the ambient set */
                .inheritable = ambient | (caps & inheritable),
                .ambient = ambient,
        };
}

/* A capability without a known name is shown by number. */
static size_t cap_text(unsigned cap, char *buf, size_t size)
{
        const char *name = capability_names_get((int) cap);
        int n;

        n = name ? snprintf(buf, size, "%s ", name) : snprintf(buf, size, "%u ", cap);
        return n < 0 ? 0 : (size_t) n;
}

char *capability_mask_to_text(uint64_t mask)
{
        size_t size = 1, used = 0;
        char *text;

        for (unsigned cap = 0; cap < 64; cap++)
                if (mask & BIT(cap))
                        size += cap_text(cap, NULL, 0);

        text = calloc(size, 1);
        if (!text)
                return NULL;
        for (unsigned cap = 0; cap < 64; cap++)
                if (mask & BIT(cap))
                        used += cap_text(cap, text + used, size - used);
        if (used > 0)
                text[used - 1] = 0;             /* the last space */

        return text;
}

int capability_drop_bounding(uint64_t keep, Failure *failure)
{
        for (unsigned cap = 0; cap < 64; cap++) {
                int r, there;

                if (keep & BIT(cap) || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) >= 0)
                        continue;
                /* It may be gone already, or one that the kernel does not have. */
                r = -errno;
                there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
                if (there < 0)
                        break;
                if (there > 0)
                        return failure_set(failure, r, "Failed to drop capability %u: %m", cap);
        }

        return 0;
}
