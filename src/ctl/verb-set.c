/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl set, unset: any setting of a machine, in a drop-in (ctl/setting-edit.h) and, if it runs, at once. Root. */

#include "ctl/setting-edit.h"

static int edit(Ctl *c, char *const *args, bool is_unset)
{
        _cleanup_(setting_edits_done) SettingEdits edits = { 0 };
        Failure f = { 0 };
        int r = 0;

        for (char *const *word = args + 1; r >= 0 && *word; word++)
                r = setting_edits_parse(&edits, *word, is_unset, &f);
        if (r >= 0)
                r = setting_edits_do(c, args[0], &edits, &f);
        return r < 0 ? complain(args[0], &f) : 0;
}

static int set(Ctl *c, char *const *args, size_t n)
{
        return edit(c, args, /* is_unset= */ false);
}

static int unset(Ctl *c, char *const *args, size_t n)
{
        Failure f = { 0 };

        if (!c->options.drop_in && n < 2)
                return log_error(-EINVAL, "unset: too few arguments; usage: unset NAME KEY[=VALUE]…");
        if (!c->options.drop_in)
                return edit(c, args, /* is_unset= */ true);
        return setting_edits_end(c, args[0], c->options.drop_in, &f) < 0 ? complain(args[0], &f) : 0;
}

const Verb verb_set = {
        .name = "set",
        .min = 2,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING | VERB_TAKES_IMAGES,
        .synopsis = "NAME KEY=VALUE…",
        .help = "Change settings of a machine, at once if it runs",
        .details = "Until it stops; a reboot of the payload is no stop. With --save for good, with --for=TIME for that time. A "
                   "list gets one more value. What cannot be changed while it runs waits for a restart, and is named.",
        .example = "boxctl set web MemoryMax=2G CPUAffinity=0-3",
        .run = set,
};

const Verb verb_unset = {
        .name = "unset",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING | VERB_TAKES_IMAGES,
        .synopsis = "NAME KEY[=VALUE]…",
        .help = "Undo what 'set' has changed",
        .details = "Removes the values from the drop-ins that 'set' has written, and applies that.",
        .example = "boxctl unset web MemoryMax",
        .run = unset,
};
