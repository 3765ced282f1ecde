/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must never change by accident: sizes, offsets, numbers, the names of properties. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "caisson.h"
#include "protocol/answer.h"
#include "protocol/control.h"
#include "protocol/plan.h"
#include "protocol/properties.h"

#define OFFSET(type, field, at)                                                                    \
	cr_assert_eq(offsetof(struct type, field), (at), #type "." #field " is at %zu",            \
	             offsetof(struct type, field))

Test(abi, plan_header) {
	cr_assert_eq(sizeof(struct caisson_plan_header), 64);
	OFFSET(caisson_plan_header, magic, 0);
	OFFSET(caisson_plan_header, version, 8);
	OFFSET(caisson_plan_header, size, 12);
	OFFSET(caisson_plan_header, records, 16);
	OFFSET(caisson_plan_header, names, 20);
	OFFSET(caisson_plan_header, fds, 24);
	OFFSET(caisson_plan_header, flags, 28);
	OFFSET(caisson_plan_header, require, 32);
	OFFSET(caisson_plan_header, reserved, 40);
	cr_assert_eq(memcmp(&(uint64_t){ CAISSON_PLAN_MAGIC }, "CAISPLN1", 8), 0,
	             "the magic reads as text on a little-endian machine");
}

Test(abi, plan_record) {
	cr_assert_eq(sizeof(struct caisson_plan_record), 32);
	OFFSET(caisson_plan_record, op, 0);
	OFFSET(caisson_plan_record, flags, 2);
	OFFSET(caisson_plan_record, fd, 4);
	OFFSET(caisson_plan_record, name, 8);
	OFFSET(caisson_plan_record, name_len, 12);
	OFFSET(caisson_plan_record, a, 16);
	OFFSET(caisson_plan_record, b, 24);
}

Test(abi, plan_numbers) {
	cr_assert_eq(CAISSON_OP_USERNS, 1);
	cr_assert_eq(CAISSON_OP_NET, 2);
	cr_assert_eq(CAISSON_OP_HOSTNAME, 3);
	cr_assert_eq(CAISSON_OP_IDS, 4);
	cr_assert_eq(CAISSON_OP_SUBIDS, 5);
	cr_assert_eq(CAISSON_OP_TIME, 6);
	cr_assert_eq(CAISSON_OP_BIND, 16);
	cr_assert_eq(CAISSON_OP_TMPFS, 17);
	cr_assert_eq(CAISSON_OP_DIR, 18);
	cr_assert_eq(CAISSON_OP_SYMLINK, 19);
	cr_assert_eq(CAISSON_OP_PROC, 20);
	cr_assert_eq(CAISSON_OP_DEVPTS, 21);
	cr_assert_eq(CAISSON_OP_RDONLY, 22);
	cr_assert_eq(CAISSON_OP_DEVICE, 23);
	cr_assert_eq(CAISSON_OP_FILE, 24);
	cr_assert_eq(CAISSON_OP_MASK, 25);
	cr_assert_eq(CAISSON_OP_MQUEUE, 26);
	cr_assert_eq(CAISSON_OP_LABEL, 27);
	cr_assert_eq(CAISSON_BIND_RDONLY, 1);
	cr_assert_eq(CAISSON_BIND_NOEXEC, 2);
	cr_assert_eq(CAISSON_BIND_DIR, 4);
	cr_assert_eq(CAISSON_BIND_IDMAP, 8);
	cr_assert_eq(CAISSON_PROC_PIDS, 1);
	cr_assert_eq(CAISSON_PROC_HIDEPID, 2);
	cr_assert_eq(CAISSON_FD_CONTROL, 3);
	cr_assert_eq(CAISSON_FD_PLAN, 4);
	cr_assert_eq(CAISSON_FD_SOURCES, 5);
}

