/* roundabout ring plan: what each site's daemon would do now, by its own rule over two looks at all sites. A
 * daemon that runs knows more: how long a site has been silent, and what it tried before. */
#include "ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../daemon/pause.h"
#include "../daemon/script.h"
#include "../daemon/ring.h"
#include "look.h"
#include "ring_hand.h"

enum { EXIT_NOTHING = 0, EXIT_SOMETHING = 1, EXIT_USAGE = 2 };

static const char HELP[] =
    "usage: roundabout ring plan [-f FILE]\n\n"
    "Prints what the daemon of each site would do now, with the statements, by two looks at all of them; and "
    "changes "
    "nothing. A\n"
    "site that doesn't answer counts as dead here, for which a daemon waits longer.\n\n"
    "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                       /etc/roundabout/roundabout.conf\n"
    "  -h, --help           this text\n\n"
    "exit status: 0 all would be left as it is, 1 something would be done or help is needed, 2 usage\n";

/* Each site knows its source by an address of its own; here it's the one of this file. */
static void use_own_addresses(const struct config_ring *ring, struct link_state *state) {
    for (size_t i = 0; i < ring->site_count; i++)
        if (state->link_exists && state->source_server_id == ring->sites[i].server_id) {
            snprintf(state->source_host, sizeof state->source_host, "%s", ring->sites[i].server.host);
            state->source_port = ring->sites[i].server.port;
        }
}

static void build_view(const struct config_ring *ring, const struct look *looks, const struct tally *tally,
                       size_t me, struct ring_view *view) {
    const int64_t now_ms = clock_monotonic_ms();
    *view = (struct ring_view){.ring = ring,
                               .me = me,
                               .now_ms = now_ms,
                               .changed_ms = -1,
                               .moved_ms = now_ms,
                               .applied_ms = now_ms,
                               .connecting_since_ms = -1};
    for (size_t i = 0; i < ring->site_count; i++) {
        const bool seen = looks[i].answer.outcome == SERVER_ANSWERED && looks[i].state.kind;
        view->sites[i] =
            (struct ring_site){.life = looks[i].answer.outcome == SERVER_UNREACHABLE ? SITE_DEAD : SITE_ALIVE,
                               .steady = looks[i].answer.outcome == SERVER_ANSWERED,
                               .memory = tally->memory[i],
                               .state = seen ? &looks[i].state : NULL};
    }
    view->link = view->sites[me].state;
}

static bool would_act(enum link_step step) {
    return step != LINK_LEAVE && step != LINK_WAIT && step != LINK_HELP;
}

static void print_script(const struct ring_view *view, const struct ring_plan *plan) {
    struct script *script = malloc(sizeof *script); /* large */
    const struct script_order order = {.source = &view->ring->sites[plan->target].server, .ring = view->ring};
    if (script && script_for_step(plan->step, dialect_for_kind(view->link->kind), &order, script))
        for (size_t i = 0; i < script->count; i++)
            printf("  %s;\n", script->shown[i]);
    if (plan->step == LINK_SKIP)
        printf("  between these, the position is set past what the source has purged\n");
    free(script);
}

/* True: it would leave everything as it is. */
static bool print_site(const struct config_ring *ring, const struct look *looks, const struct tally *tally,
                       size_t me) {
    const struct link_state *states[RING_SITES_MAX] = {NULL};
    struct ring_view view;
    char words[400];
    build_view(ring, looks, tally, me, &view);
    if (!view.link) {
        printf("%s: can't be seen: %u %s\n", looks[me].name, looks[me].answer.code, looks[me].answer.text);
        return false;
    }
    for (size_t i = 0; i < ring->site_count; i++)
        states[i] = view.sites[i].state;
    const struct link_pause pause = pause_of_site(states, ring->site_count, me, clock_real_us());
    const struct ring_plan plan = ring_plan(&view);
    ring_write_words(ring, &plan, looks[me].name, words, sizeof words);
    printf("%s%s%s\n", plan.step == LINK_HELP ? "ERROR " : "", words,
           pause.joining        ? " (paused: it is being joined)"
           : pause.until_us > 0 ? " (paused: nothing is done before that ends)"
                                : "");
    if (plan.error->consequence != LINK_NO_ERROR)
        printf("  %s; %s\n", plan.error->meaning, plan.error->cure);
    if (would_act(plan.step))
        print_script(&view, &plan);
    return plan.step == LINK_LEAVE && !pause.until_us;
}

int ring_plan_verb(int argc, char **argv) {
    struct ring_words words;
    const int ended = ring_read_words(argc, argv, 0, HELP, &words);
    if (ended >= 0)
        return ended;
    struct config *config = look_load_config(words.file);
    if (!config)
        return EXIT_USAGE;
    server_library_start();
    size_t count;
    struct tally tally;
    struct look *looks = look_twice(&config->ring, &tally, &count);
    int result = looks ? EXIT_NOTHING : EXIT_SOMETHING;
    for (size_t i = 0; looks && i < config->ring.site_count; i++)
        use_own_addresses(&config->ring, &looks[i].state);
    for (size_t i = 0; looks && i < config->ring.site_count; i++)
        if (!print_site(&config->ring, looks, &tally, i))
            result = EXIT_SOMETHING;
    looks_free(looks, count);
    server_library_stop();
    config_free(config);
    return result;
}
