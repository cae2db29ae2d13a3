/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules of the payload's device policy (see device-plan.h). The supervisor, and box-run --live. */

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "plan/device-plan.h"

static int allow_listed(DevicePolicy *p, const UnitPropertySetting *items, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                const UnitProperty *property = &items[i].property;

                if (strcmp(property->key, "DeviceAllow") == 0 && property->n_values == 2)
                        r = device_policy_allow_name(p, property->values[0].data, property->values[1].data, NULL);
        }
        return r;
}

/* Those of every machine: what is in its /dev, and nodes without a driver, which hide others (mount-plan-api.c). */
static int allow_usual(const HostFacts *host, DevicePolicy *p)
{
        static const struct { bool block; uint32_t major, minor; const char *access; } usual[] = {
                { false, 5, 2, "rwm" },                 /* ptmx */
                { false, 136, DEVICE_ANY, "rw" },       /* pts */
                { false, 0, 0, "m" }, { true, 0, 0, "m" },
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < host->n_devices; i++)
                r = device_policy_allow(p, false, major(host->devices[i].rdev), minor(host->devices[i].rdev), "rwm");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(usual); i++)
                r = device_policy_allow(p, usual[i].block, usual[i].major, usual[i].minor, usual[i].access);
        return r;
}

/* DevicePolicy=auto in the machine's settings means what it means to systemd. */
static bool settings_open_devices(const UnitPlan *u)
{
        bool open = false;

        for (size_t i = 0; i < u->n_resources; i++)
                if (strcmp(u->resources[i].property.key, "DevicePolicy") == 0)
                        open = strcmp(u->resources[i].property.values[0].data, "auto") == 0;
        return open;
}

int device_plan_policy(const UnitPlan *u, const HostFacts *host, const OciSettings *oci, int unit_fd, DevicePolicy *p)
{
        int r;

        p->closed = !settings_open_devices(u) && device_policy_of_unit(unit_fd) == 0;
        r = p->closed ? allow_usual(host, p) : 0;
        if (r >= 0)
                r = allow_listed(p, u->devices, u->n_devices);
        if (r >= 0)
                r = allow_listed(p, u->resources, u->n_resources);
        if (r >= 0)
                r = allow_listed(p, u->scope, u->n_scope);
        for (size_t i = 0; r >= 0 && oci && i < oci->n_devices; i++)
                if (!S_ISFIFO(oci->devices[i].mode))
                        r = device_policy_allow(p, S_ISBLK(oci->devices[i].mode), oci->devices[i].major, oci->devices[i].minor,
                                                "rwm");
        return r;
}
