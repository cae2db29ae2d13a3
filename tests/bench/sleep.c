/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The payload of the list of machines in tests/bench/bench: static, and never over. */

#include <unistd.h>

int main(void)
{
        for (;;)
                pause();
}
