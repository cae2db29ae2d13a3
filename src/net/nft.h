/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Transactions of the kernel's nf_tables, built with libmnl: as much of it as rules about ports take. A table made here
 * belongs to the socket (NFT_TABLE_F_OWNER): others cannot change it or flush it away, and it is gone with the socket,
 * however its process ends.
 *
 * A batch is filled by the functions in the order in which things are to happen, and takes effect as a whole or not at all.
 */

#include <libmnl/libmnl.h>

#include "util/macro.h"

typedef struct NftBatch {
        uint8_t *buf;
        size_t size, used;
        struct nlmsghdr *last;          /* being filled in */
        struct nlattr *expressions;     /* of the rule that is being filled in */
} NftBatch;

/* A socket in the caller's network namespace, that tables can belong to. */
int nft_open(void);

/* n: how many messages will be put into it (each but nft_match_…() and nft_dnat() puts one). -ENOMEM. */
int nft_batch_init(NftBatch *b, size_t n);
void nft_batch_done(NftBatch *b);

/* Tables are of the family inet: for both IPv4 and IPv6. */
void nft_table(NftBatch *b, const char *table);

/* hook: NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT; for what the table does to the destinations of packets. */
void nft_nat_chain(NftBatch *b, const char *table, const char *chain, unsigned hook);
void nft_flush(NftBatch *b, const char *table, const char *chain);

/* A rule: begun, its matches in their order, what it does, ended. */
void nft_rule_begin(NftBatch *b, const char *table, const char *chain);
void nft_match_family(NftBatch *b, int family);
void nft_match_local_destination(NftBatch *b);          /* to one of the host's addresses */
void nft_match_no_loopback(NftBatch *b, int family);    /* not to 127.0.0.0/8, ::1 */
void nft_match_port(NftBatch *b, bool udp, uint16_t port);
void nft_dnat(NftBatch *b, int family, const uint8_t *address, uint16_t port);
void nft_rule_end(NftBatch *b);

/* Sends it all. 0, or the first error. */
int nft_commit(int fd, NftBatch *b);
