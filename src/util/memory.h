/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unmaps all pages of code and constants of the program and its libraries. Those that are used again come back from the
 * page cache by page faults. Pages that may have been written, by relocation too, stay. */
void memory_release_code(void);
