/* What is shown of pictures: metrics, JSON, the page; what happened between two; whom a request is for; the
 * journal and on_event. */
#include "pictures.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/hook.h"
#include "../../daemon/host.h"
#include "../../daemon/journal.h"
#include "../../daemon/log.h"
#include "../../daemon/metrics.h"
#include "../../daemon/page.h"
#include "../../daemon/site_page.h"
#include "../../daemon/status_json.h"
#include "../../page/files.h"

enum shown { METRICS, STATUS, PAGE };

/* The caller frees it. */
static char *show(enum shown what, const char *name) {
    struct picture *picture = pictures_make(name);
    struct buffer buffer = {0};
    if (what == METRICS)
        metrics_write(&buffer, picture);
    else if (what == STATUS)
        status_json_write(&buffer, picture);
    else
        page_write(&buffer, picture, "n0nce");
    assert_false(buffer.failed);
    picture_free(picture);
    return buffer.text;
}

static void what_is_shown_of_each_picture(void **unused) {
    (void)unused;
    static const struct {
        enum shown what;
        const char *name, *text;
        bool is_there;
    } cases[] = {
        {METRICS, "healthy", "\nroundabout_build_info{site=\"lyon\",version=\"0.1\"} 1\n", true},
        {STATUS, "healthy", "\"daemon\":{\"version\":\"0.1\",", true},
        {METRICS, "healthy", "\nroundabout_ring_whole 1\n", true},
        {METRICS, "healthy", "\nroundabout_full_circle_seconds 0.1239\n", true},
        {METRICS, "healthy", "\nroundabout_statements_total{reason=\"routed\"} 182734\n", true},
        {METRICS, "healthy", "\nroundabout_link_info{site=\"lyon\",server=\"lyon\",source=\"paris\"} 1\n",
         true},
        {METRICS, "healthy", "\nroundabout_routed_seconds_bucket{le=\"+Inf\"} 182734\n", true},
        {METRICS, "healthy",
         "\nroundabout_lag_seconds{origin=\"paris\",site=\"lyon\",server=\"lyon\"} 0.0413\n", true},
        /* a replica of another site that nobody here looks at */
        {METRICS, "healthy", "3309", false},
        {METRICS, "bypassed", "\nroundabout_site_up{site=\"nice\"} 0\n", true},
        {METRICS, "bypassed", "\nroundabout_ring_closed 1\n", true},
        {METRICS, "bypassed", "\nroundabout_link_up{site=\"nice\"", false},
        {METRICS, "bypassed",
         "roundabout_lag_at_least_seconds{origin=\"nice\",site=\"paris\",server=\"paris\"} 15.2\n", true},
        {METRICS, "stopped", "\nroundabout_link_up{site=\"lyon\",server=\"lyon\"} 0\n", true},
        {METRICS, "stopped", "\nroundabout_help_needed 1\n", true},
        {METRICS, "stopped", "roundabout_full_circle_seconds", false},
        {METRICS, "healthy", "\nroundabout_converge_leads 1\n", true},
        {METRICS, "healthy", "\nroundabout_converge_paused 0\n", true},
        {METRICS, "healthy", "\nroundabout_converge_suspects 2\n", true},
        {METRICS, "healthy", "\nroundabout_compared_rows_total{table=\"shop.cache\"} 1000000\n", true},
        {METRICS, "healthy", "\nroundabout_divergent_keys_total{table=\"shop.cache\"} 41\n", true},
        {METRICS, "healthy", "\nroundabout_repaired_keys_total{table=\"shop.cache\"} 39\n", true},
        {METRICS, "healthy", "\nroundabout_given_up_keys_total{table=\"shop.cache\"} 7\n", true},
        {METRICS, "healthy", "\nroundabout_given_up_keys_total{table=\"shop.new\"} 0\n", true},
        {METRICS, "healthy", "\nroundabout_compared_timestamp_seconds{table=\"shop.cache\"} 1795000000.000\n",
         true},
        {METRICS, "healthy", "roundabout_compared_timestamp_seconds{table=\"shop.new\"}", false},
        /* what isn't known is absent, head and all, never 0 */
        {METRICS, "unknown", "roundabout_converge", false},
        {METRICS, "unknown", "roundabout_compared", false},
        {METRICS, "unknown", "roundabout_repaired", false},
        {METRICS, "unknown", "roundabout_ring_whole", false},
        {METRICS, "unknown", "roundabout_full_circle_seconds", false},
        {METRICS, "unknown", "roundabout_statements_total", false},
        {METRICS, "unknown", "roundabout_saved_seconds_total", false},
        {METRICS, "unknown", "roundabout_lag_seconds", false},
        {METRICS, "unknown", "roundabout_site_up", false},
        {METRICS, "unknown", "roundabout_server_seen", false},
        {METRICS, "unknown", "roundabout_breakers_open", false},
        /* hostile names are one label's value on one line; a table's name is no statement */
        {METRICS, "hostile", "site=\"<script>alert(\\\"x\\\")</script>'&\\\\\\n\xEF\xBF\xBD\"", true},
        {STATUS, "healthy", "\"whole\":true,\"closed\":true,\"full_circle_ms\":123.90", true},
        {STATUS, "healthy", "\"headline\":\"The ring is whole\"", true},
        {STATUS, "healthy", "\"routed\":182734", true},
        {STATUS, "bypassed", "\"headline\":\"The ring goes past nice\"", true},
        {STATUS, "bypassed", "\"nice\":15200.00},\"lag_at_least\":[\"nice\"]", true},
        {STATUS, "bypassed", "\"life\":\"dead\",\"bypassed\":true", true},
        {STATUS, "unknown", "\"full_circle_ms\":null", true},
        {STATUS, "unknown", "\"lag_ms\":{\"paris\":0,\"lyon\":null,\"nice\":null}", true},
        {STATUS, "unknown", "\"routing\"", false},
        {STATUS, "unknown", "\"converge\"", false},
        {STATUS, "healthy", "{\"table\":\"shop.cache\",\"rows\":1000000,\"divergent\":41,\"repaired\":39,", true},
        {STATUS, "healthy", "\"given_up\":0,\"passed_at_s\":null}", true},
        {STATUS, "unknown", "\"server_id\"", false},
        {STATUS, "unknown", "\"tone\":\"unknown\"", true},
        {STATUS, "stopped", "\"tone\":\"bad\"", true},
        {STATUS, "cut off", "\"headline\":\"No other site answers lyon\"", true},
        {STATUS, "cut off", "\"tone\":\"unknown\"", true},
        {METRICS, "cut off", "\nroundabout_site_up{site=\"paris\"}", false},
        {STATUS, "stopped", "\"error\":{\"code\":1146,\"meaning\":", true},
        {STATUS, "hostile", "<script", false},
        {PAGE, "healthy", "<h1 id=\"headline\" role=\"status\">The ring is whole</h1>", true},
        {PAGE, "healthy", "<b>paris</b> 41 ms", true},
        {PAGE, "bypassed", "<b>nice</b> over 15 s", true},
        {PAGE, "bypassed", "<section id=\"state\" class=\"warning\"", true},
        {PAGE, "bypassed", "MASTER_PASSWORD=&#39;***&#39;", true},
        {PAGE, "unknown", "full circle not measured", true},
        {PAGE, "unknown", "<section id=\"routing\" class=\"absent\">", true},
        /* without a script, too */
        {PAGE, "bypassed", "<noscript><p>seen 2026-11-18 11:06:40 UTC</p></noscript>", true},
        {PAGE, "bypassed", "<b>site bypassed</b>", true},
        {PAGE, "healthy", "<dt>of all routed</dt><dd>66.4 %</dd>", true},
        {PAGE, "healthy", "<dt>time saved</dt><dd>4.0 h</dd>", true},
        {PAGE, "healthy", "no_cache_table</th><td>91,022</td>", true},
        {PAGE, "healthy", "shop.cache</th><td data-label=\"Rows compared\">1,000,000</td>", true},
        {PAGE, "healthy", "<section id=\"compared\" class=\"known\">", true},
        {PAGE, "unknown", "<section id=\"compared\" class=\"absent\">", true},
        {PAGE, "unknown", "<dt>", false},
        /* orders to change nothing */
        {METRICS, "healthy", "\nroundabout_paused{site=\"lyon\"} 0\n", true},
        {METRICS, "paused", "\nroundabout_paused{site=\"lyon\"} 1\n", true},
        {METRICS, "joined", "\nroundabout_paused{site=\"nice\"} 1\n", true},
        {METRICS, "joined", "\nroundabout_paused{site=\"lyon\"} 0\n", true},
        {METRICS, "unknown", "roundabout_paused", false},
        {STATUS, "paused", "\"headline\":\"The ring is whole, and paused\"", true},
        {STATUS, "paused", "\"tone\":\"warning\"", true},
        {STATUS, "paused", "\"paused\":\"the ring is paused for 10 minutes more\"", true},
        {STATUS, "joined", "\"paused\":\"nice is being joined (`roundabout ring join`)\"", true},
        {STATUS, "joined", "\"headline\":\"The ring is whole, and a site is paused\"", true},
        {STATUS, "healthy", "\"paused\":\"", false},
        {PAGE, "paused", "<li class=\"warning\">the ring is paused for 10 minutes more</li>", true},
        {PAGE, "paused", "<p id=\"comparing\">Nothing is compared during a pause.</p>", true},
        {PAGE, "healthy", "<p id=\"comparing\">2 keys are looked at again.</p>", true},
        {PAGE, "hostile", "<script>alert", false},
        {PAGE, "hostile", "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;", true},
        /* a failed event's text quotes the statement with its values; a server's text is anything */
        {METRICS, "stopped", "4711", false},
        {STATUS, "stopped", "4711", false},
        {PAGE, "stopped", "4711", false},
        {STATUS, "bypassed", "alert", false},
        {PAGE, "bypassed", "alert", false},
    };
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = show(cases[i].what, cases[i].name);
        if ((strstr(text, cases[i].text) != NULL) != cases[i].is_there) {
            print_error("%s: want %s: %s\n", cases[i].name, cases[i].is_there ? "it there" : "it absent",
                        cases[i].text);
            wrong++;
        }
        free(text);
    }
    assert_int_equal(wrong, 0);
}

