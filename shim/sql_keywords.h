/* The words that the grammar knows. Reserved: in MySQL 8 and in MariaDB 10.11 alike, so that no bare name is
 * spelled so. A word that only one of them reserves counts as a name unless it must open a clause here. By
 * letter and, within a letter, by length: the look-up goes by both (sql_keywords.c). */
#ifndef ROUNDABOUT_SQL_KEYWORDS_H
#define ROUNDABOUT_SQL_KEYWORDS_H

#include "lex.h"

/* clang-format off */
#define KEYWORDS_A(X) X(AS, 1) X(AND, 1) X(ASC, 1) X(ADD, 1) X(ALL, 1) X(ANY, 0) X(ALTER, 1) X(ANALYZE, 1) \
    X(ACCESSIBLE, 1) X(ASENSITIVE, 1)
#define KEYWORDS_B(X) X(BY, 1) X(BLOB, 1) X(BOTH, 1) X(BEFORE, 1) X(BIGINT, 1) X(BINARY, 1) X(BETWEEN, 1)
#define KEYWORDS_C(X) X(CASE, 1) X(CAST, 0) X(CALL, 1) X(CHAR, 1) X(CHECK, 1) X(CROSS, 1) X(CHANGE, 1) \
    X(COLUMN, 1) X(CREATE, 1) X(CURSOR, 1) X(CASCADE, 1) X(COLLATE, 1) X(CONVERT, 1) X(CONTINUE, 1) \
    X(CHARACTER, 1) X(CONDITION, 1) X(CONSTRAINT, 1) X(CURRENT_DATE, 1) X(CURRENT_ROLE, 0) \
    X(CURRENT_TIME, 1) X(CURRENT_USER, 1) X(CURRENT_TIMESTAMP, 1)
#define KEYWORDS_D(X) X(DEC, 1) X(DIV, 1) X(DESC, 1) X(DATE, 0) X(DROP, 1) X(DUAL, 1) X(DELETE, 1) \
    X(DOUBLE, 1) X(DECIMAL, 1) X(DECLARE, 1) X(DEFAULT, 1) X(DELAYED, 1) X(DISTINCT, 1) X(DATABASE, 1) \
    X(DAY_HOUR, 1) X(DESCRIBE, 1) X(DATABASES, 1) X(DAY_MINUTE, 1) X(DAY_SECOND, 1) X(DISTINCTROW, 1) \
    X(DETERMINISTIC, 1) X(DAY_MICROSECOND, 1)
#define KEYWORDS_E(X) X(END, 0) X(EACH, 1) X(ELSE, 1) X(EXIT, 1) X(ELSEIF, 1) X(ESCAPE, 0) X(EXCEPT, 1) \
    X(EXISTS, 1) X(ESCAPED, 1) X(EXPLAIN, 1) X(ENCLOSED, 1)
#define KEYWORDS_F(X) X(FOR, 1) X(FROM, 1) X(FALSE, 1) X(FETCH, 1) X(FLOAT, 1) X(FORCE, 1) X(FLOAT4, 1) \
    X(FLOAT8, 1) X(FOREIGN, 1) X(FULLTEXT, 1)
#define KEYWORDS_G(X) X(GRANT, 1) X(GROUP, 1)
#define KEYWORDS_H(X) X(HAVING, 1) X(HOUR_MINUTE, 1) X(HOUR_SECOND, 1) X(HIGH_PRIORITY, 1) \
    X(HOUR_MICROSECOND, 1)
#define KEYWORDS_I(X) X(IN, 1) X(IS, 1) X(IF, 1) X(INT, 1) X(INTO, 1) X(INT1, 1) X(INT2, 1) X(INT3, 1) \
    X(INT4, 1) X(INT8, 1) X(INNER, 1) X(INDEX, 1) X(INOUT, 1) X(INSERT, 1) X(IGNORE, 1) X(INFILE, 1) \
    X(INTEGER, 1) X(ITERATE, 1) X(INTERVAL, 1) X(INTERSECT, 1) X(INSENSITIVE, 1)
#define KEYWORDS_J(X) X(JOIN, 1)
#define KEYWORDS_K(X) X(KEY, 1) X(KEYS, 1) X(KILL, 1)
#define KEYWORDS_L(X) X(LEFT, 1) X(LIKE, 1) X(LOAD, 1) X(LOCK, 1) X(LONG, 1) X(LOOP, 1) X(LIMIT, 1) \
    X(LEAVE, 1) X(LINES, 1) X(LINEAR, 1) X(LATERAL, 0) X(LEADING, 1) X(LONGBLOB, 1) X(LONGTEXT, 1) \
    X(LOCALTIME, 1) X(LOW_PRIORITY, 1) X(LOCALTIMESTAMP, 1)
#define KEYWORDS_M(X) X(MOD, 1) X(MATCH, 1) X(MEMBER, 0) X(MAXVALUE, 1) X(MODIFIES, 1) X(MEDIUMINT, 1) \
    X(MIDDLEINT, 1) X(MEDIUMBLOB, 1) X(MEDIUMTEXT, 1) X(MINUTE_SECOND, 1) X(MINUTE_MICROSECOND, 1)
