/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The stages before anything is created: locks of the tree, the name and the range of ids, and the plan with its checks
 * against the host. The supervisor, as root of the host.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "control/server.h"
#include "image/exposure.h"
#include "mount/lxcfs.h"
#include "net/host-port.h"
#include "net/network-namespace.h"
#include "net/udev.h"
#include "payload/machine-state.h"
#include "run/report.h"
#include "run/stage.h"
#include "run/tree-holder.h"
#include "security/apparmor.h"
#include "security/seccomp-bundle.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/log.h"
#include "util/print.h"
#include "util/strv.h"

#define UDEV_USEC (30 * UINT64_C(1000000))      /* a busy host needs seconds */
#define LINK_USEC (60 * UINT64_C(1000000))      /* for all interfaces together; shorter than a unit's TimeoutStartSec= */

static bool shares_tree(const Machine *m)
{
        return m->image.kind == IMAGE_DIRECTORY ? settings_shares_tree(&m->settings) : machine_disk_is_read_only(m);
}

int stage_lock_up(Machine *m, Failure *failure)
{
        if (m->facts.host.environment.no_lock || m->template.image.fd >= 0)
                return 0;       /* a tree that is still to be copied is locked by stage-populate.c */
        return tree_lock(&m->image, shares_tree(m), &m->locks.tree, failure);
}

int stage_lock_check(const Machine *m, Problems *problems)
{
        if (m->facts.host.environment.no_lock || m->template.image.fd >= 0)
                return 0;
        return tree_lock_check(m, shares_tree(m), problems);
}

void stage_lock_down(Machine *m)
{
        image_unlock(&m->locks.tree);
        m->locks.tree = (ImageLock) IMAGE_LOCK_NULL;
}

/* Links, host directories and the directory in /run/box are named after the machine. The lock keeps another start of the same
 * name, from another tree or a shared one, from removing them as leftovers. */
int stage_name_up(Machine *m, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        char process[PROCESS_TEXT_MAX];
        pid_t pid = 0;
        int r;

        r = machine_state_make_shared(NULL, failure);
        if (r >= 0)
                r = machine_state_lock_path(NULL, m->name, &path);
        if (r >= 0)
                r = lock_file_take(path, 0, &m->locks.name);
        if (r == -EBUSY) {
                (void) lock_file_is_held(path, 0, &pid);
                return failure_set(failure, -EEXIST, "A machine '%s' runs already%s; use another name (--machine=)", m->name,
                                   process_text(pid, process));
        }
        return r < 0 ? failure_set(failure, r, "Failed to lock the name '%s': %m", m->name) : 0;
}

void stage_name_down(Machine *m)
{
        lock_file_release(&m->locks.name);
}

/* Clients of the control socket wait until the machine runs. */
int stage_directory_up(Machine *m, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        int r = machine_state_make_dir(NULL, m->name, failure);

        if (r < 0)
                return r;
        if (machine_state_path(NULL, m->name, "control", &path) < 0)
                return -ENOMEM;
        m->control_fd = control_listen(path, failure);
        return m->control_fd < 0 ? m->control_fd : 0;
}

void stage_directory_down(Machine *m)
{
        m->control_fd = fd_close(m->control_fd);
        machine_state_remove(NULL, m->name);
}

/* The base of the range that owns the tree's files on disk; 0: the host's ids. */
static uid_t tree_base(const Machine *m)
{
        return m->facts.tree.owner_uid & ~(uid_t) (ID_RANGE_COUNT - 1);
}

/* The range that the machine would best have; 0: any. */
static uid_t preferred_base(const Machine *m)
{
        return tree_base(m) == ID_RANGE_FOREIGN ? 0 : tree_base(m);
}

static uint32_t pick_count(const Settings *s)
{
        return s->nesting == YES ? ID_RANGE_NESTING_COUNT : ID_RANGE_COUNT;
}

