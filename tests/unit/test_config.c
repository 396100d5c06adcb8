/* The reader of the configuration file. A case is a file's text and all that must be said about it, without
 * the file's name; a case with nothing to say must load. Run from the top of the source tree. */
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../config/config.h"

#define SAMPLE "config/roundabout.conf"

/* Good lines, for the parts that a case isn't about. */
#define LOCAL  "local = { socket = \"/run/local.sock\"; };\n"
#define CACHES "caches = ( { tables = [ \"shop.cache\" ]; } );\n"

#define LOGINS "replication = { user = \"l\"; }; monitor = { user = \"m\"; };"
#define PARIS  "{ name = \"paris\"; host = \"p\"; server_id = 1; main = true; }"
#define LYON   "{ name = \"lyon\"; host = \"l\"; server_id = 2; }"
#define RING(sites, more) LOCAL CACHES "site = \"lyon\";\nring = { sites = (\n" sites " );\n" LOGINS more "};\n"

static char folder[] = "/tmp/roundabout-test-config-XXXXXX";
static char path[PATH_MAX];  /* of the configuration */
static char other[PATH_MAX]; /* of a file that it names */

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/conf", folder);
    snprintf(other, sizeof(other), "%s/other", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static void write_bytes(const char *name, const char *bytes, size_t length) {
    unlink(name);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

/* Gathers findings, each behind the file's name replaced by nothing, and ended by a newline. */
struct findings {
    char text[8192];
};

static void note(void *context, const char *message) {
    struct findings *findings = context;
    size_t used = strlen(findings->text);
    size_t name = strlen(path);

    assert_null(strchr(message, '\n'));
    if (strncmp(message, path, name) == 0 && message[name] == ':')
        message += name + 1;
    snprintf(findings->text + used, sizeof(findings->text) - used, "%s\n", message);
}

static struct config *load(const char *text, struct findings *findings) {
    *findings = (struct findings){.text = ""};
    write_text(path, text);
    return config_load(path, note, findings);
}

static struct config *load_good(const char *text) {
    struct findings findings;
    struct config *config = load(text, &findings);

    assert_string_equal(findings.text, "");
    assert_non_null(config);
    return config;
}

/* Loads text in which %s stands for the other file's path. */
static struct config *load_naming_other(const char *format_key, struct findings *findings) {
    char text[3 * PATH_MAX];

    snprintf(text, sizeof(text),
             "local = { socket = \"/run/local.sock\"; user = \"cache\";\n%s = \"%s\"; };\n" CACHES,
             format_key, other);
    return load(text, findings);
}

struct file_case {
    const char *claim;
    const char *text;
    const char *findings;
};

static const struct file_case FILES[] = {
    {"the_least_that_loads_is_a_local_master_and_a_table", LOCAL CACHES, ""},
    {"an_empty_file_misses_the_local_master_and_the_caches", "",
     "1: local is missing; add local: a group, { ... }\n"
     "1: caches is missing; add caches: a list of groups, ( { ... }, { ... } )\n"},
    {"a_key_outside_the_table_is_unknown", "colour = 1;\n" LOCAL CACHES,
     "1: unknown key colour; remove it, or see roundabout.conf(5) for the keys there are\n"},
    {"a_slip_of_the_pen_gets_a_suggestion", LOCAL CACHES "log_levl = \"info\";\n",
     "3: unknown key log_levl; did you mean log_level?\n"},
    {"two_letters_that_changed_places_get_a_suggestion", "local = { host = \"h\";\n prot = 3306; };\n" CACHES,
     "2: unknown key prot in local; did you mean port?\n"},
    {"a_key_cut_short_gets_a_suggestion", "local = { host = \"h\";\n connect_timeout = 1; };\n" CACHES,
     "2: unknown key connect_timeout in local; did you mean connect_timeout_s?\n"},
    {"an_inline_password_is_sent_to_a_file_and_not_repeated",
     "local = { host = \"h\"; user = \"u\";\n password = \"horse battery\"; };\n" CACHES,
     "2: unknown key password in local; did you mean password_file?\n"},
    {"a_key_of_a_group_is_misplaced_at_the_top", LOCAL CACHES "retry_after_ms = 5000;\n",
     "3: misplaced key retry_after_ms; it belongs inside local\n"},
    {"a_key_of_the_top_is_misplaced_in_a_group",
     "local = { socket = \"/s\";\n log_level = \"info\"; };\n" CACHES,
     "2: misplaced key log_level in local; it belongs at the top of the file, outside all groups\n"},
    {"a_key_of_several_groups_is_told_all_of_them", LOCAL CACHES "host = \"h\";\n",
     "3: misplaced key host; it belongs inside local or inside main or inside ring.sites or inside "
     "ring.sites.replicas\n"},
    {"a_key_in_a_list_item_may_be_misplaced",
     LOCAL "caches = ( { tables = [ \"a.b\" ];\n user = \"u\"; } );\n",
     "3: misplaced key user in caches; it belongs inside local or inside ring.replication or inside ring.monitor\n"},
    {"all_findings_are_told_not_only_the_first",
     "local = { socket = \"/s\";\n connect_timeout_s = 0;\n read_timeout_s = 9999;\n nonsense = 1; };\n"
     "caches = ( { tables = [ \"x\" ];\n mode = \"on\"; } );\n",
     "2: local.connect_timeout_s is 0; choose a number from 1 to 60\n"
     "3: local.read_timeout_s is 9999; choose a number from 1 to 3600\n"
     "4: unknown key nonsense in local; remove it, or see roundabout.conf(5) for the keys there are\n"
     "5: caches.tables: \"x\" has no dot; write \"database.table\"\n"
     "6: caches.mode can't be \"on\"; choose from route, observe, off\n"},

    {"a_string_is_no_number", "local = { host = \"h\";\n port = \"3306\"; };\n" CACHES,
     "2: local.port is a string; write a whole number\n"},
    {"a_number_is_no_string", "local = { host =\n 1; };\n" CACHES,
     "1: local.host is a number; write a string in double quotes\n"},
    {"a_number_with_a_point_is_not_whole", "local = { host = \"h\";\n read_timeout_s = 1.5; };\n" CACHES,
     "2: local.read_timeout_s is a number with a point; write a whole number\n"},
    {"true_is_no_word", LOCAL "caches = ( { tables = [ \"a.b\" ]; mode = true; } );\n",
     "2: caches.mode is true or false; write one word in double quotes\n"},
    {"a_string_is_no_group", "local = \"/s\";\n" CACHES, "1: local is a string; write a group, { ... }\n"},
    {"a_group_is_no_list_of_groups", LOCAL "caches = { tables = [ \"a.b\" ]; };\n",
     "2: caches is a group, { ... }; write a list of groups, ( { ... }, { ... } )\n"},
    {"an_item_of_a_list_of_groups_is_a_group", LOCAL "caches = (\n { tables = [ \"a.b\" ]; },\n \"c.d\" );\n",
     "4: an item of caches is a string; write a group, { ... }\n"},
    {"a_string_is_no_list_of_tables", LOCAL "caches = ( { tables = \"a.b\"; } );\n",
     "2: caches.tables is a string; write a list of table patterns, [ \"database.table\", "
     "\"database.prefix_*\" ]\n"},
    {"an_item_of_tables_is_a_string", LOCAL "caches = ( { tables = [ 1 ]; } );\n",
     "2: an item of caches.tables is a number; write \"database.table\"\n"},
    {"an_item_of_statements_is_a_word", LOCAL "caches = ( { tables = [ \"a.b\" ]; statements = [ 1 ]; } );\n",
     "2: an item of caches.statements is a number; write one word in double quotes\n"},

    {"a_number_has_a_lower_bound", "local = { socket = \"/s\";\n retry_after_ms = 99; };\n" CACHES,
     "2: local.retry_after_ms is 99; choose a number from 100 to 3600000\n"},
    {"a_number_has_an_upper_bound", "local = { host = \"h\";\n port = 65536; };\n" CACHES,
     "2: local.port is 65536; choose a number from 1 to 65535\n"},
    {"a_number_of_more_than_32_bits_is_out_of_bounds",
     "local = { host = \"h\";\n port = 4294970602L; };\n" CACHES,
     "2: local.port is 4294970602; choose a number from 1 to 65535\n"},
    {"a_negative_number_is_out_of_bounds", "local = { socket = \"/s\";\n connect_timeout_s = -1; };\n" CACHES,
     "2: local.connect_timeout_s is -1; choose a number from 1 to 60\n"},
    {"bounds_themselves_are_inside",
     "local = { host = \"h\"; port = 65535; connect_timeout_s = 60; read_timeout_s = 3600; retry_after_ms = "
     "100; };\n" CACHES,
     ""},
    {"an_empty_string_is_no_value", "local = { host = \"\"; };\n" CACHES,
     "1: local.host is empty; fill it in, or remove the line\n"},
    {"a_socket_fits_its_address",
     "local = { socket = \"/0123456789012345678901234567890123456789012345678901234567890123456789"
     "01234567890123456789012345678901234567\"; };\n" CACHES,
     "1: local.socket has 109 bytes; shorten it to at most 107\n"},

    {"a_local_master_has_an_address", "local = { user = \"u\"; };\n" CACHES,
     "1: this server has neither socket nor host; add one of the two\n"},
    {"a_local_master_has_one_address", "local = { socket = \"/s\";\n host = \"h\"; };\n" CACHES,
     "2: host stands beside socket; keep one of the two\n"},
    {"a_socket_has_no_port", "local = { socket = \"/s\";\n port = 3306; };\n" CACHES,
     "2: port stands beside socket; remove it, or name a host\n"},
    {"a_main_server_has_an_address", LOCAL "main = (\n { host = \"h\"; },\n { port = 3306; } );\n" CACHES,
     "4: this server has neither socket nor host; add one of the two\n"},
    {"no_main_server_listed_is_all_of_them", LOCAL "main = ( );\n" CACHES, ""},
    {"a_password_needs_a_user", "local = { socket = \"/s\";\n password_file = \"relative\"; };\n" CACHES,
     "2: local.password_file is a relative path; write the absolute one, which begins with /\n"
     "2: password_file without user; add user\n"},

    {"a_relative_socket_is_refused", "local = { socket = \"mysqld.sock\"; };\n" CACHES,
     "1: local.socket is a relative path; write the absolute one, which begins with /\n"},
    {"a_relative_defaults_file_is_refused",
     "local = { host = \"h\";\n defaults_file = \"my.cnf\"; };\n" CACHES,
     "2: local.defaults_file is a relative path; write the absolute one, which begins with /\n"},
    {"a_relative_log_file_is_refused", LOCAL CACHES "log_file = \"log\";\n",
     "3: log_file is a relative path; write the absolute one, which begins with /\n"},

    {"an_empty_list_of_caches_is_refused", LOCAL "caches = ( );\n",
     "2: caches is empty; write a list of groups, ( { ... }, { ... } )\n"},
    {"a_group_has_tables", LOCAL "caches = (\n { name = \"a\"; } );\n",
     "3: caches.tables is missing; add tables: a list of table patterns, [ \"database.table\", "
     "\"database.prefix_*\" ]\n"},
    {"a_group_has_at_least_one_table", LOCAL "caches = (\n { tables = [ ]; } );\n",
     "3: caches.tables is empty; write a list of table patterns, [ \"database.table\", \"database.prefix_*\" "
     "]\n"},
    {"a_table_has_a_database", LOCAL "caches = ( { tables = [ \"cache\" ]; } );\n",
     "2: caches.tables: \"cache\" has no dot; write \"database.table\"\n"},
    {"a_table_has_one_dot", LOCAL "caches = ( { tables = [ \"a.b.c\" ]; } );\n",
     "2: caches.tables: \"a.b.c\" has two dots; write \"database.table\", and ? for a dot that is part of a "
     "name\n"},
    {"a_table_has_something_before_its_dot", LOCAL "caches = ( { tables = [ \".b\" ]; } );\n",
     "2: caches.tables: \".b\" has no database before its dot; write \"database.table\"\n"},
    {"a_table_has_something_behind_its_dot", LOCAL "caches = ( { tables = [\n \"a.b\",\n \"a.\" ]; } );\n",
     "4: caches.tables: \"a.\" has no table behind its dot; write \"database.table\", or * for all tables of "
     "the "
     "database\n"},
    {"a_dot_alone_is_no_table", LOCAL "caches = ( { tables = [ \".\" ]; } );\n",
     "2: caches.tables: \".\" has no database before its dot; write \"database.table\"\n"},
    {"an_empty_string_is_no_table", LOCAL "caches = ( { tables = [ \"\" ]; } );\n",
     "2: caches.tables: \"\" has no dot; write \"database.table\"\n"},
    {"a_table_is_written_without_quotes", LOCAL "caches = ( { tables = [ \"`a`.`b`\" ]; } );\n",
     "2: caches.tables: \"`a`.`b`\" has a quote; write names without quotes\n"},
    {"a_table_is_no_like_pattern", LOCAL "caches = ( { tables = [ \"a.b%\" ]; } );\n",
     "2: caches.tables: \"a.b%\" has a %, which means nothing here; write * for any characters, ? for one\n"},
    {"a_table_has_no_white_space", LOCAL "caches = ( { tables = [ \"a.b \" ]; } );\n",
     "2: caches.tables: \"a.b \" has white space; write \"database.table\" without, and ? for a blank that "
     "is part of "
     "a name\n"},
    {"stars_and_question_marks_are_welcome_in_both_parts",
     LOCAL "caches = ( { tables = [ \"shop_??.*_cache\", \"*.cache\" ]; } );\n", ""},
    {"a_list_in_parentheses_is_a_list", LOCAL "caches = ( { tables = ( \"a.b\", \"a.c\" ); } );\n", ""},
    {"a_table_is_listed_once",
     LOCAL
     "caches = ( { tables = [ \"a.b\" ]; },\n { name = \"two\"; tables = [ \"a.c\",\n \"a.b\" ]; } );\n",
     "4: caches.tables: \"a.b\" is listed in group caches[0] already; keep one of the two\n"},
    {"a_table_is_listed_once_in_its_own_group_too",
     LOCAL "caches = ( { tables = [ \"a.b\",\n \"a.b\" ]; } );\n",
     "3: caches.tables: \"a.b\" is listed in group caches[0] already; keep one of the two\n"},
    {"a_group_has_its_name_to_itself",
     LOCAL
     "caches = ( { name = \"n\"; tables = [ \"a.b\" ]; },\n { tables = [ \"a.c\" ];\n name = \"n\"; } );\n",
     "4: caches.name \"n\" is another group's name already; choose another\n"},
    {"a_statement_word_is_one_of_five",
     LOCAL "caches = ( { tables = [ \"a.b\" ]; statements = [ \"SELECT\",\n \"TRUNCATE\" ]; } );\n",
     "3: caches.statements can't be \"TRUNCATE\"; choose from REPLACE, SELECT, INSERT, UPDATE, DELETE\n"},
    {"no_statements_is_refused", LOCAL "caches = ( { tables = [ \"a.b\" ]; statements = [ ]; } );\n",
     "2: caches.statements is empty; write a list of words, [ \"...\", \"...\" ]\n"},
    {"a_transactions_word_is_one_of_three",
     LOCAL "caches = ( { tables = [ \"a.b\" ];\n transactions = \"folow\"; } );\n",
     "3: caches.transactions can't be \"folow\"; choose from follow, immediate, pass\n"},
    {"a_log_level_is_one_of_four", LOCAL CACHES "log_level = \"loud\";\n",
     "3: log_level can't be \"loud\"; choose from error, warning, info, debug\n"},
    {"a_message_stays_on_one_line", LOCAL CACHES "log_level = \"a\\nb\\x1B\";\n",
     "3: log_level can't be \"a?b?\"; choose from error, warning, info, debug\n"},

    {"a_ring_of_two_is_read", RING(PARIS "," LYON, ""), ""},
    {"a_ring_has_one_main_site", RING(LYON, ""),
     "4: ring.sites has 0 sites with main = true; mark the main master's, and only it\n"},
    {"a_site_is_one_of_the_ring", RING(PARIS, ""), "3: site \"lyon\" is none of ring.sites; write one of their names\n"},
    {"a_site_name_stands_once", RING(PARIS "," LYON ",\n" "{ name = \"lyon\"; host = \"m\"; server_id = 3; }", ""),
     "6: ring.sites.name \"lyon\" is another site's name already; choose another\n"},
    {"a_server_id_stands_once", RING(PARIS "," LYON ",\n" "{ name = \"nice\"; host = \"n\"; server_id = 2; }", ""),
     "6: ring.sites.server_id 2 is another site's already; every server of a ring has its own\n"},
    {"an_address_stands_once", RING(PARIS "," LYON ",\n" "{ name = \"nice\"; host = \"l\"; server_id = 3; }", ""),
     "6: ring.sites: l:3306 is another site's address already; correct one of the two\n"},
    {"a_switch_is_true_or_false", RING(PARIS "," LYON, "\nreplicas_follow = 1;"),
     "7: ring.replicas_follow is a number; write true or false\n"},
    {"samples_failed_is_of_samples", RING(PARIS "," LYON, "\nsamples = 2;"),
     "4: ring.samples_failed is 3 of only 2 samples; lower it, or raise samples\n"},
    {"a_ring_needs_a_site", LOCAL CACHES "ring = { sites = (" PARIS ");" LOGINS "};\n",
     "3: ring without site; add site = \"...\", the name of this host's site\n"},
    {"a_site_needs_a_ring", LOCAL CACHES "site = \"lyon\";\n",
     "3: site without ring; add the ring section, or remove site\n"},
    {"a_certificate_needs_tls",
     LOCAL CACHES "site = \"paris\";\nring = { sites = (" PARIS ");\nreplication = { user = \"l\";\ntls_ca = \"/c\"; };\n"
                  "monitor = { user = \"m\"; }; };\n",
     "6: tls_ca without tls; add tls = true\n"},

    {"a_missing_bracket_is_told_with_its_line", LOCAL "caches = ( { tables = [ \"a.b\" ; } );\n",
     "2: syntax error; look for a missing quote, semicolon or bracket here and in the line before\n"},
    {"a_key_stands_once", LOCAL CACHES LOCAL,
     "3: duplicate setting name; a key may stand once in its group; remove one of the two\n"},
    {"an_array_of_two_types_is_told_with_its_line", LOCAL "caches = ( { tables = [ \"a.b\",\n 1 ]; } );\n",
     "3: mismatched element type in array; write items of one type only\n"},
    {"an_included_file_must_be_there", LOCAL CACHES "@include \"absent\"\n",
     "3: cannot open include file; correct its name, which is relative to this file's directory, or its "
     "rights\n"},
    {"an_included_folder_is_refused", "\n" LOCAL CACHES "@include \".\"\n",
     "4: . can't be included: it is no regular file; name another file\n"},
    {"a_file_that_includes_itself_is_refused", "@include \"conf\"\n" LOCAL CACHES,
     "1: files include each other more than 10 deep; include less\n"},
};

static void check_file(void **state) {
    const struct file_case *expected = *state;
    struct findings findings;
    struct config *config = load(expected->text, &findings);

    assert_string_equal(findings.text, expected->findings);
    if (expected->findings[0])
        assert_null(config);
    else
        assert_non_null(config);
    config_free(config);
}

static void every_default_is_the_one_promised(void **state) {
    struct config *config =
        load_good("local = { host = \"10.0.0.1\"; };\n" CACHES "main = ( { host = \"m\"; } );\n");

    (void)state;
    assert_string_equal(config->path, path);
    assert_string_equal(config->local.server.host, "10.0.0.1");
    assert_null(config->local.server.socket);
    assert_int_equal(config->local.server.port, 3306);
    assert_null(config->local.user);
    assert_null(config->local.password);
    assert_null(config->local.password_file);
    assert_null(config->local.defaults_file);
    assert_int_equal(config->local.connect_timeout_s, 1);
    assert_int_equal(config->local.read_timeout_s, 2);
    assert_int_equal(config->local.retry_after_ms, 5000);
    assert_int_equal(config->main_count, 1);
    assert_int_equal(config->mains[0].port, 3306);
    assert_int_equal(config->group_count, 1);
    assert_string_equal(config->groups[0].name, "caches[0]");
    assert_int_equal(config->groups[0].statements, CONFIG_REPLACE | CONFIG_SELECT);
    assert_int_equal(config->groups[0].transactions, CONFIG_FOLLOW);
    assert_int_equal(config->groups[0].mode, CONFIG_ROUTE);
    assert_int_equal(config->log_level, CONFIG_LOG_INFO);
    assert_null(config->log_file);
    config_free(config);
}

static void every_value_is_read_to_its_place(void **state) {
    struct config *config =
        load_good("local = { socket = \"/run/l.sock\"; connect_timeout_s = 3; read_timeout_s = 4;"
                  " retry_after_ms = 600; user = \"u\"; };\n"
                  "main = ( { host = \"m\"; port = 3307; }, { socket = \"/run/m.sock\"; } );\n"
                  "caches = ( { tables = [ \"a.b\", \"c*.d?\" ]; name = \"first\"; },\n"
                  "  { tables = [ \"e.f\" ]; statements = [ \"insert\", \"Update\", \"DELETE\" ];\n"
                  "    transactions = \"pass\"; mode = \"Observe\"; } );\n"
                  "log_level = \"debug\"; log_file = \"/var/log/r\";\n");

    (void)state;
    assert_string_equal(config->local.server.socket, "/run/l.sock");
    assert_null(config->local.server.host);
    assert_string_equal(config->local.user, "u");
    assert_int_equal(config->local.connect_timeout_s, 3);
    assert_int_equal(config->local.read_timeout_s, 4);
    assert_int_equal(config->local.retry_after_ms, 600);
    assert_int_equal(config->main_count, 2);
    assert_string_equal(config->mains[0].host, "m");
    assert_int_equal(config->mains[0].port, 3307);
    assert_string_equal(config->mains[1].socket, "/run/m.sock");
    assert_int_equal(config->group_count, 2);
    assert_string_equal(config->groups[0].name, "first");
    assert_int_equal(config->groups[0].table_count, 2);
    assert_string_equal(config->groups[0].tables[0].database, "a");
    assert_string_equal(config->groups[0].tables[0].table, "b");
    assert_string_equal(config->groups[0].tables[1].database, "c*");
    assert_string_equal(config->groups[0].tables[1].table, "d?");
    assert_string_equal(config->groups[1].name, "caches[1]");
    assert_int_equal(config->groups[1].statements, CONFIG_INSERT | CONFIG_UPDATE | CONFIG_DELETE);
    assert_int_equal(config->groups[1].transactions, CONFIG_PASS);
    assert_int_equal(config->groups[1].mode, CONFIG_OBSERVE);
    assert_int_equal(config->log_level, CONFIG_LOG_DEBUG);
    assert_string_equal(config->log_file, "/var/log/r");
    config_free(config);
}

static void the_sample_loads(void **state) {
    struct findings findings = {.text = ""};
    struct config *config = config_load(SAMPLE, note, &findings);

    (void)state;
    assert_string_equal(findings.text, "");
    assert_non_null(config);
    assert_string_equal(config->groups[0].tables[0].database, "shop");
    assert_string_equal(config->groups[0].tables[0].table, "cache");
    config_free(config);
}

static void nothing_given_is_freed_as_nothing(void **state) {
    (void)state;
    config_free(NULL);
}

/* Files with passwords */

struct rights_case {
    mode_t mode;
    bool is_roots;
    const char *finding; /* what the message holds; NULL: accepted */
};

static void a_password_that_others_can_read_is_refused(void **state) {
    static const struct rights_case CASES[] = {
        {0600, false, NULL},
        {0400, false, NULL},
        {0700, false, NULL},
        {0640, false, "(mode 0640) and root doesn't own it; run: chmod 600 /"},
        {0640, true, NULL},
        {0440, true, NULL},
        {0600, true, NULL},
        {0660, true, "can write it (mode 0660); run: chmod 640 /"},
        {0660, false, "can write it (mode 0660); run: chmod 600 /"},
        {0620, false, "can write it (mode 0620); run: chmod 600 /"},
        {0644, true, "any user can read or write"},
        {0644, true, "(mode 0644); run: chmod 640 /"},
        {0644, false, "(mode 0644); run: chmod 600 /"},
        {0604, true, "(mode 0604); run: chmod 600 /"},
        {0602, false, "(mode 0602); run: chmod 600 /"},
        {0666, true, "(mode 0666); run: chmod 640 /"},
    };
    static const char *const KEYS[] = {"password_file", "defaults_file"};
    const uid_t nobody = 65534;
    bool am_root = geteuid() == 0;

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(CASES) / sizeof(CASES[0]); i++) {
        const struct rights_case *rights = &CASES[i / 2];
        struct findings findings;
        if (rights->is_roots && !am_root)
            continue; /* only root can make such a file */
        write_text(other, "secret\n");
        assert_int_equal(chmod(other, rights->mode), 0);
        if (!rights->is_roots && am_root)
            assert_int_equal(chown(other, nobody, (gid_t)-1), 0);
        struct config *config = load_naming_other(KEYS[i % 2], &findings);
        if (rights->finding) {
            assert_null(config);
            assert_int_equal(strncmp(findings.text, "2: ", 3), 0);
            if (!strstr(findings.text, rights->finding))
                fail_msg("%04o: want \"%s\" in \"%s\"", (unsigned)rights->mode, rights->finding,
                         findings.text);
        } else {
            assert_string_equal(findings.text, "");
            assert_non_null(config);
        }
        config_free(config);
    }
}

struct password_case {
    const char *bytes;
    size_t length;
    const char *password; /* NULL: refused */
    const char *finding;
};

static void a_password_is_the_first_line_of_its_file(void **state) {
    static char longest[1024 + 1], too_long[1025 + 1];
    static const struct password_case CASES[] = {
        {"secret\n", 7, "secret", NULL},
        {"secret", 6, "secret", NULL},
        {"secret\r\n", 8, "secret", NULL},
        {" se cret \nsecond\n", 17, " se cret ", NULL},
        {longest, 1024, longest, NULL},
        {"", 0, NULL, "is empty; put the password there"},
        {"\nsecret\n", 8, NULL, "is empty; put the password there"},
        {"se\0cret\n", 8, NULL, "holds a NUL byte; put the password there"},
        {too_long, 1025, NULL, "is longer than 1024 bytes; put the password there"},
    };

    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    memset(too_long, 'x', sizeof(too_long) - 1);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct findings findings;
        write_bytes(other, CASES[i].bytes, CASES[i].length);
        assert_int_equal(chmod(other, 0600), 0);
        struct config *config = load_naming_other("password_file", &findings);
        if (CASES[i].password) {
            assert_string_equal(findings.text, "");
            assert_string_equal(config->local.password, CASES[i].password);
        } else {
            assert_null(config);
            assert_non_null(strstr(findings.text, CASES[i].finding));
        }
        config_free(config);
    }
}

