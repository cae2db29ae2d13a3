/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The payload of tests/bench/bench: static, and over at once. */

int main(void)
{
        return 0;
}
