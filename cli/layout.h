/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of caisson run that lay out the sandbox's file system; context is struct run. */
#ifndef CAISSON_CLI_LAYOUT_H
#define CAISSON_CLI_LAYOUT_H

int opt_ro(void *context, const char *value);
int opt_rw(void *context, const char *value);
int opt_ro_idmap(void *context, const char *value);
int opt_rw_idmap(void *context, const char *value);
int opt_file(void *context, const char *value);
int opt_data(void *context, const char *value);
int opt_tmpfs(void *context, const char *value);
int opt_dir(void *context, const char *value);
int opt_symlink(void *context, const char *value);
int opt_mask(void *context, const char *value);
int opt_remount_ro(void *context, const char *value);
int opt_proc(void *context, const char *value);
int opt_dev(void *context, const char *value);
int opt_mqueue(void *context, const char *value);
/* Other programs' wishes that Caisson does not grant: say why. */
int opt_overlay(void *context, const char *value);
int opt_dev_bind(void *context, const char *value);

#endif
