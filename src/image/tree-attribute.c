/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See tree-attribute.h. Part of tree-copy.c's work: the supervisor and boxctl, with values from hostile files. */

#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/xattr.h>

#include "image/tree-attribute.h"

#define CAPABILITY "security.capability"

enum { TAG_USER = 0x02, TAG_GROUP = 0x08 };     /* of entries with an id (linux/posix_acl.h, which exports no names) */

static int map_id(bool group, __le32 *id, int (*map)(void *userdata, bool group, uint32_t id, uint32_t *ret), void *userdata)
{
        uint32_t to;
        int r = map(userdata, group, le32toh(*id), &to);

        if (r == 0)
                *id = htole32(to);
        return r;
}

static int map_acl(char *value, size_t size, int (*map)(void *userdata, bool group, uint32_t id, uint32_t *ret), void *userdata)
{
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry e;
        int r = 0;

        if (size < sizeof(header) || (size - sizeof(header)) % sizeof(e) != 0)
                return -EBADMSG;
        memcpy(&header, value, sizeof(header));
        if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
                return -EBADMSG;

        for (char *p = value + sizeof(header); r == 0 && p < value + size; p += sizeof(e)) {
                memcpy(&e, p, sizeof(e));
                if (le16toh(e.e_tag) != TAG_USER && le16toh(e.e_tag) != TAG_GROUP)
                        continue;
                r = map_id(le16toh(e.e_tag) == TAG_GROUP, &e.e_id, map, userdata);
                memcpy(p, &e, sizeof(e));
        }
        return r;
}

/* There are two forms, with and without the id of the user who is root where they count. Those without are for root of the
 * kernel's first user namespace; an idmapped mount has none of it. */
static int map_capabilities(char *value, size_t *size, uint32_t root,
                            int (*map)(void *userdata, bool group, uint32_t id, uint32_t *ret), void *userdata)
{
        struct vfs_ns_cap_data data = { .rootid = htole32(root) };
        uint32_t revision;
        int r = 0;

        if (*size != XATTR_CAPS_SZ_2 && *size != XATTR_CAPS_SZ_3)
                return 0;
        memcpy(&data, value, *size);
        if (*size == XATTR_CAPS_SZ_3)
                r = map_id(false, &data.rootid, map, userdata);

        revision = data.rootid == 0 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3;
        data.magic_etc = htole32(revision | (le32toh(data.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE));
        *size = data.rootid == 0 ? XATTR_CAPS_SZ_2 : XATTR_CAPS_SZ_3;
        memcpy(value, &data, *size);
        return r;
}

int tree_attribute_map(const char *name, char *value, size_t *size, uint32_t root,
                       int (*map)(void *userdata, bool group, uint32_t id, uint32_t *ret), void *userdata)
{
        if (!map)
                return 0;
        if (strcmp(name, CAPABILITY) == 0)
                return map_capabilities(value, size, root, map, userdata);
        if (strcmp(name, "system.posix_acl_access") == 0 || strcmp(name, "system.posix_acl_default") == 0)
                return map_acl(value, *size, map, userdata);
        return 0;
}

bool tree_attribute_is_privileged(const char *name)
{
        return strncmp(name, "security.", 9) == 0 || strncmp(name, "trusted.", 8) == 0;
}
