/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The rows of [X-Resources], once for the ids of settings.h and once for the table: what systemd.resource-control(5) has
 * for a service, under the same names. What their texts mean is util/unit-property.h's.
 *
 * RESOURCE(ID, KEY, METAVAR, FLAGS, HELP), in the manual's order; FLAGS is 0 or SETTING_LIST.
 */

#define RESOURCE_SETTINGS(RESOURCE)                                                                                    \
        RESOURCE(CPU_ACCOUNTING, CPUAccounting, "BOOL", 0, "Count CPU time")                                           \
        RESOURCE(CPU_WEIGHT, CPUWeight, "WEIGHT", 0, "Share of the CPUs beside other units, 1 to 10000; idle")         \
        RESOURCE(STARTUP_CPU_WEIGHT, StartupCPUWeight, "WEIGHT", 0, "The same while the host starts or stops")         \
        RESOURCE(CPU_QUOTA, CPUQuota, "PERCENT", 0, "At most this much CPU time; 100% is one CPU")                     \
        RESOURCE(CPU_QUOTA_PERIOD, CPUQuotaPeriodSec, "TIME", 0, "The period in which that is counted")                \
        RESOURCE(ALLOWED_CPUS, AllowedCPUs, "LIST", 0, "The CPUs that it may run on")                                  \
        RESOURCE(STARTUP_ALLOWED_CPUS, StartupAllowedCPUs, "LIST", 0, "The same while the host starts or stops")       \
        RESOURCE(ALLOWED_MEMORY_NODES, AllowedMemoryNodes, "LIST", 0, "The NUMA nodes that it may have memory of")     \
        RESOURCE(STARTUP_ALLOWED_MEMORY_NODES, StartupAllowedMemoryNodes, "LIST", 0,                                   \
                 "The same while the host starts or stops")                                                            \
        RESOURCE(MEMORY_ACCOUNTING, MemoryAccounting, "BOOL", 0, "Count memory")                                       \
        RESOURCE(MEMORY_MIN, MemoryMin, "SIZE", 0, "Memory that is never taken away from it")                          \
        RESOURCE(MEMORY_LOW, MemoryLow, "SIZE", 0, "Memory that is taken away from others first")                      \
        RESOURCE(STARTUP_MEMORY_LOW, StartupMemoryLow, "SIZE", 0, "The same while the host starts or stops")           \
        RESOURCE(MEMORY_HIGH, MemoryHigh, "SIZE", 0, "Above this much memory it is slowed down")                       \
        RESOURCE(STARTUP_MEMORY_HIGH, StartupMemoryHigh, "SIZE", 0, "The same while the host starts or stops")         \
        RESOURCE(MEMORY_MAX, MemoryMax, "SIZE", 0, "At most this much memory")                                         \
        RESOURCE(STARTUP_MEMORY_MAX, StartupMemoryMax, "SIZE", 0, "The same while the host starts or stops")           \
        RESOURCE(MEMORY_SWAP_MAX, MemorySwapMax, "SIZE", 0, "At most this much swap space")                            \
        RESOURCE(STARTUP_MEMORY_SWAP_MAX, StartupMemorySwapMax, "SIZE", 0, "The same while the host starts or stops")  \
        RESOURCE(MEMORY_ZSWAP_MAX, MemoryZSwapMax, "SIZE", 0, "At most this much compressed swap space")               \
        RESOURCE(STARTUP_MEMORY_ZSWAP_MAX, StartupMemoryZSwapMax, "SIZE", 0,                                           \
                 "The same while the host starts or stops")                                                            \
        RESOURCE(MEMORY_ZSWAP_WRITEBACK, MemoryZSwapWriteback, "BOOL", 0, "Compressed swap may go to disk")            \
        RESOURCE(TASKS_ACCOUNTING, TasksAccounting, "BOOL", 0, "Count processes and threads")                          \
        RESOURCE(TASKS_MAX, TasksMax, "NUMBER", 0, "At most this many processes and threads")                          \
        RESOURCE(IO_ACCOUNTING, IOAccounting, "BOOL", 0, "Count reads and writes of disks")                            \
        RESOURCE(IO_WEIGHT, IOWeight, "WEIGHT", 0, "Share of the disks beside other units, 1 to 10000")                \
        RESOURCE(STARTUP_IO_WEIGHT, StartupIOWeight, "WEIGHT", 0, "The same while the host starts or stops")           \
        RESOURCE(IO_DEVICE_WEIGHT, IODeviceWeight, "DEVICE WEIGHT", SETTING_LIST, "The same for one disk")             \
        RESOURCE(IO_READ_BANDWIDTH_MAX, IOReadBandwidthMax, "DEVICE RATE", SETTING_LIST,                               \
                 "Read at most this many bytes a second of a disk")                                                    \
        RESOURCE(IO_WRITE_BANDWIDTH_MAX, IOWriteBandwidthMax, "DEVICE RATE", SETTING_LIST,                             \
                 "Write at most this many bytes a second to a disk")                                                   \
        RESOURCE(IO_READ_IOPS_MAX, IOReadIOPSMax, "DEVICE RATE", SETTING_LIST, "At most this many reads a second")     \
        RESOURCE(IO_WRITE_IOPS_MAX, IOWriteIOPSMax, "DEVICE RATE", SETTING_LIST, "At most this many writes a second")  \
        RESOURCE(IO_DEVICE_LATENCY_TARGET, IODeviceLatencyTargetSec, "DEVICE TIME", SETTING_LIST,                      \
                 "How long a disk may take before others are slowed down")                                             \
        RESOURCE(IP_ACCOUNTING, IPAccounting, "BOOL", 0, "Count packets and bytes of IP")                              \
        RESOURCE(IP_ADDRESS_ALLOW, IPAddressAllow, "ADDRESS…", SETTING_LIST, "Addresses that it may talk with")        \
        RESOURCE(IP_ADDRESS_DENY, IPAddressDeny, "ADDRESS…", SETTING_LIST, "Addresses that it may not talk with")      \
        RESOURCE(IP_INGRESS_FILTER_PATH, IPIngressFilterPath, "PATH", SETTING_LIST, "A BPF program for packets in")    \
        RESOURCE(IP_EGRESS_FILTER_PATH, IPEgressFilterPath, "PATH", SETTING_LIST, "A BPF program for packets out")     \
        RESOURCE(BPF_PROGRAM, BPFProgram, "TYPE:PATH", SETTING_LIST, "A BPF program of any type")                      \
        RESOURCE(SOCKET_BIND_ALLOW, SocketBindAllow, "RULE", SETTING_LIST, "Ports that it may listen on")              \
        RESOURCE(SOCKET_BIND_DENY, SocketBindDeny, "RULE", SETTING_LIST, "Ports that it may not listen on")            \
        RESOURCE(RESTRICT_NETWORK_INTERFACES, RestrictNetworkInterfaces, "[~]NAME…", SETTING_LIST,                     \
                 "Interfaces that it may use, or (~) may not")                                                         \
        RESOURCE(NFT_SET, NFTSet, "SET…", SETTING_LIST, "Sets of nftables that its cgroup is put into")                \
        RESOURCE(DEVICE_ALLOW, DeviceAllow, "DEVICE [rwm]", SETTING_LIST, "A device that it may use")                  \
        RESOURCE(DEVICE_POLICY, DevicePolicy, "POLICY", 0, "Which devices it may use without that: auto, closed, strict") \
        RESOURCE(MANAGED_OOM_SWAP, ManagedOOMSwap, "auto|kill", 0, "Let systemd-oomd kill it when swap runs short")    \
        RESOURCE(MANAGED_OOM_MEMORY_PRESSURE, ManagedOOMMemoryPressure, "auto|kill", 0,                                \
                 "Let systemd-oomd kill it when it waits for memory")                                                  \
        RESOURCE(MANAGED_OOM_MEMORY_PRESSURE_LIMIT, ManagedOOMMemoryPressureLimit, "PERCENT", 0,                       \
                 "Above this part of its time")                                                                        \
        RESOURCE(MANAGED_OOM_MEMORY_PRESSURE_DURATION, ManagedOOMMemoryPressureDurationSec, "TIME", 0,                 \
                 "For as long as this")                                                                                \
        RESOURCE(MANAGED_OOM_PREFERENCE, ManagedOOMPreference, "none|avoid|omit", 0,                                   \
                 "Let systemd-oomd kill others first")                                                                 \
        RESOURCE(MEMORY_PRESSURE_WATCH, MemoryPressureWatch, "MODE", 0, "Whether its memory pressure is watched")      \
        RESOURCE(MEMORY_PRESSURE_THRESHOLD, MemoryPressureThresholdSec, "TIME", 0,                                     \
                 "How much pressure is worth a word")                                                                  \
        RESOURCE(COREDUMP_RECEIVE, CoredumpReceive, "BOOL", 0, "Core dumps of its processes are handed to it")
