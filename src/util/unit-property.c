/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties of units, and their plain values (see unit-property.h; unit-property-lists.c reads lists). Texts are those
 * of systemd.resource-control(5), types those of org.freedesktop.systemd1(5). The host's systemd decides which of them
 * it has and accepts. boxctl and the supervisor; pure; the text may be anything at all.
 */

#include <inttypes.h>
#include <string.h>

#include "util/parse.h"
#include "util/print.h"
#include "util/quantity.h"
#include "util/strv.h"
#include "util/text.h"
#include "util/unit-property-values.h"

/* Weights: kernel's cgroup v2, and systemd's word for SCHED_IDLE. */
enum { WEIGHT_MIN = 1, WEIGHT_MAX = 10000, WEIGHT_IDLE = 0 };

#define PERMYRIAD_ALL UINT64_C(10000)

enum { PROPERTY_NAME_MAX = 64 };

void unit_property_done(UnitProperty *p)
{
        for (size_t i = 0; i < p->n_values; i++)
                free(p->values[i].data);
        free(p->values);
        strv_free(p->own);
        *p = (UnitProperty) {};
}

/* ---- plain values ----------------------------------------------------------------------------------------------- */

static int parse_flag(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        bool b;

        if (parse_bool(text, &b) < 0)
                return failure_set(failure, -EINVAL, "not a boolean (yes or no)");
        return unit_value_add(p, 'b', b);
}

static int weight(const char *text, uint64_t *ret)
{
        uint64_t v;

        if (parse_u64(text, &v) < 0 || v < WEIGHT_MIN || v > WEIGHT_MAX)
                return -EINVAL;
        *ret = v;
        return 0;
}

static int parse_weight(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        bool cpu = strstr(row->key, "CPU");
        uint64_t v;

        if (cpu && strcmp(text, "idle") == 0)
                v = WEIGHT_IDLE;
        else if (weight(text, &v) < 0)
                return failure_set(failure, -EINVAL, "not a weight from %d to %d%s", WEIGHT_MIN, WEIGHT_MAX,
                                   cpu ? ", nor \"idle\"" : "");
        return unit_value_add(p, 't', v);
}

/* "yes" and "no" may be written as other booleans too. */
static int parse_choice(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        char list[128] = "";
        size_t n = 0;
        bool b;

        for (size_t i = 0; row->words[i]; i++) {
                if (strcmp(text, row->words[i]) == 0 ||
                    (parse_bool(text, &b) >= 0 && strcmp(row->words[i], b ? "yes" : "no") == 0))
                        return unit_value_add_text(p, row->words[i]);
                if (n < sizeof(list))
                        n += (size_t) snprintf(list + n, sizeof(list) - n, "%s %s", i > 0 ? "," : "", row->words[i]);
        }
        return failure_set(failure, -EINVAL, "not one of%s", list);
}

/* 100% is UINT32_MAX. systemd multiplies: it knows the total. */
static int add_scale(UnitProperty *p, uint64_t permyriad, Failure *failure)
{
        if (permyriad > PERMYRIAD_ALL)
                return failure_set(failure, -EINVAL, "more than 100%%");
        return unit_value_add(p, 'u', (permyriad * UINT32_MAX + PERMYRIAD_ALL / 2) / PERMYRIAD_ALL);
}

static int parse_part(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        uint64_t permyriad;

        if (parse_permyriad(text, &permyriad) < 0)
                return failure_set(failure, -EINVAL, "not a percentage");
        return add_scale(p, permyriad, failure);
}

/* A number, "infinity" or a percentage; a percentage is another property. */
static int parse_limit(const UnitPropertyRow *row, const char *text, int (*number)(const char *, uint64_t *),
                       const char *what, UnitProperty *p, Failure *failure)
{
        uint64_t v;

        if (strcmp(text, "infinity") == 0)
                return unit_value_add(p, 't', UINT64_MAX);
        if (parse_permyriad(text, &v) >= 0) {
                p->name = row->scale_name;
                p->type = "u";
                return add_scale(p, v, failure);
        }
        if (number(text, &v) < 0 || v == UINT64_MAX)
                return failure_set(failure, -EINVAL, "neither %s, nor a percentage, nor \"infinity\"", what);
        return unit_value_add(p, 't', v);
}

