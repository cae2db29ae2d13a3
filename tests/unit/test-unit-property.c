/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts of unit files become properties, and properties become D-Bus messages, which are read back. */

#include "test.h"

#include <sys/socket.h>

#include "bus/unit-property.h"
#include "util/fd.h"
#include "util/libsystemd.h"

static const struct { const char *key, *text, *property; } good[] = {
        { "CPUAccounting", "yes", "CPUAccounting b 1" },
        { "MemoryZSwapWriteback", "off", "MemoryZSwapWriteback b 0" },
        { "CPUWeight", "1", "CPUWeight t 1" },
        { "CPUWeight", "10000", "CPUWeight t 10000" },
        { "CPUWeight", "idle", "CPUWeight t 0" },
        { "StartupIOWeight", "50", "StartupIOWeight t 50" },
        { "CPUQuota", "50%", "CPUQuotaPerSecUSec t 500000" },
        { "CPUQuota", "0.25%", "CPUQuotaPerSecUSec t 2500" },
        { "CPUQuota", "1600%", "CPUQuotaPerSecUSec t 16000000" },
        { "CPUQuota", "125‰", "CPUQuotaPerSecUSec t 125000" },
        { "CPUQuotaPeriodSec", "10ms", "CPUQuotaPeriodUSec t 10000" },
        { "AllowedCPUs", "0", "AllowedCPUs ay 0x01" },
        { "AllowedCPUs", "0-3,6 9", "AllowedCPUs ay 0x4f02" },
        { "AllowedMemoryNodes", "8191", NULL },
        { "MemoryMax", "1G", "MemoryMax t 1073741824" },
        { "MemoryMax", "infinity", "MemoryMax t 18446744073709551615" },
        { "MemoryMax", "50%", "MemoryMaxScale u 2147483648" },
        { "MemoryMin", "100%", "MemoryMinScale u 4294967295" },
        { "StartupMemorySwapMax", "0", "StartupMemorySwapMax t 0" },
        { "TasksMax", "4096", "TasksMax t 4096" },
        { "TasksMax", "10%", "TasksMaxScale u 429496730" },
        { "IODeviceWeight", "/dev/sda 200", "IODeviceWeight a(st) \"/dev/sda\" 200" },
        { "IOReadBandwidthMax", "/dev/sda 5M", "IOReadBandwidthMax a(st) \"/dev/sda\" 5000000" },
        { "IOWriteIOPSMax", "/dev/sda\t1K", "IOWriteIOPSMax a(st) \"/dev/sda\" 1000" },
        { "IOWriteBandwidthMax", "/srv infinity", "IOWriteBandwidthMax a(st) \"/srv\" 18446744073709551615" },
        { "IODeviceLatencyTargetSec", "/dev/sda 25ms", "IODeviceLatencyTargetUSec a(st) \"/dev/sda\" 25000" },
        { "IPAddressAllow", "192.0.2.1 2001:db8::/32",
          "IPAddressAllow a(iayu) 2 0xc0000201 32 10 0x20010db8000000000000000000000000 32" },
        { "IPAddressDeny", "any", "IPAddressDeny a(iayu) 2 0x00000000 0 10 0x00000000000000000000000000000000 0" },
        { "IPAddressAllow", "localhost", "IPAddressAllow a(iayu) 2 0x7f000000 8 10 0x00000000000000000000000000000001 128" },
        { "IPIngressFilterPath", "/sys/fs/bpf/f", "IPIngressFilterPath as \"/sys/fs/bpf/f\"" },
        { "BPFProgram", "egress:/sys/fs/bpf/f", "BPFProgram a(ss) \"egress\" \"/sys/fs/bpf/f\"" },
        { "SocketBindAllow", "any", "SocketBindAllow a(iiqq) 0 0 0 0" },
        { "SocketBindAllow", "ipv6", "SocketBindAllow a(iiqq) 10 0 0 0" },
        { "SocketBindAllow", "udp:53", "SocketBindAllow a(iiqq) 0 17 1 53" },
        { "SocketBindDeny", "ipv4:tcp:1-65535", "SocketBindDeny a(iiqq) 2 6 65535 1" },
        { "RestrictNetworkInterfaces", "eth1 eth2", "RestrictNetworkInterfaces (bas) 1 \"eth1\" \"eth2\"" },
        { "RestrictNetworkInterfaces", "~lo", "RestrictNetworkInterfaces (bas) 0 \"lo\"" },
        { "NFTSet", "cgroup:inet:filter:boxes", "NFTSet a(iiss) 3 1 \"filter\" \"boxes\"" },
        { "DeviceAllow", "/dev/sda5", "DeviceAllow a(ss) \"/dev/sda5\" \"rwm\"" },
        { "DeviceAllow", "char-drm rw", "DeviceAllow a(ss) \"char-drm\" \"rw\"" },
        { "DevicePolicy", "strict", "DevicePolicy s \"strict\"" },
        { "ManagedOOMSwap", "kill", "ManagedOOMSwap s \"kill\"" },
        { "ManagedOOMMemoryPressureLimit", "60%", "ManagedOOMMemoryPressureLimit u 2576980377" },
        { "MemoryPressureWatch", "on", "MemoryPressureWatch s \"yes\"" },
        { "MemoryPressureThresholdSec", "200ms", "MemoryPressureThresholdUSec t 200000" },
        { "Description", "Some text", "Description s \"Some text\"" },
        { "After", "a.service b.service", "After as \"a.service\" \"b.service\"" },
        { "KillSignal", "SIGTERM", "KillSignal i 15" },
        { "TimeoutStopSec", "1min", "TimeoutStopUSec t 60000000" },
};

