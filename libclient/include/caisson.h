/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcaisson: sandboxes for untrusted code, and tensors that cross into them
 * without a copy.
 *
 * Threads: the library keeps no global state. A spec, a sandbox and one
 * direction of a channel are each used by one thread at a time; different
 * objects may be used by different threads at once. caisson_kill(),
 * caisson_event_fd(), caisson_pidfd() and caisson_channel_fd() may be called from any thread while
 * the object lives.
 *
 * Errors: functions that return int give 0 or a negative errno value. Those
 * with a last argument `caisson_error **err` also store, if err is not NULL, an
 * object that says what happened, to what, which knob decides it and what to
 * do; free it with caisson_error_free(). On success *err is left as it was.
 *
 * Fork: after fork() the child may only close what it inherited.
 */
#ifndef CAISSON_H
#define CAISSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define CAISSON_VERSION_MAJOR 0
#define CAISSON_VERSION_MINOR 1
#define CAISSON_VERSION_PATCH 0

/* "0.1.0"; static storage. */
const char *caisson_version(void);

/* ------------------------------------------------------------------ errors */

typedef struct caisson_error caisson_error;

/* Where the error was found. */
enum caisson_error_source {
	CAISSON_FROM_LIBRARY = 0,
	CAISSON_FROM_HELPER = 1, /* caisson-helper, before the sandbox existed */
	CAISSON_FROM_INIT = 2,   /* the sandbox's pid 1 */
};

/* All of it in a few lines: what happened, to what, the knob, the remedy. Never NULL; owned by err. */
const char *caisson_error_text(const caisson_error *err);
/* What happened, in one sentence. */
const char *caisson_error_message(const caisson_error *err);
/* What to do, in one sentence or more; "" if nothing can be done. */
const char *caisson_error_remedy(const caisson_error *err);
/* What was being done ("cloning a source's mounts"). */
const char *caisson_error_stage(const caisson_error *err);
/* The knob that decides ("sysctl user.max_user_namespaces"); "" if none. */
const char *caisson_error_knob(const caisson_error *err);
enum caisson_error_source caisson_error_source(const caisson_error *err);
/* Positive errno value. */
int caisson_error_errno(const caisson_error *err);
/* NULL is fine. */
void caisson_error_free(caisson_error *err);

/* -------------------------------------------------------------- properties */

/*
 * What a sandbox can promise. A caller names what it requires; the report says
 * for each property whether it is enforced and by what, or why not.
 */
enum caisson_property {
	CAISSON_PROPERTY_USERNS = 0,
	CAISSON_PROPERTY_PID = 1,
	CAISSON_PROPERTY_MOUNT = 2,
	CAISSON_PROPERTY_IPC = 3,
	CAISSON_PROPERTY_UTS = 4,
	CAISSON_PROPERTY_CGROUP = 5,
	CAISSON_PROPERTY_NET = 6,
	CAISSON_PROPERTY_PROC = 7,
	CAISSON_PROPERTY_DEV = 8,
	CAISSON_PROPERTY_SHM = 9,
	CAISSON_PROPERTY_NOSUID = 10,
	CAISSON_PROPERTY_CAPABILITIES = 11,
	CAISSON_PROPERTY_NO_NEW_PRIVS = 12,
	CAISSON_PROPERTY_SECCOMP = 13,
	CAISSON_PROPERTY_LANDLOCK = 14,
	CAISSON_PROPERTY_HOST_PROCESSES = 15,
	CAISSON_PROPERTY_TERMINAL = 16,
	CAISSON_PROPERTY_KEYRING = 17,
	CAISSON_PROPERTY_END_WITH_HOST = 18,
	CAISSON_PROPERTY_LABEL = 19,
	CAISSON_PROPERTY_LIMITS = 20,
	CAISSON_PROPERTY_OWN_POOLS = 21,
	CAISSON_PROPERTY_HOST_SOCKETS = 22,
	CAISSON_PROPERTY_COUNT = 23
};

/* "pid", "host_processes"; NULL if out of range. Static storage. */
const char *caisson_property_name(enum caisson_property property);
/* What it means when enforced; NULL if out of range. */
const char *caisson_property_text(enum caisson_property property);
/* 1 if a sandbox without it is not a full one. */
int caisson_property_in_full(enum caisson_property property);
/* -ENOENT if there is no such property. */
int caisson_property_by_name(const char *name);

/* -------------------------------------------------------------------- spec */

