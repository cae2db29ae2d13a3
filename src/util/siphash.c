/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SipHash-2-4 (see siphash.h), written from the paper. OpenSSL has it too, but costs more to load than everything
 * else a start does; libsystemd has it and does not export it. Pure.
 */

#include <endian.h>
#include <string.h>

#include "util/siphash.h"

static uint64_t rotl(uint64_t x, unsigned b)
{
        return (x << b) | (x >> (64 - b));
}

static uint64_t load64(const uint8_t *p)
{
        uint64_t v;

        memcpy(&v, p, sizeof(v));
        return le64toh(v);
}

static void rounds(uint64_t v[static 4], unsigned n)
{
        while (n-- > 0) {
                v[0] += v[1];
                v[1] = rotl(v[1], 13) ^ v[0];
                v[0] = rotl(v[0], 32);
                v[2] += v[3];
                v[3] = rotl(v[3], 16) ^ v[2];
                v[0] += v[3];
                v[3] = rotl(v[3], 21) ^ v[0];
                v[2] += v[1];
                v[1] = rotl(v[1], 17) ^ v[2];
                v[2] = rotl(v[2], 32);
        }
}

uint64_t siphash24(const void *data, size_t size, const uint8_t key[static 16])
{
        uint64_t k0 = load64(key), k1 = load64(key + 8);
        uint64_t v[4] = {
                k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
                k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573,
        };
        const uint8_t *p = data;
        uint8_t tail[8] = {};
        size_t left = size;

        for (; left >= 8; p += 8, left -= 8) {
                uint64_t m = load64(p);

                v[3] ^= m;
                rounds(v, 2);
                v[0] ^= m;
        }

        if (left > 0)
                memcpy(tail, p, left);
        tail[7] = (uint8_t) size;

        v[3] ^= load64(tail);
        rounds(v, 2);
        v[0] ^= load64(tail);
        v[2] ^= 0xff;
        rounds(v, 4);

        return v[0] ^ v[1] ^ v[2] ^ v[3];
}
