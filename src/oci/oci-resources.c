/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "linux.resources" of config.json as keys of [X-Resources] (see oci-internal.h). Its members mean files of cgroup v1, which are
 * converted to v2 as runc does. The supervisor, before anything is changed; pure.
 */

#include <stdio.h>
#include <string.h>

#include "oci/oci-internal.h"

#define SECTION "X-Resources"

/* A number, or -1 for no limit. */
static int assign_limit(Oci *o, const JsonNode *v, const char *key)
{
        uint64_t value;

        if (v->integral && v->integer == -1)
                return oci_assign(o, v, SECTION, key, "infinity");
        if (json_node_u64(v, &value) < 0)
                return oci_error(o, v, "is neither a number nor -1 (no limit)");
        return value == UINT64_MAX ? oci_assign(o, v, SECTION, key, "infinity") :
                                     oci_assign_format(o, v, SECTION, key, "%llu", (unsigned long long) value);
}

/* ---- memory ----------------------------------------------------------------------------------------------------------- */

/* 0 is no limit here, as in runc. */
static bool is_unset(const JsonNode *v)
{
        return v->integral && v->integer == 0;
}

/* "limit" or "reservation" */
static int read_memory_limit(Oci *o, const JsonNode *v)
{
        return is_unset(v) ? 0 : assign_limit(o, v, strcmp(v->key, "limit") == 0 ? "MemoryMax" : "MemoryLow");
}

/* The limit of memory and swap together. */
static int read_memory_swap(Oci *o, const JsonNode *v)
{
        const JsonNode *limit_node = oci_member(v->parent, "limit", JSON_NODE_NUMBER);
        uint64_t limit, both;

        if (is_unset(v))
                return 0;
        if (v->integral && v->integer == -1)
                return assign_limit(o, v, "MemorySwapMax");
        if (!limit_node || json_node_u64(limit_node, &limit) < 0)
                return oci_error(o, v, "a limit of memory and swap needs one of memory (\"limit\")");
        if (json_node_u64(v, &both) < 0 || both < limit)
                return oci_error(o, v, "is not a number, or less than the limit of memory");
        return oci_assign_format(o, v, SECTION, "MemorySwapMax", "%llu", (unsigned long long) (both - limit));
}

static int read_memory(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "limit", JSON_NODE_NUMBER, OCI_READ, read_memory_limit },
                { "reservation", JSON_NODE_NUMBER, OCI_READ, read_memory_limit },
                { "swap", JSON_NODE_NUMBER, OCI_READ, read_memory_swap },
                { "kernel", JSON_NODE_NUMBER, OCI_WARN },
                { "kernelTCP", JSON_NODE_NUMBER, OCI_WARN },
                { "swappiness", JSON_NODE_NUMBER, OCI_WARN },
                { "disableOOMKiller", JSON_NODE_BOOL, OCI_WARN },
                { "useHierarchy", JSON_NODE_BOOL, OCI_SKIP },           /* always the case */
                { "checkBeforeUpdate", JSON_NODE_BOOL, OCI_SKIP },      /* no memory is in use yet */
        };

        return OCI_MEMBERS(o, v, members);
}

/* ---- cpu -------------------------------------------------------------------------------------------------------------- */

/* From 2…262144 to 1…10000. */
static int read_shares(Oci *o, const JsonNode *v)
{
        uint64_t shares;

        if (json_node_u64(v, &shares) < 0 || (shares != 0 && (shares < 2 || shares > 262144)))
                return oci_error(o, v, "is not a share, from 2 to 262144");
        if (shares == 0)
                return 0;
        return oci_assign_format(o, v, SECTION, "CPUWeight", "%llu", (unsigned long long) (1 + (shares - 2) * 9999 / 262142));
}

enum { PERIOD_DEFAULT = 100000, PERIOD_MIN = 1000, PERIOD_MAX = 1000000 };     /* the kernel's, in microseconds */

