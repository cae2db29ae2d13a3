/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The settings of a machine from its .nspawn file and box-run's switches, with their sources. Assignments
 * (config/assignment.h) are applied to them by the settings table (config/settings-table.h). Pure data, independent of
 * the host; read by the planners.
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
        SETTINGS_YES,           /* switches take precedence over the file */
        SETTINGS_OVERRIDE,      /* the file takes precedence over switches */
        SETTINGS_TRUSTED,       /* as SETTINGS_YES, but the file is always trusted */
        SETTINGS_NO,            /* no file is read */
} SettingsMode;

typedef enum RegisterMode {
        REGISTER_AUTO,          /* if machined is available; else a message is printed once */
        REGISTER_YES,           /* it is an error if machined is not available */
        REGISTER_NO,
} RegisterMode;

typedef enum PrivateUsers {
        PRIVATE_USERS_NO,
        PRIVATE_USERS_TREE,     /* "yes": the range that owns the tree's root directory */
        PRIVATE_USERS_PICK,     /* a free range of 65536 */
        PRIVATE_USERS_IDENTITY, /* 0:65536 of its own, ids unchanged */
        PRIVATE_USERS_FIXED,    /* SHIFT[:RANGE] */
        PRIVATE_USERS_MAP,      /* IdMap= */
} PrivateUsers;

typedef enum Ownership {
        OWNERSHIP_AUTO,         /* mapped if there is a user namespace */
        OWNERSHIP_MAP,          /* mapped; it is an error if the tree is shifted on disk */
        OWNERSHIP_OFF,          /* owners as they are on disk */
        OWNERSHIP_FOREIGN,      /* mapped; it is an error if the tree does not belong to the foreign range */
} Ownership;

typedef enum Volatile {
        VOLATILE_NO,
        VOLATILE_YES,           /* a tmpfs as root, with the tree's /usr in it */
        VOLATILE_STATE,         /* the tree read-only, with a tmpfs on /var */
        VOLATILE_OVERLAY,       /* the tree below a tmpfs for changes */
} Volatile;

typedef enum LinkJournal {
        LINK_JOURNAL_AUTO,
        LINK_JOURNAL_NO,
        LINK_JOURNAL_HOST,
        LINK_JOURNAL_TRY_HOST,
        LINK_JOURNAL_GUEST,
        LINK_JOURNAL_TRY_GUEST,
} LinkJournal;

/* ResolvConf=: an action and a file of the host. */
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
        BIND_NOIDMAP,           /* owners as on the host; unmapped ones appear as nobody */
        BIND_IDMAP,             /* the machine's id map, as for the tree */
        BIND_ROOTIDMAP,         /* the owner of the source is mapped to root */
        BIND_OWNERIDMAP,        /* the owner of the source is mapped to that of the destination */
} BindIdMap;

typedef struct BindSetting {
        char *source;           /* absolute on the host, or (in_tree) in the tree; NULL: a new temporary directory */
        char *dest;             /* absolute, in the machine */
        bool in_tree;
        bool optional;          /* not mounted where the source does not exist */
        bool read_only;
        bool recursive;
        BindIdMap idmap;
        Source from;
} BindSetting;

/* A layer of an overlay: absolute on the host or (in_tree) in the tree; NULL: a new temporary directory. */
typedef struct LayerSetting {
        char *path;
        bool in_tree;
        bool optional;          /* the overlay is not mounted where it does not exist */
} LayerSetting;

typedef struct OverlaySetting {
        LayerSetting *layers;   /* at least two, the lowest first; only the last may have no path */
        size_t n_layers;
        char *dest;             /* absolute, in the machine */
        bool read_only;
        Source from;
} OverlaySetting;