static int parse_memory(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        return parse_limit(row, text, parse_size, "a size in bytes (K, M, G, T)", p, failure);
}

static int parse_tasks(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        return parse_limit(row, text, parse_u64, "a number", p, failure);
}

/* Of one CPU, in µs a second. */
static int parse_quota(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        uint64_t permyriad;

        if (parse_permyriad(text, &permyriad) < 0 || permyriad == 0 || permyriad > UINT32_MAX)
                return failure_set(failure, -EINVAL, "not a percentage of one CPU, above 0%%");
        return unit_value_add(p, 't', permyriad * (USEC_PER_SEC / PERMYRIAD_ALL));
}

static int span(const char *text, uint64_t *ret)
{
        if (strcmp(text, "infinity") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }
        return parse_time_span(text, USEC_PER_SEC, ret);
}

static int parse_span(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        uint64_t usec;

        if (span(text, &usec) < 0)
                return failure_set(failure, -EINVAL, "not a time span (5min, 100ms, infinity)");
        return unit_value_add(p, 't', usec);
}

static int parse_text(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        if (!text_is_utf8(text, strlen(text)) || text_has_control(text, strlen(text)))
                return failure_set(failure, -EINVAL, "not a line of text");
        return unit_value_add_text(p, text);
}

static int parse_signal_value(const UnitPropertyRow *row, const char *text, UnitProperty *p, Failure *failure)
{
        int sig;

        if (parse_signal(text, &sig) < 0)
                return failure_set(failure, -EINVAL, "not a signal");
        return unit_value_add(p, 'i', (uint64_t) sig);
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static const char *const words_device_policy[] = { "auto", "closed", "strict", NULL };
static const char *const words_oom_mode[] = { "auto", "kill", NULL };
static const char *const words_oom_preference[] = { "none", "avoid", "omit", NULL };
static const char *const words_pressure_watch[] = { "auto", "yes", "no", "skip", NULL };
static const char *const words_kill_mode[] = { "control-group", "mixed", "process", "none", NULL };
static const char *const words_collect_mode[] = { "inactive", "inactive-or-failed", NULL };
static const char *const words_oom_policy[] = { "continue", "stop", "kill", NULL };

#define FLAG(k)         { k, NULL, "b", parse_flag }
#define WEIGHT(k)       { k, NULL, "t", parse_weight }
#define MEMORY(k)       { k, NULL, "t", parse_memory, .scale_name = k "Scale" }
#define INDICES(k)      { k, NULL, "ay", unit_property_parse_indices }
#define DEVICES(k, n, q) { k, n, "a(st)", unit_property_parse_device_quantity, .quantity = q }
#define CHOICE(k, w)    { k, NULL, "s", parse_choice, .words = w }
#define UNITS(k)        { k, NULL, "as", unit_property_parse_words, .unit_only = true }

static const UnitPropertyRow rows[] = {
        FLAG("CPUAccounting"), WEIGHT("CPUWeight"), WEIGHT("StartupCPUWeight"),
        { "CPUQuota", "CPUQuotaPerSecUSec", "t", parse_quota },
        { "CPUQuotaPeriodSec", "CPUQuotaPeriodUSec", "t", parse_span },
        INDICES("AllowedCPUs"), INDICES("StartupAllowedCPUs"),
        INDICES("AllowedMemoryNodes"), INDICES("StartupAllowedMemoryNodes"),

        FLAG("MemoryAccounting"), MEMORY("MemoryMin"), MEMORY("MemoryLow"), MEMORY("StartupMemoryLow"),
        MEMORY("MemoryHigh"), MEMORY("StartupMemoryHigh"), MEMORY("MemoryMax"), MEMORY("StartupMemoryMax"),
        MEMORY("MemorySwapMax"), MEMORY("StartupMemorySwapMax"), MEMORY("MemoryZSwapMax"),
        MEMORY("StartupMemoryZSwapMax"), FLAG("MemoryZSwapWriteback"),

        FLAG("TasksAccounting"), { "TasksMax", NULL, "t", parse_tasks, .scale_name = "TasksMaxScale" },

        FLAG("IOAccounting"), WEIGHT("IOWeight"), WEIGHT("StartupIOWeight"),
        DEVICES("IODeviceWeight", NULL, weight),
        DEVICES("IOReadBandwidthMax", NULL, parse_rate), DEVICES("IOWriteBandwidthMax", NULL, parse_rate),
        DEVICES("IOReadIOPSMax", NULL, parse_rate), DEVICES("IOWriteIOPSMax", NULL, parse_rate),
        DEVICES("IODeviceLatencyTargetSec", "IODeviceLatencyTargetUSec", span),

        FLAG("IPAccounting"),
        { "IPAddressAllow", NULL, "a(iayu)", unit_property_parse_addresses },
        { "IPAddressDeny", NULL, "a(iayu)", unit_property_parse_addresses },
        { "IPIngressFilterPath", NULL, "as", unit_property_parse_path, .new_only = true },
        { "IPEgressFilterPath", NULL, "as", unit_property_parse_path, .new_only = true },
        { "BPFProgram", NULL, "a(ss)", unit_property_parse_bpf_program, .new_only = true },
        { "SocketBindAllow", NULL, "a(iiqq)", unit_property_parse_bind_rule },
        { "SocketBindDeny", NULL, "a(iiqq)", unit_property_parse_bind_rule },
        { "RestrictNetworkInterfaces", NULL, "(bas)", unit_property_parse_interfaces },
        { "NFTSet", NULL, "a(iiss)", unit_property_parse_nft_sets },

        { "DeviceAllow", NULL, "a(ss)", unit_property_parse_device_allow },
        CHOICE("DevicePolicy", words_device_policy),

        CHOICE("ManagedOOMSwap", words_oom_mode), CHOICE("ManagedOOMMemoryPressure", words_oom_mode),
        { "ManagedOOMMemoryPressureLimit", NULL, "u", parse_part },
        { "ManagedOOMMemoryPressureDurationSec", "ManagedOOMMemoryPressureDurationUSec", "t", parse_span },
        CHOICE("ManagedOOMPreference", words_oom_preference),
        { "MemoryPressureWatch", NULL, "s", parse_choice, .words = words_pressure_watch, .new_only = true },
        { "MemoryPressureThresholdSec", "MemoryPressureThresholdUSec", "t", parse_span, .new_only = true },
        { "CoredumpReceive", NULL, "b", parse_flag, .new_only = true },

        { "Description", NULL, "s", parse_text, .unit_only = true },
        { "Documentation", NULL, "as", unit_property_parse_words, .unit_only = true },
        { "Slice", NULL, "s", parse_text, .unit_only = true },
        { "CollectMode", NULL, "s", parse_choice, .words = words_collect_mode, .unit_only = true },
        { "DefaultDependencies", NULL, "b", parse_flag, .unit_only = true },
        UNITS("After"), UNITS("Before"), UNITS("Requires"), UNITS("Requisite"), UNITS("Wants"), UNITS("BindsTo"),
        UNITS("PartOf"), UNITS("Upholds"), UNITS("Conflicts"), UNITS("RequiresMountsFor"), UNITS("WantsMountsFor"),
        UNITS("OnFailure"), UNITS("OnSuccess"),
        { "KillMode", NULL, "s", parse_choice, .words = words_kill_mode, .unit_only = true },
        { "KillSignal", NULL, "i", parse_signal_value, .unit_only = true },
        { "FinalKillSignal", NULL, "i", parse_signal_value, .unit_only = true },
        { "SendSIGKILL", NULL, "b", parse_flag, .unit_only = true },
        { "SendSIGHUP", NULL, "b", parse_flag, .unit_only = true },
        { "TimeoutStopSec", "TimeoutStopUSec", "t", parse_span, .unit_only = true },
        { "RuntimeMaxSec", "RuntimeMaxUSec", "t", parse_span, .unit_only = true },
        { "RuntimeRandomizedExtraSec", "RuntimeRandomizedExtraUSec", "t", parse_span, .unit_only = true },
        { "OOMPolicy", NULL, "s", parse_choice, .words = words_oom_policy, .unit_only = true },
};

static const UnitPropertyRow *find_row(const char *key)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (strcmp(rows[i].key, key) == 0)
                        return &rows[i];
        return NULL;
}

