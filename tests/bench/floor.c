/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The floor under a container's start: the least program that gives a command the same namespaces, the same mounts and,
 * with `veth` the same link as `box-run --private-users=524288 --network-veth --console=pipe` (mount/mount-plan.c,
 * net/link-plan.c), executes it, waits, and takes the link away again. What it leaves out is what box adds: settings,
 * checks, locks, a cgroup, rights (capabilities, system call filter, limits, device policy), readiness, supervision, error
 * messages; and a second mount namespace, which locks the mounts (0.1 ms). All is done in turn, where box-run's two processes
 * work at the same time.
 *
 * It is the measure in tests/bench/bench, and no example: no failure is undone, the first one ends it. Static, so that no
 * time goes into a dynamic linker. Needs the privilege of the host's root, as box-run does.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_link.h>
#include <linux/mount.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE 524288U
#define COUNT 65536U
#define MACHINE "floor"
#define HOST_LINK "ve-" MACHINE
#define INCOMING "/run/floor-incoming"

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#define API (MS_NOSUID | MS_NOEXEC | MS_NODEV)
#define ATTR_API (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)

/* Mounts that the parent creates and the child attaches. Both share a table of descriptors. */
typedef struct Detached {
        int tree, dev, proc, sys, incoming;
} Detached;

static long must(long r, const char *what)
{
        if (r < 0) {
                fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
                _exit(EXIT_FAILURE);
        }
        return r;
}

/* ---- rtnetlink ---------------------------------------------------------------------------------------------- */

typedef struct Request {
        struct nlmsghdr header;
        struct ifinfomsg info;
        char attributes[512];
} Request;

static struct rtattr *attribute(Request *q, unsigned short type, const void *data, size_t size)
{
        struct rtattr *a = (struct rtattr *) ((char *) q + NLMSG_ALIGN(q->header.nlmsg_len));

        a->rta_type = type;
        a->rta_len = (unsigned short) RTA_LENGTH(size);
        if (data)
                memcpy(RTA_DATA(a), data, size);
        q->header.nlmsg_len = NLMSG_ALIGN(q->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
        return a;
}

static void end_nest(Request *q, struct rtattr *nest)
{
        nest->rta_len = (unsigned short) ((char *) q + q->header.nlmsg_len - (char *) nest);
}

static void rtnl_call(int fd, Request *q, const char *what)
{
        struct {
                struct nlmsghdr header;
                struct nlmsgerr error;
                char rest[1024];
        } reply;

        must(send(fd, q, q->header.nlmsg_len, 0), what);
        must(recv(fd, &reply, sizeof(reply), 0), what);
        errno = -reply.error.error;
        must(reply.error.error, what);
}

static Request request(unsigned short type, unsigned short flags)
{
        return (Request) {
                .header = {
                        .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                        .nlmsg_type = type,
                        .nlmsg_flags = (unsigned short) (NLM_F_REQUEST | NLM_F_ACK | flags),
                },
        };
}

static void link_up(int fd, pid_t pid)
{
        Request q = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
        struct rtattr *info, *data, *peer;

        attribute(&q, IFLA_IFNAME, HOST_LINK, sizeof(HOST_LINK));
        info = attribute(&q, IFLA_LINKINFO, NULL, 0);
        attribute(&q, IFLA_INFO_KIND, "veth", 4);
        data = attribute(&q, IFLA_INFO_DATA, NULL, 0);
        peer = attribute(&q, VETH_INFO_PEER, &(struct ifinfomsg) {}, sizeof(struct ifinfomsg));
        attribute(&q, IFLA_IFNAME, "host0", sizeof("host0"));
        attribute(&q, IFLA_NET_NS_PID, &(uint32_t) { (uint32_t) pid }, sizeof(uint32_t));
        end_nest(&q, peer);
        end_nest(&q, data);
        end_nest(&q, info);
        rtnl_call(fd, &q, "make " HOST_LINK);
}

/* Its namespace would take it along, but later: the next run could not have the name. */
static void link_down(int fd)
{
        Request q = request(RTM_DELLINK, 0);

        attribute(&q, IFLA_IFNAME, HOST_LINK, sizeof(HOST_LINK));
        rtnl_call(fd, &q, "remove " HOST_LINK);
}

static void loopback_up(void)
{
        int fd = (int) must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
        struct ifreq q = { .ifr_name = "lo", .ifr_flags = IFF_UP };

        must(ioctl(fd, SIOCSIFFLAGS, &q), "bring up lo");
}

/* ---- the parent --------------------------------------------------------------------------------------------- */

static void write_map(pid_t pid, const char *file)
{
        char path[64], map[64];
        int n = snprintf(map, sizeof(map), "0 %u %u\n", BASE, COUNT), fd;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        fd = (int) must(open(path, O_WRONLY | O_CLOEXEC), path);
        must(write(fd, map, (size_t) n), path);
        must(close(fd), path);
}

static int new_mount(const char *type, unsigned attrs)
{
        int fs = (int) must(fsopen(type, FSOPEN_CLOEXEC), type), fd;

        if (strcmp(type, "tmpfs") == 0)
                must(fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0), type);
        must(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
        fd = (int) must(fsmount(fs, FSMOUNT_CLOEXEC, attrs), type);
        must(close(fs), type);
        return fd;
}

static int new_tree(const char *path, pid_t pid)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .propagation = MS_PRIVATE };
        char userns[64];
        int fd = (int) must(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE), path);

        (void) snprintf(userns, sizeof(userns), "/proc/%d/ns/user", pid);
        attr.userns_fd = (uint64_t) must(open(userns, O_RDONLY | O_CLOEXEC), userns);
        must(mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)), "map the tree's ids");
        return fd;
}

