/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "security/capability.h"

static void test_capability_default(void **state)
{
        uint64_t set = capability_default();

        assert_int_equal(__builtin_popcountll(set), 26);
        assert_true(set >> CAP_SYS_ADMIN & 1);
        assert_true(set >> CAP_MKNOD & 1);
        assert_false(set >> CAP_NET_ADMIN & 1);
        assert_false(set >> CAP_SYS_MODULE & 1);
        assert_false(set >> CAP_SYS_TIME & 1);
        assert_int_equal(set & ~capability_all(), 0);
}

static void test_capability_all(void **state)
{
        uint64_t all = capability_all();

        /* Without gaps from 0 to the last, which is at least the one of Linux 5.9. */
        assert_true(all >> CAP_CHECKPOINT_RESTORE & 1);
        assert_int_equal(all & (all + 1), 0);
}

static void test_capability_mask_to_text(void **state)
{
        _cleanup_free_ char *none = capability_mask_to_text(0);
        _cleanup_free_ char *some = capability_mask_to_text(UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_CHOWN);
        _cleanup_free_ char *newer = capability_mask_to_text(UINT64_C(1) << 63 | UINT64_C(1) << CAP_BPF);

        assert_string_equal(none, "");
        assert_string_equal(some, "CAP_CHOWN CAP_KILL");
        assert_string_equal(newer, "CAP_BPF 63");
}

static uint64_t own_set(const char *field)
{
        FILE *f = fopen("/proc/self/status", "r");
        unsigned long long value = ~0ULL;
        char line[256];

        while (f && fgets(line, sizeof(line), f))
                if (strncmp(line, field, strlen(field)) == 0)
                        (void) sscanf(line + strlen(field), ": %llx", &value);
        if (f)
                fclose(f);
        return value;
}

/* In its own user namespace the process has all capabilities, also without root. */
static int in_user_namespace(int (*f)(void))
{
        int status = -1;
        pid_t pid = fork();

        if (pid == 0)
                _exit(unshare(CLONE_NEWUSER) < 0 ? 77 : f());
        if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
                return -1;
        return WEXITSTATUS(status);
}

static const uint64_t keep = UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_SYS_ADMIN;

static int apply_as_child(void)
{
        const CapabilitySets payload = capability_payload(keep, 0, 0, /* root= */ true);
        const CapabilitySets all = capability_payload(UINT64_MAX, 0, 0, /* root= */ true);

        if (capability_apply(&payload, NULL) < 0)
                return 1;
        if (own_set("CapBnd") != keep || own_set("CapPrm") != keep || own_set("CapEff") != keep)
                return 2;
        if (own_set("CapInh") != 0 || own_set("CapAmb") != 0)
                return 3;
        /* A dropped capability does not come back. */
        if (capability_apply(&all, NULL) < 0 || own_set("CapPrm") != keep || own_set("CapBnd") != keep)
                return 4;
        return 0;
}

/* Not root any more, and the one capability that is to survive exec does. */
static int apply_as_user(void)
{
        const uint64_t ambient = UINT64_C(1) << CAP_KILL;
        const CapabilitySets payload = capability_payload(keep, 0, ambient, /* root= */ false);

        /* As after setresuid() with PR_SET_KEEPCAPS. */
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || capability_raise(NULL) < 0 || own_set("CapEff") != own_set("CapPrm"))
                return 1;
        if (capability_apply(&payload, NULL) < 0)
                return 2;
        if (own_set("CapBnd") != keep || own_set("CapPrm") != ambient || own_set("CapInh") != ambient)
                return 3;
        return own_set("CapAmb") == ambient && own_set("CapEff") == 0 ? 0 : 4;
}

static int reduce_as_supervisor(void)
{
        if (capability_reduce_self(keep, NULL) < 0)
                return 1;
        if (own_set("CapBnd") != keep || own_set("CapPrm") != keep || own_set("CapEff") != keep)
                return 2;
        return own_set("CapInh") == 0 && own_set("CapAmb") == 0 ? 0 : 3;
}

static int drop_without_privilege(void)
{
        const struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        const struct __user_cap_data_struct none[2] = {};
        Failure f = {};

        if (syscall(SYS_capset, &header, none) < 0)
                return 1;
        if (capability_drop_bounding(keep, &f) != -EPERM)
                return 2;
        return strstr(f.text, "capability 0") ? 0 : 3;
}

/* Nothing is left to drop. */
static int drop_again_without_privilege(void)
{
        if (capability_reduce_self(keep & ~(UINT64_C(1) << CAP_SETPCAP), NULL) < 0)
                return 1;
        return capability_drop_bounding(keep, NULL) < 0 ? 2 : 0;
}

static void test_capability_in_force(void **state)
{
        int (*const cases[])(void) = { apply_as_child, apply_as_user, reduce_as_supervisor, drop_without_privilege,
                                            drop_again_without_privilege };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int r = in_user_namespace(cases[i]);

                if (r == 77)
                        skip();         /* user namespaces are disabled on this host */
                assert_int_equal(r, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_capability_default),
                cmocka_unit_test(test_capability_all),
                cmocka_unit_test(test_capability_mask_to_text),
                cmocka_unit_test(test_capability_in_force),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