Test(abi, answer) {
	cr_assert_eq(sizeof(struct caisson_answer), 96);
	OFFSET(caisson_answer, magic, 0);
	OFFSET(caisson_answer, version, 4);
	OFFSET(caisson_answer, kind, 6);
	OFFSET(caisson_answer, stage, 8);
	OFFSET(caisson_answer, error, 12);
	OFFSET(caisson_answer, record, 16);
	OFFSET(caisson_answer, knob, 20);
	OFFSET(caisson_answer, detail, 24);
	OFFSET(caisson_answer, line, 28);
	OFFSET(caisson_answer, held, 32);
	OFFSET(caisson_answer, status, 40);
	OFFSET(caisson_answer, backend, 44);
	OFFSET(caisson_answer, landlock_abi, 48);
	OFFSET(caisson_answer, mounts, 52);
	OFFSET(caisson_answer, covered, 56);
	OFFSET(caisson_answer, plan_version, 60);
	OFFSET(caisson_answer, id, 64);
	OFFSET(caisson_answer, reserved, 72);
	cr_assert_eq(memcmp(&(uint32_t){ CAISSON_ANSWER_MAGIC }, "AISA", 4), 0);
	cr_assert_eq(CAISSON_ANSWER_FAILED, 1);
	cr_assert_eq(CAISSON_ANSWER_BUILT, 2);
	cr_assert_eq(CAISSON_ANSWER_RUNNING, 3);
	cr_assert_eq(CAISSON_ANSWER_EXITED, 4);
	cr_assert_eq(CAISSON_ANSWER_CLONED, 5);
	cr_assert_eq(CAISSON_BACKEND_MOUNT_SETATTR, 1);
	cr_assert_eq(CAISSON_BACKEND_REMOUNT, 2);
}

Test(abi, control) {
	cr_assert_eq(sizeof(struct caisson_control), 64);
	OFFSET(caisson_control, magic, 0);
	OFFSET(caisson_control, version, 4);
	OFFSET(caisson_control, kind, 6);
	OFFSET(caisson_control, flags, 8);
	OFFSET(caisson_control, args, 12);
	OFFSET(caisson_control, argc, 16);
	OFFSET(caisson_control, envc, 20);
	OFFSET(caisson_control, fds, 24);
	OFFSET(caisson_control, signal, 28);
	OFFSET(caisson_control, id, 32);
	OFFSET(caisson_control, seconds, 40);
	OFFSET(caisson_control, files, 44);
	OFFSET(caisson_control, reserved, 48);
	cr_assert_eq(memcmp(&(uint32_t){ CAISSON_CONTROL_MAGIC }, "AISC", 4), 0);
	cr_assert_eq(CAISSON_CONTROL_START, 1);
	cr_assert_eq(CAISSON_CONTROL_SIGNAL, 2);
	cr_assert_eq(CAISSON_CONTROL_EXEC, 3);
}

Test(abi, public_flags) {
	cr_assert_eq(CAISSON_RDONLY, 1);
	cr_assert_eq(CAISSON_NOEXEC, 2);
	cr_assert_eq(CAISSON_OPTIONAL, 4);
	cr_assert_eq(CAISSON_IDMAP, 8);
	cr_assert_eq(CAISSON_PROCFS_PIDS, 1);
	cr_assert_eq(CAISSON_PROCFS_HIDEPID, 2);
	cr_assert_eq(CAISSON_PROCFS_WHOLE, 4);
}