static void every_line_of_the_metrics_is_a_head_or_a_series_of_the_family_before(void **unused) {
    (void)unused;
    static const char *const names[] = {"healthy", "bypassed", "stopped", "paused",
                                        "unknown", "hostile", "six", "sixteen"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = show(METRICS, names[i]), *rest = text, family[100] = "-", *line;
        while ((line = strsep(&rest, "\n")) && rest) {
            char name[100];
            if (sscanf(line, "# TYPE %99s", name) == 1)
                memcpy(family, name, sizeof family);
            else if (line[0] != '#' &&
                     (strncmp(line, family, strlen(family)) != 0 || !strchr("{ _", line[strlen(family)])))
                fail_msg("%s: a series outside its family %s: %s", names[i], family, line);
        }
        free(text);
    }
}

static void the_page_stays_under_60_kb_and_asks_for_nothing_outside(void **unused) {
    (void)unused;
    static const char *const names[] = {"healthy", "bypassed", "stopped", "paused",
                                        "unknown", "hostile", "six", "sixteen"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = show(PAGE, names[i]);
        assert_in_range(strlen(text), 10000, 60 * 1024);
        assert_null(strstr(text, "{{"));
        assert_null(strstr(text, "http://www.w3.org/1999"));
        assert_null(strstr(text, "https://"));
        assert_null(strstr(text, " src="));
        for (const char *at = text; (at = strstr(at, "<script")); at++)
            assert_int_equal(strncmp(at, "<script nonce=\"n0nce\"", 21), 0);
        free(text);
    }
}

