/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a machine is to be: the values of its .nspawn file and of box-run's switches, typed and checked, each with the
 * place it came from. Filled from Assignments (config/assignment.h) by the rows of one table (config/settings-table.h);
 * read by the planners. Pure data: it knows nothing of the host.
 */

#include <sys/resource.h>
#include <sys/types.h>

#include "config/image-policy.h"
#include "config/oci-settings.h"
#include "config/settings-resources.h"
#include "config/source.h"
#include "util/cpu-set.h"
#include "util/macro.h"
#include "util/unit-property.h"

typedef enum StartMode {
        START_COMMAND,          /* the given program is PID 1 */
        START_BOOT,             /* the tree's init is PID 1 */
        START_PID2,             /* a stub init is PID 1, the given program PID 2 */
} StartMode;

typedef enum ConsoleMode {
        CONSOLE_AUTO,           /* interactive on a terminal, else read-only */
        CONSOLE_INTERACTIVE,
        CONSOLE_READ_ONLY,
        CONSOLE_PASSIVE,
        CONSOLE_PIPE,
        CONSOLE_AUTOPIPE,
} ConsoleMode;

typedef enum SettingsMode {
        SETTINGS_YES,           /* switches win over the file */
        SETTINGS_OVERRIDE,      /* the file wins over switches */
        SETTINGS_TRUSTED,       /* switches win, and the file is trusted wherever it lies */
        SETTINGS_NO,            /* no file is read */
} SettingsMode;

typedef enum RegisterMode {
        REGISTER_AUTO,          /* with machined where there is one; said once where there is none */
        REGISTER_YES,           /* no machined is a failure */
        REGISTER_NO,
} RegisterMode;

typedef enum PrivateUsers {
        PRIVATE_USERS_NO,
        PRIVATE_USERS_TREE,     /* "yes": the range that owns the tree's root directory */
        PRIVATE_USERS_PICK,     /* a free range of 65536 */
        PRIVATE_USERS_IDENTITY, /* 0:65536 of its own, ids unchanged */
        PRIVATE_USERS_FIXED,    /* SHIFT[:RANGE] as written */
        PRIVATE_USERS_MAP,      /* IdMap='s lines */
} PrivateUsers;

typedef enum Ownership {
        OWNERSHIP_AUTO,         /* mapped where there is a range of ids to map to */
        OWNERSHIP_MAP,          /* mapped, and a tree that is shifted on disk already is a failure */
        OWNERSHIP_OFF,          /* owners as they are on disk */
} Ownership;

typedef enum Volatile {
        VOLATILE_NO,
        VOLATILE_YES,           /* a tmpfs as root, with the tree's /usr in it */
        VOLATILE_STATE,         /* the tree read-only, with a tmpfs on /var */
        VOLATILE_OVERLAY,       /* the tree under a tmpfs that takes what is written */
} Volatile;

typedef enum LinkJournal {
        LINK_JOURNAL_AUTO,
        LINK_JOURNAL_NO,
        LINK_JOURNAL_HOST,
        LINK_JOURNAL_TRY_HOST,
        LINK_JOURNAL_GUEST,
        LINK_JOURNAL_TRY_GUEST,
} LinkJournal;

/* How the machine gets a resolv.conf: what is done with which file of the host. */
typedef enum ResolvConf {
        RESOLV_CONF_AUTO,
        RESOLV_CONF_OFF,
        RESOLV_CONF_COPY_HOST,
        RESOLV_CONF_COPY_STATIC,
        RESOLV_CONF_COPY_UPLINK,
        RESOLV_CONF_COPY_STUB,
        RESOLV_CONF_REPLACE_HOST,
        RESOLV_CONF_REPLACE_STATIC,
        RESOLV_CONF_REPLACE_UPLINK,
        RESOLV_CONF_REPLACE_STUB,
        RESOLV_CONF_BIND_HOST,
        RESOLV_CONF_BIND_STATIC,
        RESOLV_CONF_BIND_UPLINK,
        RESOLV_CONF_BIND_STUB,
        RESOLV_CONF_DELETE,
} ResolvConf;

typedef enum Timezone {
        TIMEZONE_AUTO,
        TIMEZONE_OFF,
        TIMEZONE_COPY,
        TIMEZONE_BIND,
        TIMEZONE_SYMLINK,
        TIMEZONE_DELETE,
} Timezone;

typedef enum BindIdMap {
        BIND_NOIDMAP,           /* the host's owners; unmapped ones show as nobody */
        BIND_IDMAP,             /* the machine's map, as the tree itself */
        BIND_ROOTIDMAP,         /* the source's owner is the machine's root */
        BIND_OWNERIDMAP,        /* the source's owner is the destination's owner */
} BindIdMap;

