/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcaisson: sandboxes for untrusted code, and tensors that cross into them
 * without a copy.
 *
 * Threads: a spec, a sandbox and one direction of a channel are each used by one
 * thread at a time; different objects may be used by different threads at once.
 * caisson_kill(), caisson_event_fd(), caisson_pidfd() and caisson_channel_fd() may be
 * called from any thread while the object lives. What the library keeps outside of
 * its objects, channels that a program was offered and has not opened yet, the driver
 * of CUDA and what the kernel was once found to do, is guarded by itself. The
 * environment is read, as getenv() does: no thread may change it meanwhile.
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
	CAISSON_FROM_HELPER = 1,  /* caisson-helper, before the sandbox existed */
	CAISSON_FROM_INIT = 2,    /* the sandbox's pid 1 */
	CAISSON_FROM_BUILDER = 3, /* caisson-builder, in the helper's place */
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
/* The property of that name, of enum caisson_property; -ENOENT if there is none. */
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
	/*
	 * The caller's own files appear as the sandbox's: where it runs as another
	 * user of the host (caisson_spec_subids()), it could not reach them else.
	 * Files of others appear as nobody's. Needs Linux 5.12 or later, a file
	 * system that can do it, and a user namespace.
	 */
	CAISSON_IDMAP = 8,
};

enum caisson_procfs_flags {
	CAISSON_PROCFS_PIDS = 1,    /* processes only: no meminfo, cpuinfo, mounts, sys ... */
	CAISSON_PROCFS_HIDEPID = 2, /* processes of other users are not shown */
	CAISSON_PROCFS_WHOLE = 4,   /* nothing of it covered, /proc/sys not made read-only */
};

/* For caisson_spec_ids(): leave this one as the caller has it. */
#define CAISSON_CALLER_ID 0xffffffffu

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
/* Another name. */
int caisson_spec_name(caisson_spec *spec, const char *name);
/* NULL is fine. Channels of a spec that was never spawned are closed with it. */
void caisson_spec_free(caisson_spec *spec);

/*
 * Grant the tree or file src at dst. src is opened by caisson_spawn() with the
 * caller's own rights; dst is an absolute path in the sandbox. Always with the
 * mounts below src; setuid bits and device nodes in it never work.
 */
int caisson_spec_ro(caisson_spec *spec, const char *src, const char *dst);
int caisson_spec_rw(caisson_spec *spec, const char *src, const char *dst);
/*
 * The same with flags of enum caisson_bind_flags. Nothing can be granted over the
 * sandbox's own root, "/": that is -EINVAL.
 */
int caisson_spec_bind(caisson_spec *spec, const char *src, const char *dst, unsigned flags);
/* fd: O_PATH or not, duplicated here. CAISSON_OPTIONAL is not for it. */
int caisson_spec_bind_fd(caisson_spec *spec, int fd, const char *dst, unsigned flags);

/* An empty tmpfs. size in bytes, not 0; mode such as 0700; owned by the user. */
int caisson_spec_tmpfs(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode);
/* flags: CAISSON_NOEXEC, nothing in it can be executed; or 0. */
int caisson_spec_tmpfs_with(caisson_spec *spec, const char *dst, uint64_t size, unsigned mode,
                            unsigned flags);
/*
 * A directory, if nothing is there; mode such as 0755, at most 01777; owned by the user, and
 * read-only where it lies in the sandbox's own root. Directories above it that are missing are
 * made, with 0755.
 */
int caisson_spec_dir(caisson_spec *spec, const char *dst, unsigned mode);
/* A link at path that holds target, whatever that is; caisson_spawn() fails if something is there. */
int caisson_spec_symlink(caisson_spec *spec, const char *target, const char *path);