Test(abi, public_structs) {
	cr_assert_eq(sizeof(caisson_dtype), 4);
	OFFSET(caisson_dtype, code, 0);
	OFFSET(caisson_dtype, bits, 1);
	OFFSET(caisson_dtype, lanes, 2);
	OFFSET(caisson_tensor, data, 0);
	OFFSET(caisson_tensor, shape, sizeof(void *));
	OFFSET(caisson_tensor, strides, 2 * sizeof(void *));
	OFFSET(caisson_tensor, ndim, 3 * sizeof(void *));
	OFFSET(caisson_tensor, dtype, 3 * sizeof(void *) + 4);
	OFFSET(caisson_tensor, nbytes, 3 * sizeof(void *) + 8);
	OFFSET(caisson_tensor, tag, 3 * sizeof(void *) + 16);
	OFFSET(caisson_tensor, lease, 3 * sizeof(void *) + 24);
	cr_assert_eq(sizeof(caisson_tensor), 3 * sizeof(void *) + 32);
	OFFSET(caisson_finding, topic, 0);
	OFFSET(caisson_finding, value, sizeof(void *));
	OFFSET(caisson_finding, evidence, 2 * sizeof(void *));
	OFFSET(caisson_finding, remedy, 3 * sizeof(void *));
	OFFSET(caisson_finding, severity, 4 * sizeof(void *));
	OFFSET(caisson_finding, restriction, 4 * sizeof(void *) + 4);
	OFFSET(caisson_finding, cause, 4 * sizeof(void *) + 8);
	OFFSET(caisson_finding, cost, 5 * sizeof(void *) + 8);
	OFFSET(caisson_finding, doc, 6 * sizeof(void *) + 8);
}

Test(abi, dtype_codes_are_dlpack) {
	cr_assert_eq(CAISSON_INT, 0);
	cr_assert_eq(CAISSON_UINT, 1);
	cr_assert_eq(CAISSON_FLOAT, 2);
	cr_assert_eq(CAISSON_OPAQUE_HANDLE, 3);
	cr_assert_eq(CAISSON_BFLOAT, 4);
	cr_assert_eq(CAISSON_COMPLEX, 5);
	cr_assert_eq(CAISSON_BOOL, 6);
	cr_assert_eq(CAISSON_FLOAT8_E3M4, 7);
	cr_assert_eq(CAISSON_FLOAT8_E5M2, 12);
	cr_assert_eq(CAISSON_FLOAT8_E8M0FNU, 14);
	cr_assert_eq(CAISSON_FLOAT4_E2M1FN, 17);
}

/* Both sides number alike. */
Test(abi, library_and_protocol_agree) {
	cr_assert_eq((int)CAISSON_NETWORK_NONE, (int)CAISSON_NET_NONE);
	cr_assert_eq((int)CAISSON_NETWORK_LOOPBACK, (int)CAISSON_NET_LOOPBACK);
	cr_assert_eq((int)CAISSON_NETWORK_HOST, (int)CAISSON_NET_HOST);
	cr_assert_eq((int)CAISSON_USER_NAMESPACE_AUTO, (int)CAISSON_USERNS_AUTO);
	cr_assert_eq((int)CAISSON_USER_NAMESPACE_REQUIRED, (int)CAISSON_USERNS_REQUIRED);
	cr_assert_eq((int)CAISSON_USER_NAMESPACE_NONE, (int)CAISSON_USERNS_NONE);
}

Test(abi, stages) {
	cr_assert_eq(CAISSON_STAGE_START, 1);
	cr_assert_eq(CAISSON_STAGE_PLAN, 2);
	cr_assert_eq(CAISSON_STAGE_POLICY, 3);
	cr_assert_eq(CAISSON_STAGE_SOURCE, 4);
	cr_assert_eq(CAISSON_STAGE_NAMESPACES, 5);
	cr_assert_eq(CAISSON_STAGE_ROOT, 6);
	cr_assert_eq(CAISSON_STAGE_MOUNT, 7);
	cr_assert_eq(CAISSON_STAGE_JUDGE, 8);
	cr_assert_eq(CAISSON_STAGE_PIVOT, 9);
	cr_assert_eq(CAISSON_STAGE_NETWORK, 10);
	cr_assert_eq(CAISSON_STAGE_USERNS, 11);
	cr_assert_eq(CAISSON_STAGE_DROP, 12);
	cr_assert_eq(CAISSON_STAGE_LANDLOCK, 13);
	cr_assert_eq(CAISSON_STAGE_SECCOMP, 14);
	cr_assert_eq(CAISSON_STAGE_READ_BACK, 15);
	cr_assert_eq(CAISSON_STAGE_REQUIRE, 16);
	cr_assert_eq(CAISSON_STAGE_INIT, 17);
	cr_assert_eq(CAISSON_STAGE_EXEC, 18);
	cr_assert_eq(CAISSON_STAGE_LABEL, 19);
	cr_assert_eq(CAISSON_STAGE_COUNT, 20);
}

