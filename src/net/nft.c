/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See nft.h. The expressions are those that nft(8) makes of the rules (nft --debug=netlink shows them), so that it can show
 * ours as text. The supervisor, with CAP_NET_ADMIN on the host. Silent.
 *
 * The kernel answers within sendmsg(): reading never waits.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/nft.h"
#include "util/fd.h"

/* No message is longer: names are machines', expressions are a few small numbers each. */
#define MESSAGE_MAX 1024

/* Behind whom the administrator has rules of his own for destinations, as systemd-nspawn does it. */
#define PRIORITY (NF_IP_PRI_NAT_DST + 1)

int nft_open(void)
{
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
        int one = 1;

        if (fd < 0 || setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static struct nlmsghdr *message(NftBatch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
        struct nfgenmsg *header;

        if (b->last)
                b->used += MNL_ALIGN(b->last->nlmsg_len);
        assert(b->used + MESSAGE_MAX <= b->size);

        b->last = mnl_nlmsg_put_header(b->buf + b->used);
        b->last->nlmsg_type = type;
        b->last->nlmsg_flags = NLM_F_REQUEST | flags;
        header = mnl_nlmsg_put_extra_header(b->last, sizeof(*header));
        header->nfgen_family = family;
        header->version = NFNETLINK_V0;
        header->res_id = htons(resource);
        return b->last;
}

static struct nlmsghdr *table_message(NftBatch *b, uint8_t type, uint16_t flags)
{
        return message(b, (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

int nft_batch_init(NftBatch *b, size_t n)
{
        *b = (NftBatch) { .size = (n + 2) * MESSAGE_MAX };
        b->buf = calloc(n + 2, MESSAGE_MAX);
        if (!b->buf)
                return -ENOMEM;
        (void) message(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
        return 0;
}

void nft_batch_done(NftBatch *b)
{
        free(b->buf);
        *b = (NftBatch) { 0 };
}

static void put_number(struct nlmsghdr *m, uint16_t type, uint32_t value)
{
        mnl_attr_put_u32(m, type, htonl(value));
}

void nft_table(NftBatch *b, const char *table)
{
        struct nlmsghdr *m = table_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);

        mnl_attr_put_strz(m, NFTA_TABLE_NAME, table);
        put_number(m, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
}

void nft_nat_chain(NftBatch *b, const char *table, const char *chain, unsigned hook)
{
        struct nlmsghdr *m = table_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
        struct nlattr *nest;

        mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, table);
        mnl_attr_put_strz(m, NFTA_CHAIN_NAME, chain);
        nest = mnl_attr_nest_start(m, NFTA_CHAIN_HOOK);
        put_number(m, NFTA_HOOK_HOOKNUM, hook);
        put_number(m, NFTA_HOOK_PRIORITY, (uint32_t) PRIORITY);
        mnl_attr_nest_end(m, nest);
        mnl_attr_put_strz(m, NFTA_CHAIN_TYPE, "nat");
}

void nft_flush(NftBatch *b, const char *table, const char *chain)
{
        struct nlmsghdr *m = table_message(b, NFT_MSG_DELRULE, 0);

        mnl_attr_put_strz(m, NFTA_RULE_TABLE, table);
        mnl_attr_put_strz(m, NFTA_RULE_CHAIN, chain);
}

void nft_rule_begin(NftBatch *b, const char *table, const char *chain)
{
        struct nlmsghdr *m = table_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

        mnl_attr_put_strz(m, NFTA_RULE_TABLE, table);
        mnl_attr_put_strz(m, NFTA_RULE_CHAIN, chain);
        b->expressions = mnl_attr_nest_start(m, NFTA_RULE_EXPRESSIONS);
}

void nft_rule_end(NftBatch *b)
{
        mnl_attr_nest_end(b->last, b->expressions);
}

/* An expression of this name; its attributes are put between begin and end. */
typedef struct Expression {
        struct nlattr *element, *data;
} Expression;

static Expression expression_begin(NftBatch *b, const char *name)
{
        Expression e;

        e.element = mnl_attr_nest_start(b->last, NFTA_LIST_ELEM);
        mnl_attr_put_strz(b->last, NFTA_EXPR_NAME, name);
        e.data = mnl_attr_nest_start(b->last, NFTA_EXPR_DATA);
        return e;
}

static void expression_end(NftBatch *b, Expression e)
{
        mnl_attr_nest_end(b->last, e.data);
        mnl_attr_nest_end(b->last, e.element);
}

static void put_value(NftBatch *b, uint16_t type, const void *value, size_t size)
{
        struct nlattr *nest = mnl_attr_nest_start(b->last, type);

        mnl_attr_put(b->last, NFTA_DATA_VALUE, size, value);
        mnl_attr_nest_end(b->last, nest);
}

/* Compares the first register, which the expression before has loaded. */
static void compare(NftBatch *b, enum nft_cmp_ops op, const void *value, size_t size)
{
        Expression e = expression_begin(b, "cmp");

        put_number(b->last, NFTA_CMP_SREG, NFT_REG_1);
        put_number(b->last, NFTA_CMP_OP, op);
        put_value(b, NFTA_CMP_DATA, value, size);
        expression_end(b, e);
}

static void load_meta(NftBatch *b, enum nft_meta_keys key)
{
        Expression e = expression_begin(b, "meta");

        put_number(b->last, NFTA_META_KEY, key);
        put_number(b->last, NFTA_META_DREG, NFT_REG_1);
        expression_end(b, e);
}

static void load_payload(NftBatch *b, enum nft_payload_bases base, uint32_t offset, uint32_t size)
{
        Expression e = expression_begin(b, "payload");

        put_number(b->last, NFTA_PAYLOAD_DREG, NFT_REG_1);
        put_number(b->last, NFTA_PAYLOAD_BASE, base);
        put_number(b->last, NFTA_PAYLOAD_OFFSET, offset);
        put_number(b->last, NFTA_PAYLOAD_LEN, size);
        expression_end(b, e);
}

static void load_immediate(NftBatch *b, enum nft_registers reg, const void *value, size_t size)
{
        Expression e = expression_begin(b, "immediate");

        put_number(b->last, NFTA_IMMEDIATE_DREG, reg);
        put_value(b, NFTA_IMMEDIATE_DATA, value, size);
        expression_end(b, e);
}

void nft_match_family(NftBatch *b, int family)
{
        const uint8_t protocol = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

        load_meta(b, NFT_META_NFPROTO);
        compare(b, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void nft_match_local_destination(NftBatch *b)
{
        Expression e = expression_begin(b, "fib");
        const uint32_t local = RTN_LOCAL;

        put_number(b->last, NFTA_FIB_DREG, NFT_REG_1);
        put_number(b->last, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
        put_number(b->last, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
        expression_end(b, e);
        compare(b, NFT_CMP_EQ, &local, sizeof(local));
}

void nft_match_no_loopback(NftBatch *b, int family)
{
        static const uint8_t v4 = 127, v6[16] = { [15] = 1 };

        /* Where the destination lies in the headers: RFC 791, RFC 8200. */
        if (family == AF_INET) {
                load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 16, sizeof(v4));
                compare(b, NFT_CMP_NEQ, &v4, sizeof(v4));
        } else {
                load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 24, sizeof(v6));
                compare(b, NFT_CMP_NEQ, v6, sizeof(v6));
        }
}

void nft_match_port(NftBatch *b, bool udp, uint16_t port)
{
        const uint8_t protocol = udp ? IPPROTO_UDP : IPPROTO_TCP;
        const uint16_t wire = htons(port);

        load_meta(b, NFT_META_L4PROTO);
        compare(b, NFT_CMP_EQ, &protocol, sizeof(protocol));
        load_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(wire));
        compare(b, NFT_CMP_EQ, &wire, sizeof(wire));
}

void nft_dnat(NftBatch *b, int family, const uint8_t *address, uint16_t port)
{
        const uint16_t wire = htons(port);
        Expression e;

        load_immediate(b, NFT_REG_1, address, family == AF_INET ? 4 : 16);
        load_immediate(b, NFT_REG_2, &wire, sizeof(wire));
        e = expression_begin(b, "nat");
        put_number(b->last, NFTA_NAT_TYPE, NFT_NAT_DNAT);
        put_number(b->last, NFTA_NAT_FAMILY, family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
        put_number(b->last, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
        put_number(b->last, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
        expression_end(b, e);
}

/* The errors of all messages, and the acknowledgement of the last that was not refused. */
static int read_answers(int fd)
{
        _Alignas(struct nlmsghdr) uint8_t buf[16384];
        int r = -EIO;           /* no answer would be none */

        for (;;) {
                ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
                int left = (int) n;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? r : -errno;
                for (const struct nlmsghdr *m = (const void *) buf; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
                        const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

                        if (m->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(m) < sizeof(*e))
                                continue;
                        if (e->error < 0)
                                return e->error;
                        r = 0;
                }
        }
}

/* A batch is one datagram, however many rules there are. Most are far below what any socket may send. */
static int make_room(int fd, int size)
{
        int room;
        socklen_t n = sizeof(room);

        if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &n) < 0)
                return -errno;
        if (size < room / 2)
                return 0;
        return RET_ERRNO(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)));
}

int nft_commit(int fd, NftBatch *b)
{
        static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        uint8_t rest[512];
        int size, r;

        b->last->nlmsg_flags |= NLM_F_ACK;
        (void) message(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
        size = (int) (b->used + b->last->nlmsg_len);

        r = make_room(fd, size);
        if (r < 0)
                return r;
        if (sendto(fd, b->buf, (size_t) size, 0, (const struct sockaddr *) &kernel, sizeof(kernel)) < 0)
                return -errno;

        r = read_answers(fd);
        while (recv(fd, rest, sizeof(rest), MSG_DONTWAIT | MSG_TRUNC) > 0)     /* what came behind the first error */
                ;
        return r;
}
