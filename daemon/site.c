#include "site.h"

#include <stdio.h>

#include "dialect.h"

bool site_refused_a_right(unsigned code) {
    return code == 1227 || code == 1044 || code == 1045 || code == 1142 || code == 1370 || code == 3630;
}

/* A look that has been under way for longer than an interval is as good as failed, and counts so once an
 * interval. */
static void take_sample(const struct config_ring *ring, struct site_record *site, int64_t now_ms) {
    const int64_t interval_ms = (int64_t)ring->probe_interval_ms;
    if (site->report.looks != site->looks) {
        samples_add(&site->samples, site->report.answer.outcome == SERVER_UNREACHABLE, site->report.ended_ms);
        site->looks = site->report.looks;
        site->sampled_ms = now_ms;
    } else if (site->report.began_ms >= 0 && now_ms - site->report.began_ms > interval_ms &&
               now_ms - site->sampled_ms > interval_ms) {
        samples_add(&site->samples, true, now_ms);
        site->sampled_ms = now_ms;
    }
}

const struct link_state *site_state(const struct site_record *site) {
    return site->report.looks && site->report.answer.outcome == SERVER_ANSWERED ? &site->report.state : NULL;
}

static void tell_life(const struct config_ring *ring, struct site_record *site, const char *name) {
    const struct server_answer *answer = &site->report.answer;
    switch (site->life) {
    case SITE_UNKNOWN:
        break;
    case SITE_ALIVE:
        if (answer->outcome == SERVER_REFUSED && !site_refused_a_right(answer->code))
            log_state(&site->subject, CONFIG_LOG_ERROR, "site %s answers with an error: %u %s", name,
                      answer->code, answer->text);
        else if (answer->outcome == SERVER_REFUSED)
            log_state(
                &site->subject, CONFIG_LOG_ERROR,
                "site %s answers but refuses the monitor user: %u %s; make that user there, or correct user "
                "and password_file of `monitor`",
                name, answer->code, answer->text);
        else if (site_state(site) && !site->report.state.link_known && site->report.state.kind)
            log_state(&site->subject, CONFIG_LOG_ERROR,
                      "site %s doesn't show its link (%u): the monitor user lacks %s", name,
                      site->report.state.link_problem,
                      dialect_for_kind(site->report.state.kind)->grants_to_watch);
        else if (site_state(site) && !site->report.state.kind)
            log_state(&site->subject, CONFIG_LOG_ERROR,
                      "site %s is a server of a version that isn't supported: %s", name,
                      site->report.state.version);
        else
            log_state(&site->subject, CONFIG_LOG_INFO, "site %s answers", name);
        break;
    case SITE_DOUBTFUL:
        log_state(&site->subject, CONFIG_LOG_WARNING, "site %s doesn't answer steadily", name);
        break;
    case SITE_DEAD:
        log_state(&site->subject, CONFIG_LOG_WARNING, "site %s is dead: %u of the last %u probes failed",
                  name, ring->samples_failed, ring->samples);
        break;
    }
}

void site_judge(struct site_record *site, const struct config_ring *ring, size_t place, bool is_source,
                int64_t link_moved_ms, int64_t now_ms) {
    /* A link that was seen to have moved did so up to an interval before. */
    const int64_t dead_after_ms = ring->dead_after_ms, interval_ms = ring->probe_interval_ms;
    const int64_t silent_link_ms =
        dead_after_ms > 2 * interval_ms ? dead_after_ms - interval_ms : dead_after_ms / 2;
    watch_read(site->watch, &site->report);
    take_sample(ring, site, now_ms);
    site->life =
        ring_judge(&site->samples, ring, is_source && now_ms - link_moved_ms < silent_link_ms, now_ms);
    if (site->life == SITE_DEAD) {
        site->bypassed = true;
        site->returned[0] = '\0';
    } else if (site->bypassed && !site->returned[0] && site_state(site)) {
        snprintf(site->returned, sizeof site->returned, "%s", site->report.state.logged);
    }
    tell_life(ring, site, ring->sites[place].name);
}