static const struct { const char *key, *text; } bad[] = {
        { "CPUAccounting", "maybe" }, { "CPUWeight", "0" }, { "CPUWeight", "10001" }, { "IOWeight", "idle" },
        { "CPUQuota", "0%" }, { "CPUQuota", "50" }, { "CPUQuota", "-1%" }, { "CPUQuota", "infinity" },
        { "CPUQuotaPeriodSec", "10xs" }, { "AllowedCPUs", "3-1" }, { "AllowedCPUs", "8192" }, { "AllowedCPUs", "," },
        { "AllowedCPUs", "0-" }, { "MemoryMax", "101%" }, { "MemoryMax", "-1" }, { "MemoryMax", "1X" },
        { "MemoryMax", "99999999999999999999" }, { "TasksMax", "1K" }, { "TasksMax", "18446744073709551615" },
        { "IODeviceWeight", "/dev/sda" }, { "IODeviceWeight", "/dev/sda 0" }, { "IODeviceWeight", "/dev/sda infinity" },
        { "IODeviceWeight", "sda 100" }, { "IOReadBandwidthMax", "/dev/../sda 5M" }, { "IPAddressAllow", "192.0.2.1/33" },
        { "IPAddressAllow", "192.0.2" }, { "IPAddressAllow", "::1/129" }, { "IPAddressAllow", "any,localhost" },
        { "IPIngressFilterPath", "x" }, { "BPFProgram", "egress" }, { "BPFProgram", ":/x" }, { "SocketBindAllow", "0" },
        { "SocketBindAllow", "ipv4:" }, { "SocketBindAllow", "tcp:1:2" }, { "SocketBindAllow", "sctp" },
        { "SocketBindAllow", "9-8" }, { "RestrictNetworkInterfaces", "~" }, { "RestrictNetworkInterfaces", "a/b" },
        { "NFTSet", "cgroup:inet:filter" }, { "NFTSet", "address:inet:t:s" }, { "NFTSet", "cgroup:inet:t:s:x" },
        { "DeviceAllow", "/etc/passwd r" }, { "DeviceAllow", "/dev/../x" }, { "DeviceAllow", "/dev/sda rx" },
        { "DevicePolicy", "open" }, { "ManagedOOMPreference", "never" }, { "ManagedOOMMemoryPressureLimit", "101%" },
        { "Description", "\033[2J" }, { "KillSignal", "SIGFOO" },
};

