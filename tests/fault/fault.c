/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded, counts the calls of one class that are made while main runs, and fails one of them.
 *
 * FAULT_CLASS=read|write|alloc  which calls; FAULT_KIND=EIO|ENOSPC|EINTR|SHORT|ENOMEM  how one
 * fails.  EINTR and SHORT (half of what was asked for is done) count only transfers. FAULT_AT=N the
 * one that fails, from 1; 0 fails none FAULT_REPORT=FILE             says what failed and who
 * called: a line "failed FUNCTION", a line for each caller "OBJECT SYMBOL OFFSET"; then "open PATH"
 * for a descriptor that main left open FAULT_CALLS=FILE              gets the hash of each call's
 * callers, 8 bytes each
 *
 * Memory is filled when it is handed out and when it is freed, so that what reads it too early or
 * too late goes wrong.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unwind.h>

enum { DEPTH = 64, OBJECTS = 128, DESCRIPTORS = 64 };
enum class { NO_CLASS, CLASS_READ, CLASS_WRITE, CLASS_ALLOC };

static enum class class;
static int number; /* errno of the fault; 0 for a short transfer */
static bool transfers_only;
static unsigned long fail_at;
static atomic_ulong calls;
static atomic_bool counting;
static int report = -1, call_log = -1;
static struct {
	uintptr_t start, end;
} object[OBJECTS];
static int objects;
static __thread __attribute__((tls_model("initial-exec"))) bool inside;

#define REAL(result, name, ...)                                                                    \
	static result (*real)(__VA_ARGS__);                                                        \
	if (!real)                                                                                 \
	*(void **)&real = dlsym(RTLD_NEXT, name)

static ssize_t write_plainly(int fd, const void *bytes, size_t len)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	return real(fd, bytes, len);
}

struct trace {
	uintptr_t frame[DEPTH];
	int depth;
};

static _Unwind_Reason_Code frame_note(struct _Unwind_Context *context, void *arg)
{
	struct trace *t = arg;

	if (t->depth == DEPTH)
		return _URC_END_OF_STACK;
	t->frame[t->depth++] = _Unwind_GetIP(context);
	return _URC_NO_REASON;
}

/* The same for the same callers in every run, wherever the objects were loaded. */
static uint64_t callers_hash(void)
{
	struct trace t = { .depth = 0 };
	uint64_t hash = 14695981039346656037u;

	_Unwind_Backtrace(frame_note, &t);
	for (int i = 0; i < t.depth; i++) {
		uintptr_t at = t.frame[i];

		for (int k = 0; k < objects; k++)
			if (at >= object[k].start && at < object[k].end)
				hash = (hash ^ (at - object[k].start) ^ (uint64_t)k << 48) *
					1099511628211u;
	}
	return hash;
}

static void callers_tell(const char *function)
{
	struct trace t = { .depth = 0 };

	_Unwind_Backtrace(frame_note, &t);
	dprintf(report, "failed %s\n", function);
	for (int i = 0; i < t.depth; i++) {
		Dl_info info;

		if (dladdr((void *)t.frame[i], &info))
			dprintf(report, "%s %s %#lx\n", info.dli_fname,
				info.dli_sname ? info.dli_sname : "?",
				(unsigned long)(t.frame[i] - (uintptr_t)info.dli_fbase) - 1);
	}
}

/* Whether this call is the one to fail. */
static bool is_failing(enum class c, bool transfer, const char *function)
{
	unsigned long n;
	bool fails;

	if (c != class || inside || !counting || (transfers_only && !transfer))
		return false;
	inside = true;
	n = ++calls;
	fails = n == fail_at;
	if (call_log >= 0) {
		uint64_t hash = callers_hash();

		write_plainly(call_log, &hash, sizeof(hash));
	}
	if (fails && report >= 0)
		callers_tell(function);
	inside = false;
	return fails;
}

/* Fails with the errno that was chosen; for calls that are no transfer. */
#define FAIL_HERE(c, function, result)                                                             \
	if (is_failing(c, false, function)) {                                                      \
		errno = number;                                                                    \
		return result;                                                                     \
	}

/* Fails, or halves the length. */
#define FAIL_TRANSFER(c, function, len)                                                            \
	if (len && is_failing(c, true, function)) {                                                \
		if (number) {                                                                      \
			errno = number;                                                            \
			return -1;                                                                 \
		}                                                                                  \
		len = (len + 1) / 2;                                                               \
	}

/* Files, pipes and sockets; events between threads cannot fail so. */
static bool is_storage(int fd)
{
	struct stat64 st;

	return !fstatat64(fd, "", &st, AT_EMPTY_PATH) && (st.st_mode & S_IFMT);
}

