#include "ring_copy.h"

#include <stdio.h>
#include <string.h>

#include "../daemon/join.h"
#include "../daemon/key.h"

#define ROWS_AT_ONCE  500
#define BYTES_AT_ONCE ((size_t)1 << 20) /* of one statement; a longer row goes by itself */

#define IS_OTHER_DATABASE "NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'roundabout')"

static void write_table(struct statement *sql, const char *database, const char *table) {
    statement_write_name(sql, database);
    statement_write(sql, ".");
    statement_write_name(sql, table);
}

bool copy_finds_no_rows(struct hand *there, const struct catalogue *tables) {
    bool none = true;
    for (size_t i = 0; none && i < tables->count; i++) {
        const struct chunk_table *form = &tables->tables[i].form;
        struct statement sql = {0};
        struct server_rows *rows = NULL;
        statement_write(&sql, "SELECT 1 AS found FROM ");
        write_table(&sql, form->database, form->name);
        statement_write(&sql, " LIMIT 1");
        const struct server_answer answer =
            sql.failed ? (struct server_answer){SERVER_REFUSED, 0, "not enough memory"}
                       : server_query(there->server, sql.at, &rows);
        const bool missing = answer.code == 1146 || answer.code == 1049;
        if (answer.outcome != SERVER_ANSWERED && !missing)
            fprintf(stderr, "ERROR %s: %u %s\n", there->name, answer.code, answer.text);
        else if (server_rows_count(rows))
            fprintf(stderr,
                    "ERROR %s.%s has rows at %s, which the others may lack; to give them up, empty it there "
                    "with sql_log_bin = 0, and run this again\n",
                    form->database, form->name, there->name);
        none = (answer.outcome == SERVER_ANSWERED || missing) && !server_rows_count(rows);
        server_rows_free(rows);
        statement_free(&sql);
    }
    return none;
}

static bool make_database(struct hand *there, const char *database) {
    struct statement sql = {0};
    statement_write(&sql, "CREATE DATABASE IF NOT EXISTS ");
    statement_write_name(&sql, database);
    const bool made = !sql.failed && hand_run(there, sql.at, NULL);
    statement_free(&sql);
    return made;
}

static bool define(struct hand *from, struct hand *there, const char *database, const char *table,
                   bool anew) {
    struct statement sql = {0};
    struct server_rows *rows = NULL;
    statement_write(&sql, "SHOW CREATE TABLE ");
    write_table(&sql, database, table);
    bool made = !sql.failed && hand_ask(from, sql.at, &rows);
    const char *shown = server_rows_value(rows, 0, "Create Table");
    statement_clear(&sql);
    if (made && anew) {
        statement_write(&sql, "DROP TABLE IF EXISTS ");
        write_table(&sql, database, table);
        made = !sql.failed && hand_run(there, sql.at, NULL);
        statement_clear(&sql);
    }
    if (made && !(shown && join_write_definition(&sql, shown, database, table, !anew))) {
        fprintf(stderr, "ERROR %s: the definition of %s.%s can't be read\n", from->name, database, table);
        made = false;
    }
    made = made && hand_run(there, sql.at, NULL);
    server_rows_free(rows);
    statement_free(&sql);
    return made;
}

bool copy_definitions(struct hand *from, struct hand *there, const struct catalogue *tables) {
    struct server_rows *rows = NULL;
    bool made = hand_ask(from,
                         "SELECT table_name AS tb FROM information_schema.tables"
                         " WHERE table_schema = 'roundabout' AND table_type = 'BASE TABLE' ORDER BY 1",
                         &rows);
    for (size_t row = 0; made && row < server_rows_count(rows); row++)
        made = define(from, there, "roundabout", server_rows_value(rows, row, "tb"), false);
    server_rows_free(rows);
    for (size_t i = 0; made && i < tables->count; i++) {
        const struct chunk_table *form = &tables->tables[i].form;
        const bool is_new = i == 0 || strcmp(form->database, tables->tables[i - 1].form.database) != 0;
        made = (!is_new || make_database(there, form->database)) &&
               define(from, there, form->database, form->name, true);
    }
    return made;
}

/* Fills `cut` with where the range that begins at `lower` is to end; empty: it's the last. */
static bool find_cut(struct hand *from, const struct chunk_table *form, const char *lower,
                     struct statement *cut) {
    struct statement sql = {0};
    struct server_rows *rows = NULL;
    chunk_write_cut(&sql, form, (struct chunk_range){lower, NULL}, ROWS_AT_ONCE);
    bool found = !sql.failed && hand_ask(from, sql.at, &rows);
    statement_clear(cut);
    if (found && server_rows_count(rows))
        found = key_read(cut, form, rows, 0);
    server_rows_free(rows);
    statement_free(&sql);
    return found;
}

