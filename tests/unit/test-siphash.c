/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include "util/siphash.h"

/* From the paper's appendix A, and its reference vectors: key 00..0f, input 00, 01, … of growing length. */
static void test_siphash24_vectors(void **state)
{
        static const struct { size_t size; uint64_t hash; } vectors[] = {
                { 0, 0x726fdb47dd0e0e31 },
                { 1, 0x74f839c593dc67fd },
                { 8, 0x93f5f5799a932462 },
                { 15, 0xa129ca6149be45e5 },
        };
        uint8_t key[16], data[16];

        for (uint8_t i = 0; i < 16; i++)
                key[i] = data[i] = i;
        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
                assert_true(siphash24(data, vectors[i].size, key) == vectors[i].hash);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_siphash24_vectors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
