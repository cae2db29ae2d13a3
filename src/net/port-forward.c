/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See port-forward.h. Two kinds of objects exist while ports are forwarded, and end with this process in any case: an
 * nftables table, which belongs to a socket; and the lock of each port (held-ports.h). The supervisor, with CAP_NET_ADMIN
 * on the host.
 *
 * The payload decides how often its addresses change: notifications are discarded unread, and rules are updated at most four
 * times a second. Meanwhile nothing is read. The host's addresses, routes, links and its switches for forwarding are watched
 * in the same way, as they say which addresses lead to the machine.
 */

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/held-ports.h"
#include "net/host-port.h"
#include "net/nft.h"
#include "net/port-address.h"
#include "net/port-forward.h"
#include "net/rtnl.h"
#include "util/fd.h"
#include "util/lock-file.h"
#include "util/log.h"
#include "util/namespace-call.h"
#include "util/print.h"

#define UPDATE_USEC (UINT64_C(250) * 1000)
/* The time for a lease, until a missing address is said. */
#define PATIENCE_USEC (UINT64_C(30) * 1000 * 1000)

/* Which notifications: in the machine, on the host. */
#define CONTAINER_GROUPS (RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)
#define HOST_GROUPS (RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | \
                     1U << (RTNLGRP_IPV4_NETCONF - 1) | 1U << (RTNLGRP_IPV6_NETCONF - 1))

enum {
        MESSAGES_MAX = 64,      /* read in one iteration of the event loop */
        WATCHED_MAX = 2,        /* the machine, the host */
};

static const int families[] = { AF_INET, AF_INET6 };

/* After the administrator's own DNAT rules, as by systemd-nspawn. */
#define PRIORITY (NF_IP_PRI_NAT_DST + 1)

static const NftChain chains[] = {
        { "prerouting", "nat", NF_INET_PRE_ROUTING, PRIORITY },         /* from other hosts */
        { "output", "nat", NF_INET_LOCAL_OUT, PRIORITY },               /* from the host itself */
};

/* Reasons why ports do not work: said once each in the journal, and in the machine's note as long as it is so. */
typedef enum PortTrouble {
        TROUBLE_NO_ADDRESS = 1 << 0,
        TROUBLE_NO_FORWARDING_4 = 1 << 1,
        TROUBLE_NO_FORWARDING_6 = 1 << 2,
        TROUBLE_LISTENER = 1 << 3,
} PortTrouble;

struct PortForward {
        char *machine;
        char *table;
        char *lock_dir;
        HeldPorts ports;
        int nft_fd;
        int host_rtnl, container_rtnl;
        int events_fds[WATCHED_MAX];    /* notifications about addresses in the machine, and about the host's network */
        PortAddress addresses[ARRAY_SIZE(families)];    /* of the current rules */
        sd_event_source *io[WATCHED_MAX], *timer, *patience;
        uint64_t updated_usec;
        void (*note)(void *userdata, const char *text);
        void *userdata;
        const PortSetting *listened;    /* a port on which a program of the host listened when it was set; NULL */
        unsigned trouble, said;         /* PortTrouble */
        bool impatient;                 /* an address should be there by now */
};

PortForward *port_forward_free(PortForward *f)
{
        if (!f)
                return NULL;

        port_forward_detach(f);
        /* Removes the table, before the ports are unlocked. */
        fd_close(f->nft_fd);
        fd_close(f->host_rtnl);
        fd_close(f->container_rtnl);
        for (size_t i = 0; i < WATCHED_MAX; i++)
                fd_close(f->events_fds[i]);
        held_ports_release(&f->ports, NULL);
        free(f->lock_dir);
        free(f->table);
        free(f->machine);
        free(f);
        return NULL;
}

DEFINE_CLEANUP(PortForward *, port_forward_free);

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static int table_failed(const PortForward *f, int r, Failure *failure)
{
        if (r == -EPERM || r == -EEXIST)
                return failure_set(failure, r, "Failed to create nftables table %s for Port=: %m (does another process own it?)",
                                   f->table);
        return failure_set(failure, r, "Failed to create nftables table %s for Port=: %m (does this kernel support nf_tables "
                           "with NAT?)", f->table);
}

