/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asks the kernel for addresses by rtnetlink (see local-addresses.h). Part of boxctl: runs in the process that has joined a
 * machine's network namespace. By hand, because libmnl stays out of boxctl and getifaddrs(3) knows no scopes.
 */

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/local-addresses.h"
#include "util/fd.h"
#include "util/strv.h"

/* The kernel's messages of a dump are no larger. */
enum { RECEIVE_SIZE = 32 * 1024 };

/* The payload of an attribute of at least size bytes; NULL: there is none. */
static const void *find(const struct rtattr *a, int left, unsigned short type, size_t size)
{
        for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
                if (a->rta_type == type && RTA_PAYLOAD(a) >= size)
                        return RTA_DATA(a);
        return NULL;
}

static int parse_address(const struct nlmsghdr *h, LocalAddress **list, size_t *n)
{
        const struct ifaddrmsg *m = NLMSG_DATA(h);
        const struct rtattr *attributes;
        const void *bytes, *long_flags;
        LocalAddress *address;
        uint32_t flags;
        size_t size;
        int left;

        if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
                return -EBADMSG;
        attributes = IFA_RTA(m);
        left = (int) (h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
        size = m->ifa_family == AF_INET ? 4 : 16;
        long_flags = find(attributes, left, IFA_FLAGS, sizeof(flags));
        if (long_flags)
                memcpy(&flags, long_flags, sizeof(flags));
        else
                flags = m->ifa_flags;
        /* IFA_ADDRESS is the other end's on links between two. */
        bytes = find(attributes, left, IFA_LOCAL, size) ?: find(attributes, left, IFA_ADDRESS, size);
        if ((m->ifa_family != AF_INET && m->ifa_family != AF_INET6) || !bytes || flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE) ||
            m->ifa_scope == RT_SCOPE_HOST || m->ifa_scope == RT_SCOPE_NOWHERE)
                return 0;

        address = array_append(list, n, sizeof(*address));
        if (!address)
                return -ENOMEM;
        *address = (LocalAddress) { .family = m->ifa_family, .scope = m->ifa_scope, .ifindex = m->ifa_index };
        memcpy(address->bytes, bytes, size);
        return 0;
}

int local_addresses_parse(const void *data, size_t size, LocalAddress **list, size_t *n)
{
        const struct nlmsghdr *h = data;
        size_t left = size;
        int r = 0;

        for (; r >= 0 && left >= sizeof(*h) && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
                if (h->nlmsg_type == NLMSG_DONE)
                        return 1;
                else if (h->nlmsg_type == NLMSG_ERROR) {
                        const struct nlmsgerr *e = NLMSG_DATA(h);

                        return h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) || e->error >= 0 ? -EBADMSG : e->error;
                } else if (h->nlmsg_type == RTM_NEWADDR)
                        r = parse_address(h, list, n);
        return r;
}

static int compare(const void *a, const void *b)
{
        const LocalAddress *x = a, *y = b;

        if (x->family != y->family)
                return x->family == AF_INET ? -1 : 1;
        if (x->scope != y->scope)
                return x->scope < y->scope ? -1 : 1;
        if (x->ifindex != y->ifindex)
                return x->ifindex < y->ifindex ? -1 : 1;
        return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

void local_addresses_sort(LocalAddress *list, size_t n)
{
        if (n > 1)
                qsort(list, n, sizeof(*list), compare);
}

static int dump(LocalAddress **list, size_t *n)
{
        const struct {
                struct nlmsghdr header;
                struct ifaddrmsg body;
        } request = {
                .header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        };
        _cleanup_close_ int fd = RET_ERRNO(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
        _cleanup_free_ char *buf = malloc(RECEIVE_SIZE);
        int r = 0;

        if (fd < 0)
                return fd;
        if (!buf)
                return -ENOMEM;
        if (send(fd, &request, sizeof(request), 0) < 0)
                return -errno;
        while (r == 0) {
                ssize_t size = recv(fd, buf, RECEIVE_SIZE, 0);

                if (size < 0 && errno == EINTR)
                        continue;
                r = size < 0 ? -errno : local_addresses_parse(buf, (size_t) size, list, n);
        }
        return r;
}

int local_addresses(char **ret)
{
        _cleanup_free_ LocalAddress *list = NULL;
        _cleanup_free_ char *text = NULL;
        size_t n = 0, size = 0;
        FILE *f;
        int r;

        r = dump(&list, &n);
        if (r < 0)
                return r;
        local_addresses_sort(list, n);

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                char one[INET6_ADDRSTRLEN];

                fprintf(f, "%s\n", inet_ntop(list[i].family, list[i].bytes, one, sizeof(one)));
        }
        if (fclose(f) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}