static bool bring_rows(struct hand *there, const struct chunk_table *form, const struct server_rows *rows) {
    struct statement sql = {0};
    bool brought = true;
    for (size_t row = 0; brought && row < server_rows_count(rows); row++) {
        const char *text = server_rows_value(rows, row, "row_text");
        if (!text) {
            fprintf(stderr,
                    "ERROR a row of %s.%s is longer than its server's max_allowed_packet allows to "
                    "be shown; raise it there, and run this again\n",
                    form->database, form->name);
            brought = false;
            break;
        }
        if (sql.used)
            statement_write(&sql, ", ");
        else
            chunk_write_replace(&sql, form);
        statement_write(&sql, "%s", text);
        if (sql.used >= BYTES_AT_ONCE || row + 1 == server_rows_count(rows)) {
            brought = !sql.failed && hand_run_quietly(there, sql.at);
            statement_clear(&sql);
        }
    }
    statement_free(&sql);
    return brought;
}

static bool copy_table(struct hand *from, struct hand *there, const struct chunk_table *form) {
    struct statement lower = {0}, cut = {0}, sql = {0};
    size_t count = 0;
    bool copied;
    do {
        struct server_rows *rows = NULL;
        copied = find_cut(from, form, lower.used ? lower.at : NULL, &cut);
        statement_clear(&sql);
        chunk_write_rows(&sql, form,
                         (struct chunk_range){lower.used ? lower.at : NULL, cut.used ? cut.at : NULL});
        copied = copied && !sql.failed && hand_ask(from, sql.at, &rows) && bring_rows(there, form, rows);
        count += server_rows_count(rows);
        server_rows_free(rows);
        const struct statement swap = lower;
        lower = cut;
        cut = swap;
    } while (copied && lower.used);
    if (copied)
        printf("%s: %zu rows of %s.%s\n", there->name, count, form->database, form->name);
    statement_free(&lower);
    statement_free(&cut);
    statement_free(&sql);
    return copied;
}

bool copy_rows(struct hand *from, struct hand *there, const struct catalogue *tables) {
    bool copied = true;
    for (size_t i = 0; copied && i < tables->count; i++) {
        const struct chunk_table *form = &tables->tables[i].form;
        const char *refused = chunk_refuses_comparing(form);
        printf("%s: REPLACE INTO %s.%s, the rows that %s has, by ranges of the primary key\n", there->name,
               form->database, form->name, from->name);
        fflush(stdout);
        if (refused)
            printf("WARNING the rows of %s.%s aren't copied: %s\n", form->database, form->name, refused);
        else if (!there->dry_run)
            copied = copy_table(from, there, form);
    }
    return copied;
}

static bool is_there(const struct server_rows *rows, const char *database, const char *table) {
    for (size_t row = 0; row < server_rows_count(rows); row++) {
        const char *db = server_rows_value(rows, row, "db"), *tb = server_rows_value(rows, row, "tb");
        if (db && tb && strcmp(db, database) == 0 && strcmp(tb, table) == 0)
            return true;
    }
    return false;
}

void copy_warn_of_others(struct hand *from, struct hand *there, const struct catalogue *tables) {
    static const char sql[] =
        "SELECT table_schema AS db, table_name AS tb FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema " IS_OTHER_DATABASE " ORDER BY 1, 2";
    struct server_rows *have = NULL, *has = NULL;
    size_t missing = 0, first = 0;
    if (hand_ask(from, sql, &have) && hand_ask(there, sql, &has))
        for (size_t row = 0; row < server_rows_count(have); row++) {
            const char *db = server_rows_value(have, row, "db"), *tb = server_rows_value(have, row, "tb");
            if (db && tb && !is_there(has, db, tb) && !catalogue_find(tables, db, tb)) {
                first = missing ? first : row;
                missing++;
            }
        }
    if (missing)
        printf("WARNING %zu tables that are no cache tables are at %s and not at %s (%s.%s, ...): what is "
               "written to them stops the link there (1146); bring them by other means\n",
               missing, from->name, there->name, server_rows_value(have, first, "db"),
               server_rows_value(have, first, "tb"));
    server_rows_free(have);
    server_rows_free(has);
}