bool unit_property_is_for_new_units(const char *key)
{
        const UnitPropertyRow *row = find_row(key);

        return row && row->new_only;
}

static UnitProperty new_property(const UnitPropertyRow *row)
{
        const char *name = row->name ? row->name : row->key;

        return (UnitProperty) { .key = row->key, .name = name, .read_name = name, .type = row->type };
}

static bool ends_with(const char *text, const char *end)
{
        size_t n = strlen(text), n_end = strlen(end);

        return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static int set_own(UnitProperty *p, const char **field, const char *text)
{
        if (strv_extend(&p->own, text) < 0)
                return -ENOMEM;
        *field = p->own[strv_length(p->own) - 1];
        return 0;
}

bool unit_property_is_name(const char *key)
{
        size_t n = strlen(key);

        if (n == 0 || n > PROPERTY_NAME_MAX || key[0] < 'A' || key[0] > 'Z')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!((key[i] >= 'a' && key[i] <= 'z') || (key[i] >= 'A' && key[i] <= 'Z') || (key[i] >= '0' && key[i] <= '9')))
                        return false;
        return true;
}

static int new_unknown(const char *key, UnitProperty *ret, Failure *failure)
{
        char name[PROPERTY_NAME_MAX + sizeof("USec")];
        _cleanup_(unit_property_done) UnitProperty p = {};

        if (!unit_property_is_name(key))
                return failure_set(failure, -EINVAL, "not the name of a unit property");
        /* A time span has "Sec" in files, and "USec" on the bus. */
        if (ends_with(key, "Sec") && !ends_with(key, "USec"))
                (void) snprintf(name, sizeof(name), "%.*sUSec", (int) strlen(key) - 3, key);
        else
                (void) snprintf(name, sizeof(name), "%s", key);
        if (set_own(&p, &p.key, key) < 0 || set_own(&p, &p.name, name) < 0)
                return -ENOMEM;
        p.read_name = p.name;

        *ret = p;
        p = (UnitProperty) {};
        return 0;
}

