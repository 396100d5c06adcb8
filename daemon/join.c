#include "join.h"

#include <stdio.h>
#include <string.h>

enum join_verdict join_judge(const struct link_state *const *states, size_t site, enum site_memory memory) {
    const struct link_state *state = states[site];
    if (state->site_pauses[site].joining)
        return state->site_pauses[site].joining == LINK_JOINED_BUT_FOR_THE_LINK ? JOIN_FINISH : JOIN_AGAIN;
    if (!state->logged[0])
        return JOIN_FRESH;
    if (link_is_whole(state) && memory != SITE_FORGOT)
        return JOIN_MEMBER;
    /* Its daemon may have made a link, over which others' writes have come before it failed. */
    const struct link_origin origin = link_origin_of(state);
    return link_last_number(state, &origin) ? JOIN_HAS_WRITTEN : JOIN_FRESH;
}

static bool is_living_member(const struct config_ring *ring, const struct link_state *const *states,
                             size_t site, size_t joining) {
    const struct link_state *state = states[site];
    if (!state || state->site_pauses[site].joining)
        return false;
    /* In a ring that was one of two, the other one's link leads to the server that was lost. */
    return link_is_whole(state) || ring->site_count == 2 ||
           state->source_server_id == ring->sites[joining].server_id;
}

size_t join_find_donor(const struct config_ring *ring, const struct link_state *const *states, size_t site,
                       enum ring_reason *why) {
    *why = RING_NOBODY;
    for (size_t distance = 1; distance < ring->site_count; distance++) {
        const size_t donor = ring_upstream(ring->site_count, site, distance);
        if (!is_living_member(ring, states, donor, site))
            continue;
        *why = ring_unfit(states[site], states[donor], ring->sites[donor].server_id, false);
        if (*why == RING_WHOLE)
            *why = ring_unfit(states[donor], states[site], ring->sites[site].server_id, false);
        if (*why == RING_WHOLE)
            return donor;
    }
    return SITE_NONE;
}

bool join_position(const struct link_state *const *states, size_t count, size_t site, const char *donors,
                   char *position, size_t size) {
    char gtid[64], joined[2048];
    if (snprintf(position, size, "%s", donors) >= (int)size)
        return false;
    if (states[site]->kind != SERVER_MARIADB) /* a new server has a new uuid */
        return true;
    for (size_t i = 0; i < count; i++) {
        if (!states[i] || i == site)
            continue;
        for (int which = 0; which < 2; which++) {
            const char *list = which ? states[i]->applied : states[i]->logged;
            if (!link_gtid_of_domain(list, states[site]->domain_id, gtid, sizeof gtid))
                continue;
            if (!link_gtid_union(position, gtid, joined, sizeof joined) ||
                snprintf(position, size, "%s", joined) >= (int)size)
                return false;
        }
    }
    return true;
}

bool join_write_definition(struct statement *sql, const char *shown, const char *database, const char *table,
                           bool if_not_exists) {
    struct statement head = {0};
    statement_write(&head, "CREATE TABLE ");
    statement_write_name(&head, table);
    const bool fits = !head.failed && strncmp(shown, head.at, head.used) == 0;
    if (fits) {
        statement_write(sql, "CREATE TABLE %s", if_not_exists ? "IF NOT EXISTS " : "");
        statement_write_name(sql, database);
        statement_write(sql, ".");
        statement_write_name(sql, table);
        statement_write(sql, "%s", shown + head.used);
    }
    statement_free(&head);
    return fits && !sql->failed;
}
