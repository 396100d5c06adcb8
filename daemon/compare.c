/* What happened between two pictures. */
#include "picture.h"

#include <stdio.h>

struct teller {
    void (*tell)(void *context, enum event event, const char *site, const char *detail);
    void *context;
    const struct picture *before, *after;
};

static void tell(const struct teller *teller, enum event event, const char *site, const char *detail) {
    teller->tell(teller->context, event, site, detail);
}

/* What this site answers for: its own link, and those of its replicas. */
static void compare_links(const struct teller *teller, size_t place) {
    const struct picture_server *before = &teller->before->servers[place],
                                *after = &teller->after->servers[place];
    char detail[400];
    if (after->site != teller->after->own || (place != teller->after->own && !after->replica))
        return;
    const bool ran = before->last_known && before->last_runs, runs = after->last_known && after->last_runs;
    if (ran && !runs) {
        snprintf(detail, sizeof detail, "%s, from %s%s%s", after->words,
                 picture_site_name(teller->before, before->last_source), after->cure ? "; " : "",
                 after->cure ? after->cure : "");
        tell(teller, EVENT_LINK_STOPPED, after->name, detail);
    } else if (before->watched && !ran && runs) {
        snprintf(detail, sizeof detail, "from %s", picture_site_name(teller->after, after->last_source));
        tell(teller, EVENT_LINK_REPAIRED, after->name, detail);
    }
}

static void compare_site(const struct teller *teller, size_t site) {
    const struct picture_server *before = &teller->before->servers[site],
                                *after = &teller->after->servers[site];
    if (before->life != SITE_DEAD && after->life == SITE_DEAD)
        tell(teller, EVENT_SITE_DEAD, after->name, after->words);
    if (before->life == SITE_DEAD && after->life == SITE_ALIVE)
        tell(teller, EVENT_SITE_ANSWERS, after->name, after->words);
}

/* How many steps upstream the source lies; 0: there is none in the ring. */
static size_t reach(const struct picture *picture) {
    const struct picture_server *own = &picture->servers[picture->own];
    if (!own->last_known || own->last_source >= picture->site_count)
        return 0;
    return (picture->own + picture->site_count - own->last_source) % picture->site_count;
}

static void compare_reach(const struct teller *teller) {
    const struct picture *after = teller->after;
    const size_t was = reach(teller->before), is = reach(after);
    char detail[200];
    if (!was || !is)
        return;
    snprintf(detail, sizeof detail, "%s follows %s now", after->sites[after->own],
             picture_site_name(after, after->servers[after->own].last_source));
    for (size_t distance = was; distance < is; distance++)
        tell(teller, EVENT_SITE_BYPASSED,
             after->sites[ring_upstream(after->site_count, after->own, distance)], detail);
    if (is < was)
        tell(teller, EVENT_SITE_RETURNED, picture_site_name(after, after->servers[after->own].last_source),
             detail);
}

void picture_compare(const struct picture *before, const struct picture *after,
                     void (*told)(void *context, enum event event, const char *site, const char *detail),
                     void *context) {
    const struct teller teller = {told, context, before, after};
    const char *own = after->sites[after->own];
    const bool helped = before->daemon.step != LINK_HELP, help = after->daemon.step == LINK_HELP;
    const bool was_cut = before->daemon.reason == RING_CUT_OFF, is_cut = after->daemon.reason == RING_CUT_OFF;
    for (size_t site = 0; site < after->site_count; site++)
        compare_site(&teller, site);
    for (size_t place = 0; place < after->server_count; place++)
        compare_links(&teller, place);
    compare_reach(&teller);
    if (is_cut && !was_cut)
        tell(&teller, EVENT_CUT_OFF, own, after->daemon.words);
    if (help && helped)
        tell(&teller, EVENT_HELP_NEEDED, own, after->daemon.words);
    if (!help && !helped)
        tell(&teller, EVENT_HELP_OVER, own, after->daemon.words);
    if (before->circle_is_closed && !after->circle_is_closed)
        tell(&teller, EVENT_FULL_CIRCLE_LOST, own, after->daemon.words);
    if (!before->circle_is_closed && after->circle_is_closed)
        tell(&teller, EVENT_FULL_CIRCLE_BACK, own, after->daemon.words);
    if (before->pauses_known && after->pauses_known &&
        before->servers[before->own].paused != after->servers[after->own].paused)
        tell(&teller, after->servers[after->own].paused ? EVENT_PAUSED : EVENT_RESUMED, own,
             after->paused.text);
    if (after->routing.breakers_open && !before->routing.breakers_open)
        tell(&teller, EVENT_ROUTING_STOPPED, own,
             "statements run on main until the local master answers again");
    if (!after->routing.breakers_open && before->routing.breakers_open)
        tell(&teller, EVENT_ROUTING_RESUMED, own, "the local master answers");
}
