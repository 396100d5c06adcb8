#include "verdict.h"

#include "client_api.h"

/* Only errors that come of the statement's text, of the rows or of another session's locks are shown as the
 * shadow said them. All else goes to main, which then says for itself whether it was an error: always right,
 * and at worst as slow as without the shim. */
enum verdict verdict_of(unsigned error) {
    if ((error >= CLIENT_ERROR_FIRST && error <= CLIENT_ERROR_LAST) ||
        (error >= CLIENT_MARIADB_ERROR_FIRST && error <= CLIENT_MARIADB_ERROR_LAST)) {
        if (error == CLIENT_COMMANDS_OUT_OF_SYNC) {
            return VERDICT_APPLICATION; /* the library's word on the order of calls */
        }
        return error == 2020 /* packet too large: refused before it was sent */ ? VERDICT_REFUSED
                                                                                : VERDICT_LOST;
    }
    switch (error) {
    case 1053: /* ER_SERVER_SHUTDOWN */
    case 1927: /* ER_CONNECTION_KILLED */
    case 4031: /* ER_CLIENT_INTERACTION_TIMEOUT */
        return VERDICT_LOST;
    case 1213: /* ER_LOCK_DEADLOCK */
    case 1020: /* ER_CHECKREAD */
        return VERDICT_DEADLOCK;
    case 1048: /* ER_BAD_NULL_ERROR */
    case 1062: /* ER_DUP_ENTRY */
    case 1064: /* ER_PARSE_ERROR */
    case 1136: /* ER_WRONG_VALUE_COUNT_ON_ROW */
    case 1205: /* ER_LOCK_WAIT_TIMEOUT */
    case 1242: /* ER_SUBQUERY_NO_1_ROW */
    case 1264: /* ER_WARN_DATA_OUT_OF_RANGE */
    case 1265: /* WARN_DATA_TRUNCATED */
    case 1292: /* ER_TRUNCATED_WRONG_VALUE */
    case 1300: /* ER_INVALID_CHARACTER_STRING */
    case 1317: /* ER_QUERY_INTERRUPTED */
    case 1364: /* ER_NO_DEFAULT_FOR_FIELD */
    case 1365: /* ER_DIVISION_BY_ZERO */
    case 1366: /* ER_TRUNCATED_WRONG_VALUE_FOR_FIELD */
    case 1406: /* ER_DATA_TOO_LONG */
    case 1451: /* ER_ROW_IS_REFERENCED_2 */
    case 1452: /* ER_NO_REFERENCED_ROW_2 */
    case 1586: /* ER_DUP_ENTRY_WITH_KEY_NAME */
    case 1690: /* ER_DATA_OUT_OF_RANGE */
    case 1792: /* ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION */
    case 1969: /* ER_STATEMENT_TIMEOUT (MariaDB) */
    case 3024: /* ER_QUERY_TIMEOUT (MySQL) */
    case 4025: /* ER_CONSTRAINT_FAILED (MariaDB) */
    case 3819: /* ER_CHECK_CONSTRAINT_VIOLATED (MySQL) */
        return VERDICT_APPLICATION;
    default:
        return VERDICT_REFUSED;
    }
}

bool verdict_is_outage(unsigned error) {
    switch (error) {
    case 2058: /* CR_AUTH_PLUGIN_... and what follows: this account, not the server */
    case 2059:
    case 2061:
        return false;
    default:
        return verdict_of(error) == VERDICT_LOST;
    }
}
