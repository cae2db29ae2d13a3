/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "linux.seccomp" of config.json (see oci-internal.h): the filter as data, which security/seccomp-bundle.c compiles. The
 * supervisor, before anything is changed; pure.
 */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "oci/oci-internal.h"
#include "util/strv.h"

static const struct { const char *name; OciAction action; } actions[] = {
        { "SCMP_ACT_ALLOW", OCI_ALLOW }, { "SCMP_ACT_ERRNO", OCI_ERRNO }, { "SCMP_ACT_LOG", OCI_LOG },
        { "SCMP_ACT_KILL", OCI_KILL_THREAD }, { "SCMP_ACT_KILL_THREAD", OCI_KILL_THREAD },
        { "SCMP_ACT_KILL_PROCESS", OCI_KILL_PROCESS }, { "SCMP_ACT_TRAP", OCI_TRAP }, { "SCMP_ACT_TRACE", OCI_TRACE },
};

static const struct { const char *name; OciCompare op; } comparisons[] = {
        { "SCMP_CMP_NE", OCI_NE }, { "SCMP_CMP_LT", OCI_LT }, { "SCMP_CMP_LE", OCI_LE }, { "SCMP_CMP_EQ", OCI_EQ },
        { "SCMP_CMP_GE", OCI_GE }, { "SCMP_CMP_GT", OCI_GT }, { "SCMP_CMP_MASKED_EQ", OCI_MASKED_EQ },
};

/* An action with its number, if it has one: an errno, or data for a tracer. *ret_good: both are valid. */
static int read_action(Oci *o, const JsonNode *v, const JsonNode *number, OciAction *ret, unsigned *ret_value, bool *ret_good)
{
        uint32_t value = EPERM;
        size_t i = 0;

        *ret_good = false;
        while (i < ARRAY_SIZE(actions) && strcmp(actions[i].name, v->string) != 0)
                i++;
        if (i == ARRAY_SIZE(actions))
                return oci_error(o, v, "action '%s' is not supported", v->string);
        /* 4095 is the kernel's largest errno; an action has room for 16 bits. */
        if (number && (json_node_u32(number, &value) < 0 || value > (actions[i].action == OCI_ERRNO ? 4095 : UINT16_MAX)))
                return oci_error(o, number, "is not the number of an error");
        *ret = actions[i].action;
        *ret_value = value;
        *ret_good = true;
        return 0;
}

/* ---- rules --------------------------------------------------------------------------------------------------------------- */

static int read_arg(Oci *o, const JsonNode *v, OciSeccompRule *rule)
{
        static const OciMember members[] = {
                { "index", JSON_NODE_NUMBER, OCI_READ, NULL, true },
                { "value", JSON_NODE_NUMBER, OCI_READ, NULL, true },
                { "valueTwo", JSON_NODE_NUMBER, OCI_READ },
                { "op", JSON_NODE_STRING, OCI_READ, NULL, true },
        };
        const JsonNode *index = oci_member(v, "index", JSON_NODE_NUMBER);
        const JsonNode *value = oci_member(v, "value", JSON_NODE_NUMBER);
        const JsonNode *two = oci_member(v, "valueTwo", JSON_NODE_NUMBER);
        const char *op = json_member_string(v, "op");
        OciSeccompArg arg = {};
        uint32_t number;
        size_t i = 0;
        int r;

        if (v->kind != JSON_NODE_OBJECT)
                return oci_error(o, v, "is not an object");
        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !index || !value || !op)
                return r;
        while (i < ARRAY_SIZE(comparisons) && strcmp(comparisons[i].name, op) != 0)
                i++;
        if (i == ARRAY_SIZE(comparisons) || json_node_u32(index, &number) < 0 || number > 5 ||
            json_node_u64(value, &arg.value) < 0 || (two && json_node_u64(two, &arg.value_two) < 0))
                return oci_error(o, v, "is not a condition on an argument");
        arg.index = number;
        arg.op = comparisons[i].op;

        /* All conditions have to hold. Other runtimes take two on one argument for alternatives: refuse what relies on that. */
        for (size_t j = 0; j < rule->n_args; j++)
                if (arg.op == OCI_EQ && rule->args[j].op == OCI_EQ && rule->args[j].index == number &&
                    rule->args[j].value != arg.value)
                        return oci_error(o, v, "argument %u cannot have two values: write a rule for each", number);
        if (rule->n_args == OCI_SECCOMP_ARGS_MAX)
                return oci_error(o, v, "more than %d conditions in a rule are not supported", OCI_SECCOMP_ARGS_MAX);
        return array_move(&rule->args, &rule->n_args, &arg, sizeof(arg));
}

