/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* config.json is read into settings; unsupported properties are problems with their place in the document. */

#include "test.h"

#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>

#include "config/values-print.h"
#include "oci/oci.h"
#include "util/capability-names.h"

/* The least that is a container, with more members of process, of linux and at the top. */
#define BASE(process, linux, top)                                                                                       \
        "{ \"ociVersion\": \"1.0.2\", \"root\": { \"path\": \"rootfs\" }, \"process\": { \"cwd\": \"/\", "              \
        "\"args\": [\"/bin/true\"]" process " }, \"linux\": { \"namespaces\": [ { \"type\": \"mount\" }, "              \
        "{ \"type\": \"pid\" }, { \"type\": \"ipc\" }, { \"type\": \"uts\" }, { \"type\": \"network\" }, "              \
        "{ \"type\": \"cgroup\" } ]" linux " }" top " }"

typedef struct Fixture {
        OciBundle bundle;
        Problems problems;
        Settings settings;
} Fixture;

static void parse_only(Fixture *f, const char *text)
{
        *f = (Fixture) { .bundle = OCI_BUNDLE_NULL };
        settings_init(&f->settings);
        f->bundle.path = strdup("/b");
        f->bundle.config_path = strdup("config.json");
        assert_int_equal(oci_parse(&f->bundle, text, strlen(text), &f->problems), 0);
}

static void done(Fixture *f)
{
        settings_done(&f->settings);
        oci_bundle_done(&f->bundle);
        problems_done(&f->problems);
}

/* A document without a problem, as settings. */
static void parse(Fixture *f, const char *text)
{
        parse_only(f, text);
        assert_int_equal(assignments_apply(&f->bundle.assignments, NULL, &f->settings, &f->problems), 0);
        for (size_t i = 0; i < f->problems.n; i++)
                fail_msg("%s\n%s", text, f->problems.items[i].text);
}

/* The one problem of a document, or the first of those that its values have. */
static void expect_problem(const char *text, bool fatal, const char *words)
{
        Fixture f;

        parse_only(&f, text);
        if (f.problems.n == 0)
                assert_int_equal(assignments_apply(&f.bundle.assignments, NULL, &f.settings, &f.problems), 0);
        if (f.problems.n == 0)
                fail_msg("%s\nis fine", text);
        if (strcmp(f.problems.items[0].text, words) != 0 || f.problems.items[0].fatal != fatal)
                fail_msg("%s\n'%s' is not '%s'", text, f.problems.items[0].text, words);
        done(&f);
}

static void expect_setting(const Fixture *f, const char *section, const char *key, const char *text)
{
        const SettingRow *row = section ? settings_table_find_key(section, key) : settings_table_find_option(key);
        _cleanup_(value_texts_done) ValueTexts texts = {};

        assert_int_equal(value_print(row, &f->settings, &texts), 0);
        if (texts.n != 1 || strcmp(texts.items[0].text, text) != 0)
                fail_msg("%s is '%s' and not '%s'", key, texts.n > 0 ? texts.items[0].text : "", text);
}

static void test_least(void **state)
{
        char source[SOURCE_TEXT_MAX];
        Fixture f;

        parse(&f, BASE("", "", ""));
        assert_string_equal(f.bundle.root, "/b/rootfs");
        assert_string_equal(f.settings.parameters[0], "/bin/true");
        assert_null(f.settings.parameters[1]);
        assert_int_equal(f.settings.console, CONSOLE_PIPE);
        assert_int_equal(f.settings.resolv_conf, RESOLV_CONF_OFF);
        assert_int_equal(f.settings.private_users, PRIVATE_USERS_NO);
        assert_int_equal(f.settings.private_network, YES);
        assert_false(f.bundle.extra.share_pid || f.bundle.extra.share_ipc || f.bundle.extra.share_uts ||
                     f.bundle.extra.share_cgroup);
        assert_int_equal(f.bundle.extra.umask, -1);
        assert_null(f.bundle.extra.seccomp);
        /* No capabilities at all are what a document gives that names none. */
        assert_int_equal(f.settings.capability, 0);
        assert_int_equal(f.settings.drop_capability & (UINT64_C(1) << 21), UINT64_C(1) << 21);
        assert_string_equal(source_text(f.settings.from[SETTING_PARAMETERS], source), "config.json: /process/args");
        assert_true(source_is_document(f.settings.from[SETTING_PARAMETERS]));
        done(&f);
}

