/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The links of a machine: created after its namespaces and before its init, removed after its end. The supervisor, as root
 * of the host, in the host's network namespace; the child calls only links_loopback_up().
 *
 * Each link is created by one message, in its namespace, with its final name: udev and networkd never see a temporary name
 * or address on the host.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/link-kind.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/namespace-call.h"
#include "util/print.h"

/* A file for each machine that has joined zones while it ran, with a line for each bridge. */
#define NOTES_DIR "/run/box/.zones"
enum { NOTE_MAX = 64 * 1024 };

static const LinkMethods *const methods[] = {
        [LINK_VETH] = &link_veth,
        [LINK_VETH_EXTRA] = &link_veth,
        [LINK_MACVLAN] = &link_macvlan,
        [LINK_IPVLAN] = &link_macvlan,
        [LINK_MOVE] = &link_move,
};

/* The kinds of interfaces that a veth can be a port of. */
static bool has_ports(const RtnlLink *link)
{
        static const char *const kinds[] = { "bridge", "bond", "team", "vrf", "batadv" };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strcmp(link->kind, kinds[i]) == 0)
                        return true;
        return false;
}

static int check_link(const LinkOp *op, const RtnlLink *link, const LinksWait *wait, Problems *problems)
{
        char path[sizeof("/sys/class/net//phy80211") + IF_NAMESIZE];
        int r;

        if (op->kind == LINK_VETH)
                return has_ports(link) ? 0 : problem_error(problems, op->from, "%s%s: not a bridge", link_op_setting(op),
                                                           op->bridge);
        r = wait ? wait->udev(wait->userdata, link->ifindex) : 0;
        if (r == -ETIMEDOUT)
                return problem_error(problems, op->from, "%s%s: udev has not initialized this interface yet",
                                     link_op_setting(op), op->host_name);
        if (r < 0)
                return r;
        (void) snprintf(path, sizeof(path), "/sys/class/net/%s/phy80211", link->name);
        if (op->kind == LINK_MOVE && access(path, F_OK) >= 0)
                return problem_error(problems, op->from, "Interface=%s: moving a wireless interface, with its radio, is not "
                                     "supported", op->host_name);
        return 0;
}

static int find_link(const LinkOp *op, const char *machine, int rtnl, RtnlLink *ret)
{
        return op->kind == LINK_MOVE ? link_find_moved(op, machine, rtnl, ret) : rtnl_get_link(rtnl, link_needs(op), ret);
}

/* Subscribes first: an interface that appears meanwhile is news. */
static int await_link(const LinkOp *op, const char *machine, int rtnl, const LinksWait *wait, RtnlLink *ret)
{
        _cleanup_close_ int events = rtnl_open_events(RTMGRP_LINK);
        int r;

        if (events < 0)
                return events;
        for (;;) {
                r = find_link(op, machine, rtnl, ret);
                if (r != -ENODEV)
                        return r;
                r = wait->change(wait->userdata, op, events);
                if (r < 0)
                        return r == -ETIMEDOUT ? -ENODEV : r;
                (void) rtnl_wait_event(events, /* msec= */ 0);
        }
}

/* Its bridge is created if it is missing. */
static int check_zone(const LinkOp *op, int rtnl, Problems *problems)
{
        RtnlLink link;
        int r = rtnl_get_link(rtnl, op->bridge, &link);

        if (r < 0)
                return r == -ENODEV ? 0 : r;
        if (strcmp(link.kind, "bridge") == 0)
                return 0;
        return problem_error(problems, op->from, "Zone=: interface %s exists and is not a bridge", op->bridge);
}

static int check_op(const LinkOp *op, const char *machine, int rtnl, const LinksWait *wait, Problems *problems)
{
        RtnlLink link;
        int r;

        if (op->zone)
                return check_zone(op, rtnl, problems);
        r = find_link(op, machine, rtnl, &link);
        if (r == -ENODEV && wait && wait->change)
                r = await_link(op, machine, rtnl, wait, &link);
        if (r == -ENODEV)
                return problem_error(problems, op->from, "%s%s: no such interface", link_op_setting(op), link_needs(op));
        return r < 0 ? r : check_link(op, &link, wait, problems);
}

int links_check(const LinkPlan *p, const char *machine, const LinksWait *wait, Problems *problems)
{
        _cleanup_close_ int fd = -EBADF;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n; i++) {
                if (!link_needs(&p->ops[i]) && !p->ops[i].zone)
                        continue;
                if (fd < 0)
                        fd = rtnl_open();
                r = fd < 0 ? fd : check_op(&p->ops[i], machine, fd, wait, problems);
        }

        return r;
}