typedef struct TmpfsSetting {
        char *dest;
        char *options;          /* NULL: mode=0755 */
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

/* An interface of the host and its name in the container: "PARENT[:NAME]", "HOST[:NAME]". NULL: the default of its
 * kind. */
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

typedef struct StringList {
        StringSetting *items;
        size_t n;
} StringList;

/* `count` users and groups, from `inside` on in the machine, and from `outside` on on the host. */
typedef struct IdMapSetting {
        uint32_t inside, outside, count;
        Source from;
} IdMapSetting;

typedef enum BootTime {
        BOOT_TIME_HOST,         /* monotonic and boot-time clocks of the host */
        BOOT_TIME_ZERO,         /* they start at zero: a time namespace */
} BootTime;

/* A property of the machine's unit. */
typedef struct UnitPropertySetting {
        UnitProperty property;
        char *text;             /* the value in the source; NULL if not from a source */
        Source from;
} UnitPropertySetting;

typedef enum HostView {
        HOST_VIEW_HOST,         /* /proc shows resources of the host */
        HOST_VIEW_LXCFS,        /* /proc shows resources of the machine, by lxcfs */
} HostView;

/* A resource limit; RLIM_INFINITY for "infinity". */
typedef struct RlimitSetting {
        bool set;
        struct rlimit value;
} RlimitSetting;

/* OOMScoreAdjust= */
enum { OOM_SCORE_UNSET = INT16_MIN, OOM_SCORE_MIN = -1000, OOM_SCORE_MAX = 1000 };

/* --live=: what boxctl has box-run do with a running machine, instead of a start. */
typedef enum LiveMode {
        LIVE_NO,
        LIVE_PENDING,           /* print how the settings in force differ from those of a start */
        LIVE_APPLY,             /* do what can be done now, print what was and what needs a restart */
} LiveMode;

/* A value that may be unset; its default depends on other settings. */
typedef enum Tristate { UNSET = -1, NO = 0, YES = 1 } Tristate;

/* Ids of the rows of the table. Sorted by section, as in the manual. */
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
        SETTING_RESTRICT_ADDRESS_FAMILIES,
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
        SETTING_BIND_USER_SHELL,
        SETTING_BIND_USER_GROUP,
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
        SETTING_START_TIMEOUT,
        SETTING_STOP_TIMEOUT,
        SETTING_BOOT_TIME,
        SETTING_ID_MAP,
        SETTING_APPARMOR_PROFILE,
        SETTING_HOST_VIEW,
        SETTING_NESTING,
        SETTING_SPECIFIERS,
        SETTING_AFTER,
        SETTING_REQUIRES,
        /* [X-Resources] */
#define RESOURCE_ID(id, ...) SETTING_##id,
        RESOURCE_SETTINGS(RESOURCE_ID)
#undef RESOURCE_ID
        SETTING_KNOWN_ONLY,             /* keys and switches of systemd-nspawn that box refuses, with the reason */
        SETTING_OTHER_RESOURCE,         /* keys of [X-Resources] that are not in the table */
        SETTING_UNIT_ONLY_KEY,          /* keys that must be set in the unit or its slice */
        /* switches without a key */
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
        SETTING_CLEANUP,
        SETTING_DRY_RUN,
        SETTING_CHECK,
        SETTING_JSON,
        SETTING_READ_INSTEAD,
        SETTING_LIVE,
        SETTING_HELP,
        SETTING_VERSION,
        SETTING_SET,
        SETTING_INTROSPECT,
        _SETTING_MAX,
} SettingId;

