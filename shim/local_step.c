#define _GNU_SOURCE
#include "local_parts.h"

#include "broken_pipe.h"
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS "database or variables"

/* All settings that the connection lacks, in the order in which they were made; those that can share a
 * statement do. */
static __attribute__((cold)) bool set_settings(struct handle *handle, struct local *local, bool autocommit) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) {
        return false;
    }
    const char *before = "SET ";
    bool done = true;
    if (local->autocommit != autocommit) {
        fprintf(stream, "%sSESSION autocommit = %d", before, autocommit);
        before = ", ";
    }
    for (size_t i = 0; i < handle->session.setting_count; i++) {
        const struct session_setting *setting = &handle->session.settings[i];
        if (setting->version <= local->version || !setting->text) {
            continue;
        }
        if (!setting->alone) {
            fprintf(stream, "%s%s", before, setting->text);
            before = ", ";
            continue;
        }
        char *alone = NULL;
        if (asprintf(&alone, "SET %s", setting->text) < 0) {
            done = false;
            break;
        }
        done &= local_say(local, alone, strlen(alone));
        free(alone);
    }
    if (fclose(stream) != 0) {
        done = false;
    } else if (done && length > 0) {
        done = local_say(local, text, length);
    }
    free(text);
    if (done) {
        local->transaction &= !autocommit || local->autocommit; /* to switch it on commits */
        local->autocommit = autocommit;
    }
    return done;
}

static __attribute__((noinline)) bool begin(struct handle *handle, struct local *local) {
    const struct session *session = &handle->session;
    if (session->begun) {
        char text[96] = "START TRANSACTION";
        if (session->begun_snapshot) {
            strcat(text, " WITH CONSISTENT SNAPSHOT");
        }
        if (session->begun_read_only) {
            strcat(text, session->begun_snapshot ? ", READ ONLY" : " READ ONLY");
        }
        if (!local_say(local, text, strlen(text))) {
            return false;
        }
    }
    local->transaction = true;
    local->written = false;
    for (size_t i = 0; i < session->savepoint_count; i++) {
        char text[512];
        int length = snprintf(text, sizeof text, "SAVEPOINT `%s`", session->savepoints[i]);
        if (length < 0 || (size_t)length >= sizeof text || !local_say(local, text, (size_t)length)) {
            return false;
        }
    }
    return true;
}

/* The shadow could not be brought in step. Lost: the slot is empty now. */
static __attribute__((cold)) enum route_reason out_of_step(struct handle *handle, struct local_slot *slot,
                                                           const struct config *config) {
    struct local *local = slot->local;
    unsigned error = local->real->mysql_errno(local->mysql);
    handle->cause = verdict_of(error) == VERDICT_LOST ? PAGE_CAUSE_LOST : PAGE_CAUSE_OUT_OF_STEP;
    if (verdict_of(error) == VERDICT_LOST) {
        local_retire(handle, slot);
        return ROUTE_LOCAL_DOWN;
    }
    local_note_refusal("the session's", SETTINGS, error, local->real->mysql_error(local->mysql));
    return local_refuse_for_a_while(slot, config, ROUTE_SESSION_UNKNOWN);
}

static bool in_step(struct handle *handle, struct local *local, bool follow, bool begins) {
    struct session *session = &handle->session;
    bool autocommit = !follow || session->autocommit;
    if (local->version != session->version || local->autocommit != autocommit) {
        if (session->database_version != local->database_version && session->route.database.length > 0 &&
            local->real->mysql_select_db(local->mysql, session->database) != 0) {
            return false;
        }
        if (!set_settings(handle, local, autocommit)) {
            return false;
        }
        local->version = session->version;
        local->database_version = session->database_version;
        local_note_acceptance("the session's", SETTINGS);
    }
    if (begins && follow && session->route.in_transaction && !local->transaction) {
        return begin(handle, local);
    }
    return true;
}

enum route_reason local_keep_step(struct handle *handle, struct local_slot *slot, const struct config *config,
                                  bool follow, bool begins) {
    return in_step(handle, slot->local, follow, begins) ? ROUTE_ROUTED : out_of_step(handle, slot, config);
}
