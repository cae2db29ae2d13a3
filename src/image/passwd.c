/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A user of a machine, from the machine's own files (see passwd.h). boxctl and the supervisor, as root, on files that
 * the machine's root may have filled with anything: reads are bounded, numbers are checked, and the result is safe in an
 * environment and on a terminal.
 */

#include <limits.h>
#include <string.h>

#include "image/passwd.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/text.h"
#include "util/tree.h"

enum {
        FILE_SIZE_MAX = 4 * 1024 * 1024,
        PASSWD_FIELDS = 7,
        GROUP_FIELDS = 4,
};

void machine_user_done(MachineUser *u)
{
        free(u->name);
        free(u->groups);
        free(u->home);
        free(u->shell);
        *u = (MachineUser) { 0 };
}

MachineUser *machine_user_free(MachineUser *u)
{
        if (u)
                machine_user_done(u);
        free(u);
        return NULL;
}

MachineUser *machine_user_copy(const MachineUser *u)
{
        _cleanup_(machine_user_freep) MachineUser *copy = calloc(1, sizeof(*copy));

        if (!copy)
                return NULL;
        copy->uid = u->uid;
        copy->gid = u->gid;
        copy->name = strdup(u->name);
        copy->home = strdup(u->home);
        copy->shell = strdup(u->shell);
        if (!copy->name || !copy->home || !copy->shell)
                return NULL;

        for (size_t i = 0; i < u->n_groups; i++) {
                gid_t gid = u->groups[i];

                if (array_move(&copy->groups, &copy->n_groups, &gid, sizeof(gid)) < 0)
                        return NULL;
        }
        return TAKE_PTR(copy);
}

int passwd_read(int root_fd, const char *path, char **ret)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r;

        r = tree_read(root_fd, path, FILE_SIZE_MAX, &text, &size);
        if (r == -E2BIG || r == -EISDIR || r == -EBADFD || r == -ELOOP)
                return -EBADMSG;
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return r;
        if (text && memchr(text, 0, size))
                return -EBADMSG;

        *ret = TAKE_PTR(text);
        return 0;
}

size_t passwd_next(char **text, char *fields[], size_t max)
{
        char *line, *field;
        size_t n = 0;

        if (!*text || !**text)
                return 0;
        line = strsep(text, "\n");
        for (; (field = strsep(&line, ":")); n++)
                if (n < max)
                        fields[n] = field;
        return n;
}

/* 65535 and 4294967295 stand for "no id" in 16 and 32 bits. */
static bool parse_id(const char *s, uint32_t *ret)
{
        return parse_u32(s, ret) >= 0 && *ret != UINT16_MAX && *ret != UINT32_MAX;
}

static int fill(MachineUser *u, char *const fields[])
{
        uint32_t uid, gid;

        if (!parse_id(fields[2], &uid) || !parse_id(fields[3], &gid))
                return -EBADMSG;
        for (size_t i = 0; i < PASSWD_FIELDS; i++)
                if (text_has_control(fields[i], strlen(fields[i])) || !text_is_utf8(fields[i], strlen(fields[i])))
                        return -EBADMSG;

        u->uid = uid;
        u->gid = gid;
        u->name = strdup(fields[0]);
        u->home = strdup(*fields[5] == '/' ? fields[5] : "/");
        u->shell = strdup(*fields[6] == '/' ? fields[6] : "/bin/sh");
        return u->name && u->home && u->shell ? 0 : -ENOMEM;
}

static int find_user(char *text, const char *name, MachineUser *u)
{
        uint32_t wanted = 0, uid;
        bool by_number = parse_id(name, &wanted);
        char *fields[PASSWD_FIELDS];
        size_t n;

        while ((n = passwd_next(&text, fields, PASSWD_FIELDS)) > 0) {
                bool named = n > 1 && strcmp(fields[0], name) == 0;

                if (named && n != PASSWD_FIELDS)
                        return -EBADMSG;
                if (named || (by_number && n == PASSWD_FIELDS && parse_id(fields[2], &uid) && uid == wanted))
                        return fill(u, fields);
        }

        return -ESRCH;
}

