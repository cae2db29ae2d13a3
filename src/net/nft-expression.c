/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The matches and the actions of nf_tables rules (see nft.h): the same expressions as of nft(8), so that it can show the
 * rules as text; `nft --debug=netlink` prints them. The supervisor, with CAP_NET_ADMIN on the host.
 */

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "net/nft.h"

typedef struct Expression {
        struct nlattr *element, *data;
} Expression;

static void put_number(struct nlmsghdr *m, uint16_t type, uint32_t value)
{
        mnl_attr_put_u32(m, type, htonl(value));
}

/* Attributes of the expression are added between begin and end. */
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

/* Compares the first register, which the previous expression loaded. */
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

        /* The offsets of the destination address: RFC 791, RFC 8200. */
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
