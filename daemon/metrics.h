/* The metrics, in Prometheus' text format. Pure. */
#ifndef ROUNDABOUT_METRICS_H
#define ROUNDABOUT_METRICS_H

#include "buffer.h"
#include "picture.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A series whose value isn't known isn't written, and a family without series isn't named. */
void metrics_write(struct buffer *buffer, const struct picture *picture);

/* The families' names, one after the other; NULL: there is no n-th. For the check of dashboards and rules. */
const char *metrics_family_name(size_t n);

#endif