int stage_ids_up(Machine *m, Failure *failure)
{
        const Settings *s = &m->settings;
        IdMap map;

        switch (settings_private_users(s)) {
        case PRIVATE_USERS_NO:
                return 0;
        case PRIVATE_USERS_IDENTITY:
                m->range.count = ID_RANGE_COUNT;
                return 0;
        case PRIVATE_USERS_PICK:
                return id_range_pick(NULL, NULL, m->name, preferred_base(m), pick_count(s), &m->range, failure);
        case PRIVATE_USERS_MAP:
                map = plan_written_map(s);
                return id_range_lock_map(NULL, &map, &m->range, failure);
        case PRIVATE_USERS_TREE:
                return id_range_lock(NULL, tree_base(m), ID_RANGE_COUNT, &m->range, failure);
        default:
                return id_range_lock(NULL, s->private_users_base, s->private_users_count, &m->range, failure);
        }
}

/* The range that is likely: it is only certain once it is locked, which a dry run does not do. */
void stage_ids_preview(Machine *m)
{
        const Settings *s = &m->settings;
        PrivateUsers mode = settings_private_users(s);

        m->range = (IdRange) ID_RANGE_NULL;
        m->range.count = mode == PRIVATE_USERS_NO ? 0 : mode == PRIVATE_USERS_PICK ? pick_count(s) : ID_RANGE_COUNT;
        if (mode == PRIVATE_USERS_TREE || (mode == PRIVATE_USERS_PICK && preferred_base(m) != 0))
                m->range.base = tree_base(m);
        else if (mode == PRIVATE_USERS_PICK)
                m->range.base = id_range_of_name(m->name);
        else if (mode == PRIVATE_USERS_FIXED) {
                m->range.base = s->private_users_base;
                m->range.count = s->private_users_count;
        }
}

void stage_ids_down(Machine *m)
{
        id_range_done(&m->range);
        m->range = (IdRange) ID_RANGE_NULL;
}

static int check_apparmor(Machine *m, Problems *problems)
{
        Plan *p = &m->plan;
        /* box@.service has --quiet, too, but its journal is read. */
        bool missing = false, silent = machine_is_dry(m) || (m->settings.quiet && !m->settings.keep_unit);
        int r;

        if (!p->apparmor_profile) {
                if (!silent && !m->settings.apparmor_profile && m->facts.host.apparmor == APPARMOR_MISSING)
                        log_notice(0, "Machine '%s': AppArmor profile '" APPARMOR_MACHINE "' is not loaded, ignoring "
                                   "(AppArmorProfile=unconfined: on purpose)", m->name);
                return 0;
        }
        r = apparmor_check(NULL, p->apparmor_profile, p->apparmor_optional, m->settings.from[SETTING_APPARMOR_PROFILE],
                           &missing, problems);
        if (missing)
                free(TAKE_PTR(p->apparmor_profile));
        return r;
}

static bool udev_is_done(void *ifindex)
{
        return udev_has_finished(NULL, *(int *) ifindex);
}

typedef struct LinkWaiting {
        Machine *machine;
        const LinkOp *op;               /* that the service manager was told about; NULL: none yet */
        uint64_t until_usec;
} LinkWaiting;

static int wait_for_udev(void *userdata, int ifindex)
{
        Machine *m = ((LinkWaiting *) userdata)->machine;
        sd_device_monitor *monitor;
        sd_event *event;
        int r;

        if (udev_is_done(&ifindex))
                return 0;
        r = loop_event(&m->loop, &event);
        if (r >= 0)
                r = udev_watch(event, &monitor);
        if (r < 0)
                return r;
        r = loop_wait(&m->loop, udev_is_done, &ifindex, UDEV_USEC);
        sd_device_monitor_unref(monitor);
        return r;
}

