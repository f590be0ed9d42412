/* Preloaded, it counts the calls to the system that concern one folder, and lets one of them fail.

   Nothing happens before `fault_arm`. `how`: 0 only counts, 1 fails call `at` once, 2 fails it and
   each one after it, 3 reads or writes half, 4 kills the process before it, 5 after it. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { COUNT, ONCE, FOR_GOOD, SHORT, KILL_BEFORE, KILL_AFTER };

/* The names of the calls in their order, where the parent process sees them. */
static char (*trace)[16];
static long most, at;
static int how, error;
static char folder[512];
static atomic_long count;

void fault_arm(const char *below, void *shared, long room, long number, int what, int with) {
    trace = shared, most = room, at = number, how = what, error = with;
    snprintf(folder, sizeof folder, "%s", below);
}

static int is_below(const char *path) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int concerns_file(int file) {
    char name[64], path[1024];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    long length = syscall(SYS_readlinkat, AT_FDCWD, name, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int concerns(int below, const char *path) {
    if (!folder[0]) return 0;
    if (!path || !path[0]) return concerns_file(below);
    return path[0] == '/' ? is_below(path) : below >= 0 && concerns_file(below);
}

/* Count the call; return what is to happen to it. */
static int fault(const char *name) {
    int before = errno;
    long number = atomic_fetch_add(&count, 1) + 1;
    if (number <= most) snprintf(trace[number - 1], sizeof *trace, "%s", name);
    errno = before;
    if (how == FOR_GOOD && number > at) return ONCE;
    if (number != at || how == COUNT) return COUNT;
    if (how == KILL_BEFORE) kill(getpid(), SIGKILL);
    return how == FOR_GOOD ? ONCE : how;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define CALL(type, bad, label, applies, call) \
    if (!(applies)) return call; \
    int what = fault(label); \
    if (what == ONCE) { errno = error; return bad; } \
    type done = call; \
    if (what == KILL_AFTER) kill(getpid(), SIGKILL); \
    return done

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list more; va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; va_end(more); \
        CALL(int, -1, "open", concerns(-1, path), real(path, flags, mode)); }
#define OPENAT(name) \
    int name(int below, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        va_list more; va_start(more, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; va_end(more); \
        CALL(int, -1, "open", concerns(below, path), real(below, path, flags, mode)); }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

/* Of a call that moves bytes half can be done. */
#define BYTES(name, label, buffer) \
    ssize_t name(int file, buffer data, size_t size) { \
        REAL(ssize_t, name, int, buffer, size_t); \
        if (!folder[0] || !concerns_file(file)) return real(file, data, size); \
        int what = fault(label); \
        if (what == ONCE) { errno = error; return -1; } \
        ssize_t done = real(file, data, what == SHORT && size > 1 ? size / 2 : size); \
        if (what == KILL_AFTER) kill(getpid(), SIGKILL); \
        return done; }
BYTES(read, "read", void *) BYTES(write, "write", const void *)
#define BYTES_AT(name, label, buffer) \
    ssize_t name(int file, buffer data, size_t size, off_t where) { \
        REAL(ssize_t, name, int, buffer, size_t, off_t); \
        if (!folder[0] || !concerns_file(file)) return real(file, data, size, where); \
        int what = fault(label); \
        if (what == ONCE) { errno = error; return -1; } \
        ssize_t done = real(file, data, what == SHORT && size > 1 ? size / 2 : size, where); \
        if (what == KILL_AFTER) kill(getpid(), SIGKILL); \
        return done; }
BYTES_AT(pread, "read", void *) BYTES_AT(pread64, "read", void *)
BYTES_AT(pwrite, "write", const void *) BYTES_AT(pwrite64, "write", const void *)

#define ON_FILE(name, label, arguments, types, ...) \
    int name arguments { REAL(int, name, types); \
        CALL(int, -1, label, folder[0] && concerns_file(file), real(__VA_ARGS__)); }
#define _(...) __VA_ARGS__
ON_FILE(fsync, "fsync", (int file), _(int), file)
ON_FILE(flock, "flock", (int file, int act), _(int, int), file, act)
ON_FILE(fchmod, "fchmod", (int file, mode_t mode), _(int, mode_t), file, mode)
ON_FILE(fchown, "fchown", (int file, uid_t user, gid_t group), _(int, uid_t, gid_t), file, user, group)
ON_FILE(ftruncate64, "truncate", (int file, off_t size), _(int, off_t), file, size)
ON_FILE(futimens, "utime", (int file, const struct timespec *t), _(int, const struct timespec *), file, t)
ON_FILE(fstat, "stat", (int file, struct stat *s), _(int, struct stat *), file, s)
ON_FILE(fstat64, "stat", (int file, struct stat64 *s), _(int, struct stat64 *), file, s)

int close(int file) { /* what fails to be closed is closed all the same */
    REAL(int, close, int);
    if (!folder[0] || !concerns_file(file)) return real(file);
    int what = fault("close"), done = real(file);
    if (what == KILL_AFTER) kill(getpid(), SIGKILL);
    if (what == ONCE) { errno = error; return -1; }
    return done;
}

#define ON_PATH(type, bad, name, label, arguments, types, ...) \
    type name arguments { REAL(type, name, types); \
        CALL(type, bad, label, concerns(-1, path), real(__VA_ARGS__)); }
ON_PATH(int, -1, stat, "stat", (const char *path, struct stat *s), _(const char *, struct stat *), path, s)
ON_PATH(int, -1, lstat, "stat", (const char *path, struct stat *s), _(const char *, struct stat *), path, s)
ON_PATH(int, -1, stat64, "stat", (const char *path, struct stat64 *s), _(const char *, struct stat64 *), path, s)
ON_PATH(int, -1, lstat64, "stat", (const char *path, struct stat64 *s), _(const char *, struct stat64 *), path, s)
ON_PATH(int, -1, mkdir, "mkdir", (const char *path, mode_t mode), _(const char *, mode_t), path, mode)
ON_PATH(int, -1, rmdir, "rmdir", (const char *path), _(const char *), path)
ON_PATH(int, -1, unlink, "unlink", (const char *path), _(const char *), path)
ON_PATH(int, -1, rename, "rename", (const char *path, const char *to), _(const char *, const char *), path, to)
ON_PATH(int, -1, link, "link", (const char *path, const char *to), _(const char *, const char *), path, to)
ON_PATH(int, -1, chmod, "chmod", (const char *path, mode_t mode), _(const char *, mode_t), path, mode)
ON_PATH(DIR *, NULL, opendir, "opendir", (const char *path), _(const char *), path)

#define BELOW(name, label, arguments, types, ...) \
    int name arguments { REAL(int, name, types); \
        CALL(int, -1, label, concerns(below, path), real(__VA_ARGS__)); }
BELOW(fstatat, "stat", (int below, const char *path, struct stat *s, int flags), _(int, const char *, struct stat *, int), below, path, s, flags)
BELOW(fstatat64, "stat", (int below, const char *path, struct stat64 *s, int flags), _(int, const char *, struct stat64 *, int), below, path, s, flags)
BELOW(mkdirat, "mkdir", (int below, const char *path, mode_t mode), _(int, const char *, mode_t), below, path, mode)
BELOW(unlinkat, "unlink", (int below, const char *path, int flags), _(int, const char *, int), below, path, flags)
BELOW(renameat, "rename", (int below, const char *path, int there, const char *to), _(int, const char *, int, const char *), below, path, there, to)
BELOW(linkat, "link", (int below, const char *path, int there, const char *to, int flags), _(int, const char *, int, const char *, int), below, path, there, to, flags)
BELOW(utimensat, "utime", (int below, const char *path, const struct timespec *t, int flags), _(int, const char *, const struct timespec *, int), below, path, t, flags)
