/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses of a network namespace: which of the kernel's answer count, and in which order. */

#include "test.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "ctl/local-addresses.h"

/* An answer of the kernel, built by hand. */
static char dump[4096] __attribute__((aligned(8)));
static size_t dump_size;

static struct nlmsghdr *begin(uint16_t type, size_t body)
{
        struct nlmsghdr *h = (struct nlmsghdr *) (dump + dump_size);

        memset(h, 0, NLMSG_SPACE(body));
        h->nlmsg_type = type;
        h->nlmsg_len = (uint32_t) NLMSG_LENGTH(body);
        dump_size += NLMSG_SPACE(body);
        return h;
}

static void attribute(struct nlmsghdr *h, uint16_t type, const void *data, size_t size)
{
        struct rtattr *a = (struct rtattr *) (dump + dump_size);

        memset(a, 0, RTA_SPACE(size));
        a->rta_type = type;
        a->rta_len = (uint16_t) RTA_LENGTH(size);
        memcpy(RTA_DATA(a), data, size);
        dump_size += RTA_SPACE(size);
        h->nlmsg_len += (uint32_t) RTA_SPACE(size);
}

static void add(const char *text, uint8_t scope, unsigned ifindex, uint32_t flags, const char *peer)
{
        struct nlmsghdr *h = begin(RTM_NEWADDR, sizeof(struct ifaddrmsg));
        struct ifaddrmsg *m = NLMSG_DATA(h);
        unsigned char bytes[16];

        m->ifa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
        m->ifa_scope = scope;
        m->ifa_index = ifindex;
        assert_int_equal(inet_pton(m->ifa_family, peer ?: text, bytes), 1);
        attribute(h, IFA_ADDRESS, bytes, m->ifa_family == AF_INET ? 4 : 16);
        if (peer) {
                assert_int_equal(inet_pton(m->ifa_family, text, bytes), 1);
                attribute(h, IFA_LOCAL, bytes, m->ifa_family == AF_INET ? 4 : 16);
        }
        attribute(h, IFA_FLAGS, &flags, sizeof(flags));
}

static int setup(void **state)
{
        dump_size = 0;
        return 0;
}

static void assert_addresses(const char *const *want, size_t n_want)
{
        LocalAddress *list = NULL;
        size_t n = 0;

        begin(NLMSG_DONE, 4);
        assert_int_equal(local_addresses_parse(dump, dump_size, &list, &n), 1);
        local_addresses_sort(list, n);
        assert_int_equal(n, n_want);
        for (size_t i = 0; i < n; i++) {
                char text[INET6_ADDRSTRLEN];

                assert_non_null(inet_ntop(list[i].family, list[i].bytes, text, sizeof(text)));
                assert_string_equal(text, want[i]);
        }
        free(list);
}

static void test_local_addresses_parse_leaves_out_the_loopback_and_deprecated(void **state)
{
        static const char *const want[] = { "10.0.0.5", "192.0.2.1", "2001:db8::1" };

        add("127.0.0.1", RT_SCOPE_HOST, 1, IFA_F_PERMANENT, NULL);
        add("192.0.2.1", RT_SCOPE_UNIVERSE, 2, 0, "192.0.2.2");
        add("2001:db8::2", RT_SCOPE_UNIVERSE, 2, IFA_F_DEPRECATED, NULL);
        add("2001:db8::3", RT_SCOPE_UNIVERSE, 2, IFA_F_TENTATIVE, NULL);
        add("2001:db8::1", RT_SCOPE_UNIVERSE, 2, IFA_F_PERMANENT, NULL);
        add("10.0.0.5", RT_SCOPE_UNIVERSE, 2, 0, NULL);
        assert_addresses(want, ARRAY_SIZE(want));
}

static void test_local_addresses_sort_is_machined_s(void **state)
{
        static const char *const want[] = { "10.9.9.9", "10.0.0.5", "169.254.1.1", "2001:db8::1", "fe80::1" };

        add("fe80::1", RT_SCOPE_LINK, 2, 0, NULL);
        add("169.254.1.1", RT_SCOPE_LINK, 2, 0, NULL);
        add("2001:db8::1", RT_SCOPE_UNIVERSE, 3, 0, NULL);
        add("10.0.0.5", RT_SCOPE_UNIVERSE, 3, 0, NULL);
        add("10.9.9.9", RT_SCOPE_UNIVERSE, 2, 0, NULL);
        assert_addresses(want, ARRAY_SIZE(want));
}

static void test_local_addresses_parse_refuses_broken_answers(void **state)
{
        LocalAddress *list = NULL;
        struct nlmsgerr *error;
        size_t n = 0;

        /* Too short for an address, and without one. */
        begin(RTM_NEWADDR, 2);
        assert_int_equal(local_addresses_parse(dump, dump_size, &list, &n), -EBADMSG);
        dump_size = 0;
        begin(RTM_NEWADDR, sizeof(struct ifaddrmsg));
        assert_int_equal(local_addresses_parse(dump, dump_size, &list, &n), 0);
        assert_int_equal(local_addresses_parse(dump, 3, &list, &n), 0);
        assert_int_equal(n, 0);

        dump_size = 0;
        error = NLMSG_DATA(begin(NLMSG_ERROR, sizeof(*error)));
        error->error = -ENOBUFS;
        assert_int_equal(local_addresses_parse(dump, dump_size, &list, &n), -ENOBUFS);
        free(list);
}

static void test_local_addresses_asks_the_kernel(void **state)
{
        char *text = NULL;

        assert_int_equal(local_addresses(&text), 0);
        assert_null(strstr(text, "127.0.0.1\n"));
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_local_addresses_parse_leaves_out_the_loopback_and_deprecated, setup),
                cmocka_unit_test_setup(test_local_addresses_sort_is_machined_s, setup),
                cmocka_unit_test_setup(test_local_addresses_parse_refuses_broken_answers, setup),
                cmocka_unit_test(test_local_addresses_asks_the_kernel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
