/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Owners in a journal directory: which are moved, and whereto. What takes root is in tests/system/test_identity.py. */

#include "tree-fixture.h"

#include "plan/journal-dir.h"

static void test_new_id(void **state)
{
        const IdMap wide = { { { 0, 1048576, 65536 } }, 1 }, narrow = { { { 0, 700000, 1000 } }, 1 };
        const JournalMachine m = { .name = "m", .owner = 1048576, .uids = &wide };
        const JournalMachine one = { .name = "m", .owner = 1000, .first_id = 7 };
        uint32_t id = 0;

        assert_true(journal_dir_new_id(&m, &wide, 524288, 524288, &id));
        assert_int_equal(id, 1048576);
        assert_true(journal_dir_new_id(&m, &wide, 524288, 524288 + 65535, &id));
        assert_int_equal(id, 1048576 + 65535);
        /* Ids beside the range that the machine had are somebody else's. */
        assert_false(journal_dir_new_id(&m, &wide, 524288, 524287, &id));
        assert_false(journal_dir_new_id(&m, &wide, 524288, 524288 + 65536, &id));
        assert_false(journal_dir_new_id(&m, &wide, 524288, 0, &id));
        assert_false(journal_dir_new_id(&m, &wide, 524288, UINT32_MAX, &id));
        /* … and so are those that it does not have now. */
        assert_true(journal_dir_new_id(&m, &narrow, 0, 999, &id));
        assert_int_equal(id, 700999);
        assert_false(journal_dir_new_id(&m, &narrow, 0, 1000, &id));

        /* Without a user namespace, and a machine that begins with another id. */
        assert_true(journal_dir_new_id(&(JournalMachine) { .name = "m" }, NULL, 524288, 524288 + 999, &id));
        assert_int_equal(id, 999);
        assert_true(journal_dir_new_id(&one, NULL, 524288, 524288, &id));
        assert_int_equal(id, 7);
}

static void test_change(void **state)
{
        const JournalMachine m = { .name = "m", .owner = 524288 };

        assert_int_equal(journal_dir_change(&(JournalDirOwner) { 0, "", 0 }, &m), JOURNAL_DIR_STAYS);
        assert_int_equal(journal_dir_change(&(JournalDirOwner) { 524288, "", 0 }, &m), JOURNAL_DIR_RECORDED);
        assert_int_equal(journal_dir_change(&(JournalDirOwner) { 0, "m", 0 }, &m), JOURNAL_DIR_MOVED);
        assert_int_equal(journal_dir_change(&(JournalDirOwner) { 524288, "m", 0 }, &m), JOURNAL_DIR_MOVED);
        assert_int_equal(journal_dir_change(&(JournalDirOwner) { 524288, "m", 524288 }, &m), JOURNAL_DIR_STAYS);
        assert_int_equal(journal_dir_change(&(JournalDirOwner) { 524288, "mm", 0 }, &m), JOURNAL_DIR_STAYS);
}

static void test_read(void **state)
{
        const Tree *t = *state;
        _cleanup_close_ int fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        JournalDirOwner is = { 1, "x", 1 };

        journal_dir_read(fd, &is);
        assert_int_equal(is.uid, getuid());
        assert_string_equal(is.machine, "");
        journal_dir_read(-EBADF, &is);
        assert_int_equal(is.uid, UINT32_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new_id),
                cmocka_unit_test(test_change),
                TREE_TEST(test_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