typedef struct BindSetting {
        char *source;           /* absolute on the host, or (in_tree) in the tree; NULL: a fresh temporary directory */
        char *dest;             /* absolute, in the machine */
        bool in_tree;
        bool read_only;
        bool recursive;
        BindIdMap idmap;
        Source from;
} BindSetting;

/* A layer of an overlay: absolute on the host or (in_tree) in the tree; NULL: a fresh temporary directory. */
typedef struct LayerSetting {
        char *path;
        bool in_tree;
} LayerSetting;

typedef struct OverlaySetting {
        LayerSetting *layers;   /* at least two, the lowest first; of the last one alone the path may be NULL */
        size_t n_layers;
        char *dest;             /* absolute, in the machine; never "/" */
        bool read_only;
        Source from;
} OverlaySetting;

typedef struct TmpfsSetting {
        char *dest;
        char *options;          /* mount options as written; NULL: mode=0755 */
        Source from;
} TmpfsSetting;

/* A secret for the payload. Exactly one of path and data is set. */
typedef struct CredentialSetting {
        char *id;
        char *path;             /* absolute, or a name in our own $CREDENTIALS_DIRECTORY */
        char *data;             /* the secret itself; may hold NUL bytes, overwritten before it is freed */
        size_t size;            /* of data */
        Source from;
} CredentialSetting;

/* An interface of the host and its name in the container: "PARENT[:NAME]", "HOST[:NAME]". NULL: the default of its kind. */
typedef struct InterfaceSetting {
        char *host_name;
        char *container_name;
        Source from;
} InterfaceSetting;

typedef struct InterfaceList {
        InterfaceSetting *items;
        size_t n;
} InterfaceList;

/* A port of the host that is forwarded to one of the container. */
typedef struct PortSetting {
        bool udp;               /* else TCP */
        uint16_t host_port;
        uint16_t container_port;
        Source from;
} PortSetting;

typedef struct StringSetting {
        char *value;
        Source from;
} StringSetting;

/* Ids inside, from `inside` on, are those from `outside` on of the host: count of them, users' and groups'. */
typedef struct IdMapSetting {
        uint32_t inside, outside, count;
        Source from;
} IdMapSetting;

typedef enum BootTime {
        BOOT_TIME_HOST,         /* clocks since boot are the host's */
        BOOT_TIME_ZERO,         /* they begin with the machine: a time namespace */
} BootTime;

/* A property of the machine's unit. */
typedef struct UnitPropertySetting {
        UnitProperty property;
        char *text;             /* its value as it was written; NULL where it was not */
        Source from;
} UnitPropertySetting;

typedef enum HostView {
        HOST_VIEW_HOST,         /* /proc tells of the host's memory, processors, load … */
        HOST_VIEW_LXCFS,        /* … of what of them is the machine's, by lxcfs */
} HostView;

/* A resource limit as written; RLIM_INFINITY for "infinity". */
typedef struct RlimitSetting {
        bool set;
        struct rlimit value;
} RlimitSetting;

/* OOMScoreAdjust=: outside of what it can be. */
enum { OOM_SCORE_UNSET = INT16_MIN, OOM_SCORE_MIN = -1000, OOM_SCORE_MAX = 1000 };

/* A value that may be unset: the default is the reader's business, which depends on other settings. */
typedef enum Tristate { UNSET = -1, NO = 0, YES = 1 } Tristate;