static char told[1000];
static void note(void *context, enum event event, const char *site, const char *detail) {
    (void)context, (void)detail;
    const size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s%s %s", used ? ", " : "", event_name(event), site);
}

static void what_happened_is_what_differs(void **unused) {
    (void)unused;
    static const struct {
        const char *before, *after, *told;
    } cases[] = {
        {"healthy", "healthy", ""},
        {"healthy", "stopped", "link_stopped lyon, help_needed lyon, full_circle_lost lyon"},
        {"stopped", "healthy", "link_repaired lyon, help_over lyon, full_circle_back lyon"},
        {"healthy", "bypassed", "site_dead nice"},
        {"bypassed", "healthy", "site_answers nice"},
        {"bypassed", "bypassed", ""},
        {"healthy", "paused", "paused lyon"},
        {"paused", "healthy", "resumed lyon"},
        {"healthy", "cut off", "cut_off lyon, full_circle_lost lyon"},
        {"healthy", "joined", ""}, /* nice's own daemon tells */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *before = pictures_make(cases[i].before), *after = pictures_make(cases[i].after);
        told[0] = '\0';
        picture_compare(before, after, note, NULL);
        assert_string_equal(told, cases[i].told);
        picture_free(before);
        picture_free(after);
    }
}

static void going_past_a_site_and_back_is_told_by_who_does_it(void **unused) {
    (void)unused;
    struct picture *before = pictures_make("healthy"), *after = pictures_make("bypassed");
    before->own = after->own = 0; /* paris, which follows lyon past nice */
    told[0] = '\0';
    picture_compare(before, after, note, NULL);
    assert_string_equal(told, "site_dead nice, site_bypassed nice");
    told[0] = '\0';
    picture_compare(after, before, note, NULL);
    assert_string_equal(told, "site_answers nice, site_returned nice");
    picture_free(before);
    picture_free(after);
}

