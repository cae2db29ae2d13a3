/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints box-run's switches as JSON from the settings table (box-run --introspect-cli), in the form of systemd 262's programs.
 * box-run's main only; no privilege.
 */

#include "config/command-line.h"
#include "util/json.h"
#include "util/print.h"

static void put_switch(Json *j, const SettingRow *row)
{
        const bool optional = row->flags & SETTING_OPTIONAL_ARG;

        json_begin_object(j, NULL);
        json_begin_array(j, "names");
        if (row->letter)
                json_put_format(j, NULL, "-%c", row->letter);
        if (row->option)
                json_put_format(j, NULL, "--%s", row->option);
        json_end(j);
        json_put_string(j, "argument", row->flags & SETTING_NO_ARG ? "no_argument" :
                                       optional ? "optional_argument" : "required_argument");
        if (!(row->flags & SETTING_NO_ARG))
                json_put_string(j, "metavar", row->metavar);
        json_put_string(j, "group", row->group);
        json_put_string(j, "help", row->help);
        json_end(j);
}

int command_line_introspect(FILE *f, const char *program, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r;

        r = json_new(&j, failure);
        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_put_string(j, "mediaType", "application/vnd.io.systemd.cli-introspection-0");
        json_begin_array(j, "commands");
        json_begin_object(j, NULL);
        json_put_strings(j, "names", (char *const[]) { (char *) program, NULL });
        json_put_string(j, "project", "box");
        json_put_string(j, "version", BOX_VERSION);
        json_put_strings(j, "abstract", (char *const[]) { (char *) "Run a command, or boot an operating system, in a container.",
                                                          NULL });
        json_begin_array(j, "options");
        for (size_t i = 0; i < settings_table_size; i++)
                if ((settings_table[i].option || settings_table[i].letter) && !(settings_table[i].flags & SETTING_HIDDEN))
                        put_switch(j, &settings_table[i]);
        json_end(j);
        json_end(j);
        json_end(j);
        json_end(j);
        r = json_print(j, f, 2);
        return r < 0 ? failure_set(failure, r, "Failed to write the output: %m") : 0;
}
