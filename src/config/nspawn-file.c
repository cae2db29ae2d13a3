/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses .nspawn files (see nspawn-file.h) in the syntax of systemd.syntax(7), except that invalid lines are errors
 * instead of being skipped. The text is not trusted, since a file beside an image comes with the image. boxctl and the
 * supervisor; no privilege.
 */

#include <ctype.h>
#include <string.h>

#include "config/nspawn-file.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"
#include "util/unit-property.h"

enum {
        LINE_LENGTH_MAX = 64 * 1024,    /* including continuations */
        COMPLAINTS_MAX = 100,           /* the rest of a file with more is not read */
};

typedef struct Parser {
        const char *where;              /* the file's name, owned by out */
        Assignments *out;
        Problems *problems;
        size_t complaints_before;       /* problems of other files */
        char *section;
        bool known;                     /* the section is in the table */
        bool begun;                     /* a logical line has begun */
        char *line;                     /* the logical line so far */
        size_t length, allocated;
        unsigned first;                 /* number of its first line */
        bool bad;                       /* an error has been reported for it */
} Parser;

static void parser_done(Parser *p)
{
        free(p->section);
        free(p->line);
}

/* A text of the file for a message; none of a file that is not trusted, which may have been put in another one's place. */
static const char *quote(const Parser *p, const char *text)
{
        return p->out->trusted ? text : "";
}

static Source at(const Parser *p)
{
        return (Source) { .where = p->where, .line = p->first };
}

/* Trims s in place; returns its new beginning. */
static char *trim(char *s)
{
        size_t n;

        s += strspn(s, " \t\r");
        for (n = strlen(s); n > 0 && strchr(" \t\r", s[n - 1]); n--)
                ;
        s[n] = 0;
        return s;
}

/* Sections and keys that are other programs' own, or box's. */
static bool is_private(const char *name)
{
        return strncmp(name, "X-", 2) == 0;
}

/* Not another program's section, but a slip of the pen. */
static bool is_slip(const char *section, const char *nearest)
{
        return nearest && is_private(nearest) && text_distance(section, nearest) <= strlen(nearest) / 4;
}

static int read_section(Parser *p, char *text)
{
        size_t n = strlen(text);
        const char *nearest;

        p->known = false;
        if (text[n - 1] != ']')
                return problem_error(p->problems, at(p), "missing ']' at the end of a section line%s%.64s", quote(p, ": "),
                                     quote(p, text));
        text[n - 1] = 0;

        if (free_and_strdup(&p->section, text + 1) < 0)
                return -ENOMEM;
        p->known = settings_table_has_section(p->section);
        nearest = p->known ? NULL : settings_table_nearest_section(p->section);
        if (p->known || (is_private(p->section) && !is_slip(p->section, nearest)))
                return 0;
        if (is_private(p->section))     /* systemd-nspawn reads none of these, whatever is in it */
                return problem_error(p->problems, at(p), "unknown section%s%.64s%s; did you mean [%s]?", quote(p, " ["),
                                     quote(p, p->section), quote(p, "]"), nearest);

        return problem_warning(p->problems, at(p), "unknown section%s%.64s%s, ignored%s%s%s", quote(p, " ["),
                               quote(p, p->section), quote(p, "]"), nearest ? "; did you mean [" : "",
                               nearest ? nearest : "", nearest ? "]?" : "");
}

/* May a key that is not known restrict the machine? Then it must not be left out, whether it is misspelt or of a newer
 * systemd-nspawn: by the words that systemd's names of such keys have. */
static bool may_restrict(const char *key)
{
        static const char *const words[] = {
                /* less may be done */
                "restrict", "private", "protect", "privilege", "systemcall", "seccomp", "capabilit", "drop", "limit", "allow",
                "deny", "disable", "reject", "refuse", "prevent", "forbid", "exclude", "block", "lock", "filter", "policy",
                "isolat", "sandbox", "confine", "harden", "strict", "secur", "nosuid", "noexec", "nodev",
                "apparmor", "selinux", "smack", "label",
                /* less is seen or changed */
                "readonly", "inaccessible", "mask", "hide", "hidden", "subset", "keyring", "namespace", "device", "volatile",
                "ephemeral", "immutable",
                /* as whom; of whom */
                "user", "group", "idmap", "verity", "hash", "signature", "trust",
                /* less is used */
                "quota", "max", "high", "rate", "bandwidth", "throttle",
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasestr(key, words[i]))
                        return true;
        return strncmp(key, "No", 2) == 0 && isupper((unsigned char) key[2]);
}

