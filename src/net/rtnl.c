/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The part of rtnetlink that links and addresses need. The supervisor (CAP_NET_ADMIN on the host) and the child (in the
 * machine's namespace). Logs nothing: the caller knows the object's name.
 *
 * The kernel has queued its answers when sendto() returns: reading never waits.
 */

#include <assert.h>
#include <linux/net_namespace.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "net/rtnl.h"
#include "util/fd.h"

int rtnl_open(void)
{
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        int one = 1;

        if (fd < 0)
                return -errno;

        /* Errors have an explanation, and no copy of the request. */
        if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) < 0 ||
            setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int rtnl_open_events(unsigned groups)
{
        const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

        if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int rtnl_wait_event(int fd, int msec)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char byte;
        int r;

        r = RET_ERRNO(poll(&p, 1, msec));
        /* One that did not fit in its queue (ENOBUFS) has happened, too. */
        while (r > 0 && (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == ENOBUFS))
                ;
        return r;
}

/* A new start of the sequence numbers, so that a stale answer in the socket's queue matches no request. */
static uint32_t fresh_sequence(void)
{
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint32_t) now.tv_sec * 1000000000U + (uint32_t) now.tv_nsec;
}

static bool answers(const struct nlmsghdr *m, const RtnlRequest *q)
{
        return m->nlmsg_seq - q->before - 1 < q->n;
}

struct nlmsghdr *rtnl_add_with(RtnlRequest *q, uint16_t type, uint16_t flags, const void *header, size_t size)
{
        uint8_t *at = q->last ? mnl_nlmsg_get_payload_tail(q->last) : q->buf.bytes;

        assert(at + 1024 <= q->buf.bytes + sizeof(q->buf.bytes));

        if (!q->last)
                q->before = fresh_sequence();
        q->last = mnl_nlmsg_put_header(at);
        q->last->nlmsg_type = type;
        q->last->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        q->last->nlmsg_seq = q->before + ++q->n;
        memcpy(mnl_nlmsg_put_extra_header(q->last, size), header, size);
        return q->last;
}

struct nlmsghdr *rtnl_add(RtnlRequest *q, uint16_t type, uint16_t flags, int ifindex)
{
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };

        return rtnl_add_with(q, type, flags, &info, sizeof(info));
}

void rtnl_put_any_name(struct nlmsghdr *m, const char *name)
{
        /* Both match names and alternative names; only their maximal lengths differ. */
        mnl_attr_put_strz(m, strlen(name) < IF_NAMESIZE ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
}

static void copy_text(char *to, size_t size, const struct nlattr *a)
{
        size_t n = strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));

        if (n >= size)
                n = size - 1;
        memcpy(to, mnl_attr_get_payload(a), n);
        to[n] = 0;
}

static void read_kind(const struct nlattr *info, RtnlLink *ret)
{
        const struct nlattr *a;

        mnl_attr_for_each_nested(a, info)
                if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
                        copy_text(ret->kind, sizeof(ret->kind), a);
}

static void read_attribute(const struct nlattr *a, RtnlLink *ret)
{
        switch (mnl_attr_get_type(a)) {
        case IFLA_IFNAME:
                copy_text(ret->name, sizeof(ret->name), a);
                break;
        case IFLA_IFALIAS:
                copy_text(ret->alias, sizeof(ret->alias), a);
                break;
        case IFLA_LINKINFO:
                read_kind(a, ret);
                break;
        case IFLA_MTU:
                ret->mtu = mnl_attr_get_u32(a);
                break;
        case IFLA_MASTER:
                ret->master = (int) mnl_attr_get_u32(a);
                break;
        case IFLA_LINK:
                ret->lower = (int) mnl_attr_get_u32(a);
                break;
        case IFLA_LINK_NETNSID:
                ret->lower_netns = (int) mnl_attr_get_u32(a);
                break;
        }
}

