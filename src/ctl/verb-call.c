/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl call: calls a method on a machine's control socket (src/control/) and prints what it answers, as varlinkctl does. Any
 * user; the machine's supervisor decides who may call what.
 */

#include <stdio.h>
#include <string.h>

#include "ctl/control.h"
#include "ctl/verb.h"
#include "util/clock.h"
#include "util/terminal-stream.h"

enum { VALUES_MAX = 10000 };

#define ANSWER_USEC (30 * USEC_PER_SEC)

/* The call, with the members of the JSON object in text as its parameters. */
static int build_call(const char *method, const char *text, unsigned flags, Json **ret, Failure *failure)
{
        _cleanup_json_ Json *given = NULL, *call = NULL;
        Failure why = {};
        int r;

        if (text) {
                r = json_read(text, strlen(text), VALUES_MAX, &given, &why);
                if (r < 0)
                        return failure_set(failure, r, "The parameters are no JSON object: %s", why.text);
                if (json_root(given)->kind != JSON_NODE_OBJECT)
                        return failure_set(failure, -EINVAL, "The parameters are no JSON object, but %s",
                                           json_kind_words(json_root(given)->kind));
        }
        r = control_call_begin(method, flags, &call, failure);
        if (r < 0)
                return r;
        JSON_FOREACH(member, given ? json_root(given) : NULL)
                json_put_node(call, member->key, member);
        *ret = TAKE_PTR(call);
        return 0;
}

static int print_answer(const ControlReply *reply, OutputMode mode, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r = json_new(&j, failure);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        JSON_FOREACH(member, reply->parameters)
                json_put_node(j, member->key, member);
        json_end(j);
        r = json_print(j, stdout, mode == OUTPUT_JSON ? 0 : 8);
        if (r >= 0)
                r = fflush(stdout) == 0 ? 0 : -errno;
        return r < 0 ? failure_set(failure, r, "Failed to print the answer: %m") : 0;
}

static int call_method(Ctl *c, const char *machine, const char *method, const char *text, Failure *failure)
{
        _cleanup_client_ ControlClient *client = NULL;
        const bool more = c->options.more;
        bool continues = true;
        Json *call = NULL;
        int r;

        r = build_call(method, text, more ? CONTROL_CALL_MORE : 0, &call, failure);
        if (r < 0)
                return r;
        r = control_open(c, machine, &client, failure);
        if (r < 0) {
                (void) json_free(call);
                return r;
        }
        r = control_client_send(client, call, NULL, 0, ANSWER_USEC);
        if (r < 0)
                return failure_set(failure, r, "Failed to call %s: %m", method);
        while (continues) {
                _cleanup_reply_ ControlReply reply = {};

                r = control_client_receive(client, more ? UINT64_MAX : ANSWER_USEC, &reply);
                if (r < 0)
                        return failure_set(failure, r, "%s was not answered: %m", method);
                if (reply.error)
                        return control_reply_failed(&reply, method, failure);
                r = print_answer(&reply, c->options.output, failure);
                if (r < 0)
                        return r;
                continues = reply.continues;
        }
        return 0;
}

static int run_call(Ctl *c, char *const *args, size_t n)
{
        Failure failure = {};

        return call_method(c, args[0], args[1], n > 2 ? args[2] : NULL, &failure) < 0 ? complain(args[0], &failure) : 0;
}

const Verb verb_call = {
        .name = "call",
        .min = 2,
        .max = 3,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME METHOD [JSON]",
        .help = "Call a method of a machine's control socket",
        .details = "METHOD is INTERFACE.METHOD; its parameters are the members of a JSON object. With --more, prints all answers "
                   "of a method that has several, until the last. The interfaces are in box-control(7).",
        .example = "boxctl call --more web io.box.Machine.Subscribe",
        .run = run_call,
};
