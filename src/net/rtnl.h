/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Requests to the kernel's rtnetlink, built with libmnl: several messages go out in one datagram and are carried out
 * in order; the answer to each is awaited, so that what was asked for is done when rtnl_call() returns.
 */

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "util/macro.h"

/* Enough for a few messages about one link: each carries some names of at most 256 bytes. */
#define RTNL_REQUEST_SIZE 4096

typedef struct RtnlRequest {
        union {
                struct nlmsghdr alignment;
                uint8_t bytes[RTNL_REQUEST_SIZE];
        } buf;
        struct nlmsghdr *last;  /* being filled in */
        uint32_t before;        /* sequence numbers of its messages begin behind this one */
        unsigned n;
} RtnlRequest;

/* What an RTM_GETLINK is answered with. */
typedef struct RtnlLink {
        int ifindex;
        char name[IF_NAMESIZE];
        char alias[256];        /* "" */
        char kind[16];          /* "veth", …; "": hardware, or lo */
} RtnlLink;

/* A socket in the caller's network namespace. */
int rtnl_open(void);

/* Begins a message about the interface ifindex (0: by the name put into it); attributes follow by mnl_attr_put_*(). */
struct nlmsghdr *rtnl_add(RtnlRequest *q, uint16_t type, uint16_t flags, int ifindex);

/* The same about something else: header (of size bytes) takes the place of struct ifinfomsg. */
struct nlmsghdr *rtnl_add_with(RtnlRequest *q, uint16_t type, uint16_t flags, const void *header, size_t size);

/* IFLA_IFNAME, or IFLA_ALT_IFNAME for what may be an alternative name. */
void rtnl_put_any_name(struct nlmsghdr *m, const char *name);

/* Sends all messages and waits for all answers. The first error is returned; *reterr_text is then the kernel's own
 * explanation, "" where it gives none. ret_link (may be NULL) is the last link that was told of. */
#define RTNL_TEXT_MAX 256
int rtnl_call(int fd, RtnlRequest *q, RtnlLink *ret_link, char reterr_text[static RTNL_TEXT_MAX]);

/* The same, and shows each answer to `each`. */
typedef void (*RtnlEach)(const struct nlmsghdr *m, void *userdata);
int rtnl_call_each(int fd, RtnlRequest *q, RtnlEach each, void *userdata);

/* Sends the one message of q, which asks for many things of a family (a dump). */
int rtnl_dump(int fd, RtnlRequest *q, RtnlEach each, void *userdata);

/* Looks a link up by its name or alternative name: 0 or -ENODEV. */
int rtnl_get_link(int fd, const char *name, RtnlLink *ret);

int rtnl_get_index(int fd, int ifindex, RtnlLink *ret);

/* The first link that has this alias: 0 or -ENODEV. */
int rtnl_find_alias(int fd, const char *alias, RtnlLink *ret);
