/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Netlink in a machine's network namespace (see machine-net.h). Part of boxctl, as root of the host. The kernel answers, not
 * the machine. */

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include "ctl/machine-net.h"
#include "util/fd.h"
#include "util/namespace-call.h"

enum { LOOPBACK_INDEX = 1, ANSWER_MSEC = 1000 };

static int open_socket(void *protocol)
{
        return RET_ERRNO(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, *(const int *) protocol));
}

int machine_net_open(pid_t leader, int protocol, uint32_t groups)
{
        _cleanup_close_ int pidfd = RET_ERRNO(pidfd_open(leader, 0)), fd = -EBADF;
        const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };

        if (pidfd < 0)
                return pidfd;
        fd = namespace_call(pidfd, CLONE_NEWNET, open_socket, &protocol);
        if (fd >= 0 && bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

uint32_t machine_net_address_groups(void)
{
        return RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
}

int machine_net_ask_addresses(int fd)
{
        const struct {
                struct nlmsghdr header;
                struct ifaddrmsg address;
        } request = {
                .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)), .nlmsg_type = RTM_GETADDR,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        };

        return send(fd, &request, request.header.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* IPv6 addresses are in use once no other machine of the link has them. */
static bool is_reachable(const struct nlmsghdr *h)
{
        const struct ifaddrmsg *a = NLMSG_DATA(h);

        return h->nlmsg_type == RTM_NEWADDR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*a)) && a->ifa_index != LOOPBACK_INDEX &&
               a->ifa_scope == RT_SCOPE_UNIVERSE && !(a->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
}

int machine_net_take_addresses(int fd)
{
        _Alignas(struct nlmsghdr) char buf[16 * 1024];
        ssize_t n;
        int found = 0;

        while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
                size_t left = (size_t) n;

                for (struct nlmsghdr *h = (struct nlmsghdr *) buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
                        found = found || is_reachable(h);
        }
        /* Messages were lost: asked again, all come again. */
        if (n < 0 && errno == ENOBUFS)
                return found ? 1 : machine_net_ask_addresses(fd);
        return n < 0 && errno != EAGAIN ? -errno : found;
}

static int ask_listeners(int fd, uint8_t family)
{
        const struct {
                struct nlmsghdr header;
                struct inet_diag_req_v2 diag;
        } request = {
                .header = { .nlmsg_len = sizeof(request), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .diag = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1 << TCP_LISTEN },
        };

        return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static int take_listeners(int fd, uint16_t port)
{
        _Alignas(struct nlmsghdr) char buf[16 * 1024];
        bool found = false;

        for (;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                size_t left;
                ssize_t n;

                if (poll(&p, 1, ANSWER_MSEC) <= 0)
                        return -ETIMEDOUT;
                n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
                if (n < 0)
                        return -errno;
                left = (size_t) n;
                for (struct nlmsghdr *h = (struct nlmsghdr *) buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                        const struct inet_diag_msg *m = NLMSG_DATA(h);

                        if (h->nlmsg_type == NLMSG_DONE)
                                return found;
                        if (h->nlmsg_type == NLMSG_ERROR)
                                return ((const struct nlmsgerr *) NLMSG_DATA(h))->error;
                        found = found || ntohs(m->id.idiag_sport) == port;
                }
        }
}

int machine_net_listens(int fd, uint16_t port)
{
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
                r = ask_listeners(fd, families[i]);
                if (r >= 0)
                        r = take_listeners(fd, port);
                /* A kernel without IPv6. */
                if (r == -ENOENT)
                        r = 0;
        }
        return r;
}
