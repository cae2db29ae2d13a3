/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl console: the console of a running machine, of any init, over its control socket. Root of the host; the supervisor
 * checks that. What the payload says goes to our terminal as it is, as with box-run's own console.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/console-bridge.h"
#include "ctl/control.h"
#include "ctl/relay.h"
#include "payload/console.h"
#include "util/clock.h"
#include "util/fd.h"

#define ATTACH_USEC (30 * USEC_PER_SEC)

/* A terminal answers questions in what it is shown. Those of earlier are not to be answered again, as if they were typed. */
#define DEAF_USEC (200 * 1000)

typedef struct Attachment {
        Ctl *ctl;
        const char *name;
        sd_event *event;
        ConsoleBridge *bridge;
        Console *console;
        int pair;               /* the console's end */
        bool told_typing, typing, live, ended, reboots, left;
        char text[200];         /* for the reader */
} Attachment;

static void attachment_done(Attachment *a)
{
        a->console = console_free(a->console);
        a->bridge = console_bridge_free(a->bridge);
        a->pair = fd_close(a->pair);
        a->event = sd_event_unref(a->event);
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

static void send_size(void *userdata)
{
        Attachment *a = userdata;
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_row > 0 && a->typing)
                console_bridge_send(a->bridge, CONSOLE_FRAME_SIZE, (uint64_t) size.ws_row << 16 | size.ws_col, 4);
}

/* On a terminal a text is shown at its place in the stream, else apart from it. */
static void tell(Attachment *a, const char **ret_text)
{
        if (a->ctl->options.quiet)
                return;
        if (isatty(STDOUT_FILENO))
                *ret_text = a->text;
        else
                fprintf(stderr, "%s\n", a->text);
}

static void on_typing(Attachment *a, bool typing, const char **ret_text)
{
        const bool first = !a->told_typing, wanted = !a->ctl->options.read_only;

        a->typing = typing;
        a->told_typing = true;
        if (typing)
                send_size(a);
        if (!wanted || (first && typing))
                return;
        (void) snprintf(a->text, sizeof(a->text), "\r\n[%s]\r\n",
                        typing ? "From here on what you type reaches the machine" :
                        first  ? "Read-only: another terminal types on this console; --take takes that over" :
                                 "Read-only from here on: what you type does not reach the machine");
        tell(a, ret_text);
}

static int on_deaf_end(sd_event_source *s, uint64_t usec, void *userdata)
{
        Attachment *a = userdata;

        console_mute(a->console, false);
        return 0;
}

static void on_frame(const ConsoleFrame *f, const char **ret_text, void *userdata)
{
        Attachment *a = userdata;

        if (f->type == CONSOLE_FRAME_TYPING && f->size == 1)
                on_typing(a, f->data[0], ret_text);
        if (f->type == CONSOLE_FRAME_LOST && f->size == 8) {
                (void) snprintf(a->text, sizeof(a->text), a->live ? "\r\n[%" PRIu64 " bytes are not shown: too slow]\r\n" :
                                "[%" PRIu64 " older bytes are gone]\r\n", console_frame_number(f->data, 8));
                tell(a, ret_text);
        }
        if (f->type == CONSOLE_FRAME_LIVE) {
                a->live = true;
                if (sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC, DEAF_USEC, 0, on_deaf_end, a) < 0)
                        console_mute(a->console, false);
        }
        if (f->type == CONSOLE_FRAME_END && f->size == 1) {
                a->ended = true;
                a->reboots = f->data[0];
        }
}

static void on_bridge_end(void *userdata)
{
        Attachment *a = userdata;

        (void) sd_event_exit(a->event, 0);
}

/* ---- our terminal ----------------------------------------------------------------------------------------------- */

static void on_console_end(Console *c, bool left_by_user, void *userdata)
{
        Attachment *a = userdata;

        a->left = left_by_user;
        (void) sd_event_exit(a->event, 0);
}

static void on_hot_key(HotKey key, void *userdata)
{
        Attachment *a = userdata;

        if (!a->typing) {
                fprintf(stderr, "\r\n[Nothing done: another terminal types on this console; to take that over: %s console "
                        "--take %s]\r\n", a->ctl->program, a->name);
                return;
        }
        console_bridge_send(a->bridge, key == HOT_KEY_REBOOT ? CONSOLE_FRAME_REBOOT : CONSOLE_FRAME_POWER_OFF, 0, 0);
}

static void on_input_end(void *userdata)
{
        Attachment *a = userdata;

        (void) shutdown(a->pair, SHUT_WR);
}

/* The reader has seen enough. */
static void on_output_end(void *userdata)
{
        Attachment *a = userdata;

        a->left = true;
        (void) sd_event_exit(a->event, 0);
}