bool rtnl_read_link(const struct nlmsghdr *m, RtnlLink *ret)
{
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(m);
        const struct nlattr *a;

        if (m->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(m) < sizeof(*info))
                return false;

        *ret = (RtnlLink) { .ifindex = info->ifi_index, .lower_netns = -1 };
        mnl_attr_for_each(a, m, sizeof(*info))
                read_attribute(a, ret);
        return true;
}

static void read_link(const struct nlmsghdr *m, void *userdata)
{
        (void) rtnl_read_link(m, userdata);
}

/* Returns the error of an acknowledgement. text: the kernel's explanation, if there is one. */
static int read_ack(const struct nlmsghdr *m, char text[static RTNL_TEXT_MAX])
{
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
        const struct nlattr *a;

        if (e->error != 0 && m->nlmsg_flags & NLM_F_ACK_TLVS && m->nlmsg_flags & NLM_F_CAPPED)
                mnl_attr_for_each(a, m, sizeof(*e))
                        if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG)
                                copy_text(text, RTNL_TEXT_MAX, a);

        return e->error;
}

/* All alternative names of an interface are in one answer, and a payload may add many. */
#define ANSWER_SIZE 65536

/* Receives a datagram of the kernel. Returns its size. Not on the stack, each page of which the compiler's protection against
 * stack clashes writes to: they would stay with a process that runs as long as the machine. */
static ssize_t receive(int fd, void **ret)
{
        _cleanup_free_ void *buf = malloc(ANSWER_SIZE);

        if (!buf)
                return -ENOMEM;
        for (;;) {
                struct sockaddr_nl from = { 0 };
                socklen_t from_size = sizeof(from);
                ssize_t n = recvfrom(fd, buf, ANSWER_SIZE, MSG_TRUNC, (struct sockaddr *) &from, &from_size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n > ANSWER_SIZE)
                        return -EMSGSIZE;
                if (from.nl_pid == 0) {
                        *ret = TAKE_PTR(buf);
                        return n;
                }
        }
}

static int send_request(int fd, const RtnlRequest *q)
{
        static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        const uint8_t *end = mnl_nlmsg_get_payload_tail(q->last);

        if (sendto(fd, q->buf.bytes, (size_t) (end - q->buf.bytes), 0, (const struct sockaddr *) &kernel,
                   sizeof(kernel)) < 0)
                return -errno;
        return 0;
}

/* Reads a datagram of answers. Returns the number of acknowledgements in it. */
static int read_answers(int fd, const RtnlRequest *q, int *first_error, RtnlEach each, void *userdata, char *text)
{
        _cleanup_free_ void *buf = NULL;
        ssize_t n = receive(fd, &buf);
        int acks = 0, left = (int) n;

        if (n < 0)
                return (int) n;

        for (const struct nlmsghdr *m = buf; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
                if (!answers(m, q))
                        continue;
                if (m->nlmsg_type == NLMSG_ERROR &&
                    mnl_nlmsg_get_payload_len(m) >= sizeof(struct nlmsgerr)) {
                        char this_text[RTNL_TEXT_MAX] = "";
                        int error = read_ack(m, this_text);

                        acks++;
                        if (error != 0 && *first_error == 0) {
                                *first_error = error;
                                if (text)
                                        memcpy(text, this_text, sizeof(this_text));
                        }
                } else if (each)
                        each(m, userdata);
        }

        return acks;
}

static int call(int fd, const RtnlRequest *q, RtnlEach each, void *userdata, char *text)
{
        unsigned acks = 0;
        int first_error = 0, r;

        if (text)
                text[0] = 0;
        r = send_request(fd, q);
        if (r < 0)
                return r;

        while (acks < q->n) {
                r = read_answers(fd, q, &first_error, each, userdata, text);
                if (r < 0)
                        return r;
                acks += (unsigned) r;
        }

        return first_error;
}

int rtnl_call(int fd, RtnlRequest *q, RtnlLink *ret_link, char *reterr_text)
{
        return call(fd, q, ret_link ? read_link : NULL, ret_link, reterr_text);
}

int rtnl_call_each(int fd, RtnlRequest *q, RtnlEach each, void *userdata)
{
        return call(fd, q, each, userdata, /* text= */ NULL);
}

