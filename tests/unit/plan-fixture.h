/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A host and a tree that do not exist, and plans made for them from box-run's command lines: what a plan is depends on
 * these alone, so it is the same text on every machine.
 */

#include "test.h"

#include <sys/sysmacros.h>

#include "config/command-line.h"
#include "plan/plan.h"
#include "util/strv.h"

typedef struct PlanFixture {
        Assignments switches;
        Settings settings;
        Problems problems;
        HostFacts host;
        TreeFacts tree;
        HostFiles host_files;
        HostUsers users;
        Credentials credentials;
        JournalFacts journal;
        const MachineUser *user;
        int user_error;
        DeviceFact devices[2];
        const DiskLayout *disk;         /* NULL: the tree is a directory */
        Plan plan;
} PlanFixture;

static inline void plan_fixture_init(PlanFixture *f, InitFlavour init)
{
        *f = (PlanFixture) {
                .host = {
                        .machine_id = { 0x29, 0xea, 0xd1, 0xd1, 0xbd, 0x40, 0x48, 0xfe, 0xa1, 0x17, 0xca, 0xa3, 0x9f, 0xc5,
                                        0xa6, 0x52 },
                        .pid1_nproc = { 1000, 2000 },
                        .pid1_sigpending = { 3000, 4000 },
                        .nr_open = 1024 * 1024,
                        .boot_id = "00000000-0000-4000-8000-000000000001",
                },
                .tree = { .has_os_release = true, .has_usr = true, .init = init },
                .devices = {
                        { "null", makedev(1, 3), false },
                        { "net/tun", makedev(10, 200), true },
                },
        };
        f->host.os_release = strdup("ID=debian\nVERSION_ID=\"12\"\n");
        assert_non_null(f->host.os_release);
        f->host_files.localtime_is_link = f->host_files.tree_has_zone = true;
        f->host_files.zone = strdup("Europe/Berlin");
        f->host_files.resolv[RESOLV_FILE_HOST] = (HostFile) { strdup("nameserver 192.0.2.1\n"), 21 };
        assert_non_null(f->host_files.zone);
        assert_non_null(f->host_files.resolv[RESOLV_FILE_HOST].data);
        if (init != INIT_NONE) {
                f->tree.init_path = strdup("/sbin/init");
                assert_non_null(f->tree.init_path);
        }
        settings_init(&f->settings);
}

static inline void plan_fixture_done(PlanFixture *f)
{
        plan_done(&f->plan);
        problems_done(&f->problems);
        settings_done(&f->settings);
        assignments_done(&f->switches);
        /* The devices are the fixture's own. */
        f->host.devices = NULL;
        host_facts_done(&f->host);
        tree_facts_done(&f->tree);
        host_files_done(&f->host_files);
        credentials_done(&f->credentials);
        journal_facts_done(&f->journal);
}

/* Plans "box-run ARGUMENTS" (words with one blank between) for the machine gentoo, ids from 524288 on. */
static inline void plan_fixture_plan(PlanFixture *f, const char *arguments)
{
        _cleanup_strv_ char **argv = NULL;
        CommandLineAction action;
        PlanInput in = {
                .settings = &f->settings,
                .host = &f->host,
                .tree = &f->tree,
                .host_files = &f->host_files,
                .users = &f->users,
                .credentials = &f->credentials,
                .journal = &f->journal,
                .user = f->user,
                .user_error = f->user_error,
                .machine = "gentoo",
                .image_root = "/var/lib/machines/gentoo",
                .disk = f->disk,
        };

        assert_int_equal(strv_extend(&argv, "box-run"), 0);
        while (*arguments) {
                size_t n = strcspn(arguments, " ");

                assert_int_equal(strv_consume(&argv, strndup(arguments, n)), 0);
                arguments += n + (arguments[n] == ' ');
        }

        f->host.devices = f->devices;
        f->host.n_devices = ARRAY_SIZE(f->devices);
        assert_int_equal(command_line_parse((int) strv_length(argv), argv, &f->switches, &action, &f->problems), 0);
        assert_int_equal(assignments_apply(&f->switches, NULL, &f->settings, &f->problems), 0);
        if (f->settings.private_users == PRIVATE_USERS_PICK) {
                in.range_base = 524288;
                in.range_count = 65536;
        } else if (f->settings.private_users == PRIVATE_USERS_IDENTITY)
                in.range_count = 65536;
        assert_int_equal(credentials_load(&f->settings, true, &f->credentials, &f->problems), 0);
        assert_int_equal(plan_make(&in, &f->plan, &f->problems), 0);
}

/* The step with this destination, the last such. */
static inline const MountOp *plan_fixture_mount(const PlanFixture *f, const char *dest)
{
        for (size_t i = f->plan.mounts.n; i-- > 0;)
                if (strcmp(f->plan.mounts.ops[i].dest, dest) == 0)
                        return &f->plan.mounts.ops[i];
        return NULL;
}