static void a_password_file_that_is_not_there_is_told(void **state) {
    struct findings findings;

    (void)state;
    unlink(other);
    assert_null(load_naming_other("password_file", &findings));
    assert_string_equal(findings.text,
                        "2: the file that password_file names can't be read: No such file or directory; "
                        "correct the name or the file's rights\n");
}

/* An application's user reads the file that the daemon reads its passwords by. */
static void a_ring_password_that_is_closed_to_this_user_is_no_fault_of_the_file(void **state) {
    char text[3 * PATH_MAX];
    struct findings findings = {.text = ""};
    const bool am_root = geteuid() == 0;

    (void)state;
    write_text(other, "secret\n");
    snprintf(text, sizeof(text),
             LOCAL CACHES "site = \"paris\";\nring = { sites = ( " PARIS " ); replication = { user = \"l\"; };\n"
                          "monitor = { user = \"m\"; password_file = \"%s\"; }; };\n",
             other);
    write_text(path, text);
    assert_int_equal(chmod(other, 0), 0);
    if (am_root) {
        assert_int_equal(chmod(folder, 0711), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    struct config *config = config_load(path, note, &findings);
    if (am_root)
        assert_int_equal(seteuid(0), 0);
    assert_string_equal(findings.text, "");
    assert_non_null(config);
    assert_null(config->ring.monitor.password);
    assert_false(config_ring_is_open(config, note, &findings));
    assert_non_null(strstr(findings.text, "ring.monitor.password_file"));
    assert_non_null(strstr(findings.text, "Permission denied"));
    config_free(config);

    assert_int_equal(chmod(other, 0600), 0);
    config = load_good(text);
    assert_string_equal(config->ring.monitor.password, "secret");
    assert_true(config_ring_is_open(config, note, &findings));
    config_free(config);
}

static void a_password_file_that_is_a_folder_or_a_fifo_is_told(void **state) {
    struct findings findings;

    (void)state;
    unlink(other);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_null(load_naming_other("password_file", &findings));
    assert_string_equal(findings.text, "2: what password_file names is no regular file; name one\n");
    assert_null(load("local = { socket = \"/s\";\n defaults_file = \"/tmp\"; };\n" CACHES, &findings));
    assert_string_equal(findings.text, "2: what defaults_file names is no regular file; name one\n");
}

static void a_password_in_a_wrong_place_is_never_repeated(void **state) {
    static const char *const LINES[] = {
        "password = \"horse\"",          "passwort = \"horse\"",
        "password_file = \"horse\"",     "password_file = \"/horse\"",
        "password_file = [ \"horse\" ]", "defaults_file = \"horse\"",
        "pass = ( \"horse\" )",          "password_file = { a = \"horse\"; }",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        char text[256];
        struct findings findings;
        snprintf(text, sizeof(text), "local = { host = \"h\"; user = \"u\";\n%s; };\n" CACHES, LINES[i]);
        assert_null(load(text, &findings));
        assert_int_equal(strncmp(findings.text, "2: ", 3), 0);
        assert_null(strstr(findings.text, "horse"));
    }
}

/* The file itself */

static void a_file_that_is_not_there_is_told_with_the_reason(void **state) {
    struct findings findings = {.text = ""};

    (void)state;
    unlink(path);
    assert_null(config_load(path, note, &findings));
    assert_string_equal(findings.text,
                        " can't be read: No such file or directory; correct the name or its rights, or "
                        "name another with -f or ROUNDABOUT_CONFIG\n");
}

static void what_is_no_text_file_is_told(void **state) {
    static const char text[] = LOCAL "\0" CACHES;
    struct findings findings = {.text = ""};
    char *big = calloc(1, (1 << 20) + 2);

    (void)state;
    assert_non_null(big);
    write_bytes(path, text, sizeof(text) - 1);
    assert_null(config_load(path, note, &findings));
    assert_non_null(strstr(findings.text, "can't be read: it holds NUL bytes"));

    memset(big, '\n', (1 << 20) + 1);
    assert_null(load(big, &findings));
    assert_non_null(strstr(findings.text, "can't be read: it is longer than a megabyte"));
    free(big);

    findings.text[0] = '\0';
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(config_load(path, note, &findings));
    assert_non_null(strstr(findings.text, "can't be read: it is no regular file"));

    findings.text[0] = '\0';
    assert_null(config_load(folder, note, &findings));
    assert_non_null(strstr(findings.text, "can't be read: it is no regular file"));
}

static void an_included_file_is_named_in_its_own_findings(void **state) {
    char want[2 * PATH_MAX];
    struct findings findings;

    (void)state;
    write_text(other, "\nlog_level = \"loud\";\n");
    assert_null(load(LOCAL "  @include \"other\"\n" CACHES "nonsense = 1;\n", &findings));
    snprintf(want, sizeof(want),
             "%s:2: log_level can't be \"loud\"; choose from error, warning, info, debug\n"
             "4: unknown key nonsense; remove it, or see roundabout.conf(5) for the keys there are\n",
             other);
    assert_string_equal(findings.text, want);
    write_text(other, "log_level = ;\n\n");
    assert_null(load(LOCAL "@include \"other\"\n" CACHES, &findings));
    snprintf(
        want, sizeof(want),
        "%s:1: syntax error; look for a missing quote, semicolon or bracket here and in the line before\n",
        other);
    assert_string_equal(findings.text, want);
}

struct names {
    char text[4 * PATH_MAX];
};

static void note_file(void *context, const char *file) {
    struct names *names = context;
    size_t used = strlen(names->text);
    snprintf(names->text + used, sizeof(names->text) - used, "%s\n", file);
}

/* Also those that can't be read, or aren't there: they may come to be. */
static void all_files_are_listed_whether_or_not_they_are_good(void **state) {
    struct names names = {.text = ""};
    char wanted[sizeof(names.text)];

    (void)state;
    write_text(path, "@include \"other\"\n@include \"absent\"\ncaches = (");
    write_text(other, "colour = ");
    config_list_files(path, note_file, &names);
    snprintf(wanted, sizeof(wanted), "%s\n%s\n%s/absent\n", path, other, folder);
    assert_string_equal(names.text, wanted);
    names.text[0] = '\0';
    unlink(path);
    config_list_files(path, note_file, &names);
    snprintf(wanted, sizeof(wanted), "%s\n", path);
    assert_string_equal(names.text, wanted);
    names.text[0] = '\0';
    write_text(path, "@include \"conf\"\n"); /* itself */
    config_list_files(path, note_file, &names);
    assert_true(strlen(names.text) < 20 * strlen(path));
}

static void counters_have_their_settings(void **state) {
    static const struct {
        const char *line, *directory;
        bool enabled;
        unsigned mode;
    } CASES[] = {
        {"", NULL, true, 0640},
        {"stats = { enabled = false; };", NULL, false, 0640},
        {"stats = { directory = \"/run/elsewhere\"; readable = \"owner\"; };", "/run/elsewhere", true, 0600},
        {"stats = { readable = \"all\"; };", NULL, true, 0644},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), LOCAL CACHES "%s", CASES[i].line);
        struct config *config = load_good(text);
        assert_int_equal(config->stats.enabled, CASES[i].enabled);
        assert_int_equal(config_stats_mode(&config->stats), CASES[i].mode);
        assert_true(!config->stats.directory == !CASES[i].directory);
        if (CASES[i].directory)
            assert_string_equal(config->stats.directory, CASES[i].directory);
        config_free(config);
    }
}

