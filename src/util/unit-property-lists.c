/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unit properties whose values are lists, or have more than one part: CPUs, devices, addresses, rules (see
 * unit-property.h). boxctl and the supervisor; pure; the text may be anything at all.
 */

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <string.h>

#include "util/cpu-set.h"
#include "util/parse.h"
#include "util/unit-property-values.h"

enum { INTERFACE_NAME_MAX = 127 };      /* ALTIFNAMSIZ, without its NUL */

static bool is_absolute_and_normal(const char *path)
{
        if (path[0] != '/' || path[1] == 0)
                return false;
        while (*path == '/') {
                size_t n = strcspn(++path, "/");

                if (n == 0 || (n <= 2 && strspn(path, ".") >= n))
                        return false;
                path += n;
        }
        return true;
}

/* ---- sets of numbers -------------------------------------------------------------------------------------------- */

/* CPUs or NUMA nodes as a bit each, the lowest first. */
int unit_property_parse_indices(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        static const char separators[] = " \t,";
        uint8_t bits[CPU_NUMBER_MAX / 8 + 1] = {};
        CpuSet set = {};
        size_t size = 0;

        for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
                size_t n = strcspn(text, separators);
                _cleanup_free_ char *word = strndup(text, n);
                int r = word ? cpu_set_add(&set, word) : -ENOMEM;

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return failure_set(failure, -EINVAL, "not a list of numbers and ranges (0-3,6)");
                text += n;
        }
        for (unsigned i = 0; i <= CPU_NUMBER_MAX; i++)
                if (cpu_set_has(&set, i)) {
                        bits[i / 8] |= (uint8_t) (1U << i % 8);
                        size = i / 8 + 1;
                }
        if (size == 0)
                return failure_set(failure, -EINVAL, "an empty list");
        return unit_value_add_data(p, 'y', bits, size);
}

/* ---- devices ---------------------------------------------------------------------------------------------------- */

/* The first word and the rest, "" if there is one word. */
static int split_two(const char *text, char **ret_first, const char **ret_rest)
{
        size_t n = strcspn(text, " \t");

        *ret_first = strndup(text, n);
        if (!*ret_first)
                return -ENOMEM;
        *ret_rest = text + n + strspn(text + n, " \t");
        return 0;
}

int unit_property_parse_device_allow(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        _cleanup_free_ char *device = NULL;
        const char *access;
        bool group;
        int r;

        r = split_two(text, &device, &access);
        if (r < 0)
                return r;
        group = strncmp(device, "char-", 5) == 0 || strncmp(device, "block-", 6) == 0;
        if (!group && (strncmp(device, "/dev/", 5) != 0 || !is_absolute_and_normal(device)))
                return failure_set(failure, -EINVAL, "neither a node in /dev nor a group of devices (char-drm, block-loop)");
        if (strspn(access, "rwm") != strlen(access))
                return failure_set(failure, -EINVAL, "access to a device is written with the letters r, w and m");

        r = unit_value_add_text(p, device);
        return r < 0 ? r : unit_value_add_text(p, *access ? access : "rwm");
}

/* A device (or a file on it) and a number, of which "infinity" is the largest. */
int unit_property_parse_device_quantity(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        const char *rest;
        uint64_t v;
        int r;

        r = split_two(text, &path, &rest);
        if (r < 0)
                return r;
        if (!is_absolute_and_normal(path))
                return failure_set(failure, -EINVAL, "does not begin with the absolute path of a device");
        if (strcmp(row->key, "IODeviceWeight") != 0 && strcmp(rest, "infinity") == 0)
                v = UINT64_MAX;
        else if (row->quantity(rest, &v) < 0)
                return failure_set(failure, -EINVAL, "missing or invalid value after the device");

        r = unit_value_add_text(p, path);
        return r < 0 ? r : unit_value_add(p, 't', v);
}

/* ---- network ---------------------------------------------------------------------------------------------------- */

