/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of address families (see address-family.h). Any process; pure. */

#include <string.h>
#include <sys/socket.h>

#include "util/address-family.h"

#define FAMILY(name) { #name, name }

static const struct { const char *name; int family; } families[] = {
        FAMILY(AF_UNIX), FAMILY(AF_LOCAL), FAMILY(AF_INET), FAMILY(AF_INET6), FAMILY(AF_NETLINK), FAMILY(AF_PACKET),
        FAMILY(AF_ALG), FAMILY(AF_APPLETALK), FAMILY(AF_ASH), FAMILY(AF_ATMPVC), FAMILY(AF_ATMSVC), FAMILY(AF_AX25),
        FAMILY(AF_BLUETOOTH), FAMILY(AF_BRIDGE), FAMILY(AF_CAIF), FAMILY(AF_CAN), FAMILY(AF_DECnet), FAMILY(AF_ECONET),
        FAMILY(AF_IB), FAMILY(AF_IEEE802154), FAMILY(AF_IPX), FAMILY(AF_IRDA), FAMILY(AF_ISDN), FAMILY(AF_IUCV), FAMILY(AF_KCM),
        FAMILY(AF_KEY), FAMILY(AF_LLC), FAMILY(AF_MPLS), FAMILY(AF_NETBEUI), FAMILY(AF_NETROM), FAMILY(AF_NFC),
        FAMILY(AF_PHONET), FAMILY(AF_PPPOX), FAMILY(AF_QIPCRTR), FAMILY(AF_RDS), FAMILY(AF_ROSE), FAMILY(AF_ROUTE),
        FAMILY(AF_RXRPC), FAMILY(AF_SECURITY), FAMILY(AF_SMC), FAMILY(AF_SNA), FAMILY(AF_TIPC), FAMILY(AF_VSOCK),
        FAMILY(AF_WANPIPE), FAMILY(AF_X25), FAMILY(AF_XDP), { "AF_MCTP", 45 },
};

int address_family_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                if (strcmp(families[i].name, name) == 0)
                        return families[i].family;
        return -EINVAL;
}

const char *address_family_name(unsigned family)
{
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                if ((unsigned) families[i].family == family)
                        return families[i].name;
        return NULL;
}
