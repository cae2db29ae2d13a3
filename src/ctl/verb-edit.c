/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl edit: a machine's settings file, or a drop-in, in the user's editor. The user edits a hidden copy beside the file; once
 * it is checked, together with the machine's other settings, it replaces the file atomically. Needs write access to
 * /etc/systemd/nspawn.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/nspawn-file.h"
#include "config/settings-source.h"
#include "ctl/dry-run.h"
#include "ctl/editor.h"
#include "ctl/file-check.h"
#include "ctl/units.h"
#include "image/image.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

/* For the handler of signals that end boxctl: the hidden copy. */
static char *volatile to_unlink;

static void on_end(int sig)
{
        if (to_unlink)
                (void) unlink(to_unlink);
        (void) signal(sig, SIG_DFL);
        (void) raise(sig);
}

typedef struct Edit {
        Ctl *c;
        const char *machine;
        char *directory;
        char *target;
        char *temporary;        /* NULL: none */
        bool made_directory;
        mode_t mode;
        char *before;           /* initial content; NULL: empty */
        Json *baseline;         /* of a dry run without the change; NULL: it failed */
} Edit;

static void edit_done(Edit *e)
{
        to_unlink = NULL;
        if (e->temporary)
                (void) unlink(e->temporary);
        if (e->made_directory)
                (void) rmdir(e->directory);     /* fails if a file was saved in it */
        free(e->directory);
        free(e->target);
        free(e->temporary);
        free(e->before);
        json_free(e->baseline);
}

/* ---- the target ---------------------------------------------------------------------------------------------------- */

static int make_target(Edit *e, const char *drop_in, Failure *failure)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@+";
        const char *suffix;
        int r;

        if (!drop_in) {
                e->directory = strdup(SETTINGS_ETC_DIR);
                r = strf(&e->target, "%s/%s.nspawn", SETTINGS_ETC_DIR, e->machine);
        } else {
                if (!*drop_in || *drop_in == '.' || strspn(drop_in, letters) != strlen(drop_in))
                        return failure_set(failure, -EINVAL, "Invalid drop-in name '%s'", drop_in);
                suffix = strlen(drop_in) > 5 && strcmp(drop_in + strlen(drop_in) - 5, ".conf") == 0 ? "" : ".conf";
                r = strf(&e->directory, "%s/%s.nspawn.d", SETTINGS_ETC_DIR, e->machine);
                if (r >= 0)
                        r = strf(&e->target, "%s/%s%s", e->directory, drop_in, suffix);
        }
        return r < 0 || !e->directory ? failure_set(failure, -ENOMEM, "Out of memory") : 0;
}

static int make_directory(Edit *e, Failure *failure)
{
        if (mkdir(SETTINGS_ETC_DIR, 0755) < 0 && errno != EEXIST)
                return failure_set(failure, -errno, "Failed to create %s: %m", SETTINGS_ETC_DIR);
        if (mkdir(e->directory, 0755) >= 0)
                e->made_directory = true;
        else if (errno != EEXIST)
                return failure_set(failure, -errno, "Failed to create %s: %m", e->directory);
        return 0;
}

/* ---- the content ------------------------------------------------------------------------------------------- */

