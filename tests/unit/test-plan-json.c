/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plan for programs has what the plan for people has, and every setting's part of it is there. */

#include "test.h"

#include <jansson.h>
#include <stdio.h>

#include "plan-fixture.h"
#include "plan/plan-json.h"

typedef struct Planned {
        PlanFixture f;
        json_t *json;
} Planned;

static void planned_done(Planned *p)
{
        plan_fixture_done(&p->f);
        json_decref(p->json);
}

static void plan(Planned *p, const char *arguments)
{
        _cleanup_json_ Json *w = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f;

        plan_fixture_init(&p->f, INIT_SYSTEMD);
        plan_fixture_plan(&p->f, arguments);
        assert_int_equal(p->f.problems.n_fatal, 0);

        assert_int_equal(json_new(&w, NULL), 0);
        plan_to_json(w, NULL, &p->f.plan);
        f = open_memstream(&text, &size);
        assert_non_null(f);
        assert_int_equal(json_print(w, f, 2), 0);
        assert_int_equal(fclose(f), 0);
        p->json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(p->json);
}

static const char *string(const json_t *object, const char *key)
{
        const char *s = json_string_value(json_object_get(object, key));

        if (!s)
                fail_msg("no text %s", key);
        return s;
}

/* The element of a list whose member key is value. */
static json_t *element(const Planned *p, const char *list, const char *key, const char *value)
{
        json_t *item;
        size_t i;

        json_array_foreach(json_object_get(p->json, list), i, item)
                if (strcmp(json_string_value(json_object_get(item, key)) ?: "", value) == 0)
                        return item;
        fail_msg("nothing in %s has the %s %s", list, key, value);
        return NULL;
}

static void test_plan_to_json(void **state)
{
        _cleanup_(planned_done) Planned p;
        json_t *bind, *veth, *map;

        plan(&p, "-b -U --hostname=h --bind=/srv:/data:idmap -n --setenv=A=b --no-new-privileges=yes "
                 "--system-call-filter=bpf");
        assert_string_equal(string(p.json, "machine"), "gentoo");
        assert_string_equal(string(p.json, "hostname"), "h");
        assert_string_equal(string(p.json, "root"), "/var/lib/machines/gentoo");
        assert_string_equal(string(p.json, "init"), "systemd");
        assert_true(json_is_true(json_object_get(p.json, "no_new_privileges")));

        map = json_array_get(json_object_get(json_object_get(p.json, "ids"), "map"), 0);
        assert_int_equal(json_integer_value(json_object_get(map, "outside")), 524288);

        bind = element(&p, "mounts", "destination", "/data");
        assert_string_equal(string(bind, "kind"), "tree");
        assert_string_equal(string(bind, "source"), "/srv");
        assert_non_null(strstr(string(bind, "attributes"), "idmapped"));
        assert_string_equal(string(json_object_get(bind, "from"), "switch"), "--bind=");
        assert_true(json_is_null(json_object_get(element(&p, "mounts", "destination", "/proc"), "from")));

        veth = element(&p, "links", "kind", "veth");
        assert_string_equal(string(veth, "host_name"), "ve-gentoo");
        assert_string_equal(string(veth, "inner_name"), "host0");

        assert_string_equal(json_string_value(json_array_get(json_object_get(json_object_get(p.json, "system_calls"),
                                                                             "allow"), 0)), "bpf");
}

static void test_every_setting_has_its_member(void **state)
{
        _cleanup_(planned_done) Planned p;

        plan(&p, "-b");
        for (size_t i = 0; i < settings_table_size; i++) {
                const char *member = plan_member_of_setting(settings_table[i].id);

                if (member && !json_object_get(p.json, member))
                        fail_msg("the plan has no %s", member);
        }
        assert_string_equal(plan_member_of_setting(SETTING_BIND), "mounts");
        assert_string_equal(plan_member_of_setting(SETTING_MACVLAN), "links");
        assert_null(plan_member_of_setting(SETTING_QUIET));
}

/* Neither in the plan for programs nor in that for people. */
static void test_secrets_are_not_told(void **state)
{
        _cleanup_(planned_done) Planned p;
        _cleanup_free_ char *json = NULL, *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        plan(&p, "-b --set-credential=name:hunter2");
        json = json_dumps(p.json, 0);
        assert_non_null(json);
        assert_non_null(f);
        assert_int_equal(plan_print(&p.f.plan, f), 0);
        assert_int_equal(fclose(f), 0);
        assert_null(strstr(json, "hunter2"));
        assert_null(strstr(text, "hunter2"));
        assert_non_null(strstr(text, "name, 7 bytes"));
        assert_string_equal(json_string_value(json_array_get(json_object_get(p.json, "credentials"), 0)), "name, 7 bytes");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_to_json),
                cmocka_unit_test(test_every_setting_has_its_member),
                cmocka_unit_test(test_secrets_are_not_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