/*
 * A spec describes a sandbox to be. Its functions copy what they are given.
 * They return 0 or a negative errno value; the first failure (-ENOMEM, -EINVAL)
 * is remembered and caisson_spawn() reports it, so that a caller may leave the
 * results of these functions alone. A spec can be spawned more than once if it
 * has no channel.
 */
typedef struct caisson_spec caisson_spec;

enum caisson_bind_flags {
	CAISSON_RDONLY = 1,
	CAISSON_NOEXEC = 2,
	CAISSON_OPTIONAL = 4, /* leave it out if the source does not exist */
};

enum caisson_network {
	CAISSON_NETWORK_NONE = 0,     /* the default: no interface, no inet sockets */
	CAISSON_NETWORK_LOOPBACK = 1, /* only its own loopback */
	CAISSON_NETWORK_HOST = 2,     /* the host's network */
};

enum caisson_user_namespace {
	CAISSON_USER_NAMESPACE_AUTO = 0,     /* the default: where the host allows root one */
	CAISSON_USER_NAMESPACE_REQUIRED = 1, /* or fail */
	CAISSON_USER_NAMESPACE_NONE = 2,
};

/* name: for the report. NULL if memory is short. */
caisson_spec *caisson_spec_new(const char *name);
/* NULL is fine. Channels of a spec that was never spawned are closed with it. */
void caisson_spec_free(caisson_spec *spec);

/*
 * Grant the tree or file src at dst. src is opened by caisson_spawn() with the
 * caller's own rights; dst is an absolute path in the sandbox. Always with the
 * mounts below src; setuid bits and device nodes in it never work.
 */
int caisson_spec_ro(caisson_spec *spec, const char *src, const char *dst);
int caisson_spec_rw(caisson_spec *spec, const char *src, const char *dst);
int caisson_spec_bind(caisson_spec *spec, const char *src, const char *dst, unsigned flags);
/* fd: O_PATH or not, duplicated here. */
int caisson_spec_bind_fd(caisson_spec *spec, int fd, const char *dst, unsigned flags);

/* size in bytes; mode such as 0700; owned by the user. */
int caisson_spec_tmpfs(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode);
int caisson_spec_dir(caisson_spec *spec, const char *dst, unsigned mode);
int caisson_spec_symlink(caisson_spec *spec, const char *target, const char *path);

/*
 * Leave out the default root: read-only /usr, /bin and its kind as the host has
 * them, the few files of /etc that programs need, /proc, /dev, private /tmp and
 * /run. The spec then gives all of it, caisson_spec_proc() and
 * caisson_spec_dev() included.
 */
int caisson_spec_bare_root(caisson_spec *spec);
int caisson_spec_proc(caisson_spec *spec, const char *dst);
int caisson_spec_dev(caisson_spec *spec, const char *dst);

int caisson_spec_network(caisson_spec *spec, enum caisson_network network);
int caisson_spec_user_namespace(caisson_spec *spec, enum caisson_user_namespace mode);
/* At most 64 bytes; the default is "caisson". */
int caisson_spec_hostname(caisson_spec *spec, const char *hostname);

/*
 * The caller requires this property: without it there is no sandbox. All
 * properties of a full sandbox are required from the start, but for those that
 * the spec itself gives up: caisson_spec_network(HOST) gives up "net", a host's
 * tree granted at or below /dev gives up "dev" and "shm".
 */
int caisson_spec_require(caisson_spec *spec, enum caisson_property property);

/* argv[0] is looked up in the sandbox's PATH if it has no slash. Required. */
int caisson_spec_argv(caisson_spec *spec, const char *const argv[]);
/* The environment starts with PATH, HOME=/tmp, LANG=C.UTF-8 and nothing else. */
int caisson_spec_setenv(caisson_spec *spec, const char *name, const char *value);
/* As the host has it at spawn; left out if the host has not. */
int caisson_spec_keepenv(caisson_spec *spec, const char *name);
/* The default is "/". */
int caisson_spec_chdir(caisson_spec *spec, const char *dir);

/*
 * Standard input, output and error of the program. -1, the default, is
 * /dev/null. The descriptors stay the caller's and must be open when
 * caisson_spawn() is called. Pipes, sockets and terminals may be passed;
 * directories and O_PATH descriptors are refused; a regular file needs
 * caisson_spec_allow_stdio_files(), since a program that was given one may
 * reopen it with whatever access the user has.
 */
int caisson_spec_stdio(caisson_spec *spec, int in, int out, int err);
int caisson_spec_allow_stdio_files(caisson_spec *spec);