static int refuse_key(Parser *p, const char *key, const char *section, const char *nearest)
{
        return problem_error(p->problems, at(p), "unknown key%s%.64s%s in [%s]%s%s%s; it may restrict the machine: correct or "
                             "remove it", quote(p, " "), quote(p, key), quote(p, "="), section,
                             nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "=?" : "");
}

/* [X-Resources] has every property of the host's systemd, which is asked for it at the start. */
static int other_resource(Parser *p, const char *key, const char *value)
{
        _cleanup_free_ char *text = NULL;
        int r = strf(&text, "%s=%s", key, value);

        return r < 0 ? r : assignments_add(p->out, settings_table_row(SETTING_OTHER_RESOURCE), text, at(p));
}

/* In [Exec] and [Files] a newer systemd-nspawn may have harmless keys. [Network] keeps machines apart, and box's own sections
 * have keys for box only. */
static bool must_be_known(const char *section, const char *key, const char *nearest)
{
        return is_private(section) || strcmp(section, "Network") == 0 || may_restrict(key) || (nearest && may_restrict(nearest));
}

/* A key of another section has no effect here. systemd-nspawn goes on, as box does if the key is harmless. 1: reported; 0: it is
 * no such key. */
static int misplaced_key(Parser *p, const char *key)
{
        const SettingRow *row = NULL;
        bool fatal;
        int r;

        for (size_t i = 0; !row && i < settings_table_size; i++)
                if (settings_table[i].key && strcmp(settings_table[i].key, key) == 0)
                        row = &settings_table[i];
        if (!row)
                return 0;
        fatal = is_private(p->section) || must_be_known(row->section, key, NULL);
        r = (fatal ? problem_error : problem_warning)(p->problems, at(p), "%s= belongs in [%s]%s%s%s%s", row->key, row->section,
                                                      quote(p, ", not in ["), quote(p, p->section), quote(p, "]"),
                                                      fatal ? "" : "; ignored");
        return r < 0 ? r : 1;
}

static int unknown_key(Parser *p, const char *key, const char *value)
{
        const char *nearest = settings_table_nearest_key(p->section, key);
        int r = misplaced_key(p, key);

        if (r != 0)
                return r < 0 ? r : 0;
        if (strcmp(p->section, "X-Resources") == 0 && unit_property_is_name(key))
                return other_resource(p, key, value);
        if (must_be_known(p->section, key, nearest))
                return refuse_key(p, key, p->section, nearest);
        return problem_warning(p->problems, at(p), "unknown key%s%.64s%s in [%s], ignored%s%s%s", quote(p, " "),
                               quote(p, key), quote(p, "="), p->section, nearest ? "; did you mean " : "",
                               nearest ? nearest : "", nearest ? "=?" : "");
}

/* A section that is not known is left out, and with it what it may restrict. */
static int key_of_unknown_section(Parser *p, char *text)
{
        int r;

        text[strcspn(text, "=")] = 0;
        text = trim(text);
        if (is_private(p->section) || is_private(text))
                return 0;
        r = misplaced_key(p, text);
        if (r == 0 && may_restrict(text))
                r = refuse_key(p, text, quote(p, p->section), settings_table_nearest_key(NULL, text));
        return r < 0 ? r : 0;
}

static int read_assignment(Parser *p, char *text)
{
        char *equals = strchr(text, '='), *key, *value;
        const SettingRow *row;

        if (!p->section)
                return problem_error(p->problems, at(p), "assignment outside of any [Section]%s%.64s", quote(p, ": "),
                                     quote(p, text));
        if (!p->known)
                return key_of_unknown_section(p, text);
        if (!equals || equals == text)
                return problem_error(p->problems, at(p), "not KEY=VALUE%s%.64s", quote(p, ": "), quote(p, text));

        *equals = 0;
        key = trim(text);
        value = trim(equals + 1);
        if (is_private(key))
                return 0;

        row = settings_table_find_key(p->section, key);
        return row ? assignments_add(p->out, row, value, at(p)) : unknown_key(p, key, value);
}

