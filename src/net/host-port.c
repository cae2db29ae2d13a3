/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See host-port.h. The supervisor, and box-run --check; no privilege. Logs nothing. */

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/host-port.h"
#include "net/port-forward.h"
#include "net/rtnl.h"
#include "util/fd.h"
#include "util/lock-file.h"
#include "util/parse.h"

/* ---- held by machines ------------------------------------------------------------------------------------------- */

int host_port_check(const NetworkPlan *p, const char *machine, const char *dir, Problems *problems)
{
        for (size_t i = 0; i < p->n_ports; i++) {
                const PortSetting *port = &p->ports[i];
                const char *protocol = port->udp ? "udp" : "tcp";
                char path[256], holder[LOCK_FILE_HOLDER_MAX];
                int r = 0;

                (void) snprintf(path, sizeof(path), "%s/%s-%u", dir ?: PORT_LOCK_DIR, protocol, port->host_port);
                if (lock_file_read_holder(path, holder) && strcmp(holder, machine) != 0)
                        r = problem_error(problems, port->from, "Port=%s:%u: the host's port belongs to machine %s", protocol,
                                          port->host_port, holder);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- programs of the host --------------------------------------------------------------------------------------- */

typedef struct Listeners {
        uint16_t port;          /* in network byte order */
        bool found;
        uint32_t inode;         /* of its socket */
} Listeners;

static bool is_loopback(const struct inet_diag_msg *m)
{
        static const uint8_t v6[16] = { [15] = 1 };

        return m->idiag_family == AF_INET ? *(const uint8_t *) m->id.idiag_src == 127 : memcmp(m->id.idiag_src, v6, 16) == 0;
}

static void find_listener(const struct nlmsghdr *message, void *userdata)
{
        const struct inet_diag_msg *m = mnl_nlmsg_get_payload(message);
        Listeners *l = userdata;

        if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(message) < sizeof(*m) ||
            m->id.idiag_sport != l->port || is_loopback(m))
                return;
        l->found = true;
        l->inode = m->idiag_inode;
}

static Listeners find_listeners(const PortSetting *p)
{
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        static const uint8_t families[] = { AF_INET, AF_INET6 };
        Listeners l = { .port = htons(p->host_port) };

        for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(families); i++) {
                /* A UDP socket without a peer is "closed". */
                const struct inet_diag_req_v2 request = {
                        .sdiag_family = families[i], .sdiag_protocol = p->udp ? IPPROTO_UDP : IPPROTO_TCP,
                        .idiag_states = 1U << (p->udp ? TCP_CLOSE : TCP_LISTEN),
                };
                RtnlRequest q = { 0 };

                (void) rtnl_add_with(&q, SOCK_DIAG_BY_FAMILY, 0, &request, sizeof(request));
                (void) rtnl_dump(fd, &q, find_listener, &l);
        }
        return l;
}

bool host_port_has_listener(const PortSetting *p)
{
        return find_listeners(p).found;
}

/* Does a descriptor of the process lead to this? */
static bool has_open(int proc_fd, const char *pid, const char *wanted)
{
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *entry;
        char path[NAME_MAX + 4], target[64];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/fd", pid);
        fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = fd < 0 ? NULL : fdopendir(fd);
        while (d && (entry = readdir(d))) {
                ssize_t n = readlinkat(fd, entry->d_name, target, sizeof(target) - 1);

                target[n > 0 ? n : 0] = '\0';
                if (strcmp(target, wanted) == 0)
                        return true;
        }
        return false;
}

bool host_port_find_listener(const PortSetting *p, char ret[static LISTENER_TEXT_MAX])
{
        const Listeners l = find_listeners(p);
        _cleanup_closedir_ DIR *proc = l.found ? opendir("/proc") : NULL;
        struct dirent *entry;
        char wanted[32];

        (void) snprintf(ret, LISTENER_TEXT_MAX, "a program of the host");
        (void) snprintf(wanted, sizeof(wanted), "socket:[%u]", l.inode);
        while (proc && (entry = readdir(proc))) {
                _cleanup_free_ char *name = NULL;
                char path[NAME_MAX + 8];
                uint32_t pid;

                if (parse_u32(entry->d_name, &pid) < 0 || !has_open(dirfd(proc), entry->d_name, wanted))
                        continue;
                (void) snprintf(path, sizeof(path), "%s/comm", entry->d_name);
                if (fd_read_file_at(dirfd(proc), path, 64, &name, NULL) >= 0)
                        (void) snprintf(ret, LISTENER_TEXT_MAX, "%.*s (PID %u)", (int) strcspn(name, "\n"), name, pid);
                break;
        }
        return l.found;
}

/* ---- forwarding ------------------------------------------------------------------------------------------------- */

/* 1, 0, or negative. */
static int read_switch(const char *path)
{
        _cleanup_free_ char *text = NULL;
        int r = fd_read_file_at(AT_FDCWD, path, 16, &text, NULL);

        return r < 0 ? r : *text != '0';
}

/* That of a machine, or not one by which other hosts come in. */
static bool is_inner(const char *name, const OwnLinks *own)
{
        static const char *const names[] = { ".", "..", "all", "default", "lo" };
        const unsigned ifindex = if_nametoindex(name);

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        for (size_t i = 0; i < own->n; i++)
                if ((unsigned) own->items[i].ifindex == ifindex)
                        return true;
        return strncmp(name, "ve-", 3) == 0 || strncmp(name, "vb-", 3) == 0;
}

bool host_forwards(int family, const OwnLinks *own)
{
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *entry;
        int r;

        if (family == AF_INET6)
                return read_switch("/proc/sys/net/ipv6/conf/all/forwarding") != 0;
        r = read_switch("/proc/sys/net/ipv4/ip_forward");
        if (r != 0)
                return true;
        d = opendir("/proc/sys/net/ipv4/conf");
        if (!d)
                return true;
        while ((entry = readdir(d))) {
                char path[sizeof("/proc/sys/net/ipv4/conf//forwarding") + sizeof(entry->d_name)];

                (void) snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", entry->d_name);
                if (!is_inner(entry->d_name, own) && read_switch(path) > 0)
                        return true;
        }
        return false;
}
