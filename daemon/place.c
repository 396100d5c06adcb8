#include "place.h"

/* All that the others had given out some moments ago has come in. That the applier has nothing to do says less:
 * so it is, too, before anything was fetched. */
static bool has_taken_all(const struct ring_view *view, size_t site) {
    const struct link_state *link = view->sites[site].state;
    if (!link_is_whole(link))
        return false;
    for (size_t i = 0; i < view->ring->site_count; i++) {
        const struct link_state *other = i == site ? NULL : view->sites[i].state;
        if (!other)
            continue;
        const struct link_origin origin = link_origin_of(other);
        const bool has_each = link_last_number(link, &origin) >= link_last_number(other, &origin);
        const bool beats = link->heartbeats_known && other->heartbeats_known && other->heartbeat_us[i] >= 0;
        if (!has_each && !(beats && ring_is_level(view->ring, link, other, i)))
            return false;
    }
    return true;
}

/* It has written before, or has all. One that is new and whose link fails can still be joined as long as
 * nothing was written there. */
static bool has_its_place(const struct ring_view *view, size_t site) {
    const struct link_origin origin = link_origin_of(view->sites[site].state);
    return link_last_number(view->sites[site].state, &origin) || has_taken_all(view, site);
}

bool place_is_empty(const struct ring_view *view, size_t site, bool joining) {
    const struct ring_site *it = &view->sites[site];
    if (it->memory == SITE_FORGOT || joining)
        return true;
    if (!it->state || view->ring->site_count == 1)
        return false;
    const struct link_state *states[RING_SITES_MAX];
    for (size_t i = 0; i < view->ring->site_count; i++)
        states[i] = view->sites[i].state;
    const bool is_blank = link_is_blank(it->state, states, view->ring->site_count);
    return (is_blank && (it->memory != SITE_REMEMBERS || !link_is_whole(it->state))) || !has_its_place(view, site);
}

/* Somebody else's state is known, and nobody's is about to be. */
static bool others_were_seen(const struct ring_view *view) {
    bool any = false;
    for (size_t i = 0; i < view->ring->site_count; i++) {
        const struct ring_site *site = &view->sites[i];
        if (i == view->me)
            continue;
        if (site->life == SITE_UNKNOWN || (site->life == SITE_DOUBTFUL && !site->state))
            return false;
        any |= site->state != NULL;
    }
    return any;
}

enum place_beats place_decide(const struct ring_view *view, bool joining) {
    const enum site_memory memory = view->sites[view->me].memory;
    if (!view->link || !view->sites[view->me].state || memory == SITE_FORGOT || joining)
        return PLACE_SILENT;
    if (view->ring->site_count == 1)
        return PLACE_BEATS;
    if (memory != SITE_REMEMBERS || !others_were_seen(view))
        return PLACE_UNDECIDED;
    return has_its_place(view, view->me) ? PLACE_BEATS : PLACE_UNDECIDED;
}
