/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See copy-stream.h. Part of boxctl, as root. tar(1) reads and writes the archives, in a directory of the host's that only root
 * can enter, and never in a machine: it follows links that are there already, and a machine could put them in its way. What is
 * between that directory and the machine is a copy as any other, with its owners and its rights.
 */

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/copy-stream.h"
#include "image/scratch-dir.h"
#include "util/fd.h"
#include "util/print.h"

#define PLACE "/var/tmp"

static int spawn_tar(const char *mode, const char *directory, pid_t *ret)
{
        char *const argv[] = { (char *) "tar", (char *) mode, (char *) "--file=-", (char *) "--directory", (char *) directory,
                               (char *) "--numeric-owner", (char *) "--xattrs", (char *) "--acls", (char *) "--sparse",
                               (char *) (strcmp(mode, "--create") == 0 ? "." : "--preserve-permissions"), NULL };
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        sigemptyset(&none);
        r = posix_spawnattr_init(&attributes);
        if (r == 0)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
                r = posix_spawnp(ret, "tar", NULL, &attributes, argv, environ);
        (void) posix_spawnattr_destroy(&attributes);
        return -r;
}

/* Signals of the terminal end tar and not us, who remove the directory then. 0, 128 and a signal's number, or after a message a
 * negative errno. */
static int run_tar(const char *mode, const char *directory)
{
        sigset_t set;
        pid_t pid = 0;
        int r, status = 0;

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        r = spawn_tar(mode, directory, &pid);
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
        if (strf(&source.path, PLACE "/%s/.", scratch->name) < 0)
                return log_oom();
        r = run_tar("--extract", source.path);
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
        return r != 0 ? r : run_tar("--create", dest.path);
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
