/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The user's editor and answers (see editor.h). Part of boxctl, which has its caller's rights. */

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/editor.h"
#include "util/parse.h"
#include "util/strv.h"

extern char **environ;

/* "vim -n" is a command with its arguments. */
static int split(const char *text, char ***ret)
{
        _cleanup_strv_ char **words = NULL;
        char *word;
        int r;

        while ((r = parse_word(&text, &word)) > 0) {
                r = strv_consume(&words, word);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        *ret = TAKE_PTR(words);
        return 0;
}

/* Ignores SIGINT and SIGQUIT meanwhile: ^C and ^\\ are for the editor. */
static int spawn_and_wait(char *const *command, int *ret_status)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        struct sigaction interrupt, quit;
        posix_spawnattr_t attributes;
        sigset_t both;
        pid_t pid;
        int r;

        sigemptyset(&both);
        sigaddset(&both, SIGINT);
        sigaddset(&both, SIGQUIT);
        r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;
        (void) posix_spawnattr_setsigdefault(&attributes, &both);
        (void) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        (void) sigaction(SIGINT, &ignore, &interrupt);
        (void) sigaction(SIGQUIT, &ignore, &quit);

        r = posix_spawnp(&pid, command[0], NULL, &attributes, command, environ);
        while (r == 0 && waitpid(pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        r = errno;

        (void) posix_spawnattr_destroy(&attributes);
        (void) sigaction(SIGINT, &interrupt, NULL);
        (void) sigaction(SIGQUIT, &quit, NULL);
        return -r;
}

/* Takes ownership of command. -ENOENT: no such program. */
static int run(char **command, const char *path, Failure *failure)
{
        _cleanup_strv_ char **words = command;
        int status, r;

        r = strv_extend(&words, path);
        if (r >= 0)
                r = spawn_and_wait(words, &status);
        if (r < 0)
                return r;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return failure_set(failure, -ECANCELED, "The editor %s failed; nothing was saved", words[0]);
        return 0;
}

static int run_text(const char *text, const char *path, Failure *failure)
{
        char **command = NULL;
        int r;

        r = split(text, &command);
        if (r < 0)
                return failure_set(failure, r, "Failed to parse the editor command '%s': %m", text);
        return command ? run(command, path, failure) : -ENOENT;
}

int editor_run(const char *path, Failure *failure)
{
        static const char *const variables[] = { "SYSTEMD_EDITOR", "EDITOR", "VISUAL" };
        static const char *const programs[] = { "editor", "nano", "vim", "vi" };
        int r = -ENOENT;

        for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
                const char *text = getenv(variables[i]);

                if (!text || !*text)
                        continue;
                r = run_text(text, path, failure);
                return r < 0 ? failure_set(failure, r, "Failed to run the editor %s: %m", text) : 0;
        }

        for (size_t i = 0; i < ARRAY_SIZE(programs) && r == -ENOENT; i++)
                r = run_text(programs[i], path, failure);
        return r < 0 ? failure_set(failure, r, "No editor found; set $EDITOR") : 0;
}

char editor_ask(const char *question, const char *letters)
{
        char line[80];

        if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
                return letters[0];
        for (;;) {
                fprintf(stderr, "%s ", question);
                (void) fflush(stderr);
                if (!fgets(line, sizeof(line), stdin))
                        return letters[0];
                if (line[0] && line[0] != '\n' && strchr(letters, line[0]) && line[1] == '\n')
                        return line[0];
        }
}