/* Handles a complete logical line. */
static int end_line(Parser *p)
{
        bool begun = p->begun;
        char *text;

        p->begun = false;
        if (!begun || p->bad)
                return 0;

        text = trim(p->line);
        if (!*text)
                return 0;
        if (!text_is_utf8(text, strlen(text)))
                return problem_error(p->problems, at(p), "not UTF-8");
        if (text_has_control(text, strlen(text)))
                return problem_error(p->problems, at(p), "control character");

        return *text == '[' ? read_section(p, text) : read_assignment(p, text);
}

static bool is_comment(const char *s, size_t n)
{
        size_t i = 0;

        while (i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r'))
                i++;
        return i < n && (s[i] == '#' || s[i] == ';');
}

/* Does the line end with a backslash that is not escaped by another one? Earlier lines do not matter, since their
 * trailing backslashes have been replaced by spaces. */
static bool is_continued(const char *s, size_t n)
{
        bool escaped = false;

        for (size_t i = 0; i < n; i++)
                escaped = !escaped && s[i] == '\\';
        return escaped;
}

/* Reports the first error of the logical line; the rest of the line is skipped. */
static int bad_line(Parser *p, const char *what)
{
        if (p->bad)
                return 0;
        p->bad = true;
        return problem_error(p->problems, at(p), "%s", what);
}

static int append(Parser *p, const char *s, size_t n)
{
        if (p->length + n + 1 > p->allocated) {
                size_t want = 2 * (p->length + n + 1);
                char *line = realloc(p->line, want);

                if (!line)
                        return -ENOMEM;
                p->line = line;
                p->allocated = want;
        }

        memcpy(p->line + p->length, s, n);
        p->length += n;
        p->line[p->length] = 0;
        return 0;
}

/* Reads one line of the file, without its end. */
static int read_line(Parser *p, const char *s, size_t n, unsigned number)
{
        int r = 0;

        /* Comments between continued lines are skipped. */
        if (!memchr(s, 0, n) && is_comment(s, n))
                return 0;

        if (!p->begun) {
                p->begun = true;
                p->first = number;
                p->length = 0;
                p->bad = false;
        }
        if (memchr(s, 0, n))
                r = bad_line(p, "NUL byte; is this a text file?");
        else if (p->length + n > LINE_LENGTH_MAX)
                r = bad_line(p, "line is longer than 64 KiB");
        if (r < 0)
                return r;

        if (!p->bad) {
                r = append(p, s, n);
                if (r < 0)
                        return r;
        }

        if (!is_continued(s, n))
                return end_line(p);
        if (!p->bad)
                p->line[p->length - 1] = ' ';
        return 0;
}

int nspawn_file_parse(const char *name, const char *text, size_t size, Assignments *ret, Problems *problems)
{
        _cleanup_(parser_done) Parser p = { .out = ret, .problems = problems, .complaints_before = problems->n };
        const char *end = text + size;
        unsigned number = 0;
        int r;

        p.where = assignments_name(ret, name);
        if (!p.where)
                return -ENOMEM;
        if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
                text += 3;              /* a byte order mark */

        while (text < end) {
                const char *newline = memchr(text, '\n', (size_t) (end - text));
                size_t n = (size_t) ((newline ? newline : end) - text);

                /* CR LF ends a line too; other CRs are control characters. */
                r = read_line(&p, text, newline && n > 0 && text[n - 1] == '\r' ? n - 1 : n, ++number);
                if (r < 0)
                        return r;
                if (problems->n - p.complaints_before >= COMPLAINTS_MAX)
                        return problem_error(problems, at(&p), "too many errors; the rest of the file is not read");
                text = newline ? newline + 1 : end;
        }

        return end_line(&p);
}
