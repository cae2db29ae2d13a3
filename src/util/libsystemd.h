/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libsystemd, in place of its own headers. It is loaded when one of its functions is called for the first time: it brings
 * libraries of its own, and where it is not needed, as for `boxctl exec`, loading them takes longer than the rest. Any
 * process, no privilege.
 *
 * It may not be loaded by a process that has joined a machine's mount namespace, where the file is the machine's. box-run
 * calls it first of all; boxctl's processes that join one (payload/enter-child.c) do not call it.
 *
 * To call one more function, add it to both lists. boxctl is not linked with libsystemd: it does not link without that.
 */

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-device.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>

#include "util/dl.h"

#define LIBSYSTEMD_FUNCTIONS(F)                                                                                \
        F(sd_bus_add_match_async) F(sd_bus_attach_event) F(sd_bus_call) F(sd_bus_call_async)                   \
        F(sd_bus_call_method) F(sd_bus_call_method_async) F(sd_bus_call_methodv) F(sd_bus_close_unref)         \
        F(sd_bus_detach_event) F(sd_bus_error_copy) F(sd_bus_error_free) F(sd_bus_error_get_errno)             \
        F(sd_bus_error_has_name) F(sd_bus_flush) F(sd_bus_flush_close_unref) F(sd_bus_get_event)               \
        F(sd_bus_get_events) F(sd_bus_get_fd) F(sd_bus_get_method_call_timeout) F(sd_bus_get_property)         \
        F(sd_bus_get_property_trivial) F(sd_bus_get_unique_name) F(sd_bus_is_open) F(sd_bus_is_ready)          \
        F(sd_bus_match_signal) F(sd_bus_match_signal_async) F(sd_bus_message_append)                           \
        F(sd_bus_message_append_array) F(sd_bus_message_append_basic) F(sd_bus_message_append_strv)            \
        F(sd_bus_message_at_end) F(sd_bus_message_close_container) F(sd_bus_message_copy)                      \
        F(sd_bus_message_enter_container) F(sd_bus_message_exit_container) F(sd_bus_message_get_errno)         \
        F(sd_bus_message_get_error) F(sd_bus_message_get_path) F(sd_bus_message_is_method_error)               \
        F(sd_bus_message_is_signal) F(sd_bus_message_new_method_call) F(sd_bus_message_open_container)         \
        F(sd_bus_message_peek_type) F(sd_bus_message_read) F(sd_bus_message_read_array)                        \
        F(sd_bus_message_read_basic) F(sd_bus_message_read_strv) F(sd_bus_message_ref) F(sd_bus_message_rewind)\
        F(sd_bus_message_seal) F(sd_bus_message_set_allow_interactive_authorization)                           \
        F(sd_bus_message_set_auto_start) F(sd_bus_message_set_expect_reply) F(sd_bus_message_skip)             \
        F(sd_bus_message_unref) F(sd_bus_new) F(sd_bus_open_system) F(sd_bus_open_system_machine)              \
        F(sd_bus_path_decode) F(sd_bus_path_encode) F(sd_bus_process) F(sd_bus_ref) F(sd_bus_send)             \
        F(sd_bus_set_address) F(sd_bus_set_allow_interactive_authorization) F(sd_bus_set_bus_client)           \
        F(sd_bus_set_fd) F(sd_bus_set_method_call_timeout) F(sd_bus_slot_unref) F(sd_bus_start) F(sd_bus_unref)\
        F(sd_bus_wait) F(sd_device_monitor_attach_event) F(sd_device_monitor_filter_add_match_subsystem_devtype)\
        F(sd_device_monitor_new) F(sd_device_monitor_start) F(sd_device_monitor_unref)                         \
        F(sd_event_add_child_pidfd) F(sd_event_add_defer) F(sd_event_add_io) F(sd_event_add_signal)            \
        F(sd_event_add_time) F(sd_event_add_time_relative) F(sd_event_exit) F(sd_event_loop) F(sd_event_new)   \
        F(sd_event_now) F(sd_event_ref) F(sd_event_run) F(sd_event_set_watchdog)                               \
        F(sd_event_source_disable_unref) F(sd_event_source_get_enabled) F(sd_event_source_get_event)           \
        F(sd_event_source_set_enabled) F(sd_event_source_set_floating) F(sd_event_source_set_io_events)        \
        F(sd_event_source_set_priority) F(sd_event_source_set_ratelimit) F(sd_event_source_set_time)           \
        F(sd_event_source_set_time_relative) F(sd_event_source_unref) F(sd_event_unref) F(sd_get_machine_names)\
        F(sd_id128_from_string) F(sd_id128_get_machine) F(sd_id128_randomize) F(sd_journal_add_conjunction)    \
        F(sd_journal_add_disjunction) F(sd_journal_add_match) F(sd_journal_close)                              \
        F(sd_journal_enumerate_available_data) F(sd_journal_get_cursor) F(sd_journal_get_data)                 \
        F(sd_journal_get_monotonic_usec) F(sd_journal_get_realtime_usec) F(sd_journal_next)                    \
        F(sd_journal_next_skip) F(sd_journal_open) F(sd_journal_open_files_fd) F(sd_journal_previous)          \
        F(sd_journal_previous_skip) F(sd_journal_restart_data) F(sd_journal_seek_cursor) F(sd_journal_seek_head)\
        F(sd_journal_seek_realtime_usec) F(sd_journal_seek_tail) F(sd_journal_set_data_threshold)              \
        F(sd_journal_stream_fd) F(sd_journal_test_cursor) F(sd_journal_wait) F(sd_listen_fds)                  \
        F(sd_listen_fds_with_names) F(sd_notify) F(sd_notifyf) F(sd_pid_get_unit)

