/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The devices that a machine's processes may use, or not: a BPF program on the payload's cgroup, which counts beside that of the
 * unit. The unit's also counts for the supervisor, which needs loop devices for images. So block devices, and what
 * controls them or reads the host's memory, are refused whatever the unit permits, but for those that settings of the machine
 * name. Where the unit has no policy, only those and the devices of every machine are allowed. To detach it takes the host's
 * CAP_NET_ADMIN and CAP_SYS_ADMIN, and bpf(2): a machine without a user namespace has these with Nesting=.
 */

#include <linux/bpf.h>

#include "util/failure.h"

#define DEVICE_ANY UINT32_MAX

typedef struct DeviceRule {
        bool block;
        uint32_t major, minor;  /* DEVICE_ANY */
        uint32_t access;        /* BPF_DEVCG_ACC_x that are allowed; 0: all are refused */
} DeviceRule;

typedef struct DevicePolicy {
        DeviceRule *rules;      /* the first that allows or refuses counts */
        size_t n;
        bool closed;            /* what is not listed is refused */
} DevicePolicy;

void device_policy_done(DevicePolicy *p);

/* "r", "w" and "m" as a mask. Pure. */
uint32_t device_policy_access(const char *text);

/* Allows a device by its number, or by a name as in DeviceAllow= of a unit: "/dev/fuse", "/dev/block/8:0", "block-sd", "char-*",
 * "block-7". One that does not exist is left out. devices_file NULL: /proc/devices. 0 or -ENOMEM. */
int device_policy_allow(DevicePolicy *p, bool block, uint32_t device_major, uint32_t device_minor, const char *access);
int device_policy_allow_name(DevicePolicy *p, const char *name, const char *access, const char *devices_file);

/* The program. 0 or -ENOMEM. Pure. */
int device_policy_compile(const DevicePolicy *p, struct bpf_insn **ret, size_t *ret_n);

/* Has a cgroup itself such a program, as systemd attaches one for DevicePolicy= and DeviceAllow=? -EPERM, …: it is not known. */
int device_policy_of_unit(int cgroup_fd);

/* Attaches it to a cgroup, beside the programs of its parents. -EOPNOTSUPP, -EPERM, …: the kernel cannot, or may not be asked. */
int device_policy_attach(const DevicePolicy *p, int cgroup_fd, Failure *failure);

/* Puts it in the place of the one that device_policy_attach() has attached. 0 also if there is none: a start could not attach
 * one, and only the unit's policy counts. */
int device_policy_replace(const DevicePolicy *p, int cgroup_fd, Failure *failure);