static void an_included_file_is_found_from_any_working_directory(void **state) {
    char before[PATH_MAX];
    struct findings findings = {.text = ""};

    (void)state;
    assert_non_null(getcwd(before, sizeof(before)));
    write_text(other, CACHES);
    config_free(load_good("@include \"other\"\n" LOCAL));
    assert_int_equal(chdir(folder), 0);
    struct config *config = config_load("conf", note, &findings);
    assert_int_equal(chdir(before), 0);
    assert_string_equal(findings.text, "");
    assert_non_null(config);
    config_free(config);
}

static void a_threads_own_locale_is_kept(void **state) {
    locale_t own = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);

    (void)state;
    if (!own)
        skip();
    locale_t before = uselocale(own);
    config_free(load_good(LOCAL CACHES));
    assert_ptr_equal(uselocale(before), own);
    freelocale(own);
}

static void the_path_is_chosen_by_option_then_environment(void **state) {
    (void)state;
    assert_string_equal(config_choose_path("o", "e"), "o");
    assert_string_equal(config_choose_path("", "e"), "");
    assert_string_equal(config_choose_path(NULL, "e"), "e");
    assert_string_equal(config_choose_path(NULL, ""), "/etc/roundabout/roundabout.conf");
    assert_string_equal(config_choose_path(NULL, NULL), "/etc/roundabout/roundabout.conf");
}

