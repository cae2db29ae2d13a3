/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which machines are meant by names and globs. */

#include "test.h"

#include "ctl/many.h"
#include "util/strv.h"

static char complaint[sizeof(((Failure *) NULL)->text)];

/* The names, with blanks between them; NULL: a failure. The caller frees it. */
static char *match(const char *const *words)
{
        static const char *const candidates[] = { "db", "web1", "web2", "web10", "x.web", NULL };
        _cleanup_strv_ char **names = NULL;
        char *text = calloc(1, 256);
        Failure f = { 0 };

        assert_non_null(text);
        complaint[0] = '\0';
        if (names_match((char *const *) words, (char *const *) candidates, /* running= */ words[1] == NULL, &names, &f) < 0) {
                assert_int_equal(f.error, -ENXIO);
                (void) snprintf(complaint, sizeof(complaint), "%s", f.text);
                free(text);
                return NULL;
        }
        STRV_FOREACH(name, names) {
                strcat(text, name == names ? "" : " ");
                strcat(text, *name);
        }
        return text;
}

#define assert_match(want, ...)                                                                 \
        do {                                                                                    \
                _cleanup_free_ char *_got = match((const char *const[]) { __VA_ARGS__, NULL }); \
                                                                                                \
                assert_non_null(_got);                                                          \
                assert_string_equal(_got, want);                                                \
        } while (false)

static void test_names_match(void **state)
{
        assert_match("web1 web2 web10", "web*");
        assert_match("web1 web2", "web?");
        assert_match("web1 db", "web[13]", "d*");
        /* In the order given, each once. */
        assert_match("web2 web1 web10", "web2", "web*", "web1");
        /* A name needs no match: the verb says what is wrong with it. */
        assert_match("nosuch", "nosuch");
        assert_match("../x", "../x");
        assert_match("db web1 web2 web10 x.web", "*");
}

static void test_names_match_none(void **state)
{
        assert_null(match((const char *const[]) { "db", "nosuch*", NULL }));
        assert_string_equal(complaint, "No machine matches 'nosuch*'; see boxctl list --all");
        assert_null(match((const char *const[]) { "web[", NULL }));
        assert_string_equal(complaint, "No running machine matches 'web['; see boxctl list");
        assert_null(match((const char *const[]) { "WEB*", NULL }));
}

static void test_names_have_glob(void **state)
{
        assert_false(names_have_glob(NULL));
        assert_false(names_have_glob((char *const[]) { (char *) "web-1.a", (char *) ".host", NULL }));
        assert_true(names_have_glob((char *const[]) { (char *) "a", (char *) "web?", NULL }));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_match),
                cmocka_unit_test(test_names_match_none),
                cmocka_unit_test(test_names_have_glob),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