static int open_in_machine(void *argument)
{
        int *ret = argument;

        *ret = rtnl_open();
        return *ret < 0 ? *ret : 0;
}

static int open_container_rtnl(int netns_fd, Links *l, Failure *failure)
{
        int r;

        l->host_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (l->host_netns < 0)
                return failure_set(failure, -errno, "Failed to open /proc/self/ns/net: %m");
        r = namespace_call(netns_fd, CLONE_NEWNET, open_in_machine, &l->container_rtnl);
        return r < 0 ? failure_set(failure, r, "Failed to open a netlink socket in the machine's network namespace: %m") : 0;
}

static int bring_up(const LinkOp *op, const LinkTarget *target, Links *l, Failure *failure)
{
        const LinkMethods *m = methods[op->kind];
        int r = 0;

        if ((m->needs_container_rtnl || op->container_altname) && l->container_rtnl < 0)
                r = open_container_rtnl(target->netns_fd, l, failure);
        if (r >= 0)
                r = m->up(op, target, l, failure);
        if (r >= 0 && op->container_altname && op->kind != LINK_MOVE)
                link_set_altname(l->container_rtnl, op->container_name, op->container_altname);
        return r;
}

/* Makes room for n links, and opens the host's socket if it is not open. */
static int prepare(Links *l, size_t n, Failure *failure)
{
        LinkDone *done = reallocarray(l->done, n, sizeof(*done));
        int *ifindices;

        l->done = done ?: l->done;
        ifindices = reallocarray(l->ifindices, n, sizeof(*ifindices));
        l->ifindices = ifindices ?: l->ifindices;
        if (!done || !ifindices)
                return failure_set(failure, -ENOMEM, "Failed to create the network links: %m");
        memset(done + l->n_done, 0, (n - l->n_done) * sizeof(*done));
        if (l->host_rtnl < 0)
                l->host_rtnl = rtnl_open();
        return l->host_rtnl < 0 ? failure_set(failure, l->host_rtnl, "Failed to open a netlink socket: %m") : 0;
}

int links_up(const LinkPlan *p, const char *machine, int netns_fd, Links *l, Failure *failure)
{
        const LinkTarget target = { machine, netns_fd };
        int r;

        if (p->n == 0)
                return 0;
        r = prepare(l, p->n, failure);
        for (size_t i = 0; i < p->n && r >= 0; i++)
                r = bring_up(&p->ops[i], &target, l, failure);
        return r;
}

static bool is_same(const LinkOp *a, const LinkOp *b)
{
        return a->kind == b->kind && strcmp(a->host_name, b->host_name) == 0 && strcmp(a->container_name, b->container_name) == 0;
}

int links_add(LinkPlan *p, LinkOp *op, const char *machine, int netns_fd, Links *l, Failure *failure)
{
        const LinkTarget target = { machine, netns_fd };
        LinkOp *ops;
        int r;

        for (size_t i = 0; i < p->n; i++)
                if (is_same(&p->ops[i], op))
                        return failure_set(failure, -EEXIST, "The machine has this link");
        r = prepare(l, p->n + 1, failure);
        if (r < 0)
                return r;
        ops = reallocarray(p->ops, p->n + 1, sizeof(*ops));
        if (!ops)
                return failure_set(failure, -ENOMEM, "Failed to create the network links: %m");
        p->ops = ops;
        r = bring_up(op, &target, l, failure);
        if (r < 0) {
                if (l->n_done > p->n)
                        (void) methods[op->kind]->down(op, &l->done[--l->n_done], l);
                return r;
        }
        ops[p->n++] = *op;
        *op = (LinkOp) { 0 };
        return 0;
}

int links_remove(LinkPlan *p, const LinkOp *op, Links *l)
{
        for (size_t i = 0; i < p->n; i++) {
                LinkOp *o = &p->ops[i];
                int r;

                if (!is_same(o, op))
                        continue;
                r = methods[o->kind]->down(o, &l->done[i], l);
                if (r < 0)
                        return r;
                if (o->kind == LINK_VETH)
                        l->n_ifindices = 0;
                link_op_done(o);
                memmove(o, o + 1, (--p->n - i) * sizeof(*o));
                memmove(&l->done[i], &l->done[i + 1], (--l->n_done - i) * sizeof(*l->done));
                return 0;
        }
        return -ENOENT;
}

