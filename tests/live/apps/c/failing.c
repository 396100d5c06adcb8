/* Preloaded behind the shim: FAIL=call:n makes the n-th call of that name fail that the shim itself makes,
 * told by the return address, and FAILED_FILE, made then, tells that it was reached. connect counts only for
 * the shadow's socket, SHADOW_SOCKET, whoever calls it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char wanted[32];
static long countdown;
static uintptr_t from, to; /* the shim's mapping */
static char told[512], shadow[512];

static int note_shim(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    if (!strstr(info->dlpi_name, "libroundabout.so")) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
            from = info->dlpi_addr + part->p_vaddr;
            to = from + part->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void start(void) {
    const char *fail = getenv("FAIL"), *file = getenv("FAILED_FILE"), *socket = getenv("SHADOW_SOCKET");
    const char *colon = fail ? strchr(fail, ':') : NULL;
    if (!colon || !file || !socket || (size_t)(colon - fail) >= sizeof wanted ||
        strlen(file) >= sizeof told || strlen(socket) >= sizeof shadow) {
        return;
    }
    memcpy(wanted, fail, (size_t)(colon - fail));
    strcpy(told, file);
    strcpy(shadow, socket);
    dl_iterate_phdr(note_shim, NULL);
    countdown = strtol(colon + 1, NULL, 10);
}

static int is_due(const char *name, const void *caller) {
    uintptr_t at = (uintptr_t)caller;
    if (strcmp(name, wanted) != 0 || (at && (at < from || at >= to)) ||
        __atomic_sub_fetch(&countdown, 1, __ATOMIC_RELAXED) != 0) {
        return 0;
    }
    syscall(SYS_close, (int)syscall(SYS_openat, AT_FDCWD, told, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return 1;
}

#define CALLER       __builtin_return_address(0)
#define BEHIND(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))
#define FAILS(name, error, answer)          \
    if (*wanted && is_due(#name, CALLER)) { \
        errno = error;                      \
        return answer;                      \
    }

/* glibc's own, so that dlsym, which allocates, isn't needed for them. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size) {
    FAILS(malloc, ENOMEM, NULL)
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    FAILS(calloc, ENOMEM, NULL)
    return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) {
    FAILS(realloc, ENOMEM, NULL)
    return __libc_realloc(memory, size);
}
char *strdup(const char *text) {
    FAILS(strdup, ENOMEM, NULL)
    size_t size = strlen(text) + 1;
    char *copy = __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
char *strndup(const char *text, size_t most) {
    FAILS(strndup, ENOMEM, NULL)
    size_t length = strnlen(text, most);
    char *copy = __libc_malloc(length + 1);
    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}
int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    FAILS(open, EMFILE, -1)
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat(int directory, const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = va_arg(more, int);
    va_end(more);
    FAILS(openat, EMFILE, -1)
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}
int openat64(int directory, const char *path, int flags, ...) __attribute__((alias("openat")));
int fcntl(int number, int command, ...) {
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    FAILS(fcntl, EINVAL, -1)
    return BEHIND(fcntl)(number, command, argument);
}
int fstat(int number, struct stat *status) {
    FAILS(fstat, EIO, -1)
    return BEHIND(fstat)(number, status);
}
int stat(const char *path, struct stat *status) {
    FAILS(stat, EACCES, -1)
    return BEHIND(stat)(path, status);
}
int socket(int domain, int type, int protocol) {
    FAILS(socket, EMFILE, -1)
    return BEHIND(socket)(domain, type, protocol);
}
void *mmap(void *address, size_t length, int protection, int flags, int number, off_t offset) {
    FAILS(mmap, ENOMEM, MAP_FAILED)
    return (void *)syscall(SYS_mmap, address, length, protection, flags, number, offset);
}
int eventfd(unsigned value, int flags) {
    FAILS(eventfd, EMFILE, -1)
    return (int)syscall(SYS_eventfd2, value, flags);
}
ssize_t read(int number, void *bytes, size_t size) {
    FAILS(read, EIO, -1)
    return syscall(SYS_read, number, bytes, size);
}
int fchmod(int number, mode_t mode) {
    FAILS(fchmod, EPERM, -1)
    return (int)syscall(SYS_fchmod, number, mode);
}
int posix_fallocate(int number, off_t offset, off_t length) {
    if (*wanted && is_due("posix_fallocate", CALLER)) {
        return ENOSPC;
    }
    return BEHIND(posix_fallocate)(number, offset, length);
}
int renameat(int one, const char *name, int other, const char *new_name) {
    FAILS(renameat, EACCES, -1)
    return (int)syscall(SYS_renameat, one, name, other, new_name);
}
int renameat2(int one, const char *name, int other, const char *new_name, unsigned flags) {
    FAILS(renameat2, EACCES, -1)
    return (int)syscall(SYS_renameat2, one, name, other, new_name, flags);
}
/* The shim defines connect itself and calls this one: the client library's call to the local master arrives
 * from there. */
int connect(int number, __CONST_SOCKADDR_ARG where, socklen_t length) {
    const struct sockaddr_un *local = (const struct sockaddr_un *)where.__sockaddr_un__;
    const void *address = local;
    if (*wanted && local->sun_family == AF_UNIX && strcmp(local->sun_path, shadow) == 0 &&
        is_due("connect", NULL)) {
        errno = ECONNREFUSED;
        return -1;
    }
    return (int)syscall(SYS_connect, number, address, length);
}
