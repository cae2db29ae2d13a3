/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The users of BindUser= (see bind-user.h): the host's by its NSS, the machine's from its hostile files. The supervisor, as
 * root of the host, before anything is changed.
 */

#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <string.h>

#include "image/passwd.h"
#include "users/bind-user.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/text.h"

enum {
        ENTRY_MAX = 64 * 1024,          /* bytes of an NSS entry */
        NOBODY = 65534,
};

void host_users_done(HostUsers *u)
{
        for (size_t i = 0; i < u->n; i++) {
                free(u->items[i].name);
                free(u->items[i].home);
                free(u->items[i].shell);
                if (u->items[i].password)
                        explicit_bzero(u->items[i].password, strlen(u->items[i].password));
                free(u->items[i].password);
        }
        free(u->items);
        *u = (HostUsers) {};
}

/* "x" and "*" are no password. "!" locks the account, in the machine as well. Text that is not a crypt(5) hash is dropped: it
 * goes into JSON unescaped. */
static bool is_password(const char *s)
{
        const char *hash = s + strspn(s, "!");

        for (const char *p = s; *p; p++)
                if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
                        return false;
        return *s && strcmp(hash, "x") != 0 && strcmp(hash, "*") != 0;
}

static int read_password(const char *name, const struct passwd *pw, char *buf, HostUser *u)
{
        const char *found = pw->pw_passwd;
        struct spwd entry, *sp = NULL;
        _cleanup_free_ char *kept = strdup(found);

        if (!kept)
                return -ENOMEM;
        /* Overwrites buf, which holds pw's texts. */
        found = getspnam_r(name, &entry, buf, ENTRY_MAX, &sp) == 0 && sp ? sp->sp_pwdp : kept;
        if (is_password(found)) {
                u->password = strdup(found);
                if (!u->password)
                        return -ENOMEM;
        }
        explicit_bzero(buf, ENTRY_MAX);
        return 0;
}

/* Why the user cannot be bound; NULL if it can. */
static const char *refusal_reason(const struct passwd *pw, char *buf)
{
        struct group entry, *gr = NULL;

        if (pw->pw_uid == 0 || pw->pw_uid == NOBODY || pw->pw_gid == 0)
                return "root and nobody are the machine's own already";
        if (pw->pw_dir[0] != '/')
                return "without a home directory";
        /* One user and one group are created in the machine: the group must be private to the user. */
        if (getgrgid_r(pw->pw_gid, &entry, buf, ENTRY_MAX, &gr) != 0 || !gr || strcmp(gr->gr_name, pw->pw_name) != 0)
                return "without a private primary group of the same name";
        return NULL;
}

/* Goes into JSON unescaped. */
static bool is_shell(const char *path)
{
        size_t n = strlen(path);

        return path[0] == '/' && !strpbrk(path, "\"\\") && text_is_utf8(path, n) && !text_has_control(path, n);
}

static int read_shell(const Settings *s, const struct passwd *pw, HostUser *u)
{
        const char *shell = s->bind_user_shell;

        if (shell && strcmp(shell, "yes") == 0)
                shell = is_shell(pw->pw_shell) ? pw->pw_shell : NULL;
        return free_and_strdup(&u->shell, shell);
}

static int read_user(const Settings *settings, const StringSetting *s, char *buf, char *group_buf, HostUser *u,
                     Problems *problems)
{
        struct passwd entry, *pw = NULL;
        const char *why;
        int r;

        r = getpwnam_r(s->value, &entry, buf, ENTRY_MAX, &pw);
        if (!pw)
                return problem_error(problems, s->from, "BindUser=%s: %s", s->value,
                                     r == 0 || r == ENOENT || r == ESRCH ? "the host has no such user" : strerror(r));
        why = refusal_reason(pw, group_buf);
        if (why)
                return problem_error(problems, s->from, "BindUser=%s: %s", s->value, why);

        u->uid = pw->pw_uid;
        u->gid = pw->pw_gid;
        u->from = s->from;
        u->name = strdup(s->value);
        u->home = strdup(pw->pw_dir);
        u->groups = &settings->bind_user_groups;
        if (!u->name || !u->home || read_shell(settings, pw, u) < 0)
                return -ENOMEM;
        return read_password(s->value, pw, buf, u);
}

/* Notes ids that the machine's passwd or group file has, and refuses names that it has. An unreadable file has none. */
static int read_machine_file(int tree_fd, const char *file, HostUsers *users, Problems *problems)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *fields[3];
        size_t n;
        int r;

        r = passwd_read(tree_fd, file, &text);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        rest = text;
        while ((n = passwd_next(&rest, fields, ARRAY_SIZE(fields))) > 0) {
                uint32_t id;

                if (n < ARRAY_SIZE(fields))
                        continue;
                if (parse_u32(fields[2], &id) >= 0 && id >= BIND_USER_FIRST && id <= BIND_USER_LAST)
                        users->taken |= UINT64_C(1) << (id - BIND_USER_FIRST);
                for (size_t i = 0; i < users->n; i++)
                        if (strcmp(users->items[i].name, fields[0]) == 0 &&
                            problem_error(problems, users->items[i].from, "BindUser=%s: the machine has that name in its "
                                          "own %s", fields[0], file) < 0)
                                return -ENOMEM;
        }
        return 0;
}

int host_users_read(const Settings *s, int tree_fd, HostUsers *ret, Problems *problems)
{
        _cleanup_(host_users_done) HostUsers users = {};
        _cleanup_free_ char *buf = NULL, *group_buf = NULL;

        if (s->bind_users.n == 0)
                return 0;
        buf = malloc(ENTRY_MAX);
        group_buf = malloc(ENTRY_MAX);
        if (!buf || !group_buf)
                return -ENOMEM;

        for (size_t i = 0; i < s->bind_users.n; i++) {
                HostUser *u = array_append(&users.items, &users.n, sizeof(HostUser));

                if (!u || read_user(s, &s->bind_users.items[i], buf, group_buf, u, problems) < 0)
                        return -ENOMEM;
                /* Refused: the plan goes on without. */
                if (!u->name)
                        users.n--;
        }
        if (read_machine_file(tree_fd, "/etc/passwd", &users, problems) < 0 ||
            read_machine_file(tree_fd, "/etc/group", &users, problems) < 0)
                return -ENOMEM;

        *ret = users;
        users = (HostUsers) {};
        return 0;
}