/* Once. The table belongs to the socket. */
static int create_table(PortForward *f, Failure *failure)
{
        _cleanup_(nft_batch_done) NftBatch b = { 0 };
        int r;

        if (f->nft_fd >= 0)
                return 0;
        f->nft_fd = nft_open();
        if (f->nft_fd < 0)
                return table_failed(f, f->nft_fd, failure);
        r = nft_batch_init(&b, 1 + ARRAY_SIZE(chains));
        if (r >= 0) {
                nft_table(&b, f->table);
                for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
                        nft_chain(&b, f->table, &chains[i]);
                r = nft_commit(f->nft_fd, &b);
        }
        return r < 0 ? table_failed(f, r, failure) : 0;
}

static void add_rule(NftBatch *b, const PortForward *f, size_t chain, const PortSetting *p, int family,
                     const PortAddress *to)
{
        nft_rule_begin(b, f->table, chains[chain].name);
        nft_match_family(b, family);
        if (chains[chain].hook == NF_INET_LOCAL_OUT)
                nft_match_no_loopback(b, family);
        nft_match_local_destination(b);
        nft_match_port(b, p->udp, p->host_port);
        nft_dnat(b, family, to->bytes, p->container_port);
        nft_rule_end(b);
}

static int set_rules(const PortForward *f, const HeldPorts *ports, const PortAddress addresses[static ARRAY_SIZE(families)],
                     Failure *failure)
{
        _cleanup_(nft_batch_done) NftBatch b = { 0 };
        int r;

        r = nft_batch_init(&b, ARRAY_SIZE(chains) * (1 + ports->n * ARRAY_SIZE(families)));
        for (size_t c = 0; r >= 0 && c < ARRAY_SIZE(chains); c++) {
                nft_flush(&b, f->table, chains[c].name);
                for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                        for (size_t p = 0; addresses[i].any && p < ports->n; p++)
                                add_rule(&b, f, c, &ports->items[p].port, families[i], &addresses[i]);
        }
        if (r >= 0)
                r = nft_commit(f->nft_fd, &b);
        return r < 0 ? failure_set(failure, r, "Failed to set the port forwarding rules of machine '%s': %m", f->machine) : 0;
}

static void describe(const PortForward *f, PortTrouble trouble, char *buf, size_t size)
{
        static const char no_address[] = "Port= leads nowhere: the machine has no address that the host routes to it; configure "
                                         "its interface, for example by DHCP";
        static const char no_forwarding[] = "Port= works from this host only%s: %s is 0; set it to 1 in sysctl.d(5), or %s=yes "
                                            "in networkd.conf(5)";
        char source[SOURCE_TEXT_MAX];

        if (trouble == TROUBLE_NO_ADDRESS)
                (void) snprintf(buf, size, no_address);
        else if (trouble == TROUBLE_NO_FORWARDING_4)
                (void) snprintf(buf, size, no_forwarding, "", "net.ipv4.ip_forward", "IPv4Forwarding");
        else if (trouble == TROUBLE_NO_FORWARDING_6)
                (void) snprintf(buf, size, no_forwarding, " over IPv6", "net.ipv6.conf.all.forwarding", "IPv6Forwarding");
        else
                (void) snprintf(buf, size, "%s: Port=%s:%u takes connections from a program of the host that listens on this "
                                "port; change one of the two", source_text(f->listened->from, source),
                                held_ports_protocol(f->listened), f->listened->host_port);
}

/* Also when the trouble is over. */
static void report_trouble(PortForward *f, unsigned trouble)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *stream = memory_stream_open(&m);
        const char *separator = "";

        for (unsigned bit = TROUBLE_NO_ADDRESS; stream && bit <= TROUBLE_LISTENER; bit <<= 1) {
                char line[512];

                if (!(trouble & bit))
                        continue;
                describe(f, bit, line, sizeof(line));
                fprintf(stream, "%s%s", separator, line);
                separator = "; ";
                if (f->said & bit || (bit == TROUBLE_NO_ADDRESS && !f->impatient))
                        continue;
                f->said |= bit;
                log_warning(0, "%s", line);
        }
        text = stream ? memory_stream_take(&m) : NULL;
        if (text && f->note && trouble != f->trouble)
                f->note(f->userdata, text);
        f->trouble = trouble;
}

