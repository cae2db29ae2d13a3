/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A fake systemd and machined for test_boxctl.py: it owns their names on the bus at $DBUS_SYSTEM_BUS_ADDRESS, knows three
 * machines and a few units, and prints each request that changes something. No privilege.
 *
 * Machines: web (well-behaved), evil (its os-release is an attack on terminals), .host; slow1 … are not known, after a while. Units: box@busy.service starts
 * just now, its stop works; box@stuck.service too, its stop fails; every other unit is inactive.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/bus.h"
#include "util/fd.h"

#define PATH_OF(name) "/org/freedesktop/machine1/machine/" name
#define UNITS "/org/freedesktop/systemd1/unit"
#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"

typedef struct Fake {
        const char *name, *path;
        pid_t leader;
        uint8_t id[16];
} Fake;

static Fake machines[] = {
        { "web", PATH_OF("web"), 0, { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8 } },
        { "evil", PATH_OF("evil"), 0, { 0 } },
        { ".host", PATH_OF("_2ehost"), 0, { 0 } },
};

static void say(const char *format, ...) _printf_(1, 2);
static void say(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void) vprintf(format, ap);
        va_end(ap);
        (void) putchar('\n');
        (void) fflush(stdout);
}

static Fake *find(sd_bus_message *m)
{
        const char *name;

        if (sd_bus_message_read(m, "s", &name) < 0)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
                if (strcmp(machines[i].name, name) == 0)
                        return machines + i;
        return NULL;
}

static int unknown(sd_bus_message *m)
{
        return sd_bus_reply_method_errorf(m, "org.freedesktop.machine1.NoSuchMachine", "No such machine known");
}

/* ---- machined ------------------------------------------------------------------------------------------------- */

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssso)");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(machines); i++)
                r = sd_bus_message_append(reply, "(ssso)", machines[i].name,
                                          machines[i].name[0] == '.' ? "host" : "container", "fake", machines[i].path);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* Those whose names begin with "slow" get their answers four at a time: who asks for one after the other gets none. */
static int hold(sd_bus_message *m)
{
        static sd_bus_message *held[4];
        static size_t n;
        int r = 1;

        held[n++] = sd_bus_message_ref(m);
        if (n < ARRAY_SIZE(held))
                return 1;
        while (n > 0) {
                r = unknown(held[--n]);
                sd_bus_message_unref(held[n]);
        }
        return r;
}

static int on_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *name;
        Fake *f;

        if (sd_bus_message_read(m, "s", &name) >= 0 && strncmp(name, "slow", 4) == 0)
                return hold(m);
        (void) sd_bus_message_rewind(m, /* complete= */ true);
        f = find(m);
        return f ? sd_bus_reply_method_return(m, "o", f->path) : unknown(m);
}

static int on_os_release(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fake *f = find(m);

        if (!f)
                return unknown(m);
        if (f == machines + 1)
                return sd_bus_reply_method_return(m, "a{ss}", 3, "ID", "\x1b]0;owned\x07\nfake-row", "VERSION_ID",
                                                  "\xc2\x9b" "31m", "PRETTY_NAME", "Evil\r\n\x1b[2J");
        return sd_bus_reply_method_return(m, "a{ss}", 3, "ID", "debian", "VERSION_ID", "12", "PRETTY_NAME",
                                          "Debian GNU/Linux 12 (bookworm)");
}

