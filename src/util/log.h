/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Log messages: one line each to standard error, with sd-daemon(3)'s "<N>" priority in front if that is the journal. HACKING
 * says which layers log.
 */

#include <syslog.h>

#include "util/macro.h"

/* Sets the name in front of each line on a terminal ("box-run: …") and the least urgent level that is printed (LOG_INFO). */
void log_setup(const char *program, int max_level);

int log_max_level(void);

/* A level by its name ("debug", "err") or number, as $SYSTEMD_LOG_LEVEL has it. -EINVAL: none. */
int log_level_parse(const char *text);

/* Prints one line, with '?' for control characters; %m is error's text. Returns error (negative errno, or 0). */
int log_full(int level, int error, const char *format, ...) _printf_(3, 4);

#define log_error(error, ...) log_full(LOG_ERR, error, __VA_ARGS__)
#define log_warning(error, ...) log_full(LOG_WARNING, error, __VA_ARGS__)
#define log_notice(error, ...) log_full(LOG_NOTICE, error, __VA_ARGS__)
#define log_info(error, ...) log_full(LOG_INFO, error, __VA_ARGS__)
#define log_debug(error, ...)                                                           \
        ({                                                                              \
                int _e = (error);                                                       \
                log_max_level() >= LOG_DEBUG ? log_full(LOG_DEBUG, _e, __VA_ARGS__) : _e; \
        })

/* The one message for lack of memory; returns -ENOMEM. */
int log_oom(void);