/*
 * A file of size bytes, which are copied here (into memory that is sealed), and
 * again into each sandbox. mode such as 0444, at most 0777; owned by the user.
 * data may be NULL if size is 0. The sandbox's root holds 4 MiB in all: put a
 * tmpfs that is large enough at a directory for larger files, before them; what
 * does not fit is ENOSPC at caisson_spawn(). Nothing can be made in a granted
 * tree.
 */
int caisson_spec_data(caisson_spec *spec, const void *data, size_t size, const char *dst,
                      unsigned mode);
/*
 * Cover what is at path by then, a file or a directory, with something empty
 * that is read-only. That nothing is there is no error.
 */
int caisson_spec_mask(caisson_spec *spec, const char *path);
/*
 * Make what is at path by then read-only: a mount point alone, without what is
 * mounted below it; anything else together with that. -ENOENT at caisson_spawn()
 * if nothing is there.
 */
int caisson_spec_readonly(caisson_spec *spec, const char *path);

/*
 * Leave out the default root: read-only /usr, /bin and its kind as the host has
 * them, the few files of /etc that programs need, /proc, /dev, private /tmp and
 * /run. The spec then gives all of it, caisson_spec_proc() and
 * caisson_spec_dev() included.
 */
int caisson_spec_bare_root(caisson_spec *spec);
/*
 * A procfs of the sandbox's own processes, once. What programs need not see of
 * it is covered, /proc/sys is read-only (docs/properties.md has the list). One at
 * "/proc" takes the place of the default root's.
 */
int caisson_spec_proc(caisson_spec *spec, const char *dst);
/* flags: of enum caisson_procfs_flags. */
int caisson_spec_proc_with(caisson_spec *spec, const char *dst, unsigned flags);
/*
 * A directory with the harmless devices, an own /dev/shm and /dev/pts; once. It is
 * read-only, but what the spec puts in it is put there first.
 */
int caisson_spec_dev(caisson_spec *spec, const char *dst);
/*
 * One character device of the host's: src is a node of it. The policy says who may
 * have which ("allow WHO device MAJOR:MINOR"). A place below /dev is no less the sandbox's own.
 */
int caisson_spec_device(caisson_spec *spec, const char *src, const char *dst);
/* The sandbox's own POSIX message queues, as files; once. Without it at /dev/mqueue, CAISSON_LANDLOCK_FILES denies mq_open(3). */
int caisson_spec_mqueue(caisson_spec *spec, const char *dst);

/* The default is NONE. HOST takes a policy that allows it, which the shipped one does not. */
int caisson_spec_network(caisson_spec *spec, enum caisson_network network);
/*
 * The default is AUTO. REQUIRED: caisson_spawn() fails where none can be had, as after
 * caisson_spec_require(USERNS). NONE: never one, which takes the helper.
 */
int caisson_spec_user_namespace(caisson_spec *spec, enum caisson_user_namespace mode);

/*
 * Who the program is. All of it needs a user namespace: caisson_spawn() fails
 * where none can be had, and so it does after caisson_spec_user_namespace(NONE).
 *
 * The user and group id that it sees of itself, 0 included, which gives it no
 * privilege; each may be CAISSON_CALLER_ID. Outside it stays the caller.
 */
int caisson_spec_ids(caisson_spec *spec, uint32_t uid, uint32_t gid);
/*
 * Run it as this user and group of the host instead of the caller's, each one
 * that /etc/subuid and /etc/subgid grant the caller. It then reaches nothing of
 * the caller's that others may not, but for what is granted with CAISSON_IDMAP.
 * Inside it sees itself as the caller, unless caisson_spec_ids() says otherwise.
 */
int caisson_spec_subids(caisson_spec *spec, uint32_t uid, uint32_t gid);
/*
 * Seconds, also negative, that CLOCK_MONOTONIC and CLOCK_BOOTTIME are ahead of
 * the host's. -ERANGE at caisson_spawn() if a clock would become negative.
 */
int caisson_spec_time_offsets(caisson_spec *spec, int64_t monotonic, int64_t boottime);