static int wait_for_links(void *userdata, const LinkOp *op, int fd)
{
        const uint64_t now = clock_usec(CLOCK_MONOTONIC);
        LinkWaiting *w = userdata;

        if (!w->op) {
                w->until_usec = now + LINK_USEC;
                /* The bus ends connections that are not used within half a minute of their beginning. */
                stage_bus_down(w->machine);
        }
        if (w->op != op) {
                log_info(0, "Waiting for interface %s (%s)", op->bridge ?: op->host_name, link_op_setting(op));
                (void) sd_notifyf(/* unset_environment= */ 0, "STATUS=Waiting for interface %s (%s)", op->bridge ?: op->host_name,
                                  link_op_setting(op));
        }
        w->op = op;
        return now >= w->until_usec ? -ETIMEDOUT : loop_wait_readable_for(&w->machine->loop, fd, w->until_usec - now);
}

/* Do files that root of the machine creates in the tree belong to root on the host? */
static bool makes_root_files(const Machine *m)
{
        if (m->plan.first_id != 0 || settings_shares_tree(&m->settings) || m->image.kind != IMAGE_DIRECTORY)
                return false;
        return m->plan.idmap_tree ? tree_base(m) == 0 : m->plan.owner == 0;
}

/* The same of a bind, whose source is st. */
static bool makes_root_files_in(const Machine *m, const BindSetting *b, const struct stat *st)
{
        if (b->read_only || m->plan.first_id != 0 || !(S_ISDIR(st->st_mode) || S_ISREG(st->st_mode)))
                return false;
        if (!m->plan.userns || b->idmap == BIND_NOIDMAP)
                return m->plan.owner == 0;
        return b->idmap == BIND_IDMAP || st->st_uid == 0;
}

/* Warns of the first place where a set-user-ID program of the machine could be executed by a user of the host. */
static int check_exposure(const Machine *m, Problems *problems)
{
        static const char why[] = "users of the host can execute set-user-ID programs that root of the machine creates";
        const Settings *s = &m->settings;
        _cleanup_free_ char *open_to_all = NULL;
        int r = 0;

        if (makes_root_files(m))
                r = exposure_find(m->image.fd, &open_to_all);
        if (r > 0)
                return problem_warning(problems, (Source) {}, "The tree %s is in a directory that is open to all, where %s; "
                                       "close it: chmod 0700 %s", m->image.path, why, open_to_all);
        for (size_t i = 0; r >= 0 && i < s->n_binds; i++) {
                const BindSetting *b = &s->binds[i];
                _cleanup_close_ int fd = b->source && !b->in_tree ? open(b->source, O_PATH | O_CLOEXEC) : -EBADF;
                struct stat st;

                if (fd < 0 || fstat(fd, &st) < 0 || !makes_root_files_in(m, b, &st))
                        continue;
                r = exposure_find(fd, &open_to_all);
                if (r > 0)
                        return problem_warning(problems, b->from, "%s is in a directory that is open to all (%s), where %s; "
                                               "keep it in one of mode 0700", b->source, open_to_all, why);
        }
        return r;
}

/* Of two machines with one id (a tree and its copy) the first has the journal directory. A dry run only looks. */
static int claim_journal(Machine *m, const char *id)
{
        _cleanup_free_ char *path = NULL;
        char holder[LOCK_FILE_HOLDER_MAX] = "";
        bool held;
        int r;

        r = strf(&path, JOURNAL_LOCK_DIR "/%s", id);
        if (r >= 0 && !machine_is_dry(m))
                r = fd_mkdir(JOURNAL_LOCK_DIR, 0755);
        if (r < 0)
                return r;
        if (machine_is_dry(m))
                held = lock_file_read_holder(path, holder) && strcmp(holder, m->name) != 0;
        else {
                r = lock_file_take(path, 0, &m->locks.journal);
                if (r >= 0)
                        return lock_file_write_holder(&m->locks.journal, m->name);
                if (r != -EBUSY)
                        return r;
                (void) lock_file_read_holder(path, holder);
                held = true;
        }
        return held ? free_and_strdup(&m->journal.holder, holder) : 0;
}