typedef struct LibSystemd {
        void *handle;
        LIBSYSTEMD_FUNCTIONS(DL_POINTER_)
} LibSystemd;

/* NULL: it is not loaded. */
extern const LibSystemd *libsystemd_loaded;

/* Without it the process ends, with a message: no caller could do anything else. */
const LibSystemd *libsystemd_load(void);

static inline const LibSystemd *libsystemd(void)
{
        return libsystemd_loaded ?: libsystemd_load();
}

#define sd_bus_add_match_async (libsystemd()->sd_bus_add_match_async)
#define sd_bus_attach_event (libsystemd()->sd_bus_attach_event)
#define sd_bus_call (libsystemd()->sd_bus_call)
#define sd_bus_call_async (libsystemd()->sd_bus_call_async)
#define sd_bus_call_method (libsystemd()->sd_bus_call_method)
#define sd_bus_call_method_async (libsystemd()->sd_bus_call_method_async)
#define sd_bus_call_methodv (libsystemd()->sd_bus_call_methodv)
#define sd_bus_close_unref (libsystemd()->sd_bus_close_unref)
#define sd_bus_detach_event (libsystemd()->sd_bus_detach_event)
#define sd_bus_error_copy (libsystemd()->sd_bus_error_copy)
#define sd_bus_error_free (libsystemd()->sd_bus_error_free)
#define sd_bus_error_get_errno (libsystemd()->sd_bus_error_get_errno)
#define sd_bus_error_has_name (libsystemd()->sd_bus_error_has_name)
#define sd_bus_flush (libsystemd()->sd_bus_flush)
#define sd_bus_flush_close_unref (libsystemd()->sd_bus_flush_close_unref)
#define sd_bus_get_event (libsystemd()->sd_bus_get_event)
#define sd_bus_get_events (libsystemd()->sd_bus_get_events)
#define sd_bus_get_fd (libsystemd()->sd_bus_get_fd)
#define sd_bus_get_method_call_timeout (libsystemd()->sd_bus_get_method_call_timeout)
#define sd_bus_get_property (libsystemd()->sd_bus_get_property)
#define sd_bus_get_property_trivial (libsystemd()->sd_bus_get_property_trivial)
#define sd_bus_get_unique_name (libsystemd()->sd_bus_get_unique_name)
#define sd_bus_is_open (libsystemd()->sd_bus_is_open)
#define sd_bus_is_ready (libsystemd()->sd_bus_is_ready)
#define sd_bus_match_signal (libsystemd()->sd_bus_match_signal)
#define sd_bus_match_signal_async (libsystemd()->sd_bus_match_signal_async)
#define sd_bus_message_append (libsystemd()->sd_bus_message_append)
#define sd_bus_message_append_array (libsystemd()->sd_bus_message_append_array)
#define sd_bus_message_append_basic (libsystemd()->sd_bus_message_append_basic)
#define sd_bus_message_append_strv (libsystemd()->sd_bus_message_append_strv)
#define sd_bus_message_at_end (libsystemd()->sd_bus_message_at_end)
#define sd_bus_message_close_container (libsystemd()->sd_bus_message_close_container)
#define sd_bus_message_copy (libsystemd()->sd_bus_message_copy)
#define sd_bus_message_enter_container (libsystemd()->sd_bus_message_enter_container)
#define sd_bus_message_exit_container (libsystemd()->sd_bus_message_exit_container)
#define sd_bus_message_get_errno (libsystemd()->sd_bus_message_get_errno)
#define sd_bus_message_get_error (libsystemd()->sd_bus_message_get_error)
#define sd_bus_message_get_path (libsystemd()->sd_bus_message_get_path)
#define sd_bus_message_is_method_error (libsystemd()->sd_bus_message_is_method_error)
#define sd_bus_message_is_signal (libsystemd()->sd_bus_message_is_signal)
#define sd_bus_message_new_method_call (libsystemd()->sd_bus_message_new_method_call)
#define sd_bus_message_open_container (libsystemd()->sd_bus_message_open_container)
#define sd_bus_message_peek_type (libsystemd()->sd_bus_message_peek_type)
#define sd_bus_message_read (libsystemd()->sd_bus_message_read)
#define sd_bus_message_read_array (libsystemd()->sd_bus_message_read_array)
#define sd_bus_message_read_basic (libsystemd()->sd_bus_message_read_basic)
#define sd_bus_message_read_strv (libsystemd()->sd_bus_message_read_strv)
#define sd_bus_message_ref (libsystemd()->sd_bus_message_ref)
#define sd_bus_message_rewind (libsystemd()->sd_bus_message_rewind)
#define sd_bus_message_seal (libsystemd()->sd_bus_message_seal)
#define sd_bus_message_set_allow_interactive_authorization (libsystemd()->sd_bus_message_set_allow_interactive_authorization)
#define sd_bus_message_set_auto_start (libsystemd()->sd_bus_message_set_auto_start)
#define sd_bus_message_set_expect_reply (libsystemd()->sd_bus_message_set_expect_reply)
#define sd_bus_message_skip (libsystemd()->sd_bus_message_skip)
#define sd_bus_message_unref (libsystemd()->sd_bus_message_unref)
#define sd_bus_new (libsystemd()->sd_bus_new)
#define sd_bus_open_system (libsystemd()->sd_bus_open_system)
#define sd_bus_open_system_machine (libsystemd()->sd_bus_open_system_machine)
#define sd_bus_path_decode (libsystemd()->sd_bus_path_decode)
#define sd_bus_path_encode (libsystemd()->sd_bus_path_encode)
#define sd_bus_process (libsystemd()->sd_bus_process)
#define sd_bus_ref (libsystemd()->sd_bus_ref)
#define sd_bus_send (libsystemd()->sd_bus_send)
#define sd_bus_set_address (libsystemd()->sd_bus_set_address)
#define sd_bus_set_allow_interactive_authorization (libsystemd()->sd_bus_set_allow_interactive_authorization)
#define sd_bus_set_bus_client (libsystemd()->sd_bus_set_bus_client)
#define sd_bus_set_fd (libsystemd()->sd_bus_set_fd)
#define sd_bus_set_method_call_timeout (libsystemd()->sd_bus_set_method_call_timeout)
#define sd_bus_slot_unref (libsystemd()->sd_bus_slot_unref)
#define sd_bus_start (libsystemd()->sd_bus_start)
#define sd_bus_unref (libsystemd()->sd_bus_unref)
#define sd_bus_wait (libsystemd()->sd_bus_wait)
#define sd_device_monitor_attach_event (libsystemd()->sd_device_monitor_attach_event)
#define sd_device_monitor_filter_add_match_subsystem_devtype (libsystemd()->sd_device_monitor_filter_add_match_subsystem_devtype)
#define sd_device_monitor_new (libsystemd()->sd_device_monitor_new)
#define sd_device_monitor_start (libsystemd()->sd_device_monitor_start)
#define sd_device_monitor_unref (libsystemd()->sd_device_monitor_unref)
#define sd_event_add_child_pidfd (libsystemd()->sd_event_add_child_pidfd)
#define sd_event_add_defer (libsystemd()->sd_event_add_defer)
#define sd_event_add_io (libsystemd()->sd_event_add_io)
#define sd_event_add_signal (libsystemd()->sd_event_add_signal)
#define sd_event_add_time (libsystemd()->sd_event_add_time)
#define sd_event_add_time_relative (libsystemd()->sd_event_add_time_relative)
#define sd_event_exit (libsystemd()->sd_event_exit)
#define sd_event_loop (libsystemd()->sd_event_loop)
#define sd_event_new (libsystemd()->sd_event_new)
#define sd_event_now (libsystemd()->sd_event_now)
#define sd_event_ref (libsystemd()->sd_event_ref)
#define sd_event_run (libsystemd()->sd_event_run)
#define sd_event_set_watchdog (libsystemd()->sd_event_set_watchdog)
#define sd_event_source_disable_unref (libsystemd()->sd_event_source_disable_unref)
#define sd_event_source_get_enabled (libsystemd()->sd_event_source_get_enabled)
#define sd_event_source_get_event (libsystemd()->sd_event_source_get_event)
#define sd_event_source_set_enabled (libsystemd()->sd_event_source_set_enabled)
#define sd_event_source_set_floating (libsystemd()->sd_event_source_set_floating)
#define sd_event_source_set_io_events (libsystemd()->sd_event_source_set_io_events)
#define sd_event_source_set_priority (libsystemd()->sd_event_source_set_priority)
#define sd_event_source_set_ratelimit (libsystemd()->sd_event_source_set_ratelimit)
#define sd_event_source_set_time (libsystemd()->sd_event_source_set_time)
#define sd_event_source_set_time_relative (libsystemd()->sd_event_source_set_time_relative)
#define sd_event_source_unref (libsystemd()->sd_event_source_unref)
#define sd_event_unref (libsystemd()->sd_event_unref)
#define sd_get_machine_names (libsystemd()->sd_get_machine_names)
#define sd_id128_from_string (libsystemd()->sd_id128_from_string)
#define sd_id128_get_machine (libsystemd()->sd_id128_get_machine)
#define sd_id128_randomize (libsystemd()->sd_id128_randomize)
#define sd_journal_add_conjunction (libsystemd()->sd_journal_add_conjunction)
#define sd_journal_add_disjunction (libsystemd()->sd_journal_add_disjunction)
#define sd_journal_add_match (libsystemd()->sd_journal_add_match)
#define sd_journal_close (libsystemd()->sd_journal_close)
#define sd_journal_enumerate_available_data (libsystemd()->sd_journal_enumerate_available_data)
#define sd_journal_get_cursor (libsystemd()->sd_journal_get_cursor)
#define sd_journal_get_data (libsystemd()->sd_journal_get_data)
#define sd_journal_get_monotonic_usec (libsystemd()->sd_journal_get_monotonic_usec)
#define sd_journal_get_realtime_usec (libsystemd()->sd_journal_get_realtime_usec)
#define sd_journal_next (libsystemd()->sd_journal_next)
#define sd_journal_next_skip (libsystemd()->sd_journal_next_skip)
#define sd_journal_open (libsystemd()->sd_journal_open)
#define sd_journal_open_files_fd (libsystemd()->sd_journal_open_files_fd)
#define sd_journal_previous (libsystemd()->sd_journal_previous)
#define sd_journal_previous_skip (libsystemd()->sd_journal_previous_skip)
#define sd_journal_restart_data (libsystemd()->sd_journal_restart_data)
#define sd_journal_seek_cursor (libsystemd()->sd_journal_seek_cursor)
#define sd_journal_seek_head (libsystemd()->sd_journal_seek_head)
#define sd_journal_seek_realtime_usec (libsystemd()->sd_journal_seek_realtime_usec)
#define sd_journal_seek_tail (libsystemd()->sd_journal_seek_tail)
#define sd_journal_set_data_threshold (libsystemd()->sd_journal_set_data_threshold)
#define sd_journal_stream_fd (libsystemd()->sd_journal_stream_fd)
#define sd_journal_test_cursor (libsystemd()->sd_journal_test_cursor)
#define sd_journal_wait (libsystemd()->sd_journal_wait)
#define sd_listen_fds (libsystemd()->sd_listen_fds)
#define sd_listen_fds_with_names (libsystemd()->sd_listen_fds_with_names)
#define sd_notify (libsystemd()->sd_notify)
#define sd_notifyf (libsystemd()->sd_notifyf)
#define sd_pid_get_unit (libsystemd()->sd_pid_get_unit)