/* These end the loop, not the process: the terminal has to be restored. */
static int watch_signals(Attachment *a)
{
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
        int r = 0;

        (void) signal(SIGPIPE, SIG_IGN);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signals); i++)
                r = sd_event_add_signal(a->event, NULL, signals[i] | SD_EVENT_SIGNAL_PROCMASK, NULL,
                                        (void *) (intptr_t) (128 + signals[i]));
        return r;
}

static int forward(Attachment *a, int remote, int output, const char *early, size_t n_early)
{
        const ConsoleHooks hooks = {
                .hot_key = on_hot_key, .input_end = on_input_end, .output_end = on_output_end, .resized = send_size,
                .userdata = a,
        };
        unsigned flags = CONSOLE_FLAG_WRITE;
        int pair[2], r;

        if (!a->ctl->options.read_only)
                flags |= CONSOLE_FLAG_READ | (isatty(STDIN_FILENO) ? CONSOLE_FLAG_ESCAPE : 0);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
                fd_close(remote);
                return -errno;
        }
        a->pair = pair[0];
        r = console_bridge_new(a->event, remote, pair[1], early, n_early, on_frame, on_bridge_end, a, &a->bridge);
        if (r >= 0)
                r = watch_signals(a);
        if (r >= 0)
                r = console_new(a->event, a->pair, output, flags, on_console_end, a, &a->console);
        if (r < 0)
                return r;
        console_set_hooks(a->console, &hooks);
        console_mute(a->console, isatty(STDIN_FILENO));
        r = sd_event_loop(a->event);
        a->console = console_free(a->console);
        return r;
}

/* ---- the connection --------------------------------------------------------------------------------------------- */

static int attach(const Attachment *a, ControlClient *client, Failure *failure)
{
        static const char method[] = "io.box.Machine.AttachConsole";
        _cleanup_reply_ ControlReply reply = {};
        Json *call;
        int r;

        r = control_call_begin(method, CONTROL_CALL_UPGRADE, &call, failure);
        if (r < 0)
                return r;
        json_put_bool(call, "readOnly", a->ctl->options.read_only);
        json_put_bool(call, "take", a->ctl->options.take);
        return control_client_call(client, method, call, ATTACH_USEC, &reply, failure);
}

static int show_console(Attachment *a, Failure *failure)
{
        _cleanup_client_ ControlClient *client = NULL;
        _cleanup_free_ char *early = NULL;
        int remote, output = STDOUT_FILENO, r;
        pid_t translator = 0;
        size_t n_early;

        r = control_open(a->ctl, a->name, &client, failure);
        if (r >= 0)
                r = attach(a, client, failure);
        if (r < 0)
                return r;
        if (!isatty(STDOUT_FILENO)) {
                r = relay_translate(RELAY_FROM_TERMINAL, &output, &translator, failure);
                if (r < 0)
                        return r;
        }
        (void) control_client_take(client, &remote, &early, &n_early);
        r = sd_event_new(&a->event);
        if (r >= 0)
                r = forward(a, remote, output, early, n_early);
        else
                fd_close(remote);
        if (translator > 0) {
                fd_close(output);
                (void) TEMP_FAILURE_RETRY(waitpid(translator, NULL, 0));
        }
        return r < 0 ? failure_set(failure, r, "Failed to forward the console: %m") : r;
}

static int run_console(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(attachment_done) Attachment a = { .ctl = c, .name = args[0], .pair = -EBADF };
        Failure f = {};
        int r;

        if (c->options.read_only && c->options.take)
                return log_error(-EINVAL, "--read-only and --take exclude each other");
        if (!c->options.quiet && isatty(STDIN_FILENO))
                fprintf(stderr, "The console of machine %s. To leave, %s\n", args[0], c->options.read_only ? "press ^C." :
                        "press ^] three times within a second; ^]^]r reboots the machine, ^]^]p shuts it down.");
        r = show_console(&a, &f);
        if (r < 0)
                return complain(args[0], &f);
        if (r > 0 || a.left)
                return r;
        if (!a.ended)
                return log_error(-ECONNRESET, "%s: The supervisor of the machine has died", args[0]);
        if (!c->options.quiet)
                fprintf(stderr, a.reboots ? "Machine %s is being rebooted.\n" : "Machine %s has ended.\n", args[0]);
        return EXIT_SUCCESS;
}

const Verb verb_console = {
        .name = "console",
        .min = 1,
        .max = 1,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME",
        .help = "Attach to a machine's console",
        .details = "Shows what the console has said since boot, as far as it is kept (256 KiB), then what it says. What you type "
                   "reaches the machine, unless another terminal types already (--take takes that over) or with --read-only. "
                   "^]^]^] leaves, ^]^]r reboots the machine, ^]^]p shuts it down, if you type. Works with any init.",
        .example = "boxctl console --read-only web | grep -m1 login:",
        .run = run_console,
};