void links_down(const LinkPlan *p, Links *l)
{
        while (l->n_done > 0) {
                const LinkOp *op = &p->ops[--l->n_done];

                (void) methods[op->kind]->down(op, &l->done[l->n_done], l);
        }

        free(l->done);
        free(l->ifindices);
        fd_close(l->host_rtnl);
        fd_close(l->container_rtnl);
        fd_close(l->host_netns);
        *l = (Links) LINKS_NULL;
}

bool links_have_zone(const LinkPlan *p)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->ops[i].zone)
                        return true;
        return false;
}

void links_remove_zones(const LinkPlan *p)
{
        Links l = LINKS_NULL;

        l.host_rtnl = rtnl_open();
        if (l.host_rtnl < 0)
                log_warning(l.host_rtnl, "Failed to open a netlink socket, keeping bridges of zones: %m");
        for (size_t i = 0; i < p->n && l.host_rtnl >= 0; i++)
                if (p->ops[i].zone)
                        link_zone_down(&p->ops[i], &l);
        fd_close(l.host_rtnl);
}

/* ---- zones of machines that run ---------------------------------------------------------------------------------------- */

static int add_note(const char *path, const char *line)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -EBADF;

        if (fd_read_file_at(AT_FDCWD, path, NOTE_MAX, &text, NULL) >= 0 && strstr(text, line))
                return 0;
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
        return fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));
}

static int note_zone(const char *machine, const char *bridge, Failure *failure)
{
        _cleanup_free_ char *path = NULL, *line = NULL;
        int r = fd_mkdir(NOTES_DIR, 0755);

        if (r >= 0 && (strf(&path, NOTES_DIR "/%s", machine) < 0 || strf(&line, "%s\n", bridge) < 0))
                r = -ENOMEM;
        if (r >= 0)
                r = add_note(path, line);
        return r < 0 ? failure_set(failure, r, "Failed to note the zone of machine '%s' in " NOTES_DIR ": %m", machine) : 0;
}

void links_remove_noted_zone(const char *machine)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        LinkOp op = { .kind = LINK_VETH, .zone = true };
        const LinkPlan plan = { &op, 1 };
        char *rest;

        if (strf(&path, NOTES_DIR "/%s", machine) < 0 || fd_read_file_at(AT_FDCWD, path, NOTE_MAX, &text, NULL) < 0)
                return;
        for (rest = text; (op.bridge = strsep(&rest, "\n"));)
                if (*op.bridge)
                        links_remove_zones(&plan);
        (void) unlink(path);
}

int links_hold_zone(const LinkOp *op, const char *machine, LinksZone *ret, Failure *failure)
{
        RtnlLink bridge;
        int r;

        ret->links.host_rtnl = rtnl_open();
        if (ret->links.host_rtnl < 0)
                return failure_set(failure, ret->links.host_rtnl, "Failed to open a netlink socket: %m");
        r = note_zone(machine, op->bridge, failure);
        if (r >= 0)
                r = link_zone_lock(op, &ret->links, &ret->lock, failure);
        if (r >= 0)
                r = link_zone_bridge(op, &ret->links, &bridge, failure);
        return r;
}

void links_release_zone(const LinkOp *op, LinksZone *z)
{
        if (z->lock.fd >= 0)
                link_zone_remove_empty(op, &z->links);
        lock_file_release(&z->lock);
        z->links.host_rtnl = fd_close(z->links.host_rtnl);
}

int links_set_bridge(const LinkOp *op, Failure *failure)
{
        Links l = LINKS_NULL;
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        RtnlLink bridge;
        int r;

        l.host_rtnl = rtnl_open();
        if (l.host_rtnl < 0)
                return failure_set(failure, l.host_rtnl, "Failed to open a netlink socket: %m");
        r = rtnl_get_link(l.host_rtnl, op->bridge, &bridge);
        if (r >= 0) {
                m = rtnl_add(&q, RTM_SETLINK, 0, 0);
                mnl_attr_put_strz(m, IFLA_IFNAME, op->host_name);
                mnl_attr_put_u32(m, IFLA_MASTER, (uint32_t) bridge.ifindex);
                r = rtnl_call(l.host_rtnl, &q, NULL, NULL);
        }
        fd_close(l.host_rtnl);
        return r < 0 ? link_failed(op, r, "set the bridge of interface", op->host_name, "", failure) : 0;
}

int links_loopback_up(Failure *failure)
{
        _cleanup_close_ int fd = rtnl_open();
        int r;

        if (fd < 0)
                return failure_set(failure, fd, "Failed to open a netlink socket: %m");
        r = rtnl_link_up(fd, /* ifindex= */ 1);         /* always that of lo */
        return r < 0 ? failure_set(failure, r, "Failed to bring up the loopback interface: %m") : 0;
}