static int on_addresses(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        static const uint8_t v4[] = { 10, 0, 0, 5 }, v6[16] = { 0xfe, 0x80, [15] = 1 };
        _cleanup_message_ sd_bus_message *reply = NULL;
        Fake *f = find(m);
        int r;

        if (!f)
                return unknown(m);
        if (f != machines)
                return sd_bus_reply_method_errorf(m, "org.freedesktop.machine1.NoPrivateNetworking", "The host's");
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(iay)");
        for (int i = 0; r >= 0 && i < 2; i++) {
                r = sd_bus_message_open_container(reply, 'r', "iay");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "i", i ? AF_INET6 : AF_INET);
                if (r >= 0)
                        r = i ? sd_bus_message_append_array(reply, 'y', v6, sizeof(v6)) :
                                sd_bus_message_append_array(reply, 'y', v4, sizeof(v4));
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int on_kill(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *whom;
        Fake *f = find(m);
        int32_t sig;

        if (!f)
                return unknown(m);
        if (sd_bus_message_read(m, "si", &whom, &sig) < 0)
                return -EINVAL;
        if (f == machines + 1)
                return sd_bus_reply_method_errorf(m, "org.freedesktop.DBus.Error.AccessDenied", "Not that one");
        say("KillMachine %s %s %d", f->name, whom, sig - (sig >= SIGRTMIN ? SIGRTMIN - 1000 : 0));
        if (sig == SIGRTMIN + 4 && f->leader > 0) {
                (void) kill(f->leader, SIGKILL);
                (void) waitpid(f->leader, NULL, 0);
        }
        return sd_bus_reply_method_return(m, "");
}

static int on_terminate(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Fake *f = find(m);

        if (!f)
                return unknown(m);
        say("TerminateMachine %s", f->name);
        return sd_bus_reply_method_return(m, "");
}

/* A shell that says its arguments, hangs its terminal up as systemd does, and reads a line. */
static void run_shell(const char *slave, const char *user, const char *path)
{
        int fd;

        (void) setsid();
        (void) usleep(100 * 1000);
        fd = open(slave, O_RDWR);
        for (int i = 0; i < 3; i++)
                (void) dup2(fd, i);
        if (strcmp(path, "/bin/silent") == 0)
                _exit(0);
        execl("/bin/sh", "sh", "-c", "echo \"user=$1 path=$2\"; read line; echo \"line=$line\"", "sh", user, path,
              (char *) NULL);
        _exit(127);
}

static int on_shell(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_close_ int master = -EBADF;
        const char *user, *path;
        char slave[64];
        pid_t pid;

        if (!find(m))
                return unknown(m);
        if (sd_bus_message_read(m, "ss", &user, &path) < 0)
                return -EINVAL;
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || ptsname_r(master, slave, sizeof(slave)) != 0)
                return -EIO;
        pid = fork();
        if (pid == 0)
                run_shell(slave, user, path);
        return sd_bus_reply_method_return(m, "hs", master, slave);
}

