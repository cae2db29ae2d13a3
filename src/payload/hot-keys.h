/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keys that are for the console itself, as systemd-nspawn has them: ^]^]^] within a second, ^]^]r and ^]^]p. Pure. */

#include <stdint.h>

#include "util/macro.h"

typedef enum HotKey {
        HOT_KEY_NONE,
        HOT_KEY_LEAVE,
        HOT_KEY_REBOOT,
        HOT_KEY_POWER_OFF,
} HotKey;

typedef struct HotKeys {
        unsigned presses;       /* of ^] in a row */
        uint64_t since_usec;    /* of the first */
} HotKeys;

/* Looks at bytes that were typed at this time (CLOCK_MONOTONIC). *ret_plain: how many of them, from the first, are to be passed
 * on: with a hot key those before its last byte, else all. ^] is passed on at once, as it may be meant for the machine. */
HotKey hot_keys_feed(HotKeys *k, const char *bytes, size_t n, uint64_t now_usec, size_t *ret_plain);
