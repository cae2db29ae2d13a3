/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/terminal-stream.h"

/* A child's standard output and error. */
static void check(void (*print)(void), const char *expected)
{
        char buf[4096];
        size_t n = 0;
        ssize_t k;
        int p[2];
        pid_t pid;

        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(p[1], STDOUT_FILENO);
                (void) dup2(p[1], STDERR_FILENO);
                if (terminal_streams_open() < 0)
                        _exit(EXIT_FAILURE);
                print();
                (void) fflush(stdout);
                _exit(EXIT_SUCCESS);
        }
        close(p[1]);
        while ((k = read(p[0], buf + n, sizeof(buf) - 1 - n)) > 0)
                n += (size_t) k;
        buf[n] = '\0';
        close(p[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_string_equal(buf, expected);
}

static void print_all_kinds(void)
{
        printf("%s\t|%s\n", "\033[2J", "\xc2\x9b" "31m");
        puts("caf\xc3\xa9 \xe4");
        fputs("a\r\nb\rc\n", stdout);
        fwrite("n\0l\n", 1, 4, stdout);
        putchar('\a');
        fputc('\n', stdout);
}

static void print_style(void)
{
        terminal_style(stdout, "\033[4m");
        printf("NAME\033[31m");
        terminal_style(stdout, "\033[0m");
        putchar('\n');
}

/* A buffer's end is no character's end. */
static void print_in_pieces(void)
{
        static const char text[] = "\xe2\x82\xac\r\n\xf0\x9f\x93\xa6\xc2\x9b.";

        for (size_t i = 0; i < sizeof(text) - 1; i++) {
                putchar(text[i]);
                (void) fflush(stdout);
        }
}

static void print_to_stderr(void)
{
        fprintf(stderr, "machine \033]0;x\a\n");
}

static void test_streams(void **state)
{
        check(print_all_kinds, "?[2J\t|??31m\ncaf\xc3\xa9 ?\na\nb?c\nn?l\n?\n");
        check(print_style, "\033[4mNAME?[31m\033[0m\n");
        check(print_in_pieces, "\xe2\x82\xac\n\xf0\x9f\x93\xa6??.");
        check(print_to_stderr, "machine ?]0;x?\n");
}

/* A full disk, or a pipe without a reader, is still an error. */
static void print_to_nothing(void)
{
        int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

        (void) dup2(fd, STDOUT_FILENO);
        puts("lost");
        if (fflush(stdout) != 0 && ferror(stdout) && errno == ENOSPC)
                fprintf(stderr, "noticed\n");
}

static void test_error(void **state)
{
        check(print_to_nothing, "noticed\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_streams),
                cmocka_unit_test(test_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