static const sd_bus_vtable machined[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListMachines", NULL, "a(ssso)", on_list, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetMachine", "s", "o", on_get, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetMachineOSRelease", "s", "a{ss}", on_os_release, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetMachineAddresses", "s", "a(iay)", on_addresses, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("KillMachine", "ssi", NULL, on_kill, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("TerminateMachine", "s", NULL, on_terminate, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("OpenMachineShell", "sssasas", "hs", on_shell, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error)
{
        const Fake *f = userdata;
        const char *value = strcmp(property, "Name") == 0 ? f->name :
                            strcmp(property, "Service") == 0 ? "fake" :
                            strcmp(property, "Unit") == 0 ? "fake-of-test.service" :
                            strcmp(property, "Class") == 0 ? "container" :
                            strcmp(property, "State") == 0 ? "running" : "";

        return sd_bus_message_append(reply, "s", value);
}

static int get_id(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                  void *userdata, sd_bus_error *error)
{
        const Fake *f = userdata;

        return sd_bus_message_append_array(reply, 'y', f->id, sizeof(f->id));
}

static int get_interfaces(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "ai", 2, 3, 4);
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *error)
{
        const Fake *f = userdata;

        if (strcmp(property, "Leader") == 0)
                return sd_bus_message_append(reply, "u", (uint32_t) f->leader);
        return sd_bus_message_append(reply, "t", UINT64_C(1707564153000000));
}

static const sd_bus_vtable machine[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Name", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("Id", "ay", get_id, 0, 0),
        SD_BUS_PROPERTY("Timestamp", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("TimestampMonotonic", "t", get_number, 0, 0),
        SD_BUS_PROPERTY("Service", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("Unit", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("Leader", "u", get_number, 0, 0),
        SD_BUS_PROPERTY("Class", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("RootDirectory", "s", get_text, 0, 0),
        SD_BUS_PROPERTY("NetworkInterfaces", "ai", get_interfaces, 0, 0),
        SD_BUS_PROPERTY("State", "s", get_text, 0, 0),
        SD_BUS_VTABLE_END,
};

/* ---- systemd -------------------------------------------------------------------------------------------------- */

static const char *const unit_paths[] = { UNITS "/other", UNITS "/busy", UNITS "/stuck" };

static const char *path_of_unit(const char *unit)
{
        return unit_paths[strcmp(unit, "box@busy.service") == 0 ? 1 : strcmp(unit, "box@stuck.service") == 0 ? 2 : 0];
}

static int on_load_unit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *unit;

        if (sd_bus_message_read(m, "s", &unit) < 0)
                return -EINVAL;
        return sd_bus_reply_method_return(m, "o", path_of_unit(unit));
}

/* Replies, and reports the end of another job and then of this one. */
static int on_stop_unit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        sd_bus *bus = sd_bus_message_get_bus(m);
        const char *unit, *mode;
        static uint32_t id = 40;
        char path[64];
        int r;

        if (sd_bus_message_read(m, "ss", &unit, &mode) < 0)
                return -EINVAL;
        say("StopUnit %s %s", unit, mode);
        (void) snprintf(path, sizeof(path), BUS_SYSTEMD1_PATH "/job/%u", ++id);
        r = sd_bus_reply_method_return(m, "o", path);
        if (r >= 0)
                r = sd_bus_emit_signal(bus, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "JobRemoved", "uoss", 1,
                                       BUS_SYSTEMD1_PATH "/job/1", unit, "failed");
        if (r >= 0)
                r = sd_bus_emit_signal(bus, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "JobRemoved", "uoss", id, path,
                                       unit, strcmp(unit, "box@stuck.service") == 0 ? "timeout" : "done");
        return r;
}

static int on_disable(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *unit;

        if (sd_bus_message_enter_container(m, 'a', "s") < 0 || sd_bus_message_read(m, "s", &unit) <= 0)
                return -EINVAL;
        say("DisableUnitFiles %s", unit);
        return sd_bus_reply_method_return(m, "a(sss)", 1, "unlink", "/etc/systemd/system/x", "");
}

static int on_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        say("Reload");
        return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable systemd[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("LoadUnit", "s", "o", on_load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopUnit", "ss", "o", on_stop_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DisableUnitFiles", "asb", "a(sss)", on_disable, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Reload", NULL, NULL, on_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
        SD_BUS_VTABLE_END,
};

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", strcmp(path, unit_paths[0]) == 0 ? "inactive" : "activating");
}

static int get_job(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                   void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "(uo)", 0, "/");
}

static const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("ActiveState", "s", get_state, 0, 0),
        SD_BUS_PROPERTY("Job", "(uo)", get_job, 0, 0),
        SD_BUS_VTABLE_END,
};

static int publish(sd_bus *bus)
{
        int r;

        r = sd_bus_add_object_vtable(bus, NULL, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER, machined, NULL);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, systemd, NULL);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(machines); i++)
                r = sd_bus_add_object_vtable(bus, NULL, machines[i].path, "org.freedesktop.machine1.Machine", machine,
                                             machines + i);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(unit_paths); i++)
                r = sd_bus_add_object_vtable(bus, NULL, unit_paths[i], UNIT_INTERFACE, unit_vtable, NULL);
        if (r >= 0)
                r = sd_bus_request_name(bus, BUS_SYSTEMD1, 0);
        if (r >= 0 && !getenv("NO_MACHINED"))
                r = sd_bus_request_name(bus, BUS_MACHINE1, 0);
        return r;
}

int main(void)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        pid_t leader;
        int r;

        leader = fork();
        if (leader == 0) {
                (void) alarm(300);
                pause();
                _exit(0);
        }
        machines[0].leader = leader;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = publish(bus);
        if (r >= 0)
                say("ready %d", (int) leader);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r == -EINTR)
                        r = 0;
                while (waitpid(-1, NULL, WNOHANG) > 0)
                        ;
        }
        (void) kill(leader, SIGKILL);
        return r == -ECONNRESET || r == -ENOTCONN ? 0 : 1;
}
