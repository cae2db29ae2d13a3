/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registration with systemd-machined by Varlink (see register-varlink.h). The supervisor, as root. Without jansson, whose loading
 * would make every start longer: what is sent is simple, and of the answers only those that are errors are told apart.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "run/register-varlink.h"
#include "util/print.h"
#include "util/text.h"

/* As in linux/magic.h, which may be older than the kernel. */
enum { PIDFS_MAGIC = 0x50494446 };

static void put_string(FILE *f, const char *key, const char *value)
{
        fprintf(f, ",\"%s\":\"", key);
        for (const char *p = value; *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        fprintf(f, "\\u%04x", (unsigned char) *p);
                else
                        fprintf(f, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        fputc('"', f);
}

/* The number that no other process has until the host's next boot; 0: this kernel (before 6.9) has none. */
static uint64_t process_number(int pidfd)
{
        struct statfs fs;
        struct stat st;

        return pidfd >= 0 && fstatfs(pidfd, &fs) == 0 && fs.f_type == PIDFS_MAGIC && fstat(pidfd, &st) == 0 ? st.st_ino : 0;
}

static void put_leader(FILE *f, const MachineRegistration *reg, bool as_object)
{
        uint64_t number = as_object ? process_number(reg->leader_pidfd) : 0;

        if (number > 0)
                fprintf(f, "\"leaderProcessId\":{\"pid\":%d,\"pidfdId\":%" PRIu64 "}", (int) reg->leader, number);
        else
                fprintf(f, "\"leader\":%d", (int) reg->leader);
}

static void put_call(FILE *f, const MachineRegistration *reg, const VarlinkAddresses *addresses, bool control)
{
        fputs("{\"method\":\"io.systemd.Machine.Register\",\"parameters\":{", f);
        put_leader(f, reg, control);
        fputs(",\"id\":\"", f);
        for (size_t i = 0; i < sizeof(reg->id); i++)
                fprintf(f, "%02x", reg->id[i]);
        fputc('"', f);
        put_string(f, "name", reg->name);
        put_string(f, "service", reg->service);
        put_string(f, "class", reg->class);
        if (reg->root)
                put_string(f, "rootDirectory", reg->root);
        if (addresses->ssh)
                put_string(f, "sshAddress", addresses->ssh);
        if (control)
                put_string(f, "controlAddress", addresses->control);
        for (size_t i = 0; i < reg->n_ifindices; i++)
                fprintf(f, "%s%d%s", i == 0 ? ",\"ifIndices\":[" : ",", reg->ifindices[i], i + 1 == reg->n_ifindices ? "]" : "");
        fputs("}}", f);
        fputc(0, f);
}

char *register_varlink_calls(const MachineRegistration *reg, const VarlinkAddresses *addresses, size_t *ret_size)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);
        char *text;

        if (!f)
                return NULL;
        put_call(f, reg, addresses, /* control= */ true);
        put_call(f, reg, addresses, /* control= */ false);
        text = memory_stream_take(&m);
        *ret_size = m.size;
        return text;
}

int register_varlink_start(const char *socket, const MachineRegistration *reg, const VarlinkAddresses *addresses,
                           ControlClient **ret)
{
        _cleanup_client_ ControlClient *c = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (reg->root && !text_is_utf8(reg->root, strlen(reg->root)))
                return -EINVAL;
        r = control_client_open(socket ?: MACHINED_SOCKET, &c);
        if (r < 0)
                return r;
        text = register_varlink_calls(reg, addresses, &size);
        r = text ? control_client_send_text(c, text, size) : -ENOMEM;
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

/* The first answer that is no error is enough; after two errors it failed. */
int register_varlink_take(ControlClient *c)
{
        for (;;) {
                _cleanup_free_ char *text = NULL;
                int r = control_client_receive_text(c, 0, &text);

                if (r == -ETIMEDOUT)
                        return 0;
                if (r < 0)
                        return r;
                if (!strstr(text, "\"error\""))
                        return 1;
                if (control_client_n_received(c) == 2)
                        return strstr(text, "MachineExists") ? -EEXIST : -EREMOTEIO;
        }
}