static void find_trouble(PortForward *f, const OwnLinks *own)
{
        static const unsigned forwarding[] = { TROUBLE_NO_FORWARDING_4, TROUBLE_NO_FORWARDING_6 };
        unsigned trouble = f->listened ? TROUBLE_LISTENER : 0;
        bool any = false;

        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                any = any || f->addresses[i].any;
                if (f->addresses[i].any && !host_forwards(families[i], own))
                        trouble |= forwarding[i];
        }
        report_trouble(f, any ? trouble : trouble | TROUBLE_NO_ADDRESS);
}

static void log_addresses(const PortForward *f)
{
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                char text[INET6_ADDRSTRLEN] = "no address of this family";

                if (f->addresses[i].any)
                        (void) inet_ntop(families[i], f->addresses[i].bytes, text, sizeof(text));
                log_debug(0, "Ports of machine '%s' are forwarded to: %s", f->machine, text);
        }
}

static int read_addresses(const PortForward *f, PortAddress ret[static ARRAY_SIZE(families)], OwnLinks *own, Failure *failure)
{
        int r = own_links_read(f->container_rtnl, f->host_rtnl, own);

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(families); i++)
                r = port_address_find(f->container_rtnl, f->host_rtnl, own, families[i], &ret[i]);
        return r < 0 ? failure_set(failure, r, "Failed to list the addresses of machine '%s': %m", f->machine) : 0;
}

/* With other addresses than those of the current rules. */
static void keep_addresses(PortForward *f, const PortAddress now[static ARRAY_SIZE(families)])
{
        memcpy(f->addresses, now, sizeof(f->addresses));
        log_addresses(f);
}

int port_forward_update(PortForward *f, Failure *failure)
{
        PortAddress now[ARRAY_SIZE(families)];
        OwnLinks own;
        int r;

        r = read_addresses(f, now, &own, failure);
        if (r < 0)
                return r;
        if (memcmp(now, f->addresses, sizeof(now)) != 0) {
                r = set_rules(f, &f->ports, now, failure);
                if (r < 0)
                        return r;
                keep_addresses(f, now);
        }
        find_trouble(f, &own);
        return 0;
}

/* ---- following addresses ---------------------------------------------------------------------------------------- */

/* Truncated, as all is read again anyway. -ENOBUFS means that notifications were lost: the same. */
static void drop_notifications(int fd)
{
        uint8_t message[64];
        ssize_t n = 0;

        for (unsigned i = 0; i < MESSAGES_MAX && (n >= 0 || errno == ENOBUFS); i++)
                n = recv(fd, message, sizeof(message), MSG_DONTWAIT | MSG_TRUNC);
}

static int watch(PortForward *f, int enabled)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < WATCHED_MAX; i++)
                r = sd_event_source_set_enabled(f->io[i], enabled);
        return r;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        PortForward *f = userdata;
        Failure failure = { 0 };

        /* Before: what changes from now on is another event. */
        for (size_t i = 0; i < WATCHED_MAX; i++)
                drop_notifications(f->events_fds[i]);
        (void) sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &f->updated_usec);
        if (port_forward_update(f, &failure) < 0)
                log_warning(0, "%s, ignoring: they lead where they did", failure.text);
        return watch(f, SD_EVENT_ON);
}

/* Now, or when enough time has passed since the last time. */
static int on_change(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        PortForward *f = userdata;
        int r;

        r = sd_event_source_set_time(f->timer, f->updated_usec + UPDATE_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT);
        return r < 0 ? r : watch(f, SD_EVENT_OFF);
}

static int on_patience(sd_event_source *source, uint64_t usec, void *userdata)
{
        PortForward *f = userdata;

        f->impatient = true;
        report_trouble(f, f->trouble);
        return 0;
}

int port_forward_attach(PortForward *f, sd_event *event)
{
        int r = 0;

        f->updated_usec = 0;
        for (size_t i = 0; r >= 0 && i < WATCHED_MAX; i++)
                r = sd_event_add_io(event, &f->io[i], f->events_fds[i], EPOLLIN, on_change, f);
        if (r >= 0)
                r = sd_event_add_time(event, &f->timer, CLOCK_MONOTONIC, 0, 1, on_timer, f);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &f->patience, CLOCK_MONOTONIC, PATIENCE_USEC, 0, on_patience, f);
        return r;
}