/* Every row of the table has an id, and every id a Source. Sorted by section as the manual is. */
typedef enum SettingId {
        /* [Exec] */
        SETTING_BOOT,
        SETTING_PROCESS_TWO,
        SETTING_EPHEMERAL,
        SETTING_PARAMETERS,
        SETTING_ENVIRONMENT,
        SETTING_USER,
        SETTING_WORKING_DIRECTORY,
        SETTING_PIVOT_ROOT,
        SETTING_HOSTNAME,
        SETTING_MACHINE_ID,
        SETTING_PRIVATE_USERS,
        SETTING_NOTIFY_READY,
        SETTING_KILL_SIGNAL,
        SETTING_CAPABILITY,
        SETTING_DROP_CAPABILITY,
        SETTING_AMBIENT_CAPABILITY,
        SETTING_NO_NEW_PRIVILEGES,
        SETTING_SYSTEM_CALL_FILTER,
        SETTING_RESOLV_CONF,
        SETTING_TIMEZONE,
        SETTING_SUPPRESS_SYNC,
        SETTING_PERSONALITY,
        SETTING_LIMIT_CPU,
        SETTING_LIMIT_FSIZE,
        SETTING_LIMIT_DATA,
        SETTING_LIMIT_STACK,
        SETTING_LIMIT_CORE,
        SETTING_LIMIT_RSS,
        SETTING_LIMIT_NOFILE,
        SETTING_LIMIT_AS,
        SETTING_LIMIT_NPROC,
        SETTING_LIMIT_MEMLOCK,
        SETTING_LIMIT_LOCKS,
        SETTING_LIMIT_SIGPENDING,
        SETTING_LIMIT_MSGQUEUE,
        SETTING_LIMIT_NICE,
        SETTING_LIMIT_RTPRIO,
        SETTING_LIMIT_RTTIME,
        SETTING_OOM_SCORE_ADJUST,
        SETTING_CPU_AFFINITY,
        SETTING_LINK_JOURNAL,
        /* [Files] */
        SETTING_READ_ONLY,
        SETTING_VOLATILE,
        SETTING_BIND,
        SETTING_BIND_READ_ONLY,
        SETTING_TEMPORARY_FILE_SYSTEM,
        SETTING_INACCESSIBLE,
        SETTING_OVERLAY,
        SETTING_OVERLAY_READ_ONLY,
        SETTING_BIND_USER,
        SETTING_PRIVATE_USERS_OWNERSHIP,
        /* [Network] */
        SETTING_PRIVATE,
        SETTING_VIRTUAL_ETHERNET,
        SETTING_VIRTUAL_ETHERNET_EXTRA,
        SETTING_BRIDGE,
        SETTING_ZONE,
        SETTING_MACVLAN,
        SETTING_IPVLAN,
        SETTING_INTERFACE,
        SETTING_PORT,
        SETTING_NAMESPACE_PATH,
        /* [X-Box] */
        SETTING_PROFILE,
        SETTING_INIT,
        SETTING_STOP_TIMEOUT,
        SETTING_BOOT_TIME,
        SETTING_ID_MAP,
        SETTING_APPARMOR_PROFILE,
        SETTING_HOST_VIEW,
        SETTING_AFTER,
        SETTING_REQUIRES,
        /* [X-Resources] */
#define RESOURCE_ID(id, ...) SETTING_##id,
        RESOURCE_SETTINGS(RESOURCE_ID)
#undef RESOURCE_ID
        SETTING_UNIT_ONLY_KEY,     /* keys that are refused, with a word about where to go */
        /* switches with no key */
        SETTING_DIRECTORY,
        SETTING_TEMPLATE,
        SETTING_IMAGE,
        SETTING_IMAGE_POLICY,
        SETTING_OCI_BUNDLE,
        SETTING_ROOT_HASH,
        SETTING_ROOT_HASH_SIG,
        SETTING_VERITY_DATA,
        SETTING_MACHINE,
        SETTING_SET_CREDENTIAL,
        SETTING_LOAD_CREDENTIAL,
        SETTING_REGISTER,
        SETTING_KEEP_UNIT,
        SETTING_SLICE,
        SETTING_PROPERTY,
        SETTING_SETTINGS,
        SETTING_SHARE_SYSTEM,
        SETTING_RLIMIT,
        SETTING_SELINUX_CONTEXT,
        SETTING_SELINUX_APIFS_CONTEXT,
        SETTING_CONSOLE,
        SETTING_BACKGROUND,
        SETTING_NO_PAGER,
        SETTING_QUIET,
        SETTING_DRY_RUN,
        SETTING_CHECK,
        SETTING_JSON,
        SETTING_READ_INSTEAD,
        SETTING_HELP,
        SETTING_VERSION,
        _SETTING_MAX,
} SettingId;