typedef struct Settings {
        Source from[_SETTING_MAX];      /* the source of the value in force (of lists: of the last addition) */

        /* [Exec] */
        Tristate boot;
        Tristate process_two;
        Tristate ephemeral;
        char **parameters;
        char **environment;             /* NAME=VALUE, one entry a name */
        char *user;                     /* NULL: root */
        char *working_directory;
        char *pivot_root_new;           /* the directory of the tree to use as root directory; NULL: none */
        char *pivot_root_old;           /* where to mount the tree then; NULL: nowhere */
        char *hostname;
        char *machine_id;               /* 32 hex digits */
        PrivateUsers private_users;     /* use settings_private_users(), which considers IdMap= */
        uint32_t private_users_base;    /* PRIVATE_USERS_FIXED */
        uint32_t private_users_count;
        Tristate notify_ready;          /* unset: depends on the init */
        int kill_signal;                /* 0: depends on the init */
        uint64_t capability;            /* masks of 1 << CAP_x; all ones for "all" */
        uint64_t drop_capability;
        uint64_t ambient_capability;    /* never "all" */
        Tristate no_new_privileges;
        StringList syscall_allow;       /* names and @groups to add to, and remove from, the default filter */
        StringList syscall_deny;
        bool restrict_families;
        uint64_t allowed_families;      /* mask of 1 << AF_x */
        ResolvConf resolv_conf;
        Timezone timezone;
        Tristate suppress_sync;
        char *personality;              /* an architecture that the kernel supports; NULL: unchanged */
        RlimitSetting rlimits[RLIM_NLIMITS];
        int oom_score_adjust;           /* OOM_SCORE_UNSET: unchanged */
        CpuSet cpu_affinity;            /* empty: unchanged */
        LinkJournal link_journal;

        /* [Files] */
        Tristate read_only;
        Volatile volatile_mode;
        BindSetting *binds;             /* both kinds, in order */
        size_t n_binds;
        TmpfsSetting *tmpfs;
        size_t n_tmpfs;
        StringList inaccessible;
        OverlaySetting *overlays;       /* both kinds, in order */
        size_t n_overlays;
        StringList bind_users;          /* names, without duplicates */
        char *bind_user_shell;          /* a path; "yes": that on the host; NULL: the machine's default */
        StringList bind_user_groups;
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
        StringList profiles;            /* names */
        char *init;                     /* type (image/tree-facts.h) or path of the init; NULL: detected */
        BootTime boot_time;
        IdMapSetting *id_map;           /* not overlapping on either side */
        size_t n_id_map;
        char *apparmor_profile;         /* NULL: none */
        bool apparmor_optional;         /* ignored if unavailable */
        HostView host_view;
        Tristate nesting;               /* container managers run in the machine */
        Tristate specifiers;            /* of one file only (config/specifiers.h): for those who print settings */
        uint64_t start_timeout_usec;    /* 0 or UINT64_MAX: none */
        uint64_t stop_timeout_usec;     /* 0: that of the unit; UINT64_MAX: infinity */
        StringList after;               /* names of other machines */
        StringList requires;

        /* [X-Resources] */
        UnitPropertySetting *resources; /* at most one for keys that are not lists */
        size_t n_resources;

        /* switches */
        char *directory;
        char *template;
        char *image;
        ImagePolicy image_policy;
        char *oci_bundle;
        const OciSettings *oci;         /* settings of a bundle without a key; borrowed; NULL without a bundle */
        char *machine;
        CredentialSetting *credentials; /* both kinds, without duplicate ids */
        size_t n_credentials;
        RegisterMode register_mode;
        bool keep_unit;
        char *slice;
        bool share_system;              /* use the host's PID, UTS and IPC namespaces */
        UnitPropertySetting *scope_properties;
        size_t n_scope_properties;
        SettingsMode settings_mode;
        char *selinux_context;          /* of the machine's processes; NULL: unchanged */
        char *selinux_apifs_context;
        ConsoleMode console;
        bool quiet;
        bool dry_run, cleanup;
        bool check;
        bool json;
        char *read_instead;             /* FILE:OTHER */
        LiveMode live;
} Settings;

void settings_init(Settings *s);
void settings_done(Settings *s);

/* These free the contents of one value. */
void bind_setting_done(BindSetting *b);
void tmpfs_setting_done(TmpfsSetting *t);
void overlay_setting_done(OverlaySetting *o);
void unit_property_setting_done(UnitPropertySetting *p);
void credential_setting_done(CredentialSetting *c);             /* overwrites the secret first */
void string_list_done(StringList *l);
void interface_setting_done(InterfaceSetting *i);
void interface_list_truncate(InterfaceList *l, size_t n);       /* frees all but the first n */

/* The id of LimitNOFILE= for RLIMIT_NOFILE. */
SettingId settings_limit_id(int resource);

/* Results of several settings together. */
StartMode settings_start_mode(const Settings *s);

/* The mode in force: PRIVATE_USERS_MAP with IdMap=. */
PrivateUsers settings_private_users(const Settings *s);

/* Any link setting implies it, unless another source sets Private=no after it: a file can remove links of the unit's
 * switches. */
bool settings_private_network(const Settings *s);

/* Is any link set, even if Private=no removes it? *ret is its setting. For messages. */
bool settings_has_link(const Settings *s, SettingId *ret);

/* Is there a bind mount or tmpfs on "/"? *ret (may be NULL) is the source of the last one. */
bool settings_custom_root(const Settings *s, Source *ret);

/* Does the machine never write to its tree (except through bind mounts)? Then other machines may use it too. */
bool settings_shares_tree(const Settings *s);

bool settings_veth(const Settings *s);                  /* also with Bridge= and Zone= */

/* Is /etc of the machine writable? */
bool settings_etc_writable(const Settings *s);

/* Overwrites and frees the secrets. */
void settings_forget_credentials(Settings *s);
