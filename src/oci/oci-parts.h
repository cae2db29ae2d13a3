/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the parts of the reader of config.json (oci.c for the whole, oci-*.c for its sections) share: walking through
 * objects by tables, and saying things. Pure. All return 0 or -ENOMEM; what is wrong goes to the problems.
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
        const JsonNode *namespaces[_OCI_NAMESPACE_MAX]; /* asked for, by their places */
} Oci;

/* How a member is taken. */
typedef enum OciTreat {
        OCI_READ,               /* by its function */
        OCI_SKIP,               /* without a word: nothing that a runtime has to do anything about */
        OCI_WARN,               /* with a warning that it is ignored */
        OCI_REFUSE,             /* it can't be had, and would be missed */
} OciTreat;

typedef struct OciMember {
        const char *name;
        JsonKind kind;
        OciTreat treat;
        int (*read)(Oci *o, const JsonNode *value);     /* OCI_READ; NULL: who called looks at it himself */
        bool required;
} OciMember;

/* Goes through the members of object by their table; those that are null are as good as missing, unknown ones are warned of
 * (the specification lets nobody fail for them). A value of another kind than the table's is an error. */
int oci_members(Oci *o, const JsonNode *object, const OciMember *members, size_t n);
#define OCI_MEMBERS(o, object, table) oci_members((o), (object), (table), ARRAY_SIZE(table))

/* null, false, 0, "", [] or {}: asks for nothing. */
bool oci_is_empty(const JsonNode *v);

/* The member where it is there and of this kind; else NULL. */
const JsonNode *oci_member(const JsonNode *object, const char *name, JsonKind kind);
const char *oci_member_string(const JsonNode *object, const char *name);

/* Calls read for each element of an array, all of which have to be of this kind. */
int oci_each(Oci *o, const JsonNode *array, JsonKind kind, int (*read)(Oci *o, const JsonNode *item));

/* Where a node is, as a Source: 0, or -ENOMEM. */
int oci_source(Oci *o, const JsonNode *at, Source *ret);

int oci_error(Oci *o, const JsonNode *at, const char *format, ...) _printf_(3, 4);
int oci_warning(Oci *o, const JsonNode *at, const char *format, ...) _printf_(3, 4);

/* Assigns text to a key of a section, or (section NULL) to the switch of that name, from a place in the document. */
int oci_say(Oci *o, const JsonNode *at, const char *section, const char *name, const char *text);
int oci_say_format(Oci *o, const JsonNode *at, const char *section, const char *name, const char *format, ...)
        _printf_(5, 6);

/* The words of an array of strings as one text, each quoted as Parameters= and Environment= need it. To be freed. */
char *oci_quote_words(const JsonNode *array);

/* A number that fits; else a problem, and false in *ret_good. */
int oci_u64(Oci *o, const JsonNode *node, uint64_t *ret, bool *ret_good);
int oci_u32(Oci *o, const JsonNode *node, uint32_t *ret, bool *ret_good);

/* The sections: each reads the object of its name. */
int oci_read_process(Oci *o, const JsonNode *process);
int oci_read_mounts(Oci *o, const JsonNode *mounts);
int oci_read_linux(Oci *o, const JsonNode *value);
int oci_read_devices(Oci *o, const JsonNode *devices);
int oci_read_resources(Oci *o, const JsonNode *resources);
int oci_read_seccomp(Oci *o, const JsonNode *seccomp);
int oci_read_sysctls(Oci *o, const JsonNode *sysctls);

/* Once the namespaces are known. */
int oci_add_sysctl(Oci *o, const JsonNode *at, const char *name, const char *value);
