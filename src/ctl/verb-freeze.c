/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl freeze and thaw: the machine's processes stand still, and run again. Root. */

#include "ctl/freeze.h"

static int change(Ctl *c, const char *name, bool freeze, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        int r = running_machine_find(c, name, &m, failure);

        return r < 0 ? r : machine_freeze(c, &m, freeze, failure);
}

static int freeze_one(Ctl *c, const char *name, Failure *failure)
{
        return change(c, name, /* freeze= */ true, failure);
}

static int thaw_one(Ctl *c, const char *name, Failure *failure)
{
        return change(c, name, /* freeze= */ false, failure);
}

const Verb verb_freeze = {
        .name = "freeze",
        .alias = "pause",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Let machines' processes stand still",
        .done = "frozen",
        .details = "They keep their memory, and use no CPU. The supervisor goes on. A frozen machine can be stopped and ended as "
                   "any.\n\n"
                   "boxctl freeze web",
        .example = "boxctl freeze 'web*'",
        .run_one = freeze_one,
};

const Verb verb_thaw = {
        .name = "thaw",
        .alias = "resume",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING | VERB_MANY | VERB_ALL,
        .synopsis = "NAME…",
        .help = "Let frozen machines run again",
        .done = "running again",
        .details = "Also those that systemctl freeze has frozen.\n\n"
                   "boxctl thaw web",
        .example = "boxctl thaw --all",
        .run_one = thaw_one,
};
