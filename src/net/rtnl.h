/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Requests to the kernel's rtnetlink, built with libmnl. One datagram holds several messages, which the kernel executes in
 * order; all are done when rtnl_call() returns.
 */

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/types.h>

#include "util/macro.h"

/* Room for some messages about one link, each with some names of at most 256 bytes. */
#define RTNL_REQUEST_SIZE 4096

typedef struct RtnlRequest {
        union {
                struct nlmsghdr alignment;
                uint8_t bytes[RTNL_REQUEST_SIZE];
        } buf;
        struct nlmsghdr *last;  /* being filled in */
        uint32_t before;        /* the sequence number before that of the first message */
        unsigned n;
} RtnlRequest;

/* An RTM_NEWLINK message. */
typedef struct RtnlLink {
        int ifindex;
        char name[IF_NAMESIZE];
        char alias[256];        /* "" */
        char kind[16];          /* "veth", …; "": hardware or lo */
        uint32_t mtu;
        int master;             /* the bridge or the like that it is a port of; 0 */
        int lower;              /* the other end of a veth, the parent of a macvlan, …; 0 */
        int lower_netns;        /* the id of the namespace of lower; -1: the same namespace */
} RtnlLink;

/* A socket in the caller's network namespace. */
int rtnl_open(void);

/* A non-blocking socket that receives the kernel's messages to these groups (RTMGRP_*). */
int rtnl_open_events(unsigned groups);

/* Waits for such messages, and drops them. 1; 0 after msec without one; negative errno. */
int rtnl_wait_event(int fd, int msec);

/* Begins a message about the interface ifindex (0: selected by a name attribute). Add attributes with mnl_attr_put_*(). */
struct nlmsghdr *rtnl_add(RtnlRequest *q, uint16_t type, uint16_t flags, int ifindex);

/* The same with another header of size bytes instead of struct ifinfomsg. */
struct nlmsghdr *rtnl_add_with(RtnlRequest *q, uint16_t type, uint16_t flags, const void *header, size_t size);

/* Adds a name that may be an alternative one, as IFLA_IFNAME or IFLA_ALT_IFNAME. */
void rtnl_put_any_name(struct nlmsghdr *m, const char *name);

/* Sends all messages and reads all answers. Returns the first error, with the kernel's explanation, or "", in reterr_text of
 * RTNL_TEXT_MAX bytes (may be NULL). ret_link (may be NULL): the last link in the answers. */
#define RTNL_TEXT_MAX 256
int rtnl_call(int fd, RtnlRequest *q, RtnlLink *ret_link, char *reterr_text);

/* Brings an interface up. */
int rtnl_link_up(int fd, int ifindex);

/* The same, but calls each for every answer. */
typedef void (*RtnlEach)(const struct nlmsghdr *m, void *userdata);
int rtnl_call_each(int fd, RtnlRequest *q, RtnlEach each, void *userdata);

/* Sends the single message of q as a dump request, and calls each for every answer. */
int rtnl_dump(int fd, RtnlRequest *q, RtnlEach each, void *userdata);

/* Looks up a link by its name or an alternative name, or by its index. -ENODEV: there is none. */
int rtnl_get_link(int fd, const char *name, RtnlLink *ret);
int rtnl_get_index(int fd, int ifindex, RtnlLink *ret);

/* Reads an RTM_NEWLINK message of rtnl_dump(). False: it is another message. */
bool rtnl_read_link(const struct nlmsghdr *m, RtnlLink *ret);

/* The id by which answers of this socket name the namespace of process pid. -ENOENT: it has none, as no link leads there. */
int rtnl_netns_id(int fd, pid_t pid);

/* The first link with this alias. -ENODEV: there is none. */
int rtnl_find_alias(int fd, const char *alias, RtnlLink *ret);