/* Another caisson-helper than the installed one. */
int caisson_spec_helper(caisson_spec *spec, const char *path);

/* ----------------------------------------------------------------- sandbox */

typedef struct caisson_sandbox caisson_sandbox;

/*
 * Build the sandbox and start the program in it; returns once its exec
 * succeeded. Full isolation or an error: on error there is no sandbox and
 * nothing is left behind.
 */
int caisson_spawn(caisson_spec *spec, caisson_sandbox **box, caisson_error **err);

/*
 * Wait for the program to end, timeout in milliseconds (-1: without limit, 0:
 * only look). *status is a wait status (WIFEXITED() and its kind). -ETIMEDOUT
 * if it still runs. The program's other processes have ended when it returns 0.
 */
int caisson_wait(caisson_sandbox *box, int timeout_ms, int *status, caisson_error **err);
/* Send the program a signal; SIGKILL ends the whole sandbox. */
int caisson_kill(caisson_sandbox *box, int sig);
/*
 * For poll(POLLIN): readable when the program may have ended; caisson_wait()
 * with timeout 0 tells. Do not read it. Owned by box.
 */
int caisson_event_fd(const caisson_sandbox *box);
/* Of the sandbox's pid 1, readable once the kernel has taken all of it down. Owned by box. */
int caisson_pidfd(const caisson_sandbox *box);
/* Of the sandbox's pid 1, in the caller's pid namespace; -1 once it was reaped. */
int caisson_pid(const caisson_sandbox *box);

/* 1 if enforced, 0 if not; *how (may be NULL) by what or why not, in words. */
int caisson_property_held(const caisson_sandbox *box, enum caisson_property property,
                          const char **how);
/* 1 if every property of a full sandbox is enforced. */
int caisson_is_full(const caisson_sandbox *box);
/* The report as JSON (docs/report.md); owned by box. NULL if memory is short. */
const char *caisson_report_json(caisson_sandbox *box);

/* Kills the sandbox if it still runs, waits for its end, closes its channels. NULL is fine. */
void caisson_sandbox_free(caisson_sandbox *box);

/* ---------------------------------------------------------------- channels */

/*
 * A channel carries tensors between a host application and one sandbox. The
 * bytes lie in memory that both have mapped; only descriptions travel. The two
 * sides do not trust each other: whatever the other side does, a call here ends
 * in time, and never reads or writes outside the channel's own memory.
 *
 * The bytes of a tensor received *from a sandbox* can still be changed by that
 * sandbox while they are read. They are fit for arithmetic; never use them as
 * an index, a length or a pointer without copying and checking them first.
 */
typedef struct caisson_channel caisson_channel;

enum caisson_direction {
	CAISSON_TO_HOST = 1,    /* the sandbox sends, the host receives */
	CAISSON_TO_SANDBOX = 2, /* the host sends */
	CAISSON_BOTH = 3,       /* a slab each way */
};

/* DLPack's type codes (DLDataTypeCode, DLPack 1.1). */
enum caisson_dtype_code {
	CAISSON_INT = 0,
	CAISSON_UINT = 1,
	CAISSON_FLOAT = 2,
	CAISSON_OPAQUE_HANDLE = 3, /* never crosses a channel */
	CAISSON_BFLOAT = 4,
	CAISSON_COMPLEX = 5,
	CAISSON_BOOL = 6,
	CAISSON_FLOAT8_E3M4 = 7,
	CAISSON_FLOAT8_E4M3 = 8,
	CAISSON_FLOAT8_E4M3B11FNUZ = 9,
	CAISSON_FLOAT8_E4M3FN = 10,
	CAISSON_FLOAT8_E4M3FNUZ = 11,
	CAISSON_FLOAT8_E5M2 = 12,
	CAISSON_FLOAT8_E5M2FNUZ = 13,
	CAISSON_FLOAT8_E8M0FNU = 14,
	CAISSON_FLOAT6_E2M3FN = 15,
	CAISSON_FLOAT6_E3M2FN = 16,
	CAISSON_FLOAT4_E2M1FN = 17
};

typedef struct caisson_dtype {
	uint8_t code; /* enum caisson_dtype_code */
	uint8_t bits; /* of one lane */
	uint16_t lanes;
} caisson_dtype;

#ifdef __cplusplus
#define CAISSON_DTYPE(code, bits) (caisson_dtype{ (code), (bits), 1 })
#else
#define CAISSON_DTYPE(code, bits) ((caisson_dtype){ (code), (bits), 1 })
#endif
#define CAISSON_U8 CAISSON_DTYPE(CAISSON_UINT, 8)
#define CAISSON_F32 CAISSON_DTYPE(CAISSON_FLOAT, 32)

