/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "run/control.h"

static const ControlMethod *find(const char *interface, const char *name, size_t n)
{
        const ControlService *s = &machine_control_service;

        for (size_t i = 0; i < s->n_methods; i++) {
                size_t k = strlen(interface);

                if (strncmp(s->methods[i].name, interface, k) == 0 && s->methods[i].name[k] == '.' &&
                    strlen(s->methods[i].name) == k + 1 + n && strncmp(s->methods[i].name + k + 1, name, n) == 0)
                        return &s->methods[i];
        }
        return NULL;
}

static void check_parameter(const ControlField *f, const char *name, const char *type)
{
        static const char *const types[_JSON_NODE_MAX] = {
                [JSON_NODE_BOOL] = "bool", [JSON_NODE_NUMBER] = "int", [JSON_NODE_STRING] = "string",
                [JSON_NODE_ARRAY] = "[]string", [JSON_NODE_OBJECT] = "object",
        };

        assert_non_null(f->name);
        assert_string_equal(f->name, name);
        assert_int_equal(f->optional, *type == '?');
        assert_string_equal(types[f->kind], type + f->optional);
}

/* "name: type, name: type", as the row has them. */
static void check_parameters(const ControlMethod *m, const char *from, const char *to)
{
        size_t n = 0;

        while (from < to) {
                char name[64], type[64];
                int used = 0;

                assert_int_equal(sscanf(from, " %63[a-zA-Z] : %63[^,) \n]%n", name, type, &used), 2);
                check_parameter(&m->fields[n++], name, type);
                from += used;
                from += strspn(from, ", \n");
        }
        assert_true(n == CONTROL_FIELDS_MAX || !m->fields[n].name);
}

/* The tables and the descriptions that clients read are the same. */
static void test_control_descriptions(void **state)
{
        const ControlService *s = &machine_control_service;
        size_t n_described = 0;

        for (size_t i = 0; i < s->n_interfaces; i++) {
                const ControlInterface *interface = &s->interfaces[i];
                char head[128];

                (void) snprintf(head, sizeof(head), "\ninterface %s\n", interface->name);
                assert_non_null(strstr(interface->description, head));
                for (const char *p = interface->description; (p = strstr(p, "\nmethod ")); p++) {
                        const char *name = p + strlen("\nmethod "), *parameters = strchr(name, '(');
                        const ControlMethod *m = find(interface->name, name, (size_t) (parameters - name));

                        assert_non_null(m);
                        check_parameters(m, parameters + 1, strchr(parameters, ')'));
                        n_described++;
                }
        }
        assert_int_equal(n_described, s->n_methods);
}

/* Any user may look, only root of the host may act. */
static void test_control_rights(void **state)
{
        const ControlService *s = &machine_control_service;

        for (size_t i = 0; i < s->n_methods; i++) {
                const char *name = strrchr(s->methods[i].name, '.') + 1;
                bool looks = strcmp(name, "Describe") == 0 || strncmp(name, "Subscribe", 9) == 0;

                assert_non_null(s->methods[i].run);
                assert_int_equal(!!(s->methods[i].flags & CONTROL_ANY_USER), looks);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_control_descriptions),
                cmocka_unit_test(test_control_rights),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