static bool is_in_scope(const UnitPropertyRow *row, UnitPropertyScope scope)
{
        return !row->unit_only || scope == UNIT_ANY;
}

int unit_property_parse(UnitPropertyScope scope, const char *key, const char *text, UnitProperty *ret, Failure *failure)
{
        const UnitPropertyRow *row = find_row(key);
        UnitProperty p;
        int r;

        if (!row || !is_in_scope(row, scope))
                return new_unknown(key, ret, failure);

        p = new_property(row);
        r = row->parse(row, text, &p, failure);
        if (r < 0) {
                unit_property_done(&p);
                return r;
        }
        *ret = p;
        return 0;
}

/* ---- properties that are not in the table ------------------------------------------------------------------------ */

/* As systemd's: a percentage is NAMEScale, the part of a total that it knows. */
static int set_unsigned(UnitProperty *p, const char *text, Failure *failure)
{
        char scale[PROPERTY_NAME_MAX + sizeof("Scale")];
        uint64_t v;
        int r;

        if (ends_with(p->name, "USec"))
                return parse_span(NULL, text, p, failure);
        if (parse_permyriad(text, &v) >= 0) {
                (void) snprintf(scale, sizeof(scale), "%sScale", p->name);
                r = set_own(p, &p->name, scale);
                if (r < 0)
                        return r;
                p->type = "u";
                return add_scale(p, v, failure);
        }
        if (strcmp(text, "infinity") == 0)
                v = UINT64_MAX;
        else if (parse_size(text, &v) < 0)
                return failure_set(failure, -EINVAL, "neither a number (K, M, G, T), nor a percentage, nor \"infinity\"");
        return unit_value_add(p, 't', v);
}