void port_forward_detach(PortForward *f)
{
        for (size_t i = 0; i < WATCHED_MAX; i++)
                f->io[i] = sd_event_source_unref(f->io[i]);
        f->timer = sd_event_source_unref(f->timer);
        f->patience = sd_event_source_disable_unref(f->patience);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static int open_in_machine(void *argument)
{
        PortSockets *s = argument;

        s->events = rtnl_open_events(CONTAINER_GROUPS);
        s->rtnl = s->events < 0 ? -EBADF : rtnl_open();
        return s->events < 0 ? s->events : s->rtnl < 0 ? s->rtnl : 0;
}

int port_sockets_open(int netns_fd, PortSockets *ret, Failure *failure)
{
        PortSockets s = PORT_SOCKETS_NULL;
        int r = namespace_call(netns_fd, CLONE_NEWNET, open_in_machine, &s);

        if (r < 0) {
                port_sockets_close(&s);
                return failure_set(failure, r, "Failed to watch the addresses of the machine: %m");
        }
        *ret = s;
        return 0;
}

void port_sockets_close(PortSockets *s)
{
        s->rtnl = fd_close(s->rtnl);
        s->events = fd_close(s->events);
}

static int open_sockets(PortForward *f, Failure *failure)
{
        int r;

        f->host_rtnl = rtnl_open();
        f->events_fds[1] = rtnl_open_events(HOST_GROUPS);
        r = f->host_rtnl < 0 ? f->host_rtnl : f->events_fds[1];
        return r < 0 ? failure_set(failure, r, "Failed to open a netlink socket: %m") : 0;
}

static int make_lock_dir(Failure *failure)
{
        if ((mkdir("/run/box", 0755) < 0 && errno != EEXIST) || (mkdir(PORT_LOCK_DIR, 0755) < 0 && errno != EEXIST))
                return failure_set(failure, -errno, "Failed to create " PORT_LOCK_DIR ": %m");
        return 0;
}

int port_forward_new(const PortTarget *t, PortSockets *sockets, PortForward **ret, Failure *failure)
{
        _cleanup_(port_forward_freep) PortForward *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return failure_set(failure, -ENOMEM, "Out of memory");
        *f = (PortForward) {
                .nft_fd = -EBADF, .host_rtnl = -EBADF, .container_rtnl = TAKE_FD(sockets->rtnl),
                .events_fds = { TAKE_FD(sockets->events), -EBADF },
        };
        f->note = t->note;
        f->userdata = t->userdata;
        f->machine = strdup(t->machine);
        f->lock_dir = strdup(t->lock_dir ?: PORT_LOCK_DIR);
        if (!f->machine || !f->lock_dir || strf(&f->table, "box-%s", t->machine) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");

        r = t->lock_dir ? 0 : make_lock_dir(failure);
        if (r >= 0)
                r = open_sockets(f, failure);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(f);
        return 0;
}

static void find_listened(PortForward *f)
{
        f->listened = NULL;
        for (size_t i = 0; !f->listened && i < f->ports.n; i++)
                if (host_port_has_listener(&f->ports.items[i].port))
                        f->listened = &f->ports.items[i].port;
}

int port_forward_set(PortForward *f, const PortSetting *ports, size_t n, Failure *failure)
{
        PortAddress addresses[ARRAY_SIZE(families)];
        HeldPorts now = { 0 };
        OwnLinks own;
        int r;

        r = held_ports_take(f->lock_dir, f->machine, ports, n, &f->ports, &now, failure);
        if (r >= 0)
                r = create_table(f, failure);
        if (r >= 0)
                r = read_addresses(f, addresses, &own, failure);
        if (r >= 0)
                r = set_rules(f, &now, addresses, failure);
        if (r < 0) {
                held_ports_release(&now, &f->ports);
                return r;
        }
        held_ports_release(&f->ports, &now);
        f->ports = now;
        keep_addresses(f, addresses);
        find_listened(f);
        find_trouble(f, &own);
        return 0;
}

void port_forward_remove_left(void)
{
        lock_file_remove_left(PORT_LOCK_DIR);
}