static void test_texts(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_free_ char *text = NULL;
                UnitProperty p;

                assert_int_equal(unit_property_parse(UNIT_ANY, good[i].key, good[i].text, &p, NULL), 0);
                assert_string_equal(p.key, good[i].key);
                text = unit_property_text(&p);
                if (good[i].property)
                        assert_string_equal(text, good[i].property);
                unit_property_done(&p);
        }
}

static void test_bad_texts(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Failure failure = {};
                UnitProperty p;

                if (unit_property_parse(UNIT_ANY, bad[i].key, bad[i].text, &p, &failure) != -EINVAL)
                        fail_msg("%s=%s was taken", bad[i].key, bad[i].text);
                assert_true(strlen(failure.text) > 3);
        }
}

/* Not in the table, or not for a unit that runs: left to systemd. */
static void test_unknown(void **state)
{
        static const struct { UnitPropertyScope scope; const char *key, *name; } cases[] = {
                { UNIT_RESOURCES, "Description", "Description" },
                { UNIT_ANY, "ExecStart", "ExecStart" },
                { UNIT_RESOURCES, "MemoryTHP", "MemoryTHP" },
                { UNIT_RESOURCES, "JobTimeoutSec", "JobTimeoutUSec" },
                { UNIT_RESOURCES, "JobTimeoutUSec", "JobTimeoutUSec" },
        };
        static const char *const no_names[] = { "", "a", "memoryMax", "Memory-Max", "Memory Max", "1Max", "M\xc3\xa4", NULL };
        char overlong[66] = { [0 ... 64] = 'X' };
        UnitProperty p;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(unit_property_parse(cases[i].scope, cases[i].key, "x", &p, NULL), 0);
                assert_null(p.type);
                assert_string_equal(p.key, cases[i].key);
                assert_string_equal(p.read_name, cases[i].name);
                unit_property_done(&p);
        }
        for (size_t i = 0; no_names[i]; i++)
                assert_int_equal(unit_property_parse(UNIT_ANY, no_names[i], "x", &p, NULL), -EINVAL);
        assert_false(unit_property_is_name(overlong));
        overlong[64] = 0;
        assert_true(unit_property_is_name(overlong));
}

/* By the type that the host's systemd has for it. */
static const struct { const char *key, *type, *text, *property; } typed[] = {
        { "MemoryTHP", "s", "always", "MemoryTHP s \"always\"" },
        { "MemoryTHP", "s", "a\033b", NULL },
        { "SurviveFinalKillSignal", "b", "on", "SurviveFinalKillSignal b 1" },
        { "SurviveFinalKillSignal", "b", "maybe", NULL },
        { "StartLimitBurst", "u", "7", "StartLimitBurst u 7" },
        { "SomeLimit", "u", "50%", "SomeLimit u 2147483648" },
        { "SomeLimit", "u", "4294967296", NULL },
        { "SomeLimit", "u", "-1", NULL },
        { "RestartKillSignal", "i", "SIGTERM", "RestartKillSignal i 15" },
        { "Nice", "i", "-5", "Nice i 18446744073709551611" },
        { "Nice", "i", "5x", NULL },
        { "Nice", "i", "2147483648", NULL },
        { "JobTimeoutSec", "t", "1min 5s", "JobTimeoutUSec t 65000000" },
        { "JobTimeoutSec", "t", "1G", NULL },
        { "MemoryFoo", "t", "1G", "MemoryFoo t 1073741824" },
        { "MemoryFoo", "t", "77", "MemoryFoo t 77" },
        { "MemoryFoo", "t", "infinity", "MemoryFoo t 18446744073709551615" },
        { "MemoryFoo", "t", "50%", "MemoryFooScale u 2147483648" },
        { "MemoryFoo", "t", "101%", NULL },
        { "MemoryFoo", "t", "lots", NULL },
        { "OOMRules", "as", "a 'b c'", "OOMRules as \"a\" \"b c\"" },
        { "OOMRules", "as", "'", NULL },
        { "CPUSetPartition", "(bas)", "root", NULL },
        { "BindLogSockets", "a(ss)", "x", NULL },
        { "SomeBytes", "ay", "0-3", NULL },
        { "SomeNumber", "x", "1", NULL },
};

