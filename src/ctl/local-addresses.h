/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The IP addresses of the caller's network namespace, as systemd-machined lists a machine's: without those that are deprecated,
 * not known to be free so far (tentative), or of the namespace's own (127.0.0.1), IPv4 first, then by scope, interface and value.
 */

#include <stddef.h>
#include <sys/socket.h>

#include "util/macro.h"

typedef struct LocalAddress {
        int family;                     /* AF_INET, AF_INET6 */
        unsigned char scope;            /* RT_SCOPE_… */
        unsigned ifindex;
        unsigned char bytes[16];
} LocalAddress;

/* Reads the answer to a dump of addresses (RTM_GETADDR): 1 if the end was in it, 0 if more follows; -EBADMSG, -ENOMEM, or the
 * kernel's error. */
int local_addresses_parse(const void *data, size_t size, LocalAddress **list, size_t *n);
void local_addresses_sort(LocalAddress *list, size_t n);

/* As text, one in a line. The caller frees *ret. */
int local_addresses(char **ret);
