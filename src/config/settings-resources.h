/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The rows of [X-Resources], for the ids of settings.h and for the table: the settings of systemd.resource-control(5)
 * for services, under the same names. Their values are parsed by util/unit-property.h.
 *
 * RESOURCE(ID, KEY, METAVAR, FLAGS, HELP), in the manual's order; FLAGS is 0 or SETTING_LIST.
 */

#define RESOURCE_SETTINGS(RESOURCE)                                                                                    \
        RESOURCE(CPU_ACCOUNTING, CPUAccounting, "BOOL", 0, "Count CPU time")                                           \
        RESOURCE(CPU_WEIGHT, CPUWeight, "WEIGHT", 0, "Share of CPU time relative to other units, 1 to 10000; idle")    \
        RESOURCE(STARTUP_CPU_WEIGHT, StartupCPUWeight, "WEIGHT", 0, "The same while the host starts or stops")         \
        RESOURCE(CPU_QUOTA, CPUQuota, "PERCENT", 0, "At most this much CPU time; 100% is one CPU")                     \
        RESOURCE(CPU_QUOTA_PERIOD, CPUQuotaPeriodSec, "TIME", 0, "Period of CPUQuota=")                                \
        RESOURCE(ALLOWED_CPUS, AllowedCPUs, "LIST", 0, "CPUs to run on")                                               \
        RESOURCE(STARTUP_ALLOWED_CPUS, StartupAllowedCPUs, "LIST", 0, "The same while the host starts or stops")       \
        RESOURCE(ALLOWED_MEMORY_NODES, AllowedMemoryNodes, "LIST", 0, "NUMA nodes to allocate memory from")            \
        RESOURCE(STARTUP_ALLOWED_MEMORY_NODES, StartupAllowedMemoryNodes, "LIST", 0,                                   \
                 "The same while the host starts or stops")                                                            \
        RESOURCE(MEMORY_ACCOUNTING, MemoryAccounting, "BOOL", 0, "Count memory")                                       \
        RESOURCE(MEMORY_MIN, MemoryMin, "SIZE", 0, "Memory that is never reclaimed")                                   \
        RESOURCE(MEMORY_LOW, MemoryLow, "SIZE", 0, "Memory that is only reclaimed if no other can be")                 \
        RESOURCE(STARTUP_MEMORY_LOW, StartupMemoryLow, "SIZE", 0, "The same while the host starts or stops")           \
        RESOURCE(MEMORY_HIGH, MemoryHigh, "SIZE", 0, "Memory above which it is throttled")                             \
        RESOURCE(STARTUP_MEMORY_HIGH, StartupMemoryHigh, "SIZE", 0, "The same while the host starts or stops")         \
        RESOURCE(MEMORY_MAX, MemoryMax, "SIZE", 0, "At most this much memory")                                         \
        RESOURCE(STARTUP_MEMORY_MAX, StartupMemoryMax, "SIZE", 0, "The same while the host starts or stops")           \
        RESOURCE(MEMORY_SWAP_MAX, MemorySwapMax, "SIZE", 0, "At most this much swap space")                            \
        RESOURCE(STARTUP_MEMORY_SWAP_MAX, StartupMemorySwapMax, "SIZE", 0, "The same while the host starts or stops")  \
        RESOURCE(MEMORY_ZSWAP_MAX, MemoryZSwapMax, "SIZE", 0, "At most this much compressed swap space")               \
        RESOURCE(STARTUP_MEMORY_ZSWAP_MAX, StartupMemoryZSwapMax, "SIZE", 0,                                           \
                 "The same while the host starts or stops")                                                            \
        RESOURCE(MEMORY_ZSWAP_WRITEBACK, MemoryZSwapWriteback, "BOOL", 0, "Write compressed swap to disk")             \
        RESOURCE(TASKS_ACCOUNTING, TasksAccounting, "BOOL", 0, "Count processes and threads")                          \
        RESOURCE(TASKS_MAX, TasksMax, "NUMBER", 0, "At most this many processes and threads")                          \
        RESOURCE(IO_ACCOUNTING, IOAccounting, "BOOL", 0, "Count reads and writes of disks")                            \
        RESOURCE(IO_WEIGHT, IOWeight, "WEIGHT", 0, "Share of disk I/O relative to other units, 1 to 10000")            \
        RESOURCE(STARTUP_IO_WEIGHT, StartupIOWeight, "WEIGHT", 0, "The same while the host starts or stops")           \
        RESOURCE(IO_DEVICE_WEIGHT, IODeviceWeight, "DEVICE WEIGHT", SETTING_LIST, "The same for one disk")             \
        RESOURCE(IO_READ_BANDWIDTH_MAX, IOReadBandwidthMax, "DEVICE RATE", SETTING_LIST,                               \
                 "At most this many bytes read per second")                                                            \
        RESOURCE(IO_WRITE_BANDWIDTH_MAX, IOWriteBandwidthMax, "DEVICE RATE", SETTING_LIST,                             \
                 "At most this many bytes written per second")                                                         \
        RESOURCE(IO_READ_IOPS_MAX, IOReadIOPSMax, "DEVICE RATE", SETTING_LIST, "At most this many reads per second")   \
        RESOURCE(IO_WRITE_IOPS_MAX, IOWriteIOPSMax, "DEVICE RATE", SETTING_LIST, "At most this many writes per second")\
        RESOURCE(IO_DEVICE_LATENCY_TARGET, IODeviceLatencyTargetSec, "DEVICE TIME", SETTING_LIST,                      \
                 "I/O latency to protect by throttling other units")                                                   \
        RESOURCE(IP_ACCOUNTING, IPAccounting, "BOOL", 0, "Count packets and bytes of IP")                              \
        RESOURCE(IP_ADDRESS_ALLOW, IPAddressAllow, "ADDRESS…", SETTING_LIST, "Allow traffic with these addresses")     \
        RESOURCE(IP_ADDRESS_DENY, IPAddressDeny, "ADDRESS…", SETTING_LIST, "Block traffic with these addresses")       \
        RESOURCE(IP_INGRESS_FILTER_PATH, IPIngressFilterPath, "PATH", SETTING_LIST, "BPF program for incoming packets")\
        RESOURCE(IP_EGRESS_FILTER_PATH, IPEgressFilterPath, "PATH", SETTING_LIST, "BPF program for outgoing packets")  \
        RESOURCE(BPF_PROGRAM, BPFProgram, "TYPE:PATH", SETTING_LIST, "BPF program of any type")                        \
        RESOURCE(SOCKET_BIND_ALLOW, SocketBindAllow, "RULE", SETTING_LIST, "Ports that programs may bind")             \
        RESOURCE(SOCKET_BIND_DENY, SocketBindDeny, "RULE", SETTING_LIST, "Ports that programs may not bind")           \
        RESOURCE(RESTRICT_NETWORK_INTERFACES, RestrictNetworkInterfaces, "[~]NAME…", SETTING_LIST,                     \
                 "Network interfaces to allow, or (~) to block")                                                       \
        RESOURCE(NFT_SET, NFTSet, "SET…", SETTING_LIST, "nftables sets to add the cgroup to")                          \
        RESOURCE(DEVICE_ALLOW, DeviceAllow, "DEVICE [rwm]", SETTING_LIST, "Allow access to a device")                  \
        RESOURCE(DEVICE_POLICY, DevicePolicy, "POLICY", 0, "Default access to devices: auto, closed, strict")          \
        RESOURCE(MANAGED_OOM_SWAP, ManagedOOMSwap, "auto|kill", 0, "systemd-oomd may kill it when swap runs short")    \
        RESOURCE(MANAGED_OOM_MEMORY_PRESSURE, ManagedOOMMemoryPressure, "auto|kill", 0,                                \
                 "systemd-oomd may kill it on memory pressure")                                                        \
        RESOURCE(MANAGED_OOM_MEMORY_PRESSURE_LIMIT, ManagedOOMMemoryPressureLimit, "PERCENT", 0,                       \
                 "Pressure limit in percent")                                                                          \
        RESOURCE(MANAGED_OOM_MEMORY_PRESSURE_DURATION, ManagedOOMMemoryPressureDurationSec, "TIME", 0,                 \
                 "Time above the limit before it is killed")                                                           \
        RESOURCE(MANAGED_OOM_PREFERENCE, ManagedOOMPreference, "none|avoid|omit", 0,                                   \
                 "Preference of systemd-oomd to spare it")                                                             \
        RESOURCE(MEMORY_PRESSURE_WATCH, MemoryPressureWatch, "MODE", 0, "Whether memory pressure is watched")          \
        RESOURCE(MEMORY_PRESSURE_THRESHOLD, MemoryPressureThresholdSec, "TIME", 0,                                     \
                 "Stall time that triggers a notification")                                                            \
        RESOURCE(COREDUMP_RECEIVE, CoredumpReceive, "BOOL", 0, "Forward core dumps to the machine")