/* A system call's name, which may be unknown to this build. */
static bool is_name(const JsonNode *v)
{
        if (v->kind != JSON_NODE_STRING || !*v->string)
                return false;
        for (const char *p = v->string; *p; p++)
                if (!isalnum((unsigned char) *p) && *p != '_')
                        return false;
        return true;
}

static int read_names(Oci *o, const JsonNode *v, OciSeccompRule *rule)
{
        JSON_FOREACH(name, v) {
                int r = is_name(name) ? strv_extend(&rule->names, name->string) :
                                        oci_error(o, name, "is not the name of a system call");

                if (r < 0)
                        return r;
        }
        return 0;
}

static void rule_done(OciSeccompRule *rule)
{
        strv_free(rule->names);
        free(rule->args);
}

static int read_rule(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "names", JSON_NODE_ARRAY, OCI_READ, NULL, true },
                { "action", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "errnoRet", JSON_NODE_NUMBER, OCI_READ },
                { "args", JSON_NODE_ARRAY, OCI_READ },
        };
        const JsonNode *names = oci_member(v, "names", JSON_NODE_ARRAY);
        const JsonNode *action = oci_member(v, "action", JSON_NODE_STRING);
        const JsonNode *args = oci_member(v, "args", JSON_NODE_ARRAY);
        OciSeccomp *s = o->bundle->extra.seccomp;
        _cleanup_(rule_done) OciSeccompRule rule = {};
        bool good;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !names || !action)
                return r;
        r = read_action(o, action, oci_member(v, "errnoRet", JSON_NODE_NUMBER), &rule.action, &rule.value, &good);
        if (r >= 0)
                r = read_names(o, names, &rule);
        JSON_FOREACH(arg, args)
                if (r >= 0)
                        r = read_arg(o, arg, &rule);
        return r < 0 || !good ? r : array_move(&s->rules, &s->n_rules, &rule, sizeof(rule));
}

/* ---- the filter ------------------------------------------------------------------------------------------------------------ */

/* "SCMP_ARCH_X86_64" becomes "x86_64". */
static int read_architecture(Oci *o, const JsonNode *v)
{
        static const char prefix[] = "SCMP_ARCH_";
        static const char *const names[] = {
                "x86", "x86_64", "x32", "arm", "aarch64", "mips", "mips64", "mips64n32", "mipsel", "mipsel64", "mipsel64n32",
                "ppc", "ppc64", "ppc64le", "s390", "s390x", "parisc", "parisc64", "riscv64", "loongarch64", "m68k", "sh", "sheb",
        };

        if (strncmp(v->string, prefix, strlen(prefix)) == 0)
                for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                        if (strcasecmp(v->string + strlen(prefix), names[i]) == 0)
                                return strv_extend(&o->bundle->extra.seccomp->architectures, names[i]);
        return oci_error(o, v, "is not an architecture");
}

static int read_flag(Oci *o, const JsonNode *v)
{
        /* "All threads": there is only one. */
        if (strcmp(v->string, "SECCOMP_FILTER_FLAG_TSYNC") == 0)
                return 0;
        return oci_warning(o, v, "is not supported, ignored");
}

int oci_read_seccomp(Oci *o, const JsonNode *seccomp)
{
        static const OciMember members[] = {
                { "defaultAction", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "defaultErrnoRet", JSON_NODE_NUMBER, OCI_READ },
                { "architectures", JSON_NODE_ARRAY, OCI_EACH, read_architecture, .items = JSON_NODE_STRING },
                { "flags", JSON_NODE_ARRAY, OCI_EACH, read_flag, .items = JSON_NODE_STRING },
                { "listenerPath", JSON_NODE_STRING, OCI_REFUSE },
                { "listenerMetadata", JSON_NODE_STRING, OCI_REFUSE },
                { "syscalls", JSON_NODE_ARRAY, OCI_EACH, read_rule, .items = JSON_NODE_OBJECT },
        };
        const JsonNode *action = oci_member(seccomp, "defaultAction", JSON_NODE_STRING);
        const JsonNode *number = oci_member(seccomp, "defaultErrnoRet", JSON_NODE_NUMBER);
        OciSeccomp *s;
        bool good;
        int r;

        s = o->bundle->extra.seccomp = calloc(1, sizeof(OciSeccomp));
        if (!s)
                return -ENOMEM;
        r = oci_source(o, seccomp, &s->from);
        if (r >= 0)
                r = OCI_MEMBERS(o, seccomp, members);
        if (r >= 0 && action)
                r = read_action(o, action, number, &s->default_action, &s->default_value, &good);
        return r;
}