/* At most 64 bytes; the default is "caisson". */
int caisson_spec_hostname(caisson_spec *spec, const char *hostname);

/*
 * What runs inside gets this profile besides caisson-sandbox and the caller's own (AppArmor), or
 * this domain instead of caisson_sandbox_t (SELinux). At most 64 letters, digits, '_', '-', '.'.
 * The policy must allow it ("allow ... label NAME"), and the module must be loaded and let
 * caisson-helper make the change; else caisson_spawn() fails.
 */
int caisson_spec_label(caisson_spec *spec, const char *name);

/*
 * The caller requires this property: without it there is no sandbox. All
 * properties of a full sandbox are required from the start, but for those that
 * the spec itself gives up: caisson_spec_network(HOST) gives up "net", a host's
 * tree granted at or below /dev gives up "dev" and "shm". "host_sockets" is
 * enforced only if it is required: a socket that is granted is there to be used.
 */
int caisson_spec_require(caisson_spec *spec, enum caisson_property property);

/* argv[0] is looked up in the sandbox's PATH if it has no slash. Required. */
int caisson_spec_argv(caisson_spec *spec, const char *const argv[]);
/* The environment starts with PATH, HOME=/tmp, LANG=C.UTF-8 and nothing else. */
int caisson_spec_setenv(caisson_spec *spec, const char *name, const char *value);
/* Nothing is in the environment, PATH neither, but for what is said after this. */
int caisson_spec_clearenv(caisson_spec *spec);
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
 * reopen it with whatever access the user has, but for CAISSON_LANDLOCK_FILES.
 */
int caisson_spec_stdio(caisson_spec *spec, int in, int out, int err);
/* Let these, and what caisson_spec_pass_fd() passes, be regular files. */
int caisson_spec_allow_stdio_files(caisson_spec *spec);

/*
 * What the Landlock domain keeps the program from, where the kernel has Landlock (the property
 * "landlock" says; the seccomp profile "nested" never has the first).
 */
enum caisson_landlock {
	/*
	 * Processes outside, and files: none is opened, made, removed or renamed but below the
	 * sandbox's root, whatever descriptor leads there; a descriptor that the program started
	 * with is opened anew (/dev/stdout, /proc/self/fd) only for what it is open for, and one
	 * that it got later, or with caisson_exec(), not at all.
	 */
	CAISSON_LANDLOCK_FILES = 0,
	/*
	 * Processes outside: for a program that is sent directories over a socket, or executes
	 * what it was sent. Gives up the property "host_sockets".
	 */
	CAISSON_LANDLOCK_PROCESSES = 1,
};

/* The default is FILES. */
int caisson_spec_landlock(caisson_spec *spec, enum caisson_landlock domain);

/*
 * One more descriptor for the program, on the same terms as its standard streams. The
 * first is 3 there, the next 4, behind those of the channels. -E2BIG if there are over
 * 64 with them.
 */
int caisson_spec_pass_fd(caisson_spec *spec, int fd);

/* Another caisson-helper than the installed one. */
int caisson_spec_helper(caisson_spec *spec, const char *path);

/* Who builds the sandbox: docs/design.md, "Two ways". */
enum caisson_via {
	/* the helper; caisson-builder where the helper is missing or gains no privilege */
	CAISSON_VIA_AUTO = 0,
	CAISSON_VIA_HELPER = 1, /* caisson-helper, setuid; the administrator's policy binds it */
	CAISSON_VIA_USERNS =
		2, /* caisson-builder, unprivileged, in a user namespace of the user's */
};

int caisson_spec_via(caisson_spec *spec, enum caisson_via via);

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
/*
 * Send the program a signal; SIGKILL ends the whole sandbox. -ESRCH once that is gone, which
 * may be a moment after caisson_wait() told the program's end; -EINVAL if there is no such signal,
 * 0 among them; -EAGAIN if too many are under way.
 */