static int read_quota(Oci *o, const JsonNode *v)
{
        const JsonNode *period_node = oci_member(v->parent, "period", JSON_NODE_NUMBER);
        uint64_t quota, period = PERIOD_DEFAULT;

        if (v->integral && v->integer <= 0)
                return 0;
        if (period_node && (json_node_u64(period_node, &period) < 0 || period < PERIOD_MIN || period > PERIOD_MAX))
                return oci_error(o, period_node, "is not a period, from %d to %d microseconds", PERIOD_MIN, PERIOD_MAX);
        if (json_node_u64(v, &quota) < 0 || quota > UINT32_MAX)
                return oci_error(o, v, "is not a number of microseconds");
        /* In hundredths of a percent, rounded up so that it is never 0. */
        quota = (quota * 10000 + period - 1) / period;
        return oci_assign_format(o, v, SECTION, "CPUQuota", "%llu.%02llu%%", (unsigned long long) quota / 100,
                              (unsigned long long) quota % 100);
}

static int read_period(Oci *o, const JsonNode *v)
{
        const JsonNode *quota = oci_member(v->parent, "quota", JSON_NODE_NUMBER);
        uint64_t period;

        /* read_quota() reports a bad period. */
        if (!quota || quota->real <= 0 || json_node_u64(v, &period) < 0)
                return 0;
        return oci_assign_format(o, v, SECTION, "CPUQuotaPeriodSec", "%lluus", (unsigned long long) period);
}

static int read_idle(Oci *o, const JsonNode *v)
{
        return v->real != 0 ? oci_assign(o, v, SECTION, "CPUWeight", "idle") : 0;
}

static int read_cpu(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "shares", JSON_NODE_NUMBER, OCI_READ, read_shares },
                { "quota", JSON_NODE_NUMBER, OCI_READ, read_quota },
                { "period", JSON_NODE_NUMBER, OCI_READ, read_period },
                { "cpus", JSON_NODE_STRING, OCI_ASSIGN, .section = SECTION, .key = "AllowedCPUs" },
                { "mems", JSON_NODE_STRING, OCI_ASSIGN, .section = SECTION, .key = "AllowedMemoryNodes" },
                { "idle", JSON_NODE_NUMBER, OCI_READ, read_idle },
                { "burst", JSON_NODE_NUMBER, OCI_WARN },
                { "realtimeRuntime", JSON_NODE_NUMBER, OCI_WARN },
                { "realtimePeriod", JSON_NODE_NUMBER, OCI_WARN },
        };

        return OCI_MEMBERS(o, v, members);
}

/* ---- pids -------------------------------------------------------------------------------------------------------------- */

static int read_pids_limit(Oci *o, const JsonNode *v)
{
        if (v->integral && v->integer <= 0)
                return oci_assign(o, v, SECTION, "TasksMax", "infinity");
        return assign_limit(o, v, "TasksMax");
}

static int read_pids(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = { { "limit", JSON_NODE_NUMBER, OCI_READ, read_pids_limit, true } };

        return OCI_MEMBERS(o, v, members);
}

/* ---- disks ------------------------------------------------------------------------------------------------------------- */

/* From 10…1000 to 1…10000. */
static bool io_weight(const JsonNode *v, unsigned *ret)
{
        uint32_t weight;

        if (json_node_u32(v, &weight) < 0 || weight < 10 || weight > 1000)
                return false;
        *ret = 1 + (weight - 10) * 9999 / 990;
        return true;
}

static int read_io_weight(Oci *o, const JsonNode *v)
{
        unsigned weight;

        if (v->real == 0)
                return 0;
        if (!io_weight(v, &weight))
                return oci_error(o, v, "is not a weight, from 10 to 1000");
        return oci_assign_format(o, v, SECTION, "IOWeight", "%u", weight);
}

/* The path of a device's node by "major" and "minor". */
static bool block_device(const JsonNode *v, char *buf, size_t size)
{
        const JsonNode *major_node = oci_member(v, "major", JSON_NODE_NUMBER);
        const JsonNode *minor_node = oci_member(v, "minor", JSON_NODE_NUMBER);
        uint32_t major, minor;

        if (!major_node || !minor_node || json_node_u32(major_node, &major) < 0 || json_node_u32(minor_node, &minor) < 0)
                return false;
        (void) snprintf(buf, size, "/dev/block/%u:%u", major, minor);
        return true;
}

