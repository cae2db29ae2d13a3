/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Takes every page of code and constants, of the program and its libraries, out of our page tables: what is used again
 * comes back by a fault, from the page cache; what only the start of a long life needed stays out of it. Writable pages
 * and those that relocation has written are left alone. */
void memory_release_code(void);
