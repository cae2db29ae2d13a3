/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See copy-stream.h. Part of boxctl, as root. tar(1) reads and writes the archives, in a directory of the host's that only root
 * can enter, and never in a machine: it follows links that are there already, and a machine could put them in its way. What is
 * between that directory and the machine is a copy as any other, with its owners and its rights.
 */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/copy-stream.h"
#include "image/scratch-dir.h"
#include "util/fd.h"
#include "util/print.h"

#define PLACE "/var/tmp"

/* The names in a directory, each ended by a NUL, in a file that is read from its start. */
static int list_names(const char *path, int *ret)
{
        _cleanup_close_ int list = memfd_create("names", MFD_CLOEXEC);
        _cleanup_closedir_ DIR *directory = opendir(path);
        const struct dirent *d;

        if (list < 0 || !directory)
                return -errno;
        while ((errno = 0, d = readdir(directory)))
                if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && dprintf(list, "%s%c", d->d_name, 0) < 0)
                        return -errno;
        if (errno != 0 || lseek(list, 0, SEEK_SET) < 0)
                return -errno;
        *ret = TAKE_FD(list);
        return 0;
}

/* tar in a directory, with input as its standard input. */
static int spawn_tar(char *const argv[], int input, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        sigemptyset(&none);
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r == 0) {
                r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
                if (r == 0)
                        r = posix_spawnattr_setsigmask(&attributes, &none);
                if (r == 0)
                        r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
                if (r == 0)
                        r = posix_spawnp(ret, "tar", &actions, &attributes, argv, environ);
                (void) posix_spawnattr_destroy(&attributes);
        }
        (void) posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* Of the names in the directory, not of the directory itself: it is ours, and has our mode. */
static int create_archive(const char *directory, pid_t *ret)
{
        char *const argv[] = { (char *) "tar", (char *) "--create", (char *) "--file=-", (char *) "--directory",
                               (char *) directory, (char *) "--numeric-owner", (char *) "--xattrs", (char *) "--acls",
                               (char *) "--sparse", (char *) "--null", (char *) "--files-from=-", NULL };
        _cleanup_close_ int names = -EBADF;
        int r;

        r = list_names(directory, &names);
        return r < 0 ? r : spawn_tar(argv, names, ret);
}

static int extract_archive(const char *directory, pid_t *ret)
{
        char *const argv[] = { (char *) "tar", (char *) "--extract", (char *) "--file=-", (char *) "--directory",
                               (char *) directory, (char *) "--numeric-owner", (char *) "--xattrs", (char *) "--acls",
                               (char *) "--sparse", (char *) "--preserve-permissions", NULL };

        return spawn_tar(argv, STDIN_FILENO, ret);
}

/* Signals of the terminal end tar and not us, who remove the directory then. 0, 128 and a signal's number, or after a message a
 * negative errno. */
static int run_tar(int (*spawn)(const char *directory, pid_t *ret), const char *directory)
{
        sigset_t set;
        pid_t pid = 0;
        int r, status = 0;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        r = spawn(directory, &pid);
        if (r >= 0)
                (void) TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
        if (r == -ENOENT)
                return log_error(-ENOSYS, "'-' needs tar, which is not installed on this host");
        if (r < 0)
                return log_error(r, "Failed to execute tar: %m");
        if (WIFSIGNALED(status))
                return 128 + WTERMSIG(status);
        return WEXITSTATUS(status) == 0 ? 0 : log_error(-EIO, "tar failed (exit status %d)", WEXITSTATUS(status));
}

/* The contents of the archive go where the destination is, as docker's cp has it. */
static int from_archive(Ctl *c, const CopyRequest *q, const ScratchDir *scratch)
{
        _cleanup_(copy_path_done) CopyPath source = { 0 };
        const CopyRequest request = { .sources = &source, .n_sources = 1, .dest = q->dest };
        int r;

        if (isatty(STDIN_FILENO))
                return log_error(-EINVAL, "Standard input is a terminal, and no archive");
        /* In a directory below: an entry "." has a mode and an owner, and ours must stay closed. */
        if (mkdirat(scratch->fd, "tree", 0700) < 0)
                return log_error(-errno, "Failed to create a directory in " PLACE ": %m");
        if (strf(&source.path, PLACE "/%s/tree/.", scratch->name) < 0)
                return log_oom();
        r = run_tar(extract_archive, source.path);
        return r != 0 ? r : copy_run(c, &request);
}

static int to_archive(Ctl *c, const CopyRequest *q, const ScratchDir *scratch)
{
        _cleanup_(copy_path_done) CopyPath dest = { 0 };
        const CopyRequest request = { .sources = q->sources, .n_sources = q->n_sources, .dest = &dest };
        int r;

        if (isatty(STDOUT_FILENO))
                return log_error(-EINVAL, "Standard output is a terminal; an archive goes to a file or a pipe");
        if (strf(&dest.path, PLACE "/%s", scratch->name) < 0)
                return log_oom();
        r = copy_run(c, &request);
        return r != 0 ? r : run_tar(create_archive, dest.path);
}

int copy_stream_run(Ctl *c, const CopyRequest *request)
{
        _cleanup_close_ int place = open(PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ScratchDir scratch = SCRATCH_DIR_NULL;
        int r;

        for (size_t i = 0; i < request->n_sources; i++)
                if (request->sources[i].is_stream && (request->n_sources > 1 || request->dest->is_stream))
                        return log_error(-EINVAL, "'-' is the only source, or the destination");
        r = place < 0 ? -errno : scratch_dir_make(place, ".#box-cp-", &scratch);
        if (r < 0)
                return log_error(r, "Failed to create a directory in " PLACE ": %m");
        r = request->dest->is_stream ? to_archive(c, request, &scratch) : from_archive(c, request, &scratch);
        if (scratch_dir_remove(&scratch) < 0)
                log_warning(0, "Failed to remove the temporary directory in " PLACE ", ignoring");
        return r;
}