/* What programs are told of lags: not known stays not known, and what is still growing counts. */
static void a_lag_is_shared_as_it_is_shown(void **unused) {
    (void)unused;
    assert_int_equal(site_page_lag_ms(PICTURE_LAG_UNKNOWN), -1);
    assert_int_equal(site_page_lag_ms(0), 0);
    assert_int_equal(site_page_lag_ms(41.3), 41);
    assert_int_equal(site_page_lag_ms(-15200), 15200);
    assert_int_equal(site_page_lag_ms(9e14), INT64_C(1000000000000));
}

/* Programs are told that their local master is silent by the rule for "dead", and that it isn't at its first
 * answer, whatever that is. */
static void a_silence_is_shared_as_dead_is_judged(void **unused) {
    (void)unused;
    static const struct config_ring ring = {.samples = 10, .samples_failed = 7, .dead_after_ms = 3000};
    static const struct {
        const char *probes; /* one a second, from the first on: . answered or refused, x nothing */
        int64_t since_ms;
    } cases[] = {
        {"", 0},
        {".", 0},
        {"x", 0},
        {"...xxxxxx", 0},
        {"...xxxxxxx", 3000},
        {"...xxxxxxxxx", 3000},
        {"...xxxxxxx.", 0},
        {"...xxxxxxx.xx", 0},
        {"...xxxxxxx.xxx", 11000},
        {"xxxxxx", 0},
        {"xxxxxxx", 1000}, /* it was never heard: since the first probe */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct site_record own = {.life = SITE_UNKNOWN};
        for (int64_t k = 0; cases[i].probes[k]; k++) {
            samples_add(&own.samples, cases[i].probes[k] == 'x', (k + 1) * 1000);
            own.life = ring_judge(&own.samples, &ring, false, (k + 1) * 1000);
        }
        if (site_page_silent_since_ms(&own) != cases[i].since_ms)
            fail_msg("%s: got %lld", cases[i].probes, (long long)site_page_silent_since_ms(&own));
    }
}

/* A page that is no longer written stays for a moment only where programs would else do what it keeps them
 * from; and one that somebody took away is made again. */