int caisson_kill(caisson_sandbox *box, int sig);
/*
 * For poll(POLLIN): readable when the program may have ended, or one of
 * caisson_exec(); caisson_wait() with timeout 0 tells, and takes in what there is
 * to be heard of all of them, so ask every one after it. Do not read it. Owned by box.
 */
int caisson_event_fd(const caisson_sandbox *box);
/*
 * Of the sandbox's pid 1, readable once the kernel has taken all of it down. Owned by box. -1
 * before Linux 5.3, which has none: caisson_event_fd() serves there, too.
 */
int caisson_pidfd(const caisson_sandbox *box);
/* Of the sandbox's pid 1, in the caller's pid namespace; -1 once it was reaped. */
int caisson_pid(const caisson_sandbox *box);

/* 1 if enforced, 0 if not; *how (may be NULL) by what or why not, in words. */
int caisson_property_held(const caisson_sandbox *box, enum caisson_property property,
                          const char **how);
/* 1 if every property of a full sandbox is enforced. */
int caisson_is_full(const caisson_sandbox *box);
/* Which way was taken: HELPER or USERNS. *why (may be NULL): in words; owned by box. */
enum caisson_via caisson_via(const caisson_sandbox *box, const char **why);
/* The report as JSON (docs/report.md); owned by box. NULL if memory is short. */
const char *caisson_report_json(caisson_sandbox *box);

/* Kills the sandbox if it still runs, waits for its end, closes its channels. NULL is fine. */
void caisson_sandbox_free(caisson_sandbox *box);

/* ----------------------------------------------- more programs in a sandbox */

/* Owned by its sandbox, and gone with it. */
typedef struct caisson_program caisson_program;

/*
 * Start another program in a running sandbox, as that one's first, with the same
 * restrictions: the sandbox's pid 1 starts it. Of spec only arguments, environment,
 * working directory, standard streams, descriptors and channels are used; if it has
 * anything else, -EINVAL. Its channels are the sandbox's from then on, and -EBUSY is
 * returned for a spec whose channels a program has already. Returns once the exec succeeded. -EAGAIN if 64 programs run already, -ESRCH if
 * the sandbox has ended. The sandbox goes on whatever becomes of the program, and
 * ends when its first program does, with all others.
 */
int caisson_exec(caisson_sandbox *box, caisson_spec *spec, caisson_program **program,
                 caisson_error **err);
/*
 * As caisson_wait(), for this program; processes that it started may be left. If
 * the sandbox ended first, the status is that of a program killed by SIGKILL.
 */
int caisson_program_wait(caisson_program *program, int timeout_ms, int *status,
                         caisson_error **err);
/* SIGKILL too ends only this process. May be called from any thread. */
int caisson_program_kill(caisson_program *program, int sig);
/* Kills the program if it still runs; does not wait. NULL is fine. */
void caisson_program_free(caisson_program *program);

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
	int32_t ndim;           /* 0 (a scalar) to 64 */
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

/*
 * In the sandbox: open the end that the host gave this name. Close it with
 * caisson_channel_close(). -ENOENT if there is no such name, -EBUSY if it is open, -EBADF if it was
 * closed before: a channel is opened once. -EPIPE if the host has closed it. One name is opened by
 * one thread at a time, different ones by different threads at once.
 */
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
/*
 * The same, for a tensor that need not be contiguous, and waiting up to
 * timeout_ms for room (-1: without limit, 0: not at all; then -ETIMEDOUT).
 * strides: ndim of them, in elements, not negative; NULL: row-major. The tensor
 * spans from its first element to its last one, gaps included; what is in the
 * gaps crosses too. May be called while another thread waits in caisson_recv().
 */
int caisson_loan_strided(caisson_channel *channel, caisson_dtype dtype, int32_t ndim,
                         const int64_t *shape, const int64_t *strides, int timeout_ms,
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

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#include "caisson_gpu.h"
#include "caisson_limits.h"
#include "caisson_probe.h"
#include "caisson_seccomp.h"

#endif