/* The state of the directory, from where no other machine can change it. */
static int read_journal(Machine *m, const char *id)
{
        int r = journal_facts_read(NULL, id, &m->journal);

        if (r < 0 || !journal_is_wanted(&m->settings, &m->journal))
                return r;
        r = claim_journal(m, id);
        if (r < 0 || m->locks.journal.fd < 0)
                return r;
        journal_facts_done(&m->journal);
        return journal_facts_read(NULL, id, &m->journal);
}

static bool runs(const Machine *m)
{
        MachineState state = {};
        bool found = machine_state_read(NULL, m->name, &state) >= 0;

        machine_state_done(&state);
        return found;
}

/* An interface that the machine has taken is not on the host while it runs. */
static int check_links(const Machine *m, const LinksWait *wait, Problems *problems)
{
        const LinkPlan *p = &m->plan.network.links;
        int r = 0;

        if (!machine_is_dry(m) || !runs(m))
                return links_check(p, m->name, wait, problems);
        for (size_t i = 0; r >= 0 && i < p->n; i++) {
                const LinkPlan one = { &p->ops[i], 1 };

                r = one.ops->kind == LINK_MOVE ? 0 : links_check(&one, m->name, wait, problems);
        }
        return r;
}

int stage_plan_decide(Machine *m, Problems *problems)
{
        PlanInput in = {
                .settings = &m->settings,
                .host = &m->facts.host,
                .tree = &m->facts.tree,
                .host_files = &m->facts.host_files,
                .users = &m->facts.users,
                .credentials = &m->credentials,
                .journal = &m->journal,
                .user = m->facts.user.name ? &m->facts.user : NULL,
                .user_error = m->facts.user_error,
                .machine = m->name,
                .image_root = m->image.path,
                .template = m->template.image.path,
                .disk = m->disk.layout.n > 0 ? &m->disk.layout : NULL,
                .range_base = m->range.base,
                .range_count = m->range.count,
        };
        LinkWaiting waiting = { .machine = m };
        /* By hand, a missing interface is a mistake; in a unit, it may be early in the host's boot. */
        const LinksWait wait = { wait_for_udev, m->settings.keep_unit ? wait_for_links : NULL, &waiting };
        char id[33];
        int r;

        plan_machine_id(&in, id);
        r = stage_resources_ask(m, problems);
        if (r >= 0)
                r = read_journal(m, id);
        if (r >= 0)
                r = plan_make(&in, &m->plan, problems);
        if (r >= 0)
                r = check_links(m, m->loop.is_open && problems->n_fatal == 0 ? &wait : NULL, problems);
        if (waiting.op)
                (void) stage_bus_up(m, &m->registration.bus_failure);
        if (r >= 0)
                r = network_namespace_check(&m->plan.network, problems);
        /* A start locks them. */
        if (r >= 0 && machine_is_dry(m))
                r = host_port_check(&m->plan.network, m->name, NULL, problems);
        if (r >= 0)
                r = lxcfs_check(&m->settings, NULL, problems);
        if (r >= 0)
                r = check_exposure(m, problems);
        return r < 0 ? r : check_apparmor(m, problems);
}

int stage_plan_filter(Machine *m, Failure *failure)
{
        SeccompSpec spec = plan_seccomp(&m->plan);

        if (m->plan.oci && m->plan.oci->seccomp)
                return seccomp_bundle_make(m->plan.oci->seccomp, &m->seccomp, failure);
        return seccomp_program_make(&spec, &m->seccomp, failure);
}

int stage_plan_up(Machine *m, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = {};
        int r;

        r = stage_plan_decide(m, &problems);
        if (r >= 0)
                r = report_problems(&problems, failure);
        return r < 0 ? r : stage_plan_filter(m, failure);
}

void stage_plan_down(Machine *m)
{
        seccomp_program_done(&m->seccomp);
        m->seccomp = (SeccompProgram) SECCOMP_PROGRAM_NULL;
        plan_done(&m->plan);
        journal_facts_done(&m->journal);
        lock_file_release(&m->locks.journal);
}
