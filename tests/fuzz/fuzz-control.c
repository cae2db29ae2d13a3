/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as what a client sends to a control socket, and as what a server answers: a server answers with JSON, each ended by a
 * NUL, or closes the connection; a client gets an answer of the right form, or an error.
 */

#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/client.h"
#include "control/server.h"
#include "fuzz.h"
#include "util/fd.h"

enum { LOOPS = 200, ANSWERS = 1024 * 1024 };

static int echo(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        const JsonNode *list = json_member(parameters, "list");
        Json *j;

        CHECK(json_member_string(parameters, "text"));
        CHECK(json_member(parameters, "number")->integral);
        CHECK(control_reply_begin(&j, failure) == 0);
        json_put_string(j, "text", json_member_string(parameters, "text"));
        JSON_FOREACH(item, list)
                CHECK(item->string);
        control_reply_send(c, j);
        return 0;
}

/* Answers later, or never. */
static int watch(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        control_call_set_data(c, strdup("data"), free);
        return 0;
}

static void on_upgraded(int fd, const char *early, size_t n_early, void *userdata)
{
        CHECK(n_early <= CONTROL_EARLY_MAX + 1);
        fd_close(fd);
}

static int stream(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        control_reply_upgrade(c, on_upgraded, NULL);
        return 0;
}

static int refuse(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        CHECK(control_call_uid(c) == 0);
        return -EIO;
}

static const ControlMethod methods[] = {
        { "a.E", echo, CONTROL_ANY_USER, { { "text", JSON_NODE_STRING, false }, { "number", JSON_NODE_NUMBER, false },
                                           { "list", JSON_NODE_ARRAY, true } } },
        { "a.W", watch, CONTROL_ANY_USER | CONTROL_MORE, {} },
        { "a.S", stream, CONTROL_ANY_USER | CONTROL_UPGRADE, {} },
        { "a.R", refuse, 0, { { "object", JSON_NODE_OBJECT, true }, { "flag", JSON_NODE_BOOL, true } } },
};
static const ControlService service = { methods, ARRAY_SIZE(methods), NULL, 0, NULL };

/* Loads it once, and not for every input. */
static void keep_library(void)
{
        static void *library;

        if (!library)
                library = dlopen("libjansson.so.4", RTLD_NOW);
        CHECK(library);
}

static void check_answers(const char *text, size_t size)
{
        while (size > 0) {
                _cleanup_json_ Json *j = NULL;
                const char *end = memchr(text, 0, size);

                if (!end)
                        return;         /* it was cut off by the end */
                CHECK(json_read(text, (size_t) (end - text), 10000, &j, NULL) == 0);
                CHECK(json_member(json_root(j), "parameters"));
                size -= (size_t) (end + 1 - text);
                text = end + 1;
        }
}

static void as_client(sd_event *event, const uint8_t *data, size_t size, uid_t uid)
{
        static char answers[ANSWERS];
        size_t n_answers = 0, sent = 0;
        ControlServer *server;
        int pair[2];

        CHECK(control_server_new(event, -EBADF, &service, &server) == 0);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        CHECK(control_server_add(server, pair[0], uid, 1) == 0);
        for (unsigned i = 0; i < LOOPS; i++) {
                /* In pieces of different sizes. */
                size_t piece = sent < size ? 1 + (data[sent] * (size_t) 37 + i) % 5000 : 0;
                ssize_t n;

                if (piece > size - sent)
                        piece = size - sent;
                n = piece > 0 ? send(pair[1], data + sent, piece, MSG_NOSIGNAL) : 0;
                if (n > 0)
                        sent += (size_t) n;
                if (sd_event_run(event, 0) <= 0 && sent == size)
                        break;
                n = recv(pair[1], answers + n_answers, sizeof(answers) - n_answers, 0);
                if (n > 0)
                        n_answers += (size_t) n;
                if (n == 0)
                        break;
        }
        check_answers(answers, n_answers);
        fd_close(pair[1]);
        control_server_free(server);
}

static void as_server(const uint8_t *data, size_t size)
{
        _cleanup_reply_ ControlReply reply = {};
        _cleanup_client_ ControlClient *c = NULL;
        int pair[2];

        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        CHECK(control_client_of(pair[0], &c) == 0);
        (void) send(pair[1], data, size, MSG_NOSIGNAL);
        fd_close(pair[1]);
        while (control_client_receive(c, 0, &reply) == 0) {
                Failure f = {};

                CHECK(!reply.parameters || reply.parameters->kind == JSON_NODE_OBJECT);
                if (reply.error)
                        CHECK(control_reply_failed(&reply, "a.b", &f) < 0);
                control_reply_done(&reply);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static sd_event *event;

        keep_library();
        if (!event)
                CHECK(sd_event_new(&event) >= 0);
        as_client(event, data, size, 0);
        as_client(event, data, size, 1000);
        as_server(data, size);
        return 0;
}
