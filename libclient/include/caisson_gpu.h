/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A GPU for a sandbox. Included by caisson.h; docs/gpu.md is the guide. */
#ifndef CAISSON_GPU_H
#define CAISSON_GPU_H

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct caisson_spec;

/*
 * Grants a GPU; once for each. It is looked for at caisson_spawn(), with the caller's
 * rights and without calling a driver. What comes of it: the device nodes that it
 * takes and no others, copies of the few files of /proc and /sys that the driver's
 * libraries read, these libraries where the sandbox does not see them anyway, and the
 * seccomp profile "gpu" unless "strict" was chosen. The policy has to allow each node
 * (its kind "device"); none of the shipped lines does. which is one of
 *
 *	"none"                  forget those asked for so far
 *	"all"                   every GPU, with all of MIG's instances
 *	"0"                     by number: NVIDIA's as nvidia-smi has them, then others
 *	"GPU-8932f937-..."      by NVIDIA's UUID
 *	"0/1/0", "GPU-.../1/0"  compute instance 0 of MIG's GPU instance 1
 *	"0000:01:00.0"          by PCI address
 *	"renderD128"            by its node in /dev/dri
 *	"nvidia.com/gpu=0"      as the Container Device Interface names it
 *
 * -EINVAL if it cannot be a name, and -ENOMEM, both kept for caisson_spawn(). What the
 * host lacks is caisson_spawn()'s error: ENODEV, no such GPU; ENOENT, a node is missing,
 * with what to run (nvidia-modprobe); EPERM, a node is not what its name says; EACCES, the
 * caller may not open it. caisson_report_json() has what was granted and what was left out.
 * A spec that is used for caisson_exec() grants nothing: the program sees the sandbox's.
 */
int caisson_spec_gpu(struct caisson_spec *spec, const char *which);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