#define KEYWORDS_N(X) X(NOT, 1) X(NULL, 1) X(NEXT, 0) X(NATURAL, 1) X(NUMERIC, 1) X(NO_WRITE_TO_BINLOG, 1)
#define KEYWORDS_O(X) X(ON, 1) X(OR, 1) X(OUT, 1) X(OVER, 1) X(ORDER, 1) X(OUTER, 1) X(OFFSET, 0) \
    X(OPTION, 1) X(OUTFILE, 1) X(OPTIMIZE, 1) X(OPTIONALLY, 1)
#define KEYWORDS_P(X) X(PURGE, 1) X(PRIMARY, 1) X(PREVIOUS, 0) X(PARTITION, 1) X(PRECISION, 1) \
    X(PROCEDURE, 1)
#define KEYWORDS_Q(X) X(QUICK, 0)
#define KEYWORDS_R(X) X(ROW, 0) X(READ, 1) X(REAL, 1) X(ROWS, 1) X(RIGHT, 1) X(RANGE, 1) X(READS, 1) \
    X(RLIKE, 1) X(REGEXP, 1) X(RENAME, 1) X(REPEAT, 1) X(RETURN, 1) X(REVOKE, 1) X(REPLACE, 1) X(RELEASE, 1) \
    X(REQUIRE, 1) X(RESIGNAL, 1) X(RESTRICT, 1) X(RECURSIVE, 1) X(RETURNING, 1) X(READ_WRITE, 1) \
    X(REFERENCES, 1)
#define KEYWORDS_S(X) X(SET, 1) X(SQL, 1) X(SSL, 1) X(SHOW, 1) X(SOME, 0) X(SELECT, 1) X(SCHEMA, 1) \
    X(SIGNAL, 1) X(SOUNDS, 0) X(SCHEMAS, 1) X(SPATIAL, 1) X(SMALLINT, 1) X(SPECIFIC, 1) X(SQLSTATE, 1) \
    X(STARTING, 1) X(SENSITIVE, 1) X(SEPARATOR, 1) X(SQL_CACHE, 0) X(SQLWARNING, 1) X(SQLEXCEPTION, 1) \
    X(SQL_NO_CACHE, 0) X(STRAIGHT_JOIN, 1) X(SQL_BIG_RESULT, 1) X(SQL_SMALL_RESULT, 1) \
    X(SQL_BUFFER_RESULT, 0) X(SECOND_MICROSECOND, 1) X(SQL_CALC_FOUND_ROWS, 1)
#define KEYWORDS_T(X) X(TO, 1) X(TIME, 0) X(TRUE, 1) X(THEN, 1) X(TABLE, 1) X(TINYINT, 1) X(TRIGGER, 1) \
    X(TINYBLOB, 1) X(TINYTEXT, 1) X(TRAILING, 1) X(TIMESTAMP, 0) X(TERMINATED, 1)
#define KEYWORDS_U(X) X(USE, 1) X(UNDO, 1) X(UNION, 1) X(USING, 1) X(USAGE, 1) X(UPDATE, 1) X(UNIQUE, 1) \
    X(UNLOCK, 1) X(UNSIGNED, 1) X(UTC_DATE, 1) X(UTC_TIME, 1) X(UTC_TIMESTAMP, 1)
#define KEYWORDS_V(X) X(VALUE, 0) X(VALUES, 1) X(VARCHAR, 1) X(VARYING, 1) X(VARBINARY, 1) \
    X(VARCHARACTER, 1)
#define KEYWORDS_W(X) X(WHEN, 1) X(WITH, 1) X(WHERE, 1) X(WHILE, 1) X(WRITE, 1) X(WINDOW, 0)
#define KEYWORDS_X(X) X(XOR, 1)
#define KEYWORDS_Y(X) X(YEAR_MONTH, 1)
#define KEYWORDS_Z(X) X(ZEROFILL, 1)
/* clang-format on */

#define KEYWORDS(X)                                                                                       \
    KEYWORDS_A(X)                                                                                         \
    KEYWORDS_B(X)                                                                                         \
    KEYWORDS_C(X)                                                                                         \
    KEYWORDS_D(X)                                                                                         \
    KEYWORDS_E(X) KEYWORDS_F(X) KEYWORDS_G(X) KEYWORDS_H(X) KEYWORDS_I(X) KEYWORDS_J(X) KEYWORDS_K(X)     \
        KEYWORDS_L(X) KEYWORDS_M(X) KEYWORDS_N(X) KEYWORDS_O(X) KEYWORDS_P(X) KEYWORDS_Q(X) KEYWORDS_R(X) \
            KEYWORDS_S(X) KEYWORDS_T(X) KEYWORDS_U(X) KEYWORDS_V(X) KEYWORDS_W(X) KEYWORDS_X(X)           \
                KEYWORDS_Y(X) KEYWORDS_Z(X)

enum keyword {
    KEYWORD_NONE, /* any other word */
#define X(name, reserved) KEYWORD_##name,
    KEYWORDS(X)
#undef X
        KEYWORD_COUNT
};

enum keyword keyword_of(struct slice word); /* of a LEX_WORD's text, without regard to case */
bool keyword_is_reserved(enum keyword keyword);

#endif
