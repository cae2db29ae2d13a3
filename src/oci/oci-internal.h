/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the reader of config.json (oci-parse.c) and those of its sections (oci-*.c): reading objects by tables of their
 * members, assignments, problems. Pure. All functions return 0 or -ENOMEM; mistakes of the document go to the problems.
 */

#include "oci/oci.h"
#include "util/json.h"

/* Namespaces as the document has them. */
typedef enum OciNamespace {
        OCI_NAMESPACE_MOUNT,
        OCI_NAMESPACE_PID,
        OCI_NAMESPACE_NETWORK,
        OCI_NAMESPACE_IPC,
        OCI_NAMESPACE_UTS,
        OCI_NAMESPACE_USER,
        OCI_NAMESPACE_CGROUP,
        OCI_NAMESPACE_TIME,
        _OCI_NAMESPACE_MAX,
} OciNamespace;

typedef struct Oci {
        OciBundle *bundle;
        Problems *problems;
        const JsonNode *root;
        const JsonNode *namespaces[_OCI_NAMESPACE_MAX]; /* where each is asked for; NULL: it is shared with the host */
} Oci;

/* How a member is treated. */
typedef enum OciTreat {
        OCI_READ,               /* read by its function */
        OCI_EACH,               /* each item is read by its function */
        OCI_ASSIGN,             /* a string or bool is assigned to a key */
        OCI_SKIP,               /* ignored silently: needs no action of a runtime */
        OCI_WARN,               /* ignored with a warning */
        OCI_REFUSE,             /* an error: the container would lack something that it relies on */
} OciTreat;

typedef struct OciMember {
        const char *name;
        JsonKind kind;
        OciTreat treat;
        int (*read)(Oci *o, const JsonNode *value);     /* OCI_READ (NULL: the caller reads it), OCI_EACH */
        bool required;
        JsonKind items;                                 /* OCI_EACH */
        const char *section, *key;                      /* OCI_ASSIGN; see oci_assign() */
} OciMember;

/* Treats the members of an object by their table. A member that is null counts as missing. Unknown ones are ignored with a
 * warning, as the specification demands. A value of another kind than the table's is an error. */
int oci_members(Oci *o, const JsonNode *object, const OciMember *members, size_t n);
#define OCI_MEMBERS(o, object, table) oci_members((o), (object), (table), ARRAY_SIZE(table))

/* Whether it is null, false, 0, "", [] or {}. */
bool oci_is_empty(const JsonNode *v);

/* The member, or NULL where it is missing or of another kind. */
const JsonNode *oci_member(const JsonNode *object, const char *name, JsonKind kind);

/* Calls read (unless NULL) for each item of an array or object; an item of another kind is an error. */
int oci_each(Oci *o, const JsonNode *list, JsonKind kind, int (*read)(Oci *o, const JsonNode *item));

/* The place of a node. */
int oci_source(Oci *o, const JsonNode *at, Source *ret);

int oci_error(Oci *o, const JsonNode *at, const char *format, ...) _printf_(3, 4);
int oci_warning(Oci *o, const JsonNode *at, const char *format, ...) _printf_(3, 4);

/* Assigns text to a key of a section, or (section NULL) to the switch of that name. An empty text is an error. */
int oci_assign(Oci *o, const JsonNode *at, const char *section, const char *name, const char *text);
int oci_assign_format(Oci *o, const JsonNode *at, const char *section, const char *name, const char *format, ...)
        _printf_(5, 6);

/* A string as a normalized absolute path; a relative one is below base, or an error (base NULL). *ret is NULL after a problem. */
int oci_path(Oci *o, const JsonNode *node, const char *base, char **ret);

/* Strings as one text, each quoted as Parameters= and Environment= need it. The caller frees it. NULL: no memory. */
char *oci_quote_words(const JsonNode *nodes, size_t n);

/* A number that fits; else a problem, and false in *ret_good. */
int oci_u32(Oci *o, const JsonNode *node, uint32_t *ret, bool *ret_good);

/* The sections: each reads the object, or one item of the array or object, of its name. */
int oci_read_process(Oci *o, const JsonNode *process);
int oci_read_mount(Oci *o, const JsonNode *mount);
int oci_read_linux(Oci *o, const JsonNode *value);
int oci_read_device(Oci *o, const JsonNode *device);
int oci_read_resources(Oci *o, const JsonNode *resources);
int oci_read_seccomp(Oci *o, const JsonNode *seccomp);
int oci_read_sysctl(Oci *o, const JsonNode *sysctl);

/* Adds a sysctl, once the namespaces are known. */
int oci_add_sysctl(Oci *o, const JsonNode *at, const char *name, const char *value);