static void a_page_that_says_nothing_goes_with_its_daemon(void **unused) {
    (void)unused;
    static const struct {
        const char *claim;
        double lag_ms;
        unsigned max_stale_ms;
        int64_t dead_since_ms;
        bool stays;
    } cases[] = {
        {"nothing is known", PICTURE_LAG_UNKNOWN, 1000, 0, false},
        {"a lag that is allowed", 900, 1000, 0, false},
        {"a lag that isn't", 1100, 1000, 0, true},
        {"a lag that nobody asks for", 100000, 0, 0, false},
        {"a silent master", PICTURE_LAG_UNKNOWN, 0, 3000, true},
    };
    char folder[] = "/tmp/roundabout-test-XXXXXX", path[128], name[64];
    static char socket[] = "/nowhere/local.sock";
    struct picture *picture = pictures_make("healthy");
    assert_non_null(mkdtemp(folder));
    page_name_site(name, socket);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config_group group = {.max_stale_ms = cases[i].max_stale_ms};
        const struct config config = {.local.server.socket = socket,
                                      .groups = &group,
                                      .group_count = 1,
                                      .stats = {.enabled = true, .directory = folder}};
        const struct site_record own = {.life = cases[i].dead_since_ms ? SITE_DEAD : SITE_ALIVE,
                                        .samples.good_ms = cases[i].dead_since_ms};
        for (size_t origin = 0; origin < picture->site_count; origin++)
            picture->servers[picture->own].lag_ms[origin] = cases[i].lag_ms;
        struct site_page *page = site_page_open(&config);
        site_page_write(page, picture, &own, 10000);
        assert_int_equal(access(path, F_OK), 0);
        unlink(path);
        site_page_write(page, picture, &own, 15000);
        assert_int_equal(access(path, F_OK), -1); /* it isn't looked for each time */
        site_page_write(page, picture, &own, 20000);
        assert_int_equal(access(path, F_OK), 0);
        site_page_close(page);
        if ((access(path, F_OK) == 0) != cases[i].stays)
            fail_msg("%s: it %s", cases[i].claim, cases[i].stays ? "went" : "stayed");
        unlink(path);
    }
    picture_free(picture);
    rmdir(folder);
}

static void one_lost_answer_is_no_event(void **unused) {
    (void)unused;
    struct picture *before = pictures_make("healthy"), *after = picture_make(pictures_make_ring(3, false));
    after->at_us = before->at_us + 1000000;
    after->daemon = before->daemon;
    picture_carry(after, before, 5000000);
    picture_finish(after);
    told[0] = '\0';
    picture_compare(before, after, note, NULL);
    assert_string_equal(told, "");
    picture_free(after);
    /* and one that is silent for long is */
    after = picture_make(pictures_make_ring(3, false));
    after->at_us = before->at_us + 6000000;
    after->daemon = before->daemon;
    picture_carry(after, before, 5000000);
    picture_finish(after);
    picture_compare(before, after, note, NULL);
    assert_string_equal(told, "link_stopped lyon, full_circle_lost lyon");
    picture_free(before);
    picture_free(after);
}

