/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcaisson where there is no Linux (docs/platforms.md): caisson_spawn() answers -ENOTSUP, and
 * channels copy tensors through files. Included by nothing: whoever runs programs without a
 * sandbox says so in so many words.
 */
#ifndef CAISSON_POSIX_H
#define CAISSON_POSIX_H

#include "caisson.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAISSON_UNSANDBOXED "run it without a sandbox, with all of my rights"

/*
 * The next caisson_spawn() runs the program as any other child, with channels through files.
 * words: CAISSON_UNSANDBOXED, and nothing else (-EINVAL). No property is held then, and a
 * spec that requires one is refused.
 */
__attribute__((visibility("default"))) int caisson_spec_run_unsandboxed(caisson_spec *spec,
                                                                        const char *words);

#ifdef __cplusplus
}
#endif

#endif
