/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In libFuzzer's place where the compiler has none: gives every file in the named directories to the fuzzer, once. */

#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"
#include "util/fd.h"

enum { INPUT_MAX = 1 << 20 };

static int run_directory(const char *path, unsigned *count)
{
        _cleanup_closedir_ DIR *dir = opendir(path);
        struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                _cleanup_close_ int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
                _cleanup_free_ char *data = NULL;
                size_t size;

                if (entry->d_name[0] == '.')
                        continue;
                if (fd < 0 || fd_read_all(fd, INPUT_MAX, &data, &size) < 0) {
                        fprintf(stderr, "%s/%s can't be read\n", path, entry->d_name);
                        return 1;
                }
                (void) LLVMFuzzerTestOneInput((const uint8_t *) data, size);
                (*count)++;
        }
        return dir ? 0 : 1;
}

int main(int argc, char *argv[])
{
        unsigned count = 0;

        for (int i = 1; i < argc; i++)
                if (run_directory(argv[i], &count) != 0)
                        return EXIT_FAILURE;

        printf("%u inputs\n", count);
        return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
