/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of each *.varlink file, compiled in. */

extern const char description_io_box_Machine[];
extern const char description_io_systemd_MachineInstance[];
extern const char description_org_varlink_service[];
