#include "script.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"

/* Adds to both texts of the script's newest statement. `secret` is added to the first only; the second gets
 * stars. */
struct writer {
    struct script *script;
    bool overflow;
};

static void begin(struct writer *writer) {
    if (writer->script->count >= SCRIPT_MAX) {
        writer->overflow = true;
        return;
    }
    writer->script->sql[writer->script->count][0] = '\0';
    writer->script->shown[writer->script->count][0] = '\0';
    writer->script->count++;
}

static void append(struct writer *writer, char *text, const char *added) {
    const size_t used = strlen(text);
    if (snprintf(text + used, SCRIPT_TEXT - used, "%s", added) >= (int)(SCRIPT_TEXT - used))
        writer->overflow = true;
}

static void put(struct writer *writer, const char *text) {
    append(writer, writer->script->sql[writer->script->count - 1], text);
    append(writer, writer->script->shown[writer->script->count - 1], text);
}

__attribute__((format(printf, 2, 3))) static void putf(struct writer *writer, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) >= (int)sizeof text)
        writer->overflow = true;
    va_end(arguments);
    put(writer, text);
}

static void put_quoted(struct writer *writer, const char *value) {
    char quoted[SCRIPT_TEXT];
    if (!quote_text(value, quoted, sizeof quoted))
        writer->overflow = true;
    else
        put(writer, quoted);
}

static void put_secret(struct writer *writer, const char *value) {
    char quoted[SCRIPT_TEXT];
    if (!quote_text(value ? value : "", quoted, sizeof quoted))
        writer->overflow = true;
    else
        append(writer, writer->script->sql[writer->script->count - 1], quoted);
    append(writer, writer->script->shown[writer->script->count - 1], "'***'");
}

static void put_change(struct writer *writer, const struct dialect *dialect,
                       const struct script_order *order) {
    const struct config_login *login = &order->ring->replication;
    const char *prefix = dialect->option_prefix;
    /* The source says "still here" this often; five times in the time after which silence counts as a lost
     * connection. */
    const unsigned period_s = order->ring->net_timeout_s >= 5 ? order->ring->net_timeout_s / 5 : 1;
    begin(writer);
    putf(writer, "%s%sHOST=", dialect->change, prefix);
    put_quoted(writer, order->source->host);
    putf(writer, ", %sPORT=%u, %sUSER=", prefix, order->source->port, prefix);
    put_quoted(writer, login->user ? login->user : "");
    putf(writer, ", %sPASSWORD=", prefix);
    put_secret(writer, login->password);
    putf(writer, ", %sCONNECT_RETRY=%u, %sHEARTBEAT_PERIOD=%u", prefix, order->ring->connect_retry_s, prefix,
         period_s);
    if (login->tls) {
        putf(writer, ", %sSSL=1, %sSSL_VERIFY_SERVER_CERT=%d", prefix, prefix, login->tls_ca != NULL);
        if (login->tls_ca) {
            putf(writer, ", %sSSL_CA=", prefix);
            put_quoted(writer, login->tls_ca);
        }
    } else {
        put(writer, dialect->unencrypted);
    }
    put(writer, dialect->by_gtid);
}

/* Into the script's newest statement. */
static void put_position(struct writer *writer, const struct dialect *dialect, const char *position) {
    const char *place = strstr(dialect->skip_position, "%s");
    char before[64];
    snprintf(before, sizeof before, "%.*s", (int)(place - dialect->skip_position), dialect->skip_position);
    put(writer, before);
    put_quoted(writer, position);
    put(writer, place + 2);
}

bool script_for_step(enum link_step step, const struct dialect *dialect, const struct script_order *order,
                     struct script *script) {
    struct writer writer = {.script = script};
    script->count = 0;
    script->position_at = SCRIPT_MAX;
    const bool stops = step == LINK_POINT || step == LINK_SKIP;
    const bool stops_fetching = step == LINK_RESTART_IO || step == LINK_HOLD;
    if (stops || stops_fetching) {
        begin(&writer);
        putf(&writer, "STOP %s%s", dialect->replica_word, stops_fetching ? " IO_THREAD" : "");
    }
    if (stops && order->position) {
        script->position_at = script->count;
        begin(&writer);
        put_position(&writer, dialect, order->position);
    }
    if (step == LINK_POINT)
        put_change(&writer, dialect, order);
    if (stops || step == LINK_RESTART_IO || step == LINK_START) {
        begin(&writer);
        putf(&writer, "START %s%s", dialect->replica_word, step == LINK_RESTART_IO ? " IO_THREAD" : "");
    }
    return !writer.overflow;
}

bool script_set_position(struct script *script, const struct dialect *dialect, const char *position) {
    const size_t count = script->count;
    struct writer writer = {.script = script};
    script->count = script->position_at;
    begin(&writer);
    put_position(&writer, dialect, position);
    script->count = count;
    return !writer.overflow;
}

bool script_for_account(const struct config_login *login, struct script *script) {
    struct writer writer = {.script = script};
    script->count = 0;
    script->position_at = SCRIPT_MAX;
    begin(&writer);
    put(&writer, "SET SESSION sql_log_bin = 0");
    begin(&writer);
    put(&writer, "CREATE USER IF NOT EXISTS ");
    put_quoted(&writer, login->user);
    put(&writer, "@'%' IDENTIFIED BY ");
    put_secret(&writer, login->password);
    begin(&writer);
    put(&writer, "GRANT REPLICATION SLAVE ON *.* TO ");
    put_quoted(&writer, login->user);
    put(&writer, "@'%'");
    return !writer.overflow;
}

bool script_next_gtid(const char *set, size_t *next, unsigned long long *number, char *gtid, size_t size) {
    /* *next counts the GTIDs that were given; sets are short, so they are walked anew each time. */
    size_t passed = 0;
    for (const char *at = set; *at;) {
        while (*at == ',' || *at == '\n' || *at == ' ')
            at++;
        const size_t uuid = strcspn(at, ":,");
        const char *part = at + uuid;
        while (*part == ':') {
            char *end;
            const unsigned long long first = strtoull(part + 1, &end, 10);
            const unsigned long long last = *end == '-' ? strtoull(end + 1, &end, 10) : first;
            if (first == 0 || last < first)
                return false;
            if (*next - passed <= last - first) {
                *number = first + (*next - passed);
                ++*next;
                return snprintf(gtid, size, "%.*s:%llu", (int)uuid, at, *number) < (int)size;
            }
            passed += (size_t)(last - first + 1);
            part = end;
        }
        if (part == at)
            return false;
        at = part;
    }
    return false;
}
