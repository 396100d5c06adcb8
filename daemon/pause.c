#include "pause.h"

#include <inttypes.h>
#include <stdio.h>

#include "quote.h"

void pause_write(struct statement *sql, const char *site, const struct link_pause *pause) {
    char quoted[160];
    statement_write(sql,
                    "REPLACE INTO roundabout.pause (site, set_us, until_us, joining) VALUES (%s, %" PRId64
                    ", %" PRId64 ", %d)",
                    quote_text(site ? site : "", quoted, sizeof quoted) ? quoted : "''", pause->set_us,
                    pause->until_us, (int)pause->joining);
}

static void take_newer(struct link_pause *newest, const struct link_pause *pause) {
    if (pause->set_us > newest->set_us)
        *newest = *pause;
}

struct link_pause pause_of_site(const struct link_state *const *states, size_t count, size_t site,
                                int64_t now_us) {
    struct link_pause ring = {0}, own = {0};
    for (size_t i = 0; i < count; i++) {
        if (!states[i])
            continue;
        take_newer(&ring, &states[i]->ring_pause);
        take_newer(&own, &states[i]->site_pauses[site]);
    }
    const struct link_pause later = own.until_us > ring.until_us ? own : ring;
    return later.until_us > now_us ? later : (struct link_pause){0};
}
