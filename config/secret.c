#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libconfig.h>

#include "file.h"

enum { SECRET_BYTES_MAX = 1024 }; /* a password; servers take far less */

int secret_open(struct reading *reading, const struct config_setting_t *setting, const char *path) {
    const char *key = config_setting_name(setting);
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (file < 0 || fstat(file, &status) != 0) {
        reading_say(reading, setting,
                    "the file that %s names can't be read: %s; correct the name or the file's rights", key,
                    strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        reading_say(reading, setting, "what %s names is no regular file; name one", key);
    } else if (status.st_mode & (S_IROTH | S_IWOTH)) {
        bool keep_group = status.st_uid == 0 && (status.st_mode & S_IRGRP);
        reading_say(reading, setting, "%s: any user can read or write %s (mode %04o); run: chmod %s %s", key,
                    path, (unsigned)status.st_mode & 07777, keep_group ? "640" : "600", path);
    } else if (status.st_mode & S_IWGRP) {
        reading_say(reading, setting, "%s: the group of %s can write it (mode %04o); run: chmod %s %s", key,
                    path, (unsigned)status.st_mode & 07777, status.st_uid == 0 ? "640" : "600", path);
    } else if ((status.st_mode & S_IRGRP) && status.st_uid != 0) {
        /* root:daemon 0640 is how a daemon is given a secret that it can't change; anybody else's group is a
         * guess */
        reading_say(reading, setting,
                    "%s: the group of %s can read it (mode %04o) and root doesn't own it; run: chmod 600 %s",
                    key, path, (unsigned)status.st_mode & 07777, path);
    } else if (status.st_uid != 0 && status.st_uid != geteuid() && geteuid() != 0) {
        reading_say(reading, setting,
                    "%s: %s belongs to another user than root and this program's; run: chown root %s", key,
                    path, path);
    } else {
        return file;
    }
    if (file >= 0)
        close(file);
    return -1;
}

char *secret_read(struct reading *reading, const struct config_setting_t *setting, const char *path) {
    const char *key = config_setting_name(setting);
    char bytes[SECRET_BYTES_MAX + 2]; /* a line's end of two bytes may follow the longest */
    char *secret = NULL;
    int file = secret_open(reading, setting, path);

    if (file < 0)
        return NULL;
    ssize_t got = file_read_fully(file, bytes, sizeof(bytes));
    int why = errno;
    close(file);
    if (got < 0) {
        reading_say(reading, setting, "%s: %s can't be read: %s", key, path, strerror(why));
        return NULL;
    }
    const char *end = memchr(bytes, '\n', (size_t)got);
    size_t length = end ? (size_t)(end - bytes) : (size_t)got;
    if (end && length > 0 && bytes[length - 1] == '\r')
        length--;
    if (length == 0)
        reading_say(reading, setting, "%s: the first line of %s is empty; put the password there", key, path);
    else if (length > SECRET_BYTES_MAX)
        reading_say(reading, setting,
                    "%s: the first line of %s is longer than %d bytes; put the password there", key, path,
                    SECRET_BYTES_MAX);
    else if (memchr(bytes, '\0', length))
        reading_say(reading, setting, "%s: the first line of %s holds a NUL byte; put the password there",
                    key, path);
    else
        secret = reading_copy_text(reading, bytes, length);
    explicit_bzero(bytes, sizeof(bytes));
    return secret;
}