static int set_u32(UnitProperty *p, const char *text, Failure *failure)
{
        uint64_t permyriad;
        uint32_t v;

        if (parse_permyriad(text, &permyriad) >= 0)
                return add_scale(p, permyriad, failure);
        if (parse_u32(text, &v) < 0)
                return failure_set(failure, -EINVAL, "neither a number nor a percentage");
        return unit_value_add(p, 'u', v);
}

static int set_i32(UnitProperty *p, const char *text, Failure *failure)
{
        bool negative = *text == '-';
        uint32_t v;

        if (ends_with(p->name, "Signal"))
                return parse_signal_value(NULL, text, p, failure);
        if (parse_u32(text + negative, &v) < 0 || v > INT32_MAX)
                return failure_set(failure, -EINVAL, "not a number");
        return unit_value_add(p, 'i', (uint64_t) (negative ? -(int64_t) v : (int64_t) v));
}

int unit_property_set_type(UnitProperty *p, const char *type, const char *text, Failure *failure)
{
        int r = set_own(p, &p->type, type);

        if (r < 0)
                return r;
        if (strcmp(type, "s") == 0)
                return parse_text(NULL, text, p, failure);
        if (strcmp(type, "b") == 0)
                return parse_flag(NULL, text, p, failure);
        if (strcmp(type, "t") == 0)
                return set_unsigned(p, text, failure);
        if (strcmp(type, "u") == 0)
                return set_u32(p, text, failure);
        if (strcmp(type, "i") == 0)
                return set_i32(p, text, failure);
        if (strcmp(type, "as") == 0)
                return unit_property_parse_words(NULL, text, p, failure);
        return failure_set(failure, -EINVAL, "values of this property (of type %.64s) cannot be written here; set it in a "
                           "drop-in of the unit", type);
}

int unit_property_device_allow(const char *path, bool writable, UnitProperty *ret)
{
        UnitProperty p = new_property(find_row("DeviceAllow"));

        if (unit_value_add_text(&p, path) < 0 || unit_value_add_text(&p, writable ? "rw" : "r") < 0) {
                unit_property_done(&p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

/* ---- for people ------------------------------------------------------------------------------------------------- */

static void print_value(const UnitValue *v, FILE *f)
{
        if (v->type == 's') {
                fprintf(f, " \"%s\"", (const char *) v->data);
                return;
        }
        if (v->type != 'y') {
                fprintf(f, " %" PRIu64, v->number);
                return;
        }
        fprintf(f, " 0x");
        for (size_t i = 0; i < v->size; i++)
                fprintf(f, "%02x", ((const uint8_t *) v->data)[i]);
}

char *unit_property_text(const UnitProperty *p)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return NULL;
        fprintf(f, "%s%s%s", p->name, p->type ? " " : "", p->type ?: "");
        for (size_t i = 0; i < p->n_values; i++)
                print_value(&p->values[i], f);
        return memory_stream_take(&m);
}

size_t unit_property_find_in_text(const UnitProperty *const *properties, size_t n, const char *text)
{
        for (size_t i = 0; i < n; i++)
                if (text_has_word(text, properties[i]->name) || text_has_word(text, properties[i]->key))
                        return i;
        return n;
}
