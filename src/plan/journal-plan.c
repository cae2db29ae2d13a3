/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LinkJournal= (see journal-plan.h), by systemd-nspawn's rules. The plan is pure; facts are read and the host's
 * directory is changed by the supervisor, as root, in a directory that only root writes to. The changes in the machine
 * are tree edits and mounts.
 */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-plan-internal.h"
#include "plan/journal-plan.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

#define JOURNAL_DIR "/var/log/journal"

/* ---- facts ------------------------------------------------------------------------------------------------- */

void journal_facts_done(JournalFacts *f)
{
        free(f->target);
        free(f->holder);
        *f = (JournalFacts) {};
}

static JournalDirState look_into(int dir_fd, const char *id, JournalDirOwner *ret)
{
        _cleanup_closedir_ DIR *d = NULL;
        int fd = openat(dir_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct dirent *e;

        d = fd >= 0 ? fdopendir(fd) : NULL;
        if (!d) {
                fd_close(fd);
                return JOURNAL_DIRECTORY;
        }
        journal_dir_read(fd, ret);
        while ((e = readdir(d)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        return JOURNAL_DIRECTORY;
        return JOURNAL_EMPTY_DIRECTORY;
}

static int read_target(int dir_fd, const char *id, JournalFacts *f)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(dir_fd, id, target, sizeof(target) - 1);

        if (n < 0)
                return 0;
        target[n] = 0;
        return free_and_strdup(&f->target, target);
}

int journal_facts_read(const char *host_dir, const char *id, JournalFacts *ret)
{
        _cleanup_close_ int dir_fd = open(host_dir ? host_dir : JOURNAL_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        JournalFacts f = { .persistent = dir_fd >= 0 };
        struct statx st;
        int r = 0;

        if (dir_fd < 0 || statx(dir_fd, id, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) < 0)
                f.state = JOURNAL_NOTHING;
        else if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
                f.state = JOURNAL_MOUNT;
        else if (S_ISDIR(st.stx_mode))
                f.state = look_into(dir_fd, id, &f.owner);
        else
                f.state = S_ISLNK(st.stx_mode) ? JOURNAL_LINK : JOURNAL_OTHER;
        if (f.state == JOURNAL_LINK)
                r = read_target(dir_fd, id, &f);
        if (r >= 0)
                *ret = f;
        return r;
}

bool journal_is_wanted(const Settings *s, const JournalFacts *f)
{
        return f->persistent && s->link_journal != LINK_JOURNAL_NO && s->ephemeral != YES &&
               (s->link_journal != LINK_JOURNAL_AUTO || f->state != JOURNAL_NOTHING);
}

/* ---- the plan ---------------------------------------------------------------------------------------------- */

void journal_plan_done(JournalPlan *p)
{
        free(p->path);
        free(p->target);
        free(p->replaced);
        *p = (JournalPlan) {};
}

int journal_plan_print(const JournalPlan *p, FILE *f)
{
        char source[SOURCE_TEXT_MAX];

        if (p->action == JOURNAL_OFF || p->action == JOURNAL_KEEP || (p->action == JOURNAL_TAKE && !p->moves))
                return 0;
        if (p->action == JOURNAL_TAKE)
                fprintf(f, "journal: give %s from %u on to %u on", p->path, p->moved_from, p->moved_to);
        else if (p->action == JOURNAL_CREATE_LINK)
                fprintf(f, "journal: link %s -> %s", p->path, p->target);
        else
                fprintf(f, "journal: create directory %s", p->path);
        if (p->from.where)
                fprintf(f, " [%s]", source_text(p->from, source));
        fputc('\n', f);
        return ferror(f) ? -EIO : 0;
}

/* Why the journals cannot be linked at all; NULL if they can. */
static const char *obstacle(const JournalInput *in, bool guest)
{
        if (guest && settings_shares_tree(in->settings))
                return "the machine cannot write to its tree";
        if (strcmp(in->id, in->host_id) == 0)
                return "machine and host have the same machine id (a copy of the host's tree? Empty its /etc/machine-id)";
        if (!in->facts->persistent)
                return "the host has no " JOURNAL_DIR;
        if (in->facts->state == JOURNAL_MOUNT)
                return "the host has a mount there";
        if (in->facts->state == JOURNAL_OTHER)
                return "the host has another file there";
        return NULL;
}

/* Creates the directory in the tree, or below a mount in it: JOURNAL_DIR/ID with its parents. */
static int add_directory(const JournalInput *in, bool try, const char *path, TreeEdits *edits)
{
        TreeEdit edit = {
                .kind = TREE_EDIT_DIRECTORY, .need = try ? TREE_EDIT_IF_WRITABLE : TREE_EDIT_REQUIRED, .path = (char *) path,
                .from = in->settings->from[SETTING_LINK_JOURNAL],
        };

        return tree_edits_add(edits, &edit);
}

static int plan_guest(const JournalInput *in, bool try, JournalPlan *p, TreeEdits *edits, Problems *problems)
{
        bool linked = in->facts->state == JOURNAL_LINK && strcmp(in->facts->target, p->target) == 0;

        if (in->facts->state == JOURNAL_DIRECTORY)
                return try ? 0 : problem_error(problems, p->from, "The machine's journal cannot be linked to: '%s' has files; "
                                               "move them away, or use LinkJournal=host", p->path);
        p->action = linked ? JOURNAL_KEEP : JOURNAL_CREATE_LINK;
        return add_directory(in, try, p->path, edits);
}

/* A directory that is there. */
static int plan_directory(const JournalInput *in, bool try, JournalPlan *p, Problems *problems)
{
        const JournalDirOwner *is = &in->facts->owner;
        const JournalMachine *m = in->machine;
        JournalDirChange change = journal_dir_change(is, m);

        p->action = change == JOURNAL_DIR_STAYS ? JOURNAL_KEEP : JOURNAL_TAKE;
        p->moves = change == JOURNAL_DIR_MOVED;
        p->moved_from = is->base;
        p->moved_to = m->owner;
        if (try || !m->uids || p->moves || is->uid == m->owner)
                return 0;
        return problem_warning(problems, p->from, "The machine cannot write its journal to '%s', which belongs to user %u of the "
                               "host%s%s%s; remove it, or give it to user %u", p->path, is->uid,
                               *is->machine ? ", for machine '" : "", is->machine, *is->machine ? "'" : "", m->owner);
}

/* Without an id map, through which the machine's root could create set-user-ID programs of the host's root, if
 * /var/log/journal is open to all users. */
static int plan_host(const JournalInput *in, bool try, JournalPlan *p, MountPlan *mounts, Problems *problems)
{
        const MountRow row = {
                MOUNT_CLONE, try ? MOUNT_OPTIONAL | MOUNT_CREATE_DEST : 0, .source = p->path, .dest = p->path,
                .from = p->from,
        };
        bool there = in->facts->state == JOURNAL_DIRECTORY || in->facts->state == JOURNAL_EMPTY_DIRECTORY;

        p->action = JOURNAL_CREATE_DIRECTORY;
        if (there && plan_directory(in, try, p, problems) < 0)
                return -ENOMEM;
        return mount_plan_add(mounts, &row, NULL);
}

/* By the host: mounts a directory, keeps a link into this tree, else does nothing. */
static int plan_auto(const JournalInput *in, JournalPlan *p, MountPlan *mounts, TreeEdits *edits, Problems *problems)
{
        switch (in->facts->state) {
        case JOURNAL_DIRECTORY:
        case JOURNAL_EMPTY_DIRECTORY:
                return plan_host(in, /* try= */ true, p, mounts, problems);
        case JOURNAL_LINK:
                return strcmp(in->facts->target, p->target) == 0 ? add_directory(in, /* try= */ true, p->path, edits) : 0;
        default:
                return 0;
        }
}

static int fill_paths(const JournalInput *in, JournalPlan *p)
{
        if (strf(&p->path, JOURNAL_DIR "/%s", in->id) < 0)
                return -ENOMEM;
        if (in->facts->state == JOURNAL_LINK && free_and_strdup(&p->replaced, in->facts->target) < 0)
                return -ENOMEM;
        return strf(&p->target, "%s" JOURNAL_DIR "/%s", in->root, in->id) < 0 ? -ENOMEM : 0;
}

/* A machine that is removed keeps no journal. Both settings from one source are an error; from different ones
 * Ephemeral= counts. */
static int refuse_ephemeral(const Settings *s, Problems *problems)
{
        Source journal = s->from[SETTING_LINK_JOURNAL], ephemeral = s->from[SETTING_EPHEMERAL];
        char source[SOURCE_TEXT_MAX];

        if (s->link_journal == LINK_JOURNAL_NO || s->link_journal == LINK_JOURNAL_AUTO ||
            !source_same_origin(journal, ephemeral))
                return 0;
        return problem_error(problems, journal, "LinkJournal= and Ephemeral= (%s) exclude each other",
                             source_text(ephemeral, source));
}

/* A copy of a tree that runs beside it. Two machines that write to one directory would damage it. */
static int warn_of_holder(const JournalInput *in, Problems *problems)
{
        const char *other = *in->facts->holder ? in->facts->holder : "another machine";

        return problem_warning(problems, in->settings->from[SETTING_LINK_JOURNAL], "The journal of machine '%s' is not linked: "
                               "'%s', which runs, has the same machine id, %s; give this machine its own: rm "
                               "%s/etc/machine-id; systemd-machine-id-setup --root=%s", in->machine->name, other, in->id,
                               in->root, in->root);
}

int journal_plan_make(const JournalInput *in, JournalPlan *ret, MountPlan *mounts, TreeEdits *edits, Problems *problems)
{
        _cleanup_(journal_plan_done) JournalPlan p = {
                .state = in->facts->state, .from = in->settings->from[SETTING_LINK_JOURNAL],
        };
        LinkJournal mode = in->settings->link_journal;
        bool try = mode != LINK_JOURNAL_HOST && mode != LINK_JOURNAL_GUEST;
        const char *why = obstacle(in, mode == LINK_JOURNAL_GUEST || mode == LINK_JOURNAL_TRY_GUEST);
        int r;

        if (in->settings->ephemeral == YES)
                return refuse_ephemeral(in->settings, problems);
        if (mode == LINK_JOURNAL_NO || (try && (why || in->boots_other)))
                return 0;
        if (why)
                return problem_error(problems, p.from, "The journals of machine and host cannot be linked: %s", why);
        if (in->facts->holder)
                return warn_of_holder(in, problems);
        if (fill_paths(in, &p) < 0)
                return -ENOMEM;

        if (mode == LINK_JOURNAL_AUTO)
                r = plan_auto(in, &p, mounts, edits, problems);
        else if (mode == LINK_JOURNAL_GUEST || mode == LINK_JOURNAL_TRY_GUEST)
                r = plan_guest(in, try, &p, edits, problems);
        else
                r = plan_host(in, try, &p, mounts, problems);
        if (r < 0)
                return r;

        *ret = p;
        p = (JournalPlan) {};
        return 0;
}

/* ---- on the host ------------------------------------------------------------------------------------------- */

static int make(const JournalPlan *p, uid_t owner)
{
        if (p->action == JOURNAL_CREATE_LINK)
                return RET_ERRNO(symlink(p->target, p->path));
        if (mkdir(p->path, 0755) < 0)
                return -errno;
        return RET_ERRNO(lchown(p->path, owner, owner));
}

static int take(const JournalPlan *p, const JournalMachine *m, Failure *failure)
{
        _cleanup_close_ int fd = open(p->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", p->path);
        return journal_dir_take(fd, p->path, m, failure);
}

int journal_do(const JournalPlan *p, const JournalMachine *m, Failure *failure)
{
        int r = 0;

        if (p->action == JOURNAL_OFF || p->action == JOURNAL_KEEP)
                return 0;
        if (p->action == JOURNAL_TAKE)
                return take(p, m, failure);
        if (p->state == JOURNAL_LINK)
                r = RET_ERRNO(unlink(p->path));
        else if (p->state == JOURNAL_EMPTY_DIRECTORY)
                r = RET_ERRNO(rmdir(p->path));
        if (r >= 0)
                r = make(p, m->owner);
        if (r < 0)
                return failure_set(failure, r, "Failed to create '%s' for the machine's journal: %m", p->path);
        r = p->action == JOURNAL_CREATE_DIRECTORY ? take(p, m, failure) : 0;
        return r < 0 ? r : 1;
}

void journal_undo(const JournalPlan *p)
{
        if (p->action == JOURNAL_CREATE_LINK)
                (void) unlink(p->path);
        else
                (void) rmdir(p->path);
        if (p->replaced && symlink(p->replaced, p->path) < 0)
                return;         /* the next start makes it anew */
}
