/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl doctor: whether this host is fit for machines, and what to type where it is not. Any user; root sees all. */

#include <stdio.h>
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/exit-status.h"
#include "ctl/listing.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"

static int print_json(Ctl *c, const DoctorFacts *f)
{
        _cleanup_json_ Json *j = NULL;
        Failure failure = { 0 };
        int r;

        r = json_new(&j, &failure);
        if (r < 0)
                return log_error(r, "%s", failure.text);
        json_begin_array(j, NULL);
        for (size_t i = 0; i < n_doctor_checks; i++) {
                DoctorFinding found = doctor_judge(i, f);

                json_begin_object(j, NULL);
                json_put_string(j, "check", doctor_checks[i].name);
                json_put_string(j, "about", doctor_checks[i].about);
                json_put_string(j, "result", doctor_result_name(found.result));
                json_put_string(j, "what", found.what);
                json_put_string(j, "fix", *found.fix ? found.fix : NULL);
                json_end(j);
        }
        json_end(j);
        return objects_print(c, j);
}

/* With --quiet only what is to be done. */
static void print_text(Ctl *c, const DoctorFacts *f, const size_t counts[static _DOCTOR_RESULT_MAX])
{
        pager_open(c);
        for (size_t i = 0; i < n_doctor_checks; i++) {
                DoctorFinding found = doctor_judge(i, f);

                if (c->options.quiet && found.result != DOCTOR_PROBLEM)
                        continue;
                printf("%-10s %-21s %s\n", doctor_result_name(found.result), doctor_checks[i].name, found.what);
                if (*found.fix && found.result >= DOCTOR_WARNING)
                        printf("%-32s to type: %s\n", "", found.fix);
        }
        if (!c->options.quiet && !c->options.no_legend)
                printf("\n%zu checks: %zu problems, %zu warnings%s\n", n_doctor_checks, counts[DOCTOR_PROBLEM],
                       counts[DOCTOR_WARNING],
                       counts[DOCTOR_UNKNOWN] > 0 ? "; for those that need root: sudo boxctl doctor" : "");
}

static int run(Ctl *c, char *const *args, size_t n)
{
        size_t counts[_DOCTOR_RESULT_MAX] = { 0 };
        DoctorFacts f;
        int r = 0;

        doctor_facts_read(&f);
        for (size_t i = 0; i < n_doctor_checks; i++)
                counts[doctor_judge(i, &f).result]++;
        if (objects_wanted(c))
                r = print_json(c, &f);
        else
                print_text(c, &f, counts);
        doctor_facts_done(&f);
        return r < 0 ? r : counts[DOCTOR_PROBLEM] > 0 ? EXIT_FAILED : EXIT_DONE;
}

static const Column columns[] = {
        { 'c', "check",  0, 0, "Name" },
        { 'r', "result", 0, 0, "ok, warning, problem, or unknown" },
        { 'w', "what",   0, 0, "What was found" },
        { 'f', "fix",    0, 0, "What to type against it" },
        { 'a', "about",  0, 0, "What is looked at" },
};

const Verb verb_doctor = {
        .name = "doctor",
        .min = 0,
        .max = 0,
        .flags = VERB_OURS,
        .synopsis = "",
        .help = "Check whether this host is fit for machines",
        .details = "Each check is ok, a warning (something that not every machine needs is missing) or a problem, with a "
                   "command to type against it. What the kernel can do is tried. Some can be tried by root only. Returns 0 if "
                   "there is no problem, else 1. With --quiet, problems only.",
        .example = "boxctl doctor",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .run = run,
};
