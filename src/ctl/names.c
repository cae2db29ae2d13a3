/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The machines of this host (see names.h). Part of boxctl, for any user. Uses no bus: the state files of machined and box
 * tell which machines run.
 */

#include <stdio.h>
#include <string.h>

#include "ctl/names.h"
#include "ctl/samples.h"
#include "image/image.h"
#include "payload/machine-state.h"
#include "util/libsystemd.h"
#include "util/strv.h"

static int add(char ***names, const char *name)
{
        return strv_contains(*names, name) ? 0 : strv_extend(names, name);
}

static int add_running(char ***names)
{
        _cleanup_strv_ char **registered = NULL;
        MachineState *ours = NULL;
        size_t n = 0;
        int r = 0;

        (void) sd_get_machine_names(&registered);
        STRV_FOREACH(name, registered)
                if (r >= 0 && (*name)[0] != '.')
                        r = add(names, *name);
        (void) machine_state_list(NULL, &ours, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = add(names, ours[i].name);
        machine_state_free_list(ours, n);
        return r;
}

static int add_images(char ***names)
{
        Image *images = NULL;
        size_t n = 0;
        int r = 0;

        (void) image_list(NULL, &images, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = add(names, images[i].name);
        image_list_free(images, n);
        return r;
}

static int add_samples(char ***names)
{
        Sample *samples = NULL;
        size_t n = 0;
        int r = 0;

        (void) samples_list(NULL, &samples, &n, NULL);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = add(names, samples[i].name);
        samples_free(samples, n);
        return r;
}

static int compare(const void *a, const void *b)
{
        return strverscmp(*(char *const *) a, *(char *const *) b);
}

int names_list(const Verb *verb, char ***ret)
{
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        if (verb->flags & VERB_TAKES_RUNNING)
                r = add_running(&names);
        if (r >= 0 && verb->flags & VERB_TAKES_IMAGES)
                r = add_images(&names);
        if (r >= 0 && verb->flags & VERB_TAKES_SAMPLES)
                r = add_samples(&names);
        if (r < 0)
                return r;
        if (names)
                qsort(names, strv_length(names), sizeof(*names), compare);
        *ret = TAKE_PTR(names);
        return 0;
}

void names_print(const Verb *verb)
{
        _cleanup_strv_ char **names = NULL;

        (void) names_list(verb, &names);
        STRV_FOREACH(name, names)
                puts(*name);
}