/* The table */

static void each_setting_is_described_in_full(void **state) {
    struct config_setting_text text;
    size_t n;

    (void)state;
    for (n = 0; config_describe(n, &text); n++) {
        unsigned lowest, highest, fallback;
        assert_true(text.path[0] && text.type[0]);
        assert_true(strlen(text.path) < sizeof(text.path) - 1);
        assert_true(strlen(text.fallback) < sizeof(text.fallback) - 1);
        assert_true(strlen(text.bounds) < sizeof(text.bounds) - 1);
        assert_int_equal(text.sentence[strlen(text.sentence) - 1], '.');
        if (strcmp(text.type, "number") == 0) {
            assert_int_equal(sscanf(text.bounds, "%u..%u", &lowest, &highest), 2);
            if (text.required)
                continue;
            assert_int_equal(sscanf(text.fallback, "%u", &fallback), 1);
            assert_in_range(fallback, lowest, highest);
        }
    }
    assert_true(n > 20);
    assert_false(config_describe(SIZE_MAX, &text));
}

static void a_word_is_near_to_what_it_may_mean(void **state) {
    static const struct {
        const char *word, *candidate;
        unsigned distance;
    } CASES[] = {
        {"host", "host", 0},
        {"hots", "host", 1},
        {"usr", "user", 1},
        {"tables_", "tables", 1},
        {"cache", "caches", 1},
        {"exp", "explain", 1},
        {"ex", "explain", UINT_MAX},
        {"xyz", "host", UINT_MAX},
        {"", "host", UINT_MAX},
        {"explian", "explain", 1},
        {"a_word_of_more_than_thirty_two_letters", "a_word_of_more_than_thirty_two_letterz", UINT_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        assert_int_equal(config_word_distance(CASES[i].word, CASES[i].candidate), CASES[i].distance);
}

/* Memory. Linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=strndup this file stands between
 * the reader and the allocator (libconfig's own calls aren't wrapped); linked without, the test is skipped.
 */

static long calls_until_failure = -1; /* negative: never */
static bool is_wrapped;

static bool is_allowed(void) {
    is_wrapped = true;
    return calls_until_failure < 0 || calls_until_failure-- > 0;
}

void *__real_malloc(size_t size) __attribute__((weak));
void *__real_calloc(size_t count, size_t size) __attribute__((weak));
char *__real_strdup(const char *text) __attribute__((weak));
char *__real_strndup(const char *text, size_t length) __attribute__((weak));
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);

void *__wrap_malloc(size_t size) {
    return is_allowed() ? __real_malloc(size) : NULL;
}
void *__wrap_calloc(size_t count, size_t size) {
    return is_allowed() ? __real_calloc(count, size) : NULL;
}
char *__wrap_strdup(const char *text) {
    return is_allowed() ? __real_strdup(text) : NULL;
}
char *__wrap_strndup(const char *text, size_t length) {
    return is_allowed() ? __real_strndup(text, length) : NULL;
}

static void each_allocation_may_fail(void **state) {
    struct findings findings = {.text = ""};
    struct config *config = NULL;
    long failing = 0;

    (void)state;
    write_text(other, CACHES);
    config_free(load_good(
        "local = { host = \"h\"; user = \"u\"; };\n@include \"other\"\nmain = ( { host = \"m\"; } );\n"));
    if (!is_wrapped)
        skip();
    for (; !config && failing < 1000; failing++) {
        findings.text[0] = '\0';
        calls_until_failure = failing;
        config = config_load(path, note, &findings);
        if (!config)
            assert_non_null(strstr(findings.text, "memory"));
    }
    calls_until_failure = -1;
    assert_non_null(config);
    assert_true(failing > 10);
    config_free(config);
}

int main(void) {
    enum { FILE_COUNT = sizeof(FILES) / sizeof(FILES[0]) };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(every_default_is_the_one_promised),
        cmocka_unit_test(every_value_is_read_to_its_place),
        cmocka_unit_test(the_sample_loads),
        cmocka_unit_test(nothing_given_is_freed_as_nothing),
        cmocka_unit_test(a_password_that_others_can_read_is_refused),
        cmocka_unit_test(a_password_is_the_first_line_of_its_file),
        cmocka_unit_test(a_password_file_that_is_not_there_is_told),
        cmocka_unit_test(a_ring_password_that_is_closed_to_this_user_is_no_fault_of_the_file),
        cmocka_unit_test(a_password_file_that_is_a_folder_or_a_fifo_is_told),
        cmocka_unit_test(a_password_in_a_wrong_place_is_never_repeated),
        cmocka_unit_test(a_file_that_is_not_there_is_told_with_the_reason),
        cmocka_unit_test(what_is_no_text_file_is_told),
        cmocka_unit_test(all_files_are_listed_whether_or_not_they_are_good),
        cmocka_unit_test(counters_have_their_settings),
        cmocka_unit_test(an_included_file_is_named_in_its_own_findings),
        cmocka_unit_test(an_included_file_is_found_from_any_working_directory),
        cmocka_unit_test(a_threads_own_locale_is_kept),
        cmocka_unit_test(the_path_is_chosen_by_option_then_environment),
        cmocka_unit_test(each_setting_is_described_in_full),
        cmocka_unit_test(a_word_is_near_to_what_it_may_mean),
        cmocka_unit_test(each_allocation_may_fail),
    };
    struct CMUnitTest tests[FILE_COUNT + sizeof(others) / sizeof(others[0])];

    for (size_t i = 0; i < FILE_COUNT; i++) {
        union { /* cmocka hands the state out as void *, and doesn't write to it */
            const struct file_case *given;
            void *state;
        } file = {.given = &FILES[i]};
        tests[i] = (struct CMUnitTest){FILES[i].claim, check_file, NULL, NULL, file.state};
    }
    memcpy(tests + FILE_COUNT, others, sizeof(others));
    return _cmocka_run_group_tests("config", tests, sizeof(tests) / sizeof(tests[0]), make_folder,
                                   remove_folder);
}