static void requests_for_others_are_known_by_their_host(void **unused) {
    (void)unused;
    static char one[] = "db1.lyon.example", *allowed[] = {one};
    static const struct {
        const char *host, *address;
        bool is_ours;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1:8080", "127.0.0.1", true},
        {"localhost:8080", "127.0.0.1", true},
        {"LOCALHOST", "::1", true},
        {"localhost.", "127.0.0.1", true},
        {"[::1]:8080", "::1", true},
        {"[0:0::1]", "::1", true},
        {"DB1.lyon.example:80", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.1", true},
        {"localhost", "10.0.0.1", false},
        {"10.0.0.2", "10.0.0.1", false},
        {"127.0.0.1", "10.0.0.1", false},
        {"evil.example", "127.0.0.1", false},
        {"127.0.0.1.evil.example", "127.0.0.1", false},
        {"db1.lyon.example.evil", "127.0.0.1", false},
        {"localhost@evil", "127.0.0.1", false},
        {"localhost:80:80", "127.0.0.1", false},
        {"localhost:x", "127.0.0.1", false},
        {"[::1", "::1", false},
        {"", "127.0.0.1", false},
        {NULL, "127.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (host_is_ours(cases[i].host, cases[i].address, allowed, 1) != cases[i].is_ours)
            fail_msg("%s at %s: want %d", cases[i].host, cases[i].address, cases[i].is_ours);
}

static char folder[] = "/tmp/roundabout-test-show-XXXXXX";
static char path[100];

static char *read_all(const char *name) {
    FILE *file = fopen(name, "r");
    char *text = calloc(1, 70000);
    if (file) {
        text[fread(text, 1, 69999, file)] = '\0';
        fclose(file);
    }
    return text;
}

static void the_journal_is_bounded_in_memory_and_in_its_file(void **unused) {
    (void)unused;
    snprintf(path, sizeof path, "%s/journal", folder);
    struct journal *journal = journal_open(&(struct config_journal){.file = path, .max_kb = 16});
    struct journal_entry entries[3];
    char detail[1000], older[120];
    struct stat status;
    assert_int_equal(journal_read(journal, entries, 3), 0);
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    for (unsigned i = 0; i < 3 * JOURNAL_ENTRIES; i++)
        journal_add(journal, EVENT_SITE_DEAD, "ly\"on", i % 2 ? "a\nb" : detail);
    assert_int_equal(journal_read(journal, entries, 3), 3);
    assert_int_equal(entries[0].number, 3 * JOURNAL_ENTRIES);
    assert_int_equal(entries[2].number, 3 * JOURNAL_ENTRIES - 2);
    assert_null(journal_find(journal, 1));
    assert_int_equal(journal_count(journal, EVENT_SITE_DEAD), 3 * JOURNAL_ENTRIES);
    journal_close(journal);
    assert_int_equal(stat(path, &status), 0);
    assert_in_range(status.st_size, 1, 16 * 1024);
    snprintf(older, sizeof older, "%s.1", path);
    assert_int_equal(stat(older, &status), 0);
    assert_in_range(status.st_size, 1, 16 * 1024);
    char *text = read_all(path);
    assert_non_null(
        strstr(text, "\"event\":\"site_dead\",\"site\":\"ly\\\"on\",\"detail\":\"a\\u000ab\"}\n"));
    free(text);
    unlink(path);
    unlink(older);
}

static void a_journal_that_is_no_file_is_kept_in_memory(void **unused) {
    (void)unused;
    struct journal_entry entry;
    char *link_path = path;
    snprintf(path, sizeof path, "%s/link", folder);
    assert_int_equal(symlink("/nonexistent/elsewhere", link_path), 0);
    struct journal *journal = journal_open(&(struct config_journal){.file = path, .max_kb = 16});
    journal_add(journal, EVENT_SITE_DEAD, "lyon", "x");
    assert_int_equal(journal_read(journal, &entry, 1), 1);
    journal_close(journal);
    unlink(path);
}

static void what_was_saved_is_not_shown_before_main_has_answered(void **unused) {
    (void)unused;
    struct picture *picture = pictures_make("healthy");
    struct buffer metrics = {0}, status = {0};
    picture->routing.main_recent_ns = picture->routing.saved_ns = 0;
    metrics_write(&metrics, picture);
    status_json_write(&status, picture);
    assert_null(strstr(metrics.text, "roundabout_saved_seconds_total"));
    assert_null(strstr(status.text, "saved_s"));
    assert_non_null(strstr(status.text, "\"processes\":64"));
    buffer_free(&metrics);
    buffer_free(&status);
    picture_free(picture);
}

/* Left open by a program that has ended: an alert would burn for good. */
static void a_breaker_that_nobody_needs_any_more_is_not_counted(void **unused) {
    (void)unused;
    char pages[] = "/tmp/roundabout-test-XXXXXX", name[64];
    assert_non_null(mkdtemp(pages));
    int directory = page_open_directory(pages, NULL, NULL, 0);
    page_name_breaker(name, "/run/local.sock");
    struct page_breaker *breaker = page_open_shared(directory, PAGE_BREAKER, 0600, name);
    const struct config_stats config = {.enabled = true, .directory = pages};
    struct timespec now;
    struct routing routing;
    clock_gettime(CLOCK_MONOTONIC, &now);
    breaker->silent_until_ms = (int64_t)now.tv_sec * 1000 + 5000;
    routing_read(&config, NULL, false, &routing);
    assert_int_equal(routing.breakers, 1);
    assert_int_equal(routing.breakers_open, 1);
    breaker->silent_until_ms = (int64_t)now.tv_sec * 1000 - 2 * PAGE_BREAKER_LAST_MS;
    routing_read(&config, NULL, false, &routing);
    assert_int_equal(routing.breakers, 0);
    assert_int_equal(routing.breakers_open, 0);
    page_unmap(breaker, PAGE_BREAKER);
    unlinkat(directory, name, 0);
    close(directory);
    rmdir(pages);
}

static void a_journal_whose_disk_was_full_is_whole_once_there_is_room(void **unused) {
    (void)unused;
    char folder_path[80];
    snprintf(folder_path, sizeof folder_path, "%s/later", folder);
    snprintf(path, sizeof path, "%s/journal", folder_path);
    struct journal *journal = journal_open(&(struct config_journal){.file = path, .max_kb = 16});
    journal_add(journal, EVENT_SITE_DEAD, "one", "its folder isn't there");
    assert_int_equal(mkdir(folder_path, 0700), 0);
    journal_add(journal, EVENT_SITE_DEAD, "two", "now it is");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit full = {.rlim_cur = 220, .rlim_max = before.rlim_max}; /* in the middle of a line */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &full);
    journal_add(journal, EVENT_SITE_DEAD, "three", "half a line");
    journal_add(journal, EVENT_SITE_DEAD, "four", "none");
    setrlimit(RLIMIT_FSIZE, &before);
    journal_add(journal, EVENT_SITE_DEAD, "five", "there is room");
    journal_close(journal);
    char *text = read_all(path);
    static const char *const sites[] = {"one", "two", "three", "four", "five"};
    char *line = text;
    for (size_t i = 0; i < 5; i++) {
        char *end = strchr(line, '\n'), site[40];
        assert_non_null(end);
        *end = '\0';
        snprintf(site, sizeof site, "\"site\":\"%s\"", sites[i]);
        assert_non_null(strstr(line, site));
        assert_int_equal(line[0], '{');
        assert_int_equal(end[-1], '}');
        line = end + 1;
    }
    assert_string_equal(line, "");
    free(text);
    unlink(path);
    rmdir(folder_path);
}

static struct config_on_event on_event;
static char out[120], script[300], shell[] = "/bin/sh", flag[] = "-c", *command[] = {shell, flag, script};

static struct hook *open_hook(const char *text, unsigned limit_s, unsigned per_minute) {
    snprintf(out, sizeof out, "%s/out", folder);
    unlink(out);
    snprintf(script, sizeof script, text, out);
    on_event = (struct config_on_event){.command = command,
                                        .command_count = 3,
                                        .limit_s = limit_s,
                                        .per_minute = per_minute};
    return hook_open(&on_event);
}

/* Takes turns until the file has that text, at most ten seconds. */
static void wait_for_text(struct hook *hook, const char *want) {
    for (unsigned i = 0; i < 1000; i++) {
        hook_turn(hook, 1000 + i);
        char *text = read_all(out);
        const bool found = strstr(text, want) != NULL;
        free(text);
        if (found)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("want %s in %s", want, out);
}

static void the_program_is_told_the_event_and_has_nothing_else_of_ours(void **unused) {
    (void)unused;
    setenv("SECRET_OF_OURS", "s3cret", 1);
    const int ours = dup2(1, 77);
    /* The shell reads its own signals: it blocks them while it starts another program. */
    struct hook *hook = open_hook("{ env; ls /proc/$$/fd | sort -n | tr '\\n' ' '; "
                                  "while read -r line; do case $line in Sig*) echo \"$line\" ;; esac; done "
                                  "< /proc/$$/status; echo end; } > %s",
                                  10, 5);
    hook_tell(hook, EVENT_SITE_DEAD, "lyon; rm -rf /", "it's $(gone) `x`", 1000);
    wait_for_text(hook, "\nend\n");
    char *text = read_all(out);
    assert_non_null(strstr(text, "ROUNDABOUT_EVENT=site_dead\n"));
    assert_non_null(strstr(text, "ROUNDABOUT_SITE=lyon; rm -rf /\n"));
    assert_non_null(strstr(text, "ROUNDABOUT_DETAIL=it's $(gone) `x`\n"));
    assert_non_null(strstr(text, "0 1 2 "));
    assert_null(strstr(text, " 77 "));
    assert_null(strstr(text, "s3cret"));
    assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
    free(text);
    hook_close(hook);
    close(ours);
}

static void a_program_that_hangs_is_killed_and_the_next_runs(void **unused) {
    (void)unused;
    struct hook *hook =
        open_hook("echo $ROUNDABOUT_SITE >> %s; [ $ROUNDABOUT_SITE = two ] || sleep 60", 1, 5);
    hook_tell(hook, EVENT_SITE_DEAD, "one", "", 1000);
    hook_tell(hook, EVENT_SITE_DEAD, "two", "", 1000);
    wait_for_text(hook, "one");
    hook_turn(hook, 1000 + 5000); /* past its limit */
    wait_for_text(hook, "two");
    assert_int_equal(hook_run_count(hook), 2);
    hook_close(hook);
}

static void more_than_the_rate_is_dropped_and_counted(void **unused) {
    (void)unused;
    struct hook *hook = open_hook("echo x >> %s", 1, 3);
    for (unsigned i = 0; i < 10; i++)
        hook_tell(hook, EVENT_SITE_DEAD, "one", "", 1000 + i);
    assert_int_equal(hook_dropped_count(hook), 7);
    hook_tell(hook, EVENT_SITE_DEAD, "one", "", 70000);
    assert_int_equal(hook_dropped_count(hook), 7);
    hook_close(hook);
}

static void no_program_is_no_hook(void **unused) {
    (void)unused;
    assert_null(hook_open(&(struct config_on_event){0}));
    hook_tell(NULL, EVENT_SITE_DEAD, "one", "", 1);
    hook_turn(NULL, 1);
    hook_close(NULL);
}

static void a_sum_that_falls_for_a_moment_is_not_believed(void **unused) {
    (void)unused;
    struct routing held = {.known = true, .statements = {[ROUTE_ROUTED] = 100}};
    const struct routing less = {.known = true, .statements = {[ROUTE_ROUTED] = 10}},
                         more = {.known = true, .statements = {[ROUTE_ROUTED] = 120}};
    unsigned fallen = 0;
    routing_take(&held, &less, &fallen);
    routing_take(&held, &less, &fallen);
    assert_int_equal(routing_total(&held), 100);
    routing_take(&held, &more, &fallen);
    assert_int_equal(routing_total(&held), 120);
    for (unsigned i = 0; i < 3; i++)
        routing_take(&held, &less, &fallen);
    assert_int_equal(routing_total(&held), 10);
}

static int make_folder(void **unused) {
    (void)unused;
    log_open("/dev/null", CONFIG_LOG_DEBUG);
    return mkdtemp(folder) ? 0 : -1;
}
static int remove_folder(void **unused) {
    (void)unused;
    unlink(out);
    log_close();
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_of_each_picture),
        cmocka_unit_test(every_line_of_the_metrics_is_a_head_or_a_series_of_the_family_before),
        cmocka_unit_test(the_page_stays_under_60_kb_and_asks_for_nothing_outside),
        cmocka_unit_test(what_happened_is_what_differs),
        cmocka_unit_test(going_past_a_site_and_back_is_told_by_who_does_it),
        cmocka_unit_test(one_lost_answer_is_no_event),
        cmocka_unit_test(a_lag_is_shared_as_it_is_shown),
        cmocka_unit_test(a_silence_is_shared_as_dead_is_judged),
        cmocka_unit_test(a_page_that_says_nothing_goes_with_its_daemon),
        cmocka_unit_test(requests_for_others_are_known_by_their_host),
        cmocka_unit_test(the_journal_is_bounded_in_memory_and_in_its_file),
        cmocka_unit_test(a_journal_that_is_no_file_is_kept_in_memory),
        cmocka_unit_test(what_was_saved_is_not_shown_before_main_has_answered),
        cmocka_unit_test(a_breaker_that_nobody_needs_any_more_is_not_counted),
        cmocka_unit_test(a_journal_whose_disk_was_full_is_whole_once_there_is_room),
        cmocka_unit_test(the_program_is_told_the_event_and_has_nothing_else_of_ours),
        cmocka_unit_test(a_program_that_hangs_is_killed_and_the_next_runs),
        cmocka_unit_test(more_than_the_rate_is_dropped_and_counted),
        cmocka_unit_test(no_program_is_no_hook),
        cmocka_unit_test(a_sum_that_falls_for_a_moment_is_not_believed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
