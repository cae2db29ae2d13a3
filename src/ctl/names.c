/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names for shell completion (see names.h). Part of boxctl, for any user. Uses no bus: the state files of machined and box
 * tell which machines run.
 */

#include <stdio.h>
#include <systemd/sd-login.h>

#include "ctl/names.h"
#include "image/image.h"
#include "payload/machine-state.h"
#include "util/strv.h"

static int add(char ***names, const char *name)
{
        return strv_contains(*names, name) ? 0 : strv_extend(names, name);
}

static void add_running(char ***names)
{
        _cleanup_strv_ char **registered = NULL;
        MachineState *ours = NULL;
        size_t n = 0;

        (void) sd_get_machine_names(&registered);
        STRV_FOREACH(name, registered)
                (void) add(names, *name);
        (void) machine_state_list(NULL, &ours, &n);
        for (size_t i = 0; i < n; i++)
                (void) add(names, ours[i].name);
        machine_state_free_list(ours, n);
}

static void add_images(char ***names)
{
        Image *images = NULL;
        size_t n = 0;

        (void) image_list(NULL, &images, &n);
        for (size_t i = 0; i < n; i++)
                (void) add(names, images[i].name);
        image_list_free(images, n);
}

void names_print(const Verb *verb)
{
        _cleanup_strv_ char **names = NULL;

        if (verb->flags & VERB_TAKES_RUNNING)
                add_running(&names);
        if (verb->flags & VERB_TAKES_IMAGES)
                add_images(&names);
        STRV_FOREACH(name, names)
                puts(*name);
}