static int read_device_weight(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "major", JSON_NODE_NUMBER, OCI_READ }, { "minor", JSON_NODE_NUMBER, OCI_READ },
                { "weight", JSON_NODE_NUMBER, OCI_READ }, { "leafWeight", JSON_NODE_NUMBER, OCI_WARN },
        };
        const JsonNode *weight_node = oci_member(v, "weight", JSON_NODE_NUMBER);
        char device[64];
        unsigned weight;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0)
                return r;
        if (!block_device(v, device, sizeof(device)) || !weight_node || !io_weight(weight_node, &weight))
                return oci_error(o, v, "is not a device with its weight");
        return oci_assign_format(o, v, SECTION, "IODeviceWeight", "%s %u", device, weight);
}

static int read_throttle(Oci *o, const JsonNode *v)
{
        static const struct { const char *member, *key; } keys[] = {
                { "throttleReadBpsDevice", "IOReadBandwidthMax" }, { "throttleWriteBpsDevice", "IOWriteBandwidthMax" },
                { "throttleReadIOPSDevice", "IOReadIOPSMax" }, { "throttleWriteIOPSDevice", "IOWriteIOPSMax" },
        };
        static const OciMember members[] = {
                { "major", JSON_NODE_NUMBER, OCI_READ }, { "minor", JSON_NODE_NUMBER, OCI_READ },
                { "rate", JSON_NODE_NUMBER, OCI_READ },
        };
        const JsonNode *rate_node = oci_member(v, "rate", JSON_NODE_NUMBER);
        char device[64];
        uint64_t rate;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0)
                return r;
        if (!block_device(v, device, sizeof(device)) || !rate_node || json_node_u64(rate_node, &rate) < 0)
                return oci_error(o, v, "is not a device with its rate");
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (strcmp(keys[i].member, v->parent->key) == 0)
                        r = oci_assign_format(o, v, SECTION, keys[i].key, "%s %llu", device, (unsigned long long) rate);
        return r;
}

static int read_block_io(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "weight", JSON_NODE_NUMBER, OCI_READ, read_io_weight },
                { "leafWeight", JSON_NODE_NUMBER, OCI_WARN },
                { "weightDevice", JSON_NODE_ARRAY, OCI_EACH, read_device_weight, .items = JSON_NODE_OBJECT },
                { "throttleReadBpsDevice", JSON_NODE_ARRAY, OCI_EACH, read_throttle, .items = JSON_NODE_OBJECT },
                { "throttleWriteBpsDevice", JSON_NODE_ARRAY, OCI_EACH, read_throttle, .items = JSON_NODE_OBJECT },
                { "throttleReadIOPSDevice", JSON_NODE_ARRAY, OCI_EACH, read_throttle, .items = JSON_NODE_OBJECT },
                { "throttleWriteIOPSDevice", JSON_NODE_ARRAY, OCI_EACH, read_throttle, .items = JSON_NODE_OBJECT },
        };

        return OCI_MEMBERS(o, v, members);
}

/* ---- devices ------------------------------------------------------------------------------------------------------------- */

/* "c" or "b" with numbers; a missing number means all. */
static int assign_device(Oci *o, const JsonNode *v, const char *type, const char *access)
{
        const JsonNode *major_node = oci_member(v, "major", JSON_NODE_NUMBER);
        const JsonNode *minor_node = oci_member(v, "minor", JSON_NODE_NUMBER);
        const char *kind = strcmp(type, "b") == 0 ? "block" : "char";
        uint32_t major, minor;

        /* crun and podman write -1 for "all". */
        if (major_node && major_node->real == -1)
                major_node = NULL;
        if (minor_node && minor_node->real == -1)
                minor_node = NULL;
        if ((major_node && json_node_u32(major_node, &major) < 0) || (minor_node && json_node_u32(minor_node, &minor) < 0))
                return oci_error(o, v, "is not a device");
        if (!major_node)
                return minor_node ? oci_error(o, v, "a minor number without a major one is not supported") :
                                    oci_assign_format(o, v, SECTION, "DeviceAllow", "%s-* %s", kind, access);
        if (!minor_node)
                return oci_assign_format(o, v, SECTION, "DeviceAllow", "%s-%u %s", kind, major, access);
        return oci_assign_format(o, v, SECTION, "DeviceAllow", "/dev/%s/%u:%u %s", kind, major, minor, access);
}

