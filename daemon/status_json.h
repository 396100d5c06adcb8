/* A picture as one JSON object: what `roundabout status --json` prints, and with what only the daemon knows,
 * /status.json. Pure. */
#ifndef ROUNDABOUT_STATUS_JSON_H
#define ROUNDABOUT_STATUS_JSON_H

#include "buffer.h"
#include "picture.h"

/* Numbers that aren't known are null; sections that aren't known are left out. */
void status_json_write(struct buffer *buffer, const struct picture *picture);

#endif
