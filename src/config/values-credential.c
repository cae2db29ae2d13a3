/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Credentials, by switches only, since settings files may be readable by others (see values.h). Reasons never quote a
 * value. box-run, before anything is changed; no privilege.
 */

#include <limits.h>
#include <string.h>

#include "config/values.h"
#include "util/parse.h"
#include "util/strv.h"

bool credential_id_is_valid(const char *id)
{
        size_t n = strlen(id);

        if (n == 0 || n > NAME_MAX || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
                return false;
        for (const char *p = id; *p; p++)
                if (*p < ' ' || *p > '~' || *p == ':' || *p == '/')
                        return false;
        return true;
}

/* Removes those of one switch. */
static void clear(Settings *s, bool loaded)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->n_credentials; i++)
                if (!s->credentials[i].data == loaded)
                        credential_setting_done(&s->credentials[i]);
                else
                        s->credentials[kept++] = s->credentials[i];
        s->n_credentials = kept;
}

/* Splits "ID:REST". */
static int split(const Settings *s, const char *text, char **ret_id, const char **ret_rest, char *reterr_reason)
{
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *id = colon ? strndup(text, (size_t) (colon - text)) : NULL;

        if (!colon)
                return value_refuse(reterr_reason, "no colon after the credential name");
        if (!id)
                return -ENOMEM;
        if (!credential_id_is_valid(id))
                return value_refuse(reterr_reason, "invalid credential name: '%s'", id);
        for (size_t i = 0; i < s->n_credentials; i++)
                if (strcmp(s->credentials[i].id, id) == 0)
                        return value_refuse(reterr_reason, "credential '%s' is set twice", id);

        *ret_rest = colon + 1;
        *ret_id = TAKE_PTR(id);
        return 0;
}

int value_set_credential(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_(credential_setting_done) CredentialSetting c = { .from = from };
        const char *value;
        int r;

        if (!*text) {
                clear(s, /* loaded= */ false);
                return 0;
        }

        r = split(s, text, &c.id, &value, reterr_reason);
        if (r < 0)
                return r;
        r = parse_escaped(value, &c.data, &c.size);
        if (r == -EINVAL)
                return value_refuse(reterr_reason, "invalid C escape in the value of '%s'", c.id);
        return r < 0 ? r : array_move(&s->credentials, &s->n_credentials, &c, sizeof(c));
}

int value_load_credential(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_(credential_setting_done) CredentialSetting c = { .from = from };
        const char *path;
        int r;

        if (!*text) {
                clear(s, /* loaded= */ true);
                return 0;
        }

        r = split(s, text, &c.id, &path, reterr_reason);
        if (r < 0)
                return r;
        if (*path != '/' && !credential_id_is_valid(path))
                return value_refuse(reterr_reason, "neither an absolute path nor a credential name: '%s'", path);
        r = *path == '/' ? value_path(path, &c.path, reterr_reason) : free_and_strdup(&c.path, path);
        return r < 0 ? r : array_move(&s->credentials, &s->n_credentials, &c, sizeof(c));
}
