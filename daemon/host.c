#include "host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The name alone, without port, brackets and a dot at the end. False: it is no host. */
static bool take_name(const char *host, char *name, size_t size) {
    size_t length;
    const char *rest;
    if (host[0] == '[') {
        length = strcspn(++host, "]");
        if (host[length] != ']')
            return false;
        rest = host + length + 1;
    } else {
        length = strcspn(host, ":");
        rest = host + length;
    }
    if (rest[0] == ':' ? strspn(rest + 1, "0123456789") != strlen(rest + 1) || strlen(rest) > 6
                       : rest[0] != '\0')
        return false;
    if (length > 1 && host[length - 1] == '.')
        length--;
    if (length == 0 || length >= size)
        return false;
    memcpy(name, host, length);
    name[length] = '\0';
    return true;
}

static bool same_address(const char *one, const char *other) {
    unsigned char a[16], b[16];
    if (inet_pton(AF_INET, one, a) == 1)
        return inet_pton(AF_INET, other, b) == 1 && memcmp(a, b, 4) == 0;
    return inet_pton(AF_INET6, one, a) == 1 && inet_pton(AF_INET6, other, b) == 1 && memcmp(a, b, 16) == 0;
}

static bool is_loopback(const char *address) {
    unsigned char bytes[4];
    return same_address(address, "::1") || (inet_pton(AF_INET, address, bytes) == 1 && bytes[0] == 127);
}

bool host_is_ours(const char *host, const char *address, char *const *allowed, size_t allowed_count) {
    char name[256];
    if (!host || !take_name(host, name, sizeof name))
        return false;
    if (same_address(name, address))
        return true;
    if (strcasecmp(name, "localhost") == 0)
        return is_loopback(address);
    for (size_t i = 0; i < allowed_count; i++)
        if (strcasecmp(name, allowed[i]) == 0)
            return true;
    return false;
}