/*
 * A tensor on loan. data, shape and strides point into the channel's memory and
 * are valid from caisson_loan() to caisson_send(), or from caisson_recv() to
 * caisson_release(), or until the channel is closed. A received tensor's data
 * is mapped read-only: writing to it is a SIGSEGV.
 */
typedef struct caisson_tensor {
	void *data;
	const int64_t *shape;   /* ndim extents, in elements */
	const int64_t *strides; /* ndim strides, in elements; row-major if contiguous */
	int32_t ndim;           /* 0 (a scalar) to 8 */
	caisson_dtype dtype;
	uint64_t nbytes; /* that the elements span */
	uint64_t tag;    /* the sender's; any value */
	uint64_t lease;  /* the channel's own */
} caisson_tensor;

/*
 * Ask for a channel in a sandbox to be; its other end is opened there by name.
 * bytes: of the slab in each direction it carries, rounded up to whole pages;
 * the memory is taken when first written. Usable once caisson_spawn()
 * succeeded; owned by the spec, then by the sandbox, until one of them is
 * freed. name: 1 to 31 of [a-z0-9_-]. NULL on failure, which caisson_spawn()
 * reports.
 */
caisson_channel *caisson_spec_channel(caisson_spec *spec, const char *name,
                                      enum caisson_direction direction, uint64_t bytes);

/* In the sandbox: open the end that the host gave this name. Close it with caisson_channel_close(). */
int caisson_channel_open(const char *name, caisson_channel **channel, caisson_error **err);
/* Only for channels from caisson_channel_open(). NULL is fine. */
void caisson_channel_close(caisson_channel *channel);

/*
 * Room for a contiguous tensor in the slab that this side sends from. Fill
 * tensor->data, then send or release it. -EAGAIN if there is no room until the
 * other side releases something; -EMSGSIZE if it can never fit; -EPIPE if the
 * other side is gone; -ENOTSUP if this side does not send.
 */
int caisson_loan(caisson_channel *channel, caisson_dtype dtype, int32_t ndim, const int64_t *shape,
                 caisson_tensor *tensor, caisson_error **err);
/* Publish a loaned tensor; it is no longer this side's to touch. Never blocks. */
int caisson_send(caisson_channel *channel, caisson_tensor *tensor, caisson_error **err);
/*
 * The next tensor, waiting up to timeout_ms (-1: without limit, 0: only look).
 * -ETIMEDOUT (-EAGAIN if timeout_ms is 0), -EPIPE once the other side is gone
 * and all it sent was received, -EPROTO if it broke the protocol (the channel
 * is then of no further use).
 */
int caisson_recv(caisson_channel *channel, caisson_tensor *tensor, int timeout_ms,
                 caisson_error **err);
/* Give back a received tensor, or a loaned one that is not to be sent. */
void caisson_release(caisson_channel *channel, caisson_tensor *tensor);
/*
 * For poll(POLLIN): readable when a tensor may have arrived or room may have
 * been made. Do not read it: call caisson_recv() with timeout 0 until it
 * returns -EAGAIN. Owned by the channel.
 */
int caisson_channel_fd(const caisson_channel *channel);

/* ------------------------------------------------------------------- probe */

/* What works on this host, and why not what does not. */
typedef struct caisson_probe caisson_probe;

enum caisson_severity {
	CAISSON_OK = 0,
	CAISSON_NOTE = 1,    /* something is missing that a full sandbox does without */
	CAISSON_PROBLEM = 2, /* no full sandbox because of it */
};

struct caisson_finding {
	const char *topic;    /* "user namespaces" */
	const char *value;    /* "denied to you" */
	const char *evidence; /* "kernel.unprivileged_userns_clone=0" */
	const char *remedy;   /* "" if there is none or none is needed */
	enum caisson_severity severity;
};

/*
 * Tries for real, in child processes that end before it returns; leaves nothing
 * behind. helper: NULL for the installed one.
 */
int caisson_probe_new(const char *helper, caisson_probe **probe, caisson_error **err);
size_t caisson_probe_count(const caisson_probe *probe);
/* NULL if index is out of range; owned by probe. */
const struct caisson_finding *caisson_probe_finding(const caisson_probe *probe, size_t index);
void caisson_probe_free(caisson_probe *probe);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
