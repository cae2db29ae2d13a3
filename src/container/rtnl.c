/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * rtnetlink, just as much as links need. The supervisor (CAP_NET_ADMIN on the host) and the child (in the machine's
 * own namespace). Silent: what an error is about is known to the caller.
 *
 * The kernel answers within sendmsg(): reading never waits.
 */

#include <assert.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container/rtnl.h"
#include "util/fd.h"

int rtnl_open(void)
{
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        int one = 1;

        if (fd < 0)
                return -errno;

        /* Errors come with words, and without a copy of the request. */
        if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) < 0 ||
            setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int rtnl_open_in(int netns_fd, int own_netns_fd)
{
        int fd;

        if (setns(netns_fd, CLONE_NEWNET) < 0)
                return -errno;

        fd = rtnl_open();

        /* Working on in the wrong namespace would be worse than any failure: the caller must give up. */
        if (setns(own_netns_fd, CLONE_NEWNET) < 0) {
                fd_close(fd);
                return -EBADE;
        }

        return fd;
}

struct nlmsghdr *rtnl_add(RtnlRequest *q, uint16_t type, uint16_t flags, int ifindex)
{
        uint8_t *at = q->last ? mnl_nlmsg_get_payload_tail(q->last) : q->buf.bytes;
        struct ifinfomsg *info;

        assert(at + 1024 <= q->buf.bytes + sizeof(q->buf.bytes));

        q->last = mnl_nlmsg_put_header(at);
        q->last->nlmsg_type = type;
        q->last->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        q->last->nlmsg_seq = ++q->n;
        info = mnl_nlmsg_put_extra_header(q->last, sizeof(struct ifinfomsg));
        info->ifi_family = AF_UNSPEC;
        info->ifi_index = ifindex;
        return q->last;
}

void rtnl_put_any_name(struct nlmsghdr *m, const char *name)
{
        /* Both are looked for among all names; only the room differs. */
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

static void read_link(const struct nlmsghdr *m, RtnlLink *ret)
{
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(m);
        const struct nlattr *a;

        *ret = (RtnlLink) { .ifindex = info->ifi_index };
        mnl_attr_for_each(a, m, sizeof(*info)) {
                switch (mnl_attr_get_type(a)) {
                case IFLA_IFNAME:
                        copy_text(ret->name, sizeof(ret->name), a);
                        break;
                case IFLA_IFALIAS:
                        copy_text(ret->alias, sizeof(ret->alias), a);
                        break;
                }
        }
}

/* An acknowledgement: its error, and the text with it. */
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

/* One datagram of answers. The number of acknowledgements in it, or negative errno. */
static int read_answers(int fd, int *first_error, RtnlLink *ret_link, char text[static RTNL_TEXT_MAX])
{
        _Alignas(struct nlmsghdr) uint8_t buf[16384];
        struct sockaddr_nl from = { 0 };
        socklen_t from_size = sizeof(from);
        int acks = 0, left;
        ssize_t n;

        do
                n = recvfrom(fd, buf, sizeof(buf), MSG_TRUNC, (struct sockaddr *) &from, &from_size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t) n > sizeof(buf))
                return -EMSGSIZE;
        if (from.nl_pid != 0)           /* not from the kernel */
                return 0;

        left = (int) n;
        for (const struct nlmsghdr *m = (const void *) buf; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
                if (m->nlmsg_type == NLMSG_ERROR &&
                    mnl_nlmsg_get_payload_len(m) >= sizeof(struct nlmsgerr)) {
                        char its_text[RTNL_TEXT_MAX] = "";
                        int error = read_ack(m, its_text);

                        acks++;
                        if (error != 0 && *first_error == 0) {
                                *first_error = error;
                                memcpy(text, its_text, sizeof(its_text));
                        }
                } else if (m->nlmsg_type == RTM_NEWLINK && ret_link &&
                           mnl_nlmsg_get_payload_len(m) >= sizeof(struct ifinfomsg))
                        read_link(m, ret_link);
        }

        return acks;
}

int rtnl_call(int fd, RtnlRequest *q, RtnlLink *ret_link, char reterr_text[static RTNL_TEXT_MAX])
{
        static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        const uint8_t *end = mnl_nlmsg_get_payload_tail(q->last);
        unsigned acks = 0;
        int first_error = 0;

        reterr_text[0] = 0;
        if (sendto(fd, q->buf.bytes, (size_t) (end - q->buf.bytes), 0, (const struct sockaddr *) &kernel,
                   sizeof(kernel)) < 0)
                return -errno;

        while (acks < q->n) {
                int r = read_answers(fd, &first_error, ret_link, reterr_text);

                if (r < 0)
                        return r;
                acks += (unsigned) r;
        }

        return first_error;
}

int rtnl_get_link(int fd, const char *name, RtnlLink *ret)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_GETLINK, 0, 0);

        rtnl_put_any_name(m, name);
        mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        return rtnl_call(fd, &q, ret, text);
}