static void test_process(void **state)
{
        Fixture f;

        parse(&f, BASE(", \"terminal\": true, \"consoleSize\": { \"height\": 25, \"width\": 80 }, \"env\": [\"A=b c\", "
                       "\"Q=x\\\"y'z\\\\n\"], \"user\": { \"uid\": 1000, \"gid\": 100, \"additionalGids\": [5, 6], "
                       "\"umask\": 63 }, \"rlimits\": [ { \"type\": \"RLIMIT_NOFILE\", \"soft\": 5, "
                       "\"hard\": 18446744073709551615 } ], \"noNewPrivileges\": true, \"oomScoreAdj\": -7, "
                       "\"apparmorProfile\": \"box-x\", \"selinuxLabel\": \"a:b:c:s0\"", ", \"mountLabel\": \"d:e:f:s0\"",
                       ", \"hostname\": \"h\""));
        assert_int_equal(f.settings.console, CONSOLE_AUTO);
        assert_int_equal(f.bundle.extra.rows, 25);
        assert_int_equal(f.bundle.extra.columns, 80);
        assert_string_equal(f.settings.environment[0], "A=b c");
        assert_string_equal(f.settings.environment[1], "Q=x\"y'z\\n");
        assert_string_equal(f.settings.user, "1000:100");
        assert_int_equal(f.bundle.extra.n_groups, 2);
        assert_int_equal(f.bundle.extra.groups[1], 6);
        assert_int_equal(f.bundle.extra.umask, 077);
        expect_setting(&f, "Exec", "LimitNOFILE", "5:infinity");
        assert_int_equal(f.settings.no_new_privileges, YES);
        assert_int_equal(f.settings.oom_score_adjust, -7);
        assert_string_equal(f.settings.apparmor_profile, "box-x");
        assert_string_equal(f.settings.selinux_context, "a:b:c:s0");
        assert_string_equal(f.settings.selinux_apifs_context, "d:e:f:s0");
        assert_string_equal(f.settings.hostname, "h");
        done(&f);
}

static char *all_capabilities(void)
{
        char *list = NULL, *text = NULL;
        size_t size;
        FILE *s = open_memstream(&list, &size);

        assert_non_null(s);
        for (int cap = 0; cap < 64; cap++)
                if (capability_names_get(cap))
                        fprintf(s, "%s\"%s\"", cap > 0 ? ", " : "", capability_names_get(cap));
        assert_int_equal(fclose(s), 0);
        assert_true(asprintf(&text, BASE(", \"capabilities\": { \"bounding\": [%s] }", "", ""), list) > 0);
        free(list);
        return text;
}

static void test_capabilities(void **state)
{
        const uint64_t chown = 1 << 0, kill = 1 << 5;
        _cleanup_free_ char *all = NULL;
        Fixture f;

        parse(&f, BASE(", \"capabilities\": { \"bounding\": [\"CAP_CHOWN\", \"CAP_KILL\"], \"permitted\": [\"CAP_KILL\"], "
                       "\"inheritable\": [\"CAP_KILL\", \"CAP_CHOWN\"], \"ambient\": [\"CAP_KILL\", \"CAP_CHOWN\"] }", "",
                       ""));
        assert_int_equal(f.settings.capability, chown | kill);
        assert_int_equal(f.settings.drop_capability & (chown | kill | 2), 2);
        assert_int_equal(f.settings.ambient_capability, kill);
        done(&f);

        /* Then nothing is gained by execve(). */
        parse(&f, BASE(", \"noNewPrivileges\": true, \"capabilities\": { \"bounding\": [\"CAP_CHOWN\", \"CAP_KILL\"], "
                       "\"permitted\": [\"CAP_KILL\"] }", "", ""));
        assert_int_equal(f.settings.capability, kill);
        assert_int_equal(f.settings.drop_capability & (chown | kill), chown);
        done(&f);
        /* All that there are: nothing is taken away. */
        all = all_capabilities();
        parse(&f, all);
        assert_int_equal(f.settings.drop_capability, 0);
        done(&f);

        expect_problem(BASE(", \"capabilities\": { \"bounding\": [\"CAP_NONE\"] }", "", ""), false,
                       "config.json: /process/capabilities/bounding/0: capability 'CAP_NONE' is unknown, ignored");
}

