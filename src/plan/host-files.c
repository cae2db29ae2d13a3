/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The host's resolv.conf and time zone (see host-files.h). The supervisor, before anything is changed. The host's files
 * are trusted. A file that cannot be read counts as missing.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/host-files.h"
#include "util/fd.h"
#include "util/tree.h"

enum {
        RESOLV_CONF_MAX = 64 * 1024,
        LOCALTIME_MAX = 64 * 1024,
        SOCKET_LIST_MAX = 4 * 1024 * 1024,
        ZONE_MAX = 128,
};

const char *resolv_file_path(ResolvFile file)
{
        static const char *const paths[] = {
                [RESOLV_FILE_HOST] = "/etc/resolv.conf",
                [RESOLV_FILE_STATIC] = "/usr/lib/systemd/resolv.conf",
                [RESOLV_FILE_UPLINK] = "/run/systemd/resolve/resolv.conf",
                [RESOLV_FILE_STUB] = "/run/systemd/resolve/stub-resolv.conf",
        };

        return paths[file];
}

void host_files_done(HostFiles *f)
{
        for (size_t i = 0; i < _RESOLV_FILE_MAX; i++)
                free(f->resolv[i].data);
        free(f->localtime.data);
        free(f->zone);
        *f = (HostFiles) {};
}

static int read_file(const char *path, size_t max, HostFile *ret)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        ret->mtime = st.st_mtim;
        r = fd_read_all(fd, max, &ret->data, &ret->size);
        return r == -ENOMEM ? r : 0;
}

bool stub_in_socket_list(const char *text)
{
        /* "  12: 3500007F:0035 …": the address in memory order, the port as a number. */
        for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                unsigned address, port;

                if (sscanf(line, " %*u: %8x:%4x", &address, &port) == 2 && port == 53 && address == htonl(0x7f000035))
                        return true;
        }
        return false;
}

/* systemd-resolved writes the files even with its stub off: the kernel knows whether the port is in use. */
static int read_stub(HostFiles *f)
{
        HostFile list = {};
        int r = read_file("/proc/net/udp", SOCKET_LIST_MAX, &list);

        f->stub_listens = list.data && stub_in_socket_list(list.data);
        free(list.data);
        return r;
}

static int read_resolv(const Settings *s, HostFiles *f)
{
        int r = 0;

        if (s->resolv_conf == RESOLV_CONF_OFF || s->resolv_conf == RESOLV_CONF_DELETE ||
            (s->resolv_conf == RESOLV_CONF_AUTO && settings_private_network(s)))
                return 0;
        for (int i = 0; i < _RESOLV_FILE_MAX && r >= 0; i++)
                r = read_file(resolv_file_path((ResolvFile) i), RESOLV_CONF_MAX, &f->resolv[i]);
        if (r >= 0 && s->resolv_conf == RESOLV_CONF_AUTO && f->resolv[RESOLV_FILE_STUB].data)
                r = read_stub(f);
        return r;
}

const char *zone_of_link(const char *target)
{
        static const char *const places[] = { "/usr/share/zoneinfo/", "../usr/share/zoneinfo/" };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                size_t n = strlen(places[i]);
                const char *zone = target + n;

                if (strncmp(target, places[i], n) != 0)
                        continue;
                if (!*zone || *zone == '/' || strlen(zone) > ZONE_MAX || strstr(zone, ".."))
                        return NULL;
                for (const char *p = zone; *p; p++)
                        if (!isalnum((unsigned char) *p) && !strchr("+-_./", *p))
                                return NULL;
                return zone;
        }
        return NULL;
}

static int read_zone(int tree_fd, HostFiles *f)
{
        _cleanup_close_ int fd = -EBADF;
        char target[PATH_MAX], path[sizeof("/usr/share/zoneinfo/") + ZONE_MAX];
        ssize_t n = readlink("/etc/localtime", target, sizeof(target) - 1);
        const char *zone;

        f->localtime_is_link = n >= 0;
        if (n < 0)
                return 0;
        target[n] = 0;
        zone = zone_of_link(target);
        if (!zone)
                return 0;
        f->zone = strdup(zone);
        if (!f->zone)
                return -ENOMEM;

        (void) snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
        fd = tree_open(tree_fd, path, O_PATH);
        f->tree_has_zone = fd >= 0;
        return 0;
}

static int read_timezone(const Settings *s, int tree_fd, HostFiles *f)
{
        int r;

        if (s->timezone == TIMEZONE_OFF || s->timezone == TIMEZONE_DELETE)
                return 0;
        r = read_zone(tree_fd, f);
        /* On most hosts it is a link, and the zone's name is enough. */
        if (r >= 0 && (s->timezone == TIMEZONE_COPY || s->timezone == TIMEZONE_BIND || !f->zone || !f->tree_has_zone ||
                       !settings_etc_writable(s)))
                r = read_file("/etc/localtime", LOCALTIME_MAX, &f->localtime);
        return r;
}

int host_files_read(const Settings *s, int tree_fd, HostFiles *ret)
{
        _cleanup_(host_files_done) HostFiles f = {};

        if (read_resolv(s, &f) < 0 || read_timezone(s, tree_fd, &f) < 0)
                return -ENOMEM;

        *ret = f;
        f = (HostFiles) {};
        return 0;
}