static void test_types(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
                _cleanup_free_ char *text = NULL;
                Failure failure = {};
                UnitProperty p;
                int r;

                assert_int_equal(unit_property_parse(UNIT_ANY, typed[i].key, typed[i].text, &p, NULL), 0);
                r = unit_property_set_type(&p, typed[i].type, typed[i].text, &failure);
                if (r != (typed[i].property ? 0 : -EINVAL))
                        fail_msg("%s=%s of type %s gives %d", typed[i].key, typed[i].text, typed[i].type, r);
                assert_true(typed[i].property || strlen(failure.text) > 8);
                text = unit_property_text(&p);
                if (typed[i].property)
                        assert_string_equal(text, typed[i].property);
                unit_property_done(&p);
        }
}

static void test_device(void **state)
{
        _cleanup_free_ char *read_write = NULL, *read_only = NULL;
        UnitProperty p;

        assert_int_equal(unit_property_device_allow("/dev/fuse", true, &p), 0);
        read_write = unit_property_text(&p);
        unit_property_done(&p);
        assert_int_equal(unit_property_device_allow("/dev/block/8:1", false, &p), 0);
        read_only = unit_property_text(&p);
        unit_property_done(&p);
        assert_string_equal(read_write, "DeviceAllow a(ss) \"/dev/fuse\" \"rw\"");
        assert_string_equal(read_only, "DeviceAllow a(ss) \"/dev/block/8:1\" \"r\"");
}

static void test_find_in_text(void **state)
{
        const UnitProperty a = { .key = "MemoryMax", .name = "MemoryMaxScale" }, b = { .key = "CPUQuota",
                                 .name = "CPUQuotaPerSecUSec" }, c = { .key = "MemoryLow", .name = "MemoryLow" };
        const UnitProperty *const all[] = { &a, &b, &c };

        assert_int_equal(unit_property_find_in_text(all, 3, "Cannot set property MemoryMaxScale, or unknown property."), 0);
        assert_int_equal(unit_property_find_in_text(all, 3, "CPUQuotaPerSecUSec= value out of range"), 1);
        assert_int_equal(unit_property_find_in_text(all, 3, "StartupMemoryLow is bad, MemoryLow= too"), 2);
        assert_int_equal(unit_property_find_in_text(all, 3, "MemoryMaximum"), 3);
        assert_int_equal(unit_property_find_in_text(all, 3, ""), 3);
}

/* ---- messages --------------------------------------------------------------------------------------------------- */

/* A connection without a peer is enough to create messages. */
static sd_bus *new_bus(int *ret_other)
{
        sd_bus *bus = NULL;
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_fd(bus, pair[0], pair[0]) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        *ret_other = pair[1];
        return bus;
}

/* The value that m stands before, in unit_property_text()'s form. */
static void print_contents(sd_bus_message *m, FILE *f)
{
        const char *contents;
        const void *data;
        size_t size;
        char type;

        while (sd_bus_message_peek_type(m, &type, &contents) > 0) {
                union { const char *s; int b; int32_t i; uint32_t u; uint16_t q; uint64_t t; } v;

                if (type == 'a' && strcmp(contents, "y") == 0) {
                        assert_true(sd_bus_message_read_array(m, 'y', &data, &size) >= 0);
                        fprintf(f, " 0x");
                        for (size_t i = 0; i < size; i++)
                                fprintf(f, "%02x", ((const uint8_t *) data)[i]);
                        continue;
                }
                if (type == 'a' || type == 'r') {
                        assert_true(sd_bus_message_enter_container(m, type, contents) > 0);
                        print_contents(m, f);
                        assert_true(sd_bus_message_exit_container(m) >= 0);
                        continue;
                }
                assert_true(sd_bus_message_read_basic(m, type, &v) > 0);
                if (type == 's')
                        fprintf(f, " \"%s\"", v.s);
                else
                        fprintf(f, " %llu", type == 'b' ? (unsigned long long) v.b : type == 'i' ? (unsigned long long) v.i :
                                            type == 'u' ? v.u : type == 'q' ? v.q : (unsigned long long) v.t);
        }
}

