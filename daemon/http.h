/* Serves the page, its status as JSON and the metrics: reads only, from one thread of its own, in bounds. */
#ifndef ROUNDABOUT_HTTP_H
#define ROUNDABOUT_HTTP_H

#include <stdint.h>

#include "../config/config.h"
#include "picture.h"

struct http;

/* Begins to listen. NULL: it is off (port 0), or it can't, which is logged. `config` outlives it. */
struct http *http_open(const struct config_http *config);
void http_close(struct http *http);

/* What is shown from now on; http takes a share of its own in it. `http` NULL: nothing happens. */
void http_show(struct http *http, struct picture *picture);

/* Ends connections that have lasted too long, whatever they do. */
void http_turn(struct http *http, int64_t now_ms);

#endif
