#include "place.h"

bool place_is_empty(const struct ring_view *view, size_t site, bool joining) {
    const struct ring_site *it = &view->sites[site];
    if (it->memory == SITE_FORGOT || joining)
        return true;
    const struct link_state *states[RING_SITES_MAX];
    for (size_t i = 0; i < view->ring->site_count; i++)
        states[i] = view->sites[i].state;
    return it->state && link_is_blank(it->state, states, view->ring->site_count) &&
           (it->memory != SITE_REMEMBERS || !link_is_whole(it->state));
}

/* All that there is has come in. Under load there may be no moment without something left to apply. */
static bool has_taken_all(const struct ring_view *view) {
    const struct link_state *link = view->link;
    if (!link_is_whole(link) || link->drained)
        return link_is_whole(link);
    bool is_level = false;
    for (size_t i = 0; i < view->ring->site_count; i++) {
        const struct link_state *other = i == view->me ? NULL : view->sites[i].state;
        if (!other || !other->heartbeats_known || other->heartbeat_us[i] < 0)
            continue;
        if (!link->heartbeats_known || !ring_is_level(view->ring, link, other, view->me))
            return false;
        is_level = true;
    }
    return is_level;
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
    if (!view->link || memory == SITE_FORGOT || joining)
        return PLACE_SILENT;
    if (view->ring->site_count == 1)
        return PLACE_BEATS;
    if (memory != SITE_REMEMBERS || !others_were_seen(view))
        return PLACE_UNDECIDED;
    /* It has written before, or has all. One that is new and whose link fails can still be joined as long as
     * it has written nothing. */
    const struct link_origin me = link_origin_of(view->link);
    return link_last_number(view->link, &me) || has_taken_all(view) ? PLACE_BEATS : PLACE_UNDECIDED;
}