static char *read_back(sd_bus *bus, const UnitProperty *p)
{
        sd_bus_message *m = NULL;
        const char *name, *type;
        char *text = NULL;
        size_t size;
        FILE *f;

        assert_true(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "C") >= 0);
        assert_true(sd_bus_message_open_container(m, 'a', "(sv)") >= 0);
        assert_int_equal(unit_property_append_all(m, &p, 1) < 0, 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
        assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(m, true) >= 0);

        assert_true(sd_bus_message_enter_container(m, 'a', "(sv)") > 0);
        assert_true(sd_bus_message_enter_container(m, 'r', "sv") > 0);
        assert_true(sd_bus_message_read_basic(m, 's', &name) > 0);
        assert_true(sd_bus_message_peek_type(m, NULL, &type) > 0);
        f = open_memstream(&text, &size);
        fprintf(f, "%s %s", name, type);
        assert_true(sd_bus_message_enter_container(m, 'v', type) > 0);
        print_contents(m, f);
        fclose(f);
        sd_bus_message_unref(m);
        return text;
}

static void test_messages(void **state)
{
        int other;
        sd_bus *bus = new_bus(&other);

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_free_ char *sent = NULL, *want = NULL;
                UnitProperty p;

                assert_int_equal(unit_property_parse(UNIT_ANY, good[i].key, good[i].text, &p, NULL), 0);
                want = unit_property_text(&p);
                sent = read_back(bus, &p);
                assert_string_equal(sent, want);
                unit_property_done(&p);
        }
        for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
                _cleanup_free_ char *sent = NULL;
                UnitProperty p;

                if (!typed[i].property)
                        continue;
                assert_int_equal(unit_property_parse(UNIT_ANY, typed[i].key, typed[i].text, &p, NULL), 0);
                assert_int_equal(unit_property_set_type(&p, typed[i].type, typed[i].text, NULL), 0);
                sent = read_back(bus, &p);
                assert_string_equal(sent, typed[i].property);
                unit_property_done(&p);
        }
        sd_bus_unref(bus);
        fd_close(other);
}

/* A value that is not of its property's type is never sent. */
static void test_wrong_types(void **state)
{
        UnitValue text = { .type = 's', .data = (char *) "x" }, number = { .type = 't' };
        const UnitProperty wrong[] = {
                { .name = "A", .type = "t", .values = &text, .n_values = 1 },
                { .name = "A", .type = "t" },
                { .name = "A", .type = "a(st)", .values = &text, .n_values = 1 },
                { .name = "A", .type = "as", .values = &number, .n_values = 1 },
                { .name = "A", .type = "ay", .values = &number, .n_values = 1 },
        };
        int other;
        sd_bus *bus = new_bus(&other);

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                sd_bus_message *m = NULL;

                assert_true(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "C") >= 0);
                assert_true(sd_bus_message_open_container(m, 'a', "(sv)") >= 0);
                assert_int_equal(unit_property_append(m, &wrong[i]), -EINVAL);
                sd_bus_message_unref(m);
        }
        sd_bus_unref(bus);
        fd_close(other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_bad_texts),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_device),
                cmocka_unit_test(test_find_in_text),
                cmocka_unit_test(test_messages),
                cmocka_unit_test(test_wrong_types),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
