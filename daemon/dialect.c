#include "dialect.h"

#include <stdio.h>
#include <string.h>

static const struct dialect dialects[] = {
    {
        .kind = SERVER_MARIADB,
        .name = "MariaDB",
        .since_version = 100500,
        .replica_word = "SLAVE",
        .change = "CHANGE MASTER TO ",
        .option_prefix = "MASTER_",
        .by_gtid = ", MASTER_USE_GTID=slave_pos",
        .unencrypted = ", MASTER_SSL=0",
        .show_link = "SHOW SLAVE STATUS",
        .skip_position = "SET GLOBAL gtid_slave_pos=%s",
        .look = "SELECT @@GLOBAL.server_id AS server_id, '' AS uuid, @@GLOBAL.gtid_domain_id AS domain_id, "
                "@@GLOBAL.log_bin AS log_bin,"
                " @@GLOBAL.log_slave_updates AS log_updates, @@GLOBAL.gtid_ignore_duplicates AS gtid_ready,"
                " @@GLOBAL.gtid_strict_mode AS gtid_strict, @@GLOBAL.slave_exec_mode = 'IDEMPOTENT' AS "
                "idempotent,"
                " @@GLOBAL.read_only AS read_only, @@GLOBAL.binlog_format AS binlog_format,"
                " @@GLOBAL.auto_increment_increment AS id_step, @@GLOBAL.auto_increment_offset AS id_offset,"
                " @@GLOBAL.slave_net_timeout AS net_timeout, @@GLOBAL.sync_binlog AS sync_binlog,"
                " CAST(@@GLOBAL.expire_logs_days * 86400 AS SIGNED) AS binlog_kept,"
                " CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED) AS clock_us,"
                " @@GLOBAL.gtid_slave_pos AS applied, @@GLOBAL.gtid_binlog_pos AS logged, '' AS oldest",
        .oldest_needs_binlogs = true,
        .io_running = "Slave_IO_Running",
        .sql_running = "Slave_SQL_Running",
        .io_state = "Slave_IO_State",
        .sql_state = "Slave_SQL_Running_State",
        .source_host = "Master_Host",
        .source_port = "Master_Port",
        .source_user = "Master_User",
        .source_server_id = "Master_Server_Id",
        .gtid_column = "Using_Gtid",
        .gtid_value = "Slave_Pos",
        .received = "Gtid_IO_Pos",
        .seconds_behind = "Seconds_Behind_Master",
        .grants_to_watch = "SLAVE MONITOR, BINLOG MONITOR",
        .grants_to_heal = "REPLICATION SLAVE ADMIN",
        .grants_for_accounts =
            "CREATE USER, REPLICATION SLAVE ... WITH GRANT OPTION, BINLOG ADMIN, and SELECT on mysql.user",
    },
    {
        /* 8.0.26 is the first whose statements and variables all have their new names. */
        .kind = SERVER_MYSQL,
        .name = "MySQL",
        .since_version = 80026,
        .till_version = 100000,
        .replica_word = "REPLICA",
        .change = "CHANGE REPLICATION SOURCE TO ",
        .option_prefix = "SOURCE_",
        .by_gtid = ", SOURCE_AUTO_POSITION=1, SOURCE_RETRY_COUNT=4294967295",
        .unencrypted = ", SOURCE_SSL=0, GET_SOURCE_PUBLIC_KEY=1",
        .show_link = "SHOW REPLICA STATUS",
        .skip_position = "SET GLOBAL gtid_purged=CONCAT('+', GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed))",
        .look = "SELECT @@GLOBAL.server_id AS server_id, @@GLOBAL.server_uuid AS uuid, 0 AS domain_id, "
                "@@GLOBAL.log_bin AS log_bin,"
                " @@GLOBAL.log_replica_updates AS log_updates,"
                " @@GLOBAL.gtid_mode = 'ON' AND @@GLOBAL.enforce_gtid_consistency = 'ON' AS gtid_ready,"
                " 1 AS gtid_strict, @@GLOBAL.replica_exec_mode = 'IDEMPOTENT' AS idempotent,"
                " @@GLOBAL.read_only AS read_only, @@GLOBAL.binlog_format AS binlog_format,"
                " @@GLOBAL.auto_increment_increment AS id_step, @@GLOBAL.auto_increment_offset AS id_offset,"
                " @@GLOBAL.replica_net_timeout AS net_timeout, @@GLOBAL.sync_binlog AS sync_binlog,"
                " @@GLOBAL.binlog_expire_logs_seconds AS binlog_kept,"
                " CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED) AS clock_us,"
                " @@GLOBAL.gtid_executed AS applied, @@GLOBAL.gtid_executed AS logged, @@GLOBAL.gtid_purged "
                "AS oldest",
        .fresh_statistics = "SET SESSION information_schema_stats_expiry = 0",
        .error_text_is_in_workers = true,
        .io_running = "Replica_IO_Running",
        .sql_running = "Replica_SQL_Running",
        .io_state = "Replica_IO_State",
        .sql_state = "Replica_SQL_Running_State",
        .source_host = "Source_Host",
        .source_port = "Source_Port",
        .source_user = "Source_User",
        .source_server_id = "Source_Server_Id",
        .gtid_column = "Auto_Position",
        .gtid_value = "1",
        .received = "Retrieved_Gtid_Set",
        .seconds_behind = "Seconds_Behind_Source",
        .grants_to_watch = "REPLICATION CLIENT ON *.*, and SELECT ON performance_schema.*",
        .grants_to_heal = "REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, REPLICATION_APPLIER",
        .grants_for_accounts = "CREATE USER, REPLICATION SLAVE ... WITH GRANT OPTION, "
                               "SESSION_VARIABLES_ADMIN, and SELECT on mysql.user",
    },
};

const struct dialect *dialect_for_version(const char *version) {
    /* Some MariaDB versions put this before their own, for replicas of old. */
    static const char old_prefix[] = "5.5.5-";
    if (strncmp(version, old_prefix, sizeof old_prefix - 1) == 0)
        version += sizeof old_prefix - 1;
    const enum server_kind kind = strstr(version, "MariaDB") ? SERVER_MARIADB : SERVER_MYSQL;
    unsigned major = 0, minor = 0, patch = 0;
    if (sscanf(version, "%u.%u.%u", &major, &minor, &patch) < 2)
        return NULL;
    const unsigned number = major * 10000 + minor * 100 + patch;
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (dialects[i].kind == kind && number >= dialects[i].since_version &&
            (!dialects[i].till_version || number < dialects[i].till_version))
            return &dialects[i];
    return NULL;
}

const struct dialect *dialect_for_kind(enum server_kind kind) {
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (dialects[i].kind == kind)
            return &dialects[i];
    return NULL;
}
