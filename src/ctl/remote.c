/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See remote.h. Part of boxctl, with its caller's rights: the process becomes ssh(1), which passes on streams, signals of the
 * terminal and the exit status.
 */

#include <string.h>
#include <unistd.h>

#include "ctl/remote.h"
#include "ctl/session-terminal.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"

/* ---- words for the other side's shell ----------------------------------------------------------------------- */

/* In single quotes, but for quotes and backslashes, which have a backslash before them: so sh, csh and fish all read the same. */
static void quote(FILE *f, const char *word)
{
        if (!*word)
                fputs("''", f);
        while (*word) {
                size_t n = strcspn(word, "'\\");

                if (n > 0)
                        fprintf(f, "'%.*s'", (int) n, word);
                word += n;
                if (*word)
                        fprintf(f, "\\%c", *word++);
        }
}

static void quote_all(FILE *f, char *const *words)
{
        for (; words && *words; words++) {
                fputc(' ', f);
                quote(f, *words);
        }
}

/* Variables have our values there. Words come after "--": none of them is an option. host: for next steps; NULL. env(1) sets
 * the variable, as not every shell does it in the same way. */
static int make_command(const char *program, const char *host, const CommandLine *line, char **ret)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return -ENOMEM;
        if (host) {
                fputs("env " REMOTE_VARIABLE "=", f);
                quote(f, host);
                fputc(' ', f);
        }
        fputs(program, f);
        quote_all(f, line->forward);
        for (char **v = line->options.setenv; v && *v; v++) {
                fputs(" --setenv=", f);
                quote(f, *v);
        }
        if (line->words)
                fputs(" --", f);
        quote_all(f, line->words);
        *ret = memory_stream_take(&m);
        return *ret ? 0 : -ENOMEM;
}

/* ---- the host ----------------------------------------------------------------------------------------------- */

typedef struct Host {
        char *host;                     /* [USER@]HOST */
        const char *port;               /* in `owned`; NULL: none */
        char *owned;
} Host;

static void host_done(Host *h)
{
        free(h->host);
        free(h->owned);
}

static bool is_port(const char *s)
{
        uint32_t port;

        return parse_u32(s, &port) >= 0 && port > 0 && port < 65536;
}

/* An address of IPv6 with a port has brackets, which ssh does not want. */
static int split_host(const char *text, Host *h, Failure *failure)
{
        char *at, *name, *colon, *bracket;

        h->owned = strdup(text);
        if (!h->owned)
                return failure_set(failure, -ENOMEM, "Out of memory");
        at = strrchr(h->owned, '@');
        name = at ? at + 1 : h->owned;
        bracket = *name == '[' ? strchr(name, ']') : NULL;
        colon = bracket ? bracket + 1 : strchr(name, ':');
        if (colon && *colon == ':' && (bracket || !strchr(colon + 1, ':'))) {
                *colon = 0;
                h->port = colon + 1;
        } else if (bracket && *colon)
                h->port = "";           /* something after the bracket */
        if (bracket) {
                *bracket = 0;
                memmove(name, name + 1, strlen(name + 1) + 1);
        }
        h->host = strdup(h->owned);
        if (!h->host)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (!*name || *h->owned == '-' || at == h->owned || (h->port && !is_port(h->port)) ||
            strpbrk(h->host, " \t\n\r/'\"\\;&|<>$`(){}"))
                return failure_set(failure, -EINVAL, "Invalid host '%s': expected [USER@]HOST[:PORT]", text);
        return 0;
}

int remote_command(const char *host, const char *program, const CommandLine *line, bool terminal, char ***ret,
                   Failure *failure)
{
        _cleanup_(host_done) Host h = { 0 };
        _cleanup_free_ char *command = NULL;
        _cleanup_strv_ char **argv = NULL;
        const char *ssh = getenv("SYSTEMD_SSH");
        int r = split_host(host, &h, failure);

        if (r < 0)
                return r;
        r = make_command(program, terminal ? host : NULL, line, &command);
        if (r >= 0) {
                const char *const words[] = { ssh && *ssh ? ssh : "ssh", "-x", terminal ? "-t" : "-T", "-oLogLevel=ERROR",
                                              h.port ? "-p" : NULL, h.port, "--", h.host, command };

                for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(words); i++)
                        r = words[i] ? strv_extend(&argv, words[i]) : 0;
        }
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        *ret = TAKE_PTR(argv);
        return 0;
}

int remote_run(const Ctl *c, const CommandLine *line)
{
        _cleanup_strv_ char **argv = NULL;
        Failure f = { 0 };
        int r = remote_command(line->options.host, c->lite ? "machinectl-lite" : "boxctl", line, session_has_terminal(), &argv,
                               &f);

        if (r < 0)
                return log_error(r, "%s", f.text);
        (void) execvp(argv[0], argv);
        return log_error(-errno, "Failed to execute '%s', which --host= needs: %m", argv[0]);
}