/* "192.0.2.0/24", "2001:db8::1". */
static int parse_prefix(char *text, UnitProperty *p)
{
        int family = strchr(text, ':') ? AF_INET6 : AF_INET;
        uint32_t max = family == AF_INET ? 32 : 128, length = max;
        char *slash = strchr(text, '/');
        struct in6_addr address;

        if (slash) {
                *slash = 0;
                if (parse_u32(slash + 1, &length) < 0 || length > max)
                        return -EINVAL;
        }
        if (inet_pton(family, text, &address) != 1)
                return -EINVAL;
        if (unit_value_add(p, 'i', (uint64_t) family) < 0 || unit_value_add_data(p, 'y', &address, max / 8) < 0)
                return -ENOMEM;
        return unit_value_add(p, 'u', length);
}

static int parse_address_word(char *word, UnitProperty *p)
{
        static const struct {
                const char *word;
                const char *prefixes[2];
        } words[] = {
                { "any", { "0.0.0.0/0", "::/0" } },
                { "localhost", { "127.0.0.0/8", "::1/128" } },
                { "link-local", { "169.254.0.0/16", "fe80::/64" } },
                { "multicast", { "224.0.0.0/4", "ff00::/8" } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                for (size_t j = 0; j < 2 && strcmp(word, words[i].word) == 0; j++) {
                        _cleanup_free_ char *prefix = strdup(words[i].prefixes[j]);
                        int r = prefix ? parse_prefix(prefix, p) : -ENOMEM;

                        if (r < 0 || j == 1)
                                return r;
                }
        return parse_prefix(word, p);
}

/* Calls item for each word, which it may modify. The line is not empty: an empty list is a mistake. */
static int each_word(const char *text, int (*item)(char *word, UnitProperty *p), const char *what, UnitProperty *p,
                     Failure *failure)
{
        bool any = false;

        for (;;) {
                _cleanup_free_ char *word = NULL, *copy = NULL;
                int r = parse_word(&text, &word);

                if (r == 0 && any)
                        return 0;
                if (r == -ENOMEM)
                        return r;
                if (r > 0) {
                        copy = strdup(word);
                        if (!copy)
                                return -ENOMEM;
                        r = item(copy, p);
                } else
                        r = -EINVAL;
                if (r == -EINVAL)
                        return failure_set(failure, r, "not a list of %s: '%s'", what, word ? word : text);
                if (r < 0)
                        return r;
                any = true;
        }
}

int unit_property_parse_addresses(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        return each_word(text, parse_address_word, "addresses (192.0.2.0/24, 2001:db8::/32, any, localhost, link-local, "
                         "multicast)", p, failure);
}

int unit_property_parse_path(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        if (!is_absolute_and_normal(text))
                return failure_set(failure, -EINVAL, "not an absolute path");
        return unit_value_add_text(p, text);
}

int unit_property_parse_bpf_program(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        const char *colon = strchr(text, ':');
        int r;

        if (!colon || colon == text || !is_absolute_and_normal(colon + 1))
                return failure_set(failure, -EINVAL, "not TYPE:PATH of a BPF program (egress:/sys/fs/bpf/filter)");
        r = unit_value_add_data(p, 's', text, (size_t) (colon - text));
        return r < 0 ? r : unit_value_add_text(p, colon + 1);
}

typedef struct BindRule {
        int family;             /* AF_UNSPEC, IPPROTO_IP, no ports: any */
        int protocol;
        uint32_t first, n_ports;
} BindRule;

static int parse_ports(char *text, BindRule *rule)
{
        uint32_t first, last;

        if (parse_range(text, &first, &last) < 0 || first == 0 || last > UINT16_MAX)
                return -EINVAL;
        rule->first = first;
        rule->n_ports = last - first + 1;
        return 0;
}

/* [FAMILY:][PROTOCOL:][PORTS], of which at least one is there. */
static int parse_bind_rule(char *text, BindRule *rule)
{
        char *part = strsep(&text, ":");

        if (strcmp(part, "ipv4") == 0 || strcmp(part, "ipv6") == 0) {
                rule->family = part[3] == '4' ? AF_INET : AF_INET6;
                part = strsep(&text, ":");
        }
        if (part && (strcmp(part, "tcp") == 0 || strcmp(part, "udp") == 0)) {
                rule->protocol = *part == 't' ? IPPROTO_TCP : IPPROTO_UDP;
                part = strsep(&text, ":");
        }
        if (!part)
                return 0;
        return text ? -EINVAL : parse_ports(part, rule);
}

int unit_property_parse_bind_rule(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        BindRule rule = { .family = AF_UNSPEC, .protocol = IPPROTO_IP };
        _cleanup_free_ char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        if (strcmp(text, "any") != 0 && parse_bind_rule(copy, &rule) < 0)
                return failure_set(failure, -EINVAL, "not a rule for bind(2) ([ipv4:|ipv6:][tcp:|udp:][PORT[-PORT]], any)");

        if (unit_value_add(p, 'i', (uint64_t) rule.family) < 0 || unit_value_add(p, 'i', (uint64_t) rule.protocol) < 0 ||
            unit_value_add(p, 'q', rule.n_ports) < 0)
                return -ENOMEM;
        return unit_value_add(p, 'q', rule.first);
}

static int parse_interface(char *word, UnitProperty *p)
{
        size_t n = strlen(word);

        if (n == 0 || n > INTERFACE_NAME_MAX || strpbrk(word, "/:% \t") || *word == '~')
                return -EINVAL;
        return unit_value_add_text(p, word);
}

/* A list of names, allowed or (after "~") not. */
int unit_property_parse_interfaces(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        bool allow = *text != '~';
        int r;

        r = unit_value_add(p, 'b', allow);
        return r < 0 ? r : each_word(text + !allow, parse_interface, "interface names", p, failure);
}

/* Index of word in words, or -1. */
static int find_word(const char *word, const char *const *words, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (words[i] && strcmp(words[i], word) == 0)
                        return (int) i;
        return -1;
}

/* SOURCE:FAMILY:TABLE:SET. */
static int parse_nft_set(char *word, UnitProperty *p)
{
        /* systemd's enumeration of sources; a unit has the last three. */
        static const char *const sources[] = { [3] = "cgroup", [4] = "user", [5] = "group" };
        static const char *const families[] = {
                [NFPROTO_INET] = "inet", [NFPROTO_IPV4] = "ip", [NFPROTO_ARP] = "arp", [NFPROTO_NETDEV] = "netdev",
                [NFPROTO_BRIDGE] = "bridge", [NFPROTO_IPV6] = "ip6",
        };
        char *part[4] = {};
        int source, family;

        for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
                part[i] = strsep(&word, ":");
                if (!part[i] || !*part[i])
                        return -EINVAL;
        }
        source = find_word(part[0], sources, ARRAY_SIZE(sources));
        family = find_word(part[1], families, ARRAY_SIZE(families));
        if (word || source < 0 || family < 0)
                return -EINVAL;

        if (unit_value_add(p, 'i', (uint64_t) source) < 0 || unit_value_add(p, 'i', (uint64_t) family) < 0 ||
            unit_value_add_text(p, part[2]) < 0)
                return -ENOMEM;
        return unit_value_add_text(p, part[3]);
}

int unit_property_parse_nft_sets(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        return each_word(text, parse_nft_set, "nftables sets (cgroup:inet:TABLE:SET)", p, failure);
}

/* ---- other ------------------------------------------------------------------------------------------------------ */

static int add_word(char *word, UnitProperty *p)
{
        return *word ? unit_value_add_text(p, word) : -EINVAL;
}

int unit_property_parse_words(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        return each_word(text, add_word, "words", p, failure);
}
