/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads what machines use (see top-sample.h). Part of boxctl, as any user: these are files of the host's kernel, which do not
 * wait for a payload. Of its names of links none is kept.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/top-sample.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

enum { TEXT_MAX = 256 * 1024 };

uint64_t top_parse_number(const char *text)
{
        uint64_t n;

        return sscanf(text, "%" SCNu64, &n) == 1 ? n : TOP_UNKNOWN;
}

uint64_t top_parse_keyed(const char *text, const char *key)
{
        size_t n = strlen(key);

        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, key, n) == 0 && line[n] == ' ')
                        return top_parse_number(line + n + 1);
        }
        return TOP_UNKNOWN;
}

uint64_t top_parse_io(const char *text, const char *key)
{
        uint64_t sum = 0, n;
        char word[32];

        (void) snprintf(word, sizeof(word), " %s=", key);
        for (const char *p = text; (p = strstr(p, word));) {
                p += strlen(word);
                n = top_parse_number(p);
                sum += n == TOP_UNKNOWN ? 0 : n;
        }
        return sum;
}

uint64_t top_parse_pressure(const char *text)
{
        unsigned whole, hundredths;

        return sscanf(text, "some avg10=%3u.%2u", &whole, &hundredths) == 2 ? whole * 100 + hundredths : TOP_UNKNOWN;
}

bool top_parse_network(const char *text, uint64_t *ret_received, uint64_t *ret_sent)
{
        uint64_t received = 0, sent = 0;
        bool any = false;

        /* No link's name has a colon or a blank. */
        for (const char *line = text; line; line = strchr(line, '\n')) {
                uint64_t in, out;
                const char *colon;

                line += strspn(line, "\n ");
                colon = line + strcspn(line, ":\n");
                if (*colon != ':' || strncmp(line, "lo:", 3) == 0 ||
                    sscanf(colon + 1, "%" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &in, &out) != 2)
                        continue;
                received += in;
                sent += out;
                any = true;
        }
        if (any) {
                *ret_received = received;
                *ret_sent = sent;
        }
        return any;
}

static uint64_t read_number(int dir_fd, const char *file)
{
        _cleanup_free_ char *text = NULL;

        return fd_read_file_at(dir_fd, file, 64, &text, NULL) < 0 ? TOP_UNKNOWN : top_parse_number(text);
}

void top_read_group(int group_fd, uint64_t values[static _TOP_VALUE_MAX])
{
        static const struct {
                const char *file;
                TopValue value;
        } numbers[] = {
                { "memory.current", TOP_MEMORY },
                { "memory.swap.current", TOP_SWAP },
                { "pids.current", TOP_TASKS },
        }, pressures[] = {
                { "cpu.pressure", TOP_PRESSURE_CPU },
                { "memory.pressure", TOP_PRESSURE_MEMORY },
                { "io.pressure", TOP_PRESSURE_IO },
        };
        _cleanup_free_ char *cpu = NULL, *io = NULL;
        uint64_t own, of_unit;

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                values[numbers[i].value] = read_number(group_fd, numbers[i].file);
        for (size_t i = 0; i < ARRAY_SIZE(pressures); i++) {
                _cleanup_free_ char *text = NULL;

                if (fd_read_file_at(group_fd, pressures[i].file, 4096, &text, NULL) >= 0)
                        values[pressures[i].value] = top_parse_pressure(text);
        }
        if (fd_read_file_at(group_fd, "cpu.stat", 4096, &cpu, NULL) >= 0)
                values[TOP_CPU_USEC] = top_parse_keyed(cpu, "usage_usec");
        if (fd_read_file_at(group_fd, "io.stat", TEXT_MAX, &io, NULL) >= 0) {
                values[TOP_READ] = top_parse_io(io, "rbytes");
                values[TOP_WRITTEN] = top_parse_io(io, "wbytes");
        }
        /* The limit of a machine of box's is its unit's. */
        own = read_number(group_fd, "memory.max");
        of_unit = read_number(group_fd, "../memory.max");
        values[TOP_MEMORY_LIMIT] = own < of_unit ? own : of_unit;
}

/* The host's ends of the machine's links, which its root cannot rename: what they send, it receives. */
static bool read_links(char *const *links, uint64_t *ret_received, uint64_t *ret_sent)
{
        uint64_t received = 0, sent = 0;
        bool any = false;

        STRV_FOREACH(link, links) {
                _cleanup_free_ char *path = NULL;
                _cleanup_close_ int fd = -EBADF;
                uint64_t in, out;

                if (strf(&path, "/sys/class/net/%.*s/statistics", (int) strcspn(*link, " "), *link) < 0)
                        return false;
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0)
                        continue;
                in = read_number(fd, "tx_bytes");
                out = read_number(fd, "rx_bytes");
                if (in == TOP_UNKNOWN || out == TOP_UNKNOWN)
                        continue;
                received += in;
                sent += out;
                any = true;
        }
        if (any) {
                *ret_received = received;
                *ret_sent = sent;
        }
        return any;
}

/* All links in the machine, if it does not share the host's network: the file is another one then, and any user may see its
 * number. */
static void read_network_of(pid_t leader, uint64_t *ret_received, uint64_t *ret_sent)
{
        _cleanup_free_ char *text = NULL;
        struct stat own, its;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/net/dev", leader);
        if (stat("/proc/self/net/dev", &own) >= 0 && stat(path, &its) >= 0 && own.st_ino != its.st_ino &&
            fd_read_file_at(AT_FDCWD, path, TEXT_MAX, &text, NULL) >= 0)
                (void) top_parse_network(text, ret_received, ret_sent);
}

static void sample_machine(const RunningMachine *m, TopSample *s)
{
        _cleanup_free_ char *group = NULL, *path = NULL;
        _cleanup_close_ int fd = -EBADF;

        for (size_t i = 0; i < _TOP_VALUE_MAX; i++)
                s->values[i] = TOP_UNKNOWN;
        s->leader = running_machine_leader(m);
        s->at_usec = clock_usec(CLOCK_MONOTONIC);
        if (running_machine_cgroup(m, &group) >= 0 && strf(&path, "/sys/fs/cgroup%s", group) >= 0)
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                top_read_group(fd, s->values);
        if (!read_links(m->state.links, &s->values[TOP_RECEIVED], &s->values[TOP_SENT]) && s->leader > 0)
                read_network_of(s->leader, &s->values[TOP_RECEIVED], &s->values[TOP_SENT]);
}

int top_sample(const RunningMachine *list, size_t n, TopSample **ret)
{
        TopSample *samples = calloc(n + 1, sizeof(TopSample));

        if (!samples)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                samples[i].name = strdup(list[i].name);
                if (!samples[i].name) {
                        top_samples_free(samples, n);
                        return -ENOMEM;
                }
                text_make_printable(samples[i].name);
                sample_machine(&list[i], &samples[i]);
        }
        *ret = samples;
        return 0;
}

void top_samples_free(TopSample *samples, size_t n)
{
        for (size_t i = 0; samples && i < n; i++)
                free(samples[i].name);
        free(samples);
}