static int add_group(MachineUser *u, gid_t gid)
{
        if (u->n_groups >= NGROUPS_MAX)
                return -EBADMSG;
        return array_move(&u->groups, &u->n_groups, &gid, sizeof(gid));
}

static bool is_member(const char *members, const char *name)
{
        size_t n = strlen(name);

        for (const char *p = members; *p; p += strcspn(p, ","), p += *p == ',')
                if (strncmp(p, name, n) == 0 && (!p[n] || p[n] == ','))
                        return true;
        return false;
}

/* Malformed lines of the group file are skipped: they grant nothing. */
static int find_groups(char *text, MachineUser *u)
{
        char *fields[GROUP_FIELDS];
        uint32_t gid;
        size_t n;
        int r;

        r = add_group(u, u->gid);
        while (r >= 0 && (n = passwd_next(&text, fields, GROUP_FIELDS)) > 0)
                if (n == GROUP_FIELDS && parse_id(fields[2], &gid) && gid != u->gid && is_member(fields[3], u->name))
                        r = add_group(u, gid);
        return r;
}

/* As find_user(), but root is found in every tree. */
static int find_user_or_root(char *users, const char *name, MachineUser *u)
{
        char root[] = "root:x:0:0::/root:/bin/sh";
        int r;

        r = find_user(users, name, u);
        if (r == -ESRCH && (strcmp(name, "root") == 0 || strcmp(name, "0") == 0))
                r = find_user(root, name, u);
        return r;
}

/* "UID:GID": the user with this UID where the file has one, else one that is named by its number. */
static int find_ids(char *users, const char *name, MachineUser *u)
{
        const char *colon = strchr(name, ':');
        _cleanup_free_ char *id = strndup(name, (size_t) (colon - name));
        uint32_t uid, gid;
        int r;

        if (!id)
                return -ENOMEM;
        if (!parse_id(id, &uid) || !parse_id(colon + 1, &gid))
                return -ESRCH;

        r = find_user_or_root(users, id, u);
        if (r == -ESRCH) {
                u->name = TAKE_PTR(id);
                u->home = strdup("/");
                u->shell = strdup("/bin/sh");
                r = u->home && u->shell ? 0 : -ENOMEM;
        }
        u->uid = uid;
        u->gid = gid;
        return r;
}

int machine_user_read(int root_fd, const char *name, MachineUser *ret)
{
        _cleanup_(machine_user_done) MachineUser u = { 0 };
        _cleanup_free_ char *users = NULL, *groups = NULL;
        bool ids = strchr(name, ':');
        int r;

        if (!*name)
                return -ESRCH;

        r = passwd_read(root_fd, "/etc/passwd", &users);
        if (r >= 0)
                r = ids ? find_ids(users, name, &u) : find_user_or_root(users, name, &u);
        if (r >= 0 && !ids)
                r = passwd_read(root_fd, "/etc/group", &groups);
        if (r >= 0)
                r = find_groups(groups, &u);
        if (r < 0)
                return r;

        *ret = u;
        u = (MachineUser) { 0 };
        return 0;
}

int machine_group_read(int root_fd, const char *name, gid_t *ret)
{
        _cleanup_free_ char *groups = NULL;
        char *fields[GROUP_FIELDS], *rest;
        bool known = strcmp(name, "root") == 0;
        uint32_t gid = 0;
        size_t n;
        int r;

        r = passwd_read(root_fd, "/etc/group", &groups);
        if (r < 0)
                return r;
        rest = groups;
        while ((n = passwd_next(&rest, fields, GROUP_FIELDS)) > 0)
                if (n > 1 && strcmp(fields[0], name) == 0) {
                        if (n != GROUP_FIELDS || !parse_id(fields[2], &gid))
                                return -EBADMSG;
                        known = true;
                        break;
                }
        if (!known && !parse_id(name, &gid))
                return -ESRCH;

        *ret = gid;
        return 0;
}
