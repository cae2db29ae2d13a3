/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Transactions of the kernel's nf_tables, built with libmnl. A table belongs to the socket that created it
 * (NFT_TABLE_F_OWNER): other processes cannot change it, and the kernel removes it with the socket.
 *
 * The functions add messages to a batch, which takes effect as a whole, in their order, or not at all.
 */

#include <libmnl/libmnl.h>

#include "util/macro.h"

typedef struct NftBatch {
        uint8_t *buf;
        size_t size, used;
        struct nlmsghdr *last;          /* being filled in */
        struct nlattr *expressions;     /* of the rule that is being filled in */
} NftBatch;

typedef struct NftChain {
        const char *name;
        const char *type;               /* "nat", "filter" */
        unsigned hook;                  /* NF_INET_PRE_ROUTING, … */
        int priority;                   /* NF_IP_PRI_NAT_DST, … */
} NftChain;

/* Opens a socket in the caller's network namespace, for tables to belong to. */
int nft_open(void);

/* n: how many tables, chains, flushes and rules will be added. -ENOMEM. */
int nft_batch_init(NftBatch *b, size_t n);
void nft_batch_done(NftBatch *b);

/* Tables are of the family inet: for both IPv4 and IPv6. */
void nft_table(NftBatch *b, const char *table);
void nft_chain(NftBatch *b, const char *table, const NftChain *chain);
void nft_flush(NftBatch *b, const char *table, const char *chain);

/* A rule: begin, matches, action, end. nft-expression.c has the matches and actions. */
void nft_rule_begin(NftBatch *b, const char *table, const char *chain);
void nft_match_family(NftBatch *b, int family);
void nft_match_local_destination(NftBatch *b);          /* an address of the host */
void nft_match_no_loopback(NftBatch *b, int family);    /* not to 127.0.0.0/8, ::1 */
void nft_match_port(NftBatch *b, bool udp, uint16_t port);
void nft_dnat(NftBatch *b, int family, const uint8_t *address, uint16_t port);
void nft_rule_end(NftBatch *b);

/* Sends the batch. 0, or the first error. */
int nft_commit(int fd, NftBatch *b);
