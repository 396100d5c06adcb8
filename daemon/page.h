/* The page: one document without outside resources. Its tables are readable as they come; the script draws
 * the ring from the same values and keeps all of it fresh. Pure. */
#ifndef ROUNDABOUT_PAGE_HTML_H
#define ROUNDABOUT_PAGE_HTML_H

#include "buffer.h"
#include "picture.h"

/* `nonce` is what the answer's Content-Security-Policy lets script and style run by. */
void page_write(struct buffer *buffer, const struct picture *picture, const char *nonce);

#endif