Test(abi, knobs) {
	cr_assert_eq(CAISSON_KNOB_NONE, 0);
	cr_assert_eq(CAISSON_KNOB_NOT_SETUID, 1);
	cr_assert_eq(CAISSON_KNOB_NOSUID_MOUNT, 2);
	cr_assert_eq(CAISSON_KNOB_NO_NEW_PRIVS, 3);
	cr_assert_eq(CAISSON_KNOB_USERNS_LIMIT, 4);
	cr_assert_eq(CAISSON_KNOB_USERNS_MODULE, 5);
	cr_assert_eq(CAISSON_KNOB_SECCOMP, 6);
	cr_assert_eq(CAISSON_KNOB_KERNEL, 7);
	cr_assert_eq(CAISSON_KNOB_PROC, 8);
	cr_assert_eq(CAISSON_KNOB_CONTROL, 9);
	cr_assert_eq(CAISSON_KNOB_PLAN_FORMAT, 10);
	cr_assert_eq(CAISSON_KNOB_POLICY, 11);
	cr_assert_eq(CAISSON_KNOB_SOURCE_FS, 12);
	cr_assert_eq(CAISSON_KNOB_SOURCE_MOUNT, 13);
	cr_assert_eq(CAISSON_KNOB_SOURCE_TYPE, 14);
	cr_assert_eq(CAISSON_KNOB_DESTINATION, 15);
	cr_assert_eq(CAISSON_KNOB_PROPERTY, 16);
	cr_assert_eq(CAISSON_KNOB_CAPABILITY, 17);
	cr_assert_eq(CAISSON_KNOB_LIMITS, 18);
	cr_assert_eq(CAISSON_KNOB_STDIO, 19);
	cr_assert_eq(CAISSON_KNOB_PROGRAM, 20);
	cr_assert_eq(CAISSON_KNOB_CWD, 21);
	cr_assert_eq(CAISSON_KNOB_HOST_GONE, 22);
	cr_assert_eq(CAISSON_KNOB_ARGUMENTS, 23);
	cr_assert_eq(CAISSON_KNOB_TIMEOUT, 24);
	cr_assert_eq(CAISSON_KNOB_DENIED, 25);
	cr_assert_eq(CAISSON_KNOB_SUBIDS, 26);
	cr_assert_eq(CAISSON_KNOB_IDMAP, 27);
	cr_assert_eq(CAISSON_KNOB_RUN_DIR, 33);
	cr_assert_eq(CAISSON_KNOB_COUNT, 34);
}