/* A first rule that denies all devices becomes DevicePolicy=closed, which leaves those that every machine has. Later rules may
 * only allow: systemd has no counterpart of a rule that denies what another allows. */
static int read_device_rule(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "allow", JSON_NODE_BOOL, OCI_READ, NULL, true },
                { "type", JSON_NODE_STRING, OCI_READ },
                { "major", JSON_NODE_NUMBER, OCI_READ },
                { "minor", JSON_NODE_NUMBER, OCI_READ },
                { "access", JSON_NODE_STRING, OCI_READ },
        };
        const JsonNode *allow = oci_member(v, "allow", JSON_NODE_BOOL);
        const char *type = json_member_string(v, "type") ?: "a", *access = json_member_string(v, "access");
        bool all = strcmp(type, "a") == 0;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !allow)
                return r;
        access = access && *access ? access : "rwm";
        if (strspn(access, "rwm") != strlen(access) || (!all && strcmp(type, "b") != 0 && strcmp(type, "c") != 0))
                return oci_error(o, v, "is not a device rule");
        if (!allow->boolean)
                return all && v->index == 0 ? oci_assign(o, v, SECTION, "DevicePolicy", "closed") :
                                              oci_error(o, v, "only the first rule may deny, and only all devices");
        return all ? oci_assign(o, v, SECTION, "DevicePolicy", "auto") : assign_device(o, v, type, access);
}

/* ---- files of cgroup v2 -------------------------------------------------------------------------------------------------- */

static int read_unified_file(Oci *o, const JsonNode *v)
{
        static const struct { const char *file, *key; } keys[] = {
                { "memory.min", "MemoryMin" }, { "memory.low", "MemoryLow" }, { "memory.high", "MemoryHigh" },
                { "memory.max", "MemoryMax" }, { "memory.swap.max", "MemorySwapMax" }, { "memory.zswap.max", "MemoryZSwapMax" },
                { "pids.max", "TasksMax" }, { "cpu.weight", "CPUWeight" }, { "cpuset.cpus", "AllowedCPUs" },
                { "cpuset.mems", "AllowedMemoryNodes" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (strcmp(keys[i].file, v->key) == 0)
                        return oci_assign(o, v, SECTION, keys[i].key, strcmp(v->string, "max") == 0 ? "infinity" : v->string);
        return oci_error(o, v, "is not supported");
}

int oci_read_resources(Oci *o, const JsonNode *resources)
{
        static const OciMember members[] = {
                { "memory", JSON_NODE_OBJECT, OCI_READ, read_memory },
                { "cpu", JSON_NODE_OBJECT, OCI_READ, read_cpu },
                { "pids", JSON_NODE_OBJECT, OCI_READ, read_pids },
                { "blockIO", JSON_NODE_OBJECT, OCI_READ, read_block_io },
                { "devices", JSON_NODE_ARRAY, OCI_EACH, read_device_rule, .items = JSON_NODE_OBJECT },
                { "unified", JSON_NODE_OBJECT, OCI_EACH, read_unified_file, .items = JSON_NODE_STRING },
                { "hugepageLimits", JSON_NODE_ARRAY, OCI_REFUSE },
                { "rdma", JSON_NODE_OBJECT, OCI_REFUSE },
                { "network", JSON_NODE_OBJECT, OCI_WARN },
        };

        return OCI_MEMBERS(o, resources, members);
}