int rtnl_link_up(int fd, int ifindex)
{
        RtnlRequest q = { 0 };
        struct ifinfomsg *info = mnl_nlmsg_get_payload(rtnl_add(&q, RTM_SETLINK, 0, ifindex));

        info->ifi_flags = info->ifi_change = IFF_UP;
        return rtnl_call(fd, &q, NULL, NULL);
}

int rtnl_dump(int fd, RtnlRequest *q, RtnlEach each, void *userdata)
{
        int r;

        q->last->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        r = send_request(fd, q);
        if (r < 0)
                return r;

        for (;;) {
                _cleanup_free_ void *buf = NULL;
                ssize_t n = receive(fd, &buf);
                int left = (int) n;

                if (n < 0)
                        return (int) n;
                for (const struct nlmsghdr *m = buf; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
                        if (!answers(m, q))
                                continue;
                        /* Its payload is the result of the dump. */
                        if (m->nlmsg_type == NLMSG_DONE)
                                return mnl_nlmsg_get_payload_len(m) >= sizeof(int) ? *(const int *) mnl_nlmsg_get_payload(m)
                                                                                   : 0;
                        if (m->nlmsg_type != NLMSG_ERROR)
                                each(m, userdata);
                        else if (mnl_nlmsg_get_payload_len(m) >= sizeof(struct nlmsgerr))
                                return ((const struct nlmsgerr *) mnl_nlmsg_get_payload(m))->error;
                }
        }
}

int rtnl_get_link(int fd, const char *name, RtnlLink *ret)
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_GETLINK, 0, 0);

        rtnl_put_any_name(m, name);
        mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        return rtnl_call(fd, &q, ret, NULL);
}

int rtnl_get_index(int fd, int ifindex, RtnlLink *ret)
{
        RtnlRequest q = { 0 };

        mnl_attr_put_u32(rtnl_add(&q, RTM_GETLINK, 0, ifindex), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        return rtnl_call(fd, &q, ret, NULL);
}

static void read_netns_id(const struct nlmsghdr *m, void *userdata)
{
        const struct nlattr *a;

        if (m->nlmsg_type == RTM_NEWNSID)
                mnl_attr_for_each(a, m, sizeof(struct rtgenmsg))
                        if (mnl_attr_get_type(a) == NETNSA_NSID)
                                *(int *) userdata = (int) mnl_attr_get_u32(a);
}

int rtnl_netns_id(int fd, pid_t pid)
{
        const struct rtgenmsg header = { .rtgen_family = AF_UNSPEC };
        int id = NETNSA_NSID_NOT_ASSIGNED, r;
        RtnlRequest q = { 0 };

        mnl_attr_put_u32(rtnl_add_with(&q, RTM_GETNSID, 0, &header, sizeof(header)), NETNSA_PID, (uint32_t) pid);
        r = rtnl_call_each(fd, &q, read_netns_id, &id);
        return r < 0 ? r : id == NETNSA_NSID_NOT_ASSIGNED ? -ENOENT : id;
}

typedef struct AliasSearch {
        const char *alias;
        RtnlLink found;         /* ifindex 0: not found */
} AliasSearch;

static void compare_alias(const struct nlmsghdr *m, void *userdata)
{
        AliasSearch *s = userdata;
        RtnlLink link;

        if (rtnl_read_link(m, &link) && s->found.ifindex == 0 && strcmp(link.alias, s->alias) == 0)
                s->found = link;
}

int rtnl_find_alias(int fd, const char *alias, RtnlLink *ret)
{
        AliasSearch s = { .alias = alias };
        RtnlRequest q = { 0 };
        int r;

        mnl_attr_put_u32(rtnl_add(&q, RTM_GETLINK, 0, 0), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        r = rtnl_dump(fd, &q, compare_alias, &s);
        if (r < 0)
                return r;
        if (s.found.ifindex == 0)
                return -ENODEV;

        *ret = s.found;
        return 0;
}