/* In the order of their numbers: public name, protocol's name, text, part of "full". */
static const struct {
	int number, in_protocol;
	const char *name;
	int full;
} properties[] = {
	{ CAISSON_PROPERTY_USERNS, CAISSON_P_USERNS, "userns", 0 },
	{ CAISSON_PROPERTY_PID, CAISSON_P_PID, "pid", 1 },
	{ CAISSON_PROPERTY_MOUNT, CAISSON_P_MOUNT, "mount", 1 },
	{ CAISSON_PROPERTY_IPC, CAISSON_P_IPC, "ipc", 1 },
	{ CAISSON_PROPERTY_UTS, CAISSON_P_UTS, "uts", 1 },
	{ CAISSON_PROPERTY_CGROUP, CAISSON_P_CGROUP, "cgroup", 1 },
	{ CAISSON_PROPERTY_NET, CAISSON_P_NET, "net", 1 },
	{ CAISSON_PROPERTY_PROC, CAISSON_P_PROC, "proc", 1 },
	{ CAISSON_PROPERTY_DEV, CAISSON_P_DEV, "dev", 1 },
	{ CAISSON_PROPERTY_SHM, CAISSON_P_SHM, "shm", 1 },
	{ CAISSON_PROPERTY_NOSUID, CAISSON_P_NOSUID, "nosuid", 1 },
	{ CAISSON_PROPERTY_CAPABILITIES, CAISSON_P_CAPABILITIES, "capabilities", 1 },
	{ CAISSON_PROPERTY_NO_NEW_PRIVS, CAISSON_P_NO_NEW_PRIVS, "no_new_privs", 1 },
	{ CAISSON_PROPERTY_SECCOMP, CAISSON_P_SECCOMP, "seccomp", 1 },
	{ CAISSON_PROPERTY_LANDLOCK, CAISSON_P_LANDLOCK, "landlock", 0 },
	{ CAISSON_PROPERTY_HOST_PROCESSES, CAISSON_P_HOST_PROCESSES, "host_processes", 1 },
	{ CAISSON_PROPERTY_TERMINAL, CAISSON_P_TERMINAL, "terminal", 1 },
	{ CAISSON_PROPERTY_KEYRING, CAISSON_P_KEYRING, "keyring", 1 },
	{ CAISSON_PROPERTY_END_WITH_HOST, CAISSON_P_END_WITH_HOST, "end_with_host", 1 },
	{ CAISSON_PROPERTY_LABEL, CAISSON_P_LABEL, "label", 0 },
	{ CAISSON_PROPERTY_LIMITS, CAISSON_P_LIMITS, "limits", 0 },
	{ CAISSON_PROPERTY_OWN_POOLS, CAISSON_P_OWN_POOLS, "own_pools", 0 },
	{ CAISSON_PROPERTY_HOST_SOCKETS, CAISSON_P_HOST_SOCKETS, "host_sockets", 0 },
};

Test(abi, properties) {
	cr_assert_eq(sizeof(properties) / sizeof(properties[0]), CAISSON_PROPERTY_COUNT);
	cr_assert_eq((int)CAISSON_P_COUNT, (int)CAISSON_PROPERTY_COUNT);
	cr_assert_leq(CAISSON_P_COUNT, 64, "`held` and `require` have a bit for each");
	for (int i = 0; i < CAISSON_PROPERTY_COUNT; i++) {
		const char *name = properties[i].name;
		enum caisson_property property = (enum caisson_property)i;

		cr_assert_eq(properties[i].number, i, "%s in caisson.h", name);
		cr_assert_eq(properties[i].in_protocol, i, "%s in properties.h", name);
		cr_assert_str_eq(caisson_property_name(property), name);
		cr_assert_gt(strlen(caisson_property_text(property)), 10, "%s has no text", name);
		cr_assert_eq(caisson_property_in_full(property), properties[i].full, "%s", name);
		cr_assert_eq(caisson_property_by_name(name), i);
		if ((CAISSON_ALWAYS >> i) & 1)
			cr_assert(properties[i].full, "%s is always there, but not in full", name);
	}
	cr_assert_eq(CAISSON_ALWAYS >> CAISSON_P_COUNT, 0);
}

Test(abi, properties_that_do_not_exist) {
	cr_assert_null(caisson_property_name(CAISSON_PROPERTY_COUNT));
	cr_assert_null(caisson_property_text(CAISSON_PROPERTY_COUNT));
	cr_assert_null(caisson_property_name((enum caisson_property) - 1));
	cr_assert_eq(caisson_property_in_full(CAISSON_PROPERTY_COUNT), 0);
	cr_assert_eq(caisson_property_by_name("no such property"), -ENOENT);
	cr_assert_eq(caisson_property_by_name(""), -ENOENT);
}

Test(abi, version) {
	int major, minor, patch;

	cr_assert_eq(sscanf(caisson_version(), "%d.%d.%d", &major, &minor, &patch), 3);
	cr_assert_eq(major, CAISSON_VERSION_MAJOR);
	cr_assert_eq(minor, CAISSON_VERSION_MINOR);
	cr_assert_eq(patch, CAISSON_VERSION_PATCH);
	cr_assert_str_eq(caisson_version(), PROJECT_VERSION, "caisson.h and CMakeLists.txt differ");
}
