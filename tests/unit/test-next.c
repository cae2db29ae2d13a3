/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each verb says what one would type next. */

#include "test.h"

#include "ctl/exit-status.h"
#include "ctl/next.h"

static void test_steps_by_result(void **state)
{
        assert_string_equal(next_steps("start", EXIT_DONE, true), "shell NAME, console NAME, logs -f NAME");
        assert_string_equal(next_steps("start", EXIT_FAILED, false), "logs NAME, check NAME, doctor");
        assert_string_equal(next_steps("start", EXIT_TIMEOUT, false), "logs NAME, check NAME, doctor");
        assert_string_equal(next_steps("start", EXIT_NOT_THERE, false), "list --all, new");
        assert_null(next_steps("start", EXIT_USAGE, false));
        assert_null(next_steps("start", EXIT_REFUSED, false));
        assert_string_equal(next_steps("enable", EXIT_DONE, false), "start NAME");
        assert_null(next_steps("enable", EXIT_DONE, true));
        assert_string_equal(next_steps("edit", EXIT_DONE, true), "pending NAME, apply NAME");
        assert_null(next_steps("list", EXIT_DONE, true));
}

/* The commands are boxctl's. */
static void test_steps_are_verbs(void **state)
{
        size_t n = 0;

        for (const Verb *const *v = verbs; *v; v++)
                for (int status = EXIT_DONE; status < _EXIT_STATUS_MAX; status++)
                        for (int running = 0; running < 2; running++) {
                                const char *steps = next_steps((*v)->name, status, running);

                                for (; steps && *steps; steps += strspn(steps, ", ")) {
                                        char word[32];
                                        size_t length = strcspn(steps, " ,");

                                        (void) snprintf(word, sizeof(word), "%.*s", (int) length, steps);
                                        assert_non_null(verb_find(word));
                                        steps += strcspn(steps, ",");
                                        n++;
                                }
                        }
        assert_true(n > 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_steps_by_result),
                cmocka_unit_test(test_steps_are_verbs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
