/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * DeviceAllow= of a unit (see unit-devices.h). systemd tells what is in force, but not what of it the unit's own files allow:
 * these are read here. box-run --live, as root; unit files are root's. Silent.
 */

#include <string.h>

#include "bus/scope.h"
#include "bus/systemd1.h"
#include "bus/unit-devices.h"
#include "util/fd.h"
#include "util/strv.h"
#include "util/unit-property-values.h"

/* Where systemd stores properties that were set at run time. */
#define RUNTIME_DIR "/run/systemd/"
#define RUNTIME_FILE "/50-DeviceAllow.conf"

enum { UNIT_FILE_MAX = 1024 * 1024 };

static void device_done(UnitDevice *d)
{
        free(d->name);
        free(d->access);
}

void unit_devices_done(UnitDevices *l)
{
        for (size_t i = 0; i < l->n; i++)
                device_done(&l->items[i]);
        free(l->items);
        *l = (UnitDevices) { .closed = l->closed };
}

const UnitDevice *unit_devices_find(const UnitDevices *l, const char *name)
{
        for (size_t i = 0; i < l->n; i++) {
                const UnitDevice *d = &l->items[i];

                if (d->access ? strcmp(d->name, name) == 0 : strncmp(d->name, name, strlen(d->name)) == 0)
                        return d;
        }
        return NULL;
}

static int add(UnitDevices *l, const char *name, const char *access)
{
        UnitDevice d = { strdup(name), access ? strdup(access) : NULL };

        if (d.name && (d.access || !access) && array_move(&l->items, &l->n, &d, sizeof(d)) >= 0)
                return 0;
        device_done(&d);
        return -ENOMEM;
}

int unit_devices_put(UnitDevices *l, const char *name, const char *access)
{
        for (size_t i = 0; i < l->n; i++) {
                if (strcmp(l->items[i].name, name) != 0)
                        continue;
                if (access)
                        return free_and_strdup(&l->items[i].access, access);
                device_done(&l->items[i]);
                memmove(&l->items[i], &l->items[i + 1], (--l->n - i) * sizeof(*l->items));
                return 0;
        }
        return access ? add(l, name, access) : 0;
}

bool unit_devices_equal(const UnitDevices *a, const UnitDevices *b)
{
        for (size_t i = 0; i < a->n; i++) {
                const UnitDevice *other = unit_devices_find(b, a->items[i].name);

                if (!other || !other->access || !a->items[i].access || strcmp(other->access, a->items[i].access) != 0)
                        return false;
        }
        return a->n == b->n;
}

/* ---- the unit's files -------------------------------------------------------------------------------------------- */

/* "/dev/fuse rwm". What a specifier stands for only systemd knows: of such a name, the beginning is kept. */
static int parse_value(char *value, UnitDevices *l)
{
        char *name = value + strspn(value, " \t\""), *access = name + strcspn(name, " \t\"");
        char *percent;

        if (!*name) {
                unit_devices_done(l);
                return 0;
        }
        if (*access)
                *access++ = 0;
        access += strspn(access, " \t\"");
        access[strspn(access, "rwm")] = 0;
        percent = strchr(name, '%');
        if (percent) {
                *percent = 0;
                return add(l, name, NULL);
        }
        return unit_devices_put(l, name, *access ? access : "rwm");
}

int unit_devices_parse(char *text, UnitDevices *l)
{
        static const char key[] = "DeviceAllow";
        char *line;

        while ((line = strsep(&text, "\n"))) {
                char *value;

                line += strspn(line, " \t\r");
                if (strncmp(line, key, strlen(key)) != 0)
                        continue;
                value = line + strlen(key) + strspn(line + strlen(key), " \t");
                value[strcspn(value, "\r")] = 0;
                if (*value == '=' && parse_value(value + 1, l) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_file(const char *path, UnitDevices *l)
{
        _cleanup_free_ char *text = NULL;
        int r = fd_read_file_at(AT_FDCWD, path, UNIT_FILE_MAX, &text, NULL);

        /* Removed since: systemd has read it, and we cannot know what it had. */
        return r == -ENOENT ? 0 : r < 0 ? r : unit_devices_parse(text, l);
}

static bool is_set_at_run_time(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash && strcmp(slash, RUNTIME_FILE) == 0 && strncmp(path, RUNTIME_DIR, strlen(RUNTIME_DIR)) == 0;
}

static int read_own(sd_bus_message *fragment, sd_bus_message *drop_ins, bool our_scope, UnitDevices *ret)
{
        static const char *const of_scopes[] = { SCOPE_DEVICES };
        _cleanup_strv_ char **paths = NULL;
        const char *path;
        int r;

        r = sd_bus_message_read(fragment, "v", "s", &path);
        if (r >= 0)
                r = sd_bus_message_enter_container(drop_ins, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_read_strv(drop_ins, &paths);
        /* The file of our scope is what it was created with. */
        for (size_t i = 0; r >= 0 && our_scope && i < ARRAY_SIZE(of_scopes); i += 2)
                r = unit_devices_put(ret, of_scopes[i], of_scopes[i + 1]);
        if (r >= 0 && !our_scope && *path)
                r = read_file(path, ret);
        STRV_FOREACH(file, paths)
                if (r >= 0 && !is_set_at_run_time(*file))
                        r = read_file(*file, ret);
        return r;
}

/* ---- systemd ----------------------------------------------------------------------------------------------------- */

static int read_now(sd_bus_message *policy, sd_bus_message *allowed, UnitDevices *ret)
{
        const char *name, *access;
        int r;

        r = sd_bus_message_read(policy, "v", "s", &name);
        if (r < 0)
                return r;
        ret->closed = strcmp(name, "auto") != 0;
        r = sd_bus_message_enter_container(allowed, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_enter_container(allowed, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(allowed, "(ss)", &name, &access)) > 0)
                r = unit_devices_put(ret, name, access);
        return r;
}

int unit_devices_read(sd_bus *bus, const char *unit, bool our_scope, UnitDevices *now, UnitDevices *own, Failure *failure)
{
        static const char *const properties[] = { "DevicePolicy", "DeviceAllow", "FragmentPath", "DropInPaths" };
        static const char what[] = "ask for the unit's device policy";
        BusCall calls[ARRAY_SIZE(properties)] = {};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(calls); i++)
                r = i < 2 ? systemd1_get_send(bus, unit, properties[i], &calls[i]) :
                            systemd1_get_unit_send(bus, unit, properties[i], &calls[i]);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(calls); i++) {
                r = bus_wait(bus, NULL, &calls[i].done, UINT64_MAX);
                if (r >= 0 && bus_call_error(&calls[i]))
                        r = bus_failure(failure, -sd_bus_message_get_errno(calls[i].reply), bus_call_error(&calls[i]), what);
        }
        if (r >= 0)
                r = read_now(calls[0].reply, calls[1].reply, now);
        if (r >= 0)
                r = read_own(calls[2].reply, calls[3].reply, our_scope, own);
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                bus_call_done(&calls[i]);
        return r < 0 ? failure_set(failure, r, "Failed to %s: %m", what) : 0;
}

int unit_devices_property(const UnitDevices *l, UnitProperty *ret)
{
        UnitProperty p = { .key = "DeviceAllow", .name = "DeviceAllow", .read_name = "DeviceAllow", .type = "a(ss)" };

        for (size_t i = 0; i < l->n; i++)
                if (unit_value_add_text(&p, l->items[i].name) < 0 || unit_value_add_text(&p, l->items[i].access) < 0) {
                        unit_property_done(&p);
                        return -ENOMEM;
                }
        *ret = p;
        return 0;
}
