#include "notify.h"

#ifdef HAVE_SYSTEMD
#include <inttypes.h>
#include <stdint.h>
#include <time.h>

#include <systemd/sd-daemon.h>

void notify_ready(const char *status) {
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}
void notify_status(const char *status) {
    sd_notifyf(0, "STATUS=%s", status);
}
void notify_stopping(void) {
    sd_notify(0, "STOPPING=1");
}

void notify_reloading(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}
#else
void notify_ready(const char *status) {
    (void)status;
}
void notify_status(const char *status) {
    (void)status;
}
void notify_stopping(void) {}
void notify_reloading(void) {}
#endif
