#include "verdict.h"

#include "client_api.h"

/* Only errors that come of the rows, of another session's locks or of the text alone are shown as the shadow
 * said them. All else - what depends on the form of the tables, on rights, on the server's state - goes to
 * main, which then says for itself whether it was an error: always right, and at worst as slow as without the
 * shim. */
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
    case 1062: /* ER_DUP_ENTRY */
    case 1064: /* ER_PARSE_ERROR */
    case 1205: /* ER_LOCK_WAIT_TIMEOUT */
    case 1242: /* ER_SUBQUERY_NO_1_ROW */
    case 1317: /* ER_QUERY_INTERRUPTED */
    case 1586: /* ER_DUP_ENTRY_WITH_KEY_NAME */
    case 1690: /* ER_DATA_OUT_OF_RANGE */
    case 1792: /* ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION */
    case 1969: /* ER_STATEMENT_TIMEOUT (MariaDB) */
    case 3024: /* ER_QUERY_TIMEOUT (MySQL) */
        return VERDICT_APPLICATION;
    default:
        return VERDICT_REFUSED;
    }
}

enum verdict verdict_of_statement(unsigned error) {
    switch (error) {
    case 2008: /* CR_OUT_OF_MEMORY */
    case 2030: /* CR_NO_PREPARE_STMT */
    case 2031: /* CR_PARAMS_NOT_BOUND */
    case 2032: /* CR_DATA_TRUNCATED */
    case 2033: /* CR_NO_PARAMETERS_EXISTS */
    case 2034: /* CR_INVALID_PARAMETER_NO */
    case 2035: /* CR_INVALID_BUFFER_USE */
    case 2036: /* CR_UNSUPPORTED_PARAM_TYPE */
    case 2050: /* CR_FETCH_CANCELED */
    case 2051: /* CR_NO_DATA */
    case 2052: /* CR_NO_STMT_METADATA */
    case 2053: /* CR_NO_RESULT_SET */
    case 2057: /* CR_NEW_STMT_METADATA */
    case 5003: /* CR_FUNCTION_NOT_SUPPORTED (Connector/C) */
    case 5006: /* CR_BULK_WITHOUT_PARAMETERS (Connector/C) */
        return VERDICT_APPLICATION;
    default:
        return verdict_of(error);
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