static int new_incoming(void)
{
        struct mount_attr attr = { .attr_set = ATTR_API, .propagation = MS_SLAVE };
        int fd;

        must(mkdir(INCOMING, 0600), INCOMING);
        fd = (int) must(open_tree(AT_FDCWD, INCOMING, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), INCOMING);
        must(mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)), INCOMING);
        return fd;
}

/* A user namespace may not make devices: it gets them made. */
static int new_dev(void)
{
        static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty", "net/tun", "fuse" };
        static const char *const dirs[] = { "shm", "mqueue", "pts", "net", "char", "block" };
        static const char *const links[][2] = {
                { "ptmx", "pts/ptmx" }, { "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" },
                { "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" }, { "core", "/proc/kcore" },
        };
        int fd = new_mount("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);

        must(fchownat(fd, "", BASE, BASE, AT_EMPTY_PATH), "/dev");
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                must(mkdirat(fd, dirs[i], 0755), dirs[i]);
                must(fchownat(fd, dirs[i], BASE, BASE, 0), dirs[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                must(symlinkat(links[i][1], fd, links[i][0]), links[i][0]);
        for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
                char path[64], number[64], target[64];
                struct stat st;

                (void) snprintf(path, sizeof(path), "/dev/%s", devices[i]);
                if (stat(path, &st) < 0)
                        continue;
                must(mknodat(fd, devices[i], S_IFCHR | 0666, st.st_rdev), devices[i]);
                must(fchownat(fd, devices[i], BASE, BASE, 0), devices[i]);
                (void) snprintf(number, sizeof(number), "char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
                (void) snprintf(target, sizeof(target), "../%s", devices[i]);
                must(symlinkat(target, fd, number), number);
        }
        return fd;
}

/* proc and sysfs are those of the namespaces that their maker is in. There is no need to come back from these. */
static void make_detached(const char *tree, pid_t pid, int pidfd, Detached *ret)
{
        ret->tree = new_tree(tree, pid);
        ret->incoming = new_incoming();
        ret->dev = new_dev();
        must(setns(pidfd, CLONE_NEWPID | CLONE_NEWNET), "setns");
        ret->proc = new_mount("proc", ATTR_API);
        ret->sys = new_mount("sysfs", ATTR_API);
}

/* ---- the child ---------------------------------------------------------------------------------------------- */

static void move(int fd, const char *dest)
{
        must(move_mount(fd, "", AT_FDCWD, dest, MOVE_MOUNT_F_EMPTY_PATH), dest);
}

static void make(const char *type, const char *dest, unsigned long flags, const char *options)
{
        must(mount(type, dest, type, flags, options), dest);
}

static void bind_to(const char *source, const char *dest, unsigned long flags)
{
        must(mount(source, dest, NULL, MS_BIND, NULL), dest);
        must(mount(NULL, dest, NULL, MS_BIND | MS_REMOUNT | API | flags, NULL), dest);
}

static void put(const char *path, const char *text)
{
        int fd = (int) must(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444), path);

        must(write(fd, text, strlen(text)), path);
        must(close(fd), path);
}

static void set_up_run(const Detached *d)
{
        make("tmpfs", "run", MS_NOSUID | MS_NODEV | MS_STRICTATIME, "mode=0755,size=20%,nr_inodes=800k");
        must(mkdir("run/host", 0755), "run/host");
        make("tmpfs", "run/host", API, "mode=0755,size=1m,nr_inodes=1k");
        must(mkdir("run/host/inaccessible", 0755), "run/host/inaccessible");
        must(mknod("run/host/inaccessible/reg", S_IFREG, 0), "reg");
        must(mkdir("run/host/inaccessible/dir", 0), "dir");
        must(mknod("run/host/inaccessible/fifo", S_IFIFO, 0), "fifo");
        must(mknod("run/host/inaccessible/sock", S_IFSOCK, 0), "sock");
        put("run/host/container-manager", "floor\n");
        put("run/host/container-uuid", "00000000-0000-4000-8000-000000000001\n");
        put("run/host/os-release", "ID=floor\n");
        put("run/host/.boot-id", "00000000-0000-4000-8000-000000000002\n");
        must(mknod("run/host/.kmsg", S_IFIFO | 0600, 0), ".kmsg");
        must(mkdir("run/host/incoming", 0600), "incoming");
        move(d->incoming, "run/host/incoming");
        must(mount(NULL, "run/host", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | API, NULL), "run/host");
}

static void set_up_proc(const Detached *d)
{
        static const char *const read_only[] = {
                "proc/acpi", "proc/apm", "proc/asound", "proc/bus", "proc/fs", "proc/irq", "proc/scsi",
        };
        static const char *const masked[] = {
                "proc/kallsyms", "proc/kcore", "proc/keys", "proc/sysrq-trigger", "proc/timer_list",
        };

        move(d->proc, "proc");
        bind_to("proc/sys", "proc/sys", MS_RDONLY);
        bind_to("proc/sys/net", "proc/sys/net", 0);
        for (size_t i = 0; i < ARRAY_SIZE(read_only); i++)
                if (access(read_only[i], F_OK) == 0)
                        bind_to(read_only[i], read_only[i], MS_RDONLY);
        for (size_t i = 0; i < ARRAY_SIZE(masked); i++)
                if (access(masked[i], F_OK) == 0)
                        bind_to("run/host/inaccessible/reg", masked[i], MS_RDONLY);
        bind_to("run/host/.kmsg", "proc/kmsg", 0);
        bind_to("run/host/.boot-id", "proc/sys/kernel/random/boot_id", MS_RDONLY);
}

static void set_up_sys(const Detached *d)
{
        static const char *const parts[] = { "block", "bus", "class", "dev", "devices", "kernel" };

        move(d->sys, "/sys");           /* the host's copy: where the parts are taken from */
        make("tmpfs", "sys", API | MS_STRICTATIME, "mode=0555,size=1m,nr_inodes=64");
        must(mkdir("sys/fs", 0755), "sys/fs");
        must(mkdir("sys/fs/cgroup", 0755), "sys/fs/cgroup");
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                char source[32];

                (void) snprintf(source, sizeof(source), "/sys/%s", parts[i]);
                must(mkdir(source + 1, 0755), source);
                bind_to(source, source + 1, MS_RDONLY);
        }
        must(mount(NULL, "sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | API, NULL), "sys");
        make("cgroup2", "sys/fs/cgroup", API, NULL);
}

static void set_up_mounts(const Detached *d)
{
        move(d->tree, "/run");
        must(chdir("/run"), "the tree");
        move(d->dev, "dev");
        make("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
        make("tmpfs", "dev/shm", MS_NOSUID | MS_NODEV | MS_STRICTATIME, "mode=1777,size=10%,nr_inodes=400k");
        make("mqueue", "dev/mqueue", API, NULL);
        set_up_run(d);
        set_up_proc(d);
        set_up_sys(d);
        make("tmpfs", "tmp", MS_NOSUID | MS_NODEV | MS_STRICTATIME, "mode=1777,size=10%,nr_inodes=400k");
        must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
        must(umount2(".", MNT_DETACH), "leave the host's mounts");
        must(chdir("/"), "/");
        must(mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL), "/");
}

static void child(const Detached *d, int ready, char *argv[])
{
        char byte;

        /* The end of the pipe tells nothing: it is in our table of descriptors too. */
        must(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
        must(read(ready, &byte, 1), "read");
        must(setgroups(0, NULL), "setgroups");
        must(setresgid(0, 0, 0), "setresgid");
        must(setresuid(0, 0, 0), "setresuid");
        must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "/");
        (void) umask(0);
        set_up_mounts(d);
        (void) umask(0022);
        must(setsid(), "setsid");
        must(sethostname(MACHINE, strlen(MACHINE)), "sethostname");
        loopback_up();
        must(execv(argv[0], argv), argv[0]);
}

int main(int argc, char *argv[])
{
        int pidfd = -1, ready[2], rtnl, status;
        bool veth;
        struct clone_args args = {
                .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
                         CLONE_NEWCGROUP | CLONE_FILES | CLONE_PIDFD,
                .pidfd = (uint64_t) (uintptr_t) &pidfd,
                .exit_signal = SIGCHLD,
        };
        /* Filled by the parent before it says so, read by the child after: the one page that they share. */
        Detached *d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t pid;

        if (argc < 4 || d == MAP_FAILED) {
                fputs("Usage: floor veth|none TREE COMMAND [ARGUMENT]...\n", stderr);
                return EXIT_FAILURE;
        }
        veth = strcmp(argv[1], "veth") == 0;
        argv++;

        must(pipe2(ready, O_CLOEXEC), "pipe2");
        rtnl = (int) must(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
        (void) umask(0);
        pid = (pid_t) must(syscall(SYS_clone3, &args, sizeof(args)), "clone3");
        if (pid == 0)
                child(d, ready[0], argv + 2);

        write_map(pid, "uid_map");
        write_map(pid, "gid_map");
        if (veth)
                link_up(rtnl, pid);
        make_detached(argv[1], pid, pidfd, d);
        must(write(ready[1], "", 1), "write");

        must(waitpid(pid, &status, 0), "waitpid");
        if (veth)
                link_down(rtnl);
        must(rmdir(INCOMING), INCOMING);
        return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
