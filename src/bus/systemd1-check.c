/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reasons that would prevent the start of a unit, told before it is tried (see systemd1.h): settings of it, or of its drop-ins,
 * that name something that is not there. A table of properties; the others only systemd can judge. Runs in boxctl with its
 * caller's rights: what that may not look at is no problem. Silent.
 */

#include <ctype.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "util/print.h"
#include "util/strv.h"

/* Adds a problem with PROPERTY=VALUE. */
static int add(char ***list, const char *property, const char *value, const char *why)
{
        char *text;

        return strf(&text, "%s=%s: %s", property, value, why) < 0 ? -ENOMEM : strv_consume(list, text);
}

static int add_missing(char ***list, const char *property, const char *value, const char *path, int mode)
{
        if (access(path, mode) >= 0 || (errno == EACCES && mode == F_OK))
                return 0;
        return add(list, property, value, strerror(errno));
}

/* ---- one for each type of property ------------------------------------------------------------------------------- */

/* a(sasbttttuii): path, words, whether a failure is ignored … */
static int check_commands(sd_bus *bus, sd_bus_message *m, const char *property, char ***list)
{
        int r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sasbttttuii")) > 0) {
                const char *path;
                int ignored;

                r = sd_bus_message_read(m, "s", &path);
                if (r >= 0)
                        r = sd_bus_message_skip(m, "as");
                if (r >= 0)
                        r = sd_bus_message_read(m, "b", &ignored);
                if (r >= 0 && !ignored)
                        r = add_missing(list, property, path, path, X_OK);
                if (r >= 0)
                        r = sd_bus_message_skip(m, "ttttuii");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

/* a(ss): a name, and a path or the name of one that systemd looks for in directories of its own. */
static int check_credentials(sd_bus *bus, sd_bus_message *m, const char *property, char ***list)
{
        const char *id, *path;
        int r = sd_bus_message_enter_container(m, 'a', "(ss)");

        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &id, &path)) > 0) {
                _cleanup_free_ char *value = NULL;

                if (strf(&value, "%s:%s", id, path) < 0)
                        return -ENOMEM;
                r = *path == '/' ? add_missing(list, property, value, path, F_OK) : 0;
        }
        return r;
}

/* "!" before a directory: it may be missing; "~": the user's home. */
static int check_directory(sd_bus *bus, sd_bus_message *m, const char *property, char ***list)
{
        const char *path;
        int r = sd_bus_message_read(m, "s", &path);

        return r < 0 || *path != '/' ? r : add_missing(list, property, path, path, F_OK);
}

static int check_user(sd_bus *bus, sd_bus_message *m, const char *property, char ***list)
{
        const char *name;
        int r = sd_bus_message_read(m, "s", &name);

        if (r < 0 || !*name || isdigit((unsigned char) *name) || getpwnam(name))
                return r;
        return add(list, property, name, "the host has no such user");
}

static int check_units(sd_bus *bus, sd_bus_message *m, const char *property, char ***list)
{
        _cleanup_strv_ char **units = NULL;
        int r = sd_bus_message_read_strv(m, &units);

        STRV_FOREACH(unit, units) {
                _cleanup_(unit_info_done) UnitInfo info = { 0 };

                if (r < 0 || systemd1_unit_info(bus, *unit, &info, NULL) < 0)
                        continue;
                if (strcmp(info.load_state, "not-found") == 0)
                        r = add(list, property, *unit, "there is no such unit");
                else if (strcmp(info.load_state, "masked") == 0)
                        r = add(list, property, *unit, "the unit is masked");
        }
        return r;
}

static bool is_directory(const char *path)
{
        struct stat st;

        return stat(path, &st) >= 0 && S_ISDIR(st.st_mode);
}

static bool is_file_with_content(const char *path)
{
        struct stat st;

        return stat(path, &st) >= 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static bool exists(const char *path)
{
        return access(path, F_OK) >= 0;
}

/* a(sbbsi): the setting, whether it is one of several alternatives, whether it is negated, its value, and the last result. */
static int check_conditions(sd_bus *bus, sd_bus_message *m, const char *property, char ***list)
{
        static const struct {
                const char *name;       /* without "Condition" or "Assert" */
                bool (*test)(const char *path);
        } tests[] = {
                { "PathExists", exists }, { "PathIsDirectory", is_directory }, { "FileNotEmpty", is_file_with_content },
        };
        const char *name, *value;
        int either, negated, r = sd_bus_message_enter_container(m, 'a', "(sbbsi)");

        while (r >= 0 && (r = sd_bus_message_read(m, "(sbbsi)", &name, &either, &negated, &value, NULL)) > 0)
                for (size_t i = 0; r >= 0 && !either && i < ARRAY_SIZE(tests); i++) {
                        const char *found = strstr(name, tests[i].name);

                        if (!found || found[strlen(tests[i].name)] || tests[i].test(value) != negated)
                                continue;
                        if (negated)
                                r = add(list, name, value, "it is there, and must not be");
                        else if (exists(value) || errno != EACCES)
                                r = add(list, name, value, exists(value) ? "it is not so" : strerror(errno));
                }
        return r;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static const struct {
        const char *interface, *property, *type;
        int (*check)(sd_bus *bus, sd_bus_message *m, const char *property, char ***list);
} rows[] = {
        { "Unit", "Conditions", "a(sbbsi)", check_conditions },
        { "Unit", "Asserts", "a(sbbsi)", check_conditions },
        { "Unit", "Requires", "as", check_units },
        { "Unit", "BindsTo", "as", check_units },
        { "Unit", "Requisite", "as", check_units },
        { "Service", "ExecCondition", "a(sasbttttuii)", check_commands },
        { "Service", "ExecStartPre", "a(sasbttttuii)", check_commands },
        { "Service", "ExecStartPost", "a(sasbttttuii)", check_commands },
        { "Service", "LoadCredential", "a(ss)", check_credentials },
        { "Service", "LoadCredentialEncrypted", "a(ss)", check_credentials },
        { "Service", "WorkingDirectory", "s", check_directory },
        { "Service", "User", "s", check_user },
};

int systemd1_unit_check(sd_bus *bus, const char *unit, char ***ret)
{
        _cleanup_free_ char *path = systemd1_unit_path(unit);
        _cleanup_strv_ char **list = NULL;

        if (!path)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_message_ sd_bus_message *m = NULL;
                char interface[64];

                (void) snprintf(interface, sizeof(interface), "org.freedesktop.systemd1.%s", rows[i].interface);
                /* A systemd that does not know the property does not refuse it. */
                if (sd_bus_get_property(bus, BUS_SYSTEMD1, path, interface, rows[i].property, NULL, &m, rows[i].type) >= 0 &&
                    rows[i].check(bus, m, rows[i].property, &list) == -ENOMEM)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(list);
        return 0;
}
