/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "plan/host-files.h"

static void test_zone_of_link(void **state)
{
        static const struct { const char *target, *zone; } cases[] = {
                { "/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin" },
                { "../usr/share/zoneinfo/Etc/GMT+3", "Etc/GMT+3" },
                { "/usr/share/zoneinfo/", NULL },
                { "/usr/share/zoneinfo/../../../etc/passwd", NULL },
                { "/usr/share/zoneinfo//x", NULL },
                { "/usr/share/zoneinfo/a b", NULL },
                { "/etc/zone", NULL },
                { "usr/share/zoneinfo/UTC", NULL },
                { "", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *zone = zone_of_link(cases[i].target);

                if (cases[i].zone)
                        assert_string_equal(zone, cases[i].zone);
                else
                        assert_null(zone);
        }
}

/* Lines as Linux writes them. */
static void test_stub_in_socket_list(void **state)
{
        static const char head[] = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n";
        static const char tail[] = " 00000000:0000 07 00000000:00000000 00:00000000 00000000   991        0 3321 2\n";
        char text[1024];

        (void) snprintf(text, sizeof(text), "%s  423: %08X:0035%s  424: %08X:0044%s", head, htonl(0x7f000035), tail,
                        htonl(0x7f000001), tail);
        assert_true(stub_in_socket_list(text));
        (void) snprintf(text, sizeof(text), "%s  423: %08X:0035%s  424: %08X:0044%s", head, htonl(0x7f000001), tail,
                        htonl(0x7f000035), tail);
        assert_false(stub_in_socket_list(text));
        /* A program that listens on every address is not the stub. */
        (void) snprintf(text, sizeof(text), "%s    1: 00000000:0035%s", head, tail);
        assert_false(stub_in_socket_list(text));
        assert_false(stub_in_socket_list(""));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_zone_of_link),
                cmocka_unit_test(test_stub_in_socket_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