ssize_t read(int fd, void *bytes, size_t len)
{
	REAL(ssize_t, "read", int, void *, size_t);
	if (is_storage(fd))
		FAIL_TRANSFER(CLASS_READ, "read", len)
	return real(fd, bytes, len);
}

ssize_t pread64(int fd, void *bytes, size_t len, off64_t at)
{
	REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
	FAIL_TRANSFER(CLASS_READ, "pread64", len)
	return real(fd, bytes, len, at);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	if (is_storage(fd))
		FAIL_TRANSFER(CLASS_WRITE, "write", len)
	return real(fd, bytes, len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
	FAIL_TRANSFER(CLASS_WRITE, "pwrite64", len)
	return real(fd, bytes, len, at);
}

/* Without the search for holes there is nothing on the disk that it reads. */
off64_t lseek64(int fd, off64_t at, int whence)
{
	REAL(off64_t, "lseek64", int, off64_t, int);
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		FAIL_HERE(CLASS_READ, "lseek64", -1)
	return real(fd, at, whence);
}

static bool is_making(int flags)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static mode_t mode_of(int flags, va_list args)
{
	return is_making(flags) ? va_arg(args, mode_t) : 0;
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	REAL(int, "open64", const char *, int, mode_t);
	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	FAIL_HERE(is_making(flags) ? CLASS_WRITE : CLASS_READ, "open64", -1)
	return real(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	REAL(int, "openat64", int, const char *, int, mode_t);
	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	FAIL_HERE(is_making(flags) ? CLASS_WRITE : CLASS_READ, "openat64", -1)
	return real(folder, path, flags, mode);
}

int fstat64(int fd, struct stat64 *out)
{
	REAL(int, "fstat64", int, struct stat64 *);
	FAIL_HERE(CLASS_READ, "fstat64", -1)
	return real(fd, out);
}

int stat64(const char *path, struct stat64 *out)
{
	REAL(int, "stat64", const char *, struct stat64 *);
	FAIL_HERE(CLASS_READ, "stat64", -1)
	return real(path, out);
}

/* Some libraries call them by these names; here off_t has 64 bits anyway. */
__attribute__((alias("pread64"))) ssize_t pread(int, void *, size_t, off_t);
__attribute__((alias("pwrite64"))) ssize_t pwrite(int, const void *, size_t, off_t);
__attribute__((alias("lseek64"))) off_t lseek(int, off_t, int);
__attribute__((alias("open64"))) int open(const char *, int, ...);
__attribute__((alias("openat64"))) int openat(int, const char *, int, ...);
int fstat(int fd, struct stat *out)
{
	return fstat64(fd, (struct stat64 *)out);
}
int stat(const char *path, struct stat *out)
{
	return stat64(path, (struct stat64 *)out);
}

int ftruncate64(int fd, off64_t len)
{
	REAL(int, "ftruncate64", int, off64_t);
	FAIL_HERE(CLASS_WRITE, "ftruncate64", -1)
	return real(fd, len);
}

int fallocate64(int fd, int mode, off64_t at, off64_t len)
{
	REAL(int, "fallocate64", int, int, off64_t, off64_t);
	FAIL_HERE(CLASS_WRITE, "fallocate64", -1)
	return real(fd, mode, at, len);
}

/* No power is lost here, and waiting would be most of the time. */
int fsync(int fd)
{
	FAIL_HERE(CLASS_WRITE, "fsync", -1)
	return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
	REAL(int, "linkat", int, const char *, int, const char *, int);
	FAIL_HERE(CLASS_WRITE, "linkat", -1)
	return real(from_folder, from, to_folder, to, flags);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	REAL(int, "renameat", int, const char *, int, const char *);
	FAIL_HERE(CLASS_WRITE, "renameat", -1)
	return real(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
	REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
	FAIL_HERE(CLASS_WRITE, "renameat2", -1)
	return real(from_folder, from, to_folder, to, flags);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
	REAL(int, "mkdirat", int, const char *, mode_t);
	FAIL_HERE(CLASS_WRITE, "mkdirat", -1)
	return real(folder, path, mode);
}

int mkostemp64(char *path, int flags)
{
	REAL(int, "mkostemp64", char *, int);
	FAIL_HERE(CLASS_WRITE, "mkostemp64", -1)
	return real(path, flags);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	REAL(int, "ioctl", int, unsigned long, void *);
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	FAIL_HERE(CLASS_WRITE, "ioctl", -1)
	return real(fd, request, arg);
}

static void *filled(void *p, size_t len)
{
	if (p && counting)
		memset(p, 0xa5, len);
	return p;
}

void *malloc(size_t len)
{
	REAL(void *, "malloc", size_t);
	FAIL_HERE(CLASS_ALLOC, "malloc", NULL)
	return filled(real(len), len);
}

void *calloc(size_t count, size_t size)
{
	REAL(void *, "calloc", size_t, size_t);
	FAIL_HERE(CLASS_ALLOC, "calloc", NULL)
	return real(count, size);
}

void *realloc(void *p, size_t len)
{
	REAL(void *, "realloc", void *, size_t);
	FAIL_HERE(CLASS_ALLOC, "realloc", NULL)
	return real(p, len);
}

void *reallocarray(void *p, size_t count, size_t size)
{
	size_t len;

	if (__builtin_mul_overflow(count, size, &len)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, len);
}

void *aligned_alloc(size_t alignment, size_t len)
{
	REAL(void *, "aligned_alloc", size_t, size_t);
	FAIL_HERE(CLASS_ALLOC, "aligned_alloc", NULL)
	return filled(real(alignment, len), len);
}

int posix_memalign(void **out, size_t alignment, size_t len)
{
	REAL(int, "posix_memalign", void **, size_t, size_t);
	FAIL_HERE(CLASS_ALLOC, "posix_memalign", ENOMEM)
	return real(out, alignment, len);
}

/* A sanitizer's own would not come by malloc. */
static char *duplicate(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

char *strdup(const char *text)
{
	return duplicate(text, strlen(text));
}

char *strndup(const char *text, size_t len)
{
	return duplicate(text, strnlen(text, len));
}

void free(void *p)
{
	static void (*real)(void *);
	static volatile bool looking; /* dlsym is said never to call back, and does */

	if (looking)
		return;
	if (!real) {
		looking = true;
		*(void **)&real = dlsym(RTLD_NEXT, "free");
		looking = false;
	}
	if (p && counting)
		memset(p, 0x5a, malloc_usable_size(p));
	real(p);
}

/* A sanitizer calls it in each new thread, and does not take no for an answer. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *out)
{
	int number;

	REAL(int, "pthread_getattr_np", pthread_t, pthread_attr_t *);
	inside = true;
	number = real(thread, out);
	inside = false;
	return number;
}

static int object_add(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || objects == OBJECTS)
			continue;
		object[objects].start = info->dlpi_addr + p->p_vaddr;
		object[objects].end = object[objects].start + p->p_memsz;
		objects++;
	}
	return 0;
}

static int file_from(const char *variable)
{
	const char *path = getenv(variable);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;

	/* Out of the way of the descriptors that main gets. */
	return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS);
}

static void fault_choose(void)
{
	static const struct {
		const char *name;
		int number;
	} kind[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EINTR", EINTR }, { "SHORT", 0 },
		{ "ENOMEM", ENOMEM } };
	const char *which = getenv("FAULT_CLASS"), *how = getenv("FAULT_KIND"),
		   *at = getenv("FAULT_AT");

	if (!which || !how || !at)
		return;
	class = !strcmp(which, "read")    ? CLASS_READ
		: !strcmp(which, "write") ? CLASS_WRITE
					  : CLASS_ALLOC;
	for (size_t i = 0; i < sizeof(kind) / sizeof(*kind); i++)
		if (!strcmp(how, kind[i].name))
			number = kind[i].number;
	transfers_only = number == EINTR || number == 0;
	fail_at = strtoul(at, NULL, 10);
}

static void descriptors_look(bool open_before[DESCRIPTORS], bool tell)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		char link[64], path[256];
		ssize_t len;

		if (fcntl(fd, F_GETFD) < 0 || (tell && open_before[fd]))
			continue;
		open_before[fd] = true;
		if (!tell || report < 0)
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, path, sizeof(path));
		dprintf(report, "open %.*s\n", (int)(len < 0 ? 0 : len), path);
	}
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment)
{
	bool open_before[DESCRIPTORS] = { false };
	int status;

	fault_choose();
	report = file_from("FAULT_REPORT");
	call_log = file_from("FAULT_CALLS");
	dl_iterate_phdr(object_add, NULL);
	descriptors_look(open_before, false);
	counting = true;
	status = real_main(argc, argv, environment);
	counting = false;
	descriptors_look(open_before, true);
	return status;
}

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

int __libc_start_main(int (*start)(int, char **, char **), int argc, char **argv,
	void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	REAL(int, "__libc_start_main", int (*)(int, char **, char **), int, char **, void (*)(void),
		void (*)(void), void (*)(void), void *);
	real_main = start;
	return real(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
