/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys for the console itself (see hot-keys.h). In the supervisor and in boxctl; no privilege. */

#include "payload/hot-keys.h"
#include "util/clock.h"

enum {
        ESCAPE_BYTE = 0x1d,     /* ^] */
        ESCAPE_PRESSES = 2,     /* before the last key */
};

static const struct {
        char last;
        HotKey key;
} keys[] = {
        { ESCAPE_BYTE, HOT_KEY_LEAVE },
        { 'r', HOT_KEY_REBOOT },
        { 'p', HOT_KEY_POWER_OFF },
};

_steady_ static HotKey feed_one(HotKeys *k, char byte, uint64_t now_usec)
{
        const bool in_time = k->presses > 0 && now_usec - k->since_usec <= USEC_PER_SEC;

        if (in_time && k->presses >= ESCAPE_PRESSES)
                for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                        if (keys[i].last == byte) {
                                k->presses = 0;
                                return keys[i].key;
                        }
        if (byte != ESCAPE_BYTE || !in_time)
                k->presses = 0;
        if (byte == ESCAPE_BYTE && k->presses++ == 0)
                k->since_usec = now_usec;
        return HOT_KEY_NONE;
}

_steady_ HotKey hot_keys_feed(HotKeys *k, const char *bytes, size_t n, uint64_t now_usec, size_t *ret_plain)
{
        for (size_t i = 0; i < n; i++) {
                HotKey key = feed_one(k, bytes[i], now_usec);

                if (key != HOT_KEY_NONE) {
                        *ret_plain = i;
                        return key;
                }
        }
        *ret_plain = n;
        return HOT_KEY_NONE;
}