static int read_file(const char *path, bool trusted, char **ret, size_t *ret_size, struct stat *ret_st)
{
        _cleanup_close_ int fd = trusted ? RET_ERRNO(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) :
                                           fd_open_without_links(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

        if (fd < 0)
                return fd;
        if (fstat(fd, ret_st) < 0)
                return -errno;
        if (!S_ISREG(ret_st->st_mode))
                return -EBADFD;
        return fd_read_all(fd, NSPAWN_FILE_MAX, ret, ret_size);
}

/* Reads the settings file in another directory that the one in /etc will hide. *ret is not set if there is none. */
static int find_hidden(Edit *e, char **ret)
{
        _cleanup_(problems_done) Problems ignored = { 0 };
        _cleanup_(settings_sources_done) SettingsSources sources = { 0 };
        Assignments none = { .trusted = true };
        Image image = { .fd = -EBADF };
        Failure no_image = { 0 };
        struct stat st;
        int r;

        (void) image_find(NULL, e->machine, &image, &no_image);
        r = settings_sources_read(&(SettingsPlace) { .machine = e->machine, .image_path = image.found }, &none, &sources,
                                  &ignored);
        image_done(&image);
        for (size_t i = 0; r >= 0 && i < sources.n; i++) {
                const SettingsSource *source = &sources.items[i];

                if (source->kind != SETTINGS_SOURCE_FILE)
                        continue;
                r = read_file(source->path, source->assignments.trusted, ret, NULL, &st);
                if (r == -EBADFD && S_ISCHR(st.st_mode))
                        r = 0;          /* /dev/null: a mask, which counts as an empty file */
                else if (r >= 0) {
                        e->mode = st.st_mode & 0644;    /* keeps it unreadable for others */
                        if (!source->assignments.trusted)
                                log_warning(0, "%s is not trusted; its copy in %s will be", source->path, e->directory);
                }
        }
        return r;
}

static int read_before(Edit *e, bool drop_in, Failure *failure)
{
        struct stat st;
        int r;

        e->mode = 0644;
        r = read_file(e->target, /* trusted= */ true, &e->before, NULL, &st);
        if (r >= 0)
                e->mode = st.st_mode & 07777;
        else if (r == -ENOENT)
                r = drop_in ? 0 : find_hidden(e, &e->before);
        if (r < 0)
                return failure_set(failure, r, "Failed to read %s: %m", e->target);
        return 0;
}

static int make_temporary(Edit *e, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (strf(&e->temporary, "%s/.#%sXXXXXX", e->directory, strrchr(e->target, '/') + 1) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        fd = mkostemp(e->temporary, O_CLOEXEC);
        if (fd < 0) {
                r = failure_set(failure, -errno, "Failed to create a file in %s: %m", e->directory);
                free(TAKE_PTR(e->temporary));
                return r;
        }
        to_unlink = e->temporary;
        r = RET_ERRNO(fchmod(fd, e->mode));
        if (r >= 0 && e->before)
                r = fd_write_all(fd, e->before, strlen(e->before));
        return r < 0 ? failure_set(failure, r, "Failed to write %s: %m", e->temporary) : 0;
}

/* ---- checks --------------------------------------------------------------------------------------------------- */

static bool has_problem(const JsonNode *dry, const char *text)
{
        JSON_FOREACH(problem, json_member(dry, "problems")) {
                const char *other = json_member_string(problem, "text");

                if (other && strcmp(other, text) == 0)
                        return true;
        }
        return false;
}

/* Logs the problems that the machine has with the change and did not have before. Returns the number of fatal ones. */
static size_t check_machine(Edit *e, const JsonNode *dry)
{
        size_t n_fatal = 0;

        JSON_FOREACH(problem, json_member(dry, "problems")) {
                const char *text = json_member_string(problem, "text");
                bool fatal = json_member_bool(problem, "fatal");

                if (!text || (e->baseline && has_problem(json_root(e->baseline), text)))
                        continue;
                n_fatal += fatal;
                file_check_log(fatal, text);
        }
        return n_fatal;
}

static int check(Edit *e, size_t *ret_fatal, Failure *failure)
{
        _cleanup_free_ char *instead = NULL;
        _cleanup_json_ Json *dry = NULL;
        Failure own = { 0 };

        if (strf(&instead, "--read-instead=%s:%s", e->target, e->temporary) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");

        if (e->baseline && dry_run(e->c, e->machine, instead, &dry, &own) >= 0) {
                *ret_fatal = check_machine(e, json_root(dry));
                return 0;
        }
        return file_check_alone(e->temporary, e->target, e->machine, ret_fatal, failure);
}

/* ---- editing ------------------------------------------------------------------------------------------------ */

static int save(Edit *e, Failure *failure)
{
        _cleanup_close_ int file = open(e->temporary, O_RDONLY | O_CLOEXEC),
                            directory = open(e->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (file < 0 || fchmod(file, e->mode) < 0 || fsync(file) < 0 || rename(e->temporary, e->target) < 0)
                return failure_set(failure, -errno, "Failed to save %s: %m", e->target);
        to_unlink = NULL;
        free(TAKE_PTR(e->temporary));
        if (directory < 0 || fsync(directory) < 0)
                return failure_set(failure, -errno, "Failed to save %s: %m", e->target);
        return 0;
}

/* Runs the editor once. 1: the file is to be saved; 0: nothing is to be saved; -EAGAIN: the user wants to edit again. */
static int round_trip(Edit *e, Failure *failure)
{
        _cleanup_free_ char *after = NULL;
        size_t size, n_fatal = 0;
        struct stat st;
        bool blank;
        int r;

        r = editor_run(e->temporary, failure);
        if (r < 0)
                return r;
        r = read_file(e->temporary, /* trusted= */ true, &after, &size, &st);
        if (r < 0)
                return failure_set(failure, r, "Failed to read %s: %m", e->temporary);
        blank = strspn(after, " \t\r\n") == size;
        if (blank || strcmp(after, e->before ? e->before : "") == 0) {
                log_info(0, "%s: %s", e->machine, blank ? "The file is empty, nothing was saved" : "Nothing was changed");
                return 0;
        }

        r = check(e, &n_fatal, failure);
        if (r < 0)
                return r;
        if (n_fatal == 0)
                return 1;
        switch (editor_ask("(e)dit it again, (s)ave it as it is, (d)iscard it?", "des")) {
        case 'e':
                return -EAGAIN;
        case 's':
                return 1;
        default:
                return failure_set(failure, -EBADMSG, "%zu error%s; the file was not saved", n_fatal,
                                   n_fatal == 1 ? "" : "s");
        }
}

static int edit_one(Ctl *c, const char *name, Failure *failure)
{
        _cleanup_(edit_done) Edit e = { .c = c, .machine = name };
        Failure no_baseline = { 0 };
        int r;

        (void) signal(SIGINT, on_end);
        (void) signal(SIGTERM, on_end);
        (void) signal(SIGHUP, on_end);
        r = name_check(name, /* image= */ false, failure);
        if (r >= 0)
                r = make_target(&e, c->options.drop_in, failure);
        if (r >= 0)
                r = make_directory(&e, failure);
        if (r >= 0)
                r = read_before(&e, c->options.drop_in, failure);
        if (r >= 0)
                r = make_temporary(&e, failure);
        if (r < 0)
                return r;

        (void) dry_run(c, name, NULL, &e.baseline, &no_baseline);
        do
                r = round_trip(&e, failure);
        while (r == -EAGAIN);
        return r > 0 ? save(&e, failure) : r;
}

const Verb verb_edit = {
        .name = "edit",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_TAKES_IMAGES,
        .synopsis = "NAME…",
        .help = "Edit machines' settings files",
        .details = "/etc/systemd/nspawn/NAME.nspawn, or with --drop-in=FILE, NAME.nspawn.d/FILE.conf there. Begins with the "
                   "settings file in force, which may be in another directory. The result is checked before it is saved.",
        .example = "boxctl edit --drop-in=limits web",
        .run_one = edit_one,
};
