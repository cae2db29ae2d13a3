/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Batches of nf_tables messages: tables, chains and rules (see nft.h). The supervisor, with CAP_NET_ADMIN on the host. Logs
 * nothing.
 *
 * The kernel has queued its answers when sendto() returns: reading never waits.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/nft.h"
#include "util/fd.h"

/* Enough for each message: some names, and a few small numbers for each expression. */
#define MESSAGE_MAX 1024

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

void nft_table(NftBatch *b, const char *table)
{
        struct nlmsghdr *m = table_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);

        mnl_attr_put_strz(m, NFTA_TABLE_NAME, table);
        mnl_attr_put_u32(m, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER));
}

void nft_chain(NftBatch *b, const char *table, const NftChain *chain)
{
        struct nlmsghdr *m = table_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
        struct nlattr *nest;

        mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, table);
        mnl_attr_put_strz(m, NFTA_CHAIN_NAME, chain->name);
        nest = mnl_attr_nest_start(m, NFTA_CHAIN_HOOK);
        mnl_attr_put_u32(m, NFTA_HOOK_HOOKNUM, htonl(chain->hook));
        mnl_attr_put_u32(m, NFTA_HOOK_PRIORITY, htonl((uint32_t) chain->priority));
        mnl_attr_nest_end(m, nest);
        mnl_attr_put_strz(m, NFTA_CHAIN_TYPE, chain->type);
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

/* Returns the first error, or 0 after the acknowledgement of the last message. */
static int read_answers(int fd)
{
        _Alignas(struct nlmsghdr) uint8_t buf[16384];
        int r = -EIO;           /* without any answer */

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

/* A batch is one datagram, which may be larger than the socket's buffer. */
static int grow_send_buffer(int fd, int size)
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

        r = grow_send_buffer(fd, size);
        if (r < 0)
                return r;
        if (sendto(fd, b->buf, (size_t) size, 0, (const struct sockaddr *) &kernel, sizeof(kernel)) < 0)
                return -errno;

        r = read_answers(fd);
        while (recv(fd, rest, sizeof(rest), MSG_DONTWAIT | MSG_TRUNC) > 0)     /* answers after the first error */
                ;
        return r;
}