static void test_mounts(void **state)
{
        const OciMount *m;
        Fixture f;

        parse(&f, BASE("", "", ", \"mounts\": [ { \"destination\": \"/proc\", \"type\": \"proc\" }, "
                       "{ \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"options\": [\"ro\"] }, "
                       "{ \"destination\": \"/d\", \"source\": \"data\", \"options\": [\"rbind\", \"ro\", \"nosuid\", "
                       "\"suid\", \"nodev\", \"rprivate\"] }, "
                       "{ \"destination\": \"/e\", \"source\": \"/x\", \"type\": \"bind\" }, "
                       "{ \"destination\": \"/t\", \"type\": \"tmpfs\", \"options\": [\"nosuid\", \"rprivate\", "
                       "\"size=64k\"] } ]"));
        assert_int_equal(f.bundle.extra.n_mounts, 3);
        m = f.bundle.extra.mounts;
        assert_string_equal(m[0].source, "/b/data");
        assert_string_equal(m[0].dest, "/d");
        assert_int_equal(m[0].attrs, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
        assert_true(m[0].recursive);
        assert_string_equal(m[1].source, "/x");
        assert_int_equal(m[1].attrs, 0);
        assert_false(m[1].recursive);
        assert_null(m[2].source);
        assert_string_equal(m[2].options, "nosuid,size=64k");
        assert_int_equal(f.bundle.extra.n_read_only, 1);
        done(&f);
}

/* Options that podman writes. */
static void test_mount_options_of_podman(void **state)
{
        Fixture f;

        parse_only(&f, BASE("", "", ", \"mounts\": [ { \"destination\": \"/run\", \"type\": \"tmpfs\", \"options\": "
                            "[\"rw\", \"rprivate\", \"nosuid\", \"nodev\", \"tmpcopyup\"] }, { \"destination\": \"/tmp\", "
                            "\"type\": \"tmpfs\", \"options\": [\"notmpcopyup\", \"exec\", \"size=1m\"] }, "
                            "{ \"destination\": \"/d\", \"source\": \"/x\", \"type\": \"bind\", \"options\": "
                            "[\"rprivate\", \"rbind\", \"exec\", \"z\", \"Z\", \"U\"] } ]"));
        assert_int_equal(f.problems.n_fatal, 0);
        assert_int_equal(f.problems.n, 3);              /* z, Z and U change the host */
        assert_non_null(strstr(f.problems.items[2].text, "mount option 'U' is ignored"));
        assert_true(f.bundle.extra.mounts[0].copy_up);
        assert_string_equal(f.bundle.extra.mounts[0].options, "rw,nosuid,nodev");
        assert_false(f.bundle.extra.mounts[1].copy_up);
        assert_string_equal(f.bundle.extra.mounts[1].options, "exec,size=1m");
        assert_true(f.bundle.extra.mounts[2].recursive);
        done(&f);

        /* A bind mount has nothing to copy. */
        parse_only(&f, BASE("", "", ", \"mounts\": [ { \"destination\": \"/d\", \"source\": \"/x\", \"options\": "
                            "[\"bind\", \"tmpcopyup\"] } ]"));
        assert_int_equal(f.problems.n_fatal, 1);
        done(&f);
}

static void test_without_process_or_linux(void **state)
{
        Fixture f;

        parse(&f, "{ \"ociVersion\": \"1.0.2\", \"root\": { \"path\": \"rootfs\" }, \"hostname\": \"h\" }");
        assert_false(f.bundle.extra.share_pid || f.bundle.extra.share_uts || f.bundle.extra.share_cgroup);
        assert_null(f.settings.parameters);
        assert_int_equal(f.settings.private_network, UNSET);
        assert_string_equal(f.settings.hostname, "h");
        done(&f);
}

static void test_linux(void **state)
{
        const OciSettings *s;
        Fixture f;

        parse(&f, BASE("", ", \"devices\": [ { \"path\": \"/dev/fuse\", \"type\": \"c\", \"major\": 10, \"minor\": 229, "
                       "\"fileMode\": 438, \"uid\": 3, \"gid\": 4 } ], \"sysctl\": { \"net.ipv4.ip_forward\": \"1\", "
                       "\"net.ipv4.conf.eth0/1.mtu\": \"9\" }, \"maskedPaths\": [\"/proc/kcore\"], "
                       "\"readonlyPaths\": [\"/proc/bus\"], \"cgroupsPath\": \"user.slice:runc:x\", "
                       "\"rootfsPropagation\": \"rprivate\", \"uidMappings\": null", ", \"domainname\": \"d\""));
        s = &f.bundle.extra;
        assert_int_equal(s->n_devices, 1);
        assert_string_equal(s->devices[0].path, "fuse");
        assert_int_equal(s->devices[0].mode, S_IFCHR | 0666);
        assert_int_equal(s->devices[0].minor, 229);
        assert_int_equal(s->devices[0].gid, 4);
        assert_int_equal(s->n_sysctls, 3);
        assert_string_equal(s->sysctls[0].path, "net/ipv4/ip_forward");
        assert_string_equal(s->sysctls[1].path, "net/ipv4/conf/eth0.1/mtu");
        assert_string_equal(s->sysctls[2].path, "kernel/domainname");
        assert_string_equal(s->masked[0].path, "/proc/kcore");
        assert_string_equal(s->read_only[0].path, "/proc/bus");
        assert_string_equal(f.settings.slice, "user.slice");
        done(&f);

#ifdef __x86_64__
        parse(&f, BASE("", ", \"personality\": { \"domain\": \"LINUX32\" }", ""));
        assert_string_equal(f.settings.personality, "x86");
        done(&f);
#endif
}

static void test_namespaces(void **state)
{
        Fixture f;

        parse(&f, "{ \"ociVersion\": \"1.2.0\", \"root\": { \"path\": \"/r\", \"readonly\": true }, "
                  "\"process\": { \"cwd\": \"/\", \"args\": [\"x\"] }, \"linux\": { "
                  "\"uidMappings\": [ { \"containerID\": 0, \"hostID\": 100000, \"size\": 10 }, "
                  "{ \"containerID\": 10, \"hostID\": 1000, \"size\": 1 } ], "
                  "\"gidMappings\": [ { \"size\": 10, \"containerID\": 0, \"hostID\": 100000 }, "
                  "{ \"containerID\": 10, \"hostID\": 1000, \"size\": 1 } ], \"namespaces\": [ "
                  "{ \"type\": \"mount\" }, { \"type\": \"user\" }, { \"type\": \"network\", \"path\": \"/run/netns/x\" } ] } }");
        assert_string_equal(f.bundle.root, "/r");
        assert_int_equal(f.settings.read_only, YES);
        assert_true(f.bundle.extra.share_pid && f.bundle.extra.share_ipc && f.bundle.extra.share_uts &&
                    f.bundle.extra.share_cgroup);
        assert_int_equal(f.settings.n_id_map, 2);
        assert_int_equal(f.settings.id_map[1].outside, 1000);
        assert_string_equal(f.settings.namespace_path, "/run/netns/x");
        done(&f);
}

static void test_resources(void **state)
{
        static const struct { const char *json, *key, *text; } cases[] = {
                { "\"memory\": { \"limit\": 1048576 }", "MemoryMax", "1048576" },
                { "\"memory\": { \"limit\": -1 }", "MemoryMax", "infinity" },
                { "\"memory\": { \"swap\": 3000000, \"limit\": 1000000 }", "MemorySwapMax", "2000000" },
                { "\"memory\": { \"reservation\": 5 }", "MemoryLow", "5" },
                { "\"cpu\": { \"shares\": 1024 }", "CPUWeight", "39" },
                { "\"cpu\": { \"quota\": 50000, \"period\": 100000 }", "CPUQuota", "50.00%" },
                { "\"cpu\": { \"quota\": 1, \"period\": 1000000 }", "CPUQuota", "0.01%" },
                { "\"cpu\": { \"quota\": 5000, \"period\": 20000 }", "CPUQuotaPeriodSec", "20000us" },
                { "\"cpu\": { \"cpus\": \"0-1\" }", "AllowedCPUs", "0-1" },
                { "\"cpu\": { \"idle\": 1 }", "CPUWeight", "idle" },
                { "\"pids\": { \"limit\": 7 }", "TasksMax", "7" },
                { "\"pids\": { \"limit\": 0 }", "TasksMax", "infinity" },
                { "\"blockIO\": { \"weight\": 1000 }", "IOWeight", "10000" },
                { "\"blockIO\": { \"throttleReadBpsDevice\": [ { \"major\": 8, \"minor\": 0, \"rate\": 9 } ] }",
                  "IOReadBandwidthMax", "/dev/block/8:0 9" },
                { "\"unified\": { \"memory.high\": \"max\" }", "MemoryHigh", "infinity" },
                { "\"devices\": [ { \"allow\": false, \"access\": \"rwm\" } ]", "DevicePolicy", "closed" },
                { "\"devices\": [ { \"allow\": true, \"type\": \"c\", \"major\": 10, \"minor\": 229, \"access\": \"rw\" } ]",
                  "DeviceAllow", "/dev/char/10:229 rw" },
                { "\"devices\": [ { \"allow\": true, \"type\": \"b\", \"major\": 8, \"minor\": -1 } ]", "DeviceAllow",
                  "block-8 rwm" },
                { "\"devices\": [ { \"allow\": true, \"type\": \"a\" } ]", "DevicePolicy", "auto" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[2048];
                Fixture f;

                (void) snprintf(text, sizeof(text), BASE("", ", \"resources\": { %s }", ""), cases[i].json);
                parse(&f, text);
                expect_setting(&f, "X-Resources", cases[i].key, cases[i].text);
                done(&f);
        }
}

static void test_seccomp(void **state)
{
        const OciSeccomp *s;
        Fixture f;

        parse(&f, BASE("", ", \"seccomp\": { \"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 38, "
                       "\"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X32\"], \"syscalls\": [ { \"names\": [\"read\", "
                       "\"write\"], \"action\": \"SCMP_ACT_ALLOW\" }, { \"names\": [\"clone\"], \"action\": \"SCMP_ACT_ALLOW\", "
                       "\"args\": [ { \"index\": 0, \"value\": 2114060288, \"valueTwo\": 0, "
                       "\"op\": \"SCMP_CMP_MASKED_EQ\" } ] } ] }",
                       ""));
        s = f.bundle.extra.seccomp;
        assert_non_null(s);
        assert_int_equal(s->default_action, OCI_ERRNO);
        assert_int_equal(s->default_value, 38);
        assert_string_equal(s->architectures[1], "x32");
        assert_int_equal(s->n_rules, 2);
        assert_string_equal(s->rules[0].names[1], "write");
        assert_int_equal(s->rules[1].n_args, 1);
        assert_int_equal(s->rules[1].args[0].op, OCI_MASKED_EQ);
        assert_int_equal(s->rules[1].args[0].value, 2114060288);
        done(&f);
}

static void test_errors(void **state)
{
        static const struct { const char *text, *words; } cases[] = {
                { "[]", "config.json is not an object" },
                { "{}", "config.json: has no \"ociVersion\"" },
                { BASE("", "", ", \"vm\": { \"kernel\": 1 }"), "config.json: /vm: is not supported" },
                { BASE(", \"env\": [3]", "", ""), "config.json: /process/env/0: is not a string" },
                { BASE(", \"env\": [\"no\"]", "", ""),
                  "config.json: /process/env/0: Environment=\"no\": not NAME=VALUE: 'no'" },
                { BASE(", \"user\": { \"uid\": -1 }", "", ""),
                  "config.json: /process/user/uid: is not a whole number from 0 to 4294967295" },
                { BASE(", \"rlimits\": [ { \"type\": \"RLIMIT_X\", \"soft\": 1, \"hard\": 1 } ]", "", ""),
                  "config.json: /process/rlimits/0: unknown limit 'RLIMIT_X'" },
                { BASE(", \"user\": []", "", ""), "config.json: /process/user: is not an object" },
                { BASE(", \"oomScoreAdj\": 1.5", "", ""), "config.json: /process/oomScoreAdj: is not a whole number" },
                { BASE("", ", \"sysctl\": { \"kernel.panic\": \"1\" }", ""),
                  "config.json: /linux/sysctl/kernel.panic: sysctl 'kernel.panic' applies to the whole host" },
                { BASE("", ", \"sysctl\": { \"net/../kernel/panic\": \"1\" }", ""),
                  "config.json: /linux/sysctl/net~1..~1kernel~1panic: 'net/../kernel/panic' is not the name of a sysctl" },
                { BASE("", ", \"devices\": [ { \"path\": \"/etc/x\", \"type\": \"c\" } ]", ""),
                  "config.json: /linux/devices/0/path: a device outside of /dev is not supported" },
                { BASE("", ", \"devices\": [ { \"path\": \"/dev/../etc/x\", \"type\": \"c\" } ]", ""),
                  "config.json: /linux/devices/0/path: \"..\" in a path: '/dev/../etc/x'" },
                { BASE("", ", \"rootfsPropagation\": \"shared\"", ""),
                  "config.json: /linux/rootfsPropagation: propagation 'shared' is not supported: "
                  "the machine's mounts stay in it" },
                { BASE("", ", \"uidMappings\": [ { \"containerID\": 0, \"hostID\": 1, \"size\": 1 } ]", ""),
                  "config.json: /linux/uidMappings: needs a namespace of type \"user\"" },
                { BASE("", ", \"resources\": { \"hugepageLimits\": [ { \"pageSize\": \"2MB\", \"limit\": 1 } ] }", ""),
                  "config.json: /linux/resources/hugepageLimits: is not supported" },
                { BASE("", ", \"resources\": { \"unified\": { \"cpu.max\": \"1 2\" } }", ""),
                  "config.json: /linux/resources/unified/cpu.max: is not supported" },
                { BASE("", ", \"seccomp\": { \"defaultAction\": \"SCMP_ACT_NOTIFY\" }", ""),
                  "config.json: /linux/seccomp/defaultAction: action 'SCMP_ACT_NOTIFY' is not supported" },
                { BASE("", ", \"seccomp\": { \"defaultAction\": \"SCMP_ACT_ALLOW\", "
                       "\"architectures\": [\"SCMP_ARCH_X86_65\"] }", ""),
                  "config.json: /linux/seccomp/architectures/0: is not an architecture" },
                { BASE("", ", \"seccomp\": { \"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [ { \"names\": [\"kill\"], "
                       "\"action\": \"SCMP_ACT_ERRNO\", \"args\": [ { \"index\": 1, \"op\": \"SCMP_CMP_EQ\", \"value\": 9 }, "
                       "{ \"index\": 1, \"op\": \"SCMP_CMP_EQ\", \"value\": 15 } ] } ] }", ""),
                  "config.json: /linux/seccomp/syscalls/0/args/1: argument 1 cannot have two values: write a rule for each" },
                { BASE("", "", ", \"mounts\": [ { \"destination\": \"/x\", \"type\": \"nfs\", \"source\": \"a:/b\" } ]"),
                  "config.json: /mounts/0: a mount of type 'nfs' at '/x' is not supported" },
                { BASE("", "", ", \"mounts\": [ { \"destination\": \"/\", \"type\": \"bind\", \"source\": \"/b\" } ]"),
                  "config.json: /mounts/0/destination: a mount on the root directory is not supported" },
                { BASE("", "", ", \"mounts\": [ { \"destination\": \"/x\", \"source\": \"/b\", "
                       "\"options\": [\"bind\", \"shared\"] } ]"),
                  "config.json: /mounts/0/options/1: mount option 'shared' is not supported" },
                { BASE("", "", ", \"mounts\": [ { \"destination\": \"/x\", \"source\": \"/b\", "
                       "\"options\": [\"bind\", \"noexce\"] } ]"),
                  "config.json: /mounts/0/options/1: mount option 'noexce' is unknown" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                expect_problem(cases[i].text, true, cases[i].words);
}

static void test_warnings(void **state)
{
        static const struct { const char *text, *words; } cases[] = {
                { BASE("", "", ", \"future\": 1"), "config.json: /future: is unknown, ignored" },
                { BASE("", "", ", \"hooks\": { \"prestart\": [ { \"path\": \"/x\" } ] }"),
                  "config.json: /hooks: hooks are never run" },
                { BASE(", \"scheduler\": { \"policy\": \"SCHED_IDLE\" }", "", ""),
                  "config.json: /process/scheduler: is not supported, ignored" },
                { BASE("", ", \"cgroupsPath\": \"/docker/x\"", ""),
                  "config.json: /linux/cgroupsPath: the machine uses the cgroup of its unit, ignored" },
                { BASE("", ", \"resources\": { \"memory\": { \"swappiness\": 5 } }", ""),
                  "config.json: /linux/resources/memory/swappiness: is not supported, ignored" },
                { BASE("", ", \"rootfsPropagation\": \"slave\"", ""),
                  "config.json: /linux/rootfsPropagation: mounts that are made on the host later do not appear in the machine" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                expect_problem(cases[i].text, false, cases[i].words);
}

/* A null or empty member counts as missing. */
static void test_nothing_said(void **state)
{
        Fixture f;

        parse(&f, BASE(", \"user\": null, \"scheduler\": {}", ", \"seccomp\": null, \"intelRdt\": {}, \"timeOffsets\": {}, "
                       "\"cgroupsPath\": \"\", \"mountLabel\": \"\"", ", \"hooks\": {}, \"annotations\": { \"a\": \"b\" }, "
                       "\"hostname\": \"\", \"vm\": {}"));
        done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_least),
                cmocka_unit_test(test_process),
                cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_mounts),
                cmocka_unit_test(test_mount_options_of_podman),
                cmocka_unit_test(test_without_process_or_linux),
                cmocka_unit_test(test_linux),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_resources),
                cmocka_unit_test(test_seccomp),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_nothing_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