typedef struct Settings {
        Source from[_SETTING_MAX];      /* who wrote the value in force (lists: the last to add) */

        /* [Exec] */
        Tristate boot;
        Tristate process_two;
        Tristate ephemeral;
        char **parameters;
        char **environment;             /* NAME=VALUE, one entry a name */
        char *user;                     /* NULL: root; "UID:GID" needs no entry in the tree's files */
        char *working_directory;
        char *pivot_root_new;           /* a directory of the tree that becomes the root; NULL: none */
        char *pivot_root_old;           /* where the tree's own root is then; NULL: nowhere */
        char *hostname;
        char *machine_id;               /* 32 hex digits */
        PrivateUsers private_users;     /* as written: settings_private_users() is what counts */
        uint32_t private_users_base;    /* PRIVATE_USERS_FIXED */
        uint32_t private_users_count;
        Tristate notify_ready;          /* unset: as the tree's init can */
        int kill_signal;                /* 0: the init's own way */
        uint64_t capability;            /* masks of 1 << CAP_x; all ones for "all" */
        uint64_t drop_capability;
        uint64_t ambient_capability;    /* never "all" */
        Tristate no_new_privileges;
        StringSetting *syscall_allow;   /* names and @groups added to, and taken from, the default filter */
        size_t n_syscall_allow;
        StringSetting *syscall_deny;
        size_t n_syscall_deny;
        ResolvConf resolv_conf;
        Timezone timezone;
        Tristate suppress_sync;
        char *personality;              /* an architecture that this kernel runs; NULL: unchanged */
        RlimitSetting rlimits[RLIM_NLIMITS];
        int oom_score_adjust;           /* OOM_SCORE_UNSET: unchanged */
        CpuSet cpu_affinity;            /* empty: unchanged */
        LinkJournal link_journal;

        /* [Files] */
        Tristate read_only;
        Volatile volatile_mode;
        BindSetting *binds;             /* both kinds, in the order written */
        size_t n_binds;
        TmpfsSetting *tmpfs;
        size_t n_tmpfs;
        StringSetting *inaccessible;
        size_t n_inaccessible;
        OverlaySetting *overlays;       /* both kinds, in the order written */
        size_t n_overlays;
        StringSetting *bind_users;      /* names of the host's, none twice */
        size_t n_bind_users;
        Ownership ownership;

        /* [Network] */
        Tristate private_network;
        Tristate virtual_ethernet;
        InterfaceList veth_extra;
        char *bridge;
        char *zone;
        InterfaceList macvlan;
        InterfaceList ipvlan;
        InterfaceList interfaces;
        PortSetting *ports;
        size_t n_ports;
        char *namespace_path;           /* an existing network namespace to join */

        /* [X-Box] */
        StringSetting *profiles;        /* names; those that they name are before them */
        size_t n_profiles;
        char *init;                     /* an init's name (image/tree-facts.h), or its path in the tree; NULL: found out */
        BootTime boot_time;
        IdMapSetting *id_map;           /* no two of them overlap, on neither side */
        size_t n_id_map;
        char *apparmor_profile;         /* NULL: none */
        bool apparmor_optional;         /* go on where it can't be had */
        HostView host_view;
        uint64_t stop_timeout_usec;     /* 0: the unit's; UINT64_MAX: none at all */
        StringSetting *after;           /* names of other machines */
        size_t n_after;
        StringSetting *requires;
        size_t n_requires;

        /* [X-Resources] */
        UnitPropertySetting *resources; /* of a key that is no list, one */
        size_t n_resources;

        /* switches */
        char *directory;
        char *template;
        char *image;
        ImagePolicy image_policy;
        char *oci_bundle;
        const OciSettings *oci;         /* what no key says of the bundle; borrowed, NULL without one */
        char *machine;
        CredentialSetting *credentials; /* both kinds; no id twice */
        size_t n_credentials;
        RegisterMode register_mode;
        bool keep_unit;
        char *slice;
        bool share_system;              /* the host's PID, UTS and IPC namespaces */
        UnitPropertySetting *scope_properties;
        size_t n_scope_properties;
        SettingsMode settings_mode;
        char *selinux_context;          /* of the machine's processes, and of the files of its tmpfs; NULL: unchanged */
        char *selinux_apifs_context;
        ConsoleMode console;
        bool quiet;
        bool dry_run;
        bool check;
        bool json;
        char *read_instead;             /* FILE:OTHER */
} Settings;

void unit_property_setting_done(UnitPropertySetting *p);

void settings_init(Settings *s);
void settings_done(Settings *s);
void overlay_setting_done(OverlaySetting *o);

/* LimitNOFILE= of RLIMIT_NOFILE. */
SettingId settings_limit_id(int resource);

/* What follows from several settings together. */
StartMode settings_start_mode(const Settings *s);

/* The mode in force: an IdMap= is one of its own. */
PrivateUsers settings_private_users(const Settings *s);

/* Any link setting implies it, except where another writer's Private=no came after the link: that is how a file takes
 * back the link that the unit's switches ask for. */
bool settings_private_network(const Settings *s);

/* A link that is wanted, or (Private=no) was; *ret is its setting. For messages. */
bool settings_has_link(const Settings *s, SettingId *ret);

/* Does anything but the tree lie on "/"? The last such setting's place, or one without a place. */
bool settings_custom_root(const Settings *s, Source *ret);

/* Will the machine never write to its tree itself (but where it is bound somewhere)? Then others may use it meanwhile. */
bool settings_shares_tree(const Settings *s);

bool settings_veth(const Settings *s);                  /* Bridge= and Zone= imply it */

/* Can what a start puts into /etc be written there? */
bool settings_etc_writable(const Settings *s);

/* Overwrites and frees the secrets. */
void settings_forget_credentials(Settings *s);
